/* Call parameters of the test drivers. */
#ifndef TEST_PARAMETERS_H
#define TEST_PARAMETERS_H

#include <ndis.h>

/* Call parameters with their parts. Eight bytes behind CallMgrSpecific, 48 behind MediaSpecific. */
typedef struct _TEST_PARAMETERS {
    CO_CALL_PARAMETERS Call;
    CO_CALL_MANAGER_PARAMETERS Manager;
    UCHAR MoreOfManager[7];
    CO_MEDIA_PARAMETERS Media;
    UCHAR MoreOfMedia[47];
} TEST_PARAMETERS;

/* The word at offset 8 of what a TAPI call has behind MediaSpecific: ulFlags. */
#define TEST_TAPI_FLAGS(Media) (*(PULONG)((Media)->MediaSpecific.Parameters + 8))

static __attribute__((unused)) VOID TestFillParameters(TEST_PARAMETERS *Parameters)
{
    NdisZeroMemory(Parameters, sizeof(*Parameters));
    Parameters->Call.CallMgrParameters = &Parameters->Manager;
    Parameters->Call.MediaParameters = &Parameters->Media;
    Parameters->Manager.Transmit.TokenRate = 1;
    Parameters->Manager.Transmit.PeakBandwidth = 64000;
    Parameters->Manager.Receive.PeakBandwidth = 32000;
    Parameters->Manager.CallMgrSpecific.Length = 4;
    Parameters->Manager.CallMgrSpecific.Parameters[0] = 0x2a;
    Parameters->Media.Flags = TRANSMIT_VC | RECEIVE_VC;
    Parameters->Media.MediaSpecific.Length = 48;
    TEST_TAPI_FLAGS(&Parameters->Media) = 0x1234;
}

static __attribute__((unused)) VOID TestPrintParameters(PCSTR What, NDIS_STATUS Status, PCO_CALL_PARAMETERS Call)
{
    PCO_CALL_MANAGER_PARAMETERS Manager = Call->CallMgrParameters;
    PCO_MEDIA_PARAMETERS Media = Call->MediaParameters;

    DbgPrint("%s: 0x%x, flags 0x%x, transmit %u of %u, receive %u, called 0x%x of %u, media 0x%x, 0x%x of %u\n", What,
             Status, Call->Flags, Manager->Transmit.PeakBandwidth, Manager->Transmit.TokenRate,
             Manager->Receive.PeakBandwidth, *(PULONG)Manager->CallMgrSpecific.Parameters,
             Manager->CallMgrSpecific.Length, Media->Flags, TEST_TAPI_FLAGS(Media), Media->MediaSpecific.Length);
}

#endif
