//! A party leaves: the client drops it (`NdisClDropParty`), which may be the answer to the other end's leaving
//! (`NdisCmDispatchIncomingDropParty`).

use super::{End, NOTHING_PENDS, Op, PartyState};
use crate::phase::{Misfit, Verdict};
use crate::{Callback, Context, HandleArg, HandleKind, OpId, Step, Stepped, Token, World, violation};
use contract::{Rule, Status};

impl World {
    pub(crate) fn drop_party(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        data: Token,
        size: u32,
    ) -> Stepped {
        let client = cx.caller();
        let slot = self.party_of(cx, handle, HandleKind::ClientParty, Rule::PartyHandleOpaque)?;
        let party = &self.parties[slot];
        let (vc, object) = (party.vc, party.object());
        if data == Token::NULL && size != 0 {
            let offence = "Buffer is NULL and Size is not zero";
            return Err(violation(Rule::PartyDropSizeZero, client, object, offence));
        }
        let dead = match (party.state, party.end) {
            (PartyState::Adding, _) if party.first => {
                Some((Rule::CallMakePartyHandleOnlyOnSuccess, "the call is not made yet"))
            }
            (PartyState::Gone, End::NotMade) => {
                Some((Rule::CallMakePartyHandleOnlyOnSuccess, "the call could not be made"))
            }
            (PartyState::Adding, _) => Some((Rule::PartyAddFailedHandleDead, "the party is not added yet")),
            (PartyState::Gone, End::Failed) => {
                Some((Rule::PartyAddFailedHandleDead, "the party could not be added"))
            }
            (PartyState::Dropping | PartyState::DroppingAnswer, _) => {
                Some((Rule::PartyDropHandleDead, "the party is being dropped already"))
            }
            (PartyState::ClosingWithCall(_), _) => {
                Some((Rule::PartyDropHandleDead, "the party goes with the close of its call"))
            }
            (PartyState::Gone, End::Dropped | End::NotYet) => {
                Some((Rule::PartyDropHandleDead, "the party was dropped"))
            }
            (PartyState::Active | PartyState::DropIndicated, _) => None,
        };
        if let Some((rule, offence)) = dead {
            cx.warn(rule, client, object, offence);
            return Ok(Step::Return(Status::FAILURE));
        }
        let stays = |other: u32| other != slot && !self.parties[other].is_dropping();
        if !self.parties_on(vc).any(stays) {
            self.parties[slot].refused = true;
            return Ok(Step::Return(Status::FAILURE));
        }
        let answers = self.parties[slot].state == PartyState::DropIndicated;
        let next = if answers { PartyState::DroppingAnswer } else { PartyState::Dropping };
        self.set_party(cx, slot, next);
        let party = &mut self.parties[slot];
        let round = party.drop.begin();
        let callback = Callback::CmDropParty { party_context: party.manager_context, data, size };
        let manager = self.vcs[vc].manager;
        Ok(self.invoke_on_party(Op::CmDropParty(slot, round), slot, manager, callback))
    }

    fn dropped(&mut self, cx: &mut Context<'_>, slot: u32, status: Status) {
        if status == Status::SUCCESS {
            self.end_party(cx, slot, End::Dropped);
        } else if self.parties[slot].state == PartyState::DroppingAnswer {
            self.set_party(cx, slot, PartyState::DropIndicated);
        } else {
            self.set_party(cx, slot, PartyState::Active);
        }
    }

    pub(super) fn drop_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        round: u32,
        status: Status,
    ) -> Stepped {
        let party = &mut self.parties[slot];
        let (object, manager) = (party.object(), self.vcs[party.vc].manager);
        let verdict = party.drop.returned(round, status).map_err(|misfit| {
            violation(Rule::PartyCmDropCompleteOnlyPended, manager, object, misfit.offence())
        })?;
        match verdict {
            Verdict::Pended => Ok(self.finish(id, Status::PENDING)),
            Verdict::Result(status) => {
                self.dropped(cx, slot, status);
                Ok(self.finish(id, status))
            }
        }
    }

    pub(crate) fn drop_party_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
    ) -> Stepped {
        let slot = self.party_of(cx, handle, HandleKind::CallManagerParty, Rule::PartyHandleOpaque)?;
        let (manager, object) = (cx.caller(), self.parties[slot].object());
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if status == Status::PENDING {
            let offence = "a drop was completed with NDIS_STATUS_PENDING";
            return fail(Rule::PartyCmDropCompleteStatus, offence);
        }
        if let Err(misfit) = self.parties[slot].drop.complete() {
            let offence = misfit.map_or(NOTHING_PENDS, Misfit::offence);
            return fail(Rule::PartyCmDropCompleteOnlyPended, offence);
        }
        self.dropped(cx, slot, status);
        let party = &self.parties[slot];
        let callback = Callback::ClDropPartyComplete { status, party_context: party.client_context };
        let client = self.vcs[party.vc].client.unwrap_or(manager);
        Ok(self.invoke_on_party(Op::ReportDrop(slot), slot, client, callback))
    }

    pub(crate) fn dispatch_incoming_drop(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        data: Token,
        size: u32,
    ) -> Stepped {
        let manager = cx.caller();
        let live = Rule::PartyIncomingDropLiveHandle;
        let slot = self.party_of(cx, handle, HandleKind::CallManagerParty, live)?;
        let party = &self.parties[slot];
        let (vc, object) = (party.vc, party.object());
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if data == Token::NULL && size != 0 {
            return fail(Rule::PartyIncomingDropBuffer, "Buffer is NULL and Size is not zero");
        }
        let call = &self.vcs[vc].call;
        let adding = if party.first { call.is_make_running() } else { party.add.is_untold() };
        match (party.state, party.end) {
            (PartyState::Active, _) => {}
            (PartyState::Adding, _) if adding => {}
            // The client's own drop or close is the answer.
            (PartyState::Dropping | PartyState::DroppingAnswer | PartyState::ClosingWithCall(_), _) => {
                return Ok(Step::Return(Status::SUCCESS));
            }
            (PartyState::Adding, _) => return fail(live, "the party is not added yet"),
            (PartyState::DropIndicated, _) => return fail(live, "the drop was dispatched before"),
            (PartyState::Gone, End::NotMade) => {
                return fail(Rule::CallCmMakeFailedPartyDead, "the call could not be made");
            }
            (PartyState::Gone, End::Failed) => return fail(live, "the party could not be added"),
            (PartyState::Gone, End::Dropped | End::NotYet) => {
                return fail(Rule::PartyCmDropHandleDead, "the party was dropped");
            }
        }
        if self.count_parties(vc) <= 1 {
            let offence = "the party is the last: NdisCmDispatchIncomingCloseCall tells of its end";
            return fail(Rule::PartyIncomingDropNotLast, offence);
        }
        let early = self.parties[slot].state == PartyState::Adding;
        self.set_party(cx, slot, PartyState::DropIndicated);
        let party = &mut self.parties[slot];
        (party.telling, party.early) = (true, early);
        let party_context = party.client_context;
        let client = self.vcs[vc].client.unwrap_or(manager);
        let callback = Callback::ClIncomingDropParty { status, party_context, data, size };
        Ok(self.invoke_on_party(Op::IncomingDrop(slot), slot, client, callback))
    }
}
