//! What takes effect at an application, from what is written at the server, at its site and at the application itself.
//!
//! Inherited entries come first and a child's are appended; `remove` and `clear` take inherited entries away, and an attribute that a child writes
//! takes the place of its parent's. A parent's `allowUnlisted="false"` is such an attribute: `clear` does not take it back ("IP Security
//! `<ipSecurity>`", IIS documentation). On a server appcmd is asked for the section in effect; this is for files, and for what a server would say.

use super::rule::Rule;
use super::section::{DenyAction, Section};
use crate::Error;

/// What one `ipSecurity` element writes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Level {
    /// `allowUnlisted`, where it is written.
    pub allow_unlisted: Option<bool>,
    /// `denyAction`, where it is written.
    pub deny_action: Option<DenyAction>,
    /// `enableProxyMode`, where it is written.
    pub enable_proxy_mode: Option<bool>,
    /// Its elements in their order.
    pub directives: Vec<Directive>,
}

/// One element of the list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Directive {
    /// `add`.
    Add(Rule),
    /// `remove`, by the key of this rule.
    Remove(Rule),
    /// `clear`: everything above is gone.
    Clear,
}

/// The section in effect below these levels, the server's first.
///
/// # Errors
/// [`Error::DuplicateRule`] when a level adds an entry that is there already, its own or an inherited one: IIS answers 500.19 then.
pub fn inherited(levels: &[Level]) -> Result<Section, Error> {
    let mut section = Section::default();
    let mut keys = std::collections::HashSet::new();
    for level in levels {
        section.allow_unlisted = level.allow_unlisted.unwrap_or(section.allow_unlisted);
        section.deny_action = level.deny_action.or(section.deny_action);
        section.enable_proxy_mode = level.enable_proxy_mode.or(section.enable_proxy_mode);
        for directive in &level.directives {
            match directive {
                Directive::Add(rule) if keys.insert(rule.key()) => section.rules.push(rule.clone()),
                Directive::Add(rule) => {
                    return Err(Error::DuplicateRule {
                        rule: rule.to_string(),
                    });
                }
                Directive::Remove(rule) => {
                    if keys.remove(&rule.key()) {
                        section.rules.retain(|other| !other.has_key_of(rule));
                    }
                }
                Directive::Clear => {
                    keys.clear();
                    section.rules.clear();
                }
            }
        }
    }
    Ok(section)
}

#[cfg(test)]
mod tests;
