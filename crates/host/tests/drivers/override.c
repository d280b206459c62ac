/*
 * A client that sets its handlers again for its one binding, with another function for the end of a close. It opens the
 * first address family that it is offered and closes it at once. tests/samples.rs says which function must be called.
 * Built by build.sh.
 */

#define TEST_NAME L"OVERRIDE"
#include "protocol.h"

static NDIS_HANDLE Af;
static ULONG AfContext;

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

    TestBeginClient(&Cl);
    Cl.ClCloseAfCompleteHandler = Closed;
    return NdisSetOptionalHandlers(Handle, &Cl.Header);
}

static VOID NTAPI Offered(NDIS_HANDLE Context, PCO_ADDRESS_FAMILY Family)
{
    NDIS_STATUS Status = NdisClOpenAddressFamilyEx(TestBinding, Family, &AfContext, &Af);

    DbgPrint("offered: 0x%x %d\n", Status, Context == &TestBindingContext);
    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisClCloseAddressFamily(Af);
        DbgPrint("close: 0x%x\n", Status);
    }
}

static NDIS_STATUS TestSetHandlers(NDIS_HANDLE Driver)
{
    NDIS_STATUS Status = TestSetCo(Driver, Offered);

    return Status != NDIS_STATUS_SUCCESS ? Status : SetClientHandlers(Driver, ClosedOfDriver);
}

static NDIS_STATUS TestBound(VOID)
{
    return SetClientHandlers(TestBinding, ClosedOfBinding);
}

static VOID TestUnbound(VOID)
{
}
