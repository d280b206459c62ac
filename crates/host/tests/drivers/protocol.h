/*
 * What the protocol drivers among the test drivers share: registration, one binding, its end. A driver defines
 * TEST_NAME, the name of the protocol, and the functions that are declared here and not defined. Everything it has to say it prints.
 */
#ifndef TEST_PROTOCOL_H
#define TEST_PROTOCOL_H

#include "handlers.h"

static NDIS_HANDLE TestProtocol;
static NDIS_HANDLE TestBinding;
/* Its address is the context of the binding. */
static ULONG TestBindingContext;

/* Supplies the optional handlers. */
static NDIS_STATUS TestSetHandlers(NDIS_HANDLE Driver);
/* The adapter is open. */
static NDIS_STATUS TestBound(VOID);
/* It is to be closed. */
static VOID TestUnbound(VOID);

/* Begins NDIS_CO_CLIENT_OPTIONAL_HANDLERS. */
static __attribute__((unused)) VOID TestBeginClient(NDIS_CO_CLIENT_OPTIONAL_HANDLERS *Cl)
{
    NdisZeroMemory(Cl, sizeof(*Cl));
    Cl->Header.Type = NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS;
    Cl->Header.Revision = NDIS_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1;
    Cl->Header.Size = NDIS_SIZEOF_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1;
    TestFill(&Cl->ClCreateVcHandler, &Cl->ClNotifyCloseAfHandler);
}

/* Sets NDIS_PROTOCOL_CO_CHARACTERISTICS. */
static NDIS_STATUS TestSetCo(NDIS_HANDLE Driver, CO_AF_REGISTER_NOTIFY_HANDLER Offered)
{
    NDIS_PROTOCOL_CO_CHARACTERISTICS Co;

    NdisZeroMemory(&Co, sizeof(Co));
    Co.Header.Type = NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS;
    Co.Header.Revision = NDIS_PROTOCOL_CO_CHARACTERISTICS_REVISION_1;
    Co.Header.Size = NDIS_SIZEOF_PROTOCOL_CO_CHARACTERISTICS_REVISION_1;
    Co.CoStatusHandlerEx = (PVOID)TestNotUsed;
    Co.CoAfRegisterNotifyHandler = Offered;
    Co.CoReceiveNetBufferListsHandler = (PVOID)TestNotUsed;
    Co.CoSendNetBufferListsCompleteHandler = (PVOID)TestNotUsed;
    return NdisSetOptionalHandlers(Driver, &Co.Header);
}

static NDIS_STATUS NTAPI TestSetOptions(NDIS_HANDLE Driver, NDIS_HANDLE Context)
{
    UNREFERENCED_PARAMETER(Context);
    return TestSetHandlers(Driver);
}

static NDIS_STATUS NTAPI TestBind(NDIS_HANDLE Context, NDIS_HANDLE BindContext, PNDIS_BIND_PARAMETERS Parameters)
{
    NDIS_OPEN_PARAMETERS Open;
    NDIS_MEDIUM Medium = NdisMediumCoWan;
    UINT Selected;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(Context);
    NdisZeroMemory(&Open, sizeof(Open));
    Open.Header.Type = NDIS_OBJECT_TYPE_OPEN_PARAMETERS;
    Open.Header.Revision = NDIS_OPEN_PARAMETERS_REVISION_1;
    Open.Header.Size = NDIS_SIZEOF_OPEN_PARAMETERS_REVISION_1;
    Open.AdapterName = Parameters->AdapterName;
    Open.MediumArray = &Medium;
    Open.MediumArraySize = 1;
    Open.SelectedMediumIndex = &Selected;
    Status = NdisOpenAdapterEx(TestProtocol, &TestBindingContext, &Open, BindContext, &TestBinding);
    return Status != NDIS_STATUS_SUCCESS ? Status : TestBound();
}

static NDIS_STATUS NTAPI TestUnbind(NDIS_HANDLE UnbindContext, NDIS_HANDLE Context)
{
    UNREFERENCED_PARAMETER(UnbindContext);
    UNREFERENCED_PARAMETER(Context);
    TestUnbound();
    return NdisCloseAdapterEx(TestBinding);
}

static NDIS_STATUS NTAPI TestPnpEvent(NDIS_HANDLE Context, PNET_PNP_EVENT_NOTIFICATION Event)
{
    UNREFERENCED_PARAMETER(Context);
    DbgPrint("event %d\n", Event->NetPnPEvent.NetEvent);
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI TestUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisDeregisterProtocolDriver(TestProtocol);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS Characteristics;
    NDIS_STRING Name;

    UNREFERENCED_PARAMETER(RegistryPath);
    NdisInitUnicodeString(&Name, TEST_NAME);
    DriverObject->DriverUnload = TestUnload;
    NdisZeroMemory(&Characteristics, sizeof(Characteristics));
    Characteristics.Header.Type = NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS;
    Characteristics.Header.Revision = NDIS_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.Header.Size = NDIS_SIZEOF_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.MajorNdisVersion = 6;
    Characteristics.MinorNdisVersion = 20;
    Characteristics.Name = Name;
    Characteristics.SetOptionsHandler = TestSetOptions;
    Characteristics.BindAdapterHandlerEx = TestBind;
    Characteristics.UnbindAdapterHandlerEx = TestUnbind;
    Characteristics.OpenAdapterCompleteHandlerEx = (PVOID)TestNotUsed;
    Characteristics.CloseAdapterCompleteHandlerEx = (PVOID)TestNotUsed;
    Characteristics.NetPnPEventHandler = TestPnpEvent;
    Characteristics.OidRequestCompleteHandler = (PVOID)TestNotUsed;
    Characteristics.StatusHandlerEx = (PVOID)TestNotUsed;
    Characteristics.ReceiveNetBufferListsHandler = (PVOID)TestNotUsed;
    Characteristics.SendNetBufferListsCompleteHandler = (PVOID)TestNotUsed;
    return NdisRegisterProtocolDriver(NULL, &Characteristics, &TestProtocol);
}

#endif
