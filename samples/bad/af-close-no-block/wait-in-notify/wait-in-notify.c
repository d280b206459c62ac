/*
 * A client that waits for the end of its close inside the notification: a deadlock.
 *
 * Rule: af-close-no-block. Pages: nf-ndis-ndisclcloseaddressfamily, nc-ndis-protocol_cl_notify_close_af.
 *
 * It needs a call manager that completes the close only after its own notify call has returned. That is
 * its right: then it knows that it uses the AF handle no more. samples/good/mcm does so with
 * CloseAf = 7 (scenario.toml); with 0 it does when the close comes on another thread.
 */
#define OWN_PROTOCOL_CL_CLOSE_AF_COMPLETE
#define OWN_PROTOCOL_CL_NOTIFY_CLOSE_AF
#include "../../skeleton/client.h"

/* The AF that the notification waits for, and how it ended. */
static PCLIENT_AF ClientAwaited;
static NDIS_EVENT ClientAwaitedClosed;
static NDIS_STATUS ClientAwaitedStatus;

static VOID NTAPI ProtocolClCloseAfComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolAfContext)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolAfContext);

    if (Af == ClientAwaited) {
        ClientAwaitedStatus = Status;
        NdisSetEvent(&ClientAwaitedClosed);
    } else {
        ClientCloseAttempted(Af, Status);
    }
}

static NDIS_STATUS NTAPI ProtocolClNotifyCloseAf(NDIS_HANDLE ClientAfContext)
{
    NDIS_STATUS Status;
    PCLIENT_AF Af;

    NdisAcquireSpinLock(&ClientLock);
    Af = ClientFindAf(ClientAfContext);
    if (Af == NULL || Af->State != ClientAfOpen) {
        if (Af != NULL) {
            Af->NotifyPending = TRUE; /* being closed already */
        }
        NdisReleaseSpinLock(&ClientLock);
        return Af != NULL ? NDIS_STATUS_PENDING : NDIS_STATUS_SUCCESS;
    }
    Af->State = ClientAfClosing;
    NdisReleaseSpinLock(&ClientLock);

    NdisInitializeEvent(&ClientAwaitedClosed);
    ClientAwaited = Af;
    Status = NdisClCloseAddressFamily(Af->NdisAfHandle);
    if (Status == NDIS_STATUS_PENDING) {
        /*
         * FAULT: the call manager is below us on this very stack, inside its notify call, and
         * completes the close when that call has returned. It returns when we do, and we return when
         * the close is completed. (And this handler may be called at DISPATCH_LEVEL, where nobody may
         * wait.)
         *
         * Right: return NDIS_STATUS_PENDING, and call NdisClNotifyCloseAddressFamilyComplete from
         * ProtocolClCloseAfComplete.
         */
        NdisWaitEvent(&ClientAwaitedClosed, 0);
        Status = ClientAwaitedStatus;
    }
    ClientAwaited = NULL;
    if (Status != NDIS_STATUS_SUCCESS) {
        NdisAcquireSpinLock(&ClientLock);
        Af->State = ClientAfOpen; /* refused: it stays open until the unbind */
        NdisReleaseSpinLock(&ClientLock);
        return Status;
    }
    ClientAfClosed(Af);
    return NDIS_STATUS_SUCCESS;
}
