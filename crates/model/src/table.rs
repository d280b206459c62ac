//! A bounded table of objects that are found by handle or id and never confused with a later tenant of their place.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

/// How many removed entries a table remembers before it takes their places again. A handle that is older than that
/// is no longer known by name, only as one that NDIS never gave.
const REMEMBERED: usize = 1024;

/// How many entries a table holds; more is a limit that the execution reports.
pub(crate) const CAPACITY: usize = 1 << 20;

/// The table is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

/// No place.
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    slots: Vec<T>,
    /// For each place the one before and the one after it among the entries that are not removed, in the order in which
    /// they came.
    links: Vec<(u32, u32)>,
    /// The first and the last of them.
    ends: (u32, u32),
    /// Removed entries, oldest first.
    removed: VecDeque<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { slots: Vec::new(), links: Vec::new(), ends: (NONE, NONE), removed: VecDeque::new() }
    }
}

impl<T> Table<T> {
    /// The place that the next entry takes.
    pub(crate) fn next_slot(&self) -> u32 {
        if self.removed.len() > REMEMBERED { self.removed[0] } else { self.slots.len() as u32 }
    }

    /// Puts `entry` into [`Table::next_slot`].
    pub(crate) fn insert(&mut self, entry: T) -> Result<u32, Full> {
        let slot = self.next_slot();
        if slot as usize == CAPACITY {
            return Err(Full);
        }
        if slot as usize == self.slots.len() {
            self.slots.push(entry);
            self.links.push((NONE, NONE));
        } else {
            self.removed.pop_front();
            self.slots[slot as usize] = entry;
        }
        let last = core::mem::replace(&mut self.ends.1, slot);
        self.links[slot as usize] = (last, NONE);
        match self.links.get_mut(last as usize) {
            Some(link) => link.1 = slot,
            None => self.ends.0 = slot,
        }
        Ok(slot)
    }

    /// Marks an entry as one whose place may be taken again some day; it stays readable until then.
    pub(crate) fn remove(&mut self, slot: u32) {
        let (before, after) = self.links[slot as usize];
        match self.links.get_mut(before as usize) {
            Some(link) => link.1 = after,
            None => self.ends.0 = after,
        }
        match self.links.get_mut(after as usize) {
            Some(link) => link.0 = before,
            None => self.ends.1 = before,
        }
        self.removed.push_back(slot);
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)
    }

    /// The entries that are not removed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let next = |slot: u32| Some(slot).filter(|&slot| slot != NONE);
        core::iter::successors(next(self.ends.0), move |&slot| next(self.links[slot as usize].1))
            .map(|slot| (slot, &self.slots[slot as usize]))
    }

    /// The removed entries that are remembered.
    pub(crate) fn iter_removed(&self) -> impl Iterator<Item = (u32, &T)> {
        self.removed.iter().map(|&slot| (slot, &self.slots[slot as usize]))
    }
}

impl<T> core::ops::Index<u32> for Table<T> {
    type Output = T;
    fn index(&self, slot: u32) -> &T {
        &self.slots[slot as usize]
    }
}

impl<T> core::ops::IndexMut<u32> for Table<T> {
    fn index_mut(&mut self, slot: u32) -> &mut T {
        &mut self.slots[slot as usize]
    }
}

// Which place an entry took is no part of the value: two orders that commute differ in nothing else.
impl<T: Ord> PartialEq for Table<T> {
    fn eq(&self, other: &Table<T>) -> bool {
        let sorted = |table: &Table<T>| {
            let mut order: Vec<usize> = (0..table.slots.len()).collect();
            order.sort_by(|&a, &b| table.slots[a].cmp(&table.slots[b]));
            order
        };
        self.slots.len() == other.slots.len()
            && sorted(self).into_iter().zip(sorted(other)).all(|(a, b)| self.slots[a] == other.slots[b])
    }
}
impl<T: Ord> Eq for Table<T> {}
impl<T: Hash> Hash for Table<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A sum does not depend on the order of its terms.
        let sum = self.slots.iter().fold(0u64, |sum, entry| {
            let mut one = Fnv(0xcbf2_9ce4_8422_2325);
            entry.hash(&mut one);
            sum.wrapping_add(one.finish())
        });
        sum.hash(state);
        self.slots.len().hash(state);
    }
}

struct Fnv(u64);
impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
