/*
 * An MCM that closes every call as if it were point-to-point.
 *
 * Rule: call-cm-close-complete-party-handle. Page: nf-ndis-ndismcmclosecallcomplete.
 */
#define CM_CALLS
#define OWN_CM_CALL_CLOSED
#include "../../skeleton/mcm.h"

static VOID CmCallClosed(PCM_VC Vc, NDIS_STATUS Status)
{
    PCM_PARTY Last = Vc->Party;

    /*
     * FAULT: the last party of a multipoint call is closed with the call, and NDIS needs its handle, too.
     *
     * Right: the handle of the party whose context ProtocolCmCloseCall was given; NULL if that was NULL.
     */
    NdisMCmCloseCallComplete(Status, Vc->NdisVcHandle, NULL);
    if (Last != NULL) {
        NdisFreeMemory(Last, 0, 0);
    }
}
