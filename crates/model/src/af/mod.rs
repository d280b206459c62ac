//! Area `af`: call managers offer address families, clients open them, and both sides close them.
//!
//! ```text
//!  registration:  Held -> Offered -> Closing -> gone          (Held: until the holder's bind or initialize is over)
//!
//!  open AF:  Opening --success--> Open --NdisClCloseAddressFamily--> Closing --success--> Closed
//!               `---failure--> Failed       ^------ refused --------------'
//!
//!  close notification of an open AF:
//!            Idle -> Held (the client does not know its open yet) -> Outstanding(phase) -> Idle
//! ```
//! The client's close and the call manager's notification meet on one AF. Both are asynchronous operations with a
//! [`Phase`] of their own, and so is the open, because a completion may overtake the return of the handler that pends.
//! Client and call manager hold different handles; [`World::client_af`] and [`World::manager_af`] are the only places
//! where a handle becomes an AF.

mod close;
mod family;
mod notification;
mod open;

use crate::binding::Binding;
use crate::block::AddressFamily;
use crate::phase::Phase;
use crate::view::{Holder, View, set_flags};
use crate::{
    AdapterId, AfId, BindingId, Callback, Context, Debt, DriverId, Handle, HandleArg, HandleKind, Job,
    Object, OpId, RegistrationId, Reply, Side, Step, Stepped, Token, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Rule, Status};

/// An address family that a call manager offers on an adapter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Registration {
    id: RegistrationId,
    adapter: AdapterId,
    /// The call manager, and the binding on which it registered; an MCM has none.
    driver: DriverId,
    binding: Option<BindingId>,
    family: AddressFamily,
    state: RegistrationState,
    /// The bindings whose clients were told, and whether the client has opened the family since.
    told: Vec<(BindingId, bool)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum RegistrationState {
    /// Clients are told when the holder's bind or initialize is over.
    Held,
    Offered,
    /// The holder is unbinding or halting: no new opens.
    Closing,
    Gone,
}

/// An address family that a client has opened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Af {
    pub(crate) id: AfId,
    /// The call manager's handle.
    manager_handle: Handle,
    pub(crate) client: DriverId,
    pub(crate) manager: DriverId,
    /// The client's.
    pub(crate) binding: BindingId,
    pub(crate) registration: RegistrationId,
    /// What the client asked for.
    pub(crate) family: AddressFamily,
    pub(crate) client_context: Token,
    pub(crate) manager_context: Token,
    state: AfState,
    /// `ProtocolCmOpenAf`.
    open: Phase,
    /// The last `ProtocolCmCloseAf`, if there was one.
    close: Option<Phase>,
    report: Report,
    notification: Notification,
    /// Whether the call manager has ever asked the client to close.
    asked: bool,
    /// Whether the client has refused that last time, and not begun to close since.
    refused: bool,
    /// Whether the call manager's handle is dead: its completion of the close, or of an open that failed, has returned,
    /// or its handler has.
    manager_done: bool,
    /// How many `ProtocolCmNotifyCloseAfComplete` run.
    answering: u32,
    /// How many VCs there are on it, whoever created them.
    vcs: u32,
    /// How many of them its client created.
    own_vcs: u32,
    /// Whether the client was refused to close it.
    close_refused: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum AfState {
    Opening,
    Open,
    Closing,
    Closed,
    Failed,
}

/// Whether the client knows how its open ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Report {
    /// Nothing to tell yet.
    Due,
    /// `ProtocolClOpenAfCompleteEx` waits for `PASSIVE_LEVEL`, with this status.
    Queued(Status),
    /// `ProtocolClOpenAfCompleteEx` runs.
    Telling,
    /// The client knows.
    Told,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Notification {
    Idle,
    /// The call manager asked before the client knew that it has the AF open.
    Held,
    /// `ProtocolClNotifyCloseAf`.
    Outstanding(Phase),
}

/// What waits for a handler of this area, or for a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    /// The client's handle is being stored; `ProtocolCmOpenAf` comes next.
    PublishAf(u32),
    CmOpenAf(u32),
    /// `ProtocolClOpenAfCompleteEx` runs.
    ReportOpen(u32),
    CmCloseAf(u32),
    /// `ProtocolClCloseAfComplete` runs inside the call manager's completion.
    ReportClose(u32),
    /// `ProtocolClNotifyCloseAf` runs; whether the call manager has had `NDIS_STATUS_PENDING` already.
    ClNotifyCloseAf(u32, bool),
    /// `ProtocolCmNotifyCloseAfComplete` runs.
    ReportNotification(u32),
    AfRegisterNotify(BindingId),
}

const fn af_state_name(state: AfState) -> &'static str {
    match state {
        AfState::Opening => "opening",
        AfState::Open => "open",
        AfState::Closing => "closing",
        AfState::Closed => "closed",
        AfState::Failed => "failed",
    }
}

const fn registration_state_name(state: RegistrationState) -> &'static str {
    match state {
        RegistrationState::Held => "held",
        RegistrationState::Offered => "offered",
        RegistrationState::Closing => "closing",
        RegistrationState::Gone => "none",
    }
}

impl Af {
    /// Whether it stands in the way of its client's and its call manager's close of the adapter.
    fn is_alive(&self) -> bool {
        match self.state {
            AfState::Opening | AfState::Open | AfState::Closing => true,
            AfState::Closed | AfState::Failed => false,
        }
    }

    /// Whether the call manager is about to say how its open or close ended, and may think that it has.
    fn is_with_manager(&self) -> bool {
        match self.state {
            AfState::Opening => self.open == Phase::Calling,
            AfState::Closing => self.close == Some(Phase::Calling),
            AfState::Open | AfState::Closed | AfState::Failed => false,
        }
    }

    /// Whether its client has it open, and has not begun to close it.
    pub(crate) fn is_open(&self) -> bool {
        self.state == AfState::Open
    }

    fn object(&self) -> Object {
        Object::Af(self.id)
    }

    /// Whether a close notification has been asked for and is not over.
    fn is_noticed(&self) -> bool {
        match self.notification {
            Notification::Idle => false,
            Notification::Held | Notification::Outstanding(_) => true,
        }
    }
}

impl World {
    /// The only writer of an AF's state.
    fn set_af(&mut self, cx: &mut Context<'_>, slot: u32, next: AfState) {
        let this = &self.afs[slot];
        cx.edge(this.object(), af_state_name(this.state), af_state_name(next));
        self.afs[slot].state = next;
    }

    pub(crate) fn af_jobs(&self, jobs: &mut Vec<Job>) {
        for (_, registration) in self.registrations.iter() {
            if registration.state != RegistrationState::Offered {
                continue;
            }
            for (_, binding) in self.bindings.iter() {
                if binding.adapter == registration.adapter
                    && binding.is_bound()
                    && self.driver(binding.driver).is_client()
                    && !registration.told.iter().any(|(told, _)| *told == binding.id)
                {
                    jobs.push(Job::AfRegisterNotify(binding.id, registration.id));
                }
            }
        }
        for (_, af) in self.afs.iter() {
            match af.report {
                Report::Queued(_) => jobs.push(Job::OpenAfComplete(af.id)),
                // Deliverable, or overtaken by the client's own close and to be answered.
                Report::Telling | Report::Told
                    if af.notification == Notification::Held
                        && (af.report == Report::Told || af.state != AfState::Open) =>
                {
                    jobs.push(Job::NotifyCloseAf(af.id));
                }
                Report::Due | Report::Telling | Report::Told => {}
            }
        }
    }

    pub(crate) fn af_resumed(&mut self, id: OpId, op: Op) -> Stepped {
        match op {
            Op::PublishAf(slot) => {
                let af = &self.afs[slot];
                let registration = &self.registrations[af.registration.0.slot];
                let binding_context = match registration.binding {
                    Some(binding) => self.bindings[binding.0.slot].context(),
                    None => self.miniport_of(registration.adapter).1,
                };
                // The client's own words: whether the versions fit is for the call manager to say (af-q-same-family).
                let callback =
                    Callback::CmOpenAf { binding_context, family: af.family, af: af.manager_handle };
                let manager = af.manager;
                self.ops.go_on(id, crate::Op::Af(Op::CmOpenAf(slot)));
                Ok(Step::Invoke(id, manager, callback))
            }
            Op::CmOpenAf(_)
            | Op::ReportOpen(_)
            | Op::CmCloseAf(_)
            | Op::ReportClose(_)
            | Op::ClNotifyCloseAf(..)
            | Op::ReportNotification(_)
            | Op::AfRegisterNotify(_) => unreachable!("a handler returns, it does not resume"),
        }
    }

    /// The AF of a client's handle, whatever its state.
    ///
    /// # Errors
    /// The handle is none of NDIS's (`af-handle-opaque`), NULL (`af-open-failed-no-handle`), or somebody else's
    /// (`af-handle-owner`).
    pub(crate) fn client_af(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let driver = cx.caller();
        let fail = |rule, offence| Err(violation(rule, driver, Object::Driver(driver), offence));
        let handle = match handle {
            HandleArg::Known(handle) => handle,
            HandleArg::Null => {
                return fail(Rule::AfOpenFailedNoHandle, "the handle is NULL, as after a failed open");
            }
            HandleArg::Unknown(_) => return fail(Rule::AfHandleOpaque, "NDIS never gave out this value"),
        };
        if !matches!(handle.kind, HandleKind::ClientAf | HandleKind::CallManagerAf) {
            return fail(Rule::AfHandleOpaque, "the handle is not that of an AF");
        }
        let af = &self.afs[handle.slot];
        if af.id.0 != handle && af.manager_handle != handle {
            return fail(Rule::AfCloseHandleInvalid, "the AF was closed long ago");
        }
        if af.manager_handle == handle {
            let offence = "this is the call manager's handle for the AF, not the client's";
            return Err(violation(Rule::AfHandleOwner, driver, af.object(), offence));
        }
        if af.client != driver {
            return Err(violation(Rule::AfHandleOwner, driver, af.object(), "the AF is another client's"));
        }
        Ok(handle.slot)
    }

    /// The AF of a client's handle, which is to be used: open, and the client knows.
    ///
    /// # Errors
    /// Those of [`World::client_af`]; the client has opened none (`af-open-before-use`), does not know yet that it is open
    /// (`af-open-pending-quiet`), or has closed it (`af-close-handle-invalid`).
    pub(crate) fn usable_af(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let client = cx.caller();
        let mut afs = self.afs.iter().chain(self.afs.iter_removed()).map(|(_, af)| af);
        if handle == HandleArg::Null && !afs.any(|af| af.client == client && af.state == AfState::Failed) {
            let offence = "the handle is NULL: it names no address family that the client has opened";
            return Err(violation(Rule::AfOpenBeforeUse, client, Object::Driver(client), offence));
        }
        let slot = self.client_af(cx, handle)?;
        let af = &self.afs[slot];
        let fail = |rule, offence| Err(violation(rule, client, af.object(), offence));
        match (af.state, af.report) {
            (AfState::Opening, _) | (AfState::Open, Report::Due | Report::Queued(_)) => {
                fail(Rule::AfOpenPendingQuiet, "the AF was used before its open was reported")
            }
            (AfState::Open, Report::Telling | Report::Told) => Ok(slot),
            (AfState::Closing, _) => fail(Rule::AfCloseHandleInvalid, "the AF is closing"),
            (AfState::Closed, _) => fail(Rule::AfCloseHandleInvalid, "the AF is closed"),
            (AfState::Failed, _) => fail(Rule::AfOpenFailedNoHandle, "the open of the AF failed"),
        }
    }

    /// Checks that a call manager's handle is not dead.
    ///
    /// # Errors
    /// The close of the AF was completed, or its open failed.
    pub(crate) fn check_manager_af_alive(&self, slot: u32) -> Result<(), Violation> {
        let af = &self.afs[slot];
        if !af.manager_done {
            return Ok(());
        }
        let (rule, offence) = if af.state == AfState::Failed {
            (Rule::AfCmOpenFailHandleInvalid, "the open of the AF failed")
        } else {
            (Rule::AfCmCloseHandleInvalid, "the AF's close was completed")
        };
        Err(violation(rule, af.manager, af.object(), offence))
    }

    /// The AF of a call manager's handle, whatever its state.
    ///
    /// # Errors
    /// The caller is no call manager (`af-complete-by-cm-only`), or the handle is none of NDIS's (`af-handle-opaque`)
    /// or somebody else's (`af-handle-owner`).
    pub(crate) fn manager_af(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let driver = cx.caller();
        let fail = |rule, offence| Err(violation(rule, driver, Object::Driver(driver), offence));
        if !self.driver(driver).is_call_manager() {
            return fail(Rule::AfCompleteByCmOnly, "the caller is no call manager");
        }
        let handle = match handle {
            HandleArg::Known(handle) => handle,
            HandleArg::Null => return fail(Rule::AfHandleOpaque, "the handle is NULL"),
            HandleArg::Unknown(_) => return fail(Rule::AfHandleOpaque, "NDIS never gave out this value"),
        };
        if !matches!(handle.kind, HandleKind::ClientAf | HandleKind::CallManagerAf) {
            return fail(Rule::AfHandleOpaque, "the handle is not that of an AF");
        }
        let af = &self.afs[handle.slot];
        if af.id.0 != handle && af.manager_handle != handle {
            return fail(Rule::AfCmCloseHandleInvalid, "the AF was closed long ago");
        }
        if af.id.0 == handle {
            let offence = "this is the client's handle for the AF, not the call manager's";
            return Err(violation(Rule::AfHandleOwner, driver, af.object(), offence));
        }
        if af.manager != driver {
            return Err(violation(
                Rule::AfHandleOwner,
                driver,
                af.object(),
                "the AF is another call manager's",
            ));
        }
        Ok(handle.slot)
    }

    pub(crate) fn af_returned(&mut self, cx: &mut Context<'_>, id: OpId, op: Op, reply: Reply) -> Stepped {
        match op {
            Op::CmOpenAf(slot) => self.cm_open_af_returned(cx, id, slot, reply),
            Op::ReportOpen(slot) => {
                self.open_reported(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::CmCloseAf(slot) => self.cm_close_af_returned(cx, id, slot, reply.status),
            Op::ReportClose(slot) => {
                self.manager_done(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::ClNotifyCloseAf(slot, held) => self.cl_notify_close_af_returned(id, slot, held, reply.status),
            Op::ReportNotification(slot) => {
                self.afs[slot].answering -= 1;
                self.remove_if_over(slot);
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::AfRegisterNotify(_) => Ok(self.finish(id, Status::SUCCESS)),
            Op::PublishAf(_) => unreachable!("a store resumes, it does not return"),
        }
    }

    /// Whether a handler of this area runs with a context that belongs to the binding.
    pub(crate) fn af_handler_runs_on(&self, op: Op, binding: &Binding) -> bool {
        match op {
            Op::AfRegisterNotify(of) => of == binding.id,
            Op::ReportOpen(slot) | Op::ReportClose(slot) | Op::ClNotifyCloseAf(slot, _) => {
                self.afs[slot].binding == binding.id
            }
            Op::PublishAf(slot) | Op::CmOpenAf(slot) | Op::CmCloseAf(slot) | Op::ReportNotification(slot) => {
                self.is_managed_on(slot, binding)
            }
        }
    }

    /// Whether a handler of this area runs in the MCM of the adapter.
    pub(crate) fn af_handler_runs_in(&self, op: Op, adapter: AdapterId) -> bool {
        match op {
            Op::AfRegisterNotify(_) | Op::ReportOpen(_) | Op::ReportClose(_) | Op::ClNotifyCloseAf(..) => {
                false
            }
            Op::PublishAf(slot) | Op::CmOpenAf(slot) | Op::CmCloseAf(slot) | Op::ReportNotification(slot) => {
                self.is_managed_in(slot, adapter)
            }
        }
    }

    /// Whether the call manager of an AF offers it on the binding.
    pub(crate) fn is_managed_on(&self, af: u32, binding: &Binding) -> bool {
        self.registrations[self.afs[af].registration.0.slot].binding == Some(binding.id)
    }

    /// Whether the call manager of an AF is the MCM of the adapter.
    pub(crate) fn is_managed_in(&self, af: u32, adapter: AdapterId) -> bool {
        let registration = &self.registrations[self.afs[af].registration.0.slot];
        registration.adapter == adapter && registration.binding.is_none()
    }

    pub(crate) fn af_debts(&self, debts: &mut Vec<Debt>) {
        for (slot, af) in self.afs.iter() {
            let object = af.object();
            let mut owe = |by, rule, waits_for| debts.push(Debt { by, rule, object, waits_for });
            match af.state {
                AfState::Opening if af.open.is_pending() => {
                    owe(af.manager, Rule::AfCmOpenCompleteRequired, None);
                }
                AfState::Closing if af.close.is_some_and(Phase::is_pending) => {
                    owe(af.manager, Rule::AfCmCloseCompleteRequired, self.left_on_af(slot));
                }
                AfState::Opening | AfState::Open | AfState::Closing | AfState::Closed | AfState::Failed => {}
            }
            if af.notification == Notification::Outstanding(Phase::Pending) {
                // A client cannot answer before its close is over, and may close when all is over that it had there.
                let waits_for = match af.state {
                    AfState::Closing => Some(object),
                    AfState::Opening | AfState::Open | AfState::Closed | AfState::Failed => {
                        self.left_on_af(slot)
                    }
                };
                owe(af.client, Rule::AfNotifyCompleteRequired, waits_for);
            }
            // A call manager that waits for its client to go by itself.
            let holder = self.registrations.get(af.registration.0.slot).filter(|r| r.id == af.registration);
            let goes_away = holder.is_some_and(|holder| holder.state == RegistrationState::Closing);
            if af.state == AfState::Open && !af.asked && goes_away {
                owe(af.manager, self.unasked_rule(af), None);
            }
            // The call manager cannot refuse its own unbind or halt (af-q-client-fails-notify), so the client is what it
            // waits for, unless that is going away by itself.
            if af.refused
                && af.state == AfState::Open
                && af.notification == Notification::Idle
                && goes_away
                && !self.bindings[af.binding.0.slot].is_closing()
            {
                owe(af.client, Rule::AfNotifyClientSequence, None);
            }
        }
    }

    /// What has to end on an AF, by somebody else's doing, before the client closes it or the call manager completes that.
    pub(super) fn left_on_af(&self, af: u32) -> Option<Object> {
        self.vc_in_the_way(af).or_else(|| self.owed_sap(af).map(Object::Sap))
    }

    /// Whether an AF is to go: one of its drivers goes away, or the client wants to close it.
    pub(crate) fn is_af_unwanted(&self, af: u32) -> bool {
        let af = &self.afs[af];
        let registration =
            self.registrations.get(af.registration.0.slot).filter(|it| it.id == af.registration);
        af.state != AfState::Open
            || af.asked
            || af.close_refused
            || self.bindings[af.binding.0.slot].is_closing()
            || registration.is_none_or(|registration| registration.state != RegistrationState::Offered)
    }

    pub(crate) fn is_af_open(&self, af: u32) -> bool {
        self.afs[af].is_open()
    }

    /// Whether the client of an AF opened it on the binding.
    pub(crate) fn is_af_of(&self, af: u32, binding: BindingId) -> bool {
        self.afs[af].binding == binding
    }

    /// The client of an AF, its call manager, the adapter, and the call manager's binding if it is no MCM.
    pub(crate) fn ends_of_af(&self, af: u32) -> (DriverId, DriverId, AdapterId, Option<BindingId>) {
        let af = &self.afs[af];
        let registration = &self.registrations[af.registration.0.slot];
        (af.client, af.manager, registration.adapter, registration.binding)
    }

    /// The context that one side has for an AF.
    pub(crate) fn af_context(&self, af: u32, side: Side) -> Token {
        match side {
            Side::Client => self.afs[af].client_context,
            Side::CallManager => self.afs[af].manager_context,
        }
    }

    /// A VC begins on an AF.
    pub(crate) fn af_got_vc(&mut self, af: u32, creator: Side) {
        let af = &mut self.afs[af];
        af.vcs += 1;
        af.own_vcs += u32::from(creator == Side::Client);
    }

    /// A VC on an AF is deleted.
    pub(crate) fn af_lost_vc(&mut self, af: u32, creator: Side) {
        self.afs[af].own_vcs -= u32::from(creator == Side::Client);
    }

    /// Nothing knows a VC that was on an AF any more.
    pub(crate) fn af_forgot_vc(&mut self, af: u32) {
        self.afs[af].vcs -= 1;
        self.remove_if_over(af);
    }

    /// Whether there are VCs of a call manager's on its binding.
    pub(crate) fn manages_vcs(&self, binding: &Binding) -> bool {
        let mut afs = self.afs.iter().map(|(_, af)| af);
        binding.vcs > 0 || afs.any(|af| af.vcs > 0 && self.is_managed_on(af.id.0.slot, binding))
    }

    /// Whether VCs keep a binding from being closed.
    pub(crate) fn carries_vcs(&self, binding: &Binding) -> bool {
        let mut afs = self.afs.iter().map(|(_, af)| af);
        afs.any(|af| af.vcs > 0 && af.binding == binding.id) || self.manages_vcs(binding)
    }

    pub(crate) fn af_views(&self, views: &mut Vec<View>) {
        for (_, registration) in self.registrations.iter() {
            views.push(View {
                object: Object::Registration(registration.id),
                state: registration_state_name(registration.state),
                parent: Some(match registration.binding {
                    Some(binding) => Object::Binding(binding),
                    None => Object::Adapter(registration.adapter),
                }),
                holders: alloc::vec![Holder {
                    role: "call manager",
                    driver: registration.driver,
                    handle: None,
                    context: Token::NULL,
                }],
                about: Some(registration.family.into()),
                flags: Vec::new(),
            });
        }
        for (_, af) in self.afs.iter() {
            views.push(View {
                object: af.object(),
                state: af_state_name(af.state),
                parent: Some(Object::Binding(af.binding)),
                holders: alloc::vec![
                    Holder {
                        role: "client",
                        driver: af.client,
                        handle: Some(af.id.0),
                        context: af.client_context,
                    },
                    Holder {
                        role: "call manager",
                        driver: af.manager,
                        handle: Some(af.manager_handle),
                        context: af.manager_context,
                    },
                ],
                about: Some(af.family.into()),
                flags: set_flags([
                    (af.open.is_pending(), "open pending"),
                    (af.close.is_some_and(Phase::is_pending), "close pending"),
                    (af.is_noticed(), "close notification outstanding"),
                    (af.close_refused, "close was refused"),
                    (af.state == AfState::Open && !matches!(af.report, Report::Told), "client not told yet"),
                ]),
            });
        }
    }
}
