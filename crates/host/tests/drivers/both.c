/*
 * A stand-alone call manager and its own client in one driver, each side with functions of its own. It calls itself, is
 * offered a call by itself, and prints what it gets on either side. tests/connections.rs has the miniport, a script.
 * Built by build.sh.
 */

#define TEST_NAME L"BOTH"
#include "protocol.h"
#include "parameters.h"

static NDIS_HANDLE ClAf, CmAf, ClSap, CmSap, Called, CmCalled, Offered, ClOffered;
static ULONG ClAfContext, CmAfContext, ClSapContext, CmSapContext, CalledContext, CmCalledContext, OfferedContext,
    ClOfferedContext;
static CO_SAP Specification = { 1, 1, { 7 } };
static TEST_PARAMETERS Parameters, Offer;
static UCHAR Data[4];

/* The call manager's side. */

static NDIS_STATUS NTAPI CmOpenAf(NDIS_HANDLE Context, PCO_ADDRESS_FAMILY Family, NDIS_HANDLE Handle, PNDIS_HANDLE Own)
{
    DbgPrint("cm open: %d %d %p\n", Context == &TestBindingContext, Family->AddressFamily, *Own);
    CmAf = Handle;
    *Own = &CmAfContext;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI CmCloseAf(NDIS_HANDLE Context)
{
    DbgPrint("cm close: %d\n", Context == &CmAfContext);
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI CmRegisterSap(NDIS_HANDLE Context, PCO_SAP Sap, NDIS_HANDLE Handle, PNDIS_HANDLE Own)
{
    DbgPrint("cm sap: %d %d %d %p\n", Context == &CmAfContext, Sap == &Specification, Handle != ClSap, *Own);
    CmSap = Handle;
    *Own = &CmSapContext;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI CmDeregisterSap(NDIS_HANDLE Context)
{
    DbgPrint("cm sap gone: %d\n", Context == &CmSapContext);
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI CmCreateVc(NDIS_HANDLE Context, NDIS_HANDLE Handle, PNDIS_HANDLE Own)
{
    DbgPrint("cm create: %d %p\n", Context == &CmAfContext, *Own);
    CmCalled = Handle;
    *Own = &CmCalledContext;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI CmDeleteVc(NDIS_HANDLE Context)
{
    DbgPrint("cm delete: %d\n", Context == &CmCalledContext);
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI CmMakeCall(
    NDIS_HANDLE Context,
    PCO_CALL_PARAMETERS Call,
    NDIS_HANDLE Party,
    PNDIS_HANDLE PartyContext)
{
    NDIS_STATUS Status;

    DbgPrint("cm call: %d %d %p %p\n", Context == &CmCalledContext, Call == &Parameters.Call, Party, *PartyContext);
    Status = NdisCmActivateVc(CmCalled, Call);
    TestPrintParameters("activated", Status, Call);
    Call->Flags |= CALL_PARAMETERS_CHANGED;
    return Status;
}

static NDIS_STATUS NTAPI CmModify(NDIS_HANDLE Context, PCO_CALL_PARAMETERS Call)
{
    DbgPrint("cm modify: %d %d\n", Context == &CmCalledContext, Call == &Parameters.Call);
    return NdisCmActivateVc(CmCalled, Call);
}

static VOID NTAPI CmActivated(NDIS_STATUS Status, NDIS_HANDLE Context, PCO_CALL_PARAMETERS Call)
{
    DbgPrint("cm activated: %d %d\n", Context == &CmCalledContext, Call == &Parameters.Call);
    Call->Flags |= CALL_PARAMETERS_CHANGED;
    NdisCmModifyCallQoSComplete(Status, CmCalled, Call);
}

static NDIS_STATUS NTAPI CmCloseCall(NDIS_HANDLE Context, NDIS_HANDLE PartyContext, PVOID CloseData, UINT Size)
{
    NDIS_HANDLE Vc = Context == &CmCalledContext ? CmCalled : Offered;

    DbgPrint("cm close call: %d %p %d %d\n", Context == &CmCalledContext, PartyContext, CloseData == Data, Size);
    return NdisCmDeactivateVc(Vc);
}

static VOID NTAPI CmDeactivated(NDIS_STATUS Status, NDIS_HANDLE Context)
{
    NDIS_HANDLE Vc = Context == &CmCalledContext ? CmCalled : Offered;

    DbgPrint("cm deactivated: 0x%x %d\n", Status, Context == &CmCalledContext);
    NdisCmCloseCallComplete(Status, Vc, NULL);
}

static VOID NTAPI CmAnswered(NDIS_STATUS Status, NDIS_HANDLE Context, PCO_CALL_PARAMETERS Call)
{
    DbgPrint("cm answered: %d %d\n", Context == &OfferedContext, Call == &Offer.Call);
    TestPrintParameters("answer", Status, Call);
    NdisCmDispatchCallConnected(Offered);
    NdisCmDispatchIncomingCloseCall(NDIS_STATUS_FAILURE, Offered, Data, sizeof(Data));
}

static VOID OfferCall(VOID)
{
    NDIS_STATUS Status = NdisCoCreateVc(TestBinding, CmAf, &OfferedContext, &Offered);

    DbgPrint("cm vc: 0x%x\n", Status);
    TestFillParameters(&Offer);
    Status = NdisCmActivateVc(Offered, &Offer.Call);
    TestPrintParameters("activated", Status, &Offer.Call);
    Status = NdisCmDispatchIncomingCall(CmSap, Offered, &Offer.Call);
    DbgPrint("dispatch: 0x%x\n", Status);
}

/* The client's side. */

static NDIS_STATUS NTAPI ClCreateVc(NDIS_HANDLE Context, NDIS_HANDLE Handle, PNDIS_HANDLE Own)
{
    DbgPrint("cl create: %d %p\n", Context == &ClAfContext, *Own);
    ClOffered = Handle;
    *Own = &ClOfferedContext;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI ClDeleteVc(NDIS_HANDLE Context)
{
    DbgPrint("cl delete: %d\n", Context == &ClOfferedContext);
    return NDIS_STATUS_SUCCESS;
}

static VOID NTAPI ClModified(NDIS_STATUS Status, NDIS_HANDLE Context, PCO_CALL_PARAMETERS Call)
{
    DbgPrint("cl modified: %d %d\n", Context == &CalledContext, Call == &Parameters.Call);
    TestPrintParameters("modified", Status, Call);
    Status = NdisClCloseCall(Called, NULL, Data, sizeof(Data));
    DbgPrint("close call: 0x%x\n", Status);
}

static VOID NTAPI ClCallClosed(NDIS_STATUS Status, NDIS_HANDLE Context, NDIS_HANDLE PartyContext)
{
    DbgPrint("cl closed: 0x%x %d %p\n", Status, Context == &CalledContext, PartyContext);
    if (Context == &CalledContext) {
        Status = NdisCoDeleteVc(Called);
        DbgPrint("delete: 0x%x\n", Status);
        OfferCall();
    } else {
        Status = NdisCoDeleteVc(Offered);
        DbgPrint("cm's delete: 0x%x\n", Status);
    }
}

static NDIS_STATUS NTAPI ClIncomingCall(NDIS_HANDLE Context, NDIS_HANDLE VcContext, PCO_CALL_PARAMETERS Call)
{
    DbgPrint("cl incoming: %d %d %d\n", Context == &ClSapContext, VcContext == &ClOfferedContext, Call == &Offer.Call);
    Call->Flags |= CALL_PARAMETERS_CHANGED;
    Call->CallMgrParameters->Receive.PeakBandwidth = 77;
    NdisClIncomingCallComplete(NDIS_STATUS_SUCCESS, ClOffered, Call);
    return NDIS_STATUS_PENDING;
}

static VOID NTAPI ClConnected(NDIS_HANDLE Context)
{
    DbgPrint("cl connected: %d\n", Context == &ClOfferedContext);
}

static VOID NTAPI ClIncomingClose(NDIS_STATUS Status, NDIS_HANDLE Context, PVOID CloseData, UINT Size)
{
    DbgPrint("cl incoming close: 0x%x %d %d %d\n", Status, Context == &ClOfferedContext, CloseData == Data, Size);
    Status = NdisClCloseCall(ClOffered, NULL, NULL, 0);
    DbgPrint("close call: 0x%x\n", Status);
}

static VOID NTAPI AfOffered(NDIS_HANDLE Context, PCO_ADDRESS_FAMILY Family)
{
    NDIS_STATUS Status = NdisClOpenAddressFamilyEx(TestBinding, Family, &ClAfContext, &ClAf);

    DbgPrint("open: 0x%x %d\n", Status, Context == &TestBindingContext);
    Status = NdisClRegisterSap(ClAf, &ClSapContext, &Specification, &ClSap);
    DbgPrint("sap: 0x%x\n", Status);
    Status = NdisCoCreateVc(TestBinding, ClAf, &CalledContext, &Called);
    DbgPrint("vc: 0x%x\n", Status);
    TestFillParameters(&Parameters);
    Parameters.Media.Flags |= ROUND_UP_FLOW;
    Status = NdisClMakeCall(Called, &Parameters.Call, NULL, NULL);
    TestPrintParameters("call", Status, &Parameters.Call);
    Parameters.Call.Flags = 0;
    Status = NdisClModifyCallQoS(Called, &Parameters.Call);
    DbgPrint("modify: 0x%x\n", Status);
}

static NDIS_STATUS TestSetHandlers(NDIS_HANDLE Driver)
{
    NDIS_CO_CLIENT_OPTIONAL_HANDLERS Cl;
    NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS Cm;
    NDIS_STATUS Status = TestSetCo(Driver, AfOffered);

    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    TestBeginClient(&Cl);
    Cl.ClCreateVcHandler = ClCreateVc;
    Cl.ClDeleteVcHandler = ClDeleteVc;
    Cl.ClModifyCallQoSCompleteHandler = ClModified;
    Cl.ClCloseCallCompleteHandler = ClCallClosed;
    Cl.ClIncomingCallHandler = ClIncomingCall;
    Cl.ClCallConnectedHandler = ClConnected;
    Cl.ClIncomingCloseCallHandler = ClIncomingClose;
    Status = NdisSetOptionalHandlers(Driver, &Cl.Header);
    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    TestBeginCallManager(&Cm);
    Cm.CmCreateVcHandler = CmCreateVc;
    Cm.CmDeleteVcHandler = CmDeleteVc;
    Cm.CmOpenAfHandler = CmOpenAf;
    Cm.CmCloseAfHandler = CmCloseAf;
    Cm.CmRegisterSapHandler = CmRegisterSap;
    Cm.CmDeregisterSapHandler = CmDeregisterSap;
    Cm.CmMakeCallHandler = CmMakeCall;
    Cm.CmModifyCallQoSHandler = CmModify;
    Cm.CmCloseCallHandler = CmCloseCall;
    Cm.CmIncomingCallCompleteHandler = CmAnswered;
    Cm.CmActivateVcCompleteHandler = CmActivated;
    Cm.CmDeactivateVcCompleteHandler = CmDeactivated;
    return NdisSetOptionalHandlers(Driver, &Cm.Header);
}

static NDIS_STATUS TestBound(VOID)
{
    CO_ADDRESS_FAMILY Family = { CO_ADDRESS_FAMILY_Q2931, 3, 1 };

    return NdisCmRegisterAddressFamilyEx(TestBinding, &Family);
}

static VOID TestUnbound(VOID)
{
    NDIS_STATUS Status = NdisClDeregisterSap(ClSap);

    DbgPrint("deregister: 0x%x\n", Status);
    Status = NdisClCloseAddressFamily(ClAf);
    DbgPrint("close: 0x%x\n", Status);
}
