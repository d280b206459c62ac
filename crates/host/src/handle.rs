//! The values that drivers hold as handles. They are addresses of a kernel, which nothing in this process can touch: a
//! driver that dereferences one stops, and the address names the handle.
//!
//! A handle's address is computed from what it stands for, the task that made the object and its count there, so that
//! orders which commute give the same addresses. The handles of one object, of client, call manager and miniport, are
//! far apart. A task's handles for one side lie side by side, which keeps their entries in the table close together
//! too; two tasks are far apart. Where handles would fall together all the same, the later one takes the next address.

use model::{Handle, HandleArg, HandleKind};

/// Where handles of NDIS lie.
const HANDLES: u64 = 0xFFFF_A000_0000_0000;
/// How many places there are for the handles of each side, as a power of two.
const PLACES_BITS: u32 = 38;
/// How many sides there are at most, as a power of two: client, call manager and miniport.
const SIDES_BITS: u32 = 2;
/// From one place to the next: a handle may be misused as a pointer to a structure, and the offset must not lead to
/// another one.
const STEP_BITS: u32 = 4;
/// The least size of the table, as a power of two.
const LEAST: usize = 64;

/// Where handles of kernel objects lie (timers, work items, configurations).
pub(crate) const OBJECTS: u64 = 0xFFFF_C000_0000_0000;
/// From one object to the next.
const OBJECT_STEP: u64 = 0x1000;

/// Whether an address may be one of a handle of NDIS, or lie a little behind one.
pub(crate) fn is_handle(address: u64) -> bool {
    (HANDLES..HANDLES + (1 << (SIDES_BITS + PLACES_BITS + STEP_BITS))).contains(&address)
}

/// Whether an address may be one of a kernel object's.
pub(crate) fn is_object(address: u64) -> bool {
    (OBJECTS..OBJECTS + (1 << 40)).contains(&address)
}

/// The handle of the kernel object with this number.
pub(crate) const fn object_address(number: u32) -> u64 {
    OBJECTS + (number as u64 + 1) * OBJECT_STEP
}

/// The number of the kernel object with this handle, or that an address near it belongs to.
pub(crate) fn object_number(address: u64) -> Option<u32> {
    let number = is_object(address).then(|| (address - OBJECTS) / OBJECT_STEP)?;
    u32::try_from(number.checked_sub(1)?).ok()
}

/// Both ways between handles and their addresses, by open addressing: the address is the hash.
#[derive(Debug, Default)]
pub(crate) struct Handles {
    /// A power of two, or empty.
    slots: Vec<Option<(u64, Handle)>>,
    used: usize,
}

impl Handles {
    /// The address of `handle`, which is given one if it has none.
    pub(crate) fn address(&mut self, handle: Handle) -> u64 {
        if self.used * 2 >= self.slots.len() {
            self.grow();
        }
        let side = side_of(handle.kind) << PLACES_BITS;
        let mut place = place_of(handle);
        loop {
            let address = HANDLES + ((side | place) << STEP_BITS);
            match self.find(address) {
                Found::Known(known) if known == handle => return address,
                Found::Known(_) => place = (place + 1) & ((1 << PLACES_BITS) - 1),
                Found::Free(slot) => {
                    self.slots[slot] = Some((address, handle));
                    self.used += 1;
                    return address;
                }
            }
        }
    }

    /// What a driver passed where a handle belongs.
    pub(crate) fn argument(&self, value: u64) -> HandleArg {
        if value == 0 {
            return HandleArg::Null;
        }
        self.handle_at(value).map_or(HandleArg::Unknown(value), HandleArg::Known)
    }

    /// The handle with exactly this address.
    pub(crate) fn handle_at(&self, address: u64) -> Option<Handle> {
        if self.slots.is_empty() || !is_handle(address) {
            return None;
        }
        match self.find(address) {
            Found::Known(handle) => Some(handle),
            Found::Free(_) => None,
        }
    }

    /// The handle whose address lies closest before this one, for reports; not fast.
    pub(crate) fn handle_near(&self, address: u64) -> Option<(Handle, u64)> {
        let before = self.slots.iter().flatten().filter(|(at, _)| *at <= address);
        before.max_by_key(|(at, _)| *at).map(|&(at, handle)| (handle, address - at))
    }

    /// The place of an address. Where it is taken, the search goes on in steps that depend on the address, so that
    /// the runs of neighbours which this table is full of are left behind at once.
    fn find(&self, address: u64) -> Found {
        let mask = self.slots.len() - 1;
        let place = address >> STEP_BITS;
        // Each side has its run of neighbours, far from those of the others.
        let side = place >> PLACES_BITS & ((1 << SIDES_BITS) - 1);
        let mut slot = (place + side * SIDE_STEP) as usize & mask;
        let mut step = None;
        loop {
            match self.slots[slot] {
                Some((at, handle)) if at == address => return Found::Known(handle),
                Some(_) => slot = (slot + *step.get_or_insert_with(|| mixed(place) as usize | 1)) & mask,
                None => return Found::Free(slot),
            }
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(LEAST);
        let old = std::mem::replace(&mut self.slots, vec![None; size]);
        for (address, handle) in old.into_iter().flatten() {
            if let Found::Free(slot) = self.find(address) {
                self.slots[slot] = Some((address, handle));
            }
        }
    }
}

enum Found {
    Known(Handle),
    Free(usize),
}

fn place_of(handle: Handle) -> u64 {
    let (task, count) = handle.made_by();
    mixed(task.value()).wrapping_add(u64::from(count)) & ((1 << PLACES_BITS) - 1)
}

/// How far the handles of one side lie from those of the next in the table.
const SIDE_STEP: u64 = 0x9E37_79B9;

const fn side_of(kind: HandleKind) -> u64 {
    match kind {
        HandleKind::ProtocolDriver
        | HandleKind::MiniportDriver
        | HandleKind::Adapter
        | HandleKind::BindContext
        | HandleKind::UnbindContext
        | HandleKind::Binding
        | HandleKind::PnpEvent
        | HandleKind::ClientAf
        | HandleKind::Registration
        | HandleKind::ClientSap
        | HandleKind::ClientVc
        | HandleKind::ClientParty => 0,
        HandleKind::CallManagerAf
        | HandleKind::CallManagerSap
        | HandleKind::CallManagerVc
        | HandleKind::CallManagerParty => 1,
        HandleKind::MiniportVc => 2,
    }
}

/// The last steps of splitmix64, which spread every bit over all of them.
pub(crate) fn mixed(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
