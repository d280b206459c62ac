/*
 * A protocol (here a client) that is unloaded without deregistering.
 *
 * Rule: registration-protocol-deregister. Page: nf-ndis-ndisderegisterprotocoldriver.
 */
#define OWN_UNLOAD
#include "../../skeleton/client.h"

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    /*
     * FAULT: NDIS keeps the handlers of a driver whose code is gone, and calls them at the next bind.
     *
     * Right: NdisDeregisterProtocolDriver(ProtocolHandle), first of all. It returns when every binding
     * has been unbound, and the handlers have to work until then.
     */
    NdisFreeSpinLock(&ClientLock);
}
