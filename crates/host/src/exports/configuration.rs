//! The registry, as drivers of NDIS read it. Values come from the scenario; what is handed out is memory of ours that
//! lives until the configuration is closed.

use super::Here;
use crate::guest::{self, Block};
use crate::host::Loaded;
use crate::objects::{BadObject, Kind, Object};
use crate::registry::RegistryValue;
use contract::layout::{NDIS_CONFIGURATION_OBJECT, NDIS_CONFIGURATION_PARAMETER as PARAMETER};
use contract::{Rule, Status};
use model::{HandleArg, HandleKind};

const HANDLE: usize = NDIS_CONFIGURATION_OBJECT.offset_of("NdisHandle").unwrap();
const TYPE: usize = PARAMETER.offset_of("ParameterType").unwrap();
const DATA: usize = PARAMETER.offset_of("ParameterData").unwrap();
/// `NDIS_STATUS_FILE_NOT_FOUND`, for a keyword that is not there.
const FILE_NOT_FOUND: Status = Status::FILE_NOT_FOUND;

/// `NdisParameterInteger` and its neighbours of `NDIS_PARAMETER_TYPE`.
const INTEGER: u32 = contract::values::ndis_parameter_type::NdisParameterInteger;
const STRING: u32 = contract::values::ndis_parameter_type::NdisParameterString;
const MULTI_STRING: u32 = contract::values::ndis_parameter_type::NdisParameterMultiString;
const BINARY: u32 = contract::values::ndis_parameter_type::NdisParameterBinary;

/// The longest string or binary value that a parameter block can hold, with its terminator, in bytes.
const LONGEST: usize = 0xfffc;

/// Which adapter of the driver `handle` means: none if it is the driver itself.
fn adapter_of(driver: &Loaded, handle: HandleArg) -> Option<usize> {
    let HandleArg::Known(handle) = handle else { return None };
    if handle.kind != HandleKind::Adapter {
        return None;
    }
    driver.handlers.borrow().adapters.iter().position(|&known| known == handle)
}

/// The adapter that an open configuration belongs to; one that is not open ends the execution.
fn opened(here: &Here, configuration: u64) -> Option<usize> {
    let found = here
        .host()
        .objects
        .borrow_mut()
        .get(configuration, |kind| matches!(kind, Kind::Configuration { .. }))
        .map(|object| object.kind);
    match found {
        Ok(Kind::Configuration { adapter }) => adapter,
        Ok(Kind::NdisWorkItem | Kind::IoWorkItem | Kind::NdisTimer) | Err(BadObject::Unknown) => here.fail(
            Rule::KernelBadAccess,
            "passes something that is no configuration handle",
            configuration,
        ),
        Err(BadObject::Freed) => {
            here.fail(Rule::KernelBadAccess, "uses a configuration that it has closed", configuration)
        }
    }
}

/// Lends the driver some bytes until the configuration is closed.
fn lend(here: &Here, configuration: u64, bytes: &[u8]) -> u64 {
    let host = here.host();
    let address = host.lend(here.driver().id, bytes);
    if let Ok(object) = host.objects.borrow_mut().get(configuration, |_| true) {
        object.lent.push(address);
    }
    address
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A parameter block for `value`, as the type that the caller asked for if that fits.
fn parameter(
    here: &Here,
    configuration: u64,
    value: &RegistryValue,
    wanted: u32,
) -> Block<{ PARAMETER.size }> {
    let mut block = Block::zeroed();
    let counted = |kind: u32, bytes: &[u8], terminator: usize| {
        // The lengths have sixteen bits.
        let bytes = &bytes[..bytes.len().min(LONGEST)];
        let mut stored = bytes.to_vec();
        stored.resize(bytes.len() + terminator, 0);
        let address = lend(here, configuration, &stored);
        let mut block = Block::zeroed();
        block.put(TYPE, kind.to_le_bytes());
        block.put(DATA, (bytes.len() as u16).to_le_bytes());
        block.put(DATA + 2, (stored.len() as u16).to_le_bytes());
        block.put(DATA + 8, address.to_le_bytes());
        block
    };
    match value {
        RegistryValue::Integer(value) => {
            let kind = if wanted == contract::values::ndis_parameter_type::NdisParameterHexInteger {
                wanted
            } else {
                INTEGER
            };
            block.put(TYPE, kind.to_le_bytes());
            block.put(DATA, value.to_le_bytes());
            block
        }
        RegistryValue::String(text) => counted(STRING, &utf16(text), 2),
        RegistryValue::MultiString(texts) => {
            let mut bytes: Vec<u8> = texts.iter().flat_map(|text| utf16(&format!("{text}\0"))).collect();
            bytes.extend_from_slice(&[0, 0]);
            counted(MULTI_STRING, &bytes, 0)
        }
        RegistryValue::Binary(bytes) => counted(BINARY, bytes, 0),
    }
}

super::exports! {
    Ndis Passive "nf-ndis-ndisopenconfigurationex"
    NdisOpenConfigurationEx[here](object: u64, configuration: u64) -> u32 {
        let block = here.check(Block::<{ NDIS_CONFIGURATION_OBJECT.size }>::read(object, NDIS_CONFIGURATION_OBJECT.size));
        let adapter = adapter_of(here.driver(), here.handle(block.u64(HANDLE)));
        let opened = Object::new(Kind::Configuration { adapter }, here.driver().id);
        let handle = here.host().objects.borrow_mut().add(opened);
        here.kernel(model::record::Operation::Other);
        here.check(guest::write_u64(configuration, handle));
        Status::SUCCESS.0
    }

    Ndis Passive "nf-ndis-ndisreadconfiguration"
    NdisReadConfiguration[here](status: u64, value: u64, configuration: u64, keyword: u64, kind: u32) {
        let adapter = opened(&here, configuration);
        let keyword = here.check(guest::read_unicode_string(keyword));
        let keyword = String::from_utf16_lossy(&keyword);
        here.kernel(model::record::Operation::Other);
        let Some(found) = here.driver().registry.find(adapter, &keyword) else {
            here.check(guest::write_u64(value, 0));
            here.check(guest::write_u32(status, FILE_NOT_FOUND.0));
            return;
        };
        let block = parameter(&here, configuration, found, kind);
        let address = lend(&here, configuration, block.bytes());
        here.check(guest::write_u64(value, address));
        here.check(guest::write_u32(status, Status::SUCCESS.0));
    }

    Ndis Passive "nf-ndis-ndiscloseconfiguration"
    NdisCloseConfiguration[here](configuration: u64) {
        opened(&here, configuration);
        here.kernel(model::record::Operation::Other);
        let lent = match here.host().objects.borrow_mut().get(configuration, |_| true) {
            Ok(object) => {
                object.freed = true;
                std::mem::take(&mut object.lent)
            }
            Err(_) => Vec::new(),
        };
        for address in lent {
            here.host().take_back(address);
        }
    }
}
