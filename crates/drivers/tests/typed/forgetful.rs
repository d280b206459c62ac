//! What becomes of completions that are dropped: the rule that asks for each names the driver.

use crate::world::{ENDINGS, World};
use contract::{Rule, Status};
use drivers::switch::{Options, switch};
use drivers::typed::call_manager::{self, CallManager, CloseCall, MakeCall, OpenAf, RegisterSap};
use drivers::typed::client::{Af, Client, IncomingCall, NotifyCloseAf, Sap, Vc};
use drivers::typed::miniport::{Adapter, Initialize};
use drivers::typed::{
    Answer, BindAdapter, Binding, Miniport, Operation, Protocol, Request, call_to, client_driver, mcm_driver,
    sap,
};
use model::block::{AddressFamily, CallParameters};
use model::{AdapterId, DriverId};

/// What is forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    IncomingCall,
    Notification,
    Nothing,
}

/// A client with a SAP that may call itself, or a call manager.
struct Forgetful(What);

/// Pends, and forgets the completion.
fn forget<O: Operation>(request: Request<'_, O>) -> Answer<'_> {
    let (answer, completion) = request.pend();
    drop(completion);
    answer
}

impl Protocol for Forgetful {
    type Binding = ();
    fn bind_adapter_ex<'a>(&self, _: AdapterId, request: Request<'a, BindAdapter<Self>>) -> Answer<'a> {
        request.open_adapter_ex(())
    }
}

impl Client for Forgetful {
    type Af = ();
    type Sap = ();
    type Vc = ();
    type Party = ();

    fn co_af_register_notify(&self, binding: &Binding<Self>, family: AddressFamily) {
        let Some(Ok(af)) = binding.open_address_family_ex(family, ()).done() else { return };
        if self.0 != What::Notification {
            let _ = af.register_sap(sap(1), ()).done();
            let _ = af.create_vc(()).map(|vc| vc.make_call(call_to(1, 64_000)).done());
        }
    }

    fn notify_close_af<'a>(&self, _: &Af<Self>, request: Request<'a, NotifyCloseAf<Self>>) -> Answer<'a> {
        match self.0 {
            What::Notification => forget(request),
            What::IncomingCall | What::Nothing => request.close_everything(),
        }
    }

    fn co_create_vc(&self, _: &Af<Self>) -> Result<(), Status> {
        Ok(())
    }

    fn incoming_call<'a>(
        &self,
        _: &Sap<Self>,
        _: &Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, IncomingCall<Self>>,
    ) -> Answer<'a> {
        match self.0 {
            What::IncomingCall => forget(request),
            What::Notification | What::Nothing => request.complete(Ok(parameters)),
        }
    }
}

/// A call manager that makes no call, and says nothing.
struct Silent;

impl Miniport for Silent {
    type Adapter = ();
    fn initialize_ex(&self, initialize: Initialize<'_, Self>) -> Result<(), Status> {
        initialize.set_miniport_attributes(())?.register_address_family_ex(crate::FAMILY)
    }
}

impl CallManager for Silent {
    type Base = Adapter<Self>;
    type Af = ();
    type Sap = ();
    type Vc = ();
    type Party = ();

    fn open_af<'a>(
        &self,
        _: &Adapter<Self>,
        _: AddressFamily,
        request: Request<'a, OpenAf<Self>>,
    ) -> Answer<'a> {
        request.complete(Ok(()))
    }

    fn register_sap<'a>(
        &self,
        _: &call_manager::Af<Self>,
        _: model::block::Sap,
        request: Request<'a, RegisterSap<Self>>,
    ) -> Answer<'a> {
        request.complete(Ok(()))
    }

    fn co_create_vc(&self, _: &call_manager::Af<Self>) -> Result<(), Status> {
        Ok(())
    }

    fn make_call<'a>(
        &self,
        _: &call_manager::Vc<Self>,
        _: CallParameters,
        request: Request<'a, MakeCall<Self>>,
    ) -> Answer<'a> {
        forget(request)
    }

    fn close_call<'a>(
        &self,
        _: &call_manager::Vc<Self>,
        _: Option<&call_manager::Party<Self>>,
        request: Request<'a, CloseCall<Self>>,
    ) -> Answer<'a> {
        request.complete(Ok(()))
    }
}

fn finds(world: &World, rule: Rule, by: u8, handler: &str) {
    let (findings, printed) = world.find();
    assert_eq!(findings, [(rule, DriverId(by))]);
    assert_eq!(printed, [format!("dropped the completion of {handler}: nobody can complete it now")]);
}

#[test]
fn a_dropped_completion_is_a_finding_of_the_rule_that_asks_for_it() {
    let [unbind, _, pull, ..] = ENDINGS;
    let with_switch = |ending, what| {
        World::new(ending)
            .rust("switch", |id| switch(Options::default(), id))
            .rust("client", move |id| client_driver(Forgetful(what), id))
    };
    let offer = with_switch(unbind, What::IncomingCall);
    finds(&offer, Rule::CallIncomingCompleteRequired, 1, "ProtocolClIncomingCall");
    let notification = with_switch(pull, What::Notification);
    finds(&notification, Rule::AfNotifyCompleteRequired, 1, "ProtocolClNotifyCloseAf");
    let call = World::new(unbind)
        .rust("mcm", |id| mcm_driver(Silent, id))
        .rust("client", |id| client_driver(Forgetful(What::Nothing), id));
    finds(&call, Rule::CallCmMakeCompleteRequired, 0, "ProtocolCmMakeCall");
}
