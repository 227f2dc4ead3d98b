use inventory::StepKind;
use jiff::Timestamp;
use rollout::{Before, Evidence, Receipt, RunId};

use super::*;
use crate::testing::{Ports, plan, world};

const STEPS: &str = "[[step]]\nback_up = {}\n\
    [[step]]\nrestrict = { application = \"Default Web Site/ecp\", unlisted = \"deny\", existing = \"keep\", \
    allow = [{ role = \"loopback\" }] }\n\
    [[step]]\nwitness = { allowed_from = [\"inside\"], every = \"2s\" }\n";

fn stages() -> Stages {
    let world = world(&Ports::default(), 1.0);
    Stages::new(&Rollout::new(plan(&world, STEPS)))
}

fn note(stages: &Stages, kind: EventKind) {
    stages.note(&Event {
        seq: 0,
        at: Timestamp::UNIX_EPOCH,
        kind,
    });
}

fn cas(number: u32) -> ServerName {
    ServerName::from(format!("cas0{number}"))
}

fn begins(stages: &Stages, number: u32, before: Before, step: usize) {
    note(
        stages,
        EventKind::StepProbed {
            server: cas(number),
            step,
            found: Found::Ready(before),
        },
    );
}

fn is_proven(stages: &Stages, number: u32) {
    note(
        stages,
        EventKind::StepVerified {
            server: cas(number),
            step: 2,
            outcome: Outcome::Done(Receipt::default()),
        },
    );
}

fn restrict() -> Before {
    Before::Restrict {
        own: Default::default(),
        effective: Default::default(),
        wanted: Default::default(),
        workers: Vec::new(),
    }
}

#[test]
fn a_server_goes_from_untouched_over_changing_to_proven_and_back() {
    let stages = stages();
    let at = Watched::Server(cas(1));
    let first = stages.of(&at);
    assert_eq!(first.stage, Stage::Untouched);
    let backup = Before::BackUp {
        name: RunId::new("x").to_string(),
    };
    assert!(!StepKind::BackUp.changes());
    begins(&stages, 1, backup, 0);
    assert_eq!(stages.of(&at), first, "a backup changes no rules");
    begins(&stages, 1, restrict(), 1);
    assert_eq!(stages.of(&at).stage, Stage::Changing);
    is_proven(&stages, 1);
    let proven = stages.of(&at);
    assert_eq!(proven.stage, Stage::Proven);
    note(
        &stages,
        EventKind::UndoStarted {
            server: cas(1),
            step: 1,
        },
    );
    assert_eq!(stages.of(&at).stage, Stage::Changing);
    note(
        &stages,
        EventKind::UndoFinished {
            server: cas(1),
            step: 1,
            evidence: Evidence::default(),
        },
    );
    assert_eq!(
        stages.of(&at).stage,
        Stage::Changing,
        "until all of it is taken back"
    );
    note(&stages, EventKind::ServerUndone { server: cas(1) });
    let undone = stages.of(&at);
    assert_eq!(undone.stage, Stage::Untouched);
    assert_ne!(
        undone, first,
        "a request that began before the change proves nothing after it"
    );
}

#[test]
fn a_pool_is_proven_only_when_all_its_servers_are() {
    let stages = stages();
    let vip = Watched::Vip(PoolName::from("eas"));
    assert_eq!(stages.of(&vip).stage, Stage::Untouched);
    begins(&stages, 1, restrict(), 1);
    is_proven(&stages, 1);
    assert_eq!(stages.of(&vip).stage, Stage::Changing, "one of two");
    is_proven(&stages, 2);
    assert_eq!(stages.of(&vip).stage, Stage::Proven);
}
