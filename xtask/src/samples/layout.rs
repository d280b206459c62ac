//! `include/ndis/layout_check.h` and `layout_check5.h`: what the contract says of sizes, offsets, revisions and values,
//! as assertions that every driver which includes `ndis.h` makes when it is compiled. The first has the structures of
//! `contract/layout6.toml`, the second those of NDIS 5, which stand with their areas.
//!
//! The header declares the structures by hand, so this compares two things that were written apart.

use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use super::SamplesError;

/// A generated header.
pub(super) struct Header {
    /// Relative to the root.
    pub(super) path: &'static str,
    pub(super) text: String,
}

/// The contract files with structures of NDIS 5.
const NDIS5_FILES: &[&str] = &["af", "binding", "data", "oid"];

/// Structures of the contract that the header does not declare, by how their names begin. Every other one must be
/// there, or nothing that includes `ndis.h` compiles.
const NOT_DECLARED: &[(&str, &str)] = &[
    ("LINE_", "TAPI"),
    ("CO_TAPI_", "TAPI"),
    ("CO_AF_TAPI_", "TAPI"),
    ("Q2931_", "ATM"),
    ("AAL", "ATM"),
    ("ATM_", "ATM"),
    ("CO_GET_CALL_INFORMATION", "ATM"),
    ("NDIS_WAN_", "WAN"),
    ("WAN_CO_", "WAN"),
    ("NDIS_RW_LOCK", "deprecated, and its size is not known for sure"),
];

/// The part of layout6.toml that is asserted.
#[derive(Deserialize)]
struct Layouts {
    r#struct: Vec<Struct>,
    status: Vec<Status>,
    r#enum: Vec<Enum>,
}

#[derive(Deserialize)]
struct Struct {
    name: String,
    size_x64: u64,
    align_x64: u64,
    fields: Vec<Field>,
    #[serde(default)]
    header_revisions: Vec<Revision>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    offset: u64,
    r#type: String,
}

#[derive(Deserialize)]
struct Revision {
    revision: u64,
    revision_name: String,
    size_name: String,
    size: u64,
}

/// What is asserted of an area's file.
#[derive(Deserialize)]
struct Layouts5 {
    r#struct: Vec<Struct5>,
}

#[derive(Deserialize)]
struct Struct5 {
    name: String,
    size_x64: u64,
    #[serde(default)]
    fields: Vec<Field5>,
}

#[derive(Deserialize)]
struct Field5 {
    name: String,
    #[serde(alias = "x64")]
    offset_x64: u64,
}

#[derive(Deserialize)]
struct Status {
    name: String,
    value: u32,
}

#[derive(Deserialize)]
struct Enum {
    name: String,
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Value {
    name: String,
    value: u64,
}

/// Makes the headers.
pub(super) fn generate(root: &Path) -> Result<[Header; 2], SamplesError> {
    let layouts: Layouts = read(root, "layout6")?;
    let mut older = Vec::new();
    for file in NDIS5_FILES {
        let layouts: Layouts5 = read(root, file)?;
        older.push((*file, layouts.r#struct));
    }
    Ok([
        Header { path: "include/ndis/layout_check.h", text: emit(&layouts) },
        Header { path: "include/ndis/layout_check5.h", text: emit5(&older) },
    ])
}

fn read<T: for<'de> Deserialize<'de>>(root: &Path, file: &str) -> Result<T, SamplesError> {
    let path = root.join(format!("contract/{file}.toml"));
    let text =
        std::fs::read_to_string(&path).map_err(|error| SamplesError::File { path: path.clone(), error })?;
    toml::from_str(&text).map_err(|error| SamplesError::Syntax { path, error })
}

/// The assertions of NDIS 5. A structure without a size is another name for one of the kernel's.
fn emit5(files: &[(&str, Vec<Struct5>)]) -> String {
    let mut out =
        String::from("/* Made by `cargo xtask samples` from the structures of the areas; do not edit. */\n");
    for (file, layouts) in files {
        emit_line(&mut out, format_args!("\n/* {file}.toml */"));
        for layout in layouts.iter().filter(|it| it.size_x64 != 0) {
            let name = &layout.name;
            emit_assertion(&mut out, &format!("sizeof({name}) == {}", layout.size_x64), name);
            for field in &layout.fields {
                emit_offset(&mut out, name, &field.name, field.offset_x64);
            }
        }
    }
    out
}

fn emit(layouts: &Layouts) -> String {
    let mut out = String::from(
        "/* Made by `cargo xtask samples` from contract/layout6.toml; do not edit.\n\
         \x20*\n\
         \x20* Sizes, offsets, revisions and values of everything that the header declares. Left out:\n",
    );
    for (prefix, why) in NOT_DECLARED {
        let many = layouts.r#struct.iter().filter(|it| it.name.starts_with(prefix)).count();
        emit_line(&mut out, format_args!(" *   {prefix}* ({many}): {why}"));
    }
    out.push_str(" */\n");

    for layout in layouts.r#struct.iter().filter(|it| is_declared(&it.name)) {
        let name = &layout.name;
        emit_assertion(&mut out, &format!("sizeof({name}) == {}", layout.size_x64), name);
        emit_assertion(&mut out, &format!("_Alignof({name}) == {}", layout.align_x64), name);
        // A field of type "union" or "struct" only marks where one starts.
        for field in layout.fields.iter().filter(|it| it.r#type != "union" && it.r#type != "struct") {
            emit_offset(&mut out, name, &field.name, field.offset);
        }
        for revision in &layout.header_revisions {
            let (name, size_name) = (&revision.revision_name, &revision.size_name);
            emit_assertion(&mut out, &format!("{name} == {}", revision.revision), name);
            emit_assertion(&mut out, &format!("{size_name} == {}", revision.size), size_name);
        }
    }
    for Status { name, value } in &layouts.status {
        emit_assertion(&mut out, &format!("{name} == (NDIS_STATUS)0x{value:08x}"), name);
    }
    for values in &layouts.r#enum {
        for Value { name, value } in &values.values {
            emit_assertion(&mut out, &format!("{name} == {value}"), &format!("{}: {name}", values.name));
        }
    }
    out
}

fn emit_offset(out: &mut String, name: &str, member: &str, offset: u64) {
    let condition = format!("__builtin_offsetof({name}, {member}) == {offset}");
    emit_assertion(out, &condition, &format!("{name}.{member}"));
}

fn emit_assertion(out: &mut String, condition: &str, what: &str) {
    emit_line(out, format_args!("_Static_assert({condition}, \"{what}\");"));
}

fn emit_line(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{line}");
}

fn is_declared(name: &str) -> bool {
    NOT_DECLARED.iter().all(|(prefix, _)| !name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A prefix that no structure has would be an exception nobody needs any more.
    #[test]
    fn every_exception_is_needed() {
        let path = crate::project_root().join("contract/layout6.toml");
        let layouts: Layouts = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for (prefix, _) in NOT_DECLARED {
            assert!(layouts.r#struct.iter().any(|it| it.name.starts_with(prefix)), "{prefix}");
        }
    }

    #[test]
    fn markers_of_unions_are_no_members() {
        let layouts: Layouts = toml::from_str(
            r#"
            [[struct]]
            name = "S"
            size_x64 = 8
            align_x64 = 4
            fields = [
                { name = "U", type = "union", offset = 0 },
                { name = "U.A", type = "ULONG", offset = 0 },
                { name = "B", type = "ULONG", offset = 4 },
            ]
            [[status]]
            name = "NDIS_STATUS_FAILURE"
            value = 0xC0000001
            [[enum]]
            name = "E"
            values = [{ name = "EOne", value = 1 }]
            "#,
        )
        .unwrap();
        let text = emit(&layouts);
        let asserted: Vec<&str> = text.lines().filter(|line| line.starts_with("_Static_assert")).collect();
        assert_eq!(
            asserted,
            [
                "_Static_assert(sizeof(S) == 8, \"S\");",
                "_Static_assert(_Alignof(S) == 4, \"S\");",
                "_Static_assert(__builtin_offsetof(S, U.A) == 0, \"S.U.A\");",
                "_Static_assert(__builtin_offsetof(S, B) == 4, \"S.B\");",
                "_Static_assert(NDIS_STATUS_FAILURE == (NDIS_STATUS)0xc0000001, \"NDIS_STATUS_FAILURE\");",
                "_Static_assert(EOne == 1, \"E: EOne\");",
            ]
        );
    }
}
