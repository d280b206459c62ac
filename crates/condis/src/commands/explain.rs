//! `condis explain`: one rule, one function of NDIS, or one open question of the documentation.

use crate::cli::Format;
use crate::output::{CLEAN, Failure, Output};
use condis::suggest;
use contract::{Ddi, Question, Rule};
use report::manual::{self, DdiEntry, QuestionEntry, RuleEntry};
use serde::Serialize;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  condis explain af-close-once                  a rule
  condis explain NdisClCloseAddressFamily       a function, with the rules about it
  condis explain af-q-mcm-notify-at-halt        an open question that rules rest on
  condis explain ProtocolCmOpenAf --format json a callback, for programs")]
pub(crate) struct Arguments {
    /// The id of a rule or of an open question, or the name of a function or callback.
    name: String,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A page as JSON.
#[derive(Serialize)]
struct Document<T> {
    condis: u32,
    #[serde(flatten)]
    entry: T,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<u8, Failure> {
    let condis = report::JSON_VERSION;
    match (lookup(&arguments.name)?, arguments.format) {
        (Subject::Rule(rule), Format::Text) => output.print(&manual::rule_page(rule, output.look()))?,
        (Subject::Rule(rule), Format::Json) => {
            output.json(&Document { condis, entry: RuleEntry::of(rule) })?
        }
        (Subject::Ddi(ddi), Format::Text) => output.print(&manual::ddi_page(ddi, output.look()))?,
        (Subject::Ddi(ddi), Format::Json) => output.json(&Document { condis, entry: DdiEntry::of(ddi) })?,
        (Subject::Question(question), Format::Text) => {
            output.print(&manual::question_page(question, output.look()))?
        }
        (Subject::Question(question), Format::Json) => {
            output.json(&Document { condis, entry: QuestionEntry::of(question) })?
        }
    }
    Ok(CLEAN)
}

/// What can be explained.
enum Subject {
    Rule(Rule),
    Ddi(Ddi),
    Question(Question),
}

fn lookup(name: &str) -> Result<Subject, Failure> {
    if let Some(rule) = Rule::from_id(name) {
        return Ok(Subject::Rule(rule));
    }
    if let Some(ddi) = Ddi::from_name(name) {
        return Ok(Subject::Ddi(ddi));
    }
    if let Some(question) = Question::from_id(name) {
        return Ok(Subject::Question(question));
    }
    let rules = Rule::ALL.iter().map(|rule| rule.id());
    let ddis = Ddi::ALL.iter().map(|ddi| ddi.name());
    let near = suggest::several(name, rules.chain(ddis), 5);
    let failure = Failure::usage(format!("no rule and no function is called `{name}`"));
    Err(match near.as_slice() {
        [] => failure.hint("`condis rules` lists the rules"),
        near => failure.hint(format!("did you mean {}?", near.join(", "))),
    })
}
