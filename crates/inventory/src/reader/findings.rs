//! Where a reader puts what it finds.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Related, Severity};
use crate::source::Source;

/// Collects findings about one file.
pub(crate) struct Findings<'s> {
    source: &'s Source,
    list: Vec<Diagnostic>,
}

impl<'s> Findings<'s> {
    /// An empty collection.
    pub(crate) fn new(source: &'s Source) -> Self {
        Self {
            source,
            list: Vec::new(),
        }
    }

    /// Adds an error.
    pub(crate) fn error(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.list.push(Diagnostic::new(
            self.source,
            code,
            Severity::Error,
            span,
            message,
            hint,
        ));
    }

    /// Adds a warning.
    pub(crate) fn warning(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.list.push(Diagnostic::new(
            self.source,
            code,
            Severity::Warning,
            span,
            message,
            hint,
        ));
    }

    /// Names a second place for the finding that was added last.
    pub(crate) fn related(&mut self, span: Range<usize>, label: impl Into<String>) {
        if let Some(last) = self.list.last_mut() {
            last.related = Some(Related {
                span,
                label: label.into(),
            });
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The lines of those added since there were `before`.
    pub(crate) fn lines_from(&self, before: usize) -> BTreeSet<usize> {
        self.list.iter().skip(before).map(|found| found.line).collect()
    }

    /// Drops those that `keep` does not want.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
    }

    /// The findings, in the order of the file, each once.
    pub(crate) fn into_list(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|found| (found.span.start, found.code));
        self.list.dedup_by(|next, kept| {
            (next.code, &next.span, &next.message) == (kept.code, &kept.span, &kept.message)
        });
        self.list
    }
}
