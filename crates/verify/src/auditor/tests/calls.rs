//! The rules of area `call`.

use super::connections::*;
use super::*;

const RELAY: Rule = Rule::CallNdisRelay;
const COMPLETE: Rule = Rule::CallNdisCompleteAfterPending;
const CROSSING: Rule = Rule::CallNdisCrossing;

/// A request up to the answer of the driver that it is for, which pends.
fn pended(story: &mut Story, request: &Request) {
    story.trace.called(request.by, request.call);
    if let Some(out) = request.stores {
        story.trace.published(request.by, out);
    }
    story.trace.invoked(request.of, request.callback).replied(request.of, request.callback.ddi(), PENDING);
    story.trace.returned(request.by, request.call.ddi(), Status::PENDING);
}

fn completed(story: &mut Story, request: &Request) {
    let Request { by, of, completion, told, .. } = *request;
    story.calls_through(of, completion, by, told, SUCCESS, Status::SUCCESS);
}

/// With an inactive VC of the client's.
fn created() -> Story {
    let mut story = Story::open(CM);
    story.own_task();
    story.create(Wire(1), CLIENT);
    story
}

#[test]
fn a_call_may_fail_in_every_way_and_be_tried_again() {
    for how in HOWS {
        for party in [None, Some(Leaf(1))] {
            let mut story = created();
            story.request(story.making(Wire(1), party, Reply::status(Status::RESOURCES)), how);
            story.request(story.making(Wire(1), party, SUCCESS), how);
            assert_eq!(story.rules_at_rest(), [], "{how:?}");
        }
    }
    // NDIS itself has no memory for the party.
    let mut story = created();
    let call = story.making(Wire(1), Some(Leaf(1)), SUCCESS).call;
    story.calls(CLIENT, call, Status::RESOURCES);
    assert_eq!(story.rules_at_rest(), []);
    let mut refused = created();
    refused.calls(CLIENT, call, Status::FAILURE);
    assert_eq!(refused.rules(), [RELAY]);
}

#[test]
fn a_party_handle_is_there_if_the_call_has_parties_and_is_made() {
    let mut story = created();
    story.request(story.making(Wire(1), Some(Leaf(1)), SUCCESS), How::AtOnce);
    let without = story.without(|event| matches!(event, Event::Published(_, OutParameter::Party(_))));
    assert_eq!(without.rules(), [COMPLETE]);
    let mut story = created();
    story.request(story.making(Wire(1), Some(Leaf(1)), Reply::status(Status::FAILURE)), How::AtOnce);
    let left =
        story.without(|event| matches!(event, Event::Published(_, OutParameter::Party(HandleArg::Null))));
    assert_eq!(left.rules(), [COMPLETE]);
    let mut story = created();
    story.request(story.making(Wire(1), Some(Leaf(1)), SUCCESS), How::Later);
    let told = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::ClMakeCallComplete { party, .. }) => {
            *party = HandleArg::Null;
            true
        }
        _ => false,
    });
    assert_eq!(told.rules(), [COMPLETE]);
    let asked = story.change(|event| match event {
        Event::Invoked(_, Callback::CmMakeCall { party, .. }) => {
            *party = HandleArg::Null;
            true
        }
        _ => false,
    });
    assert_eq!(asked.rules(), [RELAY]);
    // One that failed gives none.
    let mut story = created();
    story.request(story.making(Wire(1), Some(Leaf(1)), Reply::status(Status::FAILURE)), How::Later);
    let told = story.change(|event| match event {
        Event::Invoked(_, Callback::ClMakeCallComplete { party, .. }) => {
            *party = Leaf(1).client();
            true
        }
        _ => false,
    });
    assert_eq!(told.rules(), []);
}

#[test]
fn requests_and_their_ends_are_told_as_they_were() {
    let mut story = Story::called(CM, None);
    story.request(story.modification(Wire(1), SUCCESS), How::Later);
    story.request(story.closing_call(Wire(1), None, Status::SUCCESS), How::Later);
    let parameters = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmModifyCallQoS { parameters, .. }) => {
            *parameters = CHANGED;
            true
        }
        _ => false,
    });
    assert_eq!(parameters.rules(), [RELAY]);
    let data = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmCloseCall { data, .. }) => {
            *data = Token(0xBAD);
            true
        }
        _ => false,
    });
    assert_eq!(data.rules(), [RELAY]);
    let status = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::ClCloseCallComplete { status, .. }) => {
            *status = Status::FAILURE;
            true
        }
        _ => false,
    });
    assert_eq!(status.rules(), [COMPLETE]);
    let parameters = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::ClModifyCallQoSComplete { parameters, .. }) => {
            *parameters = CHANGED;
            true
        }
        _ => false,
    });
    assert_eq!(parameters.rules(), [COMPLETE]);
    let context = story.change(|event| match event {
        Event::Invoked(_, Callback::ClCloseCallComplete { vc_context, .. }) => {
            *vc_context = Wire(1).managers();
            true
        }
        _ => false,
    });
    assert_eq!(context.rules(), [Rule::VcNdisContext]);
}

#[test]
fn a_completion_without_parameters_hands_on_what_was_given_or_nothing() {
    for (told, expected) in [(PARAMETERS, None), (CallParameters::NULL, None), (CHANGED, Some(COMPLETE))] {
        let mut story = created();
        let mut request = story.making(Wire(1), None, Reply::status(Status::FAILURE));
        let status = Status::FAILURE;
        request.completion = Call::CmMakeCallComplete {
            status,
            vc: Wire(1).manager(),
            party: HandleArg::Null,
            party_context: Token::NULL,
            parameters: CallParameters::NULL,
        };
        request.told = Callback::ClMakeCallComplete {
            status,
            vc_context: Wire(1).clients(),
            party: HandleArg::Null,
            parameters: told,
        };
        story.request(request, How::Later);
        assert_eq!(story.rules(), expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_completion_comes_exactly_to_what_pends() {
    let mut story = Story::called(CM, None);
    let request = story.modification(Wire(1), SUCCESS);
    pended(&mut story, &request);
    assert_eq!(story.rules_at_rest(), [], "the call manager owes it");
    let mut lost = story.clone();
    lost.calls(CM, request.completion, Status::SUCCESS);
    assert_eq!(lost.rules(), [COMPLETE]);
    completed(&mut story, &request);
    assert_eq!(story.rules_at_rest(), []);
    completed(&mut story, &request);
    assert_eq!(story.rules(), [COMPLETE]);
    // A call that is over before the call manager has answered.
    let mut early = Story::called(CM, None);
    early.trace.called(CLIENT, request.call).invoked(CM, request.callback);
    early.trace.replied(CM, Ddi::ProtocolCmModifyCallQoS, PENDING);
    early.trace.returned(CLIENT, Ddi::NdisClModifyCallQoS, Status::SUCCESS);
    assert_eq!(early.rules(), [COMPLETE]);
}

#[test]
fn a_close_that_the_call_manager_refuses_leaves_the_call() {
    for how in HOWS {
        let mut story = Story::called(CM, None);
        story.request(story.closing_call(Wire(1), None, Status::INVALID_DATA), how);
        Story::dispatches(Wire(1))[1..].iter().for_each(|&dispatch| {
            story.dispatch(dispatch);
        });
        story.request(story.closing_call(Wire(1), None, Status::SUCCESS), how);
        assert_eq!(story.rules_at_rest(), [], "{how:?}");
    }
}

#[test]
fn ndis_refuses_only_the_close_of_a_call_that_has_failed() {
    let close = Story::called(CM, None).closing_call(Wire(1), None, Status::SUCCESS).call;
    let mut story = Story::called(CM, None);
    story.calls(CLIENT, close, Status::FAILURE);
    assert_eq!(story.rules(), [RELAY]);
    let mut story = created();
    story.request(story.making(Wire(1), None, Reply::status(Status::FAILURE)), How::Later);
    story.calls(CLIENT, close, Status::FAILURE);
    assert_eq!(story.rules(), []);
}

#[test]
fn a_call_may_be_closed_while_it_is_made() {
    for status in [Status::SUCCESS, Status::FAILURE] {
        for party in [None, Some(Leaf(1))] {
            let mut story = created();
            let making = story.making(Wire(1), party, Reply::status(status));
            let closing = story.closing_call(Wire(1), party, Status::SUCCESS);
            // In either order of the completions.
            for makes_first in [true, false] {
                let mut story = story.clone();
                pended(&mut story, &making);
                pended(&mut story, &closing);
                let order = if makes_first { [&making, &closing] } else { [&closing, &making] };
                order.into_iter().for_each(|request| completed(&mut story, request));
                assert_eq!(story.rules_at_rest(), [], "{status:?} {makes_first}");
            }
            story.delete(Wire(1), CLIENT);
            assert_eq!(story.rules_at_rest(), []);
        }
    }
}

#[test]
fn an_offer_may_be_turned_down_in_every_way_and_made_again() {
    for how in HOWS {
        let mut story = Story::open(CM);
        story.own_task();
        story.register_sap(Status::SUCCESS, How::AtOnce).create(Wire(1), CM);
        story.request(story.offer(Wire(1), Reply::status(Status::NOT_ACCEPTED)), how);
        story.request(story.offer(Wire(1), SUCCESS), how);
        story.dispatch(Story::dispatches(Wire(1))[0]);
        assert_eq!(story.rules_at_rest(), [], "{how:?}");
    }
}

#[test]
fn an_offer_names_the_clients_sap() {
    let story = Story::offered(CM, How::AtOnce).change(|event| match event {
        Event::Invoked(_, Callback::ClIncomingCall { sap_context, .. }) => {
            *sap_context = CM_SAP;
            true
        }
        _ => false,
    });
    assert_eq!(story.rules(), [RELAY]);
}

#[test]
fn an_offer_is_refused_only_if_the_client_gives_up_the_sap_or_the_address_family() {
    let mut story = Story::open(CM);
    story.own_task();
    story.register_sap(Status::SUCCESS, How::AtOnce).create(Wire(1), CM);
    let offer = story.offer(Wire(1), SUCCESS);
    let mut refused = story.clone();
    refused.calls(CM, offer.call, Status::FAILURE);
    assert_eq!(refused.rules(), [CROSSING]);
    let dereg = story.deregistration();
    pended(&mut story, &dereg);
    let mut delivered = story.clone();
    delivered.request(offer, How::AtOnce);
    assert_eq!(delivered.rules(), [CROSSING]);
    story.calls(CM, offer.call, Status::FAILURE);
    assert_eq!(story.rules(), []);
    // The other close, after the deregistration.
    completed(&mut story, &dereg);
    story.closing();
    story.own_task();
    story.calls(CM, offer.call, Status::FAILURE);
    assert_eq!(story.rules(), []);
}

#[test]
fn what_is_dispatched_on_a_live_call_reaches_the_client() {
    for (call, callback) in Story::dispatches(Wire(1)) {
        let mut story = Story::offered(CM, How::AtOnce);
        let mut lost = story.clone();
        lost.calls(CM, call, Status::SUCCESS);
        assert_eq!(lost.rules(), [CROSSING], "{call:?}");
        story.dispatch((call, callback));
        assert_eq!(story.rules(), []);
    }
}

#[test]
fn what_crosses_the_clients_close_is_dropped() {
    for (call, callback) in Story::dispatches(Wire(1)) {
        let mut story = Story::offered(CM, How::AtOnce);
        let closing = story.closing_call(Wire(1), None, Status::SUCCESS);
        pended(&mut story, &closing);
        let mut delivered = story.clone();
        delivered.dispatch((call, callback));
        assert_eq!(delivered.rules(), [CROSSING], "{call:?}");
        story.calls(CM, call, Status::SUCCESS);
        completed(&mut story, &closing);
        assert_eq!(story.rules_at_rest(), []);
    }
}

#[test]
fn what_crosses_the_clients_rejection_is_dropped() {
    let mut story = Story::open(CM);
    story.own_task();
    story.register_sap(Status::SUCCESS, How::AtOnce).create(Wire(1), CM);
    let offer = story.offer(Wire(1), Reply::status(Status::NOT_ACCEPTED));
    pended(&mut story, &offer);
    let close = Story::dispatches(Wire(1))[2];
    let mut before = story.clone();
    before.dispatch(close);
    assert_eq!(before.rules(), []);
    // While the call manager still hears of the rejection.
    story.trace.called(CLIENT, offer.completion).invoked(CM, offer.told);
    let mut delivered = story.clone();
    delivered.dispatch(close);
    assert_eq!(delivered.rules(), [CROSSING]);
    story.calls(CM, close.0, Status::SUCCESS);
    assert_eq!(story.rules(), []);
}

#[test]
fn a_call_that_has_been_warned_of_may_be_refused() {
    let mut story = Story::called(CM, None);
    let close = story.closing_call(Wire(1), None, Status::SUCCESS).call;
    let violation = Violation {
        rule: Rule::CallClosePartiesDropped,
        by: CLIENT,
        object: Wire(1).object(),
        offence: "more than one party is left",
    };
    story.trace.called(CLIENT, close).event(Event::Warned(violation));
    story.trace.returned(CLIENT, Ddi::NdisClCloseCall, Status::FAILURE);
    assert_eq!(story.rules(), []);
}

#[test]
fn an_answer_that_a_close_has_overtaken_is_no_acceptance() {
    let close = Story::dispatches(Wire(1))[2];
    for by_client in [true, false] {
        let mut story = Story::open(CM);
        story.own_task();
        story.register_sap(Status::SUCCESS, How::AtOnce).create(Wire(1), CM);
        let offer = story.offer(Wire(1), SUCCESS);
        pended(&mut story, &offer);
        let closing = story.closing_call(Wire(1), None, Status::SUCCESS);
        if by_client {
            pended(&mut story, &closing);
        } else {
            story.dispatch(close);
        }
        let mut accepted = story.clone();
        completed(&mut accepted, &offer);
        assert_eq!(accepted.rules(), [COMPLETE]);
        let mut rejected = story.clone();
        let told = Callback::CmIncomingCallComplete {
            status: Status::FAILURE,
            vc_context: Wire(1).managers(),
            parameters: PARAMETERS,
        };
        rejected.calls_through(CLIENT, offer.completion, CM, told, SUCCESS, Status::SUCCESS);
        assert_eq!(rejected.rules_at_rest(), []);
        // Or nobody hears of it.
        story.calls(CLIENT, offer.completion, Status::SUCCESS);
        if by_client {
            completed(&mut story, &closing);
        } else {
            story.request(closing, How::AtOnce);
        }
        story.delete(Wire(1), CM);
        assert_eq!(story.rules_at_rest(), []);
    }
}

#[test]
fn a_quality_of_service_may_be_owed_after_the_call() {
    let mut story = Story::called(CM, None);
    let modifying = story.modification(Wire(1), Reply::status(Status::FAILURE));
    pended(&mut story, &modifying);
    story.request(story.closing_call(Wire(1), None, Status::SUCCESS), How::AtOnce);
    completed(&mut story, &modifying);
    assert_eq!(story.rules_at_rest(), []);
}
