//! Typed drivers keep every rule in every order that is tried here, against each other and against scripted ones.

mod echo;
mod forgetful;
mod phone;
mod switch;
mod world;

use contract::Status;
use drivers::typed::client::{Af, Client};
use drivers::typed::{
    Answer, BindAdapter, Binding, CallManager, Miniport, Protocol, Request, call_manager,
    call_manager_driver, client_driver, mcm_driver,
    miniport::{Adapter, Initialize},
    miniport_driver,
};
use echo::{Echo, Wire};
use model::AdapterId;
use model::block::{AddressFamily, CallParameters, Sap};
use phone::{ANSWERING, Answering, Phone};
use std::cell::Cell;
use world::{ENDINGS, Reached, World};

#[global_allocator]
static ALLOCATOR: engine::arena::Allocator = engine::arena::Allocator;

const FAMILY: AddressFamily = AddressFamily { family: 0x801, major: 0, minor: 0 };

/// A client that opens what it is told of, and leaves the rest to the defaults.
#[derive(Default)]
struct Plain {
    opened: Cell<u32>,
}

impl Protocol for Plain {
    type Binding = ();
    fn bind_adapter_ex<'a>(&self, _: AdapterId, request: Request<'a, BindAdapter<Self>>) -> Answer<'a> {
        request.open_adapter_ex(())
    }
}

impl Client for Plain {
    type Af = ();
    type Sap = ();
    type Vc = ();
    type Party = ();

    fn co_af_register_notify(&self, binding: &Binding<Self>, family: AddressFamily) {
        let opened = binding.open_address_family_ex(family, ());
        opened.when_done(|opened| self.open_af_complete_ex(binding, opened));
    }

    fn open_af_complete_ex(&self, _: &Binding<Self>, opened: Result<Af<Self>, Status>) {
        if opened.is_ok() {
            self.opened.set(self.opened.get() + 1);
        }
    }
}

/// An MCM that lets clients open and close.
struct Manager {
    pends: bool,
}

impl Miniport for Manager {
    type Adapter = ();
    fn initialize_ex(&self, initialize: Initialize<'_, Self>) -> Result<(), Status> {
        initialize.set_miniport_attributes(())?.register_address_family_ex(FAMILY)
    }
}

impl CallManager for Manager {
    type Base = Adapter<Self>;
    type Af = ();
    type Sap = ();
    type Vc = ();
    type Party = ();

    fn open_af<'a>(
        &self,
        adapter: &Adapter<Self>,
        _: AddressFamily,
        request: Request<'a, call_manager::OpenAf<Self>>,
    ) -> Answer<'a> {
        if !self.pends {
            return request.complete(Ok(()));
        }
        let (answer, completion) = request.pend();
        adapter.kernel().queue_work_item(move || completion.complete(Ok(())));
        answer
    }

    fn close_af<'a>(
        &self,
        af: &call_manager::Af<Self>,
        request: Request<'a, call_manager::CloseAf<Self>>,
    ) -> Answer<'a> {
        if !self.pends {
            return request.complete(Ok(()));
        }
        let (answer, completion) = request.pend();
        af.kernel().queue_dpc(move || completion.complete(Ok(())));
        answer
    }

    fn register_sap<'a>(
        &self,
        _: &call_manager::Af<Self>,
        _: Sap,
        request: Request<'a, call_manager::RegisterSap<Self>>,
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
        request: Request<'a, call_manager::MakeCall<Self>>,
    ) -> Answer<'a> {
        request.complete(Err(Status::NO_ROUTE_TO_DESTINATION))
    }

    fn close_call<'a>(
        &self,
        _: &call_manager::Vc<Self>,
        _: Option<&call_manager::Party<Self>>,
        request: Request<'a, call_manager::CloseCall<Self>>,
    ) -> Answer<'a> {
        request.complete(Ok(()))
    }
}

#[test]
fn a_client_opens_and_closes_at_scripted_mcms() {
    for ending in ENDINGS {
        for (open, close) in [(0, 0), (1, 1), (2, 2), (5, 5), (4, 6), (1, 7)] {
            let world = World::new(ending)
                .script("mcm", "mcm", &[("OpenAf", open), ("CloseAf", close)])
                .rust("client", |id| client_driver(Plain::default(), id))
                .rust("second", |id| client_driver(Plain::default(), id));
            world.explore(20);
        }
    }
}

#[test]
fn an_mcm_serves_clients_of_both_kinds() {
    for ending in ENDINGS {
        for pends in [false, true] {
            for notify in 0..4 {
                let world = World::new(ending)
                    .rust("mcm", move |id| mcm_driver(Manager { pends }, id))
                    .rust("client", |id| client_driver(Plain::default(), id))
                    .script("second", "client", &[("NotifyCloseAf", notify), ("UnbindAdapter", notify % 2)]);
                world.explore(20);
            }
        }
    }
}

const CALLER: Phone =
    Phone { saps: 1, calls: 2, parties: 0, answering: Answering::Accept, hangs_up: true, drops: false };

#[test]
fn a_call_manager_and_a_miniport_carry_calls() {
    let mut reached = Reached::default();
    for ending in ENDINGS {
        for pends in [false, true] {
            let typed = World::new(ending)
                .rust("miniport", move |id| miniport_driver(Wire { pends }, id))
                .rust("cm", |id| call_manager_driver(Echo, id))
                .rust("client", |id| client_driver(CALLER, id))
                .script("second", "client", &[("Calls", 2), ("HangUps", 1), ("ModifyCallQoS", 1)]);
            let value = u32::from(pends);
            let above = World::new(ending)
                .script("miniport", "miniport", &[("ActivateVc", value), ("DeactivateVc", value)])
                .rust("cm", |id| call_manager_driver(Echo, id))
                .script("client", "client", &[("Calls", 2), ("HangUps", 2)]);
            let below = World::new(ending)
                .rust("miniport", move |id| miniport_driver(Wire { pends }, id))
                .script("cm", "cm", &[("Offers", value), ("HangUps", 1), ("CloseCall", value)])
                .rust("client", |id| client_driver(CALLER, id));
            for world in [typed, above, below] {
                reached.add(world.explore(20));
            }
        }
    }
    assert!(reached.count("call", "connected") > 1000, "{reached:#?}");
}

#[test]
fn a_client_takes_and_makes_calls_at_scripted_mcms() {
    let mut reached = Reached::default();
    for ending in ENDINGS {
        for (number, answering) in (0u32..).zip(ANSWERING) {
            for answer in [0, 1, 2, 5] {
                let values = [
                    "OpenAf",
                    "RegisterSap",
                    "DeregisterSap",
                    "MakeCall",
                    "ModifyCallQoS",
                    "CloseCall",
                    "AddParty",
                    "DropParty",
                ];
                let mut registry: Vec<(&str, u32)> = values.map(|value| (value, answer)).to_vec();
                registry.extend([
                    ("Offers", 1),
                    ("QoSChanges", 1),
                    ("Drops", 1),
                    ("HangUps", 1 + number % 2),
                ]);
                registry.push(("CloseAf", [0, 1, 2, 6, 7, 0][number as usize]));
                let parties = u64::from(number % 3);
                let client = Phone { answering, parties, hangs_up: number % 2 == 0, ..CALLER };
                let world = World::new(ending)
                    .script("mcm", "mcm", &registry)
                    .rust("client", move |id| client_driver(client, id));
                reached.add(world.explore(10));
            }
        }
    }
    for state in ["accepted", "rejected", "connected", "qos_modifying", "close_indicated", "idle"] {
        assert!(reached.count("call", state) > 100, "{state}: {reached:#?}");
    }
}

#[test]
fn a_refused_step_of_closing_everything_is_made_again() {
    for ending in ENDINGS {
        for keyword in ["CloseAf", "CloseCall", "DropParty"] {
            let client = Phone { parties: 2, hangs_up: false, ..CALLER };
            let world = World::new(ending)
                .script("mcm", "mcm", &[(keyword, 6)])
                .rust("client", move |id| client_driver(client, id));
            world.explore(20);
        }
    }
}
