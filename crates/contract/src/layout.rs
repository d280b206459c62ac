//! Where the members of the structures lie on x64. All offsets and sizes are in bytes.
//!
//! Each structure is a static under its documented name, so that a boundary can take its offsets as constants
//! ([`Layout::offset_of`]); [`layout()`] finds one by name.

use crate::generated::layout::LAYOUTS;
pub use crate::generated::layout::structures::*;

/// A structure or union of NDIS 6 as an x64 driver sees it.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The documented name, without a leading underscore.
    pub name: &'static str,
    /// Size, with padding at the end.
    pub size: usize,
    /// Alignment.
    pub align: usize,
    /// The members in order. A dotted name is inside a named union or structure, anonymous ones are left out of the name;
    /// members of a union repeat an offset.
    pub fields: &'static [Field],
    /// What goes into its `NDIS_OBJECT_HEADER`, if it starts with one.
    pub header: Option<Header>,
    /// Whether names and offsets are certain; if not, the contract file says why.
    pub sure: bool,
}

/// A member of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The documented name.
    pub name: &'static str,
    /// The C type; "union" or "struct" where a named one starts, `[flex]` behind the element type of a flexible array.
    pub type_name: &'static str,
    /// Distance from the start of the structure.
    pub offset: usize,
}

/// What a driver writes into the `NDIS_OBJECT_HEADER` of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// The constant for `Type`, for example `NDIS_OBJECT_TYPE_OPEN_PARAMETERS`.
    pub type_name: &'static str,
    /// The value of `Type`.
    pub object_type: u8,
    /// The revisions that exist, ascending.
    pub revisions: &'static [Revision],
}

/// One revision of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The value of `Revision`.
    pub revision: u8,
    /// The constant for `Revision`.
    pub name: &'static str,
    /// The constant for `Size`.
    pub size_name: &'static str,
    /// The least value of `Size`: through the last member of this revision. Values up to the structure's size are
    /// accepted too, because sample pages use `sizeof`.
    pub size: u16,
    /// The last member of this revision.
    pub last: &'static str,
}

impl Layout {
    /// The member with this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The offset of the member with this name. Usable in a constant, so that a wrong name fails to compile:
    /// `const AT: usize = contract::layout::NDIS_OPEN_PARAMETERS.offset_of("AdapterName").unwrap();`
    pub const fn offset_of(&self, name: &str) -> Option<usize> {
        let mut index = 0;
        while index < self.fields.len() {
            if same(self.fields[index].name.as_bytes(), name.as_bytes()) {
                return Some(self.fields[index].offset);
            }
            index += 1;
        }
        None
    }
}

/// `==` on slices is not available in constants.
const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// The structure with this documented name.
pub fn layout(name: &str) -> Option<&'static Layout> {
    let index = LAYOUTS.binary_search_by(|layout| layout.name.cmp(name)).ok()?;
    Some(LAYOUTS[index])
}

/// Every structure, in the order of the names.
pub fn layouts() -> &'static [&'static Layout] {
    LAYOUTS
}
