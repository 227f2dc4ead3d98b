//! What a server's log holds of the time before the simulation: as many lines as wanted, made when they are read and held nowhere.
//!
//! Every line has the same length and is a function of its number, so that a file's length and the lines of a stretch of time are known without
//! making the others.

use std::net::IpAddr;
use std::ops::Range;

use jiff::Span;
use jiff::civil::DateTime;

use crate::load_balancer::OWN_ADDRESS;

/// Every line's length in bytes, CR LF included: about that of ActiveSync's lines on real servers.
pub(super) const LINE: u64 = 360;

/// Traffic of the hours before the machine was made.
#[derive(Debug, Clone)]
pub struct FormerTraffic {
    /// How many bytes of log, about, over all files.
    pub bytes: u64,
    /// Over how many hours, spread evenly.
    pub hours: u32,
    /// How many users there are, each with one device: `user0`, `user1`, …
    pub users: u32,
    /// Where they come from, user by user, beginning anew at the end; not empty.
    pub clients: Vec<IpAddr>,
    /// Where the load balancer asks for its health page from; with none it does not.
    pub probes_from: Vec<IpAddr>,
    /// How many of a hundred lines are about other applications.
    pub others: u8,
    /// Seed of what chance decides.
    pub seed: u64,
}

impl FormerTraffic {
    /// A day of a busy server: 5000 users, of whom four in five come through the gateway that the simulated farm's inventory names.
    pub fn of_a_day(bytes: u64) -> Self {
        let gateway = IpAddr::from([127, 0, 0, 10]);
        let elsewhere = (1..=100).map(|last| IpAddr::from([198, 51, 100, last]));
        Self {
            bytes,
            hours: 24,
            users: 5000,
            clients: elsewhere
                .flat_map(|address| [gateway, gateway, address, gateway, gateway])
                .collect(),
            probes_from: vec![OWN_ADDRESS],
            others: 30,
            seed: 0,
        }
    }

    /// How many lines there are.
    fn lines(&self) -> u64 {
        self.bytes / LINE
    }

    fn seconds(&self) -> u64 {
        u64::from(self.hours.max(1)) * 3600
    }

    /// The moment of the first line, where the last one is before `end`.
    pub(super) fn begin(&self, end: DateTime) -> DateTime {
        let seconds = i64::try_from(self.seconds()).unwrap_or(i64::MAX);
        end.saturating_sub(Span::new().seconds(seconds))
    }

    /// The numbers of the lines between two moments.
    pub(super) fn between(&self, end: DateTime, from: DateTime, to: DateTime) -> Range<u64> {
        let begin = self.begin(end);
        // Line i is at second floor(i * seconds / lines): the first one not before second s is number ceil(s * lines / seconds).
        let number = |at: DateTime| {
            let second = u64::try_from(at.duration_since(begin).as_secs()).unwrap_or(0);
            let product = u128::from(second.min(self.seconds())) * u128::from(self.lines());
            u64::try_from(product.div_ceil(u128::from(self.seconds()))).unwrap_or(u64::MAX)
        };
        number(from)..number(to)
    }

    /// Writes line number `i` behind the text.
    pub(super) fn write(&self, i: u64, end: DateTime, server: IpAddr, text: &mut Vec<u8>) {
        let second = u128::from(i) * u128::from(self.seconds()) / u128::from(self.lines().max(1));
        let second = i64::try_from(second).unwrap_or_default();
        let at = self.begin(end).saturating_add(Span::new().seconds(second));
        let dice = scrambled(self.seed ^ i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let request = self.request(dice);
        let start = text.len();
        let time = (
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
        );
        let (y, mo, d, h, mi, s) = time;
        let Request {
            method,
            stem,
            query,
            user,
            client,
            agent,
            status,
        } = &request;
        let head = format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02} {server} {method} {stem} {query}");
        let tail = format!(
            " 443 {user} {client} {agent} - {status} 0 0 {}\r\n",
            dice % 900 + 100
        );
        text.extend_from_slice(head.as_bytes());
        // Exchange writes statistics of its own behind the query; here they fill the line up.
        let fill = usize::try_from(LINE)
            .unwrap_or_default()
            .saturating_sub(head.len() + tail.len());
        text.resize(start + head.len() + fill, b'V');
        text.extend_from_slice(tail.as_bytes());
    }

    fn request(&self, dice: u64) -> Request {
        let percent = dice % 100;
        let pick = |list: &[IpAddr], number: u64| {
            let index = usize::try_from(number).unwrap_or_default() % list.len().max(1);
            list.get(index).copied()
        };
        let number = (dice >> 16) % u64::from(self.users.max(1));
        let loopback = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);
        let client = pick(&self.clients, number).unwrap_or(loopback);
        let plain = |method, stem: &str, client, agent: &str| Request {
            method,
            stem: stem.to_owned(),
            query: "Log=".to_owned(),
            user: "-".to_owned(),
            client,
            agent: agent.to_owned(),
            status: 200,
        };
        match (percent, pick(&self.probes_from, dice >> 8)) {
            (0, _) => plain(
                "GET",
                "/Microsoft-Server-ActiveSync/",
                loopback,
                "AMProbe/Local/ClientAccess",
            ),
            (1, _) => Request {
                query:
                    "Cmd=Settings&User=HealthMailbox0659e34@contoso.example&DeviceId=EASProbeDeviceId141&Log="
                        .to_owned(),
                user: "HealthMailbox0659e34@contoso.example".to_owned(),
                ..plain(
                    "POST",
                    "/Microsoft-Server-ActiveSync/default.eas",
                    loopback,
                    "TestActiveSyncConnectivity",
                )
            },
            (2..=6, Some(balancer)) => plain(
                "GET",
                "/Microsoft-Server-ActiveSync/healthcheck.htm",
                balancer,
                "-",
            ),
            _ if (dice >> 40) % 100 < u64::from(self.others) => {
                plain("POST", "/EWS/Exchange.asmx", client, "MacOutlook/16.78")
            }
            _ => {
                // Devices come without a login first, now and then.
                let (user, status) = match (dice >> 32) % 8 {
                    0 => ("-".to_owned(), 401),
                    _ => (format!(r"CONTOSO\user{number}"), 200),
                };
                Request {
                    query: format!(
                        "Cmd=Ping&User=CONTOSO%5Cuser{number}&DeviceId=DEV{number:08}&DeviceType=iPhone&Log="
                    ),
                    user,
                    status,
                    ..plain(
                        "POST",
                        "/Microsoft-Server-ActiveSync/default.eas",
                        client,
                        "Apple-iPhone14C5/2004.55",
                    )
                }
            }
        }
    }
}

struct Request {
    method: &'static str,
    stem: String,
    query: String,
    user: String,
    client: IpAddr,
    agent: String,
    status: u16,
}

/// SplitMix64's last step: every bit of the result hangs on every bit of the number.
fn scrambled(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    #[test]
    fn lines_have_one_length_and_their_time_in_order() {
        let former = FormerTraffic {
            bytes: 1_000 * LINE + 7,
            hours: 30,
            users: 50,
            clients: vec![
                "203.0.113.9".parse().unwrap(),
                "2001:db8::1234:5678".parse().unwrap(),
            ],
            probes_from: vec!["192.0.2.5".parse().unwrap()],
            others: 20,
            seed: 3,
        };
        let end = datetime(2026, 11, 25, 19, 0, 0, 0);
        assert_eq!(former.begin(end), datetime(2026, 11, 24, 13, 0, 0, 0));
        let midnight = datetime(2026, 11, 25, 0, 0, 0, 0);
        let (first, second) = (
            former.between(end, former.begin(end), midnight),
            former.between(end, midnight, end),
        );
        assert_eq!((first.start, first.end, second.end), (0, second.start, 1_000));
        let mut text = Vec::new();
        for i in 0..1_000 {
            former.write(i, end, "192.0.2.11".parse().unwrap(), &mut text);
        }
        assert_eq!(text.len(), 360_000);
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines
                .iter()
                .all(|line| line.len() == 358 && line.split(' ').count() == 15)
        );
        assert!(lines.is_sorted_by_key(|line| &line[..19]));
        let boundary = usize::try_from(first.end).unwrap();
        assert!(
            lines[boundary - 1].starts_with("2026-11-24 23") && lines[boundary].starts_with("2026-11-25 00")
        );
        for part in [
            "AMProbe",
            "HealthMailbox",
            "healthcheck.htm",
            "/EWS/",
            " 401 ",
            "user49",
            "2001:db8",
        ] {
            assert!(lines.iter().any(|line| line.contains(part)), "{part}");
        }
    }
}
