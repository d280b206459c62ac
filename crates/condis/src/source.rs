//! Drivers as the user names them: a path to a `.sys`, or `builtin:NAME`. Reading and parsing, no execution.

use pe::{Image, ParseError};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A driver as the command line names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DriverName {
    /// A file.
    Path(PathBuf),
    /// A driver that comes with condis.
    Builtin(String),
}

impl DriverName {
    /// Takes a word of the command line.
    pub fn new(word: &str) -> DriverName {
        match word.strip_prefix("builtin:") {
            Some(name) => DriverName::Builtin(name.to_owned()),
            None => DriverName::Path(PathBuf::from(word)),
        }
    }
}

impl fmt::Display for DriverName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DriverName::Path(path) => write!(f, "{}", path.display()),
            DriverName::Builtin(name) => write!(f, "builtin:{name}"),
        }
    }
}

/// The most characters of a driver's name in a trace.
pub(crate) const NAME_MAX: usize = 40;

/// A driver file, read and parsed.
#[derive(Clone, Debug)]
pub struct DriverFile {
    /// The path as the user wrote it.
    pub path: PathBuf,
    /// The driver.
    pub image: Arc<Image>,
    /// A digest of the file's bytes: another build has another one.
    pub digest: u64,
}

impl DriverFile {
    /// The file's name without its extension: what a trace calls the driver if nobody says otherwise.
    pub fn stem(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let clean = |c: char| if c.is_whitespace() || c.is_control() { '_' } else { c };
        // The column of a trace that names the driver is as wide as the longest name.
        let clean: String = stem.chars().map(clean).take(NAME_MAX).collect();
        if clean.is_empty() { "driver".to_owned() } else { clean }
    }

    /// The file's name.
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Why a driver file cannot be used.
#[derive(Debug)]
pub enum DriverFileError {
    /// There is no such file.
    Missing,
    /// The path is a directory.
    Directory,
    /// The path is a pipe, a device or a socket.
    NotAFile,
    /// The system does not let us read it.
    Unreadable(io::Error),
    /// The file is no x64 kernel-mode driver.
    Parse(ParseError),
}

impl fmt::Display for DriverFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DriverFileError::Missing => f.write_str("there is no such file"),
            DriverFileError::Directory => f.write_str("this is a directory"),
            DriverFileError::NotAFile => f.write_str("this is no regular file"),
            DriverFileError::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            DriverFileError::Parse(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for DriverFileError {}

impl DriverFileError {
    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            DriverFileError::Missing => Some("a driver is a path to a .sys file, or builtin:NAME"),
            DriverFileError::Directory => Some("name the .sys file in it"),
            DriverFileError::NotAFile => Some("copy it to a file first"),
            DriverFileError::Unreadable(_) => None,
            DriverFileError::Parse(_) => {
                Some("condis runs x64 kernel-mode drivers (PE32+, native subsystem)")
            }
        }
    }
}

/// Reads and parses a driver.
///
/// # Errors
/// See [`DriverFileError`].
pub fn read(path: &Path) -> Result<DriverFile, DriverFileError> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => DriverFileError::Missing,
        _ => DriverFileError::Unreadable(error),
    })?;
    if metadata.is_dir() {
        return Err(DriverFileError::Directory);
    }
    if !metadata.is_file() {
        return Err(DriverFileError::NotAFile);
    }
    if metadata.len() > pe::MAX_FILE_SIZE {
        return Err(DriverFileError::Parse(ParseError::FileTooLarge { size: metadata.len() }));
    }
    let file = File::open(path).map_err(DriverFileError::Unreadable)?;
    let mut bytes = Vec::new();
    // The size may have changed since it was asked for; one byte more than the limit is enough to tell.
    file.take(pe::MAX_FILE_SIZE + 1).read_to_end(&mut bytes).map_err(DriverFileError::Unreadable)?;
    let image = Image::parse(&bytes).map_err(DriverFileError::Parse)?;
    Ok(DriverFile { path: path.to_owned(), image: Arc::new(image), digest: crate::digest::of(&bytes) })
}
