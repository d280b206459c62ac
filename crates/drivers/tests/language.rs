//! The language of scripts: what runs, what a mistake says, and traces that become scripts.

use drivers::{Scene, Script};
use engine::strategy::Fifo;
use engine::{Ending, Outcome, Runner, Strategy};
use model::record::Event;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: engine::arena::Allocator = engine::arena::Allocator;

fn scene(text: &str) -> Scene {
    Scene::parse(text, 1).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// How an execution ends, with the text of an expectation that failed, and what drivers printed.
fn run(scene: &Scene, strategy: &mut dyn Strategy) -> (String, Vec<String>, Vec<String>) {
    let mut runner = Runner::new(|| scene.setup(Vec::new())).expect("a runner");
    let ending = match runner.run(strategy) {
        Outcome::AtRest { findings, .. } if findings.is_empty() => "at rest".to_owned(),
        Outcome::Ended(Ending::Unexpected { text, .. } | Ending::Panicked { text, .. }) => {
            runner.text(text).to_owned()
        }
        other => format!("{other:?}"),
    };
    let printed = runner.trace().iter().filter_map(|record| match record.event {
        Event::Printed(_, number) => Some(runner.text(number).to_owned()),
        _ => None,
    });
    let printed = printed.collect();
    let (drivers, adapters) = scene.names();
    let show = report::trace::Show::default();
    let mut writer =
        report::trace::Writer::new(report::Names::new(drivers, adapters), report::Look::PLAIN, show);
    let texts = (0..1000).map(|number| runner.text(number).to_owned()).collect::<Vec<_>>();
    let lines = runner.trace().iter().enumerate();
    let lines = lines.filter_map(|(number, record)| writer.next(number, record, &texts)).collect();
    (ending, printed, lines)
}

fn ends(text: &str) -> String {
    run(&scene(text), &mut Fifo).0
}

/// Runs a procedure `main` of an otherwise empty driver.
fn main_prints(body: &str) -> Vec<String> {
    let text = format!("alone\ndriver d\n{body}\nprogram:\n    run d main\n");
    let (ending, printed, _) = run(&scene(&text), &mut Fifo);
    assert_eq!(ending, "at rest", "{text}");
    printed
}

#[test]
fn choices_loops_and_objects() {
    let body = r#"
var count
to main
    while count < 3:
        count = count + 1
        a = new thing
        a.number = count
    each thing where .number != 2: do tell
    when any thing where (.number == 2 and not .gone): "two"
    each thing where .number == 2: drop here
    unless any thing where .number == 2:
        "gone"
    else:
        "still there"
to tell
    when .number == 1:
        "one"
    else when .number == 2:
        "never"
    else when .number == 3:
        "three"
    else:
        "never"
"#;
    assert_eq!(main_prints(body), ["one", "three", "two", "gone"]);
}

#[test]
fn procedures_answer_and_see_the_current_object() {
    let body = r#"
to main
    a = new thing
    a.word = 7
    with a:
        do give(5)
        when result == 12: "twelve"
        b = new thing
    when b.owner == a: "owner"
    when here == null: "nothing here"
to give(more)
    return .word + more
"#;
    assert_eq!(main_prints(body), ["twelve", "owner", "nothing here"]);
}

#[test]
fn routines_keep_what_they_saw_and_events_wake() {
    let body = r#"
to main
    done = new event
    word = 1
    later:
        when word == 1: "as it was"
        set done
    word = 2
    wait done
    "woken"
    wait done for 1 ms
    when result: "still set"
    reset done
    wait done for 1 ms
    unless result: "in vain"
    at DISPATCH_LEVEL:
        dpc: "later, since the level is raised"
        "now"
    after 1 ms -> timer: "never"
    cancel timer
    when result: "in time"
    cancel timer
    unless result: "not armed"
    ticked = new synchronization event
    every 1 ms -> timer: set ticked
    wait ticked
    wait ticked
    cancel timer
    when result: "twice"
    allocate 64 -> memory
    after 1 ms -> timer: "never"
    free memory
    cancel timer
"#;
    let later = "later, since the level is raised";
    let expected =
        ["as it was", "woken", "still set", "in vain", "now", "in time", "not armed", later, "twice"];
    assert_eq!(main_prints(body), expected);
}

#[test]
fn structures_are_values() {
    let body = r#"
to main
    p = {flags CALL_PARAMETERS_CHANGED|0x40, transmit QOS_NOT_SPECIFIED, receive 10 + 1, called 0x2a, media-flags ROUND_UP_FLOW}
    when p.flags == 0x42 and p.transmit == 0xffffffff and p.receive == 11 and p.called == 42: "as written"
    when p.media-flags == 256 and p.media-length == 0 and p.rest == 0: "and no more"
    q = p {flags p.flags|MULTIPOINT_VC, called 7}
    when q.flags == 0x52 and q.called == 7 and q.receive == 11: "changed"
    when q.at == p.at and p.called == 42: "a value of its own, in the same place"
    when q {flags 0x50, called 42} != p and q {flags p.flags, called 42} == p: "compared"
    r = {receive 1}
    when r.at != p.at and r == {receive 1, at p.at}: "wherever it lies"
    when null {receive 1} == r and r {receive 0, at p.at} != null: "from nothing"
    "a \u{22}\r\n"
"#;
    let expected = [
        "as written",
        "and no more",
        "changed",
        "a value of its own, in the same place",
        "compared",
        "wherever it lies",
        "from nothing",
        "a \"\r\n",
    ];
    assert_eq!(main_prints(body), expected);
    let too_large = "alone\ndriver d\nto main\n    p = {transmit 0x100000000}\nprogram:\n    run d main\n";
    assert_eq!(ends(too_large), "d, line 4: a member is larger than 32 bits");
}

#[test]
fn calls_store_what_they_give_and_handlers_know_their_side() {
    let text = r#"
driver mcm like mcm
ProtocolCoCreateVc(af, handle, side)
    when side == call-manager: "the call manager's"
    vc = new vc
    vc.handle = handle
    ProtocolCoCreateVc = NDIS_STATUS_SUCCESS, *ProtocolVcContext = vc
ProtocolCoDeleteVc(vc, side=call-manager)
    drop here
ProtocolCmMakeCall(vc, parameters, handle)
    when handle == null: "no party"
    NdisMCmActivateVc(.handle, parameters {transmit 1}) = NDIS_STATUS_SUCCESS
    .active = yes
    ProtocolCmMakeCall = NDIS_STATUS_SUCCESS, *CallParameters = parameters {flags CALL_PARAMETERS_CHANGED, transmit 1}
driver client like client
to begin
    vc = new vc
    .vc = vc
    NdisCoCreateVc(.owner.handle, .handle, vc) -> vc.handle = NDIS_STATUS_SUCCESS
    NdisClMakeCall(vc.handle, {transmit 2, receive 3, media-length 48}) -> _, changed
    when changed.transmit == 1 and changed.receive == 3: "changed"
    at DISPATCH_LEVEL:
        NdisCoAssignInstanceName(vc.handle, base_name="line") -> name, index
        when result == NDIS_STATUS_SUCCESS and name == "line" and index < 2: "named"
        NdisCoGetTapiCallId(vc.handle, 64) -> id = NDIS_STATUS_SUCCESS
        NdisClGetProtocolVcContextFromTapiCallId(id) -> found = NDIS_STATUS_SUCCESS
        when found == vc: "found"
to let_go
    .leaving = yes
    NdisClCloseCall(.vc.handle) = NDIS_STATUS_SUCCESS
    NdisCoDeleteVc(.vc.handle) = NDIS_STATUS_SUCCESS
    do close
"#;
    let (ending, printed, _) = run(&scene(text), &mut Fifo);
    assert_eq!(ending, "at rest");
    assert_eq!(printed, ["the call manager's", "no party", "changed", "named", "found"]);
}

#[test]
fn an_expectation_that_fails_ends_the_run() {
    let text =
        "driver client like client\nto close\n    NdisClCloseAddressFamily(.handle) = NDIS_STATUS_PENDING\n";
    let expected = "client, line 3: NdisClCloseAddressFamily returned NDIS_STATUS_SUCCESS, which is not what the \
                    script expects";
    assert_eq!(ends(text), expected);
    assert_eq!(
        ends("driver client like client\nto close\n    expect .nothing \"why\"\n"),
        "client, line 3: why"
    );
}

#[test]
fn a_handler_without_a_body_ends_the_run() {
    let text = "alone\ndriver d\nprogram:\n    load d\n";
    assert_eq!(ends(text), "d: NDIS called DriverEntry, for which the script has no body (any more)");
}

#[test]
fn a_loop_without_an_end_ends_the_run() {
    let text = "alone\ndriver d\nto main\n    while yes: x = 1\nprogram:\n    run d main\n";
    assert!(ends(text).contains("does not end"), "{}", ends(text));
}

#[test]
fn the_nth_invocation_takes_the_nth_body() {
    let text = "driver client like client\n\
        ProtocolNetPnPEvent\n    \"first\"\n    return NDIS_STATUS_SUCCESS\n\
        ProtocolNetPnPEvent\n    \"later\"\n    return NDIS_STATUS_SUCCESS\n";
    let (ending, printed, _) = run(&scene(text), &mut Fifo);
    assert_eq!((ending.as_str(), &printed[..2]), ("at rest", &["first".to_owned(), "later".to_owned()][..]));
}

#[test]
fn mistakes_say_where_and_what_was_meant() {
    let errors = [
        ("driver c like clint\n", "line 1, column 15: there is no driver `clint`; did you mean `client`?"),
        (
            "driver c like client\nto close\n    NdisClCloseAdressFamily(.handle)\n",
            "line 3, column 5: `NdisClCloseAdressFamily` is no function of the documentation; did you mean \
             `NdisClCloseAddressFamily`?",
        ),
        (
            "driver c like client\nto close\n    NdisClCloseAddressFamily(.handle, 1)\n",
            "line 3, column 39: NdisClCloseAddressFamily takes 1 (af), not 2",
        ),
        (
            "driver c like client\nto close\n    return NDIS_STATUS_SUCESS\n",
            "line 3, column 12: `NDIS_STATUS_SUCESS` is no constant that is known here; did you mean \
             `NDIS_STATUS_SUCCESS`?",
        ),
        (
            "driver c like client\nto close(handel)\n    x = handle\n",
            "line 3, column 9: `handle` is no parameter, local name or `var`; did you mean `handel`?",
        ),
        (
            "driver c like client\nto close\n    do closd\n",
            "line 3, column 8: the driver has no `to closd`; did you mean `closed`?",
        ),
        (
            "driver c like client\nProtocolClCloseAfComplete\n    ProtocolClCloseAfComplete = NDIS_STATUS_SUCCESS\n",
            "line 3, column 5: ProtocolClCloseAfComplete has no return value; write `ProtocolClCloseAfComplete \
             returns`",
        ),
        (
            "driver c like client\nto close\n    ProtocolClNotifyCloseAf = NDIS_STATUS_SUCCESS\n",
            "line 3, column 5: only the body of ProtocolClNotifyCloseAf itself can answer it; elsewhere write \
             `return`",
        ),
        (
            "driver c like client\nto close\n    NdisClCloseAddressFamily(.handle) -> x\n",
            "line 3, column 39: NdisClCloseAddressFamily stores nothing",
        ),
        (
            "driver c like client\nto close\n    NdisOpenAdapterEx(1, 2, {flags 3}, 4)\n",
            "line 3, column 30: `flags` does not belong into this block, which takes media NdisMediumCoWan medium 3, \
             another adapter's name, frame-types N, type N, revision N, size N",
        ),
        (
            "driver c like client\nto close\n    else: x = 1\n",
            "line 3, column 5: `else` follows a `when` or `unless` of the same indentation",
        ),
        ("driver c like client\nto close\n    x = (1\n", "line 3, column 9: this `(` is never closed"),
        (
            "driver c like client\nto close\n    x = 1\n      y = 2\n",
            "line 4, column 7: this line is indented differently from the others of its block",
        ),
        (
            "driver c like client\nto a\n    x = 1\nto a\n    x = 2\n",
            "line 4, column 1: `a` is there already",
        ),
        (
            "stop-oder strict\n",
            "line 1, column 1: `stop-oder` is no constant that is known here; did you mean `stop-order`?",
        ),
        ("stop-order loose\n", "line 1, column 12: expected `strict` or `overlapped`, found `loose`"),
        (
            "program:\n    load clients\n",
            "line 2, column 10: there is no driver `clients`; did you mean `client`?",
        ),
        ("program:\n    stop nic2\n", "line 2, column 10: there is no adapter `nic2`"),
        (
            "driver c like client\nProtocolCoOidRequest(a)\n",
            "line 2, column 1: ProtocolCoOidRequest belongs to an area that does not exist yet",
        ),
        (
            "driver c like client\nto make\n    NdisClMakeCall(1, {}) -> .party, .parameters, .more\n",
            "line 3, column 27: NdisClMakeCall stores 2 things only",
        ),
        (
            "driver c like client\nto make\n    NdisClMakeCall(1, {length 4})\n",
            "line 3, column 24: `length` does not belong into this block, which takes flags N, transmit N, receive N, \
             called N, media-flags N, media-length N, media-word N, rest N, at CONTEXT",
        ),
        (
            "driver c like client\nProtocolCoCreateVc(af, vc)\n    \
             ProtocolCoCreateVc = NDIS_STATUS_SUCCESS, *MiniportVcContext = af\n",
            "line 3, column 48: there is no `*MiniportVcContext`, only *ProtocolVcContext",
        ),
        (
            "driver c like client\nProtocolClRegisterSapComplete(status)\n    \
             ProtocolClRegisterSapComplete returns, *CallParameters = {}\n",
            "line 3, column 45: there is no `*CallParameters`",
        ),
    ];
    for (text, expected) in errors {
        let error = Scene::parse(text, 1).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn any_text_is_read_or_refused_without_a_panic() {
    let text = include_str!("../builtin/client.condis");
    let mut seed = 1u64;
    for _ in 0..3000 {
        // Cuts, repeats and swaps pieces of a sound script.
        let mut next = |limit: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % limit.max(1)
        };
        let characters: Vec<char> = text.chars().collect();
        let (from, to) = (next(characters.len()), next(characters.len()));
        let piece: String = characters[from.min(to)..from.max(to)].iter().collect();
        let at = next(characters.len());
        let broken: String =
            characters[..at].iter().collect::<String>() + &piece + ["", "(", "\"", "{", ":", "\n "][next(6)];
        let _ = Scene::parse(&format!("driver d\n{broken}"), 1);
        let _ = Script::from_trace("client", &broken);
    }
}

/// The lines of one driver, without numbers and times.
fn lines_of(name: &str, lines: &[String]) -> Vec<String> {
    let columns = lines.iter().filter_map(|line| {
        let mut columns = line.split_whitespace();
        let who = columns.nth(4)?;
        let text = line.split_once(who).map(|(_, text)| text.trim().to_owned())?;
        (who == name && !text.starts_with("start:")).then_some(text)
    });
    columns.collect()
}

/// Each driver of a scene, played from its own trace, does the same again.
fn replays(text: &str) {
    let original = scene(text);
    let (ending, _, lines) = run(&original, &mut Fifo);
    assert_eq!(ending, "at rest", "{text}");
    let (names, _) = original.names();
    for (index, name) in names.iter().enumerate() {
        let own = lines_of(name, &lines);
        assert!(own.len() > 20, "{own:?}");
        let bare = lines.iter().filter(|line| line.split_whitespace().nth(4) == Some(name));
        let bare = bare.filter_map(|line| line.split_once(name.as_str()));
        let bare = bare.map(|(_, text)| format!("{}\n", text.trim())).collect();
        for trace in [lines.concat(), bare] {
            let script = Script::from_trace(name, &trace).unwrap_or_else(|error| panic!("{error}\n{trace}"));
            let mut changed = original.clone();
            changed.drivers[index] = Arc::new(script);
            let (ending, _, again) = run(&changed, &mut Fifo);
            assert_eq!(ending, "at rest", "{name} of\n{text}\n{trace}\n{}", again.concat());
            assert_eq!(lines_of(name, &again), own, "{name} of\n{text}");
        }
    }
}

#[test]
fn a_recorded_trace_is_a_script() {
    for open in [0, 1, 2, 5] {
        for close in [0, 1, 2, 5] {
            replays(&format!(
                "driver mcm like mcm\nregistry OpenAf = {open}\nregistry CloseAf = {close}\n\
                     driver client like client\nregistry UnbindAdapter = {}\n\
                     program:\n    load mcm\n    load client\n    start nic1\n    rest\n    surprise-remove nic1\n    rest\n    \
                     start nic1\n    rest\n    unbind client from nic1\n    rest\n    stop nic1\n    unload mcm\n    unload client\n",
                open % 2,
            ));
            replays(&format!(
                "driver cm like cm\nregistry OpenAf = {open}\nregistry CloseAf = {close}\nregistry UnbindAdapter = {}\n",
                open % 2
            ));
        }
    }
}

#[test]
fn a_recorded_trace_with_calls_is_a_script() {
    // What pends and ends on tasks of several drivers may come in another order: what queued a routine is not in a trace.
    for how in [0, 2] {
        let manager = format!(
            "registry RegisterSap = {how}\nregistry DeregisterSap = {how}\nregistry MakeCall = {how}\n\
             registry ModifyCallQoS = {how}\nregistry CloseCall = {how}\nregistry AddParty = {how}\n\
             registry DropParty = {how}\nregistry Offers = 1\nregistry QoSChanges = 1\nregistry Drops = 1\n\
             registry HangUps = 2\n"
        );
        let client = format!(
            "driver client like client\nregistry Saps = 1\nregistry Calls = 2\nregistry PointToPoint = 1\n\
             registry Parties = 3\nregistry ModifyCallQoS = 1\nregistry IncomingCall = {how}\n"
        );
        replays(&format!("driver mcm like mcm\n{manager}{client}"));
        replays(&format!(
            "driver miniport like miniport\nregistry ActivateVc = {how}\nregistry DeactivateVc = {how}\n\
             driver cm like cm\n{manager}{client}"
        ));
    }
}
