//! The loop that turns steps of the world into calls of handlers: the only place that runs driver code. It holds
//! nothing while it does, so a handler may call NDIS again, block, or never return.

use crate::Driver;
use crate::arena;
use crate::strategy::Next;
use crate::task::{Entry, State, block, point, transact};
use contract::{Rule, Status};
use model::record::{Event, Frame, Routine, WaitsFor};
use model::{Call, Callback, Condition, DriverId, Input, Job, Object, OutParameter, Reply, Step, Violation};
use std::rc::Rc;

/// What a driver's call of NDIS does. `publish` stores a result where the caller asked for it, possibly before handlers
/// that the call causes have run. Does not return when a violation ends the execution.
///
/// # Panics
/// No task runs driver code.
pub fn call(call: Call, publish: &mut dyn FnMut(OutParameter)) -> Status {
    point(Next::Call(call.ddi()));
    let (driver, step) = transact(|execution| {
        let task = execution.task();
        let driver = task.model.driver.expect("a driver calls");
        let site = task.site.take();
        if let Some(frame) = task.frames.last_mut() {
            frame.call = Some(call);
        }
        execution.record(Event::Called(driver, call), site);
        let task = execution.task();
        task.depth = task.depth.saturating_add(1);
        Ok((driver, execution.step(Input::Called(call))?))
    });
    let status = follow(step, Some(driver), publish);
    transact(|execution| {
        let task = execution.task();
        task.depth = task.depth.saturating_sub(1);
        if let Some(frame) = task.frames.last_mut() {
            frame.call = None;
        }
        execution.record(Event::Returned(driver, call.ddi(), status), None);
        Ok(())
    });
    status
}

/// A task of NDIS's own.
pub(crate) fn job(job: Job) {
    let step = transact(|execution| {
        execution.record(Event::Started(job), None);
        execution.step(Input::Start(job))
    });
    follow(step, None, &mut |result| unreachable!("nobody asked a job for {result:?}"));
    transact(|execution| {
        execution.record(Event::Ended, None);
        Ok(())
    });
}

/// A task of a driver's.
pub(crate) fn routine(driver: DriverId, routine: Routine) {
    let (code, entry) = transact(|execution| {
        execution.record(Event::Queued(driver, routine), None);
        let entry = execution.task().enter(Frame { driver, callback: None, call: None });
        Ok((execution.driver(driver), entry))
    });
    code.routine(routine);
    check(driver, &entry, None);
    if matches!(routine, Routine::Thread(_)) {
        // The end of a thread is what others may wait for.
        point(Next::End);
    }
    transact(|execution| {
        execution.task().leave(entry);
        execution.record(Event::Ended, None);
        if let Routine::Thread(thread) = routine {
            for waiter in execution.objects.thread_over(thread) {
                execution.wake(waiter);
            }
        }
        Ok(())
    });
}

fn follow(mut step: Step, caller: Option<DriverId>, publish: &mut dyn FnMut(OutParameter)) -> Status {
    loop {
        let input = match step {
            Step::Return(status) => return status,
            Step::Publish(operation, result) => {
                publish(result);
                if let Some(caller) = caller {
                    transact(|execution| {
                        execution.record(Event::Published(caller, result), None);
                        Ok(())
                    });
                }
                Input::Resumed(operation)
            }
            Step::Invoke(operation, driver, callback) => Input::Returned(operation, invoke(driver, callback)),
            Step::Wait(operation, condition) => {
                transact(|execution| {
                    let Condition::Unbound(awaited) = condition;
                    execution.record(Event::Waiting(caller.unwrap_or(awaited), condition), None);
                    Ok(())
                });
                block(State::Waiting(WaitsFor::Ndis(condition), None));
                Input::Resumed(operation)
            }
        };
        step = transact(|execution| execution.step(input));
    }
}

/// Runs one handler.
fn invoke(driver: DriverId, callback: Callback) -> Reply {
    let (code, entry): (Rc<dyn Driver>, Entry) = transact(|execution| {
        execution.record(Event::Invoked(driver, callback), None);
        let entry = execution.task().enter(Frame { driver, callback: Some(callback), call: None });
        Ok((execution.driver(driver), entry))
    });
    let reply = code.handle(&callback);
    check(driver, &entry, Some(callback));
    point(Next::Return(callback.ddi()));
    transact(|execution| {
        execution.task().leave(entry);
        execution.record(Event::Replied(driver, callback.ddi(), reply), None);
        Ok(())
    });
    reply
}

/// What a driver must have put back when its code returns.
fn check(driver: DriverId, entry: &Entry, callback: Option<Callback>) {
    transact(|execution| {
        let breach = execution.task().misses(entry);
        let unloads =
            matches!(callback, Some(Callback::Unload { .. } | Callback::MiniportDriverUnload { .. }));
        let breach = breach.or_else(|| if unloads { execution.outstanding(driver) } else { None });
        match breach {
            Some((rule, offence)) => Err(violation(rule, driver, offence)),
            None => Ok(()),
        }
    });
}

pub(crate) fn violation(rule: Rule, by: DriverId, offence: &'static str) -> Violation {
    Violation { rule, by, object: Object::Driver(by), offence }
}

/// Notes what the running driver prints: a record, with the text beside the trace
/// ([`Runner::text`](crate::Runner::text)). No scheduling point.
///
/// # Panics
/// No task runs driver code.
pub fn print(text: &str) {
    let number = arena::notes(|notes| notes.add_text(text));
    transact(|execution| {
        let task = execution.task();
        let driver = task.model.driver.expect("a driver prints");
        let site = task.site.take();
        execution.record(Event::Printed(driver, number), site);
        Ok(())
    });
}

/// Says from where in the driver's image the next call comes: [`Record::site`](model::record::Record::site) of its record.
///
/// # Panics
/// No task runs.
pub fn set_site(site: Option<u32>) {
    arena::execution(|execution| execution.task().site = site);
}
