//! Arguments as text.

use crate::names::Names;
use contract::values::{
    co_call_parameters_flags, co_media_parameters_flags, constants, ndis_device_pnp_event, ndis_halt_action,
    ndis_object_type, net_pnp_event_code,
};
use model::block::{
    AddressFamily, Attributes, CallParameters, Characteristics, Header, OpenParameters, OptionalHandlers, Sap,
};
use model::{DeviceEvent, HaltAction, HandleArg, NetEvent, Power, Side, Token, Value};
use std::fmt::Write;

/// The families of the documentation, by value.
const FAMILIES: &[(u32, &str)] = &[
    (constants::CO_ADDRESS_FAMILY_Q2931, "CO_ADDRESS_FAMILY_Q2931"),
    (constants::CO_ADDRESS_FAMILY_PSCHED, "CO_ADDRESS_FAMILY_PSCHED"),
    (constants::CO_ADDRESS_FAMILY_L2TP, "CO_ADDRESS_FAMILY_L2TP"),
    (constants::CO_ADDRESS_FAMILY_IRDA, "CO_ADDRESS_FAMILY_IRDA"),
    (constants::CO_ADDRESS_FAMILY_1394, "CO_ADDRESS_FAMILY_1394"),
    (constants::CO_ADDRESS_FAMILY_PPP, "CO_ADDRESS_FAMILY_PPP"),
    (constants::CO_ADDRESS_FAMILY_INFINIBAND, "CO_ADDRESS_FAMILY_INFINIBAND"),
    (constants::CO_ADDRESS_FAMILY_TAPI, "CO_ADDRESS_FAMILY_TAPI"),
    (constants::CO_ADDRESS_FAMILY_TAPI_PROXY, "CO_ADDRESS_FAMILY_TAPI_PROXY"),
];

/// The connection-oriented members of `NDIS_MEDIUM`, by value.
const MEDIA: &[(u8, &str)] = &[(8, "NdisMediumAtm"), (12, "NdisMediumCoWan"), (13, "NdisMedium1394")];

/// The most media that anyone can list.
const MAX_MEDIA: u32 = 15;

/// Appends the arguments that `each` feeds to the function it is given, without the brackets around them.
pub fn arguments(out: &mut String, names: &Names, each: impl FnOnce(&mut dyn FnMut(&'static str, Value))) {
    let mut first = true;
    each(&mut |name, argument| {
        if !std::mem::take(&mut first) {
            out.push_str(", ");
        }
        match argument {
            Value::Handle(HandleArg::Known(_)) | Value::Status(_) | Value::Driver(_) | Value::Adapter(_) => {}
            Value::Handle(HandleArg::Null | HandleArg::Unknown(_))
            | Value::Token(_)
            | Value::AddressFamily(_)
            | Value::Characteristics(_)
            | Value::OptionalHandlers(_)
            | Value::OpenParameters(_)
            | Value::Attributes(_)
            | Value::NetEvent(_)
            | Value::DeviceEvent(_)
            | Value::HaltAction(_)
            | Value::Sap(_)
            | Value::CallParameters(_)
            | Value::Size(_)
            | Value::Side(_)
            | Value::Name(_)
            | Value::CallId(_) => {
                out.push_str(name);
                out.push('=');
            }
        }
        value(out, names, argument);
    });
}

/// Appends one argument.
pub fn value(out: &mut String, names: &Names, argument: Value) {
    match argument {
        Value::Handle(handle) => out.push_str(&names.handle_arg(handle)),
        Value::Token(token) => out.push_str(&names.token(token)),
        Value::Status(status) => push(out, format_args!("{status}")),
        Value::AddressFamily(family) => address_family(out, family),
        Value::Characteristics(block) => characteristics(out, block),
        Value::OptionalHandlers(block) => optional_handlers(out, block),
        Value::OpenParameters(block) => open_parameters(out, block),
        Value::Attributes(block) => attributes(out, names, block),
        Value::NetEvent(event) => out.push_str(net_event(event)),
        Value::DeviceEvent(event) => out.push_str(device_event(event)),
        Value::HaltAction(action) => out.push_str(halt_action(action)),
        Value::Driver(driver) => out.push_str(names.driver(driver)),
        Value::Adapter(adapter) => out.push_str(names.adapter(adapter)),
        Value::Sap(block) => sap(out, names, block),
        Value::CallParameters(block) => call_parameters(out, names, block),
        Value::Size(size) => push(out, format_args!("{size}")),
        Value::Side(Side::Client) => out.push_str("client"),
        Value::Side(Side::CallManager) => out.push_str("call-manager"),
        Value::Name(text) => push(out, format_args!("{:?}", text.as_str())),
        Value::CallId(id) => push(out, format_args!("{:#x}", id.0)),
    }
}

/// Appends formatted text; a `String` takes all of it.
pub(super) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// `CO_ADDRESS_FAMILY_Q2931`, with `|CO_ADDRESS_FAMILY_PROXY` and a version unless it is 0.0.
fn address_family(out: &mut String, family: AddressFamily) {
    let proxy = family.family & constants::CO_ADDRESS_FAMILY_PROXY != 0;
    let base = family.family & !constants::CO_ADDRESS_FAMILY_PROXY;
    match FAMILIES.iter().find(|(value, _)| *value == base) {
        Some((_, name)) => out.push_str(name),
        None => push(out, format_args!("{base:#x}")),
    }
    if proxy {
        out.push_str("|CO_ADDRESS_FAMILY_PROXY");
    }
    if (family.major, family.minor) != (0, 0) {
        push(out, format_args!("/{}.{}", family.major, family.minor));
    }
}

fn characteristics(out: &mut String, block: Characteristics) {
    push(
        out,
        format_args!("{{NDIS {}.{}, {} handlers", block.major, block.minor, block.handlers.iter().count()),
    );
    if block.flags != 0 {
        push(out, format_args!(", flags {:#x}", block.flags));
    }
    out.push('}');
}

fn optional_handlers(out: &mut String, block: OptionalHandlers) {
    push(out, format_args!("{{{}, {} handlers}}", object_type(block.header), block.handlers.iter().count()));
}

fn open_parameters(out: &mut String, block: OpenParameters) {
    out.push_str("{media");
    for index in 0..MAX_MEDIA {
        if let Some(medium) = (0..=u8::MAX).find(|medium| block.media.position(*medium) == Some(index)) {
            out.push(' ');
            push_medium(out, medium);
        }
    }
    if !block.names_bound_adapter {
        out.push_str(", another adapter's name");
    }
    out.push('}');
}

fn attributes(out: &mut String, names: &Names, block: Attributes) {
    push(out, format_args!("{{{}", object_type(block.header)));
    if u32::from(block.header.object_type)
        == ndis_object_type::NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES
    {
        push(out, format_args!(", context {}", names.token(block.context)));
        if block.flags != 0 {
            push(out, format_args!(", flags {:#x}", block.flags));
        }
    }
    if u32::from(block.header.object_type)
        == ndis_object_type::NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES
    {
        out.push_str(", ");
        push_medium(out, block.medium);
    }
    out.push('}');
}

/// A member of a structure that is shown whole: its word, its value, and how that is written.
type Member = (&'static str, u64, fn(u64) -> String);

/// `{type AF_TAPI_SAP_TYPE, length 4, value 0x11, at c4}`.
fn sap(out: &mut String, names: &Names, block: Sap) {
    let members: [Member; 3] = [
        ("type", block.sap_type.into(), sap_type),
        ("length", block.length.into(), decimal),
        ("value", block.value, hexadecimal),
    ];
    whole(out, names, &members, block.address);
}

/// `{transmit 64000, receive 64000, called 0x2a, at c6}`.
fn call_parameters(out: &mut String, names: &Names, block: CallParameters) {
    let members: [Member; 8] = [
        ("flags", block.flags.into(), |value| flags(value, co_call_parameters_flags::NAMES)),
        ("transmit", block.transmit.into(), rate),
        ("receive", block.receive.into(), rate),
        ("called", block.called, hexadecimal),
        ("media-flags", block.media_flags.into(), |value| flags(value, co_media_parameters_flags::NAMES)),
        ("media-length", block.media_length.into(), decimal),
        ("media-word", block.media_word.into(), hexadecimal),
        ("rest", block.rest.into(), hexadecimal),
    ];
    whole(out, names, &members, block.address);
}

/// The members that are not 0 and where the structure lies; `NULL` for none.
fn whole(out: &mut String, names: &Names, members: &[Member], address: Token) {
    if address == Token::NULL && members.iter().all(|(_, value, _)| *value == 0) {
        out.push_str("NULL");
        return;
    }
    out.push('{');
    for (word, value, text) in members.iter().filter(|(_, value, _)| *value != 0) {
        push(out, format_args!("{word} {}, ", text(*value)));
    }
    push(out, format_args!("at {}}}", names.token(address)));
}

fn decimal(value: u64) -> String {
    value.to_string()
}

fn hexadecimal(value: u64) -> String {
    format!("{value:#x}")
}

fn sap_type(value: u64) -> String {
    if value == u64::from(constants::AF_TAPI_SAP_TYPE) {
        return "AF_TAPI_SAP_TYPE".to_owned();
    }
    hexadecimal(value)
}

/// Bytes per second, or one of the two values of a `FLOWSPEC` that are none.
fn rate(value: u64) -> String {
    const SPECIAL: [(u32, &str); 2] = [
        (constants::QOS_NOT_SPECIFIED, "QOS_NOT_SPECIFIED"),
        (constants::POSITIVE_INFINITY_RATE, "POSITIVE_INFINITY_RATE"),
    ];
    match SPECIAL.iter().find(|(special, _)| u64::from(*special) == value) {
        Some((_, name)) => (*name).to_owned(),
        None => decimal(value),
    }
}

/// `CALL_PARAMETERS_CHANGED|0x40`: the names of bits, and in one number those that have none.
fn flags(value: u64, known: &[(&str, u32)]) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut rest = value;
    for (name, bit) in known {
        if value & u64::from(*bit) != 0 {
            names.push((*name).to_owned());
            rest &= !u64::from(*bit);
        }
    }
    if rest != 0 {
        names.push(hexadecimal(rest));
    }
    names.join("|")
}

fn push_medium(out: &mut String, medium: u8) {
    match MEDIA.iter().find(|(value, _)| *value == medium) {
        Some((_, name)) => out.push_str(name),
        None => push(out, format_args!("medium {medium}")),
    }
}

/// The type in a header in short: `client` for `NDIS_OBJECT_TYPE_CLIENT_CHARACTERISTICS` would hide which constant it was,
/// so only the common beginning goes.
fn object_type(header: Header) -> String {
    match ndis_object_type::name(u32::from(header.object_type)) {
        Some(name) => name.strip_prefix("NDIS_OBJECT_TYPE_").unwrap_or(name).to_owned(),
        None => format!("object type {:#x}", header.object_type),
    }
}

/// The documented name of an event, with the power state behind a colon.
pub(super) fn net_event(event: NetEvent) -> &'static str {
    let name = |value| net_pnp_event_code::name(value).unwrap_or_default();
    match event {
        NetEvent::SetPower(Power::D0) => "NetEventSetPower:NetDeviceStateD0",
        NetEvent::SetPower(Power::D3) => "NetEventSetPower:NetDeviceStateD3",
        NetEvent::QueryPower(Power::D0) => "NetEventQueryPower:NetDeviceStateD0",
        NetEvent::QueryPower(Power::D3) => "NetEventQueryPower:NetDeviceStateD3",
        NetEvent::QueryRemoveDevice => name(net_pnp_event_code::NetEventQueryRemoveDevice),
        NetEvent::CancelRemoveDevice => name(net_pnp_event_code::NetEventCancelRemoveDevice),
        NetEvent::Reconfigure => name(net_pnp_event_code::NetEventReconfigure),
        NetEvent::BindsComplete => name(net_pnp_event_code::NetEventBindsComplete),
        NetEvent::Pause => name(net_pnp_event_code::NetEventPause),
        NetEvent::Restart => name(net_pnp_event_code::NetEventRestart),
    }
}

fn device_event(event: DeviceEvent) -> &'static str {
    match event {
        DeviceEvent::SurpriseRemoved => {
            ndis_device_pnp_event::name(ndis_device_pnp_event::NdisDevicePnPEventSurpriseRemoved)
                .unwrap_or_default()
        }
    }
}

fn halt_action(action: HaltAction) -> &'static str {
    let value = match action {
        HaltAction::DeviceDisabled => ndis_halt_action::NdisHaltDeviceDisabled,
        HaltAction::DeviceSurpriseRemoved => ndis_halt_action::NdisHaltDeviceSurpriseRemoved,
        HaltAction::DeviceStopped => ndis_halt_action::NdisHaltDeviceStopped,
    };
    ndis_halt_action::name(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::block::{HandlerSet, Media};
    use model::{Call, Token};

    fn text(argument: impl Into<Value>) -> String {
        let mut out = String::new();
        value(&mut out, &Names::default(), argument.into());
        out
    }

    #[test]
    fn address_families_have_their_documented_names() {
        let family = |family, major, minor| text(AddressFamily { family, major, minor });
        assert_eq!(family(0x801, 0, 0), "CO_ADDRESS_FAMILY_TAPI_PROXY");
        assert_eq!(family(1, 3, 1), "CO_ADDRESS_FAMILY_Q2931/3.1");
        assert_eq!(family(0x8000_0001, 0, 0), "CO_ADDRESS_FAMILY_Q2931|CO_ADDRESS_FAMILY_PROXY");
        assert_eq!(family(0x1234, 1, 0), "0x1234/1.0");
    }

    #[test]
    fn parameter_blocks_show_what_tells_them_apart() {
        let header = Header { object_type: 149, revision: 1, size: 0 };
        let handlers = [contract::Ddi::ProtocolCmOpenAf].into_iter().collect::<HandlerSet>();
        let block = Characteristics { header, major: 6, minor: 30, flags: 0, handlers };
        assert_eq!(text(block), "{NDIS 6.30, 1 handlers}");
        let media = Media::new(&[12, 3]).expect("two media fit");
        let block = OpenParameters { header, names_bound_adapter: true, media, frame_types: 0 };
        assert_eq!(text(block), "{media NdisMediumCoWan medium 3}");
    }

    #[test]
    fn what_is_no_handle_of_ndis_is_named_by_its_parameter() {
        let call = Call::ClOpenAddressFamilyEx {
            binding: HandleArg::Null,
            family: AddressFamily { family: 0x801, major: 0, minor: 0 },
            af_context: Token(0x10),
        };
        let mut out = String::new();
        arguments(&mut out, &Names::default(), |see| call.each_argument(see));
        assert_eq!(out, "binding=NULL, family=CO_ADDRESS_FAMILY_TAPI_PROXY, af_context=0x10");
    }
}
