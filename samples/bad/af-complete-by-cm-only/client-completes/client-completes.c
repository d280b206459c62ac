/*
 * A client that completes its own close, which is the call manager's to complete.
 *
 * Rule: af-complete-by-cm-only. Page: nf-ndis-ndiscmcloseaddressfamilycomplete.
 *
 * It shows with a call manager that pends closes; samples/good/mcm does with CloseAf = 1
 * (scenario.toml).
 */
#define OWN_CLIENT_CLOSE_AF
#include "../../skeleton/client.h"

static VOID ClientCloseAf(PCLIENT_AF Af)
{
    NDIS_HANDLE NdisAfHandle = Af->NdisAfHandle;
    NDIS_STATUS Status = NdisClCloseAddressFamily(NdisAfHandle);

    if (Status != NDIS_STATUS_PENDING) {
        ClientCloseAttempted(Af, Status);
        return;
    }
    /*
     * FAULT: a pended close belongs to the call manager, which completes it with this call when it is
     * done. For a client there is no way to hurry it.
     *
     * Right: nothing. ProtocolClCloseAfComplete says when the close is over.
     */
    NdisCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, NdisAfHandle);
}
