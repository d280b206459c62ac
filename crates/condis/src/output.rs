//! What the program prints, and how it ends. The only place that writes to standard output and standard error.

use crate::cli::ColorWhen;
use anstream::{AutoStream, ColorChoice};
use report::Look;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// Nothing was found.
pub(crate) const CLEAN: u8 = 0;
/// The command line or the environment does not let us do it.
pub(crate) const USAGE: u8 = 2;
/// A bug of condis itself.
pub(crate) const OUR_BUG: u8 = 101;

/// Why a command could not do its work, for the user: one screen at most.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What is wrong: text that begins with no `error:`, or a report that is rendered already.
    message: String,
    /// Whether the message is a report that needs no heading.
    rendered: bool,
    /// What to do about it.
    hint: Option<String>,
    /// The exit code.
    code: u8,
}

impl Failure {
    /// A mistake of the user's, or something that the environment does not allow.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), rendered: false, hint: None, code: USAGE }
    }

    /// A mistake of the user's that is shown in full already, with a heading of its own.
    pub(crate) fn rendered(message: impl Into<String>) -> Failure {
        Failure { rendered: true, ..Failure::usage(message) }
    }

    /// The same with what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

/// Standard output, with the look that suits it.
#[derive(Debug)]
pub(crate) struct Output {
    colour: bool,
    colour_errors: bool,
    width: Option<usize>,
    closed: bool,
}

impl Output {
    pub(crate) fn new(when: ColorWhen) -> Output {
        let wanted = |auto: ColorChoice| match when {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => auto != ColorChoice::Never,
        };
        let width = io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
        Output {
            colour: wanted(AutoStream::choice(&io::stdout())),
            colour_errors: wanted(AutoStream::choice(&io::stderr())),
            width: width.map(|(width, _)| usize::from(width.0)),
            closed: false,
        }
    }

    /// How text for standard output is to look.
    pub(crate) fn look(&self) -> Look {
        Look { colour: self.colour, width: self.width }
    }

    /// Whether standard error is coloured.
    pub(crate) fn colours_errors(&self) -> bool {
        self.colour_errors
    }

    /// Prints `text`. When the reader of a pipe has gone, the rest of the output has no reader either: it is dropped.
    ///
    /// # Errors
    /// Standard output cannot be written for another reason, such as a full disk.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Failure::usage(format!("cannot write to standard output: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Prints a value as indented JSON with a line break behind it.
    ///
    /// # Errors
    /// As [`Output::print`].
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::usage(format!("cannot write JSON: {error}")))?;
        self.print(&(text + "\n"))
    }

    /// Tells the user on standard error why it did not work, and gives the exit code.
    pub(crate) fn fail(&self, failure: &Failure) -> u8 {
        let look = Look { colour: self.colour_errors, width: None };
        let mut text = String::new();
        if !failure.rendered {
            text += &format!("{}: ", look.error("error"));
        }
        text += failure.message.trim_end();
        text.push('\n');
        if let Some(hint) = &failure.hint {
            text += &format!("{}: {hint}\n", look.strong("hint"));
        }
        // Nobody is left to tell if standard error is gone, too.
        let _ = io::stderr().write_all(text.as_bytes());
        failure.code
    }
}
