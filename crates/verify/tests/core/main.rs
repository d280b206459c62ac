//! The core against drivers that keep every rule, in many orders: no monitor may find anything, and at the end nothing is
//! owed. What the auditor finds here is a bug of the core's; what the others find is a false alarm.
//!
//! [`Play`] is a small engine without coroutines: a task is a stack of calls and handlers, a handler is a list of
//! [`Act`]s and an answer. [`Drivers`] hold what the drivers know: contexts, handles, and what they have pended.
//! What they do on an open address family is in [`connections`].

mod connections;

use connections::{Deed, Party, Sap, Vc};
use contract::{Ddi, Rule, Status};
use model::block::{
    AddressFamily, Attributes, Characteristics, HandlerSet, Header, Media, OpenParameters, OptionalHandlers,
};
use model::record::{Event, Finding, Frame, Irql, Monitor, Record, Rest, Stuck, TaskNumber, WaitsFor};
use model::*;
use std::collections::BTreeMap;

/// A miniport call manager, a plain connection-oriented miniport, and protocols.
const MCM: DriverId = DriverId(0);
const MINIPORT: DriverId = DriverId(1);
const CLIENT: DriverId = DriverId(2);
const CM: DriverId = DriverId(3);
const SECOND_CLIENT: DriverId = DriverId(4);
const DRIVERS: [DriverId; 5] = [MCM, MINIPORT, CLIENT, CM, SECOND_CLIENT];
const ADAPTERS: [AdapterId; 2] = [AdapterId(0), AdapterId(1)];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        ((self.0 >> 33) % bound as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// What a driver does next. What it is about is looked up only then, for much may have happened since it was planned.
#[derive(Clone, Copy, Debug)]
enum Act {
    Call(Call),
    /// The client opens the family on a binding.
    Open(usize, AddressFamily),
    /// The client closes an address family, unless it has begun to.
    Close(usize),
    /// The call manager asks the client to close, unless the close is over for it.
    Notify(usize),
    /// The call manager completes a close, and with it loses its handle.
    CompleteClose(usize),
    /// The client completes a notification.
    CompleteNotification(usize),
    /// The protocol closes the adapter; the unbind ends with that.
    CloseAdapter(usize),
    CompleteUnbind(usize),
    /// The protocol completes a bind that it has undone.
    FailBind(usize),
    /// The protocol asks to be unbound, unless it has closed the adapter.
    AskUnbind(usize),
    /// The protocol asks for what it is not bound to.
    AskBinds,
    /// The client completes a notification with a refusal.
    Refuse(usize),
    /// Something on an open address family.
    Do(Deed),
}

enum Level {
    Handler {
        driver: DriverId,
        callback: Box<Callback>,
        op: OpId,
        acts: Vec<Act>,
        reply: Reply,
        saved: Task,
        about: Option<usize>,
    },
    Call {
        driver: DriverId,
        ddi: Ddi,
        about: Option<usize>,
    },
    Routine {
        driver: DriverId,
        acts: Vec<Act>,
    },
    Job,
}

struct Running {
    task: Task,
    number: TaskNumber,
    stack: Vec<Level>,
    waits: Option<(OpId, Condition)>,
}

struct Bind {
    driver: DriverId,
    adapter: AdapterId,
    id: Handle,
    context: Token,
    handle: Option<Handle>,
    bound: bool,
    unbind: Option<Handle>,
    closing: bool,
    /// The bind pends, and is undone by an unbind.
    fails: bool,
    /// The unbind ends with the return of its handler, if the close does not pend.
    returns: bool,
}

struct Af {
    bind: usize,
    client: DriverId,
    context: Token,
    handle: Option<Handle>,
    manager: Option<(DriverId, Handle)>,
    manager_context: Token,
    adapter: AdapterId,
    /// As the client sees it.
    open: bool,
    closing: bool,
    over: bool,
    /// The client has pended a notification.
    noticed: bool,
    /// As the call manager sees it.
    granted: bool,
    manager_done: bool,
    /// Its notification has pended.
    asking: bool,
    /// The client wants to close, and begins nothing on it.
    leaving: bool,
    /// The call manager knows that the client closes.
    manager_told: bool,
}

#[derive(Default)]
struct Drivers {
    protocols: Vec<(DriverId, Handle)>,
    miniports: Vec<(DriverId, Handle)>,
    adapters: Vec<(AdapterId, Handle)>,
    binds: Vec<Bind>,
    afs: Vec<Af>,
    saps: Vec<Sap>,
    vcs: Vec<Vc>,
    parties: Vec<Party>,
    tokens: u64,
    /// Both call managers offer the same family: on the adapter that both serve the MCM comes first.
    one_family: bool,
    /// Call managers wait for the answers to their notifications.
    waits_for_answers: bool,
}

struct Play {
    world: World,
    stop_order: StopOrder,
    tasks: Vec<Running>,
    environment: Task,
    numbers: u16,
    random: Random,
    drivers: Drivers,
    /// What drivers have promised to do on some task of their own.
    owed: Vec<(DriverId, Act)>,
    monitors: Vec<Box<dyn Monitor>>,
    trace: Vec<Record>,
    forgets: Forgets,
}

/// What one driver never does although it has to.
#[derive(Clone, Copy)]
enum Forgets {
    Nothing,
    /// The promise that comes after so many others.
    After(usize),
    Forgot(DriverId, Rule),
}

fn everything() -> HandlerSet {
    Ddi::ALL.iter().copied().collect()
}

fn family(of: DriverId) -> AddressFamily {
    AddressFamily { family: of.0.into(), major: 1, minor: 0 }
}

fn header(object_type: u8, size: u16) -> Header {
    Header { object_type, revision: 1, size }
}

fn last(handles: &[(DriverId, Handle)], driver: DriverId) -> HandleArg {
    let found = handles.iter().rfind(|(owner, _)| *owner == driver);
    found.map_or(HandleArg::Null, |&(_, handle)| HandleArg::Known(handle))
}

fn known(handle: Option<Handle>) -> HandleArg {
    handle.map_or(HandleArg::Null, HandleArg::Known)
}

impl Drivers {
    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(0x1000 + self.tokens)
    }

    fn bind_of(&self, driver: DriverId, context: Token) -> usize {
        let found = self.binds.iter().rposition(|bind| bind.driver == driver && bind.context == context);
        found.expect("the context of a binding")
    }

    /// The address family of a client, by its context.
    fn af_of_client(&self, driver: DriverId, context: Token) -> usize {
        let found = self.afs.iter().position(|af| af.client == driver && af.context == context);
        found.expect("the context of a client's address family")
    }

    fn af_of_manager(&self, driver: DriverId, context: Token) -> usize {
        let is_it = |af: &Af| {
            af.manager.is_some_and(|(manager, _)| manager == driver) && af.manager_context == context
        };
        self.afs.iter().position(is_it).expect("the context of a call manager's address family")
    }

    /// The address families that keep a binding from being closed.
    fn afs_on(&self, bind: usize) -> Vec<usize> {
        let this = &self.binds[bind];
        let on = |af: &Af| {
            let managed = af.manager.is_some_and(|(manager, _)| manager == this.driver && manager != MCM);
            (!af.over || managed && af.asking && self.waits_for_answers)
                && (af.bind == bind || managed && af.adapter == this.adapter)
        };
        (0..self.afs.len()).filter(|&index| on(&self.afs[index])).collect()
    }
}

impl Play {
    fn new(seed: u64) -> Play {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let stop_order = if random.one_in(2) { StopOrder::Strict } else { StopOrder::Overlapped };
        let config = Config {
            drivers: DRIVERS.len() as u8,
            adapters: vec![MCM, MINIPORT],
            stop_order,
            pend_open: random.one_in(2),
            pend_close: random.one_in(2),
            pend_mcm: random.one_in(3),
        };
        let (one_family, waits_for_answers) = (random.one_in(2), random.one_in(2));
        Play {
            world: World::new(config),
            stop_order,
            tasks: Vec::new(),
            environment: Task::new(TaskId::ENVIRONMENT),
            numbers: 0,
            random,
            drivers: Drivers { one_family, waits_for_answers, ..Drivers::default() },
            owed: Vec::new(),
            monitors: vec![
                Box::new(verify::Irql::new()),
                Box::new(verify::Liveness::new()),
                Box::new(verify::Auditor::new(stop_order)),
            ],
            trace: Vec::new(),
            forgets: Forgets::Nothing,
        }
    }

    /// Whether a driver forgets what it has promised.
    fn is_forgotten(&mut self, driver: DriverId, act: Act) -> bool {
        let Some(rule) = promised(act) else { return false };
        match &mut self.forgets {
            Forgets::After(0) => {
                self.forgets = Forgets::Forgot(driver, rule);
                true
            }
            Forgets::After(others) => {
                *others -= 1;
                false
            }
            Forgets::Nothing | Forgets::Forgot(..) => false,
        }
    }

    fn record(&mut self, task: TaskNumber, raised: bool, event: Event) {
        let irql = if raised { Irql::DISPATCH } else { Irql::PASSIVE };
        let record = Record { task, processor: 0, irql, depth: 0, time: 0, site: None, event };
        self.trace.push(record);
        for monitor in &mut self.monitors {
            if let Err(found) = monitor.see(&record, &self.world) {
                panic!("{}\n{found:#?}", self.told());
            }
        }
    }

    /// The trace, without what lies in parameter blocks.
    fn told(&self) -> String {
        let line = |record: &Record| {
            let event = match record.event {
                Event::Called(driver, call) if call.ddi().info().area == contract::Area::Registration => {
                    format!("Called({driver:?}, {:?})", call.ddi())
                }
                event => format!("{event:?}"),
            };
            format!("{} {} {event}\n", record.task.0, record.irql.0)
        };
        self.trace.iter().map(line).collect()
    }

    fn number(&mut self) -> TaskNumber {
        self.numbers += 1;
        TaskNumber(self.numbers)
    }

    // ---- the loop ---------------------------------------------------------------------------------------------

    /// Feeds one input, and follows what it leads to up to the next choice.
    fn feed(&mut self, index: usize, mut input: Input) {
        loop {
            let running = &mut self.tasks[index];
            let mut warned = None;
            let step = self.world.step(&mut running.task, input, &mut |notice: Notice| match notice {
                Notice::Warning(violation) => warned = Some(violation),
                Notice::Edge(..) => {}
            });
            let (number, raised) = (running.task_number(), running.task.raised);
            assert!(warned.is_none(), "{}\n{input:#?} breaks {warned:#?}", self.told());
            match step {
                Err(violation) => panic!("{}\n{input:#?} breaks {violation:#?}", self.told()),
                Ok(Step::Return(status)) => {
                    if let Some(&Level::Call { driver, ddi, about }) = running.stack.last() {
                        running.stack.pop();
                        self.record(number, raised, Event::Returned(driver, ddi, status));
                        self.call_returned(index, driver, ddi, about, status);
                    } else {
                        assert!(matches!(running.stack.pop(), Some(Level::Job)), "a job is over");
                    }
                    return;
                }
                Ok(Step::Publish(id, out)) => {
                    let Some(&Level::Call { driver, ddi, about }) = running.stack.last() else {
                        panic!("only a call stores something")
                    };
                    self.record(number, raised, Event::Published(driver, out));
                    match out {
                        OutParameter::DriverHandle(handle) => match handle.kind {
                            HandleKind::MiniportDriver => self.drivers.miniports.push((driver, handle)),
                            _ => self.drivers.protocols.push((driver, handle)),
                        },
                        OutParameter::Binding(handle, _) => {
                            self.drivers.binds[about.unwrap()].handle = Some(handle);
                        }
                        OutParameter::AddressFamily(handle) => {
                            self.drivers.afs[about.unwrap()].handle = Some(handle);
                        }
                        OutParameter::Sap(_)
                        | OutParameter::Vc(_)
                        | OutParameter::Party(_)
                        | OutParameter::InstanceName(..)
                        | OutParameter::CallId(_)
                        | OutParameter::VcContext(_) => self.stored(ddi, about.unwrap(), out),
                        OutParameter::CallParameters(_) => panic!("nobody changes {out:?}"),
                    }
                    input = Input::Resumed(id);
                }
                Ok(Step::Invoke(op, driver, callback)) => {
                    self.record(number, raised, Event::Invoked(driver, callback));
                    let (acts, reply, about) = self.react(index, driver, callback);
                    let running = &mut self.tasks[index];
                    let saved = running.task;
                    let handler = callback.ddi();
                    let callback = Box::new(callback);
                    running.stack.push(Level::Handler { driver, callback, op, acts, reply, saved, about });
                    running.task.driver = Some(driver);
                    running.task.handler = Some(handler);
                    running.task.within.insert(handler);
                    return;
                }
                Ok(Step::Wait(id, condition)) => {
                    running.waits = Some((id, condition));
                    return;
                }
            }
        }
    }

    fn call(&mut self, index: usize, driver: DriverId, call: Call, about: Option<usize>) {
        let (number, raised) = (self.tasks[index].number, self.tasks[index].task.raised);
        self.record(number, raised, Event::Called(driver, call));
        self.tasks[index].stack.push(Level::Call { driver, ddi: call.ddi(), about });
        self.feed(index, Input::Called(call));
    }

    /// Lets a task go on by one act. Says whether it could.
    fn go_on(&mut self, index: usize) -> bool {
        let running = &mut self.tasks[index];
        if let Some((id, condition)) = running.waits {
            if !self.world.holds(condition) {
                return false;
            }
            running.waits = None;
            self.feed(index, Input::Resumed(id));
            return true;
        }
        let (number, raised) = (running.number, running.task.raised);
        match running.stack.last_mut() {
            None => {
                self.record(number, raised, Event::Ended);
                self.tasks.swap_remove(index);
                true
            }
            Some(Level::Job | Level::Call { .. }) => panic!("only NDIS goes on with a job or a call"),
            Some(Level::Routine { driver, acts }) => {
                let driver = *driver;
                match acts.pop() {
                    Some(act) => self.act(index, driver, act),
                    None => {
                        running.stack.pop();
                    }
                }
                true
            }
            Some(Level::Handler { driver, acts, callback, op, about, .. }) => {
                let (driver, callback, op, about) = (*driver, **callback, *op, *about);
                if let Some(act) = acts.pop() {
                    self.act(index, driver, act);
                    return true;
                }
                let Some(reply) = self.answer(index, driver, callback, about) else { return false };
                let running = &mut self.tasks[index];
                let Some(Level::Handler { saved, .. }) = running.stack.pop() else { unreachable!() };
                running.task = Task { made: running.task.made, ..saved };
                self.record(number, raised, Event::Replied(driver, callback.ddi(), reply));
                self.feed(index, Input::Returned(op, reply));
                true
            }
        }
    }

    fn start(&mut self, job: Job) {
        let (task, number) = (Task::new(self.environment.child()), self.number());
        self.tasks.push(Running { task, number, stack: vec![Level::Job], waits: None });
        self.record(number, false, Event::Started(job));
        self.feed(self.tasks.len() - 1, Input::Start(job));
    }

    fn command(&mut self, command: Command) {
        self.record(TaskNumber(0), false, Event::Commanded(command));
        self.world.step(&mut self.environment, Input::Commanded(command), &mut |_: Notice| {}).unwrap();
    }

    /// Does one thing that can be done. Says whether anything is left, and whether anything was done.
    fn turn(&mut self) -> Turn {
        self.adapters_to_close();
        let mut jobs = Vec::new();
        self.world.jobs(&mut jobs);
        let choices = jobs.len() + self.owed.len() + self.tasks.len();
        if choices == 0 {
            return Turn::Over;
        }
        let choice = self.random.below(choices);
        if let Some(&job) = jobs.get(choice) {
            self.start(job);
        } else if choice - jobs.len() < self.owed.len() {
            let (driver, act) = self.owed.swap_remove(choice - jobs.len());
            let (mut task, number) = (Task::new(self.environment.child()), self.number());
            task.driver = Some(driver);
            task.raised = may_be_raised(act) && self.random.one_in(3);
            let stack = vec![Level::Routine { driver, acts: vec![act] }];
            self.tasks.push(Running { task, number, stack, waits: None });
        } else {
            let index = choice - jobs.len() - self.owed.len();
            if !self.go_on(index) && jobs.is_empty() && self.owed.is_empty() {
                // Every task may wait for another one, but not all of them.
                let mut others = 0..self.tasks.len();
                if !others.any(|other| self.go_on(other)) {
                    return Turn::Stuck;
                }
            }
        }
        Turn::Done
    }

    /// Does what can be done until nothing is left; each turn is a choice.
    fn drain(&mut self, turns: usize, to_rest: bool) {
        for _ in 0..turns {
            match self.turn() {
                Turn::Over => return,
                Turn::Done => {}
                Turn::Stuck => panic!("{}\nnobody can go on", self.told()),
            }
        }
        assert!(!to_rest, "{}\nno rest", self.told());
    }

    /// The same until drivers only look again and again whether something has happened.
    fn drain_until_idle(&mut self) {
        let (mut done, mut idle) = (0, 0);
        while idle < 500 {
            if let Turn::Over | Turn::Stuck = self.turn() {
                return;
            }
            let records = self.trace.iter().skip(done);
            let is_work = |record: &Record| !matches!(record.event, Event::Ended);
            idle = if records.filter(|record| is_work(record)).count() > 0 { 0 } else { idle + 1 };
            done = self.trace.len();
        }
    }

    /// What monitors find when nothing more will happen.
    fn findings(&mut self) -> Vec<Finding> {
        let stuck: Vec<Stuck> = self.tasks.iter().filter_map(Running::stuck).collect();
        let rest = Rest { world: &self.world, debts: self.world.pending(), stuck };
        self.monitors.iter_mut().flat_map(|monitor| monitor.at_rest(&rest)).collect()
    }

    // ---- what drivers do --------------------------------------------------------------------------------------

    /// What a handler does and answers. The acts are taken from the end.
    fn react(
        &mut self,
        index: usize,
        driver: DriverId,
        callback: Callback,
    ) -> (Vec<Act>, Reply, Option<usize>) {
        let pends = self.random.one_in(2);
        let mut reply = Reply::VOID;
        let mut about = None;
        let mut acts = Vec::new();
        match callback {
            Callback::DriverEntry { .. } => {
                reply.context = Token(1);
                let driver_context = Token(driver.0.into());
                let characteristics = |object_type, size| Characteristics {
                    header: header(object_type, size),
                    major: 6,
                    minor: 20,
                    flags: 0,
                    handlers: everything(),
                };
                acts.push(Act::Call(if driver == MCM || driver == MINIPORT {
                    Call::MRegisterMiniportDriver {
                        driver_context,
                        characteristics: characteristics(138, 136),
                    }
                } else {
                    Call::RegisterProtocolDriver {
                        driver_context,
                        characteristics: characteristics(149, 120),
                    }
                }));
            }
            Callback::ProtocolSetOptions { protocol, .. } => {
                let role = if driver == CM { 165 } else { 166 };
                acts.extend([role, 144].map(|table| set_handlers(protocol, table, true)));
            }
            Callback::MiniportSetOptions { driver: handle, .. } => {
                let tables: &[u8] = if driver == MCM { &[165, 145] } else { &[145] };
                acts.extend(tables.iter().map(|&table| set_handlers(handle, table, driver != MCM)));
            }
            Callback::Unload { .. } => {
                let protocol = last(&self.drivers.protocols, driver);
                acts.push(Act::Call(Call::DeregisterProtocolDriver { protocol }));
            }
            Callback::MiniportDriverUnload { .. } => {
                let handle = last(&self.drivers.miniports, driver);
                acts.push(Act::Call(Call::MDeregisterMiniportDriver { driver: handle }));
            }
            Callback::Uninstall {} | Callback::MiniportDevicePnPEventNotify { .. } => {}
            Callback::MiniportInitializeEx { adapter, .. } => {
                let id = ADAPTERS[usize::from(driver == MINIPORT)];
                self.drivers.adapters.retain(|(known, _)| *known != id);
                self.drivers.adapters.push((id, adapter));
                if driver == MCM {
                    let family = family(MCM);
                    acts.push(Act::Call(Call::MCmRegisterAddressFamilyEx {
                        adapter: adapter.into(),
                        family,
                    }));
                }
                for object_type in [159, 158] {
                    let context = Token(u64::from(id.0) + 0x900);
                    let attributes =
                        Attributes { header: header(object_type, 8), context, flags: 0, medium: 0 };
                    acts.push(Act::Call(Call::MSetMiniportAttributes {
                        adapter: adapter.into(),
                        attributes,
                    }));
                }
            }
            Callback::MiniportPause { .. } | Callback::MiniportRestart { .. } if pends => {
                let adapter = self.adapter_of(driver);
                let done = if matches!(callback, Callback::MiniportPause { .. }) {
                    Call::MPauseComplete { adapter }
                } else {
                    Call::MRestartComplete { adapter, status: Status::SUCCESS }
                };
                reply.status = Status::PENDING;
                self.promise(driver, Act::Call(done), &mut acts);
            }
            Callback::MiniportPause { .. } | Callback::MiniportRestart { .. } => {}
            Callback::MiniportHaltEx { .. } => {
                let on = |af: &Af| !af.over && af.manager.is_some_and(|(manager, _)| manager == driver);
                let afs = &self.drivers.afs;
                acts.extend((0..afs.len()).filter(|&index| on(&afs[index])).map(Act::Notify));
            }
            Callback::BindAdapterEx { bind_context, adapter, .. } => {
                let context = self.drivers.token();
                about = Some(self.drivers.binds.len());
                self.drivers.binds.push(Bind {
                    driver,
                    adapter,
                    id: bind_context,
                    context,
                    handle: None,
                    bound: false,
                    unbind: None,
                    closing: false,
                    fails: false,
                    returns: false,
                });
                if driver == CM {
                    self.begin_on_binding(about.unwrap());
                }
                let parameters = OpenParameters {
                    header: header(135, 56),
                    names_bound_adapter: true,
                    media: Media::new(&[0]).unwrap(),
                    frame_types: 0,
                };
                acts.push(Act::Call(Call::OpenAdapterEx {
                    protocol: last(&self.drivers.protocols, driver),
                    binding_context: context,
                    parameters,
                    bind_context: bind_context.into(),
                }));
            }
            Callback::OpenAdapterCompleteEx { binding_context, .. } => {
                let bind = self.drivers.bind_of(driver, binding_context);
                acts.push(self.bind_done(bind));
                acts.extend(self.register(bind));
                about = Some(bind);
            }
            Callback::UnbindAdapterEx { unbind_context, binding_context } => {
                let bind = self.drivers.bind_of(driver, binding_context);
                self.drivers.binds[bind].unbind = Some(unbind_context);
                reply.status = Status::PENDING;
                for af in self.drivers.afs_on(bind) {
                    acts.push(if driver == CM { Act::Notify(af) } else { Act::Close(af) });
                }
                let is_free = acts.is_empty() && !self.has_own_vc(bind);
                let this = &mut self.drivers.binds[bind];
                if is_free && pends && !this.closing {
                    (this.closing, this.returns) = (true, true);
                    acts.push(Act::CloseAdapter(bind));
                }
                about = Some(bind);
            }
            Callback::CloseAdapterCompleteEx { binding_context } => {
                let bind = self.drivers.bind_of(driver, binding_context);
                acts.push(Act::CompleteUnbind(bind));
                self.drivers.binds[bind].returns = false;
            }
            Callback::NetPnPEvent { binding_context, event, .. } => {
                if pends {
                    let bind = self.drivers.bind_of(driver, binding_context);
                    let binding = known(self.drivers.binds[bind].handle);
                    let done =
                        Call::CompleteNetPnPEvent { binding, event: event.into(), status: Status::SUCCESS };
                    reply.status = Status::PENDING;
                    self.promise(driver, Act::Call(done), &mut acts);
                }
            }
            Callback::CoAfRegisterNotify { binding_context, family } => {
                if driver != CM {
                    acts.push(Act::Open(self.drivers.bind_of(driver, binding_context), family));
                }
            }
            Callback::CmOpenAf { af, .. } => {
                let Some(&Level::Call { about: Some(index), .. }) = self.tasks[index].stack.last() else {
                    panic!("an open is called for")
                };
                let context = self.drivers.token();
                let this = &mut self.drivers.afs[index];
                (this.manager, this.manager_context) = (Some((driver, af)), context);
                let status = if self.random.one_in(6) { Status::RESOURCES } else { Status::SUCCESS };
                let done = Call::CmOpenAddressFamilyComplete { status, af: af.into(), af_context: context };
                if pends {
                    reply.status = Status::PENDING;
                    self.promise(driver, Act::Call(done), &mut acts);
                } else {
                    reply = Reply::status(status).with_context(context);
                    self.drivers.afs[index].granted = status == Status::SUCCESS;
                }
                about = Some(index);
            }
            Callback::ClOpenAfCompleteEx { af_context, status, .. } => {
                let af = self.drivers.af_of_client(driver, af_context);
                self.open_over(af, status);
            }
            Callback::CmCloseAf { af_context } => {
                let af = self.drivers.af_of_manager(driver, af_context);
                about = Some(af);
                self.drivers.afs[af].manager_told = true;
                if pends || self.has_managers_vcs(af) {
                    reply.status = Status::PENDING;
                    self.promise(driver, Act::CompleteClose(af), &mut acts);
                } else if self.random.one_in(5) {
                    reply.status = Status::NOT_ACCEPTED;
                    self.drivers.afs[af].manager_told = false;
                }
            }
            Callback::ClCloseAfComplete { af_context, .. } => {
                let af = self.drivers.af_of_client(driver, af_context);
                self.close_over(af);
            }
            Callback::ClNotifyCloseAf { af_context } => {
                let af = self.drivers.af_of_client(driver, af_context);
                let this = &self.drivers.afs[af];
                let stays = !this.closing && self.drivers.binds[this.bind].unbind.is_none();
                about = Some(af);
                if stays && self.random.one_in(4) {
                    if pends {
                        reply.status = Status::PENDING;
                        self.promise(driver, Act::Refuse(af), &mut acts);
                    } else {
                        reply.status = Status::FAILURE;
                    }
                } else if pends {
                    self.owed.push((driver, Act::Close(af)));
                } else {
                    acts.push(Act::Close(af));
                }
            }
            Callback::CmNotifyCloseAfComplete { af_context, status } => {
                let af = self.drivers.af_of_manager(driver, af_context);
                self.notified(af, status);
            }
            other => return self.react_on_connection(index, driver, other),
        }
        (acts, reply, about)
    }

    /// Does something now, before the handler that pends has returned, or later.
    fn promise(&mut self, driver: DriverId, act: Act, acts: &mut Vec<Act>) {
        if self.is_forgotten(driver, act) {
            return;
        }
        if self.random.one_in(3) {
            acts.push(act);
        } else {
            self.owed.push((driver, act));
        }
    }

    /// What a handler answers when its acts are done; none while it waits.
    fn answer(
        &mut self,
        index: usize,
        driver: DriverId,
        callback: Callback,
        about: Option<usize>,
    ) -> Option<Reply> {
        let Some(&Level::Handler { mut reply, .. }) = self.tasks[index].stack.last() else { unreachable!() };
        match callback {
            Callback::BindAdapterEx { .. } => {
                let bind = &self.drivers.binds[about?];
                if reply.status != Status::PENDING && !bind.bound {
                    if bind.handle.is_none() {
                        return Some(Reply::status(Status::FAILURE));
                    }
                    self.drivers.binds[about?].bound = true;
                }
            }
            Callback::UnbindAdapterEx { .. } if self.drivers.binds[about?].returns => {
                let this = &mut self.drivers.binds[about?];
                if this.unbind.is_none() {
                    return Some(Reply::status(Status::SUCCESS));
                }
                this.returns = false;
            }
            Callback::MiniportHaltEx { .. } => {
                let waits = self.drivers.waits_for_answers;
                let on = |af: &Af| {
                    (!af.over || af.asking && waits)
                        && af.manager.is_some_and(|(manager, _)| manager == driver)
                };
                if self.drivers.afs.iter().any(on) {
                    return None;
                }
            }
            Callback::ClNotifyCloseAf { .. } if reply.status == Status::SUCCESS => {
                let af = &mut self.drivers.afs[about?];
                if !af.over {
                    af.noticed = true;
                    reply.status = Status::PENDING;
                }
            }
            Callback::CmCloseAf { .. } if reply.status == Status::SUCCESS => {
                self.drivers.afs[about?].manager_done = true;
            }
            _ => {}
        }
        Some(reply)
    }

    fn adapter_of(&self, driver: DriverId) -> HandleArg {
        let id = ADAPTERS[usize::from(driver == MINIPORT)];
        let found = self.drivers.adapters.iter().find(|(known, _)| *known == id);
        found.map_or(HandleArg::Null, |&(_, handle)| HandleArg::Known(handle))
    }

    fn bind_done(&mut self, bind: usize) -> Act {
        let this = &self.drivers.binds[bind];
        Act::Call(Call::CompleteBindAdapterEx { bind_context: this.id.into(), status: Status::SUCCESS })
    }

    fn register(&self, bind: usize) -> Option<Act> {
        let this = &self.drivers.binds[bind];
        let family = family(if self.drivers.one_family { MCM } else { CM });
        (this.driver == CM && !this.fails)
            .then(|| Act::Call(Call::CmRegisterAddressFamilyEx { binding: known(this.handle), family }))
    }

    fn open_over(&mut self, af: usize, status: Status) {
        let this = &mut self.drivers.afs[af];
        (this.open, this.over) = (status == Status::SUCCESS, status != Status::SUCCESS);
        if this.open && self.drivers.binds[this.bind].unbind.is_some() {
            self.owed.push((this.client, Act::Close(af)));
        } else if this.open {
            self.begin_on(af);
        }
    }

    /// A notification is over. A call manager that was refused asks again.
    fn notified(&mut self, af: usize, status: Status) {
        let this = &mut self.drivers.afs[af];
        this.asking = false;
        let stays = status != Status::SUCCESS && !this.closing && !this.over;
        if let Some((manager, _)) = this.manager.filter(|_| stays) {
            self.owed.push((manager, Act::Notify(af)));
        }
    }

    fn close_over(&mut self, af: usize) {
        let this = &mut self.drivers.afs[af];
        this.over = true;
        if this.noticed {
            self.owed.push((this.client, Act::CompleteNotification(af)));
        }
    }

    /// An unbind ends when no address family is left on its binding.
    fn adapters_to_close(&mut self) {
        for bind in 0..self.drivers.binds.len() {
            let is_free = self.drivers.afs_on(bind).is_empty() && !self.has_own_vc(bind);
            let this = &self.drivers.binds[bind];
            if this.unbind.is_some() && !this.closing && is_free {
                self.owed.push((this.driver, Act::CloseAdapter(bind)));
                self.drivers.binds[bind].closing = true;
            }
        }
    }

    fn act(&mut self, index: usize, driver: DriverId, act: Act) {
        match act {
            Act::Call(call) => {
                let about = match call {
                    Call::OpenAdapterEx { binding_context, .. } => {
                        Some(self.drivers.bind_of(driver, binding_context))
                    }
                    Call::CompleteBindAdapterEx { bind_context, status } => {
                        let is_it = |bind: &Bind| HandleArg::Known(bind.id) == bind_context;
                        let bind = self.drivers.binds.iter().position(is_it).unwrap();
                        self.drivers.binds[bind].bound = status == Status::SUCCESS;
                        Some(bind)
                    }
                    Call::CmOpenAddressFamilyComplete { status, af_context, .. } => {
                        let af = self.drivers.af_of_manager(driver, af_context);
                        self.drivers.afs[af].granted = status == Status::SUCCESS;
                        self.notify_if_leaving(af);
                        Some(af)
                    }
                    _ => None,
                };
                self.call(index, driver, call, about);
            }
            Act::Open(bind, family) => {
                let context = self.drivers.token();
                let this = &self.drivers.binds[bind];
                let (binding, adapter) = (known(this.handle), this.adapter);
                if this.unbind.is_some() {
                    return;
                }
                self.drivers.afs.push(Af {
                    bind,
                    client: driver,
                    context,
                    handle: None,
                    manager: None,
                    manager_context: Token::NULL,
                    adapter,
                    open: false,
                    closing: false,
                    over: false,
                    noticed: false,
                    granted: false,
                    manager_done: false,
                    asking: false,
                    leaving: false,
                    manager_told: false,
                });
                let about = Some(self.drivers.afs.len() - 1);
                let family = AddressFamily { minor: self.random.below(2) as u32, ..family };
                self.call(
                    index,
                    driver,
                    Call::ClOpenAddressFamilyEx { binding, family, af_context: context },
                    about,
                );
            }
            Act::Close(af) => {
                let this = &self.drivers.afs[af];
                if this.open && !this.closing && !this.over && self.clear(af) {
                    let this = &mut self.drivers.afs[af];
                    this.closing = true;
                    let handle = known(this.handle);
                    self.call(index, driver, Call::ClCloseAddressFamily { af: handle }, Some(af));
                }
            }
            Act::Notify(af) => {
                let this = &self.drivers.afs[af];
                if this.granted && !this.manager_done && !this.over {
                    let handle = known(this.manager.map(|(_, handle)| handle));
                    // The completion may overtake the return.
                    self.drivers.afs[af].asking = true;
                    self.call(index, driver, Call::CmNotifyCloseAddressFamily { af: handle }, Some(af));
                }
            }
            Act::CompleteClose(af) if self.has_managers_vcs(af) => self.delete_managers_vcs(driver, af),
            Act::CompleteClose(af) => {
                let this = &mut self.drivers.afs[af];
                this.manager_done = true;
                let handle = known(this.manager.map(|(_, handle)| handle));
                let call = Call::CmCloseAddressFamilyComplete { status: Status::SUCCESS, af: handle };
                self.call(index, driver, call, Some(af));
            }
            Act::CompleteNotification(af) => {
                let af_handle = known(self.drivers.afs[af].handle);
                let call =
                    Call::ClNotifyCloseAddressFamilyComplete { af: af_handle, status: Status::SUCCESS };
                self.call(index, driver, call, Some(af));
            }
            Act::CloseAdapter(bind) => {
                let binding = known(self.drivers.binds[bind].handle);
                self.call(index, driver, Call::CloseAdapterEx { binding }, Some(bind));
            }
            Act::Do(deed) => self.deed(index, driver, deed),
            Act::Refuse(af) => {
                let af_handle = known(self.drivers.afs[af].handle);
                let call =
                    Call::ClNotifyCloseAddressFamilyComplete { af: af_handle, status: Status::FAILURE };
                self.call(index, driver, call, Some(af));
            }
            Act::FailBind(bind) => {
                let bind_context = self.drivers.binds[bind].id.into();
                let call = Call::CompleteBindAdapterEx { bind_context, status: Status::RESOURCES };
                self.act(index, driver, Act::Call(call));
            }
            Act::AskUnbind(bind) => {
                let this = &self.drivers.binds[bind];
                if let Some(handle) = this.handle.filter(|_| (this.bound || this.fails) && !this.closing) {
                    self.call(index, driver, Call::UnbindAdapter { binding: handle.into() }, Some(bind));
                }
            }
            Act::AskBinds => {
                let protocol = last(&self.drivers.protocols, driver);
                if protocol != HandleArg::Null {
                    self.call(index, driver, Call::ReEnumerateProtocolBindings { protocol }, None);
                }
            }
            Act::CompleteUnbind(bind) => {
                let unbind_context = known(self.drivers.binds[bind].unbind.take());
                self.call(index, driver, Call::CompleteUnbindAdapterEx { unbind_context }, Some(bind));
            }
        }
    }

    /// A call manager that is already unbinding asks for the close of what it has just opened.
    fn notify_if_leaving(&mut self, af: usize) {
        let this = &self.drivers.afs[af];
        let Some((manager, _)) = this.manager.filter(|_| this.granted) else { return };
        let adapter = this.adapter;
        let leaving =
            |bind: &Bind| bind.driver == manager && bind.adapter == adapter && bind.unbind.is_some();
        if self.drivers.binds.iter().any(leaving) {
            self.owed.push((manager, Act::Notify(af)));
        }
    }

    /// A call returned to the driver that made it.
    fn call_returned(
        &mut self,
        index: usize,
        driver: DriverId,
        ddi: Ddi,
        about: Option<usize>,
        status: Status,
    ) {
        match ddi {
            Ddi::NdisOpenAdapterEx if status == Status::PENDING => {
                if let Some(Level::Handler { reply, .. }) = self.tasks[index].stack.last_mut() {
                    reply.status = Status::PENDING;
                }
            }
            Ddi::NdisOpenAdapterEx => {
                let bind = about.unwrap();
                if status == Status::SUCCESS && self.random.one_in(6) {
                    self.drivers.binds[bind].fails = true;
                    if let Some(Level::Handler { reply, .. }) = self.tasks[index].stack.last_mut() {
                        reply.status = Status::PENDING;
                    }
                    self.owed.push((driver, Act::AskUnbind(bind)));
                    return;
                }
                let mut more: Vec<Act> = self.register(bind).into_iter().collect();
                if self.random.one_in(3) && more.is_empty() {
                    let done = self.bind_done(bind);
                    self.promise(driver, done, &mut more);
                    if let Some(Level::Handler { reply, .. }) = self.tasks[index].stack.last_mut() {
                        reply.status = Status::PENDING;
                    }
                }
                if let Some(Level::Handler { acts, .. }) = self.tasks[index].stack.last_mut() {
                    acts.extend(more);
                }
            }
            Ddi::NdisClOpenAddressFamilyEx if status != Status::PENDING => {
                let af = about.unwrap();
                self.open_over(af, status);
                self.notify_if_leaving(af);
            }
            Ddi::NdisClCloseAddressFamily => {
                let af = about.unwrap();
                match status {
                    Status::SUCCESS => self.close_over(af),
                    Status::PENDING => {}
                    _ => {
                        self.drivers.afs[af].closing = false;
                        self.owed.push((driver, Act::Close(af)));
                    }
                }
            }
            Ddi::NdisCmNotifyCloseAddressFamily if status != Status::PENDING => {
                self.notified(about.unwrap(), status);
            }
            Ddi::NdisCloseAdapterEx if status == Status::SUCCESS => {
                let bind = about.unwrap();
                let this = &mut self.drivers.binds[bind];
                if this.returns {
                    this.unbind = None;
                    if this.fails {
                        // The handler is about to return; who completes the bind cannot see when NDIS knows.
                        self.owed.push((driver, Act::FailBind(bind)));
                    }
                } else {
                    self.owed.push((driver, Act::CompleteUnbind(bind)));
                }
            }
            Ddi::NdisCompleteUnbindAdapterEx if self.drivers.binds[about.unwrap()].fails => {
                self.owed.push((driver, Act::FailBind(about.unwrap())));
            }
            _ => self.connection_returned(driver, ddi, about, status),
        }
    }
}

impl Running {
    fn task_number(&self) -> TaskNumber {
        self.number
    }

    /// The task as one that can never go on, if it waits.
    fn stuck(&self) -> Option<Stuck> {
        let is_idle = matches!(self.stack.last(), Some(Level::Handler { acts, .. }) if acts.is_empty());
        let waits_for = match self.waits {
            Some((_, condition)) => WaitsFor::Ndis(condition),
            None if is_idle => WaitsFor::Object(Token(1)),
            None => return None,
        };
        let mut frames = Vec::new();
        for level in &self.stack {
            match level {
                Level::Handler { driver, callback, .. } => {
                    frames.push(Frame { driver: *driver, callback: Some(**callback), call: None });
                }
                Level::Routine { driver, .. } => {
                    frames.push(Frame { driver: *driver, callback: None, call: None });
                }
                Level::Call { .. } | Level::Job => {}
            }
        }
        Some(Stuck { task: self.number, frames, waits_for })
    }
}

/// What came of a turn.
enum Turn {
    Done,
    /// Nothing is left to do.
    Over,
    /// Tasks are left, and none can go on.
    Stuck,
}

/// An MCM has no VC handlers as a miniport.
fn set_handlers(handle: Handle, object_type: u8, with_vcs: bool) -> Act {
    let of_vcs = |ddi: &Ddi| matches!(ddi, Ddi::MiniportCoCreateVc | Ddi::MiniportCoDeleteVc);
    let handlers = OptionalHandlers {
        header: header(object_type, 160),
        handlers: Ddi::ALL.iter().copied().filter(|ddi| with_vcs || !of_vcs(ddi)).collect(),
        shared_oid_handler: false,
    };
    Act::Call(Call::SetOptionalHandlers { handle: handle.into(), handlers })
}

/// Whether the page allows what a driver has promised at `DISPATCH_LEVEL`.
fn may_be_raised(act: Act) -> bool {
    match act {
        Act::Call(call) => call.ddi().info().irql != Some(contract::MaxIrql::Passive),
        Act::Close(_)
        | Act::CompleteClose(_)
        | Act::CompleteNotification(_)
        | Act::CompleteUnbind(_)
        | Act::FailBind(_)
        | Act::AskUnbind(_)
        | Act::Do(_)
        | Act::Refuse(_) => true,
        Act::Open(..) | Act::Notify(_) | Act::CloseAdapter(_) | Act::AskBinds => false,
    }
}

#[test]
fn drivers_that_keep_the_rules_are_never_reported() {
    let (mut seen, mut undone) = (Seen::default(), 0);
    for seed in 0..4000 {
        let mut play = Play::new(seed);
        for driver in DRIVERS {
            let turns = play.random.below(40);
            play.drain(turns, false);
            play.command(Command::Load(driver));
        }
        ADAPTERS.iter().for_each(|&adapter| play.command(Command::Start(adapter)));
        for _ in 0..play.random.below(8) {
            let turns = play.random.below(200);
            play.drain(turns, false);
            let adapter = ADAPTERS[play.random.below(2)];
            let protocol = [CLIENT, CM, SECOND_CLIENT][play.random.below(3)];
            let command = match play.random.below(7) {
                0 => Command::Stop(adapter),
                1 => Command::Start(adapter),
                2 => Command::SetPower(adapter, [Power::D0, Power::D3][play.random.below(2)]),
                3 => Command::Unbind(protocol, adapter),
                4 => Command::Bind(protocol, adapter),
                5 => Command::NetPnPEvent(protocol, adapter, NetEvent::Reconfigure),
                _ => Command::SurpriseRemove(adapter),
            };
            match play.random.below(6) {
                0 => play.owed.push((protocol, Act::AskBinds)),
                1 => {
                    let mut binds = (0..play.drivers.binds.len()).rev();
                    if let Some(bind) = binds.find(|&bind| play.drivers.binds[bind].driver == protocol) {
                        play.owed.push((protocol, Act::AskUnbind(bind)));
                    }
                }
                _ => play.command(command),
            }
        }
        play.drain(100_000, true);
        let rests = |play: &mut Play| {
            let findings = play.findings();
            assert!(findings.is_empty(), "{}\n{findings:#?}", play.told());
        };
        rests(&mut play);
        ADAPTERS.iter().for_each(|&adapter| play.command(Command::Stop(adapter)));
        play.drain(100_000, true);
        rests(&mut play);
        DRIVERS.iter().for_each(|&driver| play.command(Command::Unload(driver)));
        play.drain(100_000, true);
        rests(&mut play);
        assert_eq!(verify::audit(&play.trace, play.stop_order, verify::Ending::AtRest), []);
        undone += play.drivers.binds.iter().filter(|bind| bind.fails && bind.closing).count();
        seen.count(&play.trace);
    }
    assert!(undone > 200, "{undone} binds were undone");
    let handlers = Ddi::ALL.iter().filter(|&&ddi| Callback::argument_names(ddi).is_some());
    for &handler in handlers.filter(|&&ddi| ddi != Ddi::ProtocolUninstall) {
        let replies = seen.replies.iter().filter(|((ddi, _), _)| *ddi == handler);
        assert!(replies.map(|(_, count)| count).sum::<usize>() > 100, "{handler}: {seen:#?}");
    }
    let (refused, dropped) = (Status::FAILURE, Status::SUCCESS);
    for (ddi, status) in [
        (Ddi::NdisCmNotifyCloseAddressFamily, refused),
        (Ddi::NdisMCmCreateVc, refused),
        (Ddi::NdisCmDispatchIncomingCall, refused),
        (Ddi::NdisClDropParty, refused),
        (Ddi::NdisClIncomingCallComplete, dropped),
        (Ddi::NdisCmDispatchCallConnected, dropped),
        (Ddi::NdisCmDispatchIncomingCallQoSChange, dropped),
        (Ddi::NdisCmDispatchIncomingCloseCall, dropped),
        (Ddi::NdisCmDispatchIncomingDropParty, dropped),
    ] {
        assert!(seen.alone.contains_key(&(ddi, status)), "{ddi} {status}: {seen:#?}");
    }
    assert!(seen.replies[&(Ddi::ProtocolClNotifyCloseAf, Status::FAILURE)] > 20, "{seen:#?}");
}

/// The rule that a driver breaks which never does what it has promised.
fn promised(act: Act) -> Option<Rule> {
    match act {
        Act::CompleteClose(_) => Some(Rule::AfCmCloseCompleteRequired),
        Act::Do(deed) => connections::promised(deed),
        _ => None,
    }
}

#[test]
fn what_one_driver_forgets_is_the_one_finding() {
    let mut found = BTreeMap::new();
    for seed in 0..3000 {
        let mut play = Play::new(seed);
        play.forgets = Forgets::After(play.random.below(25));
        DRIVERS.into_iter().for_each(|driver| play.command(Command::Load(driver)));
        ADAPTERS.iter().for_each(|&adapter| play.command(Command::Start(adapter)));
        let turns = play.random.below(600);
        play.drain(turns, false);
        if play.random.one_in(2) {
            ADAPTERS.iter().for_each(|&adapter| play.command(Command::Stop(adapter)));
        }
        play.drain_until_idle();
        let findings = play.findings();
        let Forgets::Forgot(by, rule) = play.forgets else { continue };
        let violations: Vec<_> =
            findings.iter().map(|finding| (finding.violation.by, finding.violation.rule)).collect();
        if rule == Rule::CallIncomingCompleteRequired && violations.is_empty() {
            // The call was closed meanwhile, and the VC deleted.
            continue;
        }
        assert_eq!(violations, [(by, rule)], "{}\nseed {seed}: {findings:#?}", play.told());
        *found.entry(rule).or_insert(0) += 1;
    }
    assert!(found.len() == 11 && found.values().all(|&count| count > 5), "{found:#?}");
}

/// What has happened how often in all executions.
#[derive(Debug, Default)]
struct Seen {
    replies: BTreeMap<(Ddi, Status), usize>,
    /// Calls that led to no handler.
    alone: BTreeMap<(Ddi, Status), usize>,
}

impl Seen {
    fn count(&mut self, trace: &[Record]) {
        for (index, record) in trace.iter().enumerate() {
            if let Event::Replied(_, ddi, reply) = record.event {
                *self.replies.entry((ddi, reply.status)).or_default() += 1;
            }
            if let Event::Called(_, call) = record.event {
                let next = trace[index + 1..].iter().find(|next| next.task == record.task);
                if let Some(Event::Returned(_, ddi, status)) = next.map(|next| next.event)
                    && ddi == call.ddi()
                {
                    *self.alone.entry((ddi, status)).or_default() += 1;
                }
            }
        }
    }
}
