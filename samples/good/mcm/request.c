/*
 * request.c - the handlers of the MCM for SAPs, VCs, calls and parties. Each takes a request, or notes
 * what has been learnt, and has the switch (switch.c) run.
 */

#include "mcm.h"

static PROTOCOL_CM_REG_SAP McmRegisterSap;
static PROTOCOL_CM_DEREGISTER_SAP McmDeregisterSap;
static PROTOCOL_CO_CREATE_VC McmCreateVc;
static PROTOCOL_CO_DELETE_VC McmDeleteVc;
static PROTOCOL_CM_ACTIVATE_VC_COMPLETE McmActivateVcComplete;
static PROTOCOL_CM_DEACTIVATE_VC_COMPLETE McmDeactivateVcComplete;
static PROTOCOL_CM_MAKE_CALL McmMakeCall;
static PROTOCOL_CM_MODIFY_QOS_CALL McmModifyCallQoS;
static PROTOCOL_CM_CLOSE_CALL McmCloseCall;
static PROTOCOL_CM_ADD_PARTY McmAddParty;
static PROTOCOL_CM_DROP_PARTY McmDropParty;
static PROTOCOL_CM_INCOMING_CALL_COMPLETE McmIncomingCallComplete;
static NDIS_IO_WORKITEM_FUNCTION McmSwitchWork;

/* --- requests ----------------------------------------------------------------------------------- */

static VOID NTAPI McmSwitchWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    PMCM_ADAPTER Adapter = WorkItemContext;

    UNREFERENCED_PARAMETER(NdisIoWorkItemHandle);
    NdisAcquireSpinLock(&Adapter->Lock);
    Adapter->SwitchQueued = FALSE;
    NdisReleaseSpinLock(&Adapter->Lock);
    McmRunSwitch(Adapter);
    McmReleaseAdapter(Adapter);
}

/*
 * What ends a handler that has taken a request: has the switch run now or later, as the option for such
 * requests says, and gives what the handler returns. The caller holds the lock, and has it no longer
 * after this. If the result is NDIS_STATUS_PENDING, what the request was about may be gone.
 */
static NDIS_STATUS McmServe(PMCM_ADAPTER Adapter, PMCM_REQUEST Request, ULONG Mode)
{
    NDIS_STATUS Status = NDIS_STATUS_PENDING;

    Request->Open = TRUE;
    Request->Answered = FALSE;
    Request->InHandler = Mode == 0;
    Adapter->Users++;
    if (Mode == 1 && !Adapter->SwitchQueued) {
        Adapter->SwitchQueued = TRUE;
        Adapter->Users++;
        NdisQueueIoWorkItem(Adapter->SwitchWorkItem, McmSwitchWork, Adapter);
    }
    if (Mode == 5 && !Adapter->SwitchTimed) {
        Adapter->SwitchTimed = TRUE;
        Adapter->Users++;
        McmSetTimer(Adapter);
    }
    NdisReleaseSpinLock(&Adapter->Lock);
    if (Mode == 0 || Mode == 2) {
        McmRunSwitch(Adapter);
    }
    if (Mode == 0) {
        NdisAcquireSpinLock(&Adapter->Lock);
        Request->InHandler = FALSE;
        if (Request->Answered) {
            Status = Request->Status;
        }
        NdisReleaseSpinLock(&Adapter->Lock);
    }
    McmReleaseAdapter(Adapter);
    return Status;
}

/* --- SAPs -------------------------------------------------------------------------------------- */

static NDIS_STATUS NTAPI McmRegisterSap(
    NDIS_HANDLE CallMgrAfContext,
    PCO_SAP Sap,
    NDIS_HANDLE NdisSapHandle,
    PNDIS_HANDLE CallMgrSapContext)
{
    PMCM_AF Af = CallMgrAfContext;
    PMCM_ADAPTER Adapter = Af->Adapter;
    PMCM_SAP This;
    NDIS_STATUS Status;

    This = McmAllocate(Adapter, sizeof(*This));
    if (This == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    This->Af = Af;
    This->NdisSapHandle = NdisSapHandle;
    if (!McmReadAddress(Sap->Sap, Sap->SapLength, &This->Address)) {
        NdisFreeMemory(This, 0, 0);
        return NDIS_STATUS_INVALID_DATA;
    }
    NdisAcquireSpinLock(&Adapter->Lock);
    if (McmFindSap(Adapter, This->Address) != NULL) {
        /* Another client has it. */
        NdisReleaseSpinLock(&Adapter->Lock);
        NdisFreeMemory(This, 0, 0);
        return NDIS_STATUS_INVALID_DATA;
    }
    InsertTailList(&Adapter->Saps, &This->Link);
    Af->Saps++;
    *CallMgrSapContext = This;
    Status = McmServe(Adapter, &This->Register, Adapter->Options.RegisterSap);
    return Status;
}

static NDIS_STATUS NTAPI McmDeregisterSap(NDIS_HANDLE CallMgrSapContext)
{
    PMCM_SAP Sap = CallMgrSapContext;
    PMCM_ADAPTER Adapter = Sap->Af->Adapter;
    NDIS_STATUS Status;

    NdisAcquireSpinLock(&Adapter->Lock);
    Status = McmServe(Adapter, &Sap->Deregister, Adapter->Options.DeregisterSap);
    if (Status == NDIS_STATUS_SUCCESS) {
        NdisFreeMemory(Sap, 0, 0);
    }
    return Status;
}

/* --- VCs --------------------------------------------------------------------------------------- */

/* A client creates a VC, perhaps to make a call on it. */
static NDIS_STATUS NTAPI McmCreateVc(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE ProtocolVcContext)
{
    PMCM_AF Af = ProtocolAfContext;
    PMCM_ADAPTER Adapter = Af->Adapter;
    PMCM_VC Vc = McmNewVc(Adapter, Af, FALSE);

    if (Vc == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Vc->NdisVcHandle = NdisVcHandle;
    NdisAcquireSpinLock(&Adapter->Lock);
    InsertTailList(&Af->Vcs, &Vc->Link);
    NdisReleaseSpinLock(&Adapter->Lock);
    *ProtocolVcContext = Vc;
    return NDIS_STATUS_SUCCESS;
}

/* The client deletes its VC. It cannot while there is a call on it, or while it is active. */
static NDIS_STATUS NTAPI McmDeleteVc(NDIS_HANDLE ProtocolVcContext)
{
    PMCM_VC Vc = ProtocolVcContext;
    PMCM_ADAPTER Adapter = Vc->Adapter;

    NdisAcquireSpinLock(&Adapter->Lock);
    if (Vc->Call != McmCallNone || Vc->State != McmVcInactive) {
        NdisReleaseSpinLock(&Adapter->Lock);
        return NDIS_STATUS_NOT_ACCEPTED;
    }
    RemoveEntryList(&Vc->Link);
    NdisReleaseSpinLock(&Adapter->Lock);
    McmFreeVc(Vc);
    return NDIS_STATUS_SUCCESS;
}

/* The pages do not agree whether NDIS calls these two for an MCM. If NdisMCmActivateVc or
 * NdisMCmDeactivateVc pended, this would be the end of it. */
static VOID NTAPI McmActivateVcComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PMCM_VC Vc = CallMgrVcContext;
    PMCM_ADAPTER Adapter = Vc->Adapter;

    UNREFERENCED_PARAMETER(CallParameters);
    NdisAcquireSpinLock(&Adapter->Lock);
    McmActivateEnded(Vc, Status);
    McmUnlockAndSwitch(Adapter);
}

static VOID NTAPI McmDeactivateVcComplete(NDIS_STATUS Status, NDIS_HANDLE CallMgrVcContext)
{
    PMCM_VC Vc = CallMgrVcContext;
    PMCM_ADAPTER Adapter = Vc->Adapter;

    NdisAcquireSpinLock(&Adapter->Lock);
    McmDeactivateEnded(Vc, Status);
    McmUnlockAndSwitch(Adapter);
}

/* --- calls ------------------------------------------------------------------------------------- */

static BOOLEAN McmReadCalled(PCO_CALL_PARAMETERS CallParameters, ULONGLONG *Address)
{
    PCO_CALL_MANAGER_PARAMETERS CallMgr = CallParameters->CallMgrParameters;

    return CallMgr != NULL
        && McmReadAddress(
            CallMgr->CallMgrSpecific.Parameters, CallMgr->CallMgrSpecific.Length, Address);
}

/* A party whose address is yet to be looked up. The status if there can be none. */
static NDIS_STATUS McmNewParty(
    PMCM_VC Vc,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters,
    PMCM_PARTY *Party)
{
    ULONGLONG Address;

    if (!McmReadCalled(CallParameters, &Address)) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    *Party = McmAllocate(Vc->Adapter, sizeof(**Party));
    if (*Party == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    (*Party)->Vc = Vc;
    (*Party)->NdisPartyHandle = NdisPartyHandle;
    (*Party)->Address = Address;
    (*Party)->Parameters = CallParameters;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI McmMakeCall(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    PMCM_VC Vc = CallMgrVcContext;
    PMCM_ADAPTER Adapter = Vc->Adapter;
    PMCM_PARTY Party;
    NDIS_STATUS Status;

    Status = McmNewParty(Vc, NdisPartyHandle, CallParameters, &Party);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    NdisAcquireSpinLock(&Adapter->Lock);
    InsertTailList(&Vc->Parties, &Party->Link);
    Vc->Call = McmCallMaking;
    Vc->Refused = FALSE;
    Vc->MakeParameters = CallParameters;
    Status = McmServe(Adapter, &Vc->Make, Adapter->Options.MakeCall);
    if (Status == NDIS_STATUS_SUCCESS && NdisPartyHandle != NULL) {
        *CallMgrPartyContext = Party;
    }
    return Status;
}

/* Either end asks for another quality of service. */
static NDIS_STATUS NTAPI McmModifyCallQoS(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PMCM_VC Vc = CallMgrVcContext;
    PMCM_ADAPTER Adapter = Vc->Adapter;

    NdisAcquireSpinLock(&Adapter->Lock);
    Vc->ModifyParameters = CallParameters;
    return McmServe(Adapter, &Vc->Modify, Adapter->Options.ModifyCallQoS);
}

/* Either end closes the call. This switch carries no data with that. */
static NDIS_STATUS NTAPI McmCloseCall(
    NDIS_HANDLE CallMgrVcContext,
    NDIS_HANDLE CallMgrPartyContext,
    PVOID CloseData,
    UINT Size)
{
    PMCM_VC Vc = CallMgrVcContext;
    PMCM_ADAPTER Adapter = Vc->Adapter;
    ULONG Mode;

    /* There is one party left, and the VC knows it. */
    UNREFERENCED_PARAMETER(CallMgrPartyContext);
    UNREFERENCED_PARAMETER(Size);
    if (CloseData != NULL) {
        return NDIS_STATUS_INVALID_DATA;
    }
    NdisAcquireSpinLock(&Adapter->Lock);
    if (McmHasSeveralParties(Vc)) {
        NdisReleaseSpinLock(&Adapter->Lock);
        return NDIS_STATUS_FAILURE;
    }
    /* Our VC is deleted as soon as its call is closed, and NDIS has to know that it is: by a
     * completion, for the return value of a handler is known only afterwards. */
    Mode = Adapter->Options.CloseCall;
    return McmServe(Adapter, &Vc->Close, Vc->Ours && Mode == 0 ? 2 : Mode);
}

static NDIS_STATUS NTAPI McmAddParty(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    PMCM_VC Vc = CallMgrVcContext;
    PMCM_ADAPTER Adapter = Vc->Adapter;
    PMCM_PARTY Party;
    NDIS_STATUS Status;

    Status = McmNewParty(Vc, NdisPartyHandle, CallParameters, &Party);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    NdisAcquireSpinLock(&Adapter->Lock);
    InsertTailList(&Vc->Parties, &Party->Link);
    Status = McmServe(Adapter, &Party->Add, Adapter->Options.AddParty);
    if (Status == NDIS_STATUS_SUCCESS) {
        *CallMgrPartyContext = Party;
    } else if (Status != NDIS_STATUS_PENDING) {
        NdisFreeMemory(Party, 0, 0);
    }
    return Status;
}

static NDIS_STATUS NTAPI McmDropParty(NDIS_HANDLE CallMgrPartyContext, PVOID CloseData, UINT Size)
{
    PMCM_PARTY Party = CallMgrPartyContext;
    PMCM_ADAPTER Adapter = Party->Vc->Adapter;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(Size);
    if (CloseData != NULL) {
        return NDIS_STATUS_INVALID_DATA;
    }
    NdisAcquireSpinLock(&Adapter->Lock);
    Status = McmServe(Adapter, &Party->Drop, Adapter->Options.DropParty);
    if (Status == NDIS_STATUS_SUCCESS) {
        NdisFreeMemory(Party, 0, 0);
    }
    return Status;
}

/* A client that had pended our offer has made up its mind. */
static VOID NTAPI McmIncomingCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PMCM_VC Vc = CallMgrVcContext;
    PMCM_ADAPTER Adapter = Vc->Adapter;

    NdisAcquireSpinLock(&Adapter->Lock);
    McmOfferAnswered(Vc, Status, CallParameters);
    McmUnlockAndSwitch(Adapter);
}

VOID McmSetSwitchHandlers(NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS *Handlers)
{
    Handlers->CmCreateVcHandler = McmCreateVc;
    Handlers->CmDeleteVcHandler = McmDeleteVc;
    Handlers->CmRegisterSapHandler = McmRegisterSap;
    Handlers->CmDeregisterSapHandler = McmDeregisterSap;
    Handlers->CmMakeCallHandler = McmMakeCall;
    Handlers->CmCloseCallHandler = McmCloseCall;
    Handlers->CmIncomingCallCompleteHandler = McmIncomingCallComplete;
    Handlers->CmAddPartyHandler = McmAddParty;
    Handlers->CmDropPartyHandler = McmDropParty;
    Handlers->CmActivateVcCompleteHandler = McmActivateVcComplete;
    Handlers->CmDeactivateVcCompleteHandler = McmDeactivateVcComplete;
    Handlers->CmModifyCallQoSHandler = McmModifyCallQoS;
}
