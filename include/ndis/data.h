/* Part of condis: connection-oriented NDIS outside Windows. MIT OR Apache-2.0. */
#ifndef CONDIS_NDIS_DATA_H
#define CONDIS_NDIS_DATA_H

/*
 * NET_BUFFER, NET_BUFFER_LIST, their pools and accessors (area "data" of the contract), without the
 * connection-oriented send and receive calls, which are in condis.h.
 */

typedef enum _NDIS_NET_BUFFER_LIST_INFO {
    TcpIpChecksumNetBufferListInfo = 0,
    TcpOffloadBytesTransferred = 0,
    IPsecOffloadV1NetBufferListInfo = 1,
    IPsecOffloadV2NetBufferListInfo = 1,
    TcpLargeSendNetBufferListInfo = 2,
    TcpReceiveNoPush = 2,
    ClassificationHandleNetBufferListInfo = 3,
    Ieee8021QNetBufferListInfo = 4,
    NetBufferListCancelId = 5,
    MediaSpecificInformation = 6,
    NetBufferListFrameType = 7,
    NetBufferListProtocolId = 7,
    NetBufferListHashValue = 8,
    NetBufferListHashInfo = 9,
    WfpNetBufferListInfo = 10,
    IPsecOffloadV2TunnelNetBufferListInfo = 11,
    IPsecOffloadV2HeaderNetBufferListInfo = 12,
    MaxNetBufferListInfo = 13
} NDIS_NET_BUFFER_LIST_INFO, *PNDIS_NET_BUFFER_LIST_INFO;

struct _NET_BUFFER;
struct _NET_BUFFER_LIST;

typedef struct _NET_BUFFER_DATA {
    struct _NET_BUFFER *Next;
    PMDL CurrentMdl;
    ULONG CurrentMdlOffset;
    union {
        ULONG DataLength;
        SIZE_T stDataLength;
    } NbDataLength;
    PMDL MdlChain;
    ULONG DataOffset;
} NET_BUFFER_DATA, *PNET_BUFFER_DATA;

typedef union _NET_BUFFER_HEADER {
    NET_BUFFER_DATA NetBufferData;
    SLIST_HEADER Link;
} NET_BUFFER_HEADER, *PNET_BUFFER_HEADER;

typedef struct _NET_BUFFER_SHARED_MEMORY {
    struct _NET_BUFFER_SHARED_MEMORY *NextSharedMemorySegment;
    ULONG SharedMemoryFlags;
    NDIS_HANDLE SharedMemoryHandle;
    ULONG SharedMemoryOffset;
    ULONG SharedMemoryLength;
} NET_BUFFER_SHARED_MEMORY, *PNET_BUFFER_SHARED_MEMORY;

typedef struct _NET_BUFFER NET_BUFFER, *PNET_BUFFER;
struct _NET_BUFFER {
    union {
        struct {
            PNET_BUFFER Next;
            PMDL CurrentMdl;
            ULONG CurrentMdlOffset;
            union {
                ULONG DataLength;
                SIZE_T stDataLength;
            };
            PMDL MdlChain;
            ULONG DataOffset;
        };
        SLIST_HEADER Link;
        NET_BUFFER_HEADER NetBufferHeader;
    };
    USHORT ChecksumBias;
    USHORT Reserved;
    NDIS_HANDLE NdisPoolHandle;
    DECLSPEC_ALIGN(MEMORY_ALLOCATION_ALIGNMENT) PVOID NdisReserved[2];
    DECLSPEC_ALIGN(MEMORY_ALLOCATION_ALIGNMENT) PVOID ProtocolReserved[6];
    DECLSPEC_ALIGN(MEMORY_ALLOCATION_ALIGNMENT) PVOID MiniportReserved[4];
    PHYSICAL_ADDRESS DataPhysicalAddress;
    union {
        PNET_BUFFER_SHARED_MEMORY SharedMemoryInfo;
        PSCATTER_GATHER_LIST ScatterGatherList;
    };
};

typedef struct _NET_BUFFER_LIST_DATA {
    struct _NET_BUFFER_LIST *Next;
    struct _NET_BUFFER *FirstNetBuffer;
} NET_BUFFER_LIST_DATA, *PNET_BUFFER_LIST_DATA;

typedef union _NET_BUFFER_LIST_HEADER {
    NET_BUFFER_LIST_DATA NetBufferListData;
    SLIST_HEADER Link;
} NET_BUFFER_LIST_HEADER, *PNET_BUFFER_LIST_HEADER;

typedef struct _NET_BUFFER_LIST_CONTEXT {
    struct _NET_BUFFER_LIST_CONTEXT *Next;
    USHORT Size;
    USHORT Offset;
    DECLSPEC_ALIGN(MEMORY_ALLOCATION_ALIGNMENT) UCHAR ContextData[];
} NET_BUFFER_LIST_CONTEXT, *PNET_BUFFER_LIST_CONTEXT;

typedef struct _NET_BUFFER_LIST NET_BUFFER_LIST, *PNET_BUFFER_LIST;
struct _NET_BUFFER_LIST {
    union {
        struct {
            PNET_BUFFER_LIST Next;
            PNET_BUFFER FirstNetBuffer;
        };
        SLIST_HEADER Link;
        NET_BUFFER_LIST_HEADER NetBufferListHeader;
    };
    PNET_BUFFER_LIST_CONTEXT Context;
    PNET_BUFFER_LIST ParentNetBufferList;
    NDIS_HANDLE NdisPoolHandle;
    DECLSPEC_ALIGN(MEMORY_ALLOCATION_ALIGNMENT) PVOID NdisReserved[2];
    DECLSPEC_ALIGN(MEMORY_ALLOCATION_ALIGNMENT) PVOID ProtocolReserved[4];
    DECLSPEC_ALIGN(MEMORY_ALLOCATION_ALIGNMENT) PVOID MiniportReserved[2];
    PVOID Scratch;
    NDIS_HANDLE SourceHandle;
    ULONG NblFlags;
    LONG ChildRefCount;
    ULONG Flags;
    union {
        NDIS_STATUS Status;
        ULONG NdisReserved2;
    };
    /* At least this many entries; later NDIS versions have more, so never rely on sizeof. */
    PVOID NetBufferListInfo[MaxNetBufferListInfo];
};

typedef struct _NET_BUFFER_LIST_POOL_PARAMETERS {
    NDIS_OBJECT_HEADER Header;
    UCHAR ProtocolId;
    BOOLEAN fAllocateNetBuffer;
    USHORT ContextSize;
    ULONG PoolTag;
    ULONG DataSize;
    ULONG Flags;
} NET_BUFFER_LIST_POOL_PARAMETERS, *PNET_BUFFER_LIST_POOL_PARAMETERS;
#define NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1 1
#define NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1 \
    RTL_SIZEOF_THROUGH_FIELD(NET_BUFFER_LIST_POOL_PARAMETERS, DataSize)
#define NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_2 2
#define NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_2 \
    RTL_SIZEOF_THROUGH_FIELD(NET_BUFFER_LIST_POOL_PARAMETERS, Flags)

typedef struct _NET_BUFFER_POOL_PARAMETERS {
    NDIS_OBJECT_HEADER Header;
    ULONG PoolTag;
    ULONG DataSize;
} NET_BUFFER_POOL_PARAMETERS, *PNET_BUFFER_POOL_PARAMETERS;
#define NET_BUFFER_POOL_PARAMETERS_REVISION_1 1
#define NDIS_SIZEOF_NET_BUFFER_POOL_PARAMETERS_REVISION_1 \
    RTL_SIZEOF_THROUGH_FIELD(NET_BUFFER_POOL_PARAMETERS, DataSize)

#define NET_BUFFER_LIST_POOL_FLAG_VERIFY 0x00000001u
#define NET_BUFFER_POOL_FLAG_VERIFY 0x00000001u

/* NBL flags by owner, then single flags. */
#define NBL_FLAGS_PROTOCOL_RESERVED 0xfff00003u
#define NBL_FLAGS_MINIPORT_RESERVED 0x0000f000u
#define NBL_FLAGS_SCRATCH 0x000f0000u
#define NBL_FLAGS_NDIS_RESERVED 0x00000ffcu
#define NDIS_NBL_FLAGS_SEND_READ_ONLY 0x00000001u
#define NDIS_NBL_FLAGS_RECV_READ_ONLY 0x00000002u
#define NDIS_NBL_FLAGS_HD_SPLIT 0x00000100u
#define NDIS_NBL_FLAGS_IS_IPV4 0x00000200u
#define NDIS_NBL_FLAGS_IS_IPV6 0x00000400u
#define NDIS_NBL_FLAGS_IS_TCP 0x00000800u
#define NDIS_NBL_FLAGS_IS_UDP 0x00001000u
#define NDIS_NBL_FLAGS_SPLIT_AT_UPPER_LAYER_PROTOCOL_HEADER 0x00002000u
#define NDIS_NBL_FLAGS_SPLIT_AT_UPPER_LAYER_PROTOCOL_PAYLOAD 0x00004000u
#define NDIS_NBL_FLAGS_IS_LOOPBACK_PACKET 0x00008000u

/* Flags of the send, completion, receive and return calls, and of clones. */
#define NDIS_SEND_FLAGS_DISPATCH_LEVEL 0x00000001u
#define NDIS_SEND_FLAGS_CHECK_FOR_LOOPBACK 0x00000002u
#define NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL 0x00000001u
#define NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL 0x00000001u
#define NDIS_RECEIVE_FLAGS_RESOURCES 0x00000002u
#define NDIS_RETURN_FLAGS_DISPATCH_LEVEL 0x00000001u
#define NDIS_CLONE_FLAGS_RESERVED 0x00000001u
#define NDIS_CLONE_FLAGS_USE_ORIGINAL_MDLS 0x00000002u
#define CO_SEND_FLAG_SET_DISCARD_ELIBILITY 0x00000001u

typedef PMDL NTAPI NET_BUFFER_ALLOCATE_MDL(PULONG BufferSize);
typedef NET_BUFFER_ALLOCATE_MDL *NET_BUFFER_ALLOCATE_MDL_HANDLER;
typedef VOID NTAPI NET_BUFFER_FREE_MDL(PMDL Mdl);
typedef NET_BUFFER_FREE_MDL *NET_BUFFER_FREE_MDL_HANDLER;

NDISEXPORT NDIS_HANDLE NTAPI NdisAllocateNetBufferListPool(
    NDIS_HANDLE NdisHandle,
    PNET_BUFFER_LIST_POOL_PARAMETERS Parameters);
NDISEXPORT VOID NTAPI NdisFreeNetBufferListPool(NDIS_HANDLE PoolHandle);
NDISEXPORT NDIS_HANDLE NTAPI NdisAllocateNetBufferPool(
    NDIS_HANDLE NdisHandle,
    PNET_BUFFER_POOL_PARAMETERS Parameters);
NDISEXPORT VOID NTAPI NdisFreeNetBufferPool(NDIS_HANDLE PoolHandle);
NDISEXPORT PNET_BUFFER_LIST NTAPI NdisAllocateNetBufferList(
    NDIS_HANDLE PoolHandle,
    USHORT ContextSize,
    USHORT ContextBackFill);
NDISEXPORT VOID NTAPI NdisFreeNetBufferList(PNET_BUFFER_LIST NetBufferList);
NDISEXPORT PNET_BUFFER NTAPI NdisAllocateNetBuffer(
    NDIS_HANDLE PoolHandle,
    PMDL MdlChain,
    ULONG DataOffset,
    SIZE_T DataLength);
NDISEXPORT VOID NTAPI NdisFreeNetBuffer(PNET_BUFFER NetBuffer);
NDISEXPORT PNET_BUFFER NTAPI NdisAllocateNetBufferMdlAndData(NDIS_HANDLE PoolHandle);
NDISEXPORT PNET_BUFFER_LIST NTAPI NdisAllocateNetBufferAndNetBufferList(
    NDIS_HANDLE PoolHandle,
    USHORT ContextSize,
    USHORT ContextBackFill,
    PMDL MdlChain,
    ULONG DataOffset,
    SIZE_T DataLength);
NDISEXPORT PNET_BUFFER_LIST NTAPI NdisAllocateCloneNetBufferList(
    PNET_BUFFER_LIST OriginalNetBufferList,
    NDIS_HANDLE NetBufferListPoolHandle,
    NDIS_HANDLE NetBufferPoolHandle,
    ULONG AllocateCloneFlags);
NDISEXPORT VOID NTAPI NdisFreeCloneNetBufferList(
    PNET_BUFFER_LIST CloneNetBufferList,
    ULONG FreeCloneFlags);
NDISEXPORT PNET_BUFFER_LIST NTAPI NdisAllocateFragmentNetBufferList(
    PNET_BUFFER_LIST OriginalNetBufferList,
    NDIS_HANDLE NetBufferListPool,
    NDIS_HANDLE NetBufferPool,
    ULONG StartOffset,
    ULONG MaximumLength,
    ULONG DataOffsetDelta,
    ULONG DataBackFill,
    ULONG AllocateFragmentFlags);
NDISEXPORT VOID NTAPI NdisFreeFragmentNetBufferList(
    PNET_BUFFER_LIST FragmentNetBufferList,
    ULONG DataOffsetDelta,
    ULONG FreeFragmentFlags);
NDISEXPORT PNET_BUFFER_LIST NTAPI NdisAllocateReassembledNetBufferList(
    PNET_BUFFER_LIST FragmentNetBufferList,
    NDIS_HANDLE NetBufferAndNetBufferListPoolHandle,
    ULONG StartOffset,
    ULONG DataOffsetDelta,
    ULONG DataBackFill,
    ULONG AllocateReassembleFlags);
NDISEXPORT VOID NTAPI NdisFreeReassembledNetBufferList(
    PNET_BUFFER_LIST ReassembledNetBufferList,
    ULONG DataOffsetDelta,
    ULONG FreeReassembleFlags);
NDISEXPORT NDIS_STATUS NTAPI NdisRetreatNetBufferDataStart(
    PNET_BUFFER NetBuffer,
    ULONG DataOffsetDelta,
    ULONG DataBackFill,
    NET_BUFFER_ALLOCATE_MDL_HANDLER AllocateMdlHandler);
NDISEXPORT NDIS_STATUS NTAPI NdisRetreatNetBufferListDataStart(
    PNET_BUFFER_LIST NetBufferList,
    ULONG DataOffsetDelta,
    ULONG DataBackFill,
    NET_BUFFER_ALLOCATE_MDL_HANDLER AllocateMdlHandler,
    NET_BUFFER_FREE_MDL_HANDLER FreeMdlHandler);
NDISEXPORT VOID NTAPI NdisAdvanceNetBufferDataStart(
    PNET_BUFFER NetBuffer,
    ULONG DataOffsetDelta,
    BOOLEAN FreeMdl,
    NET_BUFFER_FREE_MDL_HANDLER FreeMdlHandler);
NDISEXPORT VOID NTAPI NdisAdvanceNetBufferListDataStart(
    PNET_BUFFER_LIST NetBufferList,
    ULONG DataOffsetDelta,
    BOOLEAN FreeMdl,
    NET_BUFFER_FREE_MDL_HANDLER FreeMdlHandler);
NDISEXPORT VOID NTAPI NdisAdjustNetBufferCurrentMdl(PNET_BUFFER NetBuffer);
NDISEXPORT PVOID NTAPI NdisGetDataBuffer(
    PNET_BUFFER NetBuffer,
    ULONG BytesNeeded,
    PVOID Storage,
    ULONG AlignMultiple,
    ULONG AlignOffset);
NDISEXPORT NDIS_HANDLE NTAPI NdisGetPoolFromNetBuffer(PNET_BUFFER NetBuffer);
NDISEXPORT NDIS_HANDLE NTAPI NdisGetPoolFromNetBufferList(PNET_BUFFER_LIST NetBufferList);
NDISEXPORT UCHAR NTAPI NdisGetNetBufferListProtocolId(PNET_BUFFER_LIST NetBufferList);
NDISEXPORT PMDL NTAPI NdisAllocateMdl(NDIS_HANDLE NdisHandle, PVOID VirtualAddress, UINT Length);
NDISEXPORT VOID NTAPI NdisFreeMdl(PMDL Mdl);

#define NdisAdjustMdlLength(_Mdl, _Length) (((_Mdl)->ByteCount) = (_Length))

#define NET_BUFFER_LIST_NEXT_NBL(_NBL) ((_NBL)->Next)
#define NET_BUFFER_LIST_FIRST_NB(_NBL) ((_NBL)->FirstNetBuffer)
#define NET_BUFFER_LIST_FLAGS(_NBL) ((_NBL)->Flags)
#define NET_BUFFER_LIST_NBL_FLAGS(_NBL) ((_NBL)->NblFlags)
#define NET_BUFFER_LIST_STATUS(_NBL) ((_NBL)->Status)
#define NET_BUFFER_LIST_INFO(_NBL, _Id) ((_NBL)->NetBufferListInfo[(_Id)])
#define NET_BUFFER_LIST_PROTOCOL_RESERVED(_NBL) ((_NBL)->ProtocolReserved)
#define NET_BUFFER_LIST_MINIPORT_RESERVED(_NBL) ((_NBL)->MiniportReserved)
#define NET_BUFFER_LIST_CONTEXT_DATA_START(_NBL) \
    ((PUCHAR)((_NBL)->Context + 1) + (_NBL)->Context->Offset)
#define NET_BUFFER_LIST_CONTEXT_DATA_SIZE(_NBL) ((_NBL)->Context->Size)
#define NET_BUFFER_NEXT_NB(_NB) ((_NB)->Next)
#define NET_BUFFER_FIRST_MDL(_NB) ((_NB)->MdlChain)
#define NET_BUFFER_DATA_LENGTH(_NB) ((_NB)->DataLength)
#define NET_BUFFER_DATA_OFFSET(_NB) ((_NB)->DataOffset)
#define NET_BUFFER_CURRENT_MDL(_NB) ((_NB)->CurrentMdl)
#define NET_BUFFER_CURRENT_MDL_OFFSET(_NB) ((_NB)->CurrentMdlOffset)
#define NET_BUFFER_PROTOCOL_RESERVED(_NB) ((_NB)->ProtocolReserved)
#define NET_BUFFER_MINIPORT_RESERVED(_NB) ((_NB)->MiniportReserved)
#define NET_BUFFER_CHECKSUM_BIAS(_NB) ((_NB)->ChecksumBias)
#define NDIS_SET_NET_BUFFER_LIST_CANCEL_ID(_NBL, _CancelId) \
    (NET_BUFFER_LIST_INFO(_NBL, NetBufferListCancelId) = (_CancelId))
#define NDIS_GET_NET_BUFFER_LIST_CANCEL_ID(_NBL) \
    (NET_BUFFER_LIST_INFO(_NBL, NetBufferListCancelId))

/* The binding's side of data that is not tied to a VC. */
NDISEXPORT VOID NTAPI NdisReturnNetBufferLists(
    NDIS_HANDLE NdisBindingHandle,
    PNET_BUFFER_LIST NetBufferLists,
    ULONG ReturnFlags);
NDISEXPORT VOID NTAPI NdisCancelSendNetBufferLists(NDIS_HANDLE NdisBindingHandle, PVOID CancelId);
NDISEXPORT UCHAR NTAPI NdisGeneratePartialCancelId(VOID);

#endif /* CONDIS_NDIS_DATA_H */
