//! Chores of the project: `cargo xtask <command>`. One module per command.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod codegen;
mod samples;
mod tidy;

/// Chores of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate the tables of crate `contract` from contract/*.toml
    Codegen {
        /// Write nothing; fail if a committed table is not what would be generated
        #[arg(long)]
        check: bool,
    },
    /// Build the sample drivers, and the layout assertions of the C header
    Samples {
        /// Write nothing; fail if a committed file is not what would be made
        #[arg(long)]
        check: bool,
    },
    /// Check what the compiler cannot see: architecture, rules, words, documents
    Tidy,
}

fn main() -> ExitCode {
    let outcome: Result<(), Box<dyn std::error::Error>> = match Arguments::parse().command {
        Command::Codegen { check: false } => codegen::write(&project_root()).map_err(Into::into),
        Command::Codegen { check: true } => codegen::check(&project_root()).map_err(Into::into),
        Command::Samples { check: false } => samples::write(&project_root()).map_err(Into::into),
        Command::Samples { check: true } => samples::check(&project_root()).map_err(Into::into),
        Command::Tidy => tidy::check(&project_root()).map_err(Into::into),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace: the folder that holds this crate's.
fn project_root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
