//! Spin locks: `NDIS_SPIN_LOCK`, which keeps the level to go back to beside the lock, and `KSPIN_LOCK`.

use super::Here;
use crate::guest::{self, at};
use model::Token;
use model::record::{Irql, ObjectKind, Operation};

/// `NDIS_SPIN_LOCK.OldIrql`.
const OLD_IRQL: u64 = contract::layout::NDIS_SPIN_LOCK.offset_of("OldIrql").unwrap() as u64;

/// Acquires, and answers the old level.
fn acquire(here: &Here, lock: u64, raise: bool) -> u8 {
    here.check(guest::read_u64(lock));
    here.kernel(Operation::Acquire { lock: Token(lock), raise }) as u8
}

fn release(here: &Here, lock: u64, level: Option<u8>) {
    here.check(guest::read_u64(lock));
    here.kernel(Operation::Release { lock: Token(lock), irql: level.map(Irql) });
}

fn initialize(here: &Here, lock: u64) {
    here.check(guest::write_u64(lock, 0));
    here.kernel(Operation::Initialize(Token(lock), ObjectKind::SpinLock));
}

super::exports! {
    Ndis Any "nf-ndis-ndisallocatespinlock"
    NdisAllocateSpinLock[here](lock: u64) {
        here.check(guest::write_u8(at(lock, OLD_IRQL), 0));
        initialize(&here, lock);
    }

    Ndis Any "nf-ndis-ndisfreespinlock"
    NdisFreeSpinLock[here](lock: u64) {
        here.check(guest::read_u64(lock));
        here.kernel(Operation::Free(Token(lock)));
    }

    Ndis Dispatch "nf-ndis-ndisacquirespinlock"
    NdisAcquireSpinLock[here](lock: u64) {
        let level = acquire(&here, lock, true);
        here.check(guest::write_u8(at(lock, OLD_IRQL), level));
    }

    Ndis Dispatch "nf-ndis-ndisreleasespinlock"
    NdisReleaseSpinLock[here](lock: u64) {
        let level = here.check(guest::read_u8(at(lock, OLD_IRQL)));
        release(&here, lock, Some(level));
    }

    Ndis Dispatch "nf-ndis-ndisdpracquirespinlock"
    NdisDprAcquireSpinLock[here](lock: u64) {
        acquire(&here, lock, false);
    }

    Ndis Dispatch "nf-ndis-ndisdprreleasespinlock"
    NdisDprReleaseSpinLock[here](lock: u64) {
        release(&here, lock, None);
    }

    Kernel Any "wdm/nf-wdm-keinitializespinlock"
    KeInitializeSpinLock[here](lock: u64) {
        initialize(&here, lock);
    }

    Kernel Dispatch "wdm/nf-wdm-keacquirespinlockraisetodpc"
    KeAcquireSpinLockRaiseToDpc[here](lock: u64) -> u8 {
        acquire(&here, lock, true)
    }

    Hal Dispatch "wdm/nf-wdm-keacquirespinlock"
    KfAcquireSpinLock[here](lock: u64) -> u8 {
        acquire(&here, lock, true)
    }

    Kernel Dispatch "wdm/nf-wdm-kereleasespinlock"
    KeReleaseSpinLock[here](lock: u64, level: u8) {
        release(&here, lock, Some(level));
    }

    Hal Dispatch "wdm/nf-wdm-kereleasespinlock"
    KfReleaseSpinLock[here](lock: u64, level: u8) {
        release(&here, lock, Some(level));
    }

    Kernel Dispatch "wdm/nf-wdm-keacquirespinlockatdpclevel"
    KeAcquireSpinLockAtDpcLevel[here](lock: u64) {
        acquire(&here, lock, false);
    }

    Kernel Dispatch "wdm/nf-wdm-kereleasespinlockfromdpclevel"
    KeReleaseSpinLockFromDpcLevel[here](lock: u64) {
        release(&here, lock, None);
    }
}
