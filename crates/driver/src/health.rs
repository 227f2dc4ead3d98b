//! A server's health pages, asked of its own front end.

use exchange::{Health, VirtualDirectory, health};
use inventory::{Server, Step, WaitHealthy};
use jiff::SignedDuration;
use rollout::{FailureKind, Plan, StepError};

use crate::failure::{StepErrorExt, failed, from_web};
use crate::session::Session;
use crate::web::WebError;
use crate::world::World;

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
            Seen::Page(Health::Unexpected { status: 401, .. }) if health::is_health_page(&self.path) => {
                failed(doing, expected, self.in_words()).hint(
                    "Exchange 2010 has no health pages: name pages that it has (`/owa/auth/logon.aspx`, the application itself), which count \
                     as long as they let a request in",
                )
            }
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
    look_at(session.world(), session.server(), paths).await
}

/// As [`look`], at any server.
pub(crate) async fn look_at(world: &World, server: &Server, paths: &[String]) -> Result<Vec<String>, Sick> {
    let mut facts = Vec::new();
    for path in paths {
        let sick = |seen| Sick {
            path: path.clone(),
            seen,
        };
        let page = page(world, server, path)
            .await
            .map_err(|error| sick(Seen::NoAnswer(error)))?;
        // Each server is asked by its own address, so the name on the page may be any: inventories have names of their own.
        let judged = match health::is_health_page(path) {
            true => health::judge(page.status, &page.body, ""),
            false => health::judge_page(page.status, page.header_texts(), &page.body),
        };
        match judged {
            Health::Healthy => facts.push(format!("{path} answers {}", page.first_line())),
            health => return Err(sick(Seen::Page(health))),
        }
    }
    Ok(facts)
}

/// One page's status and first line, whatever it is; what stood in the way where there was no answer.
pub(crate) async fn first_line(session: &Session, path: &str) -> String {
    match page(session.world(), session.server(), path).await {
        Ok(page) => page.first_line(),
        Err(error) => error.to_string(),
    }
}

async fn page(world: &World, server: &Server, path: &str) -> Result<crate::web::Page, WebError> {
    let front = world.front(server, None).await?;
    front.get(path, world.clock().limit(PAGE_LIMIT)).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FrontEnd, Ports, plan, session, world};

    const RESTRICT: &str = "[[step]]\nrestrict = { application = \"Default Web Site/ecp\", unlisted = \"deny\", existing = \"keep\", \
        allow = [{ role = \"loopback\" }] }\n";

    #[test]
    fn pages_are_those_of_the_playbook_or_of_what_it_restricts() {
        let world = world(&Ports::default(), 1.0);
        assert_eq!(
            pages(&plan(&world, RESTRICT)),
            ["/ecp/healthcheck.htm", "/owa/healthcheck.htm"]
        );
        let written =
            format!("{RESTRICT}[[step]]\nwait_healthy = {{ paths = [\"/mapi/healthcheck.htm\"] }}\n");
        assert_eq!(pages(&plan(&world, &written)), ["/mapi/healthcheck.htm"]);
    }

    #[tokio::test]
    async fn what_keeps_a_page_from_being_healthy_is_told() {
        let front_end = FrontEnd::start(|asked| match asked.path.as_str() {
            "/good" => (200, "", "200 OK<br/>EXCH-SVR-2.DOMAIN.COM".to_owned()),
            "/denied" => (403, "", String::new()),
            "/idle" => (503, "", String::new()),
            _ => (200, "", "<html>a login page</html>".to_owned()),
        })
        .await;
        let ports = Ports {
            https: front_end.port,
            ca: Some(front_end.ca.clone()),
            ..Ports::default()
        };
        let world = world(&ports, 1.0);
        let session = session(&world, plan(&world, RESTRICT));
        let paths = |path: &str| vec!["/good".to_owned(), path.to_owned()];
        for (path, found, hint) in [
            (
                "/denied",
                "/denied answers 403: this address is denied",
                Some("role = \"operator\""),
            ),
            (
                "/idle",
                "/idle answers 503: out of service",
                Some("Get-ServerHealth"),
            ),
            (
                "/other/healthcheck.htm",
                "/other/healthcheck.htm answers 200: <html>a login page</html>",
                None,
            ),
        ] {
            let error = look(&session, &paths(path)).await.unwrap_err().told("look");
            assert_eq!((error.kind, error.found.as_str()), (FailureKind::Failed, found));
            match (hint, error.hint) {
                (Some(part), Some(hint)) => assert!(hint.contains(part), "{hint}"),
                (expected, found) => assert_eq!(found.as_deref(), expected),
            }
        }
        let facts = look(&session, &["/good".to_owned()]).await.unwrap();
        assert_eq!(facts, ["/good answers 200: 200 OK<br/>EXCH-SVR-2.DOMAIN.COM"]);
        drop(front_end);
        let gone = look(&session, &["/good".to_owned()])
            .await
            .unwrap_err()
            .told("look");
        assert_eq!(gone.kind, FailureKind::Unreachable);
    }
}
