//! Witnesses that ask all run long: every selected server and every pool's virtual address, from every vantage of a `witness` step that says
//! `every`. Their answers are observations beside the one stream; only what changes, and what must never be, becomes a fact.
//!
//! `Stages` follows the run's facts, `Judge` makes of answers what they mean; here the requests are sent. Each is a connection of its own, one
//! witness has one request under way at a time, and all of them together send no more than [`MOST_A_SECOND`].

mod judge;
mod stages;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use exchange::Access;
use futures::stream::{FuturesUnordered, StreamExt};
use iis::ip_security::DenyAction;
use inventory::{PoolName, Step, VantageName};
use jiff::SignedDuration;
use rollout::{Event, EventKind, Progress, Rollout, Sight, StepError, Watched};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::failure::{StepErrorExt, failed};
use crate::steps::witness::{access, denial, from_denied};
use crate::web::{Front, WebError};
use crate::world::World;
use judge::{Breach, Judge, Look, Side};
use stages::{Stage, Stages};

/// Requests in a second of the wall over all witnesses, however often the playbook and however fast the clock want them: each costs the server a
/// TLS handshake.
const MOST_A_SECOND: u32 = 50;

/// How long one answer may take: who waits longer has no service.
const ANSWER_LIMIT: SignedDuration = SignedDuration::from_secs(10);

/// The witnesses of a run.
pub(crate) struct Watch {
    stages: Arc<Stages>,
    asking: Option<JoinHandle<()>>,
}

/// One witness at one place.
#[derive(Clone, Debug, PartialEq)]
struct Post {
    watched: Watched,
    vantage: VantageName,
    path: String,
    side: Side,
    /// What a denied client gets. A connection that is dropped stays an outage here: all run long servers restart, and that looks the same.
    denial: DenyAction,
    every: SignedDuration,
    /// The pool whose clients come to this place too.
    pool: Option<PoolName>,
}

impl Post {
    /// Whether a change is news. Behind a virtual address the servers that are done and those that are not answer by turns; whoever must get in
    /// always tells.
    fn tells(&self, stage: Option<Stage>) -> bool {
        match (&self.watched, self.side) {
            (Watched::Vip(_), Side::Denied { .. }) => stage == Some(Stage::Proven),
            (Watched::Server(_), _) | (Watched::Vip(_), Side::Allowed) => true,
        }
    }
}

/// What all witnesses share.
struct Shared {
    world: Arc<World>,
    stages: Arc<Stages>,
    facts: mpsc::UnboundedSender<EventKind>,
    progress: mpsc::Sender<Progress>,
    /// Pools with a server that refused a vantage from the beginning, although it must get in: their virtual address does too, now and then.
    excused: Mutex<BTreeSet<(PoolName, VantageName, String)>>,
}

impl Watch {
    /// Begins to ask. Facts go to `facts`, counts to `progress`.
    pub(crate) fn start(
        world: &Arc<World>,
        rollout: &Rollout,
        facts: &mpsc::UnboundedSender<EventKind>,
        progress: &mpsc::Sender<Progress>,
    ) -> Self {
        let stages = Arc::new(Stages::new(rollout));
        let posts = posts(world, rollout);
        let asking = (!posts.is_empty()).then(|| {
            let shared = Shared {
                world: Arc::clone(world),
                stages: Arc::clone(&stages),
                facts: facts.clone(),
                progress: progress.clone(),
                excused: Mutex::default(),
            };
            tokio::spawn(async move {
                let count = u32::try_from(posts.len()).unwrap_or(u32::MAX);
                let least = Duration::from_secs(1) * count / MOST_A_SECOND;
                let witnesses: FuturesUnordered<_> = (0u32..)
                    .zip(&posts)
                    .map(|(index, post)| {
                        let period = shared.world.clock().wall(post.every).max(least);
                        ask_on(&shared, post, period, period * index / count)
                    })
                    .collect();
                witnesses.collect::<Vec<()>>().await;
            })
        });
        Self { stages, asking }
    }

    /// Takes note of a fact; before any action that comes of it is handed out.
    pub(crate) fn note(&self, event: &Event) {
        self.stages.note(event);
    }

    /// Asks no more.
    pub(crate) fn stop(self) {
        if let Some(asking) = self.asking {
            asking.abort();
        }
    }
}

/// Who asks where. A vantage that two steps name for the same page asks once.
fn posts(world: &World, rollout: &Rollout) -> Vec<Post> {
    let plan = rollout.plan();
    let servers = plan
        .servers
        .iter()
        .map(|(name, server)| (Watched::Server(name.clone()), server.pool.clone()));
    let vips = plan
        .pools
        .keys()
        .filter(|pool| world.has_entrance(pool))
        .map(|pool| (Watched::Vip(pool.clone()), Some(pool.clone())));
    let places: Vec<(Watched, Option<PoolName>)> = servers.chain(vips).collect();
    let mut posts: Vec<Post> = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let Step::Witness(step) = step else { continue };
        let Some(every) = step.every else { continue };
        let wanted = from_denied(plan, index, &step.path);
        let allowed = step.allowed_from.iter().map(|vantage| (vantage, Side::Allowed));
        let denied = step.denied_from.iter().map(|vantage| {
            let wanted = sight(wanted);
            (vantage, Side::Denied { wanted })
        });
        for (vantage, side) in allowed.chain(denied) {
            for (watched, pool) in &places {
                let post = Post {
                    watched: watched.clone(),
                    vantage: vantage.clone(),
                    path: step.path.clone(),
                    side,
                    denial: denial(plan, index, &step.path),
                    every,
                    pool: pool.clone(),
                };
                let is_same = |other: &&mut Post| {
                    (&other.watched, &other.vantage, &other.path)
                        == (&post.watched, &post.vantage, &post.path)
                };
                match posts.iter_mut().find(is_same) {
                    // The last rules are those that stay.
                    Some(other) => *other = post,
                    None => posts.push(post),
                }
            }
        }
    }
    posts
}

/// Asks until it is dropped.
async fn ask_on(shared: &Shared, post: &Post, period: Duration, offset: Duration) {
    let clock = shared.world.clock();
    let mut judge = Judge::new(post.side);
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + offset, period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut times = 0;
    loop {
        ticks.tick().await;
        let stand = shared.stages.of(&post.watched);
        let sent = clock.now();
        let Asked { sight, told, took } = shared.ask(post).await;
        let answered = clock.now();
        let look = Look {
            stage: (shared.stages.of(&post.watched) == stand).then_some(stand.stage),
            sight,
            // A lookout has to wait for its turn, and for PowerShell.
            sent: took
                .and_then(|took| answered.checked_sub(took).ok())
                .map_or(sent, |later| later.max(sent)),
            answered,
        };
        shared.share_excuses(post, &mut judge);
        let finding = judge.take(look);
        shared.share_excuses(post, &mut judge);
        if let Some(change) = finding
            .change
            .filter(|change| change.is_of_the_vantage() || post.tells(look.stage))
        {
            // Fails only when the run has ended.
            let _ = shared.facts.send(EventKind::WitnessChanged {
                watched: post.watched.clone(),
                vantage: post.vantage.clone(),
                path: post.path.clone(),
                was: change.was,
                sees: change.sees,
                unserved_ms: change.unserved_ms,
            });
        }
        if let Some(breach) = finding.breach {
            let _ = shared.facts.send(EventKind::WitnessBreached {
                watched: post.watched.clone(),
                vantage: post.vantage.clone(),
                error: in_words(post, breach, &told),
            });
        }
        times += 1;
        let _ = shared.progress.try_send(Progress::Asked {
            watched: post.watched.clone(),
            vantage: post.vantage.clone(),
            path: post.path.clone(),
            times,
        });
    }
}

/// One request: what became of it, what it was told, and how long the vantage took where that is known better than here.
struct Asked {
    sight: Sight,
    told: String,
    took: Option<Duration>,
}

impl Shared {
    async fn ask(&self, post: &Post) -> Asked {
        let limit = self.world.clock().limit(ANSWER_LIMIT);
        let answer = async {
            let front = self.front(post).await?;
            front.get(&post.path, limit).await
        };
        match answer.await {
            Ok(page) => Asked {
                sight: sight(access(&page, post.denial)),
                told: page.status.to_string(),
                took: page.took,
            },
            Err(error) => Asked {
                sight: match error {
                    WebError::Lost { .. } => Sight::Unknown,
                    _ => Sight::Unserved,
                },
                told: error.to_string(),
                took: None,
            },
        }
    }

    async fn front(&self, post: &Post) -> Result<Front, WebError> {
        match &post.watched {
            Watched::Server(server) => self.world.front_of(server, &post.vantage).await,
            Watched::Vip(pool) => self.world.entrance(pool, &post.vantage).await,
        }
    }

    /// What one server of a pool refuses from the beginning, the pool's virtual address refuses too.
    fn share_excuses(&self, post: &Post, judge: &mut Judge) {
        let Some(pool) = &post.pool else { return };
        let key = (pool.clone(), post.vantage.clone(), post.path.clone());
        let mut excused = self.excused.lock().unwrap_or_else(PoisonError::into_inner);
        match &post.watched {
            Watched::Server(_) if judge.is_excused() => {
                excused.insert(key);
            }
            Watched::Vip(_) if excused.contains(&key) => judge.excuse(),
            Watched::Server(_) | Watched::Vip(_) => {}
        }
    }
}

/// What an answer means for the client.
fn sight(access: Access) -> Sight {
    match access {
        Access::Allowed => Sight::Served,
        Access::Denied => Sight::Refused,
        Access::DevicePolicy | Access::Broken | Access::Unavailable | Access::Unknown => Sight::Unserved,
    }
}

fn in_words(post: &Post, breach: Breach, told: &str) -> StepError {
    let Post {
        watched,
        vantage,
        path,
        side,
        ..
    } = post;
    let doing = format!("ask {watched} for {path} from {vantage}, all run long");
    let wanted = match side {
        Side::Allowed => Sight::Served,
        Side::Denied { wanted } => *wanted,
    };
    match breach {
        Breach::AllowedRefused => failed(doing, "served at every instant", format!("refused ({told})")).hint(
            "who is on the list was shut out: does somebody else change the rules at the same time, or does another address reach the server \
             (c-ip in IIS's log shows it)?",
        ),
        Breach::TooEarly => failed(
            doing,
            format!("{wanted} only once {watched} has committed its change"),
            format!("{wanted} already ({told})"),
        )
        .hint("this run has changed nothing there yet: who else changes the rules?"),
        Breach::NotHeld => failed(
            doing,
            format!("{wanted}, as the witness has proven"),
            format!("another answer ({told})"),
        )
        .hint(match watched {
            Watched::Server(_) => "does somebody else change the rules, or does a load balancer hide clients behind its own address?",
            Watched::Vip(_) => {
                "does a server stand behind it that this playbook does not change, does somebody else change the rules, or does the load \
                 balancer hide clients behind its own address?"
            }
        }),
    }
}

#[cfg(test)]
mod tests;
