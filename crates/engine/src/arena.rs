//! The arena. (Being written.)

use crate::outcome::Ending;
use corosensei::trap::TrapHandlerRegs;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::Range;

/// The allocator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allocator;

// SAFETY: forwards to the system's allocator.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// A range outside the arena that belongs to the snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegionId(usize);

/// Adds a range of memory to what an execution may change. Only while [`Runner::new`](crate::Runner::new) builds.
///
/// # Safety
/// The range stays mapped, readable and writable while the runner lives, and no Rust reference into it is held over a
/// scheduling point.
pub unsafe fn add_region(ptr: *mut u8, len: usize) -> RegionId {
    let _ = (ptr, len);
    RegionId(0)
}

/// Says how many bytes of a region are in use: a snapshot copies only these.
pub fn set_used(region: RegionId, used: usize) {
    let _ = (region, used);
}

/// Runs `work` with the system's allocator, for what must outlive the execution.
pub fn outside<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// The stack of the running task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackRange {
    /// The inaccessible page below it.
    pub guard: Range<usize>,
    /// The stack itself.
    pub usable: Range<usize>,
}

/// The stack of the running task; none when no task runs. May be called in a signal handler.
pub fn stack() -> Option<StackRange> {
    None
}

/// Ends the execution from a signal handler.
///
/// # Safety
/// Only in a signal handler that interrupted the running task, whose registers are then set to the result.
pub unsafe fn trap(ending: Ending) -> Option<TrapHandlerRegs> {
    let _ = ending;
    None
}
