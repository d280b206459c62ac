/* Part of condis: connection-oriented NDIS outside Windows. MIT OR Apache-2.0. */
/*
 * lanmcm: a miniport call manager with two address families on its adapter, Q.2931 and TAPI proxy.
 *
 * - An open is always pended. A one-shot timer of the adapter completes it some milliseconds later, at
 *   DISPATCH_LEVEL, as if the signalling of the network had to be asked first.
 * - A close is always pended. A work item of the adapter completes it.
 * - Clients are told to close by NdisMCmNotifyCloseAddressFamily, from MiniportDevicePnPEventNotify when
 *   the device was torn out, and from MiniportHaltEx, which waits until the last of them is gone.
 *
 * All opened families of all adapters stand in one list under one lock, which is never held during a
 * call into NDIS. Everything that has to happen to a family is decided by looking at its state:
 *
 *   OpenPending --(timer)--> OpenAnswered --(the call returned)--> Open --(ProtocolCmCloseAf)--> Closing
 *
 * A close may come as soon as OpenAnswered, even before NdisMCmOpenAddressFamilyComplete has returned.
 * The handle of a family is dead once NdisMCmCloseAddressFamilyComplete returns, so this call is made when
 * no other call with the handle is under way (Calls), by whoever ends the last one through the work item.
 * A notification may be completed only after that, so its context lives longer than its handle
 * (References).
 */
#include <ndis.h>

/* The header has no connectionless sends; a miniport must have a handler for them all the same. */
NDISEXPORT VOID NTAPI NdisMSendNetBufferListsComplete(
    NDIS_HANDLE MiniportAdapterHandle,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendCompleteFlags);

#define LAN_TAG 'mnaL'

/* How long the "network" takes for an open: 5 ms, in units of 100 ns. */
#define LAN_OPEN_DELAY (5 * 10000)

/* In bits per second. */
#define LAN_SPEED 155520000

typedef struct _LAN_ADAPTER {
    NDIS_HANDLE Handle;
    NDIS_HANDLE Timer;
    NDIS_HANDLE WorkItem;
    /* No new opens: the device is gone or the adapter halts. */
    BOOLEAN Stopping;
    /* The device is gone: what still comes is answered with NDIS_STATUS_NOT_ACCEPTED. */
    BOOLEAN Removed;
    BOOLEAN TimerSet;
    BOOLEAN WorkQueued;
    /* One for the initialised adapter, one for each family in the list, one for the timer while it is set
     * or runs, one for each run of the work item. At zero the halt may go on. */
    LONG Busy;
    NDIS_EVENT Idle;
} LAN_ADAPTER, *PLAN_ADAPTER;

typedef enum _LAN_STATE {
    OpenPending,
    OpenAnswered,
    Open,
    Closing,
    Closed
} LAN_STATE;

typedef enum _LAN_NOTICE {
    NotTold,
    /* The client has been told, or has answered. */
    Told,
    /* The client would not. MiniportHaltEx asks once more. */
    Refused
} LAN_NOTICE;

/* A family as one client has opened it. */
typedef struct _LAN_FAMILY {
    LIST_ENTRY Link;
    PLAN_ADAPTER Adapter;
    NDIS_HANDLE Handle;
    LAN_STATE State;
    LAN_NOTICE Notice;
    /* Calls with Handle that have not returned. */
    ULONG Calls;
    /* One until the close is completed, one for each of Calls, one for a pending notification. */
    ULONG References;
} LAN_FAMILY, *PLAN_FAMILY;

static NDIS_SPIN_LOCK LanLock;
static LIST_ENTRY LanFamilies;
static NDIS_HANDLE LanDriver;

static const CO_ADDRESS_FAMILY LanOffered[] = {
    { CO_ADDRESS_FAMILY_Q2931, 3, 1 },
    { CO_ADDRESS_FAMILY_TAPI_PROXY, 2, 0 },
};
#define LAN_OFFERED_COUNT (sizeof(LanOffered) / sizeof(LanOffered[0]))

static NDIS_IO_WORKITEM_FUNCTION LanWork;

/* --- lifetimes ----------------------------------------------------------------------------------- */

/* The adapter may be gone on return. */
static VOID LanDropBusy(PLAN_ADAPTER Adapter)
{
    BOOLEAN idle;

    NdisAcquireSpinLock(&LanLock);
    idle = --Adapter->Busy == 0;
    NdisReleaseSpinLock(&LanLock);
    if (idle) {
        /* The halt waits for this, so the adapter is there until the event is set. */
        NdisSetEvent(&Adapter->Idle);
    }
}

/* Takes references off a family, and frees it with the last one. */
static VOID LanRelease(PLAN_FAMILY Family, ULONG References)
{
    PLAN_ADAPTER adapter = Family->Adapter;
    BOOLEAN last;

    NdisAcquireSpinLock(&LanLock);
    Family->References -= References;
    last = Family->References == 0;
    if (last) {
        RemoveEntryList(&Family->Link);
    }
    NdisReleaseSpinLock(&LanLock);
    if (last) {
        NdisFreeMemory(Family, 0, 0);
        LanDropBusy(adapter);
    }
}

/* Has LanWork run soon. IRQL <= DISPATCH_LEVEL. The caller makes sure that the adapter stays. */
static VOID LanQueueWork(PLAN_ADAPTER Adapter)
{
    BOOLEAN queue;

    NdisAcquireSpinLock(&LanLock);
    queue = !Adapter->WorkQueued;
    if (queue) {
        Adapter->WorkQueued = TRUE;
        Adapter->Busy++;
    }
    NdisReleaseSpinLock(&LanLock);
    if (queue) {
        NdisQueueIoWorkItem(Adapter->WorkItem, LanWork, Adapter);
    }
}

/* Ends a call that was made with the handle of a family, and drops what the call has kept. */
static VOID LanEndCall(PLAN_FAMILY Family, ULONG References)
{
    BOOLEAN work;

    NdisAcquireSpinLock(&LanLock);
    if (Family->State == OpenAnswered) {
        Family->State = Open;
    }
    Family->Calls--;
    /* A close that waits for the handle to be free; a removal that could not tell the client yet. */
    work = Family->Calls == 0
        && (Family->State == Closing || (Family->State == Open && Family->Adapter->Stopping));
    NdisReleaseSpinLock(&LanLock);
    if (work) {
        LanQueueWork(Family->Adapter);
    }
    LanRelease(Family, References);
}

/* --- what happens to opened families ------------------------------------------------------------- */

/* Answers every open that waits. From the timer, or from the halt in its place. */
static VOID LanAnswerOpens(PLAN_ADAPTER Adapter)
{
    for (;;) {
        PLAN_FAMILY family = NULL;
        NDIS_HANDLE handle;
        BOOLEAN refuse;
        PLIST_ENTRY link;

        NdisAcquireSpinLock(&LanLock);
        refuse = Adapter->Stopping;
        for (link = LanFamilies.Flink; link != &LanFamilies; link = link->Flink) {
            PLAN_FAMILY candidate = CONTAINING_RECORD(link, LAN_FAMILY, Link);
            if (candidate->Adapter == Adapter && candidate->State == OpenPending) {
                family = candidate;
                break;
            }
        }
        if (family == NULL) {
            Adapter->TimerSet = FALSE;
            NdisReleaseSpinLock(&LanLock);
            return;
        }
        handle = family->Handle;
        if (refuse) {
            RemoveEntryList(&family->Link);
        } else {
            family->State = OpenAnswered;
            family->Calls++;
            family->References++;
        }
        NdisReleaseSpinLock(&LanLock);

        if (refuse) {
            /* The context is released before the failure is reported (NdisMCmOpenAddressFamilyComplete). */
            NdisFreeMemory(family, 0, 0);
            NdisMCmOpenAddressFamilyComplete(NDIS_STATUS_CLOSING, handle, NULL);
            LanDropBusy(Adapter);
        } else {
            NdisMCmOpenAddressFamilyComplete(NDIS_STATUS_SUCCESS, handle, family);
            LanEndCall(family, 1);
        }
    }
}

static VOID NTAPI LanTimer(PVOID Specific1, PVOID Context, PVOID Specific2, PVOID Specific3)
{
    PLAN_ADAPTER adapter = Context;

    UNREFERENCED_PARAMETER(Specific1);
    UNREFERENCED_PARAMETER(Specific2);
    UNREFERENCED_PARAMETER(Specific3);
    LanAnswerOpens(adapter);
    LanDropBusy(adapter);
}

/* Tells one client to close, at PASSIVE_LEVEL. The caller has counted the call and two references. */
static VOID LanTell(PLAN_FAMILY Family)
{
    NDIS_STATUS status = NdisMCmNotifyCloseAddressFamily(Family->Handle);

    if (status == NDIS_STATUS_PENDING) {
        /* The second reference is for ProtocolCmNotifyCloseAfComplete, which may have been here. */
        LanEndCall(Family, 1);
        return;
    }
    if (status != NDIS_STATUS_SUCCESS) {
        NdisAcquireSpinLock(&LanLock);
        Family->Notice = Refused;
        NdisReleaseSpinLock(&LanLock);
    }
    LanEndCall(Family, 2);
}

/*
 * Does what there is to do for the families of an adapter at PASSIVE_LEVEL: completes closes whose handle
 * is free, and tells clients to close if the adapter is stopping. Each step is claimed under the lock, so
 * that the work item, a removal and the halt may be in here at the same time.
 */
static VOID LanServe(PLAN_ADAPTER Adapter)
{
    for (;;) {
        PLAN_FAMILY close = NULL;
        PLAN_FAMILY tell = NULL;
        PLIST_ENTRY link;

        NdisAcquireSpinLock(&LanLock);
        for (link = LanFamilies.Flink; link != &LanFamilies; link = link->Flink) {
            PLAN_FAMILY family = CONTAINING_RECORD(link, LAN_FAMILY, Link);
            if (family->Adapter != Adapter) {
                continue;
            }
            if (family->State == Closing && family->Calls == 0) {
                family->State = Closed;
                close = family;
                break;
            }
            if (family->State == Open && family->Notice == NotTold && Adapter->Stopping) {
                family->Notice = Told;
                family->Calls++;
                family->References += 2;
                tell = family;
                break;
            }
        }
        NdisReleaseSpinLock(&LanLock);

        if (close != NULL) {
            NdisMCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, close->Handle);
            LanRelease(close, 1);
        } else if (tell != NULL) {
            LanTell(tell);
        } else {
            return;
        }
    }
}

static VOID NTAPI LanWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    PLAN_ADAPTER adapter = WorkItemContext;

    UNREFERENCED_PARAMETER(NdisIoWorkItemHandle);
    /* First: what comes up from here on may need another run. */
    NdisAcquireSpinLock(&LanLock);
    adapter->WorkQueued = FALSE;
    NdisReleaseSpinLock(&LanLock);
    LanServe(adapter);
    LanDropBusy(adapter);
}

/* --- the call manager ---------------------------------------------------------------------------- */

static NDIS_STATUS NTAPI LanCmOpenAf(
    NDIS_HANDLE CallMgrBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily,
    NDIS_HANDLE NdisAfHandle,
    PNDIS_HANDLE CallMgrAfContext)
{
    PLAN_ADAPTER adapter = CallMgrBindingContext;
    PLAN_FAMILY family;
    LARGE_INTEGER due;
    BOOLEAN set;
    ULONG i;

    for (i = 0; i < LAN_OFFERED_COUNT; i++) {
        if (AddressFamily->AddressFamily == LanOffered[i].AddressFamily
            && AddressFamily->MajorVersion == LanOffered[i].MajorVersion) {
            break;
        }
    }
    if (i == LAN_OFFERED_COUNT) {
        return NDIS_STATUS_BAD_VERSION;
    }
    family = NdisAllocateMemoryWithTagPriority(
        adapter->Handle, sizeof(*family), LAN_TAG, NormalPoolPriority);
    if (family == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    NdisZeroMemory(family, sizeof(*family));
    family->Adapter = adapter;
    family->Handle = NdisAfHandle;
    family->State = OpenPending;
    family->References = 1;
    /* Before the family can be found: from then on it may be completed, closed and freed. */
    *CallMgrAfContext = family;

    NdisAcquireSpinLock(&LanLock);
    if (adapter->Stopping) {
        NdisReleaseSpinLock(&LanLock);
        NdisFreeMemory(family, 0, 0);
        return NDIS_STATUS_CLOSING;
    }
    InsertTailList(&LanFamilies, &family->Link);
    adapter->Busy++;
    set = !adapter->TimerSet;
    if (set) {
        adapter->TimerSet = TRUE;
        adapter->Busy++;
    }
    NdisReleaseSpinLock(&LanLock);
    if (set) {
        due.QuadPart = -(LONGLONG)LAN_OPEN_DELAY;
        NdisSetTimerObject(adapter->Timer, due, 0, NULL);
    }
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS NTAPI LanCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PLAN_FAMILY family = CallMgrAfContext;
    PLAN_ADAPTER adapter = family->Adapter;

    NdisAcquireSpinLock(&LanLock);
    family->State = Closing;
    /* Keeps the adapter until the work is queued: the family may be gone before. */
    adapter->Busy++;
    NdisReleaseSpinLock(&LanLock);
    LanQueueWork(adapter);
    LanDropBusy(adapter);
    return NDIS_STATUS_PENDING;
}

static VOID NTAPI LanCmNotifyCloseAfComplete(NDIS_HANDLE CallMgrAfContext, NDIS_STATUS Status)
{
    PLAN_FAMILY family = CallMgrAfContext;

    if (Status != NDIS_STATUS_SUCCESS) {
        NdisAcquireSpinLock(&LanLock);
        family->Notice = Refused;
        NdisReleaseSpinLock(&LanLock);
    }
    LanRelease(family, 1);
}

/* --- the adapter --------------------------------------------------------------------------------- */

/* Undoes LanInitializeEx as far as it got. */
static VOID LanFreeAdapter(PLAN_ADAPTER Adapter)
{
    if (Adapter->WorkItem != NULL) {
        NdisFreeIoWorkItem(Adapter->WorkItem);
    }
    if (Adapter->Timer != NULL) {
        NdisFreeTimerObject(Adapter->Timer);
    }
    NdisFreeMemory(Adapter, 0, 0);
}

static NDIS_STATUS LanSetAttributes(PLAN_ADAPTER Adapter)
{
    static NDIS_OID oids[] = { OID_GEN_CO_SUPPORTED_LIST };
    NDIS_MINIPORT_ADAPTER_ATTRIBUTES registration = { .RegistrationAttributes = {
        .Header = { NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
            NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1,
            NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1 },
        .MiniportAdapterContext = Adapter,
        .AttributeFlags = NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK,
        .InterfaceType = NdisInterfaceInternal,
    } };
    NDIS_PM_CAPABILITIES power = {
        .Header = { NDIS_OBJECT_TYPE_DEFAULT, NDIS_PM_CAPABILITIES_REVISION_1,
            NDIS_SIZEOF_NDIS_PM_CAPABILITIES_REVISION_1 },
    };
    NDIS_MINIPORT_ADAPTER_ATTRIBUTES general = { .GeneralAttributes = {
        .Header = { NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
            NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
            NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2 },
        .MediaType = NdisMediumCoWan,
        .PhysicalMediumType = NdisPhysicalMediumUnspecified,
        .MtuSize = 1500,
        .MaxXmitLinkSpeed = LAN_SPEED,
        .XmitLinkSpeed = LAN_SPEED,
        .MaxRcvLinkSpeed = LAN_SPEED,
        .RcvLinkSpeed = LAN_SPEED,
        .MediaConnectState = MediaConnectStateConnected,
        .MediaDuplexState = MediaDuplexStateFull,
        .LookaheadSize = 1500,
        .AccessType = NET_IF_ACCESS_POINT_TO_POINT,
        .DirectionType = NET_IF_DIRECTION_SENDRECEIVE,
        .ConnectionType = NET_IF_CONNECTION_DEMAND,
        .IfType = IF_TYPE_OTHER,
        .SupportedOidList = oids,
        .SupportedOidListLength = sizeof(oids),
        .PowerManagementCapabilitiesEx = &power,
    } };
    NDIS_STATUS status;

    status = NdisMSetMiniportAttributes(Adapter->Handle, &registration);
    if (status == NDIS_STATUS_SUCCESS) {
        status = NdisMSetMiniportAttributes(Adapter->Handle, &general);
    }
    return status;
}

static NDIS_STATUS NTAPI LanInitializeEx(
    NDIS_HANDLE NdisMiniportHandle,
    NDIS_HANDLE MiniportDriverContext,
    PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters)
{
    NDIS_TIMER_CHARACTERISTICS timer = {
        .Header = { NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS,
            NDIS_TIMER_CHARACTERISTICS_REVISION_1,
            NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1 },
        .AllocationTag = LAN_TAG,
        .TimerFunction = LanTimer,
    };
    PLAN_ADAPTER adapter;
    NDIS_STATUS status;
    ULONG i;

    UNREFERENCED_PARAMETER(MiniportDriverContext);
    UNREFERENCED_PARAMETER(MiniportInitParameters);
    adapter = NdisAllocateMemoryWithTagPriority(
        NdisMiniportHandle, sizeof(*adapter), LAN_TAG, NormalPoolPriority);
    if (adapter == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    NdisZeroMemory(adapter, sizeof(*adapter));
    adapter->Handle = NdisMiniportHandle;
    adapter->Busy = 1;
    NdisInitializeEvent(&adapter->Idle);
    status = LanSetAttributes(adapter);
    if (status != NDIS_STATUS_SUCCESS) {
        LanFreeAdapter(adapter);
        return status;
    }

    timer.FunctionContext = adapter;
    status = NdisAllocateTimerObject(NdisMiniportHandle, &timer, &adapter->Timer);
    if (status == NDIS_STATUS_SUCCESS) {
        adapter->WorkItem = NdisAllocateIoWorkItem(NdisMiniportHandle);
        if (adapter->WorkItem == NULL) {
            status = NDIS_STATUS_RESOURCES;
        }
    }
    /* Last, when opens can be served. */
    for (i = 0; i < LAN_OFFERED_COUNT && status == NDIS_STATUS_SUCCESS; i++) {
        CO_ADDRESS_FAMILY family = LanOffered[i];
        status = NdisMCmRegisterAddressFamilyEx(NdisMiniportHandle, &family);
    }
    if (status != NDIS_STATUS_SUCCESS) {
        LanFreeAdapter(adapter);
    }
    return status;
}

static VOID NTAPI LanHaltEx(NDIS_HANDLE MiniportAdapterContext, NDIS_HALT_ACTION HaltAction)
{
    PLAN_ADAPTER adapter = MiniportAdapterContext;
    PLIST_ENTRY link;

    UNREFERENCED_PARAMETER(HaltAction);
    NdisAcquireSpinLock(&LanLock);
    adapter->Stopping = TRUE;
    for (link = LanFamilies.Flink; link != &LanFamilies; link = link->Flink) {
        PLAN_FAMILY family = CONTAINING_RECORD(link, LAN_FAMILY, Link);
        if (family->Adapter == adapter && family->Notice == Refused) {
            family->Notice = NotTold;
        }
    }
    NdisReleaseSpinLock(&LanLock);

    if (NdisCancelTimerObject(adapter->Timer)) {
        /* It will not fire, so its work, which is now to refuse, and its count are ours. */
        LanAnswerOpens(adapter);
        LanDropBusy(adapter);
    }
    LanServe(adapter);
    /* Until the timer's function and the work item are through and the last client is gone. */
    LanDropBusy(adapter);
    NdisWaitEvent(&adapter->Idle, 0);
    LanFreeAdapter(adapter);
}

static VOID NTAPI LanDevicePnPEventNotify(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_DEVICE_PNP_EVENT NetDevicePnPEvent)
{
    PLAN_ADAPTER adapter = MiniportAdapterContext;

    if (NetDevicePnPEvent->DevicePnPEvent == NdisDevicePnPEventSurpriseRemoved) {
        NdisAcquireSpinLock(&LanLock);
        adapter->Removed = TRUE;
        adapter->Stopping = TRUE;
        NdisReleaseSpinLock(&LanLock);
        /* Opens that wait are refused by the timer. Nobody waits here: the halt will. */
        LanServe(adapter);
    }
}

static VOID NTAPI LanSendNetBufferLists(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_BUFFER_LIST NetBufferLists,
    NDIS_PORT_NUMBER PortNumber,
    ULONG SendFlags)
{
    PLAN_ADAPTER adapter = MiniportAdapterContext;
    PNET_BUFFER_LIST list;

    UNREFERENCED_PARAMETER(PortNumber);
    UNREFERENCED_PARAMETER(SendFlags);
    for (list = NetBufferLists; list != NULL; list = list->Next) {
        list->Status = adapter->Removed ? NDIS_STATUS_NOT_ACCEPTED : NDIS_STATUS_NOT_SUPPORTED;
    }
    NdisMSendNetBufferListsComplete(adapter->Handle, NetBufferLists, 0);
}

static NDIS_STATUS NTAPI LanCoOidRequest(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE MiniportVcContext,
    PNDIS_OID_REQUEST OidRequest)
{
    PLAN_ADAPTER adapter = MiniportAdapterContext;

    UNREFERENCED_PARAMETER(MiniportVcContext);
    UNREFERENCED_PARAMETER(OidRequest);
    return adapter->Removed ? NDIS_STATUS_NOT_ACCEPTED : NDIS_STATUS_NOT_SUPPORTED;
}

/* --- handlers that must exist but have nothing to do: no SAPs, no VCs, no calls, no data --------- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

static NDIS_STATUS NTAPI LanPause(NDIS_HANDLE Adapter, PNDIS_MINIPORT_PAUSE_PARAMETERS Parameters)
{ return NDIS_STATUS_SUCCESS; }
static NDIS_STATUS NTAPI LanRestart(NDIS_HANDLE Adapter, PNDIS_MINIPORT_RESTART_PARAMETERS Parameters)
{ return NDIS_STATUS_SUCCESS; }
static VOID NTAPI LanReturnNetBufferLists(NDIS_HANDLE Adapter, PNET_BUFFER_LIST Lists, ULONG Flags) {}
static VOID NTAPI LanCancel(NDIS_HANDLE Adapter, PVOID Id) {}
static VOID NTAPI LanShutdown(NDIS_HANDLE Adapter, NDIS_SHUTDOWN_ACTION Action) {}

static NDIS_STATUS NTAPI LanActivateVc(NDIS_HANDLE Vc, PCO_CALL_PARAMETERS Parameters)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI LanDeactivateVc(NDIS_HANDLE Vc)
{ return NDIS_STATUS_NOT_SUPPORTED; }
/* Without an active VC nothing can be sent on one. */
static VOID NTAPI LanCoSend(NDIS_HANDLE Vc, PNET_BUFFER_LIST Lists, ULONG Flags) {}

static NDIS_STATUS NTAPI LanCreateVc(NDIS_HANDLE Af, NDIS_HANDLE Vc, PNDIS_HANDLE Context)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI LanDeleteVc(NDIS_HANDLE Vc)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI LanRegisterSap(NDIS_HANDLE Af, PCO_SAP Sap, NDIS_HANDLE Handle, PNDIS_HANDLE Context)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI LanDeregisterSap(NDIS_HANDLE Sap)
{ return NDIS_STATUS_NOT_SUPPORTED; }
/* ProtocolCmMakeCall, ProtocolCmAddParty */
static NDIS_STATUS NTAPI LanCall(
    NDIS_HANDLE Vc, PCO_CALL_PARAMETERS Parameters, NDIS_HANDLE Party, PNDIS_HANDLE Context)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI LanCloseCall(NDIS_HANDLE Vc, NDIS_HANDLE Party, PVOID Data, UINT Size)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI LanDropParty(NDIS_HANDLE Party, PVOID Data, UINT Size)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI LanModifyCallQoS(NDIS_HANDLE Vc, PCO_CALL_PARAMETERS Parameters)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static NDIS_STATUS NTAPI LanCmOidRequest(
    NDIS_HANDLE Af, NDIS_HANDLE Vc, NDIS_HANDLE Party, PNDIS_OID_REQUEST Request)
{ return NDIS_STATUS_NOT_SUPPORTED; }
static VOID NTAPI LanCmOidRequestComplete(
    NDIS_HANDLE Af, NDIS_HANDLE Vc, NDIS_HANDLE Party, PNDIS_OID_REQUEST Request, NDIS_STATUS Status) {}
/* ProtocolCmIncomingCallComplete, ProtocolCmActivateVcComplete */
static VOID NTAPI LanVcComplete(NDIS_STATUS Status, NDIS_HANDLE Vc, PCO_CALL_PARAMETERS Parameters) {}
static VOID NTAPI LanDeactivateVcComplete(NDIS_STATUS Status, NDIS_HANDLE Vc) {}

#pragma GCC diagnostic pop

/* --- registration -------------------------------------------------------------------------------- */

static NDIS_STATUS NTAPI LanSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    /* An MCM has no MiniportCoCreateVc and no MiniportCoDeleteVc. */
    NDIS_MINIPORT_CO_CHARACTERISTICS miniport = {
        .Header = { NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS,
            NDIS_MINIPORT_CO_CHARACTERISTICS_REVISION_1,
            NDIS_SIZEOF_MINIPORT_CO_CHARACTERISTICS_REVISION_1 },
        .CoActivateVcHandler = LanActivateVc,
        .CoDeactivateVcHandler = LanDeactivateVc,
        .CoSendNetBufferListsHandler = LanCoSend,
        .CoOidRequestHandler = LanCoOidRequest,
    };
    NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS manager = {
        .Header = { NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS,
            NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1,
            NDIS_SIZEOF_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1 },
        .CmCreateVcHandler = LanCreateVc,
        .CmDeleteVcHandler = LanDeleteVc,
        .CmOpenAfHandler = LanCmOpenAf,
        .CmCloseAfHandler = LanCmCloseAf,
        .CmRegisterSapHandler = LanRegisterSap,
        .CmDeregisterSapHandler = LanDeregisterSap,
        .CmMakeCallHandler = LanCall,
        .CmCloseCallHandler = LanCloseCall,
        .CmIncomingCallCompleteHandler = LanVcComplete,
        .CmAddPartyHandler = LanCall,
        .CmDropPartyHandler = LanDropParty,
        .CmActivateVcCompleteHandler = LanVcComplete,
        .CmDeactivateVcCompleteHandler = LanDeactivateVcComplete,
        .CmModifyCallQoSHandler = LanModifyCallQoS,
        .CmOidRequestHandler = LanCmOidRequest,
        .CmOidRequestCompleteHandler = LanCmOidRequestComplete,
        .CmNotifyCloseAfCompleteHandler = LanCmNotifyCloseAfComplete,
    };
    NDIS_STATUS status;

    UNREFERENCED_PARAMETER(DriverContext);
    status = NdisSetOptionalHandlers(NdisDriverHandle, (PNDIS_DRIVER_OPTIONAL_HANDLERS)&miniport);
    if (status == NDIS_STATUS_SUCCESS) {
        status = NdisSetOptionalHandlers(NdisDriverHandle, (PNDIS_DRIVER_OPTIONAL_HANDLERS)&manager);
    }
    return status;
}

static VOID NTAPI LanUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisMDeregisterMiniportDriver(LanDriver);
    NdisFreeSpinLock(&LanLock);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_MINIPORT_DRIVER_CHARACTERISTICS miniport = {
        .Header = { NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS,
            NDIS_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2,
            NDIS_SIZEOF_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2 },
        .MajorNdisVersion = 6,
        .MinorNdisVersion = 20,
        .MajorDriverVersion = 1,
        .SetOptionsHandler = LanSetOptions,
        .InitializeHandlerEx = LanInitializeEx,
        .HaltHandlerEx = LanHaltEx,
        .UnloadHandler = LanUnload,
        .PauseHandler = LanPause,
        .RestartHandler = LanRestart,
        .SendNetBufferListsHandler = LanSendNetBufferLists,
        .ReturnNetBufferListsHandler = LanReturnNetBufferLists,
        .CancelSendHandler = LanCancel,
        .DevicePnPEventNotifyHandler = LanDevicePnPEventNotify,
        .ShutdownHandlerEx = LanShutdown,
        .CancelOidRequestHandler = LanCancel,
    };
    NDIS_STATUS status;

    NdisAllocateSpinLock(&LanLock);
    InitializeListHead(&LanFamilies);
    status = NdisMRegisterMiniportDriver(DriverObject, RegistryPath, NULL, &miniport, &LanDriver);
    if (status != NDIS_STATUS_SUCCESS) {
        NdisFreeSpinLock(&LanLock);
    }
    return status;
}
