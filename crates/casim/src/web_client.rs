//! One HTTPS connection from a chosen source address, as the clients and the load balancer's health checks make it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderMap};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Where a request stopped, in the layers that a load balancer names in its statistics.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot connect to {to}")]
    Connect {
        to: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("no connection to {to} in time")]
    ConnectTimeout { to: SocketAddr },
    #[error("TLS with {to} failed")]
    Tls {
        to: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("no TLS with {to} in time")]
    TlsTimeout { to: SocketAddr },
    #[error("no answer to GET {path}")]
    Answer {
        path: String,
        #[source]
        source: hyper::Error,
    },
    #[error("no answer to GET {path} in time")]
    AnswerTimeout { path: String },
    #[error("{path} is not a path")]
    Path { path: String },
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

/// Binds `source` and connects: on Linux every address of 127.0.0.0/8 is this computer's own.
pub(crate) async fn connect_from(source: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(source, 0))?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One open connection. Requests on it are strictly one after the other.
pub(crate) struct WebConnection {
    host: String,
    limit: Duration,
    sender: SendRequest<Empty<Bytes>>,
    driver: Driver,
}

/// The task that moves the connection's bytes; aborted when dropped.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl WebConnection {
    /// Connects from `source` to `to` and makes TLS for `host`, each within `limit`.
    pub(crate) async fn open(
        source: IpAddr,
        to: SocketAddr,
        host: &str,
        tls: &Arc<ClientConfig>,
        limit: Duration,
    ) -> Result<Self, Failure> {
        let stream = timeout(limit, connect_from(source, to))
            .await
            .map_err(|_| Failure::ConnectTimeout { to })?
            .map_err(|source| Failure::Connect { to, source })?;
        let tls_failed = |source| Failure::Tls { to, source };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| tls_failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let stream = timeout(limit, TlsConnector::from(Arc::clone(tls)).connect(name, stream))
            .await
            .map_err(|_| Failure::TlsTimeout { to })?
            .map_err(tls_failed)?;
        let (sender, connection) =
            handshake(TokioIo::new(stream))
                .await
                .map_err(|source| Failure::Answer {
                    path: String::new(),
                    source,
                })?;
        let driver = Driver(tokio::spawn(async move {
            // How the connection ends is seen by whoever waits for an answer on it.
            let _ = connection.await;
        }));
        Ok(Self {
            host: host.to_owned(),
            limit,
            sender,
            driver,
        })
    }

    /// Whether the server has closed the connection.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// One `GET`; the body is read to its end and dropped.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        let request = Request::get(path)
            .header(HOST, self.host.as_str())
            .body(Empty::new())
            .map_err(|_| Failure::Path {
                path: path.to_owned(),
            })?;
        let failed = |source| Failure::Answer {
            path: path.to_owned(),
            source,
        };
        let exchange = async {
            self.sender.ready().await.map_err(failed)?;
            let response = self.sender.send_request(request).await.map_err(failed)?;
            let (head, body) = response.into_parts();
            body.collect().await.map_err(failed)?;
            Ok(Answer {
                status: head.status,
                headers: head.headers,
            })
        };
        timeout(self.limit, exchange)
            .await
            .map_err(|_| Failure::AnswerTimeout {
                path: path.to_owned(),
            })?
    }

    /// Ends the connection in good order.
    pub(crate) async fn close(self) {
        let Self {
            sender, mut driver, ..
        } = self;
        drop(sender);
        let _ = (&mut driver.0).await;
    }
}
