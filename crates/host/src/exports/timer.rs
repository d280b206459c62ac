//! Timers of NDIS, and waiting for their DPCs. The kernel's own timers and DPCs are not here.

use super::Here;
use crate::guest::{self, Block};
use crate::objects::{BadObject, Form, Kind, Object};
use contract::layout::NDIS_TIMER_CHARACTERISTICS as LAYOUT;
use contract::{MaxIrql, Rule, Status};
use model::Token;
use model::record::{KernelCall, ObjectKind, Operation};

const FUNCTION: usize = LAYOUT.offset_of("TimerFunction").unwrap();
const CONTEXT: usize = LAYOUT.offset_of("FunctionContext").unwrap();
/// Units of 100 ns in a millisecond.
const MILLISECOND: u64 = 10_000;

/// Notes that a timer's DPC begins or has ended.
pub(crate) fn note_dpc(timer: u64, begins: bool) {
    let Some(host) = crate::host::Host::current() else { return };
    let mut objects = host.objects.borrow_mut();
    let Some(object) = objects.any(timer) else { return };
    if begins {
        object.dpc.begin(engine::time());
        return;
    }
    object.dpc.end();
    let flushing = objects.flushing.clone();
    drop(objects);
    for event in flushing {
        let operation = Operation::Set(Token(event));
        engine::kernel(KernelCall { routine: "KeFlushQueuedDpcs", max_irql: MaxIrql::Dispatch, operation });
    }
}

/// Ends the execution if `timer` is no timer that may be used.
fn checked(here: &Here, timer: u64) {
    let found = here.host().objects.borrow_mut().get(timer, |kind| kind == Kind::NdisTimer).map(|_| ());
    match found {
        Ok(()) => {}
        Err(BadObject::Freed) => {
            here.fail(Rule::KernelBadAccess, "uses a timer object that it has freed", timer)
        }
        Err(BadObject::Unknown) => {
            here.fail(Rule::KernelBadAccess, "passes something that is no timer object", timer)
        }
    }
}

super::exports! {
    Ndis Dispatch "nf-ndis-ndisallocatetimerobject"
    NdisAllocateTimerObject[here](_handle: u64, characteristics: u64, timer: u64) -> u32 {
        let block = here.check(Block::<{ LAYOUT.size }>::read(characteristics, LAYOUT.size));
        here.check(guest::write_u64(timer, 0));
        let mut object = Object::new(Kind::NdisTimer, here.driver().id);
        object.routine = block.u64(FUNCTION);
        object.first_context = block.u64(CONTEXT);
        let handle = here.host().objects.borrow_mut().add(object);
        here.kernel(Operation::Initialize(Token(handle), ObjectKind::Timer));
        here.check(guest::write_u64(timer, handle));
        Status::SUCCESS.0
    }

    Ndis Dispatch "nf-ndis-ndisfreetimerobject"
    NdisFreeTimerObject[here](timer: u64) {
        checked(&here, timer);
        here.kernel(Operation::Free(Token(timer)));
        checked(&here, timer);
        if let Ok(object) = here.host().objects.borrow_mut().get(timer, |kind| kind == Kind::NdisTimer) {
            object.freed = true;
        }
    }

    Ndis Dispatch "nf-ndis-ndissettimerobject"
    NdisSetTimerObject[here](timer: u64, due: i64, period: i32, context: u64) -> u8 {
        checked(&here, timer);
        if let Ok(object) = here.host().objects.borrow_mut().get(timer, |kind| kind == Kind::NdisTimer) {
            object.form = Form::NdisTimer;
            object.context = if context == 0 { object.first_context } else { context };
        }
        let due = crate::exports::time::from_now(due);
        let period = (period > 0).then(|| period as u64 * MILLISECOND);
        let was_set = here.kernel(Operation::Arm { timer: Token(timer), due, period });
        if let Some(object) = here.host().objects.borrow_mut().any(timer) {
            object.dpc.arm(engine::time(), due, period);
        }
        was_set as u8
    }

    Ndis Dispatch "nf-ndis-ndiscanceltimerobject"
    NdisCancelTimerObject[here](timer: u64) -> u8 {
        checked(&here, timer);
        let was_set = here.kernel(Operation::Cancel(Token(timer)));
        if let Some(object) = here.host().objects.borrow_mut().any(timer) {
            object.dpc.cancel(engine::time());
        }
        was_set as u8
    }

    /// Waits until no DPC is queued or runs, by means of an event of this call that the end of each DPC sets. With one event
    /// for all calls, one would reset what another has yet to see.
    Kernel Passive "wdm/nf-wdm-keflushqueueddpcs"
    KeFlushQueuedDpcs[here]() {
        let objects = &here.host().objects;
        let event = objects.borrow_mut().begin_flush();
        loop {
            here.kernel(Operation::Reset(Token(event)));
            let outstanding = objects.borrow().has_outstanding_dpc(engine::time());
            if !outstanding {
                break;
            }
            here.kernel(Operation::Wait(Token(event), None));
        }
        objects.borrow_mut().end_flush(event);
    }
}
