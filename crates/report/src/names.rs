//! What things are called in a trace: drivers and adapters by the names that the scenario gives them, handles by the word
//! of their kind and a number (`af1`), contexts and kernel objects by a letter or word and a number (`c1`, `lock2`).
//!
//! Numbers are given in the order of first appearance, and what belongs together has the same number: `af1` is the client's
//! handle of an address family and `cmaf1` the call manager's; `bind1`, `binding1` and `unbind1` are three handles of one
//! binding; `vc1`, `cmvc1` and `mpvc1` are three of one VC. So [`Names::learn`] must see the records of an execution in their
//! order; after that printing changes nothing.

use model::record::{Event, Operation, Record, TaskNumber};
use model::{
    AdapterId, Call, Callback, DriverId, Handle, HandleArg, HandleKind, Job, Object, OutParameter, Token,
    Value,
};
use std::collections::BTreeMap;

/// Handles that share their numbers: those of one object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Family {
    /// A registered protocol driver.
    Protocol,
    /// A registered miniport driver.
    Miniport,
    /// An adapter that was started.
    Adapter,
    /// A binding: `bind`, `binding`, `unbind`.
    Binding,
    /// A plug-and-play event.
    Event,
    /// An open address family: `af` and `cmaf`.
    Af,
    /// A registered address family.
    Registration,
    /// A service access point: `sap` and `cmsap`.
    Sap,
    /// A virtual connection: `vc`, `cmvc` and `mpvc`.
    Vc,
    /// A party: `party` and `cmparty`.
    Party,
}

impl Family {
    /// The family of a handle.
    pub(crate) const fn of(kind: HandleKind) -> Family {
        match kind {
            HandleKind::ProtocolDriver => Family::Protocol,
            HandleKind::MiniportDriver => Family::Miniport,
            HandleKind::Adapter => Family::Adapter,
            HandleKind::BindContext | HandleKind::UnbindContext | HandleKind::Binding => Family::Binding,
            HandleKind::PnpEvent => Family::Event,
            HandleKind::ClientAf | HandleKind::CallManagerAf => Family::Af,
            HandleKind::Registration => Family::Registration,
            HandleKind::ClientSap | HandleKind::CallManagerSap => Family::Sap,
            HandleKind::ClientVc | HandleKind::CallManagerVc | HandleKind::MiniportVc => Family::Vc,
            HandleKind::ClientParty | HandleKind::CallManagerParty => Family::Party,
        }
    }
}

/// An object as the handles of its family share it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key(pub(crate) Family, pub(crate) u32);

/// The names of an execution.
#[derive(Clone, Debug, Default)]
pub struct Names {
    drivers: Vec<String>,
    adapters: Vec<String>,
    handles: BTreeMap<Handle, u32>,
    used: BTreeMap<Family, u32>,
    contexts: BTreeMap<Token, u32>,
    kernel: BTreeMap<Token, (&'static str, u32)>,
    kernel_used: BTreeMap<&'static str, u32>,
    /// The object that a call on a task is about to give a handle for.
    making: BTreeMap<(TaskNumber, Family), u32>,
}

impl Names {
    /// Nothing but the names of drivers and adapters, in the order of their ids.
    pub fn new(drivers: Vec<String>, adapters: Vec<String>) -> Names {
        Names { drivers, adapters, ..Names::default() }
    }

    /// Takes the names that `record` brings. To be called once for each record, in order, before it is printed.
    pub fn learn(&mut self, record: &Record) {
        let task = record.task;
        match record.event {
            Event::Called(_, call) => {
                call.each_argument(|_, value| self.value(value));
                if let Call::OpenAdapterEx { bind_context: HandleArg::Known(bind), .. } = call {
                    self.making(task, bind);
                }
            }
            Event::Published(_, out) => match out {
                OutParameter::DriverHandle(handle) => {
                    self.number(handle);
                }
                OutParameter::Binding(handle, _) => self.made(task, handle),
                OutParameter::AddressFamily(handle) => self.made(task, handle),
                OutParameter::Sap(handle) | OutParameter::Vc(handle) => {
                    self.number(handle);
                }
                OutParameter::Party(handle) => self.value(handle.into()),
                OutParameter::CallParameters(parameters) => self.value(parameters.into()),
                OutParameter::VcContext(context) => self.context(context),
                OutParameter::InstanceName(..) | OutParameter::CallId(_) => {}
            },
            Event::Invoked(_, callback) => {
                match callback {
                    Callback::CmOpenAf { af, .. } => self.made(task, af),
                    Callback::UnbindAdapterEx { unbind_context, .. } => self.made(task, unbind_context),
                    _ => {}
                }
                callback.each_argument(|_, value| self.value(value));
            }
            Event::Replied(_, _, reply) => {
                self.context(reply.context);
                self.value(reply.parameters.into());
            }
            Event::Edge(object, _, _) => {
                self.object(object);
                if let Object::Af(af) = object {
                    self.making(task, af.0);
                }
            }
            Event::Started(job) => match job {
                Job::Unbind(binding)
                | Job::OpenAdapterComplete(binding)
                | Job::CloseAdapterComplete(binding) => {
                    self.making(task, binding.0);
                }
                Job::AfRegisterNotify(binding, registration) => {
                    self.number(binding.0);
                    self.number(registration.0);
                }
                Job::OpenAfComplete(af) | Job::NotifyCloseAf(af) => {
                    self.number(af.0);
                }
                Job::McmVcComplete(vc) => {
                    self.number(vc.0);
                }
                Job::NetPnPEvent(binding, _) => {
                    self.number(binding.0);
                }
                Job::Load(_)
                | Job::Initialize(_)
                | Job::Bind(..)
                | Job::PauseMiniport(_)
                | Job::RestartMiniport(_)
                | Job::SurpriseRemoved(_)
                | Job::Halt(_)
                | Job::Uninstall(_)
                | Job::Unload(_) => {}
            },
            Event::Kernel(_, call) => {
                if let Some((token, word)) = kernel_object(call.operation) {
                    self.kernel_object(token, word);
                }
            }
            Event::Warned(violation) | Event::Violated(violation) => self.object(violation.object),
            Event::Commanded(_)
            | Event::Queued(..)
            | Event::Ended
            | Event::Returned(..)
            | Event::Waiting(..)
            | Event::Printed(..) => {}
        }
    }

    fn value(&mut self, value: Value) {
        match value {
            Value::Handle(HandleArg::Known(handle)) => {
                self.number(handle);
            }
            Value::Token(token) => self.context(token),
            Value::Attributes(attributes) => self.context(attributes.context),
            Value::Sap(sap) => self.context(sap.address),
            Value::CallParameters(parameters) => self.context(parameters.address),
            Value::Handle(HandleArg::Null | HandleArg::Unknown(_))
            | Value::Status(_)
            | Value::AddressFamily(_)
            | Value::Characteristics(_)
            | Value::OptionalHandlers(_)
            | Value::OpenParameters(_)
            | Value::NetEvent(_)
            | Value::DeviceEvent(_)
            | Value::HaltAction(_)
            | Value::Driver(_)
            | Value::Adapter(_)
            | Value::Size(_)
            | Value::Side(_)
            | Value::Name(_)
            | Value::CallId(_) => {}
        }
    }

    fn object(&mut self, object: Object) {
        if let Some(handle) = object_handle(object) {
            self.number(handle);
        }
    }

    fn context(&mut self, token: Token) {
        if token != Token::NULL {
            let next = self.contexts.len() as u32 + 1;
            self.contexts.entry(token).or_insert(next);
        }
    }

    fn kernel_object(&mut self, token: Token, word: &'static str) {
        if token == Token::NULL
            || self.kernel.get(&token).is_some_and(|(known, _)| *known == word || word == "object")
        {
            return;
        }
        let used = self.kernel_used.entry(word).or_insert(0);
        *used += 1;
        self.kernel.insert(token, (word, *used));
    }

    /// The number of a handle, a new one where it has none.
    fn number(&mut self, handle: Handle) -> u32 {
        let handle = handle.of_client();
        if let Some(number) = self.handles.get(&handle) {
            return *number;
        }
        let used = self.used.entry(Family::of(handle.kind)).or_insert(0);
        *used += 1;
        self.handles.insert(handle, *used);
        *used
    }

    /// What `task` does next may give another handle to the object of `handle`.
    fn making(&mut self, task: TaskNumber, handle: Handle) {
        let number = self.number(handle);
        self.making.insert((task, Family::of(handle.kind)), number);
    }

    /// `handle` is one more of the object that `task` is making.
    fn made(&mut self, task: TaskNumber, handle: Handle) {
        match self.making.get(&(task, Family::of(handle.kind))) {
            Some(number) => {
                self.handles.entry(handle).or_insert(*number);
            }
            None => {
                self.number(handle);
            }
        }
    }

    /// A driver's name.
    pub fn driver(&self, driver: DriverId) -> &str {
        self.drivers.get(usize::from(driver.0)).map_or("an unknown driver", String::as_str)
    }

    /// All drivers' names, in the order of their ids.
    pub fn drivers(&self) -> &[String] {
        &self.drivers
    }

    /// An adapter's name.
    pub fn adapter(&self, adapter: AdapterId) -> &str {
        self.adapters.get(usize::from(adapter.0)).map_or("an unknown adapter", String::as_str)
    }

    /// A handle's name: `af1`.
    pub fn handle(&self, handle: Handle) -> String {
        match self.handles.get(&handle.of_client()) {
            Some(number) => format!("{}{number}", handle.kind.word()),
            None => format!("{handle:?}"),
        }
    }

    /// A handle as a driver passed it: its name, `NULL`, or the value.
    pub fn handle_arg(&self, handle: HandleArg) -> String {
        match handle {
            HandleArg::Known(handle) => self.handle(handle),
            HandleArg::Null => "NULL".to_owned(),
            HandleArg::Unknown(value) => format!("{value:#x}"),
        }
    }

    /// A value of a driver's: its short name, the name of a kernel object, `NULL`, or the value.
    pub fn token(&self, token: Token) -> String {
        if token == Token::NULL {
            return "NULL".to_owned();
        }
        match (self.contexts.get(&token), self.kernel.get(&token)) {
            (Some(number), _) => format!("c{number}"),
            (None, Some((word, number))) => format!("{word}{number}"),
            (None, None) => format!("{:#x}", token.0),
        }
    }

    /// An object's name.
    pub fn name(&self, object: Object) -> String {
        match object {
            Object::Driver(driver) => self.driver(driver).to_owned(),
            Object::Adapter(adapter) => self.adapter(adapter).to_owned(),
            Object::Binding(binding) => match self.key(binding.0) {
                Some(Key(_, number)) => format!("{}{number}", HandleKind::Binding.word()),
                None => self.handle(binding.0),
            },
            Object::Registration(registration) => self.handle(registration.0),
            Object::Af(af) => self.handle(af.0),
            Object::Sap(sap) => self.handle(sap.0),
            Object::Vc(vc) => self.handle(vc.0),
            Object::Call(vc) => format!("call on {}", self.handle(vc.0)),
            Object::Party(party) => self.handle(party.0),
        }
    }

    /// The object that a handle is one of.
    pub(crate) fn key(&self, handle: Handle) -> Option<Key> {
        self.handles.get(&handle.of_client()).map(|number| Key(Family::of(handle.kind), *number))
    }
}

/// The handle by which NDIS itself knows an object.
pub(crate) fn object_handle(object: Object) -> Option<Handle> {
    match object {
        Object::Driver(_) | Object::Adapter(_) => None,
        Object::Binding(binding) => Some(binding.0),
        Object::Registration(registration) => Some(registration.0),
        Object::Af(af) => Some(af.0),
        Object::Sap(sap) => Some(sap.0),
        Object::Vc(vc) | Object::Call(vc) => Some(vc.0),
        Object::Party(party) => Some(party.0),
    }
}

/// The object that a kernel operation is about, with a word for it.
fn kernel_object(operation: Operation) -> Option<(Token, &'static str)> {
    use model::record::ObjectKind;
    match operation {
        Operation::Initialize(token, kind) => Some((
            token,
            match kind {
                ObjectKind::NotificationEvent { .. } | ObjectKind::SynchronizationEvent { .. } => "kevent",
                ObjectKind::SpinLock => "lock",
                ObjectKind::Timer => "timer",
                ObjectKind::WorkItem => "workitem",
                ObjectKind::Dpc => "dpc",
                ObjectKind::Thread => "thread",
            },
        )),
        Operation::Set(token) | Operation::Reset(token) | Operation::Read(token) => Some((token, "kevent")),
        Operation::Acquire { lock, .. } | Operation::Release { lock, .. } => Some((lock, "lock")),
        Operation::Arm { timer, .. } => Some((timer, "timer")),
        Operation::Allocate(token, _) | Operation::Free(token) => Some((token, "memory")),
        Operation::Wait(token, _) | Operation::Queue(token) | Operation::Cancel(token) => {
            Some((token, "object"))
        }
        Operation::RaiseIrql(_) | Operation::LowerIrql(_) | Operation::Sleep(_) | Operation::Other => None,
    }
}
