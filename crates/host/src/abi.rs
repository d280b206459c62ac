//! Constants of the interface that the contract's tables do not hold, from MinGW's public-domain headers.

/// `NdisMediumCoWan`: the medium of a connection-oriented WAN adapter.
pub(crate) const NDIS_MEDIUM_CO_WAN: u32 = 12;
