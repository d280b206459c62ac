//! The contract: what Microsoft's public documentation says about connection-oriented NDIS, as tables.
//!
//! Nothing in here acts. The tables are generated from `contract/*.toml` by `cargo xtask codegen` into
//! `src/generated`, one file per table; the types and the look-ups are written by hand, one file per table too.
//! Read `contract/README.md` first: it explains where each fact comes from and what the columns mean.
//!
//! | item | one per | looked up with |
//! |---|---|---|
//! | [`Ddi`] | function, macro or callback | [`Ddi::from_name`] |
//! | [`Rule`] | obligation of a driver or of NDIS | [`Rule::from_id`] |
//! | [`Question`] | place where the pages contradict each other or are silent | [`Question::from_id`] |
//! | [`Guarantee`] | promise that NDIS makes to a driver | [`Guarantee::from_id`] |
//! | [`StateMachine`], [`StopOrder`] | kind of object; way of taking things down | [`StateMachine::find`], [`StopOrder::find`] |
//! | [`Status`] | value | [`Status::from_name`] |
//! | [`Layout`] | structure of NDIS 6 on x64 | [`layout()`] |
//! | [`values`] | enumeration or flag constant | its name |
//!
//! The crate has no dependency, allocates nothing, and is usable without the standard library.

#![no_std]
#![forbid(unsafe_code)]

mod area;
mod ddi;
mod generated;
mod guarantee;
pub mod layout;
mod machine;
mod page;
mod question;
mod rule;
mod status;

pub use area::{Area, Detect, Role, Strength, UnknownName};
pub use ddi::{DdiInfo, DdiKind, MaxIrql};
pub use generated::ddi::Ddi;
pub use generated::guarantee::Guarantee;
pub use generated::question::Question;
pub use generated::rule::Rule;
pub use generated::values;
pub use guarantee::GuaranteeInfo;
pub use layout::{Field, Header, Layout, Revision, layout};
pub use machine::{State, StateMachine, StopOrder, Transition};
pub use page::PageUrl;
pub use page::page_url;
pub use question::QuestionInfo;
pub use rule::{Enforcement, RuleInfo};
pub use status::Status;
