/*
 * A client that does not free its work item when the AF is closed.
 *
 * Rule: kernel-pool-leak. Pages: nf-wdm-iofreeworkitem,
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
     * FAULT: the work item was allocated for this AF and is lost with it: each one that is never freed
     * keeps a reference to the driver, too.
     *
     * Right: IoFreeWorkItem(Af->WorkItem), as ClientFreeAf does, once it is not queued any more.
     */
    NdisFreeMemory(Af, 0, 0);
    NdisAcquireSpinLock(&ClientLock);
    Binding->AfCount--;
    NdisSetEvent(&Binding->Changed);
    NdisReleaseSpinLock(&ClientLock);
}
