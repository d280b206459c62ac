/*
 * An MCM that completes a call and also returns success for it.
 *
 * Rule: call-cm-make-complete-only-pended. Pages: nc-ndis-protocol_cm_make_call, nf-ndis-
 * ndismcmmakecallcomplete.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_MAKE_CALL
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmMakeCall(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    PCM_VC Vc = CallMgrVcContext;
    NDIS_STATUS Status;

    if (NdisPartyHandle != NULL) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    UNREFERENCED_PARAMETER(CallMgrPartyContext);
    Status = CmActivate(Vc, CallParameters, CmCallMade);
    if (Status == NDIS_STATUS_SUCCESS) {
        NdisMCmMakeCallComplete(Status, Vc->NdisVcHandle, NULL, NULL, CallParameters);
    }
    /*
     * FAULT: the client has heard of its call already. A completion inside the handler stands for the
     * return value, which then has to be NDIS_STATUS_PENDING; with this one the call is made twice.
     *
     * Right: one of the two, the status without a completion, or the completion with
     * NDIS_STATUS_PENDING.
     */
    return Status;
}
