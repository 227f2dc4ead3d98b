//! ISO 8601 durations (`xs:duration`), as far as WS-Management uses them.

use std::time::Duration;

/// Writes a duration in seconds, with milliseconds only where there are some: `PT20S`, `PT0.500S`.
pub fn write(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("PT{}S", duration.as_secs()),
        millis => format!("PT{}.{millis:03}S", duration.as_secs()),
    }
}

/// Reads `PT20S`, `PT7200.000S`, `P0DT0H0M0S`. `None` for anything else, for negative durations, and for years and months, whose
/// length in seconds nobody knows (zero of them is fine).
pub fn read(text: &str) -> Option<Duration> {
    let rest = text.trim().strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let date = part(
        date,
        &[
            ('Y', None),
            ('M', None),
            ('W', Some(604_800)),
            ('D', Some(86_400)),
        ],
    )?;
    let time = part(time, &[('H', Some(3_600)), ('M', Some(60)), ('S', Some(1))])?;
    date.checked_add(time)
}

/// Reads one half. `units` are in the order in which they must stand, each with its length in seconds.
fn part(mut text: &str, units: &[(char, Option<u64>)]) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut units = units.iter();
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, rest) = text.split_at(end);
        let letter = rest.chars().next()?;
        text = &rest[letter.len_utf8()..];
        let (_, length) = units.find(|(unit, _)| *unit == letter)?;
        total = total.checked_add(count(number, *length, letter == 'S')?)?;
    }
    Some(total)
}

/// So many units. Only seconds may have a fraction; digits beyond nanoseconds are dropped.
fn count(number: &str, length: Option<u64>, fraction_allowed: bool) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<u64>().ok()?;
    let Some(length) = length else {
        return (whole == 0 && fraction.is_empty()).then_some(Duration::ZERO);
    };
    let seconds = Duration::from_secs(whole.checked_mul(length)?);
    if fraction.is_empty() {
        return (!number.ends_with('.')).then_some(seconds);
    }
    if !fraction_allowed || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos = format!("{:0<9}", fraction.chars().take(9).collect::<String>())
        .parse::<u32>()
        .ok()?;
    seconds.checked_add(Duration::new(0, nanos))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_windows_and_the_clients_write_is_read() {
        let table = [
            ("PT20S", Some(20_000)),
            ("PT7200.000S", Some(7_200_000)),
            ("P0DT0H0M0S", Some(0)),
            ("P1DT2H3M4.5S", Some(93_784_500)),
            ("PT0.25S", Some(250)),
            ("P0Y0M1D", Some(86_400_000)),
            (" PT1M \n", Some(60_000)),
            ("P1Y", None),
            ("PT", None),
            ("P", None),
            ("", None),
            ("20", None),
            ("-PT20S", None),
            ("PT1.5M", None),
            ("PT1.S", None),
            ("PT.5S", None),
            ("PT1S1M", None),
            ("PTS", None),
            ("PT99999999999999999999S", None),
        ];
        for (text, millis) in table {
            assert_eq!(read(text), millis.map(Duration::from_millis), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(millis in 0u64..u64::from(u32::MAX)) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(read(&write(duration)), Some(duration));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,40}", near in "-?P[0-9.YMWDTHS]{0,20}") {
            let _ = read(&text);
            let _ = read(&near);
        }
    }
}
