//! The cost of the core alone, through `World::step`, without engine, driver or trace. `cargo bench -p condis --bench step`
//! prints the time of
//! - opening and closing an address family, which is five transitions: the open is called, its handle stored, its handler
//!   returned; the close is called, its handler returned;
//! - setting up a call on a new VC and taking it down, with 1, 1,000 and 100,000 active VCs in the world: eleven
//!   transitions;
//!
//! and, as the most bytes that are allocated at a time while `many_calls` makes so many, what a VC with its call takes.

use contract::{Ddi, Status};
use divan::{AllocProfiler, Bencher};
use model::block::{
    AddressFamily, Attributes, CallParameters, Characteristics, HandlerSet, Header, Media, OpenParameters,
    OptionalHandlers,
};
use model::{
    AdapterId, Call, Callback, Command, Config, DriverId, Handle, HandleArg, Input, Job, Notice,
    OutParameter, Reply, Step, StopOrder, Task, TaskId, Token, World,
};

const MCM: DriverId = DriverId(0);
const CLIENT: DriverId = DriverId(1);
const FAMILY: AddressFamily = AddressFamily { family: 8, major: 1, minor: 0 };

fn main() {
    divan::main();
}

/// Tells how much each benchmark allocates.
#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// Drivers that only do their duty, without an engine: each handler is a function of the callback.
struct Drivers {
    world: World,
    binding: Option<Handle>,
    protocol: Option<Handle>,
    miniport: Option<Handle>,
    af: Option<Handle>,
    manager_af: Option<Handle>,
    /// The VC that was created last: the client's handle, and the call manager's.
    vc: Option<Handle>,
    manager_vc: Option<Handle>,
    /// Every handler there is.
    all: HandlerSet,
}

fn header(object_type: u32, size: u16) -> Header {
    Header { object_type: object_type as u8, revision: 1, size }
}

impl Drivers {
    fn step(&mut self, task: &mut Task, input: Input) -> Step {
        self.world.step(task, input, &mut |_: Notice| {}).expect("these drivers are correct")
    }

    fn call(&mut self, task: &mut Task, driver: DriverId, call: Call) -> Status {
        let outer = task.driver.replace(driver);
        let status = self.follow(task, Input::Called(call));
        task.driver = outer;
        status
    }

    fn follow(&mut self, task: &mut Task, mut input: Input) -> Status {
        loop {
            match self.step(task, input) {
                Step::Return(status) => return status,
                Step::Publish(operation, result) => {
                    match result {
                        OutParameter::DriverHandle(handle) if task.driver == Some(MCM) => {
                            self.miniport = Some(handle);
                        }
                        OutParameter::DriverHandle(handle) => self.protocol = Some(handle),
                        OutParameter::Binding(handle, _) => self.binding = Some(handle),
                        OutParameter::AddressFamily(handle) => self.af = Some(handle),
                        OutParameter::Vc(handle) => self.vc = Some(handle),
                        other => unreachable!("these drivers get no {other:?}"),
                    }
                    input = Input::Resumed(operation);
                }
                Step::Invoke(operation, driver, callback) => {
                    let outer = (task.driver, task.handler);
                    (task.driver, task.handler) = (Some(driver), Some(callback.ddi()));
                    let reply = self.handle(task, driver, callback);
                    (task.driver, task.handler) = outer;
                    input = Input::Returned(operation, reply);
                }
                Step::Wait(..) => unreachable!("nobody deregisters here"),
            }
        }
    }

    fn handle(&mut self, task: &mut Task, driver: DriverId, callback: Callback) -> Reply {
        let all = self.all;
        let characteristics = |object_type, size| Characteristics {
            header: header(object_type, size),
            major: 6,
            minor: 20,
            flags: 0,
            handlers: all,
        };
        let table = |object_type, size| OptionalHandlers {
            header: header(object_type, size),
            handlers: all,
            shared_oid_handler: false,
        };
        match callback {
            Callback::DriverEntry { .. } if driver == MCM => {
                let call = Call::MRegisterMiniportDriver {
                    driver_context: Token(1),
                    characteristics: characteristics(138, 136),
                };
                assert_eq!(self.call(task, driver, call), Status::SUCCESS);
            }
            Callback::DriverEntry { .. } => {
                let call = Call::RegisterProtocolDriver {
                    driver_context: Token(2),
                    characteristics: characteristics(149, 120),
                };
                assert_eq!(self.call(task, driver, call), Status::SUCCESS);
            }
            Callback::MiniportSetOptions { driver: handle, .. } => {
                for (object_type, size) in [(145, 56), (165, 144)] {
                    let handlers = table(object_type, size);
                    self.call(task, driver, Call::SetOptionalHandlers { handle: handle.into(), handlers });
                }
            }
            Callback::ProtocolSetOptions { protocol, .. } => {
                for (object_type, size) in [(144, 40), (166, 160)] {
                    let handlers = table(object_type, size);
                    self.call(task, driver, Call::SetOptionalHandlers { handle: protocol.into(), handlers });
                }
            }
            Callback::MiniportInitializeEx { adapter, .. } => {
                for object_type in [158, 159] {
                    let attributes =
                        Attributes { header: header(object_type, 8), context: Token(3), flags: 0, medium: 0 };
                    let call = Call::MSetMiniportAttributes { adapter: adapter.into(), attributes };
                    assert_eq!(self.call(task, driver, call), Status::SUCCESS);
                }
                let call = Call::MCmRegisterAddressFamilyEx { adapter: adapter.into(), family: FAMILY };
                assert_eq!(self.call(task, driver, call), Status::SUCCESS);
            }
            Callback::BindAdapterEx { bind_context, .. } => {
                let parameters = OpenParameters {
                    header: header(135, 56),
                    names_bound_adapter: true,
                    media: Media::new(&[0]).expect("one medium"),
                    frame_types: 0,
                };
                let call = Call::OpenAdapterEx {
                    protocol: HandleArg::Known(self.protocol.expect("registered")),
                    binding_context: Token(4),
                    parameters,
                    bind_context: bind_context.into(),
                };
                assert_eq!(self.call(task, driver, call), Status::SUCCESS);
            }
            Callback::CmOpenAf { af, .. } => {
                self.manager_af = Some(af);
                return Reply::status(Status::SUCCESS).with_context(Token(5));
            }
            Callback::CoCreateVc { vc, .. } => {
                self.manager_vc = Some(vc);
                return Reply::status(Status::SUCCESS).with_context(Token(7));
            }
            Callback::CmMakeCall { parameters, .. } => {
                let vc = HandleArg::Known(self.manager_vc.expect("created"));
                let call = Call::MCmActivateVc { vc, parameters };
                assert_eq!(self.call(task, driver, call), Status::SUCCESS);
            }
            Callback::CmCloseCall { .. } => {
                let vc = HandleArg::Known(self.manager_vc.expect("created"));
                assert_eq!(self.call(task, driver, Call::MCmDeactivateVc { vc }), Status::SUCCESS);
            }
            _ => {}
        }
        Reply::VOID
    }

    /// An adapter of an MCM with a client bound to it.
    fn started() -> (Drivers, Task) {
        let world = World::new(Config {
            drivers: 2,
            adapters: vec![MCM],
            stop_order: StopOrder::Strict,
            pend_open: false,
            pend_close: false,
            pend_mcm: false,
        });
        let mut drivers = Drivers {
            world,
            binding: None,
            protocol: None,
            miniport: None,
            af: None,
            manager_af: None,
            vc: None,
            manager_vc: None,
            all: Ddi::ALL.iter().copied().collect(),
        };
        let mut environment = Task::new(TaskId::ENVIRONMENT);
        let commands = [Command::Load(MCM), Command::Load(CLIENT), Command::Start(AdapterId(0))];
        for command in commands {
            drivers.step(&mut environment, Input::Commanded(command));
        }
        loop {
            let mut jobs: Vec<Job> = Vec::new();
            drivers.world.jobs(&mut jobs);
            let Some(&job) = jobs.first() else { break };
            let mut task = Task::new(environment.child());
            drivers.follow(&mut task, Input::Start(job));
        }
        assert!(drivers.binding.is_some(), "the client is bound");
        let mut task = Task::new(environment.child());
        task.handler = Some(Ddi::ProtocolCoAfRegisterNotify);
        (drivers, task)
    }

    fn open(&mut self, task: &mut Task) -> Status {
        let binding = HandleArg::Known(self.binding.expect("bound"));
        let call = Call::ClOpenAddressFamilyEx { binding, family: FAMILY, af_context: Token(6) };
        self.call(task, CLIENT, call)
    }

    /// The same with an address family open and so many calls on it.
    fn with_calls(calls: usize) -> (Drivers, Task) {
        let (mut drivers, mut task) = Drivers::started();
        assert_eq!(drivers.open(&mut task), Status::SUCCESS);
        for _ in 0..calls {
            drivers.make_call(&mut task);
        }
        (drivers, task)
    }

    /// Creates a VC and makes a call on it.
    fn make_call(&mut self, task: &mut Task) {
        let call = Call::CoCreateVc {
            binding: HandleArg::Known(self.binding.expect("bound")),
            af: HandleArg::Known(self.af.expect("opened")),
            vc_context: Token(8),
            vc: HandleArg::Null,
        };
        assert_eq!(self.call(task, CLIENT, call), Status::SUCCESS);
        let vc = HandleArg::Known(self.vc.expect("created"));
        let parameters = CallParameters { address: Token(9), transmit: 64_000, ..CallParameters::NULL };
        let call = Call::ClMakeCall { vc, parameters, party_context: Token::NULL };
        assert_eq!(self.call(task, CLIENT, call), Status::SUCCESS);
    }

    /// Closes the call that was made last and deletes its VC.
    fn end_call(&mut self, task: &mut Task) {
        let vc = HandleArg::Known(self.vc.expect("created"));
        let close = Call::ClCloseCall { vc, party: HandleArg::Null, data: Token::NULL, size: 0 };
        assert_eq!(self.call(task, CLIENT, close), Status::SUCCESS);
        assert_eq!(self.call(task, CLIENT, Call::CoDeleteVc { vc }), Status::SUCCESS);
    }

    fn close(&mut self, task: &mut Task) -> Status {
        let af = HandleArg::Known(self.af.expect("opened"));
        self.call(task, CLIENT, Call::ClCloseAddressFamily { af })
    }
}

/// Open and close, both answered at once.
#[divan::bench]
fn open_and_close(bencher: Bencher<'_, '_>) {
    let (mut drivers, mut task) = Drivers::started();
    bencher.bench_local(|| {
        assert_eq!(drivers.open(&mut task), Status::SUCCESS);
        assert_eq!(drivers.close(&mut task), Status::SUCCESS);
    });
}

/// What the engine asks at every scheduling point: what NDIS may start now.
#[divan::bench]
fn jobs_at_rest(bencher: Bencher<'_, '_>) {
    let (drivers, _) = Drivers::started();
    let mut jobs: Vec<Job> = Vec::with_capacity(16);
    bencher.bench_local(|| {
        jobs.clear();
        drivers.world.jobs(&mut jobs);
        jobs.len()
    });
}

/// A call on a new VC, made and closed again, beside so many others.
#[divan::bench(args = [1, 1_000, 100_000])]
fn call_on_a_new_vc(bencher: Bencher<'_, '_>, vcs: usize) {
    let (mut drivers, mut task) = Drivers::with_calls(vcs);
    bencher.bench_local(|| {
        drivers.make_call(&mut task);
        drivers.end_call(&mut task);
    });
}

/// What the engine asks at every scheduling point, beside so many active VCs.
#[divan::bench(args = [1, 1_000, 100_000])]
fn jobs_with_calls(bencher: Bencher<'_, '_>, vcs: usize) {
    let (drivers, _) = Drivers::with_calls(vcs);
    let mut jobs: Vec<Job> = Vec::with_capacity(16);
    bencher.bench_local(|| {
        jobs.clear();
        drivers.world.jobs(&mut jobs);
        jobs.len()
    });
}

/// So many VCs with a call on each: the most that is allocated, divided by their number, is what one takes.
#[divan::bench(args = [1, 1_000, 100_000], sample_count = 1, sample_size = 1)]
fn many_calls(vcs: usize) -> impl Sized {
    Drivers::with_calls(vcs)
}
