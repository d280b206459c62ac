//! Any text: read it as a scenario, make a plan of it for a builtin driver, and show the mistakes. Nothing may panic or
//! run long, and a mistake lies inside the text.

#![no_main]

use condis::plan::{Inputs, Options, Plan};
use condis::scenario::{Scenario, ScenarioError};
use condis::source::DriverName;
use libfuzzer_sys::fuzz_target;

fn check(error: &ScenarioError) {
    assert!(!error.problems.is_empty());
    for problem in &error.problems {
        assert!(
            problem.span.start <= problem.span.end && problem.span.end <= error.text.len(),
            "{problem:?}"
        );
        let (line, column) = error.position(problem);
        assert!(line >= 1 && column >= 1);
    }
    assert!(!error.render(false).is_empty());
}

fuzz_target!(|text: &str| {
    let scenario = match Scenario::parse("fuzz.toml", text) {
        Ok(scenario) => scenario,
        Err(error) => return check(&error),
    };
    let Ok(mut inputs) = Inputs::read(&[DriverName::Builtin("mcm".to_owned())], None) else {
        panic!("a builtin driver is always there");
    };
    inputs.scenario = scenario;
    match Plan::new(inputs, &Options::default()) {
        Ok(plan) => assert_eq!(plan.world.adapters.len(), plan.adapters.len()),
        Err(error) => check(&error),
    }
});
