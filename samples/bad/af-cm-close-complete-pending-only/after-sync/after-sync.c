/*
 * An MCM that completes a close which it has already ended by returning NDIS_STATUS_SUCCESS.
 *
 * Rule: af-cm-close-complete-pending-only. Pages: nc-ndis-protocol_cm_close_af,
 * nf-ndis-ndismcmcloseaddressfamilycomplete.
 */
#define OWN_CM_CLOSE_AF
#include "../../skeleton/mcm.h"

static VOID NTAPI McmCloseWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    NdisFreeIoWorkItem(NdisIoWorkItemHandle);
    /*
     * FAULT: the handler below has not returned NDIS_STATUS_PENDING, so there is nothing to complete,
     * and NdisAfHandle has been invalid since it returned.
     */
    CmCompleteClose(WorkItemContext);
}

static NDIS_STATUS NTAPI ProtocolCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CallMgrAfContext;
    NDIS_HANDLE WorkItem;

    if (CmHoldClose(Af)) {
        return NDIS_STATUS_PENDING;
    }
    WorkItem = NdisAllocateIoWorkItem(Af->Port->NdisHandle);
    if (WorkItem == NULL) {
        CmReleaseAf(Af);
        return NDIS_STATUS_SUCCESS;
    }
    NdisQueueIoWorkItem(WorkItem, McmCloseWork, Af);
    /*
     * Right: NDIS_STATUS_PENDING, since the work item completes the close. A synchronous return is
     * its own completion.
     */
    return NDIS_STATUS_SUCCESS;
}
