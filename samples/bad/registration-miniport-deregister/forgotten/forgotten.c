/*
 * A miniport (here an MCM) that is unloaded without deregistering.
 *
 * Rule: registration-miniport-deregister. Page: nc-ndis-miniport_unload.
 */
#define OWN_MINIPORT_DRIVER_UNLOAD
#include "../../skeleton/mcm.h"

static VOID NTAPI MiniportDriverUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    /*
     * FAULT: nothing. NDIS keeps the handlers of a driver whose code is gone.
     *
     * Right: NdisMDeregisterMiniportDriver(MiniportDriverHandle).
     */
}
