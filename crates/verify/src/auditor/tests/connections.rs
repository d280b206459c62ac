//! What happens on an open address family, told step by step; and what holds for every handler there.

use super::*;
use crate::testing::OTHER;
use contract::Area;
use model::block::Sap;
use model::{PartyId, SapId, VcId};

pub(super) const CLIENT_SAP: Token = Token(0x51);
pub(super) const CM_SAP: Token = Token(0x52);
pub(super) const PARAMETERS: CallParameters =
    CallParameters { address: Token(0x100), transmit: 64_000, called: 7, ..CallParameters::NULL };
/// What another driver makes of them.
pub(super) const CHANGED: CallParameters = CallParameters { flags: 2, transmit: 32_000, ..PARAMETERS };
pub(super) const DATA: (Token, u32) = (Token(0x200), 12);
pub(super) const SPECIFICATION: Sap = Sap { address: Token(0x300), sap_type: 1, length: 4, value: 9 };

pub(super) fn sap(kind: HandleKind) -> Handle {
    handle(kind, 400)
}

pub(super) fn sap_object() -> Object {
    Object::Sap(SapId(sap(HandleKind::ClientSap)))
}

/// One VC: who has which context and handle.
#[derive(Clone, Copy)]
pub(super) struct Wire(pub(super) u32);

impl Wire {
    pub(super) fn handle(self, kind: HandleKind) -> Handle {
        handle(kind, 500 + self.0)
    }

    pub(super) fn object(self) -> Object {
        Object::Vc(VcId(self.handle(HandleKind::ClientVc)))
    }

    /// The handles as drivers pass them.
    pub(super) fn client(self) -> HandleArg {
        arg(self.handle(HandleKind::ClientVc))
    }

    pub(super) fn manager(self) -> HandleArg {
        arg(self.handle(HandleKind::CallManagerVc))
    }

    pub(super) fn miniport(self) -> HandleArg {
        arg(self.handle(HandleKind::MiniportVc))
    }

    pub(super) fn clients(self) -> Token {
        Token(0x600 + u64::from(self.0))
    }

    pub(super) fn managers(self) -> Token {
        Token(0x700 + u64::from(self.0))
    }

    pub(super) fn miniports(self) -> Token {
        Token(0x800 + u64::from(self.0))
    }
}

/// One party.
#[derive(Clone, Copy)]
pub(super) struct Leaf(pub(super) u32);

impl Leaf {
    pub(super) fn handle(self, kind: HandleKind) -> Handle {
        handle(kind, 900 + self.0)
    }

    pub(super) fn object(self) -> Object {
        Object::Party(PartyId(self.handle(HandleKind::ClientParty)))
    }

    pub(super) fn client(self) -> HandleArg {
        arg(self.handle(HandleKind::ClientParty))
    }

    pub(super) fn manager(self) -> HandleArg {
        arg(self.handle(HandleKind::CallManagerParty))
    }

    pub(super) fn clients(self) -> Token {
        Token(0xA00 + u64::from(self.0))
    }

    pub(super) fn managers(self) -> Token {
        Token(0xB00 + u64::from(self.0))
    }
}

/// How a driver answers what NDIS asks of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    AtOnce,
    /// With `NDIS_STATUS_PENDING`, and on a task of its own later.
    Later,
    /// The same, with the completion before the return.
    Early,
}

pub(super) const HOWS: [How; 3] = [How::AtOnce, How::Later, How::Early];

/// A request that NDIS brings to another driver, and the way back.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) by: DriverId,
    pub(super) call: Call,
    /// What NDIS stores for the caller before it asks.
    pub(super) stores: Option<OutParameter>,
    pub(super) of: DriverId,
    pub(super) callback: Callback,
    pub(super) reply: Reply,
    pub(super) completion: Call,
    pub(super) told: Callback,
}

impl Story {
    /// A call that leads to nothing.
    pub(super) fn calls(&mut self, by: DriverId, call: Call, status: Status) -> &mut Story {
        self.trace.called(by, call).returned(by, call.ddi(), status);
        self
    }

    /// A call that leads to one handler.
    pub(super) fn calls_through(
        &mut self,
        by: DriverId,
        call: Call,
        of: DriverId,
        callback: Callback,
        reply: Reply,
        status: Status,
    ) -> &mut Story {
        self.trace.called(by, call).invoked(of, callback).replied(of, callback.ddi(), reply);
        self.trace.returned(by, call.ddi(), status);
        self
    }

    pub(super) fn request(&mut self, request: Request, how: How) -> &mut Story {
        let Request { by, call, stores, of, callback, reply, completion, told } = request;
        self.trace.called(by, call);
        if let Some(out) = stores {
            self.trace.published(by, out);
        }
        self.trace.invoked(of, callback);
        match how {
            How::AtOnce => {
                self.trace.replied(of, callback.ddi(), reply);
                if !reply.parameters.is_null() {
                    self.trace.published(by, OutParameter::CallParameters(reply.parameters));
                }
                if reply.status != Status::SUCCESS && matches!(stores, Some(OutParameter::Party(_))) {
                    self.trace.published(by, OutParameter::Party(HandleArg::Null));
                }
                self.trace.returned(by, call.ddi(), reply.status);
            }
            How::Later => {
                self.trace.replied(of, callback.ddi(), PENDING).returned(by, call.ddi(), Status::PENDING);
                self.own_task();
                self.calls_through(of, completion, by, told, SUCCESS, Status::SUCCESS);
            }
            How::Early => {
                self.calls_through(of, completion, by, told, SUCCESS, Status::SUCCESS);
                self.trace.replied(of, callback.ddi(), PENDING).returned(by, call.ddi(), Status::PENDING);
            }
        }
        self
    }

    // ---- SAPs -------------------------------------------------------------------------------------------------

    pub(super) fn register_sap(&mut self, status: Status, how: How) -> &mut Story {
        let handle =
            if status == Status::SUCCESS { arg(sap(HandleKind::ClientSap)) } else { HandleArg::Null };
        let request = Request {
            by: CLIENT,
            call: Call::ClRegisterSap {
                af: arg(client_af(1)),
                sap_context: CLIENT_SAP,
                specification: SPECIFICATION,
            },
            stores: Some(OutParameter::Sap(sap(HandleKind::ClientSap))),
            of: self.manager,
            callback: Callback::CmRegisterSap {
                af_context: CM_AF,
                specification: SPECIFICATION,
                sap: sap(HandleKind::CallManagerSap),
            },
            reply: Reply::status(status).with_context(CM_SAP),
            completion: Call::CmRegisterSapComplete {
                status,
                sap: arg(sap(HandleKind::CallManagerSap)),
                sap_context: CM_SAP,
            },
            told: Callback::ClRegisterSapComplete {
                status,
                sap_context: CLIENT_SAP,
                specification: SPECIFICATION,
                sap: handle,
            },
        };
        self.request(request, how)
    }

    pub(super) fn deregistration(&self) -> Request {
        let status = Status::SUCCESS;
        Request {
            by: CLIENT,
            call: Call::ClDeregisterSap { sap: arg(sap(HandleKind::ClientSap)) },
            stores: None,
            of: self.manager,
            callback: Callback::CmDeregisterSap { sap_context: CM_SAP },
            reply: SUCCESS,
            completion: Call::CmDeregisterSapComplete { status, sap: arg(sap(HandleKind::CallManagerSap)) },
            told: Callback::ClDeregisterSapComplete { status, sap_context: CLIENT_SAP },
        }
    }

    // ---- VCs --------------------------------------------------------------------------------------------------

    pub(super) fn creation(&self, wire: Wire, by: DriverId) -> (Call, OutParameter) {
        let vc = HandleArg::Null;
        if by == CLIENT {
            let (binding, af) = (arg(binding()), arg(client_af(1)));
            let call = Call::CoCreateVc { binding, af, vc_context: wire.clients(), vc };
            return (call, OutParameter::Vc(wire.handle(HandleKind::ClientVc)));
        }
        let (af, vc_context) = (arg(cm_af(1)), wire.managers());
        let call = if by == MINIPORT {
            Call::MCmCreateVc { adapter: arg(adapter()), af, vc_context, vc }
        } else {
            Call::CoCreateVc { binding: arg(binding_handle(CM)), af, vc_context, vc }
        };
        (call, OutParameter::Vc(wire.handle(HandleKind::CallManagerVc)))
    }

    /// The create handler of the other protocol.
    pub(super) fn peer_joins(&self, wire: Wire, by: DriverId) -> (DriverId, Callback, Reply) {
        if by == CLIENT {
            let vc = wire.handle(HandleKind::CallManagerVc);
            let callback = Callback::CoCreateVc { af_context: CM_AF, vc, side: Side::CallManager };
            (self.manager, callback, SUCCESS.with_context(wire.managers()))
        } else {
            let vc = wire.handle(HandleKind::ClientVc);
            let callback = Callback::CoCreateVc { af_context: CLIENT_AF, vc, side: Side::Client };
            (CLIENT, callback, SUCCESS.with_context(wire.clients()))
        }
    }

    pub(super) fn miniport_joins(&self, wire: Wire) -> Callback {
        let vc = wire.handle(HandleKind::MiniportVc);
        Callback::MiniportCoCreateVc { adapter_context: ADAPTER_CONTEXT, vc }
    }

    pub(super) fn create(&mut self, wire: Wire, by: DriverId) -> &mut Story {
        let (call, out) = self.creation(wire, by);
        let (peer, callback, reply) = self.peer_joins(wire, by);
        self.trace.called(by, call).invoked(peer, callback).replied(peer, Ddi::ProtocolCoCreateVc, reply);
        if self.manager == CM {
            let callback = self.miniport_joins(wire);
            let reply = SUCCESS.with_context(wire.miniports());
            self.trace.invoked(MINIPORT, callback).replied(MINIPORT, Ddi::MiniportCoCreateVc, reply);
        }
        self.trace.published(by, out).returned(by, call.ddi(), Status::SUCCESS);
        self
    }

    pub(super) fn deletion(&self, wire: Wire, by: DriverId) -> (Call, DriverId, Callback) {
        if by == CLIENT {
            let callback = Callback::CoDeleteVc { vc_context: wire.managers(), side: Side::CallManager };
            return (Call::CoDeleteVc { vc: wire.client() }, self.manager, callback);
        }
        let vc = wire.manager();
        let call = if by == MINIPORT { Call::MCmDeleteVc { vc } } else { Call::CoDeleteVc { vc } };
        (call, CLIENT, Callback::CoDeleteVc { vc_context: wire.clients(), side: Side::Client })
    }

    pub(super) fn delete(&mut self, wire: Wire, by: DriverId) -> &mut Story {
        let (call, peer, callback) = self.deletion(wire, by);
        self.trace.called(by, call).invoked(peer, callback).replied(peer, Ddi::ProtocolCoDeleteVc, SUCCESS);
        if self.manager == CM {
            let callback = Callback::MiniportCoDeleteVc { vc_context: wire.miniports() };
            self.trace.invoked(MINIPORT, callback).replied(MINIPORT, Ddi::MiniportCoDeleteVc, SUCCESS);
        }
        self.trace.returned(by, call.ddi(), Status::SUCCESS);
        self
    }

    pub(super) fn activation(&self, wire: Wire, reply: Reply) -> Request {
        let (status, parameters) = (reply.status, left(reply));
        Request {
            by: CM,
            call: Call::CmActivateVc { vc: wire.manager(), parameters: PARAMETERS },
            stores: None,
            of: MINIPORT,
            callback: Callback::MiniportCoActivateVc { vc_context: wire.miniports(), parameters: PARAMETERS },
            reply,
            completion: Call::MCoActivateVcComplete { status, vc: wire.miniport(), parameters },
            told: Callback::CmActivateVcComplete { status, vc_context: wire.managers(), parameters },
        }
    }

    pub(super) fn deactivation(&self, wire: Wire, status: Status) -> Request {
        Request {
            by: CM,
            call: Call::CmDeactivateVc { vc: wire.manager() },
            stores: None,
            of: MINIPORT,
            callback: Callback::MiniportCoDeactivateVc { vc_context: wire.miniports() },
            reply: Reply::status(status),
            completion: Call::MCoDeactivateVcComplete { status, vc: wire.miniport() },
            told: Callback::CmDeactivateVcComplete { status, vc_context: wire.managers() },
        }
    }

    pub(super) fn activate(&mut self, wire: Wire, how: How) -> &mut Story {
        if self.manager == CM {
            return self.request(self.activation(wire, SUCCESS), how);
        }
        let call = Call::MCmActivateVc { vc: wire.manager(), parameters: PARAMETERS };
        self.calls(MINIPORT, call, Status::SUCCESS)
    }

    pub(super) fn deactivate(&mut self, wire: Wire, how: How) -> &mut Story {
        if self.manager == CM {
            return self.request(self.deactivation(wire, Status::SUCCESS), how);
        }
        self.calls(MINIPORT, Call::MCmDeactivateVc { vc: wire.manager() }, Status::SUCCESS)
    }

    // ---- calls ------------------------------------------------------------------------------------------------

    pub(super) fn making(&self, wire: Wire, party: Option<Leaf>, reply: Reply) -> Request {
        let (status, parameters) = (reply.status, left(reply));
        let made = party.filter(|_| status == Status::SUCCESS);
        Request {
            by: CLIENT,
            call: Call::ClMakeCall {
                vc: wire.client(),
                parameters: PARAMETERS,
                party_context: party.map_or(Token::NULL, Leaf::clients),
            },
            stores: party.map(|party| OutParameter::Party(party.client())),
            of: self.manager,
            callback: Callback::CmMakeCall {
                vc_context: wire.managers(),
                parameters: PARAMETERS,
                party: party.map_or(HandleArg::Null, Leaf::manager),
            },
            reply: reply.with_context(party.map_or(Token::NULL, Leaf::managers)),
            completion: Call::CmMakeCallComplete {
                status,
                vc: wire.manager(),
                party: party.map_or(HandleArg::Null, Leaf::manager),
                party_context: party.map_or(Token::NULL, Leaf::managers),
                parameters,
            },
            told: Callback::ClMakeCallComplete {
                status,
                vc_context: wire.clients(),
                party: made.map_or(HandleArg::Null, Leaf::client),
                parameters,
            },
        }
    }

    pub(super) fn modification(&self, wire: Wire, reply: Reply) -> Request {
        let (status, parameters) = (reply.status, left(reply));
        Request {
            by: CLIENT,
            call: Call::ClModifyCallQoS { vc: wire.client(), parameters: PARAMETERS },
            stores: None,
            of: self.manager,
            callback: Callback::CmModifyCallQoS { vc_context: wire.managers(), parameters: PARAMETERS },
            reply,
            completion: Call::CmModifyCallQoSComplete { status, vc: wire.manager(), parameters },
            told: Callback::ClModifyCallQoSComplete { status, vc_context: wire.clients(), parameters },
        }
    }

    pub(super) fn closing_call(&self, wire: Wire, party: Option<Leaf>, status: Status) -> Request {
        let (data, size) = DATA;
        Request {
            by: CLIENT,
            call: Call::ClCloseCall {
                vc: wire.client(),
                party: party.map_or(HandleArg::Null, Leaf::client),
                data,
                size,
            },
            stores: None,
            of: self.manager,
            callback: Callback::CmCloseCall {
                vc_context: wire.managers(),
                party_context: party.map_or(Token::NULL, Leaf::managers),
                data,
                size,
            },
            reply: Reply::status(status),
            completion: Call::CmCloseCallComplete {
                status,
                vc: wire.manager(),
                party: party.map_or(HandleArg::Null, Leaf::manager),
            },
            told: Callback::ClCloseCallComplete {
                status,
                vc_context: wire.clients(),
                party_context: party.map_or(Token::NULL, Leaf::clients),
            },
        }
    }

    pub(super) fn offer(&self, wire: Wire, reply: Reply) -> Request {
        let (status, parameters) = (reply.status, left(reply));
        Request {
            by: self.manager,
            call: Call::CmDispatchIncomingCall {
                sap: arg(sap(HandleKind::CallManagerSap)),
                vc: wire.manager(),
                parameters: PARAMETERS,
            },
            stores: None,
            of: CLIENT,
            callback: Callback::ClIncomingCall {
                sap_context: CLIENT_SAP,
                vc_context: wire.clients(),
                parameters: PARAMETERS,
            },
            reply,
            completion: Call::ClIncomingCallComplete { status, vc: wire.client(), parameters },
            told: Callback::CmIncomingCallComplete { status, vc_context: wire.managers(), parameters },
        }
    }

    /// What a call manager dispatches on a call, and what the client hears of it.
    pub(super) fn dispatches(wire: Wire) -> [(Call, Callback); 3] {
        let (vc, vc_context, parameters) = (wire.manager(), wire.clients(), PARAMETERS);
        let ((data, size), status) = (DATA, Status::FAILURE);
        [
            (Call::CmDispatchCallConnected { vc }, Callback::ClCallConnected { vc_context }),
            (
                Call::CmDispatchIncomingCallQoSChange { vc, parameters },
                Callback::ClIncomingCallQoSChange { vc_context, parameters },
            ),
            (
                Call::CmDispatchIncomingCloseCall { status, vc, data, size },
                Callback::ClIncomingCloseCall { status, vc_context, data, size },
            ),
        ]
    }

    pub(super) fn dispatch(&mut self, (call, callback): (Call, Callback)) -> &mut Story {
        self.calls_through(self.manager, call, CLIENT, callback, SUCCESS, Status::SUCCESS)
    }

    // ---- parties ----------------------------------------------------------------------------------------------

    pub(super) fn addition(&self, wire: Wire, party: Leaf, reply: Reply) -> Request {
        let (status, parameters) = (reply.status, left(reply));
        Request {
            by: CLIENT,
            call: Call::ClAddParty {
                vc: wire.client(),
                party_context: party.clients(),
                parameters: PARAMETERS,
            },
            stores: Some(OutParameter::Party(party.client())),
            of: self.manager,
            callback: Callback::CmAddParty {
                vc_context: wire.managers(),
                parameters: PARAMETERS,
                party: party.handle(HandleKind::CallManagerParty),
            },
            reply: reply.with_context(party.managers()),
            completion: Call::CmAddPartyComplete {
                status,
                party: party.manager(),
                party_context: party.managers(),
                parameters,
            },
            told: Callback::ClAddPartyComplete {
                status,
                party_context: party.clients(),
                party: if status == Status::SUCCESS { party.client() } else { HandleArg::Null },
                parameters,
            },
        }
    }

    pub(super) fn dropping(&self, party: Leaf, status: Status) -> Request {
        let (data, size) = DATA;
        Request {
            by: CLIENT,
            call: Call::ClDropParty { party: party.client(), data, size },
            stores: None,
            of: self.manager,
            callback: Callback::CmDropParty { party_context: party.managers(), data, size },
            reply: Reply::status(status),
            completion: Call::CmDropPartyComplete { status, party: party.manager() },
            told: Callback::ClDropPartyComplete { status, party_context: party.clients() },
        }
    }

    pub(super) fn leaving(party: Leaf) -> (Call, Callback) {
        let ((data, size), status) = (DATA, Status::FAILURE);
        let call = Call::CmDispatchIncomingDropParty { status, party: party.manager(), data, size };
        (call, Callback::ClIncomingDropParty { status, party_context: party.clients(), data, size })
    }

    // ---- whole lives ------------------------------------------------------------------------------------------

    /// With a VC of the client's on which a call is made, with a first party or not.
    pub(super) fn called(manager: DriverId, party: Option<Leaf>) -> Story {
        let mut story = Story::open(manager);
        story.own_task();
        story.create(Wire(1), CLIENT).activate(Wire(1), How::AtOnce);
        story.request(story.making(Wire(1), party, SUCCESS), How::AtOnce);
        story
    }

    /// With a SAP, and a VC of the call manager's on which a call is offered and taken.
    pub(super) fn offered(manager: DriverId, how: How) -> Story {
        let mut story = Story::open(manager);
        story.own_task();
        story.register_sap(Status::SUCCESS, How::AtOnce).create(Wire(1), manager);
        story.activate(Wire(1), How::AtOnce);
        story.request(story.offer(Wire(1), SUCCESS), how);
        story
    }

    /// All that can be done on an address family, and its end.
    fn whole(manager: DriverId, how: How) -> Story {
        let (outgoing, incoming) = (Wire(1), Wire(2));
        let (first, second, third) = (Leaf(1), Leaf(2), Leaf(3));
        let mut story = Story::open(manager);
        story.own_task();
        story.register_sap(Status::SUCCESS, how);
        story.create(outgoing, CLIENT).activate(outgoing, how);
        story.request(story.making(outgoing, Some(first), SUCCESS), how);
        story.request(story.addition(outgoing, second, SUCCESS), how);
        story.request(story.addition(outgoing, third, SUCCESS), how);
        story.request(story.modification(outgoing, SUCCESS), how);
        story.dispatch(Story::dispatches(outgoing)[1]).dispatch(Story::leaving(second));
        story.request(story.dropping(second, Status::SUCCESS), how);
        story.request(story.dropping(first, Status::SUCCESS), how);
        story.dispatch(Story::dispatches(outgoing)[2]);
        story.request(story.closing_call(outgoing, Some(third), Status::SUCCESS), how);
        story.deactivate(outgoing, how).delete(outgoing, CLIENT);
        story.create(incoming, manager).activate(incoming, how);
        story.request(story.offer(incoming, SUCCESS), how).dispatch(Story::dispatches(incoming)[0]);
        story.request(story.closing_call(incoming, None, Status::SUCCESS), how);
        story.deactivate(incoming, how).delete(incoming, manager);
        story.request(story.deregistration(), how);
        story.closing();
        story.closed(Status::SUCCESS);
        story.stop();
        story
    }
}

/// The call parameters as a handler leaves them.
fn left(reply: Reply) -> CallParameters {
    if reply.parameters.is_null() { PARAMETERS } else { reply.parameters }
}

#[test]
fn all_that_can_be_done_is_faultless() {
    for manager in MANAGERS {
        for how in HOWS {
            let story = Story::whole(manager, how);
            assert_eq!(story.rules_at_rest(), [], "{manager:?} {how:?}");
        }
    }
}

fn is_of_a_connection(callback: &Callback) -> bool {
    matches!(callback.ddi().info().area, Area::Sap | Area::Vc | Area::Call | Area::Party)
}

/// The same callback with its argument number `index` replaced by another of its kind.
fn with_another(callback: &Callback, index: usize) -> Option<Callback> {
    let mut arguments = Vec::new();
    callback.each_argument(|_, value| arguments.push(value));
    let argument = arguments.get_mut(index)?;
    *argument = match *argument {
        Value::Handle(HandleArg::Known(known)) => Value::Handle(arg(handle(known.kind, 4000))),
        Value::Handle(HandleArg::Null | HandleArg::Unknown(_)) => {
            Value::Handle(arg(Leaf(9).handle(HandleKind::ClientParty)))
        }
        Value::Token(_) => Value::Token(Token(0xBAD)),
        Value::Status(_) => Value::Status(Status::NOT_ACCEPTED),
        Value::Sap(specification) => Value::Sap(Sap { address: Token(0xBAD), ..specification }),
        Value::CallParameters(parameters) => {
            Value::CallParameters(CallParameters { called: 0xBAD, ..parameters })
        }
        Value::Size(size) => Value::Size(size + 1),
        Value::Side(Side::Client) => Value::Side(Side::CallManager),
        Value::Side(Side::CallManager) => Value::Side(Side::Client),
        other => panic!("no handler of a connection has {other:?}"),
    };
    Some(Callback::from_arguments(callback.ddi(), &arguments).expect("arguments of the same kinds"))
}

/// The places of the handlers of connections in a trace.
fn handlers(story: &Story) -> Vec<(usize, DriverId, Callback)> {
    let places = story.trace.records.iter().enumerate();
    places
        .filter_map(|(place, record)| match record.event {
            Event::Invoked(driver, callback) if is_of_a_connection(&callback) => {
                Some((place, driver, callback))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn every_argument_of_every_handler_is_looked_at() {
    let mut changes = 0;
    for manager in MANAGERS {
        for how in HOWS {
            let story = Story::whole(manager, how);
            for (place, driver, callback) in handlers(&story) {
                for index in 0.. {
                    let Some(other) = with_another(&callback, index) else { break };
                    let mut wrong = story.clone();
                    wrong.trace.records[place].event = Event::Invoked(driver, other);
                    assert!(!wrong.rules().is_empty(), "{manager:?} {how:?}: {other:?} for {callback:?}");
                    changes += 1;
                }
            }
        }
    }
    assert!(changes > 400, "{changes}");
}

#[test]
fn every_handler_goes_to_the_driver_that_it_is_for() {
    for manager in MANAGERS {
        for how in HOWS {
            let story = Story::whole(manager, how);
            for (place, driver, callback) in handlers(&story) {
                for other in [CLIENT, CM, MINIPORT, OTHER].into_iter().filter(|&other| other != driver) {
                    let mut wrong = story.clone();
                    wrong.trace.records[place].event = Event::Invoked(other, callback);
                    assert!(!wrong.rules().is_empty(), "{manager:?} {how:?}: {callback:?} of {other:?}");
                }
            }
        }
    }
}

/// The place of the reply to a handler.
fn reply_to(story: &Story, place: usize, callback: &Callback) -> usize {
    let task = story.trace.records[place].task;
    let mut open = 0;
    for (index, record) in story.trace.records.iter().enumerate().skip(place) {
        match record.event {
            Event::Invoked(_, other) if record.task == task && other.ddi() == callback.ddi() => open += 1,
            Event::Replied(_, ddi, _) if record.task == task && ddi == callback.ddi() => open -= 1,
            _ => {}
        }
        if open == 0 {
            return index;
        }
    }
    panic!("{callback:?} returns");
}

#[test]
fn no_handler_is_left_out_and_none_called_twice() {
    for manager in MANAGERS {
        for how in HOWS {
            let story = Story::whole(manager, how);
            for (place, _, callback) in handlers(&story) {
                let end = reply_to(&story, place, &callback);
                let mut without = story.clone();
                without.trace.records.drain(place..=end);
                assert!(!without.rules_at_rest().is_empty(), "{manager:?} {how:?}: without {callback:?}");
                let mut twice = story.clone();
                let again = twice.trace.records[place..=end].to_vec();
                twice.trace.records.splice(end + 1..end + 1, again);
                assert!(!twice.rules_at_rest().is_empty(), "{manager:?} {how:?}: twice {callback:?}");
            }
        }
    }
}

#[test]
fn every_status_is_passed_on() {
    for manager in MANAGERS {
        for how in HOWS {
            let story = Story::whole(manager, how);
            for (place, record) in story.trace.records.iter().enumerate() {
                let Event::Returned(driver, ddi, status) = record.event else { continue };
                let is_of_a_connection =
                    matches!(ddi.info().area, Area::Sap | Area::Vc | Area::Call | Area::Party);
                // Only the MCM knows whether its own activation may fail.
                if !is_of_a_connection || ddi == Ddi::NdisMCmActivateVc {
                    continue;
                }
                let other = if status == Status::SUCCESS { Status::NOT_ACCEPTED } else { Status::SUCCESS };
                let mut wrong = story.clone();
                wrong.trace.records[place].event = Event::Returned(driver, ddi, other);
                assert!(
                    !wrong.rules_at_rest().is_empty(),
                    "{manager:?} {how:?}: {other} of {ddi} for {status}"
                );
            }
        }
    }
}

#[test]
fn what_a_handler_makes_of_call_parameters_reaches_who_asked() {
    let changed = Reply { parameters: CHANGED, ..SUCCESS };
    let mut stories = Vec::new();
    for how in HOWS {
        let mut story = Story::open(CM);
        story.own_task();
        story.create(Wire(1), CLIENT);
        story.request(story.activation(Wire(1), changed), how);
        story.request(story.making(Wire(1), None, changed), how);
        story.request(story.modification(Wire(1), changed), how);
        let mut offer = Story::open(CM);
        offer.own_task();
        offer.register_sap(Status::SUCCESS, How::AtOnce).create(Wire(1), CM);
        offer.request(offer.offer(Wire(1), changed), how);
        let mut party = Story::called(CM, Some(Leaf(1)));
        party.request(party.addition(Wire(1), Leaf(2), changed), how);
        stories.extend([story, offer, party]);
    }
    for story in stories {
        assert_eq!(story.rules_at_rest(), []);
        for (place, record) in story.trace.records.iter().enumerate() {
            if let Event::Published(_, OutParameter::CallParameters(parameters)) = record.event {
                let mut lost = story.clone();
                lost.trace.records.remove(place);
                assert_eq!(lost.rules().len(), 1, "{parameters:?} never stored");
                let mut wrong = story.clone();
                wrong.trace.records[place].event =
                    Event::Published(CM, OutParameter::CallParameters(PARAMETERS));
                assert_eq!(wrong.rules().len(), 1, "others stored");
            }
        }
    }
}

#[test]
fn the_auditor_forgets_connections_that_are_over() {
    let mut auditor = Auditor::new(StopOrder::Strict);
    for how in HOWS {
        for record in &Story::whole(CM, how).trace.records {
            assert_eq!(auditor.look(record), Ok(()));
        }
    }
    assert!(auditor.saps.is_empty() && auditor.vcs.is_empty() && auditor.parties.is_empty());
    assert!(auditor.handles.is_empty() && auditor.parties_on.is_empty() && auditor.pended.is_empty());
}

#[test]
fn a_discrepancy_names_the_object() {
    let mut story = Story::called(CM, Some(Leaf(1)));
    story.register_sap(Status::SUCCESS, How::AtOnce);
    let objects =
        [(Ddi::ProtocolCmMakeCall, Wire(1).object()), (Ddi::MiniportCoActivateVc, Wire(1).object())];
    for (ddi, object) in objects {
        let wrong = story.clone().change(|event| match event {
            Event::Invoked(_, callback) if callback.ddi() == ddi => {
                *callback = with_another(callback, 0).expect("a context");
                true
            }
            _ => false,
        });
        let found = audit(&wrong.trace.records, StopOrder::Strict, Ending::Cut);
        assert_eq!(found[0].violation.object, object);
    }
    story.request(story.dropping(Leaf(1), Status::SUCCESS), How::AtOnce);
    let wrong = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmDropParty { party_context, .. }) => {
            *party_context = Token(0xBAD);
            true
        }
        _ => false,
    });
    assert_eq!(
        audit(&wrong.trace.records, StopOrder::Strict, Ending::Cut)[0].violation.object,
        Leaf(1).object()
    );
    story.request(story.deregistration(), How::AtOnce);
    let wrong = story.change(|event| match event {
        Event::Invoked(_, Callback::CmDeregisterSap { sap_context }) => {
            *sap_context = Token(0xBAD);
            true
        }
        _ => false,
    });
    assert_eq!(audit(&wrong.trace.records, StopOrder::Strict, Ending::Cut)[0].violation.object, sap_object());
}
