//! A server's health pages, asked of its own front end.

use exchange::{Health, VirtualDirectory, health};
use inventory::{Step, WaitHealthy};
use jiff::SignedDuration;
use rollout::{FailureKind, Plan, StepError};

use crate::failure::{StepErrorExt, failed, from_web};
use crate::session::Session;
use crate::web::WebError;

/// How long a page may take. It lives in memory; a server that is starting up may be slow.
const PAGE_LIMIT: SignedDuration = SignedDuration::from_secs(15);

/// Outlook on the web has a health page on every Client Access server.
const OWA: &str = "/owa";

/// A page that is not as it should be.
#[derive(Debug)]
pub(crate) struct Sick {
    path: String,
    seen: Seen,
}

#[derive(Debug)]
enum Seen {
    Page(Health),
    NoAnswer(WebError),
}

impl Sick {
    /// What was seen, in a few words.
    pub(crate) fn in_words(&self) -> String {
        match &self.seen {
            Seen::Page(health) => format!("{} answers {health}", self.path),
            Seen::NoAnswer(error) => error.to_string(),
        }
    }

    /// As a failure of what was being done.
    pub(crate) fn told(&self, doing: &str) -> StepError {
        let expected = format!("{} answers 200 OK", self.path);
        match &self.seen {
            Seen::Page(Health::Denied) => failed(doing, expected, self.in_words()).hint(
                "casgate asks from this machine, and the rules deny its address: allow it (`role = \"operator\"`), or leave this page out of \
                 `wait_healthy`",
            ),
            Seen::Page(Health::Unavailable { .. }) => failed(doing, expected, self.in_words()).hint(
                "Managed Availability withholds the page while the component is not fit: `Get-ServerHealth` and `Get-ServerComponentState` on \
                 the server say why",
            ),
            Seen::Page(_) => failed(doing, expected, self.in_words()),
            Seen::NoAnswer(error) => from_web(doing, &expected, error),
        }
    }

    /// As a failure after a long wait.
    pub(crate) fn told_after_waiting(&self, doing: &str) -> StepError {
        self.told(doing).of_kind(FailureKind::TimedOut)
    }
}

/// Asks for every page; the first that is not healthy ends the round. Answers with a line for each page.
pub(crate) async fn look(session: &Session, paths: &[String]) -> Result<Vec<String>, Sick> {
    let mut facts = Vec::new();
    for path in paths {
        let sick = |seen| Sick {
            path: path.clone(),
            seen,
        };
        let page = page(session, path)
            .await
            .map_err(|error| sick(Seen::NoAnswer(error)))?;
        // Each server is asked by its own address, so the name on the page may be any: inventories have names of their own.
        match health::judge(page.status, &page.body, "") {
            Health::Healthy => facts.push(format!("{path} answers {}", page.first_line())),
            health => return Err(sick(Seen::Page(health))),
        }
    }
    Ok(facts)
}

/// One page's status and first line, whatever it is; what stood in the way where there was no answer.
pub(crate) async fn first_line(session: &Session, path: &str) -> String {
    match page(session, path).await {
        Ok(page) => page.first_line(),
        Err(error) => error.to_string(),
    }
}

async fn page(session: &Session, path: &str) -> Result<crate::web::Page, WebError> {
    let front = session.world().front(session.server(), None).await?;
    front.get(path, session.clock().limit(PAGE_LIMIT)).await
}

/// The pages that tell whether a server is fit: those of the plan's `wait_healthy`, or those of the applications that it restricts, and OWA's.
pub(crate) fn pages(plan: &Plan) -> Vec<String> {
    let written = plan.steps.iter().find_map(|step| match step {
        Step::WaitHealthy(WaitHealthy { paths }) if !paths.is_empty() => Some(paths.clone()),
        _ => None,
    });
    written.unwrap_or_else(|| {
        let mut pages: Vec<String> = plan
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Restrict(step) => VirtualDirectory::at(step.application.path()),
                _ => None,
            })
            .chain(VirtualDirectory::at(OWA))
            .map(VirtualDirectory::health_page)
            .collect();
        pages.sort();
        pages.dedup();
        pages
    })
}
