//! A text with a world in it: scripted drivers, adapters, how NDIS behaves, what the environment does.
//!
//! ```text
//! stop-order overlapped            options, one per line
//! driver client like client        a driver; `like` takes a built-in one and changes it
//! without ProtocolClNotifyCloseAf
//! driver mcm like mcm
//! adapter nic1 of mcm              by default `nic1` of the first miniport driver
//! program:                         what the environment does; there is a default
//!     load mcm
//! ```
//! `docs/scripts.md` describes it for its author.

use crate::builtin::{BUILTINS, builtin};
use crate::script::lexer::{self, At, Line, Word};
use crate::script::parse::{Cursor, Lines, with_plain_cursor};
use crate::script::{ParseError, Problem, Script, Shared, nearest};
use engine::{Act, Limits, Setup};
use model::record::Monitor;
use model::{AdapterId, Command, Config, DriverId, Power, StopOrder};
use std::sync::Arc;

/// A world of scripted drivers with its program.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The drivers, in the order of their ids.
    pub drivers: Vec<Arc<Script>>,
    /// The adapters: name and miniport driver.
    pub adapters: Vec<(String, DriverId)>,
    /// `stop-order`.
    pub stop_order: StopOrder,
    /// `pend-open`: whether NDIS pends `NdisOpenAdapterEx`.
    pub pend_open: bool,
    /// `pend-close`: whether NDIS pends `NdisCloseAdapterEx`.
    pub pend_close: bool,
    /// `pend-mcm`: whether NDIS pends `NdisMCmActivateVc` and `NdisMCmDeactivateVc`.
    pub pend_mcm: bool,
    /// `processors`.
    pub processors: u8,
    /// `order matters`: only the FIFO order shows what the text says.
    pub order_matters: bool,
    /// What the environment does.
    pub program: Vec<Act>,
}

/// What the lines say, before names are resolved.
#[derive(Default)]
struct Draft<'a> {
    drivers: Vec<Script>,
    adapters: Vec<(At, String, String)>,
    overlapped: bool,
    pend_open: bool,
    pend_close: bool,
    pend_mcm: bool,
    processors: Option<u8>,
    order_matters: bool,
    alone: bool,
    program: Option<&'a [Line]>,
}

impl Scene {
    /// Reads a scene. `first_line` is the number of its first line, for errors.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(text: &str, first_line: u32) -> Result<Scene, ParseError> {
        let lines = lexer::lines(text, first_line)?;
        let mut draft = Draft::default();
        let mut rest = Lines::new(&lines);
        while let Some(line) = rest.take() {
            draft.line(line, &mut rest)?;
        }
        let end = At { line: first_line, column: 1 };
        draft.finish(end)
    }

    /// The names of the drivers and of the adapters, in the order of their ids.
    pub fn names(&self) -> (Vec<String>, Vec<String>) {
        let drivers = self.drivers.iter().map(|driver| driver.name().to_owned()).collect();
        (drivers, self.adapters.iter().map(|(name, _)| name.clone()).collect())
    }

    /// The scene as an execution; to be called while a runner is built.
    pub fn setup(&self, monitors: Vec<Box<dyn Monitor>>) -> Setup {
        let shared = Shared::default();
        let drivers = self.drivers.iter().zip(0u8..);
        Setup {
            world: Config {
                drivers: self.drivers.len() as u8,
                adapters: self.adapters.iter().map(|(_, driver)| *driver).collect(),
                stop_order: self.stop_order,
                pend_open: self.pend_open,
                pend_close: self.pend_close,
                pend_mcm: self.pend_mcm,
            },
            drivers: drivers.map(|(script, id)| script.driver(DriverId(id), &shared)).collect(),
            program: self.program.clone(),
            processors: self.processors,
            limits: Limits::default(),
            monitors,
        }
    }
}

impl<'a> Draft<'a> {
    fn line(&mut self, line: &'a Line, rest: &mut Lines<'a>) -> Result<(), ParseError> {
        let Some((at, Word::Name(word))) = line.words.first() else {
            return Err(line.at.error(Problem::Expected {
                what: "an option, `driver`, `adapter` or `program`",
                found: line.words.first().map_or_else(String::new, |(_, word)| word.to_string()),
            }));
        };
        match word.as_str() {
            "driver" => return self.driver(line, rest),
            "program" => {
                with_plain_cursor(line, |cursor| {
                    cursor.next();
                    cursor.sign(":", "`:`")
                })?;
                if self.program.is_some() {
                    return Err(at.error(Problem::Twice("program".to_owned())));
                }
                self.program = Some(rest.deeper(line.indent));
            }
            option => with_plain_cursor(line, |cursor| {
                cursor.next();
                self.option(*at, option, cursor)
            })?,
        }
        Ok(())
    }

    fn option(&mut self, at: At, option: &str, cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
        match option {
            "stop-order" => {
                let (at, order) = cursor.name("`strict` or `overlapped`")?;
                self.overlapped = match order {
                    "strict" => false,
                    "overlapped" => true,
                    other => {
                        let found = format!("`{other}`");
                        return Err(at.error(Problem::Expected { what: "`strict` or `overlapped`", found }));
                    }
                };
            }
            "pend-open" => self.pend_open = true,
            "pend-close" => self.pend_close = true,
            "pend-mcm" => self.pend_mcm = true,
            "processors" => {
                let at = cursor.at();
                let count = cursor.small("a number of processors")?;
                if !(1..=engine::processor::COUNT_MAX).contains(&count) {
                    return Err(at.error(Problem::TooMany("processors, or none at all")));
                }
                self.processors = Some(count);
            }
            "order" => {
                cursor.keyword("matters")?;
                self.order_matters = true;
            }
            "alone" => self.alone = true,
            "adapter" => {
                let (at, name) = cursor.name("the name of an adapter")?;
                cursor.keyword("of")?;
                let (_, driver) = cursor.name("its miniport driver")?;
                if self.adapters.iter().any(|(_, known, _)| known == name) {
                    return Err(at.error(Problem::Twice(name.to_owned())));
                }
                self.adapters.push((at, name.to_owned(), driver.to_owned()));
            }
            other => {
                let known = [
                    "stop-order",
                    "pend-open",
                    "pend-close",
                    "pend-mcm",
                    "processors",
                    "order",
                    "alone",
                    "adapter",
                    "driver",
                    "program",
                ];
                let near = nearest(other, known).map(str::to_owned);
                return Err(at.error(Problem::UnknownConstant { name: other.to_owned(), near }));
            }
        }
        Ok(())
    }

    /// `driver NAME` or `driver NAME like BUILTIN`, with the items that follow it: as far as the next line that begins
    /// a driver or an option.
    fn driver(&mut self, line: &'a Line, rest: &mut Lines<'a>) -> Result<(), ParseError> {
        let (name, base) = with_plain_cursor(line, |cursor| {
            cursor.next();
            let (at, name) = cursor.name("the name of a driver")?;
            if self.drivers.iter().any(|driver| driver.name() == name) {
                return Err(at.error(Problem::Twice(name.to_owned())));
            }
            if cursor.peek().is_none() {
                return Ok((name.to_owned(), None));
            }
            cursor.keyword("like")?;
            let (at, like) = cursor.name("a built-in driver, or one of this text")?;
            let known = self.drivers.iter().find(|driver| driver.name() == like).cloned();
            match known.or_else(|| builtin(like)) {
                Some(base) => Ok((name.to_owned(), Some(base))),
                None => {
                    let near = nearest(like, BUILTINS.iter().copied()).map(str::to_owned);
                    Err(at.error(Problem::UnknownDriver { name: like.to_owned(), near }))
                }
            }
        })?;
        let items = rest.items(line.indent);
        self.drivers.push(Script::parse_items(&name, base.as_ref(), items)?);
        Ok(())
    }

    fn finish(mut self, end: At) -> Result<Scene, ParseError> {
        if !self.alone {
            self.fill();
        }
        if self.drivers.len() > usize::from(u8::MAX) || self.adapters.len() > usize::from(u8::MAX) {
            return Err(end.error(Problem::TooMany("drivers or adapters")));
        }
        let first = self.drivers.iter().position(|driver| driver.roles().miniport);
        let adapters = if self.adapters.is_empty() {
            first.map(|first| ("nic1".to_owned(), DriverId(first as u8))).into_iter().collect()
        } else {
            let drivers = &self.drivers;
            let found = self.adapters.iter().map(|(at, name, driver)| {
                find_driver(drivers, *at, driver).map(|driver| (name.clone(), driver))
            });
            found.collect::<Result<Vec<_>, _>>()?
        };
        let mut scene = Scene {
            drivers: self.drivers.into_iter().map(Arc::new).collect(),
            adapters,
            stop_order: if self.overlapped { StopOrder::Overlapped } else { StopOrder::Strict },
            pend_open: self.pend_open,
            pend_close: self.pend_close,
            pend_mcm: self.pend_mcm,
            processors: self.processors.unwrap_or(1),
            order_matters: self.order_matters,
            program: Vec::new(),
        };
        scene.program = match self.program {
            Some(lines) => lines.iter().map(|line| scene.act(line)).collect::<Result<_, _>>()?,
            None => scene.default_program(),
        };
        Ok(scene)
    }

    /// Adds built-in drivers for the roles that are missing.
    fn fill(&mut self) {
        let has =
            |role: fn(crate::script::Roles) -> bool| self.drivers.iter().any(|driver| role(driver.roles()));
        let (miniport, call_manager) = (has(|roles| roles.miniport), has(|roles| roles.call_manager));
        let client = has(|roles| roles.client);
        let mut missing = match (miniport, call_manager) {
            (true, true) => vec![],
            (true, false) => vec!["cm"],
            (false, true) => vec!["miniport"],
            (false, false) => vec!["mcm"],
        };
        if !client {
            missing.push("client");
        }
        for role in missing {
            let Some(mut script) = builtin(role) else { continue };
            let is_taken = |name: &str| self.drivers.iter().any(|driver| driver.name() == name);
            let mut names =
                std::iter::once(role.to_owned()).chain((2..).map(|number| format!("{role}{number}")));
            if let Some(name) = names.find(|name| !is_taken(name)) {
                script.rename(&name);
                self.drivers.push(script);
            }
        }
    }
}

fn find_driver(drivers: &[Script], at: At, name: &str) -> Result<DriverId, ParseError> {
    match drivers.iter().position(|driver| driver.name() == name) {
        Some(index) => Ok(DriverId(index as u8)),
        None => {
            let near = nearest(name, drivers.iter().map(Script::name)).map(str::to_owned);
            Err(at.error(Problem::UnknownDriver { name: name.to_owned(), near }))
        }
    }
}

impl Scene {
    /// Load everything, start the adapters, rest; unbind the clients, rest; stop the adapters, unload everything, rest.
    fn default_program(&self) -> Vec<Act> {
        let drivers = || (0..self.drivers.len()).map(|index| DriverId(index as u8));
        let adapters = || (0..self.adapters.len()).map(|index| AdapterId(index as u8));
        let mut program: Vec<Act> = drivers().map(|driver| Act::Command(Command::Load(driver))).collect();
        program.extend(adapters().map(|adapter| Act::Command(Command::Start(adapter))));
        program.push(Act::Rest);
        for client in drivers().filter(|driver| self.drivers[usize::from(driver.0)].roles().client) {
            program.extend(adapters().map(|adapter| Act::Command(Command::Unbind(client, adapter))));
        }
        program.push(Act::Rest);
        program.extend(adapters().map(|adapter| Act::Command(Command::Stop(adapter))));
        program.extend(drivers().map(|driver| Act::Command(Command::Unload(driver))));
        program.push(Act::Rest);
        program
    }

    fn driver(&self, cursor: &mut Cursor<'_>) -> Result<DriverId, ParseError> {
        let (at, name) = cursor.name("a driver")?;
        match self.drivers.iter().position(|driver| driver.name() == name) {
            Some(index) => Ok(DriverId(index as u8)),
            None => {
                let near = nearest(name, self.drivers.iter().map(|driver| driver.name())).map(str::to_owned);
                Err(at.error(Problem::UnknownDriver { name: name.to_owned(), near }))
            }
        }
    }

    fn adapter(&self, cursor: &mut Cursor<'_>) -> Result<AdapterId, ParseError> {
        let (at, name) = cursor.name("an adapter")?;
        match self.adapters.iter().position(|(known, _)| known == name) {
            Some(index) => Ok(AdapterId(index as u8)),
            None => Err(at.error(Problem::UnknownAdapter(name.to_owned()))),
        }
    }

    /// One line of a program: a command as a trace prints it, `rest`, or `run DRIVER PROCEDURE`.
    fn act(&self, line: &Line) -> Result<Act, ParseError> {
        with_plain_cursor(line, |cursor| {
            let (at, word) = cursor.name("a command, `rest` or `run`")?;
            let command = match word {
                "rest" => return Ok(Act::Rest),
                "run" => return self.run(cursor),
                "load" => Command::Load(self.driver(cursor)?),
                "start" => Command::Start(self.adapter(cursor)?),
                "stop" => Command::Stop(self.adapter(cursor)?),
                "surprise-remove" => Command::SurpriseRemove(self.adapter(cursor)?),
                "set-power" => {
                    let adapter = self.adapter(cursor)?;
                    match cursor.name("`D0` or `D3`")? {
                        (_, "D0") => Command::SetPower(adapter, Power::D0),
                        (_, "D3") => Command::SetPower(adapter, Power::D3),
                        (at, other) => {
                            let found = format!("`{other}`");
                            return Err(at.error(Problem::Expected { what: "`D0` or `D3`", found }));
                        }
                    }
                }
                "unbind" => {
                    let driver = self.driver(cursor)?;
                    cursor.keyword("from")?;
                    Command::Unbind(driver, self.adapter(cursor)?)
                }
                "bind" => {
                    let driver = self.driver(cursor)?;
                    cursor.keyword("to")?;
                    Command::Bind(driver, self.adapter(cursor)?)
                }
                "pnp-event" => {
                    let driver = self.driver(cursor)?;
                    cursor.keyword("on")?;
                    let adapter = self.adapter(cursor)?;
                    Command::NetPnPEvent(driver, adapter, cursor.pnp_event()?)
                }
                "uninstall" => Command::Uninstall(self.driver(cursor)?),
                "unload" => Command::Unload(self.driver(cursor)?),
                other => {
                    let known = [
                        "load",
                        "start",
                        "stop",
                        "surprise-remove",
                        "set-power",
                        "unbind",
                        "bind",
                        "pnp-event",
                        "uninstall",
                        "unload",
                        "rest",
                        "run",
                    ];
                    let near = nearest(other, known).map(str::to_owned);
                    return Err(at.error(Problem::UnknownConstant { name: other.to_owned(), near }));
                }
            };
            Ok(Act::Command(command))
        })
    }

    fn run(&self, cursor: &mut Cursor<'_>) -> Result<Act, ParseError> {
        let driver = self.driver(cursor)?;
        let (at, name) = cursor.name("a procedure without parameters")?;
        let at_dispatch = cursor.peek().is_some();
        if at_dispatch {
            cursor.keyword("at")?;
            cursor.keyword("DISPATCH_LEVEL")?;
        }
        let script = &self.drivers[usize::from(driver.0)];
        match script.routine(name, at_dispatch) {
            Some(routine) => Ok(Act::Run(driver, routine)),
            None => Err(at.error(Problem::UnknownProcedure { name: name.to_owned(), near: None })),
        }
    }
}
