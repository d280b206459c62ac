//! What NDIS promises a driver; ours to keep.

use core::fmt;

use crate::area::Area;
use crate::generated::ddi::Ddi;
use crate::generated::guarantee::{BY_ID, Guarantee, INFO};

/// What the contract says about one guarantee.
#[derive(Clone, Copy, Debug)]
pub struct GuaranteeInfo {
    /// The stable id, kebab-case, area first: `status-g-broadcast`.
    pub id: &'static str,
    /// The area it belongs to.
    pub area: Area,
    /// The promise, in our own words.
    pub text: &'static str,
    /// The DDIs it is about.
    pub ddis: &'static [Ddi],
    /// The ids of the pages that make it. See [`crate::page_url`].
    pub pages: &'static [&'static str],
}

impl Guarantee {
    /// What the contract says about this guarantee.
    pub fn info(self) -> &'static GuaranteeInfo {
        &INFO[self as usize]
    }

    /// The stable id.
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// The guarantee with this id.
    pub fn from_id(id: &str) -> Option<Guarantee> {
        BY_ID.binary_search_by(|guarantee| guarantee.id().cmp(id)).ok().map(|index| BY_ID[index])
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
