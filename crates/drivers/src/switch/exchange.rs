//! What happens to calls, event by event. Nothing here runs twice at a time.

use super::call::{Branch, BranchState, Line, LineState};
use super::{End, Event, Switch};
use crate::typed::call_manager::{AddParty, CloseCall, Connected, MakeCall, ModifyCallQos, Vc};
use crate::typed::{Completion, offer_of};
use contract::Status;
use model::block::CallParameters;
use std::rc::Rc;

/// What a call gets that does not say how fast it is to be, in bytes per second.
const BANDWIDTH: u32 = 64_000;

impl Switch {
    pub(super) fn take(&self, event: Event) {
        match event {
            Event::MakeCall(vc, parameters, completion, is_multipoint) => {
                self.make(&vc, parameters, completion, is_multipoint)
            }
            Event::CloseCall(vc, completion) => self.close(&vc, completion),
            Event::ModifyCallQos(vc, parameters, completion) => self.modify(&vc, parameters, completion),
            Event::AddParty(vc, parameters, completion) => self.add(&vc, parameters, completion),
            Event::DropParty(party, completion) => {
                let branch = Rc::clone(party.context());
                hang_up(&branch);
                branch.line.remove(&branch);
                completion.complete(Ok(()));
            }
            Event::Answered(vc, result) => {
                if let End::Called(branch) = vc.context() {
                    self.answered(branch, result);
                }
            }
            Event::Delete(vc) => {
                // Nothing is on it any more, and it is not active.
                if let Err(status) = vc.delete_vc() {
                    vc.kernel().print(&format!("switch: a VC was not deleted: {status}"));
                }
            }
            Event::DeregisterSap(completion) => completion.complete(Ok(())),
        }
    }

    // ---------------------------------------------------------------------------------------------- making calls

    fn make(
        &self,
        vc: &Vc<Switch>,
        parameters: CallParameters,
        completion: Completion<MakeCall<Switch>>,
        is_multipoint: bool,
    ) {
        let End::Caller(line) = vc.context() else { return };
        line.state.set(LineState::Making);
        line.is_multipoint.set(is_multipoint);
        line.told.set(false);
        line.vc.replace(Some(vc.clone()));
        line.making.replace(Some(completion));
        line.branches.borrow_mut().clear();
        self.call(Branch::new(line, sized(parameters), None));
    }

    fn add(&self, vc: &Vc<Switch>, parameters: CallParameters, completion: Completion<AddParty<Switch>>) {
        let End::Caller(line) = vc.context() else { return };
        self.call(Branch::new(line, sized(parameters), Some(completion)));
    }

    /// Offers the call to the client that is called.
    fn call(&self, branch: Rc<Branch>) {
        branch.line.branches.borrow_mut().push(Rc::clone(&branch));
        let Some(sap) = self.find_sap(branch.asked.called) else {
            return give_up(&branch, Status::NO_ROUTE_TO_DESTINATION);
        };
        let vc = match sap.af().create_vc(End::Called(Rc::clone(&branch))) {
            Ok(vc) => vc,
            Err(status) => return give_up(&branch, status),
        };
        branch.vc.replace(Some(vc.clone()));
        let parameters = offer_of(branch.asked);
        self.activate(&vc.clone(), parameters, move |switch, result| match result {
            Ok(()) => {
                let answer = vc.dispatch_incoming_call(&sap, parameters);
                answer.when_done(|result| switch.answered(&branch, result));
            }
            Err(status) => {
                give_up(&branch, status);
                switch.bring(vc.af(), Event::Delete(vc.clone()));
            }
        });
    }

    /// A client has accepted a call, or turned it away.
    fn answered(&self, branch: &Rc<Branch>, result: Result<CallParameters, Status>) {
        let Some(vc) = branch.vc.borrow().clone() else { return };
        match (result, branch.state.get()) {
            (Ok(parameters), BranchState::Offered) => self.accepted(branch, &vc, sized(parameters)),
            // It was told of the close meanwhile, and closes.
            (Ok(_), BranchState::Connected | BranchState::Told | BranchState::Gone) => {}
            // It has heard of no close if its own no was there first.
            (Err(status), BranchState::Offered | BranchState::Connected | BranchState::Told) => {
                give_up(branch, status);
                self.deactivate(&vc.clone(), move |switch| switch.bring(vc.af(), Event::Delete(vc.clone())));
            }
            (Err(_), BranchState::Gone) => {}
        }
    }

    fn accepted(&self, branch: &Rc<Branch>, vc: &Vc<Switch>, parameters: CallParameters) {
        if parameters.same(&offer_of(branch.asked)) {
            return self.agreed(branch, branch.asked);
        }
        // The client has changed what it was offered.
        let CallParameters { transmit: receive, receive: transmit, .. } = parameters;
        let agreed = CallParameters { transmit, receive, ..branch.asked };
        let branch = Rc::clone(branch);
        self.activate(vc, parameters, move |switch, result| match result {
            Ok(()) => switch.agreed(&branch, agreed),
            Err(status) => withdraw(&branch, status),
        });
    }

    /// Both ends want the call.
    fn agreed(&self, branch: &Rc<Branch>, parameters: CallParameters) {
        let line = &branch.line;
        let vc = line.vc.borrow().clone();
        match (vc, line.state.get()) {
            (Some(vc), LineState::Making) => {
                let branch = Rc::clone(branch);
                self.activate(&vc, parameters, move |_, result| match result {
                    Ok(()) => connect(&branch, parameters),
                    Err(status) => withdraw(&branch, status),
                });
            }
            // The caller is about to close.
            (Some(_), LineState::Connected) if line.told.get() => withdraw(branch, Status::CLOSING),
            // A party changes nothing for those that are there.
            (Some(_), LineState::Connected) => connect(branch, parameters),
            (None, _) | (Some(_), LineState::Idle) => withdraw(branch, Status::FAILURE),
        }
    }

    // --------------------------------------------------------------------------------------------- closing calls

    fn close(&self, vc: &Vc<Switch>, completion: Completion<CloseCall<Switch>>) {
        match vc.context() {
            End::Caller(line) => {
                let making = line.making.take();
                let was = line.state.replace(LineState::Idle);
                let branches = line.branches.take();
                line.vc.take();
                if let Some(making) = making {
                    making.complete(Err(Status::REQUEST_ABORTED));
                }
                branches.iter().for_each(hang_up);
                match was {
                    LineState::Connected => self.deactivate(vc, move |_| completion.complete(Ok(()))),
                    LineState::Idle | LineState::Making => completion.complete(Ok(())),
                }
            }
            End::Called(branch) => {
                let was = branch.state.replace(BranchState::Gone);
                let (branch, own) = (Rc::clone(branch), vc.clone());
                self.deactivate(vc, move |switch| {
                    completion.complete(Ok(()));
                    switch.bring(own.af(), Event::Delete(own.clone()));
                    match was {
                        BranchState::Connected => switch.tell_caller(&branch),
                        // It closes instead of answering.
                        BranchState::Offered => give_up(&branch, Status::REQUEST_ABORTED),
                        BranchState::Told | BranchState::Gone => {}
                    }
                });
            }
        }
    }

    /// Tells the caller that a client which it called has left.
    fn tell_caller(&self, branch: &Rc<Branch>) {
        let line = &branch.line;
        if line.told.get() {
            return;
        }
        let party = branch.party.borrow().clone();
        let vc = line.vc.borrow().clone();
        match (party, vc) {
            (Some(party), _) if line.has_other(branch) => party.dispatch_incoming_drop_party(Status::SUCCESS),
            (_, Some(vc)) => {
                line.told.set(true);
                vc.dispatch_incoming_close_call(Status::SUCCESS);
            }
            (_, None) => {}
        }
    }

    // ----------------------------------------------------------------------------------------- quality of service

    /// One end asks for another quality of service: the other is told if it is granted.
    fn modify(
        &self,
        vc: &Vc<Switch>,
        parameters: CallParameters,
        completion: Completion<ModifyCallQos<Switch>>,
    ) {
        let parameters = sized(parameters);
        let others = match vc.context() {
            End::Caller(line) if line.state.get() == LineState::Connected => Some(connected(line)),
            // Nobody but the caller speaks for all parties.
            End::Called(branch)
                if branch.state.get() == BranchState::Connected && !branch.line.is_multipoint.get() =>
            {
                Some(branch.line.vc.borrow().clone().into_iter().collect())
            }
            End::Caller(_) | End::Called(_) => None,
        };
        let Some(others) = others else { return completion.complete(Err(Status::FAILURE)) };
        self.activate(vc, parameters, move |switch, result| match result {
            Ok(()) => {
                completion.complete(Ok(parameters));
                switch.change(others, parameters);
            }
            Err(_) => completion.complete(Err(Status::FAILURE)),
        });
    }

    /// Tells the other ends of a change, one after the other.
    fn change(&self, mut others: Vec<Vc<Switch>>, asked: CallParameters) {
        let Some(vc) = others.pop() else { return };
        let CallParameters { transmit: receive, receive: transmit, .. } = asked;
        let parameters = CallParameters { transmit, receive, ..held(&vc) };
        self.activate(&vc.clone(), parameters, move |switch, result| {
            if result.is_ok() {
                vc.dispatch_incoming_call_qos_change(parameters);
            }
            switch.change(others, asked);
        });
    }

    // ------------------------------------------------------------------------------------- activation, with what follows

    /// Reports that a VC is active, and with what; goes on with `next` when NDIS has taken note. Last in whatever calls it.
    fn activate(
        &self,
        vc: &Vc<Switch>,
        parameters: CallParameters,
        next: impl FnOnce(&Switch, Result<(), Status>) + 'static,
    ) {
        self.next.replace(Some(Box::new(next)));
        vc.activate_vc(parameters).when_done(|result| self.noted.set(Some(result.map(drop))));
    }

    /// The same for one that is not active any more.
    fn deactivate(&self, vc: &Vc<Switch>, next: impl FnOnce(&Switch) + 'static) {
        self.next.replace(Some(Box::new(|switch, _| next(switch))));
        vc.deactivate_vc().when_done(|result| self.noted.set(Some(result)));
    }
}

/// Tells the caller that the call is made, or the party added.
fn report(branch: &Rc<Branch>, parameters: CallParameters) {
    let line = &branch.line;
    let vc = line.vc.borrow().clone();
    let adding = branch.adding.take();
    let making = line.making.take();
    line.state.set(LineState::Connected);
    match (adding, making) {
        (Some(adding), _) => adding.complete(Ok((parameters, Rc::clone(branch)))),
        (None, Some(making)) => {
            let party = line.is_multipoint.get().then(|| Rc::clone(branch));
            making.complete(Ok(Connected { parameters, party }));
        }
        (None, None) => {}
    }
    let parties = vc.map(|vc| vc.parties()).unwrap_or_default();
    let party = parties.into_iter().find(|party| Rc::ptr_eq(party.context(), branch));
    branch.party.replace(party);
}

/// The call is there for both ends.
fn connect(branch: &Rc<Branch>, parameters: CallParameters) {
    branch.state.set(BranchState::Connected);
    report(branch, parameters);
    let vc = branch.vc.borrow().clone();
    if let Some(vc) = vc {
        vc.dispatch_call_connected();
    }
}

/// The call comes to nothing although the client wants it.
fn withdraw(branch: &Rc<Branch>, status: Status) {
    hang_up(branch);
    fail(branch, status);
}

/// The client does not want the call, or cannot have it.
fn give_up(branch: &Rc<Branch>, status: Status) {
    branch.state.set(BranchState::Gone);
    fail(branch, status);
}

/// Tells the caller that the call cannot be made, or the party not be added.
fn fail(branch: &Rc<Branch>, status: Status) {
    let line = &branch.line;
    line.remove(branch);
    if let Some(adding) = branch.adding.take() {
        return adding.complete(Err(status));
    }
    let making = line.making.take();
    if let Some(making) = making {
        line.state.set(LineState::Idle);
        line.vc.take();
        making.complete(Err(status));
    }
}

/// Tells the called client that the other end closes, unless it closes itself.
fn hang_up(branch: &Rc<Branch>) {
    let vc = branch.vc.borrow().clone();
    match branch.state.get() {
        BranchState::Offered | BranchState::Connected => {
            branch.state.set(BranchState::Told);
            if let Some(vc) = vc {
                vc.dispatch_incoming_close_call(Status::SUCCESS);
            }
        }
        BranchState::Told | BranchState::Gone => {}
    }
}

/// The VCs to the clients that are connected.
fn connected(line: &Line) -> Vec<Vc<Switch>> {
    let branches = line.branches.borrow();
    let connected = branches.iter().filter(|branch| branch.state.get() == BranchState::Connected);
    connected.filter_map(|branch| branch.vc.borrow().clone()).collect()
}

/// The parameters that a client's VC had first.
fn held(vc: &Vc<Switch>) -> CallParameters {
    match vc.context() {
        End::Caller(line) => {
            line.branches.borrow().first().map_or(CallParameters::NULL, |branch| branch.asked)
        }
        End::Called(branch) => offer_of(branch.asked),
    }
}

/// The parameters with a bandwidth in each direction.
fn sized(parameters: CallParameters) -> CallParameters {
    let or_default = |bandwidth| if bandwidth == 0 { BANDWIDTH } else { bandwidth };
    let (transmit, receive) = (or_default(parameters.transmit), or_default(parameters.receive));
    CallParameters { transmit, receive, ..parameters }
}
