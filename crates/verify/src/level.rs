//! How grave a breach is, and how the user may change that. The level follows from what the contract says of the rule
//! (`strength`, `refusal`, `race`, `rests_on`) and from what the breach led to ([`Circumstances`]).

use alloc::collections::BTreeMap;
use contract::{Rule, Strength, UnknownName};
use core::fmt;
use core::str::FromStr;
use model::record::{Finding, Link};

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Legal under another reading of an open question, or in need of a stop order that no page describes.
    Note,
    /// Against a recommendation, or answered by a documented status.
    Warning,
    /// Forbidden or undefined.
    Error,
}

impl Level {
    /// The level that a breach of `rule` has if nothing came of it and nobody changes it.
    pub fn of(rule: Rule) -> Level {
        let info = rule.info();
        if !info.rests_on.is_empty() {
            Level::Note
        } else if info.refusal.is_some() || info.strength == Strength::Should {
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
    /// The execution went on after it: a record says that it was warned of.
    pub went_on: bool,
    /// A task can never go on because of it.
    pub deadlock: bool,
    /// The execution used the stop order `overlapped`, and the breach cannot be had without it.
    pub needs_overlapped: bool,
}

impl Circumstances {
    /// Those of a breach that a warning record names.
    pub const WARNED: Circumstances =
        Circumstances { went_on: true, deadlock: false, needs_overlapped: false };

    /// Those of a finding at rest: a deadlock if a task stands still in its chain.
    pub fn at_rest(finding: &Finding) -> Circumstances {
        let deadlock = finding.chain.iter().any(|link| matches!(link, Link::Task(..)));
        Circumstances { deadlock, ..Circumstances::default() }
    }
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

    /// The level of a breach of `rule`, none if it is no finding: the user does not want to hear of it, or it is a
    /// refusal that an unlucky order can bring upon a correct driver.
    ///
    /// ```
    /// use contract::Rule;
    /// use verify::level::{Circumstances, Level, Levels, Setting};
    /// let mut levels = Levels::default();
    /// assert_eq!(levels.judge(Rule::AfNotifyOnHalt, Circumstances::default()), Some(Level::Note));
    /// levels.set(Rule::AfNotifyOnHalt, Setting::Deny);
    /// assert_eq!(levels.judge(Rule::AfNotifyOnHalt, Circumstances::default()), Some(Level::Error));
    /// ```
    pub fn judge(&self, rule: Rule, circumstances: Circumstances) -> Option<Level> {
        let info = rule.info();
        if info.race && circumstances.went_on {
            return None;
        }
        match self.settings.get(&rule) {
            Some(Setting::Allow) => return None,
            Some(Setting::Warn) => return Some(Level::Warning),
            Some(Setting::Deny) => return Some(Level::Error),
            None => {}
        }
        Some(if circumstances.deadlock {
            Level::Error
        } else if circumstances.needs_overlapped || !info.rests_on.is_empty() {
            Level::Note
        } else if circumstances.went_on || info.strength == Strength::Should {
            Level::Warning
        } else {
            Level::Error
        })
    }
}

/// The exit code that findings of these levels lead to: 1 if one is an error or a warning, 0 if there are only notes.
pub fn exit_code(levels: impl IntoIterator<Item = Level>) -> u8 {
    u8::from(levels.into_iter().any(|level| level >= Level::Warning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use model::record::{TaskNumber, WaitsFor};
    use model::{DriverId, Object, Token, Violation};

    const MUST: Rule = Rule::AfCmCloseCompleteRequired;
    const SHOULD: Rule = Rule::AfCloseNoBlock;
    const READING: Rule = Rule::AfNotifyOnHalt;

    fn judge(rule: Rule, circumstances: Circumstances) -> Option<Level> {
        Levels::default().judge(rule, circumstances)
    }

    #[test]
    fn must_is_an_error_should_a_warning_and_a_reading_a_note() {
        assert_eq!(judge(MUST, Circumstances::default()), Some(Level::Error));
        assert_eq!(judge(SHOULD, Circumstances::default()), Some(Level::Warning));
        assert_eq!(judge(READING, Circumstances::default()), Some(Level::Note));
        assert_eq!(
            (Level::of(MUST), Level::of(SHOULD), Level::of(READING)),
            (Level::Error, Level::Warning, Level::Note)
        );
    }

    #[test]
    fn what_the_execution_survived_is_a_warning() {
        assert_eq!(judge(MUST, Circumstances::WARNED), Some(Level::Warning));
        assert_eq!(judge(READING, Circumstances::WARNED), Some(Level::Note));
    }

    #[test]
    fn a_deadlock_is_an_error_whatever_rule_explains_it() {
        let deadlock = Circumstances { deadlock: true, ..Circumstances::default() };
        assert_eq!(judge(SHOULD, deadlock), Some(Level::Error));
        assert_eq!(judge(READING, deadlock), Some(Level::Error));
    }

    #[test]
    fn a_finding_at_rest_is_a_deadlock_if_a_task_stands_still() {
        let violation =
            Violation { rule: SHOULD, by: DriverId(0), object: Object::Driver(DriverId(0)), offence: "" };
        let link = Link::Task(TaskNumber(1), DriverId(0), None, WaitsFor::Object(Token(1)));
        let stuck = Finding { violation, chain: vec![link] };
        assert!(Circumstances::at_rest(&stuck).deadlock);
        assert!(!Circumstances::at_rest(&Finding { violation, chain: vec![] }).deadlock);
    }

    #[test]
    fn what_only_the_undocumented_stop_order_shows_is_a_note() {
        let overlapped = Circumstances { needs_overlapped: true, ..Circumstances::default() };
        assert_eq!(judge(MUST, overlapped), Some(Level::Note));
    }

    #[test]
    fn a_refusal_that_a_correct_driver_can_meet_is_no_finding() {
        let race = Rule::ALL.iter().copied().find(|rule| rule.info().race).expect("a rule with a race");
        assert_eq!(judge(race, Circumstances::WARNED), None);
        let mut levels = Levels::default();
        levels.set(race, Setting::Deny);
        assert_eq!(levels.judge(race, Circumstances::WARNED), None);
        assert!(judge(race, Circumstances::default()).is_some());
    }

    #[test]
    fn the_user_may_allow_warn_and_deny_and_the_last_word_counts() {
        let mut levels = Levels::default();
        levels.set(MUST, Setting::Warn);
        assert_eq!(levels.judge(MUST, Circumstances::default()), Some(Level::Warning));
        levels.set(MUST, Setting::Allow);
        assert_eq!(levels.judge(MUST, Circumstances::default()), None);
        let mut more = Levels::default();
        more.set(MUST, Setting::Deny);
        levels.extend(&more);
        assert_eq!(levels.judge(MUST, Circumstances::default()), Some(Level::Error));
        assert_eq!(
            levels.judge(READING, Circumstances::default()),
            Some(Level::Note),
            "the others are untouched"
        );
    }

    #[test]
    fn settings_are_read_from_their_words() {
        assert_eq!("deny".parse(), Ok(Setting::Deny));
        assert_eq!(
            "forbid".parse::<Setting>().map_err(|error| error.known),
            Err(&["allow", "warn", "deny"][..])
        );
    }

    #[test]
    fn notes_do_not_fail_a_run() {
        assert_eq!(exit_code([]), 0);
        assert_eq!(exit_code([Level::Note, Level::Note]), 0);
        assert_eq!(exit_code([Level::Note, Level::Warning]), 1);
        assert_eq!(exit_code([Level::Error]), 1);
    }
}
