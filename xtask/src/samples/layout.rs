//! `include/ndis/layout_check.h`: what `contract/layout6.toml` says of sizes, offsets, revisions and values, as
//! assertions that every driver which includes `ndis.h` makes when it is compiled.
//!
//! The header declares the structures by hand, so this compares two things that were written apart.

use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use super::SamplesError;

/// Where the generated header lies, relative to the root.
pub(super) const HEADER: &str = "include/ndis/layout_check.h";

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

/// Makes the text of the header.
pub(super) fn generate(root: &Path) -> Result<String, SamplesError> {
    let path = root.join("contract/layout6.toml");
    let text =
        std::fs::read_to_string(&path).map_err(|error| SamplesError::File { path: path.clone(), error })?;
    let layouts: Layouts = toml::from_str(&text).map_err(|error| SamplesError::Syntax { path, error })?;
    Ok(emit(&layouts))
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

    let mut assert = |condition: String, what: &str| {
        emit_line(&mut out, format_args!("_Static_assert({condition}, \"{what}\");"));
    };
    for layout in layouts.r#struct.iter().filter(|it| is_declared(&it.name)) {
        let name = &layout.name;
        assert(format!("sizeof({name}) == {}", layout.size_x64), name);
        assert(format!("_Alignof({name}) == {}", layout.align_x64), name);
        // A field of type "union" or "struct" only marks where one starts.
        for field in layout.fields.iter().filter(|it| it.r#type != "union" && it.r#type != "struct") {
            let member = &field.name;
            assert(
                format!("__builtin_offsetof({name}, {member}) == {}", field.offset),
                &format!("{name}.{member}"),
            );
        }
        for revision in &layout.header_revisions {
            assert(format!("{} == {}", revision.revision_name, revision.revision), &revision.revision_name);
            assert(format!("{} == {}", revision.size_name, revision.size), &revision.size_name);
        }
    }
    for status in &layouts.status {
        assert(format!("{} == (NDIS_STATUS)0x{:08x}", status.name, status.value), &status.name);
    }
    for values in &layouts.r#enum {
        for value in &values.values {
            assert(format!("{} == {}", value.name, value.value), &format!("{}: {}", values.name, value.name));
        }
    }
    out
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
