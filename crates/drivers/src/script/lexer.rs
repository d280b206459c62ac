//! Text into logical lines of words. A bracket that is open at the end of a line joins the next line to it.

use super::error::{ParseError, Problem};
use std::fmt;

/// A word of a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    /// A name: letters, digits, `_`, and `-` before a letter.
    Name(String),
    /// A number, decimal or hexadecimal.
    Number(u64),
    /// A text in quotation marks.
    Text(String),
    /// One of the signs of [`SIGNS`].
    Sign(&'static str),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Name(name) => write!(f, "`{name}`"),
            Word::Number(number) => write!(f, "`{number}`"),
            Word::Text(text) => write!(f, "{text:?}"),
            Word::Sign(sign) => write!(f, "`{sign}`"),
        }
    }
}

/// The longer ones first.
const SIGNS: [&str; 24] = [
    "->", "==", "!=", "<=", ">=", "(", ")", "{", "}", ",", "=", "<", ">", "+", "-", ".", ":", "|", "/", "*",
    "@", "$", "'", "…",
];

/// Where a word stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct At {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl At {
    pub(crate) fn error(self, problem: Problem) -> ParseError {
        ParseError { line: self.line, column: self.column, problem }
    }
}

/// A line with the lines that its open brackets join to it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: At,
    /// Columns before the first word.
    pub(crate) indent: u32,
    pub(crate) words: Vec<(At, Word)>,
    /// Behind the last word.
    pub(crate) end: At,
}

/// The lines of `text`, whose first is number `first`. Empty lines and what stands behind `#` are left out.
pub(crate) fn lines(text: &str, first: u32) -> Result<Vec<Line>, ParseError> {
    let mut lines: Vec<Line> = Vec::new();
    let mut open: Vec<(At, &'static str)> = Vec::new();
    for (number, text) in (first..).zip(text.lines()) {
        let mut words = Vec::new();
        let mut rest = text;
        let mut column = 1;
        loop {
            let skipped = rest.trim_start();
            column += rest[..rest.len() - skipped.len()].chars().count() as u32;
            let at = At { line: number, column };
            let Some(first) = skipped.chars().next().filter(|&first| first != '#') else { break };
            let (word, length) = word(skipped, first, at)?;
            match word {
                Word::Sign(sign @ ("(" | "{")) => open.push((at, sign)),
                Word::Sign(")" | "}") => drop(open.pop()),
                Word::Sign(_) | Word::Name(_) | Word::Number(_) | Word::Text(_) => {}
            }
            words.push((at, word));
            column += skipped[..length].chars().count() as u32;
            rest = &skipped[length..];
        }
        let Some(&(at, _)) = words.first() else { continue };
        let end = At { line: number, column: text.trim_end().chars().count() as u32 + 1 };
        match lines.last_mut().filter(|line| is_open(line)) {
            Some(line) => {
                line.words.extend(words);
                line.end = end;
            }
            None => lines.push(Line { at, indent: at.column - 1, words, end }),
        }
    }
    match open.first() {
        Some((at, sign)) => Err(at.error(Problem::OpenBracket(if *sign == "(" { '(' } else { '{' }))),
        None => Ok(lines),
    }
}

/// Whether a line has more opening than closing brackets.
fn is_open(line: &Line) -> bool {
    let depth = line.words.iter().fold(0i32, |depth, (_, word)| match word {
        Word::Sign("(" | "{") => depth + 1,
        Word::Sign(")" | "}") => depth - 1,
        Word::Sign(_) | Word::Name(_) | Word::Number(_) | Word::Text(_) => depth,
    });
    depth > 0
}

/// The first word of `rest`, and its length in bytes.
fn word(rest: &str, first: char, at: At) -> Result<(Word, usize), ParseError> {
    if first.is_ascii_alphabetic() || first == '_' {
        let length = name_length(rest);
        return Ok((Word::Name(rest[..length].to_owned()), length));
    }
    if first.is_ascii_digit() {
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let digits = &rest[..length];
        let number = match digits.strip_prefix("0x") {
            Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16),
            None => digits.parse(),
        };
        return Ok((Word::Number(number.map_err(|_| at.error(Problem::Number))?), length));
    }
    if first == '"' {
        let mut text = String::new();
        let mut characters = rest.char_indices().skip(1);
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => return Ok((Word::Text(text), index + 1)),
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, 't')) => text.push('\t'),
                    // `\u{1b}`
                    Some((start, 'u')) => {
                        let digits = rest[start..].strip_prefix("u{").and_then(|rest| rest.split_once('}'));
                        let code = digits.and_then(|(digits, _)| u32::from_str_radix(digits, 16).ok());
                        let Some(character) = code.and_then(char::from_u32) else {
                            return Err(at.error(Problem::Character('u')));
                        };
                        text.push(character);
                        let _ = characters.by_ref().find(|(_, character)| *character == '}');
                    }
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                other => text.push(other),
            }
        }
        return Err(at.error(Problem::OpenText));
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => Ok((Word::Sign(sign), sign.len())),
        None => Err(at.error(Problem::Character(first))),
    }
}

fn name_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        let hyphen = byte == b'-' && bytes.get(length + 1).is_some_and(u8::is_ascii_alphabetic);
        if !(byte.is_ascii_alphanumeric() || byte == b'_' || hyphen) {
            break;
        }
        length += 1;
    }
    length
}
