/*
 * An MCM that pends the registration of a SAP and never completes it.
 *
 * Rule: sap-cm-register-complete-required. Pages: nc-ndis-protocol_cm_reg_sap, nf-ndis-
 * ndismcmregistersapcomplete.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_REGISTER_SAP
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmRegisterSap(
    NDIS_HANDLE CallMgrAfContext,
    PCO_SAP Specification,
    NDIS_HANDLE NdisSapHandle,
    PNDIS_HANDLE CallMgrSapContext)
{
    UNREFERENCED_PARAMETER(CallMgrAfContext);
    UNREFERENCED_PARAMETER(Specification);
    UNREFERENCED_PARAMETER(NdisSapHandle);
    UNREFERENCED_PARAMETER(CallMgrSapContext);
    /*
     * FAULT: no incoming calls are supported here, and this is the way not to say so. The client waits
     * for its ProtocolClRegisterSapComplete, and cannot close the address family before.
     *
     * Right: NDIS_STATUS_NOT_SUPPORTED. NDIS_STATUS_PENDING is a promise to call
     * NdisMCmRegisterSapComplete.
     */
    return NDIS_STATUS_PENDING;
}
