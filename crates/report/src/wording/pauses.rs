//! Where the run stops to think, in words: canaries, untouched servers, questions and answers.

use inventory::ServerName;
use rollout::{Answer, Condition, EventKind, Pause};

use super::{Line, duration};
use crate::model::Model;

/// The lines that such an event is worth.
pub(super) fn lines(model: &Model, kind: &EventKind) -> Vec<Line> {
    match kind {
        EventKind::CanaryHeld { server } => {
            let span = model.plan.as_ref().map(|plan| duration(plan.policy.canary_hold));
            let text = format!("watched on for {} before wave 2", span.unwrap_or_default());
            vec![Line::new(server.to_string(), "hold", "started").text([text])]
        }
        EventKind::ControlSeen { server, group } => {
            let count = |wanted: Condition| group.values().filter(|condition| **condition == wanted).count();
            let text = format!(
                "of {} untouched servers {} healthy as before, {} degraded, {} not healthy before either, {} not seen",
                group.len(),
                count(Condition::Steady),
                count(Condition::Degraded),
                count(Condition::Unwell),
                count(Condition::Unseen)
            );
            vec![Line::new(server.to_string(), "control", "seen").text([text])]
        }
        EventKind::AmbientIncident {
            server,
            degraded,
            healthy_before,
        } => vec![Line::new("run", "ambient incident", "PAUSED").text([
            format!(
                "{} of {healthy_before} untouched servers degraded together with {server}: {}",
                degraded.len(),
                names(degraded)
            ),
            "the cause lies around the farm, not in the change: nothing is undone".to_owned(),
        ])],
        EventKind::RunPaused { pause } => vec![Line::new("run", "", "PAUSED").text([
            reason(model, pause),
            format!(
                "answers: {}",
                pause
                    .answers()
                    .iter()
                    .map(|answer| meaning(pause, *answer))
                    .collect::<Vec<_>>()
                    .join("; ")
            ),
        ])],
        EventKind::PersonAnswered { answer, by } => {
            let text = match &model.pause {
                Some(pause) => format!("by {by}: {}", meaning(pause, *answer)),
                None => format!("by {by}: {answer}"),
            };
            vec![Line::new("run", "", "answered").text([text])]
        }
        _ => Vec::new(),
    }
}

fn names(servers: &[ServerName]) -> String {
    servers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Why a person is asked.
fn reason(model: &Model, pause: &Pause) -> String {
    let waves = model.plan.as_ref().map_or(0, |plan| plan.waves.len());
    match pause {
        Pause::AfterWave { wave } => format!(
            "wave {} of {waves} is over, and the playbook pauses here",
            wave + 1
        ),
        Pause::AmbientIncident { server } => format!("what becomes of {server} and of the run?"),
        Pause::Inconclusive { server } => {
            format!(
                "whether {server} is healthy could not be seen: that is neither a pass nor a reason to undo"
            )
        }
        Pause::Failure { server } => format!("{server} failed, and the playbook asks what to do"),
    }
}

/// What an answer does at this pause.
fn meaning(pause: &Pause, answer: Answer) -> String {
    let what = match (pause, answer) {
        (Pause::Failure { .. }, Answer::Stop) => "leave the server as it is",
        (_, Answer::Stop) => "end the run here, resumable",
        (Pause::AfterWave { .. }, Answer::GoOn) => "begin the next wave",
        (_, Answer::GoOn) => "go on as the policy says",
        (_, Answer::Retry) => "begin the server again from its survey",
        (_, Answer::Undo) => "put the server back as it was",
    };
    format!("{answer} ({what})")
}
