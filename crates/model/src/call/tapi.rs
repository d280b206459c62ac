//! What call parameters must hold towards an MCM that offers the TAPI proxy's address family.

use crate::block::CallParameters;
use crate::{Violation, World, violation};
use contract::Rule;
use contract::layout::{CO_AF_TAPI_INCOMING_CALL_PARAMETERS, CO_AF_TAPI_MAKE_CALL_PARAMETERS};

/// `CO_ADDRESS_FAMILY_TAPI_PROXY`.
const TAPI_PROXY: u32 = 0x801;
/// `CO_TAPI_FLAG_INCOMING_CALL`.
const INCOMING_CALL: u32 = 2;

impl World {
    fn is_tapi_proxy(&self, vc: u32) -> bool {
        let vc = &self.vcs[vc];
        vc.is_of_mcm() && vc.af.is_some_and(|af| self.afs[af].family.family == TAPI_PROXY)
    }

    /// A client makes a call.
    pub(super) fn check_tapi_call(&self, vc: u32, parameters: CallParameters) -> Result<(), Violation> {
        let (client, _, object) = self.ends_of(vc);
        if self.is_tapi_proxy(vc) && (parameters.media_length as usize) < CO_AF_TAPI_MAKE_CALL_PARAMETERS.size
        {
            let offence = "MediaSpecific.Length does not cover CO_AF_TAPI_MAKE_CALL_PARAMETERS";
            return Err(violation(Rule::CallParamsTapiSpecificLength, client, object, offence));
        }
        Ok(())
    }

    /// An MCM reports a call as made. It may have left the parameters alone.
    pub(super) fn check_tapi_made(&self, vc: u32, parameters: CallParameters) -> Result<(), Violation> {
        let (_, manager, object) = self.ends_of(vc);
        if self.is_tapi_proxy(vc) && !parameters.is_null() && !has_bandwidth(&parameters) {
            let offence = "the QoS of a TAPI call has no PeakBandwidth for Transmit or Receive";
            return Err(violation(Rule::CallParamsTapiQosOutgoing, manager, object, offence));
        }
        Ok(())
    }

    /// An MCM offers a call.
    pub(super) fn check_tapi_offer(&self, vc: u32, parameters: CallParameters) -> Result<(), Violation> {
        if !self.is_tapi_proxy(vc) {
            return Ok(());
        }
        let (_, manager, object) = self.ends_of(vc);
        let fail = |rule, offence| Err(violation(rule, manager, object, offence));
        if (parameters.media_length as usize) < CO_AF_TAPI_INCOMING_CALL_PARAMETERS.size {
            let offence = "MediaSpecific.Length does not cover CO_AF_TAPI_INCOMING_CALL_PARAMETERS";
            return fail(Rule::CallParamsTapiIncomingLength, offence);
        }
        if parameters.media_word != INCOMING_CALL {
            let offence = "ulFlags of an incoming TAPI call is not CO_TAPI_FLAG_INCOMING_CALL alone";
            return fail(Rule::CallParamsTapiIncomingFlags, offence);
        }
        if !has_bandwidth(&parameters) {
            let offence = "the QoS of a TAPI call has no PeakBandwidth for Transmit or Receive";
            return fail(Rule::CallParamsTapiQosIncoming, offence);
        }
        Ok(())
    }
}

fn has_bandwidth(parameters: &CallParameters) -> bool {
    parameters.transmit != 0 && parameters.receive != 0
}
