//! Scenario files: what there is in the world of a run, what happens to it, and what must come of it.
//!
//! `docs/scenarios.md` describes the file for its author; [`Scenario::parse`] reads it. A scenario says nothing about
//! drivers that it does not name: [`crate::plan`] puts scenario and command line together and fills in the rest.

mod error;
mod read;

pub use error::{Problem, ScenarioError};

use contract::Rule;
use model::{NetEvent, Power, StopOrder};
use report::Setting;
use std::collections::BTreeMap;
use std::ops::Range;

/// Who acts in a trace beside the drivers. No driver and no adapter can have such a name.
pub const RESERVED_NAMES: &[&str] = &["NDIS", "environment"];

/// A value of the registry, as `NdisReadConfiguration` gives it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RegistryValue {
    /// A 32-bit integer.
    Integer(u32),
    /// A string.
    String(String),
}

/// Values of the registry by keyword.
pub type Registry = BTreeMap<String, RegistryValue>;

/// A word of the file with its place, for errors that come to light later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
}

/// A scenario as its file has it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scenario {
    /// The name of the file, for errors.
    pub file: String,
    /// Its text, for errors.
    pub text: String,
    /// `stop-order`.
    pub stop_order: Option<StopOrder>,
    /// `processors`: 1 to 8.
    pub processors: Option<u8>,
    /// `peers`: whether to add scripted drivers for the roles that are missing.
    pub peers: Option<bool>,
    /// `[ndis]`.
    pub ndis: Ndis,
    /// `[levels]`, in the order of the file.
    pub levels: Vec<(Rule, Setting)>,
    /// `[limits]`.
    pub limits: Limits,
    /// `[[driver]]`.
    pub drivers: Vec<Driver>,
    /// `[[adapter]]`.
    pub adapters: Vec<Adapter>,
    /// `[[program]]`; none for the default program.
    pub program: Option<Vec<Step>>,
    /// `[[expect]]`.
    pub expect: Vec<Expect>,
}

/// `[ndis]`: what NDIS does where the documentation leaves it a choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ndis {
    /// `pend-open`: whether `NdisOpenAdapterEx` pends.
    pub pend_open: Option<bool>,
    /// `pend-close`: whether `NdisCloseAdapterEx` pends.
    pub pend_close: Option<bool>,
    /// `pend-mcm`: whether `NdisMCmActivateVc` and `NdisMCmDeactivateVc` pend.
    pub pend_mcm: Option<bool>,
}

/// `[limits]`: the bounds of one execution.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// `steps`: scheduling points.
    pub steps: Option<u32>,
    /// `tasks`: tasks started in all.
    pub tasks: Option<u16>,
    /// `time`: the execution's clock, in units of 100 nanoseconds.
    pub time: Option<u64>,
    /// `memory`: bytes.
    pub memory: Option<u64>,
    /// `records`: lines of the trace.
    pub records: Option<u32>,
}

/// `[[driver]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Driver {
    /// `name`: what the trace calls it.
    pub name: Word,
    /// `path` or `builtin`; without either the next driver of the command line.
    pub source: Source,
    /// `registry`.
    pub registry: Registry,
}

/// Where a driver of a scenario comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// From the command line.
    CommandLine,
    /// From a file, relative to the scenario's own folder.
    Path(Word),
    /// A driver that comes with condis.
    Builtin(Word),
}

/// `[[adapter]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adapter {
    /// `name`: what the trace calls it.
    pub name: Word,
    /// `driver`: its miniport driver.
    pub driver: Word,
    /// `registry`.
    pub registry: Registry,
}

/// `[[program]]`: one act of the environment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// `load`.
    Load(Word),
    /// `start`.
    Start(Word),
    /// `stop`.
    Stop(Word),
    /// `surprise-remove`.
    SurpriseRemove(Word),
    /// `set-power`.
    SetPower(Word, Power),
    /// `unbind`: a driver from an adapter.
    Unbind(Word, Word),
    /// `bind`: a driver to an adapter.
    Bind(Word, Word),
    /// `pnp-event`: to a driver's binding to an adapter.
    PnpEvent(Word, Word, NetEvent),
    /// `uninstall`.
    Uninstall(Word),
    /// `unload`.
    Unload(Word),
    /// `rest`: go on when nothing can happen any more.
    Rest,
}

/// `[[expect]]`: what must come of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expect {
    /// `line` or `lines`: patterns of lines, which must appear in this order. `*` stands for any text.
    pub lines: Vec<Word>,
    /// `count`: how often a single line must appear; none for at least once.
    pub count: Option<u32>,
}

impl Scenario {
    /// Reads the text of a scenario. `file` is its name for errors.
    ///
    /// # Errors
    /// Every mistake that can be told from the text alone.
    pub fn parse(file: &str, text: &str) -> Result<Scenario, ScenarioError> {
        read::scenario(file, text)
    }

    /// An error about one place of this scenario, for mistakes that only the drivers bring to light.
    pub fn error(&self, problem: Problem) -> ScenarioError {
        ScenarioError { file: self.file.clone(), text: self.text.clone(), problems: vec![problem] }
    }
}
