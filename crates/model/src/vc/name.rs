//! Names and identifiers of VCs: `NdisCoAssignInstanceName`, `NdisCoGetTapiCallId` and the way back.

use super::{Op, Vc, VcName, VcState};
use crate::block::Name;
use crate::{
    CallId, Context, HandleArg, HandleKind, Object, OutParameter, Step, Stepped, Violation, World, violation,
};
use contract::{Rule, Status};

/// The size of a `VAR_STRING`, which every buffer for an identifier begins with.
const VAR_STRING: u32 = 24;

/// The characters of an identifier with its terminator.
const CALL_ID: u32 = 17;

impl World {
    pub(crate) fn assign_instance_name(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        base: Name,
    ) -> Stepped {
        Self::check_vc_created(cx, handle, Rule::VcNameAfterCreate)?;
        let (slot, kind) = self.vc_of(cx, handle)?;
        let vc = &self.vcs[slot];
        let (by, object, id, adapter) = (cx.caller(), vc.object(), vc.id, vc.adapter);
        if vc.is_of_mcm() && kind == HandleKind::CallManagerVc {
            let offence = "an MCM named a VC";
            return Err(violation(Rule::VcNameNotMcm, by, object, offence));
        }
        if vc.state == VcState::Creating {
            let offence = "the VC is still being created";
            return Err(violation(Rule::VcNameAfterCreate, by, object, offence));
        }
        if kind == HandleKind::ClientVc {
            self.check_not_dormant(cx, slot)?;
        }
        let known = self.vc_names.iter().find(|name| name.vc == id).copied();
        let same = || self.vc_names.iter().filter(|name| name.base == base);
        let name = known.unwrap_or_else(|| {
            let index = same().map(|name| name.index + 1).max().unwrap_or(0);
            VcName { vc: id, adapter, base, index }
        });
        if known.is_none() {
            if same().any(|name| name.adapter == adapter) {
                let offence = "another VC of the miniport has the same base name";
                cx.warn(Rule::VcNameBaseUnique, by, object, offence);
            }
            self.vc_names.push(name);
            self.vcs[slot].name = Some(name.index);
        }
        let op = self.ops.begin(crate::Op::Vc(Op::PublishName(Status::SUCCESS)));
        Ok(Step::Publish(op, OutParameter::InstanceName(name.base, name.index)))
    }

    pub(super) fn forget_name(&mut self, slot: u32) {
        if self.vcs[slot].name.is_some() {
            let id = self.vcs[slot].id;
            self.vc_names.retain(|name| name.vc != id);
        }
    }

    pub(crate) fn tapi_call_id(&mut self, cx: &mut Context<'_>, handle: HandleArg, size: u32) -> Stepped {
        let driver = cx.caller();
        if size < VAR_STRING {
            let offence = "ulTotalSize is less than the size of a VAR_STRING";
            return Err(violation(Rule::TapiCallIdBufferSize, driver, Object::Driver(driver), offence));
        }
        // A handle that is not valid (any more) has a documented answer; the other side may just have deleted the VC.
        let Ok((slot, _)) = self.vc_of(cx, handle) else {
            return Ok(Step::Return(Status::INVALID_DATA));
        };
        let status = if size < VAR_STRING + CALL_ID { Status::BUFFER_TOO_SHORT } else { Status::SUCCESS };
        let id = call_id(&self.vcs[slot]);
        let op = self.ops.begin(crate::Op::Vc(Op::PublishName(status)));
        Ok(Step::Publish(op, OutParameter::CallId(id)))
    }

    pub(crate) fn vc_context_of_call_id(
        &mut self,
        cx: &mut Context<'_>,
        id: CallId,
    ) -> Result<Step, Violation> {
        let driver = cx.caller();
        let mut vcs = self.vcs.iter().map(|(_, vc)| vc);
        let found = vcs.find(|vc| vc.client == Some(driver) && call_id(vc) == id);
        // A VC of which the client has let go has no context any more.
        let handle = |vc: &Vc| HandleArg::Known(vc.handle(HandleKind::ClientVc));
        let Some(vc) = found.filter(|vc| self.vc_of(cx, handle(vc)).is_ok()) else {
            return Ok(Step::Return(Status::FAILURE));
        };
        let context = vc.client_context;
        let op = self.ops.begin(crate::Op::Vc(Op::PublishName(Status::SUCCESS)));
        Ok(Step::Publish(op, OutParameter::VcContext(context)))
    }
}

/// Who made the VC, and how many handles that task had made before: the same in every order.
fn call_id(vc: &Vc) -> CallId {
    let (task, count) = vc.id.0.made_by();
    CallId(task.child(count).value())
}
