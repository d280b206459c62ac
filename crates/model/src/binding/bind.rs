//! A protocol is offered an adapter: `ProtocolBindAdapterEx`, `NdisOpenAdapterEx`, and how a bind ends.

use crate::block::OpenParameters;
use crate::phase::{Phase, Verdict};
use crate::registration::header_fits;
use crate::{
    AdapterId, BindingId, Callback, Context, DriverId, Handle, HandleArg, HandleKind, Object, OutParameter,
    Power, Step, Stepped, Token, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Ddi, Rule, Status};

use super::{Binding, BindingState, Op, Opened};

pub(super) const BIND_BEFORE_UNBIND: &str = "the bind was completed before its unbind was over";

impl World {
    pub(crate) fn bind(&mut self, cx: &mut Context<'_>, driver: DriverId, adapter: AdapterId) -> Step {
        let slot = self.bindings.next_slot();
        let bind_context = cx.handle(HandleKind::BindContext, slot);
        let inserted = self.bindings.insert(Binding {
            id: BindingId(bind_context),
            driver,
            adapter,
            state: BindingState::Opening(Phase::Calling),
            opened: Opened::Unopened,
            handle: None,
            unbind_context: None,
            context: Token::NULL,
            unwanted: false,
            unbind_asked: false,
            open_failed: false,
            event: None,
            asked: None,
            power: Power::D0,
            restart_failed: false,
            unbind_in_bind: None,
            unbind_returned: false,
            early_answer: Status::SUCCESS,
            vcs: 0,
            started: self.adapter(adapter).handle.map(Handle::made_by),
        });
        debug_assert_eq!(inserted, Ok(slot), "a protocol has one binding to an adapter");
        cx.edge(Object::Binding(BindingId(bind_context)), "unbound", "opening");
        let driver_context = self.driver(driver).bindable().map_or(Token::NULL, |(_, context)| context);
        let callback = Callback::BindAdapterEx { driver_context, bind_context, adapter };
        self.invoke(crate::Op::Binding(Op::Bind(slot)), driver, callback)
    }

    /// The binding that a `BindContext` or `UnbindContext` stands for.
    pub(super) fn by_context(&self, cx: &Context<'_>, context: HandleArg, kind: HandleKind) -> Option<u32> {
        let HandleArg::Known(handle) = context else {
            return None;
        };
        let binding = self.bindings.get(handle.slot)?;
        let same = match kind {
            HandleKind::BindContext => binding.id.0 == handle,
            HandleKind::UnbindContext => binding.unbind_context == Some(handle),
            _ => unreachable!("only a bind and an unbind have a context"),
        };
        (same && binding.driver == cx.caller()).then_some(handle.slot)
    }

    pub(crate) fn open_adapter(
        &mut self,
        cx: &mut Context<'_>,
        protocol: HandleArg,
        context: Token,
        parameters: OpenParameters,
        bind_context: HandleArg,
    ) -> Stepped {
        let driver = cx.caller();
        self.own_driver(cx, protocol, HandleKind::ProtocolDriver)?;
        let bind = self.by_context(cx, bind_context, HandleKind::BindContext);
        if bind.is_none() && cx.task.handler == Some(Ddi::ProtocolBindAdapterEx) {
            let offence = "BindContext is not the one of the bind";
            cx.warn(Rule::BindingOpenName, driver, Object::Driver(driver), offence);
            return Ok(Step::Return(Status::FAILURE));
        }
        let outstanding = bind.filter(|&slot| {
            self.bindings[slot].is_opening() && self.bindings[slot].opened == Opened::Unopened
        });
        let Some(slot) = outstanding else {
            let offence = "NdisOpenAdapterEx without an outstanding bind that it belongs to";
            cx.warn(Rule::BindingOpenInBind, driver, Object::Driver(driver), offence);
            return Ok(Step::Return(Status::FAILURE));
        };
        let this = &self.bindings[slot];
        let object = Object::Binding(this.id);
        let fail = |rule, offence| Err(violation(rule, driver, object, offence));
        let object_type = contract::values::ndis_object_type::NDIS_OBJECT_TYPE_OPEN_PARAMETERS;
        if !header_fits(parameters.header, object_type, 52) {
            return fail(Rule::BindingOpenHeader, "the header's type, revision or size does not fit");
        }
        if !parameters.names_bound_adapter {
            cx.warn(Rule::BindingOpenName, driver, object, "AdapterName is not the one of the bind");
            self.bindings[slot].open_failed = true;
            return Ok(Step::Return(Status::ADAPTER_NOT_FOUND));
        }
        let medium = self.adapter(this.adapter).medium;
        let Some(index) = medium.and_then(|medium| parameters.media.position(medium)) else {
            // How a protocol finds that an adapter is not for it.
            self.bindings[slot].open_failed = true;
            return Ok(Step::Return(Status::UNSUPPORTED_MEDIA));
        };
        let handle = cx.handle(HandleKind::Binding, slot);
        let pend = self.config.pend_open;
        let this = &mut self.bindings[slot];
        this.opened = if pend { Opened::Opening } else { Opened::Open };
        (this.handle, this.context) = (Some(handle), context);
        let id = self.ops.begin(crate::Op::Binding(Op::PublishBinding(slot)));
        Ok(Step::Publish(id, OutParameter::Binding(handle, index)))
    }

    pub(crate) fn open_adapter_complete(&mut self, binding: BindingId) -> Step {
        let this = &mut self.bindings[binding.0.slot];
        this.opened = Opened::Open;
        let (driver, binding_context) = (this.driver, this.context);
        let callback = Callback::OpenAdapterCompleteEx { binding_context, status: Status::SUCCESS };
        self.invoke(crate::Op::Binding(Op::Told(binding.0.slot)), driver, callback)
    }

    /// A binding handle that its own driver may use now.
    pub(crate) fn usable_binding(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let driver = cx.caller();
        let unknown =
            |offence| Err(violation(Rule::BindingHandleKnown, driver, Object::Driver(driver), offence));
        let handle = match handle {
            HandleArg::Known(handle) if handle.kind == HandleKind::Binding => handle,
            HandleArg::Known(_) => return unknown("the handle is of another kind"),
            HandleArg::Null => return unknown("the handle is NULL"),
            HandleArg::Unknown(_) => return unknown("NDIS never gave out this value"),
        };
        let this = match self.bindings.get(handle.slot) {
            Some(this) if this.handle == Some(handle) => this,
            Some(_) | None => return unknown("the binding was closed long ago"),
        };
        if this.driver != driver {
            return unknown("the binding is another driver's");
        }
        let fail = |rule, offence| Err(violation(rule, driver, Object::Binding(this.id), offence));
        match this.opened {
            Opened::Open => Ok(handle.slot),
            Opened::Opening => fail(Rule::BindingOpenPendingValues, "the open has not completed yet"),
            Opened::Closing | Opened::Closed => {
                fail(Rule::BindingCloseHandleInvalid, "NdisCloseAdapterEx was called before")
            }
            Opened::Unopened => unreachable!("a binding without an open has no handle"),
        }
    }

    /// Checks what a bind that ends with `status` must have done, under the rules of the way in which it ends.
    pub(super) fn check_bind_end(&self, slot: u32, status: Status, completed: bool) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Binding(this.id), offence));
        if status == Status::SUCCESS {
            return match this.opened {
                Opened::Open => Ok(()),
                Opened::Unopened if this.open_failed => {
                    fail(Rule::BindingOpenFailed, "the bind succeeded although its open failed")
                }
                Opened::Unopened | Opened::Opening | Opened::Closing | Opened::Closed => {
                    fail(Rule::BindingBindCompleteReady, "the bind succeeded without an open adapter")
                }
            };
        }
        match this.opened {
            Opened::Unopened | Opened::Closed => Ok(()),
            Opened::Opening | Opened::Open | Opened::Closing => {
                let rule =
                    if completed { Rule::BindingBindCompleteReady } else { Rule::BindingFailedBindCloses };
                fail(rule, "the bind failed and left the adapter open")
            }
        }
    }

    pub(super) fn bind_ended(&mut self, cx: &mut Context<'_>, slot: u32, status: Status) {
        if status == Status::SUCCESS {
            self.set_binding(cx, slot, BindingState::Paused);
            self.offer_families_of_binding(cx, slot);
        } else {
            self.drop_families_of_binding(cx, slot);
            // The protocol does not want this adapter; it is offered again when asked for.
            self.bindings[slot].unwanted = true;
            self.binding_gone(cx, slot);
        }
    }

    pub(crate) fn complete_bind(
        &mut self,
        cx: &mut Context<'_>,
        context: HandleArg,
        status: Status,
    ) -> Stepped {
        let driver = cx.caller();
        let Some(slot) = self.by_context(cx, context, HandleKind::BindContext) else {
            return Err(violation(
                Rule::BindingBindCompletePendingOnly,
                driver,
                Object::Driver(driver),
                "BindAdapterContext is not that of a bind of this driver",
            ));
        };
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, driver, Object::Binding(this.id), offence));
        let BindingState::Opening(mut phase) = this.state else {
            return fail(Rule::BindingBindCompletePendingOnly, "the bind is over");
        };
        if let Err(misfit) = phase.complete() {
            return fail(Rule::BindingBindCompletePendingOnly, misfit.offence());
        }
        if status == Status::PENDING {
            return fail(Rule::BindingBindCompleteReady, "the bind was completed with NDIS_STATUS_PENDING");
        }
        let unbind_runs = match this.unbind_in_bind {
            None => false,
            Some(Phase::Calling) if cx.task.handler == Some(Ddi::ProtocolUnbindAdapterEx) => {
                return fail(Rule::BindingBindCompleteReady, BIND_BEFORE_UNBIND);
            }
            // Elsewhere the driver cannot know whether NDIS has seen the return of ProtocolUnbindAdapterEx.
            Some(Phase::Calling | Phase::CompletedEarly) => true,
            Some(Phase::Pending) => return fail(Rule::BindingBindCompleteReady, BIND_BEFORE_UNBIND),
            Some(Phase::Returned | Phase::Completed) => unreachable!("an unbind that is over is forgotten"),
        };
        self.check_bind_end(slot, status, true)?;
        self.set_binding(cx, slot, BindingState::Opening(phase));
        if phase == Phase::Completed && !unbind_runs {
            self.bind_ended(cx, slot, status);
        } else {
            // Delivered at once; the handler has only to return.
            self.bindings[slot].early_answer = status;
        }
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(super) fn bind_returned(
        &mut self,
        cx: &mut Context<'_>,
        slot: u32,
        status: Status,
    ) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let BindingState::Opening(mut phase) = this.state else {
            unreachable!("a bind ends when its handler has returned");
        };
        match phase.returned(status) {
            Ok(Verdict::Pended) => {
                self.set_binding(cx, slot, BindingState::Opening(phase));
                if phase == Phase::Completed {
                    self.bind_ended(cx, slot, self.bindings[slot].early_answer);
                }
            }
            Ok(Verdict::Result(status)) => {
                self.check_bind_end(slot, status, false)?;
                self.bind_ended(cx, slot, status);
            }
            Err(misfit) => {
                let rule = Rule::BindingBindCompletePendingOnly;
                return Err(violation(rule, this.driver, Object::Binding(this.id), misfit.offence()));
            }
        }
        Ok(())
    }

    pub(crate) fn reenumerate_bindings(&mut self, cx: &mut Context<'_>, protocol: HandleArg) -> Stepped {
        let driver = cx.caller();
        self.own_driver(cx, protocol, HandleKind::ProtocolDriver)?;
        if matches!(
            cx.task.handler,
            Some(Ddi::ProtocolBindAdapterEx | Ddi::ProtocolUnbindAdapterEx | Ddi::ProtocolNetPnPEvent)
        ) {
            return Err(violation(
                Rule::BindingReenumerateContext,
                driver,
                Object::Driver(driver),
                "NdisReEnumerateProtocolBindings was called from a handler of a binding",
            ));
        }
        self.forget_unbound(driver, None);
        Ok(Step::Return(Status::SUCCESS))
    }

    /// Lets NDIS offer adapters again to a protocol that refused them or was taken off them.
    pub(super) fn forget_unbound(&mut self, driver: DriverId, adapter: Option<AdapterId>) {
        let again: Vec<u32> = self
            .bindings
            .iter_removed()
            .filter(|(_, binding)| binding.driver == driver && adapter.is_none_or(|a| a == binding.adapter))
            .map(|(slot, _)| slot)
            .collect();
        for slot in again {
            self.bindings[slot].unwanted = false;
        }
    }

    /// Whether a protocol has no binding to the adapter, and was not taken off it for good.
    pub(super) fn may_bind(&self, driver: DriverId, adapter: AdapterId) -> bool {
        // What happened in an earlier start of the adapter tells nothing.
        let started = self.adapter(adapter).handle.map(Handle::made_by);
        self.live_binding(driver, adapter).is_none()
            && !self.bindings.iter_removed().any(|(_, binding)| {
                let refused = binding.unwanted && binding.started == started;
                binding.driver == driver && binding.adapter == adapter && refused
            })
    }
}
