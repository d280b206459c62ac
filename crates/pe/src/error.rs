//! What can be wrong with a driver file, one line each for the driver's author.

use std::fmt;

use crate::headers::{Machine, Subsystem};
use crate::sniff::{FileKind, SixteenBitKind};
use crate::{MAX_FILE_SIZE, MAX_IMAGE_SIZE, MAX_NAME, PAGE_SIZE};

/// Why a file is not a driver that can be run. The text of each is one line and needs no further context than
/// the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The file has no bytes: an interrupted build or copy.
    Empty,
    /// The file is larger than [`MAX_FILE_SIZE`]; it was not looked at.
    FileTooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// The file does not begin with `MZ`: the wrong file was named.
    NotPe {
        /// Its first bytes, at most four.
        start: Vec<u8>,
        /// What it looks like.
        kind: FileKind,
    },
    /// The file begins with `MZ` but predates Windows NT.
    SixteenBit {
        /// What it is.
        kind: SixteenBitKind,
    },
    /// The DOS header points at something that is no PE header: the file is damaged.
    NoPeSignature {
        /// The file offset where `PE\0\0` should be.
        offset: u32,
        /// What is there.
        found: [u8; 4],
    },
    /// The file ends before something that its headers promise: an interrupted copy.
    Truncated {
        /// What is cut off.
        part: Part,
        /// The file offset at which it would end.
        ends_at: u64,
        /// The bytes the file has.
        file_size: u64,
    },
    /// The file holds managed code: no driver can be written in it.
    DotNet,
    /// The driver is for another processor; build it for x64.
    WrongMachine {
        /// The processor it is for.
        machine: Machine,
    },
    /// The headers say x64 but the code is ARM64EC; build it as plain x64.
    Arm64Ec,
    /// The optional header is not the one of a 64-bit image (PE32+): the file is damaged.
    OptionalHeaderMagic {
        /// Its `Magic`; PE32+ has 0x20b.
        magic: u16,
    },
    /// The optional header is too small for its fixed part and its data directories: the file is damaged.
    OptionalHeaderSize {
        /// `SizeOfOptionalHeader`, in bytes.
        size: u16,
        /// The bytes that are needed.
        needed: u64,
    },
    /// The linker did not mark the file as runnable (`IMAGE_FILE_EXECUTABLE_IMAGE`): linking failed.
    NotLinked,
    /// The file is a program or library for user mode or firmware; link the driver with the native subsystem.
    NotNative {
        /// The subsystem it is for.
        subsystem: Subsystem,
    },
    /// Sections are packed closer than a page, or at a distance that is no power of two, so they cannot have
    /// their own protection; link without `/ALIGN`.
    SectionAlignment {
        /// `SectionAlignment`, in bytes.
        alignment: u32,
    },
    /// The preferred address is no multiple of 64 KiB, or leaves no room for the image.
    ImageBase {
        /// `ImageBase`.
        base: u64,
    },
    /// The image takes no address space at all, or more than [`MAX_IMAGE_SIZE`].
    ImageSize {
        /// `SizeOfImage`, in bytes.
        size: u32,
    },
    /// `SizeOfHeaders` does not cover the section table, or reaches out of the image.
    HeadersSize {
        /// `SizeOfHeaders`, in bytes.
        size: u32,
        /// Where the section table ends, in bytes from the start of the file.
        needed: u64,
    },
    /// A section does not begin at a multiple of `SectionAlignment`.
    SectionUnaligned {
        /// The section's name.
        section: String,
        /// Its RVA.
        rva: u32,
        /// `SectionAlignment`.
        alignment: u32,
    },
    /// A section begins before the one listed before it (or the headers) ends. Sections must be in ascending
    /// order.
    SectionOverlap {
        /// The section's name.
        section: String,
        /// Its RVA.
        rva: u32,
        /// The RVA at which the one before ends.
        previous_end: u32,
    },
    /// A section reaches beyond `SizeOfImage`.
    SectionOutsideImage {
        /// The section's name.
        section: String,
        /// The RVA at which it ends.
        end: u64,
        /// The image's size in bytes.
        image_size: u32,
    },
    /// There are more things of one kind than any driver has: the file is damaged, or hostile.
    TooMany {
        /// Of what.
        counted: Counted,
        /// The most that are accepted.
        limit: u32,
    },
    /// The image names no entry point; link with `/ENTRY:DriverEntry` (MinGW: `-Wl,-e,DriverEntry`).
    NoEntryPoint,
    /// The entry point lies in no executable section.
    EntryPointNotCode {
        /// Its RVA.
        rva: u32,
    },
    /// A table lies, at least in part, where the file has no contents for it.
    DirectoryOutside {
        /// Which table.
        directory: Directory,
        /// The RVA of what could not be read.
        rva: u32,
        /// The bytes that should be there.
        size: u64,
    },
    /// A block of base relocations has a size that is impossible: the file is damaged.
    RelocationBlock {
        /// The block's RVA.
        rva: u32,
        /// `SizeOfBlock`, in bytes.
        size: u32,
    },
    /// A base relocation has a type that x64 drivers do not use.
    RelocationType {
        /// What it would change.
        rva: u64,
        /// Its type, 0 to 15.
        kind: u8,
    },
    /// A base relocation changes an address outside all sections.
    RelocationOutside {
        /// What it would change.
        rva: u64,
    },
    /// The name of a library, an imported or exported symbol, or a forwarder is not a readable name of at
    /// most [`MAX_NAME`] bytes.
    BadName {
        /// The table that refers to it.
        directory: Directory,
        /// Its RVA.
        rva: u32,
    },
    /// An entry of an import lookup table is neither a name nor an ordinal.
    ImportLookup {
        /// The library that is imported from.
        library: String,
        /// The entry's RVA.
        rva: u32,
        /// Its value.
        value: u64,
    },
    /// An import's slot in the import address table lies outside all sections.
    ImportSlotOutside {
        /// The library that is imported from.
        library: String,
        /// The slot's RVA.
        rva: u64,
    },
    /// An export's name refers to an address that the export table does not have, or an ordinal exceeds
    /// 65535.
    ExportOrdinal {
        /// The ordinal.
        ordinal: u64,
    },
    /// An export's address lies outside the image.
    ExportOutside {
        /// Its ordinal.
        ordinal: u16,
        /// Its RVA.
        rva: u32,
    },
    /// The size of the function table (`.pdata`) is no multiple of an entry's 12 bytes.
    FunctionTableSize {
        /// The table's size in bytes.
        size: u32,
    },
    /// An entry of the function table (`.pdata`) is not a range inside a section with its unwind information,
    /// or does not come after the entry before it.
    BadFunction {
        /// The entry's number, from zero.
        index: u32,
        /// Where the function begins.
        begin: u32,
        /// Where it ends.
        end: u32,
        /// Where its unwind information is.
        unwind_info: u32,
    },
    /// A pointer in the load configuration leads outside the image's sections.
    LoadConfigPointer {
        /// The field's documented name.
        field: &'static str,
        /// The address it holds.
        address: u64,
    },
}

/// A part of a file that can be cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The DOS header, with which a PE file begins.
    DosHeader,
    /// The PE signature and the file header.
    PeHeader,
    /// The optional header and its data directories.
    OptionalHeader,
    /// The section headers.
    SectionTable,
    /// The part of the file that is mapped in front of the sections.
    Headers,
    /// The contents of the section of this name.
    Section(String),
}

/// Things of which there can be too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Sections.
    Sections,
    /// Libraries that are imported from.
    Libraries,
    /// Imported symbols.
    Imports,
    /// Exported addresses or names.
    Exports,
    /// Base relocations.
    Relocations,
    /// Entries of the function table.
    Functions,
}

/// A table that the optional header's data directories point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directory {
    /// Exported symbols (`IMAGE_DIRECTORY_ENTRY_EXPORT`).
    Export,
    /// Imported symbols (`IMAGE_DIRECTORY_ENTRY_IMPORT`).
    Import,
    /// The function table (`IMAGE_DIRECTORY_ENTRY_EXCEPTION`).
    Exception,
    /// Base relocations (`IMAGE_DIRECTORY_ENTRY_BASERELOC`).
    BaseRelocation,
    /// Debug information (`IMAGE_DIRECTORY_ENTRY_DEBUG`).
    Debug,
    /// Thread-local storage (`IMAGE_DIRECTORY_ENTRY_TLS`).
    Tls,
    /// The load configuration (`IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG`).
    LoadConfig,
    /// Delay-loaded imports (`IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT`).
    DelayImport,
    /// The .NET header (`IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR`).
    DotNet,
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseError::Empty => write!(f, "the file is empty"),
            ParseError::FileTooLarge { size } => {
                write!(f, "the file has {size} bytes; condis reads drivers of up to {MAX_FILE_SIZE} bytes")
            }
            ParseError::NotPe { start, kind } => {
                write!(f, "not a PE file (starts with")?;
                start.iter().try_for_each(|byte| write!(f, " {byte:02x}"))?;
                write!(f, ": {kind})")
            }
            ParseError::SixteenBit { kind } => {
                write!(f, "not a PE file: it is {kind}; condis runs x64 drivers")
            }
            ParseError::NoPeSignature { offset, found: [a, b, c, d] } => write!(
                f,
                "damaged: file offset {offset} should hold the PE signature 50 45 00 00, but holds \
                 {a:02x} {b:02x} {c:02x} {d:02x}"
            ),
            ParseError::Truncated { part, ends_at, file_size } => {
                write!(f, "truncated: {part} ends at file offset {ends_at}, the file has {file_size} bytes")
            }
            ParseError::DotNet => write!(f, "a .NET assembly; condis runs native kernel-mode drivers"),
            ParseError::WrongMachine { machine } => {
                write!(f, "built for {machine}; condis runs x64 drivers")
            }
            ParseError::Arm64Ec => {
                write!(
                    f,
                    "built for ARM64EC (its code is ARM64 although its headers say x64); condis runs x64 drivers"
                )
            }
            ParseError::OptionalHeaderMagic { magic } => {
                write!(
                    f,
                    "damaged: an x64 file whose optional header has magic {magic:#x}, expected 0x20b (PE32+)"
                )
            }
            ParseError::OptionalHeaderSize { size, needed } => {
                write!(f, "damaged: the optional header has {size} bytes, its contents need {needed}")
            }
            ParseError::NotLinked => {
                write!(
                    f,
                    "not runnable: the linker did not set IMAGE_FILE_EXECUTABLE_IMAGE, so linking failed"
                )
            }
            ParseError::NotNative { subsystem } => {
                write!(f, "not a kernel-mode driver: subsystem is {subsystem}, expected NATIVE")
            }
            ParseError::SectionAlignment { alignment } => write!(
                f,
                "section alignment is {alignment} bytes; condis needs a power of two of at least a page \
                 ({PAGE_SIZE}), the linker's default"
            ),
            ParseError::ImageBase { base } => {
                write!(f, "image base {base:#x} is no multiple of 0x10000 with room for the image behind it")
            }
            ParseError::ImageSize { size } => {
                write!(f, "the image takes {size} bytes of memory; condis accepts 1 to {MAX_IMAGE_SIZE}")
            }
            ParseError::HeadersSize { size, needed } => write!(
                f,
                "damaged: SizeOfHeaders is {size}, but the section table ends at {needed} and the headers must \
                 fit into the image"
            ),
            ParseError::SectionUnaligned { section, rva, alignment } => write!(
                f,
                "damaged: section {section} begins at RVA {rva:#x}, no multiple of the section alignment {alignment:#x}"
            ),
            ParseError::SectionOverlap { section, rva, previous_end } => write!(
                f,
                "damaged: section {section} begins at RVA {rva:#x}, before the end of what precedes it \
                 ({previous_end:#x})"
            ),
            ParseError::SectionOutsideImage { section, end, image_size } => write!(
                f,
                "damaged: section {section} ends at RVA {end:#x}, outside the image of {image_size:#x} bytes"
            ),
            ParseError::TooMany { counted, limit } => {
                write!(f, "more than {limit} {counted}; condis accepts no more")
            }
            ParseError::NoEntryPoint => {
                write!(
                    f,
                    "no entry point: link the driver with /ENTRY:DriverEntry (MinGW: -Wl,-e,DriverEntry)"
                )
            }
            ParseError::EntryPointNotCode { rva } => {
                write!(f, "the entry point (RVA {rva:#x}) is not in an executable section")
            }
            ParseError::DirectoryOutside { directory, rva, size } => write!(
                f,
                "damaged: {directory} refers to {size} bytes at RVA {rva:#x}, where the file has no contents"
            ),
            ParseError::RelocationBlock { rva, size } => {
                write!(f, "damaged: the relocation block at RVA {rva:#x} claims a size of {size} bytes")
            }
            ParseError::RelocationType { rva, kind } => {
                let name = relocation_name(*kind);
                write!(
                    f,
                    "the relocation of RVA {rva:#x} has type {name} ({kind}); x64 drivers use DIR64 (10)"
                )
            }
            ParseError::RelocationOutside { rva } => {
                write!(f, "damaged: a relocation changes RVA {rva:#x}, which lies in no section")
            }
            ParseError::BadName { directory, rva } => write!(
                f,
                "damaged: {directory} refers to a name at RVA {rva:#x}; what is there is not a readable name of 1 to \
                 {MAX_NAME} bytes"
            ),
            ParseError::ImportLookup { library, rva, value } => write!(
                f,
                "damaged: an import from {library} (lookup entry at RVA {rva:#x}) is {value:#x}, neither a name nor \
                 an ordinal"
            ),
            ParseError::ImportSlotOutside { library, rva } => write!(
                f,
                "damaged: an import from {library} has its address slot at RVA {rva:#x}, which lies in no section"
            ),
            ParseError::ExportOrdinal { ordinal } => {
                write!(f, "damaged: the export table refers to ordinal {ordinal}, which it does not have")
            }
            ParseError::ExportOutside { ordinal, rva } => {
                write!(f, "damaged: the export with ordinal {ordinal} is at RVA {rva:#x}, outside the image")
            }
            ParseError::FunctionTableSize { size } => {
                write!(f, "damaged: the function table (.pdata) has {size} bytes, no multiple of 12")
            }
            ParseError::BadFunction { index, begin, end, unwind_info } => write!(
                f,
                "damaged: entry {index} of the function table (.pdata), {begin:#x}..{end:#x} with unwind information \
                 at {unwind_info:#x}, is out of order or outside the sections"
            ),
            ParseError::LoadConfigPointer { field, address } => write!(
                f,
                "damaged: {field} in the load configuration is {address:#x}, which lies in no section of the image"
            ),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::DosHeader => f.write_str("the DOS header"),
            Part::PeHeader => f.write_str("the PE header"),
            Part::OptionalHeader => f.write_str("the optional header"),
            Part::SectionTable => f.write_str("the section table"),
            Part::Headers => f.write_str("the header part (SizeOfHeaders)"),
            Part::Section(name) => write!(f, "section {name}"),
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Counted::Sections => "sections",
            Counted::Libraries => "libraries to import from",
            Counted::Imports => "imported symbols",
            Counted::Exports => "exported symbols",
            Counted::Relocations => "base relocations",
            Counted::Functions => "entries in the function table (.pdata)",
        })
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Directory::Export => "the export table",
            Directory::Import => "the import table",
            Directory::Exception => "the function table (.pdata)",
            Directory::BaseRelocation => "the base relocation table",
            Directory::Debug => "the debug directory",
            Directory::Tls => "the TLS directory",
            Directory::LoadConfig => "the load configuration",
            Directory::DelayImport => "the delay-load import table",
            Directory::DotNet => "the .NET header",
        })
    }
}

/// The documented name of a base relocation's type, without its prefix.
fn relocation_name(kind: u8) -> &'static str {
    match kind {
        0 => "ABSOLUTE",
        1 => "HIGH",
        2 => "LOW",
        3 => "HIGHLOW",
        4 => "HIGHADJ",
        10 => "DIR64",
        _ => "unknown or of another machine",
    }
}
