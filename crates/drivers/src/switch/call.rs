//! What the switch knows of a call: the caller's line, and a branch to each client that is called.

use super::Switch;
use crate::typed::Completion;
use crate::typed::call_manager::{AddParty, MakeCall, Party, Vc};
use model::block::CallParameters;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A caller's VC. It may be used for one call after another.
#[derive(Default)]
pub(super) struct Line {
    pub(super) state: Cell<LineState>,
    pub(super) is_multipoint: Cell<bool>,
    /// Whether the caller was told that the other end closes the call.
    pub(super) told: Cell<bool>,
    /// The VC, while there is a call on it.
    pub(super) vc: RefCell<Option<Vc<Switch>>>,
    pub(super) making: RefCell<Option<Completion<MakeCall<Switch>>>>,
    /// Those of the present call that have not been dropped.
    pub(super) branches: RefCell<Vec<Rc<Branch>>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum LineState {
    #[default]
    Idle,
    /// The call has been offered.
    Making,
    Connected,
}

/// The part of a call that leads to one client.
pub(super) struct Branch {
    pub(super) line: Rc<Line>,
    pub(super) state: Cell<BranchState>,
    /// What the caller has asked for.
    pub(super) asked: CallParameters,
    /// The called client's VC.
    pub(super) vc: RefCell<Option<Vc<Switch>>>,
    /// The caller's party, if the call has parties and this one is connected.
    pub(super) party: RefCell<Option<Party<Switch>>>,
    pub(super) adding: RefCell<Option<Completion<AddParty<Switch>>>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BranchState {
    /// The client has not answered.
    Offered,
    Connected,
    /// The client was told that the other end closes, and has not closed yet.
    Told,
    /// The client has closed or turned the call away.
    Gone,
}

impl Branch {
    pub(super) fn new(
        line: &Rc<Line>,
        asked: CallParameters,
        adding: Option<Completion<AddParty<Switch>>>,
    ) -> Rc<Branch> {
        Rc::new(Branch {
            line: Rc::clone(line),
            state: Cell::new(BranchState::Offered),
            asked,
            vc: RefCell::new(None),
            party: RefCell::new(None),
            adding: RefCell::new(adding),
        })
    }
}

impl Line {
    /// Another branch of the call that is connected.
    pub(super) fn has_other(&self, branch: &Rc<Branch>) -> bool {
        let branches = self.branches.borrow();
        branches.iter().any(|other| !Rc::ptr_eq(other, branch) && other.state.get() == BranchState::Connected)
    }

    pub(super) fn remove(&self, branch: &Rc<Branch>) {
        self.branches.borrow_mut().retain(|other| !Rc::ptr_eq(other, branch));
    }
}
