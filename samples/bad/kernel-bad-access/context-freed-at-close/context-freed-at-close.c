/*
 * An MCM that frees its AF context when the AF is closed, although its own notification is not over.
 *
 * Rule: kernel-bad-access. Pages: nc-ndis-protocol_cm_notify_close_af_complete,
 * nf-ndis-ndisclnotifycloseaddressfamilycomplete.
 */
#define OWN_CM_CLOSE_AF
#define OWN_CM_NOTIFY_CLOSE_AF_COMPLETE
#define OWN_MINIPORT_DEVICE_PNP_EVENT_NOTIFY
#include "../../skeleton/mcm.h"

/*
 * FAULT: a client completes the notification after its close is over, so ProtocolCmCloseAf comes
 * first, and ProtocolCmNotifyCloseAfComplete second, with the same CallMgrAfContext.
 *
 * Right: a notification holds a reference of its own to the context, from the call on; whichever of
 * the two ends last frees it. This is what the references of CM_AF are for.
 */
static NDIS_STATUS NTAPI ProtocolCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CallMgrAfContext;

    CmReleaseAf(Af); /* the only one */
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI ProtocolCmNotifyCloseAfComplete(NDIS_HANDLE CallMgrAfContext, NDIS_STATUS Status)
{
    PCM_AF Af = CallMgrAfContext;

    UNREFERENCED_PARAMETER(Status);
    /* Af is memory that has been freed, and Port whatever is there now. */
    if (Af->Port->Closing) {
        NdisSetEvent(&Af->Port->Changed);
    }
}

static VOID NTAPI MiniportDevicePnPEventNotify(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_DEVICE_PNP_EVENT NetDevicePnPEvent)
{
    PCM_PORT Port = MiniportAdapterContext;
    NDIS_HANDLE NdisAfHandle = NULL;

    if (NetDevicePnPEvent->DevicePnPEvent != NdisDevicePnPEventSurpriseRemoved) {
        return;
    }
    /* One client, to keep the sample short. */
    NdisAcquireSpinLock(&Port->Lock);
    if (!IsListEmpty(&Port->Afs)) {
        NdisAfHandle = CONTAINING_RECORD(Port->Afs.Flink, CM_AF, Link)->NdisAfHandle;
    }
    NdisReleaseSpinLock(&Port->Lock);
    if (NdisAfHandle != NULL) {
        NdisMCmNotifyCloseAddressFamily(NdisAfHandle);
    }
}
