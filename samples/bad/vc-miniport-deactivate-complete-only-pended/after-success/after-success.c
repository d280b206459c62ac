/*
 * A miniport that completes a deactivation and also returns success for it.
 *
 * Rule: vc-miniport-deactivate-complete-only-pended. Pages: nc-ndis-miniport_co_deactivate_vc,
 * nf-ndis-ndismcodeactivatevccomplete.
 */
#define OWN_MINIPORT_CO_DEACTIVATE_VC
#include "../../skeleton/miniport.h"

static NDIS_STATUS NTAPI MiniportCoDeactivateVc(NDIS_HANDLE MiniportVcContext)
{
    PMINIPORT_VC Vc = MiniportVcContext;

    NdisMCoDeactivateVcComplete(NDIS_STATUS_SUCCESS, Vc->NdisVcHandle);
    /*
     * FAULT: a completion stands for the return value of a handler that pends. With this one the VC is
     * deactivated twice.
     *
     * Right: one of the two: NDIS_STATUS_SUCCESS without a completion, as there is nothing to wait for,
     * or the completion with NDIS_STATUS_PENDING.
     */
    return NDIS_STATUS_SUCCESS;
}
