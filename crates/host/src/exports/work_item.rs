//! Work items: NDIS's for miniports, and the kernel's, which protocols use with their driver object.

use super::Here;
use crate::objects::{BadObject, Form, Kind, Object};
use contract::Rule;
use model::Token;
use model::record::{ObjectKind, Operation};

fn allocate(here: &Here, kind: Kind, io_object: u64) -> u64 {
    let mut object = Object::new(kind, here.driver().id);
    object.io_object = io_object;
    let handle = here.host().objects.borrow_mut().add(object);
    here.kernel(Operation::Initialize(Token(handle), ObjectKind::WorkItem));
    handle
}

/// Ends the execution if `item` is no work item of this kind that may be used.
fn checked(here: &Here, item: u64, kind: Kind) {
    let found = here.host().objects.borrow_mut().get(item, |found| found == kind).map(|_| ());
    match found {
        Ok(()) => {}
        Err(BadObject::Freed) => here.fail(Rule::KernelBadAccess, "uses a work item that it has freed", item),
        Err(BadObject::Unknown) => {
            here.fail(Rule::KernelBadAccess, "passes something that is no work item", item)
        }
    }
}

fn free(here: &Here, item: u64, kind: Kind) {
    checked(here, item, kind);
    here.kernel(Operation::Free(Token(item)));
    checked(here, item, kind);
    if let Ok(object) = here.host().objects.borrow_mut().get(item, |found| found == kind) {
        object.freed = true;
    }
}

fn queue(here: &Here, item: u64, kind: Kind, form: Form, routine: u64, context: u64) {
    checked(here, item, kind);
    if let Ok(object) = here.host().objects.borrow_mut().get(item, |found| found == kind) {
        object.routine = routine;
        object.form = form;
        object.context = context;
    }
    here.kernel(Operation::Queue(Token(item)));
}

super::exports! {
    Ndis Dispatch "nf-ndis-ndisallocateioworkitem"
    NdisAllocateIoWorkItem[here](_object: u64) -> u64 {
        allocate(&here, Kind::NdisWorkItem, 0)
    }

    Ndis Dispatch "nf-ndis-ndisfreeioworkitem"
    NdisFreeIoWorkItem[here](item: u64) {
        free(&here, item, Kind::NdisWorkItem);
    }

    Ndis Dispatch "nf-ndis-ndisqueueioworkitem"
    NdisQueueIoWorkItem[here](item: u64, routine: u64, context: u64) {
        queue(&here, item, Kind::NdisWorkItem, Form::NdisWorkItem, routine, context);
    }

    Kernel Dispatch "wdm/nf-wdm-ioallocateworkitem"
    IoAllocateWorkItem[here](device_object: u64) -> u64 {
        allocate(&here, Kind::IoWorkItem, device_object)
    }

    Kernel Dispatch "wdm/nf-wdm-iofreeworkitem"
    IoFreeWorkItem[here](item: u64) {
        free(&here, item, Kind::IoWorkItem);
    }

    Kernel Dispatch "wdm/nf-wdm-ioqueueworkitem"
    IoQueueWorkItem[here](item: u64, routine: u64, _queue: u32, context: u64) {
        queue(&here, item, Kind::IoWorkItem, Form::IoWorkItem, routine, context);
    }

    Kernel Dispatch "wdm/nf-wdm-ioqueueworkitemex"
    IoQueueWorkItemEx[here](item: u64, routine: u64, _queue: u32, context: u64) {
        queue(&here, item, Kind::IoWorkItem, Form::IoWorkItemEx, routine, context);
    }
}
