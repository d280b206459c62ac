//! Area `af`: address families. An MCM's completions and notifications are macros of the header over the same exports
//! as a call manager's; which it is shows in the handle.

use super::{Here, Out};
use crate::guest::{self, Block};
use contract::Status;
use contract::layout::CO_ADDRESS_FAMILY as FAMILY;
use model::block::AddressFamily;
use model::{Call, Token};

const KIND: usize = FAMILY.offset_of("AddressFamily").unwrap();
const MAJOR: usize = FAMILY.offset_of("MajorVersion").unwrap();
const MINOR: usize = FAMILY.offset_of("MinorVersion").unwrap();

/// Reads a `CO_ADDRESS_FAMILY`.
fn family(here: &Here, address: u64) -> AddressFamily {
    let bytes = here.check(Block::<{ FAMILY.size }>::read(address, FAMILY.size));
    AddressFamily { family: bytes.u32(KIND), major: bytes.u32(MAJOR), minor: bytes.u32(MINOR) }
}

super::exports! {
    Ndis Passive "nf-ndis-ndiscmregisteraddressfamilyex"
    NdisCmRegisterAddressFamilyEx[here](binding: u64, block: u64) -> u32 {
        let family = family(&here, block);
        here.plain_call(Call::CmRegisterAddressFamilyEx { binding: here.handle(binding), family }).0
    }

    Ndis Passive "nf-ndis-ndismcmregisteraddressfamilyex"
    NdisMCmRegisterAddressFamilyEx[here](adapter: u64, block: u64) -> u32 {
        let family = family(&here, block);
        here.plain_call(Call::MCmRegisterAddressFamilyEx { adapter: here.handle(adapter), family }).0
    }

    Ndis Passive "nf-ndis-ndisclopenaddressfamilyex"
    NdisClOpenAddressFamilyEx[here](binding: u64, block: u64, context: u64, handle: u64) -> u32 {
        let family = family(&here, block);
        here.check(guest::read_u64(handle));
        here.inherit(context, binding);
        let call = Call::ClOpenAddressFamilyEx { binding: here.handle(binding), family, af_context: Token(context) };
        here.storing_call(call, Out { handle, of: binding, ..Out::default() }).0
    }

    Ndis Dispatch "nf-ndis-ndiscmopenaddressfamilycomplete"
    NdisCmOpenAddressFamilyComplete[here](status: u32, af: u64, context: u64) {
        here.inherit(context, af);
        let af = here.handle(af);
        let call = Call::CmOpenAddressFamilyComplete { status: Status(status), af, af_context: Token(context) };
        here.plain_call(call);
    }

    Ndis Dispatch "nf-ndis-ndisclcloseaddressfamily"
    NdisClCloseAddressFamily[here](af: u64) -> u32 {
        here.plain_call(Call::ClCloseAddressFamily { af: here.handle(af) }).0
    }

    Ndis Dispatch "nf-ndis-ndiscmcloseaddressfamilycomplete"
    NdisCmCloseAddressFamilyComplete[here](status: u32, af: u64) {
        here.plain_call(Call::CmCloseAddressFamilyComplete { status: Status(status), af: here.handle(af) });
    }

    Ndis Passive "nf-ndis-ndiscmnotifycloseaddressfamily"
    NdisCmNotifyCloseAddressFamily[here](af: u64) -> u32 {
        here.plain_call(Call::CmNotifyCloseAddressFamily { af: here.handle(af) }).0
    }

    Ndis Dispatch "nf-ndis-ndisclnotifycloseaddressfamilycomplete"
    NdisClNotifyCloseAddressFamilyComplete[here](af: u64, status: u32) {
        let call = Call::ClNotifyCloseAddressFamilyComplete { af: here.handle(af), status: Status(status) };
        here.plain_call(call);
    }
}
