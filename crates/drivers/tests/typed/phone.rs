//! A typed client that registers SAPs, makes calls and takes them.

use contract::Status;
use drivers::typed::client::{Added, Af, Client, IncomingCall, Made, Party, Sap, Vc};
use drivers::typed::{Answer, BindAdapter, Binding, Protocol, Request, call_to, sap};
use model::AdapterId;
use model::block::{AddressFamily, CallParameters};
use std::cell::Cell;
use std::time::Duration;

/// How it answers when it is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answering {
    /// Accepts at once.
    Accept,
    /// Pends, and accepts later at `PASSIVE_LEVEL`.
    Later,
    /// Pends, and accepts before the handler has returned.
    Early,
    /// Pends, accepts later at `DISPATCH_LEVEL`, and with half the bandwidth.
    Raised,
    /// Turns the call away.
    Reject,
    /// Pends, and turns the call away later.
    RejectLater,
}

pub(crate) const ANSWERING: [Answering; 6] = [
    Answering::Accept,
    Answering::Later,
    Answering::Early,
    Answering::Raised,
    Answering::Reject,
    Answering::RejectLater,
];

/// What it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phone {
    /// How many SAPs it registers, of the values from 1 on.
    pub(crate) saps: u64,
    /// How many calls it makes to the SAP 1.
    pub(crate) calls: u32,
    /// How many parties each call has, none for point-to-point calls.
    pub(crate) parties: u64,
    pub(crate) answering: Answering,
    /// Whether it hangs up when it has done everything that it wants on a call of its own.
    pub(crate) hangs_up: bool,
    /// Whether it hangs up a call that it was offered.
    pub(crate) drops: bool,
}

/// What it keeps for a VC.
#[derive(Default)]
pub(crate) struct Talk {
    /// How many parties it has asked for.
    asked: Cell<u64>,
    /// Whether it has changed the quality of service.
    changed: Cell<bool>,
}

impl Protocol for Phone {
    type Binding = ();
    fn bind_adapter_ex<'a>(&self, _: AdapterId, request: Request<'a, BindAdapter<Self>>) -> Answer<'a> {
        request.open_adapter_ex(())
    }
}

impl Client for Phone {
    type Af = ();
    type Sap = ();
    type Vc = Talk;
    type Party = ();

    fn co_af_register_notify(&self, binding: &Binding<Self>, family: AddressFamily) {
        let opened = binding.open_address_family_ex(family, ());
        opened.when_done(|opened| self.open_af_complete_ex(binding, opened));
    }

    fn open_af_complete_ex(&self, _: &Binding<Self>, opened: Result<Af<Self>, Status>) {
        let Ok(af) = opened else { return };
        for value in 1..=self.saps {
            af.register_sap(sap(value), ())
                .when_done(|registered| self.register_sap_complete(&af, registered));
        }
        for _ in 0..self.calls {
            let Ok(vc) = af.create_vc(Talk::default()) else { return };
            let made = if self.parties > 0 {
                vc.context().asked.set(1);
                vc.make_multipoint_call(call_to(1, 64_000), ())
            } else {
                vc.make_call(call_to(1, 64_000))
            };
            made.when_done(|made| self.make_call_complete(&vc, made));
        }
    }

    fn make_call_complete(&self, vc: &Vc<Self>, made: Result<Made<Self>, Status>) {
        if made.is_err() {
            return vc.close_everything();
        }
        let assigned = vc.assign_instance_name(&format!("{vc:?}"));
        let named = vc.tapi_call_id().and_then(|id| vc.af().vc_of_tapi_call_id(id));
        // Everything may be being closed.
        assert!(matches!(assigned, Ok(0) | Err(Status::CLOSING)), "{assigned:?}");
        assert!(named.is_err() || named.as_ref() == Ok(vc), "{named:?}");
        self.talk(vc);
    }

    fn add_party_complete(&self, vc: &Vc<Self>, _: Result<Added<Self>, Status>) {
        self.talk(vc);
    }

    fn modify_call_qos_complete(&self, vc: &Vc<Self>, _: Result<CallParameters, Status>) {
        self.talk(vc);
    }

    fn co_create_vc(&self, _: &Af<Self>) -> Result<Talk, Status> {
        Ok(Talk::default())
    }

    fn incoming_call<'a>(
        &self,
        sap: &Sap<Self>,
        _: &Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, IncomingCall<Self>>,
    ) -> Answer<'a> {
        let half = CallParameters { transmit: 32_000, receive: 32_000, ..parameters };
        match self.answering {
            Answering::Accept => request.complete(Ok(parameters)),
            Answering::Reject => request.complete(Err(Status::NOT_ACCEPTED)),
            Answering::Later | Answering::RejectLater => {
                let (answer, completion) = request.pend();
                let accepts = self.answering == Answering::Later;
                let result = if accepts { Ok(parameters) } else { Err(Status::NOT_ACCEPTED) };
                sap.kernel().queue_work_item(move || completion.complete(result));
                answer
            }
            Answering::Early => {
                let (answer, completion) = request.pend();
                completion.complete(Ok(parameters));
                answer
            }
            Answering::Raised => {
                let (answer, completion) = request.pend();
                sap.kernel().set_timer(Duration::from_millis(1), move || completion.complete(Ok(half)));
                answer
            }
        }
    }

    fn call_connected(&self, vc: &Vc<Self>) {
        if self.drops {
            vc.close_everything();
        }
    }

    fn drop_party_complete(&self, _: &Party<Self>, _: Result<(), Status>) {}
}

impl Phone {
    /// The next thing that it wants on a call of its own.
    fn talk(&self, vc: &Vc<Self>) {
        let talk = vc.context();
        if talk.asked.get() < self.parties {
            talk.asked.set(talk.asked.get() + 1);
            let added = vc.add_party(call_to(talk.asked.get(), 64_000), ());
            added.when_done(|added| self.add_party_complete(vc, added));
        } else if !talk.changed.replace(true) {
            let modified = vc.modify_call_qos(call_to(1, 16_000));
            modified.when_done(|modified| self.modify_call_qos_complete(vc, modified));
        } else if self.hangs_up {
            vc.close_everything();
        }
    }
}
