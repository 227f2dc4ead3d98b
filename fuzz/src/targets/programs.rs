//! What programs on a server print, and what its web pages say.

use command::Output;
use exchange::{classify, health};
use iis::{ApplicationPath, appcmd, application_host, feature, ip_security, network, registry, service};

use super::short;
use crate::bytes::Bytes;

/// The first byte chooses the exit code; a byte 0xff ends the standard output and begins the standard error.
pub(crate) fn programs(input: &[u8]) -> bool {
    let mut input = Bytes(input);
    let exit_code = match input.byte() {
        code @ 0..=0x7f => u32::from(code),
        0x80 => 1168,
        0x81 => 3010,
        0x82 => 4312,
        0x83 => 1060,
        0x84 => 0x8007_0021,
        code => 0xC000_0100 | u32::from(code),
    };
    let mut streams = input.0.splitn(2, |&byte| byte == 0xff);
    let mut next = || streams.next().unwrap_or_default().to_vec();
    let output = Output {
        exit_code,
        stdout: next(),
        stderr: next(),
    };
    let text = output.stdout_text();
    let app: ApplicationPath = "Default Web Site/Microsoft-Server-ActiveSync"
        .parse()
        .expect("a good path");

    let mut accepted = 0;
    let mut judge = |problem: Option<&dyn std::error::Error>| match problem {
        None => accepted += 1,
        Some(error) => short(error),
    };
    macro_rules! parse {
        ($invocation:expr) => {{
            let result = $invocation.parse(&output);
            judge(result.as_ref().err().map(|error| error as _));
            result
        }};
    }
    let effective = parse!(appcmd::list_effective_section(&app));
    let own = parse!(appcmd::list_section(&app));
    if let (Ok(effective), Ok(own)) = (&effective, &own) {
        assert_eq!(effective, own, "the same text, read twice");
        check_section(&app, own);
    }
    let _ = parse!(appcmd::list_app(&app));
    let _ = parse!(appcmd::list_modules());
    let _ = parse!(appcmd::list_worker_processes());
    let _ = parse!(appcmd::list_backups());
    for own_addresses in network::own_addresses() {
        let _ = parse!(own_addresses);
    }
    let _ = parse!(service::query("W3SVC").expect("a good name"));
    let _ = parse!(service::start("W3SVC").expect("a good name"));
    let _ = parse!(feature::state("IIS-IPSecurity").expect("a good name"));
    let _ = parse!(feature::enable("IIS-IPSecurity").expect("a good name"));
    let _ = parse!(registry::query(r"HKLM\SOFTWARE\Microsoft", "Build").expect("good names"));
    let _ = parse!(registry::query_key(r"HKLM\SOFTWARE\Microsoft").expect("a good name"));
    let _ = parse!(exchange::version::query(r"HKLM\SOFTWARE\Microsoft\ExchangeServer").expect("a good name"));
    judge(
        application_host::ip_security_sections(&text)
            .as_ref()
            .err()
            .map(|error| error as _),
    );
    judge(
        application_host::global_modules(&text)
            .as_ref()
            .err()
            .map(|error| error as _),
    );
    judge(
        command::upload::parse(&output)
            .as_ref()
            .err()
            .map(|error| error as _),
    );

    let status = u16::try_from(exit_code % 600).unwrap_or_default();
    let _ = health::judge(status, &text, "CAS01");
    let headers = text.lines().filter_map(|line| line.split_once(':'));
    let _ = classify(status, headers);
    accepted > 0
}

/// A section that was read can be described and brought about again.
fn check_section(app: &ApplicationPath, section: &ip_security::Section) {
    let open = ip_security::Section::default();
    let _ = ip_security::describe(&open, section);
    assert!(section.same_meaning(section));
    for address in ["192.0.2.1", "::1", "::ffff:192.0.2.1"] {
        let _ = section.allows(address.parse().expect("an address"));
    }
    match ip_security::commits(app, &open, section) {
        Ok(commits) => {
            for commit in &commits {
                let line = commit.line.line().as_str();
                assert!(
                    line.len() <= command::CommandLine::MAX,
                    "a line of {} characters",
                    line.len()
                );
            }
        }
        Err(error) => short(&error),
    }
}
