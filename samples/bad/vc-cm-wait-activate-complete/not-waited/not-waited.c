/*
 * A call manager that reports a call while the miniport is still activating its VC.
 *
 * Rule: vc-cm-wait-activate-complete. Pages: nf-ndis-ndiscmactivatevc, nc-ndis-
 * protocol_cm_activate_vc_complete.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_MAKE_CALL
#include "../../skeleton/cm.h"

static VOID ActivatedLater(PCM_VC Vc, NDIS_STATUS Status)
{
    UNREFERENCED_PARAMETER(Vc);
    UNREFERENCED_PARAMETER(Status);
}

static NDIS_STATUS NTAPI ProtocolCmMakeCall(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(CallMgrPartyContext);
    if (NdisPartyHandle != NULL) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    Status = CmActivate(CallMgrVcContext, CallParameters, ActivatedLater);
    /*
     * FAULT: NDIS_STATUS_PENDING says that the miniport is at it. It may refuse in the end, and until
     * then no data can flow; but the client hears that its call is there.
     *
     * Right: return NDIS_STATUS_PENDING, and complete the call from ProtocolCmActivateVcComplete with
     * the status that comes there.
     */
    return Status == NDIS_STATUS_PENDING ? NDIS_STATUS_SUCCESS : Status;
}
