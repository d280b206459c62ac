//! Who has to do with which SAP, VC and party: what [`Liveness`](super::Liveness) remembers of the records.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use contract::{Ddi, Status};
use model::record::{Event, Record, TaskNumber};
use model::{
    Call, Callback, DriverId, Handle, HandleArg, HandleKind, OutParameter, PartyId, SapId, Side, VcId,
};

/// The SAPs, VCs and parties of an execution that are not known to be gone, by the client's handles.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Connections {
    /// With their address family.
    saps: BTreeMap<Handle, Handle>,
    vcs: BTreeMap<Handle, Vc>,
    /// With their VC.
    parties: BTreeMap<Handle, Handle>,
    /// The calls under way that make or end something, those of one task in the order in which they began.
    calls: Vec<Making>,
}

/// One VC, from its first create handler on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Vc {
    pub(super) client: Option<DriverId>,
    pub(super) call_manager: Option<DriverId>,
    pub(super) miniport: Option<DriverId>,
    parties: Vec<Handle>,
}

impl Vc {
    pub(super) fn has(&self, driver: DriverId) -> bool {
        [self.client, self.call_manager, self.miniport].contains(&Some(driver))
    }
}

/// A call that makes or ends something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Making {
    task: TaskNumber,
    by: DriverId,
    call: Call,
    /// What it has made.
    made: Option<Handle>,
}

impl Connections {
    pub(super) fn vc(&self, id: VcId) -> Option<&Vc> {
        self.vcs.get(&id.0)
    }

    pub(super) fn vc_of_party(&self, id: PartyId) -> Option<VcId> {
        self.parties.get(&id.0).copied().map(VcId)
    }

    /// The client's handle of the address family of a SAP.
    pub(super) fn af_of_sap(&self, id: SapId) -> Option<Handle> {
        self.saps.get(&id.0).copied()
    }

    pub(super) fn look(&mut self, record: &Record) {
        let task = record.task;
        match record.event {
            Event::Called(by, call) if makes_or_ends(&call) => {
                self.calls.push(Making { task, by, call, made: None });
            }
            Event::Published(by, out) => self.stored(task, by, out),
            Event::Invoked(driver, ref callback) => self.invoked(task, driver, callback),
            Event::Returned(_, ddi, status) => self.returned(task, ddi, status),
            Event::Ended => self.calls.retain(|making| making.task != task),
            Event::Commanded(_)
            | Event::Started(_)
            | Event::Queued(..)
            | Event::Called(..)
            | Event::Replied(..)
            | Event::Waiting(..)
            | Event::Kernel(..)
            | Event::Printed(..)
            | Event::Edge(..)
            | Event::Warned(_)
            | Event::Violated(_) => {}
        }
    }

    /// The innermost such call of a task.
    fn making(&mut self, task: TaskNumber) -> Option<&mut Making> {
        self.calls.iter_mut().rfind(|making| making.task == task)
    }

    fn stored(&mut self, task: TaskNumber, by: DriverId, out: OutParameter) {
        match out {
            OutParameter::Sap(handle) => {
                let Some(making) = self.making(task) else { return };
                making.made = Some(handle);
                if let Call::ClRegisterSap { af: HandleArg::Known(af), .. } = making.call {
                    self.saps.insert(handle, af);
                }
            }
            OutParameter::Vc(handle) => {
                let vc = self.vcs.entry(handle.of_client()).or_default();
                let creator =
                    if handle.kind == HandleKind::ClientVc { &mut vc.client } else { &mut vc.call_manager };
                *creator = Some(by);
            }
            OutParameter::Party(HandleArg::Known(handle)) => self.party_made(task, handle),
            OutParameter::DriverHandle(_)
            | OutParameter::Binding(..)
            | OutParameter::AddressFamily(_)
            | OutParameter::Party(HandleArg::Null | HandleArg::Unknown(_))
            | OutParameter::CallParameters(_)
            | OutParameter::InstanceName(..)
            | OutParameter::CallId(_)
            | OutParameter::VcContext(_) => {}
        }
    }

    fn party_made(&mut self, task: TaskNumber, handle: Handle) {
        let handle = handle.of_client();
        let Some(making) = self.making(task) else { return };
        making.made = Some(handle);
        let (Call::ClMakeCall { vc: HandleArg::Known(vc), .. }
        | Call::ClAddParty { vc: HandleArg::Known(vc), .. }) = making.call
        else {
            return;
        };
        let vc = vc.of_client();
        if self.parties.insert(handle, vc).is_none()
            && let Some(vc) = self.vcs.get_mut(&vc)
        {
            vc.parties.push(handle);
        }
    }

    fn invoked(&mut self, task: TaskNumber, driver: DriverId, callback: &Callback) {
        let over = |status| status == Status::SUCCESS;
        match *callback {
            Callback::CoCreateVc { vc: handle, side, .. } => {
                let Some((creator, vc)) = self.vc_made(task, handle) else { return };
                (vc.client, vc.call_manager) = match side {
                    Side::Client => (Some(driver), Some(creator)),
                    Side::CallManager => (Some(creator), Some(driver)),
                };
            }
            Callback::MiniportCoCreateVc { vc: handle, .. } => {
                let Some((creator, vc)) = self.vc_made(task, handle) else { return };
                vc.miniport = Some(driver);
                vc.call_manager.get_or_insert(creator);
            }
            Callback::CmMakeCall { party: HandleArg::Known(party), .. }
            | Callback::CmAddParty { party, .. } => self.party_made(task, party),
            // The end of something that was pended is told inside the call that completes it.
            Callback::ClRegisterSapComplete { status, .. } if !over(status) => self.end_completed(task),
            Callback::ClAddPartyComplete { status, .. } if !over(status) => self.end_completed(task),
            Callback::ClDeregisterSapComplete { status, .. }
            | Callback::ClDropPartyComplete { status, .. }
            | Callback::ClCloseCallComplete { status, .. }
                if over(status) =>
            {
                self.end_completed(task);
            }
            _ => {}
        }
    }

    /// The VC that a create handler is about, and who creates it.
    fn vc_made(&mut self, task: TaskNumber, handle: Handle) -> Option<(DriverId, &mut Vc)> {
        let handle = handle.of_client();
        let making = self.making(task)?;
        making.made = Some(handle);
        let creator = making.by;
        Some((creator, self.vcs.entry(handle).or_default()))
    }

    /// What the innermost call of a task completes is over.
    fn end_completed(&mut self, task: TaskNumber) {
        let Some(making) = self.making(task) else { return };
        match making.call {
            Call::CmRegisterSapComplete { sap: HandleArg::Known(handle), .. }
            | Call::CmDeregisterSapComplete { sap: HandleArg::Known(handle), .. } => {
                self.saps.remove(&handle.of_client());
            }
            Call::CmAddPartyComplete { party: HandleArg::Known(handle), .. }
            | Call::CmDropPartyComplete { party: HandleArg::Known(handle), .. } => {
                self.forget_party(handle.of_client());
            }
            Call::CmCloseCallComplete { vc: HandleArg::Known(handle), .. } => {
                self.forget_parties(handle.of_client());
            }
            _ => {}
        }
    }

    fn returned(&mut self, task: TaskNumber, ddi: Ddi, status: Status) {
        let is_it = |making: &Making| making.task == task && making.call.ddi() == ddi;
        let Some(index) = self.calls.iter().rposition(is_it) else { return };
        let making = self.calls.remove(index);
        let succeeds = status == Status::SUCCESS;
        let fails = !succeeds && status != Status::PENDING;
        match making.call {
            Call::ClRegisterSap { .. } if fails => {
                making.made.map(|handle| self.saps.remove(&handle));
            }
            Call::ClDeregisterSap { sap: HandleArg::Known(handle) } if succeeds => {
                self.saps.remove(&handle.of_client());
            }
            Call::CoCreateVc { .. } | Call::MCmCreateVc { .. } if fails => {
                making.made.map(|handle| self.vcs.remove(&handle));
            }
            Call::CoDeleteVc { vc: HandleArg::Known(handle) }
            | Call::MCmDeleteVc { vc: HandleArg::Known(handle) }
                if succeeds =>
            {
                self.forget_parties(handle.of_client());
                self.vcs.remove(&handle.of_client());
            }
            Call::ClMakeCall { .. } | Call::ClAddParty { .. } if fails => {
                if let Some(handle) = making.made {
                    self.forget_party(handle);
                }
            }
            Call::ClDropParty { party: HandleArg::Known(handle), .. } if succeeds => {
                self.forget_party(handle.of_client());
            }
            Call::ClCloseCall { vc: HandleArg::Known(handle), .. } if succeeds => {
                self.forget_parties(handle.of_client());
            }
            _ => {}
        }
    }

    fn forget_party(&mut self, handle: Handle) {
        let Some(vc) = self.parties.remove(&handle) else { return };
        if let Some(vc) = self.vcs.get_mut(&vc) {
            vc.parties.retain(|&party| party != handle);
        }
    }

    fn forget_parties(&mut self, vc: Handle) {
        let parties = self.vcs.get_mut(&vc).map(|vc| core::mem::take(&mut vc.parties));
        for party in parties.into_iter().flatten() {
            self.parties.remove(&party);
        }
    }
}

/// Whether a call makes a SAP, VC or party, ends one, or completes either.
fn makes_or_ends(call: &Call) -> bool {
    matches!(
        call,
        Call::ClRegisterSap { .. }
            | Call::CmRegisterSapComplete { .. }
            | Call::ClDeregisterSap { .. }
            | Call::CmDeregisterSapComplete { .. }
            | Call::CoCreateVc { .. }
            | Call::MCmCreateVc { .. }
            | Call::CoDeleteVc { .. }
            | Call::MCmDeleteVc { .. }
            | Call::ClMakeCall { .. }
            | Call::ClCloseCall { .. }
            | Call::CmCloseCallComplete { .. }
            | Call::ClAddParty { .. }
            | Call::CmAddPartyComplete { .. }
            | Call::ClDropParty { .. }
            | Call::CmDropPartyComplete { .. }
    )
}
