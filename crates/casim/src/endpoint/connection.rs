//! HTTP on one connection: login, sealed and plain bodies, status codes.
//!
//! Status codes as Windows gives them: 401 for who is not logged in and for a body in clear over plain HTTP, 415 for
//! a body sealed under another protocol's name or of another kind, 400 for a body that cannot be unsealed, 404 for
//! another path, 500 with a fault for what the service refuses.

use std::net::SocketAddr;
use std::sync::Arc;

use auth::multipart;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, SERVER,
    WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::Mutex;

use super::login::{Login, Verdict};
use super::service::{Caller, Outcome};
use super::{Shared, faults};

/// What goes around the largest envelope when it is sealed.
const FRAMING: usize = 4096;
const PLAIN: &str = "application/soap+xml;charset=UTF-8";

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection closed without an answer")]
pub(super) struct Dropped;

/// One connection. Its requests come one after the other.
pub(super) struct Conversation {
    shared: Arc<Shared>,
    peer: SocketAddr,
    login: Mutex<Login>,
}

type Reply = Response<Full<Bytes>>;

impl Conversation {
    pub(super) fn new(shared: Arc<Shared>, peer: SocketAddr) -> Self {
        Self {
            shared,
            peer,
            login: Mutex::new(Login::Nobody),
        }
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Reply, Dropped> {
        faults::while_silent(&self.shared.machine).await;
        self.shared.count(|record| record.requests += 1);
        if !request.uri().path().eq_ignore_ascii_case("/wsman") {
            return Ok(status(StatusCode::NOT_FOUND));
        }
        if request.method() != Method::POST {
            return Ok(status(StatusCode::METHOD_NOT_ALLOWED));
        }
        let (head, body) = request.into_parts();
        let most = self.shared.options.limits.envelope + FRAMING;
        let Ok(body) = Limited::new(body, most).collect().await else {
            // Whether too large or broken off: the rest of it is not read.
            let mut reply = status(StatusCode::PAYLOAD_TOO_LARGE);
            set(&mut reply, CONNECTION, "close");
            return Ok(reply);
        };
        let body = body.to_bytes();
        let mut login = self.login.lock().await;

        let mut welcome = None;
        if let Some(header) = text(&head.headers, AUTHORIZATION) {
            match login.step(header, &self.shared.options, &self.shared.machine) {
                Verdict::Continue(challenge) => return Ok(unauthorized(&[&challenge])),
                Verdict::Refused => {
                    self.shared.count(|record| record.refused_logins += 1);
                    return Ok(self.unauthorized());
                }
                Verdict::Welcome(challenge) => {
                    self.shared.count(|record| record.logins += 1);
                    welcome = challenge;
                }
            }
        }
        let mut reply = self.answer_body(&mut login, &head.headers, &body).await?;
        if let Some(challenge) = welcome {
            set(&mut reply, WWW_AUTHENTICATE, &challenge);
        }
        Ok(reply)
    }

    async fn answer_body(
        &self,
        login: &mut Login,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Reply, Dropped> {
        let kind = text(headers, CONTENT_TYPE).unwrap_or_default();
        let host = text(headers, HOST).unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let Some(user) = login.user().map(str::to_owned) else {
            return Ok(self.answer_stranger(headers, body));
        };
        if body.is_empty() {
            return Ok(status(StatusCode::OK));
        }
        let caller = Caller {
            user: &user,
            address: self.peer.ip(),
            host,
        };
        match login {
            Login::Negotiated { session, .. } if multipart::is_sealed(kind) => {
                let message = match session.unseal_body(kind, body) {
                    Ok(message) => message,
                    Err(error) => {
                        *login = Login::Nobody;
                        return Ok(status(match error {
                            auth::Error::Protocol { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                            _ => StatusCode::BAD_REQUEST,
                        }));
                    }
                };
                let (status, message) = self.perform(caller, &message).await?;
                let (kind, body) = session.seal_body(&message).map_err(|_| Dropped)?;
                Ok(with_body(status, &kind, body))
            }
            _ if multipart::is_sealed(kind) => {
                // Sealed, but no keys were agreed on (Basic).
                *login = Login::Nobody;
                Ok(status(StatusCode::BAD_REQUEST))
            }
            _ if self.shared.options.tls.is_none() => {
                // AllowUnencrypted is false. The login was for nothing, too.
                self.shared.count(|record| record.refused_bodies += 1);
                *login = Login::Nobody;
                Ok(self.unauthorized())
            }
            _ if !is_soap(kind) => Ok(status(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
            _ => {
                let (status, message) = self.perform(caller, body).await?;
                Ok(with_body(status, PLAIN, message))
            }
        }
    }

    async fn perform(&self, caller: Caller<'_>, message: &[u8]) -> Result<(StatusCode, Vec<u8>), Dropped> {
        match self.shared.service.answer(caller, message).await {
            Outcome::Reply { message } => Ok((StatusCode::OK, message)),
            Outcome::Fault { message } => Ok((StatusCode::INTERNAL_SERVER_ERROR, message)),
            Outcome::Started { message, line } => {
                self.shared.count(|record| record.commands += 1);
                let faults = self.shared.machine.faults();
                match faults.drop_after_command.take() || faults.drop_after_command_with.take(&line) {
                    true => Err(Dropped),
                    false => Ok((StatusCode::OK, message)),
                }
            }
        }
    }

    /// Who is not logged in may ask one thing: whether this is a WinRM service at all.
    fn answer_stranger(&self, headers: &HeaderMap, body: &[u8]) -> Reply {
        let asks = headers
            .get("wsmanidentify")
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"unauthenticated"));
        let identity = asks
            .then(|| self.shared.service.identify_to_stranger(body))
            .flatten();
        match identity {
            Some(message) => with_body(StatusCode::OK, PLAIN, message),
            None => {
                if !body.is_empty() && self.shared.options.tls.is_none() {
                    self.shared.count(|record| record.refused_bodies += 1);
                }
                self.unauthorized()
            }
        }
    }

    fn unauthorized(&self) -> Reply {
        match self.shared.options.tls {
            None => unauthorized(&["Negotiate"]),
            Some(_) => unauthorized(&["Negotiate", "Basic realm=\"WSMAN\""]),
        }
    }
}

fn is_soap(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/soap+xml")
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().append(name, value);
    }
}

fn with_body(code: StatusCode, kind: &str, body: Vec<u8>) -> Reply {
    let mut reply = status(code);
    set(&mut reply, CONTENT_TYPE, kind);
    *reply.body_mut() = Full::new(Bytes::from(body));
    reply
}

fn status(code: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = code;
    set(&mut reply, SERVER, "Microsoft-HTTPAPI/2.0");
    reply
}

fn unauthorized(challenges: &[&str]) -> Reply {
    let mut reply = status(StatusCode::UNAUTHORIZED);
    for challenge in challenges {
        set(&mut reply, WWW_AUTHENTICATE, challenge);
    }
    reply
}
