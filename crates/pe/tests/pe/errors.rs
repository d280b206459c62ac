//! Every [`ParseError`], by the change that causes it and the line that the driver's author reads.

use std::collections::BTreeSet;

use pe::{Image, ParseError};

use crate::builder::*;

/// A change to the correct driver and the text of the error that it gives.
type Row = (fn(&mut Driver) -> &mut Driver, &'static str);

const ROWS: &[Row] = &[
    // What kind of file it is.
    (|d| d.replace(b""), "the file is empty"),
    (
        |d| d.replace(&vec![0; (256 << 20) + 1]),
        "the file has 268435457 bytes; condis reads drivers of up to 268435456 bytes",
    ),
    (|d| d.replace(b"\x7fELF\x02\x01\x01"), "not a PE file (starts with 7f 45 4c 46: an ELF file)"),
    (|d| d.replace(b"#!/bin/sh\n"), "not a PE file (starts with 23 21 2f 62: a script)"),
    (|d| d.replace(b"; an .inf file\r\n"), "not a PE file (starts with 3b 20 61 6e: a text file)"),
    (|d| d.replace(b"\xff\xfe;\0 \0"), "not a PE file (starts with ff fe 3b 00: a text file)"),
    (|d| d.replace(b"\xcf\xfa\xed\xfe\x07"), "not a PE file (starts with cf fa ed fe: a Mach-O file)"),
    (|d| d.replace(b"PK\x03\x04\0"), "not a PE file (starts with 50 4b 03 04: a ZIP archive)"),
    (|d| d.replace(b"MSCF\0\0"), "not a PE file (starts with 4d 53 43 46: a cabinet)"),
    (|d| d.replace(b"!<arch>\n/ "), "not a PE file (starts with 21 3c 61 72: a static or import library)"),
    (
        |d| d.replace(b"\x64\x86\x03\0\0"),
        "not a PE file (starts with 64 86 03 00: an object file that has not been linked)",
    ),
    (
        |d| d.replace(b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0"),
        "not a PE file (starts with 4d 69 63 72: a PDB: the symbols of a driver, not the driver)",
    ),
    (|d| d.replace(&[0; 3]), "not a PE file (starts with 00 00 00: no format that condis knows)"),
    (|d| d.replace(b"M"), "not a PE file (starts with 4d: a text file)"),
    (|d| d.cut(63), "truncated: the DOS header ends at file offset 64, the file has 63 bytes"),
    (|d| d.u32(E_LFANEW, 0), "not a PE file: it is a DOS program; condis runs x64 drivers"),
    (
        // A relocation table at 0x1e, as old linkers put it, with a relocation where e_lfanew would be.
        |d| d.u16(0x18, 0x1e).u32(E_LFANEW, 0xffff_fff0),
        "not a PE file: it is a DOS program; condis runs x64 drivers",
    ),
    (
        |d| d.put(SIGNATURE, b"NE\x05\x0a"),
        "not a PE file: it is a 16-bit Windows or OS/2 file (NE); condis runs x64 drivers",
    ),
    (
        |d| d.put(SIGNATURE, b"LE\0\0"),
        "not a PE file: it is a VxD or OS/2 file (LE or LX); condis runs x64 drivers",
    ),
    (
        |d| d.put(SIGNATURE, b"PE\0\x01"),
        "damaged: file offset 128 should hold the PE signature 50 45 00 00, but holds 50 45 00 01",
    ),
    (
        |d| d.u32(E_LFANEW, 0xffff_fff0),
        "truncated: the PE header ends at file offset 4294967304, the file has 4608 bytes",
    ),
    // What it is for.
    (|d| d.u16(MACHINE, 0x14c), "built for 32-bit x86 (machine i386); condis runs x64 drivers"),
    (|d| d.u16(MACHINE, 0xaa64), "built for ARM64; condis runs x64 drivers"),
    (|d| d.u16(MACHINE, 0xa641), "built for ARM64EC; condis runs x64 drivers"),
    (|d| d.u16(MACHINE, 0x1234), "built for an unknown machine (0x1234); condis runs x64 drivers"),
    (
        |d| d.u64_at(LOAD_CONFIG_TABLE + LOAD_CONFIG_CHPE, IMAGE_BASE + 0x2000),
        "built for ARM64EC (its code is ARM64 although its headers say x64); condis runs x64 drivers",
    ),
    (|d| d.directory(COM_DESCRIPTOR, 0x2000, 72), "a .NET assembly; condis runs native kernel-mode drivers"),
    (
        // An assembly for any processor is PE32 for i386; its directories are 16 bytes nearer.
        |d| {
            d.u16(MACHINE, 0x14c).u16(MAGIC, 0x10b).u16(SIZE_OF_OPTIONAL_HEADER, 224);
            d.u32(OPTIONAL + 92, 16).u32(OPTIONAL + 96 + 8 * COM_DESCRIPTOR, 0x2008)
        },
        "a .NET assembly; condis runs native kernel-mode drivers",
    ),
    (
        |d| d.u16(CHARACTERISTICS, 0x0020),
        "not runnable: the linker did not set IMAGE_FILE_EXECUTABLE_IMAGE, so linking failed",
    ),
    (|d| d.u16(SUBSYSTEM, 3), "not a kernel-mode driver: subsystem is WINDOWS_CUI, expected NATIVE"),
    (|d| d.u16(SUBSYSTEM, 99), "not a kernel-mode driver: subsystem is 99 (unknown), expected NATIVE"),
    // The optional header.
    (
        |d| d.u16(MAGIC, 0x10b),
        "damaged: an x64 file whose optional header has magic 0x10b, expected 0x20b (PE32+)",
    ),
    (
        |d| d.u16(SIZE_OF_OPTIONAL_HEADER, 111),
        "damaged: the optional header has 111 bytes, its contents need 112",
    ),
    (
        |d| d.u32(NUMBER_OF_RVA_AND_SIZES, 17),
        "damaged: the optional header has 240 bytes, its contents need 248",
    ),
    (|d| d.cut(MACHINE + 2), "truncated: the PE header ends at file offset 152, the file has 134 bytes"),
    (
        |d| d.cut(OPTIONAL + 239),
        "truncated: the optional header ends at file offset 392, the file has 391 bytes",
    ),
    // Geometry.
    (
        |d| d.u32(SECTION_ALIGNMENT, 0x200),
        "section alignment is 512 bytes; condis needs a power of two of at least a page (4096), the linker's \
         default",
    ),
    (
        |d| d.u32(SECTION_ALIGNMENT, 0x3000),
        "section alignment is 12288 bytes; condis needs a power of two of at least a page (4096), the linker's \
         default",
    ),
    (
        |d| d.u64(IMAGE_BASE_FIELD, 0x1_4000_1000),
        "image base 0x140001000 is no multiple of 0x10000 with room for the image behind it",
    ),
    (
        |d| d.u64(IMAGE_BASE_FIELD, 0xffff_ffff_ffff_0000).u32(SIZE_OF_IMAGE, 0x1_0001),
        "image base 0xffffffffffff0000 is no multiple of 0x10000 with room for the image behind it",
    ),
    (|d| d.u32(SIZE_OF_IMAGE, 0), "the image takes 0 bytes of memory; condis accepts 1 to 268435456"),
    (
        |d| d.u32(SIZE_OF_IMAGE, (256 << 20) + 1),
        "the image takes 268435457 bytes of memory; condis accepts 1 to 268435456",
    ),
    (|d| d.u16(NUMBER_OF_SECTIONS, 97), "more than 96 sections; condis accepts no more"),
    (
        |d| d.cut(section_header(4)),
        "truncated: the section table ends at file offset 592, the file has 552 bytes",
    ),
    (
        |d| d.u32(SIZE_OF_HEADERS, 591),
        "damaged: SizeOfHeaders is 591, but the section table ends at 592 and the headers must fit into the image",
    ),
    (
        |d| d.u32(SIZE_OF_HEADERS, IMAGE_SIZE + 1),
        "damaged: SizeOfHeaders is 28673, but the section table ends at 592 and the headers must fit into the \
         image",
    ),
    (
        |d| d.cut(1023),
        "truncated: the header part (SizeOfHeaders) ends at file offset 1024, the file has 1023 bytes",
    ),
    (
        |d| d.u32(section_header(DATA) + 12, 0x3800),
        "damaged: section .data begins at RVA 0x3800, no multiple of the section alignment 0x1000",
    ),
    (
        |d| d.u32(section_header(INIT) + 12, 0x4000),
        "damaged: section INIT begins at RVA 0x4000, before the end of what precedes it (0x4800)",
    ),
    (
        |d| d.u32(section_header(TEXT) + 12, 0),
        "damaged: section .text begins at RVA 0x0, before the end of what precedes it (0x400)",
    ),
    (
        |d| d.u32(section_header(RELOC) + 8, 0xffff_ffff),
        "damaged: section .reloc ends at RVA 0x100005fff, outside the image of 0x7000 bytes",
    ),
    (|d| d.cut(4000), "truncated: section INIT ends at file offset 4096, the file has 4000 bytes"),
    (
        |d| d.put(section_header(RELOC), b"\x1b[2Jxyz").u32(section_header(RELOC) + 20, 0xffff_ffff),
        r"truncated: section \x1b[2Jxyz ends at file offset 4294967807, the file has 4608 bytes",
    ),
    (
        |d| d.u32(ADDRESS_OF_ENTRY_POINT, 0),
        "no entry point: link the driver with /ENTRY:DriverEntry (MinGW: -Wl,-e,DriverEntry)",
    ),
    (
        |d| d.u32(ADDRESS_OF_ENTRY_POINT, 0x3000),
        "the entry point (RVA 0x3000) is not in an executable section",
    ),
    // Relocations.
    (
        |d| d.directory(BASERELOC, RELOCATIONS, 0x201),
        "damaged: the base relocation table refers to 513 bytes at RVA 0x6000, where the file has no contents",
    ),
    (
        |d| d.u32_at(RELOCATIONS + 4, 7),
        "damaged: the relocation block at RVA 0x6000 claims a size of 7 bytes",
    ),
    (
        |d| d.u32_at(RELOCATIONS + 0x18, 0x16),
        "damaged: the relocation block at RVA 0x6014 claims a size of 22 bytes",
    ),
    (
        |d| d.u32_at(RELOCATIONS + 4, 0x13),
        "damaged: the relocation block at RVA 0x6000 claims a size of 19 bytes",
    ),
    (
        |d| d.u16(offset(RELOCATIONS + 8), 0x3010),
        "the relocation of RVA 0x2010 has type HIGHLOW (3); x64 drivers use DIR64 (10)",
    ),
    (
        |d| d.u16(offset(RELOCATIONS + 8), 0x5010),
        "the relocation of RVA 0x2010 has type unknown or of another machine (5); x64 drivers use DIR64 (10)",
    ),
    (
        |d| d.u16(offset(RELOCATIONS + 8), 0xa5f9),
        "damaged: a relocation changes RVA 0x25f9, which lies in no section",
    ),
    (
        |d| d.u32_at(RELOCATIONS, 0xffff_ffff),
        "damaged: a relocation changes RVA 0x1000001d7, which lies in no section",
    ),
    (
        |d| {
            let size = 8 + 2 * ((1 << 20) + 2);
            let mut block = [0x00, 0xa0].repeat(size / 2);
            block[..4].copy_from_slice(&0x3000_u32.to_le_bytes());
            block[4..8].copy_from_slice(&(size as u32).to_le_bytes());
            d.append(&block).directory(BASERELOC, APPENDED, size as u32)
        },
        "more than 1048576 base relocations; condis accepts no more",
    ),
    // Imports.
    (
        |d| d.directory(IMPORT, IMAGE_SIZE, 60),
        "damaged: the import table refers to 20 bytes at RVA 0x7000, where the file has no contents",
    ),
    (
        |d| d.u32_at(IMPORT_DESCRIPTORS, 0xffff_fff9),
        "damaged: the import table refers to 8 bytes at RVA 0xfffffff9, where the file has no contents",
    ),
    (
        |d| d.u32_at(IMPORT_DESCRIPTORS + 12, 0x3010),
        "damaged: the import table refers to a name at RVA 0x3010; what is there is not a readable name of 1 to \
         2048 bytes",
    ),
    (
        |d| d.at(NAMES + 0x22, b"Ndis\x1b[2J"),
        "damaged: the import table refers to a name at RVA 0x20e2; what is there is not a readable name of 1 to \
         2048 bytes",
    ),
    (
        |d| d.append(&[b'a'; 2050]).u32_at(IMPORT_DESCRIPTORS + 12, APPENDED),
        "damaged: the import table refers to a name at RVA 0x7000; what is there is not a readable name of 1 to \
         2048 bytes",
    ),
    (
        |d| d.u64_at(LOOKUP + 8, 0x8000_0000),
        "damaged: an import from NDIS.SYS (lookup entry at RVA 0x2088) is 0x80000000, neither a name nor an \
         ordinal",
    ),
    (
        |d| d.u64_at(LOOKUP + 0x20, 1 << 63 | 0x1_0000),
        "damaged: an import from ntoskrnl.exe (lookup entry at RVA 0x20a0) is 0x8000000000010000, neither a name \
         nor an ordinal",
    ),
    (
        |d| d.u32_at(IMPORT_DESCRIPTORS + 16, 0x47f8),
        "damaged: an import from NDIS.SYS has its address slot at RVA 0x4800, which lies in no section",
    ),
    (
        |d| {
            let mut descriptor = [0; 20];
            descriptor[0..4].copy_from_slice(&0x3010_u32.to_le_bytes());
            descriptor[12..16].copy_from_slice(&NAMES.to_le_bytes());
            descriptor[16..20].copy_from_slice(&IAT.to_le_bytes());
            d.append(&descriptor.repeat(1025)).directory(IMPORT, APPENDED, 40)
        },
        "more than 1024 libraries to import from; condis accepts no more",
    ),
    (
        |d| {
            d.append(&(1_u64 << 63 | 7).to_le_bytes().repeat((16 << 10) + 1));
            d.u32_at(IMPORT_DESCRIPTORS, APPENDED).u32_at(IMPORT_DESCRIPTORS + 16, APPENDED)
        },
        "more than 16384 imported symbols; condis accepts no more",
    ),
    // Exports.
    (
        |d| d.directory(EXPORT, 0x6ff0, 40),
        "damaged: the export table refers to 40 bytes at RVA 0x6ff0, where the file has no contents",
    ),
    (
        |d| d.u32_at(EXPORT_DIRECTORY + 24, (16 << 10) + 1),
        "more than 16384 exported symbols; condis accepts no more",
    ),
    (
        |d| d.u16(offset(EXPORT_DIRECTORY + 0x42), 4),
        "damaged: the export table refers to ordinal 14, which it does not have",
    ),
    (
        |d| d.u32_at(EXPORT_DIRECTORY + 16, 0xffff_ffff),
        "damaged: the export table refers to ordinal 4294967295, which it does not have",
    ),
    (
        |d| d.u32_at(EXPORT_DIRECTORY + 0x28, IMAGE_SIZE),
        "damaged: the export with ordinal 10 is at RVA 0x7000, outside the image",
    ),
    // The function table.
    (
        |d| d.directory(EXCEPTION, FUNCTION_TABLE, 0x1000),
        "damaged: the function table (.pdata) refers to 4096 bytes at RVA 0x2340, where the file has no contents",
    ),
    (
        |d| d.directory(EXCEPTION, FUNCTION_TABLE, 25),
        "damaged: the function table (.pdata) has 25 bytes, no multiple of 12",
    ),
    (
        |d| d.u32_at(FUNCTION_TABLE + 12, 0x103f),
        "damaged: entry 1 of the function table (.pdata), 0x103f..0x1080 with unwind information at 0x2368, is \
         out of order or outside the sections",
    ),
    (
        |d| d.u32_at(FUNCTION_TABLE + 4, 0x1000),
        "damaged: entry 0 of the function table (.pdata), 0x1000..0x1000 with unwind information at 0x2360, is \
         out of order or outside the sections",
    ),
    (
        |d| d.u32_at(FUNCTION_TABLE + 16, 0x1101),
        "damaged: entry 1 of the function table (.pdata), 0x1040..0x1101 with unwind information at 0x2368, is \
         out of order or outside the sections",
    ),
    (
        |d| d.u32_at(FUNCTION_TABLE + 8, 0x25fe),
        "damaged: entry 0 of the function table (.pdata), 0x1000..0x1040 with unwind information at 0x25fe, is \
         out of order or outside the sections",
    ),
    (
        |d| {
            let entries = (1 << 20) + 1;
            d.append(&[1; 12].repeat(entries)).directory(EXCEPTION, APPENDED, 12 * entries as u32)
        },
        "more than 1048576 entries in the function table (.pdata); condis accepts no more",
    ),
    // The load configuration.
    (
        |d| d.directory(LOAD_CONFIG, 0x7000, 0x118),
        "damaged: the load configuration refers to 4 bytes at RVA 0x7000, where the file has no contents",
    ),
    (
        |d| d.u64_at(LOAD_CONFIG_TABLE + LOAD_CONFIG_COOKIE, IMAGE_BASE - 8),
        "damaged: SecurityCookie in the load configuration is 0x13ffffff8, which lies in no section of the image",
    ),
    (
        |d| d.u64_at(LOAD_CONFIG_TABLE + LOAD_CONFIG_GUARD_CHECK, IMAGE_BASE + 0x25f9),
        "damaged: GuardCFCheckFunctionPointer in the load configuration is 0x1400025f9, which lies in no section \
         of the image",
    ),
    (
        |d| d.u64_at(LOAD_CONFIG_TABLE + LOAD_CONFIG_GUARD_DISPATCH, u64::MAX),
        "damaged: GuardCFDispatchFunctionPointer in the load configuration is 0xffffffffffffffff, which lies in no \
         section of the image",
    ),
];

/// The variants of [`ParseError`], counted by [`variant`].
const VARIANTS: u8 = 35;

/// A number per variant. A new variant does not compile until it has one, and then needs a row.
fn variant(error: &ParseError) -> u8 {
    match error {
        ParseError::Empty => 0,
        ParseError::FileTooLarge { .. } => 1,
        ParseError::NotPe { .. } => 2,
        ParseError::SixteenBit { .. } => 3,
        ParseError::NoPeSignature { .. } => 4,
        ParseError::Truncated { .. } => 5,
        ParseError::DotNet => 6,
        ParseError::WrongMachine { .. } => 7,
        ParseError::Arm64Ec => 8,
        ParseError::OptionalHeaderMagic { .. } => 9,
        ParseError::OptionalHeaderSize { .. } => 10,
        ParseError::NotLinked => 11,
        ParseError::NotNative { .. } => 12,
        ParseError::SectionAlignment { .. } => 13,
        ParseError::ImageBase { .. } => 14,
        ParseError::ImageSize { .. } => 15,
        ParseError::HeadersSize { .. } => 16,
        ParseError::SectionUnaligned { .. } => 17,
        ParseError::SectionOverlap { .. } => 18,
        ParseError::SectionOutsideImage { .. } => 19,
        ParseError::TooMany { .. } => 20,
        ParseError::NoEntryPoint => 21,
        ParseError::EntryPointNotCode { .. } => 22,
        ParseError::DirectoryOutside { .. } => 23,
        ParseError::RelocationBlock { .. } => 24,
        ParseError::RelocationType { .. } => 25,
        ParseError::RelocationOutside { .. } => 26,
        ParseError::BadName { .. } => 27,
        ParseError::ImportLookup { .. } => 28,
        ParseError::ImportSlotOutside { .. } => 29,
        ParseError::ExportOrdinal { .. } => 30,
        ParseError::ExportOutside { .. } => 31,
        ParseError::FunctionTableSize { .. } => 32,
        ParseError::BadFunction { .. } => 33,
        ParseError::LoadConfigPointer { .. } => 34,
    }
}

#[test]
fn every_error_says_what_is_wrong() {
    let mut seen = BTreeSet::new();
    for (change, expected) in ROWS {
        let mut driver = Driver::new();
        change(&mut driver);
        let error = Image::parse(&driver.bytes).expect_err(expected);
        assert_eq!(error.to_string(), *expected);
        assert!(!error.to_string().contains('\n'), "{error}");
        seen.insert(variant(&error));
    }
    assert_eq!(seen, (0..VARIANTS).collect(), "an error without a row");
}

#[test]
fn no_prefix_of_a_driver_is_a_driver() {
    let driver = Driver::new();
    for length in 0..driver.bytes.len() {
        let error = Image::parse(&driver.bytes[..length]).expect_err("a part of a driver");
        let expected = match length {
            0 => matches!(error, ParseError::Empty),
            1 => matches!(error, ParseError::NotPe { .. }),
            _ => matches!(error, ParseError::Truncated { file_size, .. } if file_size == length as u64),
        };
        assert!(expected, "{length} bytes: {error}");
    }
}
