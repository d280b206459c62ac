//! Call parameters and SAPs as values. Where a structure lies is the business of this module alone.

use super::kernel::Kernel;
use contract::layout::{
    CO_AF_TAPI_INCOMING_CALL_PARAMETERS, CO_AF_TAPI_MAKE_CALL_PARAMETERS, CO_AF_TAPI_SAP,
};
use contract::values::constants::{
    AF_TAPI_SAP_TYPE, CO_ADDRESS_FAMILY_TAPI_PROXY, CO_TAPI_FLAG_INCOMING_CALL,
};
use model::Token;
use model::block::{AddressFamily, CALL_PARAMETERS_CHANGED, CallParameters, Sap};

/// `CO_ADDRESS_FAMILY_TAPI_PROXY`: what the drivers that come with condis offer and open.
pub const TAPI_PROXY: AddressFamily =
    AddressFamily { family: CO_ADDRESS_FAMILY_TAPI_PROXY, major: 0, minor: 0 };

/// A `CO_SAP` for a call manager of the TAPI proxy's family, which holds a `CO_AF_TAPI_SAP` and stands for `value`.
pub const fn sap(value: u64) -> Sap {
    let length = CO_AF_TAPI_SAP.size as u32;
    Sap { address: Token::NULL, sap_type: AF_TAPI_SAP_TYPE, length, value }
}

/// A `CO_CALL_PARAMETERS` for a call manager of the TAPI proxy's family, which holds a `CO_AF_TAPI_MAKE_CALL_PARAMETERS`: a call to the
/// SAP that stands for `called`, with so many bytes per second in each direction.
pub const fn call_to(called: u64, bandwidth: u32) -> CallParameters {
    CallParameters {
        called,
        transmit: bandwidth,
        receive: bandwidth,
        media_length: CO_AF_TAPI_MAKE_CALL_PARAMETERS.size as u32,
        ..CallParameters::NULL
    }
}

/// What a call manager offers a client for a call with these parameters: they hold a `CO_AF_TAPI_INCOMING_CALL_PARAMETERS`, and
/// what the caller sends is what the client receives.
pub const fn offer_of(asked: CallParameters) -> CallParameters {
    CallParameters {
        address: Token::NULL,
        flags: 0,
        transmit: asked.receive,
        receive: asked.transmit,
        media_length: CO_AF_TAPI_INCOMING_CALL_PARAMETERS.size as u32,
        media_word: CO_TAPI_FLAG_INCOMING_CALL,
        ..asked
    }
}

/// The structure in the driver's memory.
pub(crate) fn placed(kernel: &Kernel, parameters: CallParameters) -> CallParameters {
    CallParameters { address: kernel.address(), ..parameters }
}

/// What a driver leaves in a structure that it was given: in the same place, and marked if it is not the same any more.
pub(crate) fn left(given: CallParameters, parameters: CallParameters) -> CallParameters {
    let changed = if parameters.same(&given) { 0 } else { CALL_PARAMETERS_CHANGED };
    CallParameters { address: given.address, flags: parameters.flags | changed, ..parameters }
}
