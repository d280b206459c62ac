//! The built-in switch: an MCM that connects its clients with each other.
//!
//! A client that makes a call to the address of a SAP calls the client that has registered the SAP: the switch creates a VC for
//! that client, offers it the call, and reports the call as made when it is accepted. From then on what one end does is
//! told to the other: a change of the quality of service, a close. A party of a multipoint call is a call of its own towards the
//! client it is added for. All adapters of the switch are one exchange; a client may call itself.
//!
//! **One thing at a time.** Whatever NDIS asks for is an `Event`. Events wait in a queue, and one task at a time takes them
//! out, so that no handle dies between a decision and the call that it leads to. Who brings an event while nobody is at it does
//! it himself, or has it done ([`Options::answers`]).
//!
//! Read `exchange.rs` for what happens to calls.

mod call;
mod exchange;

use crate::typed::call_manager::{
    AddParty, Af, CloseAf, CloseCall, DeregisterSap, DropParty, MakeCall, ModifyCallQos, OpenAf, Party,
    RegisterSap, Sap, Vc,
};
use crate::typed::miniport::{Adapter, Initialize, Pause, Restart};
use crate::typed::{Answer, CallManager, Completion, Kernel, Miniport, Operation, Request, mcm_driver};
use call::{Branch, Line};
use contract::Status;
use contract::values::constants::CO_ADDRESS_FAMILY_TAPI_PROXY;
use engine::Driver;
use model::block::{AddressFamily, CallParameters, Sap as Specification, value_of};
use model::{DriverId, HaltAction};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// What the registry says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// `Answers`: how the switch answers.
    pub answers: Answers,
    /// `AddressFamily`: what it offers.
    pub family: u32,
}

/// How the switch answers what it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answers {
    /// 0: at once where it can, else by completing before the handler has returned.
    AtOnce,
    /// 1: everything pends, and is completed later at `PASSIVE_LEVEL`.
    Later,
    /// 2: everything pends, and is completed later at `DISPATCH_LEVEL`.
    Raised,
}

impl Default for Options {
    fn default() -> Options {
        Options { answers: Answers::AtOnce, family: CO_ADDRESS_FAMILY_TAPI_PROXY }
    }
}

impl Options {
    /// The registry values that a switch reads, all integers.
    pub const KEYWORDS: &[&str] = &["Answers", "AddressFamily"];

    /// Sets the registry value of this name, if a switch reads one.
    pub fn set(&mut self, keyword: &str, value: u32) {
        match (keyword, value) {
            ("Answers", 0) => self.answers = Answers::AtOnce,
            ("Answers", 1) => self.answers = Answers::Later,
            ("Answers", _) => self.answers = Answers::Raised,
            ("AddressFamily", family) => self.family = family,
            _ => {}
        }
    }
}

/// A switch as a driver.
pub fn switch(options: Options, id: DriverId) -> Box<dyn Driver> {
    mcm_driver(Switch::new(options), id)
}

/// The switch.
struct Switch {
    options: Options,
    adapters: RefCell<Vec<Adapter<Switch>>>,
    /// SAPs whose registration is pended.
    registering: RefCell<Vec<Specification>>,
    events: RefCell<VecDeque<Event>>,
    /// Whether somebody is at the events, or will be when NDIS has taken note of an activation.
    busy: Cell<bool>,
    /// What follows an activation or deactivation.
    next: RefCell<Option<Next>>,
    /// How that has ended.
    noted: Cell<Option<Result<(), Status>>>,
    /// Whether nobody is at the events, because NDIS has pended it.
    parked: Cell<bool>,
}

/// What follows an activation or deactivation.
type Next = Box<dyn FnOnce(&Switch, Result<(), Status>)>;

/// What the switch is asked for, or told.
enum Event {
    MakeCall(Vc<Switch>, CallParameters, Completion<MakeCall<Switch>>, bool),
    CloseCall(Vc<Switch>, Completion<CloseCall<Switch>>),
    ModifyCallQos(Vc<Switch>, CallParameters, Completion<ModifyCallQos<Switch>>),
    AddParty(Vc<Switch>, CallParameters, Completion<AddParty<Switch>>),
    DropParty(Party<Switch>, Completion<DropParty<Switch>>),
    /// A client has answered an offer.
    Answered(Vc<Switch>, Result<CallParameters, Status>),
    /// A VC of the switch's own is not needed any more. Behind all that its client has asked for on it.
    Delete(Vc<Switch>),
    DeregisterSap(Completion<DeregisterSap<Switch>>),
}

/// What the switch keeps for a VC: which end of a call it is.
enum End {
    /// The client has created it, and makes calls on it.
    Caller(Rc<Line>),
    /// The switch has created it, to offer one call.
    Called(Rc<Branch>),
}

/// What the switch keeps for a SAP: whether its client takes it back.
type Leaving = Cell<bool>;

/// How long the switch takes to answer at `DISPATCH_LEVEL`.
const DELAY: Duration = Duration::from_millis(1);

impl Switch {
    fn new(options: Options) -> Switch {
        Switch {
            options,
            adapters: RefCell::default(),
            registering: RefCell::default(),
            events: RefCell::default(),
            busy: Cell::new(false),
            next: RefCell::new(None),
            noted: Cell::new(None),
            parked: Cell::new(false),
        }
    }

    /// Does `work` now or later, as the options say.
    fn defer(&self, kernel: &Kernel, work: impl FnOnce() + 'static) {
        match self.options.answers {
            Answers::AtOnce => work(),
            Answers::Later => kernel.queue_work_item(work),
            Answers::Raised => drop(kernel.set_timer(DELAY, work)),
        }
    }

    /// Answers a request that needs nobody else.
    fn answer<'a, O: Operation>(
        &self,
        kernel: &Kernel,
        request: Request<'a, O>,
        result: O::Result,
    ) -> Answer<'a> {
        match self.options.answers {
            Answers::AtOnce => request.complete(result),
            Answers::Later | Answers::Raised => {
                let (answer, completion) = request.pend();
                self.defer(kernel, move || completion.complete(result));
                answer
            }
        }
    }

    /// Adds an event, and sees to it that somebody takes it out. `af` is one that stays open as long as the event waits.
    fn bring(&self, af: &Af<Switch>, event: Event) {
        self.events.borrow_mut().push_back(event);
        if !self.busy.replace(true) {
            self.have_events_taken(af);
        }
    }

    fn have_events_taken(&self, af: &Af<Switch>) {
        let af = af.clone();
        self.defer(af.clone().kernel(), move || af.driver().take_events());
    }

    /// NDIS has taken note of an activation or deactivation that it had pended.
    fn note(&self, af: &Af<Switch>, result: Result<(), Status>) {
        self.noted.set(Some(result));
        if self.parked.replace(false) {
            self.have_events_taken(af);
        }
    }

    fn take_events(&self) {
        loop {
            let next = self.next.take();
            match (next, self.noted.take()) {
                (Some(next), Some(result)) => next(self, result),
                (Some(next), None) => {
                    self.next.replace(Some(next));
                    self.parked.set(true);
                    return;
                }
                (None, _) => {
                    let event = self.events.borrow_mut().pop_front();
                    match event {
                        Some(event) => self.take(event),
                        None => break,
                    }
                }
            }
        }
        self.busy.set(false);
    }

    /// The SAP that stands for an address, unless its client takes it back.
    fn find_sap(&self, address: u64) -> Option<Sap<Switch>> {
        self.find_sap_where(|specification| stands_for(specification, address))
    }

    fn find_sap_where(&self, fits: impl Fn(Specification) -> bool) -> Option<Sap<Switch>> {
        let adapters = self.adapters.borrow();
        let clients = adapters.iter().flat_map(Adapter::clients);
        let mut saps = clients.flat_map(|af| af.saps());
        saps.find(|sap| fits(sap.specification()) && !sap.context().get())
    }
}

/// Whether a SAP stands for an address: it is the address, which may have zeros behind it. A `CO_AF_TAPI_SAP` has the media
/// modes there.
fn stands_for(specification: Specification, address: u64) -> bool {
    let mut bytes = [0; SAP_SIZE_MAX];
    bytes[..8].copy_from_slice(&address.to_le_bytes());
    let padded = bytes.get(..specification.length as usize).map(value_of);
    specification.value == address || Some(specification.value) == padded
}

/// How large a SAP can be that is an address and zeros.
const SAP_SIZE_MAX: usize = 64;

/// Whether two SAPs cannot be told apart.
fn clash(one: Specification, other: Specification) -> bool {
    stands_for(one, other.value) || stands_for(other, one.value)
}

impl Miniport for Switch {
    type Adapter = ();

    fn initialize_ex(&self, initialize: Initialize<'_, Self>) -> Result<(), Status> {
        let adapter = initialize.set_miniport_attributes(())?;
        let family = AddressFamily { family: self.options.family, major: 0, minor: 0 };
        adapter.register_address_family_ex(family)?;
        self.adapters.borrow_mut().push(adapter);
        Ok(())
    }

    fn pause<'a>(&self, adapter: &Adapter<Self>, request: Request<'a, Pause<Self>>) -> Answer<'a> {
        self.answer(adapter.kernel(), request, ())
    }

    fn restart<'a>(&self, adapter: &Adapter<Self>, request: Request<'a, Restart<Self>>) -> Answer<'a> {
        self.answer(adapter.kernel(), request, Ok(()))
    }

    fn halt_ex(&self, adapter: &Adapter<Self>, _: HaltAction) {
        adapter.close_everything();
        self.adapters.borrow_mut().retain(|other| other != adapter);
    }
}

impl CallManager for Switch {
    type Base = Adapter<Self>;
    type Af = ();
    type Sap = Leaving;
    type Vc = End;
    type Party = Rc<Branch>;

    fn open_af<'a>(
        &self,
        adapter: &Adapter<Self>,
        _: AddressFamily,
        request: Request<'a, OpenAf<Self>>,
    ) -> Answer<'a> {
        self.answer(adapter.kernel(), request, Ok(()))
    }

    fn close_af<'a>(&self, af: &Af<Self>, request: Request<'a, CloseAf<Self>>) -> Answer<'a> {
        self.answer(af.kernel(), request, Ok(()))
    }

    fn register_sap<'a>(
        &self,
        af: &Af<Self>,
        specification: Specification,
        request: Request<'a, RegisterSap<Self>>,
    ) -> Answer<'a> {
        let clashes = |other: Specification| clash(other, specification);
        let is_coming = self.registering.borrow().iter().copied().any(clashes);
        if is_coming || self.find_sap_where(clashes).is_some() {
            return request.complete(Err(Status::INVALID_DATA));
        }
        if self.options.answers == Answers::AtOnce {
            return request.complete(Ok(Leaving::new(false)));
        }
        self.registering.borrow_mut().push(specification);
        let (answer, completion) = request.pend();
        let af = af.clone();
        self.defer(af.clone().kernel(), move || {
            af.driver().registering.borrow_mut().retain(|other| *other != specification);
            completion.complete(Ok(Leaving::new(false)));
        });
        answer
    }

    fn deregister_sap<'a>(&self, sap: &Sap<Self>, request: Request<'a, DeregisterSap<Self>>) -> Answer<'a> {
        sap.context().set(true);
        if !self.busy.get() && self.options.answers == Answers::AtOnce {
            return request.complete(Ok(()));
        }
        let (answer, completion) = request.pend();
        self.bring(sap.af(), Event::DeregisterSap(completion));
        answer
    }

    fn co_create_vc(&self, _: &Af<Self>) -> Result<End, Status> {
        Ok(End::Caller(Rc::default()))
    }

    fn activate_vc_complete(&self, vc: &Vc<Self>, result: Result<CallParameters, Status>) {
        self.note(vc.af(), result.map(drop));
    }

    fn deactivate_vc_complete(&self, vc: &Vc<Self>, result: Result<(), Status>) {
        self.note(vc.af(), result);
    }

    fn make_call<'a>(
        &self,
        vc: &Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, MakeCall<Self>>,
    ) -> Answer<'a> {
        if self.find_sap(parameters.called).is_none() {
            return self.answer(vc.kernel(), request, Err(Status::NO_ROUTE_TO_DESTINATION));
        }
        let is_multipoint = request.is_multipoint();
        let (answer, completion) = request.pend();
        self.bring(vc.af(), Event::MakeCall(vc.clone(), parameters, completion, is_multipoint));
        answer
    }

    fn modify_call_qos<'a>(
        &self,
        vc: &Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, ModifyCallQos<Self>>,
    ) -> Answer<'a> {
        let (answer, completion) = request.pend();
        self.bring(vc.af(), Event::ModifyCallQos(vc.clone(), parameters, completion));
        answer
    }

    fn close_call<'a>(
        &self,
        vc: &Vc<Self>,
        _: Option<&Party<Self>>,
        request: Request<'a, CloseCall<Self>>,
    ) -> Answer<'a> {
        let (answer, completion) = request.pend();
        self.bring(vc.af(), Event::CloseCall(vc.clone(), completion));
        answer
    }

    fn incoming_call_complete(&self, vc: &Vc<Self>, result: Result<CallParameters, Status>) {
        self.bring(vc.af(), Event::Answered(vc.clone(), result));
    }

    fn add_party<'a>(
        &self,
        vc: &Vc<Self>,
        parameters: CallParameters,
        request: Request<'a, AddParty<Self>>,
    ) -> Answer<'a> {
        let (answer, completion) = request.pend();
        self.bring(vc.af(), Event::AddParty(vc.clone(), parameters, completion));
        answer
    }

    fn drop_party<'a>(&self, party: &Party<Self>, request: Request<'a, DropParty<Self>>) -> Answer<'a> {
        let (answer, completion) = request.pend();
        self.bring(party.vc().af(), Event::DropParty(party.clone(), completion));
        answer
    }
}
