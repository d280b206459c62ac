//! SAPs, virtual connections, calls and parties of native drivers, with scripted drivers on the other side: structures go
//! both ways, and what one side changes the other sees.

mod common;

use common::*;
use contract::Rule;
use drivers::Scene;
use engine::strategy::{Fifo, Random};
use engine::{Driver, Ending, Outcome, Runner};
use host::{Host, Options};
use model::DriverId;
use verify::{Auditor, Irql, Liveness};

/// A runner over a scene in which the drivers that have a name here are native. Each finds `values` in its registry.
fn scene(text: &str, natives: &[&str], values: &[(&str, u32)]) -> (Runner, &'static Host) {
    let scene = Scene::parse(text, 1).unwrap_or_else(|error| panic!("{error}"));
    let images: Vec<_> = natives.iter().map(|name| (*name, test_driver(name))).collect();
    let mut host = None;
    let runner = Runner::new(|| {
        let this = Host::new(Options::default()).expect("a host");
        host = Some(this);
        let mut setup = scene.setup(vec![
            Box::new(Irql::new()),
            Box::new(Liveness::new()),
            Box::new(Auditor::new(scene.stop_order)),
        ]);
        for (script, (id, driver)) in scene.drivers.iter().zip((0u8..).map(DriverId).zip(&mut setup.drivers))
        {
            if let Some((name, image)) = images.iter().find(|(name, _)| *name == script.name()) {
                let native = this.load(image, name, id, integers(values)).expect("a driver that loads");
                *driver = Box::new(native) as Box<dyn Driver>;
            }
        }
        setup
    });
    (runner.expect("a runner"), host.expect("a host"))
}

/// Runs the scene, which must end without a finding and with nothing left, in several orders, each twice; gives what was
/// printed.
#[track_caller]
fn lines(text: &str, natives: &[&str]) -> Vec<String> {
    let (mut runner, host) = scene(text, natives, &[]);
    let mut lines = Vec::new();
    for seed in 0..30 {
        let outcome = match seed {
            0 => runner.check_determinism(&mut Fifo),
            seed => runner.check_determinism(&mut Random::new(seed)),
        };
        let outcome = outcome.unwrap_or_else(|difference| panic!("order {seed}: {difference:?}"));
        if !matches!(&outcome, Outcome::AtRest { findings, .. } if findings.is_empty()) {
            let said = match outcome {
                Outcome::Ended(Ending::Unexpected { text, .. }) => runner.text(text),
                _ => "",
            };
            panic!("order {seed}: {outcome:?}\n{said}\n{:#?}", printed(&runner));
        }
        for driver in 0..4 {
            assert_eq!(host.held_by(DriverId(driver)), []);
        }
        let mut printed: Vec<String> =
            printed(&runner).into_iter().filter(|line| !line.starts_with("event ")).collect();
        if seed == 0 {
            lines = printed;
        } else {
            // A line may come a little earlier or later.
            let mut expected = lines.clone();
            expected.sort_unstable();
            printed.sort_unstable();
            assert_eq!(printed, expected, "in order {seed}");
        }
    }
    lines
}

/// The client's side of everything. The MCM changes call parameters in each handler that may, and offers parameters of
/// its own, in which the client changes something.
#[test]
fn a_native_client_talks_to_a_scripted_mcm() {
    let text = r#"
alone
driver mcm like mcm
registry RegisterSap = 1
ProtocolCmMakeCall(vc, parameters, handle)
    expect parameters == {transmit 64000, receive 32000, called 0x2a, media-flags TRANSMIT_VC|RECEIVE_VC,
        media-length 48, media-word 0x1234, rest parameters.rest} "what the client asks for"
    expect parameters.rest != 0 "the client has set a token rate"
    party = new party
    .first = party
    NdisMCmActivateVc(.handle, parameters {transmit 1000}) = NDIS_STATUS_SUCCESS
    .active = yes
    ProtocolCmMakeCall = NDIS_STATUS_SUCCESS, *CallMgrPartyContext = party, *CallParameters = parameters {
        flags CALL_PARAMETERS_CHANGED, transmit 1000}
ProtocolCmModifyCallQoS(vc, parameters)
    expect parameters.transmit == 1000 "what the client has in its memory"
    NdisMCmActivateVc(.handle, parameters {receive 2000}) = NDIS_STATUS_SUCCESS
    ProtocolCmModifyCallQoS = NDIS_STATUS_SUCCESS, *CallParameters = parameters {flags CALL_PARAMETERS_CHANGED, receive 2000}
ProtocolCmAddParty(vc, parameters, handle)
    party = new party
    party.handle = handle
    .second = handle
    with party:
        later: NdisMCmAddPartyComplete(NDIS_STATUS_SUCCESS, .handle, here, parameters {called 0x1122334455667788,
            media-flags TRANSMIT_VC, media-length 20, media-word 0x5678})
    ProtocolCmAddParty = NDIS_STATUS_PENDING
ProtocolCmDropParty(party, data, size)
    expect data != null and size == 3 "the client's close data"
    ProtocolCmDropParty = NDIS_STATUS_SUCCESS
ProtocolCmCloseCall(vc, party, data, size)
    unless .mine: expect party != null and data != null and size == 3 "the client's close data"
    when .mine: expect party == null and data == null and size == 0 "the client gives none"
    v = here
    later:
        NdisMCmDeactivateVc(v.handle) = NDIS_STATUS_SUCCESS
        when v.mine:
            NdisMCmCloseCallComplete(NDIS_STATUS_SUCCESS, v.handle)
            NdisMCmDeleteVc(v.handle) = NDIS_STATUS_SUCCESS
        else:
            NdisMCmCloseCallComplete(NDIS_STATUS_SUCCESS, v.handle, v.second)
    ProtocolCmCloseCall = NDIS_STATUS_PENDING
to offer_call
    sap = here
    with .owner:
        vc = new vc
    vc.sap = sap
    vc.mine = yes
    with vc:
        do create_vc
        .offer = {transmit 64000, receive 16000, called 0x11, media-flags RECEIVE_VC, media-length 32, media-word 2, rest 5}
        do activate_vc(.offer)
        NdisMCmDispatchIncomingCall(.sap.handle, .handle, .offer) -> .answer = NDIS_STATUS_SUCCESS
        expect .answer == {transmit 64000, receive 8000, called 0x11, media-flags RECEIVE_VC, media-length 32,
            media-word 2, rest 5} "the client takes less"
        expect .answer.at == .offer.at "in the structure that it was given"
        NdisMCmDispatchCallConnected(.handle)
        NdisMCmDispatchIncomingCallQoSChange(.handle, .answer {transmit 4000})
        data = new data
        NdisMCmDispatchIncomingCloseCall(NDIS_STATUS_FAILURE, .handle, data, 5)
driver caller like client
program:
    load mcm
    load caller
    start nic1
    rest
    run mcm offer_calls
    rest
    unbind caller from nic1
    rest
    stop nic1
    unload caller
    unload mcm
"#;
    let expected = r"open: 0x0
sap: 0x103 1
sap complete: 0x0 1 1 1
vc: 0x0 1
name: 0x0 A base name of more than forty-seven bytes in the encoding UTF-8: 0, room for 2 more
named again: 0x0
and again: 0x0 A base name of more than forty-seven bytes in the encoding UTF-8: 0
identifier: 0xc0010016, needed 41, used 0
identifier: 0x0, needed 41, used 41, format 1, 17 bytes at 24
back: 0x0, 16 digits, own 1
of another: 0xc0000001, 0000000000000000
of none: 0xc0010015
call: 0x0, flags 0x2, transmit 1000 of 1, receive 32000, called 0x2a of 4, media 0xc, 0x1234 of 48
first party 1
modify: 0x0, flags 0x2, transmit 1000 of 1, receive 2000, called 0x2a of 4, media 0xc, 0x1234 of 48
second party 0x103
party complete: 1 1 1
party: 0x0, flags 0x2, transmit 1000 of 1, receive 2000, called 0x55667788 of 4, media 0x4, 0x5678 of 20
drop: 0x0
close call: 0x103
call closed: 0x0 1 1
delete: 0x0
create: 1, holds 0000000000000000
incoming: 1 1
offered: 0x0, flags 0x0, transmit 64000 of 0, receive 16000, called 0x11 of 8, media 0x8, 0x2 of 32
connected: 1
QoS: 1
changed: 0x0, flags 0x2, transmit 4000 of 0, receive 8000, called 0x11 of 8, media 0x8, 0x2 of 32
incoming close: 0xc0000001 1, 5 bytes: 0 0
close call: 0x103
call closed: 0x0 0 0
deleted: 1
deregister: 0x0
close: 0x0";
    assert_eq!(lines(text, &["caller"]).join("\n"), expected);
}

/// Both sides of everything in one driver, which gets the very structures that it passes. The miniport rounds call
/// parameters, at once and later.
#[test]
fn a_native_driver_is_its_own_client() {
    let text = r#"
alone
driver miniport like miniport
var pends
MiniportCoActivateVc(vc, parameters)
    when parameters.transmit == 65000:
        later: NdisMCoActivateVcComplete(NDIS_STATUS_SUCCESS, .handle, parameters {transmit 66000})
        MiniportCoActivateVc = NDIS_STATUS_PENDING
    unless parameters.media-flags == 0xc:
        MiniportCoActivateVc = NDIS_STATUS_SUCCESS, *CallParameters = parameters {transmit 65000}
    MiniportCoActivateVc = NDIS_STATUS_SUCCESS
MiniportCoDeactivateVc(vc)
    later: NdisMCoDeactivateVcComplete(NDIS_STATUS_SUCCESS, .handle)
    MiniportCoDeactivateVc = NDIS_STATUS_PENDING
driver both like cm
"#;
    let expected = r"cm open: 1 1 0000000000000000
open: 0x0 1
cm sap: 1 1 1 0000000000000000
sap: 0x0
cm create: 1 0000000000000000
vc: 0x0
cm call: 1 1 0000000000000000 0000000000000000
activated: 0x0, flags 0x0, transmit 65000 of 1, receive 32000, called 0x2a of 4, media 0x10c, 0x1234 of 48
call: 0x0, flags 0x2, transmit 65000 of 1, receive 32000, called 0x2a of 4, media 0x10c, 0x1234 of 48
cm modify: 1 1
modify: 0x103
cm activated: 1 1
cl modified: 1 1
modified: 0x0, flags 0x2, transmit 66000 of 1, receive 32000, called 0x2a of 4, media 0x10c, 0x1234 of 48
cm close call: 1 0000000000000000 1 4
close call: 0x103
cm deactivated: 0x0 1
cl closed: 0x0 1 0000000000000000
cm delete: 1
delete: 0x0
cl create: 1 0000000000000000
cm vc: 0x0
activated: 0x0, flags 0x0, transmit 64000 of 1, receive 32000, called 0x2a of 4, media 0xc, 0x1234 of 48
cl incoming: 1 1 1
cm answered: 1 1
answer: 0x0, flags 0x2, transmit 64000 of 1, receive 77, called 0x2a of 4, media 0xc, 0x1234 of 48
cl connected: 1
cl incoming close: 0xc0000001 1 1 4
cm close call: 0 0000000000000000 0 0
close call: 0x103
dispatch: 0x103
cm deactivated: 0x0 0
cl closed: 0x0 0 0000000000000000
cl delete: 1
cm's delete: 0x0
cm sap gone: 1
deregister: 0x0
cm close: 1
close: 0x0";
    assert_eq!(lines(text, &["both"]).join("\n"), expected);
}

/// The miniport's side, with a call manager whose parameters lie nowhere.
#[test]
fn a_native_miniport_serves_scripts() {
    let text = r#"
alone
driver wire like miniport
driver cm like cm
ProtocolCmMakeCall(vc, parameters)
    .asked = {transmit 64000, receive 32000, called 0x2a, media-flags TRANSMIT_VC|ROUND_UP_FLOW, media-length 12, media-word 3}
    NdisCmActivateVc(.handle, .asked) -> .left = NDIS_STATUS_SUCCESS
    expect .left == .asked {transmit 64100} and .left.at == .asked.at "rounded in its place"
    .active = yes
    ProtocolCmMakeCall = NDIS_STATUS_SUCCESS
ProtocolCmModifyCallQoS(vc, parameters)
    NdisCmActivateVc(.handle, .asked {transmit 5000}) = NDIS_STATUS_PENDING
    ProtocolCmModifyCallQoS = NDIS_STATUS_PENDING
ProtocolCmActivateVcComplete(status, vc, parameters)
    expect parameters == .asked {transmit 5000, receive 32100} and parameters.at == .asked.at "rounded in its place"
    NdisCmModifyCallQoSComplete(status, .handle, .asked)
driver client like client
registry Calls = 1
registry ModifyCallQoS = 1
registry HangUps = 1
"#;
    let expected = r"create: 1 0000000000000000
activate: 1, the same 0
with: 0x0, flags 0x0, transmit 64000 of 0, receive 32000, called 0x2a of 8, media 0x104, 0x3 of 12
activate: 1, the same 1
with: 0x0, flags 0x0, transmit 5000 of 0, receive 32000, called 0x2a of 8, media 0x104, 0x3 of 12
deactivate: 1
delete: 1";
    assert_eq!(lines(text, &["wire"]).join("\n"), expected);
}

/// The MCM's side of everything. What it gets was changed by the client, and what it changes the client sees.
#[test]
fn a_native_mcm_serves_a_script() {
    let text = r#"
alone
driver line like mcm
driver client like client
to begin
    sap = new sap
    .sap = sap
    with sap:
        NdisClRegisterSap(.owner.handle, here, {type AF_TAPI_SAP_TYPE, length 12, value 0x0605}) -> .handle = NDIS_STATUS_PENDING
ProtocolClRegisterSapComplete(status, sap, specification, handle)
    expect status == NDIS_STATUS_SUCCESS and handle == .handle and specification.value == 0x0605 "what was registered"
    with .owner:
        vc = new vc
    .vc = vc
    with vc:
        first = new party
        second = new party
        .first = first
        .second = second
        NdisCoCreateVc(.owner.owner.handle, .owner.handle, here) -> .handle = NDIS_STATUS_SUCCESS
        .asked = {transmit 64000, receive 32000, called 0x2a, media-length 48, rest 9}
        NdisClMakeCall(.handle, .asked, .first) -> .party = NDIS_STATUS_PENDING
ProtocolClMakeCallComplete(status, vc, handle, parameters)
    expect status == NDIS_STATUS_SUCCESS and handle == .party "the first party"
    expect parameters == .asked {transmit 100} and parameters.flags == 2 and parameters.at == .asked.at "what the MCM has made of it"
    .first_handle = handle
    .asked = parameters
    later:
        NdisClModifyCallQoS(.handle, .asked {transmit 1}) -> .asked = NDIS_STATUS_SUCCESS
        expect .asked.receive == 200 "changed at once"
        NdisClAddParty(.handle, .second, .asked) -> .second_handle = NDIS_STATUS_PENDING
ProtocolClAddPartyComplete(status, party, handle, parameters)
    v = .owner
    with v:
        expect status == NDIS_STATUS_SUCCESS and party == .second and handle == .second_handle and parameters == .asked "the second party"
        later: NdisClModifyCallQoS(.handle, .asked {transmit 2}) = NDIS_STATUS_PENDING
ProtocolClModifyCallQoSComplete(status, vc, parameters)
    expect status == NDIS_STATUS_SUCCESS and parameters == .asked {receive 200, transmit parameters.transmit} "changed later"
ProtocolClIncomingDropParty(status, party, data, size)
    expect status == NDIS_STATUS_FAILURE and data != null and size == 2 "the far end's data"
    with .owner:
        later: NdisClDropParty(.second_handle, data, 3) = NDIS_STATUS_PENDING
ProtocolClDropPartyComplete(status, party)
    with .owner:
        expect status == NDIS_STATUS_SUCCESS and party == .second "the second party"
        later: NdisClModifyCallQoS(.handle, .asked {transmit 3}) = NDIS_STATUS_PENDING
ProtocolCoCreateVc(af, handle)
    vc = new vc
    vc.handle = handle
    ProtocolCoCreateVc = NDIS_STATUS_SUCCESS, *ProtocolVcContext = vc
ProtocolClIncomingCall(sap, vc, parameters)
    expect parameters == {transmit 64000, receive 32000, called 0x2a, media-flags TRANSMIT_VC|RECEIVE_VC,
        media-length 48, media-word 2, rest parameters.rest} "the offer"
    ProtocolClIncomingCall = NDIS_STATUS_SUCCESS, *CallParameters = parameters {flags CALL_PARAMETERS_CHANGED, transmit 1000}
ProtocolClCallConnected(vc)
    .connected = yes
ProtocolClIncomingCallQoSChange(vc, parameters)
    expect parameters.transmit == 300 "the change"
ProtocolClIncomingCloseCall(status, vc, data, size)
    expect .connected and status == NDIS_STATUS_FAILURE and data != null and size == 2 "the far end's data"
    later: NdisClCloseCall(.handle) = NDIS_STATUS_PENDING
ProtocolClCloseCallComplete(status, vc, party)
    expect status == NDIS_STATUS_SUCCESS "closed"
    unless .connected:
        expect party == .first "the last party"
        NdisCoDeleteVc(.handle) = NDIS_STATUS_SUCCESS
ProtocolCoDeleteVc(vc)
    ProtocolCoDeleteVc = NDIS_STATUS_SUCCESS
to hang_up
    each af where .open:
        with .sap.vc: NdisClCloseCall(.handle, .first_handle, here, 4) = NDIS_STATUS_PENDING
to let_go
    .leaving = yes
    NdisClDeregisterSap(.sap.handle) = NDIS_STATUS_PENDING
ProtocolClDeregisterSapComplete(status, sap)
    with .owner: do close
program:
    load line
    load client
    start nic1
    rest
    run client hang_up
    rest
    unbind client from nic1
    rest
    stop nic1
    unload client
    unload line
"#;
    let expected = r"open: 1 0x801
sap: 1, type 0x8000, 12 bytes: 5 6, 0000000000000000
create: 1 0000000000000000
call: 1 1 0000000000000000
asked: 0x0, flags 0x0, transmit 64000 of 0, receive 32000, called 0x2a of 8, media 0x0, 0x0 of 48
modify: 1
asked: 0x0, flags 0x2, transmit 1 of 0, receive 32000, called 0x2a of 8, media 0x0, 0x0 of 48
party: 1 1 0000000000000000
asked: 0x0, flags 0x2, transmit 1 of 0, receive 200, called 0x2a of 8, media 0x0, 0x0 of 48
modify: 1
asked: 0x0, flags 0x2, transmit 2 of 0, receive 200, called 0x2a of 8, media 0x0, 0x0 of 48
drop: 1 1 3
modify: 1
asked: 0x0, flags 0x2, transmit 3 of 0, receive 200, called 0x2a of 8, media 0x0, 0x0 of 48
own vc: 0x0
activate: 0x0
answer: 0x0, flags 0x2, transmit 1000 of 1, receive 32000, called 0x2a of 4, media 0xc, 0x2 of 48
close call: 0 0 0 0
own vc: 0x0
close call: 1 1 1 4
delete: 1
sap gone: 1
close: 1";
    assert_eq!(lines(text, &["line"]).join("\n"), expected);
}

/// A driver changes call parameters where they lie. Memory that cannot be written is the mistake of the driver that
/// passed it, whether the change comes at once or with a completion.
#[test]
fn call_parameters_that_cannot_be_written_are_a_crash_of_their_owner() {
    let at_once = "
    NdisMCmActivateVc(.handle, parameters) = NDIS_STATUS_SUCCESS
    ProtocolCmMakeCall = NDIS_STATUS_SUCCESS, *CallParameters = parameters {flags CALL_PARAMETERS_CHANGED}
";
    let later = "
    v = here
    later:
        NdisMCmActivateVc(v.handle, parameters) = NDIS_STATUS_SUCCESS
        NdisMCmMakeCallComplete(NDIS_STATUS_SUCCESS, v.handle, parameters=parameters {flags CALL_PARAMETERS_CHANGED})
    ProtocolCmMakeCall = NDIS_STATUS_PENDING
";
    let cases = [
        (at_once, "passes a pointer to memory that cannot be written"),
        (later, "passed call parameters that cannot be written"),
    ];
    for (answer, expected) in cases {
        let text = format!(
            "alone\ndriver mcm like mcm\nregistry RegisterSap = 1\nProtocolCmMakeCall(vc, parameters){answer}driver caller like client\n"
        );
        let (mut runner, _host) = scene(&text, &["caller"], &[("ReadOnly", 1)]);
        let outcome = runner.run(&mut Fifo);
        let Outcome::Ended(Ending::Crashed(crash)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((crash.rule, crash.by, crash.offence), (Rule::KernelBadAccess, DriverId(1), expected));
    }
}

/// Handlers that were set for a binding are those of everything that belongs to it. See `tests/samples.rs`, too.
#[test]
fn the_handlers_of_a_binding_serve_its_saps_calls_and_parties() {
    let text = r"
alone
driver mcm like mcm
registry RegisterSap = 1
registry MakeCall = 1
registry AddParty = 1
registry DropParty = 1
registry CloseCall = 1
registry DeregisterSap = 1
registry CloseAf = 1
driver override like client
";
    let (mut runner, _host) = scene(text, &["override"], &[("Calls", 1)]);
    let outcome = runner.run(&mut Fifo);
    assert!(matches!(&outcome, Outcome::AtRest { findings, .. } if findings.is_empty()), "{outcome:?}");
    let printed = printed(&runner);
    assert!(!printed.iter().any(|line| line.starts_with("driver's")), "{printed:#?}");
    let called: Vec<&String> = printed.iter().filter(|line| line.starts_with("binding's")).collect();
    let expected = [
        "binding's sap: 0x0",
        "binding's call: 0x0",
        "binding's party: 0x0",
        "binding's drop: 0x0",
        "binding's close of call: 0x0",
        "binding's end of sap: 0x0",
        "binding's: 0x0 1",
    ];
    assert_eq!(called, expected);
}
