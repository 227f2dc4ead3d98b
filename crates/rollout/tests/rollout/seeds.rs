//! Farms, playbooks, faults and crashes from numbers: what `casgate rehearse --seeds` plays.

use std::collections::BTreeMap;

use rollout::simulation::{Scenario, play};

#[test]
fn a_seed_is_the_same_farm_and_the_same_run_every_time() {
    for seed in 0..20 {
        assert_eq!(Scenario::new(seed).inventory, Scenario::new(seed).inventory);
        assert_eq!(play(seed), play(seed));
    }
}

/// The first seeds hold, and they come to everything, so that a change that empties them is noticed.
#[test]
fn the_first_seeds_hold_and_come_to_everything() {
    let mut verdicts = BTreeMap::new();
    let (mut refused, mut crashed, mut failed) = (0, 0, 0);
    for seed in 0..160 {
        let played = match play(seed) {
            Ok(played) => played,
            Err(breach) => panic!("seed {seed}: {breach}"),
        };
        refused += usize::from(played.is_refused);
        crashed += usize::from(played.crashes > 0);
        failed += usize::from(played.failures > 0);
        if let Some(verdict) = played.verdict {
            *verdicts.entry(verdict.as_str()).or_insert(0) += 1;
        }
    }
    assert!(refused < 80, "{refused} of 160 plans are refused");
    assert!(crashed > 20 && failed > 20, "{crashed} crashed, {failed} failed");
    for verdict in [
        "done",
        "done_with_failures",
        "budget_spent",
        "undone",
        "human_needed",
        "stopped",
        "paused",
        "window_closed",
        "aborted",
    ] {
        assert!(
            verdicts.contains_key(verdict),
            "{verdict} is missing: {verdicts:?}"
        );
    }
}
