//! `condis::Check`: what a test of drivers in Rust shows.

mod common;

use condis::driver::client::{Af, Client, Made, Vc};
use condis::driver::{
    AdapterId, AddressFamily, Answer, BindAdapter, Binding, Protocol, Request, Status, call_to,
};
use condis::{Check, CheckError, Rule, Setting};

#[global_allocator]
static ALLOCATOR: condis::Allocator = condis::Allocator;

/// What a dialer does when its call is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    HangUp,
    /// Closes the call and, whatever comes of that, once more.
    CloseTwice,
    Panic,
}

/// Calls an address.
struct Dialer {
    address: u64,
    then: Then,
}

impl Protocol for Dialer {
    type Binding = ();

    fn bind_adapter_ex<'a>(&self, _: AdapterId, request: Request<'a, BindAdapter<Self>>) -> Answer<'a> {
        request.open_adapter_ex(())
    }
}

impl Client for Dialer {
    type Af = ();
    type Sap = ();
    type Vc = ();
    type Party = ();

    fn co_af_register_notify(&self, binding: &Binding<Self>, family: AddressFamily) {
        let opened = binding.open_address_family_ex(family, ());
        opened.when_done(|opened| self.open_af_complete_ex(binding, opened));
    }

    fn open_af_complete_ex(&self, _: &Binding<Self>, opened: Result<Af<Self>, Status>) {
        let Ok(vc) = opened.and_then(|af| af.create_vc(())) else { return };
        let made = vc.make_call(call_to(self.address, 64_000));
        made.when_done(|made| self.make_call_complete(&vc, made));
    }

    fn make_call_complete(&self, vc: &Vc<Self>, made: Result<Made<Self>, Status>) {
        match (made, self.then) {
            (Err(_), _) | (Ok(_), Then::HangUp) => vc.close_everything(),
            (Ok(_), Then::CloseTwice) => {
                let _ = vc.close_call(None);
                let _ = vc.close_call(None);
            }
            (Ok(_), Then::Panic) => panic!("nobody taught it to talk"),
        }
    }
}

fn dialing(then: Then) -> Check {
    let called = Check::new().builtin("switch").builtin("client").named("called").registry("Saps", 1);
    called.client("dialer", move || Dialer { address: 1, then })
}

#[test]
fn a_correct_client_is_clean_in_every_order() {
    let report = dialing(Then::HangUp).orders(100).run().expect("a report");
    report.assert_clean();
    assert_eq!((report.executions(), report.findings().len()), (101, 0));
    assert_eq!(report.to_string(), "101 executions, 0 findings");
    let trace = report.trace();
    for line in [
        "NdisClMakeCall(vc1",
        "call on vc1: making -> connected",
        "ProtocolClIncomingCall = NDIS_STATUS_SUCCESS",
    ] {
        assert!(trace.contains(line), "{line}\n{trace}");
    }
}

#[test]
fn a_finding_names_its_rule_and_is_replayed() {
    let report = dialing(Then::CloseTwice).orders(20).run().expect("a report");
    assert!(!report.is_clean());
    assert_eq!(report.rules(), ["call-close-existing-call"]);
    let text = report.to_string();
    let (_, token) = text.split_once("Check::replay(\"").expect("a token");
    let (token, _) = token.split_once('"').expect("its end");
    let again = dialing(Then::CloseTwice).replay(token).expect("the same test");
    assert_eq!((again.executions(), again.rules()), (1, vec!["call-close-existing-call"]));
    let other = dialing(Then::HangUp).builtin("client").replay(token);
    assert!(matches!(other, Err(CheckError::Token(_))), "{other:?}");
    assert!(matches!(dialing(Then::HangUp).replay("nonsense"), Err(CheckError::Token(_))));
}

#[test]
fn a_rule_has_the_level_that_the_test_gives_it() {
    let rule = Rule::from_id("call-close-existing-call").expect("a rule");
    let report = dialing(Then::CloseTwice).level(rule, Setting::Allow).run().expect("a report");
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_driver_that_panics_is_not_clean() {
    let report = dialing(Then::Panic).run().expect("a report");
    assert!(!report.is_clean());
    assert!(report.to_string().contains("dialer panicked: nobody taught it to talk"), "{report}");
}

#[test]
fn a_binary_is_called_through_the_switch() {
    let called =
        Check::new().builtin("switch").file(common::good("client")).registry("Sap", 7).registry("Call", 0);
    let report = called.client("dialer", || Dialer { address: 7, then: Then::HangUp });
    let report = report.orders(50).run().expect("a report");
    report.assert_clean();
    assert!(report.trace().contains("ProtocolClIncomingCall = NDIS_STATUS_SUCCESS"), "{}", report.trace());
}

#[test]
fn what_cannot_be_run_is_an_error() {
    let run = |check: Check| check.run().map(|report| report.to_string()).expect_err("no test").to_string();
    let expected = [
        (Check::new(), "there is no driver to run"),
        (Check::new().builtin("router"), "no driver `builtin:router` comes with condis"),
        (Check::new().file("no.sys"), "no.sys: there is no such file"),
        (dialing(Then::HangUp).builtin("client").named("called"), "the name `called` is taken"),
        (dialing(Then::HangUp).named("NDIS"), "the name `NDIS` is taken"),
        (
            dialing(Then::HangUp).scenario("[[driver]]\nname = \"other\"\nbuiltin = \"client\"\n"),
            "the scenario has [[driver]] tables: add drivers to the test instead",
        ),
    ];
    for (check, text) in expected {
        assert_eq!(run(check), text);
    }
    assert!(run(dialing(Then::HangUp).scenario("peers = 3")).contains("the test's scenario"));
}
