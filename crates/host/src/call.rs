//! Calls from us into a driver's code, with the calling convention of x64 Windows, and the two routines that guarded
//! calls of a driver go through.

use core::arch::naked_asm;

/// Calls the routine at `address` with up to four arguments; a callee of this convention does not mind those that it
/// does not have. The address may be anything: if no code is there, the trap handler makes a finding of it.
pub(crate) fn routine(address: u64, arguments: [u64; 4]) -> u64 {
    let [a, b, c, d] = arguments;
    enter(address, a, b, c, d)
}

/// From our convention to the driver's. The frame has the usual form, so that a backtrace gets through.
#[unsafe(naked)]
extern "sysv64" fn enter(address: u64, a: u64, b: u64, c: u64, d: u64) -> u64 {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        // Room that the callee may use for its arguments.
        "sub rsp, 32",
        "mov rax, rdi",
        "mov r9, r8",
        "mov r8, rcx",
        "mov rcx, rsi",
        "call rax",
        "leave",
        "ret",
    )
}

/// What a driver built with control flow guard calls with a target in `rcx`: every target is allowed here, since a bad
/// one is found when it is executed.
#[unsafe(naked)]
pub(crate) extern "win64" fn guard_check() {
    naked_asm!("ret")
}

/// The same, which goes on to the target in `rax`.
#[unsafe(naked)]
pub(crate) extern "win64" fn guard_dispatch() {
    naked_asm!("jmp rax")
}
