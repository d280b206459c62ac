//! What a driver may ask of NDIS ([`Call`]) and what NDIS may ask of a driver ([`Callback`]), with their arguments.
//! The names are the documentation's without their prefix; [`Call::ddi`] and [`Callback::ddi`] give the whole name.

use crate::block::{AddressFamily, Attributes, Characteristics, OpenParameters, OptionalHandlers};
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
    }
}

/// What a handler gives back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reply {
    /// Its return value; `NDIS_STATUS_SUCCESS` where it has none.
    pub status: Status,
    /// `CallMgrAfContext`, which `ProtocolCmOpenAf` stores; NULL elsewhere.
    pub context: Token,
}

impl Reply {
    /// A return of `status` that stores nothing.
    pub const fn status(status: Status) -> Reply {
        Reply { status, context: Token::NULL }
    }

    /// The return of a handler that has no return value.
    pub const VOID: Reply = Reply::status(Status::SUCCESS);
}

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
