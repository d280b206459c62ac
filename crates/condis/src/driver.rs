//! Drivers in Rust: the guide, and all that it names.
//!
#![doc = include_str!("../../../docs/rust-drivers.md")]

pub use contract::Status;
pub use drivers::typed::*;
pub use model::block::{AddressFamily, CallParameters, Sap as Specification};
pub use model::{AdapterId, DeviceEvent, HaltAction, NetEvent};
