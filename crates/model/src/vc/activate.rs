//! A call manager activates a VC, changes its parameters, and deactivates it.
//!
//! Below a stand-alone call manager the miniport does it and may pend. An MCM does it itself and tells NDIS, which calls
//! nobody, or pends and calls back on a task of its own (vc-q-mcm-complete-callbacks).

use super::{McmPended, Op, VcState};
use crate::block::{CallParameters, ROUND_DOWN_FLOW, ROUND_UP_FLOW};
use crate::phase::Verdict;
use crate::{
    Callback, Context, HandleArg, HandleKind, OpId, Reply, Step, Stepped, VcId, Violation, World, violation,
};
use contract::{Rule, Status};

/// What completes when nothing does.
const NOTHING_PENDS: &str = "nothing of the kind is outstanding on the VC";

impl World {
    /// The VC that a call manager may activate or deactivate with this form of the functions.
    fn vc_to_activate(&self, cx: &Context<'_>, handle: HandleArg, as_mcm: bool) -> Result<u32, Violation> {
        let driver = cx.caller();
        let role = if as_mcm { Rule::VcActivateRoleMcm } else { Rule::VcActivateRoleCm };
        let (slot, kind) = self.vc_of(cx, handle).map_err(|found| match found.rule {
            Rule::VcHandleOpaque => Violation { rule: Rule::VcActivateOwnHandle, ..found },
            _ => found,
        })?;
        let vc = &self.vcs[slot];
        let fail = |rule, offence| Err(violation(rule, driver, vc.object(), offence));
        if kind != HandleKind::CallManagerVc {
            return fail(role, "the caller is not the call manager of the VC");
        }
        if as_mcm != vc.is_of_mcm() {
            return fail(role, "the function is for the other kind of call manager");
        }
        if vc.state == VcState::Creating {
            return fail(Rule::VcActivateOwnHandle, "the VC is still being created");
        }
        Ok(slot)
    }

    pub(crate) fn activate_vc(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        parameters: CallParameters,
        as_mcm: bool,
    ) -> Stepped {
        let slot = self.vc_to_activate(cx, handle, as_mcm)?;
        let vc = &self.vcs[slot];
        if parameters.is_null() {
            let offence = "the VC is activated without call parameters";
            let rule = Rule::VcDeactivatedNeedsNewParams;
            return Err(violation(rule, vc.manager, vc.object(), offence));
        }
        let next = match vc.state {
            VcState::Inactive => VcState::Activating,
            VcState::Active => VcState::Reactivating,
            VcState::Activating | VcState::Reactivating | VcState::Deactivating => {
                self.warn_overlap(cx, slot);
                return Ok(Step::Return(Status::FAILURE));
            }
            // Its creator deletes it at this moment.
            VcState::Deleting => return Ok(Step::Return(Status::FAILURE)),
            VcState::Creating | VcState::Deleted => unreachable!("no handle of it is valid then"),
        };
        let digest = parameters.digest();
        self.vcs[slot].asked = digest;
        if as_mcm && self.config.pend_mcm {
            self.set_vc(cx, slot, next);
            return Ok(self.pend_for_mcm(slot, Some(parameters)));
        }
        if as_mcm {
            if next == VcState::Activating {
                self.set_vc(cx, slot, VcState::Active);
            }
            self.parameters_hold(slot, digest);
            return Ok(Step::Return(Status::SUCCESS));
        }
        self.set_vc(cx, slot, next);
        let vc = &mut self.vcs[slot];
        let round = vc.activation.begin();
        let callback = Callback::MiniportCoActivateVc { vc_context: vc.miniport_context, parameters };
        let miniport = self.miniport_of(self.vcs[slot].adapter).0;
        Ok(self.invoke_on_vc(crate::Op::Vc(Op::Activate(slot, round)), slot, miniport, callback))
    }

    /// An MCM's request gets its result later, from [`World::mcm_vc_complete`].
    fn pend_for_mcm(&mut self, slot: u32, parameters: Option<CallParameters>) -> Step {
        self.mcm_pended.push(McmPended { vc: self.vcs[slot].id, parameters });
        Step::Return(Status::PENDING)
    }

    /// What an MCM had asked for succeeds: it did the work itself.
    pub(crate) fn mcm_vc_complete(&mut self, cx: &mut Context<'_>, vc: VcId) -> Step {
        let at = self.mcm_pended.iter().position(|pended| pended.vc == vc);
        let pended = self.mcm_pended.remove(at.expect("only what is pended is a job"));
        let slot = vc.0.slot;
        match pended.parameters {
            Some(parameters) => {
                self.activated(cx, slot, Status::SUCCESS, parameters);
                self.report_activation(slot, Status::SUCCESS, parameters)
            }
            None => {
                self.deactivated(cx, slot, Status::SUCCESS);
                self.report_deactivation(slot, Status::SUCCESS)
            }
        }
    }

    fn warn_overlap(&self, cx: &mut Context<'_>, slot: u32) {
        let vc = &self.vcs[slot];
        let offence = "an activation or deactivation of the VC is still pending";
        cx.warn(Rule::VcActivateNoOverlap, vc.manager, vc.object(), offence);
    }

    fn parameters_hold(&mut self, slot: u32, digest: u64) {
        let vc = &mut self.vcs[slot];
        vc.in_force = Some(digest);
        vc.asked_in_force = vc.asked;
        vc.was_active = true;
        vc.call.activated();
    }

    /// The miniport may only round what it was given, and only if it was told to: `vc-miniport-round-only-with-flag`.
    fn check_rounding(&self, cx: &mut Context<'_>, slot: u32, left: CallParameters) {
        let vc = &self.vcs[slot];
        let may_round = left.media_flags & (ROUND_UP_FLOW | ROUND_DOWN_FLOW) != 0;
        if !left.is_null() && left.digest() != vc.asked && !may_round {
            let miniport = self.miniport_of(vc.adapter).0;
            let offence = "the miniport changed call parameters with no ROUND_UP_FLOW or ROUND_DOWN_FLOW set";
            cx.warn(Rule::VcMiniportRoundOnlyWithFlag, miniport, vc.object(), offence);
        }
    }

    /// The activation has a result.
    fn activated(&mut self, cx: &mut Context<'_>, slot: u32, status: Status, left: CallParameters) {
        let first = self.vcs[slot].state == VcState::Activating;
        if status == Status::SUCCESS {
            self.check_rounding(cx, slot, left);
            self.set_vc(cx, slot, VcState::Active);
            let digest = if left.is_null() { self.vcs[slot].asked } else { left.digest() };
            self.parameters_hold(slot, digest);
        } else {
            self.set_vc(cx, slot, if first { VcState::Inactive } else { VcState::Active });
        }
    }

    pub(super) fn activate_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        round: u32,
        reply: Reply,
    ) -> Stepped {
        let verdict = self.vcs[slot].activation.returned(round, reply.status).map_err(|misfit| {
            let vc = &self.vcs[slot];
            let miniport = self.miniport_of(vc.adapter).0;
            let rule = Rule::VcMiniportActivateCompleteOnlyPended;
            violation(rule, miniport, vc.object(), misfit.offence())
        })?;
        match verdict {
            Verdict::Pended => Ok(self.finish(id, Status::PENDING)),
            Verdict::Result(status) => {
                let given = self.vcs[slot].asked;
                self.activated(cx, slot, status, reply.parameters);
                Ok(self.finish_with_parameters(id, slot, given, reply.parameters, status))
            }
        }
    }

    pub(crate) fn activate_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        parameters: CallParameters,
    ) -> Stepped {
        let slot = self.miniport_vc(cx, handle)?;
        let (by, object) = (cx.caller(), self.vcs[slot].object());
        let fail = |rule, offence| Err(violation(rule, by, object, offence));
        if status == Status::PENDING {
            let offence = "an activation was completed with NDIS_STATUS_PENDING";
            return fail(Rule::VcMiniportActivateCompleteStatus, offence);
        }
        if let Err(misfit) = self.vcs[slot].activation.complete() {
            let offence = misfit.map_or(NOTHING_PENDS, crate::phase::Misfit::offence);
            return fail(Rule::VcMiniportActivateCompleteOnlyPended, offence);
        }
        self.activated(cx, slot, status, parameters);
        Ok(self.report_activation(slot, status, parameters))
    }

    fn report_activation(&mut self, slot: u32, status: Status, parameters: CallParameters) -> Step {
        let vc = &self.vcs[slot];
        let callback = Callback::CmActivateVcComplete { status, vc_context: vc.manager_context, parameters };
        let manager = vc.manager;
        self.invoke_on_vc(crate::Op::Vc(Op::ReportActivation(slot)), slot, manager, callback)
    }

    pub(crate) fn deactivate_vc(&mut self, cx: &mut Context<'_>, handle: HandleArg, as_mcm: bool) -> Stepped {
        let slot = self.vc_to_activate(cx, handle, as_mcm)?;
        let vc = &self.vcs[slot];
        match vc.state {
            VcState::Active => {}
            VcState::Inactive => {
                let offence = "the VC is not active";
                cx.warn(Rule::VcDeactivateOnlyActive, vc.manager, vc.object(), offence);
                return Ok(Step::Return(Status::NOT_ACCEPTED));
            }
            VcState::Activating | VcState::Reactivating | VcState::Deactivating => {
                self.warn_overlap(cx, slot);
                return Ok(Step::Return(Status::FAILURE));
            }
            VcState::Deleting => return Ok(Step::Return(Status::NOT_ACCEPTED)),
            VcState::Creating | VcState::Deleted => unreachable!("no handle of it is valid then"),
        }
        let pends = !as_mcm || self.config.pend_mcm;
        self.call_cleaned_up(cx, slot);
        self.set_vc(cx, slot, if pends { VcState::Deactivating } else { VcState::Inactive });
        if as_mcm {
            return Ok(if pends { self.pend_for_mcm(slot, None) } else { Step::Return(Status::SUCCESS) });
        }
        let vc = &mut self.vcs[slot];
        let round = vc.deactivation.begin();
        let callback = Callback::MiniportCoDeactivateVc { vc_context: vc.miniport_context };
        let miniport = self.miniport_of(self.vcs[slot].adapter).0;
        Ok(self.invoke_on_vc(crate::Op::Vc(Op::Deactivate(slot, round)), slot, miniport, callback))
    }

    /// The deactivation has a result. One that fails leaves the VC active (vc-q-deactivate-fails).
    fn deactivated(&mut self, cx: &mut Context<'_>, slot: u32, status: Status) {
        let next = if status == Status::SUCCESS { VcState::Inactive } else { VcState::Active };
        self.set_vc(cx, slot, next);
    }

    pub(super) fn deactivate_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        round: u32,
        status: Status,
    ) -> Stepped {
        let verdict = self.vcs[slot].deactivation.returned(round, status).map_err(|misfit| {
            let vc = &self.vcs[slot];
            let miniport = self.miniport_of(vc.adapter).0;
            let rule = Rule::VcMiniportDeactivateCompleteOnlyPended;
            violation(rule, miniport, vc.object(), misfit.offence())
        })?;
        match verdict {
            Verdict::Pended => Ok(self.finish(id, Status::PENDING)),
            Verdict::Result(status) => {
                self.deactivated(cx, slot, status);
                Ok(self.finish(id, status))
            }
        }
    }

    pub(crate) fn deactivate_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
    ) -> Stepped {
        let slot = self.miniport_vc(cx, handle)?;
        let (by, object) = (cx.caller(), self.vcs[slot].object());
        let fail = |rule, offence| Err(violation(rule, by, object, offence));
        if status == Status::PENDING {
            let offence = "a deactivation was completed with NDIS_STATUS_PENDING";
            return fail(Rule::VcMiniportDeactivateCompleteStatus, offence);
        }
        if let Err(misfit) = self.vcs[slot].deactivation.complete() {
            let offence = misfit.map_or(NOTHING_PENDS, crate::phase::Misfit::offence);
            return fail(Rule::VcMiniportDeactivateCompleteOnlyPended, offence);
        }
        self.deactivated(cx, slot, status);
        Ok(self.report_deactivation(slot, status))
    }

    fn report_deactivation(&mut self, slot: u32, status: Status) -> Step {
        let vc = &self.vcs[slot];
        let callback = Callback::CmDeactivateVcComplete { status, vc_context: vc.manager_context };
        let manager = vc.manager;
        self.invoke_on_vc(crate::Op::Vc(Op::ReportDeactivation(slot)), slot, manager, callback)
    }

    /// The VC of a miniport's handle.
    fn miniport_vc(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let (slot, kind) = self.vc_of(cx, handle)?;
        if kind != HandleKind::MiniportVc {
            let offence = "this is not the miniport's handle for the VC";
            return Err(violation(Rule::VcHandleOpaque, cx.caller(), self.vcs[slot].object(), offence));
        }
        Ok(slot)
    }

    /// A call manager says that something is done which needs the VC's activation, while that is pending.
    pub(crate) fn check_activation_awaited(&self, slot: u32) -> Result<(), Violation> {
        let vc = &self.vcs[slot];
        if vc.is_activating() && !vc.is_of_mcm() {
            let offence = "the activation of the VC is still pending";
            return Err(violation(Rule::VcCmWaitActivateComplete, vc.manager, vc.object(), offence));
        }
        Ok(())
    }

    /// A call manager says that a call is closed, while the VC's deactivation is pending.
    pub(crate) fn check_deactivation_awaited(&self, slot: u32) -> Result<(), Violation> {
        let vc = &self.vcs[slot];
        if vc.is_deactivating() && !vc.is_of_mcm() {
            let offence = "the deactivation of the VC is still pending";
            return Err(violation(Rule::VcCmWaitDeactivateComplete, vc.manager, vc.object(), offence));
        }
        Ok(())
    }
}
