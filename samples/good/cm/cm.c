/*
 * cm.c - an NDIS 6.20 stand-alone call manager: the driver, its bindings and address families.
 *
 * What the call manager shows: a protocol that serves an address family (AF) on every adapter that it
 * is bound to, between the clients above and the connection-oriented miniport below (../miniport). It
 * is a small switch: a client that calls the address of another client's SAP on the same adapter
 * reaches it. When it is unbound with an AF still open, it asks the AF's client to close it, and only
 * then closes the adapter.
 *
 * Read cm.h first, then DriverEntry and CmSetOptions at the end of this file, then opening, closing,
 * and binding, where the unbind is; then switch.c and request.c. The miniport call manager (../mcm)
 * does the same from within the miniport; the two differ in what keeps them alive, in who may wait
 * where, and in that the MCM has no miniport below it to activate VCs.
 *
 * Whatever CloseAf says, a close pends that crosses our own notification, or that comes before we have
 * deleted the VCs on which we offered calls; see CmCloseAf.
 */

#include "cm.h"

/* How long a DISPATCH_LEVEL completion is put off, in units of 100 ns; negative = from now. */
#define CM_TIMER_DUE (-10000ll)

/* A completion that is put off. */
typedef struct _CM_OPERATION {
    LIST_ENTRY Link;
    PCM_AF Af;
    PIO_WORKITEM WorkItem;
    BOOLEAN Close; /* else it is an open */
    NDIS_STATUS Status;
} CM_OPERATION, *PCM_OPERATION;

NDIS_HANDLE CmProtocolHandle;

static PDRIVER_OBJECT CmDriverObject;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD CmUnload;
static SET_OPTIONS CmSetOptions;
static PROTOCOL_BIND_ADAPTER_EX CmBindAdapterEx;
static PROTOCOL_UNBIND_ADAPTER_EX CmUnbindAdapterEx;
static PROTOCOL_OPEN_ADAPTER_COMPLETE_EX CmOpenAdapterCompleteEx;
static PROTOCOL_CLOSE_ADAPTER_COMPLETE_EX CmCloseAdapterCompleteEx;
static PROTOCOL_NET_PNP_EVENT CmNetPnPEvent;
static PROTOCOL_CM_OPEN_AF CmOpenAf;
static PROTOCOL_CM_CLOSE_AF CmCloseAf;
static PROTOCOL_CM_NOTIFY_CLOSE_AF_COMPLETE CmNotifyCloseAfComplete;
static NDIS_TIMER_FUNCTION CmTimer;
static IO_WORKITEM_ROUTINE_EX CmOperationWork;
static IO_WORKITEM_ROUTINE_EX CmNotifyWork;
static IO_WORKITEM_ROUTINE_EX CmUnbindWork;

/* --- memory, references and deferred work ------------------------------------------------------- */

/* Zeroed; NULL if memory is short. */
PVOID CmAllocate(ULONG Size)
{
    PVOID Memory = NdisAllocateMemoryWithTagPriority(
        CmProtocolHandle, Size, CM_POOL_TAG, NormalPoolPriority);

    if (Memory != NULL) {
        NdisZeroMemory(Memory, Size);
    }
    return Memory;
}

/*
 * A protocol cannot use NdisAllocateIoWorkItem: NDIS knows no device object for it. With its driver
 * object it can use the kernel's work items, if it queues them with IoQueueWorkItemEx. The parameter
 * is typed for the older use with a device object.
 */
PIO_WORKITEM CmAllocateWorkItem(VOID)
{
    return IoAllocateWorkItem((PDEVICE_OBJECT)CmDriverObject);
}

/* The binding may be gone when this returns. The last use goes only in an unbind; what is then left to
 * do needs PASSIVE_LEVEL, which the caller may not have. */
VOID CmReleaseBinding(PCM_BINDING Binding)
{
    BOOLEAN Last;

    NdisAcquireSpinLock(&Binding->Lock);
    Binding->Users--;
    Last = Binding->Users == 0;
    NdisReleaseSpinLock(&Binding->Lock);
    if (Last) {
        IoQueueWorkItemEx(Binding->UnbindWorkItem, CmUnbindWork, DelayedWorkQueue, Binding);
    }
}

static VOID CmReleaseAf(PCM_AF Af)
{
    PCM_BINDING Binding = Af->Binding;
    BOOLEAN Last;

    NdisAcquireSpinLock(&Binding->Lock);
    Af->References--;
    Last = Af->References == 0;
    if (Last) {
        RemoveEntryList(&Af->Link);
    }
    NdisReleaseSpinLock(&Binding->Lock);
    if (Last) {
        NdisFreeMemory(Af, 0, 0);
        CmReleaseBinding(Binding);
    }
}

/* --- opening an address family ----------------------------------------------------------------- */

/*
 * Reports the end of an open that ProtocolCmOpenAf answered, or is going to answer, with
 * NDIS_STATUS_PENDING. Runs at IRQL <= DISPATCH_LEVEL.
 */
static VOID CmCompleteOpen(PCM_AF Af, NDIS_STATUS Status)
{
    PCM_BINDING Binding = Af->Binding;
    NDIS_HANDLE NdisAfHandle = Af->NdisAfHandle;
    BOOLEAN Notify = FALSE;

    NdisAcquireSpinLock(&Binding->Lock);
    if (Status == NDIS_STATUS_SUCCESS && Binding->Unbinding) {
        Status = NDIS_STATUS_FAILURE;
    }
    if (Status == NDIS_STATUS_SUCCESS) {
        /* The client may close the AF, and NDIS may have it closed, before the call below returns. */
        Af->References++;
    } else {
        RemoveEntryList(&Af->Link);
    }
    NdisReleaseSpinLock(&Binding->Lock);

    if (Status != NDIS_STATUS_SUCCESS) {
        /* The context goes first; the binding has to stay until NDIS has heard. */
        NdisFreeMemory(Af, 0, 0);
        NdisCmOpenAddressFamilyComplete(Status, NdisAfHandle, NULL);
        CmReleaseBinding(Binding);
        return;
    }
    NdisCmOpenAddressFamilyComplete(NDIS_STATUS_SUCCESS, NdisAfHandle, Af);
    NdisAcquireSpinLock(&Binding->Lock);
    if (Af->State == CmAfOpening) {
        Af->State = CmAfOpen;
        /* An unbind that began after the check above has not seen this AF open. Its client is
         * notified at PASSIVE_LEVEL. */
        if (Binding->Unbinding && !Binding->NotifyQueued) {
            Binding->NotifyQueued = TRUE;
            Binding->Users++;
            Notify = TRUE;
        }
    }
    NdisReleaseSpinLock(&Binding->Lock);
    if (Notify) {
        IoQueueWorkItemEx(Binding->NotifyWorkItem, CmNotifyWork, DelayedWorkQueue, Binding);
    }
    CmReleaseAf(Af);
}

static VOID CmRunOperation(PCM_AF Af, BOOLEAN Close, NDIS_STATUS Status)
{
    if (Close) {
        CmCompleteClose(Af);
    } else {
        CmCompleteOpen(Af, Status);
    }
}

/* The operation is freed before it is carried out: its completion may be what the unbind waits for,
 * and when the unbind is over nothing of the binding may be left. */
static VOID NTAPI CmOperationWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCM_OPERATION Operation = Context;
    PCM_AF Af = Operation->Af;
    BOOLEAN Close = Operation->Close;
    NDIS_STATUS Status = Operation->Status;

    UNREFERENCED_PARAMETER(IoObject);
    IoFreeWorkItem(WorkItem);
    NdisFreeMemory(Operation, 0, 0);
    CmRunOperation(Af, Close, Status);
}

/* Runs at DISPATCH_LEVEL. */
static VOID NTAPI CmTimer(
    PVOID SystemSpecific1,
    PVOID FunctionContext,
    PVOID SystemSpecific2,
    PVOID SystemSpecific3)
{
    PCM_BINDING Binding = FunctionContext;
    BOOLEAN RunSwitch;

    UNREFERENCED_PARAMETER(SystemSpecific1);
    UNREFERENCED_PARAMETER(SystemSpecific2);
    UNREFERENCED_PARAMETER(SystemSpecific3);
    for (;;) {
        PCM_OPERATION Operation = NULL;
        PCM_AF Af;
        BOOLEAN Close;
        NDIS_STATUS Status;

        NdisDprAcquireSpinLock(&Binding->Lock);
        if (!IsListEmpty(&Binding->TimerOperations)) {
            Operation = CONTAINING_RECORD(
                RemoveHeadList(&Binding->TimerOperations), CM_OPERATION, Link);
        }
        NdisDprReleaseSpinLock(&Binding->Lock);
        if (Operation == NULL) {
            break;
        }
        Af = Operation->Af;
        Close = Operation->Close;
        Status = Operation->Status;
        NdisFreeMemory(Operation, 0, 0);
        /* The binding outlives this even if it is unbound meanwhile: CmFreeBinding waits for the
         * timer function. */
        CmRunOperation(Af, Close, Status);
    }
    NdisDprAcquireSpinLock(&Binding->Lock);
    RunSwitch = Binding->SwitchTimed;
    Binding->SwitchTimed = FALSE;
    NdisDprReleaseSpinLock(&Binding->Lock);
    if (RunSwitch) {
        CmRunSwitch(Binding);
        CmReleaseBinding(Binding);
    }
}

/* Has CmTimer run in a while. The caller holds the lock: setting a timer calls nobody back, and keeping
 * the lock keeps the unbind away. */
VOID CmSetTimer(PCM_BINDING Binding)
{
    LARGE_INTEGER DueTime;

    DueTime.QuadPart = CM_TIMER_DUE;
    NdisSetTimerObject(Binding->Timer, DueTime, 0, NULL);
}

/* NULL if memory is short. Mode 5 is carried out by the timer, any other by a work item. */
static PCM_OPERATION CmAllocateOperation(ULONG Mode)
{
    PCM_OPERATION Operation;

    Operation = CmAllocate(sizeof(*Operation));
    if (Operation == NULL) {
        return NULL;
    }
    if (Mode != 5) {
        Operation->WorkItem = CmAllocateWorkItem();
        if (Operation->WorkItem == NULL) {
            NdisFreeMemory(Operation, 0, 0);
            return NULL;
        }
    }
    return Operation;
}

/* Af and Operation may be freed before this returns. */
static VOID CmQueueOperation(PCM_OPERATION Operation, PCM_AF Af, BOOLEAN Close, NDIS_STATUS Status)
{
    PCM_BINDING Binding = Af->Binding;

    Operation->Af = Af;
    Operation->Close = Close;
    Operation->Status = Status;
    if (Operation->WorkItem != NULL) {
        IoQueueWorkItemEx(Operation->WorkItem, CmOperationWork, DelayedWorkQueue, Operation);
        return;
    }
    NdisAcquireSpinLock(&Binding->Lock);
    InsertTailList(&Binding->TimerOperations, &Operation->Link);
    CmSetTimer(Binding);
    NdisReleaseSpinLock(&Binding->Lock);
}

/*
 * A client opens our address family. The context is what NDIS hands to every later handler for this
 * AF; the handle names the AF in our calls. Both have to be in place before the open can succeed.
 */
static NDIS_STATUS NTAPI CmOpenAf(
    NDIS_HANDLE CallMgrBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily,
    NDIS_HANDLE NdisAfHandle,
    PNDIS_HANDLE CallMgrAfContext)
{
    PCM_BINDING Binding = CallMgrBindingContext;
    ULONG Mode = Binding->Options.OpenAf;
    PCM_OPERATION Operation = NULL;
    BOOLEAN Unbinding;
    PCM_AF Af;

    if (AddressFamily->AddressFamily != Binding->AddressFamily.AddressFamily) {
        return NDIS_STATUS_FAILURE;
    }
    if (Mode == 3) {
        return NDIS_STATUS_RESOURCES;
    }
    Af = CmAllocate(sizeof(*Af));
    if (Af == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    if (Mode == 1 || Mode == 4 || Mode == 5) {
        Operation = CmAllocateOperation(Mode);
        if (Operation == NULL) {
            NdisFreeMemory(Af, 0, 0);
            return NDIS_STATUS_RESOURCES;
        }
    }
    InitializeListHead(&Af->Vcs);
    Af->Binding = Binding;
    Af->NdisAfHandle = NdisAfHandle;
    Af->References = 1;
    Af->State = Mode == 0 ? CmAfOpen : CmAfOpening;
    *CallMgrAfContext = Af;

    NdisAcquireSpinLock(&Binding->Lock);
    Unbinding = Binding->Unbinding;
    if (!Unbinding) {
        InsertTailList(&Binding->Afs, &Af->Link);
        Binding->Users++;
    }
    NdisReleaseSpinLock(&Binding->Lock);
    if (Unbinding) {
        if (Operation != NULL) {
            if (Operation->WorkItem != NULL) {
                IoFreeWorkItem(Operation->WorkItem);
            }
            NdisFreeMemory(Operation, 0, 0);
        }
        NdisFreeMemory(Af, 0, 0);
        return NDIS_STATUS_FAILURE;
    }

    if (Operation != NULL) {
        CmQueueOperation(
            Operation, Af, FALSE, Mode == 4 ? NDIS_STATUS_RESOURCES : NDIS_STATUS_SUCCESS);
        return NDIS_STATUS_PENDING;
    }
    if (Mode == 2) {
        CmCompleteOpen(Af, NDIS_STATUS_SUCCESS);
        return NDIS_STATUS_PENDING;
    }
    return NDIS_STATUS_SUCCESS;
}

/* --- closing an address family ----------------------------------------------------------------- */

/* Ends a close that pends. A close that has been accepted cannot fail any more, and from this call on
 * the handle is dead. */
VOID CmCompleteClose(PCM_AF Af)
{
    NdisCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, Af->NdisAfHandle);
    CmReleaseAf(Af);
}

/* Whether nothing stands against the end of a close. Under the lock. */
static BOOLEAN CmIsDrained(PCM_AF Af)
{
    return !Af->CloseHeld && Af->Saps == 0 && IsListEmpty(&Af->Vcs);
}

/* Finds an AF whose close pends and can be completed now; it is the caller's to complete. Under the
 * lock. */
PCM_AF CmTakeDrainedAf(PCM_BINDING Binding)
{
    PLIST_ENTRY Entry;

    for (Entry = Binding->Afs.Flink; Entry != &Binding->Afs; Entry = Entry->Flink) {
        PCM_AF Af = CONTAINING_RECORD(Entry, CM_AF, Link);

        if (Af->ClosePended && CmIsDrained(Af)) {
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
 * There is one race to take care of. An unbind that is about to notify this client uses the AF handle,
 * and a close kills that handle when it is done. So as long as the notifying thread has not returned
 * from its call, the close pends. It is another matter if the close comes out of that very call: NDIS
 * has the handle then, and nobody will use it again.
 */
static NDIS_STATUS NTAPI CmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CallMgrAfContext;
    PCM_BINDING Binding = Af->Binding;
    ULONG Mode = Binding->Options.CloseAf;
    PCM_OPERATION Operation = NULL;
    /* In a DPC the current thread is the one that it interrupted, which says nothing. */
    PKTHREAD Thread = KeGetCurrentIrql() == PASSIVE_LEVEL ? KeGetCurrentThread() : NULL;

    if (Mode == 1 || Mode == 5) {
        /* Without memory the close is done at once, which is as good. */
        Operation = CmAllocateOperation(Mode);
    }
    NdisAcquireSpinLock(&Binding->Lock);
    if (Mode == 6 && !Af->CloseRefused) {
        Af->CloseRefused = TRUE;
        NdisReleaseSpinLock(&Binding->Lock);
        return NDIS_STATUS_NOT_ACCEPTED;
    }
    Af->State = CmAfClosing;
    Af->CloseHeld =
        Af->NotifyCalling && (Mode == 7 || Thread == NULL || Thread != Af->NotifyThread);
    if (!CmIsDrained(Af)) {
        Af->ClosePended = TRUE;
        NdisReleaseSpinLock(&Binding->Lock);
        if (Operation != NULL) {
            if (Operation->WorkItem != NULL) {
                IoFreeWorkItem(Operation->WorkItem);
            }
            NdisFreeMemory(Operation, 0, 0);
        }
        return NDIS_STATUS_PENDING;
    }
    NdisReleaseSpinLock(&Binding->Lock);

    if (Operation != NULL) {
        CmQueueOperation(Operation, Af, TRUE, NDIS_STATUS_SUCCESS);
        return NDIS_STATUS_PENDING;
    }
    if (Mode == 2) {
        CmCompleteClose(Af);
        return NDIS_STATUS_PENDING;
    }
    CmReleaseAf(Af);
    return NDIS_STATUS_SUCCESS;
}

/*
 * Finds an AF whose client has to be told, and takes two references for the caller: one for its call,
 * one for the notification itself.
 */
static PCM_AF CmTakeAfToNotify(PCM_BINDING Binding)
{
    PCM_AF Taken = NULL;
    PLIST_ENTRY Entry;

    NdisAcquireSpinLock(&Binding->Lock);
    for (Entry = Binding->Afs.Flink; Entry != &Binding->Afs; Entry = Entry->Flink) {
        PCM_AF Af = CONTAINING_RECORD(Entry, CM_AF, Link);

        if (Af->State == CmAfOpen && !Af->Notified) {
            Af->Notified = TRUE;
            Af->NotifyCalling = TRUE;
            Af->NotifyThread = KeGetCurrentThread();
            Af->References += 2;
            Taken = Af;
            break;
        }
    }
    NdisReleaseSpinLock(&Binding->Lock);
    return Taken;
}

/* Asks one client to close its AF. PASSIVE_LEVEL. */
static VOID CmNotifyAf(PCM_AF Af)
{
    PCM_BINDING Binding = Af->Binding;
    NDIS_STATUS Status;

    /*
     * NDIS_STATUS_PENDING  the client is at it; CmNotifyCloseAfComplete is called at the end of it,
     *                      if it has not been called already
     * NDIS_STATUS_SUCCESS  the AF is closed
     * anything else        the client refuses, or its own close crossed this call. Either way the AF
     *                      closes when the client chooses, at the latest when it is unbound
     */
    Status = NdisCmNotifyCloseAddressFamily(Af->NdisAfHandle);

    NdisAcquireSpinLock(&Binding->Lock);
    Af->NotifyCalling = FALSE;
    Af->NotifyThread = NULL;
    Af->CloseHeld = FALSE;
    NdisReleaseSpinLock(&Binding->Lock);
    /* A close that was held goes on. */
    CmRunSwitch(Binding);
    if (Status != NDIS_STATUS_PENDING) {
        CmReleaseAf(Af);
    }
    CmReleaseAf(Af);
}

/* A notification that pended is over. If Status is a failure, the client has refused; the AF is still
 * open then, and closes when the client is unbound. */
static VOID NTAPI CmNotifyCloseAfComplete(NDIS_HANDLE CallMgrAfContext, NDIS_STATUS Status)
{
    UNREFERENCED_PARAMETER(Status);
    CmReleaseAf(CallMgrAfContext);
}

/* Notifies the clients of all AFs that are open: one notification per AF, since each reaches one
 * client. The caller holds a use of the binding. */
static VOID CmNotifyAll(PCM_BINDING Binding)
{
    PCM_AF Af;

    while ((Af = CmTakeAfToNotify(Binding)) != NULL) {
        CmNotifyAf(Af);
    }
}

static VOID NTAPI CmNotifyWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCM_BINDING Binding = Context;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    NdisAcquireSpinLock(&Binding->Lock);
    Binding->NotifyQueued = FALSE;
    NdisReleaseSpinLock(&Binding->Lock);
    CmNotifyAll(Binding);
    CmReleaseBinding(Binding);
}

/* --- binding ----------------------------------------------------------------------------------- */

static VOID CmFreeBinding(PCM_BINDING Binding)
{
    PIO_WORKITEM WorkItems[] = {
        Binding->NotifyWorkItem,
        Binding->UnbindWorkItem,
        Binding->SwitchWorkItem,
        Binding->RetryWorkItem,
    };
    ULONG Index;

    if (Binding->Timer != NULL) {
        /* If the timer cannot be cancelled its function may be running; that is waited for. */
        NdisCancelTimerObject(Binding->Timer);
        KeFlushQueuedDpcs();
        NdisFreeTimerObject(Binding->Timer);
    }
    for (Index = 0; Index < RTL_NUMBER_OF(WorkItems); Index++) {
        if (WorkItems[Index] != NULL) {
            IoFreeWorkItem(WorkItems[Index]);
        }
    }
    NdisFreeSpinLock(&Binding->Lock);
    NdisFreeMemory(Binding, 0, 0);
}

/* Whether anything is to be answered at DISPATCH_LEVEL. */
static BOOLEAN CmWantsTimer(const CM_OPTIONS *Options)
{
    return Options->OpenAf == 5 || Options->CloseAf == 5 || Options->RegisterSap == 5
        || Options->DeregisterSap == 5 || Options->MakeCall == 5 || Options->ModifyCallQoS == 5
        || Options->CloseCall == 5 || Options->AddParty == 5 || Options->DropParty == 5;
}

static PCM_BINDING CmCreateBinding(VOID)
{
    NDIS_TIMER_CHARACTERISTICS Timer;
    PCM_BINDING Binding;

    Binding = CmAllocate(sizeof(*Binding));
    if (Binding == NULL) {
        return NULL;
    }
    NdisAllocateSpinLock(&Binding->Lock);
    InitializeListHead(&Binding->Afs);
    InitializeListHead(&Binding->Saps);
    InitializeListHead(&Binding->TimerOperations);
    NdisInitializeEvent(&Binding->AdapterEvent);
    Binding->Users = 1;
    CmReadOptions(&Binding->Options);
    Binding->AddressFamily.AddressFamily = Binding->Options.AddressFamily;
    Binding->AddressFamily.MajorVersion = 1;

    Binding->NotifyWorkItem = CmAllocateWorkItem();
    Binding->UnbindWorkItem = CmAllocateWorkItem();
    Binding->SwitchWorkItem = CmAllocateWorkItem();
    Binding->RetryWorkItem = CmAllocateWorkItem();
    if (Binding->NotifyWorkItem == NULL || Binding->UnbindWorkItem == NULL
        || Binding->SwitchWorkItem == NULL || Binding->RetryWorkItem == NULL) {
        CmFreeBinding(Binding);
        return NULL;
    }
    if (CmWantsTimer(&Binding->Options)) {
        NdisZeroMemory(&Timer, sizeof(Timer));
        Timer.Header.Type = NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS;
        Timer.Header.Revision = NDIS_TIMER_CHARACTERISTICS_REVISION_1;
        Timer.Header.Size = NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1;
        Timer.AllocationTag = CM_POOL_TAG;
        Timer.TimerFunction = CmTimer;
        Timer.FunctionContext = Binding;
        if (NdisAllocateTimerObject(CmProtocolHandle, &Timer, &Binding->Timer)
            != NDIS_STATUS_SUCCESS) {
            Binding->Timer = NULL;
            CmFreeBinding(Binding);
            return NULL;
        }
    }
    return Binding;
}

static NDIS_STATUS NTAPI CmBindAdapterEx(
    NDIS_HANDLE ProtocolDriverContext,
    NDIS_HANDLE BindContext,
    PNDIS_BIND_PARAMETERS BindParameters)
{
    PCM_BINDING Binding;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(ProtocolDriverContext);
    Binding = CmCreateBinding();
    if (Binding == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Binding->MediumArray[0] = NdisMediumAtm;
    Binding->MediumArray[1] = NdisMediumCoWan;
    Binding->OpenParameters.Header.Type = NDIS_OBJECT_TYPE_OPEN_PARAMETERS;
    Binding->OpenParameters.Header.Revision = NDIS_OPEN_PARAMETERS_REVISION_1;
    Binding->OpenParameters.Header.Size = NDIS_SIZEOF_OPEN_PARAMETERS_REVISION_1;
    Binding->OpenParameters.AdapterName = BindParameters->AdapterName;
    Binding->OpenParameters.MediumArray = Binding->MediumArray;
    Binding->OpenParameters.MediumArraySize = RTL_NUMBER_OF(Binding->MediumArray);
    Binding->OpenParameters.SelectedMediumIndex = &Binding->SelectedMediumIndex;

    Status = NdisOpenAdapterEx(
        CmProtocolHandle,
        Binding,
        &Binding->OpenParameters,
        BindContext,
        &Binding->NdisBindingHandle);
    if (Status == NDIS_STATUS_PENDING) {
        NdisWaitEvent(&Binding->AdapterEvent, 0);
        NdisResetEvent(&Binding->AdapterEvent);
        Status = Binding->AdapterStatus;
    }
    if (Status != NDIS_STATUS_SUCCESS) {
        CmFreeBinding(Binding);
        return Status;
    }

    /* Needs the open adapter. The clients hear of the AF when this bind has succeeded. It fails if the
     * adapter is not connection-oriented, or has a call manager for the family already; then there is
     * nothing to do for us here. No call takes a registration back: it ends with the binding. */
    Status = CmOpenSignallingVc(Binding);
    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisCmRegisterAddressFamilyEx(Binding->NdisBindingHandle, &Binding->AddressFamily);
        if (Status != NDIS_STATUS_SUCCESS) {
            CmCloseSignallingVc(Binding);
        }
    }
    if (Status != NDIS_STATUS_SUCCESS) {
        if (NdisCloseAdapterEx(Binding->NdisBindingHandle) == NDIS_STATUS_PENDING) {
            NdisWaitEvent(&Binding->AdapterEvent, 0);
        }
        CmFreeBinding(Binding);
    }
    return Status;
}

static VOID NTAPI CmOpenAdapterCompleteEx(NDIS_HANDLE ProtocolBindingContext, NDIS_STATUS Status)
{
    PCM_BINDING Binding = ProtocolBindingContext;

    Binding->AdapterStatus = Status;
    NdisSetEvent(&Binding->AdapterEvent);
}

/* The unbind context is taken out first, because by the time NDIS hears that the unbind is over nothing
 * of the binding may be left. */
static VOID CmUnbindDone(PCM_BINDING Binding)
{
    NDIS_HANDLE UnbindContext = Binding->UnbindContext;

    CmFreeBinding(Binding);
    NdisCompleteUnbindAdapterEx(UnbindContext);
}

/* Every AF is closed, and every notification is known to be over. */
static VOID NTAPI CmUnbindWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCM_BINDING Binding = Context;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    CmCloseSignallingVc(Binding);
    if (NdisCloseAdapterEx(Binding->NdisBindingHandle) != NDIS_STATUS_PENDING) {
        CmUnbindDone(Binding);
    }
}

/*
 * The call manager goes away, which it cannot refuse. It may not close the adapter with an AF open, and
 * cannot close an AF itself, so it asks the clients. A client that refuses closes its AF when it is
 * unbound in its turn; this is why the unbind pends rather than waits here, which might be what keeps
 * NDIS from unbinding that client.
 */
static NDIS_STATUS NTAPI CmUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCM_BINDING Binding = ProtocolBindingContext;

    Binding->UnbindContext = UnbindContext;
    NdisAcquireSpinLock(&Binding->Lock);
    Binding->Unbinding = TRUE;
    NdisReleaseSpinLock(&Binding->Lock);
    CmNotifyAll(Binding);
    CmReleaseBinding(Binding);
    return NDIS_STATUS_PENDING;
}

static VOID NTAPI CmCloseAdapterCompleteEx(NDIS_HANDLE ProtocolBindingContext)
{
    PCM_BINDING Binding = ProtocolBindingContext;

    if (Binding->Unbinding) {
        CmUnbindDone(Binding);
    } else {
        NdisSetEvent(&Binding->AdapterEvent);
    }
}

/* Nothing is sent, so a pause is complete at once; and there is no state that a power or removal
 * event could endanger. */
static NDIS_STATUS NTAPI CmNetPnPEvent(
    NDIS_HANDLE ProtocolBindingContext,
    PNET_PNP_EVENT_NOTIFICATION NetPnPEventNotification)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(NetPnPEventNotification);
    return NDIS_STATUS_SUCCESS;
}

/* --- what this driver does not support ---------------------------------------------------------- */

/* Address families are offered to this protocol too, its own among them. It is no client. */
static VOID NTAPI CmCoAfRegisterNotify(
    NDIS_HANDLE ProtocolBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(AddressFamily);
}

static NDIS_STATUS NTAPI CmOidRequest(
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

static VOID NTAPI CmOidRequestComplete(
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

static VOID NTAPI CmCoStatusEx(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_HANDLE ProtocolVcContext,
    PNDIS_STATUS_INDICATION StatusIndication)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(StatusIndication);
}

/* Data arrives and is sent on VCs only. */
static VOID NTAPI CmCoReceiveNetBufferLists(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_HANDLE ProtocolVcContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG NumberOfNetBufferLists,
    ULONG ReceiveFlags)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(NetBufferLists);
    UNREFERENCED_PARAMETER(NumberOfNetBufferLists);
    UNREFERENCED_PARAMETER(ReceiveFlags);
}

static VOID NTAPI CmCoSendNetBufferListsComplete(
    NDIS_HANDLE ProtocolVcContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendCompleteFlags)
{
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(NetBufferLists);
    UNREFERENCED_PARAMETER(SendCompleteFlags);
}

/* The connectionless counterparts, which the registration of a protocol asks for. No packet filter is
 * ever set, nothing is sent and no OID requested, so none of them is called. */
static VOID NTAPI CmPlainOidRequestComplete(
    NDIS_HANDLE ProtocolBindingContext,
    PNDIS_OID_REQUEST OidRequest,
    NDIS_STATUS Status)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(OidRequest);
    UNREFERENCED_PARAMETER(Status);
}

static VOID NTAPI CmStatusEx(
    NDIS_HANDLE ProtocolBindingContext,
    PNDIS_STATUS_INDICATION StatusIndication)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(StatusIndication);
}

static VOID NTAPI CmReceiveNetBufferLists(
    NDIS_HANDLE ProtocolBindingContext,
    PNET_BUFFER_LIST NetBufferLists,
    NDIS_PORT_NUMBER PortNumber,
    ULONG NumberOfNetBufferLists,
    ULONG ReceiveFlags)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(NetBufferLists);
    UNREFERENCED_PARAMETER(PortNumber);
    UNREFERENCED_PARAMETER(NumberOfNetBufferLists);
    UNREFERENCED_PARAMETER(ReceiveFlags);
}

static VOID NTAPI CmSendNetBufferListsComplete(
    NDIS_HANDLE ProtocolBindingContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendCompleteFlags)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(NetBufferLists);
    UNREFERENCED_PARAMETER(SendCompleteFlags);
}

/* --- registration ------------------------------------------------------------------------------ */

/*
 * Called inside NdisRegisterProtocolDriver, before anything else. What makes the protocol a call
 * manager are these two tables: one for every connection-oriented protocol, one for call managers.
 */
static NDIS_STATUS NTAPI CmSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    NDIS_PROTOCOL_CO_CHARACTERISTICS Co;
    NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS Cm;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(DriverContext);
    NdisZeroMemory(&Co, sizeof(Co));
    Co.Header.Type = NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS;
    Co.Header.Revision = NDIS_PROTOCOL_CO_CHARACTERISTICS_REVISION_1;
    Co.Header.Size = NDIS_SIZEOF_PROTOCOL_CO_CHARACTERISTICS_REVISION_1;
    Co.CoStatusHandlerEx = CmCoStatusEx;
    Co.CoAfRegisterNotifyHandler = CmCoAfRegisterNotify;
    Co.CoReceiveNetBufferListsHandler = CmCoReceiveNetBufferLists;
    Co.CoSendNetBufferListsCompleteHandler = CmCoSendNetBufferListsComplete;
    Status = NdisSetOptionalHandlers(NdisDriverHandle, &Co.Header);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }

    NdisZeroMemory(&Cm, sizeof(Cm));
    Cm.Header.Type = NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS;
    Cm.Header.Revision = NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1;
    Cm.Header.Size = NDIS_SIZEOF_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1;
    Cm.CmOpenAfHandler = CmOpenAf;
    Cm.CmCloseAfHandler = CmCloseAf;
    Cm.CmOidRequestHandler = CmOidRequest;
    Cm.CmOidRequestCompleteHandler = CmOidRequestComplete;
    Cm.CmNotifyCloseAfCompleteHandler = CmNotifyCloseAfComplete;
    CmSetSwitchHandlers(&Cm);
    return NdisSetOptionalHandlers(NdisDriverHandle, &Cm.Header);
}

/* Returns when every binding has been unbound; the handlers above go on working until then. */
static VOID NTAPI CmUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisDeregisterProtocolDriver(CmProtocolHandle);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS Characteristics;
    NDIS_STRING Name = NDIS_STRING_CONST("CONDISCM");

    UNREFERENCED_PARAMETER(RegistryPath);
    CmDriverObject = DriverObject;
    DriverObject->DriverUnload = CmUnload;

    NdisZeroMemory(&Characteristics, sizeof(Characteristics));
    Characteristics.Header.Type = NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS;
    Characteristics.Header.Revision = NDIS_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.Header.Size = NDIS_SIZEOF_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.MajorNdisVersion = 6;
    Characteristics.MinorNdisVersion = 20;
    Characteristics.MajorDriverVersion = 1;
    Characteristics.Name = Name;
    Characteristics.SetOptionsHandler = CmSetOptions;
    Characteristics.BindAdapterHandlerEx = CmBindAdapterEx;
    Characteristics.UnbindAdapterHandlerEx = CmUnbindAdapterEx;
    Characteristics.OpenAdapterCompleteHandlerEx = CmOpenAdapterCompleteEx;
    Characteristics.CloseAdapterCompleteHandlerEx = CmCloseAdapterCompleteEx;
    Characteristics.NetPnPEventHandler = CmNetPnPEvent;
    Characteristics.OidRequestCompleteHandler = CmPlainOidRequestComplete;
    Characteristics.StatusHandlerEx = CmStatusEx;
    Characteristics.ReceiveNetBufferListsHandler = CmReceiveNetBufferLists;
    Characteristics.SendNetBufferListsCompleteHandler = CmSendNetBufferListsComplete;

    /* Last, because adapters may be bound before this returns. NDIS stores the handle first. */
    return NdisRegisterProtocolDriver(NULL, &Characteristics, &CmProtocolHandle);
}
