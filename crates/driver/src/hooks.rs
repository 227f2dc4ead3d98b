//! Hooks: programs and posts that are told of events, one after the other in the order of the events, each bounded in time. Those that the
//! playbook requires stand at a gate: while one is being told nothing begins, and once one failed nothing new does. Whatever becomes of the
//! others, the run goes on: they are a sink beside the others.

mod telling;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use inventory::Hook;
use jiff::Timestamp;
use rollout::{Event, EventKind, Progress, RunId, Sink, Verdict};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use telling::Telling;
pub use telling::Urls;

/// What a hook is told.
#[derive(Clone, Debug)]
struct Notice {
    run: String,
    event: &'static str,
    at: Timestamp,
    server: String,
    text: String,
}

impl Notice {
    fn new(run: &RunId, change: &str, event: &Event) -> Self {
        Self {
            run: run.to_string(),
            event: event.kind.name(),
            at: event.at,
            server: event.kind.server().map(ToString::to_string).unwrap_or_default(),
            text: in_words(run, change, &event.kind),
        }
    }
}

/// The sink's end.
pub struct HookSink {
    run: RunId,
    /// The number of the change, with a space in front; empty where there is none.
    change: String,
    notices: mpsc::UnboundedSender<Notice>,
}

/// The working end: what is still to be told.
pub struct Hooks {
    working: JoinHandle<Vec<String>>,
}

impl Hooks {
    /// Begins with those that are not required.
    pub fn start(hooks: &[Hook], urls: &Arc<Urls>, run: &RunId, change: Option<&str>) -> (HookSink, Self) {
        let (notices, mut told) = mpsc::unbounded_channel::<Notice>();
        let telling = Telling::new(hooks, false, urls);
        let working = tokio::spawn(async move {
            let mut failures = Vec::new();
            while let Some(notice) = told.recv().await {
                let event = notice.event;
                let failed = telling.tell(&notice).await;
                failures.extend(failed.into_iter().map(|why| format!("hook on {event}: {why}")));
            }
            failures
        });
        let (run, change) = (run.clone(), in_front(change));
        (HookSink { run, change, notices }, Self { working })
    }

    /// Waits for what is still to be told once the sink is gone, for at most `limit`; answers with what went wrong.
    pub async fn finish(self, limit: Duration) -> Vec<String> {
        let abort = self.working.abort_handle();
        match tokio::time::timeout(limit, self.working).await {
            Ok(Ok(failures)) => failures,
            Ok(Err(lost)) => vec![format!("the hooks ended early: {lost}")],
            Err(_) => {
                abort.abort();
                vec![format!("hooks took longer than {limit:?}; the rest was not told")]
            }
        }
    }
}

impl Sink for HookSink {
    fn event(&mut self, event: &Event) {
        // Fails only when the hooks have ended.
        let _ = self.notices.send(Notice::new(&self.run, &self.change, event));
    }

    fn progress(&mut self, _at: Timestamp, _progress: &Progress) {}

    fn tick(&mut self, _at: Timestamp) {}
}

/// Where nothing passes while a required hook is being told. Without any it stands open.
#[derive(Default)]
pub struct Gate {
    required: Option<Required>,
}

struct Required {
    run: RunId,
    change: String,
    telling: Telling,
    /// What is to be told yet, the one that is being told in front.
    due: VecDeque<Notice>,
    /// The one in front. Ended with the gate, and with it the program.
    working: Option<JoinHandle<Vec<String>>>,
}

impl Gate {
    /// For those that the playbook requires.
    pub fn new(hooks: &[Hook], urls: &Arc<Urls>, run: &RunId, change: Option<&str>) -> Self {
        let telling = Telling::new(hooks, true, urls);
        let required = (!telling.is_empty()).then(|| Required {
            run: run.clone(),
            change: in_front(change),
            telling,
            due: VecDeque::new(),
            working: None,
        });
        Self { required }
    }

    /// A required hook may have to be told of this.
    pub fn hear(&mut self, event: &Event) {
        if let Some(required) = &mut self.required
            && required.telling.wants(event.kind.name())
        {
            required
                .due
                .push_back(Notice::new(&required.run, &required.change, event));
            required.begin();
        }
    }

    /// A resume begins and goes through the waves again: what the playbook requires before either is told once more, by its last event in `past`.
    /// Whoever was told may not have answered, or refused.
    pub fn hear_again(&mut self, past: &[Event]) {
        let started = past.first();
        let wave = past.iter().rev().find(|event| {
            matches!(
                event.kind,
                EventKind::WaveStarted { .. } | EventKind::WaveFinished { .. }
            )
        });
        for event in started.into_iter().chain(wave) {
            self.hear(event);
        }
    }

    /// Whether this event waits until every required hook has been told: what begins something, and the end of the run, behind which nobody
    /// would hear that one failed.
    pub(crate) fn holds(&self, kind: &EventKind) -> bool {
        let begins = match kind {
            EventKind::WaveStarted { .. } | EventKind::ServerStarted { .. } => true,
            EventKind::RunFinished { verdict } => *verdict != Verdict::Aborted,
            _ => false,
        };
        begins
            && self
                .required
                .as_ref()
                .is_some_and(|required| !required.due.is_empty())
    }

    /// How the telling of one event ended: the fact that it failed, if it did. Never while nothing is being told.
    pub(crate) async fn answer(&mut self) -> Option<EventKind> {
        let Some(required) = &mut self.required else {
            return std::future::pending().await;
        };
        let Some(working) = &mut required.working else {
            return std::future::pending().await;
        };
        let failures = working.await.unwrap_or_else(|lost| vec![lost.to_string()]);
        required.working = None;
        let told = required.due.pop_front();
        required.begin();
        match (told, failures.is_empty()) {
            (Some(told), false) => Some(EventKind::HookFailed {
                on: told.event.to_owned(),
                found: failures.join("; "),
            }),
            _ => None,
        }
    }
}

impl Required {
    fn begin(&mut self) {
        if self.working.is_none()
            && let Some(notice) = self.due.front().cloned()
        {
            let telling = self.telling.clone();
            self.working = Some(tokio::spawn(async move { telling.tell(&notice).await }));
        }
    }
}

impl Drop for Required {
    fn drop(&mut self) {
        if let Some(working) = &self.working {
            working.abort();
        }
    }
}

/// The number of the change as it stands in a sentence.
fn in_front(change: Option<&str>) -> String {
    change.map(|change| format!(" {change}")).unwrap_or_default()
}

fn in_words(run: &RunId, change: &str, kind: &EventKind) -> String {
    let server = kind
        .server()
        .map(|server| format!(" {server}"))
        .unwrap_or_default();
    let more = match kind {
        EventKind::RunStarted { plan, operator, .. } => {
            format!(": {} ({} servers), by {operator}", plan.title, plan.servers.len())
        }
        EventKind::RunPaused { pause } => match pause.server() {
            Some(server) => format!(": a person has to say what becomes of {server}"),
            None => ": a person has to say whether the run goes on".to_owned(),
        },
        EventKind::RunResumed { operator, .. } => format!(": by {operator}"),
        EventKind::WaveStarted { wave } | EventKind::WaveFinished { wave } => format!(": {}", wave + 1),
        EventKind::ServerFailed { error, .. } | EventKind::WitnessBreached { error, .. } => {
            format!(": {}: {}", error.doing, error.found)
        }
        EventKind::FloorBroken { floor, error } => format!(": {floor}: {}", error.found),
        EventKind::DebtUnpaid { command, .. } => format!(": do by hand: {command}"),
        EventKind::RunFinished { verdict } => format!(": {verdict}"),
        _ => String::new(),
    };
    format!("casgate {run}{change}: {}{server}{more}", kind.name())
}
