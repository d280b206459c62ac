//! What there is in a world, for those who show it: one [`View`] per object, in the spirit of the debugger's `!ndiskd`
//! extension.

use crate::block::HandlerSet;
use crate::{DriverId, Handle, Object, Token, Value, World};
use alloc::vec::Vec;

/// One object as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// Which.
    pub object: Object,
    /// Its state, in the word of the contract's machine.
    pub state: &'static str,
    /// What it belongs to: the binding of an AF, the AF of a VC, the VC of a call.
    pub parent: Option<Object>,
    /// The drivers that know it, with what they know it by.
    pub holders: Vec<Holder>,
    /// What it stands for: an address family, a SAP's specification.
    pub about: Option<Value>,
    /// What else is true of it, as short lower-case phrases: `activation pending`.
    pub flags: Vec<&'static str>,
}

/// A driver that knows an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    /// As what: `client`, `call manager`, `miniport`, `protocol`.
    pub role: &'static str,
    /// Which driver.
    pub driver: DriverId,
    /// The handle that NDIS gave it.
    pub handle: Option<Handle>,
    /// The context that it gave NDIS; NULL if it has given none.
    pub context: Token,
}

/// A table of handlers that a driver has supplied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HandlerTable {
    /// What it was supplied in: `NDIS_CO_CLIENT_OPTIONAL_HANDLERS`.
    pub structure: &'static str,
    /// The handlers that are not NULL.
    pub handlers: HandlerSet,
}

impl World {
    /// Every adapter, binding, registered address family, AF, SAP, VC, call and party that is there, each after what it
    /// belongs to.
    pub fn views(&self) -> Vec<View> {
        let mut views = Vec::new();
        self.binding_views(&mut views);
        self.af_views(&mut views);
        self.sap_views(&mut views);
        self.vc_views(&mut views);
        views
    }

    /// The tables of handlers that a driver has supplied.
    pub fn handler_tables(&self, driver: DriverId) -> Vec<HandlerTable> {
        self.driver(driver).handler_tables()
    }
}

/// Those of `flags` that are set.
pub(crate) fn set_flags<const N: usize>(flags: [(bool, &'static str); N]) -> Vec<&'static str> {
    flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect()
}
