//! Area `binding`: the order in which NDIS starts and stops adapters, and binds and unbinds protocols.

use super::{Auditor, Key, Target, duty};
use alloc::vec::Vec;
use contract::{Ddi, Rule, Status};
use model::block::Attributes;
use model::{
    AdapterId, BindingId, Callback, DriverId, Handle, HandleArg, NetEvent, Object, StopOrder, Token,
    Violation,
};

const REGISTRATION_ATTRIBUTES: u32 =
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES;

/// What is known of one adapter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Adapter {
    pub(super) driver: Option<DriverId>,
    handle: Option<Handle>,
    /// `MiniportAdapterContext`.
    pub(super) context: Option<Token>,
    pub(super) state: AdapterState,
}

/// As far as the miniport was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AdapterState {
    Halted,
    Initializing,
    Paused,
    Restarting,
    Running,
    Pausing,
    Halting,
}

/// What is known of one binding, from the offer of the adapter on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Binding {
    pub(super) key: Key,
    id: Handle,
    pub(super) driver: DriverId,
    pub(super) adapter: AdapterId,
    /// `ProtocolBindingContext`, once the protocol has opened the adapter.
    pub(super) context: Option<Token>,
    handle: Option<Handle>,
    unbind_context: Option<Handle>,
    /// The protocol has called `NdisUnbindAdapter`.
    asked: bool,
    /// The event that is not answered.
    event: Option<(Handle, NetEvent)>,
    pub(super) state: BindingState,
}

/// As far as the protocol was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BindingState {
    Opening,
    Paused,
    Restarting,
    Running,
    Pausing,
    Unbinding,
    /// Over, but for a completion that is still to come.
    Gone,
}

impl BindingState {
    /// Whether the bind has succeeded and no unbind has begun.
    pub(super) fn is_bound(self) -> bool {
        match self {
            BindingState::Paused
            | BindingState::Restarting
            | BindingState::Running
            | BindingState::Pausing => true,
            BindingState::Opening | BindingState::Unbinding | BindingState::Gone => false,
        }
    }
}

impl Auditor {
    // ---- adapters ---------------------------------------------------------------------------------------------

    pub(super) fn adapter(&mut self, adapter: AdapterId) -> &mut Adapter {
        let index = usize::from(adapter.0);
        let halted = Adapter { driver: None, handle: None, context: None, state: AdapterState::Halted };
        if index >= self.adapters.len() {
            self.adapters.resize(index + 1, halted);
        }
        &mut self.adapters[index]
    }

    pub(super) fn adapter_by_handle(&self, handle: HandleArg) -> Option<AdapterId> {
        let HandleArg::Known(handle) = handle else { return None };
        let index = self.adapters.iter().position(|adapter| adapter.handle == Some(handle))?;
        u8::try_from(index).ok().map(AdapterId)
    }

    pub(super) fn target_of_adapter(&self, handle: HandleArg) -> Target {
        self.adapter_by_handle(handle).map_or(Target::None, Target::Adapter)
    }

    pub(super) fn attributes_set(&mut self, handle: HandleArg, attributes: &Attributes) -> Target {
        let target = self.target_of_adapter(handle);
        if let Target::Adapter(adapter) = target
            && u32::from(attributes.header.object_type) == REGISTRATION_ATTRIBUTES
        {
            self.adapter(adapter).context = Some(attributes.context);
        }
        target
    }

    pub(super) fn initialize_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        handle: Handle,
        driver_context: Token,
    ) -> Target {
        let Target::Adapter(id) = from else { return Target::None };
        let object = Object::Adapter(id);
        if driver_context != self.miniport_context(driver) {
            let offence = "MiniportInitializeEx got another context than the driver's";
            self.fault(Rule::BindingNdisStartOrder, driver, object, offence);
        }
        match self.adapter(id).state {
            AdapterState::Halted => {}
            AdapterState::Pausing | AdapterState::Restarting => {
                let offence = "an adapter was initialised while it paused or restarted";
                self.fault(Rule::BindingNdisNoPnpWhilePausing, driver, object, offence);
            }
            AdapterState::Initializing
            | AdapterState::Paused
            | AdapterState::Running
            | AdapterState::Halting => {
                let offence = "an adapter was initialised that was not halted";
                self.fault(Rule::BindingNdisStartOrder, driver, object, offence);
            }
        }
        *self.adapter(id) = Adapter {
            driver: Some(driver),
            handle: Some(handle),
            context: None,
            state: AdapterState::Initializing,
        };
        from
    }

    pub(super) fn initialize_over(&mut self, target: Target, status: Status) {
        let Target::Adapter(id) = target else { return };
        if status == Status::SUCCESS {
            self.adapter(id).state = AdapterState::Paused;
        } else {
            self.halt_over(target);
        }
    }

    /// Checks that a handler of an adapter gets the miniport's context, at a time when the adapter may be asked.
    fn check_adapter(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        rule: Rule,
    ) -> Option<(AdapterId, AdapterState)> {
        let Target::Adapter(id) = from else { return None };
        let object = Object::Adapter(id);
        let adapter = *self.adapter(id);
        if adapter.driver != Some(driver) || adapter.context.is_some_and(|given| given != context) {
            self.fault(
                rule,
                driver,
                object,
                "a handler of an adapter got another context than the miniport's",
            );
        }
        match adapter.state {
            AdapterState::Initializing => {
                let offence = "something was asked of an adapter before MiniportInitializeEx had returned";
                self.fault(Rule::BindingNdisInitQuiet, driver, object, offence);
            }
            AdapterState::Halting | AdapterState::Halted => {
                let offence = "something was asked of an adapter after MiniportHaltEx";
                self.fault(Rule::BindingNdisHaltQuiet, driver, object, offence);
            }
            AdapterState::Paused
            | AdapterState::Restarting
            | AdapterState::Running
            | AdapterState::Pausing => {}
        }
        Some((id, adapter.state))
    }

    fn check_steady(&mut self, driver: DriverId, adapter: AdapterId, state: AdapterState) {
        if matches!(state, AdapterState::Pausing | AdapterState::Restarting) {
            let offence = "a PnP operation was started while the adapter paused or restarted";
            self.fault(Rule::BindingNdisNoPnpWhilePausing, driver, Object::Adapter(adapter), offence);
        }
    }

    pub(super) fn pause_begins(&mut self, driver: DriverId, from: Target, context: Token) -> Target {
        let rule = Rule::BindingNdisStopOrder;
        let Some((id, state)) = self.check_adapter(driver, from, context, rule) else { return Target::None };
        self.check_steady(driver, id, state);
        let flows = |binding: &Binding| {
            let state = binding.state;
            matches!(state, BindingState::Restarting | BindingState::Running | BindingState::Pausing)
        };
        if self.bindings.iter().any(|binding| binding.adapter == id && flows(binding)) {
            self.fault(
                rule,
                driver,
                Object::Adapter(id),
                "a miniport was paused before the protocols above it",
            );
        }
        self.adapter(id).state = AdapterState::Pausing;
        from
    }

    pub(super) fn pause_over(&mut self, target: Target) {
        let Target::Adapter(id) = target else { return };
        let adapter = self.adapter(id);
        if adapter.state == AdapterState::Pausing {
            adapter.state = AdapterState::Paused;
        }
    }

    pub(super) fn pause_completes(&mut self, handle: HandleArg) -> Target {
        let target = self.target_of_adapter(handle);
        self.pause_over(target);
        target
    }

    pub(super) fn restart_begins(&mut self, driver: DriverId, from: Target, context: Token) -> Target {
        let rule = Rule::BindingNdisStartOrder;
        let Some((id, state)) = self.check_adapter(driver, from, context, rule) else { return Target::None };
        self.check_steady(driver, id, state);
        if state == AdapterState::Running {
            self.fault(rule, driver, Object::Adapter(id), "a miniport was restarted that runs");
        }
        self.adapter(id).state = AdapterState::Restarting;
        from
    }

    pub(super) fn restart_over(&mut self, target: Target, status: Status) {
        let Target::Adapter(id) = target else { return };
        let adapter = self.adapter(id);
        if adapter.state == AdapterState::Restarting {
            adapter.state =
                if status == Status::SUCCESS { AdapterState::Running } else { AdapterState::Paused };
        }
    }

    pub(super) fn restart_completes(&mut self, handle: HandleArg, status: Status) -> Target {
        let target = self.target_of_adapter(handle);
        self.restart_over(target, status);
        target
    }

    pub(super) fn device_event(&mut self, driver: DriverId, from: Target, context: Token) -> Target {
        self.check_adapter(driver, from, context, Rule::BindingNdisHaltQuiet);
        from
    }

    pub(super) fn halt_begins(&mut self, driver: DriverId, from: Target, context: Token) -> Target {
        let rule = Rule::BindingNdisStopOrder;
        let Some((id, state)) = self.check_adapter(driver, from, context, rule) else { return Target::None };
        self.check_steady(driver, id, state);
        let object = Object::Adapter(id);
        if state == AdapterState::Running {
            self.fault(rule, driver, object, "an adapter was halted that was not paused");
        }
        let left = self.bindings.iter().filter(|binding| binding.adapter == id);
        let in_the_way = left.filter(|binding| match self.order {
            StopOrder::Strict => binding.state != BindingState::Gone,
            StopOrder::Overlapped => !matches!(binding.state, BindingState::Unbinding | BindingState::Gone),
        });
        if in_the_way.count() > 0 {
            self.fault(rule, driver, object, "an adapter was halted before the protocols were unbound");
        }
        self.adapter(id).state = AdapterState::Halting;
        from
    }

    pub(super) fn halt_over(&mut self, target: Target) {
        let Target::Adapter(id) = target else { return };
        let adapter = self.adapter(id);
        (adapter.state, adapter.handle) = (AdapterState::Halted, None);
        self.registrations.retain(|registration| !registration.is_held_by_adapter(id));
        self.notifications_end(id);
    }

    pub(super) fn miniport_unloads(&mut self, driver: DriverId) -> Target {
        let mut adapters = self.adapters.iter().enumerate();
        let up = adapters
            .find(|(_, adapter)| adapter.driver == Some(driver) && adapter.state != AdapterState::Halted)
            .and_then(|(index, _)| u8::try_from(index).ok());
        if let Some(index) = up {
            let object = Object::Adapter(AdapterId(index));
            let offence = "a miniport driver was unloaded before all its adapters were halted";
            self.fault(Rule::BindingNdisUnloadAfterHalts, driver, object, offence);
        }
        Target::None
    }

    // ---- bindings ---------------------------------------------------------------------------------------------

    pub(super) fn binding(&self, key: Key) -> Option<&Binding> {
        self.bindings.iter().find(|binding| binding.key == key)
    }

    pub(super) fn binding_mut(&mut self, target: Target) -> Option<&mut Binding> {
        let Target::Binding(key) = target else { return None };
        self.bindings.iter_mut().find(|binding| binding.key == key)
    }

    fn target_where(&self, is_it: impl Fn(&Binding) -> bool) -> Target {
        self.bindings
            .iter()
            .find(|binding| is_it(binding))
            .map_or(Target::None, |found| Target::Binding(found.key))
    }

    pub(super) fn target_of_id(&self, id: BindingId) -> Target {
        self.target_where(|binding| binding.id == id.0)
    }

    pub(super) fn target_of_binding(&self, driver: DriverId, handle: HandleArg) -> Target {
        let HandleArg::Known(handle) = handle else { return Target::None };
        self.target_where(|binding| binding.driver == driver && binding.handle == Some(handle))
    }

    pub(super) fn object_of_binding(&self, key: Key) -> Option<Object> {
        self.binding(key).map(|binding| Object::Binding(BindingId(binding.id)))
    }

    /// The binding that a handler is about: its cause's, or for a cause that has none the one with that context. A
    /// handler that is given something else than the protocol's context breaks the duty of the handler.
    pub(super) fn binding_of(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        callback: &Callback,
    ) -> Target {
        let by_context = |binding: &Binding| {
            binding.driver == driver
                && binding.context == Some(context)
                && binding.state != BindingState::Gone
        };
        let target = match from {
            Target::Binding(_) => from,
            _ => self.target_where(by_context),
        };
        let fits = self.binding_mut(target).is_some_and(|binding| {
            binding.driver == driver && binding.context.is_none_or(|given| given == context)
        });
        if !fits {
            let object = self.object(driver, target);
            let offence = "a handler of a binding got another context than the protocol's";
            self.fault(duty(callback), driver, object, offence);
        }
        target
    }

    pub(super) fn bind_begins(
        &mut self,
        driver: DriverId,
        driver_context: Token,
        bind_context: Handle,
        adapter: AdapterId,
    ) -> Target {
        let rule = Rule::BindingNdisBindAfterInit;
        let object = Object::Binding(BindingId(bind_context));
        match self.adapter(adapter).state {
            AdapterState::Paused
            | AdapterState::Restarting
            | AdapterState::Running
            | AdapterState::Pausing => {}
            AdapterState::Halted | AdapterState::Initializing | AdapterState::Halting => {
                let offence = "a protocol was bound to an adapter that was not initialised";
                self.fault(rule, driver, object, offence);
            }
        }
        if driver_context != self.protocol_context(driver) {
            self.fault(rule, driver, object, "ProtocolBindAdapterEx got another context than the driver's");
        }
        let key = self.next_key();
        self.bindings.push(Binding {
            key,
            id: bind_context,
            driver,
            adapter,
            context: None,
            handle: None,
            unbind_context: None,
            asked: false,
            event: None,
            state: BindingState::Opening,
        });
        Target::Binding(key)
    }

    pub(super) fn bind_over(&mut self, target: Target, status: Status) {
        let Some(binding) = self.binding_mut(target) else { return };
        if binding.state != BindingState::Opening {
            return;
        }
        if status == Status::SUCCESS {
            binding.state = BindingState::Paused;
        } else {
            self.gone(target);
        }
    }

    pub(super) fn bind_completes(&mut self, driver: DriverId, context: HandleArg, status: Status) -> Target {
        let HandleArg::Known(id) = context else { return Target::None };
        let target = self.target_where(|binding| binding.driver == driver && binding.id == id);
        self.bind_over(target, status);
        target
    }

    fn gone(&mut self, target: Target) {
        let Target::Binding(key) = target else { return };
        let awaited = self.pended.iter().any(|&(_, of)| of == target);
        let Some(index) = self.bindings.iter().position(|binding| binding.key == key) else { return };
        if awaited {
            self.bindings[index].state = BindingState::Gone;
        } else {
            self.bindings.remove(index);
        }
        self.registrations.retain(|registration| !registration.is_held_by_binding(key));
    }

    pub(super) fn adapter_opens(
        &mut self,
        driver: DriverId,
        bind_context: HandleArg,
        context: Token,
    ) -> Target {
        let HandleArg::Known(id) = bind_context else { return Target::None };
        let target = self.target_where(|binding| binding.driver == driver && binding.id == id);
        if let Some(binding) = self.binding_mut(target).filter(|binding| binding.handle.is_none()) {
            binding.context = Some(context);
        }
        target
    }

    pub(super) fn binding_stored(&mut self, target: Target, handle: Handle) {
        if let Some(binding) = self.binding_mut(target) {
            binding.handle = Some(handle);
        }
    }

    /// An open is over. One that failed leaves nothing.
    pub(super) fn open_adapter_returned(&mut self, target: Target, status: Status) {
        let pends = status == Status::PENDING || status == Status::SUCCESS;
        if let Some(binding) = self.binding_mut(target).filter(|binding| !pends && binding.handle.is_none()) {
            binding.context = None;
        }
    }

    pub(super) fn open_adapter_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        status: Status,
    ) -> Target {
        let callback = Callback::OpenAdapterCompleteEx { binding_context: context, status };
        let target = self.binding_of(driver, from, context, &callback);
        let stored = self.binding_mut(target).is_some_and(|binding| binding.handle.is_some());
        if status == Status::SUCCESS && !stored {
            let object = self.object(driver, target);
            let offence = "the binding handle was not stored before ProtocolOpenAdapterCompleteEx";
            self.fault(Rule::BindingNdisOpenValues, driver, object, offence);
        }
        target
    }

    /// A close is over: the registrations of a call manager end with it.
    pub(super) fn close_adapter_returned(&mut self, target: Target, status: Status) {
        let Target::Binding(key) = target else { return };
        if status != Status::SUCCESS {
            return;
        }
        self.registrations.retain(|registration| !registration.is_held_by_binding(key));
        if self.binding(key).is_some_and(|binding| binding.state == BindingState::Gone) {
            self.gone(target);
        }
    }

    pub(super) fn unbind_asked(&mut self, driver: DriverId, handle: HandleArg) -> Target {
        let target = self.target_of_binding(driver, handle);
        if let Some(binding) = self.binding_mut(target) {
            binding.asked = true;
        }
        target
    }

    pub(super) fn unbind_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        unbind_context: Handle,
    ) -> Target {
        let callback = Callback::UnbindAdapterEx { unbind_context, binding_context: context };
        let target = self.binding_of(driver, from, context, &callback);
        let object = self.object(driver, target);
        let Some(binding) = self.binding_mut(target) else { return target };
        binding.unbind_context = Some(unbind_context);
        let paused = match binding.state {
            BindingState::Paused => {
                binding.state = BindingState::Unbinding;
                true
            }
            // It undoes a bind that pends, which is then completed with an error (binding-q-failed-pended-bind).
            BindingState::Opening => binding.asked,
            BindingState::Restarting
            | BindingState::Running
            | BindingState::Pausing
            | BindingState::Unbinding
            | BindingState::Gone => false,
        };
        if !paused {
            let offence = "ProtocolUnbindAdapterEx was called for a binding that was not paused";
            self.fault(Rule::BindingNdisPauseBeforeUnbind, driver, object, offence);
        }
        target
    }

    pub(super) fn unbind_over(&mut self, target: Target) {
        if let Some(binding) = self.binding_mut(target) {
            binding.unbind_context = None;
            if binding.state != BindingState::Opening {
                self.gone(target);
            }
        }
    }

    pub(super) fn unbind_completes(&mut self, driver: DriverId, context: HandleArg) -> Target {
        let HandleArg::Known(handle) = context else { return Target::None };
        let target =
            self.target_where(|binding| binding.driver == driver && binding.unbind_context == Some(handle));
        self.unbind_over(target);
        target
    }

    pub(super) fn uninstalls(&mut self, driver: DriverId) -> Target {
        let bound = |binding: &Binding| binding.driver == driver && binding.state != BindingState::Gone;
        if self.bindings.iter().any(bound) {
            let offence = "ProtocolUninstall was called before every binding was unbound";
            self.fault(Rule::BindingNdisUninstallAfterUnbind, driver, Object::Driver(driver), offence);
        }
        Target::None
    }

    // ---- events -----------------------------------------------------------------------------------------------

    pub(super) fn event_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        event: Handle,
        kind: NetEvent,
    ) -> Target {
        let callback = Callback::NetPnPEvent { binding_context: context, event, kind };
        let target = self.binding_of(driver, from, context, &callback);
        let object = self.object(driver, target);
        let Some(binding) = self.binding_mut(target) else { return target };
        binding.event = Some((event, kind));
        let adapter = binding.adapter;
        match kind {
            NetEvent::Pause => binding.state = BindingState::Pausing,
            NetEvent::Restart => {
                binding.state = BindingState::Restarting;
                if self.adapter(adapter).state != AdapterState::Running {
                    let offence = "a protocol was restarted before the miniport below it";
                    self.fault(Rule::BindingNdisStartOrder, driver, object, offence);
                }
            }
            NetEvent::SetPower(_)
            | NetEvent::QueryPower(_)
            | NetEvent::QueryRemoveDevice
            | NetEvent::CancelRemoveDevice
            | NetEvent::Reconfigure
            | NetEvent::BindsComplete => {}
        }
        target
    }

    pub(super) fn event_over(&mut self, target: Target, status: Status) {
        let Some(binding) = self.binding_mut(target) else { return };
        let Some((_, kind)) = binding.event.take() else { return };
        match kind {
            NetEvent::Pause => binding.state = BindingState::Paused,
            NetEvent::Restart if status == Status::SUCCESS => binding.state = BindingState::Running,
            NetEvent::Restart => binding.state = BindingState::Paused,
            NetEvent::SetPower(_)
            | NetEvent::QueryPower(_)
            | NetEvent::QueryRemoveDevice
            | NetEvent::CancelRemoveDevice
            | NetEvent::Reconfigure
            | NetEvent::BindsComplete => {}
        }
    }

    pub(super) fn event_completes(&mut self, driver: DriverId, event: HandleArg, status: Status) -> Target {
        let HandleArg::Known(handle) = event else { return Target::None };
        let target = self.target_where(|binding| {
            binding.driver == driver && binding.event.is_some_and(|(event, _)| event == handle)
        });
        self.event_over(target, status);
        target
    }

    // ---- at rest ----------------------------------------------------------------------------------------------

    pub(super) fn bindings_owed(&self, owed: &mut Vec<Violation>) {
        for &(ddi, target) in &self.pended {
            let Target::Binding(key) = target else { continue };
            let Some(binding) = self.binding(key) else { continue };
            let rule = match ddi {
                Ddi::NdisOpenAdapterEx => Rule::BindingNdisOpenValues,
                _ if self.is_in_use(binding) => continue,
                _ => Rule::BindingNdisStopOrder,
            };
            owed.push(Violation {
                rule,
                by: binding.driver,
                object: Object::Binding(BindingId(binding.id)),
                offence: "the completion of a pended call never came",
            });
        }
    }
}
