/*
 * A client that takes an incoming close for the end of the call.
 *
 * Rule: call-incoming-close-closecall. Pages: nc-ndis-protocol_cl_incoming_close_call, incoming-
 * request-to-close-a-call.
 */
#define CLIENT_CALLS
#define OWN_PROTOCOL_CL_INCOMING_CLOSE_CALL
#include "../../skeleton/client.h"

static VOID NTAPI ProtocolClIncomingCloseCall(
    NDIS_STATUS CloseStatus,
    NDIS_HANDLE ProtocolVcContext,
    PVOID CloseData,
    UINT Size)
{
    PCLIENT_CALL Call = ProtocolVcContext;

    UNREFERENCED_PARAMETER(CloseStatus);
    UNREFERENCED_PARAMETER(CloseData);
    UNREFERENCED_PARAMETER(Size);
    /*
     * FAULT: the other end has closed, so this client leaves the rest to the call manager, and waits
     * until its VC is deleted. But the call manager waits for NdisClCloseCall: only then does it know
     * that nothing more is sent on the VC, and can deactivate and delete it.
     *
     * Right: call NdisClCloseCall, here or later, for every incoming close that has not crossed one of
     * our own.
     */
    NdisAcquireSpinLock(&ClientLock);
    if (Call->State == ClientCallUp) {
        Call->State = ClientCallBusy;
    }
    NdisReleaseSpinLock(&ClientLock);
}
