//! A client takes a SAP back: `NdisClDeregisterSap`, `ProtocolCmDeregisterSap` and the completion.

use super::{Op, SapState, Stray};
use crate::phase::{Phase, Verdict};
use crate::{
    Callback, Context, HandleArg, HandleKind, Object, OpId, Step, Stepped, Violation, World, violation,
};
use contract::{Rule, Status};

impl World {
    /// The SAP of a client's handle, whatever its state.
    ///
    /// # Errors
    /// The handle is none that NDIS gave this client for a SAP (`sap-handle-opaque`), is NULL (`sap-dereg-after-register`), or
    /// was valid long ago (`sap-dereg-handle-invalid`).
    fn client_sap(&self, cx: &Context<'_>, handle: HandleArg) -> Result<u32, Violation> {
        let driver = cx.caller();
        self.own_sap(driver, handle, HandleKind::ClientSap).map_err(|stray| {
            let (rule, object, offence) = match stray {
                Stray::Null => (
                    Rule::SapDeregAfterRegister,
                    Object::Driver(driver),
                    "the handle is NULL, as after a failed registration",
                ),
                Stray::Forgotten => {
                    (Rule::SapDeregHandleInvalid, Object::Driver(driver), "the SAP was deregistered long ago")
                }
                Stray::Foreign(object, offence) => (Rule::SapHandleOpaque, object, offence),
            };
            violation(rule, driver, object, offence)
        })
    }

    pub(crate) fn deregister_sap(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let slot = self.client_sap(cx, handle)?;
        let sap = &self.saps[slot];
        let (client, object) = (sap.client, sap.object());
        let fail = |rule, offence| Err(violation(rule, client, object, offence));
        match (sap.state, self.afs[sap.af].is_open()) {
            (SapState::Registering, _) => {
                fail(Rule::SapDeregAfterRegister, "the SAP was deregistered before its registration was over")
            }
            (SapState::Failed, _) => fail(Rule::SapDeregAfterRegister, "the registration of the SAP failed"),
            (SapState::Registered, true) => {
                self.set_sap(cx, slot, SapState::Deregistering);
                let sap = &mut self.saps[slot];
                (sap.deregister, sap.running) = (Some(Phase::Calling), sap.running + 1);
                let callback = Callback::CmDeregisterSap { sap_context: sap.manager_context };
                let manager = sap.manager;
                Ok(self.invoke(crate::Op::Sap(Op::CmDeregisterSap(slot)), manager, callback))
            }
            // The AF was closed while a deregistration was under way, which the call manager then refused: the SAP goes
            // with its AF (sap-q-dereg-crosses-af-close).
            (SapState::Registered, false) => {
                self.set_sap(cx, slot, SapState::Dead);
                self.remove_sap_if_over(slot);
                Ok(Step::Return(Status::FAILURE))
            }
            (SapState::Deregistering, true) => {
                cx.warn(Rule::SapDeregOnce, client, object, "the SAP is being deregistered already");
                Ok(Step::Return(Status::FAILURE))
            }
            // Two threads of a client that is right may meet here (sap-dereg-before-af-close).
            (SapState::Deregistering, false) => Ok(Step::Return(Status::FAILURE)),
            (SapState::Dead, _) => fail(Rule::SapDeregHandleInvalid, "the SAP is deregistered"),
        }
    }

    pub(super) fn cm_deregister_sap_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        slot: u32,
        status: Status,
    ) -> Stepped {
        let sap = &self.saps[slot];
        let mut phase = sap.deregister.expect("a deregistration is under way");
        let verdict = phase.returned(status).map_err(|misfit| {
            violation(Rule::SapCmDeregCompletePendingOnly, sap.manager, sap.object(), misfit.offence())
        })?;
        self.saps[slot].deregister = Some(phase);
        match verdict {
            Verdict::Pended => {}
            Verdict::Result(Status::SUCCESS) => {
                self.set_sap(cx, slot, SapState::Dead);
                self.saps[slot].manager_done = true;
            }
            // No page lists this. The SAP stays, and so do both handles (sap-q-handle-after-dereg).
            Verdict::Result(_) => self.set_sap(cx, slot, SapState::Registered),
        }
        self.sap_handler_over(slot);
        Ok(self.finish(id, status))
    }

    pub(crate) fn deregister_sap_complete(
        &mut self,
        cx: &mut Context<'_>,
        status: Status,
        handle: HandleArg,
    ) -> Stepped {
        let slot = self.manager_sap(cx, handle)?;
        let sap = &self.saps[slot];
        let fail = |rule, offence| Err(violation(rule, sap.manager, sap.object(), offence));
        if status != Status::SUCCESS {
            let offence = "a deregistration was completed with another status than success";
            return fail(Rule::SapCmDeregCompleteStatus, offence);
        }
        let pending_only = Rule::SapCmDeregCompletePendingOnly;
        let mut phase = match (sap.state, sap.deregister) {
            (SapState::Failed, _) => {
                return fail(Rule::SapCmRegisterFailHandleInvalid, "the registration of the SAP failed");
            }
            (_, None) => return fail(pending_only, "the client has not deregistered the SAP"),
            (
                SapState::Registering | SapState::Registered | SapState::Deregistering | SapState::Dead,
                Some(phase),
            ) => phase,
        };
        if let Err(misfit) = phase.complete() {
            return fail(pending_only, misfit.offence());
        }
        self.set_sap(cx, slot, SapState::Dead);
        let sap = &mut self.saps[slot];
        (sap.deregister, sap.running) = (Some(phase), sap.running + 1);
        let callback = Callback::ClDeregisterSapComplete { status, sap_context: sap.client_context };
        let client = sap.client;
        Ok(self.invoke(crate::Op::Sap(Op::ReportDeregister(slot)), client, callback))
    }
}
