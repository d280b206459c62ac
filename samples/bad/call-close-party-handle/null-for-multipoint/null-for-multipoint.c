/*
 * A client that closes a multipoint call without the handle of its last party.
 *
 * Rule: call-close-party-handle. Page: nf-ndis-ndisclclosecall.
 */
#define CLIENT_CALLS
#define CLIENT_PARTIES 1
#define OWN_CLIENT_CLOSE_CALL
#include "../../skeleton/client.h"

static VOID ClientCloseCall(PCLIENT_CALL Call, PCLIENT_PARTY Last)
{
    NDIS_STATUS Status;

    /*
     * FAULT: the call was made with a context for a party, so it is a multipoint call, even if it never
     * had more than that one. Its last party goes with the call, and has to be named.
     *
     * Right: NdisClCloseCall(Call->NdisVcHandle, Last->NdisPartyHandle, NULL, 0), and NULL only for a
     * call that was made without a party.
     */
    Status = NdisClCloseCall(Call->NdisVcHandle, NULL, NULL, 0);
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClCloseCallComplete(Status, Call, Last);
    }
}
