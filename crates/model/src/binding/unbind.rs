//! A protocol lets go of an adapter: `ProtocolUnbindAdapterEx`, `NdisCloseAdapterEx`, and how an unbind ends.

use crate::phase::{Phase, Verdict};
use crate::{
    BindingId, Callback, Context, HandleArg, HandleKind, Object, Step, Stepped, Violation, World, violation,
};
use contract::{Ddi, Rule, Status};

use super::bind::BIND_BEFORE_UNBIND;
use super::{BindingState, Op, Opened};

impl World {
    pub(crate) fn unbind_adapter(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let driver = cx.caller();
        if matches!(cx.task.handler, Some(Ddi::ProtocolBindAdapterEx | Ddi::ProtocolUnbindAdapterEx)) {
            return Err(violation(
                Rule::BindingUnbindadapterContext,
                driver,
                Object::Driver(driver),
                "NdisUnbindAdapter was called from ProtocolBindAdapterEx or ProtocolUnbindAdapterEx",
            ));
        }
        let slot = self.usable_binding(cx, handle)?;
        let this = &mut self.bindings[slot];
        // The unbind may already be under way, which the driver cannot know.
        if this.is_closing() {
            return Ok(Step::Return(Status::SUCCESS));
        }
        (this.unwanted, this.unbind_asked) = (true, true);
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(crate) fn unbind(&mut self, cx: &mut Context<'_>, binding: BindingId) -> Step {
        let slot = binding.0.slot;
        let unbind_context = cx.handle(HandleKind::UnbindContext, slot);
        let bind_pends = matches!(self.bindings[slot].state, BindingState::Opening(_));
        self.bindings[slot].unbind_context = Some(unbind_context);
        if !bind_pends {
            self.set_binding(cx, slot, BindingState::Closing(Phase::Calling));
        } else {
            self.bindings[slot].unbind_in_bind = Some(Phase::Calling);
        }
        self.close_families_of_binding(cx, slot);
        let this = &self.bindings[slot];
        let (driver, binding_context) = (this.driver, this.context);
        let callback = Callback::UnbindAdapterEx { unbind_context, binding_context };
        self.invoke(crate::Op::Binding(Op::Unbind(slot)), driver, callback)
    }

    pub(crate) fn close_adapter(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let driver = cx.caller();
        let slot = self.usable_binding(cx, handle)?;
        let this = &self.bindings[slot];
        let in_context = this.is_opening() || matches!(this.state, BindingState::Closing(_));
        if !in_context {
            return Err(violation(
                Rule::BindingCloseContext,
                driver,
                Object::Binding(this.id),
                "NdisCloseAdapterEx was called while neither a bind nor an unbind was outstanding",
            ));
        }
        self.check_afs_before_close(cx, slot)?;
        let this = &self.bindings[slot];
        if self.config.pend_close || self.is_in_use(this) {
            self.bindings[slot].opened = Opened::Closing;
            return Ok(Step::Return(Status::PENDING));
        }
        self.closed(cx, slot);
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(super) fn closed(&mut self, cx: &mut Context<'_>, slot: u32) {
        self.bindings[slot].opened = Opened::Closed;
        self.drop_families_of_binding(cx, slot);
    }

    pub(crate) fn close_adapter_complete(&mut self, cx: &mut Context<'_>, binding: BindingId) -> Step {
        let slot = binding.0.slot;
        self.closed(cx, slot);
        let this = &self.bindings[slot];
        let (driver, binding_context) = (this.driver, this.context);
        self.invoke(
            crate::Op::Binding(Op::Told(slot)),
            driver,
            Callback::CloseAdapterCompleteEx { binding_context },
        )
    }

    /// Checks what must be done by the time an unbind is reported over.
    pub(super) fn check_unbind_end(&self, slot: u32) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Binding(this.id), offence));
        match this.opened {
            Opened::Closed | Opened::Unopened => Ok(()),
            Opened::Closing => {
                fail(Rule::BindingUnbindAfterClose, "the close of the adapter has not completed")
            }
            Opened::Opening | Opened::Open => {
                self.check_client_closed(this, "the unbind was reported over with an address family open")?;
                fail(Rule::BindingUnbindCloses, "the unbind was reported over without NdisCloseAdapterEx")
            }
        }
    }

    pub(crate) fn complete_unbind(&mut self, cx: &mut Context<'_>, context: HandleArg) -> Stepped {
        let driver = cx.caller();
        let Some(slot) = self.by_context(cx, context, HandleKind::UnbindContext) else {
            return Err(violation(
                Rule::BindingUnbindContextInvalid,
                driver,
                Object::Driver(driver),
                "UnbindContext is not that of an unbind of this driver",
            ));
        };
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, driver, Object::Binding(this.id), offence));
        let mut phase = match (this.state, this.unbind_in_bind) {
            (BindingState::Closing(phase), _) => phase,
            (_, Some(phase)) => phase,
            // Over: gone, or an unbind that undid a pended bind.
            (
                BindingState::Unbound
                | BindingState::Opening(_)
                | BindingState::Paused
                | BindingState::Restarting
                | BindingState::Running
                | BindingState::Pausing,
                None,
            ) => {
                return if this.unbind_returned {
                    let misfit = crate::phase::Misfit::CompletedUnpended;
                    fail(Rule::BindingUnbindCompleteRequired, misfit.offence())
                } else {
                    fail(Rule::BindingUnbindContextInvalid, "the unbind was completed before")
                };
            }
        };
        match phase.complete() {
            Ok(()) => {}
            Err(crate::phase::Misfit::CompletedTwice) => {
                return fail(Rule::BindingUnbindContextInvalid, "the unbind was completed before");
            }
            Err(misfit @ crate::phase::Misfit::CompletedUnpended) => {
                return fail(Rule::BindingUnbindCompleteRequired, misfit.offence());
            }
        }
        self.check_unbind_end(slot)?;
        if this.state == BindingState::Opening(Phase::Completed) {
            return fail(Rule::BindingBindCompleteReady, BIND_BEFORE_UNBIND);
        }
        self.unbind_at(cx, slot, phase);
        if phase == Phase::Completed {
            self.unbound(cx, slot);
        }
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(super) fn unbind_at(&mut self, cx: &mut Context<'_>, slot: u32, phase: Phase) {
        if self.bindings[slot].unbind_in_bind.is_some() {
            self.bindings[slot].unbind_in_bind = Some(phase);
        } else {
            self.set_binding(cx, slot, BindingState::Closing(phase));
        }
    }

    /// The unbind is over. One that undid a pended bind leaves that bind to be completed with its error, or lets it end
    /// if that has happened.
    pub(super) fn unbound(&mut self, cx: &mut Context<'_>, slot: u32) {
        let this = &mut self.bindings[slot];
        if this.unbind_in_bind.take().is_none() {
            self.binding_gone(cx, slot);
        } else if this.state == BindingState::Opening(Phase::Completed) {
            let status = this.early_answer;
            self.bind_ended(cx, slot, status);
        }
    }

    pub(super) fn unbind_returned(
        &mut self,
        cx: &mut Context<'_>,
        slot: u32,
        status: Status,
    ) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Binding(this.id), offence));
        if status != Status::SUCCESS && status != Status::PENDING {
            return fail(Rule::BindingUnbindNoFail, "ProtocolUnbindAdapterEx failed");
        }
        let mut phase = match (this.unbind_in_bind, this.state) {
            (Some(phase), _) | (None, BindingState::Closing(phase)) => phase,
            (
                None,
                BindingState::Opening(_)
                | BindingState::Paused
                | BindingState::Restarting
                | BindingState::Running
                | BindingState::Pausing
                | BindingState::Unbound,
            ) => unreachable!("an unbind ends when its handler has returned"),
        };
        match phase.returned(status) {
            Ok(Verdict::Pended)
                if phase == Phase::Pending && this.state == BindingState::Opening(Phase::Completed) =>
            {
                return fail(Rule::BindingBindCompleteReady, BIND_BEFORE_UNBIND);
            }
            Ok(Verdict::Pended) => {
                self.unbind_at(cx, slot, phase);
                if phase == Phase::Completed {
                    self.unbound(cx, slot);
                }
            }
            Ok(Verdict::Result(_)) => {
                self.check_unbind_end(slot)?;
                self.bindings[slot].unbind_returned = true;
                self.unbound(cx, slot);
            }
            Err(misfit) => return fail(Rule::BindingUnbindCompleteRequired, misfit.offence()),
        }
        Ok(())
    }

    pub(super) fn binding_gone(&mut self, cx: &mut Context<'_>, slot: u32) {
        self.set_binding(cx, slot, BindingState::Unbound);
        self.bindings.remove(slot);
    }
}
