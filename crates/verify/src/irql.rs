//! The interrupt request level (IRQL) of calls.
//!
//! Each page gives the highest level at which its function may be called ([`DdiInfo::irql`](contract::DdiInfo::irql)),
//! and one rule of the contract collects the functions of an area that share a limit. A call above its limit breaks that
//! rule, at the call.
//!
//! A handler that NDIS called at `DISPATCH_LEVEL` because its page allows that (`af-irql-callbacks-dispatch` and its like
//! in other areas) must not wait and must not call what needs `PASSIVE_LEVEL`: then the handler is at fault, not the single
//! call.
//!
//! Three pages ask for exactly `DISPATCH_LEVEL`. That is read as a limit (`vc-q-exact-dispatch-irql`), so calls below it are
//! in order.
//!
//! All other calls of kernel routines above their level are judged where the kernel is played, in the engine.

use crate::object_of;
use alloc::vec::Vec;
use contract::{Area, Ddi, DdiKind, Detect, Enforcement, MaxIrql, Role, Rule};
use model::record::{self, Event, Finding, KernelCall, Monitor, Operation, Record, Rest, TaskNumber};
use model::{Call, DriverId, Object, Violation, World};

/// Compares the level of every call with its page.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Irql {
    /// The handlers that run, of all tasks; those of one task in the order of their calls.
    handlers: Vec<Handler>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Handler {
    task: TaskNumber,
    ddi: Ddi,
    /// The level at which NDIS called it.
    irql: record::Irql,
}

/// The rule that limits the level of calls of `ddi`, if drivers are bound by one.
///
/// ```
/// use contract::{Ddi, Rule};
/// assert_eq!(verify::irql::rule_of(Ddi::NdisCloseAdapterEx), Some(Rule::BindingIrqlPassive));
/// assert_eq!(verify::irql::rule_of(Ddi::ProtocolCmOpenAf), None);
/// ```
pub fn rule_of(ddi: Ddi) -> Option<Rule> {
    if ddi.info().kind == DdiKind::Callback {
        return None;
    }
    Rule::ALL.iter().copied().find(|rule| {
        let info = rule.info();
        info.detect == Detect::Irql
            && info.enforcement == Enforcement::Enforced
            && !info.binds.contains(&Role::Ndis)
            && info.ddis.contains(&ddi)
    })
}

/// The rule that a handler breaks which NDIS called at `DISPATCH_LEVEL` and which cannot work there, if it has to.
///
/// ```
/// use contract::{Ddi, Rule};
/// assert_eq!(verify::irql::rule_of_handler(Ddi::ProtocolCmMakeCall), Some(Rule::CallCallbacksDispatchSafe));
/// assert_eq!(verify::irql::rule_of_handler(Ddi::ProtocolBindAdapterEx), None);
/// ```
pub fn rule_of_handler(ddi: Ddi) -> Option<Rule> {
    let rule = match ddi.info().area {
        Area::Af => Rule::AfIrqlCallbacksDispatch,
        Area::Sap => Rule::SapIrql,
        Area::Vc => Rule::VcCallbacksDispatchSafe,
        Area::Call => Rule::CallCallbacksDispatchSafe,
        Area::Party => Rule::PartyCallbacksDispatchSafe,
        Area::Registration
        | Area::Binding
        | Area::Oid
        | Area::Data
        | Area::Status
        | Area::Tapi
        | Area::Kernel => return None,
    };
    let handles = ddi.info().kind == DdiKind::Callback && rule.info().ddis.contains(&ddi);
    handles.then_some(rule)
}

impl Irql {
    /// A monitor that has seen nothing.
    pub fn new() -> Irql {
        Irql::default()
    }

    /// Takes one record.
    ///
    /// # Errors
    /// The call was made above the level that its page allows.
    pub fn look(&mut self, record: &Record) -> Result<(), Violation> {
        match record.event {
            Event::Invoked(_, ref callback) => {
                self.handlers.push(Handler { task: record.task, ddi: callback.ddi(), irql: record.irql });
                Ok(())
            }
            Event::Replied(..) => {
                if let Some(index) = self.handlers.iter().rposition(|handler| handler.task == record.task) {
                    self.handlers.remove(index);
                }
                Ok(())
            }
            Event::Ended => {
                self.handlers.retain(|handler| handler.task != record.task);
                Ok(())
            }
            // Every function may be called at PASSIVE_LEVEL.
            Event::Called(driver, ref call) if record.irql != record::Irql::PASSIVE => {
                self.called(record, driver, call)
            }
            Event::Kernel(driver, ref call) if record.irql != record::Irql::PASSIVE => {
                self.kernel(record, driver, call)
            }
            Event::Commanded(_)
            | Event::Started(_)
            | Event::Queued(..)
            | Event::Called(..)
            | Event::Published(..)
            | Event::Returned(..)
            | Event::Waiting(..)
            | Event::Kernel(..)
            | Event::Printed(..)
            | Event::Edge(..)
            | Event::Warned(_)
            | Event::Violated(_) => Ok(()),
        }
    }

    fn called(&self, record: &Record, driver: DriverId, call: &Call) -> Result<(), Violation> {
        let ddi = call.ddi();
        let Some(max) = ddi.info().irql else { return Ok(()) };
        if record.irql.within(max) {
            return Ok(());
        }
        if let Some(rule) = self.raised_handler(record.task).filter(|_| max == MaxIrql::Passive) {
            return Err(Violation {
                rule,
                by: driver,
                object: object_of(driver, call),
                offence: "called a function for PASSIVE_LEVEL from a handler that was called at DISPATCH_LEVEL",
            });
        }
        let Some(rule) = rule_of(ddi) else { return Ok(()) };
        let offence = match max {
            MaxIrql::Passive => "called above PASSIVE_LEVEL",
            MaxIrql::Dispatch => "called above DISPATCH_LEVEL",
            MaxIrql::Any => return Ok(()),
        };
        Err(Violation { rule, by: driver, object: object_of(driver, call), offence })
    }

    fn kernel(&self, record: &Record, driver: DriverId, call: &KernelCall) -> Result<(), Violation> {
        let offence = if waits(call.operation) && record.irql >= record::Irql::DISPATCH {
            "waited in a handler that was called at DISPATCH_LEVEL"
        } else if call.max_irql == MaxIrql::Passive {
            "called a kernel routine for PASSIVE_LEVEL from a handler that was called at DISPATCH_LEVEL"
        } else {
            return Ok(());
        };
        let Some(rule) = self.raised_handler(record.task) else { return Ok(()) };
        Err(Violation { rule, by: driver, object: Object::Driver(driver), offence })
    }

    /// The rule for the innermost handler of the task, if NDIS called it at `DISPATCH_LEVEL`.
    fn raised_handler(&self, task: TaskNumber) -> Option<Rule> {
        let innermost = self.handlers.iter().rfind(|handler| handler.task == task)?;
        rule_of_handler(innermost.ddi).filter(|_| innermost.irql >= record::Irql::DISPATCH)
    }
}

/// Whether an operation gives up the processor. A wait with a time-out of zero only looks.
fn waits(operation: Operation) -> bool {
    match operation {
        Operation::Wait(_, timeout) => timeout != Some(0),
        Operation::Sleep(_) => true,
        Operation::Initialize(..)
        | Operation::Set(_)
        | Operation::Reset(_)
        | Operation::Read(_)
        | Operation::Acquire { .. }
        | Operation::Release { .. }
        | Operation::Queue(_)
        | Operation::Arm { .. }
        | Operation::Cancel(_)
        | Operation::Allocate(..)
        | Operation::Free(_)
        | Operation::RaiseIrql(_)
        | Operation::LowerIrql(_)
        | Operation::Other => false,
    }
}

impl Monitor for Irql {
    fn see(&mut self, record: &Record, _world: &World) -> Result<(), Violation> {
        self.look(record)
    }

    fn at_rest(&mut self, _rest: &Rest<'_>) -> Vec<Finding> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CLIENT, CM, Trace, arg, client_af, cm_af, handle};
    use contract::Status;
    use model::block::{CallParameters, Name};
    use model::{CallId, Callback, HandleKind, Reply, Side, Token};

    /// The rule that the trace's last record breaks; no record before it may break one.
    fn judge(trace: &Trace) -> Option<Rule> {
        let mut monitor = Irql::new();
        let (last, before) = trace.records.split_last().expect("a trace with records");
        for record in before {
            assert_eq!(monitor.look(record), Ok(()), "{record:?}");
        }
        monitor.look(last).err().map(|violation| violation.rule)
    }

    fn close_adapter() -> Call {
        Call::CloseAdapterEx { binding: arg(crate::testing::binding()) }
    }

    /// NDIS calls `ProtocolCmCloseAf` at `irql`, because the client closed there.
    fn in_close_handler(irql: record::Irql) -> Trace {
        let mut trace = Trace::new();
        trace.irql(irql);
        trace.called(CLIENT, Call::ClCloseAddressFamily { af: arg(client_af(1)) });
        trace.invoked(CM, Callback::CmCloseAf { af_context: Token(1) });
        trace
    }

    #[test]
    fn every_call_has_a_limit_and_a_rule_for_it() {
        for &ddi in Ddi::ALL.iter().filter(|&&ddi| Call::argument_names(ddi).is_some()) {
            assert!(ddi.info().irql.is_some(), "{ddi} has no limit");
            let rule = rule_of(ddi).unwrap_or_else(|| panic!("{ddi} has no rule"));
            assert_eq!(rule.info().enforcement, Enforcement::Enforced, "{ddi}: {rule}");
        }
    }

    #[test]
    fn every_handler_that_may_be_called_at_dispatch_level_has_a_rule_for_it() {
        for &ddi in Ddi::ALL.iter().filter(|&&ddi| Callback::argument_names(ddi).is_some()) {
            let is_raised = ddi.info().irql == Some(MaxIrql::Dispatch);
            assert_eq!(rule_of_handler(ddi).is_some(), is_raised, "{ddi}");
        }
    }

    #[test]
    fn a_function_for_passive_level_is_not_called_at_dispatch_level() {
        let mut trace = Trace::new();
        trace.irql(record::Irql::DISPATCH).called(CLIENT, close_adapter());
        assert_eq!(judge(&trace), Some(Rule::BindingIrqlPassive));

        let mut trace = Trace::new();
        trace.irql(record::Irql::PASSIVE).called(CLIENT, close_adapter());
        assert_eq!(judge(&trace), None);
    }

    #[test]
    fn the_rule_is_that_of_the_area() {
        let mut trace = Trace::new();
        let open = Call::ClOpenAddressFamilyEx {
            binding: arg(crate::testing::binding()),
            family: crate::testing::FAMILY,
            af_context: Token(1),
        };
        trace.irql(record::Irql::APC).called(CLIENT, open);
        assert_eq!(judge(&trace), Some(Rule::AfIrqlPassive));
    }

    #[test]
    fn a_close_may_be_called_at_dispatch_level_and_not_above() {
        let close = Call::ClCloseAddressFamily { af: arg(client_af(1)) };
        let mut trace = Trace::new();
        trace.irql(record::Irql::DISPATCH).called(CLIENT, close);
        assert_eq!(judge(&trace), None);

        let mut trace = Trace::new();
        trace.irql(record::Irql(5)).called(CLIENT, close);
        assert_eq!(judge(&trace), Some(Rule::AfIrqlDispatch));
    }

    #[test]
    fn the_finding_names_the_address_family() {
        let mut trace = Trace::new();
        trace.irql(record::Irql(5)).called(CLIENT, Call::ClCloseAddressFamily { af: arg(client_af(1)) });
        let violation = Irql::new().look(&trace.records[0]).expect_err("above DISPATCH_LEVEL");
        assert_eq!(violation.object, Object::Af(model::AfId(client_af(1))));
        assert_eq!((violation.by, violation.offence), (CLIENT, "called above DISPATCH_LEVEL"));
    }

    #[test]
    fn a_handler_that_was_called_at_dispatch_level_does_not_wait() {
        let mut trace = in_close_handler(record::Irql::DISPATCH);
        trace.kernel(CM, Operation::Wait(Token(9), None), MaxIrql::Dispatch);
        assert_eq!(judge(&trace), Some(Rule::AfIrqlCallbacksDispatch));

        let mut trace = in_close_handler(record::Irql::DISPATCH);
        trace.kernel(CM, Operation::Sleep(10), MaxIrql::Passive);
        assert_eq!(judge(&trace), Some(Rule::AfIrqlCallbacksDispatch));

        let mut looks = in_close_handler(record::Irql::DISPATCH);
        looks.kernel(CM, Operation::Wait(Token(9), Some(0)), MaxIrql::Dispatch);
        assert_eq!(judge(&looks), None);

        let mut passive = in_close_handler(record::Irql::PASSIVE);
        passive.kernel(CM, Operation::Wait(Token(9), None), MaxIrql::Dispatch);
        assert_eq!(judge(&passive), None);
    }

    #[test]
    fn nor_does_it_call_what_needs_passive_level() {
        let mut trace = in_close_handler(record::Irql::DISPATCH);
        trace.called(CM, close_adapter());
        assert_eq!(judge(&trace), Some(Rule::AfIrqlCallbacksDispatch));

        let mut trace = in_close_handler(record::Irql::DISPATCH);
        trace.kernel(CM, Operation::Other, MaxIrql::Passive);
        assert_eq!(judge(&trace), Some(Rule::AfIrqlCallbacksDispatch));

        let mut allowed = in_close_handler(record::Irql::DISPATCH);
        allowed.called(CM, Call::CmCloseAddressFamilyComplete { status: Status::SUCCESS, af: arg(cm_af(1)) });
        assert_eq!(judge(&allowed), None);
    }

    /// A handler of each area, with the driver that has it and the area's rule.
    fn handlers() -> [(DriverId, Callback, Rule); 6] {
        let parameters = CallParameters::NULL;
        let sap = Callback::CmDeregisterSap { sap_context: Token(1) };
        let create = Callback::CoCreateVc {
            af_context: Token(1),
            vc: handle(HandleKind::ClientVc, 1),
            side: Side::Client,
        };
        let activate = Callback::MiniportCoActivateVc { vc_context: Token(1), parameters };
        let offer = Callback::ClIncomingCall { sap_context: Token(1), vc_context: Token(2), parameters };
        let drop = Callback::CmDropParty { party_context: Token(1), data: Token::NULL, size: 0 };
        let close = Callback::CmCloseAf { af_context: Token(1) };
        [
            (CM, close, Rule::AfIrqlCallbacksDispatch),
            (CM, sap, Rule::SapIrql),
            (CLIENT, create, Rule::VcCallbacksDispatchSafe),
            (crate::testing::MINIPORT, activate, Rule::VcCallbacksDispatchSafe),
            (CLIENT, offer, Rule::CallCallbacksDispatchSafe),
            (CM, drop, Rule::PartyCallbacksDispatchSafe),
        ]
    }

    #[test]
    fn each_area_has_a_rule_of_its_own_for_its_handlers() {
        for (driver, callback, rule) in handlers() {
            let inside = |irql| {
                let mut trace = Trace::new();
                trace.irql(irql).invoked(driver, callback);
                trace
            };
            let mut waits = inside(record::Irql::DISPATCH);
            waits.kernel(driver, Operation::Wait(Token(9), None), MaxIrql::Dispatch);
            assert_eq!(judge(&waits), Some(rule), "{callback:?}");
            let mut calls = inside(record::Irql::DISPATCH);
            calls.called(driver, close_adapter());
            assert_eq!(judge(&calls), Some(rule), "{callback:?}");
            let mut looks = inside(record::Irql::DISPATCH);
            looks.kernel(driver, Operation::Wait(Token(9), Some(0)), MaxIrql::Dispatch);
            assert_eq!(judge(&looks), None, "{callback:?}");
            let mut passive = inside(record::Irql::PASSIVE);
            passive.kernel(driver, Operation::Sleep(1), MaxIrql::Passive);
            assert_eq!(judge(&passive), None, "{callback:?}");
        }
    }

    #[test]
    fn functions_of_connections_may_be_called_at_dispatch_level_and_not_above() {
        let vc = arg(handle(HandleKind::ClientVc, 1));
        let sap = arg(handle(HandleKind::ClientSap, 1));
        let party = arg(handle(HandleKind::ClientParty, 1));
        let name = Name::new("n").expect("a short name");
        let cases = [
            (Call::ClDeregisterSap { sap }, Rule::SapIrql),
            (Call::CoDeleteVc { vc }, Rule::VcIrqlDispatch),
            (Call::ClCloseCall { vc, party, data: Token::NULL, size: 0 }, Rule::CallIrqlDispatch),
            (Call::ClDropParty { party, data: Token::NULL, size: 0 }, Rule::PartyIrqlDispatch),
            (Call::CoAssignInstanceName { vc, base_name: name }, Rule::VcNameIrql),
            (Call::CoGetTapiCallId { vc, size: 0 }, Rule::TapiCallIdIrql),
            (Call::ClGetProtocolVcContextFromTapiCallId { call_id: CallId(1) }, Rule::TapiCallIdIrql),
        ];
        for (call, rule) in cases {
            for (irql, expected) in [
                (record::Irql(3), Some(rule)),
                (record::Irql::DISPATCH, None),
                // Three pages ask for exactly DISPATCH_LEVEL, and are read as a limit.
                (record::Irql::PASSIVE, None),
            ] {
                let mut trace = Trace::new();
                trace.irql(irql).called(CLIENT, call);
                assert_eq!(judge(&trace), expected, "{call:?} at {irql:?}");
            }
        }
    }

    #[test]
    fn a_driver_that_raised_the_level_itself_breaks_the_rule_of_the_call() {
        let mut trace = in_close_handler(record::Irql::PASSIVE);
        trace.irql(record::Irql::DISPATCH).called(CM, close_adapter());
        assert_eq!(judge(&trace), Some(Rule::BindingIrqlPassive));

        // Kernel routines are the engine's to judge there.
        let mut trace = in_close_handler(record::Irql::PASSIVE);
        trace.irql(record::Irql::DISPATCH);
        trace.kernel(CM, Operation::Wait(Token(9), None), MaxIrql::Dispatch);
        assert_eq!(judge(&trace), None);
    }

    #[test]
    fn a_handler_that_has_returned_counts_no_more() {
        let mut trace = in_close_handler(record::Irql::DISPATCH);
        trace.replied(CM, Ddi::ProtocolCmCloseAf, Reply::status(Status::SUCCESS));
        trace.returned(CLIENT, Ddi::NdisClCloseAddressFamily, Status::SUCCESS);
        trace.called(CLIENT, close_adapter());
        assert_eq!(judge(&trace), Some(Rule::BindingIrqlPassive));

        // A handler on another task does not count either.
        let mut trace = in_close_handler(record::Irql::DISPATCH);
        trace.task(2).called(CM, close_adapter());
        assert_eq!(judge(&trace), Some(Rule::BindingIrqlPassive));
    }
}
