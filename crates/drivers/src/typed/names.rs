//! Names and identifiers of virtual connections: under which they are managed, and by which telephony knows the calls on
//! them.

use super::answer::result;
use super::protocol::{Binding, Protocol};
use super::{CallManager, Client, call_manager, client};
use contract::Status;
use model::block::Name;
use model::{Call, CallId, HandleArg, OutParameter, Token};

/// A buffer for an identifier: the structure, and room for more than any identifier has.
const CALL_ID_SIZE: u32 = 128;

fn assign(vc: HandleArg, base_name: &str) -> Result<u32, Status> {
    let base_name = Name::new(base_name).ok_or(Status::INVALID_LENGTH)?;
    let mut chosen = 0;
    let status = engine::call(Call::CoAssignInstanceName { vc, base_name }, &mut |stored| {
        if let OutParameter::InstanceName(_, index) = stored {
            chosen = index;
        }
    });
    result(status).map(|()| chosen)
}

fn call_id(vc: HandleArg) -> Result<CallId, Status> {
    let mut found = CallId(0);
    let status = engine::call(Call::CoGetTapiCallId { vc, size: CALL_ID_SIZE }, &mut |stored| {
        if let OutParameter::CallId(id) = stored {
            found = id;
        }
    });
    result(status).map(|()| found)
}

impl<C: Client> client::Vc<C> {
    /// Gives the VC a name, under which it can be managed (`NdisCoAssignInstanceName`): the base name and the index that NDIS
    /// chooses, which this gives back.
    ///
    /// # Errors
    /// `NDIS_STATUS_INVALID_LENGTH` for a base name of more than [`Name::MAX`] bytes; else the status with which NDIS refuses.
    pub fn assign_instance_name(&self, base_name: &str) -> Result<u32, Status> {
        self.named(|| assign(self.handle(), base_name))
    }

    /// The identifier by which telephony knows the call on the VC (`NdisCoGetTapiCallId`).
    ///
    /// # Errors
    /// The status with which NDIS refuses.
    pub fn tapi_call_id(&self) -> Result<CallId, Status> {
        self.named(|| call_id(self.handle()))
    }

    fn named<T>(&self, name: impl FnOnce() -> Result<T, Status>) -> Result<T, Status> {
        if self.is_closing() { Err(Status::CLOSING) } else { self.during(name) }
    }
}

impl<C: Client> client::Af<C> {
    /// The client's VC that such an identifier names (`NdisClGetProtocolVcContextFromTapiCallId`).
    ///
    /// # Errors
    /// There is none.
    pub fn vc_of_tapi_call_id(&self, call_id: CallId) -> Result<client::Vc<C>, Status> {
        let mut context = Token::NULL;
        let call = Call::ClGetProtocolVcContextFromTapiCallId { call_id };
        let status = engine::call(call, &mut |stored| {
            if let OutParameter::VcContext(token) = stored {
                context = token;
            }
        });
        // It may have been deleted since.
        result(status).and_then(|()| self.find_vc(context).ok_or(Status::FAILURE))
    }
}

impl<M: Protocol + CallManager<Base = Binding<M>>> call_manager::Vc<M> {
    /// Gives the VC a name, under which it can be managed (`NdisCoAssignInstanceName`): the base name and the index that NDIS
    /// chooses, which this gives back.
    ///
    /// # Errors
    /// `NDIS_STATUS_INVALID_LENGTH` for a base name of more than [`Name::MAX`] bytes; else the status with which NDIS refuses.
    pub fn assign_instance_name(&self, base_name: &str) -> Result<u32, Status> {
        self.held(|| assign(self.handle(), base_name))
    }

    /// The identifier by which telephony knows the call on the VC (`NdisCoGetTapiCallId`).
    ///
    /// # Errors
    /// The status with which NDIS refuses.
    pub fn tapi_call_id(&self) -> Result<CallId, Status> {
        self.held(|| call_id(self.handle()))
    }
}
