//! The time that NTLM writes into its messages.

use std::time::SystemTime;

/// An instant as Windows counts it: 100 nanoseconds since 1601-01-01 UTC ([MS-DTYP] 2.3.3 FILETIME).
///
/// [MS-DTYP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp/
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct FileTime(u64);

/// 100-nanosecond ticks between 1601-01-01 and 1970-01-01.
const UNIX_EPOCH: i128 = 116_444_736_000_000_000;

impl FileTime {
    /// From ticks of 100 nanoseconds since 1601.
    pub const fn from_ticks(ticks: u64) -> Self {
        Self(ticks)
    }

    /// Ticks of 100 nanoseconds since 1601.
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// From nanoseconds since 1970 (`jiff::Timestamp::as_nanosecond`). What lies before 1601 becomes 1601.
    pub fn from_unix_nanoseconds(nanoseconds: i128) -> Self {
        let ticks = nanoseconds.div_euclid(100) + UNIX_EPOCH;
        Self(u64::try_from(ticks.max(0)).unwrap_or(u64::MAX))
    }

    /// Seconds since 1970 and the microseconds beyond them. What lies before 1970 becomes 1970.
    pub(crate) fn unix_seconds_and_micros(self) -> (u64, u32) {
        let ticks = u64::try_from(i128::from(self.0) - UNIX_EPOCH).unwrap_or(0);
        let micros = u32::try_from(ticks % 10_000_000 / 10).unwrap_or(0);
        (ticks / 10_000_000, micros)
    }

    /// How far two instants lie apart, in whole seconds.
    pub(crate) fn seconds_apart(self, other: Self) -> u64 {
        self.0.abs_diff(other.0) / 10_000_000
    }
}

impl From<SystemTime> for FileTime {
    fn from(time: SystemTime) -> Self {
        let nanoseconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX / 2),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX / 2),
        };
        Self::from_unix_nanoseconds(nanoseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn unix_epoch_is_the_known_tick_count() {
        assert_eq!(
            FileTime::from(SystemTime::UNIX_EPOCH).ticks(),
            116_444_736_000_000_000
        );
        assert_eq!(
            FileTime::from_unix_nanoseconds(1_000).ticks(),
            116_444_736_000_000_010
        );
        assert_eq!(
            FileTime::from(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).ticks(),
            116_444_735_990_000_000
        );
    }

    #[test]
    fn instants_outside_the_range_are_clamped() {
        assert_eq!(FileTime::from_unix_nanoseconds(i128::MIN / 2).ticks(), 0);
        assert_eq!(FileTime::from_unix_nanoseconds(i128::MAX / 2).ticks(), u64::MAX);
    }

    #[test]
    fn seconds_and_microseconds_are_those_of_unix() {
        let time = FileTime::from_unix_nanoseconds(1_700_000_000_123_456_700);
        assert_eq!(time.unix_seconds_and_micros(), (1_700_000_000, 123_456));
        assert_eq!(FileTime::from_ticks(5).unix_seconds_and_micros(), (0, 0));
    }

    #[test]
    fn distance_has_no_sign() {
        let (a, b) = (FileTime::from_ticks(5), FileTime::from_ticks(20_000_005));
        assert_eq!((a.seconds_apart(b), b.seconds_apart(a)), (2, 2));
    }
}
