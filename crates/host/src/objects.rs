//! Kernel objects that drivers hold by an opaque handle: timers and work items of NDIS and of the kernel, and open
//! configurations.

use crate::handle::{OBJECTS, object_address, object_number};
use model::DriverId;

/// What a routine of a driver's own is called with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// `NDIS_IO_WORKITEM_FUNCTION`: context, work item.
    NdisWorkItem,
    /// `IO_WORKITEM_ROUTINE`: device object, context.
    IoWorkItem,
    /// `IO_WORKITEM_ROUTINE_EX`: device or driver object, context, work item.
    IoWorkItemEx,
    /// `NDIS_TIMER_FUNCTION`: unused, context, unused, unused.
    NdisTimer,
}

/// How far a timer's DPC has come. The engine queues it when the clock passes a deadline, and no DPC twice; so what is
/// queued follows from the deadlines and from when the DPC last began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Dpc {
    /// It was queued when the timer was set anew or cancelled, and has not begun.
    queued: bool,
    /// When it is queued next, or was.
    deadline: Option<u64>,
    period: Option<u64>,
    running: u32,
}

impl Dpc {
    /// The timer is set, at the time `now`.
    pub(crate) fn arm(&mut self, now: u64, due: u64, period: Option<u64>) {
        self.cancel(now);
        self.deadline = Some(now.saturating_add(due));
        self.period = period;
    }

    /// The timer is cancelled, which leaves a DPC that is queued.
    pub(crate) fn cancel(&mut self, now: u64) {
        self.queued = self.is_queued(now);
        self.deadline = None;
    }

    fn is_queued(&self, now: u64) -> bool {
        self.queued || self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// It begins, and serves every deadline that has passed.
    pub(crate) fn begin(&mut self, now: u64) {
        self.queued = false;
        self.running += 1;
        while let Some(deadline) = self.deadline.filter(|deadline| *deadline <= now) {
            self.deadline = self.period.map(|period| deadline.saturating_add(period.max(1)));
        }
    }

    /// It has returned.
    pub(crate) fn end(&mut self) {
        self.running -= 1;
    }

    /// Whether it is queued or runs.
    pub(crate) fn is_outstanding(&self, now: u64) -> bool {
        self.running != 0 || self.is_queued(now)
    }
}

/// What an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    NdisWorkItem,
    IoWorkItem,
    NdisTimer,
    /// An open configuration, of the driver or of the adapter with this number.
    Configuration {
        adapter: Option<usize>,
    },
}

impl Kind {
    /// What a driver that keeps one has forgotten.
    const fn forgotten(self) -> &'static str {
        match self {
            Kind::NdisWorkItem | Kind::IoWorkItem => "a work item was never freed",
            Kind::NdisTimer => "a timer was never freed",
            Kind::Configuration { .. } => "a configuration was never closed",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Kind::NdisWorkItem | Kind::IoWorkItem => "a work item",
            Kind::NdisTimer => "a timer",
            Kind::Configuration { .. } => "a configuration",
        }
    }
}

/// An object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) owner: DriverId,
    /// Whether it has been freed.
    pub(crate) freed: bool,
    /// The driver's routine, and how it is called.
    pub(crate) routine: u64,
    pub(crate) form: Form,
    pub(crate) context: u64,
    /// The context that was given with the timer; another may be given each time that it is set.
    pub(crate) first_context: u64,
    /// The device or driver object that a work item was allocated for.
    pub(crate) io_object: u64,
    /// A timer's DPC.
    pub(crate) dpc: Dpc,
    /// Memory of ours that the driver reads while a configuration is open.
    pub(crate) lent: Vec<u64>,
}

impl Object {
    pub(crate) fn new(kind: Kind, owner: DriverId) -> Object {
        let form = match kind {
            Kind::NdisWorkItem | Kind::Configuration { .. } => Form::NdisWorkItem,
            Kind::IoWorkItem => Form::IoWorkItem,
            Kind::NdisTimer => Form::NdisTimer,
        };
        Object {
            kind,
            owner,
            freed: false,
            routine: 0,
            form,
            context: 0,
            first_context: 0,
            io_object: 0,
            dpc: Dpc::default(),
            lent: Vec::new(),
        }
    }
}

/// Why a value is no usable object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BadObject {
    /// It never was a handle of this kind.
    Unknown,
    /// It has been freed.
    Freed,
}

/// All objects, freed ones included, so that a late use can be named.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    objects: Vec<Object>,
    /// The events of the calls that wait for DPCs: addresses among those of objects that no object has.
    pub(crate) flushing: Vec<u64>,
}

impl Objects {
    /// Adds an object and gives its handle.
    pub(crate) fn add(&mut self, object: Object) -> u64 {
        self.objects.push(object);
        object_address(self.objects.len() as u32 - 1)
    }

    /// The object with this handle, if it is one that `fits`.
    pub(crate) fn get(&mut self, handle: u64, fits: impl Fn(Kind) -> bool) -> Result<&mut Object, BadObject> {
        let number = object_number(handle).filter(|&number| object_address(number) == handle);
        let object = number
            .and_then(|number| self.objects.get_mut(number as usize))
            .filter(|object| fits(object.kind));
        match object {
            Some(object) if !object.freed => Ok(object),
            Some(_) => Err(BadObject::Freed),
            None => Err(BadObject::Unknown),
        }
    }

    /// The object with this handle, freed or not.
    pub(crate) fn any(&mut self, handle: u64) -> Option<&mut Object> {
        self.objects.get_mut(object_number(handle)? as usize)
    }

    /// What a driver has forgotten to give back, one entry for each object.
    pub(crate) fn forgotten_by(&self, owner: DriverId) -> impl Iterator<Item = &'static str> + '_ {
        let kept = move |object: &&Object| object.owner == owner && !object.freed;
        self.objects.iter().filter(kept).map(|object| object.kind.forgotten())
    }

    /// Gives the event that a call waits on for DPCs; the end of each DPC sets it until [`Objects::end_flush`].
    pub(crate) fn begin_flush(&mut self) -> u64 {
        let mut events = OBJECTS..;
        let event = events.find(|event| !self.flushing.contains(event)).unwrap_or(OBJECTS);
        self.flushing.push(event);
        event
    }

    /// Takes an event back.
    pub(crate) fn end_flush(&mut self, event: u64) {
        self.flushing.retain(|of| *of != event);
    }

    /// Whether any DPC is queued or runs.
    pub(crate) fn has_outstanding_dpc(&self, now: u64) -> bool {
        self.objects.iter().any(|object| object.dpc.is_outstanding(now))
    }

    /// An object in words.
    pub(crate) fn describe(&self, number: u32) -> Option<String> {
        let object = self.objects.get(number as usize)?;
        let freed = if object.freed { "freed " } else { "" };
        Some(format!("{}, {freed}object {number} of driver {}", object.kind.word(), object.owner.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_wait_for_dpcs_have_events_of_their_own() {
        let mut objects = Objects::default();
        let (one, other) = (objects.begin_flush(), objects.begin_flush());
        assert_ne!(one, other);
        objects.end_flush(one);
        assert_eq!(objects.begin_flush(), one, "an event is used again, so there are no more than tasks");
        assert!(object_number(one).is_none() && object_number(other).is_none());
    }

    #[test]
    fn a_dpc_is_outstanding_from_its_deadline_until_it_has_run() {
        let mut dpc = Dpc::default();
        dpc.arm(100, 50, None);
        assert!(!dpc.is_outstanding(149));
        assert!(dpc.is_outstanding(150));
        dpc.begin(160);
        assert!(dpc.is_outstanding(160));
        dpc.end();
        assert!(!dpc.is_outstanding(1000));
    }

    #[test]
    fn cancelling_leaves_a_dpc_that_is_queued() {
        let mut dpc = Dpc::default();
        dpc.arm(0, 10, None);
        dpc.cancel(5);
        assert!(!dpc.is_outstanding(100));
        dpc.arm(100, 10, None);
        dpc.cancel(110);
        assert!(dpc.is_outstanding(110));
        // Setting it again before it has run queues no second one.
        dpc.arm(111, 5, None);
        dpc.begin(120);
        dpc.end();
        assert!(!dpc.is_outstanding(1000));
    }

    #[test]
    fn a_dpc_that_ran_before_the_new_deadline_runs_again() {
        let mut dpc = Dpc::default();
        dpc.arm(0, 10, None);
        dpc.arm(10, 10, None);
        dpc.begin(12);
        dpc.end();
        assert!(!dpc.is_outstanding(19));
        assert!(dpc.is_outstanding(20));
    }

    #[test]
    fn a_periodic_dpc_serves_the_deadlines_that_have_passed() {
        let mut dpc = Dpc::default();
        dpc.arm(0, 10, Some(10));
        dpc.begin(35);
        dpc.end();
        assert!(!dpc.is_outstanding(39));
        assert!(dpc.is_outstanding(40));
        dpc.cancel(39);
        assert!(!dpc.is_outstanding(100));
    }
}
