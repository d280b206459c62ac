/*
 * A client that reports a finished close before it has closed.
 *
 * Rule: af-notify-complete-after-close. Pages: nc-ndis-protocol_cl_notify_close_af,
 * nf-ndis-ndisclnotifycloseaddressfamilycomplete.
 *
 * A note, because no page says in so many words that the completion may not come earlier (open question
 * af-q-notify-complete-before-close).
 */
#define OWN_PROTOCOL_CL_NOTIFY_CLOSE_AF
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolClNotifyCloseAf(NDIS_HANDLE ClientAfContext)
{
    NDIS_HANDLE NdisAfHandle;
    PCLIENT_AF Af;

    NdisAcquireSpinLock(&ClientLock);
    Af = ClientFindAf(ClientAfContext);
    if (Af == NULL || Af->State != ClientAfOpen) {
        if (Af != NULL) {
            Af->NotifyPending = TRUE; /* being closed already; ClientAfClosed completes it */
        }
        NdisReleaseSpinLock(&ClientLock);
        return Af != NULL ? NDIS_STATUS_PENDING : NDIS_STATUS_SUCCESS;
    }
    Af->State = ClientAfClosing;
    NdisAfHandle = Af->NdisAfHandle;
    NdisReleaseSpinLock(&ClientLock);
    /*
     * FAULT: success means that the AF is closed, and it is not. The call manager may now free all
     * that belongs to it, and close its adapter.
     *
     * Right: close first, and complete the notification when the close is over: when
     * NdisClCloseAddressFamily has returned success, or in ProtocolClCloseAfComplete. Only a failure,
     * which refuses the notification, may be reported at any time.
     */
    NdisClNotifyCloseAddressFamilyComplete(NdisAfHandle, NDIS_STATUS_SUCCESS);
    ClientCloseAf(Af);
    return NDIS_STATUS_PENDING;
}
