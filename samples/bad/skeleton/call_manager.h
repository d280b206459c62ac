/*
 * call_manager.h - the call-manager half of cm.h and mcm.h: address families (AFs), which open and
 * close at once, and the close notification. One of those two headers is what a driver includes; read
 * samples/bad/README.md first. call_manager_calls.h has SAPs, VCs and calls, for a driver that wants
 * them.
 *
 * An MCM's NdisMCmXxx completions and notifications are macros over the NdisCmXxx functions used here.
 *
 * Locking: one spin lock per port, never held across a call into NDIS that can call back.
 */
#ifndef SKELETON_CALL_MANAGER_H
#define SKELETON_CALL_MANAGER_H

#include <ndis.h>

#define CM_POOL_TAG 'bCoC'

/* What AFs are opened on: a bound adapter of a call manager, an adapter of an MCM. */
typedef struct _CM_PORT {
    NDIS_HANDLE NdisHandle; /* of the protocol, or of the adapter */
    NDIS_SPIN_LOCK Lock;
    /* Under the lock: */
    LIST_ENTRY Afs;
    BOOLEAN Closing; /* no AF can be opened any more */
    /* Set whenever an AF has gone. */
    NDIS_EVENT Changed;
} CM_PORT, *PCM_PORT;

/* One AF as one client has it open. */
typedef struct _CM_AF {
    LIST_ENTRY Link; /* in CM_PORT.Afs as long as it exists */
    PCM_PORT Port;
    NDIS_HANDLE NdisAfHandle;
    /* One until the AF is closed, one for a notification until it is over, one for the call that
     * makes it. */
    ULONG References;
    BOOLEAN Closing;
    BOOLEAN Notified;
    /* The notifying call has not returned, and needs the handle. A close that arrives meanwhile is
     * held until it has. */
    BOOLEAN Notifying;
    BOOLEAN CloseHeld;
    /* For a driver that refuses a close: it has done so. */
    BOOLEAN CloseRefused;
    /* VCs on it. A close waits for ours, as it does for a notifying call. */
    ULONG Vcs;
} CM_AF, *PCM_AF;

#ifdef CM_CALLS
typedef struct _CM_SAP {
    PCM_AF Af;
    NDIS_HANDLE NdisSapHandle;
} CM_SAP, *PCM_SAP;

typedef struct _CM_VC CM_VC, *PCM_VC;

/* What follows an activation or deactivation. */
typedef VOID CM_THEN(PCM_VC Vc, NDIS_STATUS Status);

typedef struct _CM_PARTY {
    PCM_VC Vc;
    NDIS_HANDLE NdisPartyHandle;
} CM_PARTY, *PCM_PARTY;

struct _CM_VC {
    PCM_AF Af;
    NDIS_HANDLE NdisVcHandle;
    BOOLEAN Ours; /* created for a call of the far end */
    PCO_CALL_PARAMETERS CallParameters; /* of the last activation */
    /* Under the lock. Something is being done to the VC, and this follows; the client's close waits for
     * it. */
    CM_THEN *Then;
    BOOLEAN CloseWaits;
    PCM_PARTY Party; /* the one that the call is made to, or closed with */
    /* Ours: */
    PCM_SAP Sap;
    CO_CALL_PARAMETERS Offer;
    CO_CALL_MANAGER_PARAMETERS OfferCallMgr;
    CO_MEDIA_PARAMETERS OfferMedia;
};
#endif

/* cm.h and mcm.h know what NDIS was given as the context of a binding, or of an adapter. */
static PCM_PORT CmPortOf(NDIS_HANDLE CallMgrBindingContext);

static PROTOCOL_CM_OPEN_AF ProtocolCmOpenAf;
static PROTOCOL_CM_CLOSE_AF ProtocolCmCloseAf;
static PROTOCOL_CM_NOTIFY_CLOSE_AF_COMPLETE ProtocolCmNotifyCloseAfComplete;

/* --- AFs --------------------------------------------------------------------------------------- */

static VOID CmInitializePort(PCM_PORT Port, NDIS_HANDLE NdisHandle)
{
    Port->NdisHandle = NdisHandle;
    NdisAllocateSpinLock(&Port->Lock);
    InitializeListHead(&Port->Afs);
    NdisInitializeEvent(&Port->Changed);
}

/* From here on no AF is opened. */
static inline VOID CmClosePort(PCM_PORT Port)
{
    NdisAcquireSpinLock(&Port->Lock);
    Port->Closing = TRUE;
    NdisReleaseSpinLock(&Port->Lock);
}

/* Waits until every AF is closed and every notification is over. PASSIVE_LEVEL. */
static inline VOID CmWaitForAfs(PCM_PORT Port)
{
    for (;;) {
        BOOLEAN Idle;

        /* Before looking, so that a change after the look is not lost. */
        NdisResetEvent(&Port->Changed);
        NdisAcquireSpinLock(&Port->Lock);
        Idle = IsListEmpty(&Port->Afs);
        NdisReleaseSpinLock(&Port->Lock);
        if (Idle) {
            return;
        }
        NdisWaitEvent(&Port->Changed, 0);
    }
}

/* NULL if memory is short or the port closes. */
static inline PCM_AF CmCreateAf(PCM_PORT Port, NDIS_HANDLE NdisAfHandle)
{
    PCM_AF Af = NdisAllocateMemoryWithTagPriority(
        Port->NdisHandle, sizeof(*Af), CM_POOL_TAG, NormalPoolPriority);
    BOOLEAN Closing;

    if (Af == NULL) {
        return NULL;
    }
    NdisZeroMemory(Af, sizeof(*Af));
    Af->Port = Port;
    Af->NdisAfHandle = NdisAfHandle;
    Af->References = 1;
    NdisAcquireSpinLock(&Port->Lock);
    Closing = Port->Closing;
    if (!Closing) {
        InsertTailList(&Port->Afs, &Af->Link);
    }
    NdisReleaseSpinLock(&Port->Lock);
    if (Closing) {
        NdisFreeMemory(Af, 0, 0);
        return NULL;
    }
    return Af;
}

static inline VOID CmReleaseAf(PCM_AF Af)
{
    PCM_PORT Port = Af->Port;

    NdisAcquireSpinLock(&Port->Lock);
    Af->References--;
    if (Af->References == 0) {
        RemoveEntryList(&Af->Link);
        NdisFreeMemory(Af, 0, 0);
        /* Under the lock: whoever waits for this frees the port. */
        NdisSetEvent(&Port->Changed);
    }
    NdisReleaseSpinLock(&Port->Lock);
}

#ifndef OWN_CM_OPEN_AF
static NDIS_STATUS NTAPI ProtocolCmOpenAf(
    NDIS_HANDLE CallMgrBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily,
    NDIS_HANDLE NdisAfHandle,
    PNDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CmCreateAf(CmPortOf(CallMgrBindingContext), NdisAfHandle);

    UNREFERENCED_PARAMETER(AddressFamily);
    *CallMgrAfContext = Af;
    return Af != NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_RESOURCES;
}
#endif

/* --- closing ----------------------------------------------------------------------------------- */

/* TRUE if the close has to pend, because the thread that notifies this client still needs the handle;
 * that thread completes it. */
static inline BOOLEAN CmHoldClose(PCM_AF Af)
{
    PCM_PORT Port = Af->Port;
    BOOLEAN Hold;

    NdisAcquireSpinLock(&Port->Lock);
    Af->Closing = TRUE;
    Hold = Af->Notifying || Af->Vcs != 0;
    Af->CloseHeld = Hold;
    NdisReleaseSpinLock(&Port->Lock);
    return Hold;
}

/* Completes a close that pends. */
static inline VOID CmCompleteClose(PCM_AF Af)
{
    NdisCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, Af->NdisAfHandle);
    CmReleaseAf(Af);
}

#ifndef OWN_CM_CLOSE_AF
static NDIS_STATUS NTAPI ProtocolCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CallMgrAfContext;

    if (CmHoldClose(Af)) {
        return NDIS_STATUS_PENDING;
    }
    CmReleaseAf(Af);
    return NDIS_STATUS_SUCCESS;
}
#endif

/* Asks one client to close its AF; the caller has set Notified and Notifying, and taken two
 * references. PASSIVE_LEVEL. */
static inline VOID CmNotifyAf(PCM_AF Af)
{
    PCM_PORT Port = Af->Port;
    NDIS_STATUS Status;
    BOOLEAN CloseHeld;

    Status = NdisCmNotifyCloseAddressFamily(Af->NdisAfHandle);
    NdisAcquireSpinLock(&Port->Lock);
    Af->Notifying = FALSE;
    CloseHeld = Af->CloseHeld && Af->Vcs == 0;
    if (CloseHeld) {
        Af->CloseHeld = FALSE;
    }
    NdisReleaseSpinLock(&Port->Lock);
    if (CloseHeld) {
        CmCompleteClose(Af);
    }
    /* Anything but NDIS_STATUS_PENDING is the end of it, and no completion follows. */
    if (Status != NDIS_STATUS_PENDING) {
        CmReleaseAf(Af);
    }
    CmReleaseAf(Af);
}

/* Finds an AF whose client is still to be told, for CmNotifyAf. */
static inline PCM_AF CmTakeAfToNotify(PCM_PORT Port)
{
    PCM_AF Taken = NULL;
    PLIST_ENTRY Entry;

    NdisAcquireSpinLock(&Port->Lock);
    for (Entry = Port->Afs.Flink; Taken == NULL && Entry != &Port->Afs; Entry = Entry->Flink) {
        PCM_AF Af = CONTAINING_RECORD(Entry, CM_AF, Link);

        if (!Af->Closing && !Af->Notified) {
            Af->Notified = TRUE;
            Af->Notifying = TRUE;
            Af->References += 2;
            Taken = Af;
        }
    }
    NdisReleaseSpinLock(&Port->Lock);
    return Taken;
}

/* One notification for each AF that is open. PASSIVE_LEVEL. */
static inline VOID CmNotifyAll(PCM_PORT Port)
{
    PCM_AF Af;

    while ((Af = CmTakeAfToNotify(Port)) != NULL) {
        CmNotifyAf(Af);
    }
}

#ifndef OWN_CM_NOTIFY_CLOSE_AF_COMPLETE
/* A notification that pended is over. If the client has refused, the AF closes with its unbind. */
static VOID NTAPI ProtocolCmNotifyCloseAfComplete(NDIS_HANDLE CallMgrAfContext, NDIS_STATUS Status)
{
    UNREFERENCED_PARAMETER(Status);
    CmReleaseAf(CallMgrAfContext);
}
#endif

/* --- not supported: every handler has to be there ---------------------------------------------- */

#ifdef CM_CALLS
#include "call_manager_calls.h"
#else
static NDIS_STATUS NTAPI ProtocolCoCreateVc(NDIS_HANDLE, NDIS_HANDLE, PNDIS_HANDLE)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI ProtocolCoDeleteVc(NDIS_HANDLE)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI ProtocolCmRegisterSap(NDIS_HANDLE, PCO_SAP, NDIS_HANDLE, PNDIS_HANDLE)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI ProtocolCmDeregisterSap(NDIS_HANDLE)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI ProtocolCmMakeCall(
    NDIS_HANDLE, PCO_CALL_PARAMETERS, NDIS_HANDLE, PNDIS_HANDLE)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI ProtocolCmCloseCall(NDIS_HANDLE, NDIS_HANDLE, PVOID, UINT)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI ProtocolCmIncomingCallComplete(NDIS_STATUS, NDIS_HANDLE, PCO_CALL_PARAMETERS)
{
}

static NDIS_STATUS NTAPI ProtocolCmAddParty(
    NDIS_HANDLE, PCO_CALL_PARAMETERS, NDIS_HANDLE, PNDIS_HANDLE)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI ProtocolCmDropParty(NDIS_HANDLE, PVOID, UINT)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI ProtocolCmActivateVcComplete(NDIS_STATUS, NDIS_HANDLE, PCO_CALL_PARAMETERS)
{
}

static VOID NTAPI ProtocolCmDeactivateVcComplete(NDIS_STATUS, NDIS_HANDLE)
{
}

static NDIS_STATUS NTAPI ProtocolCmModifyCallQoS(NDIS_HANDLE, PCO_CALL_PARAMETERS)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}
#endif

static NDIS_STATUS NTAPI ProtocolCoOidRequest(
    NDIS_HANDLE, NDIS_HANDLE, NDIS_HANDLE, PNDIS_OID_REQUEST)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI ProtocolCoOidRequestComplete(
    NDIS_HANDLE, NDIS_HANDLE, NDIS_HANDLE, PNDIS_OID_REQUEST, NDIS_STATUS)
{
}

/* --- registration ------------------------------------------------------------------------------ */

static NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS CmHandlers = {
    .Header = {
        NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS,
        NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1,
        NDIS_SIZEOF_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1,
    },
    .CmCreateVcHandler = ProtocolCoCreateVc,
    .CmDeleteVcHandler = ProtocolCoDeleteVc,
    .CmOpenAfHandler = ProtocolCmOpenAf,
    .CmCloseAfHandler = ProtocolCmCloseAf,
    .CmRegisterSapHandler = ProtocolCmRegisterSap,
    .CmDeregisterSapHandler = ProtocolCmDeregisterSap,
    .CmMakeCallHandler = ProtocolCmMakeCall,
    .CmCloseCallHandler = ProtocolCmCloseCall,
    .CmIncomingCallCompleteHandler = ProtocolCmIncomingCallComplete,
    .CmAddPartyHandler = ProtocolCmAddParty,
    .CmDropPartyHandler = ProtocolCmDropParty,
    .CmActivateVcCompleteHandler = ProtocolCmActivateVcComplete,
    .CmDeactivateVcCompleteHandler = ProtocolCmDeactivateVcComplete,
    .CmModifyCallQoSHandler = ProtocolCmModifyCallQoS,
    .CmOidRequestHandler = ProtocolCoOidRequest,
    .CmOidRequestCompleteHandler = ProtocolCoOidRequestComplete,
    .CmNotifyCloseAfCompleteHandler = ProtocolCmNotifyCloseAfComplete,
};

#endif /* SKELETON_CALL_MANAGER_H */
