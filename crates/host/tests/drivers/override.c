/*
 * A client that sets its handlers again for its one binding, with another function for the end of a close. It opens the
 * first address family that it is offered and closes it at once. tests/samples.rs says which function must be called.
 * Built by build.sh.
 */

#include <ndis.h>

static NDIS_HANDLE Protocol;
static NDIS_HANDLE Binding;
static NDIS_HANDLE Af;
static ULONG BindingContext, AfContext;

/* For handlers that must be there and are never called. */
static NDIS_STATUS NTAPI NotUsed(VOID)
{
    DbgPrint("a handler that is not used was called\n");
    return NDIS_STATUS_NOT_SUPPORTED;
}

static VOID NTAPI ClosedOfDriver(NDIS_STATUS Status, NDIS_HANDLE Context)
{
    DbgPrint("driver's: 0x%x %d\n", Status, Context == &AfContext);
}

static VOID NTAPI ClosedOfBinding(NDIS_STATUS Status, NDIS_HANDLE Context)
{
    DbgPrint("binding's: 0x%x %d\n", Status, Context == &AfContext);
}

static NDIS_STATUS SetClientHandlers(NDIS_HANDLE Handle, CL_CLOSE_AF_COMPLETE_HANDLER Closed)
{
    NDIS_CO_CLIENT_OPTIONAL_HANDLERS Cl;
    PVOID *Member;

    NdisZeroMemory(&Cl, sizeof(Cl));
    for (Member = (PVOID *)&Cl.ClCreateVcHandler; Member <= (PVOID *)&Cl.ClNotifyCloseAfHandler; Member++) {
        *Member = (PVOID)NotUsed;
    }
    Cl.Header.Type = NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS;
    Cl.Header.Revision = NDIS_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1;
    Cl.Header.Size = NDIS_SIZEOF_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1;
    Cl.ClCloseAfCompleteHandler = Closed;
    return NdisSetOptionalHandlers(Handle, &Cl.Header);
}

static VOID NTAPI Offered(NDIS_HANDLE Context, PCO_ADDRESS_FAMILY Family)
{
    NDIS_STATUS Status = NdisClOpenAddressFamilyEx(Binding, Family, &AfContext, &Af);

    DbgPrint("offered: 0x%x %d\n", Status, Context == &BindingContext);
    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisClCloseAddressFamily(Af);
        DbgPrint("close: 0x%x\n", Status);
    }
}

static NDIS_STATUS NTAPI SetOptions(NDIS_HANDLE Driver, NDIS_HANDLE Context)
{
    NDIS_PROTOCOL_CO_CHARACTERISTICS Co;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(Context);
    NdisZeroMemory(&Co, sizeof(Co));
    Co.Header.Type = NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS;
    Co.Header.Revision = NDIS_PROTOCOL_CO_CHARACTERISTICS_REVISION_1;
    Co.Header.Size = NDIS_SIZEOF_PROTOCOL_CO_CHARACTERISTICS_REVISION_1;
    Co.CoStatusHandlerEx = (PVOID)NotUsed;
    Co.CoAfRegisterNotifyHandler = Offered;
    Co.CoReceiveNetBufferListsHandler = (PVOID)NotUsed;
    Co.CoSendNetBufferListsCompleteHandler = (PVOID)NotUsed;
    Status = NdisSetOptionalHandlers(Driver, &Co.Header);
    return Status != NDIS_STATUS_SUCCESS ? Status : SetClientHandlers(Driver, ClosedOfDriver);
}

static NDIS_STATUS NTAPI Bind(NDIS_HANDLE Context, NDIS_HANDLE BindContext, PNDIS_BIND_PARAMETERS Parameters)
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
    Status = NdisOpenAdapterEx(Protocol, &BindingContext, &Open, BindContext, &Binding);
    return Status != NDIS_STATUS_SUCCESS ? Status : SetClientHandlers(Binding, ClosedOfBinding);
}

static NDIS_STATUS NTAPI Unbind(NDIS_HANDLE UnbindContext, NDIS_HANDLE Context)
{
    UNREFERENCED_PARAMETER(UnbindContext);
    UNREFERENCED_PARAMETER(Context);
    return NdisCloseAdapterEx(Binding);
}

static NDIS_STATUS NTAPI PnpEvent(NDIS_HANDLE Context, PNET_PNP_EVENT_NOTIFICATION Event)
{
    UNREFERENCED_PARAMETER(Context);
    DbgPrint("event %d\n", Event->NetPnPEvent.NetEvent);
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisDeregisterProtocolDriver(Protocol);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS Characteristics;
    NDIS_STRING Name = NDIS_STRING_CONST("OVERRIDE");

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
    NdisZeroMemory(&Characteristics, sizeof(Characteristics));
    Characteristics.Header.Type = NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS;
    Characteristics.Header.Revision = NDIS_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.Header.Size = NDIS_SIZEOF_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
    Characteristics.MajorNdisVersion = 6;
    Characteristics.MinorNdisVersion = 20;
    Characteristics.Name = Name;
    Characteristics.SetOptionsHandler = SetOptions;
    Characteristics.BindAdapterHandlerEx = Bind;
    Characteristics.UnbindAdapterHandlerEx = Unbind;
    Characteristics.OpenAdapterCompleteHandlerEx = (PVOID)NotUsed;
    Characteristics.CloseAdapterCompleteHandlerEx = (PVOID)NotUsed;
    Characteristics.NetPnPEventHandler = PnpEvent;
    Characteristics.OidRequestCompleteHandler = (PVOID)NotUsed;
    Characteristics.StatusHandlerEx = (PVOID)NotUsed;
    Characteristics.ReceiveNetBufferListsHandler = (PVOID)NotUsed;
    Characteristics.SendNetBufferListsCompleteHandler = (PVOID)NotUsed;
    return NdisRegisterProtocolDriver(NULL, &Characteristics, &Protocol);
}
