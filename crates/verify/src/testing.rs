//! Hand-built traces for the tests of this crate.

use alloc::vec;
use alloc::vec::Vec;
use contract::{Ddi, MaxIrql, Status};
use model::block::AddressFamily;
use model::record::{Event, Irql, KernelCall, Operation, Record, TaskNumber};
use model::{
    AdapterId, Call, Callback, Config, DriverId, Handle, HandleArg, HandleKind, Input, Job, Notice,
    OutParameter, Reply, Step, StopOrder, Task, TaskId, World,
};

pub(crate) const CLIENT: DriverId = DriverId(0);
pub(crate) const CM: DriverId = DriverId(1);
pub(crate) const MINIPORT: DriverId = DriverId(2);
pub(crate) const OTHER: DriverId = DriverId(3);

pub(crate) const FAMILY: AddressFamily = AddressFamily { family: 1, major: 3, minor: 1 };

/// A handle, told apart by its kind and number. Only NDIS makes handles, so a world that starts an adapter makes it.
pub(crate) fn handle(kind: HandleKind, count: u32) -> Handle {
    let mut world = World::new(Config {
        drivers: 1,
        adapters: vec![DriverId(0)],
        stop_order: StopOrder::Strict,
        pend_open: false,
        pend_close: false,
        pend_mcm: false,
    });
    let mut task = Task { made: count, ..Task::new(TaskId::ENVIRONMENT) };
    let step = world.step(&mut task, Input::Start(Job::Initialize(AdapterId(0))), &mut |_: Notice| {});
    match step {
        Ok(Step::Invoke(_, _, Callback::MiniportInitializeEx { adapter, .. })) => {
            let mut handle = adapter;
            handle.kind = kind;
            handle
        }
        other => panic!("an adapter's start calls its miniport, not {other:?}"),
    }
}

pub(crate) fn client_af(count: u32) -> Handle {
    handle(HandleKind::ClientAf, count)
}

pub(crate) fn cm_af(count: u32) -> Handle {
    handle(HandleKind::CallManagerAf, count)
}

/// The client's `NdisBindingHandle`.
pub(crate) fn binding() -> Handle {
    handle(HandleKind::Binding, 100)
}

pub(crate) fn arg(handle: Handle) -> HandleArg {
    HandleArg::Known(handle)
}

/// A trace that grows record by record, on one task and at one level until told otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) records: Vec<Record>,
    task: TaskNumber,
    irql: Irql,
}

impl Trace {
    pub(crate) fn new() -> Trace {
        Trace { records: Vec::new(), task: TaskNumber(1), irql: Irql::PASSIVE }
    }

    pub(crate) fn task(&mut self, number: u16) -> &mut Trace {
        self.task = TaskNumber(number);
        self
    }

    pub(crate) fn irql(&mut self, irql: Irql) -> &mut Trace {
        self.irql = irql;
        self
    }

    pub(crate) fn event(&mut self, event: Event) -> &mut Trace {
        let Trace { task, irql, .. } = *self;
        self.records.push(Record { task, processor: 0, irql, depth: 0, time: 0, site: None, event });
        self
    }

    pub(crate) fn started(&mut self, job: Job) -> &mut Trace {
        self.event(Event::Started(job))
    }

    pub(crate) fn ended(&mut self) -> &mut Trace {
        self.event(Event::Ended)
    }

    pub(crate) fn called(&mut self, driver: DriverId, call: Call) -> &mut Trace {
        self.event(Event::Called(driver, call))
    }

    pub(crate) fn published(&mut self, driver: DriverId, out: OutParameter) -> &mut Trace {
        self.event(Event::Published(driver, out))
    }

    pub(crate) fn returned(&mut self, driver: DriverId, ddi: Ddi, status: Status) -> &mut Trace {
        self.event(Event::Returned(driver, ddi, status))
    }

    pub(crate) fn invoked(&mut self, driver: DriverId, callback: Callback) -> &mut Trace {
        self.event(Event::Invoked(driver, callback))
    }

    pub(crate) fn replied(&mut self, driver: DriverId, ddi: Ddi, reply: Reply) -> &mut Trace {
        self.event(Event::Replied(driver, ddi, reply))
    }

    pub(crate) fn kernel(&mut self, driver: DriverId, operation: Operation, max_irql: MaxIrql) -> &mut Trace {
        self.event(Event::Kernel(driver, KernelCall { routine: "KeRoutine", max_irql, operation }))
    }
}
