//! Area `sap`: service access points. An MCM's completions are macros of the header over the same exports as a call
//! manager's.

use super::Out;
use crate::guest;
use contract::Status;
use model::{Call, Token};

super::exports! {
    Ndis Dispatch "nf-ndis-ndisclregistersap"
    NdisClRegisterSap[here](af: u64, context: u64, sap: u64, handle: u64) -> u32 {
        let specification = here.host().structures.borrow().sap_at(sap);
        let specification = here.check(specification);
        here.check(guest::read_u64(handle));
        here.inherit(context, af);
        let call = Call::ClRegisterSap { af: here.handle(af), sap_context: Token(context), specification };
        here.storing_call(call, Out { handle, of: af, ..Out::default() }).0
    }

    Ndis Dispatch "nf-ndis-ndiscmregistersapcomplete"
    NdisCmRegisterSapComplete[here](status: u32, sap: u64, context: u64) {
        here.inherit(context, sap);
        let sap = here.handle(sap);
        here.plain_call(Call::CmRegisterSapComplete { status: Status(status), sap, sap_context: Token(context) });
    }

    Ndis Dispatch "nf-ndis-ndisclderegistersap"
    NdisClDeregisterSap[here](sap: u64) -> u32 {
        here.plain_call(Call::ClDeregisterSap { sap: here.handle(sap) }).0
    }

    Ndis Dispatch "nf-ndis-ndiscmderegistersapcomplete"
    NdisCmDeregisterSapComplete[here](status: u32, sap: u64) {
        here.plain_call(Call::CmDeregisterSapComplete { status: Status(status), sap: here.handle(sap) });
    }
}
