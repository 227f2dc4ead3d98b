//! `[@start,name='value',name2='value2']`, and the percent escapes of every argument.

use super::failure::Failure;
use crate::machine::configuration::Position;

/// A collection indexer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Indexer {
    pub(super) position: Position,
    pub(super) values: Vec<(String, String)>,
}

/// Reads an indexer at the beginning of `text` and returns what follows it.
///
/// A quotation mark inside a value is doubled. Names are separated by commas.
pub(super) fn parse(text: &str) -> Result<(Indexer, &str), Failure> {
    let mut indexer = Indexer {
        position: Position::End,
        values: Vec::new(),
    };
    let mut rest = text
        .strip_prefix('[')
        .ok_or_else(Failure::malformed_indexer)?
        .trim_start();
    if let Some(after) = rest.strip_prefix('@') {
        let end = after.find([',', ']']).ok_or_else(Failure::malformed_indexer)?;
        let (word, tail) = after.split_at(end);
        indexer.position = match word.trim().to_ascii_lowercase().as_str() {
            "start" => Position::Start,
            "end" => Position::End,
            number => Position::Index(number.parse().map_err(|_| Failure::malformed_indexer())?),
        };
        rest = tail.strip_prefix(',').unwrap_or(tail).trim_start();
    }
    while !rest.starts_with(']') {
        let (name, tail) = rest.split_once('=').ok_or_else(Failure::malformed_indexer)?;
        let name = name.trim();
        if name.is_empty() || name.contains([',', '\'', '[', ']']) {
            return Err(Failure::malformed_indexer());
        }
        let (value, tail) = quoted(tail.trim_start()).ok_or_else(Failure::malformed_indexer)?;
        indexer.values.push((unescaped(name), unescaped(&value)));
        let tail = tail.trim_start();
        rest = match tail.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if tail.starts_with(']') => tail,
            None => return Err(Failure::malformed_indexer()),
        };
    }
    Ok((indexer, rest.strip_prefix(']').unwrap_or(rest)))
}

/// `'value'`, with `''` for a quotation mark, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.strip_prefix('\'')?;
    loop {
        let (before, after) = rest.split_once('\'')?;
        value.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

/// appcmd reads `%41` and `%u0041` as `A`. What is no escape stays.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let escape = |digits: Option<&str>| {
            let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
        };
        let wide = after
            .strip_prefix(['u', 'U'])
            .and_then(|digits| escape(digits.get(..4)));
        let (character, used) = match (wide, escape(after.get(..2))) {
            (Some(character), _) => (character, 5),
            (None, Some(character)) => (character, 2),
            (None, None) => ('%', 0),
        };
        plain.push(character);
        rest = after.get(used..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// Whether XML can hold the text: control characters other than tab and line ends cannot be written.
pub(super) fn is_xml(text: &str) -> bool {
    !text.chars().any(
        |c| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Indexer, parse, unescaped};
    use crate::machine::configuration::Position;

    fn indexer(position: Position, values: &[(&str, &str)]) -> Indexer {
        Indexer {
            position,
            values: values
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn indexers() {
        let one = indexer(Position::End, &[("ipAddress", "192.0.2.1"), ("allowed", "True")]);
        assert_eq!(
            parse("[ipAddress='192.0.2.1',allowed='True']"),
            Ok((one.clone(), ""))
        );
        assert_eq!(
            parse("[ ipAddress = '192.0.2.1', allowed='True' ].allowed:x"),
            Ok((one, ".allowed:x"))
        );
        let first = indexer(Position::Start, &[("name", "it's")]);
        assert_eq!(parse("[@start,name='it''s']"), Ok((first, "")));
        assert_eq!(parse("[@2]"), Ok((indexer(Position::Index(2), &[]), "")));
        assert_eq!(
            parse("[ipAddress='fe80::1%2514']"),
            Ok((indexer(Position::End, &[("ipAddress", "fe80::1%14")]), ""))
        );
        for malformed in [
            "",
            "[",
            "[]x]y",
            "x",
            "[ipAddress=192.0.2.1]",
            "[ipAddress='1'",
            "[='1']",
            "[@x,a='1']",
            "[a='1' b='2']",
        ] {
            let read = parse(malformed);
            assert!(read.is_err() || malformed == "[]x]y", "{malformed}: {read:?}");
        }
    }

    #[test]
    fn percent_escapes() {
        assert_eq!(unescaped("a%20b%u0041%zz%4"), "a bA%zz%4");
        assert_eq!(unescaped("%25windir%25"), "%windir%");
        assert_eq!(unescaped("%14"), "\u{14}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            if let Ok((indexer, rest)) = parse(&text) {
                prop_assert!(text.ends_with(rest) && indexer.values.len() <= text.len());
            }
            prop_assert!(unescaped(&text).len() <= text.len());
        }

        #[test]
        fn values_come_back(name in "[a-zA-Z]{1,12}", value in "[^%]*") {
            let text = format!("[{name}='{}']", value.replace('\'', "''"));
            prop_assert_eq!(parse(&text), Ok((indexer(Position::End, &[(&name, &value)]), "")));
        }
    }
}
