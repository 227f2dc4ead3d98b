//! The machine's own clock: real time multiplied by the speed factor.

use std::time::Duration;

use tokio::time::Instant;

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
            speed
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

    pub(super) async fn pause(&self, simulated: Duration) {
        tokio::time::sleep(simulated.div_f64(self.speed)).await;
    }
}
