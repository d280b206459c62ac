//! Area `sap`: a client registers a service access point (SAP) with a call manager, on which calls may come in.
//!
//! ```text
//!  Registering --success--> Registered --NdisClDeregisterSap--> Deregistering --success--> Dead
//!       `---failure--> Failed    ^-------------- refused ------------'
//! ```
//! Registration and deregistration are asynchronous operations with a [`Phase`] each, as opening and closing are for an
//! address family (area `af`). The call manager has its handle from `ProtocolCmRegisterSap` on, before the client may use its
//! own, and may offer calls at once; it keeps the handle until its part of the deregistration is over, when the client has lost
//! its own long ago. [`World::own_sap`] is the only place where a handle becomes a SAP.

mod deregister;
mod register;

use crate::binding::Binding;
use crate::block::Sap as Specification;
use crate::phase::Phase;
use crate::view::{Holder, View, set_flags};
use crate::{
    AdapterId, Context, Debt, DriverId, Handle, HandleArg, HandleKind, Object, OpId, Reply, SapId, Stepped,
    Token, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Rule, Status};

/// One SAP.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Sap {
    pub(crate) id: SapId,
    pub(crate) client: DriverId,
    manager: DriverId,
    /// Its AF, by place: an AF keeps its place as long as it has a SAP.
    pub(crate) af: u32,
    specification: Specification,
    pub(crate) client_context: Token,
    manager_context: Token,
    state: SapState,
    /// `ProtocolCmRegisterSap`.
    register: Phase,
    /// The last `ProtocolCmDeregisterSap`, if there was one.
    deregister: Option<Phase>,
    /// Whether the call manager's handle is dead: its completion of the deregistration, or of a registration that failed,
    /// has returned, or its handler has.
    manager_done: bool,
    /// How many handlers run for it or are about to.
    running: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum SapState {
    Registering,
    Registered,
    Deregistering,
    Dead,
    Failed,
}

/// What waits for a handler of this area, or for a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    /// The client's handle is being stored; `ProtocolCmRegisterSap` comes next.
    PublishSap(u32),
    CmRegisterSap(u32),
    /// `ProtocolClRegisterSapComplete` runs inside the call manager's completion.
    ReportRegister(u32),
    CmDeregisterSap(u32),
    /// `ProtocolClDeregisterSapComplete` runs inside the call manager's completion.
    ReportDeregister(u32),
}

/// Why a handle is none of a SAP's that a driver may use.
enum Stray {
    Null,
    /// The SAP is gone so long that its place was taken again.
    Forgotten,
    /// It belongs to something or somebody else.
    Foreign(Object, &'static str),
}

const fn sap_state_name(state: SapState) -> &'static str {
    match state {
        SapState::Registering => "registering",
        SapState::Registered => "registered",
        SapState::Deregistering => "deregistering",
        SapState::Dead => "dead",
        SapState::Failed => "none",
    }
}

impl Sap {
    fn object(&self) -> Object {
        Object::Sap(self.id)
    }

    fn manager_handle(&self) -> Handle {
        self.id.0.of(HandleKind::CallManagerSap)
    }

    /// What the call manager owes for it: the completion of what it has pended.
    fn owed(&self) -> Option<Rule> {
        match self.state {
            SapState::Registering if self.register.is_pending() => Some(Rule::SapCmRegisterCompleteRequired),
            SapState::Deregistering if self.deregister.is_some_and(Phase::is_pending) => {
                Some(Rule::SapCmDeregCompleteRequired)
            }
            SapState::Registering
            | SapState::Registered
            | SapState::Deregistering
            | SapState::Dead
            | SapState::Failed => None,
        }
    }
}

impl World {
    /// The only writer of a SAP's state.
    fn set_sap(&mut self, cx: &mut Context<'_>, slot: u32, next: SapState) {
        let this = &self.saps[slot];
        cx.edge(this.object(), sap_state_name(this.state), sap_state_name(next));
        self.saps[slot].state = next;
    }

    pub(crate) fn sap_resumed(&mut self, id: OpId, op: Op) -> Stepped {
        match op {
            Op::PublishSap(slot) => Ok(self.cm_register_sap(id, slot)),
            Op::CmRegisterSap(_)
            | Op::ReportRegister(_)
            | Op::CmDeregisterSap(_)
            | Op::ReportDeregister(_) => unreachable!("a handler returns, it does not resume"),
        }
    }

    pub(crate) fn sap_returned(&mut self, cx: &mut Context<'_>, id: OpId, op: Op, reply: Reply) -> Stepped {
        match op {
            Op::CmRegisterSap(slot) => self.cm_register_sap_returned(cx, id, slot, reply),
            Op::ReportRegister(slot) => {
                self.saps[slot].manager_done |= self.saps[slot].state == SapState::Failed;
                self.sap_handler_over(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::CmDeregisterSap(slot) => self.cm_deregister_sap_returned(cx, id, slot, reply.status),
            Op::ReportDeregister(slot) => {
                self.saps[slot].manager_done = true;
                self.sap_handler_over(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::PublishSap(_) => unreachable!("a store resumes, it does not return"),
        }
    }

    /// A handler that ran for the SAP has returned.
    fn sap_handler_over(&mut self, slot: u32) {
        self.saps[slot].running -= 1;
        self.remove_sap_if_over(slot);
    }

    /// Frees the SAP once nothing will look at it again, and lets go of its AF.
    fn remove_sap_if_over(&mut self, slot: u32) {
        let sap = &self.saps[slot];
        let over = match sap.state {
            SapState::Dead | SapState::Failed => sap.running == 0,
            SapState::Registering | SapState::Registered | SapState::Deregistering => false,
        };
        if over {
            let af = sap.af;
            self.saps.remove(slot);
            self.remove_if_over(af);
        }
    }

    /// The SAP of a handle, whatever its state, if it is `driver`'s own and of the side `kind`.
    fn own_sap(&self, driver: DriverId, handle: HandleArg, kind: HandleKind) -> Result<u32, Stray> {
        let foreign = |object, offence| Err(Stray::Foreign(object, offence));
        let nothing = Object::Driver(driver);
        let handle = match handle {
            HandleArg::Known(handle) => handle,
            HandleArg::Null => return Err(Stray::Null),
            HandleArg::Unknown(_) => return foreign(nothing, "NDIS never gave out this value"),
        };
        if !matches!(handle.kind, HandleKind::ClientSap | HandleKind::CallManagerSap) {
            return foreign(nothing, "the handle is not that of a SAP");
        }
        let sap = &self.saps[handle.slot];
        if sap.id.0 != handle.of(HandleKind::ClientSap) {
            return Err(Stray::Forgotten);
        }
        if handle.kind != kind {
            return foreign(sap.object(), "this is the other side's handle for the SAP");
        }
        if driver != if kind == HandleKind::ClientSap { sap.client } else { sap.manager } {
            return foreign(sap.object(), "the SAP is another driver's");
        }
        Ok(handle.slot)
    }

    /// The SAP of a call manager's handle that completes something, whatever its state.
    ///
    /// # Errors
    /// The handle is none that NDIS gave this call manager for a SAP (`sap-handle-opaque`), or was long ago
    /// (`sap-cm-dereg-handle-invalid`).
    fn manager_sap(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let driver = cx.caller();
        self.own_sap(driver, handle, HandleKind::CallManagerSap).map_err(|stray| match stray {
            Stray::Null => {
                violation(Rule::SapHandleOpaque, driver, Object::Driver(driver), "the handle is NULL")
            }
            Stray::Forgotten => self.forgotten_sap(driver),
            Stray::Foreign(object, offence) => violation(Rule::SapHandleOpaque, driver, object, offence),
        })
    }

    fn forgotten_sap(&self, manager: DriverId) -> Violation {
        let offence = "the SAP was deregistered long ago";
        violation(Rule::SapCmDeregHandleInvalid, manager, Object::Driver(manager), offence)
    }

    /// Whether a handler of this area runs with a context that belongs to the binding.
    pub(crate) fn sap_handler_runs_on(&self, op: Op, binding: &Binding) -> bool {
        match op {
            Op::ReportRegister(slot) | Op::ReportDeregister(slot) => {
                self.afs[self.saps[slot].af].binding == binding.id
            }
            Op::PublishSap(slot) | Op::CmRegisterSap(slot) | Op::CmDeregisterSap(slot) => {
                self.is_managed_on(self.saps[slot].af, binding)
            }
        }
    }

    /// Whether a handler of this area runs in the MCM of the adapter.
    pub(crate) fn sap_handler_runs_in(&self, op: Op, adapter: AdapterId) -> bool {
        match op {
            Op::ReportRegister(_) | Op::ReportDeregister(_) => false,
            Op::PublishSap(slot) | Op::CmRegisterSap(slot) | Op::CmDeregisterSap(slot) => {
                self.is_managed_in(self.saps[slot].af, adapter)
            }
        }
    }

    pub(crate) fn sap_debts(&self, debts: &mut Vec<Debt>) {
        for (_, sap) in self.saps.iter() {
            if let Some(rule) = sap.owed() {
                debts.push(Debt { by: sap.manager, rule, object: sap.object(), waits_for: None });
            }
        }
    }

    fn saps_of(&self, af: u32) -> impl Iterator<Item = &Sap> {
        self.saps.iter().map(|(_, sap)| sap).filter(move |sap| sap.af == af)
    }

    /// Whether the client of an AF has a SAP on it that it has registered, or is registering, and not begun to deregister.
    pub(crate) fn has_sap(&self, af: u32) -> bool {
        self.saps_of(af).any(|sap| matches!(sap.state, SapState::Registering | SapState::Registered))
    }

    /// Whether the call manager still has to complete something for a SAP of an AF. One whose handler runs, or whose completion
    /// does, may think that it has.
    pub(crate) fn has_sap_with_manager(&self, af: u32) -> bool {
        self.owed_sap(af).is_some()
    }

    /// A SAP of an AF for which [`World::has_sap_with_manager`] holds.
    pub(crate) fn owed_sap(&self, af: u32) -> Option<SapId> {
        self.saps_of(af).find(|sap| sap.owed().is_some()).map(|sap| sap.id)
    }

    /// Whether an AF has a SAP at all, be it one that is as good as gone.
    pub(crate) fn carries_saps(&self, af: u32) -> bool {
        self.saps_of(af).next().is_some()
    }

    /// A SAP that keeps a binding from being closed: the client or the call manager there has yet to hear of its
    /// deregistration, which may outlast the AF.
    pub(crate) fn sap_leaving_on(&self, binding: &Binding) -> Option<SapId> {
        let leaving = |sap: &&Sap| {
            sap.state == SapState::Deregistering
                && (self.afs[sap.af].binding == binding.id || self.is_managed_on(sap.af, binding))
        };
        self.saps.iter().map(|(_, sap)| sap).find(leaving).map(|sap| sap.id)
    }

    /// The SAP of a call manager's handle on which it offers a call. None if the offer is refused without a breach,
    /// because the client is deregistering the SAP.
    ///
    /// # Errors
    /// The handle is not one of a SAP that a client of this call manager has registered or is registering
    /// (`call-incoming-sap-registered`), or it is dead (`sap-cm-dereg-handle-invalid`, `sap-cm-register-fail-handle-invalid`).
    pub(crate) fn sap_to_offer_on(
        &self,
        cx: &Context<'_>,
        handle: HandleArg,
    ) -> Result<Option<u32>, Violation> {
        let manager = cx.caller();
        let unfit = |object, offence| violation(Rule::CallIncomingSapRegistered, manager, object, offence);
        let slot =
            self.own_sap(manager, handle, HandleKind::CallManagerSap).map_err(|stray| match stray {
                Stray::Null => unfit(Object::Driver(manager), "the handle is NULL"),
                Stray::Forgotten => self.forgotten_sap(manager),
                Stray::Foreign(object, offence) => unfit(object, offence),
            })?;
        let sap = &self.saps[slot];
        let fail = |rule, offence| Err(violation(rule, manager, sap.object(), offence));
        match sap.state {
            SapState::Registering | SapState::Registered => {
                Ok(Some(slot).filter(|_| self.afs[sap.af].is_open()))
            }
            SapState::Deregistering => Ok(None),
            SapState::Dead if sap.manager_done => {
                fail(Rule::SapCmDeregHandleInvalid, "a call was offered on a SAP that is deregistered")
            }
            SapState::Failed if sap.manager_done => fail(
                Rule::SapCmRegisterFailHandleInvalid,
                "a call was offered on a SAP whose registration failed",
            ),
            SapState::Dead | SapState::Failed => Ok(None),
        }
    }

    pub(crate) fn sap_views(&self, views: &mut Vec<View>) {
        for (_, sap) in self.saps.iter() {
            views.push(View {
                object: sap.object(),
                state: sap_state_name(sap.state),
                parent: Some(Object::Af(self.afs[sap.af].id)),
                holders: alloc::vec![
                    Holder {
                        role: "client",
                        driver: sap.client,
                        handle: Some(sap.id.0),
                        context: sap.client_context,
                    },
                    Holder {
                        role: "call manager",
                        driver: sap.manager,
                        handle: Some(sap.manager_handle()),
                        context: sap.manager_context,
                    },
                ],
                about: Some(sap.specification.into()),
                flags: set_flags([
                    (sap.register.is_pending(), "registration pending"),
                    (sap.deregister.is_some_and(Phase::is_pending), "deregistration pending"),
                ]),
            });
        }
    }
}
