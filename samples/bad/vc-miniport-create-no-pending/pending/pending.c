/*
 * A miniport that pends the creation of a VC.
 *
 * Rule: vc-miniport-create-no-pending. Page: nc-ndis-miniport_co_create_vc.
 */
#define OWN_MINIPORT_CO_CREATE_VC
#include "../../skeleton/miniport.h"

static NDIS_STATUS NTAPI MiniportCoCreateVc(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE MiniportVcContext)
{
    PMINIPORT_VC Vc = MiniportAllocateVc(MiniportAdapterContext, NdisVcHandle);

    if (Vc == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *MiniportVcContext = Vc;
    /*
     * FAULT: the adapter is to set the VC up later. But no function completes a creation: whoever creates
     * the VC learns of success or failure from this return, and goes on.
     *
     * Right: allocate everything here, and return NDIS_STATUS_SUCCESS. What takes time belongs into
     * MiniportCoActivateVc, which may pend.
     */
    return NDIS_STATUS_PENDING;
}
