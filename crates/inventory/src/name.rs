//! Names that must not be mixed up: of servers, of pools, of vantages.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // `pad`, so that columns of names line up with `{:<12}`.
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

name! {
    /// A server's name in the inventory: the `cas01` of `[server.cas01]`. Not its address.
    ServerName
}
name! {
    /// A pool's name in the inventory: the `eas` of `[pool.eas]` and of the selector `@eas`.
    PoolName
}
name! {
    /// A vantage's name in the inventory: the `sentry1` of `[vantage.sentry1]`.
    VantageName
}

/// Whether a text can be a name in an inventory: ASCII letters, digits, `.`, `_` and `-`, not beginning with `-` or `.`, at most 63 long.
pub(crate) fn is_valid(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}
