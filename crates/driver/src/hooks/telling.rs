//! How one hook is told of one event: a program is run, or a message is posted.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use auth::Secret;
use inventory::{Hook, HookAct, HookFormat, HookHole, Template};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, redirect};
use tokio::process::Command;
use url::Url;

use super::Notice;
use crate::failure::one_line;
use crate::web::client_config;

/// What stands in the environment.
#[derive(Default)]
pub struct Urls {
    /// The addresses that were found, by the names of their variables.
    pub found: BTreeMap<String, Secret>,
    /// Variables that no program gets to see.
    pub withheld: Vec<String>,
}

/// Some of the playbook's hooks, and what they need.
#[derive(Clone)]
pub(super) struct Telling {
    hooks: Arc<[Hook]>,
    urls: Arc<Urls>,
}

impl Telling {
    /// Those that are required, or those that are not.
    pub(super) fn new(hooks: &[Hook], required: bool, urls: &Arc<Urls>) -> Self {
        let hooks = hooks.iter().filter(|hook| hook.required == required);
        Self {
            hooks: hooks.cloned().collect(),
            urls: Arc::clone(urls),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hooks.is_empty()
    }

    /// Whether one of them is told of such events.
    pub(super) fn wants(&self, event: &str) -> bool {
        self.of(event).next().is_some()
    }

    fn of(&self, event: &str) -> impl Iterator<Item = &Hook> {
        self.hooks
            .iter()
            .filter(move |hook| hook.on.iter().any(|on| on == event))
    }

    /// Tells all of them that want to know, and what went wrong.
    pub(super) async fn tell(&self, notice: &Notice) -> Vec<String> {
        let mut failures = Vec::new();
        for hook in self.of(notice.event) {
            let limit = Duration::try_from(hook.timeout).unwrap_or(Duration::from_secs(30));
            match tokio::time::timeout(limit, tell(hook, notice, &self.urls)).await {
                Ok(Ok(())) => {}
                Ok(Err(why)) => failures.push(why),
                Err(_) => failures.push(format!("not within {limit:?}")),
            }
        }
        failures
    }
}

async fn tell(hook: &Hook, notice: &Notice, urls: &Urls) -> Result<(), String> {
    match &hook.act {
        HookAct::Command(words) => run(words, notice, &urls.withheld).await,
        HookAct::Post { url_env, format } => match urls.found.get(url_env) {
            Some(url) => post(url, url_env, format, notice).await,
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
async fn post(url: &Secret, named: &str, format: &HookFormat, notice: &Notice) -> Result<(), String> {
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
        .header(CONTENT_TYPE, content_type(format))
        .body(body(format, notice))
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

/// What the body is.
fn content_type(format: &HookFormat) -> &'static str {
    match format {
        HookFormat::Body(own) if !own.is_json() => "text/plain; charset=utf-8",
        _ => "application/json",
    }
}

fn body(format: &HookFormat, notice: &Notice) -> String {
    let json = match format {
        HookFormat::Body(own) => return filled(own, notice),
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
    };
    json.to_string()
}

fn filled(own: &Template<HookHole>, notice: &Notice) -> String {
    own.fill_body(|hole| match hole {
        HookHole::Run => notice.run.clone(),
        HookHole::Event => notice.event.to_owned(),
        HookHole::At => notice.at.to_string(),
        HookHole::Server => notice.server.clone(),
        HookHole::Text => notice.text.clone(),
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

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
            (
                serde_json::from_str(r#"{"body": "{\"to\": [\"{text}\"]}"}"#).unwrap(),
                "/to/0",
            ),
        ] {
            assert_eq!(content_type(&format), "application/json");
            let text = body(&format, &notice);
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                read.pointer(pointer).and_then(|text| text.as_str()),
                Some(notice.text.as_str())
            );
        }
    }

    #[test]
    fn a_text_of_the_operators_own_is_filled_as_it_is() {
        let notice = Notice {
            run: "r".to_owned(),
            event: "server_failed",
            at: Timestamp::UNIX_EPOCH,
            server: "cas01".to_owned(),
            text: "it \"failed\"".to_owned(),
        };
        let own: HookFormat =
            serde_json::from_str(r#"{"body": "{run} {event} {at} {server}: {text} {}"}"#).unwrap();
        assert_eq!(
            (body(&own, &notice).as_str(), content_type(&own)),
            (
                "r server_failed 1970-01-01T00:00:00Z cas01: it \"failed\" {}",
                "text/plain; charset=utf-8"
            )
        );
    }
}
