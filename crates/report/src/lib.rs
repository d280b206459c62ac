//! Findings, traces and the contract's tables as text for people and as JSON for programs.
//!
//! Nothing here does input or output: every function gives back a string or a value that serialises. Read first
//! [`names`] (what things are called), then [`syntax`] (one event as text), then [`trace`] (lines), [`finding`] (evidence
//! gathered around a broken rule), [`objects`] (what there is at a moment) and [`manual`] (rules and functions as pages).
//! [`run`] is what a whole run came to, and [`sarif`] and [`junit`] tell it to the programs of others.
//!
//! The text of an event has one syntax for trace, test and documentation; its grammar stands at the top of [`syntax`].
#![forbid(unsafe_code)]

pub mod finding;
pub mod json;
pub mod junit;
pub mod manual;
pub mod names;
pub mod objects;
mod paint;
pub mod run;
pub mod sarif;
mod subject;
pub mod syntax;
pub mod trace;
mod wrap;

pub use finding::Finding;
pub use names::Names;
pub use paint::Look;
pub use verify::level::{Circumstances, Level, Levels, Setting};

/// The version of every JSON document that this crate makes, in its member `condis`.
pub const JSON_VERSION: u32 = 1;
