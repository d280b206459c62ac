//! The trace: one [`Record`] per thing that can be seen from outside, and who watches it ([`Monitor`]).
//!
//! Records are plain values without pointers, so that they can be kept outside whatever an execution may change.

use crate::World;
use crate::event::{Call, Callback, Reply};
use crate::id::{DriverId, Token};
use crate::step::{Command, Condition, Debt, Job, Object, OutParameter, Violation};
use alloc::vec::Vec;
use contract::{Ddi, MaxIrql, Status};

/// The levels of interrupt requests that drivers see here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Irql(pub u8);

impl Irql {
    /// `PASSIVE_LEVEL`.
    pub const PASSIVE: Irql = Irql(0);
    /// `APC_LEVEL`.
    pub const APC: Irql = Irql(1);
    /// `DISPATCH_LEVEL`.
    pub const DISPATCH: Irql = Irql(2);

    /// Whether a function with the limit `max` may be called at this level.
    pub const fn within(self, max: MaxIrql) -> bool {
        match max {
            MaxIrql::Passive => self.0 == 0,
            MaxIrql::Dispatch => self.0 <= 2,
            MaxIrql::Any => true,
        }
    }

    /// `PASSIVE_LEVEL`, or the level as a number above `DISPATCH_LEVEL`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "PASSIVE_LEVEL",
            1 => "APC_LEVEL",
            2 => "DISPATCH_LEVEL",
            _ => "above DISPATCH_LEVEL",
        }
    }
}

/// A task as the trace numbers it: in the order in which tasks started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TaskNumber(pub u16);

/// One line of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// On which task.
    pub task: TaskNumber,
    /// On which processor.
    pub processor: u8,
    /// At which level.
    pub irql: Irql,
    /// Within how many calls and callbacks of the task.
    pub depth: u8,
    /// When, in units of 100 nanoseconds of the execution's clock.
    pub time: u64,
    /// Where in the driver, if known: the return address of the call, as an offset into the driver's image.
    pub site: Option<u32>,
    /// What.
    pub event: Event,
}

/// What a line of a trace says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The environment acted.
    Commanded(Command),
    /// A task of NDIS's own started.
    Started(Job),
    /// A task of a driver's started: a work item, a timer's DPC, a thread.
    Queued(DriverId, Routine),
    /// The task is over.
    Ended,
    /// A driver called NDIS.
    Called(DriverId, Call),
    /// That call stored a result.
    Published(DriverId, OutParameter),
    /// That call returned.
    Returned(DriverId, Ddi, Status),
    /// NDIS called a driver.
    Invoked(DriverId, Callback),
    /// That handler returned.
    Replied(DriverId, Ddi, Reply),
    /// A call of NDIS waits.
    Waiting(DriverId, Condition),
    /// A driver called the kernel.
    Kernel(DriverId, KernelCall),
    /// A driver printed something; the text lies beside the trace.
    Printed(DriverId, u32),
    /// An object changed its state.
    Edge(Object, &'static str, &'static str),
    /// A rule was broken, and the execution went on.
    Warned(Violation),
    /// A rule was broken, and the execution ended.
    Violated(Violation),
}

/// What a driver's own task runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Routine {
    /// The routine of a work item.
    WorkItem(Token),
    /// The routine of a timer.
    Timer(Token),
    /// A deferred procedure call.
    Dpc(Token),
    /// A system thread.
    Thread(Token),
}

/// A call of a kernel routine, or of one of NDIS's that only wraps the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KernelCall {
    /// Its name.
    pub routine: &'static str,
    /// The highest level at which it may be called.
    pub max_irql: MaxIrql,
    /// What it does to which object.
    pub operation: Operation,
}

/// What a kernel routine does. Tokens are addresses of the driver's objects; times are in units of 100 nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operation {
    /// Makes an object ready for use.
    Initialize(Token, ObjectKind),
    /// Sets an event. Answers whether it was set.
    Set(Token),
    /// Resets an event. Answers whether it was set.
    Reset(Token),
    /// Reads an event. Answers whether it is set.
    Read(Token),
    /// Waits for an object, if need be up to a time; a time of zero only looks. Answers whether the object came.
    Wait(Token, Option<u64>),
    /// Acquires a spin lock and, unless the caller says that it has done so, raises the level. Answers the old level.
    Acquire {
        /// The lock.
        lock: Token,
        /// Whether to raise the level to `DISPATCH_LEVEL`.
        raise: bool,
    },
    /// Releases a spin lock and, if one is given, sets the level.
    Release {
        /// The lock.
        lock: Token,
        /// The level to go back to.
        irql: Option<Irql>,
    },
    /// Queues a work item or a DPC, or starts a thread. Answers whether it was queued before.
    Queue(Token),
    /// Arms a timer to run after a time, and again after each period. Answers whether it was armed before.
    Arm {
        /// The timer.
        timer: Token,
        /// When, from now.
        due: u64,
        /// How often, if more than once.
        period: Option<u64>,
    },
    /// Takes a timer or DPC back. Answers whether it was queued.
    Cancel(Token),
    /// Allocates an object or memory of so many bytes.
    Allocate(Token, u64),
    /// Frees it.
    Free(Token),
    /// Raises the level. Answers the old one.
    RaiseIrql(Irql),
    /// Lowers the level. Answers the old one.
    LowerIrql(Irql),
    /// Sleeps for a time.
    Sleep(u64),
    /// Reads or compares something; nothing that others see.
    Other,
}

/// What a kernel object is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ObjectKind {
    /// An event that stays set until it is reset.
    NotificationEvent {
        /// Whether it starts set.
        set: bool,
    },
    /// An event that one waiter resets.
    SynchronizationEvent {
        /// Whether it starts set.
        set: bool,
    },
    /// A spin lock.
    SpinLock,
    /// A timer whose routine runs at `DISPATCH_LEVEL`.
    Timer,
    /// A work item, whose routine runs at `PASSIVE_LEVEL`.
    WorkItem,
    /// A deferred procedure call, whose routine runs at `DISPATCH_LEVEL`.
    Dpc,
    /// A system thread, whose routine runs at `PASSIVE_LEVEL` once it is queued; waiting for it waits for its end.
    Thread,
}

/// Someone who reads records as they are made and may end the execution.
pub trait Monitor {
    /// Takes one record, made in `world` as it is after it.
    ///
    /// # Errors
    /// The rule that the record breaks.
    fn see(&mut self, record: &Record, world: &World) -> Result<(), Violation>;

    /// Judges an execution that has come to rest: nothing can run, no timer is armed, the environment has no more to do.
    fn at_rest(&mut self, rest: &Rest<'_>) -> Vec<Finding>;
}

/// An execution at rest.
#[derive(Clone, Debug)]
pub struct Rest<'a> {
    /// The world.
    pub world: &'a World,
    /// What is not at rest in it.
    pub debts: Vec<Debt>,
    /// The tasks that wait for something which will not happen.
    pub stuck: Vec<Stuck>,
}

/// A task that can never go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stuck {
    /// The task.
    pub task: TaskNumber,
    /// Who is on its stack, outermost first: a driver, in which callback or routine of its own.
    pub frames: Vec<Frame>,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

/// One driver on a task's stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The driver.
    pub driver: DriverId,
    /// The handler that runs, none in a routine of the driver's own.
    pub callback: Option<Callback>,
    /// The call of NDIS in which the driver is, if it is in one.
    pub call: Option<Call>,
}

/// What a task may wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitsFor {
    /// An object of the kernel: an event, a lock.
    Object(Token),
    /// Something of NDIS's.
    Ndis(Condition),
}

/// A rule that the end of an execution shows broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Who broke it, and how.
    pub violation: Violation,
    /// What stands still because of it, in words of the objects: who waits for whom.
    pub chain: Vec<Link>,
}

/// One link in a chain of waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// A task waits in a handler of a driver.
    Task(TaskNumber, DriverId, Option<Ddi>, WaitsFor),
    /// A driver owes a completion.
    Debt(Debt),
}
