//! The state of one execution: world, drivers, tasks, clock, and what may go next. It lies in the arena.
//!
//! Everything here is called through [`arena::execution`], alone and for a short time: no method runs driver code.

use crate::Driver;
use crate::arena::{self, TaskStack};
use crate::kernel::Objects;
use crate::outcome::Limit;
use crate::processor;
use crate::strategy::{Candidate, Next};
use crate::task::{Origin, State, Task};
use contract::Rule;
use model::record::{
    Event, Finding, Irql, Link, Monitor, Record, Rest, Routine, Stuck, TaskNumber, WaitsFor,
};
use model::{
    Command, Condition, Config, DriverId, Input, Job, Notice, Object, Step, TaskId, Violation, World,
};
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// What an execution consists of.
pub struct Setup {
    /// How the world is laid out.
    pub world: Config,
    /// The drivers, in the order of their ids.
    pub drivers: Vec<Box<dyn Driver>>,
    /// What the environment does, in this order.
    pub program: Vec<Act>,
    /// How many virtual processors there are: 1 to [`processor::COUNT_MAX`].
    pub processors: u8,
    /// The bounds.
    pub limits: Limits,
    /// Who watches.
    pub monitors: Vec<Box<dyn Monitor>>,
}

/// One act of the program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Act {
    /// The environment acts. It may do so at any scheduling point after the act before.
    Command(Command),
    /// Puts a routine of a driver's own into the queue, as if something had queued it.
    Run(DriverId, Routine),
    /// The program goes on only when everything is at rest: nothing can run, and no deadline is left that matters
    /// ([`Limits::idle_deadlines`]).
    Rest,
}

/// The bounds of one execution. A bound that is hit is reported ([`Outcome::Bounded`](crate::Outcome::Bounded)), never passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Scheduling points.
    pub steps: u32,
    /// Tasks that may be started in all. At most [`arena::STACK_COUNT`] can be alive at once.
    pub tasks: u16,
    /// The execution's clock, in units of 100 nanoseconds since its beginning.
    pub time: u64,
    /// Bytes of the arena's heap.
    pub memory: usize,
    /// Records of the trace.
    pub records: usize,
    /// How often a timer may expire, or a task wake from a sleep or time-out, while nothing else happens, before that
    /// counts as rest. A driver that polls for ever is otherwise never at rest.
    pub idle_deadlines: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            steps: 100_000,
            tasks: 10_000,
            time: 36_000_000_000,
            memory: 128 << 20,
            records: 1_000_000,
            idle_deadlines: 256,
        }
    }
}

/// A routine of a driver's that waits for its task.
pub(crate) struct Queued {
    pub(crate) driver: DriverId,
    pub(crate) routine: Routine,
    pub(crate) task: TaskId,
    /// Where it must run: a DPC belongs to the processor that queued it.
    pub(crate) processor: Option<u8>,
    /// Whether nothing but the passing of time put it here.
    pub(crate) timed: bool,
}

/// How often something has woken since the execution last made progress.
#[derive(Clone, Copy, Default)]
pub(crate) struct Idle {
    epoch: u32,
    count: u32,
}

impl Idle {
    pub(crate) fn woke(&mut self, epoch: u32) {
        self.count = if self.epoch == epoch { self.count + 1 } else { 1 };
        self.epoch = epoch;
    }

    pub(crate) fn count(self, epoch: u32) -> u32 {
        if self.epoch == epoch { self.count } else { 0 }
    }
}

pub(crate) struct Execution {
    pub(crate) world: World,
    drivers: Vec<Rc<dyn Driver>>,
    monitors: Vec<Box<dyn Monitor>>,
    program: Vec<Act>,
    next_act: usize,
    environment: model::Task,
    /// The ids that jobs have got, since the same job may start more than once.
    job_tasks: BTreeSet<TaskId>,
    processors: u8,
    pub(crate) limits: Limits,
    /// By number.
    pub(crate) tasks: Vec<Task>,
    /// The index of the task that runs, or that ran last.
    pub(crate) running: usize,
    last: Option<TaskNumber>,
    started: u16,
    pub(crate) queue: Vec<Queued>,
    pub(crate) objects: Objects,
    pub(crate) time: u64,
    /// Counts what is more than the passing of time.
    pub(crate) epoch: u32,
    steps: u32,
    points: u32,
    records: usize,
    /// What the world may start; only a step changes it.
    jobs: Option<Vec<Job>>,
    candidates: Vec<Candidate>,
    /// Whether `candidates` are those of the present state.
    enumerated: bool,
    /// Whether the runner wants to look at every scheduling point.
    pub(crate) watched: bool,
    notices: Vec<Notice>,
    broken: Option<Violation>,
    bounded: Option<Limit>,
}

/// The number of the environment in records; tasks have theirs from 1 on.
const ENVIRONMENT: TaskNumber = TaskNumber(0);

impl Execution {
    pub(crate) fn new(setup: Setup) -> Execution {
        Execution {
            world: World::new(setup.world),
            drivers: setup.drivers.into_iter().map(Rc::from).collect(),
            monitors: setup.monitors,
            program: setup.program,
            next_act: 0,
            environment: model::Task::new(TaskId::ENVIRONMENT),
            job_tasks: BTreeSet::new(),
            processors: setup.processors,
            limits: setup.limits,
            tasks: Vec::new(),
            running: 0,
            last: None,
            started: 0,
            queue: Vec::new(),
            objects: Objects::default(),
            time: 0,
            epoch: 0,
            steps: 0,
            points: 0,
            records: 0,
            jobs: None,
            candidates: Vec::new(),
            enumerated: false,
            watched: false,
            notices: Vec::new(),
            broken: None,
            bounded: None,
        }
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn driver(&self, driver: DriverId) -> Rc<dyn Driver> {
        Rc::clone(&self.drivers[usize::from(driver.0)])
    }

    pub(crate) fn task(&mut self) -> &mut Task {
        &mut self.tasks[self.running]
    }

    // -------------------------------------------------------------------------------------------------- records

    /// Adds a line to the trace and shows it to the monitors.
    pub(crate) fn record(&mut self, event: Event, site: Option<u32>) {
        let task = &self.tasks[self.running];
        let record = Record {
            task: task.number,
            processor: processor::number(),
            irql: processor::irql(),
            depth: task.depth,
            time: self.time,
            site,
            event,
        };
        self.keep(record);
    }

    /// The same for what no task does.
    fn record_environment(&mut self, event: Event) {
        self.keep(Record {
            task: ENVIRONMENT,
            processor: 0,
            irql: Irql::PASSIVE,
            depth: 0,
            time: self.time,
            site: None,
            event,
        });
    }

    fn keep(&mut self, record: Record) {
        arena::notes(|notes| notes.trace.push(record));
        self.records += 1;
        if self.records >= self.limits.records {
            self.bound(Limit::Records);
        }
        if self.broken.is_none() {
            let world = &self.world;
            self.broken = self.monitors.iter_mut().find_map(|monitor| monitor.see(&record, world).err());
        }
    }

    /// Adds the line of a violation, of the running task or of the environment. The monitors do not see it: the
    /// execution is over.
    pub(crate) fn record_end(&mut self, violation: Violation, in_task: bool) {
        let task = self.tasks.get(self.running).filter(|_| in_task);
        let record = Record {
            task: task.map_or(ENVIRONMENT, |task| task.number),
            processor: task.map_or(0, |task| task.processor),
            irql: task.map_or(Irql::PASSIVE, |task| Irql(arena::read_level(task.processor) as u8)),
            depth: task.map_or(0, |task| task.depth),
            time: self.time,
            site: None,
            event: Event::Violated(violation),
        };
        arena::notes(|notes| notes.trace.push(record));
    }

    /// What a monitor has found meanwhile.
    pub(crate) fn take_broken(&mut self) -> Option<Violation> {
        self.broken.take()
    }

    pub(crate) fn bound(&mut self, limit: Limit) {
        self.bounded.get_or_insert(limit);
    }

    pub(crate) fn bounded(&self) -> Option<Limit> {
        self.bounded
    }

    /// Something happened that is more than the passing of time.
    pub(crate) fn progress(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    // ---------------------------------------------------------------------------------------------------- steps

    /// One input of the running task.
    pub(crate) fn step(&mut self, input: Input) -> Result<Step, Violation> {
        let raised = processor::irql() > Irql::PASSIVE;
        let task = &mut self.tasks[self.running];
        task.model.raised = raised;
        self.jobs = None;
        let notices = &mut self.notices;
        notices.clear();
        let step = self.world.step(&mut task.model, input, &mut |notice| notices.push(notice))?;
        self.record_notices(|execution, event| execution.record(event, None));
        Ok(step)
    }

    fn record_notices(&mut self, mut record: impl FnMut(&mut Execution, Event)) {
        let mut notices = std::mem::take(&mut self.notices);
        for notice in notices.drain(..) {
            record(
                self,
                match notice {
                    Notice::Warning(violation) => Event::Warned(violation),
                    Notice::Edge(object, from, to) => Event::Edge(object, from, to),
                },
            );
        }
        self.notices = notices;
    }

    fn command(&mut self, command: Command) -> Result<(), Violation> {
        self.record_environment(Event::Commanded(command));
        self.jobs = None;
        let notices = &mut self.notices;
        notices.clear();
        let step = self
            .world
            .step(&mut self.environment, Input::Commanded(command), &mut |notice| notices.push(notice))?;
        assert!(matches!(step, Step::Return(_)), "a command sets a goal and runs nothing: {step:?}");
        self.record_notices(Execution::record_environment);
        Ok(())
    }

    // ------------------------------------------------------------------------------------------ what may go next

    /// Counts a scheduling point against the limits.
    fn count_step(&mut self) {
        self.steps += 1;
        if self.steps >= self.limits.steps {
            self.bound(Limit::Steps);
        }
        if arena::used() >= self.limits.memory {
            self.bound(Limit::Memory);
        }
    }

    /// Which processors a task above `APC_LEVEL` holds, one bit each.
    fn held(&self) -> u32 {
        let raised = self.tasks.iter().filter(|task| task.irql >= Irql::DISPATCH);
        raised.fold(0, |held, task| held | 1 << task.processor)
    }

    fn is_free(&self, held: u32) -> bool {
        held.count_ones() < u32::from(self.processors)
    }

    fn is_ready(&self, task: &Task) -> bool {
        match task.state {
            State::Ready => true,
            State::Waiting(WaitsFor::Ndis(condition), _) => self.world.holds(condition),
            State::Spinning(lock) => self.objects.is_unlocked(lock),
            State::Waiting(WaitsFor::Object(_), _) | State::Sleeping(_) => false,
        }
    }

    /// Lists the candidates, the FIFO order's first.
    pub(crate) fn enumerate(&mut self) {
        if self.enumerated {
            return;
        }
        self.enumerated = true;
        loop {
            self.list();
            // At rest, the program passes over its `Rest`.
            if self.candidates.is_empty() && self.program.get(self.next_act) == Some(&Act::Rest) {
                self.next_act += 1;
            } else {
                return;
            }
        }
    }

    fn list(&mut self) {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        let held = self.held();
        let free = self.is_free(held);
        let goes = |task: &Task| (free || task.irql >= Irql::DISPATCH) && self.is_ready(task);
        let next = |task: &Task| match task.state {
            State::Ready => task.next,
            State::Waiting(WaitsFor::Ndis(_), _) => Next::Holds,
            State::Waiting(WaitsFor::Object(_), _) | State::Spinning(_) | State::Sleeping(_) => Next::Woken,
        };
        let last = self.last.and_then(|last| self.index(last));
        if let Some(task) = last.map(|last| &self.tasks[last]).filter(|task| goes(task)) {
            candidates.push(Candidate::Continue(task.number, next(task)));
        }
        for (index, task) in self.tasks.iter().enumerate() {
            if last != Some(index) && goes(task) {
                candidates.push(Candidate::Switch(task.number, next(task)));
            }
        }
        for (index, queued) in self.queue.iter().enumerate() {
            if self.may_start(index, queued, held) {
                candidates.push(Candidate::Start(queued.driver, queued.routine));
            }
        }
        if free {
            let world = &self.world;
            let jobs = self.jobs.get_or_insert_with(|| {
                let mut jobs = Vec::new();
                world.jobs(&mut jobs);
                jobs
            });
            candidates.extend(jobs.iter().map(|&job| Candidate::Job(job)));
        }
        match self.program.get(self.next_act) {
            Some(&Act::Command(command)) => candidates.push(Candidate::Command(command)),
            Some(&Act::Run(driver, routine)) => candidates.push(Candidate::Queue(driver, routine)),
            Some(Act::Rest) | None => {}
        }
        if let Some((deadline, matters)) = self.next_deadline()
            && (matters || !candidates.is_empty())
        {
            candidates.push(Candidate::Advance(deadline));
        }
        self.candidates = candidates;
    }

    /// Whether a queued routine may start: timers' DPCs in the order of their deadlines, other DPCs in their
    /// processor's order, work items and threads in any.
    fn may_start(&self, index: usize, queued: &Queued, held: u32) -> bool {
        let before = &self.queue[..index];
        match queued.routine {
            Routine::WorkItem(_) | Routine::Thread(_) => self.is_free(held),
            Routine::Timer(_) => {
                self.is_free(held) && !before.iter().any(|other| matches!(other.routine, Routine::Timer(_)))
            }
            Routine::Dpc(_) => {
                let earlier = |other: &Queued| {
                    matches!(other.routine, Routine::Dpc(_)) && other.processor == queued.processor
                };
                let processor_is_free = match queued.processor {
                    Some(processor) => held >> processor & 1 == 0,
                    None => self.is_free(held),
                };
                processor_is_free && !before.iter().any(earlier)
            }
        }
    }

    /// The next deadline, and whether any deadline is one that has not come up too often without effect.
    fn next_deadline(&self) -> Option<(u64, bool)> {
        let tasks = self.tasks.iter().filter_map(|task| Some((task.state.deadline()?, task.idle)));
        let (mut next, mut matters) = (None::<u64>, false);
        for (deadline, idle) in tasks.chain(self.objects.deadlines()) {
            next = Some(next.map_or(deadline, |next| next.min(deadline)));
            matters |= idle.count(self.epoch) < self.limits.idle_deadlines;
        }
        next.map(|next| (next, matters))
    }

    /// Whether the task at a scheduling point is the only candidate.
    pub(crate) fn only_continues(&self) -> bool {
        matches!(self.candidates[..], [Candidate::Continue(..)])
    }

    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The task at a scheduling point goes on without a choice.
    pub(crate) fn pass(&mut self) {
        self.enumerated = false;
        self.count_step();
    }

    pub(crate) fn points(&self) -> u32 {
        self.points
    }

    pub(crate) fn count_point(&mut self) {
        self.points += 1;
    }

    fn index(&self, number: TaskNumber) -> Option<usize> {
        self.tasks.binary_search_by_key(&number, |task| task.number).ok()
    }

    // -------------------------------------------------------------------------------------------------- choices

    /// Does what was chosen as far as no task is needed for it; gives back the index of the task to resume.
    pub(crate) fn choose(&mut self, candidate: Candidate) -> Result<Option<usize>, Violation> {
        self.enumerated = false;
        self.count_step();
        let result = match candidate {
            Candidate::Continue(number, _) | Candidate::Switch(number, _) => Ok(self.resume(number)),
            Candidate::Start(_, routine) => Ok(self.start_routine(routine)),
            Candidate::Job(job) => Ok(self.start_job(job)),
            Candidate::Command(command) => {
                self.next_act += 1;
                self.progress();
                self.command(command).map(|()| None)
            }
            Candidate::Queue(driver, routine) => {
                self.next_act += 1;
                self.progress();
                let task = self.environment.child();
                self.queue.push(Queued { driver, routine, task, processor: None, timed: false });
                Ok(None)
            }
            Candidate::Advance(time) => {
                self.advance(time);
                Ok(None)
            }
        };
        match self.broken.take() {
            Some(violation) => Err(violation),
            None => result,
        }
    }

    /// A processor for a task below `DISPATCH_LEVEL`: its own if it can, else one that nobody was on, else any.
    fn place(&self, wish: Option<u8>) -> u8 {
        let held = self.held();
        let is_free = |processor: &u8| held >> processor & 1 == 0;
        let is_idle = |processor: &u8| !self.tasks.iter().any(|task| task.processor == *processor);
        wish.filter(is_free)
            .or_else(|| (0..self.processors).filter(is_free).find(is_idle))
            .or_else(|| (0..self.processors).find(is_free))
            .expect("a candidate has a processor")
    }

    fn resume(&mut self, number: TaskNumber) -> Option<usize> {
        let index = self.index(number).expect("a candidate is a task");
        if self.tasks[index].irql < Irql::DISPATCH {
            self.tasks[index].processor = self.place(Some(self.tasks[index].processor));
        }
        let task = &mut self.tasks[index];
        let ended_wait = matches!(task.state, State::Waiting(WaitsFor::Ndis(_), _));
        task.state = State::Ready;
        if ended_wait {
            task.timed = false;
            self.progress();
        }
        Some(index)
    }

    fn start_routine(&mut self, routine: Routine) -> Option<usize> {
        let at = self.queue.iter().position(|queued| queued.routine == routine)?;
        let queued = self.queue.remove(at);
        self.objects.started(routine);
        let level = match routine {
            Routine::WorkItem(_) | Routine::Thread(_) => Irql::PASSIVE,
            Routine::Timer(_) | Routine::Dpc(_) => Irql::DISPATCH,
        };
        let origin = Origin::Routine(queued.driver, routine);
        self.start(queued.task, origin, level, queued.processor, queued.timed)
    }

    fn start_job(&mut self, job: Job) -> Option<usize> {
        self.progress();
        // A job's task is named after the job, not after the order in which jobs start. The upper half of the counts
        // is kept for this, and a count that is taken, by the same job or by an accident, is passed over.
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        job.hash(&mut hash);
        let mut count = (hash.finish() >> 32) as u32 | 0x8000_0000;
        let mut task = TaskId::ENVIRONMENT.child(count);
        while !self.job_tasks.insert(task) {
            count = count.wrapping_add(1) | 0x8000_0000;
            task = TaskId::ENVIRONMENT.child(count);
        }
        self.start(task, Origin::Job(job), Irql::PASSIVE, None, false)
    }

    fn start(
        &mut self,
        id: TaskId,
        origin: Origin,
        irql: Irql,
        processor: Option<u8>,
        timed: bool,
    ) -> Option<usize> {
        if self.started >= self.limits.tasks {
            self.bound(Limit::Tasks);
            return None;
        }
        let Some(stack) = TaskStack::new(move || crate::task::body(origin)) else {
            self.bound(Limit::Tasks);
            return None;
        };
        self.started += 1;
        let processor = self.place(processor);
        let (number, model) = (TaskNumber(self.started), model::Task::new(id));
        self.tasks.push(Task::new(number, model, origin, processor, irql, timed, stack));
        Some(self.tasks.len() - 1)
    }

    /// Takes the stack of a task, to run it; from now on it is the one that runs.
    pub(crate) fn take_stack(&mut self, index: usize) -> TaskStack {
        let task = &mut self.tasks[index];
        self.running = index;
        self.last = Some(task.number);
        processor::switch(task.processor, task.irql);
        task.stack.take().expect("a task that does not run has its stack")
    }

    /// The task suspended itself, or is over.
    pub(crate) fn put_stack(&mut self, stack: TaskStack, over: bool) {
        if over {
            let task = self.tasks.remove(self.running);
            arena::write_level(task.processor, 0);
            drop(stack);
        } else {
            let task = &mut self.tasks[self.running];
            task.stack = Some(stack);
        }
    }

    fn advance(&mut self, time: u64) {
        self.time = time;
        if time > self.limits.time {
            self.bound(Limit::Time);
            return;
        }
        for task in &mut self.tasks {
            if task.state.deadline().is_some_and(|deadline| deadline <= time) {
                if let State::Waiting(WaitsFor::Object(token), _) = task.state {
                    self.objects.forget_waiter(token, task.number);
                }
                task.idle.woke(self.epoch);
                task.state = State::Ready;
                task.next = Next::Woken;
                task.came = false;
                task.timed = true;
            }
        }
        for number in self.objects.expire(time, self.epoch, &mut self.queue) {
            self.wake_by(number, true);
        }
    }

    /// The running task lets another go on.
    pub(crate) fn wake(&mut self, number: TaskNumber) {
        let timed = self.task().timed;
        self.wake_by(number, timed);
    }

    fn wake_by(&mut self, number: TaskNumber, timed: bool) {
        if let Some(index) = self.index(number) {
            let task = &mut self.tasks[index];
            task.state = State::Ready;
            task.next = Next::Woken;
            task.came = true;
            task.timed = timed;
            if !timed {
                self.progress();
            }
        }
    }

    // ----------------------------------------------------------------------------------------------------- rest

    /// Whether timers are still armed, or tasks still asleep, that have come up without effect too often.
    pub(crate) fn ticks(&self) -> bool {
        self.next_deadline().is_some()
    }

    /// Judges an execution without candidates.
    pub(crate) fn at_rest(&mut self) -> Vec<Finding> {
        let stuck: Vec<Stuck> = self.tasks.iter().filter_map(Task::stuck).collect();
        let rest = Rest { world: &self.world, debts: self.world.pending(), stuck };
        let mut findings = Vec::new();
        for monitor in &mut self.monitors {
            findings.append(&mut monitor.at_rest(&rest));
        }
        let explained = |task: TaskNumber| {
            let mut links = findings.iter().flat_map(|finding| &finding.chain);
            links.any(|link| matches!(link, Link::Task(other, ..) if *other == task))
        };
        let unexplained: Vec<&Stuck> = rest.stuck.iter().filter(|stuck| !explained(stuck.task)).collect();
        if let Some(first) = unexplained.first() {
            let by = blamed(first);
            let chain = unexplained.iter().map(|stuck| {
                let callback = stuck.frames.last().and_then(|frame| frame.callback);
                Link::Task(
                    stuck.task,
                    blamed(stuck),
                    callback.map(|callback| callback.ddi()),
                    stuck.waits_for,
                )
            });
            let violation = Violation {
                rule: Rule::KernelDeadlock,
                by,
                object: Object::Driver(by),
                offence: "waits for something that can no longer happen",
            };
            findings.push(Finding { violation, chain: chain.collect() });
        }
        findings
    }
}

/// The driver whose code waits, or that NDIS waits for.
fn blamed(stuck: &Stuck) -> DriverId {
    match (stuck.frames.last(), stuck.waits_for) {
        (Some(frame), _) => frame.driver,
        (None, WaitsFor::Ndis(Condition::Unbound(driver))) => driver,
        (None, WaitsFor::Object(_)) => unreachable!("only a driver waits for an object"),
    }
}

/// FNV-1a: the same on every machine and in every process.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
