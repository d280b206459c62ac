//! How far an operation has come that a handler may pend: the one type that all of CoNDIS's asynchronous operations share.

use contract::Status;

/// How far a callback that may pend has come. [`Phase::returned`] and [`Phase::complete`] are its only writers.
///
/// ```text
///            returned(other)                 complete
///  Calling ------------------> Returned   Pending -----> Completed
///     |  \  returned(PENDING)                ^               ^
///     |   `----------------------------------'               | returned(PENDING)
///     `--------------- complete -------> CompletedEarly -----'
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Phase {
    /// The handler is running.
    Calling,
    /// The handler is running, and the operation is already completed.
    CompletedEarly,
    /// The handler returned `NDIS_STATUS_PENDING`.
    Pending,
    /// Over: the return value was the result.
    Returned,
    /// Over: a completion gave the result.
    Completed,
}

/// What a handler's return means for its operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The return value is the result.
    Result(Status),
    /// The result comes with a completion, or has come.
    Pended,
}

/// A return or completion that does not fit the phase: the same mistake has the same name in every order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misfit {
    /// It was completed and did not pend: the return or the completion comes second.
    CompletedUnpended,
    /// It was completed twice.
    CompletedTwice,
}

impl Misfit {
    /// The mistake in words, for a finding.
    pub const fn offence(self) -> &'static str {
        match self {
            Misfit::CompletedUnpended => "completed although the handler did not return NDIS_STATUS_PENDING",
            Misfit::CompletedTwice => "completed a second time",
        }
    }
}

impl Phase {
    /// The handler returned `status`.
    ///
    /// # Errors
    /// It had been completed and did not return `NDIS_STATUS_PENDING`.
    pub fn returned(&mut self, status: Status) -> Result<Verdict, Misfit> {
        let pended = status == Status::PENDING;
        *self = match self {
            Phase::Calling if pended => Phase::Pending,
            Phase::Calling => Phase::Returned,
            Phase::CompletedEarly if pended => Phase::Completed,
            Phase::CompletedEarly => return Err(Misfit::CompletedUnpended),
            Phase::Pending | Phase::Returned | Phase::Completed => unreachable!("a handler returns once"),
        };
        Ok(if pended { Verdict::Pended } else { Verdict::Result(status) })
    }

    /// The operation is completed.
    ///
    /// # Errors
    /// It is over already.
    pub fn complete(&mut self) -> Result<(), Misfit> {
        *self = match self {
            Phase::Calling => Phase::CompletedEarly,
            Phase::Pending => Phase::Completed,
            Phase::Returned => return Err(Misfit::CompletedUnpended),
            Phase::CompletedEarly | Phase::Completed => return Err(Misfit::CompletedTwice),
        };
        Ok(())
    }

    /// Whether the handler has returned, so that only a completion can end the operation.
    pub fn is_pending(self) -> bool {
        self == Phase::Pending
    }
}

/// One of CoNDIS's requests that may be made again on the same object once it is over: activation of a VC, a change of
/// the quality of service, a close that fails. The handler of an earlier round may still be running when the next one
/// begins, if the request was completed early.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Request {
    phase: Option<Phase>,
    round: u32,
}

impl Request {
    /// Begins a round; its number goes to [`Request::returned`].
    pub fn begin(&mut self) -> u32 {
        self.round = self.round.wrapping_add(1);
        self.phase = Some(Phase::Calling);
        self.round
    }

    /// Whether no later round has begun.
    pub fn is_last(self, round: u32) -> bool {
        round == self.round
    }

    /// The handler of a round returned `status`.
    ///
    /// # Errors
    /// It had been completed and did not return `NDIS_STATUS_PENDING`.
    pub fn returned(&mut self, round: u32, status: Status) -> Result<Verdict, Misfit> {
        match &mut self.phase {
            Some(phase) if round == self.round => phase.returned(status),
            // Of an earlier round, which was completed early: else there would be no later one.
            Some(_) | None if status == Status::PENDING => Ok(Verdict::Pended),
            Some(_) | None => Err(Misfit::CompletedUnpended),
        }
    }

    /// The request is completed.
    ///
    /// # Errors
    /// None is outstanding; `None` if there was never one.
    pub fn complete(&mut self) -> Result<(), Option<Misfit>> {
        self.phase.as_mut().ok_or(None)?.complete().map_err(Some)
    }

    /// Whether it is neither completed nor answered.
    pub fn is_outstanding(self) -> bool {
        matches!(self.phase, Some(Phase::Calling | Phase::Pending))
    }

    /// Whether only a completion can end it.
    pub fn is_pending(self) -> bool {
        self.phase == Some(Phase::Pending)
    }

    /// Whether its handler has not returned yet, nor said how it ends: a driver may not know of it.
    pub fn is_untold(self) -> bool {
        self.phase == Some(Phase::Calling)
    }
}
