//! Calls between two `client.sys`, through each call manager there is: what the scenarios of `samples/scenarios` expect, and
//! silence in many orders however the drivers answer.

mod common;

use common::{condis, file, good, samples, text};

/// Runs a scenario of correct drivers: no finding in any order.
fn silent(scenario: &str, executions: u32) {
    let count = executions.to_string();
    for order in ["strict", "overlapped"] {
        let mut words = vec!["run", "--scenario", scenario, "--stop-order", order];
        words.extend(["--strategy", "random", "--executions", &count, "--seed", "11"]);
        let output = condis(&words);
        let stdout = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{words:?}\n{stdout}{}", text(&output.stderr));
        assert!(stdout.ends_with(&format!("{count} executions: no findings\n")), "{words:?}\n{stdout}");
    }
}

#[test]
fn a_client_calls_another_through_each_call_manager() {
    for through in ["cm", "mcm", "switch"] {
        let scenario = samples().join("scenarios").join(format!("call-through-{through}.toml"));
        silent(&scenario.display().to_string(), 300);
    }
}

/// A driver of a scenario: its name, the sample that it is, and its registry values.
fn driver(name: &str, sample: &str, registry: &str) -> String {
    format!("[[driver]]\nname = \"{name}\"\npath = \"{}\"\nregistry = {{ {registry} }}\n", good(sample))
}

/// The clients of one adapter: the one calls the other, which takes calls as `incoming` says.
fn clients(incoming: u32, notify: u32) -> String {
    let keep = incoming % 2;
    let caller =
        format!("Sap = 0, Call = 1, Parties = 2, RoundFlow = 2, KeepCall = {keep}, NotifyCloseAf = {notify}");
    let called =
        format!("Call = 0, IncomingCall = {incoming}, MaxBandwidth = {}", if keep == 0 { 0 } else { 12_000 });
    driver("caller", "client", &caller) + &driver("called", "client", &called)
}

/// How a call manager answers everything that has to do with SAPs, calls and parties.
fn answers(mode: u32) -> String {
    let requests =
        ["RegisterSap", "DeregisterSap", "MakeCall", "ModifyCallQoS", "CloseCall", "AddParty", "DropParty"];
    requests.map(|request| format!("{request} = {mode}")).join(", ")
}

#[test]
fn calls_through_the_call_manager_are_silent_however_everybody_answers() {
    for mode in [0, 1, 2, 5] {
        for incoming in 0..=4 {
            // Now and then the miniport refuses the change of the quality of service.
            let capacity = if incoming == 2 { 10_000 } else { 1_000_000 };
            let miniport = format!("ActivateVc = {mode}, DeactivateVc = {mode}, Capacity = {capacity}");
            let scenario = driver("miniport", "miniport", &miniport)
                + &driver("cm", "cm", &answers(mode))
                + &clients(incoming, mode % 4);
            silent(&file(&format!("calls-cm-{mode}-{incoming}.toml"), scenario.as_bytes()), 100);
        }
    }
}

#[test]
fn calls_through_the_mcm_are_silent_however_everybody_answers() {
    for mode in [0, 1, 2, 5] {
        for incoming in 0..=4 {
            let pend = if incoming == 3 { "[ndis]\npend-mcm = true\n" } else { "" };
            let capacity = if incoming == 2 { 10_000 } else { 1_000_000 };
            let scenario = pend.to_owned()
                + &driver("mcm", "mcm", &format!("{}, Capacity = {capacity}", answers(mode)))
                + &clients(incoming, mode % 4);
            silent(&file(&format!("calls-mcm-{mode}-{incoming}.toml"), scenario.as_bytes()), 100);
        }
    }
}
