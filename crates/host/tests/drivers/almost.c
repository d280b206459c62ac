/*
 * A driver that nearly does a wrong thing in DriverEntry: the one whose number is the registry value Almost.
 * tests/almost.rs says for each number which rule it keeps. Built by build.sh.
 */

#include "registry.h"

#define TAG 'tseT'

/* Takes a little more than half a kilobyte of stack at each level. */
static __attribute__((noinline)) ULONG AlmostRecurse(ULONG Depth)
{
    volatile UCHAR Frame[512];

    Frame[Depth % sizeof(Frame)] = (UCHAR)Depth;
    if (Depth == 0) {
        return Frame[0];
    }
    return AlmostRecurse(Depth - 1) + Frame[Depth % sizeof(Frame)];
}

static volatile UCHAR AlmostData[8192];
static PUCHAR AlmostKept;

static __attribute__((noinline)) ULONG AlmostRoutine(VOID)
{
    return 7;
}

typedef ULONG ALMOST_ROUTINE(VOID);

static VOID NTAPI AlmostUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    if (AlmostKept != NULL) {
        NdisFreeMemory(AlmostKept, 0, 0);
    }
    DbgPrint("unloaded\n");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ALMOST_ROUTINE *volatile Routine;
    volatile ULONG Divisor;
    volatile PUCHAR Block;
    LIST_ENTRY List;
    LIST_ENTRY Entry;
    ULONG64 Level;
    KIRQL Old;
    ULONG Low;

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = AlmostUnload;
    switch (TestReadInteger(L"Almost")) {
    case 1: /* the first and the last byte of a block, and of the driver's own data */
        Block = NdisAllocateMemoryWithTagPriority(NULL, 33, TAG, NormalPoolPriority);
        Block[0] = 1;
        Block[32] = 2;
        if (Block[0] + Block[32] != 3) {
            return STATUS_UNSUCCESSFUL;
        }
        AlmostData[0] = AlmostData[sizeof(AlmostData) - 1];
        NdisFreeMemory(Block, 0, 0);
        break;
    case 2: /* the largest quotient that fits; in assembly, because the compiler would not divide */
        Divisor = 0xffffffff;
        __asm__ volatile("mov $0xfffffffe, %%edx; mov $0xffffffff, %%eax; divl %1"
                         : "=&a"(Low)
                         : "m"(Divisor)
                         : "rdx");
        if (Low != 0xffffffff) {
            return STATUS_UNSUCCESSFUL;
        }
        break;
    case 3: /* the byte of int 3 inside of other instructions, and output for a debugger */
        __asm__ volatile("mov $0xcccccccc, %%eax" : : : "rax");
        DbgPrint("no break");
        break;
    case 4: /* the bytes of int 29h inside of another instruction; an entry that is removed once */
        __asm__ volatile("mov $0x29cd29cd, %%eax; mov $3, %%ecx" : : : "rax", "rcx");
        InitializeListHead(&List);
        InsertTailList(&List, &Entry);
        if (!RemoveEntryList(&Entry)) {
            return STATUS_UNSUCCESSFUL;
        }
        break;
    case 5: /* a privileged instruction that drivers use, and ones that look privileged */
        __asm__ volatile("mov %%cr8, %0" : "=r"(Level));
        if (Level != PASSIVE_LEVEL) {
            return STATUS_UNSUCCESSFUL;
        }
        __asm__ volatile("pause; xor %%eax, %%eax; cpuid; cld" : : : "rax", "rbx", "rcx", "rdx");
        break;
    case 6: /* code by its address */
        Routine = AlmostRoutine;
        if (Routine() != 7) {
            return STATUS_UNSUCCESSFUL;
        }
        break;
    case 7: /* four fifths of the stack that a task has here */
        (void)AlmostRecurse(380);
        break;
    case 8: /* the address of KeBugCheckEx, which is not called */
        if (*(void *volatile *)&(void *){(void *)KeBugCheckEx} == NULL) {
            return STATUS_UNSUCCESSFUL;
        }
        break;
    case 9: /* two blocks, full to the brim, freed in the other order and as they were allocated */
        AlmostKept = NULL;
        Block = NdisAllocateMemoryWithTagPriority(NULL, 48, TAG, NormalPoolPriority);
        {
            volatile PUCHAR Second = ExAllocatePoolWithTag(NonPagedPool, 17, TAG);
            NdisZeroMemory(Second, 17);
            NdisZeroMemory(Block, 48);
            ExFreePoolWithTag(Second, TAG);
        }
        NdisFreeMemory(Block, 48, 0);
        break;
    case 10: /* memory that is kept until the driver unloads */
        AlmostKept = NdisAllocateMemoryWithTagPriority(NULL, 48, TAG, NormalPoolPriority);
        break;
    case 11: /* levels that stay as they are */
        KeRaiseIrql(PASSIVE_LEVEL, &Old);
        KeLowerIrql(Old);
        KeRaiseIrql(DISPATCH_LEVEL, &Old);
        KeLowerIrql(DISPATCH_LEVEL);
        KeLowerIrql(Old);
        break;
    default:
        return STATUS_UNSUCCESSFUL;
    }
    DbgPrint("done\n");
    return STATUS_SUCCESS;
}
