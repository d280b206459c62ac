/*
 * A client that reports its unbind as done while the close of the adapter is pending.
 *
 * Rule: binding-unbind-after-close. Pages: nc-ndis-protocol_unbind_adapter_ex,
 * nf-ndis-ndiscloseadapterex.
 *
 * It shows where NdisCloseAdapterEx pends, which NDIS may do at any time (scenario.toml).
 */
#define OWN_PROTOCOL_UNBIND_ADAPTER_EX
#define OWN_PROTOCOL_CLOSE_ADAPTER_COMPLETE_EX
#include "../../skeleton/client.h"

static VOID NTAPI ProtocolCloseAdapterCompleteEx(NDIS_HANDLE ProtocolBindingContext)
{
    NdisFreeMemory(ProtocolBindingContext, 0, 0);
}

static NDIS_STATUS NTAPI ProtocolUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;

    UNREFERENCED_PARAMETER(UnbindContext);
    ClientCloseAfs(Binding);
    if (NdisCloseAdapterEx(Binding->Adapter.NdisBindingHandle) != NDIS_STATUS_PENDING) {
        NdisFreeMemory(Binding, 0, 0);
    }
    /*
     * FAULT: success says that the binding is gone, also when the close pends. NDIS may halt the
     * adapter, and unload the driver, before ProtocolCloseAdapterCompleteEx has run.
     *
     * Right: wait for that handler here (CloseAdapter); or return NDIS_STATUS_PENDING, and have it
     * call NdisCompleteUnbindAdapterEx as its last act.
     */
    return NDIS_STATUS_SUCCESS;
}
