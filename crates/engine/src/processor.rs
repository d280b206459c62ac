//! The virtual processors: what the level of interrupt requests and the processor's own block belong to.
//!
//! A task above `APC_LEVEL` stays on its processor and nothing else runs there. A task below may go on wherever no such
//! task is; its level goes with it. A DPC takes any processor that is not raised: what it interrupts there goes on
//! elsewhere, or when the DPC is over.

use crate::arena;
use model::record::Irql;
use std::cell::Cell;

/// How many there can be.
pub const COUNT_MAX: u8 = 8;

/// The size of a processor's block.
pub const BLOCK_SIZE: usize = 0x4000;

/// Where in the block the level lies, as a `u64`: what driver code reads and writes for `cr8`.
pub const IRQL_OFFSET: usize = 0x1000;

thread_local! {
    // Constants without destructors, so nothing is initialised lazily.
    static RUNNING: Cell<Option<u8>> = const { Cell::new(None) };
    static HOOK: Cell<Option<fn(u8)>> = const { Cell::new(None) };
}

/// The block of a processor: [`BLOCK_SIZE`] bytes at a fixed address, zero when [`Runner::new`](crate::Runner::new) builds, and part of the
/// snapshot. The host lays its `KPCR` into the first 0x1000 bytes; the word at [`IRQL_OFFSET`] is the engine's; what
/// lies behind that word is the host's again.
///
/// # Panics
/// `processor` is not below [`COUNT_MAX`].
pub fn block(processor: u8) -> *mut u8 {
    assert!(processor < COUNT_MAX, "there is no processor {processor}");
    arena::block(processor)
}

fn running() -> u8 {
    RUNNING.get().expect("no task runs")
}

/// The processor that the running task is on.
///
/// # Panics
/// No task runs.
pub fn number() -> u8 {
    running()
}

/// The level of the running processor.
///
/// # Panics
/// No task runs.
pub fn irql() -> Irql {
    Irql(arena::read_level(running()).min(u64::from(u8::MAX)) as u8)
}

/// Sets the level of the running processor and gives back the old one. It is neither a scheduling point nor recorded:
/// it is what an instruction of the driver's does, not what a call of the kernel does.
///
/// # Panics
/// No task runs.
pub fn set_irql(level: Irql) -> Irql {
    let old = irql();
    arena::write_level(running(), u64::from(level.0));
    old
}

/// Sets what is called, on this thread, when a task goes on and runs on another processor than the one that ran before:
/// with the number of the processor.
pub fn on_switch(hook: fn(u8)) {
    HOOK.set(Some(hook));
    RUNNING.set(None);
}

/// Makes `processor` the running one, with the level of the task that goes on there.
pub(crate) fn switch(processor: u8, level: Irql) {
    if RUNNING.replace(Some(processor)) != Some(processor)
        && let Some(hook) = HOOK.get()
    {
        hook(processor);
    }
    arena::write_level(processor, u64::from(level.0));
}

/// Makes no processor the running one, as before the first task.
pub(crate) fn forget() {
    RUNNING.set(None);
}
