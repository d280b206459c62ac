//! Area `registration`: what NDIS owes a driver that registers and is unloaded.

use super::{Auditor, Target};
use contract::{Ddi, Rule, Status};
use model::block::{HandlerSet, OptionalHandlers};
use model::{Callback, DriverId, Object, Side, Token};

const CLIENT_HANDLERS: u32 = contract::values::ndis_object_type::NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS;

/// What is known of one driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Driver {
    protocol: Registration,
    miniport: Registration,
    /// Whether it has set the handlers of a client.
    pub(super) is_client: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Registration {
    context: Token,
    /// Whether its `XxxSetOptions` is due: the registration call runs, and it was supplied.
    options_due: bool,
}

impl Auditor {
    pub(super) fn driver(&mut self, driver: DriverId) -> &mut Driver {
        let index = usize::from(driver.0);
        if index >= self.drivers.len() {
            self.drivers.resize(index + 1, Driver::default());
        }
        &mut self.drivers[index]
    }

    pub(super) fn is_client(&self, driver: DriverId) -> bool {
        self.drivers.get(usize::from(driver.0)).is_some_and(|driver| driver.is_client)
    }

    pub(super) fn protocol_registers(
        &mut self,
        driver: DriverId,
        context: Token,
        handlers: &HandlerSet,
    ) -> Target {
        let options_due = handlers.contains(Ddi::ProtocolSetOptions);
        self.driver(driver).protocol = Registration { context, options_due };
        Target::None
    }

    pub(super) fn miniport_registers(
        &mut self,
        driver: DriverId,
        context: Token,
        handlers: &HandlerSet,
    ) -> Target {
        let options_due = handlers.contains(Ddi::MiniportSetOptions);
        self.driver(driver).miniport = Registration { context, options_due };
        Target::None
    }

    pub(super) fn handlers_set(&mut self, driver: DriverId, handlers: &OptionalHandlers) -> Target {
        self.driver(driver).is_client |= u32::from(handlers.header.object_type) == CLIENT_HANDLERS;
        Target::None
    }

    pub(super) fn protocol_options(&mut self, driver: DriverId, context: Token) -> Target {
        let registration = &mut self.driver(driver).protocol;
        let (due, expected) = (registration.options_due, registration.context);
        registration.options_due = false;
        self.check_options(driver, due, context == expected)
    }

    pub(super) fn miniport_options(&mut self, driver: DriverId, context: Token) -> Target {
        let registration = &mut self.driver(driver).miniport;
        let (due, expected) = (registration.options_due, registration.context);
        registration.options_due = false;
        self.check_options(driver, due, context == expected)
    }

    fn check_options(&mut self, driver: DriverId, due: bool, same_context: bool) -> Target {
        let rule = Rule::RegistrationNdisSetoptionsInside;
        if !due {
            self.fault(
                rule,
                driver,
                Object::Driver(driver),
                "XxxSetOptions was called outside the registration",
            );
        }
        if !same_context {
            self.fault(
                rule,
                driver,
                Object::Driver(driver),
                "XxxSetOptions got another context than the driver's",
            );
        }
        Target::None
    }

    /// No other handler of a role comes before its `XxxSetOptions`.
    pub(super) fn options_first(&mut self, driver: DriverId, callback: &Callback) {
        let this = *self.driver(driver);
        let due = match callback {
            Callback::DriverEntry { .. }
            | Callback::Unload { .. }
            | Callback::ProtocolSetOptions { .. }
            | Callback::MiniportSetOptions { .. }
            // A call manager has these as a protocol, an MCM as a miniport.
            | Callback::CmOpenAf { .. }
            | Callback::CmCloseAf { .. }
            | Callback::CmNotifyCloseAfComplete { .. }
            | Callback::CmRegisterSap { .. }
            | Callback::CmDeregisterSap { .. }
            | Callback::CoCreateVc { side: Side::CallManager, .. }
            | Callback::CoDeleteVc { side: Side::CallManager, .. }
            | Callback::CmActivateVcComplete { .. }
            | Callback::CmDeactivateVcComplete { .. }
            | Callback::CmMakeCall { .. }
            | Callback::CmModifyCallQoS { .. }
            | Callback::CmCloseCall { .. }
            | Callback::CmIncomingCallComplete { .. }
            | Callback::CmAddParty { .. }
            | Callback::CmDropParty { .. } => false,
            Callback::Uninstall {}
            | Callback::BindAdapterEx { .. }
            | Callback::OpenAdapterCompleteEx { .. }
            | Callback::UnbindAdapterEx { .. }
            | Callback::CloseAdapterCompleteEx { .. }
            | Callback::NetPnPEvent { .. }
            | Callback::CoAfRegisterNotify { .. }
            | Callback::ClOpenAfCompleteEx { .. }
            | Callback::ClCloseAfComplete { .. }
            | Callback::ClNotifyCloseAf { .. }
            | Callback::ClRegisterSapComplete { .. }
            | Callback::ClDeregisterSapComplete { .. }
            | Callback::CoCreateVc { side: Side::Client, .. }
            | Callback::CoDeleteVc { side: Side::Client, .. }
            | Callback::ClMakeCallComplete { .. }
            | Callback::ClModifyCallQoSComplete { .. }
            | Callback::ClCloseCallComplete { .. }
            | Callback::ClIncomingCall { .. }
            | Callback::ClCallConnected { .. }
            | Callback::ClIncomingCallQoSChange { .. }
            | Callback::ClIncomingCloseCall { .. }
            | Callback::ClAddPartyComplete { .. }
            | Callback::ClDropPartyComplete { .. }
            | Callback::ClIncomingDropParty { .. } => this.protocol.options_due,
            Callback::MiniportDriverUnload { .. }
            | Callback::MiniportInitializeEx { .. }
            | Callback::MiniportPause { .. }
            | Callback::MiniportRestart { .. }
            | Callback::MiniportHaltEx { .. }
            | Callback::MiniportDevicePnPEventNotify { .. }
            | Callback::MiniportCoCreateVc { .. }
            | Callback::MiniportCoDeleteVc { .. }
            | Callback::MiniportCoActivateVc { .. }
            | Callback::MiniportCoDeactivateVc { .. } => this.miniport.options_due,
        };
        if due {
            let offence = "a handler was called before XxxSetOptions";
            self.fault(Rule::RegistrationNdisSetoptionsInside, driver, Object::Driver(driver), offence);
        }
    }

    pub(super) fn protocol_registered(&mut self, driver: DriverId, status: Status) {
        let missed = core::mem::take(&mut self.driver(driver).protocol.options_due);
        self.check_options_called(driver, missed && status == Status::SUCCESS);
    }

    pub(super) fn miniport_registered(&mut self, driver: DriverId, status: Status) {
        let missed = core::mem::take(&mut self.driver(driver).miniport.options_due);
        self.check_options_called(driver, missed && status == Status::SUCCESS);
    }

    fn check_options_called(&mut self, driver: DriverId, missed: bool) {
        if missed {
            let offence = "a registration succeeded without a call of XxxSetOptions";
            self.fault(Rule::RegistrationNdisSetoptionsInside, driver, Object::Driver(driver), offence);
        }
    }

    pub(super) fn protocol_context(&mut self, driver: DriverId) -> Token {
        self.driver(driver).protocol.context
    }

    pub(super) fn miniport_context(&mut self, driver: DriverId) -> Token {
        self.driver(driver).miniport.context
    }
}
