//! The registers of interrupted code, by the names that a decoder gives them.

use iced_x86::Register;

const GENERAL: [libc::c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// In the flags: string instructions go downwards.
pub(crate) const DIRECTION_FLAG: i64 = 0x400;
/// In the flags: trap after each instruction.
pub(crate) const TRAP_FLAG: i64 = 0x100;

/// The registers of interrupted code; changes take effect when it goes on.
pub(crate) struct Registers<'a>(&'a mut [libc::greg_t; 23]);

impl<'a> Registers<'a> {
    pub(crate) fn new(context: &'a mut libc::ucontext_t) -> Registers<'a> {
        Registers(&mut context.uc_mcontext.gregs)
    }

    /// A general register, `rip` or the flags, by its place in the system's structure.
    pub(crate) fn at(&mut self, place: libc::c_int) -> &mut i64 {
        &mut self.0[place as usize]
    }

    pub(crate) fn ip(&self) -> u64 {
        self.0[libc::REG_RIP as usize] as u64
    }

    pub(crate) fn sp(&self) -> u64 {
        self.0[libc::REG_RSP as usize] as u64
    }

    /// What the processor says about a fault: bit 1 a write, bit 4 the fetch of an instruction.
    pub(crate) fn error(&self) -> u64 {
        self.0[libc::REG_ERR as usize] as u64
    }

    /// The number of the exception: 13 for a general protection fault, 14 for a page fault.
    pub(crate) fn exception(&self) -> u64 {
        self.0[libc::REG_TRAPNO as usize] as u64
    }

    /// The flags.
    pub(crate) fn flags(&self) -> u64 {
        self.0[libc::REG_EFL as usize] as u64
    }

    /// The sixteen general registers, from `rax` on in the order of their numbers.
    pub(crate) fn general(&self) -> [u64; 16] {
        GENERAL.map(|place| self.0[place as usize] as u64)
    }

    fn place(register: Register) -> Option<libc::c_int> {
        if !register.is_gpr() {
            return None;
        }
        GENERAL.get(register.full_register().number()).copied()
    }

    /// The value of the whole register that `register` is or is part of; zero if it is no general register.
    pub(crate) fn full(&self, register: Register) -> u64 {
        Registers::place(register).map_or(0, |place| self.0[place as usize] as u64)
    }

    /// The value of a general register of any width.
    pub(crate) fn get(&self, register: Register) -> u64 {
        let full = self.full(register);
        match (register.size(), is_high_byte(register)) {
            (1, true) => full >> 8 & 0xff,
            (1, false) => full & 0xff,
            (2, _) => full & 0xffff,
            (4, _) => full & 0xffff_ffff,
            _ => full,
        }
    }

    /// Sets a general register of any width, as the processor would: 32 bits clear the upper half, fewer keep it.
    pub(crate) fn set(&mut self, register: Register, value: u64) {
        let Some(place) = Registers::place(register) else { return };
        let full = &mut self.0[place as usize];
        let old = *full as u64;
        let new = match (register.size(), is_high_byte(register)) {
            (1, true) => old & !0xff00 | (value & 0xff) << 8,
            (1, false) => old & !0xff | value & 0xff,
            (2, _) => old & !0xffff | value & 0xffff,
            (4, _) => value & 0xffff_ffff,
            _ => value,
        };
        *full = new as i64;
    }
}

fn is_high_byte(register: Register) -> bool {
    matches!(register, Register::AH | Register::BH | Register::CH | Register::DH)
}
