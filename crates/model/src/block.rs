//! Parameter blocks as the core sees them: parsed once, at the boundary, into plain values.

use crate::Token;
use contract::Ddi;
use core::fmt;

/// The `NDIS_OBJECT_HEADER` that starts an NDIS 6 structure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Header {
    /// `NDIS_OBJECT_TYPE_…`.
    pub object_type: u8,
    /// The revision.
    pub revision: u8,
    /// The size in bytes.
    pub size: u16,
}

/// Which handlers a driver supplied, as a set of callbacks of the contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HandlerSet([u64; 5]);

impl HandlerSet {
    /// No handler.
    pub const EMPTY: HandlerSet = HandlerSet([0; 5]);

    /// Whether `handler` is in the set.
    pub const fn contains(&self, handler: Ddi) -> bool {
        self.0[handler as usize / 64] >> (handler as usize % 64) & 1 != 0
    }

    /// Adds `handler`.
    pub const fn insert(&mut self, handler: Ddi) {
        self.0[handler as usize / 64] |= 1 << (handler as usize % 64);
    }

    /// Takes `handler` out.
    pub const fn remove(&mut self, handler: Ddi) {
        self.0[handler as usize / 64] &= !(1 << (handler as usize % 64));
    }

    /// The handlers of either set.
    pub fn union(mut self, other: HandlerSet) -> HandlerSet {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
        self
    }

    /// The handlers, in the order of the contract.
    pub fn iter(&self) -> impl Iterator<Item = Ddi> + '_ {
        Ddi::ALL.iter().copied().filter(|&ddi| self.contains(ddi))
    }
}

impl FromIterator<Ddi> for HandlerSet {
    fn from_iter<I: IntoIterator<Item = Ddi>>(handlers: I) -> HandlerSet {
        let mut set = HandlerSet::EMPTY;
        handlers.into_iter().for_each(|handler| set.insert(handler));
        set
    }
}

impl fmt::Debug for HandlerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// `NDIS_PROTOCOL_DRIVER_CHARACTERISTICS` or `NDIS_MINIPORT_DRIVER_CHARACTERISTICS`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Characteristics {
    /// Its header.
    pub header: Header,
    /// `MajorNdisVersion`.
    pub major: u8,
    /// `MinorNdisVersion`.
    pub minor: u8,
    /// `Flags`.
    pub flags: u32,
    /// The handlers that are not NULL.
    pub handlers: HandlerSet,
}

/// A structure given to `NdisSetOptionalHandlers`; its kind is the header's type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OptionalHandlers {
    /// Its header.
    pub header: Header,
    /// The handlers that are not NULL.
    pub handlers: HandlerSet,
    /// Whether two members that must differ are one function: the `OidRequest` handlers of an MCM.
    pub shared_oid_handler: bool,
}

/// The members of `NDIS_CO_CLIENT_OPTIONAL_HANDLERS`.
pub const CLIENT_HANDLERS: &[Ddi] = &[
    Ddi::ProtocolCoCreateVc,
    Ddi::ProtocolCoDeleteVc,
    Ddi::ProtocolCoOidRequest,
    Ddi::ProtocolCoOidRequestComplete,
    Ddi::ProtocolClOpenAfCompleteEx,
    Ddi::ProtocolClCloseAfComplete,
    Ddi::ProtocolClRegisterSapComplete,
    Ddi::ProtocolClDeregisterSapComplete,
    Ddi::ProtocolClMakeCallComplete,
    Ddi::ProtocolClModifyCallQoSComplete,
    Ddi::ProtocolClCloseCallComplete,
    Ddi::ProtocolClAddPartyComplete,
    Ddi::ProtocolClDropPartyComplete,
    Ddi::ProtocolClIncomingCall,
    Ddi::ProtocolClIncomingCallQoSChange,
    Ddi::ProtocolClIncomingCloseCall,
    Ddi::ProtocolClIncomingDropParty,
    Ddi::ProtocolClCallConnected,
    Ddi::ProtocolClNotifyCloseAf,
];

/// The members of `NDIS_CO_CALL_MANAGER_OPTIONAL_HANDLERS`.
pub const CALL_MANAGER_HANDLERS: &[Ddi] = &[
    Ddi::ProtocolCoCreateVc,
    Ddi::ProtocolCoDeleteVc,
    Ddi::ProtocolCmOpenAf,
    Ddi::ProtocolCmCloseAf,
    Ddi::ProtocolCmRegisterSap,
    Ddi::ProtocolCmDeregisterSap,
    Ddi::ProtocolCmMakeCall,
    Ddi::ProtocolCmCloseCall,
    Ddi::ProtocolCmIncomingCallComplete,
    Ddi::ProtocolCmAddParty,
    Ddi::ProtocolCmDropParty,
    Ddi::ProtocolCmActivateVcComplete,
    Ddi::ProtocolCmDeactivateVcComplete,
    Ddi::ProtocolCmModifyCallQoS,
    Ddi::ProtocolCoOidRequest,
    Ddi::ProtocolCoOidRequestComplete,
    Ddi::ProtocolCmNotifyCloseAfComplete,
];

/// `NDIS_OPEN_PARAMETERS`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OpenParameters {
    /// Its header.
    pub header: Header,
    /// Whether `AdapterName` is the one of the bind.
    pub names_bound_adapter: bool,
    /// `MediumArray`.
    pub media: Media,
    /// `FrameTypeArraySize`.
    pub frame_types: u32,
}

/// A `MediumArray`: values of `NDIS_MEDIUM`, at most fifteen of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Media {
    len: u8,
    values: [u8; 15],
}

impl Media {
    /// How many media an array can hold here; the enumeration has fewer members than Windows lets one list.
    pub const MAX: usize = 15;

    /// The media in `values`, none if there are more than [`Media::MAX`].
    pub fn new(values: &[u8]) -> Option<Media> {
        let mut media = Media { len: values.len().try_into().ok()?, values: [0; 15] };
        media.values.get_mut(..values.len())?.copy_from_slice(values);
        Some(media)
    }

    /// The index of `medium`.
    pub fn position(&self, medium: u8) -> Option<u32> {
        self.values[..self.len as usize].iter().position(|&value| value == medium).map(|index| index as u32)
    }
}

/// A structure given to `NdisMSetMiniportAttributes`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Attributes {
    /// Its header; the type tells the kind.
    pub header: Header,
    /// `MiniportAdapterContext`, in registration attributes.
    pub context: Token,
    /// `AttributeFlags`, in registration attributes.
    pub flags: u32,
    /// `MediaType`, in general attributes: a value of `NDIS_MEDIUM`.
    pub medium: u8,
}

/// `CO_ADDRESS_FAMILY`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AddressFamily {
    /// `AddressFamily`: `CO_ADDRESS_FAMILY_…`.
    pub family: u32,
    /// `MajorVersion`.
    pub major: u32,
    /// `MinorVersion`.
    pub minor: u32,
}

/// `CO_SAP`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sap {
    /// Where the structure lies: what NDIS hands on.
    pub address: Token,
    /// `SapType`.
    pub sap_type: u32,
    /// `SapLength`.
    pub length: u32,
    /// The bytes at `Sap`, see [`value_of`].
    pub value: u64,
}

impl Sap {
    /// Whether both stand for the same, wherever they lie.
    pub fn same(&self, other: &Sap) -> bool {
        (self.sap_type, self.length, self.value) == (other.sap_type, other.length, other.value)
    }
}

/// Bytes as a value of fixed size: up to eight of them themselves, the first lowest; more as a digest.
pub fn value_of(bytes: &[u8]) -> u64 {
    if bytes.len() <= 8 {
        return bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
    }
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |digest, &byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// `CO_CALL_PARAMETERS` with what it points to: what a call asks for, or gets.
///
/// A structure that was not given has the address NULL, and so have the values of parts that it does not point to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct CallParameters {
    /// Where the structure lies: what NDIS hands on.
    pub address: Token,
    /// `Flags`: [`CALL_PARAMETERS_CHANGED`] and others.
    pub flags: u32,
    /// `CallMgrParameters->Transmit.PeakBandwidth`, in bytes per second.
    pub transmit: u32,
    /// `CallMgrParameters->Receive.PeakBandwidth`, in bytes per second.
    pub receive: u32,
    /// `MediaParameters->Flags`: [`ROUND_UP_FLOW`] and others.
    pub media_flags: u32,
    /// `CallMgrParameters->CallMgrSpecific.Parameters`, see [`value_of`]: an address in the call manager's format.
    pub called: u64,
    /// `MediaParameters->MediaSpecific.Length`, in bytes.
    pub media_length: u32,
    /// The four bytes at offset 8 of `MediaParameters->MediaSpecific.Parameters`: `ulFlags` of the TAPI structures.
    pub media_word: u32,
    /// A digest of all other members.
    pub rest: u32,
}

/// `CALL_PARAMETERS_CHANGED`.
pub const CALL_PARAMETERS_CHANGED: u32 = 2;
/// `ROUND_DOWN_FLOW`.
pub const ROUND_DOWN_FLOW: u32 = 0x80;
/// `ROUND_UP_FLOW`.
pub const ROUND_UP_FLOW: u32 = 0x100;

impl CallParameters {
    /// No structure.
    pub const NULL: CallParameters = CallParameters {
        address: Token::NULL,
        flags: 0,
        transmit: 0,
        receive: 0,
        media_flags: 0,
        called: 0,
        media_length: 0,
        media_word: 0,
        rest: 0,
    };

    /// Whether there is no structure.
    pub fn is_null(&self) -> bool {
        self.address == Token::NULL
    }

    /// Whether [`CALL_PARAMETERS_CHANGED`] is set.
    pub const fn is_marked_changed(&self) -> bool {
        self.flags & CALL_PARAMETERS_CHANGED != 0
    }

    /// Whether both say the same, wherever they lie and whether or not they are marked as changed.
    pub fn same(&self, other: &CallParameters) -> bool {
        self.values() == other.values()
    }

    /// What it says, as a digest: the same for all that say the same.
    pub fn digest(&self) -> u64 {
        let values = self.values();
        let words = [
            u64::from(values.flags) << 32 | u64::from(values.media_flags),
            u64::from(values.transmit) << 32 | u64::from(values.receive),
            values.called,
            u64::from(values.media_length) << 32 | u64::from(values.media_word),
            u64::from(values.rest),
        ];
        words.iter().fold(0xcbf2_9ce4_8422_2325, |digest, word| {
            (digest ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        })
    }

    /// The values without what makes no difference to a call.
    pub const fn values(&self) -> CallParameters {
        CallParameters { address: Token::NULL, flags: self.flags & !CALL_PARAMETERS_CHANGED, ..*self }
    }
}

/// A string that a driver passed, as UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    length: u8,
    text: [u8; Name::MAX],
}

impl Name {
    /// How many bytes a name may have here.
    pub const MAX: usize = 47;

    /// The name with this text, none if it has more than [`Name::MAX`] bytes.
    pub fn new(text: &str) -> Option<Name> {
        let mut name = Name { length: text.len().try_into().ok()?, text: [0; Name::MAX] };
        name.text.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(name)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.text[..self.length as usize]).expect("made from a string")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
