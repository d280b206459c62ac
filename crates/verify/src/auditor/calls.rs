//! Area `call`: what NDIS carries between a client and its call manager about the call on a VC, and what it drops because
//! the client has closed the call or turned it down.

use super::vcs::{Vc, Who};
use super::{
    Asked, Auditor, Exchange, Frame, Key, NEVER_ASKED, Target, WRONG_HANDLE, WRONG_PARAMETERS, WRONG_STATUS,
};
use contract::{Ddi, Rule, Status};
use model::block::CallParameters;
use model::{Call, Callback, DriverId, HandleArg, Reply, Side, Token};

/// The call on a VC, or the last one, of which something may still be owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Conversation {
    /// Who began it, until it has failed, is turned down, or is closed.
    begun_by: Option<Side>,
    /// `ProtocolCmMakeCall`, `ProtocolCmModifyCallQoS`, `ProtocolClIncomingCall`, `ProtocolCmCloseCall`.
    make: Exchange,
    modify: Exchange,
    offer: Exchange,
    close: Asked,
    /// The party that came with `NdisClMakeCall`, and the one that `NdisClCloseCall` names.
    first_party: Option<Key>,
    last_party: Option<Key>,
    /// The last attempt of the client to make a call has failed.
    has_failed: bool,
    /// The client was told of an incoming close.
    is_close_indicated: bool,
    /// The client had not answered the offer when the call was closed from either side.
    is_overtaken: bool,
}

impl Conversation {
    pub(super) const NONE: Conversation = Conversation {
        begun_by: None,
        make: Exchange::NOT,
        modify: Exchange::NOT,
        offer: Exchange::NOT,
        close: Asked::Not,
        first_party: None,
        last_party: None,
        has_failed: false,
        is_close_indicated: false,
        is_overtaken: false,
    };

    /// Whether there is a call that is not closed.
    pub(super) fn exists(&self) -> bool {
        self.begun_by.is_some()
    }

    /// Whether the client is to hear of what the call manager dispatches.
    fn is_live(&self) -> bool {
        self.exists() && self.close == Asked::Not
    }

    /// The same, with no close on its way to the client either.
    pub(super) fn is_steady(&self) -> bool {
        self.is_live() && !self.is_close_indicated
    }

    pub(super) fn closes_with(&self, party: Target) -> bool {
        self.close != Asked::Not && self.last_party.map(Target::Party) == Some(party)
    }

    /// A new call: what is still owed of the last one stays.
    fn begin(&mut self, by: Side) {
        *self =
            Conversation { make: self.make, modify: self.modify, begun_by: Some(by), ..Conversation::NONE };
    }

    fn overtake(&mut self) {
        self.is_overtaken |= self.offer.asked == Asked::Outstanding;
    }

    /// An answer to an offer turns the call down or not, if it did not come too late.
    fn decide(&mut self) {
        if !self.is_overtaken
            && matches!(self.offer.asked, Asked::Answered(status) if status != Status::SUCCESS)
        {
            self.begun_by = None;
        }
    }

    /// What is asked in a pended call, and whom NDIS tells its end.
    pub(super) fn owes(&self, ddi: Ddi, vc: &Vc) -> Option<(Asked, super::vcs::End)> {
        match ddi {
            Ddi::NdisClMakeCall => Some((self.make.asked, vc.client)),
            Ddi::NdisClModifyCallQoS => Some((self.modify.asked, vc.client)),
            Ddi::NdisClCloseCall => Some((self.close, vc.client)),
            // Whether the call manager hears of an answer that came too late no page says.
            Ddi::NdisCmDispatchIncomingCall if !self.is_overtaken => Some((self.offer.asked, vc.manager)),
            _ => None,
        }
    }
}

const CROSSED: &str = "a client was told of something on a call that it has closed or turned down";

impl Auditor {
    fn conversation(&mut self, target: Target) -> Option<&mut Conversation> {
        self.vc_mut(target).map(|vc| &mut vc.call)
    }

    fn check_relay(&mut self, driver: DriverId, frame: &Frame, asked: Asked, status: Status) {
        let (unasked, wrong) = (Rule::CallNdisRelay, Rule::CallNdisCompleteAfterPending);
        self.check_relayed(unasked, wrong, driver, frame, asked, status);
    }

    // ---- making -----------------------------------------------------------------------------------------------

    /// The party that a call of `NdisClMakeCall` is to begin with.
    pub(super) fn first_party(&mut self, call: &Call, target: Target) -> Option<Key> {
        let (Call::ClMakeCall { party_context, .. }, Target::Vc(vc)) = (*call, target) else { return None };
        (party_context != Token::NULL).then(|| self.new_party(vc, party_context))
    }

    pub(super) fn make_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        parameters: CallParameters,
        party: HandleArg,
        cause: Option<Frame>,
    ) -> Target {
        if self.called_for(driver, from, Who::Manager, context).is_none() {
            return Target::None;
        }
        let object = self.object(driver, from);
        let rule = Rule::CallNdisRelay;
        if let Some(Call::ClMakeCall { parameters: given, .. }) = cause.and_then(|cause| cause.call)
            && given != parameters
        {
            self.fault(rule, driver, object, WRONG_PARAMETERS);
        }
        let first = cause.and_then(|cause| cause.party);
        match (first, party) {
            (Some(key), HandleArg::Known(handle)) => {
                self.name_party(driver, Target::Party(key), handle, Side::CallManager);
            }
            (None, HandleArg::Null) => {}
            (Some(_), HandleArg::Null | HandleArg::Unknown(_))
            | (None, HandleArg::Known(_) | HandleArg::Unknown(_)) => {
                self.fault(
                    rule,
                    driver,
                    object,
                    "ProtocolCmMakeCall got a party, or none, against the client's call",
                );
            }
        }
        if let Some(call) = self.conversation(from) {
            call.begin(Side::Client);
            (call.make, call.first_party) = (Exchange::ask(parameters), first);
        }
        from
    }

    pub(super) fn make_answered(&mut self, target: Target, reply: Reply) {
        let Some(call) = self.conversation(target) else { return };
        call.make.replied(reply);
        self.made(target, reply.context);
    }

    pub(super) fn make_completes(
        &mut self,
        driver: DriverId,
        vc: HandleArg,
        status: Status,
        _party: HandleArg,
        party_context: Token,
        parameters: CallParameters,
    ) -> Target {
        let target = self.target_of_vc(driver, Who::Manager, vc);
        if let Some(call) = self.conversation(target)
            && call.make.asked == Asked::Outstanding
        {
            call.make.completed(status, parameters);
            self.made(target, party_context);
        }
        target
    }

    /// The call manager has said whether the call is made.
    fn made(&mut self, target: Target, party_context: Token) {
        let Some(call) = self.conversation(target) else { return };
        let Asked::Answered(status) = call.make.asked else { return };
        let party = call.first_party;
        if status != Status::SUCCESS && call.close == Asked::Not {
            (call.begun_by, call.has_failed) = (None, true);
        }
        if status == Status::SUCCESS
            && let Some(party) = party
        {
            self.party_joins(Target::Party(party), party_context);
        }
    }

    pub(super) fn make_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
        party: HandleArg,
        parameters: CallParameters,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Client, context) else { return Target::None };
        let make = vc.call.make;
        self.check_end(driver, from, &make, status, Some(&parameters));
        let first = vc.call.first_party.and_then(|key| self.handle_of(Target::Party(key)));
        let expected = match first {
            Some(handle) if status == Status::SUCCESS => HandleArg::Known(handle),
            Some(_) | None => HandleArg::Null,
        };
        // What becomes of the party of a call that was closed while it was being made no page says.
        if party != expected && vc.call.close == Asked::Not && vc.call.exists() {
            let object = self.object(driver, from);
            self.fault(Rule::CallNdisCompleteAfterPending, driver, object, WRONG_HANDLE);
        }
        from
    }

    /// A driver is told how what it asked for on a call has ended.
    fn check_end(
        &mut self,
        driver: DriverId,
        target: Target,
        exchange: &Exchange,
        status: Status,
        parameters: Option<&CallParameters>,
    ) {
        let rule = Rule::CallNdisCompleteAfterPending;
        let object = self.object(driver, target);
        if exchange.asked.contradicts(status) {
            self.fault(rule, driver, object, WRONG_STATUS);
        }
        if exchange.asked.is_answered() && parameters.is_some_and(|got| !exchange.hands_back(got)) {
            self.fault(rule, driver, object, WRONG_PARAMETERS);
        }
    }

    pub(super) fn make_over(&mut self, target: Target, status: Status) {
        let Some(call) = self.conversation(target) else { return };
        call.make.asked = Asked::Not;
        let first = call.first_party;
        if let Some(first) = first.filter(|_| status != Status::SUCCESS && call.last_party != first) {
            self.forget_party(Target::Party(first));
        }
    }

    pub(super) fn make_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(&vc) = self.vc(frame.target) else { return };
        self.check_relay(driver, frame, vc.call.make.asked, status);
        if status == Status::PENDING || frame.completed {
            return;
        }
        let party = frame.party.map(Target::Party);
        let is_stored = party.is_some_and(|party| self.is_party_stored(party));
        if status == Status::SUCCESS && party.is_some() && !is_stored
            || status != Status::SUCCESS && is_stored
        {
            let object = self.object(driver, frame.target);
            let offence = "a call was made without a party handle, or failed and left one";
            self.fault(Rule::CallNdisCompleteAfterPending, driver, object, offence);
        }
        if frame.asked {
            self.make_over(frame.target, status);
        } else if let Some(party) = party {
            self.forget_party(party);
        }
    }

    // ---- changing the quality of service ----------------------------------------------------------------------

    pub(super) fn modify_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        parameters: CallParameters,
        cause: Option<Frame>,
    ) -> Target {
        if self.called_for(driver, from, Who::Manager, context).is_none() {
            return Target::None;
        }
        if let Some(Call::ClModifyCallQoS { parameters: given, .. }) = cause.and_then(|cause| cause.call)
            && given != parameters
        {
            let object = self.object(driver, from);
            self.fault(Rule::CallNdisRelay, driver, object, WRONG_PARAMETERS);
        }
        if let Some(call) = self.conversation(from) {
            call.modify = Exchange::ask(parameters);
        }
        from
    }

    pub(super) fn modify_answered(&mut self, target: Target, reply: Reply) {
        if let Some(call) = self.conversation(target) {
            call.modify.replied(reply);
        }
    }

    pub(super) fn modify_completes(
        &mut self,
        driver: DriverId,
        vc: HandleArg,
        status: Status,
        parameters: CallParameters,
    ) -> Target {
        let target = self.target_of_vc(driver, Who::Manager, vc);
        if let Some(call) = self.conversation(target) {
            call.modify.completed(status, parameters);
        }
        target
    }

    pub(super) fn modify_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
        parameters: CallParameters,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Client, context) else { return Target::None };
        self.check_end(driver, from, &vc.call.modify, status, Some(&parameters));
        from
    }

    pub(super) fn modify_over(&mut self, target: Target) {
        if let Some(call) = self.conversation(target) {
            call.modify.asked = Asked::Not;
        }
    }

    pub(super) fn modify_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(&vc) = self.vc(frame.target) else { return };
        let is_refused = !frame.asked && status != Status::SUCCESS && status != Status::PENDING;
        if is_refused && vc.call.has_failed {
            // The client did not know that yet.
            return;
        }
        self.check_relay(driver, frame, vc.call.modify.asked, status);
        if frame.asked && status != Status::PENDING && !frame.completed {
            self.modify_over(frame.target);
        }
    }

    // ---- closing ----------------------------------------------------------------------------------------------

    pub(super) fn close_call_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        party_context: Token,
        data: (Token, u32),
        cause: Option<Frame>,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Manager, context) else { return Target::None };
        let object = self.object(driver, from);
        let rule = Rule::CallNdisRelay;
        let mut last = None;
        if let Some(Call::ClCloseCall { party, data: given, size, .. }) = cause.and_then(|cause| cause.call) {
            if data != (given, size) {
                self.fault(
                    rule,
                    driver,
                    object,
                    "ProtocolCmCloseCall got other close data than the client's",
                );
            }
            let target = vc.client.driver.map(|client| self.target_of_party(client, Side::Client, party));
            last = match target {
                Some(Target::Party(key)) => Some(key),
                _ => None,
            };
        }
        // The call manager may not have given a context yet for the party of a call that is being made.
        let expected = match last {
            Some(key) => self.context_of_party(Target::Party(key)),
            None => Some(Token::NULL),
        };
        if expected.is_some_and(|expected| expected != party_context) {
            let offence =
                "ProtocolCmCloseCall got another party context than the call manager's for the last party";
            self.fault(rule, driver, object, offence);
        }
        if vc.call.close != Asked::Not {
            self.fault(rule, driver, object, "ProtocolCmCloseCall was called a second time");
        }
        if let Some(call) = self.conversation(from) {
            call.overtake();
            (call.close, call.last_party) = (Asked::Outstanding, last);
        }
        from
    }

    pub(super) fn close_call_answered(&mut self, target: Target, status: Status) {
        let Some(call) = self.conversation(target) else { return };
        call.close.answer(status);
        // After another answer the call stays as it was.
        if call.close == Asked::Answered(Status::SUCCESS) {
            call.begun_by = None;
        }
    }

    pub(super) fn close_call_completes(&mut self, driver: DriverId, vc: HandleArg, status: Status) -> Target {
        let target = self.target_of_vc(driver, Who::Manager, vc);
        self.close_call_answered(target, status);
        target
    }

    pub(super) fn close_call_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
        party_context: Token,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Client, context) else { return Target::None };
        let object = self.object(driver, from);
        let rule = Rule::CallNdisCompleteAfterPending;
        if vc.call.close.contradicts(status) {
            self.fault(rule, driver, object, WRONG_STATUS);
        }
        let expected =
            vc.call.last_party.map_or(Some(Token::NULL), |key| self.clients_context_of(Target::Party(key)));
        if expected.is_some_and(|expected| expected != party_context) {
            let offence =
                "ProtocolClCloseCallComplete got another party context than the client's for the last party";
            self.fault(rule, driver, object, offence);
        }
        from
    }

    pub(super) fn close_call_over(&mut self, target: Target, status: Status) {
        let Some(call) = self.conversation(target) else { return };
        call.last_party = None;
        if status == Status::SUCCESS {
            call.first_party = None;
            if let Target::Vc(key) = target {
                self.forget_parties(key);
            }
        }
        // A close that failed takes its mark back; one that succeeded leaves none for the next call.
        if let Some(call) = self.conversation(target) {
            call.close = Asked::Not;
        }
    }

    pub(super) fn close_call_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(&vc) = self.vc(frame.target) else { return };
        let is_refused = !frame.asked && status != Status::SUCCESS && status != Status::PENDING;
        if is_refused {
            // The call has failed, and the client did not know it yet.
            if !vc.call.has_failed && !frame.warned {
                let object = self.object(driver, frame.target);
                self.fault(Rule::CallNdisRelay, driver, object, NEVER_ASKED);
            }
            return;
        }
        self.check_relay(driver, frame, vc.call.close, status);
        if frame.asked && status != Status::PENDING && !frame.completed {
            self.close_call_over(frame.target, status);
        }
    }

    // ---- offering ---------------------------------------------------------------------------------------------

    pub(super) fn offer_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        sap_context: Token,
        context: Token,
        parameters: CallParameters,
        cause: Option<Frame>,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Client, context) else { return Target::None };
        let object = self.object(driver, from);
        let rule = Rule::CallNdisRelay;
        let call = cause.and_then(|cause| cause.call);
        if let Some(Call::CmDispatchIncomingCall { parameters: given, .. }) = call
            && given != parameters
        {
            self.fault(rule, driver, object, WRONG_PARAMETERS);
        }
        let sap = vc.manager.driver.and_then(|manager| self.sap_of_offer(manager, call)).copied();
        if sap.is_none_or(|sap| Some(sap.af) != vc.af || sap.client_context != sap_context) {
            let offence =
                "ProtocolClIncomingCall got another SAP context than the client's for the SAP of the offer";
            self.fault(rule, driver, object, offence);
        }
        if sap.is_some_and(|sap| sap.deregister != Asked::Not) || vc.af.is_some_and(|af| self.is_closing(af))
        {
            let offence = "a call was offered on a SAP or AF that the client is giving up";
            self.fault(Rule::CallNdisCrossing, driver, object, offence);
        }
        if let Some(call) = self.conversation(from) {
            call.begin(Side::CallManager);
            call.offer = Exchange::ask(parameters);
        }
        from
    }

    pub(super) fn offer_answered(&mut self, target: Target, reply: Reply) {
        if let Some(call) = self.conversation(target) {
            call.offer.replied(reply);
            call.decide();
        }
    }

    pub(super) fn offer_completes(
        &mut self,
        driver: DriverId,
        vc: HandleArg,
        status: Status,
        parameters: CallParameters,
    ) -> Target {
        let target = self.target_of_vc(driver, Who::Client, vc);
        if let Some(call) = self.conversation(target) {
            call.offer.completed(status, parameters);
            call.decide();
        }
        target
    }

    pub(super) fn offer_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
        parameters: CallParameters,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Manager, context) else { return Target::None };
        if !vc.call.is_overtaken {
            self.check_end(driver, from, &vc.call.offer, status, Some(&parameters));
        } else if status == Status::SUCCESS {
            let object = self.object(driver, from);
            let offence = "an answer that a close had overtaken was reported as an acceptance";
            self.fault(Rule::CallNdisCompleteAfterPending, driver, object, offence);
        }
        from
    }

    pub(super) fn offer_over(&mut self, target: Target) {
        if let Some(call) = self.conversation(target) {
            call.offer.asked = Asked::Not;
        }
    }

    pub(super) fn offer_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(&vc) = self.vc(frame.target) else { return };
        let is_refused = !frame.asked && status != Status::SUCCESS && status != Status::PENDING;
        if is_refused {
            let sap = self.sap_of_offer(driver, frame.call).copied();
            let owes_answer = vc.call.is_overtaken && vc.call.offer.asked != Asked::Not;
            let is_crossed = owes_answer
                || sap.is_none_or(|sap| sap.deregister != Asked::Not)
                || vc.af.is_some_and(|af| self.is_closing(af));
            if !is_crossed && !frame.warned {
                let object = self.object(driver, frame.target);
                let registering = sap.is_some_and(|sap| sap.register != Asked::Not);
                let rule =
                    if registering { Rule::SapNdisIncomingWhilePending } else { Rule::CallNdisCrossing };
                self.fault(rule, driver, object, NEVER_ASKED);
            }
            return;
        }
        if !vc.call.is_overtaken {
            self.check_relay(driver, frame, vc.call.offer.asked, status);
        }
        if frame.asked && status != Status::PENDING && !frame.completed {
            self.offer_over(frame.target);
        }
    }

    /// A client has answered an offer; one that was overtaken leads to nothing.
    pub(super) fn answer_returned(&mut self, frame: &Frame) {
        let offered = (Ddi::NdisCmDispatchIncomingCall, frame.target);
        if !frame.asked && self.vc(frame.target).is_some_and(|vc| vc.call.is_overtaken) {
            self.pended.retain(|&pended| pended != offered);
        }
    }

    // ---- what a call manager dispatches -----------------------------------------------------------------------

    pub(super) fn dispatch_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        callback: &Callback,
        cause: Option<Frame>,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Client, context) else { return Target::None };
        let object = self.object(driver, from);
        if !vc.call.is_live() {
            self.fault(Rule::CallNdisCrossing, driver, object, CROSSED);
        }
        let is_as_given = match (*callback, cause.and_then(|cause| cause.call)) {
            (
                Callback::ClIncomingCallQoSChange { parameters, .. },
                Some(Call::CmDispatchIncomingCallQoSChange { parameters: given, .. }),
            ) => parameters == given,
            (
                Callback::ClIncomingCloseCall { status, data, size, .. },
                Some(Call::CmDispatchIncomingCloseCall { status: given, data: buffer, size: length, .. }),
            ) => (status, data, size) == (given, buffer, length),
            _ => true,
        };
        if !is_as_given {
            let offence = "a client got something else than the call manager had dispatched";
            self.fault(Rule::CallNdisRelay, driver, object, offence);
        }
        if let Some(call) = self.conversation(from)
            && matches!(callback, Callback::ClIncomingCloseCall { .. })
        {
            call.overtake();
            call.is_close_indicated = true;
        }
        from
    }

    pub(super) fn dispatch_returned(&mut self, driver: DriverId, frame: &Frame) {
        let is_live = self.vc(frame.target).is_some_and(|vc| vc.call.is_live());
        if !frame.asked && is_live && !frame.warned {
            let object = self.object(driver, frame.target);
            let offence = "what a call manager dispatched on a call never reached the client";
            self.fault(Rule::CallNdisCrossing, driver, object, offence);
        }
    }
}
