/*
 * An MCM that connects a call before the client has made up its mind.
 *
 * Rule: call-cm-connected-only-accepted. Page: nf-ndis-ndismcmdispatchcallconnected.
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
    if (Status == NDIS_STATUS_PENDING || Status == NDIS_STATUS_SUCCESS) {
        /*
         * FAULT: NDIS_STATUS_PENDING means that the client has not answered yet, and it may well say
         * no.
         *
         * Right: wait for ProtocolCmIncomingCallComplete, and dispatch this if its Status is
         * NDIS_STATUS_SUCCESS.
         */
        NdisMCmDispatchCallConnected(Vc->NdisVcHandle);
    } else {
        CmAnswered(Vc, Status);
    }
}
