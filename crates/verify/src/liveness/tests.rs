//! What is left at rest is made by hand: debts, and tasks that can never go on. A trace tells who shares what.

mod connections;

use super::*;
use crate::testing::{CLIENT, CM, FAMILY, MINIPORT, OTHER, Trace, arg, binding, client_af, cm_af, handle};
use alloc::vec;
use contract::Status;
use model::record::{Frame, TaskNumber};
use model::{AdapterId, BindingId, Call, Condition, HaltAction, HandleKind, OutParameter, Reply, Token};

fn af() -> Object {
    Object::Af(AfId(client_af(1)))
}
fn client_binding() -> Object {
    Object::Binding(BindingId(handle(HandleKind::BindContext, 1)))
}
fn cm_binding() -> Object {
    Object::Binding(BindingId(handle(HandleKind::BindContext, 2)))
}
const EVENT: WaitsFor = WaitsFor::Object(Token(0xE));

fn debt(by: DriverId, rule: Rule, object: Object) -> Debt {
    Debt { by, rule, object, waits_for: None }
}

fn waiting(by: DriverId, rule: Rule, object: Object, waits_for: Object) -> Debt {
    Debt { by, rule, object, waits_for: Some(waits_for) }
}

fn stuck(task: u16, frames: &[Frame]) -> Stuck {
    Stuck { task: TaskNumber(task), frames: frames.to_vec(), waits_for: EVENT }
}

fn frame(driver: DriverId, callback: Callback) -> Frame {
    Frame { driver, callback: Some(callback), call: None }
}

fn frame_in_call(driver: DriverId, callback: Callback, call: Call) -> Frame {
    Frame { driver, callback: Some(callback), call: Some(call) }
}

fn unbind() -> Callback {
    Callback::UnbindAdapterEx {
        unbind_context: handle(HandleKind::UnbindContext, 1),
        binding_context: Token(1),
    }
}

const NOTIFIED: Callback = Callback::ClNotifyCloseAf { af_context: Token(0xC) };

fn close() -> Call {
    Call::ClCloseAddressFamily { af: arg(client_af(1)) }
}

fn notify() -> Call {
    Call::CmNotifyCloseAddressFamily { af: arg(cm_af(1)) }
}

/// The client opens its address family number `number`; the call manager answers at once.
fn opened_af(trace: &mut Trace, number: u32) {
    let af_context = Token(0xB + u64::from(number));
    trace
        .task(1)
        .called(CLIENT, Call::ClOpenAddressFamilyEx { binding: arg(binding()), family: FAMILY, af_context });
    trace.published(CLIENT, OutParameter::AddressFamily(client_af(number)));
    trace.invoked(CM, Callback::CmOpenAf { binding_context: Token(2), family: FAMILY, af: cm_af(number) });
    trace.replied(CM, Ddi::ProtocolCmOpenAf, Reply::status(Status::SUCCESS).with_context(Token(0xD)));
    trace.returned(CLIENT, Ddi::NdisClOpenAddressFamilyEx, Status::SUCCESS);
}

fn opened() -> Trace {
    let mut trace = Trace::new();
    opened_af(&mut trace, 1);
    trace
}

/// The client closes on `task`, and the call manager pends it.
fn closing(task: u16) -> Trace {
    let mut trace = opened();
    trace.task(task).called(CLIENT, close());
    trace.invoked(CM, Callback::CmCloseAf { af_context: Token(0xD) });
    trace.replied(CM, Ddi::ProtocolCmCloseAf, Reply::status(Status::PENDING));
    trace.returned(CLIENT, Ddi::NdisClCloseAddressFamily, Status::PENDING);
    trace
}

fn judge(trace: &Trace, debts: &[Debt], stuck: &[Stuck]) -> Vec<Finding> {
    let mut monitor = Liveness::new();
    trace.records.iter().for_each(|record| monitor.look(record));
    monitor.judge(debts, stuck)
}

/// Who broke which rule.
fn roots(trace: &Trace, debts: &[Debt], stuck: &[Stuck]) -> Vec<(DriverId, Rule)> {
    judge(trace, debts, stuck).iter().map(|finding| (finding.violation.by, finding.violation.rule)).collect()
}

const CLOSE: Rule = Rule::AfCmCloseCompleteRequired;
const NOTIFY: Rule = Rule::AfNotifyCompleteRequired;
const UNBIND: Rule = Rule::BindingUnbindCompleteRequired;

/// All that a call manager leaves behind that never completes a close.
fn unclosed() -> Vec<Debt> {
    vec![
        waiting(CLIENT, UNBIND, client_binding(), af()),
        waiting(CM, UNBIND, cm_binding(), af()),
        waiting(CLIENT, NOTIFY, af(), af()),
        debt(CM, CLOSE, af()),
    ]
}

#[test]
fn at_rest_with_nothing_owed_there_is_no_finding() {
    assert_eq!(roots(&opened(), &[], &[]), []);
}

#[test]
fn a_close_that_is_never_completed_is_the_call_managers_fault_alone() {
    let findings = judge(&closing(1), &unclosed(), &[]);
    assert_eq!(findings.len(), 1);
    let Violation { rule, by, object, offence } = findings[0].violation;
    assert_eq!((rule, by, object, offence), (CLOSE, CM, af(), "never completed"));
    let debts = unclosed();
    let chain: Vec<Link> = [3, 0, 1, 2].map(|index: usize| Link::Debt(debts[index])).to_vec();
    assert_eq!(findings[0].chain, chain, "the root first, then what stands still because of it");
}

#[test]
fn a_client_that_waits_for_that_close_in_its_unbind_is_explained_by_it() {
    let client = stuck(3, &[frame(CLIENT, unbind())]);
    assert_eq!(roots(&closing(3), &unclosed(), std::slice::from_ref(&client)), [(CM, CLOSE)]);
    let findings = judge(&closing(3), &[debt(CM, CLOSE, af())], std::slice::from_ref(&client));
    assert_eq!(
        findings[0].chain,
        [
            Link::Debt(debt(CM, CLOSE, af())),
            Link::Task(TaskNumber(3), CLIENT, Some(Ddi::ProtocolUnbindAdapterEx), EVENT)
        ]
    );
}

#[test]
fn a_call_manager_that_waits_for_what_it_owes_itself_owes_it() {
    let waits = stuck(4, &[frame(CM, unbind())]);
    assert_eq!(roots(&closing(3), &[debt(CM, CLOSE, af())], &[waits]), [(CM, CLOSE)]);
}

/// The client waits in `ProtocolClNotifyCloseAf`, which the call manager's own notify call has led to.
fn in_notification(callback: Callback) -> Stuck {
    stuck(5, &[frame_in_call(CM, unbind(), notify()), frame(CLIENT, callback)])
}

#[test]
fn a_client_that_waits_for_its_close_in_the_notification_blocks_the_call_manager() {
    let task = in_notification(NOTIFIED);
    let findings = judge(&closing(5), &[debt(CM, CLOSE, af())], std::slice::from_ref(&task));
    assert_eq!(findings.len(), 1);
    assert_eq!(
        (findings[0].violation.by, findings[0].violation.rule, findings[0].violation.object),
        (CLIENT, Rule::AfCloseNoBlock, af())
    );
    assert_eq!(
        findings[0].chain,
        [
            Link::Task(TaskNumber(5), CLIENT, Some(Ddi::ProtocolClNotifyCloseAf), EVENT),
            Link::Debt(debt(CM, CLOSE, af())),
            Link::Task(TaskNumber(5), CM, Some(Ddi::NdisCmNotifyCloseAddressFamily), EVENT),
        ]
    );
}

#[test]
fn nothing_else_is_reported_beside_that_deadlock() {
    let task = in_notification(NOTIFIED);
    let debts = [debt(CM, CLOSE, af()), waiting(CLIENT, UNBIND, client_binding(), af())];
    assert_eq!(roots(&closing(5), &debts, &[task]), [(CLIENT, Rule::AfCloseNoBlock)]);
}

#[test]
fn it_does_not_matter_which_task_called_for_the_close_if_the_notification_waits() {
    assert_eq!(
        roots(&closing(9), &[debt(CM, CLOSE, af())], &[in_notification(NOTIFIED)]),
        [(CLIENT, Rule::AfCloseNoBlock)]
    );
}

#[test]
fn in_another_handler_the_client_must_have_closed_on_the_blocked_task() {
    let told = Callback::CoAfRegisterNotify { binding_context: Token(1), family: FAMILY };
    let debts = [debt(CM, CLOSE, af())];
    assert_eq!(roots(&closing(5), &debts, &[in_notification(told)]), [(CLIENT, Rule::AfCloseNoBlock)]);
    let findings = judge(&closing(9), &debts, &[in_notification(told)]);
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].violation.by, findings[0].violation.rule), (CLIENT, Rule::KernelDeadlock));
    let parties: Vec<DriverId> = findings[0]
        .chain
        .iter()
        .map(|link| match link {
            Link::Task(_, driver, ..) => *driver,
            Link::Debt(debt) => debt.by,
        })
        .collect();
    assert_eq!(parties, [CLIENT, CM, CM], "both are named");
}

#[test]
fn a_refused_close_is_no_close_to_wait_for() {
    let told = Callback::CoAfRegisterNotify { binding_context: Token(1), family: FAMILY };
    let mut trace = opened();
    trace.task(5).called(CLIENT, close()).returned(CLIENT, Ddi::NdisClCloseAddressFamily, Status::FAILURE);
    let debts = [debt(CM, CLOSE, af())];
    assert_eq!(roots(&trace, &debts, &[in_notification(told)]), [(CLIENT, Rule::KernelDeadlock)]);
    // A second close on the same task, refused because the first is under way, takes nothing back.
    let mut trace = closing(5);
    trace.called(CLIENT, close()).returned(CLIENT, Ddi::NdisClCloseAddressFamily, Status::FAILURE);
    assert_eq!(roots(&trace, &debts, &[in_notification(told)]), [(CLIENT, Rule::AfCloseNoBlock)]);
}

#[test]
fn a_call_manager_that_could_go_on_is_to_blame_itself() {
    // NDIS delivered the notification on a task of its own: nothing keeps the call manager from completing.
    let alone = stuck(5, &[frame(CLIENT, NOTIFIED)]);
    assert_eq!(roots(&closing(5), &[debt(CM, CLOSE, af())], &[alone]), [(CM, CLOSE)]);
}

#[test]
fn a_client_that_waits_in_the_notification_without_a_close_deadlocks() {
    let findings = judge(&opened(), &[waiting(CM, UNBIND, cm_binding(), af())], &[in_notification(NOTIFIED)]);
    assert_eq!(findings.len(), 1);
    let Violation { rule, by, object, .. } = findings[0].violation;
    assert_eq!((rule, by, object), (Rule::KernelDeadlock, CLIENT, af()));
}

#[test]
fn a_notification_that_is_never_completed_is_the_clients_fault_alone() {
    let debts = [debt(CLIENT, NOTIFY, af()), waiting(CM, UNBIND, cm_binding(), af())];
    assert_eq!(roots(&opened(), &debts, &[]), [(CLIENT, NOTIFY)]);
    // The same when the call manager waits in its handler, or an MCM in its halt.
    for callback in
        [unbind(), Callback::MiniportHaltEx { adapter_context: Token(3), action: HaltAction::DeviceStopped }]
    {
        let waits = stuck(6, &[frame(CM, callback)]);
        assert_eq!(roots(&opened(), &[debt(CLIENT, NOTIFY, af())], &[waits]), [(CLIENT, NOTIFY)]);
    }
}

#[test]
fn in_a_circle_who_owes_and_waits_for_nobody_is_to_blame() {
    // The call manager never completes an open and waits in its halt; the client's unbind waits for that open.
    let callback = Callback::MiniportHaltEx { adapter_context: Token(3), action: HaltAction::DeviceStopped };
    let halt = stuck(6, &[frame(CM, callback)]);
    let open = debt(CM, Rule::AfCmOpenCompleteRequired, af());
    let unbind = waiting(CLIENT, UNBIND, client_binding(), af());
    for debts in [[unbind, open], [open, unbind]] {
        assert_eq!(roots(&opened(), &debts, core::slice::from_ref(&halt)), [(CM, open.rule)]);
    }
}

#[test]
fn an_unbind_of_the_client_that_is_never_completed_explains_a_call_manager_that_waits_for_it() {
    let waits = stuck(6, &[frame(CM, unbind())]);
    assert_eq!(roots(&opened(), &[debt(CLIENT, UNBIND, client_binding())], &[waits]), [(CLIENT, UNBIND)]);
}

#[test]
fn a_driver_that_waits_for_an_open_af_waits_for_the_client() {
    // The client's thread is blocked, so it does not close: the call manager's unbind is a consequence.
    let debts = [waiting(CM, UNBIND, cm_binding(), af())];
    let alone = stuck(5, &[frame(CLIENT, NOTIFIED)]);
    assert_eq!(roots(&opened(), &debts, &[alone]), [(CLIENT, Rule::KernelDeadlock)]);
    // The client's unbind leaves the address family open: the call manager's thread is a consequence.
    let debts = [waiting(CLIENT, UNBIND, client_binding(), af())];
    let waits = stuck(6, &[frame(CM, unbind())]);
    assert_eq!(roots(&opened(), &debts, &[waits]), [(CLIENT, UNBIND)]);
    // The call manager is blocked in ProtocolCmCloseAf: the client's unbind is a consequence.
    let mut trace = opened();
    trace.task(5).called(CLIENT, close()).invoked(CM, Callback::CmCloseAf { af_context: Token(0xD) });
    let close_handler = stuck(5, &[frame(CM, Callback::CmCloseAf { af_context: Token(0xD) })]);
    assert_eq!(roots(&trace, &debts, &[close_handler]), [(CM, Rule::KernelDeadlock)]);
}

#[test]
fn what_is_owed_alone_is_reported_alone() {
    let adapter = Object::Adapter(AdapterId(0));
    let cases = [
        debt(CM, Rule::AfCmOpenCompleteRequired, af()),
        debt(CLIENT, Rule::BindingBindCompleteRequired, client_binding()),
        debt(CLIENT, UNBIND, client_binding()),
        debt(CLIENT, Rule::BindingPnpCompleteRequired, client_binding()),
        debt(MINIPORT, Rule::BindingMpauseCompleteRequired, adapter),
        debt(MINIPORT, Rule::BindingMrestartCompleteRequired, adapter),
        // An address family that is open and that nobody closes is at rest.
        waiting(CLIENT, UNBIND, client_binding(), af()),
        waiting(CLIENT, NOTIFY, af(), af()),
    ];
    for case in cases {
        assert_eq!(roots(&opened(), &[case], &[]), [(case.by, case.rule)]);
    }
}

#[test]
fn a_client_that_waits_for_a_pended_open_is_explained_by_it() {
    let mut trace = Trace::new();
    let open =
        Call::ClOpenAddressFamilyEx { binding: arg(binding()), family: FAMILY, af_context: Token(0xC) };
    trace.called(CLIENT, open).published(CLIENT, OutParameter::AddressFamily(client_af(1)));
    trace.invoked(CM, Callback::CmOpenAf { binding_context: Token(2), family: FAMILY, af: cm_af(1) });
    trace.replied(CM, Ddi::ProtocolCmOpenAf, Reply::status(Status::PENDING));
    trace.returned(CLIENT, Ddi::NdisClOpenAddressFamilyEx, Status::PENDING);
    let told = Callback::CoAfRegisterNotify { binding_context: Token(1), family: FAMILY };
    let waits = stuck(1, &[frame(CLIENT, told)]);
    let open = Rule::AfCmOpenCompleteRequired;
    assert_eq!(roots(&trace, &[debt(CM, open, af())], &[waits]), [(CM, open)]);
}

const TEARDOWN: Rule = Rule::BindingPromptTeardown;

#[test]
fn a_task_that_nothing_explains_is_a_deadlock_of_the_blocked_driver() {
    let restart = Callback::MiniportRestart { adapter_context: Token(3) };
    let findings = judge(&opened(), &[], &[stuck(7, &[frame(MINIPORT, restart)])]);
    assert_eq!(findings.len(), 1);
    let Violation { rule, by, object, .. } = findings[0].violation;
    assert_eq!((rule, by, object), (Rule::KernelDeadlock, MINIPORT, Object::Driver(MINIPORT)));
    assert_eq!(findings[0].chain, [Link::Task(TaskNumber(7), MINIPORT, Some(Ddi::MiniportRestart), EVENT)]);
}

#[test]
fn a_teardown_that_nothing_explains_takes_too_long() {
    let event = Callback::NetPnPEvent {
        binding_context: Token(1),
        event: handle(HandleKind::PnpEvent, 1),
        kind: model::NetEvent::Pause,
    };
    let cases = [
        (MINIPORT, Callback::MiniportPause { adapter_context: Token(3) }),
        (MINIPORT, Callback::MiniportHaltEx { adapter_context: Token(3), action: HaltAction::DeviceStopped }),
        (OTHER, unbind()),
        (OTHER, event),
    ];
    for (driver, callback) in cases {
        let findings = judge(&opened(), &[], &[stuck(7, &[frame(driver, callback)])]);
        assert_eq!(findings.len(), 1);
        let Violation { rule, by, object, .. } = findings[0].violation;
        assert_eq!((rule, by, object), (TEARDOWN, driver, Object::Driver(driver)));
        assert_eq!(findings[0].chain, [Link::Task(TaskNumber(7), driver, Some(callback.ddi()), EVENT)]);
    }
}

#[test]
fn a_teardown_that_waits_in_another_handler_or_for_another_task_is_not_to_blame() {
    // The unbind has closed its address family, and the handler that this led to waits.
    let closes = frame_in_call(CLIENT, unbind(), close());
    let within = stuck(7, &[closes, frame(CM, Callback::CmCloseAf { af_context: Token(0xD) })]);
    assert_eq!(roots(&opened(), &[], &[within]), [(CM, Rule::KernelDeadlock)]);
    // A thread of the driver's own stands still, and the unbind may wait for it.
    let thread = stuck(8, &[Frame { driver: CLIENT, callback: None, call: None }]);
    let waits = stuck(7, &[frame(CLIENT, unbind())]);
    let findings = judge(&opened(), &[], &[waits, thread]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].violation.rule, Rule::KernelDeadlock);
    assert_eq!(findings[0].chain.len(), 2, "both are shown");
    // NDIS waits for the unbind.
    let deregister = Call::DeregisterProtocolDriver { protocol: arg(handle(HandleKind::ProtocolDriver, 1)) };
    let unload = Stuck {
        task: TaskNumber(6),
        frames: vec![frame_in_call(CLIENT, Callback::Unload { driver: CLIENT }, deregister)],
        waits_for: WaitsFor::Ndis(Condition::Unbound(CLIENT)),
    };
    let waits = stuck(7, &[frame(CLIENT, unbind())]);
    assert_eq!(roots(&opened(), &[], &[unload, waits]), [(CLIENT, TEARDOWN)]);
}

#[test]
fn a_driver_that_stands_still_owes_because_of_that() {
    // The call manager is suspended below a client that waits for ever; what it owes elsewhere is a consequence.
    let told = Callback::CoAfRegisterNotify { binding_context: Token(1), family: FAMILY };
    let register = Call::CmRegisterAddressFamilyEx { binding: arg(binding()), family: FAMILY };
    let bind = Callback::BindAdapterEx {
        driver_context: Token(0),
        bind_context: handle(HandleKind::BindContext, 2),
        adapter: AdapterId(0),
    };
    let task = stuck(8, &[frame_in_call(CM, bind, register), frame(OTHER, told)]);
    let debts = [debt(CM, Rule::BindingPnpCompleteRequired, cm_binding())];
    assert_eq!(roots(&opened(), &debts, &[task]), [(OTHER, Rule::KernelDeadlock)]);
}

#[test]
fn two_mistakes_are_two_findings() {
    let adapter = Object::Adapter(AdapterId(0));
    let pause = debt(MINIPORT, Rule::BindingMpauseCompleteRequired, adapter);
    assert_eq!(
        roots(&closing(1), &[debt(CM, CLOSE, af()), pause], &[]),
        [(CM, CLOSE), (MINIPORT, Rule::BindingMpauseCompleteRequired)]
    );
    let waits = stuck(7, &[frame(MINIPORT, Callback::MiniportPause { adapter_context: Token(3) })]);
    assert_eq!(roots(&closing(1), &[debt(CM, CLOSE, af())], &[waits]), [(CM, CLOSE), (MINIPORT, TEARDOWN)]);
}

#[test]
fn two_closes_of_one_call_manager_are_two_findings() {
    let mut trace = closing(1);
    opened_af(&mut trace, 2);
    let second = Object::Af(AfId(client_af(2)));
    let findings = judge(&trace, &[debt(CM, CLOSE, af()), debt(CM, CLOSE, second)], &[]);
    assert_eq!(findings.iter().map(|finding| finding.violation.object).collect::<Vec<_>>(), [af(), second]);
}

#[test]
fn two_tasks_of_one_driver_that_wait_for_each_other_are_one_deadlock() {
    let one = stuck(7, &[frame(CLIENT, unbind())]);
    let other = stuck(8, &[frame(CLIENT, NOTIFIED)]);
    let findings = judge(&opened(), &[], &[one, other]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].chain.len(), 2, "both tasks are shown");
}

#[test]
fn a_deregistration_that_waits_for_an_unbind_is_explained_by_it() {
    let deregister = Call::DeregisterProtocolDriver { protocol: arg(handle(HandleKind::ProtocolDriver, 1)) };
    let task = Stuck {
        task: TaskNumber(9),
        frames: vec![frame_in_call(CLIENT, Callback::Unload { driver: CLIENT }, deregister)],
        waits_for: WaitsFor::Ndis(Condition::Unbound(CLIENT)),
    };
    let debts = [debt(CLIENT, UNBIND, client_binding())];
    assert_eq!(roots(&opened(), &debts, std::slice::from_ref(&task)), [(CLIENT, UNBIND)]);
    // The unbind itself may wait for a call manager, and that is then the root.
    assert_eq!(roots(&closing(1), &unclosed(), &[task]), [(CM, CLOSE)]);
}

#[test]
fn every_stuck_task_stands_in_a_chain() {
    let deregisters =
        Stuck { task: TaskNumber(9), frames: vec![], waits_for: WaitsFor::Ndis(Condition::Unbound(CLIENT)) };
    let waits = stuck(3, &[frame(CLIENT, unbind())]);
    let in_chain = |findings: &[Finding], task: u16| {
        let mut links = findings.iter().flat_map(|finding| &finding.chain);
        links.any(|link| matches!(link, Link::Task(TaskNumber(number), ..) if *number == task))
    };
    for debts in [vec![], vec![debt(CM, CLOSE, af())], unclosed()] {
        let findings = judge(&closing(3), &debts, &[deregisters.clone(), waits.clone()]);
        assert!(in_chain(&findings, 3) && in_chain(&findings, 9), "{findings:#?}");
    }
    // A call of NDIS that waits outside any handler, for no reason that can be seen.
    let findings = judge(&opened(), &[], &[deregisters]);
    assert_eq!((findings.len(), findings[0].violation.by), (1, CLIENT));
}

#[test]
fn a_circle_of_debts_is_reported_once() {
    let debts = [
        waiting(CLIENT, UNBIND, client_binding(), cm_binding()),
        waiting(CM, UNBIND, cm_binding(), client_binding()),
    ];
    assert_eq!(roots(&opened(), &debts, &[]), [(CLIENT, UNBIND)]);
}

#[test]
fn a_missing_registration_does_not_explain_a_blocked_task() {
    let adapter = Object::Adapter(AdapterId(0));
    let lacks = debt(MINIPORT, Rule::AfMcmRegisterPerAdapter, adapter);
    let waits = stuck(7, &[frame(MINIPORT, Callback::MiniportPause { adapter_context: Token(3) })]);
    assert_eq!(roots(&opened(), &[lacks], &[waits]), [(MINIPORT, TEARDOWN)]);
    assert_eq!(judge(&opened(), &[lacks], &[])[0].violation.offence, "never done");
}

#[test]
fn closed_address_families_are_forgotten_in_time() {
    let mut trace = Trace::new();
    for number in 1..=100 {
        opened_af(&mut trace, number);
        trace.called(CLIENT, Call::ClCloseAddressFamily { af: arg(client_af(number)) });
        trace.returned(CLIENT, Ddi::NdisClCloseAddressFamily, Status::SUCCESS);
    }
    let mut monitor = Liveness::new();
    trace.records.iter().for_each(|record| monitor.look(record));
    let remembered = (1..=100).filter(|&number| monitor.parties.af(client_af(number)).is_some()).count();
    assert_eq!(remembered, 16);
}

#[test]
fn a_failed_open_leaves_nothing_behind() {
    let mut trace = Trace::new();
    let open =
        Call::ClOpenAddressFamilyEx { binding: arg(binding()), family: FAMILY, af_context: Token(0xC) };
    let published = OutParameter::AddressFamily(client_af(1));
    trace.called(CLIENT, open).published(CLIENT, published);
    trace.returned(CLIENT, Ddi::NdisClOpenAddressFamilyEx, Status::FAILURE);
    let failed = Callback::ClOpenAfCompleteEx {
        af_context: Token(0xC),
        af: model::HandleArg::Null,
        status: Status::FAILURE,
    };
    // Pended, then failed; and failed before the call has returned.
    trace.called(CLIENT, open).published(CLIENT, published);
    trace.returned(CLIENT, Ddi::NdisClOpenAddressFamilyEx, Status::PENDING).invoked(CLIENT, failed);
    trace.called(CLIENT, open).published(CLIENT, published).invoked(CLIENT, failed);
    trace.returned(CLIENT, Ddi::NdisClOpenAddressFamilyEx, Status::PENDING);
    let mut monitor = Liveness::new();
    trace.records.iter().for_each(|record| monitor.look(record));
    assert_eq!(monitor, Liveness::new());
}
