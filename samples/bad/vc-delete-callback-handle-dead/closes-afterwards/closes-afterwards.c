/*
 * A client that uses the handle of a VC after it has agreed to the VC's deletion.
 *
 * Rule: vc-delete-callback-handle-dead. Page: nc-ndis-protocol_co_delete_vc.
 */
#define CLIENT_CALLS
#define OWN_PROTOCOL_CO_DELETE_VC
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolCoDeleteVc(NDIS_HANDLE ProtocolVcContext)
{
    PCLIENT_CALL Call = ProtocolVcContext;

    /*
     * FAULT: the VC stays in the list of connections, as one that is closed when the address family is.
     * By then the VC is gone: the call manager has deleted it, and this function has said that the
     * client has no use for it any more.
     *
     * Right: Call->State = ClientCallGone. The call was closed before, or the call manager could not
     * have deleted the VC.
     */
    NdisAcquireSpinLock(&ClientLock);
    Call->State = ClientCallUp;
    NdisReleaseSpinLock(&ClientLock);
    return NDIS_STATUS_SUCCESS;
}
