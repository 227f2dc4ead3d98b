//! A difference between two sections in words.

use std::collections::HashSet;

use super::scope::Scope;
use super::section::Section;

/// The most rules that are named where a text must be short.
const FEW: usize = 8;

/// What changes, one line each: `+ allow 192.0.2.10`, `- deny 198.51.100.0/24`, `unlisted: allow -> deny`. Rules are compared by what they cover,
/// so a mask that is only written in another way is no difference.
pub fn describe(from: &Section, to: &Section) -> Vec<String> {
    let mut lines = rules(from, to);
    lines.extend(switches(from, to));
    lines
}

/// The same with at most some of the rules, the others counted: lists may have thousands.
pub fn describe_in_short(from: &Section, to: &Section) -> Vec<String> {
    let mut lines = rules(from, to);
    if lines.len() > FEW + 1 {
        let more = lines.split_off(FEW);
        let counted = |sign: &str| more.iter().filter(|line| line.starts_with(sign)).count();
        let (gone, new) = (counted("-"), counted("+"));
        let moved = more.last().filter(|line| line.as_str() == MOVED);
        let words = [(gone, "go"), (new, "are added")];
        let words = words.into_iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = words
            .map(|(count, what)| format!("{count} more rules {what}"))
            .collect();
        lines.extend((!words.is_empty()).then(|| words.join(", ")));
        lines.extend(moved.cloned());
    }
    lines.extend(switches(from, to));
    lines
}

const MOVED: &str = "order of the rules changes";

fn rules(from: &Section, to: &Section) -> Vec<String> {
    let effects = |section: &Section| -> Vec<_> {
        section
            .rules
            .iter()
            .map(|rule| (rule.scope(), rule.allowed))
            .collect()
    };
    let (before, after) = (effects(from), effects(to));
    let (old, new): (HashSet<_>, HashSet<_>) = (before.iter().collect(), after.iter().collect());
    let without =
        |section: &Section, effects: &[(Scope, bool)], other: &HashSet<_>, sign: char| -> Vec<String> {
            let rules = section.rules.iter().zip(effects);
            let alone = rules.filter(|(_, effect)| !other.contains(effect));
            alone.map(|(rule, _)| format!("{sign} {rule}")).collect()
        };
    let mut lines = without(from, &before, &new, '-');
    lines.extend(without(to, &after, &old, '+'));
    let stays = |effects: &[(Scope, bool)], other: &HashSet<_>| -> Vec<_> {
        effects
            .iter()
            .filter(|effect| other.contains(effect))
            .cloned()
            .collect()
    };
    if stays(&before, &new) != stays(&after, &old) {
        lines.push(MOVED.to_owned());
    }
    lines
}

fn switches(from: &Section, to: &Section) -> Vec<String> {
    let mut lines = Vec::new();
    let unlisted = |section: &Section| if section.allow_unlisted { "allow" } else { "deny" };
    if from.allow_unlisted != to.allow_unlisted {
        lines.push(format!("unlisted: {} -> {}", unlisted(from), unlisted(to)));
    }
    let (proxy, action) = (Section::is_in_proxy_mode, Section::denial);
    if action(from) != action(to) {
        lines.push(format!("denyAction: {} -> {}", action(from), action(to)));
    }
    if proxy(from) != proxy(to) {
        lines.push(format!("enableProxyMode: {} -> {}", proxy(from), proxy(to)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{describe, describe_in_short};
    use crate::ip_security::{DenyAction, Rule, Section};

    fn allow(text: &str) -> Rule {
        Rule::allow_network(text.parse().unwrap())
    }

    #[test]
    fn a_restriction_in_words() {
        let from = Section {
            rules: vec![allow("192.0.2.10/32").denied()],
            ..Section::default()
        };
        let to = Section {
            allow_unlisted: false,
            deny_action: Some(DenyAction::NotFound),
            enable_proxy_mode: Some(true),
            rules: vec![allow("192.0.2.10/32"), allow("198.51.100.0/24")],
        };
        assert_eq!(
            describe(&from, &to),
            [
                "- deny 192.0.2.10",
                "+ allow 192.0.2.10",
                "+ allow 198.51.100.0/24",
                "unlisted: allow -> deny",
                "denyAction: Forbidden -> NotFound",
                "enableProxyMode: false -> true",
            ]
        );
    }

    #[test]
    fn other_words_for_the_same_are_no_difference() {
        let from = Section {
            rules: vec![allow("198.51.100.0/24")],
            ..Section::default()
        };
        let mut to = Section {
            deny_action: Some(DenyAction::Forbidden),
            enable_proxy_mode: Some(false),
            ..from.clone()
        };
        "24".clone_into(&mut to.rules[0].subnet_mask);
        assert_eq!(describe(&from, &to), Vec::<String>::new());
    }

    #[test]
    fn a_new_order_is_a_difference() {
        let from = Section {
            rules: vec![allow("10.0.0.0/8"), allow("10.1.0.0/16").denied()],
            ..Section::default()
        };
        let to = Section {
            rules: from.rules.iter().rev().cloned().collect(),
            ..from.clone()
        };
        assert_eq!(describe(&from, &to), ["order of the rules changes"]);
    }

    #[test]
    fn long_lists_are_counted() {
        let rules = |from: u32, to: u32| -> Vec<Rule> {
            (from..to)
                .map(|n| allow(&format!("10.0.{}.{}/32", n / 256, n % 256)))
                .collect()
        };
        let from = Section {
            rules: rules(0, 3),
            ..Section::default()
        };
        let to = Section {
            allow_unlisted: false,
            rules: rules(3, 2003),
            ..Section::default()
        };
        let lines = describe_in_short(&from, &to);
        assert_eq!(
            lines[2..5],
            ["- allow 10.0.0.2", "+ allow 10.0.0.3", "+ allow 10.0.0.4"]
        );
        assert_eq!(
            lines[8..],
            ["1995 more rules are added", "unlisted: allow -> deny"]
        );
        assert_eq!(
            describe_in_short(&to, &from)[8..],
            [
                "1992 more rules go, 3 more rules are added",
                "unlisted: deny -> allow"
            ]
        );
        let few = Section {
            rules: rules(0, 9),
            ..Section::default()
        };
        assert_eq!(
            describe_in_short(&Section::default(), &few),
            describe(&Section::default(), &few)
        );
    }
}
