//! Functions, macros and callbacks of the interface.

use core::fmt;

use crate::area::{Area, Role};
use crate::generated::ddi::{BY_NAME, Ddi, INFO};

/// What a DDI is to a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DdiKind {
    /// A function that NDIS exports.
    Function,
    /// A macro or inline function of the header, over an export or over the structure itself.
    Macro,
    /// A function of the driver that NDIS calls.
    Callback,
}

impl DdiKind {
    /// The word that the contract files use.
    pub const fn as_str(self) -> &'static str {
        match self {
            DdiKind::Function => "function",
            DdiKind::Macro => "macro",
            DdiKind::Callback => "callback",
        }
    }
}

/// The highest interrupt request level (IRQL) at which a page allows a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MaxIrql {
    /// `PASSIVE_LEVEL` and nothing else.
    Passive,
    /// `DISPATCH_LEVEL` or below. Three pages say exactly `DISPATCH_LEVEL`; they are read as "or below".
    Dispatch,
    /// Any level.
    Any,
}

impl MaxIrql {
    /// Whether a call at `irql` (0 is `PASSIVE_LEVEL`, 1 `APC_LEVEL`, 2 `DISPATCH_LEVEL`) is allowed.
    pub const fn allows(self, irql: u8) -> bool {
        match self {
            MaxIrql::Passive => irql == 0,
            MaxIrql::Dispatch => irql <= 2,
            MaxIrql::Any => true,
        }
    }
}

impl fmt::Display for MaxIrql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            MaxIrql::Passive => "PASSIVE_LEVEL",
            MaxIrql::Dispatch => "<= DISPATCH_LEVEL",
            MaxIrql::Any => "any level",
        })
    }
}

/// What the contract says about one DDI.
#[derive(Clone, Copy, Debug)]
pub struct DdiInfo {
    /// The documented name.
    pub name: &'static str,
    /// The id of its reference page, or empty where the documentation has none. See [`crate::page_url`].
    pub page: &'static str,
    /// Function, macro or callback.
    pub kind: DdiKind,
    /// The symbol that a compiled driver imports for it. `None` for callbacks and for macros that import nothing.
    pub export: Option<&'static str>,
    /// The area it belongs to.
    pub area: Area,
    /// Who may call it (functions and macros).
    pub called_by: &'static [Role],
    /// Whose callback it is.
    pub called_on: &'static [Role],
    /// The highest IRQL at which it is called; `None` where the page gives none.
    pub irql: Option<MaxIrql>,
    /// The NDIS versions that have it, as text.
    pub ndis: &'static str,
    /// Its C prototype.
    pub signature: &'static str,
    /// The statuses its page names, `NDIS_STATUS_XXX` for "any other".
    pub returns: &'static [&'static str],
    /// Whether `NDIS_STATUS_PENDING` is an answer.
    pub may_pend: bool,
    /// What finishes it when it pended. For a callback of a call manager this is the exported function; an MCM uses the
    /// `NdisMCm` macro over the same export.
    pub completed_by: Option<Ddi>,
    /// The callbacks NDIS makes because of it, in order. A completion callback is made only if the operation pended.
    pub causes: &'static [Ddi],
    /// For a callback: whether a driver must register it.
    pub required: Option<bool>,
    /// What else the page says.
    pub notes: &'static [&'static str],
}

impl Ddi {
    /// What the contract says about this DDI.
    pub fn info(self) -> &'static DdiInfo {
        &INFO[self as usize]
    }

    /// The documented name.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The DDI with this documented name.
    pub fn from_name(name: &str) -> Option<Ddi> {
        BY_NAME.binary_search_by(|ddi| ddi.name().cmp(name)).ok().map(|index| BY_NAME[index])
    }
}

impl fmt::Display for Ddi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
