//! Texts with holes: `{member}` and `{password}` in a load balancer's requests, `{event}` and `{text}` in a hook's body. Nothing else is special, so
//! JSON can be written as it is.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the holes of one kind of text stand for.
pub trait Hole: Copy + PartialEq + 'static {
    /// Every one, with its word.
    const ALL: &'static [(&'static str, Self)];

    /// The words between the braces.
    fn words() -> impl Iterator<Item = &'static str> + Clone {
        Self::ALL.iter().map(|(word, _)| *word)
    }
}

/// What a hole in a load balancer's requests stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Placeholder {
    /// What the load balancer calls the server.
    Member,
    /// The load balancer's `backend`.
    Backend,
    /// The credential's user.
    User,
    /// The credential's password.
    Password,
}

impl Hole for Placeholder {
    const ALL: &'static [(&'static str, Self)] = &[
        ("member", Self::Member),
        ("backend", Self::Backend),
        ("user", Self::User),
        ("password", Self::Password),
    ];
}

/// A text with holes. Shown as it was written, never filled in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template<H = Placeholder> {
    written: String,
    parts: Vec<Part<H>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part<H> {
    Text(String),
    Hole(H),
}

/// A word in braces that stands for nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct UnknownPlaceholder(pub(crate) String);

impl<H: Hole> Template<H> {
    /// Takes a text apart. A word of lower-case letters and `_` in braces is a placeholder; any other brace is itself.
    pub(crate) fn parse(written: &str) -> Result<Self, UnknownPlaceholder> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = written;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let word = after.split_once('}').map(|(word, _)| word);
            match word.filter(|word| is_word(word)) {
                Some(word) => {
                    let known = H::ALL.iter().find(|(known, _)| *known == word);
                    let (_, placeholder) = known.ok_or_else(|| UnknownPlaceholder(word.to_owned()))?;
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(Part::Hole(*placeholder));
                    // The word, and the brace behind it.
                    rest = after.get(word.len().saturating_add(1)..).unwrap_or_default();
                }
                None => {
                    text.push('{');
                    rest = after;
                }
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self {
            written: written.to_owned(),
            parts,
        })
    }

    /// Whether the text has this hole.
    pub fn uses(&self, placeholder: H) -> bool {
        self.parts.contains(&Part::Hole(placeholder))
    }

    /// The text with every hole filled in.
    pub fn fill(&self, value: impl Fn(H) -> String) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Hole(placeholder) => value(*placeholder),
        });
        parts.collect()
    }

    /// The text as the body of a request: where it is JSON, values are escaped as JSON's strings are.
    pub fn fill_body(&self, value: impl Fn(H) -> String) -> String {
        self.fill(|placeholder| {
            let value = value(placeholder);
            match self.is_json() {
                true => escaped(&value),
                false => value,
            }
        })
    }

    /// Whether it is written as JSON, so that values have to be escaped as JSON's strings are.
    pub fn is_json(&self) -> bool {
        match self.parts.first() {
            Some(Part::Text(text)) => text.trim_start().starts_with(['{', '[']),
            Some(Part::Hole(_)) | None => false,
        }
    }
}

/// A value within a string of JSON.
fn escaped(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .map(str::to_owned)
        .unwrap_or_default()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

impl<H> Serialize for Template<H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de, H: Hole> Deserialize<'de> for Template<H> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        Self::parse(&written)
            .map_err(|unknown| D::Error::custom(format!("{{{}}} stands for nothing", unknown.0)))
    }
}

impl<H> fmt::Display for Template<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn filled(text: &str) -> String {
        Template::<Placeholder>::parse(text).unwrap().fill(|placeholder| {
            match placeholder {
                Placeholder::Member => "cas07",
                Placeholder::Backend => "eas",
                Placeholder::User => "ops",
                Placeholder::Password => "s3cret",
            }
            .to_owned()
        })
    }

    #[test]
    fn holes_are_filled_and_other_braces_stay() {
        for (text, expected) in [
            (
                "/pool/{backend}/members/~Common~{member}:443",
                "/pool/eas/members/~Common~cas07:443",
            ),
            (
                r#"{"user":"{user}","pass":"{password}"}"#,
                r#"{"user":"ops","pass":"s3cret"}"#,
            ),
            ("{member}{member}", "cas07cas07"),
            ("{", "{"),
            ("{}", "{}"),
            ("{{member}}", "{cas07}"),
            ("{Member} { member }", "{Member} { member }"),
            ("", ""),
        ] {
            assert_eq!(filled(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_that_stands_for_nothing_is_told() {
        assert_eq!(
            Template::<Placeholder>::parse("/x/{servr}"),
            Err(UnknownPlaceholder("servr".to_owned()))
        );
    }

    #[test]
    fn what_is_shown_is_what_was_written() {
        let template = Template::parse("{user}:{password}").unwrap();
        assert_eq!(template.to_string(), "{user}:{password}");
        assert!(template.uses(Placeholder::Password) && !template.uses(Placeholder::Member));
        assert!(!template.is_json() && Template::<Placeholder>::parse(" [\"{user}\"]").unwrap().is_json());
    }

    proptest! {
        #[test]
        fn a_value_in_json_comes_back_as_it_was(value in any::<String>()) {
            let template = Template::<Placeholder>::parse("{\"a\": \"<{user}>\"}").unwrap();
            let body = template.fill_body(|_| value.clone());
            let read: serde_json::Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(&read["a"], &format!("<{value}>"));
            let plain = Template::<Placeholder>::parse("<{user}>").unwrap();
            prop_assert_eq!(plain.fill_body(|_| value.clone()), format!("<{value}>"));
        }

        #[test]
        fn any_text_is_taken_apart_and_put_together_again(text in any::<String>()) {
            match Template::<Placeholder>::parse(&text) {
                Ok(template) => {
                    let words = |placeholder| {
                        let known = Placeholder::ALL.iter().find(|(_, known)| *known == placeholder);
                        format!("{{{}}}", known.unwrap().0)
                    };
                    prop_assert_eq!(template.fill(words), text);
                }
                Err(UnknownPlaceholder(word)) => {
                    let braced = format!("{{{}}}", word);
                    prop_assert!(text.contains(&braced));
                }
            }
        }
    }
}
