//! The whole section at one place of the configuration.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::meaning;
use super::rule::Rule;
use crate::Error;

/// What a denied client gets. IIS 8.0 and later only; before, it is always 403.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum DenyAction {
    /// The connection is dropped, and nothing is logged.
    AbortRequest,
    /// 401: clients ask for a password again. Never a good idea for ActiveSync.
    Unauthorized,
    /// 403, the default.
    Forbidden,
    /// 404.
    NotFound,
}

impl DenyAction {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::AbortRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
    ];

    /// The word of the playbook, e.g. `not_found`; [`Display`](fmt::Display) writes IIS's own.
    pub fn word(self) -> &'static str {
        match self {
            Self::AbortRequest => "abort_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
        }
    }
}

impl fmt::Display for DenyAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AbortRequest => "AbortRequest",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
        })
    }
}

impl FromStr for DenyAction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        all.find(|action| action.to_string().eq_ignore_ascii_case(text))
            .ok_or_else(|| Error::BadAttribute {
                attribute: "denyAction",
                expected: "AbortRequest, Unauthorized, Forbidden or NotFound",
                found: text.to_owned(),
            })
    }
}

/// The section as it stands at one place, or as it takes effect there.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Section {
    /// Who is not listed may come in. True where nothing is written.
    #[serde(default = "yes")]
    pub allow_unlisted: bool,
    /// What a denied client gets; `None` where nothing is written, which means `Forbidden`.
    #[serde(default)]
    pub deny_action: Option<DenyAction>,
    /// Whether addresses in `X-Forwarded-For` are judged too; `None` where nothing is written, which means no.
    #[serde(default)]
    pub enable_proxy_mode: Option<bool>,
    /// The entries, from the top.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

fn yes() -> bool {
    true
}

impl Default for Section {
    /// Open: everybody may come in.
    fn default() -> Self {
        Self {
            allow_unlisted: true,
            deny_action: None,
            enable_proxy_mode: None,
            rules: Vec::new(),
        }
    }
}

impl Section {
    /// What a denied client gets, whether it is written or not.
    pub fn denial(&self) -> DenyAction {
        self.deny_action.unwrap_or(DenyAction::Forbidden)
    }

    /// Whether addresses in `X-Forwarded-For` are judged too, whether it is written or not.
    pub fn is_in_proxy_mode(&self) -> bool {
        self.enable_proxy_mode.unwrap_or(false)
    }

    /// Whether a client may come in: the first rule that covers its address decides, `allow_unlisted` for all others. IPv4 addresses mapped into
    /// IPv6 count as IPv4. Domain rules are passed over, since whom they cover cannot be known here; so is proxy mode.
    pub fn allows(&self, client: IpAddr) -> bool {
        self.rules
            .iter()
            .find(|rule| rule.scope().contains(client))
            .map_or(self.allow_unlisted, |rule| rule.allowed)
    }

    /// Whether both treat every client alike, however they are written: masks as numbers or dotted, rules that never come to bear, the order of
    /// rules where it makes no difference, defaults spelled out or not. Domain rules and masks with holes must be the same on both sides.
    pub fn same_meaning(&self, other: &Self) -> bool {
        self.denial() == other.denial()
            && self.is_in_proxy_mode() == other.is_in_proxy_mode()
            && meaning::same_decisions(self, other)
    }
}

#[cfg(test)]
pub(super) mod tests;
