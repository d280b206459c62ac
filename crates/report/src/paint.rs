//! How text is to look: colours and width, and nothing else that a terminal could want.

use anstyle::{AnsiColor, Style};
use std::fmt::Write;

/// How text is to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Look {
    /// Whether to colour it with ANSI escape sequences.
    pub colour: bool,
    /// The columns of the terminal, if it goes to one: longer lines of a trace are cut. None cuts nothing.
    pub width: Option<usize>,
}

impl Look {
    /// Plain text of any width: what a pipe gets.
    pub const PLAIN: Look = Look { colour: false, width: None };

    /// The width that prose is wrapped to: the terminal's, at most 100 columns.
    pub(crate) fn prose_width(self) -> usize {
        self.width.unwrap_or(100).clamp(40, 100)
    }

    /// `text` so that it stands out.
    pub fn strong(self, text: &str) -> String {
        self.paint(STRONG, text)
    }

    /// `text` as an error.
    pub fn error(self, text: &str) -> String {
        self.paint(ERROR, text)
    }

    /// `text` that may be read past.
    pub fn dim(self, text: &str) -> String {
        self.paint(DIM, text)
    }

    /// `text` in `style`, or as it is.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let mut painted = String::with_capacity(text.len() + 12);
        let _ = write!(painted, "{style}{text}{style:#}");
        painted
    }
}

/// An error, and what it points at.
pub(crate) const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
/// A warning.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// A note.
pub(crate) const NOTE: Style = AnsiColor::BrightGreen.on_default().bold();
/// What stands out for no other reason than to be found.
pub(crate) const STRONG: Style = Style::new().bold();
/// What may be read past.
pub(crate) const DIM: Style = Style::new().dimmed();
/// The signs that hold a report together.
pub(crate) const FRAME: Style = AnsiColor::BrightBlue.on_default().bold();
/// A driver, where it acts.
pub(crate) const WHO: Style = AnsiColor::Cyan.on_default();
