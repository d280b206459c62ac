/*
 * options.c - what the MCM is told in the registry.
 *
 * Registry values, all integers, read for each adapter when it is initialised:
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
 *   Capacity  N the largest PeakBandwidth of a VC, in bytes per second (default: the link's)
 *   FlowUnit  N flows that may be rounded are rounded to a multiple of this (default 1000)
 *   Pause     0 MiniportPause is done at once (default)
 *             1 it pends, and is completed later
 *             2 it pends, and is completed before the handler has returned
 *   Restart   0, 1, 2 likewise for MiniportRestart
 *   AddressFamily  N the family to register (default CO_ADDRESS_FAMILY_PPP)
 */

#include "mcm.h"

#define MCM_FLOW_UNIT 1000

#define MCM_VALUE(Name, Default) \
    { NDIS_STRING_CONST(#Name), FIELD_OFFSET(MCM_OPTIONS, Name), Default }

static const struct {
    NDIS_STRING Name;
    ULONG Offset;
    ULONG Default;
} McmValues[] = {
    MCM_VALUE(OpenAf, 0),
    MCM_VALUE(CloseAf, 0),
    MCM_VALUE(RegisterSap, 0),
    MCM_VALUE(DeregisterSap, 0),
    MCM_VALUE(MakeCall, 0),
    MCM_VALUE(ModifyCallQoS, 0),
    MCM_VALUE(CloseCall, 0),
    MCM_VALUE(AddParty, 0),
    MCM_VALUE(DropParty, 0),
    MCM_VALUE(Capacity, MCM_LINK_SPEED / 8),
    MCM_VALUE(FlowUnit, MCM_FLOW_UNIT),
    MCM_VALUE(Pause, 0),
    MCM_VALUE(Restart, 0),
    MCM_VALUE(AddressFamily, CO_ADDRESS_FAMILY_PPP),
};

VOID McmReadOptions(NDIS_HANDLE MiniportAdapterHandle, MCM_OPTIONS *Options)
{
    NDIS_CONFIGURATION_OBJECT Object;
    NDIS_HANDLE Configuration;
    BOOLEAN Opened;
    ULONG Index;

    NdisZeroMemory(&Object, sizeof(Object));
    Object.Header.Type = NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT;
    Object.Header.Revision = NDIS_CONFIGURATION_OBJECT_REVISION_1;
    Object.Header.Size = NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1;
    Object.NdisHandle = MiniportAdapterHandle;
    Opened = NdisOpenConfigurationEx(&Object, &Configuration) == NDIS_STATUS_SUCCESS;
    for (Index = 0; Index < RTL_NUMBER_OF(McmValues); Index++) {
        ULONG Value = McmValues[Index].Default;

        if (Opened) {
            PNDIS_CONFIGURATION_PARAMETER Parameter;
            NDIS_STRING Name = McmValues[Index].Name;
            NDIS_STATUS Status;

            NdisReadConfiguration(
                &Status, &Parameter, Configuration, &Name, NdisParameterInteger);
            if (Status == NDIS_STATUS_SUCCESS) {
                Value = Parameter->ParameterData.IntegerData;
            }
        }
        *(PULONG)((PUCHAR)Options + McmValues[Index].Offset) = Value;
    }
    if (Opened) {
        NdisCloseConfiguration(Configuration);
    }
    if (Options->FlowUnit == 0) {
        Options->FlowUnit = MCM_FLOW_UNIT;
    }
}
