//! Drivers in Rust as members of a plan.

use contract::Role;
use drivers::typed::{
    Adapter, Binding, CallManager, Client, Miniport, MiniportCo, Protocol, call_manager_driver,
    client_driver, mcm_driver, miniport_driver,
};
use engine::Driver;
use model::DriverId;
use std::fmt;
use std::rc::Rc;

/// How to make a driver in Rust. It is made anew, in the memory of the execution, for each session.
#[derive(Clone)]
pub struct RustDriver {
    role: Role,
    make: Rc<dyn Fn(DriverId) -> Box<dyn Driver>>,
}

impl RustDriver {
    /// A client.
    pub fn client<C: Client>(make: impl Fn() -> C + 'static) -> RustDriver {
        RustDriver::new(Role::Client, move |id| client_driver(make(), id))
    }

    /// A stand-alone call manager.
    pub fn call_manager<M>(make: impl Fn() -> M + 'static) -> RustDriver
    where
        M: Protocol + CallManager<Base = Binding<M>>,
    {
        RustDriver::new(Role::Cm, move |id| call_manager_driver(make(), id))
    }

    /// A connection-oriented miniport.
    pub fn miniport<P: MiniportCo>(make: impl Fn() -> P + 'static) -> RustDriver {
        RustDriver::new(Role::Miniport, move |id| miniport_driver(make(), id))
    }

    /// A miniport call manager.
    pub fn mcm<M>(make: impl Fn() -> M + 'static) -> RustDriver
    where
        M: Miniport + CallManager<Base = Adapter<M>>,
    {
        RustDriver::new(Role::Mcm, move |id| mcm_driver(make(), id))
    }

    fn new(role: Role, make: impl Fn(DriverId) -> Box<dyn Driver> + 'static) -> RustDriver {
        RustDriver { role, make: Rc::new(make) }
    }

    /// The role that it plays.
    pub fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn driver(&self, id: DriverId) -> Box<dyn Driver> {
        (self.make)(id)
    }
}

impl fmt::Debug for RustDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RustDriver").field("role", &self.role).finish_non_exhaustive()
    }
}
