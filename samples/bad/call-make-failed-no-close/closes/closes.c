/*
 * A client that closes a call that could not be made.
 *
 * Rule: call-make-failed-no-close. Page: nc-ndis-protocol_cl_make_call_complete.
 */
#define CLIENT_CALLS
#define OWN_PROTOCOL_CL_MAKE_CALL_COMPLETE
#include "../../skeleton/client.h"

static VOID NTAPI ProtocolClMakeCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_CALL Call = ProtocolVcContext;

    UNREFERENCED_PARAMETER(NdisPartyHandle);
    UNREFERENCED_PARAMETER(CallParameters);
    if (Status != NDIS_STATUS_SUCCESS) {
        /*
         * FAULT: a call that failed leaves nothing to close.
         *
         * Right: delete the VC, or make another call on it.
         */
        NdisClCloseCall(Call->NdisVcHandle, NULL, NULL, 0);
    }
    NdisAcquireSpinLock(&ClientLock);
    Call->State = Status == NDIS_STATUS_SUCCESS ? ClientCallUp : ClientCallClosed;
    ClientGoOn(Call->Af);
}
