//! The change window: when a run may begin things, by the clock of a place.
//!
//! Time zones come from the database that is compiled in, so that a window is the same instant on every jump host, Windows included.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

/// How many days are looked through for the next opening: a clock that jumps can take at most a night or two.
const DAYS: usize = 8;

/// `window = { from = "22:00", until = "04:00", time_zone = "Europe/Berlin" }`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Window {
    /// When it opens.
    pub from: Moment,
    /// When it closes. A time of day that is not after `from` is meant of the next day.
    pub until: Moment,
    /// By whose clock: a name of the IANA database.
    pub time_zone: Zone,
}

/// An end of a window: a time of every day, or of one day.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Moment {
    /// `22:00`.
    Daily(Time),
    /// `2026-11-26T22:00`.
    Once(DateTime),
}

/// A time zone by its name.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// What is neither a time of day nor a date with one, or a zone that the database does not have.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WindowError {
    /// Neither a time of day nor a date with one.
    #[error("expected a time such as 22:00 or 2026-11-26T22:00, found `{found}`")]
    Moment {
        /// What was written.
        found: String,
    },
    /// Not in the IANA database.
    #[error("expected a time zone such as Europe/Berlin or UTC, found `{found}`")]
    Zone {
        /// What was written.
        found: String,
    },
}

/// One opening of a window, as instants.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Opening {
    /// When it opens.
    pub from: Timestamp,
    /// When it closes.
    pub until: Timestamp,
}

impl Opening {
    /// Whether it is open.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

impl Window {
    /// The opening that `now` is in, or else the next one; `None` when there is none any more.
    ///
    /// Where clocks are changed the narrower reading counts, since a window is a promise: an hour that happens twice begins a window the second
    /// time and ends one the first time, an hour that does not happen begins one after it and ends one before it. A window that lies in such an
    /// hour as a whole is open the second time, or not at all.
    pub fn opening(&self, now: Timestamp) -> Option<Opening> {
        match (self.from, self.until) {
            (Moment::Once(from), Moment::Once(until)) => {
                self.between(from, until).filter(|opening| now < opening.until)
            }
            (Moment::Daily(from), Moment::Daily(until)) => {
                let yesterday = now.to_zoned(self.time_zone.0.clone()).date().yesterday().ok()?;
                yesterday
                    .series(jiff::Span::new().days(1))
                    .take(DAYS)
                    .filter_map(|day| self.on(day, from, until))
                    .find(|opening| now < opening.until)
            }
            // The reader refuses to mix them.
            _ => None,
        }
    }

    /// The opening that begins on a day.
    fn on(&self, day: Date, from: Time, until: Time) -> Option<Opening> {
        let last = if until > from { day } else { day.tomorrow().ok()? };
        self.between(day.to_datetime(from), last.to_datetime(until))
    }

    fn between(&self, from: DateTime, until: DateTime) -> Option<Opening> {
        let opens = self.time_zone.0.to_ambiguous_timestamp(from).later().ok()?;
        let closing = self.time_zone.0.to_ambiguous_timestamp(until);
        let is_twice = matches!(closing.offset(), AmbiguousOffset::Fold { .. });
        let closes = closing.earlier().ok()?;
        let closes = match closes <= opens && is_twice {
            true => closing.later().ok()?,
            false => closes,
        };
        (opens < closes).then_some(Opening {
            from: opens,
            until: closes,
        })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} {}", self.from, self.until, self.time_zone)
    }
}

impl Zone {
    /// The zone's rules.
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }
}

impl FromStr for Zone {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        TimeZoneDatabase::bundled()
            .get(text)
            .map(Self)
            .map_err(|_| WindowError::Zone {
                found: text.to_owned(),
            })
    }
}

impl TryFrom<String> for Zone {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.to_string()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl Moment {
    /// The instant in a zone, the next one after `now` where it is a time of day. An hour that happens twice is meant the first time, one that
    /// does not happen as the hour before it: whoever has to be finished by then is finished early rather than late.
    pub fn next_after(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let instant = |at: DateTime| zone.to_ambiguous_timestamp(at).earlier().ok();
        match self {
            Self::Once(at) => instant(*at),
            Self::Daily(time) => {
                let today = now.to_zoned(zone.clone()).date();
                let mut days = today.series(jiff::Span::new().days(1)).take(DAYS);
                days.find_map(|day| instant(day.to_datetime(*time)).filter(|at| *at > now))
            }
        }
    }
}

impl FromStr for Moment {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let wrong = || WindowError::Moment {
            found: text.to_owned(),
        };
        // jiff reads more than is wanted here: zones and offsets behind the time would be ignored.
        let is_plain = text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ':' | '-' | 'T' | ' '));
        if !is_plain || !text.contains(':') {
            return Err(wrong());
        }
        match text.contains('-') {
            true => text.parse().map(Self::Once).map_err(|_| wrong()),
            false => text.parse().map(Self::Daily).map_err(|_| wrong()),
        }
    }
}

impl TryFrom<String> for Moment {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, time) = match self {
            Self::Daily(time) => (None, *time),
            Self::Once(at) => (Some(at.date()), at.time()),
        };
        if let Some(day) = day {
            write!(f, "{day}T")?;
        }
        write!(f, "{:02}:{:02}", time.hour(), time.minute())?;
        match time.second() {
            0 => Ok(()),
            second => write!(f, ":{second:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, until: &str, zone: &str) -> Window {
        Window {
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
            time_zone: zone.parse().unwrap(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// (window, now, opens, closes)
    const OPENINGS: [(&str, &str, &str, &str, &str); 12] = [
        // Inside, before and after a window of one day.
        (
            "09:00",
            "17:00",
            "2026-11-26T10:00:00Z",
            "2026-11-26T08:00:00Z",
            "2026-11-26T16:00:00Z",
        ),
        (
            "09:00",
            "17:00",
            "2026-11-26T07:59:59Z",
            "2026-11-26T08:00:00Z",
            "2026-11-26T16:00:00Z",
        ),
        (
            "09:00",
            "17:00",
            "2026-11-26T16:00:00Z",
            "2026-11-27T08:00:00Z",
            "2026-11-27T16:00:00Z",
        ),
        // Across midnight: after it, it is still yesterday's.
        (
            "22:00",
            "04:00",
            "2026-11-26T23:30:00Z",
            "2026-11-26T21:00:00Z",
            "2026-11-27T03:00:00Z",
        ),
        (
            "22:00",
            "04:00",
            "2026-11-27T02:59:59Z",
            "2026-11-26T21:00:00Z",
            "2026-11-27T03:00:00Z",
        ),
        (
            "22:00",
            "04:00",
            "2026-11-27T03:00:00Z",
            "2026-11-27T21:00:00Z",
            "2026-11-28T03:00:00Z",
        ),
        // The night in which 02:00 to 03:00 happens twice: 22:00+02:00 to 04:00+01:00 is seven hours.
        (
            "22:00",
            "04:00",
            "2026-10-24T21:00:00Z",
            "2026-10-24T20:00:00Z",
            "2026-10-25T03:00:00Z",
        ),
        // An end in the hour that happens twice: the first time. A beginning: the second time.
        (
            "22:00",
            "02:30",
            "2026-10-24T21:00:00Z",
            "2026-10-24T20:00:00Z",
            "2026-10-25T00:30:00Z",
        ),
        (
            "02:30",
            "05:00",
            "2026-10-25T00:45:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T04:00:00Z",
        ),
        // All of it in that hour: the second time.
        (
            "02:15",
            "02:45",
            "2026-10-25T00:00:00Z",
            "2026-10-25T01:15:00Z",
            "2026-10-25T01:45:00Z",
        ),
        // The night in which 02:00 to 03:00 does not happen: it ends at 02:00, and not an hour late.
        (
            "22:00",
            "02:30",
            "2026-03-28T22:00:00Z",
            "2026-03-28T21:00:00Z",
            "2026-03-29T00:30:00Z",
        ),
        // All of it in that hour: not that night.
        (
            "02:15",
            "02:45",
            "2026-03-28T22:00:00Z",
            "2026-03-30T00:15:00Z",
            "2026-03-30T00:45:00Z",
        ),
    ];

    #[test]
    fn the_opening_that_is_or_comes_next() {
        for (from, until, now, opens, closes) in OPENINGS {
            let opening = window(from, until, "Europe/Berlin").opening(at(now));
            let expected = Opening {
                from: at(opens),
                until: at(closes),
            };
            assert_eq!(opening, Some(expected), "{from} to {until} at {now}");
        }
    }

    #[test]
    fn a_window_of_one_day_is_over_for_good() {
        let window = window("2026-11-26T22:00", "2026-11-27T04:00", "America/New_York");
        let opening = window.opening(at("2026-11-26T12:00:00Z")).unwrap();
        assert_eq!(opening.from, at("2026-11-27T03:00:00Z"));
        assert_eq!(opening.until, at("2026-11-27T09:00:00Z"));
        assert!(!opening.contains(at("2026-11-27T02:59:59Z")));
        assert!(opening.contains(at("2026-11-27T03:00:00Z")));
        assert!(!opening.contains(at("2026-11-27T09:00:00Z")));
        assert_eq!(window.opening(at("2026-11-27T09:00:00Z")), None);
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["22:00", "04:30", "00:00", "22:00:15", "2026-11-26T22:00"] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        let window = window("22:00", "04:00", "Europe/Berlin");
        assert_eq!(window.to_string(), "22:00 to 04:00 Europe/Berlin");
        let text = serde_json::to_string(&window).unwrap();
        assert_eq!(
            text,
            r#"{"from":"22:00","until":"04:00","time_zone":"Europe/Berlin"}"#
        );
        assert_eq!(serde_json::from_str::<Window>(&text).unwrap(), window);
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "22",
            "25:00",
            "10 pm",
            "22:00Z",
            "22:00+01:00",
            "T22:00[Europe/Berlin]",
            "2026-11-26",
            "2026-13-01T10:00",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
        for text in ["", "CET5", "Europe/Atlantis", "local"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_to_be_finished_by_is_the_next_one() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let by = |text: &str, now: &str| text.parse::<Moment>().unwrap().next_after(at(now), zone.rules());
        assert_eq!(
            by("03:30", "2026-11-26T22:00:00Z"),
            Some(at("2026-11-27T02:30:00Z"))
        );
        assert_eq!(
            by("03:30", "2026-11-27T02:30:00Z"),
            Some(at("2026-11-28T02:30:00Z"))
        );
        assert_eq!(
            by("02:30", "2026-10-24T22:00:00Z"),
            Some(at("2026-10-25T00:30:00Z"))
        );
    }
}
