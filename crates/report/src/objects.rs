//! What there is at one moment of an execution, as a tree: in the spirit of the debugger's `!ndiskd.miniport`,
//! `!ndiskd.protocol`, `!ndiskd.af` and `!ndiskd.vc`.

use crate::names::Names;
use crate::paint::Look;
use crate::syntax;
use model::view::{HandlerTable, Holder, View};
use model::{DriverId, Object, Token};
use serde::Serialize;

/// What there is at one moment.
#[derive(Clone, Debug)]
pub struct Moment {
    /// How many records of the trace come before it.
    pub line: usize,
    /// The objects, each after what it belongs to.
    pub views: Vec<View>,
    /// The tables of handlers of each driver.
    pub tables: Vec<(DriverId, Vec<HandlerTable>)>,
}

impl Moment {
    /// The moment as text: objects as a tree, then the tables of handlers.
    pub fn text(&self, names: &Names, look: Look) -> String {
        let mut out = format!("{} after line {}\n", look.strong("objects"), self.line);
        for view in self.views.iter().filter(|view| self.parent(view).is_none()) {
            self.branch(names, look, view, 1, &mut out);
        }
        for (driver, tables) in &self.tables {
            for table in tables {
                let handlers: Vec<&str> = table.handlers.iter().map(|ddi| ddi.info().name).collect();
                let title = format!("{} of {}", table.structure, names.driver(*driver));
                out += &format!("  {}\n", look.strong(&title));
                out += &crate::wrap::hang("    ", &handlers.join(", "), look.prose_width());
            }
        }
        out.push('\n');
        out
    }

    /// The object's parent, if that is shown, too.
    fn parent(&self, view: &View) -> Option<&View> {
        self.views.iter().find(|parent| Some(parent.object) == view.parent)
    }

    fn branch(&self, names: &Names, look: Look, view: &View, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        let name = look.strong(&names.name(view.object));
        *out += &format!("{indent}{name} {}", view.state);
        if let Some(about) = about(names, view) {
            *out += &format!(", {about}");
        }
        for flag in &view.flags {
            *out += &format!(", {flag}");
        }
        out.push('\n');
        for holder in &view.holders {
            let line = format!("{indent}    {}\n", holder_text(names, holder));
            *out += &look.dim(&line);
        }
        for child in self.views.iter().filter(|child| child.parent == Some(view.object)) {
            self.branch(names, look, child, depth + 1, out);
        }
    }

    /// The moment as JSON.
    pub fn json(&self, names: &Names) -> MomentJson {
        let objects = self.views.iter().map(|view| ObjectJson {
            object: names.name(view.object),
            kind: kind(view.object),
            state: view.state,
            parent: view.parent.map(|parent| names.name(parent)),
            about: about(names, view),
            flags: view.flags.clone(),
            holders: view.holders.iter().map(|holder| holder_json(names, holder)).collect(),
        });
        let handlers = self.tables.iter().flat_map(|(driver, tables)| {
            tables.iter().map(|table| TableJson {
                driver: names.driver(*driver).to_owned(),
                structure: table.structure,
                handlers: table.handlers.iter().map(|ddi| ddi.info().name).collect(),
            })
        });
        MomentJson { line: self.line, objects: objects.collect(), handlers: handlers.collect() }
    }
}

/// [`Moment`] as it serialises.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MomentJson {
    line: usize,
    objects: Vec<ObjectJson>,
    handlers: Vec<TableJson>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct ObjectJson {
    object: String,
    kind: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    flags: Vec<&'static str>,
    holders: Vec<HolderJson>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct HolderJson {
    role: &'static str,
    driver: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct TableJson {
    driver: String,
    structure: &'static str,
    handlers: Vec<&'static str>,
}

fn holder_json(names: &Names, holder: &Holder) -> HolderJson {
    HolderJson {
        role: holder.role,
        driver: names.driver(holder.driver).to_owned(),
        handle: holder.handle.map(|handle| names.handle(handle)),
        context: context(names, holder.context),
    }
}

fn holder_text(names: &Names, holder: &Holder) -> String {
    let mut text = format!("{} {}", holder.role, names.driver(holder.driver));
    if let Some(handle) = holder.handle {
        text += &format!(", handle {}", names.handle(handle));
    }
    if let Some(context) = context(names, holder.context) {
        text += &format!(", context {context}");
    }
    text
}

fn context(names: &Names, context: Token) -> Option<String> {
    (context != Token::NULL).then(|| names.token(context))
}

/// What an object stands for, in the syntax of traces.
fn about(names: &Names, view: &View) -> Option<String> {
    let mut text = String::new();
    syntax::value(&mut text, names, view.about?);
    Some(text)
}

const fn kind(object: Object) -> &'static str {
    match object {
        Object::Driver(_) => "driver",
        Object::Adapter(_) => "adapter",
        Object::Binding(_) => "binding",
        Object::Registration(_) => "registered address family",
        Object::Af(_) => "address family",
        Object::Sap(_) => "SAP",
        Object::Vc(_) => "VC",
        Object::Call(_) => "call",
        Object::Party(_) => "party",
    }
}
