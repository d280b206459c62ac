/*
 * A miniport that prints what it is asked about virtual connections. It rounds the first parameters that it gets, at once,
 * and completes later what comes after. tests/connections.rs has the call manager and its client, both scripts. Built by build.sh.
 */

#include "miniport.h"
#include "parameters.h"

static NDIS_HANDLE Vc;
static ULONG VcContext;
static PCO_CALL_PARAMETERS First;

static NDIS_STATUS NTAPI CreateVc(NDIS_HANDLE Context, NDIS_HANDLE Handle, PNDIS_HANDLE Own)
{
    DbgPrint("create: %d %p\n", Context == &TestAdapterContext, *Own);
    Vc = Handle;
    *Own = &VcContext;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI DeleteVc(NDIS_HANDLE Context)
{
    DbgPrint("delete: %d\n", Context == &VcContext);
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS NTAPI ActivateVc(NDIS_HANDLE Context, PCO_CALL_PARAMETERS Call)
{
    DbgPrint("activate: %d, the same %d\n", Context == &VcContext, Call == First);
    TestPrintParameters("with", NDIS_STATUS_SUCCESS, Call);
    if (First == NULL) {
        First = Call;
        Call->CallMgrParameters->Transmit.PeakBandwidth = 64100;
        return NDIS_STATUS_SUCCESS;
    }
    Call->CallMgrParameters->Receive.PeakBandwidth = 32100;
    NdisMCoActivateVcComplete(NDIS_STATUS_SUCCESS, Vc, Call);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS NTAPI DeactivateVc(NDIS_HANDLE Context)
{
    DbgPrint("deactivate: %d\n", Context == &VcContext);
    NdisMCoDeactivateVcComplete(NDIS_STATUS_SUCCESS, Vc);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS TestSetHandlers(NDIS_HANDLE Driver, NDIS_MINIPORT_CO_CHARACTERISTICS *Co)
{
    Co->CoCreateVcHandler = CreateVc;
    Co->CoDeleteVcHandler = DeleteVc;
    Co->CoActivateVcHandler = ActivateVc;
    Co->CoDeactivateVcHandler = DeactivateVc;
    return NdisSetOptionalHandlers(Driver, &Co->Header);
}

static NDIS_STATUS TestInitialized(VOID)
{
    return NDIS_STATUS_SUCCESS;
}
