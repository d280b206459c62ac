//! What can be wrong with the text of a script, and where.

use super::signature;
use contract::Ddi;
use std::fmt;

/// A text that is no script: where, and what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at one place of a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// A character that no word begins with.
    Character(char),
    /// A text in quotation marks that does not end on its line.
    OpenText,
    /// A bracket that is not closed before the text ends.
    OpenBracket(char),
    /// A number that does not fit into 64 bits.
    Number,
    /// A line that is indented differently from the others of its block.
    Indent,
    /// Something else was meant here.
    Expected {
        /// What belongs here, as a noun phrase.
        what: &'static str,
        /// What stands here instead.
        found: String,
    },
    /// A name that begins like a function of the documentation and is none.
    UnknownFunction {
        /// The name.
        name: String,
        /// The nearest one.
        near: Option<&'static str>,
    },
    /// A function that a script can neither call nor handle yet.
    NotThereYet(Ddi),
    /// A function that is called by NDIS where one that drivers call belongs, or the other way round.
    WrongDirection(Ddi),
    /// A name of nothing: no parameter, local name, or `var` of the driver.
    UnknownName {
        /// The name.
        name: String,
        /// The nearest known one.
        near: Option<String>,
    },
    /// A procedure that the driver does not have.
    UnknownProcedure {
        /// The name.
        name: String,
        /// The nearest one.
        near: Option<String>,
    },
    /// A constant of the documentation that does not exist, or is none of these here.
    UnknownConstant {
        /// The name.
        name: String,
        /// The nearest one.
        near: Option<String>,
    },
    /// A wrong number of arguments or parameters.
    Arguments {
        /// Of what.
        of: String,
        /// The names of those that it has.
        names: Vec<String>,
        /// How many stand here.
        given: usize,
    },
    /// An argument or parameter with a name that the function does not have.
    UnknownArgument {
        /// The name.
        name: String,
        /// Those that there are.
        names: Vec<String>,
    },
    /// A parameter block that is not of the kind that the function takes.
    Block {
        /// What does not fit.
        item: String,
        /// What can stand here.
        known: &'static str,
    },
    /// A result is stored that the function does not have.
    NoResult(Ddi),
    /// A value for a handler that has no return value.
    NoReturnValue(Ddi),
    /// An answer of another handler than the one it stands in, or outside a handler.
    ForeignReply(Ddi),
    /// `else` without a `when` or `unless` before it.
    StrayElse,
    /// A driver, procedure, variable or adapter of this name is there already.
    Twice(String),
    /// A built-in driver or a driver of this text that does not exist.
    UnknownDriver {
        /// The name.
        name: String,
        /// The nearest one.
        near: Option<String>,
    },
    /// An adapter that does not exist.
    UnknownAdapter(String),
    /// There is no driver, or none with an adapter.
    NoDriver,
    /// More drivers, adapters, names or bodies than a script can have.
    TooMany(&'static str),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)
    }
}

impl std::error::Error for ParseError {}

fn meant(f: &mut fmt::Formatter<'_>, near: Option<&str>) -> fmt::Result {
    match near {
        Some(near) => write!(f, "; did you mean `{near}`?"),
        None => Ok(()),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Character(character) => write!(f, "unexpected character {character:?}"),
            Problem::OpenText => f.write_str("this text has no closing quotation mark on its line"),
            Problem::OpenBracket(bracket) => write!(f, "this `{bracket}` is never closed"),
            Problem::Number => f.write_str("this number is too large"),
            Problem::Indent => f.write_str("this line is indented differently from the others of its block"),
            Problem::Expected { what, found } => write!(f, "expected {what}, found {found}"),
            Problem::UnknownFunction { name, near } => {
                write!(f, "`{name}` is no function of the documentation")?;
                meant(f, *near)
            }
            Problem::NotThereYet(ddi) => write!(f, "{ddi} belongs to an area that does not exist yet"),
            Problem::WrongDirection(ddi) => match ddi.info().kind {
                contract::DdiKind::Callback => write!(f, "{ddi} is called by NDIS, a driver cannot call it"),
                contract::DdiKind::Function | contract::DdiKind::Macro => {
                    write!(f, "{ddi} is called by drivers, a driver cannot handle it")
                }
            },
            Problem::UnknownName { name, near } => {
                write!(f, "`{name}` is no parameter, local name or `var`")?;
                meant(f, near.as_deref())
            }
            Problem::UnknownProcedure { name, near } => {
                write!(f, "the driver has no `to {name}`")?;
                meant(f, near.as_deref())
            }
            Problem::UnknownConstant { name, near } => {
                write!(f, "`{name}` is no constant that is known here")?;
                meant(f, near.as_deref())
            }
            Problem::Arguments { of, names, given } => {
                write!(f, "{of} takes {} ({}), not {given}", names.len(), names.join(", "))
            }
            Problem::UnknownArgument { name, names } => {
                write!(f, "there is no `{name}`")?;
                if names.is_empty() { Ok(()) } else { write!(f, ", only {}", names.join(", ")) }
            }
            Problem::Block { item, known } => {
                write!(f, "`{item}` does not belong into this block, which takes {known}")
            }
            Problem::NoResult(ddi) => match signature::stores(*ddi).len() {
                0 => write!(f, "{ddi} stores nothing"),
                1 => write!(f, "{ddi} stores one thing only"),
                count => write!(f, "{ddi} stores {count} things only"),
            },
            Problem::NoReturnValue(ddi) => write!(f, "{ddi} has no return value; write `{ddi} returns`"),
            Problem::ForeignReply(ddi) => {
                write!(f, "only the body of {ddi} itself can answer it; elsewhere write `return`")
            }
            Problem::StrayElse => f.write_str("`else` follows a `when` or `unless` of the same indentation"),
            Problem::Twice(name) => write!(f, "`{name}` is there already"),
            Problem::UnknownDriver { name, near } => {
                write!(f, "there is no driver `{name}`")?;
                meant(f, near.as_deref())
            }
            Problem::UnknownAdapter(name) => write!(f, "there is no adapter `{name}`"),
            Problem::NoDriver => f.write_str("there is no driver with an adapter"),
            Problem::TooMany(what) => write!(f, "too many {what}"),
        }
    }
}

/// The known name that is nearest to a misspelt one, if one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().map(|known| (strsim::jaro_winkler(name, known), known));
    near.filter(|(likeness, _)| *likeness > 0.85).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}
