/* Part of condis: connection-oriented NDIS outside Windows. MIT OR Apache-2.0. */
#ifndef CONDIS_NDIS5_H
#define CONDIS_NDIS5_H

/*
 * What a connection-oriented driver of NDIS 5.0 or 5.1 uses beyond condis.h: registration with handler
 * tables in the address-family calls, packets instead of net buffer lists, NDIS_REQUEST instead of OID
 * requests. ndis.h includes it if NDIS50, NDIS51 or their _MINIPORT forms are defined.
 *
 * Layouts and prototypes were taken from MinGW-w64's public-domain ddk/ndis.h by way of contract/. Only
 * what the contract covers is here; handlers of connectionless traffic are there to fill the tables.
 */

/* --- packets ----------------------------------------------------------------------------------- */

typedef MDL NDIS_BUFFER, *PNDIS_BUFFER;
typedef struct _NDIS_PACKET_POOL *PNDIS_PACKET_POOL;

typedef struct _NDIS_PACKET_PRIVATE {
    UINT PhysicalCount;
    UINT TotalLength;
    PNDIS_BUFFER Head;
    PNDIS_BUFFER Tail;
    PNDIS_PACKET_POOL Pool;
    UINT Count;
    ULONG Flags;
    BOOLEAN ValidCounts;
    UCHAR NdisPacketFlags;
    USHORT NdisPacketOobOffset;
} NDIS_PACKET_PRIVATE, *PNDIS_PACKET_PRIVATE;

typedef struct _NDIS_PACKET {
    NDIS_PACKET_PRIVATE Private;
    union {
        struct {
            UCHAR MiniportReserved[2 * sizeof(PVOID)];
            UCHAR WrapperReserved[2 * sizeof(PVOID)];
        };
        struct {
            UCHAR MiniportReservedEx[3 * sizeof(PVOID)];
            UCHAR WrapperReservedEx[sizeof(PVOID)];
        };
        UCHAR MacReserved[4 * sizeof(PVOID)];
    };
    ULONG_PTR Reserved[2];
    /* As many as the pool was made for. */
    UCHAR ProtocolReserved[1];
} NDIS_PACKET, *PNDIS_PACKET, **PPNDIS_PACKET;

typedef struct _NDIS_PACKET_OOB_DATA {
    union {
        ULONGLONG TimeToSend;
        ULONGLONG TimeSent;
    };
    ULONGLONG TimeReceived;
    UINT HeaderSize;
    UINT SizeMediaSpecificInfo;
    PVOID MediaSpecificInformation;
    NDIS_STATUS Status;
} NDIS_PACKET_OOB_DATA, *PNDIS_PACKET_OOB_DATA;

/* Indexes into NDIS_PACKET_EXTENSION. */
typedef enum _NDIS_PER_PACKET_INFO {
    TcpIpChecksumPacketInfo = 0,
    IpSecPacketInfo = 1,
    TcpLargeSendPacketInfo = 2,
    ClassificationHandlePacketInfo = 3,
    ScatterGatherListPacketInfo = 5,
    Ieee8021QInfo = 6,
    OriginalPacketInfo = 7,
    PacketCancelId = 8,
    OriginalNetBufferList = 9,
    CachedNetBufferList = 10,
    ShortPacketPaddingInfo = 11,
    MaxPerPacketInfo = 12
} NDIS_PER_PACKET_INFO, *PNDIS_PER_PACKET_INFO;

typedef struct _NDIS_PACKET_EXTENSION {
    PVOID NdisPacketInfo[MaxPerPacketInfo];
} NDIS_PACKET_EXTENSION, *PNDIS_PACKET_EXTENSION;

typedef struct _NDIS_PACKET_STACK {
    ULONG_PTR IMReserved[2];
    ULONG_PTR NdisReserved[4];
} NDIS_PACKET_STACK, *PNDIS_PACKET_STACK;

typedef enum _NDIS_CLASS_ID {
    NdisClass802_3Priority = 0,
    NdisClassWirelessWanMbxMailbox = 1,
    NdisClassIrdaPacketInfo = 2,
    NdisClassAtmAALInfo = 3
} NDIS_CLASS_ID;

typedef struct _MEDIA_SPECIFIC_INFORMATION {
    UINT NextEntryOffset;
    NDIS_CLASS_ID ClassId;
    UINT Size;
    UCHAR ClassInformation[1];
} MEDIA_SPECIFIC_INFORMATION, *PMEDIA_SPECIFIC_INFORMATION;

#define fPACKET_WRAPPER_RESERVED 0x3fu
#define fPACKET_CONTAINS_MEDIA_SPECIFIC_INFO 0x40u
#define fPACKET_ALLOCATED_BY_NDIS 0x80u
#define NDIS_FLAGS_PROTOCOL_ID_MASK 0xfu
#define NDIS_FLAGS_MULTICAST_PACKET 0x10u
#define NDIS_FLAGS_DONT_LOOPBACK 0x80u
#define NDIS_FLAGS_IS_LOOPBACK_PACKET 0x100u
#define NDIS_FLAGS_LOOPBACK_ONLY 0x200u
#define NDIS_FLAGS_DOUBLE_BUFFERED 0x800u
#define NDIS_FLAGS_SENT_AT_DPC 0x1000u
#define NDIS_FLAGS_USES_SG_BUFFER_LIST 0x2000u
#define NDIS_FLAGS_USES_ORIGINAL_PACKET 0x4000u
#define NDIS_FLAGS_PADDED 0x10000u
#define NDIS_FLAGS_XLATE_AT_TOP 0x20000u

/* --- requests ---------------------------------------------------------------------------------- */

typedef struct _NDIS_REQUEST {
    UCHAR MacReserved[4 * sizeof(PVOID)];
    NDIS_REQUEST_TYPE RequestType;
    union {
        struct {
            NDIS_OID Oid;
            PVOID InformationBuffer;
            UINT InformationBufferLength;
            UINT BytesWritten;
            UINT BytesNeeded;
        } QUERY_INFORMATION;
        struct {
            NDIS_OID Oid;
            PVOID InformationBuffer;
            UINT InformationBufferLength;
            UINT BytesRead;
            UINT BytesNeeded;
        } SET_INFORMATION;
    } DATA;
    UCHAR NdisReserved[9 * sizeof(PVOID)];
    union {
        UCHAR CallMgrReserved[2 * sizeof(PVOID)];
        UCHAR ProtocolReserved[2 * sizeof(PVOID)];
    };
    UCHAR MiniportReserved[2 * sizeof(PVOID)];
} NDIS_REQUEST, *PNDIS_REQUEST;

/* --- handlers ---------------------------------------------------------------------------------- */

/* ProtocolBindAdapter */
typedef VOID (NTAPI *BIND_HANDLER)(
    PNDIS_STATUS Status,
    NDIS_HANDLE BindContext,
    PNDIS_STRING DeviceName,
    PVOID SystemSpecific1,
    PVOID SystemSpecific2);

/* ProtocolUnbindAdapter */
typedef VOID (NTAPI *UNBIND_HANDLER)(
    PNDIS_STATUS Status,
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_HANDLE UnbindContext);

/* ProtocolOpenAdapterComplete */
typedef VOID (NTAPI *OPEN_ADAPTER_COMPLETE_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_STATUS Status,
    NDIS_STATUS OpenErrorStatus);

/* ProtocolCloseAdapterComplete */
typedef VOID (NTAPI *CLOSE_ADAPTER_COMPLETE_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_STATUS Status);

/* ProtocolPnPEvent */
typedef NDIS_STATUS (NTAPI *PNP_EVENT_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    PNET_PNP_EVENT NetPnPEvent);

/* ProtocolUnload */
typedef VOID (NTAPI *UNLOAD_PROTOCOL_HANDLER)(VOID);

/* MiniportInitialize */
typedef NDIS_STATUS (NTAPI *W_INITIALIZE_HANDLER)(
    PNDIS_STATUS OpenErrorStatus,
    PUINT SelectedMediumIndex,
    PNDIS_MEDIUM MediumArray,
    UINT MediumArraySize,
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE WrapperConfigurationContext);

/* MiniportHalt */
typedef VOID (NTAPI *W_HALT_HANDLER)(NDIS_HANDLE MiniportAdapterContext);

/* ProtocolClOpenAfComplete */
typedef VOID (NTAPI *CL_OPEN_AF_COMPLETE_HANDLER)(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE NdisAfHandle);

/* ProtocolCoRequest */
typedef NDIS_STATUS (NTAPI *CO_REQUEST_HANDLER)(
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext,
    PNDIS_REQUEST NdisRequest);

/* ProtocolCoRequestComplete */
typedef VOID (NTAPI *CO_REQUEST_COMPLETE_HANDLER)(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolAfContext,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_HANDLE ProtocolPartyContext,
    PNDIS_REQUEST NdisRequest);

/* MiniportCoRequest */
typedef NDIS_STATUS (NTAPI *W_CO_REQUEST_HANDLER)(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE MiniportVcContext,
    PNDIS_REQUEST NdisRequest);

/* MiniportCoSendPackets */
typedef VOID (NTAPI *W_CO_SEND_PACKETS_HANDLER)(
    NDIS_HANDLE MiniportVcContext,
    PPNDIS_PACKET PacketArray,
    UINT NumberOfPackets);

/* ProtocolCoSendComplete */
typedef VOID (NTAPI *CO_SEND_COMPLETE_HANDLER)(
    NDIS_STATUS Status,
    NDIS_HANDLE ProtocolVcContext,
    PNDIS_PACKET Packet);

/* ProtocolCoReceivePacket */
typedef UINT (NTAPI *CO_RECEIVE_PACKET_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_HANDLE ProtocolVcContext,
    PNDIS_PACKET Packet);

/* ProtocolReceiveComplete */
typedef VOID (NTAPI *RECEIVE_COMPLETE_HANDLER)(NDIS_HANDLE ProtocolBindingContext);

/* MiniportReturnPacket */
typedef VOID (NTAPI *W_RETURN_PACKET_HANDLER)(
    NDIS_HANDLE MiniportAdapterContext,
    PNDIS_PACKET Packet);

/* ProtocolCoStatus */
typedef VOID (NTAPI *CO_STATUS_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_HANDLE ProtocolVcContext,
    NDIS_STATUS GeneralStatus,
    PVOID StatusBuffer,
    UINT StatusBufferSize);

/* Connectionless traffic. */
typedef VOID (NTAPI *SEND_COMPLETE_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    PNDIS_PACKET Packet,
    NDIS_STATUS Status);
typedef VOID (NTAPI *TRANSFER_DATA_COMPLETE_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    PNDIS_PACKET Packet,
    NDIS_STATUS Status,
    UINT BytesTransferred);
typedef VOID (NTAPI *RESET_COMPLETE_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_STATUS Status);
typedef VOID (NTAPI *REQUEST_COMPLETE_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    PNDIS_REQUEST NdisRequest,
    NDIS_STATUS Status);
typedef NDIS_STATUS (NTAPI *RECEIVE_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_HANDLE MacReceiveContext,
    PVOID HeaderBuffer,
    UINT HeaderBufferSize,
    PVOID LookAheadBuffer,
    UINT LookaheadBufferSize,
    UINT PacketSize);
typedef VOID (NTAPI *STATUS_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    NDIS_STATUS GeneralStatus,
    PVOID StatusBuffer,
    UINT StatusBufferSize);
typedef VOID (NTAPI *STATUS_COMPLETE_HANDLER)(NDIS_HANDLE ProtocolBindingContext);
typedef INT (NTAPI *RECEIVE_PACKET_HANDLER)(
    NDIS_HANDLE ProtocolBindingContext,
    PNDIS_PACKET Packet);
typedef BOOLEAN (NTAPI *W_CHECK_FOR_HANG_HANDLER)(NDIS_HANDLE MiniportAdapterContext);
typedef VOID (NTAPI *W_DISABLE_INTERRUPT_HANDLER)(NDIS_HANDLE MiniportAdapterContext);
typedef VOID (NTAPI *W_ENABLE_INTERRUPT_HANDLER)(NDIS_HANDLE MiniportAdapterContext);
typedef VOID (NTAPI *W_HANDLE_INTERRUPT_HANDLER)(NDIS_HANDLE MiniportAdapterContext);
typedef VOID (NTAPI *W_ISR_HANDLER)(
    PBOOLEAN InterruptRecognized,
    PBOOLEAN QueueMiniportHandleInterrupt,
    NDIS_HANDLE MiniportAdapterContext);
typedef NDIS_STATUS (NTAPI *W_QUERY_INFORMATION_HANDLER)(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_OID Oid,
    PVOID InformationBuffer,
    ULONG InformationBufferLength,
    PULONG BytesWritten,
    PULONG BytesNeeded);
typedef NDIS_STATUS (NTAPI *W_SET_INFORMATION_HANDLER)(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_OID Oid,
    PVOID InformationBuffer,
    ULONG InformationBufferLength,
    PULONG BytesRead,
    PULONG BytesNeeded);
typedef NDIS_STATUS (NTAPI *W_RECONFIGURE_HANDLER)(
    PNDIS_STATUS OpenErrorStatus,
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE WrapperConfigurationContext);
typedef NDIS_STATUS (NTAPI *W_RESET_HANDLER)(
    PBOOLEAN AddressingReset,
    NDIS_HANDLE MiniportAdapterContext);
typedef NDIS_STATUS (NTAPI *W_SEND_HANDLER)(
    NDIS_HANDLE MiniportAdapterContext,
    PNDIS_PACKET Packet,
    UINT Flags);
typedef NDIS_STATUS (NTAPI *W_TRANSFER_DATA_HANDLER)(
    PNDIS_PACKET Packet,
    PUINT BytesTransferred,
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_HANDLE MiniportReceiveContext,
    UINT ByteOffset,
    UINT BytesToTransfer);
typedef VOID (NTAPI *W_SEND_PACKETS_HANDLER)(
    NDIS_HANDLE MiniportAdapterContext,
    PPNDIS_PACKET PacketArray,
    UINT NumberOfPackets);
typedef VOID (NTAPI *W_ALLOCATE_COMPLETE_HANDLER)(
    NDIS_HANDLE MiniportAdapterContext,
    PVOID VirtualAddress,
    PNDIS_PHYSICAL_ADDRESS PhysicalAddress,
    ULONG Length,
    PVOID Context);
typedef VOID (NTAPI *W_CANCEL_SEND_PACKETS_HANDLER)(
    NDIS_HANDLE MiniportAdapterContext,
    PVOID CancelId);
typedef VOID (NTAPI *W_PNP_EVENT_NOTIFY_HANDLER)(
    NDIS_HANDLE MiniportAdapterContext,
    NDIS_DEVICE_PNP_EVENT PnPEvent,
    PVOID InformationBuffer,
    ULONG InformationBufferLength);
typedef VOID (NTAPI *W_MINIPORT_SHUTDOWN_HANDLER)(PVOID ShutdownContext);

/* --- handler tables ---------------------------------------------------------------------------- */

typedef struct _NDIS_CALL_MANAGER_CHARACTERISTICS {
    UCHAR MajorVersion;
    UCHAR MinorVersion;
    USHORT Filler;
    UINT Reserved;
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
    CO_REQUEST_HANDLER CmRequestHandler;
    CO_REQUEST_COMPLETE_HANDLER CmRequestCompleteHandler;
} NDIS_CALL_MANAGER_CHARACTERISTICS, *PNDIS_CALL_MANAGER_CHARACTERISTICS;

typedef struct _NDIS_CLIENT_CHARACTERISTICS {
    UCHAR MajorVersion;
    UCHAR MinorVersion;
    USHORT Filler;
    UINT Reserved;
    CO_CREATE_VC_HANDLER ClCreateVcHandler;
    CO_DELETE_VC_HANDLER ClDeleteVcHandler;
    CO_REQUEST_HANDLER ClRequestHandler;
    CO_REQUEST_COMPLETE_HANDLER ClRequestCompleteHandler;
    CL_OPEN_AF_COMPLETE_HANDLER ClOpenAfCompleteHandler;
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
} NDIS_CLIENT_CHARACTERISTICS, *PNDIS_CLIENT_CHARACTERISTICS;

typedef struct _NDIS50_PROTOCOL_CHARACTERISTICS {
    UCHAR MajorNdisVersion;
    UCHAR MinorNdisVersion;
    USHORT Filler;
    union {
        UINT Reserved;
        UINT Flags;
    };
    OPEN_ADAPTER_COMPLETE_HANDLER OpenAdapterCompleteHandler;
    CLOSE_ADAPTER_COMPLETE_HANDLER CloseAdapterCompleteHandler;
    SEND_COMPLETE_HANDLER SendCompleteHandler;
    TRANSFER_DATA_COMPLETE_HANDLER TransferDataCompleteHandler;
    RESET_COMPLETE_HANDLER ResetCompleteHandler;
    REQUEST_COMPLETE_HANDLER RequestCompleteHandler;
    RECEIVE_HANDLER ReceiveHandler;
    RECEIVE_COMPLETE_HANDLER ReceiveCompleteHandler;
    STATUS_HANDLER StatusHandler;
    STATUS_COMPLETE_HANDLER StatusCompleteHandler;
    NDIS_STRING Name;
    RECEIVE_PACKET_HANDLER ReceivePacketHandler;
    BIND_HANDLER BindAdapterHandler;
    UNBIND_HANDLER UnbindAdapterHandler;
    PNP_EVENT_HANDLER PnPEventHandler;
    UNLOAD_PROTOCOL_HANDLER UnloadHandler;
    PVOID ReservedHandlers[4];
    CO_SEND_COMPLETE_HANDLER CoSendCompleteHandler;
    CO_STATUS_HANDLER CoStatusHandler;
    CO_RECEIVE_PACKET_HANDLER CoReceivePacketHandler;
    CO_AF_REGISTER_NOTIFY_HANDLER CoAfRegisterNotifyHandler;
} NDIS50_PROTOCOL_CHARACTERISTICS, *PNDIS50_PROTOCOL_CHARACTERISTICS;

typedef struct _NDIS50_MINIPORT_CHARACTERISTICS {
    UCHAR MajorNdisVersion;
    UCHAR MinorNdisVersion;
    UINT Reserved;
    W_CHECK_FOR_HANG_HANDLER CheckForHangHandler;
    W_DISABLE_INTERRUPT_HANDLER DisableInterruptHandler;
    W_ENABLE_INTERRUPT_HANDLER EnableInterruptHandler;
    W_HALT_HANDLER HaltHandler;
    W_HANDLE_INTERRUPT_HANDLER HandleInterruptHandler;
    W_INITIALIZE_HANDLER InitializeHandler;
    W_ISR_HANDLER ISRHandler;
    W_QUERY_INFORMATION_HANDLER QueryInformationHandler;
    W_RECONFIGURE_HANDLER ReconfigureHandler;
    W_RESET_HANDLER ResetHandler;
    W_SEND_HANDLER SendHandler;
    W_SET_INFORMATION_HANDLER SetInformationHandler;
    W_TRANSFER_DATA_HANDLER TransferDataHandler;
    W_RETURN_PACKET_HANDLER ReturnPacketHandler;
    W_SEND_PACKETS_HANDLER SendPacketsHandler;
    W_ALLOCATE_COMPLETE_HANDLER AllocateCompleteHandler;
    W_CO_CREATE_VC_HANDLER CoCreateVcHandler;
    W_CO_DELETE_VC_HANDLER CoDeleteVcHandler;
    W_CO_ACTIVATE_VC_HANDLER CoActivateVcHandler;
    W_CO_DEACTIVATE_VC_HANDLER CoDeactivateVcHandler;
    W_CO_SEND_PACKETS_HANDLER CoSendPacketsHandler;
    W_CO_REQUEST_HANDLER CoRequestHandler;
} NDIS50_MINIPORT_CHARACTERISTICS, *PNDIS50_MINIPORT_CHARACTERISTICS;

typedef struct _NDIS51_MINIPORT_CHARACTERISTICS {
    UCHAR MajorNdisVersion;
    UCHAR MinorNdisVersion;
    UINT Reserved;
    W_CHECK_FOR_HANG_HANDLER CheckForHangHandler;
    W_DISABLE_INTERRUPT_HANDLER DisableInterruptHandler;
    W_ENABLE_INTERRUPT_HANDLER EnableInterruptHandler;
    W_HALT_HANDLER HaltHandler;
    W_HANDLE_INTERRUPT_HANDLER HandleInterruptHandler;
    W_INITIALIZE_HANDLER InitializeHandler;
    W_ISR_HANDLER ISRHandler;
    W_QUERY_INFORMATION_HANDLER QueryInformationHandler;
    W_RECONFIGURE_HANDLER ReconfigureHandler;
    W_RESET_HANDLER ResetHandler;
    W_SEND_HANDLER SendHandler;
    W_SET_INFORMATION_HANDLER SetInformationHandler;
    W_TRANSFER_DATA_HANDLER TransferDataHandler;
    W_RETURN_PACKET_HANDLER ReturnPacketHandler;
    W_SEND_PACKETS_HANDLER SendPacketsHandler;
    W_ALLOCATE_COMPLETE_HANDLER AllocateCompleteHandler;
    W_CO_CREATE_VC_HANDLER CoCreateVcHandler;
    W_CO_DELETE_VC_HANDLER CoDeleteVcHandler;
    W_CO_ACTIVATE_VC_HANDLER CoActivateVcHandler;
    W_CO_DEACTIVATE_VC_HANDLER CoDeactivateVcHandler;
    W_CO_SEND_PACKETS_HANDLER CoSendPacketsHandler;
    W_CO_REQUEST_HANDLER CoRequestHandler;
    W_CANCEL_SEND_PACKETS_HANDLER CancelSendPacketsHandler;
    W_PNP_EVENT_NOTIFY_HANDLER PnPEventNotifyHandler;
    W_MINIPORT_SHUTDOWN_HANDLER AdapterShutdownHandler;
    PVOID Reserved1;
    PVOID Reserved2;
    PVOID Reserved3;
    PVOID Reserved4;
} NDIS51_MINIPORT_CHARACTERISTICS, *PNDIS51_MINIPORT_CHARACTERISTICS;

typedef NDIS50_PROTOCOL_CHARACTERISTICS NDIS_PROTOCOL_CHARACTERISTICS, *PNDIS_PROTOCOL_CHARACTERISTICS;
#if defined(NDIS50) || defined(NDIS50_MINIPORT)
typedef NDIS50_MINIPORT_CHARACTERISTICS NDIS_MINIPORT_CHARACTERISTICS, *PNDIS_MINIPORT_CHARACTERISTICS;
#else
typedef NDIS51_MINIPORT_CHARACTERISTICS NDIS_MINIPORT_CHARACTERISTICS, *PNDIS_MINIPORT_CHARACTERISTICS;
#endif

/* NdisMSetAttributesEx */
#define NDIS_ATTRIBUTE_IGNORE_PACKET_TIMEOUT 0x00000001
#define NDIS_ATTRIBUTE_IGNORE_REQUEST_TIMEOUT 0x00000002
#define NDIS_ATTRIBUTE_IGNORE_TOKEN_RING_ERRORS 0x00000004
#define NDIS_ATTRIBUTE_BUS_MASTER 0x00000008
#define NDIS_ATTRIBUTE_INTERMEDIATE_DRIVER 0x00000010
#define NDIS_ATTRIBUTE_DESERIALIZE 0x00000020
#define NDIS_ATTRIBUTE_NO_HALT_ON_SUSPEND 0x00000040
#define NDIS_ATTRIBUTE_SURPRISE_REMOVE_OK 0x00000080
#define NDIS_ATTRIBUTE_NOT_CO_NDIS 0x00000100
#define NDIS_ATTRIBUTE_USES_SAFE_BUFFER_APIS 0x00000200

/* --- functions --------------------------------------------------------------------------------- */

NDISEXPORT VOID NTAPI NdisRegisterProtocol(
    PNDIS_STATUS Status,
    PNDIS_HANDLE NdisProtocolHandle,
    PNDIS_PROTOCOL_CHARACTERISTICS ProtocolCharacteristics,
    UINT CharacteristicsLength);
NDISEXPORT VOID NTAPI NdisDeregisterProtocol(PNDIS_STATUS Status, NDIS_HANDLE NdisProtocolHandle);
NDISEXPORT VOID NTAPI NdisOpenAdapter(
    PNDIS_STATUS Status,
    PNDIS_STATUS OpenErrorStatus,
    PNDIS_HANDLE NdisBindingHandle,
    PUINT SelectedMediumIndex,
    PNDIS_MEDIUM MediumArray,
    UINT MediumArraySize,
    NDIS_HANDLE NdisProtocolHandle,
    NDIS_HANDLE ProtocolBindingContext,
    PNDIS_STRING AdapterName,
    UINT OpenOptions,
    PSTRING AddressingInformation);
NDISEXPORT VOID NTAPI NdisCloseAdapter(PNDIS_STATUS Status, NDIS_HANDLE NdisBindingHandle);
NDISEXPORT VOID NTAPI NdisCompleteBindAdapter(
    NDIS_HANDLE BindAdapterContext,
    NDIS_STATUS Status,
    NDIS_STATUS OpenStatus);
NDISEXPORT VOID NTAPI NdisCompleteUnbindAdapter(
    NDIS_HANDLE UnbindAdapterContext,
    NDIS_STATUS Status);
NDISEXPORT VOID NTAPI NdisCompletePnPEvent(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisBindingHandle,
    PNET_PNP_EVENT NetPnPEvent);
NDISEXPORT VOID NTAPI NdisInitializeWrapper(
    PNDIS_HANDLE NdisWrapperHandle,
    PVOID SystemSpecific1,
    PVOID SystemSpecific2,
    PVOID SystemSpecific3);
NDISEXPORT VOID NTAPI NdisTerminateWrapper(NDIS_HANDLE NdisWrapperHandle, PVOID SystemSpecific);
NDISEXPORT NDIS_STATUS NTAPI NdisMRegisterMiniport(
    NDIS_HANDLE NdisWrapperHandle,
    PNDIS_MINIPORT_CHARACTERISTICS MiniportCharacteristics,
    UINT CharacteristicsLength);
NDISEXPORT VOID NTAPI NdisMRegisterUnloadHandler(
    NDIS_HANDLE NdisWrapperHandle,
    PDRIVER_UNLOAD UnloadHandler);
NDISEXPORT VOID NTAPI NdisMSetAttributesEx(
    NDIS_HANDLE MiniportAdapterHandle,
    NDIS_HANDLE MiniportAdapterContext,
    UINT CheckForHangTimeInSeconds,
    ULONG AttributeFlags,
    NDIS_INTERFACE_TYPE AdapterType);
NDISEXPORT NDIS_STATUS NTAPI NdisCmRegisterAddressFamily(
    NDIS_HANDLE NdisBindingHandle,
    PCO_ADDRESS_FAMILY AddressFamily,
    PNDIS_CALL_MANAGER_CHARACTERISTICS CmCharacteristics,
    UINT SizeOfCmCharacteristics);
NDISEXPORT NDIS_STATUS NTAPI NdisMCmRegisterAddressFamily(
    NDIS_HANDLE MiniportAdapterHandle,
    PCO_ADDRESS_FAMILY AddressFamily,
    PNDIS_CALL_MANAGER_CHARACTERISTICS CmCharacteristics,
    UINT SizeOfCmCharacteristics);
NDISEXPORT NDIS_STATUS NTAPI NdisClOpenAddressFamily(
    NDIS_HANDLE NdisBindingHandle,
    PCO_ADDRESS_FAMILY AddressFamily,
    NDIS_HANDLE ProtocolAfContext,
    PNDIS_CLIENT_CHARACTERISTICS ClCharacteristics,
    UINT SizeOfClCharacteristics,
    PNDIS_HANDLE NdisAfHandle);
NDISEXPORT NDIS_STATUS NTAPI NdisCoRequest(
    NDIS_HANDLE NdisBindingHandle,
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_REQUEST NdisRequest);
NDISEXPORT VOID NTAPI NdisCoRequestComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_REQUEST NdisRequest);
NDISEXPORT NDIS_STATUS NTAPI NdisMCmRequest(
    NDIS_HANDLE NdisAfHandle,
    NDIS_HANDLE NdisVcHandle,
    NDIS_HANDLE NdisPartyHandle,
    PNDIS_REQUEST NdisRequest);
NDISEXPORT VOID NTAPI NdisMCoRequestComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE MiniportAdapterHandle,
    PNDIS_REQUEST Request);
NDISEXPORT VOID NTAPI NdisCoSendPackets(
    NDIS_HANDLE NdisVcHandle,
    PPNDIS_PACKET PacketArray,
    UINT NumberOfPackets);
NDISEXPORT VOID NTAPI NdisMCoSendComplete(
    NDIS_STATUS Status,
    NDIS_HANDLE NdisVcHandle,
    PNDIS_PACKET Packet);
NDISEXPORT VOID NTAPI NdisMCoIndicateReceivePacket(
    NDIS_HANDLE NdisVcHandle,
    PPNDIS_PACKET PacketArray,
    UINT NumberOfPackets);
NDISEXPORT VOID NTAPI NdisMCoReceiveComplete(NDIS_HANDLE MiniportAdapterHandle);
NDISEXPORT VOID NTAPI NdisReturnPackets(PNDIS_PACKET* PacketsToReturn, UINT NumberOfPackets);
NDISEXPORT VOID NTAPI NdisAllocatePacketPool(
    PNDIS_STATUS Status,
    PNDIS_HANDLE PoolHandle,
    UINT NumberOfDescriptors,
    UINT ProtocolReservedLength);
NDISEXPORT VOID NTAPI NdisAllocatePacketPoolEx(
    PNDIS_STATUS Status,
    PNDIS_HANDLE PoolHandle,
    UINT NumberOfDescriptors,
    UINT NumberOfOverflowDescriptors,
    UINT ProtocolReservedLength);
NDISEXPORT VOID NTAPI NdisFreePacketPool(NDIS_HANDLE PoolHandle);
NDISEXPORT UINT NTAPI NdisPacketPoolUsage(NDIS_HANDLE PoolHandle);
NDISEXPORT VOID NTAPI NdisSetPacketPoolProtocolId(NDIS_HANDLE PacketPoolHandle, UINT ProtocolId);
NDISEXPORT UINT NTAPI NdisPacketSize(UINT ProtocolReservedSize);
NDISEXPORT VOID NTAPI NdisAllocatePacket(
    PNDIS_STATUS Status,
    PNDIS_PACKET* Packet,
    NDIS_HANDLE PoolHandle);
NDISEXPORT VOID NTAPI NdisFreePacket(PNDIS_PACKET Packet);
NDISEXPORT NDIS_HANDLE NTAPI NdisGetPoolFromPacket(PNDIS_PACKET Packet);
NDISEXPORT PNDIS_PACKET_STACK NTAPI NdisIMGetCurrentPacketStack(
    PNDIS_PACKET Packet,
    BOOLEAN* StacksRemaining);
NDISEXPORT VOID NTAPI NdisSetPacketStatus(
    PNDIS_PACKET Packet,
    NDIS_STATUS Status,
    NDIS_HANDLE Handle,
    ULONG Code);
NDISEXPORT VOID NTAPI NdisAllocateBufferPool(
    PNDIS_STATUS Status,
    PNDIS_HANDLE PoolHandle,
    UINT NumberOfDescriptors);
NDISEXPORT VOID NTAPI NdisFreeBufferPool(NDIS_HANDLE PoolHandle);
NDISEXPORT VOID NTAPI NdisAllocateBuffer(
    PNDIS_STATUS Status,
    PNDIS_BUFFER* Buffer,
    NDIS_HANDLE PoolHandle,
    PVOID VirtualAddress,
    UINT Length);
NDISEXPORT VOID NTAPI NdisCopyBuffer(
    PNDIS_STATUS Status,
    PNDIS_BUFFER* Buffer,
    NDIS_HANDLE PoolHandle,
    PVOID MemoryDescriptor,
    UINT Offset,
    UINT Length);
NDISEXPORT VOID NTAPI NdisUnchainBufferAtFront(PNDIS_PACKET Packet, PNDIS_BUFFER* Buffer);
NDISEXPORT VOID NTAPI NdisUnchainBufferAtBack(PNDIS_PACKET Packet, PNDIS_BUFFER* Buffer);
NDISEXPORT VOID NTAPI NdisCopyFromPacketToPacket(
    PNDIS_PACKET Destination,
    UINT DestinationOffset,
    UINT BytesToCopy,
    PNDIS_PACKET Source,
    UINT SourceOffset,
    PUINT BytesCopied);
NDISEXPORT VOID NTAPI NdisCopyFromPacketToPacketSafe(
    PNDIS_PACKET Destination,
    UINT DestinationOffset,
    UINT BytesToCopy,
    PNDIS_PACKET Source,
    UINT SourceOffset,
    PUINT BytesCopied,
    MM_PAGE_PRIORITY Priority);
NDISEXPORT PNDIS_PACKET NTAPI NdisGetReceivedPacket(
    NDIS_HANDLE NdisBindingHandle,
    NDIS_HANDLE MacContext);
NDISEXPORT VOID NTAPI NdisCancelSendPackets(NDIS_HANDLE NdisBindingHandle, PVOID CancelId);
NDISEXPORT VOID NTAPI NdisIMCopySendPerPacketInfo(PNDIS_PACKET DstPacket, PNDIS_PACKET SrcPacket);
NDISEXPORT VOID NTAPI NdisIMCopySendCompletePerPacketInfo(
    PNDIS_PACKET DstPacket,
    PNDIS_PACKET SrcPacket);
NDISEXPORT VOID NTAPI NdisMCoIndicateStatus(
    NDIS_HANDLE MiniportAdapterHandle,
    NDIS_HANDLE NdisVcHandle,
    NDIS_STATUS GeneralStatus,
    PVOID StatusBuffer,
    ULONG StatusBufferSize);

#define NdisMInitializeWrapper(Handle, Specific1, Specific2, Specific3) \
    NdisInitializeWrapper(Handle, Specific1, Specific2, Specific3)
#define NdisMSetAttributes(Handle, Context, BusMaster, AdapterType) \
    NdisMSetAttributesEx( \
        Handle, Context, 0, (BusMaster) ? NDIS_ATTRIBUTE_BUS_MASTER : 0, AdapterType)
#define NdisFreeBuffer(Buffer) IoFreeMdl(Buffer)

/* The out-of-band block and the extension follow the packet at an offset that the pool has set. */
#define NDIS_OOB_DATA_FROM_PACKET(Packet) \
    ((PNDIS_PACKET_OOB_DATA)((PUCHAR)(Packet) + (Packet)->Private.NdisPacketOobOffset))
#define NDIS_PACKET_EXTENSION_FROM_PACKET(Packet) \
    ((PNDIS_PACKET_EXTENSION)((PUCHAR)(Packet) + (Packet)->Private.NdisPacketOobOffset \
                              + sizeof(NDIS_PACKET_OOB_DATA)))
#define NDIS_GET_PACKET_STATUS(Packet) (NDIS_OOB_DATA_FROM_PACKET(Packet)->Status)
#define NDIS_SET_PACKET_STATUS(Packet, Value) (NDIS_OOB_DATA_FROM_PACKET(Packet)->Status = (Value))
#define NDIS_SET_PACKET_CANCEL_ID(Packet, CancelId) \
    (NDIS_PACKET_EXTENSION_FROM_PACKET(Packet)->NdisPacketInfo[PacketCancelId] = (PVOID)(CancelId))
#define NdisGetPacketFlags(Packet) ((Packet)->Private.Flags)
#define NdisSetSendFlags(Packet, Value) ((Packet)->Private.Flags = (Value))
#define NdisGetNextBuffer(CurrentBuffer, NextBuffer) (*(NextBuffer) = (CurrentBuffer)->Next)
#define NdisAdjustBufferLength(Buffer, Length) ((Buffer)->ByteCount = (Length))

#include "layout_check5.h"

#endif /* CONDIS_NDIS5_H */
