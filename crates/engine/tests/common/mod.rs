//! What the tests share: drivers made of closures, and a trace as text.
#![allow(dead_code, unreachable_pub, reason = "not every test file uses all of it")]

use contract::MaxIrql;
use engine::{Act, Driver, Limits, Outcome, Runner, Setup};
use model::record::{Event, Irql, KernelCall, ObjectKind, Operation, Routine};
use model::{Callback, Config, DriverId, Reply, StopOrder, Token};

#[global_allocator]
static ALLOCATOR: engine::arena::Allocator = engine::arena::Allocator;

/// A driver whose routines are a closure, and which has no handlers.
pub struct Routines<F>(pub F);

impl<F: Fn(Routine)> Driver for Routines<F> {
    fn handle(&self, callback: &Callback) -> Reply {
        panic!("no handler for {callback:?}")
    }

    fn routine(&self, routine: Routine) {
        (self.0)(routine);
    }
}

pub const DRIVER: DriverId = DriverId(0);

pub fn config(drivers: u8) -> Config {
    Config {
        drivers,
        adapters: Vec::new(),
        stop_order: StopOrder::Strict,
        pend_open: false,
        pend_close: false,
        pend_mcm: false,
    }
}

/// A setup of one driver that runs these routines, all of them from the beginning.
pub fn setup(processors: u8, routines: &[Routine], code: impl Fn(Routine) + 'static) -> Setup {
    Setup {
        world: config(1),
        drivers: vec![Box::new(Routines(code))],
        program: routines.iter().map(|&routine| Act::Run(DRIVER, routine)).collect(),
        processors,
        limits: Limits::default(),
        monitors: Vec::new(),
    }
}

pub fn runner(processors: u8, routines: &[Routine], code: impl Fn(Routine) + 'static) -> Runner {
    Runner::new(|| setup(processors, routines, code)).expect("a runner")
}

/// A work item, by number.
pub fn item(number: u64) -> Routine {
    Routine::WorkItem(Token(number))
}

pub fn thread(number: u64) -> Routine {
    Routine::Thread(Token(number))
}

fn kernel(routine: &'static str, max_irql: MaxIrql, operation: Operation) -> u64 {
    engine::kernel(KernelCall { routine, max_irql, operation })
}

pub fn initialize(token: u64, kind: ObjectKind) {
    kernel("initialize", MaxIrql::Any, Operation::Initialize(Token(token), kind));
}
pub fn set(event: u64) -> bool {
    kernel("KeSetEvent", MaxIrql::Dispatch, Operation::Set(Token(event))) != 0
}
pub fn reset(event: u64) -> bool {
    kernel("KeResetEvent", MaxIrql::Dispatch, Operation::Reset(Token(event))) != 0
}
pub fn read(event: u64) -> bool {
    kernel("KeReadStateEvent", MaxIrql::Dispatch, Operation::Read(Token(event))) != 0
}
pub fn wait(object: u64) {
    let operation = Operation::Wait(Token(object), None);
    assert_eq!(kernel("KeWaitForSingleObject", MaxIrql::Dispatch, operation), 1);
}
pub fn wait_for(object: u64, time: u64) -> bool {
    kernel("KeWaitForSingleObject", MaxIrql::Dispatch, Operation::Wait(Token(object), Some(time))) != 0
}
pub fn acquire(lock: u64) -> u64 {
    let operation = Operation::Acquire { lock: Token(lock), raise: true };
    kernel("KeAcquireSpinLock", MaxIrql::Dispatch, operation)
}
pub fn release(lock: u64, irql: u64) {
    let operation = Operation::Release { lock: Token(lock), irql: Some(Irql(irql as u8)) };
    kernel("KeReleaseSpinLock", MaxIrql::Dispatch, operation);
}
pub fn queue(token: u64) -> bool {
    kernel("queue", MaxIrql::Dispatch, Operation::Queue(Token(token))) != 0
}
pub fn arm(timer: u64, due: u64, period: Option<u64>) -> bool {
    kernel("KeSetTimerEx", MaxIrql::Dispatch, Operation::Arm { timer: Token(timer), due, period }) != 0
}
pub fn cancel(timer: u64) -> bool {
    kernel("KeCancelTimer", MaxIrql::Dispatch, Operation::Cancel(Token(timer))) != 0
}
pub fn sleep(time: u64) {
    kernel("KeDelayExecutionThread", MaxIrql::Dispatch, Operation::Sleep(time));
}
pub fn allocate(block: u64, size: u64) {
    kernel("ExAllocatePool2", MaxIrql::Dispatch, Operation::Allocate(Token(block), size));
}
pub fn free(block: u64) {
    kernel("ExFreePool", MaxIrql::Dispatch, Operation::Free(Token(block)));
}
pub fn raise(irql: Irql) -> Irql {
    Irql(kernel("KfRaiseIrql", MaxIrql::Any, Operation::RaiseIrql(irql)) as u8)
}
pub fn lower(irql: Irql) {
    kernel("KeLowerIrql", MaxIrql::Any, Operation::LowerIrql(irql));
}

/// What the drivers printed, each with its task, processor and level: `1@0/0 text`.
pub fn printed(runner: &Runner) -> Vec<String> {
    let lines = runner.trace().iter().filter_map(|record| match record.event {
        Event::Printed(_, text) => {
            let (task, level) = (record.task.0, record.irql.0);
            Some(format!("{task}@{}/{level} {}", record.processor, runner.text(text)))
        }
        _ => None,
    });
    lines.collect()
}

pub fn assert_at_rest(outcome: &Outcome) {
    match outcome {
        Outcome::AtRest { findings, .. } => assert_eq!(*findings, []),
        other => panic!("{other:?}"),
    }
}
