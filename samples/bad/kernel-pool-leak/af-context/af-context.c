/*
 * A client that does not free its AF context when the AF is closed.
 *
 * Rule: kernel-pool-leak. Pages: kernel/allocating-system-space-memory,
 * nc-ndis-protocol_cl_close_af_complete.
 */
#define OWN_CLIENT_AF_CLOSED
#include "../../skeleton/client.h"

static VOID ClientAfClosed(PCLIENT_AF Af)
{
    PCLIENT_BINDING Binding = Af->Binding;
    BOOLEAN Notify;

    NdisAcquireSpinLock(&ClientLock);
    RemoveEntryList(&Af->Link);
    Notify = Af->NotifyPending;
    NdisReleaseSpinLock(&ClientLock);
    if (Notify) {
        NdisClNotifyCloseAddressFamilyComplete(Af->NdisAfHandle, NDIS_STATUS_SUCCESS);
    }
    /*
     * FAULT: Af is in no list any more, and nobody has a pointer to it after this function. Its memory
     * is lost until the system restarts.
     *
     * Right: NdisFreeMemory(Af, 0, 0), as ClientFreeAf does. The close is over, so no further handler
     * gets this context.
     */
    IoFreeWorkItem(Af->WorkItem);
    NdisAcquireSpinLock(&ClientLock);
    Binding->AfCount--;
    NdisSetEvent(&Binding->Changed);
    NdisReleaseSpinLock(&ClientLock);
}
