//! What registration hands to NDIS when nothing is wrong with it: the members of each table of handlers, the newest header
//! of each structure. Scripts begin with these and change them; the typed drivers pass them as they are.

use contract::values::ndis_object_type::{
    NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS, NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS,
    NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS, NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS,
    NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS,
};
use contract::{Ddi, layout};
use model::block::{CALL_MANAGER_HANDLERS, CLIENT_HANDLERS, Header};

/// The members of `NDIS_PROTOCOL_DRIVER_CHARACTERISTICS` that drivers fill here.
const PROTOCOL: &[Ddi] = &[
    Ddi::ProtocolSetOptions,
    Ddi::ProtocolBindAdapterEx,
    Ddi::ProtocolUnbindAdapterEx,
    Ddi::ProtocolOpenAdapterCompleteEx,
    Ddi::ProtocolCloseAdapterCompleteEx,
    Ddi::ProtocolNetPnPEvent,
    Ddi::ProtocolUninstall,
];

/// The members of `NDIS_MINIPORT_DRIVER_CHARACTERISTICS` that drivers fill here.
const MINIPORT: &[Ddi] = &[
    Ddi::MiniportSetOptions,
    Ddi::MiniportInitializeEx,
    Ddi::MiniportHaltEx,
    Ddi::MiniportDriverUnload,
    Ddi::MiniportPause,
    Ddi::MiniportRestart,
    Ddi::MiniportSendNetBufferLists,
    Ddi::MiniportReturnNetBufferLists,
    Ddi::MiniportCancelSend,
    Ddi::MiniportDevicePnPEventNotify,
    Ddi::MiniportShutdownEx,
    Ddi::MiniportCancelOidRequest,
];

const PROTOCOL_CO: &[Ddi] = &[
    Ddi::ProtocolCoStatusEx,
    Ddi::ProtocolCoAfRegisterNotify,
    Ddi::ProtocolCoReceiveNetBufferLists,
    Ddi::ProtocolCoSendNetBufferListsComplete,
];

const MINIPORT_CO: &[Ddi] = &[
    Ddi::MiniportCoCreateVc,
    Ddi::MiniportCoDeleteVc,
    Ddi::MiniportCoActivateVc,
    Ddi::MiniportCoDeactivateVc,
    Ddi::MiniportCoSendNetBufferLists,
    Ddi::MiniportCoOidRequest,
];

/// `NdisMediumAtm`.
pub(crate) const ATM: u8 = 8;
/// `NdisMediumCoWan`.
pub(crate) const CO_WAN: u8 = 12;
/// `NdisMedium1394`.
pub(crate) const IEEE1394: u8 = 13;
/// The media that a connection-oriented protocol asks for.
pub(crate) const MEDIA: &[u8] = &[CO_WAN, ATM];

/// The version of NDIS that drivers here are written for.
pub(crate) const VERSION: (u8, u8) = (6, 20);

/// The handlers of a table, by the `NDIS_OBJECT_TYPE_…` of its header; none for a structure that is no such table.
pub(crate) fn members(object_type: u8) -> &'static [Ddi] {
    match u32::from(object_type) {
        NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS => PROTOCOL,
        NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS => MINIPORT,
        NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS => PROTOCOL_CO,
        NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS => MINIPORT_CO,
        NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS => CLIENT_HANDLERS,
        NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS => CALL_MANAGER_HANDLERS,
        _ => &[],
    }
}

/// The header of a structure's newest revision.
pub(crate) fn header(object_type: u8) -> Header {
    let layouts = [
        &layout::NDIS_PROTOCOL_DRIVER_CHARACTERISTICS,
        &layout::NDIS_MINIPORT_DRIVER_CHARACTERISTICS,
        &layout::NDIS_PROTOCOL_CO_CHARACTERISTICS,
        &layout::NDIS_MINIPORT_CO_CHARACTERISTICS,
        &layout::NDIS_CO_CLIENT_OPTIONAL_HANDLERS,
        &layout::NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS,
        &layout::NDIS_OPEN_PARAMETERS,
        &layout::NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
        &layout::NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
    ];
    let mut headers = layouts.iter().filter_map(|layout| layout.header);
    let header = headers.find(|header| header.object_type == object_type);
    let newest = header.and_then(|header| header.revisions.last());
    Header {
        object_type,
        revision: newest.map_or(1, |newest| newest.revision),
        size: newest.map_or(0, |newest| newest.size),
    }
}
