//! The processor that a driver sees through the `gs` register: a kernel's processor control region (KPCR).
//!
//! Each virtual processor has a block of memory at a fixed address, from [`engine::processor`]. Its first page is the
//! KPCR; the interrupt request level lies behind it, where rewritten code finds it ([`IRQL_OFFSET`]). Layout: MinGW's
//! public-domain `ddk/` headers, whose inline functions read these fields.

use engine::processor::block;
use std::sync::OnceLock;

/// How many virtual processors get a KPCR.
pub(crate) const COUNT: u8 = engine::processor::COUNT_MAX;
/// Where the engine keeps the level, from the start of the block.
pub(crate) const IRQL_OFFSET: u64 = 0x1000;
/// Where the shims of exports leave the return address into the driver: in a part of the KPCR that no driver uses.
pub(crate) const SITE_OFFSET: u64 = 0xff8;

const SELF: usize = 0x18;
const CURRENT_PRCB: usize = 0x20;
const MAJOR_VERSION: usize = 0x60;
const MINOR_VERSION: usize = 0x62;
const PRCB: usize = 0x180;
/// `KPRCB.Number`, which `KeGetCurrentProcessorNumber` reads.
const PRCB_NUMBER: usize = PRCB + 4;
/// `KPRCB.CurrentThread`, which `KeGetCurrentThread` reads.
const PRCB_THREAD: usize = PRCB + 8;
/// The addresses that stand for threads, which drivers compare and do no more with; they cannot be touched.
const THREADS: u64 = 0xFFFF_E000_0000_0000;
/// From one thread to the next.
const THREAD_STEP: u64 = 0x1000;

/// Fills in the KPCR of every processor. To be done once, before an execution is snapshotted.
pub(crate) fn fill() {
    for number in 0..COUNT {
        let start = block(number) as u64;
        put(number, SELF, start.to_le_bytes());
        put(number, CURRENT_PRCB, (start + PRCB as u64).to_le_bytes());
        put(number, MAJOR_VERSION, 1u16.to_le_bytes());
        put(number, MINOR_VERSION, 1u16.to_le_bytes());
        put(number, PRCB_NUMBER, u32::from(number).to_le_bytes());
    }
}

fn put<const N: usize>(processor: u8, offset: usize, value: [u8; N]) {
    let address = block(processor) as u64 + offset as u64;
    crate::guest::write(address, &value).expect("a processor's block can be written");
}

/// Makes the running task the processor's current thread. To be done whenever driver code is about to run: other tasks
/// may have run on the processor meanwhile.
pub(crate) fn enter_thread() {
    let thread = THREADS + u64::from(engine::current().task.0) * THREAD_STEP;
    // SAFETY: while a task runs, `gs` leads to a processor's block, and this field of it is ours.
    unsafe {
        core::arch::asm!("mov gs:[{}], {}", const PRCB_THREAD, in(reg) thread, options(nostack, preserves_flags))
    }
}

/// Makes `gs` lead to the block of a processor, on this thread.
pub(crate) fn switch_to(processor: u8) {
    let start = block(processor) as u64;
    if has_fsgsbase() {
        // SAFETY: nothing of ours uses `gs` on this platform: the thread's own data are behind `fs`.
        unsafe { core::arch::asm!("wrgsbase {}", in(reg) start, options(nostack, preserves_flags, nomem)) }
    } else {
        const ARCH_SET_GS: libc::c_int = 0x1001;
        // SAFETY: as above; the call changes nothing else.
        unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SET_GS, start) };
    }
}

/// Whether user code may set `gs` itself, which the kernel says in the second word of capabilities.
fn has_fsgsbase() -> bool {
    const HWCAP2_FSGSBASE: u64 = 1 << 1;
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        // SAFETY: reads what the kernel handed to the process at its start.
        let capabilities = unsafe { libc::getauxval(libc::AT_HWCAP2) };
        capabilities & HWCAP2_FSGSBASE != 0
    })
}

/// The return address that the last export's shim left: where in a driver the running export was called.
pub(crate) fn site() -> u64 {
    let address: u64;
    // SAFETY: while driver code or an export runs, `gs` leads to a processor's block, whose first page can be read.
    unsafe {
        core::arch::asm!("mov {}, gs:[{}]", out(reg) address, const SITE_OFFSET, options(nostack, preserves_flags, readonly))
    }
    address
}
