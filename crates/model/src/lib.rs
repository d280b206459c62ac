//! The core: connection-oriented NDIS as a pure step function.
//!
//! **How it is driven.** [`World::step`] is the only way in. It takes one [`Input`] (a driver called, a handler returned,
//! a task of NDIS's own started, the environment acted) and gives one [`Step`]: return this, store that, run this
//! handler, wait for that. Whoever drives it, the engine, turns steps into real calls in one short loop and feeds the
//! results back; no driver code can run while the world is held, because the world takes no closure and knows
//! drivers by number only. It reads no clock, starts no thread, and calls nobody.
//!
//! **What it gives.** A documented error status is a [`Step::Return`]. A [`Violation`] is behaviour that the documents
//! forbid or leave undefined; it ends the execution, and the world is as before it. What the documents
//! answer with a status, or only advise against, is a [`Notice::Warning`] beside the step.
//!
//! **What NDIS does on its own** is listed by [`World::jobs`] as a function of the state: there is no queue. The
//! environment's [`Command`]s set goals, and the jobs work towards them.
//!
//! One module per area of the contract: `registration`, `binding` (with adapters), `af`, `sap`, `vc`, `call`, `party`. Read
//! [`phase`] first, which all asynchronous operations share, then `af`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod af;
mod binding;
pub mod block;
mod call;
mod event;
mod id;
mod party;
pub mod phase;
pub mod record;
mod registration;
mod sap;
mod step;
mod table;
mod vc;
pub mod view;

pub use event::{Call, CallId, Callback, DeviceEvent, HaltAction, NetEvent, Power, Reply, Side, Value};
pub use id::{
    AdapterId, AfId, BindingId, DriverId, Handle, HandleArg, HandleKind, PartyId, RegistrationId, SapId,
    Task, TaskId, Token, VcId,
};
pub use phase::Phase;
pub use step::{
    Command, Condition, Debt, Input, Job, Log, Notice, Object, OpId, OutParameter, Step, Violation,
};

use alloc::vec::Vec;
use contract::{Rule, Status};
use table::Table;

/// How the world is laid out, and how NDIS behaves where the documentation leaves it a choice.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// How many drivers there are.
    pub drivers: u8,
    /// The miniport driver of each adapter.
    pub adapters: Vec<DriverId>,
    /// When halting may begin.
    pub stop_order: StopOrder,
    /// Whether NDIS pends `NdisOpenAdapterEx`.
    pub pend_open: bool,
    /// Whether NDIS pends `NdisCloseAdapterEx`.
    pub pend_close: bool,
    /// Whether NDIS pends `NdisMCmActivateVc` and `NdisMCmDeactivateVc`, and calls the MCM back (vc-q-mcm-complete-callbacks).
    pub pend_mcm: bool,
}

/// How NDIS takes an adapter down: the `[[stop_order]]` tables of the contract.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StopOrder {
    /// As documented: every unbind is complete before the halt.
    Strict,
    /// A test option: the halt may begin while unbinds are pended.
    Overlapped,
}

/// All that NDIS knows. A value: it can be copied, compared, hashed, printed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct World {
    config: Config,
    drivers: Vec<registration::Driver>,
    adapters: Vec<binding::Adapter>,
    bindings: Table<binding::Binding>,
    registrations: Table<af::Registration>,
    afs: Table<af::Af>,
    saps: Table<sap::Sap>,
    vcs: Table<vc::Vc>,
    vc_names: Vec<vc::VcName>,
    mcm_pended: Vec<vc::McmPended>,
    parties: Table<party::Party>,
    ops: Ops,
}

/// A call or callback that is under way: what to do when its handler returns, or when its store or wait is done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Op {
    Registration(registration::Op),
    Binding(binding::Op),
    Af(af::Op),
    Sap(sap::Op),
    Vc(vc::Op),
    Call(call::Op),
    Party(party::Op),
}

/// The operations under way. An operation that is over is freed at once.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Ops {
    slots: Vec<Option<Op>>,
}

impl Ops {
    fn begin(&mut self, op: Op) -> OpId {
        let slot = self.slots.iter().position(Option::is_none).unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(op);
        OpId(slot as u32)
    }

    fn iter(&self) -> impl Iterator<Item = Op> + '_ {
        self.slots.iter().flatten().copied()
    }

    fn get(&self, id: OpId) -> Op {
        self.slots[id.0 as usize].expect("an operation is continued by its own step only")
    }

    fn go_on(&mut self, id: OpId, op: Op) {
        self.slots[id.0 as usize] = Some(op);
    }

    fn end(&mut self, id: OpId) {
        self.slots[id.0 as usize] = None;
        while self.slots.pop_if(|slot| slot.is_none()).is_some() {}
    }
}

/// Who steps, and where the step leaves its notices.
struct Context<'a> {
    task: &'a mut Task,
    log: &'a mut dyn Log,
}

impl Context<'_> {
    /// The driver that made the call.
    fn caller(&self) -> DriverId {
        self.task.driver.expect("only drivers call NDIS")
    }

    fn handle(&mut self, kind: HandleKind, slot: u32) -> Handle {
        self.task.made += 1;
        Handle::new(kind, self.task.id, self.task.made - 1, slot)
    }

    fn edge(&mut self, object: Object, from: &'static str, to: &'static str) {
        self.log.notice(Notice::Edge(object, from, to));
    }

    fn warn(&mut self, rule: Rule, by: DriverId, object: Object, offence: &'static str) {
        self.log.notice(Notice::Warning(Violation { rule, by, object, offence }));
    }
}

type Stepped = Result<Step, Violation>;

const fn violation(rule: Rule, by: DriverId, object: Object, offence: &'static str) -> Violation {
    Violation { rule, by, object, offence }
}

impl World {
    /// A world in which nothing is loaded and nothing is plugged in.
    pub fn new(config: Config) -> World {
        World {
            drivers: (0..config.drivers).map(|_| registration::Driver::default()).collect(),
            adapters: config.adapters.iter().map(|&driver| binding::Adapter::new(driver)).collect(),
            bindings: Table::default(),
            registrations: Table::default(),
            afs: Table::default(),
            saps: Table::default(),
            vcs: Table::default(),
            vc_names: Vec::new(),
            mcm_pended: Vec::new(),
            parties: Table::default(),
            ops: Ops::default(),
            config,
        }
    }

    /// The only way in: what happened on `task`, and what the task does next. Notices go to `log`.
    ///
    /// # Errors
    /// The rule that a driver broke. The world, and what `task` has made, are as before the step.
    pub fn step(&mut self, task: &mut Task, input: Input, log: &mut dyn Log) -> Stepped {
        let cx = &mut Context { task, log };
        match input {
            Input::Called(call) => self.called(cx, call),
            Input::Returned(id, reply) => match self.ops.get(id) {
                Op::Registration(op) => self.registration_returned(cx, id, op, reply),
                Op::Binding(op) => self.binding_returned(cx, id, op, reply),
                Op::Af(op) => self.af_returned(cx, id, op, reply),
                Op::Sap(op) => self.sap_returned(cx, id, op, reply),
                Op::Vc(op) => self.vc_returned(cx, id, op, reply),
                Op::Call(op) => self.call_returned(cx, id, op, reply),
                Op::Party(op) => self.party_returned(cx, id, op, reply),
            },
            Input::Resumed(id) => match self.ops.get(id) {
                Op::Registration(op) => self.registration_resumed(cx, id, op),
                Op::Binding(op) => self.binding_resumed(id, op),
                Op::Af(op) => self.af_resumed(id, op),
                Op::Sap(op) => self.sap_resumed(id, op),
                Op::Vc(op) => self.vc_resumed(cx, id, op),
                Op::Call(op) => self.call_resumed(id, op),
                Op::Party(op) => self.party_resumed(id, op),
            },
            Input::Start(job) => Ok(self.start(cx, job)),
            Input::Commanded(command) => Ok(Step::Return(self.command(command))),
        }
    }

    fn called(&mut self, cx: &mut Context<'_>, call: Call) -> Stepped {
        match call {
            Call::RegisterProtocolDriver { driver_context, characteristics } => {
                self.register_protocol_driver(cx, driver_context, characteristics)
            }
            Call::DeregisterProtocolDriver { protocol } => self.deregister_protocol_driver(cx, protocol),
            Call::MRegisterMiniportDriver { driver_context, characteristics } => {
                self.register_miniport_driver(cx, driver_context, characteristics)
            }
            Call::MDeregisterMiniportDriver { driver } => self.deregister_miniport_driver(cx, driver),
            Call::SetOptionalHandlers { handle, handlers } => {
                self.set_optional_handlers(cx, handle, handlers)
            }
            Call::MSetMiniportAttributes { adapter, attributes } => {
                self.set_miniport_attributes(cx, adapter, attributes)
            }
            Call::OpenAdapterEx { protocol, binding_context, parameters, bind_context } => {
                self.open_adapter(cx, protocol, binding_context, parameters, bind_context)
            }
            Call::CloseAdapterEx { binding } => self.close_adapter(cx, binding),
            Call::CompleteBindAdapterEx { bind_context, status } => {
                self.complete_bind(cx, bind_context, status)
            }
            Call::CompleteUnbindAdapterEx { unbind_context } => self.complete_unbind(cx, unbind_context),
            Call::UnbindAdapter { binding } => self.unbind_adapter(cx, binding),
            Call::ReEnumerateProtocolBindings { protocol } => self.reenumerate_bindings(cx, protocol),
            Call::CompleteNetPnPEvent { binding, event, status } => {
                self.complete_net_pnp_event(cx, binding, event, status)
            }
            Call::MPauseComplete { adapter } => self.pause_complete(cx, adapter),
            Call::MRestartComplete { adapter, status } => self.restart_complete(cx, adapter, status),
            Call::MRemoveMiniport { adapter } => self.remove_miniport(cx, adapter),
            Call::CmRegisterAddressFamilyEx { binding, family } => {
                self.cm_register_family(cx, binding, family)
            }
            Call::MCmRegisterAddressFamilyEx { adapter, family } => {
                self.mcm_register_family(cx, adapter, family)
            }
            Call::ClOpenAddressFamilyEx { binding, family, af_context } => {
                self.open_af(cx, binding, family, af_context)
            }
            Call::CmOpenAddressFamilyComplete { status, af, af_context } => {
                self.open_af_complete(cx, status, af, af_context)
            }
            Call::ClCloseAddressFamily { af } => self.close_af(cx, af),
            Call::CmCloseAddressFamilyComplete { status, af } => self.close_af_complete(cx, status, af),
            Call::CmNotifyCloseAddressFamily { af } => self.notify_close_af(cx, af),
            Call::ClNotifyCloseAddressFamilyComplete { af, status } => {
                self.notify_close_af_complete(cx, af, status)
            }
            Call::ClRegisterSap { af, sap_context, specification } => {
                self.register_sap(cx, af, sap_context, specification)
            }
            Call::CmRegisterSapComplete { status, sap, sap_context } => {
                self.register_sap_complete(cx, status, sap, sap_context)
            }
            Call::ClDeregisterSap { sap } => self.deregister_sap(cx, sap),
            Call::CmDeregisterSapComplete { status, sap } => self.deregister_sap_complete(cx, status, sap),
            Call::CoCreateVc { binding, af, vc_context, vc } => {
                self.create_vc(cx, binding, af, vc_context, vc)
            }
            Call::CoDeleteVc { vc } => self.delete_vc(cx, vc, false),
            Call::MCmCreateVc { adapter, af, vc_context, vc } => {
                self.mcm_create_vc(cx, adapter, af, vc_context, vc)
            }
            Call::MCmDeleteVc { vc } => self.delete_vc(cx, vc, true),
            Call::CmActivateVc { vc, parameters } => self.activate_vc(cx, vc, parameters, false),
            Call::MCmActivateVc { vc, parameters } => self.activate_vc(cx, vc, parameters, true),
            Call::CmDeactivateVc { vc } => self.deactivate_vc(cx, vc, false),
            Call::MCmDeactivateVc { vc } => self.deactivate_vc(cx, vc, true),
            Call::MCoActivateVcComplete { status, vc, parameters } => {
                self.activate_complete(cx, status, vc, parameters)
            }
            Call::MCoDeactivateVcComplete { status, vc } => self.deactivate_complete(cx, status, vc),
            Call::CoAssignInstanceName { vc, base_name } => self.assign_instance_name(cx, vc, base_name),
            Call::CoGetTapiCallId { vc, size } => self.tapi_call_id(cx, vc, size),
            Call::ClGetProtocolVcContextFromTapiCallId { call_id } => self.vc_context_of_call_id(cx, call_id),
            Call::ClMakeCall { vc, parameters, party_context } => {
                self.make_call(cx, vc, parameters, party_context)
            }
            Call::ClModifyCallQoS { vc, parameters } => self.modify_call_qos(cx, vc, parameters),
            Call::ClCloseCall { vc, party, data, size } => self.close_call(cx, vc, party, data, size),
            Call::ClIncomingCallComplete { status, vc, parameters } => {
                self.incoming_call_complete(cx, status, vc, parameters)
            }
            Call::CmMakeCallComplete { status, vc, party, party_context, parameters } => {
                self.make_call_complete(cx, status, vc, party, party_context, parameters)
            }
            Call::CmCloseCallComplete { status, vc, party } => {
                self.close_call_complete(cx, status, vc, party)
            }
            Call::CmDispatchIncomingCall { sap, vc, parameters } => {
                self.dispatch_incoming_call(cx, sap, vc, parameters)
            }
            Call::CmDispatchCallConnected { vc } => self.dispatch_call_connected(cx, vc),
            Call::CmDispatchIncomingCallQoSChange { vc, parameters } => {
                self.dispatch_qos_change(cx, vc, parameters)
            }
            Call::CmDispatchIncomingCloseCall { status, vc, data, size } => {
                self.dispatch_incoming_close(cx, status, vc, data, size)
            }
            Call::CmModifyCallQoSComplete { status, vc, parameters } => {
                self.modify_call_qos_complete(cx, status, vc, parameters)
            }
            Call::ClAddParty { vc, party_context, parameters } => {
                self.add_party(cx, vc, party_context, parameters)
            }
            Call::ClDropParty { party, data, size } => self.drop_party(cx, party, data, size),
            Call::CmAddPartyComplete { status, party, party_context, parameters } => {
                self.add_party_complete(cx, status, party, party_context, parameters)
            }
            Call::CmDropPartyComplete { status, party } => self.drop_party_complete(cx, status, party),
            Call::CmDispatchIncomingDropParty { status, party, data, size } => {
                self.dispatch_incoming_drop(cx, status, party, data, size)
            }
        }
    }

    fn start(&mut self, cx: &mut Context<'_>, job: Job) -> Step {
        match job {
            Job::Load(driver) => self.load(driver),
            Job::Uninstall(driver) => self.uninstall(driver),
            Job::Unload(driver) => self.unload(driver),
            Job::Initialize(adapter) => self.initialize(cx, adapter),
            Job::PauseMiniport(adapter) => self.pause_miniport(cx, adapter),
            Job::RestartMiniport(adapter) => self.restart_miniport(cx, adapter),
            Job::SurpriseRemoved(adapter) => self.surprise_removed(adapter),
            Job::Halt(adapter) => self.halt(cx, adapter),
            Job::Bind(driver, adapter) => self.bind(cx, driver, adapter),
            Job::OpenAdapterComplete(binding) => self.open_adapter_complete(binding),
            Job::NetPnPEvent(binding, event) => self.net_pnp_event(cx, binding, event),
            Job::Unbind(binding) => self.unbind(cx, binding),
            Job::CloseAdapterComplete(binding) => self.close_adapter_complete(cx, binding),
            Job::AfRegisterNotify(binding, registration) => self.af_register_notify(binding, registration),
            Job::OpenAfComplete(af) => self.report_open(af),
            Job::NotifyCloseAf(af) => self.deliver_notification(af),
            Job::McmVcComplete(vc) => self.mcm_vc_complete(cx, vc),
        }
    }

    /// Appends what NDIS may start on its own now, in an order that depends on the state alone.
    pub fn jobs(&self, jobs: &mut Vec<Job>) {
        self.registration_jobs(jobs);
        self.binding_jobs(jobs);
        self.af_jobs(jobs);
        self.vc_jobs(jobs);
    }

    /// Whether what a call waits for has come.
    pub fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::Unbound(driver) => !self.has_bindings(driver),
        }
    }

    /// What is not at rest, and who owes it. At quiescence each entry is a liveness finding, unless it only waits for another.
    pub fn pending(&self) -> Vec<Debt> {
        let mut debts = Vec::new();
        self.binding_debts(&mut debts);
        self.af_debts(&mut debts);
        self.sap_debts(&mut debts);
        self.vc_debts(&mut debts);
        self.call_debts(&mut debts);
        self.party_debts(&mut debts);
        debts
    }

    /// Runs `handler` of `driver` as the first thing of a new operation.
    fn invoke(&mut self, op: Op, driver: DriverId, callback: Callback) -> Step {
        Step::Invoke(self.ops.begin(op), driver, callback)
    }

    /// Ends an operation with a return to its caller.
    fn finish(&mut self, id: OpId, status: Status) -> Step {
        self.ops.end(id);
        Step::Return(status)
    }
}
