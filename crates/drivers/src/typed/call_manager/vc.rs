//! Virtual connections of a call manager, and the calls on them.

use super::{Af, Base, CallManager, Party, Sap};
use crate::typed::answer::{Operation, Outcome, Sealed, result, status};
use crate::typed::gate::Gate;
use crate::typed::parameters::{left, placed};
use crate::typed::shared::{Shared, object};
use contract::{Ddi, Status};
use model::block::CallParameters;
use model::{Call, Handle, HandleArg, OutParameter, Reply, Token};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

object! {
    /// A virtual connection (`NdisVcHandle`) to a client, which the client or the call manager has created.
    Vc<M: CallManager> = VcState, context:
    /// What the call manager keeps for the VC.
    M::Vc
}

pub(crate) struct VcState<M: CallManager> {
    pub(super) shared: Rc<Shared<M>>,
    pub(super) token: Token,
    context: M::Vc,
    af: Af<M>,
    handle: Cell<Option<Handle>>,
    /// Whether the call manager has created it.
    own: bool,
    /// Calls under way that need the handle.
    pub(super) gate: Gate,
    pub(super) parties: RefCell<Vec<Party<M>>>,
}

impl<M: CallManager> Af<M> {
    /// Creates a VC to offer a call to the client (`NdisCoCreateVc`, `NdisMCmCreateVc`).
    ///
    /// # Errors
    /// The status with which NDIS, the client or the miniport refuses.
    pub fn create_vc(&self, context: M::Vc) -> Result<Vc<M>, Status> {
        let vc = self.new_vc(context, None);
        self.0.gate.part();
        let call = self.base().create_vc(self.handle().into(), vc.0.token, Sealed(()));
        let created = result(self.0.gate.during(|| {
            engine::call(call, &mut |stored| {
                if let OutParameter::Vc(handle) = stored {
                    vc.0.handle.set(Some(handle));
                }
            })
        }));
        if created.is_err() {
            vc.forget();
        }
        created.map(|()| vc)
    }

    /// `handle` is that of a VC that the client has created.
    pub(super) fn new_vc(&self, context: M::Vc, handle: Option<Handle>) -> Vc<M> {
        let shared = &self.0.shared;
        let vc = Vc(shared.insert(|token| VcState {
            shared: Rc::clone(shared),
            token,
            context,
            af: self.clone(),
            handle: Cell::new(handle),
            own: handle.is_none(),
            gate: Gate::default(),
            parties: RefCell::default(),
        }));
        self.0.vcs.borrow_mut().insert(vc.0.token, vc.clone());
        vc
    }
}

impl<M: CallManager> Vc<M> {
    /// The address family of the client.
    pub fn af(&self) -> &Af<M> {
        &self.0.af
    }

    /// Whether the call manager has created it, and deletes it some day.
    pub fn is_own(&self) -> bool {
        self.0.own
    }

    /// The parties of the call on it.
    pub fn parties(&self) -> Vec<Party<M>> {
        self.0.parties.borrow().clone()
    }

    /// Activates the VC, or tells of changed parameters (`NdisCmActivateVc`, `NdisMCmActivateVc`).
    /// [`activate_vc_complete`](CallManager::activate_vc_complete) follows if it pends.
    pub fn activate_vc(&self, parameters: CallParameters) -> Outcome<Result<CallParameters, Status>> {
        let parameters = placed(self.kernel(), parameters);
        let mut left = parameters;
        let call = M::Base::activate_vc(self.handle(), parameters, Sealed(()));
        let status = self.during(call, |stored| {
            if let OutParameter::CallParameters(parameters) = stored {
                left = parameters;
            }
        });
        ended(status, left)
    }

    /// Deactivates the VC (`NdisCmDeactivateVc`, `NdisMCmDeactivateVc`).
    /// [`deactivate_vc_complete`](CallManager::deactivate_vc_complete) follows if it pends.
    pub fn deactivate_vc(&self) -> Outcome<Result<(), Status>> {
        ended(self.during(M::Base::deactivate_vc(self.handle(), Sealed(())), |_| {}), ())
    }

    /// Deletes the VC (`NdisCoDeleteVc`, `NdisMCmDeleteVc`), which the call manager has created. No call may be on it, and it may not be
    /// active.
    ///
    /// # Errors
    /// The status with which NDIS refuses.
    pub fn delete_vc(&self) -> Result<(), Status> {
        let deleted = result(self.during(M::Base::delete_vc(self.handle(), Sealed(())), |_| {}));
        if deleted.is_ok() {
            self.forget();
        }
        deleted
    }

    /// Offers a call to the client on this VC, which the call manager has created for it (`NdisCmDispatchIncomingCall`,
    /// `NdisMCmDispatchIncomingCall`): the parameters with which the client accepts, or why it does not.
    /// [`incoming_call_complete`](CallManager::incoming_call_complete) follows if the client pends.
    pub fn dispatch_incoming_call(
        &self,
        sap: &Sap<M>,
        parameters: CallParameters,
    ) -> Outcome<Result<CallParameters, Status>> {
        let parameters = placed(self.kernel(), parameters);
        let mut left = parameters;
        let call = Call::CmDispatchIncomingCall { sap: sap.handle().into(), vc: self.handle(), parameters };
        let status = sap.0.gate.during(|| {
            self.during(call, |stored| {
                if let OutParameter::CallParameters(parameters) = stored {
                    left = parameters;
                }
            })
        });
        ended(status, left)
    }

    /// Tells the client that a call which it has accepted is connected (`NdisCmDispatchCallConnected`,
    /// `NdisMCmDispatchCallConnected`).
    pub fn dispatch_call_connected(&self) {
        self.during(Call::CmDispatchCallConnected { vc: self.handle() }, |_| {});
    }

    /// Tells the client of another quality of service (`NdisCmDispatchIncomingCallQoSChange`,
    /// `NdisMCmDispatchIncomingCallQoSChange`).
    pub fn dispatch_incoming_call_qos_change(&self, parameters: CallParameters) {
        let parameters = placed(self.kernel(), parameters);
        self.during(Call::CmDispatchIncomingCallQoSChange { vc: self.handle(), parameters }, |_| {});
    }

    /// Tells the client that the other end closes the call (`NdisCmDispatchIncomingCloseCall`,
    /// `NdisMCmDispatchIncomingCloseCall`).
    pub fn dispatch_incoming_close_call(&self, status: Status) {
        let call =
            Call::CmDispatchIncomingCloseCall { status, vc: self.handle(), data: Token::NULL, size: 0 };
        self.during(call, |_| {});
    }

    pub(in crate::typed) fn handle(&self) -> HandleArg {
        self.0.handle.get().map_or(HandleArg::Null, HandleArg::Known)
    }

    /// Makes a call with the VC's handle, which lives on meanwhile.
    fn during(&self, call: Call, mut store: impl FnMut(OutParameter)) -> Status {
        self.0.gate.during(|| engine::call(call, &mut store))
    }

    /// Does something with the VC's handle, which lives on meanwhile.
    pub(in crate::typed) fn held<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.gate.during(work)
    }

    /// The VC is gone.
    pub(super) fn forget(&self) {
        self.0.shared.remove(self.0.token);
        self.0.af.0.vcs.borrow_mut().remove(&self.0.token);
        if self.0.own {
            self.0.af.0.gate.part_gone();
        }
    }
}

fn ended<T>(status: Status, value: T) -> Outcome<Result<T, Status>> {
    match status {
        Status::PENDING => Outcome::Pending,
        status => Outcome::Done(result(status).map(|()| value)),
    }
}

/// `ProtocolCmMakeCall`, completed by `NdisCmMakeCallComplete` or `NdisMCmMakeCallComplete`: how the call was made, or why it cannot be.
pub struct MakeCall<M: CallManager> {
    pub(super) vc: Vc<M>,
    pub(super) asked: CallParameters,
    pub(super) party: HandleArg,
}

/// A call that was made.
#[derive(Clone, Copy, Debug)]
pub struct Connected<P> {
    /// The parameters that hold for it.
    pub parameters: CallParameters,
    /// What the call manager keeps for the first party of a multipoint call.
    pub party: Option<P>,
}

impl<P> From<CallParameters> for Connected<P> {
    /// A point-to-point call.
    fn from(parameters: CallParameters) -> Connected<P> {
        Connected { parameters, party: None }
    }
}

impl<M: CallManager> MakeCall<M> {
    fn party(&self, context: Option<M::Party>) -> Token {
        match (context, self.party) {
            (Some(context), HandleArg::Known(handle)) => self.vc.new_party(handle, context).0.token,
            (Some(_), HandleArg::Null | HandleArg::Unknown(_)) | (None, _) => Token::NULL,
        }
    }
}

impl<M: CallManager> Operation for MakeCall<M> {
    type Result = Result<Connected<M::Party>, Status>;
    const HANDLER: Ddi = Ddi::ProtocolCmMakeCall;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        match result {
            Ok(Connected { parameters, party }) => Reply {
                parameters: left(self.asked, parameters),
                ..Reply::status(Status::SUCCESS).with_context(self.party(party))
            },
            Err(status) => Reply::status(status),
        }
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let status = status(&result);
        let (parameters, party_context) = match result {
            Ok(Connected { parameters, party }) => (left(self.asked, parameters), self.party(party)),
            Err(_) => (self.asked, Token::NULL),
        };
        let MakeCall { vc, party, .. } = &self;
        let call =
            Call::CmMakeCallComplete { status, vc: vc.handle(), party: *party, party_context, parameters };
        vc.during(call, |_| {});
    }
}

/// `ProtocolCmModifyCallQoS`, completed by `NdisCmModifyCallQoSComplete` or `NdisMCmModifyCallQoSComplete`: the parameters that
/// hold from now on, or why those from before do.
pub struct ModifyCallQos<M: CallManager> {
    pub(super) vc: Vc<M>,
    pub(super) asked: CallParameters,
}

impl<M: CallManager> Operation for ModifyCallQos<M> {
    type Result = Result<CallParameters, Status>;
    const HANDLER: Ddi = Ddi::ProtocolCmModifyCallQoS;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        let parameters = result.map_or(CallParameters::NULL, |parameters| left(self.asked, parameters));
        Reply { parameters, ..Reply::status(status(&result)) }
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let ModifyCallQos { vc, asked } = &self;
        let parameters = result.map_or(*asked, |parameters| left(*asked, parameters));
        let call = Call::CmModifyCallQoSComplete { status: status(&result), vc: vc.handle(), parameters };
        vc.during(call, |_| {});
    }
}

/// `ProtocolCmCloseCall`, completed by `NdisCmCloseCallComplete` or `NdisMCmCloseCallComplete`. The VC must be deactivated by then.
pub struct CloseCall<M: CallManager> {
    pub(super) vc: Vc<M>,
    pub(super) last: Option<Party<M>>,
}

impl<M: CallManager> CloseCall<M> {
    /// Whatever parties there still were, there are none any more.
    fn forget_parties(&self, result: &Result<(), Status>) {
        if result.is_ok() {
            self.vc.parties().iter().for_each(Party::forget);
        }
    }
}

impl<M: CallManager> Operation for CloseCall<M> {
    type Result = Result<(), Status>;
    const HANDLER: Ddi = Ddi::ProtocolCmCloseCall;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        self.forget_parties(&result);
        Reply::status(status(&result))
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        self.forget_parties(&result);
        let party = self.last.as_ref().map_or(HandleArg::Null, |last| last.handle().into());
        let status = status(&result);
        self.vc.during(Call::CmCloseCallComplete { status, vc: self.vc.handle(), party }, |_| {});
    }

    fn gate(&self, result: &Self::Result, _: Sealed) -> Option<Gate> {
        result.is_ok().then(|| self.vc.0.gate.clone())
    }
}
