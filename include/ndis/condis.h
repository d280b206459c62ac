/* Part of condis: connection-oriented NDIS outside Windows. MIT OR Apache-2.0. */
#ifndef CONDIS_NDIS_CONDIS_H
#define CONDIS_NDIS_CONDIS_H

/*
 * Connection-oriented NDIS: address families, SAPs, virtual connections, calls, parties, OID requests,
 * data and status of VCs. In each section: structures, then handlers, then functions.
 *
 * An MCM's completions and dispatches (NdisMCmXxx) are macros over the call manager's functions, as on
 * their documentation pages: one export serves both, and NDIS tells them apart by the handle. Eight
 * NdisMCmXxx names are exports of their own and are declared as functions.
 */

/* --- flow and call parameters ------------------------------------------------------------------ */

#ifndef CONDIS_HAVE_FLOWSPEC
typedef ULONG SERVICETYPE;
typedef struct _FLOWSPEC {
    ULONG TokenRate;
    ULONG TokenBucketSize;
    ULONG PeakBandwidth;
    ULONG Latency;
    ULONG DelayVariation;
    SERVICETYPE ServiceType;
    ULONG MaxSduSize;
    ULONG MinimumPolicedSize;
} FLOWSPEC, *PFLOWSPEC, *LPFLOWSPEC;
#define SERVICETYPE_NOTRAFFIC 0x00000000u
#define SERVICETYPE_BESTEFFORT 0x00000001u
#define SERVICETYPE_CONTROLLEDLOAD 0x00000002u
#define SERVICETYPE_GUARANTEED 0x00000003u
#define SERVICETYPE_NETWORK_UNAVAILABLE 0x00000004u
#define SERVICETYPE_GENERAL_INFORMATION 0x00000005u
#define SERVICETYPE_NOCHANGE 0x00000006u
#define SERVICETYPE_NONCONFORMING 0x00000009u
#define SERVICETYPE_NETWORK_CONTROL 0x0000000au
#define SERVICETYPE_QUALITATIVE 0x0000000du
#define QOS_NOT_SPECIFIED 0xffffffffu
#define POSITIVE_INFINITY_RATE 0xfffffffeu
#endif

typedef struct _CO_SPECIFIC_PARAMETERS {
    ULONG ParamType;
    ULONG Length;
    UCHAR Parameters[1];
} CO_SPECIFIC_PARAMETERS, *PCO_SPECIFIC_PARAMETERS;

typedef struct _CO_CALL_MANAGER_PARAMETERS {
    FLOWSPEC Transmit;
    FLOWSPEC Receive;
    CO_SPECIFIC_PARAMETERS CallMgrSpecific;
} CO_CALL_MANAGER_PARAMETERS, *PCO_CALL_MANAGER_PARAMETERS;

typedef struct _CO_MEDIA_PARAMETERS {
    ULONG Flags;
    ULONG ReceivePriority;
    ULONG ReceiveSizeHint;
    POINTER_ALIGNMENT CO_SPECIFIC_PARAMETERS MediaSpecific;
} CO_MEDIA_PARAMETERS, *PCO_MEDIA_PARAMETERS;

typedef struct _CO_CALL_PARAMETERS {
    ULONG Flags;
    PCO_CALL_MANAGER_PARAMETERS CallMgrParameters;
    PCO_MEDIA_PARAMETERS MediaParameters;
} CO_CALL_PARAMETERS, *PCO_CALL_PARAMETERS;

typedef struct _CO_PVC {
    NDIS_HANDLE NdisAfHandle;
    CO_SPECIFIC_PARAMETERS PvcParameters;
} CO_PVC, *PCO_PVC;

typedef struct _VAR_STRING {
    ULONG ulTotalSize;
    ULONG ulNeededSize;
    ULONG ulUsedSize;
    ULONG ulStringFormat;
    ULONG ulStringSize;
    ULONG ulStringOffset;
} VAR_STRING, *PVAR_STRING;

typedef struct _CO_ADDRESS {
    ULONG AddressSize;
    UCHAR Address[1];
} CO_ADDRESS, *PCO_ADDRESS;

typedef struct _CO_ADDRESS_LIST {
    ULONG NumberOfAddressesAvailable;
    ULONG NumberOfAddresses;
    CO_ADDRESS AddressList;
} CO_ADDRESS_LIST, *PCO_ADDRESS_LIST;

/* CO_CALL_PARAMETERS.Flags */
#define PERMANENT_VC 0x00000001u
#define CALL_PARAMETERS_CHANGED 0x00000002u
#define QUERY_CALL_PARAMETERS 0x00000004u
#define BROADCAST_VC 0x00000008u
#define MULTIPOINT_VC 0x00000010u

/* CO_MEDIA_PARAMETERS.Flags */
#define RECEIVE_TIME_INDICATION 0x00000001u
#define USE_TIME_STAMPS 0x00000002u
#define TRANSMIT_VC 0x00000004u
#define RECEIVE_VC 0x00000008u
#define INDICATE_ERRED_PACKETS 0x00000010u
#define INDICATE_END_OF_TX 0x00000020u
#define RESERVE_RESOURCES_VC 0x00000040u
#define ROUND_DOWN_FLOW 0x00000080u
#define ROUND_UP_FLOW 0x00000100u

/* --- address families -------------------------------------------------------------------------- */

typedef struct _CO_ADDRESS_FAMILY {
    NDIS_AF AddressFamily;
    ULONG MajorVersion;
    ULONG MinorVersion;
} CO_ADDRESS_FAMILY, *PCO_ADDRESS_FAMILY;

#define CO_ADDRESS_FAMILY_Q2931 0x00000001u
#define CO_ADDRESS_FAMILY_PSCHED 0x00000002u
#define CO_ADDRESS_FAMILY_L2TP 0x00000003u
#define CO_ADDRESS_FAMILY_IRDA 0x00000004u
#define CO_ADDRESS_FAMILY_1394 0x00000005u
#define CO_ADDRESS_FAMILY_PPP 0x00000006u
#define CO_ADDRESS_FAMILY_INFINIBAND 0x00000007u
#define CO_ADDRESS_FAMILY_TAPI 0x00000800u
#define CO_ADDRESS_FAMILY_TAPI_PROXY 0x00000801u
#define CO_ADDRESS_FAMILY_PROXY 0x80000000u

/* ProtocolCoAfRegisterNotify */
typedef VOID NTAPI PROTOCOL_CO_AF_REGISTER_NOTIFY(
    NDIS_HANDLE ProtocolBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily);
typedef PROTOCOL_CO_AF_REGISTER_NOTIFY *CO_AF_REGISTER_NOTIFY_HANDLER;

/* ProtocolCmOpenAf */
typedef NDIS_STATUS NTAPI PROTOCOL_CM_OPEN_AF(
    NDIS_HANDLE CallMgrBindingContext,
    PCO_ADDRESS_FAMILY AddressFamily,
    NDIS_HANDLE NdisAfHandle,
    PNDIS_HANDLE CallMgrAfContext);
typedef PROTOCOL_CM_OPEN_AF *CM_OPEN_AF_HANDLER;

/* ProtocolCmCloseAf */
typedef NDIS_STATUS NTAPI PROTOCOL_CM_CLOSE_AF(NDIS_HANDLE CallMgrAfContext);
typedef PROTOCOL_CM_CLOSE_AF *CM_CLOSE_AF_HANDLER;

/* ProtocolCmNotifyCloseAfComplete */
typedef VOID NTAPI PROTOCOL_CM_NOTIFY_CLOSE_AF_COMPLETE(
    NDIS_HANDLE CallMgrAfContext,
    NDIS_STATUS Status);
typedef PROTOCOL_CM_NOTIFY_CLOSE_AF_COMPLETE *CM_NOTIFY_CLOSE_AF_COMPLETE_HANDLER;

/* ProtocolClOpenAfCompleteEx */
typedef VOID NTAPI PROTOCOL_CL_OPEN_AF_COMPLETE_EX(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisAfHandle,
    NDIS_STATUS Status);
typedef PROTOCOL_CL_OPEN_AF_COMPLETE_EX *CL_OPEN_AF_COMPLETE_HANDLER_EX;

/* ProtocolClCloseAfComplete */
typedef VOID NTAPI PROTOCOL_CL_CLOSE_AF_COMPLETE(NDIS_STATUS Status, NDIS_HANDLE ProtocolAfContext);
typedef PROTOCOL_CL_CLOSE_AF_COMPLETE *CL_CLOSE_AF_COMPLETE_HANDLER;

/* ProtocolClNotifyCloseAf */
typedef NDIS_STATUS NTAPI PROTOCOL_CL_NOTIFY_CLOSE_AF(NDIS_HANDLE ClientAfContext);
typedef PROTOCOL_CL_NOTIFY_CLOSE_AF *CL_NOTIFY_CLOSE_AF_HANDLER;

NDISEXPORT NDIS_STATUS NTAPI NdisCmRegisterAddressFamilyEx(
    NDIS_HANDLE NdisBindingHandle,
    PCO_ADDRESS_FAMILY AddressFamily);
NDISEXPORT NDIS_STATUS NTAPI NdisMCmRegisterAddressFamilyEx(
    NDIS_HANDLE MiniportAdapterHandle,
    PCO_ADDRESS_FAMILY AddressFamily);
NDISEXPORT NDIS_STATUS NTAPI NdisClOpenAddressFamilyEx(
    NDIS_HANDLE NdisBindingHandle,
    PCO_ADDRESS_FAMILY AddressFamily,
    NDIS_HANDLE ClientAfContext,
    PNDIS_HANDLE NdisAfHandle);
NDISEXPORT VOID NTAPI NdisCmOpenAddressFamilyComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE CallMgrAfContext);
NDISEXPORT NDIS_STATUS NTAPI NdisClCloseAddressFamily(NDIS_HANDLE NdisAfHandle);
NDISEXPORT VOID NTAPI NdisCmCloseAddressFamilyComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisAfHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisCmNotifyCloseAddressFamily(NDIS_HANDLE NdisAfHandle);
NDISEXPORT VOID NTAPI NdisClNotifyCloseAddressFamilyComplete(
    NDIS_HANDLE NdisAfHandle,
    NDIS_STATUS Status);

#define NdisMCmOpenAddressFamilyComplete(_S_, _H_, _C_) \
    NdisCmOpenAddressFamilyComplete(_S_, _H_, _C_)
#define NdisMCmCloseAddressFamilyComplete(_S_, _H_) \
    NdisCmCloseAddressFamilyComplete(_S_, _H_)
#define NdisMCmNotifyCloseAddressFamily(_AH_) \
    NdisCmNotifyCloseAddressFamily(_AH_)

/* --- service access points --------------------------------------------------------------------- */

typedef struct _CO_SAP {
    ULONG SapType;
    ULONG SapLength;
    UCHAR Sap[1];
} CO_SAP, *PCO_SAP;

/* ProtocolCmRegisterSap */
typedef NDIS_STATUS NTAPI PROTOCOL_CM_REG_SAP(
    NDIS_HANDLE CallMgrAfContext,
    PCO_SAP Sap,
    NDIS_HANDLE NdisSapHandle,
    PNDIS_HANDLE CallMgrSapContext);
typedef PROTOCOL_CM_REG_SAP *CM_REG_SAP_HANDLER;

/* ProtocolCmDeregisterSap */
typedef NDIS_STATUS NTAPI PROTOCOL_CM_DEREGISTER_SAP(NDIS_HANDLE CallMgrSapContext);
typedef PROTOCOL_CM_DEREGISTER_SAP *CM_DEREG_SAP_HANDLER;

/* ProtocolClRegisterSapComplete */
typedef VOID NTAPI PROTOCOL_CL_REGISTER_SAP_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolSapContext,
    PCO_SAP Sap,
    NDIS_HANDLE NdisSapHandle);
typedef PROTOCOL_CL_REGISTER_SAP_COMPLETE *CL_REG_SAP_COMPLETE_HANDLER;

/* ProtocolClDeregisterSapComplete */
typedef VOID NTAPI PROTOCOL_CL_DEREGISTER_SAP_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolSapContext);
typedef PROTOCOL_CL_DEREGISTER_SAP_COMPLETE *CL_DEREG_SAP_COMPLETE_HANDLER;

NDISEXPORT NDIS_STATUS NTAPI NdisClRegisterSap(
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE ProtocolSapContext,
    PCO_SAP Sap,
    PNDIS_HANDLE NdisSapHandle);
NDISEXPORT VOID NTAPI NdisCmRegisterSapComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisSapHandle,
    NDIS_HANDLE CallMgrSapContext);
NDISEXPORT NDIS_STATUS NTAPI NdisClDeregisterSap(NDIS_HANDLE NdisSapHandle);
NDISEXPORT VOID NTAPI NdisCmDeregisterSapComplete(NDIS_STATUS Status, NDIS_HANDLE NdisSapHandle);

#define NdisMCmRegisterSapComplete(_S_, _H_, _C_) \
    NdisCmRegisterSapComplete(_S_, _H_, _C_)
#define NdisMCmDeregisterSapComplete(_S_, _H_) \
    NdisCmDeregisterSapComplete(_S_, _H_)

/* --- virtual connections ----------------------------------------------------------------------- */

/* ProtocolCoCreateVc */
typedef NDIS_STATUS NTAPI PROTOCOL_CO_CREATE_VC(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE ProtocolVcContext);
typedef PROTOCOL_CO_CREATE_VC *CO_CREATE_VC_HANDLER;

/* ProtocolCoDeleteVc */
typedef NDIS_STATUS NTAPI PROTOCOL_CO_DELETE_VC(NDIS_HANDLE ProtocolVcContext);
typedef PROTOCOL_CO_DELETE_VC *CO_DELETE_VC_HANDLER;

/* ProtocolCmActivateVcComplete */
typedef VOID NTAPI PROTOCOL_CM_ACTIVATE_VC_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters);
typedef PROTOCOL_CM_ACTIVATE_VC_COMPLETE *CM_ACTIVATE_VC_COMPLETE_HANDLER;

/* ProtocolCmDeactivateVcComplete */
typedef VOID NTAPI PROTOCOL_CM_DEACTIVATE_VC_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE CallMgrVcContext);
typedef PROTOCOL_CM_DEACTIVATE_VC_COMPLETE *CM_DEACTIVATE_VC_COMPLETE_HANDLER;

/* MiniportCoCreateVc */
typedef NDIS_STATUS NTAPI MINIPORT_CO_CREATE_VC(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_HANDLE MiniportVcContext);
typedef MINIPORT_CO_CREATE_VC *W_CO_CREATE_VC_HANDLER;

/* MiniportCoDeleteVc */
typedef NDIS_STATUS NTAPI MINIPORT_CO_DELETE_VC(NDIS_HANDLE MiniportVcContext);
typedef MINIPORT_CO_DELETE_VC *W_CO_DELETE_VC_HANDLER;

/* MiniportCoActivateVc */
typedef NDIS_STATUS NTAPI MINIPORT_CO_ACTIVATE_VC(
    NDIS_HANDLE MiniportVcContext,
    PCO_CALL_PARAMETERS CallParameters);
typedef MINIPORT_CO_ACTIVATE_VC *W_CO_ACTIVATE_VC_HANDLER;

/* MiniportCoDeactivateVc */
typedef NDIS_STATUS NTAPI MINIPORT_CO_DEACTIVATE_VC(NDIS_HANDLE MiniportVcContext);
typedef MINIPORT_CO_DEACTIVATE_VC *W_CO_DEACTIVATE_VC_HANDLER;

NDISEXPORT NDIS_STATUS NTAPI NdisCoCreateVc(
    NDIS_HANDLE NdisBindingHandle,
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE ProtocolVcContext,
    PNDIS_HANDLE NdisVcHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisCoDeleteVc(NDIS_HANDLE NdisVcHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisMCmCreateVc(
    NDIS_HANDLE MiniportAdapterHandle,
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE MiniportVcContext,
    PNDIS_HANDLE NdisVcHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisMCmDeleteVc(NDIS_HANDLE NdisVcHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisCmActivateVc(
    NDIS_HANDLE NdisVcHandle,
    PCO_CALL_PARAMETERS CallParameters);
NDISEXPORT NDIS_STATUS NTAPI NdisMCmActivateVc(
    NDIS_HANDLE NdisVcHandle,
    PCO_CALL_PARAMETERS CallParameters);
NDISEXPORT NDIS_STATUS NTAPI NdisCmDeactivateVc(NDIS_HANDLE NdisVcHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisMCmDeactivateVc(NDIS_HANDLE NdisVcHandle);
NDISEXPORT VOID NTAPI NdisMCoActivateVcComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisVcHandle,
    PCO_CALL_PARAMETERS CallParameters);
NDISEXPORT VOID NTAPI NdisMCoDeactivateVcComplete(NDIS_STATUS Status, NDIS_HANDLE NdisVcHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisCoAssignInstanceName(
    NDIS_HANDLE NdisVcHandle,
    PNDIS_STRING BaseInstanceName,
    PNDIS_STRING VcInstanceName);
NDISEXPORT NDIS_STATUS NTAPI NdisCoGetTapiCallId(NDIS_HANDLE NdisVcHandle, PVAR_STRING TapiCallId);
NDISEXPORT NDIS_STATUS NTAPI NdisClGetProtocolVcContextFromTapiCallId(
    UNICODE_STRING TapiCallId,
    PNDIS_HANDLE ProtocolVcContext);

/* --- calls ------------------------------------------------------------------------------------- */

/* ProtocolCmMakeCall */
typedef NDIS_STATUS NTAPI PROTOCOL_CM_MAKE_CALL(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext);
typedef PROTOCOL_CM_MAKE_CALL *CM_MAKE_CALL_HANDLER;

/* ProtocolCmCloseCall */
typedef NDIS_STATUS NTAPI PROTOCOL_CM_CLOSE_CALL(
    NDIS_HANDLE CallMgrVcContext,
    NDIS_HANDLE CallMgrPartyContext,
    PVOID CloseData,
    UINT Size);
typedef PROTOCOL_CM_CLOSE_CALL *CM_CLOSE_CALL_HANDLER;

/* ProtocolCmIncomingCallComplete */
typedef VOID NTAPI PROTOCOL_CM_INCOMING_CALL_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters);
typedef PROTOCOL_CM_INCOMING_CALL_COMPLETE *CM_INCOMING_CALL_COMPLETE_HANDLER;

/* ProtocolCmModifyCallQoS */
typedef NDIS_STATUS NTAPI PROTOCOL_CM_MODIFY_QOS_CALL(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters);
typedef PROTOCOL_CM_MODIFY_QOS_CALL *CM_MODIFY_CALL_QOS_HANDLER;

/* ProtocolClMakeCallComplete */
typedef VOID NTAPI PROTOCOL_CL_MAKE_CALL_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters);
typedef PROTOCOL_CL_MAKE_CALL_COMPLETE *CL_MAKE_CALL_COMPLETE_HANDLER;

/* ProtocolClCloseCallComplete */
typedef VOID NTAPI PROTOCOL_CL_CLOSE_CALL_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext);
typedef PROTOCOL_CL_CLOSE_CALL_COMPLETE *CL_CLOSE_CALL_COMPLETE_HANDLER;

/* ProtocolClModifyCallQoSComplete */
typedef VOID NTAPI PROTOCOL_CL_MODIFY_CALL_QOS_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters);
typedef PROTOCOL_CL_MODIFY_CALL_QOS_COMPLETE *CL_MODIFY_CALL_QOS_COMPLETE_HANDLER;

/* ProtocolClIncomingCall */
typedef NDIS_STATUS NTAPI PROTOCOL_CL_INCOMING_CALL(
    NDIS_HANDLE ProtocolSapContext,
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters);
typedef PROTOCOL_CL_INCOMING_CALL *CL_INCOMING_CALL_HANDLER;

/* ProtocolClCallConnected */
typedef VOID NTAPI PROTOCOL_CL_CALL_CONNECTED(NDIS_HANDLE ProtocolVcContext);
typedef PROTOCOL_CL_CALL_CONNECTED *CL_CALL_CONNECTED_HANDLER;

/* ProtocolClIncomingCallQoSChange */
typedef VOID NTAPI PROTOCOL_CL_INCOMING_CALL_QOS_CHANGE(
    NDIS_HANDLE ProtocolVcContext,
    PCO_CALL_PARAMETERS CallParameters);
typedef PROTOCOL_CL_INCOMING_CALL_QOS_CHANGE *CL_INCOMING_CALL_QOS_CHANGE_HANDLER;

/* ProtocolClIncomingCloseCall */
typedef VOID NTAPI PROTOCOL_CL_INCOMING_CLOSE_CALL(
    NDIS_STATUS CloseStatus,
    NDIS_HANDLE ProtocolVcContext,
    PVOID CloseData,
    UINT Size);
typedef PROTOCOL_CL_INCOMING_CLOSE_CALL *CL_INCOMING_CLOSE_CALL_HANDLER;

NDISEXPORT NDIS_STATUS NTAPI NdisClMakeCall(
    NDIS_HANDLE NdisVcHandle,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE ProtocolPartyContext,
    PNDIS_HANDLE NdisPartyHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisClModifyCallQoS(
    NDIS_HANDLE NdisVcHandle,
    PCO_CALL_PARAMETERS CallParameters);
NDISEXPORT NDIS_STATUS NTAPI NdisClCloseCall(
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE NdisPartyHandle,
    PVOID Buffer,
    UINT Size);
NDISEXPORT VOID NTAPI NdisClIncomingCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisVcHandle,
    PCO_CALL_PARAMETERS CallParameters);
NDISEXPORT VOID NTAPI NdisCmMakeCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE NdisPartyHandle,
    NDIS_HANDLE CallMgrPartyContext,
    PCO_CALL_PARAMETERS CallParameters);
NDISEXPORT VOID NTAPI NdisCmCloseCallComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE NdisPartyHandle);
NDISEXPORT VOID NTAPI NdisCmDispatchCallConnected(NDIS_HANDLE NdisVcHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisCmDispatchIncomingCall(
    NDIS_HANDLE NdisSapHandle,
    NDIS_HANDLE NdisVcHandle,
    PCO_CALL_PARAMETERS CallParameters);
NDISEXPORT VOID NTAPI NdisCmDispatchIncomingCallQoSChange(
    NDIS_HANDLE NdisVcHandle,
    PCO_CALL_PARAMETERS CallParameters);
NDISEXPORT VOID NTAPI NdisCmDispatchIncomingCloseCall(
    NDIS_STATUS CloseStatus,
    NDIS_HANDLE NdisVcHandle,
    PVOID Buffer,
    UINT Size);
NDISEXPORT VOID NTAPI NdisCmModifyCallQoSComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisVcHandle,
    PCO_CALL_PARAMETERS CallParameters);

#define NdisMCmMakeCallComplete(Status, NdisVcHandle, NdisPartyHandle, CallMgrPartyContext, CallParameters) \
    NdisCmMakeCallComplete(Status, NdisVcHandle, NdisPartyHandle, CallMgrPartyContext, CallParameters)
#define NdisMCmCloseCallComplete(Status, NdisVcHandle, NdisPartyHandle) \
    NdisCmCloseCallComplete(Status, NdisVcHandle, NdisPartyHandle)
#define NdisMCmDispatchCallConnected(NdisVcHandle) \
    NdisCmDispatchCallConnected(NdisVcHandle)
#define NdisMCmDispatchIncomingCall(NdisSapHandle, NdisVcHandle, CallParameters) \
    NdisCmDispatchIncomingCall(NdisSapHandle, NdisVcHandle, CallParameters)
#define NdisMCmDispatchIncomingCallQoSChange(NdisVcHandle, CallParameters) \
    NdisCmDispatchIncomingCallQoSChange(NdisVcHandle, CallParameters)
#define NdisMCmDispatchIncomingCloseCall(CloseStatus, NdisVcHandle, Buffer, Size) \
    NdisCmDispatchIncomingCloseCall(CloseStatus, NdisVcHandle, Buffer, Size)
#define NdisMCmModifyCallQoSComplete(Status, NdisVcHandle, CallParameters) \
    NdisCmModifyCallQoSComplete(Status, NdisVcHandle, CallParameters)

/* --- parties of multipoint calls --------------------------------------------------------------- */

/* ProtocolCmAddParty */
typedef NDIS_STATUS NTAPI PROTOCOL_CM_ADD_PARTY(
    NDIS_HANDLE CallMgrVcContext,
    PCO_CALL_PARAMETERS CallParameters,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_HANDLE CallMgrPartyContext);
typedef PROTOCOL_CM_ADD_PARTY *CM_ADD_PARTY_HANDLER;

/* ProtocolCmDropParty */
typedef NDIS_STATUS NTAPI PROTOCOL_CM_DROP_PARTY(
    NDIS_HANDLE CallMgrPartyContext,
    PVOID CloseData,
    UINT Size);
typedef PROTOCOL_CM_DROP_PARTY *CM_DROP_PARTY_HANDLER;

/* ProtocolClAddPartyComplete */
typedef VOID NTAPI PROTOCOL_CL_ADD_PARTY_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolPartyContext,
    NDIS_HANDLE NdisPartyHandle,
    PCO_CALL_PARAMETERS CallParameters);
typedef PROTOCOL_CL_ADD_PARTY_COMPLETE *CL_ADD_PARTY_COMPLETE_HANDLER;

/* ProtocolClDropPartyComplete */
typedef VOID NTAPI PROTOCOL_CL_DROP_PARTY_COMPLETE(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolPartyContext);
typedef PROTOCOL_CL_DROP_PARTY_COMPLETE *CL_DROP_PARTY_COMPLETE_HANDLER;

/* ProtocolClIncomingDropParty */
typedef VOID NTAPI PROTOCOL_CL_INCOMING_DROP_PARTY(
    NDIS_STATUS DropStatus,
    NDIS_HANDLE ProtocolPartyContext,
    PVOID CloseData,
    UINT Size);
typedef PROTOCOL_CL_INCOMING_DROP_PARTY *CL_INCOMING_DROP_PARTY_HANDLER;

NDISEXPORT NDIS_STATUS NTAPI NdisClAddParty(
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE ProtocolPartyContext,
    PCO_CALL_PARAMETERS CallParameters,
    PNDIS_HANDLE NdisPartyHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisClDropParty(NDIS_HANDLE NdisPartyHandle, PVOID Buffer, UINT Size);
NDISEXPORT VOID NTAPI NdisCmAddPartyComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisPartyHandle,
    NDIS_HANDLE CallMgrPartyContext,
    PCO_CALL_PARAMETERS CallParameters);
NDISEXPORT VOID NTAPI NdisCmDropPartyComplete(NDIS_STATUS Status, NDIS_HANDLE NdisPartyHandle);
NDISEXPORT VOID NTAPI NdisCmDispatchIncomingDropParty(
    NDIS_STATUS DropStatus,
    NDIS_HANDLE NdisPartyHandle,
    PVOID Buffer,
    UINT Size);

#define NdisMCmAddPartyComplete(Status, NdisPartyHandle, CallMgrPartyContext, CallParameters) \
    NdisCmAddPartyComplete(Status, NdisPartyHandle, CallMgrPartyContext, CallParameters)
#define NdisMCmDropPartyComplete(Status, NdisPartyHandle) \
    NdisCmDropPartyComplete(Status, NdisPartyHandle)
#define NdisMCmDispatchIncomingDropParty(DropStatus, NdisPartyHandle, Buffer, Size) \
    NdisCmDispatchIncomingDropParty(DropStatus, NdisPartyHandle, Buffer, Size)

/* --- OID requests ------------------------------------------------------------------------------ */

/* ProtocolCoOidRequest */
typedef NDIS_STATUS NTAPI PROTOCOL_CO_OID_REQUEST(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext,
    PNDIS_OID_REQUEST OidRequest);
typedef PROTOCOL_CO_OID_REQUEST *CO_OID_REQUEST_HANDLER;

/* ProtocolCoOidRequestComplete */
typedef VOID NTAPI PROTOCOL_CO_OID_REQUEST_COMPLETE(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext,
    PNDIS_OID_REQUEST OidRequest,
    NDIS_STATUS Status);
typedef PROTOCOL_CO_OID_REQUEST_COMPLETE *CO_OID_REQUEST_COMPLETE_HANDLER;

/* MiniportCoOidRequest */
typedef NDIS_STATUS NTAPI MINIPORT_CO_OID_REQUEST(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE MiniportVcContext,
    PNDIS_OID_REQUEST OidRequest);
typedef MINIPORT_CO_OID_REQUEST *W_CO_OID_REQUEST_HANDLER;

NDISEXPORT NDIS_STATUS NTAPI NdisCoOidRequest(
    NDIS_HANDLE NdisBindingHandle,
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_OID_REQUEST OidRequest);
NDISEXPORT VOID NTAPI NdisCoOidRequestComplete(
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_OID_REQUEST OidRequest,
    NDIS_STATUS Status);
NDISEXPORT NDIS_STATUS NTAPI NdisMCmOidRequest(
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_OID_REQUEST NdisOidRequest);
NDISEXPORT VOID NTAPI NdisMCoOidRequestComplete(
    NDIS_HANDLE MiniportAdapterHandle,
    NDIS_HANDLE NdisMiniportVcHandle,
    PNDIS_OID_REQUEST Request,
    NDIS_STATUS Status);

#define NdisMCmOidRequestComplete(_AH_, _VH_, _PH_, _R_, _S_) \
    NdisCoOidRequestComplete(_AH_, _VH_, _PH_, _R_, _S_)

/* --- data and status of VCs -------------------------------------------------------------------- */

/* MiniportCoSendNetBufferLists */
typedef VOID NTAPI MINIPORT_CO_SEND_NET_BUFFER_LISTS(
    NDIS_HANDLE MiniportVcContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendFlags);
typedef MINIPORT_CO_SEND_NET_BUFFER_LISTS *W_CO_SEND_NET_BUFFER_LISTS_HANDLER;

/* ProtocolCoSendNetBufferListsComplete */
typedef VOID NTAPI PROTOCOL_CO_SEND_NET_BUFFER_LISTS_COMPLETE(
    NDIS_HANDLE ProtocolVcContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendCompleteFlags);
typedef PROTOCOL_CO_SEND_NET_BUFFER_LISTS_COMPLETE *CO_SEND_NET_BUFFER_LISTS_COMPLETE_HANDLER;

/* ProtocolCoReceiveNetBufferLists */
typedef VOID NTAPI PROTOCOL_CO_RECEIVE_NET_BUFFER_LISTS(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_HANDLE ProtocolVcContext,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG NumberOfNetBufferLists,
    ULONG ReceiveFlags);
typedef PROTOCOL_CO_RECEIVE_NET_BUFFER_LISTS *CO_RECEIVE_NET_BUFFER_LISTS_HANDLER;

/* ProtocolCoStatusEx */
typedef VOID NTAPI PROTOCOL_CO_STATUS_EX(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_HANDLE ProtocolVcContext,
    PNDIS_STATUS_INDICATION StatusIndication);
typedef PROTOCOL_CO_STATUS_EX *CO_STATUS_HANDLER_EX;

NDISEXPORT VOID NTAPI NdisCoSendNetBufferLists(
    NDIS_HANDLE NdisVcHandle,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendFlags);
NDISEXPORT VOID NTAPI NdisMCoSendNetBufferListsComplete(
    NDIS_HANDLE NdisVcHandle,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendCompleteFlags);
NDISEXPORT VOID NTAPI NdisMCoIndicateReceiveNetBufferLists(
    NDIS_HANDLE NdisVcHandle,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG NumberOfNetBufferLists,
    ULONG CoReceiveFlags);
NDISEXPORT VOID NTAPI NdisMCoIndicateStatusEx(
    NDIS_HANDLE MiniportAdapterHandle,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_STATUS_INDICATION StatusIndication);

/* --- the handler tables for NdisSetOptionalHandlers -------------------------------------------- */

/* Every connection-oriented protocol, from ProtocolSetOptions. */
typedef struct _NDIS_PROTOCOL_CO_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header;
    ULONG Flags;
    CO_STATUS_HANDLER_EX CoStatusHandlerEx;
    CO_AF_REGISTER_NOTIFY_HANDLER CoAfRegisterNotifyHandler;
    CO_RECEIVE_NET_BUFFER_LISTS_HANDLER CoReceiveNetBufferListsHandler;
    CO_SEND_NET_BUFFER_LISTS_COMPLETE_HANDLER CoSendNetBufferListsCompleteHandler;
} NDIS_PROTOCOL_CO_CHARACTERISTICS, *PNDIS_PROTOCOL_CO_CHARACTERISTICS;
#define NDIS_PROTOCOL_CO_CHARACTERISTICS_REVISION_1 1
#define NDIS_SIZEOF_PROTOCOL_CO_CHARACTERISTICS_REVISION_1 \
    RTL_SIZEOF_THROUGH_FIELD(NDIS_PROTOCOL_CO_CHARACTERISTICS, CoSendNetBufferListsCompleteHandler)

/* Every connection-oriented miniport and MCM, from MiniportSetOptions. */
typedef struct _NDIS_MINIPORT_CO_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header;
    ULONG Flags;
    W_CO_CREATE_VC_HANDLER CoCreateVcHandler;
    W_CO_DELETE_VC_HANDLER CoDeleteVcHandler;
    W_CO_ACTIVATE_VC_HANDLER CoActivateVcHandler;
    W_CO_DEACTIVATE_VC_HANDLER CoDeactivateVcHandler;
    W_CO_SEND_NET_BUFFER_LISTS_HANDLER CoSendNetBufferListsHandler;
    W_CO_OID_REQUEST_HANDLER CoOidRequestHandler;
} NDIS_MINIPORT_CO_CHARACTERISTICS, *PNDIS_MINIPORT_CO_CHARACTERISTICS;
#define NDIS_MINIPORT_CO_CHARACTERISTICS_REVISION_1 1
#define NDIS_SIZEOF_MINIPORT_CO_CHARACTERISTICS_REVISION_1 \
    RTL_SIZEOF_THROUGH_FIELD(NDIS_MINIPORT_CO_CHARACTERISTICS, CoOidRequestHandler)

/* Clients. Every member must be set, also for features that the client does not use. */
typedef struct _NDIS_CO_CLIENT_OPTIONAL_HANDLERS {
    NDIS_OBJECT_HEADER Header;
    ULONG Reserved;
    CO_CREATE_VC_HANDLER ClCreateVcHandler;
    CO_DELETE_VC_HANDLER ClDeleteVcHandler;
    CO_OID_REQUEST_HANDLER ClOidRequestHandler;
    CO_OID_REQUEST_COMPLETE_HANDLER ClOidRequestCompleteHandler;
    CL_OPEN_AF_COMPLETE_HANDLER_EX ClOpenAfCompleteHandlerEx;
    CL_CLOSE_AF_COMPLETE_HANDLER ClCloseAfCompleteHandler;
    CL_REG_SAP_COMPLETE_HANDLER ClRegisterSapCompleteHandler;
    CL_DEREG_SAP_COMPLETE_HANDLER ClDeregisterSapCompleteHandler;
    CL_MAKE_CALL_COMPLETE_HANDLER ClMakeCallCompleteHandler;
    CL_MODIFY_CALL_QOS_COMPLETE_HANDLER ClModifyCallQoSCompleteHandler;
    CL_CLOSE_CALL_COMPLETE_HANDLER ClCloseCallCompleteHandler;
    CL_ADD_PARTY_COMPLETE_HANDLER ClAddPartyCompleteHandler;
    CL_DROP_PARTY_COMPLETE_HANDLER ClDropPartyCompleteHandler;
    CL_INCOMING_CALL_HANDLER ClIncomingCallHandler;
    CL_INCOMING_CALL_QOS_CHANGE_HANDLER ClIncomingCallQoSChangeHandler;
    CL_INCOMING_CLOSE_CALL_HANDLER ClIncomingCloseCallHandler;
    CL_INCOMING_DROP_PARTY_HANDLER ClIncomingDropPartyHandler;
    CL_CALL_CONNECTED_HANDLER ClCallConnectedHandler;
    CL_NOTIFY_CLOSE_AF_HANDLER ClNotifyCloseAfHandler;
} NDIS_CO_CLIENT_OPTIONAL_HANDLERS, *PNDIS_CO_CLIENT_OPTIONAL_HANDLERS;
#define NDIS_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1 1
#define NDIS_SIZEOF_CO_CLIENT_OPTIONAL_HANDLERS_REVISION_1 \
    RTL_SIZEOF_THROUGH_FIELD(NDIS_CO_CLIENT_OPTIONAL_HANDLERS, ClNotifyCloseAfHandler)

/* Call managers and MCMs. Every member must be set. */
typedef struct _NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS {
    NDIS_OBJECT_HEADER Header;
    ULONG Reserved;
    CO_CREATE_VC_HANDLER CmCreateVcHandler;
    CO_DELETE_VC_HANDLER CmDeleteVcHandler;
    CM_OPEN_AF_HANDLER CmOpenAfHandler;
    CM_CLOSE_AF_HANDLER CmCloseAfHandler;
    CM_REG_SAP_HANDLER CmRegisterSapHandler;
    CM_DEREG_SAP_HANDLER CmDeregisterSapHandler;
    CM_MAKE_CALL_HANDLER CmMakeCallHandler;
    CM_CLOSE_CALL_HANDLER CmCloseCallHandler;
    CM_INCOMING_CALL_COMPLETE_HANDLER CmIncomingCallCompleteHandler;
    CM_ADD_PARTY_HANDLER CmAddPartyHandler;
    CM_DROP_PARTY_HANDLER CmDropPartyHandler;
    CM_ACTIVATE_VC_COMPLETE_HANDLER CmActivateVcCompleteHandler;
    CM_DEACTIVATE_VC_COMPLETE_HANDLER CmDeactivateVcCompleteHandler;
    CM_MODIFY_CALL_QOS_HANDLER CmModifyCallQoSHandler;
    CO_OID_REQUEST_HANDLER CmOidRequestHandler;
    CO_OID_REQUEST_COMPLETE_HANDLER CmOidRequestCompleteHandler;
    CM_NOTIFY_CLOSE_AF_COMPLETE_HANDLER CmNotifyCloseAfCompleteHandler;
} NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS, *PNDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS;
#define NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1 1
#define NDIS_SIZEOF_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1 \
    RTL_SIZEOF_THROUGH_FIELD(NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS, CmNotifyCloseAfCompleteHandler)

/*
 * Connectionless data: not for CoNDIS, but a miniport must have a handler for such sends, and it gives
 * back what it is sent.
 */
NDISEXPORT VOID NTAPI NdisMSendNetBufferListsComplete(
    NDIS_HANDLE MiniportAdapterHandle,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG SendCompleteFlags);

/* VAR_STRING.ulStringFormat, of which NdisCoGetTapiCallId gives the first. */
#define STRINGFORMAT_ASCII 0x00000001u
#define STRINGFORMAT_DBCS 0x00000002u
#define STRINGFORMAT_UNICODE 0x00000003u
#define STRINGFORMAT_BINARY 0x00000004u

#endif /* CONDIS_NDIS_CONDIS_H */
