//! Sentences made of events: the same words in a pipe, above the bars and in a transcript.

mod pauses;
mod window;

pub use window::{forecast, instant, to_go};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollout::{
    Accepted, Debt, Event, EventKind, Evidence, FailureKind, Found, Outcome, Shortage, SoakReport, StepError,
    Survey, Verdict,
};

use crate::model::{Model, Refusal};

/// `accepted low-disk on cas01, cas02: CHG 42`.
pub fn accepted(accepted: &Accepted) -> String {
    let servers: Vec<&str> = accepted.servers.iter().map(AsRef::as_ref).collect();
    let servers = match servers.is_empty() {
        true => String::new(),
        false => format!(" on {}", servers.join(", ")),
    };
    format!("accepted {}{servers}: {}", accepted.rule, accepted.reason)
}

/// One permanent line: who, what, how it stands, how long it took, and what shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// `run`, `wave 2/4`, or a server's name.
    pub subject: String,
    /// The step's or state's word.
    pub what: String,
    /// `done`, `already`, `FAILED`, …
    pub state: String,
    /// How long it took.
    pub elapsed: Option<SignedDuration>,
    /// Facts; the first stands on the line, the others below it.
    pub text: Vec<String>,
}

impl Line {
    fn new(subject: impl Into<String>, what: impl Into<String>, state: &str) -> Self {
        Self {
            subject: subject.into(),
            what: what.into(),
            state: state.to_owned(),
            elapsed: None,
            text: Vec::new(),
        }
    }

    fn text<T: Into<String>>(mut self, lines: impl IntoIterator<Item = T>) -> Self {
        self.text.extend(lines.into_iter().map(Into::into));
        self
    }

    fn took(mut self, elapsed: Option<SignedDuration>) -> Self {
        self.elapsed = elapsed;
        self
    }

    /// The line as text with its time in front; facts that do not fit beside it follow, indented.
    pub fn render(&self, at: Timestamp, zone: &TimeZone) -> String {
        let elapsed = self.elapsed.map(duration).unwrap_or_default();
        let columns = format!(
            "{:<9} {:<18} {:<7} {elapsed:>6}",
            self.subject, self.what, self.state
        );
        let mut out = format!("{} {columns}", clock(at, zone)).trim_end().to_owned();
        let mut facts = self.text.iter();
        if let Some(first) = facts.next() {
            out = format!("{out:<WIDTH$}  {first}");
        }
        for fact in facts {
            out.push_str(&format!("\n{:INDENT$}{fact}", ""));
        }
        out
    }
}

/// Where the first fact begins, after the columns.
const WIDTH: usize = 52;

/// Where further facts begin: under the step's word, so that long ones still fit on a narrow screen.
const INDENT: usize = 19;

/// Local time of day; the first line of a run tells the date and the offset from UTC.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// The day and the offset from UTC that all times of day below are meant in; before the first line of a sitting.
pub fn heading(event: &Event, zone: &TimeZone) -> Option<String> {
    let begins = matches!(
        event.kind,
        EventKind::RunStarted { .. } | EventKind::RunResumed { .. }
    );
    begins.then(|| {
        event
            .at
            .to_zoned(zone.clone())
            .strftime("%A, %Y-%m-%d; times are UTC%:z")
            .to_string()
    })
}

/// `8.1s`, `1m35s`, `2h05m`.
pub fn duration(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    match seconds {
        ..0 => "0.0s".to_owned(),
        0..60 => format!("{:.1}s", span.as_secs_f64()),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// What a refused drain waits for and until when: `for pool eas: 4 in rotation, 4 needed without cas03; out: cas01 (DRAIN); gives up in 9m55s`.
pub(crate) fn waiting(model: &Model, event: &Event) -> Option<String> {
    let Refusal {
        server,
        shortage,
        left,
    } = model.refusal(event)?;
    let Shortage { floor, planned, seen } = &shortage;
    let out = match seen.out.is_empty() {
        true => String::new(),
        false => format!("; out: {}", seen.who_is_out()),
    };
    Some(format!(
        "for {floor}: {} in rotation{}, {} needed without {server}{out}; gives up in {}",
        seen.in_rotation,
        seen.weight_in_words(),
        planned.needed(),
        duration(left)
    ))
}

/// The lines that an event is worth; `model` has not yet taken the event in.
pub fn lines(model: &Model, event: &Event) -> Vec<Line> {
    let subject = event.kind.server().map(ToString::to_string).unwrap_or_default();
    let row = event.kind.server().and_then(|server| model.servers.get(server));
    let elapsed = row
        .and_then(|row| row.since)
        .map(|since| event.at.duration_since(since));
    let whole = row
        .and_then(|row| row.started)
        .map(|started| event.at.duration_since(started));
    let word = |step: usize| model.step_word(step);
    match &event.kind {
        EventKind::RunStarted {
            run, plan, operator, ..
        } => {
            let mut line = Line::new("run", "started", "").text([
                format!("{run} by {operator}"),
                plan.title.clone(),
                format!(
                    "{} servers in {} waves, {} may fail",
                    plan.servers.len(),
                    plan.waves.len(),
                    plan.policy.max_failures
                ),
            ]);
            for (name, pool) in &plan.pools {
                line.text.push(format!(
                    "pool {name}: {} servers, floor {}, at most {} out at a time",
                    pool.size, pool.min_in_rotation, pool.max_in_flight
                ));
            }
            line.text.extend(plan.accepted.iter().map(accepted));
            vec![line]
        }
        EventKind::RunResumed { operator, .. } => {
            vec![Line::new("run", "", "resumed").text([format!(
                "by {operator}: every server not proven done is looked at again"
            )])]
        }
        EventKind::UndoRequested { operator, .. } => {
            vec![Line::new("run", "undo", "asked").text([format!(
                "by {operator}: everything that has a way back is put back, the last waves first"
            )])]
        }
        EventKind::StealApproved { from, operator } => {
            vec![Line::new("run", "lease", "STEAL").text([format!(
                "{operator} allowed to take over the leases of run {from}"
            )])]
        }
        EventKind::WindowEntered { .. } | EventKind::WindowClosed { .. } => window::lines(model, event),
        EventKind::LeaseTaken { over: None, .. } => Vec::new(),
        EventKind::LeaseTaken { over: Some(over), .. } => {
            vec![Line::new(subject, "lease", "taken").text([format!("over one that {over}")])]
        }
        EventKind::LeaseLost { holder, .. } => {
            vec![Line::new(subject, "lease", "LOST").text([
                format!("to {holder}"),
                "nothing more is changed on this server".to_owned(),
            ])]
        }
        EventKind::WaveStarted { wave } => {
            let waves = model.plan.as_ref().map_or(&[][..], |p| &p.waves);
            let names = waves
                .get(*wave)
                .map(|w| w.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
            let line = Line::new(wave_word(*wave, waves.len()), "", "started").text(names);
            vec![line.text(to_go(model, event.at))]
        }
        EventKind::WaveFinished { wave } => {
            let waves = model.plan.as_ref().map_or(0, |p| p.waves.len());
            vec![Line::new(wave_word(*wave, waves), "", "finished")]
        }
        EventKind::ServerStarted { .. } => Vec::new(),
        EventKind::Surveyed {
            survey: Survey::Seen { work, facts },
            ..
        } => {
            let words: Vec<String> = work.iter().map(|step| word(*step)).collect();
            let first = if words.is_empty() {
                "nothing to change".to_owned()
            } else {
                format!("to do: {}", words.join(", "))
            };
            vec![
                Line::new(subject, "survey", "done")
                    .took(elapsed)
                    .text([first])
                    .text(facts.iter().cloned()),
            ]
        }
        EventKind::Surveyed {
            survey: Survey::Failed(_),
            ..
        } => Vec::new(),
        EventKind::StepStarted { attempt: 1, .. } => Vec::new(),
        // Said already: the pool has nobody to spare, and is looked at again every few seconds.
        EventKind::StepStarted { .. } if row.is_some_and(|row| row.waits.is_some()) => Vec::new(),
        EventKind::StepStarted { step, attempt, .. } => {
            vec![Line::new(subject, word(*step), "again").text([format!("looking again, attempt {attempt}")])]
        }
        EventKind::StepProbed { step, found, .. } => match found {
            Found::AlreadyDone(evidence) => {
                vec![
                    Line::new(subject, word(*step), "already")
                        .took(elapsed)
                        .text(evidence.facts.iter().cloned()),
                ]
            }
            Found::Ready(_) => match (model.refusal(event), row.and_then(|row| row.waits.as_ref())) {
                (Some(refusal), Some((_, said))) if *said == refusal.shortage.seen.who_is_out() => Vec::new(),
                (Some(_), _) => {
                    let line = Line::new(subject, word(*step), "waits").took(elapsed);
                    vec![line.text(waiting(model, event))]
                }
                (None, _) => Vec::new(),
            },
            Found::Failed(error) => vec![
                Line::new(subject, word(*step), "no look")
                    .took(elapsed)
                    .text([error.found.clone()]),
            ],
        },
        EventKind::StepApplied { step, outcome, .. } => match outcome {
            Outcome::Unknown(error) => vec![unknown(subject, word(*step), elapsed, error)],
            Outcome::Done(_) | Outcome::Failed(_) => Vec::new(),
        },
        EventKind::StepVerified { step, outcome, .. } => match outcome {
            Outcome::Done(receipt) => {
                let remarks = row.map(|row| model.remarks(row, *step, &receipt.facts));
                vec![
                    Line::new(subject, word(*step), "done")
                        .took(elapsed)
                        .text(receipt.facts.iter().cloned())
                        .text(remarks.unwrap_or_default()),
                ]
            }
            Outcome::Unknown(error) => vec![unknown(subject, word(*step), elapsed, error)],
            Outcome::Failed(_) => Vec::new(),
        },
        EventKind::ServerSoaking { .. } => Vec::new(),
        EventKind::SoakFinished {
            report: SoakReport::Healthy(evidence),
            ..
        } => {
            vec![
                Line::new(subject, "soak", "done")
                    .took(elapsed)
                    .text(evidence.facts.iter().cloned()),
            ]
        }
        EventKind::SoakFinished {
            report: SoakReport::Failed(_) | SoakReport::Inconclusive(_),
            ..
        } => Vec::new(),
        EventKind::CanaryHeld { .. }
        | EventKind::ControlLookStarted { .. }
        | EventKind::ControlSeen { .. }
        | EventKind::AmbientIncident { .. }
        | EventKind::RunPaused { .. }
        | EventKind::PersonAnswered { .. } => pauses::lines(model, &event.kind),
        EventKind::ServerHealthy { changed, .. } => {
            let text = if *changed {
                "changed, in rotation, healthy"
            } else {
                "already as wanted: nothing changed, nothing restarted"
            };
            vec![
                Line::new(subject, "healthy", if *changed { "done" } else { "already" })
                    .took(whole)
                    .text([text]),
            ]
        }
        EventKind::ServerFailed { step, error, .. } => {
            let what = step.map_or_else(|| row.map_or("server", |r| r.state.word()).to_owned(), word);
            vec![
                Line::new(subject, what, "FAILED")
                    .took(elapsed)
                    .text(failure(error)),
            ]
        }
        EventKind::BudgetSpent {
            failures,
            limit,
            pool,
        } => {
            let of_pool = pool
                .as_ref()
                .map(|pool| format!(" of pool {pool}"))
                .unwrap_or_default();
            vec![Line::new("run", "budget", "SPENT").text([format!(
                "{failures} servers{of_pool} failed, {limit} may: nothing new is started"
            )])]
        }
        EventKind::UndoStarted { .. } => Vec::new(),
        EventKind::UndoFinished { step, evidence, .. } => {
            vec![
                Line::new(subject, word(*step), "undone")
                    .took(elapsed)
                    .text(evidence.facts.iter().cloned()),
            ]
        }
        EventKind::UndoFailed { step, error, .. } => {
            vec![
                Line::new(subject, word(*step), "UNDO FAILED")
                    .took(elapsed)
                    .text(failure(error)),
            ]
        }
        EventKind::ServerUndone { .. } => vec![
            Line::new(subject, "server", "UNDONE")
                .took(whole)
                .text(["put back as it was"]),
        ],
        EventKind::ServerStuck { .. } => vec![
            Line::new(subject, "server", "STUCK")
                .took(whole)
                .text(["a person is needed here"]),
        ],
        EventKind::ServerSkipped { .. } => {
            vec![Line::new(subject, "server", "skipped").text(["never begun, untouched"])]
        }
        EventKind::DebtPaymentStarted { .. } => Vec::new(),
        EventKind::DebtPaid {
            debt: Debt::Lease,
            evidence,
            ..
        } if evidence.facts.is_empty() => Vec::new(),
        EventKind::DebtPaid { debt, evidence, .. } => {
            vec![Line::new(subject, debt_word(*debt), "paid").text(evidence.facts.iter().cloned())]
        }
        EventKind::DebtUnpaid {
            debt, error, command, ..
        } => {
            let mut line = Line::new(subject, debt_word(*debt), "UNPAID").text(failure(error));
            line.text.push(format!("do by hand: {command}"));
            vec![line]
        }
        EventKind::WitnessChanged {
            watched,
            vantage,
            path,
            was,
            sees,
            unserved_ms,
        } => {
            let before = was.map_or_else(String::new, |was| format!("{was} -> "));
            let gap = unserved_ms.map_or_else(String::new, |gap| format!(", after {gap} ms without service"));
            let text = format!("{path} from {vantage}: {before}{sees}{gap}");
            vec![Line::new(watched.to_string(), "witness", "sees").text([text])]
        }
        EventKind::WitnessBreached { watched, error, .. } => {
            vec![Line::new(watched.to_string(), "witness", "BREACH").text(failure(error))]
        }
        EventKind::FloorBroken { floor, error } => {
            vec![Line::new(floor.to_string(), "floor", "BROKEN").text(failure(error))]
        }
        EventKind::HookFailed { on, found } => {
            vec![Line::new("run", "hook", "FAILED").text([
                format!("the playbook requires that it is told of {on}: {found}"),
                "nothing new is started; what was begun is finished".to_owned(),
            ])]
        }
        EventKind::StopRequested { hard: false } => {
            vec![Line::new("run", "stop", "asked").text([
                "nothing new is started; servers under way are finished first",
                "Ctrl-C again aborts the waits (a restart under way is never cut)",
            ])]
        }
        EventKind::StopRequested { hard: true } => {
            vec![Line::new("run", "stop", "ABORT").text(["waits are aborted now"])]
        }
        EventKind::RunFinished { verdict } => {
            let whole = model.started.map(|started| event.at.duration_since(started));
            vec![
                Line::new("run", "finished", "")
                    .took(whole)
                    .text([verdict_text(*verdict)]),
            ]
        }
    }
}

fn wave_word(wave: usize, waves: usize) -> String {
    format!("wave {}/{waves}", wave + 1)
}

fn debt_word(debt: Debt) -> &'static str {
    match debt {
        Debt::Confirmation { .. } => "confirmation",
        Debt::Rotation { .. } => "rotation",
        Debt::Lease => "lease",
    }
}

fn unknown(subject: String, what: String, elapsed: Option<SignedDuration>, error: &StepError) -> Line {
    Line::new(subject, what, "UNKNOWN").took(elapsed).text([
        error.found.clone(),
        "looking again before anything is repeated".to_owned(),
    ])
}

/// What was expected, what was found, why, and what to do: one line each.
pub fn failure(error: &StepError) -> Vec<String> {
    let kind = match error.kind {
        FailureKind::Unreachable => "unreachable",
        FailureKind::LoginRefused => "login refused",
        FailureKind::TimedOut => "timed out",
        FailureKind::Failed => "failed",
        FailureKind::Unknown => "outcome unknown",
        FailureKind::Inconclusive => "inconclusive: could not look",
    };
    let mut lines = vec![
        format!("{kind}: {}", error.doing),
        format!("expected: {}", error.expected),
        format!("found: {}", error.found),
    ];
    lines.extend(error.causes.iter().map(|cause| format!("because: {cause}")));
    lines.extend(error.hint.iter().map(|hint| format!("hint: {hint}")));
    lines
}

/// The facts of an evidence in one line.
pub fn evidence(evidence: &Evidence) -> String {
    evidence.facts.join("; ")
}

/// The verdict as a sentence.
pub fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NothingToDo => "nothing to do: every server already was as wanted",
        Verdict::Done => "done: every server is as wanted",
        Verdict::TakenBack => "taken back: everything that has a way back is as it was, verified",
        Verdict::DoneWithFailures => {
            "some servers failed within the budget; every other server that could be begun is as wanted"
        }
        Verdict::WindowClosed => {
            "the change window has no room for more; what was begun is finished; the run can be resumed in its next opening"
        }
        Verdict::Paused => {
            "paused: nobody said that it may go on; what was begun is finished; resuming goes on"
        }
        Verdict::AmbientIncident => {
            "paused: untouched servers degraded together with the one that failed, so the cause lies around the farm; nothing was undone; the run \
             can be resumed"
        }
        Verdict::Stopped => "stopped by the operator; what was begun is finished; the run can be resumed",
        Verdict::BudgetSpent => "stopped: the failure budget is spent; the run can be resumed",
        Verdict::Undone => {
            "stopped: the failure budget is spent; the servers of the failed wave are put back, verified: once the cause is gone, apply anew"
        }
        Verdict::Breached => {
            "something was seen that must never be (BREACH or BROKEN above); the run can be resumed once its cause is known"
        }
        Verdict::Aborted => "aborted by the operator; outcomes may be unknown; resume looks again",
        Verdict::HumanNeeded => {
            "a person is needed: a server is stuck or something is still owed (see above)"
        }
    }
}
