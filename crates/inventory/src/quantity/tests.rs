use super::Quantity::{self, Count, Percent};
use crate::error::Error;

#[test]
fn shares_round_towards_safety() {
    // share, total, at least, at most
    for (percent, total, least, most) in [
        (0, 8, 0, 0),
        (1, 8, 1, 1),
        (10, 5, 1, 1),
        (12, 8, 1, 1),
        (25, 8, 2, 2),
        (26, 8, 3, 2),
        (29, 100, 29, 29), // floating point says 28.999…
        (33, 3, 1, 1),
        (34, 3, 2, 1),
        (50, 7, 4, 3),
        (50, 8, 4, 4),
        (58, 50, 29, 29), // floating point says 28.999…
        (75, 8, 6, 6),
        (75, 2, 2, 1),
        (99, 1, 1, 1),
        (99, 8, 8, 7),
        (100, 0, 0, 0),
        (100, 8, 8, 8),
        (25, 0, 0, 0),
        (100, u32::MAX, u32::MAX, u32::MAX),
        (99, u32::MAX, 4_252_017_623, 4_252_017_622),
    ] {
        assert_eq!(
            Percent(percent).at_least_of(total),
            least,
            "at least {percent}% of {total}"
        );
        assert_eq!(
            Percent(percent).at_most_of(total),
            most,
            "at most {percent}% of {total}"
        );
    }
}

#[test]
fn counts_stay_as_written() {
    for count in [0, 1, 2, 100] {
        assert_eq!(Count(count).at_least_of(8), count);
        assert_eq!(Count(count).at_most_of(8), count);
    }
}

#[test]
fn a_floor_and_what_may_be_out_never_overlap() {
    for total in 0..=60 {
        for percent in 0..=100 {
            let floor = Percent(percent).at_least_of(total);
            assert!(floor <= total, "{percent}% of {total}");
            assert!(
                floor * 100 >= percent * total && (floor * 100) < percent * total + 100,
                "{percent}% of {total}"
            );
            assert!(
                Percent(percent).at_most_of(total) <= total.max(1),
                "{percent}% of {total}"
            );
        }
    }
}

#[test]
fn text_is_read_and_shown() {
    for (text, quantity) in [
        ("2", Count(2)),
        ("0", Count(0)),
        ("25%", Percent(25)),
        ("25 %", Percent(25)),
        ("100%", Percent(100)),
    ] {
        assert_eq!(text.parse::<Quantity>(), Ok(quantity));
        assert_eq!(quantity.to_string(), text.replace(' ', ""));
    }
    assert_eq!(
        "120%".parse::<Quantity>(),
        Err(Error::PercentTooLarge { found: 120 })
    );
    for text in [
        "",
        "%",
        "-1",
        "+1",
        "1.5",
        "2.5%",
        "25 percent",
        "٣%",
        "99999999999",
        "1e2",
        " 2",
    ] {
        assert_eq!(
            text.parse::<Quantity>(),
            Err(Error::Quantity {
                found: text.to_owned()
            })
        );
    }
}

#[test]
fn journal_holds_what_toml_holds() {
    for (quantity, json) in [(Count(2), "2"), (Percent(25), "\"25%\"")] {
        assert_eq!(serde_json::to_string(&quantity).unwrap(), json);
        assert_eq!(serde_json::from_str::<Quantity>(json).unwrap(), quantity);
    }
    for json in ["-1", "1.5", "\"120%\"", "true", "4294967296"] {
        assert!(serde_json::from_str::<Quantity>(json).is_err(), "{json}");
    }
}
