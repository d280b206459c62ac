//! The routines of the kernel, as a driver sees them: `drivers/routines.c` prints what it gets.

mod common;

use common::*;
use engine::Outcome;
use engine::strategy::Fifo;
use host::{Options, Registry};
use model::DriverId;
use pe::Image;

const EXPECTED: &str = r"\Driver\routines \Registry\Machine\System\CurrentControlSet\Services\routines
level 0, sum 2000, jump 2, displaced 42
again: sum 2000, jump 2, displaced 42
raised from 0 to 2
lowered to 0
in the lock: irql 2, kept 0
in the other: irql 2, kept 0
out: irql 0
event: type 1, state 0
set: was 0, is 1
wait: 0x0, then state 0
wait: 0x102
wait: 0x102
slept 25000
shared: 1, version 6
Miniport 16 18: 1 0 0
Mini 8
12123456 0 1
text wide c    42|-42  |000ab 123456789abcdef 0000000000001000 %
ex 1 2 3 4 5
fresh ffffcdcdcdcdcdcd, aligned 1, zeroed 1
none: 0000000000000000
work: context 5, driver object 1, item 1, irql 0
came 1
timer 0x0
set 0
set 1
timer: context 5, irql 2
early 1
cancel 0
same thread 1
NdisWriteErrorLogEntry 0xC0001388 0x1 0xab
unload 1";

fn output(image: &Image, options: Options) -> (String, u32) {
    let (mut runner, host) = load(image, "routines", options, Registry::default(), true);
    let outcome = runner.run(&mut Fifo);
    assert!(matches!(&outcome, Outcome::AtRest { findings, .. } if findings.is_empty()), "{outcome:?}");
    let first = printed(&runner);
    // The second run finds the code rewritten.
    let rewritten = host.rewritten(DriverId(0));
    assert_eq!(runner.run(&mut Fifo), outcome);
    assert_eq!(printed(&runner), first);
    assert_eq!(host.rewritten(DriverId(0)), rewritten, "what could be rewritten was, the first time");
    (first.join("\n"), rewritten)
}

#[test]
fn a_driver_gets_what_the_pages_say() {
    let (lines, rewritten) = output(&test_driver("routines"), Options::default());
    assert_eq!(lines, EXPECTED);
    assert!(rewritten >= 5, "the loop's and the displacing instructions are rewritten, not {rewritten}");
}

#[test]
fn it_gets_the_same_where_every_instruction_traps() {
    let (lines, rewritten) =
        output(&test_driver("routines"), Options { rewrite: false, ..Options::default() });
    assert_eq!((lines.as_str(), rewritten), (EXPECTED, 0));
}

#[test]
fn a_driver_may_be_loaded_again_and_again() {
    let image = test_driver("routines");
    for _ in 0..3 {
        assert_eq!(output(&image, Options::default()).0, EXPECTED);
    }
}
