/*
 * client.c - a connection-oriented NDIS 6.20 client.
 *
 * What it shows: how a protocol becomes a CoNDIS client, how it hears of address families (AFs) and
 * opens them, and both ways in which an AF is closed:
 *
 *   1. the client closes it by itself, from ProtocolUnbindAdapterEx (or at once, see AutoClose);
 *   2. the call manager asks for it with ProtocolClNotifyCloseAf, because it is about to go away.
 *
 * SAPs, VCs and calls are not used; their handlers are registered, because NDIS wants every one of
 * them, and answer NDIS_STATUS_NOT_SUPPORTED.
 *
 * Read in this order: the structures, DriverEntry and ClientSetOptions at the end of the file, then
 * binding, then opening, then closing, which is where the difficulties are.
 *
 * Registry values, all integers, read when an adapter is bound:
 *
 *   BindAdapter    0 ProtocolBindAdapterEx waits until the adapter is open (default)
 *                  1 it pends, and the bind is completed later
 *   UnbindAdapter  0 ProtocolUnbindAdapterEx waits until everything is closed (default)
 *                  1 it pends, and the unbind is completed later
 *   NotifyCloseAf  0 pend the notification; complete it after the AF is closed (default)
 *                  1 if the AF closes synchronously, return NDIS_STATUS_SUCCESS at once; else as 0
 *                  2 if the AF closes synchronously, complete the notification before the handler
 *                    has returned; else as 0
 *                  3 refuse the first notification of each AF with NDIS_STATUS_FAILURE; the AF then
 *                    closes when the adapter is unbound. Later notifications are obeyed as with 0
 *   AutoClose      N the first N AFs that this driver opens are closed as soon as they are open;
 *                    later ones stay open until a notification or the unbind (default 0)
 *   AddressFamily  N open only AFs of this family; 0 opens whatever is offered (default)
 *
 * Locking. One spin lock guards all state of the driver. It is never held across a call into NDIS
 * that can call back (only the event functions are called with it): an NDIS call may run the call
 * manager's handler, that handler may run one of ours, and all of it on this very stack.
 */

#include <ndis.h>

#define CLIENT_POOL_TAG 'lCoC'

/* How long a work item waits before it tries a refused close again, in microseconds. */
#define CLIENT_CLOSE_RETRY_DELAY 10000

typedef struct _CLIENT_OPTIONS {
    ULONG BindAdapter;
    ULONG UnbindAdapter;
    ULONG NotifyCloseAf;
    ULONG AutoClose;
    ULONG AddressFamily;
} CLIENT_OPTIONS;

/* One bound adapter. */
typedef struct _CLIENT_BINDING {
    NDIS_HANDLE NdisBindingHandle;

    /* NDIS's names for the bind and for the unbind in progress. */
    NDIS_HANDLE BindContext;
    NDIS_HANDLE UnbindContext;

    /* Must outlive NdisOpenAdapterEx if that pends, so it cannot be on the stack. */
    NDIS_OPEN_PARAMETERS OpenParameters;
    NDIS_MEDIUM MediumArray[2];
    UINT SelectedMediumIndex;

    /* Signalled by ProtocolOpenAdapterCompleteEx and ProtocolCloseAdapterCompleteEx for a bind or
     * unbind that waits. AdapterStatus is the status of the open. */
    NDIS_EVENT AdapterEvent;
    NDIS_STATUS AdapterStatus;

    /* Who needs the open adapter: one for the binding itself until it is unbound, one per AF. The
     * adapter may be closed when this is 0; DrainedEvent tells an unbind that waits for it. */
    ULONG Users;
    NDIS_EVENT DrainedEvent;

    BOOLEAN Unbinding;

    /* Allocated with the binding, since neither completing a bind nor an unbind may fail. */
    PIO_WORKITEM BindWorkItem;
    PIO_WORKITEM UnbindWorkItem;

    CLIENT_OPTIONS Options;
} CLIENT_BINDING, *PCLIENT_BINDING;

typedef enum _CLIENT_AF_STATE {
    ClientAfOpening,
    ClientAfOpen,
    /* From the decision to close (so that nobody else decides it too) until it is closed. A close
     * that was refused leaves the AF here: a retry is on its way. */
    ClientAfClosing
} CLIENT_AF_STATE;

/*
 * One address family, from the first attempt to open it until it is closed.
 *
 * NDIS is not given a pointer to this structure but its Id. A notification can be on its way into
 * ProtocolClNotifyCloseAf while the AF's own close completes on another processor; the handler would
 * then look at freed memory. An id that is looked up under the lock, and never used twice, tells it
 * that the AF is gone.
 */
typedef struct _CLIENT_AF {
    LIST_ENTRY Link; /* in ClientAfs while NDIS knows the Id */
    ULONG_PTR Id;
    PCLIENT_BINDING Binding;
    NDIS_HANDLE NdisAfHandle;
    CLIENT_AF_STATE State;

    /* 1 for the AF as long as it is in ClientAfs, 1 for the call that opens it. */
    ULONG References;

    /* A notification was answered with NDIS_STATUS_PENDING (or is about to be), and is still to be
     * completed. */
    BOOLEAN NotifyPending;
    /* NotifyCloseAf = 3: the one refusal has been given. */
    BOOLEAN NotifyRefused;

    /* Continues a close at PASSIVE_LEVEL: another attempt, or the completion of a notification. */
    PIO_WORKITEM WorkItem;
} CLIENT_AF, *PCLIENT_AF;

static PDRIVER_OBJECT ClientDriverObject;
static NDIS_HANDLE ClientProtocolHandle;
static NDIS_SPIN_LOCK ClientLock;
/* Under ClientLock: */
static LIST_ENTRY ClientAfs;
static ULONG_PTR ClientLastAfId;
static ULONG ClientAutoClosed;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD ClientUnload;
static SET_OPTIONS ClientSetOptions;
static PROTOCOL_BIND_ADAPTER_EX ClientBindAdapterEx;
static PROTOCOL_UNBIND_ADAPTER_EX ClientUnbindAdapterEx;
static PROTOCOL_OPEN_ADAPTER_COMPLETE_EX ClientOpenAdapterCompleteEx;
static PROTOCOL_CLOSE_ADAPTER_COMPLETE_EX ClientCloseAdapterCompleteEx;
static PROTOCOL_NET_PNP_EVENT ClientNetPnPEvent;
static PROTOCOL_CO_AF_REGISTER_NOTIFY ClientCoAfRegisterNotify;
static PROTOCOL_CL_OPEN_AF_COMPLETE_EX ClientClOpenAfCompleteEx;
static PROTOCOL_CL_CLOSE_AF_COMPLETE ClientClCloseAfComplete;
static PROTOCOL_CL_NOTIFY_CLOSE_AF ClientClNotifyCloseAf;
static PROTOCOL_CO_OID_REQUEST ClientCoOidRequest;
static IO_WORKITEM_ROUTINE_EX ClientBindWork;
static IO_WORKITEM_ROUTINE_EX ClientUnbindWork;
static IO_WORKITEM_ROUTINE_EX ClientRetryCloseWork;
static IO_WORKITEM_ROUTINE_EX ClientClosedWork;

static VOID ClientCloseAf(PCLIENT_AF Af);

/* --- configuration ----------------------------------------------------------------------------- */

static ULONG ClientReadInteger(NDIS_HANDLE Configuration, PNDIS_STRING Name)
{
    PNDIS_CONFIGURATION_PARAMETER Parameter;
    NDIS_STATUS Status;

    NdisReadConfiguration(&Status, &Parameter, Configuration, Name, NdisParameterInteger);
    return Status == NDIS_STATUS_SUCCESS ? Parameter->ParameterData.IntegerData : 0;
}

/* A driver without a registry key, or with an empty one, gets the default of each value: 0. */
static VOID ClientReadOptions(CLIENT_OPTIONS *Options)
{
    NDIS_STRING BindAdapter = NDIS_STRING_CONST("BindAdapter");
    NDIS_STRING UnbindAdapter = NDIS_STRING_CONST("UnbindAdapter");
    NDIS_STRING NotifyCloseAf = NDIS_STRING_CONST("NotifyCloseAf");
    NDIS_STRING AutoClose = NDIS_STRING_CONST("AutoClose");
    NDIS_STRING AddressFamily = NDIS_STRING_CONST("AddressFamily");
    NDIS_CONFIGURATION_OBJECT Object;
    NDIS_HANDLE Configuration;

    NdisZeroMemory(Options, sizeof(*Options));
    NdisZeroMemory(&Object, sizeof(Object));
    Object.Header.Type = NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT;
    Object.Header.Revision = NDIS_CONFIGURATION_OBJECT_REVISION_1;
    Object.Header.Size = NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1;
    Object.NdisHandle = ClientProtocolHandle;
    if (NdisOpenConfigurationEx(&Object, &Configuration) != NDIS_STATUS_SUCCESS) {
        return;
    }
    Options->BindAdapter = ClientReadInteger(Configuration, &BindAdapter);
    Options->UnbindAdapter = ClientReadInteger(Configuration, &UnbindAdapter);
    Options->NotifyCloseAf = ClientReadInteger(Configuration, &NotifyCloseAf);
    Options->AutoClose = ClientReadInteger(Configuration, &AutoClose);
    Options->AddressFamily = ClientReadInteger(Configuration, &AddressFamily);
    NdisCloseConfiguration(Configuration);
}

/* --- binding ----------------------------------------------------------------------------------- */

/*
 * A protocol cannot use NdisAllocateIoWorkItem: NDIS knows no device object for it. With its driver
 * object it can use the kernel's work items, if it queues them with IoQueueWorkItemEx. The parameter
 * is typed for the older use with a device object.
 */
static PIO_WORKITEM ClientAllocateWorkItem(VOID)
{
    return IoAllocateWorkItem((PDEVICE_OBJECT)ClientDriverObject);
}

static VOID ClientFreeBinding(PCLIENT_BINDING Binding)
{
    if (Binding->BindWorkItem != NULL) {
        IoFreeWorkItem(Binding->BindWorkItem);
    }
    if (Binding->UnbindWorkItem != NULL) {
        IoFreeWorkItem(Binding->UnbindWorkItem);
    }
    NdisFreeMemory(Binding, 0, 0);
}

static PCLIENT_BINDING ClientCreateBinding(VOID)
{
    PCLIENT_BINDING Binding;

    Binding = NdisAllocateMemoryWithTagPriority(
        ClientProtocolHandle, sizeof(*Binding), CLIENT_POOL_TAG, NormalPoolPriority);
    if (Binding == NULL) {
        return NULL;
    }
    NdisZeroMemory(Binding, sizeof(*Binding));
    NdisInitializeEvent(&Binding->AdapterEvent);
    NdisInitializeEvent(&Binding->DrainedEvent);
    Binding->Users = 1;
    Binding->BindWorkItem = ClientAllocateWorkItem();
    Binding->UnbindWorkItem = ClientAllocateWorkItem();
    if (Binding->BindWorkItem == NULL || Binding->UnbindWorkItem == NULL) {
        ClientFreeBinding(Binding);
        return NULL;
    }
    ClientReadOptions(&Binding->Options);
    return Binding;
}

/* Ends a bind that was pended. The binding may be gone when this returns: NDIS is free to unbind it. */
static VOID ClientBindDone(PCLIENT_BINDING Binding, NDIS_STATUS Status)
{
    NDIS_HANDLE BindContext = Binding->BindContext;

    if (Status != NDIS_STATUS_SUCCESS) {
        ClientFreeBinding(Binding);
    }
    NdisCompleteBindAdapterEx(BindContext, Status);
}

static VOID NTAPI ClientBindWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCLIENT_BINDING Binding = Context;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    ClientBindDone(Binding, Binding->AdapterStatus);
}

static NDIS_STATUS NTAPI ClientBindAdapterEx(
    NDIS_HANDLE ProtocolDriverContext,
    NDIS_HANDLE BindContext,
    PNDIS_BIND_PARAMETERS BindParameters)
{
    PCLIENT_BINDING Binding;
    BOOLEAN Pend;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(ProtocolDriverContext);
    Binding = ClientCreateBinding();
    if (Binding == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Binding->BindContext = BindContext;
    Binding->MediumArray[0] = NdisMediumCoWan;
    Binding->MediumArray[1] = NdisMediumAtm;
    Binding->OpenParameters.Header.Type = NDIS_OBJECT_TYPE_OPEN_PARAMETERS;
    Binding->OpenParameters.Header.Revision = NDIS_OPEN_PARAMETERS_REVISION_1;
    Binding->OpenParameters.Header.Size = NDIS_SIZEOF_OPEN_PARAMETERS_REVISION_1;
    Binding->OpenParameters.AdapterName = BindParameters->AdapterName;
    Binding->OpenParameters.MediumArray = Binding->MediumArray;
    Binding->OpenParameters.MediumArraySize = RTL_NUMBER_OF(Binding->MediumArray);
    Binding->OpenParameters.SelectedMediumIndex = &Binding->SelectedMediumIndex;

    Pend = Binding->Options.BindAdapter == 1;
    Status = NdisOpenAdapterEx(
        ClientProtocolHandle,
        Binding,
        &Binding->OpenParameters,
        BindContext,
        &Binding->NdisBindingHandle);
    if (Pend) {
        /* If the open pends, its completion ends the bind, and may have done so already: the binding
         * must not be touched here. */
        if (Status != NDIS_STATUS_PENDING) {
            Binding->AdapterStatus = Status;
            IoQueueWorkItemEx(Binding->BindWorkItem, ClientBindWork, DelayedWorkQueue, Binding);
        }
        return NDIS_STATUS_PENDING;
    }
    if (Status == NDIS_STATUS_PENDING) {
        NdisWaitEvent(&Binding->AdapterEvent, 0);
        NdisResetEvent(&Binding->AdapterEvent);
        Status = Binding->AdapterStatus;
    }
    if (Status != NDIS_STATUS_SUCCESS) {
        ClientFreeBinding(Binding);
    }
    return Status;
}

static VOID NTAPI ClientOpenAdapterCompleteEx(NDIS_HANDLE ProtocolBindingContext, NDIS_STATUS Status)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;

    if (Binding->Options.BindAdapter == 1) {
        ClientBindDone(Binding, Status);
    } else {
        Binding->AdapterStatus = Status;
        NdisSetEvent(&Binding->AdapterEvent);
    }
}

/* Ends an unbind that was pended. The unbind context is taken out first, because by the time NDIS
 * hears that the unbind is over nothing of the binding may be left. */
static VOID ClientUnbindDone(PCLIENT_BINDING Binding)
{
    NDIS_HANDLE UnbindContext = Binding->UnbindContext;

    ClientFreeBinding(Binding);
    NdisCompleteUnbindAdapterEx(UnbindContext);
}

static VOID NTAPI ClientUnbindWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCLIENT_BINDING Binding = Context;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    if (NdisCloseAdapterEx(Binding->NdisBindingHandle) != NDIS_STATUS_PENDING) {
        ClientUnbindDone(Binding);
    }
}

/* Takes back one use of the open adapter. The last one is gone only in an unbind, since the binding
 * holds one itself; NdisCloseAdapterEx needs PASSIVE_LEVEL, which the caller may not have. */
static VOID ClientReleaseBinding(PCLIENT_BINDING Binding)
{
    BOOLEAN Close = FALSE;

    NdisAcquireSpinLock(&ClientLock);
    Binding->Users--;
    if (Binding->Users == 0) {
        if (Binding->Options.UnbindAdapter == 1) {
            Close = TRUE;
        } else {
            /* Under the lock: the unbind that this wakes frees the binding. */
            NdisSetEvent(&Binding->DrainedEvent);
        }
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Close) {
        IoQueueWorkItemEx(Binding->UnbindWorkItem, ClientUnbindWork, DelayedWorkQueue, Binding);
    }
}

/* Finds an AF of the binding that is open and that nobody closes yet, and makes it the caller's to
 * close. */
static PCLIENT_AF ClientTakeOpenAf(PCLIENT_BINDING Binding)
{
    PCLIENT_AF Taken = NULL;
    PLIST_ENTRY Entry;

    NdisAcquireSpinLock(&ClientLock);
    for (Entry = ClientAfs.Flink; Entry != &ClientAfs; Entry = Entry->Flink) {
        PCLIENT_AF Af = CONTAINING_RECORD(Entry, CLIENT_AF, Link);

        if (Af->Binding == Binding && Af->State == ClientAfOpen) {
            Af->State = ClientAfClosing;
            Taken = Af;
            break;
        }
    }
    NdisReleaseSpinLock(&ClientLock);
    return Taken;
}

static NDIS_STATUS NTAPI ClientUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;
    BOOLEAN Pend = Binding->Options.UnbindAdapter == 1;
    PCLIENT_AF Af;

    Binding->UnbindContext = UnbindContext;

    /* From here on no AF is opened, and one that is being opened will be closed by whoever learns
     * that it is open. AFs that are being closed for a notification need no second close. */
    NdisAcquireSpinLock(&ClientLock);
    Binding->Unbinding = TRUE;
    NdisReleaseSpinLock(&ClientLock);
    while ((Af = ClientTakeOpenAf(Binding)) != NULL) {
        ClientCloseAf(Af);
    }
    ClientReleaseBinding(Binding);
    if (Pend) {
        return NDIS_STATUS_PENDING;
    }

    /* Waiting is allowed here: an unbind runs at PASSIVE_LEVEL and in no other NDIS call of ours.
     * In ProtocolClNotifyCloseAf it would be a deadlock: the call manager may be waiting for that
     * handler to return before it lets the close complete. */
    NdisWaitEvent(&Binding->DrainedEvent, 0);
    if (NdisCloseAdapterEx(Binding->NdisBindingHandle) == NDIS_STATUS_PENDING) {
        NdisWaitEvent(&Binding->AdapterEvent, 0);
    }
    ClientFreeBinding(Binding);
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI ClientCloseAdapterCompleteEx(NDIS_HANDLE ProtocolBindingContext)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;

    if (Binding->Options.UnbindAdapter == 1) {
        ClientUnbindDone(Binding);
    } else {
        NdisSetEvent(&Binding->AdapterEvent);
    }
}

/* Nothing is sent, so a pause is complete at once; and there is no state that a power or removal
 * event could endanger. */
static NDIS_STATUS NTAPI ClientNetPnPEvent(
    NDIS_HANDLE ProtocolBindingContext,
    PNET_PNP_EVENT_NOTIFICATION NetPnPEventNotification)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(NetPnPEventNotification);
    return NDIS_STATUS_SUCCESS;
}

/* --- opening an address family ----------------------------------------------------------------- */

/* NULL if memory is short or the binding goes away. The caller holds the second reference. */
static PCLIENT_AF ClientCreateAf(PCLIENT_BINDING Binding)
{
    PCLIENT_AF Af;
    BOOLEAN Unbinding;

    Af = NdisAllocateMemoryWithTagPriority(
        ClientProtocolHandle, sizeof(*Af), CLIENT_POOL_TAG, NormalPoolPriority);
    if (Af == NULL) {
        return NULL;
    }
    NdisZeroMemory(Af, sizeof(*Af));
    Af->Binding = Binding;
    Af->State = ClientAfOpening;
    Af->References = 2;
    Af->WorkItem = ClientAllocateWorkItem();
    if (Af->WorkItem == NULL) {
        NdisFreeMemory(Af, 0, 0);
        return NULL;
    }

    NdisAcquireSpinLock(&ClientLock);
    Unbinding = Binding->Unbinding;
    if (!Unbinding) {
        Binding->Users++;
        ClientLastAfId++;
        Af->Id = ClientLastAfId;
        InsertTailList(&ClientAfs, &Af->Link);
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Unbinding) {
        IoFreeWorkItem(Af->WorkItem);
        NdisFreeMemory(Af, 0, 0);
        return NULL;
    }
    return Af;
}

static VOID ClientReleaseAf(PCLIENT_AF Af)
{
    PCLIENT_BINDING Binding = Af->Binding;
    BOOLEAN Last;

    NdisAcquireSpinLock(&ClientLock);
    Af->References--;
    Last = Af->References == 0;
    NdisReleaseSpinLock(&ClientLock);
    if (Last) {
        /* Possibly from the work item's own routine, which is allowed. */
        IoFreeWorkItem(Af->WorkItem);
        NdisFreeMemory(Af, 0, 0);
        ClientReleaseBinding(Binding);
    }
}

/* The AF that NDIS knows by this context, or NULL. The caller holds the lock. */
static PCLIENT_AF ClientFindAf(NDIS_HANDLE ProtocolAfContext)
{
    PLIST_ENTRY Entry;

    for (Entry = ClientAfs.Flink; Entry != &ClientAfs; Entry = Entry->Flink) {
        PCLIENT_AF Af = CONTAINING_RECORD(Entry, CLIENT_AF, Link);

        if (Af->Id == (ULONG_PTR)ProtocolAfContext) {
            return Af;
        }
    }
    return NULL;
}

/* For completions: the operation that they complete keeps the AF alive. */
static PCLIENT_AF ClientGetAf(NDIS_HANDLE ProtocolAfContext)
{
    PCLIENT_AF Af;

    NdisAcquireSpinLock(&ClientLock);
    Af = ClientFindAf(ProtocolAfContext);
    NdisReleaseSpinLock(&ClientLock);
    return Af;
}

/* Takes the AF out of the list and gives back the list's reference. */
static VOID ClientForgetAf(PCLIENT_AF Af)
{
    NdisAcquireSpinLock(&ClientLock);
    RemoveEntryList(&Af->Link);
    NdisReleaseSpinLock(&ClientLock);
    ClientReleaseAf(Af);
}

/* An open is over, either way. After a success this is the place where a client would register its
 * SAPs or create its first VC. */
static VOID ClientAfOpened(PCLIENT_AF Af, NDIS_HANDLE NdisAfHandle, NDIS_STATUS Status)
{
    BOOLEAN Close;

    if (Status != NDIS_STATUS_SUCCESS) {
        /* There is no handle, and nothing to close. */
        ClientForgetAf(Af);
        return;
    }

    NdisAcquireSpinLock(&ClientLock);
    Af->NdisAfHandle = NdisAfHandle;
    /* While the open was still under way, the unbind could not close the AF, and neither could a
     * notification that followed on the heels of a synchronous success. */
    Close = Af->Binding->Unbinding || Af->NotifyPending;
    if (!Close && ClientAutoClosed < Af->Binding->Options.AutoClose) {
        ClientAutoClosed++;
        Close = TRUE;
    }
    Af->State = Close ? ClientAfClosing : ClientAfOpen;
    NdisReleaseSpinLock(&ClientLock);
    if (Close) {
        ClientCloseAf(Af);
    }
}

/* A call manager offers an address family on an adapter that we are bound to. Made once for each;
 * also for AFs that were registered before we were bound. */
static VOID NTAPI ClientCoAfRegisterNotify(
    NDIS_HANDLE ProtocolBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;
    NDIS_STATUS Status;
    PCLIENT_AF Af;

    if (Binding->Options.AddressFamily != 0
        && Binding->Options.AddressFamily != AddressFamily->AddressFamily) {
        return;
    }
    Af = ClientCreateAf(Binding);
    if (Af == NULL) {
        return;
    }
    Status = NdisClOpenAddressFamilyEx(
        Binding->NdisBindingHandle, AddressFamily, (NDIS_HANDLE)Af->Id, &Af->NdisAfHandle);
    if (Status != NDIS_STATUS_PENDING) {
        /* NDIS makes no completion callback for a synchronous result. */
        ClientAfOpened(Af, Af->NdisAfHandle, Status);
    }
    /* Until here the variable for the handle had to exist, even if the AF opened and closed again
     * before this call returned. */
    ClientReleaseAf(Af);
}

static VOID NTAPI ClientClOpenAfCompleteEx(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisAfHandle,
    NDIS_STATUS Status)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolAfContext);

    if (Af != NULL) {
        ClientAfOpened(Af, NdisAfHandle, Status);
    }
}

/* --- closing an address family ----------------------------------------------------------------- */

/*
 * The AF is closed. If a notification asked for that, its completion tells the call manager, and takes
 * the AF handle: the only use that is still allowed.
 */
static VOID ClientAfClosed(PCLIENT_AF Af)
{
    BOOLEAN Notify;

    /* In one step with leaving the list: a notification that is looking for the AF either has set
     * NotifyPending, or finds no AF. */
    NdisAcquireSpinLock(&ClientLock);
    RemoveEntryList(&Af->Link);
    Notify = Af->NotifyPending;
    NdisReleaseSpinLock(&ClientLock);
    if (Notify) {
        NdisClNotifyCloseAddressFamilyComplete(Af->NdisAfHandle, NDIS_STATUS_SUCCESS);
    }
    ClientReleaseAf(Af);
}

static VOID NTAPI ClientClosedWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    ClientAfClosed(Context);
}

static VOID NTAPI ClientRetryCloseWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    NdisMSleep(CLIENT_CLOSE_RETRY_DELAY);
    ClientCloseAf(Context);
}

/*
 * One attempt to close is over. A call manager may refuse with NDIS_STATUS_NOT_ACCEPTED while it is
 * busy; the AF is then open as before, its handle valid again, and the attempt has to be repeated.
 * NDIS_STATUS_NOT_ACCEPTED counts as a success for NT_SUCCESS(), so that macro is no use here.
 */
static VOID ClientCloseAttempted(PCLIENT_AF Af, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        ClientAfClosed(Af);
    } else {
        IoQueueWorkItemEx(Af->WorkItem, ClientRetryCloseWork, DelayedWorkQueue, Af);
    }
}

/*
 * Closes an AF that the caller has put into ClientAfClosing, which makes it the only one to do so. A
 * client with calls and SAPs first drops its parties, closes its calls and deregisters its SAPs.
 * Runs at IRQL <= DISPATCH_LEVEL.
 */
static VOID ClientCloseAf(PCLIENT_AF Af)
{
    NDIS_STATUS Status;

    /* When this pends, Af may be freed before it returns. */
    Status = NdisClCloseAddressFamily(Af->NdisAfHandle);
    if (Status != NDIS_STATUS_PENDING) {
        ClientCloseAttempted(Af, Status);
    }
}

static VOID NTAPI ClientClCloseAfComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolAfContext)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolAfContext);

    if (Af != NULL) {
        ClientCloseAttempted(Af, Status);
    }
}

/*
 * The call manager wants us to close this AF. Answers:
 *   NDIS_STATUS_PENDING  we are at it; NdisClNotifyCloseAddressFamilyComplete will follow, but not
 *                        before the AF is closed;
 *   NDIS_STATUS_SUCCESS  the AF is closed;
 *   anything else        we refuse, and the AF stays as it is.
 * May be called at DISPATCH_LEVEL, and must not wait for the close, whatever the IRQL.
 */
static NDIS_STATUS NTAPI ClientClNotifyCloseAf(NDIS_HANDLE ClientAfContext)
{
    NDIS_STATUS Status;
    ULONG Mode;
    PCLIENT_AF Af;

    NdisAcquireSpinLock(&ClientLock);
    Af = ClientFindAf(ClientAfContext);
    if (Af == NULL) {
        /* Our own close has completed while this notification was on its way. */
        NdisReleaseSpinLock(&ClientLock);
        return NDIS_STATUS_SUCCESS;
    }
    Mode = Af->Binding->Options.NotifyCloseAf;
    if (Mode == 3 && !Af->NotifyRefused) {
        Af->NotifyRefused = TRUE;
        NdisReleaseSpinLock(&ClientLock);
        return NDIS_STATUS_FAILURE;
    }
    Af->NotifyPending = TRUE;
    if (Af->State != ClientAfOpen) {
        /* Being closed, or about to be as soon as its open is known to have succeeded: either way
         * the end of that close completes the notification. */
        NdisReleaseSpinLock(&ClientLock);
        return NDIS_STATUS_PENDING;
    }
    Af->State = ClientAfClosing;
    NdisReleaseSpinLock(&ClientLock);

    Status = NdisClCloseAddressFamily(Af->NdisAfHandle);
    if (Status == NDIS_STATUS_PENDING) {
        /* Af may be freed already. */
        return NDIS_STATUS_PENDING;
    }
    if (Status == NDIS_STATUS_SUCCESS && Mode == 1) {
        NdisAcquireSpinLock(&ClientLock);
        Af->NotifyPending = FALSE;
        NdisReleaseSpinLock(&ClientLock);
        ClientAfClosed(Af);
        return NDIS_STATUS_SUCCESS;
    }
    if (Status == NDIS_STATUS_SUCCESS && Mode != 2) {
        IoQueueWorkItemEx(Af->WorkItem, ClientClosedWork, DelayedWorkQueue, Af);
        return NDIS_STATUS_PENDING;
    }
    /* Completes the notification before this handler has returned; or tries the close again. */
    ClientCloseAttempted(Af, Status);
    return NDIS_STATUS_PENDING;
}

/*
 * The call manager's requests. OID_CO_AF_CLOSE is the older form of the notification above, and the
 * one request that every client has to understand. It asks only that the closing begins.
 */
static NDIS_STATUS NTAPI ClientCoOidRequest(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext,
    PNDIS_OID_REQUEST OidRequest)
{
    PCLIENT_AF Af;

    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(ProtocolPartyContext);
    if (OidRequest->RequestType != NdisRequestSetInformation
        || OidRequest->DATA.SET_INFORMATION.Oid != OID_CO_AF_CLOSE) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    OidRequest->DATA.SET_INFORMATION.BytesRead = 0;
    NdisAcquireSpinLock(&ClientLock);
    Af = ClientFindAf(ProtocolAfContext);
    if (Af != NULL && Af->State == ClientAfOpen) {
        Af->State = ClientAfClosing;
    } else {
        Af = NULL;
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Af != NULL) {
        ClientCloseAf(Af);
    }
    return NDIS_STATUS_SUCCESS;
}

/* --- what this client does not use -------------------------------------------------------------- */

static NDIS_STATUS NTAPI ClientCoCreateVc(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE ProtocolVcContext)
{
    UNREFERENCED_PARAMETER(ProtocolAfContext);
    UNREFERENCED_PARAMETER(NdisVcHandle);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI ClientCoDeleteVc(NDIS_HANDLE ProtocolVcContext)
{
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI ClientCoOidRequestComplete(
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

static VOID NTAPI ClientClRegisterSapComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolSapContext,
    PCO_SAP Sap,
    NDIS_HANDLE NdisSapHandle)
{
    UNREFERENCED_PARAMETER(Status);
    UNREFERENCED_PARAMETER(ProtocolSapContext);
    UNREFERENCED_PARAMETER(Sap);
    UNREFERENCED_PARAMETER(NdisSapHandle);
}

static VOID NTAPI ClientClDeregisterSapComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolSapContext)
{
    UNREFERENCED_PARAMETER(Status);
    UNREFERENCED_PARAMETER(ProtocolSapContext);
}

static VOID NTAPI ClientClMakeCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(Status);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(NdisPartyHandle);
    UNREFERENCED_PARAMETER(CallParameters);
}

static VOID NTAPI ClientClModifyCallQoSComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(Status);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(CallParameters);
}

static VOID NTAPI ClientClCloseCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext)
{
    UNREFERENCED_PARAMETER(Status);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(ProtocolPartyContext);
}

static VOID NTAPI ClientClAddPartyComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolPartyContext,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(Status);
    UNREFERENCED_PARAMETER(ProtocolPartyContext);
    UNREFERENCED_PARAMETER(NdisPartyHandle);
    UNREFERENCED_PARAMETER(CallParameters);
}

static VOID NTAPI ClientClDropPartyComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolPartyContext)
{
    UNREFERENCED_PARAMETER(Status);
    UNREFERENCED_PARAMETER(ProtocolPartyContext);
}

static NDIS_STATUS NTAPI ClientClIncomingCall(
    NDIS_HANDLE ProtocolSapContext,
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(ProtocolSapContext);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(CallParameters);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI ClientClIncomingCallQoSChange(
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(CallParameters);
}

static VOID NTAPI ClientClIncomingCloseCall(
    NDIS_STATUS CloseStatus,
    NDIS_HANDLE ProtocolVcContext,
    PVOID CloseData,
    UINT Size)
{
    UNREFERENCED_PARAMETER(CloseStatus);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(CloseData);
    UNREFERENCED_PARAMETER(Size);
}

static VOID NTAPI ClientClIncomingDropParty(
    NDIS_STATUS DropStatus,
    NDIS_HANDLE ProtocolPartyContext,
    PVOID CloseData,
    UINT Size)
{
    UNREFERENCED_PARAMETER(DropStatus);
    UNREFERENCED_PARAMETER(ProtocolPartyContext);
    UNREFERENCED_PARAMETER(CloseData);
    UNREFERENCED_PARAMETER(Size);
}

static VOID NTAPI ClientClCallConnected(NDIS_HANDLE ProtocolVcContext)
{
    UNREFERENCED_PARAMETER(ProtocolVcContext);
}

static VOID NTAPI ClientCoStatusEx(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_HANDLE ProtocolVcContext,
    PNDIS_STATUS_INDICATION StatusIndication)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(ProtocolVcContext);
    UNREFERENCED_PARAMETER(StatusIndication);
}

/* Data arrives and is sent on VCs only. */
static VOID NTAPI ClientCoReceiveNetBufferLists(
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

static VOID NTAPI ClientCoSendNetBufferListsComplete(
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
static VOID NTAPI ClientOidRequestComplete(
    NDIS_HANDLE ProtocolBindingContext,
    PNDIS_OID_REQUEST OidRequest,
    NDIS_STATUS Status)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(OidRequest);
    UNREFERENCED_PARAMETER(Status);
}

static VOID NTAPI ClientStatusEx(
    NDIS_HANDLE ProtocolBindingContext,
    PNDIS_STATUS_INDICATION StatusIndication)
{
    UNREFERENCED_PARAMETER(ProtocolBindingContext);
    UNREFERENCED_PARAMETER(StatusIndication);
}

static VOID NTAPI ClientReceiveNetBufferLists(
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

static VOID NTAPI ClientSendNetBufferListsComplete(
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
 * Called inside NdisRegisterProtocolDriver, before anything else. What makes the protocol a CoNDIS
 * client are these two tables: one for every connection-oriented protocol, one for clients.
 */
static NDIS_STATUS NTAPI ClientSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    NDIS_PROTOCOL_CO_CHARACTERISTICS Co;
    NDIS_CO_CLIENT_OPTIONAL_HANDLERS Cl;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(DriverContext);
    NdisZeroMemory(&Co, sizeof(Co));
    Co.Header.Type = NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS;
    Co.Header.Revision = NDIS_PROTOCOL_CO_CHARACTERISTICS_REVISION_1;
    Co.Header.Size = NDIS_SIZEOF_PROTOCOL_CO_CHARACTERISTICS_REVISION_1;
    Co.CoStatusHandlerEx = ClientCoStatusEx;
    Co.CoAfRegisterNotifyHandler = ClientCoAfRegisterNotify;
    Co.CoReceiveNetBufferListsHandler = ClientCoReceiveNetBufferLists;
    Co.CoSendNetBufferListsCompleteHandler = ClientCoSendNetBufferListsComplete;
    Status = NdisSetOptionalHandlers(NdisDriverHandle, &Co.Header);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }

    NdisZeroMemory(&Cl, sizeof(Cl));
    Cl.Header.Type = NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS;
    Cl.Header.Revision = NDIS_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1;
    Cl.Header.Size = NDIS_SIZEOF_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1;
    Cl.ClCreateVcHandler = ClientCoCreateVc;
    Cl.ClDeleteVcHandler = ClientCoDeleteVc;
    Cl.ClOidRequestHandler = ClientCoOidRequest;
    Cl.ClOidRequestCompleteHandler = ClientCoOidRequestComplete;
    Cl.ClOpenAfCompleteHandlerEx = ClientClOpenAfCompleteEx;
    Cl.ClCloseAfCompleteHandler = ClientClCloseAfComplete;
    Cl.ClRegisterSapCompleteHandler = ClientClRegisterSapComplete;
    Cl.ClDeregisterSapCompleteHandler = ClientClDeregisterSapComplete;
    Cl.ClMakeCallCompleteHandler = ClientClMakeCallComplete;
    Cl.ClModifyCallQoSCompleteHandler = ClientClModifyCallQoSComplete;
    Cl.ClCloseCallCompleteHandler = ClientClCloseCallComplete;
    Cl.ClAddPartyCompleteHandler = ClientClAddPartyComplete;
    Cl.ClDropPartyCompleteHandler = ClientClDropPartyComplete;
    Cl.ClIncomingCallHandler = ClientClIncomingCall;
    Cl.ClIncomingCallQoSChangeHandler = ClientClIncomingCallQoSChange;
    Cl.ClIncomingCloseCallHandler = ClientClIncomingCloseCall;
    Cl.ClIncomingDropPartyHandler = ClientClIncomingDropParty;
    Cl.ClCallConnectedHandler = ClientClCallConnected;
    Cl.ClNotifyCloseAfHandler = ClientClNotifyCloseAf;
    return NdisSetOptionalHandlers(NdisDriverHandle, &Cl.Header);
}

/* Returns when every binding has been unbound; the handlers above go on working until then. */
static VOID NTAPI ClientUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisDeregisterProtocolDriver(ClientProtocolHandle);
    NdisFreeSpinLock(&ClientLock);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS Characteristics;
    NDIS_STRING Name = NDIS_STRING_CONST("CONDISCLIENT");
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    ClientDriverObject = DriverObject;
    DriverObject->DriverUnload = ClientUnload;
    NdisAllocateSpinLock(&ClientLock);
    InitializeListHead(&ClientAfs);

    NdisZeroMemory(&Characteristics, sizeof(Characteristics));
    Characteristics.Header.Type = NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS;
    Characteristics.Header.Revision = NDIS_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.Header.Size = NDIS_SIZEOF_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.MajorNdisVersion = 6;
    Characteristics.MinorNdisVersion = 20;
    Characteristics.MajorDriverVersion = 1;
    Characteristics.Name = Name;
    Characteristics.SetOptionsHandler = ClientSetOptions;
    Characteristics.BindAdapterHandlerEx = ClientBindAdapterEx;
    Characteristics.UnbindAdapterHandlerEx = ClientUnbindAdapterEx;
    Characteristics.OpenAdapterCompleteHandlerEx = ClientOpenAdapterCompleteEx;
    Characteristics.CloseAdapterCompleteHandlerEx = ClientCloseAdapterCompleteEx;
    Characteristics.NetPnPEventHandler = ClientNetPnPEvent;
    Characteristics.OidRequestCompleteHandler = ClientOidRequestComplete;
    Characteristics.StatusHandlerEx = ClientStatusEx;
    Characteristics.ReceiveNetBufferListsHandler = ClientReceiveNetBufferLists;
    Characteristics.SendNetBufferListsCompleteHandler = ClientSendNetBufferListsComplete;

    /* Last, because adapters may be bound before this returns. NDIS stores the handle first. */
    Status = NdisRegisterProtocolDriver(NULL, &Characteristics, &ClientProtocolHandle);
    if (Status != NDIS_STATUS_SUCCESS) {
        NdisFreeSpinLock(&ClientLock);
    }
    return Status;
}
