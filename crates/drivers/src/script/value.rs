//! What a script computes with.

use contract::Status;
use model::block::{AddressFamily, CallParameters, Name, Sap};
use model::{AdapterId, CallId, DeviceEvent, DriverId, HaltAction, HandleArg, NetEvent, Side, Token};

/// A value of a script's. Small and without pointers, so that it can be copied freely.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Value {
    /// Nothing; NULL where a handle or context belongs.
    #[default]
    Null,
    Flag(bool),
    Number(u64),
    Status(Status),
    Handle(HandleArg),
    /// A context object of this driver's, by its number.
    Object(u32),
    /// A context that is no object of this driver's, a kernel object, a block of memory.
    Token(Token),
    Family(AddressFamily),
    NetEvent(NetEvent),
    DeviceEvent(DeviceEvent),
    HaltAction(HaltAction),
    Driver(DriverId),
    Adapter(AdapterId),
    Sap(Sap),
    CallParameters(CallParameters),
    Side(Side),
    Name(Name),
    CallId(CallId),
}

impl Value {
    /// Whether a condition that consists of this value holds.
    pub(crate) fn holds(self) -> bool {
        match self {
            Value::Null | Value::Flag(false) | Value::Number(0) | Value::Handle(HandleArg::Null) => false,
            Value::Flag(true)
            | Value::Number(_)
            | Value::Status(_)
            | Value::Handle(_)
            | Value::Object(_)
            | Value::Token(_)
            | Value::Family(_)
            | Value::NetEvent(_)
            | Value::DeviceEvent(_)
            | Value::HaltAction(_)
            | Value::Driver(_)
            | Value::Adapter(_)
            | Value::Sap(_)
            | Value::CallParameters(_)
            | Value::Side(_)
            | Value::Name(_)
            | Value::CallId(_) => true,
        }
    }

    /// Whether two values are the same. What is nothing equals everything that does not hold, and a number equals the
    /// family or status of that value. Structures are the same if they say the same, wherever they lie.
    pub(crate) fn same(self, other: Value) -> bool {
        match (self, other) {
            (Value::Null, value) | (value, Value::Null) => !value.holds(),
            (Value::Family(family), Value::Number(number))
            | (Value::Number(number), Value::Family(family)) => u64::from(family.family) == number,
            (Value::Status(status), Value::Number(number))
            | (Value::Number(number), Value::Status(status)) => u64::from(status.0) == number,
            (Value::Sap(one), Value::Sap(other)) => one.same(&other),
            (Value::CallParameters(one), Value::CallParameters(other)) => one.same(&other),
            (one, other) => one == other,
        }
    }

    /// The value as a number to count with, if it is one.
    pub(crate) fn number(self) -> Option<u64> {
        match self {
            Value::Null => Some(0),
            Value::Flag(flag) => Some(flag.into()),
            Value::Number(number) => Some(number),
            Value::Status(_)
            | Value::Handle(_)
            | Value::Object(_)
            | Value::Token(_)
            | Value::Family(_)
            | Value::NetEvent(_)
            | Value::DeviceEvent(_)
            | Value::HaltAction(_)
            | Value::Driver(_)
            | Value::Adapter(_)
            | Value::Sap(_)
            | Value::CallParameters(_)
            | Value::Side(_)
            | Value::Name(_)
            | Value::CallId(_) => None,
        }
    }
}

impl From<model::Value> for Value {
    /// What NDIS passes to a handler. Parameter blocks are passed by drivers only.
    fn from(value: model::Value) -> Value {
        match value {
            model::Value::Handle(HandleArg::Null) => Value::Null,
            model::Value::Handle(handle) => Value::Handle(handle),
            model::Value::Token(Token::NULL) => Value::Null,
            model::Value::Token(token) => Value::Token(token),
            model::Value::Status(status) => Value::Status(status),
            model::Value::AddressFamily(family) => Value::Family(family),
            model::Value::NetEvent(event) => Value::NetEvent(event),
            model::Value::DeviceEvent(event) => Value::DeviceEvent(event),
            model::Value::HaltAction(action) => Value::HaltAction(action),
            model::Value::Driver(driver) => Value::Driver(driver),
            model::Value::Adapter(adapter) => Value::Adapter(adapter),
            model::Value::Characteristics(_)
            | model::Value::OptionalHandlers(_)
            | model::Value::OpenParameters(_)
            | model::Value::Attributes(_) => Value::Null,
            model::Value::Sap(sap) => Value::Sap(sap),
            model::Value::CallParameters(parameters) if parameters.is_null() => Value::Null,
            model::Value::CallParameters(parameters) => Value::CallParameters(parameters),
            model::Value::Size(size) => Value::Number(size.into()),
            model::Value::Side(side) => Value::Side(side),
            model::Value::Name(name) => Value::Name(name),
            model::Value::CallId(id) => Value::CallId(id),
        }
    }
}
