//! The HTTPS front end of one server: TLS and HTTP around what [`Machine::web`] answers.
//!
//! The machine sees the peer of the TCP connection as the client. While it does not listen (W3SVC is stopped) the
//! port is closed: connections are refused, open ones end after the request that they are in.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::Error;
use crate::machine::{Machine, WebReply, WebRequest};
use crate::port::{Port, accept};

/// How often it is looked whether the machine still listens; real time.
const LOOK: Duration = Duration::from_millis(20);
/// Real time that a client may take for the TLS handshake, and to take an answer when the port closes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What answers the requests.
pub(crate) trait WebSite: Send + Sync + 'static {
    /// Whether connections are accepted.
    fn listens(&self) -> bool;
    /// The answer to one request.
    fn web(&self, request: &WebRequest) -> WebReply;
}

impl WebSite for Machine {
    fn listens(&self) -> bool {
        Self::listens(self)
    }

    fn web(&self, request: &WebRequest) -> WebReply {
        Self::web(self, request)
    }
}

/// A running front end. Stopped by [`FrontEnd::stop`] or by dropping it.
#[derive(Debug)]
pub struct FrontEnd {
    address: SocketAddr,
    tasks: JoinSet<()>,
    /// The same for IPv6.
    second: Option<Box<FrontEnd>>,
}

impl FrontEnd {
    /// Serves `machine` on `address`, where port 0 lets the system choose.
    pub async fn start(
        machine: Arc<Machine>,
        address: SocketAddr,
        tls: Arc<ServerConfig>,
    ) -> Result<Self, Error> {
        let what = format!("HTTPS of {}", machine.name());
        let mut front_end = Self::serve(Arc::clone(&machine), what.clone(), address, tls.clone())?;
        // IPv6 clients come to the same port of ::1, where this computer has it and nobody else sits there.
        if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            let second = SocketAddr::from((Ipv6Addr::LOCALHOST, front_end.address.port()));
            if let Ok(second) = Self::serve(machine, what, second, tls) {
                front_end.second = Some(Box::new(second));
            }
        }
        Ok(front_end)
    }

    /// Serves any site.
    pub(crate) fn serve<S: WebSite>(
        site: Arc<S>,
        what: String,
        address: SocketAddr,
        tls: Arc<ServerConfig>,
    ) -> Result<Self, Error> {
        let port = Port::reserve(what, address)?;
        let address = port.address();
        // Listening at once, so that whoever starts the front end can connect.
        let first = if site.listens() {
            Some(port.listen()?)
        } else {
            None
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(run(site, port, first, TlsAcceptor::from(tls)));
        Ok(Self {
            address,
            tasks,
            second: None,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for IPv6, if it does.
    pub fn address_v6(&self) -> Option<SocketAddr> {
        self.second.as_ref().map(|second| second.address)
    }

    /// Closes the port and every connection.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        if let Some(mut second) = self.second {
            second.tasks.shutdown().await;
        }
    }
}

/// Opens and closes the port as the site does, for ever.
async fn run<S: WebSite>(site: Arc<S>, port: Port, mut listener: Option<TcpListener>, tls: TlsAcceptor) {
    let mut connections = JoinSet::new();
    loop {
        if let Some(listener) = listener.take() {
            accept_while_listening(&site, &listener, &tls, &mut connections).await;
        }
        sleep(LOOK).await;
        if site.listens() {
            listener = port.listen().ok();
        }
    }
}

async fn accept_while_listening<S: WebSite>(
    site: &Arc<S>,
    listener: &TcpListener,
    tls: &TlsAcceptor,
    connections: &mut JoinSet<()>,
) {
    // Dropped when this function returns: then the connections come to their end.
    let (_open, closed) = watch::channel(());
    while site.listens() {
        tokio::select! {
            (stream, peer) = accept(listener) => {
                let connection = converse(Arc::clone(site), stream, peer.ip(), tls.clone(), closed.clone());
                connections.spawn(connection);
            },
            () = sleep(LOOK) => {}
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse<S: WebSite>(
    site: Arc<S>,
    stream: TcpStream,
    client: IpAddr,
    tls: TlsAcceptor,
    mut closed: watch::Receiver<()>,
) {
    let _ = stream.set_nodelay(true);
    let handshake = timeout(PATIENCE, tls.accept(stream));
    let stream = tokio::select! {
        shaken = handshake => match shaken {
            Ok(Ok(stream)) => stream,
            // The client sees its own side of a failed handshake.
            _ => return,
        },
        _ = closed.changed() => return,
    };
    let service = service_fn(move |request| {
        let answer = answer(site.as_ref(), client, &request);
        async move { answer }
    });
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true).header_read_timeout(None);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = closed.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = timeout(PATIENCE, connection).await;
}

fn answer<S: WebSite>(
    site: &S,
    client: IpAddr,
    request: &Request<Incoming>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let header = |name: &str| {
        let value = request.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let path = request
        .uri()
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let reply = site.web(&WebRequest {
        method: request.method().to_string(),
        path,
        host: header("host").map(|host| without_port(&host).to_owned()),
        client,
        https: true,
        forwarded_for: header("x-forwarded-for"),
        authorization: request.headers().contains_key(AUTHORIZATION),
        user_agent: header("user-agent"),
    });
    match reply {
        WebReply::Reply {
            status,
            headers,
            body,
        } => Ok(response(status, &headers, body)),
        // An error instead of a response closes the connection without an answer.
        WebReply::Refused | WebReply::Aborted => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
    }
}

/// `mail.contoso.example` of `mail.contoso.example:443`; an IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn response(status: u16, headers: &[(String, String)], body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

#[cfg(test)]
pub(crate) mod tests;
