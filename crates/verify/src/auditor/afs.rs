//! Area `af`: to whom NDIS brings the open, close and notification of an address family, and what it says there.

use super::bindings::{AdapterState, Binding};
use super::{Asked, Auditor, Frame, Key, Kind, NEVER_ASKED, NEVER_CAME, Target, WRONG_STATUS, duty};
use alloc::vec::Vec;
use contract::{Ddi, Rule, Status};
use model::block::AddressFamily;
use model::{
    AdapterId, AfId, Callback, DriverId, Handle, HandleArg, Object, Reply, StopOrder, Token, Violation,
};

/// An address family that a call manager offers on an adapter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Registration {
    key: Key,
    driver: DriverId,
    adapter: AdapterId,
    /// The binding on which it registered; an MCM has none.
    binding: Option<Key>,
    family: AddressFamily,
    /// The registration call has succeeded.
    stands: bool,
    /// The bindings whose clients were told.
    told: Vec<Key>,
}

impl Af {
    pub(super) fn client(&self) -> DriverId {
        self.client
    }

    pub(super) fn client_context(&self) -> Token {
        self.client_context
    }

    pub(super) fn manager(&self) -> Option<DriverId> {
        self.manager
    }

    pub(super) fn manager_context(&self) -> Option<Token> {
        self.manager_context
    }

    pub(super) fn adapter(&self) -> Option<AdapterId> {
        self.adapter
    }

    pub(super) fn is_mcm(&self) -> bool {
        self.is_mcm
    }
}

impl Registration {
    pub(super) fn is_held_by_adapter(&self, adapter: AdapterId) -> bool {
        self.binding.is_none() && self.adapter == adapter
    }

    pub(super) fn is_held_by_binding(&self, binding: Key) -> bool {
        self.binding == Some(binding)
    }
}

/// An address family that a client opens, until its close and the last notification are over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Af {
    key: Key,
    client: DriverId,
    client_context: Token,
    client_handle: Option<Handle>,
    adapter: Option<AdapterId>,
    family: AddressFamily,
    manager: Option<DriverId>,
    manager_handle: Option<Handle>,
    /// `CallMgrAfContext`, once the call manager has given it with a success.
    manager_context: Option<Token>,
    /// Whether the call manager is an MCM.
    is_mcm: bool,
    /// `ProtocolCmOpenAf`, `ProtocolCmCloseAf`, `ProtocolClNotifyCloseAf`.
    open: Asked,
    close: Asked,
    notification: Asked,
    /// The client knows that it is open.
    is_open: bool,
    /// The client knows that it is closed.
    is_closed: bool,
}

const WRONG_CONTEXT: &str = "a handler of an address family got another context than the driver's";

impl Auditor {
    pub(super) fn af(&self, target: Target) -> Option<&Af> {
        let Target::Af(key) = target else { return None };
        self.afs.iter().find(|af| af.key == key)
    }

    fn af_mut(&mut self, target: Target) -> Option<&mut Af> {
        let Target::Af(key) = target else { return None };
        self.afs.iter_mut().find(|af| af.key == key)
    }

    fn target_where_af(&self, is_it: impl Fn(&Af) -> bool) -> Target {
        self.afs.iter().find(|af| is_it(af)).map_or(Target::None, |af| Target::Af(af.key))
    }

    /// The address family with this client's handle.
    pub(super) fn target_of_af(&self, handle: HandleArg) -> Target {
        let HandleArg::Known(handle) = handle else { return Target::None };
        self.target_where_af(|af| af.client_handle == Some(handle))
    }

    pub(super) fn target_of_client(&self, driver: DriverId, handle: HandleArg) -> Target {
        let HandleArg::Known(handle) = handle else { return Target::None };
        self.target_where_af(|af| af.client == driver && af.client_handle == Some(handle))
    }

    pub(super) fn target_of_manager(&self, driver: DriverId, handle: HandleArg) -> Target {
        let HandleArg::Known(handle) = handle else { return Target::None };
        self.target_where_af(|af| af.manager == Some(driver) && af.manager_handle == Some(handle))
    }

    /// Whether the miniport of an adapter is an MCM.
    pub(super) fn is_of_mcm(&self, adapter: AdapterId) -> bool {
        self.registrations.iter().any(|registration| registration.is_held_by_adapter(adapter))
    }

    /// The call manager of an address family that is not forgotten.
    pub(super) fn manager_of_af(&self, key: Key) -> Option<DriverId> {
        self.af(Target::Af(key))?.manager
    }

    /// Whether the client's close is with the call manager, or over.
    pub(super) fn is_closing(&self, key: Key) -> bool {
        self.af(Target::Af(key)).is_none_or(|af| af.is_closed || af.close != Asked::Not)
    }

    /// No client is called for what lies on an address family whose close is over.
    pub(super) fn check_af_open(&mut self, driver: DriverId, key: Key, object: Object) {
        if self.af(Target::Af(key)).is_none_or(|af| af.is_closed) {
            let offence = "a client was called for something on an address family that is closed";
            self.fault(Rule::AfNdisCloseContextAfter, driver, object, offence);
        }
    }

    /// Whether the call manager of an address family may be called: an MCM is an adapter, too.
    pub(super) fn check_manager_may_be_asked(&mut self, driver: DriverId, key: Key, object: Object) {
        let adapter = self.af(Target::Af(key)).filter(|af| af.is_mcm).and_then(|af| af.adapter);
        if let Some(adapter) = adapter {
            self.check_adapter_may_be_asked(driver, adapter, object, true);
        }
    }

    pub(super) fn object_of_af(&self, key: Key) -> Option<Object> {
        self.af(Target::Af(key))?.client_handle.map(|handle| Object::Af(AfId(handle)))
    }

    pub(super) fn object_of_registration(&self, key: Key) -> Option<Object> {
        let registration = self.registrations.iter().find(|registration| registration.key == key)?;
        Some(Object::Adapter(registration.adapter))
    }

    // ---- offering ---------------------------------------------------------------------------------------------

    pub(super) fn cm_registers(
        &mut self,
        driver: DriverId,
        binding: HandleArg,
        family: AddressFamily,
    ) -> Target {
        let Target::Binding(key) = self.target_of_binding(driver, binding) else { return Target::None };
        let Some(adapter) = self.binding(key).map(|binding| binding.adapter) else { return Target::None };
        self.registers(driver, adapter, Some(key), family)
    }

    pub(super) fn mcm_registers(
        &mut self,
        driver: DriverId,
        adapter: HandleArg,
        family: AddressFamily,
    ) -> Target {
        let Some(adapter) = self.adapter_by_handle(adapter) else { return Target::None };
        self.registers(driver, adapter, None, family)
    }

    fn registers(
        &mut self,
        driver: DriverId,
        adapter: AdapterId,
        binding: Option<Key>,
        family: AddressFamily,
    ) -> Target {
        let key = self.next_key();
        let (stands, told) = (false, Vec::new());
        self.registrations.push(Registration { key, driver, adapter, binding, family, stands, told });
        Target::Registration(key)
    }

    pub(super) fn registration_returned(&mut self, target: Target, status: Status) {
        let Target::Registration(key) = target else { return };
        let Some(index) = self.registrations.iter().position(|registration| registration.key == key) else {
            return;
        };
        if status == Status::SUCCESS {
            self.registrations[index].stands = true;
        } else {
            self.registrations.remove(index);
        }
    }

    pub(super) fn family_told(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        family: AddressFamily,
    ) -> Target {
        let callback = Callback::CoAfRegisterNotify { binding_context: context, family };
        let target = self.binding_of(driver, from, context, &callback);
        let Target::Binding(key) = target else { return target };
        let Some(&binding) = self.binding(key) else { return target };
        let object = self.object(driver, target);
        if !binding.state.is_bound() {
            let offence = "a client was told of an address family while it was not bound";
            self.fault(Rule::AfNdisNotifyAll, driver, object, offence);
        }
        let mut offered = self.registrations.iter_mut();
        match offered.find(|offered| offered.adapter == binding.adapter && offered.family == family) {
            Some(registration) => registration.told.push(key),
            None => {
                let offence = "a client was told of an address family that nobody offers";
                self.fault(Rule::AfNdisNotifyAll, driver, object, offence);
            }
        }
        target
    }

    // ---- opening ----------------------------------------------------------------------------------------------

    pub(super) fn af_opens(
        &mut self,
        client: DriverId,
        binding: HandleArg,
        family: AddressFamily,
        client_context: Token,
    ) -> Target {
        let key = self.next_key();
        let adapter = match self.target_of_binding(client, binding) {
            Target::Binding(key) => self.binding(key).map(|binding| binding.adapter),
            _ => None,
        };
        self.afs.push(Af {
            key,
            client,
            client_context,
            client_handle: None,
            adapter,
            family,
            manager: None,
            manager_handle: None,
            manager_context: None,
            is_mcm: false,
            open: Asked::Not,
            close: Asked::Not,
            notification: Asked::Not,
            is_open: false,
            is_closed: false,
        });
        Target::Af(key)
    }

    pub(super) fn af_stored(&mut self, target: Target, handle: Handle) {
        if let Some(af) = self.af_mut(target) {
            af.client_handle = Some(handle);
        }
    }

    pub(super) fn open_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        binding_context: Token,
        family: AddressFamily,
        handle: Handle,
    ) -> Target {
        let rule = Rule::AfNdisOpenToRegistrar;
        let object = self.object(driver, from);
        let Some(&af) = self.af(from) else { return Target::None };
        let offered = af.adapter.and_then(|adapter| {
            let mut offered = self.registrations.iter().filter(|offered| offered.stands);
            offered.find(|offered| offered.adapter == adapter && offered.family.family == af.family.family)
        });
        let holder = offered.map(|offered| (offered.driver, offered.binding, offered.adapter));
        match holder {
            Some((registrar, held_on, adapter)) => {
                if registrar != driver {
                    self.fault(rule, driver, object, "an open went to another driver than the registrar");
                }
                let context = match held_on {
                    Some(key) => self.binding(key).and_then(|binding| binding.context),
                    None => self.adapter(adapter).context,
                };
                if context.is_some_and(|given| given != binding_context) {
                    self.fault(rule, driver, object, WRONG_CONTEXT);
                }
                if held_on.is_none() {
                    self.check_adapter_may_be_asked(driver, adapter, object, false);
                }
            }
            None => self.fault(rule, driver, object, "an open was delivered that matches no registration"),
        }
        // The call manager judges the versions, so it has to see the client's (af-q-same-family).
        if af.family != family {
            self.fault(
                rule,
                driver,
                object,
                "an open was delivered with another address family than the client's",
            );
        }
        if let Some(af) = self.af_mut(from) {
            af.manager = Some(driver);
            af.manager_handle = Some(handle);
            af.is_mcm = matches!(holder, Some((_, None, _)));
            af.open = Asked::Outstanding;
        }
        from
    }

    /// Nothing goes to a miniport before its initialisation has returned or after its halt. While an MCM waits in an
    /// overlapped halt it gets what its own notifications lead to (`in_halt`); a miniport is not halted under the VCs of
    /// others.
    pub(super) fn check_adapter_may_be_asked(
        &mut self,
        driver: DriverId,
        adapter: AdapterId,
        object: Object,
        in_halt: bool,
    ) {
        let overlapped = self.order == StopOrder::Overlapped && in_halt;
        match self.adapter(adapter).state {
            AdapterState::Initializing => {
                let offence = "something was asked of a miniport before MiniportInitializeEx had returned";
                self.fault(Rule::BindingNdisInitQuiet, driver, object, offence);
            }
            AdapterState::Halting if overlapped => {}
            AdapterState::Halting | AdapterState::Halted => {
                let offence = "something was asked of a miniport after MiniportHaltEx";
                self.fault(Rule::BindingNdisHaltQuiet, driver, object, offence);
            }
            AdapterState::Paused
            | AdapterState::Restarting
            | AdapterState::Running
            | AdapterState::Pausing => {}
        }
    }

    pub(super) fn open_answered(&mut self, target: Target, reply: Reply) {
        let Some(af) = self.af_mut(target) else { return };
        af.open.answer(reply.status);
        if reply.status == Status::SUCCESS {
            af.manager_context = Some(reply.context);
        }
    }

    pub(super) fn open_completes(
        &mut self,
        driver: DriverId,
        handle: HandleArg,
        status: Status,
        context: Token,
    ) -> Target {
        let target = self.target_of_manager(driver, handle);
        self.open_answered(target, Reply::status(status).with_context(context));
        target
    }

    pub(super) fn open_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        handle: HandleArg,
        status: Status,
    ) -> Target {
        let callback = Callback::ClOpenAfCompleteEx { af_context: context, af: handle, status };
        let Some(af) = self.client_of(driver, from, context, &callback) else { return Target::None };
        let object = self.object(driver, from);
        if af.open.contradicts(status) {
            self.fault(duty(&callback), driver, object, WRONG_STATUS);
        }
        let expected = match af.client_handle {
            Some(handle) if status == Status::SUCCESS => HandleArg::Known(handle),
            Some(_) | None => HandleArg::Null,
        };
        if handle != expected {
            let offence = if status == Status::SUCCESS {
                "ProtocolClOpenAfCompleteEx got another handle than the open had stored"
            } else {
                "ProtocolClOpenAfCompleteEx got a handle although the open had failed"
            };
            self.fault(Rule::AfNdisOpenFailClean, driver, object, offence);
        }
        from
    }

    pub(super) fn open_over(&mut self, target: Target, status: Status) {
        if status != Status::SUCCESS {
            self.forget(target);
        } else if let Some(af) = self.af_mut(target) {
            af.is_open = true;
        }
    }

    pub(super) fn open_returned(&mut self, driver: DriverId, frame: Frame, status: Status) {
        if status == Status::PENDING {
            return;
        }
        if self.af(frame.target).is_some_and(|af| af.open.contradicts(status)) {
            let object = self.object(driver, frame.target);
            self.fault(Rule::AfNdisOpenToRegistrar, driver, object, WRONG_STATUS);
        }
        self.open_over(frame.target, status);
    }

    /// The address family that a handler of its client is about, with the checks that all such handlers share.
    fn client_of(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        callback: &Callback,
    ) -> Option<Af> {
        let object = self.object(driver, from);
        let Some(&af) = self.af(from).filter(|af| !af.is_closed) else {
            let offence = "a client was called for an address family that is not open";
            self.fault(Rule::AfNdisCloseContextAfter, driver, object, offence);
            return None;
        };
        if af.client != driver || af.client_context != context {
            self.fault(duty(callback), driver, object, WRONG_CONTEXT);
        }
        Some(af)
    }

    /// The same for a handler of its call manager.
    pub(super) fn manager_of(&mut self, driver: DriverId, from: Target, context: Token) -> Option<Af> {
        let object = self.object(driver, from);
        let Some(&af) = self.af(from) else {
            let offence = "a call manager was called for an address family that is closed";
            self.fault(Rule::AfNdisCmContext, driver, object, offence);
            return None;
        };
        if af.manager != Some(driver) || af.manager_context != Some(context) {
            self.fault(Rule::AfNdisCmContext, driver, object, WRONG_CONTEXT);
        }
        if let (true, Some(adapter)) = (af.is_mcm, af.adapter) {
            self.check_adapter_may_be_asked(driver, adapter, object, true);
        }
        Some(af)
    }

    // ---- closing ----------------------------------------------------------------------------------------------

    pub(super) fn close_begins(&mut self, driver: DriverId, from: Target, context: Token) -> Target {
        let Some(before) = self.manager_of(driver, from, context) else { return Target::None };
        if before.is_closed || before.close == Asked::Outstanding {
            let object = self.object(driver, from);
            self.fault(Rule::AfNdisCmContext, driver, object, "ProtocolCmCloseAf was called a second time");
        }
        if let Target::Af(key) = from
            && (self.has_sap(key) || self.keeps_open(key) == Some(true))
        {
            let object = self.object(driver, from);
            let offence =
                "a close reached the call manager although the client had not cleared the address family";
            self.fault(Rule::VcNdisAfClose, driver, object, offence);
        }
        if let Some(af) = self.af_mut(from) {
            af.close = Asked::Outstanding;
        }
        from
    }

    pub(super) fn close_answered(&mut self, target: Target, status: Status) {
        if let Some(af) = self.af_mut(target) {
            af.close.answer(status);
        }
    }

    pub(super) fn close_completes(&mut self, driver: DriverId, handle: HandleArg, status: Status) -> Target {
        let target = self.target_of_manager(driver, handle);
        self.close_answered(target, status);
        target
    }

    pub(super) fn close_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        status: Status,
    ) -> Target {
        let callback = Callback::ClCloseAfComplete { status, af_context: context };
        let Some(af) = self.client_of(driver, from, context, &callback) else { return Target::None };
        if af.close.contradicts(status) {
            let object = self.object(driver, from);
            self.fault(duty(&callback), driver, object, WRONG_STATUS);
        }
        from
    }

    pub(super) fn close_over(&mut self, target: Target, status: Status) {
        let Some(af) = self.af_mut(target) else { return };
        if status == Status::SUCCESS {
            af.is_closed = true;
            self.settle(target);
        } else {
            af.close = Asked::Not;
        }
    }

    pub(super) fn close_returned(&mut self, driver: DriverId, frame: Frame, status: Status) {
        if status == Status::PENDING || frame.completed {
            return;
        }
        let success = Status::SUCCESS;
        // A refusal that nobody was asked about changes nothing: a close that is under way goes on.
        if !frame.asked && status != success {
            if let Target::Af(key) = frame.target {
                let is_kept = self.has_sap(key) || self.keeps_open(key) != Some(false);
                if !is_kept && !self.is_closing(key) && !frame.warned {
                    let object = self.object(driver, frame.target);
                    self.fault(Rule::VcNdisAfClose, driver, object, NEVER_ASKED);
                }
            }
            return;
        }
        let wrong = self.af(frame.target).is_some_and(|af| match af.close {
            Asked::Answered(given) => (given == success) != (status == success),
            Asked::Not | Asked::Outstanding => false,
        });
        if wrong {
            let object = self.object(driver, frame.target);
            self.fault(Rule::AfNdisCompleteAfterPending, driver, object, WRONG_STATUS);
        }
        self.close_over(frame.target, status);
    }

    // ---- notification -----------------------------------------------------------------------------------------

    pub(super) fn notification_begins(&mut self, driver: DriverId, from: Target, context: Token) -> Target {
        let callback = Callback::ClNotifyCloseAf { af_context: context };
        let Some(before) = self.client_of(driver, from, context, &callback) else { return Target::None };
        let object = self.object(driver, from);
        if !before.is_open {
            let offence = "a client was asked to close before it knew that its open had succeeded";
            self.fault(Rule::AfNdisNotifyRelay, driver, object, offence);
        }
        if before.notification == Asked::Outstanding {
            let offence = "a client was asked to close again before it had answered";
            self.fault(Rule::AfNdisNotifyRelay, driver, object, offence);
        }
        if let Some(af) = self.af_mut(from) {
            af.notification = Asked::Outstanding;
        }
        from
    }

    pub(super) fn notification_answered(&mut self, target: Target, status: Status) {
        if let Some(af) = self.af_mut(target) {
            af.notification.answer(status);
        }
    }

    pub(super) fn notification_completes(
        &mut self,
        driver: DriverId,
        handle: HandleArg,
        status: Status,
    ) -> Target {
        let target = self.target_of_client(driver, handle);
        self.notification_answered(target, status);
        target
    }

    pub(super) fn notification_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        status: Status,
        cause: Option<Frame>,
    ) -> Target {
        let Some(af) = self.manager_of(driver, from, context) else { return Target::None };
        // NDIS itself answers a notification that it held back until it was too late.
        let held =
            cause.is_some_and(|cause| matches!(cause.kind, Kind::Job(_))) && af.notification == Asked::Not;
        if !held && af.notification != Asked::Answered(status) {
            let object = self.object(driver, from);
            self.fault(Rule::AfNdisNotifyRelay, driver, object, WRONG_STATUS);
        }
        from
    }

    pub(super) fn notification_over(&mut self, target: Target) {
        if let Some(af) = self.af_mut(target) {
            af.notification = Asked::Not;
            self.settle(target);
        }
    }

    pub(super) fn notify_returned(&mut self, driver: DriverId, frame: Frame, status: Status) {
        if status == Status::PENDING {
            self.settle(frame.target);
            return;
        }
        if frame.asked {
            if self.af(frame.target).is_some_and(|af| af.notification.contradicts(status)) {
                let object = self.object(driver, frame.target);
                self.fault(Rule::AfNdisNotifyRelay, driver, object, WRONG_STATUS);
            }
            self.notification_over(frame.target);
        } else {
            self.settle(frame.target);
        }
    }

    /// An MCM has halted: no handler of its may be called any more, so the answers that it did not wait for are lost.
    pub(super) fn notifications_end(&mut self, adapter: AdapterId) {
        let notifies = Ddi::NdisCmNotifyCloseAddressFamily;
        let of_mcm = |af: &&Af| af.is_mcm && af.adapter == Some(adapter);
        let targets: Vec<Target> = self.afs.iter().filter(of_mcm).map(|af| Target::Af(af.key)).collect();
        self.pended.retain(|(ddi, target)| *ddi != notifies || !targets.contains(target));
        targets.into_iter().for_each(|target| self.settle(target));
    }

    /// Forgets an address family that is closed, unless a notification is under way or a SAP on it is still leaving.
    pub(super) fn settle(&mut self, target: Target) {
        let notifies = Ddi::NdisCmNotifyCloseAddressFamily;
        let under_way = self.pended.contains(&(notifies, target))
            || self.frames.iter().any(|frame| frame.kind == Kind::Call(notifies) && frame.target == target);
        let mut saps = self.saps.values().filter(|sap| Target::Af(sap.af) == target);
        let leaving = saps.any(|sap| sap.deregister != Asked::Not);
        if !under_way && !leaving && self.af(target).is_some_and(|af| af.is_closed) {
            self.forget(target);
        }
    }

    fn forget(&mut self, target: Target) {
        if let Target::Af(key) = target {
            self.afs.retain(|af| af.key != key);
        }
    }

    // ---- at rest ----------------------------------------------------------------------------------------------

    /// Whether a driver may be what keeps a binding from being closed: an address family on it that is not closed, one whose
    /// notification is not answered, a SAP that is not deregistered or a VC that is not deleted yet, or a handler that runs with a
    /// context that belongs there.
    pub(super) fn is_in_use(&self, binding: &Binding) -> bool {
        let is_party = |af: &Af| {
            let party = af.client == binding.driver || af.manager == Some(binding.driver);
            party && af.adapter == Some(binding.adapter)
        };
        let unanswered = |&(ddi, target): &(Ddi, Target)| {
            ddi == Ddi::NdisCmNotifyCloseAddressFamily && self.af(target).is_some_and(is_party)
        };
        let has_part = |vc: Target| self.has_part_in(vc, binding.driver, binding.adapter);
        let runs = |frame: &Frame| match (frame.kind, frame.target) {
            // The bind and the unbind are where the close is called from.
            (Kind::Handler(Ddi::ProtocolBindAdapterEx | Ddi::ProtocolUnbindAdapterEx), _) => false,
            (Kind::Handler(_), Target::Binding(key)) => key == binding.key,
            (Kind::Handler(_), Target::Af(_)) => self.af(frame.target).is_some_and(is_party),
            (Kind::Handler(_), Target::Sap(_)) => {
                self.sap(frame.target).and_then(|sap| self.af(Target::Af(sap.af))).is_some_and(is_party)
            }
            (Kind::Handler(_), Target::Vc(_)) => has_part(frame.target),
            (Kind::Handler(_), Target::Party(_)) => has_part(self.vc_of_party(frame.target)),
            (Kind::Handler(_), Target::None | Target::Adapter(_) | Target::Registration(_))
            | (Kind::Job(_) | Kind::Call(_), _) => false,
        };
        let mut leaving = self.saps.values().filter(|sap| sap.deregister != Asked::Not);
        self.afs.iter().any(|af| is_party(af) && !af.is_closed)
            || leaving.any(|sap| self.af(Target::Af(sap.af)).is_some_and(is_party))
            || self.vcs.keys().any(|&vc| has_part(Target::Vc(vc)))
            || self.pended.iter().any(unanswered)
            || self.frames.iter().any(runs)
    }

    pub(super) fn afs_owed(&self, owed: &mut Vec<Violation>) {
        for &(ddi, target) in &self.pended {
            let Some(af) = self.af(target) else { continue };
            let late = NEVER_CAME;
            let (rule, offence) = match (ddi, af.open, af.close, af.notification) {
                (Ddi::NdisClOpenAddressFamilyEx, Asked::Answered(_), ..)
                | (Ddi::NdisClCloseAddressFamily, _, Asked::Answered(_), _)
                | (Ddi::NdisCmNotifyCloseAddressFamily, .., Asked::Answered(_)) => {
                    (Rule::AfNdisCompleteAfterPending, late)
                }
                (Ddi::NdisCmNotifyCloseAddressFamily, .., Asked::Not) if af.is_open => {
                    (Rule::AfNdisNotifyRelay, "a close notification never reached the client")
                }
                // A driver owes the answer.
                _ => continue,
            };
            let by = if ddi == Ddi::NdisCmNotifyCloseAddressFamily { af.manager } else { Some(af.client) };
            let by = by.unwrap_or(af.client);
            owed.push(Violation { rule, by, object: self.object(by, target), offence });
        }
        for registration in self.registrations.iter().filter(|registration| self.is_offered(registration)) {
            for binding in self.bindings.iter().filter(|binding| binding.adapter == registration.adapter) {
                let is_told = registration.told.contains(&binding.key);
                // Whether a driver hears of its own address family no page says.
                let own = binding.driver == registration.driver;
                if !own && !is_told && binding.state.is_bound() && self.is_client(binding.driver) {
                    owed.push(Violation {
                        rule: Rule::AfNdisNotifyAll,
                        by: binding.driver,
                        object: self.object(binding.driver, Target::Binding(binding.key)),
                        offence: "a bound client was never told of an address family",
                    });
                }
            }
        }
    }

    /// Whether clients are to hear of a registration: the bind or the initialisation in which it was made is over, and
    /// its holder is not going away.
    fn is_offered(&self, registration: &Registration) -> bool {
        let is_up = match registration.binding {
            Some(key) => self.binding(key).is_some_and(|binding| binding.state.is_bound()),
            None => {
                let adapter = self.adapters.get(usize::from(registration.adapter.0));
                adapter.is_some_and(|adapter| match adapter.state {
                    AdapterState::Paused
                    | AdapterState::Restarting
                    | AdapterState::Running
                    | AdapterState::Pausing => true,
                    AdapterState::Halted | AdapterState::Initializing | AdapterState::Halting => false,
                })
            }
        };
        registration.stands && is_up
    }
}
