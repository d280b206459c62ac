//! A client opens an address family: `NdisClOpenAddressFamilyEx`, `ProtocolCmOpenAf` and the completion.

use super::{Af, AfState, Notification, Op, RegistrationState, Report};
use crate::block::AddressFamily;
use crate::phase::{Phase, Verdict};
use crate::{
    AfId, Callback, Context, HandleArg, HandleKind, Object, OpId, OutParameter, Reply, Step, Stepped, Token,
    World, violation,
};
use contract::{Ddi, Rule, Status};

impl World {
    pub(crate) fn open_af(
        &mut self,
        cx: &mut Context<'_>,
        binding: HandleArg,
        family: AddressFamily,
        client_context: Token,
    ) -> Stepped {
        let client = cx.caller();
        let slot = self.usable_binding(cx, binding)?;
        let this = &self.bindings[slot];
        let (binding, adapter) = (this.id, this.adapter);
        if !self.driver(client).is_client() {
            let offence = "the driver has not set its client handlers";
            return Err(violation(
                Rule::RegistrationCoClientHandlers,
                client,
                Object::Binding(binding),
                offence,
            ));
        }
        let registration = self.registered(adapter, family.family);
        let offered = registration.filter(|registration| registration.state == RegistrationState::Offered);
        // Neither the withdrawal of a family nor the beginning of an unbind is announced.
        let Some(offered) = offered.filter(|_| !self.bindings[slot].is_closing()) else {
            return Ok(Step::Return(Status::FAILURE));
        };
        let (registration, manager) = (offered.id, offered.driver);
        let told = self.registrations[registration.0.slot].told.iter_mut().find(|(told, _)| *told == binding);
        let first = told.is_none_or(|(_, opened)| !core::mem::replace(opened, true));
        if first && cx.task.handler != Some(Ddi::ProtocolCoAfRegisterNotify) {
            let offence = "an address family was opened outside ProtocolCoAfRegisterNotify";
            cx.warn(Rule::AfOpenInNotify, client, Object::Binding(binding), offence);
        }
        let slot = self.afs.next_slot();
        let id = AfId(cx.handle(HandleKind::ClientAf, slot));
        let af = Af {
            id,
            manager_handle: cx.handle(HandleKind::CallManagerAf, slot),
            client,
            manager,
            binding,
            registration,
            family,
            client_context,
            manager_context: Token::NULL,
            state: AfState::Opening,
            open: Phase::Calling,
            close: None,
            report: Report::Due,
            notification: Notification::Idle,
            asked: false,
            refused: false,
            manager_done: false,
            answering: 0,
            vcs: 0,
            own_vcs: 0,
            close_refused: false,
        };
        if self.afs.insert(af).is_err() {
            return Ok(Step::Return(Status::RESOURCES));
        }
        cx.edge(Object::Af(id), "none", "opening");
        let op = self.ops.begin(crate::Op::Af(Op::PublishAf(slot)));
        Ok(Step::Publish(op, OutParameter::AddressFamily(id.0)))
    }

    pub(super) fn cm_open_af_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        reply: Reply,
    ) -> Stepped {
        let af = &self.afs[slot];
        let mut phase = af.open;
        let verdict = phase.returned(reply.status).map_err(|misfit| {
            violation(Rule::AfCmOpenCompletePendingOnly, af.manager, af.object(), misfit.offence())
        })?;
        if verdict == Verdict::Result(Status::SUCCESS) && reply.context == Token::NULL {
            let offence = "ProtocolCmOpenAf succeeded without storing CallMgrAfContext";
            cx.warn(Rule::AfCmOpenSetContext, af.manager, af.object(), offence);
        }
        self.afs[slot].open = phase;
        match verdict {
            Verdict::Pended => {
                self.remove_if_over(slot);
                Ok(self.finish(id, Status::PENDING))
            }
            Verdict::Result(status) => {
                self.opened(cx, slot, status, reply.context);
                self.open_reported(slot);
                Ok(self.finish(id, status))
            }
        }
    }

    /// The open has a result; the client is not told here.
    pub(super) fn opened(&mut self, cx: &mut Context<'_>, slot: u32, status: Status, manager_context: Token) {
        if status == Status::SUCCESS {
            self.afs[slot].manager_context = manager_context;
            self.set_af(cx, slot, AfState::Open);
        } else {
            // There is no context with which a notification that was held could be answered; the call manager knows.
            self.afs[slot].notification = Notification::Idle;
            self.set_af(cx, slot, AfState::Failed);
        }
    }

    pub(crate) fn open_af_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        context: Token,
    ) -> Stepped {
        let slot = self.manager_af(cx, handle)?;
        let af = &self.afs[slot];
        let fail = |rule, offence| Err(violation(rule, af.manager, af.object(), offence));
        if status == Status::PENDING {
            return fail(Rule::AfCmOpenCompleteStatus, "an open was completed with NDIS_STATUS_PENDING");
        }
        let mut phase = af.open;
        if let Err(misfit) = phase.complete() {
            return fail(Rule::AfCmOpenCompletePendingOnly, misfit.offence());
        }
        self.afs[slot].open = phase;
        self.opened(cx, slot, status, context);
        if cx.task.raised {
            // ProtocolClOpenAfCompleteEx runs at PASSIVE_LEVEL only (af-q-irql-mismatch).
            self.afs[slot].report = Report::Queued(status);
            self.afs[slot].manager_done = status != Status::SUCCESS;
            return Ok(Step::Return(Status::SUCCESS));
        }
        Ok(self.tell_opened(slot, status))
    }

    pub(crate) fn report_open(&mut self, af: AfId) -> Step {
        let Report::Queued(status) = self.afs[af.0.slot].report else {
            unreachable!("a job is started as it was listed");
        };
        self.tell_opened(af.0.slot, status)
    }

    /// The client knows how its open has ended. A call manager whose open has failed has lost its handle by now: its
    /// handler or its completion has returned.
    pub(super) fn open_reported(&mut self, slot: u32) {
        let af = &mut self.afs[slot];
        af.report = Report::Told;
        af.manager_done |= af.state == AfState::Failed;
        self.remove_if_over(slot);
    }

    pub(super) fn tell_opened(&mut self, slot: u32, status: Status) -> Step {
        let af = &mut self.afs[slot];
        af.report = Report::Telling;
        let handle = if status == Status::SUCCESS { HandleArg::Known(af.id.0) } else { HandleArg::Null };
        let callback = Callback::ClOpenAfCompleteEx { af_context: af.client_context, af: handle, status };
        let client = af.client;
        self.invoke(crate::Op::Af(Op::ReportOpen(slot)), client, callback)
    }
}
