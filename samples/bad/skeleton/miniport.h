/*
 * miniport.h - skeleton of a connection-oriented miniport, the one below a stand-alone call manager.
 * Correct as it stands; a faulty driver replaces one part of it, see samples/bad/README.md. For how a
 * good one is written read samples/good/miniport.
 *
 * Virtual connections (VCs) are created, activated, deactivated and deleted at once. There is no
 * hardware and no data.
 */
#ifndef SKELETON_MINIPORT_H
#define SKELETON_MINIPORT_H

#include <ndis.h>

#define MINIPORT_POOL_TAG 'bMoC'

typedef struct _ADAPTER {
    NDIS_HANDLE MiniportAdapterHandle;
} ADAPTER, *PADAPTER;

typedef struct _MINIPORT_VC {
    PADAPTER Adapter;
    NDIS_HANDLE NdisVcHandle;
} MINIPORT_VC, *PMINIPORT_VC;

static NDIS_HANDLE MiniportDriverHandle;

DRIVER_INITIALIZE DriverEntry;
static SET_OPTIONS MiniportSetOptions;
static MINIPORT_UNLOAD MiniportDriverUnload;
static MINIPORT_CO_CREATE_VC MiniportCoCreateVc;
static MINIPORT_CO_ACTIVATE_VC MiniportCoActivateVc;
static MINIPORT_CO_DEACTIVATE_VC MiniportCoDeactivateVc;

/* --- VCs --------------------------------------------------------------------------------------- */

/* NULL if memory is short. */
static inline PMINIPORT_VC MiniportAllocateVc(PADAPTER Adapter, NDIS_HANDLE NdisVcHandle)
{
    PMINIPORT_VC Vc = NdisAllocateMemoryWithTagPriority(
        Adapter->MiniportAdapterHandle, sizeof(*Vc), MINIPORT_POOL_TAG, NormalPoolPriority);

    if (Vc != NULL) {
        Vc->Adapter = Adapter;
        Vc->NdisVcHandle = NdisVcHandle;
    }
    return Vc;
}

#ifndef OWN_MINIPORT_CO_CREATE_VC
static NDIS_STATUS NTAPI MiniportCoCreateVc(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE MiniportVcContext)
{
    PMINIPORT_VC Vc = MiniportAllocateVc(MiniportAdapterContext, NdisVcHandle);

    *MiniportVcContext = Vc;
    return Vc != NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_RESOURCES;
}
#endif

static NDIS_STATUS NTAPI MiniportCoDeleteVc(NDIS_HANDLE MiniportVcContext)
{
    NdisFreeMemory(MiniportVcContext, 0, 0);
    return NDIS_STATUS_SUCCESS;
}

#ifndef OWN_MINIPORT_CO_ACTIVATE_VC
static NDIS_STATUS NTAPI MiniportCoActivateVc(
    NDIS_HANDLE MiniportVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    UNREFERENCED_PARAMETER(CallParameters);
    return NDIS_STATUS_SUCCESS;
}
#endif

#ifndef OWN_MINIPORT_CO_DEACTIVATE_VC
static NDIS_STATUS NTAPI MiniportCoDeactivateVc(NDIS_HANDLE MiniportVcContext)
{
    UNREFERENCED_PARAMETER(MiniportVcContext);
    return NDIS_STATUS_SUCCESS;
}
#endif

/* --- the adapter ------------------------------------------------------------------------------- */

static NDIS_STATUS MiniportSetAttributes(PADAPTER Adapter)
{
    NDIS_MINIPORT_ADAPTER_ATTRIBUTES Registration = { .RegistrationAttributes = {
        .Header = {
            NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
            NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1,
            NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1,
        },
        .MiniportAdapterContext = Adapter,
        .AttributeFlags = NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK,
        .InterfaceType = NdisInterfaceInternal,
    } };
    NDIS_MINIPORT_ADAPTER_ATTRIBUTES General = { .GeneralAttributes = {
        .Header = {
            NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
            NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
            NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
        },
        .MediaType = NdisMediumAtm,
        .PhysicalMediumType = NdisPhysicalMediumUnspecified,
        .MtuSize = 9180,
        .MaxXmitLinkSpeed = 155520000,
        .XmitLinkSpeed = 155520000,
        .MaxRcvLinkSpeed = 155520000,
        .RcvLinkSpeed = 155520000,
        .MediaConnectState = MediaConnectStateConnected,
        .MediaDuplexState = MediaDuplexStateFull,
        .LookaheadSize = 9180,
        .MacOptions = NDIS_MAC_OPTION_NO_LOOPBACK,
        .AccessType = NET_IF_ACCESS_POINT_TO_POINT,
        .DirectionType = NET_IF_DIRECTION_SENDRECEIVE,
        .ConnectionType = NET_IF_CONNECTION_DEMAND,
        .IfType = IF_TYPE_ATM,
    } };
    NDIS_STATUS Status = NdisMSetMiniportAttributes(Adapter->MiniportAdapterHandle, &Registration);

    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisMSetMiniportAttributes(Adapter->MiniportAdapterHandle, &General);
    }
    return Status;
}

static NDIS_STATUS NTAPI MiniportInitializeEx(
    NDIS_HANDLE NdisMiniportHandle,
    NDIS_HANDLE MiniportDriverContext,
    PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters)
{
    PADAPTER Adapter;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(MiniportDriverContext);
    UNREFERENCED_PARAMETER(MiniportInitParameters);
    Adapter = NdisAllocateMemoryWithTagPriority(
        NdisMiniportHandle, sizeof(*Adapter), MINIPORT_POOL_TAG, NormalPoolPriority);
    if (Adapter == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    Adapter->MiniportAdapterHandle = NdisMiniportHandle;
    Status = MiniportSetAttributes(Adapter);
    if (Status != NDIS_STATUS_SUCCESS) {
        NdisFreeMemory(Adapter, 0, 0);
    }
    return Status;
}

static VOID NTAPI MiniportHaltEx(NDIS_HANDLE MiniportAdapterContext, NDIS_HALT_ACTION HaltAction)
{
    UNREFERENCED_PARAMETER(HaltAction);
    NdisFreeMemory(MiniportAdapterContext, 0, 0);
}

/* --- nothing to do, or not supported: every handler has to be there ------------------------------ */

static NDIS_STATUS NTAPI MiniportPause(NDIS_HANDLE, PNDIS_MINIPORT_PAUSE_PARAMETERS)
{
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI MiniportRestart(NDIS_HANDLE, PNDIS_MINIPORT_RESTART_PARAMETERS)
{
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI MiniportShutdownEx(NDIS_HANDLE, NDIS_SHUTDOWN_ACTION)
{
}

static VOID NTAPI MiniportDevicePnPEventNotify(NDIS_HANDLE, PNET_DEVICE_PNP_EVENT)
{
}

static NDIS_STATUS NTAPI MiniportOidRequest(NDIS_HANDLE, PNDIS_OID_REQUEST)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI MiniportCancelOidRequest(NDIS_HANDLE, PVOID)
{
}

static VOID NTAPI MiniportSendNetBufferLists(NDIS_HANDLE, PNET_BUFFER_LIST, NDIS_PORT_NUMBER, ULONG)
{
}

static VOID NTAPI MiniportReturnNetBufferLists(NDIS_HANDLE, PNET_BUFFER_LIST, ULONG)
{
}

static VOID NTAPI MiniportCancelSend(NDIS_HANDLE, PVOID)
{
}

static VOID NTAPI MiniportCoSendNetBufferLists(NDIS_HANDLE, PNET_BUFFER_LIST, ULONG)
{
}

static NDIS_STATUS NTAPI MiniportCoOidRequest(NDIS_HANDLE, NDIS_HANDLE, PNDIS_OID_REQUEST)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

/* --- registration ------------------------------------------------------------------------------ */

static NDIS_MINIPORT_CO_CHARACTERISTICS MiniportCoHandlers = {
    .Header = {
        NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS,
        NDIS_MINIPORT_CO_CHARACTERISTICS_REVISION_1,
        NDIS_SIZEOF_MINIPORT_CO_CHARACTERISTICS_REVISION_1,
    },
    .CoCreateVcHandler = MiniportCoCreateVc,
    .CoDeleteVcHandler = MiniportCoDeleteVc,
    .CoActivateVcHandler = MiniportCoActivateVc,
    .CoDeactivateVcHandler = MiniportCoDeactivateVc,
    .CoSendNetBufferListsHandler = MiniportCoSendNetBufferLists,
    .CoOidRequestHandler = MiniportCoOidRequest,
};

static NDIS_STATUS NTAPI MiniportSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    UNREFERENCED_PARAMETER(DriverContext);
    return NdisSetOptionalHandlers(NdisDriverHandle, &MiniportCoHandlers.Header);
}

static VOID NTAPI MiniportDriverUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisMDeregisterMiniportDriver(MiniportDriverHandle);
}

static NDIS_MINIPORT_DRIVER_CHARACTERISTICS MiniportCharacteristics = {
    .Header = {
        NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS,
        NDIS_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2,
        NDIS_SIZEOF_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2,
    },
    .MajorNdisVersion = 6,
    .MinorNdisVersion = 20,
    .MajorDriverVersion = 1,
    .SetOptionsHandler = MiniportSetOptions,
    .InitializeHandlerEx = MiniportInitializeEx,
    .HaltHandlerEx = MiniportHaltEx,
    .UnloadHandler = MiniportDriverUnload,
    .PauseHandler = MiniportPause,
    .RestartHandler = MiniportRestart,
    .OidRequestHandler = MiniportOidRequest,
    .SendNetBufferListsHandler = MiniportSendNetBufferLists,
    .ReturnNetBufferListsHandler = MiniportReturnNetBufferLists,
    .CancelSendHandler = MiniportCancelSend,
    .DevicePnPEventNotifyHandler = MiniportDevicePnPEventNotify,
    .ShutdownHandlerEx = MiniportShutdownEx,
    .CancelOidRequestHandler = MiniportCancelOidRequest,
};

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return NdisMRegisterMiniportDriver(
        DriverObject, RegistryPath, NULL, &MiniportCharacteristics, &MiniportDriverHandle);
}

#endif /* SKELETON_MINIPORT_H */
