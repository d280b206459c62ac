//! What the contract says of each call and handler: why NDIS may call it, how a call may end, and which rule to name
//! where no rule singles out what is wrong.

use super::Kind;
use contract::{Area, Ddi, Rule, Status};
use model::{Callback, Job};

/// Whether the page of `ddi` names `status`, or a rule says that NDIS refuses a breach with it.
pub(super) fn documents(ddi: Ddi, status: Status) -> bool {
    let returns = ddi.info().returns;
    let named = |name: &str| returns.iter().any(|&known| known == name || known == "NDIS_STATUS_XXX");
    if status == Status::SUCCESS {
        return returns.is_empty() || named("NDIS_STATUS_SUCCESS");
    }
    if status == Status::PENDING {
        return ddi.info().may_pend;
    }
    let name = status.name().unwrap_or("NDIS_STATUS_XXX");
    named(name)
        || Rule::ALL.iter().any(|rule| rule.info().refusal == Some(name) && rule.info().ddis.contains(&ddi))
}

/// Whether `kind` is a reason for NDIS to call the handler `ddi`.
pub(super) fn may_cause(kind: Kind, ddi: Ddi) -> bool {
    match kind {
        Kind::Call(call) => call.info().causes.contains(&ddi) || undoes(call, ddi),
        Kind::Job(handlers) => handlers.contains(&ddi),
        // A handler's return leads to nothing by itself: its call or job goes on.
        Kind::Handler(_) => false,
    }
}

/// Whether `ddi` takes back a handler that `call` causes: the columns do not name it (`vc-q-partial-create-failure`).
pub(super) fn undoes(call: Ddi, ddi: Ddi) -> bool {
    let creates = call.info().causes;
    match ddi {
        Ddi::ProtocolCoDeleteVc => creates.contains(&Ddi::ProtocolCoCreateVc),
        Ddi::MiniportCoDeleteVc => creates.contains(&Ddi::MiniportCoCreateVc),
        _ => false,
    }
}

/// The handlers that a job calls.
pub(super) fn started_by(job: Job) -> &'static [Ddi] {
    match job {
        Job::Load(_) => &[Ddi::DriverEntry],
        Job::Initialize(_) => &[Ddi::MiniportInitializeEx],
        Job::Bind(..) => &[Ddi::ProtocolBindAdapterEx],
        Job::OpenAdapterComplete(_) => &[Ddi::ProtocolOpenAdapterCompleteEx],
        Job::AfRegisterNotify(..) => &[Ddi::ProtocolCoAfRegisterNotify],
        Job::OpenAfComplete(_) => &[Ddi::ProtocolClOpenAfCompleteEx],
        // The call manager had NDIS_STATUS_PENDING, so a client that answers at once leads to a completion.
        Job::NotifyCloseAf(_) => &[Ddi::ProtocolClNotifyCloseAf, Ddi::ProtocolCmNotifyCloseAfComplete],
        Job::McmVcComplete(_) => &[Ddi::ProtocolCmActivateVcComplete, Ddi::ProtocolCmDeactivateVcComplete],
        Job::NetPnPEvent(..) => &[Ddi::ProtocolNetPnPEvent],
        Job::PauseMiniport(_) => &[Ddi::MiniportPause],
        Job::RestartMiniport(_) => &[Ddi::MiniportRestart],
        Job::SurpriseRemoved(_) => &[Ddi::MiniportDevicePnPEventNotify],
        Job::Unbind(_) => &[Ddi::ProtocolUnbindAdapterEx],
        Job::CloseAdapterComplete(_) => &[Ddi::ProtocolCloseAdapterCompleteEx],
        Job::Halt(_) => &[Ddi::MiniportHaltEx],
        Job::Uninstall(_) => &[Ddi::ProtocolUninstall],
        Job::Unload(_) => &[Ddi::Unload, Ddi::MiniportDriverUnload],
    }
}

/// Whether a handler reports the end of a call that pended.
pub(super) fn completes(callback: &Callback) -> bool {
    match callback {
        Callback::OpenAdapterCompleteEx { .. }
        | Callback::CloseAdapterCompleteEx { .. }
        | Callback::ClOpenAfCompleteEx { .. }
        | Callback::ClCloseAfComplete { .. }
        | Callback::CmNotifyCloseAfComplete { .. }
        | Callback::ClRegisterSapComplete { .. }
        | Callback::ClDeregisterSapComplete { .. }
        | Callback::CmActivateVcComplete { .. }
        | Callback::CmDeactivateVcComplete { .. }
        | Callback::ClMakeCallComplete { .. }
        | Callback::ClModifyCallQoSComplete { .. }
        | Callback::ClCloseCallComplete { .. }
        | Callback::CmIncomingCallComplete { .. }
        | Callback::ClAddPartyComplete { .. }
        | Callback::ClDropPartyComplete { .. } => true,
        Callback::DriverEntry { .. }
        | Callback::Unload { .. }
        | Callback::MiniportDriverUnload { .. }
        | Callback::ProtocolSetOptions { .. }
        | Callback::MiniportSetOptions { .. }
        | Callback::Uninstall {}
        | Callback::BindAdapterEx { .. }
        | Callback::UnbindAdapterEx { .. }
        | Callback::NetPnPEvent { .. }
        | Callback::MiniportInitializeEx { .. }
        | Callback::MiniportPause { .. }
        | Callback::MiniportRestart { .. }
        | Callback::MiniportHaltEx { .. }
        | Callback::MiniportDevicePnPEventNotify { .. }
        | Callback::CoAfRegisterNotify { .. }
        | Callback::CmOpenAf { .. }
        | Callback::CmCloseAf { .. }
        | Callback::ClNotifyCloseAf { .. }
        | Callback::CmRegisterSap { .. }
        | Callback::CmDeregisterSap { .. }
        | Callback::CoCreateVc { .. }
        | Callback::CoDeleteVc { .. }
        | Callback::MiniportCoCreateVc { .. }
        | Callback::MiniportCoDeleteVc { .. }
        | Callback::MiniportCoActivateVc { .. }
        | Callback::MiniportCoDeactivateVc { .. }
        | Callback::CmMakeCall { .. }
        | Callback::CmModifyCallQoS { .. }
        | Callback::CmCloseCall { .. }
        | Callback::ClIncomingCall { .. }
        | Callback::ClCallConnected { .. }
        | Callback::ClIncomingCallQoSChange { .. }
        | Callback::ClIncomingCloseCall { .. }
        | Callback::CmAddParty { .. }
        | Callback::CmDropParty { .. }
        | Callback::ClIncomingDropParty { .. } => false,
    }
}

/// The rule that says what NDIS does with a handler: the one to name when it is called wrongly in a way that no rule
/// singles out.
pub(super) fn duty(callback: &Callback) -> Rule {
    match callback {
        Callback::DriverEntry { .. }
        | Callback::Unload { .. }
        | Callback::ProtocolSetOptions { .. }
        | Callback::MiniportSetOptions { .. } => Rule::RegistrationNdisSetoptionsInside,
        Callback::MiniportDriverUnload { .. } => Rule::BindingNdisUnloadAfterHalts,
        Callback::Uninstall {} => Rule::BindingNdisUninstallAfterUnbind,
        Callback::BindAdapterEx { .. } => Rule::BindingNdisBindAfterInit,
        Callback::OpenAdapterCompleteEx { .. } => Rule::BindingNdisOpenValues,
        Callback::UnbindAdapterEx { .. } => Rule::BindingNdisPauseBeforeUnbind,
        Callback::CloseAdapterCompleteEx { .. } | Callback::MiniportPause { .. } => {
            Rule::BindingNdisStopOrder
        }
        Callback::NetPnPEvent { .. }
        | Callback::MiniportInitializeEx { .. }
        | Callback::MiniportRestart { .. } => Rule::BindingNdisStartOrder,
        Callback::MiniportHaltEx { .. } | Callback::MiniportDevicePnPEventNotify { .. } => {
            Rule::BindingNdisHaltQuiet
        }
        Callback::CoAfRegisterNotify { .. } => Rule::AfNdisNotifyAll,
        Callback::CmOpenAf { .. } => Rule::AfNdisOpenToRegistrar,
        Callback::ClOpenAfCompleteEx { .. }
        | Callback::ClCloseAfComplete { .. }
        | Callback::ClRegisterSapComplete { .. }
        | Callback::ClDeregisterSapComplete { .. } => Rule::AfNdisCompleteAfterPending,
        Callback::CmCloseAf { .. } => Rule::AfNdisCmContext,
        Callback::ClNotifyCloseAf { .. } => Rule::AfNdisNotifyRelay,
        Callback::CmNotifyCloseAfComplete { .. } => Rule::AfNdisCompleteAfterPending,
        Callback::CmRegisterSap { .. } | Callback::CmDeregisterSap { .. } => Rule::SapNdisRelay,
        Callback::CoCreateVc { .. }
        | Callback::CoDeleteVc { .. }
        | Callback::MiniportCoCreateVc { .. }
        | Callback::MiniportCoDeleteVc { .. } => Rule::VcNdisCallbackOrder,
        Callback::MiniportCoActivateVc { .. } | Callback::MiniportCoDeactivateVc { .. } => {
            Rule::VcNdisActivateRelay
        }
        Callback::CmActivateVcComplete { .. } | Callback::CmDeactivateVcComplete { .. } => {
            Rule::VcNdisCompleteAfterPending
        }
        Callback::CmMakeCall { .. }
        | Callback::CmModifyCallQoS { .. }
        | Callback::CmCloseCall { .. }
        | Callback::ClIncomingCall { .. }
        | Callback::ClCallConnected { .. }
        | Callback::ClIncomingCallQoSChange { .. }
        | Callback::ClIncomingCloseCall { .. } => Rule::CallNdisRelay,
        Callback::ClMakeCallComplete { .. }
        | Callback::ClModifyCallQoSComplete { .. }
        | Callback::ClCloseCallComplete { .. }
        | Callback::CmIncomingCallComplete { .. } => Rule::CallNdisCompleteAfterPending,
        Callback::CmAddParty { .. } | Callback::CmDropParty { .. } | Callback::ClIncomingDropParty { .. } => {
            Rule::PartyNdisRelay
        }
        Callback::ClAddPartyComplete { .. } | Callback::ClDropPartyComplete { .. } => {
            Rule::PartyNdisCompleteAfterPending
        }
    }
}

/// The same for a call: what to name when it returns wrongly.
pub(super) fn duty_of_call(ddi: Ddi) -> Rule {
    match ddi.info().area {
        Area::Registration => Rule::RegistrationNdisSetoptionsInside,
        Area::Binding => Rule::BindingNdisOpenValues,
        Area::Vc => match ddi {
            Ddi::NdisCoCreateVc | Ddi::NdisMCmCreateVc => Rule::VcNdisCreateUndone,
            Ddi::NdisCoDeleteVc | Ddi::NdisMCmDeleteVc => Rule::VcNdisDeleteRefusals,
            Ddi::NdisCoAssignInstanceName => Rule::VcNdisNameLasts,
            _ => Rule::VcNdisCompleteAfterPending,
        },
        Area::Tapi => Rule::VcNdisNameLasts,
        Area::Call => Rule::CallNdisCompleteAfterPending,
        Area::Party => Rule::PartyNdisCompleteAfterPending,
        Area::Af | Area::Sap | Area::Oid | Area::Data | Area::Status | Area::Kernel => {
            Rule::AfNdisCompleteAfterPending
        }
    }
}
