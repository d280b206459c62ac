/*
 * An MCM that offers a call and does nothing when the client has accepted it.
 *
 * Rule: call-cm-incoming-resolve-accepted. Pages: indicating-an-incoming-call,
 * nf-ndis-ndismcmdispatchincomingcall.
 */
#define CM_CALLS
#define CM_OFFERS
#define OWN_CM_ANSWERED
#include "../../skeleton/mcm.h"

static VOID CmAnswered(PCM_VC Vc, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        /*
         * FAULT: the client may not send before it knows that the call is connected, and nobody tells it.
         *
         * Right: NdisMCmDispatchCallConnected as soon as the far end is told; if the caller has gone
         * meanwhile, NdisMCmDispatchIncomingCloseCall.
         */
        return;
    }
    Vc->Then = CmOfferGivenUp;
    CmDeactivate(Vc);
}
