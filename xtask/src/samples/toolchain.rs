//! The compiler for the samples: which one is there, and is it the one that made the committed drivers.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::SamplesError;

/// Names of the compiler, best first. Debian has a flavour per thread model, each under its own name; the general name
/// is whichever was installed. The flavour does not change the code, but the debug information names it.
const COMPILERS: &[&str] = &["x86_64-w64-mingw32-gcc-win32", "x86_64-w64-mingw32-gcc"];

/// Versions of what decides about the bytes of a driver.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    gcc: String,
    binutils: String,
    #[serde(rename = "mingw-w64")]
    mingw_w64: String,
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gcc {}, binutils {}, mingw-w64 {}", self.gcc, self.binutils, self.mingw_w64)
    }
}

/// A compiler that was found.
pub(super) struct Toolchain {
    compiler: String,
    /// The folder with the compiler's Windows headers.
    headers: PathBuf,
    versions: Versions,
    named: Versions,
}

impl Toolchain {
    /// Looks for a compiler and asks it what it is.
    pub(super) fn find(root: &Path) -> Result<Self, SamplesError> {
        let path = root.join("samples/TOOLCHAIN");
        let text = std::fs::read_to_string(&path)
            .map_err(|error| SamplesError::File { path: path.clone(), error })?;
        let named = toml::from_str(&text).map_err(|error| SamplesError::Syntax { path, error })?;

        let compiler = COMPILERS
            .iter()
            .find(|name| run(name, &["-dumpfullversion"]).is_some())
            .ok_or_else(|| SamplesError::CompilerMissing {
                tried: COMPILERS.iter().map(|it| it.to_string()).collect(),
            })?
            .to_string();
        let unclear = |question| SamplesError::CompilerUnclear { compiler: compiler.clone(), question };

        let search = run(&compiler, &["-E", "-v", "-x", "c", NOTHING]).ok_or(unclear("-E -v"))?;
        let first = include_path(&search.stderr)
            .map(|folder| folder.join("ddk/ntddk.h"))
            .find(|header| header.is_file())
            .ok_or_else(|| SamplesError::HeadersMissing { compiler: compiler.clone() })?;
        // The compiler resolves links before it writes a path into the debug information, and Debian links every file.
        let resolved = std::fs::canonicalize(&first)
            .map_err(|error| SamplesError::File { path: first.clone(), error })?;
        let headers = resolved
            .ancestors()
            .nth(2)
            .ok_or_else(|| SamplesError::HeadersMissing { compiler: compiler.clone() })?
            .to_path_buf();

        let gcc = run(&compiler, &["-dumpfullversion"]).ok_or(unclear("-dumpfullversion"))?;
        let linker = run(&compiler, &["-Wl,--version", "-nostdlib"]).ok_or(unclear("-Wl,--version"))?;
        let macros = run(&compiler, &["-E", "-dM", "-include", "_mingw.h", "-x", "c", NOTHING])
            .ok_or(unclear("-E -dM -include _mingw.h"))?;
        let versions = Versions {
            gcc: gcc.stdout.trim().to_string(),
            binutils: last_word_of_first_line(&linker.stdout).ok_or(unclear("-Wl,--version"))?,
            mingw_w64: mingw_version(&macros.stdout).ok_or(unclear("-E -dM -include _mingw.h"))?,
        };
        Ok(Toolchain { compiler, headers, versions, named })
    }

    /// The program to call.
    pub(super) fn compiler(&self) -> &str {
        &self.compiler
    }

    /// Whether this is the toolchain of `samples/TOOLCHAIN`.
    pub(super) fn is_named(&self) -> bool {
        self.versions == self.named
    }

    /// Flags that depend on the compiler and on the place of the workspace. A warning is an error only with the named
    /// tools: others may warn of other things.
    pub(super) fn flags(&self, root: &Path) -> Vec<OsString> {
        let mut flags = vec![
            OsString::from("-isystem"),
            self.headers.join("ddk").into_os_string(),
            prefix_map(root, "."),
            prefix_map(&self.headers, "mingw-w64"),
        ];
        if self.is_named() {
            flags.push(OsString::from("-Werror"));
        }
        flags
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.compiler, self.versions)?;
        if self.is_named() {
            return Ok(());
        }
        write!(f, "\nsamples/TOOLCHAIN names {}: the drivers will differ in their bytes", self.named)
    }
}

/// A file without content.
const NOTHING: &str = "/dev/null";

struct Output {
    stdout: String,
    stderr: String,
}

/// What the program prints, or nothing if it does not run or fails.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").output().ok()?;
    output.status.success().then(|| Output {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn prefix_map(from: &Path, to: &str) -> OsString {
    let mut flag = OsString::from("-ffile-prefix-map=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}

/// The folders that the compiler searches for `<...>`, from what it prints with `-v`.
fn include_path(printed: &str) -> impl Iterator<Item = PathBuf> {
    printed
        .lines()
        .skip_while(|line| !line.starts_with("#include <...> search starts here"))
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .map(|line| PathBuf::from(line.trim()))
}

fn last_word_of_first_line(text: &str) -> Option<String> {
    Some(text.lines().next()?.split_whitespace().next_back()?.to_string())
}

/// `10.0.0`, from the macros that `_mingw.h` defines.
fn mingw_version(macros: &str) -> Option<String> {
    let value = |name: &str| {
        macros.lines().find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name)?.strip_prefix(' '))
    };
    Some(format!(
        "{}.{}.{}",
        value("__MINGW64_VERSION_MAJOR")?,
        value("__MINGW64_VERSION_MINOR")?,
        value("__MINGW64_VERSION_BUGFIX")?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn include_path_is_what_stands_between_the_two_lines() {
        let printed = "ignoring nonexistent directory \"/x\"\n\
                       #include \"...\" search starts here:\n\
                       #include <...> search starts here:\n \
                       /lib/include\n \
                       /windows/include\n\
                       End of search list.\n # 0 \"/dev/null\"\n";
        let folders: Vec<PathBuf> = include_path(printed).collect();
        assert_eq!(folders, [PathBuf::from("/lib/include"), PathBuf::from("/windows/include")]);
        assert_eq!(include_path("gcc: error").count(), 0);
    }

    #[test]
    fn versions_are_read_from_what_the_tools_print() {
        let linker = "GNU ld (GNU Binutils) 2.40\nCopyright (C) 2023\n";
        assert_eq!(last_word_of_first_line(linker).as_deref(), Some("2.40"));
        assert_eq!(last_word_of_first_line(""), None);
        let macros = "#define __MINGW64_VERSION_MAJOR 10\n#define __MINGW64_VERSION_MINOR 0\n\
                      #define __MINGW64_VERSION_BUGFIX 1\n";
        assert_eq!(mingw_version(macros).as_deref(), Some("10.0.1"));
        assert_eq!(mingw_version("#define __MINGW64_VERSION_MAJOR 10\n"), None);
    }
}
