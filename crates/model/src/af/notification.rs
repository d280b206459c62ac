//! A call manager asks a client to close: `Ndis(M)CmNotifyCloseAddressFamily` and its answer.

use super::{AfState, Notification, Op, Registration, RegistrationState, Report};
use crate::phase::{Phase, Verdict};
use crate::{
    AdapterId, AfId, Callback, Context, HandleArg, HandleKind, Object, OpId, Step, Stepped, World, violation,
};
use contract::{Rule, Status};

impl World {
    pub(crate) fn notify_close_af(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let slot = self.manager_af(cx, handle)?;
        self.check_manager_af_alive(slot)?;
        self.check_notify_context(cx, slot);
        self.afs[slot].asked = true;
        let af = &self.afs[slot];
        match (af.state, af.notification, af.report) {
            // Crossed the client's close, or is outstanding: the client is not called (af-q-notify-crosses-close).
            (AfState::Closing | AfState::Closed | AfState::Failed, _, _)
            | (AfState::Opening | AfState::Open, Notification::Held | Notification::Outstanding(_), _) => {
                Ok(Step::Return(Status::FAILURE))
            }
            // The call manager cannot know whether NDIS has seen its handler's return, nor the client its open.
            (AfState::Opening, Notification::Idle, _)
            | (AfState::Open, Notification::Idle, Report::Due | Report::Queued(_) | Report::Telling) => {
                self.afs[slot].notification = Notification::Held;
                Ok(Step::Return(Status::PENDING))
            }
            (AfState::Open, Notification::Idle, Report::Told) => Ok(self.ask_to_close(slot, false)),
        }
    }

    /// Where a stand-alone call manager notifies from: `af-notify-from-unbind`.
    pub(super) fn check_notify_context(&self, cx: &mut Context<'_>, slot: u32) {
        let af = &self.afs[slot];
        let holder = self.registrations[af.registration.0.slot].binding;
        if let Some(binding) = holder
            && !self.bindings[binding.0.slot].is_closing()
        {
            let offence = "the call manager notified while its binding was not being unbound";
            cx.warn(Rule::AfNotifyFromUnbind, af.manager, af.object(), offence);
        }
    }

    /// Whether the adapter's MCM has been told that a notification pends, and the client's own close has overtaken that.
    pub(crate) fn owes_notification_answer(&self, adapter: AdapterId) -> bool {
        self.afs.iter().any(|(_, af)| {
            let registration = &self.registrations[af.registration.0.slot];
            let of_mcm = registration.adapter == adapter && registration.binding.is_none();
            of_mcm && !af.is_alive() && af.notification == Notification::Held
        })
    }

    pub(crate) fn deliver_notification(&mut self, af: AfId) -> Step {
        let slot = af.0.slot;
        match self.afs[slot].state {
            AfState::Open => self.ask_to_close(slot, true),
            AfState::Opening | AfState::Closing | AfState::Closed | AfState::Failed => {
                self.afs[slot].notification = Notification::Idle;
                self.tell_notified(slot, Status::FAILURE)
            }
        }
    }

    pub(super) fn ask_to_close(&mut self, slot: u32, held: bool) -> Step {
        let af = &mut self.afs[slot];
        af.notification = Notification::Outstanding(Phase::Calling);
        let callback = Callback::ClNotifyCloseAf { af_context: af.client_context };
        let client = af.client;
        self.invoke(crate::Op::Af(Op::ClNotifyCloseAf(slot, held)), client, callback)
    }

    pub(super) fn cl_notify_close_af_returned(
        &mut self,
        id: OpId,
        slot: u32,
        held: bool,
        status: Status,
    ) -> Stepped {
        let af = &self.afs[slot];
        let Notification::Outstanding(mut phase) = af.notification else {
            unreachable!("a notification ends when its handler has returned");
        };
        let verdict = phase.returned(status).map_err(|misfit| {
            violation(Rule::AfNotifyCompletePendingOnly, af.client, af.object(), misfit.offence())
        })?;
        if verdict == Verdict::Result(Status::SUCCESS) && af.is_alive() {
            let offence = "ProtocolClNotifyCloseAf succeeded with the AF not closed";
            return Err(violation(Rule::AfNotifySyncMeansClosed, af.client, af.object(), offence));
        }
        match verdict {
            Verdict::Pended if phase == Phase::Pending => {
                self.afs[slot].notification = Notification::Outstanding(phase);
                Ok(self.finish(id, Status::PENDING))
            }
            Verdict::Pended => {
                // The answer has come, and `refused` tells what it was.
                self.afs[slot].notification = Notification::Idle;
                self.remove_if_over(slot);
                Ok(self.finish(id, Status::PENDING))
            }
            Verdict::Result(status) => {
                self.answered(slot, status);
                if held {
                    // The call manager was told NDIS_STATUS_PENDING, so it gets a completion.
                    self.ops.end(id);
                    return Ok(self.tell_notified(slot, status));
                }
                self.remove_if_over(slot);
                Ok(self.finish(id, status))
            }
        }
    }

    /// The client has answered its call manager's notification.
    fn answered(&mut self, slot: u32, status: Status) {
        let af = &mut self.afs[slot];
        af.notification = Notification::Idle;
        af.refused = status != Status::SUCCESS && af.state == AfState::Open;
    }

    /// Tells the call manager how its notification ended, unless its adapter has halted without waiting for that.
    pub(super) fn tell_notified(&mut self, slot: u32, status: Status) -> Step {
        let registration = self.afs[slot].registration;
        let holder = self.registrations.get(registration.0.slot);
        let is_there =
            |holder: &Registration| holder.id == registration && holder.state != RegistrationState::Gone;
        if !holder.is_some_and(is_there) {
            self.remove_if_over(slot);
            return Step::Return(Status::SUCCESS);
        }
        let af = &mut self.afs[slot];
        af.answering += 1;
        let callback = Callback::CmNotifyCloseAfComplete { af_context: af.manager_context, status };
        let manager = af.manager;
        self.invoke(crate::Op::Af(Op::ReportNotification(slot)), manager, callback)
    }

    pub(crate) fn notify_close_af_complete(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        status: Status,
    ) -> Stepped {
        let offence = match handle {
            HandleArg::Known(given) if given.kind != HandleKind::ClientAf => {
                Some("the handle is not that of the client's open")
            }
            HandleArg::Null => Some("the handle is NULL; that of the open serves here even when closed"),
            HandleArg::Known(_) | HandleArg::Unknown(_) => None,
        };
        if let Some(offence) = offence {
            let driver = cx.caller();
            return Err(violation(Rule::AfNotifyCompleteHandle, driver, Object::Driver(driver), offence));
        }
        let slot = self.client_af(cx, handle)?;
        let af = &self.afs[slot];
        let fail = |rule, offence| Err(violation(rule, af.client, af.object(), offence));
        if status == Status::PENDING {
            return fail(
                Rule::AfNotifyCompleteStatus,
                "a notification was completed with NDIS_STATUS_PENDING",
            );
        }
        let pending_only = Rule::AfNotifyCompletePendingOnly;
        let Notification::Outstanding(mut phase) = af.notification else {
            return fail(pending_only, "no notification of this AF is outstanding");
        };
        if let Err(misfit) = phase.complete() {
            return fail(pending_only, misfit.offence());
        }
        if status == Status::SUCCESS && af.is_alive() {
            let offence = "a notification was completed with success before the AF was closed";
            return fail(Rule::AfNotifyCompleteAfterClose, offence);
        }
        self.answered(slot, status);
        if phase == Phase::CompletedEarly {
            self.afs[slot].notification = Notification::Outstanding(phase);
        }
        Ok(self.tell_notified(slot, status))
    }
}
