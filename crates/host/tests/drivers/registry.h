/* The registry values of the test drivers. */
#ifndef TEST_REGISTRY_H
#define TEST_REGISTRY_H

#include <ndis.h>

/* An integer; 0 if it is not there. */
static ULONG TestReadInteger(PCWSTR Name)
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

#endif
