/* Part of condis: connection-oriented NDIS outside Windows. MIT OR Apache-2.0. */
#ifndef CONDIS_NDIS_KERNEL_H
#define CONDIS_NDIS_KERNEL_H

/*
 * What drivers of every kind use beside CoNDIS itself: memory, strings, locks, events, timers, work
 * items, the registry, time. One page per function under wdk-ddi-src/content/ndis.
 */

/* --- memory ------------------------------------------------------------------------------------ */

/* Non-paged memory; NULL if there is none. IRQL <= DISPATCH_LEVEL. */
NDISEXPORT PVOID NTAPI NdisAllocateMemoryWithTagPriority(
    NDIS_HANDLE NdisHandle,
    UINT Length,
    ULONG Tag,
    EX_POOL_PRIORITY Priority);

/* Length is ignored and MemoryFlags is 0 for memory from NdisAllocateMemoryWithTagPriority. */
NDISEXPORT VOID NTAPI NdisFreeMemory(PVOID VirtualAddress, UINT Length, UINT MemoryFlags);

#define NdisZeroMemory(Destination, Length) RtlZeroMemory(Destination, Length)
#define NdisFillMemory(Destination, Length, Fill) RtlFillMemory(Destination, Length, Fill)
#define NdisMoveMemory(Destination, Source, Length) RtlCopyMemory(Destination, Source, Length)
#define NdisEqualMemory(Source1, Source2, Length) RtlEqualMemory(Source1, Source2, Length)

/* --- strings ----------------------------------------------------------------------------------- */

NDISEXPORT VOID NTAPI NdisInitUnicodeString(PNDIS_STRING DestinationString, PCWSTR SourceString);
NDISEXPORT BOOLEAN NTAPI NdisEqualString(
    PNDIS_STRING String1,
    PNDIS_STRING String2,
    BOOLEAN CaseInsensitive);

/* --- spin locks -------------------------------------------------------------------------------- */

typedef struct _NDIS_SPIN_LOCK {
    KSPIN_LOCK SpinLock;
    KIRQL OldIrql;
} NDIS_SPIN_LOCK, *PNDIS_SPIN_LOCK;

NDISEXPORT VOID NTAPI NdisAllocateSpinLock(PNDIS_SPIN_LOCK SpinLock);
NDISEXPORT VOID NTAPI NdisFreeSpinLock(PNDIS_SPIN_LOCK SpinLock);
/* Raises the IRQL to DISPATCH_LEVEL; the old one is kept in the lock, so release in reverse order. */
NDISEXPORT VOID NTAPI NdisAcquireSpinLock(PNDIS_SPIN_LOCK SpinLock);
NDISEXPORT VOID NTAPI NdisReleaseSpinLock(PNDIS_SPIN_LOCK SpinLock);
/* The same for a caller that is known to run at DISPATCH_LEVEL. */
NDISEXPORT VOID NTAPI NdisDprAcquireSpinLock(PNDIS_SPIN_LOCK SpinLock);
NDISEXPORT VOID NTAPI NdisDprReleaseSpinLock(PNDIS_SPIN_LOCK SpinLock);

NDISEXPORT LONG NTAPI NdisInterlockedIncrement(PLONG Addend);
NDISEXPORT LONG NTAPI NdisInterlockedDecrement(PLONG Addend);

typedef struct _LOCK_STATE {
    USHORT LockState;
    KIRQL OldIrql;
} LOCK_STATE, *PLOCK_STATE;

/* --- events ------------------------------------------------------------------------------------ */

typedef struct _NDIS_EVENT {
    KEVENT Event;
} NDIS_EVENT, *PNDIS_EVENT;

NDISEXPORT VOID NTAPI NdisInitializeEvent(PNDIS_EVENT Event);
NDISEXPORT VOID NTAPI NdisSetEvent(PNDIS_EVENT Event);
NDISEXPORT VOID NTAPI NdisResetEvent(PNDIS_EVENT Event);
/* PASSIVE_LEVEL. MsToWait 0 waits without limit. TRUE if the event was signalled. */
NDISEXPORT BOOLEAN NTAPI NdisWaitEvent(PNDIS_EVENT Event, UINT MsToWait);

/* --- timers ------------------------------------------------------------------------------------ */

/* Runs at DISPATCH_LEVEL. */
typedef VOID NTAPI NDIS_TIMER_FUNCTION(
    PVOID SystemSpecific1,
    PVOID FunctionContext,
    PVOID SystemSpecific2,
    PVOID SystemSpecific3);
typedef NDIS_TIMER_FUNCTION *PNDIS_TIMER_FUNCTION;

typedef struct _NDIS_TIMER_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header;
    ULONG AllocationTag;
    PNDIS_TIMER_FUNCTION TimerFunction;
    PVOID FunctionContext;
} NDIS_TIMER_CHARACTERISTICS, *PNDIS_TIMER_CHARACTERISTICS;
#define NDIS_TIMER_CHARACTERISTICS_REVISION_1 1
#define NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1 \
    RTL_SIZEOF_THROUGH_FIELD(NDIS_TIMER_CHARACTERISTICS, FunctionContext)

NDISEXPORT NDIS_STATUS NTAPI NdisAllocateTimerObject(
    NDIS_HANDLE NdisHandle,
    PNDIS_TIMER_CHARACTERISTICS TimerCharacteristics,
    PNDIS_HANDLE TimerObject);
NDISEXPORT VOID NTAPI NdisFreeTimerObject(NDIS_HANDLE TimerObject);
/* DueTime in units of 100 ns, negative = from now. TRUE if the timer was already queued. */
NDISEXPORT BOOLEAN NTAPI NdisSetTimerObject(
    NDIS_HANDLE TimerObject,
    LARGE_INTEGER DueTime,
    LONG MillisecondsPeriod,
    PVOID FunctionContext);
/* TRUE if the timer was queued; FALSE also when its function is about to run or runs now. */
NDISEXPORT BOOLEAN NTAPI NdisCancelTimerObject(NDIS_HANDLE TimerObject);

/* --- work items -------------------------------------------------------------------------------- */

/* Runs at PASSIVE_LEVEL in a system thread, and may free its work item. */
typedef VOID NTAPI NDIS_IO_WORKITEM_FUNCTION(
    PVOID WorkItemContext,
    NDIS_HANDLE NdisIoWorkItemHandle);
typedef NDIS_IO_WORKITEM_FUNCTION *NDIS_IO_WORKITEM_ROUTINE;

/* For miniports (driver or adapter handle). A protocol has no device object and no driver object that
 * NDIS knows: it uses IoAllocateWorkItem with its driver object and IoQueueWorkItemEx. */
NDISEXPORT NDIS_HANDLE NTAPI NdisAllocateIoWorkItem(NDIS_HANDLE NdisObjectHandle);
NDISEXPORT VOID NTAPI NdisFreeIoWorkItem(NDIS_HANDLE NdisIoWorkItemHandle);
NDISEXPORT VOID NTAPI NdisQueueIoWorkItem(
    NDIS_HANDLE NdisIoWorkItemHandle,
    NDIS_IO_WORKITEM_ROUTINE Routine,
    PVOID WorkItemContext);

/* --- registry ---------------------------------------------------------------------------------- */

typedef struct _BINARY_DATA {
    USHORT Length;
    PVOID Buffer;
} BINARY_DATA, *PBINARY_DATA;

typedef struct _NDIS_CONFIGURATION_PARAMETER {
    NDIS_PARAMETER_TYPE ParameterType;
    union {
        ULONG IntegerData;
        NDIS_STRING StringData;
        BINARY_DATA BinaryData;
    } ParameterData;
} NDIS_CONFIGURATION_PARAMETER, *PNDIS_CONFIGURATION_PARAMETER;

typedef struct _NDIS_CONFIGURATION_OBJECT {
    NDIS_OBJECT_HEADER Header;
    NDIS_HANDLE NdisHandle;
    ULONG Flags;
} NDIS_CONFIGURATION_OBJECT, *PNDIS_CONFIGURATION_OBJECT;
#define NDIS_CONFIGURATION_OBJECT_REVISION_1 1
#define NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1 \
    RTL_SIZEOF_THROUGH_FIELD(NDIS_CONFIGURATION_OBJECT, Flags)

/* All four at PASSIVE_LEVEL. */
NDISEXPORT NDIS_STATUS NTAPI NdisOpenConfigurationEx(
    PNDIS_CONFIGURATION_OBJECT ConfigObject,
    PNDIS_HANDLE ConfigurationHandle);
/* The parameter block belongs to NDIS and lives until NdisCloseConfiguration. */
NDISEXPORT VOID NTAPI NdisReadConfiguration(
    PNDIS_STATUS Status,
    PNDIS_CONFIGURATION_PARAMETER *ParameterValue,
    NDIS_HANDLE ConfigurationHandle,
    PNDIS_STRING Keyword,
    NDIS_PARAMETER_TYPE ParameterType);
NDISEXPORT VOID NTAPI NdisWriteConfiguration(
    PNDIS_STATUS Status,
    NDIS_HANDLE ConfigurationHandle,
    PNDIS_STRING Keyword,
    PNDIS_CONFIGURATION_PARAMETER ParameterValue);
NDISEXPORT VOID NTAPI NdisCloseConfiguration(NDIS_HANDLE ConfigurationHandle);

/* --- time -------------------------------------------------------------------------------------- */

/* PASSIVE_LEVEL (it waits). */
NDISEXPORT VOID NTAPI NdisMSleep(ULONG MicrosecondsToSleep);
/* Units of 100 ns since 1601. */
NDISEXPORT VOID NTAPI NdisGetCurrentSystemTime(PLARGE_INTEGER SystemTime);

/* --- version ----------------------------------------------------------------------------------- */

/* 0x00060014 for NDIS 6.20. */
NDISEXPORT UINT NTAPI NdisGetVersion(VOID);

/* --- strings that NDIS made -------------------------------------------------------------------- */

/* Frees the buffer of a string, such as that of NdisCoAssignInstanceName. */
#define NdisFreeString(String) NdisFreeMemory((String).Buffer, (String).MaximumLength, 0)

#endif /* CONDIS_NDIS_KERNEL_H */
