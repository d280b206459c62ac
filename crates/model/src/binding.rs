//! Area `binding`: adapters start, pause, restart and halt; protocols are bound to them and unbound.
//!
//! ```text
//!  adapter:  Halted -> Initializing -> Paused <-> Restarting -> Running -> Pausing -> Paused -> Halting -> Halted
//!  binding:  Opening -> Paused <-> Restarting -> Running -> Pausing -> Paused -> Closing -> Unbound
//!  adapter's handle in a binding:  Unopened -> Opening -> Open -> Closing -> Closed
//! ```
//! NDIS's part is a set of goals ([`Command`]) and the jobs that lead there ([`World::jobs`]): a stack starts bottom up
//! and stops top down, as `[[stop_order]]` says.

use crate::block::{Attributes, OpenParameters};
use crate::phase::{Phase, Verdict};
use crate::registration::header_fits;
use crate::{
    AdapterId, BindingId, Callback, Command, Context, Debt, DeviceEvent, DriverId, HaltAction, Handle,
    HandleArg, HandleKind, Job, NetEvent, Object, OpId, OutParameter, Power, Reply, Step, Stepped, StopOrder,
    Token, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Ddi, Rule, Status};

const ATTRIBUTES_NOT_CO_NDIS: u32 =
    contract::values::ndis_miniport_attributes::NDIS_MINIPORT_ATTRIBUTES_NOT_CO_NDIS;
const REGISTRATION_ATTRIBUTES: u8 =
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES as u8;
const GENERAL_ATTRIBUTES: u8 =
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES as u8;

/// One adapter.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Adapter {
    driver: DriverId,
    state: AdapterState,
    /// The handle of the present initialisation.
    handle: Option<Handle>,
    /// Whether the environment wants it up.
    wanted_up: bool,
    /// Whether it was pulled out: first the miniport is told, then the stop follows.
    surprise: Surprise,
    /// The power that the environment wants.
    power: Power,
    /// What the miniport said in its registration attributes.
    registration: Option<(Token, u32)>,
    /// The medium of its general attributes.
    medium: Option<u8>,
    /// A restart failed; it is not tried again before the next start.
    restart_failed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum AdapterState {
    Halted,
    Initializing,
    Paused,
    Restarting(Phase),
    Running,
    Pausing(Phase),
    Halting,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Surprise {
    None,
    Pulled,
    Told,
}

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
    /// The answer to the event that came before its handler has returned.
    early_answer: Status,
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
    /// A completion was delivered.
    Told,
}

impl Adapter {
    pub(crate) fn new(driver: DriverId) -> Adapter {
        Adapter {
            driver,
            state: AdapterState::Halted,
            handle: None,
            wanted_up: false,
            surprise: Surprise::None,
            power: Power::D0,
            registration: None,
            medium: None,
            restart_failed: false,
        }
    }

    fn context(&self) -> Token {
        self.registration.map_or(Token::NULL, |(context, _)| context)
    }

    /// Whether data may flow: it is to be up, and at full power.
    fn wants_data(&self) -> bool {
        self.wanted_up && self.power == Power::D0
    }
}

const fn adapter_state_name(state: AdapterState) -> &'static str {
    match state {
        AdapterState::Halted => "halted",
        AdapterState::Initializing => "initializing",
        AdapterState::Paused => "paused",
        AdapterState::Restarting(_) => "restarting",
        AdapterState::Running => "running",
        AdapterState::Pausing(_) => "pausing",
        AdapterState::Halting => "halting",
    }
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

    /// Whether NDIS has begun to take it away, or the driver has asked for that.
    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.state, BindingState::Closing(_) | BindingState::Unbound)
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
    pub(crate) fn adapter(&self, adapter: AdapterId) -> &Adapter {
        &self.adapters[adapter.0 as usize]
    }

    fn adapter_mut(&mut self, adapter: AdapterId) -> &mut Adapter {
        &mut self.adapters[adapter.0 as usize]
    }

    /// The miniport driver of an adapter, and the context that its handlers get.
    pub(crate) fn miniport_of(&self, adapter: AdapterId) -> (DriverId, Token) {
        let adapter = self.adapter(adapter);
        (adapter.driver, adapter.context())
    }

    /// Whether the adapter is inside `MiniportInitializeEx`.
    pub(crate) fn is_initializing(&self, adapter: AdapterId) -> bool {
        self.adapter(adapter).state == AdapterState::Initializing
    }

    /// Whether the adapter offers no address family any more.
    pub(crate) fn is_halting(&self, adapter: AdapterId) -> bool {
        matches!(self.adapter(adapter).state, AdapterState::Halting | AdapterState::Halted)
    }

    /// Whether the miniport below takes part in connection-oriented work.
    pub(crate) fn is_connection_oriented(&self, adapter: AdapterId) -> bool {
        let this = self.adapter(adapter);
        self.driver(this.driver).is_connection_oriented()
            && this.registration.is_some_and(|(_, flags)| flags & ATTRIBUTES_NOT_CO_NDIS == 0)
    }

    /// Whether registration attributes are set.
    pub(crate) fn has_attributes(&self, adapter: AdapterId) -> bool {
        self.adapter(adapter).registration.is_some()
    }

    pub(crate) fn adapters_halted(&self, driver: DriverId) -> bool {
        self.adapters.iter().all(|adapter| adapter.driver != driver || adapter.state == AdapterState::Halted)
    }

    pub(crate) fn has_bindings(&self, driver: DriverId) -> bool {
        self.bindings.iter().any(|(_, binding)| binding.driver == driver)
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

    /// The only writer of an adapter's state.
    fn set_adapter(&mut self, cx: &mut Context<'_>, adapter: AdapterId, next: AdapterState) {
        let now = self.adapter(adapter).state;
        if adapter_state_name(now) != adapter_state_name(next) {
            cx.edge(Object::Adapter(adapter), adapter_state_name(now), adapter_state_name(next));
        }
        self.adapter_mut(adapter).state = next;
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

    // ---- the environment --------------------------------------------------------------------------------------

    /// Sets a goal. `NDIS_STATUS_FAILURE` when there is nothing that it could apply to.
    pub(crate) fn command(&mut self, cx: &mut Context<'_>, command: Command) -> Status {
        if let Some(status) = self.registration_command(command) {
            return status;
        }
        match command {
            Command::Start(adapter) => {
                let this = self.adapter_mut(adapter);
                this.wanted_up = true;
                this.restart_failed = false;
                this.surprise = Surprise::None;
            }
            Command::Stop(adapter) => self.adapter_mut(adapter).wanted_up = false,
            Command::SurpriseRemove(adapter) => match self.adapter(adapter).state {
                AdapterState::Halted | AdapterState::Halting => return Status::FAILURE,
                AdapterState::Initializing
                | AdapterState::Paused
                | AdapterState::Restarting(_)
                | AdapterState::Running
                | AdapterState::Pausing(_) => self.adapter_mut(adapter).surprise = Surprise::Pulled,
            },
            Command::SetPower(adapter, power) => self.adapter_mut(adapter).power = power,
            Command::Unbind(driver, adapter) => match self.live_binding(driver, adapter) {
                Some(slot) => self.bindings[slot].unwanted = true,
                None => return Status::FAILURE,
            },
            Command::Bind(driver, adapter) => self.forget_unbound(cx, driver, Some(adapter)),
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

    /// Lets NDIS offer adapters again to a protocol that refused them or was taken off them.
    fn forget_unbound(&mut self, _cx: &mut Context<'_>, driver: DriverId, adapter: Option<AdapterId>) {
        let again: Vec<u32> = self
            .bindings
            .iter_removed()
            .filter(|(_, binding)| binding.driver == driver && adapter.is_none_or(|a| a == binding.adapter))
            .map(|(slot, _)| slot)
            .collect();
        for slot in again {
            self.bindings[slot].unwanted = false;
        }
    }

    pub(crate) fn binding_jobs(&self, jobs: &mut Vec<Job>) {
        for (index, adapter) in self.adapters.iter().enumerate() {
            self.adapter_jobs(AdapterId(index as u8), adapter, jobs);
        }
        for (slot, binding) in self.bindings.iter() {
            self.one_binding_jobs(slot, binding, jobs);
        }
    }

    fn adapter_jobs(&self, id: AdapterId, adapter: &Adapter, jobs: &mut Vec<Job>) {
        match adapter.state {
            AdapterState::Halted => {
                if adapter.wanted_up && adapter.surprise == Surprise::None {
                    if self.driver(adapter.driver).startable().is_some() {
                        jobs.push(Job::Initialize(id));
                    }
                }
                return;
            }
            // NDIS starts nothing else on the adapter meanwhile (binding-ndis-no-pnp-while-pausing).
            AdapterState::Initializing
            | AdapterState::Restarting(_)
            | AdapterState::Pausing(_)
            | AdapterState::Halting => return,
            AdapterState::Paused | AdapterState::Running => {}
        }
        if adapter.surprise == Surprise::Pulled {
            jobs.push(Job::SurpriseRemoved(id));
            return;
        }
        if adapter.wanted_up {
            for (index, driver) in self.drivers.iter().enumerate() {
                let driver_id = DriverId(index as u8);
                if driver.bindable().is_some() && self.may_bind(driver_id, id) {
                    jobs.push(Job::Bind(driver_id, id));
                }
            }
        }
        let opening = self.bindings_of(id).any(|binding| matches!(binding.state, BindingState::Opening(_)));
        let to_bind = jobs.iter().any(|job| matches!(job, Job::Bind(_, adapter) if *adapter == id));
        let powered = self.bindings_of(id).all(|binding| binding.power == adapter.power);
        match adapter.state {
            AdapterState::Paused if adapter.wants_data() => {
                if !opening && !to_bind && powered && !adapter.restart_failed {
                    jobs.push(Job::RestartMiniport(id));
                }
            }
            AdapterState::Paused if !adapter.wanted_up => {
                let unbound = match self.config.stop_order {
                    StopOrder::Strict => self.bindings_of(id).next().is_none(),
                    StopOrder::Overlapped => self
                        .bindings_of(id)
                        .all(|binding| matches!(binding.state, BindingState::Closing(Phase::Pending))),
                };
                if unbound {
                    jobs.push(Job::Halt(id));
                }
            }
            AdapterState::Running if !adapter.wants_data() => {
                if !self.bindings_of(id).any(Binding::has_data) {
                    jobs.push(Job::PauseMiniport(id));
                }
            }
            AdapterState::Paused | AdapterState::Running => {}
            AdapterState::Halted
            | AdapterState::Initializing
            | AdapterState::Restarting(_)
            | AdapterState::Pausing(_)
            | AdapterState::Halting => unreachable!("left above"),
        }
    }

    /// Whether a protocol has no binding to the adapter, and was not taken off it for good.
    fn may_bind(&self, driver: DriverId, adapter: AdapterId) -> bool {
        // What happened in an earlier start of the adapter tells nothing.
        let started = self.adapter(adapter).handle.map(Handle::made_by);
        self.live_binding(driver, adapter).is_none()
            && !self.bindings.iter_removed().any(|(_, binding)| {
                let refused = binding.unwanted && binding.started == started;
                binding.driver == driver && binding.adapter == adapter && refused
            })
    }

    fn one_binding_jobs(&self, _slot: u32, binding: &Binding, jobs: &mut Vec<Job>) {
        let adapter = self.adapter(binding.adapter);
        let unwanted = self.is_unwanted(binding);
        match binding.opened {
            Opened::Opening => jobs.push(Job::OpenAdapterComplete(binding.id)),
            Opened::Closing if !self.carries_afs(binding) => jobs.push(Job::CloseAdapterComplete(binding.id)),
            Opened::Unopened | Opened::Open | Opened::Closing | Opened::Closed => {}
        }
        if binding.event.is_some() {
            return;
        }
        let event = |event| Job::NetPnPEvent(binding.id, event);
        match binding.state {
            // A bind that has failed while pended may be undone by an unbind (binding-q-failed-pended-bind).
            BindingState::Opening(Phase::Pending) if binding.unwanted && binding.unbind_context.is_none() => {
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

    pub(crate) fn binding_debts(&self, debts: &mut Vec<Debt>) {
        for (index, adapter) in self.adapters.iter().enumerate() {
            let object = Object::Adapter(AdapterId(index as u8));
            let rule = match adapter.state {
                AdapterState::Pausing(Phase::Pending) => Rule::BindingMpauseCompleteRequired,
                AdapterState::Restarting(Phase::Pending) => Rule::BindingMrestartCompleteRequired,
                AdapterState::Paused | AdapterState::Running if self.lacks_family(AdapterId(index as u8)) => {
                    Rule::AfMcmRegisterPerAdapter
                }
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
                    let rule = Rule::BindingBindCompleteRequired;
                    debts.push(Debt { by: binding.driver, rule, object, waits_for: None });
                }
                BindingState::Closing(Phase::Pending) => {
                    let rule = Rule::BindingUnbindCompleteRequired;
                    let waits_for = self.af_in_the_way(binding).map(Object::Af);
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

    // ---- adapters ---------------------------------------------------------------------------------------------

    pub(crate) fn initialize(&mut self, cx: &mut Context<'_>, id: AdapterId) -> Step {
        let handle = cx.handle(HandleKind::Adapter, id.0.into());
        self.set_adapter(cx, id, AdapterState::Initializing);
        let this = self.adapter_mut(id);
        (this.handle, this.registration, this.medium) = (Some(handle), None, None);
        let driver = this.driver;
        let driver_context = self.driver(driver).startable().unwrap_or(Token::NULL);
        let callback = Callback::MiniportInitializeEx { adapter: handle, driver_context };
        self.invoke(crate::Op::Binding(Op::Initialize(id)), driver, callback)
    }

    pub(crate) fn pause_miniport(&mut self, cx: &mut Context<'_>, id: AdapterId) -> Step {
        self.set_adapter(cx, id, AdapterState::Pausing(Phase::Calling));
        let (driver, adapter_context) = self.miniport_of(id);
        self.invoke(crate::Op::Binding(Op::Pause(id)), driver, Callback::MiniportPause { adapter_context })
    }

    pub(crate) fn restart_miniport(&mut self, cx: &mut Context<'_>, id: AdapterId) -> Step {
        self.set_adapter(cx, id, AdapterState::Restarting(Phase::Calling));
        let (driver, adapter_context) = self.miniport_of(id);
        self.invoke(
            crate::Op::Binding(Op::Restart(id)),
            driver,
            Callback::MiniportRestart { adapter_context },
        )
    }

    pub(crate) fn surprise_removed(&mut self, id: AdapterId) -> Step {
        self.adapter_mut(id).surprise = Surprise::Told;
        let (driver, adapter_context) = self.miniport_of(id);
        let kind = DeviceEvent::SurpriseRemoved;
        let callback = Callback::MiniportDevicePnPEventNotify { adapter_context, kind };
        self.invoke(crate::Op::Binding(Op::SurpriseRemoved(id)), driver, callback)
    }

    pub(crate) fn halt(&mut self, cx: &mut Context<'_>, id: AdapterId) -> Step {
        self.set_adapter(cx, id, AdapterState::Halting);
        self.close_families_of_adapter(cx, id);
        let (driver, adapter_context) = self.miniport_of(id);
        let action = match self.adapter(id).surprise {
            Surprise::None => HaltAction::DeviceDisabled,
            Surprise::Pulled | Surprise::Told => HaltAction::DeviceSurpriseRemoved,
        };
        self.invoke(
            crate::Op::Binding(Op::Halt(id)),
            driver,
            Callback::MiniportHaltEx { adapter_context, action },
        )
    }

    fn initialized(&mut self, cx: &mut Context<'_>, id: AdapterId, status: Status) -> Result<(), Violation> {
        let this = self.adapter(id);
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Adapter(id), offence));
        if status == Status::PENDING {
            return fail(Rule::BindingInitSync, "MiniportInitializeEx returned NDIS_STATUS_PENDING");
        }
        if status != Status::SUCCESS {
            self.drop_families_of_adapter(cx, id);
            self.set_adapter(cx, id, AdapterState::Halted);
            let this = self.adapter_mut(id);
            (this.handle, this.wanted_up) = (None, false);
            return Ok(());
        }
        if this.registration.is_none() {
            return fail(
                Rule::BindingInitAttributesRequired,
                "MiniportInitializeEx returned success without registration attributes",
            );
        }
        if this.medium.is_none() {
            return fail(
                Rule::BindingInitGeneralOnSuccess,
                "MiniportInitializeEx returned success without general attributes",
            );
        }
        self.set_adapter(cx, id, AdapterState::Paused);
        self.offer_families_of_adapter(cx, id);
        Ok(())
    }

    /// An adapter's handle, from its own driver.
    pub(crate) fn own_adapter(&self, cx: &Context<'_>, handle: HandleArg) -> Result<AdapterId, Violation> {
        let driver = cx.caller();
        let fail =
            |offence| Err(violation(Rule::BindingHandleKnown, driver, Object::Driver(driver), offence));
        match handle {
            HandleArg::Known(handle) if handle.kind == HandleKind::Adapter => {
                let id = AdapterId(handle.slot as u8);
                let this = self.adapter(id);
                if this.driver != driver {
                    fail("the adapter is another driver's")
                } else if this.handle != Some(handle) {
                    fail("the adapter was halted, and its handle is no longer valid")
                } else {
                    Ok(id)
                }
            }
            HandleArg::Known(_) => fail("the handle is of another kind"),
            HandleArg::Null => fail("the handle is NULL"),
            HandleArg::Unknown(_) => fail("NDIS never gave out this value"),
        }
    }

    pub(crate) fn set_miniport_attributes(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        attributes: Attributes,
    ) -> Stepped {
        let id = self.own_adapter(cx, handle)?;
        let this = self.adapter(id);
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Adapter(id), offence));
        if this.state != AdapterState::Initializing {
            return fail(
                Rule::BindingInitAttributesRequired,
                "NdisMSetMiniportAttributes was called outside MiniportInitializeEx",
            );
        }
        if attributes.header.revision == 0 {
            return Ok(Step::Return(Status::BAD_VERSION));
        }
        match attributes.header.object_type {
            REGISTRATION_ATTRIBUTES => {
                self.adapter_mut(id).registration = Some((attributes.context, attributes.flags));
            }
            GENERAL_ATTRIBUTES => {
                if this.registration.is_none() {
                    return fail(
                        Rule::BindingInitAttributesRequired,
                        "general attributes were set before registration attributes",
                    );
                }
                self.adapter_mut(id).medium = Some(attributes.medium);
            }
            // Offload, hardware-assist and such attributes tell nothing that connection-oriented work needs.
            _ => {}
        }
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(crate) fn pause_complete(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let id = self.own_adapter(cx, handle)?;
        let this = self.adapter(id);
        let fail = |offence| {
            Err(violation(Rule::BindingMpauseCompleteRequired, this.driver, Object::Adapter(id), offence))
        };
        let AdapterState::Pausing(mut phase) = this.state else {
            return fail("NdisMPauseComplete without a pause that pends");
        };
        match phase.complete() {
            // The handler that has not returned decides nothing more: it must return NDIS_STATUS_PENDING.
            Ok(()) if phase == Phase::CompletedEarly => {
                self.set_adapter(cx, id, AdapterState::Pausing(phase))
            }
            Ok(()) => self.set_adapter(cx, id, AdapterState::Paused),
            Err(misfit) => return fail(misfit.offence()),
        }
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(crate) fn restart_complete(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        status: Status,
    ) -> Stepped {
        let id = self.own_adapter(cx, handle)?;
        let this = self.adapter(id);
        let fail = |offence| {
            Err(violation(Rule::BindingMrestartCompleteRequired, this.driver, Object::Adapter(id), offence))
        };
        let AdapterState::Restarting(mut phase) = this.state else {
            return fail("NdisMRestartComplete without a restart that pends");
        };
        match phase.complete() {
            Ok(()) => {
                self.adapter_mut(id).restart_failed = status != Status::SUCCESS;
                if phase == Phase::CompletedEarly {
                    self.set_adapter(cx, id, AdapterState::Restarting(phase));
                } else {
                    self.restarted(cx, id);
                }
            }
            Err(misfit) => return fail(misfit.offence()),
        }
        Ok(Step::Return(Status::SUCCESS))
    }

    fn restarted(&mut self, cx: &mut Context<'_>, id: AdapterId) {
        let failed = self.adapter(id).restart_failed;
        self.set_adapter(cx, id, if failed { AdapterState::Paused } else { AdapterState::Running });
    }

    pub(crate) fn remove_miniport(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let id = self.own_adapter(cx, handle)?;
        self.adapter_mut(id).wanted_up = false;
        Ok(Step::Return(Status::SUCCESS))
    }

    // ---- binding ----------------------------------------------------------------------------------------------

    pub(crate) fn bind(&mut self, cx: &mut Context<'_>, driver: DriverId, adapter: AdapterId) -> Step {
        let slot = self.bindings.next_slot();
        let bind_context = cx.handle(HandleKind::BindContext, slot);
        let inserted = self.bindings.insert(Binding {
            id: BindingId(bind_context),
            driver,
            adapter,
            state: BindingState::Opening(Phase::Calling),
            opened: Opened::Unopened,
            handle: None,
            unbind_context: None,
            context: Token::NULL,
            unwanted: false,
            open_failed: false,
            event: None,
            asked: None,
            power: Power::D0,
            restart_failed: false,
            unbind_in_bind: None,
            early_answer: Status::SUCCESS,
            started: self.adapter(adapter).handle.map(Handle::made_by),
        });
        debug_assert_eq!(inserted, Ok(slot), "a protocol has one binding to an adapter");
        cx.edge(Object::Binding(BindingId(bind_context)), "unbound", "opening");
        let driver_context = self.driver(driver).bindable().map_or(Token::NULL, |(_, context)| context);
        let callback = Callback::BindAdapterEx { driver_context, bind_context, adapter };
        self.invoke(crate::Op::Binding(Op::Bind(slot)), driver, callback)
    }

    /// The binding that a `BindContext` or `UnbindContext` stands for.
    fn by_context(&self, cx: &Context<'_>, context: HandleArg, kind: HandleKind) -> Option<u32> {
        let HandleArg::Known(handle) = context else {
            return None;
        };
        let binding = self.bindings.get(handle.slot)?;
        let same = match kind {
            HandleKind::BindContext => binding.id.0 == handle,
            HandleKind::UnbindContext => binding.unbind_context == Some(handle),
            HandleKind::ProtocolDriver
            | HandleKind::MiniportDriver
            | HandleKind::Adapter
            | HandleKind::Binding
            | HandleKind::PnpEvent
            | HandleKind::ClientAf
            | HandleKind::CallManagerAf
            | HandleKind::Registration => false,
        };
        (same && binding.driver == cx.caller()).then_some(handle.slot)
    }

    pub(crate) fn open_adapter(
        &mut self,
        cx: &mut Context<'_>,
        protocol: HandleArg,
        context: Token,
        parameters: OpenParameters,
        bind_context: HandleArg,
    ) -> Stepped {
        let driver = cx.caller();
        self.own_driver(cx, protocol, HandleKind::ProtocolDriver)?;
        let outstanding = self.by_context(cx, bind_context, HandleKind::BindContext).filter(|&slot| {
            self.bindings[slot].is_opening() && self.bindings[slot].opened == Opened::Unopened
        });
        let Some(slot) = outstanding else {
            let offence = "NdisOpenAdapterEx without an outstanding bind that it belongs to";
            cx.warn(Rule::BindingOpenInBind, driver, Object::Driver(driver), offence);
            return Ok(Step::Return(Status::FAILURE));
        };
        let this = &self.bindings[slot];
        let object = Object::Binding(this.id);
        let fail = |rule, offence| Err(violation(rule, driver, object, offence));
        let object_type = contract::values::ndis_object_type::NDIS_OBJECT_TYPE_OPEN_PARAMETERS;
        if !header_fits(parameters.header, object_type, 52) {
            return fail(Rule::BindingOpenHeader, "the header's type, revision or size does not fit");
        }
        if !parameters.names_bound_adapter {
            cx.warn(Rule::BindingOpenName, driver, object, "AdapterName is not the one of the bind");
            self.bindings[slot].open_failed = true;
            return Ok(Step::Return(Status::ADAPTER_NOT_FOUND));
        }
        let medium = self.adapter(this.adapter).medium;
        let Some(index) = medium.and_then(|medium| parameters.media.position(medium)) else {
            // How a protocol finds that an adapter is not for it.
            self.bindings[slot].open_failed = true;
            return Ok(Step::Return(Status::UNSUPPORTED_MEDIA));
        };
        let handle = cx.handle(HandleKind::Binding, slot);
        let pend = self.config.pend_open;
        let this = &mut self.bindings[slot];
        this.opened = if pend { Opened::Opening } else { Opened::Open };
        (this.handle, this.context) = (Some(handle), context);
        let id = self.ops.begin(crate::Op::Binding(Op::PublishBinding(slot)));
        Ok(Step::Publish(id, OutParameter::Binding(handle, index)))
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
            | Op::Told => unreachable!("a handler returns, it does not resume"),
        }
    }

    pub(crate) fn open_adapter_complete(&mut self, binding: BindingId) -> Step {
        let this = &mut self.bindings[binding.0.slot];
        this.opened = Opened::Open;
        let (driver, binding_context) = (this.driver, this.context);
        let callback = Callback::OpenAdapterCompleteEx { binding_context, status: Status::SUCCESS };
        self.invoke(crate::Op::Binding(Op::Told), driver, callback)
    }

    /// A binding handle that its own driver may use now.
    pub(crate) fn usable_binding(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let driver = cx.caller();
        let unknown =
            |offence| Err(violation(Rule::BindingHandleKnown, driver, Object::Driver(driver), offence));
        let handle = match handle {
            HandleArg::Known(handle) if handle.kind == HandleKind::Binding => handle,
            HandleArg::Known(_) => return unknown("the handle is of another kind"),
            HandleArg::Null => return unknown("the handle is NULL"),
            HandleArg::Unknown(_) => return unknown("NDIS never gave out this value"),
        };
        let this = match self.bindings.get(handle.slot) {
            Some(this) if this.handle == Some(handle) => this,
            Some(_) | None => return unknown("the binding was closed long ago"),
        };
        if this.driver != driver {
            return unknown("the binding is another driver's");
        }
        let fail = |rule, offence| Err(violation(rule, driver, Object::Binding(this.id), offence));
        match this.opened {
            Opened::Open => Ok(handle.slot),
            Opened::Opening => fail(Rule::BindingOpenPendingValues, "the open has not completed yet"),
            Opened::Closing | Opened::Closed => {
                fail(Rule::BindingCloseHandleInvalid, "NdisCloseAdapterEx was called before")
            }
            Opened::Unopened => unreachable!("a binding without an open has no handle"),
        }
    }

    /// Checks what a bind that ends with `status` must have done, under the rules of the way in which it ends.
    fn check_bind_end(&self, slot: u32, status: Status, completed: bool) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Binding(this.id), offence));
        if status == Status::SUCCESS {
            return match this.opened {
                Opened::Open => Ok(()),
                Opened::Unopened if this.open_failed => {
                    fail(Rule::BindingOpenFailed, "the bind succeeded although its open failed")
                }
                Opened::Unopened | Opened::Opening | Opened::Closing | Opened::Closed => {
                    fail(Rule::BindingBindCompleteReady, "the bind succeeded without an open adapter")
                }
            };
        }
        match this.opened {
            Opened::Unopened | Opened::Closed => Ok(()),
            Opened::Opening | Opened::Open | Opened::Closing => {
                let rule =
                    if completed { Rule::BindingBindCompleteReady } else { Rule::BindingFailedBindCloses };
                fail(rule, "the bind failed and left the adapter open")
            }
        }
    }

    fn bind_ended(&mut self, cx: &mut Context<'_>, slot: u32, status: Status) {
        if status == Status::SUCCESS {
            self.set_binding(cx, slot, BindingState::Paused);
            self.offer_families_of_binding(cx, slot);
        } else {
            self.drop_families_of_binding(cx, slot);
            // The protocol does not want this adapter; it is offered again when asked for.
            self.bindings[slot].unwanted = true;
            self.binding_gone(cx, slot);
        }
    }

    fn binding_gone(&mut self, cx: &mut Context<'_>, slot: u32) {
        self.set_binding(cx, slot, BindingState::Unbound);
        self.bindings.remove(slot);
    }

    pub(crate) fn complete_bind(
        &mut self,
        cx: &mut Context<'_>,
        context: HandleArg,
        status: Status,
    ) -> Stepped {
        let driver = cx.caller();
        let Some(slot) = self.by_context(cx, context, HandleKind::BindContext) else {
            return Err(violation(
                Rule::BindingBindCompletePendingOnly,
                driver,
                Object::Driver(driver),
                "BindAdapterContext is not that of a bind of this driver",
            ));
        };
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, driver, Object::Binding(this.id), offence));
        let BindingState::Opening(mut phase) = this.state else {
            return fail(Rule::BindingBindCompletePendingOnly, "the bind is over");
        };
        if let Err(misfit) = phase.complete() {
            return fail(Rule::BindingBindCompletePendingOnly, misfit.offence());
        }
        if status == Status::PENDING {
            return fail(Rule::BindingBindCompleteReady, "the bind was completed with NDIS_STATUS_PENDING");
        }
        if this.unbind_in_bind.is_some() {
            return fail(Rule::BindingBindCompleteReady, "the bind was completed before its unbind was over");
        }
        self.check_bind_end(slot, status, true)?;
        self.set_binding(cx, slot, BindingState::Opening(phase));
        if phase == Phase::Completed {
            self.bind_ended(cx, slot, status);
        } else {
            // Delivered at once; the handler has only to return NDIS_STATUS_PENDING.
            self.bindings[slot].open_failed = status != Status::SUCCESS;
        }
        Ok(Step::Return(Status::SUCCESS))
    }

    // ---- unbinding --------------------------------------------------------------------------------------------

    pub(crate) fn unbind_adapter(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let driver = cx.caller();
        if matches!(cx.task.handler, Some(Ddi::ProtocolBindAdapterEx | Ddi::ProtocolUnbindAdapterEx)) {
            return Err(violation(
                Rule::BindingUnbindadapterContext,
                driver,
                Object::Driver(driver),
                "NdisUnbindAdapter was called from ProtocolBindAdapterEx or ProtocolUnbindAdapterEx",
            ));
        }
        // The unbind may already be under way, which the driver cannot know: a handle that was good is enough.
        if let HandleArg::Known(handle) = handle
            && let Some(this) = self.bindings.get(handle.slot)
            && this.handle == Some(handle)
            && this.driver == driver
            && this.is_closing()
        {
            return Ok(Step::Return(Status::SUCCESS));
        }
        let slot = self.usable_binding(cx, handle)?;
        self.bindings[slot].unwanted = true;
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(crate) fn unbind(&mut self, cx: &mut Context<'_>, binding: BindingId) -> Step {
        let slot = binding.0.slot;
        let unbind_context = cx.handle(HandleKind::UnbindContext, slot);
        let bind_pends = matches!(self.bindings[slot].state, BindingState::Opening(_));
        self.bindings[slot].unbind_context = Some(unbind_context);
        if !bind_pends {
            self.set_binding(cx, slot, BindingState::Closing(Phase::Calling));
        } else {
            self.bindings[slot].unbind_in_bind = Some(Phase::Calling);
        }
        self.close_families_of_binding(cx, slot);
        let this = &self.bindings[slot];
        let (driver, binding_context) = (this.driver, this.context);
        let callback = Callback::UnbindAdapterEx { unbind_context, binding_context };
        self.invoke(crate::Op::Binding(Op::Unbind(slot)), driver, callback)
    }

    pub(crate) fn close_adapter(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let driver = cx.caller();
        let slot = self.usable_binding(cx, handle)?;
        let this = &self.bindings[slot];
        let in_context = this.is_opening() || matches!(this.state, BindingState::Closing(_));
        if !in_context {
            return Err(violation(
                Rule::BindingCloseContext,
                driver,
                Object::Binding(this.id),
                "NdisCloseAdapterEx was called while neither a bind nor an unbind was outstanding",
            ));
        }
        self.check_afs_before_close(cx, slot)?;
        let this = &self.bindings[slot];
        if self.config.pend_close || self.carries_afs(this) {
            self.bindings[slot].opened = Opened::Closing;
            return Ok(Step::Return(Status::PENDING));
        }
        self.closed(cx, slot);
        Ok(Step::Return(Status::SUCCESS))
    }

    fn closed(&mut self, cx: &mut Context<'_>, slot: u32) {
        self.bindings[slot].opened = Opened::Closed;
        self.drop_families_of_binding(cx, slot);
    }

    pub(crate) fn close_adapter_complete(&mut self, cx: &mut Context<'_>, binding: BindingId) -> Step {
        let slot = binding.0.slot;
        self.closed(cx, slot);
        let this = &self.bindings[slot];
        let (driver, binding_context) = (this.driver, this.context);
        self.invoke(
            crate::Op::Binding(Op::Told),
            driver,
            Callback::CloseAdapterCompleteEx { binding_context },
        )
    }

    /// Checks what must be done by the time an unbind is reported over.
    fn check_unbind_end(&self, slot: u32) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Binding(this.id), offence));
        match this.opened {
            Opened::Closed | Opened::Unopened => Ok(()),
            Opened::Closing => {
                fail(Rule::BindingUnbindAfterClose, "the close of the adapter has not completed")
            }
            Opened::Opening | Opened::Open => {
                if self.has_open_client_af(this) {
                    fail(Rule::AfCloseOnUnbind, "the unbind was reported over with an address family open")
                } else {
                    fail(Rule::BindingUnbindCloses, "the unbind was reported over without NdisCloseAdapterEx")
                }
            }
        }
    }

    pub(crate) fn complete_unbind(&mut self, cx: &mut Context<'_>, context: HandleArg) -> Stepped {
        let driver = cx.caller();
        let Some(slot) = self.by_context(cx, context, HandleKind::UnbindContext) else {
            return Err(violation(
                Rule::BindingUnbindContextInvalid,
                driver,
                Object::Driver(driver),
                "UnbindContext is not that of an unbind of this driver",
            ));
        };
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, driver, Object::Binding(this.id), offence));
        let mut phase = match (this.state, this.unbind_in_bind) {
            (BindingState::Closing(phase), _) => phase,
            (_, Some(phase)) => phase,
            // Over: gone, or an unbind that undid a pended bind.
            (
                BindingState::Unbound
                | BindingState::Opening(_)
                | BindingState::Paused
                | BindingState::Restarting
                | BindingState::Running
                | BindingState::Pausing,
                None,
            ) => return fail(Rule::BindingUnbindContextInvalid, "the unbind is over"),
        };
        match phase.complete() {
            Ok(()) => {}
            Err(crate::phase::Misfit::CompletedTwice) => {
                return fail(Rule::BindingUnbindContextInvalid, "the unbind was completed before");
            }
            Err(misfit @ crate::phase::Misfit::CompletedUnpended) => {
                return fail(Rule::BindingUnbindCompleteRequired, misfit.offence());
            }
        }
        self.check_unbind_end(slot)?;
        self.unbind_at(cx, slot, phase);
        if phase == Phase::Completed {
            self.unbound(cx, slot);
        }
        Ok(Step::Return(Status::SUCCESS))
    }

    fn unbind_at(&mut self, cx: &mut Context<'_>, slot: u32, phase: Phase) {
        if self.bindings[slot].unbind_in_bind.is_some() {
            self.bindings[slot].unbind_in_bind = Some(phase);
        } else {
            self.set_binding(cx, slot, BindingState::Closing(phase));
        }
    }

    /// The unbind is over. One that undid a pended bind leaves that bind to be completed with its error.
    fn unbound(&mut self, cx: &mut Context<'_>, slot: u32) {
        if self.bindings[slot].unbind_in_bind.take().is_none() {
            self.binding_gone(cx, slot);
        }
    }

    // ---- events -----------------------------------------------------------------------------------------------

    pub(crate) fn net_pnp_event(&mut self, cx: &mut Context<'_>, binding: BindingId, kind: NetEvent) -> Step {
        let slot = binding.0.slot;
        let event = cx.handle(HandleKind::PnpEvent, slot);
        match kind {
            NetEvent::Pause => self.set_binding(cx, slot, BindingState::Pausing),
            NetEvent::Restart => self.set_binding(cx, slot, BindingState::Restarting),
            NetEvent::SetPower(_)
            | NetEvent::QueryPower(_)
            | NetEvent::QueryRemoveDevice
            | NetEvent::CancelRemoveDevice
            | NetEvent::Reconfigure
            | NetEvent::BindsComplete => {}
        }
        let this = &mut self.bindings[slot];
        this.event = Some((event, kind, Phase::Calling));
        if this.asked == Some(kind) {
            this.asked = None;
        }
        let (driver, binding_context) = (this.driver, this.context);
        let callback = Callback::NetPnPEvent { binding_context, event, kind };
        self.invoke(crate::Op::Binding(Op::Event(slot)), driver, callback)
    }

    /// Checks the answer to an event, however it comes.
    fn check_event_answer(
        &self,
        cx: &mut Context<'_>,
        slot: u32,
        kind: NetEvent,
        status: Status,
    ) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let object = Object::Binding(this.id);
        if status == Status::SUCCESS {
            return Ok(());
        }
        if status == Status::NOT_SUPPORTED {
            let offence = "an event was answered with NDIS_STATUS_NOT_SUPPORTED";
            return Err(violation(Rule::BindingPnpNotSupported, this.driver, object, offence));
        }
        match kind {
            NetEvent::Pause => {
                Err(violation(Rule::BindingPauseNoFail, this.driver, object, "a pause was failed"))
            }
            NetEvent::Restart
            | NetEvent::QueryPower(_)
            | NetEvent::CancelRemoveDevice
            | NetEvent::Reconfigure
            | NetEvent::BindsComplete => {
                let offence = "an event was failed that is always answered with success";
                cx.warn(Rule::BindingPnpAlwaysSucceed, this.driver, object, offence);
                Ok(())
            }
            NetEvent::SetPower(_) | NetEvent::QueryRemoveDevice => Ok(()),
        }
    }

    fn event_answered(&mut self, cx: &mut Context<'_>, slot: u32, kind: NetEvent, status: Status) {
        self.bindings[slot].event = None;
        match kind {
            NetEvent::Pause => self.set_binding(cx, slot, BindingState::Paused),
            NetEvent::Restart if status == Status::SUCCESS => {
                self.set_binding(cx, slot, BindingState::Running)
            }
            NetEvent::Restart => {
                self.set_binding(cx, slot, BindingState::Paused);
                self.bindings[slot].restart_failed = true;
            }
            NetEvent::SetPower(power) => self.bindings[slot].power = power,
            NetEvent::QueryPower(_)
            | NetEvent::QueryRemoveDevice
            | NetEvent::CancelRemoveDevice
            | NetEvent::Reconfigure
            | NetEvent::BindsComplete => {}
        }
    }

    pub(crate) fn complete_net_pnp_event(
        &mut self,
        cx: &mut Context<'_>,
        binding: HandleArg,
        event: HandleArg,
        status: Status,
    ) -> Stepped {
        let driver = cx.caller();
        let known = |handle: Handle| {
            let this = self.bindings.get(handle.slot)?;
            (this.driver == driver).then_some(handle.slot)
        };
        let slot = match event {
            HandleArg::Known(handle) if handle.kind == HandleKind::PnpEvent => known(handle),
            HandleArg::Known(_) | HandleArg::Null | HandleArg::Unknown(_) => None,
        };
        let fail =
            |object, offence| Err(violation(Rule::BindingPnpCompleteRequired, driver, object, offence));
        let Some(slot) = slot else {
            return fail(Object::Driver(driver), "the notification is not one that this driver was sent");
        };
        let this = &self.bindings[slot];
        let object = Object::Binding(this.id);
        let Some((handle, kind, mut phase)) = this.event else {
            return fail(object, "the event was answered before");
        };
        if HandleArg::Known(handle) != event {
            return fail(object, "the event was answered before");
        }
        if this.handle.map(HandleArg::Known) != Some(binding) {
            return fail(object, "NdisBindingHandle is not the one of the event's binding");
        }
        if let Err(misfit) = phase.complete() {
            return fail(object, misfit.offence());
        }
        self.check_event_answer(cx, slot, kind, status)?;
        if phase == Phase::Completed {
            self.event_answered(cx, slot, kind, status);
        } else {
            self.bindings[slot].event = Some((handle, kind, phase));
            self.bindings[slot].early_answer = status;
        }
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(crate) fn reenumerate_bindings(&mut self, cx: &mut Context<'_>, protocol: HandleArg) -> Stepped {
        let driver = cx.caller();
        self.own_driver(cx, protocol, HandleKind::ProtocolDriver)?;
        if matches!(
            cx.task.handler,
            Some(Ddi::ProtocolBindAdapterEx | Ddi::ProtocolUnbindAdapterEx | Ddi::ProtocolNetPnPEvent)
        ) {
            return Err(violation(
                Rule::BindingReenumerateContext,
                driver,
                Object::Driver(driver),
                "NdisReEnumerateProtocolBindings was called from a handler of a binding",
            ));
        }
        self.forget_unbound(cx, driver, None);
        Ok(Step::Return(Status::SUCCESS))
    }

    // ---- returns ----------------------------------------------------------------------------------------------

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
            Op::Told => {}
            Op::PublishBinding(_) => unreachable!("a store resumes, it does not return"),
        }
        Ok(self.finish(id, Status::SUCCESS))
    }

    fn pause_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: AdapterId,
        status: Status,
    ) -> Result<(), Violation> {
        let this = self.adapter(id);
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Adapter(id), offence));
        if status != Status::SUCCESS && status != Status::PENDING {
            return fail(Rule::BindingMpauseStatus, "MiniportPause failed");
        }
        let AdapterState::Pausing(mut phase) = this.state else {
            unreachable!("a pause ends when its handler has returned");
        };
        match phase.returned(status) {
            Ok(Verdict::Pended) if phase == Phase::Pending => {
                self.set_adapter(cx, id, AdapterState::Pausing(phase));
            }
            Ok(Verdict::Pended | Verdict::Result(_)) => self.set_adapter(cx, id, AdapterState::Paused),
            Err(misfit) => return fail(Rule::BindingMpauseCompleteRequired, misfit.offence()),
        }
        Ok(())
    }

    fn restart_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: AdapterId,
        status: Status,
    ) -> Result<(), Violation> {
        let this = self.adapter(id);
        let AdapterState::Restarting(mut phase) = this.state else {
            unreachable!("a restart ends when its handler has returned");
        };
        match phase.returned(status) {
            Ok(Verdict::Pended) if phase == Phase::Pending => {
                self.set_adapter(cx, id, AdapterState::Restarting(phase));
            }
            Ok(Verdict::Pended) => self.restarted(cx, id),
            Ok(Verdict::Result(status)) => {
                self.adapter_mut(id).restart_failed = status != Status::SUCCESS;
                self.restarted(cx, id);
            }
            Err(misfit) => {
                let rule = Rule::BindingMrestartCompleteRequired;
                return Err(violation(rule, this.driver, Object::Adapter(id), misfit.offence()));
            }
        }
        Ok(())
    }

    fn halt_returned(&mut self, cx: &mut Context<'_>, id: AdapterId) -> Result<(), Violation> {
        self.check_afs_after_halt(id)?;
        self.drop_families_of_adapter(cx, id);
        self.set_adapter(cx, id, AdapterState::Halted);
        self.adapter_mut(id).handle = None;
        Ok(())
    }

    fn bind_returned(&mut self, cx: &mut Context<'_>, slot: u32, status: Status) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let BindingState::Opening(mut phase) = this.state else {
            unreachable!("a bind ends when its handler has returned");
        };
        match phase.returned(status) {
            Ok(Verdict::Pended) => {
                self.set_binding(cx, slot, BindingState::Opening(phase));
                if phase == Phase::Completed {
                    let failed = self.bindings[slot].open_failed;
                    self.bind_ended(cx, slot, if failed { Status::FAILURE } else { Status::SUCCESS });
                }
            }
            Ok(Verdict::Result(status)) => {
                self.check_bind_end(slot, status, false)?;
                self.bind_ended(cx, slot, status);
            }
            Err(misfit) => {
                let rule = Rule::BindingBindCompletePendingOnly;
                return Err(violation(rule, this.driver, Object::Binding(this.id), misfit.offence()));
            }
        }
        Ok(())
    }

    fn unbind_returned(&mut self, cx: &mut Context<'_>, slot: u32, status: Status) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Binding(this.id), offence));
        if status != Status::SUCCESS && status != Status::PENDING {
            return fail(Rule::BindingUnbindNoFail, "ProtocolUnbindAdapterEx failed");
        }
        let mut phase = match (this.unbind_in_bind, this.state) {
            (Some(phase), _) | (None, BindingState::Closing(phase)) => phase,
            (
                None,
                BindingState::Opening(_)
                | BindingState::Paused
                | BindingState::Restarting
                | BindingState::Running
                | BindingState::Pausing
                | BindingState::Unbound,
            ) => unreachable!("an unbind ends when its handler has returned"),
        };
        match phase.returned(status) {
            Ok(Verdict::Pended) => {
                self.unbind_at(cx, slot, phase);
                if phase == Phase::Completed {
                    self.unbound(cx, slot);
                }
            }
            Ok(Verdict::Result(_)) => {
                self.check_unbind_end(slot)?;
                self.unbound(cx, slot);
            }
            Err(misfit) => return fail(Rule::BindingUnbindCompleteRequired, misfit.offence()),
        }
        Ok(())
    }

    fn event_returned(&mut self, cx: &mut Context<'_>, slot: u32, status: Status) -> Result<(), Violation> {
        let this = &self.bindings[slot];
        let Some((handle, kind, mut phase)) = this.event else {
            unreachable!("an event ends when its handler has returned");
        };
        match phase.returned(status) {
            Ok(Verdict::Pended) if phase == Phase::Pending => {
                self.bindings[slot].event = Some((handle, kind, phase));
            }
            Ok(Verdict::Pended) => {
                let status = self.bindings[slot].early_answer;
                self.event_answered(cx, slot, kind, status);
            }
            Ok(Verdict::Result(status)) => {
                self.check_event_answer(cx, slot, kind, status)?;
                self.event_answered(cx, slot, kind, status);
            }
            Err(misfit) => {
                let rule = Rule::BindingPnpCompleteRequired;
                return Err(violation(rule, this.driver, Object::Binding(this.id), misfit.offence()));
            }
        }
        Ok(())
    }
}
