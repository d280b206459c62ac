/*
 * miniport.c - an NDIS 6.20 connection-oriented miniport.
 *
 * What it shows: the miniport below a stand-alone call manager (../cm). It knows nothing of address
 * families, SAPs and calls: those pass between client and call manager. What reaches it are VCs to
 * create and activate, data on them, and OID requests; none of that is supported yet, so the handlers,
 * which NDIS wants all six, answer NDIS_STATUS_NOT_SUPPORTED. There is no hardware behind this adapter.
 *
 * Registry values, all integers, read for each adapter when it is initialised:
 *
 *   Pause    0 MiniportPause is done at once (default)
 *            1 it pends, and is completed later
 *            2 it pends, and is completed before the handler has returned
 *   Restart  0, 1, 2 likewise for MiniportRestart
 */

#include <ndis.h>

#define MINIPORT_POOL_TAG 'nCoC'
#define MINIPORT_MTU 9180
#define MINIPORT_LINK_SPEED 155520000ull

typedef struct _ADAPTER {
    NDIS_HANDLE MiniportAdapterHandle;
    ULONG PauseMode;
    ULONG RestartMode;
    /* A pause must not fail for want of memory, so these exist from the start. */
    NDIS_HANDLE PauseWorkItem;
    NDIS_HANDLE RestartWorkItem;
} ADAPTER, *PADAPTER;

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

/* --- configuration ----------------------------------------------------------------------------- */

static ULONG AdapterReadInteger(NDIS_HANDLE Configuration, PNDIS_STRING Name)
{
    PNDIS_CONFIGURATION_PARAMETER Parameter;
    NDIS_STATUS Status;

    NdisReadConfiguration(&Status, &Parameter, Configuration, Name, NdisParameterInteger);
    return Status == NDIS_STATUS_SUCCESS ? Parameter->ParameterData.IntegerData : 0;
}

/* An adapter without registry values gets the default of each: 0. */
static VOID AdapterReadOptions(PADAPTER Adapter)
{
    NDIS_STRING Pause = NDIS_STRING_CONST("Pause");
    NDIS_STRING Restart = NDIS_STRING_CONST("Restart");
    NDIS_CONFIGURATION_OBJECT Object;
    NDIS_HANDLE Configuration;

    NdisZeroMemory(&Object, sizeof(Object));
    Object.Header.Type = NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT;
    Object.Header.Revision = NDIS_CONFIGURATION_OBJECT_REVISION_1;
    Object.Header.Size = NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1;
    Object.NdisHandle = Adapter->MiniportAdapterHandle;
    if (NdisOpenConfigurationEx(&Object, &Configuration) != NDIS_STATUS_SUCCESS) {
        return;
    }
    Adapter->PauseMode = AdapterReadInteger(Configuration, &Pause);
    Adapter->RestartMode = AdapterReadInteger(Configuration, &Restart);
    NdisCloseConfiguration(Configuration);
}

/* --- the adapter ------------------------------------------------------------------------------- */

static VOID AdapterFree(PADAPTER Adapter)
{
    if (Adapter->PauseWorkItem != NULL) {
        NdisFreeIoWorkItem(Adapter->PauseWorkItem);
    }
    if (Adapter->RestartWorkItem != NULL) {
        NdisFreeIoWorkItem(Adapter->RestartWorkItem);
    }
    NdisFreeMemory(Adapter, 0, 0);
}

static PADAPTER AdapterCreate(NDIS_HANDLE MiniportAdapterHandle)
{
    PADAPTER Adapter;

    Adapter = NdisAllocateMemoryWithTagPriority(
        MiniportAdapterHandle, sizeof(*Adapter), MINIPORT_POOL_TAG, NormalPoolPriority);
    if (Adapter == NULL) {
        return NULL;
    }
    NdisZeroMemory(Adapter, sizeof(*Adapter));
    Adapter->MiniportAdapterHandle = MiniportAdapterHandle;
    AdapterReadOptions(Adapter);
    Adapter->PauseWorkItem = NdisAllocateIoWorkItem(MiniportAdapterHandle);
    Adapter->RestartWorkItem = NdisAllocateIoWorkItem(MiniportAdapterHandle);
    if (Adapter->PauseWorkItem == NULL || Adapter->RestartWorkItem == NULL) {
        AdapterFree(Adapter);
        return NULL;
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

/* Every protocol is unbound by now, the call manager included, and with it went all VCs. */
static VOID NTAPI AdapterHaltEx(NDIS_HANDLE MiniportAdapterContext, NDIS_HALT_ACTION HaltAction)
{
    UNREFERENCED_PARAMETER(HaltAction);
    AdapterFree(MiniportAdapterContext);
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
    switch (Adapter->PauseMode) {
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
    switch (Adapter->RestartMode) {
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

/* The connection-oriented half. No VC is created, so the others are never called. */
static NDIS_STATUS NTAPI AdapterCoCreateVc(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE MiniportVcContext)
{
    UNREFERENCED_PARAMETER(MiniportAdapterContext);
    UNREFERENCED_PARAMETER(NdisVcHandle);
    UNREFERENCED_PARAMETER(MiniportVcContext);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI AdapterCoDeleteVc(NDIS_HANDLE MiniportVcContext)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI AdapterCoActivateVc(
    NDIS_HANDLE MiniportVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    UNREFERENCED_PARAMETER(CallParameters);
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI AdapterCoDeactivateVc(NDIS_HANDLE MiniportVcContext)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    return NDIS_STATUS_NOT_SUPPORTED;
}

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
