//! Builds a small driver that has one of everything, byte by byte, and patches it.
//!
//! The map of the file is in the constants. Nothing here comes from crate `pe` or crate `object`: a mistake in
//! their idea of the format must not hide in the tests.

/// File offset of the DOS header's pointer to the PE header.
pub(crate) const E_LFANEW: usize = 0x3c;
/// File offset of the PE signature.
pub(crate) const SIGNATURE: usize = 0x80;
pub(crate) const MACHINE: usize = SIGNATURE + 4;
pub(crate) const NUMBER_OF_SECTIONS: usize = SIGNATURE + 6;
pub(crate) const TIME_DATE_STAMP: usize = SIGNATURE + 8;
pub(crate) const POINTER_TO_SYMBOL_TABLE: usize = SIGNATURE + 12;
pub(crate) const SIZE_OF_OPTIONAL_HEADER: usize = SIGNATURE + 20;
pub(crate) const CHARACTERISTICS: usize = SIGNATURE + 22;
/// File offset of the optional header.
pub(crate) const OPTIONAL: usize = SIGNATURE + 24;
pub(crate) const MAGIC: usize = OPTIONAL;
pub(crate) const ADDRESS_OF_ENTRY_POINT: usize = OPTIONAL + 16;
pub(crate) const IMAGE_BASE_FIELD: usize = OPTIONAL + 24;
pub(crate) const SECTION_ALIGNMENT: usize = OPTIONAL + 32;
pub(crate) const FILE_ALIGNMENT: usize = OPTIONAL + 36;
pub(crate) const SIZE_OF_IMAGE: usize = OPTIONAL + 56;
pub(crate) const SIZE_OF_HEADERS: usize = OPTIONAL + 60;
pub(crate) const CHECK_SUM: usize = OPTIONAL + 64;
pub(crate) const SUBSYSTEM: usize = OPTIONAL + 68;
pub(crate) const DLL_CHARACTERISTICS: usize = OPTIONAL + 70;
pub(crate) const NUMBER_OF_RVA_AND_SIZES: usize = OPTIONAL + 108;
const DIRECTORIES: usize = OPTIONAL + 112;
const SECTION_HEADERS: usize = DIRECTORIES + 16 * 8;

pub(crate) const EXPORT: usize = 0;
pub(crate) const IMPORT: usize = 1;
pub(crate) const EXCEPTION: usize = 3;
pub(crate) const BASERELOC: usize = 5;
pub(crate) const DEBUG: usize = 6;
pub(crate) const TLS: usize = 9;
pub(crate) const LOAD_CONFIG: usize = 10;
pub(crate) const DELAY_IMPORT: usize = 13;
pub(crate) const COM_DESCRIPTOR: usize = 14;

pub(crate) const TEXT: usize = 0;
pub(crate) const RDATA: usize = 1;
pub(crate) const DATA: usize = 2;
pub(crate) const INIT: usize = 3;
pub(crate) const RELOC: usize = 4;

pub(crate) const IMAGE_BASE: u64 = 0x1_4000_0000;
pub(crate) const IMAGE_SIZE: u32 = 0x7000;
pub(crate) const HEADERS_SIZE: u32 = 0x400;
pub(crate) const FILE_SIZE: usize = 0x1200;

/// Everything in `.rdata`, as RVAs.
pub(crate) const IAT: u32 = 0x2000;
pub(crate) const IMPORT_DESCRIPTORS: u32 = 0x2040;
pub(crate) const LOOKUP: u32 = 0x2080;
pub(crate) const NAMES: u32 = 0x20c0;
pub(crate) const LOAD_CONFIG_TABLE: u32 = 0x2180;
pub(crate) const DEBUG_DIRECTORY: u32 = 0x22c0;
pub(crate) const CODE_VIEW: u32 = 0x22e0;
pub(crate) const FUNCTION_TABLE: u32 = 0x2340;
pub(crate) const UNWIND_INFO: u32 = 0x2360;
pub(crate) const EXPORT_DIRECTORY: u32 = 0x2380;
pub(crate) const GUARD_CHECK: u32 = 0x2500;
pub(crate) const GUARD_DISPATCH: u32 = 0x2508;
/// Everything in `.data`.
pub(crate) const COOKIE: u32 = 0x3000;
pub(crate) const POINTER: u32 = 0x3008;
/// The first relocation block.
pub(crate) const RELOCATIONS: u32 = 0x6000;
/// The section that [`Driver::append`] adds.
pub(crate) const APPENDED: u32 = 0x7000;

/// Offsets in the load configuration.
pub(crate) const LOAD_CONFIG_COOKIE: u32 = 0x58;
pub(crate) const LOAD_CONFIG_GUARD_CHECK: u32 = 0x70;
pub(crate) const LOAD_CONFIG_GUARD_DISPATCH: u32 = 0x78;
pub(crate) const LOAD_CONFIG_GUARD_FLAGS: u32 = 0x90;
pub(crate) const LOAD_CONFIG_CHPE: u32 = 0xc8;

const READ: u32 = 0x4000_0000;
const WRITE: u32 = 0x8000_0000;
const EXECUTE: u32 = 0x2000_0000;
const DISCARDABLE: u32 = 0x0200_0000;
const NOT_PAGED: u32 = 0x0800_0000;

/// The bytes of a driver.
#[derive(Clone)]
pub(crate) struct Driver {
    pub(crate) bytes: Vec<u8>,
}

impl Driver {
    /// A correct driver.
    pub(crate) fn new() -> Driver {
        let mut driver = Driver { bytes: vec![0; FILE_SIZE] };
        driver.put(0, b"MZ").u32(E_LFANEW, SIGNATURE as u32).put(SIGNATURE, b"PE\0\0");
        driver.u16(MACHINE, 0x8664).u16(NUMBER_OF_SECTIONS, 5).u32(TIME_DATE_STAMP, 0x6500_0000);
        driver.u16(SIZE_OF_OPTIONAL_HEADER, 240).u16(CHARACTERISTICS, 0x0022);
        driver.u16(MAGIC, 0x20b).u32(ADDRESS_OF_ENTRY_POINT, 0x5000).u64(IMAGE_BASE_FIELD, IMAGE_BASE);
        driver.u32(SECTION_ALIGNMENT, 0x1000).u32(FILE_ALIGNMENT, 0x200);
        driver.u32(SIZE_OF_IMAGE, IMAGE_SIZE).u32(SIZE_OF_HEADERS, HEADERS_SIZE).u32(CHECK_SUM, 0xabcd);
        driver.u16(SUBSYSTEM, 1).u16(DLL_CHARACTERISTICS, 0x4160).u32(NUMBER_OF_RVA_AND_SIZES, 16);

        driver.section(TEXT, b".text", 0x1000, 0x100, 0x400, 0x200, READ | EXECUTE | NOT_PAGED);
        driver.section(RDATA, b".rdata", 0x2000, 0x600, 0x600, 0x600, READ | NOT_PAGED);
        driver.section(DATA, b".data", 0x3000, 0x1800, 0xc00, 0x200, READ | WRITE | NOT_PAGED);
        driver.section(INIT, b"INIT", 0x5000, 0x40, 0xe00, 0x200, READ | EXECUTE | DISCARDABLE);
        driver.section(RELOC, b".reloc", 0x6000, 0x28, 0x1000, 0x200, READ | DISCARDABLE);
        driver.code();
        driver.imports();
        driver.load_config();
        driver.debug();
        driver.functions();
        driver.exports();
        driver.relocations();
        driver
    }

    fn code(&mut self) {
        // ret; in .text and in INIT.
        self.at(0x1000, &[0xc3]).at(0x5000, &[0xc3]);
    }

    fn imports(&mut self) {
        self.directory(IMPORT, IMPORT_DESCRIPTORS, 60);
        for (index, (lookup, name, slots)) in
            [(LOOKUP, NAMES, IAT), (LOOKUP + 0x18, NAMES + 0x10, IAT + 0x18)].into_iter().enumerate()
        {
            let descriptor = IMPORT_DESCRIPTORS + 20 * index as u32;
            self.u32_at(descriptor, lookup).u32_at(descriptor + 12, name).u32_at(descriptor + 16, slots);
        }
        self.at(NAMES, b"NDIS.SYS\0").at(NAMES + 0x10, b"ntoskrnl.exe\0");
        self.at(NAMES + 0x22, b"NdisCmRegisterAddressFamilyEx\0").at(NAMES + 0x52, b"NdisMSleep\0");
        self.at(NAMES + 0x72, b"DbgPrint\0");
        for table in [LOOKUP, IAT] {
            self.u64_at(table, u64::from(NAMES + 0x20)).u64_at(table + 0x8, u64::from(NAMES + 0x50));
            self.u64_at(table + 0x18, u64::from(NAMES + 0x70)).u64_at(table + 0x20, 1 << 63 | 42);
        }
    }

    fn load_config(&mut self) {
        self.directory(LOAD_CONFIG, LOAD_CONFIG_TABLE, 0x118).u32_at(LOAD_CONFIG_TABLE, 0x118);
        for (field, target) in [
            (LOAD_CONFIG_COOKIE, COOKIE),
            (LOAD_CONFIG_GUARD_CHECK, GUARD_CHECK),
            (LOAD_CONFIG_GUARD_DISPATCH, GUARD_DISPATCH),
        ] {
            self.u64_at(LOAD_CONFIG_TABLE + field, IMAGE_BASE + u64::from(target));
        }
        self.u32_at(LOAD_CONFIG_TABLE + LOAD_CONFIG_GUARD_FLAGS, 0x0001_0500);
        self.u64_at(COOKIE, 0x2b99_2ddf_a232).u64_at(POINTER, IMAGE_BASE + 0x1000);
        self.u64_at(GUARD_CHECK, IMAGE_BASE + 0x1000).u64_at(GUARD_DISPATCH, IMAGE_BASE + 0x1010);
    }

    fn debug(&mut self) {
        self.directory(DEBUG, DEBUG_DIRECTORY, 28);
        self.u32_at(DEBUG_DIRECTORY + 12, 2).u32_at(DEBUG_DIRECTORY + 16, 0x40);
        self.u32_at(DEBUG_DIRECTORY + 20, CODE_VIEW).u32_at(DEBUG_DIRECTORY + 24, offset(CODE_VIEW) as u32);
        self.at(CODE_VIEW, b"RSDS").at(CODE_VIEW + 4, &std::array::from_fn::<u8, 16, _>(|i| i as u8 + 1));
        self.u32_at(CODE_VIEW + 20, 3).at(CODE_VIEW + 24, b"C:\\build\\mcm.pdb\0");
    }

    fn functions(&mut self) {
        self.directory(EXCEPTION, FUNCTION_TABLE, 24);
        for (index, (begin, end)) in [(0x1000, 0x1040), (0x1040, 0x1080)].into_iter().enumerate() {
            let entry = FUNCTION_TABLE + 12 * index as u32;
            self.u32_at(entry, begin)
                .u32_at(entry + 4, end)
                .u32_at(entry + 8, UNWIND_INFO + 8 * index as u32);
        }
        self.at(UNWIND_INFO, &[1, 0, 0, 0]).at(UNWIND_INFO + 8, &[1, 0, 0, 0]);
    }

    /// Ordinals 10 to 13: named, unused, a forwarder without a name, named.
    fn exports(&mut self) {
        const TABLE: u32 = EXPORT_DIRECTORY;
        self.directory(EXPORT, TABLE, 0x100);
        self.u32_at(TABLE + 16, 10).u32_at(TABLE + 20, 4).u32_at(TABLE + 24, 2);
        self.u32_at(TABLE + 28, TABLE + 0x28)
            .u32_at(TABLE + 32, TABLE + 0x38)
            .u32_at(TABLE + 36, TABLE + 0x40);
        self.u32_at(TABLE + 0x28, 0x1000).u32_at(TABLE + 0x30, TABLE + 0x70).u32_at(TABLE + 0x34, 0x3000);
        self.u32_at(TABLE + 0x38, TABLE + 0x50).u32_at(TABLE + 0x3c, TABLE + 0x60);
        self.u16(offset(TABLE + 0x40), 0).u16(offset(TABLE + 0x42), 3);
        self.at(TABLE + 0x50, b"Code\0").at(TABLE + 0x60, b"Data\0").at(TABLE + 0x70, b"hal.HalMakeBeep\0");
    }

    fn relocations(&mut self) {
        self.directory(BASERELOC, RELOCATIONS, 0x28);
        self.u32_at(RELOCATIONS, 0x2000).u32_at(RELOCATIONS + 4, 0x14);
        let load_config = LOAD_CONFIG_TABLE - 0x2000;
        for (index, page_offset) in [
            load_config + LOAD_CONFIG_COOKIE,
            load_config + LOAD_CONFIG_GUARD_CHECK,
            load_config + LOAD_CONFIG_GUARD_DISPATCH,
            GUARD_CHECK - 0x2000,
            GUARD_DISPATCH - 0x2000,
        ]
        .into_iter()
        .enumerate()
        {
            self.u16(offset(RELOCATIONS + 8 + 2 * index as u32), 0xa000 | page_offset as u16);
        }
        // The sixth entry is IMAGE_REL_BASED_ABSOLUTE, which pads the block.
        self.u32_at(RELOCATIONS + 0x14, 0x3000).u32_at(RELOCATIONS + 0x18, 0x14);
        self.u16(offset(RELOCATIONS + 0x1c), 0xa000 | (POINTER - 0x3000) as u16);
    }

    /// Adds a readable section with `contents` at [`APPENDED`].
    pub(crate) fn append(&mut self, contents: &[u8]) -> &mut Driver {
        let start = self.bytes.len() as u32;
        let size = contents.len() as u32;
        self.section(5, b".more", APPENDED, size, start, size, READ).u16(NUMBER_OF_SECTIONS, 6);
        self.u32(SIZE_OF_IMAGE, APPENDED + size);
        self.bytes.extend_from_slice(contents);
        self
    }

    /// Makes it another file altogether.
    pub(crate) fn replace(&mut self, bytes: &[u8]) -> &mut Driver {
        self.bytes = bytes.to_vec();
        self
    }

    /// Cuts the file off.
    pub(crate) fn cut(&mut self, length: usize) -> &mut Driver {
        self.bytes.truncate(length);
        self
    }

    /// Writes a section header.
    #[expect(clippy::too_many_arguments, reason = "the fields of the header, in its order")]
    pub(crate) fn section(
        &mut self,
        index: usize,
        name: &[u8],
        rva: u32,
        virtual_size: u32,
        start: u32,
        size: u32,
        flags: u32,
    ) -> &mut Driver {
        let header = section_header(index);
        self.put(header, &[0; 40]).put(header, name).u32(header + 8, virtual_size).u32(header + 12, rva);
        self.u32(header + 16, size).u32(header + 20, start).u32(header + 36, flags)
    }

    /// Writes an entry of the data directory.
    pub(crate) fn directory(&mut self, index: usize, rva: u32, size: u32) -> &mut Driver {
        self.u32(DIRECTORIES + 8 * index, rva).u32(DIRECTORIES + 8 * index + 4, size)
    }

    /// Writes at a file offset.
    pub(crate) fn put(&mut self, offset: usize, bytes: &[u8]) -> &mut Driver {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn u16(&mut self, offset: usize, value: u16) -> &mut Driver {
        self.put(offset, &value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, offset: usize, value: u32) -> &mut Driver {
        self.put(offset, &value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, offset: usize, value: u64) -> &mut Driver {
        self.put(offset, &value.to_le_bytes())
    }

    /// Writes at an RVA.
    pub(crate) fn at(&mut self, rva: u32, bytes: &[u8]) -> &mut Driver {
        self.put(offset(rva), bytes)
    }

    pub(crate) fn u32_at(&mut self, rva: u32, value: u32) -> &mut Driver {
        self.u32(offset(rva), value)
    }

    pub(crate) fn u64_at(&mut self, rva: u32, value: u64) -> &mut Driver {
        self.u64(offset(rva), value)
    }
}

/// The file offset of a section's header.
pub(crate) fn section_header(index: usize) -> usize {
    SECTION_HEADERS + 40 * index
}

/// The file offset of an RVA in the driver's own sections.
pub(crate) fn offset(rva: u32) -> usize {
    let (section, start) = match rva {
        0x1000..0x1200 => (0x1000, 0x400),
        0x2000..0x2600 => (0x2000, 0x600),
        0x3000..0x3200 => (0x3000, 0xc00),
        0x5000..0x5200 => (0x5000, 0xe00),
        0x6000..0x6200 => (0x6000, 0x1000),
        _ => panic!("RVA {rva:#x} has no contents"),
    };
    (rva - section) as usize + start
}
