//! Any bytes: parse them as a driver, ask what a mapper asks, and lay the image out at its own base and
//! elsewhere. Nothing may panic, run long or take more memory than the limits of crate `pe` allow.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pe::Image;

/// Laying out takes as long as the image is large, and large images reach no other code.
const MAX_LAID_OUT: u32 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let image = match Image::parse(bytes) {
        Ok(image) => image,
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
            return;
        }
    };
    assert!(image.contains_code(image.entry_point()));
    for rva in image.relocations().iter().copied().chain(image.imports().iter().map(|import| import.iat_rva))
    {
        let section = image.section_at(rva).expect("inside a section");
        assert!(section.end() - rva >= 8, "the whole slot is inside the section");
    }
    for function in image.functions() {
        assert_eq!(image.function_at(function.begin), Some(function));
    }
    if image.image_size() <= MAX_LAID_OUT {
        let memory = image.mapped(image.image_base()).expect("its own base");
        assert_eq!(memory.len(), image.image_size() as usize);
        assert_eq!(
            image.mapped(0x7fff_0000).is_ok(),
            image.is_relocatable() || image.image_base() == 0x7fff_0000
        );
    }
});
