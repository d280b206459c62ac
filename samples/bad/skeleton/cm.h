/*
 * cm.h - skeleton of a stand-alone call manager. Correct as it stands; a faulty driver replaces one
 * part of it, see samples/bad/README.md. For how a good one is written read samples/good/cm.
 */
#ifndef SKELETON_CM_H
#define SKELETON_CM_H

#include "protocol.h"
#include "call_manager.h"

typedef struct _CM_BINDING {
    OPEN_ADAPTER Adapter; /* first, see there */
    CM_PORT Port;
    NDIS_HANDLE UnbindContext;
    PIO_WORKITEM UnbindWorkItem; /* allocated with the binding, since an unbind may not fail */
} CM_BINDING, *PCM_BINDING;

DRIVER_INITIALIZE DriverEntry;

static PCM_PORT CmPortOf(NDIS_HANDLE CallMgrBindingContext)
{
    PCM_BINDING Binding = CallMgrBindingContext;

    return &Binding->Port;
}

#ifdef CM_CALLS
static inline NDIS_STATUS CmNdisCreateVc(PCM_VC Vc)
{
    PCM_BINDING Binding = CONTAINING_RECORD(Vc->Af->Port, CM_BINDING, Port);

    return NdisCoCreateVc(
        Binding->Adapter.NdisBindingHandle, Vc->Af->NdisAfHandle, Vc, &Vc->NdisVcHandle);
}

static inline NDIS_STATUS CmNdisDeleteVc(PCM_VC Vc)
{
    return NdisCoDeleteVc(Vc->NdisVcHandle);
}

static inline NDIS_STATUS CmNdisActivateVc(PCM_VC Vc, PCO_CALL_PARAMETERS CallParameters)
{
    return NdisCmActivateVc(Vc->NdisVcHandle, CallParameters);
}

static inline NDIS_STATUS CmNdisDeactivateVc(PCM_VC Vc)
{
    return NdisCmDeactivateVc(Vc->NdisVcHandle);
}
#endif

/* --- binding ----------------------------------------------------------------------------------- */

static VOID CmFreeBinding(PCM_BINDING Binding)
{
    if (Binding->UnbindWorkItem != NULL) {
        IoFreeWorkItem(Binding->UnbindWorkItem);
    }
    NdisFreeSpinLock(&Binding->Port.Lock);
    NdisFreeMemory(Binding, 0, 0);
}

static NDIS_STATUS NTAPI ProtocolBindAdapterEx(
    NDIS_HANDLE ProtocolDriverContext,
    NDIS_HANDLE BindContext,
    PNDIS_BIND_PARAMETERS BindParameters)
{
    CO_ADDRESS_FAMILY Family = { CO_ADDRESS_FAMILY_Q2931, 1, 0 };
    PCM_BINDING Binding;
    NDIS_STATUS Status;

    UNREFERENCED_PARAMETER(ProtocolDriverContext);
    Binding = NdisAllocateMemoryWithTagPriority(
        ProtocolHandle, sizeof(*Binding), CM_POOL_TAG, NormalPoolPriority);
    if (Binding == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    NdisZeroMemory(Binding, sizeof(*Binding));
    CmInitializePort(&Binding->Port, ProtocolHandle);
    Binding->UnbindWorkItem = ProtocolAllocateWorkItem();
    if (Binding->UnbindWorkItem == NULL) {
        CmFreeBinding(Binding);
        return NDIS_STATUS_RESOURCES;
    }
    Status = OpenAdapter(&Binding->Adapter, BindContext, BindParameters);
    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisCmRegisterAddressFamilyEx(Binding->Adapter.NdisBindingHandle, &Family);
        if (Status != NDIS_STATUS_SUCCESS) {
            CloseAdapter(&Binding->Adapter);
        }
    }
    if (Status != NDIS_STATUS_SUCCESS) {
        CmFreeBinding(Binding);
    }
    return Status;
}

#ifndef OWN_PROTOCOL_UNBIND_ADAPTER_EX
static VOID NTAPI CmUnbindWork(PVOID IoObject, PVOID Context, PIO_WORKITEM WorkItem)
{
    PCM_BINDING Binding = Context;
    NDIS_HANDLE UnbindContext = Binding->UnbindContext;

    UNREFERENCED_PARAMETER(IoObject);
    UNREFERENCED_PARAMETER(WorkItem);
    CmWaitForAfs(&Binding->Port);
    CloseAdapter(&Binding->Adapter);
    CmFreeBinding(Binding);
    NdisCompleteUnbindAdapterEx(UnbindContext);
}

/* Asks every client to close its AF; the adapter is closed when they have. That is waited for in a work
 * item, so that NDIS can go on, and unbind a client that refuses. */
static NDIS_STATUS NTAPI ProtocolUnbindAdapterEx(
    NDIS_HANDLE UnbindContext,
    NDIS_HANDLE ProtocolBindingContext)
{
    PCM_BINDING Binding = ProtocolBindingContext;

    Binding->UnbindContext = UnbindContext;
    CmClosePort(&Binding->Port);
    CmNotifyAll(&Binding->Port);
    IoQueueWorkItemEx(Binding->UnbindWorkItem, CmUnbindWork, DelayedWorkQueue, Binding);
    return NDIS_STATUS_PENDING;
}
#endif

/* AFs are offered to this protocol too, its own among them. It is no client. */
static VOID NTAPI ProtocolCoAfRegisterNotify(NDIS_HANDLE, PCO_ADDRESS_FAMILY)
{
}

/* --- registration ------------------------------------------------------------------------------ */

static NDIS_STATUS NTAPI ProtocolSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    NDIS_STATUS Status = NdisSetOptionalHandlers(NdisDriverHandle, &ProtocolCoHandlers.Header);

    UNREFERENCED_PARAMETER(DriverContext);
    if (Status == NDIS_STATUS_SUCCESS) {
        Status = NdisSetOptionalHandlers(NdisDriverHandle, &CmHandlers.Header);
    }
    return Status;
}

static VOID NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    NdisDeregisterProtocolDriver(ProtocolHandle);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NDIS_STRING Name = NDIS_STRING_CONST("BADCM");

    UNREFERENCED_PARAMETER(RegistryPath);
    return RegisterProtocol(DriverObject, Name);
}

#endif /* SKELETON_CM_H */
