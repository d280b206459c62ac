//! Call managers offer address families, and clients are told of them: `Ndis(M)CmRegisterAddressFamilyEx`.

use super::registration_state_name;
use super::{Op, Registration, RegistrationState};
use crate::block::AddressFamily;
use crate::{
    AdapterId, BindingId, Callback, Context, HandleArg, HandleKind, Object, RegistrationId, Step, Stepped,
    Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Rule, Status};

impl World {
    /// The only writer of a registration's state.
    pub(super) fn set_registration(&mut self, cx: &mut Context<'_>, slot: u32, next: RegistrationState) {
        let this = &self.registrations[slot];
        let (from, to) = (registration_state_name(this.state), registration_state_name(next));
        cx.edge(Object::Registration(this.id), from, to);
        self.registrations[slot].state = next;
        if next == RegistrationState::Gone {
            self.registrations[slot].told.clear();
            self.registrations.remove(slot);
        }
    }

    /// Checks a handle that should be a binding or an adapter against the other kind: `af-register-role`.
    pub(super) fn check_register_role(
        cx: &Context<'_>,
        handle: HandleArg,
        other: HandleKind,
    ) -> Result<(), Violation> {
        let driver = cx.caller();
        match handle {
            HandleArg::Known(handle) if handle.kind == other => Err(violation(
                Rule::AfRegisterRole,
                driver,
                Object::Driver(driver),
                "a call manager registers with a binding handle, an MCM with its adapter handle",
            )),
            HandleArg::Known(_) | HandleArg::Null | HandleArg::Unknown(_) => Ok(()),
        }
    }

    pub(super) fn registered(&self, adapter: AdapterId, family: u32) -> Option<&Registration> {
        self.registrations.iter().map(|(_, registration)| registration).find(|registration| {
            registration.adapter == adapter
                && registration.family.family == family
                && registration.state != RegistrationState::Gone
        })
    }

    pub(super) fn register_family(
        &mut self,
        cx: &mut Context<'_>,
        adapter: AdapterId,
        binding: Option<BindingId>,
        family: AddressFamily,
        state: RegistrationState,
    ) -> Step {
        let slot = self.registrations.next_slot();
        let id = RegistrationId(cx.handle(HandleKind::Registration, slot));
        let registration =
            Registration { id, adapter, driver: cx.caller(), binding, family, state, told: Vec::new() };
        if self.registrations.insert(registration).is_err() {
            return Step::Return(Status::RESOURCES);
        }
        cx.edge(Object::Registration(id), "none", registration_state_name(state));
        Step::Return(Status::SUCCESS)
    }

    pub(crate) fn cm_register_family(
        &mut self,
        cx: &mut Context<'_>,
        binding: HandleArg,
        family: AddressFamily,
    ) -> Stepped {
        let driver = cx.caller();
        Self::check_register_role(cx, binding, HandleKind::Adapter)?;
        let slot = self.usable_binding(cx, binding).map_err(|found| {
            // An open that pends has a rule of its own here.
            if found.rule == Rule::BindingOpenPendingValues {
                Violation { rule: Rule::AfCmRegisterAfterOpen, ..found }
            } else {
                found
            }
        })?;
        let this = &self.bindings[slot];
        let (id, adapter) = (this.id, this.adapter);
        let object = Object::Binding(id);
        if !self.driver(driver).is_connection_oriented() {
            let offence = "the driver is not a connection-oriented protocol";
            cx.warn(Rule::AfCmRegisterCoProtocol, driver, object, offence);
            return Ok(Step::Return(Status::FAILURE));
        }
        if !self.driver(driver).is_call_manager() {
            let offence = "the driver has not set its call-manager handlers";
            return Err(violation(Rule::RegistrationCoCmHandlers, driver, object, offence));
        }
        let this = &self.bindings[slot];
        // A miniport that is not connection-oriented, an unbind that has begun, a family that is taken: the order
        // in which things happen decides, and the status tells the driver.
        if this.is_closing()
            || !self.is_connection_oriented(adapter)
            || self.registered(adapter, family.family).is_some()
        {
            return Ok(Step::Return(Status::FAILURE));
        }
        let in_bind = !this.is_bound();
        if !in_bind {
            let offence = "an address family was registered outside ProtocolBindAdapterEx";
            cx.warn(Rule::AfCmRegisterInBind, driver, object, offence);
        }
        let state = if in_bind { RegistrationState::Held } else { RegistrationState::Offered };
        Ok(self.register_family(cx, adapter, Some(id), family, state))
    }

    pub(crate) fn mcm_register_family(
        &mut self,
        cx: &mut Context<'_>,
        adapter: HandleArg,
        family: AddressFamily,
    ) -> Stepped {
        let driver = cx.caller();
        Self::check_register_role(cx, adapter, HandleKind::Binding)?;
        let adapter = self.own_adapter(cx, adapter)?;
        let object = Object::Adapter(adapter);
        if !self.driver(driver).is_connection_oriented() {
            let offence = "the driver is not a connection-oriented miniport";
            cx.warn(Rule::AfMcmRegisterCoMiniport, driver, object, offence);
            return Ok(Step::Return(Status::FAILURE));
        }
        if !self.driver(driver).is_call_manager() {
            let offence = "the driver has not set its call-manager handlers";
            return Err(violation(Rule::RegistrationCoMcmHandlers, driver, object, offence));
        }
        if !self.has_attributes(adapter) {
            let offence = "an address family was registered before the registration attributes were set";
            return Err(violation(Rule::BindingInitAttributesFirst, driver, object, offence));
        }
        if let Some(holder) = self.registered(adapter, family.family) {
            if holder.driver == driver {
                let offence = "the address family is registered on this adapter already";
                cx.warn(Rule::AfMcmRegisterNoDuplicate, driver, object, offence);
            }
            return Ok(Step::Return(Status::FAILURE));
        }
        let in_init = self.is_initializing(adapter);
        if !in_init {
            let offence = "an address family was registered outside MiniportInitializeEx";
            cx.warn(Rule::AfMcmRegisterInInit, driver, object, offence);
            if self.is_halting(adapter) {
                return Ok(Step::Return(Status::FAILURE));
            }
        }
        let state = if in_init { RegistrationState::Held } else { RegistrationState::Offered };
        Ok(self.register_family(cx, adapter, None, family, state))
    }

    /// Whether an MCM has an adapter that it offers nothing on.
    pub(crate) fn lacks_family(&self, adapter: AdapterId) -> bool {
        let (driver, _) = self.miniport_of(adapter);
        self.driver(driver).is_call_manager()
            && self.is_connection_oriented(adapter)
            && !self.registrations.iter().any(|(_, registration)| {
                registration.adapter == adapter
                    && registration.binding.is_none()
                    && registration.state != RegistrationState::Gone
            })
    }

    /// Whether a call manager has an address family on this binding.
    pub(crate) fn offers_family(&self, binding: u32) -> bool {
        let id = Some(self.bindings[binding].id);
        self.registrations.iter().any(|(_, registration)| {
            registration.binding == id && registration.state != RegistrationState::Gone
        })
    }

    pub(super) fn advance_families(
        &mut self,
        cx: &mut Context<'_>,
        of: impl Fn(&Registration) -> bool,
        from: &[RegistrationState],
        to: RegistrationState,
    ) {
        let slots: Vec<u32> = self
            .registrations
            .iter()
            .filter(|(_, registration)| of(registration) && from.contains(&registration.state))
            .map(|(slot, _)| slot)
            .collect();
        for slot in slots {
            self.set_registration(cx, slot, to);
        }
    }

    pub(super) const ALIVE: [RegistrationState; 3] =
        [RegistrationState::Held, RegistrationState::Offered, RegistrationState::Closing];

    pub(crate) fn offer_families_of_adapter(&mut self, cx: &mut Context<'_>, adapter: AdapterId) {
        let of = |r: &Registration| r.adapter == adapter && r.binding.is_none();
        self.advance_families(cx, of, &[RegistrationState::Held], RegistrationState::Offered);
    }

    pub(crate) fn close_families_of_adapter(&mut self, cx: &mut Context<'_>, adapter: AdapterId) {
        let of = |r: &Registration| r.adapter == adapter && r.binding.is_none();
        self.advance_families(cx, of, &Self::ALIVE[..2], RegistrationState::Closing);
    }

    pub(crate) fn drop_families_of_adapter(&mut self, cx: &mut Context<'_>, adapter: AdapterId) {
        let of = |r: &Registration| r.adapter == adapter && r.binding.is_none();
        self.advance_families(cx, of, &Self::ALIVE, RegistrationState::Gone);
    }

    pub(crate) fn offer_families_of_binding(&mut self, cx: &mut Context<'_>, binding: u32) {
        let id = Some(self.bindings[binding].id);
        let of = |r: &Registration| r.binding == id;
        self.advance_families(cx, of, &[RegistrationState::Held], RegistrationState::Offered);
    }

    pub(crate) fn close_families_of_binding(&mut self, cx: &mut Context<'_>, binding: u32) {
        let id = Some(self.bindings[binding].id);
        let of = |r: &Registration| r.binding == id;
        self.advance_families(cx, of, &Self::ALIVE[..2], RegistrationState::Closing);
    }

    pub(crate) fn drop_families_of_binding(&mut self, cx: &mut Context<'_>, binding: u32) {
        let id = Some(self.bindings[binding].id);
        let of = |r: &Registration| r.binding == id;
        self.advance_families(cx, of, &Self::ALIVE, RegistrationState::Gone);
    }

    pub(crate) fn af_register_notify(&mut self, binding: BindingId, registration: RegistrationId) -> Step {
        let this = &mut self.registrations[registration.0.slot];
        // Sorted, so that orders which commute meet in the same state.
        let place = this.told.partition_point(|&(told, _)| told < binding);
        this.told.insert(place, (binding, false));
        let family = this.family;
        let client = &self.bindings[binding.0.slot];
        let (driver, binding_context) = (client.driver, client.context());
        let callback = Callback::CoAfRegisterNotify { binding_context, family };
        self.invoke(crate::Op::Af(Op::AfRegisterNotify(binding)), driver, callback)
    }
}
