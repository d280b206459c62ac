/*
 * An MCM that completes the addition of a party without its context.
 *
 * Rule: party-cm-add-complete-context. Page: nf-ndis-ndismcmaddpartycomplete.
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

    if (Party == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *CallMgrPartyContext = Party;
    /*
     * FAULT: what was stored above counts only if this handler returns NDIS_STATUS_SUCCESS. Now NDIS has no
     * context, and calls ProtocolCmDropParty with NULL.
     *
     * Right: Party in the place of NULL.
     */
    NdisMCmAddPartyComplete(NDIS_STATUS_SUCCESS, NdisPartyHandle, NULL, CallParameters);
    return NDIS_STATUS_PENDING;
}
