/*
 * An MCM that tells its client of the end of a call that the client has closed.
 *
 * Rule: call-cm-incoming-close-has-call. Page: nf-ndis-ndismcmdispatchincomingclosecall.
 */
#define CM_CALLS
#define CM_OFFERS
#define OWN_CM_CALL_CLOSED
#include "../../skeleton/mcm.h"

static VOID CmCallClosed(PCM_VC Vc, NDIS_STATUS Status)
{
    PCM_PARTY Last = Vc->Party;
    BOOLEAN Ours = Vc->Ours;

    NdisMCmCloseCallComplete(Status, Vc->NdisVcHandle, Last != NULL ? Last->NdisPartyHandle : NULL);
    if (Last != NULL) {
        NdisFreeMemory(Last, 0, 0);
    }
    if (Ours) {
        /*
         * FAULT: the far end has hung up, too, but there is no call on the VC any more.
         *
         * Right: nothing. The close that the client asked for, and that is complete, is all it has to know.
         */
        NdisMCmDispatchIncomingCloseCall(NDIS_STATUS_SUCCESS, Vc->NdisVcHandle, NULL, 0);
        CmNdisDeleteVc(Vc);
        CmFreeVc(Vc);
    }
}
