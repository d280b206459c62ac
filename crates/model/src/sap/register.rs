//! A client registers a SAP: `NdisClRegisterSap`, `ProtocolCmRegisterSap` and the completion.

use super::{Op, Sap, SapState};
use crate::block::Sap as Specification;
use crate::phase::{Phase, Verdict};
use crate::{
    Callback, Context, HandleArg, HandleKind, Object, OpId, OutParameter, Reply, SapId, Step, Stepped, Token,
    Violation, World, violation,
};
use contract::values::constants::{AF_TAPI_SAP_TYPE, CO_ADDRESS_FAMILY_TAPI, CO_ADDRESS_FAMILY_TAPI_PROXY};
use contract::{Rule, Status};

impl World {
    pub(crate) fn register_sap(
        &mut self,
        cx: &mut Context<'_>,
        af: HandleArg,
        client_context: Token,
        specification: Specification,
    ) -> Stepped {
        let af = self.usable_af(cx, af)?;
        let this = &self.afs[af];
        let (client, manager) = (this.client, this.manager);
        let of_tapi = [CO_ADDRESS_FAMILY_TAPI, CO_ADDRESS_FAMILY_TAPI_PROXY].contains(&this.family.family);
        if of_tapi && specification.sap_type != AF_TAPI_SAP_TYPE {
            let offence = "SapType is not AF_TAPI_SAP_TYPE, and the family is one of TAPI";
            return Err(violation(Rule::SapTapiFormat, client, Object::Af(this.id), offence));
        }
        let slot = self.saps.next_slot();
        let id = SapId(cx.handle(HandleKind::ClientSap, slot));
        let sap = Sap {
            id,
            client,
            manager,
            af,
            specification,
            client_context,
            manager_context: Token::NULL,
            state: SapState::Registering,
            register: Phase::Calling,
            deregister: None,
            manager_done: false,
            running: 1,
        };
        if self.saps.insert(sap).is_err() {
            return Ok(Step::Return(Status::RESOURCES));
        }
        cx.edge(Object::Sap(id), "none", "registering");
        let op = self.ops.begin(crate::Op::Sap(Op::PublishSap(slot)));
        Ok(Step::Publish(op, OutParameter::Sap(id.0)))
    }

    pub(super) fn cm_register_sap(&mut self, id: OpId, slot: u32) -> Step {
        let sap = &self.saps[slot];
        let callback = Callback::CmRegisterSap {
            af_context: self.afs[sap.af].manager_context,
            specification: sap.specification,
            sap: sap.manager_handle(),
        };
        self.ops.go_on(id, crate::Op::Sap(Op::CmRegisterSap(slot)));
        Step::Invoke(id, sap.manager, callback)
    }

    pub(super) fn cm_register_sap_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        reply: Reply,
    ) -> Stepped {
        let sap = &self.saps[slot];
        let mut phase = sap.register;
        let verdict = phase.returned(reply.status).map_err(|misfit| {
            violation(Rule::SapCmRegisterCompletePendingOnly, sap.manager, sap.object(), misfit.offence())
        })?;
        if let Verdict::Result(status) = verdict {
            self.check_holder(slot, status)?;
            if status == Status::SUCCESS && reply.context == Token::NULL {
                let offence = "ProtocolCmRegisterSap succeeded without storing CallMgrSapContext";
                cx.warn(Rule::SapCmSetContext, sap.manager, sap.object(), offence);
            }
            self.registered_sap(cx, slot, status, reply.context);
            self.saps[slot].manager_done = status != Status::SUCCESS;
        }
        self.saps[slot].register = phase;
        self.sap_handler_over(slot);
        Ok(self.finish(id, reply.status))
    }

    /// The registration has a result; the client is not told here.
    fn registered_sap(&mut self, cx: &mut Context<'_>, slot: u32, status: Status, manager_context: Token) {
        if status == Status::SUCCESS {
            self.saps[slot].manager_context = manager_context;
            self.set_sap(cx, slot, SapState::Registered);
        } else {
            self.set_sap(cx, slot, SapState::Failed);
        }
    }

    /// Checks that a SAP which the call manager accepts is none that another client holds.
    fn check_holder(&self, slot: u32, status: Status) -> Result<(), Violation> {
        let sap = &self.saps[slot];
        let registration = self.afs[sap.af].registration;
        let mut held = self.saps.iter().map(|(_, other)| other).filter(|other| {
            let af = &self.afs[other.af];
            other.state == SapState::Registered
                && other.client != sap.client
                && af.registration == registration
                && af.is_open()
        });
        if status == Status::SUCCESS && held.any(|other| other.specification.same(&sap.specification)) {
            let offence = "the call manager accepted a SAP that another client holds";
            return Err(violation(Rule::SapCmDuplicate, sap.manager, sap.object(), offence));
        }
        Ok(())
    }

    pub(crate) fn register_sap_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
        context: Token,
    ) -> Stepped {
        let slot = self.manager_sap(cx, handle)?;
        let sap = &self.saps[slot];
        let fail = |rule, offence| Err(violation(rule, sap.manager, sap.object(), offence));
        if status == Status::PENDING {
            let offence = "a registration was completed with NDIS_STATUS_PENDING";
            return fail(Rule::SapCmRegisterCompleteStatus, offence);
        }
        let mut phase = sap.register;
        if let Err(misfit) = phase.complete() {
            return fail(Rule::SapCmRegisterCompletePendingOnly, misfit.offence());
        }
        self.check_holder(slot, status)?;
        self.registered_sap(cx, slot, status, context);
        let sap = &mut self.saps[slot];
        (sap.register, sap.running) = (phase, sap.running + 1);
        let succeeded = status == Status::SUCCESS;
        let callback = Callback::ClRegisterSapComplete {
            status,
            sap_context: sap.client_context,
            specification: sap.specification,
            sap: if succeeded { HandleArg::Known(sap.id.0) } else { HandleArg::Null },
        };
        let client = sap.client;
        Ok(self.invoke(crate::Op::Sap(Op::ReportRegister(slot)), client, callback))
    }
}
