//! Which roles a driver plays, as far as its imports tell.

use contract::Role;
use pe::{Image, Symbol};
use std::collections::BTreeSet;

/// The interface that a driver was written for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NdisVersion {
    /// NDIS 6: its registration functions are imported.
    Six,
    /// NDIS 5: its registration functions are imported.
    Five,
    /// The imports do not tell.
    Unknown,
}

impl NdisVersion {
    /// The version as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            NdisVersion::Six => "6",
            NdisVersion::Five => "5",
            NdisVersion::Unknown => "unknown",
        }
    }
}

/// What the imports of a driver tell of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roles {
    /// The roles, in the order of [`Role::ALL`].
    pub roles: Vec<Role>,
    /// The interface.
    pub ndis: NdisVersion,
}

impl Roles {
    /// Guesses from the imports of a driver.
    pub fn of(image: &Image) -> Roles {
        Roles::from_symbols(image.imports().iter().filter_map(|import| match &import.symbol {
            Symbol::Name(name) => Some(name.as_str()),
            Symbol::Ordinal(_) => None,
        }))
    }

    /// Guesses from imported names.
    pub fn from_symbols<'a>(symbols: impl IntoIterator<Item = &'a str>) -> Roles {
        let names: BTreeSet<&str> = symbols.into_iter().collect();
        let has = |known: &[&str]| known.iter().any(|name| names.contains(name));
        let six = has(&["NdisMRegisterMiniportDriver", "NdisRegisterProtocolDriver"]);
        let five = has(&["NdisMRegisterMiniport", "NdisRegisterProtocol", "NdisInitializeWrapper"]);
        let miniport = has(&["NdisMRegisterMiniportDriver", "NdisMRegisterMiniport"]);
        let mcm = miniport && has(&["NdisMCmRegisterAddressFamilyEx", "NdisMCmRegisterAddressFamily"]);
        let cm = has(&["NdisCmRegisterAddressFamilyEx", "NdisCmRegisterAddressFamily"]);
        let client = has(&["NdisClOpenAddressFamilyEx", "NdisClOpenAddressFamily"]);
        let plays =
            [(Role::Client, client), (Role::Cm, cm), (Role::Mcm, mcm), (Role::Miniport, miniport && !mcm)];
        Roles {
            roles: plays.into_iter().filter(|(_, plays)| *plays).map(|(role, _)| role).collect(),
            ndis: match (six, five) {
                (true, _) => NdisVersion::Six,
                (false, true) => NdisVersion::Five,
                (false, false) => NdisVersion::Unknown,
            },
        }
    }

    /// Whether the driver plays `role`.
    pub fn plays(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the driver has adapters of its own.
    pub fn has_adapters(&self) -> bool {
        self.plays(Role::Miniport) || self.plays(Role::Mcm)
    }

    /// Whether the driver binds to adapters.
    pub fn binds(&self) -> bool {
        self.plays(Role::Client) || self.plays(Role::Cm)
    }
}

/// A role in words.
pub const fn in_words(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Cm => "stand-alone call manager",
        Role::Mcm => "miniport call manager (MCM)",
        Role::Miniport => "miniport",
        Role::Ndis => "NDIS",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_follow_from_what_a_driver_registers_and_opens() {
        let mcm = Roles::from_symbols(["NdisMRegisterMiniportDriver", "NdisMCmRegisterAddressFamilyEx"]);
        assert_eq!(mcm, Roles { roles: vec![Role::Mcm], ndis: NdisVersion::Six });
        let both =
            ["NdisRegisterProtocolDriver", "NdisCmRegisterAddressFamilyEx", "NdisClOpenAddressFamilyEx"];
        assert_eq!(Roles::from_symbols(both).roles, [Role::Client, Role::Cm]);
        let old = Roles::from_symbols(["NdisMRegisterMiniport"]);
        assert_eq!(old, Roles { roles: vec![Role::Miniport], ndis: NdisVersion::Five });
        assert_eq!(Roles::from_symbols(["DbgPrint"]).roles, []);
    }
}
