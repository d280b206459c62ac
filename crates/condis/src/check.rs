//! A test of drivers: who is there, in how many orders, what was found.

use crate::campaign::{self, Campaign, Found, Order};
use crate::plan::{self, Body, Builtin, Input, InputError, Inputs, Options, Plan};
use crate::rust::RustDriver;
use crate::scenario::{RESERVED_NAMES, Registry, RegistryValue, Scenario, ScenarioError};
use crate::session::SessionError;
use crate::source;
use crate::token::Token;
use contract::Rule;
use drivers::typed::{Adapter, Binding, CallManager, Client, Miniport, MiniportCo, Protocol};
use engine::SetupError;
use model::StopOrder;
use report::trace::{Show, Writer};
use report::{Look, Setting};
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// A test in the making. Drivers are added one by one; what they do not do is done by drivers that come with condis, as `condis run`
/// does it.
///
/// A process executes one test at a time: tests that run on several threads wait for each other.
///
/// ```standalone_crate
/// # #[global_allocator]
/// # static ALLOCATOR: condis::Allocator = condis::Allocator;
/// let report = condis::Check::new()
///     .builtin("switch")
///     .builtin("client").named("called").registry("Saps", 1)
///     .builtin("client").named("caller").registry("Calls", 2)
///     .orders(20)
///     .run()?;
/// report.assert_clean();
/// # Ok::<(), condis::CheckError>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "nothing happens before `run`"]
pub struct Check {
    drivers: Vec<Added>,
    scenario: Option<String>,
    options: Options,
    orders: u64,
    seed: u64,
}

/// A driver, before files are read.
#[derive(Debug)]
struct Added {
    name: Option<String>,
    what: What,
    registry: Registry,
}

#[derive(Debug)]
enum What {
    Rust(RustDriver),
    Builtin(String),
    File(PathBuf),
}

/// Why a test could not be run.
#[derive(Debug)]
pub enum CheckError {
    /// A driver cannot be used.
    Input(InputError),
    /// The scenario has mistakes.
    Scenario(ScenarioError),
    /// A scenario names drivers; they are added with the methods of [`Check`].
    DriversInScenario,
    /// Two drivers have one name, or one has a name that is not for drivers.
    Name(String),
    /// The drivers cannot be brought to life.
    Session(SessionError),
    /// A token cannot be replayed; the text says why.
    Token(String),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckError::Input(error) => write!(f, "{error}"),
            CheckError::Scenario(error) => write!(f, "{error}"),
            CheckError::DriversInScenario => {
                f.write_str("the scenario has [[driver]] tables: add drivers to the test instead")
            }
            CheckError::Name(name) => write!(f, "the name `{name}` is taken"),
            CheckError::Token(why) => write!(f, "this token cannot be replayed: {why}"),
            CheckError::Session(error) => {
                write!(f, "{error}")?;
                if *error == SessionError::Engine(SetupError::NoAllocator) {
                    f.write_str(
                        "; add `#[global_allocator] static ALLOCATOR: condis::Allocator = condis::Allocator;`",
                    )?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for CheckError {}

impl Check {
    /// A test without drivers.
    pub fn new() -> Check {
        Check::default()
    }

    /// Adds a client in Rust. `make` is called once for each session, and what it makes is part of the execution: it holds nothing
    /// that lives outside.
    pub fn client<C: Client>(self, name: &str, make: impl Fn() -> C + 'static) -> Check {
        self.rust(name, RustDriver::client(make))
    }

    /// Adds a stand-alone call manager in Rust.
    pub fn call_manager<M>(self, name: &str, make: impl Fn() -> M + 'static) -> Check
    where
        M: Protocol + CallManager<Base = Binding<M>>,
    {
        self.rust(name, RustDriver::call_manager(make))
    }

    /// Adds a connection-oriented miniport in Rust.
    pub fn miniport<P: MiniportCo>(self, name: &str, make: impl Fn() -> P + 'static) -> Check {
        self.rust(name, RustDriver::miniport(make))
    }

    /// Adds a miniport call manager in Rust.
    pub fn mcm<M>(self, name: &str, make: impl Fn() -> M + 'static) -> Check
    where
        M: Miniport + CallManager<Base = Adapter<M>>,
    {
        self.rust(name, RustDriver::mcm(make))
    }

    /// Adds a driver that comes with condis: `client`, `cm`, `mcm`, `miniport` or `switch`.
    pub fn builtin(self, name: &str) -> Check {
        self.add(None, What::Builtin(name.to_owned()))
    }

    /// Adds a `.sys` file.
    pub fn file(self, path: impl AsRef<Path>) -> Check {
        self.add(None, What::File(path.as_ref().to_owned()))
    }

    fn rust(self, name: &str, driver: RustDriver) -> Check {
        self.add(Some(name.to_owned()), What::Rust(driver))
    }

    fn add(mut self, name: Option<String>, what: What) -> Check {
        self.drivers.push(Added { name, what, registry: Registry::new() });
        self
    }

    /// Gives the driver that was added last another name in traces and findings.
    ///
    /// # Panics
    /// There is none.
    pub fn named(mut self, name: &str) -> Check {
        self.last().name = Some(name.to_owned());
        self
    }

    /// Gives the driver that was added last a registry value.
    ///
    /// # Panics
    /// There is none.
    pub fn registry(mut self, keyword: &str, value: u32) -> Check {
        self.last().registry.insert(keyword.to_owned(), RegistryValue::Integer(value));
        self
    }

    fn last(&mut self) -> &mut Added {
        self.drivers.last_mut().expect("a driver was added before")
    }

    /// What the environment does, expectations, limits: a scenario as in `docs/scenarios.md`, without drivers.
    pub fn scenario(mut self, text: &str) -> Check {
        self.scenario = Some(text.to_owned());
        self
    }

    /// The stop order; `Strict` by default.
    pub fn stop_order(mut self, order: StopOrder) -> Check {
        self.options.stop_order = Some(order);
        self
    }

    /// How grave a rule is to be taken.
    pub fn level(mut self, rule: Rule, setting: Setting) -> Check {
        self.options.levels.set(rule, setting);
        self
    }

    /// How many random orders to try beside the first-in-first-out order.
    pub fn orders(mut self, orders: u64) -> Check {
        self.orders = orders;
        self
    }

    /// Where the random orders begin.
    pub fn seed(mut self, seed: u64) -> Check {
        self.seed = seed;
        self
    }

    /// Executes the drivers in all orders.
    ///
    /// # Errors
    /// See [`CheckError`]. What drivers do wrong is no error, but in the [`Report`].
    pub fn run(self) -> Result<Report, CheckError> {
        let (orders, seed) = (self.orders, self.seed);
        let plan = self.plan()?;
        let mut campaigns = Vec::new();
        for (order, executions) in [(Order::Fifo, 1), (Order::Portfolio(seed), orders)] {
            if executions > 0 {
                let goes_on = &mut |_| ControlFlow::Continue(());
                let campaign =
                    campaign::run(&plan, order, executions, goes_on).map_err(CheckError::Session)?;
                campaigns.push(campaign);
            }
        }
        Ok(Report::new(plan, campaigns))
    }

    /// Executes the drivers once more in the order that a finding of the same test names.
    ///
    /// # Errors
    /// See [`CheckError`].
    pub fn replay(self, token: &str) -> Result<Report, CheckError> {
        let plan = self.plan()?;
        let unfit = |why: &dyn fmt::Display| CheckError::Token(why.to_string());
        let token: Token = token.parse().map_err(|error| unfit(&error))?;
        token.check(&plan).map_err(|mismatch| unfit(&mismatch))?;
        let replayed = campaign::replay(&plan, &token).map_err(CheckError::Session)?;
        let campaign = replayed.map_err(|error| unfit(&error))?;
        Ok(Report::new(plan, vec![campaign]))
    }

    fn plan(self) -> Result<Plan, CheckError> {
        let scenario = match &self.scenario {
            Some(text) => Scenario::parse("the test's scenario", text).map_err(CheckError::Scenario)?,
            None => Scenario::default(),
        };
        if !scenario.drivers.is_empty() {
            return Err(CheckError::DriversInScenario);
        }
        let given: Vec<String> = self.drivers.iter().filter_map(|driver| driver.name.clone()).collect();
        let mut inputs: Vec<Input> = Vec::new();
        for Added { name, what, registry } in self.drivers {
            let (body, usual) = match what {
                What::Rust(driver) => (Body::Rust(driver), String::new()),
                What::Builtin(name) => match Builtin::find(&name) {
                    Some(builtin) => (Body::Builtin(builtin), name),
                    None => return Err(CheckError::Input(InputError::NoSuchBuiltin(name))),
                },
                What::File(path) => match source::read(&path) {
                    Ok(file) => {
                        let stem = file.stem();
                        (Body::Native(file), stem)
                    }
                    Err(error) => return Err(CheckError::Input(InputError::Driver(path, error))),
                },
            };
            let is_taken = |name: &str| {
                RESERVED_NAMES.contains(&name) || inputs.iter().any(|input: &Input| input.name == name)
            };
            let name = match name {
                Some(name) if is_taken(&name) => return Err(CheckError::Name(name)),
                Some(name) => name,
                None => {
                    plan::unused_name(usual, |name| is_taken(name) || given.iter().any(|given| given == name))
                }
            };
            inputs.push(Input { name, body, registry });
        }
        if inputs.is_empty() {
            return Err(CheckError::Input(InputError::NoDrivers));
        }
        Plan::new(Inputs { scenario, drivers: inputs }, &self.options).map_err(CheckError::Scenario)
    }
}

/// What a test showed. As text, it has all findings with their evidence.
#[derive(Debug)]
pub struct Report {
    plan: Plan,
    campaigns: Vec<Campaign>,
}

impl Report {
    fn new(plan: Plan, mut campaigns: Vec<Campaign>) -> Report {
        for found in campaigns.iter_mut().flat_map(|campaign| &mut campaign.found) {
            found.finding.replay = Some(replay(&found.token));
        }
        Report { plan, campaigns }
    }

    /// The distinct findings, those of the first-in-first-out order first.
    pub fn findings(&self) -> Vec<&Found> {
        let mut found: Vec<&Found> = Vec::new();
        for campaign in &self.campaigns {
            for other in &campaign.found {
                let same = |known: &&Found| {
                    (&known.finding.id, &known.finding.message) == (&other.finding.id, &other.finding.message)
                };
                if !found.iter().any(same) {
                    found.push(other);
                }
            }
        }
        found
    }

    /// The rules that were broken, each once, in the order of [`findings`](Report::findings).
    pub fn rules(&self) -> Vec<&str> {
        let mut rules: Vec<&str> = Vec::new();
        for found in self.findings() {
            if !rules.contains(&found.finding.id.as_str()) {
                rules.push(&found.finding.id);
            }
        }
        rules
    }

    /// Whether there is no error and no warning, no driver has panicked, and every execution could be judged.
    pub fn is_clean(&self) -> bool {
        self.campaigns.iter().all(|campaign| campaign.exit_code() == 0)
    }

    /// How many executions there were.
    pub fn executions(&self) -> u64 {
        self.campaigns.iter().map(|campaign| campaign.executions).sum()
    }

    /// The trace of the first-in-first-out order, or of the order that was replayed.
    pub fn trace(&self) -> String {
        let Some(recording) = self.campaigns.first().and_then(|campaign| campaign.first.as_ref()) else {
            return String::new();
        };
        let writer = Writer::new(recording.names.clone(), Look::PLAIN, Show::default());
        let lines = recording.records.iter().enumerate();
        let lines = lines.filter_map(|(index, record)| writer.line(index + 1, record, &recording.texts));
        lines.collect()
    }

    /// Nothing, if the report is clean.
    ///
    /// # Panics
    /// It is not; the message is the report.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in self.findings() {
            f.write_str(&found.text(Look::PLAIN))?;
        }
        for campaign in &self.campaigns {
            for unjudged in &campaign.unjudged {
                writeln!(f, "could not judge: {}\n  replay: {}", unjudged.text, replay(&unjudged.token))?;
            }
            for panic in &campaign.bugs {
                writeln!(f, "{panic}")?;
            }
            for remark in campaign.remarks(&self.plan) {
                writeln!(f, "not exercised: {remark}")?;
            }
        }
        let (executions, findings) = (self.executions(), self.findings().len());
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        write!(f, "{executions} execution{}", plural(executions))?;
        write!(f, ", {findings} finding{}", plural(findings as u64))
    }
}

/// What executes a token again.
fn replay(token: &Token) -> String {
    format!("Check::replay(\"{token}\")")
}
