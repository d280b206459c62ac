//! `condis replay`: one execution again, as a token says.

use super::world::{How, World, session_failure};
use crate::output::{Failure, Output};
use condis::campaign;
use condis::source::DriverName;
use condis::token::{Mismatch, Token};
use std::path::Path;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  condis replay TOKEN mcm.sys           the execution that a finding names, byte for byte
  condis replay run.json mcm.sys        that of the first finding of a run in JSON
  condis replay TOKEN mcm.sys --kernel  with calls of the kernel in the trace
  condis replay TOKEN mcm.sys --format junit
                                        whether a fixed bug is still gone, for a report of tests

A token belongs to one version of condis, one build of each driver, one scenario and its
options. The finding prints the whole command line.")]
pub(crate) struct Arguments {
    /// A token, or a file with one: plain, or the JSON of a run.
    #[arg(value_name = "TOKEN|FILE")]
    token: String,
    /// The drivers, as in the run.
    #[arg(value_name = "DRIVER")]
    drivers: Vec<String>,
    #[command(flatten)]
    world: World,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<u8, Failure> {
    let token = token(&arguments.token)?;
    let drivers: Vec<DriverName> = arguments.drivers.iter().map(|name| DriverName::new(name)).collect();
    let plan = arguments.world.plan(&drivers, output)?;
    token.check(&plan).map_err(|mismatch| {
        let failure = Failure::usage(format!("this token cannot be replayed: {mismatch}"));
        match mismatch {
            Mismatch::Version { .. } => failure.hint("run again to get a token of this version"),
            Mismatch::DriverCount { .. } | Mismatch::Driver { .. } | Mismatch::Scenario => {
                failure.hint("give the drivers, the scenario and the options that the finding names")
            }
        }
    })?;
    let replayed = campaign::replay(&plan, &token).map_err(|error| session_failure(&error))?;
    let mut campaign =
        replayed.map_err(|error| Failure::usage(format!("this token cannot be replayed: {error}")))?;
    let how = How { strategy: "replay", seed: None };
    arguments.world.print(&plan, &drivers, &mut campaign, &how, output)
}

/// The most bytes of a file that is read for a token.
const MAX_FILE: u64 = 256 << 20;

/// How much of a token an error shows: one of many steps would fill the screen.
const SHOWN: usize = 60;

/// Reads a token, or the file that has one.
fn token(argument: &str) -> Result<Token, Failure> {
    let error = match argument.parse() {
        Ok(token) => return Ok(token),
        Err(error) => error,
    };
    let path = Path::new(argument);
    if !path.is_file() {
        let mut shown: String = argument.chars().take(SHOWN).collect();
        if shown.len() < argument.len() {
            shown.push('…');
        }
        return Err(Failure::usage(format!("`{shown}` is neither a token nor a file: {error}")));
    }
    if path.metadata().is_ok_and(|metadata| metadata.len() > MAX_FILE) {
        return Err(Failure::usage(format!("{argument}: the file is too large to be a run")));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{argument}: it cannot be read: {error}")))?;
    if let Ok(token) = text.trim().parse() {
        return Ok(token);
    }
    let run: serde_json::Value = serde_json::from_str(&text).map_err(|_| {
        Failure::usage(format!("{argument}: the file has neither a token nor the JSON of a run"))
    })?;
    let word = run["findings"][0]["token"].as_str().or(run["unjudged"][0]["token"].as_str());
    let word =
        word.ok_or_else(|| Failure::usage(format!("{argument}: this run has no finding to replay")))?;
    word.parse().map_err(|error| Failure::usage(format!("{argument}: {error}")))
}
