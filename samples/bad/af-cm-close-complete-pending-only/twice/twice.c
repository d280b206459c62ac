/*
 * An MCM that completes a close twice.
 *
 * Rule: af-cm-close-complete-pending-only. Page: nf-ndis-ndismcmcloseaddressfamilycomplete.
 */
#define OWN_CM_CLOSE_AF
#include "../../skeleton/mcm.h"

/* The last call on the AF is closed: whoever waits for that is told. */
static VOID McmAfDrained(PCM_AF Af)
{
    NdisMCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, Af->NdisAfHandle);
}

static NDIS_STATUS NTAPI ProtocolCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CallMgrAfContext;

    if (CmHoldClose(Af)) {
        return NDIS_STATUS_PENDING;
    }
    /* No call is left. The close is complete with this, before the handler returns. That is allowed,
     * since it is going to return NDIS_STATUS_PENDING. */
    McmAfDrained(Af);
    /*
     * FAULT: two places think that completing is theirs. When this call is made the AF is closed, and
     * the client may have freed what belonged to it.
     *
     * Right: one owner of the completion, for example the one who takes the last reference away.
     */
    NdisMCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, Af->NdisAfHandle);
    CmReleaseAf(Af);
    return NDIS_STATUS_PENDING;
}
