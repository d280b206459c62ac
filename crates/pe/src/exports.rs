//! Exports: what other images may take from this one. MinGW's `-shared` exports all of a driver's globals.

use object::LittleEndian as LE;
use object::endian::{U16, U32};
use object::pe;

use crate::MAX_EXPORTS;
use crate::error::{Counted, Directory, ParseError};
use crate::headers::Headers;
use crate::view::View;

/// One exported symbol. A symbol with several names appears once for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its number.
    pub ordinal: u16,
    /// What it stands for.
    pub target: ExportTarget,
}

/// What an export stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportTarget {
    /// Code or data of this image.
    Rva(u32),
    /// A symbol of another library, written `library.symbol` or `library.#ordinal`.
    Forwarder(String),
}

/// All exports: one per name, then one per address that has no name.
pub(crate) fn parse(view: &View<'_>, headers: &Headers) -> Result<Vec<Export>, ParseError> {
    let Some((table_rva, table_size)) = headers.directory(Directory::Export) else {
        return Ok(Vec::new());
    };
    let table: pe::ImageExportDirectory = view.require(Directory::Export, table_rva, 0)?;
    let address_count = table.number_of_functions.get(LE);
    let name_count = table.number_of_names.get(LE);
    if address_count.max(name_count) > MAX_EXPORTS {
        return Err(ParseError::TooMany { counted: Counted::Exports, limit: MAX_EXPORTS });
    }
    let base = u64::from(table.base.get(LE));
    let addresses = table.address_of_functions.get(LE);
    let names = table.address_of_names.get(LE);
    let name_ordinals = table.address_of_name_ordinals.get(LE);

    let export = |index: u32, name: Option<String>| -> Result<Option<Export>, ParseError> {
        let full_ordinal = base + u64::from(index);
        let outside = ParseError::ExportOrdinal { ordinal: full_ordinal };
        let Ok(ordinal) = u16::try_from(full_ordinal) else { return Err(outside) };
        let rva = view.require::<U32<LE>>(Directory::Export, addresses, 4 * u64::from(index))?.get(LE);
        // A zero marks an ordinal that is not used.
        if rva == 0 {
            return Ok(None);
        }
        let target = if rva.checked_sub(table_rva).is_some_and(|offset| offset < table_size) {
            ExportTarget::Forwarder(view.name(Directory::Export, rva)?.to_owned())
        } else if rva < headers.image_size {
            ExportTarget::Rva(rva)
        } else {
            return Err(ParseError::ExportOutside { ordinal, rva });
        };
        Ok(Some(Export { name, ordinal, target }))
    };

    let mut exports = Vec::new();
    let mut named = vec![false; address_count as usize];
    for position in 0..u64::from(name_count) {
        let index: U16<LE> = view.require(Directory::Export, name_ordinals, 2 * position)?;
        let name_rva: U32<LE> = view.require(Directory::Export, names, 4 * position)?;
        let index = index.get(LE);
        let Some(has_name) = named.get_mut(usize::from(index)) else {
            return Err(ParseError::ExportOrdinal { ordinal: base + u64::from(index) });
        };
        *has_name = true;
        let name = view.name(Directory::Export, name_rva.get(LE))?.to_owned();
        exports.extend(export(u32::from(index), Some(name))?);
    }
    for (index, has_name) in (0..address_count).zip(named) {
        if !has_name {
            exports.extend(export(index, None)?);
        }
    }
    Ok(exports)
}
