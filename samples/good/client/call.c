/*
 * call.c - SAPs, calls and parties of the client: what is kept of each, and the handlers for them. The
 * handlers write down what they learn, and run.c does what follows from it.
 */

#include "client.h"

LIST_ENTRY ClientCalls;

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

VOID ClientReleaseCall(PCLIENT_CALL Call)
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
VOID ClientForgetCall(PCLIENT_CALL Call)
{
    NdisAcquireSpinLock(&ClientLock);
    RemoveEntryList(&Call->Link);
    NdisReleaseSpinLock(&ClientLock);
    ClientReleaseCall(Call);
}

/* The party that a multipoint call is made to, or NULL if the call is none. */
PCLIENT_PARTY ClientFirstParty(PCLIENT_CALL Call)
{
    if (IsListEmpty(&Call->Parties)) {
        return NULL;
    }
    return CONTAINING_RECORD(Call->Parties.Flink, CLIENT_PARTY, Link);
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

/* 0 if the parameters say nothing about it. */
static ULONG ClientBandwidth(PCO_CALL_PARAMETERS CallParameters)
{
    if (CallParameters == NULL || CallParameters->CallMgrParameters == NULL) {
        return 0;
    }
    return CallParameters->CallMgrParameters->Transmit.PeakBandwidth;
}

/* Asks for the bandwidth in both directions; all else is up to the call manager. */
VOID ClientFillParameters(
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

/* --- what came of it --------------------------------------------------------------------------- */

/* Each function of this section is told the end of one operation, whether that was the return of the
 * call that began it or a completion. The caller holds the lock. */

VOID ClientSapRegisterEnded(PCLIENT_AF Af, NDIS_STATUS Status, NDIS_HANDLE NdisSapHandle)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        Af->NdisSapHandle = NdisSapHandle;
        Af->SapState = ClientSapRegistered;
    } else {
        /* Perhaps another client has this SAP. We take no calls then, but can make them. */
        Af->SapState = ClientSapGone;
    }
}

VOID ClientSapDeregisterEnded(PCLIENT_AF Af, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS) {
        Af->SapState = ClientSapGone;
    } else {
        Af->SapState = ClientSapRegistered;
        ClientRetryLater(Af);
    }
}

VOID ClientPartyAddEnded(
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

VOID ClientPartyDropEnded(PCLIENT_CALL Call, PCLIENT_PARTY Party, NDIS_STATUS Status)
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
VOID ClientMakeCallEnded(
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

VOID ClientModifyQoSEnded(
    PCLIENT_CALL Call,
    NDIS_STATUS Status,
    PCO_CALL_PARAMETERS CallParameters)
{
    Call->QoSPending = FALSE;
    if (Status == NDIS_STATUS_SUCCESS) {
        Call->Bandwidth = ClientBandwidth(CallParameters);
    }
}

VOID ClientCloseCallEnded(PCLIENT_CALL Call, NDIS_STATUS Status)
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

/* A party leaves by itself. It is ours to drop; the last one leaves with
 * ProtocolClIncomingCloseCall. */
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
        Delete = (Call->State == ClientCallIdle || Call->State == ClientCallClosing)
            && !Call->QoSPending;
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
            Call->Answer = Af->Binding->Options.IncomingCall == 4 ? ClientAnswerReject
                                                                  : ClientAnswerAccept;
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
