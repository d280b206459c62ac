//! Signals: what a driver's instruction cannot do here is emulated, rewritten or made a finding.
//!
//! One handler, on a stack of its own since the driver's may be exhausted, sorts by where the instruction was:
//! - in an access of ours to a driver's memory ([`crate::guest`]): that access fails, and its caller makes the finding;
//! - in a driver, and it is one that we emulate: it is done, and `mov cr8` is rewritten for the next time;
//! - in a driver otherwise, or at no code at all: the execution ends ([`engine::trap`]);
//! - elsewhere: it is our own mistake, and goes to whoever handled the signal before.
//!
//! Read [`on_signal`] first.

mod classify;
mod emulate;
mod registers;
pub(crate) mod rewrite;
pub(crate) mod scan;
mod shared_data;
pub(crate) mod watchdog;

use crate::host::{Host, Place};
use crate::{guest, map};
use classify::Offence;
use contract::Rule;
use emulate::Emulated;
use engine::arena::StackRange;
use engine::{Crash, Ending};
use iced_x86::{Decoder, DecoderOptions};
use registers::{DIRECTION_FLAG, Registers, TRAP_FLAG};
use std::cell::Cell;
use std::io;
use std::sync::OnceLock;

const SIGNALS: [libc::c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGTRAP, libc::SIGPROF];
/// The size of the stack that the handler runs on, in bytes.
const STACK: usize = 128 << 10;

/// The handlers that were there before ours.
static BEFORE: OnceLock<[libc::sigaction; SIGNALS.len()]> = OnceLock::new();

/// Installs the handler in the process, and its stack on this thread.
pub(crate) fn install() -> io::Result<()> {
    thread_local! {
        static READY: Cell<bool> = const { Cell::new(false) };
    }
    if READY.get() {
        return Ok(());
    }
    // The stack stays as long as the thread; it must not belong to an execution.
    let memory = engine::arena::outside(|| Box::leak(vec![0u8; STACK].into_boxed_slice()));
    engine::arena::outside(warm_decoder);
    let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: STACK };
    // SAFETY: the memory is leaked, so it outlives the thread.
    if unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    READY.set(true);
    if BEFORE.get().is_none() {
        let before = install_handlers()?;
        // A second thread that comes to this line at the same time has seen our own handler; the first one's word holds.
        let _ = BEFORE.set(before);
    }
    Ok(())
}

/// The decoder builds tables when it is first used; they must not lie in an execution's memory.
fn warm_decoder() {
    let instruction = Decoder::new(64, &[0x0f, 0x20, 0xc0], DecoderOptions::NONE).decode();
    std::hint::black_box(instruction.is_privileged());
}

fn install_handlers() -> io::Result<[libc::sigaction; SIGNALS.len()]> {
    // SAFETY: the structure is plain data, for which zeros are a valid value.
    let mut before: [libc::sigaction; SIGNALS.len()] = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_signal as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: the set belongs to the structure above.
    unsafe { libc::sigaddset(&mut action.sa_mask, libc::SIGPROF) };
    for (signal, before) in SIGNALS.iter().zip(&mut before) {
        // SAFETY: the handler keeps to what a handler may do: it allocates only for code that was interrupted in a
        // driver, which is in no allocator.
        if unsafe { libc::sigaction(*signal, &action, before) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(before)
}

/// The handler.
extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system passes the interrupted context, which nobody else uses while the handler runs.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    // SAFETY: the system passes what it knows of the signal.
    let info = unsafe { &*info };
    let mut registers = Registers::new(context);
    if !handle(signal, info, &mut registers) {
        restore_handler_before(signal);
    }
}

/// Whether the signal is dealt with, so that the registers may be resumed.
fn handle(signal: libc::c_int, info: &libc::siginfo_t, registers: &mut Registers<'_>) -> bool {
    let ip = registers.ip();
    if signal == libc::SIGPROF {
        return watchdog::on_tick(registers);
    }
    if matches!(signal, libc::SIGSEGV | libc::SIGBUS)
        && let Some(exit) = guest::exit_for(ip)
    {
        *registers.at(libc::REG_RIP) = exit as i64;
        return true;
    }
    if signal == libc::SIGTRAP && emulate::finish_step(registers) {
        return true;
    }
    // The host lies in the arena, which holds something only while a task runs.
    let Some(stack) = engine::arena::stack() else { return false };
    let Some(host) = Host::current() else { return false };
    let place = host.place(ip);
    // SAFETY: the structure holds an address for these signals.
    let address = unsafe { info.si_addr() } as u64;
    if let Some(place) = &place
        && signal == libc::SIGSEGV
        && emulated(place, registers, address)
    {
        return true;
    }
    let Some(ending) = ending(host, place.as_ref(), &stack, signal, info.si_code, registers, address) else {
        return false;
    };
    resume_after(ending, registers)
}

/// Emulates the instruction at `place`, or rewrites it so that it can be run.
fn emulated(place: &Place<'_>, registers: &mut Registers<'_>, address: u64) -> bool {
    let Some(instruction) = rewrite::decode(&place.driver.mapping, place.offset) else { return false };
    match emulate::emulate(&instruction, registers, address) {
        Emulated::Done => true,
        Emulated::No => false,
        Emulated::Level => {
            let driver = place.driver;
            let replaced = driver.rewrites
                && !driver.mapping.is_rewritten(place.offset)
                && driver.rewritten.replace(&driver.mapping, &driver.scan, place.offset);
            if !replaced {
                emulate::level_access(&instruction, registers);
            }
            true
        }
    }
}

/// How a fault ends the execution; none if it is not a driver's.
fn ending(
    host: &Host,
    place: Option<&Place<'_>>,
    stack: &StackRange,
    signal: libc::c_int,
    code: libc::c_int,
    registers: &Registers<'_>,
    address: u64,
) -> Option<Ending> {
    let current = engine::current();
    let by = current.driver?;
    let ip = registers.ip();
    if let Some((index, import, _)) = map::unknown_of(address)
        && host.unknown(index, import).is_some()
    {
        return Some(Ending::Unimplemented { by, symbol: crate::host::symbol_number(index, import) });
    }
    // At no code at all, a driver went astray, or we called a handler of its that is none.
    if place.is_none() && !(signal == libc::SIGSEGV && address == ip) {
        return None;
    }
    let instruction = place.and_then(|place| rewrite::decode(&place.driver.mapping, place.offset));
    let overflowed =
        stack.guard.contains(&(address as usize)) || stack.guard.contains(&(registers.sp() as usize));
    let here = |rule, what| Offence { rule, what, address: ip };
    let offence = match signal {
        libc::SIGFPE => here(Rule::KernelDivideError, "divides by zero, or the quotient does not fit"),
        libc::SIGILL => here(
            Rule::KernelIllegalInstruction,
            "executes an instruction that does not exist (ud2 is a compiler's trap)",
        ),
        libc::SIGTRAP => here(Rule::KernelBreakpoint, "a breakpoint (int 3)"),
        _ if overflowed => {
            Offence { rule: Rule::KernelStackOverflow, what: "the stack is exhausted", address }
        }
        _ => classify::access(instruction.as_ref(), registers, address),
    };
    // A breakpoint is reported behind its instruction.
    let ip = if signal == libc::SIGTRAP { ip.wrapping_sub(1) } else { ip };
    Some(Ending::Crashed(Crash {
        rule: offence.rule,
        by,
        task: current.task,
        offence: offence.what,
        signal,
        code,
        address: offence.address,
        ip: host.original(ip),
        sp: registers.sp(),
        registers: snapshot(registers),
    }))
}

/// The registers in the order of [`Crash::registers`].
fn snapshot(registers: &Registers<'_>) -> [u64; 18] {
    let [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15] = registers.general();
    let flags = registers.flags();
    [rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, registers.ip(), flags]
}

/// Makes the interrupted context go on where the engine wants it after `ending`.
fn resume_after(ending: Ending, registers: &mut Registers<'_>) -> bool {
    // SAFETY: this is the handler that interrupted the running task, and the registers are set below.
    let Some(next) = (unsafe { engine::trap(ending) }) else { return false };
    *registers.at(libc::REG_RIP) = next.rip as i64;
    *registers.at(libc::REG_RSP) = next.rsp as i64;
    *registers.at(libc::REG_RBP) = next.rbp as i64;
    *registers.at(libc::REG_RDI) = next.rdi as i64;
    *registers.at(libc::REG_RSI) = next.rsi as i64;
    // The driver may have set them, and our own code relies on neither.
    *registers.at(libc::REG_EFL) &= !(DIRECTION_FLAG | TRAP_FLAG);
    true
}

/// Gives the signal back to whoever had it; the instruction runs again and faults there.
fn restore_handler_before(signal: libc::c_int) {
    let Some(index) = SIGNALS.iter().position(|&known| known == signal) else { return };
    if signal == libc::SIGPROF {
        return;
    }
    let default = || {
        // SAFETY: the structure is plain data; zeros mean the default action.
        unsafe { std::mem::zeroed::<libc::sigaction>() }
    };
    let before = BEFORE.get().map_or_else(default, |before| before[index]);
    // SAFETY: puts back what the system gave us, or the default action.
    unsafe { libc::sigaction(signal, &before, std::ptr::null_mut()) };
}
