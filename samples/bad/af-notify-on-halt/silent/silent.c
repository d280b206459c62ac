/*
 * An MCM that halts without asking its clients to close.
 *
 * Rule: af-notify-on-halt. Pages: nc-ndis-protocol_cm_notify_close_af_complete,
 * closing-a-condis-call-manager-or-mcm.
 *
 * On every documented way down NDIS has unbound the clients before it halts the adapter, and their AFs
 * are closed. So this shows only with --stop-order overlapped, where a halt may begin while their
 * unbinds are pended; and it is a note, since no page describes that order.
 */
#define OWN_MINIPORT_HALT_EX
#define OWN_MINIPORT_DEVICE_PNP_EVENT_NOTIFY
#include "../../skeleton/mcm.h"

/* The same fault when the hardware is removed by surprise; there it does no harm, since the clients
 * are unbound in any case. */
static VOID NTAPI MiniportDevicePnPEventNotify(NDIS_HANDLE, PNET_DEVICE_PNP_EVENT)
{
}

static VOID NTAPI MiniportHaltEx(NDIS_HANDLE MiniportAdapterContext, NDIS_HALT_ACTION HaltAction)
{
    PCM_PORT Port = MiniportAdapterContext;

    UNREFERENCED_PARAMETER(HaltAction);
    /*
     * FAULT: the adapter goes away under AFs that clients still have open.
     *
     * Right: NdisMCmNotifyCloseAddressFamily for each AF that is open (CmNotifyAll), then wait until
     * they are closed (CmWaitForAfs), then free the adapter.
     */
    McmFreeAdapter(Port);
}
