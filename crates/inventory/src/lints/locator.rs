//! From a path of keys back to its place in the text, so that checked values need not carry places around.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::reader::syntax;
use crate::source::Source;

/// One part of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Segment<'p> {
    /// A table's key.
    Key(&'p str),
    /// A list's element, from 0.
    Index(usize),
}

/// Finds places in one file.
pub(crate) struct Locator<'s> {
    root: Spanned<DeTable<'s>>,
}

impl<'s> Locator<'s> {
    /// Parses the file once more.
    pub(crate) fn new(source: &'s Source) -> Self {
        Self {
            root: syntax::parse(source).root,
        }
    }

    /// The place of the value at the end of the path; of the deepest one on the way where the path goes on but the file does not.
    pub(crate) fn value(&self, path: &[Segment<'_>]) -> Range<usize> {
        self.walk(path).1
    }

    /// The place of the key at the end of the path, as above.
    pub(crate) fn key(&self, path: &[Segment<'_>]) -> Range<usize> {
        self.walk(path).0
    }

    /// Where each `[[step]]` begins.
    pub(crate) fn step_starts(&self) -> Vec<usize> {
        match self.root.get_ref().get("step").map(|step| step.get_ref()) {
            Some(DeValue::Array(steps)) => steps.iter().map(|step| step.span().start).collect(),
            _ => Vec::new(),
        }
    }

    /// Places of key and value at the end of the path.
    fn walk(&self, path: &[Segment<'_>]) -> (Range<usize>, Range<usize>) {
        let mut place = (0..0, 0..0);
        let mut table = Some(self.root.get_ref());
        let mut list = None;
        for segment in path {
            let next = match segment {
                Segment::Key(key) => table
                    .and_then(|table| table.get_key_value(*key))
                    .map(|(key, value)| (key.span(), value)),
                Segment::Index(index) => list
                    .and_then(|list: &toml::de::DeArray<'_>| list.get(*index))
                    .map(|value| (value.span(), value)),
            };
            let Some((key, value)) = next else { break };
            place = (key, value.span());
            table = value.get_ref().as_table();
            list = value.get_ref().as_array();
        }
        place
    }
}

/// The path of a step's key: `step.3.restrict.allow`.
pub(crate) fn in_step<'p>(index: usize, kind: &'p str, rest: &[Segment<'p>]) -> Vec<Segment<'p>> {
    let mut path = vec![Segment::Key("step"), Segment::Index(index), Segment::Key(kind)];
    path.extend_from_slice(rest);
    path
}
