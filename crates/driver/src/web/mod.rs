//! One server's HTTPS front end, asked by its own address and by the name that the clients type.
//!
//! Every request is a fresh connection: rules are judged for each request, but a connection that outlived a restart would tell of the past.
//! No redirects, no proxies from the environment, no cookies; bodies are cut.

mod error;
mod lookout;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use exchange::vantage::{Request, Sighting};
use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Proxy, redirect};
use url::{Host, Url};

pub(crate) use error::WebError;
pub(crate) use lookout::Lookout;
pub(crate) use tls::client_config;

/// Health pages and refusals are short; more of a body is never looked at.
const LONGEST_BODY: usize = 64 * 1024;

/// Where and how to ask.
pub(crate) struct FrontOptions<'a> {
    /// The server's own address: a name or an IP address.
    pub(crate) address: &'a str,
    /// Its HTTPS port.
    pub(crate) port: u16,
    /// The name that the clients type: in the `Host` header, in TLS, and in the certificate.
    pub(crate) host: &'a str,
    /// PEM of the authority to trust; the system's without one.
    pub(crate) authority: Option<&'a [u8]>,
    /// From where to ask.
    pub(crate) from: Origin<'a>,
    /// How long a connection may take.
    pub(crate) connect: Duration,
}

/// Where a request comes from.
#[derive(Clone)]
pub(crate) enum Origin<'a> {
    /// This machine, by whichever address the routing table says.
    Anywhere,
    /// An address of this machine.
    Address(IpAddr),
    /// A proxy.
    Proxy(&'a Url),
    /// Another Windows server. The certificate is judged there, by that server's own store.
    Lookout(Arc<Lookout>),
}

/// One server's front end as seen from one place.
#[derive(Clone)]
pub(crate) struct Front {
    way: Way,
    base: Url,
}

#[derive(Clone)]
enum Way {
    Here(Client),
    There {
        lookout: Arc<Lookout>,
        address: String,
        port: u16,
        host: String,
    },
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// HTTP status.
    pub(crate) status: u16,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// The body's beginning; a lookout does not tell it.
    pub(crate) body: String,
    /// How long it took where the answer itself went a longer way: by a lookout's own clock.
    pub(crate) took: Option<Duration>,
}

impl Page {
    /// The headers as texts; a value that is none is empty.
    pub(crate) fn header_texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
    }
}

impl Front {
    /// Finds the server's address and prepares for asking; nothing is sent yet.
    pub(crate) async fn new(options: FrontOptions<'_>) -> Result<Self, WebError> {
        let FrontOptions {
            address, port, host, ..
        } = options;
        let unusable = |source: Box<dyn std::error::Error + Send + Sync>| WebError::Client {
            address: address.to_owned(),
            source,
        };
        let config = client_config(options.authority, host)?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .connect_timeout(options.connect)
            .user_agent(concat!("casgate/", env!("CARGO_PKG_VERSION")));
        let mut source = None;
        let mut through_proxy = false;
        match options.from {
            Origin::Anywhere => {}
            Origin::Address(from) => {
                source = Some(from);
                builder = builder.local_address(from);
            }
            Origin::Lookout(lookout) => {
                let base = format!("https://{}/", bracketed(host));
                return Ok(Self {
                    base: Url::parse(&base).map_err(|error| unusable(error.into()))?,
                    way: Way::There {
                        lookout,
                        address: address.to_owned(),
                        port,
                        host: host.to_owned(),
                    },
                });
            }
            Origin::Proxy(proxy) => {
                through_proxy = true;
                // The error would show the URL, and the URL may hold a password.
                let proxy =
                    Proxy::all(proxy.clone()).map_err(|error| unusable(error.without_url().into()))?;
                builder = builder.proxy(proxy);
            }
        }
        let by_name = matches!(Host::parse(host), Ok(Host::Domain(_))) && !through_proxy;
        let base = if by_name {
            // Without a port in the URL the port of the resolved address counts, and the `Host` header stays the clients'.
            builder = builder.resolve_to_addrs(host, &addresses(address, port, source).await?);
            format!("https://{host}/")
        } else {
            let header = HeaderValue::from_str(host).map_err(|error| unusable(error.into()))?;
            builder = builder.default_headers(HeaderMap::from_iter([(HOST, header)]));
            format!("https://{}:{port}/", bracketed(address))
        };
        Ok(Self {
            way: Way::Here(builder.build().map_err(|error| unusable(error.into()))?),
            base: Url::parse(&base).map_err(|error| unusable(error.into()))?,
        })
    }

    /// Asks for one path; connection, answer and body together may take `limit`, each of them where a lookout asks.
    pub(crate) async fn get(&self, path: &str, limit: Duration) -> Result<Page, WebError> {
        let url = match path.starts_with('/') {
            true => self.base.join(path).ok(),
            false => None,
        };
        let url = url
            // `//elsewhere/` would be another host.
            .filter(|url| url.host() == self.base.host())
            .ok_or_else(|| WebError::Path {
                path: path.to_owned(),
            })?;
        match &self.way {
            Way::Here(client) => Self::get_here(client, url, path, limit).await,
            Way::There {
                lookout,
                address,
                port,
                host,
            } => {
                let path = match url.query() {
                    Some(query) => format!("{}?{query}", url.path()),
                    None => url.path().to_owned(),
                };
                let request = Request {
                    address,
                    port: *port,
                    server: host,
                    path: &path,
                    limit,
                };
                let Sighting { seen, took } = lookout.look(&request).await?;
                let answer = seen.map_err(|failed| WebError::Unanswered {
                    path: path.clone(),
                    vantage: lookout.server().clone(),
                    failed,
                })?;
                let names = answer.headers.iter().filter_map(|name| name.parse().ok());
                Ok(Page {
                    status: answer.status,
                    headers: names
                        .map(|name: HeaderName| (name, HeaderValue::from_static("")))
                        .collect(),
                    body: String::new(),
                    took: Some(took),
                })
            }
        }
    }

    async fn get_here(client: &Client, url: Url, path: &str, limit: Duration) -> Result<Page, WebError> {
        let exchange = async {
            let mut response = client.get(url).send().await?;
            let mut body = Vec::new();
            while body.len() < LONGEST_BODY {
                match response.chunk().await? {
                    Some(chunk) => body.extend_from_slice(&chunk),
                    None => break,
                }
            }
            body.truncate(LONGEST_BODY);
            Ok(Page {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: String::from_utf8_lossy(&body).into_owned(),
                took: None,
            })
        };
        tokio::time::timeout(limit, exchange)
            .await
            .map_err(|_| WebError::TimedOut {
                path: path.to_owned(),
                limit,
            })?
            .map_err(|source: reqwest::Error| WebError::Request {
                path: path.to_owned(),
                source: source.without_url(),
            })
    }
}

impl Page {
    /// The status and the body's first line, for people: `200: 200 OK<br/>CAS07.CONTOSO.EXAMPLE`.
    pub(crate) fn first_line(&self) -> String {
        let line = self.body.lines().find(|line| !line.trim().is_empty());
        match line.map(|line| line.trim().chars().take(80).collect::<String>()) {
            Some(line) => format!("{}: {line}", self.status),
            None => self.status.to_string(),
        }
    }
}

/// The server's socket addresses, of `from`'s family if somebody asks from a certain address.
async fn addresses(address: &str, port: u16, from: Option<IpAddr>) -> Result<Vec<SocketAddr>, WebError> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((address, port))
        .await
        .map_err(|source| WebError::Resolve {
            address: address.to_owned(),
            source,
        })?
        .filter(|found| from.is_none_or(|from| from.is_ipv4() == found.is_ipv4()))
        .collect();
    match (found.is_empty(), from) {
        (true, Some(from)) => Err(WebError::NoAddressFor {
            address: address.to_owned(),
            from,
        }),
        _ => Ok(found),
    }
}

/// An address as it stands in a URL: IPv6 in brackets.
pub(crate) fn bracketed(address: &str) -> String {
    match address.parse::<std::net::Ipv6Addr>() {
        Ok(_) => format!("[{address}]"),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests;
