//! The built-in drivers are correct: in every combination of their registry values that is tried here, under both stop
//! orders, in many orders of events, nothing is found and everything comes to rest.

use drivers::Scene;
use engine::strategy::{Fifo, Random};
use engine::{Outcome, Runner, Strategy};
use model::record::Event;
use std::fmt::Write;

#[global_allocator]
static ALLOCATOR: engine::arena::Allocator = engine::arena::Allocator;

const SEEDS: u64 = 25;

/// Ways in which an adapter's life ends, with the client's address family open or closed before.
const ENDINGS: [(&str, &str); 5] = [
    ("the client is unbound first", "    unbind client from nic1\n    rest\n    stop nic1\n"),
    ("the adapter stops", "    stop nic1\n"),
    ("the adapter is pulled out", "    surprise-remove nic1\n    rest\n"),
    ("all at once", "    unbind client from nic1\n    surprise-remove nic1\n    stop nic1\n"),
    (
        "bound again, stopped, started again",
        "    unbind client from nic1\n    rest\n    bind client to nic1\n    rest\n    set-power nic1 D3\n    \
         rest\n    set-power nic1 D0\n    rest\n    stop nic1\n    rest\n    start nic1\n    rest\n    stop nic1\n",
    ),
];

fn explore(text: &str) {
    let scene = Scene::parse(text, 1).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let monitors = || -> Vec<Box<dyn model::record::Monitor>> {
        vec![Box::new(verify::Irql::new()), Box::new(verify::Liveness::new())]
    };
    let mut runner = Runner::new(|| scene.setup(monitors())).expect("a runner");
    for seed in 0..=SEEDS {
        let (mut fifo, mut random) = (Fifo, Random::new(seed));
        let strategy: &mut dyn Strategy = if seed == 0 { &mut fifo } else { &mut random };
        let outcome = runner.run(strategy);
        let warned = runner.trace().iter().find(|record| matches!(record.event, Event::Warned(_)));
        let silent =
            matches!(&outcome, Outcome::AtRest { findings, .. } if findings.is_empty()) && warned.is_none();
        let audit = verify::audit(runner.trace(), scene.stop_order, verify::Ending::AtRest);
        if !silent || !audit.is_empty() {
            let text_of = match &outcome {
                Outcome::Ended(
                    engine::Ending::Unexpected { text, .. } | engine::Ending::Panicked { text, .. },
                ) => runner.text(*text),
                _ => "",
            };
            panic!("{outcome:?} {text_of}\n{audit:?}\nseed {seed} of\n{text}\n{}", print(&scene, &runner));
        }
    }
}

fn print(scene: &Scene, runner: &Runner) -> String {
    let (drivers, adapters) = scene.names();
    let names = report::Names::new(drivers, adapters);
    let mut writer = report::trace::Writer::new(names, report::Look::PLAIN, report::trace::Show::default());
    let mut text = String::new();
    for (number, record) in runner.trace().iter().enumerate() {
        text.extend(writer.next(number, record, &[]));
    }
    text
}

fn scene(options: &str, registry: &[(&str, &str, u32)], drivers: &[(&str, &str)], ending: &str) -> String {
    let mut text = format!("alone\n{options}");
    for (name, like) in drivers {
        let _ = writeln!(text, "driver {name} like {like}");
        for (_, keyword, value) in registry.iter().filter(|(of, ..)| of == name) {
            let _ = writeln!(text, "registry {keyword} = {value}");
        }
    }
    text.push_str("program:\n");
    for (name, _) in drivers {
        let _ = writeln!(text, "    load {name}");
    }
    text.push_str("    start nic1\n    rest\n");
    text.push_str(ending);
    text.push_str("    rest\n");
    for (name, _) in drivers {
        let _ = writeln!(text, "    unload {name}");
    }
    text
}

const STOP_ORDERS: [&str; 2] = ["stop-order strict\n", "stop-order overlapped\nprocessors 2\n"];

#[test]
fn the_mcm_and_two_clients() {
    let drivers = [("mcm", "mcm"), ("client", "client"), ("second", "client")];
    for options in STOP_ORDERS {
        for (_, ending) in ENDINGS {
            for open in 0..=5 {
                for close in [0, 1, 2, 5, 6] {
                    let notify = (open + close) % 4;
                    let registry = [
                        ("mcm", "OpenAf", open),
                        ("mcm", "CloseAf", close),
                        ("mcm", "Pause", open % 3),
                        ("mcm", "Restart", close % 3),
                        ("client", "NotifyCloseAf", notify),
                        ("client", "UnbindAdapter", open % 2),
                        ("client", "BindAdapter", close % 2),
                        ("second", "NotifyCloseAf", (notify + 1) % 4),
                        ("second", "AutoClose", u32::from(open == 1)),
                        ("second", "UnbindAdapter", 1),
                    ];
                    explore(&scene(options, &registry, &drivers, ending));
                }
            }
        }
    }
}

#[test]
fn the_call_manager_above_a_miniport() {
    let drivers = [("miniport", "miniport"), ("cm", "cm"), ("client", "client")];
    let pends = ["", "pend-open\n", "pend-close\n", "pend-open\npend-close\n"];
    for options in STOP_ORDERS {
        for (index, (_, ending)) in (0u32..).zip(ENDINGS) {
            for open in 0..=5 {
                for close in [0, 1, 2, 5, 6] {
                    let options = format!("{options}{}", pends[((open + close + index) % 4) as usize]);
                    let registry = [
                        ("miniport", "Pause", open % 3),
                        ("miniport", "Restart", close % 3),
                        ("cm", "OpenAf", open),
                        ("cm", "CloseAf", close),
                        ("cm", "BindAdapter", (open + index) % 2),
                        ("cm", "UnbindAdapter", (close + index) % 2),
                        ("client", "NotifyCloseAf", (open + close + index) % 4),
                        ("client", "BindAdapter", open / 2 % 2),
                        ("client", "UnbindAdapter", (open + 1) % 2),
                    ];
                    explore(&scene(&options, &registry, &drivers, ending));
                }
            }
        }
    }
}

/// Registry values for what a call manager does, with `how` its handlers end.
fn manages_calls(name: &'static str, how: u32) -> Vec<(&'static str, &'static str, u32)> {
    let ends = |shift: u32| (how + shift) % 6;
    // What cannot be refused for good is refused once.
    let lets_go = |shift: u32| [0, 1, 2, 6, 0, 5][ends(shift) as usize];
    vec![
        (name, "RegisterSap", ends(0)),
        (name, "DeregisterSap", [0, 1, 2, 5][how as usize % 4]),
        (name, "MakeCall", ends(2)),
        (name, "ModifyCallQoS", ends(1)),
        (name, "CloseCall", lets_go(0)),
        (name, "AddParty", ends(5)),
        (name, "DropParty", lets_go(2)),
        (name, "Offers", 1 + how % 2),
        (name, "QoSChanges", how % 3),
        (name, "Drops", (how + 1) % 3),
        (name, "HangUps", (how + 2) % 3),
    ]
}

/// Registry values for what a client does.
fn uses_calls(name: &'static str, how: u32) -> Vec<(&'static str, &'static str, u32)> {
    vec![
        (name, "Saps", 1 + how % 2),
        (name, "Calls", 1 + (how + 1) % 3),
        (name, "Parties", how % 4),
        (name, "PointToPoint", how / 2 % 2),
        (name, "ModifyCallQoS", (how + 1) % 2),
        (name, "HangUps", how % 3),
        (name, "IncomingCall", how % 6),
        (name, "UnbindAdapter", how % 2),
        (name, "NotifyCloseAf", (how + 2) % 4),
    ]
}

#[test]
fn calls_through_the_mcm() {
    let drivers = [("mcm", "mcm"), ("client", "client"), ("second", "client")];
    for (options, shift) in STOP_ORDERS.into_iter().zip([0, 3]) {
        for how in 0..12 {
            let options = format!("{options}{}", if how < 6 { "" } else { "pend-mcm\n" });
            let mut registry = manages_calls("mcm", how);
            registry.extend(uses_calls("client", how + shift));
            registry.extend(uses_calls("second", how + shift + 1));
            let (_, ending) = ENDINGS[(how + shift) as usize % ENDINGS.len()];
            explore(&scene(&options, &registry, &drivers, ending));
        }
    }
}

#[test]
fn calls_through_the_call_manager_above_a_miniport() {
    let drivers = [("miniport", "miniport"), ("cm", "cm"), ("client", "client")];
    for how in 0..12 {
        let options = ["processors 2\n", "processors 2\npend-open\npend-close\n"][how as usize / 6];
        let mut registry = manages_calls("cm", how);
        registry.extend(uses_calls("client", how + how / 6));
        registry.extend([
            ("miniport", "ActivateVc", (how + 1) % 6),
            ("miniport", "DeactivateVc", [0, 1, 2, 5][how as usize % 4]),
            ("cm", "Signalling", how / 2 % 2),
            ("cm", "UnbindAdapter", (how + 1) % 2),
        ]);
        let (_, ending) = ENDINGS[how as usize % ENDINGS.len()];
        explore(&scene(options, &registry, &drivers, ending));
    }
}

/// The scenes of `docs/scripts.md`.
#[test]
fn the_worked_examples_of_the_documentation() {
    let text = include_str!("../../../docs/scripts.md");
    let scenes = text.split("```condis\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let mut count = 0;
    for (scene, _) in scenes {
        explore(scene);
        count += 1;
    }
    assert!(count > 4, "{count}");
}
