//! The login of one connection: empty POSTs with tokens, until the server says 200.

use auth::{ChannelBinding, FileTime, Initiator, Secret, Session};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use tokio::time::{Duration, Instant};

use super::transport::{PostError, Reply, Transport};
use crate::circumstances::{Binding, Circumstances};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::kdc;

/// What errors call this.
const STEP: &str = "the login";

/// The most tokens that this client sends. NTLM takes two, SPNEGO around it three.
const MOST_LEGS: usize = 5;

/// The most questions to KDCs. Two or three are usual, and two more for each further realm.
const MOST_QUESTIONS: usize = 24;

/// What a login came to.
pub(super) struct LoggedIn {
    /// Seals the messages from here on.
    pub(super) session: Session,
    /// Why NTLM was taken where Kerberos was to come first.
    pub(super) kerberos_failure: Option<String>,
}

/// Logs in with Kerberos, NTLM or SPNEGO. Afterwards the connection is the user's, and messages can be sealed with the session. `greeted` is the
/// server's answer to the first request over TLS.
pub(super) async fn negotiate(
    transport: &mut Transport,
    endpoint: &Endpoint,
    greeted: Option<&Reply>,
    until: Instant,
) -> Result<LoggedIn, Error> {
    let binding = match greeted {
        Some(reply) => binding(endpoint, reply)?,
        None => None,
    };
    let mut login = Login {
        transport,
        endpoint,
        until,
        binding: match (greeted, &binding) {
            (None, _) => Binding::NoTls,
            (Some(_), Some(_)) => Binding::Bound,
            (Some(_), None) => Binding::Undefined,
        },
    };
    let mut initiator = initiator(endpoint, binding.as_ref());
    login.get_ticket(&mut initiator).await?;
    let kerberos_failure = initiator.kerberos_failure().map(ToString::to_string);
    let scheme = endpoint.auth.scheme().http_scheme();
    let mut step = initiator.step(None).map_err(|source| login.failed(source))?;
    for _ in 0..MOST_LEGS {
        let reply = login.post(Some(&authorization(scheme, &step.token))).await?;
        let offers = Offers::read(&reply.headers);
        let token = offers.token(scheme).map_err(|source| login.malformed(source))?;
        match (reply.status, token) {
            (401, Some(token)) => {
                step = initiator
                    .step(Some(&token))
                    .map_err(|source| login.failed(source))?;
            }
            (401, None) => return Err(login.refused(&reply)),
            (200..300, token) => {
                if let Some(token) = token {
                    step = initiator
                        .step(Some(&token))
                        .map_err(|source| login.failed(source))?;
                }
                return match step.done {
                    true => Ok(LoggedIn {
                        session: initiator.into_session().map_err(|source| login.failed(source))?,
                        kerberos_failure,
                    }),
                    false => Err(login.unexpected("a last token with the server's yes", "none")),
                };
            }
            _ => return Err(login.status(&reply)),
        }
    }
    Err(login.unexpected("an end of the login", "ever more tokens"))
}

/// One login that is going on.
struct Login<'a> {
    transport: &'a mut Transport,
    endpoint: &'a Endpoint,
    until: Instant,
    binding: Binding,
}

impl Login<'_> {
    /// Asks KDCs for as long as there is something to ask.
    async fn get_ticket(&self, initiator: &mut Initiator) -> Result<(), Error> {
        for _ in 0..MOST_QUESTIONS {
            let Some(request) = initiator.kdc_request() else {
                return Ok(());
            };
            let taken = match kdc::ask(self.endpoint, &request, self.until).await {
                Ok(answer) => initiator.kdc_reply(&answer),
                Err(reason) => initiator.kdc_unreachable(&request.realm, reason),
            };
            taken.map_err(|source| self.failed(source))?;
        }
        Err(self.unexpected("a ticket", "ever more questions to KDCs"))
    }

    async fn post(&mut self, authorization: Option<&Secret>) -> Result<Reply, Error> {
        let posted = self
            .transport
            .post(None, authorization, Vec::new(), remaining(self.until))
            .await;
        posted.map_err(|error| post_error(self.endpoint, STEP, error))
    }

    fn refused(&self, reply: &Reply) -> Error {
        refused(self.endpoint, reply, self.binding)
    }

    fn failed(&self, source: auth::Error) -> Error {
        let url = self.endpoint.name();
        if source.is_of_kerberos() {
            return Error::KerberosFailed {
                url,
                user: self.endpoint.credentials.user.clone(),
                source: Box::new(source),
            };
        }
        Error::LoginFailed { url, source }
    }

    fn malformed(&self, source: base64::DecodeError) -> Error {
        Error::UnexpectedReply {
            url: self.endpoint.name(),
            expected: "a token in base64",
            found: source.to_string(),
        }
    }

    fn unexpected(&self, expected: &'static str, found: &str) -> Error {
        Error::UnexpectedReply {
            url: self.endpoint.name(),
            expected,
            found: found.to_owned(),
        }
    }

    fn status(&self, reply: &Reply) -> Error {
        status(self.endpoint, reply)
    }
}

/// What a login must know of the TLS connection before its first token: the certificate. The server's answer to the greeting tells already
/// whether `Negotiate` is offered at all. Who takes that takes Kerberos by itself too, said or not.
fn binding(endpoint: &Endpoint, greeted: &Reply) -> Result<Option<ChannelBinding>, Error> {
    if greeted.status != 401 {
        return Err(status(endpoint, greeted));
    }
    if !Offers::read(&greeted.headers).has(endpoint.auth.scheme().http_scheme()) {
        check_offered(endpoint, greeted, "Negotiate")?;
    }
    let Some(certificate) = &greeted.certificate else {
        return Ok(None);
    };
    auth::channel_binding(certificate).map_err(|source| Error::LoginFailed {
        url: endpoint.name(),
        source,
    })
}

/// Refuses to try what the server does not offer.
pub(super) fn check_offered(endpoint: &Endpoint, reply: &Reply, scheme: &str) -> Result<(), Error> {
    if reply.status == 401 && !Offers::read(&reply.headers).has(scheme) {
        return Err(refused(endpoint, reply, Binding::Unsent));
    }
    Ok(())
}

/// A 401 with all that may explain it.
pub(super) fn refused(endpoint: &Endpoint, reply: &Reply, binding: Binding) -> Error {
    Error::LoginRefused {
        url: endpoint.name(),
        user: endpoint.credentials.user.clone(),
        scheme: endpoint.auth.word(),
        offered: Offers::read(&reply.headers).names(),
        circumstances: Box::new(Circumstances::of(endpoint, &reply.headers, binding)),
    }
}

fn status(endpoint: &Endpoint, reply: &Reply) -> Error {
    Error::HttpStatus {
        url: endpoint.name(),
        step: STEP,
        status: reply.status,
        text: reply.excerpt(),
    }
}

/// How long is left, and never nothing.
pub(super) fn remaining(until: Instant) -> Duration {
    until
        .saturating_duration_since(Instant::now())
        .max(Duration::from_millis(1))
}

/// A failed request as an error.
pub(super) fn post_error(endpoint: &Endpoint, step: &'static str, error: PostError) -> Error {
    let url = endpoint.name();
    match error {
        PostError::Connect(source) => Error::Unreachable { url, source },
        PostError::Closed(source) | PostError::Lost(source) => Error::ConnectionLost { url, step, source },
        PostError::Silent(limit) => Error::Silent { url, step, limit },
        PostError::TooLarge => Error::ReplyTooLarge {
            url,
            step,
            limit: wsman::MAX_BYTES,
        },
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "Kerberos proves its messages with the time, and NTLM writes one into them where the server sends none"
)]
fn initiator(endpoint: &Endpoint, binding: Option<&ChannelBinding>) -> Initiator {
    let now = FileTime::from(std::time::SystemTime::now());
    let (scheme, credentials, target) = (endpoint.auth.scheme(), &endpoint.credentials, endpoint.target());
    let mut entropy = rand::rngs::OsRng;
    if endpoint.is_beyond_realms() {
        return Initiator::new(scheme, credentials, &target, binding, &mut entropy, now);
    }
    let realm = endpoint.realm();
    Initiator::in_realm(scheme, credentials, &realm, &target, binding, &mut entropy, now)
}

fn authorization(scheme: &str, token: &[u8]) -> Secret {
    Secret::from(format!("{scheme} {}", STANDARD.encode(token)))
}

/// What the `WWW-Authenticate` headers of a reply offer.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Offers(Vec<(String, String)>);

impl Offers {
    /// Several headers, or several schemes in one, parted by commas as their parameters are.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut offers = Vec::new();
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let Ok(value) = value.to_str() else { continue };
            for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                let (scheme, rest) = part.split_once(' ').unwrap_or((part, ""));
                // `realm="x"` belongs to the scheme before it.
                if !scheme.contains(['=', '"']) {
                    offers.push((scheme.to_owned(), rest.trim().to_owned()));
                }
            }
        }
        Self(offers)
    }

    fn has(&self, scheme: &str) -> bool {
        self.0.iter().any(|(name, _)| name.eq_ignore_ascii_case(scheme))
    }

    /// The token that comes with a scheme.
    fn token(&self, scheme: &str) -> Result<Option<Vec<u8>>, base64::DecodeError> {
        let is_token =
            |(name, rest): &&(String, String)| name.eq_ignore_ascii_case(scheme) && !rest.is_empty();
        self.0
            .iter()
            .find(is_token)
            .map(|(_, token)| STANDARD.decode(token))
            .transpose()
    }

    /// The schemes, each once, without anything that could move a cursor.
    pub(super) fn names(self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in self.0 {
            let name = name.escape_debug().to_string();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    fn offers(values: &[&'static str]) -> Offers {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        Offers::read(&headers)
    }

    #[test]
    fn schemes_are_found_in_one_header_and_in_several() {
        let windows = offers(&["Negotiate", "Basic realm=\"WSMAN\"", "CredSSP"]);
        assert_eq!(windows.token("Negotiate").unwrap(), None);
        assert_eq!(windows.names(), ["Negotiate", "Basic", "CredSSP"]);
        assert_eq!(
            offers(&["Negotiate, Basic realm=\"a, b\", Kerberos, Negotiate"]).names(),
            ["Negotiate", "Basic", "Kerberos"]
        );
        assert!(offers(&["negotiate"]).has("Negotiate"));
        assert!(offers(&[]).names().is_empty());
    }

    #[test]
    fn the_token_is_taken_from_the_scheme_in_use_only() {
        assert_eq!(
            offers(&["Basic Zm9v", "Negotiate aGk="])
                .token("Negotiate")
                .unwrap()
                .unwrap(),
            b"hi"
        );
        assert_eq!(offers(&["Basic Zm9v"]).token("Negotiate").unwrap(), None);
        assert!(offers(&["Negotiate ???"]).token("Negotiate").is_err());
    }

    proptest! {
        #[test]
        fn no_header_makes_the_reader_panic(value in "[ -~]{0,60}", near in "(Negotiate|Basic|[A-Z]{1,3})( [A-Za-z0-9+/=]{0,9})?(, ?[a-z]+=\"[ -~]{0,5}\")?") {
            for value in [&value, &near] {
                let mut headers = HeaderMap::new();
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(value).unwrap());
                let offers = Offers::read(&headers);
                let _ = offers.token("Negotiate");
                prop_assert!(offers.names().iter().all(|name| !name.is_empty() && !name.contains(' ')));
            }
        }
    }
}
