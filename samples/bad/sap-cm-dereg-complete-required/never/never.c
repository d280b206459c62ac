/*
 * An MCM that pends the deregistration of a SAP and never completes it.
 *
 * Rule: sap-cm-dereg-complete-required. Pages: nc-ndis-protocol_cm_deregister_sap,
 * nf-ndis-ndismcmderegistersapcomplete.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_DEREGISTER_SAP
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmDeregisterSap(NDIS_HANDLE CallMgrSapContext)
{
    NdisFreeMemory(CallMgrSapContext, 0, 0);
    /*
     * FAULT: the SAP is gone, and with it the handle that NdisMCmDeregisterSapComplete takes. The client waits
     * for ever, and cannot close the AF.
     *
     * Right: NDIS_STATUS_SUCCESS if there is nothing to wait for; else keep the context until the completion
     * has been called.
     */
    return NDIS_STATUS_PENDING;
}
