//! A journal as lines of a few words, so that a test can say what happened as people would.

use std::collections::BTreeMap;

use inventory::ServerName;
use rollout::{Event, EventKind, Found, Outcome, SoakReport, StepError, Survey};

/// Turns events into words: `cas01 step_probed restrict ready`, `run_finished undone`.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    steps: Vec<String>,
}

impl Reader {
    pub(crate) fn words(&mut self, event: &Event) -> String {
        if let EventKind::RunStarted { plan, .. } = &event.kind {
            self.steps = plan.steps.iter().map(|step| step.kind().to_string()).collect();
        }
        let mut words: Vec<String> = event.kind.server().map(ToString::to_string).into_iter().collect();
        words.push(event.kind.name().to_owned());
        words.extend(self.more(&event.kind));
        words.join(" ")
    }

    fn more(&self, kind: &EventKind) -> Vec<String> {
        let step = |step: &usize| self.steps.get(*step).cloned().unwrap_or_default();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match kind {
            EventKind::StepStarted {
                step: index, attempt, ..
            } => vec![step(index), attempt.to_string()],
            EventKind::StepProbed {
                step: index, found, ..
            } => words(&[
                &step(index),
                match found {
                    Found::AlreadyDone(_) => "already_done",
                    Found::Ready(_) => "ready",
                    Found::Failed(_) => "failed",
                },
            ]),
            EventKind::StepApplied {
                step: index, outcome, ..
            }
            | EventKind::StepVerified {
                step: index, outcome, ..
            } => words(&[&step(index), outcome_word(outcome)]),
            EventKind::UndoStarted { step: index, .. }
            | EventKind::UndoFinished { step: index, .. }
            | EventKind::UndoFailed { step: index, .. } => vec![step(index)],
            EventKind::ServerFailed { step: index, .. } => index.iter().map(step).collect(),
            EventKind::ServerHealthy { changed, .. } => {
                words(&[if *changed { "changed" } else { "unchanged" }])
            }
            EventKind::Surveyed {
                survey: Survey::Failed(_),
                ..
            }
            | EventKind::SoakFinished {
                report: SoakReport::Failed(_),
                ..
            } => words(&["failed"]),
            EventKind::StopRequested { hard } => words(&[if *hard { "hard" } else { "soft" }]),
            EventKind::PersonAnswered { answer, .. } => words(&[answer.as_str()]),
            EventKind::RunFinished { verdict } => words(&[verdict.as_str()]),
            _ => Vec::new(),
        }
    }
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Failed(_) => "failed",
        Outcome::Unknown(_) => "unknown",
    }
}

/// What a journal tells.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) events: Vec<Event>,
    words: Vec<String>,
}

impl Story {
    pub(crate) fn new(events: Vec<Event>) -> Self {
        let mut reader = Reader::default();
        let words = events.iter().map(|event| reader.words(event)).collect();
        Self { events, words }
    }

    /// What the operator accepted, as the journal's first event has it.
    #[track_caller]
    pub(crate) fn accepted(&self) -> serde_json::Value {
        match self.events.first().map(|event| &event.kind) {
            Some(EventKind::RunStarted { plan, .. }) => serde_json::to_value(&plan.accepted).expect("JSON"),
            first => panic!("the first event is {first:?}"),
        }
    }

    /// How many events' words begin with these.
    pub(crate) fn count(&self, words: &str) -> usize {
        self.words.iter().filter(|line| line.starts_with(words)).count()
    }

    /// These happened, in this order, whatever lies between them.
    #[track_caller]
    pub(crate) fn assert_order(&self, wanted: &[&str]) {
        let mut rest = self.words.iter();
        for words in wanted {
            assert!(
                rest.any(|line| line.starts_with(words)),
                "`{words}` is missing, or comes too early, in:\n{self}"
            );
        }
    }

    /// None of these happened.
    #[track_caller]
    pub(crate) fn assert_never(&self, unwanted: &[&str]) {
        for words in unwanted {
            assert_eq!(self.count(words), 0, "`{words}` happened:\n{self}");
        }
    }

    /// Why a server failed, the last time that it did.
    #[track_caller]
    pub(crate) fn failure(&self, server: &str) -> &StepError {
        let server = ServerName::from(server);
        let failures = self.events.iter().rev().filter_map(|event| match &event.kind {
            EventKind::ServerFailed {
                server: failed,
                error,
                ..
            } if *failed == server => Some(error),
            _ => None,
        });
        failures
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("{server} did not fail:\n{self}"))
    }

    /// The facts of what was applied, by `server step`.
    pub(crate) fn applied(&self) -> BTreeMap<String, Vec<String>> {
        let lines = self.words.iter().zip(&self.events);
        lines
            .filter_map(|(words, event)| match &event.kind {
                EventKind::StepApplied {
                    outcome: Outcome::Done(receipt),
                    ..
                } => {
                    let key = words.replace(" step_applied", "").replace(" done", "");
                    Some((key, receipt.facts.clone()))
                }
                _ => None,
            })
            .collect()
    }
}

impl std::fmt::Display for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words.join("\n"))
    }
}
