//! Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): priorities drawn at
//! random, and a few points at which whoever is on turn falls behind all others.
//!
//! A bug that takes `d` ordering constraints among `n` actors and `k` choices is found with a chance of at least
//! `1 / (n * k^(d-1))` in each execution, however rare it is in a random walk.

use super::chance::Chance;
use super::{Actor, Point, Strategy};

/// Lets the actor with the highest priority go, and takes its priority away at a few points.
#[derive(Clone, Debug)]
pub struct Pct {
    chance: Chance,
    /// The priorities that were drawn.
    priorities: Vec<(Actor, u64)>,
    /// The numbers of the choices at which whoever is on turn falls behind.
    changes: Vec<u32>,
    /// The next priority to fall to: below all that are drawn, and below all that have fallen before.
    low: u64,
    choices: u32,
}

/// Drawn priorities are at least this.
const DRAWN: u64 = 1 << 32;

impl Pct {
    /// The priorities of this seed. How many points of change there are, up to four, and within how many choices, is drawn
    /// from it, too.
    pub fn new(seed: u64) -> Pct {
        let mut chance = Chance::new(seed);
        let horizon = 16 << chance.below(6);
        let changes = (0..chance.below(5)).map(|_| chance.below(horizon) as u32).collect();
        Pct { chance, priorities: Vec::new(), changes, low: DRAWN - 1, choices: 0 }
    }

    fn priority(&mut self, actor: Actor) -> u64 {
        if let Some(&(_, priority)) = self.priorities.iter().find(|(known, _)| *known == actor) {
            return priority;
        }
        let priority = DRAWN + (self.chance.next() >> 1);
        self.priorities.push((actor, priority));
        priority
    }
}

impl Strategy for Pct {
    fn choose(&mut self, point: &Point<'_>) -> usize {
        let mut best = (0, 0);
        for (index, &candidate) in point.candidates.iter().enumerate() {
            let priority = self.priority(Actor::of(candidate));
            if priority > best.1 {
                best = (index, priority);
            }
        }
        let chosen = Actor::of(point.candidates[best.0]);
        if self.changes.contains(&self.choices) {
            let fallen = self.low;
            self.low -= 1;
            for (actor, priority) in &mut self.priorities {
                if *actor == chosen {
                    *priority = fallen;
                }
            }
        }
        if matches!(chosen, Actor::Beginning(_)) {
            // The same beginning may come again; it is another one then.
            self.priorities.retain(|(actor, _)| *actor != chosen);
        }
        self.choices += 1;
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::{Candidate, Next};
    use model::record::TaskNumber;

    fn tasks(count: u16) -> Vec<Candidate> {
        (0..count).map(|task| Candidate::Switch(TaskNumber(task), Next::Begin)).collect()
    }

    #[test]
    fn whoever_is_on_turn_stays_on_turn_without_a_point_of_change() {
        let candidates = tasks(4);
        let mut unchanging = (0..).map(Pct::new).find(|pct| pct.changes.is_empty()).expect("some seed");
        let mut choose = |index| unchanging.choose(&Point { index, time: 0, candidates: &candidates });
        let first = choose(0);
        assert!((1..200).all(|index| choose(index) == first));
    }

    #[test]
    fn a_point_of_change_puts_another_actor_on_turn_for_good() {
        let candidates = tasks(3);
        let mut pct = Pct { changes: vec![5], ..Pct::new(7) };
        let chosen: Vec<usize> =
            (0..20).map(|index| pct.choose(&Point { index, time: 0, candidates: &candidates })).collect();
        let (before, after) = chosen.split_at(6);
        assert!(before.iter().all(|&choice| choice == before[0]));
        assert!(after.iter().all(|&choice| choice == after[0] && choice != before[0]), "{chosen:?}");
    }

    #[test]
    fn seeds_draw_different_orders() {
        let candidates = tasks(3);
        let firsts: std::collections::BTreeSet<usize> = (0..50)
            .map(|seed| Pct::new(seed).choose(&Point { index: 0, time: 0, candidates: &candidates }))
            .collect();
        assert_eq!(firsts.len(), 3);
    }
}
