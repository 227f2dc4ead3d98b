//! One key with its value, read as what it should be. A value of another type becomes a finding that says what was expected and found.

use std::ops::Range;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::diagnostic::Code;
use crate::duration;
use crate::error::Error;
use crate::quantity::Quantity;
use crate::reader::findings::Findings;
use crate::reader::suggest;

/// One key with its value, or an array's element.
#[derive(Clone)]
pub(crate) struct Entry<'a> {
    /// The key as written; for an element that of its list.
    pub(crate) key: &'a str,
    /// Where the key is; the value's place for an element.
    pub(crate) key_span: Range<usize>,
    is_element: bool,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Entry<'a> {
    /// A key with its value.
    pub(crate) fn new(key: &'a Spanned<DeString<'a>>, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            key: key.get_ref().as_ref(),
            key_span: key.span(),
            is_element: false,
            value,
        }
    }

    /// An element of the list at `key`.
    fn element(key: &'a str, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            key,
            key_span: value.span(),
            is_element: true,
            value,
        }
    }

    /// Where the value is.
    pub(crate) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// Where a finding about the whole entry points: the key, or the table header that holds it.
    pub(crate) fn place(&self) -> Range<usize> {
        self.key_span.clone()
    }

    /// Whether the value is a table.
    pub(crate) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// Whether the value is text.
    pub(crate) fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    /// Whether the value is a list.
    pub(crate) fn is_list(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// Whether the value is a list without elements.
    pub(crate) fn is_empty(&self) -> bool {
        self.value
            .get_ref()
            .as_array()
            .is_some_and(|array| array.is_empty())
    }

    /// The value as a table.
    pub(crate) fn table(&self, found: &mut Findings<'_>) -> Option<&'a DeTable<'a>> {
        match self.value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => self.wrong_type(
                "a table",
                "write `{ ... }`, or a header of its own such as `[section.name]`",
                found,
            ),
        }
    }

    /// The value as text that is not empty and holds no control character.
    pub(crate) fn text(&self, found: &mut Findings<'_>) -> Option<&'a str> {
        let text = self.any_text(found)?;
        if text.trim().is_empty() {
            found.error(
                Code::BadValue,
                self.span(),
                format!("{} is empty", self.name()),
                "write it, or leave the key out",
            );
            return None;
        }
        if text.contains(char::is_control) {
            let message = format!("{} holds a control character", self.name());
            found.error(
                Code::BadValue,
                self.span(),
                message,
                "a backslash begins an escape in \"...\"; in '...' it stands for itself",
            );
            return None;
        }
        Some(text)
    }

    /// The value as text of any kind, line breaks included.
    pub(crate) fn any_text(&self, found: &mut Findings<'_>) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            _ => self.wrong_type("text", "put it between quotes", found),
        }
    }

    /// The value as true or false.
    pub(crate) fn boolean(&self, found: &mut Findings<'_>) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type("true or false", "write true or false, without quotes", found),
        }
    }

    /// The value as a whole number between two bounds.
    pub(crate) fn number(
        &self,
        bounds: std::ops::RangeInclusive<u32>,
        found: &mut Findings<'_>,
    ) -> Option<u32> {
        let DeValue::Integer(number) = self.value.get_ref() else {
            return self.wrong_type(
                "a whole number",
                "write it without quotes and without a fraction",
                found,
            );
        };
        let value = i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .and_then(|value| u32::try_from(value).ok());
        match value.filter(|value| bounds.contains(value)) {
            Some(value) => Some(value),
            None => {
                let message = format!(
                    "{} is {number}, expected {} to {}",
                    self.name(),
                    bounds.start(),
                    bounds.end()
                );
                found.error(
                    Code::BadValue,
                    self.span(),
                    message,
                    "write a number in these bounds",
                );
                None
            }
        }
    }

    /// The value as a TCP port.
    pub(crate) fn port(&self, found: &mut Findings<'_>) -> Option<u16> {
        self.number(1..=65535, found)
            .and_then(|port| u16::try_from(port).ok())
    }

    /// The value as a duration between two bounds.
    pub(crate) fn duration(
        &self,
        bounds: (SignedDuration, SignedDuration),
        found: &mut Findings<'_>,
    ) -> Option<SignedDuration> {
        let text = match self.value.get_ref() {
            DeValue::String(text) => text.as_ref(),
            DeValue::Integer(number) => {
                let hint = format!("say the unit: \"{number}s\" for seconds, \"{number}m\" for minutes");
                return self.wrong_type("a duration", &hint, found);
            }
            _ => return self.wrong_type("a duration", "write text such as \"60s\" or \"10m\"", found),
        };
        let duration = match duration::parse(text) {
            Ok(duration) => duration,
            Err(error) => {
                let hint = "write a number and a unit (ms, s, m, h) such as \"60s\", \"10m\" or \"1h 30m\"";
                found.error(
                    Code::BadDuration,
                    self.span(),
                    format!("{}: {error}", self.name()),
                    hint,
                );
                return None;
            }
        };
        let (least, most) = bounds;
        if duration < least || duration > most {
            let message = format!("{} is {}, out of bounds", self.name(), duration::show(duration));
            let hint = format!("it can be {} to {}", duration::show(least), duration::show(most));
            found.error(Code::BadDuration, self.span(), message, hint);
            return None;
        }
        Some(duration)
    }

    /// The value as a number of servers.
    pub(crate) fn quantity(&self, found: &mut Findings<'_>) -> Option<Quantity> {
        let hint = "write a number of servers such as 2, or a share such as \"25%\"";
        match self.value.get_ref() {
            DeValue::Integer(_) => self.number(0..=1_000_000, found).map(Quantity::Count),
            DeValue::String(text) => match text.parse::<Quantity>() {
                Ok(Quantity::Count(count)) => {
                    let message = format!("{} is text, expected a number", self.name());
                    found.error(
                        Code::WrongType,
                        self.span(),
                        message,
                        format!("write {count} without quotes"),
                    );
                    None
                }
                Ok(share) => Some(share),
                Err(error) => {
                    let hint = match error {
                        Error::PercentTooLarge { .. } => "a share of the servers is at most \"100%\"",
                        _ => hint,
                    };
                    found.error(
                        Code::BadQuantity,
                        self.span(),
                        format!("{}: {error}", self.name()),
                        hint,
                    );
                    None
                }
            },
            _ => self.wrong_type("a number of servers", hint, found),
        }
    }

    /// The value as one of a few words; `later` lists words that this version does not know yet, each with what to use instead.
    pub(crate) fn word<T: Copy>(
        &self,
        words: &[(&'static str, T)],
        later: &[(&str, &str)],
        found: &mut Findings<'_>,
    ) -> Option<T> {
        let text = self.text(found)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        if let Some((_, instead)) = later.iter().find(|(word, _)| *word == text) {
            let message = format!("`{text}` is not in this version of casgate");
            found.error(Code::NotInThisVersion, self.span(), message, *instead);
            return None;
        }
        let message = format!("{} cannot be `{}`", self.name(), shown(text));
        found.error(
            Code::BadValue,
            self.span(),
            message,
            suggest::hint(text, words.iter().map(|(word, _)| *word), "word"),
        );
        None
    }

    /// The value's elements.
    pub(crate) fn elements(
        &self,
        hint: &str,
        found: &mut Findings<'_>,
    ) -> Option<impl Iterator<Item = Entry<'a>> + use<'a>> {
        match self.value.get_ref() {
            DeValue::Array(array) => {
                let key = self.key;
                Some(array.iter().map(move |value| Entry::element(key, value)))
            }
            _ => self.wrong_type("a list", hint, found),
        }
    }

    /// The value as a list of texts, each with its place.
    pub(crate) fn texts(&self, found: &mut Findings<'_>) -> Vec<(&'a str, Range<usize>)> {
        let Some(elements) = self.elements("write a list such as [\"one\", \"two\"]", found) else {
            return Vec::new();
        };
        elements
            .filter_map(|element| Some((element.text(found)?, element.span())))
            .collect()
    }

    /// How the entry is called in a sentence.
    pub(crate) fn name(&self) -> String {
        let key = shown(self.key);
        if self.is_element {
            format!("an entry of `{key}`")
        } else {
            format!("`{key}`")
        }
    }

    /// Reports a value of another type.
    pub(crate) fn wrong_type<T>(&self, expected: &str, hint: &str, found: &mut Findings<'_>) -> Option<T> {
        let is = match self.value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        found.error(
            Code::WrongType,
            self.span(),
            format!("{} is {is}, expected {expected}", self.name()),
            hint,
        );
        None
    }
}

/// Text of the file as a message may quote it: printable and not endless.
pub(crate) fn shown(text: &str) -> String {
    let mut quoted: String = text
        .chars()
        .take(80)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    if text.chars().nth(80).is_some() {
        quoted.push_str("...");
    }
    quoted
}
