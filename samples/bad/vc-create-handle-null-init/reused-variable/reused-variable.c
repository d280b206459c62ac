/*
 * A client that creates a VC into a variable that still holds another handle.
 *
 * Rule: vc-create-handle-null-init. Page: nf-ndis-ndiscocreatevc.
 */
#define CLIENT_CALLS
#define OWN_CLIENT_CREATE_VC
#include "../../skeleton/client.h"

static VOID ClientCreateVc(PCLIENT_CALL Call)
{
    NDIS_HANDLE Handle = Call->Af->NdisAfHandle;
    NDIS_STATUS Status;

    /*
     * FAULT: one variable for both handles. NDIS looks at it on entry, too: it has to hold NULL.
     *
     * Right: a variable of its own, set to NULL; the member of the zeroed context will do.
     */
    Status = NdisCoCreateVc(Call->Af->Binding->Adapter.NdisBindingHandle, Handle, Call, &Handle);
    Call->NdisVcHandle = Handle;
    NdisAcquireSpinLock(&ClientLock);
    Call->State = Status == NDIS_STATUS_SUCCESS ? ClientCallReady : ClientCallGone;
    NdisReleaseSpinLock(&ClientLock);
}
