//! Everything that chance decides on one server, from one seed: process ids, warm-up times, request ids.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// The machine's dice.
#[derive(Debug)]
pub(super) struct Chance {
    dice: StdRng,
    used: BTreeSet<u32>,
}

impl Chance {
    /// The same seed and name throw the same dice; servers of one farm differ by name.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        let salt = name
            .bytes()
            .fold(seed, |h, b| h.wrapping_mul(0x0100_0000_01b3) ^ u64::from(b));
        Self {
            dice: StdRng::seed_from_u64(salt),
            used: BTreeSet::new(),
        }
    }

    /// A process id that was never given out before: a multiple of four, as on Windows.
    pub(super) fn pid(&mut self) -> u32 {
        loop {
            let pid = self.dice.gen_range(200..16_000_u32) * 4;
            if self.used.len() > 10_000 {
                self.used.clear();
            }
            if self.used.insert(pid) {
                return pid;
            }
        }
    }

    /// A duration between the two, in milliseconds.
    pub(super) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.dice.gen_range(millis(from)..=millis(to)))
    }

    /// A request id as Exchange writes it.
    pub(super) fn guid(&mut self) -> String {
        let [a, b, c, d] = self.dice.r#gen::<[u32; 4]>();
        let (b_high, b_low, c_high, c_low) = (b >> 16, b & 0x0fff, (c >> 16) & 0x3fff, c & 0xffff);
        format!(
            "{a:08x}-{b_high:04x}-4{b_low:03x}-{:04x}-{c_low:04x}{d:08x}",
            0x8000 | c_high
        )
    }
}
