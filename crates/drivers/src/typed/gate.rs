//! Handles that must live on for a moment: a scheduling point stands before every call, so the object that a call is about
//! can come to its end between the driver's decision to call and the call.

use engine::current;
use model::record::TaskNumber;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

/// Counts who still needs an object.
#[derive(Clone, Default)]
pub struct Gate(Rc<State>);

#[derive(Default)]
struct State {
    /// The tasks that are in a call with the object's handle.
    tasks: RefCell<Vec<TaskNumber>>,
    /// How many objects depend on this one.
    parts: Cell<u32>,
    /// What waits until nobody needs it.
    waiting: RefCell<Vec<Box<dyn FnOnce()>>>,
}

impl Gate {
    /// Whether somebody else than the running task needs the object. What this task does with it further down on its own
    /// stack has reached NDIS.
    pub(crate) fn is_held(&self) -> bool {
        let task = current().task;
        self.0.parts.get() > 0 || self.0.tasks.borrow().iter().any(|other| *other != task)
    }

    /// Runs `work` when nobody needs the object any more.
    pub(crate) fn when_free(&self, work: impl FnOnce() + 'static) {
        self.0.waiting.borrow_mut().push(Box::new(work));
    }

    /// Keeps the object while `call` runs.
    pub(crate) fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        self.0.tasks.borrow_mut().push(current().task);
        let result = call();
        let task = current().task;
        let mut tasks = self.0.tasks.borrow_mut();
        if let Some(index) = tasks.iter().rposition(|other| *other == task) {
            tasks.remove(index);
        }
        drop(tasks);
        self.release();
        result
    }

    /// Another object depends on this one, until [`Gate::part_gone`].
    pub(crate) fn part(&self) {
        self.0.parts.set(self.0.parts.get() + 1);
    }

    /// One that depended on it is gone.
    pub(crate) fn part_gone(&self) {
        self.0.parts.set(self.0.parts.get() - 1);
        self.release();
    }

    fn release(&self) {
        if self.0.parts.get() == 0 && self.0.tasks.borrow().is_empty() {
            let waiting = std::mem::take(&mut *self.0.waiting.borrow_mut());
            waiting.into_iter().for_each(|work| work());
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("tasks", &self.0.tasks)
            .field("parts", &self.0.parts)
            .finish_non_exhaustive()
    }
}
