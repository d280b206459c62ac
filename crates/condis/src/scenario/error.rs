//! What is wrong with a scenario file, shown in the file.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::fmt;
use std::ops::Range;

/// One mistake in a scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// What is wrong, in one line.
    pub message: String,
    /// What stands at the place itself.
    pub label: String,
    /// What to do about it, if that is known.
    pub help: Option<String>,
    /// Where in the text, in bytes.
    pub span: Range<usize>,
}

/// A scenario that cannot be used: at least one mistake, in the order of the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScenarioError {
    /// The name of the file, for the reader.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The mistakes.
    pub problems: Vec<Problem>,
}

/// How many mistakes are shown; the rest is counted.
const SHOWN: usize = 4;

impl ScenarioError {
    /// The line and column of a problem, both from 1; columns count characters.
    pub fn position(&self, problem: &Problem) -> (usize, usize) {
        let start = (0..=problem.span.start.min(self.text.len()))
            .rev()
            .find(|index| self.text.is_char_boundary(*index))
            .unwrap_or(0);
        let before = &self.text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        (line, column)
    }

    /// The mistakes, each with its line of the file. `colour` uses ANSI escape sequences.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for problem in self.problems.iter().take(SHOWN) {
            let end = problem.span.end.clamp(problem.span.start.min(self.text.len()), self.text.len());
            let span = problem.span.start.min(self.text.len())..end;
            let snippet = Snippet::source(self.text.as_str())
                .path(self.file.as_str())
                .annotation(AnnotationKind::Primary.span(span).label(problem.label.as_str()));
            let mut group = Level::ERROR.primary_title(problem.message.as_str()).element(snippet);
            if let Some(help) = &problem.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            out += &renderer.render(&[group]);
            out.push('\n');
        }
        if self.problems.len() > SHOWN {
            out += &format!("and {} more mistakes in {}\n", self.problems.len() - SHOWN, self.file);
        }
        out
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ScenarioError {}
