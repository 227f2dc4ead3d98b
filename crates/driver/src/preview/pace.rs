//! How many hours of a log to ask for next, so that the newest ones are read whole before the limit is reached.
//!
//! A search answers from the oldest line on. Asking for everything at once would fill the limit with what is oldest; so the newest hours are asked for
//! first, and then, at the pace seen so far, as many more as should fit.

/// How many bytes the hours read so far had.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pace {
    minutes: u64,
    bytes: u64,
}

/// Hours asked for first: the one that runs, the one before it, and one that is still to come.
const FIRST: u32 = 3;

/// The hours before may be busier than those seen: so many percent of what is left are planned for.
const PLANNED: u64 = 60;

impl Pace {
    /// Notes what a stretch of time had.
    pub(super) fn note(&mut self, minutes: u64, bytes: u64) {
        self.minutes += minutes;
        self.bytes += bytes;
    }

    /// How many of `remaining` hours to ask for where `left` bytes may still come; 0 where not even one would fit. At most twice as many as were
    /// read so far, since nights are quieter than days.
    pub(super) fn next(&self, remaining: u32, left: u64) -> u32 {
        if self.minutes == 0 {
            return remaining.min(FIRST);
        }
        let hour = (self.bytes.saturating_mul(60) / self.minutes).max(1);
        let planned = left / 100 * PLANNED;
        let fitting = u32::try_from(planned / hour).unwrap_or(u32::MAX);
        let read = u32::try_from(self.minutes.div_ceil(60)).unwrap_or(u32::MAX);
        remaining.min(fitting).min(read.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_and_what_fits_follows() {
        const MB: u64 = 1_000_000;
        let mut pace = Pace::default();
        assert_eq!(pace.next(26, 32 * MB), 3);
        pace.note(90, 3 * MB);
        assert_eq!(pace.next(23, 29 * MB), 4, "not more than twice what was seen");
        pace.note(240, 8 * MB);
        assert_eq!(
            pace.next(19, 21 * MB),
            6,
            "at 2 MB an hour, in 60 percent of 21 MB"
        );
        pace.note(360, 20 * MB);
        assert_eq!(pace.next(13, MB), 0);
        let mut quiet = Pace::default();
        quiet.note(90, 0);
        assert_eq!(quiet.next(23, MB), 4);
        assert_eq!(Pace::default().next(2, MB), 2);
    }
}
