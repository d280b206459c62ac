//! Closing everything in the documented order: parties, calls, VCs, SAPs, the address family.
//!
//! Each step is a call of the documentation that pends or not. What comes next is decided anew after each of them and after
//! each completion, from the phases of the objects, so that it makes no difference which task brings the news. A phase
//! changes before the call that changes it, so nothing is closed twice. A call that is refused is made again after a
//! while.

use super::af::Phase as AfPhase;
use super::party::Phase as PartyPhase;
use super::sap::Phase as SapPhase;
use super::vc::CallPhase;
use super::{Af, Client, Party, Vc};
use contract::Status;
use std::time::Duration;

/// When a call that was refused is made again.
const AGAIN: Duration = Duration::from_millis(10);

/// How often a VC is deleted whose call manager has not deactivated it. One that never does has to answer for that itself.
const REFUSALS_MAX: u32 = 8;

impl<C: Client> Af<C> {
    /// Closes everything that is on the address family, then the address family itself: drops parties until each call has
    /// one, closes the calls, deletes the client's VCs, deregisters the SAPs, each step when the one before it is over.
    ///
    /// From now on calls that would open something fail with `NDIS_STATUS_CLOSING`, offers of the call manager are turned away,
    /// and each step ends in the completion handler of its name, also if NDIS does not pend it. The last is
    /// [`close_af_complete`](Client::close_af_complete). A call of the client's own that would close something is absorbed.
    pub fn close_everything(&self) {
        self.0.closing.set(true);
        self.begin();
    }

    fn begin(&self) {
        self.0.has_work.set(true);
        self.go_on();
    }

    /// Makes the calls that are due.
    pub(super) fn go_on(&self) {
        if !self.0.has_work.get() || self.0.resting.get() {
            return;
        }
        self.vcs().iter().for_each(Vc::go_on);
        self.0.has_work.set(self.is_closing() || self.0.vcs.borrow().values().any(Vc::has_work));
        if !self.may_go_on() || self.vcs().iter().any(Vc::is_in_use) {
            return;
        }
        for sap in self.saps() {
            if self.may_go_on() && sap.0.phase.get() == SapPhase::Registered {
                let deregistered = sap.deregister();
                deregistered.when_done(|result| sap.driver().deregister_sap_complete(&sap, result));
            }
        }
        let has_sap = !self.0.saps.borrow().is_empty();
        // A VC may have come meanwhile.
        let has_vc = self.vcs().iter().any(Vc::is_in_use);
        if self.may_go_on() && self.0.busy.get() == 0 && !has_sap && !has_vc {
            self.close_address_family().when_done(|result| self.tell_closed(result));
        }
    }

    fn may_go_on(&self) -> bool {
        self.is_closing() && self.0.phase.get() == AfPhase::Open && !self.0.resting.get()
    }

    /// A close of the address family is over.
    pub(super) fn tell_closed(&self, result: Result<(), Status>) {
        self.driver().close_af_complete(self, result);
        if result.is_ok()
            && let Some(notified) = self.0.notified.take()
        {
            notified.complete(Ok(()));
        }
    }

    /// A call that closes something was refused. If everything is being closed, it is made again later.
    pub(super) fn refused(&self, closing: bool) {
        if closing && !self.0.resting.replace(true) {
            let af = self.clone();
            // The timer must not outlive the driver.
            self.binding().0.holds.hold();
            self.kernel().set_timer(AGAIN, move || {
                af.0.resting.set(false);
                af.go_on();
                af.binding().0.holds.release();
            });
        }
    }
}

impl<C: Client> Vc<C> {
    /// Closes the call on the VC and deletes the VC if the client has created it: drops parties until one is left, closes the
    /// call, deletes the VC, each step when the one before it is over. Each ends in the completion handler of its name, also
    /// if NDIS does not pend it.
    pub fn close_everything(&self) {
        self.0.closing.set(true);
        self.af().begin();
    }

    fn has_work(&self) -> bool {
        self.is_closing() || self.0.parties.borrow().iter().any(|party| party.0.leaving.get())
    }

    /// Whether it stands in the way of closing the address family.
    fn is_in_use(&self) -> bool {
        self.is_busy() || self.is_to_delete() || self.0.call.get() != CallPhase::None
    }

    fn is_to_delete(&self) -> bool {
        self.is_own() && !self.0.deleted.get() && self.0.refusals.get() < REFUSALS_MAX
    }

    fn is_closable(&self) -> bool {
        match self.0.call.get() {
            CallPhase::Accepted | CallPhase::Connected => true,
            // The answer is the client's, and NDIS must have heard it; after the other end's close neither matters.
            CallPhase::Offered | CallPhase::Accepting => self.0.told.get(),
            CallPhase::None | CallPhase::Making | CallPhase::Closing => false,
        }
    }

    fn go_on(&self) {
        if self.is_busy() {
            return;
        }
        if self.is_closable() {
            self.drop_parties();
            if self.is_closing() && self.is_closable() && !self.is_busy() {
                self.close_with_last();
            }
        }
        if self.0.call.get() == CallPhase::None && self.is_closing() && !self.is_busy() {
            if self.is_to_delete() {
                // A refusal is counted there.
                let _ = self.delete_vc();
            } else if !self.is_own() {
                // The call manager may offer another call on it.
                self.0.closing.set(false);
            }
        }
    }

    /// Drops the parties that are to leave, as long as another one stays.
    fn drop_parties(&self) {
        for party in self.parties() {
            let leaves = self.is_closing() || party.0.leaving.get();
            let stays = |other: &Party<C>| {
                *other != party && matches!(other.0.phase.get(), PartyPhase::There | PartyPhase::Adding)
            };
            let other_stays = self.0.parties.borrow().iter().any(stays);
            if leaves && other_stays && party.0.phase.get() == PartyPhase::There && !self.af().0.resting.get()
            {
                party.drop_now().when_done(|result| self.driver().drop_party_complete(&party, result));
            }
        }
        if let [last] = self.parties().as_slice()
            && last.0.leaving.get()
        {
            self.0.closing.set(true);
        }
    }

    /// Closes the call if no party is left but the last.
    fn close_with_last(&self) {
        let parties = self.parties();
        let last = match parties.as_slice() {
            [] => None,
            [last] if last.0.phase.get() == PartyPhase::There => Some(last),
            // More, or one that is being added or dropped.
            [..] => return,
        };
        if !self.af().0.resting.get() {
            self.close_now(last).when_done(|result| self.driver().close_call_complete(self, result));
        }
    }
}

impl<C: Client> Party<C> {
    /// Drops the party as soon as that is allowed, or closes the call if it is the last
    /// ([`Vc::close_everything`]). Either ends in the completion handler of its name, also if NDIS does not pend it.
    pub fn leave(&self) {
        self.0.leaving.set(true);
        self.vc().af().begin();
    }
}
