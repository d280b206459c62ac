/*
 * An MCM that completes an open inside ProtocolCmOpenAf and then returns NDIS_STATUS_SUCCESS.
 *
 * Rule: af-cm-open-complete-pending-only. Page: nf-ndis-ndismcmopenaddressfamilycomplete.
 */
#define OWN_CM_OPEN_AF
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmOpenAf(
    NDIS_HANDLE CallMgrBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily,
    NDIS_HANDLE NdisAfHandle,
    PNDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CmCreateAf(CmPortOf(CallMgrBindingContext), NdisAfHandle);

    UNREFERENCED_PARAMETER(AddressFamily);
    if (Af == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *CallMgrAfContext = Af;
    NdisMCmOpenAddressFamilyComplete(NDIS_STATUS_SUCCESS, NdisAfHandle, Af);
    /*
     * FAULT: the client is told twice that its open succeeded: by the completion, and by the return
     * of its own call.
     *
     * Right: NDIS_STATUS_PENDING here, or no completion above. A completion may overtake the return
     * of its handler, but the handler must then return NDIS_STATUS_PENDING.
     */
    return NDIS_STATUS_SUCCESS;
}
