//! Traces and findings as text and as JSON, on records made by hand.

mod calls;
mod round_trip;

use contract::{Ddi, MaxIrql, Rule, Status};
use expect_test::expect;
use model::block::AddressFamily;
use model::record::{Event, Irql, KernelCall, Link, ObjectKind, Operation, Record, TaskNumber, WaitsFor};
use model::{
    AdapterId, AfId, BindingId, Call, Callback, Command, Config, Debt, DriverId, HaltAction, Handle,
    HandleArg, HandleKind, Input, Job, Notice, Object, OutParameter, Reply, Step, StopOrder, Task, TaskId,
    Token, Violation, World,
};
use report::finding::{Evidence, Place};
use report::trace::{Show, Writer};
use report::{Finding, Level, Look, Names, json};

const CLIENT: DriverId = DriverId(1);
const MCM: DriverId = DriverId(0);
const NIC: AdapterId = AdapterId(0);
const FAMILY: AddressFamily = AddressFamily { family: 0x801, major: 0, minor: 0 };

/// A handle, told apart by its kind and number. Only NDIS makes handles, so a world that starts an adapter makes it.
fn handle(kind: HandleKind, count: u32) -> Handle {
    let adapters = vec![DriverId(0)];
    let config = Config {
        drivers: 1,
        adapters,
        stop_order: StopOrder::Strict,
        pend_open: false,
        pend_close: false,
        pend_mcm: false,
    };
    let mut task = Task { made: count, ..Task::new(TaskId::ENVIRONMENT) };
    match World::new(config).step(&mut task, Input::Start(Job::Initialize(NIC)), &mut |_: Notice| {}) {
        Ok(Step::Invoke(_, _, Callback::MiniportInitializeEx { adapter, .. })) => {
            let mut handle = adapter;
            handle.kind = kind;
            handle
        }
        other => panic!("an adapter's start calls its miniport, not {other:?}"),
    }
}

fn af(count: u32) -> Handle {
    handle(HandleKind::ClientAf, count)
}

fn cmaf(count: u32) -> Handle {
    handle(HandleKind::CallManagerAf, count)
}

fn binding() -> BindingId {
    BindingId(handle(HandleKind::BindContext, 7))
}

/// Records that grow on one task until told otherwise.
#[derive(Default)]
struct Trace {
    records: Vec<Record>,
    task: u16,
    depth: u8,
    dispatch: bool,
}

impl Trace {
    fn on(&mut self, task: u16, depth: u8) -> &mut Trace {
        (self.task, self.depth) = (task, depth);
        self
    }

    fn see(&mut self, event: Event) -> &mut Trace {
        let irql = if self.dispatch { Irql::DISPATCH } else { Irql::PASSIVE };
        let site = matches!(event, Event::Called(..)).then_some(0x1200 + self.records.len() as u32);
        self.records.push(Record {
            task: TaskNumber(self.task),
            processor: (self.task % 2) as u8,
            irql,
            depth: self.depth,
            time: 0,
            site,
            event,
        });
        self
    }

    fn call(&mut self, driver: DriverId, call: Call) -> &mut Trace {
        self.see(Event::Called(driver, call))
    }

    fn returns(&mut self, driver: DriverId, ddi: Ddi, status: Status) -> &mut Trace {
        self.see(Event::Returned(driver, ddi, status))
    }

    fn invoke(&mut self, driver: DriverId, callback: Callback) -> &mut Trace {
        self.see(Event::Invoked(driver, callback))
    }

    fn reply(&mut self, driver: DriverId, ddi: Ddi, reply: Reply) -> &mut Trace {
        self.see(Event::Replied(driver, ddi, reply))
    }

    fn kernel(&mut self, driver: DriverId, routine: &'static str, operation: Operation) -> &mut Trace {
        self.see(Event::Kernel(driver, KernelCall { routine, max_irql: MaxIrql::Any, operation }))
    }
}

/// A client opens two address families at once; the call manager pends both, in crossing order.
fn opening(trace: &mut Trace) {
    let open = |binding, context| Call::ClOpenAddressFamilyEx {
        binding,
        family: FAMILY,
        af_context: Token(context),
    };
    let bound: HandleArg = handle(HandleKind::Binding, 8).into();
    trace.on(0, 0).see(Event::Commanded(Command::Start(NIC)));
    trace.on(1, 0).see(Event::Started(Job::Bind(CLIENT, NIC)));
    let parameters = model::block::OpenParameters {
        header: model::block::Header { object_type: 0x87, revision: 1, size: 64 },
        names_bound_adapter: true,
        media: model::block::Media::new(&[12]).expect("one medium fits"),
        frame_types: 0,
    };
    let protocol = handle(HandleKind::ProtocolDriver, 1).into();
    let bind_context = binding().0.into();
    trace.on(1, 1).call(
        CLIENT,
        Call::OpenAdapterEx { protocol, binding_context: Token(0x40), parameters, bind_context },
    );
    trace.see(Event::Edge(Object::Binding(binding()), "Offered", "Open"));
    trace.see(Event::Published(CLIENT, OutParameter::Binding(handle(HandleKind::Binding, 8), 0)));
    trace.returns(CLIENT, Ddi::NdisOpenAdapterEx, Status::SUCCESS);
    trace.on(2, 0).call(CLIENT, open(bound, 0x100));
    trace.see(Event::Edge(Object::Af(AfId(af(20))), "Idle", "Opening"));
    trace.on(3, 0).call(CLIENT, open(bound, 0x200));
    trace.see(Event::Edge(Object::Af(AfId(af(10))), "Idle", "Opening"));
    let offered = |af| Callback::CmOpenAf { binding_context: Token(0x900), family: FAMILY, af };
    let pend = |context| Reply::status(Status::PENDING).with_context(Token(context));
    trace.on(3, 1).invoke(MCM, offered(cmaf(11))).reply(MCM, Ddi::ProtocolCmOpenAf, pend(0xb00));
    trace.on(2, 1).invoke(MCM, offered(cmaf(21))).reply(MCM, Ddi::ProtocolCmOpenAf, pend(0xa00));
    trace.on(3, 0).see(Event::Published(CLIENT, OutParameter::AddressFamily(af(10))));
    trace.returns(CLIENT, Ddi::NdisClOpenAddressFamilyEx, Status::PENDING);
    trace.on(2, 0).see(Event::Published(CLIENT, OutParameter::AddressFamily(af(20))));
    trace.returns(CLIENT, Ddi::NdisClOpenAddressFamilyEx, Status::PENDING);
}

fn names(trace: &Trace) -> Names {
    let mut names = Names::new(
        vec!["mcm".to_owned(), "client".to_owned(), "miniport".to_owned()],
        vec!["nic1".to_owned()],
    );
    trace.records.iter().for_each(|record| names.learn(record));
    names
}

/// The lines of a trace. A snapshot needs one line in front that is not indented.
fn text(trace: &Trace, look: Look, show: Show) -> String {
    let writer = Writer::new(names(trace), look, show);
    let lines = trace.records.iter().enumerate();
    let texts = ["AF context 5\n".to_owned()];
    lines.filter_map(|(index, record)| writer.line(index + 1, record, &texts)).collect()
}

#[test]
fn handles_of_one_object_have_one_number_whatever_the_order() {
    let mut trace = Trace::default();
    opening(&mut trace);
    expect![[r#"
        lines:
            1 T0     - -         environment  start nic1
            2 T1     1 PASSIVE   NDIS         start: bind client to nic1
            3 T1     1 PASSIVE   client         NdisOpenAdapterEx(protocol1, binding_context=c1, parameters={media NdisMediumCoWan}, bind1)
            4 T1     1 PASSIVE   NDIS           binding1: Offered -> Open
            5 T1     1 PASSIVE   client         *NdisBindingHandle = binding1, *SelectedMediumIndex = 0
            6 T1     1 PASSIVE   client         NdisOpenAdapterEx = NDIS_STATUS_SUCCESS
            7 T2     0 PASSIVE   client       NdisClOpenAddressFamilyEx(binding1, family=CO_ADDRESS_FAMILY_TAPI_PROXY, af_context=c2)
            8 T2     0 PASSIVE   NDIS         af1: Idle -> Opening
            9 T3     1 PASSIVE   client       NdisClOpenAddressFamilyEx(binding1, family=CO_ADDRESS_FAMILY_TAPI_PROXY, af_context=c3)
           10 T3     1 PASSIVE   NDIS         af2: Idle -> Opening
           11 T3     1 PASSIVE   mcm            ProtocolCmOpenAf(binding_context=c4, family=CO_ADDRESS_FAMILY_TAPI_PROXY, cmaf2)
           12 T3     1 PASSIVE   mcm            ProtocolCmOpenAf = NDIS_STATUS_PENDING, *CallMgrAfContext = c5
           13 T2     0 PASSIVE   mcm            ProtocolCmOpenAf(binding_context=c4, family=CO_ADDRESS_FAMILY_TAPI_PROXY, cmaf1)
           14 T2     0 PASSIVE   mcm            ProtocolCmOpenAf = NDIS_STATUS_PENDING, *CallMgrAfContext = c6
           15 T3     1 PASSIVE   client       *NdisAfHandle = af2
           16 T3     1 PASSIVE   client       NdisClOpenAddressFamilyEx = NDIS_STATUS_PENDING
           17 T2     0 PASSIVE   client       *NdisAfHandle = af1
           18 T2     0 PASSIVE   client       NdisClOpenAddressFamilyEx = NDIS_STATUS_PENDING
    "#]].assert_eq(&format!("lines:\n{}", text(&trace, Look::PLAIN, Show::default())));
}

/// One event of each kind that the other tests do not show.
fn everything() -> Trace {
    let mut trace = Trace::default();
    trace.on(0, 0).see(Event::Commanded(Command::SurpriseRemove(NIC)));
    trace.on(1, 0).see(Event::Started(Job::Halt(NIC)));
    trace.on(1, 1).invoke(
        MCM,
        Callback::MiniportHaltEx { adapter_context: Token(0x10), action: HaltAction::DeviceSurpriseRemoved },
    );
    trace.on(1, 2).see(Event::Printed(MCM, 0));
    trace.kernel(
        MCM,
        "NdisInitializeEvent",
        Operation::Initialize(Token(0x500), ObjectKind::NotificationEvent { set: false }),
    );
    trace.kernel(MCM, "NdisWaitEvent", Operation::Wait(Token(0x500), Some(30_000)));
    trace.call(MCM, Call::CmNotifyCloseAddressFamily { af: HandleArg::Unknown(0xdead) });
    trace.call(MCM, Call::CmNotifyCloseAddressFamily { af: HandleArg::Null });
    trace.see(Event::Waiting(MCM, model::Condition::Unbound(CLIENT)));
    trace.on(1, 1).reply(MCM, Ddi::MiniportHaltEx, Reply::VOID);
    let violation = Violation {
        rule: Rule::AfNotifyOnHalt,
        by: MCM,
        object: Object::Adapter(NIC),
        offence: "the halt is over with af1 open",
    };
    trace.see(Event::Warned(violation)).see(Event::Ended);
    trace
}

#[test]
fn every_kind_of_line() {
    expect![[r#"
        lines:
            1 T0     - -         environment  surprise-remove nic1
            2 T1     1 PASSIVE   NDIS         start: halt nic1
            3 T1     1 PASSIVE   mcm            MiniportHaltEx(adapter_context=c1, action=NdisHaltDeviceSurpriseRemoved)
            4 T1     1 PASSIVE   mcm              "AF context 5"
            5 T1     1 PASSIVE   mcm              NdisInitializeEvent(kevent1)
            6 T1     1 PASSIVE   mcm              NdisWaitEvent(kevent1, 3 ms)
            7 T1     1 PASSIVE   mcm              NdisCmNotifyCloseAddressFamily(af=0xdead)
            8 T1     1 PASSIVE   mcm              NdisCmNotifyCloseAddressFamily(af=NULL)
            9 T1     1 PASSIVE   mcm              wait: no binding of client is left
           10 T1     1 PASSIVE   mcm            MiniportHaltEx returns
           11 T1     1 PASSIVE   mcm            breaks af-notify-on-halt on nic1: the halt is over with af1 open
           12 T1     1 PASSIVE   NDIS           end
    "#]].assert_eq(&format!("lines:\n{}", text(&everything(), Look::PLAIN, Show { edges: true, kernel: true })));
}

#[test]
fn kernel_calls_and_edges_can_be_left_out_without_changing_numbers() {
    let mut trace = Trace::default();
    opening(&mut trace);
    let shown = text(&trace, Look::PLAIN, Show { edges: false, kernel: false });
    assert!(!shown.contains("->"), "{shown}");
    assert!(shown.lines().last().expect("lines").trim_start().starts_with(&trace.records.len().to_string()));
    let everything = text(&everything(), Look::PLAIN, Show { edges: true, kernel: false });
    assert!(!everything.contains("NdisWaitEvent"), "{everything}");
}

#[test]
fn lines_are_cut_to_a_terminal_only() {
    let mut trace = Trace::default();
    opening(&mut trace);
    let narrow = text(&trace, Look { colour: false, width: Some(80) }, Show::default());
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    assert!(narrow.contains('…'));
    assert!(!text(&trace, Look::PLAIN, Show::default()).contains('…'));
}

#[test]
fn colours_change_nothing_but_the_colours() {
    let mut trace = Trace::default();
    opening(&mut trace);
    let coloured = text(&trace, Look { colour: true, width: None }, Show::default());
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some(start) = rest.find('\u{1b}') {
        plain += &rest[..start];
        let end = rest[start..].find('m').expect("a sequence ends");
        rest = &rest[start + end + 1..];
    }
    plain += rest;
    assert_eq!(plain, text(&trace, Look::PLAIN, Show::default()));
}

#[test]
fn a_line_as_json() {
    let mut trace = Trace::default();
    opening(&mut trace);
    let names = names(&trace);
    let lines = [7, 11, 12].map(|number| json::line(&names, number, &trace.records[number - 1], &[]));
    expect![[r#"
        [
          {
            "line": 7,
            "task": 2,
            "cpu": 0,
            "irql": 0,
            "depth": 0,
            "time": 0,
            "site": 4614,
            "who": "client",
            "event": "called",
            "text": "NdisClOpenAddressFamilyEx(binding1, family=CO_ADDRESS_FAMILY_TAPI_PROXY, af_context=c2)",
            "arguments": {
              "af_context": "c2",
              "binding": "binding1",
              "family": {
                "family": 2049,
                "major": 0,
                "minor": 0
              }
            },
            "ddi": "NdisClOpenAddressFamilyEx"
          },
          {
            "line": 11,
            "task": 3,
            "cpu": 1,
            "irql": 0,
            "depth": 1,
            "time": 0,
            "who": "mcm",
            "event": "invoked",
            "text": "ProtocolCmOpenAf(binding_context=c4, family=CO_ADDRESS_FAMILY_TAPI_PROXY, cmaf2)",
            "arguments": {
              "af": "cmaf2",
              "binding_context": "c4",
              "family": {
                "family": 2049,
                "major": 0,
                "minor": 0
              }
            },
            "ddi": "ProtocolCmOpenAf"
          },
          {
            "line": 12,
            "task": 3,
            "cpu": 1,
            "irql": 0,
            "depth": 1,
            "time": 0,
            "who": "mcm",
            "event": "replied",
            "text": "ProtocolCmOpenAf = NDIS_STATUS_PENDING, *CallMgrAfContext = c5",
            "context": "c5",
            "ddi": "ProtocolCmOpenAf",
            "parameters": null,
            "status": "NDIS_STATUS_PENDING"
          }
        ]"#]]
    .assert_eq(&serde_json::to_string_pretty(&lines).expect("JSON"));
}

fn finding(trace: &Trace, violation: Violation, chain: &[Link]) -> (String, serde_json::Value) {
    let names = names(trace);
    let site = |driver: DriverId, offset| Place {
        module: format!("{}.sys", names.driver(driver)),
        offset,
        function: None,
        file: None,
        line: None,
    };
    let evidence = Evidence { records: &trace.records, texts: &[], names: &names, site: &site };
    let mut finding = Finding::gather(&evidence, violation, chain, Level::Error);
    finding.replay = Some("condis replay 0.1.0::00000000:c1: mcm.sys".to_owned());
    let value = serde_json::to_value(&finding).expect("JSON");
    (finding.text(&evidence, Look::PLAIN), value)
}

/// The call manager completes the close of the first address family twice; the second one is none of its business.
#[test]
fn a_breach_at_a_call_shows_the_object_and_its_part_of_the_trace() {
    let mut trace = Trace::default();
    opening(&mut trace);
    let close = Call::CmCloseAddressFamilyComplete { status: Status::SUCCESS, af: cmaf(21).into() };
    let object = Object::Af(AfId(af(20)));
    trace.on(4, 0).call(CLIENT, Call::ClCloseAddressFamily { af: af(20).into() });
    trace.see(Event::Edge(object, "Open", "Closing"));
    trace.on(4, 1).invoke(MCM, Callback::CmCloseAf { af_context: Token(0xa00) });
    trace.on(4, 2).call(MCM, close).see(Event::Edge(object, "Closing", "Closed"));
    trace.returns(MCM, Ddi::NdisCmCloseAddressFamilyComplete, Status::SUCCESS);
    trace.call(MCM, close);
    let violation = Violation {
        rule: Rule::AfCmCloseCompletePendingOnly,
        by: MCM,
        object,
        offence: "completed a second time",
    };
    trace.see(Event::Violated(violation));
    let (text, value) = finding(&trace, violation, &[]);
    assert_eq!(value["level"], "error");
    assert_eq!(value["line"], trace.records.len());
    expect![[r#"
        error[af-cm-close-complete-pending-only]: mcm: af1: completed a second time (in NdisCmCloseAddressFamilyComplete)
          --> mcm.sys+0x1218, line 26 of the trace
           = rule: Ndis(M)CmCloseAddressFamilyComplete is called only for an AF whose close is pending in
                   the call manager. A completion made while ProtocolCmCloseAf is still running is fine if
                   the handler then returns PENDING.
           = page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndiscmcloseaddressfamilycomplete
           = page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndismcmcloseaddressfamilycomplete
          :: objects:
              af1: Idle -> Opening (line 8) -> Closing (line 20) -> Closed (line 23)
          :: trace, cut to these objects:
            7 T2     0 PASSIVE   client       NdisClOpenAddressFamilyEx(binding1, family=CO_ADDRESS_FAMILY_TAPI_PROXY, af_context=c2)
            8 T2     0 PASSIVE   NDIS         af1: Idle -> Opening
           13 T2     0 PASSIVE   mcm            ProtocolCmOpenAf(binding_context=c4, family=CO_ADDRESS_FAMILY_TAPI_PROXY, cmaf1)
           14 T2     0 PASSIVE   mcm            ProtocolCmOpenAf = NDIS_STATUS_PENDING, *CallMgrAfContext = c6
           17 T2     0 PASSIVE   client       *NdisAfHandle = af1
           18 T2     0 PASSIVE   client       NdisClOpenAddressFamilyEx = NDIS_STATUS_PENDING
           19 T4     0 PASSIVE   client       NdisClCloseAddressFamily(af1)
           20 T4     0 PASSIVE   NDIS         af1: Open -> Closing
           21 T4     0 PASSIVE   mcm            ProtocolCmCloseAf(af_context=c6)
           22 T4     0 PASSIVE   mcm              NdisCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, cmaf1)
           23 T4     0 PASSIVE   NDIS             af1: Closing -> Closed
           24 T4     0 PASSIVE   mcm              NdisCmCloseAddressFamilyComplete returns
           25 T4     0 PASSIVE   mcm              NdisCmCloseAddressFamilyComplete(NDIS_STATUS_SUCCESS, cmaf1)
           26 T4     0 PASSIVE   mcm              breaks af-cm-close-complete-pending-only on af1: completed a second time
          :: replay:
              condis replay 0.1.0::00000000:c1: mcm.sys

    "#]].assert_eq(&text);
}

/// The handler that halts an adapter has returned when the breach is seen, and is told all the same.
#[test]
fn a_finding_about_an_adapter_tells_its_handlers() {
    let mut trace = Trace::default();
    let adapter = handle(HandleKind::Adapter, 3);
    let attributes = model::block::Attributes {
        header: model::block::Header { object_type: 0x9e, revision: 1, size: 0 },
        context: Token(0x900),
        flags: 0,
        medium: 0,
    };
    trace.on(1, 0).see(Event::Started(Job::Initialize(NIC)));
    trace.on(1, 1).invoke(MCM, Callback::MiniportInitializeEx { adapter, driver_context: Token::NULL });
    trace.on(1, 2).call(MCM, Call::MSetMiniportAttributes { adapter: adapter.into(), attributes });
    trace.returns(MCM, Ddi::NdisMSetMiniportAttributes, Status::SUCCESS);
    trace.on(1, 1).reply(MCM, Ddi::MiniportInitializeEx, Reply::status(Status::SUCCESS));
    opening(&mut trace);
    trace.on(4, 0).see(Event::Started(Job::Halt(NIC)));
    let action = HaltAction::DeviceStopped;
    trace.on(4, 1).invoke(MCM, Callback::MiniportHaltEx { adapter_context: Token(0x900), action });
    trace.reply(MCM, Ddi::MiniportHaltEx, Reply::VOID);
    let violation =
        Violation { rule: Rule::AfNotifyOnHalt, by: MCM, object: Object::Adapter(NIC), offence: "halted" };
    trace.see(Event::Warned(violation));
    let (text, _) = finding(&trace, violation, &[]);
    for line in
        ["MiniportInitializeEx(adapter1", "MiniportHaltEx(adapter_context=c1", "MiniportHaltEx returns"]
    {
        assert!(text.contains(line), "{line} in {text}");
    }
}

/// The client waits for its close inside the notification.
#[test]
fn a_deadlock_shows_who_waits_for_whom() {
    let mut trace = Trace::default();
    opening(&mut trace);
    let object = Object::Af(AfId(af(20)));
    let event = Token(0x500);
    trace.on(5, 0).see(Event::Started(Job::NotifyCloseAf(AfId(af(20)))));
    trace.on(5, 1).invoke(CLIENT, Callback::ClNotifyCloseAf { af_context: Token(0x100) });
    trace.on(5, 2).call(CLIENT, Call::ClCloseAddressFamily { af: af(20).into() });
    trace.on(5, 3).invoke(MCM, Callback::CmCloseAf { af_context: Token(0xa00) });
    trace.on(5, 3).reply(MCM, Ddi::ProtocolCmCloseAf, Reply::status(Status::PENDING));
    trace.on(5, 2).returns(CLIENT, Ddi::NdisClCloseAddressFamily, Status::PENDING);
    trace.kernel(CLIENT, "NdisWaitEvent", Operation::Wait(event, None));
    let violation = Violation { rule: Rule::AfCloseNoBlock, by: CLIENT, object, offence: "" };
    let debt = Debt { by: MCM, rule: Rule::AfCmCloseCompleteRequired, object, waits_for: None };
    let waits = WaitsFor::Object(event);
    let chain =
        [Link::Task(TaskNumber(5), CLIENT, Some(Ddi::ProtocolClNotifyCloseAf), waits), Link::Debt(debt)];
    let (text, value) = finding(&trace, violation, &chain);
    assert_eq!(value["line"], serde_json::Value::Null);
    expect![[r#"
        error[af-close-no-block]: client broke a rule on af1
           = rule: After PENDING from NdisClCloseAddressFamily the client does not block that thread until
                   ProtocolClCloseAfComplete: the call manager may hold the close until the client has
                   returned, above all inside ProtocolClNotifyCloseAf.
           = page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndisclcloseaddressfamily
          :: objects:
              af1: Idle -> Opening (line 8)
          :: trace, cut to these objects:
            7 T2     0 PASSIVE   client       NdisClOpenAddressFamilyEx(binding1, family=CO_ADDRESS_FAMILY_TAPI_PROXY, af_context=c2)
            8 T2     0 PASSIVE   NDIS         af1: Idle -> Opening
           13 T2     0 PASSIVE   mcm            ProtocolCmOpenAf(binding_context=c4, family=CO_ADDRESS_FAMILY_TAPI_PROXY, cmaf1)
           14 T2     0 PASSIVE   mcm            ProtocolCmOpenAf = NDIS_STATUS_PENDING, *CallMgrAfContext = c6
           17 T2     0 PASSIVE   client       *NdisAfHandle = af1
           18 T2     0 PASSIVE   client       NdisClOpenAddressFamilyEx = NDIS_STATUS_PENDING
           19 T5     1 PASSIVE   NDIS         start: ask for the close of af1
           20 T5     1 PASSIVE   client         ProtocolClNotifyCloseAf(af_context=c2)
           21 T5     1 PASSIVE   client           NdisClCloseAddressFamily(af1)
           22 T5     1 PASSIVE   mcm                ProtocolCmCloseAf(af_context=c6)
           23 T5     1 PASSIVE   mcm                ProtocolCmCloseAf = NDIS_STATUS_PENDING
           24 T5     1 PASSIVE   client           NdisClCloseAddressFamily = NDIS_STATUS_PENDING
           25 T5     1 PASSIVE   client           NdisWaitEvent(object1)
          :: who waits for whom:
              T5: client is in ProtocolClNotifyCloseAf and waits for object1
           -> mcm owes af1 what af-cm-close-complete-required says: A call manager whose ProtocolCmCloseAf
              returned PENDING must later call Ndis(M)CmCloseAddressFamilyComplete for that AF, once.
          :: replay:
              condis replay 0.1.0::00000000:c1: mcm.sys

    "#]].assert_eq(&text);
}
