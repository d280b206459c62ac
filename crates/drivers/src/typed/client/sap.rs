//! Service access points of a client.

use super::{Af, Client};
use crate::typed::answer::{Outcome, result};
use crate::typed::shared::{Shared, object};
use contract::Status;
use model::block::Sap as Specification;
use model::{Call, Handle, HandleArg, OutParameter, Token};
use std::cell::Cell;
use std::rc::Rc;

object! {
    /// A service access point that the client has registered (`NdisSapHandle`).
    Sap<C: Client> = SapState, context:
    /// What the client keeps for the SAP.
    C::Sap
}

pub(crate) struct SapState<C: Client> {
    pub(super) shared: Rc<Shared<C>>,
    pub(super) token: Token,
    context: C::Sap,
    af: Af<C>,
    specification: Specification,
    handle: Cell<Option<Handle>>,
    pub(super) phase: Cell<Phase>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Registering,
    Registered,
    Deregistering,
    Gone,
}

impl<C: Client> Af<C> {
    /// Registers a SAP, on which the call manager may offer calls (`NdisClRegisterSap`).
    /// [`register_sap_complete`](Client::register_sap_complete) follows if it pends.
    pub fn register_sap(
        &self,
        specification: Specification,
        context: C::Sap,
    ) -> Outcome<Result<Sap<C>, Status>> {
        if self.is_closing() {
            return Outcome::Done(Err(Status::CLOSING));
        }
        let shared = &self.0.shared;
        let specification = Specification { address: shared.kernel.address(), ..specification };
        let sap = Sap(shared.insert(|token| SapState {
            shared: Rc::clone(shared),
            token,
            context,
            af: self.clone(),
            specification,
            handle: Cell::new(None),
            phase: Cell::new(Phase::Registering),
        }));
        self.0.saps.borrow_mut().push(sap.clone());
        let call = Call::ClRegisterSap { af: self.handle(), sap_context: sap.0.token, specification };
        self.during(|| match engine::call(call, &mut |stored| sap.store(stored)) {
            Status::PENDING => Outcome::Pending,
            status => Outcome::Done(sap.registered(status)),
        })
    }
}

impl<C: Client> Sap<C> {
    /// The address family on which it is registered.
    pub fn af(&self) -> &Af<C> {
        &self.0.af
    }

    /// What it stands for.
    pub fn specification(&self) -> Specification {
        self.0.specification
    }

    /// Takes the SAP back (`NdisClDeregisterSap`). [`deregister_sap_complete`](Client::deregister_sap_complete) follows if it
    /// pends.
    pub fn deregister_sap(&self) -> Outcome<Result<(), Status>> {
        match self.0.phase.get() {
            Phase::Deregistering if self.0.af.is_closing() => Outcome::Pending,
            Phase::Gone if self.0.af.is_closing() => Outcome::Done(Ok(())),
            Phase::Registering | Phase::Registered | Phase::Deregistering | Phase::Gone => self.deregister(),
        }
    }

    pub(super) fn deregister(&self) -> Outcome<Result<(), Status>> {
        self.0.phase.set(Phase::Deregistering);
        let sap = self.0.handle.get().map_or(HandleArg::Null, HandleArg::Known);
        self.0.af.during(|| match engine::call(Call::ClDeregisterSap { sap }, &mut |_| {}) {
            Status::PENDING => Outcome::Pending,
            status => Outcome::Done(self.deregistered(status)),
        })
    }

    fn store(&self, stored: OutParameter) {
        if let OutParameter::Sap(handle) = stored {
            self.0.handle.set(Some(handle));
        }
    }

    /// The registration is over.
    pub(super) fn registered(&self, status: Status) -> Result<Sap<C>, Status> {
        match result(status) {
            Ok(()) => {
                self.0.phase.set(Phase::Registered);
                Ok(self.clone())
            }
            Err(status) => {
                self.forget();
                Err(status)
            }
        }
    }

    /// The deregistration is over. One that fails leaves the SAP as it was.
    pub(super) fn deregistered(&self, status: Status) -> Result<(), Status> {
        let result = result(status);
        match result {
            Ok(()) => self.forget(),
            Err(_) => {
                self.0.phase.set(Phase::Registered);
                self.0.af.refused(self.0.af.is_closing());
            }
        }
        result
    }

    fn forget(&self) {
        self.0.phase.set(Phase::Gone);
        self.0.shared.remove(self.0.token);
        self.0.af.0.saps.borrow_mut().retain(|sap| sap != self);
    }
}
