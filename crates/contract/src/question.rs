//! Open questions: where the pages contradict each other or are silent, with the reading that condis takes.

use core::fmt;

use crate::generated::question::{BY_ID, INFO, Question};

/// What the contract says about one open question.
#[derive(Clone, Copy, Debug)]
pub struct QuestionInfo {
    /// The stable id, kebab-case, area first: `af-q-early-completion`.
    pub id: &'static str,
    /// What is open.
    pub about: &'static str,
    /// The reading that condis takes.
    pub reading: &'static str,
    /// The ids of the pages concerned. See [`crate::page_url`].
    pub pages: &'static [&'static str],
}

impl Question {
    /// What the contract says about this question.
    pub fn info(self) -> &'static QuestionInfo {
        &INFO[self as usize]
    }

    /// The stable id.
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// The question with this id.
    pub fn from_id(id: &str) -> Option<Question> {
        BY_ID.binary_search_by(|question| question.id().cmp(id)).ok().map(|index| BY_ID[index])
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
