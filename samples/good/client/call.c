/*
 * call.c - SAPs, calls and parties of the client. Read client.h first.
 *
 * How it works. Handlers that NDIS calls do next to nothing: they write down what they have learnt, and
 * call ClientRun. ClientRun looks at an address family and everything on it, takes the next step that
 * can be taken, and goes on until there is none: register the SAP, create a VC, make the call, change
 * its quality of service, add parties, drop them, close the call, delete the VC, deregister the SAP,
 * close the AF. A step is one call into NDIS. What it leads to, now or in a completion, is written
 * down again. So there is one place that knows the order in which things are built up and taken down,
 * and it is the same whoever wants them to end: the call's own plan, the other end, a notification
 * of the call manager's, or an unbind.
 *
 * One thread at a time takes the steps of an AF. A handler that is called out of a step, on the same
 * stack, or at the same time on another processor, finds the AF being run; the thread that runs it
 * looks again before it leaves.
 */

#include "client.h"

typedef enum _CLIENT_STEP {
    ClientStepNone,
    ClientStepRegisterSap,
    ClientStepDeregisterSap,
    ClientStepCloseAf,
    ClientStepForget, /* a call for which there is no VC */
    ClientStepCreateVc,
    ClientStepDeleteVc,
    ClientStepMakeCall,
    ClientStepAccept,
    ClientStepReject,
    ClientStepModifyQoS,
    ClientStepAddParty,
    ClientStepDropParty,
    ClientStepCloseCall
} CLIENT_STEP;

/* Under ClientLock. */
static LIST_ENTRY ClientCalls;

static PROTOCOL_CL_REGISTER_SAP_COMPLETE ClientClRegisterSapComplete;
static PROTOCOL_CL_DEREGISTER_SAP_COMPLETE ClientClDeregisterSapComplete;
static PROTOCOL_CO_CREATE_VC ClientCoCreateVc;
static PROTOCOL_CO_DELETE_VC ClientCoDeleteVc;
static PROTOCOL_CL_MAKE_CALL_COMPLETE ClientClMakeCallComplete;
static PROTOCOL_CL_MODIFY_CALL_QOS_COMPLETE ClientClModifyCallQoSComplete;
static PROTOCOL_CL_CLOSE_CALL_COMPLETE ClientClCloseCallComplete;
static PROTOCOL_CL_ADD_PARTY_COMPLETE ClientClAddPartyComplete;
static PROTOCOL_CL_DROP_PARTY_COMPLETE ClientClDropPartyComplete;
static PROTOCOL_CL_INCOMING_CALL ClientClIncomingCall;
static PROTOCOL_CL_INCOMING_CALL_QOS_CHANGE ClientClIncomingCallQoSChange;
static PROTOCOL_CL_INCOMING_CLOSE_CALL ClientClIncomingCloseCall;
static PROTOCOL_CL_INCOMING_DROP_PARTY ClientClIncomingDropParty;
static PROTOCOL_CL_CALL_CONNECTED ClientClCallConnected;

/* --- calls and parties ------------------------------------------------------------------------- */

VOID ClientInitializeCalls(VOID)
{
    InitializeListHead(&ClientCalls);
}

/* The caller has a reference to the AF, and gives it to the call. NULL if memory is short. */
static PCLIENT_CALL ClientCreateCall(PCLIENT_AF Af, BOOLEAN Ours)
{
    PCLIENT_CALL Call;

    Call = NdisAllocateMemoryWithTagPriority(
        ClientProtocolHandle, sizeof(*Call), CLIENT_POOL_TAG, NormalPoolPriority);
    if (Call == NULL) {
        return NULL;
    }
    NdisZeroMemory(Call, sizeof(*Call));
    Call->Af = Af;
    Call->Ours = Ours;
    Call->State = Ours ? ClientCallNew : ClientCallIdle;
    Call->References = 1;
    InitializeListHead(&Call->Parties);
    return Call;
}

static VOID ClientReleaseCall(PCLIENT_CALL Call)
{
    PCLIENT_AF Af = Call->Af;
    BOOLEAN Last;

    NdisAcquireSpinLock(&ClientLock);
    Call->References--;
    Last = Call->References == 0;
    NdisReleaseSpinLock(&ClientLock);
    if (!Last) {
        return;
    }
    while (!IsListEmpty(&Call->Parties)) {
        NdisFreeMemory(
            CONTAINING_RECORD(RemoveHeadList(&Call->Parties), CLIENT_PARTY, Link), 0, 0);
    }
    NdisFreeMemory(Call, 0, 0);
    ClientReleaseAf(Af);
}

/* There is no VC any more, and NDIS knows the Id no longer. */
static VOID ClientForgetCall(PCLIENT_CALL Call)
{
    NdisAcquireSpinLock(&ClientLock);
    RemoveEntryList(&Call->Link);
    NdisReleaseSpinLock(&ClientLock);
    ClientReleaseCall(Call);
}

/* Takes the lock, and finds the call that NDIS knows by this context, or NULL. */
static PCLIENT_CALL ClientLockCall(NDIS_HANDLE ProtocolVcContext)
{
    PLIST_ENTRY Entry;

    NdisAcquireSpinLock(&ClientLock);
    for (Entry = ClientCalls.Flink; Entry != &ClientCalls; Entry = Entry->Flink) {
        PCLIENT_CALL Call = CONTAINING_RECORD(Entry, CLIENT_CALL, Link);

        if (Call->Id == (ULONG_PTR)ProtocolVcContext) {
            return Call;
        }
    }
    return NULL;
}

/* Likewise for a party, with the call that it belongs to. */
static PCLIENT_PARTY ClientLockParty(NDIS_HANDLE ProtocolPartyContext, PCLIENT_CALL *Call)
{
    PLIST_ENTRY CallEntry, Entry;

    NdisAcquireSpinLock(&ClientLock);
    for (CallEntry = ClientCalls.Flink; CallEntry != &ClientCalls; CallEntry = CallEntry->Flink) {
        *Call = CONTAINING_RECORD(CallEntry, CLIENT_CALL, Link);
        for (Entry = (*Call)->Parties.Flink; Entry != &(*Call)->Parties; Entry = Entry->Flink) {
            PCLIENT_PARTY Party = CONTAINING_RECORD(Entry, CLIENT_PARTY, Link);

            if (Party->Id == (ULONG_PTR)ProtocolPartyContext) {
                return Party;
            }
        }
    }
    *Call = NULL;
    return NULL;
}

/* What follows a look-up: gives back the lock, and lets what has been written down have its effect. */
static VOID ClientUnlockAndRun(PCLIENT_CALL Call)
{
    PCLIENT_AF Af = NULL;

    if (Call != NULL) {
        Af = Call->Af;
        Af->References++;
    }
    NdisReleaseSpinLock(&ClientLock);
    if (Af != NULL) {
        ClientRun(Af);
        ClientReleaseAf(Af);
    }
}

static ULONG ClientBandwidth(PCO_CALL_PARAMETERS CallParameters)
{
    return CallParameters->CallMgrParameters->Transmit.PeakBandwidth;
}

/* Asks for the bandwidth in both directions; all else is up to the call manager. */
static VOID ClientFillParameters(
    PCLIENT_PARAMETERS Parameters,
    PCLIENT_AF Af,
    ULONG Bandwidth)
{
    static const FLOWSPEC Unspecified = {
        .TokenRate = QOS_NOT_SPECIFIED,
        .TokenBucketSize = QOS_NOT_SPECIFIED,
        .PeakBandwidth = QOS_NOT_SPECIFIED,
        .Latency = QOS_NOT_SPECIFIED,
        .DelayVariation = QOS_NOT_SPECIFIED,
        .ServiceType = SERVICETYPE_BESTEFFORT,
        .MaxSduSize = QOS_NOT_SPECIFIED,
        .MinimumPolicedSize = QOS_NOT_SPECIFIED,
    };
    const CLIENT_OPTIONS *Options = &Af->Binding->Options;
    ULONGLONG Address = Options->Call;

    NdisZeroMemory(Parameters, sizeof(*Parameters));
    Parameters->Call.CallMgrParameters = &Parameters->CallMgr;
    Parameters->Call.MediaParameters = &Parameters->Media;
    if (Options->Parties != 0) {
        Parameters->Call.Flags = MULTIPOINT_VC;
    }
    Parameters->CallMgr.Transmit = Unspecified;
    Parameters->CallMgr.Transmit.PeakBandwidth = Bandwidth;
    Parameters->CallMgr.Receive = Parameters->CallMgr.Transmit;
    Parameters->CallMgr.CallMgrSpecific.Length = CLIENT_ADDRESS_SIZE;
    NdisMoveMemory(Parameters->CallMgr.CallMgrSpecific.Parameters, &Address, CLIENT_ADDRESS_SIZE);
    Parameters->Media.Flags = TRANSMIT_VC | RECEIVE_VC;
    if (Options->RoundFlow != 0) {
        Parameters->Media.Flags |= Options->RoundFlow == 1 ? ROUND_DOWN_FLOW : ROUND_UP_FLOW;
    }
    if (Af->Tapi) {
        PULONG Tapi = (PULONG)Parameters->Media.MediaSpecific.Parameters;

        Parameters->Media.MediaSpecific.Length = CLIENT_TAPI_CALL_SIZE;
        Tapi[0] = Options->Call;
        Tapi[2] = CLIENT_TAPI_OUTGOING_CALL | CLIENT_TAPI_USE_DEFAULT_CALLPARAMS;
    }
}

/* Adds a party to those that the call is to have; nobody else knows the call yet. */
static BOOLEAN ClientPlanParty(PCLIENT_CALL Call)
{
    PCLIENT_PARTY Party;

    Party = NdisAllocateMemoryWithTagPriority(
        ClientProtocolHandle, sizeof(*Party), CLIENT_POOL_TAG, NormalPoolPriority);
    if (Party == NULL) {
        return FALSE;
    }
    NdisZeroMemory(Party, sizeof(*Party));
    ClientFillParameters(&Party->Parameters, Call->Af, Call->Af->Binding->Options.Bandwidth);
    InsertTailList(&Call->Parties, &Party->Link);
    return TRUE;
}

/*
 * The AF has just been opened. The SAP is registered and the call made when the AF is run; here
 * everything is got ready that they need.
 */
VOID ClientStartCalls(PCLIENT_AF Af)
{
    const CLIENT_OPTIONS *Options = &Af->Binding->Options;
    ULONGLONG Address = Options->Sap;
    BOOLEAN Enough = TRUE;
    PCLIENT_CALL Call;
    PLIST_ENTRY Entry;
    ULONG Index;

    /* In either form the number comes first, and the rest is zero. */
    Af->Sap.Sap.SapType = Af->Tapi ? CLIENT_TAPI_SAP_TYPE : 0;
    Af->Sap.Sap.SapLength = Af->Tapi ? CLIENT_TAPI_SAP_SIZE : CLIENT_ADDRESS_SIZE;
    NdisMoveMemory(Af->Sap.Sap.Sap, &Address, CLIENT_ADDRESS_SIZE);
    if (Options->Call == 0) {
        return;
    }
    Call = ClientCreateCall(Af, TRUE);
    if (Call == NULL) {
        return;
    }
    NdisAcquireSpinLock(&ClientLock);
    Af->References++;
    NdisReleaseSpinLock(&ClientLock);
    ClientFillParameters(&Call->MakeParameters, Af, Options->Bandwidth);
    /* A multipoint call begins with one party. */
    for (Index = 0; Enough && Options->Parties != 0 && Index <= Options->Parties; Index++) {
        Enough = ClientPlanParty(Call);
    }
    if (!Enough) {
        ClientReleaseCall(Call);
        return;
    }
    NdisAcquireSpinLock(&ClientLock);
    Call->Id = ++ClientLastId;
    for (Entry = Call->Parties.Flink; Entry != &Call->Parties; Entry = Entry->Flink) {
        CONTAINING_RECORD(Entry, CLIENT_PARTY, Link)->Id = ++ClientLastId;
    }
    InsertTailList(&ClientCalls, &Call->Link);
    NdisReleaseSpinLock(&ClientLock);
}

/* --- what to do next --------------------------------------------------------------------------- */

/* The functions of this section hold the lock, and mark what they choose as begun. */

static PCLIENT_PARTY ClientFirstParty(PCLIENT_CALL Call)
{
    if (IsListEmpty(&Call->Parties)) {
        return NULL;
    }
    return CONTAINING_RECORD(Call->Parties.Flink, CLIENT_PARTY, Link);
}

/*
 * Takes down a call that exists: drops parties until one is left, which goes with the call. A party
 * that is being added or dropped still counts for the call manager, so the close waits for both. It does
 * not wait for a change of the quality of service, which the call manager owes us in any case.
 */
static CLIENT_STEP ClientNextStepDown(PCLIENT_CALL Call, PCLIENT_PARTY *Party)
{
    PCLIENT_PARTY Last = NULL;
    ULONG Active = 0;
    BOOLEAN Busy = FALSE;
    PLIST_ENTRY Entry;

    for (Entry = Call->Parties.Flink; Entry != &Call->Parties; Entry = Entry->Flink) {
        PCLIENT_PARTY This = CONTAINING_RECORD(Entry, CLIENT_PARTY, Link);

        Busy |= This->State == ClientPartyAdding || This->State == ClientPartyDropping;
        if (This->State == ClientPartyActive) {
            Active++;
            Last = This;
        }
    }
    *Party = Last;
    if (Active > 1) {
        Last->State = ClientPartyDropping;
        return ClientStepDropParty;
    }
    if (Busy) {
        return ClientStepNone;
    }
    Call->State = ClientCallClosing;
    return ClientStepCloseCall;
}

/* The plan of a call that we made: ask for another quality of service, add parties, and when all of that
 * has come to an end, take the call down. A party that leaves by itself has to be dropped. */
static CLIENT_STEP ClientNextStepOfPlan(PCLIENT_CALL Call, PCLIENT_PARTY *Party)
{
    const CLIENT_OPTIONS *Options = &Call->Af->Binding->Options;
    PCLIENT_PARTY Leaving = NULL;
    ULONG Active = 0;
    BOOLEAN Busy = Call->QoSPending;
    PLIST_ENTRY Entry;

    if (!Call->QoSAsked && Options->ChangeQoS != 0) {
        ClientFillParameters(&Call->QoSParameters, Call->Af, Options->ChangeQoS);
        Call->QoSAsked = TRUE;
        Call->QoSPending = TRUE;
        return ClientStepModifyQoS;
    }
    for (Entry = Call->Parties.Flink; Entry != &Call->Parties; Entry = Entry->Flink) {
        PCLIENT_PARTY This = CONTAINING_RECORD(Entry, CLIENT_PARTY, Link);

        switch (This->State) {
        case ClientPartyNew:
            This->State = ClientPartyAdding;
            *Party = This;
            return ClientStepAddParty;
        case ClientPartyAdding:
        case ClientPartyDropping:
            Busy = TRUE;
            break;
        case ClientPartyActive:
            Active++;
            if (This->DropIndicated) {
                Leaving = This;
            }
            break;
        case ClientPartyGone:
            break;
        }
    }
    if (Leaving != NULL && Active > 1) {
        Leaving->State = ClientPartyDropping;
        *Party = Leaving;
        return ClientStepDropParty;
    }
    if (Busy || (Options->KeepCall && Leaving == NULL)) {
        return ClientStepNone;
    }
    return ClientNextStepDown(Call, Party);
}

static CLIENT_STEP ClientNextStepOfCall(PCLIENT_CALL Call, PCLIENT_PARTY *Party)
{
    PCLIENT_AF Af = Call->Af;

    *Party = NULL;
    switch (Call->State) {
    case ClientCallNew:
        if (Af->TakeDown) {
            return ClientStepForget;
        }
        if (Af->SapState == ClientSapRegistered || Af->SapState == ClientSapGone) {
            return ClientStepCreateVc;
        }
        return ClientStepNone;
    case ClientCallIdle:
        if (!Call->Ours) {
            /* The call manager offers a call on it, or deletes it. */
            return ClientStepNone;
        }
        if (!Call->Made && !Af->TakeDown) {
            Call->Made = TRUE;
            Call->State = ClientCallMaking;
            *Party = ClientFirstParty(Call);
            if (*Party != NULL) {
                (*Party)->State = ClientPartyAdding;
            }
            return ClientStepMakeCall;
        }
        if (Call->QoSPending) {
            return ClientStepNone;
        }
        Call->State = ClientCallDeleting;
        return ClientStepDeleteVc;
    case ClientCallOffered:
        /* An offer that the other end has withdrawn is answered all the same, and closed after that. */
        if (Af->TakeDown || Call->CloseIndicated || Call->Answer == ClientAnswerReject) {
            Call->State = Call->CloseIndicated ? ClientCallAccepted : ClientCallIdle;
            return ClientStepReject;
        }
        if (Call->Answer == ClientAnswerAccept) {
            Call->State = ClientCallAccepted;
            return ClientStepAccept;
        }
        return ClientStepNone;
    case ClientCallAccepted:
    case ClientCallConnected:
        if (Af->TakeDown || Call->CloseIndicated || Call->Unacceptable) {
            return ClientNextStepDown(Call, Party);
        }
        return Call->Ours ? ClientNextStepOfPlan(Call, Party) : ClientStepNone;
    case ClientCallMaking:
    case ClientCallClosing:
    case ClientCallDeleting:
        return ClientStepNone;
    }
    return ClientStepNone;
}

static CLIENT_STEP ClientNextStep(PCLIENT_AF Af, PCLIENT_CALL *Call, PCLIENT_PARTY *Party)
{
    BOOLEAN CallsLeft = FALSE;
    PLIST_ENTRY Entry;

    *Call = NULL;
    *Party = NULL;
    if (Af->State != ClientAfOpen || Af->Retrying) {
        return ClientStepNone;
    }
    if (Af->SapState == ClientSapNone && !Af->TakeDown) {
        Af->SapState = ClientSapRegistering;
        return ClientStepRegisterSap;
    }
    for (Entry = ClientCalls.Flink; Entry != &ClientCalls; Entry = Entry->Flink) {
        PCLIENT_CALL This = CONTAINING_RECORD(Entry, CLIENT_CALL, Link);
        CLIENT_STEP Step;

        if (This->Af != Af) {
            continue;
        }
        Step = ClientNextStepOfCall(This, Party);
        if (Step != ClientStepNone) {
            *Call = This;
            return Step;
        }
        /* A VC of the call manager's that is idle is for the call manager to delete. */
        CallsLeft |= This->Ours || This->State != ClientCallIdle;
    }
    if (!Af->TakeDown || CallsLeft) {
        return ClientStepNone;
    }
    switch (Af->SapState) {
    case ClientSapRegistered:
        Af->SapState = ClientSapDeregistering;
        return ClientStepDeregisterSap;
    case ClientSapRegistering:
    case ClientSapDeregistering:
        return ClientStepNone;
    case ClientSapNone:
    case ClientSapGone:
        Af->State = ClientAfClosing;
        return ClientStepCloseAf;
    }
    return ClientStepNone;
}

/* --- what came of it --------------------------------------------------------------------------- */

/* Each function of this section is told the end of one operation, whether that was the return of the call
 * that began it or a completion. The caller holds the lock. */

static VOID ClientSapRegisterEnded(PCLIENT_AF Af, NDIS_STATUS Status, NDIS_HANDLE NdisSapHandle)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        Af->NdisSapHandle = NdisSapHandle;
        Af->SapState = ClientSapRegistered;
    } else {
        /* Perhaps another client has this SAP. We take no calls then, but can make them. */
        Af->SapState = ClientSapGone;
    }
}

static VOID ClientSapDeregisterEnded(PCLIENT_AF Af, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        Af->SapState = ClientSapGone;
    } else {
        Af->SapState = ClientSapRegistered;
        ClientRetryLater(Af);
    }
}

static VOID ClientPartyAddEnded(
    PCLIENT_PARTY Party,
    NDIS_STATUS Status,
    NDIS_HANDLE NdisPartyHandle)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        Party->NdisPartyHandle = NdisPartyHandle;
        Party->State = ClientPartyActive;
    } else {
        Party->NdisPartyHandle = NULL;
        Party->State = ClientPartyGone;
    }
}

static VOID ClientPartyDropEnded(PCLIENT_CALL Call, PCLIENT_PARTY Party, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        Party->NdisPartyHandle = NULL;
        Party->State = ClientPartyGone;
    } else {
        /* The party is still there, and its handle is valid again. It is dropped later, or goes with
         * the call if it has become the last one. */
        Party->State = ClientPartyActive;
        ClientRetryLater(Call->Af);
    }
}

/* A call that could not be made leaves nothing to close; its VC is deleted. */
static VOID ClientMakeCallEnded(
    PCLIENT_CALL Call,
    NDIS_STATUS Status,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_PARTY Party = ClientFirstParty(Call);

    if (Party != NULL) {
        ClientPartyAddEnded(Party, Status, NdisPartyHandle);
    }
    if (Status == NDIS_STATUS_SUCCESS) {
        /* If the call manager has changed what we asked for (CALL_PARAMETERS_CHANGED), it is the
         * result that counts. */
        Call->Bandwidth = ClientBandwidth(CallParameters);
        Call->State = ClientCallConnected;
    } else {
        Call->State = ClientCallIdle;
    }
}

static VOID ClientModifyQoSEnded(
    PCLIENT_CALL Call,
    NDIS_STATUS Status,
    PCO_CALL_PARAMETERS CallParameters)
{
    Call->QoSPending = FALSE;
    if (Status == NDIS_STATUS_SUCCESS) {
        Call->Bandwidth = ClientBandwidth(CallParameters);
    }
}

static VOID ClientCloseCallEnded(PCLIENT_CALL Call, NDIS_STATUS Status)
{
    PLIST_ENTRY Entry;

    if (Status != NDIS_STATUS_SUCCESS) {
        /* The call is still there. */
        Call->State = ClientCallAccepted;
        Call->Unacceptable = TRUE;
        ClientRetryLater(Call->Af);
        return;
    }
    Call->State = ClientCallIdle;
    Call->CloseIndicated = FALSE;
    Call->Unacceptable = FALSE;
    Call->Closed = TRUE;
    for (Entry = Call->Parties.Flink; Entry != &Call->Parties; Entry = Entry->Flink) {
        CONTAINING_RECORD(Entry, CLIENT_PARTY, Link)->State = ClientPartyGone;
    }
}

/* --- taking the steps -------------------------------------------------------------------------- */

static VOID ClientCreateVc(PCLIENT_CALL Call)
{
    NDIS_STATUS Status;

    Status = NdisCoCreateVc(
        Call->Af->Binding->NdisBindingHandle,
        Call->Af->NdisAfHandle,
        (NDIS_HANDLE)Call->Id,
        &Call->NdisVcHandle);
    if (Status != NDIS_STATUS_SUCCESS) {
        ClientForgetCall(Call);
        return;
    }
    NdisAcquireSpinLock(&ClientLock);
    Call->State = ClientCallIdle;
    NdisReleaseSpinLock(&ClientLock);
}

/* A call manager that deactivates the VC only after it has completed the close makes us wait with the
 * deletion: NDIS_STATUS_NOT_ACCEPTED, or NDIS_STATUS_CLOSING. */
static VOID ClientDeleteVc(PCLIENT_CALL Call)
{
    if (NdisCoDeleteVc(Call->NdisVcHandle) == NDIS_STATUS_SUCCESS) {
        ClientForgetCall(Call);
        return;
    }
    NdisAcquireSpinLock(&ClientLock);
    Call->State = ClientCallIdle;
    ClientRetryLater(Call->Af);
    NdisReleaseSpinLock(&ClientLock);
}

/* One call into NDIS, made without the lock. If it pends, its completion tells the end of it, and may
 * have done so before the call returns. */
static VOID ClientTakeStep(PCLIENT_AF Af, PCLIENT_CALL Call, PCLIENT_PARTY Party, CLIENT_STEP Step)
{
    NDIS_STATUS Status;

    switch (Step) {
    case ClientStepNone:
        break;
    case ClientStepRegisterSap:
        Status = NdisClRegisterSap(
            Af->NdisAfHandle, (NDIS_HANDLE)Af->Id, &Af->Sap.Sap, &Af->NdisSapHandle);
        if (Status != NDIS_STATUS_PENDING) {
            NdisAcquireSpinLock(&ClientLock);
            ClientSapRegisterEnded(Af, Status, Af->NdisSapHandle);
            NdisReleaseSpinLock(&ClientLock);
        }
        break;
    case ClientStepDeregisterSap:
        Status = NdisClDeregisterSap(Af->NdisSapHandle);
        if (Status != NDIS_STATUS_PENDING) {
            NdisAcquireSpinLock(&ClientLock);
            ClientSapDeregisterEnded(Af, Status);
            NdisReleaseSpinLock(&ClientLock);
        }
        break;
    case ClientStepCloseAf:
        ClientCloseAf(Af);
        break;
    case ClientStepForget:
        ClientForgetCall(Call);
        break;
    case ClientStepCreateVc:
        ClientCreateVc(Call);
        break;
    case ClientStepDeleteVc:
        ClientDeleteVc(Call);
        break;
    case ClientStepMakeCall:
        Status = NdisClMakeCall(
            Call->NdisVcHandle,
            &Call->MakeParameters.Call,
            Party != NULL ? (NDIS_HANDLE)Party->Id : NULL,
            Party != NULL ? &Party->NdisPartyHandle : NULL);
        if (Status != NDIS_STATUS_PENDING) {
            NdisAcquireSpinLock(&ClientLock);
            ClientMakeCallEnded(
                Call,
                Status,
                Party != NULL ? Party->NdisPartyHandle : NULL,
                &Call->MakeParameters.Call);
            NdisReleaseSpinLock(&ClientLock);
        }
        break;
    case ClientStepAccept:
        NdisClIncomingCallComplete(NDIS_STATUS_SUCCESS, Call->NdisVcHandle, Call->Offer);
        break;
    case ClientStepReject:
        NdisClIncomingCallComplete(NDIS_STATUS_FAILURE, Call->NdisVcHandle, Call->Offer);
        break;
    case ClientStepModifyQoS:
        Status = NdisClModifyCallQoS(Call->NdisVcHandle, &Call->QoSParameters.Call);
        if (Status != NDIS_STATUS_PENDING) {
            NdisAcquireSpinLock(&ClientLock);
            ClientModifyQoSEnded(Call, Status, &Call->QoSParameters.Call);
            NdisReleaseSpinLock(&ClientLock);
        }
        break;
    case ClientStepAddParty:
        Status = NdisClAddParty(
            Call->NdisVcHandle,
            (NDIS_HANDLE)Party->Id,
            &Party->Parameters.Call,
            &Party->NdisPartyHandle);
        if (Status != NDIS_STATUS_PENDING) {
            NdisAcquireSpinLock(&ClientLock);
            ClientPartyAddEnded(Party, Status, Party->NdisPartyHandle);
            NdisReleaseSpinLock(&ClientLock);
        }
        break;
    case ClientStepDropParty:
        Status = NdisClDropParty(Party->NdisPartyHandle, NULL, 0);
        if (Status != NDIS_STATUS_PENDING) {
            NdisAcquireSpinLock(&ClientLock);
            ClientPartyDropEnded(Call, Party, Status);
            NdisReleaseSpinLock(&ClientLock);
        }
        break;
    case ClientStepCloseCall:
        Status = NdisClCloseCall(
            Call->NdisVcHandle, Party != NULL ? Party->NdisPartyHandle : NULL, NULL, 0);
        if (Status != NDIS_STATUS_PENDING) {
            NdisAcquireSpinLock(&ClientLock);
            ClientCloseCallEnded(Call, Status);
            NdisReleaseSpinLock(&ClientLock);
        }
        break;
    }
}

/* Takes every step of the AF that can be taken now. The caller has a reference to it. Runs at IRQL <=
 * DISPATCH_LEVEL. */
VOID ClientRun(PCLIENT_AF Af)
{
    PCLIENT_PARTY Party;
    PCLIENT_CALL Call;
    CLIENT_STEP Step;

    NdisAcquireSpinLock(&ClientLock);
    if (Af->Running) {
        NdisReleaseSpinLock(&ClientLock);
        return;
    }
    Af->Running = TRUE;
    while ((Step = ClientNextStep(Af, &Call, &Party)) != ClientStepNone) {
        if (Call != NULL) {
            Call->References++;
        }
        NdisReleaseSpinLock(&ClientLock);
        ClientTakeStep(Af, Call, Party, Step);
        if (Call != NULL) {
            ClientReleaseCall(Call);
        }
        NdisAcquireSpinLock(&ClientLock);
    }
    Af->Running = FALSE;
    NdisReleaseSpinLock(&ClientLock);
}

/* --- SAPs -------------------------------------------------------------------------------------- */

static VOID NTAPI ClientClRegisterSapComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolSapContext,
    PCO_SAP Sap,
    NDIS_HANDLE NdisSapHandle)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolSapContext);

    UNREFERENCED_PARAMETER(Sap);
    NdisAcquireSpinLock(&ClientLock);
    ClientSapRegisterEnded(Af, Status, NdisSapHandle);
    NdisReleaseSpinLock(&ClientLock);
    ClientRun(Af);
    ClientReleaseAf(Af);
}

static VOID NTAPI ClientClDeregisterSapComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolSapContext)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolSapContext);

    NdisAcquireSpinLock(&ClientLock);
    ClientSapDeregisterEnded(Af, Status);
    NdisReleaseSpinLock(&ClientLock);
    ClientRun(Af);
    ClientReleaseAf(Af);
}

/* --- calls that we make ------------------------------------------------------------------------ */

static VOID NTAPI ClientClMakeCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_CALL Call = ClientLockCall(ProtocolVcContext);

    if (Call != NULL) {
        ClientMakeCallEnded(Call, Status, NdisPartyHandle, CallParameters);
    }
    ClientUnlockAndRun(Call);
}

static VOID NTAPI ClientClModifyCallQoSComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_CALL Call = ClientLockCall(ProtocolVcContext);

    if (Call != NULL) {
        ClientModifyQoSEnded(Call, Status, CallParameters);
    }
    ClientUnlockAndRun(Call);
}

static VOID NTAPI ClientClAddPartyComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolPartyContext,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_CALL Call;
    PCLIENT_PARTY Party = ClientLockParty(ProtocolPartyContext, &Call);

    UNREFERENCED_PARAMETER(CallParameters);
    if (Party != NULL) {
        ClientPartyAddEnded(Party, Status, NdisPartyHandle);
    }
    ClientUnlockAndRun(Call);
}

static VOID NTAPI ClientClDropPartyComplete(NDIS_STATUS Status, NDIS_HANDLE ProtocolPartyContext)
{
    PCLIENT_CALL Call;
    PCLIENT_PARTY Party = ClientLockParty(ProtocolPartyContext, &Call);

    if (Party != NULL) {
        ClientPartyDropEnded(Call, Party, Status);
    }
    ClientUnlockAndRun(Call);
}

/* A party leaves by itself. It is ours to drop; the last one leaves with ProtocolClIncomingCloseCall. */
static VOID NTAPI ClientClIncomingDropParty(
    NDIS_STATUS DropStatus,
    NDIS_HANDLE ProtocolPartyContext,
    PVOID CloseData,
    UINT Size)
{
    PCLIENT_CALL Call;
    PCLIENT_PARTY Party = ClientLockParty(ProtocolPartyContext, &Call);

    UNREFERENCED_PARAMETER(DropStatus);
    UNREFERENCED_PARAMETER(CloseData);
    UNREFERENCED_PARAMETER(Size);
    if (Party != NULL) {
        Party->DropIndicated = TRUE;
    }
    ClientUnlockAndRun(Call);
}

/* --- calls that come in ------------------------------------------------------------------------ */

/* The call manager has created a VC, to offer us a call on it. */
static NDIS_STATUS NTAPI ClientCoCreateVc(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE ProtocolVcContext)
{
    PCLIENT_AF Af = ClientGetAf(ProtocolAfContext);
    PCLIENT_CALL Call;

    if (Af == NULL) {
        return NDIS_STATUS_FAILURE;
    }
    Call = ClientCreateCall(Af, FALSE);
    if (Call == NULL) {
        ClientReleaseAf(Af);
        return NDIS_STATUS_RESOURCES;
    }
    Call->NdisVcHandle = NdisVcHandle;
    NdisAcquireSpinLock(&ClientLock);
    Call->Id = ++ClientLastId;
    InsertTailList(&ClientCalls, &Call->Link);
    NdisReleaseSpinLock(&ClientLock);
    *ProtocolVcContext = (NDIS_HANDLE)Call->Id;
    return NDIS_STATUS_SUCCESS;
}

/* A close counts as done here: the call manager cannot delete the VC before that, even if our call of
 * NdisClCloseCall has yet to return. */
static NDIS_STATUS NTAPI ClientCoDeleteVc(NDIS_HANDLE ProtocolVcContext)
{
    PCLIENT_CALL Call = ClientLockCall(ProtocolVcContext);
    BOOLEAN Delete = FALSE;

    if (Call != NULL) {
        Delete = (Call->State == ClientCallIdle || Call->State == ClientCallClosing) && !Call->QoSPending;
    }
    NdisReleaseSpinLock(&ClientLock);
    if (!Delete) {
        return NDIS_STATUS_NOT_ACCEPTED;
    }
    ClientForgetCall(Call);
    return NDIS_STATUS_SUCCESS;
}

/*
 * A call is offered. The parameters are the call manager's; they may be changed where its protocol
 * allows it, and must not be looked at after a rejection.
 */
static NDIS_STATUS NTAPI ClientClIncomingCall(
    NDIS_HANDLE ProtocolSapContext,
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_CALL Call = ClientLockCall(ProtocolVcContext);
    NDIS_STATUS Status = NDIS_STATUS_FAILURE;
    const CLIENT_OPTIONS *Options;

    UNREFERENCED_PARAMETER(ProtocolSapContext);
    if (Call == NULL || Call->State != ClientCallIdle || Call->CloseOvertook || Call->Af->TakeDown) {
        if (Call != NULL) {
            Call->CloseOvertook = FALSE;
        }
        ClientUnlockAndRun(Call);
        return NDIS_STATUS_FAILURE;
    }
    Options = &Call->Af->Binding->Options;
    Call->Closed = FALSE;
    Call->Bandwidth = ClientBandwidth(CallParameters);
    if (Options->MaxBandwidth != 0 && Call->Bandwidth > Options->MaxBandwidth) {
        Call->Bandwidth = Options->MaxBandwidth;
        CallParameters->CallMgrParameters->Transmit.PeakBandwidth = Call->Bandwidth;
        CallParameters->CallMgrParameters->Receive.PeakBandwidth = Call->Bandwidth;
        CallParameters->Flags |= CALL_PARAMETERS_CHANGED;
    }
    Call->Offer = CallParameters;
    Call->Answer = ClientAnswerNone;
    switch (Options->IncomingCall) {
    case 1:
    case 4:
        Call->State = ClientCallOffered;
        ClientDoLater(Call->Af);
        Status = NDIS_STATUS_PENDING;
        break;
    case 2:
        Call->State = ClientCallOffered;
        Call->Answer = ClientAnswerAccept;
        Status = NDIS_STATUS_PENDING;
        break;
    case 3:
        break;
    default:
        Call->State = ClientCallAccepted;
        Status = NDIS_STATUS_SUCCESS;
        break;
    }
    ClientUnlockAndRun(Call);
    return Status;
}

/* Decides, from the work item, what becomes of offers that wait for it. The caller holds the lock. */
VOID ClientAnswerCalls(PCLIENT_AF Af)
{
    PLIST_ENTRY Entry;

    for (Entry = ClientCalls.Flink; Entry != &ClientCalls; Entry = Entry->Flink) {
        PCLIENT_CALL Call = CONTAINING_RECORD(Entry, CLIENT_CALL, Link);

        if (Call->Af == Af && Call->State == ClientCallOffered && Call->Answer == ClientAnswerNone) {
            Call->Answer = Af->Binding->Options.IncomingCall == 4 ? ClientAnswerReject : ClientAnswerAccept;
        }
    }
}

/* A call that we have accepted is connected: data may flow. */
static VOID NTAPI ClientClCallConnected(NDIS_HANDLE ProtocolVcContext)
{
    PCLIENT_CALL Call = ClientLockCall(ProtocolVcContext);

    if (Call != NULL && Call->State == ClientCallAccepted) {
        Call->State = ClientCallConnected;
    }
    ClientUnlockAndRun(Call);
}

/* --- what may happen to any call --------------------------------------------------------------- */

/* Returning accepts the change; who cannot live with it closes the call. */
static VOID NTAPI ClientClIncomingCallQoSChange(
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters)
{
    PCLIENT_CALL Call = ClientLockCall(ProtocolVcContext);

    if (Call != NULL) {
        ULONG Most = Call->Af->Binding->Options.MaxBandwidth;

        Call->Bandwidth = ClientBandwidth(CallParameters);
        if (Most != 0 && Call->Bandwidth > Most) {
            Call->Unacceptable = TRUE;
        }
    }
    ClientUnlockAndRun(Call);
}

/*
 * The other end closes the call, and waits for NdisClCloseCall. It may have crossed a close of our own,
 * which is the answer then; or, on another processor, have overtaken the offer of the call.
 */
static VOID NTAPI ClientClIncomingCloseCall(
    NDIS_STATUS CloseStatus,
    NDIS_HANDLE ProtocolVcContext,
    PVOID CloseData,
    UINT Size)
{
    PCLIENT_CALL Call = ClientLockCall(ProtocolVcContext);

    UNREFERENCED_PARAMETER(CloseStatus);
    UNREFERENCED_PARAMETER(CloseData);
    UNREFERENCED_PARAMETER(Size);
    if (Call != NULL) {
        switch (Call->State) {
        case ClientCallIdle:
            if (!Call->Ours && !Call->Closed) {
                Call->State = ClientCallAccepted;
                Call->CloseIndicated = TRUE;
                Call->CloseOvertook = TRUE;
            }
            break;
        case ClientCallMaking:
        case ClientCallOffered:
        case ClientCallAccepted:
        case ClientCallConnected:
            Call->CloseIndicated = TRUE;
            break;
        case ClientCallNew:
        case ClientCallClosing:
        case ClientCallDeleting:
            break;
        }
    }
    ClientUnlockAndRun(Call);
}

static VOID NTAPI ClientClCloseCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext)
{
    PCLIENT_CALL Call = ClientLockCall(ProtocolVcContext);

    UNREFERENCED_PARAMETER(ProtocolPartyContext);
    if (Call != NULL) {
        ClientCloseCallEnded(Call, Status);
    }
    ClientUnlockAndRun(Call);
}

VOID ClientSetCallHandlers(NDIS_CO_CLIENT_OPTIONAL_HANDLERS *Handlers)
{
    Handlers->ClCreateVcHandler = ClientCoCreateVc;
    Handlers->ClDeleteVcHandler = ClientCoDeleteVc;
    Handlers->ClRegisterSapCompleteHandler = ClientClRegisterSapComplete;
    Handlers->ClDeregisterSapCompleteHandler = ClientClDeregisterSapComplete;
    Handlers->ClMakeCallCompleteHandler = ClientClMakeCallComplete;
    Handlers->ClModifyCallQoSCompleteHandler = ClientClModifyCallQoSComplete;
    Handlers->ClCloseCallCompleteHandler = ClientClCloseCallComplete;
    Handlers->ClAddPartyCompleteHandler = ClientClAddPartyComplete;
    Handlers->ClDropPartyCompleteHandler = ClientClDropPartyComplete;
    Handlers->ClIncomingCallHandler = ClientClIncomingCall;
    Handlers->ClIncomingCallQoSChangeHandler = ClientClIncomingCallQoSChange;
    Handlers->ClIncomingCloseCallHandler = ClientClIncomingCloseCall;
    Handlers->ClIncomingDropPartyHandler = ClientClIncomingDropParty;
    Handlers->ClCallConnectedHandler = ClientClCallConnected;
}
