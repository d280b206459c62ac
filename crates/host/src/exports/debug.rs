//! What a driver says to people: debug output, the event log, a bug check, a breakpoint. Text goes into the trace.

use super::Here;
use crate::format::{Arguments, format};
use crate::guest::{self, at};
use contract::Rule;
use model::record::Operation;

/// The longest format or prefix that is read, in bytes; `DbgPrint` itself sends 512 bytes at a time.
const LONGEST: usize = 4096;

fn print(here: &Here, prefix: u64, text: u64, arguments: u64) -> u32 {
    let mut line = if prefix == 0 { Vec::new() } else { here.check(guest::read_c_string(prefix, LONGEST)) };
    let text = here.check(guest::read_c_string(text, LONGEST));
    line.extend_from_slice(&here.check(format(&text, &mut Arguments::new(arguments))));
    let line = String::from_utf8_lossy(&line);
    here.note_site();
    engine::print(line.trim_end_matches('\n'));
    0
}

super::variadic_exports! {
    Kernel Any "wdm/nf-wdm-dbgprint"
    DbgPrint[here](arguments) -> u32 {
        let text = here.check(guest::read_u64(arguments));
        print(&here, 0, text, at(arguments, 8))
    }

    /// The component and the level decide on Windows whether the text is shown; here all of it is.
    Kernel Any "wdm/nf-wdm-dbgprintex"
    DbgPrintEx[here](arguments) -> u32 {
        let text = here.check(guest::read_u64(at(arguments, 16)));
        print(&here, 0, text, at(arguments, 24))
    }

    Ndis Dispatch "nf-ndis-ndiswriteerrorlogentry"
    NdisWriteErrorLogEntry[here](arguments) -> u32 {
        let code = here.check(guest::read_u64(at(arguments, 8))) as u32;
        let count = (here.check(guest::read_u64(at(arguments, 16))) as u32).min(64);
        let mut line = format!("NdisWriteErrorLogEntry 0x{code:08X}");
        for index in 0..u64::from(count) {
            let value = here.check(guest::read_u64(at(arguments, 24 + 8 * index))) as u32;
            line.push_str(&format!(" 0x{value:x}"));
        }
        here.kernel(Operation::Other);
        here.note_site();
        engine::print(&line);
        0
    }
}

super::exports! {
    Kernel Any "wdm/nf-wdm-vdbgprintex"
    vDbgPrintEx[here](_component: u32, _level: u32, text: u64, arguments: u64) -> u32 {
        print(&here, 0, text, arguments)
    }

    Kernel Any "wdm/nf-wdm-vdbgprintexwithprefix"
    vDbgPrintExWithPrefix[here](prefix: u64, _component: u32, _level: u32, text: u64, arguments: u64) -> u32 {
        print(&here, prefix, text, arguments)
    }

    Kernel Any "wdm/nf-wdm-dbgbreakpoint"
    DbgBreakPoint[here]() {
        here.fail(Rule::KernelBreakpoint, "calls DbgBreakPoint", 0)
    }

    Kernel Any "wdm/nf-wdm-kebugcheckex"
    KeBugCheckEx[here](code: u32, _one: u64, _two: u64, _three: u64, _four: u64) {
        here.fail(Rule::KernelBugcheck, "calls KeBugCheckEx", u64::from(code))
    }

    Kernel Any "ntddk/nf-ntddk-kebugcheck"
    KeBugCheck[here](code: u32) {
        here.fail(Rule::KernelBugcheck, "calls KeBugCheck", u64::from(code))
    }
}
