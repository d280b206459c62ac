//! A run as a JUnit report: what GitLab, Jenkins and others show as tests.
//!
//! A run is one suite. Each distinct finding is a test that fails, or passes if it is a note; what could not be judged and
//! bugs of condis are tests with an error. If nothing fails, a test that passes says so.

use crate::run::{Notice, Reported, Run, Topic};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io;
use verify::level::Level;

/// A test.
struct Case {
    name: String,
    class: String,
    file: Option<String>,
    outcome: Outcome,
    text: String,
}

/// What became of a test.
enum Outcome {
    Passed,
    Failed { level: Level, message: String },
    Error { topic: Topic, message: String },
}

/// The report of a run, ending with a line break.
///
/// # Errors
/// None that a writer to memory has.
pub fn document(run: &Run<'_>) -> io::Result<String> {
    let mut cases: Vec<Case> = run.findings.iter().map(finding).collect();
    let (remarks, errors): (Vec<&Notice>, Vec<&Notice>) =
        run.notices.iter().partition(|notice| notice.topic == Topic::NotExercised);
    cases.extend(errors.into_iter().map(error));
    let count = |wanted: fn(&Outcome) -> bool| cases.iter().filter(|case| wanted(&case.outcome)).count();
    let failures = count(|outcome| matches!(outcome, Outcome::Failed { .. }));
    let errors = count(|outcome| matches!(outcome, Outcome::Error { .. }));
    if failures + errors == 0 {
        cases.push(silence(run, &remarks));
    }
    let counts = [("tests", cases.len()), ("failures", failures), ("errors", errors)];
    let counts = counts.map(|(name, count)| (name, count.to_string()));
    let counts = || counts.iter().map(|(name, count)| (*name, count.as_str()));

    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites = writer.create_element("testsuites").with_attribute(("name", "condis"));
    suites.with_attributes(counts()).write_inner_content(|writer| {
        let suite = writer.create_element("testsuite").with_attribute(("name", "condis"));
        suite.with_attributes(counts()).write_inner_content(|writer| {
            writer.create_element("properties").write_inner_content(|writer| {
                property(writer, "version", run.version)?;
                property(writer, "strategy", run.strategy)?;
                if let Some(seed) = run.seed {
                    property(writer, "seed", &seed.to_string())?;
                }
                property(writer, "executions", &run.executions.to_string())
            })?;
            cases.iter().try_for_each(|case| write_case(writer, case))
        })?;
        Ok(())
    })?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn finding(reported: &Reported<'_>) -> Case {
    let finding = reported.finding;
    let source = finding.site.as_ref().and_then(|site| site.file.clone());
    Case {
        // Objects are called otherwise in another order; the test's name must not change with them.
        name: format!("{}: {}", finding.id, finding.offence),
        class: finding.by.clone().unwrap_or_else(|| "condis".to_owned()),
        file: source.or_else(|| reported.file.clone()),
        outcome: match finding.level {
            Level::Note => Outcome::Passed,
            level @ (Level::Error | Level::Warning) => {
                Outcome::Failed { level, message: finding.message.clone() }
            }
        },
        text: reported.text.clone(),
    }
}

fn error(notice: &Notice) -> Case {
    let mut text = notice.text.clone();
    if let Some((executions, replay)) = &notice.shown {
        text += &format!("\nexecutions: {executions}\nreplay: {replay}");
    }
    Case {
        name: format!("{}: {}", notice.topic.as_str(), notice.text),
        class: "condis".to_owned(),
        file: None,
        outcome: Outcome::Error { topic: notice.topic, message: notice.text.clone() },
        text: text + "\n",
    }
}

/// The test that passes when nothing fails.
fn silence(run: &Run<'_>, remarks: &[&Notice]) -> Case {
    let what = if run.findings.is_empty() { "findings" } else { "errors or warnings" };
    let executions = if run.executions == 1 { "execution" } else { "executions" };
    Case {
        name: format!("no {what} in {} {executions}", run.executions),
        class: "condis".to_owned(),
        file: None,
        outcome: Outcome::Passed,
        text: remarks.iter().map(|remark| format!("not exercised: {}\n", remark.text)).collect(),
    }
}

fn property(writer: &mut Writer<Vec<u8>>, name: &str, value: &str) -> io::Result<()> {
    writer.create_element("property").with_attributes([("name", name), ("value", value)]).write_empty()?;
    Ok(())
}

fn write_case(writer: &mut Writer<Vec<u8>>, case: &Case) -> io::Result<()> {
    let (name, class) = (sound(&case.name), sound(&case.class));
    let mut element = writer
        .create_element("testcase")
        .with_attributes([("classname", class.as_str()), ("name", name.as_str())]);
    if let Some(file) = &case.file {
        // Relative to the folder of the run, as the readers of a report want it.
        let file = file.strip_prefix("./").unwrap_or(file);
        element = element.with_attribute(("file", sound(file).as_str()));
    }
    let (tag, kind, message) = match &case.outcome {
        Outcome::Passed if case.text.is_empty() => {
            element.write_empty()?;
            return Ok(());
        }
        Outcome::Passed => ("system-out", "", ""),
        Outcome::Failed { level, message } => ("failure", level.as_str(), message.as_str()),
        Outcome::Error { topic, message } => ("error", topic.as_str(), message.as_str()),
    };
    element.write_inner_content(|writer| {
        let mut element = writer.create_element(tag);
        if !kind.is_empty() {
            let message = sound(message);
            element = element.with_attributes([("type", kind), ("message", message.as_str())]);
        }
        element.write_text_content(BytesText::new(&sound(&case.text)))?;
        Ok(())
    })?;
    Ok(())
}

/// The text with U+FFFD for each character that XML 1.0 cannot hold, not even as a reference.
fn sound(text: &str) -> String {
    let is_sound = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if is_sound(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests {
    use super::document;
    use crate::finding::Finding;
    use crate::run::{Reported, Run};
    use expect_test::expect;
    use verify::level::Level;

    #[test]
    fn no_text_breaks_the_report() {
        let odd = "<b>&\"'\u{1} ü";
        let finding = |level| Finding::other("odd", level, Some("a<b".to_owned()), odd.to_owned());
        let findings = [finding(Level::Error), finding(Level::Note)];
        let reported = |finding| Reported {
            finding,
            text: "\u{1b}[31m]]>\u{ffff}\n&\n".to_owned(),
            file: Some("./\"&.sys".to_owned()),
            executions: 1,
            token: String::new(),
            steps: Vec::new(),
        };
        let run = Run {
            version: "0",
            exit_code: 1,
            executions: 1,
            clean: 0,
            strategy: "fifo",
            seed: Some(7),
            findings: findings.iter().map(reported).collect(),
            notices: Vec::new(),
        };
        expect![[r#"
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="condis" tests="2" failures="1" errors="0">
              <testsuite name="condis" tests="2" failures="1" errors="0">
                <properties>
                  <property name="version" value="0"/>
                  <property name="strategy" value="fifo"/>
                  <property name="seed" value="7"/>
                  <property name="executions" value="1"/>
                </properties>
                <testcase classname="a&lt;b" name="odd: &lt;b&gt;&amp;&quot;&apos;� ü" file="&quot;&amp;.sys">
                  <failure type="error" message="&lt;b&gt;&amp;&quot;&apos;� ü">�[31m]]&gt;�
            &amp;
            </failure>
                </testcase>
                <testcase classname="a&lt;b" name="odd: &lt;b&gt;&amp;&quot;&apos;� ü" file="&quot;&amp;.sys">
                  <system-out>�[31m]]&gt;�
            &amp;
            </system-out>
                </testcase>
              </testsuite>
            </testsuites>
        "#]]
        .assert_eq(&document(&run).expect("memory can be written"));
    }
}
