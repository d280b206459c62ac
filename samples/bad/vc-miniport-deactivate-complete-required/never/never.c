/*
 * A miniport that pends the deactivation of a VC and never completes it.
 *
 * Rule: vc-miniport-deactivate-complete-required. Pages: nc-ndis-miniport_co_deactivate_vc,
 * nf-ndis-ndismcodeactivatevccomplete.
 */
#define OWN_MINIPORT_CO_DEACTIVATE_VC
#include "../../skeleton/miniport.h"

static NDIS_STATUS NTAPI MiniportCoDeactivateVc(NDIS_HANDLE MiniportVcContext)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    /*
     * FAULT: it waits for the last packet that the hardware still has, which is to complete the
     * deactivation. There is none, and so nobody does: the call manager cannot complete the close of the
     * call, and the client waits for ever.
     *
     * Right: return NDIS_STATUS_SUCCESS if nothing is left to wait for; else call
     * NdisMCoDeactivateVcComplete when the last packet is back.
     */
    return NDIS_STATUS_PENDING;
}
