//! The project as the checks see it: every file that is committed or about to be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use super::tokens::{Source, Token};
use super::{Problem, TidyError};

/// The project's files by their paths, relative to the root and with `/`.
pub(super) struct Tree {
    files: BTreeMap<String, Vec<u8>>,
    /// Rust files that belong to tests: integration tests, and files of modules that are `#[cfg(test)]`.
    tests: BTreeSet<String>,
    sources: BTreeMap<String, Source>,
}

impl Tree {
    /// Reads the files that git knows or would add.
    pub(super) fn read(root: &Path) -> Result<Tree, TidyError> {
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .map_err(|error| TidyError::Git { message: error.to_string() })?;
        if !listed.status.success() {
            let message = String::from_utf8_lossy(&listed.stderr).trim().to_string();
            return Err(TidyError::Git { message });
        }
        let mut files = BTreeMap::new();
        for path in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
            match std::fs::read(root.join(path)) {
                Ok(bytes) => {
                    files.insert(path.to_string(), bytes);
                }
                // Still in git's index, and gone from the folder.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(TidyError::File { path: path.to_string(), error }),
            }
        }
        Ok(Tree::new(files))
    }

    /// A project made of `files`.
    pub(super) fn new(files: BTreeMap<String, Vec<u8>>) -> Tree {
        let sources: BTreeMap<String, Source> = files
            .iter()
            .filter(|(path, _)| path.ends_with(".rs") && !is_generated(path))
            .filter_map(|(path, bytes)| Some((path.clone(), Source::read(std::str::from_utf8(bytes).ok()?)?)))
            .collect();
        let mut tests = BTreeSet::new();
        for (path, source) in &sources {
            for module in &source.test_modules {
                let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
                let folder = match file {
                    "lib.rs" | "main.rs" | "mod.rs" => folder.to_string(),
                    _ => path.trim_end_matches(".rs").to_string(),
                };
                tests.extend(sources.keys().filter(|path| {
                    **path == format!("{folder}/{module}.rs")
                        || path.starts_with(&format!("{folder}/{module}/"))
                }));
            }
        }
        let mut tests: BTreeSet<String> = tests.into_iter().cloned().collect();
        let in_tests = |path: &&String| path.starts_with("tests/") || path.contains("/tests/");
        tests.extend(sources.keys().filter(in_tests).cloned());
        Tree { files, tests, sources }
    }

    /// The files below `prefix`.
    pub(super) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let files = self.files.range(prefix.to_string()..);
        files
            .take_while(move |(path, _)| path.starts_with(prefix))
            .map(|(path, bytes)| (path.as_str(), &bytes[..]))
    }

    /// All files that hold text, with it.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, bytes)| Some((path.as_str(), as_text(bytes)?)))
    }

    /// The text of one file, if there is that file and it holds text.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        as_text(self.files.get(path)?)
    }

    /// Whether there is such a file, or a folder with files in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.contains_key(path) || self.below(&format!("{path}/")).next().is_some()
    }

    /// All files that do not hold text.
    pub(super) fn binaries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let binary = |bytes: &[u8]| as_text(bytes).is_none();
        self.files
            .iter()
            .filter(move |(_, bytes)| binary(bytes))
            .map(|(path, bytes)| (path.as_str(), &bytes[..]))
    }

    /// The Rust files below `prefix` with their tokens, without tests and without generated files.
    pub(super) fn code<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [Token])> {
        self.sources
            .iter()
            .filter(move |(path, _)| path.starts_with(prefix) && !self.is_test(path))
            .map(|(path, source)| (path.as_str(), &source.code[..]))
    }

    /// The Rust files below `prefix` with all their tokens, tests included.
    pub(super) fn all_code<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [Token])> {
        self.sources
            .iter()
            .filter(move |(path, _)| path.starts_with(prefix))
            .map(|(path, source)| (path.as_str(), &source.all[..]))
    }

    /// Whether a Rust file belongs to tests.
    pub(super) fn is_test(&self, path: &str) -> bool {
        self.tests.contains(path)
    }

    /// The names of the crates, which are those of their folders below `crates`.
    pub(super) fn crates(&self) -> BTreeSet<String> {
        let manifests = self.below("crates/").filter_map(|(path, _)| {
            path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml").map(ToString::to_string)
        });
        manifests.filter(|name| !name.contains('/')).collect()
    }

    /// A TOML file as a table, or what is wrong with it.
    pub(super) fn toml(&self, path: &str) -> Result<toml::Table, Problem> {
        let text = self.text(path).ok_or_else(|| Problem::new(path, 0, "there must be this file"))?;
        text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
            Problem::new(path, line, error.message())
        })
    }
}

/// Whether a file is made by `cargo xtask`, which has its own check that it is fresh.
pub(super) fn is_generated(path: &str) -> bool {
    path.contains("/generated/")
        || path.ends_with("Cargo.lock")
        || path.starts_with("include/ndis/layout_check")
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    if bytes.contains(&0) { None } else { std::str::from_utf8(bytes).ok() }
}
