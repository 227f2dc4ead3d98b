//! A table of the file with the keys that it may have, and typed access to their values. Every problem becomes a finding; the answer is then
//! `None`, and the caller goes on with its default.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use crate::diagnostic::Code;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::keys::Keys;
use crate::reader::suggest;

/// A table of the file.
pub(crate) struct Table<'a> {
    /// How it is called in messages: `[server.cas01]`.
    pub(crate) title: String,
    /// Where it is: its header or its braces.
    pub(crate) span: Range<usize>,
    keys: &'static Keys,
    entries: &'a DeTable<'a>,
}

impl<'a> Table<'a> {
    /// Opens an entry's value as a table with these keys; unknown ones are reported at once.
    pub(crate) fn open(
        entry: &Entry<'a>,
        title: String,
        keys: &'static Keys,
        found: &mut Findings<'_>,
    ) -> Option<Self> {
        let entries = entry.table(found)?;
        // A table under a header of its own has the header's place; one in braces that of its braces.
        let table = Self {
            title,
            span: entry.place(),
            keys,
            entries,
        };
        table.report_unknown_keys(found);
        Some(table)
    }

    /// The file's outermost table.
    pub(crate) fn root(
        root: &'a Spanned<DeTable<'a>>,
        keys: &'static Keys,
        found: &mut Findings<'_>,
    ) -> Self {
        let table = Self {
            title: "the file".to_owned(),
            span: 0..0,
            keys,
            entries: root.get_ref(),
        };
        table.report_unknown_keys(found);
        table
    }

    fn report_unknown_keys(&self, found: &mut Findings<'_>) {
        for key in self.entries.keys() {
            let word = key.get_ref().as_ref();
            if self.keys.contains(word) {
                continue;
            }
            match self.keys.later(word) {
                Some(instead) => {
                    let message = format!("`{word}` is not in this version of casgate");
                    found.error(Code::NotInThisVersion, key.span(), message, instead);
                }
                None => {
                    let message = format!("{} has no key `{}`", self.title, shown(word));
                    found.error(
                        Code::UnknownKey,
                        key.span(),
                        message,
                        suggest::hint(word, self.keys.names(), "key"),
                    );
                }
            }
        }
    }

    /// The value of a key, if it is written.
    pub(crate) fn get(&self, key: &'static str) -> Option<Entry<'a>> {
        debug_assert!(
            self.keys.contains(key),
            "{key} is not declared for {}",
            self.keys.heading
        );
        self.entries
            .get_key_value(key)
            .map(|(key, value)| Entry::new(key, value))
    }

    /// The value of a key that must be written.
    pub(crate) fn need(&self, key: &'static str, hint: &str, found: &mut Findings<'_>) -> Option<Entry<'a>> {
        let entry = self.get(key);
        if entry.is_none() {
            let message = format!("{} does not say `{key}`", self.title);
            found.error(Code::MissingKey, self.span.clone(), message, hint);
        }
        entry
    }

    /// All entries, in alphabetical order: for tables whose keys are names.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        self.entries.iter().map(|(key, value)| Entry::new(key, value))
    }
}
