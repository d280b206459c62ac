//! What is owed on SAPs, VCs, calls and parties.

use super::*;
use model::block::{CallParameters, Sap};
use model::{Handle, PartyId, SapId, Side, VcId};

fn vc_handle(kind: HandleKind, number: u32) -> Handle {
    handle(kind, 1000 + number)
}
fn vc(number: u32) -> Object {
    Object::Vc(VcId(vc_handle(HandleKind::ClientVc, number)))
}
fn call(number: u32) -> Object {
    Object::Call(VcId(vc_handle(HandleKind::ClientVc, number)))
}
fn party(number: u32) -> Object {
    Object::Party(PartyId(handle(HandleKind::ClientParty, 2000 + number)))
}
fn sap() -> Object {
    Object::Sap(SapId(handle(HandleKind::ClientSap, 3000)))
}

const SUCCESS: Reply = Reply::status(Status::SUCCESS);

/// A client creates a VC; the call manager and the miniport agree.
fn creates(trace: &mut Trace, client: DriverId, number: u32) {
    let create = Call::CoCreateVc {
        binding: arg(binding()),
        af: arg(client_af(1)),
        vc_context: Token(1),
        vc: model::HandleArg::Null,
    };
    let managers = vc_handle(HandleKind::CallManagerVc, number);
    let miniports = vc_handle(HandleKind::MiniportVc, number);
    trace
        .called(client, create)
        .invoked(CM, Callback::CoCreateVc { af_context: Token(0xD), vc: managers, side: Side::CallManager })
        .replied(CM, Ddi::ProtocolCoCreateVc, SUCCESS)
        .invoked(MINIPORT, Callback::MiniportCoCreateVc { adapter_context: Token(3), vc: miniports })
        .replied(MINIPORT, Ddi::MiniportCoCreateVc, SUCCESS)
        .published(client, OutParameter::Vc(vc_handle(HandleKind::ClientVc, number)))
        .returned(client, Ddi::NdisCoCreateVc, Status::SUCCESS);
}

fn deletes(trace: &mut Trace, client: DriverId, number: u32) {
    let vc = arg(vc_handle(HandleKind::ClientVc, number));
    trace.called(client, Call::CoDeleteVc { vc }).returned(client, Ddi::NdisCoDeleteVc, Status::SUCCESS);
}

/// The address family is open, with a VC on it.
fn connected() -> Trace {
    let mut trace = opened();
    creates(&mut trace, CLIENT, 1);
    trace
}

fn adds_party(trace: &mut Trace, number: u32) {
    let vc = arg(vc_handle(HandleKind::ClientVc, 1));
    let add = Call::ClAddParty { vc, party_context: Token(9), parameters: CallParameters::NULL };
    let handle = handle(HandleKind::ClientParty, 2000 + number);
    trace.called(CLIENT, add).published(CLIENT, OutParameter::Party(arg(handle))).returned(
        CLIENT,
        Ddi::NdisClAddParty,
        Status::SUCCESS,
    );
}

fn registers_sap(trace: &mut Trace, status: Status) {
    let specification = Sap { address: Token(4), sap_type: 1, length: 4, value: 1 };
    let register = Call::ClRegisterSap { af: arg(client_af(1)), sap_context: Token(5), specification };
    trace
        .called(CLIENT, register)
        .published(CLIENT, OutParameter::Sap(handle(HandleKind::ClientSap, 3000)))
        .returned(CLIENT, Ddi::NdisClRegisterSap, status);
}

const CLOSE_CALL: Rule = Rule::CallCmCloseCompleteRequired;
const DEACTIVATE: Rule = Rule::VcMiniportDeactivateCompleteRequired;
const UNDONE: Rule = Rule::CallCmCloseDeactivate;
const ANSWER: Rule = Rule::CallIncomingCloseClosecall;

/// The client wants to close, and its call is with the call manager, which waits for the miniport or not.
fn unclosed_call(awaited: Option<Object>) -> Vec<Debt> {
    vec![
        waiting(CLIENT, UNBIND, client_binding(), call(1)),
        waiting(CM, UNBIND, cm_binding(), call(1)),
        waiting(CLIENT, NOTIFY, af(), call(1)),
        Debt { by: CM, rule: CLOSE_CALL, object: call(1), waits_for: awaited },
    ]
}

#[test]
fn a_close_of_a_call_that_is_never_completed_is_the_call_managers_fault_alone() {
    let client = stuck(3, &[frame(CLIENT, unbind())]);
    for stuck in [vec![], vec![client]] {
        let findings = judge(&connected(), &unclosed_call(None), &stuck);
        assert_eq!(findings.len(), 1);
        let Violation { rule, by, object, offence } = findings[0].violation;
        assert_eq!((rule, by, object, offence), (CLOSE_CALL, CM, call(1), "never completed"));
        assert_eq!(findings[0].chain.len(), 4 + stuck.len(), "all that stands still because of it");
    }
}

#[test]
fn a_close_that_waits_for_the_miniport_is_the_miniports_fault() {
    let mut debts = unclosed_call(Some(vc(1)));
    debts.push(debt(MINIPORT, DEACTIVATE, vc(1)));
    let client = stuck(3, &[frame(CLIENT, unbind())]);
    let manager = stuck(4, &[frame(CM, unbind())]);
    for stuck in [vec![], vec![client.clone()], vec![client, manager]] {
        assert_eq!(roots(&connected(), &debts, &stuck), [(MINIPORT, DEACTIVATE)]);
    }
}

#[test]
fn a_miniport_that_waits_in_its_handler_is_to_blame_itself() {
    let callback = Callback::MiniportCoDeactivateVc { vc_context: Token(7) };
    let handle = arg(vc_handle(HandleKind::CallManagerVc, 1));
    let within = frame_in_call(CM, unbind(), Call::CmDeactivateVc { vc: handle });
    let waits = stuck(5, &[within, frame(MINIPORT, callback)]);
    let debts = unclosed_call(Some(vc(1)));
    assert_eq!(roots(&connected(), &debts, &[waits]), [(MINIPORT, Rule::KernelDeadlock)]);
}

#[test]
fn a_deletion_that_was_refused_waits_for_the_call_manager_to_deactivate() {
    // What the call manager owes is told of the call; the client waits for the VC.
    let debts = [
        waiting(CLIENT, UNBIND, client_binding(), vc(1)),
        waiting(CLIENT, NOTIFY, af(), vc(1)),
        debt(CM, UNDONE, call(1)),
    ];
    assert_eq!(roots(&connected(), &debts, &[]), [(CM, UNDONE)]);
    // Also if it waits in its own unbind for what cannot come then.
    let manager = stuck(4, &[frame(CM, unbind())]);
    assert_eq!(roots(&connected(), &debts, &[manager]), [(CM, UNDONE)]);
    // But not if it stands still somewhere else: then it cannot do anything.
    let thread = stuck(4, &[Frame { driver: CM, callback: None, call: None }]);
    assert_eq!(roots(&connected(), &debts[2..], &[thread]), [(CM, Rule::KernelDeadlock)]);
}

#[test]
fn a_client_that_waits_without_closing_its_call_owes_that() {
    let debts = [waiting(CLIENT, UNBIND, client_binding(), af()), debt(CLIENT, ANSWER, call(1))];
    let waits = stuck(3, &[frame(CLIENT, unbind())]);
    assert_eq!(roots(&connected(), &debts, &[waits]), [(CLIENT, ANSWER)]);
    let elsewhere = stuck(3, &[frame(CLIENT, NOTIFIED)]);
    assert_eq!(roots(&connected(), &debts[1..], &[elsewhere]), [(CLIENT, Rule::KernelDeadlock)]);
}

#[test]
fn who_has_no_part_in_a_vc_does_not_wait_for_what_is_owed_on_it() {
    let mut trace = connected();
    creates(&mut trace, OTHER, 2);
    let debts = [debt(MINIPORT, DEACTIVATE, vc(2))];
    let waits = stuck(3, &[frame(CLIENT, unbind())]);
    let both = [(MINIPORT, DEACTIVATE), (CLIENT, Rule::BindingPromptTeardown)];
    assert_eq!(roots(&trace, &debts, std::slice::from_ref(&waits)), both);
    // One that is deleted is forgotten: then it may be the reason.
    deletes(&mut trace, OTHER, 2);
    assert_eq!(roots(&trace, &debts, &[waits]), [(MINIPORT, DEACTIVATE)]);
}

#[test]
fn a_client_waits_for_a_call_that_is_made_and_a_call_manager_for_an_answer() {
    let client = stuck(3, &[frame(CLIENT, NOTIFIED)]);
    let make = Rule::CallCmMakeCompleteRequired;
    assert_eq!(roots(&connected(), &[debt(CM, make, call(1))], &[client]), [(CM, make)]);
    let manager = stuck(3, &[frame(CM, unbind())]);
    let offer = Rule::CallIncomingCompleteRequired;
    assert_eq!(roots(&connected(), &[debt(CLIENT, offer, call(1))], &[manager]), [(CLIENT, offer)]);
}

#[test]
fn a_call_that_is_never_made_may_be_the_fault_of_who_is_called() {
    // The client calls OTHER, which never answers.
    let mut trace = connected();
    creates(&mut trace, OTHER, 2);
    let (make, offer) = (Rule::CallCmMakeCompleteRequired, Rule::CallIncomingCompleteRequired);
    let debts = [debt(CM, make, call(1)), debt(OTHER, offer, call(2))];
    assert_eq!(roots(&trace, &debts, &[]), [(OTHER, offer)]);
    let other = stuck(3, &[frame(OTHER, unbind())]);
    assert_eq!(roots(&trace, &debts, &[other]), [(OTHER, offer)], "it waits for what it keeps from coming");
    // What is owed on the same call is no answer that the call manager waits for, and another's call does not concern it.
    let same = [debts[0], debt(CLIENT, offer, call(1))];
    assert_eq!(roots(&trace, &same, &[]).len(), 2);
    let closes = [debt(CM, CLOSE_CALL, call(1)), debts[1]];
    assert_eq!(roots(&trace, &closes, &[]).len(), 2, "a close waits for nobody's answer");
}

#[test]
fn an_activation_that_is_never_completed_explains_a_call_that_is_never_made() {
    let activate = Rule::VcMiniportActivateCompleteRequired;
    let debts =
        [waiting(CM, Rule::CallCmMakeCompleteRequired, call(1), vc(1)), debt(MINIPORT, activate, vc(1))];
    assert_eq!(roots(&connected(), &debts, &[]), [(MINIPORT, activate)]);
}

#[test]
fn a_drop_that_is_never_completed_explains_the_close_that_does_not_come() {
    let mut trace = connected();
    adds_party(&mut trace, 1);
    let drop = Rule::PartyCmDropCompleteRequired;
    let debts = [
        waiting(CLIENT, UNBIND, client_binding(), party(1)),
        waiting(CLIENT, Rule::CallIncomingCloseDropParties, call(1), party(1)),
        debt(CM, drop, party(1)),
    ];
    let waits = stuck(3, &[frame(CLIENT, unbind())]);
    assert_eq!(roots(&trace, &debts, &[waits]), [(CM, drop)]);
    // The call manager stands still: it is its turn.
    let thread = stuck(4, &[Frame { driver: CM, callback: None, call: None }]);
    assert_eq!(roots(&trace, &debts[..2], &[thread]), [(CM, Rule::KernelDeadlock)]);
}

#[test]
fn a_deregistration_that_is_never_completed_explains_the_close_of_the_address_family() {
    let mut trace = opened();
    registers_sap(&mut trace, Status::SUCCESS);
    let rule = Rule::SapCmDeregCompleteRequired;
    let debts = [
        waiting(CLIENT, UNBIND, client_binding(), sap()),
        waiting(CM, CLOSE, af(), sap()),
        debt(CM, rule, sap()),
    ];
    let waits = stuck(3, &[frame(CLIENT, unbind())]);
    assert_eq!(roots(&trace, &debts, std::slice::from_ref(&waits)), [(CM, rule)]);
    // Somebody else does not wait for it.
    let other = stuck(3, &[frame(OTHER, unbind())]);
    assert_eq!(roots(&trace, &debts, &[other]), [(CM, rule), (OTHER, Rule::BindingPromptTeardown)]);
    // The call manager stands still in its handler.
    let handler = stuck(4, &[frame(CM, Callback::CmDeregisterSap { sap_context: Token(6) })]);
    assert_eq!(roots(&trace, &debts[..1], &[handler]), [(CM, Rule::KernelDeadlock)]);
}

#[test]
fn a_client_that_waits_for_its_call_on_the_call_managers_stack_deadlocks() {
    let waits = in_notification(NOTIFIED);
    let findings = judge(&connected(), &[debt(CM, CLOSE_CALL, call(1))], &[waits]);
    assert_eq!(findings.len(), 1);
    let Violation { rule, by, object, .. } = findings[0].violation;
    assert_eq!((rule, by, object), (Rule::KernelDeadlock, CLIENT, call(1)));
}

#[test]
fn a_vc_of_the_call_managers_own_concerns_the_miniport_too() {
    let mut trace = opened();
    let create = Call::CoCreateVc {
        binding: arg(binding()),
        af: model::HandleArg::Null,
        vc_context: Token(1),
        vc: model::HandleArg::Null,
    };
    let miniports = vc_handle(HandleKind::MiniportVc, 1);
    trace
        .called(CM, create)
        .invoked(MINIPORT, Callback::MiniportCoCreateVc { adapter_context: Token(3), vc: miniports })
        .replied(MINIPORT, Ddi::MiniportCoCreateVc, SUCCESS)
        .published(CM, OutParameter::Vc(vc_handle(HandleKind::CallManagerVc, 1)))
        .returned(CM, Ddi::NdisCoCreateVc, Status::SUCCESS);
    let waits = stuck(3, &[frame(CM, unbind())]);
    let debts = [debt(MINIPORT, DEACTIVATE, vc(1))];
    assert_eq!(roots(&trace, &debts, &[waits]), [(MINIPORT, DEACTIVATE)]);
    let client = stuck(3, &[frame(CLIENT, unbind())]);
    assert_eq!(roots(&trace, &debts, &[client]).len(), 2, "it is none of the client's");
}

#[test]
fn what_is_gone_is_forgotten() {
    let seen = |trace: &Trace| {
        let mut monitor = Liveness::new();
        trace.records.iter().for_each(|record| monitor.look(record));
        monitor
    };
    let mut trace = opened();
    let before = seen(&trace);
    let vc = arg(vc_handle(HandleKind::ClientVc, 1));
    for number in 1..=20 {
        creates(&mut trace, CLIENT, 1);
        adds_party(&mut trace, number);
        let party = arg(handle(HandleKind::ClientParty, 2000 + number));
        let drop = Call::ClDropParty { party, data: Token::NULL, size: 0 };
        trace.called(CLIENT, drop);
        match number % 4 {
            0 => trace.returned(CLIENT, Ddi::NdisClDropParty, Status::SUCCESS),
            1 => {
                let party = arg(handle(HandleKind::CallManagerParty, 2000 + number));
                trace
                    .returned(CLIENT, Ddi::NdisClDropParty, Status::PENDING)
                    .called(CM, Call::CmDropPartyComplete { status: Status::SUCCESS, party })
                    .invoked(
                        CLIENT,
                        Callback::ClDropPartyComplete { status: Status::SUCCESS, party_context: Token(9) },
                    )
                    .returned(CM, Ddi::NdisCmDropPartyComplete, Status::SUCCESS)
            }
            2 => trace
                .returned(CLIENT, Ddi::NdisClDropParty, Status::FAILURE)
                .called(CLIENT, Call::ClCloseCall { vc, party, data: Token::NULL, size: 0 })
                .returned(CLIENT, Ddi::NdisClCloseCall, Status::SUCCESS),
            _ => trace.returned(CLIENT, Ddi::NdisClDropParty, Status::FAILURE),
        };
        deletes(&mut trace, CLIENT, 1);
        registers_sap(&mut trace, Status::RESOURCES);
        registers_sap(&mut trace, Status::SUCCESS);
        let sap = arg(handle(HandleKind::ClientSap, 3000));
        trace.called(CLIENT, Call::ClDeregisterSap { sap }).returned(
            CLIENT,
            Ddi::NdisClDeregisterSap,
            Status::SUCCESS,
        );
    }
    assert_eq!(seen(&trace), before);
}

#[test]
fn a_thousand_calls_that_nobody_closes_are_judged_in_time() {
    let mut trace = opened();
    let mut debts = vec![waiting(CLIENT, UNBIND, client_binding(), af())];
    for number in 1..=1000 {
        creates(&mut trace, CLIENT, number);
        debts.push(debt(CLIENT, ANSWER, call(number)));
    }
    let waits = stuck(3, &[frame(CLIENT, unbind())]);
    assert_eq!(
        judge(&trace, &debts, &[waits]).len(),
        1,
        "one component: the driver that waits owes them all"
    );
}
