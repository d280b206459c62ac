//! Runs a script as a driver.
//!
//! Between two calls of NDIS or of the kernel nothing else runs, so the statements there are atomic. No state is borrowed
//! while such a call is made, since it may run other handlers of the same driver, or never return.

use super::ast::{Answer, Binary, Body, Expr, How, Name, Place, Script, Statement, Suite, Verb};
use super::signature::{Kind, Stored, kind_of, stored};
use super::value::Value;
use super::whole::{Parts, Shape, Whole};
use crate::kernel::{self, ADDRESSES, Addresses};
use contract::{Ddi, Status};
use engine::Driver;
use model::block::CallParameters;
use model::record::{Irql, ObjectKind, Routine, TaskNumber};
use model::{Call, CallId, Callback, DriverId, HandleArg, Reply, Token};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// What the scripted drivers of one world share: the names that begin with `@`.
#[derive(Clone, Default)]
pub struct Shared(Rc<RefCell<BTreeMap<String, Value>>>);

/// How deep procedures may call each other.
const DEPTH_MAX: u32 = 64;
/// How many statements a body may run between two calls, so that a loop ends.
const STATEMENTS_MAX: u32 = 1_000_000;

impl Script {
    /// A driver that does what the script says. It is the driver `id` of a world whose scripted drivers share `shared`.
    pub fn driver(self: &Arc<Script>, id: DriverId, shared: &Shared) -> Box<dyn Driver> {
        Box::new(Scripted {
            script: Arc::clone(self),
            id,
            shared: shared.clone(),
            addresses: Addresses::new(id),
            state: RefCell::new(State::default()),
        })
    }

    /// The routine that runs a procedure of the script on a task of its own: for [`engine::Act::Run`]. None if
    /// the script has no procedure of that name, or one with parameters.
    pub fn routine(&self, procedure: &str, at_dispatch: bool) -> Option<Routine> {
        let mut procedures = self.procedures.iter().zip(0u64..);
        let found = procedures.find(|((name, _), _)| self.name_of(**name) == procedure);
        let ((_, body), index) = found?;
        let token = Token(PROCEDURES | index);
        body.parameters.is_empty().then_some(if at_dispatch {
            Routine::Dpc(token)
        } else {
            Routine::WorkItem(token)
        })
    }
}

/// Addresses that stand for procedures.
const PROCEDURES: u64 = ADDRESSES | 0x8000_0000_0000;

struct Scripted {
    script: Arc<Script>,
    id: DriverId,
    shared: Shared,
    addresses: Addresses,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    variables: Option<BTreeMap<Name, Value>>,
    objects: Vec<Object>,
    /// How often each handler was called.
    invocations: BTreeMap<Ddi, usize>,
    /// What routines that are queued will run.
    queued: BTreeMap<Token, (Suite, Frame)>,
    /// What periodic timers run.
    periodic: BTreeMap<Token, (Suite, Frame)>,
    /// The level from before each lock was acquired, for the task that did: what a driver keeps on its stack.
    locks: BTreeMap<(TaskNumber, Token), Irql>,
}

/// A context object.
struct Object {
    kind: Name,
    token: Token,
    dropped: bool,
    fields: Vec<(Name, Value)>,
}

/// What a body has of its own.
#[derive(Clone, Default)]
struct Frame {
    locals: Vec<(Name, Value)>,
    here: Option<u32>,
    result: Value,
    depth: u32,
}

impl Frame {
    fn set(&mut self, name: Name, value: Value) {
        match self.locals.iter_mut().find(|(known, _)| *known == name) {
            Some((_, place)) => *place = value,
            None => self.locals.push((name, value)),
        }
    }

    fn get(&self, name: Name) -> Value {
        self.locals.iter().find(|(known, _)| *known == name).map_or(Value::Null, |(_, value)| *value)
    }
}

/// Where a value goes, once it is known which object a field belongs to.
enum Target {
    Local(Name),
    Variable(Name),
    Field(u32, Name),
    Shared(String),
}

enum Flow {
    On,
    /// Leave the body with this.
    Leave(Left),
}

/// What a body leaves behind.
struct Left {
    /// Its status or result, if it has one.
    value: Option<Value>,
    context: Token,
    parameters: CallParameters,
}

impl Left {
    const fn with(value: Option<Value>) -> Left {
        Left { value, context: Token::NULL, parameters: CallParameters::NULL }
    }
}

/// A mistake that shows only when the script runs.
struct Mistake(String);

type Ran<T> = Result<T, Mistake>;

fn mistake<T>(text: impl Into<String>) -> Ran<T> {
    Err(Mistake(text.into()))
}

impl Driver for Scripted {
    fn handle(&self, callback: &Callback) -> Reply {
        let ddi = callback.ddi();
        let count = {
            let mut state = self.state.borrow_mut();
            let count = state.invocations.entry(ddi).or_default();
            *count += 1;
            *count - 1
        };
        let bodies = self.script.handlers.get(&ddi).map_or(&[][..], Vec::as_slice);
        let last = bodies.last().filter(|_| !self.script.recorded);
        let Some(body) = bodies.get(count).or(last) else {
            self.fail(None, &format!("NDIS called {ddi}, for which the script has no body (any more)"));
        };
        let mut frame = Frame::default();
        let mut index = 0;
        let mut given = CallParameters::NULL;
        self.prepare();
        callback.each_argument(|_, argument| {
            if let model::Value::CallParameters(parameters) = argument {
                given = parameters;
            }
            let value = self.adopt(argument.into());
            if let (Value::Object(object), None) = (value, frame.here) {
                frame.here = Some(object);
            }
            if let Some(Some(name)) = body.parameters.get(index) {
                match self.script.variables.contains_key(name) {
                    true => self.store(&Target::Variable(*name), value, &mut frame),
                    false => frame.set(*name, value),
                }
            }
            if let (Some(parts), Some((_, name))) =
                (Parts::of(value), body.addresses.iter().find(|(of, _)| *of == index))
            {
                let address = self.adopt(Value::Token(parts.address));
                self.store(&Target::Variable(*name), address, &mut frame);
            }
            index += 1;
        });
        let left = match self.run(body.suite, &mut frame) {
            Flow::On => Left::with(None),
            Flow::Leave(left) => left,
        };
        let status = match left.value {
            None => Status::SUCCESS,
            Some(value) => match self.status(value) {
                Ok(status) => status,
                Err(Mistake(text)) => self.fail(None, &text),
            },
        };
        // What `DriverEntry` stores is whether there is a `DriverUnload` routine.
        let unloads = ddi == Ddi::DriverEntry
            && self.script.handlers.contains_key(&Ddi::Unload)
            && !self.script.without.contains(Ddi::Unload);
        let context = if unloads { Token(ADDRESSES) } else { left.context };
        // Handing back what was given changes nothing.
        let parameters = if left.parameters == given { CallParameters::NULL } else { left.parameters };
        Reply { status, context, parameters }
    }

    fn routine(&self, routine: Routine) {
        self.prepare();
        let (Routine::WorkItem(token) | Routine::Timer(token) | Routine::Dpc(token) | Routine::Thread(token)) =
            routine;
        let mut state = self.state.borrow_mut();
        let queued = state.queued.remove(&token).or_else(|| state.periodic.get(&token).cloned());
        drop(state);
        let (suite, mut frame) = match queued {
            Some(queued) => queued,
            None => {
                let index = token.0.wrapping_sub(PROCEDURES) as usize;
                match self.script.procedures.values().nth(index) {
                    Some(body) => (body.suite, Frame::default()),
                    None => self.fail(None, "a routine runs that the script has not queued"),
                }
            }
        };
        self.run(suite, &mut frame);
    }
}

impl Scripted {
    /// Gives the variables their first values, when the driver runs first.
    fn prepare(&self) {
        if self.state.borrow().variables.is_some() {
            return;
        }
        self.state.borrow_mut().variables = Some(BTreeMap::new());
        for (name, value) in &self.script.variables {
            let mut frame = Frame::default();
            match self.evaluate(value, &mut frame) {
                Ok(value) => self.store(&Target::Variable(*name), value, &mut frame),
                Err(Mistake(text)) => self.fail(None, &text),
            }
        }
    }

    /// Ends the execution: the script does not fit what happens.
    fn fail(&self, line: Option<u32>, text: &str) -> ! {
        let text = match line {
            Some(line) => format!("{}, line {line}: {text}", self.script.name),
            None => format!("{}: {text}", self.script.name),
        };
        super::unexpected(self.id, &text)
    }

    fn token(&self) -> Token {
        self.tokens(1)
    }

    /// The address of an object that takes so many steps of 16 bytes.
    fn tokens(&self, steps: u64) -> Token {
        let token = self.addresses.take(steps);
        token.unwrap_or_else(|| self.fail(None, "all addresses that a scripted driver may take are taken"))
    }

    /// A value from outside: a context of this driver's becomes the object again.
    fn adopt(&self, value: Value) -> Value {
        let Value::Token(token) = value else { return value };
        let state = self.state.borrow();
        match state.objects.iter().position(|object| object.token == token) {
            Some(index) => Value::Object(index as u32),
            None => value,
        }
    }

    /// A value as others may see it.
    fn expose(&self, value: Value) -> Value {
        match value {
            Value::Object(object) => Value::Token(self.state.borrow().objects[object as usize].token),
            value => value,
        }
    }

    // ---- values -----------------------------------------------------------------------------------------------

    fn evaluate(&self, expr: &Expr, frame: &mut Frame) -> Ran<Value> {
        Ok(match expr {
            Expr::Constant(value) => *value,
            Expr::Local(name) => frame.get(*name),
            Expr::Variable(name) => self.variable(*name),
            Expr::Field(of, field) => {
                let of = self.evaluate(of, frame)?;
                if let Some(parts) = Parts::of(of) {
                    let word = self.script.name_of(*field);
                    return parts
                        .member(word)
                        .map_or_else(|| mistake(format!("there is no `{word}` in it")), Ok);
                }
                let object = self.object(of)?;
                let state = self.state.borrow();
                let fields = &state.objects[object as usize].fields;
                fields.iter().find(|(known, _)| known == field).map_or(Value::Null, |(_, value)| *value)
            }
            Expr::Shared(name) => {
                let value = self.shared.0.borrow().get(name).copied().unwrap_or_default();
                self.adopt(value)
            }
            Expr::Registry(keyword) => {
                Value::Number(self.script.registry.get(keyword).copied().unwrap_or(0).into())
            }
            Expr::Here => frame.here.map_or(Value::Null, Value::Object),
            Expr::Result => frame.result,
            Expr::Task => Value::Number(engine::current().task.0.into()),
            Expr::Raised => Value::Flag(engine::current().irql > Irql::PASSIVE),
            Expr::New(kind) => {
                let token = self.token();
                let mut state = self.state.borrow_mut();
                state.objects.push(Object { kind: *kind, token, dropped: false, fields: Vec::new() });
                let object = state.objects.len() - 1;
                if let (Some(here), Some(owner)) = (frame.here, self.known("owner")) {
                    state.objects[object].fields.push((owner, Value::Object(here)));
                }
                Value::Object(object as u32)
            }
            Expr::NewKernel(kind) => {
                let token = self.token();
                match kind {
                    ObjectKind::SpinLock => kernel::initialize_spin_lock(token),
                    _ => kernel::initialize_event(token, *kind),
                }
                Value::Token(token)
            }
            Expr::Any(kind, condition) => {
                Value::Flag(self.next_object(*kind, condition.as_deref(), &[], frame)?.is_some())
            }
            Expr::Not(value) => Value::Flag(!self.evaluate(value, frame)?.holds()),
            Expr::Binary(operation, left, right) => self.binary(*operation, left, right, frame)?,
            Expr::Block(_) => return mistake("a parameter block can only be an argument"),
            Expr::Whole(whole) => self.whole(whole, frame)?,
        })
    }

    fn binary(&self, operation: Binary, left: &Expr, right: &Expr, frame: &mut Frame) -> Ran<Value> {
        let left = self.evaluate(left, frame)?;
        match operation {
            Binary::And if !left.holds() => return Ok(Value::Flag(false)),
            Binary::Or if left.holds() => return Ok(Value::Flag(true)),
            _ => {}
        }
        let right = self.evaluate(right, frame)?;
        let flag = |flag| Ok(Value::Flag(flag));
        let numbers = |with: fn(u64, u64) -> Value| match (left.number(), right.number()) {
            (Some(left), Some(right)) => Ok(with(left, right)),
            _ => mistake(format!("{left:?} and {right:?} are not both numbers")),
        };
        match operation {
            Binary::And | Binary::Or => flag(right.holds()),
            Binary::Equal => flag(left.same(right)),
            Binary::Different => flag(!left.same(right)),
            Binary::Less => numbers(|left, right| Value::Flag(left < right)),
            Binary::LessOrEqual => numbers(|left, right| Value::Flag(left <= right)),
            Binary::Greater => numbers(|left, right| Value::Flag(left > right)),
            Binary::GreaterOrEqual => numbers(|left, right| Value::Flag(left >= right)),
            Binary::Plus => numbers(|left, right| Value::Number(left.wrapping_add(right))),
            Binary::Minus => numbers(|left, right| Value::Number(left.wrapping_sub(right))),
        }
    }

    /// A SAP or call parameters.
    fn whole(&self, whole: &Whole, frame: &mut Frame) -> Ran<Value> {
        let mut parts = match &whole.base {
            None => Parts::empty(whole.shape),
            Some(base) => match self.evaluate(base, frame)? {
                Value::Null => Parts::empty(whole.shape),
                base => match Parts::of(base) {
                    Some(parts) => parts,
                    None => return mistake(format!("{base:?} is no structure")),
                },
            },
        };
        if let Some(at) = &whole.at {
            let at = self.evaluate(at, frame)?;
            parts.address = self.context(at)?;
        } else if parts.address == Token::NULL {
            parts.address = self.token();
        }
        for (member, values) in &whole.members {
            parts.members[*member] = 0;
            for value in values {
                let value = self.evaluate(value, frame)?;
                match value.number() {
                    Some(number) => parts.members[*member] |= number,
                    None => return mistake(format!("{value:?} is no number")),
                }
            }
        }
        parts.value().map_or_else(|| mistake("a member is larger than 32 bits"), Ok)
    }

    fn variable(&self, name: Name) -> Value {
        let state = self.state.borrow();
        state.variables.as_ref().and_then(|variables| variables.get(&name)).copied().unwrap_or_default()
    }

    fn known(&self, name: &str) -> Option<Name> {
        self.script.names.iter().position(|known| known == name).map(|index| Name(index as u16))
    }

    fn object(&self, value: Value) -> Ran<u32> {
        match value {
            Value::Object(object) => Ok(object),
            Value::Null => mistake("there is no context object here"),
            other => mistake(format!("{other:?} is no context object of this driver")),
        }
    }

    fn kernel_object(&self, expr: &Expr, frame: &mut Frame) -> Ran<Token> {
        match self.evaluate(expr, frame)? {
            Value::Token(token) => Ok(token),
            Value::Number(address) => Ok(Token(address)),
            other => mistake(format!("{other:?} is no event, lock, timer or memory")),
        }
    }

    fn status(&self, value: Value) -> Ran<Status> {
        match value {
            Value::Status(status) => Ok(status),
            Value::Number(number) => Ok(Status(number as u32)),
            Value::Null => Ok(Status::SUCCESS),
            other => mistake(format!("{other:?} is no status")),
        }
    }

    /// The oldest object of a kind that is not dropped, not in `seen`, and meets the condition.
    fn next_object(
        &self,
        kind: Name,
        condition: Option<&Expr>,
        seen: &[u32],
        frame: &mut Frame,
    ) -> Ran<Option<u32>> {
        let count = self.state.borrow().objects.len() as u32;
        for index in 0..count {
            let fits = {
                let object = &self.state.borrow().objects[index as usize];
                object.kind == kind && !object.dropped && !seen.contains(&index)
            };
            if !fits {
                continue;
            }
            let Some(condition) = condition else { return Ok(Some(index)) };
            let here = frame.here.replace(index);
            let holds = self.evaluate(condition, frame);
            frame.here = here;
            if holds?.holds() {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    // ---- places -----------------------------------------------------------------------------------------------

    fn target(&self, place: &Place, frame: &mut Frame) -> Ran<Target> {
        Ok(match place {
            Place::Local(name) => Target::Local(*name),
            Place::Variable(name) => Target::Variable(*name),
            Place::Field(object, name) => {
                let object = self.evaluate(object, frame)?;
                Target::Field(self.object(object)?, *name)
            }
            Place::Shared(name) => Target::Shared(name.clone()),
        })
    }

    fn store(&self, target: &Target, value: Value, frame: &mut Frame) {
        match target {
            Target::Local(name) => frame.set(*name, value),
            Target::Variable(name) => {
                let mut state = self.state.borrow_mut();
                state.variables.get_or_insert_default().insert(*name, value);
            }
            Target::Field(object, name) => {
                let fields = &mut self.state.borrow_mut().objects[*object as usize].fields;
                match fields.iter_mut().find(|(known, _)| known == name) {
                    Some((_, place)) => *place = value,
                    None => fields.push((*name, value)),
                }
            }
            Target::Shared(name) => {
                let value = self.expose(value);
                self.shared.0.borrow_mut().insert(name.clone(), value);
            }
        }
    }

    // ---- statements -------------------------------------------------------------------------------------------

    fn run(&self, suite: Suite, frame: &mut Frame) -> Flow {
        let mut left = STATEMENTS_MAX;
        self.suite(suite, frame, &mut left)
    }

    fn suite(&self, suite: Suite, frame: &mut Frame, left: &mut u32) -> Flow {
        for (line, statement) in &self.script.suites[suite.0 as usize] {
            if *left == 0 {
                self.fail(Some(*line), "this body does not end");
            }
            *left -= 1;
            match self.statement(statement, frame, left) {
                Ok(Flow::On) => {}
                Ok(flow @ Flow::Leave(_)) => return flow,
                Err(Mistake(text)) => self.fail(Some(*line), &text),
            }
        }
        Flow::On
    }

    fn statement(&self, statement: &Statement, frame: &mut Frame, left: &mut u32) -> Ran<Flow> {
        match statement {
            Statement::Call { ddi, arguments, store, expect } => {
                let expected =
                    expect.iter().map(|status| self.evaluate(status, frame)).collect::<Ran<Vec<_>>>()?;
                let status = self.call(*ddi, arguments, store, frame)?;
                frame.result = Value::Status(status);
                if !expected.is_empty() && !expected.iter().any(|&wanted| wanted.same(Value::Status(status)))
                {
                    return mistake(format!("{ddi} returned {status}, which is not what the script expects"));
                }
            }
            Statement::Returned { ddi, status } => {
                let wanted = self.evaluate(status, frame)?;
                if !wanted.same(frame.result) {
                    let Value::Status(status) = frame.result else {
                        return mistake("nothing has returned yet");
                    };
                    return mistake(format!("{ddi} returned {status}, which is not what the script expects"));
                }
            }
            Statement::Reply(answer) => return self.answer(answer, frame),
            Statement::Return(value) => {
                let value = match value {
                    Some(value) => Some(self.evaluate(value, frame)?),
                    None => None,
                };
                return Ok(Flow::Leave(Left::with(value)));
            }
            Statement::Do { procedure, arguments } => self.procedure(*procedure, arguments, frame, left)?,
            Statement::Assign { place, value } => {
                let value = self.evaluate(value, frame)?;
                let target = self.target(place, frame)?;
                self.store(&target, value, frame);
            }
            Statement::When { condition, then, otherwise } => {
                if self.evaluate(condition, frame)?.holds() {
                    return Ok(self.suite(*then, frame, left));
                } else if let Some(otherwise) = otherwise {
                    return Ok(self.suite(*otherwise, frame, left));
                }
            }
            Statement::While { condition, body } => {
                while self.evaluate(condition, frame)?.holds() {
                    if *left == 0 {
                        return mistake("this loop does not end");
                    }
                    *left -= 1;
                    if let flow @ Flow::Leave(_) = self.suite(*body, frame, left) {
                        return Ok(flow);
                    }
                }
            }
            Statement::Each { kind, condition, body } => {
                let mut seen = Vec::new();
                while let Some(object) = self.next_object(*kind, condition.as_ref(), &seen, frame)? {
                    seen.push(object);
                    if let flow @ Flow::Leave(_) = self.with(object, *body, frame, left) {
                        return Ok(flow);
                    }
                }
            }
            Statement::With { object, body } => {
                let object = self.evaluate(object, frame)?;
                let object = self.object(object)?;
                return Ok(self.with(object, *body, frame, left));
            }
            Statement::Queue { how, place, body } => self.queue(*how, place.as_ref(), *body, frame)?,
            Statement::AtLevel { level, body } => {
                let old = kernel::raise_irql(*level);
                let flow = self.suite(*body, frame, left);
                kernel::lower_irql(old);
                return Ok(flow);
            }
            Statement::Raise(level) => {
                kernel::raise_irql(*level);
            }
            Statement::Lower(level) => kernel::lower_irql(*level),
            Statement::Kernel { verb, object } => {
                let object = self.kernel_object(object, frame)?;
                self.verb(*verb, object, frame);
            }
            Statement::Wait { object, limit } => {
                let object = self.kernel_object(object, frame)?;
                frame.result = Value::Flag(kernel::wait(object, *limit));
            }
            Statement::Allocate { bytes, place } => {
                let target = self.target(place, frame)?;
                let token = self.tokens(bytes.div_ceil(16).max(1));
                kernel::allocate(token, *bytes);
                self.store(&target, Value::Token(token), frame);
            }
            Statement::Sleep(time) => kernel::sleep(*time),
            Statement::Print(text) => engine::print(text),
            Statement::Expect { condition, text } => {
                if !self.evaluate(condition, frame)?.holds() {
                    return mistake(text.clone());
                }
            }
            Statement::Drop(object) => {
                let object = self.evaluate(object, frame)?;
                let object = self.object(object)?;
                self.state.borrow_mut().objects[object as usize].dropped = true;
            }
        }
        Ok(Flow::On)
    }

    /// What a handler returns and stores.
    fn answer(&self, answer: &Answer, frame: &mut Frame) -> Ran<Flow> {
        let mut left = Left::with(None);
        if let Some(status) = &answer.status {
            left.value = Some(self.evaluate(status, frame)?);
        }
        if let Some(context) = &answer.context {
            left.context = self.context(self.evaluate(context, frame)?)?;
        }
        if let Some(parameters) = &answer.parameters {
            left.parameters = match self.evaluate(parameters, frame)? {
                Value::Null => CallParameters::NULL,
                Value::CallParameters(parameters) => parameters,
                other => return mistake(format!("{other:?} are no call parameters")),
            };
        }
        Ok(Flow::Leave(left))
    }

    fn with(&self, object: u32, body: Suite, frame: &mut Frame, left: &mut u32) -> Flow {
        let here = frame.here.replace(object);
        let flow = self.suite(body, frame, left);
        frame.here = here;
        flow
    }

    fn procedure(&self, procedure: Name, arguments: &[Expr], frame: &mut Frame, left: &mut u32) -> Ran<()> {
        let Some(Body { parameters, suite, .. }) = self.script.procedures.get(&procedure) else {
            return mistake(format!("there is no `to {}`", self.script.name_of(procedure)));
        };
        if frame.depth == DEPTH_MAX {
            return mistake("procedures call each other without an end");
        }
        let mut inner = Frame { here: frame.here, depth: frame.depth + 1, ..Frame::default() };
        for (parameter, argument) in parameters.iter().zip(arguments) {
            let value = self.evaluate(argument, frame)?;
            if let Some(parameter) = parameter {
                inner.set(*parameter, value);
            }
        }
        frame.result = match self.suite(*suite, &mut inner, left) {
            Flow::Leave(left) => left.value.unwrap_or_default(),
            Flow::On => Value::Null,
        };
        Ok(())
    }

    fn queue(&self, how: How, place: Option<&Place>, body: Suite, frame: &mut Frame) -> Ran<()> {
        let token = self.token();
        let inner = Frame { locals: frame.locals.clone(), here: frame.here, ..Frame::default() };
        let mut state = self.state.borrow_mut();
        let routines = if matches!(how, How::Periodic(_)) { &mut state.periodic } else { &mut state.queued };
        routines.insert(token, (body, inner));
        drop(state);
        if let Some(place) = place {
            let target = self.target(place, frame)?;
            self.store(&target, Value::Token(token), frame);
        }
        match how {
            How::WorkItem => kernel::queue_work_item(token),
            How::Dpc => kernel::queue_dpc(token),
            How::Thread => kernel::create_system_thread(token),
            How::Timer(due) => kernel::set_timer(token, due),
            How::Periodic(period) => kernel::set_periodic_timer(token, period),
        }
        Ok(())
    }

    fn verb(&self, verb: Verb, object: Token, frame: &mut Frame) {
        match verb {
            Verb::Set => kernel::set_event(object),
            Verb::Reset => kernel::reset_event(object),
            Verb::Acquire => {
                let old = kernel::acquire_spin_lock(object);
                self.state.borrow_mut().locks.insert((engine::current().task, object), old);
            }
            Verb::Release => {
                let irql = self.state.borrow_mut().locks.remove(&(engine::current().task, object));
                kernel::release_spin_lock(object, irql);
            }
            Verb::Free => kernel::free(object),
            Verb::Cancel => frame.result = Value::Flag(kernel::cancel_timer(object)),
        }
    }

    // ---- calls ------------------------------------------------------------------------------------------------

    fn call(
        &self,
        ddi: Ddi,
        arguments: &[Expr],
        store: &[(Stored, Place)],
        frame: &mut Frame,
    ) -> Ran<Status> {
        let names = Call::argument_names(ddi).unwrap_or_default();
        let mut values = Vec::with_capacity(arguments.len());
        for (name, argument) in names.iter().zip(arguments) {
            values.push(self.argument(ddi, name, argument, frame)?);
        }
        let call = match Call::from_arguments(ddi, &values) {
            Ok(call) => call,
            Err(index) => {
                let name = index.and_then(|index| names.get(index)).copied().unwrap_or_default();
                return mistake(format!("{ddi} does not take this `{name}`"));
            }
        };
        let mut targets = Vec::with_capacity(store.len());
        for (kind, place) in store {
            targets.push((*kind, self.target(place, frame)?));
        }
        Ok(engine::call(call, &mut |result| {
            for (kind, value) in stored(result).into_iter().flatten() {
                let value = self.adopt(value);
                for (_, target) in targets.iter().filter(|(wanted, _)| *wanted == kind) {
                    self.store(target, value, frame);
                }
            }
        }))
    }

    fn argument(&self, ddi: Ddi, name: &str, argument: &Expr, frame: &mut Frame) -> Ran<model::Value> {
        if let Expr::Block(block) = argument {
            let context = match &block.context {
                Some(context) => self.context(self.evaluate(context, frame)?)?,
                None => Token::NULL,
            };
            return Ok(block.value(&self.script, context));
        }
        let value = self.evaluate(argument, frame)?;
        let kind = kind_of(ddi, name);
        let wrong = |what: &str| mistake(format!("`{name}` of {ddi} is {what}, and {value:?} is none"));
        match kind {
            Some(Kind::Handle) => match self.expose(value) {
                Value::Null | Value::Number(0) => Ok(HandleArg::Null.into()),
                Value::Handle(handle) => Ok(handle.into()),
                Value::Number(number) | Value::Token(Token(number)) => Ok(HandleArg::Unknown(number).into()),
                _ => wrong("a handle"),
            },
            Some(Kind::Token) => Ok(self.context(value)?.into()),
            Some(Kind::Status) => Ok(self.status(value)?.into()),
            Some(Kind::Family) => match value {
                Value::Family(family) => Ok(family.into()),
                Value::Number(number) => {
                    let family = number as u32;
                    Ok(model::block::AddressFamily { family, major: 0, minor: 0 }.into())
                }
                _ => wrong("an address family"),
            },
            Some(Kind::Block(_)) => wrong("a parameter block"),
            Some(Kind::Whole(shape)) => match (shape, value) {
                (Shape::Sap, Value::Sap(sap)) => Ok(sap.into()),
                (Shape::CallParameters, Value::CallParameters(parameters)) => Ok(parameters.into()),
                (_, Value::Null) => match Parts::empty(shape).value() {
                    Some(Value::Sap(sap)) => Ok(sap.into()),
                    _ => Ok(CallParameters::NULL.into()),
                },
                (Shape::Sap, _) => wrong("a SAP"),
                (Shape::CallParameters, _) => wrong("call parameters"),
            },
            Some(Kind::Size) => match value.number().map(u32::try_from) {
                Some(Ok(size)) => Ok(size.into()),
                _ => wrong("a number of bytes"),
            },
            Some(Kind::Name) => match value {
                Value::Name(name) => Ok(name.into()),
                _ => wrong("a name"),
            },
            Some(Kind::CallId) => match value {
                Value::CallId(id) => Ok(id.into()),
                Value::Number(number) => Ok(CallId(number).into()),
                _ => wrong("the identifier of a call"),
            },
            None => mistake(format!("`{name}` of {ddi} cannot be written in a script")),
        }
    }

    /// A value as a context that NDIS hands back.
    fn context(&self, value: Value) -> Ran<Token> {
        match self.expose(value) {
            Value::Null => Ok(Token::NULL),
            Value::Token(token) => Ok(token),
            Value::Number(number) => Ok(Token(number)),
            other => mistake(format!("{other:?} is no context")),
        }
    }
}
