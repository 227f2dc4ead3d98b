//! What the witnesses that ask all run long saw, folded from events: who was without service and for how long, and where the change took effect.

use std::collections::{BTreeMap, BTreeSet};

use inventory::{Step, VantageName};
use jiff::Timestamp;
use rollout::{Event, EventKind, Plan, Progress, Sight, Watched};

use crate::paragraph::wrapped;

/// In front of each line below its heading.
const INDENT: &str = "    ";
/// Lines are as long as fits on a screen of 80 columns behind that.
const WIDTH: usize = 76;

/// Where, from where, for which page.
type Post = (Watched, VantageName, String);

/// All witnesses of a run.
#[derive(Clone, Debug, Default)]
pub struct Witnesses {
    posts: BTreeMap<Post, Seen>,
    breached: BTreeSet<Watched>,
}

/// What one witness saw at one place.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Requests in this sitting.
    asked: u64,
    sees: Option<Sight>,
    /// Times without service that are over.
    gaps: u32,
    /// All of them together, and the longest, in milliseconds.
    unserved_ms: u64,
    longest_ms: u64,
    /// Began, and is not over.
    unserved_since: Option<Timestamp>,
    /// Times in which the vantage was lost.
    lost: u32,
}

impl Witnesses {
    pub(crate) fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::WitnessChanged {
                watched,
                vantage,
                path,
                sees,
                unserved_ms,
                ..
            } => {
                let seen = self.at(watched, vantage, path);
                seen.sees = Some(*sees);
                if let Some(gap) = unserved_ms {
                    seen.gaps = seen.gaps.saturating_add(1);
                    seen.unserved_ms = seen.unserved_ms.saturating_add(*gap);
                    seen.longest_ms = seen.longest_ms.max(*gap);
                }
                seen.unserved_since = match sees {
                    Sight::Served => None,
                    Sight::Refused | Sight::Unserved => seen.unserved_since.or(Some(event.at)),
                    Sight::Unknown => seen.unserved_since,
                };
                if *sees == Sight::Unknown {
                    seen.lost = seen.lost.saturating_add(1);
                }
            }
            EventKind::WitnessBreached { watched, .. } => {
                self.breached.insert(watched.clone());
            }
            // A new sitting asks anew; what nobody was looking at is not counted.
            EventKind::RunResumed { .. } => {
                for seen in self.posts.values_mut() {
                    seen.unserved_since = None;
                }
            }
            _ => {}
        }
    }

    pub(crate) fn progress(&mut self, progress: &Progress) {
        if let Progress::Asked {
            watched,
            vantage,
            path,
            times,
        } = progress
        {
            let seen = self.at(watched, vantage, path);
            seen.asked = seen.asked.max(*times);
        }
    }

    /// Pools whose clients a witness saw refused, or not refused, at the virtual address.
    pub(crate) fn breached_vips(&self) -> usize {
        self.breached
            .iter()
            .filter(|watched| watched.server().is_none())
            .count()
    }

    /// For every vantage and page a heading, and below it a line for each virtual address and each server with something to tell.
    pub(crate) fn lines(&self, plan: &Plan) -> Vec<String> {
        let mut lines = Vec::new();
        let steps = plan.steps.iter().filter_map(|step| match step {
            Step::Witness(step) if step.every.is_some() => Some(step),
            _ => None,
        });
        let mut told = BTreeSet::new();
        for step in steps {
            let allowed = step.allowed_from.iter().map(|vantage| (vantage, true));
            let denied = step.denied_from.iter().map(|vantage| (vantage, false));
            for (vantage, is_allowed) in allowed.chain(denied) {
                if !told.insert((vantage, &step.path)) {
                    continue;
                }
                let seen = match is_allowed {
                    true => self.service(plan, vantage, &step.path),
                    false => self.turns(plan, vantage, &step.path),
                };
                if !seen.is_empty() {
                    lines.push(format!("witness {vantage}, {}", step.path));
                    lines.extend(seen.into_iter().map(|line| format!("{INDENT}{line}")));
                }
            }
        }
        lines
    }

    /// The time without service at each place, as a client that must get in saw it.
    fn service(&self, plan: &Plan, vantage: &VantageName, path: &str) -> Vec<String> {
        let post = |watched| self.posts.get(&(watched, vantage.clone(), path.to_owned()));
        let mut rows = Vec::new();
        for pool in plan.pools.keys() {
            let watched = Watched::Vip(pool.clone());
            let name = watched.to_string();
            rows.extend(post(watched).map(|seen| (name, seen.in_words())));
        }
        let (mut quiet, mut asked) = (0, 0);
        for server in plan.servers.keys() {
            match post(Watched::Server(server.clone())) {
                Some(seen) if seen.is_quiet() => {
                    quiet += 1;
                    asked += seen.asked;
                }
                Some(seen) => rows.push((server.to_string(), seen.in_words())),
                None => rows.push((server.to_string(), "nothing was heard of it".to_owned())),
            }
        }
        if quiet > 0 {
            let plural = if quiet == 1 { "" } else { "s" };
            rows.push((
                format!("{quiet} server{plural}"),
                format!("never without service in {asked} requests"),
            ));
        }
        beside(&rows)
    }

    /// Where a client that the change is about saw it take effect.
    fn turns(&self, plan: &Plan, vantage: &VantageName, path: &str) -> Vec<String> {
        let now = |sight: Sight| {
            let is_there = |server| {
                let post = (Watched::Server(server), vantage.clone(), path.to_owned());
                self.posts.get(&post).is_some_and(|seen| seen.sees == Some(sight))
            };
            plan.servers
                .keys()
                .filter(|server| is_there((*server).clone()))
                .count()
        };
        [Sight::Refused, Sight::Served, Sight::Unknown]
            .into_iter()
            .map(|sight| (sight, now(sight)))
            .filter(|(_, count)| *count > 0)
            .map(|(sight, count)| {
                let servers = plan.servers.len();
                match sight {
                    Sight::Unknown => {
                        format!(
                            "NOTHING IS KNOWN at the end of {count} of {servers} servers: the vantage is lost"
                        )
                    }
                    _ => format!("turned, and is {sight} now, at {count} of {servers} servers"),
                }
            })
            .collect()
    }

    fn at(&mut self, watched: &Watched, vantage: &VantageName, path: &str) -> &mut Seen {
        self.posts
            .entry((watched.clone(), vantage.clone(), path.to_owned()))
            .or_default()
    }
}

impl Seen {
    fn is_quiet(&self) -> bool {
        self.gaps == 0 && self.unserved_since.is_none() && self.lost == 0
    }

    fn in_words(&self) -> String {
        let mut parts = Vec::new();
        match self.gaps {
            0 => {}
            1 => parts.push(format!("without service once, {} ms", self.unserved_ms)),
            times => parts.push(format!(
                "without service {times} times, {} ms in all, at most {} ms",
                self.unserved_ms, self.longest_ms
            )),
        }
        if self.unserved_since.is_some() {
            parts.push("WITHOUT SERVICE at the end".to_owned());
        }
        if parts.is_empty() {
            parts.push("never without service".to_owned());
        }
        match (self.lost, self.sees) {
            (0, _) => {}
            (_, Some(Sight::Unknown)) => parts.push("the vantage is LOST at the end".to_owned()),
            (times, _) => parts.push(format!("the vantage was lost {times} times")),
        }
        format!("{} in {} requests", parts.join("; "), self.asked)
    }
}

/// Names, and beside them what is told of each.
fn beside(rows: &[(String, String)]) -> Vec<String> {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let hanging = width.saturating_add(2);
    let line =
        |(name, words): &(String, String)| wrapped(&format!("{name:<width$}  "), words, hanging, WIDTH);
    rows.iter().flat_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_day_of_a_witness_fits_on_a_screen() {
        let worst = Seen {
            asked: 123_456,
            sees: Some(Sight::Unknown),
            gaps: 12,
            unserved_ms: 345_678,
            longest_ms: 98_765,
            unserved_since: Some(Timestamp::UNIX_EPOCH),
            lost: 3,
        };
        let quiet = "never without service in 42 requests".to_owned();
        let lines = beside(&[
            ("vip eas".to_owned(), worst.in_words()),
            ("2 servers".to_owned(), quiet),
        ]);
        assert_eq!(
            lines,
            [
                "vip eas    without service 12 times, 345678 ms in all, at most 98765 ms;",
                "           WITHOUT SERVICE at the end; the vantage is LOST at the end in",
                "           123456 requests",
                "2 servers  never without service in 42 requests",
            ]
        );
        assert!(
            lines.iter().all(|line| INDENT.len() + line.len() <= 80),
            "{lines:?}"
        );
    }
}
