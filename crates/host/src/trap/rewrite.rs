//! Replaces a `mov cr8` by a jump to the same thing without a privilege: an access to the level in the processor's
//! block. Done when the instruction has trapped once, since the trap proves where it begins.
//!
//! The instructions are put together by hand: nothing is allocated, so that a run which rewrites and a later one which
//! finds the work done leave the same memory behind.

use super::scan::{Scan, is_cr8};
use crate::map::{Mapping, TRAMPOLINE_SIZE};
use crate::processor;
use iced_x86::{Code, ConstantOffsets, Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};
use std::sync::atomic::{AtomicU32, Ordering};

/// The length of a near jump.
const JUMP: usize = 5;
/// What an access that replaces one is at most, and what a displaced instruction is at most.
const LONGEST: usize = 16;
/// How many places are remembered for the translation back; further ones are left to the trap.
const PLACES: usize = 512;

/// Which rewritten instructions of a driver there are. It belongs to the code, not to an execution: a restored
/// execution finds the code as rewritten before.
pub(crate) struct Rewritten {
    used: AtomicU32,
    count: AtomicU32,
    /// Offset of a piece among the rewritten instructions, and the RVA that it stands for, in the order of the offsets.
    places: [(AtomicU32, AtomicU32); PLACES],
}

impl Rewritten {
    pub(crate) const fn new() -> Rewritten {
        Rewritten {
            used: AtomicU32::new(0),
            count: AtomicU32::new(0),
            places: [const { (AtomicU32::new(0), AtomicU32::new(0)) }; PLACES],
        }
    }

    /// Forgets everything, for another driver.
    pub(crate) fn clear(&self) {
        self.used.store(0, Ordering::Relaxed);
        self.count.store(0, Ordering::Relaxed);
    }

    /// How many instructions have been replaced.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// The RVA for which the rewritten instruction at `offset` stands.
    pub(crate) fn original(&self, offset: u32) -> Option<u32> {
        let places = &self.places[..self.count() as usize];
        let after = places.partition_point(|(at, _)| at.load(Ordering::Relaxed) <= offset);
        Some(places[..after].last()?.1.load(Ordering::Relaxed))
    }

    /// Replaces the instruction at `rva`, if that is safe and possible. It is then to be run again.
    pub(crate) fn replace(&self, mapping: &Mapping, scan: &Scan, rva: u32) -> bool {
        let number = self.count();
        if number as usize == PLACES {
            return false;
        }
        let mut piece = Piece { bytes: [0; 4 * LONGEST], len: 0 };
        let at = mapping.image_size() + self.used.load(Ordering::Relaxed);
        let mut end = rva;
        let mut leaves = false;
        // Neighbours that read or write the level go along: they would trap one after another.
        while ((end - rva) as usize) < JUMP {
            let Some(instruction) = decode(mapping, end) else { return false };
            let kept = if is_cr8(&instruction) {
                piece.level_access(&instruction)
            } else {
                piece.displaced(mapping, at, &instruction)
            };
            let Some(ends) = kept else { return false };
            end += instruction.len() as u32;
            leaves = ends;
            if leaves && ((end - rva) as usize) < JUMP {
                return false;
            }
        }
        if !leaves && piece.jump(at, end).is_none() {
            return false;
        }
        let used = at - mapping.image_size() + (piece.len as u32).next_multiple_of(16);
        if used as usize > TRAMPOLINE_SIZE || !scan.may_replace(rva, end) {
            return false;
        }
        mapping.write_code(at, &piece.bytes[..piece.len]);
        let mut patch = [0xcc; LONGEST + JUMP];
        patch[0] = 0xe9;
        patch[1..JUMP].copy_from_slice(&(at.wrapping_sub(rva + JUMP as u32)).to_le_bytes());
        mapping.write_code(rva, &patch[..(end - rva) as usize]);
        let (place, original) = &self.places[number as usize];
        place.store(at, Ordering::Relaxed);
        original.store(rva, Ordering::Relaxed);
        self.count.store(number + 1, Ordering::Relaxed);
        self.used.store(used, Ordering::Relaxed);
        true
    }
}

/// The instruction at `rva`, with the RVA as its address.
pub(crate) fn decode(mapping: &Mapping, rva: u32) -> Option<Instruction> {
    let (bytes, size) = mapping.code_at(rva)?;
    let instruction = Decoder::with_ip(64, &bytes[..size], u64::from(rva), DecoderOptions::NONE).decode();
    (!instruction.is_invalid()).then_some(instruction)
}

/// What replaces a run of instructions.
struct Piece {
    bytes: [u8; 4 * LONGEST],
    len: usize,
}

impl Piece {
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        self.bytes.get_mut(self.len..self.len + bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }

    /// `mov r64, gs:[level]` or `mov gs:[level], r64`. Tells that control goes on behind it.
    fn level_access(&mut self, instruction: &Instruction) -> Option<bool> {
        let (opcode, register) = if instruction.code() == Code::Mov_r64_cr {
            (0x8b, instruction.op0_register())
        } else {
            (0x89, instruction.op1_register())
        };
        let number = register.number() as u8;
        let rex = 0x48 | (number >> 3) << 2;
        self.push(&[0x65, rex, opcode, 0x04 | (number & 7) << 3, 0x25])?;
        self.push(&(processor::IRQL_OFFSET as u32).to_le_bytes())?;
        Some(false)
    }

    /// A jump from the end of the piece, which begins at `at`, to `target`.
    fn jump(&mut self, at: u32, target: u32) -> Option<()> {
        self.push(&[0xe9])?;
        let behind = at + self.len as u32 + 4;
        self.push(&target.wrapping_sub(behind).to_le_bytes())
    }

    /// An instruction that has to make room, so that it does the same here. Tells whether control leaves with it.
    fn displaced(&mut self, mapping: &Mapping, at: u32, instruction: &Instruction) -> Option<bool> {
        let target = instruction.near_branch_target() as u32;
        let near =
            (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::NearBranch64);
        match instruction.flow_control() {
            FlowControl::Next => self.copied(mapping, at, instruction).map(|()| false),
            FlowControl::Return => self.copied(mapping, at, instruction).map(|()| true),
            FlowControl::UnconditionalBranch if near => self.jump(at, target).map(|()| true),
            FlowControl::ConditionalBranch if near && instruction.is_jcc_short_or_near() => {
                self.push(&[0x0f, 0x80 | (instruction.condition_code() as u8 - 1)])?;
                let behind = at + self.len as u32 + 4;
                self.push(&target.wrapping_sub(behind).to_le_bytes())?;
                Some(false)
            }
            // The return address must be the driver's own, since backtraces and exception tables know only that.
            FlowControl::Call if near => {
                self.push_address(mapping.base() + instruction.next_ip())?;
                self.jump(at, target).map(|()| true)
            }
            FlowControl::IndirectCall if instruction.op0_kind() == OpKind::Register => {
                self.push_address(mapping.base() + instruction.next_ip())?;
                let number = instruction.op0_register().number() as u8;
                self.push(&[0x40 | number >> 3, 0xff, 0xe0 | number & 7])?;
                Some(true)
            }
            FlowControl::IndirectCall if instruction.is_ip_rel_memory_operand() => {
                self.push_address(mapping.base() + instruction.next_ip())?;
                self.push(&[0xff, 0x25])?;
                let behind = at + self.len as u32 + 4;
                self.push(&(instruction.ip_rel_memory_address() as u32).wrapping_sub(behind).to_le_bytes())?;
                Some(true)
            }
            FlowControl::IndirectBranch
            | FlowControl::IndirectCall
            | FlowControl::UnconditionalBranch
            | FlowControl::ConditionalBranch
            | FlowControl::Call
            | FlowControl::Interrupt
            | FlowControl::XbeginXabortXend
            | FlowControl::Exception => None,
        }
    }

    /// Pushes eight bytes without the help of a register.
    fn push_address(&mut self, address: u64) -> Option<()> {
        self.push(&[0x68])?;
        self.push(&(address as u32).to_le_bytes())?;
        self.push(&[0xc7, 0x44, 0x24, 0x04])?;
        self.push(&((address >> 32) as u32).to_le_bytes())
    }

    /// The bytes of an instruction, with an address relative to it corrected.
    fn copied(&mut self, mapping: &Mapping, at: u32, instruction: &Instruction) -> Option<()> {
        if instruction.code() == Code::Int3 || instruction.memory_base() == Register::EIP {
            return None;
        }
        let (mut bytes, size) = mapping.code_at(instruction.ip() as u32)?;
        if instruction.is_ip_rel_memory_operand() {
            let offsets = constant_offsets(&bytes[..size], instruction.ip());
            if offsets.displacement_size() != 4 {
                return None;
            }
            let field = bytes.get_mut(offsets.displacement_offset()..offsets.displacement_offset() + 4)?;
            let behind = at + self.len as u32 + instruction.len() as u32;
            field.copy_from_slice(
                &(instruction.ip_rel_memory_address() as u32).wrapping_sub(behind).to_le_bytes(),
            );
        }
        self.push(&bytes[..instruction.len()])
    }
}

fn constant_offsets(bytes: &[u8], ip: u64) -> ConstantOffsets {
    let mut decoder = Decoder::with_ip(64, bytes, ip, DecoderOptions::NONE);
    let instruction = decoder.decode();
    decoder.get_constant_offsets(&instruction)
}
