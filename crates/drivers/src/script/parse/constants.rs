//! Constants of the documentation, by their names.

use contract::values::{constants, ndis_device_pnp_event, ndis_halt_action, net_pnp_event_code};
use model::record::Irql;
use model::{DeviceEvent, HaltAction, NetEvent, Power, Side};

/// The value of the family with this name, without the bit for a proxy.
pub(super) fn family_value(name: &str) -> Option<u32> {
    Some(match name {
        "CO_ADDRESS_FAMILY_Q2931" => constants::CO_ADDRESS_FAMILY_Q2931,
        "CO_ADDRESS_FAMILY_PSCHED" => constants::CO_ADDRESS_FAMILY_PSCHED,
        "CO_ADDRESS_FAMILY_L2TP" => constants::CO_ADDRESS_FAMILY_L2TP,
        "CO_ADDRESS_FAMILY_IRDA" => constants::CO_ADDRESS_FAMILY_IRDA,
        "CO_ADDRESS_FAMILY_1394" => constants::CO_ADDRESS_FAMILY_1394,
        "CO_ADDRESS_FAMILY_PPP" => constants::CO_ADDRESS_FAMILY_PPP,
        "CO_ADDRESS_FAMILY_INFINIBAND" => constants::CO_ADDRESS_FAMILY_INFINIBAND,
        "CO_ADDRESS_FAMILY_TAPI" => constants::CO_ADDRESS_FAMILY_TAPI,
        "CO_ADDRESS_FAMILY_TAPI_PROXY" => constants::CO_ADDRESS_FAMILY_TAPI_PROXY,
        _ => return None,
    })
}

/// The names of all families.
pub(super) const FAMILIES: &[&str] = &[
    "CO_ADDRESS_FAMILY_Q2931",
    "CO_ADDRESS_FAMILY_PSCHED",
    "CO_ADDRESS_FAMILY_L2TP",
    "CO_ADDRESS_FAMILY_IRDA",
    "CO_ADDRESS_FAMILY_1394",
    "CO_ADDRESS_FAMILY_PPP",
    "CO_ADDRESS_FAMILY_INFINIBAND",
    "CO_ADDRESS_FAMILY_TAPI",
    "CO_ADDRESS_FAMILY_TAPI_PROXY",
];

/// The event of `NET_PNP_EVENT_CODE` with this name, without its power state.
pub(super) fn net_event(name: &str) -> Option<NetEvent> {
    let events = [
        (net_pnp_event_code::NetEventSetPower, NetEvent::SetPower(Power::D0)),
        (net_pnp_event_code::NetEventQueryPower, NetEvent::QueryPower(Power::D0)),
        (net_pnp_event_code::NetEventQueryRemoveDevice, NetEvent::QueryRemoveDevice),
        (net_pnp_event_code::NetEventCancelRemoveDevice, NetEvent::CancelRemoveDevice),
        (net_pnp_event_code::NetEventReconfigure, NetEvent::Reconfigure),
        (net_pnp_event_code::NetEventBindsComplete, NetEvent::BindsComplete),
        (net_pnp_event_code::NetEventPause, NetEvent::Pause),
        (net_pnp_event_code::NetEventRestart, NetEvent::Restart),
    ];
    let mut events = events.into_iter();
    events.find(|(value, _)| net_pnp_event_code::name(*value) == Some(name)).map(|(_, event)| event)
}

/// The action of `NDIS_HALT_ACTION` with this name.
pub(super) fn halt_action(name: &str) -> Option<HaltAction> {
    let actions = [
        (ndis_halt_action::NdisHaltDeviceDisabled, HaltAction::DeviceDisabled),
        (ndis_halt_action::NdisHaltDeviceSurpriseRemoved, HaltAction::DeviceSurpriseRemoved),
        (ndis_halt_action::NdisHaltDeviceStopped, HaltAction::DeviceStopped),
    ];
    let mut actions = actions.into_iter();
    actions.find(|(value, _)| ndis_halt_action::name(*value) == Some(name)).map(|(_, action)| action)
}

/// The level with this name.
pub(super) fn level(name: &str) -> Option<Irql> {
    [Irql::PASSIVE, Irql::APC, Irql::DISPATCH].into_iter().find(|level| level.name() == name)
}

/// The event of `NDIS_DEVICE_PNP_EVENT` with this name.
pub(super) fn device_event(name: &str) -> Option<DeviceEvent> {
    let removed = ndis_device_pnp_event::name(ndis_device_pnp_event::NdisDevicePnPEventSurpriseRemoved);
    (removed == Some(name)).then_some(DeviceEvent::SurpriseRemoved)
}

/// A side of an address family.
pub(super) fn side(name: &str) -> Option<Side> {
    match name {
        "client" => Some(Side::Client),
        "call-manager" => Some(Side::CallManager),
        _ => None,
    }
}
