//! Page ids and where the pages are.
//!
//! A page id takes one of these forms; `contract/README.md` lists them too:
//! - `nf-ndis-ndisclcloseaddressfamily`: a page of the DDI reference; the second word is its header;
//! - `nblapi/nf-nblapi-ndisallocatenetbufferlist`: the same, with the header's folder written out;
//! - `reset` or `network/reset`: a page of the network design guide;
//! - `kernel/…`, `devtest/…`, `debugger/…`, `debuggercmds/…`: a page of another guide;
//! - `mingw:ddk/ndis.h`, `windows-sys:Wdk/…`: a public header or crate, which has no page.

use core::fmt;

const REFERENCE: &str = "https://learn.microsoft.com/windows-hardware/drivers/ddi";
const GUIDE: &str = "https://learn.microsoft.com/windows-hardware/drivers";

/// The address of a documentation page; printed by `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageUrl<'a> {
    base: &'static str,
    folder: &'a str,
    page: &'a str,
}

impl fmt::Display for PageUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.base, self.folder, self.page)
    }
}

/// Where the page with this id is, or `None` if the id names a header or crate, or nothing.
pub fn page_url(id: &str) -> Option<PageUrl<'_>> {
    if id.is_empty() || id.contains(':') {
        return None;
    }
    let (folder, page) = match id.split_once('/') {
        Some((folder, page)) => (Some(folder), page),
        None => (None, id),
    };
    if let Some(header) = header_of(page) {
        return Some(PageUrl { base: REFERENCE, folder: folder.unwrap_or(header), page });
    }
    match folder {
        Some(folder @ ("network" | "kernel" | "devtest" | "debugger" | "debuggercmds" | "ifs")) => {
            Some(PageUrl { base: GUIDE, folder, page })
        }
        // A page of the reference that describes a header as a whole, or a macro without the usual prefix.
        Some(folder) => Some(PageUrl { base: REFERENCE, folder, page }),
        None => Some(PageUrl { base: GUIDE, folder: "network", page }),
    }
}

/// The header in the name of a reference page: `ndis` in `nf-ndis-ndisclcloseaddressfamily`.
fn header_of(page: &str) -> Option<&str> {
    let rest = ["nf-", "nc-", "ns-", "ne-"].into_iter().find_map(|prefix| page.strip_prefix(prefix))?;
    rest.split_once('-').map(|(header, _)| header)
}
