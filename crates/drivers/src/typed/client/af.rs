//! Address families of a client: opening, closing, and being asked to close.

use super::{Client, Sap, Vc};
use crate::typed::answer::{Answer, Completion, Operation, Outcome, Request, Sealed, result, status};
use crate::typed::protocol::Binding;
use crate::typed::shared::{Shared, object};
use contract::{Ddi, Status};
use model::block::AddressFamily;
use model::{Call, Handle, HandleArg, OutParameter, Reply, Token};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

object! {
    /// An address family that the client has opened (`NdisAfHandle`): its connection to a call manager.
    Af<C: Client> = AfState, context:
    /// What the client keeps for the address family.
    C::Af
}

pub(crate) struct AfState<C: Client> {
    pub(super) shared: Rc<Shared<C>>,
    pub(super) token: Token,
    context: C::Af,
    binding: Binding<C>,
    family: AddressFamily,
    handle: Cell<Option<Handle>>,
    pub(super) phase: Cell<Phase>,
    /// Whether everything on it is being closed.
    pub(super) closing: Cell<bool>,
    /// Whether something on it is to be closed.
    pub(super) has_work: Cell<bool>,
    /// Whether a call that closes something was refused and waits to be made again.
    pub(super) resting: Cell<bool>,
    /// How many calls of the client's are under way on it.
    pub(super) busy: Cell<u32>,
    /// A notification that is answered when everything is closed.
    pub(super) notified: RefCell<Option<Completion<NotifyCloseAf<C>>>>,
    pub(super) saps: RefCell<Vec<Sap<C>>>,
    pub(super) vcs: RefCell<BTreeMap<Token, Vc<C>>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Opening,
    Open,
    Closing,
    Closed,
}

impl<C: Client> Binding<C> {
    /// Opens an address family (`NdisClOpenAddressFamilyEx`). [`open_af_complete_ex`](Client::open_af_complete_ex) follows if it
    /// pends. While everything on the binding is being closed it fails with `NDIS_STATUS_CLOSING`.
    pub fn open_address_family_ex(
        &self,
        family: AddressFamily,
        context: C::Af,
    ) -> Outcome<Result<Af<C>, Status>> {
        if self.0.closing.get() {
            return Outcome::Done(Err(Status::CLOSING));
        }
        let shared = &self.0.shared;
        let af = Af(shared.insert(|token| AfState {
            shared: Rc::clone(shared),
            token,
            context,
            binding: self.clone(),
            family,
            handle: Cell::new(None),
            phase: Cell::new(Phase::Opening),
            closing: Cell::new(false),
            has_work: Cell::new(false),
            resting: Cell::new(false),
            busy: Cell::new(0),
            notified: RefCell::new(None),
            saps: RefCell::default(),
            vcs: RefCell::default(),
        }));
        self.0.holds.hold();
        self.0.holds.add_af(af.0.token);
        let call = Call::ClOpenAddressFamilyEx { binding: self.handle(), family, af_context: af.0.token };
        af.during(|| match engine::call(call, &mut |stored| af.store(stored)) {
            Status::PENDING => Outcome::Pending,
            status => Outcome::Done(af.opened(status)),
        })
    }

    /// The address families that are open on the binding, or being opened or closed.
    pub fn address_families(&self) -> Vec<Af<C>> {
        self.0.holds.afs::<C, AfState<C>>(&self.0.shared).into_iter().map(Af).collect()
    }
}

impl<C: Client> Af<C> {
    /// The binding on which it is open.
    pub fn binding(&self) -> &Binding<C> {
        &self.0.binding
    }

    /// The family.
    pub fn family(&self) -> AddressFamily {
        self.0.family
    }

    /// The SAPs that the client has on it.
    pub fn saps(&self) -> Vec<Sap<C>> {
        self.0.saps.borrow().clone()
    }

    /// The VCs on it, of either side's making.
    pub fn vcs(&self) -> Vec<Vc<C>> {
        self.0.vcs.borrow().values().cloned().collect()
    }

    /// Whether everything on it is being closed ([`close_everything`](Af::close_everything)).
    pub fn is_closing(&self) -> bool {
        self.0.closing.get()
    }

    /// Closes the address family (`NdisClCloseAddressFamily`). [`close_af_complete`](Client::close_af_complete) follows if it pends.
    /// The client must have dropped its parties, closed its calls, deleted its VCs and deregistered its SAPs before.
    pub fn close_address_family(&self) -> Outcome<Result<(), Status>> {
        self.0.phase.set(Phase::Closing);
        let call = Call::ClCloseAddressFamily { af: self.handle() };
        self.during(|| match engine::call(call, &mut |_| {}) {
            Status::PENDING => Outcome::Pending,
            status => Outcome::Done(self.closed(status)),
        })
    }

    pub(super) fn handle(&self) -> HandleArg {
        self.0.handle.get().map_or(HandleArg::Null, HandleArg::Known)
    }

    /// The VC of a context, if it is there.
    pub(in crate::typed) fn find_vc(&self, context: Token) -> Option<Vc<C>> {
        self.0.shared.find(context).map(Vc)
    }

    fn store(&self, stored: OutParameter) {
        if let OutParameter::AddressFamily(handle) = stored {
            self.0.handle.set(Some(handle));
        }
    }

    /// Makes a call that concerns the address family: it is not closed meanwhile.
    pub(in crate::typed) fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        self.0.busy.set(self.0.busy.get() + 1);
        let result = call();
        self.0.busy.set(self.0.busy.get() - 1);
        self.go_on();
        result
    }

    /// The open is over.
    pub(super) fn opened(&self, status: Status) -> Result<Af<C>, Status> {
        match result(status) {
            Ok(()) => {
                self.0.phase.set(Phase::Open);
                Ok(self.clone())
            }
            Err(status) => {
                self.forget();
                Err(status)
            }
        }
    }

    /// The close is over. One that is refused leaves the address family open.
    pub(super) fn closed(&self, status: Status) -> Result<(), Status> {
        let result = result(status);
        match result {
            Ok(()) => self.forget(),
            Err(_) => {
                self.0.phase.set(Phase::Open);
                self.refused(self.is_closing());
            }
        }
        result
    }

    fn forget(&self) {
        self.0.phase.set(Phase::Closed);
        self.0.shared.remove(self.0.token);
        self.0.binding.0.holds.remove_af(self.0.token);
        self.0.binding.0.holds.release();
    }
}

/// `ProtocolClNotifyCloseAf`, completed by `NdisClNotifyCloseAddressFamilyComplete`: successfully once the address family is
/// closed, with an error to refuse.
pub struct NotifyCloseAf<C: Client> {
    af: Af<C>,
    /// The binding must not go before the notification has its answer.
    hold: Hold<C>,
}

/// A hold on a binding, until it is dropped.
struct Hold<C: Client>(Binding<C>);

impl<C: Client> Drop for Hold<C> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.0.holds.release();
        }
    }
}

impl<C: Client> NotifyCloseAf<C> {
    pub(super) fn new(af: &Af<C>) -> Self {
        let binding = af.binding().clone();
        binding.0.holds.hold();
        NotifyCloseAf { af: af.clone(), hold: Hold(binding) }
    }
}

impl<C: Client> Operation for NotifyCloseAf<C> {
    type Result = Result<(), Status>;
    const HANDLER: Ddi = Ddi::ProtocolClNotifyCloseAf;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        Reply::status(status(&result))
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let NotifyCloseAf { af, hold } = self;
        let call = Call::ClNotifyCloseAddressFamilyComplete { af: af.handle(), status: status(&result) };
        engine::call(call, &mut |_| {});
        drop(hold);
    }
}

impl<'a, C: Client> Request<'a, NotifyCloseAf<C>> {
    /// Closes everything on the address family ([`Af::close_everything`]) and then completes the notification.
    pub fn close_everything(self) -> Answer<'a> {
        let af = self.operation.af.clone();
        if af.0.phase.get() == Phase::Closed {
            return self.complete(Ok(()));
        }
        let (answer, completion) = self.pend();
        af.0.notified.replace(Some(completion));
        af.close_everything();
        answer
    }
}
