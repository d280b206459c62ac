//! The routines that drivers import, one file per area of the contract and per family of the kernel. Each is declared
//! beside its name, library, highest level and documentation page; [`lookup`] and [`all`] read these declarations, so
//! nothing is claimed that is not there.
//!
//! A driver that imports `X` reaches `X`'s shim, a few instructions that note the return address, so that a report can
//! say where in the driver the call was made, and go on to the body. A body that needs the engine goes through
//! `Here`, which passes that place on.

mod af;
mod binding;
mod call;
mod configuration;
mod debug;
mod event;
mod irql;
mod lock;
mod memory;
mod party;
mod registration;
mod runtime;
mod sap;
mod string;
mod tapi;
mod time;
pub(crate) mod timer;
mod vc;
mod work_item;

use crate::guest::{self, BadAddress};
use crate::host::{Host, Loaded, end};
use crate::trap::watchdog;
use crate::{map, processor};
use contract::{MaxIrql, Rule, Status};
use engine::{Crash, Ending};
use model::block::CallParameters;
use model::record::{KernelCall, Operation};
use model::{Call, DriverId, HandleArg, Object, OutParameter, Token, Violation};
use pe::Symbol;
use std::fmt;

/// Which file of Windows exports a routine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Library {
    /// `ndis.sys`.
    Ndis,
    /// `ntoskrnl.exe`.
    Kernel,
    /// `hal.dll`. Newer versions of Windows have its routines in the kernel, and either name is accepted.
    Hal,
}

impl Library {
    /// The name of the file.
    pub const fn file_name(self) -> &'static str {
        match self {
            Library::Ndis => "ndis.sys",
            Library::Kernel => "ntoskrnl.exe",
            Library::Hal => "hal.dll",
        }
    }

    /// Whether a driver that imports from `name` may mean this one.
    fn is_meant_by(self, name: &str) -> bool {
        let of_kernel = [Library::Kernel.file_name(), Library::Hal.file_name()];
        match self {
            Library::Ndis => name.eq_ignore_ascii_case(self.file_name()),
            Library::Kernel | Library::Hal => of_kernel.iter().any(|file| name.eq_ignore_ascii_case(file)),
        }
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.file_name())
    }
}

/// A routine that drivers may import.
#[derive(Debug)]
pub struct Export {
    /// Which file exports it.
    pub library: Library,
    /// Its name.
    pub name: &'static str,
    /// The highest level at which its page allows a call.
    pub max_irql: MaxIrql,
    /// The id of its page in the documentation ([`contract::page_url`]); empty for what compilers emit on their own, and for
    /// what has no page any more.
    pub page: &'static str,
    address: extern "win64" fn(),
}

impl Export {
    /// Where a driver's import of it leads.
    pub fn address(&self) -> u64 {
        self.address as *const () as u64
    }
}

/// Every routine, by family, each family in the order of its file.
pub fn all() -> impl Iterator<Item = &'static Export> {
    [
        registration::TABLE,
        binding::TABLE,
        af::TABLE,
        sap::TABLE,
        vc::TABLE,
        tapi::TABLE,
        call::TABLE,
        party::TABLE,
        configuration::TABLE,
        memory::TABLE,
        event::TABLE,
        lock::TABLE,
        timer::TABLE,
        work_item::TABLE,
        irql::TABLE,
        time::TABLE,
        string::TABLE,
        debug::TABLE,
        debug::VARIADIC,
        runtime::TABLE,
        runtime::RAW,
    ]
    .into_iter()
    .flatten()
}

/// The routine that a driver means which imports `symbol` from `library`; none if it is not provided.
pub fn lookup(library: &str, symbol: &Symbol) -> Option<&'static Export> {
    let Symbol::Name(name) = symbol else { return None };
    all().find(|export| export.name == name && export.library.is_meant_by(library))
}

/// Declares routines: library, highest level, page, name, then the body with `here` bound to its [`Here`].
macro_rules! exports {
    ($(
        $(#[$meta:meta])*
        $library:ident $irql:ident $page:literal
        $name:ident[$here:ident]($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block
    )+) => {
        pub(super) static TABLE: &[$crate::exports::Export] = &[$($crate::exports::Export {
            library: $crate::exports::Library::$library,
            name: stringify!($name),
            max_irql: contract::MaxIrql::$irql,
            page: $page,
            address: $name::shim,
        }),+];
        $(
            #[allow(non_snake_case, reason = "the documented name")]
            mod $name {
                #[allow(unused_imports, reason = "what most bodies of the family use")]
                use super::*;

                #[unsafe(naked)]
                pub(super) extern "win64" fn shim() {
                    core::arch::naked_asm!(
                        "mov rax, [rsp]",
                        "mov gs:[{site}], rax",
                        "jmp {body}",
                        site = const $crate::processor::SITE_OFFSET,
                        body = sym body,
                    )
                }

                $(#[$meta])*
                #[allow(clippy::too_many_arguments, reason = "the documented prototype")]
                extern "win64" fn body($($argument: $kind),*) $(-> $result)? {
                    let $here = $crate::exports::Here::new(stringify!($name), contract::MaxIrql::$irql);
                    let _ = &$here;
                    $body
                }
            }
        )+
    };
}
pub(crate) use exports;

/// The like for routines with a variable number of arguments: the body gets the address of the first, and the others
/// follow in steps of eight bytes, since a caller of this convention leaves room for those that it passes in registers.
macro_rules! variadic_exports {
    ($(
        $(#[$meta:meta])*
        $library:ident $irql:ident $page:literal
        $name:ident[$here:ident]($arguments:ident) -> $result:ty $body:block
    )+) => {
        pub(super) static VARIADIC: &[$crate::exports::Export] = &[$($crate::exports::Export {
            library: $crate::exports::Library::$library,
            name: stringify!($name),
            max_irql: contract::MaxIrql::$irql,
            page: $page,
            address: $name::shim,
        }),+];
        $(
            #[allow(non_snake_case, reason = "the documented name")]
            mod $name {
                #[allow(unused_imports, reason = "what most bodies of the family use")]
                use super::*;

                #[unsafe(naked)]
                pub(super) extern "win64" fn shim() {
                    core::arch::naked_asm!(
                        "mov rax, [rsp]",
                        "mov gs:[{site}], rax",
                        "mov [rsp + 8], rcx",
                        "mov [rsp + 16], rdx",
                        "mov [rsp + 24], r8",
                        "mov [rsp + 32], r9",
                        "lea rcx, [rsp + 8]",
                        "jmp {body}",
                        site = const $crate::processor::SITE_OFFSET,
                        body = sym body,
                    )
                }

                $(#[$meta])*
                extern "win64" fn body($arguments: u64) -> $result {
                    let $here = $crate::exports::Here::new(stringify!($name), contract::MaxIrql::$irql);
                    $body
                }
            }
        )+
    };
}
pub(crate) use variadic_exports;

/// Where a call stores what comes before it returns. NULL is a place that the caller left out.
#[derive(Clone, Copy, Default)]
pub(crate) struct Out {
    /// The variable for a handle.
    handle: u64,
    /// What the new object belongs to: a handle as the driver passed it.
    of: u64,
    /// The call parameters that the driver passed.
    parameters: u64,
}

/// The call that is being served: which routine, whose, from where.
pub(crate) struct Here {
    name: &'static str,
    max_irql: MaxIrql,
    /// The return address.
    site: u64,
}

impl Here {
    pub(crate) fn new(name: &'static str, max_irql: MaxIrql) -> Here {
        Here { name, max_irql, site: processor::site() }
    }

    /// What native drivers share.
    pub(crate) fn host(&self) -> &'static Host {
        Host::current().expect("a driver runs, so there is a host")
    }

    /// The driver that made the call: whose code the return address lies in. A call that a driver makes by jumping (the
    /// last thing a function does) returns into NDIS; it is the running driver's.
    pub(crate) fn driver(&self) -> &'static Loaded {
        let of_site = map::place_of(self.site).and_then(|(index, _)| self.host().driver(index));
        let running = || self.host().driver(usize::from(engine::current().driver?.0));
        match of_site.or_else(running) {
            Some(driver) => driver,
            // Code that no driver was loaded with, such as on a stack, has called.
            None => self.fail(
                Rule::KernelExecuteBadAddress,
                "calls NDIS from memory that is not its code",
                self.site,
            ),
        }
    }

    /// Where in the driver's image the call returns to.
    pub(crate) fn site(&self) -> Option<u32> {
        map::place_of(self.host().original(self.site)).map(|(_, offset)| offset)
    }

    /// Tells the engine where the driver is, for the record that comes next.
    pub(crate) fn note_site(&self) {
        watchdog::progress();
        engine::set_site(map::place_of(self.site).map(|(_, offset)| offset));
    }

    /// Passes an operation of the kernel on to the engine.
    pub(crate) fn kernel(&self, operation: Operation) -> u64 {
        self.note_site();
        let answer = engine::kernel(KernelCall { routine: self.name, max_irql: self.max_irql, operation });
        processor::enter_thread();
        answer
    }

    /// Passes a call of NDIS on to the engine; `publish` stores what comes before the call returns.
    pub(crate) fn call(&self, call: Call, mut publish: impl FnMut(OutParameter)) -> Status {
        self.note_site();
        let status = engine::call(call, &mut publish);
        processor::enter_thread();
        status
    }

    /// The like for a call that stores nothing.
    pub(crate) fn plain_call(&self, call: Call) -> Status {
        self.call(call, |_| {})
    }

    /// The like for a call that stores a handle, or leaves other call parameters than it was given.
    pub(crate) fn storing_call(&self, call: Call, out: Out) -> Status {
        self.call(call, |result| self.store(&out, result))
    }

    fn store(&self, out: &Out, result: OutParameter) {
        let value = match result {
            OutParameter::DriverHandle(made)
            | OutParameter::Binding(made, _)
            | OutParameter::AddressFamily(made)
            | OutParameter::Sap(made)
            | OutParameter::Vc(made) => self.host().address_of(made),
            OutParameter::Party(made) => self.host().value_of(made),
            OutParameter::CallParameters(left) => {
                let stored = self.host().structures.borrow_mut().store_parameters(out.parameters, &left);
                return self.check(stored);
            }
            OutParameter::InstanceName(..) | OutParameter::CallId(_) | OutParameter::VcContext(_) => {
                unreachable!("the calls that store {result:?} take it themselves")
            }
        };
        if out.handle != 0 {
            self.check(guest::write_u64(out.handle, value));
            self.inherit(value, out.of);
        }
    }

    /// The call parameters that the driver passes.
    pub(crate) fn parameters(&self, address: u64) -> CallParameters {
        let read = self.host().structures.borrow().parameters_at(address);
        self.check(read)
    }

    /// The close data that the driver passes.
    pub(crate) fn data(&self, address: u64, size: u32) -> Token {
        let data = self.host().structures.borrow().data_at(address, size);
        self.check(data)
    }

    /// Notes that a context or handle belongs to the binding that another one belongs to, if that can matter.
    pub(crate) fn inherit(&self, value: u64, from: u64) {
        if self.host().has_overrides.get() {
            self.driver().handlers.borrow_mut().inherit(value, from);
        }
    }

    /// What was passed where a handle belongs.
    pub(crate) fn handle(&self, value: u64) -> HandleArg {
        self.host().argument(value)
    }

    /// The value of an access to the driver's memory; one that failed ends the execution.
    pub(crate) fn check<T>(&self, access: Result<T, BadAddress>) -> T {
        match access {
            Ok(value) => value,
            Err(BadAddress { address, write: false }) => {
                self.fail(Rule::KernelBadAccess, "passes a pointer to memory that cannot be read", address)
            }
            Err(BadAddress { address, write: true }) => {
                self.fail(Rule::KernelBadAccess, "passes a pointer to memory that cannot be written", address)
            }
        }
    }

    fn by(&self) -> DriverId {
        let of_site = map::place_of(self.site).and_then(|(index, _)| self.host().driver(index));
        of_site.map(|driver| driver.id).or(engine::current().driver).unwrap_or(DriverId(0))
    }

    /// Ends the execution at this call, as a crash that an argument would lead to.
    pub(crate) fn fail(&self, rule: Rule, offence: &'static str, address: u64) -> ! {
        self.note_site();
        end(Ending::Crashed(Crash {
            rule,
            by: self.by(),
            task: engine::current().task,
            offence,
            signal: 0,
            code: 0,
            address,
            ip: self.host().original(self.site),
            sp: 0,
            registers: [0; 18],
        }))
    }

    /// Ends the execution at this call, because of an argument that a rule forbids.
    pub(crate) fn violate(&self, rule: Rule, offence: &'static str) -> ! {
        let by = self.by();
        end(Ending::Violated(Violation { rule, by, object: Object::Driver(by), offence }))
    }
}
