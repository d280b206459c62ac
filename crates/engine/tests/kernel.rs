//! Kernel objects, levels and the clock, as drivers see them.

mod common;

use common::*;
use contract::Rule;
use engine::strategy::{Fifo, Random};
use engine::{Act, Ending, Limit, Outcome, Runner, print};
use model::record::{Event, Irql, KernelCall, Link, ObjectKind, Operation, Routine, WaitsFor};
use model::{Token, Violation};
use std::collections::BTreeSet;

const EVENT: u64 = 0x1000;
const LOCK: u64 = 0x2000;
const TIMER: u64 = 0x3000;

fn violation(outcome: Outcome) -> Violation {
    match outcome {
        Outcome::Ended(Ending::Violated(violation)) => violation,
        other => panic!("{other:?}"),
    }
}

/// The rule that code breaks which runs as one work item.
fn broken_by(code: impl Fn() + 'static) -> Rule {
    let mut runner = runner(1, &[item(1)], move |_| code());
    let violation = violation(runner.run(&mut Fifo));
    assert_eq!(violation.by, DRIVER);
    let last = runner.trace().last().expect("a trace");
    assert_eq!(last.event, Event::Violated(violation));
    violation.rule
}

fn passes(code: impl Fn() + 'static) {
    let mut runner = runner(1, &[item(1)], move |_| code());
    assert_at_rest(&runner.run(&mut Fifo));
}

#[test]
fn in_fifo_order_a_task_runs_until_it_must_wait() {
    let mut runner = runner(2, &[item(1), item(2), item(3)], |routine| {
        if routine == item(1) {
            print("waits");
            wait(EVENT);
            print("goes on");
        } else {
            print("begins");
            set(EVENT);
            print("ends");
        }
    });
    assert_at_rest(&runner.run(&mut Fifo));
    assert_eq!(
        printed(&runner),
        ["1@0/0 waits", "2@1/0 begins", "2@1/0 ends", "1@0/0 goes on", "3@0/0 begins", "3@0/0 ends"]
    );
}

#[test]
fn a_lost_wake_up_is_a_deadlock() {
    // The waker sets the event and resets it before anybody waits.
    let mut runner = runner(1, &[item(1), item(2)], |routine| {
        if routine == item(1) {
            set(EVENT);
            reset(EVENT);
        } else {
            wait(EVENT);
        }
    });
    let Outcome::AtRest { findings, .. } = runner.run(&mut Fifo) else { panic!("at rest") };
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((finding.violation.rule, finding.violation.by), (Rule::KernelDeadlock, DRIVER));
    let [Link::Task(task, DRIVER, None, WaitsFor::Object(Token(EVENT)))] = finding.chain[..] else {
        panic!("{:?}", finding.chain)
    };
    assert_eq!(task.0, 2);
}

#[test]
fn an_event_that_is_set_reaches_who_waits_even_if_it_is_reset_at_once() {
    for seed in 0..50 {
        let mut runner = runner(2, &[item(1), item(2)], |routine| {
            if routine == item(1) {
                wait(EVENT);
            } else {
                // Until the other one waits, every set is lost; then one must not be.
                for _ in 0..100 {
                    set(EVENT);
                    reset(EVENT);
                }
                set(EVENT);
            }
        });
        assert_at_rest(&runner.run(&mut Random::new(seed)));
    }
}

#[test]
fn a_synchronization_event_lets_one_waiter_go() {
    let mut runner = runner(1, &[item(1), item(2), item(3)], |routine| {
        initialize_once();
        if routine == item(3) {
            assert!(!set(EVENT));
            print("set");
        } else {
            wait(EVENT);
            print("came");
        }
    });
    fn initialize_once() {
        if engine::current().task.0 == 1 {
            initialize(EVENT, ObjectKind::SynchronizationEvent { set: false });
        }
    }
    let Outcome::AtRest { findings, .. } = runner.run(&mut Fifo) else { panic!("at rest") };
    assert_eq!(findings.len(), 1, "the second waiter is stuck");
    assert_eq!(printed(&runner), ["3@0/0 set", "1@0/0 came"]);
}

#[test]
fn a_thread_that_serves_is_no_deadlock_and_one_that_ends_wakes_who_waits_for_it() {
    let mut runner = runner(1, &[item(1)], |routine| match routine {
        Routine::Thread(Token(7)) => wait(EVENT),
        Routine::Thread(_) => print("thread"),
        _ => {
            initialize(7, ObjectKind::Thread);
            initialize(8, ObjectKind::Thread);
            assert!(!queue(7));
            assert!(!queue(8));
            assert!(queue(8), "a thread begins once");
            wait(8);
            print("joined");
        }
    });
    assert_at_rest(&runner.run(&mut Fifo));
    assert_eq!(printed(&runner), ["3@0/0 thread", "1@0/0 joined"]);
}

#[test]
fn timers_run_in_the_order_of_their_deadlines_at_dispatch_level() {
    let mut runner = runner(2, &[item(1)], |routine| match routine {
        Routine::Timer(_) => {
            assert_eq!(engine::current().irql, Irql::DISPATCH);
            read(EVENT);
        }
        _ => {
            for (timer, due) in [(3, 300), (1, 100), (2, 100), (5, 500), (4, 200)] {
                assert!(!arm(timer, due, None));
            }
            sleep(1000);
        }
    });
    let mut starts = |strategy: &mut dyn engine::Strategy| {
        assert_at_rest(&runner.run(strategy));
        let mut armed = Vec::new();
        let mut started = Vec::new();
        for record in runner.trace() {
            match record.event {
                Event::Kernel(_, KernelCall { operation: Operation::Arm { timer, due, .. }, .. }) => {
                    armed.push((record.time + due, armed.len(), timer));
                }
                Event::Queued(_, Routine::Timer(timer)) => started.push(timer),
                _ => {}
            }
        }
        armed.sort();
        assert_eq!(started, armed.iter().map(|&(_, _, timer)| timer).collect::<Vec<_>>());
        started
    };
    assert_eq!(starts(&mut Fifo), [1, 2, 4, 3, 5].map(Token));
    let orders: BTreeSet<Vec<Token>> = (0..100).map(|seed| starts(&mut Random::new(seed))).collect();
    assert!(orders.len() > 1, "time passes between two calls, too");
}

#[test]
fn a_timer_that_is_armed_again_or_cancelled_does_not_run() {
    let mut runner = runner(1, &[item(1)], |routine| match routine {
        Routine::Timer(Token(timer)) => print(&format!("timer {timer} at {}", engine::time())),
        _ => {
            assert!(!arm(1, 50, None));
            assert!(cancel(1));
            assert!(!cancel(1));
            assert!(!arm(2, 500, None));
            assert!(arm(2, 200, None), "it was armed");
        }
    });
    assert_at_rest(&runner.run(&mut Fifo));
    assert_eq!(printed(&runner), ["2@0/2 timer 2 at 200"]);
}

#[test]
fn a_periodic_timer_alone_is_rest_and_is_said_to_tick() {
    let mut runner = runner(1, &[item(1)], |routine| match routine {
        Routine::Timer(_) => {}
        _ => assert!(!arm(TIMER, 100, Some(100))),
    });
    assert_eq!(runner.run(&mut Fifo), Outcome::AtRest { findings: Vec::new(), ticking: true });
}

#[test]
fn a_wait_ends_with_its_time_out() {
    let mut runner = runner(1, &[item(1)], |_| {
        assert!(!wait_for(EVENT, 0));
        assert!(!wait_for(EVENT, 500));
        print("timed out");
        set(EVENT);
        assert!(wait_for(EVENT, 500));
    });
    assert_eq!(runner.run(&mut Fifo), Outcome::AtRest { findings: Vec::new(), ticking: false });
    assert_eq!(runner.trace().last().expect("a trace").time, 500);
}

#[test]
fn a_dpc_nests_on_the_processor_of_a_passive_task() {
    let mut nested = 0;
    for seed in 0..100 {
        let mut runner = runner(1, &[item(1)], |routine| match routine {
            Routine::Dpc(_) => {
                print("dpc in");
                set(EVENT);
                read(EVENT);
                print("dpc out");
            }
            _ => {
                initialize(9, ObjectKind::Dpc);
                assert!(!queue(9));
                for _ in 0..3 {
                    print("passive");
                    reset(LOCK);
                }
                print("done");
            }
        });
        assert_at_rest(&runner.run(&mut Random::new(seed)));
        let lines = printed(&runner);
        let enters = lines.iter().position(|line| line == "2@0/2 dpc in").expect("the DPC ran");
        assert_eq!(lines[enters + 1], "2@0/2 dpc out", "nothing else runs on its processor: {lines:?}");
        nested += u32::from(enters > 0 && lines.len() > enters + 2);
    }
    assert!(nested > 0, "some order has the DPC in the middle of the task");
}

#[test]
fn a_raised_processor_runs_no_dpc() {
    for seed in 0..100 {
        let mut runner = runner(1, &[item(1)], |routine| match routine {
            Routine::Dpc(_) => print("dpc"),
            _ => {
                initialize(9, ObjectKind::Dpc);
                let old = raise(Irql::DISPATCH);
                queue(9);
                read(EVENT);
                print("raised");
                lower(old);
                read(EVENT);
            }
        });
        assert_at_rest(&runner.run(&mut Random::new(seed)));
        assert_eq!(printed(&runner), ["1@0/2 raised", "2@0/2 dpc"]);
    }
}

#[test]
fn a_lock_excludes_the_other_processor() {
    let mut contended = 0;
    for seed in 0..200 {
        let mut runner = runner(2, &[item(1), item(2)], |_| {
            let old = acquire(LOCK);
            print("in");
            read(EVENT);
            print("out");
            release(LOCK, old);
        });
        assert_at_rest(&runner.run(&mut Random::new(seed)));
        let lines = printed(&runner);
        let tasks: Vec<&str> = lines.iter().map(|line| &line[..1]).collect();
        assert!(tasks == ["1", "1", "2", "2"] || tasks == ["2", "2", "1", "1"], "{lines:?}");
        let processors: Vec<&str> = lines.iter().map(|line| &line[2..3]).collect();
        contended += u32::from(processors[0] != processors[2]);
    }
    assert!(contended > 0, "some order has both processors at it");
}

#[test]
fn a_spinning_task_keeps_its_processor() {
    // The lock is never released, since its holder waits for the spinning task's processor.
    let mut runner = runner(1, &[item(1), item(2)], |routine| {
        if routine == item(1) {
            acquire(LOCK);
            engine::processor::set_irql(Irql::PASSIVE);
            reset(EVENT);
        } else {
            acquire(LOCK);
        }
    });
    let outcome = runner.run(&mut Random::new(1));
    match outcome {
        Outcome::AtRest { findings, .. } => assert_eq!(findings[0].violation.rule, Rule::KernelDeadlock),
        Outcome::Ended(Ending::Violated(violation)) => assert_eq!(violation.rule, Rule::KernelSpinlockHeld),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lock_rules() {
    assert_eq!(broken_by(|| assert_eq!(acquire(LOCK), acquire(LOCK))), Rule::KernelSpinlockRecursive);
    assert_eq!(broken_by(|| release(LOCK, 0)), Rule::KernelSpinlockOwner);
    assert_eq!(broken_by(|| assert_eq!(acquire(LOCK), 0)), Rule::KernelSpinlockHeld);
    assert_eq!(
        broken_by(|| {
            acquire(LOCK);
            engine::processor::set_irql(Irql::PASSIVE);
            wait(EVENT);
        }),
        Rule::KernelSpinlockHeld
    );
    passes(|| {
        for _ in 0..2 {
            let old = acquire(LOCK);
            let inner = acquire(LOCK + 8);
            release(LOCK + 8, inner);
            release(LOCK, old);
        }
    });
}

#[test]
fn level_rules() {
    let to_dispatch = || assert_eq!(raise(Irql::DISPATCH), Irql::PASSIVE);
    assert_eq!(broken_by(to_dispatch), Rule::KernelIrqlRestore);
    assert_eq!(
        broken_by(move || {
            to_dispatch();
            wait(EVENT);
        }),
        Rule::KernelWaitIrql
    );
    assert_eq!(
        broken_by(move || {
            to_dispatch();
            set(EVENT);
            wait_for(EVENT, 1);
        }),
        Rule::KernelWaitIrql,
        "the page allows no time-out but zero, whether or not the wait lasts"
    );
    assert_eq!(
        broken_by(move || {
            to_dispatch();
            sleep(1);
        }),
        Rule::KernelWaitIrql
    );
    assert_eq!(
        broken_by(|| {
            raise(Irql(5));
            set(EVENT);
        }),
        Rule::KernelIrql
    );
    assert_eq!(
        broken_by(move || {
            to_dispatch();
            raise(Irql::PASSIVE);
        }),
        Rule::KernelIrqlLower
    );
    assert_eq!(broken_by(|| lower(Irql::DISPATCH)), Rule::KernelIrqlLower);
    passes(move || {
        to_dispatch();
        raise(Irql::DISPATCH);
        lower(Irql::DISPATCH);
        assert!(!wait_for(EVENT, 0));
        set(EVENT);
        assert!(wait_for(EVENT, 0));
        lower(Irql::PASSIVE);
        wait(EVENT);
    });
}

#[test]
fn memory_in_use_is_not_freed() {
    const BLOCK: u64 = 0x9000;
    assert_eq!(
        broken_by(|| {
            allocate(BLOCK, 64);
            acquire(BLOCK + 16);
            free(BLOCK);
        }),
        Rule::KernelObjectInUse
    );
    assert_eq!(
        broken_by(|| {
            allocate(BLOCK, 64);
            arm(BLOCK + 56, 10, None);
            free(BLOCK);
        }),
        Rule::KernelObjectInUse
    );
    assert_eq!(
        broken_by(|| {
            initialize(BLOCK, ObjectKind::WorkItem);
            queue(BLOCK);
            free(BLOCK);
        }),
        Rule::KernelObjectInUse
    );
    let mut waited_for = runner(1, &[item(1), item(2)], |routine| {
        if routine == item(1) {
            allocate(BLOCK, 64);
            wait(BLOCK + 8);
        } else {
            free(BLOCK);
        }
    });
    assert_eq!(violation(waited_for.run(&mut Fifo)).rule, Rule::KernelObjectInUse);
    drop(waited_for);
    passes(|| {
        allocate(BLOCK, 64);
        let old = acquire(BLOCK + 16);
        release(BLOCK + 16, old);
        arm(BLOCK + 64, 10, None);
        free(BLOCK);
        // What lay there is gone: the address may become anything.
        set(BLOCK + 16);
        cancel(BLOCK + 64);
    });
}

#[test]
fn bounds_are_reported() {
    let endless = |_| loop {
        set(EVENT);
    };
    assert_eq!(runner(1, &[item(1)], endless).run(&mut Fifo), Outcome::Bounded(Limit::Steps));
    let sleeper = |_| loop {
        sleep(u64::MAX / 4);
    };
    assert_eq!(runner(1, &[item(1)], sleeper).run(&mut Fifo), Outcome::Bounded(Limit::Time));
    let waits = |_| wait(EVENT);
    let many: Vec<Routine> = (0..200).map(item).collect();
    assert_eq!(runner(1, &many, waits).run(&mut Fifo), Outcome::Bounded(Limit::Tasks));
    let hoards = |_| {
        let mut hoard = Vec::new();
        loop {
            hoard.push(vec![0u8; 1 << 20]);
            set(EVENT);
        }
    };
    assert_eq!(runner(1, &[item(1)], hoards).run(&mut Fifo), Outcome::Bounded(Limit::Memory));
}

#[test]
fn the_program_rests_until_nothing_can_run_and_no_deadline_matters() {
    let mut runner = Runner::new(|| {
        let mut setup = setup(2, &[], |routine| match routine {
            Routine::Timer(_) => print("timer"),
            Routine::WorkItem(Token(1)) => drop(arm(TIMER, 1_000_000_000, None)),
            _ => print("second"),
        });
        setup.program = vec![Act::Run(DRIVER, item(1)), Act::Rest, Act::Run(DRIVER, item(2))];
        setup
    })
    .expect("a runner");
    for seed in 0..20 {
        assert_at_rest(&runner.run(&mut Random::new(seed)));
        let lines = printed(&runner);
        assert!(lines[0].ends_with("timer") && lines[1].ends_with("second"), "{lines:?}");
    }
}

#[test]
fn a_panic_in_a_rust_driver_ends_the_execution_and_the_next_one_is_sound() {
    let mut runner = runner(1, &[item(1), item(2)], |routine| {
        let mut owned = vec![String::from("a")];
        owned.push(String::from("b"));
        if routine == item(2) {
            set(EVENT);
            assert_eq!(owned.len(), 3, "on purpose");
        }
        wait(EVENT);
    });
    for _ in 0..3 {
        let Outcome::Ended(Ending::Panicked { by: Some(DRIVER), text }) = runner.run(&mut Fifo) else {
            panic!("the driver panics")
        };
        assert!(runner.text(text).contains("on purpose"));
    }
}
