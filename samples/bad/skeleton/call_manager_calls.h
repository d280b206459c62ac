/*
 * call_manager_calls.h - the part of call_manager.h for call managers with calls: SAPs, VCs, calls and
 * parties. A driver that wants it defines CM_CALLS before it includes cm.h or mcm.h. The far end is a
 * network that takes every call; with CM_OFFERS it also makes one call to each SAP that is registered.
 *
 * Everything is answered at once, unless the miniport pends. Then VC.Then says what follows, and the
 * client's close waits. A close is always completed inside the handler or later, so that NDIS knows of
 * it before our own VC is deleted.
 */
#ifndef SKELETON_CALL_MANAGER_CALLS_H
#define SKELETON_CALL_MANAGER_CALLS_H

/* cm.h and mcm.h have these: a stand-alone call manager activates VCs through the miniport, an MCM
 * tells NDIS that it has done so. */
static NDIS_STATUS CmNdisCreateVc(PCM_VC Vc);
static NDIS_STATUS CmNdisDeleteVc(PCM_VC Vc);
static NDIS_STATUS CmNdisActivateVc(PCM_VC Vc, PCO_CALL_PARAMETERS CallParameters);
static NDIS_STATUS CmNdisDeactivateVc(PCM_VC Vc);

static PROTOCOL_CO_DELETE_VC ProtocolCoDeleteVc;
static PROTOCOL_CM_REG_SAP ProtocolCmRegisterSap;
static PROTOCOL_CM_DEREGISTER_SAP ProtocolCmDeregisterSap;
static PROTOCOL_CM_MAKE_CALL ProtocolCmMakeCall;
static PROTOCOL_CM_MODIFY_QOS_CALL ProtocolCmModifyCallQoS;
static PROTOCOL_CM_CLOSE_CALL ProtocolCmCloseCall;
static PROTOCOL_CM_ADD_PARTY ProtocolCmAddParty;
static PROTOCOL_CM_DROP_PARTY ProtocolCmDropParty;
static inline CM_THEN CmCallMade;
static CM_THEN CmCallClosed;
static VOID CmDeactivate(PCM_VC Vc);
#ifdef CM_OFFERS
static CM_THEN CmOfferCall;
static CM_THEN CmAnswered;
static VOID CmOffer(PCM_SAP Sap);
#endif

/* --- VCs --------------------------------------------------------------------------------------- */

static PCM_VC CmCreateVc(PCM_AF Af)
{
    PCM_VC Vc = NdisAllocateMemoryWithTagPriority(
        Af->Port->NdisHandle, sizeof(*Vc), CM_POOL_TAG, NormalPoolPriority);

    if (Vc == NULL) {
        return NULL;
    }
    NdisZeroMemory(Vc, sizeof(*Vc));
    Vc->Af = Af;
    NdisAcquireSpinLock(&Af->Port->Lock);
    Af->Vcs++;
    NdisReleaseSpinLock(&Af->Port->Lock);
    return Vc;
}

/* A close of the AF may have waited for this. */
static VOID CmFreeVc(PCM_VC Vc)
{
    PCM_AF Af = Vc->Af;
    BOOLEAN Close;

    NdisFreeMemory(Vc, 0, 0);
    NdisAcquireSpinLock(&Af->Port->Lock);
    Af->Vcs--;
    Close = Af->Vcs == 0 && Af->CloseHeld && !Af->Notifying;
    if (Close) {
        Af->CloseHeld = FALSE;
    }
    NdisReleaseSpinLock(&Af->Port->Lock);
    if (Close) {
        CmCompleteClose(Af);
    }
}

static NDIS_STATUS NTAPI ProtocolCoCreateVc(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE ProtocolVcContext)
{
    PCM_VC Vc = CmCreateVc(ProtocolAfContext);

    if (Vc == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Vc->NdisVcHandle = NdisVcHandle;
    *ProtocolVcContext = Vc;
    return NDIS_STATUS_SUCCESS;
}

#ifndef OWN_PROTOCOL_CO_DELETE_VC
static NDIS_STATUS NTAPI ProtocolCoDeleteVc(NDIS_HANDLE ProtocolVcContext)
{
    CmFreeVc(ProtocolVcContext);
    return NDIS_STATUS_SUCCESS;
}
#endif

/* Something is to be done to the VC: Then follows it. FALSE if something else is being done. */
static inline BOOLEAN CmBegin(PCM_VC Vc, CM_THEN *Then)
{
    BOOLEAN Idle;

    NdisAcquireSpinLock(&Vc->Af->Port->Lock);
    Idle = Vc->Then == NULL;
    if (Idle) {
        Vc->Then = Then;
    }
    NdisReleaseSpinLock(&Vc->Af->Port->Lock);
    return Idle;
}

/* It has been done. If the client's close waits for that it is next, and keeps the VC; TRUE then. */
static inline BOOLEAN CmEnd(PCM_VC Vc)
{
    BOOLEAN CloseWaits;

    NdisAcquireSpinLock(&Vc->Af->Port->Lock);
    CloseWaits = Vc->CloseWaits;
    Vc->CloseWaits = FALSE;
    Vc->Then = CloseWaits ? CmCallClosed : NULL;
    NdisReleaseSpinLock(&Vc->Af->Port->Lock);
    return CloseWaits;
}

/* The end of an activation or deactivation. The VC may be gone when this returns. */
static VOID CmVcEnded(PCM_VC Vc, NDIS_STATUS Status)
{
    CM_THEN *Then = Vc->Then;
    BOOLEAN CloseWaits = CmEnd(Vc);

    Then(Vc, Status);
    if (CloseWaits) {
        CmDeactivate(Vc);
    }
}

/* Whoever deactivates has said what follows; this calls it, now or later. */
static VOID CmDeactivate(PCM_VC Vc)
{
    NDIS_STATUS Status = CmNdisDeactivateVc(Vc);

    if (Status != NDIS_STATUS_PENDING) {
        CmVcEnded(Vc, Status);
    }
}

/* NDIS_STATUS_PENDING: Then is called later, or has been. The VC may be gone when this returns. */
static inline NDIS_STATUS CmActivate(PCM_VC Vc, PCO_CALL_PARAMETERS CallParameters, CM_THEN *Then)
{
    NDIS_STATUS Status;

    if (!CmBegin(Vc, Then)) {
        return NDIS_STATUS_FAILURE;
    }
    Vc->CallParameters = CallParameters;
    Status = CmNdisActivateVc(Vc, CallParameters);
    if (Status != NDIS_STATUS_PENDING && CmEnd(Vc)) {
        CmDeactivate(Vc);
    }
    return Status;
}

static VOID NTAPI ProtocolCmActivateVcComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(CallParameters);
    CmVcEnded(CallMgrVcContext, Status);
}

static VOID NTAPI ProtocolCmDeactivateVcComplete(NDIS_STATUS Status, NDIS_HANDLE CallMgrVcContext)
{
    CmVcEnded(CallMgrVcContext, Status);
}

/* --- SAPs -------------------------------------------------------------------------------------- */

#ifndef OWN_PROTOCOL_CM_REGISTER_SAP
static NDIS_STATUS NTAPI ProtocolCmRegisterSap(
    NDIS_HANDLE CallMgrAfContext,
    PCO_SAP Specification,
    NDIS_HANDLE NdisSapHandle,
    PNDIS_HANDLE CallMgrSapContext)
{
    PCM_AF Af = CallMgrAfContext;
    PCM_SAP Sap = NdisAllocateMemoryWithTagPriority(
        Af->Port->NdisHandle, sizeof(*Sap), CM_POOL_TAG, NormalPoolPriority);

    UNREFERENCED_PARAMETER(Specification);
    if (Sap == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Sap->Af = Af;
    Sap->NdisSapHandle = NdisSapHandle;
    *CallMgrSapContext = Sap;
#ifdef CM_OFFERS
    CmOffer(Sap);
#endif
    return NDIS_STATUS_SUCCESS;
}
#endif

#ifndef OWN_PROTOCOL_CM_DEREGISTER_SAP
static NDIS_STATUS NTAPI ProtocolCmDeregisterSap(NDIS_HANDLE CallMgrSapContext)
{
    NdisFreeMemory(CallMgrSapContext, 0, 0);
    return NDIS_STATUS_SUCCESS;
}
#endif

/* --- calls of the client ----------------------------------------------------------------------- */

/* A party that the call has. */
static inline PCM_PARTY CmCreateParty(PCM_VC Vc, NDIS_HANDLE NdisPartyHandle)
{
    PCM_PARTY Party = NdisAllocateMemoryWithTagPriority(
        Vc->Af->Port->NdisHandle, sizeof(*Party), CM_POOL_TAG, NormalPoolPriority);

    if (Party != NULL) {
        Party->Vc = Vc;
        Party->NdisPartyHandle = NdisPartyHandle;
    }
    return Party;
}

#ifndef OWN_CM_CALL_MADE
static inline VOID CmCallMade(PCM_VC Vc, NDIS_STATUS Status)
{
    PCM_PARTY Party = Vc->Party;
    NDIS_HANDLE NdisPartyHandle = Party != NULL ? Party->NdisPartyHandle : NULL;

    NdisCmMakeCallComplete(Status, Vc->NdisVcHandle, NdisPartyHandle, Party, Vc->CallParameters);
    if (Status != NDIS_STATUS_SUCCESS && Party != NULL) {
        NdisFreeMemory(Party, 0, 0);
    }
}
#endif

#ifndef OWN_PROTOCOL_CM_MAKE_CALL
static NDIS_STATUS NTAPI ProtocolCmMakeCall(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    PCM_VC Vc = CallMgrVcContext;
    PCM_PARTY Party = NULL;
    NDIS_STATUS Status;

    if (NdisPartyHandle != NULL) {
        Party = CmCreateParty(Vc, NdisPartyHandle);
        if (Party == NULL) {
            return NDIS_STATUS_RESOURCES;
        }
    }
    Vc->Party = Party;
    Status = CmActivate(Vc, CallParameters, CmCallMade);
    if (Status == NDIS_STATUS_SUCCESS) {
        *CallMgrPartyContext = Party;
    } else if (Status != NDIS_STATUS_PENDING && Party != NULL) {
        NdisFreeMemory(Party, 0, 0);
    }
    return Status;
}
#endif

static inline VOID CmQoSModified(PCM_VC Vc, NDIS_STATUS Status)
{
    /* A miniport that refuses leaves the old parameters in force. */
    NdisCmModifyCallQoSComplete(
        Status == NDIS_STATUS_SUCCESS ? Status : NDIS_STATUS_FAILURE,
        Vc->NdisVcHandle,
        Vc->CallParameters);
}

#ifndef OWN_PROTOCOL_CM_MODIFY_CALL_QOS
static NDIS_STATUS NTAPI ProtocolCmModifyCallQoS(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    return CmActivate(CallMgrVcContext, CallParameters, CmQoSModified);
}
#endif

#ifndef OWN_PROTOCOL_CM_ADD_PARTY
static NDIS_STATUS NTAPI ProtocolCmAddParty(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    PCM_PARTY Party = CmCreateParty(CallMgrVcContext, NdisPartyHandle);

    UNREFERENCED_PARAMETER(CallParameters);
    *CallMgrPartyContext = Party;
    return Party != NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_RESOURCES;
}
#endif

#ifndef OWN_PROTOCOL_CM_DROP_PARTY
static NDIS_STATUS NTAPI ProtocolCmDropParty(
    NDIS_HANDLE CallMgrPartyContext,
    PVOID CloseData,
    UINT Size)
{
    UNREFERENCED_PARAMETER(Size);
    if (CloseData != NULL) {
        return NDIS_STATUS_INVALID_DATA;
    }
    NdisFreeMemory(CallMgrPartyContext, 0, 0);
    return NDIS_STATUS_SUCCESS;
}
#endif

/* --- closing a call ---------------------------------------------------------------------------- */

#ifndef OWN_CM_CALL_CLOSED
/* The VC is inactive. A client's VC is deleted by the client, which may do so inside the completion;
 * ours is ours to delete. */
static VOID CmCallClosed(PCM_VC Vc, NDIS_STATUS Status)
{
    PCM_PARTY Last = Vc->Party;
    BOOLEAN Ours = Vc->Ours;

    NdisCmCloseCallComplete(Status, Vc->NdisVcHandle, Last != NULL ? Last->NdisPartyHandle : NULL);
    if (Last != NULL) {
        NdisFreeMemory(Last, 0, 0);
    }
    if (Ours) {
        CmNdisDeleteVc(Vc);
        CmFreeVc(Vc);
    }
}
#endif

#ifndef OWN_PROTOCOL_CM_CLOSE_CALL
static NDIS_STATUS NTAPI ProtocolCmCloseCall(
    NDIS_HANDLE CallMgrVcContext,
    NDIS_HANDLE CallMgrPartyContext,
    PVOID CloseData,
    UINT Size)
{
    PCM_VC Vc = CallMgrVcContext;
    BOOLEAN Deactivate = FALSE;

    UNREFERENCED_PARAMETER(Size);
    if (CloseData != NULL) {
        return NDIS_STATUS_INVALID_DATA;
    }
    NdisAcquireSpinLock(&Vc->Af->Port->Lock);
    Vc->Party = CallMgrPartyContext;
    Vc->CloseWaits = Vc->Then != NULL;
    if (!Vc->CloseWaits) {
        Vc->Then = CmCallClosed;
        Deactivate = TRUE;
    }
    NdisReleaseSpinLock(&Vc->Af->Port->Lock);
    if (Deactivate) {
        CmDeactivate(Vc);
    }
    return NDIS_STATUS_PENDING;
}
#endif

/* --- a call that the far end makes ------------------------------------------------------------- */

#ifdef CM_OFFERS
static VOID CmOfferGivenUp(PCM_VC Vc, NDIS_STATUS Status)
{
    UNREFERENCED_PARAMETER(Status);
    CmNdisDeleteVc(Vc);
    CmFreeVc(Vc);
}

#ifndef OWN_CM_ANSWERED
/* The far end is content with whatever the client answers. */
static VOID CmAnswered(PCM_VC Vc, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        NdisCmDispatchCallConnected(Vc->NdisVcHandle);
        return;
    }
    Vc->Then = CmOfferGivenUp;
    CmDeactivate(Vc);
}
#endif

#ifndef OWN_CM_OFFER_CALL
/* The VC is active. */
static VOID CmOfferCall(PCM_VC Vc, NDIS_STATUS Status)
{
    if (Status != NDIS_STATUS_SUCCESS) {
        CmOfferGivenUp(Vc, Status);
        return;
    }
    Status = NdisCmDispatchIncomingCall(Vc->Sap->NdisSapHandle, Vc->NdisVcHandle, &Vc->Offer);
    if (Status != NDIS_STATUS_PENDING) {
        CmAnswered(Vc, Status);
    }
}
#endif

/* The client has to be ready for calls as soon as it asks for the registration. */
static VOID CmOffer(PCM_SAP Sap)
{
    PCM_VC Vc = CmCreateVc(Sap->Af);
    NDIS_STATUS Status;

    if (Vc == NULL) {
        return;
    }
    Vc->Ours = TRUE;
    Vc->Sap = Sap;
    Vc->Offer.CallMgrParameters = &Vc->OfferCallMgr;
    Vc->Offer.MediaParameters = &Vc->OfferMedia;
    Vc->OfferCallMgr.Transmit.PeakBandwidth = 8000;
    Vc->OfferCallMgr.Receive.PeakBandwidth = 8000;
    if (CmNdisCreateVc(Vc) != NDIS_STATUS_SUCCESS) {
        CmFreeVc(Vc);
        return;
    }
    Status = CmActivate(Vc, &Vc->Offer, CmOfferCall);
    if (Status != NDIS_STATUS_PENDING) {
        CmOfferCall(Vc, Status);
    }
}
#endif

static VOID NTAPI ProtocolCmIncomingCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(CallParameters);
#ifdef CM_OFFERS
    CmAnswered(CallMgrVcContext, Status);
#else
    UNREFERENCED_PARAMETER(CallMgrVcContext);
    UNREFERENCED_PARAMETER(Status);
#endif
}

#endif /* SKELETON_CALL_MANAGER_CALLS_H */
