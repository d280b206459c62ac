//! Names for places in a driver: function, file and line, from the DWARF that MinGW and clang leave in the image.
//!
//! For reports, after an execution: it reads the file's bytes and nothing of a loaded driver.

use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use pe::Image;
use std::fmt;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// Why a driver's debug information cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum SymbolsError {
    /// The image has none that is read here ([`Image::has_dwarf`]).
    NoDwarf,
    /// It is damaged.
    Damaged(addr2line::gimli::Error),
}

impl fmt::Display for SymbolsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SymbolsError::NoDwarf => f.write_str("the driver carries no DWARF debug information"),
            SymbolsError::Damaged(error) => write!(f, "the driver's debug information is damaged: {error}"),
        }
    }
}

impl std::error::Error for SymbolsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SymbolsError::NoDwarf => None,
            SymbolsError::Damaged(error) => Some(error),
        }
    }
}

/// A place in a driver's source.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Location {
    /// The function, if known.
    pub function: Option<String>,
    /// The file as the compiler was given it, if known.
    pub file: Option<String>,
    /// The line, if known.
    pub line: Option<u32>,
}

/// A driver's debug information, in the image's own bytes.
pub struct Symbols<'a> {
    context: addr2line::Context<Slice<'a>>,
    image_base: u64,
}

impl fmt::Debug for Symbols<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Symbols").finish_non_exhaustive()
    }
}

impl<'a> Symbols<'a> {
    /// Reads the debug information of a driver.
    ///
    /// # Errors
    /// See [`SymbolsError`].
    pub fn new(image: &'a Image) -> Result<Symbols<'a>, SymbolsError> {
        if !image.has_dwarf() {
            return Err(SymbolsError::NoDwarf);
        }
        let section = |id: SectionId| {
            let section = image.sections().iter().find(|section| section.name == id.name());
            // What lies behind the section's own size is padding of the file.
            let bytes = section.map_or(&[][..], |section| {
                let contents = image.section_contents(section);
                contents.get(..section.virtual_size as usize).unwrap_or(contents)
            });
            Ok::<_, addr2line::gimli::Error>(Slice::new(bytes, LittleEndian))
        };
        let dwarf = Dwarf::load(section).map_err(SymbolsError::Damaged)?;
        let context = addr2line::Context::from_dwarf(dwarf).map_err(SymbolsError::Damaged)?;
        Ok(Symbols { context, image_base: image.image_base() })
    }

    /// The source of the code at `rva`, an offset into the image: the innermost of inlined functions first. Empty if
    /// nothing is known of it. For a return address, ask for the byte before it.
    pub fn locate(&self, rva: u32) -> Vec<Location> {
        let address = self.image_base + u64::from(rva);
        let Ok(mut frames) = self.context.find_frames(address).skip_all_loads() else { return Vec::new() };
        let mut locations = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            let function =
                frame.function.and_then(|function| function.raw_name().ok().map(|name| name.into_owned()));
            let (file, line) = frame.location.map_or((None, None), |place| (place.file, place.line));
            locations.push(Location { function, file: file.map(str::to_owned), line });
        }
        locations
    }
}
