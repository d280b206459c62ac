//! Area `registration`: a driver tells NDIS who it is and which functions it has.
//!
//! The parameter blocks are read here, once, into the core's types. What the core judges (type, revision, size, which
//! handlers there are) is passed on as it stands; what cannot even be read is a finding at once.

use super::{Here, Out};
use crate::guest::{self, Block, at};
use crate::handlers::Slot;
use contract::layout::{
    Layout, NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS, NDIS_CO_CLIENT_OPTIONAL_HANDLERS,
    NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES, NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
    NDIS_MINIPORT_CO_CHARACTERISTICS, NDIS_MINIPORT_DRIVER_CHARACTERISTICS, NDIS_PROTOCOL_CO_CHARACTERISTICS,
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS,
};
use contract::values::ndis_object_type as object_type;
use contract::{Ddi, Status};
use model::block::{Attributes, Characteristics, HandlerSet, Header, OptionalHandlers};
use model::{Call, HandleArg, Side, Token};

/// The largest of the structures that are read here, in bytes.
const LARGEST: usize = 256;
/// A member that holds a function, and what that function handles.
type Member = (usize, Ddi);

macro_rules! members {
    ($layout:ident: $($member:literal => $ddi:ident),+ $(,)?) => {
        &[$(($layout.offset_of($member).unwrap(), Ddi::$ddi)),+]
    };
}

const PROTOCOL: &[Member] = members!(NDIS_PROTOCOL_DRIVER_CHARACTERISTICS:
    "SetOptionsHandler" => ProtocolSetOptions,
    "BindAdapterHandlerEx" => ProtocolBindAdapterEx,
    "UnbindAdapterHandlerEx" => ProtocolUnbindAdapterEx,
    "OpenAdapterCompleteHandlerEx" => ProtocolOpenAdapterCompleteEx,
    "CloseAdapterCompleteHandlerEx" => ProtocolCloseAdapterCompleteEx,
    "NetPnPEventHandler" => ProtocolNetPnPEvent,
    "UninstallHandler" => ProtocolUninstall,
);
const MINIPORT: &[Member] = members!(NDIS_MINIPORT_DRIVER_CHARACTERISTICS:
    "SetOptionsHandler" => MiniportSetOptions,
    "InitializeHandlerEx" => MiniportInitializeEx,
    "HaltHandlerEx" => MiniportHaltEx,
    "UnloadHandler" => MiniportDriverUnload,
    "PauseHandler" => MiniportPause,
    "RestartHandler" => MiniportRestart,
    "SendNetBufferListsHandler" => MiniportSendNetBufferLists,
    "ReturnNetBufferListsHandler" => MiniportReturnNetBufferLists,
    "CancelSendHandler" => MiniportCancelSend,
    "DevicePnPEventNotifyHandler" => MiniportDevicePnPEventNotify,
    "ShutdownHandlerEx" => MiniportShutdownEx,
    "CancelOidRequestHandler" => MiniportCancelOidRequest,
);
const CO_PROTOCOL: &[Member] = members!(NDIS_PROTOCOL_CO_CHARACTERISTICS:
    "CoStatusHandlerEx" => ProtocolCoStatusEx,
    "CoAfRegisterNotifyHandler" => ProtocolCoAfRegisterNotify,
    "CoReceiveNetBufferListsHandler" => ProtocolCoReceiveNetBufferLists,
    "CoSendNetBufferListsCompleteHandler" => ProtocolCoSendNetBufferListsComplete,
);
const CO_MINIPORT: &[Member] = members!(NDIS_MINIPORT_CO_CHARACTERISTICS:
    "CoCreateVcHandler" => MiniportCoCreateVc,
    "CoDeleteVcHandler" => MiniportCoDeleteVc,
    "CoActivateVcHandler" => MiniportCoActivateVc,
    "CoDeactivateVcHandler" => MiniportCoDeactivateVc,
    "CoSendNetBufferListsHandler" => MiniportCoSendNetBufferLists,
    "CoOidRequestHandler" => MiniportCoOidRequest,
);
const CLIENT: &[Member] = members!(NDIS_CO_CLIENT_OPTIONAL_HANDLERS:
    "ClCreateVcHandler" => ProtocolCoCreateVc,
    "ClDeleteVcHandler" => ProtocolCoDeleteVc,
    "ClOidRequestHandler" => ProtocolCoOidRequest,
    "ClOidRequestCompleteHandler" => ProtocolCoOidRequestComplete,
    "ClOpenAfCompleteHandlerEx" => ProtocolClOpenAfCompleteEx,
    "ClCloseAfCompleteHandler" => ProtocolClCloseAfComplete,
    "ClRegisterSapCompleteHandler" => ProtocolClRegisterSapComplete,
    "ClDeregisterSapCompleteHandler" => ProtocolClDeregisterSapComplete,
    "ClMakeCallCompleteHandler" => ProtocolClMakeCallComplete,
    "ClModifyCallQoSCompleteHandler" => ProtocolClModifyCallQoSComplete,
    "ClCloseCallCompleteHandler" => ProtocolClCloseCallComplete,
    "ClAddPartyCompleteHandler" => ProtocolClAddPartyComplete,
    "ClDropPartyCompleteHandler" => ProtocolClDropPartyComplete,
    "ClIncomingCallHandler" => ProtocolClIncomingCall,
    "ClIncomingCallQoSChangeHandler" => ProtocolClIncomingCallQoSChange,
    "ClIncomingCloseCallHandler" => ProtocolClIncomingCloseCall,
    "ClIncomingDropPartyHandler" => ProtocolClIncomingDropParty,
    "ClCallConnectedHandler" => ProtocolClCallConnected,
    "ClNotifyCloseAfHandler" => ProtocolClNotifyCloseAf,
);
const CALL_MANAGER: &[Member] = members!(NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS:
    "CmCreateVcHandler" => ProtocolCoCreateVc,
    "CmDeleteVcHandler" => ProtocolCoDeleteVc,
    "CmOpenAfHandler" => ProtocolCmOpenAf,
    "CmCloseAfHandler" => ProtocolCmCloseAf,
    "CmRegisterSapHandler" => ProtocolCmRegisterSap,
    "CmDeregisterSapHandler" => ProtocolCmDeregisterSap,
    "CmMakeCallHandler" => ProtocolCmMakeCall,
    "CmCloseCallHandler" => ProtocolCmCloseCall,
    "CmIncomingCallCompleteHandler" => ProtocolCmIncomingCallComplete,
    "CmAddPartyHandler" => ProtocolCmAddParty,
    "CmDropPartyHandler" => ProtocolCmDropParty,
    "CmActivateVcCompleteHandler" => ProtocolCmActivateVcComplete,
    "CmDeactivateVcCompleteHandler" => ProtocolCmDeactivateVcComplete,
    "CmModifyCallQoSHandler" => ProtocolCmModifyCallQoS,
    "CmOidRequestHandler" => ProtocolCoOidRequest,
    "CmOidRequestCompleteHandler" => ProtocolCoOidRequestComplete,
    "CmNotifyCloseAfCompleteHandler" => ProtocolCmNotifyCloseAfComplete,
);

/// The members of a structure that may be given to `NdisSetOptionalHandlers`, by the type in its header, and on which side
/// of an address family they serve; where it makes no difference, the client's. One that is not known has no
/// members, and the core says what that means.
const fn optional_table(object_type: u8) -> (&'static Layout, &'static [Member], Side) {
    match object_type as u32 {
        object_type::NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS => {
            (&NDIS_PROTOCOL_CO_CHARACTERISTICS, CO_PROTOCOL, Side::Client)
        }
        object_type::NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS => {
            (&NDIS_MINIPORT_CO_CHARACTERISTICS, CO_MINIPORT, Side::Client)
        }
        object_type::NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS => {
            (&NDIS_CO_CLIENT_OPTIONAL_HANDLERS, CLIENT, Side::Client)
        }
        object_type::NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS => {
            (&NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS, CALL_MANAGER, Side::CallManager)
        }
        _ => (&contract::layout::NDIS_OBJECT_HEADER, &[], Side::Client),
    }
}

const MAJOR: usize = NDIS_PROTOCOL_DRIVER_CHARACTERISTICS.offset_of("MajorNdisVersion").unwrap();
const MINOR: usize = NDIS_PROTOCOL_DRIVER_CHARACTERISTICS.offset_of("MinorNdisVersion").unwrap();
const FLAGS: usize = NDIS_PROTOCOL_DRIVER_CHARACTERISTICS.offset_of("Flags").unwrap();
const PROTOCOL_NAME: usize = NDIS_PROTOCOL_DRIVER_CHARACTERISTICS.offset_of("Name").unwrap();
const ADAPTER_CONTEXT: usize =
    NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES.offset_of("MiniportAdapterContext").unwrap();
const ATTRIBUTE_FLAGS: usize =
    NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES.offset_of("AttributeFlags").unwrap();
const MEDIA_TYPE: usize = NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES.offset_of("MediaType").unwrap();

/// The `NDIS_OBJECT_HEADER` at the start of a block.
pub(super) fn header_of(bytes: &Block<LARGEST>) -> Header {
    Header { object_type: bytes.u8(0), revision: bytes.u8(1), size: bytes.u16(2) }
}

/// Reads a structure with a header: as much of it as the header says and the structure has.
pub(super) fn read(here: &Here, address: u64, layout: &Layout) -> Block<LARGEST> {
    let header = here.check(Block::<LARGEST>::read(address, 4));
    let size = usize::from(header.u16(2)).max(4).min(layout.size);
    here.check(Block::read(address, size))
}

fn handlers_of(bytes: &Block<LARGEST>, members: &[Member]) -> HandlerSet {
    members.iter().filter(|(offset, _)| bytes.u64(*offset) != 0).map(|(_, ddi)| *ddi).collect()
}

/// Remembers the functions of a structure, for the driver or for one binding.
fn remember(here: &Here, handle: HandleArg, bytes: &Block<LARGEST>, members: &[Member], side: Side) {
    let mut handlers = here.driver().handlers.borrow_mut();
    for &(offset, ddi) in members {
        handlers.set(handle, Slot::new(ddi, side), bytes.u64(offset));
    }
    if handlers.has_overrides() {
        here.host().has_overrides.set(true);
    }
}

fn characteristics(bytes: &Block<LARGEST>, members: &[Member]) -> Characteristics {
    Characteristics {
        header: header_of(bytes),
        major: bytes.u8(MAJOR),
        minor: bytes.u8(MINOR),
        flags: bytes.u32(FLAGS),
        handlers: handlers_of(bytes, members),
    }
}

/// Whether an MCM's table has the function for OID requests that the other of its tables has.
fn shares_oid_handler(here: &Here, bytes: &Block<LARGEST>, members: &[Member], side: Side) -> bool {
    let handlers = here.driver().handlers.borrow();
    let of_manager = Slot::new(Ddi::ProtocolCoOidRequest, Side::CallManager);
    members.iter().any(|&(offset, ddi)| {
        let other = match Slot::new(ddi, side) {
            slot if slot == of_manager => Slot::from(Ddi::MiniportCoOidRequest),
            _ if ddi == Ddi::MiniportCoOidRequest => of_manager,
            _ => return false,
        };
        bytes.u64(offset) != 0 && bytes.u64(offset) == handlers.find(other, 0)
    })
}

super::exports! {
    Ndis Passive "nf-ndis-ndisregisterprotocoldriver"
    NdisRegisterProtocolDriver[here](driver_context: u64, block: u64, handle: u64) -> u32 {
        let bytes = read(&here, block, &NDIS_PROTOCOL_DRIVER_CHARACTERISTICS);
        if usize::from(header_of(&bytes).size) >= PROTOCOL_NAME + 16 {
            here.check(guest::read_unicode_string(at(block, PROTOCOL_NAME as u64)));
        }
        here.check(guest::read_u64(handle));
        // The call runs ProtocolSetOptions before it returns.
        remember(&here, HandleArg::Null, &bytes, PROTOCOL, Side::Client);
        let characteristics = characteristics(&bytes, PROTOCOL);
        let call = Call::RegisterProtocolDriver { driver_context: Token(driver_context), characteristics };
        here.storing_call(call, Out { handle, ..Out::default() }).0
    }

    Ndis Passive "nf-ndis-ndisderegisterprotocoldriver"
    NdisDeregisterProtocolDriver[here](protocol: u64) {
        here.plain_call(Call::DeregisterProtocolDriver { protocol: here.handle(protocol) });
    }

    Ndis Passive "nf-ndis-ndismregisterminiportdriver"
    NdisMRegisterMiniportDriver[here](object: u64, path: u64, driver_context: u64, block: u64, handle: u64) -> u32 {
        here.check(guest::read_u64(object));
        here.check(guest::read_unicode_string(path));
        let bytes = read(&here, block, &NDIS_MINIPORT_DRIVER_CHARACTERISTICS);
        here.check(guest::read_u64(handle));
        remember(&here, HandleArg::Null, &bytes, MINIPORT, Side::Client);
        let characteristics = characteristics(&bytes, MINIPORT);
        let call = Call::MRegisterMiniportDriver { driver_context: Token(driver_context), characteristics };
        here.storing_call(call, Out { handle, ..Out::default() }).0
    }

    Ndis Passive "nf-ndis-ndismderegisterminiportdriver"
    NdisMDeregisterMiniportDriver[here](driver: u64) {
        here.plain_call(Call::MDeregisterMiniportDriver { driver: here.handle(driver) });
    }

    Ndis Passive "nf-ndis-ndissetoptionalhandlers"
    NdisSetOptionalHandlers[here](handle: u64, block: u64) -> u32 {
        let kind = here.check(guest::read_u8(block));
        let (layout, members, side) = optional_table(kind);
        let bytes = read(&here, block, layout);
        let handle = here.handle(handle);
        let handlers = OptionalHandlers {
            header: header_of(&bytes),
            handlers: handlers_of(&bytes, members),
            shared_oid_handler: shares_oid_handler(&here, &bytes, members, side),
        };
        let status = here.plain_call(Call::SetOptionalHandlers { handle, handlers });
        if status == Status::SUCCESS {
            remember(&here, handle, &bytes, members, side);
        }
        status.0
    }

    Ndis Passive "nf-ndis-ndismsetminiportattributes"
    NdisMSetMiniportAttributes[here](adapter: u64, block: u64) -> u32 {
        let kind = u32::from(here.check(guest::read_u8(block)));
        let registration = kind == object_type::NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES;
        let general = kind == object_type::NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES;
        let layout = match (registration, general) {
            (true, _) => &NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
            (_, true) => &NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
            (false, false) => &contract::layout::NDIS_OBJECT_HEADER,
        };
        let bytes = read(&here, block, layout);
        let medium = if general { bytes.u32(MEDIA_TYPE) } else { 0 };
        let attributes = Attributes {
            header: header_of(&bytes),
            context: Token(if registration { bytes.u64(ADAPTER_CONTEXT) } else { 0 }),
            flags: if registration { bytes.u32(ATTRIBUTE_FLAGS) } else { 0 },
            // A value that is no medium stays one.
            medium: u8::try_from(medium).unwrap_or(u8::MAX),
        };
        let status = here.plain_call(Call::MSetMiniportAttributes { adapter: here.handle(adapter), attributes });
        if general && status == Status::SUCCESS {
            here.host().medium.set(medium);
        }
        status.0
    }
}
