//! HTTP over one TCP connection: one POST after the other, no redirects, no proxy but the one that is named, no second attempt.

use std::fmt;
use std::time::Duration;

use auth::Secret;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::tls::TlsInfo;
use reqwest::{Client, Proxy, redirect, retry};
use tokio::time::Instant;
use url::Url;

use super::single::{AlreadyConnected, ConnectOnce};
use super::tls::{Backend, Tls};
use crate::endpoint::Endpoint;
use crate::error::{Cause, Error};

/// The most bytes of a reply: a message of WS-Management and its sealed frame.
const MAX_REPLY: usize = wsman::MAX_BYTES + 64 * 1024;

/// The one connection.
pub(super) struct Transport {
    client: Client,
    url: Url,
    connect: Duration,
    tls: Tls,
    proxy: Option<Url>,
    requests: u64,
    used: Instant,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The certificate that the server showed on this connection, in DER.
    pub(super) certificate: Option<Vec<u8>>,
}

impl Reply {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn content_type(&self) -> &str {
        self.headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The beginning of the body as text, for an error.
    pub(super) fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(200).collect()
    }
}

/// Why nothing came back.
pub(super) enum PostError {
    /// There never was a connection, or no TLS on it.
    Connect(Cause),
    /// The connection was closed before anything of the request was sent.
    Closed(Cause),
    /// The request may have arrived.
    Lost(Cause),
    /// The request may have arrived; nothing was heard for so long.
    Silent(Duration),
    /// More bytes than are read.
    TooLarge,
}

impl Transport {
    /// Prepares the connection. Nothing is sent before the first [`post`](Self::post).
    pub(super) async fn new(endpoint: &Endpoint, backend: Backend) -> Result<Self, Error> {
        let builder = Client::builder()
            .user_agent(concat!("casgate/", env!("CARGO_PKG_VERSION")))
            .connector_layer(ConnectOnce::default())
            .connect_timeout(endpoint.timeouts.connect)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None)
            .tcp_nodelay(true)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            .tls_info(true);
        let unusable = |source: reqwest::Error| Error::Unreachable {
            url: endpoint.name(),
            source: source.without_url().into(),
        };
        let (tls, mut builder) = Tls::prepare(endpoint, backend, builder).await?;
        if let Some(proxy) = &endpoint.proxy {
            builder = builder.proxy(Proxy::all(proxy.clone()).map_err(unusable)?);
        }
        let mut url = endpoint.url.clone();
        if let (true, Some(name)) = (endpoint.is_tls(), &endpoint.tls.server_name) {
            // TLS checks the name in the URL, so the URL gets that name and the name the address of the real host.
            let addresses = resolve(endpoint).await?;
            builder = builder.resolve_to_addrs(name, &addresses);
            let bad = |_| Error::InvalidEndpoint {
                url: endpoint.name(),
                expected: "a host name in `server_name`",
                found: name.clone(),
            };
            url.set_host(Some(name)).map_err(bad)?;
        }
        Ok(Self {
            client: builder.build().map_err(unusable)?,
            url,
            connect: endpoint.timeouts.connect,
            tls,
            proxy: endpoint.proxy.clone(),
            requests: 0,
            used: Instant::now(),
        })
    }

    /// How long it was not used.
    pub(super) fn idle(&self) -> Duration {
        self.used.elapsed()
    }

    /// The TLS of this connection.
    pub(super) fn tls(&self) -> &Tls {
        &self.tls
    }

    /// The name that TLS asks for.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// How many requests were made.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// One request and its whole reply. `limit` is how long the reply may take once there is a connection.
    pub(super) async fn post(
        &mut self,
        content_type: Option<&str>,
        authorization: Option<&Secret>,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Reply, PostError> {
        let first = self.requests == 0;
        if !first {
            // Lets the connection's own task see first whether the server has closed it in the meantime, so that nothing is sent.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        self.requests += 1;
        let request = self
            .client
            .post(self.url.clone())
            .headers(headers(content_type, authorization, &body)?)
            .body(body);
        let exchange = async {
            let response = request
                .send()
                .await
                .map_err(|error| classify(error, first, self.proxy.as_ref()))?;
            let mut reply = read(response).await?;
            if reply.certificate.is_none() {
                reply.certificate = self.tls.shown().map(<[u8]>::to_vec);
            }
            Ok(reply)
        };
        // The first request includes the connecting, which has a limit of its own.
        let limit = if first {
            limit.saturating_add(self.connect)
        } else {
            limit
        };
        let result = tokio::time::timeout(limit, exchange)
            .await
            .map_err(|_| PostError::Silent(limit))?;
        self.used = Instant::now();
        result
    }
}

fn headers(
    content_type: Option<&str>,
    authorization: Option<&Secret>,
    body: &[u8],
) -> Result<HeaderMap, PostError> {
    let unsendable = |error: header::InvalidHeaderValue| PostError::Closed(error.into());
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    // Without a length Windows answers 411 to a POST, and the HTTP client writes none for an empty body.
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if let Some(content_type) = content_type {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_str(content_type).map_err(unsendable)?,
        );
    }
    if let Some(secret) = authorization {
        let mut value = HeaderValue::from_str(secret.expose()).map_err(unsendable)?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    Ok(headers)
}

/// Reads the body piece by piece, so that nobody can fill the memory.
async fn read(mut response: reqwest::Response) -> Result<Reply, PostError> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let certificate = response
        .extensions()
        .get::<TlsInfo>()
        .and_then(|info| info.peer_certificate())
        .map(<[u8]>::to_vec);
    let mut body = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| PostError::Lost(error.without_url().into()))?
    {
        if body.len() + piece.len() > MAX_REPLY {
            return Err(PostError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Reply {
        status,
        headers,
        body,
        certificate,
    })
}

/// What a failed attempt means. A failure to connect is the first request's own; later it means that the client wanted a second
/// connection because the first one was gone before anything was sent.
fn classify(error: reqwest::Error, first: bool, proxy: Option<&Url>) -> PostError {
    let error = error.without_url();
    match (error.is_connect(), first) {
        (true, true) => PostError::Connect(match proxy {
            Some(proxy) => ThroughProxy {
                proxy: proxy.clone(),
                source: error.into(),
            }
            .into(),
            None => error.into(),
        }),
        (true, false) => PostError::Closed(Cause::from(AlreadyConnected)),
        (false, _) => PostError::Lost(error.into()),
    }
}

/// Somebody on the way, or behind the proxy, said no.
#[derive(Debug)]
struct ThroughProxy {
    /// Without a user: such proxies are refused.
    proxy: Url,
    source: Cause,
}

impl fmt::Display for ThroughProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no way through the proxy {}", self.proxy)
    }
}

impl std::error::Error for ThroughProxy {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// The addresses of the host in the URL.
async fn resolve(endpoint: &Endpoint) -> Result<Vec<std::net::SocketAddr>, Error> {
    let unreachable = |source: Cause| Error::Unreachable {
        url: endpoint.name(),
        source,
    };
    let host = endpoint
        .url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = endpoint.url.port_or_known_default().unwrap_or(5986);
    let lookup = tokio::net::lookup_host((host, port));
    let found = tokio::time::timeout(endpoint.timeouts.connect, lookup)
        .await
        .map_err(|elapsed| unreachable(elapsed.into()))?
        .map_err(|error| unreachable(error.into()))?;
    Ok(found.collect())
}
