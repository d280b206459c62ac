//! How grave a breach is, and how the user may change that.

use contract::{Rule, UnknownName};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Legal under another reading of an open question, or in need of a stop order that no page describes.
    Note,
    /// Against a recommendation, or answered by a documented status.
    Warning,
    /// Forbidden or undefined.
    Error,
}

impl Level {
    /// The level that a breach of `rule` has if nobody changes it: what `condis rules` shows.
    pub fn of(rule: Rule) -> Level {
        let info = rule.info();
        if !info.rests_on.is_empty() {
            Level::Note
        } else if info.refusal.is_some() || info.strength == contract::Strength::Should {
            Level::Warning
        } else {
            Level::Error
        }
    }

    /// The level as a word: `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the user wants of one rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setting {
    /// Say nothing of it. An error still ends the execution.
    Allow,
    /// Report it as a warning.
    Warn,
    /// Report it as an error.
    Deny,
}

impl FromStr for Setting {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Setting, UnknownName> {
        match word {
            "allow" => Ok(Setting::Allow),
            "warn" => Ok(Setting::Warn),
            "deny" => Ok(Setting::Deny),
            _ => Err(UnknownName { what: "setting", known: &["allow", "warn", "deny"] }),
        }
    }
}

/// How a breach came to light: what its level depends on besides the rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Circumstances {
    /// The execution went on after it: a refusal or a "should".
    pub went_on: bool,
    /// A task can never go on because of it.
    pub deadlock: bool,
    /// The execution used the stop order `overlapped` and the breach cannot be had without it.
    pub needs_overlapped: bool,
}

/// The user's settings, one per rule at most; a later one replaces an earlier one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Levels {
    settings: BTreeMap<Rule, Setting>,
}

impl Levels {
    /// Sets one rule.
    pub fn set(&mut self, rule: Rule, setting: Setting) {
        self.settings.insert(rule, setting);
    }

    /// Takes over every setting of `other`.
    pub fn extend(&mut self, other: &Levels) {
        self.settings.extend(&other.settings);
    }

    /// The level of a breach of `rule`, none if the user does not want to hear of it.
    pub fn judge(&self, rule: Rule, circumstances: Circumstances) -> Option<Level> {
        match self.settings.get(&rule) {
            Some(Setting::Allow) => return None,
            Some(Setting::Warn) => return Some(Level::Warning),
            Some(Setting::Deny) => return Some(Level::Error),
            None => {}
        }
        Some(if circumstances.deadlock {
            Level::Error
        } else if circumstances.needs_overlapped || !rule.info().rests_on.is_empty() {
            Level::Note
        } else if circumstances.went_on {
            Level::Warning
        } else {
            Level::Error
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str) -> Rule {
        Rule::from_id(id).expect("a rule of the contract")
    }

    #[test]
    fn the_level_follows_from_the_rule_and_what_happened() {
        let levels = Levels::default();
        let plain = rule("af-cm-close-complete-required");
        let read = rule("af-notify-on-halt");
        assert_eq!(levels.judge(plain, Circumstances::default()), Some(Level::Error));
        let went_on = Circumstances { went_on: true, ..Circumstances::default() };
        assert_eq!(levels.judge(plain, went_on), Some(Level::Warning));
        assert_eq!(levels.judge(read, Circumstances::default()), Some(Level::Note));
        let deadlock = Circumstances { deadlock: true, ..Circumstances::default() };
        assert_eq!(levels.judge(read, deadlock), Some(Level::Error));
        let overlapped = Circumstances { needs_overlapped: true, ..Circumstances::default() };
        assert_eq!(levels.judge(plain, overlapped), Some(Level::Note));
    }

    #[test]
    fn the_last_setting_of_a_rule_wins() {
        let read = rule("af-notify-on-halt");
        let mut levels = Levels::default();
        levels.set(read, Setting::Deny);
        assert_eq!(levels.judge(read, Circumstances::default()), Some(Level::Error));
        let mut more = Levels::default();
        more.set(read, Setting::Allow);
        levels.extend(&more);
        assert_eq!(levels.judge(read, Circumstances::default()), None);
    }
}
