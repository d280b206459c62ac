//! Scripted drivers: the bodies of a driver's handlers, in the syntax in which a trace prints what they do.
//!
//! `docs/scripts.md` describes the language for its users. A [`Script`] is the parsed text, a value; [`Script::driver`]
//! makes a driver of it. Read `ast.rs` first, then `run.rs`.

mod ast;
mod block;
mod error;
pub(crate) mod lexer;
pub(crate) mod parse;
mod recorded;
mod run;
mod signature;
mod value;
mod whole;

pub use ast::{Roles, Script};
pub(crate) use error::nearest;
pub use error::{ParseError, Problem};
pub use run::Shared;

use model::DriverId;

/// Ends the execution, because the script of `by` does not fit what happens.
fn unexpected(by: DriverId, text: &str) -> ! {
    engine::end(engine::Ending::unexpected(by, text))
}
