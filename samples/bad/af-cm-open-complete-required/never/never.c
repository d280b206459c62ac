/*
 * An MCM that never completes a pended open.
 *
 * Rule: af-cm-open-complete-required. Pages: nc-ndis-protocol_cm_open_af,
 * nf-ndis-ndismcmopenaddressfamilycomplete.
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
    /*
     * FAULT: NDIS_STATUS_PENDING is a promise to call NdisMCmOpenAddressFamilyComplete, and nobody
     * here ever does. The client can neither use the AF nor close it, and its unbind waits.
     *
     * Right: NDIS_STATUS_SUCCESS, since everything is in place; or complete the open, once, from
     * wherever it is finished. The call takes the context again.
     */
    return NDIS_STATUS_PENDING;
}
