//! The rules of areas `registration` and `binding`.

use super::*;

#[test]
fn set_options_comes_inside_the_registration() {
    let rule = Rule::RegistrationNdisSetoptionsInside;
    let skipped = Story::up(CM).without(|event| {
        matches!(
            event,
            Event::Invoked(CLIENT, Callback::ProtocolSetOptions { .. })
                | Event::Called(CLIENT, Call::SetOptionalHandlers { .. })
                | Event::Returned(CLIENT, Ddi::NdisSetOptionalHandlers, _)
                | Event::Replied(CLIENT, Ddi::ProtocolSetOptions, _)
        )
    });
    assert_eq!(skipped.rules(), [rule]);
    // Once more, afterwards.
    let mut story = Story::up(CM);
    let protocol = handle(HandleKind::ProtocolDriver, CLIENT.0.into());
    let callback = Callback::ProtocolSetOptions { protocol, driver_context: Token(CLIENT.0.into()) };
    story.simple(Job::Load(CLIENT), CLIENT, callback, SUCCESS);
    assert_eq!(story.rules(), [rule, rule], "neither caused nor due");
    // With another context.
    let story = Story::up(CM).change(|event| match event {
        Event::Invoked(CLIENT, Callback::ProtocolSetOptions { driver_context, .. }) => {
            *driver_context = Token(0xBAD);
            true
        }
        _ => false,
    });
    assert_eq!(story.rules(), [rule]);
}

#[test]
fn no_other_handler_comes_before_set_options() {
    let mut story = Story::new(CM);
    let characteristics = characteristics(Ddi::ProtocolSetOptions);
    story.load_miniport().initialize();
    story
        .own_task()
        .called(CLIENT, Call::RegisterProtocolDriver { driver_context: Token(0), characteristics });
    let offer =
        Callback::BindAdapterEx { driver_context: Token(0), bind_context: bind_id(CLIENT), adapter: ADAPTER };
    story.simple(Job::Bind(CLIENT, ADAPTER), CLIENT, offer, Reply::status(Status::FAILURE));
    assert_eq!(story.rules(), [Rule::RegistrationNdisSetoptionsInside]);
}

#[test]
fn a_miniport_is_unloaded_after_its_last_halt() {
    let mut story = Story::up(MINIPORT);
    story.unload_miniport();
    assert_eq!(story.rules(), [Rule::BindingNdisUnloadAfterHalts]);
}

#[test]
fn a_protocol_is_uninstalled_after_its_last_unbind() {
    let mut story = Story::up(MINIPORT);
    story.event(CLIENT, NetEvent::Pause);
    let mut early = story.clone();
    early.simple(Job::Uninstall(CLIENT), CLIENT, Callback::Uninstall {}, SUCCESS);
    assert_eq!(early.rules(), [Rule::BindingNdisUninstallAfterUnbind]);
    story.unbind(CLIENT, true).simple(Job::Uninstall(CLIENT), CLIENT, Callback::Uninstall {}, SUCCESS);
    assert_eq!(story.rules(), []);
}

#[test]
fn protocols_are_bound_after_the_adapter_is_initialised() {
    let mut story = Story::new(CM);
    story.load_miniport().load_protocol(CLIENT).bind(CLIENT, false);
    assert_eq!(story.rules(), [Rule::BindingNdisBindAfterInit]);
    // Nor to one whose initialisation failed.
    let mut story = Story::new(CM);
    story.load_miniport().initialize().load_protocol(CLIENT).bind(CLIENT, false);
    let story = story.change(|event| match event {
        Event::Replied(_, Ddi::MiniportInitializeEx, reply) => {
            reply.status = Status::FAILURE;
            true
        }
        _ => false,
    });
    assert_eq!(story.rules(), [Rule::BindingNdisBindAfterInit]);
}

#[test]
fn nothing_is_asked_of_an_adapter_that_initialises() {
    let story =
        Story::up(MINIPORT).without(|event| matches!(event, Event::Replied(_, Ddi::MiniportInitializeEx, _)));
    let rules = story.rules();
    assert!(rules.contains(&Rule::BindingNdisInitQuiet), "{rules:?}");
}

#[test]
fn a_binding_is_paused_before_it_is_unbound() {
    let mut story = Story::up(MINIPORT);
    story.unbind(CLIENT, false);
    assert_eq!(story.rules(), [Rule::BindingNdisPauseBeforeUnbind]);
}

#[test]
fn an_unbind_may_undo_a_bind_that_pends_if_the_driver_asks() {
    let mut story = Story::new(CM);
    story.load_miniport().initialize().load_protocol(CLIENT).bind(CLIENT, true);
    // The bind pends, with the adapter open.
    let last = story.trace.records.iter().rposition(|record| matches!(record.event, Event::Called(..)));
    story.trace.records.truncate(last.expect("the completion of the bind"));
    story.trace.replied(CLIENT, Ddi::ProtocolOpenAdapterCompleteEx, SUCCESS).ended();
    let mut unasked = story.clone();
    unasked.unbind(CLIENT, false);
    assert_eq!(unasked.rules(), [Rule::BindingNdisPauseBeforeUnbind]);
    let ask = Call::UnbindAdapter { binding: arg(binding_handle(CLIENT)) };
    story.own_task().called(CLIENT, ask).returned(CLIENT, Ddi::NdisUnbindAdapter, Status::SUCCESS);
    story.unbind(CLIENT, false).own_task();
    let failed = Call::CompleteBindAdapterEx { bind_context: arg(bind_id(CLIENT)), status: Status::FAILURE };
    story.trace.called(CLIENT, failed).returned(CLIENT, Ddi::NdisCompleteBindAdapterEx, Status::SUCCESS);
    story.halt();
    assert_eq!(story.rules_at_rest(), []);
}

#[test]
fn a_close_waits_for_a_handler_that_runs_on_the_binding() {
    let mut story = Story::up(CM);
    story.tell();
    let telling = story.tasks;
    story.event(CLIENT, NetEvent::Pause);
    let unbind_context = handle(HandleKind::UnbindContext, CLIENT.0.into());
    let unbind = Callback::UnbindAdapterEx { unbind_context, binding_context: CLIENT_BINDING };
    story
        .job(Job::Unbind(BindingId(bind_id(CLIENT))))
        .invoked(CLIENT, unbind)
        .called(CLIENT, Call::CloseAdapterEx { binding: arg(binding_handle(CLIENT)) })
        .returned(CLIENT, Ddi::NdisCloseAdapterEx, Status::PENDING);
    assert_eq!(story.rules_at_rest(), [], "the handler may be what stands still");
    story.trace.task(telling);
    story.told();
    assert_eq!(story.rules_at_rest(), [Rule::BindingNdisStopOrder], "nothing is in the way");
}

#[test]
fn a_stack_stops_top_down() {
    let rule = Rule::BindingNdisStopOrder;
    let mut story = Story::up(MINIPORT);
    story.pause_miniport();
    assert_eq!(story.rules(), [rule], "the protocol runs");
    let mut story = Story::up(MINIPORT);
    story.event(CLIENT, NetEvent::Pause).pause_miniport().halt();
    assert_eq!(story.rules(), [rule], "the protocol is bound");
    let mut story = Story::up(MINIPORT);
    story.event(CLIENT, NetEvent::Pause).unbind(CLIENT, true).halt();
    assert_eq!(story.rules(), [rule], "the miniport runs");
}

#[test]
fn the_overlapped_order_halts_while_unbinds_pend() {
    let mut story = Story::up(MINIPORT);
    story.event(CLIENT, NetEvent::Pause).pause_miniport();
    let unbind = Callback::UnbindAdapterEx {
        unbind_context: handle(HandleKind::UnbindContext, 0),
        binding_context: CLIENT_BINDING,
    };
    let mut unbound = story.clone();
    unbound.simple(Job::Unbind(BindingId(bind_id(CLIENT))), CLIENT, unbind, PENDING).halt();
    assert_eq!(unbound.rules_in(StopOrder::Overlapped, Ending::Cut), []);
    assert_eq!(unbound.rules_in(StopOrder::Strict, Ending::Cut), [Rule::BindingNdisStopOrder]);
    story.halt();
    assert_eq!(story.rules_in(StopOrder::Overlapped, Ending::Cut), [Rule::BindingNdisStopOrder]);
}

#[test]
fn a_halting_mcm_gets_what_its_notifications_lead_to_in_the_overlapped_order_only() {
    let mut story = Story::open(MINIPORT);
    story.event(CLIENT, NetEvent::Pause).pause_miniport();
    let unbind = Callback::UnbindAdapterEx {
        unbind_context: handle(HandleKind::UnbindContext, 0),
        binding_context: CLIENT_BINDING,
    };
    story.simple(Job::Unbind(BindingId(bind_id(CLIENT))), CLIENT, unbind, PENDING);
    let halt =
        Callback::MiniportHaltEx { adapter_context: ADAPTER_CONTEXT, action: HaltAction::DeviceStopped };
    story.job(Job::Halt(ADAPTER)).invoked(MINIPORT, halt);
    story.notifying();
    story.closing();
    story.closed(Status::SUCCESS);
    story.notified(Status::SUCCESS);
    story.trace.replied(MINIPORT, Ddi::MiniportHaltEx, SUCCESS).ended();
    assert_eq!(story.rules_in(StopOrder::Overlapped, Ending::Cut), []);
    assert_eq!(
        story.rules_in(StopOrder::Strict, Ending::Cut),
        [Rule::BindingNdisStopOrder, Rule::BindingNdisHaltQuiet]
    );
}

#[test]
fn nothing_is_asked_of_a_halted_adapter() {
    let mut story = Story::up(MINIPORT);
    story.stop().restart_miniport();
    assert_eq!(story.rules(), [Rule::BindingNdisHaltQuiet]);
    let mut story = Story::open(MINIPORT);
    story.stop().own_task();
    story.closing();
    assert_eq!(story.rules(), [Rule::BindingNdisHaltQuiet]);
}

#[test]
fn a_stack_starts_bottom_up() {
    let rule = Rule::BindingNdisStartOrder;
    let mut story = Story::new(CM);
    story
        .load_miniport()
        .initialize()
        .load_protocol(CLIENT)
        .bind(CLIENT, false)
        .event(CLIENT, NetEvent::Restart);
    assert_eq!(story.rules(), [rule], "the miniport is paused");
    let mut story = Story::up(CM);
    story.restart_miniport();
    assert_eq!(story.rules(), [rule], "it runs already");
    let mut story = Story::up(CM);
    story.initialize();
    assert!(story.rules().contains(&rule), "it is up already");
}

#[test]
fn a_failed_restart_leaves_things_paused() {
    let mut story = Story::new(MINIPORT);
    story.load_miniport().initialize().load_protocol(CLIENT).bind(CLIENT, false);
    let callback = Callback::MiniportRestart { adapter_context: ADAPTER_CONTEXT };
    story.simple(Job::RestartMiniport(ADAPTER), MINIPORT, callback, Reply::status(Status::FAILURE));
    story.unbind(CLIENT, false).halt();
    assert_eq!(story.rules(), []);
}

#[test]
fn no_other_operation_starts_while_an_adapter_pauses_or_restarts() {
    let rule = Rule::BindingNdisNoPnpWhilePausing;
    let restart = Callback::MiniportRestart { adapter_context: ADAPTER_CONTEXT };
    let pause = Callback::MiniportPause { adapter_context: ADAPTER_CONTEXT };
    let mut story = Story::new(MINIPORT);
    story.load_miniport().initialize().simple(Job::RestartMiniport(ADAPTER), MINIPORT, restart, PENDING);
    let mut early = story.clone();
    early.simple(Job::PauseMiniport(ADAPTER), MINIPORT, pause, SUCCESS);
    assert_eq!(early.rules(), [rule]);
    let done = Call::MRestartComplete { adapter: arg(adapter()), status: Status::SUCCESS };
    story.own_task().called(MINIPORT, done).returned(MINIPORT, Ddi::NdisMRestartComplete, Status::SUCCESS);
    story.simple(Job::PauseMiniport(ADAPTER), MINIPORT, pause, PENDING);
    let mut early = story.clone();
    early.halt();
    assert_eq!(early.rules(), [rule]);
    let done = Call::MPauseComplete { adapter: arg(adapter()) };
    story.own_task().called(MINIPORT, done).returned(MINIPORT, Ddi::NdisMPauseComplete, Status::SUCCESS);
    story.halt();
    assert_eq!(story.rules(), []);
}

#[test]
fn a_handle_is_stored_before_the_open_is_reported() {
    let mut story = Story::new(CM);
    story.load_miniport().initialize().load_protocol(CLIENT).bind(CLIENT, true);
    let story = story.without(|event| matches!(event, Event::Published(_, OutParameter::Binding(..))));
    assert_eq!(story.rules(), [Rule::BindingNdisOpenValues]);
}

#[test]
fn handlers_get_the_contexts_that_drivers_gave() {
    let wrong = Token(0xBAD);
    let event = |story: &Story| story.clone();
    let mut story = Story::up(MINIPORT);
    story.event(CLIENT, NetEvent::Pause).pause_miniport().unbind(CLIENT, true).halt();
    assert_eq!(story.rules(), []);
    let unbind = event(&story).change(|event| match event {
        Event::Invoked(_, Callback::UnbindAdapterEx { binding_context, .. }) => {
            *binding_context = wrong;
            true
        }
        _ => false,
    });
    assert_eq!(unbind.rules(), [Rule::BindingNdisPauseBeforeUnbind]);
    let pause = event(&story).change(|event| match event {
        Event::Invoked(_, Callback::MiniportPause { adapter_context }) => {
            *adapter_context = wrong;
            true
        }
        _ => false,
    });
    assert_eq!(pause.rules(), [Rule::BindingNdisStopOrder]);
    let bind = event(&story).change(|event| match event {
        Event::Invoked(CLIENT, Callback::BindAdapterEx { driver_context, .. }) => {
            *driver_context = wrong;
            true
        }
        _ => false,
    });
    assert_eq!(bind.rules(), [Rule::BindingNdisBindAfterInit]);
    let initialize = event(&story).change(|event| match event {
        Event::Invoked(_, Callback::MiniportInitializeEx { driver_context, .. }) => {
            *driver_context = wrong;
            true
        }
        _ => false,
    });
    assert_eq!(initialize.rules(), [Rule::BindingNdisStartOrder]);
}
