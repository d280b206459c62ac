//! Parties of multipoint calls, as a call manager has them.

use super::{CallManager, Vc};
use crate::typed::answer::{Operation, Sealed, status};
use crate::typed::gate::Gate;
use crate::typed::parameters::left;
use crate::typed::shared::{Shared, object};
use contract::{Ddi, Status};
use model::block::CallParameters;
use model::{Call, Handle, Reply, Token};
use std::rc::Rc;

object! {
    /// A party of a client's multipoint call (`NdisPartyHandle`).
    Party<M: CallManager> = PartyState, context:
    /// What the call manager keeps for the party.
    M::Party
}

pub(crate) struct PartyState<M: CallManager> {
    shared: Rc<Shared<M>>,
    pub(super) token: Token,
    context: M::Party,
    vc: Vc<M>,
    handle: Handle,
    /// Calls under way that need the handle.
    gate: Gate,
}

impl<M: CallManager> Vc<M> {
    pub(super) fn new_party(&self, handle: Handle, context: M::Party) -> Party<M> {
        let shared = &self.0.shared;
        let party = Party(shared.insert(|token| PartyState {
            shared: Rc::clone(shared),
            token,
            context,
            vc: self.clone(),
            handle,
            gate: Gate::default(),
        }));
        self.0.parties.borrow_mut().push(party.clone());
        party
    }
}

impl<M: CallManager> Party<M> {
    /// The VC of the call.
    pub fn vc(&self) -> &Vc<M> {
        &self.0.vc
    }

    /// Tells the client that the party has left (`NdisCmDispatchIncomingDropParty`, `NdisMCmDispatchIncomingDropParty`). It must not be
    /// the last.
    pub fn dispatch_incoming_drop_party(&self, status: Status) {
        let party = self.0.handle.into();
        let call = Call::CmDispatchIncomingDropParty { status, party, data: Token::NULL, size: 0 };
        self.0.gate.during(|| engine::call(call, &mut |_| {}));
    }

    pub(super) fn handle(&self) -> Handle {
        self.0.handle
    }

    pub(super) fn forget(&self) {
        self.0.shared.remove(self.0.token);
        self.0.vc.0.parties.borrow_mut().retain(|party| party != self);
    }
}

/// `ProtocolCmAddParty`, completed by `NdisCmAddPartyComplete` or `NdisMCmAddPartyComplete`: the parameters that hold for the party and
/// what the call manager keeps for it, or why it cannot be added.
pub struct AddParty<M: CallManager> {
    pub(super) vc: Vc<M>,
    pub(super) asked: CallParameters,
    pub(super) handle: Handle,
}

impl<M: CallManager> Operation for AddParty<M> {
    type Result = Result<(CallParameters, M::Party), Status>;
    const HANDLER: Ddi = Ddi::ProtocolCmAddParty;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        match result {
            Ok((parameters, context)) => {
                let party = self.vc.new_party(self.handle, context);
                let parameters = left(self.asked, parameters);
                Reply { parameters, ..Reply::status(Status::SUCCESS).with_context(party.0.token) }
            }
            Err(status) => Reply::status(status),
        }
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let AddParty { vc, asked, handle } = self;
        let status = status(&result);
        let (parameters, party_context) = match result {
            Ok((parameters, context)) => (left(asked, parameters), vc.new_party(handle, context).0.token),
            Err(_) => (asked, Token::NULL),
        };
        let call = Call::CmAddPartyComplete { status, party: handle.into(), party_context, parameters };
        vc.0.gate.during(|| engine::call(call, &mut |_| {}));
    }
}

/// `ProtocolCmDropParty`, completed by `NdisCmDropPartyComplete` or `NdisMCmDropPartyComplete`.
pub struct DropParty<M: CallManager> {
    pub(super) party: Party<M>,
}

impl<M: CallManager> Operation for DropParty<M> {
    type Result = Result<(), Status>;
    const HANDLER: Ddi = Ddi::ProtocolCmDropParty;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        if result.is_ok() {
            self.party.forget();
        }
        Reply::status(status(&result))
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        if result.is_ok() {
            self.party.forget();
        }
        let call = Call::CmDropPartyComplete { status: status(&result), party: self.party.handle().into() };
        self.party.vc().0.gate.during(|| engine::call(call, &mut |_| {}));
    }

    fn gate(&self, result: &Self::Result, _: Sealed) -> Option<Gate> {
        result.is_ok().then(|| self.party.0.gate.clone())
    }
}
