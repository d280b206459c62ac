//! Events: `NDIS_EVENT`, which is a notification event, and `KEVENT`. The engine keeps their state; the fields that
//! headers read are kept true beside it.

use super::Here;
use crate::guest::{self, at};
use model::Token;
use model::record::{ObjectKind, Operation};

/// `DISPATCHER_HEADER.Type`: 0 for a notification event, 1 for one that synchronises.
const TYPE: u64 = 0;
/// `DISPATCHER_HEADER.Size`, in units of four bytes.
const SIZE: u64 = 2;
const EVENT_SIZE: u8 = 6;
/// `DISPATCHER_HEADER.SignalState`.
const SIGNAL_STATE: u64 = 4;
/// `DISPATCHER_HEADER.WaitListHead`, an empty list.
const WAIT_LIST: u64 = 8;

/// `NotificationEvent` of `EVENT_TYPE`.
const NOTIFICATION: u32 = 0;
/// `STATUS_TIMEOUT`.
const STATUS_TIMEOUT: u32 = 0x102;
/// Units of 100 ns in a millisecond.
const MILLISECOND: u64 = 10_000;

fn initialize(here: &Here, event: u64, notification: bool, set: bool) {
    here.check(guest::write_u8(at(event, TYPE), u8::from(!notification)));
    here.check(guest::write_u8(at(event, SIZE), EVENT_SIZE));
    here.check(guest::write_u64(at(event, WAIT_LIST), at(event, WAIT_LIST)));
    here.check(guest::write_u64(at(event, WAIT_LIST + 8), at(event, WAIT_LIST)));
    mirror(here, event, set);
    let kind = if notification {
        ObjectKind::NotificationEvent { set }
    } else {
        ObjectKind::SynchronizationEvent { set }
    };
    here.kernel(Operation::Initialize(Token(event), kind));
}

fn mirror(here: &Here, event: u64, set: bool) {
    here.check(guest::write_u32(at(event, SIGNAL_STATE), u32::from(set)));
}

fn set(here: &Here, event: u64) -> u32 {
    here.check(guest::read_u32(at(event, SIGNAL_STATE)));
    let before = here.kernel(Operation::Set(Token(event)));
    mirror(here, event, true);
    before as u32
}

fn reset(here: &Here, event: u64) -> u32 {
    here.check(guest::read_u32(at(event, SIGNAL_STATE)));
    let before = here.kernel(Operation::Reset(Token(event)));
    mirror(here, event, false);
    before as u32
}

/// Waits for any object, and tells whether it came.
fn wait(here: &Here, object: u64, limit: Option<u64>) -> bool {
    here.check(guest::read_u32(at(object, SIGNAL_STATE)));
    here.kernel(Operation::Wait(Token(object), limit)) != 0
}

super::exports! {
    Ndis Any "nf-ndis-ndisinitializeevent"
    NdisInitializeEvent[here](event: u64) {
        initialize(&here, event, true, false);
    }

    Ndis Dispatch "nf-ndis-ndissetevent"
    NdisSetEvent[here](event: u64) {
        set(&here, event);
    }

    Ndis Dispatch "nf-ndis-ndisresetevent"
    NdisResetEvent[here](event: u64) {
        reset(&here, event);
    }

    Ndis Passive "nf-ndis-ndiswaitevent"
    NdisWaitEvent[here](event: u64, milliseconds: u32) -> u8 {
        let limit = (milliseconds != 0).then(|| u64::from(milliseconds) * MILLISECOND);
        u8::from(wait(&here, event, limit))
    }

    Kernel Any "wdm/nf-wdm-keinitializeevent"
    KeInitializeEvent[here](event: u64, kind: u32, state: u8) {
        initialize(&here, event, kind == NOTIFICATION, state != 0);
    }

    Kernel Dispatch "wdm/nf-wdm-kesetevent"
    KeSetEvent[here](event: u64, _increment: i32, _wait: u8) -> u32 {
        set(&here, event)
    }

    Kernel Dispatch "wdm/nf-wdm-keclearevent"
    KeClearEvent[here](event: u64) {
        reset(&here, event);
    }

    Kernel Dispatch "wdm/nf-wdm-keresetevent"
    KeResetEvent[here](event: u64) -> u32 {
        reset(&here, event)
    }

    Kernel Dispatch "wdm/nf-wdm-kereadstateevent"
    KeReadStateEvent[here](event: u64) -> u32 {
        here.check(guest::read_u32(at(event, SIGNAL_STATE)));
        here.kernel(Operation::Read(Token(event))) as u32
    }

    Kernel Dispatch "wdm/nf-wdm-kewaitforsingleobject"
    KeWaitForSingleObject[here](object: u64, _reason: u32, _mode: u8, _alertable: u8, timeout: u64) -> u32 {
        let limit = (timeout != 0).then(|| {
            let timeout = here.check(guest::read_u64(timeout)) as i64;
            crate::exports::time::from_now(timeout)
        });
        if wait(&here, object, limit) { 0 } else { STATUS_TIMEOUT }
    }
}
