//! Drivers that are not binaries: scripted drivers, and the built-in ones that play the roles a run lacks.
//!
//! [`script`] is the language: the bodies of a driver's handlers in the syntax of a trace. [`builtin()`] gives the
//! client, call manager, miniport and miniport call manager that come with condis; they are scripts, too
//! (`builtin/*.condis`). [`Scene`] is a text with whole worlds: drivers, adapters, what the environment does.
//!
//! Everything a driver here does goes through [`engine::call()`] and [`engine::kernel()`], so it is watched, explored and
//! replayed as native drivers are. Read `docs/scripts.md` first, then [`script`].
#![forbid(unsafe_code)]

mod builtin;
mod kernel;
pub mod scene;
pub mod script;
mod structures;
pub mod switch;
pub mod typed;

pub use builtin::{BUILTINS, builtin};
pub use scene::Scene;
pub use script::{Script, Shared};
