//! The sample drivers, run natively against the core: the whole life of an address family, in every order tried.

mod common;

use common::*;
use contract::Ddi;
use engine::strategy::{Fifo, Random};
use engine::{Act, Driver, Limits, Outcome, Runner, Setup};
use host::{Host, Options};
use model::record::Event;
use model::{AdapterId, Command, DriverId, StopOrder};
use verify::{Auditor, Irql, Liveness};

const ADAPTER: AdapterId = AdapterId(0);

/// What a scene consists of: samples by name with their registry values; the first is the adapter's miniport.
type Cast<'a> = &'a [Role<'a>];
type Role<'a> = (&'a str, &'a [(&'a str, u32)]);

/// A runner that loads the cast, starts the adapter, stops it, and unloads.
fn scene(cast: Cast<'_>, order: StopOrder) -> (Runner, &'static Host) {
    let image = |name: &str| if name == "override" { test_driver(name) } else { sample(name) };
    let images: Vec<_> = cast.iter().map(|(name, _)| image(name)).collect();
    let count = cast.len() as u8;
    let drivers = || (0..count).map(DriverId);
    let mut program: Vec<Act> = drivers().map(|driver| Act::Command(Command::Load(driver))).collect();
    program.extend([
        Act::Command(Command::Start(ADAPTER)),
        Act::Rest,
        Act::Command(Command::Stop(ADAPTER)),
        Act::Rest,
    ]);
    program.extend(drivers().map(|driver| Act::Command(Command::Unload(driver))));
    let mut host = None;
    let runner = Runner::new(|| {
        let this = Host::new(Options::default()).expect("a host");
        host = Some(this);
        let load = |(index, (name, values)): (usize, &Role<'_>)| {
            let driver = this.load(&images[index], name, DriverId(index as u8), integers(values));
            Box::new(driver.expect("a driver that loads")) as Box<dyn Driver>
        };
        let mut world = config(count, &[DriverId(0)]);
        world.stop_order = order;
        Setup {
            world,
            drivers: cast.iter().enumerate().map(load).collect(),
            program,
            processors: 2,
            limits: Limits::default(),
            monitors: vec![Box::new(Irql::new()), Box::new(Liveness::new()), Box::new(Auditor::new(order))],
        }
    });
    (runner.expect("a runner"), host.expect("a host"))
}

#[track_caller]
fn assert_clean(outcome: &Outcome, runner: &Runner, host: &Host) {
    if !matches!(outcome, Outcome::AtRest { findings, .. } if findings.is_empty()) {
        for record in runner.trace() {
            eprintln!("{record:?}");
        }
        panic!("{outcome:?}");
    }
    for driver in 0..3 {
        assert_eq!(host.held_by(DriverId(driver)), []);
    }
}

fn handlers(runner: &Runner) -> Vec<Ddi> {
    let invoked = runner.trace().iter().filter_map(|record| match record.event {
        Event::Invoked(_, callback) => Some(callback.ddi()),
        _ => None,
    });
    invoked.collect()
}

#[track_caller]
fn assert_called(runner: &Runner, wanted: &[Ddi]) {
    let handlers = handlers(runner);
    for wanted in wanted {
        assert!(handlers.contains(wanted), "{wanted} was not called: {handlers:?}");
    }
}

const WHOLE_LIFE: &[Ddi] = &[
    Ddi::MiniportInitializeEx,
    Ddi::MiniportRestart,
    Ddi::ProtocolBindAdapterEx,
    Ddi::ProtocolNetPnPEvent,
    Ddi::ProtocolCoAfRegisterNotify,
    Ddi::ProtocolCmOpenAf,
    Ddi::ProtocolCmCloseAf,
    Ddi::ProtocolUnbindAdapterEx,
    Ddi::MiniportPause,
    Ddi::MiniportHaltEx,
    Ddi::MiniportDriverUnload,
    Ddi::Unload,
];

#[test]
fn an_address_family_lives_and_dies() {
    let (mut runner, host) = scene(&[("mcm", &[]), ("client", &[])], StopOrder::Strict);
    let outcome = runner.run(&mut Fifo);
    assert_clean(&outcome, &runner, host);
    assert_called(&runner, WHOLE_LIFE);
}

#[test]
fn a_call_manager_above_a_miniport_serves_a_client() {
    let (mut runner, host) = scene(&[("miniport", &[]), ("cm", &[]), ("client", &[])], StopOrder::Strict);
    let outcome = runner.run(&mut Fifo);
    assert_clean(&outcome, &runner, host);
    assert_called(&runner, WHOLE_LIFE);
}

/// Every way in which the call manager and the client can answer, and some orders of each.
#[test]
fn every_behaviour_is_silent_in_every_order_tried() {
    let open = [0, 1, 2, 5];
    let close = [0, 1, 2, 5, 6];
    let (mut completions, mut notifications) = (0, 0);
    for (open, close) in open.iter().flat_map(|&open| close.iter().map(move |&close| (open, close))) {
        let mode = (open + close) % 4;
        let later = u32::from(close % 2 == 1);
        let manager = [("OpenAf", open), ("CloseAf", close), ("Pause", close % 3), ("Restart", open % 3)];
        let client = [
            ("BindAdapter", later),
            ("UnbindAdapter", later),
            ("NotifyCloseAf", mode),
            ("AutoClose", open % 2),
        ];
        let order = if close == 6 { StopOrder::Overlapped } else { StopOrder::Strict };
        let casts: [Cast<'_>; 2] = [
            &[("mcm", &manager), ("client", &client)],
            &[("miniport", &manager), ("cm", &manager), ("client", &client)],
        ];
        for cast in casts {
            let (mut runner, host) = scene(cast, order);
            for seed in 0..20 {
                let outcome = runner.run(&mut Random::new(seed));
                assert_clean(&outcome, &runner, host);
                let handlers = handlers(&runner);
                let count = |wanted| handlers.iter().filter(|&&ddi| ddi == wanted).count();
                completions += count(Ddi::ProtocolClCloseAfComplete);
                notifications += count(Ddi::ProtocolClNotifyCloseAf);
            }
        }
    }
    assert!(completions > 100, "pended closes are completed");
    assert!(notifications > 10, "call managers ask clients to close");
}

#[test]
fn the_same_choices_give_the_same_trace() {
    let manager = [("OpenAf", 5), ("CloseAf", 1)];
    let (mut runner, host) = scene(&[("mcm", &manager), ("client", &[])], StopOrder::Strict);
    for seed in 0..50 {
        let outcome = runner
            .check_determinism(&mut Random::new(seed))
            .unwrap_or_else(|difference| panic!("{difference:?}"));
        assert_clean(&outcome, &runner, host);
    }
}

#[test]
fn a_snapshot_in_mid_run_can_be_resumed_again_and_again() {
    let manager = [("OpenAf", 1), ("CloseAf", 1)];
    let (mut runner, host) = scene(&[("mcm", &manager), ("client", &[])], StopOrder::Strict);
    let opens =
        |event| matches!(event, Event::Invoked(_, callback) if callback.ddi() == Ddi::ProtocolCmOpenAf);
    let mut stop = |record: &model::record::Record| opens(record.event);
    assert_eq!(runner.run_until(&mut Fifo, &mut stop), None);
    let snapshot = runner.snapshot();
    let outcome = runner.resume(&mut Fifo);
    assert_clean(&outcome, &runner, host);
    let trace = runner.trace().to_vec();
    for _ in 0..1000 {
        runner.restore(&snapshot);
        assert_eq!(runner.resume(&mut Fifo), outcome);
        assert_eq!(runner.trace(), trace);
    }
}

/// `NdisSetOptionalHandlers` with a binding's handle sets the functions of that binding only; a driver's own stay for
/// the others.
#[test]
fn a_binding_may_have_handlers_of_its_own() {
    let (mut runner, host) = scene(&[("mcm", &[("CloseAf", 1)]), ("override", &[])], StopOrder::Strict);
    let outcome = runner.run(&mut Fifo);
    assert_clean(&outcome, &runner, host);
    let lines = printed(&runner);
    let of_close: Vec<&str> =
        lines.iter().map(String::as_str).filter(|line| !line.starts_with("event ")).collect();
    assert_eq!(of_close, ["offered: 0x0 1", "close: 0x103", "binding's: 0x0 1"]);
    // NetEventRestart and NetEventPause.
    assert!(["event 9", "event 8"].iter().all(|event| lines.iter().any(|line| line == event)), "{lines:?}");
}
