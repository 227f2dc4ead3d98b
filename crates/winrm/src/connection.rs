//! One authenticated TCP connection is one value.
//!
//! [`Connection::open`] logs in; every message after that goes over the same socket, one after the other. Whatever goes wrong on it
//! ends it: a broken, silent or cancelled exchange leaves a value that only says that it is closed.

mod greeting;
mod login;
mod probe;
mod single;
mod tls;
mod transport;

use std::time::Duration;

use auth::{Secret, Session};
use tokio::time::Instant;
use uuid::Uuid;
use wsman::{Identity, MessageId, Request, Response, SessionId};

pub use self::greeting::TlsFacts;
use self::login::post_error;
pub use self::probe::{Greeting, greet};
use self::tls::Backend;
use self::transport::{PostError, Reply, Transport};
use crate::circumstances::Binding;
use crate::endpoint::{AuthMethod, Endpoint};
use crate::error::Error;
use crate::failure::{Failure, Reach};

/// How much longer than `OperationTimeout` a reply is waited for: the server answers at its end, and the answer must travel.
const READ_SLACK: Duration = Duration::from_secs(5);

/// How long a connection may lie idle. Windows closes one after two minutes, which is seen here; a firewall forgets one without a word, and then
/// nobody could say what became of a command that was sent on it.
const STALE: Duration = Duration::from_secs(90);

/// What messages in clear are.
const SOAP_TYPE: &str = "application/soap+xml;charset=UTF-8";

/// One authenticated TCP connection.
pub struct Connection {
    endpoint: Endpoint,
    /// `None` once anything has gone wrong, and while a request is under way: a cancelled one leaves it so.
    live: Option<Live>,
    requests: u64,
    mechanism: &'static str,
    kerberos_failure: Option<String>,
    tls: Option<TlsFacts>,
}

struct Live {
    transport: Transport,
    protection: Protection,
}

/// What keeps a message from being read or changed on its way.
enum Protection {
    /// NTLM or Kerberos seals each message.
    Sealed(Box<Session>),
    /// TLS, on a connection that belongs to the user.
    Tls,
    /// TLS, or nothing where the operator said so. The password goes with every message.
    Basic(Secret),
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// [`Error::InvalidEndpoint`], [`Error::Unreachable`], [`Error::TlsFailed`], [`Error::LoginRefused`], [`Error::LoginFailed`],
    /// [`Error::Silent`], and those of a server that speaks something else.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        endpoint.check()?;
        // Over TLS there is a request before the login.
        let until = Instant::now() + endpoint.timeouts.connect + endpoint.timeouts.login;
        let (mut transport, greeted, tls) = if endpoint.is_tls() {
            let greeted = greeting::greet(endpoint, until).await?;
            (greeted.transport, Some(greeted.reply), Some(greeted.facts))
        } else {
            (Transport::new(endpoint, Backend::Rustls).await?, None, None)
        };
        let (mut mechanism, mut kerberos_failure) = (endpoint.auth.word(), None);
        let protection = match endpoint.auth {
            AuthMethod::Basic => {
                if let Some(greeted) = &greeted {
                    login::check_offered(endpoint, greeted, "Basic")?;
                }
                let header = auth::basic::authorization(&endpoint.credentials);
                let url = endpoint.name();
                Protection::Basic(header.map_err(|source| Error::LoginFailed { url, source })?)
            }
            AuthMethod::Negotiate | AuthMethod::Kerberos | AuthMethod::Ntlm => {
                let login = login::negotiate(&mut transport, endpoint, greeted.as_ref(), until).await?;
                mechanism = login.session.mechanism();
                kerberos_failure = login.kerberos_failure;
                if endpoint.is_tls() {
                    Protection::Tls
                } else {
                    Protection::Sealed(Box::new(login.session))
                }
            }
        };
        let mut connection = Self {
            endpoint: endpoint.clone(),
            live: Some(Live {
                transport,
                protection,
            }),
            requests: 0,
            mechanism,
            kerberos_failure,
            tls,
        };
        if endpoint.auth == AuthMethod::Basic {
            // Basic has no login of its own. Asking who is there is one that changes nothing.
            tokio::time::timeout(
                endpoint.timeouts.login.saturating_add(endpoint.timeouts.connect),
                connection.identify(),
            )
            .await
            .map_err(|_| Error::Silent {
                url: endpoint.name(),
                step: "the login",
                limit: endpoint.timeouts.login,
            })??;
        }
        Ok(connection)
    }

    /// Asks the server who it is.
    ///
    /// # Errors
    /// Those of any request.
    pub async fn identify(&mut self) -> Result<Identity, Error> {
        let session = session(&self.endpoint);
        match self
            .call(&session, &Request::Identify)
            .await
            .map_err(|failure| failure.error)?
        {
            Response::Identity(identity) => Ok(identity),
            Response::Fault(fault) => Err(Error::Fault {
                url: self.endpoint.name(),
                step: "Identify",
                fault,
            }),
            other => Err(Error::UnexpectedReply {
                url: self.endpoint.name(),
                expected: "a reply to Identify",
                found: other.word().to_owned(),
            }),
        }
    }

    /// How it logged in: the word in the inventory.
    pub fn scheme(&self) -> &'static str {
        self.endpoint.auth.word()
    }

    /// What the login came to: `kerberos`, `ntlm` or `basic`.
    pub fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    /// Why NTLM was taken where Kerberos was to come first.
    pub fn kerberos_failure(&self) -> Option<&str> {
        self.kerberos_failure.as_deref()
    }

    /// What TLS brought about; `None` over plain HTTP.
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.tls.as_ref()
    }

    /// How many HTTP requests were made on it, those of the login included.
    pub fn requests(&self) -> u64 {
        self.live
            .as_ref()
            .map_or(self.requests, |live| live.transport.requests())
    }

    /// Whether it can still be used, as far as is known.
    pub fn is_open(&self) -> bool {
        self.live.is_some()
    }

    /// One request and its reply. A fault is a reply.
    pub(crate) async fn call(
        &mut self,
        session: &wsman::Session,
        request: &Request,
    ) -> Result<Response, Failure> {
        let step = step(request);
        let id = MessageId::new(Uuid::new_v4());
        let malformed = |source| Error::Malformed {
            url: self.endpoint.name(),
            step,
            source,
        };
        let message = request
            .write(session, &id)
            .map_err(|source| Failure::nothing(malformed(source)))?;
        let limit = session.operation_timeout.saturating_add(READ_SLACK);
        let reply = self.exchange(step, message, limit).await?;
        let response = Response::parse(&reply, Some(&id)).map_err(|source| Failure {
            reach: Reach::Sent,
            error: Error::Malformed {
                url: self.endpoint.name(),
                step,
                source,
            },
        })?;
        match (request, response) {
            (Request::Create(_), Response::Fault(fault))
                if fault.error_code() == Some(wsman::code::ACCESS_DENIED) =>
            {
                Err(Failure::nothing(Error::AccessDenied {
                    url: self.endpoint.name(),
                    user: self.endpoint.credentials.user.clone(),
                    local_account: self.endpoint.is_local_account(),
                    fault,
                }))
            }
            (_, response) => Ok(response),
        }
    }

    /// Bytes out and bytes in, protected.
    async fn exchange(
        &mut self,
        step: &'static str,
        message: Vec<u8>,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let Some(mut live) = self.live.take().filter(|live| live.transport.idle() < STALE) else {
            return Err(Failure {
                reach: Reach::Idle,
                error: self.closed(step),
            });
        };
        // Told before the wait, in case that it is cancelled.
        self.requests = live.transport.requests() + 1;
        let result = self.exchange_on(&mut live, step, message, limit).await;
        self.requests = live.transport.requests();
        if result.is_ok() {
            self.live = Some(live);
        }
        result
    }

    async fn exchange_on(
        &self,
        live: &mut Live,
        step: &'static str,
        message: Vec<u8>,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let unsealed = |source| Error::Unsealed {
            url: self.endpoint.name(),
            step,
            source,
        };
        let (content_type, body, authorization) = match &mut live.protection {
            Protection::Sealed(session) => {
                let sealed = session.seal_body(&message);
                let (content_type, body) = sealed.map_err(|source| Failure::nothing(unsealed(source)))?;
                (content_type, body, None)
            }
            Protection::Tls => (SOAP_TYPE.to_owned(), message, None),
            Protection::Basic(header) => (SOAP_TYPE.to_owned(), message, Some(&*header)),
        };
        let posted = live
            .transport
            .post(Some(&content_type), authorization, body, limit)
            .await;
        let reply = posted.map_err(|error| Failure {
            reach: match &error {
                PostError::Connect(_) => Reach::Nothing,
                PostError::Closed(_) => Reach::Idle,
                PostError::Lost(_) | PostError::Silent(_) | PostError::TooLarge => Reach::Sent,
            },
            error: post_error(&self.endpoint, step, error),
        })?;
        if reply.status == 401 {
            return Err(Failure {
                reach: Reach::Door,
                error: self.unauthorized(&reply),
            });
        }
        let sent = |error| Failure {
            reach: Reach::Sent,
            error,
        };
        match &mut live.protection {
            Protection::Sealed(session) if is_sealed(&reply) => session
                .unseal_body(reply.content_type(), &reply.body)
                .map_err(|source| sent(unsealed(source))),
            Protection::Sealed(_) if reply.is_success() => Err(sent(Error::ClearReply {
                url: self.endpoint.name(),
                step,
                status: reply.status,
            })),
            Protection::Tls | Protection::Basic(_) if reply.is_success() || is_soap_fault(&reply) => {
                Ok(reply.body)
            }
            _ => Err(sent(self.status(step, &reply))),
        }
    }

    fn closed(&self, step: &'static str) -> Error {
        Error::ConnectionLost {
            url: self.endpoint.name(),
            step,
            source: "the connection was given up after an earlier failure".into(),
        }
    }

    fn unauthorized(&self, reply: &Reply) -> Error {
        login::refused(&self.endpoint, reply, Binding::Unsent)
    }

    /// An answer that is no SOAP. Where it is a fault in clear, its text is told, as hearsay.
    fn status(&self, step: &'static str, reply: &Reply) -> Error {
        let text = match Response::parse(&reply.body, None) {
            Ok(Response::Fault(fault)) => format!("in clear: {fault}"),
            _ => reply.excerpt(),
        };
        Error::HttpStatus {
            url: self.endpoint.name(),
            step,
            status: reply.status,
            text,
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("url", &self.endpoint.name())
            .field("open", &self.is_open())
            .field("requests", &self.requests())
            .finish_non_exhaustive()
    }
}

/// The headers that all requests to an endpoint share, under a session name of their own.
pub(crate) fn session(endpoint: &Endpoint) -> wsman::Session {
    wsman::Session {
        to: endpoint.name(),
        session_id: SessionId::new(Uuid::new_v4()),
        locale: endpoint.locale.clone(),
        max_envelope_size: wsman::Session::SAFE_ENVELOPE_SIZE,
        operation_timeout: endpoint.timeouts.operation,
    }
}

/// What errors call a request.
fn step(request: &Request) -> &'static str {
    match request {
        Request::Identify => "Identify",
        Request::GetConfig => "Get",
        Request::ListShells => "Enumerate",
        Request::ListMoreShells { .. } => "Pull",
        Request::Create(_) => "Create",
        Request::Command { .. } => "Command",
        Request::Receive { .. } => "Receive",
        Request::Send { .. } => "Send",
        Request::Signal { .. } => "Signal",
        Request::Delete { .. } => "Delete",
    }
}

fn is_sealed(reply: &Reply) -> bool {
    let kind = reply.content_type().trim_start();
    kind.get(..19)
        .is_some_and(|start| start.eq_ignore_ascii_case("multipart/encrypted"))
}

/// A fault comes with status 500, or 400 for a message that is not understood.
fn is_soap_fault(reply: &Reply) -> bool {
    matches!(reply.status, 400 | 500)
        && reply
            .content_type()
            .trim_start()
            .starts_with("application/soap+xml")
}
