/*
 * A miniport that pends the activation of a VC and never completes it.
 *
 * Rule: vc-miniport-activate-complete-required. Pages: nc-ndis-miniport_co_activate_vc,
 * nf-ndis-ndismcoactivatevccomplete.
 */
#define OWN_MINIPORT_CO_ACTIVATE_VC
#include "../../skeleton/miniport.h"

static NDIS_STATUS NTAPI MiniportCoActivateVc(
    NDIS_HANDLE MiniportVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    UNREFERENCED_PARAMETER(CallParameters);
    /*
     * FAULT: NDIS_STATUS_PENDING is a promise to call NdisMCoActivateVcComplete, and nobody here ever
     * does. The call manager waits for its ProtocolCmActivateVcComplete, and the client for its call.
     *
     * Right: NDIS_STATUS_SUCCESS, as there is nothing to wait for; else have the end of the work, an
     * interrupt for example, complete the activation.
     */
    return NDIS_STATUS_PENDING;
}
