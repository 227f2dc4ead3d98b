//! Inheritance: what a section says at a level when everything above is taken in.

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
        for (_, section) in self.layers(schema, level) {
            for (name, value) in section.attributes.iter() {
                merged.attributes.set(name, value);
            }
            if let Some(collection) = &schema.collection {
                for directive in &section.directives {
                    apply(directive, collection, &mut merged.entries)?;
                }
            }
        }
        Ok(merged)
    }
}

fn apply(directive: &Directive, collection: &Collection, entries: &mut Vec<Values>) -> Result<(), Duplicate> {
    match directive {
        Directive::Remove(key) => entries.retain(|entry| !entry.same_key(key, collection)),
        Directive::Add(new) if entries.iter().any(|entry| entry.same_key(new, collection)) => {
            return Err(Duplicate {
                key: new.key(collection),
            });
        }
        Directive::Add(new) => entries.push(new.clone()),
    }
    Ok(())
}
