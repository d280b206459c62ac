/*
 * A client that sets its handlers again for its one binding, with other functions for what completes. It opens the first
 * address family that it is offered and closes it at once, or, with the registry value Calls, after a call with two
 * parties. tests/samples.rs and tests/connections.rs say which functions must be called. Built by build.sh.
 */

#define TEST_NAME L"OVERRIDE"
#include "protocol.h"
#include "parameters.h"
#include "registry.h"

static NDIS_HANDLE Af, Sap, Vc, First, Second;
static ULONG AfContext, SapContext, VcContext, FirstContext, SecondContext;
static CO_SAP Specification = { 0x8000, 1, { 1 } };
static TEST_PARAMETERS Parameters;

static VOID CloseAf(VOID)
{
    NDIS_STATUS Status = NdisClCloseAddressFamily(Af);

    DbgPrint("close: 0x%x\n", Status);
}

/* What follows when something is complete. */

static VOID Registered(PCSTR Whose, NDIS_STATUS Status)
{
    DbgPrint("%s sap: 0x%x\n", Whose, Status);
    Status = NdisCoCreateVc(TestBinding, Af, &VcContext, &Vc);
    TestFillParameters(&Parameters);
    Status = NdisClMakeCall(Vc, &Parameters.Call, &FirstContext, &First);
    DbgPrint("call: 0x%x\n", Status);
}

static VOID Made(PCSTR Whose, NDIS_STATUS Status)
{
    DbgPrint("%s call: 0x%x\n", Whose, Status);
    Status = NdisClAddParty(Vc, &SecondContext, &Parameters.Call, &Second);
    DbgPrint("party: 0x%x\n", Status);
}

static VOID Added(PCSTR Whose, NDIS_STATUS Status)
{
    DbgPrint("%s party: 0x%x\n", Whose, Status);
    Status = NdisClDropParty(Second, NULL, 0);
    DbgPrint("drop: 0x%x\n", Status);
}

static VOID Dropped(PCSTR Whose, NDIS_STATUS Status)
{
    DbgPrint("%s drop: 0x%x\n", Whose, Status);
    Status = NdisClCloseCall(Vc, First, NULL, 0);
    DbgPrint("close call: 0x%x\n", Status);
}

static VOID CallClosed(PCSTR Whose, NDIS_STATUS Status)
{
    DbgPrint("%s close of call: 0x%x\n", Whose, Status);
    Status = NdisCoDeleteVc(Vc);
    Status = NdisClDeregisterSap(Sap);
    DbgPrint("deregister: 0x%x\n", Status);
}

static VOID Deregistered(PCSTR Whose, NDIS_STATUS Status)
{
    DbgPrint("%s end of sap: 0x%x\n", Whose, Status);
    CloseAf();
}

/* The handlers of the driver and of the binding. */

#define HANDLERS(Name, Whose) \
    static VOID NTAPI Name##RegisterSap(NDIS_STATUS Status, NDIS_HANDLE Context, PCO_SAP Given, NDIS_HANDLE Handle) \
    { \
        UNREFERENCED_PARAMETER(Context); \
        UNREFERENCED_PARAMETER(Given); \
        UNREFERENCED_PARAMETER(Handle); \
        Registered(Whose, Status); \
    } \
    static VOID NTAPI Name##MakeCall(NDIS_STATUS Status, NDIS_HANDLE Context, NDIS_HANDLE Party, PCO_CALL_PARAMETERS Call) \
    { \
        UNREFERENCED_PARAMETER(Context); \
        UNREFERENCED_PARAMETER(Party); \
        UNREFERENCED_PARAMETER(Call); \
        Made(Whose, Status); \
    } \
    static VOID NTAPI Name##AddParty(NDIS_STATUS Status, NDIS_HANDLE Context, NDIS_HANDLE Party, PCO_CALL_PARAMETERS Call) \
    { \
        UNREFERENCED_PARAMETER(Context); \
        UNREFERENCED_PARAMETER(Party); \
        UNREFERENCED_PARAMETER(Call); \
        Added(Whose, Status); \
    } \
    static VOID NTAPI Name##DropParty(NDIS_STATUS Status, NDIS_HANDLE Context) \
    { \
        UNREFERENCED_PARAMETER(Context); \
        Dropped(Whose, Status); \
    } \
    static VOID NTAPI Name##CloseCall(NDIS_STATUS Status, NDIS_HANDLE Context, NDIS_HANDLE Party) \
    { \
        UNREFERENCED_PARAMETER(Context); \
        UNREFERENCED_PARAMETER(Party); \
        CallClosed(Whose, Status); \
    } \
    static VOID NTAPI Name##DeregisterSap(NDIS_STATUS Status, NDIS_HANDLE Context) \
    { \
        UNREFERENCED_PARAMETER(Context); \
        Deregistered(Whose, Status); \
    } \
    static VOID NTAPI Name##CloseAf(NDIS_STATUS Status, NDIS_HANDLE Context) \
    { \
        DbgPrint(Whose ": 0x%x %d\n", Status, Context == &AfContext); \
    } \
    static NDIS_STATUS Name##SetHandlers(NDIS_HANDLE Handle) \
    { \
        NDIS_CO_CLIENT_OPTIONAL_HANDLERS Cl; \
\
        TestBeginClient(&Cl); \
        Cl.ClRegisterSapCompleteHandler = Name##RegisterSap; \
        Cl.ClMakeCallCompleteHandler = Name##MakeCall; \
        Cl.ClAddPartyCompleteHandler = Name##AddParty; \
        Cl.ClDropPartyCompleteHandler = Name##DropParty; \
        Cl.ClCloseCallCompleteHandler = Name##CloseCall; \
        Cl.ClDeregisterSapCompleteHandler = Name##DeregisterSap; \
        Cl.ClCloseAfCompleteHandler = Name##CloseAf; \
        return NdisSetOptionalHandlers(Handle, &Cl.Header); \
    }

HANDLERS(Driver, "driver's")
HANDLERS(Binding, "binding's")

static VOID NTAPI Offered(NDIS_HANDLE Context, PCO_ADDRESS_FAMILY Family)
{
    NDIS_STATUS Status = NdisClOpenAddressFamilyEx(TestBinding, Family, &AfContext, &Af);

    DbgPrint("offered: 0x%x %d\n", Status, Context == &TestBindingContext);
    if (Status != NDIS_STATUS_SUCCESS) {
        return;
    }
    if (TestReadInteger(L"Calls") == 0) {
        CloseAf();
    } else {
        Status = NdisClRegisterSap(Af, &SapContext, &Specification, &Sap);
        DbgPrint("sap: 0x%x\n", Status);
    }
}

static NDIS_STATUS TestSetHandlers(NDIS_HANDLE Driver)
{
    NDIS_STATUS Status = TestSetCo(Driver, Offered);

    return Status != NDIS_STATUS_SUCCESS ? Status : DriverSetHandlers(Driver);
}

static NDIS_STATUS TestBound(VOID)
{
    return BindingSetHandlers(TestBinding);
}

static VOID TestUnbound(VOID)
{
}
