//! Expectations of a scenario against the trace of an execution.

use crate::scenario::{Expect, Word};
use crate::session::{Recording, Session};
use report::Level;
use report::finding::Finding;
use report::syntax::{self, Who};

/// The expectations that the last execution of `session` does not meet.
pub(crate) fn check(session: &Session<'_>) -> Vec<Finding> {
    let expectations = &session.plan().scenario.expect;
    if expectations.is_empty() {
        return Vec::new();
    }
    let recording = session.recording();
    let lines = lines(&recording);
    expectations.iter().filter_map(|expectation| unmet(expectation, &lines)).map(finding).collect()
}

fn finding(message: String) -> Finding {
    Finding::other("expectation", Level::Error, None, message)
}

/// The lines of a trace without their columns on the left, spaces counted as one.
fn lines(recording: &Recording) -> Vec<String> {
    let names = &recording.names;
    let line = |said: syntax::Said| {
        let who = match said.who {
            Who::Environment => "environment",
            Who::Ndis => "NDIS",
            Who::Driver(driver) => names.driver(driver),
        };
        normal(&format!("{who} {}", said.text))
    };
    recording
        .records
        .iter()
        .map(|record| line(syntax::event(names, &record.event, &recording.texts)))
        .collect()
}

fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Why an expectation is not met, if it is not.
fn unmet(expectation: &Expect, lines: &[String]) -> Option<String> {
    if let (Some(count), [pattern]) = (expectation.count, expectation.lines.as_slice()) {
        let found = lines.iter().filter(|line| matches(&normal(&pattern.text), line)).count();
        return (found != count as usize).then(|| {
            format!("the line `{}` appears {found} times, and is expected {count} times", pattern.text)
        });
    }
    let mut rest = lines.iter();
    let missing = |pattern: &&Word| {
        let pattern = normal(&pattern.text);
        !rest.any(|line| matches(&pattern, line))
    };
    let missing = expectation.lines.iter().find(missing)?;
    let anywhere = lines.iter().any(|line| matches(&normal(&missing.text), line));
    Some(match anywhere {
        true => {
            format!("the line `{}` appears, but not after those that are expected before it", missing.text)
        }
        false => format!("the line `{}` is expected and does not appear", missing.text),
    })
}

/// Whether `pattern`, in which `*` stands for any text, is the whole of `line`.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("client X(*)", "client X(af1)"));
        assert!(matches("client X(*, *)", "client X(a, b, c)"));
        assert!(matches("*", ""));
        assert!(!matches("client X(*)", "client X(af1) = 3"));
        assert!(!matches("client X", "client X(af1)"));
        assert!(!matches("a*a", "a"), "the ends do not overlap");
        assert!(matches("a**a", "aa"));
    }

    fn expectation(patterns: &[&str], count: Option<u32>) -> Expect {
        let lines = patterns.iter().map(|text| Word { text: (*text).to_owned(), span: 0..0 }).collect();
        Expect { lines, count }
    }

    #[test]
    fn order_and_count_are_checked() {
        let lines: Vec<String> = ["a x", "b y", "a x"].map(str::to_owned).to_vec();
        assert_eq!(unmet(&expectation(&["b  y", "a x"], None), &lines), None);
        assert!(unmet(&expectation(&["b y", "b y"], None), &lines).expect("unmet").contains("not after"));
        assert!(unmet(&expectation(&["c"], None), &lines).expect("unmet").contains("does not appear"));
        assert_eq!(unmet(&expectation(&["a x"], Some(2)), &lines), None);
        assert!(unmet(&expectation(&["a x"], Some(0)), &lines).expect("unmet").contains("2 times"));
    }
}
