//! Area `tapi`: identifiers of calls, which a client hands to applications and gets back from them.

use super::Here;
use crate::guest::{self, Block, at};
use contract::layout::VAR_STRING;
use contract::values::constants::STRINGFORMAT_ASCII;
use model::block::value_of;
use model::{Call, CallId, OutParameter};

const TOTAL_SIZE: usize = VAR_STRING.offset_of("ulTotalSize").unwrap();
const NEEDED_SIZE: usize = VAR_STRING.offset_of("ulNeededSize").unwrap();
const USED_SIZE: usize = VAR_STRING.offset_of("ulUsedSize").unwrap();
const STRING_FORMAT: usize = VAR_STRING.offset_of("ulStringFormat").unwrap();
const STRING_SIZE: usize = VAR_STRING.offset_of("ulStringSize").unwrap();
const STRING_OFFSET: usize = VAR_STRING.offset_of("ulStringOffset").unwrap();

/// The digits of an identifier.
const DIGITS: usize = 16;
/// An identifier as text: the digits and the terminator.
const TEXT: usize = DIGITS + 1;
const NEEDED: usize = VAR_STRING.size + TEXT;

/// Stores an identifier in a `VAR_STRING`, or the size that one needs.
fn store_id(here: &Here, string: u64, size: u32, id: CallId) {
    here.check(guest::write_u32(at(string, NEEDED_SIZE as u64), NEEDED as u32));
    if (size as usize) < NEEDED {
        return;
    }
    let mut block = Block::<NEEDED>::zeroed();
    let mut word = |offset, value: usize| block.put(offset, (value as u32).to_le_bytes());
    word(TOTAL_SIZE, size as usize);
    word(NEEDED_SIZE, NEEDED);
    word(USED_SIZE, NEEDED);
    word(STRING_FORMAT, STRINGFORMAT_ASCII as usize);
    word(STRING_SIZE, TEXT);
    word(STRING_OFFSET, VAR_STRING.size);
    for (place, digit) in format!("{:01$x}", id.0, DIGITS).bytes().enumerate() {
        block.put(VAR_STRING.size + place, [digit]);
    }
    here.check(guest::write(string, block.bytes()));
}

/// The identifier that a text means, with or without a terminator. No call has that of a text which means none.
fn id_of(text: &str) -> CallId {
    let digits = text.trim_end_matches('\0');
    let is_one = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let id = if is_one { u64::from_str_radix(digits, 16).ok() } else { None };
    CallId(id.unwrap_or_else(|| value_of(text.as_bytes())))
}

super::exports! {
    Ndis Dispatch "nf-ndis-ndiscogettapicallid"
    NdisCoGetTapiCallId[here](vc: u64, string: u64) -> u32 {
        let size = here.check(guest::read_u32(at(string, TOTAL_SIZE as u64)));
        here.check(guest::probe(string, u64::from(size)));
        here.call(Call::CoGetTapiCallId { vc: here.handle(vc), size }, |result| {
            let OutParameter::CallId(id) = result else {
                unreachable!("the identifier of a call is stored, not {result:?}")
            };
            store_id(&here, string, size, id);
        }).0
    }

    Ndis Dispatch "nf-ndis-ndisclgetprotocolvccontextfromtapicallid"
    // A structure of sixteen bytes that is passed by value travels by a reference to it.
    NdisClGetProtocolVcContextFromTapiCallId[here](id: u64, context: u64) -> u32 {
        let text = String::from_utf16_lossy(&here.check(guest::read_unicode_string(id)));
        here.check(guest::read_u64(context));
        here.call(Call::ClGetProtocolVcContextFromTapiCallId { call_id: id_of(&text) }, |result| {
            let OutParameter::VcContext(found) = result else {
                unreachable!("the context of a VC is stored, not {result:?}")
            };
            here.check(guest::write_u64(context, found.0));
        }).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_sixteen_digits() {
        assert_eq!(id_of("00000000deadbeef"), CallId(0xdead_beef));
        assert_eq!(id_of("00000000DEADBEEF\0"), CallId(0xdead_beef));
        for other in ["", "deadbeef", "00000000deadbeeg", "+000000deadbeef1", "0x000000deadbeef", "\u{fffd}"]
        {
            assert_eq!(id_of(other), CallId(value_of(other.as_bytes())), "{other}");
        }
    }
}
