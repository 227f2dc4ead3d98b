//! What may not stand in a file, and how long a file may be.

use std::path::Path;

use crate::tree;

/// Lines of code from which on a file should be two (tests apart, flat tables named here).
const MOST_LINES: usize = 500;

/// What must not stand in the tree, in two halves so that this table does not find itself.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("/wor", "k/", "a path of one machine"),
    ("/roo", "t/", "a path of one machine"),
    ("todo", "!(", "a stub"),
    ("unimplemented", "!(", "a stub"),
    ("#[ign", "ore", "an ignored test"),
    ("#[all", "ow(", "use #[expect(…, reason = …)]"),
    ("assert!(tr", "ue)", "an assertion that cannot fail"),
];

/// Every finding in files that git knows.
pub(crate) fn findings(root: &Path) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    for name in tree::files(root)? {
        let Ok(text) = std::fs::read_to_string(root.join(&name)) else {
            continue;
        };
        if name != ".ci/run" {
            findings.extend(words(&name, &text));
        }
        if name.ends_with(".rs") {
            let lines = lines_of_code(&text);
            if lines > MOST_LINES && !is_test(&name) {
                findings.push(format!(
                    "{name}: {lines} lines of code, more than {MOST_LINES}: make two rooms of it"
                ));
            }
        }
    }
    findings.extend(documents(root));
    Ok(findings)
}

fn words(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (head, tail, why) in FORBIDDEN {
            if line.contains(&format!("{head}{tail}")) {
                findings.push(format!("{name}:{}: `{head}{tail}`: {why}", number + 1));
            }
        }
    }
    findings
}

/// Lines up to the tests at the end of a file.
fn lines_of_code(text: &str) -> usize {
    text.lines()
        .take_while(|l| !l.starts_with("#[cfg(test)]"))
        .count()
}

fn is_test(name: &str) -> bool {
    name.starts_with("tests/") || name.contains("/tests/") || name.ends_with("/tests.rs")
}

/// Documents that README and the definition of done promise.
fn documents(root: &Path) -> Vec<String> {
    const PROMISED: &[&str] = &[
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "docs/exit-codes.md",
        "docs/fidelity.md",
        "docs/glossary.md",
        "docs/inventory.md",
        "docs/journal-format.md",
        "docs/playbook.md",
        "inventory/lab.toml",
        "inventory/example.toml",
        "playbooks/restrict-activesync.toml",
    ];
    PROMISED
        .iter()
        .filter(|p| !root.join(p).is_file())
        .map(|p| format!("{p}: missing"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_words_are_found_with_their_line() {
        let text = format!("fn a() {{\n    {}{}\n}}\n", "todo", "!()");
        assert_eq!(
            words("x.rs", &text),
            [format!("x.rs:2: `{}{}`: a stub", "todo", "!(")]
        );
    }

    #[test]
    fn tests_at_the_end_do_not_count_as_code() {
        assert_eq!(lines_of_code("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
    }

    #[test]
    fn the_tree_is_tidy() {
        let root = tree::root();
        let mut found = crate::layers::findings(&root).expect("manifests are readable");
        found.extend(findings(&root).expect("git lists the files"));
        assert_eq!(found, Vec::<String>::new());
    }
}
