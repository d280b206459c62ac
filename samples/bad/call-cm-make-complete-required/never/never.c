/*
 * An MCM that pends a call and never completes it.
 *
 * Rule: call-cm-make-complete-required. Pages: nc-ndis-protocol_cm_make_call, nf-ndis-
 * ndismcmmakecallcomplete.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_MAKE_CALL
#include "../../skeleton/mcm.h"

static VOID CallIsThere(PCM_VC Vc, NDIS_STATUS Status)
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
    UNREFERENCED_PARAMETER(NdisPartyHandle);
    UNREFERENCED_PARAMETER(CallMgrPartyContext);
    CmActivate(CallMgrVcContext, CallParameters, CallIsThere);
    /*
     * FAULT: NDIS_STATUS_PENDING is a promise to call NdisMCmMakeCallComplete, also if the call cannot
     * be made, and nobody here ever does. The client waits for its ProtocolClMakeCallComplete.
     *
     * Right: return what came of it, as there is nothing to wait for here; else have the end of the
     * signalling, whatever it is, complete the call.
     */
    return NDIS_STATUS_PENDING;
}
