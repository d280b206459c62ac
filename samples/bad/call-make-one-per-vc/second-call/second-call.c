/*
 * A client that makes two calls on one VC.
 *
 * Rule: call-make-one-per-vc. Pages: virtual-connections, nf-ndis-ndisclmakecall.
 */
#define CLIENT_CALLS
#define OWN_CLIENT_MAKE_CALL
#include "../../skeleton/client.h"

static VOID ClientMakeCall(PCLIENT_CALL Call)
{
    CLIENT_PARAMETERS Second;
    NDIS_STATUS Status;

    ClientFillParameters(&Call->Parameters);
    Status = NdisClMakeCall(Call->NdisVcHandle, &Call->Parameters.Call, NULL, NULL);
    /*
     * FAULT: one VC carries one call. The second address needs a VC of its own, or has to be a party of a
     * multipoint call.
     *
     * Right: NdisCoCreateVc for each call.
     */
    ClientFillParameters(&Second);
    Second.CallMgr.CallMgrSpecific.Parameters[0] = CLIENT_ADDRESS + 1;
    NdisClMakeCall(Call->NdisVcHandle, &Second.Call, NULL, NULL);
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClMakeCallComplete(Status, Call, NULL, &Call->Parameters.Call);
    }
}
