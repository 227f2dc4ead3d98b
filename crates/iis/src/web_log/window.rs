//! A stretch of time in whole hours of UTC.

use std::fmt;

use jiff::Span;
use jiff::civil::{Date, DateTime};
use serde::Serialize;

/// From one full hour up to another one, which is no part of it; in UTC.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Window {
    /// The first hour.
    pub from: DateTime,
    /// The hour after the last one.
    pub to: DateTime,
}

impl Window {
    /// The hour of `now`, `hours` before it and `ahead` after it: the server's clock may be ahead of ours.
    pub fn last(now: DateTime, hours: u32, ahead: u32) -> Self {
        let this = floor(now);
        Self {
            from: shifted(this, -i64::from(hours)),
            to: shifted(this, i64::from(ahead) + 1),
        }
    }

    /// How many hours it is long.
    pub fn hours(&self) -> u32 {
        let seconds = self.to.duration_since(self.from).as_secs();
        u32::try_from(seconds / 3600).unwrap_or_default()
    }

    /// Whether it holds no time at all.
    pub fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    /// What both have in common; empty where that is nothing.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        }
    }

    /// Its last so many hours, and what is before them.
    pub fn split_newest(&self, hours: u32) -> (Self, Self) {
        let edge = shifted(self.to, -i64::from(hours)).max(self.from);
        let newest = Self { from: edge, ..*self };
        (newest, Self { to: edge, ..*self })
    }

    /// The beginnings of all lines of this time, as patterns of findstr: a date, a blank, an hour, a colon. Three for each day at most.
    pub(super) fn patterns(&self) -> Vec<String> {
        let mut patterns = Vec::new();
        let mut hour = self.from;
        while hour < self.to {
            let tens = hour.hour() / 10;
            let first = hour.hour() % 10;
            let mut last = first;
            let mut next = shifted(hour, 1);
            while next < self.to && next.date() == hour.date() && next.hour() / 10 == tens {
                last = next.hour() % 10;
                next = shifted(next, 1);
            }
            let date = hour.date();
            let range = if first == last {
                first.to_string()
            } else {
                format!("[{first}-{last}]")
            };
            patterns.push(format!("{date} {tens}{range}:"));
            hour = next;
        }
        patterns
    }
}

impl fmt::Display for Window {
    /// `2026-11-25 08:00 to 20:00 UTC`, with a second date where it is another one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |at: DateTime| at.strftime("%H:%M").to_string();
        write!(f, "{} {} to ", self.from.date(), clock(self.from))?;
        if self.to.date() != self.from.date() {
            write!(f, "{} ", self.to.date())?;
        }
        write!(f, "{} UTC", clock(self.to))
    }
}

/// The full hour before or at this time.
fn floor(at: DateTime) -> DateTime {
    at.date().at(at.hour(), 0, 0, 0)
}

/// So many hours later or earlier; times beyond what a calendar holds stay at its edge.
pub(super) fn shifted(at: DateTime, hours: i64) -> DateTime {
    at.saturating_add(Span::new().hours(hours.clamp(-100_000, 100_000)))
}

/// A whole day.
pub(super) fn day(date: Date) -> Window {
    let from = date.at(0, 0, 0, 0);
    Window {
        from,
        to: shifted(from, 24),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_are_few_and_exact() {
        let window = |from, to| Window { from, to };
        let at = |day, hour| datetime(2026, 11, day, hour, 0, 0, 0);
        assert_eq!(window(at(25, 19), at(25, 20)).patterns(), ["2026-11-25 19:"]);
        assert_eq!(
            window(at(24, 20), at(26, 0)).patterns(),
            [
                "2026-11-24 2[0-3]:",
                "2026-11-25 0[0-9]:",
                "2026-11-25 1[0-9]:",
                "2026-11-25 2[0-3]:"
            ]
        );
        assert_eq!(
            window(at(25, 8), at(25, 12)).patterns(),
            ["2026-11-25 0[8-9]:", "2026-11-25 1[0-1]:"]
        );
        assert_eq!(window(at(25, 8), at(25, 8)).patterns(), Vec::<String>::new());
    }

    #[test]
    fn windows_in_words() {
        let now = datetime(2026, 11, 25, 19, 47, 3, 0);
        let window = Window::last(now, 24, 1);
        assert_eq!(window.to_string(), "2026-11-24 19:00 to 2026-11-25 21:00 UTC");
        assert_eq!(window.hours(), 26);
        let (newest, rest) = window.split_newest(3);
        assert_eq!(newest.to_string(), "2026-11-25 18:00 to 21:00 UTC");
        assert_eq!((rest.to, rest.hours()), (newest.from, 23));
        assert!(window.split_newest(99).1.is_empty());
    }

    proptest! {
        /// A pattern fits the beginning of a line exactly when the line is of that time.
        #[test]
        fn patterns_mean_the_window(from in 0i64..60, length in 0i64..60, line in 0i64..140) {
            let zero = datetime(2026, 2, 27, 0, 0, 0, 0);
            let window = Window { from: shifted(zero, from), to: shifted(zero, from + length) };
            let at = shifted(zero, line);
            let begins = format!("{} {:02}:", at.date(), at.hour());
            let fits = |pattern: &String| {
                let (head, tail) = pattern.split_at(12);
                let digit = begins.as_bytes()[12];
                let fits = match tail.as_bytes() {
                    [b'[', low, b'-', high, b']', b':'] => (*low..=*high).contains(&digit),
                    [only, b':'] => *only == digit,
                    other => panic!("{other:?}"),
                };
                begins.starts_with(head) && fits
            };
            let fitting = window.patterns().iter().filter(|pattern| fits(pattern)).count();
            prop_assert_eq!(fitting, usize::from(window.from <= at && at < window.to));
        }
    }
}
