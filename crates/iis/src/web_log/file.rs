//! The files of a log, and the time that the lines of each are of, by its name.

use jiff::civil::Date;

use super::settings::{Period, Settings};
use super::window::{Window, day, shifted};

/// No local time is further from UTC than this, in hours.
const FURTHEST_ZONE: i64 = 14;

/// One file of a site's log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogFile {
    /// Its name: `u_ex261125.log`.
    pub name: String,
    /// Its length as the folder tells it, in bytes. For the file that IIS is writing this may lag far behind.
    pub length: u64,
}

impl LogFile {
    /// The time that the file's lines can be of: by the digits of its name, whatever the period is now. `None` for a name that tells no time
    /// (`u_extend7.log`).
    pub fn covers(&self, settings: &Settings) -> Option<Window> {
        let digits = self.digits()?;
        let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i8>().ok();
        let year = 2000 + i16::from(number(0..2)?);
        let month = number(2..4)?;
        let first = Date::new(year, month, 1).ok()?;
        let whole_month = || Window {
            from: first.at(0, 0, 0, 0),
            to: shifted(first.last_of_month().at(0, 0, 0, 0), 24),
        };
        let window = match digits.len() {
            4 => whole_month(),
            6 if settings.period == Period::Weekly => whole_month(),
            6 => day(Date::new(year, month, number(4..6)?).ok()?),
            8 => {
                let hour = number(6..8).filter(|hour| (0..24).contains(hour))?;
                let from = Date::new(year, month, number(4..6)?).ok()?.at(hour, 0, 0, 0);
                Window {
                    from,
                    to: shifted(from, 1),
                }
            }
            _ => return None,
        };
        let slack = if settings.local_time_rollover {
            FURTHEST_ZONE
        } else {
            0
        };
        Some(Window {
            from: shifted(window.from, -slack),
            to: shifted(window.to, slack),
        })
    }

    /// The files that may hold lines of `wanted`, the newest first, each with the part of `wanted` that it covers.
    pub fn select(files: &[Self], settings: &Settings, wanted: Window) -> Vec<(Self, Window)> {
        let mut selected: Vec<(Self, Window)> = files
            .iter()
            .filter(|file| file.is_log())
            .map(|file| {
                let part = file
                    .covers(settings)
                    .map_or(wanted, |covered| covered.common(&wanted));
                (file.clone(), part)
            })
            .filter(|(_, part)| !part.is_empty())
            .collect();
        // Names of one kind have their dates in order; `u_extend10.log` comes after `u_extend9.log`.
        selected.sort_by(|(a, of_a), (b, of_b)| {
            (of_b.to, b.name.len(), &b.name).cmp(&(of_a.to, a.name.len(), &a.name))
        });
        selected
    }

    /// Logs of the W3C format begin with `u_ex`, or with `ex` where they are not written in UTF-8.
    fn is_log(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        name.strip_suffix(".log")
            .is_some_and(|stem| stem.starts_with("u_ex") || stem.starts_with("ex"))
    }

    /// The digits behind `u_ex`: with `_x` behind them where columns of the site's own are logged.
    fn digits(&self) -> Option<&str> {
        let stem = self.name.get(..self.name.len().checked_sub(4)?)?;
        let lower = self.name.to_ascii_lowercase();
        let head = if lower.starts_with("u_ex") { 4 } else { 2 };
        let digits = stem.get(head..)?;
        let digits = digits.strip_suffix("_x").unwrap_or(digits);
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    fn settings(period: Period, local_time_rollover: bool) -> Settings {
        Settings {
            site: 1,
            directory: r"C:\inetpub\logs\LogFiles".to_owned(),
            enabled: true,
            is_w3c: true,
            period,
            local_time_rollover,
            has_time: true,
        }
    }

    fn file(name: &str) -> LogFile {
        LogFile {
            name: name.to_owned(),
            length: 1,
        }
    }

    fn covered(name: &str, period: Period) -> String {
        file(name)
            .covers(&settings(period, false))
            .map_or("unknown".to_owned(), |window| window.to_string())
    }

    #[test]
    fn names_tell_the_time() {
        assert_eq!(
            covered("u_ex261125.log", Period::Daily),
            "2026-11-25 00:00 to 2026-11-26 00:00 UTC"
        );
        assert_eq!(
            covered("U_EX26112519_x.LOG", Period::Daily),
            "2026-11-25 19:00 to 20:00 UTC"
        );
        assert_eq!(
            covered("ex2602.log", Period::Daily),
            "2026-02-01 00:00 to 2026-03-01 00:00 UTC"
        );
        assert_eq!(
            covered("u_ex261104.log", Period::Weekly),
            "2026-11-01 00:00 to 2026-12-01 00:00 UTC"
        );
        for unknown in [
            "u_extend7.log",
            "u_ex261399.log",
            "u_ex26112525.log",
            "u_ex1.log",
            ".log",
            "é",
            "u_ex261125",
        ] {
            assert_eq!(covered(unknown, Period::Daily), "unknown", "{unknown}");
        }
        let local = file("u_ex261125.log")
            .covers(&settings(Period::Daily, true))
            .unwrap();
        assert_eq!(local.to_string(), "2026-11-24 10:00 to 2026-11-26 14:00 UTC");
    }

    #[test]
    fn the_newest_comes_first_and_the_old_not_at_all() {
        let files = [
            "u_ex261123.log",
            "u_ex261125.log",
            "u_ex261124.log",
            "notes.txt",
            "W3SVC.log",
        ]
        .map(file);
        let wanted = Window::last(datetime(2026, 11, 25, 9, 30, 0, 0), 12, 1);
        let selected = LogFile::select(&files, &settings(Period::Daily, false), wanted);
        let told: Vec<_> = selected
            .iter()
            .map(|(file, part)| format!("{}: {part}", file.name))
            .collect();
        assert_eq!(
            told,
            [
                "u_ex261125.log: 2026-11-25 00:00 to 11:00 UTC",
                "u_ex261124.log: 2026-11-24 21:00 to 2026-11-25 00:00 UTC"
            ]
        );
        let sized = ["u_extend9.log", "u_extend10.log"].map(file);
        let selected = LogFile::select(&sized, &settings(Period::MaxSize, false), wanted);
        assert_eq!(selected[0].0.name, "u_extend10.log");
        assert_eq!(selected[0].1, wanted);
    }
}
