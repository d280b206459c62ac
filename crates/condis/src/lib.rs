//! condis as a library: everything the program does, as functions over parsed inputs.
//!
//! [`Check`] runs drivers in tests, and [`driver`] is how a driver is written in Rust; both are for users of the library.
//! The rest is what the program is made of.
//!
//! Reading files and parsing stand apart from executing, because they may move to different processes. Read
//! [`scenario`] first (what a run consists of), then [`plan`] (scenario and command line put together).
#![forbid(unsafe_code)]

pub mod campaign;
mod cast;
mod check;
pub mod digest;
pub mod driver;
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
pub use check::{Check, CheckError, Report};
pub use contract::Rule;
pub use engine::arena::Allocator;
pub use model::StopOrder;
pub use report::Setting;
