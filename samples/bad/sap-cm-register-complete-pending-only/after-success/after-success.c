/*
 * An MCM that reports a registered SAP twice: by a completion, and by its return value.
 *
 * Rule: sap-cm-register-complete-pending-only. Pages: nc-ndis-protocol_cm_reg_sap,
 * nf-ndis-ndismcmregistersapcomplete.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_REGISTER_SAP
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmRegisterSap(
    NDIS_HANDLE CallMgrAfContext,
    PCO_SAP Specification,
    NDIS_HANDLE NdisSapHandle,
    PNDIS_HANDLE CallMgrSapContext)
{
    PCM_AF Af = CallMgrAfContext;
    PCM_SAP Sap = NdisAllocateMemoryWithTagPriority(
        Af->Port->NdisHandle, sizeof(*Sap), CM_POOL_TAG, NormalPoolPriority);

    UNREFERENCED_PARAMETER(Specification);
    if (Sap == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Sap->Af = Af;
    Sap->NdisSapHandle = NdisSapHandle;
    *CallMgrSapContext = Sap;
    NdisMCmRegisterSapComplete(NDIS_STATUS_SUCCESS, NdisSapHandle, Sap);
    /*
     * FAULT: the completion is for a registration that this handler pends. It may come before the handler has
     * returned, but then the handler returns NDIS_STATUS_PENDING.
     *
     * Right: NDIS_STATUS_SUCCESS, and no completion.
     */
    return NDIS_STATUS_SUCCESS;
}
