//! The operator's own files. They are not hostile, but anything may stand in them.

use inventory::{Diagnostic, Selector, Source, check, lint, read_inventory, read_playbook};

/// The input as an inventory and as a playbook, alone and together.
pub(crate) fn files(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input).into_owned();
    if let Ok(selector) = text.parse::<Selector>() {
        assert_eq!(selector.as_str(), text);
    }
    let inventory = Source::new("inventory.toml", text.clone());
    let playbook = Source::new("playbook.toml", text);
    let fleet = read_inventory(&inventory).inspect_err(|found| shown(found, &inventory));
    let change = read_playbook(&playbook).inspect_err(|found| shown(found, &playbook));
    if let (Ok(fleet), Ok(change)) = (&fleet, &change) {
        let _ = lint(fleet, change, &inventory, &playbook);
    }
    let both = check(Some(&inventory), Some(&playbook));
    assert_eq!(both.inventory.is_some(), fleet.is_ok());
    fleet.is_ok() || change.is_ok()
}

/// Every finding has a place in the text, and can be shown there.
fn shown(found: &[Diagnostic], source: &Source) {
    assert!(!found.is_empty(), "refused without a reason");
    for diagnostic in found.iter().take(20) {
        assert!(diagnostic.line >= 1 && diagnostic.column >= 1);
        assert!(
            source.text.get(diagnostic.span.clone()).is_some(),
            "{diagnostic:?}"
        );
        assert!(
            diagnostic
                .render(source, false)
                .contains(diagnostic.code.as_str())
        );
    }
}
