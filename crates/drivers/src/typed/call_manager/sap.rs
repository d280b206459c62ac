//! Service access points, as a call manager has them.

use super::{Af, CallManager};
use crate::typed::answer::{Operation, Sealed, status};
use crate::typed::gate::Gate;
use crate::typed::shared::{Shared, object};
use contract::{Ddi, Status};
use model::block::Sap as Specification;
use model::{Call, Handle, Reply, Token};
use std::rc::Rc;

object! {
    /// A SAP that a client has registered (`NdisSapHandle`).
    Sap<M: CallManager> = SapState, context:
    /// What the call manager keeps for the SAP.
    M::Sap
}

pub(crate) struct SapState<M: CallManager> {
    shared: Rc<Shared<M>>,
    token: Token,
    context: M::Sap,
    af: Af<M>,
    specification: Specification,
    handle: Handle,
    /// Calls under way that need the handle.
    pub(super) gate: Gate,
}

impl<M: CallManager> Sap<M> {
    /// The address family of the client that has registered it.
    pub fn af(&self) -> &Af<M> {
        &self.0.af
    }

    /// What it stands for.
    pub fn specification(&self) -> Specification {
        self.0.specification
    }

    pub(super) fn handle(&self) -> Handle {
        self.0.handle
    }

    fn forget(&self) {
        self.0.shared.remove(self.0.token);
        self.0.af.0.saps.borrow_mut().retain(|sap| sap != self);
    }
}

/// `ProtocolCmRegisterSap`, completed by `NdisCmRegisterSapComplete` or `NdisMCmRegisterSapComplete`: what the call manager keeps for the
/// SAP, or why it refuses.
pub struct RegisterSap<M: CallManager> {
    af: Af<M>,
    specification: Specification,
    handle: Handle,
}

impl<M: CallManager> RegisterSap<M> {
    pub(super) fn new(af: &Af<M>, specification: Specification, handle: Handle) -> Self {
        af.0.gate.part();
        RegisterSap { af: af.clone(), specification, handle }
    }

    fn sap(&self, context: M::Sap) -> Sap<M> {
        let RegisterSap { af, specification, handle } = self;
        let shared = &af.0.shared;
        let sap = Sap(shared.insert(|token| SapState {
            shared: Rc::clone(shared),
            token,
            context,
            af: af.clone(),
            specification: *specification,
            handle: *handle,
            gate: Gate::default(),
        }));
        af.0.saps.borrow_mut().push(sap.clone());
        sap
    }
}

impl<M: CallManager> Operation for RegisterSap<M> {
    type Result = Result<M::Sap, Status>;
    const HANDLER: Ddi = Ddi::ProtocolCmRegisterSap;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        match result {
            Ok(context) => Reply::status(Status::SUCCESS).with_context(self.sap(context).0.token),
            Err(status) => {
                self.af.0.gate.part_gone();
                Reply::status(status)
            }
        }
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let complete = |status, sap_context| {
            let call = Call::CmRegisterSapComplete { status, sap: self.handle.into(), sap_context };
            engine::call(call, &mut |_| {});
        };
        match result {
            Ok(context) => {
                let sap = self.sap(context);
                complete(Status::SUCCESS, sap.0.token);
            }
            Err(status) => {
                complete(status, Token::NULL);
                self.af.0.gate.part_gone();
            }
        }
    }
}

/// `ProtocolCmDeregisterSap`, completed by `NdisCmDeregisterSapComplete` or `NdisMCmDeregisterSapComplete`.
pub struct DeregisterSap<M: CallManager> {
    pub(super) sap: Sap<M>,
}

impl<M: CallManager> Operation for DeregisterSap<M> {
    type Result = Result<(), Status>;
    const HANDLER: Ddi = Ddi::ProtocolCmDeregisterSap;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        if result.is_ok() {
            self.sap.forget();
            self.sap.af().0.gate.part_gone();
        }
        Reply::status(status(&result))
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let status = status(&result);
        if result.is_ok() {
            self.sap.forget();
        }
        engine::call(Call::CmDeregisterSapComplete { status, sap: self.sap.handle().into() }, &mut |_| {});
        if result.is_ok() {
            self.sap.af().0.gate.part_gone();
        }
    }

    fn gate(&self, result: &Self::Result, _: Sealed) -> Option<Gate> {
        result.is_ok().then(|| self.sap.0.gate.clone())
    }
}
