//! Drivers that do anything at all: whatever they call, with whatever handle, in whatever order, the core answers with
//! a step or a violation, never with a panic, and a violation leaves the world as it was.

use contract::{Ddi, Status};
use model::block::{
    AddressFamily, Attributes, Characteristics, HandlerSet, Header, Media, OpenParameters, OptionalHandlers,
};
use model::*;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// A task: the handlers and calls on its stack, innermost last.
struct Running {
    task: Task,
    stack: Vec<OpId>,
    saved: Vec<Task>,
    /// How many calls each handler on the stack has made.
    done: Vec<usize>,
    waits: Option<(OpId, Condition)>,
}

struct Play {
    world: World,
    tasks: Vec<Running>,
    environment: Task,
    handles: Vec<HandleArg>,
    random: Random,
    violations: usize,
    closed: usize,
    /// Every edge that an object took: its machine in the contract, from, to.
    edges: BTreeSet<(Option<&'static str>, &'static str, &'static str)>,
    /// One call in so many is any at all.
    wild: usize,
    /// How many calls the handler that runs has made.
    done: usize,
}

const DRIVERS: u8 = 4;

fn everything() -> HandlerSet {
    Ddi::ALL.iter().copied().collect()
}

fn hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

impl Play {
    fn new(seed: u64) -> Play {
        let mut random = Random(seed);
        let config = Config {
            drivers: DRIVERS,
            adapters: vec![DriverId(0), DriverId(1)],
            stop_order: random.of(&[StopOrder::Strict, StopOrder::Overlapped]),
            pend_open: random.one_in(2),
            pend_close: random.one_in(2),
        };
        Play {
            world: World::new(config),
            tasks: Vec::new(),
            environment: Task::new(TaskId::ENVIRONMENT),
            handles: vec![HandleArg::Null, HandleArg::Unknown(0x1234)],
            random,
            violations: 0,
            closed: 0,
            edges: BTreeSet::new(),
            wild: if seed.is_multiple_of(2) { 4 } else { 40 },
            done: 0,
        }
    }

    fn status(&mut self) -> Status {
        match self.random.below(20) {
            0..14 => Status::SUCCESS,
            14..18 => Status::PENDING,
            18 => Status::FAILURE,
            _ => Status::NOT_ACCEPTED,
        }
    }

    fn handle(&mut self, kind: HandleKind) -> HandleArg {
        if self.random.one_in(self.wild * 3) {
            let all = self.handles.clone();
            return self.random.of(&all);
        }
        let fitting = |arg: &&HandleArg| matches!(arg, HandleArg::Known(handle) if handle.kind == kind);
        let of_kind: Vec<HandleArg> = self.handles.iter().rev().filter(fitting).take(2).copied().collect();
        if of_kind.is_empty() { HandleArg::Null } else { self.random.of(&of_kind) }
    }

    /// Which call comes next: mostly one that fits the handler, so that the play gets far, and else any.
    fn likely(&mut self, driver: DriverId, handler: Option<Ddi>) -> usize {
        let fitting: &[usize] = match handler {
            Some(Ddi::DriverEntry) if driver.0 < 2 => &[2],
            Some(Ddi::DriverEntry) => &[0],
            Some(Ddi::ProtocolSetOptions | Ddi::MiniportSetOptions) => &[4, 4, 4],
            Some(Ddi::MiniportInitializeEx) => &[5, 5, 17],
            Some(Ddi::ProtocolBindAdapterEx) => &[6, 16],
            Some(Ddi::ProtocolCoAfRegisterNotify) => &[18],
            Some(Ddi::ProtocolUnbindAdapterEx) => &[20, 22, 7],
            Some(Ddi::ProtocolClNotifyCloseAf | Ddi::ProtocolClOpenAfCompleteEx) => &[20, 23],
            _ => &[19, 20, 21, 22, 23],
        };
        if self.random.one_in(self.wild) { self.random.below(24) } else { fitting[self.done % fitting.len()] }
    }

    fn call(&mut self, driver: DriverId, handler: Option<Ddi>) -> Call {
        let token = Token(self.random.below(3) as u64);
        let family = AddressFamily { family: u32::from(self.random.one_in(6)), major: 1, minor: 0 };
        let status = self.status();
        let mut characteristics = Characteristics {
            header: Header { object_type: 149, revision: 1, size: 120 },
            major: 6,
            minor: 20,
            flags: 0,
            handlers: everything(),
        };
        if self.random.one_in(self.wild * 2) {
            characteristics.header.size = self.random.below(200) as u16;
        }
        let miniport = Characteristics {
            header: Header { object_type: 138, revision: 1, size: 136 },
            ..characteristics
        };
        let object_type = match driver.0 {
            _ if self.random.one_in(self.wild) => self.random.of(&[144, 145, 165, 166, 99]),
            0..2 => [145, 165, 165][self.done % 3],
            2 => [144, 165, 166][self.done % 3],
            _ => [144, 166, 166][self.done % 3],
        };
        let handlers = OptionalHandlers {
            header: Header { object_type, revision: 1, size: 160 },
            handlers: everything(),
            shared_oid_handler: self.random.one_in(self.wild * 2),
        };
        let attributes = Attributes {
            header: Header {
                object_type: if self.random.one_in(self.wild) { 160 } else { [158, 159][self.done % 2] },
                revision: 1,
                size: 8,
            },
            context: token,
            flags: 0,
            medium: 0,
        };
        let parameters = OpenParameters {
            header: Header { object_type: 135, revision: 1, size: 56 },
            names_bound_adapter: !self.random.one_in(self.wild * 2),
            media: Media::new(&[0]).unwrap(),
            frame_types: 0,
        };
        match self.likely(driver, handler) {
            0 => Call::RegisterProtocolDriver { driver_context: token, characteristics },
            1 => Call::DeregisterProtocolDriver { protocol: self.handle(HandleKind::ProtocolDriver) },
            2 => Call::MRegisterMiniportDriver { driver_context: token, characteristics: miniport },
            3 => Call::MDeregisterMiniportDriver { driver: self.handle(HandleKind::MiniportDriver) },
            4 => {
                let kind = self.random.of(&[
                    HandleKind::ProtocolDriver,
                    HandleKind::MiniportDriver,
                    HandleKind::Binding,
                ]);
                Call::SetOptionalHandlers { handle: self.handle(kind), handlers }
            }
            5 => Call::MSetMiniportAttributes { adapter: self.handle(HandleKind::Adapter), attributes },
            6 => Call::OpenAdapterEx {
                protocol: self.handle(HandleKind::ProtocolDriver),
                binding_context: token,
                parameters,
                bind_context: self.handle(HandleKind::BindContext),
            },
            7 => Call::CloseAdapterEx { binding: self.handle(HandleKind::Binding) },
            8 => Call::CompleteBindAdapterEx { bind_context: self.handle(HandleKind::BindContext), status },
            9 => Call::CompleteUnbindAdapterEx { unbind_context: self.handle(HandleKind::UnbindContext) },
            10 => Call::UnbindAdapter { binding: self.handle(HandleKind::Binding) },
            11 => Call::ReEnumerateProtocolBindings { protocol: self.handle(HandleKind::ProtocolDriver) },
            12 => Call::CompleteNetPnPEvent {
                binding: self.handle(HandleKind::Binding),
                event: self.handle(HandleKind::PnpEvent),
                status,
            },
            13 => Call::MPauseComplete { adapter: self.handle(HandleKind::Adapter) },
            14 => Call::MRestartComplete { adapter: self.handle(HandleKind::Adapter), status },
            15 => Call::MRemoveMiniport { adapter: self.handle(HandleKind::Adapter) },
            16 => Call::CmRegisterAddressFamilyEx { binding: self.handle(HandleKind::Binding), family },
            17 => Call::MCmRegisterAddressFamilyEx { adapter: self.handle(HandleKind::Adapter), family },
            18 => Call::ClOpenAddressFamilyEx {
                binding: self.handle(HandleKind::Binding),
                family,
                af_context: token,
            },
            19 => Call::CmOpenAddressFamilyComplete {
                status,
                af: self.handle(HandleKind::CallManagerAf),
                af_context: token,
            },
            20 => Call::ClCloseAddressFamily { af: self.handle(HandleKind::ClientAf) },
            21 => Call::CmCloseAddressFamilyComplete {
                status: Status::SUCCESS,
                af: self.handle(HandleKind::CallManagerAf),
            },
            22 => Call::CmNotifyCloseAddressFamily { af: self.handle(HandleKind::CallManagerAf) },
            _ => Call::ClNotifyCloseAddressFamilyComplete { af: self.handle(HandleKind::ClientAf), status },
        }
    }

    fn command(&mut self) -> Command {
        let driver = DriverId(self.random.below(DRIVERS as usize) as u8);
        let adapter = AdapterId(self.random.below(2) as u8);
        match self.random.below(64) {
            0..20 => Command::Load(driver),
            20..50 => Command::Start(adapter),
            50..52 => Command::Stop(adapter),
            52 => Command::SurpriseRemove(adapter),
            53 => Command::SetPower(adapter, self.random.of(&[Power::D0, Power::D3])),
            54..57 => Command::Unbind(driver, adapter),
            57..60 => Command::Bind(driver, adapter),
            60..62 => Command::NetPnPEvent(driver, adapter, NetEvent::Reconfigure),
            62 => Command::Uninstall(driver),
            _ => Command::Unload(driver),
        }
    }

    /// Feeds one input, and follows what it leads to up to the next choice.
    fn feed(&mut self, index: usize, mut input: Input) {
        loop {
            let before = self.world.clone();
            let running = &mut self.tasks[index];
            let made = running.task.made;
            let closed = &mut self.closed;
            let edges = &mut self.edges;
            let mut log = |notice: Notice| {
                if let Notice::Edge(object, from, to) = notice {
                    edges.insert((machine_of(object), from, to));
                }
                *closed += usize::from(matches!(notice, Notice::Edge(Object::Af(_), "closing", "closed")));
            };
            let step = self.world.step(&mut running.task, input, &mut log);
            match step {
                Err(_) => {
                    self.violations += 1;
                    assert_eq!(before, self.world, "a violation changed the world: {input:?}");
                    assert_eq!(hash(&before), hash(&self.world));
                    assert_eq!(made, running.task.made, "a violation made a handle: {input:?}");
                    return;
                }
                Ok(Step::Return(_)) => {
                    // A call that had invoked a handler returns to the driver that made it.
                    return;
                }
                Ok(Step::Publish(id, out)) => {
                    self.handles.push(match out {
                        OutParameter::DriverHandle(handle)
                        | OutParameter::Binding(handle, _)
                        | OutParameter::AddressFamily(handle) => HandleArg::Known(handle),
                        _ => unimplemented!("TEMPORARY"),
                    });
                    input = Input::Resumed(id);
                }
                Ok(Step::Invoke(id, driver, callback)) => {
                    callback.each_argument(|_, value| {
                        if let Value::Handle(handle @ HandleArg::Known(_)) = value {
                            self.handles.push(handle);
                        }
                    });
                    running.saved.push(running.task);
                    running.stack.push(id);
                    running.done.push(0);
                    running.task.driver = Some(driver);
                    running.task.handler = Some(callback.ddi());
                    running.task.within.insert(callback.ddi());
                    return;
                }
                Ok(Step::Wait(id, condition)) => {
                    running.waits = Some((id, condition));
                    return;
                }
            }
        }
    }

    fn turn(&mut self) {
        if self.random.one_in(self.wild * 2) || self.tasks.is_empty() {
            let command = self.command();
            let mut sink = |_: Notice| {};
            self.world.step(&mut self.environment, Input::Commanded(command), &mut sink).unwrap();
        }
        let mut jobs = Vec::new();
        self.world.jobs(&mut jobs);
        self.world.pending();
        if !jobs.is_empty() && self.random.one_in(3) {
            let job = self.random.of(&jobs);
            let id = self.environment.child();
            let task = Task::new(id);
            self.tasks.push(Running {
                task,
                stack: Vec::new(),
                saved: Vec::new(),
                done: Vec::new(),
                waits: None,
            });
            self.feed(self.tasks.len() - 1, Input::Start(job));
        }
        if self.tasks.is_empty() {
            return;
        }
        let index = self.random.below(self.tasks.len());
        let running = &mut self.tasks[index];
        if let Some((id, condition)) = running.waits {
            if self.world.holds(condition) {
                running.waits = None;
                self.feed(index, Input::Resumed(id));
            }
        } else if running.stack.is_empty() {
            self.tasks.swap_remove(index);
        } else if self.random.one_in(6) || running.done.last() == Some(&3) {
            let starts = [
                Ddi::DriverEntry,
                Ddi::ProtocolSetOptions,
                Ddi::MiniportSetOptions,
                Ddi::MiniportInitializeEx,
                Ddi::ProtocolBindAdapterEx,
            ];
            let tame = running.task.handler.is_some_and(|handler| starts.contains(&handler));
            let status = if tame && !self.random.one_in(self.wild) { Status::SUCCESS } else { self.status() };
            let context = Token(self.random.below(2) as u64);
            let running = &mut self.tasks[index];
            let id = *running.stack.last().unwrap();
            let inner = running.task;
            let outer = *running.saved.last().unwrap();
            running.task = Task { made: inner.made, ..outer };
            let before = self.violations;
            // The stack shrinks only if the return was let through.
            let (stack, saved, done) = (running.stack.pop(), running.saved.pop(), running.done.pop());
            self.feed(
                index,
                Input::Returned(
                    id,
                    Reply { status, context, parameters: model::block::CallParameters::NULL },
                ),
            );
            if self.violations > before {
                let running = &mut self.tasks[index];
                running.stack.push(stack.unwrap());
                running.saved.push(saved.unwrap());
                running.done.push(done.unwrap());
                running.task = inner;
            }
        } else {
            running.task.raised = self.random.one_in(5);
            let (driver, handler) = (running.task.driver.expect("a handler runs"), running.task.handler);
            let done = running.done.last_mut().expect("a handler runs");
            self.done = *done;
            *done += 1;
            let call = self.call(driver, handler);
            // A call from deep down would nest without end.
            if self.tasks[index].stack.len() < 12 {
                self.feed(index, Input::Called(call));
            }
        }
    }
}

/// The state machine of the contract that an object follows, if it has just one.
fn machine_of(object: Object) -> Option<&'static str> {
    match object {
        // Loading and the two registrations of a driver are one machine in the contract, and three fields here.
        Object::Driver(_) => None,
        Object::Adapter(_) => Some("adapter"),
        Object::Binding(_) => Some("binding-state"),
        Object::Registration(_) => Some("af-registered"),
        Object::Af(_) => Some("af-open"),
        _ => unimplemented!("TEMPORARY"),
    }
}

/// The contract's word for a state. It has none for an open that failed: the object is gone.
fn contract_state(state: &'static str) -> &'static str {
    if state == "failed" { "none" } else { state }
}

#[test]
fn anything_goes() {
    let (mut violations, mut closed, mut edges) = (0, 0, BTreeSet::new());
    for seed in 0..1800 {
        let mut play = Play::new(seed);
        for _ in 0..1500 {
            play.turn();
        }
        violations += play.violations;
        closed += play.closed;
        edges.append(&mut play.edges);
    }
    assert!(edges.len() > 25, "objects took only {} edges", edges.len());
    for (machine, from, to) in edges {
        let Some(machine) = machine else { continue };
        let machine = contract::StateMachine::find(machine).expect("the contract has it");
        let (from, to) = (contract_state(from), contract_state(to));
        let listed = machine.transitions.iter().any(|edge| edge.from == from && edge.to == to);
        assert!(listed, "the contract's machine {} has no way from {from} to {to}", machine.id);
    }
    assert!(violations > 1000, "hostile drivers broke only {violations} rules");
    assert!(closed > 10, "only {closed} address families were closed: the test reaches too little");
    println!("{violations} violations, {closed} closes");
}
