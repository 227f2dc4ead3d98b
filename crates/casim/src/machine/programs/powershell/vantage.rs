//! The effect of [`exchange::vantage::SCRIPT`]: this server asks another one's front end for a page, over a real socket from its own address.
//!
//! What the script prints is printed, with .NET's names for what went wrong.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use exchange::vantage::SCRIPT;
use rustls::{ClientConfig, RootCertStore};

use super::{Call, literals};
use crate::web_client::{Answer, Failure, WebConnection};

const SOCKET_EXCEPTION: &str = "System.Net.Sockets.SocketException";

/// The variables that stand before the script.
pub(super) struct Request {
    address: String,
    port: u16,
    server: String,
    path: String,
    limit: Duration,
}

/// What the script asks for; `None` for any other script.
pub(super) fn request(script: &str) -> Option<Request> {
    let mut lines = script.strip_suffix(SCRIPT)?.lines();
    let mut value = |name: &str| {
        let value = lines.next()?.strip_prefix(name)?.strip_prefix('=')?;
        let mut values = literals(value)?;
        let value = values.pop()?;
        values.is_empty().then_some(value)
    };
    let request = Request {
        address: value("$address")?,
        port: value("$port")?.parse().ok()?,
        server: value("$server")?,
        path: value("$path")?,
        limit: Duration::from_millis(value("$limit")?.parse().ok()?),
    };
    lines.next().is_none().then_some(request)
}

pub(super) async fn run(call: &mut Call<'_, '_>, request: &Request) -> u32 {
    let began = call.machine().clock.now();
    let mut lines = Vec::new();
    match ask(call, request).await {
        Ok(answer) => {
            lines.push(format!("status {}", answer.status.as_u16()));
            lines.extend(answer.headers.keys().map(|name| format!("header {name}")));
        }
        Err(failed) => lines.push(failed),
    }
    let took = call.machine().clock.now().saturating_sub(began);
    lines.push(format!("took {}", took.as_millis()));
    lines.iter().for_each(|line| call.out.stdout.line(line));
    0
}

/// The answer, or the script's line about the lack of one.
async fn ask(call: &Call<'_, '_>, request: &Request) -> Result<Answer, String> {
    let options = &call.machine().options;
    let found = tokio::net::lookup_host((request.address.as_str(), request.port)).await;
    let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    // WSAHOST_NOT_FOUND.
    let mut last = format!("failed connect {SOCKET_EXCEPTION} 11001");
    let tls = options.trusts.clone().unwrap_or_else(nobody);
    for to in found
        .into_iter()
        .filter(|to| to.is_ipv4() == options.goes_out_from.is_ipv4())
    {
        let opened =
            WebConnection::open(options.goes_out_from, to, &request.server, &tls, request.limit).await;
        match opened {
            Ok(mut connection) => return connection.get(&request.path).await.map_err(|f| failed(&f)),
            Err(failure @ (Failure::Connect { .. } | Failure::ConnectTimeout { .. })) => {
                last = failed(&failure)
            }
            Err(failure) => return Err(failed(&failure)),
        }
    }
    Err(last)
}

/// A store without a single authority: no certificate is good.
fn nobody() -> Arc<ClientConfig> {
    let config = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
    Arc::new(config.with_no_client_auth())
}

fn failed(failure: &Failure) -> String {
    let socket = |code: u16| format!("{SOCKET_EXCEPTION} {code}");
    let (at, what) = match failure {
        Failure::Connect { source, .. } => ("connect", socket(code(source.kind()))),
        Failure::ConnectTimeout { .. } => ("connect", "System.TimeoutException ".to_owned()),
        Failure::Tls { source, .. } if source.kind() == io::ErrorKind::InvalidData => {
            let refused = "System.Security.Authentication.AuthenticationException ";
            ("tls", refused.to_owned())
        }
        Failure::Tls { source, .. } => ("tls", socket(code(source.kind()))),
        Failure::TlsTimeout { .. } => ("tls", socket(10060)),
        Failure::AnswerTimeout { .. } => ("answer", socket(10060)),
        Failure::Answer { .. } | Failure::Path { .. } => {
            ("answer", "System.IO.EndOfStreamException ".to_owned())
        }
    };
    format!("failed {at} {what}")
}

/// The number that Windows Sockets has for it.
fn code(kind: io::ErrorKind) -> u16 {
    match kind {
        io::ErrorKind::ConnectionRefused => 10061,
        io::ErrorKind::TimedOut => 10060,
        io::ErrorKind::HostUnreachable => 10065,
        io::ErrorKind::NetworkUnreachable => 10051,
        _ => 10054,
    }
}
