//! A correct driver comes out right, and what only looks odd is accepted.

use pe::{DebugInfo, Export, ExportTarget, Function, Image, LayoutError, LoadConfig, Subsystem};

use crate::builder::*;

fn parse(driver: &Driver) -> Image {
    Image::parse(&driver.bytes).expect("a correct driver")
}

fn patched(change: impl FnOnce(&mut Driver) -> &mut Driver) -> Image {
    let mut driver = Driver::new();
    change(&mut driver);
    parse(&driver)
}

#[test]
fn header_facts() {
    let image = parse(&Driver::new());
    assert_eq!(image.image_base(), IMAGE_BASE);
    assert_eq!(image.image_size(), IMAGE_SIZE);
    assert_eq!(image.headers_size(), HEADERS_SIZE);
    assert_eq!(image.entry_point(), 0x5000);
    assert_eq!(image.timestamp(), 0x6500_0000);
    assert_eq!(image.checksum(), 0xabcd);
    assert_eq!(image.subsystem(), Subsystem::NATIVE);
    assert_eq!(image.dll_characteristics(), 0x4160);
    assert!(!image.is_dll() && image.is_relocatable());
    assert!(!image.has_tls() && !image.has_delay_imports() && !image.has_dwarf());

    let image = patched(|d| d.u16(CHARACTERISTICS, 0x2023).directory(TLS, 0x2000, 40));
    assert!(image.is_dll() && !image.is_relocatable() && image.has_tls());
    assert!(patched(|d| d.directory(DELAY_IMPORT, 0x2000, 64)).has_delay_imports());
    assert_eq!(patched(|d| d.u32(SIZE_OF_IMAGE, 0x6001)).image_size(), 0x7000, "rounded up to a page");
}

#[test]
fn sections() {
    let image = parse(&Driver::new());
    let lines: Vec<String> = image
        .sections()
        .iter()
        .map(|s| {
            let flag = |set, text| if set { text } else { "-" };
            format!(
                "{} {:#x}+{:#x} {:x?} {}{}{}{}{}",
                s.name,
                s.rva,
                s.virtual_size,
                s.contents,
                flag(s.read, "r"),
                flag(s.write, "w"),
                flag(s.execute, "x"),
                flag(s.discardable, "d"),
                flag(s.not_paged, "n"),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ".text 0x1000+0x100 400..600 r-x-n",
            ".rdata 0x2000+0x600 600..c00 r---n",
            ".data 0x3000+0x1800 c00..e00 rw--n",
            "INIT 0x5000+0x40 e00..1000 r-xd-",
            ".reloc 0x6000+0x28 1000..1200 r--d-",
        ]
    );
    assert_eq!(image.sections()[DATA].mapped_size(), 0x2000);
    assert_eq!(image.section_contents(&image.sections()[TEXT]).len(), 0x200);
}

#[test]
fn places() {
    let image = parse(&Driver::new());
    let name = |rva| image.section_at(rva).map(|section| section.name.as_str());
    assert_eq!(name(0), None, "headers are no section");
    assert_eq!(name(0x1000), Some(".text"));
    assert_eq!(name(0x10ff), Some(".text"));
    assert_eq!(name(0x1100), None, "behind the virtual size");
    assert_eq!(name(0x47ff), Some(".data"), "the part that is not in the file");
    assert_eq!(name(0x6027), Some(".reloc"));
    assert_eq!(name(u32::MAX), None);
    assert!(image.contains_code(0x1000) && image.contains_code(0x503f));
    assert!(!image.contains_code(0x2000) && !image.contains_code(0x5040));
    let begin = |rva| image.function_at(rva).map(|function| function.begin);
    assert_eq!(
        [0xfff, 0x1000, 0x103f, 0x1040, 0x1080].map(begin),
        [None, Some(0x1000), Some(0x1000), Some(0x1040), None]
    );
}

#[test]
fn imports() {
    let image = parse(&Driver::new());
    let lines: Vec<String> =
        image.imports().iter().map(|i| format!("{}!{} {:#x}", i.library, i.symbol, i.iat_rva)).collect();
    let expected = [
        "NDIS.SYS!NdisCmRegisterAddressFamilyEx 0x2000",
        "NDIS.SYS!NdisMSleep 0x2008",
        "ntoskrnl.exe!DbgPrint 0x2018",
        "ntoskrnl.exe!#42 0x2020",
    ];
    assert_eq!(lines, expected);

    let without_lookup = patched(|d| d.u32_at(IMPORT_DESCRIPTORS, 0).u32_at(IMPORT_DESCRIPTORS + 20, 0));
    assert_eq!(without_lookup.imports(), image.imports(), "names are taken from the address table");
    assert_eq!(patched(|d| d.directory(IMPORT, 0, 0)).imports(), []);
}

/// A linker may leave zeros at the end of a section out of the file, also when they end a table.
#[test]
fn tables_may_end_in_zeros_that_are_not_in_the_file() {
    let end_of_data = 0x3200;
    let image = patched(|d| {
        let (lookup, name, descriptor) = (end_of_data - 0x40, end_of_data - 0x20, end_of_data - 20);
        d.directory(IMPORT, descriptor, 40).u64_at(lookup, 1 << 63 | 9).at(name, b"hal");
        d.u32_at(descriptor, lookup).u32_at(descriptor + 12, name).u32_at(descriptor + 16, IAT)
    });
    assert_eq!(image.imports().len(), 1, "the null descriptor is in the zeros");

    let image =
        patched(|d| d.at(end_of_data - 8, b"hal.dll.").u32_at(IMPORT_DESCRIPTORS + 12, end_of_data - 8));
    assert_eq!(&*image.imports()[0].library, "hal.dll.", "the name's end is in the zeros");

    let image =
        patched(|d| d.u64_at(end_of_data - 8, 1 << 63 | 5).u32_at(IMPORT_DESCRIPTORS, end_of_data - 8));
    assert_eq!(image.imports()[0].symbol, pe::Symbol::Ordinal(5));
    assert_eq!(image.imports().len(), 3, "the lookup table's end is in the zeros");
}

#[test]
fn exports() {
    let image = parse(&Driver::new());
    let export =
        |name: Option<&str>, ordinal, target| Export { name: name.map(str::to_owned), ordinal, target };
    assert_eq!(
        image.exports(),
        [
            export(Some("Code"), 10, ExportTarget::Rva(0x1000)),
            export(Some("Data"), 13, ExportTarget::Rva(0x3000)),
            export(None, 12, ExportTarget::Forwarder("hal.HalMakeBeep".to_owned())),
        ]
    );
    assert_eq!(patched(|d| d.directory(EXPORT, 0, 0)).exports(), []);
}

#[test]
fn functions() {
    let image = parse(&Driver::new());
    let table = [
        Function { begin: 0x1000, end: 0x1040, unwind_info: UNWIND_INFO },
        Function { begin: 0x1040, end: 0x1080, unwind_info: UNWIND_INFO + 8 },
    ];
    assert_eq!(image.functions(), table);
    let indirect = patched(|d| d.u32_at(FUNCTION_TABLE + 20, FUNCTION_TABLE | 1));
    assert_eq!(indirect.functions()[1].unwind_info, FUNCTION_TABLE | 1);
    let padded = patched(|d| d.at(UNWIND_INFO, &[0; 16]).directory(EXCEPTION, FUNCTION_TABLE, 48));
    assert_eq!(padded.functions(), table, "zeros at the end are padding");
}

#[test]
fn load_config() {
    let full = LoadConfig {
        security_cookie: Some(COOKIE),
        guard_cf_check_function_pointer: Some(GUARD_CHECK),
        guard_cf_dispatch_function_pointer: Some(GUARD_DISPATCH),
        guard_flags: 0x0001_0500,
    };
    assert_eq!(parse(&Driver::new()).load_config(), Some(&full));
    assert_eq!(patched(|d| d.directory(LOAD_CONFIG, 0, 0)).load_config(), None);

    // Each field exists only from a certain size of the structure on.
    let nothing = LoadConfig {
        security_cookie: None,
        guard_cf_check_function_pointer: None,
        guard_cf_dispatch_function_pointer: None,
        guard_flags: 0,
    };
    let of_size = |size| *patched(|d| d.u32_at(LOAD_CONFIG_TABLE, size)).load_config().expect("present");
    assert_eq!(of_size(0x5f), nothing);
    let cookie = LoadConfig { security_cookie: Some(COOKIE), ..nothing };
    assert_eq!(of_size(0x60), cookie);
    let check = LoadConfig { guard_cf_check_function_pointer: Some(GUARD_CHECK), ..cookie };
    assert_eq!(of_size(0x78), check);
    let dispatch = LoadConfig { guard_cf_dispatch_function_pointer: Some(GUARD_DISPATCH), ..check };
    assert_eq!(of_size(0x93), dispatch);
    assert_eq!(of_size(0x94), full);
}

#[test]
fn debug_information() {
    let DebugInfo::CodeView(code_view) = parse(&Driver::new()).debug().clone() else { panic!("no PDB") };
    assert_eq!(code_view.path, "C:\\build\\mcm.pdb");
    assert_eq!(code_view.guid.to_string(), "04030201-0605-0807-090a-0b0c0d0e0f10");
    assert_eq!(code_view.age, 3);

    let debug = |change: fn(&mut Driver) -> &mut Driver| patched(change).debug().clone();
    assert_eq!(debug(|d| d.directory(DEBUG, 0, 0)), DebugInfo::Absent);
    assert_eq!(debug(|d| d.u32_at(DEBUG_DIRECTORY + 12, 13)), DebugInfo::Absent, "another kind of entry");
    assert_eq!(debug(|d| d.directory(DEBUG, 0x6ff0, 28)), DebugInfo::Damaged);
    assert_eq!(debug(|d| d.directory(DEBUG, DEBUG_DIRECTORY, 27)), DebugInfo::Damaged);
    assert_eq!(debug(|d| d.at(CODE_VIEW, b"NB10")), DebugInfo::Damaged);
    assert_eq!(debug(|d| d.u32_at(DEBUG_DIRECTORY + 16, 24)), DebugInfo::Damaged, "no room for a path");
    assert_eq!(debug(|d| d.u32_at(DEBUG_DIRECTORY + 24, u32::MAX)), DebugInfo::Damaged);
    let DebugInfo::CodeView(odd) = debug(|d| d.at(CODE_VIEW + 24, b"\x1b[2J\xff")) else { panic!("no PDB") };
    assert_eq!(odd.path, "\u{fffd}[2J\u{fffd}ild\\mcm.pdb", "nothing that upsets a terminal");
}

/// MinGW names DWARF sections by an offset into the COFF string table, which follows the symbol table.
#[test]
fn long_section_names() {
    let mut driver = Driver::new();
    driver.append(&[0; 0x200]);
    let end = driver.bytes.len() as u32;
    driver.put(section_header(5), b"/4\0\0\0\0\0\0").u32(POINTER_TO_SYMBOL_TABLE, end);
    driver.bytes.extend_from_slice(b"\x10\0\0\0.debug_info\0");
    let image = parse(&driver);
    assert_eq!(image.sections()[5].name, ".debug_info");
    assert!(image.has_dwarf());

    driver.put(section_header(5), b"/99\0");
    assert_eq!(parse(&driver).sections()[5].name, "/99", "a name that is not in the table stays as it is");
}

#[test]
fn odd_sections_are_accepted() {
    let image = patched(|d| d.u32(section_header(RELOC) + 8, 0));
    assert_eq!(
        image.sections()[RELOC].virtual_size,
        0x200,
        "the size in the file stands in for a missing one"
    );

    let image = patched(|d| {
        d.section(TEXT, b".empty", 0x1000, 0, 0, 0, 0x4000_0000);
        d.section(RDATA, b".gap", 0x2000, 0x600, 0x600, 0x600, 0x4000_0000);
        d.directory(EXCEPTION, 0, 0).directory(EXPORT, 0, 0)
    });
    assert_eq!(image.section_at(0x1000), None);
    assert_eq!(image.section_contents(&image.sections()[TEXT]), b"");
}

#[test]
fn mapped_at_its_own_base() {
    let driver = Driver::new();
    let memory = parse(&driver).mapped(IMAGE_BASE).expect("its own base");
    assert_eq!(memory.len(), IMAGE_SIZE as usize);
    assert_eq!(memory[..0x400], driver.bytes[..0x400], "headers");
    assert_eq!(memory[0x400..0x1000], [0; 0xc00], "nothing between headers and sections");
    assert_eq!(memory[0x2000..0x2600], driver.bytes[0x600..0xc00], ".rdata");
    assert_eq!(memory[0x3200..0x5000], [0; 0x1e00], "the part of .data that is not in the file");
}

#[test]
fn relocations_move_the_addresses_and_nothing_else() {
    let image = parse(&Driver::new());
    assert_eq!(image.relocations(), [0x21d8, 0x21f0, 0x21f8, GUARD_CHECK, GUARD_DISPATCH, POINTER]);
    let original = image.mapped(IMAGE_BASE).expect("its own base");
    for base in [0x1000, 0xffff_f800_0000_0000, u64::MAX - 0xffff] {
        let memory = image.mapped(base).expect("any page");
        let mut expected = original.clone();
        for (field, target) in [
            (0x21d8, COOKIE),
            (0x21f0, GUARD_CHECK),
            (0x21f8, GUARD_DISPATCH),
            (GUARD_CHECK, 0x1000),
            (GUARD_DISPATCH, 0x1010),
            (POINTER, 0x1000),
        ] {
            let address = base.wrapping_add(u64::from(target));
            expected[field as usize..][..8].copy_from_slice(&address.to_le_bytes());
        }
        assert!(memory == expected, "laid out at {base:#x}");
    }
    assert_eq!(patched(|d| d.directory(BASERELOC, 0, 0)).relocations(), []);
    assert_eq!(patched(|d| d.u64_at(RELOCATIONS + 0x14, 0)).relocations().len(), 5, "zeros are padding");
}

#[test]
fn bases_that_cannot_be() {
    let image = parse(&Driver::new());
    let message = |image: &Image, base| image.mapped(base).expect_err("not possible").to_string();
    assert_eq!(message(&image, 0x1_8000_0800), "an image cannot be laid out at 0x180000800");
    assert_eq!(image.mapped(u64::MAX - 0xfff), Err(LayoutError::BadBase { base: u64::MAX - 0xfff }));

    let fixed = patched(|d| d.u16(CHARACTERISTICS, 0x0023));
    assert!(fixed.mapped(IMAGE_BASE).is_ok());
    assert_eq!(
        message(&fixed, 0x1_8000_0000),
        "the driver runs at 0x140000000 only, not at 0x180000000: it was linked without relocations \
         (IMAGE_FILE_RELOCS_STRIPPED)"
    );
}
