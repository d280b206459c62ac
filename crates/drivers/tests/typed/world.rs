//! Worlds of typed and scripted drivers, executed in many orders.

use contract::Rule;
use drivers::{Script, Shared, builtin};
use engine::strategy::{Fifo, Random};
use engine::{Act, Driver, Limits, Outcome, Runner, Setup, Strategy};
use model::record::{Event, Monitor};
use model::{AdapterId, Command, Config, DriverId, Object, StopOrder};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How an adapter's life ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Last {
    /// The clients are unbound first.
    Unbind,
    /// It is stopped.
    Stop,
    /// It is pulled out.
    Pull,
    /// All at once.
    All,
    /// All at once, and before anything has come to rest.
    Early,
    /// The clients are unbound, bound again, and then it is stopped.
    Again,
}

pub(crate) const ENDINGS: [(Last, StopOrder); 12] = [
    (Last::Unbind, StopOrder::Strict),
    (Last::Stop, StopOrder::Strict),
    (Last::Pull, StopOrder::Strict),
    (Last::All, StopOrder::Strict),
    (Last::Again, StopOrder::Strict),
    (Last::Unbind, StopOrder::Overlapped),
    (Last::Stop, StopOrder::Overlapped),
    (Last::Pull, StopOrder::Overlapped),
    (Last::All, StopOrder::Overlapped),
    (Last::Again, StopOrder::Overlapped),
    (Last::Early, StopOrder::Strict),
    (Last::Early, StopOrder::Overlapped),
];

/// What happened in some order, and how often.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// The states that objects came to.
    states: BTreeMap<(&'static str, &'static str), u64>,
}

impl Reached {
    /// How often an object of this kind came to a state.
    pub(crate) fn count(&self, kind: &'static str, state: &'static str) -> u64 {
        self.states.get(&(kind, state)).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, other: Reached) {
        other.states.into_iter().for_each(|(state, count)| *self.states.entry(state).or_default() += count);
    }
}

/// The states in which objects are when all is over.
const END_STATES: &[&str] =
    &["deregistered", "halted", "unbound", "none", "failed", "closed", "dead", "deleted", "gone"];

fn kind(object: Object) -> &'static str {
    match object {
        Object::Driver(_) => "driver",
        Object::Adapter(_) => "adapter",
        Object::Binding(_) => "binding",
        Object::Registration(_) => "registration",
        Object::Af(_) => "af",
        Object::Sap(_) => "sap",
        Object::Vc(_) => "vc",
        Object::Call(_) => "call",
        Object::Party(_) => "party",
    }
}

type Make = Box<dyn Fn(DriverId, &Shared) -> Box<dyn Driver>>;

/// A world. The first driver has the adapters.
pub(crate) struct World {
    ending: (Last, StopOrder),
    adapters: u8,
    pend_mcm: bool,
    drivers: Vec<(String, Make)>,
}

impl World {
    pub(crate) fn new(ending: (Last, StopOrder)) -> World {
        World { ending, adapters: 1, pend_mcm: false, drivers: Vec::new() }
    }

    pub(crate) fn adapters(mut self, adapters: u8) -> World {
        self.adapters = adapters;
        self
    }

    /// NDIS pends what an MCM reports of a VC.
    pub(crate) fn pend_mcm(mut self, pends: bool) -> World {
        self.pend_mcm = pends;
        self
    }

    /// Adds a built-in scripted driver.
    pub(crate) fn script(self, name: &str, like: &str, registry: &[(&str, u32)]) -> World {
        let mut script: Script = builtin(like).expect("a built-in driver");
        registry.iter().for_each(|(keyword, value)| script.set_registry(keyword, *value));
        let script = Arc::new(script);
        self.add(name, Box::new(move |id, shared| script.driver(id, shared)))
    }

    /// Adds a typed driver.
    pub(crate) fn rust(self, name: &str, make: impl Fn(DriverId) -> Box<dyn Driver> + 'static) -> World {
        self.add(name, Box::new(move |id, _| make(id)))
    }

    fn add(mut self, name: &str, make: Make) -> World {
        self.drivers.push((name.to_owned(), make));
        self
    }

    /// Executes the world in the FIFO order and so many random ones; each must be silent, end at rest, and leave no object behind.
    pub(crate) fn explore(&self, orders: u64) -> Reached {
        let mut runner = Runner::new(|| self.setup()).expect("a runner");
        let mut reached = Reached::default();
        for seed in 0..=orders {
            let (mut fifo, mut random) = (Fifo, Random::new(seed));
            let strategy: &mut dyn Strategy = if seed == 0 { &mut fifo } else { &mut random };
            let outcome = runner.check_determinism(strategy);
            let outcome = outcome.unwrap_or_else(|difference| panic!("seed {seed}: {difference:?}"));
            let warned = runner.trace().iter().any(|record| matches!(record.event, Event::Warned(_)));
            let silent = matches!(&outcome, Outcome::AtRest { findings, .. } if findings.is_empty());
            let audit = verify::audit(runner.trace(), self.ending.1, verify::Ending::AtRest);
            if !silent || warned || !audit.is_empty() {
                let text = match &outcome {
                    Outcome::Ended(
                        engine::Ending::Unexpected { text, .. } | engine::Ending::Panicked { text, .. },
                    ) => runner.text(*text),
                    _ => "",
                };
                let trace = self.print(&runner);
                panic!("seed {seed}, {:?}: {outcome:?} {text}\n{audit:?}\n{trace}", self.ending);
            }
            let mut alive: BTreeMap<Object, &str> = BTreeMap::new();
            for record in runner.trace() {
                if let Event::Edge(object, _, to) = record.event {
                    *reached.states.entry((kind(object), to)).or_default() += 1;
                    alive.insert(object, to);
                }
            }
            for (object, state) in alive {
                assert!(
                    END_STATES.contains(&state),
                    "seed {seed}: {object:?} is left {state}\n{}",
                    self.print(&runner)
                );
            }
        }
        reached
    }

    /// Executes the world in the FIFO order, which ends at rest. The rules that are found broken then and by whom, and what was
    /// printed.
    pub(crate) fn find(&self) -> (Vec<(Rule, DriverId)>, Vec<String>) {
        let mut runner = Runner::new(|| self.setup()).expect("a runner");
        let findings = match runner.run(&mut Fifo) {
            Outcome::AtRest { findings, .. } => findings,
            outcome => panic!("{outcome:?}\n{}", self.print(&runner)),
        };
        let texts = runner.trace().iter().filter_map(|record| match record.event {
            Event::Printed(_, text) => Some(runner.text(text).to_owned()),
            _ => None,
        });
        let rules = findings.iter().map(|finding| (finding.violation.rule, finding.violation.by));
        (rules.collect(), texts.collect())
    }

    fn setup(&self) -> Setup {
        let monitors: Vec<Box<dyn Monitor>> =
            vec![Box::new(verify::Irql::new()), Box::new(verify::Liveness::new())];
        let shared = Shared::default();
        let ids = (0u8..).map(DriverId);
        let drivers = self.drivers.iter().zip(ids).map(|((_, make), id)| make(id, &shared)).collect();
        Setup {
            world: Config {
                drivers: self.drivers.len() as u8,
                adapters: vec![DriverId(0); usize::from(self.adapters)],
                stop_order: self.ending.1,
                pend_open: false,
                pend_close: false,
                pend_mcm: self.pend_mcm,
            },
            drivers,
            program: self.program(),
            processors: 2,
            limits: Limits::default(),
            monitors,
        }
    }

    fn program(&self) -> Vec<Act> {
        let command = Act::Command;
        let drivers = || (0..self.drivers.len() as u8).map(DriverId);
        let adapters = || (0..self.adapters).map(AdapterId);
        let bindings =
            || drivers().skip(1).flat_map(move |driver| adapters().map(move |adapter| (driver, adapter)));
        let unbind = || bindings().map(|(driver, adapter)| command(Command::Unbind(driver, adapter)));
        let stop = || adapters().map(|adapter| command(Command::Stop(adapter)));
        let pull = || adapters().map(|adapter| command(Command::SurpriseRemove(adapter)));
        let mut program: Vec<Act> = drivers().map(|driver| command(Command::Load(driver))).collect();
        program.extend(adapters().map(|adapter| command(Command::Start(adapter))));
        if self.ending.0 != Last::Early {
            program.push(Act::Rest);
        }
        match self.ending.0 {
            Last::Unbind => program.extend(unbind().chain([Act::Rest]).chain(stop())),
            Last::Stop => program.extend(stop()),
            Last::Pull => program.extend(pull()),
            Last::All | Last::Early => program.extend(unbind().chain(pull()).chain(stop())),
            Last::Again => {
                program.extend(unbind());
                program.push(Act::Rest);
                program.extend(bindings().map(|(driver, adapter)| command(Command::Bind(driver, adapter))));
                program.push(Act::Rest);
                program.extend(stop());
            }
        }
        program.push(Act::Rest);
        program.extend(drivers().map(|driver| command(Command::Unload(driver))));
        program
    }

    fn print(&self, runner: &Runner) -> String {
        let drivers = self.drivers.iter().map(|(name, _)| name.clone()).collect();
        let adapters = (0..self.adapters).map(|number| format!("nic{}", number + 1)).collect();
        let names = report::Names::new(drivers, adapters);
        let mut writer =
            report::trace::Writer::new(names, report::Look::PLAIN, report::trace::Show::default());
        let texts: Vec<String> = (0..1000).map(|number| runner.text(number).to_owned()).collect();
        let records = runner.trace().iter().enumerate();
        records.filter_map(|(number, record)| writer.next(number, record, &texts)).collect()
    }
}
