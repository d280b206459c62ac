/*
 * An MCM with one client that uses every function of SAPs, virtual connections, calls and parties that an MCM has, and prints
 * what it gets. It completes everything, before the handler has returned. What the far end does comes with changes of the
 * quality of service. tests/connections.rs has the client, a script. Built by build.sh.
 */

#include "miniport.h"
#include "parameters.h"

static NDIS_HANDLE Af, Sap, Vc, FirstParty, SecondParty, Offered;
static ULONG AfContext, SapContext, VcContext, FirstContext, SecondContext, OfferedContext;
static TEST_PARAMETERS Offer;
static UCHAR Data[2] = { 5, 6 };
static NDIS_HANDLE WorkItem;

static NDIS_STATUS NTAPI OpenAf(NDIS_HANDLE Context, PCO_ADDRESS_FAMILY Family, NDIS_HANDLE Handle, PNDIS_HANDLE Own)
{
    DbgPrint("open: %d 0x%x\n", Context == &TestAdapterContext, Family->AddressFamily);
    Af = Handle;
    *Own = &AfContext;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI CloseAf(NDIS_HANDLE Context)
{
    DbgPrint("close: %d\n", Context == &AfContext);
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI RegisterSap(NDIS_HANDLE Context, PCO_SAP Specification, NDIS_HANDLE Handle, PNDIS_HANDLE Own)
{
    DbgPrint("sap: %d, type 0x%x, %u bytes: %d %d, %p\n", Context == &AfContext, Specification->SapType,
             Specification->SapLength, Specification->Sap[0], Specification->Sap[1], *Own);
    Sap = Handle;
    NdisMCmRegisterSapComplete(NDIS_STATUS_SUCCESS, Handle, &SapContext);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS NTAPI DeregisterSap(NDIS_HANDLE Context)
{
    DbgPrint("sap gone: %d\n", Context == &SapContext);
    NdisMCmDeregisterSapComplete(NDIS_STATUS_SUCCESS, Sap);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS NTAPI CreateVc(NDIS_HANDLE Context, NDIS_HANDLE Handle, PNDIS_HANDLE Own)
{
    DbgPrint("create: %d %p\n", Context == &AfContext, *Own);
    Vc = Handle;
    *Own = &VcContext;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI DeleteVc(NDIS_HANDLE Context)
{
    DbgPrint("delete: %d\n", Context == &VcContext);
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI MakeCall(
    NDIS_HANDLE Context,
    PCO_CALL_PARAMETERS Call,
    NDIS_HANDLE Party,
    PNDIS_HANDLE PartyContext)
{
    NDIS_STATUS Status;

    DbgPrint("call: %d %d %p\n", Context == &VcContext, Party != NULL, *PartyContext);
    TestPrintParameters("asked", NDIS_STATUS_SUCCESS, Call);
    FirstParty = Party;
    Call->Flags |= CALL_PARAMETERS_CHANGED;
    Call->CallMgrParameters->Transmit.PeakBandwidth = 100;
    Status = NdisMCmActivateVc(Vc, Call);
    NdisMCmMakeCallComplete(Status, Vc, Party, &FirstContext, Call);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS NTAPI AddParty(
    NDIS_HANDLE Context,
    PCO_CALL_PARAMETERS Call,
    NDIS_HANDLE Party,
    PNDIS_HANDLE PartyContext)
{
    DbgPrint("party: %d %d %p\n", Context == &VcContext, Party != FirstParty, *PartyContext);
    TestPrintParameters("asked", NDIS_STATUS_SUCCESS, Call);
    SecondParty = Party;
    NdisMCmAddPartyComplete(NDIS_STATUS_SUCCESS, Party, &SecondContext, Call);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS NTAPI DropParty(NDIS_HANDLE Context, PVOID CloseData, UINT Size)
{
    DbgPrint("drop: %d %d %u\n", Context == &SecondContext, CloseData != NULL, Size);
    NdisMCmDropPartyComplete(NDIS_STATUS_SUCCESS, SecondParty);
    return NDIS_STATUS_PENDING;
}

static VOID OfferCall(VOID)
{
    NDIS_STATUS Status = NdisMCmCreateVc(TestAdapter, Af, &OfferedContext, &Offered);

    DbgPrint("own vc: 0x%x\n", Status);
    TestFillParameters(&Offer);
    TEST_TAPI_FLAGS(&Offer.Media) = 2;
    Status = NdisMCmActivateVc(Offered, &Offer.Call);
    DbgPrint("activate: 0x%x\n", Status);
    Status = NdisMCmDispatchIncomingCall(Sap, Offered, &Offer.Call);
    TestPrintParameters("answer", Status, &Offer.Call);
    NdisMCmDispatchCallConnected(Offered);
    Offer.Manager.Transmit.PeakBandwidth = 300;
    Offer.Call.Flags = CALL_PARAMETERS_CHANGED;
    NdisMCmDispatchIncomingCallQoSChange(Offered, &Offer.Call);
    NdisMCmDispatchIncomingCloseCall(NDIS_STATUS_FAILURE, Offered, Data, sizeof(Data));
}

static NDIS_STATUS NTAPI Modify(NDIS_HANDLE Context, PCO_CALL_PARAMETERS Call)
{
    NDIS_STATUS Status;

    DbgPrint("modify: %d\n", Context == &VcContext);
    TestPrintParameters("asked", NDIS_STATUS_SUCCESS, Call);
    Call->Flags |= CALL_PARAMETERS_CHANGED;
    Call->CallMgrParameters->Receive.PeakBandwidth = 200;
    Status = NdisMCmActivateVc(Vc, Call);
    switch (Call->CallMgrParameters->Transmit.PeakBandwidth) {
    case 1: /* at once */
        return Status;
    case 2: /* and the far end drops a party */
        NdisMCmModifyCallQoSComplete(Status, Vc, Call);
        NdisMCmDispatchIncomingDropParty(NDIS_STATUS_FAILURE, SecondParty, Data, sizeof(Data));
        return NDIS_STATUS_PENDING;
    default: /* and the far end calls */
        NdisMCmModifyCallQoSComplete(Status, Vc, Call);
        OfferCall();
        return NDIS_STATUS_PENDING;
    }
}

static VOID NTAPI DeleteOffered(PVOID Context, NDIS_HANDLE Item)
{
    NDIS_STATUS Status = NdisMCmDeleteVc(Offered);

    UNREFERENCED_PARAMETER(Context);
    DbgPrint("own vc: 0x%x\n", Status);
    NdisFreeIoWorkItem(Item);
}

static NDIS_STATUS NTAPI CloseCall(NDIS_HANDLE Context, NDIS_HANDLE PartyContext, PVOID CloseData, UINT Size)
{
    NDIS_STATUS Status;

    DbgPrint("close call: %d %d %d %u\n", Context == &VcContext, PartyContext == &FirstContext, CloseData != NULL, Size);
    if (Context == &VcContext) {
        Status = NdisMCmDeactivateVc(Vc);
        NdisMCmCloseCallComplete(Status, Vc, FirstParty);
    } else {
        Status = NdisMCmDeactivateVc(Offered);
        NdisMCmCloseCallComplete(Status, Offered, NULL);
        WorkItem = NdisAllocateIoWorkItem(TestAdapter);
        NdisQueueIoWorkItem(WorkItem, DeleteOffered, NULL);
    }
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS TestSetHandlers(NDIS_HANDLE Driver, NDIS_MINIPORT_CO_CHARACTERISTICS *Co)
{
    NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS Cm;
    NDIS_STATUS Status = NdisSetOptionalHandlers(Driver, &Co->Header);

    if (Status != NDIS_STATUS_SUCCESS) {
        return Status;
    }
    TestBeginCallManager(&Cm);
    Cm.CmCreateVcHandler = CreateVc;
    Cm.CmDeleteVcHandler = DeleteVc;
    Cm.CmOpenAfHandler = OpenAf;
    Cm.CmCloseAfHandler = CloseAf;
    Cm.CmRegisterSapHandler = RegisterSap;
    Cm.CmDeregisterSapHandler = DeregisterSap;
    Cm.CmMakeCallHandler = MakeCall;
    Cm.CmCloseCallHandler = CloseCall;
    Cm.CmAddPartyHandler = AddParty;
    Cm.CmDropPartyHandler = DropParty;
    Cm.CmModifyCallQoSHandler = Modify;
    /* One that no other table has. */
    Cm.CmOidRequestHandler = (PVOID)TestNothing;
    return NdisSetOptionalHandlers(Driver, &Cm.Header);
}

static NDIS_STATUS TestInitialized(VOID)
{
    CO_ADDRESS_FAMILY Family = { CO_ADDRESS_FAMILY_TAPI_PROXY, 1, 0 };

    return NdisMCmRegisterAddressFamilyEx(TestAdapter, &Family);
}
