//! What an operator wants of a section.

use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::scope::Scope;
use super::section::Section;

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
    /// The wanted rules.
    pub rules: Vec<Rule>,
}

impl Desired {
    /// The section that `current` has to become. `denyAction` and `enableProxyMode` stay as they are. Wanted rules that are there already keep their
    /// place and their text, so that nothing is rewritten for its looks.
    pub fn target(&self, current: &Section) -> Section {
        let wanted = distinct(&self.rules);
        let rules = match self.existing {
            Existing::Replace => replaced(&wanted, &current.rules),
            Existing::Keep => kept(&wanted, &current.rules),
        };
        Section {
            allow_unlisted: self.unlisted == Unlisted::Allow,
            rules,
            ..current.clone()
        }
    }

    /// Whether a section that is in effect needs no change: it already means what [`target`](Self::target) would make of it.
    pub fn satisfied_by(&self, effective: &Section) -> bool {
        self.target(effective).same_meaning(effective)
    }
}

fn alike(a: &Rule, b: &Rule) -> bool {
    a.allowed == b.allowed && a.scope() == b.scope()
}

/// Drops rules that can never come to bear because an earlier one covers just the same clients; IIS would refuse most of them as duplicates.
fn distinct(rules: &[Rule]) -> Vec<Rule> {
    let mut seen: Vec<Scope> = Vec::with_capacity(rules.len());
    let mut kept = Vec::with_capacity(rules.len());
    for rule in rules {
        let scope = rule.scope();
        if scope == Scope::Nothing || !seen.contains(&scope) {
            kept.push(rule.clone());
        }
        seen.push(scope);
    }
    kept
}

fn replaced(wanted: &[Rule], current: &[Rule]) -> Vec<Rule> {
    let one_polarity = wanted.iter().all(|r| r.allowed) || wanted.iter().all(|r| !r.allowed);
    if !one_polarity {
        // Order decides, so it is the operator's; only the texts are taken over.
        return wanted
            .iter()
            .map(|w| current.iter().find(|c| alike(c, w)).unwrap_or(w).clone())
            .collect();
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(wanted.len());
    for rule in current {
        if wanted.iter().any(|w| alike(rule, w)) && !rules.iter().any(|r| alike(r, rule)) {
            rules.push(rule.clone());
        }
    }
    let missing: Vec<Rule> = wanted
        .iter()
        .filter(|w| !rules.iter().any(|r| alike(r, w)))
        .cloned()
        .collect();
    rules.extend(missing);
    rules
}

fn kept(wanted: &[Rule], current: &[Rule]) -> Vec<Rule> {
    // A rule for the same clients with the other decision is contradicted.
    let contradicted = |rule: &Rule| {
        wanted
            .iter()
            .any(|w| w.allowed != rule.allowed && w.scope() == rule.scope())
    };
    let mut rules: Vec<Rule> = current
        .iter()
        .filter(|rule| !contradicted(rule))
        .cloned()
        .collect();
    for want in wanted {
        // A rule of the other kind that covers some of the same clients must come later, or the wanted one would not be obeyed.
        let before = rules.iter().position(|r| {
            r.allowed != want.allowed
                && r.scope().overlaps(&want.scope())
                && !wanted.iter().any(|w| alike(w, r))
        });
        let at = rules.iter().position(|r| alike(r, want));
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
    rules
}

#[cfg(test)]
mod tests;
