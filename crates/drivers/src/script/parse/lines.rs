//! The lines of a driver: its items, and the bodies that indentation makes of statements.

use super::constants::side;
use super::{Cursor, Scope, looks_like_function};
use crate::script::ast::{Body, Expr, How, Name, Place, Script, Statement, Suite};
use crate::script::error::{ParseError, Problem};
use crate::script::lexer::{At, Line, Word};
use crate::script::signature::{Stored, kind_of, stores};
use crate::script::value::Value;
use contract::{Ddi, DdiKind};
use model::Callback;
use std::collections::BTreeSet;

/// Lines, from one on to where their block ends.
pub(crate) struct Lines<'a> {
    lines: &'a [Line],
    next: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(lines: &'a [Line]) -> Lines<'a> {
        Lines { lines, next: 0 }
    }

    pub(crate) fn peek(&self) -> Option<&'a Line> {
        self.lines.get(self.next)
    }

    pub(crate) fn take(&mut self) -> Option<&'a Line> {
        let line = self.peek();
        self.next += usize::from(line.is_some());
        line
    }

    /// The lines that are indented deeper than `indent`, which follow now.
    pub(crate) fn deeper(&mut self, indent: u32) -> &'a [Line] {
        let rest = &self.lines[self.next..];
        let length = rest.iter().position(|line| line.indent <= indent).unwrap_or(rest.len());
        self.next += length;
        &rest[..length]
    }
}

impl<'a> Lines<'a> {
    /// The lines of a driver's items, which follow now: up to the next line that begins a driver or an option.
    pub(crate) fn items(&mut self, indent: u32) -> &'a [Line] {
        let rest = &self.lines[self.next..];
        let is_item = |line: &Line| {
            line.indent > indent
                || match line.words.first() {
                    Some((_, Word::Name(word))) => {
                        ["to", "var", "registry", "without"].contains(&word.as_str())
                            || looks_like_function(word)
                    }
                    _ => false,
                }
        };
        let length = rest.iter().position(|line| !is_item(line)).unwrap_or(rest.len());
        self.next += length;
        &rest[..length]
    }
}

/// A cursor over a line in which nothing of a driver is known, for lines of options.
pub(crate) fn with_plain_cursor<T>(
    line: &Line,
    read: impl FnOnce(&mut Cursor<'_>) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    let (mut script, mut scope) = (Script::default(), Scope::default());
    let mut cursor = Cursor::new(line, &mut script, &mut scope);
    let value = read(&mut cursor)?;
    cursor.end()?;
    Ok(value)
}

impl Script {
    /// Reads the items of a driver, on top of `base`: its own handlers, procedures and variables replace those of the base.
    pub(crate) fn parse_items(
        name: &str,
        base: Option<&Script>,
        items: &[Line],
    ) -> Result<Script, ParseError> {
        let mut script = base.cloned().unwrap_or_default();
        script.name = name.to_owned();
        let Some(indent) = items.first().map(|line| line.indent) else { return Ok(script) };
        // Headers first, so that variables and procedures may be used before the lines that make them.
        let mut bodies = Vec::new();
        let mut own = BTreeSet::new();
        let mut lines = Lines::new(items);
        while let Some(line) = lines.take() {
            if line.indent != indent {
                return Err(line.at.error(Problem::Indent));
            }
            let body = lines.deeper(indent);
            if let Some(header) = script.item(line, &mut own, body)? {
                bodies.push((line, header, body));
            }
        }
        let mut seen = BTreeSet::new();
        for (line, header, body) in bodies {
            script.body(line, header, body, &mut seen)?;
        }
        Ok(script)
    }

    /// One item. Gives back what the header of a body says.
    fn item(
        &mut self,
        line: &Line,
        own: &mut BTreeSet<String>,
        body: &[Line],
    ) -> Result<Option<Header>, ParseError> {
        let mut scope = Scope::default();
        let mut cursor = Cursor::new(line, self, &mut scope);
        let (at, word) = cursor.name("a handler, `to`, `var`, `registry` or `without`")?;
        let mut once = |what: &str, name: &str| {
            if own.insert(format!("{what} {name}")) {
                Ok(())
            } else {
                Err(at.error(Problem::Twice(name.to_owned())))
            }
        };
        let header = match word {
            "var" => {
                let (_, name) = cursor.name("the name of a variable")?;
                once(word, name)?;
                let name = cursor.intern(name)?;
                let value =
                    if cursor.takes("=") { cursor.expression()? } else { Expr::Constant(Value::Null) };
                cursor.end()?;
                cursor.script.variables.insert(name, value);
                None
            }
            "registry" => {
                let (_, keyword) = cursor.name("a keyword of the registry")?;
                once(word, keyword)?;
                cursor.sign("=", "`=` and a number")?;
                let value = cursor.small("a number of at most 32 bits")?;
                cursor.end()?;
                cursor.script.registry.insert(keyword.to_owned(), value);
                None
            }
            "without" => {
                let handler = cursor.callback()?;
                cursor.end()?;
                cursor.script.without.insert(handler);
                None
            }
            "to" => {
                let (_, name) = cursor.name("the name of a procedure")?;
                once(word, name)?;
                let name = cursor.intern(name)?;
                let mut parameters = Vec::new();
                if cursor.takes("(") {
                    while !cursor.takes(")") {
                        let (_, parameter) = cursor.name("a parameter")?;
                        parameters.push(Some(cursor.intern(parameter)?));
                        if !cursor.takes(",") && !cursor.sees(")") {
                            return Err(cursor.expected("`,` or `)`"));
                        }
                    }
                }
                let index = cursor.index;
                // Known from now on; its body is read when all headers are.
                let unread =
                    Body { parameters: parameters.clone(), addresses: Vec::new(), suite: Suite(u32::MAX) };
                self.procedures.insert(name, unread);
                let addresses = Vec::new();
                return Ok(Some(Header { of: Of::Procedure(name), parameters, addresses, index }));
            }
            _ => {
                cursor.index = 0;
                let (at, ddi) = cursor.function()?;
                if ddi.info().kind != DdiKind::Callback {
                    return Err(at.error(Problem::WrongDirection(ddi)));
                }
                let names =
                    Callback::argument_names(ddi).ok_or_else(|| at.error(Problem::NotThereYet(ddi)))?;
                let (parameters, addresses) = cursor.parameters(ddi, names)?;
                let index = cursor.index;
                return Ok(Some(Header { of: Of::Handler(ddi), parameters, addresses, index }));
            }
        };
        match body.first() {
            Some(stray) => Err(stray.at.error(Problem::Indent)),
            None => Ok(header),
        }
    }

    fn body(
        &mut self,
        line: &Line,
        header: Header,
        lines: &[Line],
        seen: &mut BTreeSet<Ddi>,
    ) -> Result<(), ParseError> {
        let mut scope = Scope::default();
        scope.locals.extend(header.parameters.iter().flatten());
        if let Of::Handler(ddi) = header.of {
            scope.handler = Some(ddi);
        }
        let suite = self.suite_of(line, header.index, lines, &mut scope)?;
        let body = Body { parameters: header.parameters, addresses: header.addresses, suite };
        match header.of {
            Of::Procedure(name) => drop(self.procedures.insert(name, body)),
            Of::Handler(ddi) => {
                let bodies = self.handlers.entry(ddi).or_default();
                if seen.insert(ddi) {
                    bodies.clear();
                }
                bodies.push(body);
            }
        }
        Ok(())
    }

    /// The suite that belongs to a line: behind its colon, or the lines below it.
    fn suite_of(
        &mut self,
        line: &Line,
        index: usize,
        lines: &[Line],
        scope: &mut Scope,
    ) -> Result<Suite, ParseError> {
        let mut cursor = Cursor::new(line, self, scope);
        cursor.index = index;
        let statements = if cursor.takes(":") && cursor.peek().is_some() {
            if let Some(stray) = lines.first() {
                return Err(stray.at.error(Problem::Indent));
            }
            let statement = cursor.simple()?;
            cursor.end()?;
            vec![(line.at.line, statement)]
        } else {
            cursor.end()?;
            self.statements(lines, scope)?
        };
        let suite = Suite(self.suites.len() as u32);
        self.suites.push(statements);
        Ok(suite)
    }

    fn statements(&mut self, lines: &[Line], scope: &mut Scope) -> Result<Vec<(u32, Statement)>, ParseError> {
        let mut statements: Vec<(u32, Statement)> = Vec::new();
        let Some(indent) = lines.first().map(|line| line.indent) else { return Ok(statements) };
        let mut lines = Lines::new(lines);
        while let Some(line) = lines.take() {
            if line.indent != indent {
                return Err(line.at.error(Problem::Indent));
            }
            let below = lines.deeper(indent);
            match line.words.first() {
                Some((at, Word::Name(word))) if word == "else" => {
                    let suite = self.otherwise(line, below, scope)?;
                    match last_branch(statements.last_mut().map(|(_, statement)| statement), &self.suites) {
                        Some(Branch::Here(otherwise)) => *otherwise = Some(suite),
                        Some(Branch::In(nested)) => self.chain(nested, suite, *at)?,
                        None => return Err(at.error(Problem::StrayElse)),
                    }
                }
                // `*NdisAfHandle = af1`: what the call before stored, as a trace says it.
                Some((_, Word::Sign("*"))) => {
                    let mut cursor = Cursor::new(line, self, scope);
                    let Some(place) = cursor.published()? else { continue };
                    match statements.last_mut() {
                        Some((_, Statement::Call { ddi, store, .. }))
                            if stores(*ddi).contains(&Stored::Handle) =>
                        {
                            store.push((Stored::Handle, place));
                        }
                        Some(_) | None => {
                            let found = "a result".to_owned();
                            let what = "a call that stores a handle on the line before";
                            return Err(line.at.error(Problem::Expected { what, found }));
                        }
                    }
                }
                _ => {
                    let statement = self.statement(line, below, scope)?;
                    statements.push((line.at.line, statement));
                }
            }
        }
        Ok(statements)
    }

    /// Hangs an `else` onto the last `else when` of a chain.
    fn chain(&mut self, nested: Suite, suite: Suite, at: At) -> Result<(), ParseError> {
        let mut nested = nested;
        loop {
            let Some((_, Statement::When { otherwise, .. })) = self.suites[nested.0 as usize].last_mut()
            else {
                return Err(at.error(Problem::StrayElse));
            };
            match otherwise {
                Some(deeper) => nested = *deeper,
                None => {
                    *otherwise = Some(suite);
                    return Ok(());
                }
            }
        }
    }

    fn otherwise(&mut self, line: &Line, below: &[Line], scope: &mut Scope) -> Result<Suite, ParseError> {
        let conditional = match line.words.get(1) {
            Some((_, Word::Name(word))) => word == "when" || word == "unless",
            _ => false,
        };
        if !conditional {
            return self.suite_of(line, 1, below, scope);
        }
        // `else when` is a `when` in a suite of its own.
        let shorter = Line { words: line.words[1..].to_vec(), ..line.clone() };
        let statement = self.statement(&shorter, below, scope)?;
        let suite = Suite(self.suites.len() as u32);
        self.suites.push(vec![(line.at.line, statement)]);
        Ok(suite)
    }

    fn statement(&mut self, line: &Line, below: &[Line], scope: &mut Scope) -> Result<Statement, ParseError> {
        let mut cursor = Cursor::new(line, self, scope);
        let word = match cursor.peek() {
            Some((_, Word::Name(word))) => word.as_str(),
            _ => "",
        };
        let assigned = matches!(cursor.peek_second(), Some((_, Word::Sign("="))));
        match word {
            _ if assigned => {}
            "when" | "unless" => {
                cursor.next();
                let mut condition = cursor.expression()?;
                if word == "unless" {
                    condition = Expr::Not(Box::new(condition));
                }
                let index = cursor.colon()?;
                let then = self.suite_of(line, index, below, scope)?;
                return Ok(Statement::When { condition, then, otherwise: None });
            }
            "while" => {
                cursor.next();
                let condition = cursor.expression()?;
                let index = cursor.colon()?;
                return Ok(Statement::While { condition, body: self.suite_of(line, index, below, scope)? });
            }
            "each" => {
                cursor.next();
                let (_, kind) = cursor.name("a kind of object")?;
                let kind = cursor.intern(kind)?;
                let condition = if cursor.takes_name("where") { Some(cursor.expression()?) } else { None };
                let index = cursor.colon()?;
                let body = self.suite_of(line, index, below, scope)?;
                return Ok(Statement::Each { kind, condition, body });
            }
            "with" => {
                cursor.next();
                let object = cursor.expression()?;
                let index = cursor.colon()?;
                return Ok(Statement::With { object, body: self.suite_of(line, index, below, scope)? });
            }
            "at" => {
                cursor.next();
                let level = cursor.level()?;
                let index = cursor.colon()?;
                return Ok(Statement::AtLevel { level, body: self.suite_of(line, index, below, scope)? });
            }
            "later" | "dpc" | "thread" | "after" | "every" => {
                cursor.next();
                let how = match word {
                    "later" => How::WorkItem,
                    "dpc" => How::Dpc,
                    "thread" => How::Thread,
                    "after" => How::Timer(cursor.duration()?),
                    _ => How::Periodic(cursor.duration()?),
                };
                let place = if cursor.takes("->") { Some(cursor.place()?) } else { None };
                let index = cursor.colon()?;
                // What it runs is no part of the handler that it stands in.
                let handler = scope.handler.take();
                let body = self.suite_of(line, index, below, scope);
                scope.handler = handler;
                return Ok(Statement::Queue { how, place, body: body? });
            }
            _ => {}
        }
        let statement = cursor.simple()?;
        cursor.end()?;
        match below.first() {
            Some(stray) => Err(stray.at.error(Problem::Indent)),
            None => Ok(statement),
        }
    }
}

/// What the arguments of a handler are called, and variables for addresses, as in [`Body`].
type Parameters = (Vec<Option<Name>>, Vec<(usize, Name)>);

struct Header {
    of: Of,
    parameters: Vec<Option<Name>>,
    addresses: Vec<(usize, Name)>,
    /// Where the colon stands, if there is one.
    index: usize,
}

enum Of {
    Procedure(Name),
    Handler(Ddi),
}

/// Where an `else` goes.
enum Branch<'a> {
    Here(&'a mut Option<Suite>),
    /// Into the chain of `else when` that this suite begins.
    In(Suite),
}

fn last_branch<'a>(last: Option<&'a mut Statement>, suites: &[Vec<(u32, Statement)>]) -> Option<Branch<'a>> {
    let Some(Statement::When { otherwise, .. }) = last else { return None };
    match otherwise {
        Some(suite) => match &suites[suite.0 as usize][..] {
            [(_, Statement::When { .. })] => Some(Branch::In(*suite)),
            _ => None,
        },
        None => Some(Branch::Here(otherwise)),
    }
}

impl Cursor<'_> {
    /// The place of a colon, which is the next word.
    fn colon(&mut self) -> Result<usize, ParseError> {
        if self.sees(":") { Ok(self.index) } else { Err(self.expected("`:`")) }
    }

    /// Parameters of a handler: names by position, `name=local`, or constants as a trace has them, which are passed over but for
    /// the variables that say where a structure lies.
    fn parameters(&mut self, ddi: Ddi, names: &[&str]) -> Result<Parameters, ParseError> {
        let mut parameters: Vec<Option<Name>> = names.iter().map(|_| None).collect();
        let mut addresses = Vec::new();
        let owned = || names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        if !self.takes("(") {
            return Ok((parameters, addresses));
        }
        let mut given = 0;
        while !self.takes(")") {
            let at = self.at();
            let index = match (self.peek(), self.peek_second()) {
                (Some((_, Word::Name(name))), Some((_, Word::Sign("=")))) => {
                    self.index += 2;
                    names.iter().position(|known| known == name).ok_or_else(|| {
                        at.error(Problem::UnknownArgument { name: name.clone(), names: owned() })
                    })?
                }
                _ => given,
            };
            given += 1;
            let of = names.get(index).copied().unwrap_or_default();
            let parameter = match self.peek() {
                Some((_, Word::Name(name)))
                    if !is_constant(name) && (of != "side" || side(name).is_none()) =>
                {
                    self.next();
                    Some(self.intern(name)?)
                }
                _ => {
                    if let Expr::Whole(whole) = self.of_kind(kind_of(ddi, of))?
                        && let Some(Expr::Variable(address)) = whole.at
                    {
                        addresses.push((index, address));
                    }
                    None
                }
            };
            match parameters.get_mut(index) {
                Some(place) => *place = parameter,
                None => {
                    let of = ddi.name().to_owned();
                    return Err(at.error(Problem::Arguments { of, names: owned(), given }));
                }
            }
            if !self.takes(",") && !self.sees(")") {
                return Err(self.expected("`,` or `)`"));
            }
        }
        Ok((parameters, addresses))
    }

    /// `*NdisAfHandle = af1`, maybe with `, *SelectedMediumIndex = 0`: where the handle is kept. All other results have their value
    /// in the trace wherever it is used, so there is nothing to keep.
    fn published(&mut self) -> Result<Option<Place>, ParseError> {
        self.sign("*", "a result")?;
        let (_, result) = self.name("the name of a result")?;
        self.sign("=", "`=` and a name")?;
        let is_handle = result.ends_with("Handle") && !self.sees_name("NULL");
        let place = if is_handle {
            Some(self.place()?)
        } else {
            self.expression()?;
            None
        };
        if self.takes(",") {
            if self.takes("*") {
                self.keyword("SelectedMediumIndex")?;
                self.sign("=", "`=` and a number")?;
            } else {
                // `*VcInstanceName = "TAPI", index 3`
                self.keyword("index")?;
            }
            self.small::<u32>("an index")?;
        }
        self.end()?;
        Ok(place)
    }
}

fn is_constant(name: &str) -> bool {
    name == "NULL"
        || name.starts_with("NDIS_STATUS_")
        || name.starts_with("CO_ADDRESS_FAMILY_")
        || name.starts_with("NetEvent")
        || name.starts_with("NdisHalt")
        || name.starts_with("NdisDevicePnPEvent")
}
