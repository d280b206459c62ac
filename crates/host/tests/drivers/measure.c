/*
 * A driver that does one thing Count times: the thing whose number is the registry value What. benches/native.rs takes
 * the time. Built by build.sh.
 */

#include <ndis.h>

#define TAG 'saeM'

static ULONG MeasureReadInteger(PCWSTR Name)
{
    NDIS_CONFIGURATION_OBJECT Object;
    PNDIS_CONFIGURATION_PARAMETER Parameter;
    NDIS_HANDLE Configuration;
    NDIS_STATUS Status;
    NDIS_STRING Keyword;
    ULONG Value = 0;

    NdisZeroMemory(&Object, sizeof(Object));
    Object.Header.Type = NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT;
    Object.Header.Revision = NDIS_CONFIGURATION_OBJECT_REVISION_1;
    Object.Header.Size = NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1;
    if (NdisOpenConfigurationEx(&Object, &Configuration) != NDIS_STATUS_SUCCESS) {
        return 0;
    }
    NdisInitUnicodeString(&Keyword, Name);
    NdisReadConfiguration(&Status, &Parameter, Configuration, &Keyword, NdisParameterInteger);
    if (Status == NDIS_STATUS_SUCCESS) {
        Value = Parameter->ParameterData.IntegerData;
    }
    NdisCloseConfiguration(Configuration);
    return Value;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    ULONG What = MeasureReadInteger(L"What");
    ULONG Count = MeasureReadInteger(L"Count");
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
