//! Which Exchange a server runs, from what its setup left in the registry.
//!
//! The key `HKLM\SOFTWARE\Microsoft\ExchangeServer\v15\Setup` (`v14` for Exchange 2010) with the numbers `MsiProductMajor`, `MsiProductMinor`, `MsiBuildMajor` and
//! `MsiBuildMinor` is what administrators' scripts read and what Exchange's own setup checks name. Not confirmed on a live server: which build
//! number separates the Subscription Edition from 2019, and that a security update (which leaves `MsiBuildMinor` alone) shows nowhere here.

use std::fmt;

use command::Invocation;
use iis::registry::{self, Values};
use serde::{Deserialize, Serialize};

/// Where setup of 2013 and later leaves its numbers.
pub const SETUP_KEY: &str = r"HKLM\SOFTWARE\Microsoft\ExchangeServer\v15\Setup";

/// Where setup of 2010 leaves them.
pub const SETUP_KEY_2010: &str = r"HKLM\SOFTWARE\Microsoft\ExchangeServer\v14\Setup";

/// A release of Exchange Server.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// 14.x.
    Exchange2010,
    /// 15.0.
    Exchange2013,
    /// 15.1.
    Exchange2016,
    /// 15.2, before the Subscription Edition.
    Exchange2019,
    /// 15.2 from build 2562 on (not confirmed on a live server).
    SubscriptionEdition,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exchange2010 => "Exchange 2010",
            Self::Exchange2013 => "Exchange 2013",
            Self::Exchange2016 => "Exchange 2016",
            Self::Exchange2019 => "Exchange 2019",
            Self::SubscriptionEdition => "Exchange SE",
        })
    }
}

/// A version number in four parts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Version {
    /// `MsiProductMajor`.
    pub major: u32,
    /// `MsiProductMinor`.
    pub minor: u32,
    /// `MsiBuildMajor`.
    pub build: u32,
    /// `MsiBuildMinor`.
    pub revision: u32,
}

impl Version {
    /// From the values of the setup key; `None` when one of the numbers is missing.
    pub fn from_setup(values: &Values) -> Option<Self> {
        Some(Self {
            major: values.number("MsiProductMajor")?,
            minor: values.number("MsiProductMinor")?,
            build: values.number("MsiBuildMajor")?,
            revision: values.number("MsiBuildMinor")?,
        })
    }

    /// The release that this is a version of; `None` for one that is not known here.
    pub fn product(&self) -> Option<Product> {
        match (self.major, self.minor) {
            (14, _) => Some(Product::Exchange2010),
            (15, 0) => Some(Product::Exchange2013),
            (15, 1) => Some(Product::Exchange2016),
            (15, 2) if self.build >= 2562 => Some(Product::SubscriptionEdition),
            (15, 2) => Some(Product::Exchange2019),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}.{}",
            self.major, self.minor, self.build, self.revision
        )
    }
}

/// Reads the version below a setup key: [`SETUP_KEY`] first, then [`SETUP_KEY_2010`]. `None` means that there is no such Exchange, or that its setup
/// did not finish.
///
/// # Errors
/// [`iis::Error`] for what is no registry key.
pub fn query(setup_key: &str) -> Result<Invocation<Result<Option<Version>, iis::Error>>, iis::Error> {
    let read = registry::query_key(setup_key)?;
    Ok(read.map(|values| Ok(values?.as_ref().and_then(Version::from_setup))))
}

#[cfg(test)]
mod tests {
    use command::Output;

    use super::{Product, SETUP_KEY, SETUP_KEY_2010, Version, query};

    fn printed(stdout: &str) -> Output {
        Output {
            exit_code: 0,
            stdout: stdout.into(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn the_registry_tells_the_version() {
        let line = |key| query(key).unwrap().line().to_string();
        assert_eq!(
            line(SETUP_KEY),
            r"reg query HKLM\SOFTWARE\Microsoft\ExchangeServer\v15\Setup"
        );
        assert_eq!(
            line(SETUP_KEY_2010),
            r"reg query HKLM\SOFTWARE\Microsoft\ExchangeServer\v14\Setup"
        );
        let query = query(SETUP_KEY).unwrap();
        let stdout = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\ExchangeServer\\v15\\Setup\r\n\
            \x20   MsiInstallPath    REG_SZ    C:\\Program Files\\Microsoft\\Exchange Server\\V15\\\r\n\
            \x20   MsiProductMajor    REG_DWORD    0xf\r\n    MsiProductMinor    REG_DWORD    0x2\r\n\
            \x20   MsiBuildMajor    REG_DWORD    0x6d4\r\n    MsiBuildMinor    REG_DWORD    0xa\r\n\r\n";
        let version = query.parse(&printed(stdout)).unwrap().unwrap();
        assert_eq!(
            (version.to_string().as_str(), version.product()),
            ("15.2.1748.10", Some(Product::Exchange2019))
        );
        assert_eq!(
            query.parse(&printed("\r\nHKEY_LOCAL_MACHINE\\X\r\n")),
            Ok(None),
            "setup did not finish"
        );
        assert_eq!(
            query.parse(&Output {
                exit_code: 1,
                ..Output::default()
            }),
            Ok(None)
        );
        assert_eq!(
            query
                .parse(&Output {
                    exit_code: 5,
                    ..Output::default()
                })
                .unwrap_err()
                .exit_code(),
            Some(5)
        );
    }

    #[test]
    fn numbers_become_names() {
        for (major, minor, build, name) in [
            (14, 3, 513, Some("Exchange 2010")),
            (15, 0, 1497, Some("Exchange 2013")),
            (15, 1, 2507, Some("Exchange 2016")),
            (15, 2, 1544, Some("Exchange 2019")),
            (15, 2, 2562, Some("Exchange SE")),
            (8, 3, 0, None),
        ] {
            let version = Version {
                major,
                minor,
                build,
                revision: 0,
            };
            assert_eq!(
                version.product().map(|p| p.to_string()).as_deref(),
                name,
                "{version}"
            );
        }
    }
}
