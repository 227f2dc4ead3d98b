//! A load balancer with an HTTP interface: the operator's own requests, filled in for one member, and the answers judged by the operator's own
//! words. Nothing is known here of any vendor; docs/load-balancers.md has the recipes.

mod answer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use auth::Credentials;
use inventory::{HttpBalancer, Placeholder, Request, Template};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, redirect};
use url::Url;

use super::AdminState;
use super::error::BalancerError;
use super::member::{Member, Standing};
use super::secrecy;
use super::shell::quoted;
use answer::Answer;

/// No answer about one member is longer.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// A load balancer that is steered by HTTP requests.
#[derive(Clone)]
pub(crate) struct Http {
    written: Arc<HttpBalancer>,
    credentials: Option<Credentials>,
    authority: Option<Vec<u8>>,
    limit: Duration,
    /// Made when it is first needed.
    client: Arc<OnceLock<Client>>,
}

impl Http {
    /// `credentials` and `authority` are those that the inventory names, as far as they were read; each request is given `limit` of real time.
    pub(crate) fn new(
        written: HttpBalancer,
        credentials: Option<Credentials>,
        authority: Option<Vec<u8>>,
        limit: Duration,
    ) -> Self {
        Self {
            written: Arc::new(written),
            credentials,
            authority,
            limit,
            client: Arc::default(),
        }
    }

    /// The backend's name, for people.
    pub(crate) fn backend(&self) -> &str {
        &self.written.backend
    }

    /// Takes a member out or puts it back.
    pub(crate) async fn set_state(&self, member: &str, state: AdminState) -> Result<(), BalancerError> {
        let request = match state {
            AdminState::Drain => &self.written.drain,
            AdminState::Ready => &self.written.ready,
        };
        self.ask(request, member).await.map(|_| ())
    }

    /// One member as it stands now.
    pub(crate) async fn member(&self, member: &str) -> Result<Member, BalancerError> {
        let state = &self.written.state;
        let answer = self.ask(&state.request, member).await?;
        let standing = if answer.mismatch(&state.drained).is_none() {
            Standing::TakenOut
        } else if answer.mismatch(&state.in_rotation).is_none() {
            Standing::InRotation
        } else {
            Standing::Down
        };
        Ok(Member {
            name: member.to_owned(),
            status: self.masked(&answer.words(&state.in_rotation)),
            standing,
            connections: state
                .connections
                .as_ref()
                .and_then(|pointer| answer.number(pointer)),
        })
    }

    /// The line with which a person can put a member back by hand. curl asks for the password, or the line says where it belongs.
    pub(crate) fn ready_by_hand(&self, member: &str) -> String {
        let request = &self.written.ready;
        let credential = self.written.credential.as_deref().unwrap_or_default();
        let fill = |template: &Template| {
            template.fill(|placeholder| match placeholder {
                Placeholder::Password => format!("PASSWORD-OF-{credential}"),
                other => self.value(other, member),
            })
        };
        let base = self.written.url.as_str().trim_end_matches('/');
        let mut words = vec![
            "curl --fail".to_owned(),
            format!("--request {}", request.method.as_str()),
        ];
        if let Some(ca_file) = &self.written.ca_file {
            words.push(format!("--cacert {}", quoted(ca_file)));
        }
        if self.written.is_basic() {
            words.push(format!(
                "--user {}",
                quoted(&self.value(Placeholder::User, member))
            ));
        }
        for (name, value) in &self.written.headers {
            words.push(format!(
                "--header {}",
                quoted(&format!("{name}: {}", fill(value)))
            ));
        }
        if let Some(body) = &request.body {
            if self.sends_json(request) {
                words.push("--header 'Content-Type: application/json'".to_owned());
            }
            words.push(format!("--data {}", quoted(&fill(body))));
        }
        words.push(quoted(&format!("{base}{}", fill(&request.path))));
        words.join(" ")
    }

    /// Whether the body is JSON and no header of the operator's says what it is.
    fn sends_json(&self, request: &Request) -> bool {
        request.body.as_ref().is_some_and(Template::is_json)
            && !self
                .written
                .headers
                .keys()
                .any(|name| name.eq_ignore_ascii_case("content-type"))
    }

    async fn ask(&self, request: &Request, member: &str) -> Result<Answer, BalancerError> {
        if let (Some(credential), None) = (&self.written.credential, &self.credentials) {
            return Err(BalancerError::NoCredential {
                credential: credential.clone(),
            });
        }
        let path = request
            .path
            .fill(|placeholder| encoded(&self.value(placeholder, member)));
        let told = format!("{} {path}", request.method.as_str());
        let place = self.written.url.as_str().trim_end_matches('/').to_owned();
        let url = self.written.url.join(&path).ok();
        let url = url
            // A path that leads elsewhere would take the password along.
            .filter(|url| url.origin() == self.written.url.origin())
            .ok_or_else(|| BalancerError::Name {
                name: member.to_owned(),
            })?;
        let exchange = self.exchange(request, url, member);
        let (status, body) =
            tokio::time::timeout(self.limit, exchange)
                .await
                .map_err(|_| BalancerError::TimedOut {
                    place: place.clone(),
                    request: told.clone(),
                    limit: self.limit,
                })??;
        let answer = Answer::new(body);
        let is_status = match request.status.is_empty() {
            true => (200..300).contains(&status),
            false => request.status.contains(&status),
        };
        let wrong = match is_status {
            true => answer.mismatch(&request.expect),
            false => Some(answer.first_line()),
        };
        match wrong {
            None => Ok(answer),
            Some(wrong) => Err(BalancerError::Refused {
                place,
                request: told,
                answer: self.masked(format!("{status} {wrong}").trim_end()),
            }),
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        url: Url,
        member: &str,
    ) -> Result<(u16, String), BalancerError> {
        let place = self.written.url.as_str().trim_end_matches('/');
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| BalancerError::Unreachable {
            place: place.to_owned(),
            source,
        };
        let method = reqwest::Method::from_bytes(request.method.as_str().as_bytes())
            .map_err(|error| unreachable(error.into()))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.written.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| unreachable(error.into()))?;
            let filled = value.fill(|placeholder| self.value(placeholder, member));
            let mut filled = HeaderValue::from_str(&filled).map_err(|error| unreachable(error.into()))?;
            filled.set_sensitive(value.uses(Placeholder::Password));
            headers.insert(name, filled);
        }
        if self.sends_json(request) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut builder = self.client()?.request(method, url).headers(headers);
        if let (true, Some(credentials)) = (self.written.is_basic(), &self.credentials) {
            builder = builder.basic_auth(&credentials.user, Some(credentials.password.expose()));
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.fill_body(|placeholder| self.value(placeholder, member)));
        }
        // The error would show the URL.
        let lost = |error: reqwest::Error| unreachable(error.without_url().into());
        let mut response = builder.send().await.map_err(lost)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ANSWER {
                return Err(BalancerError::TooLong {
                    request: request.method.as_str().to_owned(),
                    limit: LONGEST_ANSWER as u64,
                });
            }
        }
        Ok((
            response.status().as_u16(),
            String::from_utf8_lossy(&body).into_owned(),
        ))
    }

    fn client(&self) -> Result<Client, BalancerError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        if let (Some(ca_file), None) = (&self.written.ca_file, &self.authority) {
            return Err(BalancerError::NoAuthority {
                ca_file: ca_file.clone(),
            });
        }
        let host = self.written.url.host_str().unwrap_or_default();
        let unusable = |source: Box<dyn std::error::Error + Send + Sync>| BalancerError::Unreachable {
            place: self.written.url.to_string(),
            source,
        };
        let config = crate::web::client_config(self.authority.as_deref(), host.trim_matches(['[', ']']))
            .map_err(|error| unusable(error.into()))?;
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .user_agent(concat!("casgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| unusable(error.into()))?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    fn value(&self, placeholder: Placeholder, member: &str) -> String {
        let credentials = self.credentials.as_ref();
        match placeholder {
            Placeholder::Member => member.to_owned(),
            Placeholder::Backend => self.written.backend.clone(),
            Placeholder::User => credentials.map(|known| known.user.clone()).unwrap_or_default(),
            Placeholder::Password => credentials
                .map(|known| known.password.expose().to_owned())
                .unwrap_or_default(),
        }
    }

    fn masked(&self, text: &str) -> String {
        secrecy::masked(text, self.credentials.as_ref())
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http")
            .field("url", &self.written.url.as_str())
            .finish_non_exhaustive()
    }
}

/// A value within a path or a query: what would end it is written in percent.
fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~:".contains(&b) => text.push(char::from(b)),
            b => text.push_str(&format!("%{b:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod recipes;
#[cfg(test)]
mod tests;
