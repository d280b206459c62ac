//! The two sides of [`World::step`](crate::World::step): what happened ([`Input`]) and what comes next ([`Step`]).

use crate::block::{CallParameters, Name};
use crate::event::{Call, CallId, Callback, NetEvent, Power, Reply};
use crate::id::{DriverId, Handle, HandleArg, Token};
use crate::{AdapterId, BindingId, PartyId, SapId, VcId};
use contract::{Rule, Status};

/// What just happened on some task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// The driver whose code runs on the task made a call.
    Called(Call),
    /// The handler that an earlier [`Step::Invoke`] named has returned.
    Returned(OpId, Reply),
    /// What an earlier [`Step::Publish`] or [`Step::Wait`] of this operation asked for is done.
    Resumed(OpId),
    /// A task of NDIS's own starts.
    Start(Job),
    /// The environment acts: plug and play, the user.
    Commanded(Command),
}

/// What the task does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The call is over, or the task is (then with `NDIS_STATUS_SUCCESS`). Functions without a return value give that, too.
    Return(Status),
    /// Store this where the caller asked for it, then feed [`Input::Resumed`].
    Publish(OpId, OutParameter),
    /// Run this handler of this driver, then feed [`Input::Returned`].
    Invoke(OpId, DriverId, Callback),
    /// Nothing to do before [`World::holds`](crate::World::holds) says so; then feed [`Input::Resumed`].
    Wait(OpId, Condition),
}

/// A place that a caller of NDIS passed for a result, with the result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OutParameter {
    /// `NdisProtocolHandle` or `NdisMiniportDriverHandle`.
    DriverHandle(Handle),
    /// `NdisBindingHandle`, with `SelectedMediumIndex`.
    Binding(Handle, u32),
    /// `NdisAfHandle`.
    AddressFamily(Handle),
    /// `NdisSapHandle`.
    Sap(Handle),
    /// `NdisVcHandle`.
    Vc(Handle),
    /// `NdisPartyHandle`; NULL takes a handle back that was stored before.
    Party(HandleArg),
    /// `CallParameters`, as the other side has left them.
    CallParameters(CallParameters),
    /// `VcInstanceName`: the base name and the index that NDIS chose.
    InstanceName(Name, u32),
    /// `TapiCallId`, or only the size that it needs.
    CallId(CallId),
    /// `ProtocolVcContext`.
    VcContext(Token),
}

/// What a call of NDIS may wait for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Condition {
    /// No binding of this driver is left, and none of its handlers runs that belongs to one.
    Unbound(DriverId),
}

/// A call or callback that is under way. The place of one that is over is taken again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OpId(pub(crate) u32);

/// What NDIS may start on its own, each on a task of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Job {
    /// Load a driver: `DriverEntry`.
    Load(DriverId),
    /// Start an adapter: `MiniportInitializeEx`.
    Initialize(AdapterId),
    /// Offer an adapter to a protocol: `ProtocolBindAdapterEx`.
    Bind(DriverId, AdapterId),
    /// Report an open that NDIS had pended: `ProtocolOpenAdapterCompleteEx`.
    OpenAdapterComplete(BindingId),
    /// Tell a client of an address family: `ProtocolCoAfRegisterNotify`.
    AfRegisterNotify(BindingId, crate::RegistrationId),
    /// Report an open that ended above `PASSIVE_LEVEL`: `ProtocolClOpenAfCompleteEx`.
    OpenAfComplete(crate::AfId),
    /// Deliver a notification that had to wait for the client's open: `ProtocolClNotifyCloseAf`.
    NotifyCloseAf(crate::AfId),
    /// Report what NDIS had pended for an MCM: `ProtocolCmActivateVcComplete` or `ProtocolCmDeactivateVcComplete`.
    McmVcComplete(VcId),
    /// Send an event to a binding: `ProtocolNetPnPEvent`.
    NetPnPEvent(BindingId, NetEvent),
    /// Stop data: `MiniportPause`.
    PauseMiniport(AdapterId),
    /// Start data: `MiniportRestart`.
    RestartMiniport(AdapterId),
    /// Tell of a removal by surprise: `MiniportDevicePnPEventNotify`.
    SurpriseRemoved(AdapterId),
    /// Take a protocol off an adapter: `ProtocolUnbindAdapterEx`.
    Unbind(BindingId),
    /// Report a close that NDIS had pended: `ProtocolCloseAdapterCompleteEx`.
    CloseAdapterComplete(BindingId),
    /// Stop an adapter: `MiniportHaltEx`.
    Halt(AdapterId),
    /// Remove a protocol: `ProtocolUninstall`.
    Uninstall(DriverId),
    /// Unload a driver: `Unload` or `MiniportDriverUnload`.
    Unload(DriverId),
}

/// What the environment may do. Each sets a goal; NDIS's jobs then work towards it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Command {
    /// Load a driver.
    Load(DriverId),
    /// Plug in an adapter for a miniport driver, and keep it up. One that was pulled out goes down first.
    Start(AdapterId),
    /// Stop an adapter in the documented order, and keep it down.
    Stop(AdapterId),
    /// Pull an adapter out; the stop follows as in the documentation.
    SurpriseRemove(AdapterId),
    /// Change the power of an adapter.
    SetPower(AdapterId, Power),
    /// Take a protocol off an adapter, and keep it off.
    Unbind(DriverId, AdapterId),
    /// Offer an adapter to a protocol that was taken off it or has refused it. Nothing while it is still bound.
    Bind(DriverId, AdapterId),
    /// Send an event to a binding.
    NetPnPEvent(DriverId, AdapterId, NetEvent),
    /// Remove a protocol driver: its bindings go, then `ProtocolUninstall` is called.
    Uninstall(DriverId),
    /// Unload a driver.
    Unload(DriverId),
}

/// Behaviour that the documents forbid or leave undefined: who broke which rule, on what. It ends the execution.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// Who broke it.
    pub by: DriverId,
    /// On what.
    pub object: Object,
    /// What exactly was wrong, where one rule covers several things.
    pub offence: &'static str,
}

/// An object of the world, as findings and the trace name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Object {
    /// A driver.
    Driver(DriverId),
    /// An adapter.
    Adapter(AdapterId),
    /// A binding.
    Binding(BindingId),
    /// A registered address family.
    Registration(crate::RegistrationId),
    /// An open address family.
    Af(crate::AfId),
    /// A service access point.
    Sap(SapId),
    /// A virtual connection.
    Vc(VcId),
    /// The call on a virtual connection.
    Call(VcId),
    /// A party of a multipoint call.
    Party(PartyId),
}

/// What a step leaves beside its result: breaches that the documents answer with a status or call bad advice, and the
/// edges of the state machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A breach that does not end the execution.
    Warning(Violation),
    /// An object went from one state to another.
    Edge(Object, &'static str, &'static str),
}

/// Where a step leaves its notices.
pub trait Log {
    /// Takes one notice.
    fn notice(&mut self, notice: Notice);
}

impl<F: FnMut(Notice)> Log for F {
    fn notice(&mut self, notice: Notice) {
        self(notice);
    }
}

/// Something that is not at rest, and who owes it: a completion, or what others must be told before they can go on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Debt {
    /// Who owes it.
    pub by: DriverId,
    /// The rule that says so.
    pub rule: Rule,
    /// On what.
    pub object: Object,
    /// The object whose rest this waits for: while it is not at rest, the debt is not the debtor's fault.
    pub waits_for: Option<Object>,
}
