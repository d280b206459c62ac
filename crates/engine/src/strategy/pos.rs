//! Partial order sampling (Yuan, Yang, Gu, CAV 2018): every operation that could come next has a rank drawn at random;
//! the highest goes, and those that conflict with it draw anew.
//!
//! Orders that differ only in operations which do not conflict are drawn about as often as one, so that the sampling does
//! not spend itself on them.

use super::chance::Chance;
use super::{Actor, Candidate, Next, Point, Strategy};
use model::Token;
use model::record::Operation;

/// Lets the operation with the highest rank go.
#[derive(Clone, Debug)]
pub struct Pos {
    chance: Chance,
    ranks: Vec<(Actor, u64)>,
    /// How many bits the ranks of the environment and the clock lack: how slow they are.
    sloth: u64,
}

/// What an operation touches, as far as a scheduling point tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Touches {
    /// NDIS: whatever its functions, handlers and jobs are about.
    Ndis,
    /// An object of the kernel.
    Object(Token),
    /// Nothing that others see.
    Nothing,
}

impl Pos {
    /// The ranks of this seed. How slow the environment and the clock are is drawn from it, too, as for
    /// [`Random`](super::Random).
    pub fn new(seed: u64) -> Pos {
        let mut chance = Chance::new(seed);
        let sloth = chance.below(4);
        Pos { chance, ranks: Vec::new(), sloth }
    }

    fn rank(&mut self, actor: Actor) -> u64 {
        if let Some(&(_, rank)) = self.ranks.iter().find(|(known, _)| *known == actor) {
            return rank;
        }
        let slow = matches!(actor, Actor::Environment | Actor::Clock);
        let rank = self.chance.next() >> if slow { self.sloth } else { 0 };
        self.ranks.push((actor, rank));
        rank
    }
}

/// What a candidate touches.
fn touches(candidate: Candidate) -> Touches {
    let next = match candidate {
        Candidate::Continue(_, next) | Candidate::Switch(_, next) => next,
        Candidate::Job(_) | Candidate::Command(_) => return Touches::Ndis,
        Candidate::Start(..) | Candidate::Queue(..) | Candidate::Advance(_) => return Touches::Nothing,
    };
    match next {
        Next::Call(_) | Next::Return(_) | Next::Holds => Touches::Ndis,
        Next::Kernel(operation) => object_of(operation).map_or(Touches::Nothing, Touches::Object),
        Next::Begin | Next::Woken | Next::End => Touches::Nothing,
    }
}

fn object_of(operation: Operation) -> Option<Token> {
    match operation {
        Operation::Initialize(object, _)
        | Operation::Set(object)
        | Operation::Reset(object)
        | Operation::Read(object)
        | Operation::Wait(object, _)
        | Operation::Acquire { lock: object, .. }
        | Operation::Release { lock: object, .. }
        | Operation::Queue(object)
        | Operation::Arm { timer: object, .. }
        | Operation::Cancel(object)
        | Operation::Allocate(object, _)
        | Operation::Free(object) => Some(object),
        Operation::RaiseIrql(_) | Operation::LowerIrql(_) | Operation::Sleep(_) | Operation::Other => None,
    }
}

impl Strategy for Pos {
    fn choose(&mut self, point: &Point<'_>) -> usize {
        let mut best = (0, 0);
        for (index, &candidate) in point.candidates.iter().enumerate() {
            let rank = self.rank(Actor::of(candidate));
            if index == 0 || rank > best.1 {
                best = (index, rank);
            }
        }
        let touched = touches(point.candidates[best.0]);
        for (index, &candidate) in point.candidates.iter().enumerate() {
            let conflicts = touched != Touches::Nothing && touches(candidate) == touched;
            if index == best.0 || conflicts {
                let actor = Actor::of(candidate);
                self.ranks.retain(|(known, _)| *known != actor);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Ddi;
    use model::record::TaskNumber;

    #[test]
    fn operations_that_do_not_conflict_keep_their_ranks() {
        let task = |number, next| Candidate::Switch(TaskNumber(number), next);
        let set = |object| Next::Kernel(Operation::Set(Token(object)));
        let candidates = [
            task(1, Next::Call(Ddi::NdisClMakeCall)),
            task(2, Next::Call(Ddi::NdisClCloseCall)),
            task(3, set(1)),
            task(4, set(2)),
        ];
        for seed in 0..100 {
            let mut pos = Pos::new(seed);
            let chosen = pos.choose(&Point { index: 0, time: 0, candidates: &candidates });
            let kept = |number| pos.ranks.iter().any(|(actor, _)| *actor == Actor::Task(TaskNumber(number)));
            let expected = match chosen {
                0 | 1 => [false, false, true, true],
                2 => [true, true, false, true],
                _ => [true, true, true, false],
            };
            assert_eq!([1, 2, 3, 4].map(kept), expected, "seed {seed} chose {chosen}");
        }
    }

    #[test]
    fn every_order_of_two_is_drawn() {
        let task = |number| Candidate::Switch(TaskNumber(number), Next::Begin);
        let candidates = [task(1), task(2)];
        let first = |seed| Pos::new(seed).choose(&Point { index: 0, time: 0, candidates: &candidates });
        let ones = (0..1000).filter(|&seed| first(seed) == 0).count();
        assert!((400..600).contains(&ones), "{ones} of 1000");
    }
}
