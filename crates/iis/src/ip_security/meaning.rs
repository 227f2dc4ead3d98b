//! Whether two lists decide alike for every client.

use super::scope::Scope;
use super::section::Section;
use super::side_by_side::Numbers;

/// Whether both sections decide alike for every address, and for every client that is in one of the named domains. Where that takes too many
/// questions, only lists of the same rules are alike.
pub(super) fn same_decisions(a: &Section, b: &Section) -> bool {
    if a.allow_unlisted == b.allow_unlisted && in_canonical_order(a) == in_canonical_order(b) {
        return true;
    }
    let mut numbers = Numbers::default();
    let [a, b] = [a, b].map(|section| numbers.list(section));
    numbers.ground(2).is_ok_and(|ground| {
        let [a, b] = [&a, &b].map(|list| ground.judge(list));
        ground.places().all(|place| a.allows(place) == b.allows(place))
    })
}

/// The rules in an order that does not depend on how they were written down, where order has no meaning.
fn in_canonical_order(section: &Section) -> Vec<(Scope, bool)> {
    let rules = section.rules.iter().map(|rule| (rule.scope(), rule.allowed));
    let mut rules: Vec<_> = rules.filter(|(scope, _)| *scope != Scope::Nothing).collect();
    if rules.iter().all(|(_, allowed)| *allowed) || rules.iter().all(|(_, allowed)| !allowed) {
        rules.sort();
        rules.dedup();
    }
    rules
}
