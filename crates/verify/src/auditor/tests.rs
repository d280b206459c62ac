use super::*;
use crate::testing::{CLIENT, CM, FAMILY, MINIPORT, Trace, arg, binding, client_af, cm_af, handle};
use alloc::vec;
use contract::Rule;
use model::block::{
    AddressFamily, Attributes, Characteristics, HandlerSet, Header, Media, OpenParameters, OptionalHandlers,
};
use model::record::Irql;
use model::{AfId, BindingId, HaltAction, Handle, HandleKind, NetEvent, RegistrationId, Token};

const ADAPTER: AdapterId = AdapterId(0);
/// Contexts of the drivers'.
const CLIENT_BINDING: Token = Token(0xC1);
const CM_BINDING: Token = Token(0xC2);
const ADAPTER_CONTEXT: Token = Token(0xC3);
const CLIENT_AF: Token = Token(0xA1);
const CM_AF: Token = Token(0xA2);

const SUCCESS: Reply = Reply::VOID;
const PENDING: Reply = Reply::status(Status::PENDING);

fn bind_id(driver: DriverId) -> Handle {
    handle(HandleKind::BindContext, driver.0.into())
}

fn binding_handle(driver: DriverId) -> Handle {
    if driver == CLIENT { binding() } else { handle(HandleKind::Binding, driver.0.into()) }
}

fn context_of(driver: DriverId) -> Token {
    if driver == CLIENT { CLIENT_BINDING } else { CM_BINDING }
}

fn adapter() -> Handle {
    handle(HandleKind::Adapter, 1)
}

fn header(object_type: u32) -> Header {
    Header { object_type: u8::try_from(object_type).expect("a type"), revision: 1, size: 200 }
}

fn characteristics(options: Ddi) -> Characteristics {
    let handlers: HandlerSet = [options].into_iter().collect();
    Characteristics { header: header(149), major: 6, minor: 30, flags: 0, handlers }
}

fn handlers(object_type: u32) -> OptionalHandlers {
    OptionalHandlers { header: header(object_type), handlers: HandlerSet::EMPTY, shared_oid_handler: false }
}

/// A correct execution, told step by step. Each step is a task of its own.
#[derive(Clone)]
struct Story {
    trace: Trace,
    tasks: u16,
    /// Who manages calls: [`CM`], or [`MINIPORT`] as an MCM.
    manager: DriverId,
}

impl Story {
    fn new(manager: DriverId) -> Story {
        Story { trace: Trace::new(), tasks: 0, manager }
    }

    /// Starts a task with a job; the trace goes on there.
    fn job(&mut self, job: Job) -> &mut Trace {
        self.tasks += 1;
        self.trace.task(self.tasks).started(job)
    }

    /// Goes on with a task of a driver's own.
    fn own_task(&mut self) -> &mut Trace {
        self.tasks += 1;
        self.trace.task(self.tasks)
    }

    /// A job that calls one handler, which answers at once.
    fn simple(&mut self, job: Job, driver: DriverId, callback: Callback, reply: Reply) -> &mut Story {
        self.job(job).invoked(driver, callback).replied(driver, callback.ddi(), reply).ended();
        self
    }

    fn load_protocol(&mut self, driver: DriverId) -> &mut Story {
        let protocol = handle(HandleKind::ProtocolDriver, driver.0.into());
        let driver_context = Token(driver.0.into());
        let table = if driver == CLIENT { 166 } else { 165 };
        self.job(Job::Load(driver)).invoked(driver, Callback::DriverEntry { driver });
        let characteristics = characteristics(Ddi::ProtocolSetOptions);
        self.trace
            .called(driver, Call::RegisterProtocolDriver { driver_context, characteristics })
            .published(driver, OutParameter::DriverHandle(protocol))
            .invoked(driver, Callback::ProtocolSetOptions { protocol, driver_context })
            .called(driver, Call::SetOptionalHandlers { handle: arg(protocol), handlers: handlers(table) })
            .returned(driver, Ddi::NdisSetOptionalHandlers, Status::SUCCESS)
            .replied(driver, Ddi::ProtocolSetOptions, SUCCESS)
            .returned(driver, Ddi::NdisRegisterProtocolDriver, Status::SUCCESS)
            .replied(driver, Ddi::DriverEntry, SUCCESS)
            .ended();
        self
    }

    fn load_miniport(&mut self) -> &mut Story {
        let driver = MINIPORT;
        let mini = handle(HandleKind::MiniportDriver, 1);
        let driver_context = Token(driver.0.into());
        self.job(Job::Load(driver)).invoked(driver, Callback::DriverEntry { driver });
        let characteristics = characteristics(Ddi::MiniportSetOptions);
        self.trace
            .called(driver, Call::MRegisterMiniportDriver { driver_context, characteristics })
            .published(driver, OutParameter::DriverHandle(mini))
            .invoked(driver, Callback::MiniportSetOptions { driver: mini, driver_context })
            .replied(driver, Ddi::MiniportSetOptions, SUCCESS)
            .returned(driver, Ddi::NdisMRegisterMiniportDriver, Status::SUCCESS)
            .replied(driver, Ddi::DriverEntry, SUCCESS)
            .ended();
        self
    }

    fn initialize(&mut self) -> &mut Story {
        let manager = self.manager;
        let driver_context = Token(MINIPORT.0.into());
        let attributes = Attributes { header: header(158), context: ADAPTER_CONTEXT, flags: 0, medium: 0 };
        let trace = self.job(Job::Initialize(ADAPTER));
        trace
            .invoked(MINIPORT, Callback::MiniportInitializeEx { adapter: adapter(), driver_context })
            .called(MINIPORT, Call::MSetMiniportAttributes { adapter: arg(adapter()), attributes })
            .returned(MINIPORT, Ddi::NdisMSetMiniportAttributes, Status::SUCCESS);
        if manager == MINIPORT {
            trace
                .called(
                    MINIPORT,
                    Call::MCmRegisterAddressFamilyEx { adapter: arg(adapter()), family: FAMILY },
                )
                .returned(MINIPORT, Ddi::NdisMCmRegisterAddressFamilyEx, Status::SUCCESS);
        }
        trace.replied(MINIPORT, Ddi::MiniportInitializeEx, SUCCESS).ended();
        self
    }

    /// Binds a protocol whose open of the adapter pends or not.
    fn bind(&mut self, driver: DriverId, pends: bool) -> &mut Story {
        let binding_context = context_of(driver);
        let parameters = OpenParameters {
            header: header(135),
            names_bound_adapter: true,
            media: Media::new(&[0]).expect("a medium"),
            frame_types: 0,
        };
        let open = Call::OpenAdapterEx {
            protocol: arg(handle(HandleKind::ProtocolDriver, driver.0.into())),
            binding_context,
            parameters,
            bind_context: arg(bind_id(driver)),
        };
        let offer = Callback::BindAdapterEx {
            driver_context: Token(driver.0.into()),
            bind_context: bind_id(driver),
            adapter: ADAPTER,
        };
        let status = if pends { Status::PENDING } else { Status::SUCCESS };
        self.job(Job::Bind(driver, ADAPTER))
            .invoked(driver, offer)
            .called(driver, open)
            .published(driver, OutParameter::Binding(binding_handle(driver), 0))
            .returned(driver, Ddi::NdisOpenAdapterEx, status);
        if pends {
            self.trace.replied(driver, Ddi::ProtocolBindAdapterEx, PENDING).ended();
            self.job(Job::OpenAdapterComplete(BindingId(bind_id(driver))));
            self.trace.invoked(
                driver,
                Callback::OpenAdapterCompleteEx { binding_context, status: Status::SUCCESS },
            );
        }
        if driver == CM {
            self.trace
                .called(
                    CM,
                    Call::CmRegisterAddressFamilyEx { binding: arg(binding_handle(CM)), family: FAMILY },
                )
                .returned(CM, Ddi::NdisCmRegisterAddressFamilyEx, Status::SUCCESS);
        }
        if pends {
            let done =
                Call::CompleteBindAdapterEx { bind_context: arg(bind_id(driver)), status: Status::SUCCESS };
            self.trace
                .called(driver, done)
                .returned(driver, Ddi::NdisCompleteBindAdapterEx, Status::SUCCESS)
                .replied(driver, Ddi::ProtocolOpenAdapterCompleteEx, SUCCESS)
                .ended();
        } else {
            self.trace.replied(driver, Ddi::ProtocolBindAdapterEx, SUCCESS).ended();
        }
        self
    }

    fn event(&mut self, driver: DriverId, kind: NetEvent) -> &mut Story {
        let event = handle(HandleKind::PnpEvent, 50 + u32::from(self.tasks));
        let callback = Callback::NetPnPEvent { binding_context: context_of(driver), event, kind };
        self.simple(Job::NetPnPEvent(BindingId(bind_id(driver)), kind), driver, callback, SUCCESS)
    }

    fn restart_miniport(&mut self) -> &mut Story {
        let callback = Callback::MiniportRestart { adapter_context: ADAPTER_CONTEXT };
        self.simple(Job::RestartMiniport(ADAPTER), MINIPORT, callback, SUCCESS)
    }

    fn pause_miniport(&mut self) -> &mut Story {
        let callback = Callback::MiniportPause { adapter_context: ADAPTER_CONTEXT };
        self.simple(Job::PauseMiniport(ADAPTER), MINIPORT, callback, SUCCESS)
    }

    /// Everything is loaded, bound and running; the client has not been told yet.
    fn up(manager: DriverId) -> Story {
        let mut story = Story::new(manager);
        story.load_miniport().initialize().load_protocol(CLIENT);
        if manager == CM {
            story.load_protocol(CM).bind(CM, true);
        }
        story.bind(CLIENT, false).restart_miniport().event(CLIENT, NetEvent::Restart);
        story
    }

    /// The client hears of the address family; the trace stays in its handler.
    fn tell(&mut self) -> &mut Story {
        let registration = RegistrationId(handle(HandleKind::Registration, 1));
        self.job(Job::AfRegisterNotify(BindingId(bind_id(CLIENT)), registration)).invoked(
            CLIENT,
            Callback::CoAfRegisterNotify { binding_context: CLIENT_BINDING, family: FAMILY },
        );
        self
    }

    fn told(&mut self) -> &mut Story {
        self.trace.replied(CLIENT, Ddi::ProtocolCoAfRegisterNotify, SUCCESS).ended();
        self
    }

    fn manager_binding(&self) -> Token {
        if self.manager == CM { CM_BINDING } else { ADAPTER_CONTEXT }
    }

    /// The client calls `NdisClOpenAddressFamilyEx`; the trace stays in `ProtocolCmOpenAf`.
    fn opening(&mut self) -> &mut Trace {
        let open =
            Call::ClOpenAddressFamilyEx { binding: arg(binding()), family: FAMILY, af_context: CLIENT_AF };
        let (manager, binding_context) = (self.manager, self.manager_binding());
        self.trace
            .called(CLIENT, open)
            .published(CLIENT, OutParameter::AddressFamily(client_af(1)))
            .invoked(manager, Callback::CmOpenAf { binding_context, family: FAMILY, af: cm_af(1) })
    }

    fn opened(&mut self, answer: Reply) -> &mut Trace {
        let manager = self.manager;
        self.trace.replied(manager, Ddi::ProtocolCmOpenAf, answer).returned(
            CLIENT,
            Ddi::NdisClOpenAddressFamilyEx,
            answer.status,
        )
    }

    /// The call manager completes the open, and NDIS tells the client at once.
    fn complete_open(&mut self, status: Status) -> &mut Trace {
        let af = if status == Status::SUCCESS { arg(client_af(1)) } else { HandleArg::Null };
        let manager = self.manager;
        self.trace
            .called(
                manager,
                Call::CmOpenAddressFamilyComplete { status, af: arg(cm_af(1)), af_context: CM_AF },
            )
            .invoked(CLIENT, Callback::ClOpenAfCompleteEx { af_context: CLIENT_AF, af, status })
            .replied(CLIENT, Ddi::ProtocolClOpenAfCompleteEx, SUCCESS)
            .returned(manager, Ddi::NdisCmOpenAddressFamilyComplete, Status::SUCCESS)
    }

    /// With the client's address family open.
    fn open(manager: DriverId) -> Story {
        let mut story = Story::up(manager);
        story.tell().opening();
        story.opened(Reply { status: Status::SUCCESS, context: CM_AF });
        story.told();
        story
    }

    /// The client calls `NdisClCloseAddressFamily`; the trace stays in `ProtocolCmCloseAf`.
    fn closing(&mut self) -> &mut Trace {
        let manager = self.manager;
        self.trace
            .called(CLIENT, Call::ClCloseAddressFamily { af: arg(client_af(1)) })
            .invoked(manager, Callback::CmCloseAf { af_context: CM_AF })
    }

    fn closed(&mut self, status: Status) -> &mut Trace {
        let manager = self.manager;
        self.trace.replied(manager, Ddi::ProtocolCmCloseAf, Reply::status(status)).returned(
            CLIENT,
            Ddi::NdisClCloseAddressFamily,
            status,
        )
    }

    fn complete_close(&mut self) -> &mut Trace {
        let (manager, status) = (self.manager, Status::SUCCESS);
        self.trace
            .called(manager, Call::CmCloseAddressFamilyComplete { status, af: arg(cm_af(1)) })
            .invoked(CLIENT, Callback::ClCloseAfComplete { status, af_context: CLIENT_AF })
            .replied(CLIENT, Ddi::ProtocolClCloseAfComplete, SUCCESS)
            .returned(manager, Ddi::NdisCmCloseAddressFamilyComplete, status)
    }

    /// The call manager calls `NdisCmNotifyCloseAddressFamily`; the trace stays in `ProtocolClNotifyCloseAf`.
    fn notifying(&mut self) -> &mut Trace {
        let manager = self.manager;
        self.trace
            .called(manager, Call::CmNotifyCloseAddressFamily { af: arg(cm_af(1)) })
            .invoked(CLIENT, Callback::ClNotifyCloseAf { af_context: CLIENT_AF })
    }

    fn notified(&mut self, status: Status) -> &mut Trace {
        let manager = self.manager;
        self.trace.replied(CLIENT, Ddi::ProtocolClNotifyCloseAf, Reply::status(status)).returned(
            manager,
            Ddi::NdisCmNotifyCloseAddressFamily,
            status,
        )
    }

    fn complete_notification(&mut self, status: Status) -> &mut Trace {
        let manager = self.manager;
        self.trace
            .called(CLIENT, Call::ClNotifyCloseAddressFamilyComplete { af: arg(client_af(1)), status })
            .invoked(manager, Callback::CmNotifyCloseAfComplete { af_context: CM_AF, status })
            .replied(manager, Ddi::ProtocolCmNotifyCloseAfComplete, SUCCESS)
            .returned(CLIENT, Ddi::NdisClNotifyCloseAddressFamilyComplete, Status::SUCCESS)
    }

    /// NDIS asks a protocol to unbind, which closes the adapter and is done.
    fn unbind(&mut self, driver: DriverId, pends: bool) -> &mut Story {
        let unbind_context = handle(HandleKind::UnbindContext, driver.0.into());
        let binding_context = context_of(driver);
        let status = if pends { Status::PENDING } else { Status::SUCCESS };
        self.job(Job::Unbind(BindingId(bind_id(driver))))
            .invoked(driver, Callback::UnbindAdapterEx { unbind_context, binding_context })
            .called(driver, Call::CloseAdapterEx { binding: arg(binding_handle(driver)) })
            .returned(driver, Ddi::NdisCloseAdapterEx, status)
            .replied(driver, Ddi::ProtocolUnbindAdapterEx, Reply::status(status))
            .ended();
        if pends {
            self.job(Job::CloseAdapterComplete(BindingId(bind_id(driver))))
                .invoked(driver, Callback::CloseAdapterCompleteEx { binding_context })
                .called(driver, Call::CompleteUnbindAdapterEx { unbind_context: arg(unbind_context) })
                .returned(driver, Ddi::NdisCompleteUnbindAdapterEx, Status::SUCCESS)
                .replied(driver, Ddi::ProtocolCloseAdapterCompleteEx, SUCCESS)
                .ended();
        }
        self
    }

    fn halt(&mut self) -> &mut Story {
        let callback =
            Callback::MiniportHaltEx { adapter_context: ADAPTER_CONTEXT, action: HaltAction::DeviceStopped };
        self.simple(Job::Halt(ADAPTER), MINIPORT, callback, SUCCESS)
    }

    /// The documented stop, with every address family closed.
    fn stop(&mut self) -> &mut Story {
        self.event(CLIENT, NetEvent::Pause).pause_miniport();
        if self.manager == CM {
            self.unbind(CM, false);
        }
        self.unbind(CLIENT, true).halt()
    }

    fn unload_miniport(&mut self) -> &mut Story {
        let callback = Callback::MiniportDriverUnload { driver: MINIPORT };
        self.simple(Job::Unload(MINIPORT), MINIPORT, callback, SUCCESS)
    }

    /// Changes one event, which must be there.
    fn change(mut self, mut edit: impl FnMut(&mut Event) -> bool) -> Story {
        let changed =
            self.trace.records.iter_mut().filter_map(|record| edit(&mut record.event).then_some(())).count();
        assert_eq!(changed, 1, "the story has the record once");
        self
    }

    /// Takes records out, one at least.
    fn without(mut self, taken: impl Fn(&Event) -> bool) -> Story {
        let before = self.trace.records.len();
        self.trace.records.retain(|record| !taken(&record.event));
        assert!(self.trace.records.len() < before, "the story has the record");
        self
    }

    fn rules_in(&self, order: StopOrder, ending: Ending) -> Vec<Rule> {
        audit(&self.trace.records, order, ending).iter().map(|found| found.violation.rule).collect()
    }

    /// What an audit finds, without what never came.
    fn rules(&self) -> Vec<Rule> {
        self.rules_in(StopOrder::Strict, Ending::Cut)
    }

    fn rules_at_rest(&self) -> Vec<Rule> {
        self.rules_in(StopOrder::Strict, Ending::AtRest)
    }
}

const MANAGERS: [DriverId; 2] = [CM, MINIPORT];

// ---- what is right ------------------------------------------------------------------------------------------------

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

// ---- completions --------------------------------------------------------------------------------------------------

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
    assert_eq!(story.rules(), [Rule::RegistrationNdisCopies]);
    assert!(documents(Ddi::NdisClCloseAddressFamily, Status::FAILURE));
    assert!(documents(Ddi::NdisCmNotifyCloseAddressFamily, Status::NOT_ACCEPTED), "any status");
    assert!(!documents(Ddi::NdisSetOptionalHandlers, Status::PENDING), "it never pends");
    assert!(!documents(Ddi::NdisMPauseComplete, Status::FAILURE), "it returns nothing");
}

// ---- causes and levels --------------------------------------------------------------------------------------------

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
    let paired: Vec<Ddi> = Ddi::ALL
        .iter()
        .filter(|&&ddi| Call::argument_names(ddi).is_some())
        .filter_map(|ddi| ddi.info().completed_by)
        .collect();
    for callback in [
        Ddi::ProtocolOpenAdapterCompleteEx,
        Ddi::ProtocolCloseAdapterCompleteEx,
        Ddi::ProtocolClOpenAfCompleteEx,
        Ddi::ProtocolClCloseAfComplete,
        Ddi::ProtocolCmNotifyCloseAfComplete,
    ] {
        assert!(paired.contains(&callback), "{callback}");
    }
    assert_eq!(paired.len(), 5);
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

// ---- registration -------------------------------------------------------------------------------------------------

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

// ---- binding ------------------------------------------------------------------------------------------------------

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
fn an_unbind_may_undo_a_bind_that_pends() {
    let mut story = Story::new(CM);
    story.load_miniport().initialize().load_protocol(CLIENT);
    let offer =
        Callback::BindAdapterEx { driver_context: Token(0), bind_context: bind_id(CLIENT), adapter: ADAPTER };
    story.simple(Job::Bind(CLIENT, ADAPTER), CLIENT, offer, PENDING);
    let unbind_context = handle(HandleKind::UnbindContext, 0);
    let undo = Callback::UnbindAdapterEx { unbind_context, binding_context: Token::NULL };
    story.simple(Job::Unbind(BindingId(bind_id(CLIENT))), CLIENT, undo, SUCCESS);
    let failed = Call::CompleteBindAdapterEx { bind_context: arg(bind_id(CLIENT)), status: Status::FAILURE };
    story.own_task().called(CLIENT, failed);
    story.trace.returned(CLIENT, Ddi::NdisCompleteBindAdapterEx, Status::SUCCESS);
    story.halt();
    assert_eq!(story.rules_at_rest(), []);
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

// ---- address families ---------------------------------------------------------------------------------------------

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
    story.opened(Reply { status: Status::PENDING, context: Token(0xBAD) });
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

// ---- the interface ------------------------------------------------------------------------------------------------

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
        Rule::RegistrationNdisCopies,
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
