//! Who watches an execution. A [`Monitor`](model::record::Monitor) reads each record of the trace as it is made, may
//! end the execution, and judges what is left when everything has come to rest. It sees records and nothing else, so it
//! cannot change what it judges; its own state is part of a snapshot, so it holds plain values only.
//!
//! | module | judges | names |
//! |---|---|---|
//! | [`irql`] | the level of every call | the rules with `detect = "irql"` that bind drivers |
//! | [`liveness`] | what is still owed at rest | the one debt or wait that everything else waits for |
//! | [`auditor`] | our own NDIS | the rules that bind `ndis`: such a finding is a bug of ours |
//! | [`level`] | how grave a finding is | nothing; it ranks |
//!
//! The crate forbids unsafe code and has no standard library: no thread, clock or map with a random state can get in.
//! Read [`liveness`] first; [`auditor`] is the longest.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod auditor;
pub mod irql;
pub mod level;
pub mod liveness;
#[cfg(test)]
mod testing;

pub use auditor::{Auditor, Discrepancy, Ending, audit};
pub use irql::Irql;
pub use liveness::Liveness;

use contract::{Area, Role, Rule};
use model::{AfId, BindingId, Call, DriverId, HandleArg, HandleKind, Object, PartyId, SapId, Value, VcId};

/// Whether a breach of `rule` is our own bug: it binds NDIS and no driver.
pub fn is_our_bug(rule: Rule) -> bool {
    rule.info().binds.iter().all(|&role| role == Role::Ndis)
}

/// The object that a call is about, as far as its handles tell; else the driver that makes it.
fn object_of(driver: DriverId, call: &Call) -> Object {
    let mut object = Object::Driver(driver);
    let on_call = matches!(call.ddi().info().area, Area::Call | Area::Party);
    call.each_argument(|_, value| {
        let Value::Handle(HandleArg::Known(handle)) = value else { return };
        match handle.kind {
            HandleKind::ClientAf => object = Object::Af(AfId(handle)),
            HandleKind::BindContext => object = Object::Binding(BindingId(handle)),
            HandleKind::ClientSap | HandleKind::CallManagerSap => {
                object = Object::Sap(SapId(handle.of(HandleKind::ClientSap)));
            }
            HandleKind::ClientVc | HandleKind::CallManagerVc | HandleKind::MiniportVc => {
                let vc = VcId(handle.of(HandleKind::ClientVc));
                object = if on_call { Object::Call(vc) } else { Object::Vc(vc) };
            }
            // The party of a call on a VC is only one end of it.
            HandleKind::ClientParty | HandleKind::CallManagerParty => {
                if !matches!(object, Object::Call(_)) {
                    object = Object::Party(PartyId(handle.of(HandleKind::ClientParty)));
                }
            }
            HandleKind::ProtocolDriver
            | HandleKind::MiniportDriver
            | HandleKind::Adapter
            | HandleKind::UnbindContext
            | HandleKind::Binding
            | HandleKind::PnpEvent
            | HandleKind::CallManagerAf
            | HandleKind::Registration => {}
        }
    });
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CM, arg, binding, client_af, handle};
    use contract::Status;
    use model::Token;
    use model::block::CallParameters;

    #[test]
    fn a_call_is_about_what_its_handles_stand_for() {
        let of = |kind| handle(kind, 7);
        let (vc, sap) = (VcId(of(HandleKind::ClientVc)), SapId(of(HandleKind::ClientSap)));
        let (managers, party) = (arg(of(HandleKind::CallManagerVc)), arg(of(HandleKind::CallManagerParty)));
        let parameters = CallParameters::NULL;
        let create = Call::CoCreateVc {
            binding: arg(binding()),
            af: arg(client_af(3)),
            vc_context: Token(1),
            vc: HandleArg::Null,
        };
        let complete = Call::CmMakeCallComplete {
            status: Status::SUCCESS,
            vc: managers,
            party,
            party_context: Token(2),
            parameters,
        };
        let sap_handle = arg(of(HandleKind::CallManagerSap));
        let offer = Call::CmDispatchIncomingCall { sap: sap_handle, vc: managers, parameters };
        let cases = [
            (create, Object::Af(AfId(client_af(3)))),
            (Call::CoDeleteVc { vc: managers }, Object::Vc(vc)),
            (
                Call::MCoDeactivateVcComplete {
                    status: Status::SUCCESS,
                    vc: arg(of(HandleKind::MiniportVc)),
                },
                Object::Vc(vc),
            ),
            (complete, Object::Call(vc)),
            (offer, Object::Call(vc)),
            (
                Call::CmDropPartyComplete { status: Status::SUCCESS, party },
                Object::Party(PartyId(of(HandleKind::ClientParty))),
            ),
            (Call::CmDeregisterSapComplete { status: Status::SUCCESS, sap: sap_handle }, Object::Sap(sap)),
            (
                Call::CmCloseAddressFamilyComplete { status: Status::SUCCESS, af: HandleArg::Null },
                Object::Driver(CM),
            ),
        ];
        for (call, object) in cases {
            assert_eq!(object_of(CM, &call), object, "{call:?}");
        }
    }
}
