//! What a change of rules means: who is let in and cut off, in how many commits, what is proved about the way, and what is odd about the rules.

use iis::ApplicationPath;
use iis::ip_security::{Finding, Rule, Section, Transition, describe, findings};

use crate::paragraph;

/// Lines are as long as fits on a screen of 80 columns with the indentation that `plan` gives them.
const WIDTH: usize = 76;

/// What the proof does not say. A client's forwarded addresses are not known beforehand, and each of them can only deny.
const FORWARDED: &str = "who is denied for an address in X-Forwarded-For: in proxy mode a client needs all of its addresses allowed, and each \
    is taken alone here";

/// The most findings that are told of one server.
const FEW: usize = 4;

/// A few lines about a change of rules at an application.
pub fn restriction(app: &ApplicationPath, effective: &Section, wanted: &Section) -> Vec<String> {
    let mut lines = Vec::new();
    match Transition::plan(app, effective, wanted) {
        Ok(way) => {
            lines.extend(wrapped("", &way.change().in_short().join(", ")));
            lines.extend(switches(effective, wanted));
            let (there, back) = (way.commits().len(), way.commits_back());
            lines.push(format!(
                "{}; commits: {there} there, {back} back",
                rules(effective, wanted)
            ));
            let proved =
                "no address that is allowed before and after is denied on the way, nor on the way back";
            lines.extend(wrapped("proved: ", proved));
            if effective.is_in_proxy_mode() || wanted.is_in_proxy_mode() {
                lines.extend(wrapped("not proved: ", FORWARDED));
            }
        }
        Err(error) => lines.extend(wrapped("NOT PROVED, will not be written: ", &error.to_string())),
    }
    lines.extend(odd(effective, wanted));
    lines
}

/// `rules: 1 of 3 new, 1 gone`.
fn rules(effective: &Section, wanted: &Section) -> String {
    let count = |sections: (&Section, &Section)| {
        let there: std::collections::HashSet<_> = sections.1.rules.iter().map(Rule::key).collect();
        sections
            .0
            .rules
            .iter()
            .filter(|rule| !there.contains(&rule.key()))
            .count()
    };
    let (new, gone) = (count((wanted, effective)), count((effective, wanted)));
    format!("rules: {new} of {} new, {gone} gone", wanted.rules.len())
}

/// What changes beside the rules.
fn switches(effective: &Section, wanted: &Section) -> Vec<String> {
    let bare = |section: &Section| Section {
        rules: Vec::new(),
        ..section.clone()
    };
    describe(&bare(effective), &bare(wanted))
}

/// What is odd about the rules, now and then.
fn odd(effective: &Section, wanted: &Section) -> Vec<String> {
    let (now, then) = (findings(effective), findings(wanted));
    let text = |finding: &Finding| finding.to_string();
    let stays = |list: &[Finding], finding: &Finding| list.iter().any(|other| text(other) == text(finding));
    let mut found: Vec<(&str, String)> = Vec::new();
    for finding in &then {
        let word = if stays(&now, finding) {
            "odd: "
        } else {
            "odd then: "
        };
        found.push((word, text(finding)));
    }
    for finding in now.iter().filter(|finding| !stays(&then, finding)) {
        found.push(("odd now: ", text(finding)));
    }
    let named = if found.len() == FEW + 1 {
        FEW + 1
    } else {
        FEW.min(found.len())
    };
    let mut lines: Vec<String> = found[..named]
        .iter()
        .flat_map(|(word, text)| wrapped(word, text))
        .collect();
    if found.len() > named {
        lines.push(format!("odd: {} more things", found.len() - named));
    }
    lines
}

fn wrapped(head: &str, text: &str) -> Vec<String> {
    paragraph::wrapped(head, text, 2, WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(text: &str) -> Rule {
        Rule::allow_network(text.parse().unwrap())
    }

    fn section(allow_unlisted: bool, rules: Vec<Rule>) -> Section {
        Section {
            allow_unlisted,
            rules,
            ..Section::default()
        }
    }

    fn lines(effective: &Section, wanted: &Section) -> String {
        let app = "Default Web Site/Microsoft-Server-ActiveSync".parse().unwrap();
        let lines = restriction(&app, effective, wanted);
        assert!(
            lines.iter().all(|line| line.chars().count() <= WIDTH),
            "{lines:?}"
        );
        lines.join("\n")
    }

    #[test]
    fn a_list_that_changes() {
        let from = section(
            false,
            vec![allow("127.0.0.1/32"), allow("::1/128"), allow("192.0.2.9/32")],
        );
        let to = section(
            false,
            vec![allow("127.0.0.1/32"), allow("::1/128"), allow("198.51.100.0/24")],
        );
        insta::assert_snapshot!(lines(&from, &to), @r"
        +256 198.51.100.0/24, -1 192.0.2.9
        rules: 1 of 3 new, 1 gone; commits: 1 there, 1 back
        proved: no address that is allowed before and after is denied on the way,
          nor on the way back
        ");
    }

    #[test]
    fn an_open_application_that_is_closed() {
        let to = section(
            false,
            vec![
                allow("127.0.0.1/32"),
                allow("::1/128"),
                allow("192.0.2.11/32"),
                allow("fe80::de2:4f45:21dc:6c0b/128"),
                allow("2001:db8:0:1:de2:4f45:21dc:6c0b/128"),
                allow("198.51.100.0/24"),
            ],
        );
        insta::assert_snapshot!(lines(&Section::default(), &to), @r"
        -4294967038 all IPv4 but 127.0.0.1, 192.0.2.11, 198.51.100.0/24, -about
          2^128 all IPv6 but ::1, 2001:db8:0:1:de2:4f45:21dc:6c0b,
          fe80::de2:4f45:21dc:6c0b
        unlisted: allow -> deny
        rules: 6 of 6 new, 0 gone; commits: 1 there, 1 back
        proved: no address that is allowed before and after is denied on the way,
          nor on the way back
        ");
    }

    #[test]
    fn proxy_mode_is_not_proved_beyond_what_is_known() {
        let list = section(false, vec![allow("127.0.0.1/32"), allow("::1/128")]);
        let to = Section {
            deny_action: Some(iis::ip_security::DenyAction::NotFound),
            enable_proxy_mode: Some(true),
            ..list.clone()
        };
        insta::assert_snapshot!(lines(&list, &to), @r"
        no address
        denyAction: Forbidden -> NotFound
        enableProxyMode: false -> true
        rules: 0 of 2 new, 0 gone; commits: 1 there, 1 back
        proved: no address that is allowed before and after is denied on the way,
          nor on the way back
        not proved: who is denied for an address in X-Forwarded-For: in proxy mode a
          client needs all of its addresses allowed, and each is taken alone here
        ");
    }

    #[test]
    fn two_thousand_entries() {
        let many = (0..2000u32).map(|n| allow(&format!("10.1.{}.{}/32", n / 100, n % 100 * 2)));
        insta::assert_snapshot!(lines(&section(false, vec![allow("::1/128")]), &section(false, many.collect())), @r"
        +1 10.1.0.0, +1 10.1.0.2, +1 10.1.0.4, +1 10.1.0.6, +1996 in 1996 more
          ranges, -1 ::1
        rules: 2000 of 2000 new, 1 gone; commits: 12 there, 19 back
        proved: no address that is allowed before and after is denied on the way,
          nor on the way back
        odd then: 2000 rules: more than 500 are slow, and nobody reads them
        odd now: ::1 is allowed and 127.0.0.1 is not: Exchange asks itself over both
        ");
    }

    #[test]
    fn what_is_odd_now_and_then() {
        let mut from = section(
            true,
            vec![
                allow("192.0.2.9/32").denied(),
                allow("192.0.2.0/24").denied(),
                allow("192.0.2.128/25"),
            ],
        );
        from.rules.extend((0..5).map(|n| Rule {
            ip_address: format!("10.0.{n}.7"),
            subnet_mask: "24".to_owned(),
            domain_name: String::new(),
            allowed: false,
        }));
        let to = section(false, vec![allow("127.0.0.1/32"), allow("0.0.0.0/0")]);
        insta::assert_snapshot!(lines(&from, &to), @r"
        +1280 10.0.0.0-10.0.4.255, +256 192.0.2.0/24, -about 2^128 all IPv6
        unlisted: allow -> deny
        rules: 2 of 2 new, 8 gone; commits: 1 there, 1 back
        proved: no address that is allowed before and after is denied on the way,
          nor on the way back
        odd then: `allow 127.0.0.1` is covered by `allow 0.0.0.0/0` behind it
        odd then: `allow 0.0.0.0/0` lets in all IPv4 addresses
        odd then: 127.0.0.1 is allowed and ::1 is not: Exchange asks itself over
          both
        odd now: `deny 192.0.2.9` is covered by `deny 192.0.2.0/24` behind it
        odd: 6 more things
        ");
    }

    #[test]
    fn what_is_not_proved_is_said() {
        let twice = section(false, vec![allow("192.0.2.9/32"), allow("192.0.2.9/32").denied()]);
        insta::assert_snapshot!(lines(&twice, &Section::default()), @r"
        NOT PROVED, will not be written: two rules with the same address, mask and
          domain name: `deny 192.0.2.9`
        odd now: `deny 192.0.2.9` has the key of `allow 192.0.2.9`: IIS refuses both
          together (500.19)
        ");
    }
}
