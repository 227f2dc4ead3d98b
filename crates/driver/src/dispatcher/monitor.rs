//! Looks at each pool's rotation all run long, and at each site with a floor: for the screen, for the least that was ever in rotation, and for a floor that
//! is broken while the run has servers of it out; and at the servers that the run has not touched, so that a failure can be told from an incident
//! around the farm.

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use inventory::{PoolName, Server};
use jiff::SignedDuration;
use rollout::{EventKind, Floor, Plan, PlannedPool, Progress, StepError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::control_group;
use crate::failure::{StepErrorExt, failed};
use crate::load_balancer::PoolView;
use crate::rotation::{self, Views};
use crate::world::World;

/// How often each pool is looked at, in virtual time.
const EVERY: SignedDuration = SignedDuration::from_secs(5);

/// How many looks one after the other have to find a floor broken: between two of them a load balancer settles.
const LOOKS: u32 = 2;

/// The task that looks.
pub(super) struct Monitor(JoinHandle<()>);

impl Monitor {
    /// Begins to look at every pool and site of the plan of which something can be seen. A floor that is broken is a fact for `facts`.
    pub(super) fn start(
        world: &Arc<World>,
        plan: &Arc<Plan>,
        facts: &mpsc::UnboundedSender<EventKind>,
        progress: &mpsc::Sender<Progress>,
    ) -> Self {
        let plan = Arc::clone(plan);
        let (world, facts, progress) = (Arc::clone(world), facts.clone(), progress.clone());
        Self(tokio::spawn(async move {
            let pools = plan.pools.keys().cloned().map(Floor::Pool);
            let sites = plan.sites.iter().filter(|(_, planned)| planned.has_floor());
            let sites = sites.map(|(site, _)| Floor::Site(site.clone()));
            let posts: Vec<Post<'_>> = pools
                .chain(sites)
                .filter_map(|floor| Post::new(&world, &plan, floor))
                .collect();
            let watches: FuturesUnordered<_> =
                posts.iter().map(|post| post.watch(&facts, &progress)).collect();
            tokio::join!(watches.collect::<Vec<()>>(), control_group::watch(&world, &plan));
        }))
    }

    /// Looks no more.
    pub(super) fn stop(self) {
        self.0.abort();
    }
}

/// One floor under watch.
struct Post<'a> {
    world: &'a World,
    plan: &'a Plan,
    floor: Floor,
    planned: &'a PlannedPool,
    servers: Vec<&'a Server>,
}

/// Who was seen in rotation.
#[derive(Default)]
struct Seen {
    in_rotation: u32,
    weight: u32,
    out: Vec<String>,
}

impl<'a> Post<'a> {
    /// `None` where nothing can be seen: no load balancer that casgate steers, and no pages that are known to answer.
    fn new(world: &'a World, plan: &'a Plan, floor: Floor) -> Option<Self> {
        let servers = world.members(&floor);
        let is_steered = |server: &&Server| {
            let pool = server.pool.as_ref();
            pool.is_some_and(|pool| world.balancer(pool).is_some())
        };
        let is_visible = servers.iter().any(is_steered) || !plan.control_pages.is_empty();
        let planned = plan.planned(&floor).filter(|_| is_visible)?;
        Some(Self {
            world,
            plan,
            floor,
            planned,
            servers,
        })
    }

    async fn watch(&self, facts: &mpsc::UnboundedSender<EventKind>, progress: &mpsc::Sender<Progress>) {
        let mut looks_below = 0;
        loop {
            // Without anybody of ours out, others keep the pool small, and each drain waits for them anyway.
            let is_ours = self
                .servers
                .iter()
                .any(|server| self.world.is_taken_out(&server.name));
            let views = match (is_ours, &self.floor) {
                (false, Floor::Site(_)) => None,
                _ => Some(Views::look(self.world, &self.servers).await),
            };
            if let (Floor::Pool(pool), Some(views)) = (&self.floor, &views)
                && let Some(Ok(view)) = self.servers.first().and_then(|server| views.of(server))
            {
                self.tell(pool, view, progress);
            }
            match views.filter(|_| is_ours) {
                None => looks_below = 0,
                // A look that fails says nothing about the pool. The steps that need the load balancer report it.
                Some(views) => match self.look(&views).await.map(|seen| self.broken(&seen)) {
                    None => {}
                    Some(None) => looks_below = 0,
                    Some(Some(error)) => {
                        looks_below += 1;
                        if looks_below == LOOKS {
                            let floor = self.floor.clone();
                            // Nobody listens any more when the run has ended meanwhile.
                            let _ = facts.send(EventKind::FloorBroken { floor, error });
                        }
                    }
                },
            }
            self.world.clock().pause(EVERY).await;
        }
    }

    fn tell(&self, pool: &PoolName, view: &PoolView, progress: &mpsc::Sender<Progress>) {
        let (in_rotation, members) = (view.in_rotation(), view.members());
        self.world.note_rotation(pool, in_rotation, members);
        let _ = progress.try_send(Progress::Rotation {
            pool: pool.clone(),
            in_rotation,
            members,
        });
    }

    /// By the word of the load balancers, and by the pages where there is none; `None` where a load balancer gave no answer.
    async fn look(&self, views: &Views) -> Option<Seen> {
        let mut seen = Seen::default();
        for server in &self.servers {
            let found = match views.of(server) {
                Some(Ok(view)) => rotation::found(self.world, view, server, &[]).await,
                Some(Err(_)) => return None,
                None => {
                    let pages = rotation::known_pages(self.plan, server);
                    rotation::by_pages(self.world, server, pages, None).await
                }
            };
            match found {
                Ok(()) => {
                    seen.in_rotation = seen.in_rotation.saturating_add(1);
                    seen.weight = seen.weight.saturating_add(server.weight);
                }
                Err(why) => seen.out.push(format!("{} ({why})", server.name)),
            }
        }
        Some(seen)
    }

    /// Why the floor is broken, if it is.
    fn broken(&self, seen: &Seen) -> Option<StepError> {
        let (floor, planned) = (&self.floor, self.planned);
        let Seen {
            in_rotation,
            weight,
            out,
        } = seen;
        (!planned.is_kept_by(*in_rotation, Some(*weight))).then(|| {
            let weighing = match planned.is_weighted() {
                true => format!(" of weight {weight}"),
                false => String::new(),
            };
            failed(
                format!("keep {floor} in rotation"),
                planned.needed(),
                format!("{in_rotation}{weighing}; out: {}", out.join(", ")),
            )
            .hint("more failed than the plan reckons with: bring those servers back that the run has not taken out, then resume")
        })
    }
}

#[cfg(test)]
mod tests;
