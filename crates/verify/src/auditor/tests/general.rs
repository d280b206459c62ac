//! What holds for every call and handler: what is right, completions, statuses, causes, levels, and the interface.

use super::*;

#[test]
fn a_life_that_a_client_ends_is_faultless() {
    for manager in MANAGERS {
        let mut story = Story::open(manager);
        story.own_task();
        story.closing();
        story.closed(Status::PENDING);
        story.own_task();
        story.complete_close();
        story.stop().unload_miniport();
        assert_eq!(story.rules_at_rest(), [], "{manager:?}");
    }
}

#[test]
fn a_life_that_a_call_manager_ends_is_faultless() {
    for manager in MANAGERS {
        let mut story = Story::open(manager);
        story.own_task();
        story.notifying();
        story.notified(Status::PENDING);
        story.own_task();
        story.closing();
        story.closed(Status::SUCCESS);
        story.complete_notification(Status::SUCCESS);
        story.stop();
        assert_eq!(story.rules_at_rest(), [], "{manager:?}");
    }
}

#[test]
fn a_notification_that_is_answered_at_once_is_faultless() {
    let mut story = Story::open(CM);
    story.own_task();
    story.notifying();
    story.closing();
    story.closed(Status::SUCCESS);
    story.notified(Status::SUCCESS);
    assert_eq!(story.rules_at_rest(), []);
    // A refusal leaves the address family open, for another close.
    let mut story = Story::open(CM);
    story.own_task();
    story.notifying();
    story.notified(Status::FAILURE);
    story.closing();
    story.closed(Status::SUCCESS);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn completions_may_overtake_the_return() {
    let mut story = Story::up(CM);
    story.tell().opening();
    story.complete_open(Status::SUCCESS);
    story.opened(PENDING);
    story.told().own_task();
    story.closing();
    story.complete_close();
    story.closed(Status::PENDING);
    assert_eq!(story.rules_at_rest(), []);

    let mut story = Story::open(CM);
    story.own_task();
    story.notifying();
    story.closing();
    story.closed(Status::SUCCESS);
    story.complete_notification(Status::SUCCESS);
    story.notified(Status::PENDING);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn an_open_may_fail_in_every_way() {
    // At once, with the call manager's own status; pended; before the return.
    let mut story = Story::up(CM);
    story.tell().opening();
    story.opened(Reply::status(Status::NOT_ACCEPTED));
    story.told();
    assert_eq!(story.rules_at_rest(), []);
    let mut story = Story::up(CM);
    story.tell().opening();
    story.opened(PENDING);
    story.told().own_task();
    story.complete_open(Status::FAILURE);
    assert_eq!(story.rules_at_rest(), []);
    let mut story = Story::up(CM);
    story.tell().opening();
    story.complete_open(Status::FAILURE);
    story.opened(PENDING);
    story.told();
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn a_refused_close_leaves_the_address_family_open() {
    let mut story = Story::open(CM);
    story.own_task();
    story.closing();
    story.closed(Status::NOT_ACCEPTED);
    story.closing();
    story.closed(Status::SUCCESS);
    assert_eq!(story.rules_at_rest(), []);
    // So does one that NDIS refuses itself because a close is under way.
    let mut story = Story::open(CM);
    story.own_task();
    story.closing();
    story.closed(Status::PENDING);
    story.trace.called(CLIENT, Call::ClCloseAddressFamily { af: arg(client_af(1)) });
    story.trace.returned(CLIENT, Ddi::NdisClCloseAddressFamily, Status::FAILURE);
    story.complete_close();
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn a_completion_comes_only_to_what_pends() {
    let rule = Rule::AfNdisCompleteAfterPending;
    let mut story = Story::open(CM);
    story.own_task();
    story.closing();
    story.closed(Status::NOT_ACCEPTED);
    story.complete_close();
    assert!(story.rules().contains(&rule));
    // A second completion of one close finds the address family gone.
    let mut story = Story::open(CM);
    story.own_task();
    story.closing();
    story.closed(Status::PENDING);
    story.complete_close();
    story.complete_close();
    assert!(story.rules().contains(&rule));
}

#[test]
fn a_call_that_is_completed_early_returns_pending() {
    let mut story = Story::open(CM);
    story.own_task();
    story.notifying();
    story.complete_notification(Status::FAILURE);
    story.notified(Status::FAILURE);
    assert_eq!(story.rules(), [Rule::AfNdisCompleteAfterPending]);
}

#[test]
fn a_completion_is_delivered_once() {
    let mut story = Story::up(CM);
    story.tell().opening();
    story.complete_open(Status::SUCCESS);
    story.complete_open(Status::SUCCESS);
    assert_eq!(story.rules(), [Rule::AfNdisCompleteAfterPending]);
}

#[test]
fn a_completion_comes_in_the_end() {
    let mut story = Story::open(CM);
    story.own_task();
    story.closing();
    story.closed(Status::PENDING);
    assert_eq!(story.rules_at_rest(), [], "the call manager owes the completion, not NDIS");
    story.complete_close();
    let story = story.without(|event| {
        matches!(
            event,
            Event::Invoked(_, Callback::ClCloseAfComplete { .. })
                | Event::Replied(_, Ddi::ProtocolClCloseAfComplete, _)
        )
    });
    assert_eq!(story.rules_at_rest(), [Rule::AfNdisCompleteAfterPending]);
    assert_eq!(story.rules(), []);
}

#[test]
fn a_pended_open_of_an_adapter_is_completed_in_the_end() {
    let mut story = Story::new(CM);
    story.load_miniport().initialize().load_protocol(CLIENT).bind(CLIENT, true);
    assert_eq!(story.rules_at_rest(), []);
    let last = story.trace.records.iter().rposition(|record| matches!(record.event, Event::Started(_)));
    story.trace.records.truncate(last.expect("a job reports the open"));
    assert_eq!(story.rules_at_rest(), [Rule::BindingNdisOpenValues]);
}

#[test]
fn a_call_returns_what_its_page_names() {
    let story = Story::up(CM).change(|event| {
        let found = matches!(event, Event::Returned(CLIENT, Ddi::NdisSetOptionalHandlers, _));
        if found {
            *event = Event::Returned(CLIENT, Ddi::NdisSetOptionalHandlers, Status::NOT_ACCEPTED);
        }
        found
    });
    assert_eq!(story.rules(), [Rule::RegistrationNdisSetoptionsInside]);
    assert!(documents(Ddi::NdisClCloseAddressFamily, Status::FAILURE));
    assert!(documents(Ddi::NdisCmNotifyCloseAddressFamily, Status::NOT_ACCEPTED), "any status");
    assert!(!documents(Ddi::NdisSetOptionalHandlers, Status::PENDING), "it never pends");
    assert!(!documents(Ddi::NdisMPauseComplete, Status::FAILURE), "it returns nothing");
}

#[test]
fn a_handler_is_called_because_of_something() {
    // Out of nothing.
    let mut story = Story::open(CM);
    story.own_task().invoked(CM, Callback::CmCloseAf { af_context: CM_AF });
    assert!(story.rules().contains(&Rule::AfNdisCmContext));
    // Because of a call that does not cause it.
    let mut story = Story::open(CM);
    let close = Call::ClCloseAddressFamily { af: arg(client_af(1)) };
    story
        .own_task()
        .called(CLIENT, close)
        .invoked(CLIENT, Callback::ClNotifyCloseAf { af_context: CLIENT_AF });
    assert_eq!(story.rules(), [Rule::AfNdisNotifyRelay]);
    // Because of another job.
    let mut story = Story::up(CM);
    let callback = Callback::MiniportPause { adapter_context: ADAPTER_CONTEXT };
    story.event(CLIENT, NetEvent::Pause).simple(Job::Halt(ADAPTER), MINIPORT, callback, SUCCESS);
    assert_eq!(story.rules(), [Rule::BindingNdisStopOrder]);
}

#[test]
fn every_completion_is_one_that_the_contract_pairs_with_a_call() {
    let mut paired: Vec<Ddi> = Ddi::ALL
        .iter()
        .filter(|&&ddi| Call::argument_names(ddi).is_some())
        .filter_map(|ddi| ddi.info().completed_by)
        .collect();
    paired.sort_unstable();
    paired.dedup();
    let mut completions = vec![
        Ddi::ProtocolOpenAdapterCompleteEx,
        Ddi::ProtocolCloseAdapterCompleteEx,
        Ddi::ProtocolClOpenAfCompleteEx,
        Ddi::ProtocolClCloseAfComplete,
        Ddi::ProtocolCmNotifyCloseAfComplete,
        Ddi::ProtocolClRegisterSapComplete,
        Ddi::ProtocolClDeregisterSapComplete,
        Ddi::ProtocolCmActivateVcComplete,
        Ddi::ProtocolCmDeactivateVcComplete,
        Ddi::ProtocolClMakeCallComplete,
        Ddi::ProtocolClModifyCallQoSComplete,
        Ddi::ProtocolClCloseCallComplete,
        Ddi::ProtocolCmIncomingCallComplete,
        Ddi::ProtocolClAddPartyComplete,
        Ddi::ProtocolClDropPartyComplete,
    ];
    completions.sort_unstable();
    assert_eq!(paired, completions);
}

#[test]
fn the_end_of_an_open_is_told_at_passive_level() {
    for (irql, expected) in [(Irql::PASSIVE, None), (Irql::DISPATCH, Some(Rule::AfNdisOpenCompletePassive))] {
        let mut story = Story::up(CM);
        story.tell().opening();
        story.opened(PENDING);
        story.told().own_task().irql(irql);
        story.complete_open(Status::SUCCESS);
        assert_eq!(story.rules(), expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn an_open_that_was_completed_above_passive_level_is_told_by_a_job() {
    let mut story = Story::up(CM);
    story.tell().opening();
    story.opened(PENDING);
    story.told();
    let done =
        Call::CmOpenAddressFamilyComplete { status: Status::SUCCESS, af: arg(cm_af(1)), af_context: CM_AF };
    story.own_task().irql(Irql::DISPATCH).called(CM, done);
    story.trace.returned(CM, Ddi::NdisCmOpenAddressFamilyComplete, Status::SUCCESS).irql(Irql::PASSIVE);
    assert_eq!(story.rules_at_rest(), [Rule::AfNdisCompleteAfterPending], "the job has not run");
    let callback = Callback::ClOpenAfCompleteEx {
        af_context: CLIENT_AF,
        af: arg(client_af(1)),
        status: Status::SUCCESS,
    };
    story.simple(Job::OpenAfComplete(AfId(client_af(1))), CLIENT, callback, SUCCESS);
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn other_handlers_keep_to_their_level_too() {
    let mut story = Story::up(CM);
    story.trace.irql(Irql::DISPATCH);
    story.event(CLIENT, NetEvent::Reconfigure);
    assert_eq!(story.rules(), [Rule::BindingNdisStartOrder]);
}

#[test]
fn an_audit_tells_the_record() {
    let mut story = Story::up(MINIPORT);
    story.unload_miniport();
    let found = audit(&story.trace.records, StopOrder::Strict, Ending::Cut);
    assert_eq!(found.len(), 1);
    assert!(matches!(
        story.trace.records[found[0].record].event,
        Event::Invoked(MINIPORT, Callback::MiniportDriverUnload { .. })
    ));
    assert!(crate::is_our_bug(found[0].violation.rule));
    assert_eq!(found[0].violation.object, Object::Adapter(ADAPTER));
}

#[test]
fn what_never_came_is_told_after_the_last_record() {
    let story = Story::up(MINIPORT);
    let found = audit(&story.trace.records, StopOrder::Strict, Ending::AtRest);
    assert_eq!(found.iter().map(|found| found.record).collect::<Vec<_>>(), vec![story.trace.records.len()]);
}

#[test]
fn an_auditor_forgets_what_is_over() {
    let mut auditor = Auditor::new(StopOrder::Strict);
    for manager in MANAGERS {
        let mut story = Story::open(manager);
        story.own_task();
        story.closing();
        story.closed(Status::SUCCESS);
        story.stop();
        for record in &story.trace.records {
            assert_eq!(auditor.look(record), Ok(()));
        }
    }
    assert!(auditor.frames.is_empty() && auditor.pended.is_empty() && auditor.bindings.is_empty());
    assert!(auditor.afs.is_empty() && auditor.registrations.is_empty());
}

#[test]
fn every_rule_that_the_auditor_names_binds_ndis() {
    let rules = [
        Rule::AfNdisNotifyAll,
        Rule::AfNdisCompleteAfterPending,
        Rule::AfNdisOpenToRegistrar,
        Rule::AfNdisCmContext,
        Rule::AfNdisOpenFailClean,
        Rule::AfNdisOpenCompletePassive,
        Rule::AfNdisCloseContextAfter,
        Rule::AfNdisNotifyRelay,
        Rule::RegistrationNdisSetoptionsInside,
        Rule::BindingNdisBindAfterInit,
        Rule::BindingNdisInitQuiet,
        Rule::BindingNdisOpenValues,
        Rule::BindingNdisPauseBeforeUnbind,
        Rule::BindingNdisStopOrder,
        Rule::BindingNdisStartOrder,
        Rule::BindingNdisHaltQuiet,
        Rule::BindingNdisUnloadAfterHalts,
        Rule::BindingNdisNoPnpWhilePausing,
        Rule::BindingNdisUninstallAfterUnbind,
    ];
    assert!(rules.iter().all(|&rule| crate::is_our_bug(rule)));
    assert!(!crate::is_our_bug(Rule::AfCloseOnce));
}
