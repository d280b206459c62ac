//! Strategies, schedules and replay.

mod common;

use common::*;
use engine::strategy::{Candidate, Fifo, Next, Random, Replay};
use engine::{Outcome, ParseScheduleError, Point, ReplayError, Runner, Schedule, Strategy, print};
use model::Token;
use model::record::{Event, Operation, Record, Routine};
use std::collections::{BTreeSet, VecDeque};

const EVENT: u64 = 0x1000;

/// Four work items and two timers that get in each other's way.
fn crowd() -> Runner {
    runner(2, &[item(1), item(2), item(3), item(4)], |routine| match routine {
        Routine::Timer(_) => {
            let old = acquire(0x2000);
            print("timer");
            release(0x2000, old);
        }
        Routine::WorkItem(Token(number)) => {
            arm(0x3000 + number, number * 100, None);
            let old = acquire(0x2000);
            print(&format!("in {number}"));
            release(0x2000, old);
            if number % 2 == 0 {
                wait_for(EVENT, 1000);
            } else {
                set(EVENT);
            }
        }
        other => panic!("{other:?}"),
    })
}

fn traced(runner: &mut Runner, strategy: &mut dyn Strategy) -> (Outcome, Vec<Record>, Vec<String>) {
    let outcome = runner.run(strategy);
    (outcome, runner.trace().to_vec(), printed(runner))
}

#[test]
fn a_seed_gives_one_execution_and_seeds_give_many() {
    let mut runner = crowd();
    let mut traces = BTreeSet::new();
    for seed in 0..200 {
        let first = traced(&mut runner, &mut Random::new(seed));
        assert_at_rest(&first.0);
        assert_eq!(first, traced(&mut runner, &mut Random::new(seed)));
        traces.insert(format!("{:?}", first.1));
    }
    assert!(traces.len() > 150, "only {} different traces", traces.len());
}

#[test]
fn a_runner_made_anew_gives_the_same_execution() {
    let first = traced(&mut crowd(), &mut Random::new(7));
    let second = traced(&mut crowd(), &mut Random::new(7));
    assert_eq!(first, second);
}

#[test]
fn a_random_execution_is_replayed_from_its_printed_schedule() {
    let mut runner = crowd();
    for seed in 0..200 {
        let random = traced(&mut runner, &mut Random::new(seed));
        let text = runner.schedule().to_string();
        let schedule: Schedule = text.parse().expect("its own text");
        assert_eq!(schedule, *runner.schedule());
        assert_eq!(runner.replay(&schedule).expect("it fits"), random.0);
        assert_eq!((runner.trace(), printed(&runner)), (&random.1[..], random.2));
        assert_eq!(*runner.schedule(), schedule, "the replay notes the same schedule");
    }
    runner.run(&mut Fifo);
    assert_eq!(runner.schedule().to_string(), "c1:");
}

#[test]
fn a_schedule_that_does_not_fit_is_told() {
    let mut runner = crowd();
    let too_many = Schedule::from_deviations(vec![(0, 99)]).expect("a schedule");
    assert!(matches!(
        runner.replay(&too_many),
        Err(ReplayError::NoSuchCandidate { point: 0, choice: 99, .. })
    ));
    let too_long = Schedule::from_deviations(vec![(1_000_000, 1)]).expect("a schedule");
    assert_eq!(runner.replay(&too_long), Err(ReplayError::TooShort { point: 1_000_000 }));
    let mut fitting = Replay::new(Schedule::new());
    runner.run(&mut fitting);
    assert_eq!(fitting.finish(), Ok(()));
}

#[test]
fn schedules_print_and_parse() {
    let mut random = 1u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) % below
    };
    for length in 0..200 {
        let mut point = next(3) as u32;
        let mut deviations = Vec::new();
        for _ in 0..length {
            deviations.push((point, 1 + next(300) as u32));
            point += 1 + next(1000) as u32;
        }
        let schedule = Schedule::from_deviations(deviations).expect("in order");
        assert_eq!(schedule.to_string().parse(), Ok(schedule));
    }
    let largest = Schedule::from_deviations(vec![(0, u32::MAX), (u32::MAX, u32::MAX)]).expect("in order");
    assert_eq!(largest.to_string().parse(), Ok(largest));
    let text = Schedule::from_deviations(vec![(12, 3), (40, 1)]).expect("in order").to_string();
    assert_eq!(text, "c1:DAMbAQ");
}

#[test]
fn a_text_that_is_no_schedule_is_refused() {
    let parse = |text: &str| text.parse::<Schedule>();
    assert_eq!(parse("c2:DAMbAQ"), Err(ParseScheduleError::Version));
    assert_eq!(parse(""), Err(ParseScheduleError::Version));
    assert_eq!(parse("c1:DA=="), Err(ParseScheduleError::Character(5)));
    assert_eq!(parse("c1:DAMb"), Err(ParseScheduleError::Number), "half a deviation");
    assert_eq!(parse("c1:D"), Err(ParseScheduleError::Number), "half a byte");
    assert_eq!(parse("c1:DB"), Err(ParseScheduleError::Number), "bits behind the end");
    assert_eq!(parse("c1:gAAB"), Err(ParseScheduleError::Number), "a number in a longer form");
    assert_eq!(parse("c1:DAA"), Err(ParseScheduleError::Order), "the FIFO order's own choice");
    assert_eq!(Schedule::from_deviations(vec![(1, 1), (1, 2)]), Err(ParseScheduleError::Order));
    assert_eq!(parse("c1:"), Ok(Schedule::new()));
}

/// Notes what it sees and takes the first candidate.
#[derive(Default)]
struct Watching(VecDeque<(u32, Vec<Candidate>)>);

impl Strategy for Watching {
    fn choose(&mut self, point: &Point<'_>) -> usize {
        self.0.push_back((point.index, point.candidates.to_vec()));
        0
    }
}

#[test]
fn a_point_lists_its_candidates_in_their_order_with_what_they_do_next() {
    let mut runner = runner(2, &[item(1), item(2)], |routine| {
        arm(0x3000, 100, None);
        match routine {
            Routine::Timer(_) => {}
            _ => drop(set(EVENT)),
        }
    });
    let mut watching = Watching::default();
    runner.run(&mut watching);
    let expected = [
        // Work item 1 is queued; it can start, or the second act can come first.
        vec![Candidate::Start(DRIVER, item(1)), Candidate::Queue(DRIVER, item(2))],
        vec![
            Candidate::Continue(model::record::TaskNumber(1), Next::Kernel(arming())),
            Candidate::Queue(DRIVER, item(2)),
        ],
        vec![
            Candidate::Continue(model::record::TaskNumber(1), Next::Kernel(Operation::Set(Token(EVENT)))),
            Candidate::Queue(DRIVER, item(2)),
            Candidate::Advance(100),
        ],
    ];
    fn arming() -> Operation {
        Operation::Arm { timer: Token(0x3000), due: 100, period: None }
    }
    for (index, candidates) in expected.into_iter().enumerate() {
        assert_eq!(watching.0.pop_front(), Some((index as u32, candidates)));
    }
}

#[test]
fn a_driver_that_depends_on_more_than_the_choices_is_noticed() {
    use std::sync::atomic::{AtomicU64, Ordering};
    // Outside of the arena: no restore puts it back.
    static ELSEWHERE: AtomicU64 = AtomicU64::new(0);
    let mut sound = crowd();
    for seed in 0..20 {
        sound.check_determinism(&mut Random::new(seed)).expect("deterministic");
    }
    drop(sound);
    let mut unsound = runner(1, &[item(1)], |_| {
        let times = ELSEWHERE.fetch_add(1, Ordering::Relaxed);
        set(EVENT);
        set(EVENT + times * 8);
    });
    let difference = unsound.check_determinism(&mut Fifo).expect_err("it depends on the count of executions");
    let [first, second] =
        [difference.first, difference.second].map(|record| record.map(|record| record.event));
    assert!(matches!((first, second), (Some(Event::Kernel(..)), Some(Event::Kernel(..)))));
    assert_eq!(difference.index, 2);
}
