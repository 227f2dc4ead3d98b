//! The only clock of the tree beside the simulator's and the command line's.
//!
//! A rehearsal runs on a fast clock: soaks, timeouts and pauses pass `speed` times as fast as on the wall. Limits on the network do not shrink
//! with them without end, since a loopback connection on a busy machine needs the real milliseconds that it needs.

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The least real time that a limit on the network or on a server's recovery is given, however fast the clock runs. It is longer than a
/// loaded two-core machine takes for a TLS handshake and short enough for a rehearsal to fail visibly.
const LEAST_LIMIT: Duration = Duration::from_secs(5);

/// The shortest pause between two looks at the same thing, in real time: faster clocks do not turn polling into a flood.
const LEAST_PAUSE: Duration = Duration::from_millis(50);

/// Virtual time: the wall's, or a faster one that started at the wall's.
#[derive(Clone, Debug)]
pub struct Clock {
    began_at: Timestamp,
    began: Instant,
    speed: f64,
}

/// A limit on virtual time passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not within {limit:#}")]
pub struct Elapsed {
    /// The limit, in virtual time.
    pub limit: SignedDuration,
}

impl Clock {
    /// The wall's time.
    pub fn real() -> Self {
        Self::fast(1.0)
    }

    /// A clock on which `speed` seconds pass in each second of the wall. A speed that is not a positive number counts as 1.
    pub fn fast(speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        };
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let began_at = Timestamp::now();
        Self {
            began_at,
            began: Instant::now(),
            speed,
        }
    }

    /// How many virtual seconds pass in a real one.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// The virtual instant. It never goes back, even when somebody sets the machine's time.
    pub fn now(&self) -> Timestamp {
        let passed = self.began.elapsed().mul_f64(self.speed);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        self.began_at.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// The wall's instant, however fast this clock runs: for comparing with other machines' clocks.
    pub fn wall_now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap_or(SignedDuration::MAX);
        self.began_at.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// The real time that a virtual span takes; zero for a negative one.
    pub fn wall(&self, span: SignedDuration) -> Duration {
        Duration::try_from(span)
            .unwrap_or(Duration::ZERO)
            .div_f64(self.speed)
    }

    /// The real time that a limit on the network is: as [`Self::wall`], but not below five seconds (or below the span itself, if that is
    /// shorter), however fast the clock runs.
    pub fn limit(&self, span: SignedDuration) -> Duration {
        let virtual_span = Duration::try_from(span).unwrap_or(Duration::ZERO);
        self.wall(span).max(virtual_span.min(LEAST_LIMIT))
    }

    /// Waits for a virtual span.
    pub async fn sleep(&self, span: SignedDuration) {
        tokio::time::sleep(self.wall(span)).await;
    }

    /// Waits between two looks at the same thing: a virtual span, but never so short that looking becomes a flood.
    pub async fn pause(&self, span: SignedDuration) {
        tokio::time::sleep(self.wall(span).max(LEAST_PAUSE)).await;
    }

    /// Waits until a virtual instant; returns at once when it has passed.
    pub async fn sleep_until(&self, at: Timestamp) {
        self.sleep(at.duration_since(self.now())).await;
    }

    /// Runs `work` for no longer than `limit`, measured as by [`Self::limit`].
    ///
    /// # Errors
    /// [`Elapsed`] when the limit passed; `work` is dropped then.
    pub async fn timeout<F: Future>(&self, limit: SignedDuration, work: F) -> Result<F::Output, Elapsed> {
        tokio::time::timeout(self.limit(limit), work)
            .await
            .map_err(|_| Elapsed { limit })
    }

    /// The instant at which a limit of `span` that starts now has passed, measured as by [`Self::limit`].
    pub fn deadline(&self, span: SignedDuration) -> Deadline {
        Deadline {
            span,
            at: Instant::now() + self.limit(span),
        }
    }
}

/// The end of a wait.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    span: SignedDuration,
    at: Instant,
}

impl Deadline {
    /// Whether it has passed.
    pub fn has_passed(&self) -> bool {
        Instant::now() >= self.at
    }

    /// The span that it was set for, in virtual time.
    pub fn span(&self) -> SignedDuration {
        self.span
    }

    /// The real time that is left.
    pub fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_follow_the_clock_but_not_below_what_a_network_needs() {
        let real = Clock::real();
        let fast = Clock::fast(60.0);
        // (span in seconds, on the real clock, on a clock 60 times as fast)
        for (span, on_real, on_fast) in [(600, 600_000, 10_000), (60, 60_000, 5_000), (2, 2_000, 2_000)] {
            let span = SignedDuration::from_secs(span);
            assert_eq!(real.limit(span), Duration::from_millis(on_real), "{span:#} real");
            assert_eq!(fast.limit(span), Duration::from_millis(on_fast), "{span:#} fast");
        }
        assert_eq!(fast.wall(SignedDuration::from_secs(60)), Duration::from_secs(1));
        assert_eq!(fast.wall(SignedDuration::from_secs(-60)), Duration::ZERO);
    }

    #[test]
    fn a_speed_that_is_no_speed_is_the_walls() {
        for speed in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Clock::fast(speed).speed(), 1.0, "{speed}");
        }
    }

    #[tokio::test]
    async fn a_fast_clock_sleeps_virtual_time() {
        let clock = Clock::fast(1000.0);
        let before = clock.now();
        clock.sleep(SignedDuration::from_secs(20)).await;
        let passed = clock.now().duration_since(before);
        assert!(passed >= SignedDuration::from_secs(20), "{passed:#}");
        clock.sleep_until(before).await; // long ago: returns at once
    }

    #[tokio::test]
    async fn a_limit_drops_the_work() {
        let clock = Clock::fast(1000.0);
        let limit = SignedDuration::from_millis(30);
        let never = clock.timeout(limit, std::future::pending::<()>()).await;
        assert_eq!(never, Err(Elapsed { limit }));
        assert_eq!(clock.timeout(limit, async { 7 }).await, Ok(7));
    }
}
