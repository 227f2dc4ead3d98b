//! A number of servers: `2`, or `"25%"` of some total. Integers only: with floating point 58 % of 50 is 28.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

/// A number of servers, as a count or as a share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Quantity {
    /// So many.
    Count(u32),
    /// So many of a hundred, 0 to 100.
    Percent(u32),
}

impl Quantity {
    /// The number as a lower bound for `total` servers: a share is rounded up. A count stays as written, even above `total`.
    pub fn at_least_of(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => share(percent, total, 99),
        }
    }

    /// The number as an upper bound for `total` servers: a share is rounded down, but a positive share of a positive total is at least 1,
    /// since otherwise `"10%"` of five servers would never begin. A count stays as written, even above `total`.
    pub fn at_most_of(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => share(percent, total, 0).max(u32::from(percent > 0 && total > 0)),
        }
    }

    /// Whether it is 0 of whatever total.
    pub fn is_zero(self) -> bool {
        matches!(self, Self::Count(0) | Self::Percent(0))
    }
}

/// `percent` of `total`, after adding `carry` hundredths; 64 bits hold the product of any two 32-bit numbers.
fn share(percent: u32, total: u32, carry: u64) -> u32 {
    let hundredths = u64::from(percent) * u64::from(total) + carry;
    u32::try_from(hundredths / 100).unwrap_or(u32::MAX)
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for Quantity {
    type Err = Error;

    /// Reads `25%` or `2`: decimal digits only, a percentage of at most 100.
    fn from_str(text: &str) -> Result<Self, Error> {
        let unreadable = || Error::Quantity {
            found: text.to_owned(),
        };
        let (digits, percent) = match text.strip_suffix('%') {
            Some(digits) => (digits.trim_end(), true),
            None => (text, false),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(unreadable());
        }
        let number: u32 = digits.parse().map_err(|_| unreadable())?;
        match percent {
            false => Ok(Self::Count(number)),
            true if number <= 100 => Ok(Self::Percent(number)),
            true => Err(Error::PercentTooLarge { found: number }),
        }
    }
}

impl Serialize for Quantity {
    /// As in TOML: a count is a number, a share is text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsWritten;
        impl Visitor<'_> for AsWritten {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number such as 2, or text such as \"25%\"")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
                u32::try_from(number).map(Quantity::Count).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
                u32::try_from(number).map(Quantity::Count).map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(AsWritten)
    }
}

#[cfg(test)]
mod tests;
