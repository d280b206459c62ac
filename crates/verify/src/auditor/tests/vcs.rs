//! The rules of area `vc`.

use super::connections::*;
use super::*;
use model::CallId;
use model::block::Name;

/// A creation up to the answer of the other protocol.
fn asked(story: &mut Story, by: DriverId, reply: Reply) -> Call {
    let (call, _) = story.creation(Wire(1), by);
    let (peer, callback, _) = story.peer_joins(Wire(1), by);
    story.trace.called(by, call).invoked(peer, callback).replied(peer, Ddi::ProtocolCoCreateVc, reply);
    call
}

fn undo(story: &mut Story, by: DriverId) {
    let (_, peer, callback) = story.deletion(Wire(1), by);
    story.trace.invoked(peer, callback).replied(peer, Ddi::ProtocolCoDeleteVc, SUCCESS);
}

fn open(manager: DriverId) -> Story {
    let mut story = Story::open(manager);
    story.own_task();
    story
}

#[test]
fn a_creation_that_a_side_refuses_is_undone() {
    let refusal = Reply::status(Status::RESOURCES);
    let joined = |by| SUCCESS.with_context(if by == CLIENT { Wire(1).managers() } else { Wire(1).clients() });
    for by in [CLIENT, CM] {
        // The other protocol refuses: nobody else is asked.
        let mut story = open(CM);
        let call = asked(&mut story, by, refusal);
        story.trace.returned(by, call.ddi(), Status::RESOURCES);
        assert_eq!(story.rules_at_rest(), []);
        // The miniport refuses: the other protocol is told.
        let mut story = open(CM);
        let call = asked(&mut story, by, joined(by));
        let callback = story.miniport_joins(Wire(1));
        story.trace.invoked(MINIPORT, callback).replied(MINIPORT, Ddi::MiniportCoCreateVc, refusal);
        let mut kept = story.clone();
        kept.trace.returned(by, call.ddi(), Status::RESOURCES);
        assert_eq!(kept.rules(), [Rule::VcNdisCreateUndone]);
        undo(&mut story, by);
        let mut status = story.clone();
        status.trace.returned(by, call.ddi(), Status::FAILURE);
        assert_eq!(status.rules(), [Rule::VcNdisCreateUndone]);
        let mut stored = story.clone();
        let (_, out) = stored.creation(Wire(1), by);
        stored.trace.published(by, out).returned(by, call.ddi(), Status::RESOURCES);
        assert_eq!(stored.rules(), [Rule::VcNdisCreateUndone]);
        story.trace.returned(by, call.ddi(), Status::RESOURCES);
        assert_eq!(story.rules_at_rest(), []);
    }
}

#[test]
fn a_creation_fails_only_if_a_side_refuses_or_ndis_cannot() {
    let mut story = open(MINIPORT);
    let call = asked(&mut story, CLIENT, SUCCESS.with_context(Wire(1).managers()));
    let mut undone = story.clone();
    undo(&mut undone, CLIENT);
    undone.trace.returned(CLIENT, call.ddi(), Status::FAILURE);
    assert!(undone.rules().contains(&Rule::VcNdisCreateUndone));
    let (call, _) = story.creation(Wire(2), CLIENT);
    let mut story = open(MINIPORT);
    story.calls(CLIENT, call, Status::RESOURCES);
    assert_eq!(story.rules_at_rest(), []);
    // A handler that pends has refused; its driver broke a rule, and the creator sees a failure.
    let mut pends = open(MINIPORT);
    let call = asked(&mut pends, CLIENT, PENDING);
    pends.trace.returned(CLIENT, call.ddi(), Status::FAILURE);
    assert_eq!(pends.rules(), []);
}

#[test]
fn a_vc_is_created_by_all_or_not_at_all() {
    let rule = Rule::VcNdisCallbackOrder;
    let mut story = open(CM);
    let call = asked(&mut story, CLIENT, SUCCESS.with_context(Wire(1).managers()));
    let (_, out) = story.creation(Wire(1), CLIENT);
    story.trace.published(CLIENT, out).returned(CLIENT, call.ddi(), Status::SUCCESS);
    assert_eq!(story.rules(), [rule], "the miniport was not asked");
    let without_handle = {
        let mut story = open(CM);
        story.create(Wire(1), CLIENT);
        story.without(|event| matches!(event, Event::Published(_, OutParameter::Vc(_))))
    };
    assert_eq!(without_handle.rules(), [Rule::VcNdisContext]);
}

#[test]
fn the_protocol_is_called_before_the_miniport() {
    let rule = Rule::VcNdisCallbackOrder;
    let mut story = open(CM);
    let (call, out) = story.creation(Wire(1), CLIENT);
    let (peer, callback, reply) = story.peer_joins(Wire(1), CLIENT);
    let miniport = story.miniport_joins(Wire(1));
    story
        .trace
        .called(CLIENT, call)
        .invoked(MINIPORT, miniport)
        .replied(MINIPORT, Ddi::MiniportCoCreateVc, SUCCESS.with_context(Wire(1).miniports()))
        .invoked(peer, callback)
        .replied(peer, Ddi::ProtocolCoCreateVc, reply)
        .published(CLIENT, out)
        .returned(CLIENT, Ddi::NdisCoCreateVc, Status::SUCCESS);
    assert_eq!(story.rules(), [rule, rule]);
    let mut story = open(CM);
    story.create(Wire(1), CLIENT);
    let (call, peer, callback) = story.deletion(Wire(1), CLIENT);
    let miniport = Callback::MiniportCoDeleteVc { vc_context: Wire(1).miniports() };
    story
        .trace
        .called(CLIENT, call)
        .invoked(MINIPORT, miniport)
        .replied(MINIPORT, Ddi::MiniportCoDeleteVc, SUCCESS)
        .invoked(peer, callback)
        .replied(peer, Ddi::ProtocolCoDeleteVc, SUCCESS)
        .returned(CLIENT, Ddi::NdisCoDeleteVc, Status::SUCCESS);
    assert_eq!(story.rules(), [rule, rule]);
}

#[test]
fn a_call_managers_own_vc_concerns_the_miniport_alone() {
    let own = Call::CoCreateVc {
        binding: arg(binding_handle(CM)),
        af: HandleArg::Null,
        vc_context: Wire(1).managers(),
        vc: HandleArg::Null,
    };
    let mut story = open(CM);
    let callback = story.miniport_joins(Wire(1));
    let mut told = story.clone();
    story
        .trace
        .called(CM, own)
        .invoked(MINIPORT, callback)
        .replied(MINIPORT, Ddi::MiniportCoCreateVc, SUCCESS.with_context(Wire(1).miniports()))
        .published(CM, OutParameter::Vc(Wire(1).handle(HandleKind::CallManagerVc)))
        .returned(CM, Ddi::NdisCoCreateVc, Status::SUCCESS);
    for how in HOWS {
        story.request(story.activation(Wire(1), SUCCESS), how);
        story.request(story.deactivation(Wire(1), Status::SUCCESS), how);
    }
    let (delete, ..) = story.deletion(Wire(1), CM);
    let callback = Callback::MiniportCoDeleteVc { vc_context: Wire(1).miniports() };
    story.calls_through(CM, delete, MINIPORT, callback, SUCCESS, Status::SUCCESS);
    assert_eq!(story.rules_at_rest(), []);
    let (client, callback, reply) = told.peer_joins(Wire(1), CM);
    told.trace.called(CM, own).invoked(client, callback).replied(client, Ddi::ProtocolCoCreateVc, reply);
    assert_eq!(told.rules(), [Rule::VcNdisCallbackOrder]);
}

#[test]
fn each_driver_has_the_vc_context_that_it_supplied_and_a_handle_of_its_own() {
    let rule = Rule::VcNdisContext;
    let mut story = Story::called(CM, None);
    let handle = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::MiniportCoCreateVc { vc, .. }) => {
            *vc = Wire(1).handle(HandleKind::CallManagerVc);
            true
        }
        _ => false,
    });
    assert_eq!(handle.rules(), [rule]);
    let context = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::MiniportCoActivateVc { vc_context, .. }) => {
            *vc_context = Wire(1).managers();
            true
        }
        _ => false,
    });
    assert_eq!(context.rules(), [rule]);
    let context = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CoCreateVc { af_context, .. }) => {
            *af_context = CLIENT_AF;
            true
        }
        _ => false,
    });
    assert_eq!(context.rules(), [rule]);
    // The context that a handler has stored before it failed is none.
    story.own_task();
    let refused = Reply::status(Status::RESOURCES).with_context(Token(0xBAD));
    let (call, _) = story.creation(Wire(2), CLIENT);
    let (peer, callback, _) = story.peer_joins(Wire(2), CLIENT);
    story.calls_through(CLIENT, call, peer, callback, refused, Status::RESOURCES);
    assert_eq!(story.rules(), []);
}

#[test]
fn nobody_is_called_for_a_vc_that_is_deleted() {
    let mut story = Story::open(CM);
    story.own_task();
    story.create(Wire(1), CLIENT).delete(Wire(1), CLIENT);
    assert_eq!(story.rules_at_rest(), []);
    let request = story.activation(Wire(1), SUCCESS);
    story.trace.called(CM, request.call).invoked(MINIPORT, request.callback);
    assert_eq!(story.rules(), [Rule::VcNdisContext]);
}

#[test]
fn no_miniport_handler_of_an_mcm_is_called() {
    let rule = Rule::VcNdisMcmNoMiniportCalls;
    let mut story = open(MINIPORT);
    let call = asked(&mut story, CLIENT, SUCCESS.with_context(Wire(1).managers()));
    let callback = story.miniport_joins(Wire(1));
    let mut created = story.clone();
    created.trace.invoked(MINIPORT, callback);
    assert_eq!(created.rules(), [rule]);
    let (_, out) = story.creation(Wire(1), CLIENT);
    story.trace.published(CLIENT, out).returned(CLIENT, call.ddi(), Status::SUCCESS);
    let request = story.activation(Wire(1), SUCCESS);
    story.trace.called(MINIPORT, request.call).invoked(MINIPORT, request.callback);
    assert!(story.rules().contains(&rule));
    // Nor for the VC of another call manager above it.
    let own = Call::CoCreateVc {
        binding: arg(binding_handle(CM)),
        af: HandleArg::Null,
        vc_context: Wire(1).managers(),
        vc: HandleArg::Null,
    };
    let mut above = Story::up(MINIPORT);
    above.load_protocol(CM).bind(CM, false).own_task();
    let callback = above.miniport_joins(Wire(1));
    let mut called = above.clone();
    called.trace.called(CM, own).invoked(MINIPORT, callback);
    assert_eq!(called.rules(), [rule]);
    above.calls(CM, own, Status::FAILURE);
    assert_eq!(above.rules(), []);
}

#[test]
fn a_vc_is_not_deleted_while_it_is_active_or_has_a_call() {
    let rule = Rule::VcNdisDeleteRefusals;
    for manager in MANAGERS {
        let mut active = open(manager);
        active.create(Wire(1), CLIENT).activate(Wire(1), How::AtOnce).delete(Wire(1), CLIENT);
        assert!(active.rules().contains(&rule));
        let mut called = Story::called(manager, None);
        called.deactivate(Wire(1), How::AtOnce).delete(Wire(1), CLIENT);
        assert!(called.rules().contains(&rule));
    }
}

#[test]
fn a_deletion_is_refused_only_while_the_vc_is_active_or_being_deactivated() {
    let rule = Rule::VcNdisDeleteRefusals;
    let mut story = open(CM);
    story.create(Wire(1), CLIENT);
    let (delete, ..) = story.deletion(Wire(1), CLIENT);
    for status in [Status::NOT_ACCEPTED, Status::CLOSING] {
        let mut inactive = story.clone();
        inactive.calls(CLIENT, delete, status);
        assert_eq!(inactive.rules(), [rule]);
    }
    story.activate(Wire(1), How::Later).calls(CLIENT, delete, Status::NOT_ACCEPTED);
    let mut closing = story.clone();
    closing.calls(CLIENT, delete, Status::CLOSING);
    assert_eq!(closing.rules(), [rule]);
    let request = story.deactivation(Wire(1), Status::SUCCESS);
    story.trace.called(CM, request.call).invoked(MINIPORT, request.callback);
    story.calls(CLIENT, delete, Status::CLOSING);
    let mut active = story.clone();
    active.calls(CLIENT, delete, Status::NOT_ACCEPTED);
    assert_eq!(active.rules(), [rule]);
    story.trace.replied(MINIPORT, Ddi::MiniportCoDeactivateVc, SUCCESS);
    story.trace.returned(CM, Ddi::NdisCmDeactivateVc, Status::SUCCESS);
    story.delete(Wire(1), CLIENT);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn a_deletion_that_the_other_protocol_refuses_leaves_the_vc() {
    let mut story = open(CM);
    story.create(Wire(1), CLIENT);
    let (delete, peer, callback) = story.deletion(Wire(1), CLIENT);
    let refusal = Reply::status(Status::NOT_ACCEPTED);
    let mut other = story.clone();
    other.calls_through(CLIENT, delete, peer, callback, refusal, Status::CLOSING);
    assert_eq!(other.rules(), [Rule::VcNdisDeleteRefusals]);
    let mut deleted = story.clone();
    deleted.calls_through(CLIENT, delete, peer, callback, refusal, Status::SUCCESS);
    assert_eq!(deleted.rules(), [Rule::VcNdisCallbackOrder]);
    story.calls_through(CLIENT, delete, peer, callback, refusal, Status::NOT_ACCEPTED);
    story.delete(Wire(1), CLIENT);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn an_activation_goes_to_the_miniport_and_its_end_comes_back() {
    for how in HOWS {
        let mut story = open(CM);
        story.create(Wire(1), CLIENT);
        // A first activation fails; a later one and a change succeed, another change fails.
        for status in [Status::INVALID_DATA, Status::SUCCESS, Status::SUCCESS, Status::RESOURCES] {
            story.request(story.activation(Wire(1), Reply::status(status)), how);
        }
        story.request(story.deactivation(Wire(1), Status::FAILURE), how);
        story.request(story.deactivation(Wire(1), Status::SUCCESS), how);
        assert_eq!(story.rules_at_rest(), [], "{how:?}");
    }
    let mut story = open(CM);
    story.create(Wire(1), CLIENT).activate(Wire(1), How::Later);
    let parameters = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::MiniportCoActivateVc { parameters, .. }) => {
            *parameters = CHANGED;
            true
        }
        _ => false,
    });
    assert_eq!(parameters.rules(), [Rule::VcNdisActivateRelay]);
    let parameters = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmActivateVcComplete { parameters, .. }) => {
            *parameters = CHANGED;
            true
        }
        _ => false,
    });
    assert_eq!(parameters.rules(), [Rule::VcNdisCompleteAfterPending]);
    let status = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmActivateVcComplete { status, .. }) => {
            *status = Status::FAILURE;
            true
        }
        _ => false,
    });
    assert_eq!(status.rules(), [Rule::VcNdisCompleteAfterPending]);
    let request = story.activation(Wire(1), SUCCESS);
    story.calls(CM, request.call, Status::FAILURE);
    assert_eq!(story.rules(), [Rule::VcNdisActivateRelay], "NDIS has no reason to refuse");
}

#[test]
fn overlapping_and_redundant_requests_do_not_reach_the_miniport() {
    let rule = Rule::VcNdisActivateRelay;
    let mut story = open(CM);
    story.create(Wire(1), CLIENT);
    let (activate, deactivate) =
        (story.activation(Wire(1), SUCCESS), story.deactivation(Wire(1), Status::SUCCESS));
    let mut inactive = story.clone();
    inactive.calls_through(CM, deactivate.call, MINIPORT, deactivate.callback, SUCCESS, Status::SUCCESS);
    assert_eq!(inactive.rules(), [rule]);
    story.calls(CM, deactivate.call, Status::NOT_ACCEPTED);
    story.trace.called(CM, activate.call).invoked(MINIPORT, activate.callback);
    story.trace.replied(MINIPORT, Ddi::MiniportCoActivateVc, PENDING);
    story.trace.returned(CM, Ddi::NdisCmActivateVc, Status::PENDING);
    for request in [activate, deactivate] {
        let mut overlapping = story.clone();
        overlapping.trace.called(CM, request.call).invoked(MINIPORT, request.callback);
        assert!(overlapping.rules().contains(&rule));
        story.calls(CM, request.call, Status::FAILURE);
    }
    story.calls_through(MINIPORT, activate.completion, CM, activate.told, SUCCESS, Status::SUCCESS);
    let mut active = story.clone();
    active.calls(CM, deactivate.call, Status::NOT_ACCEPTED);
    assert_eq!(active.rules(), [rule]);
    story.request(deactivate, How::Early);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn an_mcm_deactivates_what_is_active() {
    let mut story = open(MINIPORT);
    story.create(Wire(1), CLIENT);
    let deactivate = Call::MCmDeactivateVc { vc: Wire(1).manager() };
    story.calls(MINIPORT, deactivate, Status::NOT_ACCEPTED).activate(Wire(1), How::AtOnce);
    let mut refused = story.clone();
    refused.calls(MINIPORT, deactivate, Status::NOT_ACCEPTED);
    assert_eq!(refused.rules(), [Rule::VcNdisActivateRelay]);
    story.calls(MINIPORT, deactivate, Status::SUCCESS).delete(Wire(1), CLIENT);
    assert_eq!(story.rules_at_rest(), []);
}

/// What NDIS has pended for an MCM, it reports on a task of its own (vc-q-mcm-complete-callbacks).
#[test]
fn what_is_pended_for_an_mcm_is_reported_once() {
    let wire = Wire(1);
    let report = |story: &mut Story, callback| {
        story.simple(
            Job::McmVcComplete(VcId(wire.handle(HandleKind::ClientVc))),
            MINIPORT,
            callback,
            SUCCESS,
        );
    };
    let told = |status, parameters| Callback::CmActivateVcComplete {
        status,
        vc_context: wire.managers(),
        parameters,
    };
    let activate = Call::MCmActivateVc { vc: wire.manager(), parameters: PARAMETERS };
    let deactivate = Call::MCmDeactivateVc { vc: wire.manager() };
    let mut story = open(MINIPORT);
    story.create(wire, CLIENT).calls(MINIPORT, activate, Status::PENDING);
    assert_eq!(story.rules_at_rest(), [Rule::VcNdisCompleteAfterPending], "it never comes");
    let mut overlaps = story.clone();
    overlaps.calls(MINIPORT, activate, Status::SUCCESS);
    assert_eq!(overlaps.rules(), [Rule::VcNdisActivateRelay]);
    let mut other = story.clone();
    report(&mut other, told(Status::SUCCESS, CallParameters::NULL));
    assert_eq!(other.rules(), [Rule::VcNdisCompleteAfterPending]);
    let mut deleted = story.clone();
    deleted.delete(wire, CLIENT);
    assert_eq!(deleted.rules(), [Rule::VcNdisDeleteRefusals]);
    report(&mut story, told(Status::SUCCESS, PARAMETERS));
    let mut twice = story.clone();
    report(&mut twice, told(Status::SUCCESS, PARAMETERS));
    assert_eq!(twice.rules(), [Rule::VcNdisCompleteAfterPending]);
    // It is active now, and stays so until the deactivation is reported.
    story.own_task();
    story.calls(CLIENT, Call::CoDeleteVc { vc: wire.client() }, Status::NOT_ACCEPTED);
    story.calls(MINIPORT, deactivate, Status::PENDING);
    story.calls(CLIENT, Call::CoDeleteVc { vc: wire.client() }, Status::CLOSING);
    report(
        &mut story,
        Callback::CmDeactivateVcComplete { status: Status::SUCCESS, vc_context: wire.managers() },
    );
    story.own_task();
    story.delete(wire, CLIENT);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn a_completion_of_the_miniport_reaches_the_call_manager() {
    let mut story = open(CM);
    story.create(Wire(1), CLIENT);
    let request = story.activation(Wire(1), SUCCESS);
    story.trace.called(CM, request.call).invoked(MINIPORT, request.callback);
    story.trace.replied(MINIPORT, Ddi::MiniportCoActivateVc, PENDING);
    story.trace.returned(CM, Ddi::NdisCmActivateVc, Status::PENDING);
    assert_eq!(story.rules_at_rest(), [], "the miniport owes it");
    story.own_task();
    story.calls(MINIPORT, request.completion, Status::SUCCESS);
    assert_eq!(story.rules(), [Rule::VcNdisCompleteAfterPending]);
    // Nothing pends any more.
    let mut twice = open(CM);
    twice.create(Wire(1), CLIENT).activate(Wire(1), How::Later);
    twice.calls_through(MINIPORT, request.completion, CM, request.told, SUCCESS, Status::SUCCESS);
    assert_eq!(twice.rules(), [Rule::VcNdisCompleteAfterPending]);
}

#[test]
fn a_vc_keeps_its_name_and_no_other_has_it() {
    let rule = Rule::VcNdisNameLasts;
    let name = Name::new("line").expect("a short name");
    let assign = |wire: Wire| Call::CoAssignInstanceName { vc: wire.client(), base_name: name };
    let named = |story: &mut Story, wire, name, index| {
        let (call, out) = (assign(wire), OutParameter::InstanceName(name, index));
        story.trace.called(CLIENT, call).published(CLIENT, out);
        story.trace.returned(CLIENT, call.ddi(), Status::SUCCESS);
    };
    let mut story = open(CM);
    story.create(Wire(1), CLIENT).create(Wire(2), CLIENT);
    named(&mut story, Wire(1), name, 1);
    named(&mut story, Wire(1), name, 1);
    let mut taken = story.clone();
    named(&mut taken, Wire(2), name, 1);
    assert_eq!(taken.rules(), [rule]);
    let mut renamed = story.clone();
    named(&mut renamed, Wire(1), name, 2);
    assert_eq!(renamed.rules(), [rule]);
    named(&mut story, Wire(2), name, 2);
    assert_eq!(story.rules(), []);
}

#[test]
fn a_telephony_identifier_leads_back_to_the_clients_context() {
    let rule = Rule::VcNdisNameLasts;
    let given = |story: &mut Story, wire: Wire, id| {
        let call = Call::CoGetTapiCallId { vc: wire.client(), size: 64 };
        story.trace.called(CLIENT, call).published(CLIENT, OutParameter::CallId(CallId(id)));
        story.trace.returned(CLIENT, call.ddi(), Status::SUCCESS);
    };
    let asks = |story: &mut Story, context| {
        let call = Call::ClGetProtocolVcContextFromTapiCallId { call_id: CallId(7) };
        story.trace.called(CLIENT, call).published(CLIENT, OutParameter::VcContext(context));
        story.trace.returned(CLIENT, call.ddi(), Status::SUCCESS);
    };
    let mut story = open(CM);
    story.create(Wire(1), CLIENT).create(Wire(2), CM);
    given(&mut story, Wire(1), 7);
    let mut taken = story.clone();
    given(&mut taken, Wire(2), 7);
    assert_eq!(taken.rules(), [rule]);
    given(&mut story, Wire(2), 8);
    let mut astray = story.clone();
    asks(&mut astray, Wire(2).clients());
    assert_eq!(astray.rules(), [rule]);
    asks(&mut story, Wire(1).clients());
    assert_eq!(story.rules(), []);
}

#[test]
fn an_address_family_is_closed_when_the_client_has_cleared_it() {
    let rule = Rule::VcNdisAfClose;
    let close = Call::ClCloseAddressFamily { af: arg(client_af(1)) };
    let leftovers: [fn(&mut Story); 4] = [
        |story| {
            story.register_sap(Status::SUCCESS, How::AtOnce);
        },
        |story| {
            story.create(Wire(1), CLIENT);
        },
        |story| {
            let request = story.making(Wire(1), None, SUCCESS);
            story.create(Wire(1), CLIENT).activate(Wire(1), How::AtOnce).request(request, How::AtOnce);
        },
        |story| {
            let request = story.offer(Wire(1), SUCCESS);
            story.register_sap(Status::SUCCESS, How::AtOnce).create(Wire(1), CM);
            story.request(request, How::AtOnce);
            story.request(story.deregistration(), How::AtOnce);
        },
    ];
    for leave in leftovers {
        let mut story = open(CM);
        leave(&mut story);
        let mut closed = story.clone();
        closed.closing();
        assert_eq!(closed.rules(), [rule]);
        story.calls(CLIENT, close, Status::FAILURE);
        assert_eq!(story.rules_at_rest(), []);
    }
    // VCs of the call manager's do not count, nor a SAP whose deregistration pends.
    let mut story = open(CM);
    story.create(Wire(1), CM).register_sap(Status::SUCCESS, How::AtOnce);
    let request = story.deregistration();
    story.trace.called(CLIENT, request.call).invoked(CM, request.callback);
    story.trace.replied(CM, Ddi::ProtocolCmDeregisterSap, PENDING);
    story.trace.returned(CLIENT, Ddi::NdisClDeregisterSap, Status::PENDING);
    let mut refused = story.clone();
    refused.calls(CLIENT, close, Status::FAILURE);
    assert_eq!(refused.rules(), [rule]);
    story.closing();
    assert_eq!(story.rules(), []);
}

#[test]
fn no_vc_is_created_on_an_address_family_that_is_being_closed() {
    let mut story = open(CM);
    story.closing();
    let (call, _) = story.creation(Wire(1), CM);
    story.own_task();
    let mut refused = story.clone();
    refused.calls(CM, call, Status::FAILURE);
    let mut created = story;
    created.create(Wire(1), CM);
    assert_eq!(created.rules(), [Rule::VcNdisAfClose]);
    assert_eq!(refused.rules(), []);
}

#[test]
fn a_miniport_that_is_halted_is_asked_nothing() {
    let mut story = open(CM);
    story.create(Wire(1), CLIENT);
    story.event(CLIENT, NetEvent::Pause).pause_miniport();
    let halted =
        Callback::MiniportHaltEx { adapter_context: ADAPTER_CONTEXT, action: HaltAction::DeviceStopped };
    story.simple(Job::Halt(ADAPTER), MINIPORT, halted, SUCCESS).own_task();
    let before = story.rules().len();
    story.delete(Wire(1), CLIENT);
    assert!(story.rules()[before..].contains(&Rule::BindingNdisHaltQuiet));
}

#[test]
fn a_client_hears_nothing_of_vcs_on_an_address_family_that_is_closed_but_their_deletion() {
    let mut story = open(CM);
    story.create(Wire(1), CM);
    // A notification keeps the address family in mind.
    story.notifying();
    story.closing();
    let mut before = story.clone();
    before.own_task();
    before.delete(Wire(1), CM);
    assert_eq!(before.rules(), []);
    story.closed(Status::SUCCESS);
    story.own_task();
    for dispatch in Story::dispatches(Wire(1)) {
        let mut told = story.clone();
        told.dispatch(dispatch);
        assert!(told.rules().contains(&Rule::AfNdisCloseContextAfter));
    }
    // Only its call manager can delete the VC, and does so when it has the time.
    story.delete(Wire(1), CM);
    assert_eq!(story.rules(), []);
}
