//! The headers and the geometry they promise: what is mapped where. Everything else relies on this file.

use std::fmt;
use std::ops::Range;

use object::LittleEndian as LE;
use object::pe;
use object::read::ReadRef;
use object::read::StringTable;
use object::read::coff::{CoffHeader, SectionTable};
use object::read::pe::{DataDirectories, ImageNtHeaders};

use crate::error::{Counted, Directory, ParseError, Part};
use crate::sniff::{FileKind, SixteenBitKind};
use crate::{MAX_FILE_SIZE, MAX_IMAGE_SIZE, MAX_SECTIONS, PAGE_SIZE};

/// `ImageBase` is a multiple of this, in bytes.
const IMAGE_BASE_ALIGNMENT: u64 = 64 << 10;
/// Where the data directories begin in the optional header of PE32+, in bytes.
const DIRECTORIES_OFFSET: u64 = size_of::<pe::ImageOptionalHeader64>() as u64;
/// The longest section name that is kept, in bytes. Longer ones are cut.
const MAX_SECTION_NAME: usize = 64;

/// The processor a PE file is for: `Machine` of the file header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine(pub u16);

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match pe::Machine(self.0) {
            pe::IMAGE_FILE_MACHINE_I386 => "32-bit x86 (machine i386)",
            pe::IMAGE_FILE_MACHINE_AMD64 => "x64",
            pe::IMAGE_FILE_MACHINE_ARM64 => "ARM64",
            pe::IMAGE_FILE_MACHINE_ARM64EC => "ARM64EC",
            pe::IMAGE_FILE_MACHINE_ARM64X => "ARM64X",
            pe::IMAGE_FILE_MACHINE_ARM | pe::IMAGE_FILE_MACHINE_THUMB | pe::IMAGE_FILE_MACHINE_ARMNT => {
                "32-bit ARM"
            }
            pe::IMAGE_FILE_MACHINE_IA64 => "Itanium",
            pe::IMAGE_FILE_MACHINE_EBC => "EFI byte code",
            pe::IMAGE_FILE_MACHINE_RISCV32 | pe::IMAGE_FILE_MACHINE_RISCV64 => "RISC-V",
            pe::Machine(other) => return write!(f, "an unknown machine ({other:#06x})"),
        })
    }
}

/// What a PE file runs under: `Subsystem` of the optional header. Kernel-mode drivers have
/// [`Subsystem::NATIVE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subsystem(pub u16);

impl Subsystem {
    /// `IMAGE_SUBSYSTEM_NATIVE`: device drivers and native system processes.
    pub const NATIVE: Subsystem = Subsystem(pe::IMAGE_SUBSYSTEM_NATIVE.0);
}

impl fmt::Display for Subsystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match pe::Subsystem(self.0) {
            pe::IMAGE_SUBSYSTEM_UNKNOWN => "UNKNOWN",
            pe::IMAGE_SUBSYSTEM_NATIVE => "NATIVE",
            pe::IMAGE_SUBSYSTEM_WINDOWS_GUI => "WINDOWS_GUI",
            pe::IMAGE_SUBSYSTEM_WINDOWS_CUI => "WINDOWS_CUI",
            pe::IMAGE_SUBSYSTEM_OS2_CUI => "OS2_CUI",
            pe::IMAGE_SUBSYSTEM_POSIX_CUI => "POSIX_CUI",
            pe::IMAGE_SUBSYSTEM_NATIVE_WINDOWS => "NATIVE_WINDOWS",
            pe::IMAGE_SUBSYSTEM_WINDOWS_CE_GUI => "WINDOWS_CE_GUI",
            pe::IMAGE_SUBSYSTEM_EFI_APPLICATION => "EFI_APPLICATION",
            pe::IMAGE_SUBSYSTEM_EFI_BOOT_SERVICE_DRIVER => "EFI_BOOT_SERVICE_DRIVER",
            pe::IMAGE_SUBSYSTEM_EFI_RUNTIME_DRIVER => "EFI_RUNTIME_DRIVER",
            pe::IMAGE_SUBSYSTEM_EFI_ROM => "EFI_ROM",
            pe::IMAGE_SUBSYSTEM_XBOX => "XBOX",
            pe::IMAGE_SUBSYSTEM_WINDOWS_BOOT_APPLICATION => "WINDOWS_BOOT_APPLICATION",
            pe::Subsystem(other) => return write!(f, "{other} (unknown)"),
        })
    }
}

/// A section: a range of pages with one protection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name. MinGW's long names are resolved; bytes that are not printable are escaped.
    pub name: String,
    /// Where it begins; a multiple of the page size.
    pub rva: u32,
    /// Its size in memory, in bytes and not rounded. It may be zero.
    pub virtual_size: u32,
    /// The range of the file, in bytes from its start, that is copied to [`Section::rva`]. What the section
    /// has beyond it is zero. Never longer than [`Section::mapped_size`].
    pub contents: Range<u32>,
    /// `IMAGE_SCN_MEM_READ`.
    pub read: bool,
    /// `IMAGE_SCN_MEM_WRITE`.
    pub write: bool,
    /// `IMAGE_SCN_MEM_EXECUTE`.
    pub execute: bool,
    /// `IMAGE_SCN_MEM_DISCARDABLE`: the memory is given back after `DriverEntry`.
    pub discardable: bool,
    /// `IMAGE_SCN_MEM_NOT_PAGED`: the memory may be touched at DISPATCH_LEVEL.
    pub not_paged: bool,
}

impl Section {
    /// The RVA behind its last byte.
    pub fn end(&self) -> u32 {
        self.rva.saturating_add(self.virtual_size)
    }

    /// Its size in whole pages, in bytes: what is mapped.
    pub fn mapped_size(&self) -> u32 {
        self.virtual_size.checked_next_multiple_of(PAGE_SIZE).unwrap_or(u32::MAX)
    }

    /// Whether `rva` is one of its bytes.
    pub fn contains(&self, rva: u32) -> bool {
        (self.rva..self.end()).contains(&rva)
    }

    /// [`Section::contents`] as an index into `file`; empty if it does not fit.
    pub(crate) fn contents_in(&self, file: &[u8]) -> Range<usize> {
        let range = self.contents.start as usize..self.contents.end as usize;
        if range.end <= file.len() { range } else { 0..0 }
    }
}

/// The validated headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Headers {
    pub(crate) image_base: u64,
    pub(crate) image_size: u32,
    pub(crate) headers_size: u32,
    pub(crate) entry_point: u32,
    pub(crate) timestamp: u32,
    pub(crate) checksum: u32,
    pub(crate) subsystem: Subsystem,
    pub(crate) dll_characteristics: u16,
    pub(crate) dll: bool,
    pub(crate) relocatable: bool,
    pub(crate) sections: Vec<Section>,
    directories: [(u32, u32); pe::IMAGE_NUMBEROF_DIRECTORY_ENTRIES],
}

impl Headers {
    /// Where a directory is and its size in bytes, as the file says; `None` when the image has none.
    pub(crate) fn directory(&self, directory: Directory) -> Option<(u32, u32)> {
        let (rva, size) = self.directories[directory_index(directory)];
        (rva != 0).then_some((rva, size))
    }

    /// Validates the headers of `file` and the geometry of its sections.
    pub(crate) fn parse(file: &[u8]) -> Result<Headers, ParseError> {
        let truncated = |part, ends_at| ParseError::Truncated { part, ends_at, file_size: file.len() as u64 };

        let nt_offset = find_nt_headers(file)?;
        let after_signature = u64::from(nt_offset) + 4;
        let file_header = file.read_at::<pe::ImageFileHeader>(after_signature).map_err(|()| {
            truncated(Part::PeHeader, after_signature + size_of::<pe::ImageFileHeader>() as u64)
        })?;
        check_machine(file, nt_offset, file_header)?;

        let optional_offset = after_signature + size_of::<pe::ImageFileHeader>() as u64;
        let optional_size = file_header.size_of_optional_header.get(LE);
        if u64::from(optional_size) < DIRECTORIES_OFFSET {
            return Err(ParseError::OptionalHeaderSize { size: optional_size, needed: DIRECTORIES_OFFSET });
        }
        let sections_offset = optional_offset + u64::from(optional_size);
        let optional_bytes = file
            .read_bytes_at(optional_offset, u64::from(optional_size))
            .map_err(|()| truncated(Part::OptionalHeader, sections_offset))?;
        let optional = optional_bytes.read_at::<pe::ImageOptionalHeader64>(0).map_err(|()| {
            ParseError::OptionalHeaderSize { size: optional_size, needed: DIRECTORIES_OFFSET }
        })?;
        let magic = optional.magic.get(LE);
        if magic != pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC {
            return Err(ParseError::OptionalHeaderMagic { magic });
        }
        let directory_count = optional.number_of_rva_and_sizes.get(LE);
        let directories =
            DataDirectories::parse(&optional_bytes[DIRECTORIES_OFFSET as usize..], directory_count).map_err(
                |_| ParseError::OptionalHeaderSize {
                    size: optional_size,
                    needed: DIRECTORIES_OFFSET + 8 * u64::from(directory_count),
                },
            )?;
        let directories = {
            let mut ranges = [(0, 0); pe::IMAGE_NUMBEROF_DIRECTORY_ENTRIES];
            ranges
                .iter_mut()
                .zip(directories.iter())
                .for_each(|(range, entry)| *range = entry.address_range());
            ranges
        };

        let characteristics = file_header.characteristics.get(LE);
        let subsystem = Subsystem(optional.subsystem.get(LE).0);
        if directories[directory_index(Directory::DotNet)].0 != 0 {
            return Err(ParseError::DotNet);
        }
        if !characteristics.contains(pe::IMAGE_FILE_EXECUTABLE_IMAGE) {
            return Err(ParseError::NotLinked);
        }
        if subsystem != Subsystem::NATIVE {
            return Err(ParseError::NotNative { subsystem });
        }

        let geometry = Geometry::parse(optional)?;
        let section_count = u32::from(file_header.number_of_sections.get(LE));
        if section_count > MAX_SECTIONS {
            return Err(ParseError::TooMany { counted: Counted::Sections, limit: MAX_SECTIONS });
        }
        let sections_end =
            sections_offset + u64::from(section_count) * size_of::<pe::ImageSectionHeader>() as u64;
        let table = SectionTable::parse(file_header, file, sections_offset)
            .map_err(|_| truncated(Part::SectionTable, sections_end))?;
        let headers_size = optional.size_of_headers.get(LE);
        if u64::from(headers_size) < sections_end || headers_size > geometry.image_size {
            return Err(ParseError::HeadersSize { size: headers_size, needed: sections_end });
        }
        if u64::from(headers_size) > file.len() as u64 {
            return Err(truncated(Part::Headers, u64::from(headers_size)));
        }
        let names = file_header.symbols(file).map(|symbols| symbols.strings()).unwrap_or_default();
        let mut sections = Vec::with_capacity(section_count as usize);
        let mut previous_end = headers_size;
        for header in table.iter() {
            let section = geometry.section(file, header, names, previous_end)?;
            previous_end = section.end();
            sections.push(section);
        }

        let entry_point = optional.address_of_entry_point.get(LE);
        if entry_point == 0 {
            return Err(ParseError::NoEntryPoint);
        }
        if !sections.iter().any(|section| section.execute && section.contains(entry_point)) {
            return Err(ParseError::EntryPointNotCode { rva: entry_point });
        }
        Ok(Headers {
            image_base: geometry.image_base,
            image_size: geometry.image_size,
            headers_size,
            entry_point,
            timestamp: file_header.time_date_stamp.get(LE),
            checksum: optional.check_sum.get(LE),
            subsystem,
            dll_characteristics: optional.dll_characteristics.get(LE).0,
            dll: characteristics.contains(pe::IMAGE_FILE_DLL),
            relocatable: !characteristics.contains(pe::IMAGE_FILE_RELOCS_STRIPPED),
            sections,
            directories,
        })
    }
}

/// The frame that all sections must fit into.
struct Geometry {
    image_base: u64,
    image_size: u32,
    section_alignment: u32,
}

impl Geometry {
    fn parse(optional: &pe::ImageOptionalHeader64) -> Result<Geometry, ParseError> {
        let alignment = optional.section_alignment.get(LE);
        if !alignment.is_power_of_two() || alignment < PAGE_SIZE {
            return Err(ParseError::SectionAlignment { alignment });
        }
        let size = optional.size_of_image.get(LE);
        if size == 0 || size > MAX_IMAGE_SIZE {
            return Err(ParseError::ImageSize { size });
        }
        // The limit is a multiple of the page size, so rounding up stays below it.
        let image_size = size.next_multiple_of(PAGE_SIZE);
        let base = optional.image_base.get(LE);
        if !base.is_multiple_of(IMAGE_BASE_ALIGNMENT) || base.checked_add(u64::from(image_size)).is_none() {
            return Err(ParseError::ImageBase { base });
        }
        Ok(Geometry { image_base: base, image_size, section_alignment: alignment })
    }

    /// Validates one section, which may not begin before `previous_end`.
    fn section<'data>(
        &self,
        file: &'data [u8],
        header: &'data pe::ImageSectionHeader,
        names: StringTable<'data>,
        previous_end: u32,
    ) -> Result<Section, ParseError> {
        let name = section_name(header, names);
        let rva = header.virtual_address.get(LE);
        let raw_size = header.size_of_raw_data.get(LE);
        let raw_start = header.pointer_to_raw_data.get(LE);
        // Old linkers leave VirtualSize zero and mean the size in the file.
        let virtual_size = match header.virtual_size.get(LE) {
            0 => raw_size,
            size => size,
        };
        if !rva.is_multiple_of(self.section_alignment) {
            return Err(ParseError::SectionUnaligned {
                section: name,
                rva,
                alignment: self.section_alignment,
            });
        }
        if rva < previous_end {
            return Err(ParseError::SectionOverlap { section: name, rva, previous_end });
        }
        let end = u64::from(rva) + u64::from(virtual_size);
        if end > u64::from(self.image_size) {
            return Err(ParseError::SectionOutsideImage { section: name, end, image_size: self.image_size });
        }
        let contents = if raw_start == 0 || raw_size == 0 {
            0..0
        } else {
            let raw_end = u64::from(raw_start) + u64::from(raw_size);
            if raw_end > file.len() as u64 {
                return Err(ParseError::Truncated {
                    part: Part::Section(name),
                    ends_at: raw_end,
                    file_size: file.len() as u64,
                });
            }
            // The size in the file is rounded, the one in memory is not: what is mapped is whole pages.
            raw_start..raw_start + raw_size.min(virtual_size.next_multiple_of(PAGE_SIZE))
        };
        let flags = header.characteristics.get(LE);
        Ok(Section {
            name,
            rva,
            virtual_size,
            contents,
            read: flags.contains(pe::IMAGE_SCN_MEM_READ),
            write: flags.contains(pe::IMAGE_SCN_MEM_WRITE),
            execute: flags.contains(pe::IMAGE_SCN_MEM_EXECUTE),
            discardable: flags.contains(pe::IMAGE_SCN_MEM_DISCARDABLE),
            not_paged: flags.contains(pe::IMAGE_SCN_MEM_NOT_PAGED),
        })
    }
}

/// The offset of the PE signature, which is there.
fn find_nt_headers(file: &[u8]) -> Result<u32, ParseError> {
    let file_size = file.len() as u64;
    if file.is_empty() {
        return Err(ParseError::Empty);
    }
    if file_size > MAX_FILE_SIZE {
        return Err(ParseError::FileTooLarge { size: file_size });
    }
    if !file.starts_with(b"MZ") {
        return Err(ParseError::NotPe {
            start: file[..file.len().min(4)].to_vec(),
            kind: FileKind::of(file),
        });
    }
    let dos = file.read_at::<pe::ImageDosHeader>(0).map_err(|()| ParseError::Truncated {
        part: Part::DosHeader,
        ends_at: size_of::<pe::ImageDosHeader>() as u64,
        file_size,
    })?;
    let offset = dos.nt_headers_offset();
    let Ok(signature) = file.read_at::<[u8; 4]>(u64::from(offset)) else {
        return Err(match SixteenBitKind::of(dos, None) {
            Some(kind) => ParseError::SixteenBit { kind },
            None => ParseError::Truncated {
                part: Part::PeHeader,
                ends_at: u64::from(offset) + 4 + size_of::<pe::ImageFileHeader>() as u64,
                file_size,
            },
        });
    };
    if signature == b"PE\0\0" {
        return Ok(offset);
    }
    Err(match SixteenBitKind::of(dos, Some(*signature)) {
        Some(kind) => ParseError::SixteenBit { kind },
        None => ParseError::NoPeSignature { offset, found: *signature },
    })
}

/// Refuses every machine but x64.
fn check_machine(file: &[u8], nt_offset: u32, header: &pe::ImageFileHeader) -> Result<(), ParseError> {
    let machine = header.machine.get(LE);
    if machine == pe::IMAGE_FILE_MACHINE_AMD64 {
        return Ok(());
    }
    // An assembly for any processor calls itself i386, which would name the smaller of two problems.
    let managed = pe::ImageNtHeaders32::parse(file, &mut u64::from(nt_offset))
        .is_ok_and(|(_, directories)| directories.get(directory_index(Directory::DotNet)).is_some());
    if managed {
        return Err(ParseError::DotNet);
    }
    Err(ParseError::WrongMachine { machine: Machine(machine.0) })
}

/// A section's name for people: long names are looked up, and nothing in it can upset a terminal.
fn section_name<'data>(header: &'data pe::ImageSectionHeader, names: StringTable<'data>) -> String {
    let name = header.name(names).unwrap_or(header.raw_name());
    name[..name.len().min(MAX_SECTION_NAME)].escape_ascii().to_string()
}

/// The index of a directory in the optional header.
fn directory_index(directory: Directory) -> usize {
    match directory {
        Directory::Export => pe::IMAGE_DIRECTORY_ENTRY_EXPORT,
        Directory::Import => pe::IMAGE_DIRECTORY_ENTRY_IMPORT,
        Directory::Exception => pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION,
        Directory::BaseRelocation => pe::IMAGE_DIRECTORY_ENTRY_BASERELOC,
        Directory::Debug => pe::IMAGE_DIRECTORY_ENTRY_DEBUG,
        Directory::Tls => pe::IMAGE_DIRECTORY_ENTRY_TLS,
        Directory::LoadConfig => pe::IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG,
        Directory::DelayImport => pe::IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT,
        Directory::DotNet => pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR,
    }
}
