/*
 * A client that closes its AF again when the close is over.
 *
 * Rule: af-close-handle-invalid. Pages: nf-ndis-ndisclcloseaddressfamily,
 * nc-ndis-protocol_cl_close_af_complete.
 */
#define OWN_CLIENT_AF_CLOSED
#include "../../skeleton/client.h"

/* Everything that an AF may have left is undone here. */
static VOID ClientCleanUpAf(PCLIENT_AF Af)
{
    /*
     * FAULT: "if there is a handle, close it", but the AF has just been closed, and the handle has
     * been dead since NdisClCloseAddressFamily was called for it. The AF may be gone, or the value
     * may mean something else by now.
     *
     * Right: set the handle to NULL with the call that closes it. The only use that is left is
     * NdisClNotifyCloseAddressFamilyComplete, if a notification asked for this close.
     */
    if (Af->NdisAfHandle != NULL) {
        NdisClCloseAddressFamily(Af->NdisAfHandle);
    }
}

static VOID ClientAfClosed(PCLIENT_AF Af)
{
    BOOLEAN Notify;

    NdisAcquireSpinLock(&ClientLock);
    RemoveEntryList(&Af->Link);
    Notify = Af->NotifyPending;
    NdisReleaseSpinLock(&ClientLock);
    ClientCleanUpAf(Af);
    if (Notify) {
        NdisClNotifyCloseAddressFamilyComplete(Af->NdisAfHandle, NDIS_STATUS_SUCCESS);
    }
    ClientFreeAf(Af);
}
