//! Golden renderings: each file in `bad/` with everything that is wrong with it, as the operator reads it.

use crate::{Checked, Code, Severity, Source, check};

/// The inventory that the bad playbooks are checked against. It has no error of its own.
fn farm() -> Source {
    Source::new("farm.toml", include_str!("farm.toml"))
}

/// Everything found, rendered, in order; below it how many of each.
fn render(checked: &Checked, sources: &[&Source]) -> String {
    let mut text = String::new();
    for found in &checked.diagnostics {
        let source = sources
            .iter()
            .find(|source| source.name == found.file)
            .expect("a finding names one of the files");
        text.push_str(&found.render(source, false));
        text.push('\n');
    }
    let errors = checked
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .count();
    text.push_str(&format!(
        "{errors} errors, {} warnings\n",
        checked.diagnostics.len() - errors
    ));
    text
}

macro_rules! golden {
    (inventory: $($name:ident = $file:literal,)*) => {$(
        #[test]
        fn $name() {
            let source = Source::new($file, include_str!(concat!("bad/", $file)));
            let checked = check(Some(&source), None);
            assert!(checked.has_errors() && checked.inventory.is_none());
            insta::assert_snapshot!(stringify!($name), render(&checked, &[&source]));
        }
    )*};
    (playbook: $($name:ident = $file:literal,)*) => {$(
        #[test]
        fn $name() {
            let source = Source::new($file, include_str!(concat!("bad/", $file)));
            let farm = farm();
            let checked = check(Some(&farm), Some(&source));
            assert!(checked.has_errors() && checked.playbook.is_none() && checked.inventory.is_some());
            insta::assert_snapshot!(stringify!($name), render(&checked, &[&farm, &source]));
        }
    )*};
}

golden! { inventory:
    inventory_syntax = "inventory-syntax.toml",
    inventory_keys = "inventory-keys.toml",
    inventory_values = "inventory-values.toml",
    inventory_credentials = "inventory-credentials.toml",
    inventory_references = "inventory-references.toml",
    inventory_empty = "inventory-empty.toml",
    inventory_load_balancers = "inventory-load-balancers.toml",
}

golden! { playbook:
    playbook_syntax = "playbook-syntax.toml",
    playbook_keys = "playbook-keys.toml",
    playbook_single_step = "playbook-single-step.toml",
    playbook_empty = "playbook-empty.toml",
    playbook_policy = "playbook-policy.toml",
    playbook_limit = "playbook-limit.toml",
    playbook_window = "playbook-window.toml",
    playbook_window_words = "playbook-window-words.toml",
    playbook_window_dates = "playbook-window-dates.toml",
    playbook_rules = "playbook-rules.toml",
    playbook_targets = "playbook-targets.toml",
    playbook_denial = "playbook-denial.toml",
    playbook_order = "playbook-order.toml",
    playbook_farm = "playbook-farm.toml",
    playbook_selector = "playbook-selector.toml",
    playbook_hooks = "playbook-hooks.toml",
}

/// Every file in `bad/`.
pub(super) fn bad() -> Vec<Source> {
    [
        include_str!("bad/inventory-syntax.toml"),
        include_str!("bad/inventory-keys.toml"),
        include_str!("bad/inventory-values.toml"),
        include_str!("bad/inventory-credentials.toml"),
        include_str!("bad/inventory-references.toml"),
        include_str!("bad/inventory-empty.toml"),
        include_str!("bad/inventory-load-balancers.toml"),
    ]
    .map(|text| Source::new("inventory.toml", text))
    .into_iter()
    .chain(
        [
            include_str!("bad/playbook-syntax.toml"),
            include_str!("bad/playbook-keys.toml"),
            include_str!("bad/playbook-single-step.toml"),
            include_str!("bad/playbook-empty.toml"),
            include_str!("bad/playbook-policy.toml"),
            include_str!("bad/playbook-limit.toml"),
            include_str!("bad/playbook-window.toml"),
            include_str!("bad/playbook-window-words.toml"),
            include_str!("bad/playbook-window-dates.toml"),
            include_str!("bad/playbook-rules.toml"),
            include_str!("bad/playbook-targets.toml"),
            include_str!("bad/playbook-denial.toml"),
            include_str!("bad/playbook-order.toml"),
            include_str!("bad/playbook-farm.toml"),
            include_str!("bad/playbook-selector.toml"),
            include_str!("bad/playbook-hooks.toml"),
        ]
        .map(|text| Source::new("playbook.toml", text)),
    )
    .chain([long_list()])
    .collect()
}

/// A playbook with more addresses than anybody reads.
fn long_list() -> Source {
    let entries: String = (0..501)
        .map(|n| format!("  {{ address = \"10.0.{}.{}\" }},\n", n / 256, n % 256))
        .collect();
    let text = format!(
        "[playbook]\ntitle = \"long\"\nservers = \"all\"\n\n[[step]]\nrestrict = {{ application = \"Default Web Site/owa\", \
         unlisted = \"deny\", existing = \"replace\", allow = [\n{entries}] }}\n"
    );
    Source::new("playbook.toml", text)
}

#[test]
fn a_long_list_is_told_once() {
    let source = long_list();
    let checked = check(None, Some(&source));
    let found: Vec<_> = checked
        .diagnostics
        .iter()
        .filter(|found| found.code == Code::ManyRules)
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].line, found[0].message.as_str()),
        (6, "501 rules: more than 500 are slow, and nobody reads them")
    );
}

/// Checks a file of [`bad`] as what it is.
pub(super) fn check_as_named(source: &Source) -> Checked {
    match source.name.as_str() {
        "inventory.toml" => check(Some(source), None),
        _ => check(Some(&farm()), Some(source)),
    }
}

#[test]
fn no_password_is_ever_shown() {
    for source in bad() {
        let checked = check_as_named(&source);
        for found in &checked.diagnostics {
            for color in [false, true] {
                let text = found.render(&source, color);
                assert!(!text.contains("hunter2"), "{text}");
            }
            assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
        }
        assert!(!format!("{source:?}").contains("hunter2"));
    }
}

#[test]
fn every_code_is_provoked() {
    let provoked: Vec<Code> = bad()
        .iter()
        .flat_map(|source| check_as_named(source).diagnostics)
        .map(|found| found.code)
        .collect();
    let never: Vec<_> = Code::ALL.iter().filter(|code| !provoked.contains(code)).collect();
    assert_eq!(never, Vec::<&Code>::new());
}

#[test]
fn places_are_exact() {
    let source = Source::new(
        "p.toml",
        "[playbook]\r\ntitle = \"größer\"\r\nservers = \"größer\"\r\n",
    );
    let checked = check(None, Some(&source));
    let places: Vec<_> = checked
        .diagnostics
        .iter()
        .map(|found| {
            (
                found.code,
                found.line,
                found.column,
                &source.text[found.span.clone()],
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            (Code::MissingKey, 1, 1, ""),
            (Code::BadSelector, 3, 11, "\"größer\"")
        ]
    );
}

#[test]
fn without_colour_it_is_plain_and_with_colour_the_words_stay() {
    let source = Source::new("i.toml", "[servr.cas01]\n");
    let found = &check(Some(&source), None).diagnostics[1];
    let plain = found.render(&source, false);
    assert!(plain.is_ascii() && !plain.contains('\x1b'), "{plain}");
    let colored = found.render(&source, true);
    assert!(colored.contains('\x1b'));
    let mut stripped = String::new();
    let mut rest = colored.as_str();
    while let Some((before, escape)) = rest.split_once('\x1b') {
        stripped.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

#[test]
fn a_finding_about_another_file_is_shown_without_its_line() {
    let source = Source::new("i.toml", "[servr.cas01]\n");
    let other = Source::new("other.toml", "x");
    let found = &check(Some(&source), None).diagnostics[1];
    insta::assert_snapshot!(found.render(&other, false), @r"
    error[unknown-key]: the file has no key `servr`
    --> i.toml:1:2
     = help: did you mean `server`?
    ");
}
