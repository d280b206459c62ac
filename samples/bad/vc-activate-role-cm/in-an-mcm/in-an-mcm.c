/*
 * An MCM that activates a VC as a stand-alone call manager does.
 *
 * Rule: vc-activate-role-cm. Pages: nf-ndis-ndiscmactivatevc, nf-ndis-ndismcmactivatevc.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_MODIFY_CALL_QOS
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmModifyCallQoS(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCM_VC Vc = CallMgrVcContext;

    /*
     * FAULT: NdisCmActivateVc asks the miniport below to activate the VC. Below an MCM there is none, and most
     * of its NdisMCm functions are the NdisCm functions by another name, but this one is not.
     *
     * Right: NdisMCmActivateVc, after the MCM has done itself what a miniport would.
     */
    return NdisCmActivateVc(Vc->NdisVcHandle, CallParameters);
}
