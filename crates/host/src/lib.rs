//! Native drivers: runs the code of an unmodified x64 `.sys` file on this processor, on our own NDIS and kernel.
//!
//! **How it is used.** While a [`Runner`](engine::Runner) builds its setup, make a [`Host`], [`Host::load`] each driver
//! from its [`pe::Image`], and put the [`NativeDriver`] into the setup. [`imports_status`] says before anything runs
//! what a driver imports that is not provided. Afterwards [`Host::explain`], [`Host::symbol`] and [`Host::module_at`]
//! put the addresses of an [`Ending`](engine::Ending) into words, while the runner still holds the execution.
//!
//! **What holds.**
//! - An import that is not provided is never a stub: calling or reading it ends the execution by name.
//! - Where an image lies and what its drivers are given as handles does not depend on the machine.
//! - A driver's bad pointer, in its own code or as an argument, becomes a finding of the driver's.
//! - A structure that a native driver hands to NDIS is seen by other native drivers where it lies.
//! - Nothing of ours is borrowed or locked while driver code runs.
//! - Rewritten code does what the instruction that trapped did, and a restored execution finds it rewritten.
//!
//! **What does not.** Driver and host share an address space: a driver's wild write, or a system call instruction in
//! it, can ruin this process. Running it in a process of its own is the supervisor's business. What drivers of other kinds
//! give as the address of a structure must lie neither in the arena nor where images lie.
//!
//! Read `map.rs` first (how a driver is laid out), then `exports/mod.rs` (how it calls us), `native.rs` (how we call
//! it), `structures.rs` (what drivers hand to each other), `trap/mod.rs` (what happens where it does what user code
//! cannot).

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod abi;
mod call;
mod clock;
pub mod exports;
mod format;
mod guest;
mod handle;
mod handlers;
mod host;
mod map;
mod memory;
mod native;
mod objects;
mod pool;
mod processor;
mod registry;
mod structures;
pub mod symbols;
mod trap;

pub use host::{Host, LoadError, Options, tag_text};
pub use map::{MAX_DRIVERS, MapError};
pub use native::NativeDriver;
pub use pool::Block;
pub use registry::{Registry, RegistryValue};

use pe::Image;

/// An import of a driver's, and what there is for it.
#[derive(Clone, Debug)]
pub struct ImportStatus<'a> {
    /// The import.
    pub import: &'a pe::Import,
    /// The routine that it leads to; none if touching it would end the execution.
    pub export: Option<&'static exports::Export>,
}

/// What a driver imports, in the file's order, and what of it is provided.
pub fn imports_status(image: &Image) -> Vec<ImportStatus<'_>> {
    let status = |import| ImportStatus { import, export: exports::lookup(&import.library, &import.symbol) };
    image.imports().iter().map(status).collect()
}
