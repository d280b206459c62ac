//! Structures in this process's own memory. What becomes of pointers that lead nowhere is in `tests/faults.rs`.

use super::*;

/// Memory with these bytes that is never given back.
fn lend(bytes: &[u8]) -> u64 {
    Box::leak(bytes.to_vec().into_boxed_slice()).as_ptr() as u64
}

fn put(address: u64, offset: usize, value: u32) {
    guest::write_u32(at(address, offset as u64), value).expect("memory of the test");
}

fn bytes_at(address: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    guest::read(address, &mut bytes).expect("memory of the test");
    bytes
}

/// Numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    /// Often zero, often small, sometimes anything.
    fn word(&mut self) -> u32 {
        match self.next() % 4 {
            0 => 0,
            1 => (self.next() % 40) as u32,
            _ => self.next() as u32,
        }
    }

    fn parameters(&mut self, address: u64) -> CallParameters {
        CallParameters {
            address: Token(address),
            flags: self.word(),
            transmit: self.word(),
            receive: self.word(),
            media_flags: self.word(),
            called: u64::from(self.word()) << (self.next() % 33),
            media_length: self.word(),
            media_word: self.word(),
            rest: self.word(),
        }
    }
}

/// The parts of a native driver's structure; none where the pointer is NULL.
#[derive(Clone)]
struct Parts {
    flags: u32,
    manager: Option<(Vec<u32>, Vec<u8>)>,
    media: Option<(Vec<u32>, Vec<u8>)>,
}

impl Parts {
    /// Puts them into memory, and gives the addresses of the structure and its parts.
    fn lay_out(&self) -> (u64, u64, u64) {
        let part = |words: &[u32], length_at: usize, bytes: &[u8]| {
            let mut fixed: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            fixed[length_at..][..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
            lend(&[&fixed, bytes].concat())
        };
        let manager = self.manager.as_ref().map_or(0, |(words, bytes)| part(words, MANAGER_LENGTH, bytes));
        let media = self.media.as_ref().map_or(0, |(words, bytes)| part(words, MEDIA_LENGTH, bytes));
        let mut top = [0xaa; PARAMETERS.size];
        top[FLAGS..][..4].copy_from_slice(&self.flags.to_le_bytes());
        top[MANAGER_PART..][..8].copy_from_slice(&manager.to_le_bytes());
        top[MEDIA_PART..][..8].copy_from_slice(&media.to_le_bytes());
        (lend(&top), manager, media)
    }
}

const MANAGER_WORDS: usize = MANAGER_BYTES / 4;
const MEDIA_WORDS: usize = MEDIA_BYTES / 4;

/// Every combination of parts, with up to twenty bytes behind each.
fn all_parts(numbers: &mut Numbers) -> Vec<Parts> {
    let mut all = Vec::new();
    for manager in 0..=21 {
        for media in 0..=21 {
            let mut part = |words: usize, length: usize| {
                let words = (0..words).map(|_| numbers.word()).collect();
                (words, (0..length).map(|_| numbers.next() as u8).collect())
            };
            all.push(Parts {
                manager: (manager != 21).then(|| part(MANAGER_WORDS, manager)),
                media: (media != 21).then(|| part(MEDIA_WORDS, media)),
                flags: numbers.word(),
            });
        }
    }
    all
}

/// What the structure says by its documentation, all but the digest.
fn expected(parts: &Parts, address: u64) -> CallParameters {
    let mut said = CallParameters { address: Token(address), flags: parts.flags, ..CallParameters::NULL };
    if let Some((words, bytes)) = &parts.manager {
        (said.transmit, said.receive) = (words[TRANSMIT / 4], words[RECEIVE / 4]);
        said.called = value_of(bytes);
    }
    if let Some((words, bytes)) = &parts.media {
        said.media_flags = words[MEDIA_FLAGS / 4];
        said.media_length = bytes.len() as u32;
        let word = bytes.iter().skip(MEDIA_WORD).take(4);
        said.media_word = word.rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
    }
    said
}

#[test]
fn a_native_structure_says_what_its_members_say() {
    let structures = Structures::default();
    for parts in all_parts(&mut Numbers(1)) {
        let (address, ..) = parts.lay_out();
        let read = structures.parameters_at(address).expect("memory of the test");
        assert_eq!(CallParameters { rest: 0, ..read }, expected(&parts, address));
        let (again, ..) = parts.lay_out();
        let read_again = structures.parameters_at(again).expect("memory of the test");
        assert!(read.same(&read_again), "where a structure lies makes no difference");
    }
    assert_eq!(structures.parameters_at(0), Ok(CallParameters::NULL));
}

#[test]
fn what_is_written_to_a_native_structure_is_read_as_far_as_there_is_room() {
    let mut structures = Structures::default();
    let mut numbers = Numbers(2);
    for parts in all_parts(&mut Numbers(3)) {
        let (address, ..) = parts.lay_out();
        let before = structures.parameters_at(address).expect("memory of the test");
        let wanted = numbers.parameters(address);
        structures.store_parameters(address, &wanted).expect("memory of the test");
        let mut left = CallParameters { rest: before.rest, ..wanted };
        match &parts.manager {
            None => (left.transmit, left.receive, left.called) = (0, 0, 0),
            Some((_, bytes)) if bytes.len() > OF_VALUE => left.called = before.called,
            Some((_, bytes)) => left.called &= u64::MAX.checked_shr(64 - 8 * bytes.len() as u32).unwrap_or(0),
        }
        match &parts.media {
            None => (left.media_flags, left.media_length, left.media_word) = (0, 0, 0),
            Some((_, bytes)) => {
                left.media_length = wanted.media_length.min(bytes.len() as u32);
                let room = left.media_length.saturating_sub(MEDIA_WORD as u32).min(4);
                left.media_word &= u32::MAX.checked_shr(32 - 8 * room).unwrap_or(0);
                // Of a shorter structure the bytes behind are no members any more.
                if left.media_length as usize != bytes.len() {
                    left.rest = structures.parameters_at(address).expect("memory of the test").rest;
                }
            }
        }
        assert_eq!(structures.parameters_at(address), Ok(left), "{wanted:?}");
    }
}

#[test]
fn every_member_counts_and_nothing_else() {
    let structures = Structures::default();
    let zero = Parts {
        flags: 0,
        manager: Some((vec![0; MANAGER_WORDS], vec![0; 8])),
        media: Some((vec![0; MEDIA_WORDS], vec![0; 24])),
    };
    let (address, manager, media) = zero.lay_out();
    let read = || structures.parameters_at(address).expect("memory of the test");
    let before = read();
    assert_eq!(before, CallParameters { address: Token(address), media_length: 24, ..CallParameters::NULL });
    let mut seen = Vec::new();
    let parts =
        [(manager, MANAGER_BYTES + 8, [MANAGER_LENGTH; 2]), (media, MEDIA_BYTES + 24, [12, MEDIA_LENGTH])];
    for (part, size, others) in parts {
        for offset in (0..size).step_by(4) {
            if others.contains(&offset) {
                continue;
            }
            put(part, offset, 1);
            let read = read();
            assert!(!seen.contains(&read) && read != before, "the word at {offset} has no value of its own");
            seen.push(read);
            put(part, offset, 0);
        }
    }
    // The padding in front of MediaSpecific.
    put(media, 12, 1);
    assert_eq!(read(), before);
}

#[test]
fn what_is_lent_says_what_was_given_and_what_a_driver_makes_of_it() {
    let mut numbers = Numbers(4);
    for _ in 0..5_000 {
        let mut structures = Structures::default();
        let name = 0xc0de_0000_0000_0010;
        let given = numbers.parameters(name);
        let place = structures.pass_parameters(&given, lend).expect("memory of the test");
        assert_eq!(structures.parameters_at(place), Ok(given));

        // Another value of the same structure.
        let wanted = numbers.parameters(name);
        let lend_none = |_: &[u8]| panic!("there is one");
        assert_eq!(structures.pass_parameters(&wanted, lend_none), Ok(place));
        assert_eq!(structures.parameters_at(place), Ok(wanted));

        // A native driver changes a member.
        let manager = guest::read_u64(at(place, MANAGER_PART as u64)).expect("memory of the test");
        let peak = numbers.word();
        put(manager, TRANSMIT, peak);
        let left = CallParameters { transmit: peak, ..wanted };
        assert_eq!(structures.parameters_at(place), Ok(left));
        put(manager, OTHER_FLOW[0], 7);
        let digest = structures.parameters_at(place).expect("memory of the test").rest;
        assert_ne!(digest, wanted.rest);

        // It comes round to the driver once more, as it left it.
        let bytes = bytes_at(place, PARAMETERS.size);
        let left = CallParameters { rest: digest, ..left };
        assert_eq!(structures.pass_parameters(&left, lend_none), Ok(place));
        assert_eq!((structures.parameters_at(place), bytes_at(place, PARAMETERS.size)), (Ok(left), bytes));
    }
}

#[test]
fn a_driver_sees_the_values_of_what_it_is_lent() {
    let mut structures = Structures::default();
    let given = CallParameters {
        address: Token(0xc0de_0000_0000_0020),
        flags: 0x10,
        transmit: 64_000,
        receive: 32_000,
        media_flags: 0xc,
        called: 0x2a,
        media_length: 14,
        media_word: 0x0102_0304,
        rest: 9,
    };
    let place = structures.pass_parameters(&given, lend).expect("memory of the test");
    let word = |address: u64| guest::read_u32(address).expect("memory of the test");
    let manager = guest::read_u64(place + 8).expect("memory of the test");
    let media = guest::read_u64(place + 16).expect("memory of the test");
    assert_eq!((word(place), word(manager + 8), word(manager + 40)), (0x10, 64_000, 32_000));
    assert_eq!((word(manager + 68), bytes_at(manager + 72, 8)), (8, vec![0x2a, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!((word(media), word(media + 20)), (0xc, 14));
    assert_eq!(bytes_at(media + 24, 14), [0, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1, 0, 0]);
}

#[test]
fn nothing_is_lent_for_nothing() {
    let mut structures = Structures::default();
    let none = |_: &[u8]| panic!("nothing to lend");
    assert_eq!(structures.pass_parameters(&CallParameters::NULL, none), Ok(0));
    assert_eq!(structures.pass_data(Token::NULL, 0, none), 0);
    assert_eq!(structures.data_at(0, 0), Ok(Token::NULL));
}

#[test]
fn a_sap_goes_both_ways() {
    let mut structures = Structures::default();
    for length in 0..=20u32 {
        let bytes: Vec<u8> = (1..=length as u8).collect();
        let native = lend(&[&0x8000u32.to_le_bytes()[..], &length.to_le_bytes(), &bytes].concat());
        let read = structures.sap_at(native).expect("memory of the test");
        assert_eq!(read, Sap { address: Token(native), sap_type: 0x8000, length, value: value_of(&bytes) });

        let named = Sap { address: Token(0xc0de_0000_0000_0000 + u64::from(length)), ..read };
        let place = structures.pass_sap(&named, lend);
        assert_eq!(structures.sap_at(place), Ok(named));
        assert_eq!(bytes_at(place, 4), 0x8000u32.to_le_bytes());
        assert_eq!(bytes_at(place + 4, 4), length.to_le_bytes());
        if length <= 8 {
            assert_eq!(bytes_at(place + 8, length as usize), bytes);
        }
        assert_eq!(structures.pass_sap(&named, |_| panic!("there is one")), place);
        // The driver puts something else into its structure.
        let other = Sap { sap_type: 1, ..named };
        let place = structures.pass_sap(&other, lend);
        assert_eq!(structures.sap_at(place), Ok(other));
    }
}

#[test]
fn close_data_of_other_drivers_are_zeros_of_that_size() {
    let mut structures = Structures::default();
    let name = Token(0xc0de_0000_0000_0030);
    let place = structures.pass_data(name, 5, lend);
    assert_eq!(bytes_at(place, 5), [0; 5]);
    assert_eq!(structures.pass_data(name, 3, |_| panic!("there is one")), place);
    assert_eq!(structures.data_at(place, 5), Ok(name));
    let larger = structures.pass_data(name, 500, lend);
    assert_eq!(bytes_at(larger, 500), [0; 500]);
    let own = lend(&[1, 2, 3]);
    assert_eq!(structures.data_at(own, 3), Ok(Token(own)));
}

/// A driver may use one address for structures of different types, as one that is not native can.
#[test]
fn a_name_stands_for_one_structure_of_each_type() {
    let mut structures = Structures::default();
    let name = Token(7);
    let parameters = CallParameters { address: name, called: 3, ..CallParameters::NULL };
    let sap = Sap { address: name, sap_type: 1, length: 1, value: 3 };
    let places = [
        structures.pass_parameters(&parameters, lend).expect("memory of the test"),
        structures.pass_sap(&sap, lend),
        structures.pass_data(name, 1, lend),
    ];
    assert_eq!(structures.parameters_at(places[0]), Ok(parameters));
    assert_eq!(structures.sap_at(places[1]), Ok(sap));
    assert_eq!(structures.data_at(places[2], 1), Ok(name));
}
