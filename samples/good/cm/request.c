/*
 * request.c - the handlers of the call manager for SAPs, VCs, calls and parties, and its own VC for
 * signalling. Each takes a request, or notes what has been learnt, and has the switch (switch.c) run.
 */

#include "cm.h"

/* The bandwidth of the signalling VC, in bytes per second. */
#define CM_SIGNALLING_BANDWIDTH 1000

static PROTOCOL_CM_REG_SAP CmRegisterSap;
static PROTOCOL_CM_DEREGISTER_SAP CmDeregisterSap;
static PROTOCOL_CO_CREATE_VC CmCreateVc;
static PROTOCOL_CO_DELETE_VC CmDeleteVc;
static PROTOCOL_CM_ACTIVATE_VC_COMPLETE CmActivateVcComplete;
static PROTOCOL_CM_DEACTIVATE_VC_COMPLETE CmDeactivateVcComplete;
static PROTOCOL_CM_MAKE_CALL CmMakeCall;
static PROTOCOL_CM_MODIFY_QOS_CALL CmModifyCallQoS;
static PROTOCOL_CM_CLOSE_CALL CmCloseCall;
static PROTOCOL_CM_ADD_PARTY CmAddParty;
static PROTOCOL_CM_DROP_PARTY CmDropParty;
static PROTOCOL_CM_INCOMING_CALL_COMPLETE CmIncomingCallComplete;
static IO_WORKITEM_ROUTINE_EX CmSwitchWork;

/* --- requests ----------------------------------------------------------------------------------- */

static VOID NTAPI CmSwitchWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCM_BINDING Binding = Context;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    NdisAcquireSpinLock(&Binding->Lock);
    Binding->SwitchQueued = FALSE;
    NdisReleaseSpinLock(&Binding->Lock);
    CmRunSwitch(Binding);
    CmReleaseBinding(Binding);
}

/*
 * What ends a handler that has taken a request: has the switch run now or later, as the option for such
 * requests says, and gives what the handler returns. The caller holds the lock, and has it no longer
 * after this. If the result is NDIS_STATUS_PENDING, what the request was about may be gone.
 */
static NDIS_STATUS CmServe(PCM_BINDING Binding, PCM_REQUEST Request, ULONG Mode)
{
    NDIS_STATUS Status = NDIS_STATUS_PENDING;

    Request->Open = TRUE;
    Request->Answered = FALSE;
    Request->InHandler = Mode == 0;
    Binding->Users++;
    if (Mode == 1 && !Binding->SwitchQueued) {
        Binding->SwitchQueued = TRUE;
        Binding->Users++;
        IoQueueWorkItemEx(Binding->SwitchWorkItem, CmSwitchWork, DelayedWorkQueue, Binding);
    }
    if (Mode == 5 && !Binding->SwitchTimed) {
        Binding->SwitchTimed = TRUE;
        Binding->Users++;
        CmSetTimer(Binding);
    }
    NdisReleaseSpinLock(&Binding->Lock);
    if (Mode == 0 || Mode == 2) {
        CmRunSwitch(Binding);
    }
    if (Mode == 0) {
        NdisAcquireSpinLock(&Binding->Lock);
        Request->InHandler = FALSE;
        if (Request->Answered) {
            Status = Request->Status;
        }
        NdisReleaseSpinLock(&Binding->Lock);
    }
    CmReleaseBinding(Binding);
    return Status;
}

/* --- SAPs -------------------------------------------------------------------------------------- */

static NDIS_STATUS NTAPI CmRegisterSap(
    NDIS_HANDLE CallMgrAfContext,
    PCO_SAP Sap,
    NDIS_HANDLE NdisSapHandle,
    PNDIS_HANDLE CallMgrSapContext)
{
    PCM_AF Af = CallMgrAfContext;
    PCM_BINDING Binding = Af->Binding;
    PCM_SAP This;
    NDIS_STATUS Status;

    This = CmAllocate(sizeof(*This));
    if (This == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    This->Af = Af;
    This->NdisSapHandle = NdisSapHandle;
    if (!CmReadAddress(Sap->Sap, Sap->SapLength, &This->Address)) {
        NdisFreeMemory(This, 0, 0);
        return NDIS_STATUS_INVALID_DATA;
    }
    NdisAcquireSpinLock(&Binding->Lock);
    if (CmFindSap(Binding, This->Address) != NULL) {
        /* Another client has it. */
        NdisReleaseSpinLock(&Binding->Lock);
        NdisFreeMemory(This, 0, 0);
        return NDIS_STATUS_INVALID_DATA;
    }
    InsertTailList(&Binding->Saps, &This->Link);
    Af->Saps++;
    *CallMgrSapContext = This;
    Status = CmServe(Binding, &This->Register, Binding->Options.RegisterSap);
    return Status;
}

static NDIS_STATUS NTAPI CmDeregisterSap(NDIS_HANDLE CallMgrSapContext)
{
    PCM_SAP Sap = CallMgrSapContext;
    PCM_BINDING Binding = Sap->Af->Binding;
    NDIS_STATUS Status;

    NdisAcquireSpinLock(&Binding->Lock);
    Status = CmServe(Binding, &Sap->Deregister, Binding->Options.DeregisterSap);
    if (Status == NDIS_STATUS_SUCCESS) {
        NdisFreeMemory(Sap, 0, 0);
    }
    return Status;
}

/* --- VCs --------------------------------------------------------------------------------------- */

/* A client creates a VC, perhaps to make a call on it. */
static NDIS_STATUS NTAPI CmCreateVc(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE ProtocolVcContext)
{
    PCM_AF Af = ProtocolAfContext;
    PCM_BINDING Binding = Af->Binding;
    PCM_VC Vc = CmNewVc(Binding, Af, FALSE);

    if (Vc == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Vc->NdisVcHandle = NdisVcHandle;
    NdisAcquireSpinLock(&Binding->Lock);
    InsertTailList(&Af->Vcs, &Vc->Link);
    NdisReleaseSpinLock(&Binding->Lock);
    *ProtocolVcContext = Vc;
    return NDIS_STATUS_SUCCESS;
}

/* The client deletes its VC. It cannot while there is a call on it, or while it is active. */
static NDIS_STATUS NTAPI CmDeleteVc(NDIS_HANDLE ProtocolVcContext)
{
    PCM_VC Vc = ProtocolVcContext;
    PCM_BINDING Binding = Vc->Binding;

    NdisAcquireSpinLock(&Binding->Lock);
    if (Vc->Call != CmCallNone || Vc->State != CmVcInactive) {
        NdisReleaseSpinLock(&Binding->Lock);
        return NDIS_STATUS_NOT_ACCEPTED;
    }
    RemoveEntryList(&Vc->Link);
    NdisReleaseSpinLock(&Binding->Lock);
    CmFreeVc(Vc);
    return NDIS_STATUS_SUCCESS;
}

/* CallParameters are those that we activated the VC with, perhaps rounded by the miniport. */
static VOID NTAPI CmActivateVcComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCM_VC Vc = CallMgrVcContext;
    PCM_BINDING Binding = Vc->Binding;

    UNREFERENCED_PARAMETER(CallParameters);
    if (Vc == Binding->SignallingVc) {
        Binding->AdapterStatus = Status;
        NdisSetEvent(&Binding->AdapterEvent);
        return;
    }
    NdisAcquireSpinLock(&Binding->Lock);
    CmActivateEnded(Vc, Status);
    CmUnlockAndSwitch(Binding);
}

static VOID NTAPI CmDeactivateVcComplete(NDIS_STATUS Status, NDIS_HANDLE CallMgrVcContext)
{
    PCM_VC Vc = CallMgrVcContext;
    PCM_BINDING Binding = Vc->Binding;

    if (Vc == Binding->SignallingVc) {
        NdisSetEvent(&Binding->AdapterEvent);
        return;
    }
    NdisAcquireSpinLock(&Binding->Lock);
    CmDeactivateEnded(Vc, Status);
    CmUnlockAndSwitch(Binding);
}

/*
 * The signalling VC is ours alone: it is created without an AF. A real call manager sends on it what it
 * has to say to the network's control; this one is the network. From the bind, and from the end of the
 * unbind, both at PASSIVE_LEVEL, where an answer that pends can be waited for.
 */
NDIS_STATUS CmOpenSignallingVc(PCM_BINDING Binding)
{
    CO_CALL_MANAGER_PARAMETERS CallMgr;
    CO_MEDIA_PARAMETERS Media;
    CO_CALL_PARAMETERS CallParameters = { 0, &CallMgr, &Media };
    NDIS_STATUS Status;
    PCM_VC Vc;

    NdisZeroMemory(&CallMgr, sizeof(CallMgr));
    NdisZeroMemory(&Media, sizeof(Media));
    CallMgr.Transmit.PeakBandwidth = CM_SIGNALLING_BANDWIDTH;
    CallMgr.Receive.PeakBandwidth = CM_SIGNALLING_BANDWIDTH;
    Media.Flags = TRANSMIT_VC | RECEIVE_VC;
    Vc = CmNewVc(Binding, NULL, TRUE);
    if (Vc == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Vc->InForce = CmCopyParameters(&CallParameters);
    if (Vc->InForce == NULL) {
        CmFreeVc(Vc);
        return NDIS_STATUS_RESOURCES;
    }
    Binding->SignallingVc = Vc;
    Status = NdisCoCreateVc(Binding->NdisBindingHandle, NULL, Vc, &Vc->NdisVcHandle);
    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisCmActivateVc(Vc->NdisVcHandle, Vc->InForce);
        if (Status == NDIS_STATUS_PENDING) {
            NdisWaitEvent(&Binding->AdapterEvent, 0);
            NdisResetEvent(&Binding->AdapterEvent);
            Status = Binding->AdapterStatus;
        }
        if (Status != NDIS_STATUS_SUCCESS) {
            NdisCoDeleteVc(Vc->NdisVcHandle);
        }
    }
    if (Status != NDIS_STATUS_SUCCESS) {
        Binding->SignallingVc = NULL;
        CmFreeVc(Vc);
    }
    return Status;
}

VOID CmCloseSignallingVc(PCM_BINDING Binding)
{
    PCM_VC Vc = Binding->SignallingVc;

    if (NdisCmDeactivateVc(Vc->NdisVcHandle) == NDIS_STATUS_PENDING) {
        NdisWaitEvent(&Binding->AdapterEvent, 0);
        NdisResetEvent(&Binding->AdapterEvent);
    }
    NdisCoDeleteVc(Vc->NdisVcHandle);
    Binding->SignallingVc = NULL;
    CmFreeVc(Vc);
}

/* --- calls ------------------------------------------------------------------------------------- */

static BOOLEAN CmReadCalled(PCO_CALL_PARAMETERS CallParameters, ULONGLONG *Address)
{
    PCO_CALL_MANAGER_PARAMETERS CallMgr = CallParameters->CallMgrParameters;

    return CallMgr != NULL
        && CmReadAddress(
            CallMgr->CallMgrSpecific.Parameters, CallMgr->CallMgrSpecific.Length, Address);
}

/* A party whose address is yet to be looked up. The status if there can be none. */
static NDIS_STATUS CmNewParty(
    PCM_VC Vc,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters,
    PCM_PARTY *Party)
{
    ULONGLONG Address;

    if (!CmReadCalled(CallParameters, &Address)) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    *Party = CmAllocate(sizeof(**Party));
    if (*Party == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    (*Party)->Vc = Vc;
    (*Party)->NdisPartyHandle = NdisPartyHandle;
    (*Party)->Address = Address;
    (*Party)->Parameters = CallParameters;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI CmMakeCall(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    PCM_VC Vc = CallMgrVcContext;
    PCM_BINDING Binding = Vc->Binding;
    PCM_PARTY Party;
    NDIS_STATUS Status;

    Status = CmNewParty(Vc, NdisPartyHandle, CallParameters, &Party);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    NdisAcquireSpinLock(&Binding->Lock);
    InsertTailList(&Vc->Parties, &Party->Link);
    Vc->Call = CmCallMaking;
    Vc->Refused = FALSE;
    Vc->MakeParameters = CallParameters;
    Status = CmServe(Binding, &Vc->Make, Binding->Options.MakeCall);
    if (Status == NDIS_STATUS_SUCCESS && NdisPartyHandle != NULL) {
        *CallMgrPartyContext = Party;
    }
    return Status;
}

/* Either end asks for another quality of service. */
static NDIS_STATUS NTAPI CmModifyCallQoS(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCM_VC Vc = CallMgrVcContext;
    PCM_BINDING Binding = Vc->Binding;

    NdisAcquireSpinLock(&Binding->Lock);
    Vc->ModifyParameters = CallParameters;
    return CmServe(Binding, &Vc->Modify, Binding->Options.ModifyCallQoS);
}

/* Either end closes the call. This switch carries no data with that. */
static NDIS_STATUS NTAPI CmCloseCall(
    NDIS_HANDLE CallMgrVcContext,
    NDIS_HANDLE CallMgrPartyContext,
    PVOID CloseData,
    UINT Size)
{
    PCM_VC Vc = CallMgrVcContext;
    PCM_BINDING Binding = Vc->Binding;
    ULONG Mode;

    /* There is one party left, and the VC knows it. */
    UNREFERENCED_PARAMETER(CallMgrPartyContext);
    UNREFERENCED_PARAMETER(Size);
    if (CloseData != NULL) {
        return NDIS_STATUS_INVALID_DATA;
    }
    NdisAcquireSpinLock(&Binding->Lock);
    if (CmHasSeveralParties(Vc)) {
        NdisReleaseSpinLock(&Binding->Lock);
        return NDIS_STATUS_FAILURE;
    }
    /* Our VC is deleted as soon as its call is closed, and NDIS has to know that it is: by a
     * completion, for the return value of a handler is known only afterwards. */
    Mode = Binding->Options.CloseCall;
    return CmServe(Binding, &Vc->Close, Vc->Ours && Mode == 0 ? 2 : Mode);
}

static NDIS_STATUS NTAPI CmAddParty(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    PCM_VC Vc = CallMgrVcContext;
    PCM_BINDING Binding = Vc->Binding;
    PCM_PARTY Party;
    NDIS_STATUS Status;

    Status = CmNewParty(Vc, NdisPartyHandle, CallParameters, &Party);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    NdisAcquireSpinLock(&Binding->Lock);
    InsertTailList(&Vc->Parties, &Party->Link);
    Status = CmServe(Binding, &Party->Add, Binding->Options.AddParty);
    if (Status == NDIS_STATUS_SUCCESS) {
        *CallMgrPartyContext = Party;
    } else if (Status != NDIS_STATUS_PENDING) {
        NdisFreeMemory(Party, 0, 0);
    }
    return Status;
}

static NDIS_STATUS NTAPI CmDropParty(NDIS_HANDLE CallMgrPartyContext, PVOID CloseData, UINT Size)
{
    PCM_PARTY Party = CallMgrPartyContext;
    PCM_BINDING Binding = Party->Vc->Binding;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(Size);
    if (CloseData != NULL) {
        return NDIS_STATUS_INVALID_DATA;
    }
    NdisAcquireSpinLock(&Binding->Lock);
    Status = CmServe(Binding, &Party->Drop, Binding->Options.DropParty);
    if (Status == NDIS_STATUS_SUCCESS) {
        NdisFreeMemory(Party, 0, 0);
    }
    return Status;
}

/* A client that had pended our offer has made up its mind. */
static VOID NTAPI CmIncomingCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCM_VC Vc = CallMgrVcContext;
    PCM_BINDING Binding = Vc->Binding;

    NdisAcquireSpinLock(&Binding->Lock);
    CmOfferAnswered(Vc, Status, CallParameters);
    CmUnlockAndSwitch(Binding);
}

VOID CmSetSwitchHandlers(NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS *Handlers)
{
    Handlers->CmCreateVcHandler = CmCreateVc;
    Handlers->CmDeleteVcHandler = CmDeleteVc;
    Handlers->CmRegisterSapHandler = CmRegisterSap;
    Handlers->CmDeregisterSapHandler = CmDeregisterSap;
    Handlers->CmMakeCallHandler = CmMakeCall;
    Handlers->CmCloseCallHandler = CmCloseCall;
    Handlers->CmIncomingCallCompleteHandler = CmIncomingCallComplete;
    Handlers->CmAddPartyHandler = CmAddParty;
    Handlers->CmDropPartyHandler = CmDropParty;
    Handlers->CmActivateVcCompleteHandler = CmActivateVcComplete;
    Handlers->CmDeactivateVcCompleteHandler = CmDeactivateVcComplete;
    Handlers->CmModifyCallQoSHandler = CmModifyCallQoS;
}
