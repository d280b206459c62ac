/* Tables of handlers of the test drivers. */
#ifndef TEST_HANDLERS_H
#define TEST_HANDLERS_H

#include <ndis.h>

/* For handlers that must be there and are never called. */
static NDIS_STATUS NTAPI TestNotUsed(VOID)
{
    DbgPrint("a handler that is not used was called\n");
    return NDIS_STATUS_NOT_SUPPORTED;
}

/* Puts TestNotUsed into all members of a table of handlers from First to Last. */
static VOID TestFill(PVOID First, PVOID Last)
{
    PVOID *Member;

    for (Member = First; Member <= (PVOID *)Last; Member++) {
        *Member = (PVOID)TestNotUsed;
    }
}

/* Begins NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS. */
static __attribute__((unused)) VOID TestBeginCallManager(NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS *Cm)
{
    NdisZeroMemory(Cm, sizeof(*Cm));
    Cm->Header.Type = NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS;
    Cm->Header.Revision = NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1;
    Cm->Header.Size = NDIS_SIZEOF_CO_CALL_MANAGER_OPTIONAL_HANDLERS_REVISION_1;
    TestFill(&Cm->CmCreateVcHandler, &Cm->CmNotifyCloseAfCompleteHandler);
}

#endif
