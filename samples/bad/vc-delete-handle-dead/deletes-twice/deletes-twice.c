/*
 * A client that deletes its VC, and then deletes it again.
 *
 * Rule: vc-delete-handle-dead. Page: nf-ndis-ndiscodeletevc.
 */
#define CLIENT_CALLS
#define OWN_CLIENT_DELETE_VC
#include "../../skeleton/client.h"

static VOID ClientDeleteVc(PCLIENT_CALL Call)
{
    NDIS_STATUS Status = NdisCoDeleteVc(Call->NdisVcHandle);

    /*
     * FAULT: NDIS_STATUS_NOT_ACCEPTED, which asks for another attempt, is not negative, so somebody
     * made this attempt the rule. But NDIS_STATUS_SUCCESS is final: the handle is dead when it is
     * returned.
     *
     * Right: try again only if the status is not NDIS_STATUS_SUCCESS.
     */
    if (Status >= 0) {
        Status = NdisCoDeleteVc(Call->NdisVcHandle);
    }
    NdisAcquireSpinLock(&ClientLock);
    Call->State = ClientCallGone;
    NdisReleaseSpinLock(&ClientLock);
}
