//! A question that NDIS brings from one driver to another, and the answer on its way back.

use contract::Status;
use model::block::CallParameters;
use model::{Reply, Token};

/// How far a driver has got with what NDIS asked of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Not,
    Outstanding,
    Answered(Status),
}

impl Asked {
    pub(super) fn answer(&mut self, status: Status) {
        if *self == Asked::Outstanding {
            *self = Asked::Answered(status);
        }
    }

    /// Whether the driver gave another answer than `status`.
    pub(super) fn contradicts(self, status: Status) -> bool {
        matches!(self, Asked::Answered(given) if given != status)
    }

    pub(super) fn is_answered(self) -> bool {
        matches!(self, Asked::Answered(_))
    }
}

/// The same with call parameters: what came with the question, and what came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Exchange {
    pub(super) asked: Asked,
    given: CallParameters,
    /// NULL if a completion gave none.
    left: CallParameters,
}

impl Exchange {
    pub(super) const NOT: Exchange =
        Exchange { asked: Asked::Not, given: CallParameters::NULL, left: CallParameters::NULL };

    pub(super) fn ask(given: CallParameters) -> Exchange {
        Exchange { asked: Asked::Outstanding, given, left: given }
    }

    /// A handler has returned: it may have left the parameters alone.
    pub(super) fn replied(&mut self, reply: Reply) {
        if self.asked == Asked::Outstanding && !reply.parameters.is_null() {
            self.left = reply.parameters;
        }
        self.asked.answer(reply.status);
    }

    /// The driver completes what it had pended.
    pub(super) fn completed(&mut self, status: Status, parameters: CallParameters) {
        if self.asked == Asked::Outstanding {
            self.left = parameters;
        }
        self.asked.answer(status);
    }

    /// Whether these are the parameters that came back, in the structure of either driver.
    pub(super) fn hands_back(&self, parameters: &CallParameters) -> bool {
        if self.left.is_null() {
            return parameters.is_null() || contents(parameters) == contents(&self.given);
        }
        let address = parameters.address;
        contents(parameters) == contents(&self.left)
            && (address == self.left.address || address == self.given.address)
    }
}

/// Call parameters without the place where they lie.
pub(super) fn contents(parameters: &CallParameters) -> CallParameters {
    CallParameters { address: Token::NULL, ..*parameters }
}
