//! The core: connection-oriented NDIS as a pure step function. (Being written.)
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod block;
mod event;
mod id;
mod phase;
pub mod record;
mod step;
mod table;

pub use event::{Call, Callback, DeviceEvent, HaltAction, NetEvent, Power, Reply, Value};
pub use id::{AdapterId, AfId, BindingId, DriverId, Handle, HandleArg, HandleKind, RegistrationId, Task, TaskId, Token};
pub use phase::Phase;
pub use step::{Command, Condition, Debt, Input, Job, Log, Notice, Object, OpId, OutParameter, Step, Violation};

use alloc::vec::Vec;

/// How the world is laid out and how NDIS behaves where the documentation leaves it a choice.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// How many drivers there are.
    pub drivers: u8,
    /// The miniport driver of each adapter.
    pub adapters: Vec<DriverId>,
    /// When halting may begin.
    pub stop_order: StopOrder,
    /// Whether NDIS pends `NdisOpenAdapterEx`.
    pub pend_open: bool,
    /// Whether NDIS pends `NdisCloseAdapterEx`.
    pub pend_close: bool,
}

/// How NDIS takes an adapter down.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StopOrder {
    /// As documented: every unbind is complete before the halt.
    Strict,
    /// A test option: the halt may begin while unbinds are pended.
    Overlapped,
}

/// All that NDIS knows. A value: it can be copied, compared, hashed, printed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct World {
    config: Config,
}

impl World {
    /// A world in which nothing is loaded.
    pub fn new(config: Config) -> World {
        World { config }
    }
    /// The only way in: one input, one step. On `Err` the world is unchanged.
    pub fn step(&mut self, _task: &mut Task, _input: Input, _log: &mut impl Log) -> Result<Step, Violation> {
        Ok(Step::Return(contract::Status::SUCCESS))
    }
    /// Appends what NDIS may start on its own now.
    pub fn jobs(&self, _jobs: &mut Vec<Job>) {}
    /// Whether what a call waits for has come.
    pub fn holds(&self, _condition: Condition) -> bool {
        true
    }
    /// What is not at rest, and who owes it.
    pub fn pending(&self) -> Vec<Debt> {
        Vec::new()
    }
}
