/*
 * A client that deregisters its SAP again because the first attempt has not succeeded at once.
 *
 * Rule: sap-dereg-once. Page: nf-ndis-ndisclderegistersap.
 */
#define CLIENT_CALLS
#define OWN_CLIENT_DEREGISTER_SAP
#include "../../skeleton/client.h"

static VOID ClientDeregisterSap(PCLIENT_AF Af)
{
    NDIS_STATUS Status;

    Status = NdisClDeregisterSap(Af->NdisSapHandle);
    if (Status != NDIS_STATUS_SUCCESS) {
        /*
         * FAULT: NDIS_STATUS_PENDING says that the deregistration is under way. A second one gets
         * NDIS_STATUS_FAILURE, and a client that believes that has a SAP that it thinks it could not
         * deregister.
         *
         * Right: with NDIS_STATUS_PENDING wait for ProtocolClDeregisterSapComplete.
         */
        NdisClDeregisterSap(Af->NdisSapHandle);
    }
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClDeregisterSapComplete(Status, Af);
    }
}
