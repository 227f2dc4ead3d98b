//! Whom the playbook's rules would cut off on one server, by the log of its web server. Read only.
//!
//! [`preview()`] finds out the rules that a `restrict` step would leave in effect, has the server search its log (`iis::web_log`), and lets
//! `exchange::traffic` count what comes back, as it arrives. What is moved is bounded, and a report that saw only a part says which.

mod coverage;
mod pace;
mod reading;

use std::sync::Arc;

use exchange::traffic::{Judge, Traffic};
use iis::ApplicationPath;
use iis::ip_security::Section;
use iis::web_log::Window;
use inventory::{AllowWhat, ServerName, Step};
use ipnet::IpNet;
use jiff::tz::TimeZone;
use rollout::{Plan, StepError};

use crate::session::Session;
use crate::steps;
use crate::world::World;

pub use coverage::Coverage;
use reading::Site;

/// The server's clock may be so many hours ahead of ours.
const AHEAD: u32 = 1;

/// How much of the log is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PreviewOptions {
    /// So many hours back from now.
    pub hours: u32,
    /// At most so many bytes of each server, and a message's worth more.
    pub max_bytes: u64,
}

/// What a server's log says of one `restrict` step.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The application.
    pub application: ApplicationPath,
    /// The section that the step would leave in effect.
    pub proposed: Section,
    /// The count.
    pub traffic: Traffic,
    /// How much of the log that is.
    pub coverage: Coverage,
}

/// Reads the log of one server and counts, for every `restrict` step of the plan. Nothing is changed, but for HTTP.SYS being told to write out what it
/// holds of the log; the shell is closed again.
///
/// # Errors
/// A [`StepError`] when the server or its log cannot be looked at.
pub async fn preview(
    world: &Arc<World>,
    plan: &Plan,
    server: &ServerName,
    options: PreviewOptions,
) -> Result<Vec<Preview>, StepError> {
    Session::visit(world, plan, server, async |session| look(session, options).await).await
}

async fn look(session: &mut Session, options: PreviewOptions) -> Result<Vec<Preview>, StepError> {
    let now = TimeZone::UTC.to_datetime(session.clock().now());
    let wanted = Window::last(now, options.hours, AHEAD);
    let plan = Arc::clone(session.plan());
    let restricts: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Restrict(restrict) => Some(restrict),
            _ => None,
        })
        .collect();
    let mut previews: Vec<Preview> = Vec::new();
    let mut left = options.max_bytes;
    let mut done: Vec<&str> = Vec::new();
    for first in &restricts {
        let site = first.application.site();
        if done.iter().any(|known| known.eq_ignore_ascii_case(site)) {
            continue;
        }
        done.push(site);
        let mut counted = Vec::new();
        for step in restricts
            .iter()
            .filter(|step| step.application.site().eq_ignore_ascii_case(site))
        {
            let proposed = steps::proposed(session, step).await?;
            let judge = Judge::new(step.application.path(), proposed.clone());
            let watched = step.allow.iter().filter_map(|entry| match &entry.what {
                AllowWhat::Address(address) => Some(IpNet::from(*address)),
                AllowWhat::Network(network) => Some(*network),
                AllowWhat::Name(_) | AllowWhat::Role(_) => None,
            });
            counted.push((
                step.application.clone(),
                proposed,
                judge,
                Traffic::watching(watched),
            ));
        }
        let paths = counted
            .iter()
            .map(|(application, ..)| application.path().to_owned())
            .collect();
        let mut count = |entry: &iis::web_log::Entry<'_>| {
            for (_, _, judge, traffic) in &mut counted {
                traffic.take(judge, entry);
            }
        };
        let site = Site {
            any_application: &first.application,
            paths,
            wanted,
            now,
        };
        let coverage = reading::read(session, &site, left, &mut count).await?;
        left = left.saturating_sub(coverage.bytes);
        previews.extend(
            counted
                .into_iter()
                .map(|(application, proposed, _, traffic)| Preview {
                    application,
                    proposed,
                    traffic,
                    coverage: coverage.clone(),
                }),
        );
    }
    Ok(previews)
}
