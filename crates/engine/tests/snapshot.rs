//! Snapshots: what comes back, what stays, and that nothing grows.

mod common;

use common::*;
use engine::strategy::{Fifo, Random};
use engine::{Outcome, Runner, SetupError, arena, print};
use model::Token;
use model::record::{Event, Operation, Record, Routine};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

const EVENT: u64 = 0x1000;

/// Three tasks that own memory of every kind while they are suspended.
fn owners() -> Runner {
    Runner::new(|| {
        let shared = Rc::new(RefCell::new(BTreeMap::new()));
        setup(2, &[item(1), item(2), item(3)], move |routine| {
            let Routine::WorkItem(Token(number)) = routine else { panic!("{routine:?}") };
            let mut list = vec![number; 10];
            let text = format!("task {number}");
            let boxed: Box<dyn Fn(u64) -> u64> = Box::new(move |add| number + add);
            let mine = Rc::clone(&shared);
            for round in 0..5u64 {
                reset(EVENT + number);
                list.push(boxed(round));
                mine.borrow_mut().insert((round, number), format!("{text} {round}"));
                set(EVENT);
                let owners = Rc::strong_count(&mine);
                print(&format!("{text}: {list:?}, {} entries, {owners} owners", mine.borrow().len()));
            }
            wait(EVENT);
            print(&format!("{:?}", mine.borrow().last_key_value()));
        })
    })
    .expect("a runner")
}

fn in_the_middle(record: &Record) -> bool {
    record.task.0 == 3 && matches!(record.event, Event::Printed(..))
}

#[test]
fn a_state_with_suspended_tasks_comes_back_a_thousand_times() {
    let mut runner = owners();
    let mut walk = Random::new(3);
    assert_eq!(runner.run_until(&mut walk, &mut in_the_middle), None);
    assert!(in_the_middle(runner.trace().last().expect("a trace")));
    let snapshot = runner.snapshot();
    let beginning = runner.trace().to_vec();

    let outcome = runner.resume(&mut Random::new(9));
    assert_at_rest(&outcome);
    let whole = (runner.trace().to_vec(), printed(&runner), runner.schedule().clone());
    assert!(whole.0.starts_with(&beginning) && whole.0.len() > beginning.len() + 20);
    assert!(whole.1.iter().any(|line| line.contains("owners")), "{:?}", whole.1);

    for round in 0..1000 {
        if round % 3 == 0 {
            // Something else in between, which uses the same stacks and heap.
            runner.run(&mut Random::new(round));
        }
        runner.restore(&snapshot);
        assert_eq!(runner.trace(), beginning);
        assert_eq!(runner.resume(&mut Random::new(9)), outcome);
        assert_eq!(
            (runner.trace(), printed(&runner), runner.schedule()),
            (&whole.0[..], whole.1.clone(), &whole.2)
        );
    }
    // The schedule of the whole is that of both parts.
    assert_eq!(runner.replay(&whole.2), Ok(outcome));
    assert_eq!(runner.trace(), whole.0);
}

#[test]
fn an_execution_stopped_between_its_points_goes_on_as_if_it_had_not_been() {
    let mut runner = owners();
    let outcome = runner.run(&mut Fifo);
    let whole = runner.trace().to_vec();
    let mut stops = 0;
    assert_eq!(runner.run_until(&mut Fifo, &mut |_| true), None);
    loop {
        let (before, snapshot) = (runner.trace().len(), runner.snapshot());
        runner.restore(&snapshot);
        stops += 1;
        if let Some(end) = runner.resume_until(&mut Fifo, &mut |_| true) {
            assert_eq!(end, outcome);
            break;
        }
        assert!(runner.trace().len() > before);
    }
    assert_eq!(runner.trace(), whole);
    assert!(stops > 30, "only {stops} stops");
}

fn resident_pages() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number")
}

#[test]
fn a_hundred_thousand_executions_use_no_more_memory_than_a_thousand() {
    let mut runner = owners();
    let mut run = |count| {
        for seed in 0..count {
            assert!(matches!(runner.run(&mut Random::new(seed)), Outcome::AtRest { .. }));
        }
    };
    run(1000);
    let before = resident_pages();
    run(100_000);
    let after = resident_pages();
    assert!(after <= before + 256, "{before} pages became {after}");
}

#[test]
fn regions_come_back_as_far_as_they_are_used() {
    // Lives as long as the process, outside of the arena.
    let region: &'static [Cell<u64>; 4] = Box::leak(Box::new([const { Cell::new(1) }; 4]));
    let mut runner = Runner::new(|| {
        let start = std::ptr::from_ref(region).cast_mut().cast::<u8>();
        // SAFETY: 32 bytes of cells, which live on and are not borrowed.
        let id = unsafe { arena::add_region(start, 32) };
        arena::set_used(id, 16);
        setup(1, &[item(1)], move |_| {
            region.iter().for_each(|word| word.set(word.get() + 1));
            set(EVENT);
            arena::set_used(id, 32);
        })
    })
    .expect("a runner");
    for round in 1..4 {
        assert_at_rest(&runner.run(&mut Fifo));
        assert_eq!(region.each_ref().map(Cell::get), [2, 2, 1 + round, 1 + round]);
    }
    let used = runner.snapshot();
    region.iter().for_each(|word| word.set(0));
    runner.restore(&used);
    assert_eq!(region.each_ref().map(Cell::get), [2, 2, 4, 4]);
}

#[test]
fn blocks_of_processors_come_back() {
    use engine::processor;
    let mut runner = runner(2, &[item(1)], |_| {
        let word = processor::block(1).wrapping_add(0x3ff8).cast::<Cell<u64>>();
        // SAFETY: within the block of processor 1, behind the engine's word, 8-aligned, and nobody else's.
        let word = unsafe { &*word };
        print(&format!("{}", word.get()));
        word.set(5);
    });
    for _ in 0..3 {
        runner.run(&mut Fifo);
        assert_eq!(printed(&runner), ["1@0/0 0"]);
    }
}

#[test]
fn the_arena_can_be_reserved_before_any_runner() {
    assert_eq!(arena::reserve(), Ok(()));
    assert_eq!(arena::reserve(), Ok(()), "it is mapped once");
    assert_at_rest(&owners().run(&mut Fifo));
}

#[test]
fn one_runner_at_a_time() {
    let first = owners();
    let second = Runner::new(|| setup(1, &[], |_| {}));
    assert_eq!(second.map(|_| ()), Err(SetupError::Busy));
    // Another thread waits until this one is gone.
    let other = std::thread::spawn(|| owners().run(&mut Fifo));
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert!(!other.is_finished());
    drop(first);
    assert_at_rest(&other.join().expect("it runs"));
}

#[test]
fn a_setup_that_cannot_be_is_refused() {
    let refused = |processors, configured| {
        let result = Runner::new(|| {
            let mut setup = setup(processors, &[], |_| {});
            setup.world = config(configured);
            setup
        });
        result.map(|_| ())
    };
    assert_eq!(refused(0, 1), Err(SetupError::Processors(0)));
    assert_eq!(refused(9, 1), Err(SetupError::Processors(9)));
    assert_eq!(refused(1, 2), Err(SetupError::Drivers { given: 1, configured: 2 }));
    assert_eq!(refused(8, 1), Ok(()));
}

#[test]
fn large_and_aligned_blocks_are_served() {
    #[repr(align(4096))]
    struct Page([u8; 4096]);
    let mut runner = runner(1, &[item(1)], |_| {
        let pages: Vec<Page> = (0..10).map(|byte| Page([byte; 4096])).collect();
        let boxed = Box::new(Page([7; 4096]));
        assert!(arena::contains(&raw const *boxed as usize));
        set(EVENT);
        assert_eq!((&raw const pages[3]).addr() % 4096, 0);
        assert_eq!((&raw const *boxed).addr() % 4096, 0);
        assert!(pages.iter().enumerate().all(|(byte, page)| page.0.iter().all(|&had| had as usize == byte)));
        let mut grown = Vec::new();
        for number in 0..1_000_000u32 {
            grown.push(number);
        }
        assert!(grown.iter().enumerate().all(|(index, &number)| index == number as usize));
        assert_eq!(vec![0u8; 3_000_000].iter().filter(|&&byte| byte != 0).count(), 0);
    });
    for _ in 0..3 {
        assert_at_rest(&runner.run(&mut Fifo));
    }
    assert!(runner.trace().iter().any(|record| {
        matches!(record.event, Event::Kernel(_, call) if call.operation == Operation::Set(Token(EVENT)))
    }));
}
