//! The function table (`.pdata`): which code has which unwind information.
//!
//! See [x64 exception handling](https://learn.microsoft.com/cpp/build/exception-handling-x64).

use object::LittleEndian as LE;
use object::pe;
use object::pod::slice_from_all_bytes;

use crate::MAX_FUNCTIONS;
use crate::error::{Counted, Directory, ParseError};
use crate::headers::Headers;
use crate::view::View;

/// An entry's size in bytes.
const ENTRY: usize = size_of::<pe::ImageRuntimeFunctionEntry>();
/// Set in the address of the unwind information when it is that of another entry instead.
const INDIRECT: u32 = 1;

/// One entry of the function table. A function that the compiler split has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Where it begins.
    pub begin: u32,
    /// Where it ends, exclusively.
    pub end: u32,
    /// Where its unwind information (`UNWIND_INFO`) begins. With the lowest bit set, the rest is the RVA of
    /// another entry of the function table whose unwind information applies.
    pub unwind_info: u32,
}

/// The table, whose order is the file's: ascending and without overlap.
pub(crate) fn parse(view: &View<'_>, headers: &Headers) -> Result<Vec<Function>, ParseError> {
    let Some((table_rva, table_size)) = headers.directory(Directory::Exception) else {
        return Ok(Vec::new());
    };
    let table = view.bytes(table_rva, table_size).ok_or(ParseError::DirectoryOutside {
        directory: Directory::Exception,
        rva: table_rva,
        size: u64::from(table_size),
    })?;
    let Ok(entries) = slice_from_all_bytes::<pe::ImageRuntimeFunctionEntry>(table) else {
        return Err(ParseError::FunctionTableSize { size: table_size });
    };
    // Some linkers pad the table with zeros.
    let used = table.chunks_exact(ENTRY).rposition(|entry| entry != [0; ENTRY]).map_or(0, |last| last + 1);
    if used > MAX_FUNCTIONS as usize {
        return Err(ParseError::TooMany { counted: Counted::Functions, limit: MAX_FUNCTIONS });
    }
    let mut functions = Vec::with_capacity(used);
    let mut previous_end = 0;
    for (index, entry) in (0..).zip(&entries[..used]) {
        let begin = entry.begin_address.get(LE);
        let end = entry.end_address.get(LE);
        let unwind_info = entry.unwind_info_address_or_data.get(LE);
        let ordered = previous_end <= begin && begin < end;
        if !ordered || !view.in_section(begin, end - begin) || !view.in_section(unwind_info & !INDIRECT, 4) {
            return Err(ParseError::BadFunction { index, begin, end, unwind_info });
        }
        previous_end = end;
        functions.push(Function { begin, end, unwind_info });
    }
    Ok(functions)
}
