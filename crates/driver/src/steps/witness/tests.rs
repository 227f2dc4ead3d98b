//! Against a front end that enforces rules by the client's address.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::testing::{Asked, FrontEnd, Ports, Reply, plan, session, world};

const STEPS: &str = "[[step]]\n\
    restrict = { application = \"Default Web Site/Microsoft-Server-ActiveSync\", unlisted = \"deny\", existing = \"replace\", \
    allow = [{ role = \"loopback\" }] }\n\
    [[step]]\n\
    witness = { allowed_from = [\"inside\"], denied_from = [\"outside\"], unchanged = [\"/owa/\"] }\n";
const LOGIN: &str = "www-authenticate: Basic realm=\"x\"\r\nx-feserver: CAS01\r\n";

fn asks_for_login() -> Reply {
    (401, LOGIN, String::new())
}

/// Denies `outside` for ActiveSync, and sends everybody at OWA to the login page.
fn enforcing(asked: &Asked) -> Reply {
    match (asked.path.as_str(), asked.from.to_string().as_str()) {
        ("/owa/", _) => (302, "location: /owa/auth/logon.aspx\r\n", String::new()),
        (_, "127.0.0.66") => (403, "", "denied".to_owned()),
        _ => asks_for_login(),
    }
}

fn witness_session(front_end: &FrontEnd) -> (Session, Witness) {
    witness_session_of(front_end, STEPS)
}

fn witness_session_of(front_end: &FrontEnd, steps: &str) -> (Session, Witness) {
    let ports = Ports {
        https: front_end.port,
        ca: Some(front_end.ca.clone()),
        ..Ports::default()
    };
    let world = world(&ports, 1000.0);
    let plan = plan(&world, steps);
    let Some(Step::Witness(step)) = plan.steps.last().cloned() else {
        panic!("the plan ends with the witness")
    };
    (session(&world, plan), step)
}

#[tokio::test]
async fn inside_gets_in_outside_does_not_and_owa_is_as_before() {
    let front_end = FrontEnd::start(enforcing).await;
    let (mut session, step) = witness_session(&front_end);
    take_baseline(&mut session).await;
    let receipt = verify(&mut session, 1, &step).await.unwrap();
    assert_eq!(
        receipt.facts,
        [
            "/Microsoft-Server-ActiveSync/ from inside: allowed (401)",
            "/Microsoft-Server-ActiveSync/ from outside: denied (403)",
            "/owa/ from inside: 302",
            "/owa/ from outside: 302",
        ]
    );
}

#[tokio::test]
async fn an_answer_of_the_time_before_is_asked_for_again() {
    let count = AtomicU32::new(0);
    let late = move |asked: &Asked| match count.fetch_add(1, Ordering::SeqCst) {
        0..=3 => asks_for_login(),
        _ => enforcing(asked),
    };
    let front_end = FrontEnd::start(late).await;
    let (mut session, step) = witness_session(&front_end);
    verify(&mut session, 1, &step).await.unwrap();
}

#[tokio::test]
async fn a_broken_configuration_fails_at_once() {
    let front_end = FrontEnd::start(|_| (500, "", String::new())).await;
    let (mut session, step) = witness_session(&front_end);
    let error = verify(&mut session, 1, &step).await.unwrap_err();
    assert_eq!(
        (error.expected.as_str(), error.found.as_str()),
        ("allowed", "broken (500)")
    );
    assert_eq!(front_end.asked().len(), 1);
}

/// One round, so that nothing is waited for.
async fn wrong(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> StepError {
    let denial = DenyAction::Forbidden;
    let front_end = FrontEnd::start(answer).await;
    let (mut session, step) = witness_session(&front_end);
    take_baseline(&mut session).await;
    match round(&session, &step, Access::Denied, denial).await {
        Err(Wrong::ForNow(error)) => error,
        Err(Wrong::ForGood(error)) => panic!("for good: {error:?}"),
        Ok(facts) => panic!("{facts:?}"),
    }
}

#[tokio::test]
async fn every_wrong_answer_is_told_with_what_it_means() {
    let open = wrong(|asked| {
        if asked.path == "/owa/" {
            enforcing(asked)
        } else {
            asks_for_login()
        }
    })
    .await;
    assert_eq!(
        (open.expected.as_str(), open.found.as_str()),
        ("denied", "allowed (401)")
    );
    assert!(open.hint.unwrap().contains("not enforced"));

    let shut = wrong(|asked| {
        if asked.path == "/owa/" {
            enforcing(asked)
        } else {
            (403, "", String::new())
        }
    })
    .await;
    assert_eq!(
        (shut.expected.as_str(), shut.found.as_str()),
        ("allowed", "denied (403)")
    );
    assert!(shut.hint.unwrap().contains("not on the allow list"));

    // Exchange's own 403 is neither: an inconclusive answer is no pass.
    let device = wrong(|_| (403, "x-feserver: CAS01\r\n", String::new())).await;
    assert_eq!(device.found, "denied by Exchange (403)");
}

#[tokio::test]
async fn a_page_that_changed_is_told() {
    let count = Arc::new(AtomicU32::new(0));
    // The baseline asks for OWA twice; what comes later is another page.
    let changing = move |asked: &Asked| match asked.path.as_str() {
        "/owa/" if count.fetch_add(1, Ordering::SeqCst) >= 2 => (404, "", "gone".to_owned()),
        _ => enforcing(asked),
    };
    let error = wrong(changing).await;
    assert_eq!(
        (error.expected.as_str(), error.found.as_str()),
        ("302, as before the change", "404: gone")
    );
}

#[test]
fn the_rule_that_covers_the_path_says_what_unlisted_means() {
    let world = world(&Ports::default(), 1.0);
    let restrict = |application: &str, unlisted: &str| {
        format!(
            "[[step]]\nrestrict = {{ application = \"Default Web Site{application}\", unlisted = \"{unlisted}\", existing = \"keep\", \
             allow = [{{ role = \"loopback\" }}] }}\n"
        )
    };
    let rest = restrict("/Microsoft-Server-ActiveSync", "allow") + &restrict("/ecp", "deny");
    let plan = plan(&world, &rest);
    for (index, path, expected) in [
        (2, "/microsoft-server-activesync/", Unlisted::Allow),
        (2, "/Microsoft-Server-ActiveSync?x", Unlisted::Allow),
        (2, "/ecp/", Unlisted::Deny),
        (2, "/ecpx/", Unlisted::Deny),
        // Before any rule is written.
        (0, "/Microsoft-Server-ActiveSync/", Unlisted::Deny),
    ] {
        assert_eq!(unlisted(&plan, index, path), expected, "{index} {path}");
    }
}

/// A look from everywhere where the playbook says how a client is denied, and `outside` gets this.
async fn denied_by(word: &str, status: u16) -> Result<Vec<String>, (String, String)> {
    let answer = move |asked: &Asked| match enforcing(asked) {
        (403, headers, body) => (status, headers, body),
        other => other,
    };
    let front_end = FrontEnd::start(answer).await;
    let deny = format!("unlisted = \"deny\", deny_action = \"{word}\"");
    let (session, step) = witness_session_of(&front_end, &STEPS.replace("unlisted = \"deny\"", &deny));
    let denial = denial(session.plan(), 1, &step.path);
    match round(&session, &step, Access::Denied, denial).await {
        Ok(facts) => Ok(facts),
        Err(Wrong::ForNow(error) | Wrong::ForGood(error)) => Err((error.expected, error.found)),
    }
}

#[tokio::test]
async fn a_denial_is_what_the_playbook_says_that_it_is() {
    let outside = |facts: Result<Vec<String>, _>| facts.unwrap()[1].clone();
    let page = "/Microsoft-Server-ActiveSync/ from outside: ";
    assert_eq!(
        outside(denied_by("not_found", 404).await),
        format!("{page}denied (404)")
    );
    assert_eq!(
        outside(denied_by("abort_request", 0).await),
        format!("{page}denied (dropped)")
    );
    assert_eq!(
        outside(denied_by("forbidden", 403).await),
        format!("{page}denied (403)")
    );
    let wrong = |expected: &str, found: &str| Err((expected.to_owned(), found.to_owned()));
    // Denied as before the change, or by somebody else's hand.
    assert_eq!(
        denied_by("not_found", 403).await,
        wrong("denied (404)", "denied (403)")
    );
    assert_eq!(
        denied_by("abort_request", 403).await,
        wrong("denied (dropped)", "denied (403)")
    );
    assert_eq!(
        denied_by("forbidden", 404).await,
        wrong("denied", "unknown (404)")
    );
    let dropped = denied_by("not_found", 0).await.unwrap_err();
    assert_eq!(dropped.0, "denied");
}
