//! condis as a library: everything the program does, as functions over parsed inputs.
//!
//! Reading files and parsing stand apart from executing, because they may move to different processes. Read
//! [`scenario`] first (what a run consists of), then [`plan`] (scenario and command line put together).
#![forbid(unsafe_code)]

pub mod campaign;
mod cast;
pub mod digest;
mod expect;
pub mod inspect;
pub mod judge;
pub mod objects;
pub mod plan;
pub mod roles;
pub mod rust;
pub mod scenario;
pub mod session;
pub mod source;
pub mod suggest;
pub mod token;

pub use cast::provides;
