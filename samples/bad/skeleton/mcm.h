/*
 * mcm.h - skeleton of a miniport call manager (MCM). Correct as it stands; a faulty driver replaces
 * one part of it, see samples/bad/README.md. For how a good MCM is written read samples/good/mcm.
 *
 * The context of an adapter is its port (call_manager.h); there is nothing more to it.
 */
#ifndef SKELETON_MCM_H
#define SKELETON_MCM_H

#include "call_manager.h"

/* The TAPI proxy has call parameters of its own, which the calls here do without. */
#ifdef CM_CALLS
#define MCM_ADDRESS_FAMILY CO_ADDRESS_FAMILY_PPP
#else
#define MCM_ADDRESS_FAMILY CO_ADDRESS_FAMILY_TAPI_PROXY
#endif

static NDIS_HANDLE MiniportDriverHandle;

DRIVER_INITIALIZE DriverEntry;
static SET_OPTIONS MiniportSetOptions;
static MINIPORT_INITIALIZE MiniportInitializeEx;
static MINIPORT_HALT MiniportHaltEx;
static MINIPORT_UNLOAD MiniportDriverUnload;
static MINIPORT_DEVICE_PNP_EVENT_NOTIFY MiniportDevicePnPEventNotify;

static PCM_PORT CmPortOf(NDIS_HANDLE CallMgrBindingContext)
{
    return CallMgrBindingContext; /* for an MCM its MiniportAdapterContext */
}

#ifdef CM_CALLS
/* Without a miniport below, there is nothing to be done to a VC but to tell NDIS. */
static inline NDIS_STATUS CmNdisCreateVc(PCM_VC Vc)
{
    return NdisMCmCreateVc(Vc->Af->Port->NdisHandle, Vc->Af->NdisAfHandle, Vc, &Vc->NdisVcHandle);
}

static inline NDIS_STATUS CmNdisDeleteVc(PCM_VC Vc)
{
    return NdisMCmDeleteVc(Vc->NdisVcHandle);
}

static inline NDIS_STATUS CmNdisActivateVc(PCM_VC Vc, PCO_CALL_PARAMETERS CallParameters)
{
    return NdisMCmActivateVc(Vc->NdisVcHandle, CallParameters);
}

static inline NDIS_STATUS CmNdisDeactivateVc(PCM_VC Vc)
{
    return NdisMCmDeactivateVc(Vc->NdisVcHandle);
}
#endif

/* --- the adapter ------------------------------------------------------------------------------- */

static NDIS_STATUS McmSetAttributes(PCM_PORT Port)
{
    NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES Registration;
    NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES General;
    NDIS_STATUS Status;

    NdisZeroMemory(&Registration, sizeof(Registration));
    Registration.Header.Type = NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES;
    Registration.Header.Revision = NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1;
    Registration.Header.Size = NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1;
    Registration.MiniportAdapterContext = Port;
    Registration.AttributeFlags = NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK;
    Registration.InterfaceType = NdisInterfaceInternal;
    Status = NdisMSetMiniportAttributes(
        Port->NdisHandle, (PNDIS_MINIPORT_ADAPTER_ATTRIBUTES)&Registration);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    NdisZeroMemory(&General, sizeof(General));
    General.Header.Type = NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES;
    General.Header.Revision = NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2;
    General.Header.Size = NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2;
    General.MediaType = NdisMediumCoWan;
    General.PhysicalMediumType = NdisPhysicalMediumUnspecified;
    General.MtuSize = 1500;
    General.MaxXmitLinkSpeed = General.XmitLinkSpeed = 64000;
    General.MaxRcvLinkSpeed = General.RcvLinkSpeed = 64000;
    General.MediaConnectState = MediaConnectStateConnected;
    General.MediaDuplexState = MediaDuplexStateFull;
    General.LookaheadSize = 1500;
    General.MacOptions = NDIS_MAC_OPTION_NO_LOOPBACK;
    General.AccessType = NET_IF_ACCESS_POINT_TO_POINT;
    General.DirectionType = NET_IF_DIRECTION_SENDRECEIVE;
    General.ConnectionType = NET_IF_CONNECTION_DEMAND;
    General.IfType = IF_TYPE_PPP;
    return NdisMSetMiniportAttributes(
        Port->NdisHandle, (PNDIS_MINIPORT_ADAPTER_ATTRIBUTES)&General);
}

static VOID McmFreeAdapter(PCM_PORT Port)
{
    NdisFreeSpinLock(&Port->Lock);
    NdisFreeMemory(Port, 0, 0);
}

static NDIS_STATUS NTAPI MiniportInitializeEx(
    NDIS_HANDLE NdisMiniportHandle,
    NDIS_HANDLE MiniportDriverContext,
    PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters)
{
    CO_ADDRESS_FAMILY Family = { MCM_ADDRESS_FAMILY, 1, 0 };
    PCM_PORT Port;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(MiniportDriverContext);
    UNREFERENCED_PARAMETER(MiniportInitParameters);
    Port = NdisAllocateMemoryWithTagPriority(
        NdisMiniportHandle, sizeof(*Port), CM_POOL_TAG, NormalPoolPriority);
    if (Port == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    NdisZeroMemory(Port, sizeof(*Port));
    CmInitializePort(Port, NdisMiniportHandle);
    Status = McmSetAttributes(Port);
    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisMCmRegisterAddressFamilyEx(NdisMiniportHandle, &Family);
    }
    if (Status != NDIS_STATUS_SUCCESS) {
        McmFreeAdapter(Port);
    }
    return Status;
}

#ifndef OWN_MINIPORT_HALT_EX
/* Asks the clients that still have an AF open, and waits until all are closed. */
static VOID NTAPI MiniportHaltEx(NDIS_HANDLE MiniportAdapterContext, NDIS_HALT_ACTION HaltAction)
{
    PCM_PORT Port = MiniportAdapterContext;

    UNREFERENCED_PARAMETER(HaltAction);
    CmClosePort(Port);
    CmNotifyAll(Port);
    CmWaitForAfs(Port);
    McmFreeAdapter(Port);
}
#endif

#ifndef OWN_MINIPORT_DEVICE_PNP_EVENT_NOTIFY
/* The clients are still bound when the hardware disappears; ask them without waiting. */
static VOID NTAPI MiniportDevicePnPEventNotify(
    NDIS_HANDLE MiniportAdapterContext,
    PNET_DEVICE_PNP_EVENT NetDevicePnPEvent)
{
    if (NetDevicePnPEvent->DevicePnPEvent == NdisDevicePnPEventSurpriseRemoved) {
        CmNotifyAll(MiniportAdapterContext);
    }
}
#endif

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

static NDIS_STATUS NTAPI MiniportCoActivateVc(NDIS_HANDLE, PCO_CALL_PARAMETERS)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static NDIS_STATUS NTAPI MiniportCoDeactivateVc(NDIS_HANDLE)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI MiniportCoSendNetBufferLists(NDIS_HANDLE, PNET_BUFFER_LIST, ULONG)
{
}

static NDIS_STATUS NTAPI MiniportCoOidRequest(NDIS_HANDLE, NDIS_HANDLE, PNDIS_OID_REQUEST)
{
    return NDIS_STATUS_NOT_SUPPORTED;
}

/* --- registration ------------------------------------------------------------------------------ */

static NDIS_MINIPORT_CO_CHARACTERISTICS McmCoHandlers = {
    .Header = {
        NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS,
        NDIS_MINIPORT_CO_CHARACTERISTICS_REVISION_1,
        NDIS_SIZEOF_MINIPORT_CO_CHARACTERISTICS_REVISION_1,
    },
    .CoActivateVcHandler = MiniportCoActivateVc,
    .CoDeactivateVcHandler = MiniportCoDeactivateVc,
    .CoSendNetBufferListsHandler = MiniportCoSendNetBufferLists,
    .CoOidRequestHandler = MiniportCoOidRequest,
};

static NDIS_STATUS NTAPI MiniportSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    NDIS_STATUS Status = NdisSetOptionalHandlers(NdisDriverHandle, &McmCoHandlers.Header);

    UNREFERENCED_PARAMETER(DriverContext);
    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisSetOptionalHandlers(NdisDriverHandle, &CmHandlers.Header);
    }
    return Status;
}

#ifndef OWN_MINIPORT_DRIVER_UNLOAD
static VOID NTAPI MiniportDriverUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisMDeregisterMiniportDriver(MiniportDriverHandle);
}
#endif

static NDIS_MINIPORT_DRIVER_CHARACTERISTICS McmCharacteristics = {
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
        DriverObject, RegistryPath, NULL, &McmCharacteristics, &MiniportDriverHandle);
}

#endif /* SKELETON_MCM_H */
