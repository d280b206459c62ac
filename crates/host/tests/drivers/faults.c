/*
 * A driver that does one wrong thing in DriverEntry: the one whose number is the registry value Fault.
 * tests/faults.rs says for each number what must come of it. Built by build.sh.
 */

#include "registry.h"

#define TAG 'tseT'

extern __declspec(dllimport) ULONG NotThereData;
__declspec(dllimport) VOID NTAPI NotThereRoutine(ULONG Number);

/* The header has this one as an inline function; this is the import. */
extern KIRQL (NTAPI *const ImportedRaiseIrql)(KIRQL) __asm__("__imp_KfRaiseIrql");

static __attribute__((noinline)) ULONG TestRecurse(ULONG Depth)
{
    volatile UCHAR Frame[512];

    Frame[Depth % sizeof(Frame)] = (UCHAR)Depth;
    return TestRecurse(Depth + 1) + Frame[(Depth + 1) % sizeof(Frame)];
}

static const ULONG TestConstant = 7;

static VOID NTAPI TestFinish(VOID)
{
    DbgPrint("done\n");
}

typedef VOID TEST_ROUTINE(VOID);

static VOID NTAPI TestUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

/* Where nothing is. */
#define NOWHERE ((PVOID)0x123456789000ull)

/* Passes what cannot be read to the functions of SAPs, virtual connections, calls and parties, before NDIS looks at anything else. */
static VOID TestConnections(ULONG Fault)
{
    CO_CALL_PARAMETERS Parameters;
    CO_CALL_MANAGER_PARAMETERS Manager;
    CO_MEDIA_PARAMETERS Media;
    CO_SAP Sap;
    VAR_STRING Identifier;
    UNICODE_STRING Text;
    NDIS_HANDLE Handle = NULL;

    NdisZeroMemory(&Parameters, sizeof(Parameters));
    NdisZeroMemory(&Manager, sizeof(Manager));
    NdisZeroMemory(&Media, sizeof(Media));
    NdisZeroMemory(&Sap, sizeof(Sap));
    NdisZeroMemory(&Identifier, sizeof(Identifier));
    Parameters.CallMgrParameters = &Manager;
    Parameters.MediaParameters = &Media;
    switch (Fault) {
    case 60: /* call parameters */
        NdisClMakeCall(NULL, NOWHERE, NULL, NULL);
        break;
    case 61: /* their parts */
        Parameters.CallMgrParameters = NOWHERE;
        NdisCmActivateVc(NULL, &Parameters);
        break;
    case 62:
        Parameters.MediaParameters = NOWHERE;
        NdisCmDispatchIncomingCall(NULL, NULL, &Parameters);
        break;
    case 63: /* lengths that lead out of all memory */
        Manager.CallMgrSpecific.Length = 0xffffffff;
        NdisClModifyCallQoS(NULL, &Parameters);
        break;
    case 64:
        Media.MediaSpecific.Length = 0x7fffffff;
        NdisMCoActivateVcComplete(NDIS_STATUS_SUCCESS, NULL, &Parameters);
        break;
    case 65:
        Sap.SapLength = 0xfffffff0;
        NdisClRegisterSap(NULL, NULL, &Sap, &Handle);
        break;
    case 66: /* variables for handles */
        NdisClRegisterSap(NULL, NULL, &Sap, NULL);
        break;
    case 67:
        NdisCoCreateVc(NULL, NULL, NULL, NULL);
        break;
    case 68:
        NdisMCmCreateVc(NULL, NULL, NULL, NOWHERE);
        break;
    case 69:
        NdisClMakeCall(NULL, &Parameters, NULL, NOWHERE);
        break;
    case 70:
        NdisClAddParty(NULL, NULL, &Parameters, NULL);
        break;
    case 71: /* close data */
        NdisClCloseCall(NULL, NULL, NOWHERE, 1);
        break;
    case 72:
        NdisCmDispatchIncomingCloseCall(NDIS_STATUS_SUCCESS, NULL, &Sap, 0x7fffffff);
        break;
    case 73:
        NdisClDropParty(NULL, NOWHERE, 8);
        break;
    case 74:
        NdisCmDispatchIncomingDropParty(NDIS_STATUS_SUCCESS, NULL, NOWHERE, 8);
        break;
    case 75: /* strings */
        NdisCoAssignInstanceName(NULL, NULL, NULL);
        break;
    case 76:
        NdisInitUnicodeString(&Text, L"name");
        NdisCoAssignInstanceName(NULL, &Text, NOWHERE);
        break;
    case 77:
        Identifier.ulTotalSize = 0x7fffffff;
        NdisCoGetTapiCallId(NULL, &Identifier);
        break;
    case 78:
        Text.Length = Text.MaximumLength = 32;
        Text.Buffer = NOWHERE;
        NdisClGetProtocolVcContextFromTapiCallId(Text, &Handle);
        break;
    case 79:
        NdisInitUnicodeString(&Text, L"0123456789abcdef");
        NdisClGetProtocolVcContextFromTapiCallId(Text, NULL);
        break;
    default:
        break;
    }
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    volatile ULONG *Null = NULL;
    volatile ULONG Zero = 0;
    PUCHAR Block;
    KSPIN_LOCK Lock;
    TEST_ROUTINE *volatile Routine;
    ULONG Fault;
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS Characteristics;

    Fault = TestReadInteger(L"Fault");
    switch (Fault) {
    case 0:
        TestFinish();
        return STATUS_SUCCESS;
    case 1: /* reads NULL */
        return (NTSTATUS)*Null;
    case 2: /* writes a member of a NULL structure */
        ((PDRIVER_OBJECT)Null)->DriverSize = 1;
        break;
    case 3: /* reads what is nowhere */
        return *(volatile NTSTATUS *)0x123456789000ull;
    case 4: /* writes what may only be read */
        *(volatile ULONG *)&TestConstant = 8;
        break;
    case 5: /* an address that no processor has */
        return *(volatile NTSTATUS *)0x1234567890123456ull;
    case 6: /* in assembly, because the compiler would not divide */
        __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; divl %0" : : "m"(Zero) : "rax", "rdx");
        break;
    case 7:
        __asm__ volatile("int3");
        break;
    case 8:
        __asm__ volatile("int $0x29" : : "c"(3));
        break;
    case 9:
        __asm__ volatile("ud2");
        break;
    case 10:
        __asm__ volatile("cli");
        break;
    case 11:
        __asm__ volatile("inb $0x60, %%al" : : : "rax");
        break;
    case 12: /* calls NULL */
        Routine = NULL;
        Routine();
        break;
    case 13: /* calls data */
        Routine = (TEST_ROUTINE *)&TestConstant;
        Routine();
        break;
    case 14: /* calls nothing */
        Routine = (TEST_ROUTINE *)0x123456789000ull;
        Routine();
        break;
    case 15:
        return (NTSTATUS)TestRecurse(0);
    case 16:
        NotThereRoutine(1);
        break;
    case 17:
        return (NTSTATUS)NotThereData;
    case 18: /* an endless loop */
        for (;;) {
            (void)*(volatile ULONG *)&TestConstant;
        }
    case 19:
        KeBugCheckEx(0xe2, 1, 2, 3, 4);
        break;
    case 20:
        DbgBreakPoint();
        break;
    case 21: /* frees twice */
        Block = NdisAllocateMemoryWithTagPriority(NULL, 32, TAG, NormalPoolPriority);
        NdisFreeMemory(Block, 0, 0);
        NdisFreeMemory(Block, 0, 0);
        break;
    case 22: /* frees the inside of a block */
        Block = NdisAllocateMemoryWithTagPriority(NULL, 32, TAG, NormalPoolPriority);
        NdisFreeMemory(Block + 8, 0, 0);
        break;
    case 23: /* frees its stack */
        NdisFreeMemory(&Lock, 0, 0);
        break;
    case 24: /* writes behind a block */
        Block = NdisAllocateMemoryWithTagPriority(NULL, 30, TAG, NormalPoolPriority);
        Block[30] = 1;
        NdisFreeMemory(Block, 0, 0);
        break;
    case 25: /* frees with the routine of another family */
        Block = NdisAllocateMemoryWithTagPriority(NULL, 32, TAG, NormalPoolPriority);
        ExFreePoolWithTag(Block, TAG);
        break;
    case 26: /* follows a pointer that it reads from a freed block */
        Block = NdisAllocateMemoryWithTagPriority(NULL, 32, TAG, NormalPoolPriority);
        NdisFreeMemory(Block, 0, 0);
        return **(volatile NTSTATUS *volatile *)Block;
    case 27: /* follows a pointer that nobody has written */
        Block = NdisAllocateMemoryWithTagPriority(NULL, 32, TAG, NormalPoolPriority);
        return **(volatile NTSTATUS *volatile *)Block;
    case 28: /* a bad pointer as an argument */
        NdisInitializeEvent((PNDIS_EVENT)16);
        break;
    case 29: /* a bad pointer inside a structure */
    {
        UNICODE_STRING Text = { 8, 8, (PWSTR)0x123456789000ull };
        DbgPrint("%wZ\n", &Text);
        break;
    }
    case 30: /* a handle used as a pointer */
    {
        NDIS_HANDLE Item = IoAllocateWorkItem((PDEVICE_OBJECT)DriverObject);
        return *(volatile NTSTATUS *)Item;
    }
    case 31: /* a leak, which is no crash */
        Block = NdisAllocateMemoryWithTagPriority(NULL, 48, TAG, NormalPoolPriority);
        Block[0] = 1;
        break;
    case 32: /* stack damaged: returns nowhere */
        __asm__ volatile("movabs $0x1234567890123456, %%rax; push %%rax; ret" : : : "rax");
        break;
    case 33: /* a misaligned access of an instruction that needs alignment */
        __asm__ volatile("movaps 8(%%rsp), %%xmm0" : : : "xmm0");
        __asm__ volatile("movaps 1(%%rsp), %%xmm0" : : : "xmm0");
        break;
    case 34: /* the direction flag is left set by a crash */
        __asm__ volatile("std; xor %%eax, %%eax; mov (%%rax), %%eax" : : : "rax");
        break;
    case 35: /* lowers the level by raising it */
        ImportedRaiseIrql(DISPATCH_LEVEL);
        ImportedRaiseIrql(PASSIVE_LEVEL);
        break;
    case 36: /* a routine above its level */
        KfRaiseIrql(DISPATCH_LEVEL);
        (void)TestReadInteger(L"Fault");
        break;
    case 37: /* parameters of NDIS that are nowhere */
        return NdisRegisterProtocolDriver(NULL, NULL, (PNDIS_HANDLE)&Lock);
    case 38:
        NdisZeroMemory(&Characteristics, sizeof(Characteristics));
        Characteristics.Header.Type = NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS;
        Characteristics.Header.Revision = NDIS_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
        Characteristics.Header.Size = NDIS_SIZEOF_PROTOCOL_DRIVER_CHARACTERISTICS_REVISION_2;
        return NdisRegisterProtocolDriver(NULL, &Characteristics, NULL);
    case 39:
        return NdisSetOptionalHandlers(NULL, (PVOID)0x123456789000ull);
    case 40:
        return NdisClOpenAddressFamilyEx(NULL, (PCO_ADDRESS_FAMILY)0x10, NULL, (PNDIS_HANDLE)&Lock);
    case 41: /* a structure whose header claims more than there is is read as far as it can be, and no further */
        NdisZeroMemory(&Characteristics, sizeof(Characteristics));
        Characteristics.Header.Size = 0xffff;
        Characteristics.Name.Length = 8;
        Characteristics.Name.Buffer = (PWSTR)0x123456789000ull;
        return NdisRegisterProtocolDriver(NULL, &Characteristics, (PNDIS_HANDLE)&Lock);
    case 42: /* the end of the address space */
        NdisSetEvent((PNDIS_EVENT)0xfffffffffffffffeull);
        break;
    case 43: /* a value that NDIS never gave */
        NdisClCloseAddressFamily((NDIS_HANDLE)0x1234);
        break;
    case 44: /* writes to a freed block, which shows when the driver has unloaded */
        DriverObject->DriverUnload = TestUnload;
        Block = NdisAllocateMemoryWithTagPriority(NULL, 32, TAG, NormalPoolPriority);
        NdisFreeMemory(Block, 0, 0);
        *(volatile UCHAR *)(Block + 9) = 1;
        break;
    case 45: /* writes in front of a block that it keeps */
        DriverObject->DriverUnload = TestUnload;
        Block = NdisAllocateMemoryWithTagPriority(NULL, 32, TAG, NormalPoolPriority);
        *(volatile UCHAR *)(Block - 1) = 1;
        break;
    case 46: /* queues no routine */
        IoQueueWorkItem(IoAllocateWorkItem((PDEVICE_OBJECT)DriverObject), NULL, DelayedWorkQueue, NULL);
        break;
    case 47: /* uses a work item that it has freed */
    {
        PIO_WORKITEM Item = IoAllocateWorkItem((PDEVICE_OBJECT)DriverObject);
        IoFreeWorkItem(Item);
        IoFreeWorkItem(Item);
        break;
    }
    default:
        TestConnections(Fault);
        break;
    }
    UNREFERENCED_PARAMETER(RegistryPath);
    return STATUS_SUCCESS;
}
