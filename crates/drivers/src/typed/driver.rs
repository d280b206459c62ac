//! A typed driver as the engine sees it: it registers with NDIS, and hands each callback to the role that it belongs to.

use super::call_manager::{self, CallManager};
use super::client::{self, Client};
use super::miniport::{self, Adapter, Miniport, MiniportCo};
use super::protocol::{self, Binding, Protocol};
use super::shared::Shared;
use crate::structures;
use contract::values::ndis_object_type::{
    NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS, NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS,
    NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS, NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS,
    NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS,
};
use contract::{Ddi, Status};
use engine::Driver;
use model::block::{Characteristics, HandlerSet, OptionalHandlers};
use model::record::Routine;
use model::{Call, Callback, DriverId, Handle, HandleArg, OutParameter, Reply, Side, Token};
use std::rc::Rc;

/// A connection-oriented client as a driver.
pub fn client<C: Client>(driver: C, id: DriverId) -> Box<dyn Driver> {
    let roles =
        Roles { protocol: Some(protocol::handle::<C>), client: Some(client::handle::<C>), ..Roles::NONE };
    let tables =
        &[NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS, NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS];
    let shared = Shared::new(driver, id, client::close_all::<C>);
    Box::new(Typed { shared: Rc::new(shared), entry: Entry::protocol(), tables, roles })
}

/// A stand-alone call manager as a driver.
pub fn call_manager<M: Protocol + CallManager<Base = Binding<M>>>(
    driver: M,
    id: DriverId,
) -> Box<dyn Driver> {
    let manager = Some(call_manager::handle::<M> as Handler<M>);
    let roles = Roles { protocol: Some(protocol::handle::<M>), call_manager: manager, ..Roles::NONE };
    let tables =
        &[NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS, NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS];
    let shared = Shared::new(driver, id, call_manager::close_all::<M>);
    Box::new(Typed { shared: Rc::new(shared), entry: Entry::protocol(), tables, roles })
}

/// A connection-oriented miniport as a driver.
pub fn miniport<P: MiniportCo>(driver: P, id: DriverId) -> Box<dyn Driver> {
    let roles = Roles {
        miniport: Some(miniport::handle::<P>),
        miniport_co: Some(miniport::handle_co::<P>),
        ..Roles::NONE
    };
    let tables = &[NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS];
    let shared = Shared::new(driver, id, |_, _| {});
    Box::new(Typed { shared: Rc::new(shared), entry: Entry::miniport(), tables, roles })
}

/// A miniport call manager (MCM) as a driver.
pub fn mcm<M: Miniport + CallManager<Base = Adapter<M>>>(driver: M, id: DriverId) -> Box<dyn Driver> {
    let manager = Some(call_manager::handle::<M> as Handler<M>);
    let roles = Roles { miniport: Some(miniport::handle::<M>), call_manager: manager, ..Roles::NONE };
    let tables =
        &[NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS, NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS];
    let shared = Shared::new(driver, id, call_manager::close_all::<M>);
    Box::new(Typed { shared: Rc::new(shared), entry: Entry::miniport(), tables, roles })
}

/// The handlers of one role.
type Handler<D> = fn(&Rc<Shared<D>>, &Callback) -> Reply;

/// The roles of a driver.
struct Roles<D> {
    protocol: Option<Handler<D>>,
    client: Option<Handler<D>>,
    call_manager: Option<Handler<D>>,
    miniport: Option<Handler<D>>,
    miniport_co: Option<Handler<D>>,
}

impl<D> Roles<D> {
    const NONE: Roles<D> =
        Roles { protocol: None, client: None, call_manager: None, miniport: None, miniport_co: None };
}

/// What a driver registers as, and what it does itself when it comes and goes.
struct Entry<D> {
    is_miniport: bool,
    driver_entry: fn(&Shared<D>) -> Result<(), Status>,
    unload: fn(&D),
}

impl<D> Entry<D> {
    fn protocol() -> Entry<D>
    where
        D: Protocol,
    {
        Entry {
            is_miniport: false,
            driver_entry: |shared| shared.driver.driver_entry(&shared.kernel),
            unload: D::unload,
        }
    }

    fn miniport() -> Entry<D>
    where
        D: Miniport,
    {
        Entry {
            is_miniport: true,
            driver_entry: |shared| shared.driver.driver_entry(&shared.kernel),
            unload: D::unload,
        }
    }
}

struct Typed<D> {
    shared: Rc<Shared<D>>,
    entry: Entry<D>,
    /// The tables of handlers that it sets, by the type of their headers.
    tables: &'static [u32],
    roles: Roles<D>,
}

impl<D: 'static> Driver for Typed<D> {
    fn handle(&self, callback: &Callback) -> Reply {
        let role = match *callback {
            Callback::DriverEntry { driver: _ } => return self.driver_entry(),
            Callback::Unload { driver: _ } | Callback::MiniportDriverUnload { driver: _ } => {
                return self.unload();
            }
            Callback::ProtocolSetOptions { protocol: handle, driver_context: _ }
            | Callback::MiniportSetOptions { driver: handle, driver_context: _ } => {
                return self.set_options(handle);
            }
            Callback::Uninstall {}
            | Callback::BindAdapterEx { .. }
            | Callback::OpenAdapterCompleteEx { .. }
            | Callback::UnbindAdapterEx { .. }
            | Callback::CloseAdapterCompleteEx { .. }
            | Callback::NetPnPEvent { .. } => self.roles.protocol,
            Callback::MiniportInitializeEx { .. }
            | Callback::MiniportPause { .. }
            | Callback::MiniportRestart { .. }
            | Callback::MiniportHaltEx { .. }
            | Callback::MiniportDevicePnPEventNotify { .. } => self.roles.miniport,
            // A protocol driver that is no client has nothing to open.
            Callback::CoAfRegisterNotify { .. } if self.roles.client.is_none() => return Reply::VOID,
            Callback::CoCreateVc { side, .. } | Callback::CoDeleteVc { side, .. } => match side {
                Side::Client => self.roles.client,
                Side::CallManager => self.roles.call_manager,
            },
            Callback::CoAfRegisterNotify { .. }
            | Callback::ClOpenAfCompleteEx { .. }
            | Callback::ClCloseAfComplete { .. }
            | Callback::ClNotifyCloseAf { .. }
            | Callback::ClRegisterSapComplete { .. }
            | Callback::ClDeregisterSapComplete { .. }
            | Callback::ClMakeCallComplete { .. }
            | Callback::ClModifyCallQoSComplete { .. }
            | Callback::ClCloseCallComplete { .. }
            | Callback::ClIncomingCall { .. }
            | Callback::ClCallConnected { .. }
            | Callback::ClIncomingCallQoSChange { .. }
            | Callback::ClIncomingCloseCall { .. }
            | Callback::ClAddPartyComplete { .. }
            | Callback::ClDropPartyComplete { .. }
            | Callback::ClIncomingDropParty { .. } => self.roles.client,
            Callback::CmOpenAf { .. }
            | Callback::CmCloseAf { .. }
            | Callback::CmNotifyCloseAfComplete { .. }
            | Callback::CmRegisterSap { .. }
            | Callback::CmDeregisterSap { .. }
            | Callback::CmActivateVcComplete { .. }
            | Callback::CmDeactivateVcComplete { .. }
            | Callback::CmMakeCall { .. }
            | Callback::CmModifyCallQoS { .. }
            | Callback::CmCloseCall { .. }
            | Callback::CmIncomingCallComplete { .. }
            | Callback::CmAddParty { .. }
            | Callback::CmDropParty { .. } => self.roles.call_manager,
            Callback::MiniportCoCreateVc { .. }
            | Callback::MiniportCoDeleteVc { .. }
            | Callback::MiniportCoActivateVc { .. }
            | Callback::MiniportCoDeactivateVc { .. } => self.roles.miniport_co,
        };
        let handler = role.unwrap_or_else(|| panic!("NDIS called {} of a driver without it", callback.ddi()));
        handler(&self.shared, callback)
    }

    fn routine(&self, routine: Routine) {
        self.shared.kernel.run(routine);
    }
}

impl<D: 'static> Typed<D> {
    fn driver_entry(&self) -> Reply {
        if let Err(status) = (self.entry.driver_entry)(&self.shared) {
            return Reply::status(status);
        }
        let characteristics = self.characteristics();
        let driver_context = Token::NULL;
        let call = match self.entry.is_miniport {
            true => Call::MRegisterMiniportDriver { driver_context, characteristics },
            false => Call::RegisterProtocolDriver { driver_context, characteristics },
        };
        let status = engine::call(call, &mut |stored| {
            if let OutParameter::DriverHandle(handle) = stored {
                self.shared.registered.set(Some(handle));
            }
        });
        // What `DriverEntry` stores is whether there is a `DriverUnload` routine; a miniport has its own in the table.
        let unload = if self.entry.is_miniport { Token::NULL } else { self.shared.kernel.address() };
        Reply::status(status).with_context(unload)
    }

    fn characteristics(&self) -> Characteristics {
        let object_type = match self.entry.is_miniport {
            true => NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS,
            false => NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS,
        };
        let (major, minor) = structures::VERSION;
        let header = structures::header(object_type as u8);
        let handlers = structures::members(object_type as u8).iter().copied().collect();
        Characteristics { header, major, minor, flags: 0, handlers }
    }

    fn set_options(&self, handle: Handle) -> Reply {
        for table in self.tables {
            let mut handlers: HandlerSet = structures::members(*table as u8).iter().copied().collect();
            if self.roles.call_manager.is_some() && *table == NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS {
                // The call manager half of an MCM creates and deletes VCs.
                handlers.remove(Ddi::MiniportCoCreateVc);
                handlers.remove(Ddi::MiniportCoDeleteVc);
            }
            let header = structures::header(*table as u8);
            let handlers = OptionalHandlers { header, handlers, shared_oid_handler: false };
            let call = Call::SetOptionalHandlers { handle: handle.into(), handlers };
            let status = engine::call(call, &mut |_| {});
            if !status.is_success() {
                return Reply::status(status);
            }
        }
        Reply::VOID
    }

    fn unload(&self) -> Reply {
        (self.entry.unload)(&self.shared.driver);
        let registered = self.shared.registered.get().map_or(HandleArg::Null, HandleArg::Known);
        let call = match self.entry.is_miniport {
            true => Call::MDeregisterMiniportDriver { driver: registered },
            false => Call::DeregisterProtocolDriver { protocol: registered },
        };
        engine::call(call, &mut |_| {});
        Reply::VOID
    }
}
