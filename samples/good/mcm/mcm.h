/*
 * mcm.h - what the files of the MCM share: mcm.c (driver, adapters, address families), request.c (the
 * handlers for SAPs, VCs, calls and parties), switch.c (what is done about them), parameters.c and
 * options.c.
 *
 * Locking. One spin lock per adapter. It is never held across a call into NDIS that can call back
 * (only the event, timer and work item functions are called with it): a completion may run the
 * client's handler, that handler may run one of ours, and all of it on this very stack.
 */
#ifndef MCM_H
#define MCM_H

#include <ndis.h>

#define MCM_POOL_TAG 'mCoC'
#define MCM_LINK_SPEED 155520000ull /* bits per second */

/* What the registry says; options.c explains each. */
typedef struct _MCM_OPTIONS {
    ULONG OpenAf;
    ULONG CloseAf;
    ULONG RegisterSap;
    ULONG DeregisterSap;
    ULONG MakeCall;
    ULONG ModifyCallQoS;
    ULONG CloseCall;
    ULONG AddParty;
    ULONG DropParty;
    ULONG Capacity;
    ULONG FlowUnit;
    ULONG Pause;
    ULONG Restart;
    ULONG AddressFamily;
} MCM_OPTIONS;

typedef struct _MCM_VC MCM_VC, *PMCM_VC;
typedef struct _MCM_PARTY MCM_PARTY, *PMCM_PARTY;

typedef struct _MCM_ADAPTER {
    NDIS_HANDLE MiniportAdapterHandle;
    MCM_OPTIONS Options;
    CO_ADDRESS_FAMILY AddressFamily;

    NDIS_SPIN_LOCK Lock;
    /* The rest is under the lock, save where it says otherwise. */
    LIST_ENTRY Afs;
    LIST_ENTRY Saps;
    /* AFs that exist or whose failed open is still to be reported, and handlers, work items and timers
     * that need the adapter. It may go when this is 0. */
    ULONG Users;
    BOOLEAN Halting;
    /* Set on every change that the halt may be waiting for. */
    NDIS_EVENT Changed;

    /* Completions at DISPATCH_LEVEL: a timer, and what its function has to do. */
    NDIS_HANDLE Timer; /* NULL if no option wants it; constant once initialised */
    LIST_ENTRY TimerOperations;

    /* A pause must not fail for want of memory, nor may the switch, so these exist from the start.
     * Constant. */
    NDIS_HANDLE PauseWorkItem;
    NDIS_HANDLE RestartWorkItem;
    NDIS_HANDLE SwitchWorkItem;
    NDIS_HANDLE RetryWorkItem;
    /* SwitchWorkItem is queued and has not begun to run; likewise the timer for the switch. */
    BOOLEAN SwitchQueued;
    BOOLEAN SwitchTimed;
    /* RetryWorkItem is queued, or has not come to its end. */
    BOOLEAN Retrying;

    /* A thread runs the switch; see McmRunSwitch. */
    BOOLEAN Switching;
} MCM_ADAPTER, *PMCM_ADAPTER;

typedef enum _MCM_AF_STATE {
    /* Until our completion of the open has returned: NDIS does not know yet that it succeeded. */
    McmAfOpening,
    McmAfOpen,
    McmAfClosing
} MCM_AF_STATE;

/* One address family (AF) as one client has it open. */
typedef struct _MCM_AF {
    LIST_ENTRY Link; /* in MCM_ADAPTER.Afs as long as it exists */
    PMCM_ADAPTER Adapter;
    NDIS_HANDLE NdisAfHandle;
    MCM_AF_STATE State;

    /*
     * One for NDIS, from the open until the close is done; one for a notification, from the call
     * until it is known how it ended; one for every call of ours that still looks at this structure.
     * A notification ends after the close that it asks for, so ProtocolCmCloseAf must not free.
     */
    ULONG References;

    /* The client has been notified, or the notification is being made. */
    BOOLEAN Notified;
    /* The thread that is inside NdisMCmNotifyCloseAddressFamily for this AF, or NULL. */
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
} MCM_AF, *PMCM_AF;

/*
 * A request of a client's that a handler has taken: Open until it is answered. The answer is the return
 * value of the handler, if that is still there to give it (InHandler), or a completion.
 */
typedef struct _MCM_REQUEST {
    BOOLEAN Open;
    BOOLEAN InHandler;
    BOOLEAN Answered; /* in the handler's place; it returns Status */
    NDIS_STATUS Status;
} MCM_REQUEST, *PMCM_REQUEST;

/* One SAP of one client. */
typedef struct _MCM_SAP {
    LIST_ENTRY Link; /* in MCM_ADAPTER.Saps as long as it exists */
    PMCM_AF Af;
    NDIS_HANDLE NdisSapHandle;
    ULONGLONG Address;
    MCM_REQUEST Register;
    MCM_REQUEST Deregister;
} MCM_SAP, *PMCM_SAP;

typedef enum _MCM_VC_STATE {
    McmVcInactive,
    McmVcActivating, /* for the first time, or with other parameters: see Active */
    McmVcActive,
    McmVcDeactivating
} MCM_VC_STATE;

/* The call on a VC. */
typedef enum _MCM_CALL_STATE {
    McmCallNone,
    McmCallMaking, /* the client's: ProtocolCmMakeCall is to be answered */
    McmCallReady, /* ours: to be offered as soon as the VC is active */
    McmCallOffered,
    McmCallAccepted,
    McmCallConnected,
    McmCallOver /* ours: the VC goes, too */
} MCM_CALL_STATE;

/*
 * A virtual connection (VC): a client's, on which it calls, or ours, on which we offer a call to a
 * client that is called. A party connects the two: a point-to-point call has one, a multipoint call
 * several, each with a VC of its own at the other end.
 */
struct _MCM_VC {
    LIST_ENTRY Link; /* in MCM_AF.Vcs as long as it exists */
    PMCM_ADAPTER Adapter;
    PMCM_AF Af;
    NDIS_HANDLE NdisVcHandle;
    BOOLEAN Ours;
    MCM_VC_STATE State;
    MCM_CALL_STATE Call;

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
    MCM_REQUEST Make;
    PCO_CALL_PARAMETERS MakeParameters;
    MCM_REQUEST Modify;
    PCO_CALL_PARAMETERS ModifyParameters;
    BOOLEAN Modifying; /* it is being carried out */
    NDIS_STATUS ModifyStatus;
    MCM_REQUEST Close;

    /* The client has been told that the other end closes. */
    BOOLEAN CloseTold;
    /* It has to be told of a change of the quality of service that the other end made. */
    BOOLEAN QoSUntold;

    /* A client's VC: the parties of its call. */
    LIST_ENTRY Parties;

    /* Ours: the party that it serves, NULL once the calling end is gone; what is offered, and whether
     * the client has yet to answer; how it answered. */
    PMCM_PARTY Party;
    PCO_CALL_PARAMETERS Offer;
    BOOLEAN OfferOpen;
    NDIS_STATUS OfferStatus;
};

typedef enum _MCM_PARTY_STATE {
    McmPartyNew, /* its address is to be looked up */
    McmPartyCalling,
    McmPartyReached, /* it has accepted; the calling client does not know yet */
    McmPartyJoined,
    McmPartyLost /* it cannot be reached, has refused, or has left */
} MCM_PARTY_STATE;

struct _MCM_PARTY {
    LIST_ENTRY Link; /* in MCM_VC.Parties as long as it exists */
    PMCM_VC Vc; /* of the calling client */
    PMCM_VC Far; /* ours, to the called client; NULL before there is one and when it is gone */
    NDIS_HANDLE NdisPartyHandle; /* NULL in a point-to-point call */
    MCM_PARTY_STATE State;
    NDIS_STATUS Status; /* why it is lost */
    ULONGLONG Address;
    PCO_CALL_PARAMETERS Parameters; /* the client's, valid while Add is open */
    MCM_REQUEST Add;
    MCM_REQUEST Drop;
    BOOLEAN DropTold; /* the calling client has been told that it has left */
};

/* options.c */
VOID McmReadOptions(NDIS_HANDLE MiniportAdapterHandle, MCM_OPTIONS *Options);

/* mcm.c */
PVOID McmAllocate(PMCM_ADAPTER Adapter, ULONG Size);
VOID McmReleaseAdapter(PMCM_ADAPTER Adapter);
PMCM_AF McmTakeDrainedAf(PMCM_ADAPTER Adapter);
VOID McmCompleteClose(PMCM_AF Af);
VOID McmSetTimer(PMCM_ADAPTER Adapter);

/* parameters.c */
PCO_CALL_PARAMETERS McmCopyParameters(PMCM_ADAPTER Adapter, PCO_CALL_PARAMETERS From);
VOID McmFreeParameters(PCO_CALL_PARAMETERS *Parameters);
VOID McmMirrorFlows(PCO_CALL_PARAMETERS To, PCO_CALL_PARAMETERS From);
VOID McmGiveBackFlows(PCO_CALL_PARAMETERS To, const FLOWSPEC *Transmit, const FLOWSPEC *Receive);
BOOLEAN McmReadAddress(const UCHAR *Bytes, ULONG Length, ULONGLONG *Address);

/* switch.c */
PMCM_VC McmNewVc(PMCM_ADAPTER Adapter, PMCM_AF Af, BOOLEAN Ours);
VOID McmFreeVc(PMCM_VC Vc);
PMCM_SAP McmFindSap(PMCM_ADAPTER Adapter, ULONGLONG Address);
BOOLEAN McmHasSeveralParties(PMCM_VC Vc);
VOID McmActivateEnded(PMCM_VC Vc, NDIS_STATUS Status);
VOID McmDeactivateEnded(PMCM_VC Vc, NDIS_STATUS Status);
VOID McmOfferAnswered(PMCM_VC Vc, NDIS_STATUS Status, PCO_CALL_PARAMETERS CallParameters);
VOID McmRunSwitch(PMCM_ADAPTER Adapter);
VOID McmUnlockAndSwitch(PMCM_ADAPTER Adapter);

/* request.c */
VOID McmSetSwitchHandlers(NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS *Handlers);

#endif /* MCM_H */
