//! A schedule: where an execution left the first-in-first-out order, as a short printable value.

use std::fmt;
use std::str::FromStr;

/// The deviations of one execution from the order of [`strategy::Fifo`](crate::strategy::Fifo).
///
/// Printed as `c1:` and base64url without padding of LEB128 numbers, two per deviation: the number of points since the
/// one after the last deviation, and the choice. `c1:` alone is the FIFO order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Schedule {
    deviations: Vec<(u32, u32)>,
}

impl Schedule {
    /// The FIFO order.
    pub const fn new() -> Schedule {
        Schedule { deviations: Vec::new() }
    }

    /// The deviations in their order: the number of the point, and the candidate taken there, never 0.
    pub fn deviations(&self) -> &[(u32, u32)] {
        &self.deviations
    }

    /// The schedule with these deviations.
    ///
    /// # Errors
    /// Points do not rise, or a choice is 0, which is the FIFO order's.
    pub fn from_deviations(deviations: Vec<(u32, u32)>) -> Result<Schedule, ParseScheduleError> {
        let rising = deviations.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if rising && deviations.iter().all(|&(_, choice)| choice != 0) {
            Ok(Schedule { deviations })
        } else {
            Err(ParseScheduleError::Order)
        }
    }

    /// Notes the choice at a point, which lies after all that were noted before.
    pub(crate) fn note(&mut self, point: u32, choice: u32) {
        if choice != 0 {
            self.deviations.push((point, choice));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.deviations.clear();
    }
}

/// Why a text is not a schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseScheduleError {
    /// It does not begin with the version that this program writes, `c1:`.
    Version,
    /// A character that base64url does not have, at this byte.
    Character(usize),
    /// It ends in the middle of a number or of a deviation, or a number is too large.
    Number,
    /// The points do not rise, or a choice is the FIFO order's own.
    Order,
}

impl fmt::Display for ParseScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseScheduleError::Version => f.write_str("a schedule begins with `c1:`"),
            ParseScheduleError::Character(at) => {
                write!(f, "unexpected character at byte {at} of the schedule")
            }
            ParseScheduleError::Number => f.write_str("the schedule is cut off or damaged"),
            ParseScheduleError::Order => f.write_str("the schedule's points are out of order"),
        }
    }
}

impl std::error::Error for ParseScheduleError {}

const VERSION: &str = "c1:";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::new();
        let mut next = 0;
        for &(point, choice) in &self.deviations {
            push_number(&mut bytes, point - next);
            push_number(&mut bytes, choice);
            next = point.saturating_add(1);
        }
        f.write_str(VERSION)?;
        for chunk in bytes.chunks(3) {
            let group = chunk.iter().fold(0u32, |group, &byte| group << 8 | u32::from(byte))
                << (8 * (3 - chunk.len()));
            for at in 0..=chunk.len() {
                let letter = ALPHABET[(group >> (18 - 6 * at) & 63) as usize];
                fmt::Write::write_char(f, letter as char)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = ParseScheduleError;

    fn from_str(text: &str) -> Result<Schedule, ParseScheduleError> {
        let coded = text.strip_prefix(VERSION).ok_or(ParseScheduleError::Version)?;
        let mut bytes = Vec::with_capacity(coded.len() * 3 / 4);
        let (mut group, mut bits) = (0u32, 0);
        for (at, letter) in coded.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|&known| known == letter);
            let digit = digit.ok_or(ParseScheduleError::Character(VERSION.len() + at))?;
            group = group << 6 | digit as u32;
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                bytes.push((group >> bits) as u8);
                group &= (1 << bits) - 1;
            }
        }
        if bits >= 6 || group != 0 {
            return Err(ParseScheduleError::Number);
        }
        let mut bytes = bytes.into_iter();
        let mut deviations = Vec::new();
        let mut next = Some(0u32);
        while bytes.len() > 0 {
            let skipped = take_number(&mut bytes)?;
            let choice = take_number(&mut bytes)?;
            let point = next.and_then(|next| next.checked_add(skipped)).ok_or(ParseScheduleError::Number)?;
            deviations.push((point, choice));
            next = point.checked_add(1);
        }
        Schedule::from_deviations(deviations)
    }
}

fn push_number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut impl Iterator<Item = u8>) -> Result<u32, ParseScheduleError> {
    let mut number = 0u32;
    for shift in (0..35).step_by(7) {
        let byte = bytes.next().ok_or(ParseScheduleError::Number)?;
        let part = u32::from(byte & 0x7f);
        if shift == 28 && part > 0xf {
            return Err(ParseScheduleError::Number);
        }
        number |= part << shift;
        if byte < 0x80 {
            // One number has one form: no superfluous zero at the end.
            return if byte == 0 && shift > 0 { Err(ParseScheduleError::Number) } else { Ok(number) };
        }
    }
    Err(ParseScheduleError::Number)
}
