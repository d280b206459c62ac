//! Area `binding`: protocols on adapters, and the life of an adapter.

use super::registration::{header_of, read};
use super::{Here, Out};
use crate::guest::{self, at};
use crate::native::adapter_name;
use contract::Status;
use contract::layout::NDIS_OPEN_PARAMETERS as OPEN;
use model::block::{Media, OpenParameters};
use model::{Call, HandleArg, OutParameter, Token};

const ADAPTER_NAME: usize = OPEN.offset_of("AdapterName").unwrap();
const MEDIUM_ARRAY: usize = OPEN.offset_of("MediumArray").unwrap();
const MEDIUM_ARRAY_SIZE: usize = OPEN.offset_of("MediumArraySize").unwrap();
const SELECTED_MEDIUM: usize = OPEN.offset_of("SelectedMediumIndex").unwrap();
const FRAME_TYPES: usize = OPEN.offset_of("FrameTypeArray").unwrap();
const FRAME_TYPES_SIZE: usize = OPEN.offset_of("FrameTypeArraySize").unwrap();
/// More frame types than one open may name are not read, only counted.
const MOST_FRAME_TYPES: u64 = 16;

/// Whether the string at `name` is the name of the adapter that `bind_context` offers.
fn names_adapter(here: &Here, name: u64, bind_context: HandleArg) -> bool {
    let name = here.check(guest::read_unicode_string(name));
    let HandleArg::Known(bind) = bind_context else { return false };
    let adapter =
        here.driver().handlers.borrow().binds.iter().rev().find(|(of, _)| *of == bind).map(|(_, id)| *id);
    adapter
        .is_some_and(|adapter| String::from_utf16_lossy(&name).eq_ignore_ascii_case(&adapter_name(adapter)))
}

/// The media that a protocol can use. What lies beyond the most that can be kept is left out, which leaves enough:
/// the enumeration has hardly more members.
fn media(here: &Here, array: u64, size: u32) -> Media {
    let count = (size as usize).min(Media::MAX);
    let mut values = [0; Media::MAX];
    for (index, value) in values[..count].iter_mut().enumerate() {
        let medium = here.check(guest::read_u32(at(array, 4 * index as u64)));
        *value = u8::try_from(medium).unwrap_or(u8::MAX);
    }
    Media::new(&values[..count]).expect("no more than the most")
}

super::exports! {
    Ndis Passive "nf-ndis-ndisopenadapterex"
    NdisOpenAdapterEx[here](protocol: u64, context: u64, block: u64, bind_context: u64, handle: u64) -> u32 {
        let bytes = read(&here, block, &OPEN);
        let bind_context = here.handle(bind_context);
        let selected = bytes.u64(SELECTED_MEDIUM);
        here.check(guest::read_u32(selected));
        here.check(guest::read_u64(handle));
        let frame_types = bytes.u32(FRAME_TYPES_SIZE);
        for index in 0..u64::from(frame_types).min(MOST_FRAME_TYPES) {
            here.check(guest::read_u16(at(bytes.u64(FRAME_TYPES), 2 * index)));
        }
        let parameters = OpenParameters {
            header: header_of(&bytes),
            names_bound_adapter: names_adapter(&here, bytes.u64(ADAPTER_NAME), bind_context),
            media: media(&here, bytes.u64(MEDIUM_ARRAY), bytes.u32(MEDIUM_ARRAY_SIZE)),
            frame_types,
        };
        let call = Call::OpenAdapterEx {
            protocol: here.handle(protocol),
            binding_context: Token(context),
            parameters,
            bind_context,
        };
        here.call(call, |result| {
            if let OutParameter::Binding(binding, medium) = result {
                here.check(guest::write_u32(selected, medium));
                let value = here.host().address_of(binding);
                let mut handlers = here.driver().handlers.borrow_mut();
                handlers.note(context, binding);
                handlers.note(value, binding);
            }
            here.store(&Out { handle, ..Out::default() }, result);
        }).0
    }

    Ndis Passive "nf-ndis-ndiscloseadapterex"
    NdisCloseAdapterEx[here](binding: u64) -> u32 {
        here.plain_call(Call::CloseAdapterEx { binding: here.handle(binding) }).0
    }

    Ndis Dispatch "nf-ndis-ndiscompletebindadapterex"
    NdisCompleteBindAdapterEx[here](bind_context: u64, status: u32) {
        let call = Call::CompleteBindAdapterEx { bind_context: here.handle(bind_context), status: Status(status) };
        here.plain_call(call);
    }

    Ndis Dispatch "nf-ndis-ndiscompleteunbindadapterex"
    NdisCompleteUnbindAdapterEx[here](unbind_context: u64) {
        here.plain_call(Call::CompleteUnbindAdapterEx { unbind_context: here.handle(unbind_context) });
    }

    Ndis Dispatch "nf-ndis-ndisunbindadapter"
    NdisUnbindAdapter[here](binding: u64) -> u32 {
        here.plain_call(Call::UnbindAdapter { binding: here.handle(binding) }).0
    }

    Ndis Passive "nf-ndis-ndisreenumerateprotocolbindings"
    NdisReEnumerateProtocolBindings[here](protocol: u64) {
        here.plain_call(Call::ReEnumerateProtocolBindings { protocol: here.handle(protocol) });
    }

    Ndis Passive "nf-ndis-ndiscompletenetpnpevent"
    NdisCompleteNetPnPEvent[here](binding: u64, notification: u64, status: u32) {
        let events = &here.driver().handlers;
        let known = events.borrow().events.iter().rev().find(|(at, _)| *at == notification).map(|(_, event)| *event);
        let event = match known {
            Some(event) => HandleArg::Known(event),
            None if notification == 0 => HandleArg::Null,
            None => HandleArg::Unknown(notification),
        };
        let call = Call::CompleteNetPnPEvent { binding: here.handle(binding), event, status: Status(status) };
        here.plain_call(call);
        if known.is_some() {
            here.host().take_back(notification);
        }
    }

    Ndis Dispatch "nf-ndis-ndismpausecomplete"
    NdisMPauseComplete[here](adapter: u64) {
        here.plain_call(Call::MPauseComplete { adapter: here.handle(adapter) });
    }

    Ndis Dispatch "nf-ndis-ndismrestartcomplete"
    NdisMRestartComplete[here](adapter: u64, status: u32) {
        here.plain_call(Call::MRestartComplete { adapter: here.handle(adapter), status: Status(status) });
    }

    Ndis Dispatch "nf-ndis-ndismremoveminiport"
    NdisMRemoveMiniport[here](adapter: u64) -> u32 {
        here.plain_call(Call::MRemoveMiniport { adapter: here.handle(adapter) }).0
    }
}
