//! Time: the execution's clock, in units of 100 ns, and sleeping. The pages of the routines that sleep allow them below
//! `DISPATCH_LEVEL`; the engine refuses every wait from there on, so the limit that is stated here is the next one up.

use crate::clock;
use crate::guest;
use model::record::Operation;

/// Units of 100 ns in a microsecond.
const MICROSECOND: u64 = 10;

/// How long from now a time is, as drivers give it: negative is an interval, otherwise the system's time.
pub(crate) fn from_now(time: i64) -> u64 {
    if time < 0 { time.unsigned_abs() } else { (time as u64).saturating_sub(clock::system_time()) }
}

super::exports! {
    Ndis Dispatch "nf-ndis-ndismsleep"
    NdisMSleep[here](microseconds: u32) {
        here.kernel(Operation::Sleep(u64::from(microseconds) * MICROSECOND));
    }

    Kernel Dispatch "wdm/nf-wdm-kedelayexecutionthread"
    KeDelayExecutionThread[here](_mode: u8, _alertable: u8, interval: u64) -> u32 {
        let interval = here.check(guest::read_u64(interval)) as i64;
        here.kernel(Operation::Sleep(from_now(interval)));
        0
    }

    Kernel Any "wdm/nf-wdm-kestallexecutionprocessor"
    KeStallExecutionProcessor[here](_microseconds: u32) {
        here.kernel(Operation::Other);
    }

    Ndis Any "nf-ndis-ndisstallexecution"
    NdisStallExecution[here](_microseconds: u32) {
        here.kernel(Operation::Other);
    }

    Ndis Any "nf-ndis-ndisgetcurrentsystemtime"
    NdisGetCurrentSystemTime[here](time: u64) {
        here.check(guest::write_u64(time, clock::system_time()));
    }

    Ndis Any "nf-ndis-ndisgetsystemuptimeex"
    NdisGetSystemUpTimeEx[here](time: u64) {
        here.check(guest::write_u64(time, clock::interrupt_time() / 10_000));
    }

    Kernel Any "wdm/nf-wdm-kequerysystemtime~r1"
    KeQuerySystemTime[here](time: u64) {
        here.check(guest::write_u64(time, clock::system_time()));
    }

    Kernel Any "wdm/nf-wdm-kequerysystemtimeprecise"
    KeQuerySystemTimePrecise[here](time: u64) {
        here.check(guest::write_u64(time, clock::system_time()));
    }

    Kernel Any "wdm/nf-wdm-kequeryinterrupttime"
    KeQueryInterruptTime[here]() -> u64 {
        clock::interrupt_time()
    }

    Kernel Any "wdm/nf-wdm-kequerytimeincrement"
    KeQueryTimeIncrement[here]() -> u32 {
        clock::TICK as u32
    }

    Kernel Any "wdm/nf-wdm-kequeryperformancecounter"
    KeQueryPerformanceCounter[here](frequency: u64) -> u64 {
        if frequency != 0 {
            here.check(guest::write_u64(frequency, clock::PER_SECOND));
        }
        clock::interrupt_time()
    }
}
