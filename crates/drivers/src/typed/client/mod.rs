//! Connection-oriented clients: they open address families, make and take calls.

mod af;
mod closing;
mod party;
mod sap;
mod vc;

pub use af::{Af, NotifyCloseAf};
pub use party::{Added, Party};
pub use sap::Sap;
pub use vc::{IncomingCall, Made, Vc};

use super::answer::{Answer, Request, result};
use super::protocol::{Binding, BindingState, Protocol};
use super::shared::Shared;
use af::AfState;
use contract::Status;
use model::block::{AddressFamily, CallParameters};
use model::{Callback, Reply, Token};
use party::PartyState;
use sap::SapState;
use std::rc::Rc;
use vc::{CallPhase, VcState};

/// A connection-oriented client.
///
/// Handlers have the names of the documentation without its prefix. NDIS calls those ending in `complete` for calls that it has pended;
/// while everything is being closed ([`Af::close_everything`]) they also end the steps that NDIS does not pend.
///
/// What most clients do the same way is the default: a client closes everything when it is asked to or unbound, hangs up when
/// the other end does, and takes no calls.
pub trait Client: Protocol {
    /// What the client keeps for each address family.
    type Af: 'static;
    /// What it keeps for each SAP.
    type Sap: 'static;
    /// What it keeps for each VC.
    type Vc: 'static;
    /// What it keeps for each party.
    type Party: 'static;

    /// `ProtocolCoAfRegisterNotify`: a call manager offers an address family. The client opens it if it wants to
    /// ([`Binding::open_address_family_ex`]). Not called while everything on the binding is being closed.
    fn co_af_register_notify(&self, binding: &Binding<Self>, family: AddressFamily);

    /// `ProtocolClOpenAfCompleteEx`: an open that was pended is over.
    fn open_af_complete_ex(&self, _binding: &Binding<Self>, _opened: Result<Af<Self>, Status>) {}

    /// `ProtocolClCloseAfComplete`: a close is over. One that fails leaves the address family open.
    fn close_af_complete(&self, _af: &Af<Self>, _result: Result<(), Status>) {}

    /// `ProtocolClNotifyCloseAf`: the call manager asks the client to close the address family. By default it closes everything on it
    /// first ([`close_everything`](Request::close_everything)).
    fn notify_close_af<'a>(&self, _af: &Af<Self>, request: Request<'a, NotifyCloseAf<Self>>) -> Answer<'a> {
        request.close_everything()
    }

    /// `ProtocolClRegisterSapComplete`: a registration that was pended is over.
    fn register_sap_complete(&self, _af: &Af<Self>, _registered: Result<Sap<Self>, Status>) {}

    /// `ProtocolClDeregisterSapComplete`: a deregistration is over.
    fn deregister_sap_complete(&self, _sap: &Sap<Self>, _result: Result<(), Status>) {}

    /// `ProtocolCoCreateVc`: the call manager creates a VC, in order to offer a call on it. Not called while everything on the address
    /// family is being closed.
    ///
    /// # Errors
    /// Why the client cannot have it. That is the default.
    fn co_create_vc(&self, _af: &Af<Self>) -> Result<Self::Vc, Status> {
        Err(Status::RESOURCES)
    }

    /// `ProtocolCoDeleteVc`: the call manager deletes a VC that it has created.
    fn co_delete_vc(&self, _vc: &Vc<Self>) {}

    /// `ProtocolClIncomingCall`: the call manager offers a call. The client turns it away by default. Not called while everything
    /// on the address family is being closed. The registration of the SAP may still be pending.
    fn incoming_call<'a>(
        &self,
        _sap: &Sap<Self>,
        _vc: &Vc<Self>,
        _parameters: CallParameters,
        request: Request<'a, IncomingCall<Self>>,
    ) -> Answer<'a> {
        request.complete(Err(Status::FAILURE))
    }

    /// `ProtocolClCallConnected`: a call that the client has accepted is connected.
    fn call_connected(&self, _vc: &Vc<Self>) {}

    /// `ProtocolClMakeCallComplete`: a call that was pended is made, or cannot be.
    fn make_call_complete(&self, _vc: &Vc<Self>, _made: Result<Made<Self>, Status>) {}

    /// `ProtocolClModifyCallQoSComplete`: a request for another quality of service is over.
    fn modify_call_qos_complete(&self, _vc: &Vc<Self>, _result: Result<CallParameters, Status>) {}

    /// `ProtocolClIncomingCallQoSChange`: the other end has changed the quality of service.
    fn incoming_call_qos_change(&self, _vc: &Vc<Self>, _parameters: CallParameters) {}

    /// `ProtocolClIncomingCloseCall`: the other end closes the call. By default the client does so, too, and deletes the VC if it is
    /// its own ([`Vc::close_everything`]).
    fn incoming_close_call(&self, vc: &Vc<Self>, _status: Status) {
        vc.close_everything();
    }

    /// `ProtocolClCloseCallComplete`: a close is over. One that fails leaves the call as it was.
    fn close_call_complete(&self, _vc: &Vc<Self>, _result: Result<(), Status>) {}

    /// `ProtocolClAddPartyComplete`: an addition that was pended is over.
    fn add_party_complete(&self, _vc: &Vc<Self>, _added: Result<Added<Self>, Status>) {}

    /// `ProtocolClDropPartyComplete`: a drop is over. One that fails leaves the party where it was.
    fn drop_party_complete(&self, _party: &Party<Self>, _result: Result<(), Status>) {}

    /// `ProtocolClIncomingDropParty`: a party has left. By default the client drops it, or closes the call if it is the last
    /// ([`Party::leave`]).
    fn incoming_drop_party(&self, party: &Party<Self>, _status: Status) {
        party.leave();
    }
}

/// Begins to close what a client has open on a binding.
pub(crate) fn close_all<C: Client>(shared: &Rc<Shared<C>>, binding: Token) {
    let Some(binding) = shared.find::<BindingState<C>>(binding).map(Binding) else { return };
    binding.address_families().iter().for_each(Af::close_everything);
}

fn af<C: Client>(shared: &Shared<C>, context: Token) -> Af<C> {
    Af(shared.get::<AfState<C>>(context))
}

fn sap<C: Client>(shared: &Shared<C>, context: Token) -> Sap<C> {
    Sap(shared.get::<SapState<C>>(context))
}

fn vc<C: Client>(shared: &Shared<C>, context: Token) -> Vc<C> {
    Vc(shared.get::<VcState<C>>(context))
}

fn party<C: Client>(shared: &Shared<C>, context: Token) -> Party<C> {
    Party(shared.get::<PartyState<C>>(context))
}

/// The handlers of a client.
pub(crate) fn handle<C: Client>(shared: &Rc<Shared<C>>, callback: &Callback) -> Reply {
    let driver = &shared.driver;
    match *callback {
        Callback::CoAfRegisterNotify { binding_context, family } => {
            let binding = Binding::of(shared, binding_context);
            if !binding.0.closing.get() {
                driver.co_af_register_notify(&binding, family);
            }
        }
        Callback::ClOpenAfCompleteEx { af_context, af: _, status } => {
            let af = af(shared, af_context);
            driver.open_af_complete_ex(af.binding(), af.opened(status));
            af.go_on();
        }
        Callback::ClCloseAfComplete { status, af_context } => {
            let af = af(shared, af_context);
            let result = af.closed(status);
            af.tell_closed(result);
        }
        Callback::ClNotifyCloseAf { af_context } => {
            let af = af(shared, af_context);
            return driver.notify_close_af(&af, Request::new(NotifyCloseAf::new(&af))).reply();
        }
        Callback::ClRegisterSapComplete { status, sap_context, specification: _, sap: _ } => {
            let sap = sap(shared, sap_context);
            driver.register_sap_complete(sap.af(), sap.registered(status));
            sap.af().go_on();
        }
        Callback::ClDeregisterSapComplete { status, sap_context } => {
            let sap = sap(shared, sap_context);
            let result = sap.deregistered(status);
            driver.deregister_sap_complete(&sap, result);
            sap.af().go_on();
        }
        Callback::CoCreateVc { af_context, vc, side: _ } => {
            let af = af(shared, af_context);
            if af.is_closing() {
                return Reply::status(Status::CLOSING);
            }
            return match driver.co_create_vc(&af) {
                Ok(context) => {
                    let vc = af.new_vc(context, Some(vc));
                    Reply::status(Status::SUCCESS).with_context(vc.0.token)
                }
                Err(status) => Reply::status(status),
            };
        }
        Callback::CoDeleteVc { vc_context, side: _ } => {
            let vc = vc(shared, vc_context);
            driver.co_delete_vc(&vc);
            vc.forget();
        }
        Callback::ClMakeCallComplete { status, vc_context, party: _, parameters } => {
            let vc = vc(shared, vc_context);
            let made = vc.made(status, parameters);
            driver.make_call_complete(&vc, made);
            vc.af().go_on();
        }
        Callback::ClModifyCallQoSComplete { status, vc_context, parameters } => {
            let vc = vc(shared, vc_context);
            driver.modify_call_qos_complete(&vc, result(status).map(|()| parameters));
        }
        Callback::ClCloseCallComplete { status, vc_context, party_context: _ } => {
            let vc = vc(shared, vc_context);
            let result = vc.call_closed(status);
            driver.close_call_complete(&vc, result);
            vc.af().go_on();
        }
        Callback::ClIncomingCall { sap_context, vc_context, parameters } => {
            let (sap, vc) = (sap(shared, sap_context), vc(shared, vc_context));
            if vc.is_closing() {
                return Reply::status(Status::FAILURE);
            }
            vc.0.call.set(CallPhase::Offered);
            let request = Request::new(IncomingCall { vc: vc.clone(), offered: parameters });
            return driver.incoming_call(&sap, &vc, parameters, request).reply();
        }
        Callback::ClCallConnected { vc_context } => {
            let vc = vc(shared, vc_context);
            if matches!(vc.0.call.get(), CallPhase::Offered | CallPhase::Accepting | CallPhase::Accepted) {
                vc.0.call.set(CallPhase::Connected);
            }
            driver.call_connected(&vc);
            vc.af().go_on();
        }
        Callback::ClIncomingCallQoSChange { vc_context, parameters } => {
            driver.incoming_call_qos_change(&vc(shared, vc_context), parameters);
        }
        Callback::ClIncomingCloseCall { status, vc_context, data: _, size: _ } => {
            let vc = vc(shared, vc_context);
            vc.0.told.set(true);
            driver.incoming_close_call(&vc, status);
            vc.af().go_on();
        }
        Callback::ClAddPartyComplete { status, party_context, party: _, parameters } => {
            let party = party(shared, party_context);
            let added = party.added(status, parameters);
            driver.add_party_complete(party.vc(), added);
            party.vc().af().go_on();
        }
        Callback::ClDropPartyComplete { status, party_context } => {
            let party = party(shared, party_context);
            let result = party.dropped(status);
            driver.drop_party_complete(&party, result);
            party.vc().af().go_on();
        }
        Callback::ClIncomingDropParty { status, party_context, data: _, size: _ } => {
            driver.incoming_drop_party(&party(shared, party_context), status);
        }
        _ => unreachable!("{} is no handler of clients", callback.ddi()),
    }
    Reply::VOID
}
