//! What a driver needs of the kernel: events, spin locks, work items, DPCs, timers.
//!
//! Each operation here is one that others can see, so other tasks may run before it takes effect. Between two of them, and
//! between two calls of NDIS, a driver runs alone: a plain `Cell` needs no lock. A borrow of a `RefCell` must not last over such an
//! operation or call, because another task may want the same cell.

use crate::kernel::{self, Addresses};
use model::record::{Irql, ObjectKind, Routine};
use model::{DriverId, Token};
use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::time::Duration;

/// A routine that waits for its task.
type Work = Box<dyn FnOnce()>;

/// The kernel, for one driver. Every object of the typed API gives it, and [`driver_entry`](super::Protocol::driver_entry) gets it
/// first.
#[derive(Clone)]
pub struct Kernel(Rc<State>);

struct State {
    driver: DriverId,
    addresses: Addresses,
    /// What work items, DPCs and timers that are queued will run.
    routines: RefCell<BTreeMap<Token, Work>>,
}

impl Kernel {
    pub(crate) fn new(driver: DriverId) -> Kernel {
        Kernel(Rc::new(State { driver, addresses: Addresses::new(driver), routines: RefCell::default() }))
    }

    /// An address that no other object of any driver has.
    pub(crate) fn address(&self) -> Token {
        self.0.addresses.take(1).expect("not all addresses that a driver may take are taken")
    }

    /// Runs what was queued as `routine`.
    pub(crate) fn run(&self, routine: Routine) {
        let (Routine::WorkItem(token) | Routine::Timer(token) | Routine::Dpc(token) | Routine::Thread(token)) =
            routine;
        let work = self.0.routines.borrow_mut().remove(&token);
        work.expect("only what was queued runs")();
    }

    /// An event that stays set until it is reset (`NotificationEvent`).
    pub fn event(&self) -> Event {
        self.new_event(ObjectKind::NotificationEvent { set: false })
    }

    /// An event that one waiter resets (`SynchronizationEvent`).
    pub fn synchronization_event(&self) -> Event {
        self.new_event(ObjectKind::SynchronizationEvent { set: false })
    }

    fn new_event(&self, kind: ObjectKind) -> Event {
        let address = self.address();
        kernel::initialize_event(address, kind);
        Event { address }
    }

    /// A spin lock around a value.
    pub fn spin_lock<T>(&self, value: T) -> SpinLock<T> {
        let address = self.address();
        kernel::initialize_spin_lock(address);
        SpinLock { address, value: RefCell::new(value) }
    }

    /// Runs `work` later, on a task of its own at `PASSIVE_LEVEL`.
    pub fn queue_work_item(&self, work: impl FnOnce() + 'static) {
        kernel::queue_work_item(self.routine(work));
    }

    /// Runs `work` later, on a task of its own at `DISPATCH_LEVEL`.
    pub fn queue_dpc(&self, work: impl FnOnce() + 'static) {
        kernel::queue_dpc(self.routine(work));
    }

    /// Runs `work` after a time, on a task of its own at `DISPATCH_LEVEL`.
    pub fn set_timer(&self, due: Duration, work: impl FnOnce() + 'static) -> Timer {
        let address = self.routine(work);
        kernel::set_timer(address, ticks(due));
        Timer { address, kernel: self.clone() }
    }

    fn routine(&self, work: impl FnOnce() + 'static) -> Token {
        let address = self.address();
        self.0.routines.borrow_mut().insert(address, Box::new(work));
        address
    }

    /// Sleeps (`NdisMSleep`). At `PASSIVE_LEVEL` only.
    pub fn sleep(&self, time: Duration) {
        kernel::sleep(ticks(time));
    }

    /// Whether the running task is above `PASSIVE_LEVEL`, where it may not wait.
    pub fn is_raised(&self) -> bool {
        engine::current().irql > Irql::PASSIVE
    }

    /// Prints to the trace, as `DbgPrint` does.
    pub fn print(&self, text: &str) {
        engine::print(text);
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").field("driver", &self.0.driver).finish_non_exhaustive()
    }
}

/// A time in the kernel's unit, 100 nanoseconds.
fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() / 100).unwrap_or(u64::MAX)
}

/// An event.
#[derive(Debug)]
pub struct Event {
    address: Token,
}

impl Event {
    /// Sets it (`KeSetEvent`).
    pub fn set(&self) {
        kernel::set_event(self.address);
    }

    /// Resets it (`KeResetEvent`).
    pub fn reset(&self) {
        kernel::reset_event(self.address);
    }

    /// Waits for it (`KeWaitForSingleObject`). At `PASSIVE_LEVEL` only.
    pub fn wait(&self) {
        kernel::wait(self.address, None);
    }

    /// Waits for it, not longer than for a time. Whether it came.
    pub fn wait_for(&self, limit: Duration) -> bool {
        kernel::wait(self.address, Some(ticks(limit)))
    }
}

/// A timer that was set.
#[derive(Debug)]
pub struct Timer {
    address: Token,
    kernel: Kernel,
}

impl Timer {
    /// Takes it back (`NdisCancelTimer`). Whether that was in time: its routine then never runs.
    pub fn cancel(self) -> bool {
        let cancelled = kernel::cancel_timer(self.address);
        if cancelled {
            self.kernel.0.routines.borrow_mut().remove(&self.address);
        }
        cancelled
    }
}

/// A value that one task at a time may look at, at `DISPATCH_LEVEL`.
#[derive(Debug)]
pub struct SpinLock<T> {
    address: Token,
    value: RefCell<T>,
}

impl<T> SpinLock<T> {
    /// Acquires the lock (`KeAcquireSpinLock`) until the guard is dropped (`KeReleaseSpinLock`).
    pub fn acquire(&self) -> SpinLockGuard<'_, T> {
        let old = kernel::acquire_spin_lock(self.address);
        SpinLockGuard { address: self.address, old, value: Some(self.value.borrow_mut()) }
    }
}

/// A spin lock that is held.
#[derive(Debug)]
pub struct SpinLockGuard<'a, T> {
    address: Token,
    old: Irql,
    /// None while it is dropped.
    value: Option<RefMut<'a, T>>,
}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value.as_ref().expect("there until it is dropped")
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("there until it is dropped")
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        // A driver that panics has ended the execution, and its task cannot be suspended any more.
        if !std::thread::panicking() {
            kernel::release_spin_lock(self.address, Some(self.old));
        }
    }
}
