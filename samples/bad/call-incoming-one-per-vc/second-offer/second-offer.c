/*
 * An MCM that offers two calls on one VC.
 *
 * Rule: call-incoming-one-per-vc. Pages: nf-ndis-ndismcmdispatchincomingcall, virtual-connections.
 */
#define CM_CALLS
#define CM_OFFERS
#define OWN_CM_OFFER_CALL
#include "../../skeleton/mcm.h"

static VOID CmOfferCall(PCM_VC Vc, NDIS_STATUS Status)
{
    if (Status != NDIS_STATUS_SUCCESS) {
        CmOfferGivenUp(Vc, Status);
        return;
    }
    Status = NdisMCmDispatchIncomingCall(Vc->Sap->NdisSapHandle, Vc->NdisVcHandle, &Vc->Offer);
    /*
     * FAULT: a second call has come in for the same SAP, and is offered on the VC of the first, which the
     * client is about to answer.
     *
     * Right: NdisMCmCreateVc for each call.
     */
    NdisMCmDispatchIncomingCall(Vc->Sap->NdisSapHandle, Vc->NdisVcHandle, &Vc->Offer);
    if (Status != NDIS_STATUS_PENDING) {
        CmAnswered(Vc, Status);
    }
}
