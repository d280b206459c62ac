//! Area `party`: the parties of a multipoint call. The first is born with the call; others are added and dropped; the
//! last goes with the close of the call.
//!
//! ```text
//!  Adding --success--> Active --incoming drop--> DropIndicated
//!    |                  |  ^                       |  ^
//!    | failure      drop|  |failure            drop|  |failure
//!    v                  v  |                       v  |
//!   Gone <--success-- Dropping                 DroppingAnswer --success--> Gone
//! ```
//! The last one is `ClosingWithCall` instead of being dropped. A party whose addition or drop has ended while its handler
//! still ran is in its new state at once.
//!
//! This file has the parties, their handles and what they have to do with their call; [`add`] and [`mod@drop`] have the
//! requests.

mod add;
mod drop;

use crate::binding::Binding;
use crate::block::CallParameters;
use crate::phase::Request;
use crate::view::{Holder, View, set_flags};
use crate::{
    AdapterId, Callback, Context, Debt, DriverId, HandleArg, HandleKind, Object, OpId, PartyId, Reply, Side,
    Step, Stepped, Token, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Rule, Status};

/// One party.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Party {
    pub(crate) id: PartyId,
    /// The place of its VC.
    vc: u32,
    pub(crate) client_context: Token,
    manager_context: Token,
    state: PartyState,
    /// Whether it was born with the call.
    first: bool,
    /// `ProtocolCmAddParty`.
    add: Request,
    /// `ProtocolCmDropParty`.
    drop: Request,
    /// What the client asked for, as a digest.
    asked: u64,
    /// Whether `ProtocolClIncomingDropParty` runs.
    telling: bool,
    /// Whether the call manager dispatched its drop while its `ProtocolCmAddParty` ran, and has not added it yet.
    early: bool,
    /// Whether the client was refused to drop it, because it was the last.
    refused: bool,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum PartyState {
    Adding,
    Active,
    DropIndicated,
    Dropping,
    DroppingAnswer,
    /// With the call, and whether an incoming drop came before.
    ClosingWithCall(bool),
    Gone,
}

/// How a party ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum End {
    NotYet,
    /// It was never added.
    Failed,
    /// Its call was never made.
    NotMade,
    Dropped,
}

/// What waits for a handler of this area, or for a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    /// The client's handle is being stored; `ProtocolCmAddParty` comes next.
    PublishParty(u32, CallParameters),
    CmAddParty(u32, u32),
    /// `ProtocolClAddPartyComplete` runs.
    ReportAdd(u32),
    CmDropParty(u32, u32),
    /// `ProtocolClDropPartyComplete` runs.
    ReportDrop(u32),
    /// `ProtocolClIncomingDropParty` runs.
    IncomingDrop(u32),
}

/// What completes when nothing does.
const NOTHING_PENDS: &str = "nothing of the kind is outstanding on the party";

const fn party_state_name(state: PartyState) -> &'static str {
    match state {
        PartyState::Adding => "adding",
        PartyState::Active => "active",
        PartyState::DropIndicated => "drop_indicated",
        PartyState::Dropping => "dropping",
        PartyState::DroppingAnswer => "dropping_answer",
        PartyState::ClosingWithCall(_) => "closing_with_call",
        PartyState::Gone => "gone",
    }
}

impl Party {
    fn object(&self) -> Object {
        Object::Party(self.id)
    }

    fn is_dropping(&self) -> bool {
        matches!(self.state, PartyState::Dropping | PartyState::DroppingAnswer)
    }
}

impl World {
    /// The only writer of a party's state.
    fn set_party(&mut self, cx: &mut Context<'_>, slot: u32, next: PartyState) {
        let this = &mut self.parties[slot];
        let (from, to) = (party_state_name(this.state), party_state_name(next));
        if from != to {
            cx.edge(Object::Party(this.id), from, to);
        }
        this.state = next;
    }

    fn end_party(&mut self, cx: &mut Context<'_>, slot: u32, end: End) {
        self.set_party(cx, slot, PartyState::Gone);
        self.parties[slot].end = end;
    }

    /// The places of the parties on a VC that are not gone: also those that are being added or dropped.
    fn parties_on(&self, vc: u32) -> impl Iterator<Item = u32> + '_ {
        let is_there = |&&party: &&u32| self.parties[party].state != PartyState::Gone;
        self.vcs[vc].parties.iter().filter(is_there).copied()
    }

    pub(crate) fn count_parties(&self, vc: u32) -> usize {
        self.parties_on(vc).count()
    }

    /// How many parties of a VC are being added to the call that is made, or are being dropped.
    pub(crate) fn count_unsettled_parties(&self, vc: u32) -> usize {
        let is_unsettled = |&party: &u32| {
            let party = &self.parties[party];
            party.is_dropping() || party.state == PartyState::Adding && !party.first
        };
        self.parties_on(vc).filter(is_unsettled).count()
    }

    /// The only party of a VC, or the last one.
    pub(crate) fn last_party(&self, vc: u32) -> Option<u32> {
        self.parties_on(vc).last()
    }

    /// The party that was born with the call which is being made.
    pub(crate) fn first_party(&self, vc: u32) -> Option<PartyId> {
        let first = self.parties_on(vc).find(|&party| self.parties[party].first);
        first.map(|party| self.parties[party].id)
    }

    /// Whether a call manager owes the completion of an addition or a drop.
    pub(crate) fn is_party_with_manager(&self, slot: u32) -> bool {
        let party = &self.parties[slot];
        party.add.is_outstanding() || party.drop.is_outstanding()
    }

    /// What a client may wait for that does one thing after the other on a call: what the call manager has yet to complete
    /// there.
    pub(crate) fn with_manager_on(&self, vc: u32) -> Option<Object> {
        let party = self.parties_on(vc).find(|&party| self.is_party_with_manager(party));
        let this = &self.vcs[vc];
        let busy = this.call.is_with_manager().then_some(Object::Call(this.id));
        party.map(|party| self.parties[party].object()).or(busy)
    }

    /// A party begins, on its way to the call manager. Those that are gone make room.
    pub(crate) fn new_party(
        &mut self,
        cx: &mut Context<'_>,
        vc: u32,
        client_context: Token,
    ) -> Result<u32, Status> {
        self.forget_parties(vc);
        let slot = self.parties.next_slot();
        let id = PartyId(cx.handle(HandleKind::ClientParty, slot));
        let party = Party {
            id,
            vc,
            client_context,
            manager_context: Token::NULL,
            state: PartyState::Adding,
            first: false,
            add: Request::default(),
            drop: Request::default(),
            asked: 0,
            telling: false,
            early: false,
            refused: false,
            end: End::NotYet,
        };
        self.parties.insert(party).map_err(|_| Status::RESOURCES)?;
        cx.edge(Object::Party(id), "none", "adding");
        let first = self.parties_on(vc).next().is_none() && !self.vcs[vc].call.is_made();
        self.parties[slot].first = first;
        self.vcs[vc].parties.push(slot);
        Ok(slot)
    }

    /// Lets go of the parties that are gone and that no handler is running with.
    fn forget_parties(&mut self, vc: u32) {
        if !self.is_vc_quiet(vc) {
            return;
        }
        let parties = core::mem::take(&mut self.vcs[vc].parties);
        for party in parties {
            if self.parties[party].state == PartyState::Gone {
                self.parties.remove(party);
            } else {
                self.vcs[vc].parties.push(party);
            }
        }
    }

    // ---- with the call ----------------------------------------------------------------------------------------

    pub(crate) fn first_party_made(&mut self, cx: &mut Context<'_>, vc: u32, context: Token) {
        let Some(first) = self.first_party(vc) else { return };
        let slot = first.0.slot;
        let party = &mut self.parties[slot];
        (party.first, party.manager_context) = (false, context);
        if party.state == PartyState::Adding {
            self.set_party(cx, slot, PartyState::Active);
        }
    }

    pub(crate) fn first_party_not_made(&mut self, cx: &mut Context<'_>, vc: u32) {
        if let Some(first) = self.first_party(vc) {
            self.end_party(cx, first.0.slot, End::NotMade);
        }
    }

    /// The last party goes with its call: what the call manager knows it by.
    pub(crate) fn party_closes(&mut self, cx: &mut Context<'_>, slot: u32) -> Token {
        let answers = self.parties[slot].state == PartyState::DropIndicated;
        self.set_party(cx, slot, PartyState::ClosingWithCall(answers));
        let party = &mut self.parties[slot];
        party.refused = false;
        party.manager_context
    }

    pub(crate) fn party_not_closed(&mut self, cx: &mut Context<'_>, slot: u32) {
        let party = &self.parties[slot];
        let next = match party.state {
            PartyState::ClosingWithCall(true) => PartyState::DropIndicated,
            PartyState::ClosingWithCall(false) if !self.vcs[party.vc].call.is_made() => PartyState::Adding,
            _ => PartyState::Active,
        };
        self.set_party(cx, slot, next);
    }

    pub(crate) fn parties_closed(&mut self, cx: &mut Context<'_>, vc: u32) {
        while let Some(party) = self.last_party(vc) {
            self.end_party(cx, party, End::Dropped);
        }
    }

    // ---- handles ----------------------------------------------------------------------------------------------

    /// The party of a handle of the caller's side, whatever its state.
    ///
    /// # Errors
    /// `foreign`: NDIS gave the caller no such handle for a party. `party-drop-handle-dead` and `party-cm-drop-handle-dead`:
    /// it did, long ago.
    fn party_of(
        &self,
        cx: &Context<'_>,
        handle: HandleArg,
        kind: HandleKind,
        foreign: Rule,
    ) -> Result<u32, Violation> {
        let driver = cx.caller();
        let fail = |rule, offence| Err(violation(rule, driver, Object::Driver(driver), offence));
        let handle = match handle {
            HandleArg::Known(handle) => handle,
            HandleArg::Null => return fail(foreign, "the party handle is NULL"),
            HandleArg::Unknown(_) => return fail(foreign, "NDIS never gave out this value"),
        };
        if handle.kind != kind {
            return fail(foreign, "this is not a party handle of the caller's side");
        }
        let is_client = kind == HandleKind::ClientParty;
        let party = &self.parties[handle.slot];
        if party.id.0.of(kind) != handle {
            let dead = if is_client { Rule::PartyDropHandleDead } else { Rule::PartyCmDropHandleDead };
            return fail(dead, "the party was dropped long ago");
        }
        let vc = &self.vcs[party.vc];
        let owner = if is_client { vc.client } else { Some(vc.manager) };
        if owner != Some(driver) {
            return fail(foreign, "the party is another driver's");
        }
        Ok(handle.slot)
    }

    fn invoke_on_party(&mut self, op: Op, slot: u32, driver: DriverId, callback: Callback) -> Step {
        let vc = self.parties[slot].vc;
        self.invoke_on_vc(crate::Op::Party(op), vc, driver, callback)
    }

    // ---- the rest ---------------------------------------------------------------------------------------------

    pub(crate) fn party_resumed(&mut self, id: OpId, op: Op) -> Stepped {
        match op {
            Op::PublishParty(slot, parameters) => {
                let step = self.ask_to_add(id, slot, parameters);
                self.left_vc(self.parties[slot].vc);
                step
            }
            Op::CmAddParty(..)
            | Op::ReportAdd(_)
            | Op::CmDropParty(..)
            | Op::ReportDrop(_)
            | Op::IncomingDrop(_) => unreachable!("a handler returns, it does not resume"),
        }
    }

    pub(crate) fn party_returned(&mut self, cx: &mut Context<'_>, id: OpId, op: Op, reply: Reply) -> Stepped {
        let slot = match op {
            Op::CmAddParty(slot, _)
            | Op::ReportAdd(slot)
            | Op::CmDropParty(slot, _)
            | Op::ReportDrop(slot)
            | Op::IncomingDrop(slot) => slot,
            Op::PublishParty(..) => unreachable!("a store resumes, it does not return"),
        };
        let vc = self.parties[slot].vc;
        let step = match op {
            Op::CmAddParty(slot, round) => self.add_returned(cx, id, slot, round, reply)?,
            Op::CmDropParty(slot, round) => self.drop_returned(cx, id, slot, round, reply.status)?,
            Op::IncomingDrop(slot) => {
                self.parties[slot].telling = false;
                self.finish(id, Status::SUCCESS)
            }
            Op::ReportAdd(_) | Op::ReportDrop(_) | Op::PublishParty(..) => self.finish(id, Status::SUCCESS),
        };
        self.left_vc(vc);
        Ok(step)
    }

    fn party_side_of(op: Op) -> Option<(u32, Side)> {
        match op {
            Op::PublishParty(..) => None,
            Op::CmAddParty(slot, _) | Op::CmDropParty(slot, _) => Some((slot, Side::CallManager)),
            Op::ReportAdd(slot) | Op::ReportDrop(slot) | Op::IncomingDrop(slot) => Some((slot, Side::Client)),
        }
    }

    /// Whether a handler of this area runs with a context that belongs to the binding.
    pub(crate) fn party_handler_runs_on(&self, op: Op, binding: &Binding) -> bool {
        Self::party_side_of(op)
            .is_some_and(|(slot, side)| self.is_vc_on(self.parties[slot].vc, side, binding))
    }

    /// Whether a handler of this area runs in the MCM of the adapter.
    pub(crate) fn party_handler_runs_in(&self, op: Op, adapter: AdapterId) -> bool {
        Self::party_side_of(op).is_some_and(|(slot, side)| {
            side == Side::CallManager && self.is_vc_in_mcm(self.parties[slot].vc, adapter)
        })
    }

    pub(crate) fn party_debts(&self, debts: &mut Vec<Debt>) {
        for (_, party) in self.parties.iter() {
            let object = party.object();
            let vc = &self.vcs[party.vc];
            let client = vc.client.unwrap_or(vc.manager);
            let mut owe = |by, rule, waits_for| debts.push(Debt { by, rule, object, waits_for });
            if party.add.is_pending() {
                owe(vc.manager, Rule::PartyCmAddCompleteRequired, None);
            }
            if party.drop.is_pending() {
                owe(vc.manager, Rule::PartyCmDropCompleteRequired, None);
            }
            let turn = || self.with_manager_on(party.vc);
            match party.state {
                PartyState::DropIndicated if !party.telling => {
                    owe(client, Rule::PartyIncomingDropAnswer, turn());
                }
                PartyState::Active if party.refused && self.count_parties(party.vc) == 1 => {
                    owe(client, Rule::PartyDropFailedClose, turn());
                }
                PartyState::Active if self.is_vc_unwanted(party.vc) => {
                    owe(client, Rule::PartyDropEveryParty, turn());
                }
                PartyState::Adding
                | PartyState::Active
                | PartyState::DropIndicated
                | PartyState::Dropping
                | PartyState::DroppingAnswer
                | PartyState::ClosingWithCall(_)
                | PartyState::Gone => {}
            }
        }
    }

    pub(crate) fn party_views(&self, vc: u32, views: &mut Vec<View>) {
        let this = &self.vcs[vc];
        for party in self.parties_on(vc).map(|party| &self.parties[party]) {
            let mut holders = Vec::new();
            if let Some(client) = this.client {
                holders.push(Holder {
                    role: "client",
                    driver: client,
                    handle: Some(party.id.0),
                    context: party.client_context,
                });
            }
            holders.push(Holder {
                role: "call manager",
                driver: this.manager,
                handle: Some(party.id.0.of(HandleKind::CallManagerParty)),
                context: party.manager_context,
            });
            views.push(View {
                object: party.object(),
                state: party_state_name(party.state),
                parent: Some(Object::Call(this.id)),
                holders,
                about: None,
                flags: set_flags([
                    (party.add.is_pending(), "addition pending"),
                    (party.drop.is_pending(), "drop pending"),
                ]),
            });
        }
    }
}
