/*
 * options.c - what the call manager is told in the registry.
 *
 * Registry values, all integers, read when an adapter is bound:
 *
 *   OpenAf   0 ProtocolCmOpenAf opens at once (default)
 *            1 it pends, and the open succeeds later, at PASSIVE_LEVEL
 *            2 it pends, and the open succeeds before the handler has returned
 *            3 it refuses with NDIS_STATUS_RESOURCES
 *            4 it pends, and the open fails later with NDIS_STATUS_RESOURCES
 *            5 it pends, and the open succeeds later, at DISPATCH_LEVEL
 *   CloseAf  0 ProtocolCmCloseAf closes at once (default)
 *            1, 2, 5 it pends, and the close is completed as an open would be
 *            6 the first close of each AF is refused with NDIS_STATUS_NOT_ACCEPTED, then as 0
 *            7 a close that comes while its client is being notified pends until the notifying call
 *              has returned, also when it comes out of that very call; else as 0
 *   RegisterSap, DeregisterSap, MakeCall, ModifyCallQoS, CloseCall, AddParty, DropParty
 *            0 the handler answers itself, if it can without waiting for anything (default)
 *            1 it pends, and what is asked for is done later, at PASSIVE_LEVEL
 *            2 it pends, and what is asked for is done at once, if it can be
 *            5 it pends, and what is asked for is done later, at DISPATCH_LEVEL
 *   AddressFamily  N the family to register (default CO_ADDRESS_FAMILY_Q2931)
 */

#include "cm.h"

#define CM_VALUE(Name, Default) \
    { NDIS_STRING_CONST(#Name), FIELD_OFFSET(CM_OPTIONS, Name), Default }

static const struct {
    NDIS_STRING Name;
    ULONG Offset;
    ULONG Default;
} CmValues[] = {
    CM_VALUE(OpenAf, 0),
    CM_VALUE(CloseAf, 0),
    CM_VALUE(RegisterSap, 0),
    CM_VALUE(DeregisterSap, 0),
    CM_VALUE(MakeCall, 0),
    CM_VALUE(ModifyCallQoS, 0),
    CM_VALUE(CloseCall, 0),
    CM_VALUE(AddParty, 0),
    CM_VALUE(DropParty, 0),
    CM_VALUE(AddressFamily, CO_ADDRESS_FAMILY_Q2931),
};

VOID CmReadOptions(CM_OPTIONS *Options)
{
    NDIS_CONFIGURATION_OBJECT Object;
    NDIS_HANDLE Configuration;
    BOOLEAN Opened;
    ULONG Index;

    NdisZeroMemory(&Object, sizeof(Object));
    Object.Header.Type = NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT;
    Object.Header.Revision = NDIS_CONFIGURATION_OBJECT_REVISION_1;
    Object.Header.Size = NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1;
    Object.NdisHandle = CmProtocolHandle;
    Opened = NdisOpenConfigurationEx(&Object, &Configuration) == NDIS_STATUS_SUCCESS;
    for (Index = 0; Index < RTL_NUMBER_OF(CmValues); Index++) {
        ULONG Value = CmValues[Index].Default;

        if (Opened) {
            PNDIS_CONFIGURATION_PARAMETER Parameter;
            NDIS_STRING Name = CmValues[Index].Name;
            NDIS_STATUS Status;

            NdisReadConfiguration(
                &Status, &Parameter, Configuration, &Name, NdisParameterInteger);
            if (Status == NDIS_STATUS_SUCCESS) {
                Value = Parameter->ParameterData.IntegerData;
            }
        }
        *(PULONG)((PUCHAR)Options + CmValues[Index].Offset) = Value;
    }
    if (Opened) {
        NdisCloseConfiguration(Configuration);
    }
}
