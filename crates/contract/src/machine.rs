//! State machines and stop orders, as the contract describes them. The core (`model`) writes its own; these are what it
//! is compared with, and what `condis explain` prints.

use crate::area::{Area, Role};
use crate::generated::machine::{STATE_MACHINES, STOP_ORDERS};
use crate::generated::question::Question;

/// The life of one kind of object.
#[derive(Clone, Copy, Debug)]
pub struct StateMachine {
    /// The stable id: `af-open`.
    pub id: &'static str,
    /// The kind of object: `open-af`. Several machines can describe one object from different sides.
    pub object: &'static str,
    /// The area it belongs to.
    pub area: Area,
    /// What it describes.
    pub about: &'static str,
    /// The states.
    pub states: &'static [State],
    /// The name of the first state.
    pub initial: &'static str,
    /// The names of the states in which nothing is owed: an object may stay there for ever, or begin anew.
    pub terminal: &'static [&'static str],
    /// The edges.
    pub transitions: &'static [Transition],
    /// What holds in every state, as text.
    pub invariants: &'static [&'static str],
    /// The open questions that shape it.
    pub rests_on: &'static [Question],
    /// The ids of the pages it follows from. See [`crate::page_url`].
    pub pages: &'static [&'static str],
}

/// A state of a [`StateMachine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// An edge of a [`StateMachine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The name of the state it leaves.
    pub from: &'static str,
    /// What happens; the syntax is explained at the top of `contract/vc.toml`.
    pub event: &'static str,
    /// The name of the state it enters.
    pub to: &'static str,
    /// Who makes it happen.
    pub by: Role,
    /// A remark, or empty.
    pub note: &'static str,
}

impl StateMachine {
    /// Every state machine, in the order of the files.
    pub const ALL: &[StateMachine] = STATE_MACHINES;

    /// The state machine with this id.
    pub fn find(id: &str) -> Option<&'static StateMachine> {
        STATE_MACHINES.iter().find(|machine| machine.id == id)
    }
}

/// A way in which NDIS takes an adapter down.
#[derive(Clone, Copy, Debug)]
pub struct StopOrder {
    /// The stable id: `strict` or `overlapped`.
    pub id: &'static str,
    /// The area it belongs to.
    pub area: Area,
    /// Whether a page describes it. A finding that needs an undocumented one is a note.
    pub documented: bool,
    /// What it is for.
    pub about: &'static str,
    /// The steps, in order, as text.
    pub steps: &'static [&'static str],
    /// The open questions that shape it.
    pub rests_on: &'static [Question],
    /// The ids of the pages it follows from. See [`crate::page_url`].
    pub pages: &'static [&'static str],
}

impl StopOrder {
    /// Every stop order, in the order of the files.
    pub const ALL: &[StopOrder] = STOP_ORDERS;

    /// The stop order with this id.
    pub fn find(id: &str) -> Option<&'static StopOrder> {
        STOP_ORDERS.iter().find(|order| order.id == id)
    }
}
