//! Drivers that do anything at all: whatever they call, with whatever handle, in whatever order, the core answers with
//! a step or a violation, never with a panic, and a violation leaves the world as it was.

use contract::{Ddi, Status};
use model::block::{
    AddressFamily, Attributes, CallParameters, Characteristics, HandlerSet, Header, Media, Name,
    OpenParameters, OptionalHandlers, Sap,
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
    /// Which drivers got them.
    owners: Vec<Option<DriverId>>,
    /// The driver that makes the next call.
    who: DriverId,
    random: Random,
    violations: usize,
    closed: usize,
    /// Whether the second adapter's miniport is none with a call manager in it.
    standalone: bool,
    /// Every edge that an object took: its machine in the contract, from, to.
    edges: BTreeSet<(Option<&'static str>, &'static str, &'static str)>,
    /// One call in so many is any at all.
    wild: usize,
    /// How many calls the handler that runs has made.
    done: usize,
    /// Whether drivers start in good order first, and then make calls of the areas sap, vc, call and party.
    calls: bool,
    /// Whether they have started.
    started: bool,
}

const DRIVERS: u8 = 4;

/// What a driver is likely to call from a handler of a call.
fn answers(handler: Ddi) -> &'static [usize] {
    match handler {
        Ddi::ProtocolClOpenAfCompleteEx => &[24, 28, 41],
        Ddi::ProtocolClRegisterSapComplete
        | Ddi::ProtocolClMakeCallComplete
        | Ddi::ProtocolClAddPartyComplete
        | Ddi::ProtocolClModifyCallQoSComplete
        | Ddi::ProtocolClCallConnected => &[42, 52, 53, 43],
        Ddi::ProtocolClIncomingCloseCall | Ddi::ProtocolClIncomingDropParty => &[53, 43],
        Ddi::ProtocolClCloseCallComplete => &[29, 41],
        Ddi::ProtocolCmRegisterSap | Ddi::ProtocolCmIncomingCallComplete => &[30, 33, 47, 48],
        Ddi::ProtocolCmMakeCall => &[33, 45, 50],
        Ddi::ProtocolCmCloseCall | Ddi::ProtocolCmDeactivateVcComplete => &[35, 46, 31],
        Ddi::ProtocolCmModifyCallQoS => &[33, 51, 49],
        Ddi::MiniportCoActivateVc => &[37],
        Ddi::MiniportCoDeactivateVc => &[38],
        _ => &[24, 28],
    }
}

fn everything() -> HandlerSet {
    Ddi::ALL.iter().copied().collect()
}

fn hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

impl Play {
    fn new(seed: u64, calls: bool) -> Play {
        let mut random = Random(seed);
        let config = Config {
            drivers: DRIVERS,
            adapters: vec![DriverId(0), DriverId(1)],
            stop_order: random.of(&[StopOrder::Strict, StopOrder::Overlapped]),
            pend_open: !calls && random.one_in(2),
            pend_close: random.one_in(2),
            pend_mcm: seed.is_multiple_of(3),
        };
        Play {
            world: World::new(config),
            tasks: Vec::new(),
            environment: Task::new(TaskId::ENVIRONMENT),
            handles: vec![HandleArg::Null, HandleArg::Unknown(0x1234)],
            owners: vec![None, None],
            who: DriverId(0),
            random,
            violations: 0,
            closed: 0,
            standalone: seed % 4 < 2,
            edges: BTreeSet::new(),
            wild: if calls {
                1_000_000
            } else if seed.is_multiple_of(2) {
                4
            } else {
                40
            },
            done: 0,
            calls,
            started: !calls,
        }
    }

    /// The drivers have started: each gets a few tasks of its own, and from now on they do what they like.
    fn start(&mut self) {
        (self.started, self.wild) = (true, self.random.of(&[12, 60]));
        for driver in (0..DRIVERS).chain(0..DRIVERS) {
            let id = self.environment.child();
            let task = Task { driver: Some(DriverId(driver)), ..Task::new(id) };
            let running = Running { task, stack: Vec::new(), saved: Vec::new(), done: vec![0], waits: None };
            self.tasks.push(running);
        }
    }

    fn status(&mut self) -> Status {
        if !self.started {
            return Status::SUCCESS;
        }
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
        let (calls, who) = (self.calls, self.who);
        let fitting = |(arg, owner): &(&HandleArg, &Option<DriverId>)| {
            matches!(arg, HandleArg::Known(handle) if handle.kind == kind) && (!calls || **owner == Some(who))
        };
        let all = self.handles.iter().zip(&self.owners).rev();
        let recent = match (self.started, calls) {
            (false, _) => 1,
            (true, false) => 2,
            (true, true) => 4,
        };
        let of_kind: Vec<HandleArg> = all.filter(fitting).take(recent).map(|(arg, _)| *arg).collect();
        if of_kind.is_empty() { HandleArg::Null } else { self.random.of(&of_kind) }
    }

    /// Which call comes next: mostly one that fits the handler, so that the play gets far, and else any.
    fn likely(&mut self, driver: DriverId, handler: Option<Ddi>) -> usize {
        let fitting: &[usize] = match handler {
            Some(Ddi::DriverEntry) if driver.0 < 2 => &[2],
            Some(Ddi::DriverEntry) => &[0],
            Some(Ddi::ProtocolSetOptions | Ddi::MiniportSetOptions) => &[4, 4, 4],
            Some(Ddi::MiniportInitializeEx) if self.standalone && driver.0 == 1 => &[5],
            Some(Ddi::MiniportInitializeEx) => &[5, 5, 17],
            Some(Ddi::ProtocolBindAdapterEx) => &[6, 16],
            Some(Ddi::ProtocolCoAfRegisterNotify) => &[18],
            Some(Ddi::ProtocolUnbindAdapterEx) => &[20, 22, 7],
            Some(Ddi::ProtocolClNotifyCloseAf) => &[20, 23],
            Some(Ddi::ProtocolClOpenAfCompleteEx) if !self.calls => &[20, 23],
            Some(handler) if self.calls && self.random.one_in(2) => answers(handler),
            _ if self.calls => return 24 + self.random.below(34),
            _ => &[19, 20, 21, 22, 23],
        };
        if self.random.one_in(self.wild) { self.random.below(58) } else { fitting[self.done % fitting.len()] }
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
            1 if self.standalone => 145,
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
                let kinds = [HandleKind::MiniportDriver, HandleKind::ProtocolDriver, HandleKind::Binding];
                let kind =
                    if self.started { self.random.of(&kinds) } else { kinds[usize::from(driver.0 >= 2)] };
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
            23 => Call::ClNotifyCloseAddressFamilyComplete { af: self.handle(HandleKind::ClientAf), status },
            other => self.call_of_calls(other, driver, token, status),
        }
    }

    fn parameters(&mut self) -> CallParameters {
        CallParameters {
            address: Token(u64::from(!self.random.one_in(self.wild))),
            flags: self.random.of(&[0, 0, 0, 2]),
            transmit: self.random.below(2) as u32,
            media_flags: self.random.of(&[0, 0x80]),
            ..CallParameters::NULL
        }
    }

    /// A call of the areas sap, vc, call and party.
    fn call_of_calls(&mut self, which: usize, driver: DriverId, token: Token, status: Status) -> Call {
        let specification =
            Sap { address: Token(1), sap_type: 0, length: 4, value: self.random.below(2) as u64 };
        let parameters = self.parameters();
        let party_context = Token(self.random.below(2) as u64);
        let size = u32::from(self.random.one_in(self.wild));
        let held = if self.random.one_in(self.wild) { HandleArg::Unknown(7) } else { HandleArg::Null };
        let side = if driver.0 == 3 || self.random.one_in(4) {
            (HandleKind::ClientAf, HandleKind::ClientVc)
        } else {
            (HandleKind::CallManagerAf, HandleKind::CallManagerVc)
        };
        let own = self.random.one_in(6);
        let mut handle = |kind| self.handle(kind);
        let vc = handle(HandleKind::ClientVc);
        let cm_vc = handle(HandleKind::CallManagerVc);
        let miniport_vc = handle(HandleKind::MiniportVc);
        let party = handle(HandleKind::ClientParty);
        let cm_party = handle(HandleKind::CallManagerParty);
        let sap = handle(HandleKind::ClientSap);
        let cm_sap = handle(HandleKind::CallManagerSap);
        let af = handle(side.0);
        let any_vc = handle(side.1);
        let data = Token::NULL;
        match which {
            24 => Call::ClRegisterSap { af: handle(HandleKind::ClientAf), sap_context: token, specification },
            25 => Call::CmRegisterSapComplete { status, sap: cm_sap, sap_context: token },
            26 => Call::ClDeregisterSap { sap },
            27 => Call::CmDeregisterSapComplete { status: Status::SUCCESS, sap: cm_sap },
            28 => Call::CoCreateVc {
                binding: handle(HandleKind::Binding),
                af: if own { HandleArg::Null } else { af },
                vc_context: token,
                vc: held,
            },
            29 => Call::CoDeleteVc { vc: any_vc },
            30 => Call::MCmCreateVc {
                adapter: handle(HandleKind::Adapter),
                af: handle(HandleKind::CallManagerAf),
                vc_context: token,
                vc: held,
            },
            31 => Call::MCmDeleteVc { vc: cm_vc },
            32 | 33 if driver.0 < 2 => Call::MCmActivateVc { vc: cm_vc, parameters },
            32 | 33 => Call::CmActivateVc { vc: cm_vc, parameters },
            34 | 35 if driver.0 < 2 => Call::MCmDeactivateVc { vc: cm_vc },
            34 | 35 => Call::CmDeactivateVc { vc: cm_vc },
            36 | 37 => Call::MCoActivateVcComplete { status, vc: miniport_vc, parameters },
            38 => Call::MCoDeactivateVcComplete { status, vc: miniport_vc },
            39 => Call::CoAssignInstanceName { vc: any_vc, base_name: Name::new("vc").unwrap() },
            40 => Call::CoGetTapiCallId { vc: any_vc, size: 64 },
            41 => Call::ClMakeCall { vc, parameters, party_context },
            42 => Call::ClModifyCallQoS { vc, parameters },
            43 => Call::ClCloseCall {
                vc,
                party: if party_context == Token::NULL { HandleArg::Null } else { party },
                data,
                size,
            },
            44 => Call::ClIncomingCallComplete { status, vc, parameters },
            45 => Call::CmMakeCallComplete {
                status,
                vc: cm_vc,
                party: if own { cm_party } else { HandleArg::Null },
                party_context: token,
                parameters,
            },
            46 => Call::CmCloseCallComplete {
                status,
                vc: cm_vc,
                party: if own { cm_party } else { HandleArg::Null },
            },
            47 => Call::CmDispatchIncomingCall { sap: cm_sap, vc: cm_vc, parameters },
            48 => Call::CmDispatchCallConnected { vc: cm_vc },
            49 => Call::CmDispatchIncomingCallQoSChange { vc: cm_vc, parameters },
            50 => Call::CmDispatchIncomingCloseCall { status, vc: cm_vc, data, size },
            51 => Call::CmModifyCallQoSComplete { status, vc: cm_vc, parameters },
            52 => Call::ClAddParty { vc, party_context: Token(2), parameters },
            53 => Call::ClDropParty { party, data, size },
            54 => Call::CmAddPartyComplete { status, party: cm_party, party_context: token, parameters },
            55 => Call::CmDropPartyComplete { status, party: cm_party },
            56 => Call::CmDispatchIncomingDropParty { status, party: cm_party, data, size },
            _ => Call::ClGetProtocolVcContextFromTapiCallId { call_id: CallId(token.0) },
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
                    self.owners.resize(self.handles.len(), None);
                    match out {
                        OutParameter::DriverHandle(handle)
                        | OutParameter::Binding(handle, _)
                        | OutParameter::AddressFamily(handle)
                        | OutParameter::Sap(handle)
                        | OutParameter::Vc(handle) => self.handles.push(HandleArg::Known(handle)),
                        OutParameter::Party(handle) => self.handles.push(handle),
                        OutParameter::CallParameters(_)
                        | OutParameter::InstanceName(..)
                        | OutParameter::CallId(_)
                        | OutParameter::VcContext(_) => {}
                    }
                    self.owners.resize(self.handles.len(), running.task.driver);
                    input = Input::Resumed(id);
                }
                Ok(Step::Invoke(id, driver, callback)) => {
                    callback.each_argument(|_, value| {
                        if let Value::Handle(handle @ HandleArg::Known(_)) = value {
                            self.handles.push(handle);
                        }
                    });
                    self.owners.resize(self.handles.len(), Some(driver));
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
            let mut command = self.command();
            if !self.started {
                let driver = DriverId(self.random.below(DRIVERS as usize) as u8);
                let adapter = AdapterId(self.random.below(2) as u8);
                command = self.random.of(&[Command::Load(driver), Command::Start(adapter)]);
            } else if self.calls && !self.random.one_in(20) {
                command = Command::NetPnPEvent(DriverId(2), AdapterId(0), NetEvent::Reconfigure);
            }
            let mut sink = |_: Notice| {};
            self.world.step(&mut self.environment, Input::Commanded(command), &mut sink).unwrap();
        }
        let mut jobs = Vec::new();
        self.world.jobs(&mut jobs);
        self.world.pending();
        let may_start = self.started || self.tasks.is_empty();
        if !jobs.is_empty() && may_start && self.random.one_in(3) {
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
        } else if running.stack.is_empty() && running.task.driver.is_none() {
            self.tasks.swap_remove(index);
        } else if !running.stack.is_empty() && self.returns(index) {
            let starts = [
                Ddi::DriverEntry,
                Ddi::ProtocolSetOptions,
                Ddi::MiniportSetOptions,
                Ddi::MiniportInitializeEx,
                Ddi::ProtocolBindAdapterEx,
            ];
            let tame = self.tasks[index].task.handler.is_some_and(|handler| starts.contains(&handler));
            let status = if tame && !self.random.one_in(self.wild) { Status::SUCCESS } else { self.status() };
            let context = Token(self.random.below(2) as u64);
            let parameters = if self.random.one_in(8) { self.parameters() } else { CallParameters::NULL };
            let running = &mut self.tasks[index];
            let id = *running.stack.last().unwrap();
            let inner = running.task;
            let outer = *running.saved.last().unwrap();
            running.task = Task { made: inner.made, ..outer };
            let before = self.violations;
            // The stack shrinks only if the return was let through.
            let (stack, saved, done) = (running.stack.pop(), running.saved.pop(), running.done.pop());
            self.feed(index, Input::Returned(id, Reply { status, context, parameters }));
            if self.violations > before {
                let running = &mut self.tasks[index];
                running.stack.push(stack.unwrap());
                running.saved.push(saved.unwrap());
                running.done.push(done.unwrap());
                running.task = inner;
            }
        } else {
            let raised = self.started && self.random.one_in(5);
            let running = &mut self.tasks[index];
            running.task.raised = raised;
            let (driver, handler) = (running.task.driver.expect("a handler runs"), running.task.handler);
            let done = running.done.last_mut().expect("a handler runs");
            self.done = *done;
            *done += 1;
            self.who = driver;
            let call = self.call(driver, handler);
            // A call from deep down would nest without end.
            if self.tasks[index].stack.len() < 12 {
                self.feed(index, Input::Called(call));
            }
        }
    }

    /// Whether the innermost handler of a task returns now.
    fn returns(&mut self, index: usize) -> bool {
        let done = *self.tasks[index].done.last().expect("a handler runs");
        if !self.started {
            let least = match self.tasks[index].task.handler {
                Some(Ddi::ProtocolSetOptions | Ddi::MiniportSetOptions | Ddi::MiniportInitializeEx) => 3,
                Some(Ddi::ProtocolBindAdapterEx) => 2,
                Some(Ddi::DriverEntry | Ddi::ProtocolCoAfRegisterNotify) => 1,
                _ => 0,
            };
            return done >= least;
        }
        done >= 3 || self.random.one_in(6)
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
        Object::Sap(_) => Some("sap"),
        // Whether the call manager is an MCM and who made the call decides which of two machines it is.
        Object::Vc(_) => Some("vc-call-manager"),
        Object::Call(_) => Some("call-outgoing"),
        Object::Party(_) => Some("party"),
    }
}

/// The other machine that an object of that kind may follow.
fn other_machine(machine: &'static str) -> Option<&'static str> {
    match machine {
        "vc-call-manager" => Some("vc-mcm"),
        "call-outgoing" => Some("call-incoming"),
        _ => None,
    }
}

/// The contract's word for a state. It has none for an open that failed: the object is gone.
fn contract_state(state: &'static str) -> &'static str {
    if state == "failed" { "none" } else { state }
}

/// Plays many seeds.
fn play(seeds: u64, turns: usize, calls: bool) -> Played {
    let mut all = Played { violations: 0, closed: 0, edges: BTreeSet::new() };
    for seed in 0..seeds {
        let mut play = Play::new(seed, calls);
        for _ in 0..turns {
            play.turn();
            if !play.started
                && play.edges.contains(&(Some("af-open"), "opening", "open"))
                && play.tasks.is_empty()
            {
                play.start();
            }
        }
        all.violations += play.violations;
        all.closed += play.closed;
        all.edges.append(&mut play.edges);
    }
    for &(machine, from, to) in &all.edges {
        let Some(machine) = machine else { continue };
        let machines = [Some(machine), other_machine(machine)];
        let (from, to) = match machine {
            "call-outgoing" => (from, to),
            _ => (contract_state(from), contract_state(to)),
        };
        let listed = machines.into_iter().flatten().any(|machine| {
            let machine = contract::StateMachine::find(machine).expect("the contract has it");
            machine.transitions.iter().any(|edge| edge.from == from && edge.to == to)
        });
        assert!(listed, "the contract's machine {machine} has no way from {from} to {to}");
    }
    all
}

struct Played {
    violations: usize,
    closed: usize,
    edges: BTreeSet<(Option<&'static str>, &'static str, &'static str)>,
}

#[test]
fn anything_goes() {
    let played = play(1800, 1500, false);
    assert!(played.edges.len() > 30, "objects took only {} edges", played.edges.len());
    assert!(played.violations > 1000, "hostile drivers broke only {} rules", played.violations);
    assert!(
        played.closed > 10,
        "only {} address families were closed: the test reaches too little",
        played.closed
    );
}

#[test]
fn any_call_goes() {
    let played = play(48, 3000, true);
    let taken = |machine| played.edges.iter().filter(|edge| edge.0 == Some(machine)).count();
    for (machine, least) in [("sap", 6), ("vc-call-manager", 14), ("call-outgoing", 36), ("party", 11)] {
        let taken = taken(machine);
        assert!(taken >= least, "objects of {machine} took only {taken} edges");
    }
}

#[test]
fn a_request_tells_its_rounds_apart_however_many_handlers_run() {
    let mut request = phase::Request::default();
    let first = request.begin();
    let mut last = first;
    for _ in 0..1000 {
        request.complete().unwrap();
        last = request.begin();
    }
    assert_eq!(request.returned(first, Status::PENDING), Ok(phase::Verdict::Pended));
    assert!(request.is_untold());
    assert_eq!(request.returned(last, Status::SUCCESS), Ok(phase::Verdict::Result(Status::SUCCESS)));
}
