/*
 * A client that takes NDIS_STATUS_PENDING for a failure, and closes its call once more.
 *
 * Rule: call-close-existing-call. Page: nf-ndis-ndisclclosecall.
 */
#define CLIENT_CALLS
#define OWN_CLIENT_CLOSE_CALL
#include "../../skeleton/client.h"

static VOID ClientCloseCall(PCLIENT_CALL Call, PCLIENT_PARTY Last)
{
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(Last);
    Status = NdisClCloseCall(Call->NdisVcHandle, NULL, NULL, 0);
    if (Status != NDIS_STATUS_SUCCESS && Call->Ours) {
        /*
         * FAULT: NDIS_STATUS_PENDING is no failure. The call is being closed, and a call that is being
         * closed cannot be closed.
         *
         * Right: with NDIS_STATUS_PENDING wait for ProtocolClCloseCallComplete, and try again only if
         * that, or this call, ends with another status than success.
         */
        Status = NdisClCloseCall(Call->NdisVcHandle, NULL, NULL, 0);
    }
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClCloseCallComplete(Status, Call, NULL);
    }
}
