/*
 * A client that adds a party while the call is still being made.
 *
 * Rule: party-add-after-make-call. Page: nf-ndis-ndiscladdparty.
 */
#define CLIENT_CALLS
#define CLIENT_PARTIES 2
#define OWN_CLIENT_MAKE_CALL
#include "../../skeleton/client.h"

static VOID ClientMakeCall(PCLIENT_CALL Call)
{
    PCLIENT_PARTY First = &Call->Parties[0];
    PCLIENT_PARTY Second = &Call->Parties[1];
    NDIS_STATUS Status;

    ClientFillParameters(&Call->Parameters);
    Status = NdisClMakeCall(
        Call->NdisVcHandle, &Call->Parameters.Call, First, &First->NdisPartyHandle);
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClMakeCallComplete(Status, Call, First->NdisPartyHandle, &Call->Parameters.Call);
    }
    /*
     * FAULT: the call may be anywhere between here and the other end, or may have failed. There is
     * nothing yet that a party could be added to.
     *
     * Right: add parties when ProtocolClMakeCallComplete, or a synchronous return, has said that the
     * call is there.
     */
    Second->State = ClientPartyBusy;
    ClientAddParty(Call, Second);
}
