//! What call managers stand on: a stand-alone one on a binding, an MCM on an adapter of its own.

use super::af::AfState;
use super::{Af, CallManager};
use crate::typed::answer::Sealed;
use crate::typed::miniport::{Adapter, AdapterState, Miniport};
use crate::typed::protocol::{Binding, BindingState, Protocol};
use crate::typed::shared::{Holds, Shared};
use contract::Status;
use model::block::{AddressFamily, CallParameters};
use model::{Call, HandleArg, Token};

/// Where a call manager offers its address families: [`Binding`] for a stand-alone call manager, [`Adapter`] for an MCM.
pub trait Base<M>: Clone + PartialEq + Sized + 'static {
    /// From the context that NDIS passes.
    #[doc(hidden)]
    fn of(shared: &Shared<M>, context: Token, sealed: Sealed) -> Self;

    #[doc(hidden)]
    fn find(shared: &Shared<M>, context: Token, sealed: Sealed) -> Option<Self>;

    #[doc(hidden)]
    fn holds(&self, sealed: Sealed) -> &Holds;

    #[doc(hidden)]
    fn is_closing(&self, sealed: Sealed) -> bool;

    #[doc(hidden)]
    fn register(&self, family: AddressFamily, sealed: Sealed) -> Call;

    #[doc(hidden)]
    fn create_vc(&self, af: HandleArg, context: Token, sealed: Sealed) -> Call;

    #[doc(hidden)]
    fn activate_vc(vc: HandleArg, parameters: CallParameters, sealed: Sealed) -> Call;

    #[doc(hidden)]
    fn deactivate_vc(vc: HandleArg, sealed: Sealed) -> Call;

    #[doc(hidden)]
    fn delete_vc(vc: HandleArg, sealed: Sealed) -> Call;
}

impl<M: Protocol> Base<M> for Binding<M> {
    fn of(shared: &Shared<M>, context: Token, _: Sealed) -> Self {
        Binding::of(shared, context)
    }

    fn find(shared: &Shared<M>, context: Token, _: Sealed) -> Option<Self> {
        shared.find::<BindingState<M>>(context).map(Binding)
    }

    fn holds(&self, _: Sealed) -> &Holds {
        &self.0.holds
    }

    fn is_closing(&self, _: Sealed) -> bool {
        self.0.closing.get()
    }

    fn register(&self, family: AddressFamily, _: Sealed) -> Call {
        Call::CmRegisterAddressFamilyEx { binding: self.handle(), family }
    }

    fn create_vc(&self, af: HandleArg, vc_context: Token, _: Sealed) -> Call {
        Call::CoCreateVc { binding: self.handle(), af, vc_context, vc: HandleArg::Null }
    }

    fn activate_vc(vc: HandleArg, parameters: CallParameters, _: Sealed) -> Call {
        Call::CmActivateVc { vc, parameters }
    }

    fn deactivate_vc(vc: HandleArg, _: Sealed) -> Call {
        Call::CmDeactivateVc { vc }
    }

    fn delete_vc(vc: HandleArg, _: Sealed) -> Call {
        Call::CoDeleteVc { vc }
    }
}

impl<M: Miniport> Base<M> for Adapter<M> {
    fn of(shared: &Shared<M>, context: Token, _: Sealed) -> Self {
        Adapter::of(shared, context)
    }

    fn find(shared: &Shared<M>, context: Token, _: Sealed) -> Option<Self> {
        shared.find::<AdapterState<M>>(context).map(Adapter)
    }

    fn holds(&self, _: Sealed) -> &Holds {
        &self.0.holds
    }

    fn is_closing(&self, _: Sealed) -> bool {
        self.0.closing.get()
    }

    fn register(&self, family: AddressFamily, _: Sealed) -> Call {
        Call::MCmRegisterAddressFamilyEx { adapter: self.handle(), family }
    }

    fn create_vc(&self, af: HandleArg, vc_context: Token, _: Sealed) -> Call {
        Call::MCmCreateVc { adapter: self.handle(), af, vc_context, vc: HandleArg::Null }
    }

    fn activate_vc(vc: HandleArg, parameters: CallParameters, _: Sealed) -> Call {
        Call::MCmActivateVc { vc, parameters }
    }

    fn deactivate_vc(vc: HandleArg, _: Sealed) -> Call {
        Call::MCmDeactivateVc { vc }
    }

    fn delete_vc(vc: HandleArg, _: Sealed) -> Call {
        Call::MCmDeleteVc { vc }
    }
}

/// The address families that clients have open.
pub(super) fn clients<M: CallManager>(shared: &Shared<M>, base: &M::Base) -> Vec<Af<M>> {
    base.holds(Sealed(())).afs::<M, AfState<M>>(shared).into_iter().map(Af).collect()
}

/// Registers an address family.
fn register<M: CallManager>(base: &M::Base, family: AddressFamily) -> Result<(), Status> {
    crate::typed::answer::result(engine::call(base.register(family, Sealed(())), &mut |_| {}))
}

impl<M: Protocol + CallManager<Base = Binding<M>>> Binding<M> {
    /// Offers an address family on the binding (`NdisCmRegisterAddressFamilyEx`).
    ///
    /// # Errors
    /// The status with which NDIS refuses: another call manager offers the family already, the adapter's miniport is not
    /// connection-oriented.
    pub fn register_address_family_ex(&self, family: AddressFamily) -> Result<(), Status> {
        register::<M>(self, family)
    }

    /// The address families that clients have open on it, or are closing.
    pub fn clients(&self) -> Vec<Af<M>> {
        clients(&self.0.shared, self)
    }
}

impl<M: Miniport + CallManager<Base = Adapter<M>>> Adapter<M> {
    /// Offers an address family on the adapter (`NdisMCmRegisterAddressFamilyEx`).
    ///
    /// # Errors
    /// The status with which NDIS refuses: the family is offered already.
    pub fn register_address_family_ex(&self, family: AddressFamily) -> Result<(), Status> {
        register::<M>(self, family)
    }

    /// The address families that clients have open on it, or are closing.
    pub fn clients(&self) -> Vec<Af<M>> {
        clients(&self.0.shared, self)
    }
}
