//! The best possible schedule of a small farm for step times that are known: every order in which servers can be started, less those that cannot
//! be better than what is known already.
//!
//! Some best schedule starts each server as early as those that started before it allow: a server that starts earlier than it must disturbs nobody
//! who started before, and whoever takes a lane gives it back. So it is enough to try the orders of the starts.

use std::collections::BTreeMap;

use inventory::ServerName;
use rollout::Plan;

use crate::Times;

/// More orders than this are not tried: then the optimum is not known.
const MOST_TRIED: u64 = 3_000_000;

/// A server as a job: how long it drains and how long all of it takes, and what it needs meanwhile.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Job {
    whole: i64,
    drain: i64,
    pool: usize,
    label: Option<usize>,
}

/// A job that was started.
#[derive(Clone, Copy, Debug)]
struct Started {
    at: i64,
    job: usize,
}

struct Search {
    jobs: Vec<Job>,
    /// Lanes of the whole run, and of each pool.
    parallel: usize,
    lanes: Vec<usize>,
    labels: usize,
    started: Vec<Started>,
    is_started: Vec<bool>,
    best: i64,
    /// Nothing is better than that.
    bound: i64,
    tried: u64,
}

/// The shortest makespan in seconds; `known` is that of some schedule, and nothing is shorter than `bound`. `None` where it would take too long to
/// find out.
pub(crate) fn optimum(
    plan: &Plan,
    times: &BTreeMap<ServerName, Times>,
    known: i64,
    bound: i64,
) -> Option<i64> {
    let pools: Vec<_> = plan.pools.keys().collect();
    let labels: Vec<&String> = plan
        .servers
        .values()
        .filter_map(|server| server.spread.as_ref())
        .collect();
    let mut jobs: Vec<Job> = plan
        .servers
        .iter()
        .map(|(name, server)| Job {
            whole: times[name].iter().sum(),
            drain: times[name][0],
            pool: pools
                .iter()
                .position(|pool| server.pool.as_ref() == Some(pool))
                .unwrap_or_default(),
            label: server
                .spread
                .as_ref()
                .and_then(|label| labels.iter().position(|known| *known == label)),
        })
        .collect();
    // Long ones first: a good schedule is found early.
    jobs.sort_by(|a, b| b.cmp(a));
    let mut search = Search {
        is_started: vec![false; jobs.len()],
        jobs,
        parallel: lanes(plan.max_parallel),
        lanes: plan
            .pools
            .values()
            .map(|pool| lanes(pool.max_in_flight))
            .collect(),
        labels: labels.len(),
        started: Vec::new(),
        best: known,
        bound,
        tried: 0,
    };
    search.go_on(0);
    (search.tried < MOST_TRIED).then_some(search.best)
}

fn lanes(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX).max(1)
}

impl Search {
    /// Tries every server as the next to start, not before `from`.
    fn go_on(&mut self, from: i64) {
        self.tried += 1;
        if self.tried >= MOST_TRIED || self.best <= self.bound {
            return;
        }
        if self.started.len() == self.jobs.len() {
            self.best = self.best.min(self.ends().max().unwrap_or_default());
            return;
        }
        if self.at_least(from) >= self.best {
            return;
        }
        for job in 0..self.jobs.len() {
            // Of servers that are alike the first that is left will do.
            let is_another = job > 0 && !self.is_started[job - 1] && self.jobs[job - 1] == self.jobs[job];
            if self.is_started[job] || is_another {
                continue;
            }
            let at = self.earliest(job, from);
            self.is_started[job] = true;
            self.started.push(Started { at, job });
            self.go_on(at);
            self.started.pop();
            self.is_started[job] = false;
        }
    }

    fn ends(&self) -> impl Iterator<Item = i64> {
        self.started
            .iter()
            .map(|started| started.at + self.jobs[started.job].whole)
    }

    /// The first instant from `from` on at which those who started leave room.
    fn earliest(&self, job: usize, from: i64) -> i64 {
        let mut at = from;
        while !self.has_room(job, at) {
            let drained = self
                .started
                .iter()
                .map(|started| started.at + self.jobs[started.job].drain);
            let next = self.ends().chain(drained).filter(|end| *end > at).min();
            match next {
                Some(next) => at = next,
                None => return at,
            }
        }
        at
    }

    fn has_room(&self, job: usize, at: i64) -> bool {
        let job = &self.jobs[job];
        let (mut all, mut in_pool) = (0, 0);
        for started in &self.started {
            let other = &self.jobs[started.job];
            if started.at + other.whole <= at {
                continue;
            }
            all += 1;
            if other.pool == job.pool {
                in_pool += 1;
                if started.at + other.drain > at {
                    return false;
                }
            }
            if job.label.is_some() && other.label == job.label {
                return false;
            }
        }
        all < self.parallel && in_pool < self.lanes[job.pool]
    }

    /// No way on from here ends sooner: what is left of each limit's work over its lanes.
    fn at_least(&self, from: i64) -> i64 {
        let over = |lanes: usize, shares: &dyn Fn(&Job) -> bool| {
            let under_way = self.started.iter().map(|started| {
                let job = &self.jobs[started.job];
                if shares(job) {
                    (started.at + job.whole - from).max(0)
                } else {
                    0
                }
            });
            let waiting = (self.jobs.iter().zip(&self.is_started))
                .map(|(job, is_started)| if shares(job) && !is_started { job.whole } else { 0 });
            let work: i64 = under_way.chain(waiting).sum();
            let lanes = i64::try_from(lanes.min(self.jobs.len())).unwrap_or(i64::MAX);
            from + (work + lanes - 1) / lanes
        };
        let mut least = over(self.parallel, &|_| true).max(self.ends().max().unwrap_or_default());
        for (pool, lanes) in self.lanes.iter().enumerate() {
            least = least.max(over(*lanes, &|job| job.pool == pool));
        }
        for label in 0..self.labels {
            least = least.max(over(1, &|job| job.label == Some(label)));
        }
        least
    }
}
