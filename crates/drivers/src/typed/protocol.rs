//! What clients and stand-alone call managers have in common: they are protocol drivers, which are bound to adapters.

use super::answer::{Answer, Completion, Operation, Request, Sealed, result, status};
use super::kernel::Kernel;
use super::shared::{Holds, Shared, object};
use crate::structures;
use contract::values::ndis_object_type::NDIS_OBJECT_TYPE_OPEN_PARAMETERS;
use contract::{Ddi, Status};
use model::block::{Media, OpenParameters};
use model::{AdapterId, Call, Callback, Handle, HandleArg, NetEvent, OutParameter, Reply, Token};
use std::cell::Cell;
use std::rc::Rc;

/// A protocol driver. [`Client`](super::Client) and [`CallManager`](super::CallManager) say what it is beside that.
pub trait Protocol: Sized + 'static {
    /// What the driver keeps for each binding.
    type Binding: 'static;

    /// The driver is loaded. NDIS registers it when this succeeds.
    ///
    /// # Errors
    /// What `DriverEntry` is to return instead.
    fn driver_entry(&self, _kernel: &Kernel) -> Result<(), Status> {
        Ok(())
    }

    /// `ProtocolBindAdapterEx`: the driver is offered an adapter. It opens it
    /// ([`open_adapter_ex`](Request::open_adapter_ex)), or refuses by completing the request with an error.
    fn bind_adapter_ex<'a>(&self, adapter: AdapterId, request: Request<'a, BindAdapter<Self>>) -> Answer<'a>;

    /// The adapter is open: `NdisOpenAdapterEx` has succeeded at once, or NDIS has called `ProtocolOpenAdapterCompleteEx`. A
    /// stand-alone call manager registers its address families here. The bind is over when this returns.
    fn open_adapter_complete_ex(&self, _binding: &Binding<Self>) {}

    /// `ProtocolUnbindAdapterEx`: the driver is to let go of an adapter. By default it closes everything that it has open
    /// there, in the documented order ([`close_everything`](Request::close_everything)).
    fn unbind_adapter_ex<'a>(
        &self,
        _binding: &Binding<Self>,
        request: Request<'a, UnbindAdapter<Self>>,
    ) -> Answer<'a> {
        request.close_everything()
    }

    /// `ProtocolNetPnPEvent`.
    fn net_pnp_event<'a>(
        &self,
        _binding: &Binding<Self>,
        _event: NetEvent,
        request: Request<'a, NetPnPEvent<Self>>,
    ) -> Answer<'a> {
        request.complete(Ok(()))
    }

    /// `ProtocolUninstall`.
    fn uninstall(&self) {}

    /// The driver is unloaded; it is deregistered when this returns.
    fn unload(&self) {}
}

object! {
    /// A binding: a protocol driver's hold on an adapter (`NdisBindingHandle`).
    Binding<P: Protocol> = BindingState, context:
    /// What the driver keeps for the binding.
    P::Binding
}

pub(crate) struct BindingState<P: Protocol> {
    pub(crate) shared: Rc<Shared<P>>,
    pub(crate) token: Token,
    context: P::Binding,
    adapter: AdapterId,
    handle: Cell<Option<Handle>>,
    /// What the driver has open here.
    pub(crate) holds: Holds,
    /// Whether everything is being closed.
    pub(crate) closing: Cell<bool>,
    /// Of a bind that waits for its open.
    bind: Cell<Option<Handle>>,
    /// Of an unbind that waits for its close.
    unbind: Cell<Option<Handle>>,
}

impl<P: Protocol> Binding<P> {
    /// The adapter.
    pub fn adapter(&self) -> AdapterId {
        self.0.adapter
    }

    pub(crate) fn handle(&self) -> HandleArg {
        self.0.handle.get().map_or(HandleArg::Null, HandleArg::Known)
    }

    pub(crate) fn of(shared: &Shared<P>, context: Token) -> Binding<P> {
        Binding(shared.get(context))
    }

    /// Closes the adapter, on which nothing is open any more. Pending means that the unbind is completed when NDIS says so.
    fn close_adapter_ex(&self, unbind: Handle) -> Status {
        self.0.unbind.set(Some(unbind));
        let status = engine::call(Call::CloseAdapterEx { binding: self.handle() }, &mut |_| {});
        if status != Status::PENDING {
            self.0.unbind.set(None);
            self.0.shared.remove(self.0.token);
        }
        status
    }

    fn closed(&self) {
        self.0.shared.remove(self.0.token);
        if let Some(unbind) = self.0.unbind.take() {
            complete_unbind(unbind);
        }
    }
}

fn complete_unbind(unbind: Handle) {
    engine::call(Call::CompleteUnbindAdapterEx { unbind_context: unbind.into() }, &mut |_| {});
}

/// `ProtocolBindAdapterEx`, completed by `NdisCompleteBindAdapterEx`.
pub struct BindAdapter<P: Protocol> {
    shared: Rc<Shared<P>>,
    adapter: AdapterId,
    bind: Handle,
}

impl<P: Protocol> Operation for BindAdapter<P> {
    type Result = Result<(), Status>;
    const HANDLER: Ddi = Ddi::ProtocolBindAdapterEx;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        Reply::status(status(&result))
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        complete_bind(self.bind, status(&result));
    }
}

fn complete_bind(bind: Handle, status: Status) {
    engine::call(Call::CompleteBindAdapterEx { bind_context: bind.into(), status }, &mut |_| {});
}

impl<P: Protocol> BindAdapter<P> {
    /// Gives back what `NdisOpenAdapterEx` returns; the open is dealt with unless that is `NDIS_STATUS_PENDING`.
    fn open(&self, context: P::Binding) -> Status {
        let BindAdapter { shared, adapter, bind } = self;
        let binding = Binding(shared.insert(|token| BindingState {
            shared: Rc::clone(shared),
            token,
            context,
            adapter: *adapter,
            handle: Cell::new(None),
            holds: Holds::default(),
            closing: Cell::new(false),
            bind: Cell::new(Some(*bind)),
            unbind: Cell::new(None),
        }));
        let parameters = OpenParameters {
            header: structures::header(NDIS_OBJECT_TYPE_OPEN_PARAMETERS as u8),
            names_bound_adapter: true,
            media: Media::new(structures::MEDIA).expect("few enough"),
            frame_types: 0,
        };
        let call = Call::OpenAdapterEx {
            protocol: shared.registered.get().map_or(HandleArg::Null, HandleArg::Known),
            binding_context: binding.0.token,
            parameters,
            bind_context: (*bind).into(),
        };
        let status = engine::call(call, &mut |stored| {
            if let OutParameter::Binding(handle, _) = stored {
                binding.0.handle.set(Some(handle));
            }
        });
        if status != Status::PENDING {
            binding.0.bind.set(None);
            opened(&binding, status);
        }
        status
    }
}

/// An open is over.
fn opened<P: Protocol>(binding: &Binding<P>, status: Status) {
    match result(status) {
        Ok(()) => binding.driver().open_adapter_complete_ex(binding),
        Err(_) => binding.0.shared.remove(binding.0.token),
    }
}

impl<'a, P: Protocol> Request<'a, BindAdapter<P>> {
    /// Opens the adapter (`NdisOpenAdapterEx`), and ends the bind as the open ends. If NDIS pends the open, the bind pends, too,
    /// and is completed in `ProtocolOpenAdapterCompleteEx`.
    pub fn open_adapter_ex(self, context: P::Binding) -> Answer<'a> {
        let status = self.operation.open(context);
        Answer::new(Reply::status(status))
    }
}

impl<P: Protocol> Completion<BindAdapter<P>> {
    /// The same for a bind that the handler has pended.
    pub fn open_adapter_ex(self, context: P::Binding) {
        let operation = self.into_operation();
        let status = operation.open(context);
        if status != Status::PENDING {
            complete_bind(operation.bind, status);
        }
    }
}

/// `ProtocolUnbindAdapterEx`, completed by `NdisCompleteUnbindAdapterEx`. Either way of ending closes the adapter first
/// (`NdisCloseAdapterEx`), so everything on it must be closed by then.
pub struct UnbindAdapter<P: Protocol> {
    binding: Binding<P>,
    unbind: Handle,
}

impl<P: Protocol> Operation for UnbindAdapter<P> {
    type Result = ();
    const HANDLER: Ddi = Ddi::ProtocolUnbindAdapterEx;

    fn answer(self, (): (), _: Sealed) -> Reply {
        Reply::status(self.binding.close_adapter_ex(self.unbind))
    }

    fn complete(self, (): (), _: Sealed) {
        if self.binding.close_adapter_ex(self.unbind) != Status::PENDING {
            complete_unbind(self.unbind);
        }
    }
}

impl<'a, P: Protocol> Request<'a, UnbindAdapter<P>> {
    /// Closes everything that the driver has open on the binding, as [`Af::close_everything`](super::client::Af::close_everything)
    /// does, or asks its clients to close ([`notify_close_address_family`](super::call_manager::Af::notify_close_address_family)) and
    /// waits for them; then closes the adapter. Unless nothing is open, the unbind pends, and a work item does all that.
    pub fn close_everything(self) -> Answer<'a> {
        let binding = self.operation.binding.clone();
        binding.0.closing.set(true);
        if binding.0.holds.is_free() {
            return self.complete(());
        }
        let (answer, completion) = self.pend();
        binding.clone().kernel().queue_work_item(move || {
            let BindingState { shared, holds, token, .. } = &*binding.0;
            holds.wait(&shared.kernel, || shared.close_all(*token));
            completion.complete(());
        });
        answer
    }
}

/// `ProtocolNetPnPEvent`, completed by `NdisCompleteNetPnPEvent`.
pub struct NetPnPEvent<P: Protocol> {
    binding: Binding<P>,
    event: Handle,
}

impl<P: Protocol> Operation for NetPnPEvent<P> {
    type Result = Result<(), Status>;
    const HANDLER: Ddi = Ddi::ProtocolNetPnPEvent;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        Reply::status(status(&result))
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let NetPnPEvent { binding, event } = self;
        let call = Call::CompleteNetPnPEvent {
            binding: binding.handle(),
            event: event.into(),
            status: status(&result),
        };
        engine::call(call, &mut |_| {});
    }
}

/// The handlers that every protocol driver has.
pub(crate) fn handle<P: Protocol>(shared: &Rc<Shared<P>>, callback: &Callback) -> Reply {
    let driver = &shared.driver;
    match *callback {
        Callback::Uninstall {} => {
            driver.uninstall();
            Reply::VOID
        }
        Callback::BindAdapterEx { driver_context: _, bind_context, adapter } => {
            let operation = BindAdapter { shared: Rc::clone(shared), adapter, bind: bind_context };
            driver.bind_adapter_ex(adapter, Request::new(operation)).reply()
        }
        Callback::OpenAdapterCompleteEx { binding_context, status } => {
            let binding = Binding::of(shared, binding_context);
            let bind = binding.0.bind.take();
            opened(&binding, status);
            if let Some(bind) = bind {
                complete_bind(bind, status);
            }
            Reply::VOID
        }
        Callback::UnbindAdapterEx { unbind_context, binding_context } => {
            let binding = Binding::of(shared, binding_context);
            let operation = UnbindAdapter { binding: binding.clone(), unbind: unbind_context };
            driver.unbind_adapter_ex(&binding, Request::new(operation)).reply()
        }
        Callback::CloseAdapterCompleteEx { binding_context } => {
            Binding::of(shared, binding_context).closed();
            Reply::VOID
        }
        Callback::NetPnPEvent { binding_context, event, kind } => {
            let binding = Binding::of(shared, binding_context);
            let operation = NetPnPEvent { binding: binding.clone(), event };
            driver.net_pnp_event(&binding, kind, Request::new(operation)).reply()
        }
        _ => unreachable!("{} is no handler of protocol drivers", callback.ddi()),
    }
}
