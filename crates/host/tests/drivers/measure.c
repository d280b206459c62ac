/*
 * A driver that does one thing Count times: the thing whose number is the registry value What. benches/native.rs takes
 * the time. Built by build.sh.
 */

#include "registry.h"

#define TAG 'saeM'

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG What = TestReadInteger(L"What");
    ULONG Count = TestReadInteger(L"Count");
    NDIS_EVENT Event;
    NDIS_SPIN_LOCK Lock;
    UCHAR Bytes[64];
    ULONG_PTR Level;

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    NdisInitializeEvent(&Event);
    NdisAllocateSpinLock(&Lock);
    for (; Count != 0; Count--) {
        switch (What) {
        case 0: /* the least that a routine can do */
            (void)NdisGetVersion();
            break;
        case 1:
            __asm__ volatile("mov %%cr8, %0\n nop\n nop" : "=r"(Level));
            break;
        case 2:
            NdisSetEvent(&Event);
            break;
        case 3:
            NdisAcquireSpinLock(&Lock);
            NdisReleaseSpinLock(&Lock);
            break;
        case 4:
            NdisFreeMemory(NdisAllocateMemoryWithTagPriority(NULL, 64, TAG, NormalPoolPriority), 0, 0);
            break;
        case 5:
            RtlFillMemory(Bytes, sizeof(Bytes), Count);
            break;
        default:
            break;
        }
    }
    return STATUS_SUCCESS;
}
