/*
 * An MCM that deletes its VC as a stand-alone call manager does.
 *
 * Rule: vc-delete-role-protocol. Pages: nf-ndis-ndiscodeletevc, nf-ndis-ndismcmdeletevc.
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
         * FAULT: NdisCoDeleteVc is for protocols, which have created their VCs with NdisCoCreateVc. It also has
         * the miniport delete the VC, and an MCM has no MiniportCoDeleteVc.
         *
         * Right: NdisMCmDeleteVc for what NdisMCmCreateVc has created.
         */
        NdisCoDeleteVc(Vc->NdisVcHandle);
        CmFreeVc(Vc);
    }
}
