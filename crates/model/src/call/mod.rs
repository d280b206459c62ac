//! Area `call`: the call on a VC. A client makes it, or a call manager offers it; either side closes it.
//!
//! What a driver may do depends on a few facts which change independently of each other: how far the call has come
//! ([`Stage`]), whether its close is with the call manager, whether the client was told of the other end's close, and
//! which requests are outstanding. The states of the contract's machines `call-outgoing` and `call-incoming` are read off
//! them ([`Call::state`]).
//!
//! A driver counts as told of its peer's close, drop or rejection once it has acted on it. Until then a call of its own
//! which crosses it is no breach, and is dropped or refused ("Crossings" in contract/vc.toml).

mod close;
mod make;
mod offer;
mod qos;
mod tapi;

use crate::binding::Binding;
use crate::phase::Request;
use crate::view::{View, set_flags};
use crate::{
    AdapterId, Context, Debt, Object, OpId, Reply, Side, Stepped, TaskId, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Rule, Status};

/// The call on a VC, or what the last one left.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Call {
    stage: Stage,
    /// Whether there was ever one.
    was: bool,
    /// Whether it has parties.
    multipoint: bool,
    /// `ProtocolCmMakeCall`.
    make: Request,
    /// `ProtocolClIncomingCall`.
    answer: Request,
    /// `ProtocolCmModifyCallQoS`.
    qos: Request,
    /// `ProtocolCmCloseCall`.
    close: Request,
    /// Whether the client's close is with the call manager.
    closing: bool,
    /// Whether that close is over, with the making of the call still outstanding.
    closed_making: bool,
    /// Whether the client was told of the other end's close.
    close_indicated: Told,
    /// Whether the other end's close had an error for its status.
    closed_with_error: bool,
    /// The task on which the client was told that the call could not be made. What it does on another may cross that.
    failed_on: Option<TaskId>,
    /// What the call manager dispatched while its `ProtocolCmMakeCall` runs, before it has made the call: which rule it
    /// breaks if it does not.
    early: Option<Rule>,
    /// The parameters that the client asked for, or was offered, as a digest.
    asked: u64,
    /// Those of its request for another quality of service.
    qos_asked: u64,
    /// What was in force when it made that request.
    before_qos: Option<(u64, u64)>,
    /// Whether the VC has come into force anew since.
    activated_since: bool,
    /// Whether the VC has been active ever since a call on it ended.
    stale: bool,
    /// How that call ended, if there has been another since.
    stale_since: Ended,
    /// How the last call ended, for who owes what then.
    ended: Ended,
    /// Whether the client has closed a call on a VC of its call manager: hands off until the next offer.
    dormant: bool,
}

/// How far a call has come, its close aside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
enum Stage {
    #[default]
    Idle,
    Making,
    Failed,
    Offered,
    Accepted,
    Rejected,
    /// Connected, made by the client.
    Made,
    /// Connected, offered by the call manager.
    Taken,
}

/// Whether a driver knows something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
enum Told {
    #[default]
    No,
    /// The callback that tells it runs.
    Telling,
    Yes,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
enum Ended {
    #[default]
    No,
    /// The client turned it down.
    Rejected,
    /// The client closed it.
    Closed,
    /// The client closed it in answer to the other end's close.
    ClosedInAnswer,
}

impl Ended {
    /// The rule by which a call manager then deactivates the VC.
    fn deactivation(self) -> Option<Rule> {
        match self {
            Ended::No => None,
            Ended::Rejected => Some(Rule::CallCmIncomingRejectDeactivate),
            Ended::Closed => Some(Rule::CallCmCloseDeactivate),
            Ended::ClosedInAnswer => Some(Rule::CallCmIncomingCloseDeactivate),
        }
    }
}

/// What waits for a handler of this area, or for a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    /// The first party's handle is being stored; `ProtocolCmMakeCall` comes next.
    PublishParty(u32, crate::block::CallParameters),
    CmMakeCall(u32, u32),
    /// `ProtocolClMakeCallComplete` runs.
    ReportMade(u32),
    /// `ProtocolClIncomingCall` runs.
    Offer(u32, u32),
    /// `ProtocolCmIncomingCallComplete` runs.
    ReportAnswer(u32),
    /// `ProtocolClCallConnected` runs.
    Connected(u32),
    CmModifyCallQoS(u32, u32),
    /// `ProtocolClModifyCallQoSComplete` runs.
    ReportQoS(u32),
    /// `ProtocolClIncomingCallQoSChange` runs.
    QoSChange(u32),
    CmCloseCall(u32, u32),
    /// `ProtocolClCloseCallComplete` runs.
    ReportClose(u32),
    /// `ProtocolClIncomingCloseCall` runs.
    IncomingClose(u32),
}

/// What completes when nothing does.
const NOTHING_PENDS: &str = "nothing of the kind is outstanding on the call";

impl Call {
    /// The state of the contract's machine.
    fn state(&self) -> &'static str {
        let indicated = self.close_indicated != Told::No;
        match self.stage {
            Stage::Making if self.closed_making => "closed_making",
            Stage::Making if self.closing => "making_closing",
            Stage::Making if indicated => "making_close_indicated",
            Stage::Making => "making",
            Stage::Idle => "idle",
            Stage::Failed => "failed",
            Stage::Rejected => "rejected",
            Stage::Offered | Stage::Accepted | Stage::Made | Stage::Taken if self.closing => "closing",
            Stage::Offered | Stage::Accepted | Stage::Made | Stage::Taken if indicated => "close_indicated",
            Stage::Offered if self.qos.is_outstanding() => "offer_negotiating",
            Stage::Offered => "offered",
            Stage::Accepted => "accepted",
            Stage::Made | Stage::Taken if self.qos.is_outstanding() => "qos_modifying",
            Stage::Made | Stage::Taken => "connected",
        }
    }

    /// Whether a client's call has been established and not closed.
    pub(crate) fn needs_close(&self) -> bool {
        match self.stage {
            Stage::Offered | Stage::Accepted | Stage::Made | Stage::Taken => true,
            Stage::Idle | Stage::Making | Stage::Failed | Stage::Rejected => false,
        }
    }

    /// Whether there is a call on the VC, or something of the last one is outstanding.
    pub(crate) fn is_outstanding(&self) -> bool {
        self.needs_close() || self.stage == Stage::Making || self.qos.is_outstanding()
    }

    /// Whether it is for no rule about calls to say that the creator of the VC deletes it: there never was a call, or the
    /// last one was turned down, or the client of its own VC closed it.
    pub(crate) fn leaves_deletion_to(&self, creator: Side) -> bool {
        match (self.stage, self.ended) {
            (Stage::Rejected, _) | (Stage::Idle, Ended::Rejected) => true,
            (Stage::Idle, Ended::Closed) => creator == Side::Client && !self.is_outstanding(),
            (Stage::Idle, Ended::No) => !self.was,
            (Stage::Idle, Ended::ClosedInAnswer)
            | (
                Stage::Making | Stage::Failed | Stage::Offered | Stage::Accepted | Stage::Made | Stage::Taken,
                _,
            ) => false,
        }
    }

    /// Whether the call manager owes a completion.
    pub(crate) fn is_with_manager(&self) -> bool {
        self.make.is_outstanding() || self.qos.is_outstanding() || self.close.is_outstanding()
    }

    /// Whether parties can be on it.
    pub(crate) fn is_multipoint(&self) -> bool {
        self.multipoint
    }

    /// Whether the client made it and it is connected, its close aside.
    pub(crate) fn is_made(&self) -> bool {
        self.stage == Stage::Made
    }

    /// Whether the client may add parties: it is connected, and the client has not closed it.
    pub(crate) fn may_add(&self) -> bool {
        self.stage == Stage::Made && !self.closing
    }

    /// Whether `ProtocolCmMakeCall` runs: the call manager may know more than NDIS.
    pub(crate) fn is_make_running(&self) -> bool {
        self.stage == Stage::Making && self.make.is_untold()
    }

    /// The call manager has dispatched something while its `ProtocolCmMakeCall` runs, and breaks `rule` if that fails.
    pub(crate) fn dispatched_early(&mut self, rule: Rule) {
        if self.is_make_running() {
            self.early = Some(rule);
        }
    }

    /// The VC has become inactive: no activation is left over from an earlier call.
    pub(crate) fn unstale(&mut self) {
        (self.stale, self.stale_since) = (false, Ended::No);
    }

    /// The VC's parameters have come into force.
    pub(crate) fn activated(&mut self) {
        self.activated_since = true;
    }

    /// Makes everything new, except for handlers that still run.
    fn begin(&mut self, stage: Stage, asked: u64) {
        if self.stale {
            self.stale_since = self.ended;
        }
        self.stage = stage;
        self.was = true;
        self.asked = asked;
        (self.closing, self.closed_making, self.dormant) = (false, false, false);
        (self.close_indicated, self.failed_on) = (Told::No, None);
        (self.closed_with_error, self.multipoint) = (false, false);
        (self.early, self.ended) = (None, Ended::No);
    }
}

impl World {
    /// Changes the call on a VC: the only place from which its edges are logged.
    fn change_call(&mut self, cx: &mut Context<'_>, slot: u32, change: impl FnOnce(&mut Call)) {
        let vc = &mut self.vcs[slot];
        let from = vc.call.state();
        change(&mut vc.call);
        let to = vc.call.state();
        if from != to {
            cx.edge(Object::Call(vc.id), from, to);
        }
    }

    /// The VC goes: so does the call, which is over.
    pub(crate) fn end_call(&mut self, cx: &mut Context<'_>, slot: u32) {
        let vc = &self.vcs[slot];
        if vc.call.was {
            cx.edge(Object::Call(vc.id), vc.call.state(), "gone");
        }
    }

    /// A client keeps its hands off a VC of its call manager's once the call on it is closed.
    pub(crate) fn check_not_dormant(&self, cx: &Context<'_>, slot: u32) -> Result<(), Violation> {
        let vc = &self.vcs[slot];
        if vc.creator == Side::CallManager && vc.call.dormant {
            let offence = "the call on the call manager's VC was closed, and none was offered since";
            return Err(violation(Rule::CallCloseCmVcHandleDead, cx.caller(), vc.object(), offence));
        }
        Ok(())
    }

    /// The client and the call manager of a VC that has a client.
    fn ends_of(&self, slot: u32) -> (crate::DriverId, crate::DriverId, Object) {
        let vc = &self.vcs[slot];
        (vc.client.unwrap_or(vc.manager), vc.manager, Object::Call(vc.id))
    }

    pub(crate) fn call_resumed(&mut self, id: OpId, op: Op) -> Stepped {
        match op {
            Op::PublishParty(slot, parameters) => {
                let step = self.ask_to_make(Some(id), slot, parameters);
                self.left_vc(slot);
                Ok(step)
            }
            Op::CmMakeCall(..)
            | Op::ReportMade(_)
            | Op::Offer(..)
            | Op::ReportAnswer(_)
            | Op::Connected(_)
            | Op::CmModifyCallQoS(..)
            | Op::ReportQoS(_)
            | Op::QoSChange(_)
            | Op::CmCloseCall(..)
            | Op::ReportClose(_)
            | Op::IncomingClose(_) => unreachable!("a handler returns, it does not resume"),
        }
    }

    pub(crate) fn call_returned(&mut self, cx: &mut Context<'_>, id: OpId, op: Op, reply: Reply) -> Stepped {
        let slot = match op {
            Op::CmMakeCall(slot, _)
            | Op::ReportMade(slot)
            | Op::Offer(slot, _)
            | Op::ReportAnswer(slot)
            | Op::Connected(slot)
            | Op::CmModifyCallQoS(slot, _)
            | Op::ReportQoS(slot)
            | Op::QoSChange(slot)
            | Op::CmCloseCall(slot, _)
            | Op::ReportClose(slot)
            | Op::IncomingClose(slot) => slot,
            Op::PublishParty(..) => unreachable!("a store resumes, it does not return"),
        };
        let step = match op {
            Op::CmMakeCall(slot, round) => self.make_returned(cx, id, slot, round, reply)?,
            Op::Offer(slot, round) => self.offer_returned(cx, id, slot, round, reply)?,
            Op::CmModifyCallQoS(slot, round) => self.modify_returned(cx, id, slot, round, reply)?,
            Op::CmCloseCall(slot, round) => self.close_call_returned(cx, id, slot, round, reply.status)?,
            Op::IncomingClose(slot) => {
                let call = &mut self.vcs[slot].call;
                if call.close_indicated == Told::Telling {
                    call.close_indicated = Told::Yes;
                }
                self.finish(id, Status::SUCCESS)
            }
            Op::ReportMade(_)
            | Op::ReportAnswer(_)
            | Op::Connected(_)
            | Op::ReportQoS(_)
            | Op::QoSChange(_)
            | Op::ReportClose(_)
            | Op::PublishParty(..) => self.finish(id, Status::SUCCESS),
        };
        self.left_vc(slot);
        Ok(step)
    }

    /// On which side a handler of this area runs.
    fn side_of(op: Op) -> Option<(u32, Side)> {
        match op {
            Op::PublishParty(..) => None,
            Op::CmMakeCall(slot, _)
            | Op::ReportAnswer(slot)
            | Op::CmModifyCallQoS(slot, _)
            | Op::CmCloseCall(slot, _) => Some((slot, Side::CallManager)),
            Op::ReportMade(slot)
            | Op::Offer(slot, _)
            | Op::Connected(slot)
            | Op::ReportQoS(slot)
            | Op::QoSChange(slot)
            | Op::ReportClose(slot)
            | Op::IncomingClose(slot) => Some((slot, Side::Client)),
        }
    }

    /// Whether a handler of this area runs with a context that belongs to the binding.
    pub(crate) fn call_handler_runs_on(&self, op: Op, binding: &Binding) -> bool {
        Self::side_of(op).is_some_and(|(slot, side)| self.is_vc_on(slot, side, binding))
    }

    /// Whether a handler of this area runs in the MCM of the adapter.
    pub(crate) fn call_handler_runs_in(&self, op: Op, adapter: AdapterId) -> bool {
        Self::side_of(op)
            .is_some_and(|(slot, side)| side == Side::CallManager && self.is_vc_in_mcm(slot, adapter))
    }

    pub(crate) fn call_debts(&self, debts: &mut Vec<Debt>) {
        for (slot, vc) in self.vcs.iter() {
            let (client, manager, object) = self.ends_of(slot);
            let call = &vc.call;
            let miniport = vc.is_with_miniport().then_some(vc.object());
            let mut owe = |by, rule, waits_for| debts.push(Debt { by, rule, object, waits_for });
            if call.make.is_pending() {
                owe(manager, Rule::CallCmMakeCompleteRequired, miniport);
            }
            if call.qos.is_pending() {
                owe(manager, Rule::CallCmModifyCompleteRequired, miniport);
            }
            if call.close.is_pending() {
                owe(manager, Rule::CallCmCloseCompleteRequired, miniport);
            }
            if call.answer.is_pending() {
                let closed = call.stage != Stage::Offered || call.closing || call.close_indicated != Told::No;
                let rule = if closed {
                    Rule::CallIncomingCompleteAfterClose
                } else {
                    Rule::CallIncomingCompleteRequired
                };
                owe(client, rule, None);
            }
            match call.stage {
                Stage::Accepted if !call.closing && call.close_indicated == Told::No => {
                    owe(manager, Rule::CallCmIncomingResolveAccepted, miniport);
                }
                Stage::Offered | Stage::Accepted | Stage::Made | Stage::Taken
                    if !call.closing && call.close_indicated == Told::Yes =>
                {
                    let rule = if self.count_parties(slot) > 1 {
                        Rule::CallIncomingCloseDropParties
                    } else {
                        Rule::CallIncomingCloseClosecall
                    };
                    owe(client, rule, self.with_manager_on(slot));
                }
                Stage::Idle | Stage::Rejected if call.stale && vc.is_active() => {
                    owe(manager, call.ended.deactivation().unwrap_or(Rule::CallCmCloseDeactivate), None);
                }
                // A VC cannot be deleted before the call manager has completed what it owes on the call.
                Stage::Failed | Stage::Idle if call.is_outstanding() => {}
                Stage::Failed if vc.is_inactive() && self.is_vc_unwanted(slot) => {
                    owe(client, Rule::CallMakeFailedDeleteVc, None);
                }
                Stage::Idle if call.was && vc.is_inactive() && self.is_vc_unwanted(slot) => {
                    let rule = match (vc.creator, call.ended) {
                        (Side::Client, _) if vc.delete_refused => continue,
                        (Side::Client, _) if call.closed_with_error => Rule::CallIncomingCloseErrorDeleteVc,
                        (Side::Client, Ended::ClosedInAnswer) => Rule::CallCmIncomingCloseCreatorDeletes,
                        (Side::CallManager, Ended::ClosedInAnswer) => Rule::CallCmIncomingCloseCreatorDeletes,
                        (Side::CallManager, Ended::Closed | Ended::No) => Rule::CallCmCloseDeleteOwnVc,
                        // Area `vc` says it.
                        (Side::Client, Ended::Closed | Ended::No) | (_, Ended::Rejected) => continue,
                    };
                    let by = if vc.creator == Side::Client { client } else { manager };
                    owe(by, rule, None);
                }
                Stage::Idle
                | Stage::Making
                | Stage::Failed
                | Stage::Offered
                | Stage::Accepted
                | Stage::Rejected
                | Stage::Made
                | Stage::Taken => {}
            }
        }
    }

    pub(crate) fn call_views(&self, slot: u32, views: &mut Vec<View>) {
        let vc = &self.vcs[slot];
        let call = &vc.call;
        if !call.was {
            return;
        }
        views.push(View {
            object: Object::Call(vc.id),
            state: call.state(),
            parent: Some(vc.object()),
            holders: Vec::new(),
            about: None,
            flags: set_flags([
                (matches!(call.stage, Stage::Making | Stage::Failed | Stage::Made), "outgoing"),
                (matches!(call.stage, Stage::Offered | Stage::Accepted | Stage::Taken), "incoming"),
                (call.multipoint, "multipoint"),
                (call.make.is_pending(), "NdisClMakeCall pending"),
                (call.answer.is_pending(), "ProtocolClIncomingCall pending"),
                (call.qos.is_pending(), "NdisClModifyCallQoS pending"),
                (call.close.is_pending(), "NdisClCloseCall pending"),
                (call.close_indicated != Told::No, "incoming close"),
            ]),
        });
    }
}
