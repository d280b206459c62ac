//! The fuzzer starts from the builder's drivers, which are committed where it looks for them.
//!
//! `UPDATE_EXPECT=1 cargo test -p pe` writes them anew after a change of the builder.

use std::fs;
use std::path::Path;

use pe::Image;

use crate::builder::*;

/// The seeds: everything at once, and the least that a driver can be.
fn seeds() -> [(&'static str, Driver); 2] {
    let mut small = Driver::new();
    small.u16(NUMBER_OF_SECTIONS, 1).u32(ADDRESS_OF_ENTRY_POINT, 0x1000).u32(SIZE_OF_IMAGE, 0x2000);
    small.u32(NUMBER_OF_RVA_AND_SIZES, 0);
    small.bytes.truncate(0x600);
    [("full.sys", Driver::new()), ("small.sys", small)]
}

#[test]
fn fuzzing_starts_from_correct_drivers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/pe");
    for (name, driver) in seeds() {
        assert!(Image::parse(&driver.bytes).is_ok(), "{name}");
        let path = folder.join(name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(&folder).expect("a folder for the seeds");
            fs::write(&path, &driver.bytes).expect("a seed written");
        }
        let committed = fs::read(&path).unwrap_or_default();
        assert!(committed == driver.bytes, "{name} is not what the builder makes; UPDATE_EXPECT=1 writes it");
    }
}
