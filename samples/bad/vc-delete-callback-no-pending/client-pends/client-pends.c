/*
 * A client that pends the deletion of a call manager's VC.
 *
 * Rule: vc-delete-callback-no-pending. Pages: nc-ndis-protocol_co_delete_vc, deleting-a-vc.
 */
#define CLIENT_CALLS
#define OWN_PROTOCOL_CO_DELETE_VC
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolCoDeleteVc(NDIS_HANDLE ProtocolVcContext)
{
    PCLIENT_CALL Call = ProtocolVcContext;

    NdisAcquireSpinLock(&ClientLock);
    Call->State = ClientCallGone;
    NdisReleaseSpinLock(&ClientLock);
    /*
     * FAULT: no function completes the deletion of a VC, so it would never end.
     *
     * Right: NDIS_STATUS_SUCCESS; or NDIS_STATUS_NOT_ACCEPTED while something of ours is still going on on
     * the VC.
     */
    return NDIS_STATUS_PENDING;
}
