//! The execution's clock as drivers see it: virtual, from a fixed beginning, in units of 100 ns.

/// Units of 100 ns in a second.
pub(crate) const PER_SECOND: u64 = 10_000_000;
/// One tick of the clock interrupt: 15.625 ms, which is 1/64 s.
pub(crate) const TICK: u64 = PER_SECOND / 64;
/// The system's time at the beginning of an execution: 2020-01-01 00:00 UTC, counted from 1601.
const BEGINNING: u64 = 132_223_104_000_000_000;
/// How long the system is said to have been up at the beginning of an execution: a minute, since no driver runs at 0.
const UP_BEFORE: u64 = 60 * PER_SECOND;

/// The time since the system was started.
pub(crate) fn interrupt_time() -> u64 {
    UP_BEFORE + engine::time()
}

/// The time since 1601.
pub(crate) fn system_time() -> u64 {
    BEGINNING + engine::time()
}
