/*
 * protocol.h - the half of client.h and cm.h that every protocol has: registration, and an adapter
 * that is opened and closed. One of those two headers is what a driver includes; read
 * samples/bad/README.md first.
 */
#ifndef SKELETON_PROTOCOL_H
#define SKELETON_PROTOCOL_H

#include <ndis.h>

/* An adapter that is opened for a binding; the first member of what NDIS gets as the context. */
typedef struct _OPEN_ADAPTER {
    NDIS_HANDLE NdisBindingHandle;
    /* Must outlive NdisOpenAdapterEx if that pends, so it cannot be on the stack. */
    NDIS_OPEN_PARAMETERS Parameters;
    NDIS_MEDIUM MediumArray[2];
    UINT SelectedMediumIndex;
    /* The end of an open or close that pended. */
    NDIS_EVENT Completed;
    NDIS_STATUS Status;
} OPEN_ADAPTER, *POPEN_ADAPTER;

static PDRIVER_OBJECT ProtocolDriverObject;
static NDIS_HANDLE ProtocolHandle;

/* client.h and cm.h define these. */
static SET_OPTIONS ProtocolSetOptions;
static PROTOCOL_BIND_ADAPTER_EX ProtocolBindAdapterEx;
static PROTOCOL_UNBIND_ADAPTER_EX ProtocolUnbindAdapterEx;
static PROTOCOL_CO_AF_REGISTER_NOTIFY ProtocolCoAfRegisterNotify;
static PROTOCOL_CLOSE_ADAPTER_COMPLETE_EX ProtocolCloseAdapterCompleteEx;
static DRIVER_UNLOAD Unload;

/* NDIS has no work items for protocols; the kernel's take the driver object in place of a device, if
 * they are queued with IoQueueWorkItemEx. */
static PIO_WORKITEM ProtocolAllocateWorkItem(VOID)
{
    return IoAllocateWorkItem((PDEVICE_OBJECT)ProtocolDriverObject);
}

/* --- an adapter -------------------------------------------------------------------------------- */

/* From ProtocolBindAdapterEx. Waits for an open that pends. */
static NDIS_STATUS OpenAdapter(
    POPEN_ADAPTER Adapter,
    NDIS_HANDLE BindContext,
    PNDIS_BIND_PARAMETERS BindParameters)
{
    NDIS_STATUS Status;

    NdisInitializeEvent(&Adapter->Completed);
    Adapter->MediumArray[0] = NdisMediumCoWan;
    Adapter->MediumArray[1] = NdisMediumAtm;
    Adapter->Parameters.Header.Type = NDIS_OBJECT_TYPE_OPEN_PARAMETERS;
    Adapter->Parameters.Header.Revision = NDIS_OPEN_PARAMETERS_REVISION_1;
    Adapter->Parameters.Header.Size = NDIS_SIZEOF_OPEN_PARAMETERS_REVISION_1;
    Adapter->Parameters.AdapterName = BindParameters->AdapterName;
    Adapter->Parameters.MediumArray = Adapter->MediumArray;
    Adapter->Parameters.MediumArraySize = RTL_NUMBER_OF(Adapter->MediumArray);
    Adapter->Parameters.SelectedMediumIndex = &Adapter->SelectedMediumIndex;
    Status = NdisOpenAdapterEx(
        ProtocolHandle, Adapter, &Adapter->Parameters, BindContext, &Adapter->NdisBindingHandle);
    if (Status == NDIS_STATUS_PENDING) {
        NdisWaitEvent(&Adapter->Completed, 0);
        Status = Adapter->Status;
    }
    NdisResetEvent(&Adapter->Completed);
    return Status;
}

/* In an unbind, or in a bind that fails. PASSIVE_LEVEL. Waits for a close that pends. */
static inline VOID CloseAdapter(POPEN_ADAPTER Adapter)
{
    if (NdisCloseAdapterEx(Adapter->NdisBindingHandle) == NDIS_STATUS_PENDING) {
        NdisWaitEvent(&Adapter->Completed, 0);
    }
}

static VOID NTAPI ProtocolOpenAdapterCompleteEx(NDIS_HANDLE ProtocolBindingContext, NDIS_STATUS Status)
{
    POPEN_ADAPTER Adapter = ProtocolBindingContext;

    Adapter->Status = Status;
    NdisSetEvent(&Adapter->Completed);
}

#ifndef OWN_PROTOCOL_CLOSE_ADAPTER_COMPLETE_EX
static VOID NTAPI ProtocolCloseAdapterCompleteEx(NDIS_HANDLE ProtocolBindingContext)
{
    POPEN_ADAPTER Adapter = ProtocolBindingContext;

    NdisSetEvent(&Adapter->Completed);
}
#endif

/* Nothing is sent, so a pause is over at once; nothing depends on power or removal. */
static NDIS_STATUS NTAPI ProtocolNetPnPEvent(NDIS_HANDLE, PNET_PNP_EVENT_NOTIFICATION)
{
    return NDIS_STATUS_SUCCESS;
}

/* --- data, status and OID requests: none ------------------------------------------------------- */

static VOID NTAPI ProtocolOidRequestComplete(NDIS_HANDLE, PNDIS_OID_REQUEST, NDIS_STATUS)
{
}

static VOID NTAPI ProtocolStatusEx(NDIS_HANDLE, PNDIS_STATUS_INDICATION)
{
}

static VOID NTAPI ProtocolReceiveNetBufferLists(
    NDIS_HANDLE, PNET_BUFFER_LIST, NDIS_PORT_NUMBER, ULONG, ULONG)
{
}

static VOID NTAPI ProtocolSendNetBufferListsComplete(NDIS_HANDLE, PNET_BUFFER_LIST, ULONG)
{
}

static VOID NTAPI ProtocolCoStatusEx(NDIS_HANDLE, NDIS_HANDLE, PNDIS_STATUS_INDICATION)
{
}

static VOID NTAPI ProtocolCoReceiveNetBufferLists(
    NDIS_HANDLE, NDIS_HANDLE, PNET_BUFFER_LIST, ULONG, ULONG)
{
}

static VOID NTAPI ProtocolCoSendNetBufferListsComplete(NDIS_HANDLE, PNET_BUFFER_LIST, ULONG)
{
}

/* --- registration ------------------------------------------------------------------------------ */

/* What makes a protocol connection-oriented, from ProtocolSetOptions. */
static NDIS_PROTOCOL_CO_CHARACTERISTICS ProtocolCoHandlers = {
    .Header = {
        NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS,
        NDIS_PROTOCOL_CO_CHARACTERISTICS_REVISION_1,
        NDIS_SIZEOF_PROTOCOL_CO_CHARACTERISTICS_REVISION_1,
    },
    .CoStatusHandlerEx = ProtocolCoStatusEx,
    .CoAfRegisterNotifyHandler = ProtocolCoAfRegisterNotify,
    .CoReceiveNetBufferListsHandler = ProtocolCoReceiveNetBufferLists,
    .CoSendNetBufferListsCompleteHandler = ProtocolCoSendNetBufferListsComplete,
};

static NDIS_PROTOCOL_DRIVER_CHARACTERISTICS ProtocolCharacteristics = {
    .Header = {
        NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS,
        NDIS_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2,
        NDIS_SIZEOF_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2,
    },
    .MajorNdisVersion = 6,
    .MinorNdisVersion = 20,
    .MajorDriverVersion = 1,
    .SetOptionsHandler = ProtocolSetOptions,
    .BindAdapterHandlerEx = ProtocolBindAdapterEx,
    .UnbindAdapterHandlerEx = ProtocolUnbindAdapterEx,
    .OpenAdapterCompleteHandlerEx = ProtocolOpenAdapterCompleteEx,
    .CloseAdapterCompleteHandlerEx = ProtocolCloseAdapterCompleteEx,
    .NetPnPEventHandler = ProtocolNetPnPEvent,
    .OidRequestCompleteHandler = ProtocolOidRequestComplete,
    .StatusHandlerEx = ProtocolStatusEx,
    .ReceiveNetBufferListsHandler = ProtocolReceiveNetBufferLists,
    .SendNetBufferListsCompleteHandler = ProtocolSendNetBufferListsComplete,
};

/* From DriverEntry, as its last act: adapters may be bound before this returns. */
static NDIS_STATUS RegisterProtocol(PDRIVER_OBJECT DriverObject, NDIS_STRING Name)
{
    ProtocolDriverObject = DriverObject;
    DriverObject->DriverUnload = Unload;
    ProtocolCharacteristics.Name = Name;
    return NdisRegisterProtocolDriver(NULL, &ProtocolCharacteristics, &ProtocolHandle);
}

#endif /* SKELETON_PROTOCOL_H */
