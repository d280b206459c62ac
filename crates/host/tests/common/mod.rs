//! What the tests share: a runner over native drivers, and what drivers printed.
#![allow(dead_code, unreachable_pub, reason = "not every test file uses all of it")]

use engine::strategy::Fifo;
use engine::{Act, Driver, Limits, Outcome, Runner, Setup};
use host::{Host, Options, Registry, RegistryValue};
use model::record::Event;
use model::{Command, Config, DriverId, StopOrder};
use pe::Image;
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: engine::arena::Allocator = engine::arena::Allocator;

pub fn config(drivers: u8, adapters: &[DriverId]) -> Config {
    Config {
        drivers,
        adapters: adapters.to_vec(),
        stop_order: StopOrder::Strict,
        pend_open: false,
        pend_close: false,
        pend_mcm: false,
    }
}

fn read(path: &Path) -> Image {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Image::parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A driver of `tests/drivers`.
pub fn test_driver(name: &str) -> Image {
    read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/drivers/{name}.sys")))
}

/// A sample driver.
pub fn sample(name: &str) -> Image {
    read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../samples/good/{name}/{name}.sys")))
}

/// Every sample driver, good and bad, with its path.
pub fn samples() -> Vec<(String, Image)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of samples").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sys") {
                found.push((path.display().to_string(), read(&path)));
            }
        }
    }
    found
}

pub fn integers(values: &[(&str, u32)]) -> Registry {
    let driver =
        values.iter().map(|&(name, value)| (name.to_owned(), RegistryValue::Integer(value))).collect();
    Registry { driver, ..Registry::default() }
}

/// One driver that is loaded, and unloaded if `unload`.
pub fn load(
    image: &Image,
    name: &str,
    options: Options,
    registry: Registry,
    unload: bool,
) -> (Runner, &'static Host) {
    let mut program = vec![Act::Command(Command::Load(DriverId(0)))];
    if unload {
        program.extend([Act::Rest, Act::Command(Command::Unload(DriverId(0)))]);
    }
    let mut host = None;
    let runner = Runner::new(|| {
        let this = Host::new(options).expect("a host");
        host = Some(this);
        let driver = this.load(image, name, DriverId(0), registry.clone()).expect("a driver that loads");
        Setup {
            world: config(1, &[]),
            drivers: vec![Box::new(driver) as Box<dyn Driver>],
            program,
            processors: 1,
            limits: Limits::default(),
            monitors: Vec::new(),
        }
    });
    (runner.expect("a runner"), host.expect("a host"))
}

/// Loads a driver and runs it.
pub fn run(image: &Image, name: &str, registry: Registry) -> (Outcome, Runner, &'static Host) {
    let (mut runner, host) = load(image, name, Options::default(), registry, false);
    let outcome = runner.run(&mut Fifo);
    (outcome, runner, host)
}

/// What the drivers printed, in order.
pub fn printed(runner: &Runner) -> Vec<String> {
    let lines = runner.trace().iter().filter_map(|record| match record.event {
        Event::Printed(_, text) => Some(runner.text(text).to_owned()),
        _ => None,
    });
    lines.collect()
}
