//! A VC is created: `NdisCoCreateVc`, `NdisMCmCreateVc`, `ProtocolCoCreateVc` and `MiniportCoCreateVc`.
//!
//! First the other protocol is asked, then the miniport (vc-q-callback-order). If one of them refuses, the one before it
//! is told to delete, and the call returns the refusal (vc-q-partial-create-failure).

use super::{Op, Vc, VcState};
use crate::call::Call;
use crate::phase::Request;
use crate::{
    AdapterId, BindingId, Callback, Context, DriverId, HandleArg, HandleKind, Object, OpId, OutParameter,
    Reply, Side, Step, Stepped, Token, VcId, Violation, World, violation,
};
use alloc::vec::Vec;
use contract::{Rule, Status};

/// For whom a VC is made.
struct Owners {
    creator: Side,
    client: Option<DriverId>,
    manager: DriverId,
    adapter: AdapterId,
    af: Option<u32>,
    binding: Option<BindingId>,
}

impl World {
    pub(crate) fn create_vc(
        &mut self,
        cx: &mut Context<'_>,
        binding: HandleArg,
        af: HandleArg,
        context: Token,
        held: HandleArg,
    ) -> Stepped {
        let driver = cx.caller();
        let fail = |rule, offence| Err(violation(rule, driver, Object::Driver(driver), offence));
        if matches!(binding, HandleArg::Known(handle) if handle.kind == HandleKind::Adapter) {
            return fail(Rule::VcCreateRoleProtocol, "an MCM creates VCs with NdisMCmCreateVc");
        }
        Self::check_held_null(cx, held)?;
        let slot = self.usable_binding(cx, binding).map_err(|found| match found.rule {
            Rule::BindingHandleKnown => Violation { rule: Rule::VcCreateBindingHandle, ..found },
            _ => found,
        })?;
        let this = &self.bindings[slot];
        let (id, adapter) = (this.id, this.adapter);
        let kind = match af {
            HandleArg::Known(handle) => Some(handle.kind),
            HandleArg::Null | HandleArg::Unknown(_) => None,
        };
        let is_manager = self.driver(driver).is_call_manager();
        let owners = match kind {
            Some(HandleKind::CallManagerAf) => {
                let Some(af) = self.manager_af_for_vc(cx, af, Rule::VcCreateAfHandleCm)? else {
                    return Ok(Step::Return(Status::FAILURE));
                };
                let owners = self.owners_for(af);
                if owners.binding.is_none() {
                    return fail(Rule::VcCreateRoleProtocol, "an MCM creates VCs with NdisMCmCreateVc");
                }
                if owners.binding != Some(id) {
                    return fail(Rule::VcCreateBindingHandle, "the AF is not on this binding");
                }
                owners
            }
            None if af == HandleArg::Null && is_manager => Owners {
                creator: Side::CallManager,
                client: None,
                manager: driver,
                adapter,
                af: None,
                binding: Some(id),
            },
            Some(HandleKind::ClientAf) => {
                let af = self.usable_af(cx, af)?;
                if !self.is_af_of(af, id) {
                    return fail(Rule::VcCreateBindingHandle, "the AF is not on this binding");
                }
                Owners { creator: Side::Client, ..self.owners_for(af) }
            }
            _ => {
                let rule = if is_manager { Rule::VcCreateAfHandleCm } else { Rule::VcCreateAfHandleClient };
                cx.warn(rule, driver, Object::Binding(id), "the handle is not that of an AF");
                return Ok(Step::Return(Status::FAILURE));
            }
        };
        self.begin_create(cx, owners, context)
    }

    pub(crate) fn mcm_create_vc(
        &mut self,
        cx: &mut Context<'_>,
        adapter: HandleArg,
        af: HandleArg,
        context: Token,
        held: HandleArg,
    ) -> Stepped {
        let driver = cx.caller();
        let fail = |rule, offence| Err(violation(rule, driver, Object::Driver(driver), offence));
        let this = self.driver(driver);
        if !this.is_call_manager() || !this.is_miniport() {
            return fail(Rule::VcCreateRoleMcm, "the caller is no MCM");
        }
        Self::check_held_null(cx, held)?;
        let adapter = self
            .own_adapter(cx, adapter)
            .map_err(|found| Violation { rule: Rule::VcCreateAdapterHandleMcm, ..found })?;
        if !matches!(af, HandleArg::Known(handle) if handle.kind == HandleKind::CallManagerAf) {
            let offence = "the handle is not that of an AF of this MCM";
            cx.warn(Rule::VcCreateAfHandleMcm, driver, Object::Adapter(adapter), offence);
            return Ok(Step::Return(Status::FAILURE));
        }
        let Some(af) = self.manager_af_for_vc(cx, af, Rule::VcCreateAfHandleMcm)? else {
            return Ok(Step::Return(Status::FAILURE));
        };
        let owners = self.owners_for(af);
        if owners.adapter != adapter || owners.binding.is_some() {
            return fail(Rule::VcCreateAdapterHandleMcm, "the AF is not on this adapter");
        }
        self.begin_create(cx, owners, context)
    }

    fn check_held_null(cx: &Context<'_>, held: HandleArg) -> Result<(), Violation> {
        if held == HandleArg::Null {
            return Ok(());
        }
        let driver = cx.caller();
        let offence = "the variable for the handle does not hold NULL";
        Err(violation(Rule::VcCreateHandleNullInit, driver, Object::Driver(driver), offence))
    }

    /// The AF on which a call manager wants a VC. None if that is refused: the client is closing it, which the call
    /// manager may not know (vc-q-create-on-closing-af), or the handle is none of its own, which is noted under `rule`.
    fn manager_af_for_vc(
        &self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        rule: Rule,
    ) -> Result<Option<u32>, Violation> {
        let slot = match self.manager_af(cx, handle) {
            Ok(slot) => slot,
            Err(found) if found.rule == Rule::AfHandleOwner => {
                cx.warn(rule, found.by, found.object, found.offence);
                return Ok(None);
            }
            Err(found) => return Err(found),
        };
        self.check_manager_af_alive(slot)?;
        Ok(self.is_af_open(slot).then_some(slot))
    }

    /// The drivers of an AF, for a VC that its call manager makes.
    fn owners_for(&self, af: u32) -> Owners {
        let (client, manager, adapter, binding) = self.ends_of_af(af);
        Owners { creator: Side::CallManager, client: Some(client), manager, adapter, af: Some(af), binding }
    }

    fn begin_create(&mut self, cx: &mut Context<'_>, owners: Owners, context: Token) -> Stepped {
        let Owners { creator, client, manager, adapter, af, binding } = owners;
        let below = self.driver(self.miniport_of(adapter).0);
        // An MCM has a part in its own VCs only, a miniport that is not connection-oriented in none, and one that halts in
        // no more: an unbind may outlive the halt.
        let is_served =
            !below.is_call_manager() && below.is_connection_oriented() && !self.is_halting(adapter);
        if binding.is_some() && !is_served {
            return Ok(Step::Return(Status::FAILURE));
        }
        let slot = self.vcs.next_slot();
        let id = VcId(cx.handle(HandleKind::ClientVc, slot));
        let (client_context, manager_context) = match creator {
            Side::Client => (context, Token::NULL),
            Side::CallManager => (Token::NULL, context),
        };
        let vc = Vc {
            id,
            creator,
            client,
            manager,
            adapter,
            af,
            binding,
            client_context,
            manager_context,
            miniport_context: Token::NULL,
            state: VcState::Creating,
            activation: Request::default(),
            deactivation: Request::default(),
            asked: 0,
            in_force: None,
            asked_in_force: 0,
            was_active: false,
            peer_done: false,
            delete_refused: false,
            name: None,
            running: 0,
            call: Call::default(),
            parties: Vec::new(),
        };
        if self.vcs.insert(vc).is_err() {
            return Ok(Step::Return(Status::RESOURCES));
        }
        cx.edge(Object::Vc(id), "none", "creating");
        if let (Some(binding), Side::CallManager) = (binding, creator) {
            self.bindings[binding.0.slot].vcs += 1;
        }
        let Some((af, client)) = af.zip(client) else {
            return Ok(self.ask_miniport(None, slot));
        };
        self.af_got_vc(af, creator);
        let (peer, side, af_context, kind) = match creator {
            Side::Client => {
                let context = self.af_context(af, Side::CallManager);
                (manager, Side::CallManager, context, HandleKind::CallManagerVc)
            }
            Side::CallManager => {
                (client, Side::Client, self.af_context(af, Side::Client), HandleKind::ClientVc)
            }
        };
        let callback = Callback::CoCreateVc { af_context, vc: id.0.of(kind), side };
        Ok(self.invoke_on_vc(crate::Op::Vc(Op::CreatePeer(slot)), slot, peer, callback))
    }

    /// Runs `MiniportCoCreateVc`, as the first or as the next handler of the call.
    fn ask_miniport(&mut self, id: Option<OpId>, slot: u32) -> Step {
        let vc = &self.vcs[slot];
        let (miniport, adapter_context) = self.miniport_of(vc.adapter);
        let callback =
            Callback::MiniportCoCreateVc { adapter_context, vc: vc.handle(HandleKind::MiniportVc) };
        self.go_on_on_vc(id, crate::Op::Vc(Op::MiniportCreate(slot)), slot, miniport, callback)
    }

    pub(super) fn peer_created(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        reply: Reply,
    ) -> Stepped {
        let (peer, object) = (self.peer_of(slot), self.vcs[slot].object());
        if reply.status == Status::PENDING {
            let offence = "ProtocolCoCreateVc returned NDIS_STATUS_PENDING";
            return Err(violation(Rule::VcCreateCallbackNoPending, peer, object, offence));
        }
        if reply.status != Status::SUCCESS {
            self.not_created(cx, slot);
            return Ok(self.finish(id, reply.status));
        }
        if reply.context == Token::NULL {
            let offence = "ProtocolCoCreateVc succeeded without storing ProtocolVcContext";
            cx.warn(Rule::VcCreateCallbackSetsContext, peer, object, offence);
        }
        let vc = &mut self.vcs[slot];
        match vc.creator {
            Side::Client => vc.manager_context = reply.context,
            Side::CallManager => vc.client_context = reply.context,
        }
        if vc.is_of_mcm() { Ok(self.hand_out(id, slot)) } else { Ok(self.ask_miniport(Some(id), slot)) }
    }

    pub(super) fn miniport_created(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        reply: Reply,
    ) -> Stepped {
        let vc = &self.vcs[slot];
        let object = vc.object();
        let (miniport, _) = self.miniport_of(vc.adapter);
        if reply.status == Status::PENDING {
            let offence = "MiniportCoCreateVc returned NDIS_STATUS_PENDING";
            return Err(violation(Rule::VcMiniportCreateNoPending, miniport, object, offence));
        }
        if reply.status == Status::SUCCESS {
            if reply.context == Token::NULL {
                let offence = "MiniportCoCreateVc succeeded without storing MiniportVcContext";
                cx.warn(Rule::VcMiniportCreateSetsContext, miniport, object, offence);
            }
            self.vcs[slot].miniport_context = reply.context;
            return Ok(self.hand_out(id, slot));
        }
        let Some((peer, callback)) = self.peer_delete(slot) else {
            self.not_created(cx, slot);
            return Ok(self.finish(id, reply.status));
        };
        let op = crate::Op::Vc(Op::UndoPeer(slot, reply.status));
        Ok(self.go_on_on_vc(Some(id), op, slot, peer, callback))
    }

    /// Everyone has it: its creator gets the handle.
    fn hand_out(&mut self, id: OpId, slot: u32) -> Step {
        let vc = &self.vcs[slot];
        let kind = match vc.creator {
            Side::Client => HandleKind::ClientVc,
            Side::CallManager => HandleKind::CallManagerVc,
        };
        let handle = vc.handle(kind);
        self.publish_on_vc(id, crate::Op::Vc(Op::PublishVc(slot)), slot, OutParameter::Vc(handle))
    }

    /// The creation failed.
    pub(super) fn not_created(&mut self, cx: &mut Context<'_>, slot: u32) {
        let vc = &mut self.vcs[slot];
        cx.edge(Object::Vc(vc.id), "creating", "none");
        vc.state = VcState::Deleted;
        vc.peer_done = true;
        self.vc_gone(slot);
    }
}
