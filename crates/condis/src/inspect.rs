//! What a driver file is, before anything of it runs: format, roles, imports, symbols.

use crate::roles::{Roles, in_words};
use contract::{Ddi, Role};
use pe::{DebugInfo, Image, Symbol};
use report::Look;
use serde::Serialize;
use std::collections::BTreeMap;

/// `IMAGE_GUARD_CF_INSTRUMENTED`: the code checks its indirect calls.
const GUARD_CF_INSTRUMENTED: u32 = 0x100;

/// What a driver file is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Inspection {
    /// The version of this document.
    pub condis: u32,
    /// The file as the user named it.
    pub file: String,
    /// The format and the processor.
    pub kind: &'static str,
    /// The interface that it was written for: `6`, `5` or `unknown`.
    pub ndis: &'static str,
    /// The roles that it seems to play: `client`, `cm`, `mcm`, `miniport`.
    pub roles: Vec<&'static str>,
    /// The base that it was linked for.
    pub image_base: u64,
    /// Its size in memory, in bytes.
    pub image_size: u32,
    /// Where `DriverEntry` is, as an offset.
    pub entry_point: u32,
    /// Whether it can be laid out at another base.
    pub relocatable: bool,
    /// `TimeDateStamp`.
    pub timestamp: u32,
    /// The sections.
    pub sections: Vec<SectionEntry>,
    /// Whether it has a stack cookie.
    pub security_cookie: bool,
    /// Whether its indirect calls are checked (CFG).
    pub control_flow_guard: bool,
    /// Where function names and lines come from: `DWARF`, a PDB, or nothing.
    pub symbols: Symbols,
    /// How many entries its function table has.
    pub functions: usize,
    /// What it imports, in the file's order.
    pub imports: Vec<ImportEntry>,
    /// What it exports by name.
    pub exports: Vec<String>,
    /// What is odd about it.
    pub remarks: Vec<String>,
}

/// A section.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SectionEntry {
    /// Its name.
    pub name: String,
    /// Where it begins, as an offset.
    pub rva: u32,
    /// Its size in memory, in bytes.
    pub size: u32,
    /// What may be done with it: some of `r`, `w`, `x`.
    pub access: String,
    /// Whether it is given back after `DriverEntry`.
    pub discardable: bool,
}

/// Debug information.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Symbols {
    /// None.
    None,
    /// In the file itself.
    Dwarf,
    /// In a PDB.
    Pdb {
        /// The path that the linker stored.
        path: String,
        /// Its GUID.
        guid: String,
        /// Its age.
        age: u32,
    },
    /// The debug directory cannot be read.
    Damaged,
}

/// One import.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ImportEntry {
    /// The library.
    pub library: String,
    /// The symbol.
    pub symbol: String,
    /// Whether condis has it.
    pub provided: bool,
    /// Whether the contract describes it.
    pub in_contract: bool,
}

impl Inspection {
    /// Looks at a driver. `provided` says whether condis has an import, by library and symbol.
    pub fn of(file: &str, image: &Image, provided: &dyn Fn(&str, &str) -> bool) -> Inspection {
        let roles = Roles::of(image);
        let exports: Vec<&str> = Ddi::ALL.iter().filter_map(|ddi| ddi.info().export).collect();
        let imports = image.imports().iter().map(|import| {
            let symbol = import.symbol.to_string();
            let by_name = matches!(import.symbol, Symbol::Name(_));
            ImportEntry {
                library: import.library.to_string(),
                provided: by_name && provided(&import.library, &symbol),
                in_contract: by_name && exports.contains(&symbol.as_str()),
                symbol,
            }
        });
        let load_config = image.load_config();
        Inspection {
            condis: report::JSON_VERSION,
            file: file.to_owned(),
            kind: "x64 kernel-mode driver (PE32+, native)",
            ndis: roles.ndis.as_str(),
            roles: roles.roles.iter().map(|role| role.as_str()).collect(),
            image_base: image.image_base(),
            image_size: image.image_size(),
            entry_point: image.entry_point(),
            relocatable: image.is_relocatable(),
            timestamp: image.timestamp(),
            sections: image.sections().iter().map(section).collect(),
            security_cookie: load_config.is_some_and(|config| config.security_cookie.is_some()),
            control_flow_guard: load_config
                .is_some_and(|config| config.guard_flags & GUARD_CF_INSTRUMENTED != 0),
            symbols: symbols(image),
            functions: image.functions().len(),
            imports: imports.collect(),
            exports: image.exports().iter().filter_map(|export| export.name.clone()).collect(),
            remarks: remarks(image, &roles),
        }
    }

    /// The imports that condis lacks.
    pub fn lacking(&self) -> impl Iterator<Item = &ImportEntry> {
        self.imports.iter().filter(|import| !import.provided)
    }

    /// The inspection as text.
    pub fn text(&self, look: Look) -> String {
        let mut out = format!("{}\n", look.strong(&self.file));
        let mut row = |label: &str, text: &str| out += &format!("  {label:<12}{text}\n");
        row("kind", self.kind);
        let ndis = match self.ndis {
            "unknown" => "the imports do not tell which version".to_owned(),
            version => format!("version {version}, by the registration functions that it imports"),
        };
        row("NDIS", &ndis);
        let roles: Vec<&str> =
            self.roles.iter().filter_map(|role| role.parse().ok()).map(in_words).collect::<Vec<_>>();
        row(
            "roles",
            &if roles.is_empty() { "none that its imports show".to_owned() } else { roles.join(", ") },
        );
        let moves = if self.relocatable { "relocatable" } else { "not relocatable" };
        row(
            "image",
            &format!(
                "{:#x} bytes at {:#x}, {moves}, entry at +{:#x}",
                self.image_size, self.image_base, self.entry_point
            ),
        );
        let longest = self.sections.iter().map(|section| section.name.chars().count()).max().unwrap_or(0);
        for (index, section) in self.sections.iter().enumerate() {
            let discardable = if section.discardable { ", discarded after DriverEntry" } else { "" };
            row(
                if index == 0 { "sections" } else { "" },
                &format!(
                    "{:<longest$}  +{:#08x} {:#8x} bytes {}{discardable}",
                    section.name, section.rva, section.size, section.access
                ),
            );
        }
        row(
            "cookie",
            if self.security_cookie { "stack cookie, set before DriverEntry" } else { "no stack cookie" },
        );
        row(
            "CFG",
            if self.control_flow_guard { "indirect calls are checked" } else { "no control flow guard" },
        );
        let symbols = match &self.symbols {
            Symbols::None => "none: findings name offsets".to_owned(),
            Symbols::Dwarf => "DWARF in the file".to_owned(),
            Symbols::Pdb { path, guid, age } => format!("{path} ({guid}, age {age})"),
            Symbols::Damaged => "the debug directory cannot be read".to_owned(),
        };
        row("symbols", &symbols);
        row("functions", &format!("{} in the function table", self.functions));
        for remark in &self.remarks {
            row("remark", remark);
        }
        self.push_imports(&mut out, look);
        out
    }

    fn push_imports(&self, out: &mut String, look: Look) {
        let lacking = self.lacking().count();
        let summary = match lacking {
            0 => format!("{}, all provided", self.imports.len()),
            _ => format!("{}, of which condis lacks {lacking}", self.imports.len()),
        };
        *out += &format!("  {:<12}{summary}\n", "imports");
        let mut libraries: BTreeMap<String, Vec<&ImportEntry>> = BTreeMap::new();
        for import in &self.imports {
            libraries.entry(import.library.to_lowercase()).or_default().push(import);
        }
        for imports in libraries.values() {
            *out += &format!("    {}\n", imports[0].library);
            for import in imports {
                let mark = if import.provided { "has  " } else { "lacks" };
                let line = format!("      {mark} {}", import.symbol);
                *out += &if import.provided { line } else { look.error(&line) };
                out.push('\n');
            }
        }
        if lacking > 0 {
            *out += "\n  A call of an import that condis lacks ends the run by name (exit code 3).\n";
        }
    }
}

fn section(section: &pe::Section) -> SectionEntry {
    let flags = [(section.read, 'r'), (section.write, 'w'), (section.execute, 'x')];
    SectionEntry {
        name: section.name.clone(),
        rva: section.rva,
        size: section.virtual_size,
        access: flags.iter().map(|(may, letter)| if *may { *letter } else { '-' }).collect(),
        discardable: section.discardable,
    }
}

fn symbols(image: &Image) -> Symbols {
    if image.has_dwarf() {
        return Symbols::Dwarf;
    }
    match image.debug() {
        DebugInfo::Absent => Symbols::None,
        DebugInfo::CodeView(pdb) => {
            Symbols::Pdb { path: pdb.path.clone(), guid: pdb.guid.to_string(), age: pdb.age }
        }
        DebugInfo::Damaged => Symbols::Damaged,
    }
}

fn remarks(image: &Image, roles: &Roles) -> Vec<String> {
    let mut remarks = Vec::new();
    if roles.roles.is_empty() {
        remarks.push("it registers nothing that is connection-oriented".to_owned());
    }
    if roles.plays(Role::Miniport) && !roles.plays(Role::Mcm) {
        remarks.push("the imports do not tell whether the miniport is connection-oriented".to_owned());
    }
    if image.has_tls() {
        remarks.push("it has a TLS directory, which kernel-mode code cannot use".to_owned());
    }
    if image.has_delay_imports() {
        remarks.push("it has delay-loaded imports, which are not in the list".to_owned());
    }
    remarks
}
