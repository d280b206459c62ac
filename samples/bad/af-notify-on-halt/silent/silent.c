/*
 * An MCM that halts without asking its clients to close.
 *
 * Rule: af-notify-on-halt. Pages: nc-ndis-protocol_cm_notify_close_af_complete,
 * closing-a-condis-call-manager-or-mcm.
 *
 * On every documented way down NDIS has unbound the clients before it halts the adapter, and their AFs
 * are closed. So this shows only with --stop-order overlapped, where a halt may begin while their
 * unbinds are pended; and it is a note, since no page describes that order. The client has its AF open
 * for so long because its first attempt to close is refused (scenario.toml has it pend the unbind).
 */
#define OWN_CM_CLOSE_AF
#define OWN_MINIPORT_HALT_EX
#define OWN_MINIPORT_DEVICE_PNP_EVENT_NOTIFY
#include "../../skeleton/mcm.h"

/* The halt has returned with AFs open. Whoever closes the last of them frees the adapter's memory. */
static BOOLEAN McmAbandoned;

/* Correct: a busy call manager may refuse a close, and the client tries again later. */
static NDIS_STATUS NTAPI ProtocolCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CallMgrAfContext;
    PCM_PORT Port = Af->Port;
    BOOLEAN Free;

    if (!Af->CloseRefused) {
        Af->CloseRefused = TRUE;
        return NDIS_STATUS_NOT_ACCEPTED;
    }
    CmHoldClose(Af);
    NdisAcquireSpinLock(&Port->Lock);
    Free = McmAbandoned && Port->Afs.Flink == Port->Afs.Blink;
    NdisReleaseSpinLock(&Port->Lock);
    CmReleaseAf(Af);
    if (Free) {
        McmFreeAdapter(Port);
    }
    return NDIS_STATUS_SUCCESS;
}

/* The same fault when the hardware is removed by surprise; there it does no harm, since the clients
 * are unbound in any case. */
static VOID NTAPI MiniportDevicePnPEventNotify(NDIS_HANDLE, PNET_DEVICE_PNP_EVENT)
{
}

/* Waits until no AF is left, or one is open and not being closed, and says whether none is left. */
static BOOLEAN McmWaitForClosingAfs(PCM_PORT Port)
{
    for (;;) {
        BOOLEAN Open = FALSE;
        BOOLEAN Idle;
        PLIST_ENTRY Entry;

        NdisResetEvent(&Port->Changed);
        NdisAcquireSpinLock(&Port->Lock);
        Idle = IsListEmpty(&Port->Afs);
        for (Entry = Port->Afs.Flink; Entry != &Port->Afs; Entry = Entry->Flink) {
            Open = Open || !CONTAINING_RECORD(Entry, CM_AF, Link)->Closing;
        }
        McmAbandoned = Open;
        NdisReleaseSpinLock(&Port->Lock);
        if (Idle || Open) {
            return Idle;
        }
        NdisWaitEvent(&Port->Changed, 0);
    }
}

static VOID NTAPI MiniportHaltEx(NDIS_HANDLE MiniportAdapterContext, NDIS_HALT_ACTION HaltAction)
{
    PCM_PORT Port = MiniportAdapterContext;

    UNREFERENCED_PARAMETER(HaltAction);
    CmClosePort(Port);
    /*
     * FAULT: the adapter goes away under AFs that clients still have open, and they do not know.
     *
     * Right: NdisMCmNotifyCloseAddressFamily for each AF that is open (CmNotifyAll), wait until they
     * are closed (CmWaitForAfs), and free the adapter.
     */
    if (McmWaitForClosingAfs(Port)) {
        McmFreeAdapter(Port);
    }
}
