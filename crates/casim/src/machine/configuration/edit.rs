//! Changes of a section, as one commit makes them: all or nothing.

use super::schema::{Attribute, Collection, Definition, SectionSchema};
use super::{ConfigPath, Configuration, Directive, Duplicate, Values};

/// Where a new entry goes among the level's own entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) enum Position {
    Start,
    End,
    Index(usize),
}

/// One change. Names and values are as typed; they are checked against the schema here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::machine) enum Edit {
    /// `/allowUnlisted:False`
    Set { name: String, value: String },
    /// `/+[...]`
    Add {
        values: Vec<(String, String)>,
        position: Position,
    },
    /// `/-[...]`
    Remove { pattern: Vec<(String, String)> },
    /// `/[...].allowed:true`
    SetInEntry {
        pattern: Vec<(String, String)>,
        name: String,
        value: String,
    },
    /// `clear config /allowUnlisted`
    Unset { name: String },
    /// `clear config` of the whole section
    Clear,
}

impl Edit {
    /// Whether it adds, changes or takes out one, for which IIS reads them all.
    fn is_about_an_entry(&self) -> bool {
        match self {
            Self::Add { .. } | Self::Remove { .. } | Self::SetInEntry { .. } => true,
            Self::Set { .. } | Self::Unset { .. } | Self::Clear => false,
        }
    }
}

/// Why a commit is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::machine) enum EditError {
    /// The section is locked for the file that the commit would write.
    Locked,
    /// The section may only be written for the server, not for a location.
    AppHostOnly,
    UnknownAttribute {
        name: String,
    },
    /// Not a value of this attribute.
    InvalidValue,
    /// The section has no collection to add to or remove from.
    NoCollection,
    /// A key attribute that the schema gives no default was left out.
    MissingKey,
    Duplicate {
        keys: &'static [&'static str],
        values: Vec<String>,
        element: &'static str,
    },
    Missing,
}

impl Configuration {
    /// Applies `edits` to a section of `level`, writing the file of `commit`. On error nothing has changed.
    ///
    /// # Errors
    ///
    /// See [`EditError`].
    pub(in crate::machine) fn edit(
        &mut self,
        schema: &'static SectionSchema,
        level: &ConfigPath,
        commit: &ConfigPath,
        edits: &[Edit],
    ) -> Result<(), EditError> {
        if schema.definition == Definition::AppHostOnly && level.depth() > 0 {
            return Err(EditError::AppHostOnly);
        }
        if commit.depth() > 0 && self.locked(schema, level) {
            return Err(EditError::Locked);
        }
        let mut draft = self.clone();
        if let (Some(collection), true) = (&schema.collection, edits.iter().any(Edit::is_about_an_entry)) {
            draft
                .effective(schema, level)
                .map_err(|d| duplicate(collection, d))?;
        }
        for edit in edits {
            draft.apply(schema, level, commit, edit)?;
        }
        *self = draft;
        Ok(())
    }

    fn apply(
        &mut self,
        schema: &'static SectionSchema,
        level: &ConfigPath,
        commit: &ConfigPath,
        edit: &Edit,
    ) -> Result<(), EditError> {
        match edit {
            Edit::Set { name, value } => {
                let attribute = attribute_of(schema, name)?;
                let value = attribute.canonical(value).ok_or(EditError::InvalidValue)?;
                self.place(schema, commit, level)
                    .attributes
                    .set(attribute.name, value);
            }
            Edit::Unset { name } => {
                let attribute = attribute_of(schema, name)?;
                self.place(schema, commit, level)
                    .attributes
                    .remove(attribute.name);
            }
            Edit::Clear => {
                self.drop_section(schema, commit, level);
            }
            Edit::Add { values, position } => {
                let collection = collection_of(schema)?;
                let entry = checked(collection, values)?;
                if collection
                    .keys
                    .iter()
                    .all(|key| entry.get(key).is_none_or(str::is_empty))
                {
                    return Err(EditError::MissingKey);
                }
                if self.has(schema, collection, level, &entry) {
                    return Err(duplicate(
                        collection,
                        Duplicate {
                            key: entry.key(collection),
                        },
                    ));
                }
                let directives = &mut self.place(schema, commit, level).directives;
                let index = match position {
                    Position::Start => 0,
                    Position::End => directives.len(),
                    Position::Index(index) => (*index).min(directives.len()),
                };
                directives.insert(index, Directive::Add(entry));
            }
            Edit::Remove { pattern } => {
                let collection = collection_of(schema)?;
                let found = self.find(schema, level, &checked(collection, pattern)?)?;
                self.remove(schema, collection, level, commit, &found);
            }
            Edit::SetInEntry { pattern, name, value } => {
                let collection = collection_of(schema)?;
                let mut changed = self.find(schema, level, &checked(collection, pattern)?)?;
                let original = changed.clone();
                for (name, value) in checked(collection, &[(name.clone(), value.clone())])?.iter() {
                    changed.set(name, value);
                }
                let own = &mut self.place(schema, commit, level).directives;
                match own
                    .iter_mut()
                    .find(|d| matches!(d, Directive::Add(v) if *v == original))
                {
                    Some(slot) => *slot = Directive::Add(changed),
                    None => {
                        self.remove(schema, collection, level, commit, &original);
                        self.place(schema, commit, level)
                            .directives
                            .push(Directive::Add(changed));
                    }
                }
            }
        }
        Ok(())
    }

    /// The first effective entry that fits an indexer.
    fn find(
        &self,
        schema: &'static SectionSchema,
        level: &ConfigPath,
        pattern: &Values,
    ) -> Result<Values, EditError> {
        let collection = collection_of(schema)?;
        self.first(schema, collection, level, pattern)
            .cloned()
            .ok_or(EditError::Missing)
    }

    /// Takes an own entry out, or writes a `<remove>` against an inherited one.
    fn remove(
        &mut self,
        schema: &'static SectionSchema,
        collection: &'static Collection,
        level: &ConfigPath,
        commit: &ConfigPath,
        entry: &Values,
    ) {
        let own = &mut self.place(schema, commit, level).directives;
        let before = own.len();
        own.retain(|d| !matches!(d, Directive::Add(v) if v.same_key(entry, collection)));
        if own.len() == before {
            let mut key = Values::default();
            for name in collection.keys {
                if let Some(value) = entry.get(name) {
                    key.set(name, value);
                }
            }
            own.push(Directive::Remove(key));
        }
    }
}

fn attribute_of(schema: &'static SectionSchema, name: &str) -> Result<&'static Attribute, EditError> {
    schema.attribute(name).ok_or_else(|| EditError::UnknownAttribute {
        name: name.to_owned(),
    })
}

fn collection_of(schema: &'static SectionSchema) -> Result<&'static Collection, EditError> {
    schema.collection.as_ref().ok_or(EditError::NoCollection)
}

fn checked(collection: &'static Collection, values: &[(String, String)]) -> Result<Values, EditError> {
    let mut checked = Values::default();
    for (name, value) in values {
        let attribute = collection
            .attribute(name)
            .ok_or_else(|| EditError::UnknownAttribute { name: name.clone() })?;
        checked.set(
            attribute.name,
            attribute.canonical(value).ok_or(EditError::InvalidValue)?,
        );
    }
    Ok(checked)
}

fn duplicate(collection: &'static Collection, duplicate: Duplicate) -> EditError {
    EditError::Duplicate {
        keys: collection.keys,
        values: duplicate.key,
        element: collection.element,
    }
}
