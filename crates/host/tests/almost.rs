//! What a driver may do although it looks like a crash: `drivers/almost.c` does each in `DriverEntry`, and nothing is
//! found. The other half of `faults.rs`.

mod common;

use common::*;
use engine::Outcome;
use engine::strategy::Fifo;
use host::Options;
use model::DriverId;

/// Loads the driver, has it do the thing of this number, and unloads it: no finding, and no memory is held.
#[track_caller]
fn silent(number: u32) {
    let registry = integers(&[("Almost", number)]);
    let (mut runner, host) = load(&test_driver("almost"), "almost", Options::default(), registry, true);
    let outcome = runner.run(&mut Fifo);
    assert!(matches!(&outcome, Outcome::AtRest { findings, .. } if findings.is_empty()), "{outcome:?}");
    let lines = printed(&runner);
    assert_eq!(lines[lines.len() - 2..], ["done", "unloaded"], "{lines:?}");
    assert!(host.held_by(DriverId(0)).is_empty());
}

#[test]
fn the_ends_of_memory_belong_to_it() {
    // rule: kernel-bad-access almost
    silent(1);
}

#[test]
fn the_largest_quotient_fits() {
    // rule: kernel-divide-error almost
    silent(2);
}

#[test]
fn a_byte_of_a_breakpoint_is_none() {
    // rule: kernel-breakpoint almost
    silent(3);
}

#[test]
fn a_list_that_is_whole_is_no_fast_fail() {
    // rule: kernel-fastfail almost
    silent(4);
}

#[test]
fn instructions_that_look_privileged_run() {
    // rule: kernel-illegal-instruction almost
    silent(5);
}

#[test]
fn code_runs_by_its_address() {
    // rule: kernel-execute-bad-address almost
    silent(6);
}

#[test]
fn most_of_the_stack_can_be_used() {
    // rule: kernel-stack-overflow almost
    silent(7);
}

#[test]
fn a_bug_check_that_is_not_called_does_nothing() {
    // rule: kernel-bugcheck almost
    silent(8);
}

#[test]
fn blocks_are_freed_in_any_order_and_used_to_the_brim() {
    // rule: kernel-pool-invalid-free almost
    silent(9);
}

#[test]
fn memory_may_be_kept_until_the_unload() {
    // rule: kernel-pool-leak almost
    silent(10);
}

#[test]
fn a_level_may_be_set_to_what_it_is() {
    // rule: kernel-irql-lower almost
    silent(11);
}
