//! Tells what a file is when it is not a PE file, so that the error can say so.

use std::fmt;
use std::mem::offset_of;

use object::LittleEndian as LE;
use object::pe;

/// What a file that is not a PE file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A Linux program, library or kernel module.
    Elf,
    /// A macOS program or library.
    MachO,
    /// A file that begins with `#!`.
    Script,
    /// Readable text: source code, an `.inf`, a log.
    Text,
    /// A ZIP archive, such as an `.appx`, `.nupkg` or downloaded bundle.
    Zip,
    /// A cabinet (`.cab`), as driver packages are often shipped.
    Cabinet,
    /// A static or import library (`.lib`, `.a`).
    Library,
    /// An x64 object file (`.obj`, `.o`) that has not been linked.
    Object,
    /// A program database (`.pdb`) with the symbols of a driver, not the driver.
    Pdb,
    /// Nothing known.
    Unknown,
}

impl FileKind {
    /// Looks at the beginning of a file that does not start with `MZ`.
    pub(crate) fn of(bytes: &[u8]) -> FileKind {
        const MAGICS: [(&[u8], FileKind); 12] = [
            (b"\x7fELF", FileKind::Elf),
            (b"\xfe\xed\xfa\xce", FileKind::MachO),
            (b"\xfe\xed\xfa\xcf", FileKind::MachO),
            (b"\xce\xfa\xed\xfe", FileKind::MachO),
            (b"\xcf\xfa\xed\xfe", FileKind::MachO),
            (b"\xca\xfe\xba\xbe", FileKind::MachO),
            (b"#!", FileKind::Script),
            (b"PK\x03\x04", FileKind::Zip),
            (b"MSCF", FileKind::Cabinet),
            (b"!<arch>\n", FileKind::Library),
            (b"\x64\x86", FileKind::Object),
            (b"Microsoft C/C++ MSF 7.00", FileKind::Pdb),
        ];
        if let Some((_, kind)) = MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return *kind;
        }
        let start = &bytes[..bytes.len().min(512)];
        let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
        let readable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..=0xff);
        if utf16
            || start.iter().all(readable)
                && start.iter().filter(|byte| byte.is_ascii()).count() * 2 > start.len()
        {
            FileKind::Text
        } else {
            FileKind::Unknown
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::Elf => "an ELF file",
            FileKind::MachO => "a Mach-O file",
            FileKind::Script => "a script",
            FileKind::Text => "a text file",
            FileKind::Zip => "a ZIP archive",
            FileKind::Cabinet => "a cabinet",
            FileKind::Library => "a static or import library",
            FileKind::Object => "an object file that has not been linked",
            FileKind::Pdb => "a PDB: the symbols of a driver, not the driver",
            FileKind::Unknown => "no format that condis knows",
        })
    }
}

/// What an `MZ` file of before Windows NT is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SixteenBitKind {
    /// A DOS program: there is no newer header.
    Dos,
    /// An `NE` file: 16-bit Windows or OS/2.
    NewExecutable,
    /// An `LE` or `LX` file: a VxD, the driver format of Windows 95, or a 32-bit OS/2 program.
    LinearExecutable,
}

impl SixteenBitKind {
    /// Looks at the DOS header and at the signature that it points to, if it points into the file.
    pub(crate) fn of(dos: &pe::ImageDosHeader, signature: Option<[u8; 4]>) -> Option<SixteenBitKind> {
        match signature {
            Some([b'N', b'E', ..]) => return Some(SixteenBitKind::NewExecutable),
            Some([b'L', b'E' | b'X', ..]) => return Some(SixteenBitKind::LinearExecutable),
            Some(_) | None => {}
        }
        // The header of plain DOS programs is shorter: their relocations lie where later files point to a
        // newer header.
        let relocations = usize::from(dos.e_lfarlc.get(LE));
        let short =
            (offset_of!(pe::ImageDosHeader, e_res)..size_of::<pe::ImageDosHeader>()).contains(&relocations);
        (short || dos.nt_headers_offset() == 0).then_some(SixteenBitKind::Dos)
    }
}

impl fmt::Display for SixteenBitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SixteenBitKind::Dos => "a DOS program",
            SixteenBitKind::NewExecutable => "a 16-bit Windows or OS/2 file (NE)",
            SixteenBitKind::LinearExecutable => "a VxD or OS/2 file (LE or LX)",
        })
    }
}
