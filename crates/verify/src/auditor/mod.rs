//! An independent judge of our own NDIS: the rules that bind `ndis`. What it finds is a bug of ours, never a driver's.
//!
//! It reads records and the contract's columns `causes`, `completed_by`, `returns` and `irql`, and shares no state and no
//! code with the core's state machines; where the core keeps a state, the auditor works it out again from what drivers
//! were told. It is lenient where records cannot tell: a completion that overtakes its handler's return counts at once.
//!
//! Every call and every handler:
//! - a handler is called because of a call whose `causes` names it, or because NDIS starts a [`Job`], and once for each; at a
//!   level that its page allows; with the context that the driver gave;
//! - a completion comes exactly if the call returns `NDIS_STATUS_PENDING`, and once;
//! - a call returns a status that its page names, or the one that the driver behind it gave.
//!
//! The rules of each area stand in a file of their own: `drivers`, `bindings` (with adapters), `afs`, `saps`, `vcs`,
//! `calls`, `parties`; `duties` has what the contract says of each function.

mod afs;
mod bindings;
mod calls;
mod drivers;
mod duties;
mod exchange;
mod parties;
mod saps;
#[cfg(test)]
mod tests;
mod vcs;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use contract::{Ddi, Rule, Status};
use duties::{completes, documents, duty, duty_of_call, may_cause, started_by};
use exchange::{Asked, Exchange, contents};
use model::block::{CallParameters, HandlerSet};
use model::record::{Event, Finding, Monitor, Record, Rest, TaskNumber};
use model::{
    AdapterId, Call, Callback, DriverId, Handle, HandleArg, HandleKind, Job, Object, OutParameter, PartyId,
    Reply, SapId, Side, StopOrder, Value, VcId, Violation, World,
};
use vcs::Who;

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
    saps: BTreeMap<Key, saps::Sap>,
    vcs: BTreeMap<Key, vcs::Vc>,
    parties: BTreeMap<Key, parties::Party>,
    /// Which parties count on which VC.
    parties_on: BTreeSet<(Key, Key)>,
    /// SAPs, VCs and parties by the client's handle.
    handles: BTreeMap<Handle, Key>,
    /// How many objects there have been.
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
    /// A call: what the driver passed.
    call: Option<Call>,
    /// A call of `NdisClMakeCall`: the first party, if the call is to have parties.
    party: Option<Key>,
    /// A call or a job: the handlers that NDIS has called because of it.
    led_to: HandlerSet,
    /// A call: whether one of them is more than a completion.
    asked: bool,
    /// A call: whether its completion has been delivered, before its return.
    completed: bool,
    /// A call: what the last handler that it led to has answered.
    answer: Option<Reply>,
    /// A call: the call parameters that it has stored for its caller.
    stored: Option<CallParameters>,
    /// A call: whether NDIS has warned of it. What it refuses then is the driver's business.
    warned: bool,
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
    Sap(Key),
    /// Also the call on it.
    Vc(Key),
    Party(Key),
}

/// An object that comes and goes, by the order in which they came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key(u32);

const WRONG_STATUS: &str = "a driver was told another status than the one that the other driver gave";
const WRONG_PARAMETERS: &str = "a driver got other call parameters than the other driver gave";
const WRONG_HANDLE: &str = "a driver got a handle of another object, or of another driver";
const NEVER_ASKED: &str = "a request was failed without a call of the driver that it is for";
const NEVER_CAME: &str = "the completion of a pended call never came";

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
            saps: BTreeMap::new(),
            vcs: BTreeMap::new(),
            parties: BTreeMap::new(),
            parties_on: BTreeSet::new(),
            handles: BTreeMap::new(),
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
        for &(ddi, target) in &self.pended {
            owed.extend(self.owes(ddi, target).map(|by| Violation {
                rule: duty_of_call(ddi),
                by,
                object: self.object(by, target),
                offence: NEVER_CAME,
            }));
        }
        owed
    }

    /// Whom NDIS owes the completion of a pended call on a SAP, VC or party, once the driver that was asked has answered.
    fn owes(&self, ddi: Ddi, target: Target) -> Option<DriverId> {
        match target {
            Target::Sap(_) => self.sap_owes(ddi, target),
            Target::Vc(_) => self.vc_owes(ddi, target),
            Target::Party(_) => self.party_owes(ddi, target),
            Target::None
            | Target::Adapter(_)
            | Target::Binding(_)
            | Target::Registration(_)
            | Target::Af(_) => None,
        }
    }

    fn examine(&mut self, record: &Record) {
        let task = record.task;
        match record.event {
            Event::Called(driver, ref call) => self.called(task, driver, call),
            Event::Published(driver, out) => self.published(task, driver, out),
            Event::Returned(driver, ddi, status) => self.returned(task, driver, ddi, status),
            Event::Invoked(driver, ref callback) => self.invoked(record, driver, callback),
            Event::Replied(_, ddi, reply) => self.replied(task, ddi, reply),
            Event::Started(job) => {
                let target = self.target_of_job(job);
                self.frames.push(Frame::new(task, Kind::Job(started_by(job)), target));
            }
            Event::Ended => self.frames.retain(|frame| frame.task != task),
            Event::Warned(_) => {
                if let Some(frame) = self.frames.iter_mut().rfind(|frame| frame.task == task) {
                    frame.warned = true;
                }
            }
            Event::Commanded(_)
            | Event::Queued(..)
            | Event::Waiting(..)
            | Event::Kernel(..)
            | Event::Printed(..)
            | Event::Edge(..)
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
            Call::ClRegisterSap { af, sap_context, specification } => {
                self.sap_registers(driver, af, sap_context, specification)
            }
            Call::CmRegisterSapComplete { status, sap, sap_context } => {
                self.register_completes(driver, sap, status, sap_context)
            }
            Call::ClDeregisterSap { sap } => self.target_of_sap(driver, Side::Client, sap),
            Call::CmDeregisterSapComplete { status, sap } => self.deregister_completes(driver, sap, status),
            Call::CoCreateVc { binding, af, vc_context, .. } => {
                self.vc_creates(driver, binding, af, vc_context)
            }
            Call::MCmCreateVc { af, vc_context, .. } => self.mcm_creates(driver, af, vc_context),
            Call::CoDeleteVc { vc }
            | Call::MCmDeleteVc { vc }
            | Call::CoAssignInstanceName { vc, .. }
            | Call::CoGetTapiCallId { vc, .. } => self.target_of_protocol_vc(driver, vc),
            Call::CmActivateVc { vc, .. }
            | Call::MCmActivateVc { vc, .. }
            | Call::CmDeactivateVc { vc }
            | Call::MCmDeactivateVc { vc }
            | Call::CmDispatchIncomingCall { vc, .. }
            | Call::CmDispatchCallConnected { vc }
            | Call::CmDispatchIncomingCallQoSChange { vc, .. }
            | Call::CmDispatchIncomingCloseCall { vc, .. } => self.target_of_vc(driver, Who::Manager, vc),
            Call::MCoActivateVcComplete { status, vc, parameters } => {
                self.activate_completes(driver, vc, status, parameters)
            }
            Call::MCoDeactivateVcComplete { status, vc } => self.deactivate_completes(driver, vc, status),
            Call::ClGetProtocolVcContextFromTapiCallId { .. } => Target::None,
            Call::ClMakeCall { vc, .. } | Call::ClModifyCallQoS { vc, .. } | Call::ClCloseCall { vc, .. } => {
                self.target_of_vc(driver, Who::Client, vc)
            }
            Call::ClIncomingCallComplete { status, vc, parameters } => {
                self.offer_completes(driver, vc, status, parameters)
            }
            Call::CmMakeCallComplete { status, vc, party, party_context, parameters } => {
                self.make_completes(driver, vc, status, party, party_context, parameters)
            }
            Call::CmCloseCallComplete { status, vc, .. } => self.close_call_completes(driver, vc, status),
            Call::CmModifyCallQoSComplete { status, vc, parameters } => {
                self.modify_completes(driver, vc, status, parameters)
            }
            Call::ClAddParty { vc, party_context, .. } => self.party_adds(driver, vc, party_context),
            Call::ClDropParty { party, .. } => self.target_of_party(driver, Side::Client, party),
            Call::CmAddPartyComplete { status, party, party_context, parameters } => {
                self.add_completes(driver, party, status, party_context, parameters)
            }
            Call::CmDropPartyComplete { status, party } => self.drop_completes(driver, party, status),
            Call::CmDispatchIncomingDropParty { party, .. } => {
                self.target_of_party(driver, Side::CallManager, party)
            }
        };
        let mut frame = Frame::new(task, Kind::Call(call.ddi()), target);
        frame.call = Some(*call);
        frame.party = self.first_party(call, target);
        self.frames.push(frame);
    }

    fn published(&mut self, task: TaskNumber, driver: DriverId, out: OutParameter) {
        let Some(&frame) = self.top(task) else { return };
        let target = frame.target;
        match out {
            OutParameter::DriverHandle(_) => {}
            OutParameter::Binding(handle, _) => self.binding_stored(target, handle),
            OutParameter::AddressFamily(handle) => self.af_stored(target, handle),
            OutParameter::Sap(handle) => self.sap_stored(driver, target, handle),
            OutParameter::Vc(handle) => self.vc_stored(driver, target, handle),
            OutParameter::Party(handle) => self.party_stored(driver, &frame, handle),
            OutParameter::CallParameters(parameters) => {
                if let Some(frame) = self.frames.iter_mut().rfind(|frame| frame.task == task) {
                    frame.stored = Some(parameters);
                }
            }
            OutParameter::InstanceName(name, index) => self.named(driver, target, name, index),
            OutParameter::CallId(id) => self.identified(driver, target, id),
            OutParameter::VcContext(context) => self.found_by_call_id(driver, &frame, context),
        }
    }

    fn returned(&mut self, task: TaskNumber, driver: DriverId, ddi: Ddi, status: Status) {
        let is_it = |frame: &Frame| frame.task == task && frame.kind == Kind::Call(ddi);
        let Some(index) = self.frames.iter().rposition(is_it) else { return };
        let frame = self.frames.remove(index);
        let object = self.object(driver, frame.target);
        if !documents(ddi, status) && frame.answer.is_none_or(|answer| answer.status != status) {
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
            Ddi::NdisClRegisterSap => self.register_returned(driver, &frame, status),
            Ddi::NdisClDeregisterSap => self.deregister_returned(driver, &frame, status),
            Ddi::NdisCoCreateVc | Ddi::NdisMCmCreateVc => self.create_returned(driver, &frame, status),
            Ddi::NdisCoDeleteVc | Ddi::NdisMCmDeleteVc => self.delete_returned(driver, &frame, status),
            Ddi::NdisCmActivateVc | Ddi::NdisMCmActivateVc => self.activate_returned(driver, &frame, status),
            Ddi::NdisCmDeactivateVc | Ddi::NdisMCmDeactivateVc => {
                self.deactivate_returned(driver, &frame, status);
            }
            Ddi::NdisClMakeCall => self.make_returned(driver, &frame, status),
            Ddi::NdisClModifyCallQoS => self.modify_returned(driver, &frame, status),
            Ddi::NdisClCloseCall => self.close_call_returned(driver, &frame, status),
            Ddi::NdisCmDispatchIncomingCall => self.offer_returned(driver, &frame, status),
            Ddi::NdisClIncomingCallComplete => self.answer_returned(&frame),
            Ddi::NdisCmDispatchCallConnected
            | Ddi::NdisCmDispatchIncomingCallQoSChange
            | Ddi::NdisCmDispatchIncomingCloseCall => self.dispatch_returned(driver, &frame),
            Ddi::NdisClAddParty => self.add_returned(driver, &frame, status),
            Ddi::NdisClDropParty => self.drop_returned(driver, &frame, status),
            Ddi::NdisCmDispatchIncomingDropParty => self.incoming_drop_returned(driver, &frame),
            // The others are over with their call.
            _ => {}
        }
        self.check_stored(driver, &frame, object, status);
        self.check_told(driver, ddi, &frame);
    }

    /// A completion on a SAP, VC or party reaches who waits for it before the call that makes it returns.
    fn check_told(&mut self, driver: DriverId, ddi: Ddi, frame: &Frame) {
        let Some(&told) = ddi.info().causes.first().filter(|told| !frame.led_to.contains(**told)) else {
            return;
        };
        // What NDIS pends itself, it reports later.
        if ddi.info().completed_by == Some(told) {
            return;
        }
        let awaits = |of: Ddi, target: Target| {
            of.info().completed_by == Some(told) && target == frame.target && self.owes(of, target).is_some()
        };
        let pends = self.pended.iter().any(|&(of, target)| awaits(of, target));
        let runs = self.frames.iter().any(|running| {
            matches!(running.kind, Kind::Call(of) if awaits(of, running.target)) && !running.completed
        });
        if pends || runs {
            let object = self.object(driver, frame.target);
            self.fault(duty_of_call(ddi), driver, object, NEVER_CAME);
        }
    }

    /// The caller of a call that is over has the call parameters as the other driver left them.
    fn check_stored(&mut self, driver: DriverId, frame: &Frame, object: Object, status: Status) {
        let Some(call) = frame.call.filter(|_| status != Status::PENDING) else { return };
        let mut given = CallParameters::NULL;
        call.each_argument(|_, value| {
            if let Value::CallParameters(parameters) = value {
                given = parameters;
            }
        });
        let changed = frame.answer.map(|answer| answer.parameters).filter(|left| !left.is_null());
        let expected = changed.unwrap_or(given);
        let wrong = match frame.stored {
            Some(stored) => contents(&stored) != contents(&expected),
            None => status == Status::SUCCESS && contents(&expected) != contents(&given),
        };
        if wrong {
            self.fault(duty_of_call(call.ddi()), driver, object, WRONG_PARAMETERS);
        }
    }

    /// A call whose request is for another driver leads to a call of that driver, and returns its answer.
    fn check_relayed(
        &mut self,
        unasked: Rule,
        wrong: Rule,
        driver: DriverId,
        frame: &Frame,
        asked: Asked,
        status: Status,
    ) {
        let object = self.object(driver, frame.target);
        if frame.completed || status == Status::PENDING && frame.asked {
            return;
        }
        if !frame.asked {
            // NDIS may run out of memory, and refuses what breaks a rule.
            let may_refuse = status == Status::RESOURCES || status != Status::SUCCESS && frame.warned;
            if !may_refuse {
                self.fault(unasked, driver, object, NEVER_ASKED);
            }
        } else if asked.contradicts(status) {
            self.fault(wrong, driver, object, WRONG_STATUS);
        } else if asked == Asked::Outstanding {
            let offence = "a call was over before the driver that it is for had answered";
            self.fault(wrong, driver, object, offence);
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
        if cause.is_some_and(|cause| cause.led_to.contains(ddi)) {
            let object = self.object(driver, from);
            self.fault(duty(callback), driver, object, "a handler was called twice because of one thing");
        }
        self.options_first(driver, callback);
        let target = self.handler_runs(driver, callback, from, cause);
        if completes(callback) {
            self.completed(driver, callback, target);
        }
        if let Some(cause) = self.frames.iter_mut().rfind(|frame| frame.task == task) {
            cause.led_to.insert(ddi);
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
            Callback::CmRegisterSap { af_context, specification, sap } => {
                self.register_begins(driver, from, af_context, specification, sap)
            }
            Callback::ClRegisterSapComplete { status, sap_context, specification, sap } => {
                self.register_reported(driver, from, status, sap_context, specification, sap)
            }
            Callback::CmDeregisterSap { sap_context } => self.deregister_begins(driver, from, sap_context),
            Callback::ClDeregisterSapComplete { status, sap_context } => {
                self.deregister_reported(driver, from, status, sap_context)
            }
            Callback::CoCreateVc { af_context, vc, side } => {
                self.create_begins(driver, from, af_context, vc, side)
            }
            Callback::CoDeleteVc { vc_context, side } => {
                self.delete_begins(driver, from, vc_context, side, cause)
            }
            Callback::MiniportCoCreateVc { adapter_context, vc } => {
                self.miniport_create_begins(driver, from, adapter_context, vc)
            }
            Callback::MiniportCoDeleteVc { vc_context } => {
                self.miniport_delete_begins(driver, from, vc_context, cause)
            }
            Callback::MiniportCoActivateVc { vc_context, parameters } => {
                self.activate_begins(driver, from, vc_context, parameters, cause)
            }
            Callback::MiniportCoDeactivateVc { vc_context } => {
                self.deactivate_begins(driver, from, vc_context)
            }
            Callback::CmActivateVcComplete { status, vc_context, parameters } => {
                self.activate_reported(driver, from, status, vc_context, parameters)
            }
            Callback::CmDeactivateVcComplete { status, vc_context } => {
                self.deactivate_reported(driver, from, status, vc_context)
            }
            Callback::CmMakeCall { vc_context, parameters, party } => {
                self.make_begins(driver, from, vc_context, parameters, party, cause)
            }
            Callback::ClMakeCallComplete { status, vc_context, party, parameters } => {
                self.make_reported(driver, from, status, vc_context, party, parameters)
            }
            Callback::CmModifyCallQoS { vc_context, parameters } => {
                self.modify_begins(driver, from, vc_context, parameters, cause)
            }
            Callback::ClModifyCallQoSComplete { status, vc_context, parameters } => {
                self.modify_reported(driver, from, status, vc_context, parameters)
            }
            Callback::CmCloseCall { vc_context, party_context, data, size } => {
                self.close_call_begins(driver, from, vc_context, party_context, (data, size), cause)
            }
            Callback::ClCloseCallComplete { status, vc_context, party_context } => {
                self.close_call_reported(driver, from, status, vc_context, party_context)
            }
            Callback::ClIncomingCall { sap_context, vc_context, parameters } => {
                self.offer_begins(driver, from, sap_context, vc_context, parameters, cause)
            }
            Callback::CmIncomingCallComplete { status, vc_context, parameters } => {
                self.offer_reported(driver, from, status, vc_context, parameters)
            }
            Callback::ClCallConnected { vc_context }
            | Callback::ClIncomingCallQoSChange { vc_context, .. }
            | Callback::ClIncomingCloseCall { vc_context, .. } => {
                self.dispatch_begins(driver, from, vc_context, callback, cause)
            }
            Callback::CmAddParty { vc_context, parameters, party } => {
                self.add_begins(driver, from, vc_context, parameters, party, cause)
            }
            Callback::ClAddPartyComplete { status, party_context, party, parameters } => {
                self.add_reported(driver, from, status, party_context, party, parameters)
            }
            Callback::CmDropParty { party_context, data, size } => {
                self.drop_begins(driver, from, party_context, (data, size), cause)
            }
            Callback::ClDropPartyComplete { status, party_context } => {
                self.drop_reported(driver, from, status, party_context)
            }
            Callback::ClIncomingDropParty { status, party_context, data, size } => {
                self.incoming_drop_begins(driver, from, status, party_context, (data, size), cause)
            }
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
            Callback::ClRegisterSapComplete { status, .. } => self.register_over(target, status),
            Callback::ClDeregisterSapComplete { status, .. } => self.deregister_over(target, status),
            Callback::CmActivateVcComplete { .. } => self.activate_over(target),
            Callback::CmDeactivateVcComplete { .. } => self.deactivate_over(target),
            Callback::ClMakeCallComplete { status, .. } => self.make_over(target, status),
            Callback::ClModifyCallQoSComplete { .. } => self.modify_over(target),
            Callback::ClCloseCallComplete { status, .. } => self.close_call_over(target, status),
            Callback::CmIncomingCallComplete { .. } => self.offer_over(target),
            Callback::ClAddPartyComplete { status, .. } => self.add_over(target, status),
            Callback::ClDropPartyComplete { status, .. } => self.drop_over(target, status),
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
            | Callback::ClNotifyCloseAf { .. }
            | Callback::CmRegisterSap { .. }
            | Callback::CmDeregisterSap { .. }
            | Callback::CoCreateVc { .. }
            | Callback::CoDeleteVc { .. }
            | Callback::MiniportCoCreateVc { .. }
            | Callback::MiniportCoDeleteVc { .. }
            | Callback::MiniportCoActivateVc { .. }
            | Callback::MiniportCoDeactivateVc { .. }
            | Callback::CmMakeCall { .. }
            | Callback::CmModifyCallQoS { .. }
            | Callback::CmCloseCall { .. }
            | Callback::ClIncomingCall { .. }
            | Callback::ClCallConnected { .. }
            | Callback::ClIncomingCallQoSChange { .. }
            | Callback::ClIncomingCloseCall { .. }
            | Callback::CmAddParty { .. }
            | Callback::CmDropParty { .. }
            | Callback::ClIncomingDropParty { .. } => {}
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
            cause.answer = Some(reply);
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
            Ddi::ProtocolCmRegisterSap if over => self.register_answered(frame.target, reply),
            Ddi::ProtocolCmDeregisterSap if over => self.deregister_answered(frame.target, reply.status),
            // These may not pend: that is a refusal.
            Ddi::ProtocolCoCreateVc => self.create_answered(frame.target, reply),
            Ddi::MiniportCoCreateVc => self.miniport_create_answered(frame.target, reply),
            Ddi::ProtocolCoDeleteVc => self.delete_answered(frame.target, reply.status),
            Ddi::MiniportCoDeleteVc => self.miniport_delete_answered(frame.target),
            Ddi::MiniportCoActivateVc if over => self.activate_answered(frame.target, reply),
            Ddi::MiniportCoDeactivateVc if over => self.deactivate_answered(frame.target, reply.status),
            Ddi::ProtocolCmMakeCall if over => self.make_answered(frame.target, reply),
            Ddi::ProtocolCmModifyCallQoS if over => self.modify_answered(frame.target, reply),
            Ddi::ProtocolCmCloseCall if over => self.close_call_answered(frame.target, reply.status),
            Ddi::ProtocolClIncomingCall if over => self.offer_answered(frame.target, reply),
            Ddi::ProtocolCmAddParty if over => self.add_answered(frame.target, reply),
            Ddi::ProtocolCmDropParty if over => self.drop_answered(frame.target, reply.status),
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

    /// The object with this handle, if the handle is of this kind.
    fn key_of(&self, handle: HandleArg, kind: HandleKind) -> Option<Key> {
        let HandleArg::Known(handle) = handle else { return None };
        if handle.kind != kind {
            return None;
        }
        self.handles.get(&handle.of_client()).copied()
    }

    /// Takes note of a handle, which must be of this kind and, if it is known, of this object. Gives the client's.
    fn handle_given(
        &mut self,
        driver: DriverId,
        target: Target,
        key: Key,
        handle: Handle,
        kind: HandleKind,
    ) -> Handle {
        let client = handle.of_client();
        let known = *self.handles.entry(client).or_insert(key);
        let another = self.handle_of(target).is_some_and(|given| given != client);
        if handle.kind != kind || known != key || another {
            let object = self.object(driver, target);
            let rule = match target {
                Target::Sap(_) => Rule::SapNdisRelay,
                Target::Party(_) => Rule::PartyNdisRelay,
                _ => Rule::VcNdisContext,
            };
            self.fault(rule, driver, object, WRONG_HANDLE);
        }
        client
    }

    /// The client's handle of a SAP, VC or party.
    fn handle_of(&self, target: Target) -> Option<Handle> {
        match target {
            Target::Sap(key) => self.saps.get(&key)?.handle,
            Target::Vc(key) => self.vcs.get(&key)?.handle,
            Target::Party(key) => self.parties.get(&key)?.handle,
            Target::None
            | Target::Adapter(_)
            | Target::Binding(_)
            | Target::Registration(_)
            | Target::Af(_) => None,
        }
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
            Job::McmVcComplete(id) => {
                self.key_of(HandleArg::Known(id.0), HandleKind::ClientVc).map_or(Target::None, Target::Vc)
            }
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
            Target::Sap(_) => self.handle_of(target).map(|handle| Object::Sap(SapId(handle))),
            Target::Vc(_) => self.handle_of(target).map(|handle| Object::Vc(VcId(handle))),
            Target::Party(_) => self.handle_of(target).map(|handle| Object::Party(PartyId(handle))),
        };
        object.unwrap_or(Object::Driver(driver))
    }
}

impl Frame {
    fn new(task: TaskNumber, kind: Kind, target: Target) -> Frame {
        Frame {
            task,
            kind,
            target,
            call: None,
            party: None,
            led_to: HandlerSet::EMPTY,
            asked: false,
            completed: false,
            answer: None,
            stored: None,
            warned: false,
        }
    }
}
