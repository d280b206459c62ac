/*
 * An MCM that keeps the memory of each VC that is deleted.
 *
 * Rule: kernel-pool-leak. Pages: nc-ndis-protocol_co_delete_vc, deleting-a-vc.
 */
#define CM_CALLS
#define OWN_PROTOCOL_CO_DELETE_VC
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCoDeleteVc(NDIS_HANDLE ProtocolVcContext)
{
    PCM_VC Vc = ProtocolVcContext;

    NdisAcquireSpinLock(&Vc->Af->Port->Lock);
    Vc->Af->Vcs--;
    NdisReleaseSpinLock(&Vc->Af->Port->Lock);
    /*
     * FAULT: what ProtocolCoCreateVc has allocated is neither freed nor kept in a list for the next VC. NDIS
     * has forgotten the context, so each call costs memory until the system restarts.
     *
     * Right: NdisFreeMemory(Vc, 0, 0), as CmFreeVc does.
     */
    return NDIS_STATUS_SUCCESS;
}
