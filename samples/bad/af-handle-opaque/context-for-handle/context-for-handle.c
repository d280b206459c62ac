/*
 * A client that passes its own context where NDIS wants the AF handle.
 *
 * Rule: af-handle-opaque. Page: nf-ndis-ndisclcloseaddressfamily.
 */
#define OWN_CLIENT_CLOSE_AF
#include "../../skeleton/client.h"

static VOID ClientCloseAf(PCLIENT_AF Af)
{
    /*
     * FAULT: NDIS_HANDLE is a pointer to nothing in particular, so the compiler takes any pointer for
     * one. This is the address of our own structure.
     *
     * Right: Af->NdisAfHandle, which NDIS stored at the open, or passed to ProtocolClOpenAfCompleteEx.
     */
    NDIS_STATUS Status = NdisClCloseAddressFamily(Af);

    if (Status != NDIS_STATUS_PENDING) {
        ClientCloseAttempted(Af, Status);
    }
}
