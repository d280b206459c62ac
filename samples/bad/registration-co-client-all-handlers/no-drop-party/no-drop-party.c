/*
 * A client that leaves out a handler which it thinks it does not need.
 *
 * Rule: registration-co-client-all-handlers. Page: ns-ndis-_ndis_co_client_optional_handlers.
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
     * FAULT: "we make no multipoint calls". NDIS does not check for NULL before it calls.
     *
     * Right: a handler for every member of the table; one for a feature that is not supported
     * returns NDIS_STATUS_NOT_SUPPORTED, or just returns.
     */
    ClientHandlers.ClIncomingDropPartyHandler = NULL;
    return NdisSetOptionalHandlers(NdisDriverHandle, &ClientHandlers.Header);
}
