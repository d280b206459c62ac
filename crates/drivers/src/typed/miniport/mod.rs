//! Miniports: they have adapters, and, if they are no MCMs, VCs of call managers and clients above them.

mod vc;

pub(crate) use vc::handle_co;
pub use vc::{ActivateVc, DeactivateVc, MiniportCo, Vc};

use super::answer::{Answer, Operation, Request, Sealed, result, status};
use super::kernel::Kernel;
use super::shared::{Holds, Shared, object};
use crate::structures;
use contract::values::ndis_object_type::{
    NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
    NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
};
use contract::{Ddi, Status};
use model::block::Attributes;
use model::{Call, Callback, DeviceEvent, HaltAction, Handle, HandleArg, Reply, Token};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// A miniport driver. [`MiniportCo`] adds the VCs of a connection-oriented miniport, [`CallManager`](super::CallManager) makes it
/// an MCM.
pub trait Miniport: Sized + 'static {
    /// What the driver keeps for each adapter.
    type Adapter: 'static;

    /// The driver is loaded. NDIS registers it when this succeeds.
    ///
    /// # Errors
    /// What `DriverEntry` is to return instead.
    fn driver_entry(&self, _kernel: &Kernel) -> Result<(), Status> {
        Ok(())
    }

    /// `MiniportInitializeEx`: an adapter starts. The driver sets its attributes
    /// ([`set_miniport_attributes`](Initialize::set_miniport_attributes)); an MCM then registers its address families
    /// ([`Adapter::register_address_family_ex`]).
    ///
    /// # Errors
    /// Why the adapter cannot be initialized.
    fn initialize_ex(&self, initialize: Initialize<'_, Self>) -> Result<(), Status>;

    /// `MiniportPause`.
    fn pause<'a>(&self, _adapter: &Adapter<Self>, request: Request<'a, Pause<Self>>) -> Answer<'a> {
        request.complete(())
    }

    /// `MiniportRestart`.
    fn restart<'a>(&self, _adapter: &Adapter<Self>, request: Request<'a, Restart<Self>>) -> Answer<'a> {
        request.complete(Ok(()))
    }

    /// `MiniportDevicePnPEventNotify`: something happened to the adapter's device. When it was pulled out, an MCM asks its clients to
    /// close by default.
    fn device_pnp_event_notify(&self, adapter: &Adapter<Self>, event: DeviceEvent) {
        match event {
            DeviceEvent::SurpriseRemoved => adapter.begin_to_close(),
        }
    }

    /// `MiniportHaltEx`: the adapter stops, and is gone when this returns. By default an MCM asks the clients that are left to close, and
    /// waits for them ([`Adapter::close_everything`]).
    fn halt_ex(&self, adapter: &Adapter<Self>, _action: HaltAction) {
        adapter.close_everything();
    }

    /// The driver is unloaded; it is deregistered when this returns.
    fn unload(&self) {}
}

object! {
    /// An adapter of a miniport driver (`NdisMiniportHandle`).
    Adapter<P: Miniport> = AdapterState, context:
    /// What the driver keeps for the adapter.
    P::Adapter
}

pub(crate) struct AdapterState<P: Miniport> {
    pub(crate) shared: Rc<Shared<P>>,
    token: Token,
    context: P::Adapter,
    handle: Handle,
    /// What the driver has open here.
    pub(crate) holds: Holds,
    /// Whether everything is being closed.
    pub(crate) closing: Cell<bool>,
}

impl<P: Miniport> Adapter<P> {
    pub(crate) fn of(shared: &Shared<P>, context: Token) -> Adapter<P> {
        Adapter(shared.get(context))
    }

    pub(crate) fn handle(&self) -> HandleArg {
        self.0.handle.into()
    }

    /// Asks the clients that have address families open on the adapter to close them, and offers none to others, at
    /// `PASSIVE_LEVEL`.
    pub fn begin_to_close(&self) {
        self.0.closing.set(true);
        self.0.shared.close_all(self.0.token);
    }

    /// The same, then waits until all are closed.
    pub fn close_everything(&self) {
        self.0.closing.set(true);
        self.0.holds.wait(self.kernel(), || self.begin_to_close());
    }
}

/// `MiniportInitializeEx`, while it runs.
pub struct Initialize<'a, P: Miniport> {
    shared: &'a Rc<Shared<P>>,
    handle: Handle,
    /// The adapter, once it has its context.
    made: &'a Cell<Option<Token>>,
}

impl<P: Miniport> Initialize<'_, P> {
    /// Sets the adapter's registration attributes, with what the driver keeps for it, and its general attributes
    /// (`NdisMSetMiniportAttributes`).
    ///
    /// # Errors
    /// The status with which NDIS refuses.
    pub fn set_miniport_attributes(&self, context: P::Adapter) -> Result<Adapter<P>, Status> {
        let adapter = Adapter(self.shared.insert(|token| AdapterState {
            shared: Rc::clone(self.shared),
            token,
            context,
            handle: self.handle,
            holds: Holds::default(),
            closing: Cell::new(false),
        }));
        self.made.set(Some(adapter.0.token));
        for object_type in [
            NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
            NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
        ] {
            let attributes = Attributes {
                header: structures::header(object_type as u8),
                context: adapter.0.token,
                flags: 0,
                medium: structures::CO_WAN,
            };
            let call = Call::MSetMiniportAttributes { adapter: adapter.handle(), attributes };
            result(engine::call(call, &mut |_| {}))?;
        }
        Ok(adapter)
    }
}

impl<P: Miniport> fmt::Debug for Initialize<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Initialize({:?})", self.handle)
    }
}

/// `MiniportPause`, completed by `NdisMPauseComplete`.
pub struct Pause<P: Miniport> {
    adapter: Adapter<P>,
}

impl<P: Miniport> Operation for Pause<P> {
    type Result = ();
    const HANDLER: Ddi = Ddi::MiniportPause;

    fn answer(self, (): (), _: Sealed) -> Reply {
        Reply::VOID
    }

    fn complete(self, (): (), _: Sealed) {
        engine::call(Call::MPauseComplete { adapter: self.adapter.handle() }, &mut |_| {});
    }
}

/// `MiniportRestart`, completed by `NdisMRestartComplete`.
pub struct Restart<P: Miniport> {
    adapter: Adapter<P>,
}

impl<P: Miniport> Operation for Restart<P> {
    type Result = Result<(), Status>;
    const HANDLER: Ddi = Ddi::MiniportRestart;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        Reply::status(status(&result))
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let call = Call::MRestartComplete { adapter: self.adapter.handle(), status: status(&result) };
        engine::call(call, &mut |_| {});
    }
}

/// The handlers that every miniport driver has.
pub(crate) fn handle<P: Miniport>(shared: &Rc<Shared<P>>, callback: &Callback) -> Reply {
    let driver = &shared.driver;
    match *callback {
        Callback::MiniportInitializeEx { adapter, driver_context: _ } => {
            let made = Cell::new(None);
            let result = driver.initialize_ex(Initialize { shared, handle: adapter, made: &made });
            if let (Err(_), Some(token)) = (result, made.get()) {
                shared.remove(token);
            }
            Reply::status(status(&result))
        }
        Callback::MiniportPause { adapter_context } => {
            let adapter = Adapter::of(shared, adapter_context);
            driver.pause(&adapter, Request::new(Pause { adapter: adapter.clone() })).reply()
        }
        Callback::MiniportRestart { adapter_context } => {
            let adapter = Adapter::of(shared, adapter_context);
            driver.restart(&adapter, Request::new(Restart { adapter: adapter.clone() })).reply()
        }
        Callback::MiniportHaltEx { adapter_context, action } => {
            driver.halt_ex(&Adapter::of(shared, adapter_context), action);
            shared.remove(adapter_context);
            Reply::VOID
        }
        Callback::MiniportDevicePnPEventNotify { adapter_context, kind } => {
            driver.device_pnp_event_notify(&Adapter::of(shared, adapter_context), kind);
            Reply::VOID
        }
        _ => unreachable!("{} is no handler of miniports", callback.ddi()),
    }
}
