//! The rules of area `af`.

use super::*;

#[test]
fn every_bound_client_hears_of_every_family() {
    for manager in MANAGERS {
        let mut story = Story::up(manager);
        assert_eq!(story.rules_at_rest(), [Rule::AfNdisNotifyAll], "{manager:?}");
        story.tell().told();
        assert_eq!(story.rules_at_rest(), [], "{manager:?}");
    }
}

#[test]
fn nobody_has_to_hear_of_a_family_whose_holder_goes_away() {
    let mut story = Story::up(CM);
    story.unbind(CM, false);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn a_client_hears_only_of_what_is_offered() {
    let other = AddressFamily { family: 9, ..FAMILY };
    let mut story = Story::up(CM);
    story.tell();
    let story = story.change(|event| match event {
        Event::Invoked(_, Callback::CoAfRegisterNotify { family, .. }) => {
            *family = other;
            true
        }
        _ => false,
    });
    assert_eq!(story.rules(), [Rule::AfNdisNotifyAll]);
}

#[test]
fn an_open_goes_to_the_registrar_with_what_the_client_asked_for() {
    let rule = Rule::AfNdisOpenToRegistrar;
    for manager in MANAGERS {
        let context = Story::open(manager).change(|event| match event {
            Event::Invoked(_, Callback::CmOpenAf { binding_context, .. }) => {
                *binding_context = Token(0xBAD);
                true
            }
            _ => false,
        });
        assert_eq!(context.rules(), [rule], "{manager:?}");
        let versions = Story::open(manager).change(|event| match event {
            Event::Invoked(_, Callback::CmOpenAf { family, .. }) => {
                family.minor += 1;
                true
            }
            _ => false,
        });
        assert_eq!(versions.rules(), [rule], "{manager:?}");
        let astray = Story::open(manager).change(|event| match event {
            Event::Invoked(driver, Callback::CmOpenAf { .. }) => {
                *driver = CLIENT;
                true
            }
            _ => false,
        });
        assert_eq!(astray.rules(), [rule], "{manager:?}");
    }
    let mut unregistered = Story::new(CM);
    unregistered.load_miniport().initialize().load_protocol(CLIENT).bind(CLIENT, false).own_task();
    unregistered.opening();
    assert_eq!(unregistered.rules(), [rule]);
}

#[test]
fn a_call_manager_gets_its_own_context() {
    let rule = Rule::AfNdisCmContext;
    let mut story = Story::open(CM);
    story.own_task();
    story.closing();
    let wrong = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmCloseAf { af_context }) => {
            *af_context = CLIENT_AF;
            true
        }
        _ => false,
    });
    assert_eq!(wrong.rules(), [rule]);
    // The context of a pended open is the one that its completion gave.
    let mut story = Story::up(CM);
    story.tell().opening();
    story.opened(Reply::status(Status::PENDING).with_context(Token(0xBAD)));
    story.complete_open(Status::SUCCESS);
    story.told().own_task();
    story.closing();
    assert_eq!(story.rules(), []);
}

#[test]
fn a_failed_open_gives_no_handle() {
    let mut story = Story::up(CM);
    story.tell().opening();
    story.opened(PENDING);
    story.complete_open(Status::FAILURE);
    let with_handle = story.change(|event| match event {
        Event::Invoked(_, Callback::ClOpenAfCompleteEx { af, .. }) => {
            *af = arg(client_af(1));
            true
        }
        _ => false,
    });
    assert_eq!(with_handle.rules(), [Rule::AfNdisOpenFailClean]);
}

#[test]
fn a_client_is_told_the_status_that_the_call_manager_gave() {
    let mut story = Story::up(CM);
    story.tell().opening();
    story.opened(PENDING);
    story.complete_open(Status::FAILURE);
    let other = story.change(|event| match event {
        Event::Invoked(_, Callback::ClOpenAfCompleteEx { status, .. }) => {
            *status = Status::RESOURCES;
            true
        }
        _ => false,
    });
    assert_eq!(other.rules(), [Rule::AfNdisCompleteAfterPending]);
}

#[test]
fn the_clients_context_is_not_used_after_the_close() {
    let rule = Rule::AfNdisCloseContextAfter;
    let mut story = Story::open(CM);
    story.own_task();
    story.closing();
    story.closed(Status::SUCCESS);
    let mut used = story.clone();
    used.notifying();
    assert_eq!(used.rules(), [rule]);
    // Nor while a notification keeps the address family in mind.
    let mut story = Story::open(CM);
    story.own_task();
    story.notifying();
    story.closing();
    story.closed(Status::SUCCESS);
    story.own_task();
    story.notifying();
    assert!(story.rules().contains(&rule));
}

#[test]
fn a_notification_is_relayed_in_both_directions() {
    let rule = Rule::AfNdisNotifyRelay;
    let mut story = Story::open(CM);
    story.own_task();
    story.notifying();
    story.notified(Status::PENDING);
    story.own_task();
    story.complete_notification(Status::FAILURE);
    assert_eq!(story.rules_at_rest(), []);
    let other_status = story.clone().change(|event| match event {
        Event::Invoked(_, Callback::CmNotifyCloseAfComplete { status, .. }) => {
            *status = Status::SUCCESS;
            true
        }
        _ => false,
    });
    assert_eq!(other_status.rules(), [rule]);
    let other_client = story.clone().change(|event| match event {
        Event::Invoked(driver, Callback::ClNotifyCloseAf { .. }) => {
            *driver = CM;
            true
        }
        _ => false,
    });
    assert_eq!(other_client.rules(), [rule]);
    let lost = story.without(|event| {
        matches!(
            event,
            Event::Invoked(_, Callback::CmNotifyCloseAfComplete { .. })
                | Event::Replied(_, Ddi::ProtocolCmNotifyCloseAfComplete, _)
        )
    });
    assert_eq!(lost.rules_at_rest(), [Rule::AfNdisCompleteAfterPending]);
}

#[test]
fn a_sync_answer_to_a_notification_is_passed_on() {
    let mut story = Story::open(CM);
    story.own_task();
    story.notifying();
    story.notified(Status::FAILURE);
    let other = story.change(|event| match event {
        Event::Returned(_, Ddi::NdisCmNotifyCloseAddressFamily, status) => {
            *status = Status::NOT_ACCEPTED;
            true
        }
        _ => false,
    });
    assert_eq!(other.rules(), [Rule::AfNdisNotifyRelay]);
}

#[test]
fn a_notification_that_is_held_back_reaches_the_client_later() {
    // The call manager notifies while the client still hears that its open has succeeded.
    let mut story = Story::up(CM);
    story.tell().opening();
    story.opened(PENDING);
    story.told().own_task();
    let (status, af) = (Status::SUCCESS, arg(client_af(1)));
    story
        .trace
        .called(CM, Call::CmOpenAddressFamilyComplete { status, af: arg(cm_af(1)), af_context: CM_AF })
        .invoked(CLIENT, Callback::ClOpenAfCompleteEx { af_context: CLIENT_AF, af, status });
    let telling = story.tasks;
    story
        .own_task()
        .called(CM, Call::CmNotifyCloseAddressFamily { af: arg(cm_af(1)) })
        .returned(CM, Ddi::NdisCmNotifyCloseAddressFamily, Status::PENDING)
        .task(telling)
        .replied(CLIENT, Ddi::ProtocolClOpenAfCompleteEx, SUCCESS)
        .returned(CM, Ddi::NdisCmOpenAddressFamilyComplete, Status::SUCCESS);
    assert_eq!(story.rules_at_rest(), [Rule::AfNdisNotifyRelay], "it never comes");
    let id = Job::NotifyCloseAf(AfId(client_af(1)));
    let mut refused = story.clone();
    refused
        .job(id)
        .invoked(CLIENT, Callback::ClNotifyCloseAf { af_context: CLIENT_AF })
        .replied(CLIENT, Ddi::ProtocolClNotifyCloseAf, Reply::status(Status::FAILURE))
        .invoked(CM, Callback::CmNotifyCloseAfComplete { af_context: CM_AF, status: Status::FAILURE })
        .replied(CM, Ddi::ProtocolCmNotifyCloseAfComplete, SUCCESS)
        .ended();
    assert_eq!(refused.rules_at_rest(), []);
    story.simple(id, CLIENT, Callback::ClNotifyCloseAf { af_context: CLIENT_AF }, PENDING).own_task();
    story.complete_notification(Status::FAILURE);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn a_client_is_not_asked_to_close_before_it_knows_its_open() {
    let mut story = Story::up(CM);
    story.tell().opening();
    story.notifying();
    assert_eq!(story.rules(), [Rule::AfNdisNotifyRelay]);
}
