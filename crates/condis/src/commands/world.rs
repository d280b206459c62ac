//! The arguments that say what runs, for `run` and `replay` alike; and what both print.

use crate::cli::RunFormat;
use crate::output::{Failure, Output};
use clap::ValueEnum;
use condis::campaign::{Campaign, Found};
use condis::objects::{self, When};
use condis::plan::{Body, InputError, Inputs, Options, Plan};
use condis::session::{Recording, SessionError};
use condis::source::DriverName;
use condis::suggest;
use condis::token::Token;
use contract::{Ddi, Rule};
use model::StopOrder;
use report::finding::Finding;
use report::objects::{Moment, MomentJson};
use report::run::{self, Notice, Reported, Run, Topic};
use report::sarif::Log;
use report::trace::{Show, Writer};
use report::{Level, Levels, Look, Setting, json, junit};
use serde::Serialize;
use std::path::PathBuf;

/// What runs.
#[derive(Debug, clap::Args)]
pub(crate) struct World {
    /// A scenario file: adapters, peers, what happens, what must come of it.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// The order in which NDIS stops an adapter.
    #[arg(long, value_enum, value_name = "ORDER")]
    stop_order: Option<StopOrderArgument>,
    /// Say nothing of breaches of this rule.
    #[arg(long, value_name = "RULE", value_parser = rule)]
    allow: Vec<Rule>,
    /// Report breaches of this rule as warnings.
    #[arg(long, value_name = "RULE", value_parser = rule)]
    warn: Vec<Rule>,
    /// Report breaches of this rule as errors.
    #[arg(long, value_name = "RULE", value_parser = rule)]
    deny: Vec<Rule>,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t)]
    format: RunFormat,
    /// When to print the trace: `auto` does if there is one execution, `always` prints that of the first one.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    trace: TraceWhen,
    /// Show calls of the kernel in the trace, too.
    #[arg(long)]
    kernel: bool,
    /// Print every adapter, binding, address family, SAP, VC, call and party of the first execution, with states, flags,
    /// contexts and handlers: at its end, or whenever the named function has returned or handler is entered.
    #[arg(long, value_name = "FUNCTION", num_args = 0..=1, require_equals = true, value_parser = function)]
    objects: Option<Option<Ddi>>,
}

/// The order in which NDIS stops an adapter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum StopOrderArgument {
    /// As documented: every unbind is complete before the halt.
    Strict,
    /// A test option: the halt may begin while unbinds are pended.
    Overlapped,
}

/// When to print the trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum TraceWhen {
    /// If there is one execution.
    #[default]
    Auto,
    /// That of the first execution.
    Always,
    /// Not at all.
    Never,
}

/// The id of a rule.
fn rule(id: &str) -> Result<Rule, String> {
    Rule::from_id(id).ok_or_else(|| match suggest::nearest(id, Rule::ALL.iter().map(|rule| rule.id())) {
        Some(near) => format!("no rule has this id; did you mean `{near}`?"),
        None => "no rule has this id; `condis rules` lists them".to_owned(),
    })
}

/// The name of a function or a handler.
fn function(name: &str) -> Result<Ddi, String> {
    Ddi::from_name(name).ok_or_else(|| {
        match suggest::nearest(name, Ddi::ALL.iter().map(|ddi| ddi.info().name)) {
            Some(near) => format!("no function has this name; did you mean `{near}`?"),
            None => "no function has this name; `condis explain` knows them".to_owned(),
        }
    })
}

impl World {
    /// Reads all files and decides what runs.
    pub(crate) fn plan(&self, drivers: &[DriverName], output: &Output) -> Result<Plan, Failure> {
        let inputs =
            Inputs::read(drivers, self.scenario.as_deref()).map_err(|error| input_failure(&error, output))?;
        self.check_format()?;
        for (first, second) in
            [(&self.allow, &self.warn), (&self.allow, &self.deny), (&self.warn, &self.deny)]
        {
            if let Some(twice) = first.iter().find(|rule| second.contains(rule)) {
                return Err(Failure::usage(format!("rule `{twice}` has two levels"))
                    .hint("give one of --allow, --warn and --deny for a rule"));
            }
        }
        let mut levels = Levels::default();
        for (rules, setting) in
            [(&self.allow, Setting::Allow), (&self.warn, Setting::Warn), (&self.deny, Setting::Deny)]
        {
            rules.iter().for_each(|rule| levels.set(*rule, setting));
        }
        let stop_order = self.stop_order.map(|order| match order {
            StopOrderArgument::Strict => StopOrder::Strict,
            StopOrderArgument::Overlapped => StopOrder::Overlapped,
        });
        Plan::new(inputs, &Options { stop_order, levels })
            .map_err(|error| Failure::rendered(error.render(output.colours_errors())))
    }

    /// The form of the output.
    pub(crate) fn format(&self) -> RunFormat {
        self.format
    }

    /// Whether the form of the output has a place for what is to be printed.
    fn check_format(&self) -> Result<(), Failure> {
        let word = match self.format {
            RunFormat::Text | RunFormat::Json => return Ok(()),
            RunFormat::Sarif => "sarif",
            RunFormat::Junit => "junit",
        };
        let option = match (self.objects, self.trace) {
            (Some(_), _) => "--objects",
            (None, TraceWhen::Always) => "--trace always",
            (None, TraceWhen::Auto | TraceWhen::Never) => return Ok(()),
        };
        Err(Failure::usage(format!("the format `{word}` has no place for {option}"))
            .hint("leave it out, or use --format json"))
    }

    /// Prints what came of it: trace, findings, and a summary in one line.
    pub(crate) fn print(
        &self,
        plan: &Plan,
        drivers: &[DriverName],
        campaign: &mut Campaign,
        how: &How,
        output: &mut Output,
    ) -> Result<u8, Failure> {
        for found in &mut campaign.found {
            found.finding.replay = Some(self.replay_command(&found.token, drivers));
        }
        let code = campaign.exit_code();
        let traced = match self.trace {
            TraceWhen::Auto => campaign.executions == 1,
            TraceWhen::Always => true,
            TraceWhen::Never => false,
        };
        let recording = campaign.first.as_ref().filter(|_| traced);
        let moments = self.moments(plan, campaign)?;
        match self.format {
            RunFormat::Json => {
                let mut document = Document::new(plan, campaign, how, recording, code);
                if let (Some(moments), Some(first)) = (&moments, &campaign.first) {
                    document.objects = Some(moments.iter().map(|moment| moment.json(&first.names)).collect());
                }
                output.json(&document)?;
            }
            RunFormat::Text => {
                let look = output.look();
                output.print(&heading(plan, how, look))?;
                if let Some(recording) = recording {
                    self.print_trace(recording, output)?;
                }
                if let (Some(moments), Some(first)) = (&moments, &campaign.first) {
                    for moment in moments {
                        output.print(&moment.text(&first.names, look))?;
                    }
                    if let (Some(Some(at)), true) = (self.objects, moments.is_empty()) {
                        let name = at.name();
                        output.print(&format!("no objects: the first execution has no {name}\n\n"))?;
                    }
                }
                for found in &campaign.found {
                    output.print(&found.text(look))?;
                }
                output.print(&self.summary(plan, campaign, drivers, look))?;
            }
            RunFormat::Sarif => output.json(&Log::of(&self.told(plan, campaign, drivers, how)))?,
            RunFormat::Junit => {
                let document = junit::document(&self.told(plan, campaign, drivers, how))
                    .map_err(|error| Failure::usage(format!("cannot write XML: {error}")))?;
                output.print(&document)?;
            }
        }
        Ok(code)
    }

    /// What `--objects` asks for.
    fn moments(&self, plan: &Plan, campaign: &Campaign) -> Result<Option<Vec<Moment>>, Failure> {
        let (Some(at), Some(first)) = (self.objects, &campaign.first) else {
            return Ok(None);
        };
        let when = at.map_or(When::End, When::At);
        objects::look(plan, first, when).map(Some).map_err(|error| session_failure(&error))
    }

    fn print_trace(&self, recording: &Recording, output: &mut Output) -> Result<(), Failure> {
        let show = Show { kernel: self.kernel, ..Show::default() };
        let writer = Writer::new(recording.names.clone(), output.look(), show);
        let mut text = writer.head();
        let mut hidden = 0;
        for (index, record) in recording.records.iter().enumerate() {
            match writer.line(index + 1, record, &recording.texts) {
                Some(line) => text += &line,
                None => hidden += 1,
            }
        }
        if hidden > 0 {
            text += &format!("      … and {} about the kernel: --kernel\n", plural(hidden, "line"));
        }
        text.push('\n');
        output.print(&text)
    }

    /// The last lines: how many executions, what they showed, what could not be judged.
    fn summary(&self, plan: &Plan, campaign: &Campaign, drivers: &[DriverName], look: Look) -> String {
        let mut out = String::new();
        for unjudged in &campaign.unjudged {
            out += &format!("{}: {}", look.strong("could not judge"), unjudged.text);
            out += &times(unjudged.count, campaign.executions);
            out += &format!("\n  replay: {}\n", self.replay_command(&unjudged.token, drivers));
        }
        for bug in &campaign.bugs {
            out += &format!("{}: {bug}\n", look.error("a bug of condis"));
        }
        if campaign.ticking {
            out += "timers were still armed at the end, without anything coming of them\n";
        }
        if campaign.executions > 1 {
            for found in &campaign.found {
                let finding = &found.finding;
                let seen = times(found.count, campaign.executions);
                out += &format!("{}[{}]: {}{seen}\n", finding.level, finding.id, finding.message);
            }
        }
        for remark in campaign.remarks(plan) {
            out += &format!("{}: {remark}\n", look.strong("not exercised"));
        }
        if campaign.interrupted {
            out += "interrupted: what follows is about the executions made until then\n";
        }
        let count = |level| campaign.found.iter().filter(|found| found.finding.level == level).count();
        let counts = [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Note, "note")]
            .map(|(level, word)| (count(level), word))
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| plural(count as u64, word))
            .collect::<Vec<_>>();
        let verdict = match (counts.is_empty(), campaign.unjudged.is_empty() && campaign.bugs.is_empty()) {
            (false, _) => counts.join(", "),
            (true, true) => "no findings".to_owned(),
            (true, false) => "no verdict".to_owned(),
        };
        out + &format!("{}: {verdict}\n", look.strong(&plural(campaign.executions, "execution")))
    }

    /// The run for the programs of others.
    fn told<'a>(&self, plan: &Plan, campaign: &'a Campaign, drivers: &[DriverName], how: &How) -> Run<'a> {
        let file = |name: &str| {
            let driver = plan.drivers.iter().find(|driver| driver.name == name)?;
            match &driver.body {
                Body::Native(file) => Some(file.path.display().to_string()),
                Body::Builtin(_) | Body::Rust(_) => None,
            }
        };
        // What no driver with a file has done is about the scenario, or else about the first driver that has one.
        let scenario = self.scenario.as_ref().map(|scenario| scenario.display().to_string());
        let otherwise = scenario.or_else(|| plan.drivers.iter().find_map(|driver| file(&driver.name)));
        let (ours, theirs): (Vec<&Found>, Vec<&Found>) = campaign.found.iter().partition(|found| found.ours);
        let reported = |found: &&'a Found| Reported {
            finding: &found.finding,
            text: found.text(Look::PLAIN),
            file: found.finding.by.as_deref().and_then(file).or_else(|| otherwise.clone()),
            executions: found.count,
            token: found.token.to_string(),
            steps: found.with_evidence(|evidence| run::steps(&found.finding, evidence, file)),
        };
        let notice = |topic, text: String| Notice { topic, text, shown: None };
        let mut notices = Vec::new();
        for found in ours {
            let replay = self.replay_command(&found.token, drivers);
            let text = format!("{}: {}", found.finding.id, found.finding.message);
            notices.push(Notice { topic: Topic::Bug, text, shown: Some((found.count, replay)) });
        }
        notices.extend(campaign.bugs.iter().map(|bug| notice(Topic::Bug, bug.clone())));
        for unjudged in &campaign.unjudged {
            let replay = self.replay_command(&unjudged.token, drivers);
            let shown = Some((unjudged.count, replay));
            notices.push(Notice { topic: Topic::Unjudged, text: unjudged.text.clone(), shown });
        }
        if campaign.interrupted {
            let made = plural(campaign.executions, "execution");
            notices.push(notice(Topic::Interrupted, format!("the run was stopped after {made}")));
        }
        notices.extend(campaign.remarks(plan).into_iter().map(|remark| notice(Topic::NotExercised, remark)));
        Run {
            version: env!("CARGO_PKG_VERSION"),
            exit_code: campaign.exit_code(),
            executions: campaign.executions,
            clean: campaign.clean,
            strategy: how.strategy,
            seed: how.seed,
            findings: theirs.iter().map(reported).collect(),
            notices,
        }
    }

    /// The command line that executes a token again.
    fn replay_command(&self, token: &Token, drivers: &[DriverName]) -> String {
        let mut command = format!("condis replay {token}");
        for driver in drivers {
            command += &format!(" {}", quoted(&driver.to_string()));
        }
        if let Some(scenario) = &self.scenario {
            command += &format!(" --scenario {}", quoted(&scenario.display().to_string()));
        }
        match self.stop_order {
            Some(StopOrderArgument::Overlapped) => command += " --stop-order overlapped",
            Some(StopOrderArgument::Strict) => command += " --stop-order strict",
            None => {}
        }
        for (option, rules) in [("allow", &self.allow), ("warn", &self.warn), ("deny", &self.deny)] {
            rules.iter().for_each(|rule| command += &format!(" --{option} {rule}"));
        }
        command
    }
}

/// In which orders, for the reader.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct How {
    /// `fifo`, `random` or `replay`.
    pub(crate) strategy: &'static str,
    /// The seed of a random order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
}

fn heading(plan: &Plan, how: &How, look: Look) -> String {
    let mut out = String::new();
    for driver in &plan.drivers {
        let source = match &driver.body {
            Body::Native(file) => file.path.display().to_string(),
            Body::Builtin(builtin) => format!("builtin:{}", builtin.name()),
            Body::Rust(_) => "Rust".to_owned(),
        };
        let roles: Vec<&str> = driver.roles.roles.iter().map(|role| role.as_str()).collect();
        let roles = if roles.is_empty() { "no known role".to_owned() } else { roles.join(", ") };
        out += &format!("{} {} ({roles}): {source}\n", look.dim("driver "), look.strong(&driver.name));
    }
    for adapter in &plan.adapters {
        let driver = &plan.drivers[usize::from(adapter.driver.0)].name;
        out += &format!("{} {} of {driver}\n", look.dim("adapter"), look.strong(&adapter.name));
    }
    let seed = how.seed.map(|seed| format!(", seed {seed}")).unwrap_or_default();
    out += &format!("{} {}{seed}; stop order {}\n\n", look.dim("order  "), how.strategy, stop_order(plan));
    out
}

const fn stop_order(plan: &Plan) -> &'static str {
    match plan.world.stop_order {
        StopOrder::Strict => "strict",
        StopOrder::Overlapped => "overlapped",
    }
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn times(count: u64, of: u64) -> String {
    if of == 1 { String::new() } else { format!(" ({count} of {of} executions)") }
}

/// A word as a shell takes it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn input_failure(error: &InputError, output: &Output) -> Failure {
    let failure = match error {
        InputError::Scenario(error) => Failure::rendered(error.render(output.colours_errors())),
        InputError::UnreadableScenario(..)
        | InputError::ScenarioNotText(_)
        | InputError::Driver(..)
        | InputError::NoSuchBuiltin(_)
        | InputError::NoDrivers
        | InputError::TooManyDrivers(_) => Failure::usage(error.to_string()),
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A session that cannot be set up, for the user.
pub(crate) fn session_failure(error: &SessionError) -> Failure {
    Failure::usage(error.to_string())
}

/// A run as JSON.
#[derive(Serialize)]
struct Document<'a> {
    condis: u32,
    version: &'static str,
    exit_code: u8,
    drivers: Vec<DriverEntry<'a>>,
    adapters: Vec<AdapterEntry<'a>>,
    stop_order: &'static str,
    #[serde(flatten)]
    how: &'a How,
    executions: u64,
    clean: u64,
    interrupted: bool,
    remarks: Vec<String>,
    findings: Vec<FoundEntry<'a>>,
    unjudged: Vec<UnjudgedEntry<'a>>,
    bugs: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<Vec<MomentJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Vec<json::Line>>,
}

#[derive(Serialize)]
struct DriverEntry<'a> {
    name: &'a str,
    source: String,
    roles: Vec<&'static str>,
}

#[derive(Serialize)]
struct AdapterEntry<'a> {
    name: &'a str,
    driver: &'a str,
}

#[derive(Serialize)]
struct FoundEntry<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    /// Whether it is a bug of condis.
    ours: bool,
    executions: u64,
    token: String,
}

#[derive(Serialize)]
struct UnjudgedEntry<'a> {
    reason: &'a str,
    executions: u64,
    token: String,
}

impl<'a> Document<'a> {
    fn new(
        plan: &'a Plan,
        campaign: &'a Campaign,
        how: &'a How,
        recording: Option<&Recording>,
        exit_code: u8,
    ) -> Document<'a> {
        let drivers = plan.drivers.iter().map(|driver| DriverEntry {
            name: &driver.name,
            source: match &driver.body {
                Body::Native(file) => file.path.display().to_string(),
                Body::Builtin(builtin) => format!("builtin:{}", builtin.name()),
                Body::Rust(_) => "Rust".to_owned(),
            },
            roles: driver.roles.roles.iter().map(|role| role.as_str()).collect(),
        });
        let adapters = plan.adapters.iter().map(|adapter| AdapterEntry {
            name: &adapter.name,
            driver: &plan.drivers[usize::from(adapter.driver.0)].name,
        });
        let findings = campaign.found.iter().map(|found| FoundEntry {
            finding: &found.finding,
            ours: found.ours,
            executions: found.count,
            token: found.token.to_string(),
        });
        let unjudged = campaign.unjudged.iter().map(|unjudged| UnjudgedEntry {
            reason: &unjudged.text,
            executions: unjudged.count,
            token: unjudged.token.to_string(),
        });
        let lines = |recording: &Recording| {
            let numbered = recording.records.iter().enumerate();
            let line = |(index, record)| json::line(&recording.names, index + 1, record, &recording.texts);
            numbered.map(line).collect()
        };
        Document {
            condis: report::JSON_VERSION,
            version: env!("CARGO_PKG_VERSION"),
            exit_code,
            drivers: drivers.collect(),
            adapters: adapters.collect(),
            stop_order: stop_order(plan),
            how,
            executions: campaign.executions,
            clean: campaign.clean,
            interrupted: campaign.interrupted,
            remarks: campaign.remarks(plan),
            findings: findings.collect(),
            unjudged: unjudged.collect(),
            bugs: &campaign.bugs,
            objects: None,
            trace: recording.map(lines),
        }
    }
}
