//! One driver's lines of a recorded trace as a script: [`Script::from_trace`].
//!
//! The trace is rewritten into the text of a script, which is then read like any other. Every name in it becomes a variable.
//! A handler's n-th invocation takes its n-th recorded body. A line that came after one of another task waits for that, by an
//! event of its own, so that the driver's lines keep their order where it can wait at all.

use super::ast::Script;
use super::error::{ParseError, Problem};
use super::lexer::{self, At, Line, Word};
use contract::{Ddi, DdiKind};
use std::collections::BTreeSet;
use std::fmt::Write;

impl Script {
    /// The script that does what the driver `name` did in a trace.
    ///
    /// `trace` is lines as `report::trace` prints them. With their columns, those of other drivers and
    /// of NDIS are passed over, and tasks are told apart. Without, they must be this driver's lines, and a handler is taken to
    /// run inside the call that was made last and has not returned.
    ///
    /// Not in a trace, so not in the script: headers of parameter blocks, which handlers a table lacks (except an MCM's, which has no
    /// `MiniportCoCreateVc` and `MiniportCoDeleteVc`), and levels that a driver raised itself. Waits for kernel objects become waits
    /// for the driver's own lines.
    ///
    /// # Errors
    /// A line that is none of a trace's. Places in the error are those of the rewritten text where the line itself is sound.
    pub fn from_trace(name: &str, trace: &str) -> Result<Script, ParseError> {
        let text = Recording::read(name, trace)?.text();
        let mut script = Script::parse_items(name, None, &lexer::lines(&text, 1)?)?;
        script.recorded = true;
        Ok(script)
    }
}

/// One statement of a body.
enum Step {
    Line(String),
    /// A routine that is queued here.
    Queue(usize),
    Wait(u32),
    Set(u32),
}

struct Body {
    head: String,
    routine: bool,
    steps: Vec<Step>,
    /// Whether the handler has returned.
    over: bool,
}

/// What runs on a task: bodies inside each other, each with the calls that have not returned.
struct Stack {
    task: Option<u64>,
    frames: Vec<(usize, Vec<Ddi>)>,
}

#[derive(Default)]
struct Recording {
    bodies: Vec<Body>,
    stacks: Vec<Stack>,
    /// The stack and body of the last line, and how many steps the body had behind it.
    last: Option<(usize, usize, usize)>,
    events: u32,
    names: BTreeSet<String>,
    contexts: BTreeSet<String>,
}

impl Recording {
    fn read(name: &str, trace: &str) -> Result<Recording, ParseError> {
        let mut recording = Recording::default();
        for (number, line) in (1u32..).zip(trace.lines()) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let (task, text) = match &columns[..] {
                [] | ["#", "task", ..] => continue,
                [count, task, _, _, who, ..] if is_task(count, task) => {
                    if *who != name {
                        continue;
                    }
                    let before = columns[..5]
                        .iter()
                        .fold(0, |at, column| at + line[at..].find(column).unwrap_or(0) + column.len());
                    (task[1..].parse().ok(), line[before..].trim())
                }
                _ => (None, line.trim()),
            };
            recording.line(task, text, number)?;
        }
        Ok(recording)
    }

    fn line(&mut self, task: Option<u64>, text: &str, number: u32) -> Result<(), ParseError> {
        if let Some(routine) = text.strip_prefix("start: ") {
            self.start(task, routine);
            return Ok(());
        }
        if text.starts_with("wait: ") || text.starts_with("breaks ") || text.starts_with('#') {
            return Ok(());
        }
        let lines = lexer::lines(text, number)?;
        let Some(Line { words, at, .. }) = lines.first() else { return Ok(()) };
        self.learn(words);
        let function = match words.first() {
            Some((_, Word::Name(name))) => name.as_str(),
            _ => "",
        };
        let called = matches!(words.get(1), Some((_, Word::Sign("("))));
        let Some(ddi) = Ddi::from_name(function) else {
            return match words.first() {
                Some((_, Word::Text(_))) => self.act(task, text, *at, |_| true),
                Some((_, Word::Sign("*"))) => self.observe(task, text, *at, |frame| !frame.1.is_empty()),
                // The kernel.
                Some((_, Word::Name(_))) if called => Ok(()),
                _ => {
                    Err(at.error(Problem::Expected { what: "a line of a trace", found: format!("`{text}`") }))
                }
            };
        };
        match (ddi.info().kind, called) {
            (DdiKind::Callback, true) => {
                let stack = self.stack_for(task);
                self.begin(stack, text);
                Ok(())
            }
            (DdiKind::Callback, false) => {
                self.act(task, text, *at, |frame| frame.1.is_empty() && frame.2 == function)?;
                if let Some((stack, body, _)) = self.last {
                    self.bodies[body].over = true;
                    self.stacks[stack].frames.pop();
                }
                Ok(())
            }
            (DdiKind::Function | DdiKind::Macro, true) => {
                self.act(task, text, *at, |frame| frame.1.is_empty())?;
                if let Some((stack, ..)) = self.last
                    && let Some((_, calls)) = self.stacks[stack].frames.last_mut()
                {
                    calls.push(ddi);
                }
                Ok(())
            }
            (DdiKind::Function | DdiKind::Macro, false) => {
                self.observe(task, text, *at, |frame| frame.1.last() == Some(&ddi))?;
                if let Some((stack, ..)) = self.last
                    && let Some((_, calls)) = self.stacks[stack].frames.last_mut()
                {
                    calls.pop();
                }
                Ok(())
            }
        }
    }

    /// Notes the names in a line: those that stand for a context, and all others.
    fn learn(&mut self, words: &[(At, Word)]) {
        for (index, (_, word)) in words.iter().enumerate().skip(1) {
            let Word::Name(name) = word else { continue };
            let is = |offset: usize, sign| matches!(words.get(index.wrapping_add(offset)), Some((_, Word::Sign(seen))) if *seen == sign);
            let is_label = is(1, "=");
            let of_side = is(usize::MAX, "=")
                && matches!(words.get(index.wrapping_sub(2)), Some((_, Word::Name(label))) if label == "side");
            let in_block = words[..index].iter().fold(0i32, |depth, (_, word)| match word {
                Word::Sign("{") => depth + 1,
                Word::Sign("}") => depth - 1,
                Word::Sign(_) | Word::Name(_) | Word::Number(_) | Word::Text(_) => depth,
            });
            let is_context = name.strip_prefix('c').is_some_and(|rest| rest.parse::<u32>().is_ok());
            let is_name =
                name.chars().next().is_some_and(|first| first.is_ascii_lowercase()) && name != "returns";
            if is_context {
                self.contexts.insert(name.clone());
            } else if is_name && !is_label && !of_side && in_block == 0 {
                self.names.insert(name.clone());
            }
        }
    }

    /// The stack on which a handler begins.
    fn stack_for(&mut self, task: Option<u64>) -> usize {
        let in_call = |stack: &Stack| stack.frames.last().is_some_and(|(_, calls)| !calls.is_empty());
        let found = match task {
            Some(_) => self.stacks.iter().position(|stack| stack.task == task),
            // The task that was active last, if a handler can begin there.
            None => self.last.map(|(stack, ..)| stack).filter(|&stack| in_call(&self.stacks[stack])),
        };
        found.unwrap_or_else(|| {
            self.stacks.push(Stack { task, frames: Vec::new() });
            self.stacks.len() - 1
        })
    }

    fn begin(&mut self, stack: usize, head: &str) {
        let routine = head.ends_with(':');
        self.bodies.push(Body { head: head.to_owned(), routine, steps: Vec::new(), over: routine });
        let body = self.bodies.len() - 1;
        self.stacks[stack].frames.push((body, Vec::new()));
        self.follow(stack, body);
        self.last = Some((stack, body, self.bodies[body].steps.len()));
    }

    /// Makes what comes next in `body` wait for the line before, if that was another task's.
    fn follow(&mut self, stack: usize, body: usize) {
        if let Some((other, before, behind)) = self.last
            && other != stack
        {
            self.events += 1;
            self.bodies[before].steps.insert(behind, Step::Set(self.events));
            self.bodies[body].steps.push(Step::Wait(self.events));
        }
    }

    /// A routine of the driver's own. What queued it is not in the trace; it is queued behind the line before.
    fn start(&mut self, task: Option<u64>, routine: &str) {
        let how = match routine.split_whitespace().next() {
            Some("work") => "later:",
            Some("thread") => "thread:",
            _ => "dpc:",
        };
        let queued = Step::Queue(self.bodies.len());
        if let Some((_, body, behind)) = self.last {
            self.bodies[body].steps.insert(behind, queued);
        }
        self.stacks.push(Stack { task, frames: Vec::new() });
        self.begin(self.stacks.len() - 1, how);
    }

    /// Which stack a line belongs to: its task's, or without one the one that was active last among those that it fits.
    fn find(
        &self,
        task: Option<u64>,
        at: At,
        text: &str,
        fits: impl Fn((usize, &[Ddi], &str)) -> bool,
    ) -> Result<usize, ParseError> {
        let fit = |stack: usize| {
            self.stacks[stack].frames.last().is_some_and(|(body, calls)| {
                let name = self.bodies[*body].head.split('(').next().unwrap_or_default();
                fits((*body, calls, name))
            })
        };
        let found = match task {
            Some(_) => self.stacks.iter().position(|stack| stack.task == task),
            None => {
                let last = self.last.map(|(stack, ..)| stack);
                last.filter(|&last| fit(last))
                    .or_else(|| (0..self.stacks.len()).rev().find(|&stack| fit(stack)))
            }
        };
        found.filter(|&stack| fit(stack)).ok_or_else(|| {
            let what = "a line that belongs to a call or handler before it";
            at.error(Problem::Expected { what, found: format!("`{text}`") })
        })
    }

    /// A line that the driver does: it waits for the line before, if that was another task's.
    fn act(
        &mut self,
        task: Option<u64>,
        text: &str,
        at: At,
        fits: impl Fn((usize, &[Ddi], &str)) -> bool,
    ) -> Result<(), ParseError> {
        let stack = self.find(task, at, text, fits)?;
        let Some((body, _)) = self.stacks[stack].frames.last() else { return Ok(()) };
        let body = *body;
        self.follow(stack, body);
        self.push(stack, body, text);
        Ok(())
    }

    /// A line that happens to the driver.
    fn observe(
        &mut self,
        task: Option<u64>,
        text: &str,
        at: At,
        fits: impl Fn((usize, &[Ddi], &str)) -> bool,
    ) -> Result<(), ParseError> {
        let stack = self.find(task, at, text, fits)?;
        if let Some((body, _)) = self.stacks[stack].frames.last() {
            self.push(stack, *body, text);
        }
        Ok(())
    }

    fn push(&mut self, stack: usize, body: usize, text: &str) {
        let steps = &mut self.bodies[body].steps;
        steps.push(Step::Line(text.to_owned()));
        // Nothing runs behind an answer, so what belongs behind it goes before it.
        let is_answer = Ddi::from_name(text.split([' ', '(']).next().unwrap_or_default())
            .is_some_and(|ddi| ddi.info().kind == DdiKind::Callback);
        let behind = steps.len() - usize::from(is_answer);
        self.last = Some((stack, body, behind));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for name in &self.contexts {
            let _ = writeln!(text, "var {name} = new context");
        }
        for name in &self.names {
            let _ = writeln!(text, "var {name}");
        }
        for event in 1..=self.events {
            let _ = writeln!(text, "var turn_{event} = new event");
        }
        for body in self.bodies.iter().filter(|body| !body.routine) {
            let _ = writeln!(text, "{}", body.head);
            self.steps(body, 1, &mut text);
        }
        text
    }

    fn steps(&self, body: &Body, depth: usize, text: &mut String) {
        let indent = "    ".repeat(depth);
        for step in &body.steps {
            match step {
                Step::Line(line) => {
                    let _ = writeln!(text, "{indent}{line}");
                }
                Step::Wait(event) => {
                    let _ = writeln!(text, "{indent}unless raised: wait turn_{event}");
                }
                Step::Set(event) => {
                    let _ = writeln!(text, "{indent}set turn_{event}");
                }
                Step::Queue(routine) => {
                    let _ = writeln!(text, "{indent}{}", self.bodies[*routine].head);
                    self.steps(&self.bodies[*routine], depth + 1, text);
                }
            }
        }
        if !body.over {
            // The trace ends inside the handler.
            let _ = writeln!(text, "{indent}never = new event\n{indent}wait never");
        }
    }
}

fn is_task(count: &str, task: &str) -> bool {
    count.parse::<u64>().is_ok() && task.strip_prefix('T').is_some_and(|rest| rest.parse::<u64>().is_ok())
}
