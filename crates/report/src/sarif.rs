//! A run as a SARIF log, version 2.1.0: what code scanning services and editors read.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>; the types below are the part of it that there is
//! something to say in, with its names.

use crate::finding::{Finding, Place};
use crate::manual::roles;
use crate::run::{Notice, Reported, Run, Step, Topic};
use contract::{Rule, page_url};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use verify::level::Level;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A log.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [LogRun; 1],
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct LogRun {
    tool: Tool,
    invocations: [Invocation; 1],
    results: Vec<LogResult>,
    properties: Json,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Tool {
    driver: Component,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Component {
    name: &'static str,
    version: String,
    rules: Vec<Descriptor>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: String,
    short_description: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    help: Message,
    default_configuration: Configuration,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Json>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Message {
    text: String,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    exit_code: u8,
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Notification {
    descriptor: DescriptorReference,
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Json>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct DescriptorReference {
    id: String,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogResult {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis_target: Option<Artifact>,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    code_flows: Option<[CodeFlow; 1]>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    occurrence_count: u64,
    properties: Json,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<PhysicalLocation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

/// An offset into an image.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    relative_address: u32,
    fully_qualified_name: String,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    name: String,
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CodeFlow {
    thread_flows: Vec<ThreadFlow>,
}

/// What one task did.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct ThreadFlow {
    id: String,
    locations: Vec<FlowLocation>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FlowLocation {
    location: Location,
    /// The number of the trace's line: the order between tasks.
    execution_order: usize,
    nesting_level: u8,
}

impl Log {
    /// The log of a run. What breaks a rule that binds NDIS is a bug of condis, and must be among the notices instead of the
    /// findings.
    pub fn of(run: &Run<'_>) -> Log {
        let mut rules: Vec<Descriptor> = Vec::new();
        let mut results = Vec::new();
        for reported in &run.findings {
            let id = &reported.finding.id;
            let index = rules.iter().position(|rule| rule.id == *id).unwrap_or_else(|| {
                rules.push(descriptor(reported.finding));
                rules.len() - 1
            });
            results.push(result(reported, index));
        }
        let invocation = Invocation {
            exit_code: run.exit_code,
            // A run that finds something has done its work.
            execution_successful: matches!(run.exit_code, 0 | 1),
            tool_execution_notifications: run.notices.iter().map(notification).collect(),
        };
        let mut properties = Map::new();
        properties.insert("executions".to_owned(), run.executions.into());
        properties.insert("clean".to_owned(), run.clean.into());
        properties.insert("strategy".to_owned(), run.strategy.into());
        if let Some(seed) = run.seed {
            properties.insert("seed".to_owned(), seed.into());
        }
        let driver = Component { name: "condis", version: run.version.to_owned(), rules };
        let run = LogRun {
            tool: Tool { driver },
            invocations: [invocation],
            results,
            properties: Json::Object(properties),
        };
        Log { schema: SCHEMA, version: "2.1.0", runs: [run] }
    }
}

fn message(text: impl Into<String>) -> Message {
    Message { text: text.into() }
}

/// The rule of a finding, as the contract has it.
fn descriptor(finding: &Finding) -> Descriptor {
    let Some(rule) = Rule::from_id(&finding.id) else {
        let text = "What a scenario, or a driver that is written for a test, expects must come of a run.";
        return Descriptor {
            id: finding.id.clone(),
            short_description: message(text),
            help_uri: None,
            help: message(text),
            default_configuration: Configuration { level: Level::Error.as_str() },
            properties: None,
        };
    };
    let info = rule.info();
    let pages: Vec<String> =
        info.pages.iter().filter_map(|page| page_url(page)).map(|url| url.to_string()).collect();
    let mut help = info.text.to_owned();
    pages.iter().for_each(|page| help += &format!("\n{page}"));
    for question in info.rests_on {
        let question = question.info();
        help +=
            &format!("\nOpen question {}: {} Our reading: {}", question.id, question.about, question.reading);
    }
    let rests_on: Vec<&str> = info.rests_on.iter().map(|question| question.info().id).collect();
    Descriptor {
        id: info.id.to_owned(),
        short_description: message(info.text),
        help_uri: pages.into_iter().next(),
        help: message(help),
        default_configuration: Configuration { level: Level::of(rule).as_str() },
        properties: Some(json!({
            "tags": [info.area.as_str()],
            "strength": info.strength.as_str(),
            "binds": roles(info.binds),
            "rests_on": rests_on,
        })),
    }
}

fn notification(notice: &Notice) -> Notification {
    let level = match notice.topic {
        Topic::Unjudged | Topic::Bug => Level::Error,
        Topic::Interrupted => Level::Warning,
        Topic::NotExercised => Level::Note,
    };
    Notification {
        descriptor: DescriptorReference { id: notice.topic.as_str().to_owned() },
        level: level.as_str(),
        message: message(&*notice.text),
        properties: notice
            .shown
            .as_ref()
            .map(|(executions, replay)| json!({"executions": executions, "replay": replay})),
    }
}

fn result(reported: &Reported<'_>, rule_index: usize) -> LogResult {
    let finding = reported.finding;
    let file = reported.file.as_deref();
    LogResult {
        rule_id: finding.id.clone(),
        rule_index,
        level: finding.level.as_str(),
        message: message(&*finding.message),
        analysis_target: file.map(|file| Artifact { uri: uri(file) }),
        locations: [location(finding.site.as_ref(), finding.by.as_deref(), file, None)],
        code_flows: code_flow(&reported.steps, file).map(|flow| [flow]),
        partial_fingerprints: BTreeMap::from([("finding/v1", fingerprint(finding))]),
        occurrence_count: reported.executions,
        properties: json!({"token": reported.token, "replay": finding.replay}),
    }
}

/// What stays the same in every order, and, if the debug information knows the function, in the next build: rule, driver,
/// offence, place.
fn fingerprint(finding: &Finding) -> String {
    let place = match &finding.site {
        Some(Place { module, function: Some(function), .. }) => format!("{module}!{function}"),
        Some(Place { module, offset, .. }) => format!("{module}+{offset:#x}"),
        None => String::new(),
    };
    format!("{}|{}|{}|{place}", finding.id, finding.by.as_deref().unwrap_or_default(), finding.offence)
}

/// A place in a driver: its source, or else `file`. Readers such as GitHub's want every location in some file, so what
/// happens inside NDIS lies in the file that the finding is about.
fn location(
    place: Option<&Place>,
    driver: Option<&str>,
    file: Option<&str>,
    message: Option<Message>,
) -> Location {
    let source = place.and_then(|place| place.file.as_deref());
    let artifact = source.map(source_uri).or(file.map(uri));
    let region =
        place.filter(|place| place.file.is_some()).and_then(|place| place.line).filter(|line| *line > 0);
    let physical_location = artifact.map(|uri| PhysicalLocation {
        artifact_location: Artifact { uri },
        region: region.map(|start_line| Region { start_line }),
        address: place.map(|place| Address {
            relative_address: place.offset,
            fully_qualified_name: format!("{}+{:#x}", place.module, place.offset),
        }),
    });
    let function = place.and_then(|place| Some((place, place.function.clone()?)));
    let logical_location = match (function, driver) {
        (Some((place, name)), _) => Some(LogicalLocation {
            fully_qualified_name: format!("{}!{name}", place.module),
            name,
            kind: "function",
        }),
        (None, Some(driver)) => Some(LogicalLocation {
            name: driver.to_owned(),
            fully_qualified_name: driver.to_owned(),
            kind: "module",
        }),
        (None, None) => None,
    };
    Location { physical_location, logical_locations: logical_location.into_iter().collect(), message }
}

/// The cut trace: a flow for each task, with the order between them. `file` stands for steps without one.
fn code_flow(steps: &[Step], file: Option<&str>) -> Option<CodeFlow> {
    let mut tasks: BTreeMap<u16, Vec<FlowLocation>> = BTreeMap::new();
    for step in steps {
        let file = step.file.as_deref().or(file);
        let said = Some(message(&*step.text));
        tasks.entry(step.task).or_default().push(FlowLocation {
            location: location(step.place.as_ref(), step.driver.as_deref(), file, said),
            execution_order: step.line,
            nesting_level: step.depth,
        });
    }
    let flow = |(task, locations)| ThreadFlow { id: format!("T{task}"), locations };
    let thread_flows: Vec<ThreadFlow> = tasks.into_iter().map(flow).collect();
    (!thread_flows.is_empty()).then_some(CodeFlow { thread_flows })
}

/// A path of this machine as a URI, relative if the path is.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", escaped(path))
}

/// The path of a source file as a URI: the compiler may have run on Windows.
fn source_uri(path: &str) -> String {
    let drive = matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    if drive {
        let (drive, rest) = path.split_at(2);
        format!("file:///{drive}{}", escaped(&rest.replace('\\', "/")))
    } else if path.contains('\\') && !path.contains('/') {
        let path = path.replace('\\', "/");
        // A share names its machine.
        if path.starts_with("//") { format!("file:{}", escaped(&path)) } else { uri(&path) }
    } else {
        uri(path)
    }
}

/// Everything but the characters that stand for themselves in each part of a path, as UTF-8 in percent signs.
fn escaped(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{source_uri, uri};

    #[test]
    fn paths_become_uris() {
        for (path, expected) in [
            ("samples/mcm.sys", "samples/mcm.sys"),
            ("./mcm.sys", "mcm.sys"),
            ("../my driver#1.sys", "../my%20driver%231.sys"),
            ("/build/mcm.sys", "file:///build/mcm.sys"),
            ("a:b%/\\ü.sys", "a%3Ab%25/%5C%C3%BC.sys"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }

    #[test]
    fn source_files_become_uris() {
        for (path, expected) in [
            ("./src/mcm.c", "src/mcm.c"),
            ("/build/mcm.c", "file:///build/mcm.c"),
            ("src\\mcm.c", "src/mcm.c"),
            ("C:\\src\\my mcm.c", "file:///C:/src/my%20mcm.c"),
            ("d:/src/mcm.c", "file:///d:/src/mcm.c"),
            ("\\\\server\\src\\mcm.c", "file://server/src/mcm.c"),
        ] {
            assert_eq!(source_uri(path), expected);
        }
    }
}
