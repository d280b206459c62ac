//! Names of things: tasks, drivers, handles. Every name is derived from the task that made the thing and from how
//! many things that task had made before, so that two orders which commute give the same names.

use crate::block::HandlerSet;
use contract::Ddi;
use core::fmt;
use core::hash::{Hash, Hasher};

/// One line of execution: a start of a [`Job`](crate::Job), a work item, a timer's DPC, a thread.
///
/// The value is a hash of the path of creations that led to the task, which makes it the same in every order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TaskId(u64);

impl TaskId {
    /// The task that stands for the environment (plug and play, the user); it runs no driver code.
    pub const ENVIRONMENT: TaskId = TaskId(0);

    /// The id of the `count`-th task that this one starts.
    pub const fn child(self, count: u32) -> TaskId {
        // splitmix64: a bijection of a sum, so that siblings never collide.
        let mut z = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15u64.wrapping_mul(count as u64 + 1));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        TaskId(z ^ (z >> 31))
    }

    /// The value, for those who store or print it.
    pub const fn value(self) -> u64 {
        self.0
    }
}

/// What a task brings to a step: who it is, where it runs, whose code it runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Task {
    /// Who it is.
    pub id: TaskId,
    /// How many handles and tasks it has made; [`World::step`](crate::World::step) counts on.
    pub made: u32,
    /// Whether it runs above `PASSIVE_LEVEL`, where NDIS must defer what only `PASSIVE_LEVEL` allows.
    pub raised: bool,
    /// The driver whose code runs, none for NDIS and the environment.
    pub driver: Option<DriverId>,
    /// The handler of that driver that runs, none in a routine of its own.
    pub handler: Option<Ddi>,
    /// Every handler on the task's stack, of any driver.
    pub within: HandlerSet,
}

impl Task {
    /// A task that has made nothing yet, at `PASSIVE_LEVEL`, in no driver.
    pub const fn new(id: TaskId) -> Task {
        Task { id, made: 0, raised: false, driver: None, handler: None, within: HandlerSet::EMPTY }
    }

    /// The id of the next task that this one starts.
    pub fn child(&mut self) -> TaskId {
        self.made += 1;
        self.id.child(self.made - 1)
    }
}

/// A driver, by its place in the order in which drivers were added to the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DriverId(pub u8);

/// What a handle stands for. Client and call manager hold different handles for one address family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HandleKind {
    /// `NdisProtocolHandle` of `NdisRegisterProtocolDriver`.
    ProtocolDriver,
    /// `NdisMiniportDriverHandle` of `NdisMRegisterMiniportDriver`.
    MiniportDriver,
    /// `NdisMiniportHandle` given to `MiniportInitializeEx`.
    Adapter,
    /// `BindContext` given to `ProtocolBindAdapterEx`.
    BindContext,
    /// `UnbindContext` given to `ProtocolUnbindAdapterEx`.
    UnbindContext,
    /// `NdisBindingHandle` of `NdisOpenAdapterEx`.
    Binding,
    /// The notification given to `ProtocolNetPnPEvent`.
    PnpEvent,
    /// `NdisAfHandle` of `NdisClOpenAddressFamilyEx`, the client's.
    ClientAf,
    /// `NdisAfHandle` given to `ProtocolCmOpenAf`, the call manager's.
    CallManagerAf,
    /// A registered address family; no driver gets it.
    Registration,
    /// `NdisSapHandle` of `NdisClRegisterSap`, the client's.
    ClientSap,
    /// `NdisSapHandle` given to `ProtocolCmRegisterSap`, the call manager's.
    CallManagerSap,
    /// `NdisVcHandle`, the client's.
    ClientVc,
    /// `NdisVcHandle`, the call manager's.
    CallManagerVc,
    /// `NdisVcHandle` given to `MiniportCoCreateVc`, the miniport's.
    MiniportVc,
    /// `NdisPartyHandle` of `NdisClMakeCall` or `NdisClAddParty`, the client's.
    ClientParty,
    /// `NdisPartyHandle` given to `ProtocolCmMakeCall` or `ProtocolCmAddParty`, the call manager's.
    CallManagerParty,
}

impl HandleKind {
    /// A short lower-case word for the handle, used in traces with a number behind it.
    pub const fn word(self) -> &'static str {
        match self {
            HandleKind::ProtocolDriver => "protocol",
            HandleKind::MiniportDriver => "driver",
            HandleKind::Adapter => "adapter",
            HandleKind::BindContext => "bind",
            HandleKind::UnbindContext => "unbind",
            HandleKind::Binding => "binding",
            HandleKind::PnpEvent => "event",
            HandleKind::ClientAf => "af",
            HandleKind::CallManagerAf => "cmaf",
            HandleKind::Registration => "family",
            HandleKind::ClientSap => "sap",
            HandleKind::CallManagerSap => "cmsap",
            HandleKind::ClientVc => "vc",
            HandleKind::CallManagerVc => "cmvc",
            HandleKind::MiniportVc => "mpvc",
            HandleKind::ClientParty => "party",
            HandleKind::CallManagerParty => "cmparty",
        }
    }
}

/// A handle that NDIS gives a driver: the task that made it and its count there. It is never reused.
///
/// Where the object lies in its table is carried along, private and outside equality and hash.
#[derive(Clone, Copy)]
pub struct Handle {
    /// What it stands for.
    pub kind: HandleKind,
    task: TaskId,
    count: u32,
    pub(crate) slot: u32,
}

impl Handle {
    pub(crate) const fn new(kind: HandleKind, task: TaskId, count: u32, slot: u32) -> Handle {
        Handle { kind, task, count, slot }
    }

    /// The task that made the object, and how many it had made before.
    pub const fn made_by(self) -> (TaskId, u32) {
        (self.task, self.count)
    }

    /// The handle that another side has of the same object.
    pub const fn of(self, kind: HandleKind) -> Handle {
        Handle { kind, ..self }
    }

    /// The handle that the client has, or would have, of a SAP, VC or party: its name, since NDIS makes the handles of all
    /// sides at once. Any other handle is itself.
    pub const fn of_client(self) -> Handle {
        self.of(match self.kind {
            HandleKind::ClientSap | HandleKind::CallManagerSap => HandleKind::ClientSap,
            HandleKind::ClientVc | HandleKind::CallManagerVc | HandleKind::MiniportVc => HandleKind::ClientVc,
            HandleKind::ClientParty | HandleKind::CallManagerParty => HandleKind::ClientParty,
            kind @ (HandleKind::ProtocolDriver
            | HandleKind::MiniportDriver
            | HandleKind::Adapter
            | HandleKind::BindContext
            | HandleKind::UnbindContext
            | HandleKind::Binding
            | HandleKind::PnpEvent
            | HandleKind::ClientAf
            | HandleKind::CallManagerAf
            | HandleKind::Registration) => kind,
        })
    }

    pub(crate) const fn key(self) -> (HandleKind, TaskId, u32) {
        (self.kind, self.task, self.count)
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Handle) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Handle {}
impl PartialOrd for Handle {
    fn partial_cmp(&self, other: &Handle) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Handle {
    fn cmp(&self, other: &Handle) -> core::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:x}.{}", self.kind.word(), self.task.value() & 0xffff, self.count)
    }
}

/// What a driver passed where a handle belongs: one that NDIS gave to some driver, NULL, or a value that NDIS never gave.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HandleArg {
    /// A handle of NDIS.
    Known(Handle),
    /// NULL.
    Null,
    /// Anything else.
    Unknown(u64),
}

impl From<Handle> for HandleArg {
    fn from(handle: Handle) -> HandleArg {
        HandleArg::Known(handle)
    }
}

/// A value of the driver's that NDIS only hands back: a context, the address of a buffer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Token(pub u64);

impl Token {
    /// NULL.
    pub const NULL: Token = Token(0);
}

/// An adapter, by its place in the order in which adapters were added to the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AdapterId(pub u8);

/// A binding, from the offer of the adapter on: the handle that `ProtocolBindAdapterEx` gets as `BindContext`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BindingId(pub Handle);

/// An address family that a call manager offers on an adapter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RegistrationId(pub Handle);

/// An address family that a client has opened: the client's `NdisAfHandle`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AfId(pub Handle);

/// A service access point: the client's `NdisSapHandle`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SapId(pub Handle);

/// A virtual connection, and the call on it: the client's `NdisVcHandle`, also of one that has no client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VcId(pub Handle);

/// A party of a multipoint call: the client's `NdisPartyHandle`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PartyId(pub Handle);
