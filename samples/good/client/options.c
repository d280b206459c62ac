/*
 * options.c - what the client is told in the registry.
 *
 * Registry values, all integers, read when an adapter is bound:
 *
 *   BindAdapter    0 ProtocolBindAdapterEx waits until the adapter is open (default)
 *                  1 it pends, and the bind is completed later
 *   UnbindAdapter  0 ProtocolUnbindAdapterEx waits until everything is closed (default)
 *                  1 it pends, and the unbind is completed later
 *   NotifyCloseAf  0 pend the notification; complete it after the AF is closed (default)
 *                  1 if the AF closes synchronously, return NDIS_STATUS_SUCCESS at once; else as 0
 *                  2 if the AF closes synchronously, complete the notification before the handler
 *                    has returned; else as 0
 *                  3 refuse the first notification of each AF with NDIS_STATUS_FAILURE; the AF then
 *                    closes when the adapter is unbound. Later notifications are obeyed as with 0
 *   AutoClose      N the first N AFs that this driver opens are closed as soon as they are open;
 *                    later ones stay open until a notification or the unbind (default 0)
 *   AddressFamily  N open only AFs of this family; 0 opens whatever is offered (default)
 *   Sap            N register the SAP with this number (default 1); 0 registers none
 *   Call           N call the address with this number (default: that of Sap); 0 makes no call
 *   Parties        N add so many parties to the call (default 0: it is not multipoint)
 *   Bandwidth      N bytes per second that a call is made with (default 8000)
 *   ChangeQoS      N bytes per second to change to, once connected (default 16000); 0 changes nothing
 *   RoundFlow      0 the bandwidth is to be as asked for (default), 1 it may be rounded down, 2 up
 *   KeepCall       0 the call is closed when all this is done (default), 1 it stays
 *   IncomingCall   0 ProtocolClIncomingCall accepts at once (default)
 *                  1 it pends, and the call is accepted later
 *                  2 it pends, and the call is accepted before the handler has returned
 *                  3 it rejects
 *                  4 it pends, and the call is rejected later
 *   MaxBandwidth   N bytes per second: incoming calls with more are accepted with so many; a call
 *                    that is changed to more is closed. 0 is no limit (default)
 */

#include "client.h"

/* For Call: the number that Sap has. */
#define CLIENT_CALL_SAP 0xffffffffu

#define CLIENT_VALUE(Name, Default) \
    { NDIS_STRING_CONST(#Name), FIELD_OFFSET(CLIENT_OPTIONS, Name), Default }

static const struct {
    NDIS_STRING Name;
    ULONG Offset;
    ULONG Default;
} ClientValues[] = {
    CLIENT_VALUE(BindAdapter, 0),
    CLIENT_VALUE(UnbindAdapter, 0),
    CLIENT_VALUE(NotifyCloseAf, 0),
    CLIENT_VALUE(AutoClose, 0),
    CLIENT_VALUE(AddressFamily, 0),
    CLIENT_VALUE(Sap, 1),
    CLIENT_VALUE(Call, CLIENT_CALL_SAP),
    CLIENT_VALUE(Parties, 0),
    CLIENT_VALUE(Bandwidth, 8000),
    CLIENT_VALUE(ChangeQoS, 16000),
    CLIENT_VALUE(RoundFlow, 0),
    CLIENT_VALUE(KeepCall, 0),
    CLIENT_VALUE(IncomingCall, 0),
    CLIENT_VALUE(MaxBandwidth, 0),
};

/* A driver without a registry key, or with an empty one, gets the default of each value. */
VOID ClientReadOptions(CLIENT_OPTIONS *Options)
{
    NDIS_CONFIGURATION_OBJECT Object;
    NDIS_HANDLE Configuration;
    BOOLEAN Opened;
    ULONG Index;

    NdisZeroMemory(&Object, sizeof(Object));
    Object.Header.Type = NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT;
    Object.Header.Revision = NDIS_CONFIGURATION_OBJECT_REVISION_1;
    Object.Header.Size = NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1;
    Object.NdisHandle = ClientProtocolHandle;
    Opened = NdisOpenConfigurationEx(&Object, &Configuration) == NDIS_STATUS_SUCCESS;
    for (Index = 0; Index < RTL_NUMBER_OF(ClientValues); Index++) {
        ULONG Value = ClientValues[Index].Default;

        if (Opened) {
            PNDIS_CONFIGURATION_PARAMETER Parameter;
            NDIS_STRING Name = ClientValues[Index].Name;
            NDIS_STATUS Status;

            NdisReadConfiguration(
                &Status, &Parameter, Configuration, &Name, NdisParameterInteger);
            if (Status == NDIS_STATUS_SUCCESS) {
                Value = Parameter->ParameterData.IntegerData;
            }
        }
        *(PULONG)((PUCHAR)Options + ClientValues[Index].Offset) = Value;
    }
    if (Opened) {
        NdisCloseConfiguration(Configuration);
    }
    if (Options->Call == CLIENT_CALL_SAP) {
        Options->Call = Options->Sap;
    }
}
