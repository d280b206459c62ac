//! Makes the drivers of a plan: the only place that knows both `host` and `drivers`.

use crate::plan::{Body, Plan};
use engine::Driver;
use model::record::Monitor;

/// What the native drivers of a session share.
#[derive(Debug, Default)]
pub(crate) struct Natives {}

impl Natives {
    /// The import that the engine knows by `number`.
    pub(crate) fn import(&self, number: u32) -> String {
        format!("import {number:#x}")
    }

    /// An address in words.
    pub(crate) fn explain(&self, _address: u64) -> Option<String> {
        None
    }
}

/// The drivers of `plan`, made in the arena.
///
/// # Errors
/// Which driver cannot be loaded, and why.
pub(crate) fn drivers(plan: &Plan) -> Result<(Vec<Box<dyn Driver>>, Natives), String> {
    let mut made: Vec<Box<dyn Driver>> = Vec::new();
    for driver in &plan.drivers {
        match &driver.body {
            Body::Native(_) | Body::Builtin(_) => return Err(format!("{} cannot run yet", driver.name)),
        }
    }
    made.shrink_to_fit();
    Ok((made, Natives::default()))
}

/// Everyone who watches an execution.
pub(crate) fn monitors() -> Vec<Box<dyn Monitor>> {
    vec![Box::new(verify::Irql::new()), Box::new(verify::Liveness::new())]
}
