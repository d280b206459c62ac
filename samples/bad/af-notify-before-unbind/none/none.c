/*
 * A call manager that unbinds with AFs open, and asks no client to close.
 *
 * Rule: af-notify-before-unbind. Pages: closing-a-condis-call-manager-or-mcm,
 * nf-ndis-ndiscmnotifycloseaddressfamily.
 */
#define OWN_PROTOCOL_UNBIND_ADAPTER_EX
#include "../../skeleton/cm.h"

static NDIS_STATUS NTAPI ProtocolUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCM_BINDING Binding = ProtocolBindingContext;

    UNREFERENCED_PARAMETER(UnbindContext);
    CmClosePort(&Binding->Port);
    /*
     * FAULT: the adapter is closed under AFs that clients have open. They do not know that their call
     * manager goes away, and a call manager cannot close an AF itself.
     *
     * Right: NdisCmNotifyCloseAddressFamily for each AF that is open (CmNotifyAll), and
     * NdisCloseAdapterEx when the clients have closed them (CmWaitForAfs).
     */
    CloseAdapter(&Binding->Adapter);
    CmFreeBinding(Binding);
    return NDIS_STATUS_SUCCESS;
}
