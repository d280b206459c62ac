//! Virtual connections of a connection-oriented miniport that is no MCM.

use super::{Adapter, Miniport};
use crate::typed::answer::{Answer, Operation, Request, Sealed, status};
use crate::typed::parameters::left;
use crate::typed::shared::{Shared, object};
use contract::{Ddi, Status};
use model::block::CallParameters;
use model::{Call, Callback, Handle, Reply, Token};
use std::rc::Rc;

/// A connection-oriented miniport: the functions whose names begin with `MiniportCo`.
pub trait MiniportCo: Miniport {
    /// What the driver keeps for each VC.
    type Vc: 'static;

    /// `MiniportCoCreateVc`: a client or call manager creates a VC.
    ///
    /// # Errors
    /// Why it cannot have it.
    fn co_create_vc(&self, adapter: &Adapter<Self>) -> Result<Self::Vc, Status>;

    /// `MiniportCoDeleteVc`: the VC goes.
    fn co_delete_vc(&self, _vc: &Vc<Self>) {}

    /// `MiniportCoActivateVc`: a call manager lets data flow, or changes the parameters of a VC where it does.
    fn co_activate_vc<'a>(
        &self,
        _vc: &Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, ActivateVc<Self>>,
    ) -> Answer<'a> {
        request.complete(Ok(parameters))
    }

    /// `MiniportCoDeactivateVc`: a call manager lets no more data flow.
    fn co_deactivate_vc<'a>(&self, _vc: &Vc<Self>, request: Request<'a, DeactivateVc<Self>>) -> Answer<'a> {
        request.complete(Ok(()))
    }
}

object! {
    /// A virtual connection (`NdisVcHandle`), as a miniport has it.
    Vc<P: MiniportCo> = VcState, context:
    /// What the driver keeps for the VC.
    P::Vc
}

pub(crate) struct VcState<P: MiniportCo> {
    shared: Rc<Shared<P>>,
    token: Token,
    context: P::Vc,
    adapter: Adapter<P>,
    handle: Handle,
}

impl<P: MiniportCo> Vc<P> {
    /// The adapter.
    pub fn adapter(&self) -> &Adapter<P> {
        &self.0.adapter
    }
}

/// `MiniportCoActivateVc`, completed by `NdisMCoActivateVcComplete`: the parameters that are in force, or why the VC cannot be
/// activated.
pub struct ActivateVc<P: MiniportCo> {
    vc: Vc<P>,
    asked: CallParameters,
}

impl<P: MiniportCo> Operation for ActivateVc<P> {
    type Result = Result<CallParameters, Status>;
    const HANDLER: Ddi = Ddi::MiniportCoActivateVc;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        let parameters = result.map_or(CallParameters::NULL, |parameters| left(self.asked, parameters));
        Reply { parameters, ..Reply::status(status(&result)) }
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let ActivateVc { vc, asked } = self;
        let parameters = result.map_or(asked, |parameters| left(asked, parameters));
        let vc = vc.0.handle.into();
        engine::call(Call::MCoActivateVcComplete { status: status(&result), vc, parameters }, &mut |_| {});
    }
}

/// `MiniportCoDeactivateVc`, completed by `NdisMCoDeactivateVcComplete`.
pub struct DeactivateVc<P: MiniportCo> {
    vc: Vc<P>,
}

impl<P: MiniportCo> Operation for DeactivateVc<P> {
    type Result = Result<(), Status>;
    const HANDLER: Ddi = Ddi::MiniportCoDeactivateVc;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        Reply::status(status(&result))
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let vc = self.vc.0.handle.into();
        engine::call(Call::MCoDeactivateVcComplete { status: status(&result), vc }, &mut |_| {});
    }
}

/// The handlers of a connection-oriented miniport.
pub(crate) fn handle_co<P: MiniportCo>(shared: &Rc<Shared<P>>, callback: &Callback) -> Reply {
    let driver = &shared.driver;
    let vc = |context| Vc(shared.get::<VcState<P>>(context));
    match *callback {
        Callback::MiniportCoCreateVc { adapter_context, vc: handle } => {
            let adapter = Adapter::of(shared, adapter_context);
            match driver.co_create_vc(&adapter) {
                Ok(context) => {
                    let shared = Rc::clone(shared);
                    let vc = adapter.0.shared.insert(|token| VcState {
                        shared,
                        token,
                        context,
                        adapter: adapter.clone(),
                        handle,
                    });
                    Reply::status(Status::SUCCESS).with_context(vc.token)
                }
                Err(status) => Reply::status(status),
            }
        }
        Callback::MiniportCoDeleteVc { vc_context } => {
            driver.co_delete_vc(&vc(vc_context));
            shared.remove(vc_context);
            Reply::VOID
        }
        Callback::MiniportCoActivateVc { vc_context, parameters } => {
            let vc = vc(vc_context);
            let operation = ActivateVc { vc: vc.clone(), asked: parameters };
            driver.co_activate_vc(&vc, parameters, Request::new(operation)).reply()
        }
        Callback::MiniportCoDeactivateVc { vc_context } => {
            let vc = vc(vc_context);
            driver.co_deactivate_vc(&vc, Request::new(DeactivateVc { vc: vc.clone() })).reply()
        }
        _ => unreachable!("{} is no handler of connection-oriented miniports", callback.ddi()),
    }
}
