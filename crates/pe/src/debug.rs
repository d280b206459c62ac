//! The debug directory: which PDB belongs to the driver. A loader ignores it, so damage here is no error.

use std::fmt;

use object::LittleEndian as LE;
use object::endian::U32;
use object::pe;
use object::pod::{from_bytes, slice_from_all_bytes};

use crate::MAX_NAME;
use crate::error::Directory;
use crate::headers::Headers;
use crate::view::View;

/// Where the driver's debug information is, apart from DWARF in its own sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DebugInfo {
    /// The driver names no PDB.
    Absent,
    /// The driver names this PDB.
    CodeView(CodeView),
    /// There is a debug directory but it cannot be read.
    Damaged,
}

/// The PDB that was written when the driver was linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeView {
    /// The path as the linker stored it; its separators may be backslashes. Characters that are not text are
    /// replaced.
    pub path: String,
    /// Identifies the PDB.
    pub guid: Guid,
    /// How often the PDB was rewritten since it got its GUID.
    pub age: u32,
}

/// A GUID in the byte order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guid(pub [u8; 16]);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, rest @ ..] = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{d0:02x}{d1:02x}-",
            u32::from_le_bytes([a0, a1, a2, a3]),
            u16::from_le_bytes([b0, b1]),
            u16::from_le_bytes([c0, c1]),
        )?;
        rest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The first CodeView entry of the debug directory.
pub(crate) fn parse(view: &View<'_>, headers: &Headers, file: &[u8]) -> DebugInfo {
    let Some((rva, size)) = headers.directory(Directory::Debug) else {
        return DebugInfo::Absent;
    };
    let entries =
        view.bytes(rva, size).and_then(|table| slice_from_all_bytes::<pe::ImageDebugDirectory>(table).ok());
    let Some(entries) = entries else { return DebugInfo::Damaged };
    match entries.iter().find(|entry| entry.typ.get(LE) == pe::IMAGE_DEBUG_TYPE_CODEVIEW) {
        Some(entry) => code_view(entry, file).map_or(DebugInfo::Damaged, DebugInfo::CodeView),
        None => DebugInfo::Absent,
    }
}

/// Reads what a CodeView entry points to: `RSDS`, GUID, age, path.
fn code_view(entry: &pe::ImageDebugDirectory, file: &[u8]) -> Option<CodeView> {
    let start = entry.pointer_to_raw_data.get(LE) as usize;
    let end = start.checked_add(entry.size_of_data.get(LE) as usize)?;
    let record = file.get(start..end)?.strip_prefix(b"RSDS")?;
    let (guid, rest) = record.split_first_chunk::<16>()?;
    let (age, rest) = from_bytes::<U32<LE>>(rest).ok()?;
    let path = &rest[..rest.iter().take(MAX_NAME).position(|byte| *byte == 0)?];
    let path = String::from_utf8_lossy(path).replace(char::is_control, "\u{fffd}");
    Some(CodeView { path, guid: Guid(*guid), age: age.get(LE) })
}
