//! Who has to do with which address family, and with what lies on it: what [`Liveness`](super::Liveness) remembers of the
//! records.

use super::connections::Connections;
use alloc::vec::Vec;
use contract::{Ddi, Rule, Status};
use model::record::{Event, Record, TaskNumber};
use model::{AfId, Call, Callback, Debt, DriverId, Handle, HandleArg, Object, OutParameter, Token, VcId};

/// How many closed address families are remembered: a notification may still be owed on them.
const CLOSED_MAX: usize = 16;

/// The address families of an execution, open ones and the last that were closed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Parties {
    afs: Vec<Af>,
    /// What lies on them.
    connections: Connections,
    /// How many calls of `NdisClCloseAddressFamily` there have been.
    closes: u32,
}

/// One address family, from the call that opens it on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Af {
    /// The client's handle, once NDIS has stored it.
    handle: Option<Handle>,
    pub(super) client: DriverId,
    context: Token,
    pub(super) call_manager: Option<DriverId>,
    /// The task that is inside `NdisClOpenAddressFamilyEx`.
    opening: Option<TaskNumber>,
    open: Open,
    close: Close,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Open {
    /// The client does not know yet how it ends.
    Outstanding,
    Succeeded,
    /// The completion came before the call has returned; the entry goes with the return.
    Failed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Close {
    /// The client has not called `NdisClCloseAddressFamily`, or it was refused.
    Uncalled,
    /// The client is inside the call, on this task; the number orders the calls.
    Calling(TaskNumber, u32),
    /// The call, made on this task, returned `NDIS_STATUS_PENDING`.
    Pending(TaskNumber),
    /// It is over.
    Closed,
}

impl Af {
    /// Whether the client has called `NdisClCloseAddressFamily` on `task` and the close is not over.
    pub(super) fn is_closing_since(&self, task: TaskNumber) -> bool {
        match self.close {
            Close::Calling(caller, _) | Close::Pending(caller) => caller == task,
            Close::Uncalled | Close::Closed => false,
        }
    }

    /// Who has to act next for the close to get on.
    pub(super) fn holder(&self) -> Option<DriverId> {
        match self.close {
            Close::Uncalled => Some(self.client),
            Close::Calling(..) | Close::Pending(_) => self.call_manager,
            Close::Closed => None,
        }
    }
}

impl Parties {
    /// The address family with this client's handle, if it is remembered.
    pub(super) fn af(&self, handle: Handle) -> Option<&Af> {
        self.afs.iter().find(|af| af.handle == Some(handle))
    }

    /// The client's handle of the address family that `driver` opened with this context, if it is not closed.
    pub(super) fn opened_by(&self, driver: DriverId, context: Token) -> Option<Handle> {
        let af = self
            .afs
            .iter()
            .find(|af| af.client == driver && af.context == context && af.close != Close::Closed)?;
        af.handle
    }

    /// Whether one of the drivers is the client and the other the call manager of an address family that is not closed.
    pub(super) fn share_af(&self, one: DriverId, other: DriverId) -> bool {
        self.afs.iter().filter(|af| af.close != Close::Closed).any(|af| {
            af.call_manager.is_some_and(|call_manager| {
                (af.client, call_manager) == (one, other) || (af.client, call_manager) == (other, one)
            })
        })
    }

    /// Whether a driver has to do with an object; none if the object is none that drivers share, or was forgotten.
    pub(super) fn takes_part(&self, driver: DriverId, object: Object) -> Option<bool> {
        let has_af = |af: &Af| af.client == driver || af.call_manager == Some(driver);
        match object {
            Object::Af(AfId(handle)) => self.af(handle).map(has_af),
            Object::Sap(id) => self.connections.af_of_sap(id).and_then(|handle| self.af(handle)).map(has_af),
            Object::Vc(_) | Object::Call(_) | Object::Party(_) => {
                let vc = self.vc_of(object).and_then(|id| self.connections.vc(id))?;
                Some(vc.has(driver))
            }
            Object::Driver(_) | Object::Adapter(_) | Object::Binding(_) | Object::Registration(_) => None,
        }
    }

    /// Whether it may be this driver's turn on an object, for that to get on.
    pub(super) fn is_turn_of(&self, driver: DriverId, object: Object) -> bool {
        match object {
            Object::Af(AfId(handle)) => self.af(handle).is_some_and(|af| af.holder() == Some(driver)),
            // What others wait for on these is with the call manager.
            Object::Sap(id) => {
                let af = self.connections.af_of_sap(id).and_then(|handle| self.af(handle));
                af.is_some_and(|af| af.call_manager == Some(driver))
            }
            Object::Call(_) | Object::Party(_) => {
                let vc = self.vc_of(object).and_then(|id| self.connections.vc(id));
                vc.is_some_and(|vc| vc.call_manager == Some(driver))
            }
            // And on this it is with the miniport, or the call manager has to deactivate or delete it.
            Object::Vc(id) => {
                let vc = self.connections.vc(id);
                vc.is_some_and(|vc| [vc.call_manager, vc.miniport].contains(&Some(driver)))
            }
            Object::Driver(_) | Object::Adapter(_) | Object::Binding(_) | Object::Registration(_) => false,
        }
    }

    /// Whether a call manager may hold `debt` back for `other`, which a client owes it on another call: who is called has yet
    /// to answer.
    pub(super) fn relays(&self, debt: &Debt, other: &Debt) -> bool {
        let is_made_or_added =
            debt.rule == Rule::CallCmMakeCompleteRequired || debt.rule == Rule::PartyCmAddCompleteRequired;
        let (one, another) = (self.vc_of(debt.object), self.vc_of(other.object));
        is_made_or_added
            && other.rule == Rule::CallIncomingCompleteRequired
            && one != another
            && another
                .and_then(|id| self.connections.vc(id))
                .is_some_and(|vc| vc.call_manager == Some(debt.by))
    }

    /// The VC that an object is, or is on.
    pub(super) fn vc_of(&self, object: Object) -> Option<VcId> {
        match object {
            Object::Vc(id) | Object::Call(id) => Some(id),
            Object::Party(id) => self.connections.vc_of_party(id),
            Object::Driver(_)
            | Object::Adapter(_)
            | Object::Binding(_)
            | Object::Registration(_)
            | Object::Af(_)
            | Object::Sap(_) => None,
        }
    }

    pub(super) fn look(&mut self, record: &Record) {
        self.connections.look(record);
        let task = record.task;
        match record.event {
            Event::Called(driver, Call::ClOpenAddressFamilyEx { af_context, .. }) => self.afs.push(Af {
                handle: None,
                client: driver,
                context: af_context,
                call_manager: None,
                opening: Some(task),
                open: Open::Outstanding,
                close: Close::Uncalled,
            }),
            Event::Called(driver, Call::ClCloseAddressFamily { af: HandleArg::Known(handle) }) => {
                self.closes += 1;
                let close = Close::Calling(task, self.closes);
                let mut afs = self.afs.iter_mut();
                let af = afs.find(|af| af.handle == Some(handle) && af.client == driver);
                if let Some(af) = af.filter(|af| af.close == Close::Uncalled) {
                    af.close = close;
                }
            }
            Event::Published(_, OutParameter::AddressFamily(handle)) => {
                if let Some(af) = self.opening(task) {
                    af.handle = Some(handle);
                }
            }
            Event::Invoked(driver, Callback::CmOpenAf { .. }) => {
                if let Some(af) = self.opening(task) {
                    af.call_manager = Some(driver);
                }
            }
            Event::Invoked(driver, Callback::ClOpenAfCompleteEx { af_context, status, .. }) => {
                self.open_completed(driver, af_context, status);
            }
            Event::Returned(_, Ddi::NdisClOpenAddressFamilyEx, status) => self.open_returned(task, status),
            Event::Invoked(driver, Callback::ClCloseAfComplete { status, af_context }) => {
                let mut afs = self.afs.iter_mut();
                let af = afs.find(|af| {
                    (af.client, af.context) == (driver, af_context)
                        && matches!(af.close, Close::Calling(..) | Close::Pending(_))
                });
                if let Some(af) = af {
                    af.close = after_close(status);
                    self.forget_closed();
                }
            }
            Event::Returned(driver, Ddi::NdisClCloseAddressFamily, status) => {
                self.close_returned(driver, task, status);
            }
            Event::Commanded(_)
            | Event::Started(_)
            | Event::Queued(..)
            | Event::Ended
            | Event::Called(..)
            | Event::Published(..)
            | Event::Returned(..)
            | Event::Invoked(..)
            | Event::Replied(..)
            | Event::Waiting(..)
            | Event::Kernel(..)
            | Event::Printed(..)
            | Event::Edge(..)
            | Event::Warned(_)
            | Event::Violated(_) => {}
        }
    }

    /// The address family that the innermost `NdisClOpenAddressFamilyEx` of a task opens.
    fn opening(&mut self, task: TaskNumber) -> Option<&mut Af> {
        self.afs.iter_mut().rfind(|af| af.opening == Some(task))
    }

    fn open_completed(&mut self, client: DriverId, context: Token, status: Status) {
        let found = self
            .afs
            .iter()
            .position(|af| (af.client, af.context, af.open) == (client, context, Open::Outstanding));
        let Some(index) = found else { return };
        if status == Status::SUCCESS {
            self.afs[index].open = Open::Succeeded;
        } else if self.afs[index].opening.is_some() {
            self.afs[index].open = Open::Failed;
        } else {
            self.afs.remove(index);
        }
    }

    fn open_returned(&mut self, task: TaskNumber, status: Status) {
        let Some(index) = self.afs.iter().rposition(|af| af.opening == Some(task)) else { return };
        let af = &mut self.afs[index];
        af.opening = None;
        if status == Status::SUCCESS {
            af.open = Open::Succeeded;
        } else if status != Status::PENDING || af.open == Open::Failed {
            self.afs.remove(index);
        }
    }

    fn close_returned(&mut self, client: DriverId, task: TaskNumber, status: Status) {
        let number = |af: &Af| match af.close {
            Close::Calling(caller, number) if caller == task && af.client == client => Some(number),
            Close::Calling(..) | Close::Uncalled | Close::Pending(_) | Close::Closed => None,
        };
        let innermost = self.afs.iter_mut().filter(|af| number(af).is_some()).max_by_key(|af| number(af));
        if let Some(af) = innermost {
            af.close = if status == Status::PENDING { Close::Pending(task) } else { after_close(status) };
            self.forget_closed();
        }
    }

    fn forget_closed(&mut self) {
        let closed = self.afs.iter().filter(|af| af.close == Close::Closed).count();
        let oldest = self.afs.iter().position(|af| af.close == Close::Closed);
        if let Some(oldest) = oldest.filter(|_| closed > CLOSED_MAX) {
            self.afs.remove(oldest);
        }
    }
}

/// What a close that is over leaves. One that was refused leaves the address family open (af-q-handle-after-failed-close).
fn after_close(status: Status) -> Close {
    if status == Status::SUCCESS { Close::Closed } else { Close::Uncalled }
}
