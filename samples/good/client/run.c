/*
 * run.c - what the client does with SAPs, calls and parties, and in which order. Read client.h first.
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

/* --- what to do next --------------------------------------------------------------------------- */

/* The functions of this section hold the lock, and mark what they choose as begun. */

/*
 * Takes down a call that exists: drops parties until one is left, which goes with the call. A party
 * that is being added or dropped still counts for the call manager, so the close waits for both. It
 * does not wait for a change of the quality of service, which the call manager owes us in any case.
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

/* The plan of a call that we made: ask for another quality of service, add parties, and when all of
 * that has come to an end, take the call down. A party that leaves by itself has to be dropped. */
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
