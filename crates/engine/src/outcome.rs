//! How an execution can end. Everything but the findings is plain data, so that it outlives the arena.

use contract::Rule;
use model::record::{Finding, TaskNumber};
use model::{DriverId, Violation};

/// How an execution ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing can run any more, and the program is over.
    AtRest {
        /// What the monitors found, and tasks that wait for ever.
        findings: Vec<Finding>,
        /// Whether timers were still armed, or tasks asleep, that had come up without effect again and again
        /// ([`Limits::idle_deadlines`](crate::Limits::idle_deadlines)).
        ticking: bool,
    },
    /// Something on a task ended it.
    Ended(Ending),
    /// A limit was hit: there is no verdict about what would have come later.
    Bounded(Limit),
}

/// Why an execution ended before it came to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// A rule was broken.
    Violated(Violation),
    /// Driver code crashed.
    Crashed(Crash),
    /// A driver called or touched an import that is not provided.
    Unimplemented {
        /// The driver.
        by: DriverId,
        /// The import, by its place in the table of whoever linked the driver.
        symbol: u32,
    },
    /// Driver code ran too long without a call: it cannot be judged whether it would end.
    Hung {
        /// The driver.
        by: DriverId,
        /// Where it was: an address.
        ip: u64,
    },
    /// An expectation failed: what happened is not what the scenario or script says.
    Unexpected {
        /// Whose script.
        by: DriverId,
        /// What differs: the number of a text beside the trace ([`Runner::text`](crate::Runner::text)).
        text: u32,
    },
    /// A driver written in Rust panicked, or the engine did.
    Panicked {
        /// Whose code ran, none for the engine's own.
        by: Option<DriverId>,
        /// The message: the number of a text beside the trace ([`Runner::text`](crate::Runner::text)).
        text: u32,
    },
}

impl Ending {
    /// That what happened is not what the script of `by` says; `text` tells the difference.
    pub fn unexpected(by: DriverId, text: &str) -> Ending {
        Ending::Unexpected { by, text: crate::arena::notes(|notes| notes.add_text(text)) }
    }
}

/// A crash of driver code, as whoever caught it describes it.
///
/// Two crashes are the same whatever is left in `registers`: those that a call need not keep hold what NDIS or the kernel
/// left there, which is ours and not part of the execution.
#[derive(Clone, Copy, Debug)]
pub struct Crash {
    /// The rule of area `kernel` that it breaks.
    pub rule: Rule,
    /// Whose code crashed.
    pub by: DriverId,
    /// On which task.
    pub task: TaskNumber,
    /// What exactly, where the rule covers several things.
    pub offence: &'static str,
    /// The signal, 0 if there was none.
    pub signal: i32,
    /// The signal's code (`si_code`).
    pub code: i32,
    /// The address that was touched; the argument of a bug check or fast fail.
    pub address: u64,
    /// The instruction.
    pub ip: u64,
    /// The stack pointer.
    pub sp: u64,
    /// rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8 to r15, rip, eflags.
    pub registers: [u64; 18],
}

impl PartialEq for Crash {
    fn eq(&self, other: &Crash) -> bool {
        let what = |crash: &Crash| {
            let Crash { rule, by, task, offence, signal, code, address, ip, sp, registers: _ } = *crash;
            (rule, by, task, offence, signal, code, address, ip, sp)
        };
        what(self) == what(other)
    }
}
impl Eq for Crash {}

/// A bound on an execution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Too many scheduling points.
    Steps,
    /// Too many tasks: alive at once, or started in all.
    Tasks,
    /// The execution's clock went too far.
    Time,
    /// The arena is nearly full.
    Memory,
    /// The trace grew too long.
    Records,
}
