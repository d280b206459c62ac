/*
 * A client that closes an address family (AF) before it deregisters the SAP on it.
 *
 * Rule: af-close-drain-first. Page: nf-ndis-ndisclcloseaddressfamily.
 */
#define CLIENT_CALLS
#define OWN_CLIENT_DEREGISTER_SAP
#include "../../skeleton/client.h"

static VOID ClientDeregisterSap(PCLIENT_AF Af)
{
    NDIS_STATUS Status;

    /*
     * FAULT: the AF is closed first, in the hope that it takes the SAP along. It does not: the close
     * fails with NDIS_STATUS_FAILURE, and the AF stays open. Only the rest of this function saves the
     * day.
     *
     * Right: NdisClDeregisterSap, and NdisClCloseAddressFamily when that is done.
     */
    Status = NdisClCloseAddressFamily(Af->NdisAfHandle);
    if (Status == NDIS_STATUS_SUCCESS || Status == NDIS_STATUS_PENDING) {
        return;
    }
    Status = NdisClDeregisterSap(Af->NdisSapHandle);
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClDeregisterSapComplete(Status, Af);
    }
}
