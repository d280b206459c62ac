/*
 * parameters.c - call parameters of the call manager, and the addresses in them.
 */

#include "cm.h"

/* The larger ones that a client may pass are not for this switch. */
#define CM_MAX_SPECIFIC 1024

/* A copy with everything that the parameters point to. NULL if memory is short, or they are too
 * large. */
PCO_CALL_PARAMETERS CmCopyParameters(PCO_CALL_PARAMETERS From)
{
    ULONG CallMgrSize = 0;
    ULONG MediaSize = 0;
    PCO_CALL_PARAMETERS To;
    PUCHAR Rest;

    if (From->CallMgrParameters != NULL) {
        if (From->CallMgrParameters->CallMgrSpecific.Length > CM_MAX_SPECIFIC) {
            return NULL;
        }
        CallMgrSize = FIELD_OFFSET(CO_CALL_MANAGER_PARAMETERS, CallMgrSpecific.Parameters)
            + From->CallMgrParameters->CallMgrSpecific.Length;
    }
    if (From->MediaParameters != NULL) {
        if (From->MediaParameters->MediaSpecific.Length > CM_MAX_SPECIFIC) {
            return NULL;
        }
        MediaSize = FIELD_OFFSET(CO_MEDIA_PARAMETERS, MediaSpecific.Parameters)
            + From->MediaParameters->MediaSpecific.Length;
    }
    /* Behind one another, each aligned; the media parameters are rounded up to a whole structure. */
    CallMgrSize = (max(CallMgrSize, sizeof(CO_CALL_MANAGER_PARAMETERS)) + 7) & ~7u;
    To = CmAllocate(
        sizeof(*To) + CallMgrSize + max(MediaSize, sizeof(CO_MEDIA_PARAMETERS)));
    if (To == NULL) {
        return NULL;
    }
    Rest = (PUCHAR)(To + 1);
    To->Flags = From->Flags & ~CALL_PARAMETERS_CHANGED;
    if (From->CallMgrParameters != NULL) {
        To->CallMgrParameters = (PCO_CALL_MANAGER_PARAMETERS)Rest;
        NdisMoveMemory(
            Rest,
            From->CallMgrParameters,
            FIELD_OFFSET(CO_CALL_MANAGER_PARAMETERS, CallMgrSpecific.Parameters)
                + From->CallMgrParameters->CallMgrSpecific.Length);
    }
    if (From->MediaParameters != NULL) {
        To->MediaParameters = (PCO_MEDIA_PARAMETERS)(Rest + CallMgrSize);
        NdisMoveMemory(To->MediaParameters, From->MediaParameters, MediaSize);
    }
    return To;
}

VOID CmFreeParameters(PCO_CALL_PARAMETERS *Parameters)
{
    if (*Parameters != NULL) {
        NdisFreeMemory(*Parameters, 0, 0);
        *Parameters = NULL;
    }
}

/* Gives To the flows of From, as the other end of the call sees them. Both are ours and have flows. */
VOID CmMirrorFlows(PCO_CALL_PARAMETERS To, PCO_CALL_PARAMETERS From)
{
    FLOWSPEC Transmit = From->CallMgrParameters->Transmit;

    To->CallMgrParameters->Transmit = From->CallMgrParameters->Receive;
    To->CallMgrParameters->Receive = Transmit;
}

/* Tells a client, in its own parameters, what has become of the flows that it asked for. */
VOID CmGiveBackFlows(
    PCO_CALL_PARAMETERS To,
    const FLOWSPEC *Transmit,
    const FLOWSPEC *Receive)
{
    PCO_CALL_MANAGER_PARAMETERS Asked = To->CallMgrParameters;

    if (!NdisEqualMemory(&Asked->Transmit, Transmit, sizeof(FLOWSPEC))
        || !NdisEqualMemory(&Asked->Receive, Receive, sizeof(FLOWSPEC))) {
        Asked->Transmit = *Transmit;
        Asked->Receive = *Receive;
        To->Flags |= CALL_PARAMETERS_CHANGED;
    }
}

/* An address is a number, the lowest byte first, of which the eight lowest may be other than zero.
 * FALSE if it is none. */
BOOLEAN CmReadAddress(const UCHAR *Bytes, ULONG Length, ULONGLONG *Address)
{
    ULONG Index;

    *Address = 0;
    for (Index = 0; Index < Length; Index++) {
        if (Index < sizeof(*Address)) {
            *Address |= (ULONGLONG)Bytes[Index] << (8 * Index);
        } else if (Bytes[Index] != 0) {
            return FALSE;
        }
    }
    return Length != 0;
}
