//! The committed tables are fresh, and every kind of mistake in a contract file is refused by name.

use std::collections::BTreeMap;
use std::path::Path;

use super::{CodegenError, check, source, validate};

#[test]
fn committed_tables_are_what_the_generator_makes() {
    if let Err(error) = check(&crate::project_root()) {
        panic!("{error}");
    }
}

/// A contract without a problem, as far as these tests need one.
const BASE: &str = r#"
[[ddi]]
name = "NdisDo"
page = "nf-ndis-ndisdo"
kind = "function"
export = "NdisDo"
area = "af"
called_by = ["client"]
called_on = []
irql = "PASSIVE_LEVEL"
ndis = "6.0+"
c_signature = "VOID NdisDo(VOID)"
returns = []
may_pend = true
completed_by = "ProtocolDone"
causes = ["ProtocolDone"]
notes = []

[[ddi]]
name = "ProtocolDone"
page = "nc-ndis-protocol_done"
kind = "callback"
area = "af"
called_by = []
called_on = ["client"]
irql = "<= DISPATCH_LEVEL"
ndis = "6.0+"
c_signature = "VOID ProtocolDone(VOID)"
returns = []
may_pend = false
completed_by = ""
causes = []
required = true
notes = []

[[rule]]
id = "af-do-once"
area = "af"
binds = ["client"]
strength = "must"
text = "Once."
ddis = ["NdisDo"]
detect = "runtime-safety"
refusal = "NDIS_STATUS_FAILURE"
race = true
rests_on = ["af-q-once"]
pages = ["nf-ndis-ndisdo"]

[[open_question]]
id = "af-q-once"
about = "How often."
reading = "Once."
pages = ["network/doing"]
"#;

const ENFORCEMENT: &str = "
[[rule]]
id = \"af-do-once\"
needs = \"x\"
why = \"y\"
";

fn parse(af: &str, enforcement: &str) -> Result<source::Contract, CodegenError> {
    let texts = [("af.toml", af), ("enforcement.toml", enforcement)];
    let texts: BTreeMap<String, String> =
        texts.into_iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    source::parse(Path::new("contract"), &texts)
}

/// What is reported when `from` is replaced by `to`, once, in [`BASE`].
fn problems(from: &str, to: &str) -> Vec<String> {
    assert_eq!(BASE.matches(from).count(), 1, "{from:?} must stand once in the base");
    found(&BASE.replace(from, to), ENFORCEMENT)
}

fn found(af: &str, enforcement: &str) -> Vec<String> {
    match parse(af, enforcement) {
        Ok(contract) => validate::problems(&contract).iter().map(ToString::to_string).collect(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn base_has_no_problem() {
    assert_eq!(found(BASE, ENFORCEMENT), Vec::<String>::new());
}

#[test]
fn dangling_references_are_named_with_file_and_table() {
    let cases = [
        (
            "causes = [\"ProtocolDone\"]",
            "causes = [\"ProtocolGone\"]",
            "contract/af.toml [[ddi]] NdisDo: causes names ProtocolGone, which is in no table",
        ),
        (
            "completed_by = \"ProtocolDone\"",
            "completed_by = \"ProtocolGone\"",
            "contract/af.toml [[ddi]] NdisDo: completed_by names ProtocolGone, which is in no table",
        ),
        (
            "ddis = [\"NdisDo\"]",
            "ddis = [\"NdisDone\"]",
            "contract/af.toml [[rule]] af-do-once: ddis names NdisDone, which is in no table",
        ),
        (
            "rests_on = [\"af-q-once\"]",
            "rests_on = [\"af-q-twice\"]",
            "contract/af.toml [[rule]] af-do-once: rests_on names af-q-twice, which is in no table",
        ),
        (
            "ddis = [\"NdisDo\"]",
            "ddis = [\"NdisDo\", \"NdisDo\"]",
            "contract/af.toml [[rule]] af-do-once: ddis names NdisDo twice",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(problems(from, to), [expected]);
    }
}

#[test]
fn contradictions_within_an_entry_are_named() {
    let cases = [
        (
            "refusal = \"NDIS_STATUS_FAILURE\"\n",
            "",
            "contract/af.toml [[rule]] af-do-once: race = true is about a refusal, and there is none",
        ),
        ("binds = [\"client\"]", "binds = []", "contract/af.toml [[rule]] af-do-once: binds nobody"),
        (
            "pages = [\"network/doing\"]",
            "pages = []",
            "contract/af.toml [[open_question]] af-q-once: cites no page",
        ),
        (
            "pages = [\"network/doing\"]",
            "pages = [\"Doing It\"]",
            "contract/af.toml [[open_question]] af-q-once: \"Doing It\" is not the id of a page",
        ),
        (
            "required = true\n",
            "",
            "contract/af.toml [[ddi]] ProtocolDone: a callback, and nothing else, says whether it is required",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(problems(from, to), [expected]);
    }
}

#[test]
fn an_id_stands_once_also_as_a_variant() {
    let rule = &BASE[BASE.find("[[rule]]").unwrap()..BASE.find("[[open_question]]").unwrap()];
    let twice = format!("{BASE}\n{rule}");
    assert_eq!(found(&twice, ENFORCEMENT), ["contract/af.toml [[rule]] af-do-once: stands twice"]);
    let alike = format!("{BASE}\n{}", rule.replace("af-do-once", "af-doOnce"));
    assert_eq!(found(&alike, ENFORCEMENT), ["contract/af.toml [[rule]] af-doOnce: collides with af-do-once"]);
}

#[test]
fn unknown_keys_and_words_are_syntax_errors_with_a_line() {
    let cases = [
        ("may_pend = true", "may_pent = true", "unknown field `may_pent`"),
        ("irql = \"PASSIVE_LEVEL\"", "irql = \"PASSIVE\"", "unknown variant `PASSIVE`"),
        ("detect = \"runtime-safety\"", "detect = \"sometimes\"", "unknown variant `sometimes`"),
        ("[[open_question]]", "[[open_questoin]]", "unknown field `open_questoin`"),
    ];
    for (from, to, expected) in cases {
        assert_eq!(BASE.matches(from).count(), 1, "{from:?} must stand once in the base");
        let Err(error) = parse(&BASE.replace(from, to), ENFORCEMENT) else { panic!("{to} was accepted") };
        let error = error.to_string();
        assert!(error.starts_with("contract/af.toml: ") && error.contains("line "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn stale_and_useless_entries_of_enforcement_are_named() {
    let at = "contract/enforcement.toml [[rule]]";
    let unknown = ENFORCEMENT.replace("af-do-once", "af-do-twice");
    assert_eq!(found(BASE, &unknown), [format!("{at} af-do-twice: is the id of no rule")]);

    let seen = BASE.replace("runtime-safety", "static");
    let expected = format!("{at} af-do-once: cannot be seen at run time, and needs no entry");
    assert_eq!(found(&seen, ENFORCEMENT), [expected]);

    let twice = format!("{ENFORCEMENT}{ENFORCEMENT}");
    assert_eq!(found(BASE, &twice), [format!("{at} af-do-once: stands twice")]);

    let area = format!("{ENFORCEMENT}[[area]]\nname = \"af\"\nneeds = \"x\"\nwhy = \"y\"\n");
    let expected = format!("{at} af-do-once: waits with its whole area, and needs no entry");
    assert_eq!(found(BASE, &area), [expected]);
}
