//! Ending an execution from a signal handler: a bad access, and a stack that is used up.

mod common;

use common::*;
use contract::Rule;
use engine::strategy::{Fifo, Random};
use engine::{Crash, Ending, Outcome, arena, trap, try_current};
use model::Token;
use model::record::Routine;
use std::mem::MaybeUninit;

const EVENT: u64 = 0x1000;

extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO a valid description.
    let info = unsafe { &*info };
    // SAFETY: of the kind that has an address: the handler is for faults only.
    let address = unsafe { info.si_addr() } as usize;
    // SAFETY: and a valid context.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    let registers = &mut context.uc_mcontext.gregs;
    let overflow = arena::stack().is_some_and(|stack| stack.guard.contains(&address));
    let rule = if overflow { Rule::KernelStackOverflow } else { Rule::KernelBadAccess };
    let Some(current) = try_current() else { std::process::abort() };
    let crash = Crash {
        rule,
        by: current.driver.unwrap_or(DRIVER),
        task: current.task,
        offence: "in this test",
        signal,
        code: 0,
        address: address as u64,
        ip: registers[libc::REG_RIP as usize] as u64,
        sp: registers[libc::REG_RSP as usize] as u64,
        registers: [0; 18],
    };
    // SAFETY: in the handler of a signal that the running task's own code raised; the registers are set below.
    let go_on = unsafe { trap(Ending::Crashed(crash)) };
    let Some(go_on) = go_on else { std::process::abort() };
    registers[libc::REG_RIP as usize] = go_on.rip as i64;
    registers[libc::REG_RSP as usize] = go_on.rsp as i64;
    registers[libc::REG_RBP as usize] = go_on.rbp as i64;
    registers[libc::REG_RDI as usize] = go_on.rdi as i64;
    registers[libc::REG_RSI as usize] = go_on.rsi as i64;
    // The direction and trap flags.
    registers[libc::REG_EFL as usize] &= !0x500;
}

fn catch_faults() {
    let stack = Box::leak(vec![0u8; 1 << 16].into_boxed_slice());
    let alternate = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
    // SAFETY: the memory is never freed; the old stack is not asked for.
    assert_eq!(unsafe { libc::sigaltstack(&raw const alternate, std::ptr::null_mut()) }, 0);
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zero is a valid action: the default, without flags.
    let action = unsafe { action.assume_init_mut() };
    action.sa_sigaction = on_fault as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the handler has the signature that SA_SIGINFO asks for and touches only what is described above.
        assert_eq!(unsafe { libc::sigaction(signal, action, std::ptr::null_mut()) }, 0);
    }
}

#[inline(never)]
fn descend(depth: u64) -> u64 {
    let page = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { descend(depth + 1) + page[0] }
}

#[test]
fn crashes_end_the_execution_and_leave_the_runner_sound() {
    catch_faults();
    let mut runner = runner(2, &[item(1), item(2), item(3)], |routine| {
        let owned = format!("{routine:?}");
        match routine {
            Routine::WorkItem(Token(1)) => wait(EVENT),
            Routine::WorkItem(Token(2)) => {
                set(EVENT + 8);
                if read(EVENT + 16) {
                    std::hint::black_box(descend(1));
                }
                let nowhere = std::hint::black_box(0x10 as *const u64);
                // SAFETY: none; the access is meant to fault.
                std::hint::black_box(unsafe { nowhere.read_volatile() });
            }
            _ => drop(set(EVENT + 16)),
        }
        assert!(owned.starts_with("WorkItem"));
    });
    let (mut accesses, mut overflows) = (0, 0);
    for seed in 0..1000 {
        let outcome = if seed == 0 { runner.run(&mut Fifo) } else { runner.run(&mut Random::new(seed)) };
        let Outcome::Ended(Ending::Crashed(crash)) = outcome else { panic!("{outcome:?}") };
        match crash.rule {
            Rule::KernelBadAccess => {
                assert_eq!(crash.address, 0x10);
                assert_eq!(Some(crash.task), runner.trace().last().map(|record| record.task));
                accesses += 1;
            }
            Rule::KernelStackOverflow => overflows += 1,
            other => panic!("{other:?}"),
        }
        let last = runner.trace().last().expect("a trace").event;
        assert!(matches!(last, model::record::Event::Violated(violation) if violation.rule == crash.rule));
    }
    assert!(accesses > 0 && overflows > 0, "{accesses} bad accesses, {overflows} overflows");
}
