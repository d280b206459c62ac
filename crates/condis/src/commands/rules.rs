//! `condis rules`: the contract's rules as a table.

use crate::cli::Format;
use crate::output::{CLEAN, Failure, Output};
use condis::suggest;
use contract::{Area, Enforcement, Role, Rule};
use report::manual::{self, RuleEntry};
use serde::Serialize;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  condis rules af                     the rules about address families
  condis rules af --enforced          those that condis checks
  condis rules --waiting              those that wait for a part of NDIS that is not there yet
  condis rules --role mcm             what a miniport call manager must obey
  condis rules --format json          all, for programs")]
pub(crate) struct Arguments {
    /// An area: registration, binding, af, sap, vc, call, party, oid, data, status, tapi, kernel. All without it.
    area: Option<String>,
    /// Only rules that are checked.
    #[arg(long, group = "state")]
    enforced: bool,
    /// Only rules that are not checked yet.
    #[arg(long, group = "state")]
    waiting: bool,
    /// Only rules that no run can show broken.
    #[arg(long, group = "state")]
    unseen: bool,
    /// Only rules that bind this role: client, cm, mcm, miniport, ndis.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The table as JSON.
#[derive(Serialize)]
struct Document {
    condis: u32,
    rules: Vec<RuleEntry>,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<u8, Failure> {
    let area: Option<Area> = arguments.area.as_deref().map(|word| vocabulary(word, Area::ALL)).transpose()?;
    let role: Option<Role> = arguments.role.as_deref().map(|word| vocabulary(word, Role::ALL)).transpose()?;
    let wanted = |enforcement: Enforcement| match enforcement {
        Enforcement::Enforced | Enforcement::Answered | Enforcement::Covered { .. } => {
            !arguments.waiting && !arguments.unseen
        }
        Enforcement::Waits { .. } => !arguments.enforced && !arguments.unseen,
        Enforcement::CannotBeSeen => !arguments.enforced && !arguments.waiting,
    };
    let rules: Vec<Rule> = Rule::ALL
        .iter()
        .copied()
        .filter(|rule| {
            let info = rule.info();
            area.is_none_or(|area| info.area == area)
                && role.is_none_or(|role| info.binds.contains(&role))
                && wanted(info.enforcement)
        })
        .collect();
    match arguments.format {
        Format::Text => output.print(&manual::table(&rules, output.look()))?,
        Format::Json => {
            let rules = rules.into_iter().map(RuleEntry::of).collect();
            output.json(&Document { condis: report::JSON_VERSION, rules })?;
        }
    }
    Ok(CLEAN)
}

/// A word of one of the contract's vocabularies.
fn vocabulary<T>(word: &str, all: &[T]) -> Result<T, Failure>
where
    T: std::str::FromStr<Err = contract::UnknownName> + std::fmt::Display,
{
    word.parse().map_err(|error: contract::UnknownName| {
        let failure = Failure::usage(format!("`{word}` is {error}"));
        let names: Vec<String> = all.iter().map(T::to_string).collect();
        match suggest::nearest(word, names.iter().map(String::as_str)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
    })
}
