//! Lines of a trace for people: numbered, aligned, indented by depth.
//!
//! A line without its columns on the left is the body of an event in the syntax of [`crate::syntax`].

use crate::names::Names;
use crate::paint::{self, Look};
use crate::syntax::{self, Who};
use anstyle::Style;
use model::record::{Event, Irql, Record};

/// Columns before the driver's name: number, task, processor, level.
const LEFT: usize = 5 + 1 + 4 + 1 + 3 + 1 + 8 + 2;
/// The columns that one step of depth indents.
const STEP: usize = 2;
/// The deepest indentation in steps, so that a deep stack does not push the text off the page.
const DEEPEST: usize = 12;

/// Which lines to show beside the events of the interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Show {
    /// State changes.
    pub edges: bool,
    /// Calls of the kernel, and the ends of tasks.
    pub kernel: bool,
}

impl Default for Show {
    fn default() -> Show {
        Show { edges: true, kernel: false }
    }
}

impl Show {
    /// Whether a line for `event` is shown.
    pub fn shows(self, event: &Event) -> bool {
        match event {
            Event::Edge(..) => self.edges,
            Event::Kernel(..) | Event::Ended => self.kernel,
            Event::Commanded(_)
            | Event::Started(_)
            | Event::Queued(..)
            | Event::Called(..)
            | Event::Published(..)
            | Event::Returned(..)
            | Event::Invoked(..)
            | Event::Replied(..)
            | Event::Waiting(..)
            | Event::Printed(..)
            | Event::Warned(_)
            | Event::Violated(_) => true,
        }
    }
}

/// Makes the lines of one trace. Names must have been learnt before: [`Names::learn`].
#[derive(Clone, Debug)]
pub struct Writer {
    names: Names,
    look: Look,
    show: Show,
    who_width: usize,
}

impl Writer {
    /// A writer that calls things by `names`.
    pub fn new(names: Names, look: Look, show: Show) -> Writer {
        let longest = names.drivers().iter().map(|name| name.chars().count()).max().unwrap_or(0);
        Writer { names, look, show, who_width: longest.max("environment".len()) }
    }

    /// The names so far.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Learns the names in `record`, then gives its line, as [`Writer::line`] does.
    pub fn next(&mut self, number: usize, record: &Record, texts: &[String]) -> Option<String> {
        self.names.learn(record);
        self.line(number, record, texts)
    }

    /// The heads of the columns, with a line break.
    pub fn head(&self) -> String {
        let line = format!(
            "{:>5} {:<4} {:>3} {:<8}  {:<who$}  event",
            "#",
            "task",
            "cpu",
            "irql",
            "who",
            who = self.who_width
        );
        self.look.paint(paint::DIM, &line) + "\n"
    }

    /// The line of `record`, the `number`-th of its trace, with a line break; none if it is not to be shown.
    pub fn line(&self, number: usize, record: &Record, texts: &[String]) -> Option<String> {
        if !self.show.shows(&record.event) {
            return None;
        }
        let said = syntax::event(&self.names, &record.event, texts);
        let who = match said.who {
            Who::Environment => "environment",
            Who::Ndis => "NDIS",
            Who::Driver(driver) => self.names.driver(driver),
        };
        let outside = matches!(record.event, Event::Commanded(_));
        let cpu = if outside { "-".to_owned() } else { record.processor.to_string() };
        let irql = if outside { "-".to_owned() } else { irql(record.irql) };
        let left = format!("{number:>5} {:<4} {cpu:>3} {irql:<8}  ", format!("T{}", record.task.0));
        let indent = STEP * usize::from(record.depth).min(DEEPEST);
        let mut text = said.text;
        if let Some(width) = self.look.width {
            let room = width.saturating_sub(LEFT + self.who_width + 2 + indent).max(20);
            if text.chars().count() > room {
                text = text.chars().take(room - 1).chain(['…']).collect();
            }
        }
        let style = style(&record.event);
        let padded = format!("{who:<width$}", width = self.who_width);
        let who_style = if style == Style::new() { paint::WHO } else { style };
        Some(format!(
            "{}{}  {:indent$}{}\n",
            self.look.paint(paint::DIM, &left),
            self.look.paint(who_style, &padded),
            "",
            self.look.paint(style, &text),
        ))
    }
}

/// The level in one short word.
fn irql(irql: Irql) -> String {
    match irql {
        Irql::PASSIVE => "PASSIVE".to_owned(),
        Irql::APC => "APC".to_owned(),
        Irql::DISPATCH => "DISPATCH".to_owned(),
        Irql(level) => level.to_string(),
    }
}

fn style(event: &Event) -> Style {
    match event {
        Event::Edge(..) | Event::Kernel(..) | Event::Ended | Event::Started(_) | Event::Queued(..) => {
            paint::DIM
        }
        Event::Commanded(_) => paint::STRONG,
        Event::Warned(_) => paint::WARNING,
        Event::Violated(_) => paint::ERROR,
        Event::Called(..)
        | Event::Published(..)
        | Event::Returned(..)
        | Event::Invoked(..)
        | Event::Replied(..)
        | Event::Waiting(..)
        | Event::Printed(..) => Style::new(),
    }
}
