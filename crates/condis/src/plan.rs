//! Puts a scenario, the drivers of the command line and its options together: who is there, and what happens to them.
//!
//! [`Inputs::read`] reads and parses every file; [`Plan::new`] decides, without input or output. What nobody says is filled
//! in from the roles that the drivers' imports show: scripted peers for the roles that are missing, an adapter for each
//! miniport, and a program in two phases (`default_program`).

use crate::roles::Roles;
use crate::rust::RustDriver;
use crate::scenario::{
    Problem, RESERVED_NAMES, Registry, RegistryValue, Scenario, ScenarioError, Source, Step, Word,
};
use crate::source::{self, DriverFile, DriverFileError, DriverName};
use crate::suggest;
use contract::Role;
use engine::{Act, Limits};
use model::{AdapterId, Command, Config, DriverId, StopOrder};
use report::Levels;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The most drivers and the most adapters of one run.
const MOST: usize = 32;

/// A driver that comes with condis: the most general peer of a role.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Builtin {
    /// A client, which opens every address family that it is told of.
    Client,
    /// A stand-alone call manager.
    Cm,
    /// A miniport call manager.
    Mcm,
    /// A connection-oriented miniport.
    Miniport,
    /// A miniport call manager that connects its clients with each other.
    Switch,
}

impl Builtin {
    /// All of them.
    pub const ALL: &[Builtin] =
        &[Builtin::Client, Builtin::Cm, Builtin::Mcm, Builtin::Miniport, Builtin::Switch];

    /// What `builtin:` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Builtin::Switch => "switch",
            Builtin::Client | Builtin::Cm | Builtin::Mcm | Builtin::Miniport => self.role().as_str(),
        }
    }

    /// The role that it plays.
    pub const fn role(self) -> Role {
        match self {
            Builtin::Client => Role::Client,
            Builtin::Cm => Role::Cm,
            Builtin::Mcm | Builtin::Switch => Role::Mcm,
            Builtin::Miniport => Role::Miniport,
        }
    }

    /// The one of this name.
    pub fn find(name: &str) -> Option<Builtin> {
        Builtin::ALL.iter().copied().find(|builtin| builtin.name() == name)
    }
}

/// The body of a driver.
#[derive(Clone, Debug)]
pub enum Body {
    /// A file.
    Native(DriverFile),
    /// One of ours.
    Builtin(Builtin),
    /// A driver in Rust.
    Rust(RustDriver),
}

/// A driver that a run is to have, before the plan is made.
#[derive(Clone, Debug)]
pub struct Input {
    /// What the scenario or the file calls it.
    pub name: String,
    /// What it is.
    pub body: Body,
    /// Its registry values.
    pub registry: Registry,
}

/// Everything that a run reads from files.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The scenario, an empty one if none was given.
    pub scenario: Scenario,
    /// The drivers: those of the scenario, then the rest of the command line.
    pub drivers: Vec<Input>,
}

/// Why a run's files cannot be used.
#[derive(Debug)]
pub enum InputError {
    /// The scenario file cannot be read.
    UnreadableScenario(PathBuf, io::Error),
    /// The scenario file is not text.
    ScenarioNotText(PathBuf),
    /// The scenario has mistakes.
    Scenario(ScenarioError),
    /// A driver file cannot be used.
    Driver(PathBuf, DriverFileError),
    /// No driver that comes with condis has this name.
    NoSuchBuiltin(String),
    /// Neither the command line nor the scenario names a driver.
    NoDrivers,
    /// There are more drivers than a run can have.
    TooManyDrivers(usize),
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputError::UnreadableScenario(path, error) if error.kind() == io::ErrorKind::NotFound => {
                write!(f, "{}: there is no such scenario", path.display())
            }
            InputError::UnreadableScenario(path, error) => {
                write!(f, "{}: the scenario cannot be read: {error}", path.display())
            }
            InputError::ScenarioNotText(path) => {
                write!(f, "{}: a scenario is UTF-8 text in TOML", path.display())
            }
            InputError::Scenario(error) => write!(f, "{error}"),
            InputError::Driver(path, error) => write!(f, "{}: {error}", path.display()),
            InputError::NoSuchBuiltin(name) => write!(f, "no driver `builtin:{name}` comes with condis"),
            InputError::NoDrivers => f.write_str("there is no driver to run"),
            InputError::TooManyDrivers(count) => {
                write!(f, "{count} drivers are more than the {MOST} that one run can have")
            }
        }
    }
}

impl std::error::Error for InputError {}

impl InputError {
    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            InputError::Driver(_, error) => error.hint().map(str::to_owned),
            InputError::NoSuchBuiltin(_) => {
                let names: Vec<&str> = Builtin::ALL.iter().map(|builtin| builtin.name()).collect();
                Some(format!("there are {}", names.join(", ")))
            }
            InputError::NoDrivers => Some("name a .sys file, or a scenario that does".to_owned()),
            InputError::UnreadableScenario(..)
            | InputError::ScenarioNotText(_)
            | InputError::Scenario(_)
            | InputError::TooManyDrivers(_) => None,
        }
    }
}

impl Inputs {
    /// Reads and parses the scenario and all drivers.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn read(drivers: &[DriverName], scenario: Option<&Path>) -> Result<Inputs, InputError> {
        let folder = scenario.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let scenario = match scenario {
            Some(path) => read_scenario(path)?,
            None => Scenario::default(),
        };
        let mut from_command_line = drivers.iter();
        let mut inputs = Vec::new();
        for driver in &scenario.drivers {
            let name = match &driver.source {
                Source::Path(path) => DriverName::Path(folder.join(&path.text)),
                Source::Builtin(builtin) => {
                    if Builtin::find(&builtin.text).is_none() {
                        return Err(InputError::Scenario(scenario.error(no_builtin(builtin))));
                    }
                    DriverName::Builtin(builtin.text.clone())
                }
                Source::CommandLine => match from_command_line.next() {
                    Some(name) => name.clone(),
                    None => return Err(InputError::Scenario(scenario.error(no_driver(&driver.name)))),
                },
            };
            let body = body(&name).map_err(|error| match (error, &driver.source) {
                (InputError::Driver(path, error), Source::Path(word)) => {
                    InputError::Scenario(scenario.error(no_file(&path, &error, word)))
                }
                (error, _) => error,
            });
            inputs.push(Input {
                name: driver.name.text.clone(),
                body: body?,
                registry: driver.registry.clone(),
            });
        }
        for name in from_command_line {
            let body = body(name)?;
            let wanted = match &body {
                Body::Native(file) => file.stem(),
                Body::Builtin(builtin) => builtin.name().to_owned(),
                Body::Rust(_) => unreachable!("the command line names none"),
            };
            let used =
                |name: &str| RESERVED_NAMES.contains(&name) || inputs.iter().any(|input| input.name == name);
            let name = unused_name(wanted, used);
            inputs.push(Input { name, body, registry: Registry::new() });
        }
        match inputs.len() {
            0 => Err(InputError::NoDrivers),
            count if count > MOST => Err(InputError::TooManyDrivers(count)),
            _ => Ok(Inputs { scenario, drivers: inputs }),
        }
    }
}

fn read_scenario(path: &Path) -> Result<Scenario, InputError> {
    let unreadable = |error| InputError::UnreadableScenario(path.to_owned(), error);
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| InputError::ScenarioNotText(path.to_owned()))?;
    Scenario::parse(&path.display().to_string(), &text).map_err(InputError::Scenario)
}

fn body(name: &DriverName) -> Result<Body, InputError> {
    match name {
        DriverName::Path(path) => {
            source::read(path).map(Body::Native).map_err(|error| InputError::Driver(path.clone(), error))
        }
        DriverName::Builtin(name) => {
            Builtin::find(name).map(Body::Builtin).ok_or_else(|| InputError::NoSuchBuiltin(name.clone()))
        }
    }
}

fn no_builtin(word: &Word) -> Problem {
    let names = || Builtin::ALL.iter().map(|builtin| builtin.name());
    let help = match suggest::nearest(&word.text, names()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("known: {}", names().collect::<Vec<_>>().join(", ")),
    };
    Problem {
        message: format!("no driver `{}` comes with condis", word.text),
        label: "unknown driver".to_owned(),
        help: Some(help),
        span: word.span.clone(),
    }
}

fn no_file(path: &Path, error: &DriverFileError, word: &Word) -> Problem {
    Problem {
        message: format!("{}: {error}", path.display()),
        label: "this driver file".to_owned(),
        help: if matches!(error, DriverFileError::Missing) {
            Some("a path is relative to the scenario's own folder".to_owned())
        } else {
            error.hint().map(str::to_owned)
        },
        span: word.span.clone(),
    }
}

fn no_driver(word: &Word) -> Problem {
    Problem {
        message: format!("no driver is given for `{}`", word.text),
        label: "it has neither `path` nor `builtin`, so it comes from the command line".to_owned(),
        help: Some("name its .sys file on the command line, in the order of the scenario".to_owned()),
        span: word.span.clone(),
    }
}

/// `wanted`, or it with a number behind it.
pub(crate) fn unused_name(wanted: String, used: impl Fn(&str) -> bool) -> String {
    if !used(&wanted) {
        return wanted;
    }
    (2..).map(|number| format!("{wanted}{number}")).find(|name| !used(name)).unwrap_or(wanted)
}

/// What the command line says beside drivers and scenario; it goes before the scenario.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// `--stop-order`.
    pub stop_order: Option<StopOrder>,
    /// `--allow`, `--warn`, `--deny`.
    pub levels: Levels,
}

/// A driver of a run.
#[derive(Clone, Debug)]
pub struct PlannedDriver {
    /// What the trace calls it.
    pub name: String,
    /// What it is.
    pub body: Body,
    /// The roles that it seems to play.
    pub roles: Roles,
    /// Its registry values.
    pub registry: Registry,
}

/// An adapter of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedAdapter {
    /// What the trace calls it.
    pub name: String,
    /// Its miniport driver.
    pub driver: DriverId,
    /// Its registry values.
    pub registry: Registry,
}

/// All that a run needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The drivers, in the order of their ids.
    pub drivers: Vec<PlannedDriver>,
    /// The adapters, in the order of their ids.
    pub adapters: Vec<PlannedAdapter>,
    /// How the world is laid out.
    pub world: Config,
    /// What happens.
    pub program: Vec<Act>,
    /// How many virtual processors there are.
    pub processors: u8,
    /// The bounds.
    pub limits: Limits,
    /// The user's levels.
    pub levels: Levels,
    /// The scenario, for its expectations.
    pub scenario: Scenario,
}

impl Plan {
    /// Decides what is to run.
    ///
    /// # Errors
    /// Names of the scenario that nothing has.
    pub fn new(inputs: Inputs, options: &Options) -> Result<Plan, ScenarioError> {
        let Inputs { scenario, drivers } = inputs;
        let mut drivers: Vec<PlannedDriver> = drivers.into_iter().map(planned).collect();
        check_names(&scenario)?;
        let stop_order = options.stop_order.or(scenario.stop_order).unwrap_or(StopOrder::Strict);
        if scenario.peers.unwrap_or(true) {
            // Clients that pend their unbinds until they are notified are what the overlapped order is about; on any
            // other path they would wait for ever.
            let halt_overtakes = stop_order == StopOrder::Overlapped && scenario.program.is_none();
            add_peers(&mut drivers, if halt_overtakes { UNBIND_AFTER_NOTIFICATION } else { 0 });
        }
        check_expectations(&scenario, &drivers)?;
        let adapters = adapters(&scenario, &drivers)?;
        let program = match &scenario.program {
            Some(steps) => program(&scenario, steps, &drivers, &adapters)?,
            None => default_program(&drivers, &adapters, stop_order),
        };
        let mut levels = Levels::default();
        for (rule, setting) in &scenario.levels {
            levels.set(*rule, *setting);
        }
        levels.extend(&options.levels);
        let world = Config {
            drivers: drivers.len() as u8,
            adapters: adapters.iter().map(|adapter| adapter.driver).collect(),
            stop_order,
            pend_open: scenario.ndis.pend_open.unwrap_or(false),
            pend_close: scenario.ndis.pend_close.unwrap_or(false),
            pend_mcm: scenario.ndis.pend_mcm.unwrap_or(false),
        };
        let limits = limits(&scenario);
        let processors = scenario.processors.unwrap_or(2);
        Ok(Plan { drivers, adapters, world, program, processors, limits, levels, scenario })
    }

    /// The names that traces and findings use.
    pub fn names(&self) -> report::Names {
        let drivers = self.drivers.iter().map(|driver| driver.name.clone()).collect();
        report::Names::new(drivers, self.adapters.iter().map(|adapter| adapter.name.clone()).collect())
    }

    /// A digest of everything but driver files that an execution depends on.
    pub fn digest(&self) -> u64 {
        let drivers: Vec<_> = self
            .drivers
            .iter()
            .map(|driver| {
                let builtin = match &driver.body {
                    Body::Native(_) | Body::Rust(_) => None,
                    Body::Builtin(builtin) => Some(*builtin),
                };
                (&driver.name, builtin, &driver.registry)
            })
            .collect();
        let text = format!(
            "{drivers:?}{:?}{:?}{:?}{}{:?}",
            self.adapters, self.world, self.program, self.processors, self.limits
        );
        crate::digest::of(text.as_bytes())
    }
}

fn planned(input: Input) -> PlannedDriver {
    let roles = match &input.body {
        Body::Native(file) => Roles::of(&file.image),
        Body::Builtin(builtin) => roles_of(builtin.role()),
        Body::Rust(driver) => roles_of(driver.role()),
    };
    PlannedDriver { name: input.name, body: input.body, roles, registry: input.registry }
}

fn roles_of(role: Role) -> Roles {
    Roles { roles: vec![role], ndis: crate::roles::NdisVersion::Six }
}

/// `CloseAf` of a call manager that finishes a close only when its notification has returned: a client that waits for the
/// close inside the notification then waits for ever.
const CLOSE_AFTER_NOTIFICATION: u32 = 7;

/// `UnbindAdapter` of a client that pends its unbind and closes when it is notified.
const UNBIND_AFTER_NOTIFICATION: u32 = 2;

/// What a peer does on each address family of a client's, of its own accord: it registers SAPs and makes calls, of which it
/// closes some itself.
const CLIENT_PEER: &[(&str, u32)] = &[
    ("Saps", 1),
    ("Calls", 2),
    ("PointToPoint", 1),
    ("Parties", 3),
    ("ModifyCallQoS", 1),
    ("HangUps", 1),
    ("IncomingCall", 1),
];

/// What a call manager that is a peer does with SAPs and calls: it answers later, and lets the far end act.
const CALL_MANAGER_PEER: &[(&str, u32)] = &[
    ("CloseAf", CLOSE_AFTER_NOTIFICATION),
    ("RegisterSap", 1),
    ("DeregisterSap", 1),
    ("ModifyCallQoS", 1),
    ("AddParty", 1),
    ("DropParty", 1),
    ("CloseCall", 1),
    ("Offers", 1),
    ("QoSChanges", 1),
    ("Drops", 1),
    ("HangUps", 1),
];

/// A miniport that is a peer answers later.
const MINIPORT_PEER: &[(&str, u32)] = &[("ActivateVc", 1), ("DeactivateVc", 1)];

/// Adds a peer for each role without which the others have nothing to do.
fn add_peers(drivers: &mut Vec<PlannedDriver>, client_unbind: u32) {
    let plays = |drivers: &[PlannedDriver], role| drivers.iter().any(|driver| driver.roles.plays(role));
    if !plays(drivers, Role::Mcm) && !plays(drivers, Role::Cm) {
        let builtin = if plays(drivers, Role::Miniport) { Builtin::Cm } else { Builtin::Mcm };
        push_peer(drivers, builtin, CALL_MANAGER_PEER, &[]);
    }
    if !plays(drivers, Role::Mcm) && !plays(drivers, Role::Miniport) {
        push_peer(drivers, Builtin::Miniport, MINIPORT_PEER, &[]);
    }
    if !plays(drivers, Role::Client) {
        push_peer(drivers, Builtin::Client, CLIENT_PEER, &[("UnbindAdapter", client_unbind)]);
    }
}

fn push_peer(
    drivers: &mut Vec<PlannedDriver>,
    builtin: Builtin,
    values: &[(&str, u32)],
    more: &[(&str, u32)],
) {
    let name =
        unused_name(builtin.name().to_owned(), |name| drivers.iter().any(|driver| driver.name == name));
    let (body, roles) = (Body::Builtin(builtin), roles_of(builtin.role()));
    let values = values.iter().chain(more);
    let registry =
        values.map(|(keyword, value)| ((*keyword).to_owned(), RegistryValue::Integer(*value))).collect();
    drivers.push(PlannedDriver { name, body, roles, registry });
}

/// Two things of one name could not be told apart in a program.
fn check_names(scenario: &Scenario) -> Result<(), ScenarioError> {
    let drivers: Vec<&Word> = scenario.drivers.iter().map(|driver| &driver.name).collect();
    let adapters: Vec<&Word> = scenario.adapters.iter().map(|adapter| &adapter.name).collect();
    for words in [drivers, adapters] {
        for (index, word) in words.iter().enumerate() {
            if words[..index].iter().any(|earlier| earlier.text == word.text) {
                return Err(scenario.error(Problem {
                    message: format!("the name `{}` is taken", word.text),
                    label: "it stands above already".to_owned(),
                    help: None,
                    span: word.span.clone(),
                }));
            }
        }
    }
    Ok(())
}

/// A pattern whose line nobody says can never match.
fn check_expectations(scenario: &Scenario, drivers: &[PlannedDriver]) -> Result<(), ScenarioError> {
    let names = || drivers.iter().map(|driver| driver.name.as_str()).chain(RESERVED_NAMES.iter().copied());
    for pattern in scenario.expect.iter().flat_map(|expectation| &expectation.lines) {
        let who = pattern.text.split_whitespace().next().unwrap_or_default();
        if !who.contains('*') && !names().any(|name| name == who) {
            let known = || names().collect::<Vec<_>>().join(", ");
            return Err(scenario.error(Problem {
                message: format!("no line of a trace is about `{who}`"),
                label: "a pattern begins with a driver's name".to_owned(),
                help: Some(match suggest::nearest(who, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", known()),
                }),
                span: pattern.span.clone(),
            }));
        }
    }
    Ok(())
}

/// The adapters of the scenario, or one for each driver that has adapters.
fn adapters(scenario: &Scenario, drivers: &[PlannedDriver]) -> Result<Vec<PlannedAdapter>, ScenarioError> {
    if scenario.adapters.is_empty() {
        let owners = drivers.iter().enumerate().filter(|(_, driver)| driver.roles.has_adapters());
        return Ok(owners
            .enumerate()
            .map(|(number, (id, driver))| PlannedAdapter {
                name: format!("nic{}", number + 1),
                driver: DriverId(id as u8),
                registry: driver.registry.clone(),
            })
            .collect());
    }
    scenario
        .adapters
        .iter()
        .map(|adapter| {
            let driver = find_driver(scenario, drivers, &adapter.driver)?;
            if !drivers[usize::from(driver.0)].roles.has_adapters() {
                return Err(scenario.error(Problem {
                    message: format!("driver `{}` has no adapters", adapter.driver.text),
                    label: "it registers no miniport".to_owned(),
                    help: None,
                    span: adapter.driver.span.clone(),
                }));
            }
            let mut registry = drivers[usize::from(driver.0)].registry.clone();
            registry.extend(adapter.registry.clone());
            Ok(PlannedAdapter { name: adapter.name.text.clone(), driver, registry })
        })
        .collect()
}

fn find_driver(
    scenario: &Scenario,
    drivers: &[PlannedDriver],
    word: &Word,
) -> Result<DriverId, ScenarioError> {
    let names = drivers.iter().map(|driver| driver.name.as_str());
    find(scenario, names, word, "driver").map(|index| DriverId(index as u8))
}

fn find_adapter(
    scenario: &Scenario,
    adapters: &[PlannedAdapter],
    word: &Word,
) -> Result<AdapterId, ScenarioError> {
    let names = adapters.iter().map(|adapter| adapter.name.as_str());
    find(scenario, names, word, "adapter").map(|index| AdapterId(index as u8))
}

fn find<'n>(
    scenario: &Scenario,
    names: impl Iterator<Item = &'n str> + Clone,
    word: &Word,
    what: &str,
) -> Result<usize, ScenarioError> {
    names.clone().position(|name| name == word.text).ok_or_else(|| {
        let help = match suggest::nearest(&word.text, names.clone()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
        };
        scenario.error(Problem {
            message: format!("there is no {what} `{}`", word.text),
            label: format!("unknown {what}"),
            help: Some(help),
            span: word.span.clone(),
        })
    })
}

fn limits(scenario: &Scenario) -> Limits {
    let default = Limits::default();
    let wanted = scenario.limits;
    Limits {
        steps: wanted.steps.unwrap_or(default.steps),
        tasks: wanted.tasks.unwrap_or(default.tasks),
        time: wanted.time.unwrap_or(default.time),
        memory: wanted.memory.map_or(default.memory, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        records: wanted.records.map_or(default.records, |records| records as usize),
        ..default
    }
}

/// The program of a scenario. Drivers that it does not load are loaded first.
fn program(
    scenario: &Scenario,
    steps: &[Step],
    drivers: &[PlannedDriver],
    adapters: &[PlannedAdapter],
) -> Result<Vec<Act>, ScenarioError> {
    let driver = |word| find_driver(scenario, drivers, word);
    let adapter = |word| find_adapter(scenario, adapters, word);
    let mut acts = Vec::new();
    for step in steps {
        acts.push(match step {
            Step::Load(word) => Act::Command(Command::Load(driver(word)?)),
            Step::Start(word) => Act::Command(Command::Start(adapter(word)?)),
            Step::Stop(word) => Act::Command(Command::Stop(adapter(word)?)),
            Step::SurpriseRemove(word) => Act::Command(Command::SurpriseRemove(adapter(word)?)),
            Step::SetPower(word, power) => Act::Command(Command::SetPower(adapter(word)?, *power)),
            Step::Unbind(who, from) => Act::Command(Command::Unbind(driver(who)?, adapter(from)?)),
            Step::Bind(who, to) => Act::Command(Command::Bind(driver(who)?, adapter(to)?)),
            Step::PnpEvent(who, on, event) => {
                Act::Command(Command::NetPnPEvent(driver(who)?, adapter(on)?, *event))
            }
            Step::Uninstall(word) => Act::Command(Command::Uninstall(driver(word)?)),
            Step::Unload(word) => Act::Command(Command::Unload(driver(word)?)),
            Step::Rest => Act::Rest,
        });
    }
    let loads = load_order(drivers).map(|driver| Act::Command(Command::Load(driver)));
    let mut program: Vec<Act> = loads.filter(|load| !acts.contains(load)).collect();
    program.append(&mut acts);
    Ok(program)
}

/// Those with adapters first, then call managers, then clients: the order in which a system starts.
fn load_order(drivers: &[PlannedDriver]) -> impl Iterator<Item = DriverId> {
    let rank = |driver: &PlannedDriver| match () {
        () if driver.roles.has_adapters() => 0,
        () if driver.roles.plays(Role::Cm) => 1,
        () => 2,
    };
    let mut order: Vec<(i32, DriverId)> =
        drivers.iter().enumerate().map(|(id, driver)| (rank(driver), DriverId(id as u8))).collect();
    order.sort();
    order.into_iter().map(|(_, id)| id)
}

/// The program of a run without one. Everything starts. First phase: the clients close, because they are unbound, and open
/// again. Second phase: the call managers notify, a stand-alone one because it is unbound, an MCM because its adapter is
/// pulled out. Then everything stops and is unloaded. In the overlapped order the stop is all there is: clients' unbinds
/// pend while the halt begins, and the MCM's notification finds address families open.
fn default_program(
    drivers: &[PlannedDriver],
    adapters: &[PlannedAdapter],
    stop_order: StopOrder,
) -> Vec<Act> {
    let with = |role: Role| {
        drivers
            .iter()
            .enumerate()
            .filter(move |(_, driver)| driver.roles.plays(role))
            .map(|(id, _)| DriverId(id as u8))
    };
    let all_adapters = || (0..adapters.len()).map(|id| AdapterId(id as u8));
    let mut program: Vec<Act> =
        load_order(drivers).map(|driver| Act::Command(Command::Load(driver))).collect();
    let mut phase = |commands: Vec<Command>| {
        if !commands.is_empty() {
            program.extend(commands.into_iter().map(Act::Command));
            program.push(Act::Rest);
        }
    };
    let pairs =
        |role: Role| with(role).flat_map(move |driver| all_adapters().map(move |adapter| (driver, adapter)));
    phase(all_adapters().map(Command::Start).collect());
    if stop_order == StopOrder::Strict {
        phase(pairs(Role::Client).map(|(client, adapter)| Command::Unbind(client, adapter)).collect());
        phase(pairs(Role::Client).map(|(client, adapter)| Command::Bind(client, adapter)).collect());
        phase(pairs(Role::Cm).map(|(cm, adapter)| Command::Unbind(cm, adapter)).collect());
        let of_mcm = |adapter: &AdapterId| {
            drivers[usize::from(adapters[usize::from(adapter.0)].driver.0)].roles.plays(Role::Mcm)
        };
        phase(all_adapters().filter(of_mcm).map(Command::SurpriseRemove).collect());
    }
    phase(all_adapters().map(Command::Stop).collect());
    let loaded: Vec<DriverId> = load_order(drivers).collect();
    let top_down = || loaded.iter().rev().copied();
    let protocols = top_down().filter(|id| !drivers[usize::from(id.0)].roles.has_adapters());
    phase(protocols.map(Command::Uninstall).collect());
    phase(top_down().map(Command::Unload).collect());
    program
}
