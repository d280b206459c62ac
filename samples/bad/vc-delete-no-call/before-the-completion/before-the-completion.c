/*
 * An MCM that deletes its VC before it has told NDIS that the call on it is closed.
 *
 * Rule: vc-delete-no-call. Page: nf-ndis-ndismcmdeletevc.
 */
#define CM_CALLS
#define CM_OFFERS
#define OWN_CM_CALL_CLOSED
#include "../../skeleton/mcm.h"

static VOID CmCallClosed(PCM_VC Vc, NDIS_STATUS Status)
{
    PCM_PARTY Last = Vc->Party;
    NDIS_HANDLE NdisVcHandle = Vc->NdisVcHandle;

    if (Vc->Ours) {
        /*
         * FAULT: the client has asked for the close, and has had no answer yet. Until it has, the call
         * is on the VC.
         *
         * Right: NdisMCmCloseCallComplete first, then NdisMCmDeleteVc.
         */
        CmNdisDeleteVc(Vc);
        CmFreeVc(Vc);
    }
    NdisMCmCloseCallComplete(Status, NdisVcHandle, Last != NULL ? Last->NdisPartyHandle : NULL);
    if (Last != NULL) {
        NdisFreeMemory(Last, 0, 0);
    }
}
