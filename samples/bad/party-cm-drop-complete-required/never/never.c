/*
 * An MCM that pends the drop of a party and never completes it.
 *
 * Rule: party-cm-drop-complete-required. Pages: nc-ndis-protocol_cm_drop_party, nf-ndis-
 * ndismcmdroppartycomplete.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CM_DROP_PARTY
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmDropParty(
    NDIS_HANDLE CallMgrPartyContext,
    PVOID CloseData,
    UINT Size)
{
    UNREFERENCED_PARAMETER(CloseData);
    UNREFERENCED_PARAMETER(Size);
    NdisFreeMemory(CallMgrPartyContext, 0, 0);
    /*
     * FAULT: the party is forgotten, and with it its handle: nobody can call NdisMCmDropPartyComplete
     * any more. The client cannot close its call as long as it waits for the drop.
     *
     * Right: return NDIS_STATUS_SUCCESS, as nothing is left to be done; or keep the party until the
     * completion has returned.
     */
    return NDIS_STATUS_PENDING;
}
