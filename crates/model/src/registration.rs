//! Area `registration`: drivers load, register, supply their handlers, deregister and unload.
//!
//! ```text
//!  load:      Absent -> Loading -> Loaded -> Unloading -> Unloaded        (DriverEntry fails: Refused)
//!  protocol:  Unregistered -> Registering -> Registered -> Deregistering -> Deregistered
//!  miniport:  Unregistered -> Registering -> Registered -> Deregistered
//! ```

use crate::block::{
    CALL_MANAGER_HANDLERS, CLIENT_HANDLERS, Characteristics, HandlerSet, Header, OptionalHandlers,
};
use crate::view::HandlerTable;
use crate::{
    Callback, Command, Condition, Context, DriverId, Handle, HandleArg, HandleKind, Job, Object, OpId,
    OutParameter, Reply, Step, Stepped, Token, World, violation,
};
use alloc::vec::Vec;
use contract::{Ddi, Rule, Status};

/// One driver.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Driver {
    load: Load,
    /// What the environment wants of it.
    wanted: Wanted,
    /// Whether it stored a `DriverUnload` routine.
    unload_routine: bool,
    uninstalled: bool,
    protocol: Protocol,
    miniport: Miniport,
    /// The handlers of its characteristics, by role.
    characteristics: HandlerSet,
    /// `NDIS_PROTOCOL_CO_CHARACTERISTICS` or `NDIS_MINIPORT_CO_CHARACTERISTICS`.
    co: Option<HandlerSet>,
    /// `NDIS_CO_CLIENT_OPTIONAL_HANDLERS`.
    client: Option<HandlerSet>,
    /// `NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS`.
    call_manager: Option<HandlerSet>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Load {
    #[default]
    Absent,
    Loading,
    Loaded,
    /// `DriverEntry` failed.
    Refused,
    Unloading,
    Unloaded,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Wanted {
    #[default]
    Absent,
    Loaded,
    Uninstalled,
    Unloaded,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Protocol {
    #[default]
    Unregistered,
    Registering(Handle, Token),
    Registered(Handle, Token),
    Deregistering(Handle),
    Deregistered(Handle),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Miniport {
    #[default]
    Unregistered,
    Registering(Handle, Token),
    Registered(Handle, Token),
    Deregistered(Handle),
}

/// What waits for a handler of this area, or for a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Op {
    DriverEntry(DriverId),
    Unload(DriverId),
    MiniportUnload(DriverId),
    Uninstall(DriverId),
    /// The handle is being stored; the options come next.
    PublishProtocol(DriverId),
    PublishMiniport(DriverId),
    ProtocolSetOptions(DriverId),
    MiniportSetOptions(DriverId),
    /// `NdisDeregisterProtocolDriver` waits for the last unbind.
    Deregister(DriverId),
}

/// A table for `NdisSetOptionalHandlers`: its header's type and size, who may pass it, and which members must not be NULL.
struct OptionalTable {
    size: u16,
    protocol: bool,
    miniport: bool,
}

const PROTOCOL_CO: u8 =
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS as u8;
const MINIPORT_CO: u8 =
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS as u8;
const CALL_MANAGER: u8 =
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS as u8;
const CLIENT: u8 = contract::values::ndis_object_type::NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS as u8;

/// Types that a header gets by mistake: those of what a driver registers with.
const NO_TABLES: [u8; 2] = [
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS as u8,
    contract::values::ndis_object_type::NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS as u8,
];

const fn optional_table(object_type: u8) -> Option<OptionalTable> {
    match object_type {
        PROTOCOL_CO => Some(OptionalTable { size: 40, protocol: true, miniport: false }),
        MINIPORT_CO => Some(OptionalTable { size: 56, protocol: false, miniport: true }),
        CALL_MANAGER => Some(OptionalTable { size: 144, protocol: true, miniport: true }),
        CLIENT => Some(OptionalTable { size: 160, protocol: true, miniport: false }),
        _ => None,
    }
}

/// Whether a header is of the type, has a revision, and is at least as long as the first one was.
pub(crate) const fn header_fits(header: Header, object_type: u32, size: u16) -> bool {
    header.object_type as u32 == object_type && header.revision >= 1 && header.size >= size
}

impl Driver {
    /// The handle and context of a protocol that may be bound: from the end of its `ProtocolSetOptions` on, even while
    /// its `DriverEntry` still runs (nf-ndis-ndisregisterprotocoldriver).
    pub(crate) fn bindable(&self) -> Option<(Handle, Token)> {
        match (self.protocol, self.load) {
            (Protocol::Registered(handle, context), Load::Loading | Load::Loaded) => {
                (self.wanted == Wanted::Loaded).then_some((handle, context))
            }
            (Protocol::Registered(..), Load::Absent | Load::Refused | Load::Unloading | Load::Unloaded)
            | (
                Protocol::Unregistered
                | Protocol::Registering(..)
                | Protocol::Deregistering(_)
                | Protocol::Deregistered(_),
                _,
            ) => None,
        }
    }

    /// The context of a miniport whose adapters may start.
    pub(crate) fn startable(&self) -> Option<Token> {
        match self.miniport {
            Miniport::Registered(_, context) if self.load == Load::Loaded => Some(context),
            Miniport::Unregistered
            | Miniport::Registering(..)
            | Miniport::Registered(..)
            | Miniport::Deregistered(_) => None,
        }
    }

    /// The handles of its registrations, as a protocol and as a miniport driver.
    fn registered_as(&self) -> [Option<Handle>; 2] {
        let protocol = match self.protocol {
            Protocol::Registering(handle, _)
            | Protocol::Registered(handle, _)
            | Protocol::Deregistering(handle) => Some(handle),
            Protocol::Unregistered | Protocol::Deregistered(_) => None,
        };
        let miniport = match self.miniport {
            Miniport::Registering(handle, _) | Miniport::Registered(handle, _) => Some(handle),
            Miniport::Unregistered | Miniport::Deregistered(_) => None,
        };
        [protocol, miniport]
    }

    /// Whether its bindings must go.
    pub(crate) fn leaving(&self) -> bool {
        matches!(self.protocol, Protocol::Deregistering(_)) || self.wanted == Wanted::Uninstalled
    }

    pub(crate) fn is_client(&self) -> bool {
        self.client.is_some()
    }

    pub(crate) fn is_call_manager(&self) -> bool {
        self.call_manager.is_some()
    }

    pub(crate) fn is_connection_oriented(&self) -> bool {
        self.co.is_some()
    }

    /// Whether it is registered as a protocol: until a call of `NdisDeregisterProtocolDriver` has returned.
    fn is_protocol(&self) -> bool {
        match self.protocol {
            Protocol::Registering(..) | Protocol::Registered(..) | Protocol::Deregistering(_) => true,
            Protocol::Unregistered | Protocol::Deregistered(_) => false,
        }
    }

    pub(crate) fn is_miniport(&self) -> bool {
        !matches!(self.miniport, Miniport::Unregistered)
    }

    /// The tables of handlers that the driver has supplied.
    pub(crate) fn handler_tables(&self) -> Vec<HandlerTable> {
        let co = if self.is_miniport() {
            "NDIS_MINIPORT_CO_CHARACTERISTICS"
        } else {
            "NDIS_PROTOCOL_CO_CHARACTERISTICS"
        };
        let own = if self.is_miniport() {
            "NDIS_MINIPORT_DRIVER_CHARACTERISTICS"
        } else {
            "NDIS_PROTOCOL_DRIVER_CHARACTERISTICS"
        };
        let tables = [
            (own, Some(self.characteristics).filter(|handlers| *handlers != HandlerSet::EMPTY)),
            (co, self.co),
            ("NDIS_CO_CLIENT_OPTIONAL_HANDLERS", self.client),
            ("NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS", self.call_manager),
        ];
        let supplied = |(structure, handlers): (_, Option<HandlerSet>)| {
            handlers.map(|handlers| HandlerTable { structure, handlers })
        };
        tables.into_iter().filter_map(supplied).collect()
    }

    pub(crate) fn has(&self, handler: Ddi) -> bool {
        self.characteristics.contains(handler)
    }
}

impl World {
    pub(crate) fn driver(&self, driver: DriverId) -> &Driver {
        &self.drivers[driver.0 as usize]
    }

    fn driver_mut(&mut self, driver: DriverId) -> &mut Driver {
        &mut self.drivers[driver.0 as usize]
    }

    // ---- loading and unloading --------------------------------------------------------------------------------

    pub(crate) fn registration_command(&mut self, command: Command) -> Option<Status> {
        let (driver, wanted) = match command {
            Command::Load(driver) => (driver, Wanted::Loaded),
            Command::Uninstall(driver) => (driver, Wanted::Uninstalled),
            Command::Unload(driver) => (driver, Wanted::Unloaded),
            Command::Start(_)
            | Command::Stop(_)
            | Command::SurpriseRemove(_)
            | Command::SetPower(..)
            | Command::Unbind(..)
            | Command::Bind(..)
            | Command::NetPnPEvent(..) => return None,
        };
        self.driver_mut(driver).wanted = wanted;
        Some(Status::SUCCESS)
    }

    pub(crate) fn registration_jobs(&self, jobs: &mut Vec<Job>) {
        for (index, driver) in self.drivers.iter().enumerate() {
            let id = DriverId(index as u8);
            match (driver.load, driver.wanted) {
                (Load::Absent, Wanted::Loaded) => jobs.push(Job::Load(id)),
                (Load::Loaded, Wanted::Uninstalled) => {
                    if driver.has(Ddi::ProtocolUninstall) && !driver.uninstalled && !self.has_bindings(id) {
                        jobs.push(Job::Uninstall(id));
                    }
                }
                (Load::Loaded, Wanted::Unloaded) => {
                    let ready =
                        if driver.is_miniport() { self.adapters_halted(id) } else { driver.unload_routine };
                    if ready {
                        jobs.push(Job::Unload(id));
                    }
                }
                (Load::Absent, Wanted::Absent | Wanted::Uninstalled | Wanted::Unloaded)
                | (Load::Loaded, Wanted::Absent | Wanted::Loaded)
                | (Load::Loading | Load::Refused | Load::Unloading | Load::Unloaded, _) => {}
            }
        }
    }

    pub(crate) fn load(&mut self, driver: DriverId) -> Step {
        self.driver_mut(driver).load = Load::Loading;
        self.invoke(
            crate::Op::Registration(Op::DriverEntry(driver)),
            driver,
            Callback::DriverEntry { driver },
        )
    }

    pub(crate) fn uninstall(&mut self, driver: DriverId) -> Step {
        self.driver_mut(driver).uninstalled = true;
        self.invoke(crate::Op::Registration(Op::Uninstall(driver)), driver, Callback::Uninstall {})
    }

    pub(crate) fn unload(&mut self, driver: DriverId) -> Step {
        self.driver_mut(driver).load = Load::Unloading;
        if self.driver(driver).is_miniport() {
            let op = crate::Op::Registration(Op::MiniportUnload(driver));
            self.invoke(op, driver, Callback::MiniportDriverUnload { driver })
        } else {
            self.invoke(crate::Op::Registration(Op::Unload(driver)), driver, Callback::Unload { driver })
        }
    }

    pub(crate) fn registration_returned(
        &mut self,
        cx: &mut Context<'_>,
        id: OpId,
        op: Op,
        reply: Reply,
    ) -> Stepped {
        match op {
            Op::DriverEntry(driver) => self.driver_entry_returned(driver, reply)?,
            Op::Unload(driver) => self.unload_returned(driver)?,
            Op::MiniportUnload(driver) => self.miniport_unload_returned(driver)?,
            Op::Uninstall(_) => {}
            Op::ProtocolSetOptions(driver) => {
                self.protocol_options_set(cx, driver, reply.status)?;
                return Ok(self.finish(id, reply.status));
            }
            Op::MiniportSetOptions(driver) => {
                self.miniport_options_set(cx, driver, reply.status)?;
                return Ok(self.finish(id, reply.status));
            }
            Op::PublishProtocol(_) | Op::PublishMiniport(_) | Op::Deregister(_) => {
                unreachable!("a store or wait resumes, it does not return")
            }
        }
        Ok(self.finish(id, Status::SUCCESS))
    }

    fn driver_entry_returned(&mut self, driver: DriverId, reply: Reply) -> Result<(), crate::Violation> {
        let this = self.driver(driver);
        let object = Object::Driver(driver);
        if reply.status == Status::PENDING {
            return Err(violation(
                Rule::RegistrationDriverentrySync,
                driver,
                object,
                "DriverEntry returned NDIS_STATUS_PENDING",
            ));
        }
        let loaded = reply.status == Status::SUCCESS;
        if !loaded && this.is_protocol() {
            return Err(violation(
                Rule::RegistrationDriverentryUndo,
                driver,
                object,
                "DriverEntry failed and left the protocol registered",
            ));
        }
        if !loaded && matches!(this.miniport, Miniport::Registered(..)) {
            return Err(violation(
                Rule::RegistrationMiniportUndo,
                driver,
                object,
                "DriverEntry failed and left the miniport registered",
            ));
        }
        let this = self.driver_mut(driver);
        this.load = if loaded { Load::Loaded } else { Load::Refused };
        this.unload_routine = loaded && reply.context != Token::NULL;
        Ok(())
    }

    fn unload_returned(&mut self, driver: DriverId) -> Result<(), crate::Violation> {
        if self.driver(driver).is_protocol() {
            return Err(violation(
                Rule::RegistrationProtocolDeregister,
                driver,
                Object::Driver(driver),
                "Unload returned with the protocol registered",
            ));
        }
        self.driver_mut(driver).load = Load::Unloaded;
        Ok(())
    }

    fn miniport_unload_returned(&mut self, driver: DriverId) -> Result<(), crate::Violation> {
        let this = self.driver(driver);
        if matches!(this.miniport, Miniport::Registered(..)) || this.is_protocol() {
            return Err(violation(
                Rule::RegistrationMiniportDeregister,
                driver,
                Object::Driver(driver),
                "MiniportDriverUnload returned with the driver registered",
            ));
        }
        self.driver_mut(driver).load = Load::Unloaded;
        Ok(())
    }

    // ---- registering ------------------------------------------------------------------------------------------

    pub(crate) fn register_protocol_driver(
        &mut self,
        cx: &mut Context<'_>,
        context: Token,
        characteristics: Characteristics,
    ) -> Stepped {
        let driver = cx.caller();
        let object = Object::Driver(driver);
        if characteristics.major != 6 {
            cx.warn(Rule::RegistrationProtocolVersion, driver, object, "MajorNdisVersion is not 6");
            return Ok(Step::Return(Status::BAD_VERSION));
        }
        let expected = contract::values::ndis_object_type::NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS;
        if !header_fits(characteristics.header, expected, 120) {
            let offence = "the header's type, revision or size does not fit";
            cx.warn(Rule::RegistrationProtocolHeader, driver, object, offence);
            return Ok(Step::Return(Status::BAD_CHARACTERISTICS));
        }
        let required = [
            Ddi::ProtocolBindAdapterEx,
            Ddi::ProtocolUnbindAdapterEx,
            Ddi::ProtocolOpenAdapterCompleteEx,
            Ddi::ProtocolCloseAdapterCompleteEx,
            Ddi::ProtocolNetPnPEvent,
        ];
        if required.iter().any(|&handler| !characteristics.handlers.contains(handler)) {
            cx.warn(Rule::RegistrationProtocolHandlers, driver, object, "a required handler is NULL");
            return Ok(Step::Return(Status::BAD_CHARACTERISTICS));
        }
        if characteristics.flags != 0 {
            cx.warn(Rule::RegistrationProtocolFlagsZero, driver, object, "Flags is not zero");
        }
        match self.driver(driver).protocol {
            Protocol::Unregistered | Protocol::Deregistered(_) => {}
            Protocol::Registering(..) | Protocol::Registered(..) | Protocol::Deregistering(_) => {
                return Ok(Step::Return(Status::FAILURE));
            }
        }
        let handle = cx.handle(HandleKind::ProtocolDriver, driver.0.into());
        let this = self.driver_mut(driver);
        this.characteristics = this.characteristics.union(characteristics.handlers);
        self.set_protocol(cx, driver, Protocol::Registering(handle, context));
        let id = self.ops.begin(crate::Op::Registration(Op::PublishProtocol(driver)));
        Ok(Step::Publish(id, OutParameter::DriverHandle(handle)))
    }

    pub(crate) fn register_miniport_driver(
        &mut self,
        cx: &mut Context<'_>,
        context: Token,
        characteristics: Characteristics,
    ) -> Stepped {
        let driver = cx.caller();
        let object = Object::Driver(driver);
        if cx.task.handler != Some(Ddi::DriverEntry) {
            return Err(violation(
                Rule::RegistrationMiniportInDriverentry,
                driver,
                object,
                "NdisMRegisterMiniportDriver was called outside DriverEntry",
            ));
        }
        let expected = contract::values::ndis_object_type::NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS;
        if characteristics.major != 6 {
            cx.warn(Rule::RegistrationMiniportVersion, driver, object, "MajorNdisVersion is not 6");
            return Ok(Step::Return(Status::BAD_VERSION));
        }
        if !header_fits(characteristics.header, expected, 136) {
            let offence = "the header's type, revision or size does not fit";
            cx.warn(Rule::RegistrationMiniportVersion, driver, object, offence);
            return Ok(Step::Return(Status::BAD_CHARACTERISTICS));
        }
        let required = [
            Ddi::MiniportInitializeEx,
            Ddi::MiniportHaltEx,
            Ddi::MiniportDriverUnload,
            Ddi::MiniportPause,
            Ddi::MiniportRestart,
            Ddi::MiniportSendNetBufferLists,
            Ddi::MiniportReturnNetBufferLists,
            Ddi::MiniportCancelSend,
            Ddi::MiniportDevicePnPEventNotify,
            Ddi::MiniportShutdownEx,
            Ddi::MiniportCancelOidRequest,
        ];
        if required.iter().any(|&handler| !characteristics.handlers.contains(handler)) {
            return Err(violation(
                Rule::RegistrationMiniportHandlers,
                driver,
                object,
                "a required handler is NULL",
            ));
        }
        match self.driver(driver).miniport {
            Miniport::Unregistered | Miniport::Deregistered(_) => {}
            Miniport::Registering(..) | Miniport::Registered(..) => return Ok(Step::Return(Status::FAILURE)),
        }
        let handle = cx.handle(HandleKind::MiniportDriver, driver.0.into());
        let this = self.driver_mut(driver);
        this.characteristics = this.characteristics.union(characteristics.handlers);
        self.set_miniport(cx, driver, Miniport::Registering(handle, context));
        let id = self.ops.begin(crate::Op::Registration(Op::PublishMiniport(driver)));
        Ok(Step::Publish(id, OutParameter::DriverHandle(handle)))
    }

    pub(crate) fn registration_resumed(&mut self, cx: &mut Context<'_>, id: OpId, op: Op) -> Stepped {
        match op {
            Op::PublishProtocol(driver) => match self.driver(driver).protocol {
                Protocol::Registering(protocol, driver_context)
                    if self.driver(driver).has(Ddi::ProtocolSetOptions) =>
                {
                    self.ops.go_on(id, crate::Op::Registration(Op::ProtocolSetOptions(driver)));
                    Ok(Step::Invoke(id, driver, Callback::ProtocolSetOptions { protocol, driver_context }))
                }
                Protocol::Unregistered
                | Protocol::Registering(..)
                | Protocol::Registered(..)
                | Protocol::Deregistering(_)
                | Protocol::Deregistered(_) => {
                    self.protocol_options_set(cx, driver, Status::SUCCESS)?;
                    Ok(self.finish(id, Status::SUCCESS))
                }
            },
            Op::PublishMiniport(driver) => match self.driver(driver).miniport {
                Miniport::Registering(handle, driver_context)
                    if self.driver(driver).has(Ddi::MiniportSetOptions) =>
                {
                    self.ops.go_on(id, crate::Op::Registration(Op::MiniportSetOptions(driver)));
                    Ok(Step::Invoke(
                        id,
                        driver,
                        Callback::MiniportSetOptions { driver: handle, driver_context },
                    ))
                }
                Miniport::Unregistered
                | Miniport::Registering(..)
                | Miniport::Registered(..)
                | Miniport::Deregistered(_) => {
                    self.miniport_options_set(cx, driver, Status::SUCCESS)?;
                    Ok(self.finish(id, Status::SUCCESS))
                }
            },
            Op::Deregister(driver) => {
                if let Protocol::Deregistering(handle) = self.driver(driver).protocol {
                    self.set_protocol(cx, driver, Protocol::Deregistered(handle));
                }
                Ok(self.finish(id, Status::SUCCESS))
            }
            Op::DriverEntry(_)
            | Op::Unload(_)
            | Op::MiniportUnload(_)
            | Op::Uninstall(_)
            | Op::ProtocolSetOptions(_)
            | Op::MiniportSetOptions(_) => unreachable!("a handler returns, it does not resume"),
        }
    }

    fn protocol_options_set(
        &mut self,
        cx: &mut Context<'_>,
        driver: DriverId,
        status: Status,
    ) -> Result<(), crate::Violation> {
        let Protocol::Registering(handle, context) = self.driver(driver).protocol else {
            return Ok(());
        };
        if status != Status::SUCCESS {
            self.set_protocol(cx, driver, Protocol::Unregistered);
            return Ok(());
        }
        let this = self.driver(driver);
        if (this.is_client() || this.is_call_manager()) && !this.is_connection_oriented() {
            return Err(violation(
                Rule::RegistrationCoSetoptionsProtocol,
                driver,
                Object::Driver(driver),
                "ProtocolSetOptions set a role's handlers without NDIS_PROTOCOL_CO_CHARACTERISTICS",
            ));
        }
        // NDIS tells clients only of address families, so a pure call manager may do without.
        if this.is_client() && this.co.is_some_and(|co| !co.contains(Ddi::ProtocolCoAfRegisterNotify)) {
            return Err(violation(
                Rule::AfNotifyHandlerClient,
                driver,
                Object::Driver(driver),
                "a client's CoAfRegisterNotifyHandler is NULL",
            ));
        }
        self.set_protocol(cx, driver, Protocol::Registered(handle, context));
        Ok(())
    }

    fn miniport_options_set(
        &mut self,
        cx: &mut Context<'_>,
        driver: DriverId,
        status: Status,
    ) -> Result<(), crate::Violation> {
        let Miniport::Registering(handle, context) = self.driver(driver).miniport else {
            return Ok(());
        };
        if status != Status::SUCCESS {
            self.set_miniport(cx, driver, Miniport::Unregistered);
            return Ok(());
        }
        let object = Object::Driver(driver);
        let this = self.driver(driver);
        let vc_handlers = [Ddi::MiniportCoCreateVc, Ddi::MiniportCoDeleteVc];
        let other_handlers = [Ddi::MiniportCoSendNetBufferLists, Ddi::MiniportCoOidRequest];
        match (this.co, this.is_call_manager()) {
            (None, true) => {
                return Err(violation(
                    Rule::RegistrationCoSetoptionsMiniport,
                    driver,
                    object,
                    "MiniportSetOptions set call-manager handlers without NDIS_MINIPORT_CO_CHARACTERISTICS",
                ));
            }
            (Some(co), true) => {
                if other_handlers.iter().any(|&handler| !co.contains(handler)) {
                    let offence = "an MCM's CoSendNetBufferLists or CoOidRequest handler is NULL";
                    return Err(violation(Rule::RegistrationMcmOidAndSend, driver, object, offence));
                }
                if vc_handlers.iter().any(|&handler| co.contains(handler)) {
                    let offence = "an MCM's CoCreateVc or CoDeleteVc handler is not NULL";
                    cx.warn(Rule::RegistrationMcmNoMiniportVc, driver, object, offence);
                }
            }
            (Some(co), false) => {
                let more = [Ddi::MiniportCoActivateVc, Ddi::MiniportCoDeactivateVc];
                let mut all = vc_handlers.into_iter().chain(more).chain(other_handlers);
                if all.any(|handler| !co.contains(handler)) {
                    let offence = "one of the six handlers of a connection-oriented miniport is NULL";
                    return Err(violation(Rule::RegistrationCoMiniportHandlers, driver, object, offence));
                }
            }
            (None, false) => {}
        }
        self.set_miniport(cx, driver, Miniport::Registered(handle, context));
        Ok(())
    }

    /// The only writer of a driver's protocol state.
    fn set_protocol(&mut self, cx: &mut Context<'_>, driver: DriverId, next: Protocol) {
        let name = |state| match state {
            Protocol::Unregistered => "unregistered",
            Protocol::Registering(..) => "registering",
            Protocol::Registered(..) => "registered",
            Protocol::Deregistering(_) => "deregistering",
            Protocol::Deregistered(_) => "deregistered",
        };
        cx.edge(Object::Driver(driver), name(self.driver(driver).protocol), name(next));
        self.driver_mut(driver).protocol = next;
    }

    /// The only writer of a driver's miniport state.
    fn set_miniport(&mut self, cx: &mut Context<'_>, driver: DriverId, next: Miniport) {
        let name = |state| match state {
            Miniport::Unregistered => "unregistered",
            Miniport::Registering(..) => "registering",
            Miniport::Registered(..) => "registered",
            Miniport::Deregistered(_) => "deregistered",
        };
        cx.edge(Object::Driver(driver), name(self.driver(driver).miniport), name(next));
        self.driver_mut(driver).miniport = next;
    }

    // ---- deregistering ----------------------------------------------------------------------------------------

    /// The handle with which a driver is registered now.
    ///
    /// # Errors
    /// `registration-handle-known`: another driver's handle, one of another kind, one of a registration that is over, or
    /// none of NDIS's.
    pub(crate) fn own_driver(
        &self,
        cx: &Context<'_>,
        handle: HandleArg,
        kind: HandleKind,
    ) -> Result<Handle, crate::Violation> {
        let driver = cx.caller();
        let this = self.driver(driver);
        let offence = match handle {
            HandleArg::Known(handle) if handle.kind == kind && handle.slot == u32::from(driver.0) => {
                if this.registered_as().contains(&Some(handle)) {
                    return Ok(handle);
                }
                "the driver is not registered any more"
            }
            HandleArg::Known(_) => "the handle is of another kind, or another driver's",
            HandleArg::Null => "the handle is NULL",
            HandleArg::Unknown(_) => "NDIS never gave out this value",
        };
        Err(violation(Rule::RegistrationHandleKnown, driver, Object::Driver(driver), offence))
    }

    pub(crate) fn deregister_protocol_driver(
        &mut self,
        cx: &mut Context<'_>,
        protocol: HandleArg,
    ) -> Stepped {
        let driver = cx.caller();
        let object = Object::Driver(driver);
        let handle = self.own_driver(cx, protocol, HandleKind::ProtocolDriver)?;
        let from_callback =
            cx.task.within.iter().any(|handler| {
                !matches!(handler, Ddi::DriverEntry | Ddi::Unload | Ddi::MiniportDriverUnload)
            });
        if from_callback {
            return Err(violation(
                Rule::RegistrationProtocolDeregisterContext,
                driver,
                object,
                "NdisDeregisterProtocolDriver was called from a handler, on which it would wait",
            ));
        }
        match self.driver(driver).protocol {
            Protocol::Registered(..) => {}
            Protocol::Unregistered
            | Protocol::Registering(..)
            | Protocol::Deregistering(_)
            | Protocol::Deregistered(_) => {
                return Err(violation(
                    Rule::RegistrationHandleKnown,
                    driver,
                    object,
                    "the protocol is not registered (any more)",
                ));
            }
        }
        self.set_protocol(cx, driver, Protocol::Deregistering(handle));
        let id = self.ops.begin(crate::Op::Registration(Op::Deregister(driver)));
        Ok(Step::Wait(id, Condition::Unbound(driver)))
    }

    pub(crate) fn deregister_miniport_driver(&mut self, cx: &mut Context<'_>, handle: HandleArg) -> Stepped {
        let driver = cx.caller();
        let handle = self.own_driver(cx, handle, HandleKind::MiniportDriver)?;
        match self.driver(driver).miniport {
            Miniport::Registered(..) => {}
            Miniport::Unregistered | Miniport::Registering(..) | Miniport::Deregistered(_) => {
                return Err(violation(
                    Rule::RegistrationHandleKnown,
                    driver,
                    Object::Driver(driver),
                    "the miniport driver is not registered (any more)",
                ));
            }
        }
        self.set_miniport(cx, driver, Miniport::Deregistered(handle));
        Ok(Step::Return(Status::SUCCESS))
    }

    // ---- optional handlers ------------------------------------------------------------------------------------

    pub(crate) fn set_optional_handlers(
        &mut self,
        cx: &mut Context<'_>,
        handle: HandleArg,
        table: OptionalHandlers,
    ) -> Stepped {
        let driver = cx.caller();
        let object = Object::Driver(driver);
        let fail = |rule, offence| Err(violation(rule, driver, object, offence));
        let kind = match handle {
            HandleArg::Known(handle) => handle.kind,
            HandleArg::Null | HandleArg::Unknown(_) => HandleKind::ProtocolDriver,
        };
        let (in_context, miniport) = match kind {
            HandleKind::Binding => {
                let binding = self.usable_binding(cx, handle)?;
                let from = [Some(Ddi::ProtocolBindAdapterEx), Some(Ddi::ProtocolOpenAdapterCompleteEx)];
                // As for NdisOpenAdapterEx, a bind that pends lasts until its completion (binding-q-open-context).
                (from.contains(&cx.task.handler) || self.bindings[binding].is_opening(), false)
            }
            HandleKind::MiniportDriver => {
                self.own_driver(cx, handle, kind)?;
                (cx.task.handler == Some(Ddi::MiniportSetOptions), true)
            }
            _ => {
                self.own_driver(cx, handle, HandleKind::ProtocolDriver)?;
                (cx.task.handler == Some(Ddi::ProtocolSetOptions), false)
            }
        };
        if !in_context {
            return fail(
                Rule::RegistrationCoContext,
                "NdisSetOptionalHandlers was called outside SetOptions with its handle",
            );
        }
        let Some(known) = optional_table(table.header.object_type) else {
            if NO_TABLES.contains(&table.header.object_type) {
                return fail(
                    Rule::RegistrationCoHeader,
                    "the header's type is not that of a table of handlers",
                );
            }
            // Tables of services that NDIS has beside CoNDIS, which we do not have.
            return Ok(Step::Return(Status::NOT_SUPPORTED));
        };
        if table.header.revision == 0 || table.header.size < known.size {
            return fail(Rule::RegistrationCoHeader, "the header's revision or size does not fit its type");
        }
        if miniport && !known.miniport || !miniport && !known.protocol {
            return fail(Rule::RegistrationCoStructByRole, "the table belongs to the other kind of driver");
        }
        let missing =
            |members: &[Ddi]| members.iter().copied().find(|&member| !table.handlers.contains(member));
        match table.header.object_type {
            CLIENT => {
                let named = [
                    (Ddi::ProtocolClOpenAfCompleteEx, Rule::AfOpenCompleteHandler),
                    (Ddi::ProtocolClCloseAfComplete, Rule::AfCloseCompleteHandler),
                    (Ddi::ProtocolClNotifyCloseAf, Rule::AfNotifyClientHandler),
                ];
                for (handler, rule) in named {
                    if !table.handlers.contains(handler) {
                        return fail(rule, "the handler is NULL");
                    }
                }
                if missing(CLIENT_HANDLERS).is_some() {
                    return fail(Rule::RegistrationCoClientAllHandlers, "a ClXxx handler is NULL");
                }
            }
            CALL_MANAGER => {
                let named = [
                    (Ddi::ProtocolCmOpenAf, Rule::AfCmOpenHandler),
                    (Ddi::ProtocolCmCloseAf, Rule::AfCmCloseHandler),
                    (Ddi::ProtocolCmNotifyCloseAfComplete, Rule::AfNotifyCmCompleteHandler),
                ];
                for (handler, rule) in named {
                    if !table.handlers.contains(handler) {
                        return fail(rule, "the handler is NULL");
                    }
                }
                if miniport && missing(&[Ddi::ProtocolCoCreateVc, Ddi::ProtocolCoDeleteVc]).is_some() {
                    return fail(
                        Rule::RegistrationMcmProtocolVc,
                        "an MCM's CmCreateVc or CmDeleteVc handler is NULL",
                    );
                }
                let requests = [Ddi::ProtocolCoOidRequest, Ddi::ProtocolCoOidRequestComplete];
                if miniport && missing(&requests).is_some() {
                    return fail(
                        Rule::RegistrationMcmOidComplete,
                        "an MCM's CmOidRequest handlers are not both there",
                    );
                }
                if missing(CALL_MANAGER_HANDLERS).is_some() {
                    return fail(Rule::RegistrationCoCmAllHandlers, "a CmXxx handler is NULL");
                }
                if miniport && table.shared_oid_handler {
                    return fail(
                        Rule::RegistrationMcmOidSeparate,
                        "CmOidRequestHandler is the miniport's CoOidRequestHandler",
                    );
                }
            }
            // What must be in these shows when the role's table is there, too: see `protocol_options_set` and
            // `miniport_options_set`.
            PROTOCOL_CO | MINIPORT_CO => {}
            _ => unreachable!("optional_table knows these four"),
        }
        if let HandleArg::Known(handle) = handle
            && handle.kind == HandleKind::Binding
        {
            return self.set_binding_handlers(cx, handle, table);
        }
        let this = self.driver_mut(driver);
        let place = match table.header.object_type {
            CLIENT => &mut this.client,
            CALL_MANAGER => &mut this.call_manager,
            _ => &mut this.co,
        };
        *place = Some(table.handlers);
        Ok(Step::Return(Status::SUCCESS))
    }

    /// The tables that a binding carries of its own replace the driver's. The world keeps roles by driver: a table set
    /// for one binding makes the driver a client or call manager there and everywhere.
    fn set_binding_handlers(
        &mut self,
        cx: &mut Context<'_>,
        handle: Handle,
        table: OptionalHandlers,
    ) -> Stepped {
        let driver = cx.caller();
        let binding = self.usable_binding(cx, HandleArg::Known(handle))?;
        if table.header.object_type == CALL_MANAGER && self.offers_family(binding) {
            return Err(violation(
                Rule::AfRegisterSameHandlers,
                driver,
                Object::Binding(self.bindings[binding].id),
                "the call-manager handlers were changed after an address family was registered",
            ));
        }
        let this = self.driver_mut(driver);
        let place = match table.header.object_type {
            CLIENT => &mut this.client,
            CALL_MANAGER => &mut this.call_manager,
            _ => &mut this.co,
        };
        *place = Some(table.handlers);
        Ok(Step::Return(Status::SUCCESS))
    }
}
