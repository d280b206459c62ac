//! The small vocabularies that every table uses: areas, roles, strengths, and how a breach can be seen.

use core::fmt;
use core::str::FromStr;

/// A word that is not in the vocabulary it was read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// What was looked for, for example "area".
    pub what: &'static str,
    /// Every word that would have been accepted.
    pub known: &'static [&'static str],
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {} {}; known: ", article(self.what), self.what)?;
        for (index, name) in self.known.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownName {}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Declares an enum whose variants are written as words in the contract files.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident, $what:literal, { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the declaration.
            pub const ALL: &[$name] = &[$($name::$variant,)+];
            const WORDS: &[&str] = &[$($word,)+];

            /// The word that the contract files use.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(word: &str) -> Result<Self, UnknownName> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err(UnknownName { what: $what, known: $name::WORDS }),
                }
            }
        }
    };
}

vocabulary! {
    /// A part of the subject; the first word of every rule id.
    Area, "area", {
        /// Driver registration, optional handlers, unload.
        Registration = "registration",
        /// Binding, opening adapters, initialise and halt, pause and restart, PnP and power.
        Binding = "binding",
        /// Address families.
        Af = "af",
        /// Service access points.
        Sap = "sap",
        /// Virtual connections.
        Vc = "vc",
        /// Calls and quality of service.
        Call = "call",
        /// Multipoint parties.
        Party = "party",
        /// OID requests.
        Oid = "oid",
        /// Sending and receiving.
        Data = "data",
        /// Status indications.
        Status = "status",
        /// CoNDIS WAN and the TAPI proxy.
        Tapi = "tapi",
        /// The kernel below NDIS: faults, IRQL, locks, waits, pool, timers, work items.
        Kernel = "kernel",
    }
}

vocabulary! {
    /// Who a driver is towards NDIS. One driver can hold several.
    Role, "role", {
        /// A connection-oriented client.
        Client = "client",
        /// A stand-alone call manager.
        Cm = "cm",
        /// A miniport call manager.
        Mcm = "mcm",
        /// A connection-oriented miniport.
        Miniport = "miniport",
        /// NDIS itself. Rules that bind it are judged by our own tests.
        Ndis = "ndis",
    }
}

vocabulary! {
    /// How strongly a page words an obligation.
    Strength, "strength", {
        /// The page says must, or calls the opposite an error.
        Must = "must",
        /// The page recommends.
        Should = "should",
    }
}

vocabulary! {
    /// How a breach of a rule can be seen.
    Detect, "way of detection", {
        /// At the call that offends.
        RuntimeSafety = "runtime-safety",
        /// At quiescence or unload, when something owed has not happened.
        RuntimeLiveness = "runtime-liveness",
        /// In the parameters of a call.
        Argument = "argument",
        /// In the interrupt request level of a call.
        Irql = "irql",
        /// Not while the driver runs.
        Static = "static",
    }
}
