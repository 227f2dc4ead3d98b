use super::{Directive, Level, inherited};
use crate::Error;
use crate::ip_security::{DenyAction, Rule};

fn allow(text: &str) -> Rule {
    Rule::allow_network(text.parse().unwrap())
}

fn level(directives: &[Directive]) -> Level {
    Level {
        directives: directives.to_vec(),
        ..Level::default()
    }
}

fn rules(levels: &[Level]) -> Vec<String> {
    inherited(levels)
        .unwrap()
        .rules
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn children_add_behind_their_parents() {
    let server = level(&[Directive::Add(allow("10.0.0.0/8").denied())]);
    let site = level(&[Directive::Add(allow("192.0.2.1/32"))]);
    let application = level(&[Directive::Add(allow("10.1.0.0/16"))]);
    assert_eq!(
        rules(&[server, site, application]),
        ["deny 10.0.0.0/8", "allow 192.0.2.1", "allow 10.1.0.0/16"]
    );
}

#[test]
fn children_take_away_one_or_all() {
    let server = level(&[
        Directive::Add(allow("10.0.0.0/8")),
        Directive::Add(allow("192.0.2.1/32")),
    ]);
    let one = level(&[Directive::Remove(allow("10.0.0.0/8").denied())]);
    assert_eq!(
        rules(&[server.clone(), one]),
        ["allow 192.0.2.1"],
        "`allowed` is no part of the key"
    );
    let all = level(&[Directive::Clear, Directive::Add(allow("10.0.0.0/8"))]);
    assert_eq!(rules(&[server, all]), ["allow 10.0.0.0/8"]);
}

#[test]
fn an_inherited_entry_that_is_added_again_is_a_duplicate() {
    let server = level(&[Directive::Add(allow("192.0.2.1/32"))]);
    let again = level(&[Directive::Add(allow("192.0.2.1/32").denied())]);
    assert_eq!(
        inherited(&[server.clone(), Level::default(), again]),
        Err(Error::DuplicateRule {
            rule: "deny 192.0.2.1".to_owned()
        })
    );
    // Taken away first, it may come back.
    let replaced = level(&[
        Directive::Remove(allow("192.0.2.1/32")),
        Directive::Add(allow("192.0.2.1/32").denied()),
    ]);
    assert_eq!(rules(&[server, replaced]), ["deny 192.0.2.1"]);
}

#[test]
fn attributes_come_from_the_nearest_level_and_clear_does_not_touch_them() {
    let server = Level {
        allow_unlisted: Some(false),
        deny_action: Some(DenyAction::NotFound),
        ..level(&[Directive::Add(allow("192.0.2.1/32"))])
    };
    let cleared = inherited(&[server.clone(), level(&[Directive::Clear])]).unwrap();
    assert_eq!(
        (cleared.allow_unlisted, cleared.deny_action),
        (false, Some(DenyAction::NotFound))
    );
    assert!(cleared.rules.is_empty());
    let open = Level {
        allow_unlisted: Some(true),
        enable_proxy_mode: Some(true),
        ..Level::default()
    };
    let opened = inherited(&[server, open]).unwrap();
    assert_eq!(
        (opened.allow_unlisted, opened.enable_proxy_mode),
        (true, Some(true))
    );
    assert!(inherited(&[]).unwrap().allow_unlisted);
}
