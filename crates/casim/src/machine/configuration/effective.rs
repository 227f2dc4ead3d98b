//! Inheritance: what a section says at a level when everything above is taken in.

use std::collections::HashSet;

use super::schema::{Collection, SectionSchema};
use super::{ConfigPath, Configuration, Directive, Values};

/// A section with everything inherited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::machine) struct Effective {
    /// Attributes written at some level.
    pub(in crate::machine) attributes: Values,
    /// Entries in the order in which IIS reads them: inherited ones first (the schema appends).
    pub(in crate::machine) entries: Vec<Values>,
}

impl Effective {
    /// The value of an attribute, the schema's default when nobody wrote it.
    pub(in crate::machine) fn attribute<'a>(&'a self, schema: &'static SectionSchema, name: &str) -> &'a str {
        schema
            .attribute(name)
            .map_or("", |attribute| self.attributes.effective(attribute))
    }

    /// Whether a boolean attribute is `true`.
    pub(in crate::machine) fn is_true(&self, schema: &'static SectionSchema, name: &str) -> bool {
        self.attribute(schema, name) == "true"
    }
}

/// Two entries with one key: IIS answers 500.19, tools exit with 183.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::machine) struct Duplicate {
    pub(in crate::machine) key: Vec<String>,
}

impl Configuration {
    /// Whether a section has an entry with this key at `level`, where everything above is taken in.
    pub(in crate::machine) fn has(
        &self,
        schema: &SectionSchema,
        collection: &Collection,
        level: &ConfigPath,
        entry: &Values,
    ) -> bool {
        let layers = self.layers(schema, level);
        let mut directives = layers.iter().flat_map(|(_, section)| &section.directives).rev();
        let last = directives.find_map(|directive| match directive {
            Directive::Add(other) => other.same_key(entry, collection).then_some(true),
            Directive::Remove(other) => other.same_key(entry, collection).then_some(false),
        });
        last.unwrap_or(false)
    }

    /// The first entry in effect at `level` that fits an indexer, where none is there twice.
    pub(in crate::machine) fn first(
        &self,
        schema: &SectionSchema,
        collection: &Collection,
        level: &ConfigPath,
        pattern: &Values,
    ) -> Option<&Values> {
        let layers = self.layers(schema, level);
        let directives: Vec<&Directive> = layers
            .iter()
            .flat_map(|(_, section)| &section.directives)
            .collect();
        let is_removed = |later: &[&Directive], entry: &Values| {
            later
                .iter()
                .any(|d| matches!(d, Directive::Remove(key) if entry.same_key(key, collection)))
        };
        directives
            .iter()
            .enumerate()
            .find_map(|(index, directive)| match directive {
                Directive::Add(entry)
                    if entry.matches(pattern, collection)
                        && !is_removed(directives.get(index..).unwrap_or_default(), entry) =>
                {
                    Some(entry)
                }
                Directive::Add(_) | Directive::Remove(_) => None,
            })
    }

    /// Merges a section for `level`.
    ///
    /// # Errors
    ///
    /// When an entry is added that is already there, in the same file or by inheritance.
    pub(in crate::machine) fn effective(
        &self,
        schema: &SectionSchema,
        level: &ConfigPath,
    ) -> Result<Effective, Duplicate> {
        let mut merged = Effective {
            attributes: Values::default(),
            entries: Vec::new(),
        };
        // Lists of thousands are read for each request, so keys are looked up.
        let mut keys = HashSet::new();
        for (_, section) in self.layers(schema, level) {
            for (name, value) in section.attributes.iter() {
                merged.attributes.set(name, value);
            }
            if let Some(collection) = &schema.collection {
                for directive in &section.directives {
                    apply(directive, collection, &mut merged.entries, &mut keys)?;
                }
            }
        }
        Ok(merged)
    }
}

fn apply(
    directive: &Directive,
    collection: &Collection,
    entries: &mut Vec<Values>,
    keys: &mut HashSet<String>,
) -> Result<(), Duplicate> {
    let text = |entry: &Values| entry.key(collection).join("\n").to_ascii_lowercase();
    match directive {
        Directive::Remove(key) => {
            if keys.remove(&text(key)) {
                entries.retain(|entry| !entry.same_key(key, collection));
            }
        }
        Directive::Add(new) if !keys.insert(text(new)) => {
            return Err(Duplicate {
                key: new.key(collection),
            });
        }
        Directive::Add(new) => entries.push(new.clone()),
    }
    Ok(())
}
