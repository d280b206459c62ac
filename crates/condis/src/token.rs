//! A replay token: one execution as a word that a person can copy.
//!
//! `VERSION:DRIVERS:SCENARIO:SCHEDULE`, where `DRIVERS` is a digest per driver file, joined with dots, `SCENARIO` a digest of
//! everything else that an execution depends on, and `SCHEDULE` the engine's. A token for anything else is refused with the
//! reason, instead of replaying some other execution.

use crate::plan::{Body, Plan};
use engine::{ParseScheduleError, Schedule};
use std::fmt;
use std::str::FromStr;

/// One execution of one plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    version: String,
    drivers: Vec<u32>,
    scenario: u32,
    /// The order.
    pub schedule: Schedule,
}

/// Why a token is not for this run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mismatch {
    /// Another version of condis made it.
    Version {
        /// That version.
        token: String,
    },
    /// It is for another number of driver files.
    DriverCount {
        /// How many.
        token: usize,
        /// How many there are.
        plan: usize,
    },
    /// A driver file is another build than the one it was made with.
    Driver {
        /// What the trace calls the driver.
        name: String,
    },
    /// The scenario, the stop order or another option differs.
    Scenario,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Version { token } => {
                write!(f, "the token was made by condis {token}, this is {}", env!("CARGO_PKG_VERSION"))
            }
            Mismatch::DriverCount { token, plan } => {
                write!(f, "the token is for {token} driver files, and {plan} are given")
            }
            Mismatch::Driver { name } => {
                write!(f, "the driver `{name}` is another build than the one the token was made with")
            }
            Mismatch::Scenario => f.write_str("the token was made with another scenario or other options"),
        }
    }
}

impl std::error::Error for Mismatch {}

impl Token {
    /// The token of an execution of `plan`.
    pub fn new(plan: &Plan, schedule: Schedule) -> Token {
        Token {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            drivers: driver_digests(plan).map(|(_, digest)| digest).collect(),
            scenario: fold(plan.digest()),
            schedule,
        }
    }

    /// Whether this token is for `plan`.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&self, plan: &Plan) -> Result<(), Mismatch> {
        if self.version != env!("CARGO_PKG_VERSION") {
            return Err(Mismatch::Version { token: self.version.clone() });
        }
        let ours: Vec<(&str, u32)> = driver_digests(plan).collect();
        if ours.len() != self.drivers.len() {
            return Err(Mismatch::DriverCount { token: self.drivers.len(), plan: ours.len() });
        }
        if let Some(((name, _), _)) =
            ours.iter().zip(&self.drivers).find(|((_, ours), theirs)| ours != *theirs)
        {
            return Err(Mismatch::Driver { name: (*name).to_owned() });
        }
        if fold(plan.digest()) != self.scenario {
            return Err(Mismatch::Scenario);
        }
        Ok(())
    }
}

/// The driver files of a plan in their order, with their digests.
fn driver_digests(plan: &Plan) -> impl Iterator<Item = (&str, u32)> {
    plan.drivers.iter().filter_map(|driver| match &driver.body {
        Body::Native(file) => Some((driver.name.as_str(), fold(file.digest))),
        Body::Builtin(_) | Body::Rust(_) => None,
    })
}

/// Half as many digits are enough to tell builds apart.
fn fold(digest: u64) -> u32 {
    (digest >> 32) as u32 ^ digest as u32
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.version)?;
        for (index, digest) in self.drivers.iter().enumerate() {
            write!(f, "{}{digest:08x}", if index > 0 { "." } else { "" })?;
        }
        write!(f, ":{:08x}:{}", self.scenario, self.schedule)
    }
}

/// Why a text is not a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseTokenError {
    /// It has not the four parts.
    Parts,
    /// A digest is not eight hexadecimal digits.
    Digest,
    /// The schedule is damaged.
    Schedule(ParseScheduleError),
}

impl fmt::Display for ParseTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseTokenError::Parts => {
                f.write_str("a token has four parts, VERSION:DRIVERS:SCENARIO:SCHEDULE")
            }
            ParseTokenError::Digest => f.write_str("a digest in a token has eight hexadecimal digits"),
            ParseTokenError::Schedule(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ParseTokenError {}

impl FromStr for Token {
    type Err = ParseTokenError;

    fn from_str(text: &str) -> Result<Token, ParseTokenError> {
        let mut parts = text.splitn(4, ':');
        let mut part = || parts.next().ok_or(ParseTokenError::Parts);
        let (version, drivers, scenario, schedule) = (part()?, part()?, part()?, part()?);
        let drivers =
            drivers.split('.').filter(|digest| !digest.is_empty()).map(digest).collect::<Result<_, _>>()?;
        let schedule = schedule.parse().map_err(ParseTokenError::Schedule)?;
        Ok(Token { version: version.to_owned(), drivers, scenario: digest(scenario)?, schedule })
    }
}

fn digest(text: &str) -> Result<u32, ParseTokenError> {
    let sound = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    sound.then(|| u32::from_str_radix(text, 16).ok()).flatten().ok_or(ParseTokenError::Digest)
}
