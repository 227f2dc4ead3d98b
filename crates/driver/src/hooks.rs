//! Hooks: programs and posts that are told of events. A sink beside the others: one after the other, in the order of the events, each bounded in
//! time; whatever becomes of them, the run goes on.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use auth::Secret;
use inventory::{Hook, HookAct, HookFormat};
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, redirect};
use rollout::{Event, EventKind, Progress, RunId, Sink};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

use crate::failure::one_line;
use crate::web::client_config;

/// What a hook is told.
#[derive(Clone, Debug)]
struct Notice {
    run: String,
    event: &'static str,
    at: Timestamp,
    server: String,
    text: String,
}

/// The sink's end.
pub struct HookSink {
    run: String,
    /// The number of the change, with a space in front; empty where there is none.
    change: String,
    notices: mpsc::UnboundedSender<Notice>,
}

/// The working end: what is still to be told.
pub struct Hooks {
    working: JoinHandle<Vec<String>>,
}

impl Hooks {
    /// Begins. `urls` are those that were found, by the names of their variables; `withheld` are variables that no program gets to see.
    pub fn start(
        hooks: Vec<Hook>,
        urls: BTreeMap<String, Secret>,
        withheld: Vec<String>,
        run: Option<&RunId>,
        change: Option<&str>,
    ) -> (HookSink, Self) {
        let (notices, mut told) = mpsc::unbounded_channel::<Notice>();
        let working = tokio::spawn(async move {
            let mut failures = Vec::new();
            while let Some(notice) = told.recv().await {
                let wanted = hooks
                    .iter()
                    .filter(|hook| hook.on.iter().any(|on| on == notice.event));
                for hook in wanted {
                    let limit = Duration::try_from(hook.timeout).unwrap_or(Duration::from_secs(30));
                    let done = tokio::time::timeout(limit, tell(hook, &notice, &urls, &withheld)).await;
                    let failure = match done {
                        Ok(Ok(())) => continue,
                        Ok(Err(why)) => why,
                        Err(_) => format!("not within {limit:?}"),
                    };
                    failures.push(format!("hook on {}: {failure}", notice.event));
                }
            }
            failures
        });
        let run = run.map(ToString::to_string).unwrap_or_default();
        let change = change.map(|change| format!(" {change}")).unwrap_or_default();
        let sink = HookSink { run, change, notices };
        (sink, Self { working })
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
        if let EventKind::RunStarted { run, .. } = &event.kind {
            self.run = run.to_string();
        }
        // Fails only when the hooks have ended.
        let _ = self.notices.send(Notice {
            run: self.run.clone(),
            event: event.kind.name(),
            at: event.at,
            server: event.kind.server().map(ToString::to_string).unwrap_or_default(),
            text: in_words(&self.run, &self.change, &event.kind),
        });
    }

    fn progress(&mut self, _at: Timestamp, _progress: &Progress) {}

    fn tick(&mut self, _at: Timestamp) {}
}

fn in_words(run: &str, change: &str, kind: &EventKind) -> String {
    let server = kind
        .server()
        .map(|server| format!(" {server}"))
        .unwrap_or_default();
    let more = match kind {
        EventKind::RunStarted { plan, operator, .. } => {
            format!(": {} ({} servers), by {operator}", plan.title, plan.servers.len())
        }
        EventKind::RunResumed { operator, .. } => format!(": by {operator}"),
        EventKind::WaveStarted { wave } | EventKind::WaveFinished { wave } => format!(": {}", wave + 1),
        EventKind::ServerFailed { error, .. } | EventKind::WitnessBreached { error, .. } => {
            format!(": {}: {}", error.doing, error.found)
        }
        EventKind::FloorBroken { pool, error } => format!(": pool {pool}: {}", error.found),
        EventKind::DebtUnpaid { command, .. } => format!(": do by hand: {command}"),
        EventKind::RunFinished { verdict } => format!(": {verdict}"),
        _ => String::new(),
    };
    format!("casgate {run}{change}: {}{server}{more}", kind.name())
}

async fn tell(
    hook: &Hook,
    notice: &Notice,
    urls: &BTreeMap<String, Secret>,
    withheld: &[String],
) -> Result<(), String> {
    match &hook.act {
        HookAct::Command(words) => run(words, notice, withheld).await,
        HookAct::Post { url_env, format } => match urls.get(url_env) {
            Some(url) => post(url, url_env, *format, notice).await,
            None => Err(format!("the environment variable {url_env} is not set")),
        },
    }
}

async fn run(words: &[String], notice: &Notice, withheld: &[String]) -> Result<(), String> {
    let (program, arguments) = words.split_first().ok_or("no program")?;
    let mut command = Command::new(program);
    for variable in withheld {
        command.env_remove(variable);
    }
    let output = command
        .args(arguments)
        .env("CASGATE_RUN", &notice.run)
        .env("CASGATE_EVENT", notice.event)
        .env("CASGATE_AT", notice.at.to_string())
        .env("CASGATE_SERVER", &notice.server)
        .env("CASGATE_TEXT", &notice.text)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("`{program}`: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "`{program}` ended with {}: {}",
            output.status,
            one_line(&String::from_utf8_lossy(&output.stderr))
        )),
    }
}

/// The URL is a secret and stands in no message.
async fn post(url: &Secret, named: &str, format: HookFormat, notice: &Notice) -> Result<(), String> {
    let url = Url::parse(url.expose()).map_err(|_| format!("{named} holds no URL"))?;
    let host = url
        .host_str()
        .ok_or_else(|| format!("the URL in {named} names no host"))?;
    let config = client_config(None, host.trim_matches(['[', ']'])).map_err(|error| error.to_string())?;
    let client = Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("casgate/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| error.without_url().to_string())?;
    let answer = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .body(body(format, notice).to_string())
        .send()
        .await
        .map_err(|error| format!("the post to {named}: {}", error.without_url()))?;
    match answer.status().is_success() {
        true => Ok(()),
        false => Err(format!(
            "the post to {named} was answered with {}",
            answer.status()
        )),
    }
}

fn body(format: HookFormat, notice: &Notice) -> serde_json::Value {
    match format {
        HookFormat::Slack => serde_json::json!({ "text": notice.text }),
        HookFormat::Generic => serde_json::json!({
            "run": notice.run,
            "event": notice.event,
            "at": notice.at.to_string(),
            "server": notice.server,
            "text": notice.text,
        }),
        HookFormat::Teams => serde_json::json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [{ "type": "TextBlock", "text": notice.text, "wrap": true }],
                },
            }],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_carries_any_text() {
        let notice = Notice {
            run: "r".to_owned(),
            event: "server_failed",
            at: Timestamp::UNIX_EPOCH,
            server: "cas01".to_owned(),
            text: "\"quoted\" \\ and\nnew lines".to_owned(),
        };
        for (format, pointer) in [
            (HookFormat::Slack, "/text"),
            (HookFormat::Generic, "/text"),
            (HookFormat::Teams, "/attachments/0/content/body/0/text"),
        ] {
            let text = body(format, &notice).to_string();
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                read.pointer(pointer).and_then(|text| text.as_str()),
                Some(notice.text.as_str())
            );
        }
    }
}
