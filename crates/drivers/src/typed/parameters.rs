//! Call parameters and SAPs as values. Where a structure lies is the business of this module alone.

use super::kernel::Kernel;
use contract::values::constants::AF_TAPI_SAP_TYPE;
use model::Token;
use model::block::{CALL_PARAMETERS_CHANGED, CallParameters, Sap};

/// A `CO_SAP` of TAPI's type that stands for `value`, eight bytes long.
pub const fn sap(value: u64) -> Sap {
    Sap { address: Token::NULL, sap_type: AF_TAPI_SAP_TYPE, length: 8, value }
}

/// A `CO_CALL_PARAMETERS` that asks for a call to the SAP with this value, with so many bytes per second in each direction.
pub const fn call_to(called: u64, bandwidth: u32) -> CallParameters {
    CallParameters { called, transmit: bandwidth, receive: bandwidth, ..CallParameters::NULL }
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
