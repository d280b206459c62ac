//! One adapter: `MiniportInitializeEx`, pause, restart, surprise removal, `MiniportHaltEx`.

use crate::block::Attributes;
use crate::phase::{Phase, Verdict};
use crate::{
    AdapterId, Callback, Context, DeviceEvent, DriverId, HaltAction, Handle, HandleArg, HandleKind, Job,
    Object, Power, Step, Stepped, StopOrder, Token, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Rule, Status};

use super::{Binding, BindingState, Op};

const ATTRIBUTES_NOT_CO_NDIS: u32 =
    contract::values::ndis_miniport_attributes::NDIS_MINIPORT_ATTRIBUTES_NOT_CO_NDIS;
const REGISTRATION_ATTRIBUTES: u8 =
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES as u8;
const GENERAL_ATTRIBUTES: u8 =
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES as u8;

/// One adapter.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Adapter {
    pub(super) driver: DriverId,
    pub(super) state: AdapterState,
    /// The handle of the present initialisation.
    pub(super) handle: Option<Handle>,
    /// Whether the environment wants it up.
    pub(super) wanted_up: bool,
    /// Whether it was pulled out: first the miniport is told, then the stop follows.
    pub(super) surprise: Surprise,
    /// Whether it was plugged in again since: it comes up once it is halted.
    pub(super) replugged: bool,
    /// The power that the environment wants.
    pub(super) power: Power,
    /// What the miniport said in its registration attributes.
    pub(super) registration: Option<(Token, u32)>,
    /// The medium of its general attributes.
    pub(super) medium: Option<u8>,
    /// A restart failed; it is not tried again before the next start.
    pub(super) restart_failed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum AdapterState {
    Halted,
    Initializing,
    Paused,
    Restarting(Phase),
    Running,
    Pausing(Phase),
    Halting,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Surprise {
    None,
    Pulled,
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
            replugged: false,
            power: Power::D0,
            registration: None,
            medium: None,
            restart_failed: false,
        }
    }

    pub(super) fn state_name(&self) -> &'static str {
        adapter_state_name(self.state)
    }

    pub(super) fn context(&self) -> Token {
        self.registration.map_or(Token::NULL, |(context, _)| context)
    }

    /// Whether data may flow: it is to be up, and at full power.
    pub(super) fn wants_data(&self) -> bool {
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

impl World {
    pub(crate) fn adapter(&self, adapter: AdapterId) -> &Adapter {
        &self.adapters[adapter.0 as usize]
    }

    pub(super) fn adapter_mut(&mut self, adapter: AdapterId) -> &mut Adapter {
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

    /// Whether all adapters of a miniport driver are halted: unbinds are over too, which may outlive an overlapped halt,
    /// and no handler of a call manager runs any more.
    pub(crate) fn adapters_halted(&self, driver: DriverId) -> bool {
        let mut adapters = (0u8..).map(AdapterId).zip(&self.adapters);
        adapters.all(|(id, adapter)| {
            let handler_runs = |op| match op {
                crate::Op::Af(op) => self.af_handler_runs_in(op, id),
                crate::Op::Sap(op) => self.sap_handler_runs_in(op, id),
                crate::Op::Vc(op) => self.vc_handler_runs_in(op, id),
                crate::Op::Call(op) => self.call_handler_runs_in(op, id),
                crate::Op::Party(op) => self.party_handler_runs_in(op, id),
                crate::Op::Binding(_) | crate::Op::Registration(_) => false,
            };
            adapter.driver != driver
                || adapter.state == AdapterState::Halted
                    && self.bindings_of(id).next().is_none()
                    && !self.ops.iter().any(handler_runs)
        })
    }

    /// Plugs the adapter in. One that was pulled out goes down first.
    pub(super) fn plug_in(&mut self, id: AdapterId) {
        let this = self.adapter_mut(id);
        match (this.state, this.surprise) {
            (
                AdapterState::Initializing
                | AdapterState::Paused
                | AdapterState::Restarting(_)
                | AdapterState::Running
                | AdapterState::Pausing(_)
                | AdapterState::Halting,
                Surprise::Pulled | Surprise::Told,
            ) => this.replugged = true,
            (AdapterState::Halted, _) | (_, Surprise::None) => {
                (this.wanted_up, this.restart_failed) = (true, false);
                (this.surprise, this.replugged) = (Surprise::None, false);
            }
        }
    }

    /// The adapter is down: its handle is dead.
    fn came_down(&mut self, cx: &mut Context<'_>, id: AdapterId) {
        self.set_adapter(cx, id, AdapterState::Halted);
        let this = self.adapter_mut(id);
        this.handle = None;
        if this.replugged {
            self.plug_in(id);
        }
    }

    /// The only writer of an adapter's state.
    pub(super) fn set_adapter(&mut self, cx: &mut Context<'_>, adapter: AdapterId, next: AdapterState) {
        let now = self.adapter(adapter).state;
        if adapter_state_name(now) != adapter_state_name(next) {
            cx.edge(Object::Adapter(adapter), adapter_state_name(now), adapter_state_name(next));
        }
        self.adapter_mut(adapter).state = next;
    }

    pub(super) fn adapter_jobs(&self, id: AdapterId, adapter: &Adapter, jobs: &mut Vec<Job>) {
        match adapter.state {
            AdapterState::Halted => {
                // Overlapped, unbinds may outlive the halt.
                if adapter.wanted_up
                    && adapter.surprise == Surprise::None
                    && self.bindings_of(id).next().is_none()
                    && self.driver(adapter.driver).startable().is_some()
                {
                    jobs.push(Job::Initialize(id));
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
                    // Nothing is submitted to the adapter after its halt, no answer to a notification either.
                    StopOrder::Strict => {
                        self.bindings_of(id).next().is_none() && !self.owes_notification_answer(id)
                    }
                    // An MCM takes its VCs down in its halt; a miniport is not halted under those of others.
                    StopOrder::Overlapped => self.bindings_of(id).all(|binding| {
                        matches!(binding.state, BindingState::Closing(Phase::Pending))
                            && !self.manages_vcs(binding)
                    }),
                };
                let handler_runs = |op| match op {
                    crate::Op::Af(op) => self.af_handler_runs_in(op, id),
                    crate::Op::Sap(op) => self.sap_handler_runs_in(op, id),
                    crate::Op::Vc(op) => self.vc_handler_runs_in(op, id),
                    crate::Op::Call(op) => self.call_handler_runs_in(op, id),
                    crate::Op::Party(op) => self.party_handler_runs_in(op, id),
                    crate::Op::Binding(Op::SurpriseRemoved(of)) => of == id,
                    crate::Op::Binding(_) | crate::Op::Registration(_) => false,
                };
                if unbound && !self.ops.iter().any(handler_runs) {
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
        if self.lacks_family(id) {
            let offence = "the adapter halts and has never offered an address family";
            cx.warn(Rule::AfMcmRegisterPerAdapter, self.adapter(id).driver, Object::Adapter(id), offence);
        }
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

    pub(super) fn initialized(
        &mut self,
        cx: &mut Context<'_>,
        id: AdapterId,
        status: Status,
    ) -> Result<(), Violation> {
        let this = self.adapter(id);
        let fail = |rule, offence| Err(violation(rule, this.driver, Object::Adapter(id), offence));
        if status == Status::PENDING {
            return fail(Rule::BindingInitSync, "MiniportInitializeEx returned NDIS_STATUS_PENDING");
        }
        if status != Status::SUCCESS {
            self.drop_families_of_adapter(cx, id);
            self.adapter_mut(id).wanted_up = false;
            self.came_down(cx, id);
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
            _ => {
                if this.medium.is_none() {
                    return fail(
                        Rule::BindingInitAttributesRequired,
                        "other attributes were set before general attributes",
                    );
                }
            }
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

    pub(super) fn restarted(&mut self, cx: &mut Context<'_>, id: AdapterId) {
        let failed = self.adapter(id).restart_failed;
        self.set_adapter(cx, id, if failed { AdapterState::Paused } else { AdapterState::Running });
    }

    pub(crate) fn remove_miniport(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let id = self.own_adapter(cx, handle)?;
        self.adapter_mut(id).wanted_up = false;
        Ok(Step::Return(Status::SUCCESS))
    }

    pub(super) fn pause_returned(
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

    pub(super) fn restart_returned(
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

    pub(super) fn halt_returned(&mut self, cx: &mut Context<'_>, id: AdapterId) -> Result<(), Violation> {
        self.check_afs_after_halt(id)?;
        self.drop_families_of_adapter(cx, id);
        self.came_down(cx, id);
        Ok(())
    }
}
