//! `cargo xtask samples`: builds the sample drivers, and the header's layout assertions.
//!
//! A folder below `samples/good` or `samples/bad` that holds C files is one sample: all of them together make
//! `<folder>/<name of the folder>.sys`, which is committed. Each is built from the root of the workspace with relative
//! paths, so that the same tools give the same bytes wherever the workspace lies; `samples/TOOLCHAIN` names the tools.
//! [`layout`] makes `include/ndis/layout_check.h` and `layout_check5.h`, [`toolchain`] finds the tools.

mod layout;
mod toolchain;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use toolchain::Toolchain;

/// The largest driver that may be committed, in bytes.
const MAX_SIZE: u64 = 64 * 1024;

/// How a sample is compiled. Debug information is kept, for source lines in findings, but only function names and
/// lines. No C library, no start-up code, nothing that depends on the time or on where the workspace lies.
const FLAGS: &[&str] = &[
    "-std=gnu11",
    "-O2",
    "-g1",
    "-gno-record-gcc-switches",
    "-ffreestanding",
    "-fno-ident",
    "-fno-stack-protector",
    "-fno-strict-aliasing",
    "-mno-stack-arg-probe",
    "-Wall",
    "-Wextra",
    // Pool tags are written as character constants of four characters.
    "-Wno-multichar",
    // GCC takes the offset of a read through GS, as in KeGetCurrentThread, for an address.
    "-Wno-array-bounds",
    "-Iinclude",
    "-nostdlib",
    "-Wl,--subsystem,native",
    "-Wl,--entry,DriverEntry",
    "-Wl,--image-base,0x140000000",
    "-Wl,--no-insert-timestamp",
    // The debug information names static functions, too; the symbol table would be the larger of the two.
    "-Wl,--discard-all",
];

/// The import libraries of ndis.sys and ntoskrnl.exe, which come with the compiler. After the sources.
const LIBRARIES: &[&str] = &["-lndis", "-lntoskrnl"];

/// Why the samples could not be built, or are not what the committed ones are.
#[derive(Debug)]
pub(crate) enum SamplesError {
    /// A file or folder could not be read or written.
    File { path: PathBuf, error: std::io::Error },
    /// A file is not TOML, or lacks a key. The text shows the line.
    Syntax { path: PathBuf, error: toml::de::Error },
    /// No C compiler for 64-bit Windows was found, or it does not run.
    CompilerMissing { tried: Vec<String> },
    /// The compiler was found, but not the headers for drivers.
    HeadersMissing { compiler: String },
    /// The compiler did not say something that is needed of it.
    CompilerUnclear { compiler: String, question: &'static str },
    /// A sample or the header does not compile. The text is the compiler's.
    Compile { what: PathBuf, message: String },
    /// A sample makes a driver that is too large to be committed.
    TooLarge { driver: PathBuf, size: u64 },
    /// These committed files are not what would be made from their sources, or have no source.
    Stale(Vec<PathBuf>),
}

impl fmt::Display for SamplesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SamplesError::File { path, error } => write!(f, "{}: {error}", path.display()),
            SamplesError::Syntax { path, error } => write!(f, "{}: {error}", path.display()),
            SamplesError::CompilerMissing { tried } => write!(
                f,
                "no C compiler for 64-bit Windows (tried {}); on Debian and Ubuntu it comes with:\n  \
                 apt-get install gcc-mingw-w64-x86-64-win32 binutils-mingw-w64-x86-64 mingw-w64-x86-64-dev",
                tried.join(", ")
            ),
            SamplesError::HeadersMissing { compiler } => write!(
                f,
                "{compiler} has no ddk/ntddk.h on its include path; on Debian and Ubuntu it comes with:\n  \
                 apt-get install mingw-w64-x86-64-dev"
            ),
            SamplesError::CompilerUnclear { compiler, question } => {
                write!(f, "{compiler} gives no usable answer to {question}")
            }
            SamplesError::Compile { what, message } => {
                write!(f, "{} does not compile:\n{}", what.display(), message.trim_end())
            }
            SamplesError::TooLarge { driver, size } => {
                write!(f, "{} has {size} bytes; at most {MAX_SIZE} may be committed", driver.display())
            }
            SamplesError::Stale(paths) => {
                write!(f, "not what `cargo xtask samples` makes; run it and commit the result:")?;
                for path in paths {
                    write!(f, "\n  {}", path.display())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for SamplesError {}

/// One sample: its folder and its C files, relative to the root, and what it makes.
struct Sample {
    sources: Vec<PathBuf>,
    driver: PathBuf,
}

/// Builds everything and stores it. `root` is the root of the workspace.
pub(crate) fn write(root: &Path) -> Result<(), SamplesError> {
    for header in layout::generate(root)? {
        let path = root.join(header.path);
        if !std::fs::read_to_string(&path).is_ok_and(|old| old == header.text) {
            std::fs::write(&path, &header.text).map_err(|error| SamplesError::File { path, error })?;
            println!("wrote {}", header.path);
        }
    }

    let toolchain = find_toolchain(root)?;
    check_header(root, &toolchain)?;
    let scratch = Scratch::create()?;
    for sample in samples(root)? {
        let built = build(root, &toolchain, &sample, &scratch)?;
        let path = root.join(&sample.driver);
        let identical = std::fs::read(&path).is_ok_and(|old| old == built);
        if !identical {
            std::fs::write(&path, &built).map_err(|error| SamplesError::File { path, error })?;
        }
        print_line(&sample, built.len(), if identical { "identical" } else { "written" });
    }
    Ok(())
}

/// Builds everything in a temporary folder and compares it with what is stored. Drivers are compared only if the tools
/// are those of `samples/TOOLCHAIN`.
pub(crate) fn check(root: &Path) -> Result<(), SamplesError> {
    let mut stale = Vec::new();
    for header in layout::generate(root)? {
        if !std::fs::read_to_string(root.join(header.path)).is_ok_and(|old| old == header.text) {
            stale.push(PathBuf::from(header.path));
        }
    }

    let toolchain = find_toolchain(root)?;
    check_header(root, &toolchain)?;
    let scratch = Scratch::create()?;
    let samples = samples(root)?;
    for sample in &samples {
        let built = build(root, &toolchain, sample, &scratch)?;
        let identical = std::fs::read(root.join(&sample.driver)).is_ok_and(|old| old == built);
        let outcome = match (identical, toolchain.is_named()) {
            (true, _) => "identical",
            (false, true) => {
                stale.push(sample.driver.clone());
                "different"
            }
            (false, false) => "builds (not compared: other tools)",
        };
        print_line(sample, built.len(), outcome);
    }
    stale.extend(drivers_without_source(root, &samples)?);
    if stale.is_empty() { Ok(()) } else { Err(SamplesError::Stale(stale)) }
}

fn find_toolchain(root: &Path) -> Result<Toolchain, SamplesError> {
    let toolchain = Toolchain::find(root)?;
    println!("{toolchain}");
    Ok(toolchain)
}

fn print_line(sample: &Sample, size: usize, outcome: &str) {
    println!("{:<60} {size:>6} bytes  {outcome}", sample.driver.display().to_string());
}

/// A folder for what is built, removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn create() -> Result<Self, SamplesError> {
        let path = std::env::temp_dir().join(format!("condis-samples-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| SamplesError::File { path: path.clone(), error })?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays behind in the temporary directory is no reason to fail.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Compiles the header by itself as a driver of NDIS 5 sees it, which no sample does.
fn check_header(root: &Path, toolchain: &Toolchain) -> Result<(), SamplesError> {
    for version in ["-DNDIS50=1", "-DNDIS51_MINIPORT=1"] {
        let mut arguments: Vec<OsString> = FLAGS.iter().map(OsString::from).collect();
        arguments.extend(toolchain.flags(root));
        arguments.extend(
            [version, "-fsyntax-only", "-include", "ndis.h", "-x", "c", "/dev/null"].map(OsString::from),
        );
        compile(root, toolchain, Path::new("include/ndis.h"), &arguments)?;
    }
    Ok(())
}

/// Calls the compiler in the root of the workspace. `what` is named if it fails.
fn compile(
    root: &Path,
    toolchain: &Toolchain,
    what: &Path,
    arguments: &[OsString],
) -> Result<(), SamplesError> {
    let result = Command::new(toolchain.compiler())
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| SamplesError::File { path: PathBuf::from(toolchain.compiler()), error })?;
    if result.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&result.stderr).into_owned();
    Err(SamplesError::Compile { what: what.to_path_buf(), message })
}

/// Compiles one sample and returns the driver.
fn build(
    root: &Path,
    toolchain: &Toolchain,
    sample: &Sample,
    scratch: &Scratch,
) -> Result<Vec<u8>, SamplesError> {
    let output = scratch.0.join("driver.sys");
    let mut arguments: Vec<OsString> = FLAGS.iter().map(OsString::from).collect();
    arguments.extend(toolchain.flags(root));
    arguments.extend(sample.sources.iter().map(|source| source.clone().into_os_string()));
    arguments.extend([OsString::from("-o"), output.clone().into_os_string()]);
    arguments.extend(LIBRARIES.iter().map(OsString::from));
    compile(root, toolchain, &sample.driver, &arguments)?;
    let built = std::fs::read(&output).map_err(|error| SamplesError::File { path: output.clone(), error })?;
    std::fs::remove_file(&output).map_err(|error| SamplesError::File { path: output, error })?;
    let size = built.len() as u64;
    if size > MAX_SIZE {
        return Err(SamplesError::TooLarge { driver: sample.driver.clone(), size });
    }
    Ok(built)
}

/// All samples, sorted by folder.
fn samples(root: &Path) -> Result<Vec<Sample>, SamplesError> {
    let mut found = Vec::new();
    for folder in folders(root)? {
        let sources = files(root, &folder, "c")?;
        if let (Some(name), false) = (folder.file_name(), sources.is_empty()) {
            let driver = folder.join(name).with_added_extension("sys");
            found.push(Sample { sources, driver });
        }
    }
    Ok(found)
}

/// Drivers below the folders of samples that no sample makes.
fn drivers_without_source(root: &Path, samples: &[Sample]) -> Result<Vec<PathBuf>, SamplesError> {
    let mut found = Vec::new();
    for folder in folders(root)? {
        found.extend(files(root, &folder, "sys")?);
    }
    found.retain(|driver| samples.iter().all(|sample| sample.driver != *driver));
    Ok(found)
}

/// Every folder below `samples/good` and `samples/bad`, relative to the root, sorted.
fn folders(root: &Path) -> Result<Vec<PathBuf>, SamplesError> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = ["samples/good", "samples/bad"]
        .iter()
        .map(PathBuf::from)
        .filter(|folder| root.join(folder).is_dir())
        .collect();
    while let Some(folder) = open.pop() {
        for path in entries(root, &folder)? {
            if root.join(&path).is_dir() {
                open.push(path.clone());
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The files of a folder with this extension, relative to the root, sorted.
fn files(root: &Path, folder: &Path, extension: &str) -> Result<Vec<PathBuf>, SamplesError> {
    let mut found = entries(root, folder)?;
    found.retain(|path| path.extension().is_some_and(|it| it == extension) && root.join(path).is_file());
    found.sort();
    Ok(found)
}

/// What lies in a folder, relative to the root.
fn entries(root: &Path, folder: &Path) -> Result<Vec<PathBuf>, SamplesError> {
    let absolute = root.join(folder);
    let failed = |error| SamplesError::File { path: absolute.clone(), error };
    std::fs::read_dir(&absolute)
        .map_err(failed)?
        .map(|entry| Ok(folder.join(entry.map_err(failed)?.file_name())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        crate::project_root()
    }

    /// Without a compiler this is what can be known of the committed drivers.
    #[test]
    fn every_sample_has_its_driver_and_every_driver_its_sample() {
        let samples = samples(&root()).unwrap();
        assert!(samples.iter().any(|sample| sample.driver == Path::new("samples/good/mcm/mcm.sys")));
        for sample in &samples {
            let size = std::fs::metadata(root().join(&sample.driver)).map(|it| it.len());
            assert!(
                size.as_ref().is_ok_and(|size| (1..=MAX_SIZE).contains(size)),
                "{}: {size:?}",
                sample.driver.display()
            );
        }
        assert_eq!(drivers_without_source(&root(), &samples).unwrap(), Vec::<PathBuf>::new());
    }

    /// A driver whose sample was left out of the list is reported.
    #[test]
    fn a_driver_without_source_is_found() {
        let mut samples = samples(&root()).unwrap();
        samples.retain(|sample| sample.driver != Path::new("samples/good/mcm/mcm.sys"));
        assert_eq!(
            drivers_without_source(&root(), &samples).unwrap(),
            [PathBuf::from("samples/good/mcm/mcm.sys")]
        );
    }

    #[test]
    fn the_layout_assertions_are_fresh() {
        for header in layout::generate(&root()).unwrap() {
            let committed = std::fs::read_to_string(root().join(header.path)).unwrap();
            assert!(
                committed == header.text,
                "{}: run `cargo xtask samples` and commit the result",
                header.path
            );
        }
    }
}
