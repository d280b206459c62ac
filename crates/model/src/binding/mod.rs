//! Area `binding`: adapters start, pause, restart and halt; protocols are bound to them and unbound.
//!
//! ```text
//!  adapter:  Halted -> Initializing -> Paused <-> Restarting -> Running -> Pausing -> Paused -> Halting -> Halted
//!  binding:  Opening -> Paused <-> Restarting -> Running -> Pausing -> Paused -> Closing -> Unbound
//!  adapter's handle in a binding:  Unopened -> Opening -> Open -> Closing -> Closed
//! ```
//! NDIS's part is a set of goals ([`Command`]) and the jobs that lead there ([`World::jobs`]): a stack starts bottom up
//! and stops top down, as `[[stop_order]]` says.

mod adapter;
mod bind;
mod event;
mod unbind;

use crate::phase::Phase;
use crate::view::{Holder, View, set_flags};
use crate::{
    AdapterId, BindingId, Command, Context, Debt, DriverId, Handle, Job, NetEvent, Object, OpId, Power,
    Reply, Stepped, Token, World,
};
pub(crate) use adapter::Adapter;
use adapter::{AdapterState, Surprise};
use alloc::vec::Vec;
use contract::{Rule, Status};

/// One binding, from the offer on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Binding {
    pub(crate) id: BindingId,
    pub(crate) driver: DriverId,
    pub(crate) adapter: AdapterId,
    state: BindingState,
    opened: Opened,
    /// The `NdisBindingHandle`, once there is one.
    handle: Option<Handle>,
    unbind_context: Option<Handle>,
    context: Token,
    /// Whether someone wants it gone: the driver or the environment.
    unwanted: bool,
    /// Whether the driver asked, with `NdisUnbindAdapter`.
    unbind_asked: bool,
    /// How the last open of the adapter ended, if it failed.
    open_failed: bool,
    /// The event that the driver has not answered yet.
    event: Option<(Handle, NetEvent, Phase)>,
    /// An event that the environment asked for.
    asked: Option<NetEvent>,
    /// The power that the driver was last told.
    power: Power,
    /// The restart was refused; it is not tried again.
    restart_failed: bool,
    /// An unbind that undoes a pended bind.
    unbind_in_bind: Option<Phase>,
    /// Whether the unbind ended with the return of its handler, so that no completion belongs to it.
    unbind_returned: bool,
    /// The answer to the bind or the event that came before it could end: before its handler has returned, or, for a bind
    /// that an unbind undoes, before the unbind's has.
    early_answer: Status,
    /// How many VCs its driver has made on it as a call manager.
    pub(crate) vcs: u32,
    /// The start of the adapter that this binding belongs to.
    started: Option<(crate::TaskId, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum BindingState {
    Opening(Phase),
    Paused,
    Restarting,
    Running,
    Pausing,
    Closing(Phase),
    Unbound,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Opened {
    Unopened,
    Opening,
    Open,
    Closing,
    Closed,
}

/// What waits for a handler of this area, or for a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    Initialize(AdapterId),
    Pause(AdapterId),
    Restart(AdapterId),
    SurpriseRemoved(AdapterId),
    Halt(AdapterId),
    Bind(u32),
    /// The binding handle is being stored.
    PublishBinding(u32),
    Unbind(u32),
    Event(u32),
    /// A completion is being delivered.
    Told(u32),
}

const fn binding_state_name(state: BindingState) -> &'static str {
    match state {
        BindingState::Opening(_) => "opening",
        BindingState::Paused => "paused",
        BindingState::Restarting => "restarting",
        BindingState::Running => "running",
        BindingState::Pausing => "pausing",
        BindingState::Closing(_) => "closing",
        BindingState::Unbound => "unbound",
    }
}

impl Binding {
    /// Whether the bind has succeeded and no unbind has begun.
    pub(crate) fn is_bound(&self) -> bool {
        match self.state {
            BindingState::Paused
            | BindingState::Restarting
            | BindingState::Running
            | BindingState::Pausing => true,
            BindingState::Opening(_) | BindingState::Closing(_) | BindingState::Unbound => false,
        }
    }

    /// Whether NDIS has begun to take it away: `ProtocolUnbindAdapterEx` was called, also one that undoes a pended bind.
    pub(crate) fn is_closing(&self) -> bool {
        match self.state {
            BindingState::Closing(_) | BindingState::Unbound => true,
            BindingState::Opening(_)
            | BindingState::Paused
            | BindingState::Restarting
            | BindingState::Running
            | BindingState::Pausing => self.unbind_context.is_some(),
        }
    }

    /// Whether the bind is outstanding.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.state, BindingState::Opening(Phase::Calling | Phase::Pending))
    }

    pub(crate) fn context(&self) -> Token {
        self.context
    }

    fn has_data(&self) -> bool {
        matches!(self.state, BindingState::Restarting | BindingState::Running | BindingState::Pausing)
    }
}

impl World {
    /// Whether a protocol has bindings, or a handler of one that is gone still runs: the one that completed its unbind.
    pub(crate) fn has_bindings(&self, driver: DriverId) -> bool {
        let handler_runs = |op| match op {
            crate::Op::Binding(
                Op::Bind(slot)
                | Op::PublishBinding(slot)
                | Op::Unbind(slot)
                | Op::Event(slot)
                | Op::Told(slot),
            ) => self.bindings[slot].driver == driver,
            crate::Op::Binding(
                Op::Initialize(_) | Op::Pause(_) | Op::Restart(_) | Op::SurpriseRemoved(_) | Op::Halt(_),
            )
            | crate::Op::Af(_)
            | crate::Op::Sap(_)
            | crate::Op::Vc(_)
            | crate::Op::Call(_)
            | crate::Op::Party(_)
            | crate::Op::Registration(_) => false,
        };
        self.bindings.iter().any(|(_, binding)| binding.driver == driver) || self.ops.iter().any(handler_runs)
    }

    fn bindings_of(&self, adapter: AdapterId) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().map(|(_, binding)| binding).filter(move |binding| binding.adapter == adapter)
    }

    /// The binding of a protocol to an adapter, if it is not unbound.
    fn live_binding(&self, driver: DriverId, adapter: AdapterId) -> Option<u32> {
        let mut live = self.bindings.iter();
        live.find(|(_, binding)| binding.driver == driver && binding.adapter == adapter).map(|(slot, _)| slot)
    }

    fn is_unwanted(&self, binding: &Binding) -> bool {
        binding.unwanted || !self.adapter(binding.adapter).wanted_up || self.driver(binding.driver).leaving()
    }

    /// The only writer of a binding's state.
    fn set_binding(&mut self, cx: &mut Context<'_>, slot: u32, next: BindingState) {
        let this = &self.bindings[slot];
        let (id, now) = (this.id, this.state);
        if binding_state_name(now) != binding_state_name(next) {
            cx.edge(Object::Binding(id), binding_state_name(now), binding_state_name(next));
        }
        self.bindings[slot].state = next;
    }

    /// Sets a goal. `NDIS_STATUS_FAILURE` when there is nothing that it could apply to.
    pub(crate) fn command(&mut self, command: Command) -> Status {
        if let Some(status) = self.registration_command(command) {
            return status;
        }
        match command {
            Command::Start(adapter) => self.plug_in(adapter),
            Command::Stop(adapter) => {
                let this = self.adapter_mut(adapter);
                (this.wanted_up, this.replugged) = (false, false);
            }
            Command::SurpriseRemove(adapter) => match self.adapter(adapter).state {
                AdapterState::Halted | AdapterState::Halting => return Status::FAILURE,
                AdapterState::Initializing
                | AdapterState::Paused
                | AdapterState::Restarting(_)
                | AdapterState::Running
                | AdapterState::Pausing(_) => {
                    let this = self.adapter_mut(adapter);
                    this.replugged = false;
                    if this.surprise == Surprise::None {
                        this.surprise = Surprise::Pulled;
                    }
                }
            },
            Command::SetPower(adapter, power) => self.adapter_mut(adapter).power = power,
            Command::Unbind(driver, adapter) => match self.live_binding(driver, adapter) {
                Some(slot) => self.bindings[slot].unwanted = true,
                None => return Status::FAILURE,
            },
            Command::Bind(driver, adapter) => self.forget_unbound(driver, Some(adapter)),
            Command::NetPnPEvent(driver, adapter, event) => match self.live_binding(driver, adapter) {
                Some(slot) => self.bindings[slot].asked = Some(event),
                None => return Status::FAILURE,
            },
            Command::Load(_) | Command::Uninstall(_) | Command::Unload(_) => {
                unreachable!("area registration takes these")
            }
        }
        Status::SUCCESS
    }

    pub(crate) fn binding_jobs(&self, jobs: &mut Vec<Job>) {
        for (index, adapter) in self.adapters.iter().enumerate() {
            self.adapter_jobs(AdapterId(index as u8), adapter, jobs);
        }
        for (_, binding) in self.bindings.iter() {
            self.one_binding_jobs(binding, jobs);
        }
    }

    fn one_binding_jobs(&self, binding: &Binding, jobs: &mut Vec<Job>) {
        let adapter = self.adapter(binding.adapter);
        let unwanted = self.is_unwanted(binding);
        match binding.opened {
            Opened::Opening => jobs.push(Job::OpenAdapterComplete(binding.id)),
            Opened::Closing if !self.is_in_use(binding) => jobs.push(Job::CloseAdapterComplete(binding.id)),
            Opened::Unopened | Opened::Open | Opened::Closing | Opened::Closed => {}
        }
        if binding.event.is_some() {
            return;
        }
        let event = |event| Job::NetPnPEvent(binding.id, event);
        match binding.state {
            // A bind that has failed while pended may be undone by an unbind (binding-q-failed-pended-bind).
            BindingState::Opening(Phase::Pending)
                if binding.unbind_asked && binding.unbind_context.is_none() =>
            {
                jobs.push(Job::Unbind(binding.id));
            }
            BindingState::Paused => {
                if let Some(asked) = binding.asked {
                    jobs.push(event(asked));
                } else if unwanted {
                    // On a stop the miniport is paused before protocols are unbound.
                    if adapter.wanted_up || adapter.state == AdapterState::Paused {
                        jobs.push(Job::Unbind(binding.id));
                    }
                } else if binding.power != adapter.power {
                    if adapter.state == AdapterState::Paused {
                        jobs.push(event(NetEvent::SetPower(adapter.power)));
                    }
                } else if adapter.state == AdapterState::Running
                    && adapter.wants_data()
                    && !binding.restart_failed
                {
                    jobs.push(event(NetEvent::Restart));
                }
            }
            BindingState::Running => {
                if let Some(asked) = binding.asked {
                    jobs.push(event(asked));
                } else if unwanted || !adapter.wants_data() {
                    jobs.push(event(NetEvent::Pause));
                }
            }
            BindingState::Opening(_)
            | BindingState::Restarting
            | BindingState::Pausing
            | BindingState::Closing(_)
            | BindingState::Unbound => {}
        }
    }

    /// Whether the binding's close must wait: for what lies on it, or for handlers that run with its context.
    fn is_in_use(&self, binding: &Binding) -> bool {
        let handler_runs = |op| match op {
            crate::Op::Af(op) => self.af_handler_runs_on(op, binding),
            crate::Op::Sap(op) => self.sap_handler_runs_on(op, binding),
            crate::Op::Vc(op) => self.vc_handler_runs_on(op, binding),
            crate::Op::Call(op) => self.call_handler_runs_on(op, binding),
            crate::Op::Party(op) => self.party_handler_runs_on(op, binding),
            crate::Op::Binding(Op::Event(slot)) => self.bindings[slot].id == binding.id,
            // The bind and the unbind are where the close is called from.
            crate::Op::Binding(_) | crate::Op::Registration(_) => false,
        };
        self.carries_afs(binding)
            || self.carries_vcs(binding)
            || self.sap_leaving_on(binding).is_some()
            || self.awaits_notifications(binding)
            || self.ops.iter().any(handler_runs)
    }

    pub(crate) fn binding_debts(&self, debts: &mut Vec<Debt>) {
        for (index, adapter) in self.adapters.iter().enumerate() {
            let object = Object::Adapter(AdapterId(index as u8));
            let rule = match adapter.state {
                AdapterState::Pausing(Phase::Pending) => Rule::BindingMpauseCompleteRequired,
                AdapterState::Restarting(Phase::Pending) => Rule::BindingMrestartCompleteRequired,
                AdapterState::Halted
                | AdapterState::Initializing
                | AdapterState::Paused
                | AdapterState::Restarting(_)
                | AdapterState::Running
                | AdapterState::Pausing(_)
                | AdapterState::Halting => continue,
            };
            debts.push(Debt { by: adapter.driver, rule, object, waits_for: None });
        }
        for (_, binding) in self.bindings.iter() {
            let object = Object::Binding(binding.id);
            if let Some((_, _, Phase::Pending)) = binding.event {
                let rule = Rule::BindingPnpCompleteRequired;
                debts.push(Debt { by: binding.driver, rule, object, waits_for: None });
            }
            match binding.state {
                BindingState::Opening(Phase::Pending) => {
                    let rule = if binding.unbind_in_bind == Some(Phase::Pending) {
                        Rule::BindingUnbindCompleteRequired
                    } else {
                        Rule::BindingBindCompleteRequired
                    };
                    let waits_for = self.in_the_way(binding);
                    debts.push(Debt { by: binding.driver, rule, object, waits_for });
                }
                BindingState::Closing(Phase::Pending) => {
                    let rule = Rule::BindingUnbindCompleteRequired;
                    let waits_for = self.in_the_way(binding);
                    debts.push(Debt { by: binding.driver, rule, object, waits_for });
                }
                BindingState::Opening(_)
                | BindingState::Paused
                | BindingState::Restarting
                | BindingState::Running
                | BindingState::Pausing
                | BindingState::Closing(_)
                | BindingState::Unbound => {}
            }
        }
    }

    pub(crate) fn binding_resumed(&mut self, id: OpId, op: Op) -> Stepped {
        match op {
            Op::PublishBinding(_) => {
                let status = if self.config.pend_open { Status::PENDING } else { Status::SUCCESS };
                Ok(self.finish(id, status))
            }
            Op::Initialize(_)
            | Op::Pause(_)
            | Op::Restart(_)
            | Op::SurpriseRemoved(_)
            | Op::Halt(_)
            | Op::Bind(_)
            | Op::Unbind(_)
            | Op::Event(_)
            | Op::Told(_) => unreachable!("a handler returns, it does not resume"),
        }
    }

    pub(crate) fn binding_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        op: Op,
        reply: Reply,
    ) -> Stepped {
        match op {
            Op::Initialize(adapter) => self.initialized(cx, adapter, reply.status)?,
            Op::Pause(adapter) => self.pause_returned(cx, adapter, reply.status)?,
            Op::Restart(adapter) => self.restart_returned(cx, adapter, reply.status)?,
            Op::SurpriseRemoved(adapter) => self.adapter_mut(adapter).wanted_up = false,
            Op::Halt(adapter) => self.halt_returned(cx, adapter)?,
            Op::Bind(slot) => self.bind_returned(cx, slot, reply.status)?,
            Op::Unbind(slot) => self.unbind_returned(cx, slot, reply.status)?,
            Op::Event(slot) => self.event_returned(cx, slot, reply.status)?,
            Op::Told(_) => {}
            Op::PublishBinding(_) => unreachable!("a store resumes, it does not return"),
        }
        Ok(self.finish(id, Status::SUCCESS))
    }

    pub(crate) fn binding_views(&self, views: &mut Vec<View>) {
        for (index, adapter) in self.adapters.iter().enumerate() {
            let id = AdapterId(index as u8);
            let holder = Holder {
                role: "miniport",
                driver: adapter.driver,
                handle: adapter.handle,
                context: adapter.context(),
            };
            views.push(View {
                object: Object::Adapter(id),
                state: adapter.state_name(),
                parent: None,
                holders: alloc::vec![holder],
                about: None,
                flags: set_flags([
                    (self.is_connection_oriented(id), "connection-oriented"),
                    (!adapter.wanted_up, "to be stopped"),
                    (adapter.surprise != Surprise::None, "removed by surprise"),
                    (adapter.power != Power::D0, "low power"),
                ]),
            });
            for binding in self.bindings_of(id) {
                views.push(View {
                    object: Object::Binding(binding.id),
                    state: binding_state_name(binding.state),
                    parent: Some(Object::Adapter(id)),
                    holders: alloc::vec![Holder {
                        role: "protocol",
                        driver: binding.driver,
                        handle: binding.handle,
                        context: binding.context,
                    }],
                    about: None,
                    flags: set_flags([
                        (matches!(binding.state, BindingState::Opening(Phase::Pending)), "bind pending"),
                        (matches!(binding.state, BindingState::Closing(Phase::Pending)), "unbind pending"),
                        (binding.opened == Opened::Closing, "close of the adapter pending"),
                        (binding.event.is_some(), "plug-and-play event outstanding"),
                        (self.is_unwanted(binding), "to be unbound"),
                    ]),
                });
            }
        }
    }
}
