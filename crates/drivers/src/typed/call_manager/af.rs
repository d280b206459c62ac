//! Address families of a call manager: one for each client that has opened it.

use super::{Base, CallManager, Sap, Vc};
use crate::typed::answer::{Operation, Outcome, Sealed, result, status};
use crate::typed::gate::Gate;
use crate::typed::shared::{Shared, object};
use contract::{Ddi, Status};
use model::block::AddressFamily;
use model::{Call, Handle, Reply, Token};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

object! {
    /// An address family that a client has opened (`NdisAfHandle`): the call manager's connection to the client.
    Af<M: CallManager> = AfState, context:
    /// What the call manager keeps for the client.
    M::Af
}

pub(crate) struct AfState<M: CallManager> {
    pub(super) shared: Rc<Shared<M>>,
    pub(super) token: Token,
    context: M::Af,
    base: M::Base,
    family: AddressFamily,
    handle: Handle,
    phase: Cell<Phase>,
    /// Whether the client was asked to close.
    notified: Cell<bool>,
    /// Whether its answer is outstanding.
    asking: Cell<bool>,
    /// What keeps the handle alive: calls under way, SAPs, the call manager's own VCs.
    pub(super) gate: Gate,
    pub(super) saps: RefCell<Vec<Sap<M>>>,
    pub(super) vcs: RefCell<BTreeMap<Token, Vc<M>>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The completion of the open is under way.
    Opening,
    Open,
    /// The client closes it.
    Closing,
    Closed,
}

impl<M: CallManager> Af<M> {
    /// What the call manager offers the address family on.
    pub fn base(&self) -> &M::Base {
        &self.0.base
    }

    /// The family, as the client has asked for it.
    pub fn family(&self) -> AddressFamily {
        self.0.family
    }

    /// The SAPs that the client has registered.
    pub fn saps(&self) -> Vec<Sap<M>> {
        self.0.saps.borrow().clone()
    }

    /// The VCs on it, of either side's making.
    pub fn vcs(&self) -> Vec<Vc<M>> {
        self.0.vcs.borrow().values().cloned().collect()
    }

    /// Asks the client to close the address family (`NdisCmNotifyCloseAddressFamily`, `NdisMCmNotifyCloseAddressFamily`), at
    /// `PASSIVE_LEVEL`. [`notify_close_af_complete`](CallManager::notify_close_af_complete) follows if the client pends.
    pub fn notify_close_address_family(&self) -> Outcome<Result<(), Status>> {
        self.0.notified.set(true);
        self.0.asking.set(true);
        let holds = self.0.base.holds(Sealed(()));
        holds.hold();
        let call = Call::CmNotifyCloseAddressFamily { af: self.0.handle.into() };
        match self.0.gate.during(|| engine::call(call, &mut |_| {})) {
            Status::PENDING => Outcome::Pending,
            // Closed, refused, or crossed by the client's own close.
            status => {
                self.answered();
                Outcome::Done(result(status))
            }
        }
    }

    /// Whether the client has it open, and does not close it.
    pub fn is_open(&self) -> bool {
        self.0.phase.get() == Phase::Open
    }

    /// Asks the client to close, unless it was asked or closes.
    pub(super) fn close(&self) {
        if self.is_open() && !self.0.notified.get() {
            self.notify_close_address_family()
                .when_done(|result| self.driver().notify_close_af_complete(self, result));
        }
    }

    /// The client has answered.
    pub(super) fn answered(&self) {
        self.0.asking.set(false);
        self.forget_if_over();
        self.0.base.holds(Sealed(())).release();
    }

    pub(super) fn begin_close(&self) {
        self.0.phase.set(Phase::Closing);
    }

    fn closed(&self) {
        self.0.phase.set(Phase::Closed);
        self.forget_if_over();
        let holds = self.0.base.holds(Sealed(()));
        holds.remove_af(self.0.token);
        holds.release();
    }

    /// NDIS names the address family until it is closed and no notification is outstanding.
    fn forget_if_over(&self) {
        if self.0.phase.get() == Phase::Closed && !self.0.asking.get() {
            self.0.shared.remove(self.0.token);
        }
    }
}

/// `ProtocolCmOpenAf`, completed by `NdisCmOpenAddressFamilyComplete` or `NdisMCmOpenAddressFamilyComplete`: what the call manager
/// keeps for the client, or why it refuses.
pub struct OpenAf<M: CallManager> {
    pub(super) shared: Rc<Shared<M>>,
    pub(super) base: M::Base,
    pub(super) family: AddressFamily,
    pub(super) handle: Handle,
}

impl<M: CallManager> OpenAf<M> {
    fn af(&self, context: M::Af, phase: Phase) -> Af<M> {
        let OpenAf { shared, base, family, handle } = self;
        let af = Af(shared.insert(|token| AfState {
            shared: Rc::clone(shared),
            token,
            context,
            base: base.clone(),
            family: *family,
            handle: *handle,
            phase: Cell::new(phase),
            notified: Cell::new(false),
            asking: Cell::new(false),
            gate: Gate::default(),
            saps: RefCell::default(),
            vcs: RefCell::default(),
        }));
        base.holds(Sealed(())).add_af(af.0.token);
        af
    }
}

impl<M: CallManager> Operation for OpenAf<M> {
    type Result = Result<M::Af, Status>;
    const HANDLER: Ddi = Ddi::ProtocolCmOpenAf;

    fn answer(self, result: Self::Result, sealed: Sealed) -> Reply {
        match result {
            Ok(context) => {
                let af = self.af(context, Phase::Open);
                Reply::status(Status::SUCCESS).with_context(af.0.token)
            }
            Err(status) => {
                self.base.holds(sealed).release();
                Reply::status(status)
            }
        }
    }

    fn complete(self, result: Self::Result, sealed: Sealed) {
        let handle = self.handle;
        let complete = |status, af_context| {
            let call = Call::CmOpenAddressFamilyComplete { status, af: handle.into(), af_context };
            engine::call(call, &mut |_| {});
        };
        let holds = self.base.holds(sealed);
        match result {
            Ok(context) => {
                let af = self.af(context, Phase::Opening);
                // From now on the client may close: this call keeps what it needs of the base.
                holds.hold();
                complete(Status::SUCCESS, af.0.token);
                if af.0.phase.get() == Phase::Opening {
                    af.0.phase.set(Phase::Open);
                }
            }
            Err(status) => complete(status, Token::NULL),
        }
        // Whoever closes everything looks again, at the right level for asking this client, too.
        holds.release();
    }
}

/// `ProtocolCmCloseAf`, completed by `NdisCmCloseAddressFamilyComplete` or `NdisMCmCloseAddressFamilyComplete`. A success is held back
/// until the call manager's own VCs on the address family are deleted and its SAPs are gone.
pub struct CloseAf<M: CallManager> {
    pub(super) af: Af<M>,
}

impl<M: CallManager> Operation for CloseAf<M> {
    type Result = Result<(), Status>;
    const HANDLER: Ddi = Ddi::ProtocolCmCloseAf;

    fn answer(self, result: Self::Result, _: Sealed) -> Reply {
        match result {
            Ok(()) => self.af.closed(),
            Err(_) => self.af.0.phase.set(Phase::Open),
        }
        Reply::status(status(&result))
    }

    fn complete(self, result: Self::Result, _: Sealed) {
        let af = self.af.0.handle.into();
        engine::call(Call::CmCloseAddressFamilyComplete { status: status(&result), af }, &mut |_| {});
        self.af.closed();
    }

    fn gate(&self, result: &Self::Result, _: Sealed) -> Option<Gate> {
        result.is_ok().then(|| self.af.0.gate.clone())
    }
}

impl<M: CallManager> Af<M> {
    pub(super) fn handle(&self) -> Handle {
        self.0.handle
    }
}
