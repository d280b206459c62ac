//! `NDIS_STATUS`, the result of most calls in both directions. The named values are associated constants, without the
//! prefix: [`Status::SUCCESS`] is `NDIS_STATUS_SUCCESS`.

use core::fmt;
use core::str::FromStr;

use crate::area::UnknownName;
use crate::generated::status::{BY_NAME, BY_VALUE};

/// An `NDIS_STATUS` value, printed by name where it has one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u32);

impl Status {
    /// Every named status, in the order of the values.
    pub const ALL: &[Status] = crate::generated::status::ALL;

    /// The documented name, with its prefix.
    pub fn name(self) -> Option<&'static str> {
        let index = BY_VALUE.binary_search_by_key(&self.0, |(value, _)| *value).ok()?;
        Some(BY_VALUE[index].1)
    }

    /// The status with this documented name (`NDIS_STATUS_SUCCESS`).
    pub fn from_name(name: &str) -> Option<Status> {
        let index = BY_NAME.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        Some(Status(BY_NAME[index].1))
    }

    /// Whether this is `NDIS_STATUS_SUCCESS`. Informational codes and `NDIS_STATUS_PENDING` are not.
    pub const fn is_success(self) -> bool {
        self.0 == Status::SUCCESS.0
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Status {
    type Err = UnknownName;

    /// Reads what `Display` writes: a documented name, or a value as `0x` and hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let unknown =
            UnknownName { what: "status", known: &["NDIS_STATUS_SUCCESS and the like", "0xC0000001"] };
        if let Some(digits) = text.strip_prefix("0x") {
            if digits.starts_with('+') {
                return Err(unknown);
            }
            return u32::from_str_radix(digits, 16).map(Status).map_err(|_| unknown);
        }
        Status::from_name(text).ok_or(unknown)
    }
}
