//! Memory that a driver named: reading and writing it so that a bad pointer becomes an error, never a crash of ours.
//!
//! Every access goes through one of the assembly routines below. They touch nothing but the driver's memory and keep
//! nothing on the stack, so that the signal handler can send a fault in any of them to one common exit
//! ([`exit_for`]). The driver shares our address space: what it names may be memory of ours, and a wild write can ruin
//! this process. That is the supervisor's business, as it is for the driver's own wild writes.

use std::fmt;

core::arch::global_asm!(
    ".pushsection .text.condis_guest, \"ax\", @progbits",
    ".p2align 4",
    "condis_guest_begin:",
    "condis_guest_load8:",
    "movzx eax, byte ptr [rdi]",
    "xor edx, edx",
    "ret",
    "condis_guest_load16:",
    "movzx eax, word ptr [rdi]",
    "xor edx, edx",
    "ret",
    "condis_guest_load32:",
    "mov eax, dword ptr [rdi]",
    "xor edx, edx",
    "ret",
    "condis_guest_load64:",
    "mov rax, qword ptr [rdi]",
    "xor edx, edx",
    "ret",
    "condis_guest_store8:",
    "mov byte ptr [rdi], sil",
    "xor edx, edx",
    "ret",
    "condis_guest_store16:",
    "mov word ptr [rdi], si",
    "xor edx, edx",
    "ret",
    "condis_guest_store32:",
    "mov dword ptr [rdi], esi",
    "xor edx, edx",
    "ret",
    "condis_guest_store64:",
    "mov qword ptr [rdi], rsi",
    "xor edx, edx",
    "ret",
    "condis_guest_copy:",
    "mov rcx, rdx",
    "rep movsb",
    "xor eax, eax",
    "xor edx, edx",
    "ret",
    "condis_guest_fill:",
    "mov eax, esi",
    "mov rcx, rdx",
    "rep stosb",
    "xor eax, eax",
    "xor edx, edx",
    "ret",
    "condis_guest_end:",
    "condis_guest_failed:",
    // For copies and fills the count that is left tells how far they came.
    "mov rax, rcx",
    "mov edx, 1",
    "ret",
    ".popsection",
);

/// What the routines give back in two registers.
#[repr(C)]
#[derive(Clone, Copy)]
struct Outcome {
    value: u64,
    failed: u64,
}

unsafe extern "C" {
    safe fn condis_guest_load8(address: u64) -> Outcome;
    safe fn condis_guest_load16(address: u64) -> Outcome;
    safe fn condis_guest_load32(address: u64) -> Outcome;
    safe fn condis_guest_load64(address: u64) -> Outcome;
    safe fn condis_guest_store8(address: u64, value: u8) -> Outcome;
    safe fn condis_guest_store16(address: u64, value: u16) -> Outcome;
    safe fn condis_guest_store32(address: u64, value: u32) -> Outcome;
    safe fn condis_guest_store64(address: u64, value: u64) -> Outcome;
    safe fn condis_guest_copy(to: u64, from: u64, count: u64) -> Outcome;
    safe fn condis_guest_fill(to: u64, value: u8, count: u64) -> Outcome;
    static condis_guest_begin: u8;
    static condis_guest_end: u8;
    static condis_guest_failed: u8;
}

/// Where a fault at `ip` must go on, if it happened in an access to a driver's memory. For the signal handler.
pub(crate) fn exit_for(ip: u64) -> Option<u64> {
    let inside = (&raw const condis_guest_begin as u64..&raw const condis_guest_end as u64).contains(&ip);
    inside.then_some(&raw const condis_guest_failed as u64)
}

/// A pointer of a driver's that cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadAddress {
    /// The first address that could not be read or written.
    pub(crate) address: u64,
    /// Whether it was to be written.
    pub(crate) write: bool,
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {:#x}", if self.write { "write" } else { "read" }, self.address)
    }
}

impl std::error::Error for BadAddress {}

/// The address `offset` bytes behind another. A driver may pass any, so it goes round at the end of the address space.
pub(crate) const fn at(address: u64, offset: u64) -> u64 {
    address.wrapping_add(offset)
}

fn loaded(outcome: Outcome, address: u64) -> Result<u64, BadAddress> {
    if outcome.failed == 0 { Ok(outcome.value) } else { Err(BadAddress { address, write: false }) }
}

fn stored(outcome: Outcome, address: u64) -> Result<(), BadAddress> {
    if outcome.failed == 0 { Ok(()) } else { Err(BadAddress { address, write: true }) }
}

/// Reads one byte.
///
/// # Errors
/// The address cannot be read; likewise below.
pub(crate) fn read_u8(address: u64) -> Result<u8, BadAddress> {
    loaded(condis_guest_load8(address), address).map(|value| value as u8)
}

/// Reads two bytes.
///
/// # Errors
/// The address cannot be read.
pub(crate) fn read_u16(address: u64) -> Result<u16, BadAddress> {
    loaded(condis_guest_load16(address), address).map(|value| value as u16)
}

/// Reads four bytes.
///
/// # Errors
/// The address cannot be read.
pub(crate) fn read_u32(address: u64) -> Result<u32, BadAddress> {
    loaded(condis_guest_load32(address), address).map(|value| value as u32)
}

/// Reads eight bytes.
///
/// # Errors
/// The address cannot be read.
pub(crate) fn read_u64(address: u64) -> Result<u64, BadAddress> {
    loaded(condis_guest_load64(address), address)
}

/// Writes one byte.
///
/// # Errors
/// The address cannot be written; likewise below.
pub(crate) fn write_u8(address: u64, value: u8) -> Result<(), BadAddress> {
    stored(condis_guest_store8(address, value), address)
}

/// Writes two bytes.
///
/// # Errors
/// The address cannot be written.
pub(crate) fn write_u16(address: u64, value: u16) -> Result<(), BadAddress> {
    stored(condis_guest_store16(address, value), address)
}

/// Writes four bytes.
///
/// # Errors
/// The address cannot be written.
pub(crate) fn write_u32(address: u64, value: u32) -> Result<(), BadAddress> {
    stored(condis_guest_store32(address, value), address)
}

/// Writes eight bytes.
///
/// # Errors
/// The address cannot be written.
pub(crate) fn write_u64(address: u64, value: u64) -> Result<(), BadAddress> {
    stored(condis_guest_store64(address, value), address)
}

/// Fills `bytes` from the driver's memory at `address`.
///
/// # Errors
/// The first address that cannot be read.
pub(crate) fn read(address: u64, bytes: &mut [u8]) -> Result<(), BadAddress> {
    let count = bytes.len() as u64;
    let outcome = condis_guest_copy(bytes.as_mut_ptr() as u64, address, count);
    if outcome.failed == 0 {
        return Ok(());
    }
    Err(BadAddress { address: address.wrapping_add(count - outcome.value), write: false })
}

/// Looks whether `count` bytes at `address` can be read: at the first of each page, and at the last.
///
/// # Errors
/// The first of them that cannot.
pub(crate) fn probe(address: u64, count: u64) -> Result<(), BadAddress> {
    const PAGE: u64 = pe::PAGE_SIZE as u64;
    let Some(last) = count.checked_sub(1) else { return Ok(()) };
    let mut offset = 0;
    while offset < last {
        let place = at(address, offset);
        read_u8(place)?;
        offset += PAGE - place % PAGE;
    }
    read_u8(at(address, last)).map(|_| ())
}

/// Writes `bytes` to the driver's memory at `address`.
///
/// # Errors
/// The first address that cannot be written.
pub(crate) fn write(address: u64, bytes: &[u8]) -> Result<(), BadAddress> {
    let count = bytes.len() as u64;
    let outcome = condis_guest_copy(address, bytes.as_ptr() as u64, count);
    if outcome.failed == 0 {
        return Ok(());
    }
    Err(BadAddress { address: address.wrapping_add(count - outcome.value), write: true })
}

/// Fills `count` bytes of the driver's memory with `value`.
///
/// # Errors
/// The first address that cannot be written.
pub(crate) fn fill(address: u64, value: u8, count: u64) -> Result<(), BadAddress> {
    let outcome = condis_guest_fill(address, value, count);
    if outcome.failed == 0 {
        return Ok(());
    }
    Err(BadAddress { address: address.wrapping_add(count - outcome.value), write: true })
}

/// Copies between two places of the driver's, which may overlap as for `memmove`.
///
/// # Errors
/// One of the places cannot be used. Which one is found by looking at both, so the report may name the read where
/// both are bad.
pub(crate) fn copy(to: u64, from: u64, count: u64) -> Result<(), BadAddress> {
    const STEP: u64 = 4096;
    let mut buffer = [0; STEP as usize];
    if to <= from || to - from >= count {
        // Upwards, in pieces that fit the buffer, is right whenever the target does not lie behind the source.
        let mut done = 0;
        while done < count {
            let piece = &mut buffer[..STEP.min(count - done) as usize];
            read(from.wrapping_add(done), piece)?;
            write(to.wrapping_add(done), piece)?;
            done += piece.len() as u64;
        }
        return Ok(());
    }
    let mut left = count;
    while left > 0 {
        let piece = &mut buffer[..STEP.min(left) as usize];
        left -= piece.len() as u64;
        read(from.wrapping_add(left), piece)?;
        write(to.wrapping_add(left), piece)?;
    }
    Ok(())
}

/// A `UNICODE_STRING`: its text, as code units.
///
/// # Errors
/// The structure or its buffer cannot be read.
pub(crate) fn read_unicode_string(address: u64) -> Result<Vec<u16>, BadAddress> {
    let length = read_u16(address)?;
    let buffer = read_u64(address.wrapping_add(8))?;
    read_utf16(buffer, usize::from(length) / 2)
}

/// `count` code units at `address`.
///
/// # Errors
/// The memory cannot be read.
pub(crate) fn read_utf16(address: u64, count: usize) -> Result<Vec<u16>, BadAddress> {
    let mut bytes = vec![0; count * 2];
    read(address, &mut bytes)?;
    Ok(bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect())
}

/// How many code units before the terminating zero at `address`, at most `limit`.
///
/// # Errors
/// The memory cannot be read.
pub(crate) fn utf16_length(address: u64, limit: usize) -> Result<usize, BadAddress> {
    let mut length = 0;
    while length < limit && read_u16(address.wrapping_add(2 * length as u64))? != 0 {
        length += 1;
    }
    Ok(length)
}

/// The bytes before the terminating zero at `address`, at most `limit`.
///
/// # Errors
/// The memory cannot be read.
pub(crate) fn read_c_string(address: u64, limit: usize) -> Result<Vec<u8>, BadAddress> {
    let mut text = Vec::new();
    while text.len() < limit {
        match read_u8(address.wrapping_add(text.len() as u64))? {
            0 => break,
            byte => text.push(byte),
        }
    }
    Ok(text)
}

/// A structure of a driver's, copied out at once, with its members read by offset.
#[derive(Clone, Copy)]
pub(crate) struct Block<const SIZE: usize> {
    bytes: [u8; SIZE],
}

impl<const SIZE: usize> Block<SIZE> {
    /// Copies the first `size` bytes at `address`, at most `SIZE`; what is beyond them reads as zero.
    ///
    /// # Errors
    /// The memory cannot be read.
    pub(crate) fn read(address: u64, size: usize) -> Result<Block<SIZE>, BadAddress> {
        let mut bytes = [0; SIZE];
        read(address, &mut bytes[..size.min(SIZE)])?;
        Ok(Block { bytes })
    }

    /// A structure of zeros, to be filled and written.
    pub(crate) const fn zeroed() -> Block<SIZE> {
        Block { bytes: [0; SIZE] }
    }

    /// The eight bytes at `offset`, which is a constant of the structure's layout.
    pub(crate) fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.array(offset))
    }

    /// The four bytes at `offset`.
    pub(crate) fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.array(offset))
    }

    /// The two bytes at `offset`.
    pub(crate) fn u16(&self, offset: usize) -> u16 {
        u16::from_le_bytes(self.array(offset))
    }

    /// The byte at `offset`.
    pub(crate) fn u8(&self, offset: usize) -> u8 {
        self.bytes[offset]
    }

    /// Puts `value` at `offset`, which is a constant of the structure's layout.
    pub(crate) fn put<const N: usize>(&mut self, offset: usize, value: [u8; N]) {
        self.bytes[offset..offset + N].copy_from_slice(&value);
    }

    /// All of it.
    pub(crate) const fn bytes(&self) -> &[u8; SIZE] {
        &self.bytes
    }

    fn array<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut value = [0; N];
        value.copy_from_slice(&self.bytes[offset..offset + N]);
        value
    }
}
