//! `cargo xtask tidy`: what a reader would otherwise have to watch for. The tests of this module run every check on the
//! project, and every check on a small project that breaks it.
//!
//! [`tree`] holds the project's files, [`tokens`] reads Rust without comments, texts and tests. The checks are one
//! function each: [`architecture`] (the invariants of `docs/architecture.md`), [`rules`] (each enforced rule is raised
//! and tested), [`text`] (words, widths, places), [`documents`] (what documents name exists).

mod architecture;
mod documents;
mod rules;
mod text;
mod tokens;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use tree::Tree;

/// One check: its name, as `docs/architecture.md` and the output have it, and what it finds.
pub(crate) struct Check {
    name: &'static str,
    run: fn(&Tree) -> Vec<Problem>,
}

macro_rules! checks {
    ($($module:ident::$name:ident,)+) => { &[$(Check { name: stringify!($name), run: $module::$name },)+] };
}

/// All checks. Those of `architecture` stand for the invariants of `docs/architecture.md`.
const CHECKS: &[Check] = checks![
    architecture::dependencies_point_one_way,
    architecture::the_core_has_no_standard_library,
    architecture::unsafe_code_stays_in_its_files,
    architecture::effects_stay_at_the_edge,
    architecture::nothing_depends_on_chance,
    architecture::only_the_loop_runs_driver_code,
    architecture::step_is_the_only_way_in,
    rules::every_enforced_rule_is_raised_once_and_tested,
    rules::no_other_rule_is_raised,
    text::nothing_is_left_for_later,
    text::lines_are_plain,
    text::no_path_of_a_machine,
    text::packages_come_from_one_registry,
    text::files_begin_with_what_they_are,
    text::files_fit_in_a_head,
    text::binaries_have_their_places,
    documents::crates_are_described,
    documents::invariants_have_checks,
    documents::links_lead_somewhere,
    documents::commands_are_named,
    documents::first_commands_are_run,
];

/// A place that breaks a check, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// Relative to the root.
    path: String,
    /// Counted from 1; 0 for the file as a whole.
    line: usize,
    message: String,
}

impl Problem {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Problem {
        Problem { path: path.to_string(), line, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Why the project is not tidy, or could not be read.
#[derive(Debug)]
pub(crate) enum TidyError {
    /// `git` could not list the project's files. The text is its own.
    Git { message: String },
    /// A file of the project could not be read.
    File { path: String, error: std::io::Error },
    /// Every place that breaks a check, with the check's name.
    Problems(Vec<(&'static str, Problem)>),
}

impl fmt::Display for TidyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TidyError::Git { message } => write!(f, "git cannot list the project's files: {message}"),
            TidyError::File { path, error } => write!(f, "{path}: {error}"),
            TidyError::Problems(problems) => {
                write!(f, "the project is not tidy in {} places", problems.len())?;
                let mut last = "";
                for (check, problem) in problems {
                    if *check != last {
                        write!(f, "\n{check}:")?;
                        last = check;
                    }
                    write!(f, "\n  {problem}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for TidyError {}

/// Runs every check on the project at `root`.
pub(crate) fn check(root: &Path) -> Result<(), TidyError> {
    let tree = Tree::read(root)?;
    let mut problems = Vec::new();
    for check in CHECKS {
        let mut found = (check.run)(&tree);
        found.sort();
        problems.extend(found.into_iter().map(|problem| (check.name, problem)));
    }
    if problems.is_empty() { Ok(()) } else { Err(TidyError::Problems(problems)) }
}
