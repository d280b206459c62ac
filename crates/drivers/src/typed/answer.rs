//! How operations end: what a call of NDIS gives back ([`Outcome`]), and what a handler answers ([`Request`], [`Answer`],
//! [`Completion`]).

use super::gate::Gate;
use contract::{Ddi, Status};
use model::Reply;
use std::fmt;
use std::marker::PhantomData;

/// What came of a function that may pend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a pended call is not over, and one that is over may have failed"]
pub enum Outcome<T> {
    /// It is over, with this result. No completion handler is called.
    Done(T),
    /// `NDIS_STATUS_PENDING`: the completion handler of the function tells the result. It may have been called already.
    Pending,
}

impl<T> Outcome<T> {
    /// The result, if the call is over.
    pub fn done(self) -> Option<T> {
        match self {
            Outcome::Done(result) => Some(result),
            Outcome::Pending => None,
        }
    }

    /// Runs `then` with the result if the call is over. With the completion handler as `then`, both ways of ending are
    /// treated as one.
    pub fn when_done(self, then: impl FnOnce(T)) {
        if let Outcome::Done(result) = self {
            then(result);
        }
    }

    /// Whether a completion handler tells the result.
    pub fn is_pending(&self) -> bool {
        matches!(self, Outcome::Pending)
    }
}

/// The status as a result: everything but `NDIS_STATUS_SUCCESS` is an error.
pub(crate) fn result(status: Status) -> Result<(), Status> {
    if status.is_success() { Ok(()) } else { Err(status) }
}

/// The status of a result.
pub(crate) fn status<T>(result: &Result<T, Status>) -> Status {
    match result {
        Ok(_) => Status::SUCCESS,
        Err(status) => *status,
    }
}

/// Keeps everybody else from implementing the operations.
#[derive(Clone, Copy, Debug)]
pub struct Sealed(pub(crate) ());

/// Something that NDIS asks of a driver, and that may be answered at once or later. The types that implement this say what
/// is asked; [`Request`] and [`Completion`] are how it is answered.
pub trait Operation: Sized + 'static {
    /// What it ends with.
    type Result: 'static;

    /// The handler that is asked.
    #[doc(hidden)]
    const HANDLER: Ddi;

    /// The handler's return.
    #[doc(hidden)]
    fn answer(self, result: Self::Result, sealed: Sealed) -> Reply;

    /// The call that completes it.
    #[doc(hidden)]
    fn complete(self, result: Self::Result, sealed: Sealed);

    /// What must be over before its result may be told.
    #[doc(hidden)]
    fn gate(&self, _result: &Self::Result, _sealed: Sealed) -> Option<Gate> {
        None
    }
}

/// A lifetime that nothing but one call of a handler has.
type Brand<'a> = PhantomData<fn(&'a ()) -> &'a ()>;

/// What a handler returns. There is no other way to one than the [`Request`] of the same call: an answer cannot be kept,
/// or be given to another request.
#[must_use]
pub struct Answer<'a> {
    reply: Reply,
    brand: Brand<'a>,
}

impl Answer<'_> {
    pub(crate) fn new(reply: Reply) -> Self {
        Answer { reply, brand: PhantomData }
    }

    pub(crate) fn reply(self) -> Reply {
        self.reply
    }
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({})", self.reply.status)
    }
}

/// What a handler that may pend is asked. It is consumed by [`complete`](Request::complete), the synchronous answer, or by
/// [`pend`](Request::pend).
///
/// A handler that does neither does not compile, since only these two make the [`Answer`] that it must return.
#[must_use]
pub struct Request<'a, O: Operation> {
    pub(crate) operation: O,
    brand: Brand<'a>,
}

impl<'a, O: Operation> Request<'a, O> {
    pub(crate) fn new(operation: O) -> Self {
        Request { operation, brand: PhantomData }
    }

    /// Answers at once.
    ///
    /// If a task of this driver is about to use a handle that the answer makes invalid, the request is pended, and completed
    /// with this result when the handle has been used: what a reference count does for a driver in C.
    pub fn complete(self, result: O::Result) -> Answer<'a> {
        let operation = self.operation;
        match operation.gate(&result, Sealed(())) {
            Some(gate) if gate.is_held() => {
                gate.when_free(move || operation.complete(result, Sealed(())));
                Answer::new(Reply::status(Status::PENDING))
            }
            Some(_) | None => Answer::new(operation.answer(result, Sealed(()))),
        }
    }

    /// Pends: the handler returns `NDIS_STATUS_PENDING`. The completion may be used before it has returned.
    pub fn pend(self) -> (Answer<'a>, Completion<O>) {
        (Answer::new(Reply::status(Status::PENDING)), Completion { operation: Some(self.operation) })
    }
}

impl<O: Operation> fmt::Debug for Request<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({})", O::HANDLER)
    }
}

/// The duty to complete what a handler has pended, consumed by [`complete`](Completion::complete): completing twice does not
/// compile.
///
/// Dropping it means that the operation is never completed. That is no panic but a finding, as it is for a driver in C: the
/// rule that asks for the completion names this driver when everything has come to rest. The trace says where it was
/// dropped.
#[must_use = "what was pended must be completed"]
pub struct Completion<O: Operation> {
    /// None once it is used.
    operation: Option<O>,
}

impl<O: Operation> Completion<O> {
    pub(crate) fn into_operation(mut self) -> O {
        self.operation.take().expect("only this and `complete` take it, and both consume it")
    }

    /// Completes the operation, from wherever that is: the handler itself, a work item, a timer.
    pub fn complete(self, result: O::Result) {
        let operation = self.into_operation();
        match operation.gate(&result, Sealed(())) {
            Some(gate) if gate.is_held() => gate.when_free(move || operation.complete(result, Sealed(()))),
            Some(_) | None => operation.complete(result, Sealed(())),
        }
    }
}

impl<O: Operation> Drop for Completion<O> {
    fn drop(&mut self) {
        if self.operation.is_some() && engine::is_running() && !std::thread::panicking() {
            engine::print(&format!("dropped the completion of {}: nobody can complete it now", O::HANDLER));
        }
    }
}

impl<O: Operation> fmt::Debug for Completion<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Completion({})", O::HANDLER)
    }
}
