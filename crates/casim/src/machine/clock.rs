//! The machine's own clock: real time multiplied by the speed factor.

use std::time::Duration;

use tokio::time::Instant;

/// Beyond these the arithmetic of durations would overflow within a lifetime.
const SLOWEST: f64 = 1e-3;
const FASTEST: f64 = 1e6;

/// Simulated time since the machine was made.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    speed: f64,
}

impl Clock {
    /// `speed` 10.0 makes ten simulated seconds pass in one real second; what is not a positive number counts as 1.
    pub(super) fn new(speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 {
            speed.clamp(SLOWEST, FASTEST)
        } else {
            1.0
        };
        Self {
            started: Instant::now(),
            speed,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed().mul_f64(self.speed)
    }

    /// Returns when at least so much simulated time has passed, rounding included.
    pub(super) async fn pause(&self, simulated: Duration) {
        let until = self.now() + simulated;
        tokio::time::sleep(simulated.div_f64(self.speed)).await;
        while self.now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Clock;

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_never_too_short() {
        for speed in [0.0, f64::NAN, 1e-300, 0.3, 7.0, 333.3, 1e300] {
            let clock = Clock::new(speed);
            let before = clock.now();
            clock.pause(Duration::from_millis(10)).await;
            assert!(
                clock.now() >= before + Duration::from_millis(10),
                "at speed {speed}"
            );
        }
    }
}
