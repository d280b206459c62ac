/*
 * A client that drops a party without data, but with their size.
 *
 * Rule: party-drop-size-zero. Page: nf-ndis-ndiscldropparty.
 */
#define CLIENT_CALLS
#define CLIENT_PARTIES 2
#define OWN_CLIENT_DROP_PARTY
#include "../../skeleton/client.h"

static VOID ClientDropParty(PCLIENT_PARTY Party)
{
    PVOID CloseData = NULL; /* there is nothing to say to the party */
    NDIS_STATUS Status;

    /*
     * FAULT: the size is that of the pointer. The call manager may read so many bytes at NULL.
     *
     * Right: NULL and 0.
     */
    Status = NdisClDropParty(Party->NdisPartyHandle, CloseData, sizeof(CloseData));
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClDropPartyComplete(Status, Party);
    }
}
