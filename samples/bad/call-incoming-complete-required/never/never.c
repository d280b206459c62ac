/*
 * A client that pends an offered call and never answers it.
 *
 * Rule: call-incoming-complete-required. Pages: nc-ndis-protocol_cl_incoming_call,
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
    UNREFERENCED_PARAMETER(CallParameters);
    /*
     * FAULT: NDIS_STATUS_PENDING is a promise to call NdisClIncomingCallComplete, and nobody here ever
     * does. The call manager cannot go on with the call, and this client waits with its close for a
     * call that will never be connected.
     *
     * Right: whoever makes up its mind (a user, an application, a time-out) calls
     * NdisClIncomingCallComplete, with a failure if the answer is no.
     */
    NdisAcquireSpinLock(&ClientLock);
    Call->State = ClientCallBusy;
    NdisReleaseSpinLock(&ClientLock);
    return NDIS_STATUS_PENDING;
}
