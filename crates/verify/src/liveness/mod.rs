//! What is not over when everything has come to rest, and whose fault that is.
//!
//! Much stands still because of one mistake: a call manager that never completes a close leaves the client's unbind,
//! its own unbind and a thread in an event wait behind. Only the mistake is reported. What stands still are the nodes of
//! a graph, debts ([`Debt`]) and tasks that can never go on ([`Stuck`]), with an edge from each to whatever could set it
//! free:
//!
//! - a debt waits for the debts on the object that it names ([`Debt::waits_for`]), and for a stuck task of the driver
//!   whose turn it is there: on an address family the client until it has called for the close, then the call manager; on a SAP,
//!   call or party the call manager; on a VC the miniport or the call manager. What waits for a VC from outside waits for all
//!   that is owed on it;
//! - a call, or a party, that a call manager has yet to report waits for the answers that other calls' clients owe it: it may
//!   have asked one of them;
//! - a debt waits for each stuck task that has its debtor on its stack, for a driver that stands still does nothing;
//! - a stuck task waits for the debts of other drivers to the driver whose code is blocked (both have to do with
//!   one address family, or with the SAP, VC or party that is owed on), for what that driver itself has promised to complete,
//!   for the close that it has not asked for, and, in a teardown, for what it has not done to the calls and VCs that are in
//!   the way;
//! - a stuck task waits for another one that has the blocked driver on its stack;
//! - a call of NDIS that waits may wait for anything.
//!
//! What waits for nothing outside itself is the root: a sink among the strongly connected components. A root that is a
//! circle of a task and a debt is a deadlock. `af-close-no-block` explains the best-known one: a client waits for
//! the end of its close on a task on which the call manager, which holds the close, cannot go on before the client returns.
//! Any other is `kernel-deadlock`. A task that waits for nothing in the graph is `binding-prompt-teardown` if its
//! innermost handler is one that NDIS expects to finish (an unbind, a pause, a halt, an event), else `kernel-deadlock`.

mod connections;
mod parties;

use alloc::vec;
use alloc::vec::Vec;
use contract::{Ddi, Rule};
use model::record::{Finding, Link, Monitor, Record, Rest, Stuck, WaitsFor};
use model::{AfId, Callback, Condition, Debt, DriverId, Object, Violation, World};
use parties::Parties;

/// Names the roots of what is not at rest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Liveness {
    parties: Parties,
}

impl Liveness {
    /// A monitor that has seen nothing.
    pub fn new() -> Liveness {
        Liveness::default()
    }

    /// Takes one record, to know later which drivers share an address family and who has called for its close.
    pub fn look(&mut self, record: &Record) {
        self.parties.look(record);
    }

    /// The roots of what is not at rest, each with what stands still because of it. Gives the same findings in the same
    /// order for the same arguments.
    pub fn judge(&self, debts: &[Debt], stuck: &[Stuck]) -> Vec<Finding> {
        if debts.is_empty() && stuck.is_empty() {
            return Vec::new();
        }
        let graph = Graph::new(&self.parties, debts, stuck);
        let mut findings: Vec<Finding> = Vec::new();
        for root in graph.roots() {
            let Some(finding) = self.explain(&graph, &root) else { continue };
            match findings.iter_mut().find(|known| known.violation == finding.violation) {
                Some(known) => known.chain.extend(finding.chain),
                None => findings.push(finding),
            }
        }
        findings
    }

    /// The finding for one root: nodes that wait for each other and for nothing else.
    fn explain(&self, graph: &Graph<'_>, root: &[usize]) -> Option<Finding> {
        let debts = || root.iter().filter_map(|&node| graph.debt(node));
        let stuck = || root.iter().filter_map(|&node| graph.stuck(node));
        let (violation, mut chain) = if let Some((task, debt)) = self.circle(stuck, debts) {
            self.deadlock(task, debt)
        } else if let Some(debt) = debts()
            // In a circle, who waits for another's debt is not to blame for it.
            .min_by_key(|debt| {
                let relays = debts().any(|other| self.parties.relays(debt, other));
                (!is_request(debt.rule), debt.waits_for.is_some() || relays)
            })
        {
            (owed(debt), Vec::new())
        } else {
            // A call of NDIS may wait for a teardown, and a teardown for a task that is stuck elsewhere.
            let task = stuck().min_by_key(|task| match task.waits_for {
                WaitsFor::Ndis(_) => 2,
                WaitsFor::Object(_) if is_teardown(task) => 1,
                WaitsFor::Object(_) => 0,
            })?;
            (self.alone(task)?, links_of_stack(task))
        };
        for node in graph.waiters(root) {
            let link = graph.link(node);
            chain.extend(link.filter(|link| !chain.contains(link)));
        }
        Some(Finding { violation, chain })
    }

    /// A blocked task in the root with a debt of another driver that is suspended on that task's stack.
    fn circle<'a, S, D>(&self, stuck: impl Fn() -> S, debts: impl Fn() -> D) -> Option<(&'a Stuck, &'a Debt)>
    where
        S: Iterator<Item = &'a Stuck>,
        D: Iterator<Item = &'a Debt>,
    {
        let circles = || {
            stuck().flat_map(|task| debts().map(move |debt| (task, debt))).filter(|(task, debt)| {
                waits_for_debt(&self.parties, task, debt) && is_suspended(task, debt.by)
            })
        };
        circles().find(|(task, debt)| self.awaits_own_close(task, debt)).or_else(|| circles().next())
    }

    /// Whether a client waits for the end of a close that it has called for, and cannot be freed before it returns.
    fn awaits_own_close(&self, task: &Stuck, debt: &Debt) -> bool {
        let (Some(innermost), Object::Af(AfId(handle))) = (task.frames.last(), debt.object) else {
            return false;
        };
        let is_close = debt.rule == Rule::AfCmCloseCompleteRequired;
        let Some(af) = self.parties.af(handle).filter(|af| is_close && af.client == innermost.driver) else {
            return false;
        };
        matches!(innermost.callback, Some(Callback::ClNotifyCloseAf { .. })) || af.is_closing_since(task.task)
    }

    fn deadlock(&self, task: &Stuck, debt: &Debt) -> (Violation, Vec<Link>) {
        let by = blocked(task).unwrap_or(debt.by);
        let violation = if self.awaits_own_close(task, debt) {
            let offence =
                "waits for its close on a task on which the call manager cannot go on before it returns";
            Violation { rule: Rule::AfCloseNoBlock, by, object: debt.object, offence }
        } else {
            let offence = "waits for a driver that cannot go on before this handler returns";
            let object = if is_shared(debt.object) { debt.object } else { self.object_of(task, by) };
            Violation { rule: Rule::KernelDeadlock, by, object, offence }
        };
        let mut chain = links_of_stack(task);
        chain.insert(1.min(chain.len()), Link::Debt(*debt));
        (violation, chain)
    }

    /// A task that nothing else explains: the driver whose code is blocked is to blame.
    fn alone(&self, task: &Stuck) -> Option<Violation> {
        let by = blocked(task)?;
        let offence = "waits for something that nobody will do";
        let object = self.object_of(task, by);
        Some(if is_teardown(task) {
            Violation { rule: Rule::BindingPromptTeardown, by, object, offence }
        } else {
            Violation { rule: Rule::KernelDeadlock, by, object, offence }
        })
    }

    /// What the blocked handler is about: an address family that is to be closed, or the driver `by` as a whole.
    fn object_of(&self, task: &Stuck, by: DriverId) -> Object {
        let callback = task.frames.last().and_then(|innermost| innermost.callback);
        let af = match callback {
            Some(Callback::ClNotifyCloseAf { af_context }) => self.parties.opened_by(by, af_context),
            _ => None,
        };
        af.map_or(Object::Driver(by), |handle| Object::Af(AfId(handle)))
    }
}

impl Monitor for Liveness {
    fn see(&mut self, record: &Record, _world: &World) -> Result<(), Violation> {
        self.look(record);
        Ok(())
    }

    fn at_rest(&mut self, rest: &Rest<'_>) -> Vec<Finding> {
        self.judge(&rest.debts, &rest.stuck)
    }
}

/// Debts, then stuck tasks, and which waits for which.
struct Graph<'a> {
    debts: &'a [Debt],
    stuck: &'a [Stuck],
    /// Row by row, a bit for each node: whether a node reaches another over one edge or more.
    reaches: Vec<u64>,
    /// How many words a row has.
    width: usize,
}

impl<'a> Graph<'a> {
    fn new(parties: &Parties, debts: &'a [Debt], stuck: &'a [Stuck]) -> Graph<'a> {
        let size = debts.len() + stuck.len();
        let width = size.div_ceil(64);
        let mut graph = Graph { debts, stuck, reaches: vec![0; size * width], width };
        for from in 0..size {
            for to in 0..size {
                if from != to && graph.waits_for(parties, from, to) {
                    graph.reaches[from * width + to / 64] |= 1 << (to % 64);
                }
            }
        }
        for via in 0..size {
            for from in 0..size {
                if graph.reaches(from, via) {
                    for word in 0..width {
                        graph.reaches[from * width + word] |= graph.reaches[via * width + word];
                    }
                }
            }
        }
        graph
    }

    fn size(&self) -> usize {
        self.debts.len() + self.stuck.len()
    }

    fn debt(&self, node: usize) -> Option<&'a Debt> {
        self.debts.get(node)
    }

    fn stuck(&self, node: usize) -> Option<&'a Stuck> {
        self.stuck.get(node.checked_sub(self.debts.len())?)
    }

    fn reaches(&self, from: usize, to: usize) -> bool {
        self.reaches[from * self.width + to / 64] >> (to % 64) & 1 != 0
    }

    fn waits_for(&self, parties: &Parties, from: usize, to: usize) -> bool {
        match (self.debt(from), self.stuck(from), self.debt(to), self.stuck(to)) {
            (Some(debt), _, Some(other), _) => {
                debt.waits_for.is_some_and(|awaited| {
                    let vc = parties.vc_of(awaited).filter(|vc| parties.vc_of(debt.object) != Some(*vc));
                    awaited == other.object || vc.is_some() && vc == parties.vc_of(other.object)
                }) || parties.relays(debt, other)
            }
            (Some(debt), _, _, Some(task)) => {
                task.frames.iter().any(|frame| frame.driver == debt.by)
                    || blocked(task).is_some_and(|driver| is_turn_of(parties, driver, debt))
            }
            (_, Some(task), Some(debt), _) => waits_for_debt(parties, task, debt),
            (_, Some(task), _, Some(other)) => {
                let held = blocked(task)
                    .is_some_and(|driver| other.frames.iter().any(|frame| frame.driver == driver));
                held || matches!(task.waits_for, WaitsFor::Ndis(_))
            }
            (None, None, ..) | (.., None, None) => false,
        }
    }

    /// The components that wait for nothing outside, in the order of their first nodes.
    fn roots(&self) -> Vec<Vec<usize>> {
        let mutual = |one, other| one == other || self.reaches(one, other) && self.reaches(other, one);
        let mut roots = Vec::new();
        for node in 0..self.size() {
            let is_first = !(0..node).any(|other| mutual(node, other));
            let is_sink = (0..self.size()).all(|other| !self.reaches(node, other) || mutual(node, other));
            if is_first && is_sink {
                roots.push((0..self.size()).filter(|&other| mutual(node, other)).collect());
            }
        }
        roots
    }

    /// The nodes of a root, then all that wait for it.
    fn waiters(&self, root: &[usize]) -> Vec<usize> {
        let mut nodes = root.to_vec();
        nodes.extend((0..self.size()).filter(|&node| !root.contains(&node) && self.reaches(node, root[0])));
        nodes
    }

    fn link(&self, node: usize) -> Option<Link> {
        match (self.debt(node), self.stuck(node)) {
            (Some(debt), _) => Some(Link::Debt(*debt)),
            (None, Some(task)) => links_of_stack(task).first().copied(),
            (None, None) => None,
        }
    }
}

/// Whether paying `debt` could set the blocked driver of `task` free.
fn waits_for_debt(parties: &Parties, task: &Stuck, debt: &Debt) -> bool {
    if let WaitsFor::Ndis(_) = task.waits_for {
        return true;
    }
    let Some(blocked) = blocked(task) else { return false };
    if blocked == debt.by {
        let undone = is_teardown(task) && is_connection(debt.object);
        return is_completion(debt.rule) || is_request(debt.rule) || undone;
    }
    let concerns = if is_shared(debt.object) {
        // What was over long ago is forgotten; then the benefit of the doubt is the waiter's.
        parties.takes_part(blocked, debt.object).unwrap_or(true)
    } else {
        parties.share_af(blocked, debt.by)
    };
    concerns && !is_turn_of(parties, blocked, debt)
}

/// Whether an object is one of those that lie on an address family.
fn is_connection(object: Object) -> bool {
    match object {
        Object::Sap(_) | Object::Vc(_) | Object::Call(_) | Object::Party(_) => true,
        Object::Driver(_)
        | Object::Adapter(_)
        | Object::Binding(_)
        | Object::Registration(_)
        | Object::Af(_) => false,
    }
}

/// Whether drivers have an object in common: an address family, or what lies on one.
fn is_shared(object: Object) -> bool {
    matches!(object, Object::Af(_)) || is_connection(object)
}

/// The driver whose code waits; for a call of NDIS outside any handler, the driver that it waits for.
fn blocked(task: &Stuck) -> Option<DriverId> {
    match (task.frames.last(), task.waits_for) {
        (Some(innermost), _) => Some(innermost.driver),
        (None, WaitsFor::Ndis(Condition::Unbound(driver))) => Some(driver),
        (None, WaitsFor::Object(_)) => None,
    }
}

/// Whether it may be this driver's turn on the object that a debt waits for.
fn is_turn_of(parties: &Parties, driver: DriverId, debt: &Debt) -> bool {
    debt.waits_for.is_some_and(|awaited| parties.is_turn_of(driver, awaited))
}

/// Whether the driver waits in a handler that has to finish in bounded time.
fn is_teardown(task: &Stuck) -> bool {
    let waits = matches!(task.waits_for, WaitsFor::Object(_));
    let callback = task.frames.last().and_then(|innermost| innermost.callback);
    waits
        && callback.is_some_and(|callback| Rule::BindingPromptTeardown.info().ddis.contains(&callback.ddi()))
}

/// Whether the driver is on the task's stack, below the frame that is blocked.
fn is_suspended(task: &Stuck, driver: DriverId) -> bool {
    task.frames.split_last().is_some_and(|(_, below)| below.iter().any(|frame| frame.driver == driver))
}

/// Whether a rule asks for the completion of something that was pended.
fn is_completion(rule: Rule) -> bool {
    let ddis = rule.info().ddis;
    ddis.iter().any(|ddi| ddi.info().completed_by.is_some_and(|completion| ddis.contains(&completion)))
}

/// Whether a rule asks for what others need to be told before they let go: a driver that waits for them has not done it.
fn is_request(rule: Rule) -> bool {
    let requests = [Ddi::NdisCmNotifyCloseAddressFamily, Ddi::NdisMCmNotifyCloseAddressFamily];
    requests.iter().any(|request| rule.info().ddis.contains(request))
}

fn owed(debt: &Debt) -> Violation {
    let offence = if is_completion(debt.rule) { "never completed" } else { "never done" };
    Violation { rule: debt.rule, by: debt.by, object: debt.object, offence }
}

/// Who stands still on a stack, innermost first: the handler that is blocked, then who waits for its return, in which
/// call.
fn links_of_stack(task: &Stuck) -> Vec<Link> {
    let ddi = |callback: Option<Callback>| callback.map(|callback| callback.ddi());
    let mut links = Vec::new();
    for frame in task.frames.iter().rev() {
        let within: Option<Ddi> = match frame.call {
            Some(call) if !links.is_empty() => Some(call.ddi()),
            Some(_) | None => ddi(frame.callback),
        };
        links.push(Link::Task(task.task, frame.driver, within, task.waits_for));
    }
    if links.is_empty() {
        links.extend(blocked(task).map(|driver| Link::Task(task.task, driver, None, task.waits_for)));
    }
    links
}

#[cfg(test)]
mod tests;
