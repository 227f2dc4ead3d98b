//! Addresses, networks, host names and URLs, with a hint for each usual slip.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::Url;

use crate::diagnostic::Code;
use crate::reader::entry::{Entry, shown};
use crate::reader::findings::Findings;

/// Reads an IP address that a machine can have.
pub(crate) fn ip(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<IpAddr> {
    let text = entry.text(found)?;
    let Ok(address) = text.parse::<IpAddr>() else {
        let message = format!("{} is `{}`, expected an IP address", entry.name(), shown(text));
        found.error(
            Code::BadAddress,
            entry.span(),
            message,
            ip_hint(text, entry.key == "address"),
        );
        return None;
    };
    match nobodys(address) {
        None => Some(address),
        Some(why) => {
            let message = format!("{address} {why}");
            found.error(Code::BadAddress, entry.span(), message, nobodys_hint(address));
            None
        }
    }
}

/// What to do about a text that is no IP address. In an allow list it can stand under another key.
fn ip_hint(text: &str, in_allow_list: bool) -> String {
    if let Ok(network) = text.parse::<IpNet>() {
        return if network.prefix_len() == network.max_prefix_len() {
            format!("leave out the prefix: \"{}\"", network.addr())
        } else if in_allow_list {
            format!("write {{ network = \"{text}\" }}")
        } else {
            "a network cannot stand here: write its addresses one by one".to_owned()
        };
    }
    if text.contains('%') {
        return "leave out the zone (from `%` on): it means something on one machine only".to_owned();
    }
    if text.parse::<SocketAddr>().is_ok() {
        return "leave out the port".to_owned();
    }
    if text.trim() != text && text.trim().parse::<IpAddr>().is_ok() {
        return "leave out the blanks around it".to_owned();
    }
    if text.contains(['-', '*']) && text.contains('.') && text.starts_with(|c: char| c.is_ascii_digit()) {
        return "write a range as networks or as single addresses".to_owned();
    }
    if text.split('.').count() == 4 && text.split('.').all(|part| part.parse::<u32>().is_ok()) {
        return "four numbers from 0 to 255 without leading zeros".to_owned();
    }
    if in_allow_list && is_host_name(text) {
        return format!("write {{ name = \"{text}\" }}");
    }
    "write it as 192.0.2.10 or 2001:db8::10".to_owned()
}

/// Why no client and no server has this address.
fn nobodys(address: IpAddr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("means \"any address\", and no machine has it");
    }
    if address.is_multicast() {
        return Some("is a multicast address, and no machine connects from it");
    }
    match address {
        IpAddr::V4(v4) if v4.is_broadcast() => Some("is the broadcast address, and no machine has it"),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Some("is an IPv4 address written as IPv6"),
        _ => None,
    }
}

fn nobodys_hint(address: IpAddr) -> String {
    let mapped = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    mapped.map_or_else(
        || "write the address of one machine".to_owned(),
        |v4| format!("write \"{v4}\""),
    )
}

/// Reads a network: address and prefix, no bits set behind the prefix.
pub(crate) fn network(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<IpNet> {
    let text = entry.text(found)?;
    let Ok(network) = text.parse::<IpNet>() else {
        let message = format!("{} is `{}`, expected a network", entry.name(), shown(text));
        found.error(Code::BadNetwork, entry.span(), message, network_hint(text));
        return None;
    };
    if network.trunc() != network {
        let message = format!("{network} has bits set behind its prefix");
        let hint = format!(
            "write \"{}\" for the network, or address = \"{}\" for the one address",
            network.trunc(),
            network.addr()
        );
        found.error(Code::HostBits, entry.span(), message, hint);
        return None;
    }
    if network.addr().is_multicast() {
        let message = format!("{network} is a multicast network, and no machine connects from it");
        found.error(
            Code::BadNetwork,
            entry.span(),
            message,
            "write the network of the clients",
        );
        return None;
    }
    if let IpAddr::V6(v6) = network.addr()
        && v6.to_ipv4_mapped().is_some()
    {
        let message = format!("{network} is an IPv4 network written as IPv6");
        found.error(
            Code::BadNetwork,
            entry.span(),
            message,
            "write it as IPv4: \"192.0.2.0/24\"",
        );
        return None;
    }
    Some(network)
}

/// What to do about a text that is no network.
fn network_hint(text: &str) -> String {
    if let Ok(address) = text.parse::<IpAddr>() {
        return format!("one address is written as {{ address = \"{address}\" }}");
    }
    if let Some((address, mask)) = text.split_once('/')
        && let (Ok(address), Ok(mask)) = (address.parse::<IpAddr>(), mask.parse::<IpAddr>())
        && let Ok(network) = IpNet::with_netmask(address, mask)
    {
        return format!("write the mask as a prefix: \"{}\"", network.trunc());
    }
    "write address and prefix: \"192.0.2.0/24\" or \"2001:db8::/64\"".to_owned()
}

/// Reads a host name or an IP address to connect to.
pub(crate) fn host(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
    let text = entry.text(found)?;
    if let Ok(address) = text.parse::<IpAddr>() {
        return ip(entry, found).map(|_| address.to_string());
    }
    if is_host_name(text) {
        return Some(text.to_owned());
    }
    let hint = if text.contains("://") {
        "write the host alone; `transport` and `port` say the rest"
    } else if text.parse::<SocketAddr>().is_ok()
        || text
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
    {
        "write the port as `port = ...`"
    } else {
        "write a name such as \"cas01.contoso.example\" or an address such as \"192.0.2.10\""
    };
    let message = format!(
        "{} is `{}`, expected a host name or an IP address",
        entry.name(),
        shown(text)
    );
    found.error(Code::BadAddress, entry.span(), message, hint);
    None
}

/// Reads a host name that is to be resolved.
pub(crate) fn host_name(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
    let text = entry.text(found)?;
    if text.parse::<IpAddr>().is_ok() {
        let message = format!("{} is an IP address, expected a host name", entry.name());
        found.error(
            Code::BadAddress,
            entry.span(),
            message,
            format!("write {{ address = \"{text}\" }}"),
        );
        return None;
    }
    if is_host_name(text) {
        return Some(text.to_ascii_lowercase());
    }
    let message = format!("{} is `{}`, expected a host name", entry.name(), shown(text));
    let hint = if text.contains('*') {
        "a name with `*` stands for no address; list the hosts or their network"
    } else {
        "write a name such as \"seg.contoso.example\""
    };
    found.error(Code::BadAddress, entry.span(), message, hint);
    None
}

/// Whether a text can be a host name (RFC 1123, underscores tolerated as Windows does). Four numbers are an address that did not parse.
fn is_host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    (1..=253).contains(&name.len())
        && !name.chars().all(|c| c.is_ascii_digit() || c == '.')
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        })
}

/// Reads `address:port`.
pub(crate) fn socket(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<SocketAddr> {
    let text = entry.text(found)?;
    match text.parse::<SocketAddr>() {
        Ok(socket) if socket.port() != 0 && nobodys(socket.ip()).is_none() => Some(socket),
        _ => {
            let message = format!(
                "{} is `{}`, expected an address and a port",
                entry.name(),
                shown(text)
            );
            let hint = match text.parse::<IpAddr>() {
                Ok(address) => format!("add the port: \"{}\"", SocketAddr::new(address, 443)),
                Err(_) => "write \"192.0.2.80:443\" or \"[2001:db8::80]:443\"".to_owned(),
            };
            found.error(Code::BadAddress, entry.span(), message, hint);
            None
        }
    }
}

/// Reads a URL with one of these schemes, a host, and no user, query or path. `example` is a good one.
pub(crate) fn url(
    entry: &Entry<'_>,
    schemes: &[&str],
    example: &str,
    found: &mut Findings<'_>,
) -> Option<Url> {
    let text = entry.text(found)?;
    let hint = format!("write it as \"{example}\"");
    let url = match Url::parse(text) {
        Ok(url) if schemes.contains(&url.scheme()) => url,
        _ => {
            let expected = schemes
                .iter()
                .map(|scheme| format!("{scheme}://"))
                .collect::<Vec<_>>()
                .join(", ");
            let message = format!(
                "{} is `{}`, expected a URL with {expected}",
                entry.name(),
                shown(&without_user(text))
            );
            found.error(Code::BadAddress, entry.span(), message, hint);
            return None;
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        let message = format!("{} holds a user or a password", entry.name());
        found.error(
            Code::LiteralPassword,
            entry.span(),
            message,
            "this version of casgate does not log in there; leave it out",
        );
        return None;
    }
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !bare || url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
        let message = format!("{} is more or less than scheme, host and port", entry.name());
        found.error(Code::BadAddress, entry.span(), message, hint);
        return None;
    }
    Some(url)
}

/// A URL's text without what stands before its last `@`.
fn without_user(text: &str) -> String {
    match text.rfind('@') {
        Some(at) => format!("...{}", &text[at..]),
        None => text.to_owned(),
    }
}

/// Reads the path of a page: `/owa/healthcheck.htm`.
pub(crate) fn page(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<String> {
    let text = entry.text(found)?;
    if is_page(text) {
        return Some(text.to_owned());
    }
    let message = format!(
        "{} is `{}`, expected the path of a page",
        entry.name(),
        shown(text)
    );
    let hint = if text.contains("://") {
        "leave out scheme and host: each server is asked for it".to_owned()
    } else if !text.starts_with('/') && is_page(&format!("/{text}")) {
        format!("begin with a slash: \"/{text}\"")
    } else {
        "write it as \"/owa/healthcheck.htm\", blanks as %20".to_owned()
    };
    found.error(Code::BadValue, entry.span(), message, hint);
    None
}

fn is_page(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && text.chars().all(|c| {
            c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '#')
        })
}
