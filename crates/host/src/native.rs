//! A native driver as the engine sees it: callbacks become calls of its functions, with the structures that the
//! documentation describes.
//!
//! Structures that a handler only reads while it runs lie on our stack below it; those that it may keep longer are lent
//! from the pool ([`Host::lend`]). Offsets come from the contract.

use crate::exports::timer;
use crate::guest::{self, BadAddress, Block};
use crate::handlers::Slot;
use crate::host::{Host, Loaded, end};
use crate::objects::Form;
use crate::trap::watchdog;
use crate::{call, processor};
use contract::layout::{
    CO_ADDRESS_FAMILY, NDIS_MINIPORT_INIT_PARAMETERS, NDIS_MINIPORT_PAUSE_PARAMETERS,
    NDIS_MINIPORT_RESTART_PARAMETERS, NDIS_PROTOCOL_PAUSE_PARAMETERS, NDIS_PROTOCOL_RESTART_PARAMETERS,
    NET_DEVICE_PNP_EVENT,
};
use contract::values::{ndis_device_pnp_event, ndis_halt_action, net_pnp_event_code};
use contract::{Ddi, Layout, Rule, Status};
use engine::{Crash, Driver, Ending};
use model::block::{AddressFamily, CallParameters, Sap};
use model::record::Routine;
use model::{AdapterId, Callback, DeviceEvent, HaltAction, Handle, NetEvent, Power, Reply, Token};
use std::fmt;

/// `DRIVER_OBJECT`, from MinGW's public-domain `ddk/wdm.h`.
mod driver_object {
    pub(super) const SIZE: usize = 0x150;
    /// `Type`: `IO_TYPE_DRIVER`.
    pub(super) const TYPE: (usize, u16) = (0, 4);
    pub(super) const SIZE_FIELD: usize = 2;
    pub(super) const DRIVER_START: usize = 24;
    pub(super) const DRIVER_SIZE: usize = 32;
    pub(super) const DRIVER_EXTENSION: usize = 48;
    pub(super) const DRIVER_NAME: usize = 56;
    pub(super) const DRIVER_INIT: usize = 88;
    pub(super) const DRIVER_UNLOAD: usize = 104;
    /// `DRIVER_EXTENSION`: `DriverObject`, `AddDevice`, `Count`, `ServiceKeyName`.
    pub(super) const EXTENSION_SIZE: usize = 40;
}

/// `NDIS_PAUSE_NDIS_INTERNAL`: the reason of every pause that NDIS makes here.
const PAUSE_NDIS_INTERNAL: u32 = contract::values::ndis_pause::NDIS_PAUSE_NDIS_INTERNAL;
/// `NetDeviceStateD0` and `NetDeviceStateD3` of MinGW's `ddk/netpnp.h`.
const DEVICE_STATE_D0: u32 = 1;
const DEVICE_STATE_D3: u32 = 4;
/// The speed that a bind reports, in bits per second: that of one ISDN channel.
const LINK_SPEED: u64 = 64_000;
/// The largest frame that a bind reports, in bytes.
const MTU: u32 = 1500;

/// The name by which an adapter is offered and opened.
pub(crate) fn adapter_name(adapter: AdapterId) -> String {
    format!("\\DEVICE\\{{00000000-0000-0000-0000-{:012X}}}", u64::from(adapter.0) + 1)
}

/// A driver that runs natively, made by [`Host::load`].
pub struct NativeDriver {
    host: &'static Host,
    driver: &'static Loaded,
}

impl fmt::Debug for NativeDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeDriver").field("name", &self.driver.name).finish_non_exhaustive()
    }
}

impl NativeDriver {
    pub(crate) fn new(host: &'static Host, driver: &'static Loaded) -> NativeDriver {
        NativeDriver { host, driver }
    }

    /// The driver's name in reports.
    pub fn name(&self) -> &str {
        &self.driver.name
    }

    /// Where its image begins.
    pub fn base(&self) -> u64 {
        self.driver.mapping.base()
    }

    /// Calls the function in `slot`, which is given `context`.
    fn run(&self, slot: Slot, context: u64, arguments: [u64; 4]) -> u64 {
        let address = self.driver.handlers.borrow().find(slot, context);
        self.enter(address, arguments)
    }

    /// Calls a function of the driver's.
    fn enter(&self, address: u64, arguments: [u64; 4]) -> u64 {
        if address == 0 {
            self.call_of_null();
        }
        watchdog::progress();
        processor::enter_thread();
        call::routine(address, arguments)
    }

    /// The driver left a handler NULL that is needed, or queued a NULL routine.
    fn call_of_null(&self) -> ! {
        self.end_at(Rule::KernelExecuteBadAddress, "the handler that is to be called is NULL", 0)
    }

    /// Ends the execution as a crash of the driver's for which no instruction is known.
    fn end_at(&self, rule: Rule, offence: &'static str, address: u64) -> ! {
        end(Ending::Crashed(Crash {
            rule,
            by: self.driver.id,
            task: engine::current().task,
            offence,
            signal: 0,
            code: 0,
            address,
            ip: 0,
            sp: 0,
            registers: [0; 18],
        }))
    }

    /// Ends the execution if the driver that has unloaded wrote where it must not have, and nothing else has told.
    fn check_memory(&self) {
        let damage = self.host.pool.borrow().damage(self.driver.id);
        if let Some((block, offence)) = damage {
            self.end_at(Rule::KernelBadAccess, offence, block.address);
        }
    }

    fn status(&self, slot: impl Into<Slot>, context: Token, arguments: [u64; 4]) -> Reply {
        Reply::status(Status(self.run(slot.into(), context.0, arguments) as u32))
    }

    fn void(&self, slot: impl Into<Slot>, context: Token, arguments: [u64; 4]) -> Reply {
        self.run(slot.into(), context.0, arguments);
        Reply::VOID
    }

    /// Runs a handler that stores a context for the object with the handle `object`, which it gets with `context`. The
    /// variable for it holds NULL before; `arguments` gets its address.
    fn storing(
        &self,
        slot: impl Into<Slot>,
        context: Token,
        object: u64,
        arguments: impl FnOnce(u64) -> [u64; 4],
    ) -> Reply {
        let mut stored = 0u64;
        let place = (&raw mut stored) as u64;
        let inherit = |value| {
            if self.host.has_overrides.get() {
                self.driver.handlers.borrow_mut().inherit(value, context.0);
            }
        };
        inherit(object);
        let reply = self.status(slot, context, arguments(place));
        let stored = guest::read_u64(place).expect("our own stack can be read");
        inherit(stored);
        reply.with_context(Token(stored))
    }

    /// Runs a handler that may change the call parameters that it is given; `arguments` gets their address.
    fn negotiating(&self, parameters: &CallParameters, run: impl FnOnce(u64) -> Reply) -> Reply {
        let place = self.pass(parameters);
        let given = self.host.structures.borrow().parameters_at(place);
        let reply = run(place);
        // Whoever pends may have completed the operation already, and then they are gone.
        let Some(given) = given.ok().filter(|_| reply.status != Status::PENDING) else { return reply };
        let left = self.host.structures.borrow().parameters_at(place);
        match left {
            Ok(left) if left == given => reply,
            Ok(left) => Reply { parameters: left, ..reply },
            Err(BadAddress { address, .. }) => {
                self.end_at(Rule::KernelBadAccess, "leaves call parameters that cannot be read", address)
            }
        }
    }

    /// The address of call parameters for this driver.
    fn pass(&self, parameters: &CallParameters) -> u64 {
        let passed = self.host.structures.borrow_mut().pass_parameters(parameters, |bytes| self.lend(bytes));
        match passed {
            Ok(place) => place,
            Err(BadAddress { address, .. }) => {
                self.end_at(Rule::KernelBadAccess, "passed call parameters that cannot be written", address)
            }
        }
    }

    /// The address of a SAP for this driver.
    fn pass_sap(&self, sap: &Sap) -> u64 {
        self.host.structures.borrow_mut().pass_sap(sap, |bytes| self.lend(bytes))
    }

    /// The address of close data for this driver.
    fn pass_data(&self, data: Token, size: u32) -> u64 {
        self.host.structures.borrow_mut().pass_data(data, size, |bytes| self.lend(bytes))
    }

    /// Memory of ours that this driver is to read.
    fn lend(&self, bytes: &[u8]) -> u64 {
        self.host.lend(self.driver.id, bytes)
    }

    fn handle_value(&self, handle: Handle) -> u64 {
        self.host.address_of(handle)
    }

    /// A `UNICODE_STRING` that lives as long as the execution.
    fn lend_string(&self, text: &str) -> u64 {
        let units: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let buffer = self.lend(&units);
        let mut string = Block::<16>::zeroed();
        string.put(0, (units.len() as u16 - 2).to_le_bytes());
        string.put(2, (units.len() as u16).to_le_bytes());
        string.put(8, buffer.to_le_bytes());
        self.lend(string.bytes())
    }

    fn driver_entry(&self) -> Reply {
        let name = self.lend_string(&format!("\\Driver\\{}", self.driver.name));
        let path = format!("\\Registry\\Machine\\System\\CurrentControlSet\\Services\\{}", self.driver.name);
        let path = self.lend_string(&path);
        let mut object = Block::<{ driver_object::SIZE }>::zeroed();
        object.put(driver_object::TYPE.0, driver_object::TYPE.1.to_le_bytes());
        object.put(driver_object::SIZE_FIELD, (driver_object::SIZE as u16).to_le_bytes());
        object.put(driver_object::DRIVER_START, self.base().to_le_bytes());
        object.put(driver_object::DRIVER_SIZE, self.driver.mapping.image_size().to_le_bytes());
        object.put(driver_object::DRIVER_INIT, self.driver.entry.to_le_bytes());
        let mut counted = [0; 16];
        guest::read(name, &mut counted).expect("our own memory can be read");
        object.put(driver_object::DRIVER_NAME, counted);
        let extension = self.lend(&[0; driver_object::EXTENSION_SIZE]);
        object.put(driver_object::DRIVER_EXTENSION, extension.to_le_bytes());
        let object = self.lend(object.bytes());
        guest::write_u64(extension, object).expect("our own memory can be written");
        self.driver.driver_object.set(object);
        let status = Status(self.enter(self.driver.entry, [object, path, 0, 0]) as u32);
        Reply::status(status).with_context(Token(self.driver_unload()))
    }

    /// What the driver has stored as its `DriverUnload`.
    fn driver_unload(&self) -> u64 {
        let field = self.driver.driver_object.get() + driver_object::DRIVER_UNLOAD as u64;
        guest::read_u64(field).expect("our own memory can be read")
    }

    fn bind(&self, driver_context: Token, bind_context: Handle, adapter: AdapterId) -> Reply {
        use contract::layout::NDIS_BIND_PARAMETERS as LAYOUT;
        const fn at(member: &str) -> usize {
            LAYOUT.offset_of(member).unwrap()
        }
        self.driver.handlers.borrow_mut().binds.push((bind_context, adapter));
        let name = self.lend_string(&adapter_name(adapter));
        let section = format!(
            "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\{}\\Parameters",
            self.driver.name
        );
        let section = self.lend_string(&section);
        let mut block = Block::<{ LAYOUT.size }>::zeroed();
        put_header(&mut block, &LAYOUT, 1);
        block.put(at("ProtocolSection"), section.to_le_bytes());
        block.put(at("AdapterName"), name.to_le_bytes());
        block.put(at("BoundAdapterName"), name.to_le_bytes());
        block.put(at("MediaType"), self.host.medium.get().to_le_bytes());
        block.put(at("MtuSize"), MTU.to_le_bytes());
        for speed in ["MaxXmitLinkSpeed", "XmitLinkSpeed", "MaxRcvLinkSpeed", "RcvLinkSpeed"] {
            block.put(at(speed), LINK_SPEED.to_le_bytes());
        }
        // MediaConnectStateConnected and MediaDuplexStateFull.
        block.put(at("MediaConnectState"), 1u32.to_le_bytes());
        block.put(at("MediaDuplexState"), 2u32.to_le_bytes());
        block.put(at("LookaheadSize"), MTU.to_le_bytes());
        let bind_value = self.handle_value(bind_context);
        self.status(
            Ddi::ProtocolBindAdapterEx,
            driver_context,
            [driver_context.0, bind_value, address_of(&block), 0],
        )
    }

    fn net_pnp_event(&self, binding_context: Token, event: Handle, kind: NetEvent) -> Reply {
        use contract::layout::NET_PNP_EVENT_NOTIFICATION as LAYOUT;
        const NET_PNP_EVENT: usize = LAYOUT.offset_of("NetPnPEvent").unwrap();
        const CODE: usize = NET_PNP_EVENT + contract::layout::NET_PNP_EVENT.offset_of("NetEvent").unwrap();
        const BUFFER: usize = NET_PNP_EVENT + contract::layout::NET_PNP_EVENT.offset_of("Buffer").unwrap();
        const LENGTH: usize =
            NET_PNP_EVENT + contract::layout::NET_PNP_EVENT.offset_of("BufferLength").unwrap();
        let (code, buffer) = self.event_buffer(kind);
        let mut block = Block::<{ LAYOUT.size }>::zeroed();
        put_header(&mut block, &LAYOUT, 1);
        block.put(CODE, code.to_le_bytes());
        let lent = if buffer.is_empty() { 0 } else { self.lend(&buffer) };
        block.put(BUFFER, lent.to_le_bytes());
        block.put(LENGTH, (buffer.len() as u32).to_le_bytes());
        let address = self.lend(block.bytes());
        self.driver.handlers.borrow_mut().events.push((address, event));
        let reply =
            self.status(Ddi::ProtocolNetPnPEvent, binding_context, [binding_context.0, address, 0, 0]);
        if reply.status != Status::PENDING {
            self.host.take_back(address);
        }
        reply
    }

    /// The code of an event, and what its buffer holds.
    fn event_buffer(&self, kind: NetEvent) -> (u32, Vec<u8>) {
        let power = |power| match power {
            Power::D0 => DEVICE_STATE_D0.to_le_bytes().to_vec(),
            Power::D3 => DEVICE_STATE_D3.to_le_bytes().to_vec(),
        };
        match kind {
            NetEvent::SetPower(state) => (net_pnp_event_code::NetEventSetPower, power(state)),
            NetEvent::QueryPower(state) => (net_pnp_event_code::NetEventQueryPower, power(state)),
            NetEvent::QueryRemoveDevice => (net_pnp_event_code::NetEventQueryRemoveDevice, Vec::new()),
            NetEvent::CancelRemoveDevice => (net_pnp_event_code::NetEventCancelRemoveDevice, Vec::new()),
            NetEvent::Reconfigure => (net_pnp_event_code::NetEventReconfigure, Vec::new()),
            NetEvent::BindsComplete => (net_pnp_event_code::NetEventBindsComplete, Vec::new()),
            NetEvent::Pause => {
                let mut block = Block::<{ NDIS_PROTOCOL_PAUSE_PARAMETERS.size }>::zeroed();
                put_header(&mut block, &NDIS_PROTOCOL_PAUSE_PARAMETERS, 1);
                const REASON: usize = NDIS_PROTOCOL_PAUSE_PARAMETERS.offset_of("PauseReason").unwrap();
                block.put(REASON, PAUSE_NDIS_INTERNAL.to_le_bytes());
                (net_pnp_event_code::NetEventPause, block.bytes().to_vec())
            }
            NetEvent::Restart => {
                let mut block = Block::<{ NDIS_PROTOCOL_RESTART_PARAMETERS.size }>::zeroed();
                put_header(&mut block, &NDIS_PROTOCOL_RESTART_PARAMETERS, 1);
                (net_pnp_event_code::NetEventRestart, block.bytes().to_vec())
            }
        }
    }

    fn initialize(&self, adapter: Handle, driver_context: Token) -> Reply {
        let mut block = Block::<{ NDIS_MINIPORT_INIT_PARAMETERS.size }>::zeroed();
        put_header(&mut block, &NDIS_MINIPORT_INIT_PARAMETERS, 1);
        const IF_INDEX: usize = NDIS_MINIPORT_INIT_PARAMETERS.offset_of("IfIndex").unwrap();
        let number = {
            let mut handlers = self.driver.handlers.borrow_mut();
            handlers.adapters.push(adapter);
            handlers.adapters.len() as u32
        };
        block.put(IF_INDEX, number.to_le_bytes());
        let arguments = [self.handle_value(adapter), driver_context.0, address_of(&block), 0];
        self.status(Ddi::MiniportInitializeEx, driver_context, arguments)
    }

    fn open_af(&self, binding_context: Token, family: AddressFamily, af: Handle) -> Reply {
        let family = family_block(family);
        let af = self.handle_value(af);
        self.storing(Ddi::ProtocolCmOpenAf, binding_context, af, |place| {
            [binding_context.0, address_of(&family), af, place]
        })
    }
}

/// The address of something that lives on our stack while a handler runs. What the handler does with it is not known
/// to the compiler, which must therefore keep it there.
fn address_of<const SIZE: usize>(block: &Block<SIZE>) -> u64 {
    std::hint::black_box(block) as *const Block<SIZE> as u64
}

/// Fills in the header of a structure that NDIS hands out.
fn put_header<const SIZE: usize>(block: &mut Block<SIZE>, layout: &Layout, revision: u8) {
    let header = layout.header.expect("a structure with a header");
    let size = header.revisions.iter().find(|known| known.revision == revision).map_or(0, |known| known.size);
    block.put(0, [header.object_type, revision]);
    block.put(2, size.to_le_bytes());
}

fn family_block(family: AddressFamily) -> Block<{ CO_ADDRESS_FAMILY.size }> {
    const KIND: usize = CO_ADDRESS_FAMILY.offset_of("AddressFamily").unwrap();
    const MAJOR: usize = CO_ADDRESS_FAMILY.offset_of("MajorVersion").unwrap();
    const MINOR: usize = CO_ADDRESS_FAMILY.offset_of("MinorVersion").unwrap();
    let mut block = Block::zeroed();
    block.put(KIND, family.family.to_le_bytes());
    block.put(MAJOR, family.major.to_le_bytes());
    block.put(MINOR, family.minor.to_le_bytes());
    block
}

impl Driver for NativeDriver {
    fn handle(&self, callback: &Callback) -> Reply {
        let ddi = callback.ddi();
        match *callback {
            Callback::DriverEntry { .. } => self.driver_entry(),
            Callback::Unload { .. } => {
                self.enter(self.driver_unload(), [self.driver.driver_object.get(), 0, 0, 0]);
                self.check_memory();
                Reply::VOID
            }
            Callback::MiniportDriverUnload { .. } => {
                self.void(ddi, Token::NULL, [self.driver.driver_object.get(), 0, 0, 0]);
                self.check_memory();
                Reply::VOID
            }
            Callback::ProtocolSetOptions { protocol: handle, driver_context }
            | Callback::MiniportSetOptions { driver: handle, driver_context } => {
                self.status(ddi, driver_context, [self.handle_value(handle), driver_context.0, 0, 0])
            }
            Callback::Uninstall {} => self.void(ddi, Token::NULL, [0; 4]),
            Callback::BindAdapterEx { driver_context, bind_context, adapter } => {
                self.bind(driver_context, bind_context, adapter)
            }
            Callback::OpenAdapterCompleteEx { binding_context, status } => {
                self.void(ddi, binding_context, [binding_context.0, u64::from(status.0), 0, 0])
            }
            Callback::UnbindAdapterEx { unbind_context, binding_context } => {
                let arguments = [self.handle_value(unbind_context), binding_context.0, 0, 0];
                self.status(ddi, binding_context, arguments)
            }
            Callback::CloseAdapterCompleteEx { binding_context } => {
                self.void(ddi, binding_context, [binding_context.0, 0, 0, 0])
            }
            Callback::NetPnPEvent { binding_context, event, kind } => {
                self.net_pnp_event(binding_context, event, kind)
            }
            Callback::MiniportInitializeEx { adapter, driver_context } => {
                self.initialize(adapter, driver_context)
            }
            Callback::MiniportPause { adapter_context } => {
                let mut block = Block::<{ NDIS_MINIPORT_PAUSE_PARAMETERS.size }>::zeroed();
                put_header(&mut block, &NDIS_MINIPORT_PAUSE_PARAMETERS, 1);
                const REASON: usize = NDIS_MINIPORT_PAUSE_PARAMETERS.offset_of("PauseReason").unwrap();
                block.put(REASON, PAUSE_NDIS_INTERNAL.to_le_bytes());
                self.status(ddi, adapter_context, [adapter_context.0, address_of(&block), 0, 0])
            }
            Callback::MiniportRestart { adapter_context } => {
                let mut block = Block::<{ NDIS_MINIPORT_RESTART_PARAMETERS.size }>::zeroed();
                put_header(&mut block, &NDIS_MINIPORT_RESTART_PARAMETERS, 1);
                self.status(ddi, adapter_context, [adapter_context.0, address_of(&block), 0, 0])
            }
            Callback::MiniportHaltEx { adapter_context, action } => {
                let action = match action {
                    HaltAction::DeviceDisabled => ndis_halt_action::NdisHaltDeviceDisabled,
                    HaltAction::DeviceSurpriseRemoved => ndis_halt_action::NdisHaltDeviceSurpriseRemoved,
                    HaltAction::DeviceStopped => ndis_halt_action::NdisHaltDeviceStopped,
                };
                self.void(ddi, adapter_context, [adapter_context.0, u64::from(action), 0, 0])
            }
            Callback::MiniportDevicePnPEventNotify { adapter_context, kind } => {
                let code = match kind {
                    DeviceEvent::SurpriseRemoved => ndis_device_pnp_event::NdisDevicePnPEventSurpriseRemoved,
                };
                let mut block = Block::<{ NET_DEVICE_PNP_EVENT.size }>::zeroed();
                put_header(&mut block, &NET_DEVICE_PNP_EVENT, 1);
                const CODE: usize = NET_DEVICE_PNP_EVENT.offset_of("DevicePnPEvent").unwrap();
                block.put(CODE, code.to_le_bytes());
                self.void(ddi, adapter_context, [adapter_context.0, address_of(&block), 0, 0])
            }
            Callback::CoAfRegisterNotify { binding_context, family } => {
                let family = family_block(family);
                self.void(ddi, binding_context, [binding_context.0, address_of(&family), 0, 0])
            }
            Callback::CmOpenAf { binding_context, family, af } => self.open_af(binding_context, family, af),
            Callback::ClOpenAfCompleteEx { af_context, af, status } => {
                let arguments = [af_context.0, self.host.value_of(af), u64::from(status.0), 0];
                self.void(ddi, af_context, arguments)
            }
            Callback::CmCloseAf { af_context } | Callback::ClNotifyCloseAf { af_context } => {
                self.status(ddi, af_context, [af_context.0, 0, 0, 0])
            }
            Callback::ClCloseAfComplete { status, af_context } => {
                self.void(ddi, af_context, [u64::from(status.0), af_context.0, 0, 0])
            }
            Callback::CmNotifyCloseAfComplete { af_context, status } => {
                self.void(ddi, af_context, [af_context.0, u64::from(status.0), 0, 0])
            }
            Callback::CmRegisterSap { af_context, specification, sap } => {
                let specification = self.pass_sap(&specification);
                let sap = self.handle_value(sap);
                self.storing(ddi, af_context, sap, |place| [af_context.0, specification, sap, place])
            }
            Callback::ClRegisterSapComplete { status, sap_context, specification, sap } => {
                let specification = self.pass_sap(&specification);
                let sap = self.host.value_of(sap);
                self.void(ddi, sap_context, [u64::from(status.0), sap_context.0, specification, sap])
            }
            Callback::CmDeregisterSap { sap_context } => {
                self.status(ddi, sap_context, [sap_context.0, 0, 0, 0])
            }
            Callback::ClDeregisterSapComplete { status, sap_context } => {
                self.void(ddi, sap_context, [u64::from(status.0), sap_context.0, 0, 0])
            }
            Callback::CoCreateVc { af_context, vc, side } => {
                let vc = self.handle_value(vc);
                self.storing(Slot::new(ddi, side), af_context, vc, |place| [af_context.0, vc, place, 0])
            }
            Callback::CoDeleteVc { vc_context, side } => {
                self.status(Slot::new(ddi, side), vc_context, [vc_context.0, 0, 0, 0])
            }
            Callback::MiniportCoCreateVc { adapter_context, vc } => {
                let vc = self.handle_value(vc);
                self.storing(ddi, adapter_context, vc, |place| [adapter_context.0, vc, place, 0])
            }
            Callback::MiniportCoDeleteVc { vc_context } | Callback::MiniportCoDeactivateVc { vc_context } => {
                self.status(ddi, vc_context, [vc_context.0, 0, 0, 0])
            }
            Callback::MiniportCoActivateVc { vc_context, parameters }
            | Callback::CmModifyCallQoS { vc_context, parameters } => self
                .negotiating(&parameters, |given| self.status(ddi, vc_context, [vc_context.0, given, 0, 0])),
            Callback::CmActivateVcComplete { status, vc_context, parameters }
            | Callback::ClModifyCallQoSComplete { status, vc_context, parameters }
            | Callback::CmIncomingCallComplete { status, vc_context, parameters } => {
                let parameters = self.pass(&parameters);
                self.void(ddi, vc_context, [u64::from(status.0), vc_context.0, parameters, 0])
            }
            Callback::CmDeactivateVcComplete { status, vc_context } => {
                self.void(ddi, vc_context, [u64::from(status.0), vc_context.0, 0, 0])
            }
            Callback::CmMakeCall { vc_context, parameters, party } => {
                let party = self.host.value_of(party);
                self.negotiating(&parameters, |given| {
                    self.storing(ddi, vc_context, party, |place| [vc_context.0, given, party, place])
                })
            }
            Callback::ClMakeCallComplete { status, vc_context, party, parameters } => {
                let (party, parameters) = (self.host.value_of(party), self.pass(&parameters));
                self.void(ddi, vc_context, [u64::from(status.0), vc_context.0, party, parameters])
            }
            Callback::CmCloseCall { vc_context, party_context, data, size } => {
                let data = self.pass_data(data, size);
                self.status(ddi, vc_context, [vc_context.0, party_context.0, data, u64::from(size)])
            }
            Callback::ClCloseCallComplete { status, vc_context, party_context } => {
                self.void(ddi, vc_context, [u64::from(status.0), vc_context.0, party_context.0, 0])
            }
            Callback::ClIncomingCall { sap_context, vc_context, parameters } => self
                .negotiating(&parameters, |given| {
                    self.status(ddi, sap_context, [sap_context.0, vc_context.0, given, 0])
                }),
            Callback::ClCallConnected { vc_context } => self.void(ddi, vc_context, [vc_context.0, 0, 0, 0]),
            Callback::ClIncomingCallQoSChange { vc_context, parameters } => {
                let parameters = self.pass(&parameters);
                self.void(ddi, vc_context, [vc_context.0, parameters, 0, 0])
            }
            Callback::ClIncomingCloseCall { status, vc_context: context, data, size }
            | Callback::ClIncomingDropParty { status, party_context: context, data, size } => {
                let data = self.pass_data(data, size);
                self.void(ddi, context, [u64::from(status.0), context.0, data, u64::from(size)])
            }
            Callback::CmAddParty { vc_context, parameters, party } => {
                let party = self.handle_value(party);
                self.negotiating(&parameters, |given| {
                    self.storing(ddi, vc_context, party, |place| [vc_context.0, given, party, place])
                })
            }
            Callback::ClAddPartyComplete { status, party_context, party, parameters } => {
                let (party, parameters) = (self.host.value_of(party), self.pass(&parameters));
                self.void(ddi, party_context, [u64::from(status.0), party_context.0, party, parameters])
            }
            Callback::CmDropParty { party_context, data, size } => {
                let data = self.pass_data(data, size);
                self.status(ddi, party_context, [party_context.0, data, u64::from(size), 0])
            }
            Callback::ClDropPartyComplete { status, party_context } => {
                self.void(ddi, party_context, [u64::from(status.0), party_context.0, 0, 0])
            }
        }
    }

    fn routine(&self, routine: Routine) {
        let (Routine::WorkItem(token) | Routine::Timer(token) | Routine::Dpc(token) | Routine::Thread(token)) =
            routine;
        let found = self.host.objects.borrow_mut().get(token.0, |_| true).map(|object| object.clone());
        let Ok(object) = found else { self.call_of_null() };
        let arguments = match object.form {
            Form::NdisWorkItem => [object.context, token.0, 0, 0],
            Form::IoWorkItem => [object.io_object, object.context, 0, 0],
            Form::IoWorkItemEx => [object.io_object, object.context, token.0, 0],
            Form::NdisTimer => [0, object.context, 0, 0],
        };
        let is_dpc = matches!(routine, Routine::Timer(_));
        if is_dpc {
            timer::note_dpc(token.0, true);
        }
        self.enter(object.routine, arguments);
        if is_dpc {
            timer::note_dpc(token.0, false);
        }
    }
}
