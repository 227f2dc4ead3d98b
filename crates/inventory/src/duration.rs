//! Durations as people write them: `60s`, `10m`, `1h 30m`.

use jiff::SignedDuration;

use crate::error::Error;

/// Reads a duration: jiff's friendly form with units from milliseconds to hours. ISO 8601 (`PT60S`), signs and `ago` are refused, so that
/// there is one way to write each.
pub(crate) fn parse(text: &str) -> Result<SignedDuration, Error> {
    let unreadable = || Error::Duration {
        found: text.to_owned(),
    };
    let plain = text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.'))
        && !text.contains("ago");
    if !plain {
        return Err(unreadable());
    }
    text.parse().map_err(|_| unreadable())
}

/// The shortest form that [`parse`] reads back: `1m 30s`.
pub(crate) fn show(duration: SignedDuration) -> String {
    format!("{duration:#}")
}

#[cfg(test)]
mod tests {
    use super::{parse, show};
    use jiff::SignedDuration;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [
            ("60s", 60),
            ("10m", 600),
            ("1h", 3600),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            ("0s", 0),
            ("90 seconds", 90),
            ("2 min", 120),
        ] {
            assert_eq!(parse(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("250ms"), Ok(SignedDuration::from_millis(250)));
        assert_eq!(parse("1.5s"), Ok(SignedDuration::from_millis(1500)));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "60",
            "s",
            "-60s",
            "+60s",
            "PT60S",
            "60s ago",
            "ten minutes",
            "1 fortnight",
            "60x",
            "60s,",
            "1y",
            "٣s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shows_what_it_reads() {
        for seconds in [0, 1, 59, 60, 90, 600, 3600, 5400, 86_400] {
            let duration = SignedDuration::from_secs(seconds);
            assert_eq!(parse(&show(duration)), Ok(duration), "{}", show(duration));
        }
    }
}
