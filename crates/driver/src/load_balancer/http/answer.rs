//! An answer of an HTTP interface, judged by the inventory's words: JSON by pointers, anything else as text.

use inventory::{Conditions, TEXT};
use serde_json::Value;

use crate::failure::one_line;

/// An answer's body.
#[derive(Debug)]
pub(super) struct Answer {
    text: String,
    json: Option<Value>,
}

impl Answer {
    pub(super) fn new(text: String) -> Self {
        let json = serde_json::from_str(&text).ok();
        Self { text, json }
    }

    /// What does not hold, in words; `None` when everything does.
    pub(super) fn mismatch(&self, conditions: &Conditions) -> Option<String> {
        conditions
            .0
            .iter()
            .find(|(place, words)| !self.holds(place, words))
            .map(|(place, words)| {
                let found = self.found(place);
                let found = match found.is_empty() {
                    true => "nothing".to_owned(),
                    false => found.join(", "),
                };
                format!("expected {} at {place}, found {found}", words.join(" or "))
            })
    }

    /// Whether one of the words stands at the place: wherever the pointer leads, and it has to lead somewhere.
    fn holds(&self, place: &str, words: &[String]) -> bool {
        if place == TEXT {
            return words.iter().any(|word| self.text.contains(word.as_str()));
        }
        let found = self.found(place);
        !found.is_empty() && found.iter().all(|value| words.contains(value))
    }

    /// What the answer says at the places, for people: `enabled, available`.
    pub(super) fn words(&self, conditions: &Conditions) -> String {
        let words: Vec<String> = conditions.0.keys().flat_map(|place| self.found(place)).collect();
        match words.is_empty() {
            true => self.first_line(),
            false => one_line(&words.join(", ")),
        }
    }

    /// The number at a place: of all of them, if the pointer leads to several.
    pub(super) fn number(&self, pointer: &str) -> Option<u64> {
        let found = self.found(pointer);
        if found.is_empty() {
            return None;
        }
        found
            .iter()
            .try_fold(0_u64, |sum, value| Some(sum.saturating_add(value.parse().ok()?)))
    }

    /// The body's beginning, on one line.
    pub(super) fn first_line(&self) -> String {
        one_line(&self.text)
    }

    fn found(&self, place: &str) -> Vec<String> {
        if place == TEXT {
            return vec![self.first_line()];
        }
        let mut here: Vec<&Value> = self.json.iter().collect();
        for segment in place.split('/').skip(1) {
            here = here.into_iter().flat_map(|value| below(value, segment)).collect();
        }
        here.into_iter().filter_map(scalar).collect()
    }
}

/// What a pointer's segment leads to: `*` to everything below, `~1` and `~0` stand for `/` and `~` (RFC 6901).
fn below<'a>(value: &'a Value, segment: &str) -> Vec<&'a Value> {
    let name = segment.replace("~1", "/").replace("~0", "~");
    match (value, segment) {
        (Value::Object(map), "*") => map.values().collect(),
        (Value::Array(list), "*") => list.iter().collect(),
        (Value::Object(map), _) => map.get(&name).into_iter().collect(),
        (Value::Array(list), _) => name
            .parse::<usize>()
            .ok()
            .and_then(|index| list.get(index))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null => Some("null".to_owned()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn conditions(list: &[(&str, &[&str])]) -> Conditions {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let list = list
            .iter()
            .map(|(place, list)| ((*place).to_owned(), words(list)));
        Conditions(list.collect::<BTreeMap<_, _>>())
    }

    const STATS: &str =
        r#"{"a/b":{"n":1,"ok":true,"s":"up"},"list":[{"s":"up","c":"3"},{"s":"down","c":4}],"e":0}"#;

    #[test]
    fn places_lead_to_what_stands_there() {
        let answer = Answer::new(STATS.to_owned());
        for (place, words, holds) in [
            ("/a~1b/s", &["up"][..], true),
            ("/*/s", &["up"], true),
            ("/a~1b/ok", &["true"], true),
            ("/a~1b/n", &["1", "2"], true),
            ("/e", &["0"], true),
            ("/list/0/s", &["up"], true),
            ("/list/1/s", &["up"], false),
            // Every one of them has to be.
            ("/list/*/s", &["up"], false),
            ("/list/*/s", &["up", "down"], true),
            ("/list/7/s", &["up"], false),
            ("/nothing", &["up"], false),
            ("/list", &["up"], false),
            ("text", &["\"down\""], true),
            ("text", &["sideways"], false),
        ] {
            let mismatch = answer.mismatch(&conditions(&[(place, words)]));
            assert_eq!(mismatch.is_none(), holds, "{place} {words:?}: {mismatch:?}");
        }
        assert_eq!(
            (answer.number("/list/*/c"), answer.number("/nothing")),
            (Some(7), None)
        );
        assert_eq!(answer.number("/a~1b/s"), None);
    }

    #[test]
    fn what_does_not_hold_is_told_with_what_was_found() {
        let answer = Answer::new(STATS.to_owned());
        let wanted = conditions(&[("/list/*/s", &["up"])]);
        assert_eq!(
            answer.mismatch(&wanted).unwrap(),
            "expected up at /list/*/s, found up, down"
        );
        assert_eq!(answer.words(&wanted), "up, down");
        let page = Answer::new("<html>\n no such member</html>".to_owned());
        assert_eq!(
            page.mismatch(&wanted).unwrap(),
            "expected up at /list/*/s, found nothing"
        );
        assert_eq!(page.words(&wanted), "<html> no such member</html>");
    }
}
