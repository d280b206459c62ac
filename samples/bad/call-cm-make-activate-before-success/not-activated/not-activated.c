/*
 * An MCM that makes a call on a VC that it has not activated.
 *
 * Rule: call-cm-make-activate-before-success. Page: nc-ndis-protocol_cm_make_call.
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
    UNREFERENCED_PARAMETER(CallMgrVcContext);
    UNREFERENCED_PARAMETER(CallParameters);
    UNREFERENCED_PARAMETER(CallMgrPartyContext);
    if (NdisPartyHandle != NULL) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    /*
     * FAULT: the MCM has no miniport below it that would have to be told of the VC, so this leaves out
     * NdisMCmActivateVc. But NDIS keeps track of the VC, and the client may send as soon as it hears
     * that the call is there.
     *
     * Right: NdisMCmActivateVc with the parameters of the call, and NDIS_STATUS_SUCCESS only if that
     * has succeeded.
     */
    return NDIS_STATUS_SUCCESS;
}
