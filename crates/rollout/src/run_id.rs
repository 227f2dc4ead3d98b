//! How a run is called.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The run's name: date, time and four hexadecimal digits, e.g. `20261124-0214-7f3a`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Wraps a name. Only ASCII letters, digits and hyphens are kept, since the name becomes a folder's and a backup's name.
    pub fn new(text: &str) -> Self {
        Self(
            text.chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
                .collect(),
        )
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
