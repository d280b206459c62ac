//! Virtual connections of a client, and the calls on them.

use super::{Af, Client, Party};
use crate::typed::answer::{Operation, Outcome, Sealed, result, status};
use crate::typed::parameters::{left, placed};
use crate::typed::shared::{Shared, object};
use contract::{Ddi, Status};
use model::block::CallParameters;
use model::{Call, Handle, HandleArg, OutParameter, Reply, Token};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

object! {
    /// A virtual connection (`NdisVcHandle`), which the client or its call manager has created.
    Vc<C: Client> = VcState, context:
    /// What the client keeps for the VC.
    C::Vc
}

pub(crate) struct VcState<C: Client> {
    pub(super) shared: Rc<Shared<C>>,
    pub(super) token: Token,
    context: C::Vc,
    af: Af<C>,
    handle: Cell<Option<Handle>>,
    /// Whether the client has created it.
    pub(super) own: bool,
    /// How many calls of the client's are under way on it that no phase tells of.
    busy: Cell<u32>,
    /// Whether the client has deleted it, or is doing so.
    pub(super) deleted: Cell<bool>,
    pub(super) call: Cell<CallPhase>,
    /// The phase before the client began to close the call.
    before: Cell<CallPhase>,
    /// Whether the client was told that the other end closes.
    pub(super) told: Cell<bool>,
    /// Whether the call and the VC are being closed.
    pub(super) closing: Cell<bool>,
    /// How often the call manager has not been ready for the deletion.
    pub(super) refusals: Cell<u32>,
    pub(super) parties: RefCell<Vec<Party<C>>>,
}

/// The call on a VC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CallPhase {
    None,
    Making,
    /// Offered, and not answered.
    Offered,
    /// Accepted, but NDIS may not know yet.
    Accepting,
    /// Accepted, and not connected.
    Accepted,
    Connected,
    /// `NdisClCloseCall`.
    Closing,
}

/// A call that was made.
pub struct Made<C: Client> {
    /// The parameters, as the call manager has left them.
    pub parameters: CallParameters,
    /// The first party of a multipoint call.
    pub party: Option<Party<C>>,
}

impl<C: Client> Af<C> {
    /// Creates a VC (`NdisCoCreateVc`).
    ///
    /// # Errors
    /// The status with which NDIS, the call manager or the miniport refuses.
    pub fn create_vc(&self, context: C::Vc) -> Result<Vc<C>, Status> {
        if self.is_closing() {
            return Err(Status::CLOSING);
        }
        let vc = self.new_vc(context, None);
        let call = Call::CoCreateVc {
            binding: self.binding().handle(),
            af: self.handle(),
            vc_context: vc.0.token,
            vc: HandleArg::Null,
        };
        vc.during(|| {
            let created = result(engine::call(call, &mut |stored| {
                if let OutParameter::Vc(handle) = stored {
                    vc.0.handle.set(Some(handle));
                }
            }));
            if created.is_err() {
                vc.forget();
            }
            created.map(|()| vc.clone())
        })
    }

    /// `handle` is that of a VC that the call manager has created.
    pub(super) fn new_vc(&self, context: C::Vc, handle: Option<Handle>) -> Vc<C> {
        let shared = &self.0.shared;
        let vc = Vc(shared.insert(|token| VcState {
            shared: Rc::clone(shared),
            token,
            context,
            af: self.clone(),
            handle: Cell::new(handle),
            own: handle.is_none(),
            busy: Cell::new(0),
            deleted: Cell::new(false),
            call: Cell::new(CallPhase::None),
            before: Cell::new(CallPhase::None),
            told: Cell::new(false),
            closing: Cell::new(false),
            refusals: Cell::new(0),
            parties: RefCell::default(),
        }));
        self.0.vcs.borrow_mut().insert(vc.0.token, vc.clone());
        vc
    }
}

impl<C: Client> Vc<C> {
    /// The address family on which it was created.
    pub fn af(&self) -> &Af<C> {
        &self.0.af
    }

    /// The parties of the call on it, also those that are being added or dropped.
    pub fn parties(&self) -> Vec<Party<C>> {
        self.0.parties.borrow().clone()
    }

    /// Whether the client has created it, and deletes it some day.
    pub fn is_own(&self) -> bool {
        self.0.own
    }

    /// Whether the call on it is being closed by [`close_everything`](Vc::close_everything).
    pub fn is_closing(&self) -> bool {
        self.0.closing.get() || self.0.af.is_closing()
    }

    /// Makes a point-to-point call (`NdisClMakeCall`). [`make_call_complete`](Client::make_call_complete) follows if it pends.
    pub fn make_call(&self, parameters: CallParameters) -> Outcome<Result<Made<C>, Status>> {
        self.make(parameters, None)
    }

    /// Makes a multipoint call with its first party (`NdisClMakeCall`). [`make_call_complete`](Client::make_call_complete) follows if it
    /// pends.
    pub fn make_multipoint_call(
        &self,
        parameters: CallParameters,
        context: C::Party,
    ) -> Outcome<Result<Made<C>, Status>> {
        self.make(parameters, Some(context))
    }

    fn make(&self, parameters: CallParameters, party: Option<C::Party>) -> Outcome<Result<Made<C>, Status>> {
        if self.is_closing() {
            return Outcome::Done(Err(Status::CLOSING));
        }
        self.0.call.set(CallPhase::Making);
        let party = party.map(|context| self.new_party(context));
        let parameters = placed(self.kernel(), parameters);
        let party_context = party.as_ref().map_or(Token::NULL, |party| party.0.token);
        let call = Call::ClMakeCall { vc: self.handle(), parameters, party_context };
        let mut left = parameters;
        self.0.af.during(|| {
            let status = engine::call(call, &mut |stored| match (&party, stored) {
                (Some(party), stored) => party.store(stored, &mut left),
                (None, OutParameter::CallParameters(parameters)) => left = parameters,
                (None, _) => {}
            });
            match status {
                Status::PENDING => Outcome::Pending,
                status => Outcome::Done(self.made(status, left)),
            }
        })
    }

    /// Asks for another quality of service (`NdisClModifyCallQoS`).
    /// [`modify_call_qos_complete`](Client::modify_call_qos_complete) follows if it pends.
    pub fn modify_call_qos(&self, parameters: CallParameters) -> Outcome<Result<CallParameters, Status>> {
        if self.is_closing() {
            return Outcome::Done(Err(Status::CLOSING));
        }
        self.during(|| {
            let parameters = placed(self.kernel(), parameters);
            let mut left = parameters;
            let call = Call::ClModifyCallQoS { vc: self.handle(), parameters };
            let status = engine::call(call, &mut |stored| {
                if let OutParameter::CallParameters(parameters) = stored {
                    left = parameters;
                }
            });
            match status {
                Status::PENDING => Outcome::Pending,
                status => Outcome::Done(result(status).map(|()| left)),
            }
        })
    }

    /// Closes the call (`NdisClCloseCall`), a multipoint call with its last party. [`close_call_complete`](Client::close_call_complete)
    /// follows if it pends.
    pub fn close_call(&self, last: Option<&Party<C>>) -> Outcome<Result<(), Status>> {
        match self.0.call.get() {
            CallPhase::Closing if self.is_closing() => Outcome::Pending,
            CallPhase::None if self.is_closing() => Outcome::Done(Ok(())),
            CallPhase::None
            | CallPhase::Making
            | CallPhase::Offered
            | CallPhase::Accepting
            | CallPhase::Accepted
            | CallPhase::Connected
            | CallPhase::Closing => self.close_now(last),
        }
    }

    pub(super) fn close_now(&self, last: Option<&Party<C>>) -> Outcome<Result<(), Status>> {
        self.0.before.set(self.0.call.replace(CallPhase::Closing));
        let party = last.map_or(HandleArg::Null, Party::handle);
        let call = Call::ClCloseCall { vc: self.handle(), party, data: Token::NULL, size: 0 };
        self.0.af.during(|| match engine::call(call, &mut |_| {}) {
            Status::PENDING => Outcome::Pending,
            status => Outcome::Done(self.call_closed(status)),
        })
    }

    /// Deletes the VC (`NdisCoDeleteVc`), which the client has created. No call may be on it.
    ///
    /// # Errors
    /// The status with which NDIS refuses: the call manager has not deactivated the VC yet.
    pub fn delete_vc(&self) -> Result<(), Status> {
        if self.is_closing() && self.0.deleted.get() {
            return Ok(());
        }
        self.0.deleted.set(true);
        self.0.af.during(|| {
            let deleted = result(engine::call(Call::CoDeleteVc { vc: self.handle() }, &mut |_| {}));
            match deleted {
                Ok(()) => self.forget(),
                Err(_) => {
                    self.0.deleted.set(false);
                    self.0.refusals.set(self.0.refusals.get() + 1);
                    self.0.af.refused(self.is_closing());
                }
            }
            deleted
        })
    }

    pub(in crate::typed) fn handle(&self) -> HandleArg {
        self.0.handle.get().map_or(HandleArg::Null, HandleArg::Known)
    }

    /// Makes a call that concerns the VC: nothing on it is closed meanwhile.
    pub(in crate::typed) fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        self.0.af.during(|| {
            self.0.busy.set(self.0.busy.get() + 1);
            let result = call();
            self.0.busy.set(self.0.busy.get() - 1);
            result
        })
    }

    pub(super) fn is_busy(&self) -> bool {
        self.0.busy.get() > 0
    }

    /// The making of a call is over.
    pub(super) fn made(&self, status: Status, parameters: CallParameters) -> Result<Made<C>, Status> {
        let party = self.0.parties.borrow().first().cloned();
        // A close may have overtaken it, and then ends the call.
        let making = self.0.call.get() == CallPhase::Making;
        match result(status) {
            Ok(()) => {
                if making {
                    self.0.call.set(CallPhase::Connected);
                }
                if let Some(party) = &party {
                    party.there();
                }
                Ok(Made { parameters, party })
            }
            Err(status) => {
                if making {
                    self.0.call.set(CallPhase::None);
                }
                if let Some(party) = party {
                    party.forget();
                }
                Err(status)
            }
        }
    }

    /// A close of the call is over. One that fails leaves it as it was.
    pub(super) fn call_closed(&self, status: Status) -> Result<(), Status> {
        let result = result(status);
        match result {
            Ok(()) => {
                self.0.call.set(CallPhase::None);
                self.0.told.set(false);
                self.parties().iter().for_each(Party::forget);
            }
            Err(_) => {
                self.0.call.set(self.0.before.get());
                self.0.af.refused(self.is_closing());
            }
        }
        result
    }

    /// The offer of a call was answered.
    fn answered(&self, accepted: bool) {
        // A close may have overtaken the answer.
        if self.0.call.get() == CallPhase::Offered {
            self.0.call.set(if accepted { CallPhase::Accepting } else { CallPhase::None });
        }
    }

    /// The VC is gone.
    pub(super) fn forget(&self) {
        self.0.deleted.set(true);
        self.0.shared.remove(self.0.token);
        self.0.af.0.vcs.borrow_mut().remove(&self.0.token);
    }
}

/// `ProtocolClIncomingCall`, completed by `NdisClIncomingCallComplete`: the parameters to accept the call with, or the error with
/// which it is turned away.
pub struct IncomingCall<C: Client> {
    pub(super) vc: Vc<C>,
    pub(super) offered: CallParameters,
}

impl<C: Client> Operation for IncomingCall<C> {
    type Result = Result<CallParameters, Status>;
    const HANDLER: Ddi = Ddi::ProtocolClIncomingCall;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        self.vc.answered(result.is_ok());
        let parameters = result.map_or(CallParameters::NULL, |parameters| left(self.offered, parameters));
        Reply { parameters, ..Reply::status(status(&result)) }
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let IncomingCall { vc, offered } = self;
        vc.answered(result.is_ok());
        let call = Call::ClIncomingCallComplete {
            status: status(&result),
            vc: vc.handle(),
            parameters: result.map_or(offered, |parameters| left(offered, parameters)),
        };
        vc.0.af.during(|| {
            engine::call(call, &mut |_| {});
            if vc.0.call.get() == CallPhase::Accepting {
                vc.0.call.set(CallPhase::Accepted);
            }
        });
    }
}
