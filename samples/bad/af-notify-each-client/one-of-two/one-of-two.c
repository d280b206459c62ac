/*
 * A call manager with two clients that asks only one of them to close.
 *
 * Rule: af-notify-each-client. Pages: closing-a-condis-call-manager-or-mcm,
 * nf-ndis-ndiscmnotifycloseaddressfamily.
 */
#define OWN_PROTOCOL_UNBIND_ADAPTER_EX
#include "../../skeleton/cm.h"

/* Waits until the AF has left the list. */
static VOID CmWaitForAf(PCM_PORT Port, PCM_AF Af)
{
    for (;;) {
        BOOLEAN Found = FALSE;
        PLIST_ENTRY Entry;

        NdisResetEvent(&Port->Changed);
        NdisAcquireSpinLock(&Port->Lock);
        for (Entry = Port->Afs.Flink; Entry != &Port->Afs; Entry = Entry->Flink) {
            Found = Found || Entry == &Af->Link;
        }
        NdisReleaseSpinLock(&Port->Lock);
        if (!Found) {
            return;
        }
        NdisWaitEvent(&Port->Changed, 0);
    }
}

static VOID NTAPI CmUnbindWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCM_BINDING Binding = Context;
    NDIS_HANDLE UnbindContext = Binding->UnbindContext;
    PCM_AF Af;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    /*
     * FAULT: one notification for the family that was registered once. Each client has an AF of its
     * own, with a handle of its own, and a notification reaches the one client of its handle.
     *
     * Right: one notification for each handle (CmNotifyAll), then wait for all of them
     * (CmWaitForAfs).
     */
    Af = CmTakeAfToNotify(&Binding->Port);
    if (Af != NULL) {
        CmNotifyAf(Af);
        CmWaitForAf(&Binding->Port, Af);
    }
    CloseAdapter(&Binding->Adapter);
    CmFreeBinding(Binding);
    NdisCompleteUnbindAdapterEx(UnbindContext);
}

static NDIS_STATUS NTAPI ProtocolUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCM_BINDING Binding = ProtocolBindingContext;

    Binding->UnbindContext = UnbindContext;
    CmClosePort(&Binding->Port);
    IoQueueWorkItemEx(Binding->UnbindWorkItem, CmUnbindWork, DelayedWorkQueue, Binding);
    return NDIS_STATUS_PENDING;
}
