/*
 * A client that hangs up by deleting the VC of its call.
 *
 * Rule: vc-delete-client-after-close. Pages: nf-ndis-ndiscodeletevc, deleting-a-vc.
 */
#define CLIENT_CALLS
#define OWN_CLIENT_CLOSE_CALL
#include "../../skeleton/client.h"

static VOID ClientCloseCall(PCLIENT_CALL Call, PCLIENT_PARTY Last)
{
    NDIS_STATUS Status;

    if (Call->Ours) {
        /*
         * FAULT: the call on the VC is connected, and the call manager does not know that it is to end.
         *
         * Right: NdisClCloseCall, and NdisCoDeleteVc when that has completed with NDIS_STATUS_SUCCESS.
         */
        Status = NdisCoDeleteVc(Call->NdisVcHandle);
    } else {
        Status = NdisClCloseCall(Call->NdisVcHandle, NULL, NULL, 0);
    }
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClCloseCallComplete(Status, Call, Last);
    }
}
