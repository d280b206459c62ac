//! Says what is wrong with a fault: which rule it breaks, and how, in words.

use super::registers::Registers;
use crate::handle;
use crate::pool;
use contract::Rule;
use iced_x86::{Instruction, Mnemonic, OpKind};

/// In a page fault's error code: the access was a write.
const WRITE: u64 = 1 << 1;
/// In a page fault's error code: an instruction was fetched.
const FETCH: u64 = 1 << 4;
/// In a page fault's error code: the page is there, and does not allow it.
const PRESENT: u64 = 1;
/// The processor's number for a general protection fault. It gives no address.
const GENERAL_PROTECTION: u64 = 13;
/// Addresses below this are NULL and a member's offset.
const NULL_END: u64 = 0x1_0000;

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Offence {
    pub(crate) rule: Rule,
    pub(crate) what: &'static str,
    /// What was touched; the argument of a fast fail.
    pub(crate) address: u64,
}

const fn offence(rule: Rule, what: &'static str, address: u64) -> Offence {
    Offence { rule, what, address }
}

/// A signal that tells of an access to memory, or of a general protection fault, at `instruction` of a driver if the
/// code there could be decoded.
pub(crate) fn access(instruction: Option<&Instruction>, registers: &Registers<'_>, address: u64) -> Offence {
    if registers.exception() != GENERAL_PROTECTION {
        let error = registers.error();
        if error & FETCH != 0 {
            return execution(address);
        }
        return memory(address, error & WRITE != 0, error & PRESENT != 0);
    }
    let Some(instruction) = instruction else {
        return offence(
            Rule::KernelIllegalInstruction,
            "executes an instruction that is not allowed",
            registers.ip(),
        );
    };
    if instruction.mnemonic() == Mnemonic::Int {
        return interrupt(instruction.immediate8(), registers);
    }
    if instruction.is_privileged() {
        return offence(Rule::KernelIllegalInstruction, privileged(instruction.mnemonic()), registers.ip());
    }
    general_protection(instruction, registers)
}

/// `int 29h` and its like: the software interrupts that compilers and headers use.
fn interrupt(number: u8, registers: &Registers<'_>) -> Offence {
    let argument = registers.general()[1];
    match number {
        0x29 => offence(Rule::KernelFastfail, fast_fail(argument), argument),
        0x2c => offence(Rule::KernelBreakpoint, "a failed assertion (int 2Ch)", registers.ip()),
        0x2d => offence(Rule::KernelBreakpoint, "a call of the kernel debugger (int 2Dh)", registers.ip()),
        _ => offence(
            Rule::KernelIllegalInstruction,
            "a software interrupt that no driver may use",
            registers.ip(),
        ),
    }
}

/// Page "__fastfail" of the C++ documentation and bug check 0x139 list the codes.
const fn fast_fail(code: u64) -> &'static str {
    match code {
        0 => "fast fail: a /GS check of an old compiler failed",
        1 => "fast fail: a virtual function table is not one of this module",
        2 => "fast fail: the stack cookie is overwritten",
        3 => "fast fail: a doubly linked list is corrupt, or an entry was removed twice",
        4 => "fast fail: a stack limit is wrong",
        5 => "fast fail: an invalid argument",
        6 => "fast fail: the stack cookie could not be initialised",
        7 => "fast fail: the application ended itself",
        8 => "fast fail: a range check of an array failed",
        9 => "fast fail: an exception handler is invalid",
        10 => "fast fail: an indirect call with an invalid target",
        _ => "fast fail",
    }
}

const fn privileged(mnemonic: Mnemonic) -> &'static str {
    match mnemonic {
        Mnemonic::Cli => "cli is not supported here",
        Mnemonic::Sti => "sti is not supported here",
        Mnemonic::Hlt => "hlt is not supported here",
        Mnemonic::In | Mnemonic::Insb | Mnemonic::Insw | Mnemonic::Insd => {
            "reading an I/O port is not supported here"
        }
        Mnemonic::Out | Mnemonic::Outsb | Mnemonic::Outsw | Mnemonic::Outsd => {
            "writing an I/O port is not supported here"
        }
        Mnemonic::Rdmsr => "rdmsr is not supported here",
        Mnemonic::Wrmsr => "wrmsr is not supported here",
        Mnemonic::Rdpmc => "rdpmc is not supported here",
        Mnemonic::Mov => "a control or debug register is not supported here",
        Mnemonic::Invlpg | Mnemonic::Invd | Mnemonic::Wbinvd => "control of caches is not supported here",
        Mnemonic::Lgdt | Mnemonic::Lidt | Mnemonic::Lldt | Mnemonic::Ltr => {
            "descriptor tables are not supported here"
        }
        Mnemonic::Swapgs => "swapgs is not supported here",
        _ => "a privileged instruction that is not supported here",
    }
}

/// A fault without an address: it is computed again from the instruction's operands.
fn general_protection(instruction: &Instruction, registers: &Registers<'_>) -> Offence {
    use iced_x86::FlowControl;
    let touched = touched_address(instruction, registers);
    match instruction.flow_control() {
        FlowControl::Return => {
            return offence(
                Rule::KernelExecuteBadAddress,
                "returns to an address that is none; the stack is damaged",
                crate::guest::read_u64(registers.sp()).unwrap_or_default(),
            );
        }
        FlowControl::IndirectCall | FlowControl::IndirectBranch => match touched {
            Some(address) if !is_canonical(address) => {}
            Some(address) => return execution(crate::guest::read_u64(address).unwrap_or_default()),
            None => return execution(registers.get(instruction.op0_register())),
        },
        FlowControl::Next
        | FlowControl::UnconditionalBranch
        | FlowControl::ConditionalBranch
        | FlowControl::Call
        | FlowControl::Interrupt
        | FlowControl::XbeginXabortXend
        | FlowControl::Exception => {}
    }
    match touched {
        Some(address) if is_canonical(address) => offence(
            Rule::KernelBadAccess,
            "an address that is not aligned as the instruction needs it",
            address,
        ),
        Some(address) => offence(Rule::KernelBadAccess, "an address that no processor has", address),
        None => offence(
            Rule::KernelIllegalInstruction,
            "executes an instruction that is not allowed",
            registers.ip(),
        ),
    }
}

const fn is_canonical(address: u64) -> bool {
    (address as i64) << 16 >> 16 == address as i64
}

fn touched_address(instruction: &Instruction, registers: &Registers<'_>) -> Option<u64> {
    let operand =
        (0..instruction.op_count()).find(|&operand| instruction.op_kind(operand) == OpKind::Memory)?;
    instruction.virtual_address(operand, 0, |register, _, _| {
        Some(if register.is_gpr() { registers.get(register) } else { 0 })
    })
}

/// Control went to `address`, and no code is there.
pub(crate) fn execution(address: u64) -> Offence {
    let what = if address < NULL_END {
        "calls or jumps to NULL"
    } else if handle::is_handle(address) {
        "calls or jumps to a handle of NDIS"
    } else if pool::is_freed_pattern(address) {
        "calls or jumps to an address that was read from freed memory"
    } else if pool::is_fresh_pattern(address) {
        "calls or jumps to an address that was read from memory that nobody has written"
    } else {
        "calls or jumps to memory that is not code"
    };
    offence(Rule::KernelExecuteBadAddress, what, address)
}

/// An access to `address` failed; `present` if there is memory that does not allow it.
pub(crate) fn memory(address: u64, write: bool, present: bool) -> Offence {
    let pick = |reads: &'static str, writes: &'static str| if write { writes } else { reads };
    let what = if address < NULL_END {
        pick("reads through NULL", "writes through NULL")
    } else if handle::is_handle(address) {
        pick(
            "reads through a handle of NDIS, which is no pointer",
            "writes through a handle of NDIS, which is no pointer",
        )
    } else if handle::is_object(address) {
        pick("reads through a handle of a kernel object", "writes through a handle of a kernel object")
    } else if pool::is_freed_pattern(address) {
        pick(
            "reads through a pointer that was read from freed memory",
            "writes through a pointer that was read from freed memory",
        )
    } else if pool::is_fresh_pattern(address) {
        pick(
            "reads through a pointer that was read from memory that nobody has written",
            "writes through a pointer that was read from memory that nobody has written",
        )
    } else if present && write {
        "writes memory that may only be read"
    } else {
        pick("reads memory that is not there", "writes memory that is not there")
    };
    offence(Rule::KernelBadAccess, what, address)
}
