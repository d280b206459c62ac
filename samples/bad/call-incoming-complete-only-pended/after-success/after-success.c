/*
 * A client that accepts a call twice: by its return value, and by a completion.
 *
 * Rule: call-incoming-complete-only-pended. Pages: nc-ndis-protocol_cl_incoming_call,
 * nf-ndis-ndisclincomingcallcomplete.
 */
#define CLIENT_CALLS
#define OWN_PROTOCOL_CL_INCOMING_CALL
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolClIncomingCall(
    NDIS_HANDLE ProtocolSapContext,
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_CALL Call = ProtocolVcContext;

    UNREFERENCED_PARAMETER(ProtocolSapContext);
    NdisAcquireSpinLock(&ClientLock);
    Call->State = ClientCallUp;
    NdisReleaseSpinLock(&ClientLock);
    NdisClIncomingCallComplete(NDIS_STATUS_SUCCESS, Call->NdisVcHandle, CallParameters);
    /*
     * FAULT: the completion is the answer to a call that this handler pends, and it may come before the
     * handler has returned. With NDIS_STATUS_SUCCESS the call is accepted a second time.
     *
     * Right: either the completion and NDIS_STATUS_PENDING, or NDIS_STATUS_SUCCESS and no completion.
     */
    return NDIS_STATUS_SUCCESS;
}
