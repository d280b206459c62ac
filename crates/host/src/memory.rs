//! Address space: ranges that the host maps for drivers. The only file that calls `mmap` and its relatives.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What may be done with a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Access {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) execute: bool,
}

impl Access {
    pub(crate) const READ: Access = Access { read: true, write: false, execute: false };
    pub(crate) const WRITE: Access = Access { read: true, write: true, execute: false };
    pub(crate) const EXECUTE: Access = Access { read: true, write: false, execute: true };

    const fn flags(self) -> i32 {
        let mut flags = libc::PROT_NONE;
        if self.read {
            flags |= libc::PROT_READ;
        }
        if self.write {
            flags |= libc::PROT_WRITE;
        }
        if self.execute {
            flags |= libc::PROT_EXEC;
        }
        flags
    }
}

/// An anonymous file in memory, so that the same pages can be mapped twice.
pub(crate) struct MemoryFile(OwnedFd);

impl MemoryFile {
    /// A file of `size` zero bytes.
    pub(crate) fn new(size: usize) -> io::Result<MemoryFile> {
        // SAFETY: the name is a terminated string.
        let fd = unsafe { libc::memfd_create(c"driver-code".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above has just made this descriptor, and nobody else knows it.
        let file = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: the descriptor is open.
        if unsafe { libc::ftruncate(file.as_raw_fd(), size as libc::off_t) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(MemoryFile(file))
    }
}

/// A range of address space that is ours until it is unmapped by name. Offsets are in bytes and panic outside of it.
pub(crate) struct Area {
    start: usize,
    size: usize,
}

impl Area {
    /// Takes `size` inaccessible bytes at exactly `start`.
    pub(crate) fn reserve(start: u64, size: usize) -> io::Result<Area> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: a new mapping that replaces none.
        let at = unsafe { libc::mmap(start as *mut libc::c_void, size, libc::PROT_NONE, flags, -1, 0) };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let area = Area { start: at as usize, size };
        // Kernels that do not know the flag take the address as a hint.
        if area.start as u64 != start { Err(io::ErrorKind::AddrInUse.into()) } else { Ok(area) }
    }

    /// Maps all `size` bytes of `file` for writing, wherever there is room.
    pub(crate) fn of_file(file: &MemoryFile, size: usize) -> io::Result<Area> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the system's choice.
        let at = unsafe {
            libc::mmap(std::ptr::null_mut(), size, protection, libc::MAP_SHARED, file.0.as_raw_fd(), 0)
        };
        if at == libc::MAP_FAILED {
            Err(io::Error::last_os_error())
        } else {
            Ok(Area { start: at as usize, size })
        }
    }

    /// Gives a range back that [`Area::range`] named; nothing if it is empty.
    pub(crate) fn unmap(start: usize, size: usize) {
        if size != 0 {
            // SAFETY: the range was an area of ours, and whoever used it is gone.
            unsafe { libc::munmap(start as *mut libc::c_void, size) };
        }
    }

    /// Start and size, by which it can be unmapped.
    pub(crate) const fn range(&self) -> (usize, usize) {
        (self.start, self.size)
    }

    /// Where it begins.
    pub(crate) const fn start(&self) -> u64 {
        self.start as u64
    }

    /// Puts zeroed memory of this process into a part.
    pub(crate) fn map_memory(&self, offset: usize, size: usize, access: Access) -> io::Result<()> {
        self.map(offset, size, access, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
    }

    /// Puts the bytes of `file` from `file_offset` on into a part.
    pub(crate) fn map_file(
        &self,
        offset: usize,
        size: usize,
        access: Access,
        file: &MemoryFile,
        file_offset: usize,
    ) -> io::Result<()> {
        self.map(offset, size, access, libc::MAP_SHARED, file.0.as_raw_fd(), file_offset)
    }

    fn map(
        &self,
        offset: usize,
        size: usize,
        access: Access,
        flags: i32,
        fd: i32,
        at: usize,
    ) -> io::Result<()> {
        let start = self.address(offset, size) as *mut libc::c_void;
        let flags = flags | libc::MAP_FIXED;
        // SAFETY: the range lies in this area, which is ours and of which nobody holds a reference.
        let mapped = unsafe { libc::mmap(start, size, access.flags(), flags, fd, at as libc::off_t) };
        if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Changes what may be done with a part.
    pub(crate) fn protect(&self, offset: usize, size: usize, access: Access) -> io::Result<()> {
        let start = self.address(offset, size) as *mut libc::c_void;
        // SAFETY: the range lies in this area, which is ours and of which nobody holds a reference.
        let result = unsafe { libc::mprotect(start, size, access.flags()) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Writes to a part that is mapped for writing.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        let target = self.address(offset, bytes.len()) as *mut u8;
        // SAFETY: the target lies in this area; the caller has mapped it for writing; the source is a slice of ours.
        unsafe { std::ptr::copy(bytes.as_ptr(), target, bytes.len()) }
    }

    /// Reads from a part that is mapped for reading.
    pub(crate) fn read<const N: usize>(&self, offset: usize) -> [u8; N] {
        let source = self.address(offset, N) as *const [u8; N];
        // SAFETY: the source lies in this area, the caller has mapped it, and an array of bytes has no alignment.
        unsafe { source.read_volatile() }
    }

    fn address(&self, offset: usize, size: usize) -> usize {
        let end = offset.checked_add(size).expect("an offset in an area");
        assert!(end <= self.size, "{offset:#x}..{end:#x} is outside of {:#x} bytes", self.size);
        self.start + offset
    }
}
