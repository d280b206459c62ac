//! One event as text: the same in a trace, a scripted test and the documentation.
//!
//! ```text
//! X(arguments)                    X is called
//! X = STATUS                      X returned
//! X = STATUS, *Name = value       X returned and stored a result
//! X returns                       X returned and has no return value
//! *Name = value                   a call stored a result where its caller asked for it
//! object: state -> state          an object changed its state
//! "text"                          a driver printed
//! load mcm                        the environment acts
//! start: bind client to nic1      NDIS starts something on a task of its own
//! ```
//!
//! `X` is the documented name of a function. A handle stands for itself (`binding1`, `cmaf1`), every other argument is
//! `name=value`, so that a reader need not know the prototype; a handle that is NULL or that NDIS never gave has its name,
//! too. Contexts, buffers and the places of structures are short names that stand for one value throughout (`c1`). `{…}` is
//! a parameter block. The members of SAPs and call parameters are told in `docs/scripts.md`.

mod event;
mod value;

pub use event::{Said, Who, command, condition, event, job};
pub use value::{arguments, value};

use contract::Ddi;
use model::{Reply, Token};

/// Whether a function has no return value.
pub fn is_void(ddi: Ddi) -> bool {
    ddi.info().signature.starts_with("VOID ")
}

/// The documented name of the place where a handler leaves a context, if `reply` has one for it: `CallMgrAfContext`.
pub fn stored_context(ddi: Ddi, reply: Reply) -> Option<&'static str> {
    if reply.context == Token::NULL {
        return None;
    }
    let (_, behind) = ddi.info().signature.split_once("PNDIS_HANDLE ")?;
    behind.split([',', ')']).next()
}
