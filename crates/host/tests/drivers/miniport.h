/*
 * What the miniport drivers among the test drivers share: registration, one adapter, its end. A driver defines the functions
 * that are declared here and not defined. Everything it has to say it prints.
 */
#ifndef TEST_MINIPORT_H
#define TEST_MINIPORT_H

#include "handlers.h"

static NDIS_HANDLE TestDriver;
static NDIS_HANDLE TestAdapter;
/* Its address is the context of the adapter. */
static ULONG TestAdapterContext;

/* Puts the driver's own handlers into a table that is otherwise full, and sets further tables. */
static NDIS_STATUS TestSetHandlers(NDIS_HANDLE Driver, NDIS_MINIPORT_CO_CHARACTERISTICS *Co);
/* The adapter has its attributes. */
static NDIS_STATUS TestInitialized(VOID);

static NDIS_STATUS NTAPI TestSetOptions(NDIS_HANDLE Driver, NDIS_HANDLE Context)
{
    NDIS_MINIPORT_CO_CHARACTERISTICS Co;

    UNREFERENCED_PARAMETER(Context);
    NdisZeroMemory(&Co, sizeof(Co));
    Co.Header.Type = NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS;
    Co.Header.Revision = NDIS_MINIPORT_CO_CHARACTERISTICS_REVISION_1;
    Co.Header.Size = NDIS_SIZEOF_MINIPORT_CO_CHARACTERISTICS_REVISION_1;
    Co.CoActivateVcHandler = (PVOID)TestNotUsed;
    Co.CoDeactivateVcHandler = (PVOID)TestNotUsed;
    Co.CoSendNetBufferListsHandler = (PVOID)TestNotUsed;
    Co.CoOidRequestHandler = (PVOID)TestNotUsed;
    return TestSetHandlers(Driver, &Co);
}

static NDIS_STATUS NTAPI TestInitialize(
    NDIS_HANDLE Adapter,
    NDIS_HANDLE Context,
    PNDIS_MINIPORT_INIT_PARAMETERS Parameters)
{
    NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES Registration;
    NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES General;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Parameters);
    TestAdapter = Adapter;
    NdisZeroMemory(&Registration, sizeof(Registration));
    Registration.Header.Type = NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES;
    Registration.Header.Revision = NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1;
    Registration.Header.Size = NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1;
    Registration.MiniportAdapterContext = &TestAdapterContext;
    Status = NdisMSetMiniportAttributes(Adapter, (PVOID)&Registration);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    NdisZeroMemory(&General, sizeof(General));
    General.Header.Type = NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES;
    General.Header.Revision = NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2;
    General.Header.Size = NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2;
    General.MediaType = NdisMediumCoWan;
    Status = NdisMSetMiniportAttributes(Adapter, (PVOID)&General);
    return Status != NDIS_STATUS_SUCCESS ? Status : TestInitialized();
}

/* For a halt, a pause, a restart: nothing is to be done. */
static NDIS_STATUS NTAPI TestNothing(VOID)
{
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI TestUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisMDeregisterMiniportDriver(TestDriver);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_MINIPORT_DRIVER_CHARACTERISTICS Characteristics;

    NdisZeroMemory(&Characteristics, sizeof(Characteristics));
    Characteristics.Header.Type = NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS;
    Characteristics.Header.Revision = NDIS_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.Header.Size = NDIS_SIZEOF_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2;
    TestFill(&Characteristics.InitializeHandlerEx, &Characteristics.CancelOidRequestHandler);
    Characteristics.MajorNdisVersion = 6;
    Characteristics.MinorNdisVersion = 20;
    Characteristics.MajorDriverVersion = 1;
    Characteristics.SetOptionsHandler = TestSetOptions;
    Characteristics.InitializeHandlerEx = TestInitialize;
    Characteristics.HaltHandlerEx = (PVOID)TestNothing;
    Characteristics.UnloadHandler = TestUnload;
    Characteristics.PauseHandler = (PVOID)TestNothing;
    Characteristics.RestartHandler = (PVOID)TestNothing;
    return NdisMRegisterMiniportDriver(DriverObject, RegistryPath, NULL, &Characteristics, &TestDriver);
}

#endif
