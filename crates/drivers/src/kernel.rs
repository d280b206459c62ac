//! What drivers here use of the kernel: a function for each routine, which knows its documented name and level, and the
//! addresses of the objects. Scripts call these as they are, typed drivers through [`typed::Kernel`](crate::typed::Kernel).

use contract::MaxIrql;
use model::record::{Irql, KernelCall, ObjectKind, Operation};
use model::{DriverId, Token};
use std::cell::Cell;

/// Where the addresses of drivers lie that are no binaries: none of a binary does.
pub(crate) const ADDRESSES: u64 = 0xc0de_0000_0000_0000;

/// The addresses of one driver's objects: each is given out once.
pub(crate) struct Addresses {
    driver: DriverId,
    /// How far they are taken, in steps of 16 bytes.
    taken: Cell<u64>,
}

impl Addresses {
    pub(crate) const fn new(driver: DriverId) -> Addresses {
        Addresses { driver, taken: Cell::new(0) }
    }

    /// The address of an object that takes so many steps of 16 bytes; none if all are taken.
    pub(crate) fn take(&self, steps: u64) -> Option<Token> {
        let first = self.taken.get() + 1;
        self.taken.set(self.taken.get().saturating_add(steps));
        let is_left = self.taken.get() < 1 << 28;
        is_left.then(|| Token(ADDRESSES | u64::from(self.driver.0) << 32 | first << 4))
    }
}

fn call(routine: &'static str, max_irql: MaxIrql, operation: Operation) -> u64 {
    engine::kernel(KernelCall { routine, max_irql, operation })
}

pub(crate) fn initialize_event(event: Token, kind: ObjectKind) {
    call("KeInitializeEvent", MaxIrql::Any, Operation::Initialize(event, kind));
}

pub(crate) fn set_event(event: Token) {
    call("KeSetEvent", MaxIrql::Dispatch, Operation::Set(event));
}

pub(crate) fn reset_event(event: Token) {
    call("KeResetEvent", MaxIrql::Dispatch, Operation::Reset(event));
}

/// Whether what is waited for came before the limit.
pub(crate) fn wait(object: Token, limit: Option<u64>) -> bool {
    call("KeWaitForSingleObject", MaxIrql::Dispatch, Operation::Wait(object, limit)) != 0
}

pub(crate) fn initialize_spin_lock(lock: Token) {
    call("KeInitializeSpinLock", MaxIrql::Any, Operation::Initialize(lock, ObjectKind::SpinLock));
}

/// Gives back the level from before.
pub(crate) fn acquire_spin_lock(lock: Token) -> Irql {
    Irql(call("KeAcquireSpinLock", MaxIrql::Dispatch, Operation::Acquire { lock, raise: true }) as u8)
}

pub(crate) fn release_spin_lock(lock: Token, irql: Option<Irql>) {
    call("KeReleaseSpinLock", MaxIrql::Dispatch, Operation::Release { lock, irql });
}

pub(crate) fn queue_work_item(item: Token) {
    call("IoInitializeWorkItem", MaxIrql::Any, Operation::Initialize(item, ObjectKind::WorkItem));
    call("IoQueueWorkItemEx", MaxIrql::Dispatch, Operation::Queue(item));
}

pub(crate) fn queue_dpc(dpc: Token) {
    call("KeInitializeDpc", MaxIrql::Any, Operation::Initialize(dpc, ObjectKind::Dpc));
    call("KeInsertQueueDpc", MaxIrql::Any, Operation::Queue(dpc));
}

pub(crate) fn create_system_thread(thread: Token) {
    call("PsCreateSystemThread", MaxIrql::Any, Operation::Initialize(thread, ObjectKind::Thread));
    call("PsCreateSystemThread", MaxIrql::Passive, Operation::Queue(thread));
}

pub(crate) fn set_timer(timer: Token, due: u64) {
    call("NdisInitializeTimer", MaxIrql::Any, Operation::Initialize(timer, ObjectKind::Timer));
    call("NdisSetTimer", MaxIrql::Dispatch, Operation::Arm { timer, due, period: None });
}

pub(crate) fn set_periodic_timer(timer: Token, period: u64) {
    call("NdisMInitializeTimer", MaxIrql::Any, Operation::Initialize(timer, ObjectKind::Timer));
    let arm = Operation::Arm { timer, due: period, period: Some(period) };
    call("NdisMSetPeriodicTimer", MaxIrql::Dispatch, arm);
}

/// Whether the timer was still armed.
pub(crate) fn cancel_timer(timer: Token) -> bool {
    call("NdisCancelTimer", MaxIrql::Dispatch, Operation::Cancel(timer)) != 0
}

pub(crate) fn allocate(block: Token, bytes: u64) {
    call("ExAllocatePoolWithTag", MaxIrql::Dispatch, Operation::Allocate(block, bytes));
}

pub(crate) fn free(block: Token) {
    call("ExFreePoolWithTag", MaxIrql::Dispatch, Operation::Free(block));
}

pub(crate) fn sleep(time: u64) {
    call("NdisMSleep", MaxIrql::Passive, Operation::Sleep(time));
}

/// Gives back the level from before.
pub(crate) fn raise_irql(level: Irql) -> Irql {
    Irql(call("KeRaiseIrql", MaxIrql::Any, Operation::RaiseIrql(level)) as u8)
}

pub(crate) fn lower_irql(level: Irql) {
    call("KeLowerIrql", MaxIrql::Any, Operation::LowerIrql(level));
}
