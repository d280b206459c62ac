//! The load configuration: what the loader must set before code with stack cookies or guarded calls may run.
//!
//! See the PE Format page, "The Load Configuration Structure".

use std::mem::offset_of;

use object::LittleEndian as LE;
use object::endian::{U32, U64};
use object::pe::{self, ImageLoadConfigDirectory64 as Fields};

use crate::error::{Directory, ParseError};
use crate::headers::Headers;
use crate::view::View;

/// What the load configuration says. Every RVA leads to eight bytes inside one section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadConfig {
    /// Where the stack cookie is, which must get a random value before the driver runs.
    pub security_cookie: Option<u32>,
    /// Where the pointer is that guarded code calls to check a target.
    pub guard_cf_check_function_pointer: Option<u32>,
    /// Where the pointer is that guarded code calls to check a target and go on to it.
    pub guard_cf_dispatch_function_pointer: Option<u32>,
    /// `GuardFlags` (`IMAGE_GUARD_…`); zero when the structure is too old to have them.
    pub guard_flags: u32,
}

/// Reads the load configuration. The structure has grown over time: what lies behind its size is not there.
pub(crate) fn parse(view: &View<'_>, headers: &Headers) -> Result<Option<LoadConfig>, ParseError> {
    let Some((rva, _)) = headers.directory(Directory::LoadConfig) else {
        return Ok(None);
    };
    let size = view.require::<U32<LE>>(Directory::LoadConfig, rva, 0)?.get(LE) as usize;
    let address = |offset: usize| -> Result<u64, ParseError> {
        if offset + size_of::<u64>() > size {
            return Ok(0);
        }
        Ok(view.require::<U64<LE>>(Directory::LoadConfig, rva, offset as u64)?.get(LE))
    };
    let pointer = |field: &'static str, offset: usize| -> Result<Option<u32>, ParseError> {
        let address = address(offset)?;
        if address == 0 {
            return Ok(None);
        }
        let target = address.checked_sub(headers.image_base).and_then(|target| u32::try_from(target).ok());
        match target.filter(|target| view.in_section(*target, 8)) {
            Some(target) => Ok(Some(target)),
            None => Err(ParseError::LoadConfigPointer { field, address }),
        }
    };
    if address(offset_of!(Fields, chpe_metadata_pointer))? != 0 {
        return Err(ParseError::Arm64Ec);
    }
    let flags_offset = offset_of!(Fields, guard_flags);
    let guard_flags = if flags_offset + size_of::<pe::GuardFlags>() <= size {
        view.require::<U32<LE>>(Directory::LoadConfig, rva, flags_offset as u64)?.get(LE)
    } else {
        0
    };
    Ok(Some(LoadConfig {
        security_cookie: pointer("SecurityCookie", offset_of!(Fields, security_cookie))?,
        guard_cf_check_function_pointer: pointer(
            "GuardCFCheckFunctionPointer",
            offset_of!(Fields, guard_cf_check_function_pointer),
        )?,
        guard_cf_dispatch_function_pointer: pointer(
            "GuardCFDispatchFunctionPointer",
            offset_of!(Fields, guard_cf_dispatch_function_pointer),
        )?,
        guard_flags,
    }))
}
