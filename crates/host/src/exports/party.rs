//! Area `party`: the parties of a multipoint call. An MCM's completions and dispatches are macros of the header over the
//! same exports as a call manager's.

use super::Out;
use crate::guest;
use contract::Status;
use model::{Call, Token};

super::exports! {
    Ndis Dispatch "nf-ndis-ndiscladdparty"
    NdisClAddParty[here](vc: u64, party_context: u64, parameters: u64, party: u64) -> u32 {
        let given = here.parameters(parameters);
        here.check(guest::read_u64(party));
        here.inherit(party_context, vc);
        let call = Call::ClAddParty { vc: here.handle(vc), party_context: Token(party_context), parameters: given };
        here.storing_call(call, Out { handle: party, of: vc, parameters }).0
    }

    Ndis Dispatch "nf-ndis-ndiscldropparty"
    NdisClDropParty[here](party: u64, buffer: u64, size: u32) -> u32 {
        let data = here.data(buffer, size);
        here.plain_call(Call::ClDropParty { party: here.handle(party), data, size }).0
    }

    Ndis Dispatch "nf-ndis-ndiscmaddpartycomplete"
    NdisCmAddPartyComplete[here](status: u32, party: u64, party_context: u64, parameters: u64) {
        here.inherit(party_context, party);
        let call = Call::CmAddPartyComplete {
            status: Status(status),
            party: here.handle(party),
            party_context: Token(party_context),
            parameters: here.parameters(parameters),
        };
        here.plain_call(call);
    }

    Ndis Dispatch "nf-ndis-ndiscmdroppartycomplete"
    NdisCmDropPartyComplete[here](status: u32, party: u64) {
        here.plain_call(Call::CmDropPartyComplete { status: Status(status), party: here.handle(party) });
    }

    Ndis Dispatch "nf-ndis-ndiscmdispatchincomingdropparty"
    NdisCmDispatchIncomingDropParty[here](status: u32, party: u64, buffer: u64, size: u32) {
        let data = here.data(buffer, size);
        let party = here.handle(party);
        here.plain_call(Call::CmDispatchIncomingDropParty { status: Status(status), party, data, size });
    }
}
