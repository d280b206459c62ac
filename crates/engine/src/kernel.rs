//! Kernel objects: events, spin locks, timers, work items, DPCs, threads, and the memory they lie in.
//!
//! An object is keyed by its address and adopted at its first use, since header inlines initialise some without a call.
//! An event hands itself to its waiters when it is set, as the kernel does, so that a reset right behind the set loses
//! nobody; a spin lock that is released goes to whichever task the scheduler lets go on first.

use crate::call::violation;
use crate::execution::{Execution, Idle, Queued};
use crate::processor;
use crate::strategy::Next;
use crate::task::{State, block, point, transact};
use contract::Rule;
use model::record::{Event, Irql, KernelCall, ObjectKind, Operation, Routine, TaskNumber, WaitsFor};
use model::{DriverId, Token, Violation};
use std::collections::BTreeMap;

/// What a driver's call of the kernel does. The answer is what [`Operation`] documents, 0 where it documents none.
///
/// A scheduling point, unless nobody else can see the operation ([`Operation::Other`], [`Operation::Allocate`]). Does not return when a
/// violation ends the execution: a call above its level, a wait at `DISPATCH_LEVEL` or with a spin lock held, a lock
/// acquired twice or released by another, a level that is raised downwards or lowered upwards, memory freed that holds an object in use.
///
/// # Panics
/// No task runs driver code.
pub fn kernel(call: KernelCall) -> u64 {
    if is_visible(call.operation) {
        point(Next::Kernel(call.operation));
    }
    match transact(|execution| execution.kernel(call)) {
        Effect::Done(answer) => answer,
        Effect::Block(state) => block(state).into(),
        Effect::Spin { lock, old } => {
            block(State::Spinning(lock));
            transact(|execution| execution.take_lock(lock));
            old.0.into()
        }
    }
}

fn is_visible(operation: Operation) -> bool {
    match operation {
        Operation::Initialize(..)
        | Operation::Set(_)
        | Operation::Reset(_)
        | Operation::Read(_)
        | Operation::Wait(..)
        | Operation::Acquire { .. }
        | Operation::Release { .. }
        | Operation::Queue(_)
        | Operation::Arm { .. }
        | Operation::Cancel(_)
        | Operation::Free(_)
        | Operation::RaiseIrql(_)
        | Operation::LowerIrql(_)
        | Operation::Sleep(_) => true,
        // Nobody else knows the memory yet.
        Operation::Allocate(..) | Operation::Other => false,
    }
}

/// What is left to do for a call, outside of the execution's state.
enum Effect {
    Done(u64),
    /// The answer is whether what is waited for came.
    Block(State),
    Spin {
        lock: Token,
        old: Irql,
    },
}

/// What a kernel object is and how it stands.
enum Object {
    /// `clears`: one waiter takes it.
    Event {
        clears: bool,
        set: bool,
        waiters: Vec<TaskNumber>,
    },
    Lock {
        holder: Option<TaskNumber>,
    },
    Timer(Timer),
    WorkItem {
        queued: bool,
    },
    Dpc {
        queued: bool,
    },
    Thread {
        begun: bool,
        over: bool,
        waiters: Vec<TaskNumber>,
    },
}

#[derive(Default)]
struct Timer {
    armed: Option<Armed>,
    /// Whether its routine waits for a task.
    queued: bool,
    /// Whether it has expired since it was armed: what a wait for the timer asks.
    expired: bool,
    waiters: Vec<TaskNumber>,
    idle: Idle,
}

struct Armed {
    deadline: u64,
    /// Orders timers with one deadline.
    order: u64,
    period: Option<u64>,
    driver: DriverId,
    /// The tasks of its routine are children of this.
    parent: model::Task,
}

impl Object {
    fn new(kind: ObjectKind) -> Object {
        match kind {
            ObjectKind::NotificationEvent { set } => {
                Object::Event { clears: false, set, waiters: Vec::new() }
            }
            ObjectKind::SynchronizationEvent { set } => {
                Object::Event { clears: true, set, waiters: Vec::new() }
            }
            ObjectKind::SpinLock => Object::Lock { holder: None },
            ObjectKind::Timer => Object::Timer(Timer::default()),
            ObjectKind::WorkItem => Object::WorkItem { queued: false },
            ObjectKind::Dpc => Object::Dpc { queued: false },
            ObjectKind::Thread => Object::Thread { begun: false, over: false, waiters: Vec::new() },
        }
    }

    /// How it is in use, so that its memory may not be freed or become another object.
    fn in_use(&self) -> Option<&'static str> {
        match self {
            Object::Event { waiters, .. } => {
                (!waiters.is_empty()).then_some("an event that a thread waits for")
            }
            Object::Lock { holder } => holder.is_some().then_some("a spin lock that is held"),
            Object::Timer(timer) if timer.armed.is_some() => Some("a timer that is armed"),
            Object::Timer(timer) if timer.queued => Some("a timer whose routine is queued"),
            Object::Timer(timer) => (!timer.waiters.is_empty()).then_some("a timer that a thread waits for"),
            Object::WorkItem { queued } => queued.then_some("a work item that is queued"),
            Object::Dpc { queued } => queued.then_some("a DPC that is queued"),
            Object::Thread { waiters, .. } => {
                (!waiters.is_empty()).then_some("a thread that another waits for")
            }
        }
    }

    fn is_event(&self) -> bool {
        matches!(self, Object::Event { .. })
    }

    fn is_lock(&self) -> bool {
        matches!(self, Object::Lock { .. })
    }

    fn is_timer(&self) -> bool {
        matches!(self, Object::Timer(_))
    }

    fn is_queueable(&self) -> bool {
        matches!(self, Object::WorkItem { .. } | Object::Dpc { .. } | Object::Thread { .. })
    }

    fn is_waitable(&self) -> bool {
        matches!(self, Object::Event { .. } | Object::Timer(_) | Object::Thread { .. })
    }

    fn waiters(&mut self) -> Option<&mut Vec<TaskNumber>> {
        match self {
            Object::Event { waiters, .. } | Object::Thread { waiters, .. } => Some(waiters),
            Object::Timer(timer) => Some(&mut timer.waiters),
            Object::Lock { .. } | Object::WorkItem { .. } | Object::Dpc { .. } => None,
        }
    }

    /// A look at a waitable object: whether a wait for it is over, which takes an event that clears.
    fn take(&mut self) -> bool {
        match self {
            Object::Event { clears, set, .. } => {
                let came = *set;
                *set &= !*clears;
                came
            }
            Object::Timer(timer) => timer.expired,
            Object::Thread { over, .. } => *over,
            Object::Lock { .. } | Object::WorkItem { .. } | Object::Dpc { .. } => false,
        }
    }
}

/// All kernel objects of an execution.
#[derive(Default)]
pub(crate) struct Objects {
    by_token: BTreeMap<Token, Object>,
    /// Allocated blocks with their sizes.
    blocks: BTreeMap<Token, u64>,
    /// The armed timers, in the order in which they expire.
    armed: BTreeMap<(u64, u64), Token>,
    /// How often any timer was armed.
    arms: u64,
}

impl Objects {
    /// The object at an address, adopted as `kind` if there is none or one that this use shows to be gone.
    fn adopt(
        &mut self,
        token: Token,
        fits: fn(&Object) -> bool,
        kind: ObjectKind,
        by: DriverId,
    ) -> Result<&mut Object, Violation> {
        let object = self.by_token.entry(token).or_insert_with(|| Object::new(kind));
        if !fits(object) {
            if let Some(offence) = object.in_use() {
                return Err(violation(Rule::KernelObjectInUse, by, offence));
            }
            *object = Object::new(kind);
        }
        Ok(object)
    }

    fn timer(&mut self, token: Token, by: DriverId) -> Result<&mut Timer, Violation> {
        let object = self.adopt(token, Object::is_timer, ObjectKind::Timer, by)?;
        let Object::Timer(timer) = object else { unreachable!("adopted as a timer") };
        Ok(timer)
    }

    fn lock(&mut self, token: Token, by: DriverId) -> Result<&mut Option<TaskNumber>, Violation> {
        let object = self.adopt(token, Object::is_lock, ObjectKind::SpinLock, by)?;
        let Object::Lock { holder } = object else { unreachable!("adopted as a lock") };
        Ok(holder)
    }

    const UNSET: ObjectKind = ObjectKind::NotificationEvent { set: false };

    pub(crate) fn is_unlocked(&self, lock: Token) -> bool {
        !matches!(self.by_token.get(&lock), Some(Object::Lock { holder: Some(_) }))
    }

    /// A waiter goes on for another reason.
    pub(crate) fn forget_waiter(&mut self, token: Token, task: TaskNumber) {
        if let Some(waiters) = self.by_token.get_mut(&token).and_then(Object::waiters) {
            waiters.retain(|waiter| *waiter != task);
        }
    }

    /// A queued routine has got its task.
    pub(crate) fn started(&mut self, routine: Routine) {
        let (Routine::WorkItem(token) | Routine::Timer(token) | Routine::Dpc(token) | Routine::Thread(token)) =
            routine;
        match self.by_token.get_mut(&token) {
            Some(Object::WorkItem { queued } | Object::Dpc { queued }) => *queued = false,
            Some(Object::Timer(timer)) => timer.queued = false,
            Some(Object::Thread { .. } | Object::Event { .. } | Object::Lock { .. }) | None => {}
        }
    }

    /// A thread is over; gives back who waited for that.
    pub(crate) fn thread_over(&mut self, thread: Token) -> Vec<TaskNumber> {
        match self.by_token.get_mut(&thread) {
            Some(Object::Thread { over, waiters, .. }) => {
                *over = true;
                std::mem::take(waiters)
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// The deadlines of the armed timers.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = (u64, Idle)> + '_ {
        self.armed.iter().map(|(&(deadline, _), token)| match self.by_token.get(token) {
            Some(Object::Timer(timer)) => (deadline, timer.idle),
            Some(_) | None => unreachable!("an armed timer stays one"),
        })
    }

    /// Lets the timers expire that are due, in the order of their deadlines; gives back who waited for them.
    pub(crate) fn expire(&mut self, time: u64, epoch: u32, queue: &mut Vec<Queued>) -> Vec<TaskNumber> {
        let mut woken = Vec::new();
        while let Some((&(deadline, order), &token)) = self.armed.first_key_value()
            && deadline <= time
        {
            self.armed.remove(&(deadline, order));
            let Some(Object::Timer(timer)) = self.by_token.get_mut(&token) else { continue };
            let Some(armed) = &mut timer.armed else { continue };
            timer.expired = true;
            timer.idle.woke(epoch);
            woken.append(&mut timer.waiters);
            if !timer.queued {
                timer.queued = true;
                let (driver, task) = (armed.driver, armed.parent.child());
                queue.push(Queued {
                    driver,
                    routine: Routine::Timer(token),
                    task,
                    processor: None,
                    timed: true,
                });
            }
            match armed.period {
                Some(period) => {
                    armed.deadline = deadline.saturating_add(period.max(1));
                    self.armed.insert((armed.deadline, order), token);
                }
                None => timer.armed = None,
            }
        }
        woken
    }

    /// Disarms a timer; whether it was armed.
    fn disarm(&mut self, token: Token) -> bool {
        match self.by_token.get_mut(&token) {
            Some(Object::Timer(timer)) => match timer.armed.take() {
                Some(armed) => self.armed.remove(&(armed.deadline, armed.order)).is_some(),
                None => false,
            },
            Some(_) | None => false,
        }
    }

    fn has_armed(&self, driver: DriverId) -> bool {
        self.armed.values().any(|token| match self.by_token.get(token) {
            Some(Object::Timer(Timer { armed: Some(armed), .. })) => armed.driver == driver,
            Some(_) | None => false,
        })
    }

    fn free(&mut self, token: Token, by: DriverId) -> Result<(), Violation> {
        let size = self.blocks.get(&token).copied().unwrap_or(1).max(1);
        let range = token..Token(token.0.saturating_add(size));
        if let Some(offence) = self.by_token.range(range.clone()).find_map(|(_, object)| object.in_use()) {
            return Err(violation(Rule::KernelObjectInUse, by, offence));
        }
        self.blocks.remove(&token);
        while let Some((&inside, _)) = self.by_token.range(range.clone()).next() {
            self.by_token.remove(&inside);
        }
        Ok(())
    }
}

impl Execution {
    /// Records a call and does what can be done at once.
    fn kernel(&mut self, call: KernelCall) -> Result<Effect, Violation> {
        let task = self.task();
        let by = task.model.driver.expect("a driver calls");
        let site = task.site.take();
        self.record(Event::Kernel(by, call), site);
        let irql = processor::irql();
        if !irql.within(call.max_irql) {
            let rule = match call.operation {
                Operation::Wait(..) | Operation::Sleep(_) => Rule::KernelWaitIrql,
                Operation::Initialize(..)
                | Operation::Set(_)
                | Operation::Reset(_)
                | Operation::Read(_)
                | Operation::Acquire { .. }
                | Operation::Release { .. }
                | Operation::Queue(_)
                | Operation::Arm { .. }
                | Operation::Cancel(_)
                | Operation::Allocate(..)
                | Operation::Free(_)
                | Operation::RaiseIrql(_)
                | Operation::LowerIrql(_)
                | Operation::Other => Rule::KernelIrql,
            };
            return Err(violation(rule, by, "called above its IRQL"));
        }
        let answer = match call.operation {
            Operation::Initialize(token, kind) => {
                if let Some(offence) = self.objects.by_token.get(&token).and_then(Object::in_use) {
                    return Err(violation(Rule::KernelObjectInUse, by, offence));
                }
                self.objects.by_token.insert(token, Object::new(kind));
                0
            }
            Operation::Set(token) => self.set(token, by)?.into(),
            Operation::Reset(token) => self.reset(token, by)?.into(),
            Operation::Read(token) => {
                let object = self.objects.adopt(token, Object::is_waitable, Objects::UNSET, by)?;
                match object {
                    Object::Event { set, .. } => u64::from(*set),
                    Object::Timer(_)
                    | Object::Thread { .. }
                    | Object::Lock { .. }
                    | Object::WorkItem { .. }
                    | Object::Dpc { .. } => object.take().into(),
                }
            }
            Operation::Wait(token, timeout) => return self.wait(token, timeout, by),
            Operation::Acquire { lock, raise } => return self.acquire(lock, raise, by),
            Operation::Release { lock, irql } => {
                self.release(lock, by)?;
                if let Some(irql) = irql {
                    processor::set_irql(irql);
                }
                0
            }
            Operation::Queue(token) => self.enqueue(token, by)?.into(),
            Operation::Arm { timer, due, period } => self.arm(timer, due, period, by)?.into(),
            Operation::Cancel(token) => self.cancel(token).into(),
            Operation::Allocate(token, size) => {
                self.objects.blocks.insert(token, size);
                0
            }
            Operation::Free(token) => {
                self.objects.free(token, by)?;
                0
            }
            Operation::RaiseIrql(level) if level < irql => {
                return Err(violation(Rule::KernelIrqlLower, by, "raised the level to one that is lower"));
            }
            Operation::LowerIrql(level) if level > irql => {
                return Err(violation(Rule::KernelIrqlLower, by, "lowered the level to one that is higher"));
            }
            Operation::RaiseIrql(level) | Operation::LowerIrql(level) => processor::set_irql(level).0.into(),
            Operation::Sleep(time) => {
                self.may_wait(by)?;
                return Ok(Effect::Block(State::Sleeping(self.time.saturating_add(time))));
            }
            Operation::Other => 0,
        };
        Ok(Effect::Done(answer))
    }

    /// <https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-kewaitforsingleobject>: only a time-out of
    /// zero is allowed at `DISPATCH_LEVEL`, whether or not the wait would last.
    fn may_wait(&mut self, by: DriverId) -> Result<(), Violation> {
        if processor::irql() >= Irql::DISPATCH {
            return Err(violation(Rule::KernelWaitIrql, by, "waited at DISPATCH_LEVEL or above"));
        }
        if !self.task().locks.is_empty() {
            return Err(violation(Rule::KernelSpinlockHeld, by, "waited with a spin lock held"));
        }
        Ok(())
    }

    fn wait(&mut self, token: Token, timeout: Option<u64>, by: DriverId) -> Result<Effect, Violation> {
        if timeout != Some(0) {
            self.may_wait(by)?;
        }
        let number = self.task().number;
        let now = self.time;
        let object = self.objects.adopt(token, Object::is_waitable, Objects::UNSET, by)?;
        if object.take() {
            return Ok(Effect::Done(1));
        }
        if timeout == Some(0) {
            return Ok(Effect::Done(0));
        }
        if let Some(waiters) = object.waiters() {
            waiters.push(number);
        }
        let deadline = timeout.map(|timeout| now.saturating_add(timeout));
        Ok(Effect::Block(State::Waiting(WaitsFor::Object(token), deadline)))
    }

    fn set(&mut self, token: Token, by: DriverId) -> Result<bool, Violation> {
        let object = self.objects.adopt(token, Object::is_event, Objects::UNSET, by)?;
        let Object::Event { clears, set, waiters } = object else { unreachable!("adopted as an event") };
        let was = *set;
        let mut woken = std::mem::take(waiters);
        if *clears && !woken.is_empty() {
            // The first waiter takes it; the others stay.
            *waiters = woken.split_off(1);
        } else {
            *set = true;
        }
        for waiter in woken {
            self.wake(waiter);
        }
        Ok(was)
    }

    fn reset(&mut self, token: Token, by: DriverId) -> Result<bool, Violation> {
        let object = self.objects.adopt(token, Object::is_event, Objects::UNSET, by)?;
        let Object::Event { set, .. } = object else { unreachable!("adopted as an event") };
        Ok(std::mem::replace(set, false))
    }

    fn acquire(&mut self, lock: Token, raise: bool, by: DriverId) -> Result<Effect, Violation> {
        let old = processor::irql();
        if raise {
            processor::set_irql(old.max(Irql::DISPATCH));
        } else if old < Irql::DISPATCH {
            return Err(violation(
                Rule::KernelIrql,
                by,
                "acquired a spin lock at a level below DISPATCH_LEVEL",
            ));
        }
        let number = self.task().number;
        let holder = self.objects.lock(lock, by)?;
        match *holder {
            Some(holder) if holder == number => {
                Err(violation(Rule::KernelSpinlockRecursive, by, "acquired a spin lock that it holds"))
            }
            Some(_) => Ok(Effect::Spin { lock, old }),
            None => {
                self.take_lock(lock)?;
                Ok(Effect::Done(old.0.into()))
            }
        }
    }

    /// The running task gets a lock that is free.
    fn take_lock(&mut self, lock: Token) -> Result<(), Violation> {
        let task = self.task();
        let (number, by) = (task.number, task.model.driver.expect("a driver calls"));
        task.locks.push(lock);
        *self.objects.lock(lock, by)? = Some(number);
        Ok(())
    }

    fn release(&mut self, lock: Token, by: DriverId) -> Result<(), Violation> {
        let number = self.task().number;
        let holder = self.objects.lock(lock, by)?;
        if *holder != Some(number) {
            let offence = match holder {
                Some(_) => "released a spin lock that another task holds",
                None => "released a spin lock that is not held",
            };
            return Err(violation(Rule::KernelSpinlockOwner, by, offence));
        }
        *holder = None;
        self.task().locks.retain(|held| *held != lock);
        Ok(())
    }

    fn enqueue(&mut self, token: Token, by: DriverId) -> Result<bool, Violation> {
        let object = self.objects.adopt(token, Object::is_queueable, ObjectKind::WorkItem, by)?;
        let (queued, routine) = match object {
            Object::WorkItem { queued } => (queued, Routine::WorkItem(token)),
            Object::Dpc { queued } => (queued, Routine::Dpc(token)),
            Object::Thread { begun, .. } => (begun, Routine::Thread(token)),
            Object::Event { .. } | Object::Lock { .. } | Object::Timer(_) => {
                unreachable!("adopted as something to queue")
            }
        };
        if std::mem::replace(queued, true) {
            return Ok(true);
        }
        let processor = matches!(routine, Routine::Dpc(_)).then(processor::number);
        let running = self.task();
        let (task, timed) = (running.model.child(), running.timed);
        self.queue.push(Queued { driver: by, routine, task, processor, timed });
        Ok(false)
    }

    fn arm(
        &mut self,
        token: Token,
        due: u64,
        period: Option<u64>,
        driver: DriverId,
    ) -> Result<bool, Violation> {
        let parent = model::Task::new(self.task().model.child());
        let deadline = self.time.saturating_add(due);
        self.objects.timer(token, driver)?;
        let was = self.objects.disarm(token);
        self.objects.arms += 1;
        let order = self.objects.arms;
        self.objects.armed.insert((deadline, order), token);
        let timer = self.objects.timer(token, driver)?;
        timer.expired = false;
        timer.armed = Some(Armed { deadline, order, period, driver, parent });
        Ok(was)
    }

    fn cancel(&mut self, token: Token) -> bool {
        match self.objects.by_token.get_mut(&token) {
            Some(Object::Timer(_)) => self.objects.disarm(token),
            Some(Object::WorkItem { queued } | Object::Dpc { queued }) => {
                let was = std::mem::replace(queued, false);
                self.queue.retain(|other| {
                    !matches!(other.routine, Routine::WorkItem(queued) | Routine::Dpc(queued) if queued == token)
                });
                was
            }
            Some(Object::Event { .. } | Object::Lock { .. } | Object::Thread { .. }) | None => false,
        }
    }

    /// What a driver that has unloaded leaves behind and the kernel would still run.
    pub(crate) fn outstanding(&self, driver: DriverId) -> Option<(Rule, &'static str)> {
        let queued = self.queue.iter().filter(|queued| queued.driver == driver).map(|queued| queued.routine);
        let running = self.tasks.iter().filter_map(|task| task.runs(driver));
        if self.objects.has_armed(driver) {
            return Some((Rule::KernelTimerOutstanding, "unloaded with a timer armed"));
        }
        queued.chain(running).find_map(|routine| match routine {
            Routine::Timer(_) | Routine::Dpc(_) => {
                Some((Rule::KernelTimerOutstanding, "unloaded with a timer routine or DPC queued or running"))
            }
            Routine::WorkItem(_) => {
                Some((Rule::KernelWorkItemOutstanding, "unloaded with a work item queued or running"))
            }
            Routine::Thread(_) => None,
        })
    }
}
