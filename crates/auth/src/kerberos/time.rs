//! KerberosTime: seconds since 1970 as `YYYYMMDDHHMMSSZ` (RFC 4120 5.2.3).

/// The seconds as text.
pub(super) fn write(seconds: u64) -> String {
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}{month:02}{day:02}{:02}{:02}{:02}Z",
        of_day / 3_600,
        of_day % 3_600 / 60,
        of_day % 60
    )
}

/// The text as seconds; `None` for anything that is not such a time after 1970.
pub(super) fn read(text: &[u8]) -> Option<u64> {
    let digits = text.strip_suffix(b"Z").filter(|digits| digits.len() == 14)?;
    let number = |range: std::ops::Range<usize>| {
        digits.get(range)?.iter().try_fold(0_u64, |sum, &digit| {
            Some(sum * 10 + u64::from(char::from(digit).to_digit(10)?))
        })
    };
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let (hour, minute, second) = (number(8..10)?, number(10..12)?, number(12..14)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// The Gregorian date that is so many days after 1970-01-01 (years counted from March, in eras of 400).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The inverse of [`civil`], for years from 1970.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * march + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    (era * 146_097 + of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_instants() {
        for (seconds, text) in [
            (0, "19700101000000Z"),
            (951_782_400, "20000229000000Z"),
            (1_700_000_000, "20231114221320Z"),
            (2_136_422_885, "20370913024805Z"),
        ] {
            assert_eq!(write(seconds), text);
            assert_eq!(read(text.as_bytes()), Some(seconds));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "Z",
            "20231114221320",
            "20231314221320Z",
            "2023111422132aZ",
            "19690101000000Z",
            "20231114221320.5Z",
            "20231114241320Z",
            "00000000000000Z",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_second_round_trips(seconds in 0_u64..253_402_300_800) {
            prop_assert_eq!(read(write(seconds).as_bytes()), Some(seconds));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            let _ = read(&bytes);
        }
    }
}
