//! Texts with holes, as inventory and playbook have them: a word in braces stands for something, or is told.

use crate::diagnostic::Code;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::suggest;
use crate::template::{Hole, Template};

/// The body of a request. Line breaks are welcome here, other control characters are not.
pub(super) fn body<H: Hole>(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Template<H>> {
    let text = entry.any_text(found)?;
    if text.contains(|c: char| c.is_control() && !"\r\n\t".contains(c)) {
        // Told in the same words as of any other text.
        entry.text(found)?;
    }
    parsed(text, entry, found)
}

/// Whether a body that begins as JSON is JSON, whatever its holes hold.
pub(super) fn is_whole<H: Hole>(template: &Template<H>, entry: &Entry<'_>, found: &mut Findings<'_>) -> bool {
    // A hole outside of quotes, or behind a backslash, makes none of it.
    let sample = template.fill(|_| "x".to_owned());
    match serde_json::from_str::<serde_json::Value>(&sample) {
        Err(error) if template.is_json() => {
            let message = format!("{} begins as JSON but is none: {error}", entry.name());
            let hint = "single quotes around the whole leave JSON's own quotes alone: body = '{\"state\": \"down\"}'";
            found.error(Code::BadValue, entry.span(), message, hint);
            false
        }
        _ => true,
    }
}

/// Any other text.
pub(super) fn parsed<H: Hole>(
    text: &str,
    entry: &Entry<'_>,
    found: &mut Findings<'_>,
) -> Option<Template<H>> {
    match Template::parse(text) {
        Ok(template) => Some(template),
        Err(unknown) => {
            let message = format!("{{{}}} stands for nothing", shown(&unknown.0));
            let hint = suggest::hint(&unknown.0, H::words(), "placeholder");
            found.error(Code::UnknownPlaceholder, entry.span(), message, hint);
            None
        }
    }
}
