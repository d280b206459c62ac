//! Lays an image out as it will be in memory.

use std::fmt;

use crate::{Image, PAGE_SIZE};

/// Why an image cannot be laid out for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// The image's relocations were stripped, so it runs at its own base only; see
    /// [`Image::is_relocatable`].
    FixedBase {
        /// The image's own base.
        image_base: u64,
        /// The base that was asked for.
        base: u64,
    },
    /// The base is not the start of a page, or the image would reach beyond the end of the address space.
    BadBase {
        /// The base that was asked for.
        base: u64,
    },
}

impl std::error::Error for LayoutError {}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutError::FixedBase { image_base, base } => write!(
                f,
                "the driver runs at {image_base:#x} only, not at {base:#x}: it was linked without relocations \
                 (IMAGE_FILE_RELOCS_STRIPPED)"
            ),
            LayoutError::BadBase { base } => write!(f, "an image cannot be laid out at {base:#x}"),
        }
    }
}

impl Image {
    /// The image's memory, [`Image::image_size`] bytes, as it is at `base` before imports are bound: headers
    /// and sections in their places, relocations applied.
    ///
    /// # Errors
    /// [`LayoutError`] if the image cannot be at `base`.
    pub fn mapped(&self, base: u64) -> Result<Vec<u8>, LayoutError> {
        let room = base.checked_add(u64::from(self.image_size()));
        if room.is_none() || !base.is_multiple_of(u64::from(PAGE_SIZE)) {
            return Err(LayoutError::BadBase { base });
        }
        if base != self.image_base() && !self.is_relocatable() {
            return Err(LayoutError::FixedBase { image_base: self.image_base(), base });
        }
        let mut memory = vec![0; self.image_size() as usize];
        copy(&mut memory, 0, self.file.0.get(..self.headers_size() as usize).unwrap_or_default());
        for section in self.sections() {
            copy(&mut memory, section.rva, self.section_contents(section));
        }
        let moved = base.wrapping_sub(self.image_base());
        for rva in self.relocations() {
            let start = *rva as usize;
            if let Some(address) = memory.get_mut(start..).and_then(|tail| tail.first_chunk_mut::<8>()) {
                *address = u64::from_le_bytes(*address).wrapping_add(moved).to_le_bytes();
            }
        }
        Ok(memory)
    }
}

/// Copies `contents` to `rva`. Both were validated, so all of it fits.
fn copy(memory: &mut [u8], rva: u32, contents: &[u8]) {
    let start = rva as usize;
    if let Some(place) = memory.get_mut(start..start + contents.len()) {
        place.copy_from_slice(contents);
    }
}
