//! The contract files as structs. Every struct denies unknown keys, so that a misspelt key is an error and not a fact
//! that is silently lost. Tables that no code is generated from are kept as plain TOML.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::CodegenError;

/// The words of an area, a role and so on are enums here, so that a wrong one is reported with its line.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($word:literal => $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum $name { $(#[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// The variant of the enum of the same name in crate `contract`.
            pub(super) fn variant(self) -> &'static str {
                match self { $($name::$variant => stringify!($variant),)+ }
            }
        }
    };
}

words!(
    /// In the order in which rules and DDIs are numbered.
    Area {
        "registration" => Registration, "binding" => Binding, "af" => Af, "sap" => Sap, "vc" => Vc, "call" => Call,
        "party" => Party, "oid" => Oid, "data" => Data, "status" => Status, "tapi" => Tapi, "kernel" => Kernel,
    }
);
words!(Role { "client" => Client, "cm" => Cm, "mcm" => Mcm, "miniport" => Miniport, "ndis" => Ndis, });
words!(Strength { "must" => Must, "should" => Should, });
words!(Detect {
    "runtime-safety" => RuntimeSafety, "runtime-liveness" => RuntimeLiveness, "argument" => Argument, "irql" => Irql,
    "static" => Static,
});
words!(Kind { "function" => Function, "macro" => Macro, "callback" => Callback, });

/// The IRQL that a page gives for a DDI.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum Irql {
    #[serde(rename = "")]
    Unknown,
    #[serde(rename = "PASSIVE_LEVEL")]
    Passive,
    #[serde(rename = "<= DISPATCH_LEVEL")]
    Dispatch,
    /// Read as `Dispatch`: contract/irql.toml says why.
    #[serde(rename = "DISPATCH_LEVEL")]
    ExactlyDispatch,
    #[serde(rename = "any")]
    Any,
}

/// One contract file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) ddi: Vec<Ddi>,
    pub(super) rule: Vec<Rule>,
    pub(super) open_question: Vec<Question>,
    pub(super) guarantee: Vec<Guarantee>,
    pub(super) state_machine: Vec<StateMachine>,
    pub(super) stop_order: Vec<StopOrder>,
    pub(super) status: Vec<Status>,
    #[serde(rename = "enum")]
    pub(super) enumeration: Vec<Enumeration>,
    #[serde(rename = "const")]
    pub(super) constant: Vec<Constant>,
    /// Only layout6.toml's are generated (see [`Structure`]); those of NDIS 5 in the other files have other columns.
    #[serde(rename = "struct")]
    structure: Vec<toml::Table>,
    #[serde(rename = "struct_note")]
    _struct_note: Vec<toml::Table>,
    #[serde(rename = "absent")]
    _absent: Vec<toml::Table>,
    #[serde(rename = "ndis5_signature")]
    _ndis5_signature: Vec<toml::Table>,
    #[serde(rename = "oid")]
    _oid: Vec<toml::Table>,
    #[serde(rename = "status_indication")]
    _status_indication: Vec<toml::Table>,
    #[serde(rename = "irql")]
    _irql: Vec<toml::Table>,
    #[serde(rename = "irql_chain")]
    _irql_chain: Vec<toml::Table>,
    #[serde(rename = "peer_rule")]
    _peer_rule: Vec<toml::Table>,
    #[serde(rename = "gap")]
    _gap: Vec<toml::Table>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ddi {
    pub(super) name: String,
    pub(super) page: String,
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) export: String,
    pub(super) area: Area,
    pub(super) called_by: Vec<Role>,
    pub(super) called_on: Vec<Role>,
    pub(super) irql: Irql,
    pub(super) ndis: String,
    pub(super) c_signature: String,
    pub(super) returns: Vec<String>,
    pub(super) may_pend: bool,
    pub(super) completed_by: String,
    pub(super) causes: Vec<String>,
    pub(super) required: Option<bool>,
    pub(super) notes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) area: Area,
    pub(super) binds: Vec<Role>,
    pub(super) strength: Strength,
    pub(super) text: String,
    pub(super) ddis: Vec<String>,
    pub(super) detect: Detect,
    pub(super) pages: Vec<String>,
    pub(super) refusal: Option<String>,
    #[serde(default)]
    pub(super) race: bool,
    #[serde(default)]
    pub(super) rests_on: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) about: String,
    pub(super) reading: String,
    pub(super) pages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Guarantee {
    pub(super) id: String,
    pub(super) area: Area,
    pub(super) text: String,
    pub(super) ddis: Vec<String>,
    pub(super) pages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateMachine {
    pub(super) id: String,
    pub(super) object: String,
    pub(super) area: Area,
    pub(super) about: String,
    pub(super) states: Vec<State>,
    pub(super) initial: String,
    pub(super) terminal: Vec<String>,
    pub(super) transitions: Vec<Transition>,
    pub(super) invariants: Vec<String>,
    #[serde(default)]
    pub(super) rests_on: Vec<String>,
    pub(super) pages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) name: String,
    pub(super) meaning: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transition {
    pub(super) from: String,
    pub(super) event: String,
    pub(super) to: String,
    pub(super) by: Role,
    #[serde(default)]
    pub(super) note: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StopOrder {
    pub(super) id: String,
    pub(super) area: Area,
    pub(super) documented: bool,
    pub(super) about: String,
    pub(super) steps: Vec<String>,
    #[serde(default)]
    pub(super) rests_on: Vec<String>,
    pub(super) pages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    pub(super) name: String,
    pub(super) value: u32,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "same_as")]
    _same_as: Option<String>,
    #[serde(rename = "ntstatus")]
    _ntstatus: Option<String>,
    #[serde(rename = "ntstatus_value")]
    _ntstatus_value: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Enumeration {
    pub(super) name: String,
    pub(super) values: Vec<EnumValue>,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "page")]
    _page: Option<String>,
    #[serde(rename = "sure")]
    _sure: bool,
    #[serde(default)]
    pub(super) note: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnumValue {
    pub(super) name: String,
    pub(super) value: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Constant {
    pub(super) name: String,
    pub(super) value: u32,
    #[serde(default)]
    pub(super) group: String,
    #[serde(default)]
    pub(super) note: String,
    #[serde(rename = "source")]
    _source: Option<String>,
    #[serde(rename = "sources")]
    _sources: Option<Vec<String>>,
}

/// A structure of layout6.toml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Structure {
    pub(super) name: String,
    pub(super) size_x64: usize,
    pub(super) align_x64: usize,
    pub(super) sure: bool,
    pub(super) fields: Vec<StructureField>,
    pub(super) header: Option<StructureHeader>,
    #[serde(default)]
    pub(super) header_revisions: Vec<StructureRevision>,
    pub(super) ndis: String,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "page")]
    _page: Option<String>,
    #[serde(rename = "note")]
    _note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StructureField {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) type_name: String,
    pub(super) offset: usize,
    #[serde(rename = "align")]
    _align: Option<usize>,
    #[serde(rename = "note")]
    _note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StructureHeader {
    pub(super) type_name: String,
    #[serde(rename = "type")]
    pub(super) object_type: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StructureRevision {
    pub(super) revision: u8,
    pub(super) revision_name: String,
    pub(super) size_name: String,
    pub(super) size: u16,
    pub(super) last: String,
    #[serde(rename = "note")]
    _note: Option<String>,
}

/// `enforcement.toml`: what is not checked yet, and what it waits for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Enforcement {
    pub(super) area: Vec<WaitingArea>,
    pub(super) rule: Vec<WaitingRule>,
    pub(super) covered: Vec<CoveredRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoveredRule {
    pub(super) id: String,
    pub(super) by: Vec<String>,
    pub(super) why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitingArea {
    pub(super) name: Area,
    pub(super) needs: String,
    pub(super) why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitingRule {
    pub(super) id: String,
    pub(super) needs: String,
    pub(super) why: String,
}

/// An entry and the file that holds it.
pub(super) struct Located<T> {
    pub(super) file: String,
    pub(super) entry: T,
}

/// All contract files, their entries in the order of the files.
#[derive(Default)]
pub(super) struct Contract {
    pub(super) ddis: Vec<Located<Ddi>>,
    pub(super) rules: Vec<Located<Rule>>,
    pub(super) questions: Vec<Located<Question>>,
    pub(super) guarantees: Vec<Located<Guarantee>>,
    pub(super) state_machines: Vec<Located<StateMachine>>,
    pub(super) stop_orders: Vec<Located<StopOrder>>,
    pub(super) statuses: Vec<Located<Status>>,
    pub(super) enumerations: Vec<Located<Enumeration>>,
    pub(super) constants: Vec<Located<Constant>>,
    pub(super) structures: Vec<Located<Structure>>,
    pub(super) enforcement: Enforcement,
}

const ENFORCEMENT: &str = "enforcement.toml";
const LAYOUT: &str = "layout6.toml";

/// Reads every `*.toml` of the folder, in the order of their names.
pub(super) fn read(folder: &Path) -> Result<Contract, CodegenError> {
    let failed = |error| CodegenError::File { path: folder.to_path_buf(), error };
    let mut texts = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".toml") {
            let text = std::fs::read_to_string(entry.path())
                .map_err(|error| CodegenError::File { path: entry.path(), error })?;
            texts.insert(name, text);
        }
    }
    parse(folder, &texts)
}

/// Reads the files from their texts; `folder` is for messages.
pub(super) fn parse(folder: &Path, texts: &BTreeMap<String, String>) -> Result<Contract, CodegenError> {
    let mut contract = Contract::default();
    for (name, text) in texts {
        let parsed = if name == ENFORCEMENT {
            toml::from_str(text).map(|enforcement| contract.enforcement = enforcement)
        } else {
            toml::from_str(text).and_then(|file| add(&mut contract, name, file))
        };
        parsed.map_err(|error| CodegenError::Syntax { path: folder.join(name), error })?;
    }
    // Ids and rows are numbered by area first, so that a table reads like a manual. The sort is stable.
    contract.ddis.sort_by_key(|ddi| ddi.entry.area);
    contract.rules.sort_by_key(|rule| rule.entry.area);
    Ok(contract)
}

/// Appends the entries of one parsed file.
fn add(contract: &mut Contract, name: &str, file: File) -> Result<(), toml::de::Error> {
    fn label<T>(name: &str, entries: Vec<T>) -> impl Iterator<Item = Located<T>> {
        entries.into_iter().map(move |entry| Located { file: name.to_string(), entry })
    }
    contract.ddis.extend(label(name, file.ddi));
    contract.rules.extend(label(name, file.rule));
    contract.questions.extend(label(name, file.open_question));
    contract.guarantees.extend(label(name, file.guarantee));
    contract.state_machines.extend(label(name, file.state_machine));
    contract.stop_orders.extend(label(name, file.stop_order));
    contract.statuses.extend(label(name, file.status));
    contract.enumerations.extend(label(name, file.enumeration));
    contract.constants.extend(label(name, file.constant));
    if name == LAYOUT {
        for table in file.structure {
            contract.structures.push(Located { file: name.to_string(), entry: table.try_into()? });
        }
    }
    Ok(())
}
