//! What a driver may ask of NDIS ([`Call`]) and what NDIS may ask of a driver ([`Callback`]), with their arguments.
//! The names are the documentation's without their prefix; [`Call::ddi`] and [`Callback::ddi`] give the whole name.

use crate::block::{
    AddressFamily, Attributes, CallParameters, Characteristics, Name, OpenParameters, OptionalHandlers, Sap,
};
use crate::id::{Handle, HandleArg, Token};
use contract::{Ddi, Status};

/// One argument, for those who print, parse or compare them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Value {
    /// A handle as the driver passed it.
    Handle(HandleArg),
    /// A value of the driver's.
    Token(Token),
    /// A status.
    Status(Status),
    /// An address family.
    AddressFamily(AddressFamily),
    /// The characteristics of a driver.
    Characteristics(Characteristics),
    /// A table of handlers.
    OptionalHandlers(OptionalHandlers),
    /// What an adapter is to be opened with.
    OpenParameters(OpenParameters),
    /// Attributes of an adapter.
    Attributes(Attributes),
    /// A plug-and-play event.
    NetEvent(NetEvent),
    /// What happened to a device.
    DeviceEvent(DeviceEvent),
    /// Why an adapter is halted.
    HaltAction(HaltAction),
    /// A driver object: what a loader hands to `DriverEntry`.
    Driver(crate::DriverId),
    /// An adapter, by its handle.
    Adapter(crate::AdapterId),
    /// What a service access point stands for.
    Sap(Sap),
    /// The parameters of a call.
    CallParameters(CallParameters),
    /// A number of bytes.
    Size(u32),
    /// On which side of an address family a driver is called.
    Side(Side),
    /// A name.
    Name(Name),
    /// The identifier of a call, for telephony.
    CallId(CallId),
}

macro_rules! value_from {
    ($($kind:ident($ty:ty)),+ $(,)?) => {
        $(impl From<$ty> for Value {
            fn from(value: $ty) -> Value { Value::$kind(value) }
        }
        impl TryFrom<Value> for $ty {
            type Error = Value;
            fn try_from(value: Value) -> Result<$ty, Value> {
                if let Value::$kind(value) = value { Ok(value) } else { Err(value) }
            }
        })+
    };
}
value_from!(
    Handle(HandleArg),
    Token(Token),
    Status(Status),
    AddressFamily(AddressFamily),
    Characteristics(Characteristics),
    OptionalHandlers(OptionalHandlers),
    OpenParameters(OpenParameters),
    Attributes(Attributes),
    NetEvent(NetEvent),
    DeviceEvent(DeviceEvent),
    HaltAction(HaltAction),
    Driver(crate::DriverId),
    Adapter(crate::AdapterId),
    Sap(Sap),
    CallParameters(CallParameters),
    Size(u32),
    Side(Side),
    Name(Name),
    CallId(CallId),
);
impl From<Handle> for Value {
    fn from(handle: Handle) -> Value {
        Value::Handle(HandleArg::Known(handle))
    }
}
impl TryFrom<Value> for Handle {
    type Error = Value;
    fn try_from(value: Value) -> Result<Handle, Value> {
        if let Value::Handle(HandleArg::Known(handle)) = value { Ok(handle) } else { Err(value) }
    }
}

/// Names the members, so that an event can be printed, compared and read back without a second list of them.
macro_rules! events {
    ($(#[$meta:meta])* $enum:ident { $($(#[$doc:meta])* $name:ident = $ddi:ident ( $($field:ident: $ty:ty),* ),)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs, reason = "the arguments are those of the documentation's page")]
        pub enum $enum { $($(#[$doc])* $name { $($field: $ty),* },)+ }

        impl $enum {
            /// The function, with its whole name, page and prototype.
            pub const fn ddi(&self) -> Ddi {
                match self { $($enum::$name { .. } => Ddi::$ddi,)+ }
            }

            /// Calls `see` with the name and value of each argument, in the order of the prototype.
            pub fn each_argument(&self, mut see: impl FnMut(&'static str, Value)) {
                match *self { $($enum::$name { $($field),* } => { $(see(stringify!($field), $field.into());)* let _ = &mut see; })+ }
            }

            /// The names of the arguments of `ddi`, if it is one of these.
            pub const fn argument_names(ddi: Ddi) -> Option<&'static [&'static str]> {
                match ddi { $(Ddi::$ddi => Some(&[$(stringify!($field)),*]),)+ _ => None }
            }

            /// Puts `arguments` into an event of `ddi`.
            ///
            /// # Errors
            /// Gives back the index of the first argument that is missing or of another kind; none when `ddi` is not one of these.
            pub fn from_arguments(ddi: Ddi, arguments: &[Value]) -> Result<$enum, Option<usize>> {
                let mut index = 0usize;
                let _ = (&mut index, arguments);
                match ddi {
                    $(Ddi::$ddi => Ok($enum::$name { $($field: {
                        let value = *arguments.get(index).ok_or(Some(index))?;
                        index += 1;
                        value.try_into().map_err(|_| Some(index - 1))?
                    }),* }),)+
                    _ => Err(None),
                }
            }
        }
    };
}

events! {
    /// A driver calls NDIS.
    Call {
        // Registration.
        /// A protocol driver registers.
        RegisterProtocolDriver = NdisRegisterProtocolDriver(driver_context: Token, characteristics: Characteristics),
        /// A protocol driver leaves.
        DeregisterProtocolDriver = NdisDeregisterProtocolDriver(protocol: HandleArg),
        /// A miniport driver registers.
        MRegisterMiniportDriver = NdisMRegisterMiniportDriver(driver_context: Token, characteristics: Characteristics),
        /// A miniport driver leaves.
        MDeregisterMiniportDriver = NdisMDeregisterMiniportDriver(driver: HandleArg),
        /// A driver supplies the handlers of one of its roles.
        SetOptionalHandlers = NdisSetOptionalHandlers(handle: HandleArg, handlers: OptionalHandlers),
        /// A miniport describes its adapter.
        MSetMiniportAttributes = NdisMSetMiniportAttributes(adapter: HandleArg, attributes: Attributes),
        // Binding.
        /// A protocol opens the adapter it is being bound to.
        OpenAdapterEx = NdisOpenAdapterEx(protocol: HandleArg, binding_context: Token, parameters: OpenParameters, bind_context: HandleArg),
        /// A protocol closes an adapter.
        CloseAdapterEx = NdisCloseAdapterEx(binding: HandleArg),
        /// A pended bind is over.
        CompleteBindAdapterEx = NdisCompleteBindAdapterEx(bind_context: HandleArg, status: Status),
        /// A pended unbind is over.
        CompleteUnbindAdapterEx = NdisCompleteUnbindAdapterEx(unbind_context: HandleArg),
        /// A protocol asks to be unbound.
        UnbindAdapter = NdisUnbindAdapter(binding: HandleArg),
        /// A protocol asks for the bindings it does not have.
        ReEnumerateProtocolBindings = NdisReEnumerateProtocolBindings(protocol: HandleArg),
        /// A pended plug-and-play event is over.
        CompleteNetPnPEvent = NdisCompleteNetPnPEvent(binding: HandleArg, event: HandleArg, status: Status),
        /// A pended pause is over.
        MPauseComplete = NdisMPauseComplete(adapter: HandleArg),
        /// A pended restart is over.
        MRestartComplete = NdisMRestartComplete(adapter: HandleArg, status: Status),
        /// A miniport asks for the removal of its adapter.
        MRemoveMiniport = NdisMRemoveMiniport(adapter: HandleArg),
        // Address families.
        /// A call manager offers an address family on a binding.
        CmRegisterAddressFamilyEx = NdisCmRegisterAddressFamilyEx(binding: HandleArg, family: AddressFamily),
        /// An MCM offers an address family on an adapter.
        MCmRegisterAddressFamilyEx = NdisMCmRegisterAddressFamilyEx(adapter: HandleArg, family: AddressFamily),
        /// A client opens an address family.
        ClOpenAddressFamilyEx = NdisClOpenAddressFamilyEx(binding: HandleArg, family: AddressFamily, af_context: Token),
        /// A pended open is over. An MCM's macro is the same call.
        CmOpenAddressFamilyComplete = NdisCmOpenAddressFamilyComplete(status: Status, af: HandleArg, af_context: Token),
        /// A client closes an address family.
        ClCloseAddressFamily = NdisClCloseAddressFamily(af: HandleArg),
        /// A pended close is over. An MCM's macro is the same call.
        CmCloseAddressFamilyComplete = NdisCmCloseAddressFamilyComplete(status: Status, af: HandleArg),
        /// A call manager asks a client to close. An MCM's macro is the same call.
        CmNotifyCloseAddressFamily = NdisCmNotifyCloseAddressFamily(af: HandleArg),
        /// A pended answer to that is ready.
        ClNotifyCloseAddressFamilyComplete = NdisClNotifyCloseAddressFamilyComplete(af: HandleArg, status: Status),
        // Service access points.
        /// A client registers a SAP.
        ClRegisterSap = NdisClRegisterSap(af: HandleArg, sap_context: Token, specification: Sap),
        /// A pended registration of a SAP is over. An MCM's macro is the same call.
        CmRegisterSapComplete = NdisCmRegisterSapComplete(status: Status, sap: HandleArg, sap_context: Token),
        /// A client takes a SAP back.
        ClDeregisterSap = NdisClDeregisterSap(sap: HandleArg),
        /// A pended deregistration is over. An MCM's macro is the same call.
        CmDeregisterSapComplete = NdisCmDeregisterSapComplete(status: Status, sap: HandleArg),
        // Virtual connections. `vc` of the two that create is what the variable for the handle holds on entry.
        /// A client or a stand-alone call manager creates a VC.
        CoCreateVc = NdisCoCreateVc(binding: HandleArg, af: HandleArg, vc_context: Token, vc: HandleArg),
        /// Its creator deletes a VC.
        CoDeleteVc = NdisCoDeleteVc(vc: HandleArg),
        /// An MCM creates a VC.
        MCmCreateVc = NdisMCmCreateVc(adapter: HandleArg, af: HandleArg, vc_context: Token, vc: HandleArg),
        /// An MCM deletes a VC that it created.
        MCmDeleteVc = NdisMCmDeleteVc(vc: HandleArg),
        /// A call manager activates a VC, or changes its parameters.
        CmActivateVc = NdisCmActivateVc(vc: HandleArg, parameters: CallParameters),
        /// An MCM says that a VC is active, or with which parameters.
        MCmActivateVc = NdisMCmActivateVc(vc: HandleArg, parameters: CallParameters),
        /// A call manager deactivates a VC.
        CmDeactivateVc = NdisCmDeactivateVc(vc: HandleArg),
        /// An MCM says that a VC is no longer active.
        MCmDeactivateVc = NdisMCmDeactivateVc(vc: HandleArg),
        /// A pended activation is over.
        MCoActivateVcComplete = NdisMCoActivateVcComplete(status: Status, vc: HandleArg, parameters: CallParameters),
        /// A pended deactivation is over.
        MCoDeactivateVcComplete = NdisMCoDeactivateVcComplete(status: Status, vc: HandleArg),
        /// A VC gets a name, under which it can be managed.
        CoAssignInstanceName = NdisCoAssignInstanceName(vc: HandleArg, base_name: Name),
        /// A driver asks for the telephony identifier of the call on a VC; `size` is that of its buffer.
        CoGetTapiCallId = NdisCoGetTapiCallId(vc: HandleArg, size: u32),
        /// A client asks which of its VCs such an identifier names.
        ClGetProtocolVcContextFromTapiCallId = NdisClGetProtocolVcContextFromTapiCallId(call_id: CallId),
        // Calls.
        /// A client makes a call.
        ClMakeCall = NdisClMakeCall(vc: HandleArg, parameters: CallParameters, party_context: Token),
        /// A client asks for another quality of service.
        ClModifyCallQoS = NdisClModifyCallQoS(vc: HandleArg, parameters: CallParameters),
        /// A client closes a call.
        ClCloseCall = NdisClCloseCall(vc: HandleArg, party: HandleArg, data: Token, size: u32),
        /// A client answers an offer that it had pended.
        ClIncomingCallComplete = NdisClIncomingCallComplete(status: Status, vc: HandleArg, parameters: CallParameters),
        /// A pended call is made, or cannot be. An MCM's macro is the same call, as for all that follow.
        CmMakeCallComplete = NdisCmMakeCallComplete(
            status: Status, vc: HandleArg, party: HandleArg, party_context: Token, parameters: CallParameters
        ),
        /// A pended close of a call is over.
        CmCloseCallComplete = NdisCmCloseCallComplete(status: Status, vc: HandleArg, party: HandleArg),
        /// A call manager offers a call to a client.
        CmDispatchIncomingCall = NdisCmDispatchIncomingCall(sap: HandleArg, vc: HandleArg, parameters: CallParameters),
        /// A call manager tells the client that an offered call is connected.
        CmDispatchCallConnected = NdisCmDispatchCallConnected(vc: HandleArg),
        /// A call manager tells the client of another quality of service.
        CmDispatchIncomingCallQoSChange = NdisCmDispatchIncomingCallQoSChange(vc: HandleArg, parameters: CallParameters),
        /// A call manager tells the client that the other end closes.
        CmDispatchIncomingCloseCall = NdisCmDispatchIncomingCloseCall(status: Status, vc: HandleArg, data: Token, size: u32),
        /// A pended change of the quality of service is over.
        CmModifyCallQoSComplete = NdisCmModifyCallQoSComplete(status: Status, vc: HandleArg, parameters: CallParameters),
        // Parties.
        /// A client adds a party to a multipoint call.
        ClAddParty = NdisClAddParty(vc: HandleArg, party_context: Token, parameters: CallParameters),
        /// A client drops a party that is not the last.
        ClDropParty = NdisClDropParty(party: HandleArg, data: Token, size: u32),
        /// A pended addition is over.
        CmAddPartyComplete = NdisCmAddPartyComplete(status: Status, party: HandleArg, party_context: Token, parameters: CallParameters),
        /// A pended drop is over.
        CmDropPartyComplete = NdisCmDropPartyComplete(status: Status, party: HandleArg),
        /// A call manager tells the client that a party has left.
        CmDispatchIncomingDropParty = NdisCmDispatchIncomingDropParty(status: Status, party: HandleArg, data: Token, size: u32),
    }
}

events! {
    /// NDIS calls a driver.
    Callback {
        // Registration.
        /// The driver is loaded.
        DriverEntry = DriverEntry(driver: crate::DriverId),
        /// A protocol driver is unloaded.
        Unload = Unload(driver: crate::DriverId),
        /// A miniport driver is unloaded.
        MiniportDriverUnload = MiniportDriverUnload(driver: crate::DriverId),
        /// A protocol driver sets its optional handlers.
        ProtocolSetOptions = ProtocolSetOptions(protocol: Handle, driver_context: Token),
        /// A miniport driver sets its optional handlers.
        MiniportSetOptions = MiniportSetOptions(driver: Handle, driver_context: Token),
        /// A protocol driver is being removed.
        Uninstall = ProtocolUninstall(),
        // Binding.
        /// A protocol is offered an adapter.
        BindAdapterEx = ProtocolBindAdapterEx(driver_context: Token, bind_context: Handle, adapter: crate::AdapterId),
        /// A pended open of an adapter is over.
        OpenAdapterCompleteEx = ProtocolOpenAdapterCompleteEx(binding_context: Token, status: Status),
        /// A protocol is to let go of an adapter.
        UnbindAdapterEx = ProtocolUnbindAdapterEx(unbind_context: Handle, binding_context: Token),
        /// A pended close of an adapter is over.
        CloseAdapterCompleteEx = ProtocolCloseAdapterCompleteEx(binding_context: Token),
        /// Something happens to a binding.
        NetPnPEvent = ProtocolNetPnPEvent(binding_context: Token, event: Handle, kind: NetEvent),
        /// An adapter starts.
        MiniportInitializeEx = MiniportInitializeEx(adapter: Handle, driver_context: Token),
        /// An adapter is to stop data.
        MiniportPause = MiniportPause(adapter_context: Token),
        /// An adapter may start data.
        MiniportRestart = MiniportRestart(adapter_context: Token),
        /// An adapter stops.
        MiniportHaltEx = MiniportHaltEx(adapter_context: Token, action: HaltAction),
        /// Something happened to an adapter's device.
        MiniportDevicePnPEventNotify = MiniportDevicePnPEventNotify(adapter_context: Token, kind: DeviceEvent),
        // Address families.
        /// A client learns of an address family.
        CoAfRegisterNotify = ProtocolCoAfRegisterNotify(binding_context: Token, family: AddressFamily),
        /// A call manager gets a client.
        CmOpenAf = ProtocolCmOpenAf(binding_context: Token, family: AddressFamily, af: Handle),
        /// A client's pended open is over.
        ClOpenAfCompleteEx = ProtocolClOpenAfCompleteEx(af_context: Token, af: HandleArg, status: Status),
        /// A call manager loses a client.
        CmCloseAf = ProtocolCmCloseAf(af_context: Token),
        /// A client's pended close is over.
        ClCloseAfComplete = ProtocolClCloseAfComplete(status: Status, af_context: Token),
        /// A client is asked to close.
        ClNotifyCloseAf = ProtocolClNotifyCloseAf(af_context: Token),
        /// A call manager learns how its notification ended.
        CmNotifyCloseAfComplete = ProtocolCmNotifyCloseAfComplete(af_context: Token, status: Status),
        // Service access points.
        /// A call manager is to register a SAP.
        CmRegisterSap = ProtocolCmRegisterSap(af_context: Token, specification: Sap, sap: Handle),
        /// A client's pended registration is over.
        ClRegisterSapComplete = ProtocolClRegisterSapComplete(status: Status, sap_context: Token, specification: Sap, sap: HandleArg),
        /// A call manager is to take a SAP back.
        CmDeregisterSap = ProtocolCmDeregisterSap(sap_context: Token),
        /// A client's pended deregistration is over.
        ClDeregisterSapComplete = ProtocolClDeregisterSapComplete(status: Status, sap_context: Token),
        // Virtual connections. `side` tells the handler of a client from that of a call manager.
        /// The other side has created a VC.
        CoCreateVc = ProtocolCoCreateVc(af_context: Token, vc: Handle, side: Side),
        /// The other side deletes a VC.
        CoDeleteVc = ProtocolCoDeleteVc(vc_context: Token, side: Side),
        /// A miniport gets a VC.
        MiniportCoCreateVc = MiniportCoCreateVc(adapter_context: Token, vc: Handle),
        /// A miniport loses a VC.
        MiniportCoDeleteVc = MiniportCoDeleteVc(vc_context: Token),
        /// A miniport is to let data flow.
        MiniportCoActivateVc = MiniportCoActivateVc(vc_context: Token, parameters: CallParameters),
        /// A miniport is to let no data flow.
        MiniportCoDeactivateVc = MiniportCoDeactivateVc(vc_context: Token),
        /// A pended activation is over.
        CmActivateVcComplete = ProtocolCmActivateVcComplete(status: Status, vc_context: Token, parameters: CallParameters),
        /// A pended deactivation is over.
        CmDeactivateVcComplete = ProtocolCmDeactivateVcComplete(status: Status, vc_context: Token),
        // Calls.
        /// A call manager is to make a call.
        CmMakeCall = ProtocolCmMakeCall(vc_context: Token, parameters: CallParameters, party: HandleArg),
        /// A client's pended call is made, or cannot be.
        ClMakeCallComplete = ProtocolClMakeCallComplete(status: Status, vc_context: Token, party: HandleArg, parameters: CallParameters),
        /// A call manager is to change the quality of service.
        CmModifyCallQoS = ProtocolCmModifyCallQoS(vc_context: Token, parameters: CallParameters),
        /// A client's pended change is over.
        ClModifyCallQoSComplete = ProtocolClModifyCallQoSComplete(status: Status, vc_context: Token, parameters: CallParameters),
        /// A call manager is to close a call.
        CmCloseCall = ProtocolCmCloseCall(vc_context: Token, party_context: Token, data: Token, size: u32),
        /// A client's pended close of a call is over.
        ClCloseCallComplete = ProtocolClCloseCallComplete(status: Status, vc_context: Token, party_context: Token),
        /// A client is offered a call.
        ClIncomingCall = ProtocolClIncomingCall(sap_context: Token, vc_context: Token, parameters: CallParameters),
        /// A call manager learns the answer to an offer that the client had pended.
        CmIncomingCallComplete = ProtocolCmIncomingCallComplete(status: Status, vc_context: Token, parameters: CallParameters),
        /// An offered call is connected.
        ClCallConnected = ProtocolClCallConnected(vc_context: Token),
        /// The quality of service of a call has changed.
        ClIncomingCallQoSChange = ProtocolClIncomingCallQoSChange(vc_context: Token, parameters: CallParameters),
        /// The other end closes a call.
        ClIncomingCloseCall = ProtocolClIncomingCloseCall(status: Status, vc_context: Token, data: Token, size: u32),
        // Parties.
        /// A call manager is to add a party.
        CmAddParty = ProtocolCmAddParty(vc_context: Token, parameters: CallParameters, party: Handle),
        /// A client's pended addition is over.
        ClAddPartyComplete = ProtocolClAddPartyComplete(status: Status, party_context: Token, party: HandleArg, parameters: CallParameters),
        /// A call manager is to drop a party.
        CmDropParty = ProtocolCmDropParty(party_context: Token, data: Token, size: u32),
        /// A client's pended drop is over.
        ClDropPartyComplete = ProtocolClDropPartyComplete(status: Status, party_context: Token),
        /// A party has left.
        ClIncomingDropParty = ProtocolClIncomingDropParty(status: Status, party_context: Token, data: Token, size: u32),
    }
}

/// What a handler gives back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reply {
    /// Its return value; `NDIS_STATUS_SUCCESS` where it has none.
    pub status: Status,
    /// The context that it stores for an object: of an AF, a SAP, a VC or a party. NULL elsewhere.
    pub context: Token,
    /// The call parameters that it was given, as it leaves them. NULL where it was given none, or left them alone.
    pub parameters: CallParameters,
}

impl Reply {
    /// A return of `status` that stores nothing.
    pub const fn status(status: Status) -> Reply {
        Reply { status, context: Token::NULL, parameters: CallParameters::NULL }
    }

    /// The same with a context stored.
    pub const fn with_context(self, context: Token) -> Reply {
        Reply { context, ..self }
    }

    /// The return of a handler that has no return value.
    pub const VOID: Reply = Reply::status(Status::SUCCESS);
}

/// On which side of an address family a driver stands. A driver may be a client of one and call manager of another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// Its client.
    Client,
    /// Its call manager, stand-alone or MCM.
    CallManager,
}

/// The identifier that `NdisCoGetTapiCallId` gives the call on a VC. As text it is sixteen hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallId(pub u64);

/// The events of `ProtocolNetPnPEvent` that NDIS sends here: members of `NET_PNP_EVENT_CODE`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NetEvent {
    /// `NetEventSetPower`, with the new state.
    SetPower(Power),
    /// `NetEventQueryPower`, with the state that is meant.
    QueryPower(Power),
    /// `NetEventQueryRemoveDevice`.
    QueryRemoveDevice,
    /// `NetEventCancelRemoveDevice`.
    CancelRemoveDevice,
    /// `NetEventReconfigure`.
    Reconfigure,
    /// `NetEventBindsComplete`.
    BindsComplete,
    /// `NetEventPause`.
    Pause,
    /// `NetEventRestart`.
    Restart,
}

/// A device power state: `NetDeviceStateD0` or a lower one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Power {
    /// `NetDeviceStateD0`.
    D0,
    /// `NetDeviceStateD3`.
    D3,
}

/// The events of `MiniportDevicePnPEventNotify` that NDIS sends here: members of `NDIS_DEVICE_PNP_EVENT`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeviceEvent {
    /// `NdisDevicePnPEventSurpriseRemoved`.
    SurpriseRemoved,
}

/// Why an adapter is halted: members of `NDIS_HALT_ACTION`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HaltAction {
    /// `NdisHaltDeviceDisabled`.
    DeviceDisabled,
    /// `NdisHaltDeviceSurpriseRemoved`.
    DeviceSurpriseRemoved,
    /// `NdisHaltDeviceStopped`.
    DeviceStopped,
}
