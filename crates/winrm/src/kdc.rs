//! Where the KDCs of a realm are, and one question to them: over TCP, bounded in time and size.
//!
//! `auth` says what to ask; nothing here understands a message. KDCs come from the endpoint, else from `krb5.conf`, else from DNS, else the
//! realm's own name is tried, under which Active Directory registers its domain controllers.

mod service_records;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auth::{Include, KdcRequest, Krb5Conf, Realm};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::endpoint::{AuthMethod, Endpoint};

pub use service_records::read_name_servers;

/// What Kerberos needs to know beside the user and the password. The default knows nothing: the realm is then the one in `user@realm`.
#[derive(Clone, Debug, Default)]
pub struct KerberosPolicy {
    /// The user's realm. `None`: the one in the user's name, else the machine's default realm where that is meant.
    pub realm: Option<String>,
    /// The KDCs of the user's realm, `host` or `host:port`, the best first. Empty: those in the machine's settings.
    pub kdcs: Vec<String>,
    /// The service in the SPN. `None`: `HTTP`; some farms registered `WSMAN` or `host`.
    pub service: Option<String>,
    /// The host in the SPN. `None`: the one in the URL, or the name that its certificate must have. It is never looked up in reverse.
    pub host: Option<String>,
    /// The machine's settings.
    pub settings: Arc<Krb5Conf>,
    /// The machine's name servers, which may know KDCs that nobody named. Empty: DNS is not asked.
    pub name_servers: Arc<[SocketAddr]>,
}

/// The port of KDCs.
const PORT: u16 = 88;
/// The most of an answer that is read.
const LONGEST: usize = 256 * 1024;
/// The most that one KDC may take where there are others to ask.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most files that settings may consist of.
const MOST_FILES: usize = 64;

/// Reads `krb5.conf` from these files, the first one counting most, and what they include. Files that are not there, cannot be read or
/// are broken are told and passed over: the machine's settings are a help, not a condition.
pub fn read_krb5_conf(paths: &[PathBuf]) -> (Krb5Conf, Vec<String>) {
    let mut settings = Krb5Conf::default();
    let mut complaints = Vec::new();
    let mut due: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    let mut seen = BTreeSet::new();
    while let Some(path) = due.pop() {
        if seen.len() == MOST_FILES || !seen.insert(path.clone()) {
            continue;
        }
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                complaints.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        match Krb5Conf::parse(&text) {
            Ok(file) => settings.merge(file),
            Err(error) => complaints.push(format!("{}: {error}", path.display())),
        }
        for include in settings.take_includes().into_iter().rev() {
            match include {
                Include::File(path) => due.push(path.into()),
                Include::Folder(path) => due.extend(files_in(Path::new(&path))),
            }
        }
    }
    (settings, complaints)
}

/// The settings in a folder, the last by name first, since they are taken from the end.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let is_settings = |name: &str| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        !name.starts_with('.') && (name.ends_with(".conf") || name.chars().all(plain))
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(is_settings))
        .map(|entry| entry.path())
        .collect();
    files.sort_unstable_by(|left, right| right.cmp(left));
    files
}

impl Endpoint {
    /// The service's name: that of Kerberos (SPN), and what NTLM carries as AV TargetName.
    pub(crate) fn target(&self) -> String {
        let named = self.tls.server_name.as_deref().or(self.url.host_str());
        let host = self.kerberos.host.as_deref().or(named).unwrap_or_default();
        let service = self.kerberos.service.as_deref().unwrap_or("HTTP");
        format!("{service}/{}", host.trim_matches(['[', ']']))
    }

    /// Whether the user is written as an account of the server itself, which no KDC knows: it may know another user of the same name, and
    /// lock that one out.
    pub(crate) fn is_beyond_realms(&self) -> bool {
        self.auth == AuthMethod::Negotiate && self.credentials.user.contains('\\') && self.is_local_account()
    }

    /// The realms of the user and of the server, as far as they are known here.
    pub(crate) fn realm(&self) -> Realm {
        let policy = &self.kerberos;
        let target = self.target();
        let host = target.split_once('/').map_or("", |(_, host)| host);
        Realm {
            user: policy.realm.clone().or_else(|| self.default_realm()),
            server: policy.settings.realm_of_host(host).map(str::to_owned),
        }
    }

    /// The machine's default realm, where the user must mean it. `SERVER\user` and a bare name can be a local account of the server;
    /// asking a KDC for the user of the same name could lock that one out.
    fn default_realm(&self) -> Option<String> {
        let realm = self.kerberos.settings.default_realm()?;
        let name = self.credentials.user_name();
        if name.user.contains('@') || name.domain.contains('.') {
            return None;
        }
        let first_label = realm.split('.').next().unwrap_or_default();
        let meant = self.auth == AuthMethod::Kerberos || name.domain.eq_ignore_ascii_case(first_label);
        meant.then(|| realm.to_owned())
    }

    /// The KDCs that somebody named, as `host:port`.
    fn kdcs(&self, realm: &str) -> Vec<String> {
        let policy = &self.kerberos;
        let name = self.credentials.user_name();
        let own = self.realm().user.or_else(|| {
            let suffix = name.user.rsplit_once('@').map(|(_, suffix)| suffix);
            Some(suffix.unwrap_or(&name.domain).to_owned())
        });
        let is_own = own.is_some_and(|own| own.eq_ignore_ascii_case(realm));
        let kdcs = match is_own && !policy.kdcs.is_empty() {
            true => policy.kdcs.clone(),
            false => policy.settings.kdcs(realm),
        };
        kdcs.iter().map(|kdc| with_port(kdc)).collect()
    }

    /// The KDCs that nobody named: those of DNS, else the host that is called like the realm. Where NTLM will do, nobody waits for them.
    async fn unnamed_kdcs(&self, realm: &str, until: Instant) -> Vec<String> {
        let policy = &self.kerberos;
        if self.auth != AuthMethod::Kerberos && policy.realm.is_none() {
            return Vec::new();
        }
        let mut kdcs = match policy.settings.dns_lookup_kdc() {
            true => service_records::kdcs(realm, &policy.name_servers, until).await,
            false => Vec::new(),
        };
        if kdcs.is_empty() {
            kdcs.push(with_port(&realm.to_lowercase()));
        }
        kdcs
    }
}

/// `host:port`; an IPv6 address stands in brackets then.
fn with_port(kdc: &str) -> String {
    if kdc.parse::<std::net::Ipv6Addr>().is_ok() {
        return format!("[{kdc}]:{PORT}");
    }
    match kdc.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => kdc.to_owned(),
        _ => format!("{kdc}:{PORT}"),
    }
}

/// Asks the realm's KDCs, one after the other until one answers. The error says what became of each.
pub(crate) async fn ask(
    endpoint: &Endpoint,
    request: &KdcRequest,
    until: Instant,
) -> Result<Vec<u8>, String> {
    let mut kdcs = endpoint.kdcs(&request.realm);
    if kdcs.is_empty() {
        kdcs = endpoint.unnamed_kdcs(&request.realm, until).await;
    }
    if kdcs.is_empty() {
        return Err("none is named for it".to_owned());
    }
    let mut tried = Vec::new();
    for kdc in &kdcs {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            tried.push(format!("{kdc}: no time was left"));
            break;
        }
        match tokio::time::timeout(left.min(PATIENCE), exchange(kdc, &request.message)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => tried.push(format!("{kdc}: {error}")),
            Err(_) => tried.push(format!("{kdc}: silence for {:?}", left.min(PATIENCE))),
        }
    }
    Err(tried.join("; "))
}

/// One message and its answer, each behind its length (RFC 4120 7.2.2).
async fn exchange(kdc: &str, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let too_long = |_| std::io::Error::from(std::io::ErrorKind::InvalidInput);
    let length = u32::try_from(message.len()).map_err(too_long)?;
    let mut stream = TcpStream::connect(kdc).await?;
    stream
        .write_all(&[&length.to_be_bytes(), message].concat())
        .await?;
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        let text = format!("expected an answer of at most {LONGEST} bytes, found {length}");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests;
