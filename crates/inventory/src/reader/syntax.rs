//! Text to TOML: every syntax error at once, and what of the rest is still worth reporting.

use toml::Spanned;
use toml::de::{DeTable, Error};

use crate::diagnostic::{Code, Diagnostic};
use crate::reader::findings::Findings;
use crate::source::Source;

/// A parsed file.
pub(crate) struct Parsed<'s> {
    /// What could be understood.
    pub(crate) root: Spanned<DeTable<'s>>,
    errors: Vec<Error>,
}

/// Parses a file as far as it goes.
pub(crate) fn parse(source: &Source) -> Parsed<'_> {
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    Parsed { root, errors }
}

impl Parsed<'_> {
    /// Adds the syntax errors to what was found in the parsed part, and drops from there what may well be their consequence: everything on
    /// their lines, and where the structure itself is in doubt everything that speaks about structure.
    pub(crate) fn report(&self, found: &mut Findings<'_>) {
        if self.errors.is_empty() {
            return;
        }
        let before = found.len();
        for error in &self.errors {
            let code = if error.message() == "duplicate key" {
                Code::DuplicateKey
            } else {
                Code::Syntax
            };
            let message = match code {
                Code::DuplicateKey => "this is written twice".to_owned(),
                _ => error.message().to_owned(),
            };
            found.error(
                code,
                error.span().unwrap_or_default(),
                message,
                hint(error.message()),
            );
        }
        let lines = found.lines_from(before);
        let structure_in_doubt = !self
            .errors
            .iter()
            .all(|error| concerns_value_only(error.message()));
        let mut index = 0;
        found.retain(|finding| {
            index += 1;
            index > before
                || !(lines.contains(&finding.line) || (structure_in_doubt && speaks_of_structure(finding)))
        });
    }
}

/// Whether a syntax error leaves no doubt to which table the lines after it belong. toml's texts are not promised to stay; one that is not
/// known here only makes the answer more careful.
fn concerns_value_only(message: &str) -> bool {
    [
        "string values must be quoted",
        "missing escaped value",
        "duplicate key",
        "invalid escape",
    ]
    .iter()
    .any(|known| message.starts_with(known))
}

/// Whether a finding could be due to a key that ended up in the wrong table.
fn speaks_of_structure(finding: &Diagnostic) -> bool {
    !matches!(
        finding.code,
        Code::BadValue
            | Code::NotInThisVersion
            | Code::BadDuration
            | Code::BadQuantity
            | Code::BadAddress
            | Code::BadNetwork
            | Code::HostBits
            | Code::LiteralPassword
            | Code::BadSelector
    )
}

/// What to do about toml's messages.
fn hint(message: &str) -> &'static str {
    if message.starts_with("string values must be quoted") {
        "put text between quotes: \"...\""
    } else if message.contains("escape") {
        "a backslash begins an escape in \"...\"; in '...' it stands for itself"
    } else if message == "duplicate key" {
        "remove one of them, or give it another name"
    } else if message.starts_with("key with no value") {
        "write `key = value`; a table's name stands in brackets"
    } else if message.starts_with("unclosed")
        || message.contains("expected `\"`")
        || message.contains("expected `'`")
    {
        "close it on this line or further up"
    } else {
        "see the examples in docs/inventory.md and docs/playbook.md"
    }
}
