/*
 * A client that takes NDIS_STATUS_PENDING for a failure, and closes its AF a second time.
 *
 * Rule: af-close-once. Pages: nf-ndis-ndisclcloseaddressfamily, nc-ndis-protocol_cl_close_af_complete.
 *
 * It shows with a call manager that pends closes; samples/good/mcm pends one that comes out of its own
 * notification, with CloseAf = 7 (scenario.toml).
 */
#define OWN_CLIENT_CLOSE_AF
#include "../../skeleton/client.h"

static VOID ClientCloseAf(PCLIENT_AF Af)
{
    NDIS_HANDLE NdisAfHandle = Af->NdisAfHandle;
    NDIS_STATUS Status = NdisClCloseAddressFamily(NdisAfHandle);

    if (Status == NDIS_STATUS_SUCCESS) {
        ClientAfClosed(Af);
        return;
    }
    /*
     * FAULT: everything but NDIS_STATUS_SUCCESS counts as a failure here, also NDIS_STATUS_PENDING,
     * which means that the close is under way. NDIS refuses the second close with
     * NDIS_STATUS_FAILURE; had the first one ended in between, the handle would be dead.
     *
     * Right: after NDIS_STATUS_PENDING leave the rest to ProtocolClCloseAfComplete.
     */
    NdisClCloseAddressFamily(NdisAfHandle);
}
