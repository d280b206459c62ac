//! Base relocations: the addresses inside the image that move with it.

use object::LittleEndian as LE;
use object::endian::U16;
use object::pe;
use object::pod::{from_bytes, slice_from_all_bytes};

use crate::MAX_RELOCATIONS;
use crate::error::{Counted, Directory, ParseError};
use crate::headers::Headers;
use crate::view::View;

/// The bytes in front of a block's entries.
const BLOCK_HEADER: u32 = size_of::<pe::ImageBaseRelocation>() as u32;

/// The RVAs of all `IMAGE_REL_BASED_DIR64` relocations, in the file's order.
pub(crate) fn parse(view: &View<'_>, headers: &Headers) -> Result<Vec<u32>, ParseError> {
    let Some((table_rva, table_size)) = headers.directory(Directory::BaseRelocation) else {
        return Ok(Vec::new());
    };
    let table = view.bytes(table_rva, table_size).ok_or(ParseError::DirectoryOutside {
        directory: Directory::BaseRelocation,
        rva: table_rva,
        size: u64::from(table_size),
    })?;
    let mut relocations = Vec::new();
    let mut rest = table;
    while let Ok((block, _)) = from_bytes::<pe::ImageBaseRelocation>(rest) {
        let size = block.size_of_block.get(LE);
        let page = block.virtual_address.get(LE);
        // Some linkers pad the table with zeros.
        if size == 0 && page == 0 {
            break;
        }
        let block_rva = table_rva + (table.len() - rest.len()) as u32;
        let bad_block = ParseError::RelocationBlock { rva: block_rva, size };
        if size < BLOCK_HEADER || size % 2 != 0 {
            return Err(bad_block);
        }
        let Some((block_bytes, next)) = rest.split_at_checked(size as usize) else { return Err(bad_block) };
        let entries = slice_from_all_bytes::<U16<LE>>(&block_bytes[BLOCK_HEADER as usize..]);
        let Ok(entries) = entries else { return Err(bad_block) };
        for entry in entries {
            relocation(view, page, entry.get(LE), &mut relocations)?;
        }
        rest = next;
    }
    Ok(relocations)
}

/// Adds one entry of a block: the type in the upper four bits, the offset from the block's page in the others.
fn relocation(view: &View<'_>, page: u32, entry: u16, relocations: &mut Vec<u32>) -> Result<(), ParseError> {
    let rva = u64::from(page) + u64::from(entry & 0xfff);
    let kind = entry >> 12;
    if kind == pe::IMAGE_REL_BASED_ABSOLUTE.0 {
        return Ok(());
    }
    if kind != pe::IMAGE_REL_BASED_DIR64.0 {
        return Err(ParseError::RelocationType { rva, kind: kind as u8 });
    }
    let target = u32::try_from(rva).ok().filter(|target| view.in_section(*target, 8));
    let Some(target) = target else { return Err(ParseError::RelocationOutside { rva }) };
    if relocations.len() == MAX_RELOCATIONS as usize {
        return Err(ParseError::TooMany { counted: Counted::Relocations, limit: MAX_RELOCATIONS });
    }
    relocations.push(target);
    Ok(())
}
