//! `printf` in the dialect of Windows' kernel: `%wZ`, `%S`, `%I64x`, and plain `long` of four bytes. See the pages of
//! `DbgPrint` and "Format specification syntax: printf and wprintf functions". Floating point is not there, as the
//! kernel has none; its conversions are printed as they stand.

use crate::guest::{self, BadAddress, at};

/// The most characters that one conversion may add, against widths that fill memory.
const LONGEST: usize = 4096;

/// The arguments behind a format, eight bytes each.
pub(crate) struct Arguments(u64);

impl Arguments {
    /// The arguments from `address` on: a `va_list`.
    pub(crate) const fn new(address: u64) -> Arguments {
        Arguments(address)
    }

    fn next(&mut self) -> Result<u64, BadAddress> {
        let value = guest::read_u64(self.0)?;
        self.0 = at(self.0, 8);
        Ok(value)
    }
}

/// How many bytes of an argument count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Byte,
    Short,
    Usual,
    Long,
    Wide,
}

#[derive(Clone, Copy)]
struct Conversion {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    size: Size,
    /// `w` or `l` in front of a string or character, or `h`.
    wide: Option<bool>,
}

/// Formats as `DbgPrint` would. `text` is the format without its terminator.
///
/// # Errors
/// An argument, or a string that one leads to, cannot be read.
pub(crate) fn format(text: &[u8], arguments: &mut Arguments) -> Result<Vec<u8>, BadAddress> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| byte == b'%') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let used = convert(rest, arguments, &mut out)?;
        rest = &rest[used..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}

/// Does the conversion at the start of `text` and gives its length.
fn convert(text: &[u8], arguments: &mut Arguments, out: &mut Vec<u8>) -> Result<usize, BadAddress> {
    let mut at = 1;
    let mut how = Conversion {
        left: false,
        plus: false,
        space: false,
        alternate: false,
        zero: false,
        width: 0,
        precision: None,
        size: Size::Usual,
        wide: None,
    };
    while let Some(&flag) = text.get(at) {
        match flag {
            b'-' => how.left = true,
            b'+' => how.plus = true,
            b' ' => how.space = true,
            b'#' => how.alternate = true,
            b'0' => how.zero = true,
            _ => break,
        }
        at += 1;
    }
    if text.get(at) == Some(&b'*') {
        let width = arguments.next()? as i32;
        how.left |= width < 0;
        how.width = width.unsigned_abs() as usize;
        at += 1;
    } else {
        how.width = number(text, &mut at);
    }
    if text.get(at) == Some(&b'.') {
        at += 1;
        how.precision = if text.get(at) == Some(&b'*') {
            at += 1;
            usize::try_from(arguments.next()? as i32).ok()
        } else {
            Some(number(text, &mut at))
        };
    }
    how.width = how.width.min(LONGEST);
    how.precision = how.precision.map(|precision| precision.min(LONGEST));
    size(text, &mut at, &mut how);
    let Some(&kind) = text.get(at) else {
        out.extend_from_slice(text);
        return Ok(text.len());
    };
    at += 1;
    if !piece(kind, &how, arguments, out)? {
        out.extend_from_slice(&text[..at]);
    }
    Ok(at)
}

fn number(text: &[u8], at: &mut usize) -> usize {
    let mut value: usize = 0;
    while let Some(digit) = text.get(*at).filter(|byte| byte.is_ascii_digit()) {
        value = value.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
        *at += 1;
    }
    value
}

fn size(text: &[u8], at: &mut usize, how: &mut Conversion) {
    let prefixes: [(&[u8], Size, Option<bool>); 11] = [
        (b"I64", Size::Wide, None),
        (b"I32", Size::Usual, None),
        (b"I", Size::Wide, None),
        (b"ll", Size::Wide, None),
        (b"hh", Size::Byte, None),
        (b"h", Size::Short, Some(false)),
        (b"l", Size::Long, Some(true)),
        (b"w", Size::Usual, Some(true)),
        (b"j", Size::Wide, None),
        (b"z", Size::Wide, None),
        (b"t", Size::Wide, None),
    ];
    for (prefix, size, wide) in prefixes {
        if text[*at..].starts_with(prefix) {
            *at += prefix.len();
            how.size = size;
            how.wide = wide;
            return;
        }
    }
}

/// Adds one converted argument; tells whether `kind` is known.
fn piece(
    kind: u8,
    how: &Conversion,
    arguments: &mut Arguments,
    out: &mut Vec<u8>,
) -> Result<bool, BadAddress> {
    match kind {
        b'%' => out.push(b'%'),
        b'd' | b'i' => {
            let value = signed(arguments.next()?, how.size);
            let sign: &[u8] = match value {
                ..0 => b"-",
                _ if how.plus => b"+",
                _ if how.space => b" ",
                _ => b"",
            };
            integer(how, sign, value.unsigned_abs().to_string().as_bytes(), out);
        }
        b'u' => integer(how, b"", unsigned(arguments.next()?, how.size).to_string().as_bytes(), out),
        b'o' => integer(how, b"", format!("{:o}", unsigned(arguments.next()?, how.size)).as_bytes(), out),
        b'x' | b'X' => {
            let value = unsigned(arguments.next()?, how.size);
            let prefix: &[u8] = match (how.alternate && value != 0, kind) {
                (false, _) => b"",
                (true, b'x') => b"0x",
                (true, _) => b"0X",
            };
            let digits = if kind == b'x' { format!("{value:x}") } else { format!("{value:X}") };
            integer(how, prefix, digits.as_bytes(), out);
        }
        b'p' => pad(how, format!("{:016X}", arguments.next()?).as_bytes(), out),
        b'c' | b'C' => {
            let wide = how.wide.unwrap_or(kind == b'C');
            let value = arguments.next()?;
            let text = if wide { wide_text(&[value as u16]) } else { vec![value as u8] };
            pad(how, &text, out);
        }
        b's' | b'S' => {
            let wide = how.wide.unwrap_or(kind == b'S');
            let address = arguments.next()?;
            pad(how, &string(address, wide, how.precision)?, out);
        }
        b'Z' => {
            let address = arguments.next()?;
            pad(how, &counted(address, how.wide == Some(true), how.precision)?, out);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn signed(value: u64, size: Size) -> i64 {
    match size {
        Size::Byte => i64::from(value as i8),
        Size::Short => i64::from(value as i16),
        Size::Usual | Size::Long => i64::from(value as i32),
        Size::Wide => value as i64,
    }
}

fn unsigned(value: u64, size: Size) -> u64 {
    match size {
        Size::Byte => value & 0xff,
        Size::Short => value & 0xffff,
        Size::Usual | Size::Long => value & 0xffff_ffff,
        Size::Wide => value,
    }
}

fn integer(how: &Conversion, prefix: &[u8], digits: &[u8], out: &mut Vec<u8>) {
    // A value of zero with a precision of zero has no digits.
    let digits = if how.precision == Some(0) && digits == b"0" { b"" } else { digits };
    let mut zeros = how.precision.unwrap_or(0).saturating_sub(digits.len());
    if how.zero && !how.left && how.precision.is_none() {
        zeros = how.width.saturating_sub(prefix.len() + digits.len());
    }
    let text = [prefix, &vec![b'0'; zeros], digits].concat();
    pad(how, &text, out);
}

fn pad(how: &Conversion, text: &[u8], out: &mut Vec<u8>) {
    let spaces = vec![b' '; how.width.saturating_sub(text.len())];
    let (before, after): (&[u8], &[u8]) = if how.left { (&[], &spaces) } else { (&spaces, &[]) };
    out.extend_from_slice(before);
    out.extend_from_slice(text);
    out.extend_from_slice(after);
}

/// A terminated string, of at most `precision` characters.
fn string(address: u64, wide: bool, precision: Option<usize>) -> Result<Vec<u8>, BadAddress> {
    if address == 0 {
        return Ok(b"(null)".to_vec());
    }
    let limit = precision.unwrap_or(LONGEST);
    if wide {
        let length = guest::utf16_length(address, limit)?;
        return Ok(wide_text(&guest::read_utf16(address, length)?));
    }
    guest::read_c_string(address, limit)
}

/// An `ANSI_STRING` or `UNICODE_STRING`.
fn counted(address: u64, wide: bool, precision: Option<usize>) -> Result<Vec<u8>, BadAddress> {
    if address == 0 {
        return Ok(b"(null)".to_vec());
    }
    let length = usize::from(guest::read_u16(address)?);
    let buffer = guest::read_u64(at(address, 8))?;
    if buffer == 0 {
        return Ok(b"(null)".to_vec());
    }
    let limit = precision.unwrap_or(usize::MAX);
    if wide {
        return Ok(wide_text(&guest::read_utf16(buffer, (length / 2).min(limit))?));
    }
    let mut text = vec![0; length.min(limit)];
    guest::read(buffer, &mut text)?;
    Ok(text)
}

fn wide_text(units: &[u16]) -> Vec<u8> {
    String::from_utf16_lossy(units).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(text: &str, arguments: &[u64]) -> String {
        let mut list = Arguments::new(arguments.as_ptr() as u64);
        String::from_utf8(format(text.as_bytes(), &mut list).expect("readable arguments")).expect("text")
    }

    #[test]
    fn the_dialect() {
        let narrow = b"narrow\0";
        let wide: Vec<u16> = "wide\u{e9}\0".encode_utf16().collect();
        let units: Vec<u16> = "counted and more".encode_utf16().collect();
        let counted = [14 | 40 << 16, units.as_ptr() as u64];
        let ansi = [7 | 7 << 16, narrow.as_ptr() as u64];
        let (narrow, wide) = (narrow.as_ptr() as u64, wide.as_ptr() as u64);
        let (unicode, ansi) = (counted.as_ptr() as u64, ansi.as_ptr() as u64);
        let minus_one = u64::MAX;
        let cases: &[(&str, &[u64], &str)] = &[
            ("plain", &[], "plain"),
            ("100%%", &[], "100%"),
            ("%d|%i", &[minus_one, 5], "-1|5"),
            ("%u", &[minus_one], "4294967295"),
            ("%lu %ld", &[minus_one, minus_one], "4294967295 -1"),
            (
                "%I64u %I64d %I64x",
                &[minus_one, minus_one, 0x1_2345_6789],
                "18446744073709551615 -1 123456789",
            ),
            ("%llx %Ix %zx", &[1 << 40, 1 << 40, 1 << 40], "10000000000 10000000000 10000000000"),
            ("%I32x", &[0x1_2345_6789], "23456789"),
            ("%hd %hhu %hx", &[0xffff, 0x1ff, 0x12345], "-1 255 2345"),
            ("%x %X %#x %#X %#x", &[0xab, 0xab, 0xab, 0xab, 0], "ab AB 0xab 0XAB 0"),
            ("%o", &[8], "10"),
            ("%p", &[0xffff_a000_0000_1234], "FFFFA00000001234"),
            ("[%5d][%-5d][%05d][%+d][% d]", &[42, 42, 42, 42, 42], "[   42][42   ][00042][+42][ 42]"),
            ("[%.4d][%8.4x][%.0d]", &[42, 0xab, 0], "[0042][    00ab][]"),
            ("[%-08d][%08.3d]", &[5, 5], "[5       ][     005]"),
            (
                "[%*d][%-*d][%*d]",
                &[4, 1, 4, 1, minus_one & 0xffff_fffc | 0xffff_fffc, 1],
                "[   1][1   ][1   ]",
            ),
            ("[%.*s]", &[3, narrow], "[nar]"),
            ("%s|%10s|%-10s|%.3s", &[narrow, narrow, narrow, narrow], "narrow|    narrow|narrow    |nar"),
            (
                "%S|%ws|%ls|%hs|%hS",
                &[wide, wide, wide, narrow, narrow],
                "wide\u{e9}|wide\u{e9}|wide\u{e9}|narrow|narrow",
            ),
            ("%s %S", &[0, 0], "(null) (null)"),
            ("%wZ|%.3wZ|%Z", &[unicode, unicode, ansi], "counted|cou|narrow\0"),
            ("%wZ", &[0], "(null)"),
            ("%c%c|%C|%lc|%3c", &[0x41, 0x42, 0xe9, 0xe9, 0x43], "AB|\u{e9}|\u{e9}|  C"),
            ("%f %y", &[1], "%f %y"),
            ("open %", &[], "open %"),
            ("open %l", &[], "open %l"),
            ("%5", &[], "%5"),
        ];
        for (text, arguments, expected) in cases {
            assert_eq!(formatted(text, arguments), *expected, "{text}");
        }
    }

    #[test]
    fn widths_are_bounded() {
        assert_eq!(formatted("%2000000000d", &[1]).len(), LONGEST);
        assert_eq!(formatted("%.99999999999999999999d", &[1]).len(), LONGEST);
    }
}
