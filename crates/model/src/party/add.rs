//! A client adds a party to its call: `NdisClAddParty`, `ProtocolCmAddParty` and the completion.

use super::{End, NOTHING_PENDS, Op, PartyState};
use crate::block::CallParameters;
use crate::phase::{Misfit, Verdict};
use crate::{
    Callback, Context, HandleArg, HandleKind, OpId, OutParameter, Reply, Side, Step, Stepped, Token, World,
    violation,
};
use contract::{Rule, Status};

/// The call manager was to add the party that it had dropped.
const DROPPED_EARLY: &str =
    "the drop was dispatched while ProtocolCmAddParty ran, which then did not add the party";

impl World {
    pub(crate) fn add_party(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        context: Token,
        parameters: CallParameters,
    ) -> Stepped {
        let client = cx.caller();
        let vc = match self.client_vc(cx, handle) {
            Ok(vc) => vc,
            Err(found) if found.rule == Rule::VcHandleOpaque => {
                cx.warn(Rule::PartyAddValidVc, client, found.object, found.offence);
                return Ok(Step::Return(Status::FAILURE));
            }
            Err(found) => return Err(found),
        };
        let object = self.vcs[vc].object();
        let fail = |rule, offence| Err(violation(rule, client, object, offence));
        if self.vcs[vc].creator != Side::Client {
            let offence = "the call manager created the VC";
            cx.warn(Rule::PartyAddValidVc, client, object, offence);
            return Ok(Step::Return(Status::FAILURE));
        }
        if context == Token::NULL {
            return fail(Rule::PartyAddContextReady, "ProtocolPartyContext is NULL");
        }
        let call = &self.vcs[vc].call;
        if !call.may_add() {
            return fail(Rule::PartyAddAfterMakeCall, "the call is not connected");
        }
        if !call.is_multipoint() {
            return fail(Rule::PartyAddMultipointOnly, "the call was made without a ProtocolPartyContext");
        }
        let slot = match self.new_party(cx, vc, context) {
            Ok(slot) => slot,
            Err(status) => return Ok(Step::Return(status)),
        };
        self.parties[slot].asked = parameters.digest();
        let op = crate::Op::Party(Op::PublishParty(slot, parameters));
        let id = self.ops.begin(op);
        let handle = HandleArg::Known(self.parties[slot].id.0);
        Ok(self.publish_on_vc(id, op, vc, OutParameter::Party(handle)))
    }

    /// Runs `ProtocolCmAddParty`.
    pub(super) fn ask_to_add(&mut self, id: OpId, slot: u32, parameters: CallParameters) -> Stepped {
        let party = &mut self.parties[slot];
        let round = party.add.begin();
        let (vc, handle) = (party.vc, party.id.0.of(HandleKind::CallManagerParty));
        let this = &self.vcs[vc];
        let callback = Callback::CmAddParty { vc_context: this.manager_context, parameters, party: handle };
        let manager = this.manager;
        let op = crate::Op::Party(Op::CmAddParty(slot, round));
        Ok(self.go_on_on_vc(Some(id), op, vc, manager, callback))
    }

    fn check_marked_changed_party(&self, cx: &mut Context<'_>, slot: u32, left: CallParameters) {
        let party = &self.parties[slot];
        if !left.is_null() && left.digest() != party.asked && !left.is_marked_changed() {
            let manager = self.vcs[party.vc].manager;
            let offence = "the call manager changed a party's parameters without CALL_PARAMETERS_CHANGED";
            cx.warn(Rule::PartyCmAddParamsChangedFlag, manager, party.object(), offence);
        }
    }

    fn added(&mut self, cx: &mut Context<'_>, slot: u32, status: Status, context: Token) {
        if status == Status::SUCCESS {
            self.parties[slot].manager_context = context;
            if self.parties[slot].state == PartyState::Adding {
                self.set_party(cx, slot, PartyState::Active);
            }
        } else {
            self.end_party(cx, slot, End::Failed);
        }
    }

    pub(super) fn add_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        round: u32,
        reply: Reply,
    ) -> Stepped {
        let party = &self.parties[slot];
        let (vc, object, asked) = (party.vc, party.object(), party.asked);
        let manager = self.vcs[vc].manager;
        let mut add = party.add;
        let verdict = add.returned(round, reply.status).map_err(|misfit| {
            violation(Rule::PartyCmAddCompleteOnlyPended, manager, object, misfit.offence())
        })?;
        if party.early && verdict != Verdict::Result(Status::SUCCESS) {
            return Err(violation(Rule::PartyIncomingDropLiveHandle, manager, object, DROPPED_EARLY));
        }
        let party = &mut self.parties[slot];
        (party.add, party.early) = (add, false);
        match verdict {
            Verdict::Pended => Ok(self.finish(id, Status::PENDING)),
            Verdict::Result(Status::SUCCESS) => {
                if reply.context == Token::NULL {
                    let offence = "ProtocolCmAddParty succeeded without storing CallMgrPartyContext";
                    cx.warn(Rule::PartyCmAddSetContext, manager, object, offence);
                }
                self.check_marked_changed_party(cx, slot, reply.parameters);
                self.added(cx, slot, Status::SUCCESS, reply.context);
                Ok(self.finish_with_parameters(id, vc, asked, reply.parameters, Status::SUCCESS))
            }
            Verdict::Result(status) => {
                self.added(cx, slot, status, Token::NULL);
                let op = crate::Op::Vc(crate::vc::Op::PublishParameters(vc, status));
                Ok(self.publish_on_vc(id, op, vc, OutParameter::Party(HandleArg::Null)))
            }
        }
    }

    pub(crate) fn add_party_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        context: Token,
        parameters: CallParameters,
    ) -> Stepped {
        let manager = cx.caller();
        let rule = Rule::PartyCmAddCompleteHandle;
        let slot = self.party_of(cx, handle, HandleKind::CallManagerParty, rule)?;
        let object = self.parties[slot].object();
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if status == Status::PENDING {
            let offence = "an addition was completed with NDIS_STATUS_PENDING";
            return fail(Rule::PartyCmAddCompleteStatus, offence);
        }
        let mut add = self.parties[slot].add;
        if let Err(misfit) = add.complete() {
            let offence = misfit.map_or(NOTHING_PENDS, Misfit::offence);
            return fail(Rule::PartyCmAddCompleteOnlyPended, offence);
        }
        if parameters.is_null() {
            return fail(Rule::PartyCmAddPassParams, "CallParameters is NULL");
        }
        let mut told = HandleArg::Null;
        if status == Status::SUCCESS {
            if context == Token::NULL {
                return fail(Rule::PartyCmAddCompleteContext, "CallMgrPartyContext is NULL");
            }
            self.check_marked_changed_party(cx, slot, parameters);
            told = HandleArg::Known(self.parties[slot].id.0);
        }
        if self.parties[slot].early && status != Status::SUCCESS {
            return fail(Rule::PartyIncomingDropLiveHandle, DROPPED_EARLY);
        }
        let party = &mut self.parties[slot];
        (party.add, party.early) = (add, false);
        self.added(cx, slot, status, context);
        let party = &self.parties[slot];
        let party_context = party.client_context;
        let client = self.vcs[party.vc].client.unwrap_or(manager);
        let callback = Callback::ClAddPartyComplete { status, party_context, party: told, parameters };
        Ok(self.invoke_on_party(Op::ReportAdd(slot), slot, client, callback))
    }
}
