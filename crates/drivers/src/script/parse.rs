//! Words into a [`Script`]: here the words of one line, in [`lines`] what lines make together.

mod lines;

pub(crate) use lines::{Lines, with_plain_cursor};

use super::ast::{Binary, Expr, Name, Place, Script, Statement, Verb};
use super::block::{Block, Structure};
use super::error::{ParseError, Problem, nearest};
use super::lexer::{At, Line, Word};
use super::value::Value;
use contract::values::{constants, ndis_device_pnp_event, ndis_halt_action, net_pnp_event_code};
use contract::{Ddi, DdiKind, Status};
use model::block::AddressFamily;
use model::record::{Irql, ObjectKind};
use model::{Call, DeviceEvent, HaltAction, NetEvent, Power};
use std::collections::BTreeSet;

/// The kind of an argument of a call, by its name: what a script's value is turned into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Handle,
    Token,
    Status,
    Family,
    Block(Structure),
}

/// The kind of the argument `name` of a call of `ddi`.
pub(crate) fn kind_of(ddi: Ddi, name: &str) -> Option<Kind> {
    Some(match name {
        "driver_context" | "binding_context" | "af_context" => Kind::Token,
        "protocol" | "driver" | "handle" | "adapter" | "binding" | "bind_context" | "unbind_context"
        | "event" | "af" => Kind::Handle,
        "status" => Kind::Status,
        "family" => Kind::Family,
        "characteristics" if ddi == Ddi::NdisMRegisterMiniportDriver => {
            Kind::Block(Structure::MiniportCharacteristics)
        }
        "characteristics" => Kind::Block(Structure::ProtocolCharacteristics),
        "handlers" => Kind::Block(Structure::OptionalHandlers),
        "parameters" => Kind::Block(Structure::OpenParameters),
        "attributes" => Kind::Block(Structure::Attributes),
        _ => return None,
    })
}

/// Whether a function has no return value.
pub(crate) fn is_void(ddi: Ddi) -> bool {
    ddi.info().signature.starts_with("VOID ")
}

/// The function that a call of `ddi` is: an MCM's macro is the call manager's function.
fn called(ddi: Ddi) -> Ddi {
    let info = ddi.info();
    match info.kind {
        DdiKind::Macro => info.export.and_then(Ddi::from_name).unwrap_or(ddi),
        DdiKind::Function | DdiKind::Callback => ddi,
    }
}

fn family_value(name: &str) -> Option<u32> {
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

const FAMILIES: &[&str] = &[
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
fn net_event(name: &str) -> Option<NetEvent> {
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

fn halt_action(name: &str) -> Option<HaltAction> {
    let actions = [
        (ndis_halt_action::NdisHaltDeviceDisabled, HaltAction::DeviceDisabled),
        (ndis_halt_action::NdisHaltDeviceSurpriseRemoved, HaltAction::DeviceSurpriseRemoved),
        (ndis_halt_action::NdisHaltDeviceStopped, HaltAction::DeviceStopped),
    ];
    let mut actions = actions.into_iter();
    actions.find(|(value, _)| ndis_halt_action::name(*value) == Some(name)).map(|(_, action)| action)
}

fn level(name: &str) -> Option<Irql> {
    [Irql::PASSIVE, Irql::APC, Irql::DISPATCH].into_iter().find(|level| level.name() == name)
}

/// What is known where a body is read.
#[derive(Default)]
struct Scope {
    locals: BTreeSet<Name>,
    /// The handler that the body is of.
    handler: Option<Ddi>,
}

/// Reads the words of one line.
pub(crate) struct Cursor<'a> {
    line: &'a Line,
    index: usize,
    /// How deep the expression is nested that is being read.
    depth: u8,
    script: &'a mut Script,
    scope: &'a mut Scope,
}

/// How deep an expression may be nested, so that no text exhausts the stack.
const NESTING_MAX: u8 = 64;

impl<'a> Cursor<'a> {
    fn new(line: &'a Line, script: &'a mut Script, scope: &'a mut Scope) -> Cursor<'a> {
        Cursor { line, index: 0, depth: 0, script, scope }
    }

    pub(crate) fn peek(&self) -> Option<&'a (At, Word)> {
        self.line.words.get(self.index)
    }

    fn peek_second(&self) -> Option<&'a (At, Word)> {
        self.line.words.get(self.index + 1)
    }

    pub(crate) fn next(&mut self) -> Option<&'a (At, Word)> {
        let word = self.peek();
        self.index += usize::from(word.is_some());
        word
    }

    pub(crate) fn at(&self) -> At {
        self.peek().map_or(self.line.end, |(at, _)| *at)
    }

    /// The error that something else was meant here.
    pub(crate) fn expected(&self, what: &'static str) -> ParseError {
        let found =
            self.peek().map_or_else(|| "the end of the line".to_owned(), |(_, word)| word.to_string());
        self.at().error(Problem::Expected { what, found })
    }

    pub(crate) fn sees(&self, sign: &str) -> bool {
        matches!(self.peek(), Some((_, Word::Sign(seen))) if *seen == sign)
    }

    fn sees_name(&self, name: &str) -> bool {
        matches!(self.peek(), Some((_, Word::Name(seen))) if seen == name)
    }

    pub(crate) fn takes(&mut self, sign: &str) -> bool {
        let sees = self.sees(sign);
        self.index += usize::from(sees);
        sees
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let sees = self.sees_name(name);
        self.index += usize::from(sees);
        sees
    }

    pub(crate) fn sign(&mut self, sign: &'static str, what: &'static str) -> Result<(), ParseError> {
        if self.takes(sign) { Ok(()) } else { Err(self.expected(what)) }
    }

    pub(crate) fn keyword(&mut self, keyword: &'static str) -> Result<(), ParseError> {
        if self.takes_name(keyword) { Ok(()) } else { Err(self.expected(keyword)) }
    }

    pub(crate) fn name(&mut self, what: &'static str) -> Result<(At, &'a str), ParseError> {
        match self.peek() {
            Some((at, Word::Name(name))) => {
                self.index += 1;
                Ok((*at, name))
            }
            _ => Err(self.expected(what)),
        }
    }

    pub(crate) fn small<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, ParseError> {
        match self.peek() {
            Some((at, Word::Number(number))) => {
                self.index += 1;
                T::try_from(*number).map_err(|_| at.error(Problem::Number))
            }
            _ => Err(self.expected(what)),
        }
    }

    fn end(&self) -> Result<(), ParseError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    /// A function of the documentation.
    fn function(&mut self) -> Result<(At, Ddi), ParseError> {
        let (at, name) = self.name("a function of the documentation")?;
        match Ddi::from_name(name) {
            Some(ddi) => Ok((at, ddi)),
            None => {
                let near = nearest(name, Ddi::ALL.iter().map(|ddi| ddi.name()));
                Err(at.error(Problem::UnknownFunction { name: name.to_owned(), near }))
            }
        }
    }

    /// A handler, also one that is never called yet.
    pub(crate) fn callback(&mut self) -> Result<Ddi, ParseError> {
        let (at, ddi) = self.function()?;
        match ddi.info().kind {
            DdiKind::Callback => Ok(ddi),
            DdiKind::Function | DdiKind::Macro => Err(at.error(Problem::WrongDirection(ddi))),
        }
    }

    fn intern(&mut self, name: &str) -> Result<Name, ParseError> {
        intern(self.script, name).ok_or_else(|| self.at().error(Problem::TooMany("names")))
    }

    fn lookup(&self, name: &str) -> Option<Name> {
        self.script.names.iter().position(|known| known == name).map(|index| Name(index as u16))
    }

    // ---- expressions ------------------------------------------------------------------------------------------

    pub(crate) fn expression(&mut self) -> Result<Expr, ParseError> {
        let mut left = self.conjunction()?;
        while self.takes_name("or") {
            left = Expr::Binary(Binary::Or, Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expr, ParseError> {
        let mut left = self.negation()?;
        while self.takes_name("and") {
            left = Expr::Binary(Binary::And, Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expr, ParseError> {
        if self.depth == NESTING_MAX {
            return Err(self.at().error(Problem::TooMany("brackets and `not`s inside each other")));
        }
        self.depth += 1;
        let value =
            if self.takes_name("not") { Expr::Not(Box::new(self.negation()?)) } else { self.comparison()? };
        self.depth -= 1;
        Ok(value)
    }

    fn comparison(&mut self) -> Result<Expr, ParseError> {
        let left = self.sum()?;
        let comparison = match self.peek() {
            Some((_, Word::Sign("=="))) => Binary::Equal,
            Some((_, Word::Sign("!="))) => Binary::Different,
            Some((_, Word::Sign("<"))) => Binary::Less,
            Some((_, Word::Sign("<="))) => Binary::LessOrEqual,
            Some((_, Word::Sign(">"))) => Binary::Greater,
            Some((_, Word::Sign(">="))) => Binary::GreaterOrEqual,
            _ => return Ok(left),
        };
        self.next();
        Ok(Expr::Binary(comparison, Box::new(left), Box::new(self.sum()?)))
    }

    fn sum(&mut self) -> Result<Expr, ParseError> {
        let mut left = self.term()?;
        loop {
            let operation = if self.takes("+") {
                Binary::Plus
            } else if self.takes("-") {
                Binary::Minus
            } else {
                return Ok(left);
            };
            left = Expr::Binary(operation, Box::new(left), Box::new(self.term()?));
        }
    }

    /// A value with the fields that are taken of it.
    fn term(&mut self) -> Result<Expr, ParseError> {
        let mut value = self.primary()?;
        while self.sees(".") && matches!(self.peek_second(), Some((_, Word::Name(_)))) {
            self.next();
            let (_, field) = self.name("a field")?;
            value = Expr::Field(Box::new(value), self.intern(field)?);
        }
        Ok(value)
    }

    fn primary(&mut self) -> Result<Expr, ParseError> {
        match self.peek() {
            Some((_, Word::Number(number))) => {
                self.next();
                Ok(Expr::Constant(Value::Number(*number)))
            }
            Some((_, Word::Sign("."))) => {
                self.next();
                let (_, field) = self.name("a field")?;
                Ok(Expr::Field(Box::new(Expr::Here), self.intern(field)?))
            }
            Some((_, Word::Sign("$"))) => {
                self.next();
                Ok(Expr::Registry(self.name("a keyword of the registry")?.1.to_owned()))
            }
            Some((_, Word::Sign("@"))) => {
                self.next();
                Ok(Expr::Shared(self.name("a name that drivers share")?.1.to_owned()))
            }
            Some((_, Word::Sign("("))) => {
                self.next();
                let value = self.expression()?;
                self.sign(")", "`)`")?;
                Ok(value)
            }
            Some((at, Word::Name(name))) => {
                self.next();
                self.named(*at, name)
            }
            _ => Err(self.expected("a value")),
        }
    }

    fn named(&mut self, at: At, name: &str) -> Result<Expr, ParseError> {
        let constant = |value| Ok(Expr::Constant(value));
        match name {
            "null" | "NULL" => return constant(Value::Null),
            "yes" => return constant(Value::Flag(true)),
            "no" => return constant(Value::Flag(false)),
            "here" => return Ok(Expr::Here),
            "result" => return Ok(Expr::Result),
            "task" => return Ok(Expr::Task),
            "raised" => return Ok(Expr::Raised),
            "any" => {
                let (_, kind) = self.name("a kind of object")?;
                let kind = self.intern(kind)?;
                let condition =
                    if self.takes_name("where") { Some(Box::new(self.negation()?)) } else { None };
                return Ok(Expr::Any(kind, condition));
            }
            "new" => return self.new_object(),
            _ => {}
        }
        if let Some(local) = self.lookup(name) {
            if self.script.variables.contains_key(&local) {
                return Ok(Expr::Variable(local));
            }
            if self.scope.locals.contains(&local) {
                return Ok(Expr::Local(local));
            }
        }
        self.constant(at, name)
    }

    fn new_object(&mut self) -> Result<Expr, ParseError> {
        let (_, kind) = self.name("`event`, `lock` or a kind of object")?;
        Ok(match kind {
            "event" => Expr::NewKernel(ObjectKind::NotificationEvent { set: false }),
            "synchronization" => {
                self.keyword("event")?;
                Expr::NewKernel(ObjectKind::SynchronizationEvent { set: false })
            }
            "lock" => Expr::NewKernel(ObjectKind::SpinLock),
            kind => Expr::New(self.intern(kind)?),
        })
    }

    fn constant(&mut self, at: At, name: &str) -> Result<Expr, ParseError> {
        let constant = |value| Ok(Expr::Constant(value));
        let unknown = |near: Option<&str>| {
            let near = near.map(str::to_owned);
            Err(at.error(Problem::UnknownConstant { name: name.to_owned(), near }))
        };
        if name.starts_with("NDIS_STATUS_") {
            let known = Status::ALL.iter().filter_map(|status| status.name());
            return match Status::from_name(name) {
                Some(status) => constant(Value::Status(status)),
                None => unknown(nearest(name, known)),
            };
        }
        if name.starts_with("CO_ADDRESS_FAMILY_") {
            let Some(family) = family_value(name) else {
                return unknown(nearest(name, FAMILIES.iter().copied()));
            };
            return self.family(family).map(|family| Expr::Constant(Value::Family(family)));
        }
        if let Some(event) = net_event(name) {
            return self.powered(event).map(|event| Expr::Constant(Value::NetEvent(event)));
        }
        if let Some(action) = halt_action(name) {
            return constant(Value::HaltAction(action));
        }
        if ndis_device_pnp_event::name(ndis_device_pnp_event::NdisDevicePnPEventSurpriseRemoved) == Some(name)
        {
            return constant(Value::DeviceEvent(DeviceEvent::SurpriseRemoved));
        }
        let known = self.script.variables.keys().chain(&self.scope.locals);
        let near = nearest(name, known.map(|known| self.script.name_of(*known))).map(str::to_owned);
        Err(at.error(Problem::UnknownName { name: name.to_owned(), near }))
    }

    /// What follows the name of a family: `|CO_ADDRESS_FAMILY_PROXY`, `/3.1`.
    fn family(&mut self, mut family: u32) -> Result<AddressFamily, ParseError> {
        if self.takes("|") {
            self.keyword("CO_ADDRESS_FAMILY_PROXY")?;
            family |= constants::CO_ADDRESS_FAMILY_PROXY;
        }
        let (mut major, mut minor) = (0, 0);
        if self.takes("/") {
            major = self.small("the major version")?;
            self.sign(".", "`.` and the minor version")?;
            minor = self.small("the minor version")?;
        }
        Ok(AddressFamily { family, major, minor })
    }

    fn powered(&mut self, event: NetEvent) -> Result<NetEvent, ParseError> {
        let power = |cursor: &mut Self| {
            cursor.sign(":", "`:NetDeviceStateD0` or `:NetDeviceStateD3`")?;
            match cursor.name("`NetDeviceStateD0` or `NetDeviceStateD3`")? {
                (_, "NetDeviceStateD0") => Ok(Power::D0),
                (_, "NetDeviceStateD3") => Ok(Power::D3),
                (at, found) => Err(at.error(Problem::Expected {
                    what: "`NetDeviceStateD0` or `NetDeviceStateD3`",
                    found: found.to_owned(),
                })),
            }
        };
        Ok(match event {
            NetEvent::SetPower(_) => NetEvent::SetPower(power(self)?),
            NetEvent::QueryPower(_) => NetEvent::QueryPower(power(self)?),
            NetEvent::QueryRemoveDevice
            | NetEvent::CancelRemoveDevice
            | NetEvent::Reconfigure
            | NetEvent::BindsComplete
            | NetEvent::Pause
            | NetEvent::Restart => event,
        })
    }

    /// An event of plug and play, for a program.
    pub(crate) fn pnp_event(&mut self) -> Result<NetEvent, ParseError> {
        let (at, name) = self.name("an event of NET_PNP_EVENT_CODE")?;
        match net_event(name) {
            Some(event) => self.powered(event),
            None => Err(at.error(Problem::UnknownConstant { name: name.to_owned(), near: None })),
        }
    }

    // ---- places and arguments ---------------------------------------------------------------------------------

    fn place(&mut self) -> Result<Place, ParseError> {
        if self.takes("@") {
            return Ok(Place::Shared(self.name("a name that drivers share")?.1.to_owned()));
        }
        if let (Some((_, Word::Name(name))), false) =
            (self.peek(), matches!(self.peek_second(), Some((_, Word::Sign(".")))))
        {
            self.next();
            let name = self.intern(name)?;
            return Ok(self.declare(name));
        }
        match self.term()? {
            Expr::Field(object, field) => Ok(Place::Field(object, field)),
            _ => Err(self.expected("a name or field")),
        }
    }

    /// A name that gets a value here: a variable of the driver, else a local name.
    fn declare(&mut self, name: Name) -> Place {
        if self.script.variables.contains_key(&name) {
            Place::Variable(name)
        } else {
            self.scope.locals.insert(name);
            Place::Local(name)
        }
    }

    /// Arguments in brackets, by position or with their names, in the order of `names`.
    fn arguments(
        &mut self,
        of: &str,
        names: &[&str],
        kinds: impl Fn(usize) -> Option<Kind>,
    ) -> Result<Vec<Expr>, ParseError> {
        let at = self.at();
        self.sign("(", "`(` and the arguments")?;
        let mut arguments: Vec<Option<Expr>> = names.iter().map(|_| None).collect();
        let owned = || names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut given = 0;
        while !self.takes(")") {
            let argument = self.at();
            let named = matches!(self.peek_second(), Some((_, Word::Sign("="))));
            let index = match self.peek() {
                Some((_, Word::Name(name))) if named => {
                    self.index += 2;
                    names.iter().position(|known| known == name).ok_or_else(|| {
                        argument.error(Problem::UnknownArgument { name: name.clone(), names: owned() })
                    })?
                }
                _ => given,
            };
            let value = match kinds(index) {
                Some(Kind::Block(structure)) if self.sees("{") => {
                    Expr::Block(Box::new(Block::parse(self, structure)?))
                }
                Some(_) | None => self.expression()?,
            };
            given += 1;
            match arguments.get_mut(index) {
                Some(place) => *place = Some(value),
                None => {
                    return Err(argument.error(Problem::Arguments {
                        of: of.to_owned(),
                        names: owned(),
                        given,
                    }));
                }
            }
            if !self.takes(",") && !self.sees(")") {
                return Err(self.expected("`,` or `)`"));
            }
        }
        match arguments.into_iter().collect::<Option<Vec<Expr>>>() {
            Some(arguments) => Ok(arguments),
            None => Err(at.error(Problem::Arguments { of: of.to_owned(), names: owned(), given })),
        }
    }

    /// A time: `10 ms`, in units of 100 nanoseconds.
    fn duration(&mut self) -> Result<u64, ParseError> {
        let number: u64 = self.small("a time, such as `10 ms`")?;
        let (at, unit) = self.name("`s`, `ms` or `us`")?;
        let scale = match unit {
            "s" => 10_000_000,
            "ms" => 10_000,
            "us" => 10,
            unit => {
                let found = format!("`{unit}`");
                return Err(at.error(Problem::Expected { what: "`s`, `ms` or `us`", found }));
            }
        };
        number.checked_mul(scale).ok_or_else(|| at.error(Problem::Number))
    }

    fn level(&mut self) -> Result<Irql, ParseError> {
        if let Some((_, Word::Number(_))) = self.peek() {
            return self.small("a level").map(Irql);
        }
        let (at, name) = self.name("`DISPATCH_LEVEL`, another level, or its number")?;
        level(name).ok_or_else(|| at.error(Problem::UnknownConstant { name: name.to_owned(), near: None }))
    }

    // ---- statements -------------------------------------------------------------------------------------------

    /// A statement without a body of its own.
    fn simple(&mut self) -> Result<Statement, ParseError> {
        match self.peek() {
            Some((_, Word::Text(text))) => {
                self.next();
                return Ok(Statement::Print(text.clone()));
            }
            Some((_, Word::Name(name))) => {
                if !matches!(self.peek_second(), Some((_, Word::Sign("="))))
                    && let Some(statement) = self.verb(name)?
                {
                    return Ok(statement);
                }
                if looks_like_function(name) || matches!(self.peek_second(), Some((_, Word::Sign("(")))) {
                    return self.of_function();
                }
            }
            _ => {}
        }
        let place = self.place()?;
        self.sign("=", "`=` and a value")?;
        Ok(Statement::Assign { place, value: self.expression()? })
    }

    fn verb(&mut self, name: &str) -> Result<Option<Statement>, ParseError> {
        let verb = match name {
            "set" => Some(Verb::Set),
            "reset" => Some(Verb::Reset),
            "acquire" => Some(Verb::Acquire),
            "release" => Some(Verb::Release),
            "free" => Some(Verb::Free),
            "cancel" => Some(Verb::Cancel),
            _ => None,
        };
        if let Some(verb) = verb {
            self.next();
            return Ok(Some(Statement::Kernel { verb, object: self.expression()? }));
        }
        let statement = match name {
            "return" => {
                self.next();
                let value = if self.peek().is_none() { None } else { Some(self.expression()?) };
                if let (Some(_), Some(ddi)) = (&value, self.scope.handler)
                    && is_void(ddi)
                {
                    return Err(self.at().error(Problem::NoReturnValue(ddi)));
                }
                Statement::Return(value)
            }
            "do" => {
                self.next();
                let (at, name) = self.name("a procedure")?;
                let Some((known, body)) =
                    self.lookup(name).and_then(|known| Some((known, self.script.procedures.get(&known)?)))
                else {
                    let known = self.script.procedures.keys().map(|known| self.script.name_of(*known));
                    let near = nearest(name, known).map(str::to_owned);
                    return Err(at.error(Problem::UnknownProcedure { name: name.to_owned(), near }));
                };
                let parameters = body.parameters.clone();
                let names: Vec<String> =
                    parameters.iter().flatten().map(|name| self.script.name_of(*name).to_owned()).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let arguments = if names.is_empty() && !self.sees("(") {
                    Vec::new()
                } else {
                    self.arguments(name, &names, |_| None)?
                };
                Statement::Do { procedure: known, arguments }
            }
            "wait" => {
                self.next();
                let object = self.expression()?;
                let limit = if self.takes_name("for") { Some(self.duration()?) } else { None };
                Statement::Wait { object, limit }
            }
            "sleep" => {
                self.next();
                Statement::Sleep(self.duration()?)
            }
            "raise" | "lower" => {
                let raises = name == "raise";
                self.next();
                self.keyword("to")?;
                let level = self.level()?;
                if raises { Statement::Raise(level) } else { Statement::Lower(level) }
            }
            "allocate" => {
                self.next();
                let bytes = self.small("a number of bytes")?;
                self.sign("->", "`->` and where the address is kept")?;
                Statement::Allocate { bytes, place: self.place()? }
            }
            "drop" => {
                self.next();
                Statement::Drop(self.expression()?)
            }
            "expect" => {
                self.next();
                let from = self.at();
                let condition = self.expression()?;
                let text = match self.peek() {
                    Some((_, Word::Text(text))) => {
                        self.next();
                        text.clone()
                    }
                    _ => format!("the expectation of line {} does not hold", from.line),
                };
                Statement::Expect { condition, text }
            }
            _ => return Ok(None),
        };
        Ok(Some(statement))
    }

    /// A call, or what a trace says of its return; a handler's answer.
    fn of_function(&mut self) -> Result<Statement, ParseError> {
        let (at, ddi) = self.function()?;
        if ddi.info().kind == DdiKind::Callback {
            return self.reply(at, ddi);
        }
        let ddi = called(ddi);
        if self.takes("=") {
            return Ok(Statement::Returned { ddi, status: self.expression()? });
        }
        if self.takes_name("returns") {
            return Ok(Statement::Returned { ddi, status: Expr::Constant(Value::Status(Status::SUCCESS)) });
        }
        let names = Call::argument_names(ddi).ok_or_else(|| at.error(Problem::NotThereYet(ddi)))?;
        let arguments = self.arguments(ddi.name(), names, |index| {
            kind_of(ddi, names.get(index).copied().unwrap_or_default())
        })?;
        let store = if self.sees("->") {
            let arrow = self.at();
            self.next();
            if !stores_handle(ddi) {
                return Err(arrow.error(Problem::NoResult(ddi)));
            }
            Some(self.place()?)
        } else {
            None
        };
        let mut expect = Vec::new();
        if self.takes("=") {
            // `or` separates the statuses here, so a status is no whole expression.
            expect.push(self.term()?);
            while self.takes_name("or") {
                expect.push(self.term()?);
            }
        }
        Ok(Statement::Call { ddi, arguments, store, expect })
    }

    fn reply(&mut self, at: At, ddi: Ddi) -> Result<Statement, ParseError> {
        if self.sees("(") {
            return Err(at.error(Problem::WrongDirection(ddi)));
        }
        if self.scope.handler != Some(ddi) {
            return Err(at.error(Problem::ForeignReply(ddi)));
        }
        if self.takes_name("returns") {
            return Ok(Statement::Reply { status: None, context: None });
        }
        self.sign("=", "`=` and a status, or `returns`")?;
        if is_void(ddi) {
            return Err(at.error(Problem::NoReturnValue(ddi)));
        }
        let status = Some(self.expression()?);
        let context = if self.takes(",") {
            self.sign("*", "`*CallMgrAfContext = ` and a context")?;
            self.keyword("CallMgrAfContext")?;
            self.sign("=", "`=` and a context")?;
            Some(self.expression()?)
        } else {
            None
        };
        Ok(Statement::Reply { status, context })
    }
}

fn stores_handle(ddi: Ddi) -> bool {
    matches!(
        ddi,
        Ddi::NdisRegisterProtocolDriver
            | Ddi::NdisMRegisterMiniportDriver
            | Ddi::NdisOpenAdapterEx
            | Ddi::NdisClOpenAddressFamilyEx
    )
}

fn looks_like_function(name: &str) -> bool {
    Ddi::from_name(name).is_some()
        || ["Ndis", "Protocol", "Miniport"].iter().any(|begin| {
            name.strip_prefix(begin).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        })
}

fn intern(script: &mut Script, name: &str) -> Option<Name> {
    if let Some(known) = script.names.iter().position(|known| known == name) {
        return Some(Name(known as u16));
    }
    let index = u16::try_from(script.names.len()).ok()?;
    script.names.push(name.to_owned());
    Some(Name(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_can_write_every_argument_of_every_call() {
        for &ddi in Ddi::ALL {
            for name in Call::argument_names(ddi).unwrap_or_default() {
                assert!(kind_of(ddi, name).is_some(), "{name} of {ddi}");
            }
        }
    }

    #[test]
    fn the_macros_of_an_mcm_are_the_functions_of_a_call_manager() {
        assert_eq!(called(Ddi::NdisMCmCloseAddressFamilyComplete), Ddi::NdisCmCloseAddressFamilyComplete);
        assert_eq!(called(Ddi::NdisMCmRegisterAddressFamilyEx), Ddi::NdisMCmRegisterAddressFamilyEx);
    }

    #[test]
    fn an_expression_that_is_nested_too_deep_is_refused() {
        let text = format!("x = {}1{}", "(".repeat(100_000), ")".repeat(100_000));
        let lines = super::super::lexer::lines(&text, 1).expect("words");
        let error = with_plain_cursor(&lines[0], |cursor| {
            cursor.index = 2;
            cursor.expression()
        });
        let problem = error.err().map(|error| error.problem);
        assert_eq!(problem, Some(Problem::TooMany("brackets and `not`s inside each other")));
    }
}
