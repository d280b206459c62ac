//! A correct execution is told by a `Story`; each test changes it until NDIS has done something wrong.

mod afs;
mod bindings;
mod calls;
mod connections;
mod general;
mod parties;
mod saps;
mod vcs;

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
        story.opened(Reply::status(Status::SUCCESS).with_context(CM_AF));
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
