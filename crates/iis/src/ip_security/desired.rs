//! What an operator wants of a section.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::scope::Scope;
use super::section::{DenyAction, Section};

/// What happens to clients that no rule lists.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// They may come in.
    Allow,
    /// They are denied.
    Deny,
}

/// What happens to rules that are there already.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// They go; only the wanted rules stay.
    Replace,
    /// They stay, as far as they do not contradict the wanted ones.
    Keep,
}

/// What an operator wants of a section.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Desired {
    /// What happens to clients that no rule lists.
    pub unlisted: Unlisted,
    /// What happens to rules that are there already.
    pub existing: Existing,
    /// What a denied client gets; `None` leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_action: Option<DenyAction>,
    /// Whether addresses in `X-Forwarded-For` are judged too; `None` leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_mode: Option<bool>,
    /// The wanted rules.
    pub rules: Vec<Rule>,
}

impl Desired {
    /// The section that `current` has to become. `denyAction` and `enableProxyMode` stay as they are where nothing is
    /// wanted of them, or what is wanted is so already, be it unwritten. Wanted rules that are there already keep their
    /// place and their text, so that nothing is rewritten for its looks.
    pub fn target(&self, current: &Section) -> Section {
        let wanted = distinct(&self.rules);
        let rules = match self.existing {
            Existing::Replace => replaced(&wanted, &current.rules),
            Existing::Keep => kept(&wanted, &current.rules),
        };
        Section {
            allow_unlisted: self.unlisted == Unlisted::Allow,
            deny_action: self
                .deny_action
                .filter(|action| *action != current.denial())
                .or(current.deny_action),
            enable_proxy_mode: self
                .proxy_mode
                .filter(|on| *on != current.is_in_proxy_mode())
                .or(current.enable_proxy_mode),
            rules,
        }
    }

    /// Whether a section that is in effect needs no change: it already means what [`target`](Self::target) would make of it.
    pub fn satisfied_by(&self, effective: &Section) -> bool {
        self.target(effective).same_meaning(effective)
    }
}

/// A rule, and whom it covers: read from its texts once, since lists are long.
#[derive(Clone)]
struct Scoped<'a> {
    rule: &'a Rule,
    scope: Scope,
}

impl Scoped<'_> {
    /// Whether a rule does the same: its scope and its decision.
    fn effect(&self) -> (&Scope, bool) {
        (&self.scope, self.rule.allowed)
    }
}

fn scoped(rules: &[Rule]) -> Vec<Scoped<'_>> {
    let of = |rule| Scoped {
        scope: Rule::scope(rule),
        rule,
    };
    rules.iter().map(of).collect()
}

/// Drops rules that can never come to bear because an earlier one covers just the same clients; IIS would refuse most of them as duplicates.
fn distinct(rules: &[Rule]) -> Vec<Scoped<'_>> {
    let mut seen = HashSet::with_capacity(rules.len());
    let mut kept = scoped(rules);
    kept.retain(|rule| seen.insert(rule.scope.clone()) || rule.scope == Scope::Nothing);
    kept
}

fn replaced(wanted: &[Scoped<'_>], current: &[Rule]) -> Vec<Rule> {
    let current = scoped(current);
    let mut there = HashMap::with_capacity(current.len());
    for rule in &current {
        there.entry(rule.effect()).or_insert(rule.rule);
    }
    let one_polarity = wanted.iter().all(|w| w.rule.allowed) || wanted.iter().all(|w| !w.rule.allowed);
    if !one_polarity {
        // Order decides, so it is the operator's; only the texts are taken over.
        return wanted
            .iter()
            .map(|want| (*there.get(&want.effect()).unwrap_or(&want.rule)).clone())
            .collect();
    }
    let wishes: HashSet<_> = wanted.iter().map(Scoped::effect).collect();
    let mut taken = HashSet::with_capacity(wanted.len());
    let staying = current
        .iter()
        .filter(|rule| wishes.contains(&rule.effect()) && taken.insert(rule.effect()));
    let mut rules: Vec<Rule> = staying.map(|rule| rule.rule.clone()).collect();
    let missing = wanted.iter().filter(|want| taken.insert(want.effect()));
    rules.extend(missing.map(|want| want.rule.clone()));
    rules
}

fn kept(wanted: &[Scoped<'_>], current: &[Rule]) -> Vec<Rule> {
    let wishes: HashSet<_> = wanted.iter().map(Scoped::effect).collect();
    // A rule for the same clients with the other decision is contradicted.
    let mut rules = scoped(current);
    rules.retain(|rule| !wishes.contains(&(&rule.scope, !rule.rule.allowed)));
    for want in wanted {
        // A rule of the other kind that covers some of the same clients must come later, or the wanted one would not be obeyed.
        let before = rules.iter().position(|rule| {
            rule.rule.allowed != want.rule.allowed
                && rule.scope.overlaps(&want.scope)
                && !wishes.contains(&rule.effect())
        });
        let at = rules.iter().position(|rule| rule.effect() == want.effect());
        match (at, before) {
            (Some(at), Some(before)) if before < at => {
                let rule = rules.remove(at);
                rules.insert(before, rule);
            }
            (Some(_), _) => {}
            (None, Some(before)) => rules.insert(before, want.clone()),
            (None, None) => rules.push(want.clone()),
        }
    }
    rules.into_iter().map(|rule| rule.rule.clone()).collect()
}

#[cfg(test)]
mod tests;
