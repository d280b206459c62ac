//! The commands: each has its arguments and a function `run`, which gives the exit code.

pub(crate) mod explain;
pub(crate) mod inspect;
pub(crate) mod replay;
pub(crate) mod rules;
pub(crate) mod run;
mod world;

use crate::output::Failure;
use condis::source::DriverFileError;
use std::path::Path;

/// A driver file that cannot be used, for the user.
fn driver_failure(path: &Path, error: &DriverFileError) -> Failure {
    let failure = Failure::usage(format!("{}: {error}", path.display()));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
