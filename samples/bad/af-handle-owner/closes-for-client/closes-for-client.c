/*
 * An MCM that closes a client's AF itself, instead of asking the client to.
 *
 * Rule: af-handle-owner. Pages: nf-ndis-ndisclcloseaddressfamily,
 * nf-ndis-ndiscmnotifycloseaddressfamily.
 */
#define OWN_MINIPORT_DEVICE_PNP_EVENT_NOTIFY
#include "../../skeleton/mcm.h"

static VOID NTAPI MiniportDevicePnPEventNotify(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_DEVICE_PNP_EVENT NetDevicePnPEvent)
{
    PCM_PORT Port = MiniportAdapterContext;
    PCM_AF Af;

    if (NetDevicePnPEvent->DevicePnPEvent != NdisDevicePnPEventSurpriseRemoved) {
        return;
    }
    while ((Af = CmTakeAfToNotify(Port)) != NULL) {
        /*
         * FAULT: NdisClCloseAddressFamily is a client's call, and takes the handle that the client
         * got from its open. The call manager has another one for the same AF, from
         * ProtocolCmOpenAf, and no right to close: only the client knows when its calls are closed.
         *
         * Right: NdisMCmNotifyCloseAddressFamily(Af->NdisAfHandle), as CmNotifyAf does.
         */
        NdisClCloseAddressFamily(Af->NdisAfHandle);
        CmReleaseAf(Af);
        CmReleaseAf(Af);
    }
}
