/*
 * A client that uses every function of SAPs, virtual connections, calls and parties that a client has, on the first
 * address family that it is offered, and prints what it gets. tests/connections.rs has the other side, a script, which
 * changes call parameters. Built by build.sh.
 */

#define TEST_NAME L"CALLER"
#include "protocol.h"
#include "parameters.h"
#include "registry.h"

static NDIS_HANDLE Af, Sap, Vc, First, Second, Incoming;
static ULONG AfContext, SapContext, VcContext, IncomingContext, FirstContext, SecondContext;
/* Sap.SapLength is 12. */
static struct {
    CO_SAP Sap;
    UCHAR More[11];
} Specification;
static TEST_PARAMETERS Parameters;
static NDIS_STRING Name, Again;

static VOID Names(VOID)
{
    NDIS_STRING Base = NDIS_STRING_CONST("A base name of more than forty-seven bytes in the encoding UTF-8: ");
    NDIS_STATUS Status = NdisCoAssignInstanceName(Vc, &Base, &Name);

    DbgPrint("name: 0x%x %wZ, room for %d more\n", Status, &Name, Name.MaximumLength - Name.Length);
    Status = NdisCoAssignInstanceName(Vc, &Base, NULL);
    DbgPrint("named again: 0x%x\n", Status);
    NdisInitUnicodeString(&Base, L"Other");
    Status = NdisCoAssignInstanceName(Vc, &Base, &Again);
    DbgPrint("and again: 0x%x %wZ\n", Status, &Again);
}

static VOID Identifiers(VOID)
{
    struct {
        VAR_STRING String;
        UCHAR More[64];
    } Identifier;
    WCHAR Characters[32];
    UNICODE_STRING Text;
    NDIS_HANDLE Context = NULL;
    NDIS_STATUS Status;
    ULONG Index;

    NdisZeroMemory(&Identifier, sizeof(Identifier));
    Identifier.String.ulTotalSize = sizeof(VAR_STRING);
    Status = NdisCoGetTapiCallId(Vc, &Identifier.String);
    DbgPrint("identifier: 0x%x, needed %u, used %u\n", Status, Identifier.String.ulNeededSize,
             Identifier.String.ulUsedSize);
    Identifier.String.ulTotalSize = sizeof(Identifier);
    Status = NdisCoGetTapiCallId(Vc, &Identifier.String);
    DbgPrint("identifier: 0x%x, needed %u, used %u, format %u, %u bytes at %u\n", Status,
             Identifier.String.ulNeededSize, Identifier.String.ulUsedSize, Identifier.String.ulStringFormat,
             Identifier.String.ulStringSize, Identifier.String.ulStringOffset);
    for (Index = 0; Index < Identifier.String.ulStringSize; Index++) {
        Characters[Index] = ((PUCHAR)&Identifier)[Identifier.String.ulStringOffset + Index];
    }
    NdisInitUnicodeString(&Text, Characters);
    Status = NdisClGetProtocolVcContextFromTapiCallId(Text, &Context);
    DbgPrint("back: 0x%x, %u digits, own %d\n", Status, Text.Length / 2, Context == &VcContext);
    Text.Length -= 2;
    Context = NULL;
    Status = NdisClGetProtocolVcContextFromTapiCallId(Text, &Context);
    DbgPrint("of another: 0x%x, %p\n", Status, Context);
    Status = NdisCoGetTapiCallId(NULL, &Identifier.String);
    DbgPrint("of none: 0x%x\n", Status);
}

static VOID Connect(VOID)
{
    NDIS_STATUS Status;

    Specification.Sap.SapType = 0x8000;
    Specification.Sap.SapLength = 12;
    Specification.Sap.Sap[0] = 0x11;
    Specification.More[10] = 0x22;
    Status = NdisClRegisterSap(Af, &SapContext, &Specification.Sap, &Sap);
    DbgPrint("sap: 0x%x %d\n", Status, Sap != NULL);
}

static VOID NTAPI SapRegistered(NDIS_STATUS Status, NDIS_HANDLE Context, PCO_SAP Registered, NDIS_HANDLE Handle)
{
    DbgPrint("sap complete: 0x%x %d %d %d\n", Status, Context == &SapContext, Registered == &Specification.Sap,
             Handle == Sap);
    Status = NdisCoCreateVc(TestBinding, Af, &VcContext, &Vc);
    DbgPrint("vc: 0x%x %d\n", Status, Vc != NULL);
    Names();
    Identifiers();

    TestFillParameters(&Parameters);
    First = &Parameters;
    Status = NdisClMakeCall(Vc, &Parameters.Call, &FirstContext, &First);
    TestPrintParameters("call", Status, &Parameters.Call);
    DbgPrint("first party %d\n", First != NULL && First != &Parameters);
    Status = NdisClModifyCallQoS(Vc, &Parameters.Call);
    TestPrintParameters("modify", Status, &Parameters.Call);
    Status = NdisClAddParty(Vc, &SecondContext, &Parameters.Call, &Second);
    DbgPrint("second party 0x%x\n", Status);
}

static VOID NTAPI PartyAdded(NDIS_STATUS Status, NDIS_HANDLE Context, NDIS_HANDLE Handle, PCO_CALL_PARAMETERS Added)
{
    static UCHAR Data[3] = { 1, 2, 3 };

    DbgPrint("party complete: %d %d %d\n", Context == &SecondContext, Handle == Second, Added == &Parameters.Call);
    TestPrintParameters("party", Status, Added);
    Status = NdisClDropParty(First, Data, sizeof(Data));
    DbgPrint("drop: 0x%x\n", Status);
    Status = NdisClCloseCall(Vc, Second, Data, sizeof(Data));
    DbgPrint("close call: 0x%x\n", Status);
}

static VOID NTAPI CallClosed(NDIS_STATUS Status, NDIS_HANDLE Context, NDIS_HANDLE Party)
{
    DbgPrint("call closed: 0x%x %d %d\n", Status, Context == &VcContext, Party == &SecondContext);
    if (Context != &VcContext) {
        return;
    }
    Status = NdisCoDeleteVc(Vc);
    DbgPrint("delete: 0x%x\n", Status);
    NdisFreeString(Name);
    NdisFreeString(Again);
}

/* Call parameters that cannot be written. */
static const TEST_PARAMETERS Constant;
static const TEST_PARAMETERS Constant = {
    .Call = { 0, (PVOID)&Constant.Manager, (PVOID)&Constant.Media },
    .Manager = { .Transmit.PeakBandwidth = 64000, .Receive.PeakBandwidth = 64000 },
    .Media = { .MediaSpecific.Length = 48 },
};

static NDIS_STATUS NTAPI CreateVc(NDIS_HANDLE Context, NDIS_HANDLE Handle, PNDIS_HANDLE OwnContext)
{
    DbgPrint("create: %d, holds %p\n", Context == &AfContext, *OwnContext);
    Incoming = Handle;
    *OwnContext = &IncomingContext;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI DeleteVc(NDIS_HANDLE Context)
{
    DbgPrint("deleted: %d\n", Context == &IncomingContext);
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI IncomingCall(NDIS_HANDLE Context, NDIS_HANDLE OwnVcContext, PCO_CALL_PARAMETERS Offered)
{
    DbgPrint("incoming: %d %d\n", Context == &SapContext, OwnVcContext == &IncomingContext);
    TestPrintParameters("offered", NDIS_STATUS_SUCCESS, Offered);
    Offered->Flags |= CALL_PARAMETERS_CHANGED;
    Offered->CallMgrParameters->Receive.PeakBandwidth = 8000;
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI Connected(NDIS_HANDLE Context)
{
    DbgPrint("connected: %d\n", Context == &IncomingContext);
}

static VOID NTAPI QoSChanged(NDIS_HANDLE Context, PCO_CALL_PARAMETERS Changed)
{
    DbgPrint("QoS: %d\n", Context == &IncomingContext);
    TestPrintParameters("changed", NDIS_STATUS_SUCCESS, Changed);
}

static VOID NTAPI IncomingClose(NDIS_STATUS Status, NDIS_HANDLE Context, PVOID Data, UINT Size)
{
    PUCHAR Bytes = Data;

    DbgPrint("incoming close: 0x%x %d, %u bytes: %d %d\n", Status, Context == &IncomingContext, Size, Bytes[0],
             Bytes[Size - 1]);
    Status = NdisClCloseCall(Incoming, NULL, NULL, 0);
    DbgPrint("close call: 0x%x\n", Status);
}

static VOID NTAPI Offered(NDIS_HANDLE Context, PCO_ADDRESS_FAMILY Family)
{
    NDIS_STATUS Status = NdisClOpenAddressFamilyEx(TestBinding, Family, &AfContext, &Af);

    UNREFERENCED_PARAMETER(Context);
    DbgPrint("open: 0x%x\n", Status);
    if (TestReadInteger(L"ReadOnly") != 0) {
        Status = NdisCoCreateVc(TestBinding, Af, &VcContext, &Vc);
        DbgPrint("vc: 0x%x\n", Status);
        Status = NdisClMakeCall(Vc, (PCO_CALL_PARAMETERS)&Constant.Call, NULL, NULL);
        DbgPrint("call: 0x%x\n", Status);
        return;
    }
    Connect();
}

static NDIS_STATUS TestSetHandlers(NDIS_HANDLE Driver)
{
    NDIS_CO_CLIENT_OPTIONAL_HANDLERS Cl;
    NDIS_STATUS Status = TestSetCo(Driver, Offered);

    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    TestBeginClient(&Cl);
    Cl.ClCreateVcHandler = CreateVc;
    Cl.ClDeleteVcHandler = DeleteVc;
    Cl.ClRegisterSapCompleteHandler = SapRegistered;
    Cl.ClAddPartyCompleteHandler = PartyAdded;
    Cl.ClCloseCallCompleteHandler = CallClosed;
    Cl.ClIncomingCallHandler = IncomingCall;
    Cl.ClCallConnectedHandler = Connected;
    Cl.ClIncomingCallQoSChangeHandler = QoSChanged;
    Cl.ClIncomingCloseCallHandler = IncomingClose;
    return NdisSetOptionalHandlers(Driver, &Cl.Header);
}

static NDIS_STATUS TestBound(VOID)
{
    return NDIS_STATUS_SUCCESS;
}

static VOID TestUnbound(VOID)
{
    NDIS_STATUS Status = NdisClDeregisterSap(Sap);

    DbgPrint("deregister: 0x%x\n", Status);
    Status = NdisClCloseAddressFamily(Af);
    DbgPrint("close: 0x%x\n", Status);
}
