//! Scenario files: what is read, and how mistakes are told.

mod common;

use condis::plan::{Inputs, Options, Plan};
use condis::scenario::{RegistryValue, Scenario};
use condis::source::DriverName;
use expect_test::{Expect, expect};
use model::StopOrder;

fn check_mistake(text: &str, expected: Expect) {
    let error = Scenario::parse("demo.toml", text).expect_err("a mistake");
    expected.assert_eq(&error.render(false));
}

#[test]
fn all_keys_are_read() {
    let text = r#"
        stop-order = "overlapped"
        processors = 4
        peers = false
        [ndis]
        pend-open = true
        pend-close = false
        pend-mcm = true
        [levels]
        deny = ["af-notify-on-halt"]
        [limits]
        steps = 5_000
        time = "90s"
        memory = "64MiB"
        [[driver]]
        name = "mcm"
        builtin = "mcm"
        registry = { OpenAf = 1, Name = "x", Loud = true }
        [[driver]]
        name = "client"
        builtin = "client"
        [[adapter]]
        name = "card"
        driver = "mcm"
        [[program]]
        command = "start"
        adapter = "card"
        [[program]]
        command = "pnp-event"
        driver = "client"
        adapter = "card"
        event = "NetEventReconfigure"
        [[program]]
        command = "rest"
        [[expect]]
        line = "client ProtocolClNotifyCloseAf = *"
        count = 2
    "#;
    let scenario = Scenario::parse("demo.toml", text).expect("a sound scenario");
    assert_eq!(scenario.stop_order, Some(StopOrder::Overlapped));
    let ndis = scenario.ndis;
    assert_eq!((ndis.pend_open, ndis.pend_close, ndis.pend_mcm), (Some(true), Some(false), Some(true)));
    assert_eq!(scenario.limits.time, Some(900_000_000));
    assert_eq!(scenario.limits.memory, Some(64 << 20));
    assert_eq!(scenario.drivers[0].registry["Loud"], RegistryValue::Integer(1));
    assert_eq!(scenario.program.as_ref().map(Vec::len), Some(3));
    assert_eq!(scenario.expect[0].count, Some(2));
}

#[test]
fn an_unknown_key_says_what_was_meant() {
    check_mistake(
        "processors = 2\nstop_order = \"strict\"\n",
        expect![[r#"
        error: a scenario has no key `stop_order`
         --> demo.toml:2:1
          |
        2 | stop_order = "strict"
          | ^^^^^^^^^^ unknown key
          |
          = help: did you mean `stop-order`?
    "#]],
    );
}

#[test]
fn a_wrong_type_says_what_belongs_there() {
    check_mistake(
        "processors = \"2\"\n[ndis]\npend-open = \"true\"\n",
        expect![[r#"
        error: an integer belongs here
         --> demo.toml:1:14
          |
        1 | processors = "2"
          |              ^^^ this is a string
          |
          = help: write 2 without quotes
        error: true or false belongs here
         --> demo.toml:3:13
          |
        3 | pend-open = "true"
          |             ^^^^^^ this is a string
          |
          = help: write true without quotes
    "#]],
    );
}

#[test]
fn an_unknown_value_says_what_there_is() {
    check_mistake(
        "stop-order = \"reverse\"\n[[program]]\ncommand = \"suprise-remove\"\n",
        expect![[r#"
        error: "reverse" is no stop order
         --> demo.toml:1:14
          |
        1 | stop-order = "reverse"
          |              ^^^^^^^^^ unknown stop order
          |
          = help: known: strict, overlapped
        error: "suprise-remove" is no command
         --> demo.toml:3:11
          |
        3 | command = "suprise-remove"
          |           ^^^^^^^^^^^^^^^^ unknown command
          |
          = help: did you mean "surprise-remove"?
    "#]],
    );
}

#[test]
fn an_unknown_rule_says_which_is_near() {
    check_mistake(
        "[levels]\ndeny = [\"af-notify-on-hal\"]\n",
        expect![[r#"
        error: no rule has the id `af-notify-on-hal`
         --> demo.toml:2:9
          |
        2 | deny = ["af-notify-on-hal"]
          |         ^^^^^^^^^^^^^^^^^^ unknown rule
          |
          = help: did you mean `af-notify-on-halt`?
    "#]],
    );
}

#[test]
fn what_is_missing_is_told_at_its_table() {
    check_mistake(
        "[[driver]]\npath = \"a.sys\"\nbuiltin = \"mcm\"\n[[program]]\ncommand = \"bind\"\n",
        expect![[r#"
        error: a driver has two sources
         --> demo.toml:3:11
          |
        3 | builtin = "mcm"
          |           ^^^^^ `path` is given, too
          |
          = help: leave one of `path` and `builtin` out
        error: command `bind` needs the key `driver`
         --> demo.toml:4:1
          |
        4 | [[program]]
          | ^^^^^^^^^^^ it is not here
        error: command `bind` needs the key `adapter`
         --> demo.toml:4:1
          |
        4 | [[program]]
          | ^^^^^^^^^^^ it is not here
    "#]],
    );
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    check_mistake(
        "processors = 2\n[[driver]\nname = \"x\"\n",
        expect![[r#"
        error: this is not TOML
         --> demo.toml:2:10
          |
        2 | [[driver]
          |          ^ unclosed array table, expected `]`
    "#]],
    );
}

#[test]
fn numbers_have_bounds() {
    check_mistake(
        "processors = 9\n[limits]\ntime = \"5 parsecs\"\nsteps = -1\n",
        expect![[r#"
        error: a number from 1 to 8 belongs here
         --> demo.toml:1:14
          |
        1 | processors = 9
          |              ^ out of range
        error: a time such as "30s" belongs here
         --> demo.toml:3:8
          |
        3 | time = "5 parsecs"
          |        ^^^^^^^^^^^ not that
          |
          = help: units: ms, s, min, h
        error: a number from 1 to 4294967295 belongs here
         --> demo.toml:4:9
          |
        4 | steps = -1
          |         ^^ out of range
    "#]],
    );
}

#[test]
fn many_mistakes_are_counted() {
    check_mistake(
        "a = 1\nb = 1\nc = 1\nd = 1\ne = 1\nf = 1\n",
        expect![[r#"
        error: a scenario has no key `a`
         --> demo.toml:1:1
          |
        1 | a = 1
          | ^ unknown key
          |
          = help: known here: stop-order, processors, peers, ndis, levels, limits, driver, adapter, program, expect
        error: a scenario has no key `b`
         --> demo.toml:2:1
          |
        2 | b = 1
          | ^ unknown key
          |
          = help: known here: stop-order, processors, peers, ndis, levels, limits, driver, adapter, program, expect
        error: a scenario has no key `c`
         --> demo.toml:3:1
          |
        3 | c = 1
          | ^ unknown key
          |
          = help: known here: stop-order, processors, peers, ndis, levels, limits, driver, adapter, program, expect
        error: a scenario has no key `d`
         --> demo.toml:4:1
          |
        4 | d = 1
          | ^ unknown key
          |
          = help: known here: stop-order, processors, peers, ndis, levels, limits, driver, adapter, program, expect
        and 2 more mistakes in demo.toml
    "#]],
    );
}

#[test]
fn the_position_of_a_mistake_counts_lines_and_characters() {
    let error = Scenario::parse("demo.toml", "# ü\n  stop-ordér = 1\n").expect_err("not a bare key");
    assert_eq!(error.position(&error.problems[0]).0, 2);
    let error = Scenario::parse("demo.toml", "stop-order = \"ü\"\nlevels = { \"ü\" = 1, b = 2 }")
        .expect_err("mistakes");
    let positions: Vec<_> = error.problems.iter().map(|problem| error.position(problem)).collect();
    assert_eq!(positions, [(1, 14), (2, 12), (2, 21)]);
}

/// The program of a plan, in the words of a trace.
fn program(drivers: &[&str], options: &Options) -> String {
    let names: Vec<DriverName> = drivers.iter().map(|name| DriverName::new(name)).collect();
    let plan = Plan::new(Inputs::read(&names, None).expect("builtin drivers"), options).expect("a plan");
    let names = plan.names();
    let mut text: Vec<String> = plan.drivers.iter().map(|driver| format!("driver {}", driver.name)).collect();
    text.extend(plan.program.iter().map(|act| match act {
        engine::Act::Command(command) => report::syntax::command(&names, *command),
        engine::Act::Run(driver, _) => format!("run {}", names.driver(*driver)),
        engine::Act::Rest => "rest".to_owned(),
    }));
    text.join("\n")
}

#[test]
fn an_mcm_gets_a_client_and_a_program_in_two_phases() {
    expect![[r#"
        driver mcm
        driver client
        load mcm
        load client
        start nic1
        rest
        unbind client from nic1
        rest
        bind client to nic1
        rest
        surprise-remove nic1
        rest
        stop nic1
        rest
        uninstall client
        rest
        unload client
        unload mcm
        rest"#]]
    .assert_eq(&program(&["builtin:mcm"], &Options::default()));
}

#[test]
fn a_call_manager_gets_a_miniport_and_a_client() {
    expect![[r#"
        driver cm
        driver miniport
        driver client
        load miniport
        load cm
        load client
        start nic1
        rest
        unbind client from nic1
        rest
        bind client to nic1
        rest
        unbind cm from nic1
        rest
        stop nic1
        rest
        uninstall client
        uninstall cm
        rest
        unload client
        unload cm
        unload miniport
        rest"#]]
    .assert_eq(&program(&["builtin:cm"], &Options::default()));
}

#[test]
fn a_client_alone_gets_an_mcm() {
    let text = program(&["builtin:client"], &Options::default());
    assert!(text.starts_with("driver client\ndriver mcm\n"), "{text}");
}

#[test]
fn two_drivers_of_one_name_are_told_apart() {
    let text = program(&["builtin:client", "builtin:client", "builtin:mcm"], &Options::default());
    assert!(text.starts_with("driver client\ndriver client2\ndriver mcm\nload mcm\n"), "{text}");
}

/// The mistakes that only the drivers bring to light.
fn plan_mistake(text: &str) -> String {
    let scenario = Scenario::parse("demo.toml", text).expect("sound by itself");
    let mut inputs = Inputs::read(&[DriverName::new("builtin:mcm")], None).expect("a builtin driver");
    inputs.scenario = scenario;
    Plan::new(inputs, &Options::default()).expect_err("a mistake").render(false)
}

#[test]
fn a_name_that_nothing_has_is_told_in_the_scenario() {
    expect![[r#"
        error: there is no adapter `nic2`
         --> demo.toml:3:11
          |
        3 | adapter = "nic2"
          |           ^^^^^^ unknown adapter
          |
          = help: did you mean "nic1"?
    "#]]
    .assert_eq(&plan_mistake("[[program]]\ncommand = \"stop\"\nadapter = \"nic2\"\n"));
}

#[test]
fn a_program_that_loads_nothing_has_its_drivers_loaded() {
    let scenario = "[[program]]\ncommand = \"start\"\nadapter = \"nic1\"\n";
    let mut inputs = Inputs::read(&[DriverName::new("builtin:mcm")], None).expect("a builtin driver");
    inputs.scenario = Scenario::parse("demo.toml", scenario).expect("a sound scenario");
    let plan = Plan::new(inputs, &Options::default()).expect("a plan");
    assert_eq!(plan.program.len(), 3, "{:?}", plan.program);
}

#[test]
fn a_rule_with_two_levels() {
    check_mistake(
        "[levels]\nallow = [\"af-close-once\"]\ndeny = [\"af-close-once\"]\n",
        expect![[r#"
        error: rule `af-close-once` has two levels
         --> demo.toml:3:9
          |
        3 | deny = ["af-close-once"]
          |         ^^^^^^^^^^^^^^^ it stands in this table already
    "#]],
    );
}

#[test]
fn an_expectation_of_nothing() {
    check_mistake(
        "[[expect]]\nlines = []\n",
        expect![[r#"
        error: an expectation names at least one line
         --> demo.toml:2:9
          |
        2 | lines = []
          |         ^^ none is here
    "#]],
    );
}

#[test]
fn a_name_that_traces_use_already() {
    check_mistake(
        "[[driver]]\nname = \"NDIS\"\n",
        expect![[r#"
        error: `NDIS` cannot be a name
         --> demo.toml:2:8
          |
        2 | name = "NDIS"
          |        ^^^^^^ traces call something else so
    "#]],
    );
}

#[test]
fn an_expectation_that_no_line_can_meet() {
    expect![[r#"
        error: no line of a trace is about `clint`
         --> demo.toml:2:8
          |
        2 | line = "clint ProtocolClNotifyCloseAf(*)"
          |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a pattern begins with a driver's name
          |
          = help: did you mean `client`?
    "#]]
    .assert_eq(&plan_mistake("[[expect]]\nline = \"clint ProtocolClNotifyCloseAf(*)\"\n"));
}

#[test]
fn an_adapter_of_a_driver_that_has_none() {
    expect![[r#"
        error: driver `client` has no adapters
         --> demo.toml:3:10
          |
        3 | driver = "client"
          |          ^^^^^^^^ it registers no miniport
    "#]]
    .assert_eq(&plan_mistake("[[adapter]]\nname = \"nic1\"\ndriver = \"client\"\n"));
}

#[test]
fn a_driver_file_that_is_not_there_is_told_in_the_scenario() {
    let scenario =
        common::file("no-driver-file.toml", b"[[driver]]\nname = \"mcm\"\npath = \"no-such-driver.sys\"\n");
    let error = Inputs::read(&[], Some(std::path::Path::new(&scenario))).expect_err("a mistake");
    expect![[r#"
        error: DIR/no-such-driver.sys: there is no such file
         --> DIR/no-driver-file.toml:3:8
          |
        3 | path = "no-such-driver.sys"
          |        ^^^^^^^^^^^^^^^^^^^^ this driver file
          |
          = help: a path is relative to the scenario's own folder
    "#]]
    .assert_eq(&error.to_string().replace(&common::folder().display().to_string(), "DIR"));
}
