//! Events of a binding, pause and restart among them: `ProtocolNetPnPEvent` and how it is answered.

use crate::phase::{Phase, Verdict};
use crate::{
    BindingId, Callback, Context, Handle, HandleArg, HandleKind, NetEvent, Object, Step, Stepped, Violation,
    World, violation,
};
use contract::{Rule, Status};

use super::{BindingState, Op};

impl World {
    pub(crate) fn net_pnp_event(&mut self, cx: &mut Context<'_>, binding: BindingId, kind: NetEvent) -> Step {
        let slot = binding.0.slot;
        let event = cx.handle(HandleKind::PnpEvent, slot);
        match kind {
            NetEvent::Pause => self.set_binding(cx, slot, BindingState::Pausing),
            NetEvent::Restart => self.set_binding(cx, slot, BindingState::Restarting),
            NetEvent::SetPower(_)
            | NetEvent::QueryPower(_)
            | NetEvent::QueryRemoveDevice
            | NetEvent::CancelRemoveDevice
            | NetEvent::Reconfigure
            | NetEvent::BindsComplete => {}
        }
        let this = &mut self.bindings[slot];
        this.event = Some((event, kind, Phase::Calling));
        if this.asked == Some(kind) {
            this.asked = None;
        }
        let (driver, binding_context) = (this.driver, this.context);
        let callback = Callback::NetPnPEvent { binding_context, event, kind };
        self.invoke(crate::Op::Binding(Op::Event(slot)), driver, callback)
    }

    /// Checks the answer to an event, however it comes.
    pub(super) fn check_event_answer(
        &self,
        cx: &mut Context<'_>,
        slot: u32,
        kind: NetEvent,
        status: Status,
    ) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let object = Object::Binding(this.id);
        if status == Status::SUCCESS {
            return Ok(());
        }
        if status == Status::NOT_SUPPORTED {
            let offence = "an event was answered with NDIS_STATUS_NOT_SUPPORTED";
            return Err(violation(Rule::BindingPnpNotSupported, this.driver, object, offence));
        }
        match kind {
            NetEvent::Pause => {
                Err(violation(Rule::BindingPauseNoFail, this.driver, object, "a pause was failed"))
            }
            NetEvent::Restart
            | NetEvent::QueryPower(_)
            | NetEvent::CancelRemoveDevice
            | NetEvent::Reconfigure
            | NetEvent::BindsComplete => {
                let offence = "an event was failed that is always answered with success";
                cx.warn(Rule::BindingPnpAlwaysSucceed, this.driver, object, offence);
                Ok(())
            }
            NetEvent::SetPower(_) | NetEvent::QueryRemoveDevice => Ok(()),
        }
    }

    pub(super) fn event_answered(&mut self, cx: &mut Context<'_>, slot: u32, kind: NetEvent, status: Status) {
        self.bindings[slot].event = None;
        match kind {
            NetEvent::Pause => self.set_binding(cx, slot, BindingState::Paused),
            NetEvent::Restart if status == Status::SUCCESS => {
                self.set_binding(cx, slot, BindingState::Running)
            }
            NetEvent::Restart => {
                self.set_binding(cx, slot, BindingState::Paused);
                self.bindings[slot].restart_failed = true;
            }
            NetEvent::SetPower(power) => self.bindings[slot].power = power,
            NetEvent::QueryPower(_)
            | NetEvent::QueryRemoveDevice
            | NetEvent::CancelRemoveDevice
            | NetEvent::Reconfigure
            | NetEvent::BindsComplete => {}
        }
    }

    pub(crate) fn complete_net_pnp_event(
        &mut self,
        cx: &mut Context<'_>,
        binding: HandleArg,
        event: HandleArg,
        status: Status,
    ) -> Stepped {
        let driver = cx.caller();
        let known = |handle: Handle| {
            let this = self.bindings.get(handle.slot)?;
            (this.driver == driver).then_some(handle.slot)
        };
        let slot = match event {
            HandleArg::Known(handle) if handle.kind == HandleKind::PnpEvent => known(handle),
            HandleArg::Known(_) | HandleArg::Null | HandleArg::Unknown(_) => None,
        };
        let fail =
            |object, offence| Err(violation(Rule::BindingPnpCompleteRequired, driver, object, offence));
        let Some(slot) = slot else {
            return fail(Object::Driver(driver), "the notification is not one that this driver was sent");
        };
        let this = &self.bindings[slot];
        let object = Object::Binding(this.id);
        let Some((handle, kind, mut phase)) = this.event else {
            return fail(object, "the event was answered before");
        };
        if HandleArg::Known(handle) != event {
            return fail(object, "the event was answered before");
        }
        if this.handle.map(HandleArg::Known) != Some(binding) {
            return fail(object, "NdisBindingHandle is not the one of the event's binding");
        }
        if let Err(misfit) = phase.complete() {
            return fail(object, misfit.offence());
        }
        self.check_event_answer(cx, slot, kind, status)?;
        if phase == Phase::Completed {
            self.event_answered(cx, slot, kind, status);
        } else {
            self.bindings[slot].event = Some((handle, kind, phase));
            self.bindings[slot].early_answer = status;
        }
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(super) fn event_returned(
        &mut self,
        cx: &mut Context<'_>,
        slot: u32,
        status: Status,
    ) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let Some((handle, kind, mut phase)) = this.event else {
            unreachable!("an event ends when its handler has returned");
        };
        match phase.returned(status) {
            Ok(Verdict::Pended) if phase == Phase::Pending => {
                self.bindings[slot].event = Some((handle, kind, phase));
            }
            Ok(Verdict::Pended) => {
                let status = self.bindings[slot].early_answer;
                self.event_answered(cx, slot, kind, status);
            }
            Ok(Verdict::Result(status)) => {
                self.check_event_answer(cx, slot, kind, status)?;
                self.event_answered(cx, slot, kind, status);
            }
            Err(misfit) => {
                let rule = Rule::BindingPnpCompleteRequired;
                return Err(violation(rule, this.driver, Object::Binding(this.id), misfit.offence()));
            }
        }
        Ok(())
    }
}
