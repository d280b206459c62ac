//! Area `call`: calls and their quality of service. An MCM's completions and dispatches are macros of the header over
//! the same exports as a call manager's.

use super::Out;
use crate::guest;
use contract::Status;
use model::{Call, Token};

super::exports! {
    Ndis Dispatch "nf-ndis-ndisclmakecall"
    NdisClMakeCall[here](vc: u64, parameters: u64, party_context: u64, party: u64) -> u32 {
        let given = here.parameters(parameters);
        // Only a multipoint call has a party.
        if party != 0 {
            here.check(guest::read_u64(party));
        }
        here.inherit(party_context, vc);
        let call = Call::ClMakeCall { vc: here.handle(vc), parameters: given, party_context: Token(party_context) };
        here.storing_call(call, Out { handle: party, of: vc, parameters }).0
    }

    Ndis Dispatch "nf-ndis-ndisclmodifycallqos"
    NdisClModifyCallQoS[here](vc: u64, parameters: u64) -> u32 {
        let call = Call::ClModifyCallQoS { vc: here.handle(vc), parameters: here.parameters(parameters) };
        here.storing_call(call, Out { parameters, ..Out::default() }).0
    }

    Ndis Dispatch "nf-ndis-ndisclclosecall"
    NdisClCloseCall[here](vc: u64, party: u64, buffer: u64, size: u32) -> u32 {
        let data = here.data(buffer, size);
        here.plain_call(Call::ClCloseCall { vc: here.handle(vc), party: here.handle(party), data, size }).0
    }

    Ndis Dispatch "nf-ndis-ndisclincomingcallcomplete"
    NdisClIncomingCallComplete[here](status: u32, vc: u64, parameters: u64) {
        let parameters = here.parameters(parameters);
        here.plain_call(Call::ClIncomingCallComplete { status: Status(status), vc: here.handle(vc), parameters });
    }

    Ndis Dispatch "nf-ndis-ndiscmmakecallcomplete"
    NdisCmMakeCallComplete[here](status: u32, vc: u64, party: u64, party_context: u64, parameters: u64) {
        here.inherit(party_context, vc);
        let call = Call::CmMakeCallComplete {
            status: Status(status),
            vc: here.handle(vc),
            party: here.handle(party),
            party_context: Token(party_context),
            parameters: here.parameters(parameters),
        };
        here.plain_call(call);
    }

    Ndis Dispatch "nf-ndis-ndiscmclosecallcomplete"
    NdisCmCloseCallComplete[here](status: u32, vc: u64, party: u64) {
        let (vc, party) = (here.handle(vc), here.handle(party));
        here.plain_call(Call::CmCloseCallComplete { status: Status(status), vc, party });
    }

    Ndis Dispatch "nf-ndis-ndiscmdispatchincomingcall"
    NdisCmDispatchIncomingCall[here](sap: u64, vc: u64, parameters: u64) -> u32 {
        let given = here.parameters(parameters);
        let call = Call::CmDispatchIncomingCall { sap: here.handle(sap), vc: here.handle(vc), parameters: given };
        here.storing_call(call, Out { parameters, ..Out::default() }).0
    }

    Ndis Dispatch "nf-ndis-ndiscmdispatchcallconnected"
    NdisCmDispatchCallConnected[here](vc: u64) {
        here.plain_call(Call::CmDispatchCallConnected { vc: here.handle(vc) });
    }

    Ndis Dispatch "nf-ndis-ndiscmdispatchincomingcallqoschange"
    NdisCmDispatchIncomingCallQoSChange[here](vc: u64, parameters: u64) {
        let parameters = here.parameters(parameters);
        here.plain_call(Call::CmDispatchIncomingCallQoSChange { vc: here.handle(vc), parameters });
    }

    Ndis Dispatch "nf-ndis-ndiscmdispatchincomingclosecall"
    NdisCmDispatchIncomingCloseCall[here](status: u32, vc: u64, buffer: u64, size: u32) {
        let data = here.data(buffer, size);
        let vc = here.handle(vc);
        here.plain_call(Call::CmDispatchIncomingCloseCall { status: Status(status), vc, data, size });
    }

    Ndis Dispatch "nf-ndis-ndiscmmodifycallqoscomplete"
    NdisCmModifyCallQoSComplete[here](status: u32, vc: u64, parameters: u64) {
        let parameters = here.parameters(parameters);
        here.plain_call(Call::CmModifyCallQoSComplete { status: Status(status), vc: here.handle(vc), parameters });
    }
}
