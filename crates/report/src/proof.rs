//! The proof of availability in words: what shares became, what may be out, and what is left at worst.

use inventory::{Quantity, Strategy};
use rollout::{Plan, PlannedPool};

/// One line for the pace, then one for each pool and site.
pub fn proof(plan: &Plan) -> Vec<String> {
    let mut lines = vec![pace(plan)];
    lines.extend(plan.pools.iter().map(|(name, pool)| {
        let failures = pool.failures_within(plan.policy.max_failures);
        line(&format!("pool {name}"), pool, failures)
    }));
    lines.extend(
        plan.sites
            .iter()
            .map(|(name, site)| line(&format!("site {name}"), site, plan.policy.max_failures)),
    );
    if let Some(label) = &plan.policy.spread {
        lines.push(format!(
            "spread: never two servers with the same `{label}` out together"
        ));
    }
    lines
}

/// The pace as written, and the numbers that it became.
fn pace(plan: &Plan) -> String {
    let policy = &plan.policy;
    let parallel = became(policy.max_parallel, plan.max_parallel);
    match policy.strategy {
        Strategy::Sliding => format!(
            "sliding: {} servers, the next one as soon as one is healthy, max_parallel {parallel}",
            plan.servers.len()
        ),
        Strategy::Waves => {
            let written: Vec<String> = policy.waves.iter().map(ToString::to_string).collect();
            let sizes: Vec<String> = plan.waves.iter().map(|wave| wave.len().to_string()).collect();
            format!(
                "waves {}: {} servers, max_parallel {parallel}",
                written.join(", "),
                sizes.join(" + ")
            )
        }
    }
}

/// A number, and the share that it came from.
fn became(written: Quantity, number: u32) -> String {
    match written {
        Quantity::Count(_) => number.to_string(),
        Quantity::Percent(_) => format!("{number} ({written})"),
    }
}

fn line(whose: &str, pool: &PlannedPool, failures: u32) -> String {
    let floor = pool.written.map_or_else(
        || "no floor".to_owned(),
        |written| format!("floor {}", became(written, pool.min_in_rotation)),
    );
    let mut line = format!(
        "{whose}: {} servers, {floor}, at most {} out at a time, {failures} may fail: never fewer than {} in rotation",
        pool.size, pool.max_in_flight, pool.smallest_in_rotation
    );
    if let Some(instant) = &pool.tightest {
        line.push_str(&format!(" ({instant})"));
    }
    if pool.is_weighted() {
        line.push_str(&format!(
            "; of weight {} never less than {}, floor {}",
            pool.weight, pool.smallest_weight_in_rotation, pool.min_weight_in_rotation
        ));
    }
    line
}
