//! A call manager offers a call, and the client answers: `NdisCmDispatchIncomingCall`, `ProtocolClIncomingCall`, the
//! completion, and `NdisCmDispatchCallConnected`.

use super::{NOTHING_PENDS, Op, Stage, Told};
use crate::block::CallParameters;
use crate::phase::{Misfit, Verdict};
use crate::{Callback, Context, HandleArg, OpId, Reply, Side, Step, Stepped, Violation, World, violation};
use contract::{Rule, Status};

impl World {
    pub(crate) fn dispatch_incoming_call(
        &mut self,
        cx: &mut Context<'_>,
        sap: HandleArg,
        handle: HandleArg,
        parameters: CallParameters,
    ) -> Stepped {
        let created = if self.driver(cx.caller()).is_miniport() {
            Rule::VcCreateBeforeDispatchIncomingMcm
        } else {
            Rule::VcCreateBeforeDispatchIncoming
        };
        Self::check_vc_created(cx, handle, created)?;
        let slot = self.manager_vc(cx, handle)?;
        let sap = self.sap_to_offer_on(cx, sap)?;
        let vc = &self.vcs[slot];
        let (client, manager, _) = self.ends_of(slot);
        let object = vc.object();
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if vc.creator != Side::CallManager || vc.af.is_none() {
            return fail(Rule::CallIncomingOwnVc, "the call manager did not create the VC for a client");
        }
        if let Some(sap) = sap.map(|sap| &self.saps[sap])
            && Some(sap.af) != vc.af
        {
            return if vc.call.was && sap.client != client {
                fail(Rule::VcReuseSameClient, "the VC is reused for another client's SAP")
            } else {
                fail(Rule::CallIncomingOwnVc, "the VC was created for another AF than the SAP's")
            };
        }
        match vc.call.stage {
            Stage::Idle | Stage::Rejected => {}
            Stage::Offered | Stage::Accepted | Stage::Taken => {
                return fail(Rule::CallIncomingOnePerVc, "there is a call on the VC");
            }
            Stage::Making | Stage::Failed | Stage::Made => {
                unreachable!("a client makes no call on a call manager's VC")
            }
        }
        self.check_tapi_offer(slot, parameters)?;
        if vc.call.stale {
            return fail(Rule::VcReuseAfterClose, "the VC was not deactivated after the last call on it");
        }
        if !vc.is_active() {
            let offence = "the call is offered on a VC that is not active";
            cx.warn(Rule::CallIncomingActivateBeforeDispatch, manager, object, offence);
        }
        let is_open = vc.af.is_some_and(|af| self.is_af_open(af));
        // Its answer to an offer that was closed could not be told from the one to this (call-q-incoming-close-offered).
        let owes_answer = vc.call.answer.is_outstanding();
        self.change_call(cx, slot, |call| call.begin(Stage::Offered, parameters.digest()));
        let Some(sap) = sap.filter(|_| is_open && !owes_answer) else {
            self.rejected(cx, slot);
            return Ok(Step::Return(Status::FAILURE));
        };
        let vc = &mut self.vcs[slot];
        let round = vc.call.answer.begin();
        let vc_context = vc.client_context;
        let sap_context = self.saps[sap].client_context;
        let callback = Callback::ClIncomingCall { sap_context, vc_context, parameters };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::Offer(slot, round)), slot, client, callback))
    }

    /// The client, or NDIS, has turned an offer down.
    fn rejected(&mut self, cx: &mut Context<'_>, slot: u32) {
        self.change_call(cx, slot, |call| {
            call.stage = Stage::Rejected;
            call.ended = super::Ended::Rejected;
        });
        self.note_stale(slot);
    }

    /// The client has answered with a status that is not `NDIS_STATUS_PENDING`. An answer that comes after a close is
    /// none any more (call-q-incoming-close-offered).
    fn answered_offer(
        &mut self,
        cx: &mut Context<'_>,
        slot: u32,
        status: Status,
        left: CallParameters,
    ) -> Result<bool, Violation> {
        let (client, _, object) = self.ends_of(slot);
        let call = &self.vcs[slot].call;
        let changed = !left.is_null() && left.digest() != call.asked && !left.is_marked_changed();
        if status == Status::SUCCESS && changed && call.stage == Stage::Offered {
            let offence = "the client changed the offered parameters without CALL_PARAMETERS_CHANGED";
            return Err(violation(Rule::CallIncomingChangedFlag, client, object, offence));
        }
        if call.stage != Stage::Offered {
            return Ok(false);
        }
        if call.closing || call.close_indicated != Told::No {
            self.vcs[slot].call.stage = Stage::Accepted;
            return Ok(false);
        }
        if status == Status::SUCCESS {
            self.change_call(cx, slot, |call| call.stage = Stage::Accepted);
        } else {
            self.rejected(cx, slot);
        }
        Ok(true)
    }

    pub(super) fn offer_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        round: u32,
        reply: Reply,
    ) -> Stepped {
        let (client, _, object) = self.ends_of(slot);
        let mut answer = self.vcs[slot].call.answer;
        let verdict = answer.returned(round, reply.status).map_err(|misfit| {
            violation(Rule::CallIncomingCompleteOnlyPended, client, object, misfit.offence())
        })?;
        if let Verdict::Result(status) = verdict {
            self.answered_offer(cx, slot, status, reply.parameters)?;
        }
        self.vcs[slot].call.answer = answer;
        match verdict {
            Verdict::Pended => Ok(self.finish(id, Status::PENDING)),
            Verdict::Result(status) => {
                let given = self.vcs[slot].call.asked;
                Ok(self.finish_with_parameters(id, slot, given, reply.parameters, status))
            }
        }
    }

    pub(crate) fn incoming_call_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        parameters: CallParameters,
    ) -> Stepped {
        let slot = self.answered_vc(cx, handle)?;
        let (client, manager, object) = self.ends_of(slot);
        let fail = |rule, offence| Err(violation(rule, client, object, offence));
        if status == Status::PENDING {
            return fail(Rule::CallIncomingCompleteStatus, "an offer was answered with NDIS_STATUS_PENDING");
        }
        let mut answer = self.vcs[slot].call.answer;
        if let Err(misfit) = answer.complete() {
            let offence = misfit.map_or(NOTHING_PENDS, Misfit::offence);
            return fail(Rule::CallIncomingCompleteOnlyPended, offence);
        }
        let counts = self.answered_offer(cx, slot, status, parameters)?;
        let vc = &mut self.vcs[slot];
        vc.call.answer = answer;
        if !counts {
            return Ok(Step::Return(Status::SUCCESS));
        }
        let callback =
            Callback::CmIncomingCallComplete { status, vc_context: vc.manager_context, parameters };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::ReportAnswer(slot)), slot, manager, callback))
    }

    pub(crate) fn dispatch_call_connected(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let slot = self.manager_vc(cx, handle)?;
        let (client, manager, object) = self.ends_of(slot);
        let call = &self.vcs[slot].call;
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if call.closing && matches!(call.stage, Stage::Offered | Stage::Accepted) {
            return Ok(Step::Return(Status::SUCCESS));
        }
        if call.stage != Stage::Accepted || call.close_indicated != Told::No {
            let offence = "the client has not accepted an incoming call on the VC";
            return fail(Rule::CallCmConnectedOnlyAccepted, offence);
        }
        if !self.vcs[slot].is_active() {
            self.check_activation_awaited(slot)?;
            return fail(Rule::CallCmConnectedVcActive, "the VC is not active");
        }
        self.change_call(cx, slot, |call| call.stage = Stage::Taken);
        let callback = Callback::ClCallConnected { vc_context: self.vcs[slot].client_context };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::Connected(slot)), slot, client, callback))
    }
}
