//! Records as JSON: the same facts as in the text, with stable names of the members.
//!
//! Every document has a member `condis` with [`crate::JSON_VERSION`]; members are added without a new version, and changed
//! or removed with one.

use crate::names::Names;
use crate::syntax;
use model::block::HandlerSet;
use model::record::{Event, Record};
use model::{HandleArg, OutParameter, Token, Value, Violation};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use verify::level::Level;

/// One record of a trace.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Line {
    /// Its number in the trace, from 1.
    pub line: usize,
    /// The number of its task.
    pub task: u16,
    /// The number of its processor.
    pub cpu: u8,
    /// The level, as a number: 0 is `PASSIVE_LEVEL`, 2 `DISPATCH_LEVEL`.
    pub irql: u8,
    /// Within how many calls and callbacks of the task.
    pub depth: u8,
    /// When, in units of 100 nanoseconds.
    pub time: u64,
    /// The offset into the driver's image to which the call returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<u32>,
    /// `environment`, `NDIS`, or a driver's name.
    pub who: String,
    /// What kind of event it is.
    pub event: &'static str,
    /// The event in the syntax of traces.
    pub text: String,
    /// What else there is to the event; the members depend on `event`.
    #[serde(flatten)]
    pub more: Map<String, Json>,
}

/// A level as its word.
pub(crate) fn level<S: serde::Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(level.as_str())
}

/// `record`, the `number`-th of its trace. Its names must have been learnt.
pub fn line(names: &Names, number: usize, record: &Record, texts: &[String]) -> Line {
    let said = syntax::event(names, &record.event, texts);
    let who = match said.who {
        syntax::Who::Environment => "environment".to_owned(),
        syntax::Who::Ndis => "NDIS".to_owned(),
        syntax::Who::Driver(driver) => names.driver(driver).to_owned(),
    };
    let (event, more) = members(names, &record.event, texts);
    Line {
        line: number,
        task: record.task.0,
        cpu: record.processor,
        irql: record.irql.0,
        depth: record.depth,
        time: record.time,
        site: record.site,
        who,
        event,
        text: said.text,
        more: match more {
            Json::Object(members) => members,
            _ => Map::new(),
        },
    }
}

fn members(names: &Names, event: &Event, texts: &[String]) -> (&'static str, Json) {
    match *event {
        Event::Commanded(_) => ("commanded", Json::Null),
        Event::Started(_) => ("started", Json::Null),
        Event::Queued(..) => ("queued", Json::Null),
        Event::Ended => ("ended", Json::Null),
        Event::Called(_, call) => {
            let arguments = arguments(names, |see| call.each_argument(see));
            ("called", json!({"ddi": call.ddi().name(), "arguments": arguments}))
        }
        Event::Published(_, out) => {
            let handle = |handle: HandleArg| value(names, handle.into());
            let mut stored = json!({"handle": null, "medium": null});
            match out {
                OutParameter::DriverHandle(made)
                | OutParameter::AddressFamily(made)
                | OutParameter::Sap(made)
                | OutParameter::Vc(made) => stored["handle"] = handle(made.into()),
                OutParameter::Binding(made, medium) => {
                    stored["handle"] = handle(made.into());
                    stored["medium"] = medium.into();
                }
                OutParameter::Party(made) => stored["handle"] = handle(made),
                OutParameter::CallParameters(left) => stored["parameters"] = value(names, left.into()),
                OutParameter::InstanceName(base, index) => {
                    stored["name"] = value(names, base.into());
                    stored["index"] = index.into();
                }
                OutParameter::CallId(id) => stored["call_id"] = value(names, id.into()),
                OutParameter::VcContext(context) => stored["context"] = value(names, context.into()),
            }
            ("published", stored)
        }
        Event::Returned(_, ddi, status) => {
            let status = (!syntax::is_void(ddi)).then(|| status.to_string());
            ("returned", json!({"ddi": ddi.name(), "status": status}))
        }
        Event::Invoked(_, callback) => {
            let arguments = arguments(names, |see| callback.each_argument(see));
            ("invoked", json!({"ddi": callback.ddi().name(), "arguments": arguments}))
        }
        Event::Replied(_, ddi, reply) => {
            let status = (!syntax::is_void(ddi)).then(|| reply.status.to_string());
            let context = syntax::stored_context(ddi, reply).map(|_| names.token(reply.context));
            let parameters = value(names, reply.parameters.into());
            (
                "replied",
                json!({"ddi": ddi.name(), "status": status, "context": context, "parameters": parameters}),
            )
        }
        Event::Waiting(_, condition) => ("waiting", json!({"until": syntax::condition(names, condition)})),
        Event::Kernel(_, call) => ("kernel", json!({"routine": call.routine})),
        Event::Printed(_, text) => ("printed", json!({"printed": texts.get(text as usize)})),
        Event::Edge(object, from, to) => {
            ("edge", json!({"object": names.name(object), "from": from, "to": to}))
        }
        Event::Warned(violation) => ("warned", breach(names, violation)),
        Event::Violated(violation) => ("violated", breach(names, violation)),
    }
}

fn breach(names: &Names, violation: Violation) -> Json {
    json!({
        "rule": violation.rule.id(),
        "object": names.name(violation.object),
        "offence": violation.offence,
    })
}

fn arguments(names: &Names, each: impl FnOnce(&mut dyn FnMut(&'static str, Value))) -> Json {
    let mut members = Map::new();
    each(&mut |name, argument| {
        members.insert(name.to_owned(), value(names, argument));
    });
    Json::Object(members)
}

fn value(names: &Names, argument: Value) -> Json {
    match argument {
        Value::Handle(HandleArg::Null) => Json::Null,
        Value::AddressFamily(family) => {
            json!({"family": family.family, "major": family.major, "minor": family.minor})
        }
        Value::Characteristics(block) => json!({
            "major": block.major, "minor": block.minor, "flags": block.flags, "handlers": handlers(&block.handlers),
        }),
        Value::OptionalHandlers(block) => {
            json!({"object_type": block.header.object_type, "handlers": handlers(&block.handlers)})
        }
        Value::Attributes(block) => json!({
            "object_type": block.header.object_type,
            "context": names.token(block.context),
            "flags": block.flags,
            "medium": block.medium,
        }),
        Value::Sap(block) if block.address == Token::NULL => Json::Null,
        Value::Sap(block) => json!({
            "type": block.sap_type,
            "length": block.length,
            "value": format!("{:#x}", block.value),
            "at": names.token(block.address),
        }),
        Value::CallParameters(block) if block.is_null() => Json::Null,
        Value::CallParameters(block) => json!({
            "flags": block.flags,
            "transmit": block.transmit,
            "receive": block.receive,
            "called": format!("{:#x}", block.called),
            "media_flags": block.media_flags,
            "media_length": block.media_length,
            "media_word": block.media_word,
            "rest": block.rest,
            "at": names.token(block.address),
        }),
        Value::Size(size) => size.into(),
        Value::Name(name) => name.as_str().into(),
        Value::Handle(HandleArg::Known(_) | HandleArg::Unknown(_))
        | Value::Token(_)
        | Value::Status(_)
        | Value::OpenParameters(_)
        | Value::NetEvent(_)
        | Value::DeviceEvent(_)
        | Value::HaltAction(_)
        | Value::Driver(_)
        | Value::Adapter(_)
        | Value::Side(_)
        | Value::CallId(_) => {
            let mut text = String::new();
            syntax::value(&mut text, names, argument);
            Json::String(text)
        }
    }
}

fn handlers(set: &HandlerSet) -> Vec<&'static str> {
    set.iter().map(contract::Ddi::name).collect()
}
