/*
 * An MCM that agrees to another quality of service and does not activate the VC with it.
 *
 * Rule: call-cm-modify-activate. Page: nc-ndis-protocol_cm_modify_qos_call.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_MODIFY_CALL_QOS
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmModifyCallQoS(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(CallMgrVcContext);
    UNREFERENCED_PARAMETER(CallParameters);
    /*
     * FAULT: the network has agreed, but the VC still has the parameters that it was activated with.
     *
     * Right: NdisMCmActivateVc with the new parameters; if that fails, the VC keeps the old ones, and
     * the answer is NDIS_STATUS_FAILURE.
     */
    return NDIS_STATUS_SUCCESS;
}
