/*
 * client.h - skeleton of a client. Correct as it stands; a faulty driver replaces one part of it, see
 * samples/bad/README.md. For how a good client is written read samples/good/client. By itself it opens
 * and closes AFs; client_calls.h has what is different for a client with calls.
 *
 * Locking: one spin lock for everything, never held across a call into NDIS that can call back.
 */
#ifndef SKELETON_CLIENT_H
#define SKELETON_CLIENT_H

#include "protocol.h"

#define CLIENT_POOL_TAG 'bLoC'

/* How long before a refused close is tried again, in microseconds. */
#define CLIENT_CLOSE_RETRY_DELAY 10000

typedef struct _CLIENT_BINDING {
    OPEN_ADAPTER Adapter; /* first, see there */
    /* Under the lock: */
    ULONG AfCount;
    BOOLEAN Unbinding;
    NDIS_EVENT Changed; /* set whenever an AF has gone */
} CLIENT_BINDING, *PCLIENT_BINDING;

typedef enum _CLIENT_AF_STATE {
    ClientAfOpening,
    ClientAfOpen,
    ClientAfClosing /* from the decision to close, which only one may make */
} CLIENT_AF_STATE;

#ifdef CLIENT_CALLS
/* How many parties the call that is made has; 0: it is point-to-point. */
#ifndef CLIENT_PARTIES
#define CLIENT_PARTIES 0
#endif

#define CLIENT_ADDRESS 1
#define CLIENT_TAPI_SAP_TYPE 0x8000
#define CLIENT_TAPI_SAP_SIZE 12
#define CLIENT_TAPI_CALL_SIZE 48

/* Call parameters with what they point to. */
typedef struct _CLIENT_PARAMETERS {
    CO_CALL_PARAMETERS Call;
    CO_CALL_MANAGER_PARAMETERS CallMgr;
    union {
        CO_MEDIA_PARAMETERS Media;
        UCHAR MediaStorage[FIELD_OFFSET(CO_MEDIA_PARAMETERS, MediaSpecific.Parameters)
            + CLIENT_TAPI_CALL_SIZE];
    };
} CLIENT_PARAMETERS, *PCLIENT_PARAMETERS;

typedef union _CLIENT_SAP {
    CO_SAP Sap;
    UCHAR Storage[FIELD_OFFSET(CO_SAP, Sap) + CLIENT_TAPI_SAP_SIZE];
} CLIENT_SAP;

/* In each, Busy is from the decision to do something until it has ended. */
typedef enum _CLIENT_SAP_STATE {
    ClientSapNone,
    ClientSapBusy,
    ClientSapRegistered,
    ClientSapGone
} CLIENT_SAP_STATE;

typedef enum _CLIENT_CALL_STATE {
    ClientCallNone,
    ClientCallBusy,
    ClientCallReady, /* ours: there is a VC to make a call on */
    ClientCallUp,
    ClientCallClosed, /* a VC without a call, ours to delete if it is ours */
    ClientCallGone
} CLIENT_CALL_STATE;

typedef enum _CLIENT_PARTY_STATE {
    ClientPartyNone,
    ClientPartyBusy,
    ClientPartyUp,
    ClientPartyGone
} CLIENT_PARTY_STATE;

typedef enum _CLIENT_STEP {
    ClientStepNone,
    ClientStepRegisterSap,
    ClientStepCreateVc,
    ClientStepMakeCall,
    ClientStepAddParty,
    ClientStepDropParty,
    ClientStepCloseCall,
    ClientStepDeleteVc,
    ClientStepDeregisterSap,
    ClientStepCloseAf
} CLIENT_STEP;

typedef struct _CLIENT_PARTY {
    struct _CLIENT_CALL *Call;
    NDIS_HANDLE NdisPartyHandle;
    CLIENT_PARTY_STATE State;
    BOOLEAN DropIndicated; /* it leaves by itself */
    CLIENT_PARAMETERS Parameters;
} CLIENT_PARTY, *PCLIENT_PARTY;

typedef struct _CLIENT_CALL {
    struct _CLIENT_AF *Af;
    NDIS_HANDLE NdisVcHandle;
    BOOLEAN Ours;
    CLIENT_CALL_STATE State;
    BOOLEAN CloseIndicated; /* the other end closes it */
    CLIENT_PARAMETERS Parameters;
    CLIENT_PARTY Parties[2];
} CLIENT_CALL, *PCLIENT_CALL;
#endif

/* One address family (AF). NDIS knows it by its Id, not by a pointer: a notification may be on its way
 * to us while the AF's own close completes on another processor. */
typedef struct _CLIENT_AF {
    LIST_ENTRY Link; /* in ClientAfs as long as it exists */
    ULONG_PTR Id;
    PCLIENT_BINDING Binding;
    NDIS_HANDLE NdisAfHandle;
    CLIENT_AF_STATE State;
    /* A notification has been answered with NDIS_STATUS_PENDING, and is to be completed. */
    BOOLEAN NotifyPending;
    PIO_WORKITEM WorkItem; /* tries a refused close again */
#ifdef CLIENT_CALLS
    BOOLEAN Running; /* a thread is in ClientGoOn */
    BOOLEAN Retrying; /* the work item is under way */
    BOOLEAN CloseBegun;
    CLIENT_SAP_STATE SapState;
    NDIS_HANDLE NdisSapHandle;
    CLIENT_SAP Sap;
    CLIENT_CALL Calls[2]; /* ours, and one that comes in */
#endif
} CLIENT_AF, *PCLIENT_AF;

static NDIS_SPIN_LOCK ClientLock;
/* Under the lock: */
static LIST_ENTRY ClientAfs;
static ULONG_PTR ClientLastAfId;

DRIVER_INITIALIZE DriverEntry;
static PROTOCOL_CL_OPEN_AF_COMPLETE_EX ProtocolClOpenAfCompleteEx;
static PROTOCOL_CL_CLOSE_AF_COMPLETE ProtocolClCloseAfComplete;
static PROTOCOL_CL_NOTIFY_CLOSE_AF ProtocolClNotifyCloseAf;

/* The three steps of an AF's end, each of which a faulty driver may have in a version of its own:
 * closing, what an attempt led to, and what remains to be done once it is closed. */
static VOID ClientCloseAf(PCLIENT_AF Af);
static VOID ClientCloseAttempted(PCLIENT_AF Af, NDIS_STATUS Status);
static VOID ClientAfClosed(PCLIENT_AF Af);

/* What comes before: an AF that is to be closed is taken down first. */
static inline VOID ClientTakeDownAf(PCLIENT_AF Af);

#ifdef CLIENT_CALLS
static VOID ClientRetryLater(PCLIENT_AF Af);
static PCLIENT_AF ClientGetAf(NDIS_HANDLE ProtocolAfContext);
#include "client_calls.h"
#endif

/* --- AFs --------------------------------------------------------------------------------------- */

/* NULL if memory is short or the binding goes away. */
static PCLIENT_AF ClientCreateAf(PCLIENT_BINDING Binding)
{
    PCLIENT_AF Af = NdisAllocateMemoryWithTagPriority(
        ProtocolHandle, sizeof(*Af), CLIENT_POOL_TAG, NormalPoolPriority);
    BOOLEAN Unbinding;

    if (Af == NULL) {
        return NULL;
    }
    NdisZeroMemory(Af, sizeof(*Af));
    Af->Binding = Binding;
#ifdef CLIENT_CALLS
    ClientInitializeCalls(Af);
#endif
    Af->WorkItem = ProtocolAllocateWorkItem();
    if (Af->WorkItem == NULL) {
        NdisFreeMemory(Af, 0, 0);
        return NULL;
    }
    NdisAcquireSpinLock(&ClientLock);
    Unbinding = Binding->Unbinding;
    if (!Unbinding) {
        Binding->AfCount++;
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

/* Of an AF that is in the list no longer. */
static inline VOID ClientFreeAf(PCLIENT_AF Af)
{
    PCLIENT_BINDING Binding = Af->Binding;

    IoFreeWorkItem(Af->WorkItem);
    NdisFreeMemory(Af, 0, 0);
    NdisAcquireSpinLock(&ClientLock);
    Binding->AfCount--;
    /* Under the lock: whoever waits for this frees the binding. */
    NdisSetEvent(&Binding->Changed);
    NdisReleaseSpinLock(&ClientLock);
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

/* For completions: the operation that they complete keeps the AF. */
static PCLIENT_AF ClientGetAf(NDIS_HANDLE ProtocolAfContext)
{
    PCLIENT_AF Af;

    NdisAcquireSpinLock(&ClientLock);
    Af = ClientFindAf(ProtocolAfContext);
    NdisReleaseSpinLock(&ClientLock);
    return Af;
}

/* --- opening ----------------------------------------------------------------------------------- */

/* The AF is open. */
static inline VOID ClientUseAf(PCLIENT_AF Af)
{
#ifdef CLIENT_CALLS
    NdisAcquireSpinLock(&ClientLock);
    ClientGoOn(Af);
#else
    UNREFERENCED_PARAMETER(Af);
#endif
}

/* The caller has put the AF into ClientAfClosing. It may be gone when this returns. */
static inline VOID ClientTakeDownAf(PCLIENT_AF Af)
{
#ifdef CLIENT_CALLS
    NdisAcquireSpinLock(&ClientLock);
    ClientGoOn(Af);
#else
    ClientCloseAf(Af);
#endif
}

static VOID ClientAfOpened(PCLIENT_AF Af, NDIS_HANDLE NdisAfHandle, NDIS_STATUS Status)
{
    BOOLEAN Close = FALSE;

    NdisAcquireSpinLock(&ClientLock);
    if (Status == NDIS_STATUS_SUCCESS) {
        Af->NdisAfHandle = NdisAfHandle;
        /* Neither the unbind nor a notification could close it while the open was under way. */
        Close = Af->Binding->Unbinding || Af->NotifyPending;
        Af->State = Close ? ClientAfClosing : ClientAfOpen;
    } else {
        RemoveEntryList(&Af->Link);
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Status != NDIS_STATUS_SUCCESS) {
        ClientFreeAf(Af);
    } else if (Close) {
        ClientTakeDownAf(Af);
    } else {
        ClientUseAf(Af);
    }
}

#ifndef OWN_PROTOCOL_CO_AF_REGISTER_NOTIFY
static VOID NTAPI ProtocolCoAfRegisterNotify(
    NDIS_HANDLE ProtocolBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;
    PCLIENT_AF Af = ClientCreateAf(Binding);
    NDIS_HANDLE NdisAfHandle;
    NDIS_STATUS Status;

    if (Af == NULL) {
        return;
    }
    Status = NdisClOpenAddressFamilyEx(
        Binding->Adapter.NdisBindingHandle, AddressFamily, (NDIS_HANDLE)Af->Id, &NdisAfHandle);
    if (Status != NDIS_STATUS_PENDING) {
        ClientAfOpened(Af, NdisAfHandle, Status);
    }
}
#endif

static VOID NTAPI ProtocolClOpenAfCompleteEx(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisAfHandle,
    NDIS_STATUS Status)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolAfContext);

    if (Af != NULL) {
        ClientAfOpened(Af, NdisAfHandle, Status);
    }
}

/* --- closing ----------------------------------------------------------------------------------- */

#ifndef OWN_CLIENT_AF_CLOSED
static VOID ClientAfClosed(PCLIENT_AF Af)
{
    BOOLEAN Notify;

    /* In one step: a notification that looks for the AF has set NotifyPending, or finds no AF. */
    NdisAcquireSpinLock(&ClientLock);
    RemoveEntryList(&Af->Link);
    Notify = Af->NotifyPending;
    NdisReleaseSpinLock(&ClientLock);
    if (Notify) {
        /* The one use of the handle that is left after the close. */
        NdisClNotifyCloseAddressFamilyComplete(Af->NdisAfHandle, NDIS_STATUS_SUCCESS);
    }
    ClientFreeAf(Af);
}
#endif

static VOID NTAPI ClientRetryCloseWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    NdisMSleep(CLIENT_CLOSE_RETRY_DELAY);
#ifdef CLIENT_CALLS
    PCLIENT_AF Af = Context;

    NdisAcquireSpinLock(&ClientLock);
    Af->Retrying = FALSE;
    Af->CloseBegun = FALSE;
    ClientGoOn(Af);
#else
    ClientCloseAf(Context);
#endif
}

#ifdef CLIENT_CALLS
/* Tries again what was refused. The caller holds the lock. */
static VOID ClientRetryLater(PCLIENT_AF Af)
{
    if (!Af->Retrying) {
        Af->Retrying = TRUE;
        IoQueueWorkItemEx(Af->WorkItem, ClientRetryCloseWork, DelayedWorkQueue, Af);
    }
}
#endif

/* A call manager that is busy may refuse; the AF is then open as before. */
static VOID ClientCloseAttempted(PCLIENT_AF Af, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        ClientAfClosed(Af);
    } else {
        IoQueueWorkItemEx(Af->WorkItem, ClientRetryCloseWork, DelayedWorkQueue, Af);
    }
}

#ifndef OWN_CLIENT_CLOSE_AF
/* The caller has put the AF into ClientAfClosing. It may be gone when this returns. */
static VOID ClientCloseAf(PCLIENT_AF Af)
{
    NDIS_STATUS Status = NdisClCloseAddressFamily(Af->NdisAfHandle);

    if (Status != NDIS_STATUS_PENDING) {
        ClientCloseAttempted(Af, Status);
    }
}
#endif

#ifndef OWN_PROTOCOL_CL_CLOSE_AF_COMPLETE
static VOID NTAPI ProtocolClCloseAfComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolAfContext)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolAfContext);

    if (Af != NULL) {
        ClientCloseAttempted(Af, Status);
    }
}
#endif

#ifndef OWN_PROTOCOL_CL_NOTIFY_CLOSE_AF
/* The call manager goes away. ClientAfClosed completes this, possibly before we return. */
static NDIS_STATUS NTAPI ProtocolClNotifyCloseAf(NDIS_HANDLE ClientAfContext)
{
    BOOLEAN Close = FALSE;
    PCLIENT_AF Af;

    NdisAcquireSpinLock(&ClientLock);
    Af = ClientFindAf(ClientAfContext);
    if (Af != NULL) {
        Af->NotifyPending = TRUE;
        Close = Af->State == ClientAfOpen;
        if (Close) {
            Af->State = ClientAfClosing;
        }
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Af == NULL) {
        return NDIS_STATUS_SUCCESS; /* our own close was faster */
    }
    if (Close) {
        ClientTakeDownAf(Af);
    }
    return NDIS_STATUS_PENDING;
}
#endif

/* --- binding ----------------------------------------------------------------------------------- */

static NDIS_STATUS NTAPI ProtocolBindAdapterEx(
    NDIS_HANDLE ProtocolDriverContext,
    NDIS_HANDLE BindContext,
    PNDIS_BIND_PARAMETERS BindParameters)
{
    PCLIENT_BINDING Binding;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(ProtocolDriverContext);
    Binding = NdisAllocateMemoryWithTagPriority(
        ProtocolHandle, sizeof(*Binding), CLIENT_POOL_TAG, NormalPoolPriority);
    if (Binding == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    NdisZeroMemory(Binding, sizeof(*Binding));
    NdisInitializeEvent(&Binding->Changed);
    Status = OpenAdapter(&Binding->Adapter, BindContext, BindParameters);
    if (Status != NDIS_STATUS_SUCCESS) {
        NdisFreeMemory(Binding, 0, 0);
    }
    return Status;
}

/* From here on no AF is opened. Closes each one that nobody closes already, and waits for all. */
static inline VOID ClientCloseAfs(PCLIENT_BINDING Binding)
{
    for (;;) {
        PCLIENT_AF Open = NULL;
        PLIST_ENTRY Entry;
        BOOLEAN Idle;

        /* Before looking, so that a change after the look is not lost. */
        NdisResetEvent(&Binding->Changed);
        NdisAcquireSpinLock(&ClientLock);
        Binding->Unbinding = TRUE;
        for (Entry = ClientAfs.Flink; Open == NULL && Entry != &ClientAfs; Entry = Entry->Flink) {
            PCLIENT_AF Af = CONTAINING_RECORD(Entry, CLIENT_AF, Link);

            if (Af->Binding == Binding && Af->State == ClientAfOpen) {
                Af->State = ClientAfClosing;
                Open = Af;
            }
        }
        Idle = Binding->AfCount == 0;
        NdisReleaseSpinLock(&ClientLock);
        if (Open != NULL) {
            ClientTakeDownAf(Open);
        } else if (Idle) {
            return;
        } else {
            NdisWaitEvent(&Binding->Changed, 0);
        }
    }
}

#ifndef OWN_PROTOCOL_UNBIND_ADAPTER_EX
static NDIS_STATUS NTAPI ProtocolUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;

    UNREFERENCED_PARAMETER(UnbindContext);
    ClientCloseAfs(Binding);
    CloseAdapter(&Binding->Adapter);
    NdisFreeMemory(Binding, 0, 0);
    return NDIS_STATUS_SUCCESS;
}
#endif

/* --- not used: every handler has to be there --------------------------------------------------- */

#ifndef CLIENT_CALLS
static NDIS_STATUS NTAPI ProtocolCoCreateVc(NDIS_HANDLE, NDIS_HANDLE, PNDIS_HANDLE)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI ProtocolCoDeleteVc(NDIS_HANDLE)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}
#endif

/* OID_CO_AF_CLOSE is the older form of the notification, and the one request that a client must know.
 * It asks only that the closing begins. */
static NDIS_STATUS NTAPI ProtocolCoOidRequest(
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
    NdisAcquireSpinLock(&ClientLock);
    Af = ClientFindAf(ProtocolAfContext);
    if (Af != NULL && Af->State == ClientAfOpen) {
        Af->State = ClientAfClosing;
    } else {
        Af = NULL;
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Af != NULL) {
        ClientTakeDownAf(Af);
    }
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI ProtocolCoOidRequestComplete(
    NDIS_HANDLE, NDIS_HANDLE, NDIS_HANDLE, PNDIS_OID_REQUEST, NDIS_STATUS)
{
}

static VOID NTAPI ProtocolClModifyCallQoSComplete(NDIS_STATUS, NDIS_HANDLE, PCO_CALL_PARAMETERS)
{
}

static VOID NTAPI ProtocolClIncomingCallQoSChange(NDIS_HANDLE, PCO_CALL_PARAMETERS)
{
}

#ifndef CLIENT_CALLS
static VOID NTAPI ProtocolClRegisterSapComplete(NDIS_STATUS, NDIS_HANDLE, PCO_SAP, NDIS_HANDLE)
{
}

static VOID NTAPI ProtocolClDeregisterSapComplete(NDIS_STATUS, NDIS_HANDLE)
{
}

static VOID NTAPI ProtocolClMakeCallComplete(
    NDIS_STATUS, NDIS_HANDLE, NDIS_HANDLE, PCO_CALL_PARAMETERS)
{
}

static VOID NTAPI ProtocolClCloseCallComplete(NDIS_STATUS, NDIS_HANDLE, NDIS_HANDLE)
{
}

static VOID NTAPI ProtocolClAddPartyComplete(
    NDIS_STATUS, NDIS_HANDLE, NDIS_HANDLE, PCO_CALL_PARAMETERS)
{
}

static VOID NTAPI ProtocolClDropPartyComplete(NDIS_STATUS, NDIS_HANDLE)
{
}

static NDIS_STATUS NTAPI ProtocolClIncomingCall(NDIS_HANDLE, NDIS_HANDLE, PCO_CALL_PARAMETERS)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI ProtocolClIncomingCloseCall(NDIS_STATUS, NDIS_HANDLE, PVOID, UINT)
{
}

static VOID NTAPI ProtocolClIncomingDropParty(NDIS_STATUS, NDIS_HANDLE, PVOID, UINT)
{
}

static VOID NTAPI ProtocolClCallConnected(NDIS_HANDLE)
{
}
#endif

/* --- registration ------------------------------------------------------------------------------ */

static NDIS_CO_CLIENT_OPTIONAL_HANDLERS ClientHandlers = {
    .Header = {
        NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS,
        NDIS_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1,
        NDIS_SIZEOF_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1,
    },
    .ClCreateVcHandler = ProtocolCoCreateVc,
    .ClDeleteVcHandler = ProtocolCoDeleteVc,
    .ClOidRequestHandler = ProtocolCoOidRequest,
    .ClOidRequestCompleteHandler = ProtocolCoOidRequestComplete,
    .ClOpenAfCompleteHandlerEx = ProtocolClOpenAfCompleteEx,
    .ClCloseAfCompleteHandler = ProtocolClCloseAfComplete,
    .ClRegisterSapCompleteHandler = ProtocolClRegisterSapComplete,
    .ClDeregisterSapCompleteHandler = ProtocolClDeregisterSapComplete,
    .ClMakeCallCompleteHandler = ProtocolClMakeCallComplete,
    .ClModifyCallQoSCompleteHandler = ProtocolClModifyCallQoSComplete,
    .ClCloseCallCompleteHandler = ProtocolClCloseCallComplete,
    .ClAddPartyCompleteHandler = ProtocolClAddPartyComplete,
    .ClDropPartyCompleteHandler = ProtocolClDropPartyComplete,
    .ClIncomingCallHandler = ProtocolClIncomingCall,
    .ClIncomingCallQoSChangeHandler = ProtocolClIncomingCallQoSChange,
    .ClIncomingCloseCallHandler = ProtocolClIncomingCloseCall,
    .ClIncomingDropPartyHandler = ProtocolClIncomingDropParty,
    .ClCallConnectedHandler = ProtocolClCallConnected,
    .ClNotifyCloseAfHandler = ProtocolClNotifyCloseAf,
};

#ifndef OWN_PROTOCOL_SET_OPTIONS
static NDIS_STATUS NTAPI ProtocolSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    NDIS_STATUS Status = NdisSetOptionalHandlers(NdisDriverHandle, &ProtocolCoHandlers.Header);

    UNREFERENCED_PARAMETER(DriverContext);
    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisSetOptionalHandlers(NdisDriverHandle, &ClientHandlers.Header);
    }
    return Status;
}
#endif

#ifndef OWN_UNLOAD
static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisDeregisterProtocolDriver(ProtocolHandle);
    NdisFreeSpinLock(&ClientLock);
}
#endif

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_STRING Name = NDIS_STRING_CONST("BADCLIENT");

    UNREFERENCED_PARAMETER(RegistryPath);
    NdisAllocateSpinLock(&ClientLock);
    InitializeListHead(&ClientAfs);
    return RegisterProtocol(DriverObject, Name);
}

#endif /* SKELETON_CLIENT_H */
