/*
 * A call manager that uses its AF handle after it has completed the close.
 *
 * Rule: af-cm-close-handle-invalid. Page: nf-ndis-ndiscmcloseaddressfamilycomplete.
 *
 * It shows when a client has closed its AF and the call manager is unbound afterwards.
 */
#define OWN_CM_CLOSE_AF
#define OWN_PROTOCOL_UNBIND_ADAPTER_EX
#include "../../skeleton/cm.h"

/* Completes the close, and leaves the AF in the list: "the unbind will clean up". */
static NDIS_STATUS NTAPI ProtocolCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CallMgrAfContext;

    if (CmHoldClose(Af)) {
        return NDIS_STATUS_PENDING;
    }
    NdisCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, Af->NdisAfHandle);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS NTAPI ProtocolUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCM_BINDING Binding = ProtocolBindingContext;
    PLIST_ENTRY Entry;

    UNREFERENCED_PARAMETER(UnbindContext);
    CmClosePort(&Binding->Port);
    for (Entry = Binding->Port.Afs.Flink; Entry != &Binding->Port.Afs; Entry = Entry->Flink) {
        PCM_AF Af = CONTAINING_RECORD(Entry, CM_AF, Link);

        /*
         * FAULT: the list still has AFs whose close has been completed. Their handles have been
         * invalid since NdisCmCloseAddressFamilyComplete was called.
         *
         * Right: forget the handle, and the AF, with the completion (CmReleaseAf), and notify only
         * AFs that are neither closed nor closing (CmTakeAfToNotify).
         */
        NdisCmNotifyCloseAddressFamily(Af->NdisAfHandle);
    }
    while (!IsListEmpty(&Binding->Port.Afs)) {
        NdisFreeMemory(
            CONTAINING_RECORD(RemoveHeadList(&Binding->Port.Afs), CM_AF, Link), 0, 0);
    }
    CloseAdapter(&Binding->Adapter);
    CmFreeBinding(Binding);
    return NDIS_STATUS_SUCCESS;
}
