//! What one file says about one section at one level: its own attributes and its own collection directives.

use super::schema::{Attribute, Collection};

/// Attributes as written, in the order written. Names are the schema's, values canonical.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::machine) struct Values(Vec<(&'static str, String)>);

impl Values {
    /// The written value.
    pub(in crate::machine) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The written value or the schema's default.
    pub(in crate::machine) fn effective<'a>(&'a self, attribute: &'a Attribute) -> &'a str {
        self.get(attribute.name).unwrap_or(attribute.default)
    }

    /// Writes a value, keeping the place of one that is already there.
    pub(in crate::machine) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some(slot) => slot.1 = value.into(),
            None => self.0.push((name, value.into())),
        }
    }

    /// Removes a value; whether there was one.
    pub(in crate::machine) fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(n, _)| *n != name);
        self.0.len() != before
    }

    #[cfg(test)]
    pub(in crate::machine) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::machine) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The values of the collection's key attributes, defaults included, in schema order.
    pub(in crate::machine) fn key(&self, collection: &Collection) -> Vec<String> {
        let value = |name: &&str| {
            collection
                .attribute(name)
                .map(|a| self.effective(a).to_owned())
                .unwrap_or_default()
        };
        collection.keys.iter().map(value).collect()
    }

    /// Whether both have the same key. The comparison is textual: `24` and `255.255.255.0` are two keys.
    pub(in crate::machine) fn same_key(&self, other: &Self, collection: &Collection) -> bool {
        let value = |values: &Self, name: &str| {
            let attribute = collection.attribute(name);
            attribute.is_some_and(|a| self.effective(a).eq_ignore_ascii_case(values.effective(a)))
        };
        collection.keys.iter().all(|name| value(other, name))
    }

    /// Whether every value of `pattern` is the effective value here: how an indexer `[name='value',...]` finds.
    pub(in crate::machine) fn matches(&self, pattern: &Self, collection: &Collection) -> bool {
        pattern.iter().all(|(name, value)| {
            collection
                .attribute(name)
                .is_some_and(|a| self.effective(a).eq_ignore_ascii_case(value))
        })
    }
}

impl<const N: usize> From<[(&'static str, &str); N]> for Values {
    fn from(pairs: [(&'static str, &str); N]) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name, value.to_owned()))
                .collect(),
        )
    }
}

/// One line of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::machine) enum Directive {
    /// `<add .../>`
    Add(Values),
    /// `<remove .../>`: drops an inherited entry.
    Remove(Values),
}

/// A section as one file has it at one level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::machine) struct Section {
    pub(in crate::machine) attributes: Values,
    pub(in crate::machine) directives: Vec<Directive>,
}

#[cfg(test)]
impl Section {
    /// Own entries, in order.
    pub(in crate::machine) fn entries(&self) -> impl Iterator<Item = &Values> {
        self.directives.iter().filter_map(|directive| match directive {
            Directive::Add(values) => Some(values),
            Directive::Remove(_) => None,
        })
    }
}
