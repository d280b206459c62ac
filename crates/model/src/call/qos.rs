//! The quality of service of a call changes: at the client's request (`NdisClModifyCallQoS`), or at the other end's
//! (`NdisCmDispatchIncomingCallQoSChange`).

use super::{NOTHING_PENDS, Op, Stage, Told};
use crate::block::CallParameters;
use crate::phase::{Misfit, Verdict};
use crate::{Callback, Context, HandleArg, OpId, Reply, Step, Stepped, Violation, World, violation};
use contract::{Rule, Status};

impl World {
    pub(crate) fn modify_call_qos(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        parameters: CallParameters,
    ) -> Stepped {
        let slot = self.client_vc(cx, handle)?;
        let vc = &self.vcs[slot];
        let call = &vc.call;
        let (client, manager, object) = self.ends_of(slot);
        let fail = |offence| Err(violation(Rule::CallModifyActiveCall, client, object, offence));
        match call.stage {
            Stage::Making | Stage::Offered | Stage::Accepted | Stage::Made | Stage::Taken => {}
            // The client may not know yet that its call could not be made.
            Stage::Failed if call.failed_on != Some(cx.task.id) => return Ok(Step::Return(Status::FAILURE)),
            Stage::Idle | Stage::Failed | Stage::Rejected => return fail("there is no call on the VC"),
        }
        if call.closing || call.closed_making {
            return fail("the client has closed the call");
        }
        if call.qos.is_outstanding() {
            return fail("a request of the client for another quality of service is outstanding");
        }
        let before = vc.in_force.map(|in_force| (in_force, vc.asked_in_force));
        let vc_context = vc.manager_context;
        let mut round = 0;
        self.change_call(cx, slot, |call| {
            round = call.qos.begin();
            call.qos_asked = parameters.digest();
            call.before_qos = before;
            call.activated_since = false;
        });
        let callback = Callback::CmModifyCallQoS { vc_context, parameters };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::CmModifyCallQoS(slot, round)), slot, manager, callback))
    }

    /// What must hold when a call manager reports how a request for another quality of service has ended.
    fn check_modified(
        &self,
        cx: &mut Context<'_>,
        slot: u32,
        status: Status,
        left: CallParameters,
    ) -> Result<(), Violation> {
        let (_, manager, object) = self.ends_of(slot);
        let vc = &self.vcs[slot];
        let call = &vc.call;
        let is_connected = matches!(call.stage, Stage::Made | Stage::Taken) && !call.closing;
        if status == Status::SUCCESS {
            let agreed = if left.is_null() { call.qos_asked } else { left.digest() };
            let holds = vc.in_force == Some(agreed) || call.activated_since || vc.is_reported(agreed);
            if is_connected && !holds {
                self.check_activation_awaited(slot)?;
                let offence = "the change was reported as made without an activation of the VC";
                return Err(violation(Rule::CallCmModifyActivate, manager, object, offence));
            }
            self.check_marked_changed(cx, slot, call.qos_asked, left);
            return Ok(());
        }
        // A VC whose call is to be closed needs no restoring. What is in force may also come from the other end, which
        // changed it meanwhile.
        let is_to_stay = is_connected && call.close_indicated == Told::No;
        let from_request = vc.in_force.is_some() && vc.asked_in_force == call.qos_asked;
        let unchanged = call
            .before_qos
            .is_none_or(|before| vc.in_force == Some(before.0) || vc.asked_in_force == before.1);
        if is_to_stay && from_request && !unchanged {
            let offence = "the change was refused, with its parameters in force on the VC";
            return Err(violation(Rule::CallCmModifyRestore, manager, object, offence));
        }
        Ok(())
    }

    pub(super) fn modify_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        round: u32,
        reply: Reply,
    ) -> Stepped {
        let (_, manager, object) = self.ends_of(slot);
        let mut qos = self.vcs[slot].call.qos;
        let verdict = qos.returned(round, reply.status).map_err(|misfit| {
            violation(Rule::CallCmModifyCompleteOnlyPended, manager, object, misfit.offence())
        })?;
        match verdict {
            Verdict::Pended => {
                self.vcs[slot].call.qos = qos;
                Ok(self.finish(id, Status::PENDING))
            }
            Verdict::Result(status) => {
                let given = self.vcs[slot].call.qos_asked;
                self.check_modified(cx, slot, status, reply.parameters)?;
                self.change_call(cx, slot, |call| call.qos = qos);
                Ok(self.finish_with_parameters(id, slot, given, reply.parameters, status))
            }
        }
    }

    pub(crate) fn modify_call_qos_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        parameters: CallParameters,
    ) -> Stepped {
        let slot = self.manager_vc(cx, handle)?;
        let (client, manager, object) = self.ends_of(slot);
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if status == Status::PENDING {
            let offence = "a change of the quality of service was completed with NDIS_STATUS_PENDING";
            return fail(Rule::CallCmModifyCompleteStatus, offence);
        }
        let mut qos = self.vcs[slot].call.qos;
        if let Err(misfit) = qos.complete() {
            let offence = misfit.map_or(NOTHING_PENDS, Misfit::offence);
            return fail(Rule::CallCmModifyCompleteOnlyPended, offence);
        }
        self.check_modified(cx, slot, status, parameters)?;
        self.change_call(cx, slot, |call| call.qos = qos);
        let vc_context = self.vcs[slot].client_context;
        let callback = Callback::ClModifyCallQoSComplete { status, vc_context, parameters };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::ReportQoS(slot)), slot, client, callback))
    }

    pub(crate) fn dispatch_qos_change(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        parameters: CallParameters,
    ) -> Stepped {
        let slot = self.manager_vc(cx, handle)?;
        let (client, manager, object) = self.ends_of(slot);
        let call = &self.vcs[slot].call;
        let connected = matches!(call.stage, Stage::Made | Stage::Taken) || call.is_make_running();
        // Crossed by the client's close, as what connected the call may have been.
        if call.closing && (connected || matches!(call.stage, Stage::Offered | Stage::Accepted)) {
            return Ok(Step::Return(Status::SUCCESS));
        }
        if !connected || call.closed_making || call.close_indicated != Told::No {
            let offence = "there is no connected call on the VC";
            return Err(violation(Rule::CallQosChangeActiveOnly, manager, object, offence));
        }
        let vc = &self.vcs[slot];
        let asked = parameters.digest();
        let in_force = vc.in_force == Some(asked) || vc.asked_in_force == asked;
        if !in_force && !vc.is_of_mcm() {
            let offence = "the client is told of parameters with which the VC is not activated";
            return Err(violation(Rule::CallQosChangeActivateFirst, manager, object, offence));
        }
        if !in_force && !vc.is_reported(asked) {
            let offence = "the client is told of parameters that were not reported with NdisMCmActivateVc";
            cx.warn(Rule::CallMcmModifyActivate, manager, object, offence);
        }
        let vc = &mut self.vcs[slot];
        vc.call.dispatched_early(Rule::CallQosChangeActiveOnly);
        // What the client is told of is what a refusal of its own request leaves in force.
        vc.call.before_qos = vc.in_force.map(|in_force| (in_force, vc.asked_in_force));
        let callback = Callback::ClIncomingCallQoSChange { vc_context: vc.client_context, parameters };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::QoSChange(slot)), slot, client, callback))
    }
}
