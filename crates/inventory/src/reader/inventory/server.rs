//! `[defaults]` and `[server.NAME]`.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::SignedDuration;

use super::References;
use super::kerberos;
use super::way::{Shared, Way};
use crate::diagnostic::Code;
use crate::fleet::{Auth, Server, Transport};
use crate::name::PoolName;
use crate::reader::address;
use crate::reader::entry::Entry;
use crate::reader::findings::Findings;
use crate::reader::table::Table;

const CONNECT_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
const LOGIN_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);
/// As every WinRM client does; the server caps it with its own MaxTimeoutms, 60 seconds unless configured.
const OPERATION_TIMEOUT: SignedDuration = SignedDuration::from_secs(20);
const HTTPS_PORT: u16 = 443;
/// As HAProxy's: 256 is the largest weight that it takes.
const HEAVIEST: u32 = 256;
const SHORTEST: SignedDuration = SignedDuration::from_millis(10);
const LONGEST_CONNECT: SignedDuration = SignedDuration::from_mins(10);
const LONGEST_OPERATION: SignedDuration = SignedDuration::from_secs(60);

/// The keys that `[defaults]` and `[server.NAME]` share; `None` where they are not written.
#[derive(Clone, Default)]
pub(super) struct Defaults {
    transport: Option<Transport>,
    auth: Option<(Auth, Range<usize>)>,
    credential: Option<String>,
    /// `credential` was written, understood or not.
    has_credential: bool,
    pool: Option<PoolName>,
    port: Option<u16>,
    https_port: Option<u16>,
    ca_file: Option<String>,
    allow_unencrypted: Option<bool>,
    connect_timeout: Option<SignedDuration>,
    login_timeout: Option<SignedDuration>,
    operation_timeout: Option<SignedDuration>,
    way: Shared,
    kerberos: kerberos::Shared,
    /// `auth` was written but not understood: what follows from it is not reported.
    auth_unclear: bool,
}

impl Defaults {
    /// Reads the shared keys of either table.
    pub(super) fn read(table: &Table<'_>, references: &mut References, found: &mut Findings<'_>) -> Self {
        let later = [
            (
                "certificate",
                "Windows asks for client certificates by renegotiation, or in the handshake after `netsh http update sslcert ipport=0.0.0.0:5986 \
                 ... clientcertnegotiation=enable`; until casgate shows one, use \"negotiate\", \"ntlm\", or \"basic\" over https",
            ),
            (
                "credssp",
                "use \"negotiate\" or \"ntlm\"; casgate never needs a second hop",
            ),
        ];
        let words =
            [Auth::Negotiate, Auth::Kerberos, Auth::Ntlm, Auth::Basic].map(|auth| (auth.as_str(), auth));
        let auth = table.get("auth");
        let read_auth = auth
            .as_ref()
            .and_then(|entry| Some((entry.word(&words, &later, found)?, entry.span())));
        let transports = [Transport::Http, Transport::Https].map(|transport| (transport.as_str(), transport));
        Self {
            transport: table
                .get("transport")
                .and_then(|entry| entry.word(&transports, &[], found)),
            auth_unclear: auth.is_some() && read_auth.is_none(),
            auth: read_auth,
            has_credential: table.get("credential").is_some(),
            credential: table.get("credential").and_then(|entry| {
                let name = entry.text(found)?;
                references.credential(name, entry.span());
                Some(name.to_owned())
            }),
            pool: table.get("pool").and_then(|entry| {
                let name = entry.text(found)?;
                references.member(name, entry.span());
                Some(name.into())
            }),
            port: table.get("port").and_then(|entry| entry.port(found)),
            https_port: table.get("https_port").and_then(|entry| entry.port(found)),
            ca_file: table
                .get("ca_file")
                .and_then(|entry| entry.text(found))
                .map(str::to_owned),
            allow_unencrypted: table
                .get("allow_unencrypted")
                .and_then(|entry| entry.boolean(found)),
            connect_timeout: timeout(table, "connect_timeout", LONGEST_CONNECT, found),
            login_timeout: timeout(table, "login_timeout", LONGEST_CONNECT, found),
            operation_timeout: timeout(table, "operation_timeout", LONGEST_OPERATION, found),
            way: Shared::read(table, found),
            kerberos: kerberos::Shared::read(table, found),
        }
    }
}

fn timeout(
    table: &Table<'_>,
    key: &'static str,
    longest: SignedDuration,
    found: &mut Findings<'_>,
) -> Option<SignedDuration> {
    table
        .get(key)
        .and_then(|entry| entry.duration((SHORTEST, longest), found))
}

/// Reads one server; what it does not say comes from `defaults`, and what they do not say is casgate's own default.
pub(super) fn read(
    entry: &Entry<'_>,
    table: &Table<'_>,
    defaults: &Defaults,
    references: &mut References,
    found: &mut Findings<'_>,
) -> Server {
    let own = Defaults::read(table, references, found);
    let address = table
        .need(
            "address",
            "write the host name or IP address to connect to",
            found,
        )
        .and_then(|entry| Some((address::host(&entry, found)?, entry.span())));
    let transport = own.transport.or(defaults.transport).unwrap_or_default();
    let port = own
        .port
        .or(defaults.port)
        .unwrap_or_else(|| transport.default_port());
    references.server(
        entry.key,
        entry.place(),
        address
            .as_ref()
            .map(|(host, span)| (host.as_str(), port, span.clone())),
    );
    let allow_unencrypted = own
        .allow_unencrypted
        .or(defaults.allow_unencrypted)
        .unwrap_or_default();
    let auth_unclear = own.auth_unclear || (own.auth.is_none() && defaults.auth_unclear);
    let auth = own.auth.clone().or_else(|| defaults.auth.clone());
    if let Some((Auth::Basic, span)) = &auth
        && transport == Transport::Http
        && !allow_unencrypted
        && !auth_unclear
    {
        // The same sentence for every server that takes it from [defaults], so that it is reported once.
        let message = "Basic over http sends the password in clear";
        let hint = "write transport = \"https\"; only in a laboratory allow_unencrypted = true";
        found.error(Code::ClearPassword, span.clone(), message, hint);
    }
    let credential = own.credential.or_else(|| defaults.credential.clone());
    if !own.has_credential && !defaults.has_credential {
        let message = format!(
            "{} has no credential, and [defaults] has none either",
            table.title
        );
        found.error(
            Code::MissingKey,
            table.span.clone(),
            message,
            "write credential = \"NAME\" of a [credential.NAME]",
        );
    }
    let way = Way::read(table, (own.way, &defaults.way), transport, found);
    Server {
        name: entry.key.into(),
        address: address.map(|(host, _)| host).unwrap_or_default(),
        port,
        transport,
        auth: auth.map(|(auth, _)| auth).unwrap_or_default(),
        kerberos: own.kerberos.complete(&defaults.kerberos, table, found),
        credential: credential.unwrap_or_default(),
        pool: own.pool.or_else(|| defaults.pool.clone()),
        https_port: own.https_port.or(defaults.https_port).unwrap_or(HTTPS_PORT),
        weight: table
            .get("weight")
            .and_then(|entry| entry.number(1..=HEAVIEST, found))
            .unwrap_or(1),
        load_balancer_name: table
            .get("load_balancer_name")
            .and_then(|entry| super::load_balancer::proxy_name(&entry, found))
            .unwrap_or_else(|| entry.key.to_owned()),
        ca_file: own.ca_file.or_else(|| defaults.ca_file.clone()),
        fingerprint: way.fingerprint,
        tls_server_name: way.server_name,
        tls: way.tls,
        proxy: way.proxy,
        allow_unencrypted,
        connect_timeout: own
            .connect_timeout
            .or(defaults.connect_timeout)
            .unwrap_or(CONNECT_TIMEOUT),
        login_timeout: own
            .login_timeout
            .or(defaults.login_timeout)
            .unwrap_or(LOGIN_TIMEOUT),
        operation_timeout: own
            .operation_timeout
            .or(defaults.operation_timeout)
            .unwrap_or(OPERATION_TIMEOUT),
        labels: labels(table, found),
    }
}

fn labels(table: &Table<'_>, found: &mut Findings<'_>) -> BTreeMap<String, String> {
    let Some(entry) = table.get("labels") else {
        return BTreeMap::new();
    };
    let Some(labels) = Table::open(&entry, "`labels`".to_owned(), &crate::reader::keys::NAMES, found) else {
        return BTreeMap::new();
    };
    labels
        .entries()
        .filter_map(|label| Some((label.key.to_owned(), label.text(found)?.to_owned())))
        .collect()
}
