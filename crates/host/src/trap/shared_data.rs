//! `KUSER_SHARED_DATA`: a page that kernel code reads at a fixed address for the time and the version. Reads fault here
//! and are answered from a page of ours. Fields: the structure's page in the documentation of `ntddk.h`.

use crate::clock::{self, TICK};
use std::cell::UnsafeCell;

/// Where a kernel has it.
pub(crate) const ADDRESS: u64 = 0xFFFF_F780_0000_0000;
/// Its size, a page.
pub(crate) const SIZE: u64 = 4096;

/// `TickCountMultiplier`: milliseconds per tick, as a fixed-point number with 24 bits behind the point.
const TICK_MULTIPLIER: u32 = 0x0fa0_0000;

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; SIZE as usize]>);

// SAFETY: only the thread that runs drivers touches it, between a fault and the instruction's end.
unsafe impl Sync for Page {}

static PAGE: Page = Page(UnsafeCell::new([0; SIZE as usize]));

/// Whether an access of `size` bytes at `address` lies in it.
pub(crate) fn contains(address: u64) -> bool {
    (ADDRESS..ADDRESS + SIZE).contains(&address)
}

/// The address of our page, filled with what holds now.
pub(crate) fn refreshed() -> u64 {
    let interrupt_time = clock::interrupt_time();
    let system_time = clock::system_time();
    let ticks = interrupt_time / TICK;
    // `KSYSTEM_TIME` is low, high, and high once more, so that a reader can see a torn value.
    let triple = |value: u64| {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&value.to_le_bytes());
        bytes[8..].copy_from_slice(&((value >> 32) as u32).to_le_bytes());
        bytes
    };
    put(0x004, TICK_MULTIPLIER.to_le_bytes());
    put(0x008, triple(interrupt_time));
    put(0x014, triple(system_time));
    put(0x320, triple(ticks));
    // NtMajorVersion and NtMinorVersion: 6.1, whose NDIS is the 6.20 that `NdisGetVersion` reports.
    put(0x26c, 6u32.to_le_bytes());
    put(0x270, 1u32.to_le_bytes());
    PAGE.0.get() as u64
}

fn put<const N: usize>(offset: usize, bytes: [u8; N]) {
    crate::guest::write(PAGE.0.get() as u64 + offset as u64, &bytes).expect("our own page can be written");
}
