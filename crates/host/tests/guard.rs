//! The stack cookie and the pointers of control flow guard are set before a driver runs.

mod common;

use common::*;
use engine::Outcome;
use host::Registry;
use pe::Image;

/// `drivers/guard.c`, with its load configuration entered into the headers.
fn image() -> Image {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/drivers/guard.sys");
    let mut bytes = std::fs::read(path).expect("the driver");
    let plain = Image::parse(&bytes).expect("a driver without a load configuration");
    assert_eq!(plain.load_config(), None);
    let marker = bytes.windows(4).position(|window| window == b"CDLC").expect("the marker") - 4;
    let inside = |section: &&pe::Section| section.contents.contains(&(marker as u32));
    let section = plain.sections().iter().find(inside).expect("a section with the marker");
    let rva = section.rva + marker as u32 - section.contents.start;
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
    // The PE signature, the file header, and in the optional header the directory with the number 10.
    let directory = word(0x3c) + 4 + 20 + 112 + 8 * 10;
    let size = word(marker) as u32;
    bytes[directory..directory + 4].copy_from_slice(&rva.to_le_bytes());
    bytes[directory + 4..directory + 8].copy_from_slice(&size.to_le_bytes());
    let image = Image::parse(&bytes).expect("a driver with a load configuration");
    assert!(image.load_config().is_some_and(|config| config.security_cookie.is_some()));
    image
}

#[test]
fn a_guarded_driver_finds_what_it_relies_on() {
    let (outcome, runner, _host) = run(&image(), "guard", Registry::default());
    assert!(matches!(outcome, Outcome::AtRest { .. }), "{outcome:?}");
    assert_eq!(printed(&runner), ["cookie set 1, complement 1, high bytes 0", "checked 1, dispatched 42"]);
}
