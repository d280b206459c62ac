//! Tasks: what runs on a stack of its own, where it may be suspended, and how it can end the execution.

use crate::arena::{self, TaskStack};
use crate::call;
use crate::execution::{Execution, Idle};
use crate::outcome::Ending;
use crate::processor;
use crate::strategy::Next;
use contract::Ddi;
use model::block::HandlerSet;
use model::record::{Frame, Irql, Routine, Stuck, TaskNumber, WaitsFor};
use model::{DriverId, Job, Token, Violation};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use crate::arena::trap;

/// Why a task exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    Job(Job),
    Routine(DriverId, Routine),
}

/// Whether a task can go on, seen between two scheduling points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It can.
    Ready,
    /// When it is woken, the condition holds, or the clock reaches the time.
    Waiting(WaitsFor, Option<u64>),
    /// When the lock is free; until then it keeps its processor.
    Spinning(Token),
    /// When the clock reaches the time.
    Sleeping(u64),
}

impl State {
    pub(crate) fn deadline(&self) -> Option<u64> {
        match *self {
            State::Ready | State::Spinning(_) => None,
            State::Waiting(_, deadline) => deadline,
            State::Sleeping(deadline) => Some(deadline),
        }
    }
}

pub(crate) struct Task {
    pub(crate) number: TaskNumber,
    pub(crate) model: model::Task,
    origin: Origin,
    /// Where it runs, or ran last.
    pub(crate) processor: u8,
    /// The level at which it goes on.
    pub(crate) irql: Irql,
    pub(crate) state: State,
    pub(crate) next: Next,
    /// Whether what it last waited for came, rather than the time-out.
    pub(crate) came: bool,
    /// Whether it goes on because of nothing but the passing of time.
    pub(crate) timed: bool,
    pub(crate) idle: Idle,
    pub(crate) frames: Vec<Frame>,
    /// The spin locks that it holds, in the order of acquisition.
    pub(crate) locks: Vec<Token>,
    /// Calls and callbacks on its stack.
    pub(crate) depth: u8,
    pub(crate) site: Option<u32>,
    /// None while it runs.
    pub(crate) stack: Option<TaskStack>,
}

impl Task {
    pub(crate) fn new(
        number: TaskNumber,
        model: model::Task,
        origin: Origin,
        processor: u8,
        irql: Irql,
        timed: bool,
        stack: TaskStack,
    ) -> Task {
        Task {
            number,
            model,
            origin,
            processor,
            irql,
            state: State::Ready,
            next: Next::Begin,
            came: false,
            timed,
            idle: Idle::default(),
            frames: Vec::new(),
            locks: Vec::new(),
            depth: 0,
            site: None,
            stack: Some(stack),
        }
    }

    pub(crate) fn runs(&self, driver: DriverId) -> Option<Routine> {
        match self.origin {
            Origin::Routine(owner, routine) if owner == driver => Some(routine),
            Origin::Routine(..) | Origin::Job(_) => None,
        }
    }

    /// What it waits for without end, unless it is a thread that serves: one that is in no handler and waits for work.
    pub(crate) fn stuck(&self) -> Option<Stuck> {
        let serves = matches!(self.origin, Origin::Routine(_, Routine::Thread(_)))
            && self.frames.iter().all(|frame| frame.callback.is_none());
        let waits_for = match self.state {
            State::Waiting(WaitsFor::Object(_), None) if serves => return None,
            State::Waiting(waits_for, None) => waits_for,
            State::Spinning(lock) => WaitsFor::Object(lock),
            State::Ready | State::Waiting(_, Some(_)) | State::Sleeping(_) => return None,
        };
        Some(Stuck { task: self.number, frames: self.frames.clone(), waits_for })
    }
}

/// What has to be put back when a handler returns.
pub(crate) struct Entry {
    driver: Option<DriverId>,
    handler: Option<Ddi>,
    within: HandlerSet,
    irql: Irql,
    locks: usize,
}

impl Task {
    /// Driver code begins: a handler, or a routine of the driver's own.
    pub(crate) fn enter(&mut self, frame: Frame) -> Entry {
        let model = &mut self.model;
        let entry = Entry {
            driver: model.driver,
            handler: model.handler,
            within: model.within,
            irql: processor::irql(),
            locks: self.locks.len(),
        };
        model.driver = Some(frame.driver);
        model.handler = frame.callback.map(|callback| callback.ddi());
        if let Some(handler) = model.handler {
            model.within.insert(handler);
        }
        self.frames.push(frame);
        self.depth = self.depth.saturating_add(1);
        entry
    }

    /// It has returned.
    pub(crate) fn leave(&mut self, entry: Entry) {
        self.model.driver = entry.driver;
        self.model.handler = entry.handler;
        self.model.within = entry.within;
        self.frames.pop();
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether it returned at another level, or with a lock that it has acquired.
    pub(crate) fn misses(&self, entry: &Entry) -> Option<(contract::Rule, &'static str)> {
        if self.locks.len() > entry.locks {
            Some((contract::Rule::KernelSpinlockHeld, "returned with a spin lock held"))
        } else if processor::irql() != entry.irql {
            Some((contract::Rule::KernelIrqlRestore, "returned at another IRQL than it was entered at"))
        } else {
            None
        }
    }
}

/// The whole of a task.
pub(crate) fn body(origin: Origin) {
    let work = AssertUnwindSafe(|| match origin {
        Origin::Job(job) => call::job(job),
        Origin::Routine(driver, routine) => call::routine(driver, routine),
    });
    if let Err(payload) = catch_unwind(work) {
        panicked(payload);
    }
}

fn panicked(payload: Box<dyn Any + Send>) {
    let message = payload.downcast_ref::<&str>().map(|message| message.to_string());
    let message = message.or_else(|| payload.downcast_ref::<String>().cloned());
    let text =
        arena::notes(|notes| notes.add_text(message.as_deref().unwrap_or("a panic without a message")));
    arena::outside(|| drop(payload));
    let by = arena::try_execution(|execution| execution.task().model.driver).flatten();
    arena::set_ending(Ending::Panicked { by, text });
}

/// Changes the state of the execution, alone; a violation ends it.
pub(crate) fn transact<T>(work: impl FnOnce(&mut Execution) -> Result<T, Violation>) -> T {
    let result = arena::execution(|execution| {
        let result = work(execution);
        match execution.take_broken() {
            Some(violation) => Err(violation),
            None => result,
        }
    });
    match result {
        Ok(value) => value,
        Err(violation) => end(Ending::Violated(violation)),
    }
}

/// A scheduling point: other tasks may run before the caller does what it is about to do.
///
/// Why points before these operations are enough. What tasks share is the world, the kernel objects, the levels of the
/// processors and the clock, and all of it changes only behind a point: in a call of NDIS, a kernel operation, a
/// handler's or thread's return, or a choice of the scheduler itself. What a task does between two points reads and writes
/// its own data, or data that a correct driver guards by such an operation; so it commutes with what
/// other tasks do meanwhile, and moving all of it behind the point before it changes no result. Every order of the
/// visible operations is therefore an order of choices. What this leaves out are data races: memory that drivers share
/// unguarded, and levels that driver code sets by instruction where one processor is all there is.
pub(crate) fn point(next: Next) {
    let goes_on = arena::execution(|execution| {
        let task = execution.task();
        task.next = next;
        task.irql = processor::irql();
        if execution.watched || execution.bounded().is_some() {
            return false;
        }
        execution.enumerate();
        execution.only_continues() && {
            execution.pass();
            true
        }
    });
    if !goes_on {
        arena::suspend();
    }
}

/// Suspends the task until `state` is over; whether what it waits for came.
pub(crate) fn block(state: State) -> bool {
    arena::execution(|execution| {
        let task = execution.task();
        task.irql = processor::irql();
        task.state = state;
        task.came = false;
    });
    arena::suspend();
    arena::execution(|execution| execution.task().came)
}

/// What runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Current {
    /// The task.
    pub task: TaskNumber,
    /// Its processor.
    pub processor: u8,
    /// The processor's level.
    pub irql: Irql,
    /// Whose code runs, none in NDIS's own.
    pub driver: Option<DriverId>,
    /// Which handler of that driver, none in a routine of its own.
    pub handler: Option<Ddi>,
}

/// The running task.
///
/// # Panics
/// No task runs ([`is_running`]).
pub fn current() -> Current {
    assert!(is_running(), "no task runs");
    arena::execution(describe)
}

/// The running task, for a signal handler: none when no task runs, or when the signal came while the engine itself was
/// changing the execution's state.
pub fn try_current() -> Option<Current> {
    if is_running() { arena::try_execution(describe) } else { None }
}

fn describe(execution: &mut Execution) -> Current {
    let task = execution.task();
    Current {
        task: task.number,
        processor: processor::number(),
        irql: processor::irql(),
        driver: task.model.driver,
        handler: task.model.handler,
    }
}

/// The execution's clock: the time since its beginning, in units of 100 nanoseconds.
///
/// # Panics
/// No task runs.
pub fn time() -> u64 {
    assert!(is_running(), "no task runs");
    arena::execution(|execution| execution.time)
}

/// Whether a task runs on this thread.
pub fn is_running() -> bool {
    arena::in_task()
}

/// Ends the execution from within a task: driver code crashed, it called what is not provided, a rule is broken that
/// only the caller can see. Nothing is unwound, and no destructor on the task's stack runs.
///
/// # Panics
/// No task runs.
pub fn end(ending: Ending) -> ! {
    assert!(is_running(), "no task runs");
    arena::set_ending(ending);
    loop {
        arena::suspend();
    }
}
