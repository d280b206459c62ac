//! What compilers call on their own: memory and string routines of C, and the probe of large stack frames.

use super::{Export, Here, Library};
use crate::guest;
use contract::MaxIrql;
use core::arch::naked_asm;

/// Compares as `memcmp` does.
fn compare(here: &Here, one: u64, other: u64, count: u64) -> (u64, i32) {
    for offset in 0..count {
        let a = here.check(guest::read_u8(one.wrapping_add(offset)));
        let b = here.check(guest::read_u8(other.wrapping_add(offset)));
        if a != b {
            return (offset, i32::from(a) - i32::from(b));
        }
    }
    (count, 0)
}

/// The probe of a stack frame of `rax` bytes, which touches every page that it will use and changes no register.
#[unsafe(naked)]
extern "win64" fn probe_stack() {
    naked_asm!(
        "push rcx",
        "push rax",
        "lea rcx, [rsp + 24]",
        "2:",
        "cmp rax, 0x1000",
        "jb 3f",
        "sub rcx, 0x1000",
        "test byte ptr [rcx], 0",
        "sub rax, 0x1000",
        "jmp 2b",
        "3:",
        "sub rcx, rax",
        "test byte ptr [rcx], 0",
        "pop rax",
        "pop rcx",
        "ret",
    )
}

/// Routines without the usual convention.
pub(super) static RAW: &[Export] = &[
    Export {
        library: Library::Kernel,
        name: "__chkstk",
        max_irql: MaxIrql::Any,
        page: "",
        address: probe_stack,
    },
    Export {
        library: Library::Kernel,
        name: "___chkstk_ms",
        max_irql: MaxIrql::Any,
        page: "",
        address: probe_stack,
    },
];

super::exports! {
    Kernel Any ""
    memcpy[here](to: u64, from: u64, count: u64) -> u64 {
        here.check(guest::copy(to, from, count));
        to
    }

    Kernel Any ""
    memmove[here](to: u64, from: u64, count: u64) -> u64 {
        here.check(guest::copy(to, from, count));
        to
    }

    Kernel Any ""
    memset[here](to: u64, value: i32, count: u64) -> u64 {
        here.check(guest::fill(to, value as u8, count));
        to
    }

    Kernel Any ""
    memcmp[here](one: u64, other: u64, count: u64) -> i32 {
        compare(&here, one, other, count).1
    }

    Kernel Any "wdm/nf-wdm-rtlcopymemory"
    RtlCopyMemory[here](to: u64, from: u64, count: u64) {
        here.check(guest::copy(to, from, count));
    }

    Kernel Any "wdm/nf-wdm-rtlmovememory"
    RtlMoveMemory[here](to: u64, from: u64, count: u64) {
        here.check(guest::copy(to, from, count));
    }

    Kernel Any "wdm/nf-wdm-rtlfillmemory"
    RtlFillMemory[here](to: u64, count: u64, value: u8) {
        here.check(guest::fill(to, value, count));
    }

    Kernel Any "wdm/nf-wdm-rtlzeromemory"
    RtlZeroMemory[here](to: u64, count: u64) {
        here.check(guest::fill(to, 0, count));
    }

    Kernel Any "wdm/nf-wdm-rtlcomparememory"
    RtlCompareMemory[here](one: u64, other: u64, count: u64) -> u64 {
        compare(&here, one, other, count).0
    }

    Ndis Dispatch "nf-ndis-ndisgetversion"
    NdisGetVersion[here]() -> u32 {
        // NDIS 6.20, as on Windows 7.
        6 << 16 | 20
    }

    Ndis Any "nf-ndis-ndisinterlockedincrement"
    NdisInterlockedIncrement[here](addend: u64) -> i32 {
        let value = here.check(guest::read_u32(addend)).wrapping_add(1);
        here.check(guest::write_u32(addend, value));
        value as i32
    }

    Ndis Any "nf-ndis-ndisinterlockeddecrement"
    NdisInterlockedDecrement[here](addend: u64) -> i32 {
        let value = here.check(guest::read_u32(addend)).wrapping_sub(1);
        here.check(guest::write_u32(addend, value));
        value as i32
    }
}
