//! Ends a driver's loop that calls nothing: a timer on the thread's processor time ticks, and a driver that has been
//! found running at several ticks in a row without a call in between is taken to be in one.

use super::registers::Registers;
use crate::host::Host;
use engine::Ending;
use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How many ticks make up the limit.
const TICKS: u32 = 4;

/// Ticks since a driver last called anything of ours.
static QUIET: AtomicU32 = AtomicU32::new(0);

/// Notes that a driver made a call, or that one of its handlers begins.
pub(crate) fn progress() {
    QUIET.store(0, Ordering::Relaxed);
}

thread_local! {
    /// This thread's timer, once it has one.
    static TIMER: Cell<Option<libc::timer_t>> = const { Cell::new(None) };
}

/// Starts or changes this thread's timer, so that it ends a loop after `limit` of the thread's processor time, a little
/// more or less.
pub(crate) fn start(limit: Duration) -> io::Result<()> {
    let timer = match TIMER.get() {
        Some(timer) => timer,
        None => {
            let timer = create()?;
            TIMER.set(Some(timer));
            timer
        }
    };
    let tick = (limit / TICKS).max(Duration::from_millis(1));
    let tick = libc::timespec { tv_sec: tick.as_secs() as i64, tv_nsec: i64::from(tick.subsec_nanos()) };
    let spec = libc::itimerspec { it_interval: tick, it_value: tick };
    // SAFETY: the timer exists as long as the thread, and the structure lives over the call.
    let result = unsafe { libc::timer_settime(timer, 0, &spec, std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn create() -> io::Result<libc::timer_t> {
    // SAFETY: the structure is plain data, for which zeros are a valid value.
    let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
    event.sigev_notify = libc::SIGEV_THREAD_ID;
    event.sigev_signo = libc::SIGPROF;
    // SAFETY: no arguments, no effects.
    event.sigev_notify_thread_id = unsafe { libc::gettid() };
    let mut timer: libc::timer_t = std::ptr::null_mut();
    // SAFETY: both structures live over the call.
    let result = unsafe { libc::timer_create(libc::CLOCK_THREAD_CPUTIME_ID, &mut event, &mut timer) };
    if result == 0 { Ok(timer) } else { Err(io::Error::last_os_error()) }
}

/// Takes a tick. What was interrupted may be anything.
pub(super) fn on_tick(registers: &mut Registers<'_>) -> bool {
    let quiet = QUIET.fetch_add(1, Ordering::Relaxed) + 1;
    if quiet < TICKS {
        return true;
    }
    // Only code of a driver is interrupted: in ours, a lock or the allocator may be in the middle of something.
    let ip = registers.ip();
    if engine::arena::stack().is_none() {
        return true;
    }
    let Some(host) = Host::current() else { return true };
    if host.place(ip).is_none() {
        return true;
    }
    let Some(by) = engine::current().driver else { return true };
    super::resume_after(Ending::Hung { by, ip: host.original(ip) }, registers);
    true
}
