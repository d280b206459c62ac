//! Area `party`: what NDIS carries between a client and its call manager about one party of a multipoint call.

use super::vcs::Who;
use super::{Asked, Auditor, Exchange, Frame, Key, Target, WRONG_HANDLE, WRONG_PARAMETERS, WRONG_STATUS};
use alloc::vec::Vec;
use contract::{Ddi, Rule, Status};
use model::block::CallParameters;
use model::{Call, DriverId, Handle, HandleArg, HandleKind, Reply, Side, Token};

/// A party, from the call that adds it on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Party {
    vc: Key,
    client_context: Token,
    /// `CallMgrPartyContext`, once the call manager has given it with a success.
    manager_context: Option<Token>,
    /// The client's handle.
    pub(super) handle: Option<Handle>,
    /// The client's variable holds it.
    is_stored: bool,
    /// `ProtocolCmAddParty`, `ProtocolCmDropParty`.
    add: Exchange,
    drop: Asked,
}

const WRONG_DATA: &str = "a driver got other data about a party than the other driver gave";

impl Auditor {
    fn party(&self, target: Target) -> Option<&Party> {
        let Target::Party(key) = target else { return None };
        self.parties.get(&key)
    }

    fn party_mut(&mut self, target: Target) -> Option<&mut Party> {
        let Target::Party(key) = target else { return None };
        self.parties.get_mut(&key)
    }

    /// The party for which this driver on this side has this handle.
    pub(super) fn target_of_party(&self, driver: DriverId, side: Side, handle: HandleArg) -> Target {
        let kind = match side {
            Side::Client => HandleKind::ClientParty,
            Side::CallManager => HandleKind::CallManagerParty,
        };
        let target = self.key_of(handle, kind).map_or(Target::None, Target::Party);
        let holder = self.vc(self.vc_of_party(target)).and_then(|vc| match side {
            Side::Client => vc.client.driver,
            Side::CallManager => vc.manager.driver,
        });
        if holder == Some(driver) { target } else { Target::None }
    }

    pub(super) fn vc_of_party(&self, target: Target) -> Target {
        self.party(target).map_or(Target::None, |party| Target::Vc(party.vc))
    }

    // ---- adding -----------------------------------------------------------------------------------------------

    pub(super) fn new_party(&mut self, vc: Key, client_context: Token) -> Key {
        let key = self.next_key();
        let party = Party {
            vc,
            client_context,
            manager_context: None,
            handle: None,
            is_stored: false,
            add: Exchange::NOT,
            drop: Asked::Not,
        };
        self.parties.insert(key, party);
        self.parties_on.insert((vc, key));
        key
    }

    pub(super) fn party_adds(&mut self, client: DriverId, vc: HandleArg, context: Token) -> Target {
        match self.target_of_vc(client, Who::Client, vc) {
            Target::Vc(vc) => Target::Party(self.new_party(vc, context)),
            _ => Target::None,
        }
    }

    /// NDIS stores the handle of a party, or takes one back.
    pub(super) fn party_stored(&mut self, driver: DriverId, frame: &Frame, handle: HandleArg) {
        let target = frame.party.map_or(frame.target, Target::Party);
        match handle {
            HandleArg::Known(handle) => self.name_party(driver, target, handle, Side::Client),
            HandleArg::Null | HandleArg::Unknown(_) => {}
        }
        if let Some(party) = self.party_mut(target) {
            party.is_stored = handle != HandleArg::Null;
        }
    }

    pub(super) fn is_party_stored(&self, target: Target) -> bool {
        self.party(target).is_some_and(|party| party.is_stored)
    }

    pub(super) fn name_party(&mut self, driver: DriverId, target: Target, handle: Handle, side: Side) {
        let Target::Party(key) = target else { return };
        let kind = match side {
            Side::Client => HandleKind::ClientParty,
            Side::CallManager => HandleKind::CallManagerParty,
        };
        let handle = self.handle_given(driver, target, key, handle, kind);
        if let Some(party) = self.party_mut(target) {
            party.handle = Some(handle);
        }
    }

    /// The call manager has given its context for a party.
    pub(super) fn party_joins(&mut self, target: Target, context: Token) {
        if let Some(party) = self.party_mut(target) {
            party.manager_context = Some(context);
        }
    }

    pub(super) fn add_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        parameters: CallParameters,
        handle: Handle,
        cause: Option<Frame>,
    ) -> Target {
        if self.called_for(driver, self.vc_of_party(from), Who::Manager, context).is_none() {
            return Target::None;
        }
        if let Some(Call::ClAddParty { parameters: given, .. }) = cause.and_then(|cause| cause.call)
            && given != parameters
        {
            let object = self.object(driver, from);
            self.fault(Rule::PartyNdisRelay, driver, object, WRONG_PARAMETERS);
        }
        self.name_party(driver, from, handle, Side::CallManager);
        if let Some(party) = self.party_mut(from) {
            party.add = Exchange::ask(parameters);
        }
        from
    }

    pub(super) fn add_answered(&mut self, target: Target, reply: Reply) {
        let Some(party) = self.party_mut(target) else { return };
        party.add.replied(reply);
        if reply.status == Status::SUCCESS {
            party.manager_context = Some(reply.context);
        }
    }

    pub(super) fn add_completes(
        &mut self,
        driver: DriverId,
        handle: HandleArg,
        status: Status,
        context: Token,
        parameters: CallParameters,
    ) -> Target {
        let target = self.target_of_party(driver, Side::CallManager, handle);
        if let Some(party) = self.party_mut(target)
            && party.add.asked == Asked::Outstanding
        {
            party.add.completed(status, parameters);
            party.manager_context = (status == Status::SUCCESS).then_some(context);
        }
        target
    }

    pub(super) fn add_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
        handle: HandleArg,
        parameters: CallParameters,
    ) -> Target {
        let Some(party) = self.client_of_party(driver, from, context) else { return Target::None };
        let object = self.object(driver, from);
        let rule = Rule::PartyNdisCompleteAfterPending;
        if party.add.asked.contradicts(status) {
            self.fault(rule, driver, object, WRONG_STATUS);
        }
        if party.add.asked.is_answered() && !party.add.hands_back(&parameters) {
            self.fault(rule, driver, object, WRONG_PARAMETERS);
        }
        let own = party.handle.map_or(HandleArg::Null, HandleArg::Known);
        // No page says what the handle of a party is that could not be added.
        if handle != own && (status == Status::SUCCESS || handle != HandleArg::Null) {
            self.fault(rule, driver, object, WRONG_HANDLE);
        }
        from
    }

    pub(super) fn add_over(&mut self, target: Target, status: Status) {
        if status != Status::SUCCESS {
            self.forget_party(target);
        } else if let Some(party) = self.party_mut(target) {
            party.add.asked = Asked::Not;
        }
    }

    pub(super) fn add_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(&party) = self.party(frame.target) else { return };
        // To a call that is going down nothing need be added.
        let is_live = self.vc(Target::Vc(party.vc)).is_some_and(|vc| vc.call.is_steady());
        let rule = Rule::PartyNdisCompleteAfterPending;
        if frame.asked || is_live || status == Status::SUCCESS {
            self.check_relayed(Rule::PartyNdisRelay, rule, driver, frame, party.add.asked, status);
        }
        if status == Status::PENDING || frame.completed {
            return;
        }
        if status == Status::SUCCESS && !party.is_stored {
            let object = self.object(driver, frame.target);
            self.fault(rule, driver, object, "a party was added, and the client has no handle");
        }
        self.add_over(frame.target, status);
    }

    /// The party that a handler of its client is about, with the checks that all such handlers share.
    fn client_of_party(&mut self, driver: DriverId, from: Target, context: Token) -> Option<Party> {
        let object = self.object(driver, from);
        let Some(&party) = self.party(from) else {
            let offence = "a client was called for a party that is gone";
            self.fault(Rule::PartyNdisRelay, driver, object, offence);
            return None;
        };
        let vc = self.vc(Target::Vc(party.vc)).copied();
        if vc.is_none_or(|vc| vc.client.driver != Some(driver)) || party.client_context != context {
            let offence = "a handler of a party got another context than the client's";
            self.fault(Rule::PartyNdisRelay, driver, object, offence);
        }
        if let Some(af) = vc.and_then(|vc| vc.af) {
            self.check_af_open(driver, af, object);
        }
        Some(party)
    }

    // ---- dropping ---------------------------------------------------------------------------------------------

    pub(super) fn drop_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        data: (Token, u32),
        cause: Option<Frame>,
    ) -> Target {
        let object = self.object(driver, from);
        let rule = Rule::PartyNdisRelay;
        let Some(&party) = self.party(from) else { return Target::None };
        let vc = self.vc(Target::Vc(party.vc)).copied();
        let is_managers = vc.is_some_and(|vc| vc.manager.driver == Some(driver));
        if !is_managers || party.manager_context != Some(context) {
            let offence = "a handler of a party got another context than the call manager's";
            self.fault(rule, driver, object, offence);
        }
        if let Some(af) = vc.and_then(|vc| vc.af) {
            self.check_manager_may_be_asked(driver, af, object);
        }
        if let Some(Call::ClDropParty { data: given, size, .. }) = cause.and_then(|cause| cause.call)
            && data != (given, size)
        {
            self.fault(rule, driver, object, WRONG_DATA);
        }
        if party.drop != Asked::Not {
            self.fault(rule, driver, object, "ProtocolCmDropParty was called a second time");
        }
        if let Some(party) = self.party_mut(from) {
            party.drop = Asked::Outstanding;
        }
        from
    }

    pub(super) fn drop_answered(&mut self, target: Target, status: Status) {
        if let Some(party) = self.party_mut(target) {
            party.drop.answer(status);
        }
    }

    pub(super) fn drop_completes(&mut self, driver: DriverId, handle: HandleArg, status: Status) -> Target {
        let target = self.target_of_party(driver, Side::CallManager, handle);
        self.drop_answered(target, status);
        target
    }

    pub(super) fn drop_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
    ) -> Target {
        let Some(party) = self.client_of_party(driver, from, context) else { return Target::None };
        if party.drop.contradicts(status) {
            let object = self.object(driver, from);
            self.fault(Rule::PartyNdisCompleteAfterPending, driver, object, WRONG_STATUS);
        }
        from
    }

    pub(super) fn drop_over(&mut self, target: Target, status: Status) {
        if status == Status::SUCCESS {
            self.forget_party(target);
        } else if let Some(party) = self.party_mut(target) {
            party.drop = Asked::Not;
        }
    }

    pub(super) fn drop_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(&party) = self.party(frame.target) else { return };
        // The last one is also the one that is left when all others are being dropped.
        let leaves = |other| Target::Party(other) == frame.target || self.parties[&other].drop != Asked::Not;
        if !frame.asked && status == Status::FAILURE && self.parties_of(party.vc).all(leaves) {
            return;
        }
        let rules = (Rule::PartyNdisRelay, Rule::PartyNdisCompleteAfterPending);
        self.check_relayed(rules.0, rules.1, driver, frame, party.drop, status);
        if frame.asked && status != Status::PENDING && !frame.completed {
            self.drop_over(frame.target, status);
        }
    }

    pub(super) fn incoming_drop_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
        data: (Token, u32),
        cause: Option<Frame>,
    ) -> Target {
        if self.client_of_party(driver, from, context).is_none() {
            return Target::None;
        }
        let object = self.object(driver, from);
        if !self.is_connected(from) {
            let offence = "a client was told that a party leaves which it is dropping, or with which it closes the call";
            self.fault(Rule::PartyNdisCrossing, driver, object, offence);
        }
        if let Some(Call::CmDispatchIncomingDropParty { status: given, data: buffer, size, .. }) =
            cause.and_then(|cause| cause.call)
            && (status, data) != (given, (buffer, size))
        {
            self.fault(Rule::PartyNdisRelay, driver, object, WRONG_DATA);
        }
        from
    }

    pub(super) fn incoming_drop_returned(&mut self, driver: DriverId, frame: &Frame) {
        if !frame.asked && !frame.warned && self.is_connected(frame.target) {
            let object = self.object(driver, frame.target);
            self.fault(Rule::PartyNdisCrossing, driver, object, "an incoming drop never reached the client");
        }
    }

    /// Whether a client has a party without giving it up.
    fn is_connected(&self, target: Target) -> bool {
        let Some(party) = self.party(target) else { return false };
        let closes = self.vc(Target::Vc(party.vc)).is_some_and(|vc| vc.call.closes_with(target));
        party.drop == Asked::Not && !closes
    }

    // ---- for others -------------------------------------------------------------------------------------------

    pub(super) fn context_of_party(&self, target: Target) -> Option<Token> {
        self.party(target)?.manager_context
    }

    pub(super) fn clients_context_of(&self, target: Target) -> Option<Token> {
        self.party(target).map(|party| party.client_context)
    }

    fn parties_of(&self, vc: Key) -> impl Iterator<Item = Key> {
        self.parties_on.range((vc, Key(0))..=(vc, Key(u32::MAX))).map(|&(_, party)| party)
    }

    pub(super) fn forget_party(&mut self, target: Target) {
        let Target::Party(key) = target else { return };
        let Some(party) = self.parties.remove(&key) else { return };
        self.parties_on.remove(&(party.vc, key));
        if let Some(handle) = party.handle {
            self.handles.remove(&handle);
        }
    }

    /// A call is over, or its VC deleted: no party of it is left.
    pub(super) fn forget_parties(&mut self, vc: Key) {
        let parties: Vec<Key> = self.parties_of(vc).collect();
        parties.into_iter().for_each(|party| self.forget_party(Target::Party(party)));
    }

    /// The part of [`Auditor::owes`] for this area.
    pub(super) fn party_owes(&self, ddi: Ddi, target: Target) -> Option<DriverId> {
        let party = self.party(target)?;
        let asked = if ddi == Ddi::NdisClAddParty { party.add.asked } else { party.drop };
        self.vc(Target::Vc(party.vc))?.client.driver.filter(|_| asked.is_answered())
    }
}
