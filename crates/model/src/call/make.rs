//! A client makes a call: `NdisClMakeCall`, `ProtocolCmMakeCall` and the completion.

use super::{NOTHING_PENDS, Op, Stage};
use crate::block::CallParameters;
use crate::phase::{Misfit, Verdict};
use crate::{
    Callback, Context, HandleArg, HandleKind, OpId, OutParameter, Reply, Side, Step, Stepped, Token,
    Violation, World, violation,
};
use contract::{Rule, Status};

/// The call manager was to make the call under what it had dispatched.
const DISPATCHED_EARLY: &str = "dispatched while ProtocolCmMakeCall ran, which then did not make the call";

impl World {
    pub(crate) fn make_call(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        parameters: CallParameters,
        party_context: Token,
    ) -> Stepped {
        Self::check_vc_created(cx, handle, Rule::VcCreateBeforeMakeCall)?;
        let slot = self.client_vc(cx, handle)?;
        let vc = &self.vcs[slot];
        let (client, object) = (cx.caller(), vc.object());
        let fail = |rule, offence| Err(violation(rule, client, object, offence));
        if vc.creator != Side::Client {
            return fail(Rule::CallMakeOwnVc, "the call manager created the VC");
        }
        if parameters.is_null() {
            return fail(Rule::CallMakeInitParams, "CallParameters is NULL");
        }
        self.check_tapi_call(slot, parameters)?;
        match vc.call.stage {
            Stage::Idle | Stage::Failed => {}
            Stage::Offered | Stage::Accepted | Stage::Rejected | Stage::Taken => {
                unreachable!("only a call manager's VC is offered a call")
            }
            Stage::Making | Stage::Made if vc.call.closing => {
                return fail(Rule::CallCloseClosingNotReusable, "the close of the last call is not over");
            }
            Stage::Making | Stage::Made => {
                return fail(Rule::CallMakeOnePerVc, "there is a call on the VC");
            }
        }
        let is_open = vc.af.is_some_and(|af| self.is_af_open(af));
        // Whoever uses a VC again has yet to delete it.
        self.vcs[slot].delete_refused = false;
        self.change_call(cx, slot, |call| {
            call.begin(Stage::Making, parameters.digest());
            call.multipoint = party_context != Token::NULL;
        });
        let party = if !is_open {
            // The client closes the AF at this moment.
            Err(Status::FAILURE)
        } else if party_context == Token::NULL {
            Ok(None)
        } else {
            self.new_party(cx, slot, party_context).map(Some)
        };
        match party {
            Ok(None) => Ok(self.ask_to_make(None, slot, parameters)),
            Ok(Some(party)) => {
                let op = crate::Op::Call(Op::PublishParty(slot, parameters));
                let handle = self.parties[party].id.0;
                let id = self.ops.begin(op);
                Ok(self.publish_on_vc(id, op, slot, OutParameter::Party(HandleArg::Known(handle))))
            }
            Err(status) => {
                self.not_made(cx, slot);
                Ok(Step::Return(status))
            }
        }
    }

    /// Runs `ProtocolCmMakeCall`, as the first or as the next handler of the call.
    pub(super) fn ask_to_make(&mut self, id: Option<OpId>, slot: u32, parameters: CallParameters) -> Step {
        let party = self.first_party(slot);
        let party =
            party.map_or(HandleArg::Null, |id| HandleArg::Known(id.0.of(HandleKind::CallManagerParty)));
        let vc = &mut self.vcs[slot];
        let round = vc.call.make.begin();
        let callback = Callback::CmMakeCall { vc_context: vc.manager_context, parameters, party };
        let manager = vc.manager;
        self.go_on_on_vc(id, crate::Op::Call(Op::CmMakeCall(slot, round)), slot, manager, callback)
    }

    pub(super) fn make_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        round: u32,
        reply: Reply,
    ) -> Stepped {
        let (_, manager, object) = self.ends_of(slot);
        let mut make = self.vcs[slot].call.make;
        let verdict = make.returned(round, reply.status).map_err(|misfit| {
            violation(Rule::CallCmMakeCompleteOnlyPended, manager, object, misfit.offence())
        })?;
        let is_made = verdict == Verdict::Result(Status::SUCCESS);
        // What is dispatched while a later handler runs is not this one's.
        let is_last = make.is_last(round);
        if let Some(rule) = self.vcs[slot].call.early.filter(|_| is_last && !is_made) {
            return Err(violation(rule, manager, object, DISPATCHED_EARLY));
        }
        let multipoint = self.vcs[slot].call.multipoint;
        if is_made {
            self.check_made(cx, slot, reply.context, reply.parameters)?;
            if !multipoint && reply.context != Token::NULL {
                let offence = "ProtocolCmMakeCall stored a party context for a point-to-point call";
                return Err(violation(Rule::CallCmMakePartyContextNull, manager, object, offence));
            }
        }
        let call = &mut self.vcs[slot].call;
        call.make = make;
        if is_last {
            call.early = None;
        }
        match verdict {
            Verdict::Pended => Ok(self.finish(id, Status::PENDING)),
            Verdict::Result(Status::SUCCESS) => {
                let given = call.asked;
                self.made(cx, slot, reply.context);
                Ok(self.finish_with_parameters(id, slot, given, reply.parameters, Status::SUCCESS))
            }
            Verdict::Result(status) => {
                self.not_made(cx, slot);
                if !multipoint {
                    return Ok(self.finish(id, status));
                }
                // The variable for the party's handle does not keep one that is not valid.
                let op = crate::Op::Vc(crate::vc::Op::PublishParameters(slot, status));
                Ok(self.publish_on_vc(id, op, slot, OutParameter::Party(HandleArg::Null)))
            }
        }
    }

    /// What must hold when a call manager reports a call as made.
    fn check_made(
        &self,
        cx: &mut Context<'_>,
        slot: u32,
        party_context: Token,
        left: CallParameters,
    ) -> Result<(), Violation> {
        let (_, manager, object) = self.ends_of(slot);
        let vc = &self.vcs[slot];
        if vc.call.closing || vc.call.closed_making {
            // The client's close may have undone everything by now.
            return Ok(());
        }
        // While another activation is pending, the one before holds.
        if !vc.is_active() {
            self.check_activation_awaited(slot)?;
        }
        if vc.is_activating() && !vc.is_active() {
            let offence = "the call was reported as made before the activation of its VC was complete";
            cx.warn(Rule::CallCmMakeActivationDone, manager, object, offence);
        } else if !vc.is_active() {
            let offence = "the call was reported as made with its VC not activated";
            return Err(violation(Rule::CallCmMakeActivateBeforeSuccess, manager, object, offence));
        }
        if let Some(rule) = vc.call.stale_since.deactivation() {
            let offence = "the next call was made on the VC without a deactivation after the last";
            return Err(violation(rule, manager, object, offence));
        }
        if vc.call.multipoint && party_context == Token::NULL {
            let offence = "a multipoint call was made without CallMgrPartyContext";
            return Err(violation(Rule::CallCmMakeMultipointState, manager, object, offence));
        }
        self.check_tapi_made(slot, left)?;
        self.check_marked_changed(cx, slot, vc.call.asked, left);
        Ok(())
    }

    /// A call manager marks the parameters that it changed: `call-cm-params-changed-flag`.
    pub(super) fn check_marked_changed(
        &self,
        cx: &mut Context<'_>,
        slot: u32,
        asked: u64,
        left: CallParameters,
    ) {
        if !left.is_null() && left.digest() != asked && !left.is_marked_changed() {
            let (_, manager, object) = self.ends_of(slot);
            let offence = "the call manager changed call parameters without CALL_PARAMETERS_CHANGED";
            cx.warn(Rule::CallCmParamsChangedFlag, manager, object, offence);
        }
    }

    fn made(&mut self, cx: &mut Context<'_>, slot: u32, party_context: Token) {
        let closed = self.vcs[slot].call.closed_making;
        self.change_call(cx, slot, |call| {
            call.closed_making = false;
            call.stage = if closed { Stage::Idle } else { Stage::Made };
        });
        if closed {
            self.note_stale(slot);
        }
        self.first_party_made(cx, slot, party_context);
    }

    fn not_made(&mut self, cx: &mut Context<'_>, slot: u32) {
        let task = cx.task.id;
        self.change_call(cx, slot, |call| {
            if call.closed_making {
                (call.closed_making, call.stage) = (false, Stage::Idle);
            } else if call.closing {
                // The client's close ends it.
                call.stage = Stage::Made;
            } else {
                (call.stage, call.failed_on) = (Stage::Failed, Some(task));
            }
        });
        let call = &self.vcs[slot].call;
        if call.stage == Stage::Failed {
            self.first_party_not_made(cx, slot);
        }
        self.note_stale(slot);
    }

    pub(crate) fn make_call_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        party: HandleArg,
        party_context: Token,
        parameters: CallParameters,
    ) -> Stepped {
        let slot = self.manager_vc(cx, handle)?;
        let (client, manager, object) = self.ends_of(slot);
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if status == Status::PENDING {
            return fail(Rule::CallCmMakeCompleteStatus, "a call was completed with NDIS_STATUS_PENDING");
        }
        let first = self.first_party(slot);
        let mut make = self.vcs[slot].call.make;
        if let Err(misfit) = make.complete() {
            let offence = misfit.map_or(NOTHING_PENDS, Misfit::offence);
            return fail(Rule::CallCmMakeCompleteOnlyPended, offence);
        }
        let expected =
            first.map_or(HandleArg::Null, |id| HandleArg::Known(id.0.of(HandleKind::CallManagerParty)));
        if party != expected && !self.vcs[slot].call.closed_making {
            let offence = "the party handle is not the one that ProtocolCmMakeCall received";
            return fail(Rule::CallCmMakeCompletePartyHandle, offence);
        }
        if status == Status::SUCCESS {
            self.check_made(cx, slot, party_context, parameters)?;
        } else if let Some(rule) = self.vcs[slot].call.early {
            return fail(rule, DISPATCHED_EARLY);
        }
        let call = &mut self.vcs[slot].call;
        (call.make, call.early) = (make, None);
        let mut told = HandleArg::Null;
        if status == Status::SUCCESS {
            self.made(cx, slot, party_context);
            if let Some(first) = first {
                told = HandleArg::Known(first.0);
            }
        } else {
            self.not_made(cx, slot);
        }
        let vc_context = self.vcs[slot].client_context;
        let callback = Callback::ClMakeCallComplete { status, vc_context, party: told, parameters };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::ReportMade(slot)), slot, client, callback))
    }
}
