//! A plan brought to life: its drivers in an engine, ready to be executed again and again.

use crate::cast;
use crate::plan::{Body, Plan};
use engine::{Difference, Outcome, ReplayError, Runner, Schedule, Setup, SetupError, Strategy};
use host::Block;
use model::DriverId;
use model::record::{Event, Record};
use pe::Image;
use report::Names;
use report::finding::{Evidence, Place};
use std::fmt;
use std::sync::Arc;

/// Why a plan cannot be brought to life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionError {
    /// The engine cannot be set up.
    Engine(SetupError),
    /// A driver cannot be loaded, or the system does not let us run drivers; the text says which and why.
    Drivers(String),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionError::Engine(error) => write!(f, "the engine cannot be set up: {error}"),
            SessionError::Drivers(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for SessionError {}

/// The drivers of a plan in an engine. A process can have one at a time.
#[derive(Debug)]
pub struct Session<'p> {
    plan: &'p Plan,
    runner: Runner,
    natives: cast::Natives,
}

/// What is left of one execution, for whoever looks at it later.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The trace.
    pub records: Vec<Record>,
    /// What drivers printed.
    pub texts: Vec<String>,
    /// The names, with all records learnt.
    pub names: Names,
    /// The choices that led to it.
    pub schedule: Schedule,
    /// The drivers' files, where an offset into one is to be named.
    files: Vec<(String, Option<Arc<Image>>)>,
}

impl Recording {
    /// Calls `use_it` with the recording as findings draw on it.
    pub fn with_evidence<T>(&self, use_it: impl FnOnce(&Evidence<'_>) -> T) -> T {
        let site = |driver: DriverId, offset: u32| self.site(driver, offset);
        use_it(&Evidence { records: &self.records, texts: &self.texts, names: &self.names, site: &site })
    }

    /// The place in a driver from which the call came that returns to `offset`.
    pub fn site(&self, driver: DriverId, offset: u32) -> Place {
        self.located(driver, offset, offset.saturating_sub(1))
    }

    /// The place in a driver that `offset` is.
    pub fn place(&self, driver: DriverId, offset: u32) -> Place {
        self.located(driver, offset, offset)
    }

    /// An offset, with what the debug information knows of the code at `rva`.
    fn located(&self, driver: DriverId, offset: u32, rva: u32) -> Place {
        let Some((module, image)) = self.files.get(usize::from(driver.0)) else {
            let module = "an unknown driver".to_owned();
            return Place { module, offset, function: None, file: None, line: None };
        };
        let symbols = image.as_deref().and_then(|image| host::symbols::Symbols::new(image).ok());
        let location = symbols.and_then(|symbols| symbols.locate(rva).into_iter().next()).unwrap_or_default();
        let host::symbols::Location { function, file, line } = location;
        Place { module: module.clone(), offset, function, file, line }
    }
}

impl<'p> Session<'p> {
    /// Loads the drivers of `plan`.
    ///
    /// # Errors
    /// See [`SessionError`].
    pub fn new(plan: &'p Plan) -> Result<Session<'p>, SessionError> {
        let mut loaded = Ok(cast::Natives::default());
        let runner = Runner::new(|| {
            let (drivers, world) = match cast::cast(plan) {
                Ok((drivers, natives)) => {
                    loaded = Ok(natives);
                    (drivers, plan.world.clone())
                }
                Err(error) => {
                    loaded = Err(error);
                    // Nothing runs in it; it only has to be sound until the error is taken out.
                    (Vec::new(), model::Config { drivers: 0, adapters: Vec::new(), ..plan.world.clone() })
                }
            };
            Setup {
                world,
                drivers,
                program: plan.program.clone(),
                processors: plan.processors,
                limits: plan.limits,
                monitors: cast::monitors(plan),
            }
        })
        .map_err(SessionError::Engine)?;
        match loaded {
            Ok(natives) => Ok(Session { plan, runner, natives }),
            // The text lies in the runner's memory, which goes with it.
            Err(error) => Err(SessionError::Drivers(error.as_str().to_owned())),
        }
    }

    /// Executes the program in the order of `strategy`.
    pub fn run(&mut self, strategy: &mut dyn Strategy) -> Outcome {
        self.runner.run(strategy)
    }

    /// Executes the program in the order of `strategy`, then again in the same order, and compares.
    ///
    /// # Errors
    /// The first difference, which is a bug of ours.
    pub fn run_twice(&mut self, strategy: &mut dyn Strategy) -> Result<Outcome, Box<Difference>> {
        self.runner.check_determinism(strategy)
    }

    /// Executes the program as a schedule says.
    ///
    /// # Errors
    /// The schedule does not fit.
    pub fn replay(&mut self, schedule: &Schedule) -> Result<Outcome, ReplayError> {
        self.runner.replay(schedule)
    }

    /// Executes the program in the order of `strategy` until `stop` says so of a record; none if it did.
    pub fn run_until(
        &mut self,
        strategy: &mut dyn Strategy,
        stop: &mut dyn FnMut(&Record) -> bool,
    ) -> Option<Outcome> {
        self.runner.run_until(strategy, stop)
    }

    /// Goes on from there.
    pub fn resume_until(
        &mut self,
        strategy: &mut dyn Strategy,
        stop: &mut dyn FnMut(&Record) -> bool,
    ) -> Option<Outcome> {
        self.runner.resume_until(strategy, stop)
    }

    /// Calls `look` with the world as the execution has left it.
    pub fn look<T>(&self, look: impl FnOnce(&model::World) -> T) -> T {
        self.runner.look(look)
    }

    /// The plan.
    pub fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// The trace of the last execution.
    pub fn records(&self) -> &[Record] {
        self.runner.trace()
    }

    /// A text beside the trace of the last execution.
    pub fn text(&self, number: u32) -> &str {
        self.runner.text(number)
    }

    /// The choices of the last execution.
    pub fn schedule(&self) -> &Schedule {
        self.runner.schedule()
    }

    /// The import that the engine knows by `number`, in words.
    pub fn import(&self, number: u32) -> String {
        self.natives.import(number)
    }

    /// An address in words, if anything is known of it: a place in a driver, a handle, a freed block.
    pub fn explain(&self, address: u64) -> Option<String> {
        self.natives.explain(address)
    }

    /// The driver whose code an address is in, and the offset into its image.
    pub fn code_at(&self, address: u64) -> Option<(DriverId, u32)> {
        self.natives.code_at(address)
    }

    /// The blocks of memory that a driver holds.
    pub fn held_by(&self, driver: DriverId) -> Vec<Block> {
        self.natives.held_by(driver)
    }

    /// What a driver has forgotten to give back beside memory, in words.
    pub fn forgotten_by(&self, driver: DriverId) -> Vec<&'static str> {
        self.natives.forgotten_by(driver)
    }

    /// A copy of the last execution.
    pub fn recording(&self) -> Recording {
        let records = self.runner.trace().to_vec();
        let mut names = self.plan.names();
        records.iter().for_each(|record| names.learn(record));
        let texts = records.iter().filter_map(|record| match record.event {
            Event::Printed(_, text) => Some(text),
            _ => None,
        });
        let count = texts.max().map_or(0, |last| last + 1);
        let files = self.plan.drivers.iter().map(|driver| match &driver.body {
            Body::Native(file) => (file.file_name(), Some(Arc::clone(&file.image))),
            Body::Builtin(builtin) => (builtin.name().to_owned(), None),
            Body::Rust(_) => (driver.name.clone(), None),
        });
        Recording {
            texts: (0..count).map(|number| self.runner.text(number).to_owned()).collect(),
            records,
            names,
            schedule: self.runner.schedule().clone(),
            files: files.collect(),
        }
    }
}
