//! The virtual processors. (Being written.)

use model::record::Irql;

/// How many there can be.
pub const COUNT_MAX: u8 = 8;
/// The size of a processor's block.
pub const BLOCK_SIZE: usize = 0x4000;
/// Where in the block the level lies, as a `u64`: emulated `cr8`.
pub const IRQL_OFFSET: usize = 0x1000;

/// The zeroed block of a processor, at a fixed address that belongs to the snapshot. The host lays its KPCR into the first 0x1000 bytes.
pub fn block(processor: u8) -> *mut u8 {
    let _ = processor;
    std::ptr::null_mut()
}

/// The level of the running processor.
pub fn irql() -> Irql {
    Irql::PASSIVE
}

/// Sets the level of the running processor and gives back the old one. No scheduling point and no record.
pub fn set_irql(level: Irql) -> Irql {
    level
}

/// Sets what is called, with its number, when another processor runs than before.
pub fn on_switch(hook: fn(u8)) {
    let _ = hook;
}
