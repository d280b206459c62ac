//! What drivers that keep every rule do on an open address family: SAPs, VCs, calls, parties, quality of service. All of it
//! may be pended, completed early, and crossed by what the other side does.

use super::*;
use model::block::{CallParameters, Name, Sap as Specification};

const PARAMETERS: CallParameters =
    CallParameters { address: Token(0x10), transmit: 64_000, receive: 64_000, ..CallParameters::NULL };
const NO_PARTY: HandleArg = HandleArg::Null;

/// What a driver does next with a SAP, VC or party, unless something has made it pointless meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    // The client.
    Register(usize),
    Deregister(usize),
    Create(usize),
    Make(usize),
    Modify(usize),
    Hang(usize),
    Delete(usize),
    Add(usize),
    Drop(usize),
    Answer(usize, Status),
    Name(usize),
    Identify(usize),
    Find(usize),
    // The call manager.
    CompleteRegister(usize, Status),
    CompleteDeregister(usize),
    CreateOwn(usize),
    CreateIncoming(usize),
    Activate(usize),
    Reactivate(usize),
    Offer(usize),
    Connect(usize),
    ChangeQoS(usize),
    HangUp(usize),
    CompleteMake(usize, Status),
    CompleteModify(usize, Status),
    FinishClose(usize),
    DeleteIncoming(usize),
    CompleteAdd(usize, Status),
    CompleteDrop(usize, Status),
    Lose(usize),
    // The miniport.
    CompleteActivate(usize, Status),
    CompleteDeactivate(usize),
}

/// The rule that a driver breaks which never does what it has promised.
pub(crate) fn promised(deed: Deed) -> Option<Rule> {
    match deed {
        Deed::CompleteRegister(..) => Some(Rule::SapCmRegisterCompleteRequired),
        Deed::CompleteDeregister(_) => Some(Rule::SapCmDeregCompleteRequired),
        Deed::CompleteMake(..) => Some(Rule::CallCmMakeCompleteRequired),
        Deed::CompleteModify(..) => Some(Rule::CallCmModifyCompleteRequired),
        Deed::FinishClose(_) => Some(Rule::CallCmCloseCompleteRequired),
        Deed::Answer(..) => Some(Rule::CallIncomingCompleteRequired),
        Deed::CompleteAdd(..) => Some(Rule::PartyCmAddCompleteRequired),
        Deed::CompleteDrop(..) => Some(Rule::PartyCmDropCompleteRequired),
        Deed::CompleteActivate(..) => Some(Rule::VcMiniportActivateCompleteRequired),
        Deed::CompleteDeactivate(_) => Some(Rule::VcMiniportDeactivateCompleteRequired),
        _ => None,
    }
}

pub(crate) struct Sap {
    af: usize,
    client_context: Token,
    manager_context: Token,
    handle: Option<Handle>,
    state: SapState,
    /// The call manager has finished the deregistration.
    finished: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum SapState {
    Registering,
    Registered,
    Deregistering,
    Gone,
}

pub(crate) struct Vc {
    /// A call manager's own VC has none, but the binding.
    af: Option<usize>,
    bind: Option<usize>,
    manager: DriverId,
    by_client: bool,
    client_context: Token,
    manager_context: Token,
    miniport_context: Token,
    handle: Option<Handle>,
    state: VcState,
    activation: Activation,
    call: CallState,
    /// `NdisClCloseCall` is with the call manager.
    closing: bool,
    /// The client was told of an incoming close.
    told: bool,
    /// A request for another quality of service is with the call manager.
    modifying: bool,
    /// The client has pended an offer.
    answering: bool,
    first_party: Option<usize>,
    sap: usize,
    call_id: Option<CallId>,
}

#[derive(Clone, Copy, PartialEq)]
enum VcState {
    Creating,
    Created,
    Deleting,
    Gone,
}

#[derive(Clone, Copy, PartialEq)]
enum Activation {
    Inactive,
    Activating,
    Active,
    Reactivating,
    Deactivating,
}

#[derive(Clone, Copy, PartialEq)]
enum CallState {
    None,
    Making,
    /// The client does not know yet.
    Failed,
    /// Connected, as the client's own.
    Made,
    Offering,
    Accepted,
    Connected,
    Rejected,
}

pub(crate) struct Party {
    vc: usize,
    client_context: Token,
    manager_context: Token,
    handle: Option<Handle>,
    state: PartyState,
    /// The call manager has finished a drop.
    finished: bool,
    /// The client was told that it leaves.
    told: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum PartyState {
    Adding,
    Active,
    Dropping,
    Gone,
}

impl Vc {
    fn has_call(&self) -> bool {
        matches!(
            self.call,
            CallState::Making
                | CallState::Failed
                | CallState::Made
                | CallState::Offering
                | CallState::Accepted
                | CallState::Connected
        )
    }

    fn side(&self, kind: HandleKind) -> HandleArg {
        known(self.handle.map(|handle| handle.of(kind)))
    }

    fn client(&self) -> HandleArg {
        self.side(HandleKind::ClientVc)
    }

    fn manager(&self) -> HandleArg {
        self.side(HandleKind::CallManagerVc)
    }

    fn miniport(&self) -> HandleArg {
        self.side(HandleKind::MiniportVc)
    }
}

impl Play {
    fn owe(&mut self, driver: DriverId, deed: Deed) {
        if self.is_forgotten(driver, Act::Do(deed)) {
            return;
        }
        self.owed.push((driver, Act::Do(deed)));
    }

    fn client_of(&self, vc: usize) -> DriverId {
        self.drivers.afs[self.drivers.vcs[vc].af.expect("a VC with a client")].client
    }

    fn vc_where(&self, is_it: impl Fn(&Vc) -> bool) -> usize {
        self.drivers.vcs.iter().position(is_it).expect("the context of a VC")
    }

    fn parties_of(&self, vc: usize, is_it: impl Fn(PartyState) -> bool) -> Vec<usize> {
        let parties = self.drivers.parties.iter().enumerate();
        parties.filter(|(_, party)| party.vc == vc && is_it(party.state)).map(|(index, _)| index).collect()
    }

    fn alive(&self, vc: usize) -> usize {
        self.parties_of(vc, |state| state != PartyState::Gone).len()
    }

    /// A client has its address family.
    pub(crate) fn begin_on(&mut self, af: usize) {
        let client = self.drivers.afs[af].client;
        if !self.may_have_vcs(af) {
            return;
        }
        for _ in 0..self.random.below(4) {
            let deed = if self.random.one_in(2) { Deed::Register(af) } else { Deed::Create(af) };
            self.owe(client, deed);
        }
    }

    /// Whether there is a miniport for the VCs of a call manager: an MCM is none for those of another call manager.
    fn may_have_vcs(&self, af: usize) -> bool {
        let af = &self.drivers.afs[af];
        af.adapter != ADAPTERS[0] || af.manager.is_some_and(|(manager, _)| manager == MCM)
    }

    /// A call manager is bound.
    pub(crate) fn begin_on_binding(&mut self, bind: usize) {
        if self.drivers.binds[bind].adapter != ADAPTERS[0] && self.random.one_in(2) {
            self.owe(CM, Deed::CreateOwn(bind));
        }
    }

    /// Whether nothing of the client's is left on its address family; if something is, it goes on clearing.
    pub(crate) fn clear(&mut self, af: usize) -> bool {
        let client = self.drivers.afs[af].client;
        self.drivers.afs[af].leaving = true;
        let mut deeds = Vec::new();
        let mut is_clear = true;
        for (index, sap) in self.drivers.saps.iter().enumerate().filter(|(_, sap)| sap.af == af) {
            is_clear &= matches!(sap.state, SapState::Deregistering | SapState::Gone);
            if sap.state == SapState::Registered {
                deeds.push(Deed::Deregister(index));
            }
        }
        for (index, vc) in self.drivers.vcs.iter().enumerate().filter(|(_, vc)| vc.af == Some(af)) {
            if vc.has_call() {
                is_clear = false;
                deeds.push(Deed::Hang(index));
            } else if vc.by_client && vc.state != VcState::Gone {
                is_clear = false;
                deeds.push(Deed::Delete(index));
            }
        }
        if !is_clear {
            deeds.into_iter().for_each(|deed| self.owe(client, deed));
            self.owed.push((client, Act::Close(af)));
        }
        is_clear
    }

    /// Whether the call manager has work left on an address family.
    pub(crate) fn has_managers_vcs(&self, af: usize) -> bool {
        self.drivers.vcs.iter().any(|vc| vc.af == Some(af) && vc.state != VcState::Gone)
            || self.drivers.saps.iter().any(|sap| sap.af == af && sap.state == SapState::Deregistering)
    }

    pub(crate) fn delete_managers_vcs(&mut self, driver: DriverId, af: usize) {
        let of_af = |vc: &Vc| vc.af == Some(af) && vc.state != VcState::Gone;
        let vcs: Vec<usize> =
            (0..self.drivers.vcs.len()).filter(|&vc| of_af(&self.drivers.vcs[vc])).collect();
        vcs.into_iter().for_each(|vc| self.owe(driver, Deed::DeleteIncoming(vc)));
        self.owed.push((driver, Act::CompleteClose(af)));
    }

    /// Whether a call manager's own VC keeps its binding; it goes when the binding is to go.
    pub(crate) fn has_own_vc(&mut self, bind: usize) -> bool {
        let own = |vc: &Vc| vc.bind == Some(bind) && vc.state != VcState::Gone;
        let Some(vc) = self.drivers.vcs.iter().position(own) else { return false };
        let is_owed =
            |(_, act): &(DriverId, Act)| matches!(act, Act::Do(Deed::DeleteIncoming(of)) if *of == vc);
        if self.drivers.binds[bind].unbind.is_some() && !self.owed.iter().any(is_owed) {
            self.owe(CM, Deed::DeleteIncoming(vc));
        }
        true
    }

    fn new_vc(
        &mut self,
        af: Option<usize>,
        bind: Option<usize>,
        manager: DriverId,
        by_client: bool,
    ) -> usize {
        let contexts = [0; 3].map(|_| self.drivers.token());
        self.drivers.vcs.push(Vc {
            af,
            bind,
            manager,
            by_client,
            client_context: contexts[0],
            manager_context: contexts[1],
            miniport_context: contexts[2],
            handle: None,
            state: VcState::Creating,
            activation: Activation::Inactive,
            call: CallState::None,
            closing: false,
            told: false,
            modifying: false,
            answering: false,
            first_party: None,
            sap: 0,
            call_id: None,
        });
        self.drivers.vcs.len() - 1
    }

    fn new_party(&mut self, vc: usize) -> usize {
        let contexts = [0; 2].map(|_| self.drivers.token());
        self.drivers.parties.push(Party {
            vc,
            client_context: contexts[0],
            manager_context: contexts[1],
            handle: None,
            state: PartyState::Adding,
            finished: false,
            told: false,
        });
        self.drivers.parties.len() - 1
    }

    pub(crate) fn stored(&mut self, ddi: Ddi, about: usize, out: OutParameter) {
        match out {
            OutParameter::Sap(handle) => self.drivers.saps[about].handle = Some(handle),
            OutParameter::Vc(handle) => self.drivers.vcs[about].handle = Some(handle),
            OutParameter::Party(HandleArg::Known(handle)) => {
                let first =
                    (ddi == Ddi::NdisClMakeCall).then(|| self.drivers.vcs[about].first_party.unwrap());
                self.drivers.parties[first.unwrap_or(about)].handle = Some(handle);
            }
            OutParameter::CallId(id) => self.drivers.vcs[about].call_id = Some(id),
            OutParameter::VcContext(context) => assert_eq!(context, self.drivers.vcs[about].client_context),
            _ => {}
        }
    }

    // ---- handlers ---------------------------------------------------------------------------------------------

    pub(crate) fn react_on_connection(
        &mut self,
        index: usize,
        driver: DriverId,
        callback: Callback,
    ) -> (Vec<Act>, Reply, Option<usize>) {
        let pends = self.random.one_in(2);
        let fails = self.random.one_in(6);
        let status = if fails { Status::RESOURCES } else { Status::SUCCESS };
        let mut acts = Vec::new();
        let mut reply = Reply::VOID;
        let about = match self.tasks[index].stack.last() {
            Some(&Level::Call { about, .. }) => about,
            _ => None,
        };
        let mut later = None;
        match callback {
            Callback::CmRegisterSap { .. } => {
                let sap = about.unwrap();
                if pends {
                    later = Some(Deed::CompleteRegister(sap, status));
                } else {
                    reply = Reply::status(status).with_context(self.drivers.saps[sap].manager_context);
                }
                let af = self.drivers.saps[sap].af;
                self.owe(driver, Deed::CreateIncoming(af));
            }
            Callback::ClRegisterSapComplete { status, sap_context, .. } => {
                self.registered(sap_context, status)
            }
            Callback::CmDeregisterSap { sap_context } => {
                let is_it = |sap: &Sap| sap.manager_context == sap_context;
                let sap = self.drivers.saps.iter().position(is_it).expect("the context of a SAP");
                if pends {
                    later = Some(Deed::CompleteDeregister(sap));
                } else {
                    self.drivers.saps[sap].finished = true;
                }
            }
            Callback::ClDeregisterSapComplete { sap_context, .. } => {
                let mut saps = self.drivers.saps.iter_mut();
                let sap = saps.find(|sap| sap.client_context == sap_context);
                sap.expect("the context of a SAP").state = SapState::Gone;
            }
            Callback::CoCreateVc { side, .. } => {
                let vc = &self.drivers.vcs[about.unwrap()];
                let context = if side == Side::Client { vc.client_context } else { vc.manager_context };
                reply = if fails { Reply::status(status) } else { Reply::VOID.with_context(context) };
            }
            Callback::MiniportCoCreateVc { .. } => {
                let context = self.drivers.vcs[about.unwrap()].miniport_context;
                reply = if fails { Reply::status(status) } else { Reply::VOID.with_context(context) };
            }
            Callback::CoDeleteVc { .. } | Callback::MiniportCoDeleteVc { .. } => {}
            Callback::MiniportCoActivateVc { vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.miniport_context == vc_context);
                if pends {
                    later = Some(Deed::CompleteActivate(vc, status));
                } else {
                    reply = Reply::status(status);
                }
            }
            Callback::MiniportCoDeactivateVc { vc_context } => {
                let vc = self.vc_where(|vc| vc.miniport_context == vc_context);
                if pends {
                    later = Some(Deed::CompleteDeactivate(vc));
                }
            }
            Callback::CmActivateVcComplete { status, vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.manager_context == vc_context);
                self.activated(vc, status);
            }
            Callback::CmDeactivateVcComplete { vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.manager_context == vc_context);
                self.deactivated(vc);
            }
            Callback::CmMakeCall { vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.manager_context == vc_context);
                if pends || !fails {
                    later = Some(Deed::Activate(vc));
                } else {
                    reply = Reply::status(status);
                    self.failed(vc);
                }
            }
            Callback::ClMakeCallComplete { status, vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.client_context == vc_context);
                self.made(vc, status);
            }
            Callback::CmModifyCallQoS { vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.manager_context == vc_context);
                if pends {
                    later = Some(Deed::CompleteModify(vc, status));
                } else {
                    reply = Reply::status(status);
                }
            }
            Callback::ClModifyCallQoSComplete { vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.client_context == vc_context);
                self.drivers.vcs[vc].modifying = false;
            }
            Callback::CmCloseCall { vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.manager_context == vc_context);
                if fails {
                    reply = Reply::status(Status::INVALID_DATA);
                } else {
                    later = Some(Deed::FinishClose(vc));
                }
            }
            Callback::ClCloseCallComplete { status, vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.client_context == vc_context);
                self.closed(vc, status);
            }
            Callback::ClIncomingCall { vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.client_context == vc_context);
                let status = if fails { Status::NOT_ACCEPTED } else { Status::SUCCESS };
                self.drivers.vcs[vc].call = CallState::Offering;
                if pends {
                    self.drivers.vcs[vc].answering = true;
                    self.owe(driver, Deed::Modify(vc));
                    if self.random.one_in(2) {
                        let manager = self.drivers.vcs[vc].manager;
                        self.owe(manager, Deed::HangUp(vc));
                    }
                    later = Some(Deed::Answer(vc, status));
                } else {
                    reply = Reply::status(status);
                }
            }
            Callback::CmIncomingCallComplete { status, vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.manager_context == vc_context);
                self.answered(vc, status);
            }
            Callback::ClCallConnected { vc_context } => {
                let vc = self.vc_where(|vc| vc.client_context == vc_context);
                self.use_call(vc);
            }
            Callback::ClIncomingCallQoSChange { .. } => {}
            Callback::ClIncomingCloseCall { vc_context, .. } => {
                let vc = self.vc_where(|vc| vc.client_context == vc_context);
                self.drivers.vcs[vc].told = true;
                self.owe(driver, Deed::Hang(vc));
            }
            Callback::CmAddParty { .. } => {
                let party = about.unwrap();
                if pends {
                    later = Some(Deed::CompleteAdd(party, status));
                } else {
                    reply = Reply::status(status).with_context(self.drivers.parties[party].manager_context);
                }
            }
            Callback::ClAddPartyComplete { status, party_context, .. } => {
                let party = self.party_of_client(party_context);
                self.added(party, status);
            }
            Callback::CmDropParty { party_context, .. } => {
                let is_it = |party: &Party| party.manager_context == party_context;
                let party = self.drivers.parties.iter().position(is_it).expect("the context of a party");
                let status = if fails { Status::INVALID_DATA } else { Status::SUCCESS };
                if pends {
                    later = Some(Deed::CompleteDrop(party, status));
                    self.owe(driver, Deed::Lose(party));
                } else {
                    reply = Reply::status(status);
                    self.drivers.parties[party].finished = true;
                }
            }
            Callback::ClDropPartyComplete { status, party_context } => {
                let party = self.party_of_client(party_context);
                self.dropped(party, status);
            }
            Callback::ClIncomingDropParty { party_context, .. } => {
                let party = self.party_of_client(party_context);
                self.drivers.parties[party].told = true;
                self.owe(driver, Deed::Drop(party));
            }
            other => panic!("{other:?} is no handler of a connection"),
        }
        if let Some(deed) = later {
            reply.status = Status::PENDING;
            self.promise(driver, Act::Do(deed), &mut acts);
        }
        (acts, reply, None)
    }

    fn party_of_client(&self, context: Token) -> usize {
        let is_it = |party: &Party| party.client_context == context;
        self.drivers.parties.iter().position(is_it).expect("the context of a party")
    }

    // ---- what has ended ---------------------------------------------------------------------------------------

    fn registered(&mut self, context: Token, status: Status) {
        let mut saps = self.drivers.saps.iter_mut();
        let sap = saps.find(|sap| sap.client_context == context).expect("the context of a SAP");
        sap.state = if status == Status::SUCCESS { SapState::Registered } else { SapState::Gone };
    }

    fn activated(&mut self, vc: usize, status: Status) {
        let this = &mut self.drivers.vcs[vc];
        let (manager, call) = (this.manager, this.call);
        let was_active = this.activation == Activation::Reactivating;
        let is_active = was_active || status == Status::SUCCESS;
        this.activation = if is_active { Activation::Active } else { Activation::Inactive };
        if was_active {
            return;
        }
        match call {
            CallState::Making => self.owe(manager, Deed::CompleteMake(vc, status)),
            CallState::None | CallState::Rejected if is_active && self.drivers.vcs[vc].af.is_some() => {
                self.owe(manager, Deed::Offer(vc));
            }
            CallState::None | CallState::Rejected if !self.drivers.vcs[vc].by_client => {
                self.owe(manager, Deed::DeleteIncoming(vc));
            }
            _ => {}
        }
    }

    fn deactivated(&mut self, vc: usize) {
        self.drivers.vcs[vc].activation = Activation::Inactive;
    }

    /// The call manager has failed a call, and has still to tell the client.
    fn failed(&mut self, vc: usize) {
        self.drivers.vcs[vc].call = CallState::Failed;
    }

    fn made(&mut self, vc: usize, status: Status) {
        let client = self.client_of(vc);
        if let Some(party) = self.drivers.vcs[vc].first_party {
            let is_made = status == Status::SUCCESS;
            self.drivers.parties[party].state = if is_made { PartyState::Active } else { PartyState::Gone };
        }
        if status == Status::SUCCESS {
            self.use_call(vc);
        } else {
            self.drivers.vcs[vc].call = CallState::None;
            let again = self.random.one_in(3);
            self.owe(client, if again { Deed::Make(vc) } else { Deed::Delete(vc) });
        }
    }

    /// Either side does something with a call.
    fn use_call(&mut self, vc: usize) {
        let (client, manager) = (self.client_of(vc), self.drivers.vcs[vc].manager);
        let party = self.parties_of(vc, |state| state == PartyState::Active).first().copied();
        for _ in 0..self.random.below(6) {
            let deed = match self.random.below(9) {
                0 => (client, Deed::Modify(vc)),
                7 => (client, [Deed::Name, Deed::Identify, Deed::Find][self.random.below(3)](vc)),
                1 | 2 => (client, Deed::Add(vc)),
                3 => (client, Deed::Hang(vc)),
                4 => (manager, Deed::ChangeQoS(vc)),
                5 => (manager, Deed::HangUp(vc)),
                6 if party.is_some() => (client, Deed::Drop(party.unwrap())),
                _ => (manager, Deed::Reactivate(vc)),
            };
            self.owe(deed.0, deed.1);
        }
    }

    fn closed(&mut self, vc: usize, status: Status) {
        let client = self.client_of(vc);
        let this = &mut self.drivers.vcs[vc];
        this.closing = false;
        if status != Status::SUCCESS {
            return self.owe(client, Deed::Hang(vc));
        }
        this.call = CallState::None;
        (this.told, this.first_party) = (false, None);
        let (manager, by_client) = (this.manager, this.by_client);
        for party in self.parties_of(vc, |state| state != PartyState::Gone) {
            self.drivers.parties[party].state = PartyState::Gone;
        }
        // NDIS cannot tell the late answer to this offer from the answer to the next one.
        let again = self.random.one_in(4) && !self.drivers.vcs[vc].answering;
        match (by_client, again) {
            (true, true) => self.owe(client, Deed::Make(vc)),
            (true, false) => self.owe(client, Deed::Delete(vc)),
            (false, true) => self.owe(manager, Deed::Activate(vc)),
            (false, false) => self.owe(manager, Deed::DeleteIncoming(vc)),
        }
    }

    /// The call manager hears of the answer to an offer.
    fn answered(&mut self, vc: usize, status: Status) {
        let this = &mut self.drivers.vcs[vc];
        let manager = this.manager;
        match this.call {
            // A close has overtaken the answer.
            _ if this.told || this.closing => {}
            CallState::Offering if status == Status::SUCCESS => {
                this.call = CallState::Accepted;
                self.owe(manager, Deed::Connect(vc));
            }
            CallState::Offering => {
                this.call = CallState::Rejected;
                self.owe(manager, Deed::DeleteIncoming(vc));
            }
            _ => {}
        }
    }

    fn added(&mut self, party: usize, status: Status) {
        let vc = self.drivers.parties[party].vc;
        let (client, manager) = (self.client_of(vc), self.drivers.vcs[vc].manager);
        let is_added = status == Status::SUCCESS;
        self.drivers.parties[party].state = if is_added { PartyState::Active } else { PartyState::Gone };
        if is_added {
            match self.random.below(3) {
                0 => self.owe(client, Deed::Drop(party)),
                1 => self.owe(manager, Deed::Lose(party)),
                _ => {}
            }
        }
    }

    fn dropped(&mut self, party: usize, status: Status) {
        let is_gone = status == Status::SUCCESS;
        self.drivers.parties[party].state = if is_gone { PartyState::Gone } else { PartyState::Active };
        if !is_gone {
            let vc = self.drivers.parties[party].vc;
            let (client, is_last) = (self.client_of(vc), self.alive(vc) == 1);
            self.owe(client, if is_last { Deed::Hang(vc) } else { Deed::Drop(party) });
        }
    }

    // ---- deeds ------------------------------------------------------------------------------------------------

    pub(crate) fn deed(&mut self, index: usize, driver: DriverId, deed: Deed) {
        let parameters = PARAMETERS;
        let (data, size) = (Token::NULL, 0);
        match deed {
            Deed::Register(af) => {
                let this = &self.drivers.afs[af];
                if !this.open || this.closing || this.over || this.leaving {
                    return;
                }
                let handle = known(this.handle);
                let contexts = [0; 2].map(|_| self.drivers.token());
                self.drivers.saps.push(Sap {
                    af,
                    client_context: contexts[0],
                    manager_context: contexts[1],
                    handle: None,
                    state: SapState::Registering,
                    finished: false,
                });
                let sap = self.drivers.saps.len() - 1;
                let specification =
                    Specification { address: Token(0x20), sap_type: 1, length: 4, value: sap as u64 };
                let call = Call::ClRegisterSap { af: handle, sap_context: contexts[0], specification };
                self.call(index, driver, call, Some(sap));
            }
            Deed::Deregister(sap) => {
                if self.drivers.saps[sap].state == SapState::Registered {
                    self.drivers.saps[sap].state = SapState::Deregistering;
                    let call = Call::ClDeregisterSap { sap: known(self.drivers.saps[sap].handle) };
                    self.call(index, driver, call, Some(sap));
                }
            }
            Deed::CompleteRegister(sap, status) => {
                let this = &self.drivers.saps[sap];
                let (handle, sap_context) = (self.managers_sap(sap), this.manager_context);
                self.call(
                    index,
                    driver,
                    Call::CmRegisterSapComplete { status, sap: handle, sap_context },
                    None,
                );
            }
            Deed::CompleteDeregister(sap) => {
                self.drivers.saps[sap].finished = true;
                let handle = self.managers_sap(sap);
                let call = Call::CmDeregisterSapComplete { status: Status::SUCCESS, sap: handle };
                self.call(index, driver, call, None);
            }
            Deed::Create(af) => {
                let this = &self.drivers.afs[af];
                if !this.open || this.closing || this.over || this.leaving {
                    return;
                }
                let (binding, handle) = (known(self.drivers.binds[this.bind].handle), known(this.handle));
                let (manager, _) = this.manager.unwrap();
                let vc = self.new_vc(Some(af), None, manager, true);
                self.create(index, driver, vc, binding, handle);
            }
            Deed::CreateOwn(bind) => {
                let this = &self.drivers.binds[bind];
                if this.unbind.is_some() || this.closing || !this.bound {
                    return;
                }
                let binding = known(this.handle);
                let vc = self.new_vc(None, Some(bind), CM, false);
                self.create(index, driver, vc, binding, HandleArg::Null);
            }
            Deed::CreateIncoming(af) => {
                let this = &self.drivers.afs[af];
                // The client may have begun to close: then NDIS refuses.
                if !this.granted || this.manager_done || this.over {
                    return;
                }
                let Some((manager, handle)) = this.manager else { return };
                let adapter = this.adapter;
                let on =
                    |bind: &Bind| bind.driver == manager && bind.adapter == adapter && bind.handle.is_some();
                let bind = self.drivers.binds.iter().rposition(on);
                let is_going = |bind: usize| {
                    let this = &self.drivers.binds[bind];
                    this.unbind.is_some() || this.closing
                };
                if manager == CM && bind.is_none_or(is_going) {
                    return;
                }
                let binding = bind.map_or(HandleArg::Null, |bind| known(self.drivers.binds[bind].handle));
                let vc = self.new_vc(Some(af), None, manager, false);
                self.create(index, driver, vc, binding, handle.into());
            }
            Deed::Make(vc) => {
                let this = &self.drivers.vcs[vc];
                let af = &self.drivers.afs[this.af.unwrap()];
                let idle = this.state == VcState::Created && this.call == CallState::None && !this.closing;
                if !idle || this.activation != Activation::Inactive || af.leaving || this.modifying {
                    return;
                }
                let handle = this.client();
                let multipoint = self.random.one_in(2);
                let party = multipoint.then(|| self.new_party(vc));
                let party_context =
                    party.map_or(Token::NULL, |party| self.drivers.parties[party].client_context);
                let this = &mut self.drivers.vcs[vc];
                (this.call, this.first_party) = (CallState::Making, party);
                self.owe(driver, Deed::Modify(vc));
                let call = Call::ClMakeCall { vc: handle, parameters, party_context };
                self.call(index, driver, call, Some(vc));
            }
            Deed::CompleteMake(vc, status) => {
                let this = &mut self.drivers.vcs[vc];
                let (handle, first) = (this.manager(), this.first_party);
                this.call = if status == Status::SUCCESS { CallState::Made } else { CallState::Failed };
                let party = first.map_or(NO_PARTY, |party| self.managers_party(party));
                let party_context =
                    first.map_or(Token::NULL, |party| self.drivers.parties[party].manager_context);
                let call = Call::CmMakeCallComplete { status, vc: handle, party, party_context, parameters };
                self.call(index, driver, call, None);
            }
            Deed::Modify(vc) => {
                let this = &mut self.drivers.vcs[vc];
                let connected = match this.call {
                    CallState::Making | CallState::Made | CallState::Connected | CallState::Accepted => true,
                    CallState::Offering => this.answering,
                    CallState::None | CallState::Failed | CallState::Rejected => false,
                };
                if connected && !this.closing && !this.told && !this.modifying {
                    this.modifying = true;
                    let call = Call::ClModifyCallQoS { vc: this.client(), parameters };
                    self.call(index, driver, call, Some(vc));
                }
            }
            Deed::CompleteModify(vc, status) => {
                let handle = self.drivers.vcs[vc].manager();
                let call = Call::CmModifyCallQoSComplete { status, vc: handle, parameters };
                self.call(index, driver, call, None);
            }
            Deed::Hang(vc) => self.hang(index, driver, vc),
            Deed::FinishClose(vc) => match self.drivers.vcs[vc].activation {
                Activation::Active => {
                    self.owe(driver, Deed::FinishClose(vc));
                    self.deactivate(index, driver, vc);
                }
                Activation::Activating | Activation::Reactivating | Activation::Deactivating => {
                    self.owe(driver, Deed::FinishClose(vc));
                }
                Activation::Inactive => {
                    let this = &self.drivers.vcs[vc];
                    let handle = this.manager();
                    let last = self.parties_of(vc, |state| state != PartyState::Gone).first().copied();
                    let party = last.map_or(NO_PARTY, |party| self.managers_party(party));
                    let call = Call::CmCloseCallComplete { status: Status::SUCCESS, vc: handle, party };
                    self.call(index, driver, call, None);
                }
            },
            Deed::Delete(vc) => {
                let this = &mut self.drivers.vcs[vc];
                if this.state == VcState::Created
                    && this.call == CallState::None
                    && !this.closing
                    && !this.modifying
                {
                    this.state = VcState::Deleting;
                    let call = Call::CoDeleteVc { vc: this.client() };
                    self.call(index, driver, call, Some(vc));
                }
            }
            Deed::DeleteIncoming(vc) => {
                let this = &self.drivers.vcs[vc];
                let over = matches!(this.call, CallState::None | CallState::Rejected) && !this.closing;
                if this.state != VcState::Created || !over {
                    return;
                }
                match this.activation {
                    Activation::Active => {
                        self.owe(driver, deed);
                        self.deactivate(index, driver, vc);
                    }
                    Activation::Activating | Activation::Reactivating | Activation::Deactivating => {
                        self.owe(driver, deed);
                    }
                    // It must have completed what it owes on the last call.
                    Activation::Inactive if this.modifying => self.owe(driver, deed),
                    Activation::Inactive => {
                        let handle = this.manager();
                        self.drivers.vcs[vc].state = VcState::Deleting;
                        let call = if driver == MCM {
                            Call::MCmDeleteVc { vc: handle }
                        } else {
                            Call::CoDeleteVc { vc: handle }
                        };
                        self.call(index, driver, call, Some(vc));
                    }
                }
            }
            Deed::Activate(vc) | Deed::Reactivate(vc) => {
                let again = matches!(deed, Deed::Reactivate(_));
                let this = &mut self.drivers.vcs[vc];
                let next = match (this.activation, this.call) {
                    (Activation::Inactive, CallState::Making) if !again => Activation::Activating,
                    (Activation::Inactive, CallState::None | CallState::Rejected)
                        if !again && !this.by_client && this.state == VcState::Created && !this.closing =>
                    {
                        Activation::Activating
                    }
                    (Activation::Active, CallState::Made | CallState::Connected) if !this.closing => {
                        Activation::Reactivating
                    }
                    _ => return,
                };
                this.activation = next;
                let handle = this.manager();
                let call = if driver == MCM {
                    Call::MCmActivateVc { vc: handle, parameters }
                } else {
                    Call::CmActivateVc { vc: handle, parameters }
                };
                self.call(index, driver, call, Some(vc));
            }
            Deed::CompleteActivate(vc, status) => {
                let handle = self.drivers.vcs[vc].miniport();
                let call = Call::MCoActivateVcComplete { status, vc: handle, parameters };
                self.call(index, driver, call, None);
            }
            Deed::CompleteDeactivate(vc) => {
                let handle = self.drivers.vcs[vc].miniport();
                let call = Call::MCoDeactivateVcComplete { status: Status::SUCCESS, vc: handle };
                self.call(index, driver, call, None);
            }
            Deed::Offer(vc) => {
                let this = &self.drivers.vcs[vc];
                let af = this.af.unwrap();
                let live = |sap: &Sap| sap.af == af && sap.state != SapState::Gone && !sap.finished;
                let sap = self.drivers.saps.iter().position(live);
                let ready = this.activation == Activation::Active
                    && this.state == VcState::Created
                    && matches!(this.call, CallState::None | CallState::Rejected);
                let Some(sap) = sap.filter(|_| ready) else {
                    return self.owe(driver, Deed::DeleteIncoming(vc));
                };
                let call = Call::CmDispatchIncomingCall {
                    sap: self.managers_sap(sap),
                    vc: self.drivers.vcs[vc].manager(),
                    parameters,
                };
                self.drivers.vcs[vc].sap = sap;
                self.call(index, driver, call, Some(vc));
            }
            Deed::Answer(vc, status) => {
                let this = &mut self.drivers.vcs[vc];
                this.answering = false;
                let call = Call::ClIncomingCallComplete { status, vc: this.client(), parameters };
                // An answer that comes too late is no longer owed.
                if this.state == VcState::Created {
                    self.call(index, driver, call, None);
                }
            }
            Deed::Name(vc) | Deed::Identify(vc) | Deed::Find(vc) => {
                let this = &self.drivers.vcs[vc];
                // A call manager's VC may go at any moment, and is no longer the client's after a call.
                if this.state != VcState::Created || !this.by_client {
                    return;
                }
                let handle = this.client();
                let base_name = Name::new(&format!("line {vc}")).expect("a short name");
                let call = match (deed, this.call_id) {
                    (Deed::Find(_), Some(call_id)) => Call::ClGetProtocolVcContextFromTapiCallId { call_id },
                    (Deed::Name(_), _) => Call::CoAssignInstanceName { vc: handle, base_name },
                    _ => Call::CoGetTapiCallId { vc: handle, size: 64 },
                };
                self.call(index, driver, call, Some(vc));
            }
            Deed::Connect(vc) => {
                let this = &mut self.drivers.vcs[vc];
                // A close of the client's may be on its way: then NDIS drops this.
                if this.call == CallState::Accepted && this.activation == Activation::Active && !this.told {
                    this.call = CallState::Connected;
                    let call = Call::CmDispatchCallConnected { vc: this.manager() };
                    self.call(index, driver, call, None);
                }
            }
            Deed::ChangeQoS(vc) => {
                let this = &self.drivers.vcs[vc];
                let connected = matches!(this.call, CallState::Made | CallState::Connected);
                if connected && this.activation == Activation::Active && !this.told {
                    let call = Call::CmDispatchIncomingCallQoSChange { vc: this.manager(), parameters };
                    self.call(index, driver, call, None);
                }
            }
            Deed::HangUp(vc) => {
                let this = &self.drivers.vcs[vc];
                let has_call =
                    matches!(this.call, CallState::Made | CallState::Connected | CallState::Accepted)
                        || this.call == CallState::Offering && this.answering;
                if has_call && !this.told {
                    let vc = this.manager();
                    let call = Call::CmDispatchIncomingCloseCall { status: Status::SUCCESS, vc, data, size };
                    self.call(index, driver, call, None);
                }
            }
            Deed::Add(vc) => {
                let this = &self.drivers.vcs[vc];
                let connected = this.call == CallState::Made && this.first_party.is_some();
                if connected && !this.closing && !this.told && self.alive(vc) < 5 && self.alive(vc) > 0 {
                    let handle = this.client();
                    let party = self.new_party(vc);
                    let party_context = self.drivers.parties[party].client_context;
                    let call = Call::ClAddParty { vc: handle, party_context, parameters };
                    self.call(index, driver, call, Some(party));
                }
            }
            Deed::CompleteAdd(party, status) => {
                let this = &self.drivers.parties[party];
                let (handle, party_context) = (self.managers_party(party), this.manager_context);
                let call = Call::CmAddPartyComplete { status, party: handle, party_context, parameters };
                self.call(index, driver, call, None);
            }
            Deed::Drop(party) => {
                let vc = self.drivers.parties[party].vc;
                if self.drivers.parties[party].state != PartyState::Active || self.drivers.vcs[vc].closing {
                    return;
                }
                let others = self.parties_of(vc, |state| state == PartyState::Active).len() - 1;
                if others == 0 && (self.alive(vc) > 1 || self.random.one_in(2)) {
                    // The last one goes with the call; NDIS says so, too.
                    return self.owe(driver, Deed::Hang(vc));
                }
                let this = &mut self.drivers.parties[party];
                (this.state, this.finished) = (PartyState::Dropping, false);
                let handle = known(self.drivers.parties[party].handle);
                self.call(index, driver, Call::ClDropParty { party: handle, data, size }, Some(party));
            }
            Deed::CompleteDrop(party, status) => {
                self.drivers.parties[party].finished = true;
                let call = Call::CmDropPartyComplete { status, party: self.managers_party(party) };
                self.call(index, driver, call, None);
            }
            Deed::Lose(party) => {
                let vc = self.drivers.parties[party].vc;
                let this = &self.drivers.parties[party];
                // A drop of the client's may be on its way: then NDIS drops this.
                let is_there =
                    this.state == PartyState::Active || this.state == PartyState::Dropping && !this.finished;
                if is_there && !this.told && self.alive(vc) > 1 && !self.drivers.vcs[vc].closing {
                    let call = Call::CmDispatchIncomingDropParty {
                        status: Status::SUCCESS,
                        party: self.managers_party(party),
                        data,
                        size,
                    };
                    self.call(index, driver, call, None);
                }
            }
        }
    }

    fn managers_sap(&self, sap: usize) -> HandleArg {
        known(self.drivers.saps[sap].handle.map(|handle| handle.of(HandleKind::CallManagerSap)))
    }

    fn managers_party(&self, party: usize) -> HandleArg {
        known(self.drivers.parties[party].handle.map(|handle| handle.of(HandleKind::CallManagerParty)))
    }

    fn create(&mut self, index: usize, driver: DriverId, vc: usize, binding: HandleArg, af: HandleArg) {
        let this = &self.drivers.vcs[vc];
        let vc_context = if this.by_client { this.client_context } else { this.manager_context };
        let call = if driver == MCM && !this.by_client {
            let adapter = self.adapter_of(MCM);
            Call::MCmCreateVc { adapter, af, vc_context, vc: HandleArg::Null }
        } else {
            Call::CoCreateVc { binding, af, vc_context, vc: HandleArg::Null }
        };
        self.call(index, driver, call, Some(vc));
    }

    fn deactivate(&mut self, index: usize, driver: DriverId, vc: usize) {
        let this = &mut self.drivers.vcs[vc];
        if this.activation == Activation::Active {
            this.activation = Activation::Deactivating;
            let vc_handle = this.manager();
            let call = if driver == MCM {
                Call::MCmDeactivateVc { vc: vc_handle }
            } else {
                Call::CmDeactivateVc { vc: vc_handle }
            };
            self.call(index, driver, call, Some(vc));
        }
    }

    /// A client closes its call, once a single party is left.
    fn hang(&mut self, index: usize, driver: DriverId, vc: usize) {
        let this = &self.drivers.vcs[vc];
        let has_call = matches!(this.call, CallState::Made | CallState::Accepted | CallState::Connected)
            || this.told && this.call == CallState::Offering;
        if !has_call || this.closing {
            return;
        }
        let alive = self.parties_of(vc, |state| state != PartyState::Gone);
        if alive.len() > 1 {
            self.parties_of(vc, |state| state == PartyState::Active)
                .into_iter()
                .skip(1)
                .for_each(|party| self.owe(driver, Deed::Drop(party)));
            return self.owe(driver, Deed::Hang(vc));
        }
        if alive.iter().any(|&party| self.drivers.parties[party].state != PartyState::Active) {
            return self.owe(driver, Deed::Hang(vc));
        }
        let party = alive.first().map_or(NO_PARTY, |&party| known(self.drivers.parties[party].handle));
        let this = &mut self.drivers.vcs[vc];
        this.closing = true;
        let call = Call::ClCloseCall { vc: this.client(), party, data: Token::NULL, size: 0 };
        self.call(index, driver, call, Some(vc));
    }

    // ---- returns ----------------------------------------------------------------------------------------------

    pub(crate) fn connection_returned(
        &mut self,
        driver: DriverId,
        ddi: Ddi,
        about: Option<usize>,
        status: Status,
    ) {
        let is_over = status != Status::PENDING;
        match ddi {
            Ddi::NdisClRegisterSap if is_over => {
                let context = self.drivers.saps[about.unwrap()].client_context;
                self.registered(context, status);
            }
            Ddi::NdisClDeregisterSap if is_over => {
                let sap = &mut self.drivers.saps[about.unwrap()];
                sap.state = SapState::Gone;
            }
            Ddi::NdisCoCreateVc | Ddi::NdisMCmCreateVc => {
                let vc = about.unwrap();
                let this = &mut self.drivers.vcs[vc];
                this.state = if status == Status::SUCCESS { VcState::Created } else { VcState::Gone };
                let (by_client, created) = (this.by_client, status == Status::SUCCESS);
                if created {
                    self.owe(driver, if by_client { Deed::Make(vc) } else { Deed::Activate(vc) });
                }
            }
            Ddi::NdisCoDeleteVc | Ddi::NdisMCmDeleteVc => {
                let this = &mut self.drivers.vcs[about.unwrap()];
                this.state = if status == Status::SUCCESS { VcState::Gone } else { VcState::Created };
                assert!(status == Status::SUCCESS, "{}\nan inactive VC was not deleted", self.told());
            }
            Ddi::NdisCmActivateVc | Ddi::NdisMCmActivateVc if is_over => {
                self.activated(about.unwrap(), status)
            }
            Ddi::NdisCmDeactivateVc | Ddi::NdisMCmDeactivateVc if is_over => {
                assert!(status == Status::SUCCESS, "{}\nan active VC was not deactivated", self.told());
                self.deactivated(about.unwrap());
            }
            Ddi::NdisClMakeCall if is_over => self.made(about.unwrap(), status),
            Ddi::NdisClModifyCallQoS if is_over => self.drivers.vcs[about.unwrap()].modifying = false,
            Ddi::NdisClCloseCall if is_over => self.closed(about.unwrap(), status),
            Ddi::NdisCmDispatchIncomingCall if is_over => {
                let vc = about.unwrap();
                if self.drivers.vcs[vc].call == CallState::Offering {
                    self.answered(vc, status);
                } else if status != Status::SUCCESS {
                    self.owe(driver, Deed::DeleteIncoming(vc));
                }
            }
            Ddi::NdisClAddParty if is_over => self.added(about.unwrap(), status),
            Ddi::NdisClDropParty if is_over => self.dropped(about.unwrap(), status),
            _ => {}
        }
    }
}
