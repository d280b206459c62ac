//! What the tests of the program share: how it is started, and where the samples are.
#![allow(dead_code, unreachable_pub, reason = "not every test file uses all of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the program.
pub fn condis(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_condis"))
        .args(arguments)
        .env_remove("CLICOLOR_FORCE")
        .output()
        .expect("the program starts")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Standard output as JSON.
pub fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr));
    })
}

pub fn samples() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples"))
}

/// The path of a correct sample.
pub fn good(name: &str) -> String {
    samples().join("good").join(name).join(format!("{name}.sys")).display().to_string()
}

/// A folder for the files of these tests; each test has names of its own.
pub fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("program");
    std::fs::create_dir_all(&folder).expect("a folder for files");
    folder
}

pub fn file(name: &str, contents: &[u8]) -> String {
    let path = folder().join(name);
    std::fs::write(&path, contents).expect("a file");
    path.display().to_string()
}

/// The MCM sample with some of its bytes replaced.
pub fn damaged(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = std::fs::read(good("mcm")).expect("the sample is there");
    change(&mut bytes);
    file(name, &bytes)
}

/// The folders below `folder` that hold a file of this name.
pub fn folders_with(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if path.join(name).is_file() {
                found.push(path.clone());
            }
            found.extend(folders_with(&path, name));
        }
    }
    found.sort();
    found
}
