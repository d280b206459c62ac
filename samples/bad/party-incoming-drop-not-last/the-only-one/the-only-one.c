/*
 * An MCM that has a party leave that is the only one of its call.
 *
 * Rule: party-incoming-drop-not-last. Page: nf-ndis-ndismcmdispatchincomingdropparty.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_MAKE_CALL
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmMakeCall(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    PCM_VC Vc = CallMgrVcContext;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(CallMgrPartyContext);
    if (NdisPartyHandle == NULL) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    Vc->Party = CmCreateParty(Vc, NdisPartyHandle);
    if (Vc->Party == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Status = CmActivate(Vc, CallParameters, CmCallMade);
    if (Status != NDIS_STATUS_PENDING) {
        CmCallMade(Vc, Status);
    }
    if (Status == NDIS_STATUS_SUCCESS) {
        /*
         * FAULT: the party that was called hangs up at once, and there is no other. The client can drop
         * only a party that is not the last.
         *
         * Right: NdisMCmDispatchIncomingCloseCall, if no other party is on the VC.
         */
        NdisMCmDispatchIncomingDropParty(NDIS_STATUS_SUCCESS, NdisPartyHandle, NULL, 0);
    }
    return NDIS_STATUS_PENDING;
}
