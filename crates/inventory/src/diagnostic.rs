//! One finding: a stable code, a place, a sentence and a hint; and how it looks on a screen.

mod code;
mod mask;

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

use crate::source::Source;
pub use code::Code;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look; the file can be used.
    Warning,
    /// The file cannot be used.
    Error,
}

/// One finding in an inventory or a playbook.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Diagnostic {
    /// What kind of finding; stable, so that scripts may look for it.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, one sentence without a full stop. Never a secret.
    pub message: String,
    /// Name of the file, as in [`Source::name`].
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes of the text that the caret stands under.
    pub span: Range<usize>,
    /// A second place that belongs to it, e.g. the first use of a name that is used twice.
    pub related: Option<Related>,
    /// What to do about it.
    pub hint: String,
}

/// A second place, in the same file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Related {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is there.
    pub label: String,
}

impl Diagnostic {
    /// Makes a finding about `span` of `source`.
    pub(crate) fn new(
        source: &Source,
        code: Code,
        severity: Severity,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let span = within(&source.text, span);
        let (line, column) = position(&source.text, span.start);
        let (message, hint) = (message.into(), hint.into());
        Self {
            code,
            severity,
            message,
            file: source.name.clone(),
            line,
            column,
            span,
            related: None,
            hint,
        }
    }

    /// The finding as compilers show theirs: title, place, the line with a caret, the hint. Plain ASCII around the file's own text when
    /// `color` is false, ANSI sequences otherwise. Passwords that stand in the text are starred out.
    ///
    /// `source` should be the file that the finding is about; with another one the line is left out.
    pub fn render(&self, source: &Source, color: bool) -> String {
        let level = match self.severity {
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let title = level.primary_title(self.message.as_str()).id(self.code.as_str());
        let hint = Level::HELP.message(self.hint.as_str());
        let masked = mask::passwords(&source.text);
        let group = if source.name == self.file && self.span.end <= masked.len() {
            let mut snippet = Snippet::source(masked.as_str())
                .path(self.file.as_str())
                .annotation(AnnotationKind::Primary.span(self.span.clone()));
            if let Some(related) = &self.related {
                let context = AnnotationKind::Context.span(within(&masked, related.span.clone()));
                snippet = snippet.annotation(context.label(related.label.as_str()));
            }
            title.element(snippet).element(hint)
        } else {
            let origin = annotate_snippets::Origin::path(self.file.as_str())
                .line(self.line)
                .char_column(self.column);
            title.element(origin).element(hint)
        };
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut text = renderer.decor_style(DecorStyle::Ascii).render(&[group]);
        text.push('\n');
        text
    }
}

/// A span moved onto character boundaries inside the text, so that whoever slices with it cannot panic.
fn within(text: &str, span: Range<usize>) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// Line and column (in characters) of a byte, both from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}
