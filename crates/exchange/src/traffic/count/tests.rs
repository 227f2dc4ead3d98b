use iis::ip_security::{Rule, Section};
use proptest::prelude::*;

use super::*;

const PATH: &str = "/Microsoft-Server-ActiveSync";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Only 203.0.113.0/24 and the loopback may come in.
fn judge() -> Judge {
    let rules = vec![
        Rule::allow_network("203.0.113.0/24".parse().unwrap()),
        Rule::allow_address(ip("::1")),
    ];
    Judge::new(
        PATH,
        Section {
            allow_unlisted: false,
            rules,
            ..Section::default()
        },
    )
}

fn entry<'a>(client: &str, query: &'a str, status: u16) -> Entry<'a> {
    Entry {
        client: Some(ip(client)),
        stem: Some("/Microsoft-Server-ActiveSync/default.eas"),
        query: Some(query),
        status: Some(status),
        substatus: Some(0),
        ..Entry::default()
    }
}

fn counted<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Traffic {
    let mut traffic = Traffic::watching([]);
    entries
        .into_iter()
        .for_each(|entry| traffic.take(&mut judge(), &entry));
    traffic
}

fn names(cut_off: &CutOff<'_>) -> Vec<String> {
    cut_off
        .clients
        .iter()
        .map(|(name, client)| format!("{name} {}/{}", client.cut_off, client.kept))
        .collect()
}

#[test]
fn people_and_devices_are_named_with_what_they_lose() {
    let traffic = counted([
        entry("198.51.100.7", "User=anna&DeviceId=A1&DeviceType=iPhone", 200),
        entry("198.51.100.7", "User=anna&DeviceId=A1&DeviceType=iPhone", 200),
        entry("203.0.113.9", "User=Anna&DeviceId=a1", 200),
        entry("203.0.113.9", "User=ben&DeviceId=B2", 200),
        entry("198.51.100.8", "User=CONTOSO%5Ccleo&DeviceId=C3", 449),
    ]);
    assert_eq!(
        (traffic.requests, traffic.denied, traffic.already_refused),
        (5, 3, 0)
    );
    assert_eq!(names(&traffic.users()), ["anna 2/1", r"contoso\cleo 1/0"]);
    assert_eq!(names(&traffic.devices()), ["a1 2/1", "c3 1/0"]);
    assert_eq!((traffic.users().of, traffic.devices().of), (3, 3));
    let (_, anna) = traffic.devices().clients[0];
    assert_eq!(
        (anna.user.as_deref(), anna.kind.as_deref()),
        (Some("anna"), Some("iphone"))
    );
    assert_eq!(
        traffic.denied_addresses(),
        [(ip("198.51.100.7"), 2), (ip("198.51.100.8"), 1)]
    );
}

#[test]
fn only_who_is_served_today_can_be_cut_off() {
    let mut refused = entry("198.51.100.7", "User=dora&DeviceId=D4", 403);
    refused.substatus = Some(503);
    let traffic = counted([entry("198.51.100.7", "User=guess&DeviceId=X", 401), refused]);
    assert_eq!(
        (traffic.requests, traffic.denied, traffic.already_refused),
        (2, 1, 1)
    );
    assert!(traffic.users().clients.is_empty() && traffic.devices().clients.is_empty());
    assert_eq!(traffic.users().of, 0);
}

#[test]
fn probes_are_kept_apart() {
    let mut local = entry("::1", "-", 200);
    local.agent = Some("AMProbe/Local/ClientAccess");
    let mut balancer = entry("192.0.2.5", "-", 200);
    balancer.stem = Some("/Microsoft-Server-ActiveSync/healthcheck.htm");
    let traffic = counted([local, balancer, balancer]);
    assert_eq!(traffic.requests, 0);
    let own = traffic.probes(Requester::ManagedAvailability);
    assert_eq!((own.requests, own.denied), (1, 0));
    let page = traffic.probes(Requester::HealthPage);
    assert_eq!(
        (page.requests, page.denied, page.denied_addresses()),
        (2, 2, vec![(ip("192.0.2.5"), 2)])
    );
    assert_eq!(traffic.probes(Requester::HealthMailbox), Probes::default());
}

#[test]
fn other_applications_do_not_count_and_lines_without_address_are_told() {
    let mut other = entry("198.51.100.7", "-", 200);
    other.stem = Some("/owa/");
    let mut nobody = entry("198.51.100.7", "-", 200);
    nobody.client = None;
    let traffic = counted([other, nobody]);
    assert_eq!((traffic.requests, traffic.unjudged), (0, 1));
}

#[test]
fn entries_from_where_nobody_came() {
    let nets: [IpNet; 2] = [
        "203.0.113.0/28".parse().unwrap(),
        "203.0.113.64/28".parse().unwrap(),
    ];
    let mut traffic = Traffic::watching(nets);
    traffic.take(&mut judge(), &entry("203.0.113.9", "-", 200));
    assert_eq!(traffic.unseen().collect::<Vec<_>>(), [&nets[1]]);
    let mut elsewhere = Traffic::watching(nets);
    elsewhere.take(&mut judge(), &entry("203.0.113.65", "-", 200));
    traffic.absorb(elsewhere);
    assert_eq!(traffic.unseen().count(), 0);
}

/// `devices` devices behind each of `busy`, twenty requests each, and five requests from elsewhere.
fn crowd(busy: &[&str], devices: usize) -> Traffic {
    let queries: Vec<String> = (0..devices).map(|n| format!("DeviceId=D{n}")).collect();
    let mut entries = Vec::new();
    for address in busy {
        for query in &queries {
            entries.extend([entry(address, query, 200); 20]);
        }
    }
    entries.extend([entry("198.51.100.99", "DeviceId=far", 200); 5]);
    counted(entries)
}

#[test]
fn a_crowd_behind_one_or_two_addresses_is_seen() {
    let told = |traffic: &Traffic| {
        let gateways = traffic.gateways();
        gateways
            .iter()
            .map(|g| format!("{} {} {}", g.address, g.clients, g.allowed))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&crowd(&["192.0.2.5"], 6)), ["192.0.2.5 6 false"]);
    assert_eq!(told(&crowd(&["203.0.113.5"], 30)), ["203.0.113.5 16 true"]);
    assert_eq!(
        told(&crowd(&["192.0.2.5", "203.0.113.6"], 6)),
        ["192.0.2.5 6 false", "203.0.113.6 6 true"]
    );
    assert!(
        told(&crowd(&["192.0.2.5"], 4)).is_empty(),
        "four devices are no crowd"
    );
    assert!(told(&crowd(&["192.0.2.5", "192.0.2.6", "192.0.2.7"], 6)).is_empty());
    assert!(
        told(&counted(vec![entry("192.0.2.5", "DeviceId=A", 200); 40])).is_empty(),
        "too little was seen"
    );
}

#[test]
fn memory_is_bounded_and_says_so() {
    let mut traffic = Traffic::watching([]);
    traffic.addresses = Capped::new(3);
    traffic.devices = Capped::new(2);
    for n in 0..10 {
        traffic.take(
            &mut judge(),
            &entry(&format!("198.51.100.{n}"), &format!("DeviceId=D{n}"), 200),
        );
    }
    assert_eq!((traffic.requests, traffic.denied), (10, 10));
    assert_eq!(traffic.addresses(), (3, false));
    assert_eq!((traffic.devices().of, traffic.devices().is_whole), (2, false));
    assert!(traffic.gateways().is_empty());
}

proptest! {
    /// However the lines are spread over servers, the farm's count is the same.
    #[test]
    fn counts_add_up(lines in proptest::collection::vec((0u8..6, 0u8..4, prop_oneof![Just(200u16), Just(401), Just(403)], any::<bool>()), 0..60)) {
        let queries: Vec<String> = (0..4).map(|n| format!("User=u{n}&DeviceId=d{n}")).collect();
        let entries: Vec<Entry<'_>> = lines
            .iter()
            .map(|(host, query, status, _)| {
                let net = if host % 2 == 0 { "203.0.113" } else { "198.51.100" };
                entry(&format!("{net}.{host}"), &queries[usize::from(*query)], *status)
            })
            .collect();
        let whole = counted(entries.clone());
        let part = |wanted| counted(lines.iter().zip(&entries).filter(|((.., here), _)| *here == wanted).map(|(_, entry)| *entry));
        let mut sum = part(true);
        sum.absorb(part(false));
        prop_assert_eq!((sum.requests, sum.denied, sum.already_refused), (whole.requests, whole.denied, whole.already_refused));
        prop_assert_eq!(&sum.users, &whole.users);
        prop_assert_eq!(&sum.addresses, &whole.addresses);
        prop_assert_eq!(sum.denied_addresses(), whole.denied_addresses());
    }
}
