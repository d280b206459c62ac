//! What a driver does wrong, and what comes of it: `drivers/faults.c` does each in `DriverEntry`.

mod common;

use common::*;
use contract::{Area, Ddi, Rule};
use engine::strategy::Fifo;
use engine::{Crash, Ending, Outcome, Runner};
use host::symbols::Symbols;
use host::{Host, Options};
use model::record::Event;
use model::{Call, DriverId, HandleArg, Violation};
use std::time::Duration;

fn fault(number: u32) -> (Outcome, Runner, &'static Host) {
    let options = Options { watchdog: Duration::from_millis(200), ..Options::default() };
    let (mut runner, host) =
        load(&test_driver("faults"), "faults", options, integers(&[("fault", number)]), false);
    let outcome = runner.run(&mut Fifo);
    // The runner survives, and finds the same once more.
    let again = runner.run(&mut Fifo);
    match (&outcome, &again) {
        // Where a loop was interrupted depends on the time.
        (Outcome::Ended(Ending::Hung { .. }), Outcome::Ended(Ending::Hung { .. })) => {}
        _ => assert_eq!(outcome, again),
    }
    (outcome, runner, host)
}

#[track_caller]
fn crash(number: u32) -> (Crash, Runner, &'static Host) {
    match fault(number) {
        (Outcome::Ended(Ending::Crashed(crash)), runner, host) => {
            assert_eq!(crash.by, DriverId(0));
            (crash, runner, host)
        }
        (other, ..) => panic!("fault {number}: {other:?}"),
    }
}

#[test]
fn a_driver_without_a_fault_is_silent() {
    let (outcome, runner, _) = fault(0);
    assert!(matches!(&outcome, Outcome::AtRest { findings, .. } if findings.is_empty()), "{outcome:?}");
    assert_eq!(printed(&runner), ["done"]);
}

// The other half is in almost.rs.
// rule: kernel-bad-access breaks
// rule: kernel-breakpoint breaks
// rule: kernel-bugcheck breaks
// rule: kernel-divide-error breaks
// rule: kernel-execute-bad-address breaks
// rule: kernel-fastfail breaks
// rule: kernel-illegal-instruction breaks
// rule: kernel-stack-overflow breaks
#[test]
fn every_crash_has_its_rule_and_its_words() {
    use Rule::*;
    let cases: &[(u32, Rule, &str)] = &[
        (1, KernelBadAccess, "reads through NULL"),
        (2, KernelBadAccess, "writes through NULL"),
        (3, KernelBadAccess, "reads memory that is not there"),
        (4, KernelBadAccess, "writes memory that may only be read"),
        (5, KernelBadAccess, "an address that no processor has"),
        (6, KernelDivideError, "divides by zero, or the quotient does not fit"),
        (7, KernelBreakpoint, "a breakpoint (int 3)"),
        (8, KernelFastfail, "fast fail: a doubly linked list is corrupt, or an entry was removed twice"),
        (
            9,
            KernelIllegalInstruction,
            "executes an instruction that does not exist (ud2 is a compiler's trap)",
        ),
        (10, KernelIllegalInstruction, "cli is not supported here"),
        (11, KernelIllegalInstruction, "reading an I/O port is not supported here"),
        (12, KernelExecuteBadAddress, "calls or jumps to NULL"),
        (13, KernelExecuteBadAddress, "calls or jumps to memory that is not code"),
        (14, KernelExecuteBadAddress, "calls or jumps to memory that is not code"),
        (15, KernelStackOverflow, "the stack is exhausted"),
        (19, KernelBugcheck, "calls KeBugCheckEx"),
        (20, KernelBreakpoint, "calls DbgBreakPoint"),
        (26, KernelBadAccess, "reads through a pointer that was read from freed memory"),
        (27, KernelBadAccess, "reads through a pointer that was read from memory that nobody has written"),
        (28, KernelBadAccess, "passes a pointer to memory that cannot be written"),
        (29, KernelBadAccess, "passes a pointer to memory that cannot be read"),
        (30, KernelBadAccess, "reads through a handle of a kernel object"),
        (32, KernelExecuteBadAddress, "returns to an address that is none; the stack is damaged"),
        (33, KernelBadAccess, "an address that is not aligned as the instruction needs it"),
        (34, KernelBadAccess, "reads through NULL"),
        (37, KernelBadAccess, "passes a pointer to memory that cannot be read"),
        (38, KernelBadAccess, "passes a pointer to memory that cannot be read"),
        (39, KernelBadAccess, "passes a pointer to memory that cannot be read"),
        (40, KernelBadAccess, "passes a pointer to memory that cannot be read"),
        (41, KernelBadAccess, "passes a pointer to memory that cannot be read"),
        (42, KernelBadAccess, "passes a pointer to memory that cannot be read"),
        (46, KernelExecuteBadAddress, "the handler that is to be called is NULL"),
        (47, KernelBadAccess, "uses a work item that it has freed"),
    ];
    for &(number, rule, offence) in cases {
        let (crash, ..) = crash(number);
        assert_eq!((crash.rule, crash.offence), (rule, offence), "fault {number}");
    }
}

/// What is passed to the functions of SAPs, virtual connections, calls and parties is looked at before all else.
#[test]
fn arguments_that_lead_nowhere_are_crashes_of_the_caller() {
    for number in 60..80 {
        let (crash, runner, _host) = crash(number);
        let offence = "passes a pointer to memory that cannot be read";
        assert_eq!((crash.rule, crash.offence), (Rule::KernelBadAccess, offence), "fault {number}");
        let calls = runner.trace().iter().filter(|record| matches!(record.event, Event::Called(..)));
        assert_eq!(calls.count(), 0, "fault {number} reaches the core");
    }
}

#[test]
fn a_crash_says_where_and_what_was_touched() {
    let (crash2, _runner, host) = crash(2);
    assert_eq!(host.explain(crash2.address).as_deref(), Some("NULL + 0x20"));
    let (driver, name, offset) = host.module_at(crash2.ip).expect("in the driver");
    assert_eq!((driver, name.as_str()), (DriverId(0), "faults"));
    assert!((0x1000..0x2000).contains(&offset), "{offset:#x}");
    assert_eq!(crash2.registers[16], crash2.ip);
    drop(_runner);

    let (crash14, _runner, host) = crash(14);
    assert_eq!((crash14.address, crash14.ip), (0x1234_5678_9000, 0x1234_5678_9000));
    assert_eq!(host.explain(crash14.address), None);
    drop(_runner);

    let (crash30, _runner, host) = crash(30);
    assert_eq!(host.explain(crash30.address).as_deref(), Some("a work item, object 1 of driver 0"));
    drop(_runner);

    let (crash8, ..) = crash(8);
    assert_eq!(crash8.address, 3);
    let (crash19, ..) = crash(19);
    assert_eq!(crash19.address, 0xe2);
}

#[test]
fn a_place_in_a_driver_has_a_name_and_a_line() {
    let image = test_driver("faults");
    let symbols = Symbols::new(&image).expect("debug information");
    let (crash, _runner, host) = crash(2);
    let (.., offset) = host.module_at(crash.ip).expect("in the driver");
    let [location] = symbols.locate(offset).try_into().expect("one function, not inlined");
    assert_eq!(location.function.as_deref(), Some("DriverEntry"));
    assert!(location.file.is_some_and(|file| file.ends_with("drivers/faults.c")));
    let source = include_str!("drivers/faults.c");
    let line = source.lines().nth(location.line.expect("a line") as usize - 1);
    assert_eq!(line.map(str::trim), Some("((PDRIVER_OBJECT)Null)->DriverSize = 1;"));
    assert_eq!(symbols.locate(0), []);
}

#[test]
fn an_unknown_import_is_named_where_it_is_called_and_where_it_is_read() {
    for (number, name) in [(16, "ntoskrnl.exe!NotThereRoutine"), (17, "ntoskrnl.exe!NotThereData")] {
        let (outcome, _runner, host) = fault(number);
        let Outcome::Ended(Ending::Unimplemented { by, symbol }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(by, DriverId(0));
        assert_eq!(host.symbol(symbol).as_deref(), Some(name));
    }
}

#[test]
fn inspection_lists_what_is_not_provided() {
    let image = test_driver("faults");
    let lacks: Vec<String> = host::imports_status(&image)
        .into_iter()
        .filter(|status| status.export.is_none())
        .map(|status| status.import.symbol.to_string())
        .collect();
    assert_eq!(lacks.len(), 2, "{lacks:?}");
    assert!(lacks.iter().all(|name| name.starts_with("NotThere")), "{lacks:?}");
}

#[test]
fn everything_that_the_samples_import_is_provided() {
    let samples = samples();
    assert!(samples.len() >= 4);
    for (path, image) in &samples {
        let status = host::imports_status(image);
        assert!(!status.is_empty());
        for import in status {
            let name = import.import.symbol.to_string();
            // What is not there at all yet: a sample may import it as long as it does not call it.
            let later = match Ddi::from_name(&name) {
                Some(ddi) => matches!(ddi.info().area, Area::Oid | Area::Data | Area::Status),
                None => name.contains("NetBufferList"),
            };
            assert!(import.export.is_some() || later, "{path} imports {name}, which is not there");
        }
    }
}

#[test]
fn an_endless_loop_is_ended() {
    let (outcome, _runner, host) = fault(18);
    let Outcome::Ended(Ending::Hung { by, ip }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(by, DriverId(0));
    assert!(host.module_at(ip).is_some());
}

// rule: kernel-pool-invalid-free breaks
#[test]
fn memory_is_freed_once_and_as_it_was_allocated() {
    let cases = [
        (21, "frees a block a second time"),
        (22, "frees an address inside a block"),
        (23, "frees memory that was never allocated"),
        (24, "has written behind the end of a block that it frees"),
        (25, "frees a block with a routine that does not match the one that allocated it"),
    ];
    for (number, expected) in cases {
        let (outcome, ..) = fault(number);
        let Outcome::Ended(Ending::Violated(Violation { rule, offence, .. })) = outcome else {
            panic!("fault {number}: {outcome:?}")
        };
        assert_eq!((rule, offence), (Rule::KernelPoolInvalidFree, expected), "fault {number}");
    }
}

#[test]
fn memory_that_was_written_wrongly_shows_when_the_driver_has_unloaded() {
    let cases = [
        (44, "has written to a block after freeing it"),
        (45, "has written in front of a block or behind its end"),
    ];
    for (number, expected) in cases {
        let registry = integers(&[("Fault", number)]);
        let (mut runner, _host) = load(&test_driver("faults"), "faults", Options::default(), registry, true);
        let outcome = runner.run(&mut Fifo);
        let Outcome::Ended(Ending::Crashed(crash)) = outcome else { panic!("fault {number}: {outcome:?}") };
        assert_eq!((crash.rule, crash.offence), (Rule::KernelBadAccess, expected), "fault {number}");
    }
}

#[test]
fn a_value_that_ndis_never_gave_reaches_the_core_as_one() {
    let (outcome, runner, _host) = fault(43);
    assert!(matches!(outcome, Outcome::Ended(Ending::Violated(_))), "{outcome:?}");
    let called = runner.trace().iter().find_map(|record| match record.event {
        Event::Called(_, Call::ClCloseAddressFamily { af }) => Some((af, record.site)),
        _ => None,
    });
    let (af, site) = called.expect("the call");
    assert_eq!(af, HandleArg::Unknown(0x1234));
    assert!(site.is_some_and(|site| (0x1000..0x3000).contains(&site)), "{site:?}");
}

#[test]
fn a_leak_is_listed() {
    let (outcome, _runner, host) = fault(31);
    assert!(matches!(outcome, Outcome::AtRest { .. }), "{outcome:?}");
    let held = host.held_by(DriverId(0));
    let [block] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!((block.size, host::tag_text(block.tag).as_str()), (48, "Test"));
    assert!(block.site.is_some());
}

// rule: kernel-irql-lower breaks
#[test]
fn levels_go_the_way_that_the_routine_says() {
    let cases = [(35, Rule::KernelIrqlLower), (36, Rule::KernelIrql)];
    for (number, expected) in cases {
        let (outcome, ..) = fault(number);
        let Outcome::Ended(Ending::Violated(Violation { rule, .. })) = outcome else {
            panic!("fault {number}: {outcome:?}")
        };
        assert_eq!(rule, expected, "fault {number}");
    }
}
