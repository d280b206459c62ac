//! What belongs to a finding's objects: the objects that they are made of, and the lines of the trace that concern them.

use crate::finding::Evidence;
use crate::names::{Family, Key, Names, object_handle};
use contract::StateMachine;
use model::record::{Event, Link, Operation, Record, TaskNumber, WaitsFor};
use model::{
    AdapterId, AfId, Call, Callback, Command, Handle, HandleArg, HandleKind, Job, Object, OutParameter,
    PartyId, Token, Value, VcId,
};
use std::collections::{BTreeMap, BTreeSet};

/// The objects without which the story of `objects` is not whole, as far as they have one: a call is told with its VC and
/// its parties, a party with its call.
pub(crate) fn with_related(records: &[Record], objects: &[Object]) -> Vec<Object> {
    let parties = parties(records);
    let mut all = objects.to_vec();
    for object in objects {
        match *object {
            Object::Vc(vc) => all.push(Object::Call(vc)),
            Object::Call(vc) => {
                all.push(Object::Vc(vc));
                let own = parties.iter().filter(|(_, on)| **on == vc);
                all.extend(own.map(|(party, _)| Object::Party(*party)));
            }
            Object::Party(party) => {
                if let Some(vc) = parties.get(&party) {
                    all.extend([Object::Call(*vc), Object::Vc(*vc)]);
                }
            }
            Object::Driver(_)
            | Object::Adapter(_)
            | Object::Binding(_)
            | Object::Registration(_)
            | Object::Af(_)
            | Object::Sap(_) => {}
        }
    }
    let mut seen = BTreeSet::new();
    all.retain(|object| seen.insert(*object));
    all
}

/// What is still there of what was made on an address family: SAPs, and VCs with their calls and parties.
pub(crate) fn left_on(evidence: &Evidence<'_>, af: AfId) -> Vec<Object> {
    let names = evidence.names;
    let is_af = |handle: HandleArg| known(handle).and_then(|handle| names.key(handle)) == names.key(af.0);
    let mut made: Vec<Object> = Vec::new();
    let mut states: BTreeMap<Object, &str> = BTreeMap::new();
    let mut frames = Frames::default();
    for record in evidence.records {
        if let Event::Edge(object, _, to) = record.event {
            let first = states.insert(object, to).is_none();
            let on = match frames.innermost(record.task) {
                Some(Event::Called(
                    _,
                    Call::ClRegisterSap { af, .. }
                    | Call::CoCreateVc { af, .. }
                    | Call::MCmCreateVc { af, .. },
                )) => is_af(af),
                _ => false,
            };
            match object {
                Object::Sap(_) if first && on => made.push(object),
                Object::Vc(vc) if first && on => made.extend([object, Object::Call(vc)]),
                _ => {}
            }
        }
        frames.see(record);
    }
    let parties = parties(evidence.records);
    let on_it = parties.iter().filter(|(_, vc)| made.contains(&Object::Vc(**vc)));
    let on_it: Vec<Object> = on_it.map(|(party, _)| Object::Party(*party)).collect();
    made.extend(on_it);
    made.retain(|object| states.get(object).is_some_and(|state| !is_at_rest(*object, state)));
    made
}

/// Whether an object in this state is over or has not begun, as the contract's state machines have it.
fn is_at_rest(object: Object, state: &str) -> bool {
    let kind = match object {
        Object::Sap(_) => "sap",
        Object::Vc(_) => "vc",
        Object::Call(_) => "call",
        Object::Party(_) => "party",
        Object::Driver(_)
        | Object::Adapter(_)
        | Object::Binding(_)
        | Object::Registration(_)
        | Object::Af(_) => return false,
    };
    let mut machines = StateMachine::ALL.iter().filter(|machine| machine.object == kind);
    machines.any(|machine| machine.initial == state || machine.terminal.contains(&state))
}

/// The VC of each party.
fn parties(records: &[Record]) -> BTreeMap<PartyId, VcId> {
    let mut parties = BTreeMap::new();
    let mut frames = Frames::default();
    for record in records {
        let vc = match frames.innermost(record.task) {
            Some(Event::Called(_, Call::ClMakeCall { vc, .. } | Call::ClAddParty { vc, .. })) => known(vc),
            _ => None,
        };
        let party = match record.event {
            Event::Edge(Object::Party(party), ..) => Some(party.0),
            Event::Published(_, OutParameter::Party(party))
            | Event::Invoked(_, Callback::CmMakeCall { party, .. }) => known(party),
            Event::Invoked(_, Callback::CmAddParty { party, .. }) => Some(party),
            _ => None,
        };
        if let (Some(vc), Some(party)) = (vc, party) {
            let (vc, party) = (vc.of(HandleKind::ClientVc), party.of(HandleKind::ClientParty));
            parties.entry(PartyId(party)).or_insert(VcId(vc));
        }
        frames.see(record);
    }
    parties
}

fn known(handle: HandleArg) -> Option<Handle> {
    match handle {
        HandleArg::Known(handle) => Some(handle),
        HandleArg::Null | HandleArg::Unknown(_) => None,
    }
}

/// For each task the calls and handlers that have not returned, the innermost last.
#[derive(Default)]
struct Frames(BTreeMap<TaskNumber, Vec<Event>>);

impl Frames {
    fn innermost(&self, task: TaskNumber) -> Option<Event> {
        self.0.get(&task).and_then(|frames| frames.last()).copied()
    }

    fn see(&mut self, record: &Record) {
        let frames = self.0.entry(record.task).or_default();
        match record.event {
            Event::Called(..) | Event::Invoked(..) => frames.push(record.event),
            Event::Returned(..) | Event::Replied(..) => drop(frames.pop()),
            Event::Ended => frames.clear(),
            Event::Commanded(_)
            | Event::Started(_)
            | Event::Queued(..)
            | Event::Published(..)
            | Event::Waiting(..)
            | Event::Kernel(..)
            | Event::Printed(..)
            | Event::Edge(..)
            | Event::Warned(_)
            | Event::Violated(_) => {}
        }
    }
}

/// The numbers of the lines that concern `objects`, with the handlers and calls around them, and what stuck tasks wait for.
/// `line` and `call`, the driver's last call before it, are always among them.
pub(crate) fn cut(
    evidence: &Evidence<'_>,
    objects: &[Object],
    chain: &[Link],
    line: Option<usize>,
    call: Option<usize>,
) -> Vec<usize> {
    let subject = Subject::new(evidence, objects, chain);
    let mut lines: BTreeSet<usize> = line.into_iter().chain(call).collect();
    // Per task: the lines that opened what is still open, and whether each of them is of interest itself.
    let mut open: BTreeMap<TaskNumber, Vec<(usize, bool)>> = BTreeMap::new();
    for (index, record) in evidence.records.iter().enumerate() {
        let concerned = subject.concerns(record) || line == Some(index);
        let stack = open.entry(record.task).or_default();
        // What a call of interest stores belongs to it.
        let stored = matches!(record.event, Event::Published(..))
            && stack.last().is_some_and(|(_, concerned)| *concerned);
        if concerned || stored {
            lines.insert(index);
            lines.extend(stack.iter().map(|(opened, _)| *opened));
        }
        match record.event {
            Event::Called(..) | Event::Invoked(..) | Event::Started(_) | Event::Queued(..) => {
                stack.push((index, concerned));
            }
            Event::Returned(..) | Event::Replied(..) => {
                if stack.pop().is_some_and(|(_, concerned)| concerned) {
                    lines.insert(index);
                }
            }
            Event::Ended => stack.clear(),
            Event::Commanded(_)
            | Event::Published(..)
            | Event::Waiting(..)
            | Event::Kernel(..)
            | Event::Printed(..)
            | Event::Edge(..)
            | Event::Warned(_)
            | Event::Violated(_) => {}
        }
    }
    lines.into_iter().map(|index| index + 1).collect()
}

/// What a cut of a trace is about.
struct Subject<'a> {
    names: &'a Names,
    objects: &'a [Object],
    keys: BTreeSet<Key>,
    /// The contexts that drivers gave NDIS for the objects. One value may stand for several objects of a driver's, so it
    /// counts only where a context of such an object belongs.
    contexts: BTreeSet<(Family, Token)>,
    /// What stuck tasks wait for.
    awaited: BTreeSet<Token>,
    stuck: BTreeSet<TaskNumber>,
}

impl<'a> Subject<'a> {
    fn new(evidence: &Evidence<'a>, objects: &'a [Object], chain: &[Link]) -> Subject<'a> {
        let names = evidence.names;
        let handles = objects.iter().filter_map(|object| match *object {
            Object::Adapter(adapter) => adapter_handle(evidence.records, adapter),
            object => object_handle(object),
        });
        let keys = handles.filter_map(|handle| names.key(handle));
        let mut subject = Subject {
            names,
            objects,
            keys: keys.collect(),
            contexts: BTreeSet::new(),
            awaited: BTreeSet::new(),
            stuck: BTreeSet::new(),
        };
        for link in chain {
            if let Link::Task(task, _, _, waits_for) = link {
                subject.stuck.insert(*task);
                if let WaitsFor::Object(token) = waits_for {
                    subject.awaited.insert(*token);
                }
            }
        }
        subject.find_contexts(evidence.records);
        subject
    }

    /// Contexts are given in the call that makes a handle, in the answer of the handler that gets one, or with the
    /// completion of that.
    fn find_contexts(&mut self, records: &[Record]) {
        let mut frames = Frames::default();
        for record in records {
            let given = match (record.event, frames.innermost(record.task)) {
                (Event::Called(_, call), _) => told_with(call),
                (Event::Published(_, out), Some(Event::Called(_, call))) => {
                    stored(out).map(|handle| (handle, given_with(call)))
                }
                (Event::Replied(_, _, reply), Some(Event::Invoked(_, callback))) => {
                    answered_with_context(callback).map(|handle| (handle, reply.context))
                }
                _ => None,
            };
            if let Some((HandleArg::Known(handle), context)) = given
                && context != Token::NULL
                && self.is_handle(handle.into())
            {
                self.contexts.insert((Family::of(handle.kind), context));
            }
            frames.see(record);
        }
    }

    fn is_handle(&self, handle: HandleArg) -> bool {
        match handle {
            HandleArg::Known(handle) => self.names.key(handle).is_some_and(|key| self.keys.contains(&key)),
            HandleArg::Null | HandleArg::Unknown(_) => false,
        }
    }

    /// Whether `token` is the context of one of the objects where the argument `name` stands.
    fn is_context(&self, name: &str, token: Token) -> bool {
        contexts_in(name).iter().any(|family| self.contexts.contains(&(*family, token)))
    }

    fn is_object(&self, object: Object) -> bool {
        self.objects.contains(&object)
    }

    fn concerns(&self, record: &Record) -> bool {
        match record.event {
            Event::Called(_, call) => self.any(|see| call.each_argument(see)),
            Event::Invoked(_, callback) => self.any(|see| callback.each_argument(see)),
            Event::Published(_, OutParameter::VcContext(context)) => self.is_context("vc_context", context),
            Event::Published(_, out) => stored(out).is_some_and(|handle| self.is_handle(handle)),
            Event::Edge(object, _, _) => self.is_object(object),
            Event::Warned(violation) | Event::Violated(violation) => self.is_object(violation.object),
            Event::Commanded(command) => self.commanded(command),
            Event::Started(job) => self.started(job),
            Event::Kernel(_, call) => match call.operation {
                Operation::Wait(token, _) | Operation::Acquire { lock: token, .. } => {
                    self.awaited.contains(&token) && self.stuck.contains(&record.task)
                }
                Operation::Set(token) | Operation::Reset(token) => self.awaited.contains(&token),
                Operation::Initialize(..)
                | Operation::Read(_)
                | Operation::Release { .. }
                | Operation::Queue(_)
                | Operation::Arm { .. }
                | Operation::Cancel(_)
                | Operation::Allocate(..)
                | Operation::Free(_)
                | Operation::RaiseIrql(_)
                | Operation::LowerIrql(_)
                | Operation::Sleep(_)
                | Operation::Other => false,
            },
            Event::Waiting(..) => self.stuck.contains(&record.task),
            Event::Queued(..)
            | Event::Ended
            | Event::Returned(..)
            | Event::Replied(..)
            | Event::Printed(..) => false,
        }
    }

    /// Whether one of the arguments is one of the objects.
    fn any(&self, each: impl FnOnce(&mut dyn FnMut(&'static str, Value))) -> bool {
        let mut found = false;
        each(&mut |name, value| {
            found |= match value {
                Value::Handle(handle) => self.is_handle(handle),
                Value::Token(token) => self.is_context(name, token),
                Value::Driver(driver) => self.is_object(Object::Driver(driver)),
                Value::Adapter(adapter) => self.is_object(Object::Adapter(adapter)),
                Value::Status(_)
                | Value::AddressFamily(_)
                | Value::Characteristics(_)
                | Value::OptionalHandlers(_)
                | Value::OpenParameters(_)
                | Value::Attributes(_)
                | Value::NetEvent(_)
                | Value::DeviceEvent(_)
                | Value::HaltAction(_)
                | Value::Sap(_)
                | Value::CallParameters(_)
                | Value::Size(_)
                | Value::Side(_)
                | Value::Name(_)
                | Value::CallId(_) => false,
            }
        });
        found
    }

    fn commanded(&self, command: Command) -> bool {
        match command {
            Command::Load(driver) | Command::Uninstall(driver) | Command::Unload(driver) => {
                self.is_object(Object::Driver(driver))
            }
            Command::Start(adapter)
            | Command::Stop(adapter)
            | Command::SurpriseRemove(adapter)
            | Command::SetPower(adapter, _) => self.is_object(Object::Adapter(adapter)),
            Command::Unbind(driver, adapter)
            | Command::Bind(driver, adapter)
            | Command::NetPnPEvent(driver, adapter, _) => {
                self.is_object(Object::Driver(driver)) || self.is_object(Object::Adapter(adapter))
            }
        }
    }

    fn started(&self, job: Job) -> bool {
        match job {
            Job::Load(driver) | Job::Uninstall(driver) | Job::Unload(driver) => {
                self.is_object(Object::Driver(driver))
            }
            Job::Initialize(adapter)
            | Job::PauseMiniport(adapter)
            | Job::RestartMiniport(adapter)
            | Job::SurpriseRemoved(adapter)
            | Job::Halt(adapter) => self.is_object(Object::Adapter(adapter)),
            Job::Bind(driver, adapter) => {
                self.is_object(Object::Driver(driver)) || self.is_object(Object::Adapter(adapter))
            }
            Job::OpenAdapterComplete(binding)
            | Job::NetPnPEvent(binding, _)
            | Job::Unbind(binding)
            | Job::CloseAdapterComplete(binding) => self.is_object(Object::Binding(binding)),
            Job::AfRegisterNotify(binding, registration) => {
                self.is_object(Object::Binding(binding)) || self.is_object(Object::Registration(registration))
            }
            Job::OpenAfComplete(af) | Job::NotifyCloseAf(af) => self.is_object(Object::Af(af)),
            Job::McmVcComplete(vc) => self.is_object(Object::Vc(vc)),
        }
    }
}

/// The handle of an adapter, from when it was started last.
fn adapter_handle(records: &[Record], adapter: AdapterId) -> Option<Handle> {
    let mut starting = None;
    let mut handle = None;
    for record in records {
        match record.event {
            Event::Started(Job::Initialize(started)) if started == adapter => starting = Some(record.task),
            Event::Invoked(_, Callback::MiniportInitializeEx { adapter, .. })
                if starting == Some(record.task) =>
            {
                handle = Some(adapter);
            }
            _ => {}
        }
    }
    handle
}

/// The handle that a call stores.
fn stored(out: OutParameter) -> Option<HandleArg> {
    match out {
        OutParameter::DriverHandle(handle)
        | OutParameter::Binding(handle, _)
        | OutParameter::AddressFamily(handle)
        | OutParameter::Sap(handle)
        | OutParameter::Vc(handle) => Some(handle.into()),
        OutParameter::Party(handle) => Some(handle),
        OutParameter::CallParameters(_)
        | OutParameter::InstanceName(..)
        | OutParameter::CallId(_)
        | OutParameter::VcContext(_) => None,
    }
}

/// Of what an argument of this name is the context. To an MCM, the context of its adapter is that of the binding.
fn contexts_in(argument: &str) -> &'static [Family] {
    match argument {
        "binding_context" => &[Family::Binding, Family::Adapter],
        "adapter_context" => &[Family::Adapter],
        "af_context" => &[Family::Af],
        "sap_context" => &[Family::Sap],
        "vc_context" => &[Family::Vc],
        "party_context" => &[Family::Party],
        _ => &[],
    }
}

/// The context that a call gives NDIS for the handle that it is to store, NULL for none.
fn given_with(call: Call) -> Token {
    match call {
        Call::OpenAdapterEx { binding_context: context, .. }
        | Call::ClOpenAddressFamilyEx { af_context: context, .. }
        | Call::ClRegisterSap { sap_context: context, .. }
        | Call::CoCreateVc { vc_context: context, .. }
        | Call::MCmCreateVc { vc_context: context, .. }
        | Call::ClMakeCall { party_context: context, .. }
        | Call::ClAddParty { party_context: context, .. } => context,
        _ => Token::NULL,
    }
}

/// A handle that a call passes, with the context that it gives NDIS for that.
fn told_with(call: Call) -> Option<(HandleArg, Token)> {
    match call {
        Call::OpenAdapterEx { bind_context: handle, binding_context: context, .. }
        | Call::CmOpenAddressFamilyComplete { af: handle, af_context: context, .. }
        | Call::CmRegisterSapComplete { sap: handle, sap_context: context, .. }
        | Call::CmMakeCallComplete { party: handle, party_context: context, .. }
        | Call::CmAddPartyComplete { party: handle, party_context: context, .. } => Some((handle, context)),
        Call::MSetMiniportAttributes { adapter, attributes } => Some((adapter, attributes.context)),
        _ => None,
    }
}

/// The handle that a handler gets and stores a context for.
fn answered_with_context(callback: Callback) -> Option<HandleArg> {
    match callback {
        Callback::CmOpenAf { af: handle, .. }
        | Callback::CmRegisterSap { sap: handle, .. }
        | Callback::CoCreateVc { vc: handle, .. }
        | Callback::MiniportCoCreateVc { vc: handle, .. }
        | Callback::CmAddParty { party: handle, .. } => Some(handle.into()),
        Callback::CmMakeCall { party, .. } => Some(party),
        _ => None,
    }
}
