/*
 * A miniport that completes the activation of a VC with NDIS_STATUS_PENDING.
 *
 * Rule: vc-miniport-activate-complete-status. Page: nf-ndis-ndismcoactivatevccomplete.
 */
#define OWN_MINIPORT_CO_ACTIVATE_VC
#include "../../skeleton/miniport.h"

/* Tells the adapter of the new VC. */
static NDIS_STATUS MiniportProgramVc(PMINIPORT_VC Vc, PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(Vc);
    UNREFERENCED_PARAMETER(CallParameters);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS NTAPI MiniportCoActivateVc(
    NDIS_HANDLE MiniportVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PMINIPORT_VC Vc = MiniportVcContext;
    NDIS_STATUS Status = MiniportProgramVc(Vc, CallParameters);

    /*
     * FAULT: the status goes on as it is, also NDIS_STATUS_PENDING, which says that the adapter has yet to
     * answer. A completion is the end of the activation: there is no other to come.
     *
     * Right: complete the activation when the adapter has answered, with how that ended.
     */
    NdisMCoActivateVcComplete(Status, Vc->NdisVcHandle, CallParameters);
    return NDIS_STATUS_PENDING;
}
