//! What a run came to, as the formats of other programs need it: [`crate::sarif`] and [`crate::junit`].

use crate::finding::{Evidence, Finding, Place};
use crate::syntax::{self, Who};
use model::record::Event;

/// A run.
#[derive(Debug)]
pub struct Run<'a> {
    /// The version of the program.
    pub version: &'a str,
    /// Its exit code.
    pub exit_code: u8,
    /// How many executions there were.
    pub executions: u64,
    /// How many of them showed nothing.
    pub clean: u64,
    /// In which orders: the name of the strategy.
    pub strategy: &'a str,
    /// The seed of orders that are drawn.
    pub seed: Option<u64>,
    /// The distinct findings.
    pub findings: Vec<Reported<'a>>,
    /// What else there is to say.
    pub notices: Vec<Notice>,
}

/// A finding with what the run knows of it.
#[derive(Debug)]
pub struct Reported<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The finding as text.
    pub text: String,
    /// The file that it is about, as the user named it: that of a driver, or the scenario.
    pub file: Option<String>,
    /// How many executions showed it.
    pub executions: u64,
    /// The first of them as a token.
    pub token: String,
    /// The lines of that execution's trace that concern it.
    pub steps: Vec<Step>,
}

/// A line of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its number.
    pub line: usize,
    /// The number of its task.
    pub task: u16,
    /// Within how many calls and callbacks of the task.
    pub depth: u8,
    /// The driver whose line it is; none if it is one of NDIS or of the environment.
    pub driver: Option<String>,
    /// Who, and the event in the syntax of traces.
    pub text: String,
    /// The place of a call in that driver.
    pub place: Option<Place>,
    /// The driver's file, as the user named it.
    pub file: Option<String>,
}

/// What a run has to say beside its findings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// What it is about.
    pub topic: Topic,
    /// It in words.
    pub text: String,
    /// How many executions showed it, and the command line that executes the first of them again.
    pub shown: Option<(u64, String)>,
}

/// What a notice is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Topic {
    /// Executions without a verdict.
    Unjudged,
    /// A bug of condis.
    Bug,
    /// The user stopped the run.
    Interrupted,
    /// Something that never came up.
    NotExercised,
}

impl Topic {
    /// The topic as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Topic::Unjudged => "unjudged",
            Topic::Bug => "bug",
            Topic::Interrupted => "interrupted",
            Topic::NotExercised => "not-exercised",
        }
    }
}

/// The lines of the trace that `finding` shows as text, too, each with `file` of its driver's name.
pub fn steps(finding: &Finding, evidence: &Evidence<'_>, file: impl Fn(&str) -> Option<String>) -> Vec<Step> {
    let (first, _, last) = finding.quoted();
    let step = |line: &usize| {
        let record = &evidence.records[line - 1];
        let said = syntax::event(evidence.names, &record.event, evidence.texts);
        let (who, driver) = match said.who {
            Who::Environment => ("environment", None),
            Who::Ndis => ("NDIS", None),
            Who::Driver(driver) => (evidence.names.driver(driver), Some(driver)),
        };
        // Only a call comes from a place in the driver that the line names.
        let is_call = matches!(record.event, Event::Called(..) | Event::Kernel(..));
        let place = driver.zip(record.site.filter(|_| is_call));
        Step {
            line: *line,
            task: record.task.0,
            depth: record.depth,
            driver: driver.map(|_| who.to_owned()),
            text: format!("{who}: {}", said.text),
            place: place.map(|(driver, offset)| (evidence.site)(driver, offset)),
            file: driver.and_then(|_| file(who)),
        }
    };
    first.iter().chain(last).map(step).collect()
}
