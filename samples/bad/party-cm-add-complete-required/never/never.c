/*
 * An MCM that pends the addition of a party and never completes it.
 *
 * Rule: party-cm-add-complete-required. Pages: nc-ndis-protocol_cm_add_party,
 * nf-ndis-ndismcmaddpartycomplete.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_ADD_PARTY
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmAddParty(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext)
{
    PCM_PARTY Party = CmCreateParty(CallMgrVcContext, NdisPartyHandle);

    UNREFERENCED_PARAMETER(CallParameters);
    if (Party == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *CallMgrPartyContext = Party;
    /*
     * FAULT: it waits for the network, which may well not answer at all. The client can neither use the party
     * nor drop it, and so never close the call.
     *
     * Right: NdisMCmAddPartyComplete when the network has answered, and with an error when it has not for too
     * long.
     */
    return NDIS_STATUS_PENDING;
}
