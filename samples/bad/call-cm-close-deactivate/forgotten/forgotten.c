/*
 * An MCM that closes a call and leaves its VC active.
 *
 * Rule: call-cm-close-deactivate. Pages: nc-ndis-protocol_cm_close_call, nf-ndis-ndismcmdeactivatevc.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_CLOSE_CALL
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmCloseCall(
    NDIS_HANDLE CallMgrVcContext,
    NDIS_HANDLE CallMgrPartyContext,
    PVOID CloseData,
    UINT Size)
{
    PCM_VC Vc = CallMgrVcContext;

    UNREFERENCED_PARAMETER(CloseData);
    UNREFERENCED_PARAMETER(Size);
    Vc->Party = CallMgrPartyContext;
    /*
     * FAULT: the call is over and the VC still active. The client, which is told that the call is closed,
     * cannot delete the VC.
     *
     * Right: NdisMCmDeactivateVc before NdisMCmCloseCallComplete, as CmDeactivate does.
     */
    CmCallClosed(Vc, NDIS_STATUS_SUCCESS);
    return NDIS_STATUS_PENDING;
}
