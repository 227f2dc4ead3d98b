//! Whatever stands in a file: readers answer, and what they answer can be shown.

use proptest::prelude::{Just, Strategy, prop, prop_oneof, proptest};

use crate::{Diagnostic, Source, check, read_inventory, read_playbook};

/// Reads a text as either file, and shows whatever is found.
fn survives(text: String) {
    let inventory = Source::new("inventory.toml", text.clone());
    let playbook = Source::new("playbook.toml", text);
    let show = |list: &[Diagnostic], source: &Source| {
        for found in list {
            assert!(found.line >= 1 && found.column >= 1);
            assert!(source.text.get(found.span.clone()).is_some(), "{found:?}");
            assert!(!found.message.is_empty() && !found.hint.is_empty(), "{found:?}");
            let text = found.render(source, false);
            assert!(text.contains(found.code.as_str()), "{text}");
        }
    };
    match read_inventory(&inventory) {
        Ok(read) => assert!(!read.servers.is_empty()),
        Err(list) => {
            assert!(!list.is_empty());
            show(&list, &inventory);
        }
    }
    match read_playbook(&playbook) {
        Ok(read) => assert!(!read.steps.is_empty()),
        Err(list) => {
            assert!(!list.is_empty());
            show(&list, &playbook);
        }
    }
    let both = check(Some(&inventory), Some(&playbook));
    assert_eq!(both.inventory.is_some(), read_inventory(&inventory).is_ok());
}

/// Lines that look like those of a real file, put together at random, some of them cut in the middle.
fn shuffled() -> impl Strategy<Value = String> {
    const FILES: [&str; 5] = [
        include_str!("farm.toml"),
        include_str!("bad/inventory-values.toml"),
        include_str!("bad/inventory-credentials.toml"),
        include_str!("bad/playbook-rules.toml"),
        include_str!("bad/playbook-keys.toml"),
    ];
    let lines: Vec<&'static str> = FILES.iter().flat_map(|file| file.lines()).collect();
    let line = (
        prop::sample::select(lines),
        prop_oneof![4 => Just(None), 1 => (0_usize..60).prop_map(Some)],
    );
    prop::collection::vec(line, 0..40).prop_map(|lines| {
        let mut text = String::new();
        for (line, cut) in lines {
            text.push_str(line.get(..cut.unwrap_or(line.len())).unwrap_or(line));
            text.push('\n');
        }
        text
    })
}

proptest! {
    #[test]
    fn readers_never_panic_on_any_text(text in "\\PC*") {
        survives(text);
    }

    #[test]
    fn readers_never_panic_on_any_characters(text in prop::collection::vec(prop::char::any(), 0..200)) {
        survives(text.into_iter().collect());
    }

    #[test]
    fn readers_never_panic_on_what_looks_like_toml(text in "([\\[\\]{}=\"'.,#a-z0-9\\\\\u{e9}\u{1b} \t\r\n]|\\[\\[step\\]\\]\n|restrict=|allow=|\\[server\\.x\\]\n|\"\"\"){0,60}") {
        survives(text);
    }

    #[test]
    fn readers_never_panic_on_shuffled_files(text in shuffled()) {
        survives(text);
    }

    #[test]
    fn selectors_never_panic(text in "([a-z@*() ]|and |or |not |all ){0,40}") {
        if let Ok(selector) = text.parse::<crate::Selector>() {
            assert_eq!(selector.as_str(), text);
        }
    }
}

#[test]
fn depth_does_not_overflow_the_stack() {
    for text in [
        format!("a = {}1{}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("a = {}1{}", "{a=".repeat(50_000), "}".repeat(50_000)),
        format!("[{}a]\nx = 1", "a.".repeat(50_000)),
        format!("{}a = 1", "a.".repeat(50_000)),
        "[".repeat(100_000),
    ] {
        survives(text);
    }
}
