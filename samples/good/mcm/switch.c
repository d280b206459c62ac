/*
 * switch.c - what the MCM does with SAPs, VCs, calls and parties. Read mcm.h first.
 *
 * What it does: it is the network. A call to an address for which a client on the same adapter has
 * registered a SAP is offered to that client, on a VC that we create for it; what the two then do to
 * their call is passed on to the other: the answer, changes of the quality of service, parties, the
 * close. A call to any other address fails.
 *
 * How it works. Handlers that NDIS calls only write down what is asked for, or what has been learnt,
 * and have the switch run. McmRunSwitch looks at everything there is, does the next thing that can be
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

#include "mcm.h"

typedef enum _MCM_ACTION {
    McmLookAgain, /* something has changed without a call into NDIS */
    McmCompleteRegisterSap,
    McmCompleteDeregisterSap,
    McmCreateFarVc,
    McmDeleteFarVc,
    McmActivate,
    McmDeactivate,
    McmOffer,
    McmTellConnected,
    McmTellQoS,
    McmTellClose,
    McmTellDrop,
    McmCompleteMakeCall,
    McmCompleteModifyQoS,
    McmCompleteCloseCall,
    McmCompleteAddParty,
    McmCompleteDropParty,
    McmCompleteCloseAf
} MCM_ACTION;

typedef struct _MCM_STEP {
    MCM_ACTION Action;
    PMCM_AF Af;
    PMCM_SAP Sap;
    PMCM_VC Vc;
    PMCM_PARTY Party;
    NDIS_STATUS Status;
} MCM_STEP, *PMCM_STEP;

static NDIS_IO_WORKITEM_FUNCTION McmRetryWork;

/* How long a work item waits before it tries again what was refused, in microseconds. */
#define MCM_RETRY_DELAY 10000

/* --- VCs and parties --------------------------------------------------------------------------- */

PMCM_VC McmNewVc(PMCM_ADAPTER Adapter, PMCM_AF Af, BOOLEAN Ours)
{
    PMCM_VC Vc = McmAllocate(Adapter, sizeof(*Vc));

    if (Vc != NULL) {
        Vc->Adapter = Adapter;
        Vc->Af = Af;
        Vc->Ours = Ours;
        InitializeListHead(&Vc->Parties);
    }
    return Vc;
}

VOID McmFreeVc(PMCM_VC Vc)
{
    McmFreeParameters(&Vc->InForce);
    McmFreeParameters(&Vc->Next);
    McmFreeParameters(&Vc->Before);
    McmFreeParameters(&Vc->Offer);
    NdisFreeMemory(Vc, 0, 0);
}

/* The rest of this section, and the next two, are under the lock. */

/* The calling end is gone, or wants this party no longer. Our VC lives on until its client has
 * closed. */
static VOID McmHangUp(PMCM_PARTY Party)
{
    if (Party->Far != NULL) {
        Party->Far->Party = NULL;
        Party->Far = NULL;
    }
}

/* The called end is gone. */
static VOID McmLoseParty(PMCM_VC Far, NDIS_STATUS Status)
{
    if (Far->Party != NULL) {
        Far->Party->State = McmPartyLost;
        Far->Party->Status = Status;
        Far->Party->Far = NULL;
        Far->Party = NULL;
    }
}

static PMCM_PARTY McmFirstParty(PMCM_VC Vc)
{
    return IsListEmpty(&Vc->Parties) ? NULL : CONTAINING_RECORD(Vc->Parties.Flink, MCM_PARTY, Link);
}

BOOLEAN McmHasSeveralParties(PMCM_VC Vc)
{
    return Vc->Parties.Flink != Vc->Parties.Blink;
}

/* The SAP with this address, unless its client is about to give it up. */
PMCM_SAP McmFindSap(PMCM_ADAPTER Adapter, ULONGLONG Address)
{
    PLIST_ENTRY Entry;

    for (Entry = Adapter->Saps.Flink; Entry != &Adapter->Saps; Entry = Entry->Flink) {
        PMCM_SAP Sap = CONTAINING_RECORD(Entry, MCM_SAP, Link);

        if (Sap->Address == Address && !Sap->Deregister.Open) {
            return Sap;
        }
    }
    return NULL;
}

/* Answers a request. TRUE if that takes a completion, because its handler has returned. */
static BOOLEAN McmAnswer(PMCM_REQUEST Request, NDIS_STATUS Status)
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
static PMCM_VC McmNextVcOfCall(PMCM_VC Caller, PMCM_VC Vc)
{
    PLIST_ENTRY Entry = Vc == Caller ? Caller->Parties.Flink : Vc->Party->Link.Flink;

    for (; Entry != &Caller->Parties; Entry = Entry->Flink) {
        PMCM_VC Far = CONTAINING_RECORD(Entry, MCM_PARTY, Link)->Far;

        if (Far != NULL && Far->Call == McmCallConnected) {
            return Far;
        }
    }
    return NULL;
}

/* The calling client's VC; NULL if that end is gone. */
static PMCM_VC McmCallerOf(PMCM_VC Vc)
{
    if (!Vc->Ours) {
        return Vc;
    }
    return Vc->Party != NULL ? Vc->Party->Vc : NULL;
}

/* The VC whose client has asked for the change that is being carried out. */
static PMCM_VC McmFindModifying(PMCM_VC Caller)
{
    PMCM_VC Vc;

    for (Vc = Caller; Vc != NULL; Vc = McmNextVcOfCall(Caller, Vc)) {
        if (Vc->Modifying) {
            return Vc;
        }
    }
    return NULL;
}

/* Tells the client that asked for a change what has become of the flows. */
static VOID McmGiveBackModified(PMCM_VC Vc)
{
    PCO_CALL_MANAGER_PARAMETERS Flows = Vc->InForce->CallMgrParameters;

    McmGiveBackFlows(Vc->ModifyParameters, &Flows->Transmit, &Flows->Receive);
}

/* Ends a change, however far it has come. */
static VOID McmEndModify(PMCM_VC Vc)
{
    PMCM_VC Caller = McmCallerOf(Vc);
    PMCM_VC Other;

    McmFreeParameters(&Vc->Before);
    McmFreeParameters(&Vc->Next);
    for (Other = Caller; Other != NULL; Other = McmNextVcOfCall(Caller, Other)) {
        McmFreeParameters(&Other->Before);
        if (Other->State != McmVcActivating) {
            McmFreeParameters(&Other->Next);
        }
    }
    Vc->Modifying = FALSE;
}

/* Gives every VC of the call its next parameters. */
static NDIS_STATUS McmBeginModify(PMCM_VC Caller, PMCM_VC Vc)
{
    PCO_CALL_PARAMETERS Asked = Vc->ModifyParameters;
    PMCM_VC Other;

    if (Asked->CallMgrParameters == NULL) {
        return NDIS_STATUS_INVALID_DATA;
    }
    Vc->Modifying = TRUE;
    Vc->ModifyStatus = NDIS_STATUS_SUCCESS;
    for (Other = Caller; Other != NULL; Other = McmNextVcOfCall(Caller, Other)) {
        Other->Next = McmCopyParameters(Vc->Adapter, Other == Vc ? Asked : Other->InForce);
        if (Other->Next == NULL) {
            McmEndModify(Vc);
            return NDIS_STATUS_RESOURCES;
        }
        if (Other != Vc) {
            McmMirrorFlows(Other->Next, Asked);
        }
    }
    return NDIS_STATUS_SUCCESS;
}

/* A VC of the call could not be activated with its next parameters. */
static VOID McmUndoModify(PMCM_VC Caller, PMCM_VC Modifying)
{
    PMCM_VC Vc;

    Modifying->ModifyStatus = NDIS_STATUS_FAILURE;
    for (Vc = Caller; Vc != NULL; Vc = McmNextVcOfCall(Caller, Vc)) {
        McmFreeParameters(&Vc->Next);
        Vc->Next = Vc->Before;
        Vc->Before = NULL;
    }
}

/* What an activation has led to, whether at once or later. */
VOID McmActivateEnded(PMCM_VC Vc, NDIS_STATUS Status)
{
    PMCM_VC Caller = McmCallerOf(Vc);
    PMCM_VC Modifying = NULL;

    if (Caller != NULL && Vc->Call == McmCallConnected) {
        Modifying = McmFindModifying(Caller);
    }
    if (Status == NDIS_STATUS_SUCCESS) {
        if (Modifying != NULL && Modifying->ModifyStatus == NDIS_STATUS_SUCCESS) {
            Vc->Before = Vc->InForce;
        } else {
            McmFreeParameters(&Vc->InForce);
        }
        Vc->InForce = Vc->Next;
        Vc->InForce->Flags &= ~CALL_PARAMETERS_CHANGED;
        Vc->Next = NULL;
        Vc->State = McmVcActive;
        return;
    }
    /* The parameters in force, if there are any, are in force still. */
    McmFreeParameters(&Vc->Next);
    Vc->State = Vc->InForce != NULL ? McmVcActive : McmVcInactive;
    Vc->Refused = TRUE;
    if (Modifying != NULL) {
        McmUndoModify(Caller, Modifying);
    }
}

/* Has the work item try again, after a while, what was refused. */
static VOID McmRetryLater(PMCM_ADAPTER Adapter)
{
    if (!Adapter->Retrying) {
        Adapter->Retrying = TRUE;
        Adapter->Users++;
        NdisQueueIoWorkItem(Adapter->RetryWorkItem, McmRetryWork, Adapter);
    }
}

VOID McmDeactivateEnded(PMCM_VC Vc, NDIS_STATUS Status)
{
    if (Status == NDIS_STATUS_SUCCESS || Status == NDIS_STATUS_NOT_ACCEPTED) {
        McmFreeParameters(&Vc->InForce);
        McmFreeParameters(&Vc->Next);
        McmFreeParameters(&Vc->Before);
        Vc->State = McmVcInactive;
    } else {
        Vc->State = McmVcActive;
        McmRetryLater(Vc->Adapter);
    }
}

/* The called client has accepted the call, perhaps with other parameters, or turned it down. */
VOID McmOfferAnswered(PMCM_VC Vc, NDIS_STATUS Status, PCO_CALL_PARAMETERS CallParameters)
{
    Vc->OfferOpen = FALSE;
    if (Status == NDIS_STATUS_SUCCESS && CallParameters != NULL
        && (CallParameters->Flags & CALL_PARAMETERS_CHANGED)) {
        if (CallParameters->CallMgrParameters != NULL) {
            Vc->Next = McmCopyParameters(Vc->Adapter, CallParameters);
        }
        Vc->Refused = Vc->Next == NULL;
    }
    Vc->OfferStatus = Status;
    McmFreeParameters(&Vc->Offer);
}

/* --- what to do next --------------------------------------------------------------------------- */

/* Each function looks at one thing, and says whether there is a step to be taken there. */

static BOOLEAN McmStepOfSap(PMCM_SAP Sap, PMCM_STEP Step)
{
    Step->Sap = Sap;
    Step->Status = NDIS_STATUS_SUCCESS;
    if (Sap->Register.Open) {
        Step->Action =
            McmAnswer(&Sap->Register, NDIS_STATUS_SUCCESS) ? McmCompleteRegisterSap : McmLookAgain;
        return TRUE;
    }
    if (Sap->Deregister.Open) {
        /* Calls that have come in on it go on without it. */
        RemoveEntryList(&Sap->Link);
        Sap->Af->Saps--;
        Step->Action = McmAnswer(&Sap->Deregister, NDIS_STATUS_SUCCESS) ? McmCompleteDeregisterSap
                                                                       : McmLookAgain;
        return TRUE;
    }
    return FALSE;
}

static BOOLEAN McmStepActivate(PMCM_VC Vc, PMCM_STEP Step)
{
    Vc->State = McmVcActivating;
    Vc->Refused = FALSE;
    Step->Action = McmActivate;
    return TRUE;
}

static BOOLEAN McmStepDeactivate(PMCM_VC Vc, PMCM_STEP Step)
{
    if (Vc->Adapter->Retrying) {
        return FALSE;
    }
    Vc->State = McmVcDeactivating;
    Step->Action = McmDeactivate;
    return TRUE;
}

static BOOLEAN McmStepAnswerModify(PMCM_VC Vc, NDIS_STATUS Status, PMCM_STEP Step)
{
    Step->Vc = Vc;
    Step->Status = Status;
    Step->Action = McmAnswer(&Vc->Modify, Status) ? McmCompleteModifyQoS : McmLookAgain;
    return TRUE;
}

/* The call is not connected, or no longer. A change that has got as far as this VC is a success for it;
 * one that is being undone has to be undone here as well. */
static BOOLEAN McmStepGiveUpModify(PMCM_VC Vc, PMCM_STEP Step)
{
    NDIS_STATUS Status = NDIS_STATUS_FAILURE;

    if (Vc->Modifying) {
        if (Vc->ModifyStatus != NDIS_STATUS_SUCCESS && Vc->Next != NULL && !Vc->Close.Open) {
            return McmStepActivate(Vc, Step);
        }
        if (Vc->Before != NULL) {
            McmGiveBackModified(Vc);
            Status = NDIS_STATUS_SUCCESS;
        }
        McmEndModify(Vc);
    }
    return McmStepAnswerModify(Vc, Status, Step);
}

/* Our VC: its call is offered, connected, closed; then it goes. */
static BOOLEAN McmStepOfOurVc(PMCM_VC Vc, PMCM_STEP Step)
{
    PMCM_SAP Sap;

    if (Vc->Modify.Open && (Vc->Close.Open || Vc->Party == NULL || Vc->Call != McmCallConnected)) {
        return McmStepGiveUpModify(Vc, Step);
    }
    if (Vc->Close.Open) {
        McmLoseParty(Vc, NDIS_STATUS_FAILURE);
        if (Vc->State == McmVcActive) {
            return McmStepDeactivate(Vc, Step);
        }
        Vc->Call = McmCallOver;
        Step->Status = NDIS_STATUS_SUCCESS;
        Step->Action =
            McmAnswer(&Vc->Close, NDIS_STATUS_SUCCESS) ? McmCompleteCloseCall : McmLookAgain;
        return TRUE;
    }
    switch (Vc->Call) {
    case McmCallReady:
        if (Vc->Party == NULL || Vc->Refused) {
            McmLoseParty(Vc, NDIS_STATUS_NOT_SUPPORTED);
            Vc->Call = McmCallOver;
            Step->Action = McmLookAgain;
            return TRUE;
        }
        if (Vc->State == McmVcInactive) {
            return McmStepActivate(Vc, Step);
        }
        /* The SAP may have gone meanwhile. */
        Sap = McmFindSap(Vc->Adapter, Vc->Party->Address);
        Vc->Offer = McmCopyParameters(Vc->Adapter, Vc->InForce);
        if (Sap == NULL || Sap->Af != Vc->Af || Vc->Offer == NULL) {
            Vc->Refused = TRUE;
            Step->Action = McmLookAgain;
            return TRUE;
        }
        Vc->Call = McmCallOffered;
        Vc->OfferOpen = TRUE;
        Step->Sap = Sap;
        Step->Action = McmOffer;
        return TRUE;
    case McmCallOffered:
        /* A call that the calling end has given up is not withdrawn while the client has yet to answer.
         * If it rejected the call at the same moment, we could not tell whether it has heard of the
         * close and is going to close the call as well. */
        if (Vc->OfferOpen) {
            return FALSE;
        }
        if (Vc->OfferStatus == NDIS_STATUS_SUCCESS) {
            Vc->Call = McmCallAccepted;
        } else {
            McmLoseParty(Vc, NDIS_STATUS_FAILURE);
            Vc->Call = McmCallOver;
        }
        Step->Action = McmLookAgain;
        return TRUE;
    case McmCallAccepted:
    case McmCallConnected:
        if (Vc->Call == McmCallAccepted && Vc->Next != NULL) {
            return McmStepActivate(Vc, Step);
        }
        if (Vc->Call == McmCallAccepted && Vc->Refused) {
            /* The adapter cannot do what the client made of the parameters. */
            McmLoseParty(Vc, NDIS_STATUS_NOT_SUPPORTED);
        }
        if (Vc->Party == NULL) {
            if (Vc->CloseTold) {
                return FALSE;
            }
            Vc->CloseTold = TRUE;
            Step->Status = NDIS_STATUS_SUCCESS;
            Step->Action = McmTellClose;
            return TRUE;
        }
        if (Vc->Party->State == McmPartyCalling) {
            Vc->Party->State = McmPartyReached;
            Step->Action = McmLookAgain;
            return TRUE;
        }
        if (Vc->Call == McmCallAccepted && Vc->Party->State == McmPartyJoined) {
            Vc->Call = McmCallConnected;
            Step->Action = McmTellConnected;
            return TRUE;
        }
        if (Vc->QoSUntold) {
            Vc->QoSUntold = FALSE;
            Step->Action = McmTellQoS;
            return TRUE;
        }
        return FALSE;
    case McmCallOver:
        if (Vc->State == McmVcActive) {
            return McmStepDeactivate(Vc, Step);
        }
        if (Vc->OfferOpen || Vc->Adapter->Retrying) {
            return FALSE;
        }
        Step->Action = McmDeleteFarVc;
        return TRUE;
    case McmCallNone:
    case McmCallMaking:
        return FALSE;
    }
    return FALSE;
}

/* Looks up the address of a party, and has a VC created for the client that is called. */
static BOOLEAN McmStepCallParty(PMCM_VC Vc, PMCM_PARTY Party, PMCM_STEP Step)
{
    PMCM_SAP Sap = McmFindSap(Vc->Adapter, Party->Address);
    PMCM_VC Far = NULL;

    Step->Party = Party;
    Step->Action = McmLookAgain;
    Party->State = McmPartyLost;
    Party->Status = NDIS_STATUS_NOT_SUPPORTED;
    if (Sap == NULL) {
        return TRUE;
    }
    Party->Status = NDIS_STATUS_RESOURCES;
    Far = McmNewVc(Vc->Adapter, Sap->Af, TRUE);
    if (Far == NULL) {
        return TRUE;
    }
    Far->Next = McmCopyParameters(Vc->Adapter, Party->Parameters);
    if (Far->Next == NULL) {
        McmFreeVc(Far);
        return TRUE;
    }
    McmMirrorFlows(Far->Next, Party->Parameters);
    Far->Call = McmCallReady;
    Far->Party = Party;
    Party->Far = Far;
    Party->State = McmPartyCalling;
    /* From here on the AF waits for this VC before it closes. */
    InsertTailList(&Sap->Af->Vcs, &Far->Link);
    Step->Vc = Far;
    Step->Action = McmCreateFarVc;
    return TRUE;
}

static BOOLEAN McmStepOfParty(PMCM_VC Vc, PMCM_PARTY Party, PMCM_STEP Step)
{
    PCO_CALL_MANAGER_PARAMETERS Flows;

    Step->Party = Party;
    Step->Status = NDIS_STATUS_SUCCESS;
    if (Party->Drop.Open) {
        McmHangUp(Party);
        RemoveEntryList(&Party->Link);
        Step->Action =
            McmAnswer(&Party->Drop, NDIS_STATUS_SUCCESS) ? McmCompleteDropParty : McmLookAgain;
        return TRUE;
    }
    switch (Party->State) {
    case McmPartyNew:
        return McmStepCallParty(Vc, Party, Step);
    case McmPartyReached:
        if (!Party->Add.Open) {
            return FALSE;
        }
        Flows = Party->Far->InForce->CallMgrParameters;
        McmGiveBackFlows(Party->Parameters, &Flows->Receive, &Flows->Transmit);
        Party->State = McmPartyJoined;
        Step->Action =
            McmAnswer(&Party->Add, NDIS_STATUS_SUCCESS) ? McmCompleteAddParty : McmLookAgain;
        return TRUE;
    case McmPartyLost:
        if (Party->Add.Open) {
            RemoveEntryList(&Party->Link);
            Step->Status = Party->Status;
            Step->Action =
                McmAnswer(&Party->Add, Party->Status) ? McmCompleteAddParty : McmLookAgain;
            return TRUE;
        }
        if (Vc->Call != McmCallConnected || Party->DropTold || Vc->CloseTold) {
            return FALSE;
        }
        /* The client drops the party, or closes the call if it is the only one. */
        if (McmHasSeveralParties(Vc)) {
            Party->DropTold = TRUE;
            Step->Action = McmTellDrop;
        } else {
            Vc->CloseTold = TRUE;
            Step->Action = McmTellClose;
        }
        return TRUE;
    case McmPartyCalling:
    case McmPartyJoined:
        return FALSE;
    }
    return FALSE;
}

/* A change of the quality of service that either end asks for. */
static BOOLEAN McmStepOfModify(PMCM_VC Caller, PMCM_STEP Step)
{
    PMCM_VC Modifying = McmFindModifying(Caller);
    NDIS_STATUS Status;
    PMCM_VC Vc;

    for (Vc = Caller; Vc != NULL; Vc = McmNextVcOfCall(Caller, Vc)) {
        if (Vc->State != McmVcActive) {
            return FALSE;
        }
    }
    if (Modifying == NULL) {
        for (Vc = Caller; Vc != NULL && !Vc->Modify.Open; Vc = McmNextVcOfCall(Caller, Vc)) {
        }
        if (Vc == NULL) {
            return FALSE;
        }
        /* One of several parties has no say in it. */
        Status = Vc->Ours && McmHasSeveralParties(Caller) ? NDIS_STATUS_FAILURE
                                                         : McmBeginModify(Caller, Vc);
        if (Status != NDIS_STATUS_SUCCESS) {
            return McmStepAnswerModify(Vc, Status, Step);
        }
        Step->Action = McmLookAgain;
        return TRUE;
    }
    for (Vc = Caller; Vc != NULL; Vc = McmNextVcOfCall(Caller, Vc)) {
        if (Vc->Next != NULL) {
            Step->Vc = Vc;
            return McmStepActivate(Vc, Step);
        }
    }
    Status = Modifying->ModifyStatus;
    if (Status == NDIS_STATUS_SUCCESS) {
        McmGiveBackModified(Modifying);
        for (Vc = Caller; Vc != NULL; Vc = McmNextVcOfCall(Caller, Vc)) {
            Vc->QoSUntold |= Vc != Modifying;
        }
    }
    McmEndModify(Modifying);
    return McmStepAnswerModify(Modifying, Status, Step);
}

/* The calling client's VC: the call is made as soon as its first party has accepted. */
static BOOLEAN McmStepOfMake(PMCM_VC Vc, PMCM_STEP Step)
{
    PMCM_PARTY Party = McmFirstParty(Vc);
    PCO_CALL_MANAGER_PARAMETERS Flows;

    if (Vc->Refused || Vc->Close.Open) {
        McmHangUp(Party);
        Party->State = McmPartyLost;
        Party->Status = Vc->Close.Open ? NDIS_STATUS_FAILURE : NDIS_STATUS_NOT_SUPPORTED;
    }
    if (Party->State == McmPartyLost) {
        if (Vc->State == McmVcActive) {
            return McmStepDeactivate(Vc, Step);
        }
        RemoveEntryList(&Party->Link);
        Vc->Call = McmCallNone;
        Vc->Refused = FALSE;
        Step->Party = Party;
        Step->Status = Party->Status;
        Step->Action = McmCompleteMakeCall;
        if (!McmAnswer(&Vc->Make, Party->Status)) {
            NdisFreeMemory(Party, 0, 0);
            Step->Action = McmLookAgain;
        }
        return TRUE;
    }
    if (Party->State != McmPartyReached) {
        return FALSE;
    }
    if (Vc->State == McmVcInactive) {
        Vc->Next = McmCopyParameters(Vc->Adapter, Vc->MakeParameters);
        if (Vc->Next == NULL) {
            Vc->Refused = TRUE;
            Step->Action = McmLookAgain;
            return TRUE;
        }
        /* With the parameters on which the other end has agreed. */
        McmMirrorFlows(Vc->Next, Party->Far->InForce);
        return McmStepActivate(Vc, Step);
    }
    Flows = Vc->InForce->CallMgrParameters;
    McmGiveBackFlows(Vc->MakeParameters, &Flows->Transmit, &Flows->Receive);
    Party->State = McmPartyJoined;
    Vc->Call = McmCallConnected;
    Step->Party = Party;
    Step->Status = NDIS_STATUS_SUCCESS;
    Step->Action = McmAnswer(&Vc->Make, NDIS_STATUS_SUCCESS) ? McmCompleteMakeCall : McmLookAgain;
    return TRUE;
}

static BOOLEAN McmStepOfClientVc(PMCM_VC Vc, PMCM_STEP Step)
{
    PLIST_ENTRY Entry;

    if (Vc->Modify.Open && (Vc->Close.Open || Vc->Call != McmCallConnected)) {
        return McmStepGiveUpModify(Vc, Step);
    }
    if (!Vc->Close.Open) {
        for (Entry = Vc->Parties.Flink; Entry != &Vc->Parties; Entry = Entry->Flink) {
            if (McmStepOfParty(Vc, CONTAINING_RECORD(Entry, MCM_PARTY, Link), Step)) {
                return TRUE;
            }
        }
    }
    if (Vc->Make.Open) {
        return McmStepOfMake(Vc, Step);
    }
    if (Vc->Close.Open) {
        PMCM_PARTY Party = McmFirstParty(Vc);

        if (Party != NULL) {
            McmHangUp(Party);
        }
        if (Vc->State == McmVcActive) {
            return McmStepDeactivate(Vc, Step);
        }
        Vc->Call = McmCallNone;
        Vc->CloseTold = FALSE;
        Vc->QoSUntold = FALSE;
        if (Party != NULL) {
            RemoveEntryList(&Party->Link);
        }
        Step->Party = Party;
        Step->Status = NDIS_STATUS_SUCCESS;
        Step->Action = McmCompleteCloseCall;
        if (!McmAnswer(&Vc->Close, NDIS_STATUS_SUCCESS)) {
            if (Party != NULL) {
                NdisFreeMemory(Party, 0, 0);
            }
            Step->Action = McmLookAgain;
        }
        return TRUE;
    }
    if (Vc->Call != McmCallConnected) {
        return FALSE;
    }
    if (Vc->QoSUntold && !Vc->CloseTold) {
        Vc->QoSUntold = FALSE;
        Step->Action = McmTellQoS;
        return TRUE;
    }
    return McmStepOfModify(Vc, Step);
}

static BOOLEAN McmFindStep(PMCM_ADAPTER Adapter, PMCM_STEP Step)
{
    PLIST_ENTRY AfEntry, Entry;

    NdisZeroMemory(Step, sizeof(*Step));
    for (Entry = Adapter->Saps.Flink; Entry != &Adapter->Saps; Entry = Entry->Flink) {
        if (McmStepOfSap(CONTAINING_RECORD(Entry, MCM_SAP, Link), Step)) {
            return TRUE;
        }
    }
    for (AfEntry = Adapter->Afs.Flink; AfEntry != &Adapter->Afs; AfEntry = AfEntry->Flink) {
        PMCM_AF Af = CONTAINING_RECORD(AfEntry, MCM_AF, Link);

        for (Entry = Af->Vcs.Flink; Entry != &Af->Vcs; Entry = Entry->Flink) {
            PMCM_VC Vc = CONTAINING_RECORD(Entry, MCM_VC, Link);

            /* An activation or deactivation is left to end before anything else happens to the VC. */
            if (Vc->State == McmVcActivating || Vc->State == McmVcDeactivating) {
                continue;
            }
            Step->Vc = Vc;
            Step->Party = NULL;
            if (Vc->Ours ? McmStepOfOurVc(Vc, Step) : McmStepOfClientVc(Vc, Step)) {
                return TRUE;
            }
        }
    }
    Step->Af = McmTakeDrainedAf(Adapter);
    Step->Action = McmCompleteCloseAf;
    return Step->Af != NULL;
}

/* --- taking the steps -------------------------------------------------------------------------- */

static VOID McmDoCreateFarVc(PMCM_VC Vc)
{
    PMCM_ADAPTER Adapter = Vc->Adapter;
    NDIS_STATUS Status;

    Status = NdisMCmCreateVc(
        Adapter->MiniportAdapterHandle, Vc->Af->NdisAfHandle, Vc, &Vc->NdisVcHandle);
    if (Status == NDIS_STATUS_SUCCESS) {
        return;
    }
    NdisAcquireSpinLock(&Adapter->Lock);
    McmLoseParty(Vc, Status == NDIS_STATUS_RESOURCES ? Status : NDIS_STATUS_NOT_SUPPORTED);
    RemoveEntryList(&Vc->Link);
    NdisReleaseSpinLock(&Adapter->Lock);
    McmFreeVc(Vc);
}

static VOID McmDoDeleteFarVc(PMCM_VC Vc)
{
    PMCM_ADAPTER Adapter = Vc->Adapter;
    NDIS_STATUS Status = NdisMCmDeleteVc(Vc->NdisVcHandle);

    NdisAcquireSpinLock(&Adapter->Lock);
    if (Status == NDIS_STATUS_SUCCESS) {
        RemoveEntryList(&Vc->Link);
    } else {
        McmRetryLater(Adapter);
    }
    NdisReleaseSpinLock(&Adapter->Lock);
    if (Status == NDIS_STATUS_SUCCESS) {
        McmFreeVc(Vc);
    }
}

/* A flow as the adapter would carry it. */
static ULONG McmRound(PMCM_ADAPTER Adapter, ULONG Rate, ULONG Flags)
{
    ULONG Unit = Adapter->Options.FlowUnit;
    ULONG Rest = Rate % Unit;

    if (Rest == 0 || !(Flags & (ROUND_UP_FLOW | ROUND_DOWN_FLOW))) {
        return Rate;
    }
    return Flags & ROUND_UP_FLOW ? Rate - Rest + Unit : Rate - Rest;
}

/*
 * Activating a VC is the adapter's own business here: NDIS calls no miniport, and is told when it is
 * done. What the parameters ask for is looked at every time; they are changed in one case only: where
 * the client allows a flow to be rounded.
 */
static NDIS_STATUS McmMakeReady(PMCM_ADAPTER Adapter, PCO_CALL_PARAMETERS CallParameters)
{
    PCO_CALL_MANAGER_PARAMETERS Flows = CallParameters->CallMgrParameters;
    PCO_MEDIA_PARAMETERS Media = CallParameters->MediaParameters;
    ULONG Flags = Media != NULL ? Media->Flags : 0;

    Flows->Transmit.PeakBandwidth = McmRound(Adapter, Flows->Transmit.PeakBandwidth, Flags);
    Flows->Receive.PeakBandwidth = McmRound(Adapter, Flows->Receive.PeakBandwidth, Flags);
    if (Flows->Transmit.PeakBandwidth > Adapter->Options.Capacity
        || Flows->Receive.PeakBandwidth > Adapter->Options.Capacity) {
        return NDIS_STATUS_INVALID_DATA;
    }
    return NDIS_STATUS_SUCCESS;
}

static VOID McmDoActivate(PMCM_VC Vc)
{
    PMCM_ADAPTER Adapter = Vc->Adapter;
    NDIS_STATUS Status = McmMakeReady(Adapter, Vc->Next);

    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisMCmActivateVc(Vc->NdisVcHandle, Vc->Next);
    }
    if (Status != NDIS_STATUS_PENDING) {
        NdisAcquireSpinLock(&Adapter->Lock);
        McmActivateEnded(Vc, Status);
        NdisReleaseSpinLock(&Adapter->Lock);
    }
}

static VOID McmDoDeactivate(PMCM_VC Vc)
{
    PMCM_ADAPTER Adapter = Vc->Adapter;
    NDIS_STATUS Status = NdisMCmDeactivateVc(Vc->NdisVcHandle);

    if (Status != NDIS_STATUS_PENDING) {
        NdisAcquireSpinLock(&Adapter->Lock);
        McmDeactivateEnded(Vc, Status);
        NdisReleaseSpinLock(&Adapter->Lock);
    }
}

static VOID McmDoOffer(PMCM_SAP Sap, PMCM_VC Vc)
{
    PMCM_ADAPTER Adapter = Vc->Adapter;
    NDIS_STATUS Status = NdisMCmDispatchIncomingCall(Sap->NdisSapHandle, Vc->NdisVcHandle, Vc->Offer);

    if (Status != NDIS_STATUS_PENDING) {
        NdisAcquireSpinLock(&Adapter->Lock);
        McmOfferAnswered(Vc, Status, Vc->Offer);
        NdisReleaseSpinLock(&Adapter->Lock);
    }
}

/* One call into NDIS, made without the lock. After a completion the VC of a client, the SAP or the AF
 * may be gone. The state of a party goes after the completion that ends it. */
static VOID McmTakeStep(PMCM_STEP Step)
{
    PMCM_VC Vc = Step->Vc;
    PMCM_PARTY Party = Step->Party;
    NDIS_HANDLE NdisPartyHandle = Party != NULL ? Party->NdisPartyHandle : NULL;

    switch (Step->Action) {
    case McmLookAgain:
        break;
    case McmCompleteRegisterSap:
        NdisMCmRegisterSapComplete(Step->Status, Step->Sap->NdisSapHandle, Step->Sap);
        break;
    case McmCompleteDeregisterSap:
        NdisMCmDeregisterSapComplete(Step->Status, Step->Sap->NdisSapHandle);
        NdisFreeMemory(Step->Sap, 0, 0);
        break;
    case McmCreateFarVc:
        McmDoCreateFarVc(Vc);
        break;
    case McmDeleteFarVc:
        McmDoDeleteFarVc(Vc);
        break;
    case McmActivate:
        McmDoActivate(Vc);
        break;
    case McmDeactivate:
        McmDoDeactivate(Vc);
        break;
    case McmOffer:
        McmDoOffer(Step->Sap, Vc);
        break;
    case McmTellConnected:
        NdisMCmDispatchCallConnected(Vc->NdisVcHandle);
        break;
    case McmTellQoS:
        NdisMCmDispatchIncomingCallQoSChange(Vc->NdisVcHandle, Vc->InForce);
        break;
    case McmTellClose:
        NdisMCmDispatchIncomingCloseCall(Step->Status, Vc->NdisVcHandle, NULL, 0);
        break;
    case McmTellDrop:
        NdisMCmDispatchIncomingDropParty(Step->Status, NdisPartyHandle, NULL, 0);
        break;
    case McmCompleteMakeCall:
        NdisMCmMakeCallComplete(
            Step->Status,
            Vc->NdisVcHandle,
            NdisPartyHandle,
            NdisPartyHandle != NULL ? Party : NULL,
            Vc->MakeParameters);
        if (Step->Status != NDIS_STATUS_SUCCESS) {
            NdisFreeMemory(Party, 0, 0);
        }
        break;
    case McmCompleteModifyQoS:
        NdisMCmModifyCallQoSComplete(Step->Status, Vc->NdisVcHandle, Vc->ModifyParameters);
        break;
    case McmCompleteCloseCall:
        NdisMCmCloseCallComplete(Step->Status, Vc->NdisVcHandle, NdisPartyHandle);
        if (Party != NULL) {
            NdisFreeMemory(Party, 0, 0);
        }
        break;
    case McmCompleteAddParty:
        NdisMCmAddPartyComplete(Step->Status, NdisPartyHandle, Party, Party->Parameters);
        if (Step->Status != NDIS_STATUS_SUCCESS) {
            NdisFreeMemory(Party, 0, 0);
        }
        break;
    case McmCompleteDropParty:
        NdisMCmDropPartyComplete(Step->Status, NdisPartyHandle);
        NdisFreeMemory(Party, 0, 0);
        break;
    case McmCompleteCloseAf:
        McmCompleteClose(Step->Af);
        break;
    }
}

/* Does all that can be done now. The caller has a use of the adapter. Runs at IRQL <=
 * DISPATCH_LEVEL. */
VOID McmRunSwitch(PMCM_ADAPTER Adapter)
{
    MCM_STEP Step;

    NdisAcquireSpinLock(&Adapter->Lock);
    if (Adapter->Switching) {
        NdisReleaseSpinLock(&Adapter->Lock);
        return;
    }
    Adapter->Switching = TRUE;
    while (McmFindStep(Adapter, &Step)) {
        if (Step.Action == McmLookAgain) {
            continue;
        }
        NdisReleaseSpinLock(&Adapter->Lock);
        McmTakeStep(&Step);
        NdisAcquireSpinLock(&Adapter->Lock);
    }
    Adapter->Switching = FALSE;
    NdisReleaseSpinLock(&Adapter->Lock);
}

/* What ends a handler that has written something down: gives back the lock, and has the switch run. The
 * use of the adapter keeps that there even if what the handler was about is gone before it returns. */
VOID McmUnlockAndSwitch(PMCM_ADAPTER Adapter)
{
    Adapter->Users++;
    NdisReleaseSpinLock(&Adapter->Lock);
    McmRunSwitch(Adapter);
    McmReleaseAdapter(Adapter);
}

static VOID NTAPI McmRetryWork(PVOID WorkItemContext, NDIS_HANDLE NdisIoWorkItemHandle)
{
    PMCM_ADAPTER Adapter = WorkItemContext;

    UNREFERENCED_PARAMETER(NdisIoWorkItemHandle);
    NdisMSleep(MCM_RETRY_DELAY);
    NdisAcquireSpinLock(&Adapter->Lock);
    Adapter->Retrying = FALSE;
    NdisReleaseSpinLock(&Adapter->Lock);
    McmRunSwitch(Adapter);
    McmReleaseAdapter(Adapter);
}
