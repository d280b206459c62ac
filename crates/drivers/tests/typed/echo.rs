//! A stand-alone call manager in which every call is answered by nobody in particular, and the miniport below it.

use contract::Status;
use drivers::typed::call_manager::{
    Af, CallManager, CloseCall, Connected, MakeCall, ModifyCallQos, OpenAf, Party, RegisterSap, Vc,
};
use drivers::typed::miniport::{self, ActivateVc, Adapter, DeactivateVc, Initialize, Miniport, MiniportCo};
use drivers::typed::{Answer, BindAdapter, Binding, Completion, Protocol, Request};
use model::AdapterId;
use model::block::{AddressFamily, CallParameters, Sap};
use std::cell::RefCell;

/// The call manager.
pub(crate) struct Echo;

/// What it keeps for a VC.
#[derive(Default)]
pub(crate) struct Pending {
    making: RefCell<Option<Completion<MakeCall<Echo>>>>,
    modifying: RefCell<Option<Completion<ModifyCallQos<Echo>>>>,
    closing: RefCell<Option<Completion<CloseCall<Echo>>>>,
}

impl Protocol for Echo {
    type Binding = ();

    fn bind_adapter_ex<'a>(&self, _: AdapterId, request: Request<'a, BindAdapter<Self>>) -> Answer<'a> {
        request.open_adapter_ex(())
    }

    fn open_adapter_complete_ex(&self, binding: &Binding<Self>) {
        binding.register_address_family_ex(crate::FAMILY).expect("nobody else offers it");
    }
}

impl CallManager for Echo {
    type Base = Binding<Self>;
    type Af = ();
    type Sap = ();
    type Vc = Pending;
    type Party = ();

    fn open_af<'a>(
        &self,
        _: &Binding<Self>,
        _: AddressFamily,
        request: Request<'a, OpenAf<Self>>,
    ) -> Answer<'a> {
        request.complete(Ok(()))
    }

    fn register_sap<'a>(&self, _: &Af<Self>, _: Sap, request: Request<'a, RegisterSap<Self>>) -> Answer<'a> {
        request.complete(Ok(()))
    }

    fn co_create_vc(&self, _: &Af<Self>) -> Result<Pending, Status> {
        Ok(Pending::default())
    }

    fn make_call<'a>(
        &self,
        vc: &Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, MakeCall<Self>>,
    ) -> Answer<'a> {
        let (answer, completion) = request.pend();
        vc.context().making.replace(Some(completion));
        vc.activate_vc(parameters).when_done(|result| self.activate_vc_complete(vc, result));
        answer
    }

    fn modify_call_qos<'a>(
        &self,
        vc: &Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, ModifyCallQos<Self>>,
    ) -> Answer<'a> {
        let (answer, completion) = request.pend();
        vc.context().modifying.replace(Some(completion));
        vc.activate_vc(parameters).when_done(|result| self.activate_vc_complete(vc, result));
        answer
    }

    fn activate_vc_complete(&self, vc: &Vc<Self>, result: Result<CallParameters, Status>) {
        let making = vc.context().making.take();
        let modifying = vc.context().modifying.take();
        if let Some(completion) = making {
            completion.complete(result.map(Connected::from));
        } else if let Some(completion) = modifying {
            completion.complete(result);
        }
    }

    fn close_call<'a>(
        &self,
        vc: &Vc<Self>,
        _: Option<&Party<Self>>,
        request: Request<'a, CloseCall<Self>>,
    ) -> Answer<'a> {
        let (answer, completion) = request.pend();
        vc.context().closing.replace(Some(completion));
        vc.deactivate_vc().when_done(|result| self.deactivate_vc_complete(vc, result));
        answer
    }

    fn deactivate_vc_complete(&self, vc: &Vc<Self>, _: Result<(), Status>) {
        let closing = vc.context().closing.take();
        if let Some(completion) = closing {
            completion.complete(Ok(()));
        }
    }
}

/// The miniport.
pub(crate) struct Wire {
    pub(crate) pends: bool,
}

impl Miniport for Wire {
    type Adapter = ();

    fn initialize_ex(&self, initialize: Initialize<'_, Self>) -> Result<(), Status> {
        initialize.set_miniport_attributes(()).map(drop)
    }
}

impl MiniportCo for Wire {
    type Vc = ();

    fn co_create_vc(&self, _: &Adapter<Self>) -> Result<(), Status> {
        Ok(())
    }

    fn co_activate_vc<'a>(
        &self,
        vc: &miniport::Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, ActivateVc<Self>>,
    ) -> Answer<'a> {
        if !self.pends {
            return request.complete(Ok(parameters));
        }
        let (answer, completion) = request.pend();
        vc.kernel().queue_work_item(move || completion.complete(Ok(parameters)));
        answer
    }

    fn co_deactivate_vc<'a>(
        &self,
        vc: &miniport::Vc<Self>,
        request: Request<'a, DeactivateVc<Self>>,
    ) -> Answer<'a> {
        if !self.pends {
            return request.complete(Ok(()));
        }
        let (answer, completion) = request.pend();
        vc.kernel().queue_dpc(move || completion.complete(Ok(())));
        answer
    }
}
