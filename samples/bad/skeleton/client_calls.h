/*
 * client_calls.h - the part of client.h for clients with calls: a SAP, a call that is made, and calls
 * that come in. A driver that wants it defines CLIENT_CALLS before it includes client.h; with
 * CLIENT_PARTIES the call that is made is a multipoint call with two parties. Everything stays until
 * the AF is closed, or the other end closes the call.
 *
 * Handlers write down what they learn and call ClientGoOn, which takes the next step for the AF as long
 * as there is one. Each step is a function that a faulty driver may have in a version of its own.
 */
#ifndef SKELETON_CLIENT_CALLS_H
#define SKELETON_CLIENT_CALLS_H

/* Contexts that NDIS gets are pointers: a call manager deletes its VCs before the AF is closed. */
static PROTOCOL_CO_CREATE_VC ProtocolCoCreateVc;
static PROTOCOL_CO_DELETE_VC ProtocolCoDeleteVc;
static PROTOCOL_CL_REGISTER_SAP_COMPLETE ProtocolClRegisterSapComplete;
static PROTOCOL_CL_DEREGISTER_SAP_COMPLETE ProtocolClDeregisterSapComplete;
static PROTOCOL_CL_MAKE_CALL_COMPLETE ProtocolClMakeCallComplete;
static PROTOCOL_CL_CLOSE_CALL_COMPLETE ProtocolClCloseCallComplete;
static PROTOCOL_CL_ADD_PARTY_COMPLETE ProtocolClAddPartyComplete;
static PROTOCOL_CL_DROP_PARTY_COMPLETE ProtocolClDropPartyComplete;
static PROTOCOL_CL_INCOMING_CALL ProtocolClIncomingCall;
static PROTOCOL_CL_INCOMING_CLOSE_CALL ProtocolClIncomingCloseCall;
static PROTOCOL_CL_INCOMING_DROP_PARTY ProtocolClIncomingDropParty;
static PROTOCOL_CL_CALL_CONNECTED ProtocolClCallConnected;

static VOID ClientRegisterSap(PCLIENT_AF Af);
static VOID ClientCreateVc(PCLIENT_CALL Call);
static VOID ClientMakeCall(PCLIENT_CALL Call);
static VOID ClientAddParty(PCLIENT_CALL Call, PCLIENT_PARTY Party);
static VOID ClientDropParty(PCLIENT_PARTY Party);
static VOID ClientCloseCall(PCLIENT_CALL Call, PCLIENT_PARTY Last);
static VOID ClientDeleteVc(PCLIENT_CALL Call);
static VOID ClientDeregisterSap(PCLIENT_AF Af);
static VOID ClientGoOn(PCLIENT_AF Af);

/* --- the steps --------------------------------------------------------------------------------- */

/* What to ask for. The families of TAPI want their own structures in a SAP (line, address, media modes)
 * and in the media parameters of a call; others see zeroes there. */
static inline VOID ClientFillParameters(PCLIENT_PARAMETERS Parameters)
{
    NdisZeroMemory(Parameters, sizeof(*Parameters));
    Parameters->Call.CallMgrParameters = &Parameters->CallMgr;
    Parameters->Call.MediaParameters = &Parameters->Media;
    Parameters->CallMgr.Transmit.PeakBandwidth = 8000;
    Parameters->CallMgr.Receive.PeakBandwidth = 8000;
    Parameters->CallMgr.CallMgrSpecific.Length = 1;
    Parameters->CallMgr.CallMgrSpecific.Parameters[0] = CLIENT_ADDRESS;
    Parameters->Media.MediaSpecific.Length = CLIENT_TAPI_CALL_SIZE;
}

#ifndef OWN_CLIENT_REGISTER_SAP
static VOID ClientRegisterSap(PCLIENT_AF Af)
{
    NDIS_STATUS Status;

    Af->Sap.Sap.SapType = CLIENT_TAPI_SAP_TYPE;
    Af->Sap.Sap.SapLength = CLIENT_TAPI_SAP_SIZE;
    Af->Sap.Sap.Sap[0] = CLIENT_ADDRESS;
    Status = NdisClRegisterSap(Af->NdisAfHandle, Af, &Af->Sap.Sap, &Af->NdisSapHandle);
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClRegisterSapComplete(Status, Af, &Af->Sap.Sap, Af->NdisSapHandle);
    }
}
#endif

#ifndef OWN_CLIENT_DEREGISTER_SAP
static VOID ClientDeregisterSap(PCLIENT_AF Af)
{
    NDIS_STATUS Status = NdisClDeregisterSap(Af->NdisSapHandle);

    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClDeregisterSapComplete(Status, Af);
    }
}
#endif

#ifndef OWN_CLIENT_MAKE_CALL
static VOID ClientMakeCall(PCLIENT_CALL Call)
{
    PCLIENT_PARTY Party = CLIENT_PARTIES != 0 ? &Call->Parties[0] : NULL;
    NDIS_STATUS Status;

    ClientFillParameters(&Call->Parameters);
    Status = NdisClMakeCall(
        Call->NdisVcHandle,
        &Call->Parameters.Call,
        Party,
        Party != NULL ? &Party->NdisPartyHandle : NULL);
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClMakeCallComplete(
            Status, Call, Party != NULL ? Party->NdisPartyHandle : NULL, &Call->Parameters.Call);
    }
}
#endif

#ifndef OWN_CLIENT_CREATE_VC
static VOID ClientCreateVc(PCLIENT_CALL Call)
{
    NDIS_STATUS Status = NdisCoCreateVc(
        Call->Af->Binding->Adapter.NdisBindingHandle,
        Call->Af->NdisAfHandle,
        Call,
        &Call->NdisVcHandle);

    NdisAcquireSpinLock(&ClientLock);
    Call->State = Status == NDIS_STATUS_SUCCESS ? ClientCallReady : ClientCallGone;
    NdisReleaseSpinLock(&ClientLock);
}
#endif

#ifndef OWN_CLIENT_ADD_PARTY
static VOID ClientAddParty(PCLIENT_CALL Call, PCLIENT_PARTY Party)
{
    NDIS_STATUS Status;

    ClientFillParameters(&Party->Parameters);
    Status = NdisClAddParty(
        Call->NdisVcHandle, Party, &Party->Parameters.Call, &Party->NdisPartyHandle);
    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClAddPartyComplete(Status, Party, Party->NdisPartyHandle, &Party->Parameters.Call);
    }
}
#endif

#ifndef OWN_CLIENT_DROP_PARTY
static VOID ClientDropParty(PCLIENT_PARTY Party)
{
    NDIS_STATUS Status = NdisClDropParty(Party->NdisPartyHandle, NULL, 0);

    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClDropPartyComplete(Status, Party);
    }
}
#endif

#ifndef OWN_CLIENT_CLOSE_CALL
/* The last party of a multipoint call goes with the call. */
static VOID ClientCloseCall(PCLIENT_CALL Call, PCLIENT_PARTY Last)
{
    NDIS_STATUS Status =
        NdisClCloseCall(Call->NdisVcHandle, Last != NULL ? Last->NdisPartyHandle : NULL, NULL, 0);

    if (Status != NDIS_STATUS_PENDING) {
        ProtocolClCloseCallComplete(Status, Call, Last);
    }
}
#endif

#ifndef OWN_CLIENT_DELETE_VC
/* Refused while the call manager has yet to deactivate the VC; then it is tried again. */
static VOID ClientDeleteVc(PCLIENT_CALL Call)
{
    NDIS_STATUS Status = NdisCoDeleteVc(Call->NdisVcHandle);

    NdisAcquireSpinLock(&ClientLock);
    Call->State = Status == NDIS_STATUS_SUCCESS ? ClientCallGone : ClientCallClosed;
    if (Status != NDIS_STATUS_SUCCESS) {
        ClientRetryLater(Call->Af);
    }
    NdisReleaseSpinLock(&ClientLock);
}
#endif

/* --- what to do next --------------------------------------------------------------------------- */

/* The next step for a call, marked as begun. The caller holds the lock. */
static CLIENT_STEP ClientNextStepOfCall(PCLIENT_CALL Call, PCLIENT_PARTY *Party)
{
    BOOLEAN TakeDown = Call->Af->State == ClientAfClosing || Call->CloseIndicated;
    ULONG Planned = CLIENT_PARTIES;
    BOOLEAN Busy = FALSE;
    ULONG Active = 0;
    ULONG Index;

    switch (Call->State) {
    case ClientCallNone:
        if (!Call->Ours || TakeDown || Call->Af->SapState < ClientSapRegistered) {
            return ClientStepNone;
        }
        Call->State = ClientCallBusy;
        return ClientStepCreateVc;
    case ClientCallReady:
        if (TakeDown) {
            Call->State = ClientCallBusy;
            return ClientStepDeleteVc;
        }
        Call->State = ClientCallBusy;
        return ClientStepMakeCall;
    case ClientCallUp:
        break;
    case ClientCallClosed:
        if (!Call->Ours) {
            return ClientStepNone;
        }
        Call->State = ClientCallBusy;
        return ClientStepDeleteVc;
    case ClientCallBusy:
    case ClientCallGone:
        return ClientStepNone;
    }
    *Party = NULL;
    for (Index = 0; Index < RTL_NUMBER_OF(Call->Parties); Index++) {
        PCLIENT_PARTY This = &Call->Parties[Index];

        if (This->State == ClientPartyNone && !TakeDown && Call->Ours && Index < Planned) {
            This->State = ClientPartyBusy;
            *Party = This;
            return ClientStepAddParty;
        }
        Busy |= This->State == ClientPartyBusy;
        if (This->State == ClientPartyUp) {
            Active++;
            if (*Party == NULL || This->DropIndicated) {
                *Party = This;
            }
        }
    }
    if (Active > 1 && (TakeDown || (*Party)->DropIndicated)) {
        (*Party)->State = ClientPartyBusy;
        return ClientStepDropParty;
    }
    if (Busy || !(TakeDown || (Active == 1 && (*Party)->DropIndicated))) {
        return ClientStepNone;
    }
    Call->State = ClientCallBusy;
    return ClientStepCloseCall;
}

static CLIENT_STEP ClientNextStep(PCLIENT_AF Af, PCLIENT_CALL *Call, PCLIENT_PARTY *Party)
{
    CLIENT_STEP Step;
    BOOLEAN Left = FALSE;
    ULONG Index;

    if (Af->State == ClientAfOpening || Af->Retrying || Af->CloseBegun) {
        return ClientStepNone;
    }
    if (Af->SapState == ClientSapNone && Af->State == ClientAfOpen) {
        Af->SapState = ClientSapBusy;
        return ClientStepRegisterSap;
    }
    for (Index = 0; Index < RTL_NUMBER_OF(Af->Calls); Index++) {
        *Call = &Af->Calls[Index];
        Step = ClientNextStepOfCall(*Call, Party);
        if (Step != ClientStepNone) {
            return Step;
        }
        Left |= (*Call)->Ours ? (*Call)->State != ClientCallNone && (*Call)->State != ClientCallGone
                              : (*Call)->State == ClientCallUp || (*Call)->State == ClientCallBusy;
    }
    if (Left || Af->State != ClientAfClosing || Af->SapState == ClientSapBusy) {
        return ClientStepNone;
    }
    if (Af->SapState == ClientSapRegistered) {
        Af->SapState = ClientSapBusy;
        return ClientStepDeregisterSap;
    }
    Af->CloseBegun = TRUE;
    return ClientStepCloseAf;
}

/* Takes the steps that can be taken, one thread at a time. The caller holds the lock, and does no
 * longer when this returns; the AF may be gone then. */
static VOID ClientGoOn(PCLIENT_AF Af)
{
    PCLIENT_PARTY Party;
    PCLIENT_CALL Call;
    CLIENT_STEP Step;

    if (Af->Running) {
        NdisReleaseSpinLock(&ClientLock);
        return;
    }
    Af->Running = TRUE;
    while ((Step = ClientNextStep(Af, &Call, &Party)) != ClientStepNone) {
        NdisReleaseSpinLock(&ClientLock);
        switch (Step) {
        case ClientStepNone:
            break;
        case ClientStepRegisterSap:
            ClientRegisterSap(Af);
            break;
        case ClientStepCreateVc:
            ClientCreateVc(Call);
            break;
        case ClientStepMakeCall:
            ClientMakeCall(Call);
            break;
        case ClientStepAddParty:
            ClientAddParty(Call, Party);
            break;
        case ClientStepDropParty:
            ClientDropParty(Party);
            break;
        case ClientStepCloseCall:
            ClientCloseCall(Call, Party);
            break;
        case ClientStepDeleteVc:
            ClientDeleteVc(Call);
            break;
        case ClientStepDeregisterSap:
            ClientDeregisterSap(Af);
            break;
        case ClientStepCloseAf:
            NdisAcquireSpinLock(&ClientLock);
            Af->Running = FALSE;
            NdisReleaseSpinLock(&ClientLock);
            ClientCloseAf(Af);
            return;
        }
        NdisAcquireSpinLock(&ClientLock);
    }
    Af->Running = FALSE;
    NdisReleaseSpinLock(&ClientLock);
}

/* --- what NDIS tells --------------------------------------------------------------------------- */

static VOID NTAPI ProtocolClRegisterSapComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolSapContext,
    PCO_SAP Sap,
    NDIS_HANDLE NdisSapHandle)
{
    PCLIENT_AF Af = ProtocolSapContext;

    UNREFERENCED_PARAMETER(Sap);
    NdisAcquireSpinLock(&ClientLock);
    Af->NdisSapHandle = NdisSapHandle;
    Af->SapState = Status == NDIS_STATUS_SUCCESS ? ClientSapRegistered : ClientSapGone;
    ClientGoOn(Af);
}

static VOID NTAPI ProtocolClDeregisterSapComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolSapContext)
{
    PCLIENT_AF Af = ProtocolSapContext;

    UNREFERENCED_PARAMETER(Status);
    NdisAcquireSpinLock(&ClientLock);
    Af->SapState = ClientSapGone;
    ClientGoOn(Af);
}

#ifndef OWN_PROTOCOL_CL_MAKE_CALL_COMPLETE
static VOID NTAPI ProtocolClMakeCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_CALL Call = ProtocolVcContext;

    UNREFERENCED_PARAMETER(CallParameters);
    NdisAcquireSpinLock(&ClientLock);
    if (Status == NDIS_STATUS_SUCCESS) {
        Call->State = ClientCallUp;
        if (CLIENT_PARTIES != 0) {
            Call->Parties[0].NdisPartyHandle = NdisPartyHandle;
            Call->Parties[0].State = ClientPartyUp;
        }
    } else {
        /* Nothing to close. */
        Call->State = ClientCallClosed;
    }
    ClientGoOn(Call->Af);
}
#endif

static VOID NTAPI ProtocolClAddPartyComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolPartyContext,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_PARTY Party = ProtocolPartyContext;

    UNREFERENCED_PARAMETER(CallParameters);
    NdisAcquireSpinLock(&ClientLock);
    Party->NdisPartyHandle = NdisPartyHandle;
    Party->State = Status == NDIS_STATUS_SUCCESS ? ClientPartyUp : ClientPartyGone;
    ClientGoOn(Party->Call->Af);
}

static VOID NTAPI ProtocolClDropPartyComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolPartyContext)
{
    PCLIENT_PARTY Party = ProtocolPartyContext;

    NdisAcquireSpinLock(&ClientLock);
    Party->State = Status == NDIS_STATUS_SUCCESS ? ClientPartyGone : ClientPartyUp;
    if (Status != NDIS_STATUS_SUCCESS) {
        ClientRetryLater(Party->Call->Af);
    }
    ClientGoOn(Party->Call->Af);
}

#ifndef OWN_PROTOCOL_CL_INCOMING_DROP_PARTY
static VOID NTAPI ProtocolClIncomingDropParty(
    NDIS_STATUS DropStatus,
    NDIS_HANDLE ProtocolPartyContext,
    PVOID CloseData,
    UINT Size)
{
    PCLIENT_PARTY Party = ProtocolPartyContext;

    UNREFERENCED_PARAMETER(DropStatus);
    UNREFERENCED_PARAMETER(CloseData);
    UNREFERENCED_PARAMETER(Size);
    NdisAcquireSpinLock(&ClientLock);
    Party->DropIndicated = TRUE;
    ClientGoOn(Party->Call->Af);
}
#endif

static VOID NTAPI ProtocolClCloseCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext)
{
    PCLIENT_CALL Call = ProtocolVcContext;
    PCLIENT_PARTY Last = ProtocolPartyContext;

    NdisAcquireSpinLock(&ClientLock);
    if (Status == NDIS_STATUS_SUCCESS) {
        Call->State = ClientCallClosed;
        Call->CloseIndicated = FALSE;
        if (Last != NULL) {
            Last->State = ClientPartyGone;
        }
    } else {
        Call->State = ClientCallUp;
        ClientRetryLater(Call->Af);
    }
    ClientGoOn(Call->Af);
}

#ifndef OWN_PROTOCOL_CL_INCOMING_CLOSE_CALL
static VOID NTAPI ProtocolClIncomingCloseCall(
    NDIS_STATUS CloseStatus,
    NDIS_HANDLE ProtocolVcContext,
    PVOID CloseData,
    UINT Size)
{
    PCLIENT_CALL Call = ProtocolVcContext;

    UNREFERENCED_PARAMETER(CloseStatus);
    UNREFERENCED_PARAMETER(CloseData);
    UNREFERENCED_PARAMETER(Size);
    NdisAcquireSpinLock(&ClientLock);
    Call->CloseIndicated = Call->State == ClientCallUp || Call->State == ClientCallBusy;
    ClientGoOn(Call->Af);
}
#endif

/* --- calls that come in ------------------------------------------------------------------------ */

#ifndef OWN_PROTOCOL_CO_CREATE_VC
/* One VC of the call manager's at a time is enough. */
static NDIS_STATUS NTAPI ProtocolCoCreateVc(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE ProtocolVcContext)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolAfContext);
    NDIS_STATUS Status = NDIS_STATUS_RESOURCES;

    if (Af == NULL) {
        return NDIS_STATUS_FAILURE;
    }
    NdisAcquireSpinLock(&ClientLock);
    if (Af->Calls[1].State == ClientCallNone || Af->Calls[1].State == ClientCallGone) {
        Af->Calls[1].State = ClientCallClosed;
        Af->Calls[1].NdisVcHandle = NdisVcHandle;
        *ProtocolVcContext = &Af->Calls[1];
        Status = NDIS_STATUS_SUCCESS;
    }
    NdisReleaseSpinLock(&ClientLock);
    return Status;
}
#endif

#ifndef OWN_PROTOCOL_CO_DELETE_VC
static NDIS_STATUS NTAPI ProtocolCoDeleteVc(NDIS_HANDLE ProtocolVcContext)
{
    PCLIENT_CALL Call = ProtocolVcContext;

    NdisAcquireSpinLock(&ClientLock);
    Call->State = ClientCallGone;
    NdisReleaseSpinLock(&ClientLock);
    return NDIS_STATUS_SUCCESS;
}
#endif

#ifndef OWN_PROTOCOL_CL_INCOMING_CALL
static NDIS_STATUS NTAPI ProtocolClIncomingCall(
    NDIS_HANDLE ProtocolSapContext,
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_CALL Call = ProtocolVcContext;
    NDIS_STATUS Status = NDIS_STATUS_FAILURE;

    UNREFERENCED_PARAMETER(ProtocolSapContext);
    UNREFERENCED_PARAMETER(CallParameters);
    NdisAcquireSpinLock(&ClientLock);
    if (Call->Af->State == ClientAfOpen) {
        Call->State = ClientCallUp;
        Status = NDIS_STATUS_SUCCESS;
    }
    NdisReleaseSpinLock(&ClientLock);
    return Status;
}
#endif

#ifndef OWN_PROTOCOL_CL_CALL_CONNECTED
/* Data might flow now. */
static VOID NTAPI ProtocolClCallConnected(NDIS_HANDLE ProtocolVcContext)
{
    UNREFERENCED_PARAMETER(ProtocolVcContext);
}
#endif

/* --- beginning and end ------------------------------------------------------------------------- */

static VOID ClientInitializeCalls(PCLIENT_AF Af)
{
    ULONG Call, Party;

    for (Call = 0; Call < RTL_NUMBER_OF(Af->Calls); Call++) {
        Af->Calls[Call].Af = Af;
        Af->Calls[Call].Ours = Call == 0;
        for (Party = 0; Party < RTL_NUMBER_OF(Af->Calls[Call].Parties); Party++) {
            Af->Calls[Call].Parties[Party].Call = &Af->Calls[Call];
        }
    }
}

#endif /* SKELETON_CLIENT_CALLS_H */
