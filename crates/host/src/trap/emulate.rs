//! Does what a faulting instruction of a driver's would have done on a kernel's processor.

use super::registers::{Registers, TRAP_FLAG};
use super::shared_data;
use engine::processor;
use iced_x86::{Code, Instruction, Mnemonic, OpKind, Register};
use model::record::Irql;
use std::sync::atomic::{AtomicU64, Ordering};

/// What became of an instruction.
pub(crate) enum Emulated {
    /// It is done, and the registers say so; or it is to be run as it is now.
    Done,
    /// It reads or writes the interrupt request level.
    Level,
    /// It is none that is emulated.
    No,
}

/// Looks at the instruction that faulted at the interrupted `ip`, touching `address`. `ip` must be what the
/// instruction was decoded for.
pub(crate) fn emulate(instruction: &Instruction, registers: &mut Registers<'_>, address: u64) -> Emulated {
    if super::scan::is_cr8(instruction) {
        return Emulated::Level;
    }
    if shared_data::contains(address) { shared_read(instruction, registers, address) } else { Emulated::No }
}

/// Does a `mov` from or to `cr8`, and goes on behind it.
pub(crate) fn level_access(instruction: &Instruction, registers: &mut Registers<'_>) {
    if instruction.code() == Code::Mov_r64_cr {
        registers.set(instruction.op0_register(), u64::from(processor::irql().0));
    } else {
        processor::set_irql(Irql(registers.get(instruction.op1_register()) as u8));
    }
    *registers.at(libc::REG_RIP) += instruction.len() as i64;
}

/// A read of the shared page. Plain loads are done here; anything else is run once, with its base register moved to
/// our copy of the page, and the register is put back by [`finish_step`].
fn shared_read(instruction: &Instruction, registers: &mut Registers<'_>, address: u64) -> Emulated {
    let page = shared_data::refreshed();
    let plain = matches!(instruction.mnemonic(), Mnemonic::Mov | Mnemonic::Movzx)
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register().is_gpr();
    if plain {
        let size = instruction.memory_size().size();
        let mut bytes = [0; 8];
        let wanted = bytes.get_mut(..size);
        let within = address + size as u64 <= shared_data::ADDRESS + shared_data::SIZE;
        let Some(wanted) = wanted.filter(|_| within) else { return Emulated::No };
        if crate::guest::read(page + (address - shared_data::ADDRESS), wanted).is_err() {
            return Emulated::No;
        }
        registers.set(instruction.op0_register(), u64::from_le_bytes(bytes));
        *registers.at(libc::REG_RIP) += instruction.len() as i64;
        return Emulated::Done;
    }
    let base = instruction.memory_base();
    if !base.is_gpr64() || base == instruction.memory_index() {
        return Emulated::No;
    }
    let distance = page.wrapping_sub(shared_data::ADDRESS);
    registers.set(base, registers.full(base).wrapping_add(distance));
    // If the instruction overwrites the register itself, there is nothing to put back.
    let overwrites = instruction.op_count() > 0
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register().full_register() == base
        && !matches!(instruction.mnemonic(), Mnemonic::Cmp | Mnemonic::Test);
    STEP.start(if overwrites { None } else { Some(base) }, distance);
    *registers.at(libc::REG_EFL) |= TRAP_FLAG;
    Emulated::Done
}

/// The instruction that is being run with a moved register.
struct Step {
    /// 0 when there is none, 1 when nothing is to be put back, otherwise the register's number and 2.
    state: AtomicU64,
    distance: AtomicU64,
}

static STEP: Step = Step { state: AtomicU64::new(0), distance: AtomicU64::new(0) };

impl Step {
    fn start(&self, base: Option<Register>, distance: u64) {
        self.distance.store(distance, Ordering::Relaxed);
        self.state.store(base.map_or(1, |base| base.number() as u64 + 2), Ordering::Relaxed);
    }
}

/// Ends what [`emulate`] began, when the instruction has been run. Tells whether there was anything.
pub(crate) fn finish_step(registers: &mut Registers<'_>) -> bool {
    let state = STEP.state.swap(0, Ordering::Relaxed);
    if state == 0 {
        return false;
    }
    *registers.at(libc::REG_EFL) &= !TRAP_FLAG;
    if let Some(number) = state.checked_sub(2) {
        let base = Register::RAX + number as u32;
        let distance = STEP.distance.load(Ordering::Relaxed);
        registers.set(base, registers.full(base).wrapping_sub(distance));
    }
    true
}
