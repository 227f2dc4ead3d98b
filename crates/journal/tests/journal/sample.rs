//! A small run as events.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use journal::{Holder, Journal};
use rollout::{Commit, Event, EventKind, Plan, RunId, Survey, Verdict};

pub(crate) const FILE: &str = "journal.jsonl";

/// A plan as it stands in a journal: two servers in one wave, one step.
const PLAN: &str = r#"{
    "title": "Only the gateways",
    "servers": { "cas01": { "pool": "eas" }, "cas02": { "pool": "eas" } },
    "pools": { "eas": { "size": 2, "min_in_rotation": 0, "max_in_flight": 2, "smallest_in_rotation": 0 } },
    "waves": [["cas01", "cas02"]],
    "max_parallel": 2,
    "policy": {
        "waves": [], "max_parallel": "100%", "max_failures": 0, "min_healthy_time": "1m", "healthy_deadline": "10m",
        "progress_deadline": "30m", "on_failure": "undo"
    },
    "steps": [{ "wait_healthy": { "paths": ["/owa/healthcheck.htm"] } }]
}"#;

pub(crate) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).expect("an instant")
}

pub(crate) fn holder() -> Holder {
    Holder {
        operator: "ops@jump01".to_owned(),
        pid: 4711,
    }
}

/// A run that is cut off while its first server is surveyed; the text of an event that is not ASCII is among them.
pub(crate) fn kinds() -> Vec<EventKind> {
    let plan: Plan = serde_json::from_str(PLAN).expect("a plan");
    vec![
        EventKind::RunStarted {
            run: RunId::new("20261124-0214-7f3a"),
            plan: Box::new(plan),
            operator: "jürgen@jump01".to_owned(),
            version: "0.1.0".to_owned(),
            inventory: "inventory/lab.toml".to_owned(),
        },
        EventKind::WaveStarted { wave: 0 },
        EventKind::ServerStarted {
            server: "cas01".into(),
        },
        EventKind::Surveyed {
            server: "cas01".into(),
            survey: Survey::Seen {
                work: vec![],
                facts: vec!["„wie gewünscht“ 4 × ✓".to_owned()],
            },
        },
    ]
}

/// The same run to its end by a person's Ctrl-C.
pub(crate) fn kinds_to_the_end() -> Vec<EventKind> {
    let mut kinds = kinds();
    kinds.push(EventKind::StopRequested { hard: true });
    kinds.push(EventKind::RunFinished {
        verdict: Verdict::Aborted,
    });
    kinds
}

/// Writes a journal and lets it go.
pub(crate) fn write(folder: &Path, kinds: Vec<EventKind>) -> Vec<Event> {
    let mut journal = Journal::create(folder, &holder()).expect("a new journal");
    (0..)
        .zip(kinds)
        .map(|(second, kind)| journal.commit(instant(second), kind).expect("a commit"))
        .collect()
}

pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("runs").join("20261124-0214-7f3a");
    (root, folder)
}

/// The error's whole chain in one line, paths shortened to their last part.
pub(crate) fn chain(error: &dyn std::error::Error, folder: &Path) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(&format!(": {source}"));
        cause = source.source();
    }
    text.replace(&folder.display().to_string(), "RUN")
}
