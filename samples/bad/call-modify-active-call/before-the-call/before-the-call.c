/*
 * A client that sets the quality of service of a VC before it makes the call.
 *
 * Rule: call-modify-active-call. Pages: nf-ndis-ndisclmodifycallqos,
 * client-initiated-request-to-change-call-parameters.
 */
#define CLIENT_CALLS
#define OWN_CLIENT_MAKE_CALL
#include "../../skeleton/client.h"

static VOID ClientMakeCall(PCLIENT_CALL Call)
{
    NDIS_STATUS Status;

    ClientFillParameters(&Call->Parameters);
    /*
     * FAULT: there is no call on the VC whose quality of service could be changed.
     *
     * Right: NdisClMakeCall takes the quality of service in its call parameters; NdisClModifyCallQoS changes
     * it later.
     */
    NdisClModifyCallQoS(Call->NdisVcHandle, &Call->Parameters.Call);
    Status = NdisClMakeCall(Call->NdisVcHandle, &Call->Parameters.Call, NULL, NULL);
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClMakeCallComplete(Status, Call, NULL, &Call->Parameters.Call);
    }
}
