//! `condis inspect`: what a driver file is, before anything of it runs.

use crate::cli::Format;
use crate::output::{CLEAN, Failure, Output};
use condis::inspect::Inspection;
use condis::source;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  condis inspect mcm.sys                  roles, sections, imports, symbols
  condis inspect mcm.sys --format json    the same for programs")]
pub(crate) struct Arguments {
    /// A driver file.
    driver: PathBuf,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<u8, Failure> {
    let driver =
        source::read(&arguments.driver).map_err(|error| super::driver_failure(&arguments.driver, &error))?;
    let file = arguments.driver.display().to_string();
    let inspection = Inspection::of(&file, &driver.image, &condis::provides(&driver.image));
    match arguments.format {
        Format::Text => output.print(&inspection.text(output.look()))?,
        Format::Json => output.json(&inspection)?,
    }
    Ok(CLEAN)
}
