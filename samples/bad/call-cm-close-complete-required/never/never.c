/*
 * An MCM that pends the close of a call and never completes it.
 *
 * Rule: call-cm-close-complete-required. Pages: nc-ndis-protocol_cm_close_call, nf-ndis-
 * ndismcmclosecallcomplete.
 */
#define CM_CALLS
#define OWN_CM_CALL_CLOSED
#include "../../skeleton/mcm.h"

static VOID CmCallClosed(PCM_VC Vc, NDIS_STATUS Status)
{
    UNREFERENCED_PARAMETER(Status);
    /*
     * FAULT: the VC is deactivated and its party forgotten, and that is all. ProtocolCmCloseCall has
     * returned NDIS_STATUS_PENDING, so the client still waits for its ProtocolClCloseCallComplete.
     *
     * Right: NdisMCmCloseCallComplete, as the last thing, with the handle of the last party if the call
     * has any.
     */
    if (Vc->Party != NULL) {
        NdisFreeMemory(Vc->Party, 0, 0);
    }
}
