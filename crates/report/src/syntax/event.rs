//! Events as text.

use super::value::{arguments, net_event, push, value};
use super::{is_void, stored_context};
use crate::names::Names;
use contract::{Ddi, Status};
use model::record::{Event, KernelCall, ObjectKind, Operation, Routine};
use model::{Command, Condition, DriverId, Job, OutParameter, Power, Reply, Violation};

/// Whose line it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// The user, plug and play.
    Environment,
    /// NDIS.
    Ndis,
    /// A driver.
    Driver(DriverId),
}

/// One event in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Whose line it is.
    pub who: Who,
    /// What happened, in the syntax at the top of this module.
    pub text: String,
}

/// `event` in words. `texts` are what drivers printed, by the number that the event carries.
pub fn event(names: &Names, event: &Event, texts: &[String]) -> Said {
    match *event {
        Event::Commanded(what) => Said { who: Who::Environment, text: command(names, what) },
        Event::Started(what) => Said { who: Who::Ndis, text: format!("start: {}", job(names, what)) },
        Event::Queued(driver, routine) => said(driver, format!("start: {}", routine_name(names, routine))),
        Event::Ended => Said { who: Who::Ndis, text: "end".to_owned() },
        Event::Called(driver, call) => {
            said(driver, function(names, call.ddi(), |see| call.each_argument(see)))
        }
        Event::Published(driver, out) => said(driver, out_parameter(names, out)),
        Event::Returned(driver, ddi, status) => said(driver, returned(ddi, status)),
        Event::Invoked(driver, callback) => {
            said(driver, function(names, callback.ddi(), |see| callback.each_argument(see)))
        }
        Event::Replied(driver, ddi, reply) => said(driver, replied(names, ddi, reply)),
        Event::Waiting(driver, what) => said(driver, format!("wait: {}", condition(names, what))),
        Event::Kernel(driver, call) => said(driver, kernel_call(names, call)),
        Event::Printed(driver, text) => {
            let text = texts.get(text as usize).map_or("", String::as_str);
            said(driver, format!("{:?}", text.trim_end()))
        }
        Event::Edge(object, from, to) => {
            Said { who: Who::Ndis, text: format!("{}: {from} -> {to}", names.name(object)) }
        }
        Event::Warned(violation) => said(violation.by, format!("breaks {}", breach(names, violation))),
        Event::Violated(violation) => said(violation.by, format!("breaks {}", breach(names, violation))),
    }
}

fn said(driver: DriverId, text: String) -> Said {
    Said { who: Who::Driver(driver), text }
}

fn function(
    names: &Names,
    ddi: Ddi,
    each: impl FnOnce(&mut dyn FnMut(&'static str, model::Value)),
) -> String {
    let mut text = String::with_capacity(96);
    text.push_str(ddi.name());
    text.push('(');
    arguments(&mut text, names, each);
    text.push(')');
    text
}

fn returned(ddi: Ddi, status: Status) -> String {
    if is_void(ddi) { format!("{ddi} returns") } else { format!("{ddi} = {status}") }
}

/// What a handler gives back, with what it stores.
fn replied(names: &Names, ddi: Ddi, reply: Reply) -> String {
    let mut text = returned(ddi, reply.status);
    if let Some(name) = stored_context(ddi, reply) {
        push(&mut text, format_args!(", *{name} = {}", names.token(reply.context)));
    }
    if !reply.parameters.is_null() {
        text.push_str(", *CallParameters = ");
        value(&mut text, names, reply.parameters.into());
    }
    text
}

fn out_parameter(names: &Names, out: OutParameter) -> String {
    match out {
        OutParameter::DriverHandle(handle) => {
            let name = match handle.kind {
                model::HandleKind::MiniportDriver => "NdisMiniportDriverHandle",
                _ => "NdisProtocolHandle",
            };
            format!("*{name} = {}", names.handle(handle))
        }
        OutParameter::Binding(handle, medium) => {
            format!("*NdisBindingHandle = {}, *SelectedMediumIndex = {medium}", names.handle(handle))
        }
        OutParameter::AddressFamily(handle) => format!("*NdisAfHandle = {}", names.handle(handle)),
        OutParameter::Sap(handle) => format!("*NdisSapHandle = {}", names.handle(handle)),
        OutParameter::Vc(handle) => format!("*NdisVcHandle = {}", names.handle(handle)),
        OutParameter::Party(handle) => format!("*NdisPartyHandle = {}", names.handle_arg(handle)),
        OutParameter::CallParameters(parameters) => {
            let mut text = "*CallParameters = ".to_owned();
            value(&mut text, names, parameters.into());
            text
        }
        OutParameter::InstanceName(name, index) => {
            let mut text = "*VcInstanceName = ".to_owned();
            value(&mut text, names, name.into());
            push(&mut text, format_args!(", index {index}"));
            text
        }
        OutParameter::CallId(id) => {
            let mut text = "*TapiCallId = ".to_owned();
            value(&mut text, names, id.into());
            text
        }
        OutParameter::VcContext(context) => format!("*ProtocolVcContext = {}", names.token(context)),
    }
}

fn breach(names: &Names, violation: Violation) -> String {
    let object = names.name(violation.object);
    match violation.offence {
        "" => format!("{} on {object}", violation.rule),
        offence => format!("{} on {object}: {offence}", violation.rule),
    }
}

/// What the environment does: `unbind client from nic1`.
pub fn command(names: &Names, command: Command) -> String {
    match command {
        Command::Load(driver) => format!("load {}", names.driver(driver)),
        Command::Start(adapter) => format!("start {}", names.adapter(adapter)),
        Command::Stop(adapter) => format!("stop {}", names.adapter(adapter)),
        Command::SurpriseRemove(adapter) => format!("surprise-remove {}", names.adapter(adapter)),
        Command::SetPower(adapter, power) => {
            let power = match power {
                Power::D0 => "D0",
                Power::D3 => "D3",
            };
            format!("set-power {} {power}", names.adapter(adapter))
        }
        Command::Unbind(driver, adapter) => {
            format!("unbind {} from {}", names.driver(driver), names.adapter(adapter))
        }
        Command::Bind(driver, adapter) => {
            format!("bind {} to {}", names.driver(driver), names.adapter(adapter))
        }
        Command::NetPnPEvent(driver, adapter, event) => {
            format!("pnp-event {} on {} {}", names.driver(driver), names.adapter(adapter), net_event(event))
        }
        Command::Uninstall(driver) => format!("uninstall {}", names.driver(driver)),
        Command::Unload(driver) => format!("unload {}", names.driver(driver)),
    }
}

/// What NDIS starts: `bind client to nic1`.
pub fn job(names: &Names, job: Job) -> String {
    let binding = |binding: model::BindingId| names.name(model::Object::Binding(binding));
    match job {
        Job::Load(driver) => format!("load {}", names.driver(driver)),
        Job::Initialize(adapter) => format!("initialize {}", names.adapter(adapter)),
        Job::Bind(driver, adapter) => format!("bind {} to {}", names.driver(driver), names.adapter(adapter)),
        Job::OpenAdapterComplete(id) => format!("report the open of {}", binding(id)),
        Job::AfRegisterNotify(id, registration) => {
            format!("tell {} of {}", binding(id), names.handle(registration.0))
        }
        Job::OpenAfComplete(af) => format!("report the open of {}", names.handle(af.0)),
        Job::NotifyCloseAf(af) => format!("ask for the close of {}", names.handle(af.0)),
        Job::McmVcComplete(vc) => format!("report the change of {}", names.handle(vc.0)),
        Job::NetPnPEvent(id, event) => format!("send {} to {}", net_event(event), binding(id)),
        Job::PauseMiniport(adapter) => format!("pause {}", names.adapter(adapter)),
        Job::RestartMiniport(adapter) => format!("restart {}", names.adapter(adapter)),
        Job::SurpriseRemoved(adapter) => format!("report the removal of {}", names.adapter(adapter)),
        Job::Unbind(id) => format!("unbind {}", binding(id)),
        Job::CloseAdapterComplete(id) => format!("report the close of {}", binding(id)),
        Job::Halt(adapter) => format!("halt {}", names.adapter(adapter)),
        Job::Uninstall(driver) => format!("uninstall {}", names.driver(driver)),
        Job::Unload(driver) => format!("unload {}", names.driver(driver)),
    }
}

/// What a call waits for: `no binding of client is left`.
pub fn condition(names: &Names, condition: Condition) -> String {
    match condition {
        Condition::Unbound(driver) => format!("no binding of {} is left", names.driver(driver)),
    }
}

/// What a task of a driver's runs: `work item workitem1`.
fn routine_name(names: &Names, routine: Routine) -> String {
    match routine {
        Routine::WorkItem(token) => format!("work item {}", names.token(token)),
        Routine::Timer(token) => format!("timer {}", names.token(token)),
        Routine::Dpc(token) => format!("DPC {}", names.token(token)),
        Routine::Thread(token) => format!("thread {}", names.token(token)),
    }
}

fn kernel_call(names: &Names, call: KernelCall) -> String {
    let mut text = format!("{}(", call.routine);
    let token = |token| names.token(token);
    match call.operation {
        Operation::Initialize(object, kind) => {
            text.push_str(&token(object));
            match kind {
                ObjectKind::NotificationEvent { set: true }
                | ObjectKind::SynchronizationEvent { set: true } => {
                    text.push_str(", set");
                }
                ObjectKind::NotificationEvent { set: false }
                | ObjectKind::SynchronizationEvent { set: false }
                | ObjectKind::SpinLock
                | ObjectKind::Timer
                | ObjectKind::WorkItem
                | ObjectKind::Dpc
                | ObjectKind::Thread => {}
            }
        }
        Operation::Set(object)
        | Operation::Reset(object)
        | Operation::Read(object)
        | Operation::Acquire { lock: object, .. }
        | Operation::Release { lock: object, .. }
        | Operation::Queue(object)
        | Operation::Cancel(object)
        | Operation::Free(object) => text.push_str(&token(object)),
        Operation::Wait(object, limit) => {
            text.push_str(&token(object));
            if let Some(limit) = limit {
                push(&mut text, format_args!(", {}", duration(limit)));
            }
        }
        Operation::Arm { timer, due, period } => {
            push(&mut text, format_args!("{}, {}", token(timer), duration(due)));
            if let Some(period) = period {
                push(&mut text, format_args!(", every {}", duration(period)));
            }
        }
        Operation::Allocate(object, bytes) => {
            push(&mut text, format_args!("{}, {bytes} bytes", token(object)))
        }
        Operation::RaiseIrql(irql) | Operation::LowerIrql(irql) => text.push_str(irql.name()),
        Operation::Sleep(time) => text.push_str(&duration(time)),
        Operation::Other => {}
    }
    text.push(')');
    text
}

/// A time in units of 100 nanoseconds, in the largest unit that needs no fraction.
fn duration(time: u64) -> String {
    match time {
        0 => "no wait".to_owned(),
        time if time.is_multiple_of(10_000_000) => format!("{} s", time / 10_000_000),
        time if time.is_multiple_of(10_000) => format!("{} ms", time / 10_000),
        time if time.is_multiple_of(10) => format!("{} us", time / 10),
        time => format!("{} ns", u128::from(time) * 100),
    }
}
