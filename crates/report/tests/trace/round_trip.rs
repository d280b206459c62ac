//! What a trace prints of an event is all there is to it: read back, it is the same event.
//!
//! The reader here knows the syntax of `docs/scripts.md` and the kinds of the arguments, and nothing of the printer.

use super::handle;
use contract::{Ddi, Status};
use model::block::{AddressFamily, CallParameters, Name, Sap};
use model::record::{Event, Irql, Record, TaskNumber};
use model::{
    AdapterId, Call, CallId, Callback, DeviceEvent, DriverId, HaltAction, Handle, HandleArg, HandleKind,
    NetEvent, Object, OutParameter, PartyId, Power, Reply, SapId, Side, Token, Value, VcId,
};
use proptest::prelude::*;
use proptest::sample::select;
use report::{Names, syntax};

/// What an argument is. The blocks of registration are missing: a trace only counts what is in them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A handle of NDIS.
    Handle,
    /// A handle, or whatever a driver passes for one.
    HandleArg,
    Token,
    Status,
    Family,
    /// One of these, each with its text.
    OneOf(&'static [(Value, &'static str)]),
    Sap,
    Parameters,
    Size,
    Name,
    CallId,
}

const NULL_FAMILY: AddressFamily = AddressFamily { family: 0, major: 0, minor: 0 };
const NULL_SAP: Sap = Sap { address: Token::NULL, sap_type: 0, length: 0, value: 0 };

/// Kinds with a value of each. What takes the first two handles alike is a [`Kind::HandleArg`].
fn samples() -> Vec<(Kind, Value)> {
    vec![
        (Kind::HandleArg, HandleArg::Null.into()),
        (Kind::Handle, handle(HandleKind::ClientVc, 1).into()),
        (Kind::Token, Token::NULL.into()),
        (Kind::Status, Status::SUCCESS.into()),
        (Kind::Family, NULL_FAMILY.into()),
        (Kind::Sap, NULL_SAP.into()),
        (Kind::Parameters, CallParameters::NULL.into()),
        (Kind::Size, 0u32.into()),
        (Kind::Name, Name::new("").expect("a short name").into()),
        (Kind::CallId, CallId(0).into()),
        (Kind::OneOf(NET_EVENTS), NET_EVENTS[0].0),
        (Kind::OneOf(DEVICE_EVENTS), DEVICE_EVENTS[0].0),
        (Kind::OneOf(HALT_ACTIONS), HALT_ACTIONS[0].0),
        (Kind::OneOf(SIDES), SIDES[0].0),
        (Kind::OneOf(DRIVERS), DRIVERS[0].0),
        (Kind::OneOf(ADAPTERS), ADAPTERS[0].0),
    ]
}

/// An event of either kind.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Said {
    Call(Call),
    Callback(Callback),
}

impl Said {
    fn from_arguments(ddi: Ddi, arguments: &[Value]) -> Result<Said, Option<usize>> {
        match Call::argument_names(ddi) {
            Some(_) => Call::from_arguments(ddi, arguments).map(Said::Call),
            None => Callback::from_arguments(ddi, arguments).map(Said::Callback),
        }
    }

    fn event(self) -> Event {
        match self {
            Said::Call(call) => Event::Called(DriverId(0), call),
            Said::Callback(callback) => Event::Invoked(DriverId(0), callback),
        }
    }
}

fn argument_names(ddi: Ddi) -> Option<&'static [&'static str]> {
    Call::argument_names(ddi).or(Callback::argument_names(ddi))
}

/// The kinds of the arguments of `ddi`; none if one is a block of registration.
fn kinds(ddi: Ddi, samples: &[(Kind, Value)]) -> Option<Vec<Kind>> {
    let (mut kinds, mut values) = (Vec::new(), Vec::new());
    for index in 0..argument_names(ddi)?.len() {
        let takes = |value: Value| {
            let arguments: Vec<Value> = values.iter().copied().chain([value]).collect();
            Said::from_arguments(ddi, &arguments) != Err(Some(index))
        };
        let (kind, value) = *samples.iter().find(|(_, value)| takes(*value))?;
        kinds.push(kind);
        values.push(value);
    }
    Some(kinds)
}

/// Every function whose arguments a trace shows whole.
fn functions() -> Vec<(Ddi, Vec<Kind>)> {
    let samples = samples();
    Ddi::ALL.iter().filter_map(|ddi| Some((*ddi, kinds(*ddi, &samples)?))).collect()
}

const HANDLE_KINDS: [HandleKind; 17] = [
    HandleKind::ProtocolDriver,
    HandleKind::MiniportDriver,
    HandleKind::Adapter,
    HandleKind::BindContext,
    HandleKind::UnbindContext,
    HandleKind::Binding,
    HandleKind::PnpEvent,
    HandleKind::ClientAf,
    HandleKind::CallManagerAf,
    HandleKind::Registration,
    HandleKind::ClientSap,
    HandleKind::CallManagerSap,
    HandleKind::ClientVc,
    HandleKind::CallManagerVc,
    HandleKind::MiniportVc,
    HandleKind::ClientParty,
    HandleKind::CallManagerParty,
];

const NET_EVENTS: &[(Value, &str)] = &[
    (Value::NetEvent(NetEvent::SetPower(Power::D0)), "NetEventSetPower:NetDeviceStateD0"),
    (Value::NetEvent(NetEvent::SetPower(Power::D3)), "NetEventSetPower:NetDeviceStateD3"),
    (Value::NetEvent(NetEvent::QueryPower(Power::D0)), "NetEventQueryPower:NetDeviceStateD0"),
    (Value::NetEvent(NetEvent::QueryPower(Power::D3)), "NetEventQueryPower:NetDeviceStateD3"),
    (Value::NetEvent(NetEvent::QueryRemoveDevice), "NetEventQueryRemoveDevice"),
    (Value::NetEvent(NetEvent::CancelRemoveDevice), "NetEventCancelRemoveDevice"),
    (Value::NetEvent(NetEvent::Reconfigure), "NetEventReconfigure"),
    (Value::NetEvent(NetEvent::BindsComplete), "NetEventBindsComplete"),
    (Value::NetEvent(NetEvent::Pause), "NetEventPause"),
    (Value::NetEvent(NetEvent::Restart), "NetEventRestart"),
];

const DEVICE_EVENTS: &[(Value, &str)] =
    &[(Value::DeviceEvent(DeviceEvent::SurpriseRemoved), "NdisDevicePnPEventSurpriseRemoved")];

const HALT_ACTIONS: &[(Value, &str)] = &[
    (Value::HaltAction(HaltAction::DeviceDisabled), "NdisHaltDeviceDisabled"),
    (Value::HaltAction(HaltAction::DeviceSurpriseRemoved), "NdisHaltDeviceSurpriseRemoved"),
    (Value::HaltAction(HaltAction::DeviceStopped), "NdisHaltDeviceStopped"),
];

const SIDES: &[(Value, &str)] =
    &[(Value::Side(Side::Client), "client"), (Value::Side(Side::CallManager), "call-manager")];

const DRIVERS: &[(Value, &str)] =
    &[(Value::Driver(DriverId(0)), "client"), (Value::Driver(DriverId(1)), "mcm")];

const ADAPTERS: &[(Value, &str)] =
    &[(Value::Adapter(AdapterId(0)), "nic1"), (Value::Adapter(AdapterId(1)), "nic2")];

const FAMILIES: [(u32, &str); 3] =
    [(1, "CO_ADDRESS_FAMILY_Q2931"), (0x800, "CO_ADDRESS_FAMILY_TAPI"), (0x1234, "0x1234")];

const STATUSES: [Status; 3] = [Status::SUCCESS, Status::PENDING, Status::FAILURE];

const CALL_FLAGS: [&str; 5] =
    ["PERMANENT_VC", "CALL_PARAMETERS_CHANGED", "QUERY_CALL_PARAMETERS", "BROADCAST_VC", "MULTIPOINT_VC"];

const MEDIA_FLAGS: [&str; 9] = [
    "RECEIVE_TIME_INDICATION",
    "USE_TIME_STAMPS",
    "TRANSMIT_VC",
    "RECEIVE_VC",
    "INDICATE_ERRED_PACKETS",
    "INDICATE_END_OF_TX",
    "RESERVE_RESOURCES_VC",
    "ROUND_DOWN_FLOW",
    "ROUND_UP_FLOW",
];

fn handles() -> Vec<Handle> {
    HANDLE_KINDS.iter().flat_map(|kind| [1, 2].map(|count| handle(*kind, count))).collect()
}

fn tokens() -> impl Strategy<Value = Token> {
    prop_oneof![Just(Token::NULL), (1u64..5).prop_map(|number| Token(number * 0x10))]
}

fn saps() -> impl Strategy<Value = Sap> {
    let kinds = prop_oneof![Just(0), Just(0x8000), any::<u32>()];
    let value = prop_oneof![Just(0), any::<u64>()];
    let whole = (1u64..5, kinds, 0u32..9, value).prop_map(|(address, sap_type, length, value)| Sap {
        address: Token(address),
        sap_type,
        length,
        value,
    });
    prop_oneof![Just(NULL_SAP), whole]
}

fn parameters() -> impl Strategy<Value = CallParameters> {
    let number = || prop_oneof![2 => Just(0), 1 => any::<u32>(), 1 => 0u32..0x400];
    let rate = || prop_oneof![Just(0), Just(u32::MAX), Just(u32::MAX - 1), any::<u32>()];
    let called = prop_oneof![Just(0), any::<u64>()];
    let flags = (number(), number());
    let rest = (number(), number(), number());
    let whole = (1u64..5, flags, (rate(), rate()), called, rest).prop_map(
        |(address, (flags, media_flags), (transmit, receive), called, (media_length, media_word, rest))| {
            let address = Token(address);
            CallParameters {
                address,
                flags,
                transmit,
                receive,
                media_flags,
                called,
                media_length,
                media_word,
                rest,
            }
        },
    );
    prop_oneof![1 => Just(CallParameters::NULL), 3 => whole]
}

fn name() -> impl Strategy<Value = Name> {
    let character = prop_oneof![Just('"'), Just('\\'), Just('\''), Just('\n'), any::<char>()];
    let text = prop::collection::vec(character, 0..=Name::MAX / 4).prop_map(String::from_iter);
    text.prop_map(|text| Name::new(&text).expect("four bytes a character at most"))
}

fn argument(kind: Kind) -> BoxedStrategy<Value> {
    let known = select(handles()).prop_map(Value::from);
    match kind {
        Kind::Handle => known.boxed(),
        Kind::HandleArg => prop_oneof![
            3 => known,
            1 => Just(Value::from(HandleArg::Null)),
            1 => any::<u64>().prop_map(|value| HandleArg::Unknown(value).into()),
        ]
        .boxed(),
        Kind::Token => tokens().prop_map_into().boxed(),
        Kind::Status => {
            prop_oneof![select(STATUSES.to_vec()), any::<u32>().prop_map(Status),].prop_map_into().boxed()
        }
        Kind::Family => (select(FAMILIES.to_vec()), any::<bool>(), 0u32..3, 0u32..3)
            .prop_map(|((family, _), proxy, major, minor)| {
                let family = family | u32::from(proxy) << 31;
                AddressFamily { family, major, minor }.into()
            })
            .boxed(),
        Kind::OneOf(known) => select(known).prop_map(|(value, _)| value).boxed(),
        Kind::Sap => saps().prop_map_into().boxed(),
        Kind::Parameters => parameters().prop_map_into().boxed(),
        Kind::Size => any::<u32>().prop_map_into().boxed(),
        Kind::Name => name().prop_map_into().boxed(),
        Kind::CallId => any::<u64>().prop_map(|id| CallId(id).into()).boxed(),
    }
}

fn said() -> impl Strategy<Value = Said> {
    select(functions()).prop_flat_map(|(ddi, kinds)| {
        let arguments: Vec<_> = kinds.into_iter().map(argument).collect();
        arguments.prop_map(move |arguments| Said::from_arguments(ddi, &arguments).expect("they fit"))
    })
}

fn out_parameter() -> impl Strategy<Value = OutParameter> {
    let of = |kind: HandleKind| select(vec![1, 2]).prop_map(move |count| handle(kind, count));
    prop_oneof![
        select(vec![HandleKind::ProtocolDriver, HandleKind::MiniportDriver])
            .prop_map(|kind| OutParameter::DriverHandle(handle(kind, 1))),
        (of(HandleKind::Binding), any::<u32>())
            .prop_map(|(handle, medium)| OutParameter::Binding(handle, medium)),
        of(HandleKind::ClientAf).prop_map(OutParameter::AddressFamily),
        of(HandleKind::ClientSap).prop_map(OutParameter::Sap),
        select(vec![HandleKind::ClientVc, HandleKind::CallManagerVc])
            .prop_map(|kind| OutParameter::Vc(handle(kind, 2))),
        of(HandleKind::ClientParty).prop_map(|handle| OutParameter::Party(handle.into())),
        Just(OutParameter::Party(HandleArg::Null)),
        parameters().prop_map(OutParameter::CallParameters),
        (name(), any::<u32>()).prop_map(|(name, index)| OutParameter::InstanceName(name, index)),
        any::<u64>().prop_map(|id| OutParameter::CallId(CallId(id))),
        tokens().prop_map(OutParameter::VcContext),
    ]
}

fn object() -> impl Strategy<Value = Object> {
    let of = |kind: HandleKind| select(vec![1, 2]).prop_map(move |count| handle(kind, count));
    prop_oneof![
        (0u8..2).prop_map(|driver| Object::Driver(DriverId(driver))),
        (0u8..2).prop_map(|adapter| Object::Adapter(AdapterId(adapter))),
        of(HandleKind::BindContext).prop_map(|handle| Object::Binding(model::BindingId(handle))),
        of(HandleKind::Registration).prop_map(|handle| Object::Registration(model::RegistrationId(handle))),
        of(HandleKind::ClientAf).prop_map(|handle| Object::Af(model::AfId(handle))),
        of(HandleKind::ClientSap).prop_map(|handle| Object::Sap(SapId(handle))),
        of(HandleKind::ClientVc).prop_map(|handle| Object::Vc(VcId(handle))),
        of(HandleKind::ClientVc).prop_map(|handle| Object::Call(VcId(handle))),
        of(HandleKind::ClientParty).prop_map(|handle| Object::Party(PartyId(handle))),
    ]
}

// ---- reading --------------------------------------------------------------------------------------------------------

/// Reads what a trace with these names says.
struct Reader {
    names: Names,
}

impl Reader {
    /// The names of an execution that has seen `event`, among others.
    fn new(event: Event) -> Reader {
        let mut names = Names::new(
            vec!["client".to_owned(), "mcm".to_owned()],
            vec!["nic1".to_owned(), "nic2".to_owned()],
        );
        let record = |event| Record {
            task: TaskNumber(1),
            processor: 0,
            irql: Irql::PASSIVE,
            depth: 0,
            time: 0,
            site: None,
            event,
        };
        for handle in handles() {
            names.learn(&record(Event::Called(DriverId(0), Call::CloseAdapterEx { binding: handle.into() })));
        }
        names.learn(&record(event));
        Reader { names }
    }

    fn handle(&self, text: &str) -> HandleArg {
        let known = handles().into_iter().find(|known| self.names.handle(*known) == text);
        match (known, text) {
            (Some(handle), _) => handle.into(),
            (None, "NULL") => HandleArg::Null,
            (None, text) => HandleArg::Unknown(number(text)),
        }
    }

    fn token(&self, text: &str) -> Token {
        let known = (0..0x100).map(Token).find(|token| self.names.token(*token) == text);
        known.unwrap_or_else(|| panic!("{text} is no name of a context"))
    }

    /// The words and values of a block.
    fn members<'a>(&self, text: &'a str) -> (Vec<(&'a str, &'a str)>, Token) {
        if text == "NULL" {
            return (Vec::new(), Token::NULL);
        }
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).expect("a block");
        let mut members: Vec<_> =
            inner.split(", ").map(|member| member.split_once(' ').expect("a word and a value")).collect();
        let (last, address) = members.pop().expect("a block says where it lies");
        assert_eq!(last, "at");
        (members, self.token(address))
    }

    fn sap(&self, text: &str) -> Sap {
        let (members, address) = self.members(text);
        let mut sap = Sap { address, ..NULL_SAP };
        for (word, value) in members {
            match (word, value) {
                ("type", "AF_TAPI_SAP_TYPE") => sap.sap_type = 0x8000,
                ("type", value) => sap.sap_type = number(value),
                ("length", value) => sap.length = number(value),
                ("value", value) => sap.value = number(value),
                (word, _) => panic!("a SAP has no {word}"),
            }
        }
        sap
    }

    fn parameters(&self, text: &str) -> CallParameters {
        let (members, address) = self.members(text);
        let mut parameters = CallParameters { address, ..CallParameters::NULL };
        for (word, value) in members {
            match word {
                "flags" => parameters.flags = flags(value, &CALL_FLAGS),
                "transmit" => parameters.transmit = rate(value),
                "receive" => parameters.receive = rate(value),
                "called" => parameters.called = number(value),
                "media-flags" => parameters.media_flags = flags(value, &MEDIA_FLAGS),
                "media-length" => parameters.media_length = number(value),
                "media-word" => parameters.media_word = number(value),
                "rest" => parameters.rest = number(value),
                word => panic!("call parameters have no {word}"),
            }
        }
        parameters
    }

    fn value(&self, kind: Kind, text: &str) -> Value {
        match kind {
            Kind::Handle | Kind::HandleArg => self.handle(text).into(),
            Kind::Token => self.token(text).into(),
            Kind::Status => status(text).into(),
            Kind::Family => family(text).into(),
            Kind::OneOf(known) => known.iter().find(|(_, name)| *name == text).expect("one of them").0,
            Kind::Sap => self.sap(text).into(),
            Kind::Parameters => self.parameters(text).into(),
            Kind::Size => number::<u32>(text).into(),
            Kind::Name => Name::new(&unquoted(text)).expect("a short name").into(),
            Kind::CallId => CallId(number(text)).into(),
        }
    }
}

/// The parts of `text` between commas that stand in no block and no quotation marks.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, 0, false, false);
    for (index, character) in text.char_indices() {
        match character {
            '"' if !escaped => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(text[from..index].trim());
                from = index + 1;
            }
            _ => {}
        }
        escaped = character == '\\' && !escaped;
    }
    parts.push(text[from..].trim());
    parts
}

/// The value of `name = value` or `name=value`, if `part` is that.
fn of<'a>(part: &'a str, name: &str) -> Option<&'a str> {
    let rest = part.strip_prefix(name)?.trim_start();
    Some(rest.strip_prefix('=')?.trim_start())
}

fn number<N: TryFrom<u64>>(text: &str) -> N {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.ok().and_then(|number| number.try_into().ok()).unwrap_or_else(|| panic!("{text} is no number"))
}

fn rate(text: &str) -> u32 {
    match text {
        "QOS_NOT_SPECIFIED" => u32::MAX,
        "POSITIVE_INFINITY_RATE" => u32::MAX - 1,
        text => number(text),
    }
}

/// `known` has the names of the bits, the lowest first.
fn flags(text: &str, known: &[&str]) -> u32 {
    text.split('|').fold(0, |flags, flag| {
        flags | known.iter().position(|name| *name == flag).map_or_else(|| number(flag), |bit| 1 << bit)
    })
}

fn status(text: &str) -> Status {
    Status::from_name(text).unwrap_or_else(|| Status(number(text)))
}

fn family(text: &str) -> AddressFamily {
    let (name, version) = text.split_once('/').unwrap_or((text, "0.0"));
    let (base, proxy) = match name.strip_suffix("|CO_ADDRESS_FAMILY_PROXY") {
        Some(base) => (base, 1 << 31),
        None => (name, 0),
    };
    let (family, _) = FAMILIES.iter().find(|(_, known)| *known == base).expect("a family");
    let (major, minor) = version.split_once('.').expect("a version");
    AddressFamily { family: family | proxy, major: number(major), minor: number(minor) }
}

fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).expect("quotation marks");
    let mut characters = inner.chars();
    let mut out = String::new();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        out.push(match characters.next().expect("an escaped character") {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'u' => {
                let digits: String = characters.by_ref().take_while(|digit| *digit != '}').collect();
                let code = u32::from_str_radix(digits.trim_start_matches('{'), 16);
                code.ok().and_then(char::from_u32).expect("a character by its number")
            }
            other => other,
        });
    }
    out
}

// ---- properties -----------------------------------------------------------------------------------------------------

fn text(names: &Names, event: Event) -> String {
    syntax::event(names, &event, &[]).text
}

#[test]
fn only_the_blocks_of_registration_are_not_shown_whole() {
    let shown: Vec<Ddi> = functions().into_iter().map(|(ddi, _)| ddi).collect();
    let hidden: Vec<&str> = Ddi::ALL
        .iter()
        .filter(|ddi| argument_names(**ddi).is_some() && !shown.contains(ddi))
        .map(|ddi| ddi.name())
        .collect();
    assert_eq!(
        hidden,
        [
            "NdisRegisterProtocolDriver",
            "NdisSetOptionalHandlers",
            "NdisMRegisterMiniportDriver",
            "NdisMSetMiniportAttributes",
            "NdisOpenAdapterEx",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_call_and_callback_reads_back(said in said()) {
        let ddi = match said {
            Said::Call(call) => call.ddi(),
            Said::Callback(callback) => callback.ddi(),
        };
        let reader = Reader::new(said.event());
        let text = text(&reader.names, said.event());
        let inner = text.strip_prefix(ddi.name()).and_then(|text| text.strip_prefix('('));
        let inner = inner.and_then(|text| text.strip_suffix(')')).expect("arguments in brackets");
        let kinds = kinds(ddi, &samples()).expect("shown whole");
        let names = argument_names(ddi).expect("known");
        let parts = if kinds.is_empty() { Vec::new() } else { split(inner) };
        prop_assert_eq!(parts.len(), kinds.len(), "{}", &text);
        let values: Vec<Value> = kinds.iter().zip(names).zip(parts)
            .map(|((kind, name), part)| reader.value(*kind, of(part, name).unwrap_or(part)))
            .collect();
        prop_assert_eq!(Said::from_arguments(ddi, &values), Ok(said), "{}", &text);
        prop_assert!(!text.contains('\n'));
    }

    #[test]
    fn everything_that_a_call_stores_reads_back(out in out_parameter()) {
        let event = Event::Published(DriverId(0), out);
        let reader = Reader::new(event);
        let text = text(&reader.names, event);
        let parts = split(&text);
        let (name, value) = parts[0].split_once(" = ").expect("a name and a value");
        let handle = |value| match reader.handle(value) {
            HandleArg::Known(handle) => handle,
            other => panic!("{other:?} is no handle of NDIS"),
        };
        let read = match name {
            "*NdisProtocolHandle" | "*NdisMiniportDriverHandle" => OutParameter::DriverHandle(handle(value)),
            "*NdisBindingHandle" => {
                let medium = of(parts[1], "*SelectedMediumIndex").expect("a medium");
                OutParameter::Binding(handle(value), number(medium))
            }
            "*NdisAfHandle" => OutParameter::AddressFamily(handle(value)),
            "*NdisSapHandle" => OutParameter::Sap(handle(value)),
            "*NdisVcHandle" => OutParameter::Vc(handle(value)),
            "*NdisPartyHandle" => OutParameter::Party(reader.handle(value)),
            "*CallParameters" => OutParameter::CallParameters(reader.parameters(value)),
            "*VcInstanceName" => {
                let index = parts[1].strip_prefix("index ").expect("an index");
                OutParameter::InstanceName(Name::new(&unquoted(value)).expect("a name"), number(index))
            }
            "*TapiCallId" => OutParameter::CallId(CallId(number(value))),
            "*ProtocolVcContext" => OutParameter::VcContext(reader.token(value)),
            name => panic!("{name} is stored by nobody"),
        };
        prop_assert_eq!(read, out, "{}", &text);
    }

    #[test]
    fn every_answer_reads_back(
        (ddi, name) in select(vec![
            (Ddi::ProtocolCmOpenAf, "*CallMgrAfContext"),
            (Ddi::ProtocolCmRegisterSap, "*CallMgrSapContext"),
            (Ddi::ProtocolCoCreateVc, "*ProtocolVcContext"),
            (Ddi::MiniportCoCreateVc, "*MiniportVcContext"),
            (Ddi::ProtocolCmMakeCall, "*CallMgrPartyContext"),
            (Ddi::ProtocolCmAddParty, "*CallMgrPartyContext"),
        ]),
        status_value in select(STATUSES.to_vec()),
        context in tokens(),
        parameters in parameters(),
    ) {
        let reply = Reply { status: status_value, context, parameters };
        let event = Event::Replied(DriverId(0), ddi, reply);
        let reader = Reader::new(event);
        let text = text(&reader.names, event);
        let mut read = Reply::status(Status::FAILURE);
        for part in split(&text) {
            if let Some(value) = of(part, ddi.name()) {
                read.status = status(value);
            } else if let Some(value) = of(part, name) {
                read.context = reader.token(value);
            } else if let Some(value) = of(part, "*CallParameters") {
                read.parameters = reader.parameters(value);
            } else {
                panic!("{part} in {text}");
            }
        }
        prop_assert_eq!(read, reply, "{}", &text);
    }

    #[test]
    fn objects_have_names_of_their_own(one in object(), other in object()) {
        let reader = Reader::new(Event::Edge(one, "Idle", "Active"));
        prop_assert_eq!(reader.names.name(one) == reader.names.name(other), one == other);
        prop_assert_eq!(
            text(&reader.names, Event::Edge(one, "Idle", "Active")),
            format!("{}: Idle -> Active", reader.names.name(one))
        );
    }
}
