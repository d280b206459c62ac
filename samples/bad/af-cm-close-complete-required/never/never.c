/*
 * An MCM that never completes a pended close.
 *
 * Rule: af-cm-close-complete-required. Pages: nc-ndis-protocol_cm_close_af,
 * nf-ndis-ndismcmcloseaddressfamilycomplete.
 */
#define OWN_CM_CLOSE_AF
#include "../../skeleton/mcm.h"

static NDIS_STATUS NTAPI ProtocolCmCloseAf(NDIS_HANDLE CallMgrAfContext)
{
    PCM_AF Af = CallMgrAfContext;

    if (CmHoldClose(Af)) {
        return NDIS_STATUS_PENDING;
    }
    /*
     * FAULT: NDIS_STATUS_PENDING is a promise to call NdisMCmCloseAddressFamilyComplete, and nobody
     * here ever does. The client waits for its ProtocolClCloseAfComplete, so its unbind, and with it
     * the removal of the adapter, never ends.
     *
     * Right: return NDIS_STATUS_SUCCESS if there is nothing to wait for, as here; else make sure that
     * whatever ends the work (the last call that is closed, the last SAP) completes the close.
     */
    return NDIS_STATUS_PENDING;
}
