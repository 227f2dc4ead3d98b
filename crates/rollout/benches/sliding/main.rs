//! How long a sliding window takes beside the best possible schedule, over random farms with given step times; and the same farms in waves.
//!
//! `cargo bench -p rollout --bench sliding`. Virtual time only, so that the numbers are the same on every machine. Of small farms the optimum is
//! known: [`optimum`] tries every order. Of larger ones a lower bound is, which no schedule can beat; the ratio to the optimum is smaller still. The
//! bound is the largest of: all work over all lanes, each pool's and each site's over its own, each label value's one after the other, and, since the live
//! floor lets one server of a pool drain at a time, the lanes of a pool that cannot begin before the drains in front of them have ended.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and a run that cannot go on is a defect"
)]

mod optimum;

use std::collections::BTreeMap;

use inventory::{ServerName, Source, Step};
use jiff::{SignedDuration, Timestamp};
use rollout::simulation::{Chance, done, evidence};
use rollout::{
    Action, Before, Event, EventKind, Found, Next, Plan, PlannedPool, Rollout, RunId, SoakReport, Survey,
};

/// Seconds that each step's change takes on a server: drain, install_feature, restrict, restart_iis, wait_healthy, return_to_rotation; then the soak.
type Times = [i64; 7];

const STEPS: &str = "[[step]]\ndrain = {}\n[[step]]\ninstall_feature = { name = \"IIS-IPSecurity\" }\n\
    [[step]]\nrestrict = { application = \"Default Web Site/x\", unlisted = \"deny\", existing = \"replace\", allow = [{ role = \"loopback\" }] }\n\
    [[step]]\nrestart_iis = {}\n[[step]]\nwait_healthy = { paths = [\"/owa/healthcheck.htm\"] }\n[[step]]\nreturn_to_rotation = {}\n";

fn main() {
    println!(
        "ratio of the makespan to the optimum, where it could be found, 200 farms each (1.000 is optimal)"
    );
    println!("servers  jitter   farms   sliding: mean  worst  within 5%   the bound: mean");
    for servers in [4, 6, 8, 10] {
        for jitter in [0, 10, 25] {
            beside_the_optimum(servers, jitter);
        }
    }
    println!("ratio of the makespan to a lower bound of every schedule, 200 farms each");
    println!("servers  jitter   sliding: mean  worst  within 5%   waves: mean  worst");
    for servers in [8, 16, 32, 64] {
        for jitter in [0, 10, 25] {
            beside_the_bound(servers, jitter);
        }
    }
}

/// Farms that have a plan, from seeds on, and their step times.
fn farms(servers: usize, jitter: usize) -> impl Iterator<Item = (Plan, Plan, BTreeMap<ServerName, Times>)> {
    (1..).filter_map(move |seed: u64| {
        let mut chance = Chance::Seed(seed * 1_000_003 + servers as u64 * 101 + jitter as u64);
        let farm = farm(servers, &mut chance);
        let times = times(servers, jitter, &mut chance);
        Some((plan(&farm, true)?, plan(&farm, false)?, times))
    })
}

fn mean(ratios: &[f64]) -> f64 {
    ratios.iter().sum::<f64>() / ratios.len() as f64
}

fn worst(ratios: &[f64]) -> f64 {
    ratios.iter().copied().fold(0.0, f64::max)
}

fn within(ratios: &[f64]) -> usize {
    ratios.iter().filter(|ratio| **ratio <= 1.05).count() * 100 / ratios.len().max(1)
}

fn beside_the_optimum(servers: usize, jitter: usize) {
    let (mut sliding, mut bounds) = (Vec::new(), Vec::new());
    for (slide, _, times) in farms(servers, jitter).take(200) {
        let known = makespan(&slide, &times);
        let bound = lower_bound(&slide, &times);
        if let Some(best) = optimum::optimum(&slide, &times, known, bound.ceil() as i64) {
            sliding.push(known as f64 / best as f64);
            bounds.push(bound / best as f64);
        }
    }
    println!(
        "{servers:>7}  {jitter:>4} %  {:>6}  {:>14.3}  {:>5.3}  {:>7} %  {:>16.3}",
        sliding.len(),
        mean(&sliding),
        worst(&sliding),
        within(&sliding),
        mean(&bounds)
    );
}

fn beside_the_bound(servers: usize, jitter: usize) {
    let (mut sliding, mut waves) = (Vec::new(), Vec::new());
    for (slide, wave, times) in farms(servers, jitter).take(200) {
        let bound = lower_bound(&slide, &times);
        sliding.push(makespan(&slide, &times) as f64 / bound);
        waves.push(makespan(&wave, &times) as f64 / bound);
    }
    println!(
        "{servers:>7}  {jitter:>4} %  {:>14.3}  {:>5.3}  {:>7} %  {:>12.3}  {:>5.3}",
        mean(&sliding),
        worst(&sliding),
        within(&sliding),
        mean(&waves),
        worst(&waves)
    );
}

fn farm(servers: usize, chance: &mut Chance) -> (String, bool) {
    let pools = 1 + chance.below(3);
    let mut text =
        "[credential.ops]\nuser = 'C\\o'\npassword = { env = \"P\" }\n[load_balancer.lb]\nkind = \"none\"\n\
        [defaults]\ncredential = \"ops\"\n"
            .to_owned();
    for pool in 0..pools {
        let floor = chance.pick(&["\"75%\"", "\"50%\"", "\"66%\""], "\"50%\"");
        text.push_str(&format!(
            "[pool.p{pool}]\nload_balancer = \"lb\"\nmin_in_rotation = {floor}\n"
        ));
    }
    let racks = 4 + chance.below(8);
    for number in 0..servers {
        text.push_str(&format!(
            "[server.s{number}]\naddress = \"192.0.2.{number}\"\npool = \"p{}\"\nlabels = {{ rack = \"r{}\" }}\n",
            chance.below(pools),
            chance.below(racks)
        ));
    }
    (text, chance.below(3) == 0)
}

fn plan((farm, spread): &(String, bool), sliding: bool) -> Option<Plan> {
    let strategy = if sliding { "sliding" } else { "waves" };
    let spread = if *spread { "spread = \"rack\"\n" } else { "" };
    let text = format!(
        "[playbook]\ntitle = \"x\"\nservers = \"all\"\n[policy]\nstrategy = \"{strategy}\"\n{spread}{STEPS}"
    );
    // A random farm may have a pool that nobody is in.
    let farm = inventory::read_inventory(&Source::new("farm", farm)).ok()?;
    let playbook = inventory::read_playbook(&Source::new("playbook", text)).ok()?;
    Plan::build(&farm, &playbook, &BTreeMap::new()).ok()
}

/// The farm's own step times, and each server's a little off them.
fn times(servers: usize, jitter: usize, chance: &mut Chance) -> BTreeMap<ServerName, Times> {
    let mut usual = |least: i64, span: usize| least + chance.below(span) as i64;
    let usual: Times = [
        usual(5, 25),
        usual(10, 80),
        usual(2, 8),
        usual(15, 45),
        usual(5, 60),
        usual(4, 10),
        60,
    ];
    (0..servers)
        .map(|number| {
            let off = 100 + chance.below(2 * jitter + 1) as i64 - jitter as i64;
            let own = usual.map(|seconds| (seconds * off / 100).max(1));
            (ServerName::from(format!("s{number}").as_str()), own)
        })
        .collect()
}

fn lower_bound(plan: &Plan, times: &BTreeMap<ServerName, Times>) -> f64 {
    let whole = |name: &ServerName| times[name].iter().sum::<i64>();
    let of = |is_member: &dyn Fn(&ServerName) -> bool| -> Vec<(i64, i64)> {
        let members = plan.servers.keys().filter(|name| is_member(name));
        members.map(|name| (whole(name), times[name][0])).collect()
    };
    let mut bound = lanes(of(&|_| true), plan.max_parallel, false);
    for (pool, planned) in &plan.pools {
        let PlannedPool { max_in_flight, .. } = planned;
        let members = of(&|name| plan.pool_of(name) == Some(pool));
        bound = bound.max(lanes(members, *max_in_flight, true));
    }
    let values = plan.servers.values().filter_map(|server| server.spread.as_ref());
    for value in values {
        let members = of(&|name| plan.servers[name].spread.as_ref() == Some(value));
        bound = bound.max(lanes(members, 1, false));
    }
    bound
}

/// No schedule of these jobs in so many lanes is shorter. With `drains`, the lanes begin one drain after the other.
fn lanes(mut jobs: Vec<(i64, i64)>, lanes: u32, drains: bool) -> f64 {
    jobs.sort_unstable();
    let lanes = (lanes as usize).min(jobs.len()).max(1);
    let work: i64 = jobs.iter().map(|(whole, _)| whole).sum();
    let mut shortest: Vec<i64> = jobs.iter().map(|(_, drain)| *drain).collect();
    shortest.sort_unstable();
    // The lane number n waits for n drains at least, the shortest ones.
    let waits: i64 = (0..lanes)
        .map(|lane| shortest.iter().take(lane).sum::<i64>())
        .sum();
    let area = (work + if drains { waits } else { 0 }) as f64 / lanes as f64;
    // Some lane has at least so many jobs, at best the shortest.
    let most = jobs.len().div_ceil(lanes);
    let packed: i64 = jobs.iter().take(most).map(|(whole, _)| whole).sum();
    area.max(packed as f64)
        .max(jobs.last().map_or(0.0, |(whole, _)| *whole as f64))
}

/// Seconds until the run is over when nothing goes wrong; looks take no time.
fn makespan(plan: &Plan, times: &BTreeMap<ServerName, Times>) -> i64 {
    let start = Timestamp::from_second(1_795_000_000).expect("an instant");
    let mut run = Run {
        rollout: Rollout::new(plan.clone()),
        seq: 0,
        now: start,
        answers: Vec::new(),
    };
    run.commit(
        EventKind::RunStarted {
            run: RunId::new("bench"),
            plan: Box::new(plan.clone()),
            operator: String::new(),
            version: String::new(),
            inventory: String::new(),
        },
        times,
    );
    loop {
        match run.rollout.next(run.now) {
            Next::Record(kind) => run.commit(kind, times),
            Next::Finished(_) => return run.now.duration_since(start).as_secs(),
            Next::Wait(until) => {
                let first = (0..run.answers.len()).min_by_key(|at| run.answers[*at].0);
                match (first, until) {
                    (Some(at), until) if until.is_none_or(|until| run.answers[at].0 <= until) => {
                        let (due, kind) = run.answers.remove(at);
                        run.now = due;
                        run.commit(kind, times);
                    }
                    (_, Some(until)) => run.now = until,
                    (_, None) => panic!("nobody has anything to do"),
                }
            }
        }
    }
}

struct Run {
    rollout: Rollout,
    seq: u64,
    now: Timestamp,
    /// What workers will say, and when.
    answers: Vec<(Timestamp, EventKind)>,
}

impl Run {
    fn commit(&mut self, kind: EventKind, times: &BTreeMap<ServerName, Times>) {
        let event = Event {
            seq: self.seq,
            at: self.now,
            kind,
        };
        self.seq += 1;
        if let Some(action) = self.rollout.apply(&event).expect("a possible event") {
            let (seconds, kind) = answer(self.rollout.plan(), action, times);
            self.answers
                .push((self.now + SignedDuration::from_secs(seconds), kind));
        }
    }
}

fn answer(plan: &Plan, action: Action, times: &BTreeMap<ServerName, Times>) -> (i64, EventKind) {
    match action {
        Action::Survey { server } => (
            0,
            EventKind::Surveyed {
                server,
                survey: Survey::Seen {
                    work: vec![2],
                    facts: vec![],
                },
            },
        ),
        Action::Probe { server, step, .. } => {
            let found = Found::Ready(before(&plan.steps[step]));
            (0, EventKind::StepProbed { server, step, found })
        }
        Action::Apply { server, step, .. } => {
            let seconds = times[&server][step];
            let outcome = done();
            (
                seconds,
                EventKind::StepApplied {
                    server,
                    step,
                    outcome,
                },
            )
        }
        Action::Verify { server, step, .. } => {
            let outcome = done();
            (
                0,
                EventKind::StepVerified {
                    server,
                    step,
                    outcome,
                },
            )
        }
        Action::Soak { server, .. } => {
            let report = SoakReport::Healthy(evidence("healthy"));
            (times[&server][6], EventKind::SoakFinished { server, report })
        }
        other => panic!("nothing goes wrong here: {other:?}"),
    }
}

fn before(step: &Step) -> Before {
    match step {
        Step::Drain(_) => Before::Drain {
            rotation: None,
            site: None,
        },
        Step::InstallFeature(_) => Before::InstallFeature {
            enabled: false,
            module_listed: false,
        },
        Step::Restrict(_) => Before::Restrict {
            own: Default::default(),
            effective: Default::default(),
            wanted: Default::default(),
            workers: vec![],
        },
        Step::RestartIis(_) => Before::RestartIis {
            workers: vec![],
            services: vec![],
            reason: String::new(),
        },
        Step::WaitHealthy(_) => Before::WaitHealthy {
            pages: BTreeMap::new(),
        },
        _ => Before::ReturnToRotation { rotation: None },
    }
}
