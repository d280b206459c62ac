/*
 * mcm.c - an NDIS 6.20 miniport call manager (MCM): the driver, its adapters and address families.
 *
 * What the MCM shows: a miniport that is its own call manager. It registers one address family (AF) for
 * each of its adapters; clients that are bound to the adapter open it, register SAPs, call each other,
 * and close it again: the adapter is a small switch. When the adapter is removed by surprise, or halts,
 * with an AF still open, the MCM asks its client to close it. There is no hardware behind this adapter.
 *
 * Read mcm.h first, then DriverEntry and McmSetOptions at the end of this file, then the adapter,
 * opening and closing, then switch.c and request.c.
 *
 * Whatever CloseAf says, a close pends that crosses our own notification, or that comes before we have
 * deleted the VCs on which we offered calls; see McmCmCloseAf.
 */

#include "mcm.h"

#define MCM_MTU 1500

/* How long a DISPATCH_LEVEL completion is put off, in units of 100 ns; negative = from now. */
#define MCM_TIMER_DUE (-10000ll)

/* A completion that is put off. */
typedef struct _MCM_OPERATION {
    LIST_ENTRY Link;
    PMCM_AF Af;
    NDIS_HANDLE WorkItem;
    BOOLEAN Close; /* else it is an open */
    NDIS_STATUS Status;
} MCM_OPERATION, *PMCM_OPERATION;

static NDIS_HANDLE McmDriverHandle;

DRIVER_INITIALIZE DriverEntry;
static MINIPORT_UNLOAD McmUnload;
static SET_OPTIONS McmSetOptions;
static MINIPORT_INITIALIZE McmInitializeEx;
static MINIPORT_HALT McmHaltEx;
static MINIPORT_PAUSE McmPause;
static MINIPORT_RESTART McmRestart;
static PROTOCOL_CM_OPEN_AF McmCmOpenAf;
static PROTOCOL_CM_CLOSE_AF McmCmCloseAf;
static PROTOCOL_CM_NOTIFY_CLOSE_AF_COMPLETE McmCmNotifyCloseAfComplete;
static NDIS_TIMER_FUNCTION McmTimer;
static NDIS_IO_WORKITEM_FUNCTION McmOperationWork;
static NDIS_IO_WORKITEM_FUNCTION McmPauseWork;
static NDIS_IO_WORKITEM_FUNCTION McmRestartWork;

/* --- memory and references --------------------------------------------------------------------- */

/* Zeroed; NULL if memory is short. */
PVOID McmAllocate(PMCM_ADAPTER Adapter, ULONG Size)
{
    PVOID Memory = NdisAllocateMemoryWithTagPriority(
        Adapter->MiniportAdapterHandle, Size, MCM_POOL_TAG, NormalPoolPriority);

    if (Memory != NULL) {
        NdisZeroMemory(Memory, Size);
    }
    return Memory;
}

/* The adapter may be gone when this returns. */
VOID McmReleaseAdapter(PMCM_ADAPTER Adapter)
{
    NdisAcquireSpinLock(&Adapter->Lock);
    Adapter->Users--;
    /* Under the lock: a halt that finds Users at 0 frees the adapter, and the event with it. */
    NdisSetEvent(&Adapter->Changed);
    NdisReleaseSpinLock(&Adapter->Lock);
}

static VOID McmReleaseAf(PMCM_AF Af)
{
    PMCM_ADAPTER Adapter = Af->Adapter;
    BOOLEAN Last;

    NdisAcquireSpinLock(&Adapter->Lock);
    Af->References--;
    Last = Af->References == 0;
    if (Last) {
        RemoveEntryList(&Af->Link);
    }
    NdisReleaseSpinLock(&Adapter->Lock);
    if (Last) {
        NdisFreeMemory(Af, 0, 0);
        McmReleaseAdapter(Adapter);
    }
}

/* --- opening an address family ----------------------------------------------------------------- */

/*
 * Reports the end of an open that ProtocolCmOpenAf answered, or is going to answer, with
 * NDIS_STATUS_PENDING. Runs at IRQL <= DISPATCH_LEVEL.
 */
static VOID McmCompleteOpen(PMCM_AF Af, NDIS_STATUS Status)
{
    PMCM_ADAPTER Adapter = Af->Adapter;
    NDIS_HANDLE NdisAfHandle = Af->NdisAfHandle;

    NdisAcquireSpinLock(&Adapter->Lock);
    if (Status == NDIS_STATUS_SUCCESS && Adapter->Halting) {
        Status = NDIS_STATUS_FAILURE;
    }
    if (Status == NDIS_STATUS_SUCCESS) {
        /* The client may close the AF, and NDIS may have it closed, before the call below returns. */
        Af->References++;
    } else {
        RemoveEntryList(&Af->Link);
    }
    NdisReleaseSpinLock(&Adapter->Lock);

    if (Status != NDIS_STATUS_SUCCESS) {
        /* The context goes first; the adapter has to stay until NDIS has heard. */
        NdisFreeMemory(Af, 0, 0);
        NdisMCmOpenAddressFamilyComplete(Status, NdisAfHandle, NULL);
        McmReleaseAdapter(Adapter);
        return;
    }
    NdisMCmOpenAddressFamilyComplete(NDIS_STATUS_SUCCESS, NdisAfHandle, Af);
    NdisAcquireSpinLock(&Adapter->Lock);
    if (Af->State == McmAfOpening) {
        Af->State = McmAfOpen;
    }
    /* A halt that began after the check above has this AF to notify now. */
    NdisSetEvent(&Adapter->Changed);
    NdisReleaseSpinLock(&Adapter->Lock);
    McmReleaseAf(Af);
}

static VOID McmRunOperation(PMCM_AF Af, BOOLEAN Close, NDIS_STATUS Status)
{
    if (Close) {
        McmCompleteClose(Af);
    } else {
        McmCompleteOpen(Af, Status);
    }
}

/* The operation is freed before it is carried out: its completion may be what a halt waits for, and
 * when the halt is over nothing of the adapter may be left. */
static VOID NTAPI McmOperationWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    PMCM_OPERATION Operation = WorkItemContext;
    PMCM_AF Af = Operation->Af;
    BOOLEAN Close = Operation->Close;
    NDIS_STATUS Status = Operation->Status;

    NdisFreeIoWorkItem(NdisIoWorkItemHandle);
    NdisFreeMemory(Operation, 0, 0);
    McmRunOperation(Af, Close, Status);
}

/* Runs at DISPATCH_LEVEL. */
static VOID NTAPI McmTimer(
    PVOID SystemSpecific1,
    PVOID FunctionContext,
    PVOID SystemSpecific2,
    PVOID SystemSpecific3)
{
    PMCM_ADAPTER Adapter = FunctionContext;
    BOOLEAN RunSwitch;

    UNREFERENCED_PARAMETER(SystemSpecific1);
    UNREFERENCED_PARAMETER(SystemSpecific2);
    UNREFERENCED_PARAMETER(SystemSpecific3);
    for (;;) {
        PMCM_OPERATION Operation = NULL;
        PMCM_AF Af;
        BOOLEAN Close;
        NDIS_STATUS Status;

        NdisDprAcquireSpinLock(&Adapter->Lock);
        if (!IsListEmpty(&Adapter->TimerOperations)) {
            Operation = CONTAINING_RECORD(
                RemoveHeadList(&Adapter->TimerOperations), MCM_OPERATION, Link);
        }
        NdisDprReleaseSpinLock(&Adapter->Lock);
        if (Operation == NULL) {
            break;
        }
        Af = Operation->Af;
        Close = Operation->Close;
        Status = Operation->Status;
        NdisFreeMemory(Operation, 0, 0);
        /* The adapter outlives this even if it halts meanwhile: McmFreeAdapter waits for the timer
         * function. */
        McmRunOperation(Af, Close, Status);
    }
    NdisDprAcquireSpinLock(&Adapter->Lock);
    RunSwitch = Adapter->SwitchTimed;
    Adapter->SwitchTimed = FALSE;
    NdisDprReleaseSpinLock(&Adapter->Lock);
    if (RunSwitch) {
        McmRunSwitch(Adapter);
        McmReleaseAdapter(Adapter);
    }
}

/* Has McmTimer run in a while. The caller holds the lock: setting a timer calls nobody back, and
 * keeping the lock keeps the halt away. */
VOID McmSetTimer(PMCM_ADAPTER Adapter)
{
    LARGE_INTEGER DueTime;

    DueTime.QuadPart = MCM_TIMER_DUE;
    NdisSetTimerObject(Adapter->Timer, DueTime, 0, NULL);
}

/* NULL if memory is short. Mode 5 is carried out by the timer, any other by a work item. */
static PMCM_OPERATION McmAllocateOperation(PMCM_ADAPTER Adapter, ULONG Mode)
{
    PMCM_OPERATION Operation;

    Operation = McmAllocate(Adapter, sizeof(*Operation));
    if (Operation == NULL) {
        return NULL;
    }
    if (Mode != 5) {
        Operation->WorkItem = NdisAllocateIoWorkItem(Adapter->MiniportAdapterHandle);
        if (Operation->WorkItem == NULL) {
            NdisFreeMemory(Operation, 0, 0);
            return NULL;
        }
    }
    return Operation;
}

/* Af and Operation may be freed before this returns. */
static VOID McmQueueOperation(PMCM_OPERATION Operation, PMCM_AF Af, BOOLEAN Close, NDIS_STATUS Status)
{
    PMCM_ADAPTER Adapter = Af->Adapter;

    Operation->Af = Af;
    Operation->Close = Close;
    Operation->Status = Status;
    if (Operation->WorkItem != NULL) {
        NdisQueueIoWorkItem(Operation->WorkItem, McmOperationWork, Operation);
        return;
    }
    NdisAcquireSpinLock(&Adapter->Lock);
    InsertTailList(&Adapter->TimerOperations, &Operation->Link);
    McmSetTimer(Adapter);
    NdisReleaseSpinLock(&Adapter->Lock);
}

/*
 * A client opens our address family. The context is what NDIS hands to every later handler for this
 * AF; the handle names the AF in our calls. Both have to be in place before the open can succeed.
 */
static NDIS_STATUS NTAPI McmCmOpenAf(
    NDIS_HANDLE CallMgrBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily,
    NDIS_HANDLE NdisAfHandle,
    PNDIS_HANDLE CallMgrAfContext)
{
    PMCM_ADAPTER Adapter = CallMgrBindingContext; /* for an MCM its MiniportAdapterContext */
    ULONG Mode = Adapter->Options.OpenAf;
    PMCM_OPERATION Operation = NULL;
    BOOLEAN Halting;
    PMCM_AF Af;

    if (AddressFamily->AddressFamily != Adapter->AddressFamily.AddressFamily) {
        return NDIS_STATUS_FAILURE;
    }
    if (Mode == 3) {
        return NDIS_STATUS_RESOURCES;
    }
    Af = McmAllocate(Adapter, sizeof(*Af));
    if (Af == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    if (Mode == 1 || Mode == 4 || Mode == 5) {
        Operation = McmAllocateOperation(Adapter, Mode);
        if (Operation == NULL) {
            NdisFreeMemory(Af, 0, 0);
            return NDIS_STATUS_RESOURCES;
        }
    }
    InitializeListHead(&Af->Vcs);
    Af->Adapter = Adapter;
    Af->NdisAfHandle = NdisAfHandle;
    Af->References = 1;
    Af->State = Mode == 0 ? McmAfOpen : McmAfOpening;
    *CallMgrAfContext = Af;

    NdisAcquireSpinLock(&Adapter->Lock);
    Halting = Adapter->Halting;
    if (!Halting) {
        InsertTailList(&Adapter->Afs, &Af->Link);
        Adapter->Users++;
    }
    NdisReleaseSpinLock(&Adapter->Lock);
    if (Halting) {
        if (Operation != NULL) {
            if (Operation->WorkItem != NULL) {
                NdisFreeIoWorkItem(Operation->WorkItem);
            }
            NdisFreeMemory(Operation, 0, 0);
        }
        NdisFreeMemory(Af, 0, 0);
        return NDIS_STATUS_FAILURE;
    }

    if (Operation != NULL) {
        McmQueueOperation(
            Operation, Af, FALSE, Mode == 4 ? NDIS_STATUS_RESOURCES : NDIS_STATUS_SUCCESS);
        return NDIS_STATUS_PENDING;
    }
    if (Mode == 2) {
        McmCompleteOpen(Af, NDIS_STATUS_SUCCESS);
        return NDIS_STATUS_PENDING;
    }
    return NDIS_STATUS_SUCCESS;
}

/* --- closing an address family ----------------------------------------------------------------- */

/* Ends a close that pends. A close that has been accepted cannot fail any more, and from this call on
 * the handle is dead. */
VOID McmCompleteClose(PMCM_AF Af)
{
    NdisMCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, Af->NdisAfHandle);
    McmReleaseAf(Af);
}

/* Whether nothing stands against the end of a close. Under the lock. */
static BOOLEAN McmIsDrained(PMCM_AF Af)
{
    return !Af->CloseHeld && Af->Saps == 0 && IsListEmpty(&Af->Vcs);
}

/* Finds an AF whose close pends and can be completed now; it is the caller's to complete. Under the
 * lock. */
PMCM_AF McmTakeDrainedAf(PMCM_ADAPTER Adapter)
{
    PLIST_ENTRY Entry;

    for (Entry = Adapter->Afs.Flink; Entry != &Adapter->Afs; Entry = Entry->Flink) {
        PMCM_AF Af = CONTAINING_RECORD(Entry, MCM_AF, Link);

        if (Af->ClosePended && McmIsDrained(Af)) {
            Af->ClosePended = FALSE;
            return Af;
        }
    }
    return NULL;
}

/*
 * The client closes the AF. All that the open allocated goes away with the last reference. NDIS makes
 * sure that the client has closed its calls, deleted its VCs, and begun to deregister its SAPs. What
 * may still be there are the deregistrations, and VCs that we created to offer it calls; the close
 * pends until they are gone.
 *
 * There is one race to take care of. A thread that is about to notify this client uses the AF handle,
 * and a close kills that handle when it is done. So as long as the notifying thread has not returned
 * from its call, the close pends. It is another matter if the close comes out of that very call: NDIS
 * has the handle then, and nobody will use it again.
 */
static NDIS_STATUS NTAPI McmCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PMCM_AF Af = CallMgrAfContext;
    PMCM_ADAPTER Adapter = Af->Adapter;
    ULONG Mode = Adapter->Options.CloseAf;
    PMCM_OPERATION Operation = NULL;
    /* In a DPC the current thread is the one that it interrupted, which says nothing. */
    PKTHREAD Thread = KeGetCurrentIrql() == PASSIVE_LEVEL ? KeGetCurrentThread() : NULL;

    if (Mode == 1 || Mode == 5) {
        /* Without memory the close is done at once, which is as good. */
        Operation = McmAllocateOperation(Adapter, Mode);
    }
    NdisAcquireSpinLock(&Adapter->Lock);
    if (Mode == 6 && !Af->CloseRefused) {
        Af->CloseRefused = TRUE;
        NdisReleaseSpinLock(&Adapter->Lock);
        return NDIS_STATUS_NOT_ACCEPTED;
    }
    Af->State = McmAfClosing;
    Af->CloseHeld =
        Af->NotifyCalling && (Mode == 7 || Thread == NULL || Thread != Af->NotifyThread);
    if (!McmIsDrained(Af)) {
        Af->ClosePended = TRUE;
        NdisReleaseSpinLock(&Adapter->Lock);
        if (Operation != NULL) {
            if (Operation->WorkItem != NULL) {
                NdisFreeIoWorkItem(Operation->WorkItem);
            }
            NdisFreeMemory(Operation, 0, 0);
        }
        return NDIS_STATUS_PENDING;
    }
    NdisReleaseSpinLock(&Adapter->Lock);

    if (Operation != NULL) {
        McmQueueOperation(Operation, Af, TRUE, NDIS_STATUS_SUCCESS);
        return NDIS_STATUS_PENDING;
    }
    if (Mode == 2) {
        McmCompleteClose(Af);
        return NDIS_STATUS_PENDING;
    }
    McmReleaseAf(Af);
    return NDIS_STATUS_SUCCESS;
}

/*
 * Finds an AF whose client has to be told, and takes two references for the caller: one for its call,
 * one for the notification itself.
 */
static PMCM_AF McmTakeAfToNotify(PMCM_ADAPTER Adapter)
{
    PMCM_AF Taken = NULL;
    PLIST_ENTRY Entry;

    NdisAcquireSpinLock(&Adapter->Lock);
    for (Entry = Adapter->Afs.Flink; Entry != &Adapter->Afs; Entry = Entry->Flink) {
        PMCM_AF Af = CONTAINING_RECORD(Entry, MCM_AF, Link);

        if (Af->State == McmAfOpen && !Af->Notified) {
            Af->Notified = TRUE;
            Af->NotifyCalling = TRUE;
            Af->NotifyThread = KeGetCurrentThread();
            Af->References += 2;
            Taken = Af;
            break;
        }
    }
    NdisReleaseSpinLock(&Adapter->Lock);
    return Taken;
}

/* Asks one client to close its AF. PASSIVE_LEVEL. */
static VOID McmNotifyAf(PMCM_AF Af)
{
    PMCM_ADAPTER Adapter = Af->Adapter;
    NDIS_STATUS Status;

    /*
     * NDIS_STATUS_PENDING  the client is at it; McmCmNotifyCloseAfComplete is called at the end of it,
     *                      if it has not been called already
     * NDIS_STATUS_SUCCESS  the AF is closed
     * anything else        the client refuses, or its own close crossed this call. Either way the AF
     *                      closes when the client chooses, at the latest when it is unbound
     */
    Status = NdisMCmNotifyCloseAddressFamily(Af->NdisAfHandle);

    NdisAcquireSpinLock(&Adapter->Lock);
    Af->NotifyCalling = FALSE;
    Af->NotifyThread = NULL;
    Af->CloseHeld = FALSE;
    NdisReleaseSpinLock(&Adapter->Lock);
    /* A close that was held goes on. */
    McmRunSwitch(Adapter);
    if (Status != NDIS_STATUS_PENDING) {
        McmReleaseAf(Af);
    }
    McmReleaseAf(Af);
}

/* A notification that pended is over. If Status is a failure, the client has refused; the AF is still
 * open then, and closes when the client is unbound. */
static VOID NTAPI McmCmNotifyCloseAfComplete(NDIS_HANDLE CallMgrAfContext, NDIS_STATUS Status)
{
    UNREFERENCED_PARAMETER(Status);
    McmReleaseAf(CallMgrAfContext);
}

/* --- the adapter ------------------------------------------------------------------------------- */

static VOID McmFreeAdapter(PMCM_ADAPTER Adapter)
{
    NDIS_HANDLE WorkItems[] = {
        Adapter->PauseWorkItem,
        Adapter->RestartWorkItem,
        Adapter->SwitchWorkItem,
        Adapter->RetryWorkItem,
    };
    ULONG Index;

    if (Adapter->Timer != NULL) {
        /* If the timer cannot be cancelled its function may be running; that is waited for. */
        NdisCancelTimerObject(Adapter->Timer);
        KeFlushQueuedDpcs();
        NdisFreeTimerObject(Adapter->Timer);
    }
    for (Index = 0; Index < RTL_NUMBER_OF(WorkItems); Index++) {
        if (WorkItems[Index] != NULL) {
            NdisFreeIoWorkItem(WorkItems[Index]);
        }
    }
    NdisFreeSpinLock(&Adapter->Lock);
    NdisFreeMemory(Adapter, 0, 0);
}

/* Whether anything is to be answered at DISPATCH_LEVEL. */
static BOOLEAN McmWantsTimer(const MCM_OPTIONS *Options)
{
    return Options->OpenAf == 5 || Options->CloseAf == 5 || Options->RegisterSap == 5
        || Options->DeregisterSap == 5 || Options->MakeCall == 5 || Options->ModifyCallQoS == 5
        || Options->CloseCall == 5 || Options->AddParty == 5 || Options->DropParty == 5;
}

static PMCM_ADAPTER McmCreateAdapter(NDIS_HANDLE MiniportAdapterHandle)
{
    NDIS_TIMER_CHARACTERISTICS Timer;
    PMCM_ADAPTER Adapter;

    Adapter = NdisAllocateMemoryWithTagPriority(
        MiniportAdapterHandle, sizeof(*Adapter), MCM_POOL_TAG, NormalPoolPriority);
    if (Adapter == NULL) {
        return NULL;
    }
    NdisZeroMemory(Adapter, sizeof(*Adapter));
    Adapter->MiniportAdapterHandle = MiniportAdapterHandle;
    NdisAllocateSpinLock(&Adapter->Lock);
    InitializeListHead(&Adapter->Afs);
    InitializeListHead(&Adapter->Saps);
    InitializeListHead(&Adapter->TimerOperations);
    NdisInitializeEvent(&Adapter->Changed);
    McmReadOptions(MiniportAdapterHandle, &Adapter->Options);
    Adapter->AddressFamily.AddressFamily = Adapter->Options.AddressFamily;
    Adapter->AddressFamily.MajorVersion = 1;

    Adapter->PauseWorkItem = NdisAllocateIoWorkItem(MiniportAdapterHandle);
    Adapter->RestartWorkItem = NdisAllocateIoWorkItem(MiniportAdapterHandle);
    Adapter->SwitchWorkItem = NdisAllocateIoWorkItem(MiniportAdapterHandle);
    Adapter->RetryWorkItem = NdisAllocateIoWorkItem(MiniportAdapterHandle);
    if (Adapter->PauseWorkItem == NULL || Adapter->RestartWorkItem == NULL
        || Adapter->SwitchWorkItem == NULL || Adapter->RetryWorkItem == NULL) {
        McmFreeAdapter(Adapter);
        return NULL;
    }
    if (McmWantsTimer(&Adapter->Options)) {
        NdisZeroMemory(&Timer, sizeof(Timer));
        Timer.Header.Type = NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS;
        Timer.Header.Revision = NDIS_TIMER_CHARACTERISTICS_REVISION_1;
        Timer.Header.Size = NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1;
        Timer.AllocationTag = MCM_POOL_TAG;
        Timer.TimerFunction = McmTimer;
        Timer.FunctionContext = Adapter;
        if (NdisAllocateTimerObject(MiniportAdapterHandle, &Timer, &Adapter->Timer)
            != NDIS_STATUS_SUCCESS) {
            Adapter->Timer = NULL;
            McmFreeAdapter(Adapter);
            return NULL;
        }
    }
    return Adapter;
}

/* Registration attributes come first, general attributes second, and both before an adapter can be
 * used for anything. */
static NDIS_STATUS McmSetAttributes(PMCM_ADAPTER Adapter)
{
    NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES Registration;
    NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES General;
    NDIS_STATUS Status;

    NdisZeroMemory(&Registration, sizeof(Registration));
    Registration.Header.Type = NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES;
    Registration.Header.Revision = NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1;
    Registration.Header.Size = NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1;
    Registration.MiniportAdapterContext = Adapter;
    Registration.AttributeFlags = NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK;
    Registration.InterfaceType = NdisInterfaceInternal;
    Status = NdisMSetMiniportAttributes(
        Adapter->MiniportAdapterHandle, (PNDIS_MINIPORT_ADAPTER_ATTRIBUTES)&Registration);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }

    NdisZeroMemory(&General, sizeof(General));
    General.Header.Type = NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES;
    General.Header.Revision = NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2;
    General.Header.Size = NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2;
    General.MediaType = NdisMediumCoWan;
    General.PhysicalMediumType = NdisPhysicalMediumUnspecified;
    General.MtuSize = MCM_MTU;
    General.MaxXmitLinkSpeed = MCM_LINK_SPEED;
    General.XmitLinkSpeed = MCM_LINK_SPEED;
    General.MaxRcvLinkSpeed = MCM_LINK_SPEED;
    General.RcvLinkSpeed = MCM_LINK_SPEED;
    General.MediaConnectState = MediaConnectStateConnected;
    General.MediaDuplexState = MediaDuplexStateFull;
    General.LookaheadSize = MCM_MTU;
    General.MacOptions = NDIS_MAC_OPTION_NO_LOOPBACK;
    General.AccessType = NET_IF_ACCESS_POINT_TO_POINT;
    General.DirectionType = NET_IF_DIRECTION_SENDRECEIVE;
    General.ConnectionType = NET_IF_CONNECTION_DEMAND;
    General.IfType = IF_TYPE_PPP;
    return NdisMSetMiniportAttributes(
        Adapter->MiniportAdapterHandle, (PNDIS_MINIPORT_ADAPTER_ATTRIBUTES)&General);
}

static NDIS_STATUS NTAPI McmInitializeEx(
    NDIS_HANDLE NdisMiniportHandle,
    NDIS_HANDLE MiniportDriverContext,
    PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters)
{
    PMCM_ADAPTER Adapter;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(MiniportDriverContext);
    UNREFERENCED_PARAMETER(MiniportInitParameters);
    Adapter = McmCreateAdapter(NdisMiniportHandle);
    if (Adapter == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Status = McmSetAttributes(Adapter);
    if (Status == NDIS_STATUS_SUCCESS) {
        /* The last step. Clients hear of it when they are bound, after this handler has succeeded;
         * if it fails instead, NDIS forgets the AF with the adapter. There is no call that takes a
         * registration back. */
        Status = NdisMCmRegisterAddressFamilyEx(NdisMiniportHandle, &Adapter->AddressFamily);
    }
    if (Status != NDIS_STATUS_SUCCESS) {
        McmFreeAdapter(Adapter);
    }
    return Status;
}

/*
 * On the documented way down NDIS has unbound every client by now, and their AFs are closed. If one is
 * left, its client is asked to close it, and the halt waits for two things: that each AF is closed,
 * and that each notification is known to be over. After a removal by surprise the notifications have
 * been made already, by McmDevicePnPEventNotify.
 */
static VOID NTAPI McmHaltEx(NDIS_HANDLE MiniportAdapterContext, NDIS_HALT_ACTION HaltAction)
{
    PMCM_ADAPTER Adapter = MiniportAdapterContext;
    BOOLEAN Idle;
    PMCM_AF Af;

    UNREFERENCED_PARAMETER(HaltAction);
    NdisAcquireSpinLock(&Adapter->Lock);
    Adapter->Halting = TRUE;
    NdisReleaseSpinLock(&Adapter->Lock);
    for (;;) {
        /* Before looking, so that a change after the look is not lost. */
        NdisResetEvent(&Adapter->Changed);
        Af = McmTakeAfToNotify(Adapter);
        if (Af != NULL) {
            McmNotifyAf(Af);
            continue;
        }
        NdisAcquireSpinLock(&Adapter->Lock);
        Idle = Adapter->Users == 0;
        NdisReleaseSpinLock(&Adapter->Lock);
        if (Idle) {
            break;
        }
        NdisWaitEvent(&Adapter->Changed, 0);
    }
    McmFreeAdapter(Adapter);
}

static VOID NTAPI McmPauseWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    UNREFERENCED_PARAMETER(NdisIoWorkItemHandle);
    NdisMPauseComplete(WorkItemContext);
}

/* Stops data. There is none, so only the option decides when it is done; address families, VCs and
 * their signalling are not touched by a pause. */
static NDIS_STATUS NTAPI McmPause(
    NDIS_HANDLE MiniportAdapterContext,
    PNDIS_MINIPORT_PAUSE_PARAMETERS PauseParameters)
{
    PMCM_ADAPTER Adapter = MiniportAdapterContext;

    UNREFERENCED_PARAMETER(PauseParameters);
    switch (Adapter->Options.Pause) {
    case 1:
        NdisQueueIoWorkItem(Adapter->PauseWorkItem, McmPauseWork, Adapter->MiniportAdapterHandle);
        return NDIS_STATUS_PENDING;
    case 2:
        NdisMPauseComplete(Adapter->MiniportAdapterHandle);
        return NDIS_STATUS_PENDING;
    default:
        return NDIS_STATUS_SUCCESS;
    }
}

static VOID NTAPI McmRestartWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    UNREFERENCED_PARAMETER(NdisIoWorkItemHandle);
    NdisMRestartComplete(WorkItemContext, NDIS_STATUS_SUCCESS);
}

static NDIS_STATUS NTAPI McmRestart(
    NDIS_HANDLE MiniportAdapterContext,
    PNDIS_MINIPORT_RESTART_PARAMETERS RestartParameters)
{
    PMCM_ADAPTER Adapter = MiniportAdapterContext;

    UNREFERENCED_PARAMETER(RestartParameters);
    switch (Adapter->Options.Restart) {
    case 1:
        NdisQueueIoWorkItem(
            Adapter->RestartWorkItem, McmRestartWork, Adapter->MiniportAdapterHandle);
        return NDIS_STATUS_PENDING;
    case 2:
        NdisMRestartComplete(Adapter->MiniportAdapterHandle, NDIS_STATUS_SUCCESS);
        return NDIS_STATUS_PENDING;
    default:
        return NDIS_STATUS_SUCCESS;
    }
}

/*
 * The hardware is gone. NDIS unbinds the clients and then halts the adapter, as in every stop; but
 * here they are still bound, so this is where an MCM's notification really finds open AFs. On the
 * documented way down each of them has been closed before MiniportHaltEx. Nothing is waited for here:
 * the halt waits for whatever is still open then, and notifies no AF that has been notified already.
 */
static VOID NTAPI McmDevicePnPEventNotify(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_DEVICE_PNP_EVENT NetDevicePnPEvent)
{
    PMCM_ADAPTER Adapter = MiniportAdapterContext;
    PMCM_AF Af;

    if (NetDevicePnPEvent->DevicePnPEvent != NdisDevicePnPEventSurpriseRemoved) {
        return;
    }
    /* With this use the adapter stays, even if its halt begins before this handler has returned. */
    NdisAcquireSpinLock(&Adapter->Lock);
    Adapter->Users++;
    NdisReleaseSpinLock(&Adapter->Lock);
    while ((Af = McmTakeAfToNotify(Adapter)) != NULL) {
        McmNotifyAf(Af);
    }
    McmReleaseAdapter(Adapter);
}

/* There is no hardware to bring to rest. */
static VOID NTAPI McmShutdownEx(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_SHUTDOWN_ACTION ShutdownAction)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(ShutdownAction);
}

/* --- what this driver does not support ---------------------------------------------------------- */

static NDIS_STATUS NTAPI McmOidRequest(
    NDIS_HANDLE MiniportAdapterContext,
    PNDIS_OID_REQUEST OidRequest)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(OidRequest);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI McmCancelOidRequest(NDIS_HANDLE MiniportAdapterContext, PVOID RequestId)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(RequestId);
}

/* Connectionless sends and returns; a connection-oriented adapter gets none. */
static VOID NTAPI McmSendNetBufferLists(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_BUFFER_LIST NetBufferList,
    NDIS_PORT_NUMBER PortNumber,
    ULONG SendFlags)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(NetBufferList);
    UNREFERENCED_PARAMETER(PortNumber);
    UNREFERENCED_PARAMETER(SendFlags);
}

static VOID NTAPI McmReturnNetBufferLists(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG ReturnFlags)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(NetBufferLists);
    UNREFERENCED_PARAMETER(ReturnFlags);
}

static VOID NTAPI McmCancelSend(NDIS_HANDLE MiniportAdapterContext, PVOID CancelId)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(CancelId);
}

/* The miniport half of connections. NDIS wants these handlers, but calls only those for OIDs and data:
 * an MCM creates, activates, deactivates and deletes VCs with its call manager half. */
static NDIS_STATUS NTAPI McmCoActivateVc(
    NDIS_HANDLE MiniportVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    UNREFERENCED_PARAMETER(CallParameters);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI McmCoDeactivateVc(NDIS_HANDLE MiniportVcContext)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI McmCoSendNetBufferLists(
    NDIS_HANDLE MiniportVcContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendFlags)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    UNREFERENCED_PARAMETER(NetBufferLists);
    UNREFERENCED_PARAMETER(SendFlags);
}

static NDIS_STATUS NTAPI McmCoOidRequest(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE MiniportVcContext,
    PNDIS_OID_REQUEST OidRequest)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(MiniportVcContext);
    UNREFERENCED_PARAMETER(OidRequest);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI McmCmOidRequest(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext,
    PNDIS_OID_REQUEST OidRequest)
{
    UNREFERENCED_PARAMETER(ProtocolAfContext);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(ProtocolPartyContext);
    UNREFERENCED_PARAMETER(OidRequest);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI McmCmOidRequestComplete(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext,
    PNDIS_OID_REQUEST OidRequest,
    NDIS_STATUS Status)
{
    UNREFERENCED_PARAMETER(ProtocolAfContext);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(ProtocolPartyContext);
    UNREFERENCED_PARAMETER(OidRequest);
    UNREFERENCED_PARAMETER(Status);
}

/* --- registration ------------------------------------------------------------------------------ */

/*
 * Called inside NdisMRegisterMiniportDriver, before anything else. The first table makes the driver a
 * connection-oriented miniport, the second makes it a call manager as well.
 */
static NDIS_STATUS NTAPI McmSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    NDIS_MINIPORT_CO_CHARACTERISTICS Co;
    NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS Cm;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(DriverContext);
    NdisZeroMemory(&Co, sizeof(Co));
    Co.Header.Type = NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS;
    Co.Header.Revision = NDIS_MINIPORT_CO_CHARACTERISTICS_REVISION_1;
    Co.Header.Size = NDIS_SIZEOF_MINIPORT_CO_CHARACTERISTICS_REVISION_1;
    Co.CoActivateVcHandler = McmCoActivateVc;
    Co.CoDeactivateVcHandler = McmCoDeactivateVc;
    Co.CoSendNetBufferListsHandler = McmCoSendNetBufferLists;
    Co.CoOidRequestHandler = McmCoOidRequest;
    Status = NdisSetOptionalHandlers(NdisDriverHandle, &Co.Header);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }

    NdisZeroMemory(&Cm, sizeof(Cm));
    Cm.Header.Type = NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS;
    Cm.Header.Revision = NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1;
    Cm.Header.Size = NDIS_SIZEOF_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1;
    Cm.CmOpenAfHandler = McmCmOpenAf;
    Cm.CmCloseAfHandler = McmCmCloseAf;
    Cm.CmOidRequestHandler = McmCmOidRequest;
    Cm.CmOidRequestCompleteHandler = McmCmOidRequestComplete;
    Cm.CmNotifyCloseAfCompleteHandler = McmCmNotifyCloseAfComplete;
    McmSetSwitchHandlers(&Cm);
    return NdisSetOptionalHandlers(NdisDriverHandle, &Cm.Header);
}

/* Every adapter has been halted. NDIS itself owns the driver object's Unload for a miniport. */
static VOID NTAPI McmUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisMDeregisterMiniportDriver(McmDriverHandle);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_MINIPORT_DRIVER_CHARACTERISTICS Characteristics;

    NdisZeroMemory(&Characteristics, sizeof(Characteristics));
    Characteristics.Header.Type = NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS;
    Characteristics.Header.Revision = NDIS_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.Header.Size = NDIS_SIZEOF_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.MajorNdisVersion = 6;
    Characteristics.MinorNdisVersion = 20;
    Characteristics.MajorDriverVersion = 1;
    Characteristics.SetOptionsHandler = McmSetOptions;
    Characteristics.InitializeHandlerEx = McmInitializeEx;
    Characteristics.HaltHandlerEx = McmHaltEx;
    Characteristics.UnloadHandler = McmUnload;
    Characteristics.PauseHandler = McmPause;
    Characteristics.RestartHandler = McmRestart;
    Characteristics.OidRequestHandler = McmOidRequest;
    Characteristics.SendNetBufferListsHandler = McmSendNetBufferLists;
    Characteristics.ReturnNetBufferListsHandler = McmReturnNetBufferLists;
    Characteristics.CancelSendHandler = McmCancelSend;
    Characteristics.DevicePnPEventNotifyHandler = McmDevicePnPEventNotify;
    Characteristics.ShutdownHandlerEx = McmShutdownEx;
    Characteristics.CancelOidRequestHandler = McmCancelOidRequest;
    return NdisMRegisterMiniportDriver(
        DriverObject, RegistryPath, NULL, &Characteristics, &McmDriverHandle);
}
