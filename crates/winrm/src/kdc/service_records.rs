//! The KDCs of a realm as DNS names them: the SRV records `_kerberos._tcp.REALM` (RFC 4120 7.2.3.2), in the order of RFC 2782.
//!
//! A stub that asks the machine's own name servers, which do the work. Answers are not secret and need not be true: whoever lies about a KDC
//! gains nothing, since a KDC has to know the user's key.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE};
use tokio::net::UdpSocket;
use tokio::time::Instant;

/// The most that one name server may take where others can be asked.
const PATIENCE: Duration = Duration::from_secs(2);
/// As much as a datagram holds; what does not fit is cut off by the name server, and the first records are enough.
const LONGEST: usize = 4096;
/// The most KDCs that are taken.
const MOST: usize = 16;
/// The port of name servers.
const PORT: u16 = 53;

/// The name servers that a `resolv.conf` names, in its order. A file that is not there or is broken names none.
pub fn read_name_servers(path: &Path) -> Vec<SocketAddr> {
    let text = std::fs::read(path).unwrap_or_default();
    let servers = resolv_conf::Config::parse(text).map(|config| config.nameservers);
    servers
        .unwrap_or_default()
        .into_iter()
        .map(|server| SocketAddr::new(server.into(), PORT))
        .collect()
}

/// The KDCs of a realm, `host:port`, the best first. Empty where no name server knows any, or none answers before `until`.
pub(super) async fn kdcs(realm: &str, name_servers: &[SocketAddr], until: Instant) -> Vec<String> {
    for server in name_servers {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        if let Ok(Some(kdcs)) = tokio::time::timeout(left.min(PATIENCE), ask(realm, *server)).await {
            return kdcs;
        }
    }
    Vec::new()
}

/// One question to one name server; `None` when it cannot be asked or does not know.
async fn ask(realm: &str, server: SocketAddr) -> Option<Vec<String>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await.ok()?;
    // Connected, so that only this server's datagrams come in.
    socket.connect(server).await.ok()?;
    let id = rand::random();
    socket.send(&question(realm, id)?).await.ok()?;
    let mut answer = [0; LONGEST];
    loop {
        let length = socket.recv(&mut answer).await.ok()?;
        // Datagrams that are no answer to this question are passed over.
        match read(answer.get(..length)?, id) {
            Answer::Another => {}
            Answer::Kdcs(kdcs) => return Some(kdcs),
            Answer::Refused => return None,
        }
    }
}

fn question(realm: &str, id: u16) -> Option<Vec<u8>> {
    let name = format!("_kerberos._tcp.{}", realm.to_lowercase());
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(
        Name::new(&name).ok()?.into_owned(),
        TYPE::SRV.into(),
        CLASS::IN.into(),
        false,
    ));
    packet.build_bytes_vec().ok()
}

enum Answer {
    /// Not to this question.
    Another,
    Kdcs(Vec<String>),
    /// The server cannot or will not tell.
    Refused,
}

fn read(bytes: &[u8], id: u16) -> Answer {
    let Ok(packet) = Packet::parse(bytes) else {
        return Answer::Another;
    };
    if packet.id() != id || !packet.has_flags(PacketFlag::RESPONSE) {
        return Answer::Another;
    }
    match packet.rcode() {
        RCODE::NoError | RCODE::NameError => {}
        _ => return Answer::Refused,
    }
    let mut records: Vec<_> = packet
        .answers
        .iter()
        .filter_map(|record| match &record.rdata {
            // A lone dot says that there is no such service here (RFC 2782).
            RData::SRV(srv) if srv.target.to_string().trim_matches('.').is_empty() => None,
            RData::SRV(srv) => Some((
                srv.priority,
                u16::MAX - srv.weight,
                srv.target.to_string(),
                srv.port,
            )),
            _ => None,
        })
        .collect();
    // By priority, then the heaviest first: RFC 2782 asks for chance among equals, which spreads load. One login spreads none.
    records.sort();
    Answer::Kdcs(
        records
            .into_iter()
            .take(MOST)
            .map(|(_, _, host, port)| format!("{}:{port}", host.trim_end_matches('.')))
            .collect(),
    )
}

#[cfg(test)]
mod tests;
