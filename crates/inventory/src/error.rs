//! What can be wrong with a text that stands for one value.

use crate::name::{PoolName, ServerName};

/// What can be wrong with a text that stands for one value. Whole files answer with [`Diagnostic`](crate::Diagnostic)s instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// Not a quantity.
    #[error("expected a number such as `2` or a share such as `25%`, found `{found}`")]
    Quantity {
        /// The text.
        found: String,
    },
    /// A share of more than everything.
    #[error("expected a share of at most 100%, found {found}%")]
    PercentTooLarge {
        /// The number.
        found: u32,
    },
    /// Not a duration.
    #[error("expected a duration such as `60s`, `10m` or `1h 30m`, found `{found}`")]
    Duration {
        /// The text.
        found: String,
    },
    /// A selector without any word.
    #[error("the selector is empty")]
    EmptySelector,
    /// A selector that does not parse.
    #[error("expected {expected}, found `{found}`")]
    Selector {
        /// What could have stood there.
        expected: &'static str,
        /// What stood there.
        found: String,
    },
    /// Parentheses and `not` too deep.
    #[error("the selector nests deeper than {limit} levels")]
    SelectorTooDeep {
        /// The limit.
        limit: usize,
    },
    /// Too many words.
    #[error("the selector has more than {limit} words")]
    SelectorTooLong {
        /// The limit.
        limit: usize,
    },
    /// A selector names a pool that the inventory does not have.
    #[error("the inventory has no pool `{name}`")]
    UnknownPool {
        /// The pool.
        name: PoolName,
    },
    /// A selector names a server that the inventory does not have.
    #[error("the inventory has no server `{name}`")]
    UnknownServer {
        /// The server.
        name: ServerName,
    },
    /// A pattern that fits no server.
    #[error("no server's name matches `{pattern}`")]
    PatternMatchesNothing {
        /// The pattern.
        pattern: String,
    },
    /// A selection of nobody.
    #[error("`{selector}` selects no server of this inventory")]
    NothingSelected {
        /// The selector.
        selector: String,
    },
}
