/*
 * client.h - what the files of the client share: client.c (driver, bindings, address families), call.c
 * (SAPs, calls, parties), run.c (what to do next) and options.c (the registry).
 *
 * Locking. One spin lock guards all state of the driver. It is never held across a call into NDIS that
 * can call back (only the event functions are called with it): an NDIS call may run the call
 * manager's handler, that handler may run one of ours, and all of it on this very stack.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <ndis.h>

#define CLIENT_POOL_TAG 'lCoC'

/* What the registry says; options.c explains each. */
typedef struct _CLIENT_OPTIONS {
    ULONG BindAdapter;
    ULONG UnbindAdapter;
    ULONG NotifyCloseAf;
    ULONG AutoClose;
    ULONG AddressFamily;
    ULONG Sap;
    ULONG Call;
    ULONG Parties;
    ULONG Bandwidth;
    ULONG ChangeQoS;
    ULONG RoundFlow;
    ULONG KeepCall;
    ULONG IncomingCall;
    ULONG MaxBandwidth;
} CLIENT_OPTIONS;

/* One bound adapter. */
typedef struct _CLIENT_BINDING {
    NDIS_HANDLE NdisBindingHandle;

    /* NDIS's names for the bind and for the unbind in progress. */
    NDIS_HANDLE BindContext;
    NDIS_HANDLE UnbindContext;

    /* Must outlive NdisOpenAdapterEx if that pends, so it cannot be on the stack. */
    NDIS_OPEN_PARAMETERS OpenParameters;
    NDIS_MEDIUM MediumArray[2];
    UINT SelectedMediumIndex;

    /* Signalled by ProtocolOpenAdapterCompleteEx and ProtocolCloseAdapterCompleteEx for a bind or
     * unbind that waits. AdapterStatus is the status of the open. */
    NDIS_EVENT AdapterEvent;
    NDIS_STATUS AdapterStatus;

    /* Who needs the open adapter: one for the binding itself until it is unbound, one per AF. The
     * adapter may be closed when this is 0; DrainedEvent tells an unbind that waits for it. */
    ULONG Users;
    NDIS_EVENT DrainedEvent;

    BOOLEAN Unbinding;

    /* Allocated with the binding, since neither completing a bind nor an unbind may fail. */
    PIO_WORKITEM BindWorkItem;
    PIO_WORKITEM UnbindWorkItem;

    CLIENT_OPTIONS Options;
} CLIENT_BINDING, *PCLIENT_BINDING;

/*
 * What an address looks like is for the address family to say. Here it is a number of eight bytes, in a
 * SAP and as the address that is called. The families of TAPI have structures for it: a SAP holds a
 * CO_AF_TAPI_SAP (ulLineID, ulAddressID, ulMediaModes), and a call has, in its media parameters, a
 * CO_AF_TAPI_MAKE_CALL_PARAMETERS (ulLineID, ulAddressID, ulFlags, and two descriptors that stay
 * empty).
 */
#define CLIENT_ADDRESS_SIZE 8
#define CLIENT_TAPI_SAP_TYPE 0x8000
#define CLIENT_TAPI_SAP_SIZE 12
#define CLIENT_TAPI_CALL_SIZE 48
#define CLIENT_TAPI_OUTGOING_CALL 0x1
#define CLIENT_TAPI_USE_DEFAULT_CALLPARAMS 0x4

/* A SAP with room for an address. */
typedef union _CLIENT_SAP {
    CO_SAP Sap;
    UCHAR Storage[FIELD_OFFSET(CO_SAP, Sap) + CLIENT_TAPI_SAP_SIZE];
} CLIENT_SAP;

typedef enum _CLIENT_SAP_STATE {
    ClientSapNone, /* not registered yet */
    ClientSapRegistering,
    ClientSapRegistered,
    ClientSapDeregistering,
    ClientSapGone /* deregistered, refused, or not wanted */
} CLIENT_SAP_STATE;

typedef enum _CLIENT_AF_STATE {
    ClientAfOpening,
    ClientAfOpen,
    ClientAfClosing, /* NdisClCloseAddressFamily is with the call manager */
    ClientAfClosed
} CLIENT_AF_STATE;

/*
 * One address family (AF), from the first attempt to open it until it is closed and its last VC is
 * deleted.
 *
 * NDIS is not given a pointer to this structure but its Id. A notification can be on its way into
 * ProtocolClNotifyCloseAf while the AF's own close completes on another processor; the handler would
 * then look at freed memory. An id that is looked up under the lock, and never used twice, tells it
 * that the AF is gone. Calls and parties have such ids, too.
 */
typedef struct _CLIENT_AF {
    LIST_ENTRY Link; /* in ClientAfs while NDIS knows the Id */
    ULONG_PTR Id;
    PCLIENT_BINDING Binding;
    NDIS_HANDLE NdisAfHandle;
    CLIENT_AF_STATE State;
    BOOLEAN Tapi; /* the family is one of TAPI */

    /* 1 for the AF as long as it is in ClientAfs, 1 for the call that opens it, 1 for each call on it,
     * 1 for each thread and routine that looks after it. */
    ULONG References;

    /* Everything on the AF is to be taken down, and then the AF itself. */
    BOOLEAN TakeDown;
    /* A thread takes the steps of this AF; see ClientRun. */
    BOOLEAN Running;
    /* Something was refused and is tried again, by RetryWorkItem. */
    BOOLEAN Retrying;

    /* A notification was answered with NDIS_STATUS_PENDING (or is about to be), and is still to be
     * completed. */
    BOOLEAN NotifyPending;
    /* ProtocolClNotifyCloseAf has not returned yet, and wants to complete it in its own way. */
    BOOLEAN Notifying;
    /* NotifyCloseAf = 3: the one refusal has been given. */
    BOOLEAN NotifyRefused;

    CLIENT_SAP_STATE SapState;
    NDIS_HANDLE NdisSapHandle;
    CLIENT_SAP Sap;

    PIO_WORKITEM RetryWorkItem;
    /* For what is to happen later: the answer to an offered call, the end of a notification. */
    PIO_WORKITEM LaterWorkItem;
    BOOLEAN LaterQueued;
} CLIENT_AF, *PCLIENT_AF;

/* Call parameters with all that they point to, and room for an address. */
typedef struct _CLIENT_PARAMETERS {
    CO_CALL_PARAMETERS Call;
    union {
        CO_CALL_MANAGER_PARAMETERS CallMgr;
        UCHAR CallMgrStorage[FIELD_OFFSET(CO_CALL_MANAGER_PARAMETERS, CallMgrSpecific.Parameters)
            + CLIENT_ADDRESS_SIZE];
    };
    union {
        CO_MEDIA_PARAMETERS Media;
        UCHAR MediaStorage[FIELD_OFFSET(CO_MEDIA_PARAMETERS, MediaSpecific.Parameters)
            + CLIENT_TAPI_CALL_SIZE];
    };
} CLIENT_PARAMETERS, *PCLIENT_PARAMETERS;

typedef enum _CLIENT_CALL_STATE {
    ClientCallNew, /* ours: there is no VC yet */
    ClientCallIdle, /* there is a VC, but no call on it */
    ClientCallMaking,
    ClientCallOffered, /* not answered yet */
    ClientCallAccepted, /* answered; it is not connected yet, or never will be */
    ClientCallConnected,
    ClientCallClosing,
    ClientCallDeleting /* NdisCoDeleteVc */
} CLIENT_CALL_STATE;

/* What becomes of an offered call that ProtocolClIncomingCall has pended. */
typedef enum _CLIENT_ANSWER {
    ClientAnswerNone, /* the work item decides when it is time */
    ClientAnswerAccept,
    ClientAnswerReject
} CLIENT_ANSWER;

/* A VC and the call on it: ours, created to make a call, or the call manager's, created to offer us
 * calls. */
typedef struct _CLIENT_CALL {
    LIST_ENTRY Link; /* in ClientCalls as long as the VC exists, or is to be created */
    ULONG_PTR Id;
    PCLIENT_AF Af;
    NDIS_HANDLE NdisVcHandle;
    BOOLEAN Ours;
    CLIENT_CALL_STATE State;
    /* 1 as long as it is in ClientCalls, 1 for the thread that takes a step of it. */
    ULONG References;

    /* ProtocolClIncomingCloseCall has told us that the other end closes. */
    BOOLEAN CloseIndicated;
    /* It did so before we had seen the offer: ProtocolClIncomingCall is still to come. */
    BOOLEAN CloseOvertook;
    /* We have closed the last call that we have seen on this VC. */
    BOOLEAN Closed;
    /* We cannot live with the quality of service. */
    BOOLEAN Unacceptable;

    /* The offer. The parameters are the call manager's until we answer. */
    CLIENT_ANSWER Answer;
    PCO_CALL_PARAMETERS Offer;

    /* What we ask for. NDIS and the call manager use both until the operation is complete. */
    CLIENT_PARAMETERS MakeParameters;
    CLIENT_PARAMETERS QoSParameters;
    BOOLEAN Made;
    BOOLEAN QoSAsked;
    BOOLEAN QoSPending;
    /* The bandwidth in force. */
    ULONG Bandwidth;

    LIST_ENTRY Parties; /* of a multipoint call, the one that the call is made to first */
} CLIENT_CALL, *PCLIENT_CALL;

typedef enum _CLIENT_PARTY_STATE {
    ClientPartyNew, /* to be added */
    ClientPartyAdding,
    ClientPartyActive,
    ClientPartyDropping,
    ClientPartyGone
} CLIENT_PARTY_STATE;

/* One party of a multipoint call of ours. */
typedef struct _CLIENT_PARTY {
    LIST_ENTRY Link; /* in CLIENT_CALL.Parties as long as the call is there */
    ULONG_PTR Id;
    NDIS_HANDLE NdisPartyHandle;
    CLIENT_PARTY_STATE State;
    /* ProtocolClIncomingDropParty has told us that it leaves. */
    BOOLEAN DropIndicated;
    CLIENT_PARAMETERS Parameters; /* of a party that is added; the first one has the call's */
} CLIENT_PARTY, *PCLIENT_PARTY;

extern NDIS_HANDLE ClientProtocolHandle;
extern NDIS_SPIN_LOCK ClientLock;
/* Under ClientLock: */
extern LIST_ENTRY ClientAfs;
extern LIST_ENTRY ClientCalls;
extern ULONG_PTR ClientLastId;

/* options.c */
VOID ClientReadOptions(CLIENT_OPTIONS *Options);

/* client.c */
PCLIENT_AF ClientGetAf(NDIS_HANDLE ProtocolAfContext);
VOID ClientReleaseAf(PCLIENT_AF Af);
VOID ClientRetryLater(PCLIENT_AF Af);
VOID ClientDoLater(PCLIENT_AF Af);
VOID ClientCloseAf(PCLIENT_AF Af);

/* run.c */
VOID ClientRun(PCLIENT_AF Af);

/* call.c */
VOID ClientInitializeCalls(VOID);
VOID ClientStartCalls(PCLIENT_AF Af);
VOID ClientAnswerCalls(PCLIENT_AF Af);
VOID ClientReleaseCall(PCLIENT_CALL Call);
VOID ClientForgetCall(PCLIENT_CALL Call);
PCLIENT_PARTY ClientFirstParty(PCLIENT_CALL Call);
VOID ClientFillParameters(PCLIENT_PARAMETERS Parameters, PCLIENT_AF Af, ULONG Bandwidth);
VOID ClientSapRegisterEnded(PCLIENT_AF Af, NDIS_STATUS Status, NDIS_HANDLE NdisSapHandle);
VOID ClientSapDeregisterEnded(PCLIENT_AF Af, NDIS_STATUS Status);
VOID ClientMakeCallEnded(
    PCLIENT_CALL Call,
    NDIS_STATUS Status,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters);
VOID ClientModifyQoSEnded(
    PCLIENT_CALL Call,
    NDIS_STATUS Status,
    PCO_CALL_PARAMETERS CallParameters);
VOID ClientCloseCallEnded(PCLIENT_CALL Call, NDIS_STATUS Status);
VOID ClientPartyAddEnded(PCLIENT_PARTY Party, NDIS_STATUS Status, NDIS_HANDLE NdisPartyHandle);
VOID ClientPartyDropEnded(PCLIENT_CALL Call, PCLIENT_PARTY Party, NDIS_STATUS Status);
VOID ClientSetCallHandlers(NDIS_CO_CLIENT_OPTIONAL_HANDLERS *Handlers);

#endif /* CLIENT_H */
