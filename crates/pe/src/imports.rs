//! Imports: which symbols the driver wants, and where their addresses go.

use std::fmt;
use std::sync::Arc;

use object::LittleEndian as LE;
use object::endian::U64;
use object::pe;

use crate::error::{Counted, Directory, ParseError};
use crate::headers::Headers;
use crate::view::View;
use crate::{MAX_IMPORTS, MAX_LIBRARIES};

/// An entry of a lookup table, and a slot of the address table, in bytes.
const THUNK: u64 = 8;

/// One imported symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The library's name as the file spells it, such as `NDIS.SYS` or `ntoskrnl.exe`; compare without case.
    pub library: Arc<str>,
    /// The symbol.
    pub symbol: Symbol,
    /// Where its 64-bit address goes; eight bytes inside one section.
    pub iat_rva: u32,
}

/// What an import asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// A name, such as `NdisAllocateMemoryWithTagPriority`.
    Name(String),
    /// A number in the library's export table.
    Ordinal(u16),
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Symbol::Name(name) => f.write_str(name),
            Symbol::Ordinal(ordinal) => write!(f, "#{ordinal}"),
        }
    }
}

/// All imports, in the file's order.
pub(crate) fn parse(view: &View<'_>, headers: &Headers) -> Result<Vec<Import>, ParseError> {
    let Some((table, _)) = headers.directory(Directory::Import) else {
        return Ok(Vec::new());
    };
    let mut imports = Vec::new();
    // The table ends with a null descriptor, whatever size the directory claims.
    for index in 0.. {
        let offset = index * size_of::<pe::ImageImportDescriptor>() as u64;
        let descriptor: pe::ImageImportDescriptor = view.require(Directory::Import, table, offset)?;
        if descriptor.name.get(LE) == 0 || descriptor.first_thunk.get(LE) == 0 {
            break;
        }
        if index == u64::from(MAX_LIBRARIES) {
            return Err(ParseError::TooMany { counted: Counted::Libraries, limit: MAX_LIBRARIES });
        }
        library(view, &descriptor, &mut imports)?;
    }
    Ok(imports)
}

/// Adds the imports from one library.
fn library(
    view: &View<'_>,
    descriptor: &pe::ImageImportDescriptor,
    imports: &mut Vec<Import>,
) -> Result<(), ParseError> {
    let library: Arc<str> = view.name(Directory::Import, descriptor.name.get(LE))?.into();
    let slots = descriptor.first_thunk.get(LE);
    // Without a lookup table of its own, a library's names are in the address table until it is bound.
    let lookup = match descriptor.original_first_thunk.get(LE) {
        0 => slots,
        lookup => lookup,
    };
    for index in 0.. {
        let value = view.require::<U64<LE>>(Directory::Import, lookup, index * THUNK)?.get(LE);
        if value == 0 {
            return Ok(());
        }
        if imports.len() == MAX_IMPORTS as usize {
            return Err(ParseError::TooMany { counted: Counted::Imports, limit: MAX_IMPORTS });
        }
        let Some(symbol) = symbol(view, value)? else {
            let rva = (u64::from(lookup) + index * THUNK) as u32;
            return Err(ParseError::ImportLookup { library: library.to_string(), rva, value });
        };
        let slot = u64::from(slots) + index * THUNK;
        let slot_in_section = u32::try_from(slot).ok().filter(|slot| view.in_section(*slot, THUNK as u32));
        let Some(iat_rva) = slot_in_section else {
            return Err(ParseError::ImportSlotOutside { library: library.to_string(), rva: slot });
        };
        imports.push(Import { library: Arc::clone(&library), symbol, iat_rva });
    }
    Ok(())
}

/// What an entry of a lookup table asks for; `None` if bits are set that have no meaning.
fn symbol(view: &View<'_>, value: u64) -> Result<Option<Symbol>, ParseError> {
    if value & pe::IMAGE_ORDINAL_FLAG64 != 0 {
        return Ok(u16::try_from(value & !pe::IMAGE_ORDINAL_FLAG64).ok().map(Symbol::Ordinal));
    }
    // In front of the name are two bytes that hint at its place in the library's table.
    let name_rva = u32::try_from(value).ok().filter(|rva| *rva < 1 << 31).map(|rva| rva + 2);
    let Some(name_rva) = name_rva else { return Ok(None) };
    Ok(Some(Symbol::Name(view.name(Directory::Import, name_rva)?.to_owned())))
}
