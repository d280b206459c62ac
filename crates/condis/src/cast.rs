//! Makes the drivers of a plan and those who watch them: the only place that joins `host`, `drivers` and `verify`.

use crate::plan::{Body, Builtin, Plan, PlannedDriver};
use crate::scenario::{Registry, RegistryValue};
use drivers::Shared;
use engine::Driver;
use host::{Block, Host, NativeDriver};
use model::record::Monitor;
use model::{AdapterId, DriverId};
use pe::Image;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the native drivers of a session share, none if there are none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Natives {
    host: Option<&'static Host>,
}

impl Natives {
    /// The import that the engine knows by `number`.
    pub(crate) fn import(self, number: u32) -> String {
        self.host.and_then(|host| host.symbol(number)).unwrap_or_else(|| format!("import {number:#x}"))
    }

    /// The driver whose code an address is in, and the offset into its image.
    pub(crate) fn code_at(self, address: u64) -> Option<(DriverId, u32)> {
        self.host.and_then(|host| host.module_at(address)).map(|(driver, _, offset)| (driver, offset))
    }

    /// The blocks of memory that a driver holds.
    pub(crate) fn held_by(self, driver: DriverId) -> Vec<Block> {
        self.host.map(|host| host.held_by(driver)).unwrap_or_default()
    }

    /// What a driver has forgotten to give back beside memory.
    pub(crate) fn forgotten_by(self, driver: DriverId) -> Vec<&'static str> {
        self.host.map(|host| host.forgotten_by(driver)).unwrap_or_default()
    }

    /// An address in words.
    pub(crate) fn explain(self, address: u64) -> Option<String> {
        self.host.and_then(|host| host.explain(address))
    }
}

/// Whether condis has an import.
pub fn provides(image: &Image) -> impl Fn(&str, &str) -> bool {
    let lacking: Vec<(String, String)> = host::imports_status(image)
        .into_iter()
        .filter(|status| status.export.is_none())
        .map(|status| (status.import.library.to_string(), status.import.symbol.to_string()))
        .collect();
    move |library, symbol| !lacking.iter().any(|(of, name)| of == library && name == symbol)
}

/// The drivers of `plan`. To be called while a runner builds its setup: they lie in its memory.
///
/// # Errors
/// Which driver cannot be loaded, and why.
pub(crate) fn cast(plan: &Plan) -> Result<(Vec<Box<dyn Driver>>, Natives), String> {
    let mut natives = Natives::default();
    let shared = Shared::default();
    let mut made: Vec<Box<dyn Driver>> = Vec::new();
    for (index, driver) in plan.drivers.iter().enumerate() {
        let id = DriverId(index as u8);
        made.push(match &driver.body {
            Body::Native(file) => {
                let host = match natives.host {
                    Some(host) => host,
                    None => Host::new(host::Options::default())
                        .map_err(|error| format!("the system does not let condis run drivers: {error}"))?,
                };
                natives.host = Some(host);
                Box::new(native(host, plan, driver, id, &file.image, &file.file_name())?)
            }
            Body::Builtin(builtin) => ours(*builtin, plan, driver, id, &shared)?,
            Body::Rust(driver) => driver.driver(id),
        });
    }
    Ok((made, natives))
}

fn native(
    host: &'static Host,
    plan: &Plan,
    driver: &PlannedDriver,
    id: DriverId,
    image: &Image,
    file: &str,
) -> Result<NativeDriver, String> {
    host.load(image, file, id, registry(plan, driver, id)).map_err(|error| format!("{file}: {error}"))
}

/// A driver that comes with condis, with its registry values.
fn ours(
    builtin: Builtin,
    plan: &Plan,
    driver: &PlannedDriver,
    id: DriverId,
    shared: &Shared,
) -> Result<Box<dyn Driver>, String> {
    let name = builtin.name();
    let adapters = plan.adapters.iter().filter(|adapter| adapter.driver == id);
    let values = driver.registry.iter().chain(adapters.flat_map(|adapter| &adapter.registry));
    let mut integers: Vec<(&str, u32)> = Vec::new();
    for (keyword, value) in values {
        match value {
            RegistryValue::Integer(number) => integers.push((keyword, *number)),
            RegistryValue::String(_) => {
                return Err(format!(
                    "{}: builtin:{name} reads integers only, and `{keyword}` is a string",
                    driver.name
                ));
            }
        }
    }
    if builtin == Builtin::Switch {
        let mut options = drivers::switch::Options::default();
        integers.iter().for_each(|(keyword, value)| options.set(keyword, *value));
        return Ok(drivers::switch::switch(options, id));
    }
    let mut script = drivers::builtin(name).ok_or_else(|| format!("no driver `{name}` comes with condis"))?;
    integers.iter().for_each(|(keyword, value)| script.set_registry(keyword, *value));
    Ok(Arc::new(script).driver(id, shared))
}

/// What a driver reads: its own values, and those of its adapters.
fn registry(plan: &Plan, driver: &PlannedDriver, id: DriverId) -> host::Registry {
    let adapters = plan.adapters.iter().enumerate().filter(|(_, adapter)| adapter.driver == id);
    host::Registry {
        driver: values(&driver.registry),
        adapters: adapters
            .map(|(index, adapter)| (AdapterId(index as u8), values(&adapter.registry)))
            .collect(),
    }
}

fn values(registry: &Registry) -> BTreeMap<String, host::RegistryValue> {
    let value = |value: &RegistryValue| match value {
        RegistryValue::Integer(number) => host::RegistryValue::Integer(*number),
        RegistryValue::String(text) => host::RegistryValue::String(text.clone()),
    };
    registry.iter().map(|(keyword, of)| (keyword.clone(), value(of))).collect()
}

/// Everyone who watches an execution of `plan`.
pub(crate) fn monitors(plan: &Plan) -> Vec<Box<dyn Monitor>> {
    vec![
        Box::new(verify::Irql::new()),
        Box::new(verify::Liveness::new()),
        Box::new(verify::Auditor::new(plan.world.stop_order)),
    ]
}
