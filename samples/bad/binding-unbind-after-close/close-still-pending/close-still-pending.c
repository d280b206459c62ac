/*
 * A client that reports its unbind as done while the close of the adapter is pending.
 *
 * Rule: binding-unbind-after-close. Pages: nc-ndis-protocol_unbind_adapter_ex,
 * nf-ndis-ndiscloseadapterex.
 *
 * It shows where NdisCloseAdapterEx pends, which NDIS may do at any time (scenario.toml).
 */
#define OWN_PROTOCOL_UNBIND_ADAPTER_EX
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;

    UNREFERENCED_PARAMETER(UnbindContext);
    ClientCloseAfs(Binding);
    /*
     * FAULT: the status is not looked at. If the close pends, ProtocolCloseAdapterCompleteEx comes with
     * the context that is freed here.
     *
     * Right: wait for it (CloseAdapter), or return NDIS_STATUS_PENDING and call
     * NdisCompleteUnbindAdapterEx from ProtocolCloseAdapterCompleteEx.
     */
    NdisCloseAdapterEx(Binding->Adapter.NdisBindingHandle);
    NdisFreeMemory(Binding, 0, 0);
    return NDIS_STATUS_SUCCESS;
}
