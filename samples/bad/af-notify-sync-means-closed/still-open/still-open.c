/*
 * A client that answers a notification with success and leaves the AF open.
 *
 * Rule: af-notify-sync-means-closed. Page: nc-ndis-protocol_cl_notify_close_af.
 *
 * A note, for the same reason as its sibling af-notify-complete-after-close/early (open question
 * af-q-notify-complete-before-close).
 */
#define OWN_PROTOCOL_CL_NOTIFY_CLOSE_AF
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolClNotifyCloseAf(NDIS_HANDLE ClientAfContext)
{
    UNREFERENCED_PARAMETER(ClientAfContext);
    /*
     * FAULT: "thank you, noted". NDIS_STATUS_SUCCESS means that the AF has been closed by now.
     *
     * Right: close it, and return NDIS_STATUS_SUCCESS if it is closed then; else NDIS_STATUS_PENDING,
     * and NdisClNotifyCloseAddressFamilyComplete later. A client that does not want to close returns
     * a failure.
     */
    return NDIS_STATUS_SUCCESS;
}
