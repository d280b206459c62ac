//! Reads by RVA what will be mapped, without mapping it.

use object::pod::{Pod, from_bytes};

use crate::MAX_NAME;
use crate::error::{Directory, ParseError};
use crate::headers::{Headers, Section};

/// The largest structure that [`View::read`] reads, in bytes.
const MAX_STRUCTURE: usize = 64;

/// The image as memory: the headers at its start, then the sections' contents followed by zeros.
pub(crate) struct View<'a> {
    headers: &'a [u8],
    file: &'a [u8],
    sections: &'a [Section],
}

impl<'a> View<'a> {
    pub(crate) fn new(file: &'a [u8], headers: &'a Headers) -> View<'a> {
        let headers_size = (headers.headers_size as usize).min(file.len());
        View { headers: &file[..headers_size], file, sections: &headers.sections }
    }

    /// The contents from `rva` to the end of what the file has there, and how many zero bytes follow; `None`
    /// outside headers and sections.
    fn from(&self, rva: u32) -> Option<(&'a [u8], u32)> {
        if let Some(contents) = self.headers.get(rva as usize..)
            && !contents.is_empty()
        {
            return Some((contents, 0));
        }
        let after = self.sections.partition_point(|section| section.rva <= rva);
        // Empty sections may share their RVA with the next one and hold nothing.
        let section = self.sections[..after].iter().rev().find(|section| section.virtual_size != 0)?;
        let left = section.mapped_size().checked_sub(rva - section.rva).filter(|left| *left != 0)?;
        let contents = &self.file[section.contents_in(self.file)];
        let contents = contents.get((rva - section.rva) as usize..).unwrap_or_default();
        Some((contents, left.saturating_sub(contents.len() as u32)))
    }

    /// `size` bytes at `rva`, if the file has them all.
    pub(crate) fn bytes(&self, rva: u32, size: u32) -> Option<&'a [u8]> {
        self.from(rva)?.0.get(..size as usize)
    }

    /// The structure at `rva`; zeros behind a section's contents are read as such.
    pub(crate) fn read<T: Pod>(&self, rva: u32) -> Option<T> {
        let (contents, zeros) = self.from(rva)?;
        if let Ok((value, _)) = from_bytes::<T>(contents) {
            return Some(*value);
        }
        let mut buffer = [0; MAX_STRUCTURE];
        let missing = size_of::<T>().checked_sub(contents.len())?;
        if missing > zeros as usize {
            return None;
        }
        buffer.get_mut(..contents.len())?.copy_from_slice(contents);
        from_bytes::<T>(&buffer).ok().map(|(value, _)| *value)
    }

    /// The structure at `rva + offset`, for which `directory` is the reason.
    ///
    /// # Errors
    /// [`ParseError::DirectoryOutside`] if it is not there.
    pub(crate) fn require<T: Pod>(
        &self,
        directory: Directory,
        rva: u32,
        offset: u64,
    ) -> Result<T, ParseError> {
        u32::try_from(u64::from(rva) + offset)
            .ok()
            .and_then(|at| self.read(at))
            .ok_or(ParseError::DirectoryOutside { directory, rva, size: offset + size_of::<T>() as u64 })
    }

    /// The readable, zero-terminated name at `rva`, for which `directory` is the reason.
    ///
    /// # Errors
    /// [`ParseError::BadName`] if it is empty, too long, not printable ASCII, or not there.
    pub(crate) fn name(&self, directory: Directory, rva: u32) -> Result<&'a str, ParseError> {
        let bad = ParseError::BadName { directory, rva };
        let Some((contents, zeros)) = self.from(rva) else { return Err(bad) };
        let window = &contents[..contents.len().min(MAX_NAME + 1)];
        let length = match window.iter().position(|byte| *byte == 0) {
            Some(length) => length,
            None if window.len() <= MAX_NAME && zeros != 0 => window.len(),
            None => return Err(bad),
        };
        let name = &window[..length];
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad);
        }
        str::from_utf8(name).map_err(|_| bad)
    }

    /// Whether the `size` bytes at `rva` lie inside one section.
    pub(crate) fn in_section(&self, rva: u32, size: u32) -> bool {
        let after = self.sections.partition_point(|section| section.rva <= rva);
        self.sections[..after].iter().rev().find(|section| section.virtual_size != 0).is_some_and(|section| {
            let offset = rva - section.rva;
            section.virtual_size.checked_sub(offset).is_some_and(|left| left >= size)
        })
    }
}
