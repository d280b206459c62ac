/*
 * An MCM that offers the next call on the VC of a call that was turned down, which is still active.
 *
 * Rule: vc-reuse-after-close. Pages: nf-ndis-ndismcmdeactivatevc, virtual-connections.
 *
 * It shows with a client that turns calls down (scenario.toml).
 */
#define CM_CALLS
#define CM_OFFERS
#define OWN_CM_ANSWERED
#include "../../skeleton/mcm.h"

static VOID CmAnswered(PCM_VC Vc, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        NdisMCmDispatchCallConnected(Vc->NdisVcHandle);
        return;
    }
    /*
     * FAULT: the VC is active with the parameters of the call that was turned down, and these are void.
     *
     * Right: NdisMCmDeactivateVc first, then NdisMCmActivateVc with the parameters of the next call; or another
     * VC.
     */
    NdisMCmDispatchIncomingCall(Vc->Sap->NdisSapHandle, Vc->NdisVcHandle, &Vc->Offer);
}
