//! `netsh.exe`: the server's own addresses.

use std::net::IpAddr;

use command::{CommandLine, Invocation, Output};

use crate::Error;
use crate::error::excerpt;
use crate::ip_security::Rule;

/// More addresses than a server has.
const MOST: usize = 4096;

/// All addresses of the server, of both families: ask both. Loopback is among them; zones (`%14`) are cut off. A server without IPv6 answers the
/// second with an empty list.
pub fn own_addresses() -> [Invocation<Result<Vec<IpAddr>, Error>>; 2] {
    const V4: CommandLine = CommandLine::literal("netsh interface ipv4 show ipaddresses");
    const V6: CommandLine = CommandLine::literal("netsh interface ipv6 show addresses");
    [
        Invocation::new(V4, |output| {
            let addresses = read(V4.as_str(), output, IpAddr::is_ipv4)?;
            if addresses.is_empty() {
                // Every server has at least 127.0.0.1: an empty list was not understood.
                let found = excerpt(&output.stdout_text());
                return Err(Error::Unreadable {
                    program: V4.to_string(),
                    expected: "IPv4 addresses",
                    found,
                });
            }
            Ok(addresses)
        }),
        Invocation::new(V6, |output| read(V6.as_str(), output, IpAddr::is_ipv6)),
    ]
}

/// The same addresses as rules that allow them. Link-local ones keep their zone as Windows prints it (`fe80::1%14`): that is what IIS compares with
/// ("ipSecurity" as Microsoft's own Exchange script writes it).
pub fn own_rules() -> [Invocation<Result<Vec<Rule>, Error>>; 2] {
    own_addresses().map(|listing| {
        let line = listing.line().clone();
        Invocation::new(line, move |output| {
            let text = output.stdout_text();
            let rule = |address: IpAddr| {
                let zoned = format!("{address}%");
                let mut rule = Rule::allow_address(address);
                if let Some(printed) = text.split_whitespace().find(|word| word.starts_with(&zoned)) {
                    rule.ip_address = printed.to_owned();
                }
                rule
            };
            Ok(listing.parse(output)?.into_iter().map(rule).collect())
        })
    })
}

/// netsh prints a table below each interface's name, all in the language of the server; the address is a line's last word. A line with a colon
/// and a blank names an interface, and people call interfaces anything.
fn read(program: &str, output: &Output, family: fn(&IpAddr) -> bool) -> Result<Vec<IpAddr>, Error> {
    if output.exit_code != 0 {
        return Err(Error::failed(program, output));
    }
    let mut addresses: Vec<IpAddr> = Vec::new();
    let text = output.stdout_text();
    for line in text.lines().filter(|line| !line.contains(": ")) {
        let last = line.split_whitespace().next_back().unwrap_or_default();
        let address = last
            .split('%')
            .next()
            .and_then(|word| word.parse::<IpAddr>().ok());
        if let Some(address) = address.filter(|a| family(a) && !a.is_unspecified() && !addresses.contains(a))
        {
            if addresses.len() == MOST {
                return Err(Error::Unreadable {
                    program: program.to_owned(),
                    expected: "at most 4096 addresses",
                    found: excerpt(&text),
                });
            }
            addresses.push(address);
        }
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use command::Output;

    use super::{own_addresses, own_rules};
    use crate::Error;

    fn printed(stdout: &str) -> Output {
        Output {
            exit_code: 0,
            stdout: stdout.into(),
            stderr: Vec::new(),
        }
    }

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn tables_in_any_language() {
        let [v4, v6] = own_addresses();
        let english = "\r\nInterface 1: Loopback Pseudo-Interface 1\r\n\r\nAddr Type  DAD State   Valid Life Pref. Life Address\r\n\
            ---------  ----------- ---------- ---------- ------------------------\r\n\
            Other      Preferred     infinite   infinite 127.0.0.1\r\n\r\n\
            Interface 14: LAN 10.9.9.9\r\n\r\nAddr Type  DAD State   Valid Life Pref. Life Address\r\n\
            ---------  ----------- ---------- ---------- ------------------------\r\n\
            Manual     Preferred     infinite   infinite 192.0.2.11\r\nDhcp       Preferred    7d23h59m   7d23h59m 192.0.2.12\r\n";
        assert_eq!(
            v4.parse(&printed(english)),
            Ok(ips(&["127.0.0.1", "192.0.2.11", "192.0.2.12"]))
        );
        let german = "\r\nSchnittstelle 1: Loopback Pseudo-Interface 1\r\n\r\nAdresstyp  DAD-Status  Gültigkeit Bevorzugt  Adresse\r\n\
            ---------  ----------- ---------- ---------- ------------------------\r\n\
            Andere     Bevorzugt     infinite   infinite ::1\r\n\r\nSchnittstelle 14: Ethernet\r\n\r\n\
            Andere     Bevorzugt     infinite   infinite fe80::de2:4f45:21dc:6c5a%14\r\nAndere     Bevorzugt     infinite   infinite ::1\r\n";
        assert_eq!(
            v6.parse(&printed(german)),
            Ok(ips(&["::1", "fe80::de2:4f45:21dc:6c5a"]))
        );
    }

    #[test]
    fn nothing_understood_is_not_no_address() {
        let [v4, v6] = own_addresses();
        assert!(matches!(
            v4.parse(&printed("The following command was not found")),
            Err(Error::Unreadable { .. })
        ));
        assert_eq!(v6.parse(&printed("\r\n")), Ok(Vec::new()));
        let many: String = (0..100_000)
            .map(|n| format!("x {}\r\n", std::net::Ipv6Addr::from(n + 1)))
            .collect();
        let error = v6.parse(&printed(&many)).unwrap_err().to_string();
        assert!(error.contains("at most 4096 addresses"), "{error}");
        for invocation in [v4, v6] {
            let failed = invocation.parse(&Output {
                exit_code: 1,
                ..Output::default()
            });
            assert_eq!(failed.unwrap_err().exit_code(), Some(1));
        }
    }

    #[test]
    fn link_local_addresses_keep_their_zone() {
        let [_, v6] = own_rules();
        let rules = v6
            .parse(&printed(
                "\r\nInterface 14: Ethernet\r\n\r\nOther      Preferred     infinite   infinite fe80::de2:4f45:21dc:6c5a%14\r\n\
                 Manual     Preferred     infinite   infinite 2001:db8::10\r\n",
            ))
            .unwrap();
        let addresses: Vec<_> = rules.iter().map(|rule| rule.ip_address.as_str()).collect();
        assert_eq!(addresses, ["fe80::de2:4f45:21dc:6c5a%14", "2001:db8::10"]);
        assert!(rules.iter().all(|rule| rule.allowed));
    }
}
