//! Call managers: they offer address families to clients, set up the clients' calls, and offer them calls.

mod af;
mod base;
mod party;
mod sap;
mod vc;

pub use af::{Af, CloseAf, OpenAf};
pub use base::Base;
pub use party::{AddParty, DropParty, Party};
pub use sap::{DeregisterSap, RegisterSap, Sap};
pub use vc::{CloseCall, Connected, MakeCall, ModifyCallQos, Vc};

use super::answer::{Answer, Request, Sealed, result};
use super::shared::Shared;
use af::AfState;
use contract::Status;
use model::block::{AddressFamily, CallParameters, Sap as Specification};
use model::{Callback, HandleArg, Reply, Token};
use party::PartyState;
use sap::SapState;
use std::rc::Rc;
use vc::VcState;

/// A call manager: stand-alone if it is a [`Protocol`](super::Protocol), an MCM if it is a [`Miniport`](super::Miniport).
///
/// Handlers have the names of the documentation without its prefix. Those that get a [`Request`] may pend it.
pub trait CallManager: Sized + 'static {
    /// What it offers its address families on: `Binding<Self>` for a stand-alone call manager, `Adapter<Self>` for an MCM.
    type Base: Base<Self>;
    /// What it keeps for each client.
    type Af: 'static;
    /// What it keeps for each SAP.
    type Sap: 'static;
    /// What it keeps for each VC.
    type Vc: 'static;
    /// What it keeps for each party.
    type Party: 'static;

    /// `ProtocolCmOpenAf`: a client opens an address family. Not called while the base is being closed.
    fn open_af<'a>(
        &self,
        base: &Self::Base,
        family: AddressFamily,
        request: Request<'a, OpenAf<Self>>,
    ) -> Answer<'a>;

    /// `ProtocolCmCloseAf`: a client closes an address family.
    fn close_af<'a>(&self, _af: &Af<Self>, request: Request<'a, CloseAf<Self>>) -> Answer<'a> {
        request.complete(Ok(()))
    }

    /// `ProtocolCmNotifyCloseAfComplete`: a client has answered [`Af::notify_close_address_family`]. When everything is being closed,
    /// also if it did not pend.
    fn notify_close_af_complete(&self, _af: &Af<Self>, _result: Result<(), Status>) {}

    /// `ProtocolCmRegisterSap`: a client registers a SAP. One that another client holds is refused with
    /// `NDIS_STATUS_INVALID_DATA`.
    fn register_sap<'a>(
        &self,
        af: &Af<Self>,
        specification: Specification,
        request: Request<'a, RegisterSap<Self>>,
    ) -> Answer<'a>;

    /// `ProtocolCmDeregisterSap`: a client takes a SAP back.
    fn deregister_sap<'a>(&self, _sap: &Sap<Self>, request: Request<'a, DeregisterSap<Self>>) -> Answer<'a> {
        request.complete(Ok(()))
    }

    /// `ProtocolCoCreateVc`: a client creates a VC, in order to make calls on it.
    ///
    /// # Errors
    /// Why it cannot have it.
    fn co_create_vc(&self, af: &Af<Self>) -> Result<Self::Vc, Status>;

    /// `ProtocolCoDeleteVc`: a client deletes a VC that it has created.
    fn co_delete_vc(&self, _vc: &Vc<Self>) {}

    /// `ProtocolCmActivateVcComplete`: an activation that was pended is over.
    fn activate_vc_complete(&self, _vc: &Vc<Self>, _result: Result<CallParameters, Status>) {}

    /// `ProtocolCmDeactivateVcComplete`: a deactivation that was pended is over.
    fn deactivate_vc_complete(&self, _vc: &Vc<Self>, _result: Result<(), Status>) {}

    /// `ProtocolCmMakeCall`: a client makes a call. The VC must be active when the call is made.
    fn make_call<'a>(
        &self,
        vc: &Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, MakeCall<Self>>,
    ) -> Answer<'a>;

    /// `ProtocolCmModifyCallQoS`: a client asks for another quality of service. The VC must be activated with the new parameters
    /// before they hold. Refused by default.
    fn modify_call_qos<'a>(
        &self,
        _vc: &Vc<Self>,
        _parameters: CallParameters,
        request: Request<'a, ModifyCallQos<Self>>,
    ) -> Answer<'a> {
        request.complete(Err(Status::FAILURE))
    }

    /// `ProtocolCmCloseCall`: a client closes a call, which has one party left if it is a multipoint call. The VC must be deactivated
    /// when the call is closed.
    fn close_call<'a>(
        &self,
        vc: &Vc<Self>,
        last: Option<&Party<Self>>,
        request: Request<'a, CloseCall<Self>>,
    ) -> Answer<'a>;

    /// `ProtocolCmIncomingCallComplete`: a client has answered an offer that it had pended.
    fn incoming_call_complete(&self, _vc: &Vc<Self>, _result: Result<CallParameters, Status>) {}

    /// `ProtocolCmAddParty`: a client adds a party to a multipoint call. Refused by default.
    fn add_party<'a>(
        &self,
        _vc: &Vc<Self>,
        _parameters: CallParameters,
        request: Request<'a, AddParty<Self>>,
    ) -> Answer<'a> {
        request.complete(Err(Status::FAILURE))
    }

    /// `ProtocolCmDropParty`: a client drops a party.
    fn drop_party<'a>(&self, _party: &Party<Self>, request: Request<'a, DropParty<Self>>) -> Answer<'a> {
        request.complete(Ok(()))
    }
}

/// Asks the clients on a base to close.
pub(crate) fn close_all<M: CallManager>(shared: &Rc<Shared<M>>, base: Token) {
    let Some(base) = M::Base::find(shared, base, Sealed(())) else { return };
    base::clients(shared, &base).iter().for_each(Af::close);
}

fn af<M: CallManager>(shared: &Shared<M>, context: Token) -> Af<M> {
    Af(shared.get::<AfState<M>>(context))
}

fn vc<M: CallManager>(shared: &Shared<M>, context: Token) -> Vc<M> {
    Vc(shared.get::<VcState<M>>(context))
}

fn party<M: CallManager>(shared: &Shared<M>, context: Token) -> Party<M> {
    Party(shared.get::<PartyState<M>>(context))
}

/// The handlers of a call manager.
pub(crate) fn handle<M: CallManager>(shared: &Rc<Shared<M>>, callback: &Callback) -> Reply {
    let driver = &shared.driver;
    let answer = match *callback {
        Callback::CmOpenAf { binding_context, family, af: handle } => {
            let base = M::Base::of(shared, binding_context, Sealed(()));
            if base.is_closing(Sealed(())) {
                return Reply::status(Status::FAILURE);
            }
            base.holds(Sealed(())).hold();
            let operation = OpenAf { shared: Rc::clone(shared), base: base.clone(), family, handle };
            driver.open_af(&base, family, Request::new(operation))
        }
        Callback::CmCloseAf { af_context } => {
            let af = af(shared, af_context);
            af.begin_close();
            driver.close_af(&af, Request::new(CloseAf { af: af.clone() }))
        }
        Callback::CmNotifyCloseAfComplete { af_context, status } => {
            let af = af(shared, af_context);
            driver.notify_close_af_complete(&af, result(status));
            af.answered();
            return Reply::VOID;
        }
        Callback::CmRegisterSap { af_context, specification, sap } => {
            let af = af(shared, af_context);
            driver.register_sap(&af, specification, Request::new(RegisterSap::new(&af, specification, sap)))
        }
        Callback::CmDeregisterSap { sap_context } => {
            let sap = Sap(shared.get::<SapState<M>>(sap_context));
            driver.deregister_sap(&sap, Request::new(DeregisterSap { sap: sap.clone() }))
        }
        Callback::CoCreateVc { af_context, vc, side: _ } => {
            let af = af(shared, af_context);
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
            return Reply::VOID;
        }
        Callback::CmActivateVcComplete { status, vc_context, parameters } => {
            driver.activate_vc_complete(&vc(shared, vc_context), result(status).map(|()| parameters));
            return Reply::VOID;
        }
        Callback::CmDeactivateVcComplete { status, vc_context } => {
            driver.deactivate_vc_complete(&vc(shared, vc_context), result(status));
            return Reply::VOID;
        }
        Callback::CmMakeCall { vc_context, parameters, party } => {
            let vc = vc(shared, vc_context);
            let operation = MakeCall { vc: vc.clone(), asked: parameters, party };
            driver.make_call(&vc, parameters, Request::new(operation))
        }
        Callback::CmModifyCallQoS { vc_context, parameters } => {
            let vc = vc(shared, vc_context);
            let operation = ModifyCallQos { vc: vc.clone(), asked: parameters };
            driver.modify_call_qos(&vc, parameters, Request::new(operation))
        }
        Callback::CmCloseCall { vc_context, party_context, data: _, size: _ } => {
            let vc = vc(shared, vc_context);
            let last = (party_context != Token::NULL).then(|| party(shared, party_context));
            let operation = CloseCall { vc: vc.clone(), last: last.clone() };
            driver.close_call(&vc, last.as_ref(), Request::new(operation))
        }
        Callback::CmIncomingCallComplete { status, vc_context, parameters } => {
            driver.incoming_call_complete(&vc(shared, vc_context), result(status).map(|()| parameters));
            return Reply::VOID;
        }
        Callback::CmAddParty { vc_context, parameters, party } => {
            let vc = vc(shared, vc_context);
            let operation = AddParty { vc: vc.clone(), asked: parameters, handle: party };
            driver.add_party(&vc, parameters, Request::new(operation))
        }
        Callback::CmDropParty { party_context, data: _, size: _ } => {
            let party = party(shared, party_context);
            driver.drop_party(&party, Request::new(DropParty { party: party.clone() }))
        }
        _ => unreachable!("{} is no handler of call managers", callback.ddi()),
    };
    answer.reply()
}

impl<M: CallManager> Request<'_, MakeCall<M>> {
    /// Whether the call has parties: it is then to be made with what the call manager keeps for the first.
    pub fn is_multipoint(&self) -> bool {
        self.operation.party != HandleArg::Null
    }
}
