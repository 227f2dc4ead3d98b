//! The web server's log, which holds what strangers sent.

use exchange::traffic::{Judge, Requester, Traffic};
use iis::ip_security::{Rule, Section};
use iis::web_log::Reader;

/// The first byte says where the log is cut in two; wherever that is, the same requests come out, and none is counted twice.
pub(crate) fn web_log(input: &[u8]) -> bool {
    let Some((cut, log)) = input.split_first() else {
        return false;
    };
    let whole = read(&[log]);
    let (head, tail) = log.split_at(log.len() * usize::from(*cut) / 255);
    let pieces = read(&[head, tail]);
    assert_eq!(whole.1, pieces.1, "pieces make no difference");
    assert_eq!(whole.2, pieces.2, "pieces make no difference");
    let traffic = whole.0;
    let (users, devices) = (traffic.users(), traffic.devices());
    for (name, _) in users.clients.iter().chain(&devices.clients) {
        assert!(
            name.len() <= 128 && !name.chars().any(char::is_control),
            "{name:?}"
        );
    }
    assert!(traffic.denied + traffic.already_refused <= traffic.requests);
    let probes = traffic.probes(Requester::HealthPage);
    assert!(probes.denied <= probes.requests);
    whole.2 > 0
}

/// The count, how many lines were passed over, and how many were requests.
fn read(pieces: &[&[u8]]) -> (Traffic, u64, u64) {
    let mut judge = Judge::new(
        "/Microsoft-Server-ActiveSync",
        Section {
            allow_unlisted: false,
            enable_proxy_mode: Some(true),
            rules: vec![Rule::allow_address([203, 0, 113, 9].into())],
            ..Section::default()
        },
    );
    let mut traffic = Traffic::watching([]);
    let mut reader = Reader::default();
    let mut requests = 0;
    for piece in pieces {
        reader.push(piece, &mut |entry| {
            requests += 1;
            traffic.take(&mut judge, entry);
        });
    }
    let faults = reader.faults();
    (traffic, faults.malformed + faults.too_long, requests)
}
