//! What the documentation shows must be true.

mod common;

use condis::scenario::Scenario;

/// The fenced blocks of one language in a page of the documentation.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<(usize, &'a str)> {
    let opening = format!("```{language}\n");
    let starts = page.match_indices(&opening).map(|(start, opening)| start + opening.len());
    starts
        .map(|start| {
            let block = &page[start..];
            let end = block.find("\n```").expect("a block ends");
            (page[..start].matches('\n').count() + 1, &block[..end + 1])
        })
        .collect()
}

#[test]
fn every_scenario_of_the_documentation_is_sound() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scenarios.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let blocks = blocks(&page, "toml");
    assert!(blocks.len() >= 8, "the page has {} blocks", blocks.len());
    for (line, block) in blocks {
        if let Err(error) = Scenario::parse(&format!("docs/scenarios.md from line {line}"), block) {
            panic!("{error}");
        }
    }
}

/// The members of an object, and of the objects in it that are worth a row of their own.
fn members<'a>(value: &'a serde_json::Value, into: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::Object(object) => into.extend(object.keys().map(String::as_str)),
        _ => panic!("not an object: {value}"),
    }
}

#[test]
fn every_member_of_a_run_is_in_the_manual() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/json.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let faulty = common::samples().join("bad/af-cm-close-complete-pending-only/twice/twice.sys");
    let run = common::json(&common::condis(&["run", &faulty.display().to_string(), "--format", "json"]));
    let mut names = Vec::new();
    members(&run, &mut names);
    members(&run["findings"][0], &mut names);
    members(&run["findings"][0]["rule"], &mut names);
    members(&run["findings"][0]["objects"][0], &mut names);
    members(&run["findings"][0]["objects"][0]["edges"][0], &mut names);
    members(&run["drivers"][0], &mut names);
    members(&run["adapters"][0], &mut names);
    for line in run["trace"].as_array().expect("a trace") {
        members(line, &mut names);
        let event = line["event"].as_str().expect("a word");
        assert!(page.contains(&format!("`{event}`")), "event `{event}`");
    }
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "member `{name}`");
    }
}
