//! `--format sarif` and `--format junit`: what code scanning services and reports of tests read.

mod common;

use common::{condis, file, folder, good, json, samples, text};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// A call manager that completes a close twice.
fn faulty() -> String {
    samples().join("bad/af-cm-close-complete-pending-only/twice/twice.sys").display().to_string()
}

/// The columns of a line that are compared.
const WIDTH: usize = 120;

/// What differs from machine to machine and from build to build is left out, and long lines are cut.
fn check(output: &str, expected: Expect) {
    let token = |word: &str| word.starts_with("VERSION:");
    let word = |word: &str| {
        let bare = word.trim_matches(['"', ',']);
        if token(bare) { word.replace(bare, "TOKEN") } else { word.to_owned() }
    };
    let samples = samples().display().to_string();
    let output = output.replace(&samples, "SAMPLES").replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let line = |line: &str| {
        let line = line.split(' ').map(word).collect::<Vec<_>>().join(" ");
        if line.chars().count() <= WIDTH { line } else { line.chars().take(WIDTH).chain(['…']).collect() }
    };
    expected.assert_eq(&output.lines().map(|text| line(text) + "\n").collect::<String>());
}

/// Calls `see` with each location in a log.
fn each_location(value: &Value, see: &mut dyn FnMut(&Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("locations", Value::Array(locations)) => {
                        locations
                            .iter()
                            .for_each(|location| see(location.get("location").unwrap_or(location)));
                    }
                    ("locations", _) => panic!("locations are an array: {member}"),
                    _ => {}
                }
                each_location(member, see);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| each_location(element, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the SARIF specification and the services that read a log ask of it beyond its members.
fn check_log(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in run["results"].as_array().expect("results") {
        let index = result["ruleIndex"].as_u64().expect("an index");
        assert_eq!(rules[index as usize]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        assert!(result["occurrenceCount"].as_u64() > Some(0), "{result}");
        for flow in result["codeFlows"][0]["threadFlows"].as_array().into_iter().flatten() {
            let locations = flow["locations"].as_array().expect("locations");
            let orders: Vec<u64> =
                locations.iter().map(|at| at["executionOrder"].as_u64().expect("a line")).collect();
            assert!(orders.is_sorted() && !orders.is_empty(), "{flow}");
        }
    }
    each_location(log, &mut |location| {
        let physical = &location["physicalLocation"];
        let uri = physical["artifactLocation"]["uri"].as_str().expect("each location lies in a file");
        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte)), "{uri}");
        if let Some(region) = physical.get("region") {
            assert!(region["startLine"].as_u64() > Some(0), "{region}");
        }
    });
}

#[test]
fn a_finding_as_sarif() {
    let output = condis(&["run", &faulty(), "--format", "sarif"]);
    assert_eq!(output.status.code(), Some(1));
    let mut log = json(&output);
    check_log(&log);
    let flows = log["runs"][0]["results"][0]["codeFlows"][0]["threadFlows"].take();
    let flows = flows.as_array().expect("a flow for each task");
    assert!(flows.len() > 1, "{flows:?}");
    let last = flows.iter().flat_map(|flow| flow["locations"].as_array().expect("locations"));
    let last = last.max_by_key(|location| location["executionOrder"].as_u64()).expect("a last line");
    let said = &last["location"]["message"]["text"];
    assert_eq!(said, "twice: breaks af-cm-close-complete-pending-only on af1: completed a second time");
    let place = &mut log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    let address = place["address"].take();
    let offset = address["relativeAddress"].as_u64().expect("an offset");
    assert_eq!(address["fullyQualifiedName"], format!("twice.sys+{offset:#x}"));
    check(
        &serde_json::to_string_pretty(&log).expect("JSON"),
        expect![[r#"
            {
              "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
              "runs": [
                {
                  "invocations": [
                    {
                      "executionSuccessful": true,
                      "exitCode": 1,
                      "toolExecutionNotifications": []
                    }
                  ],
                  "properties": {
                    "clean": 0,
                    "executions": 1,
                    "strategy": "fifo"
                  },
                  "results": [
                    {
                      "analysisTarget": {
                        "uri": "file://SAMPLES/bad/af-cm-close-complete-pending-only/twice/twice.sys"
                      },
                      "codeFlows": [
                        {
                          "threadFlows": null
                        }
                      ],
                      "level": "error",
                      "locations": [
                        {
                          "logicalLocations": [
                            {
                              "fullyQualifiedName": "twice.sys!ProtocolCmCloseAf",
                              "kind": "function",
                              "name": "ProtocolCmCloseAf"
                            }
                          ],
                          "physicalLocation": {
                            "address": null,
                            "artifactLocation": {
                              "uri": "samples/bad/af-cm-close-complete-pending-only/twice/twice.c"
                            },
                            "region": {
                              "startLine": 31
                            }
                          }
                        }
                      ],
                      "message": {
                        "text": "twice: af1: completed a second time (in NdisCmCloseAddressFamilyComplete)"
                      },
                      "occurrenceCount": 1,
                      "partialFingerprints": {
                        "finding/v1": "af-cm-close-complete-pending-only|twice|completed a second time|twice.sys!ProtocolCmCloseAf"
                      },
                      "properties": {
                        "replay": "condis replay TOKEN SAMPLES/bad/af-cm-close-complete-pending-only/twice/twice.sys",
                        "token": "TOKEN"
                      },
                      "ruleId": "af-cm-close-complete-pending-only",
                      "ruleIndex": 0
                    }
                  ],
                  "tool": {
                    "driver": {
                      "name": "condis",
                      "rules": [
                        {
                          "defaultConfiguration": {
                            "level": "error"
                          },
                          "help": {
                            "text": "Ndis(M)CmCloseAddressFamilyComplete is called only for an AF whose close is pending in the call…
                          },
                          "helpUri": "https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndiscmcloseaddressfamily…
                          "id": "af-cm-close-complete-pending-only",
                          "properties": {
                            "binds": [
                              "cm",
                              "mcm"
                            ],
                            "rests_on": [],
                            "strength": "must",
                            "tags": [
                              "af"
                            ]
                          },
                          "shortDescription": {
                            "text": "Ndis(M)CmCloseAddressFamilyComplete is called only for an AF whose close is pending in the call…
                          }
                        }
                      ],
                      "version": "VERSION"
                    }
                  }
                }
              ],
              "version": "2.1.0"
            }
        "#]],
    );
}

#[test]
fn a_finding_as_junit() {
    let output = condis(&["run", &faulty(), "--format", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    let report = text(&output.stdout);
    let (body, rest) = report.split_once("  --&gt; ").expect("the place");
    assert!(rest.starts_with("twice.sys+0x"), "{report}");
    assert!(rest.contains("\n   = page: https://learn.microsoft.com/"), "{report}");
    assert!(rest.contains(":: trace, cut to these objects:\n"), "{report}");
    let (_, replay) = rest.split_once(":: replay:\n").expect("the command line");
    check(
        &format!("{body}  …\n{replay}"),
        expect![[r#"
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="condis" tests="1" failures="1" errors="0">
              <testsuite name="condis" tests="1" failures="1" errors="0">
                <properties>
                  <property name="version" value="VERSION"/>
                  <property name="strategy" value="fifo"/>
                  <property name="executions" value="1"/>
                </properties>
                <testcase classname="twice" name="af-cm-close-complete-pending-only: completed a second time" file="samples/bad/af-c…
                  <failure type="error" message="twice: af1: completed a second time (in NdisCmCloseAddressFamilyComplete)">error[af…
              …
                  condis replay TOKEN SAMPLES/bad/af-cm-close-complete-pending-only/twice/twice.sys

            </failure>
                </testcase>
              </testsuite>
            </testsuites>
        "#]],
    );
}

#[test]
fn silence_as_sarif() {
    let output = condis(&["run", &good("mcm"), "--format", "sarif"]);
    assert_eq!(output.status.code(), Some(0));
    check_log(&json(&output));
    check(
        &text(&output.stdout),
        expect![[r#"
        {
          "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
          "version": "2.1.0",
          "runs": [
            {
              "tool": {
                "driver": {
                  "name": "condis",
                  "version": "VERSION",
                  "rules": []
                }
              },
              "invocations": [
                {
                  "exitCode": 0,
                  "executionSuccessful": true,
                  "toolExecutionNotifications": []
                }
              ],
              "results": [],
              "properties": {
                "clean": 1,
                "executions": 1,
                "strategy": "fifo"
              }
            }
          ]
        }
    "#]],
    );
}

#[test]
fn silence_as_junit() {
    let arguments = ["--strategy", "portfolio", "--executions", "3", "--seed", "5", "--format", "junit"];
    let output = condis(&[&["run", good("mcm").as_str()], &arguments[..]].concat());
    assert_eq!(output.status.code(), Some(0));
    check(
        &text(&output.stdout),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="condis" tests="1" failures="0" errors="0">
          <testsuite name="condis" tests="1" failures="0" errors="0">
            <properties>
              <property name="version" value="VERSION"/>
              <property name="strategy" value="portfolio"/>
              <property name="seed" value="5"/>
              <property name="executions" value="3"/>
            </properties>
            <testcase classname="condis" name="no findings in 3 executions"/>
          </testsuite>
        </testsuites>
    "#]],
    );
}

#[test]
fn what_cannot_be_judged_is_an_error_and_no_finding() {
    let scenario = file("few-steps-for-formats.toml", b"[limits]\nsteps = 10\n");
    let run = |format| condis(&["run", &good("mcm"), "--scenario", &scenario, "--format", format]);
    let output = run("sarif");
    assert_eq!(output.status.code(), Some(3));
    let log = json(&output);
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(log["runs"][0]["results"], json!([]));
    assert_eq!(invocation["exitCode"], 3);
    assert_eq!(invocation["executionSuccessful"], false);
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!(notification["descriptor"]["id"], "unjudged");
    assert_eq!(notification["level"], "error");
    assert_eq!(notification["properties"]["executions"], 1);
    let report = text(&run("junit").stdout);
    assert!(report.contains("tests=\"1\" failures=\"0\" errors=\"1\""), "{report}");
    assert!(report.contains("<error type=\"unjudged\" message=\"the execution was cut off: "), "{report}");
}

#[test]
fn an_expectation_is_a_rule_without_a_page_and_lies_in_the_scenario() {
    let scenario = file("unmet-for-formats.toml", b"[[expect]]\nline = \"client ProtocolCmOpenAf*\"\n");
    let output = condis(&["run", &good("mcm"), "--scenario", &scenario, "--format", "sarif"]);
    assert_eq!(output.status.code(), Some(1));
    let log = json(&output);
    check_log(&log);
    let run = &log["runs"][0];
    let [rule, result] = [&run["tool"]["driver"]["rules"][0], &run["results"][0]];
    assert_eq!((&rule["id"], rule.get("helpUri")), (&json!("expectation"), None));
    let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(uri.as_str().is_some_and(|uri| uri.ends_with("/unmet-for-formats.toml")), "{uri}");
}

#[test]
fn a_fingerprint_is_the_same_in_every_order() {
    let print = |seed| {
        let log =
            json(&condis(&["run", &faulty(), "--strategy", "random", "--seed", seed, "--format", "sarif"]));
        log["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    let first = print("1");
    assert!(first["finding/v1"].is_string(), "{first}");
    assert_eq!(print("2"), first);
    assert_eq!(print("3"), first);
}

#[test]
fn odd_names_of_files() {
    let path = folder().join("100% <odd> & \"it's\" #ü.sys");
    std::fs::copy(faulty(), &path).expect("a copy");
    let path = path.display().to_string();
    let log = json(&condis(&["run", &path, "--format", "sarif"]));
    check_log(&log);
    let target = log["runs"][0]["results"][0]["analysisTarget"]["uri"].as_str().expect("a file");
    assert!(target.ends_with("/100%25%20%3Codd%3E%20%26%20%22it%27s%22%20%23%C3%BC.sys"), "{target}");
    let report = text(&condis(&["run", &path, "--format", "junit"]).stdout);
    let class = "classname=\"100%_&lt;odd&gt;_&amp;_&quot;it&apos;s&quot;_#ü\"";
    assert!(report.contains(class), "{report}");
}

#[test]
fn objects_have_no_place_in_a_log() {
    for (format, option) in [("sarif", "--objects"), ("junit", "--trace=always")] {
        let output = condis(&["run", &good("mcm"), "--format", format, option]);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""));
        let error = text(&output.stderr);
        assert!(error.contains(&format!("the format `{format}` has no place for --")), "{error}");
    }
}
