//! A runner that needs nothing: seeds, changed at random for a while.
//!
//! It does not learn from what its inputs reach, as the coverage-guided runner does; it finds what lies near the seeds. Each input is on disk
//! before it runs, so that one that ends or hangs the process is known to whoever watches it.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::Target;

/// The longest input that is made.
const LONGEST: usize = 64 * 1024;

/// No input may take longer.
const SLOWEST: Duration = Duration::from_secs(2);

/// No input may bring the process to more memory than this.
const MOST_MEMORY: u64 = 512 * 1024;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Inputs.
    pub inputs: u64,
    /// Inputs that were accepted.
    pub accepted: u64,
    /// The longest time that one took.
    pub slowest: Duration,
}

/// Runs changed seeds for a time. `current` is the file that always holds the input that is running.
///
/// # Errors
/// Where `current` cannot be written.
///
/// # Panics
/// With the target, and where an input takes too long.
#[expect(
    clippy::disallowed_methods,
    reason = "how long an input takes is part of the judgement"
)]
pub fn run(
    target: &Target,
    seeds: &[Vec<u8>],
    chance: u64,
    time: Duration,
    current: &Path,
) -> io::Result<Tally> {
    let mut file = File::create(current)?;
    let mut random = StdRng::seed_from_u64(chance);
    let mut tally = Tally::default();
    let started = Instant::now();
    while started.elapsed() < time {
        let input = changed(seeds, target.words, &mut random);
        file.rewind()?;
        file.write_all(&input)?;
        file.set_len(u64::try_from(input.len()).unwrap_or_default())?;
        let before = Instant::now();
        let accepted = (target.run)(&input);
        let took = before.elapsed();
        assert!(took < SLOWEST, "an input of {} bytes took {took:?}", input.len());
        // Memory takes time, and reading the figure takes more than a usual input.
        if took > Duration::from_millis(5) {
            let peak = peak_memory().unwrap_or_default();
            assert!(
                peak < MOST_MEMORY,
                "an input of {} bytes brought the process to {peak} KiB",
                input.len()
            );
        }
        tally.inputs += 1;
        tally.accepted += u64::from(accepted);
        tally.slowest = tally.slowest.max(took);
    }
    Ok(tally)
}

/// The most memory that this process ever had, in KiB; `None` where the system does not tell.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A seed with one to eight changes.
fn changed(seeds: &[Vec<u8>], words: &[&str], random: &mut StdRng) -> Vec<u8> {
    let mut input = pick(seeds, random).cloned().unwrap_or_default();
    for _ in 0..1 << random.gen_range(0..4) {
        let at = random.gen_range(0..=input.len());
        let length = random.gen_range(0..=(input.len() - at).min(64));
        match random.gen_range(0..10) {
            0 => flip(&mut input, at, random),
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = random.r#gen();
                }
            }
            2 => input.truncate(at),
            3 => drop(input.drain(at..at + length)),
            4 => {
                let copy = input
                    .get(at..at + length)
                    .unwrap_or_default()
                    .repeat(random.gen_range(1..=64));
                insert(&mut input, at, &copy);
            }
            5 => {
                let number: [u8; 8] = random.r#gen();
                insert(
                    &mut input,
                    at,
                    number.get(..random.gen_range(1..=8)).unwrap_or_default(),
                );
            }
            6 => number(&mut input, at, random),
            7 => {
                if let Some(other) = pick(seeds, random) {
                    let from = random.gen_range(0..=other.len());
                    let to = random.gen_range(from..=other.len());
                    insert(&mut input, at, other.get(from..to).unwrap_or_default());
                }
            }
            _ => {
                if let Some(word) = pick(words, random) {
                    let replaced = at..at + if random.r#gen() { length } else { 0 };
                    input.splice(replaced, word.bytes());
                }
            }
        }
    }
    input.truncate(LONGEST);
    input
}

fn pick<'a, T>(list: &'a [T], random: &mut StdRng) -> Option<&'a T> {
    (!list.is_empty())
        .then(|| random.gen_range(0..list.len()))
        .and_then(|at| list.get(at))
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn flip(input: &mut [u8], at: usize, random: &mut StdRng) {
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << random.gen_range(0..8);
    }
}

/// Writes a number at which arithmetic goes wrong, of 1, 2 or 4 bytes.
fn number(input: &mut [u8], at: usize, random: &mut StdRng) {
    const EDGES: [u32; 10] = [
        0,
        1,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
    ];
    let length = u32::try_from(input.len()).unwrap_or_default();
    let edge = match random.gen_range(0..13_usize) {
        10 => length,
        11 => length.wrapping_add(1),
        12 => length.wrapping_sub(1),
        which => EDGES.get(which).copied().unwrap_or_default(),
    };
    let width = 1 << random.gen_range(0..3);
    for (place, byte) in input.iter_mut().skip(at).zip(edge.to_le_bytes()).take(width) {
        *place = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_chance_makes_the_same_inputs_and_another_makes_others() {
        let seeds = [b"one seed".to_vec(), b"another".to_vec()];
        let made = |chance| {
            let mut random = StdRng::seed_from_u64(chance);
            (0..200)
                .map(|_| changed(&seeds, &["word"], &mut random))
                .collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        let different: std::collections::BTreeSet<_> = made(1).into_iter().collect();
        assert!(different.len() > 150, "{} of 200", different.len());
    }

    #[test]
    fn nothing_to_begin_with_is_no_problem() {
        let mut random = StdRng::seed_from_u64(1);
        assert!((0..100).map(|_| changed(&[], &[], &mut random).len()).max() > Some(0));
    }
}
