//! Area `vc`: virtual connections (VCs).
//!
//! ```text
//!  Creating -> Inactive <-> Activating -> Active <-> Reactivating
//!                  ^                         |
//!                  `----- Deactivating <-----'        Inactive -> Deleting -> Deleted
//! ```
//! A VC belongs to the client and the call manager of an address family, or, as one for signalling, to a stand-alone call
//! manager alone. Below a stand-alone call manager the miniport has its part in it, too. Whoever created a VC deletes it.
//! The call on it is area `call`.

mod activate;
mod create;
mod delete;
mod name;

use crate::binding::Binding;
use crate::block::{CallParameters, Name};
use crate::call::Call;
use crate::phase::Request;
use crate::view::{Holder, View, set_flags};
use crate::{
    AdapterId, BindingId, Callback, Context, Debt, DriverId, Handle, HandleArg, HandleKind, Job, Object,
    OpId, OutParameter, Reply, Side, Step, Stepped, Token, VcId, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Rule, Status};

/// One VC, with the call on it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Vc {
    pub(crate) id: VcId,
    /// Who created it and deletes it.
    pub(crate) creator: Side,
    /// Its client; none for a VC that a call manager made for itself.
    pub(crate) client: Option<DriverId>,
    pub(crate) manager: DriverId,
    pub(crate) adapter: AdapterId,
    /// The place of its AF; none as for the client.
    pub(crate) af: Option<u32>,
    /// The call manager's binding; none for an MCM.
    binding: Option<BindingId>,
    pub(crate) client_context: Token,
    pub(crate) manager_context: Token,
    miniport_context: Token,
    state: VcState,
    /// `MiniportCoActivateVc`.
    activation: Request,
    /// `MiniportCoDeactivateVc`.
    deactivation: Request,
    /// What the call manager asked for last, as a digest, and when.
    asked: u64,
    /// The parameters in force, as a digest; none while inactive.
    pub(crate) in_force: Option<u64>,
    /// What the call manager had asked for when those came into force.
    pub(crate) asked_in_force: u64,
    /// Whether it was ever deactivated.
    was_active: bool,
    /// Whether the side that did not create it has let go of it.
    peer_done: bool,
    /// Whether its client was refused to delete it, because it was still active.
    pub(crate) delete_refused: bool,
    /// The index that makes its name, if it was given one.
    name: Option<u32>,
    /// How many handlers and stores are under way that know it by its place.
    running: u32,
    pub(crate) call: Call,
    /// The places of its parties, and how many there are.
    pub(crate) parties: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum VcState {
    Creating,
    Inactive,
    Activating,
    Active,
    Reactivating,
    Deactivating,
    Deleting,
    Deleted,
}

/// What waits for a handler of this area, or for a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    /// `ProtocolCoCreateVc` runs.
    CreatePeer(u32),
    MiniportCreate(u32),
    /// `ProtocolCoDeleteVc` runs, because the miniport did not want the VC; its status is the result.
    UndoPeer(u32, Status),
    /// The creator's handle is being stored.
    PublishVc(u32),
    /// `ProtocolCoDeleteVc` runs.
    DeletePeer(u32),
    MiniportDelete(u32),
    /// `MiniportCoActivateVc` runs, for which round.
    Activate(u32, u32),
    Deactivate(u32, u32),
    /// `ProtocolCmActivateVcComplete` runs.
    ReportActivation(u32),
    ReportDeactivation(u32),
    /// Changed call parameters are being stored; the call then returns the status.
    PublishParameters(u32, Status),
    /// A name or an identifier is being stored, likewise.
    PublishName(Status),
}

const fn vc_state_name(state: VcState) -> &'static str {
    match state {
        VcState::Creating => "creating",
        VcState::Inactive => "inactive",
        VcState::Activating => "activating",
        VcState::Active => "active",
        VcState::Reactivating => "reactivating",
        VcState::Deactivating => "deactivating",
        VcState::Deleting => "deleting",
        VcState::Deleted => "deleted",
    }
}

/// What an MCM has asked for on a VC and NDIS has pended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct McmPended {
    vc: VcId,
    /// Those of an activation; none for a deactivation.
    parameters: Option<CallParameters>,
}

/// A name that a VC of an adapter has: for `NdisCoAssignInstanceName`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct VcName {
    vc: VcId,
    adapter: AdapterId,
    base: Name,
    index: u32,
}

impl Vc {
    pub(crate) fn object(&self) -> Object {
        Object::Vc(self.id)
    }

    /// The handle that one of its drivers has.
    pub(crate) fn handle(&self, kind: HandleKind) -> Handle {
        self.id.0.of(kind)
    }

    /// Whether the call manager is an MCM, so that no miniport handler has a part in it.
    pub(crate) fn is_of_mcm(&self) -> bool {
        self.binding.is_none()
    }

    /// Whether data may move.
    pub(crate) fn is_active(&self) -> bool {
        match self.state {
            VcState::Active | VcState::Reactivating => true,
            VcState::Creating
            | VcState::Inactive
            | VcState::Activating
            | VcState::Deactivating
            | VcState::Deleting
            | VcState::Deleted => false,
        }
    }

    pub(crate) fn is_inactive(&self) -> bool {
        self.state == VcState::Inactive
    }

    /// Whether an activation, the first or another, is with the miniport.
    pub(crate) fn is_activating(&self) -> bool {
        matches!(self.state, VcState::Activating | VcState::Reactivating)
    }

    /// Whether NDIS has pended an MCM's report of these parameters: the MCM has put them into force already.
    pub(crate) fn is_reported(&self, parameters: u64) -> bool {
        self.is_of_mcm() && self.is_activating() && self.asked == parameters
    }

    pub(crate) fn is_deactivating(&self) -> bool {
        self.state == VcState::Deactivating
    }

    /// Whether someone still holds it.
    fn is_alive(&self) -> bool {
        self.state != VcState::Deleted
    }

    /// Whether the miniport owes something on it; for a VC of an MCM, NDIS does.
    pub(crate) fn is_with_miniport(&self) -> bool {
        self.is_activating() || self.is_deactivating()
    }
}

impl World {
    /// The only writer of a VC's state.
    fn set_vc(&mut self, cx: &mut Context<'_>, slot: u32, next: VcState) {
        let this = &mut self.vcs[slot];
        cx.edge(Object::Vc(this.id), vc_state_name(this.state), vc_state_name(next));
        this.state = next;
        if next == VcState::Inactive {
            this.in_force = None;
            this.call.unstale();
        }
    }

    /// The protocol that did not create a VC, which has two sides.
    fn peer_of(&self, slot: u32) -> DriverId {
        let vc = &self.vcs[slot];
        match vc.creator {
            Side::Client => vc.manager,
            Side::CallManager => vc.client.expect("a call manager's VC without a client has no other side"),
        }
    }

    /// Runs `handler` of `driver` with a context of the VC.
    pub(crate) fn invoke_on_vc(
        &mut self,
        op: crate::Op,
        slot: u32,
        driver: DriverId,
        callback: Callback,
    ) -> Step {
        self.vcs[slot].running += 1;
        self.invoke(op, driver, callback)
    }

    /// Runs `handler` of `driver` with a context of the VC, as the next thing of an operation or the first of a new one.
    pub(crate) fn go_on_on_vc(
        &mut self,
        id: Option<OpId>,
        op: crate::Op,
        slot: u32,
        driver: DriverId,
        callback: Callback,
    ) -> Step {
        let Some(id) = id else {
            return self.invoke_on_vc(op, slot, driver, callback);
        };
        self.vcs[slot].running += 1;
        self.ops.go_on(id, op);
        Step::Invoke(id, driver, callback)
    }

    /// Whether no handler and no store is under way that knows the VC by its place.
    pub(crate) fn is_vc_quiet(&self, slot: u32) -> bool {
        self.vcs[slot].running == 0
    }

    /// Goes on with an operation by storing something for its caller.
    pub(crate) fn publish_on_vc(&mut self, id: OpId, op: crate::Op, slot: u32, what: OutParameter) -> Step {
        self.vcs[slot].running += 1;
        self.ops.go_on(id, op);
        Step::Publish(id, what)
    }

    /// Ends a call with its status, after storing the call parameters if the other side has changed them.
    pub(crate) fn finish_with_parameters(
        &mut self,
        id: OpId,
        slot: u32,
        given: u64,
        left: CallParameters,
        status: Status,
    ) -> Step {
        if left.is_null() || left.digest() == given && !left.is_marked_changed() {
            return self.finish(id, status);
        }
        let op = crate::Op::Vc(Op::PublishParameters(slot, status));
        self.publish_on_vc(id, op, slot, OutParameter::CallParameters(left))
    }

    /// One handler or store less knows the VC by its place.
    pub(crate) fn left_vc(&mut self, slot: u32) {
        self.vcs[slot].running -= 1;
        self.remove_vc_if_over(slot);
    }

    fn remove_vc_if_over(&mut self, slot: u32) {
        let vc = &self.vcs[slot];
        if vc.state != VcState::Deleted || vc.running > 0 {
            return;
        }
        let af = vc.af;
        let parties = core::mem::take(&mut self.vcs[slot].parties);
        for party in parties {
            self.parties.remove(party);
        }
        self.vcs.remove(slot);
        if let Some(af) = af {
            self.af_forgot_vc(af);
        }
    }

    /// The VC that a handle stands for, whatever its state, for a driver that has one of the kinds.
    ///
    /// # Errors
    /// `vc-handle-opaque`: none of NDIS's values, or not the caller's. `vc-delete-handle-dead` and
    /// `vc-delete-callback-handle-dead`: the VC is gone for the caller.
    fn vc_of(&self, cx: &Context<'_>, handle: HandleArg) -> Result<(u32, HandleKind), Violation> {
        let driver = cx.caller();
        let fail = |rule, offence| Err(violation(rule, driver, Object::Driver(driver), offence));
        let opaque = Rule::VcHandleOpaque;
        let handle = match handle {
            HandleArg::Known(handle) => handle,
            HandleArg::Null => return fail(opaque, "the VC handle is NULL"),
            HandleArg::Unknown(_) => return fail(opaque, "NDIS never gave out this value"),
        };
        let kinds = [HandleKind::ClientVc, HandleKind::CallManagerVc, HandleKind::MiniportVc];
        if !kinds.contains(&handle.kind) {
            return fail(opaque, "the handle is not that of a VC");
        }
        let vc = &self.vcs[handle.slot];
        if vc.handle(handle.kind) != handle {
            return fail(Rule::VcDeleteHandleDead, "the VC was deleted long ago");
        }
        let owner = match handle.kind {
            HandleKind::ClientVc => vc.client,
            HandleKind::CallManagerVc => Some(vc.manager),
            _ => Some(self.miniport_of(vc.adapter).0),
        };
        if owner != Some(driver) {
            return Err(violation(opaque, driver, vc.object(), "the handle is another driver's"));
        }
        let created = match handle.kind {
            HandleKind::ClientVc => vc.creator == Side::Client,
            HandleKind::CallManagerVc => vc.creator == Side::CallManager,
            _ => true,
        };
        if !created && (vc.peer_done || !vc.is_alive()) {
            let offence = "ProtocolCoDeleteVc has returned success for the VC";
            return Err(violation(Rule::VcDeleteCallbackHandleDead, driver, vc.object(), offence));
        }
        if !vc.is_alive() || created && handle.kind != HandleKind::MiniportVc && vc.state == VcState::Deleting
        {
            return Err(violation(Rule::VcDeleteHandleDead, driver, vc.object(), "the VC was deleted"));
        }
        Ok((handle.slot, handle.kind))
    }

    /// The VC of a client's handle, on which the client may act.
    ///
    /// # Errors
    /// As for `vc_of`, and `call-close-cm-vc-handle-dead` when its call on a call manager's VC is closed.
    pub(crate) fn client_vc(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let (slot, kind) = self.vc_of(cx, handle)?;
        if kind != HandleKind::ClientVc {
            let offence = "this is not the client's handle for the VC";
            return Err(violation(Rule::VcHandleOpaque, cx.caller(), self.vcs[slot].object(), offence));
        }
        self.check_not_dormant(cx, slot)?;
        Ok(slot)
    }

    /// The VC of a client's handle, also for the answer that it may owe to an offer of a call that is closed.
    pub(crate) fn answered_vc(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let (slot, kind) = self.vc_of(cx, handle)?;
        if kind != HandleKind::ClientVc {
            let offence = "this is not the client's handle for the VC";
            return Err(violation(Rule::VcHandleOpaque, cx.caller(), self.vcs[slot].object(), offence));
        }
        Ok(slot)
    }

    /// The VC of a call manager's handle.
    pub(crate) fn manager_vc(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let (slot, kind) = self.vc_of(cx, handle)?;
        if kind != HandleKind::CallManagerVc {
            let offence = "this is not the call manager's handle for the VC";
            return Err(violation(Rule::VcHandleOpaque, cx.caller(), self.vcs[slot].object(), offence));
        }
        Ok(slot)
    }

    /// `NdisClMakeCall` and the dispatch of an incoming call need a VC that exists: the handle's variable may still be NULL.
    pub(crate) fn check_vc_created(cx: &Context<'_>, handle: HandleArg, rule: Rule) -> Result<(), Violation> {
        if handle == HandleArg::Null {
            let driver = cx.caller();
            return Err(violation(
                rule,
                driver,
                Object::Driver(driver),
                "no VC has been created: the handle is NULL",
            ));
        }
        Ok(())
    }

    pub(crate) fn vc_resumed(&mut self, cx: &mut Context<'_>, id: OpId, op: Op) -> Stepped {
        match op {
            Op::PublishVc(slot) => {
                self.set_vc(cx, slot, VcState::Inactive);
                self.left_vc(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::PublishParameters(slot, status) => {
                self.left_vc(slot);
                Ok(self.finish(id, status))
            }
            Op::PublishName(status) => Ok(self.finish(id, status)),
            Op::CreatePeer(_)
            | Op::MiniportCreate(_)
            | Op::UndoPeer(..)
            | Op::DeletePeer(_)
            | Op::MiniportDelete(_)
            | Op::Activate(..)
            | Op::Deactivate(..)
            | Op::ReportActivation(_)
            | Op::ReportDeactivation(_) => unreachable!("a handler returns, it does not resume"),
        }
    }

    pub(crate) fn vc_returned(&mut self, cx: &mut Context<'_>, id: OpId, op: Op, reply: Reply) -> Stepped {
        let slot = match op {
            Op::CreatePeer(slot)
            | Op::MiniportCreate(slot)
            | Op::UndoPeer(slot, _)
            | Op::DeletePeer(slot)
            | Op::MiniportDelete(slot)
            | Op::Activate(slot, _)
            | Op::Deactivate(slot, _)
            | Op::ReportActivation(slot)
            | Op::ReportDeactivation(slot) => slot,
            Op::PublishVc(_) | Op::PublishParameters(..) | Op::PublishName(_) => {
                unreachable!("a store resumes, it does not return")
            }
        };
        let step = match op {
            Op::CreatePeer(slot) => self.peer_created(cx, id, slot, reply),
            Op::MiniportCreate(slot) => self.miniport_created(cx, id, slot, reply),
            Op::UndoPeer(slot, refusal) => self.peer_undone(cx, id, slot, refusal, reply.status),
            Op::DeletePeer(slot) => self.peer_deleted(cx, id, slot, reply.status),
            Op::MiniportDelete(slot) => self.miniport_deleted(cx, id, slot, reply.status),
            Op::Activate(slot, round) => self.activate_returned(cx, id, slot, round, reply),
            Op::Deactivate(slot, round) => self.deactivate_returned(cx, id, slot, round, reply.status),
            Op::ReportActivation(_)
            | Op::ReportDeactivation(_)
            | Op::PublishVc(_)
            | Op::PublishParameters(..)
            | Op::PublishName(_) => Ok(self.finish(id, Status::SUCCESS)),
        }?;
        self.left_vc(slot);
        Ok(step)
    }

    /// Whether a handler of this area runs with a context that belongs to the binding.
    pub(crate) fn vc_handler_runs_on(&self, op: Op, binding: &Binding) -> bool {
        match op {
            Op::CreatePeer(slot) | Op::UndoPeer(slot, _) | Op::DeletePeer(slot) => {
                let side = match self.vcs[slot].creator {
                    Side::Client => Side::CallManager,
                    Side::CallManager => Side::Client,
                };
                self.is_vc_on(slot, side, binding)
            }
            Op::ReportActivation(slot) | Op::ReportDeactivation(slot) => {
                self.is_vc_on(slot, Side::CallManager, binding)
            }
            Op::PublishVc(_)
            | Op::MiniportCreate(_)
            | Op::MiniportDelete(_)
            | Op::Activate(..)
            | Op::Deactivate(..)
            | Op::PublishParameters(..)
            | Op::PublishName(_) => false,
        }
    }

    /// Whether a handler of this area runs in the miniport or the MCM of the adapter.
    pub(crate) fn vc_handler_runs_in(&self, op: Op, adapter: AdapterId) -> bool {
        match op {
            Op::CreatePeer(slot) | Op::UndoPeer(slot, _) | Op::DeletePeer(slot) => {
                self.vcs[slot].creator == Side::Client && self.is_vc_in_mcm(slot, adapter)
            }
            Op::ReportActivation(slot) | Op::ReportDeactivation(slot) => self.is_vc_in_mcm(slot, adapter),
            Op::MiniportCreate(slot)
            | Op::MiniportDelete(slot)
            | Op::Activate(slot, _)
            | Op::Deactivate(slot, _) => self.vcs[slot].adapter == adapter,
            Op::PublishVc(_) | Op::PublishParameters(..) | Op::PublishName(_) => false,
        }
    }

    /// Whether one side of a VC stands on a binding.
    pub(crate) fn is_vc_on(&self, slot: u32, side: Side, binding: &Binding) -> bool {
        let vc = &self.vcs[slot];
        match side {
            Side::Client => vc.af.is_some_and(|af| self.is_af_of(af, binding.id)),
            Side::CallManager => vc.binding == Some(binding.id),
        }
    }

    /// Whether the MCM of an adapter is the call manager of a VC.
    pub(crate) fn is_vc_in_mcm(&self, slot: u32, adapter: AdapterId) -> bool {
        let vc = &self.vcs[slot];
        vc.is_of_mcm() && vc.adapter == adapter
    }

    /// The places of the VCs on an AF.
    pub(crate) fn vcs_of(&self, af: u32) -> impl Iterator<Item = u32> + '_ {
        self.vcs.iter().filter(move |(_, vc)| vc.af == Some(af) && vc.is_alive()).map(|(slot, _)| slot)
    }

    /// Whether its client created a VC and has left a call on it.
    pub(crate) fn is_own_call_left(&self, slot: u32) -> bool {
        let vc = &self.vcs[slot];
        vc.creator == Side::Client && vc.call.is_outstanding()
    }

    /// Whether its client created a VC and has not tried to delete it.
    pub(crate) fn is_own_vc_left(&self, slot: u32) -> bool {
        let vc = &self.vcs[slot];
        vc.creator == Side::Client && !vc.delete_refused
    }

    /// A VC that a driver made, for itself or for its clients, with the binding as its own.
    pub(crate) fn vc_made_on(&self, binding: &Binding) -> Option<VcId> {
        let made = |vc: &Vc| vc.creator == Side::CallManager && vc.binding == Some(binding.id);
        self.vcs.iter().find(|(_, vc)| vc.is_alive() && made(vc)).map(|(_, vc)| vc.id)
    }

    /// A VC on an adapter of which a miniport, or an MCM, has its part.
    pub(crate) fn vc_below(&self, adapter: AdapterId) -> Option<VcId> {
        self.vcs.iter().find(|(_, vc)| vc.is_alive() && vc.adapter == adapter).map(|(_, vc)| vc.id)
    }

    pub(crate) fn vc_jobs(&self, jobs: &mut Vec<Job>) {
        jobs.extend(self.mcm_pended.iter().map(|pended| Job::McmVcComplete(pended.vc)));
    }

    pub(crate) fn vc_debts(&self, debts: &mut Vec<Debt>) {
        for (slot, vc) in self.vcs.iter() {
            let object = vc.object();
            let miniport = self.miniport_of(vc.adapter).0;
            let mut owe = |by, rule| debts.push(Debt { by, rule, object, waits_for: None });
            if vc.is_activating() && vc.activation.is_pending() {
                owe(miniport, Rule::VcMiniportActivateCompleteRequired);
            }
            if vc.is_deactivating() && vc.deactivation.is_pending() {
                owe(miniport, Rule::VcMiniportDeactivateCompleteRequired);
            }
            let is_over =
                vc.is_inactive() && !vc.call.is_outstanding() && vc.call.leaves_deletion_to(vc.creator);
            if is_over && self.is_vc_unwanted(slot) && !vc.delete_refused {
                let by = match (vc.creator, vc.client) {
                    (Side::Client, Some(client)) => client,
                    (Side::CallManager, _) | (Side::Client, None) => vc.manager,
                };
                owe(by, Rule::VcDeleteUnused);
            }
        }
    }

    /// Whether what a VC belongs to is to go, so that its creator must delete it.
    pub(crate) fn is_vc_unwanted(&self, slot: u32) -> bool {
        let vc = &self.vcs[slot];
        let by_client = vc.af.is_some_and(|af| self.is_af_unwanted(af));
        by_client || vc.binding.is_some_and(|binding| self.bindings[binding.0.slot].is_closing())
    }

    /// What stands in the way of the end of an AF: an object on which somebody owes something.
    pub(crate) fn vc_in_the_way(&self, af: u32) -> Option<Object> {
        // What waits for a VC waits for all that is owed there.
        let with_manager = self.vcs_of(af).find_map(|vc| self.with_manager_on(vc));
        with_manager.or_else(|| self.vcs_of(af).next().map(|vc| self.vcs[vc].object()))
    }

    pub(crate) fn vc_views(&self, views: &mut Vec<View>) {
        for (slot, vc) in self.vcs.iter() {
            let holder =
                |role, driver, kind, context| Holder { role, driver, handle: Some(vc.handle(kind)), context };
            let mut holders = Vec::new();
            if let Some(client) = vc.client {
                holders.push(holder("client", client, HandleKind::ClientVc, vc.client_context));
            }
            holders.push(holder("call manager", vc.manager, HandleKind::CallManagerVc, vc.manager_context));
            if !vc.is_of_mcm() {
                let miniport = self.miniport_of(vc.adapter).0;
                holders.push(holder("miniport", miniport, HandleKind::MiniportVc, vc.miniport_context));
            }
            views.push(View {
                object: vc.object(),
                state: vc_state_name(vc.state),
                parent: Some(match (vc.af, vc.binding) {
                    (Some(af), _) => Object::Af(self.afs[af].id),
                    (None, Some(binding)) => Object::Binding(binding),
                    (None, None) => Object::Adapter(vc.adapter),
                }),
                holders,
                about: None,
                flags: set_flags([
                    (vc.creator == Side::Client, "created by the client"),
                    (vc.creator == Side::CallManager, "created by the call manager"),
                    (vc.activation.is_pending(), "activation pending"),
                    (vc.deactivation.is_pending(), "deactivation pending"),
                    (vc.delete_refused, "deletion was refused"),
                    (vc.name.is_some(), "named"),
                ]),
            });
            self.call_views(slot, views);
            self.party_views(slot, views);
        }
    }
}
