//! What a driver reads from the registry, given by the scenario.

use model::AdapterId;
use std::collections::BTreeMap;

/// A value, as `NdisReadConfiguration` hands it out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RegistryValue {
    /// `REG_DWORD`.
    Integer(u32),
    /// `REG_SZ`.
    String(String),
    /// `REG_MULTI_SZ`.
    MultiString(Vec<String>),
    /// `REG_BINARY`.
    Binary(Vec<u8>),
}

/// The values of one driver.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Registry {
    /// The driver's own, by keyword; also those of an adapter that has none of this keyword.
    pub driver: BTreeMap<String, RegistryValue>,
    /// Those of its adapters, in the order of their ids.
    pub adapters: BTreeMap<AdapterId, BTreeMap<String, RegistryValue>>,
}

impl Registry {
    /// The value of `keyword`, whose case does not matter: of the driver's `adapter`-th adapter if one is given.
    pub fn find(&self, adapter: Option<usize>, keyword: &str) -> Option<&RegistryValue> {
        let of = |values: &'_ BTreeMap<String, RegistryValue>| {
            values.iter().find(|(name, _)| name.eq_ignore_ascii_case(keyword)).map(|(name, _)| name.clone())
        };
        let own = adapter
            .and_then(|number| self.adapters.values().nth(number.min(self.adapters.len().saturating_sub(1))));
        own.and_then(|values| values.get(&of(values)?)).or_else(|| self.driver.get(&of(&self.driver)?))
    }
}
