//! Parties of a client's multipoint calls.

use super::{Client, Vc};
use crate::typed::answer::{Outcome, result};
use crate::typed::parameters::placed;
use crate::typed::shared::{Shared, object};
use contract::Status;
use model::block::CallParameters;
use model::{Call, HandleArg, OutParameter, Token};
use std::cell::Cell;
use std::rc::Rc;

object! {
    /// A party of a multipoint call that the client has made (`NdisPartyHandle`).
    Party<C: Client> = PartyState, context:
    /// What the client keeps for the party.
    C::Party
}

pub(crate) struct PartyState<C: Client> {
    pub(super) shared: Rc<Shared<C>>,
    pub(super) token: Token,
    context: C::Party,
    vc: Vc<C>,
    handle: Cell<HandleArg>,
    pub(super) phase: Cell<Phase>,
    /// Whether it is to be dropped as soon as that is allowed.
    pub(super) leaving: Cell<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Adding,
    There,
    Dropping,
    Gone,
}

/// A party that was added.
pub struct Added<C: Client> {
    /// The party.
    pub party: Party<C>,
    /// The parameters, as the call manager has left them.
    pub parameters: CallParameters,
}

impl<C: Client> Vc<C> {
    /// Adds a party to the multipoint call on the VC (`NdisClAddParty`). [`add_party_complete`](Client::add_party_complete) follows if it
    /// pends.
    pub fn add_party(
        &self,
        parameters: CallParameters,
        context: C::Party,
    ) -> Outcome<Result<Added<C>, Status>> {
        if self.is_closing() {
            return Outcome::Done(Err(Status::CLOSING));
        }
        let party = self.new_party(context);
        let parameters = placed(self.kernel(), parameters);
        let call = Call::ClAddParty { vc: self.handle(), party_context: party.0.token, parameters };
        let mut left = parameters;
        self.during(|| match engine::call(call, &mut |stored| party.store(stored, &mut left)) {
            Status::PENDING => Outcome::Pending,
            status => Outcome::Done(party.added(status, left)),
        })
    }

    pub(super) fn new_party(&self, context: C::Party) -> Party<C> {
        let shared = &self.0.shared;
        let party = Party(shared.insert(|token| PartyState {
            shared: Rc::clone(shared),
            token,
            context,
            vc: self.clone(),
            handle: Cell::new(HandleArg::Null),
            phase: Cell::new(Phase::Adding),
            leaving: Cell::new(false),
        }));
        self.0.parties.borrow_mut().push(party.clone());
        party
    }
}

impl<C: Client> Party<C> {
    /// The VC of the call.
    pub fn vc(&self) -> &Vc<C> {
        &self.0.vc
    }

    /// Drops the party (`NdisClDropParty`), which must not be the last. [`drop_party_complete`](Client::drop_party_complete) follows if
    /// it pends.
    pub fn drop_party(&self) -> Outcome<Result<(), Status>> {
        if self.0.vc.is_closing() {
            return if self.0.phase.get() == Phase::Gone { Outcome::Done(Ok(())) } else { Outcome::Pending };
        }
        self.drop_now()
    }

    pub(super) fn drop_now(&self) -> Outcome<Result<(), Status>> {
        self.0.phase.set(Phase::Dropping);
        let call = Call::ClDropParty { party: self.handle(), data: Token::NULL, size: 0 };
        self.0.vc.af().during(|| match engine::call(call, &mut |_| {}) {
            Status::PENDING => Outcome::Pending,
            status => Outcome::Done(self.dropped(status)),
        })
    }

    pub(super) fn handle(&self) -> HandleArg {
        self.0.handle.get()
    }

    pub(super) fn store(&self, stored: OutParameter, left: &mut CallParameters) {
        match stored {
            OutParameter::Party(handle) => self.0.handle.set(handle),
            OutParameter::CallParameters(parameters) => *left = parameters,
            _ => {}
        }
    }

    /// The addition is over.
    pub(super) fn added(&self, status: Status, parameters: CallParameters) -> Result<Added<C>, Status> {
        match result(status) {
            Ok(()) => {
                self.there();
                Ok(Added { party: self.clone(), parameters })
            }
            Err(status) => {
                self.forget();
                Err(status)
            }
        }
    }

    pub(super) fn there(&self) {
        self.0.phase.set(Phase::There);
    }

    /// The drop is over. One that fails leaves the party where it was.
    pub(super) fn dropped(&self, status: Status) -> Result<(), Status> {
        let result = result(status);
        match result {
            Ok(()) => self.forget(),
            Err(_) => {
                self.there();
                self.0.vc.af().refused(self.0.vc.is_closing() || self.0.leaving.get());
            }
        }
        result
    }

    pub(super) fn forget(&self) {
        self.0.phase.set(Phase::Gone);
        self.0.shared.remove(self.0.token);
        self.0.vc.0.parties.borrow_mut().retain(|party| party != self);
    }
}
