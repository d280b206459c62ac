//! The rules of area `sap`.

use super::connections::*;
use super::*;

#[test]
fn a_registration_may_fail_in_every_way() {
    for how in HOWS {
        let mut story = Story::open(CM);
        story.own_task();
        story.register_sap(Status::INVALID_DATA, how).register_sap(Status::SUCCESS, how);
        assert_eq!(story.rules_at_rest(), [], "{how:?}");
    }
    // NDIS itself has no memory.
    let mut story = Story::open(CM);
    let call =
        Call::ClRegisterSap { af: arg(client_af(1)), sap_context: CLIENT_SAP, specification: SPECIFICATION };
    story.own_task();
    story.calls(CLIENT, call, Status::RESOURCES);
    assert_eq!(story.rules_at_rest(), []);
    let mut refused = Story::open(CM);
    refused.own_task();
    refused.calls(CLIENT, call, Status::FAILURE);
    assert_eq!(refused.rules(), [Rule::SapNdisRelay], "only the call manager may refuse");
}

#[test]
fn a_failed_registration_gives_no_handle_and_the_call_managers_status() {
    let mut story = Story::open(CM);
    story.own_task();
    story.register_sap(Status::INVALID_DATA, How::Later);
    let with_handle = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::ClRegisterSapComplete { sap: told, .. }) => {
            *told = arg(sap(HandleKind::ClientSap));
            true
        }
        _ => false,
    });
    assert_eq!(with_handle.rules(), [Rule::SapNdisFailDrop]);
    let other_status = story.change(|event| match event {
        Event::Invoked(_, Callback::ClRegisterSapComplete { status, .. }) => {
            *status = Status::RESOURCES;
            true
        }
        _ => false,
    });
    assert_eq!(other_status.rules(), [Rule::SapNdisFailDrop]);
    let mut at_once = Story::open(CM);
    at_once.own_task();
    at_once.register_sap(Status::INVALID_DATA, How::AtOnce);
    let other_status = at_once.change(|event| match event {
        Event::Returned(_, Ddi::NdisClRegisterSap, status) => {
            *status = Status::RESOURCES;
            true
        }
        _ => false,
    });
    assert_eq!(other_status.rules(), [Rule::SapNdisFailDrop]);
}

#[test]
fn a_call_manager_gets_its_own_context_and_the_clients_sap() {
    let mut story = Story::open(CM);
    story.own_task();
    story.register_sap(Status::SUCCESS, How::AtOnce);
    story.request(story.deregistration(), How::Later);
    assert_eq!(story.rules_at_rest(), []);
    let another = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmRegisterSap { specification, .. }) => {
            specification.value += 1;
            true
        }
        _ => false,
    });
    assert_eq!(another.rules(), [Rule::SapNdisRelay]);
    let context = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmDeregisterSap { sap_context }) => {
            *sap_context = CLIENT_SAP;
            true
        }
        _ => false,
    });
    assert_eq!(context.rules(), [Rule::AfNdisCmContext]);
    let context = story.change(|event| match event {
        Event::Invoked(_, Callback::ClDeregisterSapComplete { sap_context, .. }) => {
            *sap_context = CM_SAP;
            true
        }
        _ => false,
    });
    assert_eq!(context.rules(), [Rule::SapNdisRelay]);
}

#[test]
fn the_context_of_a_pended_registration_is_that_of_its_completion() {
    let mut story = Story::open(CM);
    story.own_task();
    story.register_sap(Status::SUCCESS, How::Later);
    let mut story = story.change(|event| match event {
        Event::Replied(_, Ddi::ProtocolCmRegisterSap, reply) => {
            *reply = PENDING.with_context(Token(0xBAD));
            true
        }
        _ => false,
    });
    story.request(story.deregistration(), How::AtOnce);
    assert_eq!(story.rules(), []);
}

#[test]
fn only_a_redundant_deregistration_is_refused() {
    let mut story = Story::open(CM);
    story.own_task();
    story.register_sap(Status::SUCCESS, How::AtOnce);
    let again = story.deregistration();
    let mut early = story.clone();
    early.calls(CLIENT, again.call, Status::FAILURE);
    assert_eq!(early.rules(), [Rule::SapNdisRelay]);
    story.trace.called(CLIENT, again.call).invoked(CM, again.callback);
    story.calls(CLIENT, again.call, Status::FAILURE);
    story.trace.replied(CM, Ddi::ProtocolCmDeregisterSap, SUCCESS);
    story.trace.returned(CLIENT, Ddi::NdisClDeregisterSap, Status::SUCCESS);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn a_call_manager_that_keeps_a_sap_leaves_it_registered() {
    for how in HOWS {
        let mut story = Story::open(CM);
        story.own_task();
        story.register_sap(Status::SUCCESS, How::AtOnce);
        let mut request = story.deregistration();
        let status = Status::FAILURE;
        request.reply = Reply::status(status);
        request.completion =
            Call::CmDeregisterSapComplete { status, sap: arg(sap(HandleKind::CallManagerSap)) };
        request.told = Callback::ClDeregisterSapComplete { status, sap_context: CLIENT_SAP };
        story.request(request, how);
        story.request(story.deregistration(), how);
        assert_eq!(story.rules_at_rest(), [], "{how:?}");
    }
}

#[test]
fn completions_come_only_to_what_pends() {
    let rule = Rule::AfNdisCompleteAfterPending;
    let mut story = Story::open(CM);
    story.own_task();
    story.register_sap(Status::SUCCESS, How::AtOnce);
    let told = Callback::ClRegisterSapComplete {
        status: Status::SUCCESS,
        sap_context: CLIENT_SAP,
        specification: SPECIFICATION,
        sap: arg(sap(HandleKind::ClientSap)),
    };
    let done = Call::CmRegisterSapComplete {
        status: Status::SUCCESS,
        sap: arg(sap(HandleKind::CallManagerSap)),
        sap_context: CM_SAP,
    };
    story.own_task();
    story.calls_through(CM, done, CLIENT, told, SUCCESS, Status::SUCCESS);
    assert_eq!(story.rules(), [rule]);
    let mut owed = Story::open(CM);
    owed.own_task();
    owed.register_sap(Status::SUCCESS, How::Later);
    let last = owed.trace.records.iter().rposition(|record| matches!(record.event, Event::Called(CM, _)));
    owed.trace.records.truncate(last.expect("the completion"));
    assert_eq!(owed.rules_at_rest(), [], "the call manager owes it");
    owed.calls(CM, done, Status::SUCCESS);
    assert_eq!(owed.rules(), [rule], "now NDIS does");
}

#[test]
fn a_deregistration_may_outlast_the_address_family() {
    let mut story = Story::open(CM);
    story.own_task();
    story.register_sap(Status::SUCCESS, How::AtOnce);
    let request = story.deregistration();
    story.trace.called(CLIENT, request.call).invoked(CM, request.callback);
    story.trace.replied(CM, Ddi::ProtocolCmDeregisterSap, PENDING);
    story.trace.returned(CLIENT, Ddi::NdisClDeregisterSap, Status::PENDING);
    story.closing();
    story.closed(Status::SUCCESS);
    story.calls_through(CM, request.completion, CLIENT, request.told, SUCCESS, Status::SUCCESS);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn an_incoming_call_is_delivered_while_the_registration_pends() {
    let mut story = Story::open(CM);
    story.own_task();
    story.create(Wire(1), CM);
    story.register_sap(Status::SUCCESS, How::Later);
    // Before the completion, which is the last thing.
    let last = story.trace.records.iter().rposition(|record| matches!(record.event, Event::Called(CM, _)));
    story.trace.records.truncate(last.expect("the completion"));
    let request = story.offer(Wire(1), SUCCESS);
    let mut delivered = story.clone();
    delivered.request(request, How::AtOnce);
    assert_eq!(delivered.rules_at_rest(), []);
    story.calls(CM, request.call, Status::FAILURE);
    assert_eq!(story.rules(), [Rule::SapNdisIncomingWhilePending]);
}
