//! Every sink is fed the same recorded run; what people read of it is kept as golden text.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use indicatif::ProgressDrawTarget;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use report::{Bars, JsonLines, Lines, Model, RowState, summary};
use rollout::{
    Before, Debt, Event, EventKind, FailureKind, Found, OutOfRotation, Progress, Rotation, Sink, StepError,
    Verdict,
};

/// A writer whose text can be read afterwards.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A run that went well, as casgate journalled it against the simulated farm.
fn done() -> Vec<Event> {
    let text = include_str!("runs/done.jsonl");
    text.lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The same run until its first restriction fails, and what follows then.
fn failing() -> Vec<Event> {
    let mut events = done();
    let is_restrict = |event: &Event| matches!(&event.kind, EventKind::StepApplied { step: 3, .. });
    let cut = events.iter().position(is_restrict).unwrap();
    events.truncate(cut);
    let server = inventory::ServerName::from("cas01");
    let error = |found: &str| StepError {
        kind: FailureKind::Failed,
        doing: "write the section".to_owned(),
        expected: "the commit succeeds".to_owned(),
        found: found.to_owned(),
        hint: Some("close IIS Manager on the server".to_owned()),
        causes: vec!["appcmd ended with 32".to_owned()],
    };
    let debt = Debt::Rotation { step: 0 };
    let kinds = [
        EventKind::ServerFailed {
            server: server.clone(),
            step: Some(3),
            error: error("another writer"),
        },
        EventKind::BudgetSpent {
            failures: 1,
            limit: 0,
            pool: None,
        },
        EventKind::UndoStarted {
            server: server.clone(),
            step: 3,
        },
        EventKind::UndoFailed {
            server: server.clone(),
            step: 3,
            error: error("still another writer"),
        },
        EventKind::ServerStuck {
            server: server.clone(),
        },
        EventKind::DebtPaymentStarted {
            server: server.clone(),
            debt,
        },
        EventKind::DebtUnpaid {
            server,
            debt,
            error: error("the page answers 503"),
            command: "echo set …".to_owned(),
        },
        EventKind::StopRequested { hard: false },
        EventKind::RunFinished {
            verdict: Verdict::HumanNeeded,
        },
    ];
    for kind in kinds {
        let last = events.last().unwrap();
        let (seq, at) = (last.seq + 1, last.at + SignedDuration::from_secs(1));
        events.push(Event { seq, at, kind });
    }
    events
}

fn feed(sink: &mut dyn Sink, events: &[Event]) {
    events.iter().for_each(|event| sink.event(event));
}

fn lines(events: &[Event]) -> String {
    let paper = Paper::default();
    feed(
        &mut Lines::new(paper.clone(), TimeZone::UTC, SignedDuration::from_secs(30)),
        events,
    );
    paper.text()
}

fn model(events: &[Event]) -> Model {
    let mut model = Model::default();
    events.iter().for_each(|event| model.apply(event));
    model
}

#[test]
fn lines_of_a_run_that_went_well() {
    insta::assert_snapshot!(lines(&done()));
}

#[test]
fn lines_of_a_run_that_needs_a_person() {
    insta::assert_snapshot!(lines(&failing()));
}

/// The same run, for a change, in a window that closes before the second wave.
fn in_a_window() -> Vec<Event> {
    let mut events = done();
    if let EventKind::RunStarted { plan, .. } = &mut events[0].kind {
        plan.change = Some("CHG0042137".to_owned());
    }
    let wave = |event: &Event| matches!(event.kind, EventKind::WaveFinished { wave: 0 });
    let end = events.iter().position(wave).unwrap();
    events.truncate(end + 1);
    let until = events[end].at + SignedDuration::from_secs(95);
    let entered = Event {
        kind: EventKind::WindowEntered { until },
        ..events[0].clone()
    };
    events.insert(1, entered);
    let closed = EventKind::WindowClosed {
        until,
        left: SignedDuration::from_secs(95),
        next: SignedDuration::from_secs(70),
        undo: SignedDuration::from_secs(40),
        measured: 1,
    };
    let verdict = Verdict::WindowClosed;
    for kind in [closed, EventKind::RunFinished { verdict }] {
        let last = events.last().unwrap();
        let (seq, at) = (last.seq + 1, last.at + SignedDuration::from_secs(1));
        events.push(Event { seq, at, kind });
    }
    events
}

#[test]
fn a_run_in_a_change_window() {
    let events = in_a_window();
    let text = lines(&events);
    assert!(text.lines().all(|line| line.starts_with("CHG0042137 ")), "{text}");
    insta::assert_snapshot!(format!("{text}{}", summary(&model(&events))));
    // The outlook is the core's own: assumed at first, learned once a server is changed, none at the end.
    let outlook = |count: usize| {
        let seen = &events[..count];
        model(seen).outlook(seen.last().unwrap().at)
    };
    assert_eq!(outlook(2).unwrap().measured, 0);
    assert_eq!(outlook(events.len() - 2).unwrap().measured, 1);
    assert_eq!(outlook(events.len()), None);
}

#[test]
fn json_lines_name_the_change_also_in_a_later_sitting() {
    let events = in_a_window();
    let paper = Paper::default();
    let mut sink = JsonLines::new(paper.clone());
    sink.replay(&events[..4]);
    feed(&mut sink, &events[4..]);
    let text = paper.text();
    assert_eq!(text.lines().count(), events.len() - 4);
    for (line, event) in text.lines().zip(&events[4..]) {
        assert!(line.starts_with("{\"change\":\"CHG0042137\","), "{line}");
        assert_eq!(serde_json::from_str::<Event>(line).expect(line), *event);
    }
}

#[test]
fn summaries() {
    insta::assert_snapshot!(format!(
        "{}\n=====\n{}",
        summary(&model(&done())),
        summary(&model(&failing()))
    ));
}

#[test]
fn bars_that_are_hidden_lose_no_line() {
    for events in [done(), failing()] {
        let paper = Paper::default();
        let target = ProgressDrawTarget::hidden();
        feed(
            &mut Bars::new(target, Box::new(paper.clone()), TimeZone::UTC),
            &events,
        );
        assert_eq!(paper.text(), lines(&events));
    }
}

#[test]
fn json_lines_are_the_events() {
    let paper = Paper::default();
    feed(&mut JsonLines::new(paper.clone()), &done());
    let read: Vec<Event> = paper
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(read, done());
}

#[test]
fn no_line_has_an_escape_sequence() {
    assert!(!lines(&failing()).contains('\u{1b}'));
}

#[test]
fn silence_is_broken_by_a_line_that_names_what_is_awaited() {
    let events: Vec<Event> = done()
        .into_iter()
        .take_while(|e| !matches!(e.kind, EventKind::StepProbed { .. }))
        .collect();
    let paper = Paper::default();
    let mut sink = Lines::new(paper.clone(), TimeZone::UTC, SignedDuration::from_secs(30));
    feed(&mut sink, &events);
    let at: Timestamp = events.last().unwrap().at;
    let server = inventory::ServerName::from("cas01");
    sink.progress(
        at,
        &Progress::Doing {
            server,
            detail: "12 connections left".to_owned(),
        },
    );
    let before = paper.text();
    sink.tick(at + SignedDuration::from_secs(29));
    assert_eq!(paper.text(), before, "nothing before the heartbeat is due");
    sink.tick(at + SignedDuration::from_secs(31));
    let said = paper.text().split_off(before.len());
    assert!(
        said.contains("still waiting: cas01 drain for 31.0s, 12 connections left"),
        "{said}"
    );
}

#[test]
fn a_wait_for_the_pool_names_who_is_out_and_until_when_once() {
    let is_probe = |event: &Event| matches!(event.kind, EventKind::StepProbed { step: 0, .. });
    let mut events = done();
    let cut = events.iter().position(is_probe).unwrap();
    events.truncate(cut);
    let begun = events.clone();
    let server = inventory::ServerName::from("cas01");
    let out = |server: &str, why: &str| OutOfRotation {
        server: server.into(),
        why: why.to_owned(),
    };
    let sick = "UP, but /owa/healthcheck.htm answers 503: out of service";
    for (attempt, in_rotation, out) in [
        (2, 1, vec![out("cas02", "DRAIN")]),
        (3, 1, vec![out("cas02", "DRAIN")]),
        (4, 1, vec![out("cas02", sick)]),
        (5, 2, Vec::new()),
    ] {
        let rotation = Rotation {
            in_rotation,
            members: 2,
            state: "UP".to_owned(),
            is_in_rotation: true,
            out,
            weight: None,
        };
        let kinds = [
            EventKind::StepProbed {
                server: server.clone(),
                step: 0,
                found: Found::Ready(Before::Drain {
                    rotation: Some(rotation),
                    site: None,
                }),
            },
            EventKind::StepStarted {
                server: server.clone(),
                step: 0,
                attempt,
            },
        ];
        // Once there is one to spare, the change follows and not another look.
        for kind in kinds.into_iter().take(if in_rotation == 2 { 1 } else { 2 }) {
            let last = events.last().unwrap();
            let (seq, at) = (last.seq + 1, last.at + SignedDuration::from_secs(5));
            events.push(Event { seq, at, kind });
        }
    }
    let said = lines(&events).split_off(lines(&begun).len());
    insta::assert_snapshot!(said);
    let waiting = model(&events[..events.len() - 1]);
    assert_eq!(
        waiting.servers[&server].detail,
        format!(
            "for pool eas: 1 in rotation, 1 needed without cas01; out: cas02 ({sick}); gives up in 10.0s"
        )
    );
}

#[test]
fn the_model_counts_and_remembers_the_least_rotation() {
    let mut folded = model(&done());
    assert_eq!((folded.count(RowState::Changed), folded.failures()), (2, 0));
    let pool = inventory::PoolName::from("eas");
    for in_rotation in [2, 1, 2] {
        folded.progress(&Progress::Rotation {
            pool: pool.clone(),
            in_rotation,
            members: 2,
        });
    }
    assert_eq!(folded.rotation.get(&pool).map(|seen| seen.2), Some(1));
}
