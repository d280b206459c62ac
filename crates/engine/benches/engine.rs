//! What the engine costs: an operation without and with a switch of tasks, a snapshot and its restore, a whole execution.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{item, read, reset, runner, set, wait};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use engine::strategy::{Fifo, Point};
use engine::{Outcome, Runner, Strategy};
use model::Token;
use model::record::{Event, Routine};

fn main() {
    divan::main();
}

const OPERATIONS: u64 = 10_000;

fn execute(bencher: Bencher<'_, '_>, runner: &mut Runner, strategy: &mut dyn Strategy, items: u64) {
    bencher.counter(ItemsCount::new(items)).bench_local(|| {
        assert!(matches!(runner.run(strategy), Outcome::AtRest { .. }));
    });
}

/// One task, nothing else to run: a scheduling point, a record, the effect.
#[divan::bench]
fn operation_without_switch(bencher: Bencher<'_, '_>) {
    let mut runner = runner(1, &[item(1)], |_| {
        for _ in 0..OPERATIONS {
            reset(0x1000);
        }
    });
    execute(bencher, &mut runner, &mut Fifo, OPERATIONS);
}

/// Takes another task wherever there is one.
struct Alternate;

impl Strategy for Alternate {
    fn choose(&mut self, _point: &Point<'_>) -> usize {
        1
    }
}

/// Two tasks in turn: the same, a choice, and two switches of stacks.
#[divan::bench]
fn operation_with_switch(bencher: Bencher<'_, '_>) {
    let mut runner = runner(2, &[item(1), item(2)], |_| {
        for _ in 0..OPERATIONS / 2 {
            reset(0x1000);
        }
    });
    execute(bencher, &mut runner, &mut Alternate, OPERATIONS);
}

/// An execution of three tasks with 30 operations, from the restored base on.
#[divan::bench]
fn small_execution(bencher: Bencher<'_, '_>) {
    let mut runner = runner(2, &[item(1), item(2), item(3)], |routine| {
        for _ in 0..9 {
            read(0x1000);
        }
        match routine == item(3) {
            true => assert!(!set(0x1000)),
            false => wait(0x1000),
        }
    });
    execute(bencher, &mut runner, &mut Fifo, 1);
}

/// A state with two suspended tasks, of 130 KiB in all.
fn suspended() -> Runner {
    let mut runner = runner(1, &[item(1), item(2)], |routine| match routine {
        Routine::WorkItem(Token(1)) => {
            let owned = vec![7u8; 100_000];
            wait(0x1000);
            assert_eq!(owned[99_999], 7);
        }
        _ => {
            read(0x1000);
            set(0x1000);
        }
    });
    let pauses = runner
        .run_until(&mut Fifo, &mut |record| record.task.0 == 2 && matches!(record.event, Event::Kernel(..)));
    assert_eq!(pauses, None);
    runner
}

#[divan::bench]
fn snapshot(bencher: Bencher<'_, '_>) {
    let runner = suspended();
    let size = runner.snapshot().size();
    bencher.counter(BytesCount::new(size)).bench_local(|| runner.snapshot());
}

#[divan::bench]
fn restore(bencher: Bencher<'_, '_>) {
    let mut runner = suspended();
    let snapshot = runner.snapshot();
    bencher.counter(BytesCount::new(snapshot.size())).bench_local(|| runner.restore(&snapshot));
}
