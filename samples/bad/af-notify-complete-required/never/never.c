/*
 * A client that never completes a notification which it has pended.
 *
 * Rule: af-notify-complete-required. Pages: nc-ndis-protocol_cl_notify_close_af,
 * nf-ndis-ndisclnotifycloseaddressfamilycomplete.
 */
#define OWN_CLIENT_AF_CLOSED
#include "../../skeleton/client.h"

static VOID ClientAfClosed(PCLIENT_AF Af)
{
    NdisAcquireSpinLock(&ClientLock);
    RemoveEntryList(&Af->Link);
    NdisReleaseSpinLock(&ClientLock);
    /*
     * FAULT: the AF is closed, and that is where this client stops. If ProtocolClNotifyCloseAf has
     * returned NDIS_STATUS_PENDING, the call manager keeps its context and waits for
     * ProtocolCmNotifyCloseAfComplete; its halt or unbind may never end.
     *
     * Right: if (Af->NotifyPending), call NdisClNotifyCloseAddressFamilyComplete(Af->NdisAfHandle,
     * NDIS_STATUS_SUCCESS) here. The handle is good for that, although the AF is closed.
     */
    ClientFreeAf(Af);
}
