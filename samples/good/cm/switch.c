/*
 * switch.c - what the call manager does with SAPs, VCs, calls and parties. Read cm.h first.
 *
 * What it does: it is the network. A call to an address for which a client on the same adapter has
 * registered a SAP is offered to that client, on a VC that we create for it; what the two then do to
 * their call is passed on to the other: the answer, changes of the quality of service, parties, the
 * close. A call to any other address fails.
 *
 * How it works. Handlers that NDIS calls only write down what is asked for, or what has been learnt,
 * and have the switch run. CmRunSwitch looks at everything there is, does the next thing that can be
 * done, and goes on until there is nothing: a step is one call into NDIS, or none. One thread at a time
 * runs the switch. A handler that is called out of a step, on the same stack, or at the same time on
 * another processor, finds it running; the thread that runs it looks again before it leaves.
 *
 * That one thread makes all calls that name a VC, SAP or party of a client, and also the completions
 * that kill those handles, is what makes this sound: no handle can die under a call that is being made
 * with it. A client that closes its call meanwhile waits for the completion.
 *
 * A request is answered by the handler that took it, if the switch has come to the answer by the time
 * that the handler returns, and else by a completion. With some options it is always a completion.
 */

#include "cm.h"

typedef enum _CM_ACTION {
    CmLookAgain, /* something has changed without a call into NDIS */
    CmCompleteRegisterSap,
    CmCompleteDeregisterSap,
    CmCreateFarVc,
    CmDeleteFarVc,
    CmActivate,
    CmDeactivate,
    CmOffer,
    CmTellConnected,
    CmTellQoS,
    CmTellClose,
    CmTellDrop,
    CmCompleteMakeCall,
    CmCompleteModifyQoS,
    CmCompleteCloseCall,
    CmCompleteAddParty,
    CmCompleteDropParty,
    CmCompleteCloseAf
} CM_ACTION;

typedef struct _CM_STEP {
    CM_ACTION Action;
    PCM_AF Af;
    PCM_SAP Sap;
    PCM_VC Vc;
    PCM_PARTY Party;
    NDIS_STATUS Status;
} CM_STEP, *PCM_STEP;

static IO_WORKITEM_ROUTINE_EX CmRetryWork;

/* How long a work item waits before it tries again what was refused, in microseconds. */
#define CM_RETRY_DELAY 10000

/* --- VCs and parties --------------------------------------------------------------------------- */

PCM_VC CmNewVc(PCM_BINDING Binding, PCM_AF Af, BOOLEAN Ours)
{
    PCM_VC Vc = CmAllocate(sizeof(*Vc));

    if (Vc != NULL) {
        Vc->Binding = Binding;
        Vc->Af = Af;
        Vc->Ours = Ours;
        InitializeListHead(&Vc->Parties);
    }
    return Vc;
}

VOID CmFreeVc(PCM_VC Vc)
{
    CmFreeParameters(&Vc->InForce);
    CmFreeParameters(&Vc->Next);
    CmFreeParameters(&Vc->Before);
    CmFreeParameters(&Vc->Offer);
    NdisFreeMemory(Vc, 0, 0);
}

/* The rest of this section, and the next two, are under the lock. */

/* The calling end is gone, or wants this party no longer. Our VC lives on until its client has
 * closed. */
static VOID CmHangUp(PCM_PARTY Party)
{
    if (Party->Far != NULL) {
        Party->Far->Party = NULL;
        Party->Far = NULL;
    }
}

/* The called end is gone. */
static VOID CmLoseParty(PCM_VC Far, NDIS_STATUS Status)
{
    if (Far->Party != NULL) {
        Far->Party->State = CmPartyLost;
        Far->Party->Status = Status;
        Far->Party->Far = NULL;
        Far->Party = NULL;
    }
}

static PCM_PARTY CmFirstParty(PCM_VC Vc)
{
    return IsListEmpty(&Vc->Parties) ? NULL : CONTAINING_RECORD(Vc->Parties.Flink, CM_PARTY, Link);
}

BOOLEAN CmHasSeveralParties(PCM_VC Vc)
{
    return Vc->Parties.Flink != Vc->Parties.Blink;
}

/* The SAP with this address, unless its client is about to give it up. */
PCM_SAP CmFindSap(PCM_BINDING Binding, ULONGLONG Address)
{
    PLIST_ENTRY Entry;

    for (Entry = Binding->Saps.Flink; Entry != &Binding->Saps; Entry = Entry->Flink) {
        PCM_SAP Sap = CONTAINING_RECORD(Entry, CM_SAP, Link);

        if (Sap->Address == Address && !Sap->Deregister.Open) {
            return Sap;
        }
    }
    return NULL;
}

/* Answers a request. TRUE if that takes a completion, because its handler has returned. */
static BOOLEAN CmAnswer(PCM_REQUEST Request, NDIS_STATUS Status)
{
    Request->Open = FALSE;
    if (!Request->InHandler) {
        return TRUE;
    }
    Request->Answered = TRUE;
    Request->Status = Status;
    return FALSE;
}

/* --- changes of the quality of service --------------------------------------------------------- */

/*
 * A change is carried out on every VC of the call, one after the other: each is activated with the new
 * parameters (Next), and keeps the old ones (Before). If one of them cannot be, those that have been
 * changed are activated with the old ones again.
 */

/* The VCs of a call: the calling client's, then those of the parties that are connected. */
static PCM_VC CmNextVcOfCall(PCM_VC Caller, PCM_VC Vc)
{
    PLIST_ENTRY Entry = Vc == Caller ? Caller->Parties.Flink : Vc->Party->Link.Flink;

    for (; Entry != &Caller->Parties; Entry = Entry->Flink) {
        PCM_VC Far = CONTAINING_RECORD(Entry, CM_PARTY, Link)->Far;

        if (Far != NULL && Far->Call == CmCallConnected) {
            return Far;
        }
    }
    return NULL;
}

/* The calling client's VC; NULL if that end is gone. */
static PCM_VC CmCallerOf(PCM_VC Vc)
{
    if (!Vc->Ours) {
        return Vc;
    }
    return Vc->Party != NULL ? Vc->Party->Vc : NULL;
}

/* The VC whose client has asked for the change that is being carried out. */
static PCM_VC CmFindModifying(PCM_VC Caller)
{
    PCM_VC Vc;

    for (Vc = Caller; Vc != NULL; Vc = CmNextVcOfCall(Caller, Vc)) {
        if (Vc->Modifying) {
            return Vc;
        }
    }
    return NULL;
}

/* Tells the client that asked for a change what has become of the flows. */
static VOID CmGiveBackModified(PCM_VC Vc)
{
    PCO_CALL_MANAGER_PARAMETERS Flows = Vc->InForce->CallMgrParameters;

    CmGiveBackFlows(Vc->ModifyParameters, &Flows->Transmit, &Flows->Receive);
}

/* Ends a change, however far it has come. */
static VOID CmEndModify(PCM_VC Vc)
{
    PCM_VC Caller = CmCallerOf(Vc);
    PCM_VC Other;

    CmFreeParameters(&Vc->Before);
    CmFreeParameters(&Vc->Next);
    for (Other = Caller; Other != NULL; Other = CmNextVcOfCall(Caller, Other)) {
        CmFreeParameters(&Other->Before);
        if (Other->State != CmVcActivating) {
            CmFreeParameters(&Other->Next);
        }
    }
    Vc->Modifying = FALSE;
}

/* Gives every VC of the call its next parameters. */
static NDIS_STATUS CmBeginModify(PCM_VC Caller, PCM_VC Vc)
{
    PCO_CALL_PARAMETERS Asked = Vc->ModifyParameters;
    PCM_VC Other;

    if (Asked->CallMgrParameters == NULL) {
        return NDIS_STATUS_INVALID_DATA;
    }
    Vc->Modifying = TRUE;
    Vc->ModifyStatus = NDIS_STATUS_SUCCESS;
    for (Other = Caller; Other != NULL; Other = CmNextVcOfCall(Caller, Other)) {
        Other->Next = CmCopyParameters(Other == Vc ? Asked : Other->InForce);
        if (Other->Next == NULL) {
            CmEndModify(Vc);
            return NDIS_STATUS_RESOURCES;
        }
        if (Other != Vc) {
            CmMirrorFlows(Other->Next, Asked);
        }
    }
    return NDIS_STATUS_SUCCESS;
}

/* A VC of the call could not be activated with its next parameters. */
static VOID CmUndoModify(PCM_VC Caller, PCM_VC Modifying)
{
    PCM_VC Vc;

    Modifying->ModifyStatus = NDIS_STATUS_FAILURE;
    for (Vc = Caller; Vc != NULL; Vc = CmNextVcOfCall(Caller, Vc)) {
        CmFreeParameters(&Vc->Next);
        Vc->Next = Vc->Before;
        Vc->Before = NULL;
    }
}

/* What an activation has led to, whether at once or later. */
VOID CmActivateEnded(PCM_VC Vc, NDIS_STATUS Status)
{
    PCM_VC Caller = CmCallerOf(Vc);
    PCM_VC Modifying = NULL;

    if (Caller != NULL && Vc->Call == CmCallConnected) {
        Modifying = CmFindModifying(Caller);
    }
    if (Status == NDIS_STATUS_SUCCESS) {
        if (Modifying != NULL && Modifying->ModifyStatus == NDIS_STATUS_SUCCESS) {
            Vc->Before = Vc->InForce;
        } else {
            CmFreeParameters(&Vc->InForce);
        }
        Vc->InForce = Vc->Next;
        Vc->InForce->Flags &= ~CALL_PARAMETERS_CHANGED;
        Vc->Next = NULL;
        Vc->State = CmVcActive;
        return;
    }
    /* The parameters in force, if there are any, are in force still. */
    CmFreeParameters(&Vc->Next);
    Vc->State = Vc->InForce != NULL ? CmVcActive : CmVcInactive;
    Vc->Refused = TRUE;
    if (Modifying != NULL) {
        CmUndoModify(Caller, Modifying);
    }
}

/* Has the work item try again, after a while, what was refused. */
static VOID CmRetryLater(PCM_BINDING Binding)
{
    if (!Binding->Retrying) {
        Binding->Retrying = TRUE;
        Binding->Users++;
        IoQueueWorkItemEx(Binding->RetryWorkItem, CmRetryWork, DelayedWorkQueue, Binding);
    }
}

VOID CmDeactivateEnded(PCM_VC Vc, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS || Status == NDIS_STATUS_NOT_ACCEPTED) {
        CmFreeParameters(&Vc->InForce);
        CmFreeParameters(&Vc->Next);
        CmFreeParameters(&Vc->Before);
        Vc->State = CmVcInactive;
    } else {
        Vc->State = CmVcActive;
        CmRetryLater(Vc->Binding);
    }
}

/* The called client has accepted the call, perhaps with other parameters, or turned it down. */
VOID CmOfferAnswered(PCM_VC Vc, NDIS_STATUS Status, PCO_CALL_PARAMETERS CallParameters)
{
    Vc->OfferOpen = FALSE;
    if (Status == NDIS_STATUS_SUCCESS && CallParameters != NULL
        && (CallParameters->Flags & CALL_PARAMETERS_CHANGED)) {
        if (CallParameters->CallMgrParameters != NULL) {
            Vc->Next = CmCopyParameters(CallParameters);
        }
        Vc->Refused = Vc->Next == NULL;
    }
    Vc->OfferStatus = Status;
    CmFreeParameters(&Vc->Offer);
}

/* --- what to do next --------------------------------------------------------------------------- */

/* Each function looks at one thing, and says whether there is a step to be taken there. */

static BOOLEAN CmStepOfSap(PCM_SAP Sap, PCM_STEP Step)
{
    Step->Sap = Sap;
    Step->Status = NDIS_STATUS_SUCCESS;
    if (Sap->Register.Open) {
        Step->Action =
            CmAnswer(&Sap->Register, NDIS_STATUS_SUCCESS) ? CmCompleteRegisterSap : CmLookAgain;
        return TRUE;
    }
    if (Sap->Deregister.Open) {
        /* Calls that have come in on it go on without it. */
        RemoveEntryList(&Sap->Link);
        Sap->Af->Saps--;
        Step->Action = CmAnswer(&Sap->Deregister, NDIS_STATUS_SUCCESS) ? CmCompleteDeregisterSap
                                                                       : CmLookAgain;
        return TRUE;
    }
    return FALSE;
}

static BOOLEAN CmStepActivate(PCM_VC Vc, PCM_STEP Step)
{
    Vc->State = CmVcActivating;
    Vc->Refused = FALSE;
    Step->Action = CmActivate;
    return TRUE;
}

static BOOLEAN CmStepDeactivate(PCM_VC Vc, PCM_STEP Step)
{
    if (Vc->Binding->Retrying) {
        return FALSE;
    }
    Vc->State = CmVcDeactivating;
    Step->Action = CmDeactivate;
    return TRUE;
}

static BOOLEAN CmStepAnswerModify(PCM_VC Vc, NDIS_STATUS Status, PCM_STEP Step)
{
    Step->Vc = Vc;
    Step->Status = Status;
    Step->Action = CmAnswer(&Vc->Modify, Status) ? CmCompleteModifyQoS : CmLookAgain;
    return TRUE;
}

/* The call is not connected, or no longer. A change that has got as far as this VC is a success for it;
 * one that is being undone has to be undone here as well. */
static BOOLEAN CmStepGiveUpModify(PCM_VC Vc, PCM_STEP Step)
{
    NDIS_STATUS Status = NDIS_STATUS_FAILURE;

    if (Vc->Modifying) {
        if (Vc->ModifyStatus != NDIS_STATUS_SUCCESS && Vc->Next != NULL && !Vc->Close.Open) {
            return CmStepActivate(Vc, Step);
        }
        if (Vc->Before != NULL) {
            CmGiveBackModified(Vc);
            Status = NDIS_STATUS_SUCCESS;
        }
        CmEndModify(Vc);
    }
    return CmStepAnswerModify(Vc, Status, Step);
}

/* Our VC: its call is offered, connected, closed; then it goes. */
static BOOLEAN CmStepOfOurVc(PCM_VC Vc, PCM_STEP Step)
{
    PCM_SAP Sap;

    if (Vc->Modify.Open && (Vc->Close.Open || Vc->Party == NULL || Vc->Call != CmCallConnected)) {
        return CmStepGiveUpModify(Vc, Step);
    }
    if (Vc->Close.Open) {
        CmLoseParty(Vc, NDIS_STATUS_FAILURE);
        if (Vc->State == CmVcActive) {
            return CmStepDeactivate(Vc, Step);
        }
        Vc->Call = CmCallOver;
        Step->Status = NDIS_STATUS_SUCCESS;
        Step->Action =
            CmAnswer(&Vc->Close, NDIS_STATUS_SUCCESS) ? CmCompleteCloseCall : CmLookAgain;
        return TRUE;
    }
    switch (Vc->Call) {
    case CmCallReady:
        if (Vc->Party == NULL || Vc->Refused) {
            CmLoseParty(Vc, NDIS_STATUS_NOT_SUPPORTED);
            Vc->Call = CmCallOver;
            Step->Action = CmLookAgain;
            return TRUE;
        }
        if (Vc->State == CmVcInactive) {
            return CmStepActivate(Vc, Step);
        }
        /* The SAP may have gone meanwhile. */
        Sap = CmFindSap(Vc->Binding, Vc->Party->Address);
        Vc->Offer = CmCopyParameters(Vc->InForce);
        if (Sap == NULL || Sap->Af != Vc->Af || Vc->Offer == NULL) {
            Vc->Refused = TRUE;
            Step->Action = CmLookAgain;
            return TRUE;
        }
        Vc->Call = CmCallOffered;
        Vc->OfferOpen = TRUE;
        Step->Sap = Sap;
        Step->Action = CmOffer;
        return TRUE;
    case CmCallOffered:
        /* A call that the calling end has given up is not withdrawn while the client has yet to answer.
         * If it rejected the call at the same moment, we could not tell whether it has heard of the
         * close and is going to close the call as well. */
        if (Vc->OfferOpen) {
            return FALSE;
        }
        if (Vc->OfferStatus == NDIS_STATUS_SUCCESS) {
            Vc->Call = CmCallAccepted;
        } else {
            CmLoseParty(Vc, NDIS_STATUS_FAILURE);
            Vc->Call = CmCallOver;
        }
        Step->Action = CmLookAgain;
        return TRUE;
    case CmCallAccepted:
    case CmCallConnected:
        if (Vc->Call == CmCallAccepted && Vc->Next != NULL) {
            return CmStepActivate(Vc, Step);
        }
        if (Vc->Call == CmCallAccepted && Vc->Refused) {
            /* The miniport cannot do what the client made of the parameters. */
            CmLoseParty(Vc, NDIS_STATUS_NOT_SUPPORTED);
        }
        if (Vc->Party == NULL) {
            if (Vc->CloseTold) {
                return FALSE;
            }
            Vc->CloseTold = TRUE;
            Step->Status = NDIS_STATUS_SUCCESS;
            Step->Action = CmTellClose;
            return TRUE;
        }
        if (Vc->Party->State == CmPartyCalling) {
            Vc->Party->State = CmPartyReached;
            Step->Action = CmLookAgain;
            return TRUE;
        }
        if (Vc->Call == CmCallAccepted && Vc->Party->State == CmPartyJoined) {
            Vc->Call = CmCallConnected;
            Step->Action = CmTellConnected;
            return TRUE;
        }
        if (Vc->QoSUntold) {
            Vc->QoSUntold = FALSE;
            Step->Action = CmTellQoS;
            return TRUE;
        }
        return FALSE;
    case CmCallOver:
        if (Vc->State == CmVcActive) {
            return CmStepDeactivate(Vc, Step);
        }
        if (Vc->OfferOpen || Vc->Binding->Retrying) {
            return FALSE;
        }
        Step->Action = CmDeleteFarVc;
        return TRUE;
    case CmCallNone:
    case CmCallMaking:
        return FALSE;
    }
    return FALSE;
}

/* Looks up the address of a party, and has a VC created for the client that is called. */
static BOOLEAN CmStepCallParty(PCM_VC Vc, PCM_PARTY Party, PCM_STEP Step)
{
    PCM_SAP Sap = CmFindSap(Vc->Binding, Party->Address);
    PCM_VC Far = NULL;

    Step->Party = Party;
    Step->Action = CmLookAgain;
    Party->State = CmPartyLost;
    Party->Status = NDIS_STATUS_NOT_SUPPORTED;
    if (Sap == NULL) {
        return TRUE;
    }
    Party->Status = NDIS_STATUS_RESOURCES;
    Far = CmNewVc(Vc->Binding, Sap->Af, TRUE);
    if (Far == NULL) {
        return TRUE;
    }
    Far->Next = CmCopyParameters(Party->Parameters);
    if (Far->Next == NULL) {
        CmFreeVc(Far);
        return TRUE;
    }
    CmMirrorFlows(Far->Next, Party->Parameters);
    Far->Call = CmCallReady;
    Far->Party = Party;
    Party->Far = Far;
    Party->State = CmPartyCalling;
    /* From here on the AF waits for this VC before it closes. */
    InsertTailList(&Sap->Af->Vcs, &Far->Link);
    Step->Vc = Far;
    Step->Action = CmCreateFarVc;
    return TRUE;
}

static BOOLEAN CmStepOfParty(PCM_VC Vc, PCM_PARTY Party, PCM_STEP Step)
{
    PCO_CALL_MANAGER_PARAMETERS Flows;

    Step->Party = Party;
    Step->Status = NDIS_STATUS_SUCCESS;
    if (Party->Drop.Open) {
        CmHangUp(Party);
        RemoveEntryList(&Party->Link);
        Step->Action =
            CmAnswer(&Party->Drop, NDIS_STATUS_SUCCESS) ? CmCompleteDropParty : CmLookAgain;
        return TRUE;
    }
    switch (Party->State) {
    case CmPartyNew:
        return CmStepCallParty(Vc, Party, Step);
    case CmPartyReached:
        if (!Party->Add.Open) {
            return FALSE;
        }
        Flows = Party->Far->InForce->CallMgrParameters;
        CmGiveBackFlows(Party->Parameters, &Flows->Receive, &Flows->Transmit);
        Party->State = CmPartyJoined;
        Step->Action =
            CmAnswer(&Party->Add, NDIS_STATUS_SUCCESS) ? CmCompleteAddParty : CmLookAgain;
        return TRUE;
    case CmPartyLost:
        if (Party->Add.Open) {
            RemoveEntryList(&Party->Link);
            Step->Status = Party->Status;
            Step->Action =
                CmAnswer(&Party->Add, Party->Status) ? CmCompleteAddParty : CmLookAgain;
            return TRUE;
        }
        if (Vc->Call != CmCallConnected || Party->DropTold || Vc->CloseTold) {
            return FALSE;
        }
        /* The client drops the party, or closes the call if it is the only one. */
        if (CmHasSeveralParties(Vc)) {
            Party->DropTold = TRUE;
            Step->Action = CmTellDrop;
        } else {
            Vc->CloseTold = TRUE;
            Step->Action = CmTellClose;
        }
        return TRUE;
    case CmPartyCalling:
    case CmPartyJoined:
        return FALSE;
    }
    return FALSE;
}

/* A change of the quality of service that either end asks for. */
static BOOLEAN CmStepOfModify(PCM_VC Caller, PCM_STEP Step)
{
    PCM_VC Modifying = CmFindModifying(Caller);
    NDIS_STATUS Status;
    PCM_VC Vc;

    for (Vc = Caller; Vc != NULL; Vc = CmNextVcOfCall(Caller, Vc)) {
        if (Vc->State != CmVcActive) {
            return FALSE;
        }
    }
    if (Modifying == NULL) {
        for (Vc = Caller; Vc != NULL && !Vc->Modify.Open; Vc = CmNextVcOfCall(Caller, Vc)) {
        }
        if (Vc == NULL) {
            return FALSE;
        }
        /* One of several parties has no say in it. */
        Status = Vc->Ours && CmHasSeveralParties(Caller) ? NDIS_STATUS_FAILURE
                                                         : CmBeginModify(Caller, Vc);
        if (Status != NDIS_STATUS_SUCCESS) {
            return CmStepAnswerModify(Vc, Status, Step);
        }
        Step->Action = CmLookAgain;
        return TRUE;
    }
    for (Vc = Caller; Vc != NULL; Vc = CmNextVcOfCall(Caller, Vc)) {
        if (Vc->Next != NULL) {
            Step->Vc = Vc;
            return CmStepActivate(Vc, Step);
        }
    }
    Status = Modifying->ModifyStatus;
    if (Status == NDIS_STATUS_SUCCESS) {
        CmGiveBackModified(Modifying);
        for (Vc = Caller; Vc != NULL; Vc = CmNextVcOfCall(Caller, Vc)) {
            Vc->QoSUntold |= Vc != Modifying;
        }
    }
    CmEndModify(Modifying);
    return CmStepAnswerModify(Modifying, Status, Step);
}

/* The calling client's VC: the call is made as soon as its first party has accepted. */
static BOOLEAN CmStepOfMake(PCM_VC Vc, PCM_STEP Step)
{
    PCM_PARTY Party = CmFirstParty(Vc);
    PCO_CALL_MANAGER_PARAMETERS Flows;

    if (Vc->Refused || Vc->Close.Open) {
        CmHangUp(Party);
        Party->State = CmPartyLost;
        Party->Status = Vc->Close.Open ? NDIS_STATUS_FAILURE : NDIS_STATUS_NOT_SUPPORTED;
    }
    if (Party->State == CmPartyLost) {
        if (Vc->State == CmVcActive) {
            return CmStepDeactivate(Vc, Step);
        }
        RemoveEntryList(&Party->Link);
        Vc->Call = CmCallNone;
        Vc->Refused = FALSE;
        Step->Party = Party;
        Step->Status = Party->Status;
        Step->Action = CmCompleteMakeCall;
        if (!CmAnswer(&Vc->Make, Party->Status)) {
            NdisFreeMemory(Party, 0, 0);
            Step->Action = CmLookAgain;
        }
        return TRUE;
    }
    if (Party->State != CmPartyReached) {
        return FALSE;
    }
    if (Vc->State == CmVcInactive) {
        Vc->Next = CmCopyParameters(Vc->MakeParameters);
        if (Vc->Next == NULL) {
            Vc->Refused = TRUE;
            Step->Action = CmLookAgain;
            return TRUE;
        }
        /* With the parameters on which the other end has agreed. */
        CmMirrorFlows(Vc->Next, Party->Far->InForce);
        return CmStepActivate(Vc, Step);
    }
    Flows = Vc->InForce->CallMgrParameters;
    CmGiveBackFlows(Vc->MakeParameters, &Flows->Transmit, &Flows->Receive);
    Party->State = CmPartyJoined;
    Vc->Call = CmCallConnected;
    Step->Party = Party;
    Step->Status = NDIS_STATUS_SUCCESS;
    Step->Action = CmAnswer(&Vc->Make, NDIS_STATUS_SUCCESS) ? CmCompleteMakeCall : CmLookAgain;
    return TRUE;
}

static BOOLEAN CmStepOfClientVc(PCM_VC Vc, PCM_STEP Step)
{
    PLIST_ENTRY Entry;

    if (Vc->Modify.Open && (Vc->Close.Open || Vc->Call != CmCallConnected)) {
        return CmStepGiveUpModify(Vc, Step);
    }
    if (!Vc->Close.Open) {
        for (Entry = Vc->Parties.Flink; Entry != &Vc->Parties; Entry = Entry->Flink) {
            if (CmStepOfParty(Vc, CONTAINING_RECORD(Entry, CM_PARTY, Link), Step)) {
                return TRUE;
            }
        }
    }
    if (Vc->Make.Open) {
        return CmStepOfMake(Vc, Step);
    }
    if (Vc->Close.Open) {
        PCM_PARTY Party = CmFirstParty(Vc);

        if (Party != NULL) {
            CmHangUp(Party);
        }
        if (Vc->State == CmVcActive) {
            return CmStepDeactivate(Vc, Step);
        }
        Vc->Call = CmCallNone;
        Vc->CloseTold = FALSE;
        Vc->QoSUntold = FALSE;
        if (Party != NULL) {
            RemoveEntryList(&Party->Link);
        }
        Step->Party = Party;
        Step->Status = NDIS_STATUS_SUCCESS;
        Step->Action = CmCompleteCloseCall;
        if (!CmAnswer(&Vc->Close, NDIS_STATUS_SUCCESS)) {
            if (Party != NULL) {
                NdisFreeMemory(Party, 0, 0);
            }
            Step->Action = CmLookAgain;
        }
        return TRUE;
    }
    if (Vc->Call != CmCallConnected) {
        return FALSE;
    }
    if (Vc->QoSUntold && !Vc->CloseTold) {
        Vc->QoSUntold = FALSE;
        Step->Action = CmTellQoS;
        return TRUE;
    }
    return CmStepOfModify(Vc, Step);
}

static BOOLEAN CmFindStep(PCM_BINDING Binding, PCM_STEP Step)
{
    PLIST_ENTRY AfEntry, Entry;

    NdisZeroMemory(Step, sizeof(*Step));
    for (Entry = Binding->Saps.Flink; Entry != &Binding->Saps; Entry = Entry->Flink) {
        if (CmStepOfSap(CONTAINING_RECORD(Entry, CM_SAP, Link), Step)) {
            return TRUE;
        }
    }
    for (AfEntry = Binding->Afs.Flink; AfEntry != &Binding->Afs; AfEntry = AfEntry->Flink) {
        PCM_AF Af = CONTAINING_RECORD(AfEntry, CM_AF, Link);

        for (Entry = Af->Vcs.Flink; Entry != &Af->Vcs; Entry = Entry->Flink) {
            PCM_VC Vc = CONTAINING_RECORD(Entry, CM_VC, Link);

            /* An activation or deactivation is left to end before anything else happens to the VC. */
            if (Vc->State == CmVcActivating || Vc->State == CmVcDeactivating) {
                continue;
            }
            Step->Vc = Vc;
            Step->Party = NULL;
            if (Vc->Ours ? CmStepOfOurVc(Vc, Step) : CmStepOfClientVc(Vc, Step)) {
                return TRUE;
            }
        }
    }
    Step->Af = CmTakeDrainedAf(Binding);
    Step->Action = CmCompleteCloseAf;
    return Step->Af != NULL;
}

/* --- taking the steps -------------------------------------------------------------------------- */

static VOID CmDoCreateFarVc(PCM_VC Vc)
{
    PCM_BINDING Binding = Vc->Binding;
    NDIS_STATUS Status;

    Status = NdisCoCreateVc(
        Binding->NdisBindingHandle, Vc->Af->NdisAfHandle, Vc, &Vc->NdisVcHandle);
    if (Status == NDIS_STATUS_SUCCESS) {
        return;
    }
    NdisAcquireSpinLock(&Binding->Lock);
    CmLoseParty(Vc, Status == NDIS_STATUS_RESOURCES ? Status : NDIS_STATUS_NOT_SUPPORTED);
    RemoveEntryList(&Vc->Link);
    NdisReleaseSpinLock(&Binding->Lock);
    CmFreeVc(Vc);
}

static VOID CmDoDeleteFarVc(PCM_VC Vc)
{
    PCM_BINDING Binding = Vc->Binding;
    NDIS_STATUS Status = NdisCoDeleteVc(Vc->NdisVcHandle);

    NdisAcquireSpinLock(&Binding->Lock);
    if (Status == NDIS_STATUS_SUCCESS) {
        RemoveEntryList(&Vc->Link);
    } else {
        CmRetryLater(Binding);
    }
    NdisReleaseSpinLock(&Binding->Lock);
    if (Status == NDIS_STATUS_SUCCESS) {
        CmFreeVc(Vc);
    }
}

static VOID CmDoActivate(PCM_VC Vc)
{
    PCM_BINDING Binding = Vc->Binding;
    NDIS_STATUS Status = NdisCmActivateVc(Vc->NdisVcHandle, Vc->Next);

    if (Status != NDIS_STATUS_PENDING) {
        NdisAcquireSpinLock(&Binding->Lock);
        CmActivateEnded(Vc, Status);
        NdisReleaseSpinLock(&Binding->Lock);
    }
}

static VOID CmDoDeactivate(PCM_VC Vc)
{
    PCM_BINDING Binding = Vc->Binding;
    NDIS_STATUS Status = NdisCmDeactivateVc(Vc->NdisVcHandle);

    if (Status != NDIS_STATUS_PENDING) {
        NdisAcquireSpinLock(&Binding->Lock);
        CmDeactivateEnded(Vc, Status);
        NdisReleaseSpinLock(&Binding->Lock);
    }
}

static VOID CmDoOffer(PCM_SAP Sap, PCM_VC Vc)
{
    PCM_BINDING Binding = Vc->Binding;
    NDIS_STATUS Status = NdisCmDispatchIncomingCall(Sap->NdisSapHandle, Vc->NdisVcHandle, Vc->Offer);

    if (Status != NDIS_STATUS_PENDING) {
        NdisAcquireSpinLock(&Binding->Lock);
        CmOfferAnswered(Vc, Status, Vc->Offer);
        NdisReleaseSpinLock(&Binding->Lock);
    }
}

/* One call into NDIS, made without the lock. After a completion the VC of a client, the SAP or the AF
 * may be gone. The state of a party goes after the completion that ends it. */
static VOID CmTakeStep(PCM_STEP Step)
{
    PCM_VC Vc = Step->Vc;
    PCM_PARTY Party = Step->Party;
    NDIS_HANDLE NdisPartyHandle = Party != NULL ? Party->NdisPartyHandle : NULL;

    switch (Step->Action) {
    case CmLookAgain:
        break;
    case CmCompleteRegisterSap:
        NdisCmRegisterSapComplete(Step->Status, Step->Sap->NdisSapHandle, Step->Sap);
        break;
    case CmCompleteDeregisterSap:
        NdisCmDeregisterSapComplete(Step->Status, Step->Sap->NdisSapHandle);
        NdisFreeMemory(Step->Sap, 0, 0);
        break;
    case CmCreateFarVc:
        CmDoCreateFarVc(Vc);
        break;
    case CmDeleteFarVc:
        CmDoDeleteFarVc(Vc);
        break;
    case CmActivate:
        CmDoActivate(Vc);
        break;
    case CmDeactivate:
        CmDoDeactivate(Vc);
        break;
    case CmOffer:
        CmDoOffer(Step->Sap, Vc);
        break;
    case CmTellConnected:
        NdisCmDispatchCallConnected(Vc->NdisVcHandle);
        break;
    case CmTellQoS:
        NdisCmDispatchIncomingCallQoSChange(Vc->NdisVcHandle, Vc->InForce);
        break;
    case CmTellClose:
        NdisCmDispatchIncomingCloseCall(Step->Status, Vc->NdisVcHandle, NULL, 0);
        break;
    case CmTellDrop:
        NdisCmDispatchIncomingDropParty(Step->Status, NdisPartyHandle, NULL, 0);
        break;
    case CmCompleteMakeCall:
        NdisCmMakeCallComplete(
            Step->Status,
            Vc->NdisVcHandle,
            NdisPartyHandle,
            NdisPartyHandle != NULL ? Party : NULL,
            Vc->MakeParameters);
        if (Step->Status != NDIS_STATUS_SUCCESS) {
            NdisFreeMemory(Party, 0, 0);
        }
        break;
    case CmCompleteModifyQoS:
        NdisCmModifyCallQoSComplete(Step->Status, Vc->NdisVcHandle, Vc->ModifyParameters);
        break;
    case CmCompleteCloseCall:
        NdisCmCloseCallComplete(Step->Status, Vc->NdisVcHandle, NdisPartyHandle);
        if (Party != NULL) {
            NdisFreeMemory(Party, 0, 0);
        }
        break;
    case CmCompleteAddParty:
        NdisCmAddPartyComplete(Step->Status, NdisPartyHandle, Party, Party->Parameters);
        if (Step->Status != NDIS_STATUS_SUCCESS) {
            NdisFreeMemory(Party, 0, 0);
        }
        break;
    case CmCompleteDropParty:
        NdisCmDropPartyComplete(Step->Status, NdisPartyHandle);
        NdisFreeMemory(Party, 0, 0);
        break;
    case CmCompleteCloseAf:
        CmCompleteClose(Step->Af);
        break;
    }
}

/* Does all that can be done now. The caller has a use of the binding. Runs at IRQL <=
 * DISPATCH_LEVEL. */
VOID CmRunSwitch(PCM_BINDING Binding)
{
    CM_STEP Step;

    NdisAcquireSpinLock(&Binding->Lock);
    if (Binding->Switching) {
        NdisReleaseSpinLock(&Binding->Lock);
        return;
    }
    Binding->Switching = TRUE;
    while (CmFindStep(Binding, &Step)) {
        if (Step.Action == CmLookAgain) {
            continue;
        }
        NdisReleaseSpinLock(&Binding->Lock);
        CmTakeStep(&Step);
        NdisAcquireSpinLock(&Binding->Lock);
    }
    Binding->Switching = FALSE;
    NdisReleaseSpinLock(&Binding->Lock);
}

/* What ends a handler that has written something down: gives back the lock, and has the switch run. The
 * use of the binding keeps that there even if what the handler was about is gone before it returns. */
VOID CmUnlockAndSwitch(PCM_BINDING Binding)
{
    Binding->Users++;
    NdisReleaseSpinLock(&Binding->Lock);
    CmRunSwitch(Binding);
    CmReleaseBinding(Binding);
}

static VOID NTAPI CmRetryWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCM_BINDING Binding = Context;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    NdisMSleep(CM_RETRY_DELAY);
    NdisAcquireSpinLock(&Binding->Lock);
    Binding->Retrying = FALSE;
    NdisReleaseSpinLock(&Binding->Lock);
    CmRunSwitch(Binding);
    CmReleaseBinding(Binding);
}
