/*
 * A client that opens an AF at DISPATCH_LEVEL: it holds a spin lock across the call.
 *
 * Rule: af-irql-passive. Page: nf-ndis-ndisclopenaddressfamilyex.
 */
#define OWN_PROTOCOL_CO_AF_REGISTER_NOTIFY
#include "../../skeleton/client.h"

static VOID NTAPI ProtocolCoAfRegisterNotify(
    NDIS_HANDLE ProtocolBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily)
{
    PCLIENT_BINDING Binding = ProtocolBindingContext;
    PCLIENT_AF Af = ClientCreateAf(Binding);
    NDIS_HANDLE NdisAfHandle;
    NDIS_STATUS Status;

    if (Af == NULL) {
        return;
    }
    /*
     * FAULT: a spin lock raises the IRQL to DISPATCH_LEVEL, and NdisClOpenAddressFamilyEx needs
     * PASSIVE_LEVEL. (And the call runs the call manager's handler, and perhaps our own
     * ProtocolClOpenAfCompleteEx, which takes this very lock.)
     *
     * Right: no lock across a call into NDIS. What the lock was to protect, the new AF, is in the list
     * already, in a state that nobody else touches.
     */
    NdisAcquireSpinLock(&ClientLock);
    Status = NdisClOpenAddressFamilyEx(
        Binding->Adapter.NdisBindingHandle, AddressFamily, (NDIS_HANDLE)Af->Id, &NdisAfHandle);
    NdisReleaseSpinLock(&ClientLock);
    if (Status != NDIS_STATUS_PENDING) {
        ClientAfOpened(Af, NdisAfHandle, Status);
    }
}
