//! Area `sap`: a client registers a service access point (SAP) with a call manager, on which calls may come in.

use crate::binding::Binding;
use crate::block::Sap as Specification;
use crate::phase::Phase;
use crate::{
    AdapterId, Context, Debt, DriverId, Handle, HandleArg, OpId, Reply, SapId, Stepped, Token, Violation,
    World,
};
use alloc::vec::Vec;
use contract::Status;

/// One SAP.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Sap {
    pub(crate) id: SapId,
    manager_handle: Handle,
    client: DriverId,
    manager: DriverId,
    /// Its AF, by place.
    af: u32,
    specification: Specification,
    pub(crate) client_context: Token,
    manager_context: Token,
    register: Phase,
    deregister: Option<Phase>,
}

/// What waits for a handler of this area, or for a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    /// The client's handle is being stored; `ProtocolCmRegisterSap` comes next.
    PublishSap(u32),
}

impl World {
    pub(crate) fn register_sap(
        &mut self,
        _cx: &mut Context<'_>,
        _af: HandleArg,
        _context: Token,
        _specification: Specification,
    ) -> Stepped {
        panic!("TEMPORARY")
    }

    pub(crate) fn register_sap_complete(
        &mut self,
        _cx: &mut Context<'_>,
        _status: Status,
        _sap: HandleArg,
        _context: Token,
    ) -> Stepped {
        panic!("TEMPORARY")
    }

    pub(crate) fn deregister_sap(&mut self, _cx: &mut Context<'_>, _sap: HandleArg) -> Stepped {
        panic!("TEMPORARY")
    }

    pub(crate) fn deregister_sap_complete(
        &mut self,
        _cx: &mut Context<'_>,
        _status: Status,
        _sap: HandleArg,
    ) -> Stepped {
        panic!("TEMPORARY")
    }

    pub(crate) fn sap_resumed(&mut self, _id: OpId, _op: Op) -> Stepped {
        panic!("TEMPORARY")
    }

    pub(crate) fn sap_returned(
        &mut self,
        _cx: &mut Context<'_>,
        _id: OpId,
        _op: Op,
        _reply: Reply,
    ) -> Stepped {
        panic!("TEMPORARY")
    }

    /// Whether a handler of this area runs with a context that belongs to the binding.
    pub(crate) fn sap_handler_runs_on(&self, _op: Op, _binding: &Binding) -> bool {
        panic!("TEMPORARY")
    }

    /// Whether a handler of this area runs in the MCM of the adapter.
    pub(crate) fn sap_handler_runs_in(&self, _op: Op, _adapter: AdapterId) -> bool {
        panic!("TEMPORARY")
    }

    pub(crate) fn sap_debts(&self, _debts: &mut Vec<Debt>) {}

    /// Whether the client of an AF has a SAP on it that it has registered, or is registering, and not begun to deregister.
    pub(crate) fn has_sap(&self, _af: u32) -> bool {
        false
    }

    /// Whether a SAP of an AF is not gone: its registration or its deregistration is still with the call manager.
    pub(crate) fn has_sap_with_manager(&self, _af: u32) -> bool {
        false
    }

    /// The SAP of a call manager's handle on which it offers a call. None if the offer is refused without a breach,
    /// because the client is deregistering the SAP.
    ///
    /// # Errors
    /// The handle is not one of a SAP that a client of this call manager has registered or is registering.
    pub(crate) fn sap_to_offer_on(
        &self,
        _cx: &Context<'_>,
        _sap: HandleArg,
    ) -> Result<Option<u32>, Violation> {
        panic!("TEMPORARY")
    }
}
