/*
 * A client that closes its adapter at DISPATCH_LEVEL: it holds a spin lock across the call.
 *
 * Rule: binding-irql-passive. Page: nf-ndis-ndiscloseadapterex.
 */
#define OWN_PROTOCOL_UNBIND_ADAPTER_EX
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(UnbindContext);
    ClientCloseAfs(Binding);
    /*
     * FAULT: NdisCloseAdapterEx needs PASSIVE_LEVEL, and a spin lock raises the IRQL to
     * DISPATCH_LEVEL.
     *
     * Right: no lock is needed. Binding->Unbinding is set, so nobody else opens anything on this
     * adapter, and every AF is closed.
     */
    NdisAcquireSpinLock(&ClientLock);
    Status = NdisCloseAdapterEx(Binding->Adapter.NdisBindingHandle);
    NdisReleaseSpinLock(&ClientLock);
    if (Status == NDIS_STATUS_PENDING) {
        NdisWaitEvent(&Binding->Adapter.Completed, 0);
    }
    NdisFreeMemory(Binding, 0, 0);
    return NDIS_STATUS_SUCCESS;
}
