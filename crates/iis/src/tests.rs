//! Output that was cut or garbled on its way must never be taken for another answer: a section with fewer rules would be "put right" by deleting
//! the rest.

use command::Output;
use proptest::prelude::*;

use crate::ip_security::{Rule, Section};
use crate::{
    ApplicationPath, appcmd, disk, feature, network, process, redirection, registry, schema, service, shell,
    system,
};

fn app() -> ApplicationPath {
    "Default Web Site/Microsoft-Server-ActiveSync".parse().unwrap()
}

fn printed(section: &Section) -> String {
    let rules: String = section
        .rules
        .iter()
        .map(|rule| {
            format!(
                "      <add ipAddress=\"{}\" subnetMask=\"{}\" domainName=\"\" allowed=\"{}\" />\r\n",
                rule.ip_address, rule.subnet_mask, rule.allowed
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<appcmd>\r\n  <CONFIG CONFIG.SECTION=\"system.webServer/security/ipSecurity\" \
         path=\"MACHINE/WEBROOT/APPHOST/Default Web Site/Microsoft-Server-ActiveSync\" overrideMode=\"Inherit\" locked=\"false\">\r\n    \
         <system.webServer-security-ipSecurity allowUnlisted=\"{}\">\r\n{rules}    </system.webServer-security-ipSecurity>\r\n  \
         </CONFIG>\r\n</appcmd>\r\n",
        section.allow_unlisted
    )
}

fn any_section() -> impl Strategy<Value = Section> {
    let rule = (any::<[u8; 4]>(), any::<bool>(), 1u8..=32).prop_map(|(ip, allowed, bits)| {
        let network = ipnet::Ipv4Net::new(ip.into(), bits).unwrap();
        Rule {
            allowed,
            ..Rule::allow_network(network.into())
        }
    });
    (any::<bool>(), proptest::collection::vec(rule, 0..5)).prop_map(|(allow_unlisted, mut rules)| {
        // IIS has no section with the same entry twice.
        let mut seen = std::collections::HashSet::new();
        rules.retain(|rule| seen.insert(rule.key()));
        Section {
            allow_unlisted,
            rules,
            ..Section::default()
        }
    })
}

proptest! {
    #[test]
    fn a_section_is_read_whole_or_not_at_all(section in any_section(), cut in any::<prop::sample::Index>()) {
        let text = printed(&section);
        let invocation = appcmd::list_effective_section(&app());
        let parse = |stdout: &str| invocation.parse(&Output { exit_code: 0, stdout: stdout.into(), stderr: Vec::new() });
        prop_assert_eq!(parse(&text), Ok(section.clone()));
        let cut = cut.index(text.len());
        if let Ok(read) = parse(&text[..cut]) {
            prop_assert_eq!(text[cut..].trim(), "");
            prop_assert_eq!(read, section);
        }
    }

    #[test]
    fn no_output_makes_a_parser_panic_and_no_failure_becomes_a_fact(
        exit_code in prop_oneof![Just(2u32), Just(1u32), Just(0u32), Just(1168u32), any::<u32>()],
        stdout in prop_oneof![
            any::<Vec<u8>>(),
            r#"(ERROR|APP|WP|MODULE|BACKUP|STATE|State| |\(|\)|"|:|,|[0-9]|<configuration>|<SITE|<appcmd>|</appcmd>|<CONFIG>|message|hresult|\r\n){0,30}"#.prop_map(String::into_bytes),
        ],
        stderr in any::<Vec<u8>>(),
    ) {
        let output = Output { exit_code, stdout, stderr };
        let failed = exit_code != 0;
        prop_assert!(!(failed && appcmd::list_section(&app()).parse(&output).is_ok()));
        prop_assert!(!(failed && appcmd::list_effective_section(&app()).parse(&output).is_ok()));
        prop_assert!(!(failed && appcmd::add_backup("x").unwrap().parse(&output).is_ok()));
        prop_assert!(!(failed && matches!(appcmd::list_app(&app()).parse(&output), Ok(Some(_)))));
        prop_assert!(!(failed && appcmd::list_worker_processes().parse(&output).is_ok_and(|found| !found.is_empty())));
        prop_assert!(!(failed && appcmd::list_modules().parse(&output).is_ok_and(|found| !found.is_empty())));
        prop_assert!(!(failed && service::query("W3SVC").unwrap().parse(&output).is_ok()));
        prop_assert!(!(failed && feature::state("IIS-IPSecurity").unwrap().parse(&output).is_ok()));
        prop_assert!(!(failed && matches!(registry::query(r"HKLM\x", "y").unwrap().parse(&output), Ok(Some(_)))));
        prop_assert!(!(failed && appcmd::list_server_section().parse(&output).is_ok()));
        prop_assert!(!(failed && appcmd::list_sites().parse(&output).is_ok_and(|found| !found.is_empty())));
        prop_assert!(!(failed && appcmd::list_applications().parse(&output).is_ok_and(|found| !found.is_empty())));
        prop_assert!(!(failed && appcmd::list_app_pools().parse(&output).is_ok_and(|found| !found.is_empty())));
        prop_assert!(!(failed && disk::free().parse(&output).is_ok()));
        prop_assert!(!(failed && process::list().parse(&output).is_ok()));
        prop_assert!(!(failed && redirection::source().parse(&output).is_ok()));
        prop_assert!(!(failed && schema::ip_security().parse(&output).is_ok()));
        prop_assert!(!(failed && shell::elevation().parse(&output).is_ok()));
        prop_assert!(!(failed && matches!(system::windows().unwrap().parse(&output), Ok(Some(_)))));
        for invocation in network::own_addresses() {
            prop_assert!(!(failed && invocation.parse(&output).is_ok()));
        }
    }
}
