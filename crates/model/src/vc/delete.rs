//! A VC is deleted: `NdisCoDeleteVc`, `NdisMCmDeleteVc`, `ProtocolCoDeleteVc` and `MiniportCoDeleteVc`.

use super::{Op, VcState};
use crate::{
    Callback, Context, DriverId, HandleArg, HandleKind, OpId, Side, Step, Stepped, Violation, World,
    violation,
};
use contract::{Rule, Status};

impl World {
    pub(crate) fn delete_vc(&mut self, cx: &mut Context<'_>, handle: HandleArg, as_mcm: bool) -> Stepped {
        let driver = cx.caller();
        let (slot, kind) = self.vc_of(cx, handle)?;
        let vc = &self.vcs[slot];
        let object = vc.object();
        let fail = |rule, offence| Err(violation(rule, driver, object, offence));
        let side = if kind == HandleKind::ClientVc { Side::Client } else { Side::CallManager };
        let is_mcm = kind == HandleKind::CallManagerVc && vc.is_of_mcm();
        if as_mcm && !is_mcm {
            return fail(Rule::VcDeleteRoleMcm, "NdisMCmDeleteVc is for MCMs");
        }
        if !as_mcm && is_mcm {
            return fail(Rule::VcDeleteRoleProtocol, "an MCM deletes its VCs with NdisMCmDeleteVc");
        }
        if kind == HandleKind::ClientVc {
            self.check_not_dormant(cx, slot)?;
        }
        if side != vc.creator || kind == HandleKind::MiniportVc {
            return fail(Rule::VcDeleteCreatorOnly, "the VC was created by the other side");
        }
        if side == Side::Client && vc.call.needs_close() {
            return fail(Rule::VcDeleteClientAfterClose, "the call on the VC has not been closed");
        }
        if vc.call.is_outstanding() {
            return fail(Rule::VcDeleteNoCall, "a call on the VC is not over");
        }
        match vc.state {
            VcState::Inactive => {}
            // A client cannot know how far its call manager has come.
            VcState::Activating | VcState::Active | VcState::Reactivating => {
                if side == Side::Client {
                    self.vcs[slot].delete_refused = true;
                } else {
                    let offence = "the VC is deleted before it is deactivated";
                    cx.warn(Rule::VcDeleteCmAfterDeactivate, driver, object, offence);
                }
                return Ok(Step::Return(Status::NOT_ACCEPTED));
            }
            VcState::Deactivating if is_mcm => {
                let offence = "the VC is deleted while its deactivation is pending";
                cx.warn(Rule::VcDeleteCmAfterDeactivate, driver, object, offence);
                return Ok(Step::Return(Status::NOT_ACCEPTED));
            }
            VcState::Deactivating => {
                self.vcs[slot].delete_refused |= side == Side::Client;
                return Ok(Step::Return(Status::CLOSING));
            }
            VcState::Creating | VcState::Deleting | VcState::Deleted => {
                unreachable!("its creator has no handle of it then")
            }
        }
        self.set_vc(cx, slot, VcState::Deleting);
        match self.peer_delete(slot) {
            Some((peer, callback)) => {
                Ok(self.invoke_on_vc(crate::Op::Vc(Op::DeletePeer(slot)), slot, peer, callback))
            }
            None => {
                let (miniport, callback) = self.miniport_delete(slot);
                Ok(self.invoke_on_vc(crate::Op::Vc(Op::MiniportDelete(slot)), slot, miniport, callback))
            }
        }
    }

    /// `ProtocolCoDeleteVc` of the side that did not create the VC; none if there is none.
    pub(super) fn peer_delete(&self, slot: u32) -> Option<(DriverId, Callback)> {
        let vc = &self.vcs[slot];
        let client = vc.client?;
        Some(match vc.creator {
            Side::Client => {
                let side = Side::CallManager;
                (vc.manager, Callback::CoDeleteVc { vc_context: vc.manager_context, side })
            }
            Side::CallManager => {
                (client, Callback::CoDeleteVc { vc_context: vc.client_context, side: Side::Client })
            }
        })
    }

    fn miniport_delete(&self, slot: u32) -> (DriverId, Callback) {
        let vc = &self.vcs[slot];
        let miniport = self.miniport_of(vc.adapter).0;
        (miniport, Callback::MiniportCoDeleteVc { vc_context: vc.miniport_context })
    }

    /// The side that had agreed to a VC has been told that it is not created after all.
    pub(super) fn peer_undone(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        refusal: Status,
        status: Status,
    ) -> Stepped {
        let peer = self.peer_of(slot);
        self.check_deletion_answered(slot, peer, status)?;
        self.not_created(cx, slot);
        Ok(self.finish(id, refusal))
    }

    fn check_deletion_answered(&self, slot: u32, peer: DriverId, status: Status) -> Result<(), Violation> {
        if status == Status::PENDING {
            let offence = "ProtocolCoDeleteVc returned NDIS_STATUS_PENDING";
            return Err(violation(Rule::VcDeleteCallbackNoPending, peer, self.vcs[slot].object(), offence));
        }
        Ok(())
    }

    pub(super) fn peer_deleted(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        status: Status,
    ) -> Stepped {
        let peer = self.peer_of(slot);
        self.check_deletion_answered(slot, peer, status)?;
        if status != Status::SUCCESS {
            self.set_vc(cx, slot, VcState::Inactive);
            return Ok(self.finish(id, status));
        }
        self.vcs[slot].peer_done = true;
        if self.vcs[slot].is_of_mcm() {
            self.deleted_vc(cx, slot);
            return Ok(self.finish(id, Status::SUCCESS));
        }
        let (miniport, callback) = self.miniport_delete(slot);
        Ok(self.go_on_on_vc(Some(id), crate::Op::Vc(Op::MiniportDelete(slot)), slot, miniport, callback))
    }

    pub(super) fn miniport_deleted(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        status: Status,
    ) -> Stepped {
        if status == Status::PENDING {
            let vc = &self.vcs[slot];
            let miniport = self.miniport_of(vc.adapter).0;
            let offence = "MiniportCoDeleteVc returned NDIS_STATUS_PENDING";
            return Err(violation(Rule::VcMiniportDeleteNoPending, miniport, vc.object(), offence));
        }
        self.deleted_vc(cx, slot);
        Ok(self.finish(id, Status::SUCCESS))
    }

    /// The VC is gone for all of its drivers.
    fn deleted_vc(&mut self, cx: &mut Context<'_>, slot: u32) {
        self.set_vc(cx, slot, VcState::Deleted);
        self.end_call(cx, slot);
        self.forget_name(slot);
        self.vc_gone(slot);
    }

    /// What the VC belongs to has one less.
    pub(super) fn vc_gone(&mut self, slot: u32) {
        let vc = &self.vcs[slot];
        let (af, binding, creator) = (vc.af, vc.binding, vc.creator);
        if let Some(af) = af {
            self.af_lost_vc(af, creator);
        }
        if let (Some(binding), Side::CallManager) = (binding, creator) {
            self.bindings[binding.0.slot].vcs -= 1;
        }
    }
}
