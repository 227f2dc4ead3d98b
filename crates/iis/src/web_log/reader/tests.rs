use proptest::prelude::*;

use super::*;

/// As IIS 10 writes it.
const LOG: &str = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-11-25 19:00:00\r\n\
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n\
2026-11-25 19:00:01 192.0.2.11 POST /Microsoft-Server-ActiveSync/default.eas Cmd=Ping&User=anna&DeviceId=A1&DeviceType=iPhone 443 CONTOSO\\anna 203.0.113.9 Apple-iPhone14C5/2004.55 - 200 0 0 470312\r\n\
2026-11-25 19:00:02 192.0.2.11 GET /Microsoft-Server-ActiveSync/healthcheck.htm - 443 - 192.0.2.5 - - 200 0 0 1\r\n";

/// What the reader makes of a text that comes in these pieces: a line for each request.
fn read(pieces: &[&[u8]]) -> (Vec<String>, Faults) {
    let mut reader = Reader::default();
    let mut found = Vec::new();
    for piece in pieces {
        reader.push(piece, &mut |entry| found.push(format!("{entry:?}")));
    }
    reader.end();
    (found, reader.faults())
}

fn first(text: &str) -> Entry<'_> {
    let line = text.lines().nth(4).unwrap();
    Fields::parse(text.lines().nth(3).unwrap().strip_prefix("#Fields:").unwrap())
        .read(line, None)
        .unwrap()
}

#[test]
fn a_log_as_iis_writes_it() {
    let entry = first(LOG);
    assert_eq!(entry.user, Some(r"CONTOSO\anna"));
    assert_eq!(entry.parameter("DeviceId"), Some("A1"));
    assert_eq!(entry.client, Some("203.0.113.9".parse().unwrap()));
    let (found, faults) = read(&[LOG.as_bytes()]);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], format!("{entry:?}"));
    assert_eq!(faults, Faults::default());
}

#[test]
fn columns_may_change_within_a_file() {
    let log = format!("{LOG}#Fields: c-ip cs-uri-stem\r\n203.0.113.7 /x\r\n203.0.113.8 /y z\r\n");
    let (found, faults) = read(&[log.as_bytes()]);
    assert_eq!(found.len(), 3);
    assert!(found[2].contains("203.0.113.7"), "{found:?}");
    assert_eq!(faults.malformed, 1);
}

#[test]
fn what_is_no_line_is_counted_and_the_rest_read() {
    let long = "x".repeat(200_000);
    let log = format!(
        "early\r\n{LOG}{long}\r\nhalf a line\r\n\0\0\0\0\r\n{}",
        LOG.lines().last().unwrap()
    );
    let (found, faults) = read(&[log.as_bytes(), b"\r\n"]);
    assert_eq!(
        found.len(),
        3,
        "the last line is whole only with the second piece"
    );
    assert_eq!(
        faults,
        Faults {
            malformed: 2,
            too_long: 1
        }
    );
    let (found, faults) = read(&[&log.as_bytes()[..log.len() - 400]]);
    assert_eq!(
        (found.len(), faults.too_long),
        (2, 1),
        "a line that was cut off is no line"
    );
}

#[test]
fn a_line_without_end_takes_no_memory() {
    let mut reader = Reader::default();
    for _ in 0..1_000 {
        reader.push(&[b'x'; 10_000], &mut |_| panic!("no request"));
        assert!(reader.pending.len() <= LONGEST && reader.pending.capacity() <= 2 * LONGEST);
    }
    reader.push(b"\n", &mut |_| panic!("no request"));
    assert_eq!(reader.faults().too_long, 1);
}

proptest! {
    /// Wherever the pieces end, the same requests come out.
    #[test]
    fn pieces_may_end_anywhere(mut cuts in proptest::collection::vec(0..=LOG.len(), 0..12)) {
        cuts.extend([0, LOG.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &LOG.as_bytes()[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read(&pieces), read(&[LOG.as_bytes()]));
    }

    /// Nothing that a server may send makes the reader fail, and no line is lost from the count.
    #[test]
    fn every_line_is_read_or_counted(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b' '), Just(b'#')], 0..400)) {
        let mut reader = Reader::default();
        let mut taken = 0u64;
        reader.push(b"#Fields: date time c-ip\r\n", &mut |_| {});
        reader.push(&bytes, &mut |_| taken += 1);
        reader.push(b"\n", &mut |_| taken += 1);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines = text.split('\n').filter(|line| !line.starts_with('#') && !line.trim_end_matches('\r').trim_matches(['\0', ' ']).is_empty());
        if !text.contains("#Fields:") {
            prop_assert_eq!(taken + reader.faults().malformed, u64::try_from(lines.count()).unwrap());
        }
    }
}
