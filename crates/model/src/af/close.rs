//! A client closes an address family, and what a binding or an adapter that goes away asks of those on it.

use super::{Af, AfState, Op, Report};
use crate::binding::Binding;
use crate::phase::{Phase, Verdict};
use crate::{
    AdapterId, Callback, Context, DriverId, HandleArg, Object, OpId, RegistrationId, Step, Stepped,
    Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Rule, Status};

impl World {
    pub(crate) fn close_af(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let slot = self.client_af(cx, handle)?;
        let af = &self.afs[slot];
        let (client, object) = (af.client, af.object());
        let fail = |rule, offence| Err(violation(rule, client, object, offence));
        match (af.state, af.report) {
            (AfState::Opening, _) | (AfState::Open, Report::Due | Report::Queued(_)) => {
                fail(Rule::AfHandleWindowClient, "the AF was closed before its open was reported")
            }
            (AfState::Open, Report::Telling | Report::Told) => {
                if self.has_leftovers(cx, slot) {
                    self.afs[slot].close_refused = true;
                    return Ok(Step::Return(Status::FAILURE));
                }
                self.set_af(cx, slot, AfState::Closing);
                let af = &mut self.afs[slot];
                (af.close, af.refused) = (Some(Phase::Calling), false);
                let callback = Callback::CmCloseAf { af_context: af.manager_context };
                let manager = af.manager;
                Ok(self.invoke(crate::Op::Af(Op::CmCloseAf(slot)), manager, callback))
            }
            (AfState::Closing, _) => {
                cx.warn(Rule::AfCloseOnce, client, object, "the AF is closing already");
                Ok(Step::Return(Status::FAILURE))
            }
            (AfState::Closed, _) => fail(Rule::AfCloseHandleInvalid, "the AF is closed"),
            (AfState::Failed, _) => fail(Rule::AfOpenFailedNoHandle, "the open of the AF failed"),
        }
    }

    /// Whether a client that closes an AF has left something on it, so that NDIS refuses (af-q-leftovers-at-close): a SAP, a
    /// VC of its own, or a call that it was offered. What it could not help is not held against it.
    fn has_leftovers(&self, cx: &mut Context<'_>, slot: u32) -> bool {
        let af = &self.afs[slot];
        let left = if self.has_sap(slot) {
            Some((Rule::AfCloseDrainFirst, "a SAP is registered on the AF"))
        } else if af.vcs == 0 {
            return false;
        } else if self.vcs_of(slot).any(|vc| self.count_parties(vc) > 1) {
            Some((Rule::PartyDropBeforeCloseAf, "a multipoint call on the AF has more than one party"))
        } else if self.vcs_of(slot).any(|vc| self.is_own_call_left(vc)) {
            Some((Rule::AfCloseDrainFirst, "a call that the client made on the AF is not closed"))
        } else if self.vcs_of(slot).any(|vc| self.is_own_vc_left(vc)) {
            Some((Rule::VcDeleteBeforeCloseAf, "a VC that the client created on the AF is not deleted"))
        } else {
            None
        };
        if let Some((rule, offence)) = left {
            cx.warn(rule, af.client, af.object(), offence);
            return true;
        }
        // The call manager has yet to deactivate, or has offered a call at this very moment.
        af.own_vcs > 0 || self.vcs_of(slot).any(|vc| self.vcs[vc].call.needs_close())
    }

    pub(super) fn cm_close_af_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        status: Status,
    ) -> Stepped {
        let af = &self.afs[slot];
        let mut phase = af.close.expect("a close is under way");
        let verdict = phase.returned(status).map_err(|misfit| {
            violation(Rule::AfCmCloseCompletePendingOnly, af.manager, af.object(), misfit.offence())
        })?;
        self.afs[slot].close = Some(phase);
        match verdict {
            Verdict::Pended => {
                self.remove_if_over(slot);
                Ok(self.finish(id, Status::PENDING))
            }
            Verdict::Result(Status::SUCCESS) => {
                if self.left_on_af(slot).is_some() {
                    let af = &self.afs[slot];
                    let offence = "ProtocolCmCloseAf succeeded with SAPs or VCs left on the AF";
                    cx.warn(Rule::AfCmCloseBusy, af.manager, af.object(), offence);
                }
                self.closed_af(cx, slot);
                self.manager_done(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Verdict::Result(status) => {
                self.set_af(cx, slot, AfState::Open);
                Ok(self.finish(id, status))
            }
        }
    }

    pub(super) fn closed_af(&mut self, cx: &mut Context<'_>, slot: u32) {
        self.set_af(cx, slot, AfState::Closed);
    }

    /// The call manager's handle is dead; the AF goes when no notification is left.
    pub(super) fn manager_done(&mut self, slot: u32) {
        self.afs[slot].manager_done = true;
        self.remove_if_over(slot);
    }

    /// Frees the AF once nothing will look at it again: neither a handler that runs, nor a job that is still to start, nor
    /// a SAP or a VC.
    pub(crate) fn remove_if_over(&mut self, slot: u32) {
        let af = &self.afs[slot];
        let over = af.manager_done && !af.is_alive() && !af.is_noticed() && af.answering == 0;
        let told = af.report == Report::Told;
        let returned = af.open != Phase::CompletedEarly && af.close != Some(Phase::CompletedEarly);
        if over && told && returned && af.vcs == 0 && !self.carries_saps(slot) {
            self.afs.remove(slot);
        }
    }

    pub(crate) fn close_af_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
    ) -> Stepped {
        let slot = self.manager_af(cx, handle)?;
        let af = &self.afs[slot];
        let fail = |rule, offence| Err(violation(rule, af.manager, af.object(), offence));
        if status != Status::SUCCESS {
            return fail(
                Rule::AfCmCloseCompleteStatus,
                "a close was completed with another status than success",
            );
        }
        let pending_only = Rule::AfCmCloseCompletePendingOnly;
        let mut phase = match (af.state, af.close) {
            (AfState::Failed, _) => {
                return fail(Rule::AfCmOpenFailHandleInvalid, "the open of the AF failed");
            }
            (AfState::Opening | AfState::Open, _) | (_, None) => {
                return fail(pending_only, "the client has not closed the AF");
            }
            (AfState::Closing | AfState::Closed, Some(phase)) => phase,
        };
        if let Err(misfit) = phase.complete() {
            return fail(pending_only, misfit.offence());
        }
        if self.has_sap_with_manager(slot) {
            let offence = "the close was completed with a deregistration of a SAP pending";
            return fail(Rule::AfCmCloseCompleteDrained, offence);
        }
        self.afs[slot].close = Some(phase);
        self.closed_af(cx, slot);
        let af = &self.afs[slot];
        let callback = Callback::ClCloseAfComplete { status, af_context: af.client_context };
        let client = af.client;
        Ok(self.invoke(crate::Op::Af(Op::ReportClose(slot)), client, callback))
    }

    /// `NdisCloseAdapterEx` with address families on the binding. It cannot fail: a close that is let through pends
    /// until they are gone.
    pub(crate) fn check_afs_before_close(&self, cx: &mut Context<'_>, slot: u32) -> Result<(), Violation> {
        let binding = &self.bindings[slot];
        let driver = binding.driver;
        self.check_client_closed(binding, "NdisCloseAdapterEx was called with an address family open")?;
        let closing = |af: &&Af| af.binding == binding.id && af.state == AfState::Closing;
        if let Some(af) = self.afs_on(binding).find(closing) {
            let offence = "NdisCloseAdapterEx was called before the close of an address family was over";
            cx.warn(Rule::AfCloseBeforeCloseadapter, driver, af.object(), offence);
        }
        let mine = |af: &&Af| af.binding != binding.id && !af.is_with_manager();
        let managed: Vec<&Af> = self.afs_on(binding).filter(mine).collect();
        self.check_clients_notified(driver, &managed)?;
        if let Some(af) = managed.first() {
            let offence =
                "NdisCloseAdapterEx was called before the clients had closed their address families";
            return Err(violation(Rule::BindingClosingNoCoObjects, driver, af.object(), offence));
        }
        if let Some(vc) = self.vc_made_on(&self.bindings[slot]) {
            let offence = "NdisCloseAdapterEx was called before the call manager had deleted its VCs";
            return Err(violation(Rule::BindingClosingNoCoObjects, driver, Object::Vc(vc), offence));
        }
        Ok(())
    }

    /// Checks that a call manager which goes away has asked every client to close that had not begun to by itself.
    pub(super) fn check_clients_notified(&self, driver: DriverId, afs: &[&Af]) -> Result<(), Violation> {
        let unasked = |af: &&&Af| af.state == AfState::Open && !af.asked;
        let Some(left_out) = afs.iter().find(unasked) else {
            return Ok(());
        };
        let rule = self.unasked_rule(left_out);
        let offence = if rule == Rule::AfNotifyEachClient {
            "a client was asked to close and this one was not"
        } else {
            "the call manager goes away without asking its client to close"
        };
        Err(violation(rule, driver, left_out.object(), offence))
    }

    /// The rule that a call manager breaks which goes away and does not ask the client of this AF to close.
    pub(super) fn unasked_rule(&self, left_out: &Af) -> Rule {
        let registration = left_out.registration;
        let mut siblings = self.afs.iter().chain(self.afs.iter_removed()).map(|(_, af)| af);
        if siblings.any(|af| af.registration == registration && af.asked) {
            Rule::AfNotifyEachClient
        } else if self.registrations[registration.0.slot].binding.is_some() {
            Rule::AfNotifyBeforeUnbind
        } else {
            Rule::AfNotifyOnHalt
        }
    }

    pub(crate) fn check_afs_after_halt(&self, adapter: AdapterId) -> Result<(), Violation> {
        let (driver, _) = self.miniport_of(adapter);
        let afs: Vec<&Af> = self
            .afs
            .iter()
            .map(|(_, af)| af)
            .filter(|af| {
                let registration = &self.registrations[af.registration.0.slot];
                let of_mcm = registration.adapter == adapter && registration.binding.is_none();
                af.is_alive() && of_mcm && !af.is_with_manager()
            })
            .collect();
        self.check_clients_notified(driver, &afs)?;
        if let Some(af) = afs.first() {
            let offence = "MiniportHaltEx returned before the clients had closed their address families";
            return Err(violation(Rule::BindingClosingNoCoObjects, driver, af.object(), offence));
        }
        if let Some(vc) = self.vc_below(adapter) {
            let offence = "MiniportHaltEx returned before the MCM had deleted its VCs";
            return Err(violation(Rule::BindingClosingNoCoObjects, driver, Object::Vc(vc), offence));
        }
        Ok(())
    }

    /// The AFs that a binding's driver holds on it, as client or as call manager.
    pub(super) fn afs_on<'a>(&'a self, binding: &'a Binding) -> impl Iterator<Item = &'a Af> {
        self.afs.iter().map(|(_, af)| af).filter(move |af| {
            af.is_alive() && (af.binding == binding.id || self.is_registered_on(af.registration, binding))
        })
    }

    /// Whether an AF keeps a binding from being closed.
    pub(crate) fn carries_afs(&self, binding: &Binding) -> bool {
        self.afs_on(binding).next().is_some()
    }

    /// Whether a call manager on the binding has notifications out that are not answered yet.
    pub(crate) fn awaits_notifications(&self, binding: &Binding) -> bool {
        self.afs_noticed_on(binding).next().is_some()
    }

    /// The AFs whose clients a call manager on the binding has asked to close, without an answer yet.
    fn afs_noticed_on<'a>(&'a self, binding: &'a Binding) -> impl Iterator<Item = &'a Af> {
        self.afs
            .iter()
            .map(|(_, af)| af)
            .filter(|af| af.is_noticed() && self.is_registered_on(af.registration, binding))
    }

    fn is_registered_on(&self, registration: RegistrationId, binding: &Binding) -> bool {
        let holder = self.registrations.get(registration.0.slot);
        holder.is_some_and(|holder| holder.id == registration && holder.binding == Some(binding.id))
    }

    /// What keeps a binding from being closed: an AF that lives, or a call manager's notification of it that is not over;
    /// what keeps the client from closing that AF; a SAP that outlasts its AF; or a VC that the call manager made.
    pub(crate) fn in_the_way(&self, binding: &Binding) -> Option<Object> {
        let Some(af) = self.afs_on(binding).chain(self.afs_noticed_on(binding)).next() else {
            let sap = self.sap_leaving_on(binding).map(Object::Sap);
            return sap.or_else(|| self.vc_made_on(binding).map(Object::Vc));
        };
        let left = Some(af.id.0.slot).filter(|_| af.is_open()).and_then(|slot| self.left_on_af(slot));
        Some(left.unwrap_or(af.object()))
    }

    /// Checks that the client of a binding which goes away has closed, or begun to close, every AF that it has there.
    pub(crate) fn check_client_closed(
        &self,
        binding: &Binding,
        offence: &'static str,
    ) -> Result<(), Violation> {
        for (_, af) in self.afs.iter().filter(|(_, af)| af.binding == binding.id) {
            match (af.state, af.report) {
                // An open that has failed pends for the client until it hears of that.
                (AfState::Opening | AfState::Open, _)
                | (AfState::Failed, Report::Due | Report::Queued(_)) => {
                    return Err(violation(Rule::AfCloseOnUnbind, binding.driver, af.object(), offence));
                }
                (AfState::Closing | AfState::Closed, _)
                | (AfState::Failed, Report::Telling | Report::Told) => {}
            }
        }
        Ok(())
    }
}
