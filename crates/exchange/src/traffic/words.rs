//! Names out of a log, fit for a screen: the log holds what strangers sent.

/// The longest name that is kept.
const LONGEST: usize = 128;

/// A value of a query or a column: `%XX` taken apart, in lower case (Exchange compares names so), shortened, and without characters that could steer
/// a terminal.
pub(super) fn name(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len().min(4 * LONGEST));
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if bytes.len() >= 4 * LONGEST {
            break;
        }
        let decoded = match (first, after) {
            (b'%', [high, low, ..]) => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        match decoded {
            Some((high, low)) => {
                bytes.push(high * 16 + low);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    let clean = text.chars().map(|c| if is_unfit(c) { '\u{FFFD}' } else { c });
    let mut name = String::new();
    for c in clean {
        if name.len() + c.len_utf8() > LONGEST {
            break;
        }
        name.push(c);
    }
    name
}

/// Control characters, and those that turn the direction of what follows them.
fn is_unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_readable_and_harmless() {
        assert_eq!(name("CONTOSO%5cAnna"), r"contoso\anna");
        assert_eq!(name("anna%40contoso.example"), "anna@contoso.example");
        assert_eq!(name("100%"), "100%");
        assert_eq!(name("%zz%4"), "%zz%4");
        assert_eq!(name("J%C3%BCrgen"), "jürgen");
        assert_eq!(
            name("a%1b[31m%0d%0ab%E2%80%AEc"),
            "a\u{FFFD}[31m\u{FFFD}\u{FFFD}b\u{FFFD}c"
        );
    }

    proptest! {
        #[test]
        fn whatever_a_stranger_sends(text in r"(\PC|%[0-9a-f]{2}|[\x00-\x1f]){0,300}") {
            let name = name(&text);
            prop_assert!(name.len() <= LONGEST);
            prop_assert!(!name.chars().any(char::is_control));
        }
    }
}
