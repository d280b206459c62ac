//! Area `af`: call managers offer address families, clients open them, and both sides close them.
//!
//! ```text
//!  registration:  Held -> Offered -> Closing -> gone          (Held: until the holder's bind or initialize is over)
//!
//!  open AF:  Opening --success--> Open --NdisClCloseAddressFamily--> Closing --success--> Closed
//!               `---failure--> Failed       ^------ refused --------------'
//!
//!  close notification of an open AF:
//!            Idle -> Held (the client does not know its open yet) -> Outstanding(phase) -> Idle
//! ```
//! The client's close and the call manager's notification meet on one AF. Both are asynchronous operations with a
//! [`Phase`] of their own, and so is the open, because a completion may overtake the return of the handler that pends.
//! Client and call manager hold different handles; [`World::client_af`] and [`World::manager_af`] are the only places
//! where a handle becomes an AF.

use crate::binding::Binding;
use crate::block::AddressFamily;
use crate::phase::{Phase, Verdict};
use crate::{
    AdapterId, AfId, BindingId, Callback, Context, Debt, DriverId, Handle, HandleArg, HandleKind, Job,
    Object, OpId, OutParameter, RegistrationId, Reply, Step, Stepped, Token, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Ddi, Rule, Status};

/// An address family that a call manager offers on an adapter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Registration {
    id: RegistrationId,
    adapter: AdapterId,
    /// The call manager, and the binding on which it registered; an MCM has none.
    driver: DriverId,
    binding: Option<BindingId>,
    family: AddressFamily,
    state: RegistrationState,
    /// The bindings whose clients were told, and whether the client has opened the family since.
    told: Vec<(BindingId, bool)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum RegistrationState {
    /// Clients are told when the holder's bind or initialize is over.
    Held,
    Offered,
    /// The holder is unbinding or halting: no new opens.
    Closing,
    Gone,
}

/// An address family that a client has opened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Af {
    id: AfId,
    /// The call manager's handle.
    manager_handle: Handle,
    client: DriverId,
    manager: DriverId,
    binding: BindingId,
    registration: RegistrationId,
    client_context: Token,
    manager_context: Token,
    state: AfState,
    /// `ProtocolCmOpenAf`.
    open: Phase,
    /// The last `ProtocolCmCloseAf`, if there was one.
    close: Option<Phase>,
    report: Report,
    notification: Notification,
    /// Whether the call manager has ever asked the client to close.
    asked: bool,
    /// Whether the call manager's handle is dead: its completion of the close has returned, or its handler has.
    manager_done: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum AfState {
    Opening,
    Open,
    Closing,
    Closed,
    Failed,
}

/// Whether the client knows how its open ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Report {
    /// Nothing to tell yet.
    Due,
    /// `ProtocolClOpenAfCompleteEx` waits for `PASSIVE_LEVEL`, with this status.
    Queued(Status),
    /// `ProtocolClOpenAfCompleteEx` runs.
    Telling,
    /// The client knows.
    Told,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Notification {
    Idle,
    /// The call manager asked before the client knew that it has the AF open.
    Held,
    /// `ProtocolClNotifyCloseAf`.
    Outstanding(Phase),
}

/// What waits for a handler of this area, or for a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    /// The client's handle is being stored; `ProtocolCmOpenAf` comes next.
    PublishAf(u32),
    CmOpenAf(u32),
    /// `ProtocolClOpenAfCompleteEx` runs.
    ReportOpen(u32),
    CmCloseAf(u32),
    /// `ProtocolClCloseAfComplete` runs inside the call manager's completion.
    ReportClose(u32),
    /// `ProtocolClNotifyCloseAf` runs; whether the call manager has had `NDIS_STATUS_PENDING` already.
    ClNotifyCloseAf(u32, bool),
    /// `ProtocolCmNotifyCloseAfComplete` runs.
    ReportNotification(u32),
    AfRegisterNotify,
}

const fn af_state_name(state: AfState) -> &'static str {
    match state {
        AfState::Opening => "opening",
        AfState::Open => "open",
        AfState::Closing => "closing",
        AfState::Closed => "closed",
        AfState::Failed => "failed",
    }
}

const fn registration_state_name(state: RegistrationState) -> &'static str {
    match state {
        RegistrationState::Held => "held",
        RegistrationState::Offered => "offered",
        RegistrationState::Closing => "closing",
        RegistrationState::Gone => "none",
    }
}

impl Af {
    /// Whether it stands in the way of its client's and its call manager's close of the adapter.
    fn is_alive(&self) -> bool {
        match self.state {
            AfState::Opening | AfState::Open | AfState::Closing => true,
            AfState::Closed | AfState::Failed => false,
        }
    }

    fn object(&self) -> Object {
        Object::Af(self.id)
    }

    /// Whether a close notification has been asked for and is not over.
    fn is_noticed(&self) -> bool {
        match self.notification {
            Notification::Idle => false,
            Notification::Held | Notification::Outstanding(_) => true,
        }
    }
}

impl World {
    /// The only writer of an AF's state.
    fn set_af(&mut self, cx: &mut Context<'_>, slot: u32, next: AfState) {
        let this = &self.afs[slot];
        cx.edge(this.object(), af_state_name(this.state), af_state_name(next));
        self.afs[slot].state = next;
    }

    /// The only writer of a registration's state.
    fn set_registration(&mut self, cx: &mut Context<'_>, slot: u32, next: RegistrationState) {
        let this = &self.registrations[slot];
        let (from, to) = (registration_state_name(this.state), registration_state_name(next));
        cx.edge(Object::Registration(this.id), from, to);
        self.registrations[slot].state = next;
        if next == RegistrationState::Gone {
            self.registrations[slot].told.clear();
            self.registrations.remove(slot);
        }
    }

    // ---- offering ---------------------------------------------------------------------------------------------

    /// Checks a handle that should be a binding or an adapter against the other kind: `af-register-role`.
    fn check_register_role(cx: &Context<'_>, handle: HandleArg, other: HandleKind) -> Result<(), Violation> {
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

    fn registered(&self, adapter: AdapterId, family: u32) -> Option<&Registration> {
        self.registrations.iter().map(|(_, registration)| registration).find(|registration| {
            registration.adapter == adapter
                && registration.family.family == family
                && registration.state != RegistrationState::Gone
        })
    }

    fn register_family(
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

    fn advance_families(
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

    const ALIVE: [RegistrationState; 3] =
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

    pub(crate) fn af_jobs(&self, jobs: &mut Vec<Job>) {
        for (_, registration) in self.registrations.iter() {
            if registration.state != RegistrationState::Offered {
                continue;
            }
            for (_, binding) in self.bindings.iter() {
                if binding.adapter == registration.adapter
                    && binding.is_bound()
                    && self.driver(binding.driver).is_client()
                    && !registration.told.iter().any(|(told, _)| *told == binding.id)
                {
                    jobs.push(Job::AfRegisterNotify(binding.id, registration.id));
                }
            }
        }
        for (_, af) in self.afs.iter() {
            match af.report {
                Report::Queued(_) => jobs.push(Job::OpenAfComplete(af.id)),
                Report::Told if af.notification == Notification::Held => jobs.push(Job::NotifyCloseAf(af.id)),
                Report::Due | Report::Telling | Report::Told => {}
            }
        }
    }

    pub(crate) fn af_register_notify(&mut self, binding: BindingId, registration: RegistrationId) -> Step {
        let this = &mut self.registrations[registration.0.slot];
        this.told.push((binding, false));
        let family = this.family;
        let client = &self.bindings[binding.0.slot];
        let (driver, binding_context) = (client.driver, client.context());
        let callback = Callback::CoAfRegisterNotify { binding_context, family };
        self.invoke(crate::Op::Af(Op::AfRegisterNotify), driver, callback)
    }

    // ---- opening ----------------------------------------------------------------------------------------------

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
            client_context,
            manager_context: Token::NULL,
            state: AfState::Opening,
            open: Phase::Calling,
            close: None,
            report: Report::Due,
            notification: Notification::Idle,
            asked: false,
            manager_done: false,
        };
        if self.afs.insert(af).is_err() {
            return Ok(Step::Return(Status::RESOURCES));
        }
        cx.edge(Object::Af(id), "none", "opening");
        let op = self.ops.begin(crate::Op::Af(Op::PublishAf(slot)));
        Ok(Step::Publish(op, OutParameter::AddressFamily(id.0)))
    }

    pub(crate) fn af_resumed(&mut self, id: OpId, op: Op) -> Stepped {
        match op {
            Op::PublishAf(slot) => {
                let af = &self.afs[slot];
                let registration = &self.registrations[af.registration.0.slot];
                let binding_context = match registration.binding {
                    Some(binding) => self.bindings[binding.0.slot].context(),
                    None => self.miniport_of(registration.adapter).1,
                };
                let callback = Callback::CmOpenAf {
                    binding_context,
                    family: registration.family,
                    af: af.manager_handle,
                };
                let manager = af.manager;
                self.ops.go_on(id, crate::Op::Af(Op::CmOpenAf(slot)));
                Ok(Step::Invoke(id, manager, callback))
            }
            Op::CmOpenAf(_)
            | Op::ReportOpen(_)
            | Op::CmCloseAf(_)
            | Op::ReportClose(_)
            | Op::ClNotifyCloseAf(..)
            | Op::ReportNotification(_)
            | Op::AfRegisterNotify => unreachable!("a handler returns, it does not resume"),
        }
    }

    fn cm_open_af_returned(&mut self, cx: &mut Context<'_>, id: OpId, slot: u32, reply: Reply) -> Stepped {
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
            Verdict::Pended => Ok(self.finish(id, Status::PENDING)),
            Verdict::Result(status) => {
                self.opened(cx, slot, status, reply.context);
                self.afs[slot].report = Report::Told;
                Ok(self.finish(id, status))
            }
        }
    }

    /// The open has a result; the client is not told here.
    fn opened(&mut self, cx: &mut Context<'_>, slot: u32, status: Status, manager_context: Token) {
        if status == Status::SUCCESS {
            self.afs[slot].manager_context = manager_context;
            self.set_af(cx, slot, AfState::Open);
        } else {
            self.afs[slot].manager_done = true;
            self.set_af(cx, slot, AfState::Failed);
            self.afs.remove(slot);
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

    fn tell_opened(&mut self, slot: u32, status: Status) -> Step {
        let af = &mut self.afs[slot];
        af.report = Report::Telling;
        let handle = if status == Status::SUCCESS { HandleArg::Known(af.id.0) } else { HandleArg::Null };
        let callback = Callback::ClOpenAfCompleteEx { af_context: af.client_context, af: handle, status };
        let client = af.client;
        self.invoke(crate::Op::Af(Op::ReportOpen(slot)), client, callback)
    }

    // ---- handles ----------------------------------------------------------------------------------------------

    /// The AF of a client's handle, whatever its state.
    ///
    /// # Errors
    /// The handle is none of NDIS's (`af-handle-opaque`), NULL (`af-open-failed-no-handle`), or somebody else's
    /// (`af-handle-owner`).
    fn client_af(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let driver = cx.caller();
        let fail = |rule, offence| Err(violation(rule, driver, Object::Driver(driver), offence));
        let handle = match handle {
            HandleArg::Known(handle) => handle,
            HandleArg::Null => {
                return fail(Rule::AfOpenFailedNoHandle, "the handle is NULL, as after a failed open");
            }
            HandleArg::Unknown(_) => return fail(Rule::AfHandleOpaque, "NDIS never gave out this value"),
        };
        match handle.kind {
            HandleKind::ClientAf | HandleKind::CallManagerAf => {}
            HandleKind::ProtocolDriver
            | HandleKind::MiniportDriver
            | HandleKind::Adapter
            | HandleKind::BindContext
            | HandleKind::UnbindContext
            | HandleKind::Binding
            | HandleKind::PnpEvent
            | HandleKind::Registration => {
                return fail(Rule::AfHandleOpaque, "the handle is not that of an AF");
            }
        }
        let af = &self.afs[handle.slot];
        if af.id.0 != handle && af.manager_handle != handle {
            return fail(Rule::AfCloseHandleInvalid, "the AF was closed long ago");
        }
        if af.manager_handle == handle {
            let offence = "this is the call manager's handle for the AF, not the client's";
            return Err(violation(Rule::AfHandleOwner, driver, af.object(), offence));
        }
        if af.client != driver {
            return Err(violation(Rule::AfHandleOwner, driver, af.object(), "the AF is another client's"));
        }
        Ok(handle.slot)
    }

    /// The AF of a call manager's handle, whatever its state.
    ///
    /// # Errors
    /// The caller is no call manager (`af-complete-by-cm-only`), or the handle is none of NDIS's (`af-handle-opaque`)
    /// or somebody else's (`af-handle-owner`).
    fn manager_af(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let driver = cx.caller();
        let fail = |rule, offence| Err(violation(rule, driver, Object::Driver(driver), offence));
        if !self.driver(driver).is_call_manager() {
            return fail(Rule::AfCompleteByCmOnly, "the caller is no call manager");
        }
        let handle = match handle {
            HandleArg::Known(handle) => handle,
            HandleArg::Null => return fail(Rule::AfHandleOpaque, "the handle is NULL"),
            HandleArg::Unknown(_) => return fail(Rule::AfHandleOpaque, "NDIS never gave out this value"),
        };
        match handle.kind {
            HandleKind::ClientAf | HandleKind::CallManagerAf => {}
            HandleKind::ProtocolDriver
            | HandleKind::MiniportDriver
            | HandleKind::Adapter
            | HandleKind::BindContext
            | HandleKind::UnbindContext
            | HandleKind::Binding
            | HandleKind::PnpEvent
            | HandleKind::Registration => {
                return fail(Rule::AfHandleOpaque, "the handle is not that of an AF");
            }
        }
        let af = &self.afs[handle.slot];
        if af.id.0 != handle && af.manager_handle != handle {
            return fail(Rule::AfCmCloseHandleInvalid, "the AF was closed long ago");
        }
        if af.id.0 == handle {
            let offence = "this is the client's handle for the AF, not the call manager's";
            return Err(violation(Rule::AfHandleOwner, driver, af.object(), offence));
        }
        if af.manager != driver {
            return Err(violation(
                Rule::AfHandleOwner,
                driver,
                af.object(),
                "the AF is another call manager's",
            ));
        }
        Ok(handle.slot)
    }

    // ---- closing by the client --------------------------------------------------------------------------------

    pub(crate) fn close_af(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let slot = self.client_af(cx, handle)?;
        let af = &self.afs[slot];
        let (client, object) = (af.client, af.object());
        let fail = |rule, offence| Err(violation(rule, client, object, offence));
        match (af.state, af.report) {
            (AfState::Opening, _) | (AfState::Open, Report::Due | Report::Queued(_)) => {
                fail(Rule::AfHandleWindowClient, "the AF was closed before its open was reported")
            }
            (AfState::Open, Report::Telling | Report::Told) => {
                self.set_af(cx, slot, AfState::Closing);
                let af = &mut self.afs[slot];
                af.close = Some(Phase::Calling);
                let callback = Callback::CmCloseAf { af_context: af.manager_context };
                let manager = af.manager;
                Ok(self.invoke(crate::Op::Af(Op::CmCloseAf(slot)), manager, callback))
            }
            (AfState::Closing, _) => {
                cx.warn(Rule::AfCloseOnce, client, object, "the AF is closing already");
                Ok(Step::Return(Status::FAILURE))
            }
            (AfState::Closed, _) => fail(Rule::AfCloseHandleInvalid, "the AF is closed"),
            (AfState::Failed, _) => fail(Rule::AfOpenFailedNoHandle, "the open of the AF failed"),
        }
    }

    fn cm_close_af_returned(&mut self, cx: &mut Context<'_>, id: OpId, slot: u32, status: Status) -> Stepped {
        let af = &self.afs[slot];
        let mut phase = af.close.expect("a close is under way");
        let verdict = phase.returned(status).map_err(|misfit| {
            violation(Rule::AfCmCloseCompletePendingOnly, af.manager, af.object(), misfit.offence())
        })?;
        self.afs[slot].close = Some(phase);
        match verdict {
            Verdict::Pended => Ok(self.finish(id, Status::PENDING)),
            Verdict::Result(Status::SUCCESS) => {
                self.closed_af(cx, slot);
                self.manager_done(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Verdict::Result(status) => {
                self.set_af(cx, slot, AfState::Open);
                Ok(self.finish(id, status))
            }
        }
    }

    fn closed_af(&mut self, cx: &mut Context<'_>, slot: u32) {
        self.set_af(cx, slot, AfState::Closed);
    }

    /// The call manager's handle is dead; the AF goes when no notification is left.
    fn manager_done(&mut self, slot: u32) {
        self.afs[slot].manager_done = true;
        self.remove_if_over(slot);
    }

    fn remove_if_over(&mut self, slot: u32) {
        let af = &self.afs[slot];
        if af.state == AfState::Closed && af.manager_done && !af.is_noticed() {
            self.afs.remove(slot);
        }
    }

    pub(crate) fn close_af_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
    ) -> Stepped {
        let slot = self.manager_af(cx, handle)?;
        let af = &self.afs[slot];
        let fail = |rule, offence| Err(violation(rule, af.manager, af.object(), offence));
        if status != Status::SUCCESS {
            return fail(
                Rule::AfCmCloseCompleteStatus,
                "a close was completed with another status than success",
            );
        }
        let pending_only = Rule::AfCmCloseCompletePendingOnly;
        let mut phase = match (af.state, af.close) {
            (AfState::Failed, _) => {
                return fail(Rule::AfCmOpenFailHandleInvalid, "the open of the AF failed");
            }
            (AfState::Opening | AfState::Open, _) | (_, None) => {
                return fail(pending_only, "the client has not closed the AF");
            }
            (AfState::Closing | AfState::Closed, Some(phase)) => phase,
        };
        if let Err(misfit) = phase.complete() {
            return fail(pending_only, misfit.offence());
        }
        self.afs[slot].close = Some(phase);
        self.closed_af(cx, slot);
        let af = &self.afs[slot];
        let callback = Callback::ClCloseAfComplete { status, af_context: af.client_context };
        let client = af.client;
        Ok(self.invoke(crate::Op::Af(Op::ReportClose(slot)), client, callback))
    }

    // ---- closing by the call manager --------------------------------------------------------------------------

    pub(crate) fn notify_close_af(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let slot = self.manager_af(cx, handle)?;
        let af = &self.afs[slot];
        let (manager, object) = (af.manager, af.object());
        if af.manager_done {
            let (rule, offence) = if af.state == AfState::Failed {
                (Rule::AfCmOpenFailHandleInvalid, "the open of the AF failed")
            } else {
                (Rule::AfCmCloseHandleInvalid, "the AF's close was completed")
            };
            return Err(violation(rule, manager, object, offence));
        }
        self.check_notify_context(cx, slot);
        self.afs[slot].asked = true;
        let af = &self.afs[slot];
        match (af.state, af.notification, af.report) {
            // Crossed the client's close, or is outstanding: the client is not called (af-q-notify-crosses-close).
            (AfState::Opening | AfState::Closing | AfState::Closed | AfState::Failed, _, _)
            | (AfState::Open, Notification::Held | Notification::Outstanding(_), _) => {
                Ok(Step::Return(Status::FAILURE))
            }
            (AfState::Open, Notification::Idle, Report::Due | Report::Queued(_) | Report::Telling) => {
                self.afs[slot].notification = Notification::Held;
                Ok(Step::Return(Status::PENDING))
            }
            (AfState::Open, Notification::Idle, Report::Told) => Ok(self.ask_to_close(slot, false)),
        }
    }

    /// Where a stand-alone call manager notifies from: `af-notify-from-unbind`.
    fn check_notify_context(&self, cx: &mut Context<'_>, slot: u32) {
        let af = &self.afs[slot];
        let holder = self.registrations[af.registration.0.slot].binding;
        if let Some(binding) = holder
            && !self.bindings[binding.0.slot].is_closing()
        {
            let offence = "the call manager notified while its binding was not being unbound";
            cx.warn(Rule::AfNotifyFromUnbind, af.manager, af.object(), offence);
        }
    }

    pub(crate) fn deliver_notification(&mut self, af: AfId) -> Step {
        self.ask_to_close(af.0.slot, true)
    }

    fn ask_to_close(&mut self, slot: u32, held: bool) -> Step {
        let af = &mut self.afs[slot];
        af.notification = Notification::Outstanding(Phase::Calling);
        let callback = Callback::ClNotifyCloseAf { af_context: af.client_context };
        let client = af.client;
        self.invoke(crate::Op::Af(Op::ClNotifyCloseAf(slot, held)), client, callback)
    }

    fn cl_notify_close_af_returned(&mut self, id: OpId, slot: u32, held: bool, status: Status) -> Stepped {
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
                self.afs[slot].notification = Notification::Idle;
                self.remove_if_over(slot);
                Ok(self.finish(id, Status::PENDING))
            }
            Verdict::Result(status) => {
                self.afs[slot].notification = Notification::Idle;
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

    fn tell_notified(&mut self, slot: u32, status: Status) -> Step {
        let af = &self.afs[slot];
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
        if let HandleArg::Known(given) = handle
            && given.kind != HandleKind::ClientAf
        {
            let driver = cx.caller();
            let offence = "the handle is not that of the client's open";
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
        self.afs[slot].notification = if phase == Phase::CompletedEarly {
            Notification::Outstanding(phase)
        } else {
            Notification::Idle
        };
        Ok(self.tell_notified(slot, status))
    }

    // ---- returns ----------------------------------------------------------------------------------------------

    pub(crate) fn af_returned(&mut self, cx: &mut Context<'_>, id: OpId, op: Op, reply: Reply) -> Stepped {
        match op {
            Op::CmOpenAf(slot) => self.cm_open_af_returned(cx, id, slot, reply),
            Op::ReportOpen(slot) => {
                self.afs[slot].report = Report::Told;
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::CmCloseAf(slot) => self.cm_close_af_returned(cx, id, slot, reply.status),
            Op::ReportClose(slot) => {
                self.manager_done(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::ClNotifyCloseAf(slot, held) => self.cl_notify_close_af_returned(id, slot, held, reply.status),
            Op::ReportNotification(slot) => {
                self.remove_if_over(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::AfRegisterNotify => Ok(self.finish(id, Status::SUCCESS)),
            Op::PublishAf(_) => unreachable!("a store resumes, it does not return"),
        }
    }

    // ---- what bindings and adapters ask -----------------------------------------------------------------------

    /// The AFs that a binding's driver holds on it, as client or as call manager.
    fn afs_on<'a>(&'a self, binding: &'a Binding) -> impl Iterator<Item = &'a Af> {
        self.afs.iter().map(|(_, af)| af).filter(move |af| {
            af.is_alive()
                && (af.binding == binding.id
                    || self
                        .registrations
                        .get(af.registration.0.slot)
                        .is_some_and(|r| r.id == af.registration && r.binding == Some(binding.id)))
        })
    }

    /// Whether an AF keeps a binding from being closed.
    pub(crate) fn carries_afs(&self, binding: &Binding) -> bool {
        self.afs_on(binding).next().is_some()
    }

    /// An AF that keeps a binding from being closed.
    pub(crate) fn af_in_the_way(&self, binding: &Binding) -> Option<AfId> {
        self.afs_on(binding).next().map(|af| af.id)
    }

    pub(crate) fn has_open_client_af(&self, binding: &Binding) -> bool {
        self.afs_on(binding).any(|af| af.binding == binding.id)
    }

    /// `NdisCloseAdapterEx` with address families on the binding. It cannot fail: a close that is let through pends
    /// until they are gone.
    pub(crate) fn check_afs_before_close(&self, cx: &mut Context<'_>, slot: u32) -> Result<(), Violation> {
        let binding = &self.bindings[slot];
        let driver = binding.driver;
        let mut closing = None;
        for af in self.afs_on(binding).filter(|af| af.binding == binding.id) {
            match af.state {
                AfState::Opening | AfState::Open => {
                    let offence = "NdisCloseAdapterEx was called with an address family open";
                    return Err(violation(Rule::AfCloseOnUnbind, driver, af.object(), offence));
                }
                AfState::Closing => closing = Some(af.object()),
                AfState::Closed | AfState::Failed => {}
            }
        }
        if let Some(object) = closing {
            let offence = "NdisCloseAdapterEx was called before the close of an address family was over";
            cx.warn(Rule::AfCloseBeforeCloseadapter, driver, object, offence);
        }
        let managed: Vec<&Af> = self.afs_on(binding).filter(|af| af.binding != binding.id).collect();
        self.check_clients_notified(driver, &managed, Rule::AfNotifyBeforeUnbind)?;
        if let Some(af) = managed.first() {
            let offence =
                "NdisCloseAdapterEx was called before the clients had closed their address families";
            return Err(violation(Rule::BindingClosingNoCoObjects, driver, af.object(), offence));
        }
        Ok(())
    }

    /// Checks that a call manager which goes away has asked every client to close that had not begun to by itself.
    fn check_clients_notified(
        &self,
        driver: DriverId,
        afs: &[&Af],
        none_rule: Rule,
    ) -> Result<(), Violation> {
        let unasked = |af: &&&Af| matches!(af.state, AfState::Open | AfState::Opening) && !af.asked;
        let Some(left_out) = afs.iter().find(unasked) else {
            return Ok(());
        };
        let registration = left_out.registration;
        let mut siblings = self.afs.iter().chain(self.afs.iter_removed()).map(|(_, af)| af);
        let asked_another = siblings.any(|af| af.registration == registration && af.asked);
        let (rule, offence) = if asked_another {
            (Rule::AfNotifyEachClient, "a client was asked to close and this one was not")
        } else {
            (none_rule, "the call manager goes away without asking its client to close")
        };
        Err(violation(rule, driver, left_out.object(), offence))
    }

    pub(crate) fn check_afs_after_halt(&self, adapter: AdapterId) -> Result<(), Violation> {
        let (driver, _) = self.miniport_of(adapter);
        let afs: Vec<&Af> = self
            .afs
            .iter()
            .map(|(_, af)| af)
            .filter(|af| {
                let registration = &self.registrations[af.registration.0.slot];
                af.is_alive() && registration.adapter == adapter && registration.binding.is_none()
            })
            .collect();
        self.check_clients_notified(driver, &afs, Rule::AfNotifyOnHalt)?;
        if let Some(af) = afs.first() {
            let offence = "MiniportHaltEx returned before the clients had closed their address families";
            return Err(violation(Rule::BindingClosingNoCoObjects, driver, af.object(), offence));
        }
        Ok(())
    }

    pub(crate) fn af_debts(&self, debts: &mut Vec<Debt>) {
        for (_, af) in self.afs.iter() {
            let object = af.object();
            let mut owe = |by, rule, waits_for| debts.push(Debt { by, rule, object, waits_for });
            match af.state {
                AfState::Opening if af.open.is_pending() => {
                    owe(af.manager, Rule::AfCmOpenCompleteRequired, None);
                }
                AfState::Closing if af.close.is_some_and(Phase::is_pending) => {
                    owe(af.manager, Rule::AfCmCloseCompleteRequired, None);
                }
                AfState::Opening | AfState::Open | AfState::Closing | AfState::Closed | AfState::Failed => {}
            }
            if af.notification == Notification::Outstanding(Phase::Pending) {
                // A client cannot answer before its close is over.
                let waits_for = (af.state == AfState::Closing).then_some(object);
                owe(af.client, Rule::AfNotifyCompleteRequired, waits_for);
            }
        }
    }
}
