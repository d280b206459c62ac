//! A call is closed: by its client (`NdisClCloseCall`), which may be the answer to the other end's close
//! (`NdisCmDispatchIncomingCloseCall`).

use super::{Ended, NOTHING_PENDS, Op, Stage, Told};
use crate::phase::{Misfit, Verdict};
use crate::{
    Callback, Context, HandleArg, HandleKind, OpId, Side, Step, Stepped, Token, Violation, World, violation,
};
use contract::{Rule, Status};

impl World {
    pub(crate) fn close_call(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        party: HandleArg,
        data: Token,
        size: u32,
    ) -> Stepped {
        let slot = self.client_vc(cx, handle)?;
        let (client, manager, object) = self.ends_of(slot);
        let call = &self.vcs[slot].call;
        let fail = |rule, offence| Err(violation(rule, client, object, offence));
        if data == Token::NULL && size != 0 {
            return fail(Rule::CallCloseSizeZero, "Buffer is NULL and Size is not zero");
        }
        if call.closing || call.closed_making {
            return fail(Rule::CallCloseExistingCall, "the call is being closed already");
        }
        let unasked = call.close_indicated == Told::No;
        let soft = match call.stage {
            Stage::Idle | Stage::Rejected => {
                return fail(Rule::CallCloseExistingCall, "there is no call on the VC");
            }
            Stage::Failed => {
                if call.failed_on == Some(cx.task.id) {
                    let offence = "the call could not be made: there is nothing to close";
                    cx.warn(Rule::CallMakeFailedNoClose, client, object, offence);
                }
                return Ok(Step::Return(Status::FAILURE));
            }
            Stage::Making if unasked => Some("the call is closed while it is being made"),
            // A client that is about to accept may close at once (call-q-event-before-return).
            Stage::Offered if unasked && !call.answer.is_untold() => {
                Some("the call is closed before the client has answered the offer")
            }
            Stage::Making | Stage::Offered | Stage::Accepted | Stage::Made | Stage::Taken => None,
        };
        let unsettled = self.count_unsettled_parties(slot);
        let left = if self.count_parties(slot) - unsettled > 1 {
            Some((Rule::CallClosePartiesDropped, "the call is closed with more than one party on it"))
        } else if unsettled > 0 {
            Some((
                Rule::CallCloseSettledParties,
                "the call is closed while a party is being added or dropped",
            ))
        } else {
            None
        };
        if let Some((rule, offence)) = left {
            cx.warn(rule, client, object, offence);
            return Ok(Step::Return(Status::FAILURE));
        }
        let last = self.last_party(slot);
        let expected = last.map_or(HandleArg::Null, |last| HandleArg::Known(self.parties[last].id.0));
        if party != expected {
            let offence =
                "NdisPartyHandle is not that of the last party, or not NULL for a point-to-point call";
            return fail(Rule::CallClosePartyHandle, offence);
        }
        if let Some(offence) = soft {
            cx.warn(Rule::CallCloseSettledCall, client, object, offence);
        }
        let mut round = 0;
        self.change_call(cx, slot, |call| {
            call.closing = true;
            round = call.close.begin();
        });
        let party_context = last.map_or(Token::NULL, |last| self.party_closes(cx, last));
        let vc_context = self.vcs[slot].manager_context;
        let callback = Callback::CmCloseCall { vc_context, party_context, data, size };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::CmCloseCall(slot, round)), slot, manager, callback))
    }

    /// What must hold when a call manager reports a call as closed. A VC that is still active then is reported once, when
    /// it is deactivated or not at all: [`World::call_cleaned_up`], [`World::call_debts`].
    fn check_closed(&self, cx: &mut Context<'_>, slot: u32) -> Result<(), Violation> {
        self.check_deactivation_awaited(slot)?;
        if self.vcs[slot].is_deactivating() {
            let (_, manager, object) = self.ends_of(slot);
            let offence = "the call was reported as closed before the deactivation of its VC was complete";
            cx.warn(Rule::CallCmCloseDeactivateBeforeSuccess, manager, object, offence);
        }
        Ok(())
    }

    /// A call manager deactivates a VC, which may be what it owes of a call that is over.
    pub(crate) fn call_cleaned_up(&mut self, cx: &mut Context<'_>, slot: u32) {
        let call = &self.vcs[slot].call;
        if call.stage == Stage::Rejected {
            self.change_call(cx, slot, |call| call.stage = Stage::Idle);
        } else if call.stale && matches!(call.ended, Ended::Closed | Ended::ClosedInAnswer) {
            let (_, manager, object) = self.ends_of(slot);
            let offence = "the call was reported as closed before its VC was deactivated";
            cx.warn(Rule::CallCmCloseDeactivateBeforeSuccess, manager, object, offence);
        }
    }

    /// A call has ended on a VC: if that is active, its activation is one from before.
    pub(super) fn note_stale(&mut self, slot: u32) {
        let vc = &mut self.vcs[slot];
        vc.call.stale = vc.is_active() || vc.is_with_miniport();
    }

    fn closed_call(&mut self, cx: &mut Context<'_>, slot: u32) {
        let by_manager = self.vcs[slot].creator == Side::CallManager;
        self.change_call(cx, slot, |call| {
            call.closing = false;
            call.ended = if call.close_indicated == Told::No { Ended::Closed } else { Ended::ClosedInAnswer };
            if call.stage == Stage::Making {
                call.closed_making = true;
            } else {
                call.stage = Stage::Idle;
            }
            call.close_indicated = Told::No;
            call.dormant = by_manager;
        });
        self.note_stale(slot);
        self.parties_closed(cx, slot);
    }

    /// The call manager did not close it: everything is as before (call-q-close-fails).
    fn not_closed(&mut self, cx: &mut Context<'_>, slot: u32) {
        self.change_call(cx, slot, |call| call.closing = false);
        if let Some(last) = self.last_party(slot) {
            self.party_not_closed(cx, last);
        }
    }

    pub(super) fn close_call_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        round: u32,
        status: Status,
    ) -> Stepped {
        let (_, manager, object) = self.ends_of(slot);
        let mut close = self.vcs[slot].call.close;
        let verdict = close.returned(round, status).map_err(|misfit| {
            violation(Rule::CallCmCloseCompleteOnlyPended, manager, object, misfit.offence())
        })?;
        if verdict == Verdict::Result(Status::SUCCESS) {
            self.check_closed(cx, slot)?;
        }
        self.vcs[slot].call.close = close;
        match verdict {
            Verdict::Pended => Ok(self.finish(id, Status::PENDING)),
            Verdict::Result(status) => {
                if status == Status::SUCCESS {
                    self.closed_call(cx, slot);
                } else {
                    self.not_closed(cx, slot);
                }
                Ok(self.finish(id, status))
            }
        }
    }

    pub(crate) fn close_call_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        party: HandleArg,
    ) -> Stepped {
        let slot = self.manager_vc(cx, handle)?;
        let (client, manager, object) = self.ends_of(slot);
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if status == Status::PENDING {
            let offence = "a close was completed with NDIS_STATUS_PENDING";
            return fail(Rule::CallCmCloseCompleteStatus, offence);
        }
        let mut close = self.vcs[slot].call.close;
        if let Err(misfit) = close.complete() {
            let offence = misfit.map_or(NOTHING_PENDS, Misfit::offence);
            return fail(Rule::CallCmCloseCompleteOnlyPended, offence);
        }
        let last = self.last_party(slot);
        let expected = last.map_or(HandleArg::Null, |last| {
            HandleArg::Known(self.parties[last].id.0.of(HandleKind::CallManagerParty))
        });
        if party != expected {
            let offence =
                "the party handle is not that of the last party, or not NULL for a point-to-point call";
            return fail(Rule::CallCmCloseCompletePartyHandle, offence);
        }
        if status == Status::SUCCESS {
            self.check_closed(cx, slot)?;
        }
        self.vcs[slot].call.close = close;
        let party_context = last.map_or(Token::NULL, |last| self.parties[last].client_context);
        if status == Status::SUCCESS {
            self.closed_call(cx, slot);
        } else {
            self.not_closed(cx, slot);
        }
        let vc_context = self.vcs[slot].client_context;
        let callback = Callback::ClCloseCallComplete { status, vc_context, party_context };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::ReportClose(slot)), slot, client, callback))
    }

    pub(crate) fn dispatch_incoming_close(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        data: Token,
        size: u32,
    ) -> Stepped {
        let slot = self.manager_vc(cx, handle)?;
        let (client, manager, object) = self.ends_of(slot);
        let call = &self.vcs[slot].call;
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if data == Token::NULL && size != 0 {
            return fail(Rule::CallCmIncomingCloseBuffer, "Buffer is NULL and Size is not zero");
        }
        // The client's own close is the answer; an offer that it turned down needs none.
        if call.closing || call.stage == Stage::Rejected {
            return Ok(Step::Return(Status::SUCCESS));
        }
        let offence = match call.stage {
            _ if call.closed_making => Some("the client has closed the call"),
            _ if call.close_indicated != Told::No => Some("the close was dispatched before"),
            Stage::Offered | Stage::Accepted | Stage::Made | Stage::Taken => None,
            Stage::Making if call.is_make_running() => None,
            Stage::Making => Some("the call is not made yet: its completion says that it fails"),
            Stage::Idle | Stage::Failed | Stage::Rejected => Some("there is no call on the VC"),
        };
        if let Some(offence) = offence {
            return fail(Rule::CallCmIncomingCloseHasCall, offence);
        }
        self.change_call(cx, slot, |call| {
            call.dispatched_early(Rule::CallCmIncomingCloseHasCall);
            call.close_indicated = Told::Telling;
            call.closed_with_error = status != Status::SUCCESS;
        });
        let vc_context = self.vcs[slot].client_context;
        let callback = Callback::ClIncomingCloseCall { status, vc_context, data, size };
        Ok(self.invoke_on_vc(crate::Op::Call(Op::IncomingClose(slot)), slot, client, callback))
    }
}
