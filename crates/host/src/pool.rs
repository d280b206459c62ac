//! The kernel's memory for drivers. Every block is between two fences, is filled with a pattern when it is given out
//! and with another when it is freed, and is kept for a while before its memory is used again, so that whatever uses
//! it wrongly is seen. The memory is the execution's: it comes from this process's allocator.

use crate::guest;
use model::DriverId;
use std::alloc::{Layout, alloc, dealloc};
use std::collections::{BTreeMap, VecDeque};

/// Blocks are aligned to this on x64 Windows, in bytes.
const ALIGNMENT: usize = 16;
/// The fence on either side of a block, in bytes.
const FENCE: usize = 16;
const FENCE_BYTE: u8 = 0xfd;
/// What fills a block that was given out and not written: as a pointer, an address that faults and is known again.
const FRESH: u64 = 0xFFFF_CDCD_CDCD_CDCD;
/// What fills a freed block.
const FREED: u64 = 0xFFFF_FEED_FEED_FEED;
/// How far an offset may lead away from a pattern that is used as a pointer, in bytes.
const PATTERN_REACH: u64 = 1 << 20;
/// How many freed blocks are kept from being used again, and how many bytes at most.
const QUARANTINE_BLOCKS: usize = 256;
const QUARANTINE_BYTES: usize = 1 << 20;
/// The largest block, in bytes; a driver that asks for more gets none, as on a machine with that much memory.
const LARGEST: u64 = 64 << 20;

/// Whether an address is a pattern that filled a fresh block, or near it.
pub(crate) fn is_fresh_pattern(address: u64) -> bool {
    address.abs_diff(FRESH) < PATTERN_REACH
}

/// Whether an address is a pattern that filled a freed block, or near it.
pub(crate) fn is_freed_pattern(address: u64) -> bool {
    address.abs_diff(FREED) < PATTERN_REACH
}

/// A block, as reports name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// Where it begins.
    pub address: u64,
    /// Its size in bytes as it was asked for.
    pub size: u64,
    /// The tag, four characters with the first in the lowest byte.
    pub tag: u32,
    /// Who got it.
    pub owner: DriverId,
    /// Where in the owner's image it was asked for: the return address, as an offset.
    pub site: Option<u32>,
    /// Which routines may free it.
    pub(crate) family: Family,
}

/// Which routine a block came from, which says with which it must be freed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    /// `NdisAllocateMemoryWithTagPriority` and its like.
    Ndis,
    /// `ExAllocatePool2` and its like.
    Executive,
    /// Memory of ours that a driver reads.
    Internal,
}

/// Why a block cannot be freed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FreeError {
    Null,
    Twice,
    Inside,
    Foreign,
    OtherFamily,
    OtherTag,
    Underrun,
    Overrun,
}

impl FreeError {
    /// The mistake in words.
    pub(crate) const fn offence(self) -> &'static str {
        match self {
            FreeError::Null => "frees NULL",
            FreeError::Twice => "frees a block a second time",
            FreeError::Inside => "frees an address inside a block",
            FreeError::Foreign => "frees memory that was never allocated",
            FreeError::OtherFamily => {
                "frees a block with a routine that does not match the one that allocated it"
            }
            FreeError::OtherTag => "frees a block with another tag than it was allocated with",
            FreeError::Underrun => "has written in front of a block that it frees",
            FreeError::Overrun => "has written behind the end of a block that it frees",
        }
    }
}

/// All blocks.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    blocks: BTreeMap<u64, Block>,
    freed: VecDeque<Block>,
    freed_bytes: usize,
    /// Blocks that were written to after they had been freed.
    damaged: Vec<Block>,
}

impl Pool {
    /// A block of `size` bytes; `zeroed` if it is not to be filled with the pattern. None if there is no memory.
    pub(crate) fn allocate(&mut self, block: Block, zeroed: bool) -> Option<u64> {
        let layout = layout_of(block.size)?;
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc(layout) } as u64;
        if start == 0 {
            return None;
        }
        let address = start + FENCE as u64;
        let filled = fill_with(start, FENCE as u64, FENCE_BYTE)
            .and_then(|()| fill_with(address + block.size, FENCE as u64, FENCE_BYTE))
            .and_then(|()| {
                if zeroed {
                    fill_with(address, block.size, 0)
                } else {
                    fill_pattern(address, block.size, FRESH)
                }
            });
        filled.expect("a new block can be written");
        self.blocks.insert(address, Block { address, ..block });
        Some(address)
    }

    /// Frees a block; `tag` only if the routine takes one.
    pub(crate) fn free(
        &mut self,
        address: u64,
        family: Family,
        tag: Option<u32>,
    ) -> Result<Block, FreeError> {
        let block = *self.blocks.get(&address).ok_or_else(|| self.why_not(address))?;
        if block.family != family {
            return Err(FreeError::OtherFamily);
        }
        // A tag of zero means any, as the page of ExFreePoolWithTag says.
        if tag.is_some_and(|tag| tag != 0 && tag != block.tag) {
            return Err(FreeError::OtherTag);
        }
        if !is_fence(address - FENCE as u64) {
            return Err(FreeError::Underrun);
        }
        if !is_fence(address + block.size) {
            return Err(FreeError::Overrun);
        }
        self.blocks.remove(&address);
        fill_pattern(address, block.size, FREED).expect("a block can be written");
        self.freed.push_back(block);
        self.freed_bytes += block.size as usize;
        while self.freed.len() > QUARANTINE_BLOCKS || self.freed_bytes > QUARANTINE_BYTES {
            let Some(oldest) = self.freed.pop_front() else { break };
            self.freed_bytes -= oldest.size as usize;
            // A block that was written to is evidence, and is kept.
            if is_untouched(&oldest) {
                release(&oldest);
            } else if self.damaged.len() < QUARANTINE_BLOCKS {
                self.damaged.push(oldest);
            }
        }
        Ok(block)
    }

    fn why_not(&self, address: u64) -> FreeError {
        if address == 0 {
            FreeError::Null
        } else if self.freed.iter().any(|block| block.address == address) {
            FreeError::Twice
        } else if self.block_with(address).is_some() {
            FreeError::Inside
        } else {
            FreeError::Foreign
        }
    }

    /// What is wrong with the blocks of `owner`, freed ones included, as far as it shows.
    pub(crate) fn damage(&self, owner: DriverId) -> Option<(Block, &'static str)> {
        let of_owner = |block: &&Block| block.owner == owner && block.family != Family::Internal;
        if let Some(block) =
            self.damaged.iter().chain(&self.freed).filter(of_owner).find(|block| !is_untouched(block))
        {
            return Some((*block, "has written to a block after freeing it"));
        }
        let mut live = self.held_by(owner);
        let overrun = live
            .find(|block| !is_fence(block.address - FENCE as u64) || !is_fence(block.address + block.size))?;
        Some((*overrun, "has written in front of a block or behind its end"))
    }

    /// The block that `address` lies in.
    pub(crate) fn block_with(&self, address: u64) -> Option<&Block> {
        let (_, block) = self.blocks.range(..=address).next_back()?;
        (address < block.address + block.size.max(1)).then_some(block)
    }

    /// The freed block that `address` lies in, if its memory is not used again yet.
    pub(crate) fn freed_with(&self, address: u64) -> Option<&Block> {
        self.freed.iter().rev().find(|block| (block.address..block.address + block.size).contains(&address))
    }

    /// The blocks that `owner` holds, in the order of their addresses.
    pub(crate) fn held_by(&self, owner: DriverId) -> impl Iterator<Item = &Block> {
        self.blocks.values().filter(move |block| block.owner == owner && block.family != Family::Internal)
    }
}

fn layout_of(size: u64) -> Option<Layout> {
    if size > LARGEST {
        return None;
    }
    Layout::from_size_align(size as usize + 2 * FENCE, ALIGNMENT).ok()
}

fn release(block: &Block) {
    let Some(layout) = layout_of(block.size) else { return };
    // SAFETY: the memory came from `alloc` with this layout, and the block is in no table any more.
    unsafe { dealloc((block.address - FENCE as u64) as *mut u8, layout) }
}

fn fill_with(address: u64, count: u64, value: u8) -> Result<(), guest::BadAddress> {
    guest::fill(address, value, count)
}

fn fill_pattern(address: u64, count: u64, pattern: u64) -> Result<(), guest::BadAddress> {
    for offset in (0..count & !7).step_by(8) {
        guest::write_u64(address + offset, pattern)?;
    }
    let rest = (count & 7) as usize;
    guest::write(address + (count & !7), &pattern.to_le_bytes()[..rest])
}

/// Whether a freed block is still as it was filled.
fn is_untouched(block: &Block) -> bool {
    let word = |offset: u64| guest::read_u64(block.address + offset) == Ok(FREED);
    let mut rest = [0; 8];
    let tail = &mut rest[..(block.size & 7) as usize];
    (0..block.size & !7).step_by(8).all(word)
        && guest::read(block.address + (block.size & !7), tail).is_ok()
        && *tail == FREED.to_le_bytes()[..tail.len()]
}

fn is_fence(address: u64) -> bool {
    let mut bytes = [0; FENCE];
    guest::read(address, &mut bytes).is_ok() && bytes == [FENCE_BYTE; FENCE]
}
