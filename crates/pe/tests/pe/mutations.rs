//! No bytes make the parser panic, run long or hand out a number that a mapper could not rely on.

use std::time::{Duration, Instant};

use pe::{ExportTarget, Image};
use proptest::prelude::*;

use crate::builder::*;

/// All that [`Image`] promises about itself.
fn check(image: &Image) {
    let size = image.image_size();
    assert!(size.is_multiple_of(pe::PAGE_SIZE) && size <= pe::MAX_IMAGE_SIZE && size != 0);
    assert!(image.image_base().checked_add(u64::from(size)).is_some());
    assert!(image.contains_code(image.entry_point()));
    let mut previous_end = image.headers_size();
    for section in image.sections() {
        assert!(section.rva.is_multiple_of(pe::PAGE_SIZE) && section.rva >= previous_end);
        assert!(u64::from(section.rva) + u64::from(section.mapped_size()) <= u64::from(size));
        assert!(image.section_contents(section).len() == section.contents.len());
        assert!(section.contents.len() <= section.mapped_size() as usize);
        previous_end = section.end();
    }
    let inside =
        |rva: u32, length: u32| image.section_at(rva).is_some_and(|section| length <= section.end() - rva);
    assert!(image.relocations().iter().all(|rva| inside(*rva, 8)));
    assert!(image.imports().iter().all(|import| inside(import.iat_rva, 8)));
    for export in image.exports() {
        match &export.target {
            ExportTarget::Rva(rva) => assert!(*rva < size),
            ExportTarget::Forwarder(name) => assert!(!name.is_empty()),
        }
    }
    let mut previous_end = 0;
    for function in image.functions() {
        assert!(previous_end <= function.begin && inside(function.begin, function.end - function.begin));
        assert_eq!(image.function_at(function.end - 1), Some(function));
        previous_end = function.end;
    }
    if let Some(config) = image.load_config() {
        let pointers = [
            config.security_cookie,
            config.guard_cf_check_function_pointer,
            config.guard_cf_dispatch_function_pointer,
        ];
        assert!(pointers.into_iter().flatten().all(|rva| inside(rva, 8)));
    }
    assert_eq!(image.mapped(image.image_base()).map(|memory| memory.len()), Ok(size as usize));
}

/// Parses, and checks what comes out if anything does.
fn try_parse(bytes: &[u8]) -> bool {
    let image = Image::parse(bytes);
    if let Ok(image) = &image {
        check(image);
    }
    image.is_ok()
}

/// Values at which arithmetic goes wrong, or that lead from one table into another.
fn value() -> impl Strategy<Value = u32> {
    prop_oneof![
        prop::sample::select(vec![
            0,
            1,
            7,
            8,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_f000,
            0xffff_fff8,
            0xffff_ffff
        ]),
        0..IMAGE_SIZE + 0x1000,
        any::<u32>(),
    ]
}

/// A change: where, what, and how many bytes of it.
fn edit() -> impl Strategy<Value = (usize, u32, usize)> {
    let header = 0..section_header(5);
    let anywhere = 0..FILE_SIZE;
    (prop_oneof![header, anywhere], value(), prop::sample::select(vec![1, 2, 4]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        try_parse(&bytes);
    }

    #[test]
    fn random_bytes_behind_the_signature(bytes in prop::collection::vec(any::<u8>(), FILE_SIZE - MACHINE)) {
        try_parse(Driver::new().put(MACHINE, &bytes).u16(MACHINE, 0x8664).bytes.as_slice());
    }

    #[test]
    fn edited_drivers(edits in prop::collection::vec(edit(), 1..8), length in 0..FILE_SIZE * 8) {
        let mut bytes = Driver::new().bytes;
        for (offset, value, count) in edits {
            for (place, byte) in bytes[offset..].iter_mut().zip(&value.to_le_bytes()[..count]) {
                *place = *byte;
            }
        }
        bytes.truncate(length);
        try_parse(&bytes);
    }
}

/// Edits of headers alone leave enough correct drivers to know that [`check`] is reached.
#[test]
fn every_single_byte_changed() {
    let driver = Driver::new();
    let mut accepted = 0;
    for offset in 0..driver.bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = driver.bytes.clone();
            bytes[offset] ^= flip;
            accepted += usize::from(try_parse(&bytes));
        }
    }
    let all = driver.bytes.len() * 3;
    assert!(accepted > all / 2 && accepted < all, "{accepted} of {all}");
}

/// Tables that overlap make the most work out of the fewest bytes. The limits keep it small: this file holds
/// the most libraries with lookup tables that all share one tail, and the longest name for every symbol.
#[test]
fn overlapping_tables_stay_bounded() {
    let (libraries, symbols) = (pe::MAX_LIBRARIES, pe::MAX_IMPORTS / pe::MAX_LIBRARIES);
    let lookup = APPENDED + 20 * (libraries + 1);
    let name = lookup + 8 * (symbols + 1);
    let mut table = Vec::new();
    for _ in 0..libraries {
        table.extend([lookup, 0, 0, name + 2, lookup].map(u32::to_le_bytes).concat());
    }
    table.extend([0; 20]);
    table.extend(u64::from(name).to_le_bytes().repeat(symbols as usize));
    table.extend([0; 10]);
    table.extend([b'n'; pe::MAX_NAME]);
    table.push(0);
    let mut driver = Driver::new();
    driver.append(&table).directory(IMPORT, APPENDED, 40);

    let start = Instant::now();
    let image = Image::parse(&driver.bytes).expect("within the limits");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(image.imports().len(), pe::MAX_IMPORTS as usize);
    check(&image);
}
