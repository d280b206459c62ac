//! Area `vc`: virtual connections. A driver that creates one passes a variable for the handle, and what the variable holds
//! by then is an argument, too.

use super::{Here, Out};
use crate::guest::{self, at};
use crate::pool::{Block, Family};
use contract::Status;
use model::block::Name;
use model::{Call, HandleArg, OutParameter, Token};

/// The tag of the names that NDIS makes.
const NAME_TAG: u32 = u32::from_le_bytes(*b"NDnm");

/// The base name as far as the core takes one.
fn base_name(text: &str) -> Name {
    Name::new(&text[..text.floor_char_boundary(Name::MAX)]).expect("no longer than a name may be")
}

/// The base name that a VC got first, which the core has in part only if it is long; `base` if this is the first.
fn whole_name(here: &Here, vc: HandleArg, base: String) -> String {
    let HandleArg::Known(vc) = vc else { return base };
    let mut names = here.host().long_names.borrow_mut();
    match names.get(&vc.made_by()) {
        Some(first) => first.clone(),
        None if base.len() <= Name::MAX => base,
        None => names.entry(vc.made_by()).or_insert(base).clone(),
    }
}

/// Stores an instance name in a `NDIS_STRING`, with a buffer that the driver is to free.
fn store_name(here: &Here, place: u64, text: &str) {
    let mut units: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    // A counted string has no room for more.
    units.truncate(usize::from(u16::MAX - 1));
    let block = Block {
        address: 0,
        size: units.len() as u64,
        tag: NAME_TAG,
        owner: here.driver().id,
        site: here.site(),
        family: Family::Ndis,
    };
    let buffer = here.host().pool.borrow_mut().allocate(block, true).expect("a small block");
    guest::write(buffer, &units).expect("a new block can be written");
    here.check(guest::write_u16(place, units.len() as u16 - 2));
    here.check(guest::write_u16(at(place, 2), units.len() as u16));
    here.check(guest::write_u64(at(place, 8), buffer));
}

super::exports! {
    Ndis Dispatch "nf-ndis-ndiscocreatevc"
    NdisCoCreateVc[here](binding: u64, af: u64, context: u64, handle: u64) -> u32 {
        let vc = here.handle(here.check(guest::read_u64(handle)));
        here.inherit(context, binding);
        let call = Call::CoCreateVc { binding: here.handle(binding), af: here.handle(af), vc_context: Token(context), vc };
        here.storing_call(call, Out { handle, of: binding, ..Out::default() }).0
    }

    Ndis Dispatch "nf-ndis-ndiscodeletevc"
    NdisCoDeleteVc[here](vc: u64) -> u32 {
        here.plain_call(Call::CoDeleteVc { vc: here.handle(vc) }).0
    }

    Ndis Dispatch "nf-ndis-ndismcmcreatevc"
    NdisMCmCreateVc[here](adapter: u64, af: u64, context: u64, handle: u64) -> u32 {
        let vc = here.handle(here.check(guest::read_u64(handle)));
        let call = Call::MCmCreateVc { adapter: here.handle(adapter), af: here.handle(af), vc_context: Token(context), vc };
        here.storing_call(call, Out { handle, of: af, ..Out::default() }).0
    }

    Ndis Dispatch "nf-ndis-ndismcmdeletevc"
    NdisMCmDeleteVc[here](vc: u64) -> u32 {
        here.plain_call(Call::MCmDeleteVc { vc: here.handle(vc) }).0
    }

    Ndis Dispatch "nf-ndis-ndiscmactivatevc"
    NdisCmActivateVc[here](vc: u64, parameters: u64) -> u32 {
        let call = Call::CmActivateVc { vc: here.handle(vc), parameters: here.parameters(parameters) };
        here.storing_call(call, Out { parameters, ..Out::default() }).0
    }

    Ndis Dispatch "nf-ndis-ndismcmactivatevc"
    NdisMCmActivateVc[here](vc: u64, parameters: u64) -> u32 {
        let call = Call::MCmActivateVc { vc: here.handle(vc), parameters: here.parameters(parameters) };
        here.storing_call(call, Out { parameters, ..Out::default() }).0
    }

    Ndis Dispatch "nf-ndis-ndiscmdeactivatevc"
    NdisCmDeactivateVc[here](vc: u64) -> u32 {
        here.plain_call(Call::CmDeactivateVc { vc: here.handle(vc) }).0
    }

    Ndis Dispatch "nf-ndis-ndismcmdeactivatevc"
    NdisMCmDeactivateVc[here](vc: u64) -> u32 {
        here.plain_call(Call::MCmDeactivateVc { vc: here.handle(vc) }).0
    }

    Ndis Dispatch "nf-ndis-ndismcoactivatevccomplete"
    NdisMCoActivateVcComplete[here](status: u32, vc: u64, parameters: u64) {
        let parameters = here.parameters(parameters);
        here.plain_call(Call::MCoActivateVcComplete { status: Status(status), vc: here.handle(vc), parameters });
    }

    Ndis Dispatch "nf-ndis-ndismcodeactivatevccomplete"
    NdisMCoDeactivateVcComplete[here](status: u32, vc: u64) {
        here.plain_call(Call::MCoDeactivateVcComplete { status: Status(status), vc: here.handle(vc) });
    }

    Ndis Dispatch "nf-ndis-ndiscoassigninstancename"
    NdisCoAssignInstanceName[here](vc: u64, base: u64, instance: u64) -> u32 {
        let text = String::from_utf16_lossy(&here.check(guest::read_unicode_string(base)));
        if instance != 0 {
            here.check(guest::read_u64(at(instance, 8)));
        }
        let base_name = base_name(&text);
        let vc = here.handle(vc);
        here.call(Call::CoAssignInstanceName { vc, base_name }, |result| {
            let OutParameter::InstanceName(base, index) = result else {
                unreachable!("naming a VC stores its name, not {result:?}")
            };
            let base = if base == base_name { text.clone() } else { base.as_str().to_owned() };
            let base = whole_name(&here, vc, base);
            if instance != 0 {
                store_name(&here, instance, &format!("{base}{index}"));
            }
        }).0
    }
}
