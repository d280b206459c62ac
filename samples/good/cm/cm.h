/*
 * cm.h - what the files of the call manager share: cm.c (driver, bindings, address families), request.c
 * (the handlers for SAPs, VCs, calls and parties), switch.c (what is done about them), parameters.c and
 * options.c.
 *
 * Locking. One spin lock per binding. It is never held across a call into NDIS that can call back
 * (only the event, timer and work item functions are called with it): a completion may run the
 * client's handler, that handler may run one of ours, and all of it on this very stack.
 */
#ifndef CM_H
#define CM_H

#include <ndis.h>

#define CM_POOL_TAG 'cCoC'

/* What the registry says; options.c explains each. */
typedef struct _CM_OPTIONS {
    ULONG OpenAf;
    ULONG CloseAf;
    ULONG RegisterSap;
    ULONG DeregisterSap;
    ULONG MakeCall;
    ULONG ModifyCallQoS;
    ULONG CloseCall;
    ULONG AddParty;
    ULONG DropParty;
    ULONG AddressFamily;
} CM_OPTIONS;

typedef struct _CM_VC CM_VC, *PCM_VC;
typedef struct _CM_PARTY CM_PARTY, *PCM_PARTY;

/* One bound adapter. */
typedef struct _CM_BINDING {
    NDIS_HANDLE NdisBindingHandle;
    NDIS_HANDLE UnbindContext;
    CM_OPTIONS Options;
    CO_ADDRESS_FAMILY AddressFamily;

    /* Must outlive NdisOpenAdapterEx if that pends, so it cannot be on the stack. */
    NDIS_OPEN_PARAMETERS OpenParameters;
    NDIS_MEDIUM MediumArray[2];
    UINT SelectedMediumIndex;

    /* For a bind that waits for its open, or for the close of an adapter that is no use. */
    NDIS_EVENT AdapterEvent;
    NDIS_STATUS AdapterStatus;

    /* The VC to the network's control, from the bind to the unbind; NULL if there is none. */
    PCM_VC SignallingVc;

    NDIS_SPIN_LOCK Lock;
    /* The rest is under the lock, save where it says otherwise. */
    LIST_ENTRY Afs;
    LIST_ENTRY Saps;
    /* One for the binding itself until it is unbound; one per AF that exists or whose failed open is
     * still to be reported; one for each thread, work item and timer that runs the switch. The adapter
     * is closed when this is 0. */
    ULONG Users;
    BOOLEAN Unbinding;

    /* Completions at DISPATCH_LEVEL: a timer, and what its function has to do. */
    NDIS_HANDLE Timer; /* NULL if no option wants it; constant once bound */
    LIST_ENTRY TimerOperations;

    /* Allocated with the binding, since an unbind may not fail. Constant. */
    PIO_WORKITEM NotifyWorkItem;
    PIO_WORKITEM UnbindWorkItem;
    PIO_WORKITEM SwitchWorkItem;
    PIO_WORKITEM RetryWorkItem;
    /* They are queued and have not begun to run; likewise the timer for the switch. */
    BOOLEAN NotifyQueued;
    BOOLEAN SwitchQueued;
    BOOLEAN SwitchTimed;
    /* RetryWorkItem is queued, or has not come to its end. */
    BOOLEAN Retrying;

    /* A thread runs the switch; see CmRunSwitch. */
    BOOLEAN Switching;
} CM_BINDING, *PCM_BINDING;

typedef enum _CM_AF_STATE {
    /* Until our completion of the open has returned: NDIS does not know yet that it succeeded. */
    CmAfOpening,
    CmAfOpen,
    CmAfClosing
} CM_AF_STATE;

/* One address family (AF) as one client has it open. */
typedef struct _CM_AF {
    LIST_ENTRY Link; /* in CM_BINDING.Afs as long as it exists */
    PCM_BINDING Binding;
    NDIS_HANDLE NdisAfHandle;
    CM_AF_STATE State;

    /*
     * One for NDIS, from the open until the close is done; one for a notification, from the call
     * until it is known how it ended; one for every call of ours that still looks at this structure.
     * A notification ends after the close that it asks for, so ProtocolCmCloseAf must not free.
     */
    ULONG References;

    /* The client has been notified, or the notification is being made. */
    BOOLEAN Notified;
    /* The thread that is inside NdisCmNotifyCloseAddressFamily for this AF, or NULL. */
    PKTHREAD NotifyThread;
    BOOLEAN NotifyCalling;
    /* A close arrived meanwhile on another thread; the notifying thread lets it go on. */
    BOOLEAN CloseHeld;
    /* A close pends, because of that or because something is left on the AF. */
    BOOLEAN ClosePended;
    /* CloseAf = 6: the one refusal has been given. */
    BOOLEAN CloseRefused;

    /* What is on it, in the order in which it came. */
    LIST_ENTRY Vcs;
    ULONG Saps;
} CM_AF, *PCM_AF;

/*
 * A request of a client's that a handler has taken: Open until it is answered. The answer is the return
 * value of the handler, if that is still there to give it (InHandler), or a completion.
 */
typedef struct _CM_REQUEST {
    BOOLEAN Open;
    BOOLEAN InHandler;
    BOOLEAN Answered; /* in the handler's place; it returns Status */
    NDIS_STATUS Status;
} CM_REQUEST, *PCM_REQUEST;

/* One SAP of one client. */
typedef struct _CM_SAP {
    LIST_ENTRY Link; /* in CM_BINDING.Saps as long as it exists */
    PCM_AF Af;
    NDIS_HANDLE NdisSapHandle;
    ULONGLONG Address;
    CM_REQUEST Register;
    CM_REQUEST Deregister;
} CM_SAP, *PCM_SAP;

typedef enum _CM_VC_STATE {
    CmVcInactive,
    CmVcActivating, /* for the first time, or with other parameters: see Active */
    CmVcActive,
    CmVcDeactivating
} CM_VC_STATE;

/* The call on a VC. */
typedef enum _CM_CALL_STATE {
    CmCallNone,
    CmCallMaking, /* the client's: ProtocolCmMakeCall is to be answered */
    CmCallReady, /* ours: to be offered as soon as the VC is active */
    CmCallOffered,
    CmCallAccepted,
    CmCallConnected,
    CmCallOver /* ours: the VC goes, too */
} CM_CALL_STATE;

/*
 * A virtual connection (VC): a client's, on which it calls, or ours, on which we offer a call to a
 * client that is called. A party connects the two: a point-to-point call has one, a multipoint call
 * several, each with a VC of its own at the other end.
 */
struct _CM_VC {
    LIST_ENTRY Link; /* in CM_AF.Vcs as long as it exists */
    PCM_BINDING Binding;
    PCM_AF Af; /* NULL: the signalling VC, which has no client */
    NDIS_HANDLE NdisVcHandle;
    BOOLEAN Ours;
    CM_VC_STATE State;
    CM_CALL_STATE Call;

    /*
     * Call parameters, each an allocation of ours: those in force, once the VC is active; those that it
     * is to be activated with next; those that were in force before a change that may have to be
     * undone.
     */
    PCO_CALL_PARAMETERS InForce;
    PCO_CALL_PARAMETERS Next;
    PCO_CALL_PARAMETERS Before;
    BOOLEAN Refused; /* the last activation that was to be made has failed */

    /* What the client asks for. Its parameters are valid until the request is answered. */
    CM_REQUEST Make;
    PCO_CALL_PARAMETERS MakeParameters;
    CM_REQUEST Modify;
    PCO_CALL_PARAMETERS ModifyParameters;
    BOOLEAN Modifying; /* it is being carried out */
    NDIS_STATUS ModifyStatus;
    CM_REQUEST Close;

    /* The client has been told that the other end closes. */
    BOOLEAN CloseTold;
    /* It has to be told of a change of the quality of service that the other end made. */
    BOOLEAN QoSUntold;

    /* A client's VC: the parties of its call. */
    LIST_ENTRY Parties;

    /* Ours: the party that it serves, NULL once the calling end is gone; what is offered, and whether
     * the client has yet to answer; how it answered. */
    PCM_PARTY Party;
    PCO_CALL_PARAMETERS Offer;
    BOOLEAN OfferOpen;
    NDIS_STATUS OfferStatus;
};

typedef enum _CM_PARTY_STATE {
    CmPartyNew, /* its address is to be looked up */
    CmPartyCalling,
    CmPartyReached, /* it has accepted; the calling client does not know yet */
    CmPartyJoined,
    CmPartyLost /* it cannot be reached, has refused, or has left */
} CM_PARTY_STATE;

struct _CM_PARTY {
    LIST_ENTRY Link; /* in CM_VC.Parties as long as it exists */
    PCM_VC Vc; /* of the calling client */
    PCM_VC Far; /* ours, to the called client; NULL before there is one and when it is gone */
    NDIS_HANDLE NdisPartyHandle; /* NULL in a point-to-point call */
    CM_PARTY_STATE State;
    NDIS_STATUS Status; /* why it is lost */
    ULONGLONG Address;
    PCO_CALL_PARAMETERS Parameters; /* the client's, valid while Add is open */
    CM_REQUEST Add;
    CM_REQUEST Drop;
    BOOLEAN DropTold; /* the calling client has been told that it has left */
};

extern NDIS_HANDLE CmProtocolHandle;

/* options.c */
VOID CmReadOptions(CM_OPTIONS *Options);

/* cm.c */
PVOID CmAllocate(ULONG Size);
PIO_WORKITEM CmAllocateWorkItem(VOID);
VOID CmReleaseBinding(PCM_BINDING Binding);
PCM_AF CmTakeDrainedAf(PCM_BINDING Binding);
VOID CmCompleteClose(PCM_AF Af);
VOID CmSetTimer(PCM_BINDING Binding);

/* parameters.c */
PCO_CALL_PARAMETERS CmCopyParameters(PCO_CALL_PARAMETERS From);
VOID CmFreeParameters(PCO_CALL_PARAMETERS *Parameters);
VOID CmMirrorFlows(PCO_CALL_PARAMETERS To, PCO_CALL_PARAMETERS From);
VOID CmGiveBackFlows(PCO_CALL_PARAMETERS To, const FLOWSPEC *Transmit, const FLOWSPEC *Receive);
BOOLEAN CmReadAddress(const UCHAR *Bytes, ULONG Length, ULONGLONG *Address);

/* switch.c */
PCM_VC CmNewVc(PCM_BINDING Binding, PCM_AF Af, BOOLEAN Ours);
VOID CmFreeVc(PCM_VC Vc);
PCM_SAP CmFindSap(PCM_BINDING Binding, ULONGLONG Address);
BOOLEAN CmHasSeveralParties(PCM_VC Vc);
VOID CmActivateEnded(PCM_VC Vc, NDIS_STATUS Status);
VOID CmDeactivateEnded(PCM_VC Vc, NDIS_STATUS Status);
VOID CmOfferAnswered(PCM_VC Vc, NDIS_STATUS Status, PCO_CALL_PARAMETERS CallParameters);
VOID CmRunSwitch(PCM_BINDING Binding);
VOID CmUnlockAndSwitch(PCM_BINDING Binding);

/* request.c */
NDIS_STATUS CmOpenSignallingVc(PCM_BINDING Binding);
VOID CmCloseSignallingVc(PCM_BINDING Binding);
VOID CmSetSwitchHandlers(NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS *Handlers);

#endif /* CM_H */
