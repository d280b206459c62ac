/*
 * A call manager that tells its client of another quality of service before the miniport knows of it.
 *
 * Rule: call-qos-change-activate-first. Pages: nf-ndis-ndiscmdispatchincomingcallqoschange,
 * incoming-request-to-change-call-parameters.
 */
#define CM_CALLS
#define OWN_CM_CALL_MADE
#include "../../skeleton/cm.h"

/* What the far end wants as soon as the call is up. */
static CO_CALL_MANAGER_PARAMETERS Less = {
    .Transmit.PeakBandwidth = 1000,
    .Receive.PeakBandwidth = 1000,
};
static CO_CALL_PARAMETERS FarEndsChange = { 0, &Less, NULL };

static VOID CmCallMade(PCM_VC Vc, NDIS_STATUS Status)
{
    PCM_PARTY Party = Vc->Party;
    NDIS_HANDLE NdisPartyHandle = Party != NULL ? Party->NdisPartyHandle : NULL;

    if (Status != NDIS_STATUS_SUCCESS) {
        NdisCmMakeCallComplete(Status, Vc->NdisVcHandle, NdisPartyHandle, Party, Vc->CallParameters);
        if (Party != NULL) {
            NdisFreeMemory(Party, 0, 0);
        }
        return;
    }
    /* A close that the client asks for meanwhile waits, so that the VC stays. */
    CmBegin(Vc, CmCallClosed);
    NdisCmMakeCallComplete(Status, Vc->NdisVcHandle, NdisPartyHandle, Party, Vc->CallParameters);
    /*
     * FAULT: the miniport may be unable to do this, and then the client knows of parameters that never come
     * into force.
     *
     * Right: NdisCmActivateVc with the new parameters first, and tell the client only if that succeeds.
     */
    NdisCmDispatchIncomingCallQoSChange(Vc->NdisVcHandle, &FarEndsChange);
    if (CmEnd(Vc)) {
        CmDeactivate(Vc);
    }
}
