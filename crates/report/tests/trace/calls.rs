//! SAPs, virtual connections, calls and parties in traces and findings.

use super::{CLIENT, MCM, Trace, finding, handle, names, text};
use contract::{Ddi, Rule, Status};
use expect_test::{expect, expect_file};
use model::block::{CALL_PARAMETERS_CHANGED, CallParameters, Name, ROUND_UP_FLOW, Sap};
use model::record::Event;
use model::{
    AfId, Call, CallId, Callback, DriverId, Handle, HandleArg, HandleKind, Object, OutParameter, PartyId,
    Reply, SapId, Side, Token, VcId, Violation,
};
use report::trace::Show;
use report::{Look, json};

const MINIPORT: DriverId = DriverId(2);

fn vc(side: HandleKind) -> Handle {
    handle(side, 40)
}

/// The `count`-th party.
fn party(side: HandleKind, count: u32) -> Handle {
    handle(side, 50 + count)
}

fn call() -> Object {
    Object::Call(VcId(vc(HandleKind::ClientVc)))
}

fn parameters(address: u64, rate: u32) -> CallParameters {
    let address = Token(address);
    CallParameters { address, transmit: rate, receive: rate, called: 0x2a, ..CallParameters::NULL }
}

fn af() -> HandleArg {
    handle(HandleKind::ClientAf, 20).into()
}

/// A client registers a SAP; the call manager pends that and reports it later.
fn registering(trace: &mut Trace) {
    let specification = Sap { address: Token(0x700), sap_type: 0x8000, length: 4, value: 0x0102 };
    let sap = handle(HandleKind::ClientSap, 30);
    let managers = handle(HandleKind::CallManagerSap, 30);
    let object = Object::Sap(SapId(sap));
    trace.on(2, 0).call(CLIENT, Call::ClRegisterSap { af: af(), sap_context: Token(0x300), specification });
    trace.see(Event::Edge(object, "none", "registering"));
    trace.see(Event::Published(CLIENT, OutParameter::Sap(sap)));
    trace
        .on(2, 1)
        .invoke(MCM, Callback::CmRegisterSap { af_context: Token(0xa00), specification, sap: managers });
    trace.reply(MCM, Ddi::ProtocolCmRegisterSap, Reply::status(Status::PENDING));
    trace.on(2, 0).returns(CLIENT, Ddi::NdisClRegisterSap, Status::PENDING);
    let complete = Call::CmRegisterSapComplete {
        status: Status::SUCCESS,
        sap: managers.into(),
        sap_context: Token(0xb00),
    };
    trace.on(3, 0).call(MCM, complete).see(Event::Edge(object, "registering", "registered"));
    trace.returns(MCM, Ddi::NdisCmRegisterSapComplete, Status::SUCCESS);
}

/// A client creates a VC and makes a multipoint call on it. The miniport rounds the parameters up.
fn calling(trace: &mut Trace) {
    let object = Object::Vc(VcId(vc(HandleKind::ClientVc)));
    let first = Object::Party(PartyId(party(HandleKind::ClientParty, 1)));
    let create = Call::CoCreateVc {
        binding: handle(HandleKind::Binding, 8).into(),
        af: af(),
        vc_context: Token(0x400),
        vc: HandleArg::Null,
    };
    let stores = |context| Reply::status(Status::SUCCESS).with_context(Token(context));
    trace.on(2, 0).call(CLIENT, create).see(Event::Edge(object, "none", "creating"));
    trace.on(2, 1).invoke(
        MCM,
        Callback::CoCreateVc {
            af_context: Token(0xa00),
            vc: vc(HandleKind::CallManagerVc),
            side: Side::CallManager,
        },
    );
    trace.reply(MCM, Ddi::ProtocolCoCreateVc, stores(0xc00));
    trace.invoke(
        MINIPORT,
        Callback::MiniportCoCreateVc { adapter_context: Token(0xd00), vc: vc(HandleKind::MiniportVc) },
    );
    trace.reply(MINIPORT, Ddi::MiniportCoCreateVc, stores(0xe00));
    trace.on(2, 0).see(Event::Edge(object, "creating", "inactive"));
    trace.see(Event::Published(CLIENT, OutParameter::Vc(vc(HandleKind::ClientVc))));
    trace.returns(CLIENT, Ddi::NdisCoCreateVc, Status::SUCCESS);

    let make = Call::ClMakeCall {
        vc: vc(HandleKind::ClientVc).into(),
        parameters: parameters(0x710, 64_000),
        party_context: Token(0x500),
    };
    trace.call(CLIENT, make).see(Event::Edge(call(), "idle", "making"));
    trace.see(Event::Edge(first, "none", "adding"));
    trace.on(2, 1).invoke(
        MCM,
        Callback::CmMakeCall {
            vc_context: Token(0xc00),
            parameters: parameters(0x710, 64_000),
            party: party(HandleKind::CallManagerParty, 1).into(),
        },
    );
    let asked = CallParameters { media_flags: ROUND_UP_FLOW, ..parameters(0x720, 64_000) };
    let given = CallParameters { flags: CALL_PARAMETERS_CHANGED, ..parameters(0x720, 100_000) };
    let activate = Call::CmActivateVc { vc: vc(HandleKind::CallManagerVc).into(), parameters: asked };
    trace.on(2, 2).call(MCM, activate);
    trace
        .on(2, 3)
        .invoke(MINIPORT, Callback::MiniportCoActivateVc { vc_context: Token(0xe00), parameters: asked });
    trace.reply(
        MINIPORT,
        Ddi::MiniportCoActivateVc,
        Reply { parameters: given, ..Reply::status(Status::SUCCESS) },
    );
    trace.on(2, 2).see(Event::Published(MCM, OutParameter::CallParameters(given)));
    trace.returns(MCM, Ddi::NdisCmActivateVc, Status::SUCCESS);
    let left = CallParameters { flags: CALL_PARAMETERS_CHANGED, ..parameters(0x710, 100_000) };
    trace.on(2, 1).reply(MCM, Ddi::ProtocolCmMakeCall, Reply { parameters: left, ..stores(0xf00) });
    trace
        .on(2, 0)
        .see(Event::Published(CLIENT, OutParameter::Party(party(HandleKind::ClientParty, 1).into())));
    trace.see(Event::Published(CLIENT, OutParameter::CallParameters(left)));
    trace.see(Event::Edge(call(), "making", "connected")).see(Event::Edge(first, "adding", "active"));
    trace.returns(CLIENT, Ddi::NdisClMakeCall, Status::SUCCESS);
}

/// The names of the objects of a finding.
fn objects(trace: &Trace, violation: Violation) -> Vec<String> {
    let (_, value) = finding(trace, violation, &[]);
    let objects = value["objects"].as_array().into_iter().flatten();
    objects.filter_map(|object| object["object"].as_str()).map(str::to_owned).collect()
}

/// A finding as text, from its objects on.
fn told(trace: &Trace, violation: Violation) -> String {
    let (text, _) = finding(trace, violation, &[]);
    let behind = text.find("  :: objects:").expect("objects with a history");
    text[behind..].to_owned()
}

#[test]
fn the_handles_of_a_sap_a_vc_and_a_party_have_one_number() {
    let mut trace = Trace::default();
    registering(&mut trace);
    calling(&mut trace);
    expect_file!["expected/handles.txt"].assert_eq(&text(&trace, Look::PLAIN, Show::default()));
}

#[test]
fn what_a_call_stores() {
    let mut trace = Trace::default();
    let name = Name::new("TAPI \"1\"").expect("a short name");
    let managers = vc(HandleKind::CallManagerVc);
    trace.on(1, 0).call(MCM, Call::CoAssignInstanceName { vc: managers.into(), base_name: name });
    trace.see(Event::Published(MCM, OutParameter::InstanceName(name, 3)));
    trace.returns(MCM, Ddi::NdisCoAssignInstanceName, Status::SUCCESS);
    trace.call(MCM, Call::CoGetTapiCallId { vc: managers.into(), size: 36 });
    trace.see(Event::Published(MCM, OutParameter::CallId(CallId(0x1f))));
    trace.returns(MCM, Ddi::NdisCoGetTapiCallId, Status::SUCCESS);
    trace.call(CLIENT, Call::ClGetProtocolVcContextFromTapiCallId { call_id: CallId(0x1f) });
    trace.see(Event::Published(CLIENT, OutParameter::VcContext(Token(0x400))));
    trace.returns(CLIENT, Ddi::NdisClGetProtocolVcContextFromTapiCallId, Status::SUCCESS);
    trace.call(
        CLIENT,
        Call::ClMakeCall {
            vc: vc(HandleKind::ClientVc).into(),
            parameters: CallParameters::NULL,
            party_context: Token::NULL,
        },
    );
    trace.see(Event::Published(CLIENT, OutParameter::Party(HandleArg::Null)));
    expect![[r#"
        lines:
            1 T1     1 PASSIVE   mcm          NdisCoAssignInstanceName(cmvc1, base_name="TAPI \"1\"")
            2 T1     1 PASSIVE   mcm          *VcInstanceName = "TAPI \"1\"", index 3
            3 T1     1 PASSIVE   mcm          NdisCoAssignInstanceName = NDIS_STATUS_SUCCESS
            4 T1     1 PASSIVE   mcm          NdisCoGetTapiCallId(cmvc1, size=36)
            5 T1     1 PASSIVE   mcm          *TapiCallId = 0x1f
            6 T1     1 PASSIVE   mcm          NdisCoGetTapiCallId = NDIS_STATUS_SUCCESS
            7 T1     1 PASSIVE   client       NdisClGetProtocolVcContextFromTapiCallId(call_id=0x1f)
            8 T1     1 PASSIVE   client       *ProtocolVcContext = c1
            9 T1     1 PASSIVE   client       NdisClGetProtocolVcContextFromTapiCallId = NDIS_STATUS_SUCCESS
           10 T1     1 PASSIVE   client       NdisClMakeCall(vc1, parameters=NULL, party_context=NULL)
           11 T1     1 PASSIVE   client       *NdisPartyHandle = NULL
    "#]]
    .assert_eq(&format!("lines:\n{}", text(&trace, Look::PLAIN, Show::default())));
    let names = names(&trace);
    let published = [2, 5, 8, 11].map(|number| {
        let line = json::line(&names, number, &trace.records[number - 1], &[]);
        serde_json::to_string(&line.more).expect("JSON")
    });
    expect![[r#"
        {"handle":null,"index":3,"medium":null,"name":"TAPI \"1\""}
        {"call_id":"0x1f","handle":null,"medium":null}
        {"context":"c1","handle":null,"medium":null}
        {"handle":null,"medium":null}"#]]
    .assert_eq(&published.join("\n"));
}

#[test]
fn call_parameters_as_json() {
    let mut trace = Trace::default();
    registering(&mut trace);
    calling(&mut trace);
    let names = names(&trace);
    let find = |wanted: fn(&Event) -> bool| {
        let index = trace.records.iter().position(|record| wanted(&record.event)).expect("there is one");
        let line = json::line(&names, index + 1, &trace.records[index], &[]);
        serde_json::to_string_pretty(&line.more).expect("JSON")
    };
    let made = find(|event| matches!(event, Event::Called(_, Call::ClRegisterSap { .. })));
    let replied = find(|event| matches!(event, Event::Replied(_, Ddi::ProtocolCmMakeCall, _)));
    expect![[r#"
        {
          "arguments": {
            "af": "af1",
            "sap_context": "c1",
            "specification": {
              "at": "c2",
              "length": 4,
              "type": 32768,
              "value": "0x102"
            }
          },
          "ddi": "NdisClRegisterSap"
        }
        {
          "context": "c12",
          "ddi": "ProtocolCmMakeCall",
          "parameters": {
            "at": "c9",
            "called": "0x2a",
            "flags": 2,
            "media_flags": 0,
            "media_length": 0,
            "media_word": 0,
            "receive": 100000,
            "rest": 0,
            "transmit": 100000
          },
          "status": "NDIS_STATUS_SUCCESS"
        }"#]]
    .assert_eq(&format!("{made}\n{replied}"));
}

/// A second client works beside the first one, and none of its lines is in the finding.
#[test]
fn a_finding_about_a_call_tells_its_vc_and_its_parties() {
    let mut trace = Trace::default();
    registering(&mut trace);
    calling(&mut trace);
    let second = party(HandleKind::ClientParty, 2);
    let other = handle(HandleKind::ClientVc, 90);
    trace.on(2, 0).call(CLIENT, Call::CoDeleteVc { vc: other.into() });
    trace.see(Event::Edge(Object::Vc(VcId(other)), "inactive", "deleting"));
    trace.returns(CLIENT, Ddi::NdisCoDeleteVc, Status::SUCCESS);
    trace.call(
        CLIENT,
        Call::ClAddParty {
            vc: vc(HandleKind::ClientVc).into(),
            party_context: Token(0x600),
            parameters: parameters(0x730, 64_000),
        },
    );
    trace.see(Event::Edge(Object::Party(PartyId(second)), "none", "adding"));
    trace.on(2, 1).invoke(
        MCM,
        Callback::CmAddParty {
            vc_context: Token(0xc00),
            parameters: parameters(0x730, 64_000),
            party: party(HandleKind::CallManagerParty, 2),
        },
    );
    trace.reply(MCM, Ddi::ProtocolCmAddParty, Reply::status(Status::PENDING).with_context(Token(0xf10)));
    trace.on(2, 0).see(Event::Published(CLIENT, OutParameter::Party(second.into())));
    trace.returns(CLIENT, Ddi::NdisClAddParty, Status::PENDING);
    trace.on(4, 0).invoke(
        CLIENT,
        Callback::ClIncomingDropParty {
            status: Status::SUCCESS,
            party_context: Token(0x500),
            data: Token::NULL,
            size: 0,
        },
    );
    trace.on(4, 1).call(
        CLIENT,
        Call::ClCloseCall {
            vc: vc(HandleKind::ClientVc).into(),
            party: HandleArg::Null,
            data: Token::NULL,
            size: 0,
        },
    );
    let violation = Violation {
        rule: Rule::CallMakeOnePerVc,
        by: CLIENT,
        object: call(),
        offence: "closed with a party that is being added",
    };
    trace.see(Event::Violated(violation));
    let text = told(&trace, violation);
    assert_eq!(objects(&trace, violation), ["call on vc1", "vc1", "party1", "party2"]);
    assert!(!text.contains("vc2") && !text.contains("sap1"), "{text}");
    expect_file!["expected/call.txt"].assert_eq(&text);
}

/// The context that a completion tells is the SAP's, too.
#[test]
fn a_finding_about_a_sap_follows_both_contexts() {
    let mut trace = Trace::default();
    registering(&mut trace);
    calling(&mut trace);
    let sap = handle(HandleKind::ClientSap, 30);
    // The client has one context for both.
    trace.on(5, 0).invoke(CLIENT, Callback::ClNotifyCloseAf { af_context: Token(0x300) });
    trace.on(2, 0).call(CLIENT, Call::ClDeregisterSap { sap: sap.into() });
    trace.on(2, 1).invoke(MCM, Callback::CmDeregisterSap { sap_context: Token(0xb00) });
    trace.reply(MCM, Ddi::ProtocolCmDeregisterSap, Reply::status(Status::PENDING));
    trace.on(2, 0).returns(CLIENT, Ddi::NdisClDeregisterSap, Status::PENDING);
    trace.on(2, 0).call(CLIENT, Call::ClDeregisterSap { sap: sap.into() });
    let violation = Violation {
        rule: Rule::SapDeregBeforeAfClose,
        by: CLIENT,
        object: Object::Sap(SapId(sap)),
        offence: "deregistered a second time",
    };
    trace.see(Event::Violated(violation));
    let text = told(&trace, violation);
    assert!(!text.contains("ProtocolClNotifyCloseAf"), "{text}");
    expect_file!["expected/sap.txt"].assert_eq(&text);
}

/// What was made on the family and is still there is told; what is over is not.
#[test]
fn a_finding_about_an_address_family_tells_what_is_left_on_it() {
    let mut trace = Trace::default();
    registering(&mut trace);
    calling(&mut trace);
    let close = Call::ClCloseAddressFamily { af: af() };
    trace.on(2, 0).call(CLIENT, close);
    let object = Object::Af(AfId(handle(HandleKind::ClientAf, 20)));
    let violation = Violation { rule: Rule::AfCloseDrainFirst, by: CLIENT, object, offence: "closed in use" };
    trace.see(Event::Warned(violation));
    assert_eq!(objects(&trace, violation), ["af1", "sap1", "vc1", "call on vc1", "party1"]);

    let (sap, vc) = (SapId(handle(HandleKind::ClientSap, 30)), VcId(vc(HandleKind::ClientVc)));
    trace.see(Event::Edge(Object::Sap(sap), "deregistering", "dead"));
    trace.see(Event::Edge(Object::Call(vc), "closing", "idle"));
    let first = PartyId(party(HandleKind::ClientParty, 1));
    trace.see(Event::Edge(Object::Party(first), "closing_with_call", "gone"));
    assert_eq!(objects(&trace, violation), ["af1", "vc1"]);
    trace.see(Event::Edge(Object::Vc(vc), "deleting", "deleted"));
    assert_eq!(objects(&trace, violation), ["af1"]);
}
