//! The rules of area `party`.

use super::connections::*;
use super::*;

const RELAY: Rule = Rule::PartyNdisRelay;
const COMPLETE: Rule = Rule::PartyNdisCompleteAfterPending;
const CROSSING: Rule = Rule::PartyNdisCrossing;

/// A call with two parties.
fn two() -> Story {
    let mut story = Story::called(CM, Some(Leaf(1)));
    story.request(story.addition(Wire(1), Leaf(2), SUCCESS), How::AtOnce);
    story
}

#[test]
fn an_addition_may_fail_in_every_way() {
    for how in HOWS {
        let mut story = Story::called(CM, Some(Leaf(1)));
        story.request(story.addition(Wire(1), Leaf(2), Reply::status(Status::RESOURCES)), how);
        story.request(story.addition(Wire(1), Leaf(3), SUCCESS), how);
        assert_eq!(story.rules_at_rest(), [], "{how:?}");
    }
    let mut story = Story::called(CM, Some(Leaf(1)));
    let add = story.addition(Wire(1), Leaf(2), SUCCESS).call;
    let mut refused = story.clone();
    refused.calls(CLIENT, add, Status::FAILURE);
    assert_eq!(refused.rules(), [RELAY]);
    // NDIS has no memory, or the call is going down.
    story.calls(CLIENT, add, Status::RESOURCES).dispatch(Story::dispatches(Wire(1))[2]);
    story.calls(CLIENT, add, Status::FAILURE);
    assert_eq!(story.rules(), []);
}

#[test]
fn a_party_that_was_added_has_a_handle() {
    let story = two().without(|event| {
        matches!(event, Event::Published(_, OutParameter::Party(handle)) if *handle == Leaf(2).client())
    });
    assert_eq!(story.rules(), [COMPLETE]);
    let mut story = Story::called(CM, Some(Leaf(1)));
    story.request(story.addition(Wire(1), Leaf(2), SUCCESS), How::Later);
    let other = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::ClAddPartyComplete { party, .. }) => {
            *party = Leaf(1).client();
            true
        }
        _ => false,
    });
    assert_eq!(other.rules(), [COMPLETE]);
    let managers = story.change(|event| match event {
        Event::Invoked(_, Callback::CmAddParty { party, .. }) => {
            *party = Leaf(1).handle(HandleKind::CallManagerParty);
            true
        }
        _ => false,
    });
    assert!(managers.rules().contains(&RELAY));
}

#[test]
fn what_is_said_of_a_party_is_passed_on_with_its_contexts() {
    let mut story = two();
    story.request(story.dropping(Leaf(1), Status::SUCCESS), How::Later);
    assert_eq!(story.rules_at_rest(), []);
    let context = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmDropParty { party_context, .. }) => {
            *party_context = Leaf(2).managers();
            true
        }
        _ => false,
    });
    assert_eq!(context.rules(), [RELAY]);
    let data = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmDropParty { size, .. }) => {
            *size += 1;
            true
        }
        _ => false,
    });
    assert_eq!(data.rules(), [RELAY]);
    let status = story.change(|event| match event {
        Event::Invoked(_, Callback::ClDropPartyComplete { status, .. }) => {
            *status = Status::FAILURE;
            true
        }
        _ => false,
    });
    assert_eq!(status.rules(), [COMPLETE]);
}

#[test]
fn the_context_of_a_pended_addition_is_that_of_its_completion() {
    for how in [How::Later, How::Early] {
        let mut story = Story::called(CM, Some(Leaf(1)));
        story.request(story.addition(Wire(1), Leaf(2), SUCCESS), how);
        let mut story = story.change(|event| match event {
            Event::Replied(_, Ddi::ProtocolCmAddParty, reply) => {
                *reply = PENDING.with_context(Token(0xBAD));
                true
            }
            _ => false,
        });
        story.request(story.dropping(Leaf(2), Status::SUCCESS), How::AtOnce);
        assert_eq!(story.rules(), []);
    }
}

#[test]
fn ndis_refuses_only_to_drop_the_last_party() {
    let mut story = two();
    let drop = story.dropping(Leaf(2), Status::SUCCESS);
    let mut early = story.clone();
    early.calls(CLIENT, drop.call, Status::FAILURE);
    assert_eq!(early.rules(), [RELAY]);
    story.request(story.dropping(Leaf(1), Status::SUCCESS), How::AtOnce);
    let mut asked = story.clone();
    asked.request(asked.dropping(Leaf(2), Status::FAILURE), How::AtOnce);
    assert_eq!(asked.rules(), [], "the call manager may refuse it, too");
    story.calls(CLIENT, drop.call, Status::FAILURE);
    story.request(story.closing_call(Wire(1), Some(Leaf(2)), Status::SUCCESS), How::AtOnce);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn a_drop_that_fails_leaves_the_party() {
    for how in HOWS {
        let mut story = two();
        story.request(story.dropping(Leaf(2), Status::INVALID_DATA), how);
        story.dispatch(Story::leaving(Leaf(2)));
        story.request(story.dropping(Leaf(2), Status::SUCCESS), how);
        assert_eq!(story.rules_at_rest(), [], "{how:?}");
    }
}

#[test]
fn an_incoming_drop_is_indicated_unless_the_client_gives_the_party_up() {
    let (call, callback) = Story::leaving(Leaf(2));
    let mut story = two();
    let mut lost = story.clone();
    lost.calls(CM, call, Status::SUCCESS);
    assert_eq!(lost.rules(), [CROSSING]);
    let mut told = story.clone();
    told.dispatch((call, callback));
    assert_eq!(told.rules(), []);
    let drop = story.dropping(Leaf(2), Status::SUCCESS);
    story.trace.called(CLIENT, drop.call).invoked(CM, drop.callback);
    story.trace.replied(CM, Ddi::ProtocolCmDropParty, PENDING);
    story.trace.returned(CLIENT, Ddi::NdisClDropParty, Status::PENDING);
    let mut crossed = story.clone();
    crossed.dispatch((call, callback));
    assert_eq!(crossed.rules(), [CROSSING]);
    story.calls(CM, call, Status::SUCCESS);
    assert_eq!(story.rules(), []);
}

#[test]
fn an_incoming_drop_of_the_party_of_a_close_is_not_indicated() {
    let (call, callback) = Story::leaving(Leaf(1));
    let mut story = Story::called(CM, Some(Leaf(1)));
    let close = story.closing_call(Wire(1), Some(Leaf(1)), Status::SUCCESS);
    story.trace.called(CLIENT, close.call).invoked(CM, close.callback);
    let mut told = story.clone();
    told.dispatch((call, callback));
    assert_eq!(told.rules(), [CROSSING]);
    story.calls(CM, call, Status::SUCCESS);
    assert_eq!(story.rules(), []);
}

#[test]
fn a_close_of_a_call_with_parties_names_the_last_one() {
    let mut story = Story::called(CM, Some(Leaf(1)));
    story.request(story.closing_call(Wire(1), Some(Leaf(1)), Status::SUCCESS), How::Later);
    let asked = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmCloseCall { party_context, .. }) => {
            *party_context = Token::NULL;
            true
        }
        _ => false,
    });
    assert_eq!(asked.rules(), [Rule::CallNdisRelay]);
    let told = story.change(|event| match event {
        Event::Invoked(_, Callback::ClCloseCallComplete { party_context, .. }) => {
            *party_context = Token::NULL;
            true
        }
        _ => false,
    });
    assert_eq!(told.rules(), [Rule::CallNdisCompleteAfterPending]);
}
