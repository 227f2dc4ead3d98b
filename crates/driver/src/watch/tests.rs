//! Against a front end that changes its mind.

use std::sync::atomic::{AtomicBool, Ordering};

use inventory::ServerName;

use super::*;
use crate::testing::{FrontEnd, Ports, plan, world};

const STEPS: &str = "[[step]]\n\
    restrict = { application = \"Default Web Site/Microsoft-Server-ActiveSync\", unlisted = \"deny\", existing = \"replace\", \
    allow = [{ role = \"loopback\" }] }\n\
    [[step]]\n\
    witness = { allowed_from = [\"inside\"], denied_from = [\"outside\"], every = \"2s\" }\n";

fn ports(front_end: &FrontEnd) -> Ports {
    Ports {
        https: front_end.port,
        ca: Some(front_end.ca.clone()),
        ..Ports::default()
    }
}

#[tokio::test]
async fn every_server_and_every_virtual_address_is_asked_from_every_vantage() {
    let front_end = FrontEnd::start(|_| (401, "www-authenticate: Basic\r\n", String::new())).await;
    let world = world(&ports(&front_end), 1000.0);
    let rollout = Rollout::new(plan(&world, STEPS));
    let places: Vec<String> = posts(&world, &rollout)
        .iter()
        .map(|post| format!("{} {} {:?}", post.watched, post.vantage, post.side))
        .collect();
    assert_eq!(
        places,
        [
            "cas01 inside Allowed",
            "cas02 inside Allowed",
            "vip eas inside Allowed",
            "cas01 outside Denied { wanted: Refused }",
            "cas02 outside Denied { wanted: Refused }",
            "vip eas outside Denied { wanted: Refused }",
        ]
    );
    let without = Rollout::new(plan(&world, &STEPS.replace(", every = \"2s\"", "")));
    assert_eq!(posts(&world, &without), []);
}

#[tokio::test]
async fn a_refusal_where_nothing_was_changed_is_told_once_with_what_was_seen() {
    let closed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&closed);
    let front_end = FrontEnd::start(move |asked| {
        let is_outside = asked.from.to_string() == "127.0.0.66";
        match is_outside && seen.load(Ordering::SeqCst) {
            true => (403, "", String::new()),
            false => (401, "www-authenticate: Basic\r\n", String::new()),
        }
    })
    .await;
    let world = world(&ports(&front_end), 1000.0);
    let rollout = Rollout::new(plan(&world, STEPS));
    let (facts, mut told) = mpsc::unbounded_channel();
    let (progress, mut counted) = mpsc::channel(1024);
    let watch = Watch::start(&world, &rollout, &facts, &progress);
    let cas01 = Watched::Server(ServerName::from("cas01"));
    // Not before the outsider was served there.
    while let Some(progress) = counted.recv().await {
        if matches!(&progress, Progress::Asked { watched, vantage, .. } if *watched == cas01 && vantage.as_str() == "outside")
        {
            break;
        }
    }
    closed.store(true, Ordering::SeqCst);
    let mut turned = false;
    let breach = loop {
        match told.recv().await {
            Some(EventKind::WitnessChanged {
                watched,
                was: Some(Sight::Served),
                sees: Sight::Refused,
                ..
            }) => turned |= watched == cas01,
            Some(EventKind::WitnessBreached { watched, error, .. }) if watched == cas01 => break error,
            Some(_) => {}
            None => panic!("the watch ended"),
        }
    };
    watch.stop();
    assert!(turned, "the change is told before the breach");
    assert_eq!(
        breach.expected,
        "refused only once cas01 has committed its change"
    );
    assert_eq!(breach.found, "refused already (403)");
}
