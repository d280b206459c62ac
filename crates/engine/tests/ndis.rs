//! The loop against the core: a client and a miniport call manager, from load to unload.

mod common;

use contract::{Ddi, Status};
use engine::strategy::{Fifo, Random};
use engine::{Act, Driver, Ending, Limits, Outcome, Runner, Setup, call};
use model::block::{
    AddressFamily, Attributes, Characteristics, HandlerSet, Header, Media, OpenParameters, OptionalHandlers,
};
use model::record::{Event, Finding, Irql, Link, Monitor, ObjectKind, Record, Rest, Routine, WaitsFor};
use model::*;
use std::cell::Cell;

const MCM: DriverId = DriverId(0);
const CLIENT: DriverId = DriverId(1);
const ADAPTER: AdapterId = AdapterId(0);
const CLOSED: u64 = 0x1000;
const WORK: u64 = 0x2000;

fn header(object_type: u8, size: u16) -> Header {
    Header { object_type, revision: 1, size }
}

fn characteristics(header: Header) -> Characteristics {
    let handlers: HandlerSet = Ddi::ALL.iter().copied().collect();
    Characteristics { header, major: 6, minor: 20, flags: 0, handlers }
}

fn optional(object_type: u8) -> OptionalHandlers {
    let handlers: HandlerSet = Ddi::ALL.iter().copied().collect();
    OptionalHandlers { header: header(object_type, 160), handlers, shared_oid_handler: false }
}

const FAMILY: AddressFamily = AddressFamily { family: 0x800, major: 1, minor: 0 };

/// A call whose result goes nowhere else.
fn plain(what: Call) -> Status {
    call(what, &mut |result| panic!("{result:?}"))
}

/// A call that stores a handle.
fn stores(place: &Cell<Option<Handle>>, what: Call) -> Status {
    call(what, &mut |result| match result {
        OutParameter::DriverHandle(handle)
        | OutParameter::Binding(handle, _)
        | OutParameter::AddressFamily(handle) => place.set(Some(handle)),
        other => panic!("{other:?}"),
    })
}

fn passed(place: &Cell<Option<Handle>>) -> HandleArg {
    place.get().map_or(HandleArg::Null, HandleArg::Known)
}

#[derive(Clone, Copy, PartialEq)]
enum Close {
    Returns,
    PendsAndCompletes,
    PendsForEver,
    CompletesTwice,
}

#[derive(Clone, Copy, PartialEq)]
enum Leaves {
    Nothing,
    Timer,
    WorkItem,
}

struct CallManager {
    close: Close,
    leaves: Leaves,
    driver: Cell<Option<Handle>>,
    adapter: Cell<Option<Handle>>,
    af: Cell<Option<Handle>>,
}

impl Driver for CallManager {
    fn handle(&self, callback: &Callback) -> Reply {
        let status = match *callback {
            Callback::DriverEntry { .. } => {
                let characteristics = characteristics(header(138, 136));
                let registration =
                    Call::MRegisterMiniportDriver { driver_context: Token(1), characteristics };
                stores(&self.driver, registration)
            }
            Callback::MiniportSetOptions { driver, .. } => {
                for object_type in [145, 165] {
                    let handlers = optional(object_type);
                    assert_eq!(
                        plain(Call::SetOptionalHandlers { handle: driver.into(), handlers }),
                        Status::SUCCESS
                    );
                }
                Status::SUCCESS
            }
            Callback::MiniportInitializeEx { adapter, .. } => {
                self.adapter.set(Some(adapter));
                for object_type in [158, 159] {
                    let attributes =
                        Attributes { header: header(object_type, 8), context: Token(2), flags: 0, medium: 0 };
                    plain(Call::MSetMiniportAttributes { adapter: adapter.into(), attributes });
                }
                plain(Call::MCmRegisterAddressFamilyEx { adapter: adapter.into(), family: FAMILY })
            }
            Callback::CmOpenAf { af, .. } => {
                self.af.set(Some(af));
                return Reply::status(Status::SUCCESS).with_context(Token(3));
            }
            Callback::CmCloseAf { .. } => match self.close {
                Close::Returns => Status::SUCCESS,
                Close::PendsAndCompletes | Close::CompletesTwice => {
                    common::initialize(WORK, ObjectKind::WorkItem);
                    common::queue(WORK);
                    Status::PENDING
                }
                Close::PendsForEver => Status::PENDING,
            },
            Callback::MiniportDriverUnload { .. } => {
                match self.leaves {
                    Leaves::Nothing => assert!(!common::cancel(WORK)),
                    Leaves::Timer => assert!(!common::arm(WORK, 1000, None)),
                    Leaves::WorkItem => assert!(!common::queue(WORK)),
                }
                plain(Call::MDeregisterMiniportDriver { driver: passed(&self.driver) })
            }
            _ => Status::SUCCESS,
        };
        Reply::status(status)
    }

    fn routine(&self, routine: Routine) {
        assert_eq!(routine, Routine::WorkItem(Token(WORK)));
        let done = Call::CmCloseAddressFamilyComplete { status: Status::SUCCESS, af: passed(&self.af) };
        plain(done);
        if self.close == Close::CompletesTwice {
            plain(done);
        }
    }
}

#[derive(Default)]
struct Client {
    protocol: Cell<Option<Handle>>,
    binding: Cell<Option<Handle>>,
    bind_context: Cell<Option<Handle>>,
    unbind_context: Cell<Option<Handle>>,
    af: Cell<Option<Handle>>,
}

impl Driver for Client {
    fn handle(&self, callback: &Callback) -> Reply {
        let status = match *callback {
            Callback::DriverEntry { .. } => {
                let characteristics = characteristics(header(149, 120));
                stores(
                    &self.protocol,
                    Call::RegisterProtocolDriver { driver_context: Token(4), characteristics },
                )
            }
            Callback::ProtocolSetOptions { protocol, .. } => {
                for object_type in [144, 166] {
                    plain(Call::SetOptionalHandlers {
                        handle: protocol.into(),
                        handlers: optional(object_type),
                    });
                }
                Status::SUCCESS
            }
            Callback::BindAdapterEx { bind_context, .. } => {
                self.bind_context.set(Some(bind_context));
                let parameters = OpenParameters {
                    header: header(135, 56),
                    names_bound_adapter: true,
                    media: Media::new(&[0]).expect("one medium"),
                    frame_types: 0,
                };
                let open = Call::OpenAdapterEx {
                    protocol: passed(&self.protocol),
                    binding_context: Token(5),
                    parameters,
                    bind_context: bind_context.into(),
                };
                stores(&self.binding, open)
            }
            Callback::CoAfRegisterNotify { family, .. } => {
                let open = Call::ClOpenAddressFamilyEx {
                    binding: passed(&self.binding),
                    family,
                    af_context: Token(6),
                };
                stores(&self.af, open);
                Status::SUCCESS
            }
            Callback::OpenAdapterCompleteEx { status, .. } => {
                plain(Call::CompleteBindAdapterEx { bind_context: passed(&self.bind_context), status })
            }
            Callback::CloseAdapterCompleteEx { .. } => {
                plain(Call::CompleteUnbindAdapterEx { unbind_context: passed(&self.unbind_context) })
            }
            Callback::UnbindAdapterEx { unbind_context, .. } => {
                self.unbind_context.set(Some(unbind_context));
                if plain(Call::ClCloseAddressFamily { af: passed(&self.af) }) == Status::PENDING {
                    common::wait(CLOSED);
                }
                plain(Call::CloseAdapterEx { binding: passed(&self.binding) })
            }
            Callback::ClCloseAfComplete { .. } => {
                common::set(CLOSED);
                Status::SUCCESS
            }
            Callback::Unload { .. } => {
                plain(Call::DeregisterProtocolDriver { protocol: passed(&self.protocol) })
            }
            _ => Status::SUCCESS,
        };
        Reply::status(status)
    }

    fn routine(&self, routine: Routine) {
        panic!("{routine:?}")
    }
}

/// Sees that records come in an order that makes sense, and breaks one rule on demand.
#[derive(Default)]
struct Watcher {
    depth: Vec<(u16, u8)>,
    forbid: Option<Ddi>,
}

impl Monitor for Watcher {
    fn see(&mut self, record: &Record, _world: &World) -> Result<(), Violation> {
        let known = self.depth.iter_mut().find(|(task, _)| *task == record.task.0);
        match (record.event, known) {
            (Event::Started(_) | Event::Queued(..), known) => {
                assert!(known.is_none() && record.depth == 0, "{record:?}");
                // A routine's own calls lie within it, as a handler's do.
                self.depth.push((record.task.0, matches!(record.event, Event::Queued(..)).into()));
            }
            (Event::Called(..) | Event::Invoked(..), Some((_, depth))) => {
                assert_eq!(record.depth, *depth, "{record:?}");
                *depth += 1;
            }
            (Event::Returned(..) | Event::Replied(..), Some((_, depth))) => {
                *depth -= 1;
                assert_eq!(record.depth, *depth, "{record:?}");
            }
            (Event::Ended, Some(_)) => assert_eq!(record.depth, 0),
            _ => {}
        }
        match record.event {
            Event::Called(by, call) if Some(call.ddi()) == self.forbid => Err(Violation {
                rule: contract::Rule::KernelIrql,
                by,
                object: Object::Driver(by),
                offence: "forbidden in this test",
            }),
            _ => Ok(()),
        }
    }

    fn at_rest(&mut self, _rest: &Rest<'_>) -> Vec<Finding> {
        Vec::new()
    }
}

fn pair(close: Close, forbid: Option<Ddi>) -> Runner {
    pair_that(close, Leaves::Nothing, forbid)
}

fn pair_that(close: Close, leaves: Leaves, forbid: Option<Ddi>) -> Runner {
    let build = || {
        let manager = CallManager {
            close,
            leaves,
            driver: Cell::default(),
            adapter: Cell::default(),
            af: Cell::default(),
        };
        let commands = [Command::Load(MCM), Command::Start(ADAPTER), Command::Load(CLIENT)];
        let mut program: Vec<Act> = commands.map(Act::Command).to_vec();
        program.push(Act::Rest);
        program.push(Act::Command(Command::Stop(ADAPTER)));
        program.push(Act::Rest);
        program.push(Act::Command(Command::Uninstall(CLIENT)));
        program.push(Act::Command(Command::Unload(MCM)));
        let mut world = common::config(2);
        world.adapters = vec![MCM];
        world.pend_open = true;
        world.pend_close = true;
        Setup {
            world,
            drivers: vec![Box::new(manager), Box::new(Client::default())],
            program,
            processors: 2,
            limits: Limits::default(),
            monitors: vec![Box::new(Watcher { forbid, ..Watcher::default() })],
        }
    };
    Runner::new(build).expect("a runner")
}

fn handlers(runner: &Runner) -> Vec<&'static str> {
    let invoked = runner.trace().iter().filter_map(|record| match record.event {
        Event::Invoked(_, callback) => Some(callback.ddi().name()),
        _ => None,
    });
    invoked.collect()
}

#[test]
fn from_load_to_unload() {
    let mut runner = pair(Close::PendsAndCompletes, None);
    common::assert_at_rest(&runner.run(&mut Fifo));
    let handlers = handlers(&runner);
    for expected in [
        "DriverEntry",
        "MiniportInitializeEx",
        "ProtocolBindAdapterEx",
        "ProtocolCoAfRegisterNotify",
        "ProtocolCmOpenAf",
        "ProtocolUnbindAdapterEx",
        "ProtocolCmCloseAf",
        "ProtocolClCloseAfComplete",
        "MiniportHaltEx",
        "MiniportDriverUnload",
    ] {
        assert!(handlers.contains(&expected), "{expected} is missing from {handlers:?}");
    }
    let of = |name| handlers.iter().position(|&handler| handler == name);
    assert!(of("ProtocolCmCloseAf") < of("ProtocolClCloseAfComplete"));
    assert!(of("ProtocolClCloseAfComplete") < of("MiniportHaltEx"));
    assert!(runner.trace().iter().all(|record| record.irql == Irql::PASSIVE));
}

#[test]
fn in_any_order_and_the_same_again() {
    for close in [Close::Returns, Close::PendsAndCompletes] {
        let mut runner = pair(close, None);
        let mut orders = std::collections::BTreeSet::new();
        for seed in 0..300 {
            let outcome = runner.check_determinism(&mut Random::new(seed)).expect("deterministic");
            common::assert_at_rest(&outcome);
            orders.insert(handlers(&runner));
        }
        assert!(orders.len() > 1);
    }
}

#[test]
fn an_unbind_that_waits_for_a_close_which_never_completes_is_a_deadlock() {
    let mut runner = pair(Close::PendsForEver, None);
    let Outcome::AtRest { findings, .. } = runner.run(&mut Fifo) else { panic!("{:?}", runner.outcome()) };
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((finding.violation.rule, finding.violation.by), (contract::Rule::KernelDeadlock, CLIENT));
    let waits = finding.chain.iter().any(|link| {
        matches!(
            link,
            Link::Task(_, CLIENT, Some(Ddi::ProtocolUnbindAdapterEx), WaitsFor::Object(Token(CLOSED)))
        )
    });
    assert!(waits, "{:?}", finding.chain);
}

#[test]
fn a_violation_of_the_core_ends_the_execution_at_the_call() {
    let mut runner = pair(Close::CompletesTwice, None);
    for seed in 0..20 {
        let Outcome::Ended(Ending::Violated(violation)) = runner.run(&mut Random::new(seed)) else {
            panic!("{:?}", runner.outcome())
        };
        assert_eq!(violation.by, MCM);
        let events: Vec<Event> = runner.trace().iter().rev().take(2).map(|record| record.event).collect();
        assert!(matches!(events[0], Event::Violated(_)), "{events:?}");
        assert!(
            matches!(events[1], Event::Called(MCM, Call::CmCloseAddressFamilyComplete { .. })),
            "{events:?}"
        );
    }
}

#[test]
fn a_monitor_ends_the_execution_at_the_record() {
    let mut runner = pair(Close::Returns, Some(Ddi::NdisClCloseAddressFamily));
    let Outcome::Ended(Ending::Violated(violation)) = runner.run(&mut Fifo) else {
        panic!("{:?}", runner.outcome())
    };
    assert_eq!(violation.offence, "forbidden in this test");
    assert!(!handlers(&runner).contains(&"ProtocolCmCloseAf"), "the call has no effect");
}

#[test]
fn a_driver_that_unloads_leaves_nothing_behind_that_the_kernel_would_run() {
    let outcome = |leaves| pair_that(Close::Returns, leaves, None).run(&mut Fifo);
    common::assert_at_rest(&outcome(Leaves::Nothing));
    for (leaves, rule) in [
        (Leaves::Timer, contract::Rule::KernelTimerOutstanding),
        (Leaves::WorkItem, contract::Rule::KernelWorkItemOutstanding),
    ] {
        let Outcome::Ended(Ending::Violated(violation)) = outcome(leaves) else { panic!("it goes unseen") };
        assert_eq!((violation.rule, violation.by), (rule, MCM));
    }
}
