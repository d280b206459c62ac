//! What the functions of the documentation look like in a script: the kind of each argument, which may be left out, what
//! a call stores where its caller asked for it, and what a handler stores beside its status.

use super::block::Structure;
use super::value::Value;
use super::whole::Shape;
use contract::{Ddi, DdiKind};
use model::{Callback, HandleArg, OutParameter};

/// The kind of an argument, by its name: what a script's value is turned into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Handle,
    Token,
    Status,
    Family,
    Block(Structure),
    Whole(Shape),
    Size,
    Name,
    CallId,
}

/// The kind of the argument `name` of a call of `ddi`, or of a structure among those of a handler.
pub(crate) fn kind_of(ddi: Ddi, name: &str) -> Option<Kind> {
    Some(match name {
        "driver_context" | "binding_context" | "af_context" | "sap_context" | "vc_context"
        | "party_context" | "data" => Kind::Token,
        "protocol" | "driver" | "handle" | "adapter" | "binding" | "bind_context" | "unbind_context"
        | "event" | "af" | "sap" | "vc" | "party" => Kind::Handle,
        "status" => Kind::Status,
        "family" => Kind::Family,
        "characteristics" if ddi == Ddi::NdisMRegisterMiniportDriver => {
            Kind::Block(Structure::MiniportCharacteristics)
        }
        "characteristics" => Kind::Block(Structure::ProtocolCharacteristics),
        "handlers" => Kind::Block(Structure::OptionalHandlers),
        "parameters" if ddi == Ddi::NdisOpenAdapterEx => Kind::Block(Structure::OpenParameters),
        "parameters" => Kind::Whole(Shape::CallParameters),
        "attributes" => Kind::Block(Structure::Attributes),
        "specification" => Kind::Whole(Shape::Sap),
        "size" => Kind::Size,
        "base_name" => Kind::Name,
        "call_id" => Kind::CallId,
        _ => return None,
    })
}

/// What an argument is that a script leaves out, if it may: a call has no party, there is no close data, and the variable for
/// a new handle holds NULL.
pub(crate) fn default_of(ddi: Ddi, name: &str) -> Option<Value> {
    let of_call = matches!(
        ddi,
        Ddi::NdisClMakeCall
            | Ddi::NdisCmMakeCallComplete
            | Ddi::NdisClCloseCall
            | Ddi::NdisCmCloseCallComplete
    );
    let creates = matches!(ddi, Ddi::NdisCoCreateVc | Ddi::NdisMCmCreateVc);
    match name {
        "party" | "party_context" if of_call => Some(Value::Null),
        "vc" if creates => Some(Value::Null),
        "data" => Some(Value::Null),
        "size" if ddi != Ddi::NdisCoGetTapiCallId => Some(Value::Number(0)),
        _ => None,
    }
}

/// Whether a function has no return value.
pub(crate) fn is_void(ddi: Ddi) -> bool {
    ddi.info().signature.starts_with("VOID ")
}

/// The function that a call of `ddi` is: an MCM's macro is the call manager's function.
pub(crate) fn called(ddi: Ddi) -> Ddi {
    let info = ddi.info();
    match info.kind {
        DdiKind::Macro => info.export.and_then(Ddi::from_name).unwrap_or(ddi),
        DdiKind::Function | DdiKind::Callback => ddi,
    }
}

/// Something that a call stores where its caller asked for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stored {
    Handle,
    CallParameters,
    InstanceName,
    InstanceIndex,
    CallId,
    VcContext,
}

/// What a call of `ddi` stores, in the order in which a script names the places.
pub(crate) fn stores(ddi: Ddi) -> &'static [Stored] {
    match ddi {
        Ddi::NdisRegisterProtocolDriver
        | Ddi::NdisMRegisterMiniportDriver
        | Ddi::NdisOpenAdapterEx
        | Ddi::NdisClOpenAddressFamilyEx
        | Ddi::NdisClRegisterSap
        | Ddi::NdisCoCreateVc
        | Ddi::NdisMCmCreateVc => &[Stored::Handle],
        Ddi::NdisClMakeCall | Ddi::NdisClAddParty => &[Stored::Handle, Stored::CallParameters],
        Ddi::NdisCmActivateVc
        | Ddi::NdisMCmActivateVc
        | Ddi::NdisClModifyCallQoS
        | Ddi::NdisCmDispatchIncomingCall => &[Stored::CallParameters],
        Ddi::NdisCoAssignInstanceName => &[Stored::InstanceName, Stored::InstanceIndex],
        Ddi::NdisCoGetTapiCallId => &[Stored::CallId],
        Ddi::NdisClGetProtocolVcContextFromTapiCallId => &[Stored::VcContext],
        _ => &[],
    }
}

/// What a result is for a script, one value for each thing that it holds.
pub(crate) fn stored(result: OutParameter) -> [Option<(Stored, Value)>; 2] {
    let handle = |handle: HandleArg| [Some((Stored::Handle, model::Value::Handle(handle).into())), None];
    match result {
        OutParameter::DriverHandle(known)
        | OutParameter::Binding(known, _)
        | OutParameter::AddressFamily(known)
        | OutParameter::Sap(known)
        | OutParameter::Vc(known) => handle(known.into()),
        OutParameter::Party(party) => handle(party),
        OutParameter::CallParameters(parameters) => {
            [Some((Stored::CallParameters, Value::CallParameters(parameters))), None]
        }
        OutParameter::InstanceName(name, index) => [
            Some((Stored::InstanceName, Value::Name(name))),
            Some((Stored::InstanceIndex, Value::Number(index.into()))),
        ],
        OutParameter::CallId(id) => [Some((Stored::CallId, Value::CallId(id))), None],
        OutParameter::VcContext(context) => {
            [Some((Stored::VcContext, model::Value::Token(context).into())), None]
        }
    }
}

/// What the documentation calls the context that a handler stores, if it stores one.
pub(crate) fn context_of(handler: Ddi) -> Option<&'static str> {
    match handler {
        Ddi::ProtocolCmOpenAf => Some("CallMgrAfContext"),
        Ddi::ProtocolCmRegisterSap => Some("CallMgrSapContext"),
        Ddi::ProtocolCoCreateVc => Some("ProtocolVcContext"),
        Ddi::MiniportCoCreateVc => Some("MiniportVcContext"),
        Ddi::ProtocolCmMakeCall | Ddi::ProtocolCmAddParty => Some("CallMgrPartyContext"),
        _ => None,
    }
}

/// Whether a handler gets call parameters, which it may then change.
pub(crate) fn has_parameters(handler: Ddi) -> bool {
    Callback::argument_names(handler).is_some_and(|names| names.contains(&"parameters"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Call;

    #[test]
    fn a_script_can_write_every_argument_of_every_call() {
        for &ddi in Ddi::ALL {
            for name in Call::argument_names(ddi).unwrap_or_default() {
                assert!(kind_of(ddi, name).is_some(), "{name} of {ddi}");
            }
        }
    }

    #[test]
    fn the_macros_of_an_mcm_are_the_functions_of_a_call_manager() {
        assert_eq!(called(Ddi::NdisMCmCloseAddressFamilyComplete), Ddi::NdisCmCloseAddressFamilyComplete);
        assert_eq!(called(Ddi::NdisMCmRegisterAddressFamilyEx), Ddi::NdisMCmRegisterAddressFamilyEx);
        assert_eq!(called(Ddi::NdisMCmDispatchIncomingCall), Ddi::NdisCmDispatchIncomingCall);
    }

    #[test]
    fn a_call_may_store_what_its_prototype_has_places_for() {
        for &ddi in Ddi::ALL {
            if Call::argument_names(ddi).is_none() {
                continue;
            }
            let has_place = ddi.info().signature.contains("PNDIS_HANDLE")
                || stores(ddi).iter().any(|stored| *stored != Stored::Handle);
            assert_eq!(!stores(ddi).is_empty(), has_place, "{ddi}");
        }
    }
}
