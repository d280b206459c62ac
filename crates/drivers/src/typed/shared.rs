//! What belongs to one driver of the typed API: the driver itself, its kernel, and the table that turns the contexts which
//! NDIS hands back into the objects that they stand for.

use super::kernel::{Event, Kernel};
use model::{DriverId, Handle, Token};
use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Begins to close what a driver has open on a binding or adapter, given by its context.
pub(crate) type Closer<D> = fn(&Rc<Shared<D>>, Token);

/// One driver.
pub struct Shared<D> {
    pub(crate) driver: D,
    pub(crate) kernel: Kernel,
    /// `NdisProtocolHandle` or `NdisMiniportDriverHandle`.
    pub(crate) registered: Cell<Option<Handle>>,
    objects: RefCell<BTreeMap<Token, Rc<dyn Any>>>,
    close: Closer<D>,
}

impl<D: 'static> Shared<D> {
    pub(crate) fn new(driver: D, id: DriverId, close: Closer<D>) -> Shared<D> {
        Shared {
            driver,
            kernel: Kernel::new(id),
            registered: Cell::new(None),
            objects: RefCell::default(),
            close,
        }
    }

    /// Begins to close what the driver has open on a binding or adapter, given by its context.
    pub(crate) fn close_all(self: &Rc<Self>, base: Token) {
        (self.close)(self, base);
    }

    /// Adds an object, which gets the context by which NDIS will name it.
    pub(crate) fn insert<T: 'static>(&self, make: impl FnOnce(Token) -> T) -> Rc<T> {
        let token = self.kernel.address();
        let object = Rc::new(make(token));
        self.objects.borrow_mut().insert(token, Rc::<T>::clone(&object));
        object
    }

    /// The object of a context, if it is one of this kind that is still there.
    pub(crate) fn find<T: 'static>(&self, token: Token) -> Option<Rc<T>> {
        let object = Rc::clone(self.objects.borrow().get(&token)?);
        object.downcast().ok()
    }

    /// The object of a context that NDIS passes.
    pub(crate) fn get<T: 'static>(&self, token: Token) -> Rc<T> {
        self.find(token).unwrap_or_else(|| {
            panic!(
                "NDIS passed the context {:#x}, which is no {} of this driver",
                token.0,
                std::any::type_name::<T>()
            )
        })
    }

    /// Takes out an object that NDIS will not name again.
    pub(crate) fn remove(&self, token: Token) {
        self.objects.borrow_mut().remove(&token);
    }
}

/// What is open on a binding or adapter, and what it waits for before it may go: address families, notifications, calls that
/// are under way.
#[derive(Default)]
pub struct Holds {
    /// The address families, by their contexts.
    afs: RefCell<Vec<Token>>,
    count: Cell<u32>,
    /// There once somebody waits.
    changed: OnceCell<Event>,
}

impl Holds {
    pub(crate) fn add_af(&self, token: Token) {
        self.afs.borrow_mut().push(token);
    }

    pub(crate) fn remove_af(&self, token: Token) {
        self.afs.borrow_mut().retain(|other| *other != token);
    }

    /// The address families, oldest first.
    pub(crate) fn afs<D: 'static, T: 'static>(&self, shared: &Shared<D>) -> Vec<Rc<T>> {
        self.afs.borrow().iter().filter_map(|token| shared.find(*token)).collect()
    }

    pub(crate) fn hold(&self) {
        self.count.set(self.count.get() + 1);
    }

    pub(crate) fn release(&self) {
        self.count.set(self.count.get() - 1);
        self.change();
    }

    /// Lets whoever waits look again.
    pub(crate) fn change(&self) {
        if let Some(changed) = self.changed.get() {
            changed.set();
        }
    }

    pub(crate) fn is_free(&self) -> bool {
        self.count.get() == 0
    }

    /// Waits until nothing holds, at `PASSIVE_LEVEL`; calls `look` first and whenever something has changed.
    pub(crate) fn wait(&self, kernel: &Kernel, mut look: impl FnMut()) {
        if self.changed.get().is_none() {
            let event = kernel.synchronization_event();
            self.changed.set(event).expect("one at a time waits");
        }
        let changed = self.changed.get().expect("just made");
        look();
        while !self.is_free() {
            changed.wait();
            look();
        }
    }
}

/// Declares the handle of an object: a counted reference, equal to others of the same object.
macro_rules! object {
    ($(#[$meta:meta])* $name:ident<$driver:ident: $bound:path> = $state:ident, context: $(#[$about:meta])* $context:ty) => {
        $(#[$meta])*
        pub struct $name<$driver: $bound>(pub(crate) std::rc::Rc<$state<$driver>>);

        impl<$driver: $bound> $name<$driver> {
            $(#[$about])*
            pub fn context(&self) -> &$context {
                &self.0.context
            }

            /// The driver.
            pub fn driver(&self) -> &$driver {
                &self.0.shared.driver
            }

            /// The kernel.
            pub fn kernel(&self) -> &$crate::typed::Kernel {
                &self.0.shared.kernel
            }
        }

        impl<$driver: $bound> Clone for $name<$driver> {
            fn clone(&self) -> Self {
                $name(std::rc::Rc::clone(&self.0))
            }
        }

        impl<$driver: $bound> PartialEq for $name<$driver> {
            fn eq(&self, other: &Self) -> bool {
                std::rc::Rc::ptr_eq(&self.0, &other.0)
            }
        }
        impl<$driver: $bound> Eq for $name<$driver> {}

        impl<$driver: $bound> std::fmt::Debug for $name<$driver> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.0.token.0)
            }
        }
    };
}
pub(crate) use object;
