//! `cargo xtask codegen`: from `contract/*.toml` to `crates/contract/src/generated/*.rs`.
//!
//! Four steps, one file each: [`source`] reads the tables into structs, [`validate`] finds what contradicts itself,
//! [`emit`] writes Rust, and this file formats the result and compares or stores it.

mod emit;
mod source;
mod validate;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why the tables could not be generated, or are not fresh.
#[derive(Debug)]
pub(crate) enum CodegenError {
    /// A file or folder could not be read or written.
    File { path: PathBuf, error: std::io::Error },
    /// A contract file is not TOML, has an unknown key or a value of the wrong type. The text shows the line.
    Syntax { path: PathBuf, error: toml::de::Error },
    /// The tables contradict themselves: every problem that was found.
    Problems(Vec<validate::Problem>),
    /// `rustfmt` could not be run, or refused what was generated (which is a bug of the generator).
    Rustfmt { file: String, message: String },
    /// These committed files are not what the generator makes.
    Stale(Vec<PathBuf>),
}

impl fmt::Display for CodegenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodegenError::File { path, error } => write!(f, "{}: {error}", path.display()),
            CodegenError::Syntax { path, error } => write!(f, "{}: {error}", path.display()),
            CodegenError::Problems(problems) => {
                write!(f, "the contract contradicts itself in {} places", problems.len())?;
                for problem in problems {
                    write!(f, "\n  {problem}")?;
                }
                Ok(())
            }
            CodegenError::Rustfmt { file, message } => write!(f, "rustfmt on {file}: {message}"),
            CodegenError::Stale(paths) => {
                write!(f, "not what `cargo xtask codegen` makes; run it and commit the result:")?;
                for path in paths {
                    write!(f, "\n  {}", path.display())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for CodegenError {}

/// A file to be written, relative to the folder of the generated code.
struct Generated {
    name: String,
    text: String,
}

/// Reads, validates and generates. `root` is the root of the workspace.
fn generate(root: &Path) -> Result<Vec<Generated>, CodegenError> {
    let contract = source::read(&root.join("contract"))?;
    let problems = validate::problems(&contract);
    if !problems.is_empty() {
        return Err(CodegenError::Problems(problems));
    }
    emit::files(&contract)
        .into_iter()
        .map(|(name, text)| Ok(Generated { text: rustfmt(root, &name, &text)?, name }))
        .collect()
}

/// Generates the tables and stores those that differ; files that are no longer generated are removed.
pub(crate) fn write(root: &Path) -> Result<(), CodegenError> {
    let folder = folder(root);
    let files = generate(root)?;
    std::fs::create_dir_all(&folder).map_err(|error| CodegenError::File { path: folder.clone(), error })?;
    for path in leftovers(&folder, &files)? {
        std::fs::remove_file(&path).map_err(|error| CodegenError::File { path, error })?;
    }
    for file in files {
        let path = folder.join(&file.name);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == file.text) {
            continue;
        }
        std::fs::write(&path, &file.text).map_err(|error| CodegenError::File { path, error })?;
        println!("wrote {}", file.name);
    }
    Ok(())
}

/// Generates the tables and compares them with the stored ones.
pub(crate) fn check(root: &Path) -> Result<(), CodegenError> {
    let folder = folder(root);
    let files = generate(root)?;
    let mut stale = leftovers(&folder, &files)?;
    for file in files {
        let path = folder.join(&file.name);
        if !std::fs::read_to_string(&path).is_ok_and(|old| old == file.text) {
            stale.push(path);
        }
    }
    if stale.is_empty() { Ok(()) } else { Err(CodegenError::Stale(stale)) }
}

fn folder(root: &Path) -> PathBuf {
    root.join("crates/contract/src/generated")
}

/// Files in the folder of generated code that the generator does not make.
fn leftovers(folder: &Path, files: &[Generated]) -> Result<Vec<PathBuf>, CodegenError> {
    let failed = |error| CodegenError::File { path: folder.to_path_buf(), error };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !files.iter().any(|file| *entry.file_name() == *file.name) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Formats one file as `cargo fmt` would.
fn rustfmt(root: &Path, name: &str, text: &str) -> Result<String, CodegenError> {
    let failed = |message: String| CodegenError::Rustfmt { file: name.to_string(), message };
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--quiet", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let mut input = child.stdin.take().ok_or_else(|| failed("no standard input".to_string()))?;
    let output = std::thread::scope(|scope| {
        // A second thread feeds it, because it may fill its output pipe before it has read everything.
        let feeder = scope.spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output();
        (feeder.join(), output)
    });
    match output {
        (Ok(Ok(())), Ok(output)) if output.status.success() => {
            String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
        }
        (_, Ok(output)) => Err(failed(String::from_utf8_lossy(&output.stderr).into_owned())),
        (_, Err(error)) => Err(failed(error.to_string())),
    }
}
