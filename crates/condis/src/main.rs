//! The program `condis`. One file per command under `commands/`; `output.rs` is the only place that prints.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod output;

use clap::Parser;
use cli::{Cli, Command};
use output::Output;
use std::io::ErrorKind;
use std::process::ExitCode;

/// Executions take their memory from an arena that a snapshot copies.
#[global_allocator]
static ALLOCATOR: engine::arena::Allocator = engine::arena::Allocator;

fn main() -> ExitCode {
    name_the_culprit();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // `--help` and `--version` come this way, too; clap knows where each belongs and with which code.
        Err(error) => {
            let unwritten = error.print().is_err_and(|failed| failed.kind() != ErrorKind::BrokenPipe);
            let usage = unwritten || error.use_stderr();
            return ExitCode::from(if usage { output::USAGE } else { output::CLEAN });
        }
    };
    let mut output = Output::new(cli.color);
    let result = match cli.command {
        Command::Run(arguments) => commands::run::run(&arguments, &mut output),
        Command::Replay(arguments) => commands::replay::run(&arguments, &mut output),
        Command::Inspect(arguments) => commands::inspect::run(&arguments, &mut output),
        Command::Rules(arguments) => commands::rules::run(&arguments, &mut output),
        Command::Explain(arguments) => commands::explain::run(&arguments, &mut output),
    };
    ExitCode::from(match result {
        Ok(code) => code,
        Err(failure) => output.fail(&failure),
    })
}

/// A panic in a routine that driver code has called cannot be caught. It would abort the process with a report that looks
/// like the driver's fault, and with another exit code than that of our own bugs.
fn name_the_culprit() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(|text| text.contains("cannot unwind")) {
            eprintln!("error: this is a bug of condis, not of the driver");
            std::process::exit(i32::from(output::OUR_BUG));
        }
        default(panic);
    }));
}
