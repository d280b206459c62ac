/*
 * A client that wants time to think when a VC is created for it.
 *
 * Rule: vc-create-callback-no-pending. Page: nc-ndis-protocol_co_create_vc.
 */
#define CLIENT_CALLS
#define OWN_PROTOCOL_CO_CREATE_VC
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolCoCreateVc(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE ProtocolVcContext)
{
    UNREFERENCED_PARAMETER(ProtocolAfContext);
    UNREFERENCED_PARAMETER(NdisVcHandle);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    /*
     * FAULT: a VC is created at once or not at all; no function completes this later. What may take its
     * time is the answer to the call that is offered on the VC.
     *
     * Right: allocate what the VC needs and return NDIS_STATUS_SUCCESS, or NDIS_STATUS_RESOURCES, and
     * pend in ProtocolClIncomingCall.
     */
    return NDIS_STATUS_PENDING;
}
