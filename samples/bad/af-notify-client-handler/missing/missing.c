/*
 * A client without a handler for close notifications, as one may be that comes from NDIS 5.
 *
 * Rule: af-notify-client-handler. Pages: nc-ndis-protocol_cl_notify_close_af,
 * ns-ndis-_ndis_co_client_optional_handlers.
 */
#define OWN_PROTOCOL_SET_OPTIONS
#include "../../skeleton/client.h"

static NDIS_STATUS NTAPI ProtocolSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    NDIS_STATUS Status = NdisSetOptionalHandlers(NdisDriverHandle, &ProtocolCoHandlers.Header);

    UNREFERENCED_PARAMETER(DriverContext);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    /*
     * FAULT: NDIS 5 had no such handler; a call manager asked by OID_CO_AF_CLOSE, which
     * ProtocolCoOidRequest answers. An NDIS 6 call manager asks with a call of its own, and NDIS has
     * no handler to pass it to.
     *
     * Right: leave ProtocolClNotifyCloseAf in the table. Every member has to be there.
     */
    ClientHandlers.ClNotifyCloseAfHandler = NULL;
    return NdisSetOptionalHandlers(NdisDriverHandle, &ClientHandlers.Header);
}
