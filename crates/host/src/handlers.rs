//! Which function of a driver handles what, and what of its own the driver told us to find that out.
//!
//! `NdisSetOptionalHandlers` with the handle of a binding sets functions for that binding alone. A handler is called
//! with a context, so it is noted which binding a context belongs to: each is given together with the binding or with
//! something that belongs to it ([`Handlers::inherit`]).

use contract::Ddi;
use model::{AdapterId, Handle, HandleArg, HandleKind, Side};

/// The callbacks of which a driver that is client and call manager has two functions.
const OF_BOTH_SIDES: [Ddi; 4] = [
    Ddi::ProtocolCoCreateVc,
    Ddi::ProtocolCoDeleteVc,
    Ddi::ProtocolCoOidRequest,
    Ddi::ProtocolCoOidRequestComplete,
];
const SLOTS: usize = Ddi::ALL.len() + OF_BOTH_SIDES.len();

/// A place for a function: one for each callback, and a second one for those of both sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot(u16);

impl Slot {
    /// The place for `callback` on this side; that of a callback of one side only is the same for both.
    pub(crate) fn new(callback: Ddi, side: Side) -> Slot {
        let second = match side {
            Side::Client => None,
            Side::CallManager => OF_BOTH_SIDES.iter().position(|&ddi| ddi == callback),
        };
        Slot(second.map_or(callback as usize, |place| Ddi::ALL.len() + place) as u16)
    }
}

impl From<Ddi> for Slot {
    fn from(callback: Ddi) -> Slot {
        Slot(callback as u16)
    }
}

/// Which function of a driver handles what, and what of its own it told us to find that out.
pub(crate) struct Handlers {
    /// Zero where there is none.
    addresses: [u64; SLOTS],
    /// For one binding only.
    overrides: Vec<(Handle, Slot, u64)>,
    /// Which binding a value belongs to that the driver holds: a context of its own, or a handle.
    belongs: Vec<(u64, Handle)>,
    /// The adapter that each bind offers.
    pub(crate) binds: Vec<(Handle, AdapterId)>,
    /// The notifications that the driver has got: where they lie, and their handles.
    pub(crate) events: Vec<(u64, Handle)>,
    /// The adapters that the driver was asked to initialise.
    pub(crate) adapters: Vec<Handle>,
}

impl Default for Handlers {
    fn default() -> Handlers {
        Handlers {
            addresses: [0; SLOTS],
            overrides: Vec::new(),
            belongs: Vec::new(),
            binds: Vec::new(),
            events: Vec::new(),
            adapters: Vec::new(),
        }
    }
}

impl Handlers {
    /// The function in `slot`, which is called with `context`.
    pub(crate) fn find(&self, slot: Slot, context: u64) -> u64 {
        if !self.overrides.is_empty()
            && let Some(binding) = self.binding_of(context)
            && let Some(&(.., address)) =
                self.overrides.iter().rev().find(|(of, other, _)| *of == binding && *other == slot)
        {
            return address;
        }
        self.addresses[usize::from(slot.0)]
    }

    /// Sets a function, for one binding if `handle` is one's, otherwise for the driver.
    pub(crate) fn set(&mut self, handle: HandleArg, slot: Slot, address: u64) {
        match handle {
            HandleArg::Known(binding) if binding.kind == HandleKind::Binding => {
                self.overrides.push((binding, slot, address));
            }
            HandleArg::Known(_) | HandleArg::Null | HandleArg::Unknown(_) => {
                self.addresses[usize::from(slot.0)] = address;
            }
        }
    }

    /// Notes that a context or handle belongs to a binding.
    pub(crate) fn note(&mut self, value: u64, binding: Handle) {
        self.belongs.retain(|(known, _)| *known != value);
        self.belongs.push((value, binding));
    }

    /// Notes that a context or handle belongs to the binding that another one belongs to.
    pub(crate) fn inherit(&mut self, value: u64, from: u64) {
        if let Some(binding) = self.binding_of(from) {
            self.note(value, binding);
        }
    }

    /// Whether there are functions for one binding only.
    pub(crate) fn has_overrides(&self) -> bool {
        !self.overrides.is_empty()
    }

    fn binding_of(&self, value: u64) -> Option<Handle> {
        self.belongs.iter().rev().find(|(known, _)| *known == value).map(|(_, binding)| *binding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_have_functions_of_their_own() {
        let mut handlers = Handlers::default();
        let both = OF_BOTH_SIDES.map(|ddi| (Slot::new(ddi, Side::Client), Slot::new(ddi, Side::CallManager)));
        for (address, (client, manager)) in (1..).step_by(2).zip(both) {
            handlers.set(HandleArg::Null, client, address);
            handlers.set(HandleArg::Null, manager, address + 1);
        }
        for (address, (client, manager)) in (1..).step_by(2).zip(both) {
            assert_eq!((handlers.find(client, 0), handlers.find(manager, 0)), (address, address + 1));
        }
    }

    #[test]
    fn a_callback_of_one_side_has_one_function() {
        for &ddi in Ddi::ALL.iter().filter(|ddi| !OF_BOTH_SIDES.contains(ddi)) {
            assert_eq!(Slot::new(ddi, Side::CallManager), Slot::new(ddi, Side::Client));
            assert_eq!(Slot::new(ddi, Side::Client), Slot::from(ddi));
        }
    }
}
