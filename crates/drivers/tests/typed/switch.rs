//! The built-in switch keeps every rule, whatever its clients do, and connects them.

use crate::phone::{ANSWERING, Phone};
use crate::world::{ENDINGS, Last, Reached, World};
use drivers::switch::{Answers, Options, switch};
use drivers::typed::client_driver;
use model::StopOrder;

fn options(answers: Answers) -> Options {
    Options { answers, ..Options::default() }
}

const ANSWERS: [Answers; 3] = [Answers::AtOnce, Answers::Later, Answers::Raised];

/// A world of a switch and two scripted clients, of which the first has three SAPs.
fn scripted(
    ending: (Last, StopOrder),
    answers: Answers,
    called: &[(&str, u32)],
    caller: &[(&str, u32)],
) -> World {
    World::new(ending)
        .rust("switch", move |id| switch(options(answers), id))
        .script("called", "client", &[&[("Saps", 3)], called].concat())
        .script("caller", "client", caller)
}

#[test]
fn scripted_clients_call_each_other() {
    let mut reached = Reached::default();
    for (index, ending) in ENDINGS.into_iter().enumerate() {
        for answers in ANSWERS {
            for incoming in 0..=5 {
                let other = (index as u32 + incoming) % 2;
                let called = [("IncomingCall", incoming), ("HangUps", 1 - other), ("ModifyCallQoS", other)];
                let caller = [
                    ("Calls", 2),
                    ("HangUps", other),
                    ("ModifyCallQoS", 1),
                    ("UnbindAdapter", other),
                    ("NotifyCloseAf", incoming % 4),
                ];
                let world = scripted(ending, answers, &called, &caller).pend_mcm(other == 1);
                reached.add(world.explore(15));
            }
        }
    }
    for state in ["accepted", "rejected", "connected", "qos_modifying", "close_indicated", "failed", "idle"] {
        assert!(reached.count("call", state) > 100, "{state}: {reached:#?}");
    }
}

#[test]
fn scripted_clients_call_with_parties() {
    let mut reached = Reached::default();
    for (index, ending) in ENDINGS.into_iter().enumerate() {
        for answers in ANSWERS {
            for incoming in 0..=5 {
                let other = (index as u32 + incoming) % 2;
                let called = [("IncomingCall", incoming), ("HangUps", 2 * other)];
                let caller = [("Calls", 1), ("Parties", 3), ("HangUps", 1 - other), ("ModifyCallQoS", other)];
                let world = scripted(ending, answers, &called, &caller).pend_mcm(other == 1);
                reached.add(world.explore(15));
            }
        }
    }
    for state in ["active", "drop_indicated", "dropping", "dropping_answer", "closing_with_call", "gone"] {
        assert!(reached.count("party", state) > 50, "{state}: {reached:#?}");
    }
}

#[test]
fn a_client_calls_itself() {
    let mut reached = Reached::default();
    for ending in ENDINGS {
        for answers in ANSWERS {
            let world = World::new(ending).rust("switch", move |id| switch(options(answers), id)).script(
                "client",
                "client",
                &[("Saps", 2), ("Calls", 1), ("Parties", 2), ("HangUps", 1)],
            );
            reached.add(world.pend_mcm(answers == Answers::Later).explore(20));
        }
    }
    assert!(reached.count("call", "connected") > 100, "{reached:#?}");
}

#[test]
fn calls_go_from_one_adapter_to_another() {
    let mut reached = Reached::default();
    for ending in ENDINGS {
        for answers in ANSWERS {
            let world = scripted(ending, answers, &[("HangUps", 1)], &[("Calls", 2), ("Parties", 2)]);
            reached.add(world.adapters(2).explore(20));
        }
    }
    assert!(reached.count("call", "connected") > 100, "{reached:#?}");
}

#[test]
fn typed_clients_call_each_other() {
    let mut reached = Reached::default();
    for (index, ending) in ENDINGS.into_iter().enumerate() {
        for answers in ANSWERS {
            for (number, answering) in ANSWERING.into_iter().enumerate() {
                let odd = (index + number) % 2 == 1;
                let called = Phone { saps: 3, calls: 0, parties: 0, answering, hangs_up: false, drops: odd };
                let parties = if index % 3 == 0 { 0 } else { 3 };
                let caller =
                    Phone { saps: 0, calls: 2, parties, answering, hangs_up: number < 3, drops: false };
                let world = World::new(ending)
                    .rust("switch", move |id| switch(options(answers), id))
                    .rust("called", move |id| client_driver(called, id))
                    .rust("caller", move |id| client_driver(caller, id));
                reached.add(world.pend_mcm(number % 2 == 0).explore(15));
            }
        }
    }
    for state in ["accepted", "rejected", "connected", "qos_modifying", "close_indicated", "idle"] {
        assert!(reached.count("call", state) > 100, "{state}: {reached:#?}");
    }
    for state in ["active", "dropping", "closing_with_call"] {
        assert!(reached.count("party", state) > 50, "{state}: {reached:#?}");
    }
}
