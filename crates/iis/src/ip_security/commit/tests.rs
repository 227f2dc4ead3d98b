use std::net::IpAddr;

use command::{CommandLine, Output, cmd, quote};
use proptest::prelude::*;

use super::{commits, commits_within, states};
use crate::ip_security::section::tests::{any_section, clients};
use crate::ip_security::{DenyAction, Rule, Section, Transition, prove};
use crate::{ApplicationPath, Error};

pub(in crate::ip_security) fn app() -> ApplicationPath {
    "Default Web Site/Microsoft-Server-ActiveSync".parse().unwrap()
}

pub(in crate::ip_security) fn allow(text: &str) -> Rule {
    Rule::allow_network(text.parse().unwrap())
}

pub(in crate::ip_security) fn section(allow_unlisted: bool, rules: &[Rule]) -> Section {
    Section {
        allow_unlisted,
        rules: rules.to_vec(),
        ..Section::default()
    }
}

fn lines(from: &Section, to: &Section) -> Vec<String> {
    commits(&app(), from, to)
        .unwrap()
        .iter()
        .map(|commit| commit.line.line().to_string())
        .collect()
}

const HEAD: &str = r#"%windir%\system32\inetsrv\appcmd.exe set config "Default Web Site/Microsoft-Server-ActiveSync" /section:system.webServer/security/ipSecurity"#;

#[test]
fn one_commit_where_it_fits() {
    let restricted = section(false, &[allow("192.0.2.10/32"), allow("198.51.100.0/24")]);
    assert_eq!(
        lines(&Section::default(), &restricted),
        [format!(
            r#"{HEAD} /+"[ipAddress='192.0.2.10',allowed='True']" /+"[ipAddress='198.51.100.0',subnetMask='255.255.255.0',allowed='True']" /allowUnlisted:"False" /commit:apphost"#
        )]
    );
    assert_eq!(
        lines(&restricted, &Section::default()),
        [format!(
            r#"{HEAD} /allowUnlisted:"True" /-"[ipAddress='192.0.2.10',subnetMask='255.255.255.255',domainName='']" /-"[ipAddress='198.51.100.0',subnetMask='255.255.255.0',domainName='']" /commit:apphost"#
        )]
    );
    assert_eq!(lines(&restricted, &restricted), Vec::<String>::new());
}

#[test]
fn a_contradicting_denial_goes_in_the_same_commit() {
    let from = section(true, &[allow("192.0.2.10/32").denied()]);
    let to = section(false, &[allow("192.0.2.10/32")]);
    assert_eq!(
        lines(&from, &to),
        [format!(
            r#"{HEAD} /-"[ipAddress='192.0.2.10',subnetMask='255.255.255.255',domainName='']" /+"[ipAddress='192.0.2.10',allowed='True']" /allowUnlisted:"False" /commit:apphost"#
        )]
    );
}

#[test]
fn attributes_are_written_by_their_names() {
    let from = Section {
        enable_proxy_mode: Some(true),
        deny_action: Some(DenyAction::NotFound),
        ..Section::default()
    };
    assert_eq!(
        lines(&from, &Section::default()),
        [format!(
            r#"{HEAD} /enableProxyMode:"False" /denyAction:"Forbidden" /commit:apphost"#
        )]
    );
    assert_eq!(
        lines(&Section::default(), &from),
        [format!(
            r#"{HEAD} /denyAction:"NotFound" /enableProxyMode:"True" /commit:apphost"#
        )]
    );
    let spelled_out = Section {
        deny_action: Some(DenyAction::Forbidden),
        enable_proxy_mode: Some(false),
        ..Section::default()
    };
    assert_eq!(lines(&spelled_out, &Section::default()), Vec::<String>::new());
}

#[test]
fn what_cannot_be_written_is_refused() {
    let twice = section(false, &[allow("192.0.2.10/32"), allow("192.0.2.10/32").denied()]);
    let expected = Error::DuplicateRule {
        rule: "deny 192.0.2.10".to_owned(),
    };
    assert_eq!(
        commits(&app(), &Section::default(), &twice).unwrap_err(),
        expected
    );
    assert_eq!(
        commits(&app(), &twice, &Section::default()).unwrap_err(),
        expected
    );
    let mut bad = section(false, &[allow("192.0.2.10/32")]);
    bad.rules[0].ip_address = "192.0.2.10' /commit:machine '".to_owned();
    assert!(matches!(
        commits(&app(), &Section::default(), &bad),
        Err(Error::UnwritableRule { .. })
    ));
    assert!(matches!(
        commits(&app(), &bad, &Section::default()),
        Err(Error::UnwritableRule { .. })
    ));
}

#[test]
fn exit_codes_become_results() {
    let commit = commits(&app(), &Section::default(), &section(false, &[]))
        .unwrap()
        .remove(0);
    assert_eq!(commit.line.parse(&Output::default()), Ok(()));
    assert_eq!(
        commit
            .line
            .parse(&Output {
                exit_code: 183,
                ..Output::default()
            })
            .unwrap_err()
            .exit_code,
        183
    );
}

#[test]
fn two_thousand_entries_there_and_back() {
    let rules: Vec<Rule> = (0..2000u32)
        .map(|i| match i % 3 {
            0 => allow(&format!("10.{}.{}.1/32", i / 250, i % 250)),
            1 => allow(&format!("172.{}.{}.0/24", i / 250, i % 250)),
            _ => allow(&format!("2001:db8:{i:x}::/64")),
        })
        .collect();
    let big = section(false, &rules);
    for (from, to) in [(Section::default(), big.clone()), (big, Section::default())] {
        let commits = commits(&app(), &from, &to).unwrap();
        assert!((10..60).contains(&commits.len()), "{}", commits.len());
        assert!(
            commits
                .iter()
                .all(|commit| commit.line.line().as_str().len() <= CommandLine::MAX - 191)
        );
        let states: Vec<Section> = states(&from, &commits).collect();
        assert_eq!(states.last(), Some(&to));
        let gateway: IpAddr = "10.0.0.1".parse().unwrap();
        assert!(states.iter().all(|state| state.allows(gateway)));
        let unlisted: Vec<bool> = states.iter().map(|state| state.allow_unlisted).collect();
        // Denying the rest comes last; opening comes first.
        assert!(unlisted[..unlisted.len() - 1].iter().all(|open| *open));
    }
}

/// What a model of appcmd makes of a line: an implementation of its own, from the text alone.
fn run(line: &str, state: &Section) -> Section {
    attempt(line, state).unwrap()
}

/// The same of a line that may not fit the state: then all of it fails.
pub(in crate::ip_security) fn attempt(line: &str, state: &Section) -> Result<Section, String> {
    let commands = cmd::parse(&cmd::expand(line, &|name| {
        (name == "windir").then(|| r"C:\Windows".to_owned())
    }))
    .unwrap();
    assert_eq!(commands.len(), 1);
    let words = quote::split(&commands[0].text);
    assert_eq!(
        words[..3],
        [r"C:\Windows\system32\inetsrv\appcmd.exe", "set", "config"]
    );
    assert_eq!(words[3], "Default Web Site/Microsoft-Server-ActiveSync");
    assert_eq!(words[4], "/section:system.webServer/security/ipSecurity");
    assert_eq!(words.last().unwrap(), "/commit:apphost");
    let mut state = state.clone();
    for word in &words[5..words.len() - 1] {
        if let Some(element) = word.strip_prefix("/+") {
            let rule = element_of(element);
            if state.rules.iter().any(|r| r.has_key_of(&rule)) {
                return Err(format!("183: {word}"));
            }
            state.rules.push(rule);
        } else if let Some(element) = word.strip_prefix("/-") {
            let rule = element_of(element);
            let before = state.rules.len();
            state.rules.retain(|r| !r.has_key_of(&rule));
            if state.rules.len() + 1 != before {
                return Err(format!("4312: {word}"));
            }
        } else if let Some(value) = word.strip_prefix("/allowUnlisted:") {
            state.allow_unlisted = value == "True";
        } else if let Some(value) = word.strip_prefix("/denyAction:") {
            state.deny_action = Some(value.parse().unwrap());
        } else if let Some(value) = word.strip_prefix("/enableProxyMode:") {
            state.enable_proxy_mode = Some(value == "True");
        } else {
            panic!("unknown word {word}");
        }
    }
    Ok(state)
}

fn element_of(text: &str) -> Rule {
    let mut rule = Rule {
        ip_address: String::new(),
        subnet_mask: "255.255.255.255".to_owned(),
        domain_name: String::new(),
        allowed: false,
    };
    for pair in text
        .strip_prefix('[')
        .unwrap()
        .strip_suffix(']')
        .unwrap()
        .split(',')
    {
        let (name, value) = pair.split_once('=').unwrap();
        let value = value
            .strip_prefix('\'')
            .unwrap()
            .strip_suffix('\'')
            .unwrap()
            .to_owned();
        match name {
            // appcmd would read any other `%14` as a control character.
            "ipAddress" => {
                rule.ip_address = value.replace("%u0025", "\u{0}");
                assert!(!rule.ip_address.contains('%'), "{text}");
                rule.ip_address = rule.ip_address.replace('\u{0}', "%");
            }
            "subnetMask" => rule.subnet_mask = value,
            "domainName" => rule.domain_name = value,
            "allowed" => rule.allowed = value == "True",
            _ => panic!("unknown attribute {name}"),
        }
    }
    rule
}

/// Sections with domain rules too, to see that these are not lost on the way.
pub(in crate::ip_security) fn any_end() -> impl Strategy<Value = Section> {
    (
        any_section(),
        proptest::option::of((0usize..3, any::<bool>())),
        any::<u8>(),
    )
        .prop_map(|(mut section, domain, bits)| {
            if let Some((at, allowed)) = domain {
                let rule = Rule {
                    ip_address: String::new(),
                    subnet_mask: "255.255.255.255".to_owned(),
                    domain_name: "example.net".to_owned(),
                    allowed,
                };
                section.rules.insert(at.min(section.rules.len()), rule);
            }
            for rule in section
                .rules
                .iter_mut()
                .filter(|rule| rule.ip_address.starts_with("2001:db8::1"))
            {
                // With a zone, as Microsoft's Exchange script writes link-local addresses.
                rule.ip_address.push_str("%14");
            }
            section.deny_action =
                [None, Some(DenyAction::Forbidden), Some(DenyAction::NotFound)][usize::from(bits % 3)];
            section.enable_proxy_mode = [None, Some(false), Some(true)][usize::from(bits / 3 % 3)];
            section
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// However finely the way is cut: no state on it denies a client that both ends allow, every line does what its commit says, and the end is the
    /// target in meaning and in the order of its rules.
    #[test]
    fn no_state_denies_whom_both_ends_allow(from in any_end(), to in any_end(), room in 0usize..500) {
        let commits = commits_within(&app(), &from, &to, room).unwrap();
        let mut state = from.clone();
        for (commit, after) in commits.iter().zip(states(&from, &commits)) {
            state = run(commit.line.line().as_str(), &state);
            prop_assert!(state.same_meaning(&after) && state.rules == after.rules);
            for client in clients() {
                if from.allows(client) && to.allows(client) {
                    prop_assert!(state.allows(client), "{client} is denied in {state:?}");
                }
            }
        }
        prop_assert!(state.same_meaning(&to));
        prop_assert_eq!(prove(&from, &commits, &to), Ok(()));
        let order = |section: &Section| section.rules.iter().map(|r| (r.key(), r.allowed)).collect::<Vec<_>>();
        prop_assert_eq!(order(&state), order(&to));
        prop_assert_eq!(state.allow_unlisted, to.allow_unlisted);
    }

    /// Where all fits into one line, there is one.
    #[test]
    fn small_changes_are_one_commit(from in any_end(), to in any_end()) {
        let commits = commits(&app(), &from, &to).unwrap();
        prop_assert!(commits.len() <= 1);
        prop_assert_eq!(commits.is_empty(), from.rules == to.rules && from.allow_unlisted == to.allow_unlisted && from.same_meaning(&to));
    }
}

/// The longest lists that are read: not a second for each question about them, and not gigabytes for the commits.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the time that it takes is what is tested"
)]
fn long_lists_are_handled_in_time() {
    let rules = |from: u32| -> Vec<Rule> {
        (from..from + 10_000)
            .map(|n| Rule::allow_address(std::net::Ipv4Addr::from(n * 2).into()))
            .collect()
    };
    let from = Section {
        rules: rules(0),
        ..Section::default()
    };
    let to = Section {
        rules: rules(5_000),
        allow_unlisted: false,
        ..Section::default()
    };
    let started = std::time::Instant::now();
    assert!(!from.same_meaning(&to));
    assert_eq!(crate::ip_security::describe(&from, &to).len(), 10_001);
    let plan = Transition::plan(&app(), &from, &to).unwrap();
    assert!(plan.commits().len() < 200, "{}", plan.commits().len());
    let took = started.elapsed();
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
}
