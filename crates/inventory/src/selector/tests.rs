use super::{Selector, matches};
use crate::error::Error;
use crate::fleet::Inventory;
use crate::name::{PoolName, ServerName};
use crate::read_inventory;
use crate::source::Source;

/// cas01 to cas03 in eas-dc1, cas11 and cas12 in eas-dc2, edge01 in none.
fn farm() -> Inventory {
    let mut text =
        "[defaults]\ncredential = \"ops\"\n[credential.ops]\nuser = \"u\"\npassword = { env = \"P\" }\n\
                    [pool.eas-dc1]\n[pool.eas-dc2]\n[pool.empty]\n"
            .to_owned();
    for (name, pool) in [
        ("cas01", "eas-dc1"),
        ("cas02", "eas-dc1"),
        ("cas03", "eas-dc1"),
        ("cas11", "eas-dc2"),
        ("cas12", "eas-dc2"),
    ] {
        text.push_str(&format!(
            "[server.{name}]\naddress = \"{name}.contoso.example\"\npool = \"{pool}\"\n"
        ));
    }
    text.push_str("[server.edge01]\naddress = \"edge01.contoso.example\"\n");
    read_inventory(&Source::new("farm.toml", text)).unwrap()
}

fn select(text: &str) -> Result<String, Error> {
    let names = text.parse::<Selector>()?.resolve(&farm())?;
    Ok(names.iter().map(ServerName::as_str).collect::<Vec<_>>().join(" "))
}

#[test]
fn selects() {
    for (text, servers) in [
        ("all", "cas01 cas02 cas03 cas11 cas12 edge01"),
        ("@eas-dc1", "cas01 cas02 cas03"),
        ("@eas-dc1 and not cas02", "cas01 cas03"),
        ("not @eas-dc1 and not @eas-dc2", "edge01"),
        ("cas01", "cas01"),
        ("cas01 or cas12", "cas01 cas12"),
        ("cas0*", "cas01 cas02 cas03"),
        ("*1", "cas01 cas11 edge01"),
        ("c*1*", "cas01 cas11 cas12"),
        ("*", "cas01 cas02 cas03 cas11 cas12 edge01"),
        // `and` binds tighter than `or`.
        ("edge01 or @eas-dc1 and cas01", "cas01 edge01"),
        ("(edge01 or @eas-dc1) and not cas0*", "edge01"),
        ("not(cas0* or cas1*)", "edge01"),
        ("not not cas01", "cas01"),
        ("  @eas-dc2   and\tnot cas11 ", "cas12"),
    ] {
        assert_eq!(select(text).as_deref(), Ok(servers), "{text}");
    }
}

#[test]
fn unknown_names_and_empty_selections_are_errors() {
    let server = |name: &str| Err(Error::UnknownServer { name: name.into() });
    assert_eq!(select("cas99"), server("cas99"));
    // A typo behind `not` would let through the very server that was meant to be spared.
    assert_eq!(select("@eas-dc1 and not cas20"), server("cas20"));
    assert_eq!(select("cas01 or cas20"), server("cas20"));
    assert_eq!(
        select("@nope"),
        Err(Error::UnknownPool {
            name: PoolName::from("nope")
        })
    );
    assert_eq!(
        select("web*"),
        Err(Error::PatternMatchesNothing {
            pattern: "web*".to_owned()
        })
    );
    for text in ["@empty", "cas01 and cas02", "not all"] {
        assert_eq!(
            select(text),
            Err(Error::NothingSelected {
                selector: text.to_owned()
            })
        );
    }
}

#[test]
fn says_what_it_expected() {
    let unexpected = |expected, found: &str| {
        Err(Error::Selector {
            expected,
            found: found.to_owned(),
        })
    };
    let term = "`all`, `@pool` or a server's name";
    let joint = "`and`, `or` or the end";
    for (text, error) in [
        ("", Err(Error::EmptySelector)),
        ("   ", Err(Error::EmptySelector)),
        ("and", unexpected(term, "and")),
        ("cas01 and", unexpected(term, "the end")),
        ("cas01 cas02", unexpected(joint, "cas02")),
        ("cas01, cas02", unexpected(term, "cas01,")),
        ("(cas01", unexpected("`)`", "the end")),
        ("cas01)", unexpected(joint, ")")),
        ("()", unexpected(term, ")")),
        ("@", unexpected(term, "@")),
        ("@ eas", unexpected(term, "@")),
        ("cas01 && cas02", unexpected(joint, "&&")),
        ("!cas01", unexpected(term, "!cas01")),
        ("cas[01]", unexpected(term, "cas[01]")),
    ] {
        assert_eq!(text.parse::<Selector>().map(|_| ()), error, "{text:?}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}cas01{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(
        deep.parse::<Selector>(),
        Err(Error::SelectorTooLong { limit: 1000 })
    );
    let deep = format!("{}cas01", "not ".repeat(500));
    assert_eq!(
        deep.parse::<Selector>(),
        Err(Error::SelectorTooDeep { limit: 64 })
    );
    let long = vec!["cas01"; 400].join(" or ");
    assert_eq!(select(&long).as_deref(), Ok("cas01"));
}

#[test]
fn stars_match_any_run() {
    for (pattern, text, fits) in [
        ("cas0*", "cas01", true),
        ("cas0*", "cas0", true),
        ("cas0*", "cas11", false),
        ("*dc1*", "eas-dc1-a", true),
        ("a*b*c", "axxbyyc", true),
        ("a*b*c", "axxcyyb", false),
        ("a*a", "a", false),
        ("**", "", true),
        ("*ab", "aab", true),
        ("a*ab", "ab", false),
    ] {
        assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
    }
}

#[test]
fn journal_keeps_the_text() {
    let selector: Selector = "@eas-dc1 and  not cas02".parse().unwrap();
    let json = serde_json::to_string(&selector).unwrap();
    assert_eq!(json, "\"@eas-dc1 and  not cas02\"");
    assert_eq!(serde_json::from_str::<Selector>(&json).unwrap(), selector);
    assert!(serde_json::from_str::<Selector>("\"and\"").is_err());
}
