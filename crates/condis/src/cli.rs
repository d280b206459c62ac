//! The command line.

use crate::commands;
use clap::{Parser, Subcommand, ValueEnum};

/// Connection-oriented NDIS outside Windows: runs real x64 drivers on Linux, checks every documented rule, and explains
/// what it finds.
#[derive(Debug, Parser)]
#[command(name = "condis", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    pub(crate) color: ColorWhen,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 clean, 1 errors or warnings found, 2 usage or environment, 3 could not judge,
101 a bug of condis, 130 interrupted.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run drivers against each other and against scripted peers, and check every rule.
    Run(commands::run::Arguments),
    /// Execute again what a token of a finding says.
    Replay(commands::replay::Arguments),
    /// Show what a driver file is: roles, imports we have and lack, symbols.
    Inspect(commands::inspect::Arguments),
    /// List the rules of the contract, and which of them are checked.
    Rules(commands::rules::Arguments),
    /// Explain a rule, a function of NDIS, or an open question.
    Explain(commands::explain::Arguments),
}

/// When to use colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The form of what a command prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The form of what a run prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum RunFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: docs/json.md.
    Json,
    /// SARIF 2.1.0, for code scanning: findings only.
    Sarif,
    /// JUnit XML, for reports of tests: findings only.
    Junit,
}
