//! Words, widths and places: what a file may hold, whatever it says.

use super::Problem;
use super::tokens::occurrences;
use super::tree::{Tree, is_generated};

/// This folder names what it forbids.
const HERE: &str = "xtask/src/tidy";

/// Tokens that say "later", with what to do now.
const UNFINISHED_CODE: &[(&str, &str)] = &[
    ("dbg !", "take it out"),
    ("todo !", "write it, or give a typed error that names what is missing"),
    ("unimplemented !", "write it, or give a typed error that names what is missing"),
    ("# [ ignore", "make the test pass, or take it out"),
    ("# [ should_panic ]", "say which panic: #[should_panic(expected = …)], or better test the error"),
];

/// Words that say "later", in any text.
const UNFINISHED_TEXT: &[(&str, &str)] = &[
    ("FIXME", "repair it, or open an issue and describe what is so today"),
    ("XXX", "repair it, or open an issue and describe what is so today"),
    ("continue-on-error", "a step that may fail tests nothing: make it pass, or take it out"),
];

/// Nothing is marked as to be done later, no test is switched off, no argument for unsafe code is unfinished.
pub(super) fn nothing_is_left_for_later(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, tokens) in tree.all_code("").filter(|(path, _)| !path.starts_with(HERE)) {
        for (pattern, instead) in UNFINISHED_CODE {
            let name = pattern.replace(' ', "");
            problems.extend(
                occurrences(tokens, pattern)
                    .map(|place| Problem::new(path, tokens[place].line, format!("{name}: {instead}"))),
            );
        }
    }
    for (path, text) in tree.texts().filter(|(path, _)| is_prose_or_code(path)) {
        let mut in_safety = false;
        for (number, line) in text.lines().enumerate() {
            for (word, instead) in UNFINISHED_TEXT {
                if has_word(line, word) {
                    problems.push(Problem::new(path, number + 1, format!("{word}: {instead}")));
                }
            }
            let comment = line.trim_start().strip_prefix("//");
            in_safety =
                comment.is_some_and(|comment| in_safety || comment.trim_start().starts_with("SAFETY"));
            if in_safety && has_word(line, "TODO") {
                let message =
                    "an argument that is not finished is none: finish it, or make the operation safe";
                problems.push(Problem::new(path, number + 1, message));
            }
        }
    }
    problems
}

/// Whether a file was written here: licences are not ours, and the contract has the documentation's own `XXX`, which
/// stands for any status.
fn is_prose_or_code(path: &str) -> bool {
    !["LICENSE", "contract/", HERE].iter().any(|start| path.starts_with(start)) && !is_generated(path)
}

/// Whether `line` has `word` with no letter, digit or underscore at its sides.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(start, _)| {
        !line[..start].ends_with(is_part) && !line[start + word.len()..].starts_with(is_part)
    })
}

/// The widest line of a program, in columns.
const WIDTH: usize = 140;

/// No line ends in white space, and programs have no tabs and no line that a review cannot show.
pub(super) fn lines_are_plain(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts() {
        if path.starts_with("LICENSE") || path.ends_with("Cargo.lock") {
            continue;
        }
        let is_code = !is_generated(path)
            && (path.starts_with(".ci/") || [".rs", ".c", ".h", ".sh"].iter().any(|end| path.ends_with(end)));
        for (number, line) in text.split('\n').enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                problems.push(Problem::new(
                    path,
                    number + 1,
                    "white space at the end of the line: take it out",
                ));
            }
            if is_code && line.contains('\t') {
                problems.push(Problem::new(path, number + 1, "a tab: indent with spaces"));
            }
            let width = line.chars().count();
            if is_code && width > WIDTH {
                let message = format!("{width} columns, of at most {WIDTH}: break the line");
                problems.push(Problem::new(path, number + 1, message));
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            problems.push(Problem::new(path, text.lines().count(), "end the last line"));
        }
    }
    problems
}

/// Folders that only exist on somebody's machine. Drivers carry paths too, in their debug information.
const MACHINE_FOLDERS: &[&str] = &["/work/", "/root/", "/home/", "/tmp/", "/Users/"];

/// No file names a folder of the machine that it was written on.
pub(super) fn no_path_of_a_machine(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| !path.starts_with(HERE)) {
        for (number, line) in text.lines().enumerate() {
            for folder in MACHINE_FOLDERS {
                let at_start = |start: usize| {
                    !line[..start].ends_with(|before: char| {
                        before.is_alphanumeric() || matches!(before, '_' | '-' | '.' | '/' | '}' | '>')
                    })
                };
                if line.match_indices(folder).any(|(start, _)| at_start(start)) {
                    let message = format!(
                        "{folder} is a folder of one machine: use a path relative to the root, or a temporary folder that \
                         the system names"
                    );
                    problems.push(Problem::new(path, number + 1, message));
                }
            }
        }
    }
    for (path, bytes) in tree.binaries() {
        for folder in MACHINE_FOLDERS {
            if bytes.windows(folder.len()).any(|window| window == folder.as_bytes()) {
                let message = format!(
                    "names a path below {folder}: build it with relative paths, as `cargo xtask samples` does"
                );
                problems.push(Problem::new(path, 0, message));
            }
        }
    }
    problems
}

/// The source of every package that is not part of this project, as `Cargo.lock` writes it.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Packages come from crates.io by its own name, and no file of the project directs Cargo elsewhere.
pub(super) fn packages_come_from_one_registry(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| !path.starts_with(HERE)) {
        for (number, line) in text.lines().enumerate() {
            if path.ends_with("Cargo.lock") {
                if let Some(source) = line.strip_prefix("source = ")
                    && source.trim_matches('"') != REGISTRY
                {
                    let message =
                        "a package from elsewhere than crates.io: make the lock file again without it";
                    problems.push(Problem::new(path, number + 1, message));
                }
            } else if path.starts_with(".cargo/") || path.ends_with("Cargo.toml") {
                let directs = ["[source", "[registries", "replace-with", "registry =", "index =", "git ="];
                let line = line.trim();
                if directs.iter().any(|key| line.starts_with(key) || line.contains(&format!(" {key}"))) {
                    let message =
                        "a mirror or another registry belongs into the user's own configuration of Cargo";
                    problems.push(Problem::new(path, number + 1, message));
                }
            }
        }
    }
    problems
}

/// A Rust file says first what it is, and what to read before it.
pub(super) fn files_begin_with_what_they_are(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, _) in tree.all_code("") {
        let head = tree.text(path).and_then(|text| text.lines().next()).unwrap_or_default();
        if !head.starts_with("//! ") && !head.starts_with("//!\n") {
            problems.push(Problem::new(
                path,
                1,
                "begin with `//!`: what the file is, and what to read first",
            ));
        }
    }
    problems
}

/// How many lines a source file may have.
const LINES: usize = 1000;

/// Files that may be longer, up to how long, and why.
const LONGER: &[(&str, usize, &str)] = &[];

/// A source file is no longer than a reader can hold; tables that are generated, and tests, may be.
pub(super) fn files_fit_in_a_head(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, _) in tree.code("") {
        let lines = tree.text(path).map_or(0, |text| text.lines().count());
        let allowed = LONGER.iter().find(|(longer, ..)| *longer == path);
        let most = allowed.map_or(LINES, |&(_, most, _)| most);
        if lines > most {
            let message =
                format!("{lines} lines, of at most {most}: split it by area or by stage, not by size");
            problems.push(Problem::new(path, 0, message));
        }
        if allowed.is_some() && lines <= LINES {
            problems.push(Problem::new(path, 0, "is short enough by now: take it out of LONGER"));
        }
    }
    problems
}

/// Where files that are no text may be.
const BINARY_FOLDERS: &[&str] = &["samples/", "fuzz/seeds/", "crates/host/tests/"];

/// Drivers and seeds have their folders; everything else is text that a review can read.
pub(super) fn binaries_have_their_places(tree: &Tree) -> Vec<Problem> {
    tree.binaries()
        .filter(|(path, _)| !BINARY_FOLDERS.iter().any(|folder| path.starts_with(folder)))
        .map(|(path, _)| {
            let message = format!(
                "a file that is no text: make it in a test, or keep it below {}",
                BINARY_FOLDERS.join(", ")
            );
            Problem::new(path, 0, message)
        })
        .collect()
}
