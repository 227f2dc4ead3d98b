//! A difference between two sections in words.

use super::section::{DenyAction, Section};

/// What changes, one line each: `+ allow 192.0.2.10`, `- deny 198.51.100.0/24`, `unlisted: allow -> deny`. Rules are compared by what they cover,
/// so a mask that is only written in another way is no difference.
pub fn describe(from: &Section, to: &Section) -> Vec<String> {
    let mut lines = Vec::new();
    let scoped = |section: &Section| -> Vec<_> {
        section
            .rules
            .iter()
            .map(|rule| (rule.scope(), rule.allowed, rule.to_string()))
            .collect()
    };
    let (before, after) = (scoped(from), scoped(to));
    let listed_in = |list: &[(_, bool, String)], rule: &(_, bool, String)| {
        list.iter().any(|r| r.0 == rule.0 && r.1 == rule.1)
    };
    lines.extend(
        before
            .iter()
            .filter(|rule| !listed_in(&after, rule))
            .map(|rule| format!("- {}", rule.2)),
    );
    lines.extend(
        after
            .iter()
            .filter(|rule| !listed_in(&before, rule))
            .map(|rule| format!("+ {}", rule.2)),
    );
    let stays = |list: &[(_, bool, String)], other: &[(_, bool, String)]| -> Vec<_> {
        list.iter()
            .filter(|rule| listed_in(other, rule))
            .map(|rule| (rule.0.clone(), rule.1))
            .collect()
    };
    if stays(&before, &after) != stays(&after, &before) {
        lines.push("order of the rules changes".to_owned());
    }
    let unlisted = |section: &Section| if section.allow_unlisted { "allow" } else { "deny" };
    if from.allow_unlisted != to.allow_unlisted {
        lines.push(format!("unlisted: {} -> {}", unlisted(from), unlisted(to)));
    }
    let action = |section: &Section| section.deny_action.unwrap_or(DenyAction::Forbidden);
    if action(from) != action(to) {
        lines.push(format!("denyAction: {} -> {}", action(from), action(to)));
    }
    let proxy = |section: &Section| section.enable_proxy_mode.unwrap_or(false);
    if proxy(from) != proxy(to) {
        lines.push(format!("enableProxyMode: {} -> {}", proxy(from), proxy(to)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::describe;
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
}
