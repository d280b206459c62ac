//! An independent judge of our own NDIS: the rules that bind `ndis`. What it finds is a bug of ours, never a driver's.
//!
//! It reads records and the contract's columns `causes`, `completed_by`, `returns` and `irql`, and shares no state and no
//! code with the core's state machines; where the core keeps a state, the auditor works it out again from what drivers
//! were told. It is lenient where records cannot tell: a completion that overtakes its handler's return counts at once.
//!
//! Every call and every handler:
//! - a handler is called because of a call whose `causes` names it, or because NDIS starts a [`Job`]; at a level that its
//!   page allows; with the context that the driver gave;
//! - a completion comes exactly if the call returns `NDIS_STATUS_PENDING`, and once;
//! - a call returns a status that its page names, or the one that the driver behind it gave.
//!
//! The rules of each area stand in a file of their own: `drivers`, `bindings` (with adapters), `afs`.

mod afs;
mod bindings;
mod drivers;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use contract::{Area, Ddi, Rule, Status};
use model::record::{Event, Finding, Monitor, Record, Rest, TaskNumber};
use model::{
    AdapterId, Call, Callback, DriverId, HandleArg, Job, Object, OutParameter, Reply, StopOrder, Violation,
    World,
};

/// Judges our own NDIS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Auditor {
    order: StopOrder,
    /// The calls, handlers and jobs under way, of all tasks; those of one task in the order in which they began.
    frames: Vec<Frame>,
    /// The calls that returned `NDIS_STATUS_PENDING` and are not completed.
    pended: Vec<(Ddi, Target)>,
    drivers: Vec<drivers::Driver>,
    adapters: Vec<bindings::Adapter>,
    bindings: Vec<bindings::Binding>,
    registrations: Vec<afs::Registration>,
    afs: Vec<afs::Af>,
    /// How many bindings, registrations and address families there have been.
    keys: u32,
    /// What the present record has shown.
    found: Vec<Violation>,
}

/// A call, a handler or a job that is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Frame {
    task: TaskNumber,
    kind: Kind,
    target: Target,
    /// A call: whether NDIS has called a handler because of it.
    asked: bool,
    /// A call: whether its completion has been delivered, before its return.
    completed: bool,
    /// A call: what the last handler that it led to has answered.
    answer: Option<Status>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// The handlers that the job calls.
    Job(&'static [Ddi]),
    Call(Ddi),
    Handler(Ddi),
}

/// What a frame is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Target {
    None,
    Adapter(AdapterId),
    Binding(Key),
    Registration(Key),
    Af(Key),
}

/// A binding, registration or address family, by the order in which they came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key(u32);

/// How a saved trace ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The execution came to rest: what NDIS still owes will never come.
    AtRest,
    /// The trace was cut off: by a violation, a bound, or a crash.
    Cut,
}

/// What an audit of a saved trace found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Discrepancy {
    /// The index of the record that shows it; the number of records for what never came.
    pub record: usize,
    /// The rule of NDIS's that is broken; `by` is the driver concerned, which is not to blame.
    pub violation: Violation,
}

/// Judges a whole trace of an execution that had this stop order. The first discrepancy may cause later ones.
pub fn audit(records: &[Record], order: StopOrder, ending: Ending) -> Vec<Discrepancy> {
    let mut auditor = Auditor::new(order);
    let mut discrepancies = Vec::new();
    for (index, record) in records.iter().enumerate() {
        auditor.examine(record);
        discrepancies
            .extend(auditor.found.drain(..).map(|violation| Discrepancy { record: index, violation }));
    }
    if ending == Ending::AtRest {
        let owed = auditor.owed();
        discrepancies
            .extend(owed.into_iter().map(|violation| Discrepancy { record: records.len(), violation }));
    }
    discrepancies
}

impl Monitor for Auditor {
    fn see(&mut self, record: &Record, _world: &World) -> Result<(), Violation> {
        self.look(record)
    }

    fn at_rest(&mut self, _rest: &Rest<'_>) -> Vec<Finding> {
        self.owed().into_iter().map(|violation| Finding { violation, chain: Vec::new() }).collect()
    }
}

impl Auditor {
    /// An auditor that has seen nothing, for executions with this stop order.
    pub fn new(order: StopOrder) -> Auditor {
        Auditor {
            order,
            frames: Vec::new(),
            pended: Vec::new(),
            drivers: Vec::new(),
            adapters: Vec::new(),
            bindings: Vec::new(),
            registrations: Vec::new(),
            afs: Vec::new(),
            keys: 0,
            found: Vec::new(),
        }
    }

    /// Takes one record.
    ///
    /// # Errors
    /// The first rule of NDIS's that the record shows broken; `by` is the driver concerned, which is not to blame.
    pub fn look(&mut self, record: &Record) -> Result<(), Violation> {
        self.examine(record);
        let first = self.found.first().copied();
        self.found.clear();
        first.map_or(Ok(()), Err)
    }

    /// What NDIS still owes when everything has come to rest.
    pub fn owed(&self) -> Vec<Violation> {
        let mut owed = Vec::new();
        self.bindings_owed(&mut owed);
        self.afs_owed(&mut owed);
        owed
    }

    fn examine(&mut self, record: &Record) {
        let task = record.task;
        match record.event {
            Event::Called(driver, ref call) => self.called(task, driver, call),
            Event::Published(_, out) => self.published(task, out),
            Event::Returned(driver, ddi, status) => self.returned(task, driver, ddi, status),
            Event::Invoked(driver, ref callback) => self.invoked(record, driver, callback),
            Event::Replied(_, ddi, reply) => self.replied(task, ddi, reply),
            Event::Started(job) => {
                let target = self.target_of_job(job);
                self.frames.push(Frame::new(task, Kind::Job(started_by(job)), target));
            }
            Event::Ended => self.frames.retain(|frame| frame.task != task),
            Event::Commanded(_)
            | Event::Queued(..)
            | Event::Waiting(..)
            | Event::Kernel(..)
            | Event::Printed(..)
            | Event::Edge(..)
            | Event::Warned(_)
            | Event::Violated(_) => {}
        }
    }

    // ---- calls ------------------------------------------------------------------------------------------------

    fn called(&mut self, task: TaskNumber, driver: DriverId, call: &Call) {
        let target = match *call {
            Call::RegisterProtocolDriver { driver_context, ref characteristics } => {
                self.protocol_registers(driver, driver_context, &characteristics.handlers)
            }
            Call::MRegisterMiniportDriver { driver_context, ref characteristics } => {
                self.miniport_registers(driver, driver_context, &characteristics.handlers)
            }
            Call::SetOptionalHandlers { ref handlers, .. } => self.handlers_set(driver, handlers),
            Call::DeregisterProtocolDriver { .. }
            | Call::MDeregisterMiniportDriver { .. }
            | Call::ReEnumerateProtocolBindings { .. } => Target::None,
            Call::MSetMiniportAttributes { adapter, ref attributes } => {
                self.attributes_set(adapter, attributes)
            }
            Call::OpenAdapterEx { binding_context, bind_context, .. } => {
                self.adapter_opens(driver, bind_context, binding_context)
            }
            Call::CloseAdapterEx { binding } => self.target_of_binding(driver, binding),
            Call::UnbindAdapter { binding } => self.unbind_asked(driver, binding),
            Call::CompleteBindAdapterEx { bind_context, status } => {
                self.bind_completes(driver, bind_context, status)
            }
            Call::CompleteUnbindAdapterEx { unbind_context } => self.unbind_completes(driver, unbind_context),
            Call::CompleteNetPnPEvent { event, status, .. } => self.event_completes(driver, event, status),
            Call::MPauseComplete { adapter } => self.pause_completes(adapter),
            Call::MRestartComplete { adapter, status } => self.restart_completes(adapter, status),
            Call::MRemoveMiniport { adapter } => self.target_of_adapter(adapter),
            Call::CmRegisterAddressFamilyEx { binding, family } => self.cm_registers(driver, binding, family),
            Call::MCmRegisterAddressFamilyEx { adapter, family } => {
                self.mcm_registers(driver, adapter, family)
            }
            Call::ClOpenAddressFamilyEx { binding, family, af_context } => {
                self.af_opens(driver, binding, family, af_context)
            }
            Call::CmOpenAddressFamilyComplete { status, af, af_context } => {
                self.open_completes(driver, af, status, af_context)
            }
            Call::ClCloseAddressFamily { af } => self.target_of_client(driver, af),
            Call::CmCloseAddressFamilyComplete { status, af } => self.close_completes(driver, af, status),
            Call::CmNotifyCloseAddressFamily { af } => self.target_of_manager(driver, af),
            Call::ClNotifyCloseAddressFamilyComplete { af, status } => {
                self.notification_completes(driver, af, status)
            }
            _ => panic!("TEMPORARY"),
        };
        self.frames.push(Frame::new(task, Kind::Call(call.ddi()), target));
    }

    fn published(&mut self, task: TaskNumber, out: OutParameter) {
        let Some(target) = self.top(task).map(|frame| frame.target) else { return };
        match out {
            OutParameter::DriverHandle(_) => {}
            OutParameter::Binding(handle, _) => self.binding_stored(target, handle),
            OutParameter::AddressFamily(handle) => self.af_stored(target, handle),
            _ => panic!("TEMPORARY"),
        }
    }

    fn returned(&mut self, task: TaskNumber, driver: DriverId, ddi: Ddi, status: Status) {
        let is_it = |frame: &Frame| frame.task == task && frame.kind == Kind::Call(ddi);
        let Some(index) = self.frames.iter().rposition(is_it) else { return };
        let frame = self.frames.remove(index);
        let object = self.object(driver, frame.target);
        if !documents(ddi, status) && frame.answer != Some(status) {
            self.fault(
                duty_of_call(ddi),
                driver,
                object,
                "a call returned a status that its page does not name",
            );
        }
        if status == Status::PENDING {
            if !frame.completed && frame.target != Target::None {
                self.pended.push((ddi, frame.target));
            }
        } else if frame.completed {
            let offence = "a call was completed, and then returned another status than NDIS_STATUS_PENDING";
            self.fault(duty_of_call(ddi), driver, object, offence);
        }
        match ddi {
            Ddi::NdisRegisterProtocolDriver => self.protocol_registered(driver, status),
            Ddi::NdisMRegisterMiniportDriver => self.miniport_registered(driver, status),
            Ddi::NdisOpenAdapterEx => self.open_adapter_returned(frame.target, status),
            Ddi::NdisCloseAdapterEx => self.close_adapter_returned(frame.target, status),
            Ddi::NdisCmRegisterAddressFamilyEx | Ddi::NdisMCmRegisterAddressFamilyEx => {
                self.registration_returned(frame.target, status);
            }
            Ddi::NdisClOpenAddressFamilyEx => self.open_returned(driver, frame, status),
            Ddi::NdisClCloseAddressFamily => self.close_returned(driver, frame, status),
            Ddi::NdisCmNotifyCloseAddressFamily => self.notify_returned(driver, frame, status),
            // The others are over with their call.
            _ => {}
        }
    }

    // ---- handlers ---------------------------------------------------------------------------------------------

    fn invoked(&mut self, record: &Record, driver: DriverId, callback: &Callback) {
        let task = record.task;
        let ddi = callback.ddi();
        let cause = self.top(task).copied();
        let from = cause.map_or(Target::None, |cause| cause.target);
        if ddi.info().irql.is_some_and(|max| !record.irql.within(max)) {
            let rule = match ddi {
                Ddi::ProtocolCoAfRegisterNotify | Ddi::ProtocolClOpenAfCompleteEx => {
                    Rule::AfNdisOpenCompletePassive
                }
                _ => duty(callback),
            };
            let object = self.object(driver, from);
            self.fault(rule, driver, object, "a handler was called above the level that its page allows");
        }
        if !cause.is_some_and(|cause| may_cause(cause.kind, ddi)) {
            let object = self.object(driver, from);
            let offence = "a handler was called because of nothing that causes it";
            self.fault(duty(callback), driver, object, offence);
        }
        self.options_first(driver, callback);
        let target = self.handler_runs(driver, callback, from, cause);
        if completes(callback) {
            self.completed(driver, callback, target);
        }
        if let Some(cause) = self.frames.iter_mut().rfind(|frame| frame.task == task) {
            cause.asked |= !completes(callback);
        }
        self.frames.push(Frame::new(task, Kind::Handler(ddi), target));
        self.handler_told(callback, target);
    }

    /// Checks a handler's arguments against what the driver gave, and takes note of what begins.
    fn handler_runs(
        &mut self,
        driver: DriverId,
        callback: &Callback,
        from: Target,
        cause: Option<Frame>,
    ) -> Target {
        match *callback {
            Callback::DriverEntry { .. } | Callback::Unload { .. } => Target::None,
            Callback::MiniportDriverUnload { .. } => self.miniport_unloads(driver),
            Callback::ProtocolSetOptions { driver_context, .. } => {
                self.protocol_options(driver, driver_context)
            }
            Callback::MiniportSetOptions { driver_context, .. } => {
                self.miniport_options(driver, driver_context)
            }
            Callback::Uninstall {} => self.uninstalls(driver),
            Callback::BindAdapterEx { driver_context, bind_context, adapter } => {
                self.bind_begins(driver, driver_context, bind_context, adapter)
            }
            Callback::OpenAdapterCompleteEx { binding_context, status } => {
                self.open_adapter_reported(driver, from, binding_context, status)
            }
            Callback::UnbindAdapterEx { unbind_context, binding_context } => {
                self.unbind_begins(driver, from, binding_context, unbind_context)
            }
            Callback::CloseAdapterCompleteEx { binding_context } => {
                self.binding_of(driver, from, binding_context, callback)
            }
            Callback::NetPnPEvent { binding_context, event, kind } => {
                self.event_begins(driver, from, binding_context, event, kind)
            }
            Callback::MiniportInitializeEx { adapter, driver_context } => {
                self.initialize_begins(driver, from, adapter, driver_context)
            }
            Callback::MiniportPause { adapter_context } => self.pause_begins(driver, from, adapter_context),
            Callback::MiniportRestart { adapter_context } => {
                self.restart_begins(driver, from, adapter_context)
            }
            Callback::MiniportHaltEx { adapter_context, .. } => {
                self.halt_begins(driver, from, adapter_context)
            }
            Callback::MiniportDevicePnPEventNotify { adapter_context, .. } => {
                self.device_event(driver, from, adapter_context)
            }
            Callback::CoAfRegisterNotify { binding_context, family } => {
                self.family_told(driver, from, binding_context, family)
            }
            Callback::CmOpenAf { binding_context, family, af } => {
                self.open_begins(driver, from, binding_context, family, af)
            }
            Callback::ClOpenAfCompleteEx { af_context, af, status } => {
                self.open_reported(driver, from, af_context, af, status)
            }
            Callback::CmCloseAf { af_context } => self.close_begins(driver, from, af_context),
            Callback::ClCloseAfComplete { status, af_context } => {
                self.close_reported(driver, from, af_context, status)
            }
            Callback::ClNotifyCloseAf { af_context } => self.notification_begins(driver, from, af_context),
            Callback::CmNotifyCloseAfComplete { af_context, status } => {
                self.notification_reported(driver, from, af_context, status, cause)
            }
            _ => panic!("TEMPORARY"),
        }
    }

    /// What is over once a driver has been told of it.
    fn handler_told(&mut self, callback: &Callback, target: Target) {
        match *callback {
            Callback::OpenAdapterCompleteEx { status, .. } => self.open_adapter_returned(target, status),
            Callback::CloseAdapterCompleteEx { .. } => self.close_adapter_returned(target, Status::SUCCESS),
            Callback::ClOpenAfCompleteEx { status, .. } => self.open_over(target, status),
            Callback::ClCloseAfComplete { status, .. } => self.close_over(target, status),
            Callback::CmNotifyCloseAfComplete { .. } => self.notification_over(target),
            Callback::DriverEntry { .. }
            | Callback::Unload { .. }
            | Callback::MiniportDriverUnload { .. }
            | Callback::ProtocolSetOptions { .. }
            | Callback::MiniportSetOptions { .. }
            | Callback::Uninstall {}
            | Callback::BindAdapterEx { .. }
            | Callback::UnbindAdapterEx { .. }
            | Callback::NetPnPEvent { .. }
            | Callback::MiniportInitializeEx { .. }
            | Callback::MiniportPause { .. }
            | Callback::MiniportRestart { .. }
            | Callback::MiniportHaltEx { .. }
            | Callback::MiniportDevicePnPEventNotify { .. }
            | Callback::CoAfRegisterNotify { .. }
            | Callback::CmOpenAf { .. }
            | Callback::CmCloseAf { .. }
            | Callback::ClNotifyCloseAf { .. } => {}
            _ => panic!("TEMPORARY"),
        }
    }

    /// A completion is delivered: its call has returned `NDIS_STATUS_PENDING`, or runs and has to.
    fn completed(&mut self, driver: DriverId, callback: &Callback, target: Target) {
        let completes = |ddi: Ddi| ddi.info().completed_by == Some(callback.ddi());
        if let Some(index) = self.pended.iter().position(|&(ddi, of)| of == target && completes(ddi)) {
            self.pended.remove(index);
            return;
        }
        let running = self.frames.iter_mut().filter(|frame| {
            matches!(frame.kind, Kind::Call(ddi) if completes(ddi)) && frame.target == target
        });
        // Of two calls at the same time one is refused: the one that has led to nothing.
        let offence = match running.max_by_key(|frame| frame.asked) {
            Some(frame) if !frame.completed => {
                frame.completed = true;
                return;
            }
            Some(_) => "a completion was delivered twice",
            None => "a completion was delivered though nothing that it completes is pending",
        };
        let object = self.object(driver, target);
        self.fault(duty(callback), driver, object, offence);
    }

    fn replied(&mut self, task: TaskNumber, ddi: Ddi, reply: Reply) {
        let is_it = |frame: &Frame| frame.task == task && frame.kind == Kind::Handler(ddi);
        let Some(index) = self.frames.iter().rposition(is_it) else { return };
        let frame = self.frames.remove(index);
        if let Some(cause) = self.frames.iter_mut().rfind(|frame| frame.task == task) {
            cause.answer = Some(reply.status);
        }
        let over = reply.status != Status::PENDING;
        match ddi {
            Ddi::ProtocolBindAdapterEx if over => self.bind_over(frame.target, reply.status),
            Ddi::ProtocolUnbindAdapterEx if over => self.unbind_over(frame.target),
            Ddi::ProtocolNetPnPEvent if over => self.event_over(frame.target, reply.status),
            Ddi::MiniportInitializeEx => self.initialize_over(frame.target, reply.status),
            Ddi::MiniportPause if over => self.pause_over(frame.target),
            Ddi::MiniportRestart if over => self.restart_over(frame.target, reply.status),
            Ddi::MiniportHaltEx => self.halt_over(frame.target),
            Ddi::ProtocolCmOpenAf if over => self.open_answered(frame.target, reply),
            Ddi::ProtocolCmCloseAf if over => self.close_answered(frame.target, reply.status),
            Ddi::ProtocolClNotifyCloseAf if over => self.notification_answered(frame.target, reply.status),
            // A pended handler is over with its completion; the others decide nothing.
            _ => {}
        }
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    fn top(&self, task: TaskNumber) -> Option<&Frame> {
        self.frames.iter().rfind(|frame| frame.task == task)
    }

    fn next_key(&mut self) -> Key {
        self.keys += 1;
        Key(self.keys)
    }

    fn fault(&mut self, rule: Rule, by: DriverId, object: Object, offence: &'static str) {
        self.found.push(Violation { rule, by, object, offence });
    }

    fn target_of_job(&self, job: Job) -> Target {
        match job {
            Job::Load(_) | Job::Bind(..) | Job::Uninstall(_) | Job::Unload(_) => Target::None,
            Job::Initialize(adapter)
            | Job::PauseMiniport(adapter)
            | Job::RestartMiniport(adapter)
            | Job::SurpriseRemoved(adapter)
            | Job::Halt(adapter) => Target::Adapter(adapter),
            Job::OpenAdapterComplete(id)
            | Job::AfRegisterNotify(id, _)
            | Job::NetPnPEvent(id, _)
            | Job::Unbind(id)
            | Job::CloseAdapterComplete(id) => self.target_of_id(id),
            Job::OpenAfComplete(id) | Job::NotifyCloseAf(id) => self.target_of_af(HandleArg::Known(id.0)),
        }
    }

    /// The object of a target, as findings name it; the driver where there is none.
    fn object(&self, driver: DriverId, target: Target) -> Object {
        let object = match target {
            Target::None => None,
            Target::Adapter(adapter) => Some(Object::Adapter(adapter)),
            Target::Binding(key) => self.object_of_binding(key),
            Target::Registration(key) => self.object_of_registration(key),
            Target::Af(key) => self.object_of_af(key),
        };
        object.unwrap_or(Object::Driver(driver))
    }
}

impl Frame {
    fn new(task: TaskNumber, kind: Kind, target: Target) -> Frame {
        Frame { task, kind, target, asked: false, completed: false, answer: None }
    }
}

/// Whether the page of `ddi` names `status`, or a rule says that NDIS refuses a breach with it.
fn documents(ddi: Ddi, status: Status) -> bool {
    let returns = ddi.info().returns;
    let named = |name: &str| returns.iter().any(|&known| known == name || known == "NDIS_STATUS_XXX");
    if status == Status::SUCCESS {
        return returns.is_empty() || named("NDIS_STATUS_SUCCESS");
    }
    if status == Status::PENDING {
        return ddi.info().may_pend;
    }
    let name = status.name().unwrap_or("NDIS_STATUS_XXX");
    named(name)
        || Rule::ALL.iter().any(|rule| rule.info().refusal == Some(name) && rule.info().ddis.contains(&ddi))
}

/// Whether `kind` is a reason for NDIS to call the handler `ddi`.
fn may_cause(kind: Kind, ddi: Ddi) -> bool {
    match kind {
        Kind::Call(call) => call.info().causes.contains(&ddi),
        Kind::Job(handlers) => handlers.contains(&ddi),
        // A handler's return leads to nothing by itself: its call or job goes on.
        Kind::Handler(_) => false,
    }
}

/// The handlers that a job calls.
fn started_by(job: Job) -> &'static [Ddi] {
    match job {
        Job::Load(_) => &[Ddi::DriverEntry],
        Job::Initialize(_) => &[Ddi::MiniportInitializeEx],
        Job::Bind(..) => &[Ddi::ProtocolBindAdapterEx],
        Job::OpenAdapterComplete(_) => &[Ddi::ProtocolOpenAdapterCompleteEx],
        Job::AfRegisterNotify(..) => &[Ddi::ProtocolCoAfRegisterNotify],
        Job::OpenAfComplete(_) => &[Ddi::ProtocolClOpenAfCompleteEx],
        // The call manager had NDIS_STATUS_PENDING, so a client that answers at once leads to a completion.
        Job::NotifyCloseAf(_) => &[Ddi::ProtocolClNotifyCloseAf, Ddi::ProtocolCmNotifyCloseAfComplete],
        Job::NetPnPEvent(..) => &[Ddi::ProtocolNetPnPEvent],
        Job::PauseMiniport(_) => &[Ddi::MiniportPause],
        Job::RestartMiniport(_) => &[Ddi::MiniportRestart],
        Job::SurpriseRemoved(_) => &[Ddi::MiniportDevicePnPEventNotify],
        Job::Unbind(_) => &[Ddi::ProtocolUnbindAdapterEx],
        Job::CloseAdapterComplete(_) => &[Ddi::ProtocolCloseAdapterCompleteEx],
        Job::Halt(_) => &[Ddi::MiniportHaltEx],
        Job::Uninstall(_) => &[Ddi::ProtocolUninstall],
        Job::Unload(_) => &[Ddi::Unload, Ddi::MiniportDriverUnload],
    }
}

/// Whether a handler reports the end of a call that pended.
fn completes(callback: &Callback) -> bool {
    match callback {
        Callback::OpenAdapterCompleteEx { .. }
        | Callback::CloseAdapterCompleteEx { .. }
        | Callback::ClOpenAfCompleteEx { .. }
        | Callback::ClCloseAfComplete { .. }
        | Callback::CmNotifyCloseAfComplete { .. } => true,
        Callback::DriverEntry { .. }
        | Callback::Unload { .. }
        | Callback::MiniportDriverUnload { .. }
        | Callback::ProtocolSetOptions { .. }
        | Callback::MiniportSetOptions { .. }
        | Callback::Uninstall {}
        | Callback::BindAdapterEx { .. }
        | Callback::UnbindAdapterEx { .. }
        | Callback::NetPnPEvent { .. }
        | Callback::MiniportInitializeEx { .. }
        | Callback::MiniportPause { .. }
        | Callback::MiniportRestart { .. }
        | Callback::MiniportHaltEx { .. }
        | Callback::MiniportDevicePnPEventNotify { .. }
        | Callback::CoAfRegisterNotify { .. }
        | Callback::CmOpenAf { .. }
        | Callback::CmCloseAf { .. }
        | Callback::ClNotifyCloseAf { .. } => false,
        _ => panic!("TEMPORARY"),
    }
}

/// The rule that says what NDIS does with a handler: the one to name when it is called wrongly in a way that no rule
/// singles out.
fn duty(callback: &Callback) -> Rule {
    match callback {
        Callback::DriverEntry { .. }
        | Callback::Unload { .. }
        | Callback::ProtocolSetOptions { .. }
        | Callback::MiniportSetOptions { .. } => Rule::RegistrationNdisSetoptionsInside,
        Callback::MiniportDriverUnload { .. } => Rule::BindingNdisUnloadAfterHalts,
        Callback::Uninstall {} => Rule::BindingNdisUninstallAfterUnbind,
        Callback::BindAdapterEx { .. } => Rule::BindingNdisBindAfterInit,
        Callback::OpenAdapterCompleteEx { .. } => Rule::BindingNdisOpenValues,
        Callback::UnbindAdapterEx { .. } => Rule::BindingNdisPauseBeforeUnbind,
        Callback::CloseAdapterCompleteEx { .. } | Callback::MiniportPause { .. } => {
            Rule::BindingNdisStopOrder
        }
        Callback::NetPnPEvent { .. }
        | Callback::MiniportInitializeEx { .. }
        | Callback::MiniportRestart { .. } => Rule::BindingNdisStartOrder,
        Callback::MiniportHaltEx { .. } | Callback::MiniportDevicePnPEventNotify { .. } => {
            Rule::BindingNdisHaltQuiet
        }
        Callback::CoAfRegisterNotify { .. } => Rule::AfNdisNotifyAll,
        Callback::CmOpenAf { .. } => Rule::AfNdisOpenToRegistrar,
        Callback::ClOpenAfCompleteEx { .. } | Callback::ClCloseAfComplete { .. } => {
            Rule::AfNdisCompleteAfterPending
        }
        Callback::CmCloseAf { .. } => Rule::AfNdisCmContext,
        Callback::ClNotifyCloseAf { .. } => Rule::AfNdisNotifyRelay,
        Callback::CmNotifyCloseAfComplete { .. } => Rule::AfNdisCompleteAfterPending,
        _ => panic!("TEMPORARY"),
    }
}

/// The same for a call: what to name when it returns wrongly.
fn duty_of_call(ddi: Ddi) -> Rule {
    match ddi.info().area {
        Area::Registration => Rule::RegistrationNdisSetoptionsInside,
        Area::Binding => Rule::BindingNdisOpenValues,
        Area::Af
        | Area::Sap
        | Area::Vc
        | Area::Call
        | Area::Party
        | Area::Oid
        | Area::Data
        | Area::Status
        | Area::Tapi
        | Area::Kernel => Rule::AfNdisCompleteAfterPending,
    }
}
