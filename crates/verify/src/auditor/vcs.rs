//! Area `vc`: in which order NDIS creates and deletes virtual connections, whom it calls for one with which context, and
//! activation.

use super::calls::Conversation;
use super::{Asked, Auditor, Exchange, Frame, Key, Kind, Target, WRONG_PARAMETERS, WRONG_STATUS};
use contract::{Ddi, Rule, Status};
use model::block::{CallParameters, Name};
use model::{AdapterId, Call, CallId, DriverId, Handle, HandleArg, HandleKind, Reply, Side, Token};

/// A VC, from the call that creates it on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Vc {
    /// Its address family; a call manager's own VC has none.
    pub(super) af: Option<Key>,
    pub(super) adapter: Option<AdapterId>,
    is_mcm: bool,
    creator: Side,
    pub(super) client: End,
    pub(super) manager: End,
    miniport: End,
    /// The handle that the client has, or would have.
    pub(super) handle: Option<Handle>,
    /// The creator has its handle.
    is_stored: bool,
    /// The call that creates it has succeeded.
    is_created: bool,
    /// NDIS has refused to delete it while it was active.
    was_kept: bool,
    activate: Exchange,
    deactivate: Asked,
    is_active: bool,
    /// The call on it.
    pub(super) call: Conversation,
    name: Option<(Name, u32)>,
    call_id: Option<CallId>,
}

/// One driver of a VC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct End {
    pub(super) driver: Option<DriverId>,
    /// The context that it has supplied for the VC.
    pub(super) context: Option<Token>,
    presence: Presence,
}

/// Whether a driver has the VC, as far as it was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Presence {
    Absent,
    /// Its create handler runs.
    Joining,
    Present,
    Refused(Status),
    /// Its delete handler runs.
    Leaving,
    Gone,
}

/// Which driver of a VC is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    Client,
    Manager,
    Miniport,
}

impl End {
    fn new(driver: Option<DriverId>) -> End {
        End { driver, context: None, presence: Presence::Absent }
    }

    fn of_creator(driver: DriverId, context: Token) -> End {
        End { driver: Some(driver), context: Some(context), presence: Presence::Present }
    }

    fn has_refused(&self) -> bool {
        matches!(self.presence, Presence::Refused(_))
    }
}

impl Vc {
    pub(super) fn end(&self, who: Who) -> &End {
        match who {
            Who::Client => &self.client,
            Who::Manager => &self.manager,
            Who::Miniport => &self.miniport,
        }
    }

    fn end_mut(&mut self, who: Who) -> &mut End {
        match who {
            Who::Client => &mut self.client,
            Who::Manager => &mut self.manager,
            Who::Miniport => &mut self.miniport,
        }
    }

    /// The protocol that has not created it; a call manager's own VC has none.
    fn peer(&self) -> Option<Who> {
        self.af.map(|_| match self.creator {
            Side::Client => Who::Manager,
            Side::CallManager => Who::Client,
        })
    }

    /// Those that are called for its creation and deletion.
    fn others(&self) -> impl Iterator<Item = &End> {
        let miniport = (!self.is_mcm).then_some(Who::Miniport);
        self.peer().into_iter().chain(miniport).map(|who| self.end(who))
    }

    /// Whether NDIS takes a creation back.
    fn is_undone(&self) -> bool {
        !self.is_created && (self.others().any(|end| end.presence == Presence::Gone) || self.is_refused())
    }

    fn is_refused(&self) -> bool {
        self.others().any(End::has_refused)
    }

    fn is_activating(&self) -> bool {
        self.is_under_way(self.activate.asked)
    }

    fn is_deactivating(&self) -> bool {
        self.is_under_way(self.deactivate)
    }

    /// An MCM has done what it asks for: only NDIS is left, until it reports.
    fn is_under_way(&self, asked: Asked) -> bool {
        match asked {
            Asked::Not => false,
            Asked::Outstanding => true,
            Asked::Answered(_) => self.is_mcm,
        }
    }
}

fn who(side: Side) -> Who {
    match side {
        Side::Client => Who::Client,
        Side::CallManager => Who::Manager,
    }
}

const OF_AN_MCM: &str = "a MiniportCoXxxVc handler of an MCM was called";

impl Auditor {
    pub(super) fn vc(&self, target: Target) -> Option<&Vc> {
        let Target::Vc(key) = target else { return None };
        self.vcs.get(&key)
    }

    pub(super) fn vc_mut(&mut self, target: Target) -> Option<&mut Vc> {
        let Target::Vc(key) = target else { return None };
        self.vcs.get_mut(&key)
    }

    /// The VC for which this driver has this handle in this role.
    pub(super) fn target_of_vc(&self, driver: DriverId, who: Who, handle: HandleArg) -> Target {
        let kind = match who {
            Who::Client => HandleKind::ClientVc,
            Who::Manager => HandleKind::CallManagerVc,
            Who::Miniport => HandleKind::MiniportVc,
        };
        let target = self.key_of(handle, kind).map_or(Target::None, Target::Vc);
        if self.vc(target).is_some_and(|vc| vc.end(who).driver == Some(driver)) {
            target
        } else {
            Target::None
        }
    }

    /// The same for a client or call manager.
    pub(super) fn target_of_protocol_vc(&self, driver: DriverId, handle: HandleArg) -> Target {
        match self.target_of_vc(driver, Who::Client, handle) {
            Target::None => self.target_of_vc(driver, Who::Manager, handle),
            target => target,
        }
    }

    /// Checks what all handlers of a VC share: that the driver has it, and gets its own context; and that the address family
    /// is not closed for its client.
    pub(super) fn called_for(
        &mut self,
        driver: DriverId,
        from: Target,
        who: Who,
        context: Token,
    ) -> Option<Vc> {
        let vc = self.called_to_delete(driver, from, who, context)?;
        if let (Who::Client, Some(af)) = (who, vc.af) {
            let object = self.object(driver, from);
            self.check_af_open(driver, af, object);
        }
        Some(vc)
    }

    /// The same for a deletion, which the close of the address family does not wait for: a VC of the call manager's does not
    /// stand in its way.
    fn called_to_delete(&mut self, driver: DriverId, from: Target, who: Who, context: Token) -> Option<Vc> {
        let rule = Rule::VcNdisContext;
        let object = self.object(driver, from);
        let Some(&vc) = self.vc(from) else {
            self.fault(rule, driver, object, "a driver was called for a VC that is deleted");
            return None;
        };
        let end = vc.end(who);
        if end.driver != Some(driver) || end.context != Some(context) {
            let offence = "a handler of a VC got another context than the driver's";
            self.fault(rule, driver, object, offence);
        }
        if end.presence != Presence::Present {
            let offence =
                "a driver was called for a VC before its create handler or after its delete handler";
            self.fault(rule, driver, object, offence);
        }
        match (who, vc.af) {
            (Who::Manager, Some(af)) => self.check_manager_may_be_asked(driver, af, object),
            (Who::Miniport, _) => {
                if vc.is_mcm || vc.adapter.is_some_and(|adapter| self.is_of_mcm(adapter)) {
                    self.fault(Rule::VcNdisMcmNoMiniportCalls, driver, object, OF_AN_MCM);
                } else if let Some(adapter) = vc.adapter {
                    self.check_adapter_may_be_asked(driver, adapter, object, false);
                }
            }
            (Who::Client, _) | (Who::Manager, None) => {}
        }
        Some(vc)
    }

    // ---- creating ---------------------------------------------------------------------------------------------

    pub(super) fn vc_creates(
        &mut self,
        driver: DriverId,
        binding: HandleArg,
        af: HandleArg,
        context: Token,
    ) -> Target {
        if let Target::Af(af) = self.target_of_client(driver, af) {
            return self.created_on(af, Side::Client, driver, context);
        }
        if let Target::Af(af) = self.target_of_manager(driver, af) {
            return self.created_on(af, Side::CallManager, driver, context);
        }
        if let (HandleArg::Null, Target::Binding(key)) = (af, self.target_of_binding(driver, binding)) {
            let adapter = self.binding(key).map(|binding| binding.adapter);
            return self.created(
                None,
                adapter,
                Side::CallManager,
                End::new(None),
                End::of_creator(driver, context),
            );
        }
        Target::None
    }

    pub(super) fn mcm_creates(&mut self, driver: DriverId, af: HandleArg, context: Token) -> Target {
        match self.target_of_manager(driver, af) {
            Target::Af(af) => self.created_on(af, Side::CallManager, driver, context),
            _ => Target::None,
        }
    }

    fn created_on(&mut self, key: Key, creator: Side, driver: DriverId, context: Token) -> Target {
        let Some(&af) = self.af(Target::Af(key)) else { return Target::None };
        let own = End::of_creator(driver, context);
        let (client, manager) = match creator {
            Side::Client => (own, End::new(af.manager())),
            Side::CallManager => (End::new(Some(af.client())), own),
        };
        self.created(Some(key), af.adapter(), creator, client, manager)
    }

    fn created(
        &mut self,
        af: Option<Key>,
        adapter: Option<AdapterId>,
        creator: Side,
        client: End,
        manager: End,
    ) -> Target {
        let key = self.next_key();
        let miniport = adapter.and_then(|adapter| self.adapter(adapter).driver);
        let is_mcm = af.and_then(|af| self.af(Target::Af(af))).is_some_and(super::afs::Af::is_mcm);
        let vc = Vc {
            af,
            adapter,
            is_mcm,
            creator,
            client,
            manager,
            miniport: End::new(miniport),
            handle: None,
            is_stored: false,
            is_created: false,
            was_kept: false,
            activate: Exchange::NOT,
            deactivate: Asked::Not,
            is_active: false,
            call: Conversation::NONE,
            name: None,
            call_id: None,
        };
        self.vcs.insert(key, vc);
        Target::Vc(key)
    }

    pub(super) fn vc_stored(&mut self, driver: DriverId, target: Target, handle: Handle) {
        let Some(vc) = self.vc(target) else { return };
        let kind = match vc.creator {
            Side::Client => HandleKind::ClientVc,
            Side::CallManager => HandleKind::CallManagerVc,
        };
        self.name_vc(driver, target, handle, kind);
        if let Some(vc) = self.vc_mut(target) {
            vc.is_stored = true;
        }
    }

    fn name_vc(&mut self, driver: DriverId, target: Target, handle: Handle, kind: HandleKind) {
        let Target::Vc(key) = target else { return };
        let handle = self.handle_given(driver, target, key, handle, kind);
        if let Some(vc) = self.vc_mut(target) {
            vc.handle = Some(handle);
        }
    }

    pub(super) fn create_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        af_context: Token,
        handle: Handle,
        side: Side,
    ) -> Target {
        let object = self.object(driver, from);
        let Some(&vc) = self.vc(from) else { return Target::None };
        let asked = who(side);
        let Some(af) = vc.af.filter(|_| vc.peer() == Some(asked)) else {
            let offence = "ProtocolCoCreateVc was called for the side that creates the VC, or for one that has no part in it";
            self.fault(Rule::VcNdisCallbackOrder, driver, object, offence);
            return from;
        };
        match asked {
            Who::Client => {
                let of_af = self.af(Target::Af(af)).map(super::afs::Af::client_context);
                if vc.client.driver != Some(driver) || of_af != Some(af_context) {
                    let offence = "ProtocolCoCreateVc got another context than the one of the driver's AF";
                    self.fault(Rule::VcNdisContext, driver, object, offence);
                }
            }
            Who::Manager | Who::Miniport => {
                let of_af = self.af(Target::Af(af)).and_then(super::afs::Af::manager_context);
                if vc.manager.driver != Some(driver) || of_af != Some(af_context) {
                    let offence = "ProtocolCoCreateVc got another context than the one of the driver's AF";
                    self.fault(Rule::VcNdisContext, driver, object, offence);
                }
                self.check_manager_may_be_asked(driver, af, object);
            }
        }
        if self.is_closing(af) {
            let offence = "a VC was created on an AF that is being closed";
            self.fault(Rule::VcNdisAfClose, driver, object, offence);
        }
        let out_of_turn = vc.end(asked).presence != Presence::Absent
            || !vc.is_mcm && vc.miniport.presence != Presence::Absent;
        if out_of_turn || vc.is_created {
            let offence = "ProtocolCoCreateVc did not come first, or came twice";
            self.fault(Rule::VcNdisCallbackOrder, driver, object, offence);
        }
        let kind = if asked == Who::Client { HandleKind::ClientVc } else { HandleKind::CallManagerVc };
        self.name_vc(driver, from, handle, kind);
        if let Some(vc) = self.vc_mut(from) {
            vc.end_mut(asked).presence = Presence::Joining;
        }
        from
    }

    pub(super) fn create_answered(&mut self, target: Target, reply: Reply) {
        if let Some(vc) = self.vc_mut(target)
            && let Some(peer) = vc.peer()
        {
            joined(vc.end_mut(peer), reply);
        }
    }

    pub(super) fn miniport_create_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        adapter_context: Token,
        handle: Handle,
    ) -> Target {
        let object = self.object(driver, from);
        let Some(&vc) = self.vc(from) else { return Target::None };
        if vc.is_mcm || vc.adapter.is_some_and(|adapter| self.is_of_mcm(adapter)) {
            self.fault(Rule::VcNdisMcmNoMiniportCalls, driver, object, OF_AN_MCM);
            return from;
        }
        if let Some(adapter) = vc.adapter {
            if vc.miniport.driver != Some(driver) || self.adapter(adapter).context != Some(adapter_context) {
                let offence = "MiniportCoCreateVc got another context than the adapter's";
                self.fault(Rule::VcNdisContext, driver, object, offence);
            }
            self.check_adapter_may_be_asked(driver, adapter, object, false);
        }
        let agreed = vc.peer().is_none_or(|peer| vc.end(peer).presence == Presence::Present);
        if !agreed || vc.miniport.presence != Presence::Absent || vc.is_created {
            let offence = "MiniportCoCreateVc did not come after a ProtocolCoCreateVc that had succeeded, or came twice";
            self.fault(Rule::VcNdisCallbackOrder, driver, object, offence);
        }
        self.name_vc(driver, from, handle, HandleKind::MiniportVc);
        if let Some(vc) = self.vc_mut(from) {
            vc.miniport.presence = Presence::Joining;
        }
        from
    }

    pub(super) fn miniport_create_answered(&mut self, target: Target, reply: Reply) {
        if let Some(vc) = self.vc_mut(target) {
            joined(&mut vc.miniport, reply);
        }
    }

    pub(super) fn create_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let target = frame.target;
        let Some(&vc) = self.vc(target) else { return };
        let object = self.object(driver, target);
        if status == Status::SUCCESS {
            if vc.others().any(|end| end.presence != Presence::Present) {
                let offence = "a VC was created without the consent of every driver that has a part in it";
                self.fault(Rule::VcNdisCallbackOrder, driver, object, offence);
            }
            if !vc.is_stored {
                let offence = "a VC was created, and its creator has no handle";
                self.fault(Rule::VcNdisContext, driver, object, offence);
            }
            if let Some(vc) = self.vc_mut(target) {
                vc.is_created = true;
            }
            return;
        }
        let rule = Rule::VcNdisCreateUndone;
        let refusal = vc.others().find_map(|end| match end.presence {
            // It may not pend; the creator sees a failure (vc-q-create-callback-pending).
            Presence::Refused(Status::PENDING) => Some(Status::FAILURE),
            Presence::Refused(status) => Some(status),
            Presence::Absent | Presence::Joining | Presence::Present | Presence::Leaving | Presence::Gone => {
                None
            }
        });
        if refusal.is_some_and(|refusal| refusal != status) {
            self.fault(
                rule,
                driver,
                object,
                "a creation failed with another status than that of the refusal",
            );
        }
        if frame.asked && refusal.is_none() {
            self.fault(rule, driver, object, "a creation failed that nobody had refused");
        }
        if vc.others().any(|end| end.presence == Presence::Present) {
            let offence = "a creation failed without being undone on the side that had agreed";
            self.fault(rule, driver, object, offence);
        }
        if vc.is_stored {
            self.fault(rule, driver, object, "a creation failed, and its creator has a handle");
        }
        self.forget_vc(target);
    }

    // ---- deleting ---------------------------------------------------------------------------------------------

    pub(super) fn delete_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        side: Side,
        cause: Option<Frame>,
    ) -> Target {
        let object = self.object(driver, from);
        let asked = who(side);
        let Some(vc) = self.called_to_delete(driver, from, asked, context) else { return Target::None };
        if vc.peer() != Some(asked) {
            let offence = "ProtocolCoDeleteVc was called for the side that has created the VC";
            self.fault(Rule::VcNdisCallbackOrder, driver, object, offence);
        }
        self.deletion_begins(driver, from, &vc, cause);
        let miniport_left = matches!(vc.miniport.presence, Presence::Leaving | Presence::Gone);
        if vc.is_created && miniport_left {
            let offence = "ProtocolCoDeleteVc was called after MiniportCoDeleteVc";
            self.fault(Rule::VcNdisCallbackOrder, driver, object, offence);
        }
        if let Some(vc) = self.vc_mut(from) {
            vc.end_mut(asked).presence = Presence::Leaving;
        }
        from
    }

    /// What is to be looked at before either delete handler: a VC is taken back whose creation failed, or is at rest.
    fn deletion_begins(&mut self, driver: DriverId, from: Target, vc: &Vc, cause: Option<Frame>) {
        let object = self.object(driver, from);
        let creates =
            |frame: Frame| matches!(frame.kind, Kind::Call(Ddi::NdisCoCreateVc | Ddi::NdisMCmCreateVc));
        if cause.is_some_and(creates) {
            if !vc.is_undone() {
                let offence = "a creation was undone that nobody had refused";
                self.fault(Rule::VcNdisCreateUndone, driver, object, offence);
            }
        } else if vc.is_active || vc.is_activating() || vc.is_deactivating() || vc.call.exists() {
            let offence = "a VC was deleted while it was active or had a call";
            self.fault(Rule::VcNdisDeleteRefusals, driver, object, offence);
        }
    }

    pub(super) fn delete_answered(&mut self, target: Target, status: Status) {
        if let Some(vc) = self.vc_mut(target)
            && let Some(peer) = vc.peer()
        {
            // Who refuses keeps the VC; a creation is taken back all the same.
            let stays = vc.is_created && status != Status::SUCCESS;
            vc.end_mut(peer).presence = if stays { Presence::Present } else { Presence::Gone };
        }
    }

    pub(super) fn miniport_delete_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        cause: Option<Frame>,
    ) -> Target {
        let object = self.object(driver, from);
        let Some(vc) = self.called_for(driver, from, Who::Miniport, context) else { return Target::None };
        self.deletion_begins(driver, from, &vc, cause);
        if vc.is_created && vc.peer().is_some_and(|peer| vc.end(peer).presence != Presence::Gone) {
            let offence = "MiniportCoDeleteVc did not come after a ProtocolCoDeleteVc that had succeeded";
            self.fault(Rule::VcNdisCallbackOrder, driver, object, offence);
        }
        if let Some(vc) = self.vc_mut(from) {
            vc.miniport.presence = Presence::Leaving;
        }
        from
    }

    pub(super) fn miniport_delete_answered(&mut self, target: Target) {
        if let Some(vc) = self.vc_mut(target) {
            vc.miniport.presence = Presence::Gone;
        }
    }

    pub(super) fn delete_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let target = frame.target;
        let Some(&vc) = self.vc(target) else { return };
        let object = self.object(driver, target);
        let rule = Rule::VcNdisDeleteRefusals;
        if status == Status::SUCCESS {
            if vc.others().any(|end| end.presence != Presence::Gone) {
                let offence = "a VC was deleted, and not every driver that has a part in it was told";
                self.fault(Rule::VcNdisCallbackOrder, driver, object, offence);
            }
            self.forget_vc(target);
            return;
        }
        if frame.asked {
            if frame.answer.is_some_and(|answer| answer.status != status) {
                self.fault(rule, driver, object, WRONG_STATUS);
            }
            return;
        }
        // NdisMCmDeleteVc has no NDIS_STATUS_CLOSING.
        let by_mcm = frame.kind == Kind::Call(Ddi::NdisMCmDeleteVc);
        let is_in_order = match status {
            Status::NOT_ACCEPTED if vc.is_deactivating() => by_mcm,
            Status::NOT_ACCEPTED => vc.is_active || vc.is_activating(),
            Status::CLOSING => vc.is_deactivating() && !by_mcm,
            _ => frame.warned,
        };
        if !is_in_order {
            self.fault(rule, driver, object, "the deletion of a VC was refused that could have been deleted");
        }
        if let Some(vc) = self.vc_mut(target) {
            vc.was_kept = true;
        }
    }

    fn forget_vc(&mut self, target: Target) {
        let Target::Vc(key) = target else { return };
        if let Some(handle) = self.vcs.remove(&key).and_then(|vc| vc.handle) {
            self.handles.remove(&handle);
        }
        self.forget_parties(key);
        // What is still pended on it will not be completed: the handles that could name it are dead.
        self.pended.retain(|&(_, of)| of != target);
    }

    // ---- activation -------------------------------------------------------------------------------------------

    pub(super) fn activate_begins(
        &mut self,
        driver: DriverId,
        from: Target,
        context: Token,
        parameters: CallParameters,
        cause: Option<Frame>,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Miniport, context) else { return Target::None };
        let object = self.object(driver, from);
        let rule = Rule::VcNdisActivateRelay;
        if let Some(Call::CmActivateVc { parameters: given, .. }) = cause.and_then(|cause| cause.call)
            && given != parameters
        {
            self.fault(rule, driver, object, WRONG_PARAMETERS);
        }
        self.check_no_overlap(driver, from, &vc);
        if let Some(vc) = self.vc_mut(from) {
            vc.activate = Exchange::ask(parameters);
        }
        from
    }

    fn check_no_overlap(&mut self, driver: DriverId, from: Target, vc: &Vc) {
        if vc.is_activating() || vc.is_deactivating() {
            let object = self.object(driver, from);
            let offence =
                "a miniport was called for a VC whose activation or deactivation it had not completed";
            self.fault(Rule::VcNdisActivateRelay, driver, object, offence);
        }
    }

    pub(super) fn activate_answered(&mut self, target: Target, reply: Reply) {
        if let Some(vc) = self.vc_mut(target) {
            vc.activate.replied(reply);
            vc.is_active |= vc.activate.asked == Asked::Answered(Status::SUCCESS);
        }
    }

    pub(super) fn activate_completes(
        &mut self,
        driver: DriverId,
        handle: HandleArg,
        status: Status,
        parameters: CallParameters,
    ) -> Target {
        let target = self.target_of_vc(driver, Who::Miniport, handle);
        if let Some(vc) = self.vc_mut(target) {
            vc.activate.completed(status, parameters);
            vc.is_active |= vc.activate.asked == Asked::Answered(Status::SUCCESS);
        }
        target
    }

    pub(super) fn activate_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
        parameters: CallParameters,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Manager, context) else { return Target::None };
        let object = self.object(driver, from);
        let rule = Rule::VcNdisCompleteAfterPending;
        if vc.activate.asked.contradicts(status) {
            self.fault(rule, driver, object, WRONG_STATUS);
        }
        if vc.activate.asked.is_answered() && !vc.activate.hands_back(&parameters) {
            self.fault(rule, driver, object, WRONG_PARAMETERS);
        }
        from
    }

    pub(super) fn activate_over(&mut self, target: Target) {
        if let Some(vc) = self.vc_mut(target) {
            vc.is_active |= vc.is_mcm && vc.activate.asked == Asked::Answered(Status::SUCCESS);
            vc.activate.asked = Asked::Not;
        }
    }

    pub(super) fn activate_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(&vc) = self.vc(frame.target) else { return };
        if vc.is_mcm {
            self.mcm_asked(driver, frame, &vc, status);
            let Some(Call::MCmActivateVc { parameters, .. }) = frame.call else { return };
            if let Some(vc) = self.vc_mut(frame.target) {
                vc.is_active |= status == Status::SUCCESS;
                if status == Status::PENDING {
                    vc.activate = Exchange::ask(parameters);
                    vc.activate.completed(Status::SUCCESS, parameters);
                }
            }
            return;
        }
        let overlaps = !frame.asked && (vc.is_activating() || vc.is_deactivating());
        if overlaps && status != Status::SUCCESS {
            return;
        }
        self.check_relay_to_miniport(driver, frame, vc.activate.asked, status);
        if frame.asked && status != Status::PENDING && !frame.completed {
            self.activate_over(frame.target);
        }
    }

    /// The MCM is its own miniport: the call only tells NDIS, which may pend and report later.
    fn mcm_asked(&mut self, driver: DriverId, frame: &Frame, vc: &Vc, status: Status) {
        let accepted = matches!(status, Status::SUCCESS | Status::PENDING);
        if accepted && (vc.is_activating() || vc.is_deactivating()) {
            let object = self.object(driver, frame.target);
            let offence = "a request of an MCM was accepted while another one was pending";
            self.fault(Rule::VcNdisActivateRelay, driver, object, offence);
        }
    }

    fn check_relay_to_miniport(&mut self, driver: DriverId, frame: &Frame, asked: Asked, status: Status) {
        let (unasked, wrong) = (Rule::VcNdisActivateRelay, Rule::VcNdisCompleteAfterPending);
        self.check_relayed(unasked, wrong, driver, frame, asked, status);
    }

    pub(super) fn deactivate_begins(&mut self, driver: DriverId, from: Target, context: Token) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Miniport, context) else { return Target::None };
        self.check_no_overlap(driver, from, &vc);
        if !vc.is_active {
            let object = self.object(driver, from);
            let offence = "MiniportCoDeactivateVc was called for a VC that is not active";
            self.fault(Rule::VcNdisActivateRelay, driver, object, offence);
        }
        if let Some(vc) = self.vc_mut(from) {
            vc.deactivate = Asked::Outstanding;
        }
        from
    }

    pub(super) fn deactivate_answered(&mut self, target: Target, status: Status) {
        if let Some(vc) = self.vc_mut(target) {
            vc.deactivate.answer(status);
            if vc.deactivate == Asked::Answered(Status::SUCCESS) {
                vc.is_active = false;
            }
        }
    }

    pub(super) fn deactivate_completes(
        &mut self,
        driver: DriverId,
        handle: HandleArg,
        status: Status,
    ) -> Target {
        let target = self.target_of_vc(driver, Who::Miniport, handle);
        self.deactivate_answered(target, status);
        target
    }

    pub(super) fn deactivate_reported(
        &mut self,
        driver: DriverId,
        from: Target,
        status: Status,
        context: Token,
    ) -> Target {
        let Some(vc) = self.called_for(driver, from, Who::Manager, context) else { return Target::None };
        if vc.deactivate.contradicts(status) {
            let object = self.object(driver, from);
            self.fault(Rule::VcNdisCompleteAfterPending, driver, object, WRONG_STATUS);
        }
        from
    }

    pub(super) fn deactivate_over(&mut self, target: Target) {
        if let Some(vc) = self.vc_mut(target) {
            vc.is_active &= !vc.is_mcm || vc.deactivate != Asked::Answered(Status::SUCCESS);
            vc.deactivate = Asked::Not;
        }
    }

    pub(super) fn deactivate_returned(&mut self, driver: DriverId, frame: &Frame, status: Status) {
        let Some(&vc) = self.vc(frame.target) else { return };
        let rule = Rule::VcNdisActivateRelay;
        let overlaps = vc.is_activating() || vc.is_deactivating();
        if !frame.asked && status == Status::NOT_ACCEPTED && (!vc.is_active || overlaps) {
            return;
        }
        if vc.is_mcm {
            self.mcm_asked(driver, frame, &vc, status);
            let accepted = matches!(status, Status::SUCCESS | Status::PENDING);
            if !accepted && !frame.warned {
                let object = self.object(driver, frame.target);
                self.fault(rule, driver, object, "an MCM could not deactivate a VC that is active");
            } else if let Some(vc) = self.vc_mut(frame.target) {
                vc.is_active &= status != Status::SUCCESS;
                if status == Status::PENDING {
                    vc.deactivate = Asked::Answered(Status::SUCCESS);
                }
            }
            return;
        }
        if !frame.asked && overlaps && status != Status::SUCCESS {
            return;
        }
        self.check_relay_to_miniport(driver, frame, vc.deactivate, status);
        if frame.asked && status != Status::PENDING && !frame.completed {
            self.deactivate_over(frame.target);
        }
    }

    // ---- names ------------------------------------------------------------------------------------------------

    pub(super) fn named(&mut self, driver: DriverId, target: Target, name: Name, index: u32) {
        let Target::Vc(key) = target else { return };
        let given = (name, index);
        let Some(adapter) = self.vc(target).map(|vc| vc.adapter) else { return };
        let mut others = self.vcs.iter().filter(|(other, vc)| **other != key && vc.adapter == adapter);
        let taken = others.any(|(_, vc)| vc.name == Some(given));
        let Some(vc) = self.vc_mut(target) else { return };
        let first = *vc.name.get_or_insert(given);
        if taken || first != given {
            let object = self.object(driver, target);
            let offence = "a VC got a name that another one has, or a second one";
            self.fault(Rule::VcNdisNameLasts, driver, object, offence);
        }
    }

    pub(super) fn identified(&mut self, driver: DriverId, target: Target, id: CallId) {
        let Target::Vc(key) = target else { return };
        let taken = self.vcs.iter().any(|(other, vc)| *other != key && vc.call_id == Some(id));
        let Some(vc) = self.vc_mut(target) else { return };
        vc.call_id = Some(id);
        if taken {
            let object = self.object(driver, target);
            let offence = "two VCs got one telephony identifier";
            self.fault(Rule::VcNdisNameLasts, driver, object, offence);
        }
    }

    pub(super) fn found_by_call_id(&mut self, driver: DriverId, frame: &Frame, context: Token) {
        let Some(Call::ClGetProtocolVcContextFromTapiCallId { call_id }) = frame.call else { return };
        let is_it = |vc: &Vc| {
            vc.call_id == Some(call_id)
                && vc.client.driver == Some(driver)
                && vc.client.context == Some(context)
        };
        if !self.vcs.values().any(is_it) {
            let object = self.object(driver, Target::None);
            let offence = "a telephony identifier led to a context that is not the client's for that VC";
            self.fault(Rule::VcNdisNameLasts, driver, object, offence);
        }
    }

    // ---- for others -------------------------------------------------------------------------------------------

    /// Whether VCs and calls keep an address family from being closed; none if that depends on what is under way.
    pub(super) fn keeps_open(&self, af: Key) -> Option<bool> {
        let mut unclear = false;
        for vc in self.vcs.values().filter(|vc| vc.af == Some(af)) {
            if vc.call.exists() {
                return Some(true);
            }
            if vc.creator == Side::Client {
                let leaves = vc.others().any(|end| end.presence != Presence::Present);
                if vc.is_created && !leaves && !vc.was_kept {
                    return Some(true);
                }
                unclear = true;
            }
        }
        if unclear { None } else { Some(false) }
    }

    /// Whether a driver has a part in a VC on this adapter.
    pub(super) fn has_part_in(&self, target: Target, driver: DriverId, adapter: AdapterId) -> bool {
        self.vc(target).is_some_and(|vc| {
            vc.adapter == Some(adapter) && [vc.client.driver, vc.manager.driver].contains(&Some(driver))
        })
    }

    /// The part of [`Auditor::owes`] for this area.
    pub(super) fn vc_owes(&self, ddi: Ddi, target: Target) -> Option<DriverId> {
        let vc = self.vc(target)?;
        let (asked, end) = match ddi {
            Ddi::NdisCmActivateVc | Ddi::NdisMCmActivateVc => (vc.activate.asked, vc.manager),
            Ddi::NdisCmDeactivateVc | Ddi::NdisMCmDeactivateVc => (vc.deactivate, vc.manager),
            _ => vc.call.owes(ddi, vc)?,
        };
        end.driver.filter(|_| asked.is_answered())
    }
}

/// A driver has answered whether it takes part in a VC.
fn joined(end: &mut End, reply: Reply) {
    if end.presence == Presence::Joining {
        end.presence = if reply.status == Status::SUCCESS {
            end.context = Some(reply.context);
            Presence::Present
        } else {
            Presence::Refused(reply.status)
        };
    }
}
