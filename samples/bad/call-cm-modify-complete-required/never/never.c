/*
 * An MCM that pends a change of the quality of service and never completes it.
 *
 * Rule: call-cm-modify-complete-required. Pages: nc-ndis-protocol_cm_modify_qos_call,
 * nf-ndis-ndismcmmodifycallqoscomplete.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_MODIFY_CALL_QOS
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmModifyCallQoS(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCM_VC Vc = CallMgrVcContext;
    NDIS_STATUS Status = CmActivate(Vc, CallParameters, CmQoSModified);

    /*
     * FAULT: the VC is active with the new parameters, and nothing is left to be done: CmQoSModified is called
     * only for an activation that has pended. The client waits for ever.
     *
     * Right: return what NdisMCmActivateVc returned.
     */
    return Status == NDIS_STATUS_SUCCESS ? NDIS_STATUS_PENDING : Status;
}
