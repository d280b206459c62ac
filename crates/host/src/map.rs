//! Lays a driver out in memory as a kernel's loader does: sections with their protections, relocations, imports,
//! cookie and guard pointers.
//!
//! Each driver has a place of its own that depends on its index alone, so that executions repeat. Executable sections
//! lie in an anonymous file that is mapped twice, once to run and once to write, because code is rewritten in place
//! later ([`crate::trap`]) where nothing may be made executable any more. Behind the image there is room for the
//! rewritten instructions, within reach of a near jump.

use crate::memory::{Access, Area, MemoryFile};
use pe::{Image, Import, Section};
use std::fmt;
use std::io;
use std::sync::Mutex;

/// Where the driver with index 0 lies: the base that MinGW gives a driver, so that one driver alone keeps its addresses.
const FIRST_BASE: u64 = 0x1_4000_0000;
/// From one driver to the next; room for the largest image that [`pe`] accepts and its rewritten instructions.
const STRIDE: u64 = 0x2000_0000;
/// How many drivers there may be.
pub const MAX_DRIVERS: usize = 64;
/// Room for rewritten instructions, in bytes.
pub(crate) const TRAMPOLINE_SIZE: usize = 64 << 10;
/// The addresses that stand for unknown imports, a page each. They are addresses of a kernel, which this process can
/// neither read nor run, so that a call and a read both stop and name the symbol.
const UNKNOWN_BASE: u64 = 0xFFFF_B000_0000_0000;
/// From the unknown imports of one driver to those of the next.
const UNKNOWN_STRIDE: u64 = 1 << 32;
const PAGE: u64 = pe::PAGE_SIZE as u64;

/// Why a driver could not be laid out.
#[derive(Debug)]
#[non_exhaustive]
pub enum MapError {
    /// There are more than [`MAX_DRIVERS`] drivers.
    TooManyDrivers,
    /// The linker left out the relocations, and the driver's own base is not the one it has to have here.
    NotRelocatable {
        /// The base it was linked for.
        linked: u64,
        /// The base it would get.
        base: u64,
    },
    /// The system refused memory, or the place is taken by something else in this process.
    System {
        /// What for.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MapError::TooManyDrivers => write!(f, "more than {MAX_DRIVERS} drivers"),
            MapError::NotRelocatable { linked, base } => write!(
                f,
                "the driver has no relocations and is linked for {linked:#x}, but would be loaded at {base:#x}; link it \
                 without /FIXED (MinGW: with --dynamicbase)"
            ),
            MapError::System { what, error } => write!(f, "no memory for {what}: {error}"),
        }
    }
}

impl std::error::Error for MapError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MapError::System { error, .. } => Some(error),
            MapError::TooManyDrivers | MapError::NotRelocatable { .. } => None,
        }
    }
}

/// Which driver an address would belong to, and how far into its place it lies; the place may be empty.
pub(crate) fn place_of(address: u64) -> Option<(usize, u32)> {
    let offset = address.checked_sub(FIRST_BASE)?;
    let index = (offset / STRIDE) as usize;
    (index < MAX_DRIVERS).then_some((index, (offset % STRIDE) as u32))
}

/// Which unknown import of which driver an address stands for, and how far into its page it lies.
pub(crate) fn unknown_of(address: u64) -> Option<(usize, usize, u64)> {
    let offset = address.checked_sub(UNKNOWN_BASE)?;
    let index = (offset / UNKNOWN_STRIDE) as usize;
    let import = (offset % UNKNOWN_STRIDE / PAGE) as usize;
    (index < MAX_DRIVERS).then_some((index, import, offset % PAGE))
}

/// What the drivers of this process have mapped. The mappings themselves belong to executions, which may be abandoned
/// without a destructor, so this is kept outside of them.
static TAKEN: Mutex<[[(usize, usize); 2]; MAX_DRIVERS]> = Mutex::new([[(0, 0); 2]; MAX_DRIVERS]);

fn note_taken(index: usize, ranges: [(usize, usize); 2]) {
    TAKEN.lock().expect("nothing panics with the lock")[index] = ranges;
}

/// Unmaps what the last driver with this index had mapped.
fn reclaim(index: usize) {
    let ranges = std::mem::take(&mut TAKEN.lock().expect("nothing panics with the lock")[index]);
    for (start, size) in ranges {
        Area::unmap(start, size);
    }
}

/// A driver in memory. It stays there until another driver gets its index, since executions are abandoned rather than
/// dropped.
pub(crate) struct Mapping {
    image: Area,
    /// The executable sections and the room behind them once more, for writing; at the same offsets.
    writable_code: Area,
    image_size: u32,
    sections: Vec<Section>,
    unknown: Vec<Import>,
}

impl Mapping {
    /// Lays out `image` at the place of the driver with this index. `resolve` says where an import leads.
    pub(crate) fn new(
        image: &Image,
        index: usize,
        mut resolve: impl FnMut(&Import) -> Option<u64>,
    ) -> Result<Mapping, MapError> {
        if index >= MAX_DRIVERS {
            return Err(MapError::TooManyDrivers);
        }
        // Whoever had the place before may have been abandoned with its execution, without a destructor.
        reclaim(index);
        let base = FIRST_BASE + index as u64 * STRIDE;
        if base != image.image_base() && !image.is_relocatable() {
            return Err(MapError::NotRelocatable { linked: image.image_base(), base });
        }
        let system = |what| move |error| MapError::System { what, error };
        let image_size = image.image_size();
        let size = image_size as usize + TRAMPOLINE_SIZE;
        let area = Area::reserve(base, size).map_err(system("the driver's image"))?;
        let file = MemoryFile::new(size).map_err(system("the driver's code"))?;
        let code = Area::of_file(&file, size).map_err(system("the driver's code"))?;
        let mut mapping = Mapping {
            image: area,
            writable_code: code,
            image_size,
            sections: image.sections().iter().filter(|section| section.virtual_size != 0).cloned().collect(),
            unknown: Vec::new(),
        };
        note_taken(index, [mapping.image.range(), mapping.writable_code.range()]);
        mapping.fill(image).map_err(system("a section of the driver"))?;
        mapping.relocate(image);
        mapping.bind(image, index, &mut resolve);
        mapping.set_guards(image);
        mapping.protect(&file).map_err(system("a section of the driver"))?;
        Ok(mapping)
    }

    fn fill(&mut self, image: &Image) -> io::Result<()> {
        for section in &self.sections {
            let contents = image.section_contents(section);
            if section.execute {
                self.writable_code.write(section.rva as usize, contents);
            } else {
                self.image.map_memory(section.rva as usize, section.mapped_size() as usize, Access::WRITE)?;
                self.image.write(section.rva as usize, contents);
            }
        }
        Ok(())
    }

    fn relocate(&self, image: &Image) {
        let moved = self.base().wrapping_sub(image.image_base());
        for &rva in image.relocations() {
            self.put(rva, u64::from_le_bytes(self.get(rva)).wrapping_add(moved));
        }
    }

    fn bind(&mut self, image: &Image, index: usize, resolve: &mut impl FnMut(&Import) -> Option<u64>) {
        for import in image.imports() {
            let address = resolve(import).unwrap_or_else(|| {
                self.unknown.push(import.clone());
                UNKNOWN_BASE + index as u64 * UNKNOWN_STRIDE + (self.unknown.len() as u64 - 1) * PAGE
            });
            self.put(import.iat_rva, address);
        }
    }

    /// Sets the stack cookie and the targets of guarded calls. See Microsoft's page "PE Format", "The Load
    /// Configuration Structure".
    fn set_guards(&self, image: &Image) {
        let Some(config) = image.load_config() else { return };
        if let Some(rva) = config.security_cookie {
            let old = u64::from_le_bytes(self.get(rva));
            // Not the compiler's default value, or the driver's entry stub refuses it; two bytes are zero as on
            // Windows; the same in every run.
            let cookie = 0x0000_5eed_c0de_0001 ^ self.base();
            self.put(rva, cookie);
            let complement = rva + 8;
            if self.section_at(complement).is_some_and(|section| complement + 8 <= section.end())
                && u64::from_le_bytes(self.get(complement)) == !old
            {
                self.put(complement, !cookie);
            }
        }
        if let Some(rva) = config.guard_cf_check_function_pointer {
            self.put(rva, crate::call::guard_check as *const () as u64);
        }
        if let Some(rva) = config.guard_cf_dispatch_function_pointer {
            self.put(rva, crate::call::guard_dispatch as *const () as u64);
        }
    }

    fn protect(&self, file: &MemoryFile) -> io::Result<()> {
        for section in &self.sections {
            let (start, size) = (section.rva as usize, section.mapped_size() as usize);
            let access = Access { read: section.read, write: section.write, execute: section.execute };
            if section.execute {
                self.image.map_file(start, size, access, file, start)?;
            } else {
                self.image.protect(start, size, access)?;
            }
        }
        let headers = (self.sections.first().map_or(self.image_size, |section| section.rva) as usize)
            .min(pe::PAGE_SIZE as usize);
        if headers != 0 {
            self.image.map_memory(0, headers, Access::READ)?;
        }
        let behind = self.image_size as usize;
        self.image.map_file(behind, TRAMPOLINE_SIZE, Access::EXECUTE, file, behind)
    }

    /// Writes eight bytes before the sections get their protections.
    fn put(&self, rva: u32, value: u64) {
        let area = if self.is_code(rva) { &self.writable_code } else { &self.image };
        area.write(rva as usize, &value.to_le_bytes());
    }

    fn get(&self, rva: u32) -> [u8; 8] {
        let area = if self.is_code(rva) { &self.writable_code } else { &self.image };
        area.read(rva as usize)
    }

    /// Where it begins.
    pub(crate) const fn base(&self) -> u64 {
        self.image.start()
    }

    /// The size of the image, without the room for rewritten instructions behind it.
    pub(crate) const fn image_size(&self) -> u32 {
        self.image_size
    }

    /// The section with `rva`.
    pub(crate) fn section_at(&self, rva: u32) -> Option<&Section> {
        self.sections.iter().find(|section| section.contains(rva))
    }

    /// Whether `rva` lies in an executable section.
    pub(crate) fn is_code(&self, rva: u32) -> bool {
        self.section_at(rva).is_some_and(|section| section.execute)
    }

    /// Whether `offset` is one of the rewritten instructions' bytes.
    pub(crate) const fn is_rewritten(&self, offset: u32) -> bool {
        offset >= self.image_size && offset < self.image_size + TRAMPOLINE_SIZE as u32
    }

    /// The library and symbol of an unknown import.
    pub(crate) fn unknown(&self, import: usize) -> Option<&Import> {
        self.unknown.get(import)
    }

    /// The ranges that the driver may write: address and size.
    pub(crate) fn writable(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        let sections = self.sections.iter().filter(|section| section.write);
        sections.map(|section| (self.base() + u64::from(section.rva), section.mapped_size() as usize))
    }

    /// Up to fifteen bytes of code at `offset`, which may be among the rewritten ones; fewer at the end of a section.
    pub(crate) fn code_at(&self, offset: u32) -> Option<([u8; 15], usize)> {
        let end = match self.section_at(offset) {
            Some(section) if section.execute => section.rva + section.mapped_size(),
            Some(_) => return None,
            None if self.is_rewritten(offset) => self.image_size + TRAMPOLINE_SIZE as u32,
            None => return None,
        };
        let size = ((end - offset) as usize).min(15);
        let mut bytes = [0; 15];
        for (at, byte) in bytes[..size].iter_mut().enumerate() {
            [*byte] = self.writable_code.read(offset as usize + at);
        }
        Some((bytes, size))
    }

    /// Replaces code.
    pub(crate) fn write_code(&self, offset: u32, bytes: &[u8]) {
        self.writable_code.write(offset as usize, bytes);
    }
}
