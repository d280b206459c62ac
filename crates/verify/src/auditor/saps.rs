//! Area `sap`: to whom NDIS brings the registration of a service access point and its end, and what it says there.

use super::{Asked, Auditor, Frame, Key, NEVER_ASKED, Target, WRONG_HANDLE, WRONG_STATUS};
use contract::{Ddi, Rule, Status};
use model::block::Sap as Specification;
use model::{Call, DriverId, Handle, HandleArg, HandleKind, Reply, Side, Token};

/// A SAP, from the call that registers it on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sap {
    pub(super) af: Key,
    client: DriverId,
    pub(super) client_context: Token,
    specification: Specification,
    /// The client's handle.
    pub(super) handle: Option<Handle>,
    /// `CallMgrSapContext`, once the call manager has given it with a success.
    manager_context: Option<Token>,
    /// `ProtocolCmRegisterSap`, `ProtocolCmDeregisterSap`.
    pub(super) register: Asked,
    pub(super) deregister: Asked,
}

const WRONG_SPECIFICATION: &str = "a driver got another CO_SAP than the client's";

impl Auditor {
    pub(super) fn sap(&self, target: Target) -> Option<&Sap> {
        let Target::Sap(key) = target else { return None };
        self.saps.get(&key)
    }

    fn sap_mut(&mut self, target: Target) -> Option<&mut Sap> {
        let Target::Sap(key) = target else { return None };
        self.saps.get_mut(&key)
    }

    /// The SAP for which this driver on this side has this handle.
    pub(super) fn target_of_sap(&self, driver: DriverId, side: Side, handle: HandleArg) -> Target {
        let kind = match side {
            Side::Client => HandleKind::ClientSap,
            Side::CallManager => HandleKind::CallManagerSap,
        };
        let target = self.key_of(handle, kind).map_or(Target::None, Target::Sap);
        let holder = self.sap(target).and_then(|sap| match side {
            Side::Client => Some(sap.client),
            Side::CallManager => self.manager_of_af(sap.af),
        });
        if holder == Some(driver) { target } else { Target::None }
    }

    // ---- registering ------------------------------------------------------------------------------------------

    pub(super) fn sap_registers(
        &mut self,
        client: DriverId,
        af: HandleArg,
        client_context: Token,
        specification: Specification,
    ) -> Target {
        let Target::Af(af) = self.target_of_client(client, af) else { return Target::None };
        let key = self.next_key();
        let sap = Sap {
            af,
            client,
            client_context,
            specification,
            handle: None,
            manager_context: None,
            register: Asked::Not,
            deregister: Asked::Not,
        };
        self.saps.insert(key, sap);
        Target::Sap(key)
    }

    pub(super) fn sap_stored(&mut self, driver: DriverId, target: Target, handle: Handle) {
        self.name_sap(driver, target, handle, HandleKind::ClientSap);
    }

    fn name_sap(&mut self, driver: DriverId, target: Target, handle: Handle, kind: HandleKind) {
        let Target::Sap(key) = target else { return };
        let handle = self.handle_given(driver, target, key, handle, kind);
        if let Some(sap) = self.sap_mut(target) {
            sap.handle = Some(handle);
        }
    }

    pub(super) fn register_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        af_context: Token,
        specification: Specification,
        handle: Handle,
    ) -> Target {
        let object = self.object(driver, from);
        let Some(&sap) = self.sap(from) else { return Target::None };
        self.manager_of(driver, Target::Af(sap.af), af_context);
        if sap.specification != specification {
            self.fault(Rule::SapNdisRelay, driver, object, WRONG_SPECIFICATION);
        }
        self.name_sap(driver, from, handle, HandleKind::CallManagerSap);
        if let Some(sap) = self.sap_mut(from) {
            sap.register = Asked::Outstanding;
        }
        from
    }

    pub(super) fn register_answered(&mut self, target: Target, reply: Reply) {
        let Some(sap) = self.sap_mut(target) else { return };
        sap.register.answer(reply.status);
        if reply.status == Status::SUCCESS {
            sap.manager_context = Some(reply.context);
        }
    }

    pub(super) fn register_completes(
        &mut self,
        driver: DriverId,
        handle: HandleArg,
        status: Status,
        context: Token,
    ) -> Target {
        let target = self.target_of_sap(driver, Side::CallManager, handle);
        self.register_answered(target, Reply::status(status).with_context(context));
        target
    }

    pub(super) fn register_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
        specification: Specification,
        handle: HandleArg,
    ) -> Target {
        let Some(sap) = self.client_of_sap(driver, from, context) else { return Target::None };
        let object = self.object(driver, from);
        self.check_af_open(driver, sap.af, object);
        if sap.specification.address != specification.address {
            self.fault(Rule::SapNdisRelay, driver, object, WRONG_SPECIFICATION);
        }
        if sap.register.contradicts(status) {
            self.fault(Rule::SapNdisFailDrop, driver, object, WRONG_STATUS);
        }
        let expected = match sap.handle {
            Some(handle) if status == Status::SUCCESS => HandleArg::Known(handle),
            Some(_) | None => HandleArg::Null,
        };
        if handle != expected && status == Status::SUCCESS {
            self.fault(Rule::SapNdisRelay, driver, object, WRONG_HANDLE);
        } else if handle != expected {
            let offence = "ProtocolClRegisterSapComplete got a handle although the registration had failed";
            self.fault(Rule::SapNdisFailDrop, driver, object, offence);
        }
        from
    }

    pub(super) fn register_over(&mut self, target: Target, status: Status) {
        if status != Status::SUCCESS {
            self.forget_sap(target);
        } else if let Some(sap) = self.sap_mut(target) {
            sap.register = Asked::Not;
        }
    }

    pub(super) fn register_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(asked) = self.sap(frame.target).map(|sap| sap.register) else { return };
        self.check_relayed(Rule::SapNdisRelay, Rule::SapNdisFailDrop, driver, frame, asked, status);
        if status != Status::PENDING && !frame.completed {
            self.register_over(frame.target, status);
        }
    }

    /// The SAP that a handler of its client is about, with the checks that all such handlers share.
    fn client_of_sap(&mut self, driver: DriverId, from: Target, context: Token) -> Option<Sap> {
        let object = self.object(driver, from);
        let Some(&sap) = self.sap(from) else {
            let offence = "a client was called for a SAP that is gone";
            self.fault(Rule::AfNdisCompleteAfterPending, driver, object, offence);
            return None;
        };
        if sap.client != driver || sap.client_context != context {
            let offence = "a handler of a SAP got another context than the client's";
            self.fault(Rule::SapNdisRelay, driver, object, offence);
        }
        Some(sap)
    }

    // ---- deregistering ----------------------------------------------------------------------------------------

    pub(super) fn deregister_begins(&mut self, driver: DriverId, from: Target, context: Token) -> Target {
        let object = self.object(driver, from);
        let Some(&sap) = self.sap(from) else { return Target::None };
        if self.manager_of_af(sap.af) != Some(driver) || sap.manager_context != Some(context) {
            let offence = "a handler of a SAP got another context than the call manager's";
            self.fault(Rule::AfNdisCmContext, driver, object, offence);
        }
        self.check_manager_may_be_asked(driver, sap.af, object);
        if sap.deregister != Asked::Not {
            let offence = "ProtocolCmDeregisterSap was called a second time";
            self.fault(Rule::SapNdisRelay, driver, object, offence);
        }
        if let Some(sap) = self.sap_mut(from) {
            sap.deregister = Asked::Outstanding;
        }
        from
    }

    pub(super) fn deregister_answered(&mut self, target: Target, status: Status) {
        if let Some(sap) = self.sap_mut(target) {
            sap.deregister.answer(status);
        }
    }

    pub(super) fn deregister_completes(
        &mut self,
        driver: DriverId,
        handle: HandleArg,
        status: Status,
    ) -> Target {
        let target = self.target_of_sap(driver, Side::CallManager, handle);
        self.deregister_answered(target, status);
        target
    }

    /// A deregistration may outlast the address family: a close does not wait for one that is pending.
    pub(super) fn deregister_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
    ) -> Target {
        let Some(sap) = self.client_of_sap(driver, from, context) else { return Target::None };
        if sap.deregister.contradicts(status) {
            let object = self.object(driver, from);
            self.fault(Rule::AfNdisCompleteAfterPending, driver, object, WRONG_STATUS);
        }
        from
    }

    pub(super) fn deregister_over(&mut self, target: Target, status: Status) {
        if status == Status::SUCCESS {
            self.forget_sap(target);
        } else if let Some(sap) = self.sap_mut(target) {
            // The call manager has refused: the SAP stays registered (sap-q-handle-after-dereg).
            sap.deregister = Asked::Not;
            let af = Target::Af(sap.af);
            self.settle(af);
        }
    }

    pub(super) fn deregister_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(&sap) = self.sap(frame.target) else { return };
        let is_refused = !frame.asked && status != Status::SUCCESS && status != Status::PENDING;
        if is_refused {
            let redundant = sap.deregister != Asked::Not || self.is_closing(sap.af);
            if !redundant && !frame.warned {
                let object = self.object(driver, frame.target);
                self.fault(Rule::SapNdisRelay, driver, object, NEVER_ASKED);
            }
            return;
        }
        let rules = (Rule::SapNdisRelay, Rule::AfNdisCompleteAfterPending);
        self.check_relayed(rules.0, rules.1, driver, frame, sap.deregister, status);
        if status != Status::PENDING && !frame.completed {
            self.deregister_over(frame.target, status);
        }
    }

    fn forget_sap(&mut self, target: Target) {
        let Target::Sap(key) = target else { return };
        let Some(sap) = self.saps.remove(&key) else { return };
        if let Some(handle) = sap.handle {
            self.handles.remove(&handle);
        }
        self.settle(Target::Af(sap.af));
    }

    // ---- for others -------------------------------------------------------------------------------------------

    /// The SAP that a call of `NdisCmDispatchIncomingCall` names.
    pub(super) fn sap_of_offer(&self, driver: DriverId, call: Option<Call>) -> Option<&Sap> {
        let Some(Call::CmDispatchIncomingCall { sap, .. }) = call else { return None };
        self.sap(self.target_of_sap(driver, Side::CallManager, sap))
    }

    /// Whether a SAP keeps this address family from being closed.
    pub(super) fn has_sap(&self, af: Key) -> bool {
        self.saps.values().any(|sap| sap.af == af && sap.deregister == Asked::Not)
    }

    /// The part of [`Auditor::owes`] for this area.
    pub(super) fn sap_owes(&self, ddi: Ddi, target: Target) -> Option<DriverId> {
        let sap = self.sap(target)?;
        let asked = if ddi == Ddi::NdisClRegisterSap { sap.register } else { sap.deregister };
        asked.is_answered().then_some(sap.client)
    }
}
