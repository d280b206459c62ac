/*
 * A driver that prints what the routines of the kernel give it. tests/routines.rs holds the expected lines.
 * Built by build.sh.
 */

#include <ndis.h>

#define TAG 'tuoR'

/* What the headers or import libraries lack. */
__declspec(dllimport) PVOID NTAPI ExAllocatePool2(ULONG64 Flags, SIZE_T Size, ULONG Tag);
__declspec(dllimport) VOID NTAPI KfLowerIrql(KIRQL Level);
__declspec(dllimport) VOID NdisWriteErrorLogEntry(NDIS_HANDLE Handle, ULONG Code, ULONG Count, ...);

static inline ULONG_PTR ReadLevel(VOID)
{
    ULONG_PTR Level;
    __asm__ volatile("mov %%cr8, %0" : "=r"(Level));
    return Level;
}

static inline VOID WriteLevel(ULONG_PTR Level)
{
    __asm__ volatile("mov %0, %%cr8" : : "r"(Level) : "memory");
}

/* Reads the level many times at one place, so that the instruction is rewritten. */
static __attribute__((noinline)) ULONG_PTR LoopOverLevel(ULONG Times)
{
    ULONG_PTR Sum = 0;
    ULONG Index;

    for (Index = 0; Index < Times; Index++) {
        ULONG_PTR Old = ReadLevel();
        WriteLevel(DISPATCH_LEVEL);
        Sum += ReadLevel() * 10 + Old;
        WriteLevel(Old);
    }
    return Sum;
}

/* The instruction behind the one that is rewritten is a jump's target here, so it must stay where it is. */
static __attribute__((noinline)) ULONG_PTR JumpBehindLevel(ULONG Times)
{
    ULONG_PTR Level = 7;

    __asm__ volatile(
        "1:\n"
        "test $1, %%cl\n"
        "jnz 2f\n"
        "mov %%cr8, %%rax\n"
        "2: add $1, %%rax\n"
        "loop 1b\n"
        : "=a"(Level), "+c"(Times) : "0"(Level));
    return Level;
}

/* What is displaced reads memory relative to itself, and calls. */
static volatile ULONG_PTR Counter = 40;
static __attribute__((noinline)) ULONG_PTR Two(VOID)
{
    return 2;
}
static __attribute__((noinline)) ULONG_PTR Displaced(VOID)
{
    ULONG_PTR One, Other;

    __asm__ volatile("mov %%cr8, %%rax\n mov %1, %%rax\n" : "=a"(One) : "m"(Counter));
    __asm__ volatile("sub $40, %%rsp\n mov %%cr8, %%rax\n call *%1\n add $40, %%rsp\n"
                     : "=&a"(Other)
                     : "r"((ULONG_PTR)&Two)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
    return One + Other;
}

static NDIS_EVENT WorkDone;

static VOID NTAPI Work(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    DbgPrint("work: context %d, driver object %d, item %d, irql %d\n", *(PULONG)Context,
             IoObject == (PVOID)((PULONG_PTR)Context)[1], Item == (PIO_WORKITEM)((PULONG_PTR)Context)[2],
             (ULONG)ReadLevel());
    NdisSetEvent(&WorkDone);
}

static VOID NTAPI Timer(PVOID One, PVOID Context, PVOID Two, PVOID Three)
{
    UNREFERENCED_PARAMETER(One);
    UNREFERENCED_PARAMETER(Two);
    UNREFERENCED_PARAMETER(Three);
    DbgPrint("timer: context %d, irql %d\n", *(PULONG)Context, (ULONG)ReadLevel());
    NdisSetEvent(&WorkDone);
}

static VOID Levels(VOID)
{
    KIRQL Old;

    DbgPrint("level %d, sum %d, jump %d, displaced %d\n", (ULONG)ReadLevel(), (ULONG)LoopOverLevel(100),
             (ULONG)JumpBehindLevel(7), (ULONG)Displaced());
    DbgPrint("again: sum %d, jump %d, displaced %d\n", (ULONG)LoopOverLevel(100), (ULONG)JumpBehindLevel(7),
             (ULONG)Displaced());
    Old = KfRaiseIrql(DISPATCH_LEVEL);
    DbgPrint("raised from %d to %d\n", Old, (ULONG)ReadLevel());
    KfLowerIrql(Old);
    DbgPrint("lowered to %d\n", (ULONG)ReadLevel());
}

static VOID Locks(VOID)
{
    NDIS_SPIN_LOCK Lock;
    KSPIN_LOCK Plain;
    KIRQL Old;

    NdisAllocateSpinLock(&Lock);
    NdisAcquireSpinLock(&Lock);
    DbgPrint("in the lock: irql %d, kept %d\n", (ULONG)ReadLevel(), Lock.OldIrql);
    NdisReleaseSpinLock(&Lock);
    NdisFreeSpinLock(&Lock);
    KeInitializeSpinLock(&Plain);
    Old = KeAcquireSpinLockRaiseToDpc(&Plain);
    DbgPrint("in the other: irql %d, kept %d\n", (ULONG)ReadLevel(), Old);
    KeReleaseSpinLock(&Plain, Old);
    DbgPrint("out: irql %d\n", (ULONG)ReadLevel());
}

static VOID Events(VOID)
{
    KEVENT Event;
    LARGE_INTEGER Timeout;
    ULONG Before;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    DbgPrint("event: type %d, state %d\n", Event.Header.Type, KeReadStateEvent(&Event));
    Before = KeSetEvent(&Event, 0, FALSE);
    DbgPrint("set: was %d, is %d\n", Before, KeReadStateEvent(&Event));
    Timeout.QuadPart = 0;
    Before = KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout);
    DbgPrint("wait: 0x%x, then state %d\n", Before, KeReadStateEvent(&Event));
    DbgPrint("wait: 0x%x\n", KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout));
    Timeout.QuadPart = -50000;
    DbgPrint("wait: 0x%x\n", KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout));
}

static VOID Time(VOID)
{
    LARGE_INTEGER Before, After, Shared;
    ULONG Major;

    NdisGetCurrentSystemTime(&Before);
    NdisMSleep(2500);
    NdisGetCurrentSystemTime(&After);
    DbgPrint("slept %I64d\n", After.QuadPart - Before.QuadPart);
    /* KUSER_SHARED_DATA, by a plain load, by an operation on memory, and by one that overwrites its own base. */
    Shared.QuadPart = *(volatile LONGLONG *)0xFFFFF78000000014ull;
    __asm__ volatile("movabs $0xFFFFF78000000000, %%rdx\n xor %%eax, %%eax\n add 0x26c(%%rdx), %%eax\n"
                     "mov %%rdx, %%rcx\n add 0x26c(%%rcx), %%ecx\n"
                     : "=a"(Major) : : "rcx", "rdx");
    DbgPrint("shared: %d, version %d\n", Shared.QuadPart == After.QuadPart, Major);
}

static VOID Strings(VOID)
{
    UNICODE_STRING One, Other;
    WCHAR Buffer[4];
    UCHAR Bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

    RtlInitUnicodeString(&One, L"Miniport");
    NdisInitUnicodeString(&Other, L"mINIPORT");
    DbgPrint("%wZ %d %d: %d %d %d\n", &One, One.Length, One.MaximumLength, RtlEqualUnicodeString(&One, &Other, TRUE),
             RtlEqualUnicodeString(&One, &Other, FALSE), RtlCompareUnicodeString(&One, &Other, TRUE));
    Other.Buffer = Buffer;
    Other.Length = 0;
    Other.MaximumLength = sizeof(Buffer);
    RtlCopyUnicodeString(&Other, &One);
    DbgPrint("%wZ %d\n", &Other, Other.Length);
    memmove(Bytes + 2, Bytes, 6);
    DbgPrint("%d%d%d%d%d%d%d%d %d %d\n", Bytes[0], Bytes[1], Bytes[2], Bytes[3], Bytes[4], Bytes[5], Bytes[6],
             Bytes[7], memcmp(Bytes, Bytes + 2, 2), memcmp(Bytes, Bytes + 4, 1) < 0);
    DbgPrint("%s %S %c %5u|%-5d|%05x %I64x %p %%\n", "text", L"wide", 'c', 42, -42, 0xab, 0x123456789abcdefull,
             (PVOID)0x1000);
    DbgPrintEx(77, 0, "ex %d %d %d %d %d\n", 1, 2, 3, 4, 5);
}

static VOID Memory(VOID)
{
    PULONG64 Block = NdisAllocateMemoryWithTagPriority(NULL, 24, TAG, NormalPoolPriority);
    PUCHAR Zeroed = ExAllocatePool2(0x40, 100, TAG);
    ULONG Index, Sum = 0;

    for (Index = 0; Index < 100; Index++) {
        Sum += Zeroed[Index];
    }
    DbgPrint("fresh %I64x, aligned %d, zeroed %d\n", Block[0], ((ULONG_PTR)Block & 15) == 0, Sum == 0);
    NdisFreeMemory(Block, 0, 0);
    ExFreePoolWithTag(Zeroed, TAG);
    DbgPrint("none: %p\n", NdisAllocateMemoryWithTagPriority(NULL, 0xfffffff0, TAG, NormalPoolPriority));
}

static VOID Later(PDRIVER_OBJECT DriverObject)
{
    ULONG_PTR Context[3];
    PIO_WORKITEM Item = IoAllocateWorkItem((PDEVICE_OBJECT)DriverObject);
    NDIS_TIMER_CHARACTERISTICS Characteristics;
    NDIS_HANDLE TimerHandle;
    LARGE_INTEGER Due;
    PKTHREAD Thread = KeGetCurrentThread();

    NdisInitializeEvent(&WorkDone);
    Context[0] = 5;
    Context[1] = (ULONG_PTR)DriverObject;
    Context[2] = (ULONG_PTR)Item;
    IoQueueWorkItemEx(Item, Work, DelayedWorkQueue, Context);
    DbgPrint("came %d\n", NdisWaitEvent(&WorkDone, 0));
    IoFreeWorkItem(Item);
    NdisResetEvent(&WorkDone);

    NdisZeroMemory(&Characteristics, sizeof(Characteristics));
    Characteristics.Header.Type = NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS;
    Characteristics.Header.Revision = NDIS_TIMER_CHARACTERISTICS_REVISION_1;
    Characteristics.Header.Size = NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1;
    Characteristics.TimerFunction = Timer;
    Characteristics.FunctionContext = Context;
    DbgPrint("timer 0x%x\n", NdisAllocateTimerObject(NULL, &Characteristics, &TimerHandle));
    Due.QuadPart = -10000;
    DbgPrint("set %d\n", NdisSetTimerObject(TimerHandle, Due, 0, NULL));
    DbgPrint("set %d\n", NdisSetTimerObject(TimerHandle, Due, 0, NULL));
    DbgPrint("early %d\n", NdisWaitEvent(&WorkDone, 100));
    DbgPrint("cancel %d\n", NdisCancelTimerObject(TimerHandle));
    KeFlushQueuedDpcs();
    NdisFreeTimerObject(TimerHandle);
    DbgPrint("same thread %d\n", Thread == KeGetCurrentThread());
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("unload %d\n", DriverObject->DriverUnload == Unload);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DbgPrint("%wZ %wZ\n", &DriverObject->DriverName, RegistryPath);
    DriverObject->DriverUnload = Unload;
    Levels();
    Locks();
    Events();
    Time();
    Strings();
    Memory();
    Later(DriverObject);
    NdisWriteErrorLogEntry(NULL, 0xc0001388, 2, 1ul, 0xabul);
    return STATUS_SUCCESS;
}
