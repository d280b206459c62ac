/*
 * miniport.c - an NDIS 6.20 connection-oriented miniport.
 *
 * What it shows: the miniport below a stand-alone call manager (../cm). It knows nothing of address
 * families, SAPs and calls: those pass between client and call manager. What reaches it are virtual
 * connections (VCs) to create, activate, deactivate and delete; data on them and OID requests are not
 * supported. There is no hardware behind this adapter.
 *
 * A VC is created and deleted at once; NDIS lets neither pend. Activating and deactivating may: the
 * answer then comes from a work item or a timer of the adapter.
 *
 * Registry values, all integers, read for each adapter when it is initialised:
 *
 *   ActivateVc    0 MiniportCoActivateVc is done at once (default)
 *                 1 it pends, and is completed later, at PASSIVE_LEVEL
 *                 2 it pends, and is completed before the handler has returned
 *                 5 it pends, and is completed later, at DISPATCH_LEVEL
 *   DeactivateVc  0, 1, 2, 5 likewise for MiniportCoDeactivateVc
 *   Capacity      N the largest PeakBandwidth of a VC, in bytes per second (default: the link's)
 *   FlowUnit      N flows that may be rounded are rounded to a multiple of this (default 1000)
 *   Pause         0 MiniportPause is done at once (default)
 *                 1 it pends, and is completed later
 *                 2 it pends, and is completed before the handler has returned
 *   Restart       0, 1, 2 likewise for MiniportRestart
 *
 * Locking. One spin lock per adapter, never held across a call into NDIS that can call back: the
 * completion of an activation may run the call manager, which may have the VC deactivated, and all of
 * it on this very stack.
 */

#include <ndis.h>

#define MINIPORT_POOL_TAG 'nCoC'
#define MINIPORT_MTU 9180
#define MINIPORT_LINK_SPEED 155520000ull /* bits per second */
#define MINIPORT_FLOW_UNIT 1000

/* How long a DISPATCH_LEVEL completion is put off, in units of 100 ns; negative = from now. */
#define MINIPORT_TIMER_DUE (-10000ll)

typedef struct _ADAPTER_OPTIONS {
    ULONG ActivateVc;
    ULONG DeactivateVc;
    ULONG Capacity;
    ULONG FlowUnit;
    ULONG Pause;
    ULONG Restart;
} ADAPTER_OPTIONS;

typedef struct _ADAPTER {
    NDIS_HANDLE MiniportAdapterHandle;
    ADAPTER_OPTIONS Options;
    /* Neither a pause nor an answer that was put off may fail for want of memory, so these exist from
     * the start. Constant. */
    NDIS_HANDLE PauseWorkItem;
    NDIS_HANDLE RestartWorkItem;
    NDIS_HANDLE AnswerWorkItem;
    NDIS_HANDLE AnswerTimer; /* NULL if no option wants it */

    NDIS_SPIN_LOCK Lock;
    /* Under the lock: VCs whose answer the work item, or the timer, gives. */
    LIST_ENTRY WorkVcs;
    LIST_ENTRY TimerVcs;
    /* Whether the work item is queued, or the timer set, and has yet to run. */
    BOOLEAN WorkQueued;
    BOOLEAN TimerSet;
    /* Routines queued, set or running. The adapter may go when this is 0; IdleEvent tells the halt. */
    ULONG Users;
    NDIS_EVENT IdleEvent;
} ADAPTER, *PADAPTER;

/* One VC, from its creation until it is deleted. NDIS lets one activation or deactivation pend at a
 * time, so one answer at most is put off. */
typedef struct _ADAPTER_VC {
    PADAPTER Adapter;
    NDIS_HANDLE NdisVcHandle;
    BOOLEAN Active;
    /* While an answer is put off: */
    LIST_ENTRY Link; /* in WorkVcs or TimerVcs */
    BOOLEAN Deactivating; /* else it is an activation */
    NDIS_STATUS Status;
    PCO_CALL_PARAMETERS CallParameters;
} ADAPTER_VC, *PADAPTER_VC;

static NDIS_HANDLE DriverHandle;

DRIVER_INITIALIZE DriverEntry;
static MINIPORT_UNLOAD AdapterDriverUnload;
static SET_OPTIONS AdapterSetOptions;
static MINIPORT_INITIALIZE AdapterInitializeEx;
static MINIPORT_HALT AdapterHaltEx;
static MINIPORT_PAUSE AdapterPause;
static MINIPORT_RESTART AdapterRestart;
static NDIS_IO_WORKITEM_FUNCTION AdapterPauseWork;
static NDIS_IO_WORKITEM_FUNCTION AdapterRestartWork;
static MINIPORT_CO_CREATE_VC AdapterCoCreateVc;
static MINIPORT_CO_DELETE_VC AdapterCoDeleteVc;
static MINIPORT_CO_ACTIVATE_VC AdapterCoActivateVc;
static MINIPORT_CO_DEACTIVATE_VC AdapterCoDeactivateVc;
static NDIS_IO_WORKITEM_FUNCTION AdapterAnswerWork;
static NDIS_TIMER_FUNCTION AdapterAnswerTimer;

/* --- configuration ----------------------------------------------------------------------------- */

static ULONG AdapterReadInteger(NDIS_HANDLE Configuration, PNDIS_STRING Name, ULONG Default)
{
    PNDIS_CONFIGURATION_PARAMETER Parameter;
    NDIS_STATUS Status;

    NdisReadConfiguration(&Status, &Parameter, Configuration, Name, NdisParameterInteger);
    return Status == NDIS_STATUS_SUCCESS ? Parameter->ParameterData.IntegerData : Default;
}

static VOID AdapterReadOptions(PADAPTER Adapter)
{
    NDIS_STRING ActivateVc = NDIS_STRING_CONST("ActivateVc");
    NDIS_STRING DeactivateVc = NDIS_STRING_CONST("DeactivateVc");
    NDIS_STRING Capacity = NDIS_STRING_CONST("Capacity");
    NDIS_STRING FlowUnit = NDIS_STRING_CONST("FlowUnit");
    NDIS_STRING Pause = NDIS_STRING_CONST("Pause");
    NDIS_STRING Restart = NDIS_STRING_CONST("Restart");
    ADAPTER_OPTIONS *Options = &Adapter->Options;
    NDIS_CONFIGURATION_OBJECT Object;
    NDIS_HANDLE Configuration;

    Options->Capacity = MINIPORT_LINK_SPEED / 8;
    Options->FlowUnit = MINIPORT_FLOW_UNIT;
    NdisZeroMemory(&Object, sizeof(Object));
    Object.Header.Type = NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT;
    Object.Header.Revision = NDIS_CONFIGURATION_OBJECT_REVISION_1;
    Object.Header.Size = NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1;
    Object.NdisHandle = Adapter->MiniportAdapterHandle;
    if (NdisOpenConfigurationEx(&Object, &Configuration) != NDIS_STATUS_SUCCESS) {
        return;
    }
    Options->ActivateVc = AdapterReadInteger(Configuration, &ActivateVc, 0);
    Options->DeactivateVc = AdapterReadInteger(Configuration, &DeactivateVc, 0);
    Options->Capacity = AdapterReadInteger(Configuration, &Capacity, Options->Capacity);
    Options->FlowUnit = AdapterReadInteger(Configuration, &FlowUnit, Options->FlowUnit);
    Options->Pause = AdapterReadInteger(Configuration, &Pause, 0);
    Options->Restart = AdapterReadInteger(Configuration, &Restart, 0);
    NdisCloseConfiguration(Configuration);
    if (Options->FlowUnit == 0) {
        Options->FlowUnit = MINIPORT_FLOW_UNIT;
    }
}

/* --- VCs --------------------------------------------------------------------------------------- */

/* Everything that the VC will ever need is there when this returns success: it cannot pend. */
static NDIS_STATUS NTAPI AdapterCoCreateVc(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE MiniportVcContext)
{
    PADAPTER Adapter = MiniportAdapterContext;
    PADAPTER_VC Vc;

    Vc = NdisAllocateMemoryWithTagPriority(
        Adapter->MiniportAdapterHandle, sizeof(*Vc), MINIPORT_POOL_TAG, NormalPoolPriority);
    if (Vc == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    NdisZeroMemory(Vc, sizeof(*Vc));
    Vc->Adapter = Adapter;
    Vc->NdisVcHandle = NdisVcHandle;
    *MiniportVcContext = Vc;
    return NDIS_STATUS_SUCCESS;
}

/* NDIS deletes no VC that is active, or whose activation or deactivation pends. */
static NDIS_STATUS NTAPI AdapterCoDeleteVc(NDIS_HANDLE MiniportVcContext)
{
    NdisFreeMemory(MiniportVcContext, 0, 0);
    return NDIS_STATUS_SUCCESS;
}

/* Gives an answer that was put off. The VC may be gone when this returns. */
static VOID AdapterAnswer(PADAPTER_VC Vc)
{
    if (Vc->Deactivating) {
        NdisMCoDeactivateVcComplete(NDIS_STATUS_SUCCESS, Vc->NdisVcHandle);
    } else {
        NdisMCoActivateVcComplete(Vc->Status, Vc->NdisVcHandle, Vc->CallParameters);
    }
}

/* Gives back a use of the adapter, which may be gone when this returns. */
static VOID AdapterRelease(PADAPTER Adapter)
{
    NdisAcquireSpinLock(&Adapter->Lock);
    Adapter->Users--;
    /* Under the lock: a halt that finds Users at 0 frees the adapter, and the event with it. */
    NdisSetEvent(&Adapter->IdleEvent);
    NdisReleaseSpinLock(&Adapter->Lock);
}

/* Gives all answers in the list. *Scheduled tells that the caller runs, and is cleared first: whoever
 * puts another answer into the list afterwards has the caller run again. */
static VOID AdapterAnswerAll(PADAPTER Adapter, PLIST_ENTRY Vcs, PBOOLEAN Scheduled)
{
    NdisAcquireSpinLock(&Adapter->Lock);
    *Scheduled = FALSE;
    while (!IsListEmpty(Vcs)) {
        PADAPTER_VC Vc = CONTAINING_RECORD(RemoveHeadList(Vcs), ADAPTER_VC, Link);

        NdisReleaseSpinLock(&Adapter->Lock);
        AdapterAnswer(Vc);
        NdisAcquireSpinLock(&Adapter->Lock);
    }
    NdisReleaseSpinLock(&Adapter->Lock);
    AdapterRelease(Adapter);
}

static VOID NTAPI AdapterAnswerWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    PADAPTER Adapter = WorkItemContext;

    UNREFERENCED_PARAMETER(NdisIoWorkItemHandle);
    AdapterAnswerAll(Adapter, &Adapter->WorkVcs, &Adapter->WorkQueued);
}

/* Runs at DISPATCH_LEVEL. */
static VOID NTAPI AdapterAnswerTimer(
    PVOID SystemSpecific1,
    PVOID FunctionContext,
    PVOID SystemSpecific2,
    PVOID SystemSpecific3)
{
    PADAPTER Adapter = FunctionContext;

    UNREFERENCED_PARAMETER(SystemSpecific1);
    UNREFERENCED_PARAMETER(SystemSpecific2);
    UNREFERENCED_PARAMETER(SystemSpecific3);
    AdapterAnswerAll(Adapter, &Adapter->TimerVcs, &Adapter->TimerSet);
}

/* Answers an activation or deactivation as the option says. If that is with a pending, the VC may be
 * gone when this returns. */
static NDIS_STATUS AdapterAnswerAs(PADAPTER_VC Vc, ULONG Mode)
{
    PADAPTER Adapter = Vc->Adapter;
    LARGE_INTEGER DueTime;
    BOOLEAN Schedule;

    switch (Mode) {
    case 1:
        NdisAcquireSpinLock(&Adapter->Lock);
        InsertTailList(&Adapter->WorkVcs, &Vc->Link);
        Schedule = !Adapter->WorkQueued;
        if (Schedule) {
            Adapter->WorkQueued = TRUE;
            Adapter->Users++;
        }
        NdisReleaseSpinLock(&Adapter->Lock);
        if (Schedule) {
            NdisQueueIoWorkItem(Adapter->AnswerWorkItem, AdapterAnswerWork, Adapter);
        }
        return NDIS_STATUS_PENDING;
    case 2:
        AdapterAnswer(Vc);
        return NDIS_STATUS_PENDING;
    case 5:
        NdisAcquireSpinLock(&Adapter->Lock);
        InsertTailList(&Adapter->TimerVcs, &Vc->Link);
        Schedule = !Adapter->TimerSet;
        if (Schedule) {
            Adapter->TimerSet = TRUE;
            Adapter->Users++;
        }
        NdisReleaseSpinLock(&Adapter->Lock);
        if (Schedule) {
            DueTime.QuadPart = MINIPORT_TIMER_DUE;
            NdisSetTimerObject(Adapter->AnswerTimer, DueTime, 0, NULL);
        }
        return NDIS_STATUS_PENDING;
    default:
        return Vc->Status;
    }
}

/* A flow as the adapter would carry it. Rates that nobody specified are not rounded. */
static ULONG AdapterRound(PADAPTER Adapter, ULONG Rate, ULONG Flags)
{
    ULONG Unit = Adapter->Options.FlowUnit;
    ULONG Rest = Rate % Unit;

    if (Rest == 0 || Rate == QOS_NOT_SPECIFIED) {
        return Rate;
    }
    if (Flags & ROUND_UP_FLOW) {
        return Rate - Rest + Unit;
    }
    return Flags & ROUND_DOWN_FLOW ? Rate - Rest : Rate;
}

/*
 * Makes a VC ready for data, or changes the parameters of one that is. Parameters are looked at on
 * every call, and changed in one case only: where the call manager allows a flow to be rounded. A
 * change that cannot be made leaves the VC as it was.
 */
static NDIS_STATUS NTAPI AdapterCoActivateVc(
    NDIS_HANDLE MiniportVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PADAPTER_VC Vc = MiniportVcContext;
    PADAPTER Adapter = Vc->Adapter;
    PCO_CALL_MANAGER_PARAMETERS Flows = CallParameters->CallMgrParameters;
    PCO_MEDIA_PARAMETERS Media = CallParameters->MediaParameters;
    ULONG Flags = Media != NULL ? Media->Flags : 0;

    Vc->Status = NDIS_STATUS_SUCCESS;
    if (Flows != NULL) {
        ULONG Transmit = AdapterRound(Adapter, Flows->Transmit.PeakBandwidth, Flags);
        ULONG Receive = AdapterRound(Adapter, Flows->Receive.PeakBandwidth, Flags);

        if ((Transmit > Adapter->Options.Capacity && Transmit != QOS_NOT_SPECIFIED)
            || (Receive > Adapter->Options.Capacity && Receive != QOS_NOT_SPECIFIED)) {
            Vc->Status = NDIS_STATUS_INVALID_DATA;
        } else if (
            Transmit != Flows->Transmit.PeakBandwidth || Receive != Flows->Receive.PeakBandwidth) {
            Flows->Transmit.PeakBandwidth = Transmit;
            Flows->Receive.PeakBandwidth = Receive;
            CallParameters->Flags |= CALL_PARAMETERS_CHANGED;
        }
    }
    if (Vc->Status == NDIS_STATUS_SUCCESS) {
        Vc->Active = TRUE;
    }
    Vc->CallParameters = CallParameters;
    Vc->Deactivating = FALSE;
    return AdapterAnswerAs(Vc, Adapter->Options.ActivateVc);
}

/* One deactivation ends any number of activations. With data there would be sends and receives to
 * wait for. */
static NDIS_STATUS NTAPI AdapterCoDeactivateVc(NDIS_HANDLE MiniportVcContext)
{
    PADAPTER_VC Vc = MiniportVcContext;

    Vc->Active = FALSE;
    Vc->Status = NDIS_STATUS_SUCCESS;
    Vc->Deactivating = TRUE;
    return AdapterAnswerAs(Vc, Vc->Adapter->Options.DeactivateVc);
}

/* --- the adapter ------------------------------------------------------------------------------- */

static VOID AdapterFree(PADAPTER Adapter)
{
    if (Adapter->AnswerTimer != NULL) {
        /* Its last run may not have returned yet. */
        NdisCancelTimerObject(Adapter->AnswerTimer);
        KeFlushQueuedDpcs();
        NdisFreeTimerObject(Adapter->AnswerTimer);
    }
    if (Adapter->AnswerWorkItem != NULL) {
        NdisFreeIoWorkItem(Adapter->AnswerWorkItem);
    }
    if (Adapter->PauseWorkItem != NULL) {
        NdisFreeIoWorkItem(Adapter->PauseWorkItem);
    }
    if (Adapter->RestartWorkItem != NULL) {
        NdisFreeIoWorkItem(Adapter->RestartWorkItem);
    }
    NdisFreeSpinLock(&Adapter->Lock);
    NdisFreeMemory(Adapter, 0, 0);
}

static PADAPTER AdapterCreate(NDIS_HANDLE MiniportAdapterHandle)
{
    NDIS_TIMER_CHARACTERISTICS Timer;
    PADAPTER Adapter;

    Adapter = NdisAllocateMemoryWithTagPriority(
        MiniportAdapterHandle, sizeof(*Adapter), MINIPORT_POOL_TAG, NormalPoolPriority);
    if (Adapter == NULL) {
        return NULL;
    }
    NdisZeroMemory(Adapter, sizeof(*Adapter));
    Adapter->MiniportAdapterHandle = MiniportAdapterHandle;
    NdisAllocateSpinLock(&Adapter->Lock);
    InitializeListHead(&Adapter->WorkVcs);
    InitializeListHead(&Adapter->TimerVcs);
    NdisInitializeEvent(&Adapter->IdleEvent);
    AdapterReadOptions(Adapter);
    Adapter->PauseWorkItem = NdisAllocateIoWorkItem(MiniportAdapterHandle);
    Adapter->RestartWorkItem = NdisAllocateIoWorkItem(MiniportAdapterHandle);
    Adapter->AnswerWorkItem = NdisAllocateIoWorkItem(MiniportAdapterHandle);
    if (Adapter->PauseWorkItem == NULL || Adapter->RestartWorkItem == NULL
        || Adapter->AnswerWorkItem == NULL) {
        AdapterFree(Adapter);
        return NULL;
    }
    if (Adapter->Options.ActivateVc == 5 || Adapter->Options.DeactivateVc == 5) {
        NdisZeroMemory(&Timer, sizeof(Timer));
        Timer.Header.Type = NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS;
        Timer.Header.Revision = NDIS_TIMER_CHARACTERISTICS_REVISION_1;
        Timer.Header.Size = NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1;
        Timer.AllocationTag = MINIPORT_POOL_TAG;
        Timer.TimerFunction = AdapterAnswerTimer;
        Timer.FunctionContext = Adapter;
        if (NdisAllocateTimerObject(MiniportAdapterHandle, &Timer, &Adapter->AnswerTimer)
            != NDIS_STATUS_SUCCESS) {
            Adapter->AnswerTimer = NULL;
            AdapterFree(Adapter);
            return NULL;
        }
    }
    return Adapter;
}

/* Registration attributes come first, general attributes second, and both before an adapter can be
 * used for anything. */
static NDIS_STATUS AdapterSetAttributes(PADAPTER Adapter)
{
    NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES Registration;
    NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES General;
    NDIS_STATUS Status;

    NdisZeroMemory(&Registration, sizeof(Registration));
    Registration.Header.Type = NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES;
    Registration.Header.Revision = NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1;
    Registration.Header.Size = NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1;
    Registration.MiniportAdapterContext = Adapter;
    Registration.AttributeFlags = NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK
        | NDIS_MINIPORT_ATTRIBUTES_DO_NOT_BIND_TO_ALL_CO; /* no TAPI here, so no use for NDPROXY */
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
    General.MediaType = NdisMediumAtm;
    General.PhysicalMediumType = NdisPhysicalMediumUnspecified;
    General.MtuSize = MINIPORT_MTU;
    General.MaxXmitLinkSpeed = MINIPORT_LINK_SPEED;
    General.XmitLinkSpeed = MINIPORT_LINK_SPEED;
    General.MaxRcvLinkSpeed = MINIPORT_LINK_SPEED;
    General.RcvLinkSpeed = MINIPORT_LINK_SPEED;
    General.MediaConnectState = MediaConnectStateConnected;
    General.MediaDuplexState = MediaDuplexStateFull;
    General.LookaheadSize = MINIPORT_MTU;
    General.MacOptions = NDIS_MAC_OPTION_NO_LOOPBACK;
    General.AccessType = NET_IF_ACCESS_POINT_TO_POINT;
    General.DirectionType = NET_IF_DIRECTION_SENDRECEIVE;
    General.ConnectionType = NET_IF_CONNECTION_DEDICATED;
    General.IfType = IF_TYPE_ATM;
    return NdisMSetMiniportAttributes(
        Adapter->MiniportAdapterHandle, (PNDIS_MINIPORT_ADAPTER_ATTRIBUTES)&General);
}

static NDIS_STATUS NTAPI AdapterInitializeEx(
    NDIS_HANDLE NdisMiniportHandle,
    NDIS_HANDLE MiniportDriverContext,
    PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters)
{
    PADAPTER Adapter;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(MiniportDriverContext);
    UNREFERENCED_PARAMETER(MiniportInitParameters);
    Adapter = AdapterCreate(NdisMiniportHandle);
    if (Adapter == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Status = AdapterSetAttributes(Adapter);
    if (Status != NDIS_STATUS_SUCCESS) {
        AdapterFree(Adapter);
    }
    return Status;
}

/* Every protocol is unbound by now, the call manager included, and with it went all VCs. The routine
 * that gave the last answer may not have returned yet. */
static VOID NTAPI AdapterHaltEx(NDIS_HANDLE MiniportAdapterContext, NDIS_HALT_ACTION HaltAction)
{
    PADAPTER Adapter = MiniportAdapterContext;
    BOOLEAN Idle;

    UNREFERENCED_PARAMETER(HaltAction);
    for (;;) {
        /* Before looking, so that a change after the look is not lost. */
        NdisResetEvent(&Adapter->IdleEvent);
        NdisAcquireSpinLock(&Adapter->Lock);
        Idle = Adapter->Users == 0;
        NdisReleaseSpinLock(&Adapter->Lock);
        if (Idle) {
            break;
        }
        NdisWaitEvent(&Adapter->IdleEvent, 0);
    }
    AdapterFree(Adapter);
}

static VOID NTAPI AdapterPauseWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    UNREFERENCED_PARAMETER(NdisIoWorkItemHandle);
    NdisMPauseComplete(WorkItemContext);
}

/* Stops data. There is none, so only the option decides when it is done. */
static NDIS_STATUS NTAPI AdapterPause(
    NDIS_HANDLE MiniportAdapterContext,
    PNDIS_MINIPORT_PAUSE_PARAMETERS PauseParameters)
{
    PADAPTER Adapter = MiniportAdapterContext;

    UNREFERENCED_PARAMETER(PauseParameters);
    switch (Adapter->Options.Pause) {
    case 1:
        NdisQueueIoWorkItem(Adapter->PauseWorkItem, AdapterPauseWork, Adapter->MiniportAdapterHandle);
        return NDIS_STATUS_PENDING;
    case 2:
        NdisMPauseComplete(Adapter->MiniportAdapterHandle);
        return NDIS_STATUS_PENDING;
    default:
        return NDIS_STATUS_SUCCESS;
    }
}

static VOID NTAPI AdapterRestartWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    UNREFERENCED_PARAMETER(NdisIoWorkItemHandle);
    NdisMRestartComplete(WorkItemContext, NDIS_STATUS_SUCCESS);
}

static NDIS_STATUS NTAPI AdapterRestart(
    NDIS_HANDLE MiniportAdapterContext,
    PNDIS_MINIPORT_RESTART_PARAMETERS RestartParameters)
{
    PADAPTER Adapter = MiniportAdapterContext;

    UNREFERENCED_PARAMETER(RestartParameters);
    switch (Adapter->Options.Restart) {
    case 1:
        NdisQueueIoWorkItem(
            Adapter->RestartWorkItem, AdapterRestartWork, Adapter->MiniportAdapterHandle);
        return NDIS_STATUS_PENDING;
    case 2:
        NdisMRestartComplete(Adapter->MiniportAdapterHandle, NDIS_STATUS_SUCCESS);
        return NDIS_STATUS_PENDING;
    default:
        return NDIS_STATUS_SUCCESS;
    }
}

/* The halt that follows a removal does all that there is to do. */
static VOID NTAPI AdapterDevicePnPEventNotify(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_DEVICE_PNP_EVENT NetDevicePnPEvent)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(NetDevicePnPEvent);
}

/* There is no hardware to bring to rest. */
static VOID NTAPI AdapterShutdownEx(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_SHUTDOWN_ACTION ShutdownAction)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(ShutdownAction);
}

/* --- what this driver does not support ---------------------------------------------------------- */

static NDIS_STATUS NTAPI AdapterOidRequest(
    NDIS_HANDLE MiniportAdapterContext,
    PNDIS_OID_REQUEST OidRequest)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(OidRequest);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI AdapterCancelOidRequest(NDIS_HANDLE MiniportAdapterContext, PVOID RequestId)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(RequestId);
}

/* Connectionless sends and returns; a connection-oriented adapter gets none. */
static VOID NTAPI AdapterSendNetBufferLists(
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

static VOID NTAPI AdapterReturnNetBufferLists(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG ReturnFlags)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(NetBufferLists);
    UNREFERENCED_PARAMETER(ReturnFlags);
}

static VOID NTAPI AdapterCancelSend(NDIS_HANDLE MiniportAdapterContext, PVOID CancelId)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(CancelId);
}

/* Data on VCs: no client of this miniport sends. */
static VOID NTAPI AdapterCoSendNetBufferLists(
    NDIS_HANDLE MiniportVcContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendFlags)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    UNREFERENCED_PARAMETER(NetBufferLists);
    UNREFERENCED_PARAMETER(SendFlags);
}

static NDIS_STATUS NTAPI AdapterCoOidRequest(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE MiniportVcContext,
    PNDIS_OID_REQUEST OidRequest)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(MiniportVcContext);
    UNREFERENCED_PARAMETER(OidRequest);
    return NDIS_STATUS_NOT_SUPPORTED;
}

/* --- registration ------------------------------------------------------------------------------ */

/* Called inside NdisMRegisterMiniportDriver, before anything else. This table is what makes the driver
 * connection-oriented. */
static NDIS_STATUS NTAPI AdapterSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    NDIS_MINIPORT_CO_CHARACTERISTICS Co;

    UNREFERENCED_PARAMETER(DriverContext);
    NdisZeroMemory(&Co, sizeof(Co));
    Co.Header.Type = NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS;
    Co.Header.Revision = NDIS_MINIPORT_CO_CHARACTERISTICS_REVISION_1;
    Co.Header.Size = NDIS_SIZEOF_MINIPORT_CO_CHARACTERISTICS_REVISION_1;
    Co.CoCreateVcHandler = AdapterCoCreateVc;
    Co.CoDeleteVcHandler = AdapterCoDeleteVc;
    Co.CoActivateVcHandler = AdapterCoActivateVc;
    Co.CoDeactivateVcHandler = AdapterCoDeactivateVc;
    Co.CoSendNetBufferListsHandler = AdapterCoSendNetBufferLists;
    Co.CoOidRequestHandler = AdapterCoOidRequest;
    return NdisSetOptionalHandlers(NdisDriverHandle, &Co.Header);
}

/* Every adapter has been halted. NDIS itself owns the driver object's Unload for a miniport. */
static VOID NTAPI AdapterDriverUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisMDeregisterMiniportDriver(DriverHandle);
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
    Characteristics.SetOptionsHandler = AdapterSetOptions;
    Characteristics.InitializeHandlerEx = AdapterInitializeEx;
    Characteristics.HaltHandlerEx = AdapterHaltEx;
    Characteristics.UnloadHandler = AdapterDriverUnload;
    Characteristics.PauseHandler = AdapterPause;
    Characteristics.RestartHandler = AdapterRestart;
    Characteristics.OidRequestHandler = AdapterOidRequest;
    Characteristics.SendNetBufferListsHandler = AdapterSendNetBufferLists;
    Characteristics.ReturnNetBufferListsHandler = AdapterReturnNetBufferLists;
    Characteristics.CancelSendHandler = AdapterCancelSend;
    Characteristics.DevicePnPEventNotifyHandler = AdapterDevicePnPEventNotify;
    Characteristics.ShutdownHandlerEx = AdapterShutdownEx;
    Characteristics.CancelOidRequestHandler = AdapterCancelOidRequest;
    return NdisMRegisterMiniportDriver(
        DriverObject, RegistryPath, NULL, &Characteristics, &DriverHandle);
}
