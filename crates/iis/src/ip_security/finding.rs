//! What is odd about a list of rules, whoever wrote it: found by what the rules mean, not by how they look.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address_set::effective;
use super::rule::Rule;
use super::scope::Scope;
use super::section::Section;
use super::side_by_side::{Ground, List, Numbers};

/// More rules than this are more than Microsoft's own Exchange script writes (CSS-Exchange, `Get-IPRangeAllowListFromFile`).
const MANY_RULES: usize = 500;

/// The fewest bits that an allowance fixes which is not called broad: a /16, and what a registry gives to one provider.
const BROADEST_V4: u32 = 16;
const BROADEST_V6: u32 = 32;

/// What kind of finding.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FindingKind {
    /// The same entry, or the same clients, allowed and denied. With the same texts IIS refuses the section.
    Contradicting,
    /// The same clients and the same decision twice, in the same texts or in others.
    Duplicate,
    /// It never decides: rules in front of it cover all of its clients.
    Shadowed,
    /// A rule behind it decides alike for all of its clients.
    Covered,
    /// Neither an address with a mask nor a domain.
    CoversNobody,
    /// Bits of the address beyond the mask.
    HostBits,
    /// A mask whose bits are not all at its beginning, such as a wildcard mask.
    HoledMask,
    /// All addresses of a family are allowed.
    Everybody,
    /// An allowance that is hardly a restriction.
    Broad,
    /// One of the two loopback addresses is allowed and the other denied.
    OneFamily,
    /// A domain name: it needs `enableReverseDns`, and what it covers is up to whoever answers reverse lookups.
    DomainName,
    /// More than 500 rules.
    ManyRules,
}

/// Something odd about a list of rules.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What kind of finding.
    pub kind: FindingKind,
    /// The rule that it is about, counted from 0; `None` where it is about the whole list.
    pub rule: Option<usize>,
    /// The rule that is the reason, where it is a single one.
    pub other: Option<usize>,
    text: String,
}

impl fmt::Display for Finding {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is odd about a section's rules, in their order. Rules that need too much work to be compared (see [`effective`]) are only looked at one by
/// one.
pub fn findings(section: &Section) -> Vec<Finding> {
    let mut numbers = Numbers::default();
    let list = numbers.list(section);
    let mut found: Vec<Finding> = Vec::new();
    for (at, rule) in section.rules.iter().enumerate() {
        found.extend(alone(rule).map(|(kind, text)| Finding {
            kind,
            rule: Some(at),
            other: None,
            text,
        }));
    }
    let mut repeated = Repeated::default();
    for at in 0..section.rules.len() {
        found.extend(repeated.look(section, &list, at));
    }
    if let Ok(ground) = numbers.ground(0) {
        found.extend(Use::of(&ground, &list, &repeated).findings(section));
    }
    found.extend(one_family(section));
    if section.rules.len() > MANY_RULES {
        found.push(Finding {
            kind: FindingKind::ManyRules,
            rule: None,
            other: None,
            text: format!(
                "{} rules: more than {MANY_RULES} are slow, and nobody reads them",
                section.rules.len()
            ),
        });
    }
    found.sort_by_key(|finding| finding.rule.map_or((1, 0), |rule| (0, rule)));
    found
}

/// What one rule shows by itself.
fn alone(rule: &Rule) -> impl Iterator<Item = (FindingKind, String)> {
    let scope = rule.scope();
    let mut found = Vec::new();
    let (bits, broadest, family) = match scope {
        Scope::V4 { mask, .. } => (mask.count_ones(), BROADEST_V4, "IPv4"),
        Scope::V6 { mask, .. } => (mask.count_ones(), BROADEST_V6, "IPv6"),
        Scope::Domain(_) => {
            let text = format!(
                "`{rule}` needs enableReverseDns, and whoever answers for an address chooses its name"
            );
            return vec![(FindingKind::DomainName, text)].into_iter();
        }
        Scope::Nothing => {
            return vec![(
                FindingKind::CoversNobody,
                format!("`{rule}` is no address with a mask: it covers nobody"),
            )]
            .into_iter();
        }
    };
    if scope.network().is_none() {
        let text = format!(
            "`{rule}` has a mask with holes: was {} meant?",
            rule.likely_mask()
        );
        found.push((FindingKind::HoledMask, text));
    } else if scope.has_host_bits(&rule.ip_address) {
        let written = rule.as_written();
        found.push((
            FindingKind::HostBits,
            format!("`{written}` has bits beyond its mask: IIS reads `{rule}`"),
        ));
    }
    if rule.allowed && bits == 0 {
        found.push((
            FindingKind::Everybody,
            format!("`{rule}` lets in all {family} addresses"),
        ));
    } else if rule.allowed && bits < broadest {
        let text = format!("`{rule}` is broader than /{broadest}: hardly a restriction");
        found.push((FindingKind::Broad, text));
    }
    found.into_iter()
}

/// Rules that cover the same clients as an earlier one.
#[derive(Default)]
struct Repeated {
    first_with_scope: HashMap<usize, usize>,
    first_with_key: HashMap<usize, usize>,
}

impl Repeated {
    fn look(&mut self, section: &Section, list: &List, at: usize) -> Option<Finding> {
        let (entry, rule) = (list.entries[at], &section.rules[at]);
        let same_key = *self.first_with_key.entry(entry.key).or_insert(at);
        let same_scope = entry
            .scope
            .map_or(at, |scope| *self.first_with_scope.entry(scope).or_insert(at));
        let other = same_key.min(same_scope);
        let earlier = section.rules.get(other).filter(|_| other < at)?;
        let (kind, text) = match (same_key < at, earlier.allowed == rule.allowed) {
            (true, false) => (
                FindingKind::Contradicting,
                format!("`{rule}` has the key of `{earlier}`: IIS refuses both together (500.19)"),
            ),
            (true, true) => (
                FindingKind::Duplicate,
                format!("`{rule}` is written twice: IIS refuses such a section (500.19)"),
            ),
            (false, false) => (
                FindingKind::Contradicting,
                format!("`{rule}` contradicts `{earlier}`, which comes first and decides"),
            ),
            (false, true) => (
                FindingKind::Duplicate,
                format!(
                    "`{rule}` is there twice, as {} and as {}",
                    earlier.as_written(),
                    rule.as_written()
                ),
            ),
        };
        Some(Finding {
            kind,
            rule: Some(at),
            other: Some(other),
            text,
        })
    }

    fn is_first(&self, at: usize, scope: usize) -> bool {
        self.first_with_scope.get(&scope) == Some(&at)
    }
}

/// Where each rule is the first that covers somebody, and what would decide without it.
struct Use {
    /// The rules that are the first with their scopes.
    rules: Vec<usize>,
    /// It decides somewhere.
    decides: Vec<bool>,
    /// Somewhere the answer would be another one without it.
    matters: Vec<bool>,
    /// Somewhere another rule would decide without it.
    is_backed: Vec<bool>,
}

impl Use {
    fn of(ground: &Ground, list: &List, repeated: &Repeated) -> Self {
        let count = list.entries.len();
        let mut of = Self {
            rules: Vec::new(),
            decides: vec![false; count],
            matters: vec![false; count],
            is_backed: vec![false; count],
        };
        let scope_of = |at: usize| list.entries[at].scope;
        of.rules
            .extend((0..count).filter(|at| scope_of(*at).is_some_and(|scope| repeated.is_first(*at, scope))));
        let allowed = |at: Option<usize>| at.map_or(list.allow_unlisted, |at| list.entries[at].allowed);
        for place in ground.places() {
            let covering = ground
                .covers(place)
                .filter_map(|scope| repeated.first_with_scope.get(&scope));
            let (mut first, mut second) = (None, None);
            for at in covering.copied() {
                if first.is_none_or(|first| at < first) {
                    second = first.replace(at);
                } else if second.is_none_or(|second| at < second) {
                    second = Some(at);
                }
            }
            if let Some(at) = first {
                of.decides[at] = true;
                of.matters[at] |= allowed(second) != allowed(first);
                of.is_backed[at] |= second.is_some();
            }
        }
        of
    }

    fn findings(&self, section: &Section) -> Vec<Finding> {
        let scopes: Vec<Scope> = section.rules.iter().map(Rule::scope).collect();
        let containing = |at: usize, before: bool| {
            let others = self
                .rules
                .iter()
                .copied()
                .filter(|other| (*other < at) == before && *other != at);
            let mut others = others.filter(|other| before || self.decides[*other]);
            others.find(|other| scopes[*other].contains_scope(&scopes[at]))
        };
        let rule = |at: usize| &section.rules[at];
        let mut found = Vec::new();
        for at in self
            .rules
            .iter()
            .copied()
            .filter(|at| !matches!(scopes[*at], Scope::Domain(_)))
        {
            if !self.decides[at] {
                let other = containing(at, true);
                let by = match other {
                    Some(other) => format!("`{}` covers", rule(other)),
                    None => "rules in front of it cover".to_owned(),
                };
                found.push(Finding {
                    kind: FindingKind::Shadowed,
                    rule: Some(at),
                    other,
                    text: format!("`{}` never decides: {by} all of it", rule(at)),
                });
            } else if !self.matters[at]
                && self.is_backed[at]
                && let Some(other) = containing(at, false)
            {
                found.push(Finding {
                    kind: FindingKind::Covered,
                    rule: Some(at),
                    other: Some(other),
                    text: format!("`{}` is covered by `{}` behind it", rule(at), rule(other)),
                });
            }
        }
        found
    }
}

/// Exchange asks itself over both loopback addresses.
fn one_family(section: &Section) -> Option<Finding> {
    let [v4, v6] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let set = effective(section).ok()?;
    let (allowed, denied) = match (set.contains(v4), set.contains(v6)) {
        (true, false) => (v4, v6),
        (false, true) => (v6, v4),
        _ => return None,
    };
    Some(Finding {
        kind: FindingKind::OneFamily,
        rule: None,
        other: None,
        text: format!("{allowed} is allowed and {denied} is not: Exchange asks itself over both"),
    })
}

#[cfg(test)]
mod tests;
