/*
 * A client that turns down a call by deleting the call manager's VC.
 *
 * Rule: vc-delete-creator-only. Page: nf-ndis-ndiscodeletevc.
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
     * FAULT: the VC belongs to the call manager, which created it for this call, and may want to offer
     * the next one on it.
     *
     * Right: the rejection is all that there is to do; the call manager deletes its VC, or uses it
     * again.
     */
    NdisCoDeleteVc(Call->NdisVcHandle);
    return NDIS_STATUS_FAILURE;
}
