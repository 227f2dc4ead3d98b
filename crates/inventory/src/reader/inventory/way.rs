//! The way to a server: TLS, whom it trusts, and a proxy; and which of these do not go together.

use std::ops::Range;

use url::Url;

use crate::diagnostic::Code;
use crate::fleet::Transport;
use crate::reader::address;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;
use crate::reader::table::Table;
use crate::tls::{Fingerprint, Tls};

/// What `[defaults]` and `[server.NAME]` share of it; `None` where it is not written.
#[derive(Clone, Default)]
pub(super) struct Shared {
    tls: Option<Tls>,
    /// Inside: `None` for `"none"`.
    proxy: Option<(Option<Url>, Range<usize>)>,
}

impl Shared {
    pub(super) fn read(table: &Table<'_>, found: &mut Findings<'_>) -> Self {
        let words = [("rustls", Tls::Rustls), ("native", Tls::Native)];
        Self {
            tls: table.get("tls").and_then(|entry| entry.word(&words, &[], found)),
            proxy: table.get("proxy").and_then(|entry| proxy(&entry, found)),
        }
    }
}

/// `"none"`, or a URL.
fn proxy(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<(Option<Url>, Range<usize>)> {
    if entry.is_text() && entry.any_text(found)? == "none" {
        return Some((None, entry.span()));
    }
    let schemes = ["http", "socks5", "socks5h"];
    let url = address::url(entry, &schemes, "socks5h://192.0.2.9:1080", found)?;
    Some((Some(url), entry.span()))
}

/// The way to one server.
pub(super) struct Way {
    pub(super) tls: Tls,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) server_name: Option<String>,
    pub(super) proxy: Option<Url>,
}

impl Way {
    /// Reads what the server says, fills in what it does not, and reports what contradicts itself.
    pub(super) fn read(
        table: &Table<'_>,
        (own, defaults): (Shared, &Shared),
        transport: Transport,
        found: &mut Findings<'_>,
    ) -> Self {
        let name = table.get("tls_server_name");
        if transport == Transport::Http {
            for entry in ["fingerprint", "tls_server_name", "tls"]
                .into_iter()
                .filter_map(|key| table.get(key))
            {
                let message = format!("`{}` means nothing over http", entry.key);
                let hint = "write transport = \"https\", or leave it out";
                found.error(Code::UnknownKey, entry.place(), message, hint);
            }
        }
        let proxy = own.proxy.or_else(|| defaults.proxy.clone());
        let tls = own.tls.or(defaults.tls).unwrap_or_default();
        if let (Transport::Https, Some((Some(url), span))) = (transport, &proxy) {
            // The same sentences for every server that takes the proxy from [defaults], so that they are reported once.
            if name.is_some() && url.scheme() != "socks5" {
                let message = format!(
                    "`tls_server_name` cannot be checked through a {} proxy",
                    url.scheme()
                );
                let hint = "use a socks5 proxy (names are resolved here), a `fingerprint`, or an `address` that the certificate names";
                found.error(Code::BadValue, span.clone(), message, hint);
            }
            if tls == Tls::Native && url.scheme() == "http" {
                let message = "tls = \"native\" does not go through an http proxy";
                found.error(
                    Code::BadValue,
                    span.clone(),
                    message,
                    "use a socks5 or socks5h proxy, or proxy = \"none\" for this server",
                );
            }
        }
        Self {
            tls,
            fingerprint: table
                .get("fingerprint")
                .and_then(|entry| fingerprint(&entry, found)),
            server_name: name.and_then(|entry| address::host(&entry, found)),
            proxy: proxy.and_then(|(url, _)| url),
        }
    }
}

fn fingerprint(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Fingerprint> {
    let text = entry.text(found)?;
    let read = Fingerprint::parse(text);
    if read.is_none() {
        let message = format!(
            "`fingerprint` is `{}`, expected a SHA-256 fingerprint",
            shown(text)
        );
        let digits = text.chars().filter(char::is_ascii_hexdigit).count();
        let hint = if digits == 40 {
            "this is a SHA-1 thumbprint, which can be forged: casgate names the SHA-256 one when it refuses the certificate"
        } else {
            "write \"sha256:\" and 64 hexadecimal digits; casgate names it when it refuses the certificate"
        };
        found.error(Code::BadValue, entry.span(), message, hint);
    }
    read
}
