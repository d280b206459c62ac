//! Words into a [`Script`]: here the words of one line, in [`lines`] what lines make together.

mod constants;
mod lines;

pub(crate) use lines::{Lines, with_plain_cursor};

use self::constants::{FAMILIES, device_event, family_value, halt_action, level, net_event, side};
use super::ast::{Answer, Binary, Expr, Name, Place, Script, Statement, Verb};
use super::block::Block;
use super::error::{ParseError, Problem, nearest};
use super::lexer::{At, Line, Word};
use super::signature::{Kind, called, context_of, default_of, has_parameters, is_void, kind_of, stores};
use super::value::Value;
use super::whole::{Shape, Whole};
use contract::values::constants::CO_ADDRESS_FAMILY_PROXY;
use contract::{Ddi, DdiKind, Status};
use model::block::{self, AddressFamily};
use model::record::{Irql, ObjectKind};
use model::{Call, NetEvent, Power};
use std::collections::BTreeSet;

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
        self.nested(|cursor| {
            if cursor.takes_name("not") {
                Ok(Expr::Not(Box::new(cursor.negation()?)))
            } else {
                cursor.comparison()
            }
        })
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

    pub(crate) fn sum(&mut self) -> Result<Expr, ParseError> {
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
        if self.sees("{") {
            return self.whole(Shape::CallParameters, Some(value));
        }
        Ok(value)
    }

    /// A structure that is written whole, as `base` but for what it says.
    fn whole(&mut self, shape: Shape, base: Option<Expr>) -> Result<Expr, ParseError> {
        self.nested(|cursor| Ok(Expr::Whole(Box::new(Whole::parse(cursor, shape, base)?))))
    }

    /// Reads something inside an expression that may have expressions in it.
    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Expr, ParseError>,
    ) -> Result<Expr, ParseError> {
        if self.depth == NESTING_MAX {
            return Err(self.at().error(Problem::TooMany("brackets and `not`s inside each other")));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
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
            Some((_, Word::Sign("{"))) => self.whole(Shape::CallParameters, None),
            Some((at, Word::Text(text))) => {
                self.next();
                match block::Name::new(text) {
                    Some(name) => Ok(Expr::Constant(Value::Name(name))),
                    None => Err(at.error(Problem::TooMany("bytes in a name"))),
                }
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
        if let Some(event) = device_event(name) {
            return constant(Value::DeviceEvent(event));
        }
        if let Some(side) = side(name) {
            return constant(Value::Side(side));
        }
        let known = self.script.variables.keys().chain(&self.scope.locals);
        let near = nearest(name, known.map(|known| self.script.name_of(*known))).map(str::to_owned);
        Err(at.error(Problem::UnknownName { name: name.to_owned(), near }))
    }

    /// What follows the name of a family: `|CO_ADDRESS_FAMILY_PROXY`, `/3.1`.
    fn family(&mut self, mut family: u32) -> Result<AddressFamily, ParseError> {
        if self.takes("|") {
            self.keyword("CO_ADDRESS_FAMILY_PROXY")?;
            family |= CO_ADDRESS_FAMILY_PROXY;
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
        defaults: impl Fn(&str) -> Option<Value>,
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
                kind => self.of_kind(kind)?,
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
        let filled = arguments
            .into_iter()
            .zip(names)
            .map(|(argument, name)| argument.or_else(|| defaults(name).map(Expr::Constant)));
        match filled.collect::<Option<Vec<Expr>>>() {
            Some(arguments) => Ok(arguments),
            None => Err(at.error(Problem::Arguments { of: of.to_owned(), names: owned(), given })),
        }
    }

    /// An expression where a value of this kind is meant.
    fn of_kind(&mut self, kind: Option<Kind>) -> Result<Expr, ParseError> {
        match kind {
            Some(Kind::Whole(shape)) if self.sees("{") => self.whole(shape, None),
            Some(_) | None => self.expression(),
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
                    self.arguments(name, &names, |_| None, |_| None)?
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
        let kind = |index| kind_of(ddi, names.get(index).copied().unwrap_or_default());
        let arguments = self.arguments(ddi.name(), names, kind, |name| default_of(ddi, name))?;
        let arrow = self.at();
        let mut store = Vec::new();
        if self.takes("->") {
            let mut stored = stores(ddi).iter();
            loop {
                let kind = stored.next().ok_or_else(|| arrow.error(Problem::NoResult(ddi)))?;
                store.push((*kind, self.place()?));
                if !self.takes(",") {
                    break;
                }
            }
        }
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
        let mut answer = Answer::default();
        if !self.takes_name("returns") {
            self.sign("=", "`=` and a status, or `returns`")?;
            if is_void(ddi) {
                return Err(at.error(Problem::NoReturnValue(ddi)));
            }
            answer.status = Some(self.expression()?);
        }
        while self.takes(",") {
            self.sign("*", "`*` and what the handler stores")?;
            let (at, name) = self.name("what the handler stores")?;
            self.sign("=", "`=` and a value")?;
            if context_of(ddi) == Some(name) {
                answer.context = Some(self.expression()?);
            } else if name == "CallParameters" && has_parameters(ddi) {
                answer.parameters = Some(self.expression()?);
            } else {
                let names =
                    context_of(ddi).into_iter().chain(has_parameters(ddi).then_some("CallParameters"));
                let names = names.map(|name| format!("*{name}")).collect();
                return Err(at.error(Problem::UnknownArgument { name: format!("*{name}"), names }));
            }
        }
        Ok(Statement::Reply(answer))
    }
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
