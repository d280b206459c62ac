//! Counted strings.

use super::Here;
use crate::guest::{self, at};
use model::record::Operation;

/// `UNICODE_STRING.MaximumLength` and `.Buffer`.
const MAXIMUM_LENGTH: u64 = 2;
const BUFFER: u64 = 8;
/// The longest string that a `UNICODE_STRING` can hold with its terminator, in code units.
const LONGEST: usize = 0x7ffe;

/// Makes a `UNICODE_STRING` of a terminated one; an absent one gives an empty string.
fn initialize(here: &Here, string: u64, text: u64) {
    let units = if text == 0 { 0 } else { here.check(guest::utf16_length(text, LONGEST)) };
    let length = units as u16 * 2;
    here.check(guest::write_u16(string, length));
    here.check(guest::write_u16(at(string, MAXIMUM_LENGTH), if text == 0 { 0 } else { length + 2 }));
    here.check(guest::write_u64(at(string, BUFFER), text));
}

fn compare(here: &Here, one: u64, other: u64, ignore_case: bool) -> i32 {
    // Its code is paged, so the level matters.
    here.kernel(Operation::Other);
    let read = |string| here.check(guest::read_unicode_string(string));
    let fold = |unit: u16| if ignore_case { upcased(unit) } else { unit };
    let (one, other) = (read(one), read(other));
    let differs = one.iter().zip(&other).map(|(&a, &b)| (fold(a), fold(b))).find(|(a, b)| a != b);
    match differs {
        Some((a, b)) => i32::from(a) - i32::from(b),
        None => one.len() as i32 - other.len() as i32,
    }
}

/// The upper-case form of a code unit, if it has one of the same length.
fn upcased(unit: u16) -> u16 {
    let Some(character) = char::from_u32(u32::from(unit)) else { return unit };
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => u16::try_from(u32::from(upper)).unwrap_or(unit),
        _ => unit,
    }
}

super::exports! {
    Ndis Dispatch "nf-ndis-ndisinitunicodestring"
    NdisInitUnicodeString[here](string: u64, text: u64) {
        initialize(&here, string, text);
    }

    Kernel Any "wdm/nf-wdm-rtlinitunicodestring"
    RtlInitUnicodeString[here](string: u64, text: u64) {
        initialize(&here, string, text);
    }

    Ndis Passive "nf-ndis-ndisequalstring"
    NdisEqualString[here](one: u64, other: u64, ignore_case: u8) -> u8 {
        u8::from(compare(&here, one, other, ignore_case != 0) == 0)
    }

    Kernel Passive "wdm/nf-wdm-rtlequalunicodestring"
    RtlEqualUnicodeString[here](one: u64, other: u64, ignore_case: u8) -> u8 {
        u8::from(compare(&here, one, other, ignore_case != 0) == 0)
    }

    Kernel Passive "wdm/nf-wdm-rtlcompareunicodestring"
    RtlCompareUnicodeString[here](one: u64, other: u64, ignore_case: u8) -> i32 {
        compare(&here, one, other, ignore_case != 0)
    }

    Kernel Any "wdm/nf-wdm-rtlcopyunicodestring"
    RtlCopyUnicodeString[here](to: u64, from: u64) {
        let room = here.check(guest::read_u16(at(to, MAXIMUM_LENGTH)));
        let target = here.check(guest::read_u64(at(to, BUFFER)));
        let (length, source) = match from {
            0 => (0, 0),
            from => (here.check(guest::read_u16(from)), here.check(guest::read_u64(at(from, BUFFER)))),
        };
        let length = length.min(room) & !1;
        here.check(guest::copy(target, source, u64::from(length)));
        here.check(guest::write_u16(to, length));
        if u32::from(length) + 2 <= u32::from(room) {
            here.check(guest::write_u16(at(target, u64::from(length)), 0));
        }
    }
}
