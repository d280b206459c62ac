//! What the documentation shows must be true.

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
