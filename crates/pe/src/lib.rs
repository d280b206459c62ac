//! Turns the bytes of an x64 kernel-mode driver (`.sys`, PE32+) into a validated [`Image`].
//!
//! This crate trusts nothing: it contains no unsafe code, and [`Image::parse`] is total. Any bytes give an
//! [`Image`] or a [`ParseError`], in time and memory bounded by the limits below. Whoever maps the image
//! later (crate `host`, in another process) may rely on every number that an [`Image`] hands out: section
//! ranges lie inside the image and do not overlap, relocations and import slots lie inside sections, the
//! entry point is code.
//!
//! Tables are read by RVA from what *will be mapped*, as a loader does, and not from where a section header
//! says that they are in the file. What a loader never looks at (debug data) cannot make a driver unusable.
//!
//! The format is Microsoft's page
//! [PE Format](https://learn.microsoft.com/windows/win32/debug/pe-format); the names of its fields are used
//! here. Structure definitions and their byte order come from crate `object`.
//!
//! Read first: [`Image::parse`] below, which lists the steps in order. Then `headers` (geometry), `view`
//! (how an RVA is read), and one file per table.

#![forbid(unsafe_code)]

mod debug;
mod error;
mod exports;
mod functions;
mod headers;
mod imports;
mod layout;
mod load_config;
mod relocations;
mod sniff;
mod view;

pub use debug::{CodeView, DebugInfo, Guid};
pub use error::{Counted, Directory, ParseError, Part};
pub use exports::{Export, ExportTarget};
pub use functions::Function;
pub use headers::{Machine, Section, Subsystem};
pub use imports::{Import, Symbol};
pub use layout::LayoutError;
pub use load_config::LoadConfig;
pub use sniff::{FileKind, SixteenBitKind};

use std::fmt;

use headers::Headers;
use view::View;

/// The unit in which an image is mapped and protected, in bytes.
pub const PAGE_SIZE: u32 = 4096;
/// The largest file that [`Image::parse`] looks at, in bytes.
pub const MAX_FILE_SIZE: u64 = 256 << 20;
/// The largest `SizeOfImage` that is accepted, in bytes.
pub const MAX_IMAGE_SIZE: u32 = 256 << 20;
/// The most sections an image may have: the limit of Windows' own loader.
pub const MAX_SECTIONS: u32 = 96;
/// The most libraries an image may import from.
pub const MAX_LIBRARIES: u32 = 1024;
/// The most symbols an image may import, over all libraries.
pub const MAX_IMPORTS: u32 = 16 << 10;
/// The most addresses and the most names an export directory may hold.
pub const MAX_EXPORTS: u32 = 16 << 10;
/// The most base relocations an image may have.
pub const MAX_RELOCATIONS: u32 = 1 << 20;
/// The most entries the function table (`.pdata`) may have.
pub const MAX_FUNCTIONS: u32 = 1 << 20;
/// The longest name of a library, symbol or forwarder, in bytes.
pub const MAX_NAME: usize = 2048;

/// A driver that has been read and found usable. It owns what it needs of the file, so it outlives the bytes
/// that it was parsed from. All positions are RVAs (bytes from the image base) unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    file: File,
    headers: Headers,
    relocations: Vec<u32>,
    imports: Vec<Import>,
    exports: Vec<Export>,
    functions: Vec<Function>,
    load_config: Option<LoadConfig>,
    debug: DebugInfo,
}

impl Image {
    /// Reads and validates a driver.
    ///
    /// `bytes` is the whole file. They are copied, so the result does not borrow them.
    ///
    /// # Errors
    /// The first thing that stops the file from being an x64 kernel-mode driver, as one line for the driver's
    /// author; see [`ParseError`].
    pub fn parse(bytes: &[u8]) -> Result<Image, ParseError> {
        let headers = Headers::parse(bytes)?;
        let view = View::new(bytes, &headers);
        // First, because an ARM64EC image calls itself an x64 one everywhere else.
        let load_config = load_config::parse(&view, &headers)?;
        let relocations = relocations::parse(&view, &headers)?;
        let imports = imports::parse(&view, &headers)?;
        let exports = exports::parse(&view, &headers)?;
        let functions = functions::parse(&view, &headers)?;
        let debug = debug::parse(&view, &headers, bytes);
        Ok(Image {
            file: File(bytes.into()),
            headers,
            relocations,
            imports,
            exports,
            functions,
            load_config,
            debug,
        })
    }

    /// The address the driver was linked for (`ImageBase`), a multiple of 64 KiB. `image_base + image_size`
    /// does not overflow.
    pub fn image_base(&self) -> u64 {
        self.headers.image_base
    }

    /// The bytes of address space the image takes (`SizeOfImage`), rounded up to whole pages; at least one
    /// page, at most [`MAX_IMAGE_SIZE`].
    pub fn image_size(&self) -> u32 {
        self.headers.image_size
    }

    /// `AddressOfEntryPoint`, the RVA of what is called as `DriverEntry`. Always in an executable section.
    pub fn entry_point(&self) -> u32 {
        self.headers.entry_point
    }

    /// The bytes at the start of the image that hold the headers (`SizeOfHeaders`). No section begins before.
    pub fn headers_size(&self) -> u32 {
        self.headers.headers_size
    }

    /// `TimeDateStamp`: seconds since 1970 as of linking, or a hash of the content in a reproducible build.
    pub fn timestamp(&self) -> u32 {
        self.headers.timestamp
    }

    /// `CheckSum` as the file states it; zero when the linker set none. It is not verified.
    pub fn checksum(&self) -> u32 {
        self.headers.checksum
    }

    /// The subsystem, which is [`Subsystem::NATIVE`] in every image that parses.
    pub fn subsystem(&self) -> Subsystem {
        self.headers.subsystem
    }

    /// `DllCharacteristics` as they stand in the file (`IMAGE_DLLCHARACTERISTICS_…`).
    pub fn dll_characteristics(&self) -> u16 {
        self.headers.dll_characteristics
    }

    /// Whether the file says that it is a DLL. MinGW's `-shared` says so of a driver too, so this tells
    /// nothing about whether it can be loaded.
    pub fn is_dll(&self) -> bool {
        self.headers.dll
    }

    /// Whether the image can be laid out at another base than its own. False when the linker stripped the
    /// relocations (`IMAGE_FILE_RELOCS_STRIPPED`). An image without any relocations may still be movable.
    pub fn is_relocatable(&self) -> bool {
        self.headers.relocatable
    }

    /// Whether the image has a TLS directory. Kernel-mode code has no thread-local storage, so one is odd.
    pub fn has_tls(&self) -> bool {
        self.headers.directory(Directory::Tls).is_some()
    }

    /// Whether the image has delay-loaded imports. They are not in [`Image::imports`].
    pub fn has_delay_imports(&self) -> bool {
        self.headers.directory(Directory::DelayImport).is_some()
    }

    /// Whether the image carries DWARF debug information (a `.debug_info` section).
    pub fn has_dwarf(&self) -> bool {
        self.headers.sections.iter().any(|section| section.name == ".debug_info")
    }

    /// The sections, by ascending RVA. They lie behind the headers and inside the image, do not overlap, and
    /// each begins at a page.
    pub fn sections(&self) -> &[Section] {
        &self.headers.sections
    }

    /// The contents of one of this image's sections as they are in the file; what the section has beyond them
    /// is zero. Empty for a section of another image whose contents lie outside this file.
    pub fn section_contents(&self, section: &Section) -> &[u8] {
        self.file.0.get(section.contents_in(&self.file.0)).unwrap_or_default()
    }

    /// The RVAs of the 64-bit addresses (`IMAGE_REL_BASED_DIR64`) that move with the image, in the file's
    /// order. Each has its eight bytes inside one section.
    pub fn relocations(&self) -> &[u32] {
        &self.relocations
    }

    /// The imported symbols, in the file's order.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// The exported symbols: one entry per name, then one per ordinal that has no name.
    pub fn exports(&self) -> &[Export] {
        &self.exports
    }

    /// The function table (`.pdata`), by ascending address and without overlap. Leaf functions are not in it.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// What the load configuration says, if the image has one.
    pub fn load_config(&self) -> Option<&LoadConfig> {
        self.load_config.as_ref()
    }

    /// Where the debug information is.
    pub fn debug(&self) -> &DebugInfo {
        &self.debug
    }

    /// The section that contains `rva`, if any.
    pub fn section_at(&self, rva: u32) -> Option<&Section> {
        let after = self.headers.sections.partition_point(|section| section.rva <= rva);
        self.headers.sections[..after].iter().rev().find(|section| section.contains(rva))
    }

    /// Whether `rva` lies in an executable section.
    pub fn contains_code(&self, rva: u32) -> bool {
        self.section_at(rva).is_some_and(|section| section.execute)
    }

    /// The entry of the function table that covers `rva`, if any.
    pub fn function_at(&self, rva: u32) -> Option<&Function> {
        let after = self.functions.partition_point(|function| function.begin <= rva);
        self.functions[..after].last().filter(|function| rva < function.end)
    }
}

/// The bytes of the file, which nobody wants to see when they print an [`Image`].
#[derive(Clone, PartialEq, Eq)]
struct File(Box<[u8]>);

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
