//! A small client with every step in the open, so that a test can take the wrong one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auth::{ChannelBinding, Credentials, FileTime, Initiator, Scheme, Secret, Session};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rand::rngs::OsRng;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use uuid::Uuid;
use wsman::{Fault, MessageId, NewShell, Response, SessionId, ShellId};

use crate::endpoint::{Endpoint, EndpointOptions};
use crate::machine::{Machine, MachineOptions};

pub(super) const SOAP: &str = "application/soap+xml;charset=UTF-8";

/// A machine with an endpoint before it.
pub(super) async fn start(options: EndpointOptions) -> (Arc<Machine>, Endpoint) {
    let machine = Machine::new(MachineOptions::named("CAS01"));
    let endpoint = Endpoint::start(Arc::clone(&machine), options).await.unwrap();
    (machine, endpoint)
}

pub(super) fn operator() -> Credentials {
    Credentials::new(r"CONTOSO\operator", Secret::from("Opera+Pass1!"))
}

/// An HTTP answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) challenges: Vec<String>,
    pub(super) kind: String,
    pub(super) body: Vec<u8>,
}

/// One TCP connection.
pub(super) struct Client {
    address: SocketAddr,
    /// What a login is bound to.
    pub(super) binding: Option<ChannelBinding>,
    sender: SendRequest<Full<Bytes>>,
    pub(super) session: Option<Session>,
    wsman: wsman::Session,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        Self::over(address, TcpStream::connect(address).await?).await
    }

    /// Connects with TLS.
    pub(super) async fn connect_tls(address: SocketAddr, tls: Arc<ClientConfig>) -> std::io::Result<Self> {
        let name = ServerName::from(address.ip());
        let stream = TcpStream::connect(address).await?;
        let stream = TlsConnector::from(tls).connect(name, stream).await?;
        Self::over(address, stream).await
    }

    async fn over<S>(address: SocketAddr, stream: S) -> std::io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self {
            address,
            binding: None,
            sender,
            session: None,
            wsman: wsman::Session {
                to: format!("http://{address}/wsman"),
                session_id: SessionId::new(Uuid::new_v4()),
                locale: "en-US".to_owned(),
                max_envelope_size: wsman::Session::SAFE_ENVELOPE_SIZE,
                operation_timeout: Duration::from_secs(10),
            },
        })
    }

    /// Connects and logs in.
    pub(super) async fn open(address: SocketAddr) -> Self {
        let mut client = Self::connect(address).await.unwrap();
        client.log_in(Scheme::Ntlm, &operator()).await.unwrap();
        client
    }

    pub(super) fn set_operation_timeout(&mut self, timeout: Duration) {
        self.wsman.operation_timeout = timeout;
    }

    pub(super) fn set_envelope_size(&mut self, size: u32) {
        self.wsman.max_envelope_size = size;
    }

    /// One HTTP request; `None` when the connection ended instead of an answer.
    pub(super) async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Option<Answer> {
        let mut request = Request::post(path).header(HOST, self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await.ok()?;
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let (head, body) = self.sender.send_request(request).await.ok()?.into_parts();
        let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap().to_owned();
        Some(Answer {
            status: head.status,
            challenges: head.headers.get_all(WWW_AUTHENTICATE).iter().map(text).collect(),
            kind: head.headers.get(CONTENT_TYPE).map(text).unwrap_or_default(),
            body: body.collect().await.ok()?.to_bytes().to_vec(),
        })
    }

    /// The whole exchange with empty bodies; the answer that refused it, otherwise.
    pub(super) async fn log_in(&mut self, scheme: Scheme, who: &Credentials) -> Result<(), Answer> {
        let now = FileTime::from_unix_nanoseconds(1_750_000_000_000_000_000);
        let mut initiator = Initiator::new(
            scheme,
            who,
            "HTTP/127.0.0.1",
            self.binding.as_ref(),
            &mut OsRng,
            now,
        );
        let mut incoming: Option<Vec<u8>> = None;
        loop {
            let step = initiator.step(incoming.as_deref()).unwrap();
            if step.token.is_empty() && step.done {
                break;
            }
            let header = format!("Negotiate {}", STANDARD.encode(&step.token));
            let headers = [(AUTHORIZATION.as_str(), header.as_str())];
            let answer = self.post("/wsman", &headers, Vec::new()).await.unwrap();
            let token = answer
                .challenges
                .iter()
                .find_map(|challenge| challenge.strip_prefix("Negotiate "));
            match (answer.status, token) {
                (StatusCode::OK, None) => break,
                (StatusCode::OK | StatusCode::UNAUTHORIZED, Some(token)) => {
                    incoming = Some(STANDARD.decode(token).unwrap());
                }
                _ => return Err(answer),
            }
        }
        self.session = Some(initiator.into_session().unwrap());
        Ok(())
    }

    /// Sends a message sealed, as it stands; the answer is unsealed.
    pub(super) async fn exchange(&mut self, message: &[u8]) -> Option<Answer> {
        let (kind, body) = self.session.as_mut().unwrap().seal_body(message).unwrap();
        let mut answer = self
            .post("/wsman", &[(CONTENT_TYPE.as_str(), &kind)], body)
            .await?;
        if auth::multipart::is_sealed(&answer.kind) {
            let session = self.session.as_mut().unwrap();
            answer.body = session.unseal_body(&answer.kind, &answer.body).unwrap();
        }
        Some(answer)
    }

    /// The text of a request, and its name.
    pub(super) fn write(&self, request: &wsman::Request) -> (String, MessageId) {
        let id = MessageId::new(Uuid::new_v4());
        let message = request.write(&self.wsman, &id).unwrap();
        (String::from_utf8_lossy(message.as_ref()).into_owned(), id)
    }

    /// Asks and reads; `None` when the connection ended instead of an answer.
    pub(super) async fn try_ask(&mut self, request: wsman::Request) -> Option<Result<Response, Fault>> {
        let (message, id) = self.write(&request);
        let answer = self.exchange(message.as_bytes()).await?;
        let response = Response::parse(&answer.body, Some(&id)).unwrap();
        Some(match response {
            Response::Fault(fault) => {
                assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
                Err(*fault)
            }
            response => {
                assert_eq!(answer.status, StatusCode::OK);
                Ok(response)
            }
        })
    }

    pub(super) async fn ask(&mut self, request: wsman::Request) -> Result<Response, Fault> {
        self.try_ask(request).await.expect("an answer")
    }

    pub(super) async fn create(&mut self) -> Result<ShellId, Fault> {
        self.create_as(NewShell::plain()).await
    }

    pub(super) async fn create_as(&mut self, shell: NewShell) -> Result<ShellId, Fault> {
        match self.ask(wsman::Request::Create(shell)).await? {
            Response::ShellCreated(created) => Ok(created.shell_id),
            other => panic!("{other:?}"),
        }
    }
}
