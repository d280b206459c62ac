/*
 * An MCM that completes a close with NDIS_STATUS_PENDING.
 *
 * Rule: af-cm-close-complete-status. Page: nf-ndis-ndismcmcloseaddressfamilycomplete.
 */
#define OWN_CM_CLOSE_AF
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CallMgrAfContext;
    NDIS_STATUS Status = NDIS_STATUS_PENDING;

    if (CmHoldClose(Af)) {
        return Status;
    }
    /*
     * FAULT: one variable for two meanings. What the handler returns is not what the completion
     * reports.
     *
     * Right: NDIS_STATUS_SUCCESS, the only status that this completion may have. A call manager that
     * cannot close yet keeps the close pending, or refuses it from the handler with
     * NDIS_STATUS_NOT_ACCEPTED.
     */
    NdisMCmCloseAddressFamilyComplete(Status, Af->NdisAfHandle);
    CmReleaseAf(Af);
    return Status;
}
