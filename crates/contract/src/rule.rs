//! The obligations of drivers, and of NDIS itself.

use core::fmt;

use crate::area::{Area, Detect, Role, Strength};
use crate::generated::ddi::Ddi;
use crate::generated::question::Question;
use crate::generated::rule::{BY_ID, INFO, Rule};

/// Whether condis checks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Enforcement {
    /// A breach is reported.
    Enforced,
    /// NDIS gives the documented refusal, and nothing is reported: an unlucky order can bring it upon a correct driver.
    Answered,
    /// A breach is reported under narrower rules (`contract/enforcement.toml`).
    Covered {
        /// Those rules.
        by: &'static [Rule],
        /// Why they say it all.
        why: &'static str,
    },
    /// Nothing checks it yet (`contract/enforcement.toml`).
    Waits {
        /// What has to exist first, as a noun phrase: "virtual connections".
        needs: &'static str,
        /// Why the rule cannot be checked before.
        why: &'static str,
    },
    /// No run can show a breach ([`Detect::Static`]).
    CannotBeSeen,
}

/// What the contract says about one rule.
#[derive(Clone, Copy, Debug)]
pub struct RuleInfo {
    /// The stable id, kebab-case, area first: `af-close-once`.
    pub id: &'static str,
    /// The area it belongs to.
    pub area: Area,
    /// Who must obey.
    pub binds: &'static [Role],
    /// How strongly the page words it.
    pub strength: Strength,
    /// The obligation in one or two sentences, in our own words.
    pub text: &'static str,
    /// The DDIs it is about.
    pub ddis: &'static [Ddi],
    /// How a breach can be seen.
    pub detect: Detect,
    /// The ids of the pages that say so. See [`crate::page_url`].
    pub pages: &'static [&'static str],
    /// The status with which NDIS or the peer documentedly answers a breach. Such a breach is a warning.
    pub refusal: Option<&'static str>,
    /// Whether an unlucky order can bring that refusal upon a correct driver, so that meeting it is no finding.
    pub race: bool,
    /// The open questions of which another reading would make a breach legal.
    pub rests_on: &'static [Question],
    /// Whether condis checks it.
    pub enforcement: Enforcement,
}

impl Rule {
    /// What the contract says about this rule.
    pub fn info(self) -> &'static RuleInfo {
        &INFO[self as usize]
    }

    /// The stable id.
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// The rule with this id.
    pub fn from_id(id: &str) -> Option<Rule> {
        BY_ID.binary_search_by(|rule| rule.id().cmp(id)).ok().map(|index| BY_ID[index])
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
