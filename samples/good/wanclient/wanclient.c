/* Part of condis: connection-oriented NDIS outside Windows. MIT OR Apache-2.0. */
/*
 * wanclient: a connection-oriented client that opens every address family it is told of and holds each
 * open until its call manager asks for it back or the binding goes away.
 *
 * How it is built:
 *
 * - One spin lock guards everything. It is never held during a call into NDIS, so no call can come back
 *   to it.
 * - One work item runs a list of tasks, one after the other (the technique of "System Worker Threads").
 *   The bind is completed there, an address family is closed there when its call manager asks, and the
 *   adapter is closed and the unbind completed there. No task waits for another one.
 * - NDIS gets a number, not a pointer, as the context of an address family. A callback looks the number
 *   up under the lock and finds either the family or nothing. So it does not matter how late a callback
 *   runs that was already under way when the family was closed.
 * - Whoever moves a family from FamilyOpen to FamilyClosing calls NdisClCloseAddressFamily, nobody else.
 *
 * The life of a binding, both ends of it pended:
 *
 *   ProtocolBindAdapterEx -> NdisOpenAdapterEx -> PENDING ... task: NdisCompleteBindAdapterEx
 *   ProtocolCoAfRegisterNotify -> NdisClOpenAddressFamilyEx          (once for each address family)
 *   ProtocolClNotifyCloseAf -> PENDING ... task: NdisClCloseAddressFamily ... ProtocolClCloseAfComplete
 *       -> NdisClNotifyCloseAddressFamilyComplete
 *   ProtocolUnbindAdapterEx -> closes what is open -> PENDING ... with the last family gone
 *       task: NdisCloseAdapterEx ... task: NdisCompleteUnbindAdapterEx
 */
#include <ndis.h>

#define WAN_TAG 'cnaW'

/* How long a refused close rests before it is tried again, in microseconds. */
#define WAN_RETRY_DELAY 10000

/* A piece of work for the work item. */
typedef struct _WAN_TASK {
    LIST_ENTRY Link;
    BOOLEAN Queued;
    VOID (*Run)(PVOID Object);
    PVOID Object;
} WAN_TASK, *PWAN_TASK;

typedef struct _WAN_BINDING {
    NDIS_HANDLE Handle;
    NDIS_HANDLE BindContext;
    NDIS_HANDLE UnbindContext;
    /* No new families: the binding is being taken down, or is about to be. */
    BOOLEAN Leaving;
    /* One for the bind, until the unbind, and one for each family. At zero the adapter is closed. */
    LONG Users;
    /* Families that are open or being opened. */
    ULONG Families;
    NDIS_STATUS OpenStatus;
    /* These two belong to NDIS until the open is over. */
    NDIS_OPEN_PARAMETERS OpenParameters;
    UINT SelectedMedium;
    /* The bind's and the unbind's steps, which never overlap. */
    WAN_TASK Task;
} WAN_BINDING, *PWAN_BINDING;

typedef enum _WAN_FAMILY_STATE {
    FamilyOpening,
    FamilyOpen,
    FamilyClosing
} WAN_FAMILY_STATE;

typedef struct _WAN_FAMILY {
    /* In Wan.Families for as long as NDIS knows this family. */
    LIST_ENTRY Link;
    ULONG_PTR Id;
    PWAN_BINDING Binding;
    WAN_FAMILY_STATE State;
    /* The call manager wants it closed, and we owe it the completion of that notification. */
    BOOLEAN Notified;
    /* The last close was refused; the task tries again. */
    BOOLEAN Refused;
    /* One for as long as NDIS knows it, one for the call that opens it, one for a queued task. */
    LONG References;
    NDIS_HANDLE Handle;
    /* Where NdisClOpenAddressFamilyEx stores, which may be later than the completion of the open. */
    NDIS_HANDLE OpenResult;
    WAN_TASK CloseTask;
} WAN_FAMILY, *PWAN_FAMILY;

static struct {
    NDIS_SPIN_LOCK Lock;
    NDIS_HANDLE ProtocolHandle;
    LIST_ENTRY Families;
    ULONG_PTR LastId;
    LIST_ENTRY Tasks;
    PIO_WORKITEM WorkItem;
    BOOLEAN WorkerActive;
    /* One for the loaded driver and one for each run of the work item. */
    LONG Rundown;
    NDIS_EVENT Drained;
} Wan;

/* --- memory and tasks ---------------------------------------------------------------------------- */

static PVOID WanAllocate(UINT Length)
{
    PVOID memory = NdisAllocateMemoryWithTagPriority(
        Wan.ProtocolHandle, Length, WAN_TAG, NormalPoolPriority);
    if (memory != NULL) {
        NdisZeroMemory(memory, Length);
    }
    return memory;
}

static VOID WanFree(PVOID Memory)
{
    NdisFreeMemory(Memory, 0, 0);
}

/* The caller touches nothing of the driver's after this: the unload may be waiting for it. */
static VOID WanDropRundown(VOID)
{
    if (NdisInterlockedDecrement(&Wan.Rundown) == 0) {
        NdisSetEvent(&Wan.Drained);
    }
}

/* The work item's routine. */
static VOID NTAPI WanWorker(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(WorkItem);

    for (;;) {
        PWAN_TASK task;

        NdisAcquireSpinLock(&Wan.Lock);
        if (IsListEmpty(&Wan.Tasks)) {
            /* The work item left its queue before it ran, so from here on it can be queued again. */
            Wan.WorkerActive = FALSE;
            NdisReleaseSpinLock(&Wan.Lock);
            break;
        }
        task = CONTAINING_RECORD(RemoveHeadList(&Wan.Tasks), WAN_TASK, Link);
        task->Queued = FALSE;
        NdisReleaseSpinLock(&Wan.Lock);

        task->Run(task->Object);
    }
    WanDropRundown();
}

/* Has a task run at PASSIVE_LEVEL, soon. FALSE if it is in the list already. IRQL <= DISPATCH_LEVEL. */
static BOOLEAN WanQueue(PWAN_TASK Task)
{
    BOOLEAN start = FALSE;

    NdisAcquireSpinLock(&Wan.Lock);
    if (Task->Queued) {
        NdisReleaseSpinLock(&Wan.Lock);
        return FALSE;
    }
    Task->Queued = TRUE;
    InsertTailList(&Wan.Tasks, &Task->Link);
    if (!Wan.WorkerActive) {
        Wan.WorkerActive = TRUE;
        NdisInterlockedIncrement(&Wan.Rundown);
        start = TRUE;
    }
    NdisReleaseSpinLock(&Wan.Lock);

    if (start) {
        IoQueueWorkItemEx(Wan.WorkItem, WanWorker, DelayedWorkQueue, NULL);
    }
    return TRUE;
}

/* --- the two ends of a binding, as tasks --------------------------------------------------------- */

static VOID WanFinishBind(PVOID Object)
{
    PWAN_BINDING binding = Object;
    NDIS_HANDLE bindContext = binding->BindContext;
    NDIS_STATUS status = binding->OpenStatus;

    if (status != NDIS_STATUS_SUCCESS) {
        /* A bind that is completed as failed leaves nothing behind. */
        WanFree(binding);
    }
    NdisCompleteBindAdapterEx(bindContext, status);
}

static VOID WanFinishUnbind(PVOID Object)
{
    PWAN_BINDING binding = Object;

    NdisCompleteUnbindAdapterEx(binding->UnbindContext);
    /* Not before the call (ProtocolCloseAdapterCompleteEx). */
    WanFree(binding);
}

static VOID WanCloseAdapter(PVOID Object)
{
    PWAN_BINDING binding = Object;

    if (NdisCloseAdapterEx(binding->Handle) != NDIS_STATUS_PENDING) {
        WanFinishUnbind(binding);
    }
}

static VOID WanReleaseBinding(PWAN_BINDING Binding)
{
    BOOLEAN last;

    NdisAcquireSpinLock(&Wan.Lock);
    last = --Binding->Users == 0;
    NdisReleaseSpinLock(&Wan.Lock);
    if (last) {
        /* Often at DISPATCH_LEVEL, in the completion of a close; the adapter closes at PASSIVE_LEVEL. */
        Binding->Task.Run = WanCloseAdapter;
        WanQueue(&Binding->Task);
    }
}

/* --- address families ---------------------------------------------------------------------------- */

static PWAN_FAMILY WanFindFamilyLocked(NDIS_HANDLE Context)
{
    PLIST_ENTRY link;

    for (link = Wan.Families.Flink; link != &Wan.Families; link = link->Flink) {
        PWAN_FAMILY family = CONTAINING_RECORD(link, WAN_FAMILY, Link);
        if (family->Id == (ULONG_PTR)Context) {
            return family;
        }
    }
    return NULL;
}

static VOID WanReleaseFamily(PWAN_FAMILY Family)
{
    PWAN_BINDING binding = Family->Binding;

    if (NdisInterlockedDecrement(&Family->References) == 0) {
        WanFree(Family);
        WanReleaseBinding(binding);
    }
}

/* ProtocolClCloseAfComplete; also called by ourselves for a close that did not pend. */
static VOID NTAPI WanClCloseAfComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolAfContext)
{
    PWAN_FAMILY family;
    NDIS_HANDLE handle;
    BOOLEAN notified;

    NdisAcquireSpinLock(&Wan.Lock);
    family = WanFindFamilyLocked(ProtocolAfContext);
    if (Status != NDIS_STATUS_SUCCESS) {
        /* The call manager may refuse. It has no reason (there is no SAP and no call), but the family
         * is open again, somebody still waits for its end, and an unbind cannot fail: try again. */
        family->State = FamilyOpen;
        family->Refused = TRUE;
        NdisInterlockedIncrement(&family->References);
        NdisReleaseSpinLock(&Wan.Lock);
        if (!WanQueue(&family->CloseTask)) {
            WanReleaseFamily(family);
        }
        return;
    }
    RemoveEntryList(&family->Link);
    family->Binding->Families--;
    notified = family->Notified;
    handle = family->Handle;
    NdisReleaseSpinLock(&Wan.Lock);

    if (notified) {
        /* Only now: this says that the family is closed. It is the one use of the handle that is left. */
        NdisClNotifyCloseAddressFamilyComplete(handle, NDIS_STATUS_SUCCESS);
    }
    WanReleaseFamily(family);
}

/* Closes a family that the caller has moved to FamilyClosing. It may be gone on return. */
static VOID WanCloseFamily(PWAN_FAMILY Family)
{
    NDIS_HANDLE context = (NDIS_HANDLE)Family->Id;
    NDIS_STATUS status = NdisClCloseAddressFamily(Family->Handle);

    if (status != NDIS_STATUS_PENDING) {
        WanClCloseAfComplete(status, context);
    }
}

/* A task: closes a family for its call manager, or once more after a refusal. */
static VOID WanCloseTask(PVOID Object)
{
    PWAN_FAMILY family = Object;
    BOOLEAN close, wait;

    NdisAcquireSpinLock(&Wan.Lock);
    wait = family->Refused;
    family->Refused = FALSE;
    NdisReleaseSpinLock(&Wan.Lock);
    if (wait) {
        NdisMSleep(WAN_RETRY_DELAY);
    }

    NdisAcquireSpinLock(&Wan.Lock);
    /* An unbind may have been faster. */
    close = family->State == FamilyOpen;
    if (close) {
        family->State = FamilyClosing;
    }
    NdisReleaseSpinLock(&Wan.Lock);
    if (close) {
        WanCloseFamily(family);
    }
    WanReleaseFamily(family);
}

/* ProtocolClOpenAfCompleteEx; also called by ourselves for an open that did not pend. */
static VOID NTAPI WanClOpenAfCompleteEx(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisAfHandle,
    NDIS_STATUS Status)
{
    PWAN_FAMILY family;
    PWAN_BINDING binding;
    BOOLEAN close = FALSE;
    BOOLEAN leave = FALSE;

    NdisAcquireSpinLock(&Wan.Lock);
    family = WanFindFamilyLocked(ProtocolAfContext);
    binding = family->Binding;
    if (Status == NDIS_STATUS_SUCCESS) {
        family->Handle = NdisAfHandle;
        /* An unbind or a notification that came meanwhile could not close it yet. */
        close = binding->Leaving || family->Notified;
        family->State = close ? FamilyClosing : FamilyOpen;
    } else {
        RemoveEntryList(&family->Link);
        if (--binding->Families == 0 && !binding->Leaving) {
            binding->Leaving = TRUE;
            leave = TRUE;
        }
    }
    NdisReleaseSpinLock(&Wan.Lock);

    if (close) {
        WanCloseFamily(family);
    }
    if (Status != NDIS_STATUS_SUCCESS) {
        if (leave) {
            /* Nothing is left to do on this binding (NdisClOpenAddressFamilyEx). Our reference to the
             * family keeps the binding, and with it this handle, until the call is made. */
            NdisUnbindAdapter(binding->Handle);
        }
        WanReleaseFamily(family);
    }
}

/* ProtocolCoAfRegisterNotify: a call manager offers an address family on one of our bindings. */
static VOID NTAPI WanCoAfRegisterNotify(
    NDIS_HANDLE ProtocolBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily)
{
    PWAN_BINDING binding = ProtocolBindingContext;
    PWAN_FAMILY family = WanAllocate(sizeof(*family));
    NDIS_STATUS status;

    if (family == NULL) {
        return;
    }
    family->Binding = binding;
    family->State = FamilyOpening;
    family->References = 2;
    family->CloseTask.Run = WanCloseTask;
    family->CloseTask.Object = family;

    NdisAcquireSpinLock(&Wan.Lock);
    if (binding->Leaving) {
        NdisReleaseSpinLock(&Wan.Lock);
        WanFree(family);
        return;
    }
    binding->Users++;
    binding->Families++;
    family->Id = ++Wan.LastId;
    InsertTailList(&Wan.Families, &family->Link);
    NdisReleaseSpinLock(&Wan.Lock);

    status = NdisClOpenAddressFamilyEx(
        binding->Handle, AddressFamily, (NDIS_HANDLE)family->Id, &family->OpenResult);
    if (status != NDIS_STATUS_PENDING) {
        WanClOpenAfCompleteEx((NDIS_HANDLE)family->Id, family->OpenResult, status);
    }
    /* If it pended, the family may have been opened and closed by now; this reference kept its memory. */
    WanReleaseFamily(family);
}

/* ProtocolClNotifyCloseAf: the call manager is leaving. Must not wait, and may be at DISPATCH_LEVEL. */
static NDIS_STATUS NTAPI WanClNotifyCloseAf(NDIS_HANDLE ClientAfContext)
{
    PWAN_FAMILY family;

    NdisAcquireSpinLock(&Wan.Lock);
    family = WanFindFamilyLocked(ClientAfContext);
    if (family == NULL) {
        /* Our own close crossed the notification and is over: what is asked for has been done. */
        NdisReleaseSpinLock(&Wan.Lock);
        return NDIS_STATUS_SUCCESS;
    }
    if (family->Notified) {
        /* One notification at a time; the first will be completed. */
        NdisReleaseSpinLock(&Wan.Lock);
        return NDIS_STATUS_CLOSING;
    }
    family->Notified = TRUE;
    if (family->State != FamilyOpen) {
        /* The end of the open, or of the close that is under way, finds Notified. */
        NdisReleaseSpinLock(&Wan.Lock);
        return NDIS_STATUS_PENDING;
    }
    NdisInterlockedIncrement(&family->References);
    NdisReleaseSpinLock(&Wan.Lock);

    if (!WanQueue(&family->CloseTask)) {
        WanReleaseFamily(family);
    }
    return NDIS_STATUS_PENDING;
}

/* --- binding ------------------------------------------------------------------------------------- */

static NDIS_MEDIUM WanMedia[] = { NdisMediumCoWan, NdisMediumAtm };

/* ProtocolOpenAdapterCompleteEx; also called by ourselves for an open that did not pend. */
static VOID NTAPI WanOpenAdapterCompleteEx(NDIS_HANDLE ProtocolBindingContext, NDIS_STATUS Status)
{
    PWAN_BINDING binding = ProtocolBindingContext;

    binding->OpenStatus = Status;
    binding->Task.Run = WanFinishBind;
    WanQueue(&binding->Task);
}

static NDIS_STATUS NTAPI WanBindAdapterEx(
    NDIS_HANDLE ProtocolDriverContext,
    NDIS_HANDLE BindContext,
    PNDIS_BIND_PARAMETERS BindParameters)
{
    PWAN_BINDING binding = WanAllocate(sizeof(*binding));
    NDIS_STATUS status;

    UNREFERENCED_PARAMETER(ProtocolDriverContext);
    if (binding == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    binding->BindContext = BindContext;
    binding->Users = 1;
    binding->Task.Object = binding;
    binding->OpenParameters.Header.Type = NDIS_OBJECT_TYPE_OPEN_PARAMETERS;
    binding->OpenParameters.Header.Revision = NDIS_OPEN_PARAMETERS_REVISION_1;
    binding->OpenParameters.Header.Size = NDIS_SIZEOF_OPEN_PARAMETERS_REVISION_1;
    binding->OpenParameters.AdapterName = BindParameters->AdapterName;
    binding->OpenParameters.MediumArray = WanMedia;
    binding->OpenParameters.MediumArraySize = sizeof(WanMedia) / sizeof(WanMedia[0]);
    binding->OpenParameters.SelectedMediumIndex = &binding->SelectedMedium;

    status = NdisOpenAdapterEx(
        Wan.ProtocolHandle, binding, &binding->OpenParameters, BindContext, &binding->Handle);
    if (status == NDIS_STATUS_SUCCESS) {
        WanOpenAdapterCompleteEx(binding, status);
    } else if (status != NDIS_STATUS_PENDING) {
        WanFree(binding);
        return status;
    }
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS NTAPI WanUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PWAN_BINDING binding = ProtocolBindingContext;
    PWAN_FAMILY open;

    NdisAcquireSpinLock(&Wan.Lock);
    binding->UnbindContext = UnbindContext;
    binding->Leaving = TRUE;
    NdisReleaseSpinLock(&Wan.Lock);

    /* A family that is still being opened is closed at the end of its open, because of Leaving. */
    do {
        PLIST_ENTRY link;

        open = NULL;
        NdisAcquireSpinLock(&Wan.Lock);
        for (link = Wan.Families.Flink; link != &Wan.Families; link = link->Flink) {
            PWAN_FAMILY family = CONTAINING_RECORD(link, WAN_FAMILY, Link);
            if (family->Binding == binding && family->State == FamilyOpen && !family->CloseTask.Queued) {
                family->State = FamilyClosing;
                open = family;
                break;
            }
        }
        NdisReleaseSpinLock(&Wan.Lock);
        if (open != NULL) {
            WanCloseFamily(open);
        }
    } while (open != NULL);

    /* With the last family gone, NdisCloseAdapterEx is called, and then the unbind completed. Waiting
     * here for the closes is what NdisClCloseAddressFamily warns of. */
    WanReleaseBinding(binding);
    return NDIS_STATUS_PENDING;
}

static VOID NTAPI WanCloseAdapterCompleteEx(NDIS_HANDLE ProtocolBindingContext)
{
    PWAN_BINDING binding = ProtocolBindingContext;

    binding->Task.Run = WanFinishUnbind;
    WanQueue(&binding->Task);
}

/* --- handlers that must exist but have nothing to do: no SAPs, no VCs, no calls, no requests ----- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

static NDIS_STATUS NTAPI WanNetPnPEvent(NDIS_HANDLE Binding, PNET_PNP_EVENT_NOTIFICATION Event)
{
    /* We send nothing, so there is nothing to pause, and no reason to refuse anything. */
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI WanOidRequestComplete(NDIS_HANDLE Binding, PNDIS_OID_REQUEST Request, NDIS_STATUS Status) {}

static VOID NTAPI WanReceiveNetBufferLists(
    NDIS_HANDLE Binding, PNET_BUFFER_LIST Lists, NDIS_PORT_NUMBER Port, ULONG Count, ULONG Flags)
{
    if (!(Flags & NDIS_RECEIVE_FLAGS_RESOURCES)) {
        NdisReturnNetBufferLists(((PWAN_BINDING)Binding)->Handle, Lists, 0);
    }
}

static VOID NTAPI WanCoReceiveNetBufferLists(
    NDIS_HANDLE Binding, NDIS_HANDLE Vc, PNET_BUFFER_LIST Lists, ULONG Count, ULONG Flags)
{
    WanReceiveNetBufferLists(Binding, Lists, 0, Count, Flags);
}

/* Of VCs and of bindings: both have this shape. */
static VOID NTAPI WanSendComplete(NDIS_HANDLE Context, PNET_BUFFER_LIST Lists, ULONG Flags) {}

static VOID NTAPI WanCoStatusEx(NDIS_HANDLE Binding, NDIS_HANDLE Vc, PNDIS_STATUS_INDICATION Indication) {}

static NDIS_STATUS NTAPI WanCoCreateVc(NDIS_HANDLE Af, NDIS_HANDLE Vc, PNDIS_HANDLE VcContext)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI WanCoDeleteVc(NDIS_HANDLE Vc)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI WanCoOidRequest(
    NDIS_HANDLE Af, NDIS_HANDLE Vc, NDIS_HANDLE Party, PNDIS_OID_REQUEST Request)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI WanIncomingCall(NDIS_HANDLE Sap, NDIS_HANDLE Vc, PCO_CALL_PARAMETERS Parameters)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static VOID NTAPI WanCoOidRequestComplete(
    NDIS_HANDLE Af, NDIS_HANDLE Vc, NDIS_HANDLE Party, PNDIS_OID_REQUEST Request, NDIS_STATUS Status) {}
static VOID NTAPI WanRegisterSapComplete(
    NDIS_STATUS Status, NDIS_HANDLE SapContext, PCO_SAP Sap, NDIS_HANDLE Handle) {}
static VOID NTAPI WanDeregisterSapComplete(NDIS_STATUS Status, NDIS_HANDLE Sap) {}
static VOID NTAPI WanMakeCallComplete(
    NDIS_STATUS Status, NDIS_HANDLE Vc, NDIS_HANDLE Party, PCO_CALL_PARAMETERS Parameters) {}
static VOID NTAPI WanModifyCallQoSComplete(
    NDIS_STATUS Status, NDIS_HANDLE Vc, PCO_CALL_PARAMETERS Parameters) {}
static VOID NTAPI WanCloseCallComplete(NDIS_STATUS Status, NDIS_HANDLE Vc, NDIS_HANDLE Party) {}
static VOID NTAPI WanAddPartyComplete(
    NDIS_STATUS Status, NDIS_HANDLE Party, NDIS_HANDLE Handle, PCO_CALL_PARAMETERS Parameters) {}
static VOID NTAPI WanDropPartyComplete(NDIS_STATUS Status, NDIS_HANDLE Party) {}
static VOID NTAPI WanIncomingCallQoSChange(NDIS_HANDLE Vc, PCO_CALL_PARAMETERS Parameters) {}
static VOID NTAPI WanIncomingCloseCall(NDIS_STATUS Status, NDIS_HANDLE Vc, PVOID CloseData, UINT Size) {}
static VOID NTAPI WanIncomingDropParty(NDIS_STATUS Status, NDIS_HANDLE Party, PVOID CloseData, UINT Size) {}
static VOID NTAPI WanCallConnected(NDIS_HANDLE Vc) {}

#pragma GCC diagnostic pop

/* --- registration -------------------------------------------------------------------------------- */

static NDIS_STATUS NTAPI WanSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    NDIS_PROTOCOL_CO_CHARACTERISTICS co = {
        .Header = { NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS,
            NDIS_PROTOCOL_CO_CHARACTERISTICS_REVISION_1,
            NDIS_SIZEOF_PROTOCOL_CO_CHARACTERISTICS_REVISION_1 },
        .CoStatusHandlerEx = WanCoStatusEx,
        .CoAfRegisterNotifyHandler = WanCoAfRegisterNotify,
        .CoReceiveNetBufferListsHandler = WanCoReceiveNetBufferLists,
        .CoSendNetBufferListsCompleteHandler = WanSendComplete,
    };
    NDIS_CO_CLIENT_OPTIONAL_HANDLERS client = {
        .Header = { NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS,
            NDIS_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1,
            NDIS_SIZEOF_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1 },
        .ClCreateVcHandler = WanCoCreateVc,
        .ClDeleteVcHandler = WanCoDeleteVc,
        .ClOidRequestHandler = WanCoOidRequest,
        .ClOidRequestCompleteHandler = WanCoOidRequestComplete,
        .ClOpenAfCompleteHandlerEx = WanClOpenAfCompleteEx,
        .ClCloseAfCompleteHandler = WanClCloseAfComplete,
        .ClRegisterSapCompleteHandler = WanRegisterSapComplete,
        .ClDeregisterSapCompleteHandler = WanDeregisterSapComplete,
        .ClMakeCallCompleteHandler = WanMakeCallComplete,
        .ClModifyCallQoSCompleteHandler = WanModifyCallQoSComplete,
        .ClCloseCallCompleteHandler = WanCloseCallComplete,
        .ClAddPartyCompleteHandler = WanAddPartyComplete,
        .ClDropPartyCompleteHandler = WanDropPartyComplete,
        .ClIncomingCallHandler = WanIncomingCall,
        .ClIncomingCallQoSChangeHandler = WanIncomingCallQoSChange,
        .ClIncomingCloseCallHandler = WanIncomingCloseCall,
        .ClIncomingDropPartyHandler = WanIncomingDropParty,
        .ClCallConnectedHandler = WanCallConnected,
        .ClNotifyCloseAfHandler = WanClNotifyCloseAf,
    };
    NDIS_STATUS status;

    UNREFERENCED_PARAMETER(DriverContext);
    /* A bind may come before NdisRegisterProtocolDriver has returned, and needs the handle. */
    Wan.ProtocolHandle = NdisDriverHandle;
    status = NdisSetOptionalHandlers(NdisDriverHandle, (PNDIS_DRIVER_OPTIONAL_HANDLERS)&co);
    if (status == NDIS_STATUS_SUCCESS) {
        status = NdisSetOptionalHandlers(NdisDriverHandle, (PNDIS_DRIVER_OPTIONAL_HANDLERS)&client);
    }
    return status;
}

static VOID NTAPI WanUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    /* Unbinds what is bound and returns when the last unbind has been completed. */
    NdisDeregisterProtocolDriver(Wan.ProtocolHandle);
    /* The task that completed it may still have memory to free. */
    WanDropRundown();
    NdisWaitEvent(&Wan.Drained, 0);
    IoFreeWorkItem(Wan.WorkItem);
    NdisFreeSpinLock(&Wan.Lock);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS protocol = {
        .Header = { NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS,
            NDIS_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2,
            NDIS_SIZEOF_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2 },
        .MajorNdisVersion = 6,
        .MinorNdisVersion = 20,
        .MajorDriverVersion = 1,
        .Name = NDIS_STRING_CONST("wanclient"),
        .SetOptionsHandler = WanSetOptions,
        .BindAdapterHandlerEx = WanBindAdapterEx,
        .UnbindAdapterHandlerEx = WanUnbindAdapterEx,
        .OpenAdapterCompleteHandlerEx = WanOpenAdapterCompleteEx,
        .CloseAdapterCompleteHandlerEx = WanCloseAdapterCompleteEx,
        .NetPnPEventHandler = WanNetPnPEvent,
        .OidRequestCompleteHandler = WanOidRequestComplete,
        .ReceiveNetBufferListsHandler = WanReceiveNetBufferLists,
        .SendNetBufferListsCompleteHandler = WanSendComplete,
    };
    NDIS_HANDLE handle;
    NDIS_STATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);
    NdisAllocateSpinLock(&Wan.Lock);
    NdisInitializeEvent(&Wan.Drained);
    InitializeListHead(&Wan.Families);
    InitializeListHead(&Wan.Tasks);
    Wan.Rundown = 1;
    /* NdisAllocateIoWorkItem is not for protocols. This work item is only for IoQueueWorkItemEx, which
     * takes the driver object in the place of a device object. */
    Wan.WorkItem = IoAllocateWorkItem((PDEVICE_OBJECT)DriverObject);
    if (Wan.WorkItem == NULL) {
        NdisFreeSpinLock(&Wan.Lock);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    DriverObject->DriverUnload = WanUnload;

    status = NdisRegisterProtocolDriver(NULL, &protocol, &handle);
    if (status != NDIS_STATUS_SUCCESS) {
        IoFreeWorkItem(Wan.WorkItem);
        NdisFreeSpinLock(&Wan.Lock);
    }
    return status;
}
