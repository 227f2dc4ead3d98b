//! Which servers: `@eas and not cas07`, `cas0*`, `all`. What matches nothing is an error, never an empty run.

mod parse;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::fleet::Inventory;
use crate::name::{PoolName, ServerName};

/// A checked selector that remembers its text.
///
/// `or` binds weakest, then `and`, then `not`; parentheses group. A term is `all`, `@pool`, a server's name, or a name with `*`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector {
    text: String,
    root: Node,
}

/// A parsed selector.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Node {
    All,
    Pool(PoolName),
    Server(ServerName),
    Pattern(String),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
}

impl Selector {
    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The selected servers, by name. A name that the inventory does not know is an error even where it would not change the result (a typo
    /// behind `not` would let through the very server that was meant to be spared), and so is a selection of nobody.
    pub fn resolve(&self, inventory: &Inventory) -> Result<Vec<ServerName>, Error> {
        let selected = self.root.eval(inventory)?;
        if selected.is_empty() {
            return Err(Error::NothingSelected {
                selector: self.text.clone(),
            });
        }
        Ok(selected.into_iter().cloned().collect())
    }
}

impl Node {
    fn eval<'a>(&self, inventory: &'a Inventory) -> Result<BTreeSet<&'a ServerName>, Error> {
        Ok(match self {
            Self::All => inventory.servers.keys().collect(),
            Self::Pool(pool) => {
                if !inventory.pools.contains_key(pool) {
                    return Err(Error::UnknownPool { name: pool.clone() });
                }
                inventory
                    .servers
                    .values()
                    .filter(|s| s.pool.as_ref() == Some(pool))
                    .map(|s| &s.name)
                    .collect()
            }
            Self::Server(name) => match inventory.servers.get_key_value(name) {
                Some((name, _)) => BTreeSet::from([name]),
                None => return Err(Error::UnknownServer { name: name.clone() }),
            },
            Self::Pattern(pattern) => {
                let matching: BTreeSet<_> = inventory
                    .servers
                    .keys()
                    .filter(|name| matches(pattern, name.as_str()))
                    .collect();
                if matching.is_empty() {
                    return Err(Error::PatternMatchesNothing {
                        pattern: pattern.clone(),
                    });
                }
                matching
            }
            Self::Not(inner) => {
                let spared = inner.eval(inventory)?;
                inventory
                    .servers
                    .keys()
                    .filter(|name| !spared.contains(name))
                    .collect()
            }
            Self::And(left, right) => {
                let right = right.eval(inventory)?;
                left.eval(inventory)?
                    .into_iter()
                    .filter(|name| right.contains(name))
                    .collect()
            }
            Self::Or(left, right) => {
                let mut either = left.eval(inventory)?;
                either.extend(right.eval(inventory)?);
                either
            }
        })
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters, an empty one included.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        if let Some(middle) = last.replace(piece) {
            match rest.find(middle) {
                Some(at) => rest = &rest[at + middle.len()..],
                None => return false,
            }
        }
    }
    match last {
        Some(end) => rest.ends_with(end),
        None => rest.is_empty(),
    }
}

impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Selector {}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(Self {
            text: text.to_owned(),
            root: parse::parse(text)?,
        })
    }
}

impl TryFrom<String> for Selector {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.text
    }
}

#[cfg(test)]
mod tests;
