/*
 * client.c - a connection-oriented NDIS 6.20 client: the driver, its bindings and address families.
 *
 * What the client shows: how a protocol becomes a CoNDIS client, hears of address families (AFs) and
 * opens them; how it registers a service access point (SAP), takes the calls that come in on it, and
 * makes a call itself, with a change of its quality of service and with further parties; and how all
 * of that is taken down, which may begin at any moment and for several reasons:
 *
 *   1. the client has done what it wanted to do;
 *   2. its adapter is unbound, in ProtocolUnbindAdapterEx;
 *   3. the call manager asks for it with ProtocolClNotifyCloseAf, because it is about to go away;
 *   4. the other end closes a call.
 *
 * Read client.h first, then DriverEntry and ClientSetOptions at the end of this file, then binding,
 * opening and closing, then run.c and call.c. What the client does is up to the registry: see
 * options.c.
 */

#include "client.h"

/* How long a work item waits before it tries again what was refused, in microseconds. */
#define CLIENT_RETRY_DELAY 10000

NDIS_HANDLE ClientProtocolHandle;
NDIS_SPIN_LOCK ClientLock;
LIST_ENTRY ClientAfs;
ULONG_PTR ClientLastId;

static PDRIVER_OBJECT ClientDriverObject;
/* Under ClientLock: */
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
static IO_WORKITEM_ROUTINE_EX ClientRetryWork;
static IO_WORKITEM_ROUTINE_EX ClientLaterWork;

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

/* Finds an AF of the binding that is open and not being taken down, and has it taken down from now on.
 * The caller gets a reference. */
static PCLIENT_AF ClientTakeOpenAf(PCLIENT_BINDING Binding)
{
    PCLIENT_AF Taken = NULL;
    PLIST_ENTRY Entry;

    NdisAcquireSpinLock(&ClientLock);
    for (Entry = ClientAfs.Flink; Entry != &ClientAfs; Entry = Entry->Flink) {
        PCLIENT_AF Af = CONTAINING_RECORD(Entry, CLIENT_AF, Link);

        if (Af->Binding == Binding && Af->State == ClientAfOpen && !Af->TakeDown) {
            Af->TakeDown = TRUE;
            Af->References++;
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

    /* From here on no AF is opened, and one that is being opened is taken down by whoever learns that
     * it is open. AFs that are being taken down already, for a notification perhaps, go on by
     * themselves. */
    NdisAcquireSpinLock(&ClientLock);
    Binding->Unbinding = TRUE;
    NdisReleaseSpinLock(&ClientLock);
    while ((Af = ClientTakeOpenAf(Binding)) != NULL) {
        ClientRun(Af);
        ClientReleaseAf(Af);
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

static VOID ClientFreeAf(PCLIENT_AF Af)
{
    if (Af->RetryWorkItem != NULL) {
        IoFreeWorkItem(Af->RetryWorkItem);
    }
    if (Af->LaterWorkItem != NULL) {
        IoFreeWorkItem(Af->LaterWorkItem);
    }
    NdisFreeMemory(Af, 0, 0);
}

/* NULL if memory is short or the binding goes away. The caller holds the second reference. */
static PCLIENT_AF ClientCreateAf(PCLIENT_BINDING Binding, NDIS_AF Family)
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
    Af->Tapi = Family == CO_ADDRESS_FAMILY_TAPI || Family == CO_ADDRESS_FAMILY_TAPI_PROXY;
    Af->SapState = Binding->Options.Sap != 0 ? ClientSapNone : ClientSapGone;
    Af->RetryWorkItem = ClientAllocateWorkItem();
    Af->LaterWorkItem = ClientAllocateWorkItem();
    if (Af->RetryWorkItem == NULL || Af->LaterWorkItem == NULL) {
        ClientFreeAf(Af);
        return NULL;
    }

    NdisAcquireSpinLock(&ClientLock);
    Unbinding = Binding->Unbinding;
    if (!Unbinding) {
        Binding->Users++;
        Af->Id = ++ClientLastId;
        InsertTailList(&ClientAfs, &Af->Link);
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Unbinding) {
        ClientFreeAf(Af);
        return NULL;
    }
    return Af;
}

VOID ClientReleaseAf(PCLIENT_AF Af)
{
    PCLIENT_BINDING Binding = Af->Binding;
    BOOLEAN Last;

    NdisAcquireSpinLock(&ClientLock);
    Af->References--;
    Last = Af->References == 0;
    NdisReleaseSpinLock(&ClientLock);
    if (Last) {
        /* Possibly from a work item's own routine, which is allowed. */
        ClientFreeAf(Af);
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

/* Likewise, with a reference for the caller. */
PCLIENT_AF ClientGetAf(NDIS_HANDLE ProtocolAfContext)
{
    PCLIENT_AF Af;

    NdisAcquireSpinLock(&ClientLock);
    Af = ClientFindAf(ProtocolAfContext);
    if (Af != NULL) {
        Af->References++;
    }
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

/* An open is over, either way. After a success this is the place to register SAPs and to make the first
 * call. */
static VOID ClientAfOpened(PCLIENT_AF Af, NDIS_HANDLE NdisAfHandle, NDIS_STATUS Status)
{
    if (Status != NDIS_STATUS_SUCCESS) {
        /* There is no handle, and nothing to close. */
        ClientForgetAf(Af);
        return;
    }

    NdisAcquireSpinLock(&ClientLock);
    Af->NdisAfHandle = NdisAfHandle;
    /* While the open was still under way, the unbind could not close the AF, and neither could a
     * notification that followed on the heels of a synchronous success. */
    if (Af->Binding->Unbinding) {
        Af->TakeDown = TRUE;
    }
    if (!Af->TakeDown && ClientAutoClosed < Af->Binding->Options.AutoClose) {
        ClientAutoClosed++;
        Af->TakeDown = TRUE;
    }
    NdisReleaseSpinLock(&ClientLock);
    ClientStartCalls(Af);
    NdisAcquireSpinLock(&ClientLock);
    Af->State = ClientAfOpen;
    NdisReleaseSpinLock(&ClientLock);
    ClientRun(Af);
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
    Af = ClientCreateAf(Binding, AddressFamily->AddressFamily);
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

    ClientAfOpened(Af, NdisAfHandle, Status);
    ClientReleaseAf(Af);
}

/* --- what happens later ------------------------------------------------------------------------ */

/* Has what was refused tried again, after a while; until then the AF is left alone. The caller holds
 * the lock. */
VOID ClientRetryLater(PCLIENT_AF Af)
{
    if (!Af->Retrying) {
        Af->Retrying = TRUE;
        Af->References++;
        IoQueueWorkItemEx(Af->RetryWorkItem, ClientRetryWork, DelayedWorkQueue, Af);
    }
}

static VOID NTAPI ClientRetryWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCLIENT_AF Af = Context;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    NdisMSleep(CLIENT_RETRY_DELAY);
    NdisAcquireSpinLock(&ClientLock);
    Af->Retrying = FALSE;
    NdisReleaseSpinLock(&ClientLock);
    ClientRun(Af);
    ClientReleaseAf(Af);
}

/* Has offered calls answered, or a notification completed, by the work item. The caller holds the
 * lock. */
VOID ClientDoLater(PCLIENT_AF Af)
{
    if (!Af->LaterQueued) {
        Af->LaterQueued = TRUE;
        Af->References++;
        IoQueueWorkItemEx(Af->LaterWorkItem, ClientLaterWork, DelayedWorkQueue, Af);
    }
}

static VOID NTAPI ClientLaterWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCLIENT_AF Af = Context;
    BOOLEAN Notify;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    NdisAcquireSpinLock(&ClientLock);
    Af->LaterQueued = FALSE;
    ClientAnswerCalls(Af);
    Notify = Af->NotifyPending && Af->State == ClientAfClosed;
    if (Notify) {
        Af->NotifyPending = FALSE;
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Notify) {
        NdisClNotifyCloseAddressFamilyComplete(Af->NdisAfHandle, NDIS_STATUS_SUCCESS);
    }
    ClientRun(Af);
    ClientReleaseAf(Af);
}

/* --- closing an address family ----------------------------------------------------------------- */

/*
 * One attempt to close is over. If it was for a notification, the completion of that tells the call
 * manager, and takes the AF handle: the only use that is still allowed.
 *
 * A call manager may refuse with NDIS_STATUS_NOT_ACCEPTED while it is busy, and so does NDIS, with
 * NDIS_STATUS_FAILURE, if a call was offered at the last moment. The AF is then open as before, its
 * handle valid again, and the attempt has to be repeated. NDIS_STATUS_NOT_ACCEPTED counts as a
 * success for NT_SUCCESS(), so that macro is no use here.
 */
static VOID ClientCloseAfEnded(PCLIENT_AF Af, NDIS_STATUS Status)
{
    BOOLEAN Notify = FALSE;

    NdisAcquireSpinLock(&ClientLock);
    if (Status == NDIS_STATUS_SUCCESS) {
        /* In one step with leaving the list: a notification that is looking for the AF either has set
         * NotifyPending, or finds no AF. */
        RemoveEntryList(&Af->Link);
        Af->State = ClientAfClosed;
        Notify = Af->NotifyPending && !Af->Notifying;
        if (Notify) {
            Af->NotifyPending = FALSE;
        }
    } else {
        Af->State = ClientAfOpen;
        ClientRetryLater(Af);
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Notify) {
        NdisClNotifyCloseAddressFamilyComplete(Af->NdisAfHandle, NDIS_STATUS_SUCCESS);
    }
    if (Status == NDIS_STATUS_SUCCESS) {
        ClientReleaseAf(Af);
    }
}

/* The last step of an AF, from ClientRun: parties, calls, VCs and the SAP are gone. */
VOID ClientCloseAf(PCLIENT_AF Af)
{
    NDIS_STATUS Status;

    Status = NdisClCloseAddressFamily(Af->NdisAfHandle);
    if (Status != NDIS_STATUS_PENDING) {
        ClientCloseAfEnded(Af, Status);
    }
}

static VOID NTAPI ClientClCloseAfComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolAfContext)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolAfContext);

    ClientCloseAfEnded(Af, Status);
    ClientReleaseAf(Af);
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
    NDIS_STATUS Status = NDIS_STATUS_PENDING;
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
    Af->References++;
    Af->NotifyPending = TRUE;
    Af->Notifying = Mode != 2;
    Af->TakeDown = TRUE;
    NdisReleaseSpinLock(&ClientLock);

    ClientRun(Af);

    NdisAcquireSpinLock(&ClientLock);
    Af->Notifying = FALSE;
    if (Af->NotifyPending && Af->State == ClientAfClosed) {
        /* It is closed already, and nobody has completed the notification. */
        if (Mode == 1) {
            Af->NotifyPending = FALSE;
            Status = NDIS_STATUS_SUCCESS;
        } else {
            ClientDoLater(Af);
        }
    }
    NdisReleaseSpinLock(&ClientLock);
    ClientReleaseAf(Af);
    return Status;
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
    Af = ClientGetAf(ProtocolAfContext);
    if (Af != NULL) {
        NdisAcquireSpinLock(&ClientLock);
        Af->TakeDown = TRUE;
        NdisReleaseSpinLock(&ClientLock);
        ClientRun(Af);
        ClientReleaseAf(Af);
    }
    return NDIS_STATUS_SUCCESS;
}

/* --- what this client does not use -------------------------------------------------------------- */

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
    Cl.ClOidRequestHandler = ClientCoOidRequest;
    Cl.ClOidRequestCompleteHandler = ClientCoOidRequestComplete;
    Cl.ClOpenAfCompleteHandlerEx = ClientClOpenAfCompleteEx;
    Cl.ClCloseAfCompleteHandler = ClientClCloseAfComplete;
    Cl.ClNotifyCloseAfHandler = ClientClNotifyCloseAf;
    ClientSetCallHandlers(&Cl);
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
    ClientInitializeCalls();

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
