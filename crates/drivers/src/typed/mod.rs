//! Drivers in Rust: typed traits for the roles, typed objects for the handles, completion tokens for what a handler may pend.
//!
//! | trait | role | what it stands on |
//! |---|---|---|
//! | [`Client`] | connection-oriented client | [`Protocol`] |
//! | [`CallManager`] | call manager | [`Protocol`] (stand-alone) or [`Miniport`] (MCM) |
//! | [`MiniportCo`] | connection-oriented miniport | [`Miniport`] |
//!
//! **Objects.** Each handle of NDIS is an object here: [`Binding`], [`Adapter`], and for each role its own `Af`, `Sap`, `Vc` and
//! `Party`, which offer what the role may do with the handle ([`client`], [`call_manager`], [`miniport`]). An object carries what the
//! driver keeps for it, its `context`, of a type that the trait names. Objects are counted references; cloning one is cheap.
//!
//! **Calls** have the names of the documentation without their prefix. One that may pend gives back an [`Outcome`].
//!
//! **Handlers** have the names of the documentation, too. One that may pend gets a [`Request`], which it completes at once, or pends and
//! keeps the [`Completion`]. An answer cannot be forgotten, and nothing can be completed twice: neither compiles. A completion that is
//! dropped is a finding.
//!
//! **Registration**, with its tables of handlers, headers and attributes, is done here, and every handler is supplied.
//!
//! **Other tasks** run at calls of NDIS and operations of the [`Kernel`], and only there. Read [`Kernel`] for what a driver has to mind.
//!
//! Read `answer.rs` first, then `client/mod.rs`; `driver.rs` is where the engine comes in.

mod answer;
pub mod call_manager;
pub mod client;
mod driver;
mod gate;
mod kernel;
pub mod miniport;
mod names;
mod parameters;
mod protocol;
mod shared;

pub use answer::{Answer, Completion, Operation, Outcome, Request};
pub use call_manager::CallManager;
pub use client::Client;
pub use driver::{
    call_manager as call_manager_driver, client as client_driver, mcm as mcm_driver,
    miniport as miniport_driver,
};
pub use kernel::{Event, Kernel, SpinLock, SpinLockGuard, Timer};
pub use miniport::{Adapter, Miniport, MiniportCo};
pub use parameters::{TAPI_PROXY, call_to, offer_of, sap};
pub use protocol::{BindAdapter, Binding, NetPnPEvent, Protocol, UnbindAdapter};
