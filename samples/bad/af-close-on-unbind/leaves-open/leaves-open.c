/*
 * A client that is unbound and leaves its AFs open.
 *
 * Rule: af-close-on-unbind. Pages: nf-ndis-ndisclcloseaddressfamily, nf-ndis-ndiscloseadapterex.
 */
#define OWN_PROTOCOL_UNBIND_ADAPTER_EX
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;

    UNREFERENCED_PARAMETER(UnbindContext);
    /*
     * FAULT: closing the adapter does not close what is open on it. The call manager goes on serving a
     * client that is no longer there.
     *
     * Right: NdisClCloseAddressFamily for each AF of this binding, wait until every close is over
     * (ClientCloseAfs), and only then NdisCloseAdapterEx.
     */
    CloseAdapter(&Binding->Adapter);
    NdisFreeMemory(Binding, 0, 0);
    return NDIS_STATUS_SUCCESS;
}
