//! Structures that one driver hands to another through NDIS: call parameters, SAPs, close data. Offsets come from the
//! contract.
//!
//! **A native driver's structure** stays where it is. Other native drivers get its very address, as on Windows, and
//! the core has the values of its members beside that address. Where a driver of another kind has changed a value,
//! it is written back before a native driver sees the structure again.
//!
//! **A structure of another driver** has an address that only names it. The first native driver that gets it is lent
//! one of ours, with the same values; so is every later one, until the execution ends. What has no member to lie in (a
//! digest, a length beyond what was lent) is kept beside it, and comes back as long as no driver changes the member.

use crate::guest::{self, BadAddress, Block, at};
use crate::handle::mixed;
use crate::map;
use contract::Layout;
use contract::layout::{
    CO_AF_TAPI_INCOMING_CALL_PARAMETERS as TAPI_CALL, CO_CALL_MANAGER_PARAMETERS as MANAGER,
    CO_CALL_PARAMETERS as PARAMETERS, CO_MEDIA_PARAMETERS as MEDIA, CO_SAP as SAP,
    CO_SPECIFIC_PARAMETERS as SPECIFIC, FLOWSPEC,
};
use model::Token;
use model::block::{CallParameters, Sap, value_of};
use std::collections::BTreeMap;

const fn of(layout: &Layout, member: &str) -> usize {
    layout.offset_of(member).unwrap()
}

const FLAGS: usize = of(&PARAMETERS, "Flags");
const MANAGER_PART: usize = of(&PARAMETERS, "CallMgrParameters");
const MEDIA_PART: usize = of(&PARAMETERS, "MediaParameters");

const TRANSMIT: usize = of(&MANAGER, "Transmit") + of(&FLOWSPEC, "PeakBandwidth");
const RECEIVE: usize = of(&MANAGER, "Receive") + of(&FLOWSPEC, "PeakBandwidth");
const FLOWS: usize = of(&MANAGER, "CallMgrSpecific");
const MANAGER_TYPE: usize = FLOWS + of(&SPECIFIC, "ParamType");
const MANAGER_LENGTH: usize = FLOWS + of(&SPECIFIC, "Length");
/// Where the bytes of variable number begin, up to which a driver must have allocated the structure.
const MANAGER_BYTES: usize = FLOWS + of(&SPECIFIC, "Parameters");

const MEDIA_FLAGS: usize = of(&MEDIA, "Flags");
const PRIORITY: usize = of(&MEDIA, "ReceivePriority");
const SIZE_HINT: usize = of(&MEDIA, "ReceiveSizeHint");
const MEDIA_TYPE: usize = of(&MEDIA, "MediaSpecific") + of(&SPECIFIC, "ParamType");
const MEDIA_LENGTH: usize = of(&MEDIA, "MediaSpecific") + of(&SPECIFIC, "Length");
const MEDIA_BYTES: usize = of(&MEDIA, "MediaSpecific") + of(&SPECIFIC, "Parameters");

/// Where in the bytes behind the media parameters the word lies that counts by itself: `ulFlags` of either structure that a
/// TAPI call has there.
const MEDIA_WORD: usize = of(&TAPI_CALL, "ulFlags");

const SAP_TYPE: usize = of(&SAP, "SapType");
const SAP_LENGTH: usize = of(&SAP, "SapLength");
const SAP_BYTES: usize = of(&SAP, "Sap");

/// How many bytes of variable number are looked at, and lent. What lies beyond must only be there.
const LONGEST: usize = 64 << 10;
/// As many are read without an allocation.
const USUAL: usize = 64;
/// Bytes that are their own value: see [`value_of`].
const OF_VALUE: usize = 8;

/// What a name stands for: a driver may use one for structures of different types.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Parameters,
    Sap,
    Data,
}

/// What was said of a lent structure, and what its memory said right then.
#[derive(Clone, Copy, Debug)]
enum Content {
    Parameters {
        given: CallParameters,
        shown: CallParameters,
    },
    Sap {
        given: Sap,
        shown: Sap,
    },
    /// So many bytes.
    Data(u32),
}

#[derive(Clone, Copy, Debug)]
struct Lent {
    name: Token,
    content: Content,
}

/// The structures that were lent.
#[derive(Debug, Default)]
pub(crate) struct Structures {
    /// Where the one for a name lies.
    places: BTreeMap<(Kind, Token), u64>,
    /// By where it lies.
    lent: BTreeMap<u64, Lent>,
}

/// Whether something of a native driver's can lie at the address; otherwise it is a name that another driver gave.
fn is_memory(address: u64) -> bool {
    engine::arena::contains(address as usize) || map::place_of(address).is_some()
}

/// A digest of members, by their places: zero if all of them are.
#[derive(Default)]
struct Digest(u64);

impl Digest {
    fn add(&mut self, place: usize, word: u32) {
        if word != 0 {
            self.0 ^= mixed((place as u64) << 32 | u64::from(word));
        }
    }

    fn add_members<const SIZE: usize>(&mut self, part: &Block<SIZE>, base: usize, offsets: &[usize]) {
        for &offset in offsets {
            self.add(base + offset, part.u32(offset));
        }
    }

    const fn value(&self) -> u32 {
        (self.0 >> 32) as u32 ^ self.0 as u32
    }
}

/// Where the members of each part begin in the digest.
const DIGEST_MANAGER: usize = 0;
const DIGEST_MEDIA: usize = 1 << 8;
const DIGEST_MEDIA_BYTES: usize = 1 << 16;

/// The words of both flow specifications that are not a peak bandwidth.
const OTHER_FLOW: [usize; FLOWS / 4 - 2] = {
    let mut offsets = [0; FLOWS / 4 - 2];
    let (mut count, mut offset) = (0, 0);
    while offset < FLOWS {
        if offset != TRANSMIT && offset != RECEIVE {
            offsets[count] = offset;
            count += 1;
        }
        offset += 4;
    }
    offsets
};

/// Hands the `length` bytes at `address` to `see`.
fn with_bytes<R>(address: u64, length: u32, see: impl FnOnce(&[u8]) -> R) -> Result<R, BadAddress> {
    let count = length as usize;
    if count <= USUAL {
        let mut bytes = [0; USUAL];
        guest::read(address, &mut bytes[..count])?;
        return Ok(see(&bytes[..count]));
    }
    guest::probe(address, u64::from(length))?;
    let mut bytes = vec![0; count.min(LONGEST)];
    guest::read(address, &mut bytes)?;
    Ok(see(&bytes))
}

fn read_parameters(address: u64) -> Result<CallParameters, BadAddress> {
    let top = Block::<{ PARAMETERS.size }>::read(address, PARAMETERS.size)?;
    let mut found = CallParameters { address: Token(address), flags: top.u32(FLAGS), ..CallParameters::NULL };
    let mut rest = Digest::default();
    let manager = top.u64(MANAGER_PART);
    if manager != 0 {
        let part = Block::<MANAGER_BYTES>::read(manager, MANAGER_BYTES)?;
        found.transmit = part.u32(TRANSMIT);
        found.receive = part.u32(RECEIVE);
        rest.add_members(&part, DIGEST_MANAGER, &OTHER_FLOW);
        rest.add_members(&part, DIGEST_MANAGER, &[MANAGER_TYPE]);
        found.called = with_bytes(at(manager, MANAGER_BYTES as u64), part.u32(MANAGER_LENGTH), value_of)?;
    }
    let media = top.u64(MEDIA_PART);
    if media != 0 {
        let part = Block::<MEDIA_BYTES>::read(media, MEDIA_BYTES)?;
        found.media_flags = part.u32(MEDIA_FLAGS);
        found.media_length = part.u32(MEDIA_LENGTH);
        rest.add_members(&part, DIGEST_MEDIA, &[PRIORITY, SIZE_HINT, MEDIA_TYPE]);
        found.media_word = with_bytes(at(media, MEDIA_BYTES as u64), found.media_length, |bytes| {
            let mut by_itself = 0;
            for (index, word) in bytes.chunks(4).enumerate() {
                let word = value_of(word) as u32;
                match index == MEDIA_WORD / 4 {
                    true => by_itself = word,
                    false => rest.add(DIGEST_MEDIA_BYTES + index, word),
                }
            }
            by_itself
        })?;
    }
    found.rest = rest.value();
    Ok(found)
}

/// Writes the members in which `wanted` differs from `now`, as far as the structure has room for them.
fn write_parameters(address: u64, now: &CallParameters, wanted: &CallParameters) -> Result<(), BadAddress> {
    let word = |part: u64, offset: usize, now: u32, wanted: u32| match now == wanted {
        true => Ok(()),
        false => guest::write_u32(at(part, offset as u64), wanted),
    };
    word(address, FLAGS, now.flags, wanted.flags)?;
    let manager = guest::read_u64(at(address, MANAGER_PART as u64))?;
    if manager != 0 {
        word(manager, TRANSMIT, now.transmit, wanted.transmit)?;
        word(manager, RECEIVE, now.receive, wanted.receive)?;
        let length = guest::read_u32(at(manager, MANAGER_LENGTH as u64))? as usize;
        if now.called != wanted.called && length <= OF_VALUE {
            guest::write(at(manager, MANAGER_BYTES as u64), &wanted.called.to_le_bytes()[..length])?;
        }
    }
    let media = guest::read_u64(at(address, MEDIA_PART as u64))?;
    if media != 0 {
        word(media, MEDIA_FLAGS, now.media_flags, wanted.media_flags)?;
        let length = guest::read_u32(at(media, MEDIA_LENGTH as u64))?;
        let shorter = wanted.media_length.min(length);
        if now.media_length != wanted.media_length {
            word(media, MEDIA_LENGTH, length, shorter)?;
        }
        if now.media_word != wanted.media_word {
            let room = (shorter as usize).saturating_sub(MEDIA_WORD).min(4);
            let bytes = &wanted.media_word.to_le_bytes()[..room];
            guest::write(at(media, (MEDIA_BYTES + MEDIA_WORD) as u64), bytes)?;
        }
    }
    Ok(())
}

fn read_sap(address: u64) -> Result<Sap, BadAddress> {
    let fixed = Block::<SAP_BYTES>::read(address, SAP_BYTES)?;
    let length = fixed.u32(SAP_LENGTH);
    let value = with_bytes(at(address, SAP_BYTES as u64), length, value_of)?;
    Ok(Sap { address: Token(address), sap_type: fixed.u32(SAP_TYPE), length, value })
}

/// A `CO_CALL_PARAMETERS` with both its parts, for the address where it will lie: what `given` says, and nothing else.
fn parameters_block(given: &CallParameters) -> (Vec<u8>, [(usize, usize); 2]) {
    let called = if given.called == 0 { 0 } else { OF_VALUE };
    let length = (given.media_length as usize).min(LONGEST);
    let manager = PARAMETERS.size;
    let media = (manager + MANAGER_BYTES + OF_VALUE).next_multiple_of(MEDIA.align);
    let mut bytes = vec![0; media + MEDIA_BYTES + length.max(MEDIA_WORD + 4)];
    let mut word =
        |offset: usize, value: u32| bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    word(FLAGS, given.flags);
    word(manager + TRANSMIT, given.transmit);
    word(manager + RECEIVE, given.receive);
    word(manager + MANAGER_LENGTH, called as u32);
    word(media + MEDIA_FLAGS, given.media_flags);
    word(media + MEDIA_LENGTH, length as u32);
    word(media + MEDIA_BYTES + MEDIA_WORD, given.media_word);
    bytes[manager + MANAGER_BYTES..][..OF_VALUE].copy_from_slice(&given.called.to_le_bytes());
    (bytes, [(MANAGER_PART, manager), (MEDIA_PART, media)])
}

impl Structures {
    /// The call parameters at `address`, as a native driver passes or leaves them.
    ///
    /// # Errors
    /// A part of them cannot be read.
    pub(crate) fn parameters_at(&self, address: u64) -> Result<CallParameters, BadAddress> {
        if address == 0 {
            return Ok(CallParameters::NULL);
        }
        let read = read_parameters(address)?;
        let Some(Lent { name, content: Content::Parameters { given, shown } }) = self.lent.get(&address)
        else {
            return Ok(CallParameters { address: self.name_of(address), ..read });
        };
        let word = |read, shown, given| if read == shown { given } else { read };
        Ok(CallParameters {
            address: *name,
            flags: word(read.flags, shown.flags, given.flags),
            transmit: word(read.transmit, shown.transmit, given.transmit),
            receive: word(read.receive, shown.receive, given.receive),
            media_flags: word(read.media_flags, shown.media_flags, given.media_flags),
            called: if read.called == shown.called { given.called } else { read.called },
            media_length: word(read.media_length, shown.media_length, given.media_length),
            media_word: word(read.media_word, shown.media_word, given.media_word),
            rest: word(read.rest, shown.rest, given.rest),
        })
    }

    /// The address by which a native driver gets call parameters; `lend` gives memory with these bytes. What a driver of
    /// another kind has changed in them is there, as far as the structure can be read and has room.
    ///
    /// # Errors
    /// Something has changed and cannot be written.
    pub(crate) fn pass_parameters(
        &mut self,
        parameters: &CallParameters,
        lend: impl FnOnce(&[u8]) -> u64,
    ) -> Result<u64, BadAddress> {
        let name = parameters.address;
        let place = match self.place(Kind::Parameters, name) {
            Some(place) => place,
            None if name == Token::NULL => return Ok(0),
            None if is_memory(name.0) => name.0,
            None => return Ok(self.lend_parameters(parameters, lend)),
        };
        self.store_parameters(place, parameters)?;
        Ok(place)
    }

    /// Makes the call parameters at `address` say what `wanted` says. Memory that cannot even be read stays as it is:
    /// whoever looks at it will find out.
    ///
    /// # Errors
    /// A member that must change cannot be written.
    pub(crate) fn store_parameters(
        &mut self,
        address: u64,
        wanted: &CallParameters,
    ) -> Result<(), BadAddress> {
        let Ok(now) = self.parameters_at(address) else { return Ok(()) };
        if (CallParameters { address: now.address, ..*wanted }) == now {
            return Ok(());
        }
        write_parameters(address, &now, wanted)?;
        if let Some(Lent { content: Content::Parameters { given, shown }, .. }) = self.lent.get_mut(&address)
        {
            (*given, *shown) = (*wanted, read_parameters(address)?);
        }
        Ok(())
    }

    fn lend_parameters(&mut self, given: &CallParameters, lend: impl FnOnce(&[u8]) -> u64) -> u64 {
        let (bytes, pointers) = parameters_block(given);
        let place = lend(&bytes);
        for (member, part) in pointers {
            guest::write_u64(place + member as u64, place + part as u64)
                .expect("our own memory can be written");
        }
        let shown = read_parameters(place).expect("our own memory can be read");
        self.note(Kind::Parameters, given.address, place, Content::Parameters { given: *given, shown });
        place
    }

    /// The SAP at `address`, as a native driver passes it.
    ///
    /// # Errors
    /// A part of it cannot be read.
    pub(crate) fn sap_at(&self, address: u64) -> Result<Sap, BadAddress> {
        let read = read_sap(address)?;
        match self.lent.get(&address) {
            Some(Lent { content: Content::Sap { given, shown }, .. }) if read.same(shown) => Ok(*given),
            Some(_) | None => Ok(Sap { address: self.name_of(address), ..read }),
        }
    }

    /// The address by which a native driver gets a SAP; `lend` gives memory with these bytes. Nobody changes a SAP on its
    /// way.
    pub(crate) fn pass_sap(&mut self, sap: &Sap, lend: impl FnOnce(&[u8]) -> u64) -> u64 {
        let name = sap.address;
        if let Some(place) = self.place(Kind::Sap, name)
            && self.sap_at(place).is_ok_and(|there| there.same(sap))
        {
            return place;
        }
        if name == Token::NULL || is_memory(name.0) {
            return name.0;
        }
        let length = (sap.length as usize).min(LONGEST);
        let mut bytes = vec![0; (SAP_BYTES + length.max(OF_VALUE)).max(SAP.size)];
        bytes[SAP_TYPE..][..4].copy_from_slice(&sap.sap_type.to_le_bytes());
        bytes[SAP_LENGTH..][..4].copy_from_slice(&(length as u32).to_le_bytes());
        bytes[SAP_BYTES..][..OF_VALUE].copy_from_slice(&sap.value.to_le_bytes());
        let place = lend(&bytes);
        let shown = read_sap(place).expect("our own memory can be read");
        self.note(Kind::Sap, name, place, Content::Sap { given: *sap, shown });
        place
    }

    /// What a native driver passes as close data.
    ///
    /// # Errors
    /// There is no such memory.
    pub(crate) fn data_at(&self, address: u64, size: u32) -> Result<Token, BadAddress> {
        if address != 0 {
            guest::probe(address, u64::from(size))?;
        }
        Ok(self.name_of(address))
    }

    /// The address by which a native driver gets `size` bytes of close data; `lend` gives memory with these bytes. The data
    /// of another kind of driver say nothing, so what is lent is zero.
    pub(crate) fn pass_data(&mut self, data: Token, size: u32, lend: impl FnOnce(&[u8]) -> u64) -> u64 {
        if let Some(place) = self.place(Kind::Data, data)
            && matches!(self.lent.get(&place), Some(Lent { content: Content::Data(room), .. }) if *room >= size)
        {
            return place;
        }
        if data == Token::NULL || is_memory(data.0) {
            return data.0;
        }
        let place = lend(&vec![0; (size as usize).clamp(1, LONGEST)]);
        self.note(Kind::Data, data, place, Content::Data(size));
        place
    }

    fn place(&self, kind: Kind, name: Token) -> Option<u64> {
        self.places.get(&(kind, name)).copied()
    }

    fn note(&mut self, kind: Kind, name: Token, place: u64, content: Content) {
        self.places.insert((kind, name), place);
        self.lent.insert(place, Lent { name, content });
    }

    /// The address as other drivers know it: the name, if the structure was lent.
    fn name_of(&self, address: u64) -> Token {
        self.lent.get(&address).map_or(Token(address), |lent| lent.name)
    }
}

#[cfg(test)]
mod tests;
