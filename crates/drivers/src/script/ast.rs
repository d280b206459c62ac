//! A script, parsed.

use super::signature::Stored;
use super::value::Value;
use contract::Ddi;
use model::block::HandlerSet;
use model::record::Irql;
use std::collections::BTreeMap;

/// A name of the script's: parameter, local name, variable, field, kind of object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Name(pub(crate) u16);

/// Statements that run one after the other, by their place in [`Script::suites`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Suite(pub(crate) u32);

/// A scripted driver: what it does when NDIS calls it. A value without state; [`Script::driver`] makes a driver of it.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(crate) name: String,
    pub(crate) names: Vec<String>,
    /// Driver-wide variables with their first values.
    pub(crate) variables: BTreeMap<Name, Expr>,
    /// Values of the registry that the script itself sets.
    pub(crate) registry: BTreeMap<String, u32>,
    /// Handlers that are in none of its tables.
    pub(crate) without: HandlerSet,
    /// The bodies of each handler: the n-th invocation takes the n-th, the last one serves all that follow.
    pub(crate) handlers: BTreeMap<Ddi, Vec<Body>>,
    pub(crate) procedures: BTreeMap<Name, Body>,
    /// Whether the bodies are those of a trace, so that there are no more invocations than bodies.
    pub(crate) recorded: bool,
    pub(crate) suites: Vec<Vec<(u32, Statement)>>,
}

/// A handler or procedure.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// For each argument in the order of the prototype, what it is called.
    pub(crate) parameters: Vec<Option<Name>>,
    /// Variables that get the address of a structure, by the place of that argument: `parameters={…, at c6}`.
    pub(crate) addresses: Vec<(usize, Name)>,
    pub(crate) suite: Suite,
}

#[derive(Clone, Debug)]
pub(crate) enum Statement {
    /// Calls NDIS.
    Call {
        ddi: Ddi,
        arguments: Vec<Expr>,
        store: Vec<(Stored, Place)>,
        expect: Vec<Expr>,
    },
    /// Says what the last call returned.
    Returned {
        ddi: Ddi,
        status: Expr,
    },
    /// Leaves the handler.
    Reply(Answer),
    /// Leaves the handler, procedure or routine.
    Return(Option<Expr>),
    Do {
        procedure: Name,
        arguments: Vec<Expr>,
    },
    Assign {
        place: Place,
        value: Expr,
    },
    When {
        condition: Expr,
        then: Suite,
        otherwise: Option<Suite>,
    },
    While {
        condition: Expr,
        body: Suite,
    },
    /// For each object of a kind, also those that come meanwhile.
    Each {
        kind: Name,
        condition: Option<Expr>,
        body: Suite,
    },
    With {
        object: Expr,
        body: Suite,
    },
    /// Queues the body: work item, DPC, thread, or a timer after some time.
    Queue {
        how: How,
        place: Option<Place>,
        body: Suite,
    },
    AtLevel {
        level: Irql,
        body: Suite,
    },
    Raise(Irql),
    Lower(Irql),
    Kernel {
        verb: Verb,
        object: Expr,
    },
    Wait {
        object: Expr,
        limit: Option<u64>,
    },
    Allocate {
        bytes: u64,
        place: Place,
    },
    Sleep(u64),
    Print(String),
    Expect {
        condition: Expr,
        text: String,
    },
    Drop(Expr),
}

/// What a handler answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<Expr>,
    /// The context that it stores.
    pub(crate) context: Option<Expr>,
    /// The call parameters, if it changes those that it was given.
    pub(crate) parameters: Option<Expr>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    WorkItem,
    Dpc,
    Thread,
    /// After so many units of 100 nanoseconds.
    Timer(u64),
    /// After so many units of 100 nanoseconds, and again each time they have passed.
    Periodic(u64),
}

/// What is done to a kernel object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verb {
    Set,
    Reset,
    Acquire,
    Release,
    Free,
    Cancel,
}

/// Where a value is kept.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Local(Name),
    Variable(Name),
    Field(Box<Expr>, Name),
    /// Known to all drivers.
    Shared(String),
}

#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Constant(Value),
    Local(Name),
    Variable(Name),
    Field(Box<Expr>, Name),
    Shared(String),
    Registry(String),
    /// The current context object.
    Here,
    /// What the last call or procedure gave back.
    Result,
    /// The number of the task that runs.
    Task,
    /// Whether it runs above `PASSIVE_LEVEL`.
    Raised,
    /// A new context object.
    New(Name),
    /// A new kernel object.
    NewKernel(model::record::ObjectKind),
    /// Whether there is an object of a kind for which the condition holds.
    Any(Name, Option<Box<Expr>>),
    Not(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// A parameter block.
    Block(Box<super::block::Block>),
    /// A SAP or call parameters.
    Whole(Box<super::whole::Whole>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Binary {
    And,
    Or,
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
}

impl Script {
    /// The name that the script gives its driver.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// Sets a value of the registry, as `NdisReadConfiguration` would give it.
    pub fn set_registry(&mut self, keyword: &str, value: u32) {
        self.registry.insert(keyword.to_owned(), value);
    }

    pub(crate) fn name_of(&self, name: Name) -> &str {
        &self.names[usize::from(name.0)]
    }

    /// The call-manager, client and miniport parts that the script's tables give it.
    pub fn roles(&self) -> Roles {
        let mut roles = Roles::default();
        for (_, statement) in self.suites.iter().flatten() {
            let Statement::Call { ddi, arguments, .. } = statement else { continue };
            roles.miniport |= *ddi == Ddi::NdisMRegisterMiniportDriver;
            for argument in arguments {
                if let Expr::Block(block) = argument {
                    roles.call_manager |= block.is_call_manager();
                    roles.client |= block.is_client();
                }
            }
        }
        roles
    }
}

/// The parts that a driver plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Roles {
    /// It has adapters.
    pub miniport: bool,
    /// It offers address families.
    pub call_manager: bool,
    /// It opens them.
    pub client: bool,
}
